//! The front office over a real store, without a keeper: who finds, says and sees what, and how they sign in.

mod labels;
mod lists;
mod measure;
mod queueing;
mod recovery;
mod rooms;
mod sign_in;
mod talk;
mod whole;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use governance::person::{Person, Role};
use governance::project::{PanelVerdict, SignatureVerdict};
use governance::{DatasetId, PersonId, ProjectId, Sha256, Timestamp};
use serde_json::json;
use store::Store;
use tempfile::TempDir;

use crate::{Caller, Clock, Ids, Keeper, NewPerson, Policies, Service, ServiceError};

/// A clock that goes when it is told to.
struct Hand(AtomicI64);

impl Clock for Hand {
    fn now(&self) -> Timestamp {
        Timestamp::from_second(self.0.load(Ordering::SeqCst)).unwrap()
    }
}

struct Counting(AtomicU64);

impl Ids for Counting {
    fn fresh(&self) -> Result<String, ServiceError> {
        Ok(format!("{:016}", self.0.fetch_add(1, Ordering::SeqCst)))
    }
}

const PEOPLE: [(&str, Role); 18] = [
    ("coordinator", Role::Coordinator),
    ("ada", Role::Researcher),
    ("bo", Role::Researcher),
    ("stranger", Role::Researcher),
    ("pat", Role::PanelMember),
    ("pim", Role::PanelMember),
    ("pru", Role::PanelMember),
    ("pia", Role::PanelMember),
    ("chair", Role::PanelChair),
    ("controller", Role::Controller),
    ("other-controller", Role::Controller),
    ("identifiers", Role::Provider),
    ("payload", Role::Provider),
    ("indexer", Role::Indexer),
    ("steward", Role::DataSteward),
    ("kit", Role::OutputChecker),
    ("kay", Role::OutputChecker),
    ("auditor", Role::Auditor),
];

/// A safe haven with somebody in every role and one dataset.
struct House {
    service: Service,
    clock: Arc<Hand>,
    people: Mutex<BTreeMap<&'static str, (PersonId, String)>>,
    dataset: DatasetId,
    _dir: TempDir,
}

impl House {
    async fn open() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).await.unwrap();
        let clock = Arc::new(Hand(AtomicI64::new(1_772_445_600)));
        let keeper = Keeper::at(&dir.path().join("no-keeper.sock"));
        let policies = Arc::new(Policies::load(None).unwrap());
        let ids = Arc::new(Counting(AtomicU64::new(0)));
        let service = Service::new(store, keeper, policies, clock.clone(), ids);
        let first = service.add_first_administrator("Root").await.unwrap();
        let mut house = Self {
            service,
            clock,
            people: Mutex::new(BTreeMap::from([("administrator", first)])),
            dataset: "dst_a".parse().unwrap(),
            _dir: dir,
        };
        for (name, role) in PEOPLE {
            house.add(name, role).await;
        }
        house.dataset = house.register().await;
        house
    }

    async fn add(&self, name: &'static str, role: Role) {
        let new = NewPerson {
            name: name.into(),
            organisation: format!("{name} & Co"),
            roles: [role].into(),
        };
        let administrator = self.caller("administrator").await;
        let added = self.service.add_person(&administrator, new).await.unwrap();
        self.people.lock().unwrap().insert(name, added);
    }

    fn token(&self, name: &str) -> String {
        self.people.lock().unwrap()[name].1.clone()
    }

    async fn register(&self) -> DatasetId {
        let dictionary = json!({
            "title": "Admissions", "table": "admissions", "purpose": "payload", "record": "record_no",
            "identifiers": { "chi": "chi" },
            "variables": [{ "name": "ward", "kind": "text" }, { "name": "days", "kind": "integer" }],
        });
        let steward = self.caller("steward").await;
        self.service
            .register_dataset(
                &steward,
                self.id("controller"),
                self.id("identifiers"),
                self.id("payload"),
                serde_json::from_value(dictionary).unwrap(),
            )
            .await
            .unwrap()
    }

    fn id(&self, name: &str) -> PersonId {
        self.people.lock().unwrap()[name].0.clone()
    }

    async fn caller(&self, name: &str) -> Caller {
        self.service.sign_in(&self.token(name)).await.unwrap()
    }

    fn later(&self, seconds: i64) {
        self.clock.0.fetch_add(seconds, Ordering::SeqCst);
    }

    /// Begins an application of Ada's with Bo on it and submits it.
    async fn submitted(&self) -> (ProjectId, Sha256) {
        let ada = self.caller("ada").await;
        let project = self.service.start_application(&ada).await.unwrap();
        let version = self.submit(&project, "Stays").await;
        (project, version)
    }

    async fn submit(&self, project: &ProjectId, title: &str) -> Sha256 {
        let form = json!({
            "title": title, "lay_summary": "How long people stay.", "public_benefit": "Shorter stays.",
            "people": [self.id("ada"), self.id("bo")],
            "datasets": [{
                "dataset": self.dataset,
                "variables": [{ "name": "ward", "why": "to group by" }, { "name": "days", "why": "to count" }],
            }],
            "start": "2026-03-01", "end": "2026-06-30", "minimum_cell": 10, "commercial": "none",
        });
        let ada = self.caller("ada").await;
        let bytes = form.to_string();
        let submitted = self
            .service
            .submit_application(&ada, project, bytes.as_bytes());
        submitted.await.unwrap()
    }

    async fn vote(&self, project: &ProjectId, version: &Sha256, by: &str, verdict: PanelVerdict) {
        let caller = self.caller(by).await;
        let vote = self
            .service
            .vote_on_application(&caller, project, version, verdict, Vec::new());
        vote.await.unwrap();
    }

    async fn sign(&self, project: &ProjectId, version: &Sha256) {
        let caller = self.caller("controller").await;
        let signed = SignatureVerdict::Signed;
        self.service
            .sign_for_dataset(&caller, project, &self.dataset, version, signed)
            .await
            .unwrap();
    }

    /// Submitted, signed, voted for and approved.
    async fn approved(&self) -> ProjectId {
        let (project, version) = self.submitted().await;
        self.sign(&project, &version).await;
        for by in ["pat", "pim", "pru"] {
            self.vote(&project, &version, by, PanelVerdict::Approve)
                .await;
        }
        let chair = self.caller("chair").await;
        self.service
            .approve_application(&chair, &project)
            .await
            .unwrap();
        project
    }

    async fn person(&self, name: &str) -> Person {
        let held = self.service.store().load(self.id(name).as_str()).await;
        held.unwrap().unwrap().value
    }
}

/// Refused by the policies.
#[track_caller]
fn denied<T: std::fmt::Debug>(result: Result<T, ServiceError>) {
    assert!(
        matches!(result, Err(ServiceError::Denied { .. })),
        "{result:?}"
    );
}
