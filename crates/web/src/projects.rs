//! Applications, projects, indexing, extracts.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use governance::project::Papers;
use governance::{ProjectId, Sha256};
use serde_json::{Value, json};
use service::{CommentView, DestructionAnswer, ExtractAnswer, IndexingAnswer, ProjectView};

use crate::answer::{Answer, No, to_the_end};
use crate::{Ready, SignedIn, asks};

pub(crate) async fn start(
    State(front): Ready,
    SignedIn(caller): SignedIn,
    _: Bytes,
) -> Answer<Value> {
    let project = front.service.start_application(&caller).await?;
    Ok(Json(json!({ "project": project })))
}

pub(crate) async fn show(
    State(front): Ready,
    SignedIn(caller): SignedIn,
    Path(id): Path<ProjectId>,
) -> Answer<ProjectView> {
    Ok(Json(front.service.project(&caller, &id).await?))
}

pub(crate) async fn save_draft(
    State(front): Ready,
    SignedIn(caller): SignedIn,
    Path(id): Path<ProjectId>,
    draft: String,
) -> Answer<Value> {
    front.service.save_draft(&caller, &id, &draft).await?;
    Ok(Json(json!({ "project": id })))
}

/// The bytes of the body are frozen as they are.
pub(crate) async fn submit(
    State(front): Ready,
    SignedIn(caller): SignedIn,
    Path(id): Path<ProjectId>,
    form: Bytes,
) -> Answer<Value> {
    let version = front
        .service
        .submit_application(&caller, &id, &form)
        .await?;
    Ok(Json(json!({ "project": id, "version": version })))
}

pub(crate) async fn version(
    State(front): Ready,
    SignedIn(caller): SignedIn,
    Path((id, sha256)): Path<(ProjectId, Sha256)>,
) -> Result<impl IntoResponse, No> {
    let bytes = front.service.application(&caller, &id, &sha256).await?;
    Ok(([(CONTENT_TYPE, "application/json")], bytes))
}

pub(crate) async fn sign(
    State(front): Ready,
    SignedIn(caller): SignedIn,
    Path(id): Path<ProjectId>,
    Json(ask): Json<asks::Sign>,
) -> Answer<Value> {
    front
        .service
        .sign_for_dataset(&caller, &id, &ask.dataset, &ask.version, ask.verdict)
        .await?;
    Ok(Json(json!({ "project": id, "dataset": ask.dataset })))
}

pub(crate) async fn vote(
    State(front): Ready,
    SignedIn(caller): SignedIn,
    Path(id): Path<ProjectId>,
    Json(ask): Json<asks::PanelVote>,
) -> Answer<Value> {
    front
        .service
        .vote_on_application(&caller, &id, &ask.version, ask.verdict, ask.conditions)
        .await?;
    Ok(Json(json!({ "project": id })))
}

macro_rules! acts {
    ($($name:ident => $act:ident;)*) => {$(
        pub(crate) async fn $name(
            State(front): Ready,
            SignedIn(caller): SignedIn,
            Path(id): Path<ProjectId>,
            // Nothing is asked; what is sent all the same is read, so that the connection ends in order.
            _: Bytes,
        ) -> Answer<Value> {
            let project = id.clone();
            to_the_end(async move { front.service.$act(&caller, &id).await }).await?;
            Ok(Json(json!({ "project": project })))
        }
    )*};
}

acts! {
    approve => approve_application;
    return_ => return_application;
    refuse => refuse_application;
    withdraw => withdraw_application;
    close => close_project;
    declare_interest => declare_interest;
}

pub(crate) async fn comments(
    State(front): Ready,
    SignedIn(caller): SignedIn,
    Path(id): Path<ProjectId>,
) -> Answer<Vec<CommentView>> {
    Ok(Json(front.service.comments_on_project(&caller, &id).await?))
}

pub(crate) async fn comment(
    State(front): Ready,
    SignedIn(caller): SignedIn,
    Path(id): Path<ProjectId>,
    Json(ask): Json<asks::CommentOnProject>,
) -> Answer<Value> {
    let comment = front
        .service
        .comment_on_project(&caller, &id, &ask.section, ask.visibility, &ask.text)
        .await?;
    Ok(Json(json!({ "comment": comment })))
}

pub(crate) async fn commence(
    State(front): Ready,
    SignedIn(caller): SignedIn,
    Path(id): Path<ProjectId>,
    Json(papers): Json<Papers>,
) -> Answer<Value> {
    let manifest = front.service.commence(&caller, &id, papers).await?;
    Ok(Json(json!({ "project": id, "manifest": manifest })))
}

pub(crate) async fn renew_papers(
    State(front): Ready,
    SignedIn(caller): SignedIn,
    Path(id): Path<ProjectId>,
    Json(papers): Json<Papers>,
) -> Answer<Value> {
    front.service.renew_papers(&caller, &id, papers).await?;
    Ok(Json(json!({ "project": id })))
}

pub(crate) async fn revoke(
    State(front): Ready,
    SignedIn(caller): SignedIn,
    Path(id): Path<ProjectId>,
    Json(ask): Json<asks::Revoke>,
) -> Answer<Value> {
    let project = id.clone();
    let work = async move {
        let dataset = ask.dataset.as_ref();
        front.service.revoke(&caller, &id, dataset).await
    };
    to_the_end(work).await?;
    Ok(Json(json!({ "project": project })))
}

pub(crate) async fn destroy(
    State(front): Ready,
    SignedIn(caller): SignedIn,
    Path(id): Path<ProjectId>,
    _: Bytes,
) -> Answer<DestructionAnswer> {
    let work = async move { front.service.destroy_project(&caller, &id).await };
    Ok(Json(to_the_end(work).await?))
}

pub(crate) async fn index(
    State(front): Ready,
    SignedIn(caller): SignedIn,
    Path(id): Path<ProjectId>,
    Json(ask): Json<asks::Index>,
) -> Answer<IndexingAnswer> {
    let work = async move {
        let objections = ask.objections.as_ref();
        let service = &front.service;
        service
            .index(
                &caller,
                &id,
                &ask.delivery,
                &ask.spine,
                objections,
                ask.review,
            )
            .await
    };
    Ok(Json(to_the_end(work).await?))
}

pub(crate) async fn extract(
    State(front): Ready,
    SignedIn(caller): SignedIn,
    Path(id): Path<ProjectId>,
    Json(ask): Json<asks::Extract>,
) -> Answer<ExtractAnswer> {
    let work = async move { front.service.extract(&caller, &id, &ask.indexings).await };
    Ok(Json(to_the_end(work).await?))
}

pub(crate) async fn workspace(
    State(front): Ready,
    SignedIn(caller): SignedIn,
    Path(id): Path<ProjectId>,
    Json(ask): Json<asks::OpenWorkspace>,
) -> Answer<Value> {
    let workspace = front
        .service
        .open_workspace(&caller, &id, &ask.extract)
        .await?;
    Ok(Json(json!({ "workspace": workspace })))
}
