//! People, datasets, deliveries.

use axum::Json;
use axum::body::{Body, Bytes};
use axum::extract::{Path, Query, State};
use futures_util::TryStreamExt;
use governance::dataset::Dataset;
use governance::delivery::Delivery;
use governance::{DatasetId, DeliveryId, Lifecycle, PersonId};
use serde_json::{Value, json};
use service::{DeliveryAnswer, NewPerson};
use tokio_util::io::StreamReader;

use crate::answer::{Answer, No, to_the_end};
use crate::{Ready, SignedIn, asks};

pub(crate) async fn whoami(SignedIn(caller): SignedIn) -> Answer<Value> {
    let roles: Vec<&str> = caller.person.roles.iter().map(|r| r.word()).collect();
    Ok(Json(json!({ "person": caller.person.id, "roles": roles })))
}

pub(crate) async fn add_person(
    State(front): Ready,
    SignedIn(caller): SignedIn,
    Json(new): Json<NewPerson>,
) -> Answer<Value> {
    let (person, token) = front.service.add_person(&caller, new).await?;
    Ok(Json(json!({ "person": person, "token": token })))
}

pub(crate) async fn record_standing(
    State(front): Ready,
    SignedIn(caller): SignedIn,
    Path(id): Path<PersonId>,
    Json(ask): Json<asks::Standing>,
) -> Answer<Value> {
    front
        .service
        .record_standing(
            &caller,
            &id,
            ask.accreditation_until,
            ask.training_until,
            ask.undertaking_on,
        )
        .await?;
    Ok(Json(json!({ "person": id })))
}

pub(crate) async fn invite_person(
    State(front): Ready,
    SignedIn(caller): SignedIn,
    Path(id): Path<PersonId>,
    _: Bytes,
) -> Answer<Value> {
    let token = front.service.invite_person(&caller, &id).await?;
    Ok(Json(json!({ "person": id, "token": token })))
}

pub(crate) async fn retire_person(
    State(front): Ready,
    SignedIn(caller): SignedIn,
    Path(id): Path<PersonId>,
    _: Bytes,
) -> Answer<Value> {
    front.service.retire_person(&caller, &id).await?;
    Ok(Json(json!({ "person": id })))
}

pub(crate) async fn catalogue(
    State(front): Ready,
    SignedIn(caller): SignedIn,
) -> Answer<Vec<Dataset>> {
    Ok(Json(front.service.catalogue(&caller).await?))
}

pub(crate) async fn register_dataset(
    State(front): Ready,
    SignedIn(caller): SignedIn,
    Json(ask): Json<asks::NewDataset>,
) -> Answer<Value> {
    let dataset = front
        .service
        .register_dataset(
            &caller,
            ask.controller,
            ask.identifiers_from,
            ask.payload_from,
            ask.dictionary,
        )
        .await?;
    Ok(Json(json!({ "dataset": dataset })))
}

pub(crate) async fn give_instruction(
    State(front): Ready,
    SignedIn(caller): SignedIn,
    Path(id): Path<DatasetId>,
    Json(ask): Json<asks::Until>,
) -> Answer<Value> {
    front
        .service
        .give_instruction(&caller, &id, ask.until)
        .await?;
    Ok(Json(json!({ "dataset": id })))
}

pub(crate) async fn withdraw_instruction(
    State(front): Ready,
    SignedIn(caller): SignedIn,
    Path(id): Path<DatasetId>,
) -> Answer<Value> {
    front.service.withdraw_instruction(&caller, &id).await?;
    Ok(Json(json!({ "dataset": id })))
}

pub(crate) async fn deliver_identifiers(
    State(front): Ready,
    SignedIn(caller): SignedIn,
    Path(id): Path<DatasetId>,
    Query(ask): Query<asks::Format>,
    body: Body,
) -> Answer<DeliveryAnswer> {
    let body = as_file(ask.format, body);
    let work = async move { front.service.deliver_identifiers(&caller, &id, body).await };
    Ok(Json(to_the_end(work).await?))
}

pub(crate) async fn deliver_payload(
    State(front): Ready,
    SignedIn(caller): SignedIn,
    Path(id): Path<DeliveryId>,
    Query(ask): Query<asks::Format>,
    body: Body,
) -> Answer<DeliveryAnswer> {
    let body = as_file(ask.format, body);
    let work = async move { front.service.deliver_payload(&caller, &id, body).await };
    Ok(Json(to_the_end(work).await?))
}

pub(crate) async fn delivery(
    State(front): Ready,
    SignedIn(caller): SignedIn,
    Path(id): Path<DeliveryId>,
) -> Result<Json<Value>, No> {
    let delivery: Delivery = front.service.delivery(&caller, &id).await?;
    Ok(Json(json!({
        "delivery": delivery.core().id,
        "dataset": delivery.core().dataset,
        "state": delivery.state(),
    })))
}

/// The body as it arrives; it is never held whole here.
fn as_file(format: String, body: Body) -> service::Body<impl tokio::io::AsyncRead + Unpin + Send> {
    let stream = body
        .into_data_stream()
        .map_err(|_| std::io::Error::other("the body broke off"));
    service::Body {
        format,
        bytes: StreamReader::new(stream),
    }
}
