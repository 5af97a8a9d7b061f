//! The accounts of privacy loss in the store: all or nothing with the leaf, never over a cap, and the same from
//! the leaves alone, whatever races, replays and kills.

mod kill;
mod scene;

use std::collections::BTreeSet;

use governance::measure::{Account, Balance, Budget, Fault, Lost, Measurement};
use governance::{Batch, Lifecycle};

use super::{at, beside, just, opened, run};
use crate::{Store, StoreError};
use scene::{Scene, loss, project, researcher, the_people};

async fn held(store: &Store, id: &str) -> crate::Held<Measurement> {
    store.load::<Measurement>(id).await.unwrap().unwrap()
}

async fn spent(store: &Store, account: &Account) -> (u64, u64) {
    let Balance { held, spent } = store.balance(account).await.unwrap();
    (held.nano_rho, spent.nano_rho)
}

#[tokio::test]
async fn a_price_is_held_then_spent_at_every_level_and_the_leaves_tell_the_same() {
    let (_dir, store) = opened().await;
    let scene = Scene::open(&store).await;
    let id = scene.reserve(&store, 0, 1, 10).await.unwrap();
    for account in [the_people(), project(0), researcher(0)] {
        assert_eq!(
            spent(&store, &account).await,
            (loss(10).nano_rho, 0),
            "{account}"
        );
    }
    scene.run(&store, 0, &id).await.unwrap();
    let running = held(&store, &id).await;
    let release = running
        .value
        .hold(&scene.job(), scene::hash(9), &[].into(), at(3))
        .unwrap();
    store
        .record(just(Batch::new().change(running.version, release).unwrap()))
        .await
        .unwrap();
    for account in [the_people(), project(0), researcher(0)] {
        assert_eq!(
            spent(&store, &account).await,
            (0, loss(10).nano_rho),
            "{account}"
        );
    }
    assert_eq!(spent(&store, &project(1)).await, (0, 0));
    let check = store.check_accounts().await.unwrap();
    assert_eq!(check.faults, Vec::<Fault>::new());
    assert_eq!(
        (check.leaves, check.told.len()),
        (store.log_size().await.unwrap(), 3)
    );
    assert_eq!(store.mend_accounts().await.unwrap(), 0);
}

#[tokio::test]
async fn over_a_cap_nothing_is_written_at_any_level() {
    let (_dir, store) = opened().await;
    let scene = Scene::open(&store).await;
    // The researcher's cap is 200: the third question of 90 does not fit.
    scene.reserve(&store, 0, 1, 90).await.unwrap();
    scene.reserve(&store, 0, 2, 90).await.unwrap();
    let (size, before) = (
        store.log_size().await.unwrap(),
        store.check_accounts().await.unwrap(),
    );
    let refused = scene.reserve(&store, 0, 3, 90).await.unwrap_err();
    let StoreError::OverBudget(over) = &refused else {
        panic!("{refused}")
    };
    assert_eq!(
        (&over.account, over.left, over.price),
        (&researcher(0), loss(20), loss(90))
    );
    assert_eq!(store.log_size().await.unwrap(), size);
    assert_eq!(store.check_accounts().await.unwrap(), before);
    // What is left can be spent to the last unit, and not one more.
    scene.reserve(&store, 0, 4, 20).await.unwrap();
    assert!(matches!(
        scene.reserve(&store, 0, 5, 1).await,
        Err(StoreError::OverBudget(_))
    ));
}

/// Pooled researchers, and copies of the data: the people's account stops them all.
#[tokio::test]
async fn the_people_have_one_account_for_every_project_researcher_and_copy() {
    let (_dir, store) = opened().await;
    let scene = Scene::open(&store).await;
    let mut taken = 0;
    for question in 0..40 {
        let who = question % scene::WORKERS;
        taken += u64::from(
            scene
                .reserve(&store, who, question as u64, 100)
                .await
                .is_ok(),
        );
    }
    assert_eq!(taken * 100, scene::PEOPLE_CAP);
    let (held, _) = spent(&store, &the_people()).await;
    assert_eq!(held, loss(scene::PEOPLE_CAP).nano_rho);
}

#[tokio::test]
async fn many_at_once_come_to_the_cap_exactly() {
    let (_dir, store) = opened().await;
    let scene = std::sync::Arc::new(Scene::open(&store).await);
    let mut tasks = tokio::task::JoinSet::new();
    for question in 0..120_u64 {
        let (store, scene) = (store.clone(), scene.clone());
        tasks.spawn(async move {
            let who = question as usize % scene::WORKERS;
            scene.reserve(&store, who, question, 30).await.is_ok()
        });
    }
    let mut taken = 0;
    while let Some(done) = tasks.join_next().await {
        taken += u64::from(done.unwrap());
    }
    assert_eq!(taken, scene::PEOPLE_CAP / 30);
    assert_eq!(
        store.check_accounts().await.unwrap().faults,
        Vec::<Fault>::new()
    );
}

/// The same question twice at once, or a request that is sent again: one reservation.
#[tokio::test]
async fn the_same_question_at_the_same_moment_is_reserved_once() {
    let (_dir, store) = opened().await;
    let scene = std::sync::Arc::new(Scene::open(&store).await);
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..16 {
        let (store, scene) = (store.clone(), scene.clone());
        tasks.spawn(async move { scene.reserve(&store, 0, 7, 5).await });
    }
    let (mut taken, mut stale) = (0, 0);
    while let Some(done) = tasks.join_next().await {
        match done.unwrap() {
            Ok(_) => taken += 1,
            Err(StoreError::Stale { .. }) => stale += 1,
            Err(other) => panic!("{other}"),
        }
    }
    assert_eq!((taken, stale), (1, 15));
    assert_eq!(spent(&store, &the_people()).await.0, loss(5).nano_rho);
}

#[tokio::test]
async fn a_cap_that_was_changed_meanwhile_is_not_the_one_that_is_applied() {
    let (_dir, store) = opened().await;
    let scene = Scene::open(&store).await;
    let change = scene.reservation(0, 1, 10, 1).unwrap();
    scene.set_caps(&store, 0).await;
    let late = store
        .record(just(Batch::new().begin(change).unwrap()))
        .await;
    assert!(
        matches!(late, Err(StoreError::Stale { ref kind, .. }) if kind == "budget"),
        "{late:?}"
    );
    let (now, version) = Scene::again(&store).await;
    let none = now.reservation(0, 1, 10, version).unwrap();
    let none = store.record(just(Batch::new().begin(none).unwrap())).await;
    assert!(matches!(none, Err(StoreError::OverBudget(_))), "{none:?}");
    // A caller that gave old caps for new ones would book too much, and the leaves would tell.
    let wrong = scene.reservation(0, 1, 10, version).unwrap();
    store
        .record(just(Batch::new().begin(wrong).unwrap()))
        .await
        .unwrap();
    let caught = store.check_accounts().await.unwrap().faults;
    assert!(
        caught.iter().any(|f| matches!(f, Fault::OverCap { .. })),
        "{caught:?}"
    );
}

/// Charged although nobody ever saw an answer: a time-out, a cancelled request, a killed keeper.
#[tokio::test]
async fn what_ran_is_charged_and_what_did_not_is_given_back() {
    let (_dir, store) = opened().await;
    let scene = Scene::open(&store).await;
    let ran = scene.reserve(&store, 0, 1, 10).await.unwrap();
    scene.run(&store, 0, &ran).await.unwrap();
    let held_ = held(&store, &ran).await;
    let forfeit = held_
        .value
        .clone()
        .forfeit(Lost::Interrupted, at(3))
        .unwrap();
    store
        .record(just(
            Batch::new().change(held_.version, forfeit.clone()).unwrap(),
        ))
        .await
        .unwrap();
    // The same settlement sent again changes nothing.
    let again = store
        .record(just(Batch::new().change(held_.version, forfeit).unwrap()))
        .await;
    assert!(matches!(again, Err(StoreError::Stale { .. })));
    assert_eq!(spent(&store, &the_people()).await, (0, loss(10).nano_rho));

    let waits = scene.reserve(&store, 0, 2, 10).await.unwrap();
    let held_ = held(&store, &waits).await;
    let free = held_.value.expire(at(4_000)).unwrap();
    store
        .record(just(Batch::new().change(held_.version, free).unwrap()))
        .await
        .unwrap();
    assert_eq!(spent(&store, &the_people()).await, (0, loss(10).nano_rho));
    // The clock goes back: what was given back is not there to be run.
    assert!(scene.run(&store, 0, &waits).await.is_err());
    assert_eq!(
        store.check_accounts().await.unwrap().faults,
        Vec::<Fault>::new()
    );
}

#[tokio::test]
async fn a_table_that_was_edited_is_found_and_mended_from_the_leaves() {
    let (dir, store) = opened().await;
    let scene = Scene::open(&store).await;
    let id = scene.reserve(&store, 0, 1, 50).await.unwrap();
    scene.run(&store, 0, &id).await.unwrap();
    let good = store.check_accounts().await.unwrap();
    let mut intruder = beside(&dir).await;
    for edit in [
        "update accounts set held_nano_rho = held_nano_rho - 1 where account like 'people:%'",
        "update accounts set spent_atto_delta = 7 where account like 'project:%'",
        "delete from accounts where account like 'people:%'",
        "insert into accounts select 'people:bud_z', 'bud_z', 1, 0, 0, 0, leaf from accounts limit 1",
    ] {
        run(&mut intruder, edit).await;
        let found = store.check_accounts().await.unwrap();
        assert!(
            matches!(found.faults.as_slice(), [Fault::Table(_)]),
            "{edit}: {:?}",
            found.faults
        );
        assert_eq!(store.mend_accounts().await.unwrap(), 1, "{edit}");
        assert_eq!(store.check_accounts().await.unwrap(), good, "{edit}");
    }
    let lower = sqlx::raw_sql("update accounts set spent_atto_delta = -1")
        .execute(&mut intruder)
        .await;
    assert!(lower.is_err(), "what is spent stays spent");
}

#[tokio::test]
async fn a_fault_while_booking_leaves_neither_leaf_nor_account() {
    let (dir, store) = opened().await;
    let scene = Scene::open(&store).await;
    let before = (
        store.log_size().await.unwrap(),
        store.check_accounts().await.unwrap(),
    );
    let mut intruder = beside(&dir).await;
    for fault in [
        "create trigger fault before insert on accounts when new.account like 'researcher:%'
           begin select raise(abort, 'fault'); end",
        "create trigger fault before insert on states when new.kind = 'measurement'
           begin select raise(abort, 'fault'); end",
    ] {
        run(&mut intruder, fault).await;
        assert!(scene.reserve(&store, 0, 1, 10).await.is_err());
        run(&mut intruder, "drop trigger fault").await;
        let after = (
            store.log_size().await.unwrap(),
            store.check_accounts().await.unwrap(),
        );
        assert_eq!(after, before, "{fault}");
    }
    scene.reserve(&store, 0, 1, 10).await.unwrap();
}

#[tokio::test]
async fn lists_of_accounts_are_a_budgets_own_in_order() {
    let (_dir, store) = opened().await;
    let scene = Scene::open(&store).await;
    for who in 0..scene::WORKERS {
        scene.reserve(&store, who, who as u64, 10).await.unwrap();
    }
    let budget = held_budget(&store).await;
    let all = store.accounts(budget.value.budget(), None).await.unwrap();
    let names: Vec<String> = all.iter().map(|(a, _)| a.to_string()).collect();
    let sorted: BTreeSet<String> = names.iter().cloned().collect();
    assert_eq!(names, sorted.into_iter().collect::<Vec<_>>());
    assert_eq!(names.len(), 1 + 2 + scene::WORKERS);
    let rest = store
        .accounts(budget.value.budget(), Some(&all[0].0))
        .await
        .unwrap();
    assert_eq!(rest, all[1..]);
    assert_eq!(budget.value.state(), "open");
}

async fn held_budget(store: &Store) -> crate::Held<Budget> {
    store.load::<Budget>("bud_a").await.unwrap().unwrap()
}
