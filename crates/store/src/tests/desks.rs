//! Two processes that write one store: each desk has a writer of its own, and SQLite lets one in at a time.

use std::collections::BTreeSet;

use governance::Batch;
use governance::person::Person;
use tokio::task::JoinSet;

use super::{begin, just, opened, standing, whole};
use crate::{Store, StoreError};

const EACH: u32 = 150;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_desks_that_write_at_once_lose_nothing_and_number_densely() {
    let (dir, research) = opened().await;
    let indexing = Store::open(dir.path()).await.unwrap();
    let mut racers = JoinSet::new();
    for n in 0..EACH {
        for (desk, store) in [&research, &indexing].into_iter().enumerate() {
            let store = store.clone();
            let person = n * 2 + u32::try_from(desk).unwrap();
            racers.spawn(async move { store.record(begin(person)).await.unwrap().first_leaf });
        }
    }
    let leaves: BTreeSet<u64> = racers.join_all().await.into_iter().collect();
    assert_eq!(leaves, (0..u64::from(EACH) * 2).collect::<BTreeSet<_>>());
    // Every entry hashed again gives the tree that both grew, and each sees all of it.
    let (size, root) = whole(&research).await;
    assert_eq!(size, u64::from(EACH) * 2);
    assert_eq!(whole(&indexing).await, (size, root));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_desks_that_change_one_object_exactly_one_wins() {
    let (dir, research) = opened().await;
    let indexing = Store::open(dir.path()).await.unwrap();
    for n in 0..40 {
        research.record(begin(n)).await.unwrap();
        let id = format!("per_{n}");
        let held = indexing.load::<Person>(&id).await.unwrap().unwrap();
        let change = |store: &Store| {
            let batch = Batch::new().change(held.version, standing(held.value.clone()).unwrap());
            let (store, record) = (store.clone(), just(batch.unwrap()));
            async move { store.record(record).await }
        };
        let both = tokio::join!(change(&research), change(&indexing));
        let won = [&both.0, &both.1].into_iter().filter(|r| r.is_ok()).count();
        let stale = |r: &Result<_, _>| matches!(r, Err(StoreError::Stale { .. }));
        assert!(won == 1 && (stale(&both.0) || stale(&both.1)), "{both:?}");
    }
    assert_eq!(whole(&indexing).await.0, 80);
}
