//! Clerical review: the pairs of an indexing, judged at the indexing desk.

use axum::Json;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::routing::{get, post};
use governance::IndexingId;
use serde_json::{Value, json};
use service::{PairsPage, ReviewView};

use crate::answer::{Answer, to_the_end};
use crate::{Front, Ready, SignedIn, asks};

/// Routes of both desks: the research desk answers with where to go.
pub(crate) fn routes() -> Router<Front> {
    Router::new()
        .route("/v1/indexings/{id}", get(show))
        .route("/v1/indexings/{id}/review", post(begin))
        .route("/v1/indexings/{id}/pairs", get(pairs))
        .route("/v1/indexings/{id}/answers", post(save))
        .route("/v1/indexings/{id}/finish", post(finish))
        .route("/v1/indexings/{id}/link", post(link))
        .route("/v1/indexings/{id}/end", post(end))
}

async fn show(
    State(front): Ready,
    SignedIn(caller): SignedIn,
    Path(id): Path<IndexingId>,
) -> Answer<ReviewView> {
    Ok(Json(front.service.review(&caller, &id).await?))
}

async fn begin(
    State(front): Ready,
    SignedIn(caller): SignedIn,
    Path(id): Path<IndexingId>,
    _: Bytes,
) -> Answer<Value> {
    front.service.begin_review(&caller, &id).await?;
    Ok(Json(json!({ "indexing": id })))
}

async fn pairs(
    State(front): Ready,
    SignedIn(caller): SignedIn,
    Path(id): Path<IndexingId>,
    Query(ask): Query<asks::Page>,
) -> Answer<PairsPage> {
    let page = ask.page.unwrap_or(1);
    Ok(Json(front.service.pairs(&caller, &id, page).await?))
}

async fn save(
    State(front): Ready,
    SignedIn(caller): SignedIn,
    Path(id): Path<IndexingId>,
    Json(ask): Json<asks::Judged>,
) -> Answer<Value> {
    let said = &ask.answers;
    front.service.save_answers(&caller, &id, said).await?;
    Ok(Json(json!({ "indexing": id, "saved": said.len() })))
}

/// Hands the answers in. What follows from it goes on to its end when the caller hangs up.
async fn finish(
    State(front): Ready,
    SignedIn(caller): SignedIn,
    Path(id): Path<IndexingId>,
    _: Bytes,
) -> Answer<ReviewView> {
    let work = async move { front.service.finish_review(&caller, &id).await };
    Ok(Json(to_the_end(work).await?))
}

async fn link(
    State(front): Ready,
    SignedIn(caller): SignedIn,
    Path(id): Path<IndexingId>,
    _: Bytes,
) -> Answer<ReviewView> {
    let work = async move { front.service.link_again(&caller, &id).await };
    Ok(Json(to_the_end(work).await?))
}

async fn end(
    State(front): Ready,
    SignedIn(caller): SignedIn,
    Path(id): Path<IndexingId>,
    _: Bytes,
) -> Answer<Value> {
    front.service.end_review(&caller, &id).await?;
    Ok(Json(json!({ "indexing": id })))
}
