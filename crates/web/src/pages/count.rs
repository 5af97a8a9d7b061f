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
use service::{Countable, Kind};

use super::budget::{rho, units};
use super::conditions::{Condition, conditions, filter};
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
    let project = allowed.as_ref().map(|allowed| allowed.project.to_string());
    let price = allowed
        .as_ref()
        .map(|allowed| rho(Loss::of_rho(allowed.nano_rho)));
    Ok(Page {
        shell: Shell::of(visitor, format!("Counts of {}", dataset.dictionary.title)),
        id: id.clone(),
        title: dataset.dictionary.title.clone(),
        controls: dataset.controller == caller.person.id,
        conditions: conditions(CONDITIONS, columns.unwrap_or_default(), form),
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
    let (dataset, conditions) = (id.clone(), filter(CONDITIONS, &form));
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
