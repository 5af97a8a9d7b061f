//! Random sequences of batches, good and stale, against a model of a few lines.

use std::collections::BTreeMap;

use governance::{Batch, person::Person};
use proptest::prelude::*;

use super::{adding, at, just, opened, per, standing, whole};
use crate::{Store, StoreError};

#[derive(Clone, Copy, Debug)]
enum Act {
    Add,
    Standing,
    Retire,
}

#[derive(Clone, Copy, Debug)]
struct Step {
    who: u32,
    act: Act,
    // Added to the version that is held; anything but 0 must be refused.
    ahead: i64,
}

type Model = BTreeMap<u32, (Person, i64)>;

fn steps() -> impl Strategy<Value = Vec<Vec<Step>>> {
    let act = prop_oneof![2 => Just(Act::Add), 4 => Just(Act::Standing), 1 => Just(Act::Retire)];
    let ahead = prop_oneof![9 => Just(0_i64), 1 => -1_i64..=1];
    let step = (0_u32..6, act, ahead).prop_map(|(who, act, ahead)| Step { who, act, ahead });
    prop::collection::vec(prop::collection::vec(step, 1..6), 1..12)
}

/// The batch of these steps, the model after it, and whether the store must refuse it.
fn compose(model: &Model, steps: &[Step]) -> (Batch, Model, bool) {
    let (mut batch, mut after, mut stale) = (Batch::new(), model.clone(), false);
    for step in steps {
        let held = after.get(&step.who).cloned();
        let change = match (step.act, &held) {
            (Act::Add, _) => Some(adding(step.who)),
            (_, None) => None,
            (Act::Standing, Some((person, _))) => standing(person.clone()),
            (Act::Retire, Some((person, _))) => person.clone().retire(&per(9), at(2)).ok(),
        };
        let Some(change) = change else { continue };
        let to = change.to().clone();
        let version = held.map_or(0, |(_, version)| version);
        batch = match step.act {
            Act::Add => {
                stale |= version != 0;
                batch.begin(change).unwrap()
            }
            Act::Standing | Act::Retire => {
                stale |= step.ahead != 0;
                batch.change(version + step.ahead, change).unwrap()
            }
        };
        after.insert(step.who, (to, version + 1));
    }
    (batch, after, stale)
}

async fn play(batches: Vec<Vec<Step>>) {
    let (dir, store) = opened().await;
    let mut model = Model::new();
    let mut size = 0;
    for steps in batches {
        let (batch, after, stale) = compose(&model, &steps);
        let count = batch.changes().len() as u64;
        if count == 0 {
            continue;
        }
        match store.record(just(batch)).await {
            Ok(receipt) => {
                assert!(!stale);
                assert_eq!((receipt.first_leaf, receipt.leaves), (size, count));
                size += count;
                model = after;
            }
            Err(StoreError::Stale { .. }) => assert!(stale),
            Err(other) => panic!("{other}"),
        }
    }
    let seen = whole(&store).await;
    assert_eq!(seen.0, size);
    store.close().await;
    let store = Store::open(dir.path()).await.unwrap();
    assert_eq!(whole(&store).await, seen, "reopening gives the same");
    for (who, (person, version)) in model {
        let held = store
            .load::<Person>(per(who).as_str())
            .await
            .unwrap()
            .unwrap();
        assert_eq!((held.value, held.version), (person, version));
    }
    // The writer picks up the right edge where it was left.
    let receipt = store.record(super::begin(99)).await.unwrap();
    assert_eq!(receipt.first_leaf, size);
    whole(&store).await;
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_recorded_the_invariants_hold(batches in steps()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(play(batches));
    }
}
