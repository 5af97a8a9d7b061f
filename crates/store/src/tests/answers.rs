//! What people have judged so far of the pairs of a review: each their own, the newest only, gone with the review.

use governance::IndexingId;

use super::{begin, opened, per};
use crate::{ANSWERS_BYTES_MAX, Beside, Record, StoreError};

#[tokio::test]
async fn answers_are_each_persons_own_until_the_review_is_over() {
    let (_dir, store) = opened().await;
    let of = |n: u8| -> IndexingId { format!("idx_{n}").parse().unwrap() };
    let save = async |n: u8, person: u32, json: &str| {
        let json = json.to_owned();
        store.save_answers(&of(n), &per(person), json).await
    };
    let held = async |n: u8, person: u32| store.answers(&of(n), &per(person)).await.unwrap();
    assert_eq!(held(1, 1).await, None);
    save(1, 1, "{}").await.unwrap();
    save(1, 1, r#"{"1":"moved"}"#).await.unwrap();
    save(1, 2, r#"{"1":"namesake"}"#).await.unwrap();
    save(2, 1, r#"{"7":"moved"}"#).await.unwrap();
    assert_eq!(held(1, 1).await.as_deref(), Some(r#"{"1":"moved"}"#));
    assert_eq!(held(1, 2).await.as_deref(), Some(r#"{"1":"namesake"}"#));
    let much = "x".repeat(ANSWERS_BYTES_MAX + 1);
    assert!(matches!(
        save(1, 1, &much).await,
        Err(StoreError::TooMuch { .. })
    ));
    let over = Record {
        beside: vec![Beside::forget_answers(&of(1))],
        ..begin(1)
    };
    store.record(over.clone()).await.unwrap();
    assert_eq!((held(1, 1).await, held(1, 2).await), (None, None));
    assert!(held(2, 1).await.is_some(), "another review");
    save(1, 1, "{}").await.unwrap();
    assert!(store.record(over).await.is_err(), "this person is there");
    assert!(held(1, 1).await.is_some(), "with the act or not at all");
}
