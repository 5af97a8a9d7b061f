//! Jobs: how they stand, and their cancelling.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use governance::JobId;
use serde_json::{Value, json};
use service::JobView;

use crate::answer::Answer;
use crate::{Ready, SignedIn, asks};

pub(crate) async fn list(
    State(front): Ready,
    SignedIn(caller): SignedIn,
    Query(ask): Query<asks::After>,
) -> Answer<Vec<JobView>> {
    let after = ask.after.as_deref();
    Ok(Json(front.service.jobs(&caller, after).await?))
}

pub(crate) async fn show(
    State(front): Ready,
    SignedIn(caller): SignedIn,
    Path(id): Path<JobId>,
) -> Answer<JobView> {
    Ok(Json(front.service.job(&caller, &id).await?))
}

pub(crate) async fn cancel(
    State(front): Ready,
    SignedIn(caller): SignedIn,
    Path(id): Path<JobId>,
    _: Bytes,
) -> Answer<Value> {
    front.service.cancel_job(&caller, &id).await?;
    Ok(Json(json!({ "job": id, "state": "cancelled" })))
}
