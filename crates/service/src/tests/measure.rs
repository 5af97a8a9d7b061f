//! Budgets through the front office: who opens and sets them, what an exact release does to them, what a start
//! finds when somebody wrote past the store.

use governance::measure::{Ask, Budget, Caps, Family, Level, Loss, Measurement, Place};
use governance::{Batch, Lifecycle, Refusal};
use store::{Filter, Record};

use super::rooms::hash;
use super::{House, denied};
use crate::{Clock, ServiceError};

fn loss(nano_rho: u64) -> Loss {
    Loss {
        nano_rho,
        atto_delta: 0,
    }
}

fn caps() -> Caps {
    Caps {
        people: loss(500_000_000),
        project: loss(50_000_000),
        researcher: loss(20_000_000),
        projects: [].into(),
    }
}

impl House {
    pub(super) async fn opened_budget(&self) {
        self.opened_budget_with(caps()).await;
    }

    pub(super) async fn opened_budget_with(&self, caps: Caps) {
        let controller = self.caller("controller").await;
        let opened = self.service.open_budget(&controller, &self.dataset, caps);
        opened.await.unwrap();
    }

    /// A question of Ada's, reserved by the rules as a researcher's act would.
    async fn reserved(&self) -> Measurement {
        self.reserved_at(loss(1_000_000)).await
    }

    pub(super) async fn reserved_at(&self, price: Loss) -> Measurement {
        let (project, workspace) = self.working().await;
        let (ada, at) = (self.person("ada").await, self.clock.now());
        let extract = workspace.core().extract.clone();
        let extract = self
            .service
            .store()
            .load(extract.as_str())
            .await
            .unwrap()
            .unwrap();
        let budget = self.budget().await;
        let family = Family::of(&self.dataset, Some(budget), None).unwrap();
        let ask = Ask {
            request: hash('5'),
            text: hash('4'),
            price,
            until: governance::Timestamp::from_second(at.as_second() + 60).unwrap(),
        };
        let place = Place {
            permit: &project.permit(&ada, at).unwrap(),
            workspace: &workspace,
            extract: &extract.value,
        };
        self.begin(Measurement::reserve(&ask, place, &[family], &ada.id, at).unwrap())
            .await
    }

    /// Has it run by the rules, without a job.
    pub(super) async fn runs(&self, held: &Measurement) {
        let (ada, at) = (self.person("ada").await, self.clock.now());
        let store = self.service.store();
        let project = store.load::<governance::project::Project>(held.core().project.as_str());
        let project = project.await.unwrap().unwrap().value;
        let in_force = project.in_force(governance::Action::RunQuery).unwrap();
        let permit = in_force.permit(&ada, at).unwrap();
        let extract = store.load(held.core().extract.as_str()).await;
        let extract = extract.unwrap().unwrap().value;
        let job = "job_9".parse().unwrap();
        self.step::<Measurement>(held.id(), |m| m.run(job, &permit, &extract, &ada.id, at))
            .await;
    }

    async fn budget(&self) -> (Budget, i64) {
        let all = self.service.store().list::<Budget>(Filter::default()).await;
        let held = all.unwrap().pop().unwrap();
        (held.value, held.version)
    }
}

#[tokio::test]
async fn a_controller_opens_and_sets_the_budget_of_its_own_dataset_and_reads_who_spent_what() {
    let house = House::open().await;
    let service = &house.service;
    for name in [
        "other-controller",
        "ada",
        "steward",
        "administrator",
        "chair",
    ] {
        let caller = house.caller(name).await;
        denied(service.open_budget(&caller, &house.dataset, caps()).await);
    }
    house.opened_budget().await;
    let controller = house.caller("controller").await;
    let again = service
        .open_budget(&controller, &house.dataset, caps())
        .await;
    assert!(matches!(
        again,
        Err(ServiceError::Store(store::StoreError::Stale { .. }))
    ));

    let held = house.reserved().await;
    for name in ["controller", "auditor"] {
        let caller = house.caller(name).await;
        let view = service.budget(&caller, &house.dataset).await.unwrap();
        let rows: Vec<_> = view
            .accounts
            .iter()
            .map(|a| (a.level, a.held, a.left))
            .collect();
        assert_eq!(
            rows,
            [
                (Level::People, loss(1_000_000), loss(499_000_000)),
                (Level::Project, loss(1_000_000), loss(49_000_000)),
                (Level::Researcher, loss(1_000_000), loss(19_000_000)),
            ]
        );
    }
    assert_eq!(held.state(), "reserved");
    for name in ["ada", "other-controller", "kit"] {
        let caller = house.caller(name).await;
        denied(service.budget(&caller, &house.dataset).await);
    }
    let lower = Caps {
        people: loss(0),
        ..caps()
    };
    service
        .set_caps(&controller, &house.dataset, lower)
        .await
        .unwrap();
    let view = service.budget(&controller, &house.dataset).await.unwrap();
    assert_eq!(
        (view.accounts[0].cap, view.accounts[0].left),
        (loss(0), loss(0))
    );
    let other = house.caller("other-controller").await;
    denied(service.set_caps(&other, &house.dataset, caps()).await);
}

#[tokio::test]
async fn a_meter_is_read_by_those_on_the_project_each_their_own() {
    let house = House::open().await;
    house.opened_budget().await;
    let held = house.reserved().await;
    let (service, controller) = (&house.service, house.caller("controller").await);
    let ada = house.caller("ada").await;
    let meter = service.meter(&ada, &held.core().project).await.unwrap();
    let left: Vec<_> = meter[0].accounts.iter().map(|a| a.left).collect();
    assert_eq!(
        left,
        [loss(499_000_000), loss(49_000_000), loss(19_000_000)]
    );
    let bo = service
        .meter(&house.caller("bo").await, &held.core().project)
        .await
        .unwrap();
    assert_eq!(bo[0].accounts[2].left, loss(20_000_000));
    assert!(
        service
            .meter(&controller, &held.core().project)
            .await
            .is_err()
    );
    denied(
        service
            .meter(&house.caller("stranger").await, &held.core().project)
            .await,
    );
}

#[tokio::test]
async fn a_dataset_without_a_budget_has_none_to_read() {
    let house = House::open().await;
    let controller = house.caller("controller").await;
    let none = house.service.budget(&controller, &house.dataset).await;
    assert!(
        matches!(none, Err(ServiceError::Refused(Refusal::NoBudget(_)))),
        "{none:?}"
    );
}

#[tokio::test]
async fn what_was_reserved_and_not_used_is_given_back_once_its_time_has_passed() {
    let house = House::open().await;
    house.opened_budget().await;
    let held = house.reserved().await;
    assert_eq!(house.service.expire_measurements().await.unwrap(), 0);
    house.later(61);
    assert_eq!(house.service.expire_measurements().await.unwrap(), 1);
    assert_eq!(house.service.expire_measurements().await.unwrap(), 0);
    let controller = house.caller("controller").await;
    let view = house
        .service
        .budget(&controller, &house.dataset)
        .await
        .unwrap();
    assert!(
        view.accounts
            .iter()
            .all(|a| a.held == Loss::ZERO && a.spent == Loss::ZERO)
    );
    let now = house
        .service
        .store()
        .load::<Measurement>(held.id())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(now.value.state(), "freed");
}

/// The front was killed while the keeper worked: no queued job is left, and the price is gone.
#[tokio::test]
async fn a_measurement_that_runs_without_a_job_is_charged_by_the_next_repair() {
    let house = House::open().await;
    house.opened_budget().await;
    let held = house.reserved().await;
    house.runs(&held).await;
    house.service.repair().await.unwrap();
    let now = house
        .service
        .store()
        .load::<Measurement>(held.id())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(now.value.state(), "forfeited");
    let controller = house.caller("controller").await;
    let view = house
        .service
        .budget(&controller, &house.dataset)
        .await
        .unwrap();
    assert!(
        view.accounts
            .iter()
            .all(|a| a.held == Loss::ZERO && a.spent == loss(1_000_000))
    );
}

/// Whatever stopped it, nobody is told that nothing was done once the price is spent.
#[tokio::test]
async fn whoever_asked_is_told_that_the_price_is_spent_once_it_is() {
    let house = House::open().await;
    house.opened_budget().await;
    let held = house.reserved().await;
    let id = held.core().id.clone();
    let stops = || {
        [
            ServiceError::KeeperGone,
            ServiceError::Interrupted,
            Refusal::Deadline.into(),
            Refusal::Cancelled.into(),
        ]
    };
    for error in stops() {
        let text = error.to_string();
        let told = house.service.unanswered(&id, error).await.unwrap_err();
        assert_eq!(told.to_string(), text, "nothing is spent yet");
    }
    house.runs(&held).await;
    let (lost, at) = (governance::measure::Lost::Failed, house.clock.now());
    house
        .step::<Measurement>(held.id(), |m| m.forfeit(lost, at))
        .await;
    for error in stops() {
        let told = house.service.unanswered(&id, error).await;
        assert!(
            matches!(told, Err(ServiceError::Refused(Refusal::Lost))),
            "{told:?}"
        );
    }
}

/// The rule that a release applies, without the keeper that hands out its bytes.
#[tokio::test]
async fn an_exact_release_over_the_same_people_ends_the_statement_once_and_for_every_copy() {
    let house = House::open().await;
    house.opened_budget().await;
    let (service, now) = (&house.service, house.clock.now());
    let output = "out_1".parse().unwrap();
    let sets = || vec![house.dataset.clone(), "dst_unmeasured".parse().unwrap()];
    let batch = service
        .void_statements(Batch::new(), sets(), &output, now)
        .await
        .unwrap();
    assert_eq!(batch.changes().len(), 1);
    let record = Record {
        batch,
        ..Record::default()
    };
    service.store().record(record).await.unwrap();
    let (budget, _) = house.budget().await;
    assert_eq!((budget.state(), budget.void_by()), ("void", Some(&output)));
    let second = "out_2".parse().unwrap();
    let batch = service
        .void_statements(Batch::new(), sets(), &second, now)
        .await
        .unwrap();
    assert_eq!(batch.changes().len(), 0);
    let controller = house.caller("controller").await;
    let view = service.budget(&controller, &house.dataset).await.unwrap();
    assert_eq!((view.void_by, view.void_since), (Some(output), Some(now)));
}

/// Also one that was called back: somebody may have it.
#[tokio::test]
async fn a_budget_that_is_opened_after_an_exact_release_is_void_from_the_start() {
    use governance::output::{Output, ReviewVerdict, Verdict};
    let house = House::open().await;
    let (project, workspace) = house.working().await;
    let output = house
        .checked(&project, &workspace, ("out_1", Verdict::Pass))
        .await;
    house.put_to_review(&output).await;
    for checker in ["kit", "kay"] {
        house.review(&output, checker, ReviewVerdict::Approve).await;
    }
    let (people, kit, at) = (
        project.manifest.people.clone(),
        house.id("kit"),
        house.clock.now(),
    );
    house
        .step::<Output>("out_1", |o| {
            o.release(&hash('c'), Default::default(), &people, &kit, at)
        })
        .await;
    house
        .step::<Output>("out_1", |o| o.recall(&people, &kit, at))
        .await;
    house.opened_budget().await;
    let (budget, version) = house.budget().await;
    assert_eq!(
        (budget.state(), budget.void_by(), version),
        ("void", Some(&output), 2)
    );
    // Of a dataset that it did not touch the statement stands.
    let none = house
        .service
        .exact_release(&"dst_other".parse().unwrap())
        .await
        .unwrap();
    assert_eq!(none, None);
}

#[tokio::test]
async fn only_auditors_have_the_accounts_added_up_and_a_start_finds_nothing_to_mend() {
    let house = House::open().await;
    house.opened_budget().await;
    house.reserved().await;
    let auditor = house.caller("auditor").await;
    let good = house.service.check_accounts(&auditor).await.unwrap();
    assert_eq!((good.accounts, good.faults.len()), (3, 0));
    for name in ["ada", "controller", "administrator"] {
        denied(
            house
                .service
                .check_accounts(&house.caller(name).await)
                .await,
        );
    }
    assert_eq!(house.service.repair_at_start().await.unwrap().accounts, 0);
}
