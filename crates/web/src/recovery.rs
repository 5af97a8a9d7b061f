//! Recoveries: asked for by one person, opened by another, used and ended.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use governance::{RecoveryId, WorkspaceId};
use serde_json::{Value, json};
use service::{Recovered, RecoveryView};

use crate::answer::Answer;
use crate::{Ready, SignedIn, asks};

pub(crate) async fn ask(
    State(front): Ready,
    SignedIn(caller): SignedIn,
    Path(id): Path<WorkspaceId>,
    Json(ask): Json<asks::AskRecovery>,
) -> Answer<Value> {
    let service = &front.service;
    let recovery = service
        .ask_recovery(&caller, &id, &ask.reason, ask.minutes)
        .await?;
    Ok(Json(json!({ "recovery": recovery, "state": "asked" })))
}

pub(crate) async fn of_workspace(
    State(front): Ready,
    SignedIn(caller): SignedIn,
    Path(id): Path<WorkspaceId>,
) -> Answer<Vec<RecoveryView>> {
    Ok(Json(front.service.recoveries_of(&caller, &id).await?))
}

pub(crate) async fn list(
    State(front): Ready,
    SignedIn(caller): SignedIn,
) -> Answer<Vec<RecoveryView>> {
    Ok(Json(front.service.recoveries(&caller).await?))
}

pub(crate) async fn show(
    State(front): Ready,
    SignedIn(caller): SignedIn,
    Path(id): Path<RecoveryId>,
) -> Answer<RecoveryView> {
    Ok(Json(front.service.recovery(&caller, &id).await?))
}

pub(crate) async fn confirm(
    State(front): Ready,
    SignedIn(caller): SignedIn,
    Path(id): Path<RecoveryId>,
    _: Bytes,
) -> Answer<Value> {
    let until = front.service.confirm_recovery(&caller, &id).await?;
    Ok(Json(
        json!({ "recovery": id, "state": "open", "until": until }),
    ))
}

pub(crate) async fn refuse(
    State(front): Ready,
    SignedIn(caller): SignedIn,
    Path(id): Path<RecoveryId>,
    _: Bytes,
) -> Answer<Value> {
    front.service.refuse_recovery(&caller, &id).await?;
    Ok(Json(json!({ "recovery": id, "state": "refused" })))
}

pub(crate) async fn end(
    State(front): Ready,
    SignedIn(caller): SignedIn,
    Path(id): Path<RecoveryId>,
    _: Bytes,
) -> Answer<Value> {
    front.service.end_recovery(&caller, &id).await?;
    Ok(Json(json!({ "recovery": id, "state": "ended" })))
}

pub(crate) async fn read(
    State(front): Ready,
    SignedIn(caller): SignedIn,
    Path(id): Path<RecoveryId>,
    _: Bytes,
) -> Answer<Recovered> {
    Ok(Json(front.service.read_recovery(&caller, &id).await?))
}

pub(crate) async fn hand_over_statements(
    State(front): Ready,
    SignedIn(caller): SignedIn,
    Path(id): Path<RecoveryId>,
    Json(ask): Json<asks::HandOverStatements>,
) -> Answer<Value> {
    let hands = (&ask.from, &ask.to);
    let service = &front.service;
    let statements = service.hand_over_statements(&caller, &id, hands).await?;
    Ok(Json(json!({ "recovery": id, "statements": statements })))
}

pub(crate) async fn hand_over_output(
    State(front): Ready,
    SignedIn(caller): SignedIn,
    Path(id): Path<RecoveryId>,
    Json(ask): Json<asks::HandOverOutput>,
) -> Answer<Value> {
    let hands = (&ask.output, &ask.to);
    front.service.hand_over_output(&caller, &id, hands).await?;
    Ok(Json(json!({ "recovery": id, "output": ask.output })))
}
