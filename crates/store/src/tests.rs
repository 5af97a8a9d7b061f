//! The invariants of the filing room, one file for each group.

mod answers;
mod crash;
mod desks;
mod doors;
mod leases;
mod ledger;
mod lists;
mod log;
mod random;
mod saved;
mod schema;
mod sign_in;

use std::collections::BTreeSet;

use audit_log::{Entry, Hash, leaf_hash, root_of_leaf_hashes};
use governance::person::{Person, Role};
use governance::{Batch, By, Date, Lifecycle, PersonId, Timestamp};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, SqliteConnection};
use tempfile::TempDir;

use crate::{Document, EventFilter, FILE_NAME, Filter, Record, Store};

pub(crate) fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_767_225_600 + second).unwrap()
}

pub(crate) fn day(text: &str) -> Date {
    text.parse().unwrap()
}

pub(crate) fn per(n: u32) -> PersonId {
    format!("per_{n}").parse().unwrap()
}

pub(crate) fn adding(n: u32) -> governance::Change<Person> {
    let roles = BTreeSet::from([Role::Researcher]);
    Person::add(per(n), "Ada".into(), "A".into(), roles, &By::System, at(0)).unwrap()
}

pub(crate) fn standing(person: Person) -> Option<governance::Change<Person>> {
    let by = "per_coordinator".parse().unwrap();
    let until = day("2027-01-01");
    person
        .record_standing(until, until, day("2026-01-01"), &by, at(1))
        .ok()
}

pub(crate) fn just(batch: Batch) -> Record {
    Record {
        batch,
        ..Record::default()
    }
}

pub(crate) fn begin(n: u32) -> Record {
    just(Batch::new().begin(adding(n)).unwrap())
}

pub(crate) fn document(kind: &str, bytes: &[u8]) -> Document {
    Document {
        kind: kind.into(),
        bytes: bytes.into(),
    }
}

pub(crate) async fn opened() -> (TempDir, Store) {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path()).await.unwrap();
    (dir, store)
}

/// A connection past the store, as a fault or an intruder would have.
pub(crate) async fn beside(dir: &TempDir) -> SqliteConnection {
    let file = dir.path().join(FILE_NAME);
    SqliteConnectOptions::new()
        .filename(file)
        .connect()
        .await
        .unwrap()
}

pub(crate) async fn run(connection: &mut SqliteConnection, sql: &'static str) {
    sqlx::raw_sql(sql).execute(connection).await.unwrap();
}

/// Checks every invariant that holds between acts, by hashing every entry again. Gives size and root.
pub(crate) async fn whole(store: &Store) -> (u64, Hash) {
    let size = store.log_size().await.unwrap();
    let leaves = store.leaves(0, u64::MAX).await.unwrap();
    let numbers: Vec<u64> = leaves.iter().map(|(number, _)| *number).collect();
    assert_eq!(
        numbers,
        (0..size).collect::<Vec<_>>(),
        "leaves are dense from 0"
    );

    let events = store.events(EventFilter::default()).await.unwrap();
    assert_eq!(events.len() as u64, size, "one event for each leaf");
    for (event, (number, bytes)) in events.iter().zip(&leaves) {
        let entry = Entry::decode(bytes).unwrap();
        assert_eq!(event.leaf, *number);
        assert_eq!(
            (entry.object.as_str(), entry.action.as_str()),
            (&*event.object, event.action.word())
        );
    }
    let people = store.list::<Person>(Filter::default()).await.unwrap();
    let objects: BTreeSet<&str> = events.iter().map(|event| &*event.object).collect();
    assert_eq!(
        people.len(),
        objects.len(),
        "one state for each object that has events"
    );
    for held in people {
        let told = events
            .iter()
            .filter(|event| event.object == held.value.id())
            .count();
        assert_eq!(
            held.version, told as i64,
            "a version is the number of events"
        );
    }
    let hashes: Vec<Hash> = leaves.iter().map(|(_, bytes)| leaf_hash(bytes)).collect();
    let root = store.root_at(size).await.unwrap();
    assert_eq!(root, root_of_leaf_hashes(&hashes));
    (size, root)
}
