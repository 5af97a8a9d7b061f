//! Worklists against what they stand for: what a list asks can be done, and what can be done is asked.

mod oracle;

use governance::ProjectId;
use governance::output::{Output, ReviewVerdict, Verdict};
use governance::project::PanelVerdict;

use super::{House, PEOPLE, denied};
use crate::{Item, Worklist};

impl House {
    pub(super) async fn list(&self, who: &str) -> Worklist {
        let caller = self.caller(who).await;
        self.service.worklist(&caller).await.unwrap()
    }

    /// What is asked of somebody, as `action id`.
    async fn asked(&self, who: &str) -> Vec<String> {
        let list = self.list(who).await;
        let said = |item: &Item| format!("{} {}", item.action, item.id);
        list.needs_you.iter().map(said).collect()
    }
}

#[tokio::test]
async fn what_a_worklist_asks_can_be_done_and_what_can_be_done_is_asked() {
    let house = House::open().await;
    let ada = house.caller("ada").await;
    let service = &house.service;
    let draft = service.start_application(&ada).await.unwrap();
    service
        .save_draft(&ada, &draft, r#"{"title":"A plan"#)
        .await
        .unwrap();
    service
        .save_draft(&ada, &draft, r#"{"title":"A plan"}"#)
        .await
        .unwrap();
    assert!(house.every_list_is_right("a draft").await == 1);
    assert_eq!(house.list("ada").await.needs_you[0].title, "A plan");
    house.later(10);
    let (voted, version) = house.submitted().await;
    let interested = house.caller("pia").await;
    service.declare_interest(&interested, &voted).await.unwrap();
    for (by, verdict) in [("pat", PanelVerdict::Return), ("pim", PanelVerdict::Return)] {
        house.every_list_is_right("votes come in").await;
        house.vote(&voted, &version, by, verdict).await;
    }
    house
        .vote(&voted, &version, "pru", PanelVerdict::Approve)
        .await;
    house.every_list_is_right("the quorum is met").await;
    assert_eq!(
        house.asked("chair").await,
        [format!("return_application {voted}")]
    );
    let chair = house.caller("chair").await;
    service.return_application(&chair, &voted).await.unwrap();
    house.every_list_is_right("returned").await;
    house.later(10);
    let version = house.submit(&voted, "Longer stays").await;
    house.sign(&voted, &version).await;
    for by in ["pat", "pim", "pru"] {
        house
            .vote(&voted, &version, by, PanelVerdict::Approve)
            .await;
    }
    house.every_list_is_right("ready to be approved").await;
    assert_eq!(
        house.asked("chair").await,
        [format!("approve_application {voted}")]
    );
    service.approve_application(&chair, &voted).await.unwrap();
    house.every_list_is_right("approved").await;
    let waiting = house.list("pat").await.waiting;
    assert_eq!(
        (waiting[0].id.as_str(), waiting[0].title.as_str()),
        (voted.as_str(), "Longer stays")
    );
    assert_eq!(waiting[0].organisation, "ada & Co");
    let waiting = house.list("controller").await.waiting;
    assert_eq!(
        waiting[0].id.as_str(),
        voted.as_str(),
        "its data are asked for"
    );
    assert!(house.list("other-controller").await.waiting.is_empty());
    service.withdraw_application(&ada, &voted).await.unwrap();
    house.every_list_is_right("withdrawn").await;
    for who in ["ada", "pat", "chair"] {
        let done = house.list(who).await.done;
        assert_eq!(done.len(), 1, "{who}");
        assert_eq!(
            (done[0].id.as_str(), done[0].state),
            (voted.as_str(), "withdrawn")
        );
    }
    assert!(house.list("stranger").await.done.is_empty());
}

#[tokio::test]
async fn outputs_go_from_list_to_list() {
    let house = House::open().await;
    let (project, workspace) = house.working().await;
    let fit = house
        .checked(&project, &workspace, ("out_1", Verdict::Pass))
        .await;
    let hopeless = house
        .checked(&project, &workspace, ("out_2", Verdict::Fail))
        .await;
    house.every_list_is_right("checked").await;
    assert_eq!(
        house.asked("ada").await,
        [
            format!("submit_output {fit}"),
            format!("withdraw_output {hopeless}")
        ]
    );
    house.put_to_review(&fit).await;
    house.every_list_is_right("under review").await;
    house.review(&fit, "kit", ReviewVerdict::Approve).await;
    house.every_list_is_right("one vote").await;
    assert_eq!(house.list("kit").await.waiting[0].title, "Stays");
    house.review(&fit, "kay", ReviewVerdict::Approve).await;
    house.every_list_is_right("approved").await;
    assert_eq!(house.asked("kit").await, [format!("release_output {fit}")]);
    let people = [house.id("ada"), house.id("bo")].into();
    let (kit, at) = (house.id("kit"), crate::Clock::now(&*house.clock));
    let bytes = super::rooms::hash('c');
    house
        .step::<Output>(fit.as_str(), |o| {
            o.release(&bytes, Default::default(), &people, &kit, at)
        })
        .await;
    house.every_list_is_right("released").await;
    let ada = house.id("ada");
    house
        .step::<Output>(fit.as_str(), |o| o.download(&ada, at))
        .await;
    house.every_list_is_right("downloaded").await;
    for who in ["ada", "kit", "kay"] {
        let done = house.list(who).await.done;
        assert!(done.iter().any(|item| item.id == fit.as_str()), "{who}");
    }
}

#[tokio::test]
async fn indexer_steward_controller_and_providers_are_asked_in_turn() {
    let house = House::open().await;
    let set = house.dataset.to_string();
    assert_eq!(
        house.asked("controller").await,
        [format!("give_instruction {set}")]
    );
    assert!(house.asked("identifiers").await.is_empty());
    let controller = house.caller("controller").await;
    let until = "2026-12-31".parse().unwrap();
    house
        .service
        .give_instruction(&controller, &house.dataset, until)
        .await
        .unwrap();
    assert_eq!(
        house.asked("identifiers").await,
        [format!("deliver_identifiers {set}")]
    );
    assert!(house.asked("controller").await.is_empty() && house.asked("payload").await.is_empty());

    let project = house.approved().await;
    assert_eq!(
        house.asked("coordinator").await,
        [format!("commence_project {project}")]
    );
    let in_force = house.in_force(&project).await;
    assert_eq!(
        house.asked("indexer").await,
        [format!("order_indexing {project}")]
    );
    assert!(house.asked("steward").await.is_empty());
    let indexing = house.indexed(&in_force).await;
    assert!(
        house.asked("identifiers").await.is_empty(),
        "there is a delivery"
    );
    assert!(house.asked("indexer").await.is_empty());
    assert_eq!(
        house.asked("steward").await,
        [format!("order_extract {project}")]
    );
    let extract = house.extracted(&in_force, indexing).await;
    assert_eq!(
        house.asked("steward").await,
        [format!("open_workspace {project}")]
    );
    house.workspace(&in_force, &extract).await;
    assert!(house.asked("steward").await.is_empty());
}

#[tokio::test]
async fn lists_hold_no_more_than_their_limit_and_projects_go_on_page_by_page() {
    let mut house = House::open().await;
    let mut submitted = Vec::new();
    for _ in 0..7 {
        house.later(1);
        submitted.push(house.submitted().await.0);
    }
    let policies = std::sync::Arc::get_mut(&mut house.service.policies).unwrap();
    policies.limits.worklist = 3;
    policies.limits.page = 4;
    let needs = house.list("pat").await.needs_you;
    let ids: Vec<String> = needs.iter().map(|i| i.id.clone()).collect();
    let oldest: Vec<String> = submitted[..3].iter().map(ToString::to_string).collect();
    assert_eq!(ids, oldest);
    submitted.reverse();
    for (who, sees) in [
        ("chair", 7),
        ("ada", 7),
        ("bo", 7),
        ("controller", 7),
        ("other-controller", 0),
        ("stranger", 0),
        ("administrator", 0),
    ] {
        let caller = house.caller(who).await;
        let mut all = Vec::new();
        loop {
            let after = all.last().map(|p: &ProjectId| p.as_str());
            let page = house
                .service
                .projects(&caller, &["submitted"], after)
                .await
                .unwrap();
            assert!(page.len() <= 4);
            if page.is_empty() {
                break;
            }
            all.extend(page.into_iter().map(|p| p.project));
        }
        assert_eq!(all, submitted[..sees], "{who}");
    }
    let ada = house.caller("ada").await;
    let first = house
        .service
        .projects(&ada, &[], None)
        .await
        .unwrap()
        .remove(0);
    assert_eq!(
        (first.title.as_str(), first.author.name.as_str()),
        ("Stays", "ada")
    );
}

#[tokio::test]
async fn histories_and_parts_are_shown_to_those_whom_they_concern() {
    let house = House::open().await;
    let (project, one) = house.submitted().await;
    let chair = house.caller("chair").await;
    for by in ["pat", "pim", "pru"] {
        house.vote(&project, &one, by, PanelVerdict::Return).await;
    }
    house
        .service
        .return_application(&chair, &project)
        .await
        .unwrap();
    let two = house.submit(&project, "Second").await;
    let versions = house.service.versions(&chair, &project).await.unwrap();
    let seen: Vec<_> = versions.iter().map(|v| (v.number, &v.sha256)).collect();
    assert_eq!(seen, [(1, &one), (2, &two)]);
    for version in [&one, &two] {
        let bytes = house
            .service
            .application(&chair, &project, version)
            .await
            .unwrap();
        assert_eq!(crate::sha256(&bytes).unwrap(), *version);
    }
    let other = house
        .service
        .application(&chair, &project, &super::rooms::hash('a'))
        .await;
    assert_eq!(other.unwrap_err().kind(), crate::Kind::NotFound);
    let stranger = house.caller("stranger").await;
    denied(house.service.versions(&stranger, &project).await);

    let ada = house.caller("ada").await;
    let draft = house.service.start_application(&ada).await.unwrap();
    house
        .service
        .save_draft(&ada, &draft, "half a")
        .await
        .unwrap();
    assert_eq!(
        house.service.draft(&ada, &draft).await.unwrap().as_deref(),
        Some("half a")
    );
    for who in ["chair", "bo", "coordinator"] {
        let caller = house.caller(who).await;
        denied(house.service.draft(&caller, &draft).await);
    }
    for (who, _) in PEOPLE {
        let caller = house.caller(who).await;
        let people = house.service.people(&caller, None).await;
        assert_eq!(people.is_ok(), who == "coordinator", "{who}");
        let may = ["controller", "identifiers", "payload", "indexer", "steward"].contains(&who);
        let deliveries = house.service.deliveries_of(&caller, &house.dataset).await;
        assert_eq!(deliveries.is_ok(), may, "{who}");
        assert!(house.service.dataset(&caller, &house.dataset).await.is_ok());
    }
}

#[tokio::test]
async fn the_parts_of_a_project_are_listed_with_their_counts() {
    let house = House::open().await;
    let (project, workspace) = house.working().await;
    let id = &project.core.id;
    let output = house
        .checked(&project, &workspace, ("out_1", Verdict::Pass))
        .await;
    let (ada, kit, chair) = (
        house.caller("ada").await,
        house.caller("kit").await,
        house.caller("chair").await,
    );
    let service = &house.service;
    let one = service.indexings_of(&ada, id).await.unwrap().remove(0);
    assert_eq!((one.id.as_str(), one.state), ("idx_1", "indexed"));
    assert_eq!(one.detail["dataset"], house.dataset.to_string());
    assert_eq!(one.detail["linked"], 2);
    assert!(
        !one.detail.contains_key("objected"),
        "not for the people of the project"
    );
    let one = service.indexings_of(&chair, id).await.unwrap().remove(0);
    assert_eq!(one.detail["objected"], 1);
    let one = service
        .read_project(&ada, id)
        .await
        .unwrap()
        .extracts()
        .await
        .unwrap()
        .remove(0);
    assert_eq!(one.detail["sha256"], super::rooms::hash('8').to_string());
    let one = service
        .read_project(&ada, id)
        .await
        .unwrap()
        .workspaces()
        .await
        .unwrap()
        .remove(0);
    assert_eq!(
        (one.state, &one.detail["extract"]),
        ("open", &"ext_1".into())
    );
    assert_eq!(service.outputs_of(&ada, id).await.unwrap().len(), 1);
    // Until it is put before them, an output is nothing to checkers.
    assert!(service.outputs_of(&kit, id).await.unwrap().is_empty());
    house.put_to_review(&output).await;
    assert_eq!(
        service.outputs_of(&kit, id).await.unwrap()[0].detail["votes"],
        0
    );
    assert!(service.outputs_of(&chair, id).await.unwrap().is_empty());
    let controller = house.caller("controller").await;
    let deliveries = service
        .deliveries_of(&controller, &house.dataset)
        .await
        .unwrap();
    assert_eq!(
        (deliveries[0].state, &deliveries[0].detail["rows"]),
        ("complete", &3.into())
    );
    let delivery = "del_1".parse().unwrap();
    assert!(service.delivery(&controller, &delivery).await.is_ok());
    denied(service.delivery(&ada, &delivery).await);
    let stranger = house.caller("stranger").await;
    for denied_ in [
        service.outputs_of(&stranger, id).await,
        service.indexings_of(&stranger, id).await,
    ] {
        denied(denied_);
    }
    // What else a page shows of a project is asked of an open one.
    denied(service.read_project(&stranger, id).await.map(|_| ()));
}

#[tokio::test]
async fn the_log_is_published_for_auditors_and_nobody_else() {
    let house = House::open().await;
    let folder = tempfile::tempdir().unwrap();
    for (who, _) in PEOPLE {
        let caller = house.caller(who).await;
        let published = house.service.publish_log_for(&caller, folder.path()).await;
        match who {
            // There is no keeper here: the policy let it through.
            "auditor" => assert!(matches!(published, Err(crate::ServiceError::KeeperGone))),
            _ => denied(published),
        }
    }
}
