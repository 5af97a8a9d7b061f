//! Saved statements of a workspace, what was run there before, and dummy extracts to write code against.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use governance::{ProjectId, WorkspaceId};
use serde_json::{Value, json};
use service::{Before, SavedView};

use crate::answer::{Answer, No, to_the_end};
use crate::{Ready, SignedIn, asks};

pub(crate) async fn list(
    State(front): Ready,
    SignedIn(caller): SignedIn,
    Path(id): Path<WorkspaceId>,
) -> Answer<Vec<SavedView>> {
    Ok(Json(front.service.saved_queries(&caller, &id).await?))
}

pub(crate) async fn save(
    State(front): Ready,
    SignedIn(caller): SignedIn,
    Path(id): Path<WorkspaceId>,
    Json(ask): Json<asks::SaveQuery>,
) -> Answer<Value> {
    front
        .service
        .save_query(&caller, &id, &ask.name, &ask.sql, ask.shared)
        .await?;
    Ok(Json(json!({ "workspace": id, "name": ask.name })))
}

pub(crate) async fn forget(
    State(front): Ready,
    SignedIn(caller): SignedIn,
    Path((id, name)): Path<(WorkspaceId, String)>,
) -> Answer<Value> {
    front.service.forget_query(&caller, &id, &name).await?;
    Ok(Json(json!({ "workspace": id, "name": name })))
}

pub(crate) async fn history(
    State(front): Ready,
    SignedIn(caller): SignedIn,
    Path(id): Path<WorkspaceId>,
) -> Answer<Vec<Before>> {
    Ok(Json(front.service.history(&caller, &id).await?))
}

pub(crate) async fn dummy(
    State(front): Ready,
    SignedIn(caller): SignedIn,
    Path(id): Path<ProjectId>,
) -> Result<impl IntoResponse, No> {
    let work = async move { front.service.dummy_extract(&caller, &id).await };
    let bytes = to_the_end(work).await?;
    Ok(([(CONTENT_TYPE, "application/octet-stream")], bytes))
}
