//! Queries, outputs, reviews, releases.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use governance::{Action, OutputId, WorkspaceId};
use serde_json::{Value, json};
use service::{AttackView, CheckAnswer, CommentView, OutputView, QueryAnswer};

use crate::answer::{Answer, No, to_the_end};
use crate::{Ready, SignedIn, asks};

pub(crate) async fn query(
    State(front): Ready,
    SignedIn(caller): SignedIn,
    Path(id): Path<WorkspaceId>,
    Json(ask): Json<asks::Query>,
) -> Answer<QueryAnswer> {
    let work = async move { front.service.query(&caller, &id, &ask.sql).await };
    Ok(Json(to_the_end(work).await?))
}

pub(crate) async fn stage(
    State(front): Ready,
    SignedIn(caller): SignedIn,
    Path(id): Path<WorkspaceId>,
    Json(ask): Json<asks::Stage>,
) -> Answer<CheckAnswer> {
    let work = async move {
        let service = &front.service;
        service
            .stage_output(&caller, &id, &ask.sql, &ask.context)
            .await
    };
    Ok(Json(to_the_end(work).await?))
}

macro_rules! keeps {
    ($($name:ident => $action:ident;)*) => {$(
        pub(crate) async fn $name(
            State(front): Ready,
            SignedIn(caller): SignedIn,
            Path(id): Path<WorkspaceId>,
            _: Bytes,
        ) -> Answer<Value> {
            let state = front.service.keep_workspace(&caller, &id, Action::$action).await?;
            Ok(Json(json!({ "workspace": id, "state": state })))
        }
    )*};
}

keeps! {
    suspend => SuspendWorkspace;
    resume => ResumeWorkspace;
    close => CloseWorkspace;
}

pub(crate) async fn queue(
    State(front): Ready,
    SignedIn(caller): SignedIn,
    Query(ask): Query<asks::After>,
) -> Answer<Vec<OutputId>> {
    let after = ask.after.as_deref();
    Ok(Json(front.service.review_queue(&caller, after).await?))
}

pub(crate) async fn show(
    State(front): Ready,
    SignedIn(caller): SignedIn,
    Path(id): Path<OutputId>,
) -> Answer<OutputView> {
    Ok(Json(front.service.output(&caller, &id).await?))
}

pub(crate) async fn table(
    State(front): Ready,
    SignedIn(caller): SignedIn,
    Path(id): Path<OutputId>,
) -> Result<impl IntoResponse, No> {
    let bytes = front.service.reviewed_bytes(&caller, &id).await?;
    Ok(([(CONTENT_TYPE, "text/csv; charset=utf-8")], bytes))
}

pub(crate) async fn submit(
    State(front): Ready,
    SignedIn(caller): SignedIn,
    Path(id): Path<OutputId>,
    Json(ask): Json<asks::Submit>,
) -> Answer<Value> {
    front
        .service
        .submit_output(&caller, &id, ask.rendering)
        .await?;
    Ok(Json(json!({ "output": id, "state": "under_review" })))
}

pub(crate) async fn vote(
    State(front): Ready,
    SignedIn(caller): SignedIn,
    Path(id): Path<OutputId>,
    Json(ask): Json<asks::ReviewVote>,
) -> Answer<Value> {
    let state = front
        .service
        .vote_on_output(
            &caller,
            &id,
            ask.verdict,
            &ask.bytes,
            ask.comment.as_deref(),
        )
        .await?;
    Ok(Json(json!({ "output": id, "state": state })))
}

pub(crate) async fn comments(
    State(front): Ready,
    SignedIn(caller): SignedIn,
    Path(id): Path<OutputId>,
) -> Answer<Vec<CommentView>> {
    Ok(Json(front.service.comments_on_output(&caller, &id).await?))
}

pub(crate) async fn comment(
    State(front): Ready,
    SignedIn(caller): SignedIn,
    Path(id): Path<OutputId>,
    Json(ask): Json<asks::CommentOnOutput>,
) -> Answer<Value> {
    let comment = front
        .service
        .comment_on_output(&caller, &id, ask.visibility, &ask.text)
        .await?;
    Ok(Json(json!({ "comment": comment })))
}

pub(crate) async fn release(
    State(front): Ready,
    SignedIn(caller): SignedIn,
    Path(id): Path<OutputId>,
    _: Bytes,
) -> Answer<Value> {
    let bytes = front.service.release_output(&caller, &id).await?;
    Ok(Json(json!({ "output": id, "bytes": bytes })))
}

pub(crate) async fn download(
    State(front): Ready,
    SignedIn(caller): SignedIn,
    Path(id): Path<OutputId>,
    _: Bytes,
) -> Result<impl IntoResponse, No> {
    let bytes = front.service.download_output(&caller, &id).await?;
    Ok(([(CONTENT_TYPE, "text/csv; charset=utf-8")], bytes))
}

pub(crate) async fn withdraw(
    State(front): Ready,
    SignedIn(caller): SignedIn,
    Path(id): Path<OutputId>,
    _: Bytes,
) -> Answer<Value> {
    front.service.withdraw_output(&caller, &id).await?;
    Ok(Json(json!({ "output": id, "state": "withdrawn" })))
}

pub(crate) async fn recall(
    State(front): Ready,
    SignedIn(caller): SignedIn,
    Path(id): Path<OutputId>,
    _: Bytes,
) -> Answer<Value> {
    front.service.recall_output(&caller, &id).await?;
    Ok(Json(json!({ "output": id, "state": "recalled" })))
}

pub(crate) async fn last_attack(
    State(front): Ready,
    SignedIn(caller): SignedIn,
) -> Answer<Option<AttackView>> {
    Ok(Json(front.service.last_attack(&caller).await?))
}

pub(crate) async fn attack(
    State(front): Ready,
    SignedIn(caller): SignedIn,
    _: Bytes,
) -> Answer<AttackView> {
    let work = async move { front.service.attack(&caller).await };
    Ok(Json(to_the_end(work).await?))
}
