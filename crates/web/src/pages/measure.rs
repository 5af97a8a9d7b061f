//! The measuring lane for a researcher: what is left, what a question costs, its answer, and what was asked
//! before.

use askama::Template;
use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::IntoResponse;
use axum::routing::{get, post};
use governance::measure::Level;
use governance::{MeasurementId, Sha256, WorkspaceId};
use serde_json::Value;
use service::{Kind, MeasurementView, Remaining, ServiceError};

use super::budget::{delta, rho, spent};
use super::decision::unread;
use super::form::{Faults, Form, Posted};
use super::home::Done;
use super::measure_compose::{Compose, question};
use super::refusal::{Told, sentence};
use super::session::Visitor;
use super::shell::{Reply, Shell, again, page, see};
use super::words;
use crate::answer::to_the_end;
use crate::{Front, Ready};

/// What a form starts with: a question that every extract can answer once its table is named.
const EXAMPLE: &str =
    "{\n  \"table\": \"\",\n  \"statistics\": [\"people\"],\n  \"accuracy\": 50\n}";

#[derive(Template)]
#[template(path = "measure.html")]
struct Ask {
    shell: Shell,
    workspace: WorkspaceId,
    meter: Vec<Meter>,
    compose: Compose,
    request: String,
    price: Option<Price>,
    /// An answer over made-up rows.
    practice: Option<Practised>,
    asked: Vec<Line>,
    faults: Faults,
}

#[derive(Template)]
#[template(path = "measurement.html")]
struct Record {
    shell: Shell,
    view: MeasurementView,
    price: String,
    /// Whether this very call was charged.
    charged: bool,
    columns: Vec<String>,
    rows: Vec<Vec<String>>,
    asked: String,
    /// The request and its guarantee, in sentences.
    words: Option<String>,
    faults: Faults,
    /// What an output checker typed who keeps the answer back.
    reason: String,
}

/// An answer over made-up rows, as a table.
struct Practised {
    columns: Vec<String>,
    rows: Vec<Vec<String>>,
}

/// What is left in one account.
struct Meter {
    what: String,
    left: String,
    cap: String,
    used: u64,
}

/// What a question costs.
struct Price {
    rho: String,
    /// Where groups are found in the data.
    delta: Option<String>,
    words: String,
    errors: Vec<(String, String)>,
    answered: Option<MeasurementId>,
}

/// A question that was asked before.
struct Line {
    id: MeasurementId,
    state: &'static str,
    price: String,
    author: String,
}

/// Routes of measurements.
pub(crate) fn routes() -> Router<Front> {
    Router::new()
        .route("/workspaces/{id}/measure", get(show).post(ask))
        .route("/measurements/{id}", get(record))
        .route("/measurements/{id}/record", get(proof))
        .route("/measurements/{id}/release-labels", post(release_labels))
        .route("/measurements/{id}/withhold-labels", post(withhold_labels))
}

fn meters(all: &[Remaining]) -> Vec<Meter> {
    let mut meters = Vec::new();
    for remaining in all {
        for account in &remaining.accounts {
            let whose = match account.level {
                Level::People => "everybody together",
                Level::Project => "this project",
                Level::Researcher => "you",
            };
            let used = account.cap.nano_rho.saturating_sub(account.left.nano_rho);
            meters.push(Meter {
                what: format!("{}, for {whose}", remaining.budget),
                left: rho(account.left),
                cap: rho(account.cap),
                used: used.saturating_mul(100) / account.cap.nano_rho.max(1),
            });
        }
    }
    meters
}

async fn form(
    front: &Front,
    visitor: &Visitor,
    id: &WorkspaceId,
    sent: &Form,
) -> Result<Ask, Told> {
    let (service, caller) = (&front.service, &visitor.caller);
    let view = service.workspace(caller, id).await?;
    let project = view.project.project.core().id.clone();
    let asked = service.measurements_newest(caller, &project).await?;
    let authors = asked.iter().map(|m| m.author.clone());
    let names = service.names(caller, authors.collect::<Vec<_>>()).await?;
    let line = |m: MeasurementView| Line {
        author: names
            .get(&m.author)
            .map_or_else(|| m.author.to_string(), |n| n.name.clone()),
        id: m.measurement,
        state: m.state,
        price: spent(m.price),
    };
    let lines: Vec<Line> = asked.into_iter().map(line).collect();
    Ok(Ask {
        shell: Shell::of(
            visitor,
            format!("Measure in {}", view.project.project.core().title),
        ),
        workspace: id.clone(),
        meter: meters(&service.meter(caller, &project).await?),
        compose: Compose::of(&view, sent),
        request: EXAMPLE.to_owned(),
        price: None,
        practice: None,
        asked: lines,
        faults: Faults::default(),
    })
}

pub(crate) async fn show(
    State(front): Ready,
    visitor: Visitor,
    Path(id): Path<WorkspaceId>,
) -> Reply {
    page(&form(&front, &visitor, &id, &Form::default()).await?)
}

/// Prices a question, or has it measured.
pub(crate) async fn ask(State(front): Ready, Path(id): Path<WorkspaceId>, posted: Posted) -> Reply {
    let Posted {
        visitor,
        form: sent,
    } = posted;
    let request = sent.raw("request").to_owned();
    if sent.one("act") == "measure" {
        let (service, caller) = (front.service.clone(), visitor.caller.clone());
        let (workspace, asked) = (id.clone(), request.clone());
        let work = async move { service.measure(&caller, &workspace, &asked).await };
        match to_the_end(work).await {
            Ok(view) => return recorded(&visitor, view),
            Err(no) => return faulty(&front, &visitor, &id, request, no.into_inner()).await,
        }
    }
    if sent.one("act") == "compose" {
        return compose(&front, &visitor, &id, &sent).await;
    }
    if sent.one("act") == "practise" {
        return practise(&front, &visitor, &id, request).await;
    }
    let priced = front
        .service
        .price_measurement(&visitor.caller, &id, &request);
    match priced.await {
        Ok(view) => {
            let mut shown = form(&front, &visitor, &id, &Form::default()).await?;
            shown.request = request;
            shown.price = Some(Price {
                rho: rho(view.price),
                delta: delta(view.price),
                words: within(&view.priced, "words")
                    .as_str()
                    .unwrap_or_default()
                    .to_owned(),
                errors: errors(&view.priced),
                answered: view.answered,
            });
            page(&shown)
        }
        Err(error) => faulty(&front, &visitor, &id, request, error).await,
    }
}

/// Puts a question together from fields, to be read, changed and asked.
async fn compose(front: &Front, visitor: &Visitor, id: &WorkspaceId, sent: &Form) -> Reply {
    let mut shown = form(front, visitor, id, sent).await?;
    match question(sent) {
        Ok(request) => {
            shown.request = request;
            page(&shown)
        }
        Err(faults) => {
            shown.shell = shown.shell.fault(&faults);
            shown.faults = faults;
            again(&shown)
        }
    }
}

/// Answers a question over made-up rows, on the page where it was typed.
async fn practise(front: &Front, visitor: &Visitor, id: &WorkspaceId, request: String) -> Reply {
    match front.service.practise(&visitor.caller, id, &request).await {
        Ok(view) => {
            let mut shown = form(front, visitor, id, &Form::default()).await?;
            let (columns, rows) = table(&view.answer);
            shown.request = request;
            shown.practice = Some(Practised { columns, rows });
            page(&shown)
        }
        Err(error) => faulty(front, visitor, id, request, error).await,
    }
}

/// The record that proves a release without us, as a file.
async fn proof(State(front): Ready, visitor: Visitor, Path(id): Path<MeasurementId>) -> Reply {
    let record = front
        .service
        .release_record(&visitor.caller, &front.log, &id)
        .await?;
    let text = serde_json::to_string_pretty(&record).map_err(ServiceError::from)?;
    let name = format!("attachment; filename=\"{id}.json\"");
    let headers = [
        (CONTENT_TYPE, "application/json"),
        (CONTENT_DISPOSITION, name.as_str()),
    ];
    Ok((headers, text).into_response())
}

/// What is wrong with a question stands beside it; what is wrong with the person is a page of its own.
async fn faulty(
    front: &Front,
    visitor: &Visitor,
    id: &WorkspaceId,
    request: String,
    error: ServiceError,
) -> Reply {
    match error.kind() {
        Kind::BadInput | Kind::Refused => {}
        Kind::NotSignedIn
        | Kind::Denied
        | Kind::NotFound
        | Kind::Stale
        | Kind::TooOften
        | Kind::Unavailable
        | Kind::Internal => return Err(error.into()),
    }
    let mut shown = form(front, visitor, id, &Form::default()).await?;
    shown.request = request;
    shown.faults.add("request", sentence(&error.to_string()));
    shown.shell = shown.shell.fault(&shown.faults);
    again(&shown)
}

/// For each statistic, how far 95 of 100 answers are off at most.
fn errors(priced: &Value) -> Vec<(String, String)> {
    let statistics = priced["statistics"]
        .as_array()
        .map_or(&[][..], Vec::as_slice);
    let told = statistics.iter().map(|statistic| {
        let name = statistic["name"].as_str().unwrap_or_default().to_owned();
        let error = match (&statistic["error_95"], &statistic["error_95_by_rows"]) {
            (Value::Number(error), _) => format!(
                "± {error} {}",
                statistic["unit"].as_str().unwrap_or_default()
            ),
            (_, Value::Object(by_rows)) => by_rows
                .iter()
                .map(|(rows, error)| format!("± {error} over {rows} rows"))
                .collect::<Vec<_>>()
                .join(", "),
            (_, _) => "told with the answer".to_owned(),
        };
        (name, error)
    });
    told.collect()
}

pub(crate) async fn record(
    State(front): Ready,
    visitor: Visitor,
    Path(id): Path<MeasurementId>,
    Query(ask): Query<Done>,
) -> Reply {
    let view = front.service.measurement(&visitor.caller, &id).await?;
    let mut shown = Record::of(&visitor, view);
    shown.shell = shown.shell.done(ask.done.as_deref());
    page(&shown)
}

pub(crate) fn recorded(visitor: &Visitor, view: MeasurementView) -> Reply {
    page(&Record::of(visitor, view))
}

impl Record {
    fn of(visitor: &Visitor, view: MeasurementView) -> Self {
        let (columns, rows) = table(&view.answer);
        Self {
            shell: Shell::of(visitor, format!("Measurement {}", view.measurement)),
            price: spent(view.price),
            charged: view.charged == service::Charged::Price,
            columns,
            rows,
            asked: serde_json::to_string_pretty(&view.asked).unwrap_or_default(),
            words: within(&view.answer, "words").as_str().map(str::to_owned),
            view,
            faults: Faults::default(),
            reason: String::new(),
        }
    }
}

/// Releases an answer whose labels were looked at on its page.
async fn release_labels(
    State(front): Ready,
    Path(id): Path<MeasurementId>,
    posted: Posted,
) -> Reply {
    let Posted { visitor, form } = posted;
    let seen = Sha256::try_from(form.one("bytes").to_owned());
    let seen = seen.map_err(|_| unread("the hash of what was seen"))?;
    let (service, caller) = (&front.service, &visitor.caller);
    service.release_labels(caller, &id, &seen).await?;
    // A released answer is for those whom it concerns.
    Ok(see("/", "labels_released"))
}

/// Keeps it back, for a reason.
async fn withhold_labels(
    State(front): Ready,
    Path(id): Path<MeasurementId>,
    posted: Posted,
) -> Reply {
    let Posted { visitor, form } = posted;
    let (service, caller) = (&front.service, &visitor.caller);
    let reason = form.one("reason");
    let Err(error) = service.withhold_labels(caller, &id, reason).await else {
        return Ok(see("/", "labels_withheld"));
    };
    let faults = Faults::at("reason", error)?;
    let view = service.measurement(caller, &id).await?;
    let mut shown = Record::of(&visitor, view);
    shown.reason = reason.to_owned();
    shown.shell = shown.shell.fault(&faults);
    shown.faults = faults;
    again(&shown)
}

/// A value as a page shows it.
fn text(value: &Value) -> String {
    match value {
        Value::Null => "missing".to_owned(),
        Value::String(text) => text.clone(),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) => value.to_string(),
        Value::Object(fields) if fields.contains_key("total") => "all".to_owned(),
        Value::Object(fields) => {
            let shown = fields.get("display").or_else(|| fields.get("value"));
            let value = shown.map(text).unwrap_or_default();
            match fields.get("error_95") {
                Some(Value::Number(error)) => format!("{value} ± {error}"),
                Some(_) | None => value,
            }
        }
    }
}

/// A field of an object, or null.
fn within<'a>(object: &'a Value, field: &str) -> &'a Value {
    object.get(field).unwrap_or(&Value::Null)
}

/// The rows of an answer: the groups' columns, then one for each statistic with its error.
fn table(answer: &Value) -> (Vec<String>, Vec<Vec<String>>) {
    let rows = within(answer, "rows")
        .as_array()
        .map_or(&[][..], Vec::as_slice);
    let names = |row: &Value, part: &str| -> Vec<String> {
        let fields = within(row, part).as_object();
        fields
            .map(|f| f.keys().cloned().collect())
            .unwrap_or_default()
    };
    let Some(first) = rows.first() else {
        return (Vec::new(), Vec::new());
    };
    let (keys, values) = (names(first, "group"), names(first, "values"));
    let cells = |row: &Value| -> Vec<String> {
        let keys = keys
            .iter()
            .map(|key| text(within(within(row, "group"), key)));
        keys.chain(
            values
                .iter()
                .map(|name| text(within(within(row, "values"), name))),
        )
        .collect()
    };
    let shown = rows.iter().map(cells).collect();
    (keys.iter().chain(&values).cloned().collect(), shown)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_answer_reads_as_a_table_of_groups_and_statistics_with_their_errors() {
        let answer = json!({ "rows": [
            { "group": { "area": "EH", "year": null },
              "values": { "people": { "value": -3, "display": 0, "error_95": 14.2 } } },
            { "group": { "area": "G", "year": 2021 },
              "values": { "people": { "value": 120, "display": 120, "error_95": 14.2 } } },
        ] });
        let (columns, rows) = table(&answer);
        assert_eq!(columns, ["area", "year", "people"]);
        assert_eq!(
            rows,
            [["EH", "missing", "0 ± 14.2"], ["G", "2021", "120 ± 14.2"]]
        );
        assert_eq!(table(&Value::Null), (Vec::new(), Vec::new()));
    }
}
