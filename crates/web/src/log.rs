//! The log and the public register.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use service::{EventView, LogState, RegisterEntry};

use crate::answer::{Answer, No};
use crate::{Ready, SignedIn, asks};

pub(crate) async fn events(
    State(front): Ready,
    SignedIn(caller): SignedIn,
    Query(ask): Query<asks::Events>,
) -> Answer<Vec<EventView>> {
    let events = front
        .service
        .events(&caller, ask.project.as_ref(), ask.after)
        .await?;
    Ok(Json(events))
}

/// Public: what is approved and what left.
pub(crate) async fn register(
    State(front): Ready,
    Query(ask): Query<asks::RegisterPage>,
) -> Answer<Vec<RegisterEntry>> {
    Ok(Json(front.service.register(ask.after.as_ref()).await?))
}

/// Has the log published up to now.
pub(crate) async fn publish(
    State(front): Ready,
    SignedIn(caller): SignedIn,
    _: Bytes,
) -> Answer<LogState> {
    let state = front.service.publish_log_for(&caller, &front.log).await?;
    Ok(Json(state))
}

/// Public: the latest signed checkpoint.
pub(crate) async fn checkpoint(State(front): Ready) -> Result<Response, No> {
    let note = front.service.latest_checkpoint(&front.log)?;
    Ok(note.into_response())
}

/// An offline proof that a leaf is under the latest checkpoint, for whoever may read the log.
pub(crate) async fn proof(
    State(front): Ready,
    SignedIn(caller): SignedIn,
    Path(leaf): Path<u64>,
) -> Result<Response, No> {
    let proof = front.service.proof(&caller, &front.log, leaf).await?;
    Ok(proof.into_response())
}

/// Public: hash tiles, so that anybody can follow the log without reading its entries.
pub(crate) async fn tile(State(front): Ready, Path(path): Path<String>) -> Result<Response, No> {
    if path.starts_with("entries") {
        return Err(No::bad_input(
            "entries are read through /v1/events by those who may; tiles of hashes are public",
        ));
    }
    match front.service.tile(&front.log, &path)? {
        Some(bytes) => Ok(bytes.into_response()),
        None => Ok(StatusCode::NOT_FOUND.into_response()),
    }
}

/// Whether front and keeper answer.
pub(crate) async fn health(State(front): Ready) -> Answer<Value> {
    let hello = front.service.keeper().hello().await?;
    Ok(Json(json!({ "keeper": hello.build, "vkey": hello.vkey })))
}
