//! Lists that would be wrong if their first page stood for all, in a house whose page holds two.

use std::sync::Arc;

use governance::dataset::{Dataset, Purpose};
use governance::delivery::{Delivery, SealedFile};
use governance::job::{Authority, Job, Task};
use governance::output::{Output, ReviewVerdict, Verdict};
use governance::project::{InForce, Project};
use governance::workspace::Workspace;
use governance::{By, DatasetId, DeliveryId, Lifecycle, OutputId, Refusal};
use serde_json::json;
use store::Filter;

use super::House;
use super::rooms::hash;
use crate::{Clock, ServiceError};

const PAGE: u32 = 2;

/// A house whose page holds two.
async fn small() -> House {
    let mut house = House::open().await;
    let policies = Arc::get_mut(&mut house.service.policies).unwrap();
    policies.limits.page = PAGE;
    house
}

impl House {
    /// A project in force with five workspaces, of which one is suspended.
    async fn five_rooms(&self) -> InForce {
        let (project, first) = self.working().await;
        let (steward, at) = (self.id("steward"), self.clock.now());
        let extract = first.core().extract.as_str();
        let extract = self.service.store().load(extract).await.unwrap().unwrap();
        for n in 2..=5 {
            let id = format!("wsp_{n}").parse().unwrap();
            self.begin(Workspace::open(id, &project, &extract.value, &steward, at).unwrap())
                .await;
        }
        self.step::<Workspace>("wsp_4", |w| w.suspend(&steward, at))
            .await;
        project
    }

    async fn rooms(&self) -> Vec<&'static str> {
        let all = self.service.store().list::<Workspace>(Filter::default());
        let all = all.await.unwrap();
        all.iter().map(|held| held.value.state()).collect()
    }

    /// An instructed dataset of identifiers with a complete delivery.
    async fn list_of(&self, purpose: Purpose, delivery: &str) -> DeliveryId {
        let (service, at) = (&self.service, self.clock.now());
        let dictionary = json!({
            "title": delivery, "table": "people", "purpose": purpose, "record": "record_no",
            "identifiers": { "chi": "chi" },
        });
        let steward = self.caller("steward").await;
        let dataset = service.register_dataset(
            &steward,
            self.id("controller"),
            self.id("identifiers"),
            self.id("payload"),
            serde_json::from_value(dictionary).unwrap(),
        );
        let (dataset, controller) = (dataset.await.unwrap(), self.caller("controller").await);
        let until = "2026-12-31".parse().unwrap();
        let instructed = service.give_instruction(&controller, &dataset, until);
        instructed.await.unwrap();
        let held = service.store().load::<Dataset>(dataset.as_str()).await;
        let dataset = held.unwrap().unwrap().value;
        let by = self.id("identifiers");
        let open = Delivery::open(delivery.parse().unwrap(), &dataset, &by, at);
        self.begin(open.unwrap()).await;
        let file = || SealedFile {
            name: "file".into(),
            sha256: hash('4'),
            bytes: 64,
        };
        self.step::<Delivery>(delivery, |d| {
            d.keep_identifiers(&dataset, file(), file(), 3, at)
        })
        .await;
        delivery.parse().unwrap()
    }
}

#[tokio::test]
async fn a_revoked_project_leaves_no_workspace_open() {
    let house = small().await;
    let project = house.five_rooms().await;
    let controller = house.caller("controller").await;
    let (id, dataset) = (&project.core.id, Some(&house.dataset));
    let revoked = house.service.revoke(&controller, id, dataset);
    revoked.await.unwrap();
    assert_eq!(house.rooms().await, ["closed"; 5]);
}

/// Whoever ended the project was stopped before its workspaces were closed.
#[tokio::test]
async fn a_sweep_closes_what_an_ended_project_left_open_and_nothing_else() {
    let house = small().await;
    let project = house.five_rooms().await;
    house.service.sweep().await.unwrap();
    let open = house.rooms().await;
    assert_eq!(open.iter().filter(|state| **state != "closed").count(), 5);
    let (ada, at) = (house.id("ada"), house.clock.now());
    house
        .step::<Project>(project.core.id.as_str(), |p| p.close(&ada, at))
        .await;
    house.service.sweep().await.unwrap();
    assert_eq!(house.rooms().await, ["closed"; 5]);
}

#[tokio::test]
async fn a_project_whose_day_has_passed_ends_with_all_its_workspaces() {
    let house = small().await;
    let project = house.five_rooms().await;
    assert_eq!(house.service.sweep().await.unwrap(), 0);
    // Its last day is the thirtieth of June.
    house.later(200 * 86_400);
    assert_eq!(house.service.sweep().await.unwrap(), 1);
    let id = project.core.id.as_str();
    let held = house.service.store().load::<Project>(id).await;
    assert_eq!(held.unwrap().unwrap().value.state(), "expired");
    assert_eq!(house.rooms().await, ["closed"; 5]);
}

#[tokio::test]
async fn every_dataset_is_in_the_catalogue() {
    let house = small().await;
    let mut all: Vec<DatasetId> = vec![house.dataset.clone()];
    for _ in 0..4 {
        all.push(house.register().await);
    }
    let ada = house.caller("ada").await;
    let listed = house.service.catalogue(&ada).await.unwrap();
    let mut listed: Vec<DatasetId> = listed.into_iter().map(|d| d.id).collect();
    all.sort();
    listed.sort();
    assert_eq!(listed, all);
}

/// Private comments are not told to the people of a project; every page but the last is full all the same, and no
/// event is lost between two.
#[tokio::test]
async fn what_somebody_may_not_read_leaves_no_short_page() {
    use governance::comment::Visibility::{Private, Public};
    let house = small().await;
    let (project, _) = house.submitted().await;
    let pat = house.caller("pat").await;
    for visibility in [Private, Private, Public, Private, Private, Private, Public] {
        let said = house
            .service
            .comment_on_project(&pat, &project, "data", visibility, "hello");
        said.await.unwrap();
    }
    let read = |who: &'static str| {
        let (house, project) = (&house, &project);
        async move {
            let caller = house.caller(who).await;
            let (mut leaves, mut after): (Vec<u64>, _) = (Vec::new(), None);
            loop {
                let page = house.service.events(&caller, Some(project), after).await;
                let page: Vec<u64> = page.unwrap().iter().map(|e| e.leaf).collect();
                leaves.extend(&page);
                after = page.last().copied();
                if page.len() < PAGE as usize {
                    return leaves;
                }
            }
        }
    };
    let (all, told) = (read("auditor").await, read("ada").await);
    assert_eq!(told.len() + 5, all.len());
    assert!(told.iter().all(|leaf| all.contains(leaf)));
    assert!(told.windows(2).all(|pair| pair[0] < pair[1]));
}

/// Who objected is nobody's business on the project, not even how many did.
#[tokio::test]
async fn the_people_of_a_project_read_no_count_of_objections_in_its_history() {
    let house = House::open().await;
    let (project, _) = house.working().await;
    for (who, told) in [("ada", false), ("auditor", true)] {
        let caller = house.caller(who).await;
        let events = house.service.events(&caller, Some(&project.core.id), None);
        let events = events.await.unwrap();
        let linked = events.iter().find(|e| e.action == "complete_indexing");
        let facts = &linked.unwrap().facts;
        assert!(facts.contains_key("linked"));
        for count in ["withheld", "objected"] {
            assert_eq!(facts.contains_key(count), told, "{who} {count}");
        }
    }
}

#[tokio::test]
async fn jobs_of_others_leave_no_short_page() {
    let house = small().await;
    let at = house.clock.now();
    for (n, by) in [
        "steward", "steward", "steward", "ada", "steward", "ada", "ada",
    ]
    .into_iter()
    .enumerate()
    {
        let task = Task::Extract {
            extract: format!("ext_{n}").parse().unwrap(),
        };
        let authority = Authority::Instruction {
            dataset: house.dataset.clone(),
        };
        let id = format!("job_{n}").parse().unwrap();
        let by = By::Person(house.id(by));
        house
            .begin(Job::queue(id, task, authority, at, &by, at))
            .await;
    }
    let ada = house.caller("ada").await;
    let page = |after: Option<&'static str>| {
        let (service, ada) = (&house.service, &ada);
        async move {
            let jobs = service.jobs(ada, after).await.unwrap();
            let ids = jobs.into_iter().map(|view| view.job.to_string());
            ids.collect::<Vec<_>>()
        }
    };
    assert_eq!(page(None).await, ["job_3", "job_5"]);
    assert_eq!(page(Some("job_5")).await, ["job_6"]);
}

/// What was called back may still be in somebody's hands, so it is compared with too.
#[tokio::test]
async fn everything_that_left_before_is_there_to_be_compared_with() {
    let house = small().await;
    let (project, workspace) = house.working().await;
    let people = project.manifest.people.clone();
    let (kit, at) = (house.id("kit"), house.clock.now());
    let mut outputs: Vec<OutputId> = Vec::new();
    for id in ["out_1", "out_2", "out_3", "out_4", "out_5"] {
        let output = house
            .checked(&project, &workspace, (id, Verdict::Pass))
            .await;
        house.put_to_review(&output).await;
        outputs.push(output);
    }
    for output in outputs.iter().take(4) {
        for checker in ["kit", "kay"] {
            house.review(output, checker, ReviewVerdict::Approve).await;
        }
        house
            .step::<Output>(output.as_str(), |o| {
                o.release(&hash('c'), Default::default(), &people, &kit, at)
            })
            .await;
    }
    house
        .step::<Output>("out_2", |o| o.recall(&people, &kit, at))
        .await;
    let checker = house.caller("kay").await;
    let left = house.service.left_before(&checker, &outputs[4]).await;
    let mut left: Vec<(String, &str)> = left
        .unwrap()
        .into_iter()
        .map(|summary| (summary.id, summary.state))
        .collect();
    left.sort();
    let expected = [
        ("out_1", "released"),
        ("out_2", "recalled"),
        ("out_3", "released"),
        ("out_4", "released"),
    ];
    assert_eq!(left, expected.map(|(id, state)| (id.to_owned(), state)));
}

#[tokio::test]
async fn the_queue_of_a_checker_begins_with_what_waits_longest_and_goes_on() {
    let house = small().await;
    let (project, workspace) = house.working().await;
    for id in ["out_3", "out_1", "out_2"] {
        let output = house
            .checked(&project, &workspace, (id, Verdict::Pass))
            .await;
        house.later(60);
        house.put_to_review(&output).await;
    }
    let kit = house.caller("kit").await;
    let queue = |after: Option<&'static str>| {
        let (service, kit) = (&house.service, &kit);
        async move {
            let queue = service.review_queue(kit, after).await.unwrap();
            queue.iter().map(ToString::to_string).collect::<Vec<_>>()
        }
    };
    assert_eq!(queue(None).await, ["out_3", "out_1"]);
    assert_eq!(queue(Some("out_1")).await, ["out_2"]);
    for who in ["ada", "steward"] {
        let caller = house.caller(who).await;
        let queue = house.service.review_queue(&caller, None).await.unwrap();
        assert!(queue.is_empty(), "{who}");
    }
}

/// Nobody is linked against their word because somebody forgot to name the list.
#[tokio::test]
async fn where_a_list_of_objections_is_kept_it_is_named_or_nothing_is_linked() {
    let house = small().await;
    let project = house.approved().await;
    house.in_force(&project).await;
    let (delivery, _) = house.deliveries().await;
    let delivery = delivery.core().id.clone();
    let spine = house.list_of(Purpose::Spine, "del_5").await;
    let indexer = house.caller("indexer").await;
    let index = |list: Option<DeliveryId>| {
        let (service, indexer) = (&house.service, &indexer);
        let (project, delivery, spine) = (&project, &delivery, &spine);
        async move {
            let indexed = service.index(indexer, project, delivery, spine, list.as_ref(), 0);
            match indexed.await {
                Err(ServiceError::Refused(Refusal::Invalid(why))) => why,
                other => panic!("{other:?}"),
            }
        }
    };
    // Without a keeper the next thing that stops it is the desk.
    let elsewhere = "indexing desk";
    assert!(index(None).await.contains(elsewhere));
    let list = house.list_of(Purpose::Objections, "del_6").await;
    let why = index(None).await;
    assert!(why.contains("people who object"), "{why}");
    assert!(index(Some(list)).await.contains(elsewhere));
}
