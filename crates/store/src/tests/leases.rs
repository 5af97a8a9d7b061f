//! Who runs a job: one at a time, and nobody for longer than they say so.

use governance::job::{Authority, Cause, Job, Task};
use governance::person::Person;
use governance::{Batch, By, JobId};

use super::{adding, at, begin, just, opened};
use crate::{Lease, Over, Store};

fn job(name: &str) -> JobId {
    name.parse().unwrap()
}

async fn take(store: &Store, holder: &str, from: i64, until: i64, over: Over) -> Option<Lease> {
    store
        .take_lease(&job("job_1"), "research", holder, at(from), at(until), over)
        .await
        .unwrap()
}

fn queued(name: &str, of: &str) -> governance::Change<Job> {
    let task = Task::LoadIdentifiers {
        delivery: of.parse().unwrap(),
        upload: name.into(),
        format: "csv".into(),
    };
    let authority = Authority::Instruction {
        dataset: "dst_1".parse().unwrap(),
    };
    Job::queue(job(name), task, authority, at(60), &By::System, at(0))
}

#[tokio::test]
async fn a_lease_has_one_holder_until_it_ends() {
    let (_dir, store) = opened().await;
    assert_eq!(store.lease(&job("job_1")).await.unwrap(), None);
    let first = take(&store, "a", 0, 30, Over::Ended).await.unwrap();
    assert_eq!(
        store.lease(&job("job_1")).await.unwrap(),
        Some(first.clone())
    );
    assert_eq!(take(&store, "b", 29, 59, Over::Ended).await, None);
    // It ends at its moment, not after it.
    let second = take(&store, "b", 30, 60, Over::Ended).await.unwrap();
    assert_eq!(second.holder, "b");
    let late = store.renew_lease(&job("job_1"), &first, at(90)).await;
    assert_eq!(late.unwrap(), None, "the first holder has lost it");
    let longer = store.renew_lease(&job("job_1"), &second, at(90)).await;
    assert_eq!(longer.unwrap().unwrap().until, at(90));
    assert_eq!(take(&store, "a", 89, 120, Over::Ended).await, None);
}

#[tokio::test]
async fn a_new_process_takes_over_from_its_desks_earlier_one_only() {
    let (_dir, store) = opened().await;
    take(&store, "a", 0, 30, Over::Ended).await.unwrap();
    let id = job("job_1");
    let other = store
        .take_lease(&id, "indexing", "c", at(1), at(31), Over::Predecessor)
        .await;
    assert_eq!(other.unwrap(), None, "another desk's lease stays");
    let own = take(&store, "a", 1, 31, Over::Predecessor).await;
    assert_eq!(own, None, "what it holds itself is not taken twice");
    let next = take(&store, "b", 1, 31, Over::Predecessor).await;
    assert_eq!(next.unwrap().holder, "b");
}

#[tokio::test]
async fn only_its_holder_gives_a_lease_back() {
    let (_dir, store) = opened().await;
    take(&store, "a", 0, 30, Over::Ended).await.unwrap();
    store.drop_lease(&job("job_1"), "b").await.unwrap();
    assert!(store.lease(&job("job_1")).await.unwrap().is_some());
    store.drop_lease(&job("job_1"), "a").await.unwrap();
    assert_eq!(store.lease(&job("job_1")).await.unwrap(), None);
}

#[tokio::test]
async fn what_is_left_of_jobs_that_are_not_queued_is_forgotten() {
    let (_dir, store) = opened().await;
    let batch = Batch::new().begin(queued("job_2", "del_2")).unwrap();
    store.record(just(batch)).await.unwrap();
    for name in ["job_1", "job_2"] {
        let id = job(name);
        store.note_progress(&id, 1, 2, "working").await.unwrap();
        let taken = store.take_lease(&id, "research", "a", at(0), at(30), Over::Ended);
        assert!(taken.await.unwrap().is_some());
    }
    // The lease of a job that is about to be recorded is not forgotten before it ends.
    store.clear_leases(at(29)).await.unwrap();
    assert!(store.lease(&job("job_1")).await.unwrap().is_some());
    store.clear_leases(at(30)).await.unwrap();
    assert_eq!(store.lease(&job("job_1")).await.unwrap(), None);
    assert_eq!(store.progress(&job("job_1")).await.unwrap(), None);
    assert!(store.lease(&job("job_2")).await.unwrap().is_some());
    assert!(store.progress(&job("job_2")).await.unwrap().is_some());
}

/// People stand for what waits here: `adrift` asks by kind and state and does not know what waiting is.
#[tokio::test]
async fn what_no_queued_job_names_is_adrift() {
    let (_dir, store) = opened().await;
    store.record(begin(1)).await.unwrap();
    store.record(begin(2)).await.unwrap();
    let batch = Batch::new().begin(adding(12)).unwrap();
    store.record(just(batch)).await.unwrap();
    let adrift = async |states: &[&str]| store.adrift::<Person>(states).await.unwrap();
    assert_eq!(adrift(&["active"]).await, ["per_1", "per_12", "per_2"]);
    assert_eq!(adrift(&["retired"]).await, Vec::<String>::new());
    // A queued job that names one of them, and one that has ended.
    let task = |who: &str| Task::Query {
        workspace: "wsp_1".parse().unwrap(),
        person: who.parse().unwrap(),
        statement: "0".repeat(64).try_into().unwrap(),
        screen: governance::job::Screen::default(),
    };
    for (name, who) in [("job_1", "per_1"), ("job_2", "per_2")] {
        let authority = Authority::Instruction {
            dataset: "dst_1".parse().unwrap(),
        };
        let queue = Job::queue(job(name), task(who), authority, at(60), &By::System, at(0));
        let batch = Batch::new().begin(queue).unwrap();
        store.record(just(batch)).await.unwrap();
    }
    let held = store.load::<Job>("job_2").await.unwrap().unwrap();
    let fail = held.value.fail(Cause::Interrupted, at(1)).unwrap();
    let batch = Batch::new().change(held.version, fail).unwrap();
    store.record(just(batch)).await.unwrap();
    assert_eq!(adrift(&["active"]).await, ["per_12", "per_2"]);
}
