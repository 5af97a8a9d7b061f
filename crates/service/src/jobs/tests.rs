//! Ends of jobs that real programs meet too seldom: a deadline that passes in the last moment, a keeper that
//! breaks off, a lease that nobody renews. The keeper here is a socket that says what it is told to.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU32, Ordering};

use governance::dataset::Dataset;
use governance::delivery::Delivery;
use governance::job::{Cause, Job};
use governance::person::{Person, Role};
use governance::{Batch, By, DatasetId, Lifecycle, Timestamp};
use protocol::keeper::{Cost, File, Outcome, Reply, Request};
use store::{EventFilter, Filter, Record, Store};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};

use crate::{Body, Caller, Clock, Ids, Keeper, Policies, Service, ServiceError};

/// 2026-01-10T00:00:00Z
const START: i64 = 1_768_003_200;

#[derive(Clone, Default)]
struct Time(Arc<AtomicI64>);

impl Clock for Time {
    fn now(&self) -> Timestamp {
        Timestamp::from_second(START + self.0.load(Ordering::SeqCst)).unwrap()
    }
}

#[derive(Default)]
struct Counted(AtomicU32);

impl Ids for Counted {
    fn fresh(&self) -> Result<String, ServiceError> {
        Ok(format!("{:016}", self.0.fetch_add(1, Ordering::SeqCst)))
    }
}

/// What the keeper does when it is asked to run a job.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Does {
    Work,
    /// Takes longer than any job may.
    Dawdle,
    BreakOff,
}

async fn hear(stream: &mut UnixStream) -> Option<Vec<u8>> {
    let mut length = [0; 4];
    stream.read_exact(&mut length).await.ok()?;
    let mut bytes = vec![0; u32::from_le_bytes(length) as usize];
    stream.read_exact(&mut bytes).await.ok()?;
    Some(bytes)
}

async fn say(stream: &mut UnixStream, reply: &Reply) {
    let bytes = serde_json::to_vec(reply).unwrap();
    let length = (bytes.len() as u32).to_le_bytes();
    stream.write_all(&length).await.unwrap();
    stream.write_all(&bytes).await.unwrap();
}

fn file(name: &str) -> File {
    File {
        name: name.into(),
        sha256: "ab".repeat(32),
        bytes: 7,
    }
}

fn keeper(socket: &Path, does: Does, time: Time) {
    let listener = UnixListener::bind(socket).unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let Some(request) = hear(&mut stream).await else {
                continue;
            };
            match serde_json::from_slice(&request).unwrap() {
                Request::Hello => {
                    let hello = Reply::Hello {
                        build: String::new(),
                        vkey: String::new(),
                        manifest_vkey: String::new(),
                    };
                    say(&mut stream, &hello).await;
                }
                Request::Upload { .. } => {
                    while hear(&mut stream).await.is_some_and(|p| !p.is_empty()) {}
                    say(&mut stream, &Reply::Kept { file: file("u") }).await;
                }
                Request::Run { .. } => {
                    if does == Does::BreakOff {
                        continue;
                    }
                    if does == Does::Dawdle {
                        time.0.fetch_add(4_000, Ordering::SeqCst);
                    }
                    let outcome = Box::new(Outcome::LoadIdentifiers {
                        file: file("i"),
                        records_file: file("r"),
                        records: 3,
                        missing: [].into(),
                    });
                    let cost = Cost::default();
                    say(&mut stream, &Reply::Done { outcome, cost }).await;
                }
                Request::Refusals { .. } => {
                    let none = Reply::Refusals {
                        keeper: "k".into(),
                        refusals: Vec::new(),
                    };
                    say(&mut stream, &none).await;
                }
                other => panic!("{other:?}"),
            }
        }
    });
}

struct World {
    _dir: TempDir,
    service: Service,
    time: Time,
    dataset: DatasetId,
    provider: Caller,
}

impl World {
    async fn new(does: Does) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let time = Time::default();
        let socket = dir.path().join("keeper.sock");
        keeper(&socket, does, time.clone());
        let store = Store::open(dir.path()).await.unwrap();
        let service = Service::new(
            store,
            Keeper::at(&socket),
            Arc::new(Policies::load(None).unwrap()),
            Arc::new(time.clone()),
            Arc::new(Counted::default()),
        );
        let mut people = Vec::new();
        for (name, role) in [
            ("per_steward", Role::DataSteward),
            ("per_controller", Role::Controller),
            ("per_identifiers", Role::Provider),
            ("per_payload", Role::Provider),
        ] {
            let roles = BTreeSet::from([role]);
            let add = Person::add(
                name.parse().unwrap(),
                "N".into(),
                "O".into(),
                roles,
                &By::System,
                time.now(),
            );
            let add = add.unwrap();
            people.push(Caller {
                person: add.to().clone(),
                session: None,
                by: crate::SignedInBy::Token,
            });
            let record = Record {
                batch: Batch::new().begin(add).unwrap(),
                ..Record::default()
            };
            service.store().record(record).await.unwrap();
        }
        let dictionary = serde_json::json!({
            "title": "Register", "table": "register", "purpose": "spine",
            "record": "upi", "identifiers": { "chi": "chi" },
        });
        let dataset = service
            .register_dataset(
                &people[0],
                people[1].person.id.clone(),
                people[2].person.id.clone(),
                people[3].person.id.clone(),
                serde_json::from_value(dictionary).unwrap(),
            )
            .await
            .unwrap();
        let until = "2030-12-31".parse().unwrap();
        service
            .give_instruction(&people[1], &dataset, until)
            .await
            .unwrap();
        Self {
            _dir: dir,
            service,
            time,
            dataset,
            provider: people.swap_remove(2),
        }
    }

    async fn deliver(&self) -> Result<crate::DeliveryAnswer, ServiceError> {
        let body = Body {
            format: "csv".into(),
            bytes: &b"upi,chi\n"[..],
        };
        self.service
            .deliver_identifiers(&self.provider, &self.dataset, body)
            .await
    }

    async fn all<S: Lifecycle>(&self) -> Vec<S> {
        let held = self.service.store().list::<S>(Filter::default());
        held.await.unwrap().into_iter().map(|h| h.value).collect()
    }

    /// A delivery and its job, as a front leaves them that is killed right after it recorded them.
    async fn leave_behind(&self) {
        let dataset: Dataset = self.all::<Dataset>().await.remove(0);
        let by = &self.provider.person.id;
        let now = self.time.now();
        let open = Delivery::open("del_1".parse().unwrap(), &dataset, by, now).unwrap();
        let task = governance::job::Task::LoadIdentifiers {
            delivery: "del_1".parse().unwrap(),
            upload: "job_1".into(),
            format: "csv".into(),
        };
        let authority = governance::job::Authority::Instruction {
            dataset: dataset.id,
        };
        let deadline = now.checked_add(jiff::SignedDuration::from_secs(3600));
        let queue = Job::queue(
            "job_1".parse().unwrap(),
            task,
            authority,
            deadline.unwrap(),
            &By::Person(by.clone()),
            now,
        );
        let batch = Batch::new().begin(open).unwrap().begin(queue).unwrap();
        let record = Record {
            batch,
            ..Record::default()
        };
        self.service.store().record(record).await.unwrap();
    }

    async fn lease_of_another(&self, desk: &str) {
        let (job, now) = ("job_1".parse().unwrap(), self.time.now());
        let until = now
            .checked_add(jiff::SignedDuration::from_secs(30))
            .unwrap();
        let over = store::Over::Ended;
        let taken = self.service.store();
        let taken = taken.take_lease(&job, desk, "another", now, until, over);
        assert!(taken.await.unwrap().is_some());
    }

    async fn ended(&self) -> (&'static str, Option<Cause>) {
        let job = self.all::<Job>().await.remove(0);
        let delivery = self.all::<Delivery>().await.remove(0).state();
        match job {
            Job::Failed { cause, .. } => (delivery, Some(cause)),
            Job::Queued { .. } | Job::Done { .. } | Job::Shown { .. } | Job::Cancelled { .. } => {
                (delivery, None)
            }
        }
    }
}

#[tokio::test]
async fn a_job_that_is_done_gives_its_lease_back() {
    let world = World::new(Does::Work).await;
    let answer = world.deliver().await.unwrap();
    assert_eq!((answer.state, answer.records), ("complete", 3));
    let job = world.all::<Job>().await.remove(0);
    assert_eq!(job.state(), "done");
    assert_eq!(
        world.service.store().lease(&job.core().id).await.unwrap(),
        None
    );
    assert_eq!(
        world.service.repair().await.unwrap(),
        crate::Repaired::default()
    );
}

#[tokio::test]
async fn what_is_done_after_the_deadline_ends_as_failed_with_its_object() {
    let world = World::new(Does::Dawdle).await;
    let error = world.deliver().await.unwrap_err();
    assert!(error.to_string().contains("within its deadline"), "{error}");
    assert_eq!(world.ended().await, ("refused", Some(Cause::Deadline)));
}

#[tokio::test]
async fn a_delivery_that_is_cut_off_is_refused_and_not_tried_again() {
    let world = World::new(Does::BreakOff).await;
    let error = world.deliver().await.unwrap_err();
    assert!(matches!(error, ServiceError::Interrupted), "{error}");
    assert_eq!(world.ended().await, ("refused", Some(Cause::Interrupted)));
    assert_eq!(world.all::<Job>().await.len(), 1);
}

#[tokio::test]
async fn nothing_is_recorded_while_the_keeper_is_away() {
    let world = World::new(Does::Work).await;
    let service = Service::new(
        world.service.store().clone(),
        Keeper::at(Path::new("/nonexistent")),
        Arc::new(Policies::load(None).unwrap()),
        Arc::new(world.time.clone()),
        Arc::new(Counted::default()),
    );
    let away = World { service, ..world };
    let before = away.service.store().log_size().await.unwrap();
    let error = away.deliver().await.unwrap_err();
    assert!(matches!(error, ServiceError::KeeperGone), "{error}");
    assert_eq!(away.service.store().log_size().await.unwrap(), before);
}

#[tokio::test]
async fn what_a_killed_front_left_is_ended_once() {
    let world = World::new(Does::Work).await;
    world.leave_behind().await;
    let repaired = world.service.repair().await.unwrap();
    assert_eq!((repaired.failed, repaired.adrift), (1, 0));
    assert_eq!(world.ended().await, ("refused", Some(Cause::Interrupted)));
    let size = world.service.store().log_size().await.unwrap();
    assert_eq!(
        world.service.repair().await.unwrap(),
        crate::Repaired::default()
    );
    assert_eq!(world.service.store().log_size().await.unwrap(), size);
}

#[tokio::test]
async fn what_another_front_works_on_is_left_to_it_until_its_lease_ends() {
    let world = World::new(Does::Work).await;
    world.leave_behind().await;
    world.lease_of_another("indexing").await;
    for repaired in [
        world.service.repair().await.unwrap(),
        world.service.repair_at_start().await.unwrap(),
    ] {
        assert_eq!(repaired, crate::Repaired::default());
    }
    assert_eq!(world.ended().await, ("opened", None));
    world.time.0.fetch_add(30, Ordering::SeqCst);
    assert_eq!(world.service.repair().await.unwrap().failed, 1);
}

#[tokio::test]
async fn a_new_front_takes_over_from_the_earlier_one_of_its_desk_at_once() {
    let world = World::new(Does::Work).await;
    world.leave_behind().await;
    world.lease_of_another("research").await;
    assert_eq!(world.service.repair().await.unwrap().failed, 0);
    assert_eq!(world.service.repair_at_start().await.unwrap().failed, 1);
    assert_eq!(world.ended().await, ("refused", Some(Cause::Interrupted)));
}

#[tokio::test]
async fn cancelling_ends_what_the_job_is_about_in_the_same_record() {
    let world = World::new(Does::Work).await;
    world.leave_behind().await;
    let id = "job_1".parse().unwrap();
    let before = world.service.store().log_size().await.unwrap();
    world
        .service
        .cancel_job(&world.provider, &id)
        .await
        .unwrap();
    assert_eq!(world.ended().await, ("refused", None));
    let view = world.service.job(&world.provider, &id).await.unwrap();
    assert_eq!(view.state, "cancelled");
    let told = EventFilter {
        after_leaf: Some(before - 1),
        ..EventFilter::default()
    };
    let told = world.service.store().events(told).await.unwrap();
    let told: Vec<&str> = told.iter().map(|event| event.action.word()).collect();
    assert_eq!(told, ["cancel_job", "refuse_identifiers"]);
    let again = world.service.cancel_job(&world.provider, &id).await;
    assert!(matches!(again, Err(ServiceError::Refused(_))));
}
