//! Roots and proofs against the log book's own reckoning, and the race for one object.

use audit_log::{leaf_hash, root_of_leaf_hashes, verify_consistency, verify_inclusion};
use governance::{Batch, person::Person};
use tokio::task::JoinSet;

use super::{adding, begin, just, opened, standing, whole};
use crate::{LEAVES_MAX, StoreError};

#[tokio::test]
async fn every_root_and_proof_of_every_size_verifies() {
    let (_dir, store) = opened().await;
    let last = 21;
    let mut batch = Batch::new();
    for n in 0..last {
        batch = batch.begin(adding(n)).unwrap();
    }
    store.record(just(batch)).await.unwrap();
    let leaves = store.leaves(0, 100).await.unwrap();
    let hashes: Vec<_> = leaves.iter().map(|(_, entry)| leaf_hash(entry)).collect();
    let mut roots = Vec::new();
    for size in 0..=hashes.len() {
        let root = store.root_at(size as u64).await.unwrap();
        assert_eq!(root, root_of_leaf_hashes(&hashes[..size]));
        roots.push(root);
    }
    for new in 1..=u64::from(last) {
        let root = &roots[new as usize];
        for index in 0..new {
            let proof = store.inclusion(index, new).await.unwrap();
            verify_inclusion(&hashes[index as usize], index, new, &proof, root).unwrap();
        }
        for old in 1..=new {
            let proof = store.consistency(old, new).await.unwrap();
            verify_consistency(old, new, &proof, &roots[old as usize], root).unwrap();
        }
    }
}

#[tokio::test]
async fn hostile_sizes_are_refused() {
    let (_dir, store) = opened().await;
    store.record(begin(1)).await.unwrap();
    for size in [2, 1 << 62, u64::MAX] {
        let beyond =
            |error| matches!(error, StoreError::BeyondLog { asked, size: 1 } if asked == size);
        assert!(beyond(store.root_at(size).await.unwrap_err()));
        assert!(beyond(store.inclusion(0, size).await.unwrap_err()));
        assert!(beyond(store.consistency(1, size).await.unwrap_err()));
    }
    assert!(matches!(
        store.inclusion(1, 1).await,
        Err(StoreError::Log(_))
    ));
    assert!(matches!(
        store.inclusion(u64::MAX, 1).await,
        Err(StoreError::Log(_))
    ));
    assert!(matches!(
        store.consistency(0, 1).await,
        Err(StoreError::Log(_))
    ));
    assert!(matches!(
        store.leaves(u64::MAX, 0).await,
        Err(StoreError::TooMuch { .. })
    ));
    assert_eq!(store.leaves(1, 0).await.unwrap(), []);
}

#[tokio::test]
async fn a_long_log_is_given_in_pages() {
    let (_dir, store) = opened().await;
    let mut n = 0;
    for _ in 0..5 {
        let mut batch = Batch::new();
        for _ in 0..250 {
            batch = batch.begin(adding(n)).unwrap();
            n += 1;
        }
        store.record(just(batch)).await.unwrap();
    }
    let first = store.leaves(0, 1250).await.unwrap();
    assert_eq!(first.len() as u64, LEAVES_MAX);
    let rest = store.leaves(LEAVES_MAX, 1250).await.unwrap();
    let hashes: Vec<_> = first
        .iter()
        .chain(&rest)
        .map(|(_, entry)| leaf_hash(entry))
        .collect();
    assert_eq!(hashes.len(), 1250);
    assert_eq!(
        store.root_at(1250).await.unwrap(),
        root_of_leaf_hashes(&hashes)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_fifty_who_change_one_object_exactly_one_wins() {
    let (_dir, store) = opened().await;
    store.record(begin(1)).await.unwrap();
    let held = store.load::<Person>("per_1").await.unwrap().unwrap();
    let mut racers = JoinSet::new();
    for _ in 0..50 {
        let (store, held) = (store.clone(), held.clone());
        racers.spawn(async move {
            let change = standing(held.value).unwrap();
            let batch = Batch::new().change(held.version, change).unwrap();
            store.record(just(batch)).await
        });
    }
    let (mut won, mut stale) = (0, 0);
    for result in racers.join_all().await {
        match result {
            Ok(receipt) => {
                assert_eq!(receipt.versions["per_1"], 2);
                won += 1;
            }
            Err(StoreError::Stale { .. }) => stale += 1,
            Err(other) => panic!("{other}"),
        }
    }
    assert_eq!((won, stale), (1, 49));
    assert_eq!(whole(&store).await.0, 2);
}
