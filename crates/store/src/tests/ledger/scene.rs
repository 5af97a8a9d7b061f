//! Two projects on the same people, two researchers in each, one budget; the second project has a copy of the
//! data that joined it.

use governance::measure::{Account, Ask, Budget, Caps, Family, Loss, Measurement, Place};
use governance::project::Project;
use governance::{Batch, Change, JobId, Lifecycle, PersonId, Refusal, Sha256, Timestamp};
use testkit::haven::{self, Working};

use super::super::{at, just};
use crate::{Store, StoreError};

/// Researchers in all.
pub(super) const WORKERS: usize = 4;
/// What may be learnt of the people, in units of [`loss`].
pub(super) const PEOPLE_CAP: u64 = 600;

pub(super) fn loss(units: u64) -> Loss {
    Loss {
        nano_rho: units * 1_000,
        atto_delta: units * 3,
    }
}

pub(super) fn hash(byte: u8) -> Sha256 {
    haven::hash(byte).unwrap()
}

/// The hash that a question's canonical form would have.
pub(super) fn request(question: u64) -> Sha256 {
    let hash = hex::encode(audit_log::sha256(&question.to_le_bytes()));
    hash.try_into().unwrap()
}

pub(super) fn the_people() -> Account {
    "people:bud_a".parse().unwrap()
}

pub(super) fn project(n: usize) -> Account {
    format!("project:bud_a:prj_{n}").parse().unwrap()
}

pub(super) fn researcher(who: usize) -> Account {
    format!("researcher:bud_a:per_r{who}").parse().unwrap()
}

fn caps(people: u64) -> Caps {
    Caps {
        people: loss(people),
        project: loss(people * 2 / 3),
        researcher: loss(people / 3),
        projects: [].into(),
    }
}

pub(super) struct Scene {
    projects: [Working; 2],
    budget: Budget,
    copy: Budget,
}

impl Scene {
    fn made() -> Self {
        let zero = at(0);
        let one = haven::working("0", &["r0", "r1"], &["a"], 8, zero).unwrap();
        let two = haven::working("1", &["r2", "r3"], &["a2"], 9, zero).unwrap();
        let controller: PersonId = "per_controller-a".parse().unwrap();
        let dataset = one.datasets.values().next().unwrap();
        let budget = Budget::open(dataset, caps(PEOPLE_CAP), &controller, zero).unwrap();
        let mut copy = two.datasets.values().next().unwrap().clone();
        copy.controller = controller.clone();
        let joined = Budget::join(&copy, budget.to(), &controller, zero).unwrap();
        Self {
            projects: [one, two],
            budget: budget.to().clone(),
            copy: joined.to().clone(),
        }
    }

    /// Opens the budget in an empty store.
    pub(super) async fn open(store: &Store) -> Self {
        let scene = Self::made();
        let controller = scene.budget.controller().clone();
        let dataset = scene.projects[0].datasets.values().next().unwrap();
        let open = Budget::open(dataset, caps(PEOPLE_CAP), &controller, at(0)).unwrap();
        let mut copy = scene.projects[1].datasets.values().next().unwrap().clone();
        copy.controller = controller.clone();
        let join = Budget::join(&copy, &scene.budget, &controller, at(0)).unwrap();
        let batch = Batch::new().begin(open).unwrap().begin(join).unwrap();
        store.record(just(batch)).await.unwrap();
        scene
    }

    /// The same over a store where it was opened before, with the budget as it is there now.
    pub(super) async fn again(store: &Store) -> (Self, i64) {
        let held = store.load::<Budget>("bud_a").await.unwrap().unwrap();
        let scene = Self {
            budget: held.value,
            ..Self::made()
        };
        (scene, held.version)
    }

    pub(super) fn job(&self) -> JobId {
        "job_1".parse().unwrap()
    }

    fn place(&self, who: usize) -> (&Working, PersonId) {
        let working = &self.projects[who / 2];
        (working, working.people[who % 2].id.clone())
    }

    fn ask(question: u64, price: Loss, now: Timestamp) -> Ask {
        Ask {
            request: request(question),
            text: hash(7),
            price,
            until: Timestamp::from_second(now.as_second() + 600).unwrap(),
        }
    }

    /// The answer is there; of a question that finds its groups in the data it waits for an output checker.
    pub(super) fn drawn(
        &self,
        held: Measurement,
        now: Timestamp,
    ) -> Result<Change<Measurement>, Refusal> {
        let (job, bytes, void) = (self.job(), hash(9), [].into());
        match held.core().finds_labels() {
            true => held.hold(&job, bytes, &void, now),
            false => held.release(&job, bytes, &void, now),
        }
    }

    /// An output checker looks at its labels.
    pub(super) fn looked_at(
        &self,
        held: Measurement,
        who: usize,
        release: bool,
        now: Timestamp,
    ) -> Result<Change<Measurement>, Refusal> {
        let project = Project::InForce(self.place(who).0.project.clone());
        let by: PersonId = "per_checker".parse().unwrap();
        match release {
            true => held.release_labels(&project, &hash(9), &[].into(), &by, now),
            false => held.withhold_labels(&project, hash(6), &by, now),
        }
    }

    /// Reserves under the budget at a version, over what is held of the question.
    pub(super) fn reservation_over(
        &self,
        held: Option<Measurement>,
        (who, question, price): (usize, u64, Loss),
        version: i64,
        now: Timestamp,
    ) -> Result<Change<Measurement>, Refusal> {
        let (working, by) = self.place(who);
        let permit = working.project.permit(&working.people[who % 2], now)?;
        let place = Place {
            permit: &permit,
            workspace: &working.workspace,
            extract: &working.extract,
        };
        let dataset = working.datasets.keys().next().unwrap();
        let shared = Some((self.budget.clone(), version));
        let family = match who / 2 {
            0 => Family::of(dataset, shared, None)?,
            _ => Family::of(dataset, Some((self.copy.clone(), 1)), shared)?,
        };
        let ask = Self::ask(question, price, now);
        match held {
            None => Measurement::reserve(&ask, place, &[family], &by, now),
            Some(held) => held.reserve_again(&ask, place, &[family], &by, now),
        }
    }

    pub(super) fn reservation(
        &self,
        who: usize,
        question: u64,
        price: u64,
        version: i64,
    ) -> Result<Change<Measurement>, Refusal> {
        self.reservation_over(None, (who, question, loss(price)), version, at(1))
    }

    /// Reserves a question and gives its id.
    pub(super) async fn reserve(
        &self,
        store: &Store,
        who: usize,
        question: u64,
        price: u64,
    ) -> Result<String, StoreError> {
        let change = self.reservation(who, question, price, 1).unwrap();
        let id = change.to().id().to_owned();
        store
            .record(just(Batch::new().begin(change).unwrap()))
            .await?;
        Ok(id)
    }

    pub(super) fn running(
        &self,
        held: Measurement,
        who: usize,
        now: Timestamp,
    ) -> Result<Change<Measurement>, Refusal> {
        let (working, by) = self.place(who);
        let permit = working.project.permit(&working.people[who % 2], now)?;
        held.run(self.job(), &permit, &working.extract, &by, now)
    }

    pub(super) async fn run(&self, store: &Store, who: usize, id: &str) -> Result<(), Refusal> {
        let held = store.load::<Measurement>(id).await.unwrap().unwrap();
        let change = self.running(held.value, who, at(2))?;
        let batch = Batch::new().change(held.version, change).unwrap();
        store.record(just(batch)).await.unwrap();
        Ok(())
    }

    pub(super) async fn set_caps(&self, store: &Store, people: u64) {
        let held = store.load::<Budget>("bud_a").await.unwrap().unwrap();
        let by = held.value.controller().clone();
        let change = held.value.set_caps(caps(people), &by, at(1)).unwrap();
        let batch = Batch::new().change(held.version, change).unwrap();
        store.record(just(batch)).await.unwrap();
    }
}
