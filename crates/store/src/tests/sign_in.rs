//! How people sign in: written with its act or not at all, each time step once, locked after failures.

use std::collections::BTreeSet;

use governance::Batch;
use governance::person::{Person, Role};

use super::{at, begin, beside, just, opened, per, run, whole};
use crate::{Beside, NewCredential, Record, SESSIONS_PER_PERSON_MAX, Store, StoreError};

fn credential(name: &str) -> NewCredential {
    NewCredential {
        name: name.into(),
        phc: "$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$aGFzaGhhc2g".into(),
        totp: vec![7; 20],
        totp_step: 10,
    }
}

/// The act of setting a credential, with what goes beside it.
async fn set(store: &Store, n: u32, name: &str) -> Result<(), StoreError> {
    let person = per(n);
    let held = store.load::<Person>(person.as_str()).await?.unwrap();
    let change = held.value.set_credential(&person, at(5)).unwrap();
    let beside = vec![
        Beside::credential(&person, credential(name))?,
        Beside::end_sessions(&person),
        Beside::revoke_tokens(&person),
    ];
    let batch = Batch::new().change(held.version, change).unwrap();
    let record = Record {
        beside,
        ..just(batch)
    };
    store.record(record).await.map(drop)
}

async fn signs_in(store: &Store, n: u32, step: i64, second: i64, hash: u8) -> bool {
    let ends = at(second + 1000);
    let person = per(n);
    let begun = store.begin_session(&person, step, [hash; 32], at(second), ends);
    begun.await.unwrap()
}

#[tokio::test]
async fn a_time_step_begins_one_session_and_no_earlier_one_does() {
    let (_dir, store) = opened().await;
    store.record(begin(1)).await.unwrap();
    assert!(!signs_in(&store, 1, 11, 0, 1).await, "no credential yet");
    set(&store, 1, "ada").await.unwrap();
    for (step, good) in [(10, false), (11, true), (11, false), (9, false), (12, true)] {
        let hash = u8::try_from(step).unwrap() * 2 + u8::from(good);
        assert_eq!(signs_in(&store, 1, step, 0, hash).await, good, "{step}");
    }
    let (one, other) = tokio::join!(
        signs_in(&store, 1, 20, 0, 101),
        signs_in(&store, 1, 20, 0, 102)
    );
    assert!(one != other, "of two with the same code one signs in");
    let session = store.session([25; 32]).await.unwrap().unwrap();
    assert_eq!(
        (session.person, session.seen, session.ends),
        (per(1), at(0), at(1000))
    );
    assert_eq!(store.session([20; 32]).await.unwrap(), None);
}

#[tokio::test]
async fn failures_lock_a_name_until_their_moment_and_count_from_zero_then() {
    let (_dir, store) = opened().await;
    store.record(begin(1)).await.unwrap();
    set(&store, 1, "ada").await.unwrap();
    let person = per(1);
    let fail = || store.note_failed_sign_in(&person, 3, at(60));
    for failures in [1, 2] {
        fail().await.unwrap();
        let held = store.credential("ada").await.unwrap().unwrap();
        assert_eq!((held.failures, held.locked_until), (failures, None));
    }
    fail().await.unwrap();
    let held = store.credential("ada").await.unwrap().unwrap();
    assert_eq!((held.failures, held.locked_until), (0, Some(at(60))));
    assert!(!signs_in(&store, 1, 11, 59, 1).await);
    assert!(signs_in(&store, 1, 11, 60, 1).await);
    let held = store.credential("ada").await.unwrap().unwrap();
    assert_eq!(
        (held.totp_step, held.failures, held.locked_until),
        (11, 0, None)
    );
    fail().await.unwrap();
    fail().await.unwrap();
    assert!(
        signs_in(&store, 1, 12, 61, 2).await,
        "two failures lock nothing"
    );
    let held = store.credential("ada").await.unwrap().unwrap();
    assert_eq!(held.failures, 0, "a good attempt forgets them");
}

#[tokio::test]
async fn a_taken_name_leaves_nothing_of_the_act() {
    let (_dir, store) = opened().await;
    store.record(begin(1)).await.unwrap();
    store.record(begin(2)).await.unwrap();
    set(&store, 1, "ada").await.unwrap();
    let before = whole(&store).await;
    let refused = set(&store, 2, "ada").await.unwrap_err();
    assert!(matches!(refused, StoreError::NameTaken), "{refused}");
    assert_eq!(whole(&store).await, before);
    assert_eq!(
        store.credential("ada").await.unwrap().unwrap().person,
        per(1)
    );
    set(&store, 1, "lovelace").await.unwrap();
    assert!(
        store.credential("ada").await.unwrap().is_none(),
        "one name each"
    );
    set(&store, 2, "ada").await.unwrap();
}

#[tokio::test]
async fn a_new_credential_ends_sessions_and_tokens_in_the_same_transaction() {
    let (dir, store) = opened().await;
    store.record(begin(1)).await.unwrap();
    set(&store, 1, "ada").await.unwrap();
    assert!(signs_in(&store, 1, 11, 0, 1).await);
    store
        .add_token([9; 32], &per(1), "first", at(100))
        .await
        .unwrap();
    let mut other = beside(&dir).await;
    run(
        &mut other,
        "create trigger fault before delete on tokens begin select raise(abort, 'fault'); end",
    )
    .await;
    let before = whole(&store).await;
    assert!(set(&store, 1, "countess").await.is_err());
    assert_eq!(whole(&store).await, before);
    assert!(store.credential("ada").await.unwrap().is_some());
    assert!(store.session([1; 32]).await.unwrap().is_some());
    run(&mut other, "drop trigger fault").await;
    set(&store, 1, "countess").await.unwrap();
    assert_eq!(store.session([1; 32]).await.unwrap(), None);
    assert_eq!(store.token([9; 32], at(0)).await.unwrap(), None);
}

#[tokio::test]
async fn sessions_end_by_their_secret_by_their_number_and_with_their_person() {
    let (_dir, store) = opened().await;
    store.record(begin(1)).await.unwrap();
    set(&store, 1, "ada").await.unwrap();
    let most = u8::try_from(SESSIONS_PER_PERSON_MAX).unwrap();
    for n in 1..=most + 1 {
        let second = i64::from(n);
        assert!(signs_in(&store, 1, 10 + second, second, n).await);
    }
    assert_eq!(
        store.session([1; 32]).await.unwrap(),
        None,
        "the oldest is gone"
    );
    assert!(store.session([2; 32]).await.unwrap().is_some());
    store.end_session([2; 32]).await.unwrap();
    assert_eq!(store.session([2; 32]).await.unwrap(), None);
    store.note_session_seen([3; 32], at(50)).await.unwrap();
    store.note_session_seen([3; 32], at(40)).await.unwrap();
    let seen = store.session([3; 32]).await.unwrap().unwrap().seen;
    assert_eq!(seen, at(50), "a session is never seen earlier than it was");
}

#[tokio::test]
async fn what_is_too_long_is_refused_and_nothing_of_it_is_shown() {
    let long = |change: fn(&mut NewCredential)| {
        let mut new = credential("ada");
        change(&mut new);
        Beside::credential(&per(1), new)
    };
    for refused in [
        long(|new| new.name = "a".repeat(201)),
        long(|new| new.phc = "a".repeat(1025)),
        long(|new| new.totp = vec![0; 65]),
    ] {
        assert!(matches!(refused, Err(StoreError::TooMuch { .. })));
    }
    let new = credential("ada");
    let row = Beside::credential(&per(1), new.clone()).unwrap();
    let shown = format!("{new:?} {row:?}");
    for secret in ["ada", "argon2", "7, 7"] {
        assert!(!shown.contains(secret), "{shown}");
    }
}

/// A person is found by no tie, and an act on one leaves none.
#[tokio::test]
async fn people_are_listed_by_name_and_their_acts_tie_nothing() {
    let (dir, store) = opened().await;
    store.record(begin(1)).await.unwrap();
    set(&store, 1, "ada").await.unwrap();
    let briefs = store
        .briefs::<Person>(&["per_1".into(), "per_9".into()])
        .await;
    let titles: Vec<String> = briefs.unwrap().into_iter().map(|b| b.title).collect();
    assert_eq!(titles, ["Ada"]);
    let ties: i64 = sqlx::query_scalar("select count(*) from ties")
        .fetch_one(&mut beside(&dir).await)
        .await
        .unwrap();
    assert_eq!(ties, 0);
    let held = store.load::<Person>("per_1").await.unwrap().unwrap();
    assert_eq!(held.value.roles, BTreeSet::from([Role::Researcher]));
}
