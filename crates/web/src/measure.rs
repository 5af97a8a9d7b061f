//! Privacy budgets and measurements: what controllers let be learnt of their datasets' people, who learnt how
//! much, and the answers.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use governance::dataset::Feasibility;
use governance::measure::Caps;
use governance::{DatasetId, MeasurementId, ProjectId, WorkspaceId};
use serde_json::{Value, json};
use service::{
    AccountsVerdict, BudgetView, Countable, MeasurementView, PracticeView, PriceView,
    ReleaseRecord, Remaining, SelfAuditView,
};

use crate::answer::{Answer, to_the_end};
use crate::{Ready, SignedIn, asks};

pub(crate) async fn open_budget(
    State(front): Ready,
    SignedIn(caller): SignedIn,
    Path(id): Path<DatasetId>,
    Json(caps): Json<Caps>,
) -> Answer<Value> {
    let budget = front.service.open_budget(&caller, &id, caps).await?;
    Ok(Json(json!({ "dataset": id, "budget": budget })))
}

pub(crate) async fn set_caps(
    State(front): Ready,
    SignedIn(caller): SignedIn,
    Path(id): Path<DatasetId>,
    Json(caps): Json<Caps>,
) -> Answer<Value> {
    let budget = front.service.set_caps(&caller, &id, caps).await?;
    Ok(Json(json!({ "dataset": id, "budget": budget })))
}

pub(crate) async fn join_budget(
    State(front): Ready,
    SignedIn(caller): SignedIn,
    Path(id): Path<DatasetId>,
    Json(ask): Json<asks::JoinBudget>,
) -> Answer<Value> {
    let budget = front.service.join_budget(&caller, &id, &ask.with).await?;
    Ok(Json(json!({ "dataset": id, "budget": budget })))
}

pub(crate) async fn budget(
    State(front): Ready,
    SignedIn(caller): SignedIn,
    Path(id): Path<DatasetId>,
) -> Answer<BudgetView> {
    Ok(Json(front.service.budget(&caller, &id).await?))
}

pub(crate) async fn countable(
    State(front): Ready,
    SignedIn(caller): SignedIn,
    Path(id): Path<DatasetId>,
) -> Answer<Countable> {
    Ok(Json(front.service.countable(&caller, &id).await?))
}

pub(crate) async fn allow_feasibility(
    State(front): Ready,
    SignedIn(caller): SignedIn,
    Path(id): Path<DatasetId>,
    Json(allowed): Json<Feasibility>,
) -> Answer<Value> {
    let service = &front.service;
    service.allow_feasibility(&caller, &id, &allowed).await?;
    Ok(Json(json!({ "dataset": id })))
}

pub(crate) async fn end_feasibility(
    State(front): Ready,
    SignedIn(caller): SignedIn,
    Path(id): Path<DatasetId>,
) -> Answer<Value> {
    front.service.end_feasibility(&caller, &id).await?;
    Ok(Json(json!({ "dataset": id })))
}

pub(crate) async fn count_people(
    State(front): Ready,
    SignedIn(caller): SignedIn,
    Path(id): Path<DatasetId>,
    Json(ask): Json<asks::Count>,
) -> Answer<MeasurementView> {
    let work = async move { front.service.count_people(&caller, &id, &ask.filter).await };
    Ok(Json(to_the_end(work).await?))
}

/// A request is JSON that the noise office reads; here it is text.
pub(crate) async fn price(
    State(front): Ready,
    SignedIn(caller): SignedIn,
    Path(id): Path<WorkspaceId>,
    request: String,
) -> Answer<PriceView> {
    let priced = front
        .service
        .price_measurement(&caller, &id, &request)
        .await?;
    Ok(Json(priced))
}

pub(crate) async fn measure(
    State(front): Ready,
    SignedIn(caller): SignedIn,
    Path(id): Path<WorkspaceId>,
    request: String,
) -> Answer<MeasurementView> {
    let work = async move { front.service.measure(&caller, &id, &request).await };
    Ok(Json(to_the_end(work).await?))
}

pub(crate) async fn show(
    State(front): Ready,
    SignedIn(caller): SignedIn,
    Path(id): Path<MeasurementId>,
) -> Answer<MeasurementView> {
    Ok(Json(front.service.measurement(&caller, &id).await?))
}

pub(crate) async fn list(
    State(front): Ready,
    SignedIn(caller): SignedIn,
    Path(id): Path<ProjectId>,
    Query(ask): Query<asks::After>,
) -> Answer<Vec<MeasurementView>> {
    let after = ask.after.as_deref();
    Ok(Json(
        front.service.measurements_of(&caller, &id, after).await?,
    ))
}

pub(crate) async fn withdraw(
    State(front): Ready,
    SignedIn(caller): SignedIn,
    Path(id): Path<MeasurementId>,
    _: Bytes,
) -> Answer<Value> {
    front.service.withdraw_measurement(&caller, &id).await?;
    Ok(Json(json!({ "measurement": id, "state": "freed" })))
}

/// Answers whose labels wait for an output checker.
pub(crate) async fn labels(
    State(front): Ready,
    SignedIn(caller): SignedIn,
    Query(ask): Query<asks::After>,
) -> Answer<Vec<MeasurementId>> {
    let after = ask.after.as_deref();
    Ok(Json(front.service.labels_queue(&caller, after).await?))
}

pub(crate) async fn release_labels(
    State(front): Ready,
    SignedIn(caller): SignedIn,
    Path(id): Path<MeasurementId>,
    Json(ask): Json<asks::ReleaseLabels>,
) -> Answer<Value> {
    let service = &front.service;
    service.release_labels(&caller, &id, &ask.bytes).await?;
    Ok(Json(json!({ "measurement": id, "state": "released" })))
}

pub(crate) async fn withhold_labels(
    State(front): Ready,
    SignedIn(caller): SignedIn,
    Path(id): Path<MeasurementId>,
    Json(ask): Json<asks::WithholdLabels>,
) -> Answer<Value> {
    let service = &front.service;
    service.withhold_labels(&caller, &id, &ask.reason).await?;
    Ok(Json(json!({ "measurement": id, "state": "withheld" })))
}

pub(crate) async fn meter(
    State(front): Ready,
    SignedIn(caller): SignedIn,
    Path(id): Path<ProjectId>,
) -> Answer<Vec<Remaining>> {
    Ok(Json(front.service.meter(&caller, &id).await?))
}

pub(crate) async fn accounts(
    State(front): Ready,
    SignedIn(caller): SignedIn,
) -> Answer<AccountsVerdict> {
    Ok(Json(front.service.check_accounts(&caller).await?))
}

/// A request answered over made-up rows, at no charge.
pub(crate) async fn practise(
    State(front): Ready,
    SignedIn(caller): SignedIn,
    Path(id): Path<WorkspaceId>,
    request: String,
) -> Answer<PracticeView> {
    Ok(Json(front.service.practise(&caller, &id, &request).await?))
}

/// What proves a release to whoever keeps it without us.
pub(crate) async fn record(
    State(front): Ready,
    SignedIn(caller): SignedIn,
    Path(id): Path<MeasurementId>,
) -> Answer<ReleaseRecord> {
    let record = front.service.release_record(&caller, &front.log, &id);
    Ok(Json(record.await?))
}

pub(crate) async fn last_self_audit(
    State(front): Ready,
    SignedIn(caller): SignedIn,
) -> Answer<Option<SelfAuditView>> {
    Ok(Json(front.service.last_self_audit(&caller).await?))
}

pub(crate) async fn self_audit(
    State(front): Ready,
    SignedIn(caller): SignedIn,
    _: Bytes,
) -> Answer<SelfAuditView> {
    let work = async move { front.service.self_audit(&caller).await };
    Ok(Json(to_the_end(work).await?))
}
