//! Recoveries through the front office: they end by themselves, and what they leave is right.

use governance::output::{Output, Verdict};
use governance::recovery::Recovery;
use governance::{Lifecycle, RecoveryId, WorkspaceId};

use super::{House, denied};
use crate::ServiceError;

impl House {
    async fn asked_recovery(&self, workspace: &WorkspaceId, minutes: u32) -> RecoveryId {
        let root = self.caller("administrator").await;
        let asked = self
            .service
            .ask_recovery(&root, workspace, "Ada left", minutes);
        asked.await.unwrap()
    }

    async fn confirmed(&self, id: &RecoveryId, by: &str) {
        let by = self.caller(by).await;
        self.service.confirm_recovery(&by, id).await.unwrap();
    }

    async fn recovery_state(&self, id: &RecoveryId) -> &'static str {
        let held = self.service.store().load::<Recovery>(id.as_str()).await;
        held.unwrap().unwrap().value.state()
    }

    async fn save(&self, who: &str, workspace: &WorkspaceId, name: &str) {
        let caller = self.caller(who).await;
        let service = &self.service;
        let saved = service.save_query(&caller, workspace, name, "select 1", false);
        saved.await.unwrap();
    }

    async fn leaves(&self, who: &str) {
        let (root, who) = (self.caller("administrator").await, self.id(who));
        self.service.retire_person(&root, &who).await.unwrap();
    }
}

fn refused<T>(result: Result<T, ServiceError>) -> String {
    match result {
        Err(error @ (ServiceError::Refused(_) | ServiceError::BadInput(_))) => error.to_string(),
        Err(error) => panic!("{error:?}"),
        Ok(_) => panic!("it was done"),
    }
}

#[tokio::test]
async fn one_that_nobody_confirms_lapses_and_one_that_is_open_ends_at_its_minute() {
    let house = House::open().await;
    let (_, workspace) = house.working().await;
    let workspace = workspace.core().id.clone();
    let service = &house.service;
    let first = house.asked_recovery(&workspace, 60).await;
    house.later(service.policies().limits.recovery_ask_s - 1);
    service.sweep().await.unwrap();
    assert_eq!(house.recovery_state(&first).await, "asked");
    house.later(1);
    service.sweep().await.unwrap();
    assert_eq!(house.recovery_state(&first).await, "lapsed");

    let second = house.asked_recovery(&workspace, 1).await;
    house.confirmed(&second, "steward").await;
    let root = house.caller("administrator").await;
    house.later(59);
    service.sweep().await.unwrap();
    service.read_recovery(&root, &second).await.unwrap();
    house.later(1);
    // Its time is over before anything swept it.
    let late = refused(service.read_recovery(&root, &second).await);
    assert!(late.starts_with("the recovery ended at"), "{late}");
    let view = service.recovery(&root, &second).await.unwrap();
    assert_eq!(view.state, "ended");
    service.sweep().await.unwrap();
    assert_eq!(house.recovery_state(&second).await, "ended");
    let events = service.store().events(store::EventFilter {
        object: Some(second.as_str()),
        ..store::EventFilter::default()
    });
    let last = events.await.unwrap().pop().unwrap();
    assert_eq!(last.action, governance::Action::ExpireRecovery);
    assert_eq!(last.by, governance::By::System);
}

#[tokio::test]
async fn it_is_on_the_list_of_everybody_who_can_confirm_it() {
    let house = House::open().await;
    let (_, workspace) = house.working().await;
    let recovery = house.asked_recovery(&workspace.core().id, 60).await;
    let asked = async |who: &str| {
        let list = house.list(who).await.needs_you;
        let mut actions = list.iter().filter(|item| item.id == recovery.as_str());
        actions.next().map(|item| item.action)
    };
    for who in ["steward", "controller"] {
        assert_eq!(asked(who).await, Some("confirm_recovery"), "{who}");
    }
    for who in ["administrator", "ada", "pat", "chair", "indexer"] {
        assert_eq!(asked(who).await, None, "{who}");
    }
    house.confirmed(&recovery, "controller").await;
    for who in ["steward", "controller"] {
        assert_eq!(asked(who).await, None, "{who}");
    }
}

#[tokio::test]
async fn it_ends_with_its_project() {
    let house = House::open().await;
    let (project, workspace) = house.working().await;
    let recovery = house.asked_recovery(&workspace.core().id, 60).await;
    house.confirmed(&recovery, "controller").await;
    let ada = house.caller("ada").await;
    let service = &house.service;
    let closed = service.close_project(&ada, &project.core.id);
    closed.await.unwrap();
    let root = house.caller("administrator").await;
    refused(service.read_recovery(&root, &recovery).await);
    service.sweep().await.unwrap();
    assert_eq!(house.recovery_state(&recovery).await, "ended");
}

#[tokio::test]
async fn statements_of_one_name_stay_where_they_are_until_there_is_room() {
    let house = House::open().await;
    let (_, workspace) = house.working().await;
    let workspace = workspace.core().id.clone();
    for (who, name) in [("ada", "old"), ("ada", "new"), ("bo", "old")] {
        house.save(who, &workspace, name).await;
    }
    house.leaves("ada").await;
    let recovery = house.asked_recovery(&workspace, 60).await;
    house.confirmed(&recovery, "steward").await;
    let (service, root) = (&house.service, house.caller("administrator").await);
    let (ada, bo) = (house.id("ada"), house.id("bo"));
    let before = service.store().log_size().await.unwrap();
    let taken = service.hand_over_statements(&root, &recovery, (&ada, &bo));
    let told = refused(taken.await);
    assert!(
        told.contains("both have saved a statement named old"),
        "{told}"
    );
    assert_eq!(service.store().log_size().await.unwrap(), before);
    let caller = house.caller("bo").await;
    let forgotten = service.forget_query(&caller, &workspace, "old");
    forgotten.await.unwrap();
    let handed = service.hand_over_statements(&root, &recovery, (&ada, &bo));
    assert_eq!(handed.await.unwrap(), 2);
    let saved = service.saved_queries(&caller, &workspace).await.unwrap();
    let names: Vec<&str> = saved.iter().map(|s| s.name.as_str()).collect();
    assert_eq!(names, ["new", "old"]);
    assert!(saved.iter().all(|s| s.own));
}

#[tokio::test]
async fn what_two_people_opened_is_not_open_to_others_of_their_roles() {
    let house = House::open().await;
    house
        .add("second-steward", governance::person::Role::DataSteward)
        .await;
    let (project, workspace) = house.working().await;
    let recovery = house.asked_recovery(&workspace.core().id, 60).await;
    house.confirmed(&recovery, "steward").await;
    let service = &house.service;
    let other = house.caller("second-steward").await;
    refused(service.read_recovery(&other, &recovery).await);
    let can = service.possible_with_recovery(&other, &recovery).await;
    assert!(!can.unwrap().contains(&governance::Action::ReadRecovery));
    for who in ["ada", "stranger", "kit", "other-controller", "pat"] {
        let caller = house.caller(who).await;
        denied(service.read_recovery(&caller, &recovery).await);
        denied(service.end_recovery(&caller, &recovery).await);
        let seen = service.recovery(&caller, &recovery).await;
        assert_eq!(seen.is_ok(), who == "ada", "{who}");
    }
    let output = house
        .checked(&project, &workspace, ("out_1", Verdict::Pass))
        .await;
    house.leaves("ada").await;
    let root = house.caller("administrator").await;
    let given = service.read_recovery(&root, &recovery).await.unwrap();
    assert_eq!(given.outputs[0].output, output);
    let here: Vec<bool> = given.people.iter().map(|p| p.here).collect();
    assert_eq!(here.iter().filter(|here| **here).count(), 1);
    let bo = house.id("bo");
    let handed = service.hand_over_output(&root, &recovery, (&output, &bo));
    handed.await.unwrap();
    let held = service.store().load::<Output>(output.as_str()).await;
    assert_eq!(held.unwrap().unwrap().value.core().author, bo);
    // It is on the other's worklist from now on, and on nobody else's.
    let asked = house.list("bo").await.needs_you;
    assert!(asked.iter().any(|item| item.id == output.as_str()));
}

#[tokio::test]
async fn a_steward_is_asked_to_confirm_and_nobody_of_the_project_is() {
    let house = House::open().await;
    let (_, workspace) = house.working().await;
    let recovery = house.asked_recovery(&workspace.core().id, 60).await;
    let waits = async |who: &str| {
        let list = house.list(who).await.needs_you;
        let item = list.iter().find(|item| item.id == recovery.as_str());
        item.map(|item| (item.action, item.title.clone()))
    };
    let asked = Some(("confirm_recovery", "Stays".to_owned()));
    assert_eq!(waits("steward").await, asked);
    for who in ["administrator", "ada", "bo", "auditor", "kit"] {
        assert_eq!(waits(who).await, None, "{who}");
    }
    house.confirmed(&recovery, "steward").await;
    assert_eq!(waits("steward").await, None);
}
