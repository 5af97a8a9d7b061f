//! Names, passwords' checks, codes and sessions.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use super::{Counting, Hand, House, denied};
use crate::{NewCredential, NewPerson, Policies, Service, ServiceError, session_csrf};

fn credential(name: &str) -> NewCredential {
    NewCredential {
        name: name.into(),
        phc: "$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$aGFzaGhhc2g".into(),
        totp: vec![7; 20],
        totp_step: 10,
    }
}

fn signed_out<T: std::fmt::Debug>(result: Result<T, ServiceError>) {
    assert!(
        matches!(result, Err(ServiceError::NotSignedIn)),
        "{result:?}"
    );
}

/// A house in which Ada has a password, and the secret of a session of hers.
async fn with_session() -> (House, String) {
    let house = House::open().await;
    let ada = house.caller("ada").await;
    let set = house.service.set_credential(&ada, credential("ada"));
    set.await.unwrap();
    let secret = house
        .service
        .begin_session(&ada.person.id, 11)
        .await
        .unwrap();
    (house, secret)
}

#[tokio::test]
async fn the_one_time_token_sets_a_password_once() {
    let (house, secret) = with_session().await;
    let kept = house.service.credential("ada").await.unwrap().unwrap();
    assert_eq!((kept.person, kept.totp_step), (house.id("ada"), 11));
    signed_out(house.service.sign_in(&house.token("ada")).await);
    // A session is no token: whoever sits down at an open browser sets no new password.
    let ada = house.service.session(&secret).await.unwrap();
    assert_eq!(ada.person.id, house.id("ada"));
    let again = house.service.set_credential(&ada, credential("countess"));
    assert!(matches!(again.await, Err(ServiceError::BadInput(_))));
    let bo = house.caller("bo").await;
    let taken = house
        .service
        .set_credential(&bo, credential("ada"))
        .await
        .unwrap_err();
    assert_eq!(taken.kind(), crate::Kind::BadInput);
    assert!(
        house.service.sign_in(&house.token("bo")).await.is_ok(),
        "the token is still good"
    );
}

#[tokio::test]
async fn what_is_not_fit_is_not_set() {
    let house = House::open().await;
    let ada = house.caller("ada").await;
    let with = |change: fn(&mut NewCredential)| {
        let mut new = credential("ada");
        change(&mut new);
        new
    };
    let long = "a".repeat(65);
    for name in [
        "ab",
        "Ada",
        "ada lovelace",
        "ad\u{e4}",
        "a/b",
        long.as_str(),
    ] {
        let set = house.service.set_credential(&ada, credential(name)).await;
        assert!(matches!(set, Err(ServiceError::BadInput(_))), "{name}");
    }
    for new in [
        with(|new| new.phc = "hunter2".into()),
        with(|new| new.phc = "$argon2i$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$aGFzaGhhc2g".into()),
        with(|new| new.totp = vec![7; 15]),
    ] {
        let set = house.service.set_credential(&ada, new).await;
        assert!(matches!(set, Err(ServiceError::BadInput(_))));
    }
    for name in ["ada", "a.b_c@d-1", &"a".repeat(64)] {
        let house = House::open().await;
        let ada = house.caller("ada").await;
        house
            .service
            .set_credential(&ada, credential(name))
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn a_session_ends_when_idle_at_its_end_and_when_told() {
    let (house, secret) = with_session().await;
    let limits = house.service.policies().limits.clone();
    let step = limits.session_idle_s - 1;
    let steps = limits.session_s / step;
    for _ in 0..steps {
        house.later(step);
        house.service.session(&secret).await.unwrap();
    }
    house.later(limits.session_s - steps * step - 1);
    house.service.session(&secret).await.unwrap();
    house.later(1);
    signed_out(house.service.session(&secret).await);

    let secret = house
        .service
        .begin_session(&house.id("ada"), 12)
        .await
        .unwrap();
    house.later(limits.session_idle_s);
    signed_out(house.service.session(&secret).await);

    let secret = house
        .service
        .begin_session(&house.id("ada"), 13)
        .await
        .unwrap();
    house.service.end_session(&secret).await.unwrap();
    signed_out(house.service.session(&secret).await);
    signed_out(house.service.session("").await);
}

/// Being looked at often does not write at every look, and does not shorten the idle time by more than a tenth.
#[tokio::test]
async fn a_session_in_use_is_noted_rarely_and_never_ends_early() {
    let (house, secret) = with_session().await;
    let idle = house.service.policies().limits.session_idle_s;
    let hash = crate::people::token_hash(&secret);
    let seen = || async {
        house
            .service
            .store()
            .session(hash)
            .await
            .unwrap()
            .unwrap()
            .seen
    };
    let begun = seen().await;
    house.later(idle / 10 - 1);
    house.service.session(&secret).await.unwrap();
    assert_eq!(seen().await, begun);
    house.later(1);
    house.service.session(&secret).await.unwrap();
    assert!(seen().await > begun);
    house.later(idle / 10 - 1);
    house.service.session(&secret).await.unwrap();
    house.later(idle - idle / 10);
    house.service.session(&secret).await.unwrap();
}

#[tokio::test]
async fn a_code_is_used_once_and_failures_lock_the_name() {
    let (house, _) = with_session().await;
    let ada = house.id("ada");
    signed_out(house.service.begin_session(&ada, 11).await);
    signed_out(house.service.begin_session(&ada, 10).await);
    let limits = house.service.policies().limits.clone();
    for _ in 0..limits.sign_in_failures {
        house.service.note_failed_sign_in(&ada).await.unwrap();
    }
    let kept = house.service.credential("ada").await.unwrap().unwrap();
    assert!(kept.locked_until.is_some());
    house.later(limits.sign_in_lock_s - 1);
    signed_out(house.service.begin_session(&ada, 12).await);
    house.later(1);
    house.service.begin_session(&ada, 12).await.unwrap();
    signed_out(house.service.begin_session(&house.id("bo"), 12).await);
}

#[tokio::test]
async fn sessions_are_ended_by_oneself_or_an_administrator_and_with_the_person() {
    let (house, secret) = with_session().await;
    let ada = house.service.session(&secret).await.unwrap();
    for name in ["bo", "coordinator", "auditor"] {
        let caller = house.caller(name).await;
        denied(house.service.end_sessions(&caller, &house.id("ada")).await);
    }
    house
        .service
        .end_sessions(&ada, &house.id("ada"))
        .await
        .unwrap();
    signed_out(house.service.session(&secret).await);

    let administrator = house.caller("administrator").await;
    let second = house
        .service
        .begin_session(&house.id("ada"), 12)
        .await
        .unwrap();
    house
        .service
        .end_sessions(&administrator, &house.id("ada"))
        .await
        .unwrap();
    signed_out(house.service.session(&second).await);

    let third = house
        .service
        .begin_session(&house.id("ada"), 13)
        .await
        .unwrap();
    house
        .service
        .retire_person(&administrator, &house.id("ada"))
        .await
        .unwrap();
    signed_out(house.service.session(&third).await);
    signed_out(house.service.begin_session(&house.id("ada"), 14).await);
    assert!(house.service.credential("ada").await.unwrap().is_none());
}

#[tokio::test]
async fn whoever_lost_a_second_factor_is_invited_again_and_the_old_one_opens_nothing() {
    let (house, secret) = with_session().await;
    let ada = house.id("ada");
    for name in ["bo", "coordinator", "auditor"] {
        let caller = house.caller(name).await;
        denied(house.service.invite_person(&caller, &ada).await.map(drop));
    }
    let administrator = house.caller("administrator").await;
    let own = house.id("administrator");
    denied(
        house
            .service
            .invite_person(&administrator, &own)
            .await
            .map(drop),
    );
    let invitation = house
        .service
        .invite_person(&administrator, &ada)
        .await
        .unwrap();
    // Session, password and code are over; the name is free, and the leaf says who did it.
    signed_out(house.service.session(&secret).await);
    signed_out(house.service.begin_session(&ada, 12).await);
    assert!(house.service.credential("ada").await.unwrap().is_none());
    let auditor = house.caller("auditor").await;
    let events = house
        .service
        .events_newest(&auditor, None, None)
        .await
        .unwrap();
    let told = &events[0];
    assert_eq!((told.action, &told.by), ("invite_person", &Some(own)));
    let again = house.service.sign_in(&invitation).await.unwrap();
    assert_eq!(again.person.id, ada);
    house
        .service
        .set_credential(&again, credential("ada"))
        .await
        .unwrap();
    signed_out(house.service.sign_in(&invitation).await);
    house.service.begin_session(&ada, 11).await.unwrap();
}

#[tokio::test]
async fn a_new_person_s_token_ends_and_the_person_is_there_with_it() {
    let house = House::open().await;
    let administrator = house.caller("administrator").await;
    let new = NewPerson {
        name: "New".into(),
        organisation: "Org".into(),
        roles: [governance::person::Role::Researcher].into(),
    };
    let (_, token) = house.service.add_person(&administrator, new).await.unwrap();
    house.later(house.service.policies().limits.invitation_s - 1);
    house.service.sign_in(&token).await.unwrap();
    house.later(1);
    signed_out(house.service.sign_in(&token).await);
}

/// RFC 2104 over SHA-256 with the key "key" and the text "csrf", computed with another implementation.
#[test]
fn the_token_of_a_form_is_the_hmac_of_the_session_s_secret() {
    let other = "b16b91124d187af339b515f5f6046a55a985f32065b63e3ea9e3f0b32f05e336";
    assert_eq!(session_csrf("key"), other);
    assert_ne!(session_csrf("key"), session_csrf("kez"));
}

/// A right that ended must not come alive again because the machine was started with its clock set back.
#[tokio::test]
async fn a_clock_that_was_set_back_while_nothing_ran_stops_every_act() {
    let (house, secret) = with_session().await;
    let ids = Arc::new(Counting(AtomicU64::new(1_000)));
    let clock = Arc::new(Hand(AtomicI64::new(
        house.clock.0.load(Ordering::SeqCst) - 3_600,
    )));
    let again = Service::new(
        house.service.store().clone(),
        house.service.keeper().clone(),
        Arc::new(Policies::load(None).unwrap()),
        clock.clone(),
        ids,
    );
    again.repair_at_start().await.unwrap_err();
    assert!(matches!(
        again.session(&secret).await,
        Err(ServiceError::ClockBackwards)
    ));
    clock.0.fetch_add(3_600, Ordering::SeqCst);
    again.repair_at_start().await.unwrap();
    again.session(&secret).await.unwrap();
}
