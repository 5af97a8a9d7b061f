//! Feasibility counts: how many people satisfy some conditions, for whoever plans a study; and its controller's
//! leave.

use askama::Template;
use axum::Router;
use axum::extract::{Path, Query, State};
use axum::routing::{get, post};
use governance::DatasetId;
use governance::dataset::Feasibility;
use governance::measure::Loss;
use governance::person::Role;
use serde_json::{Value, json};
use service::{Countable, Kind};

use super::budget::{rho, units};
use super::fields::Choice;
use super::form::{Faults, Form, Posted};
use super::home::Done;
use super::measure::recorded;
use super::refusal::Told;
use super::session::Visitor;
use super::shell::{Reply, Shell, again, page, see};
use crate::answer::to_the_end;
use crate::{Front, Ready};

/// Conditions of one form.
const CONDITIONS: usize = 3;

/// What a condition may be, with its words.
const OPS: [(&str, &str); 8] = [
    ("=", "is"),
    ("!=", "is not"),
    (">=", "is at least"),
    ("<=", "is at most"),
    ("in", "is one of (commas between)"),
    ("between", "is between (two, a comma between)"),
    ("is_null", "is missing"),
    ("is_not_null", "is not missing"),
];

#[derive(Template)]
#[template(path = "count.html")]
struct Page {
    shell: Shell,
    id: DatasetId,
    title: String,
    /// Whether the visitor answers for it.
    controls: bool,
    allowed: Option<Feasibility>,
    /// What the visitor may have counted.
    countable: Option<Offer>,
    conditions: Vec<Condition>,
    project: String,
    price: String,
    faults: Faults,
}

/// What a count brings and costs.
struct Offer {
    price: String,
    within: u64,
    /// What is left in the account that has least.
    left: String,
}

/// One condition as it was typed.
struct Condition {
    columns: (String, Vec<Choice>),
    ops: (String, Vec<Choice>),
    value: (String, String),
}

/// Routes of counts.
pub(crate) fn routes() -> Router<Front> {
    Router::new()
        .route("/catalogue/{id}/count", get(show).post(count))
        .route("/catalogue/{id}/feasibility", post(allow))
        .route("/catalogue/{id}/end-feasibility", post(end))
}

async fn counts(
    front: &Front,
    visitor: &Visitor,
    id: &DatasetId,
    form: &Form,
) -> Result<Page, Told> {
    let (service, caller) = (&front.service, &visitor.caller);
    let dataset = service.dataset(caller, id).await?;
    let allowed = dataset.instruction.as_ref();
    let allowed = allowed.and_then(|given| given.feasibility.clone());
    let may = caller.person.roles.contains(&Role::Researcher) && allowed.is_some();
    let countable = match may {
        false => None,
        true => match service.countable(caller, id).await {
            Ok(countable) => Some(countable),
            // The page says that nothing can be counted now.
            Err(error) if error.kind() == Kind::Denied || error.kind() == Kind::Refused => None,
            Err(error) => return Err(error.into()),
        },
    };
    let columns = countable.as_ref().map(|c| c.columns.as_slice());
    let conditions = (1..=CONDITIONS).map(|n| condition(n, columns.unwrap_or_default(), form));
    let project = allowed.as_ref().map(|allowed| allowed.project.to_string());
    let price = allowed
        .as_ref()
        .map(|allowed| rho(Loss::of_rho(allowed.nano_rho)));
    Ok(Page {
        shell: Shell::of(visitor, format!("Counts of {}", dataset.dictionary.title)),
        id: id.clone(),
        title: dataset.dictionary.title.clone(),
        controls: dataset.controller == caller.person.id,
        conditions: conditions.collect(),
        countable: countable.as_ref().map(offer),
        project: project.unwrap_or_default(),
        price: price.unwrap_or_else(|| "0.001".to_owned()),
        allowed,
        faults: Faults::default(),
    })
}

fn offer(countable: &Countable) -> Offer {
    let left = countable
        .remaining
        .accounts
        .iter()
        .map(|account| account.left);
    let left = left.min_by_key(|left| left.nano_rho).unwrap_or(Loss::ZERO);
    Offer {
        price: rho(countable.price),
        within: countable.error_95,
        left: rho(left),
    }
}

fn condition(n: usize, columns: &[String], form: &Form) -> Condition {
    let name = |part: &str| format!("{part}{n}");
    let (column, op, value) = (name("column"), name("op"), name("value"));
    let chosen = |choice: Choice, sent: &str| Choice {
        chosen: choice.value == sent,
        ..choice
    };
    let any = std::iter::once(Choice::new("", "Anybody"));
    let of = columns.iter().map(|name| Choice::new(name, name));
    let all = any.chain(of).map(|c| chosen(c, form.one(&column)));
    let ops = OPS.iter().map(|(op, words)| Choice::new(*op, *words));
    Condition {
        columns: (column.clone(), all.collect()),
        ops: (op.clone(), ops.map(|c| chosen(c, form.one(&op))).collect()),
        value: (value.clone(), form.one(&value).to_owned()),
    }
}

/// The conditions, as docs/reference/dp-request.md has them.
fn filter(form: &Form) -> Vec<Value> {
    let read = |n: usize| {
        let column = form.one(&format!("column{n}")).to_owned();
        let op = form.one(&format!("op{n}")).to_owned();
        let typed = form.one(&format!("value{n}")).to_owned();
        if column.is_empty() {
            return None;
        }
        Some(match op.as_str() {
            "is_null" | "is_not_null" => json!({"column": column, "op": op}),
            "in" | "between" => {
                let values: Vec<Value> = typed.split(',').map(scalar).collect();
                json!({"column": column, "op": op, "value": values})
            }
            _ => json!({"column": column, "op": op, "value": scalar(&typed)}),
        })
    };
    (1..=CONDITIONS).filter_map(read).collect()
}

/// A number where it is one, else text.
fn scalar(typed: &str) -> Value {
    let typed = typed.trim();
    match serde_json::from_str(typed) {
        Ok(Value::Number(number)) => Value::Number(number),
        Ok(_) | Err(_) => Value::String(typed.to_owned()),
    }
}

pub(crate) async fn show(
    State(front): Ready,
    visitor: Visitor,
    Path(id): Path<DatasetId>,
    Query(ask): Query<Done>,
) -> Reply {
    let mut shown = counts(&front, &visitor, &id, &Form::default()).await?;
    shown.shell = shown.shell.done(ask.done.as_deref());
    page(&shown)
}

/// Counts, and shows the answer with its record.
pub(crate) async fn count(State(front): Ready, Path(id): Path<DatasetId>, posted: Posted) -> Reply {
    let Posted { visitor, form } = posted;
    let (service, caller) = (front.service.clone(), visitor.caller.clone());
    let (dataset, conditions) = (id.clone(), filter(&form));
    let work = async move { service.count_people(&caller, &dataset, &conditions).await };
    match to_the_end(work).await {
        Ok(view) => recorded(&visitor, view),
        Err(no) => {
            let faults = Faults::at("column1", no.into_inner())?;
            faulty(&front, &visitor, &id, &form, faults).await
        }
    }
}

async fn faulty(
    front: &Front,
    visitor: &Visitor,
    id: &DatasetId,
    form: &Form,
    faults: Faults,
) -> Reply {
    let mut shown = counts(front, visitor, id, form).await?;
    shown.shell = shown.shell.fault(&faults);
    shown.faults = faults;
    again(&shown)
}

/// A controller allows counts.
pub(crate) async fn allow(State(front): Ready, Path(id): Path<DatasetId>, posted: Posted) -> Reply {
    let Posted { visitor, form } = posted;
    let mut faults = Faults::default();
    let project = form.one("project").parse();
    let nano_rho = units(form.one("price"), 9);
    faults.unless(
        project.is_ok(),
        "project",
        "Enter the number of a project, such as prj_…",
    );
    faults.unless(nano_rho.is_some(), "price", "Enter a rho, such as 0.001");
    if let (Ok(project), Some(nano_rho)) = (project, nano_rho) {
        let allowed = Feasibility { project, nano_rho };
        let (service, caller) = (&front.service, &visitor.caller);
        match service.allow_feasibility(caller, &id, &allowed).await {
            Ok(()) => return Ok(see(&format!("/catalogue/{id}/count"), "counts_allowed")),
            Err(error) => faults = Faults::at("project", error)?,
        }
    }
    let mut shown = counts(&front, &visitor, &id, &form).await?;
    shown.shell = shown.shell.fault(&faults);
    shown.project = form.one("project").to_owned();
    shown.price = form.one("price").to_owned();
    shown.faults = faults;
    again(&shown)
}

/// A controller allows no more.
pub(crate) async fn end(State(front): Ready, Path(id): Path<DatasetId>, posted: Posted) -> Reply {
    let caller = &posted.visitor.caller;
    front.service.end_feasibility(caller, &id).await?;
    Ok(see(&format!("/catalogue/{id}/count"), "counts_ended"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_are_read_as_they_were_typed() {
        let form = Form::parse(
            b"column1=age&op1=between&value1=18%2C+64&column2=sex&op2=%3D&value2=F&column3=&op3=%3D&value3=x",
        )
        .unwrap();
        let expected = json!([
            {"column": "age", "op": "between", "value": [18, 64]},
            {"column": "sex", "op": "=", "value": "F"},
        ]);
        assert_eq!(Value::Array(filter(&form)), expected);
        let missing = Form::parse(b"column2=ward&op2=is_null&value2=7").unwrap();
        let expected = json!([{"column": "ward", "op": "is_null"}]);
        assert_eq!(Value::Array(filter(&missing)), expected);
        assert!(filter(&Form::default()).is_empty());
    }
}
