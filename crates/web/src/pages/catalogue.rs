//! The catalogue: datasets with every variable, what can be asked for and how, and what is never given.

use std::collections::BTreeSet;

use askama::Template;
use axum::Router;
use axum::extract::{Path, Query, State};
use axum::routing::{get, post};
use governance::DatasetId;
use governance::dataset::{Dataset, Instruction, Purpose};
use governance::person::Role;
use service::{Kind, Summary};

use super::application_coarsen::{values, ways};
use super::fields::DateTyped;
use super::form::{Faults, Posted};
use super::home::Done;
use super::refusal::Told;
use super::session::Visitor;
use super::shell::{Reply, Shell, again, page, see};
use super::words;
use crate::{Front, Ready};

#[derive(Template)]
#[template(path = "catalogue.html")]
struct Catalogue {
    shell: Shell,
    datasets: Vec<Line>,
}

/// A dataset in the list.
struct Line {
    id: DatasetId,
    title: String,
    controller: String,
    variables: usize,
    purpose: &'static str,
    delivered: bool,
}

#[derive(Template)]
#[template(path = "dataset.html")]
struct Page {
    shell: Shell,
    id: DatasetId,
    title: String,
    facts: Vec<(&'static str, String)>,
    identifiers: Vec<String>,
    variables: Vec<Described>,
    instruction: Option<Instruction>,
    /// Whether the visitor answers for it.
    controls: bool,
    /// Whether its privacy budget is the visitor's to read.
    budgeted: bool,
    /// Whether people of it are counted for those who plan a study, or the visitor may allow that.
    counted: bool,
    /// Its deliveries, for those who may read them.
    deliveries: Option<Vec<Summary>>,
    until: DateTyped,
    faults: Faults,
}

/// A variable as the catalogue describes it.
struct Described {
    name: String,
    description: String,
    values: &'static str,
    required: &'static str,
    ways: Vec<String>,
}

/// Routes of the catalogue.
pub(crate) fn routes() -> Router<Front> {
    Router::new()
        .route("/catalogue", get(list))
        .route("/catalogue/{id}", get(show))
        .route("/catalogue/{id}/instruction", post(instruct))
        .route("/catalogue/{id}/withdraw-instruction", post(withdraw))
}

pub(crate) async fn list(State(front): Ready, visitor: Visitor) -> Reply {
    let (service, caller) = (&front.service, &visitor.caller);
    let datasets = service.catalogue(caller).await?;
    let ids: Vec<DatasetId> = datasets.iter().map(|d| d.id.clone()).collect();
    let delivered = service.delivered(caller, ids).await?;
    let controllers: BTreeSet<_> = datasets.iter().map(|d| d.controller.clone()).collect();
    let names = service.names(caller, controllers).await?;
    let lines = datasets.into_iter().map(|dataset| Line {
        title: dataset.dictionary.title,
        controller: names
            .get(&dataset.controller)
            .map_or_else(|| dataset.controller.to_string(), |n| n.name.clone()),
        variables: dataset.dictionary.variables.len(),
        purpose: purpose(dataset.dictionary.purpose),
        delivered: delivered.contains(&dataset.id),
        id: dataset.id,
    });
    page(&Catalogue {
        shell: Shell::of(&visitor, "Catalogue"),
        datasets: lines.collect(),
    })
}

fn purpose(purpose: Purpose) -> &'static str {
    match purpose {
        Purpose::Payload => "Can be asked for",
        Purpose::Spine => "Register that others are linked to; not given",
        Purpose::Objections => "People who object; not given",
    }
}

pub(crate) async fn show(
    State(front): Ready,
    visitor: Visitor,
    Path(id): Path<DatasetId>,
    Query(ask): Query<Done>,
) -> Reply {
    let mut shown = dataset(&front, &visitor, &id).await?;
    shown.shell = shown.shell.done(ask.done.as_deref());
    page(&shown)
}

async fn dataset(front: &Front, visitor: &Visitor, id: &DatasetId) -> Result<Page, Told> {
    let (service, caller) = (&front.service, &visitor.caller);
    let dataset = service.dataset(caller, id).await?;
    let names = service.names(caller, [dataset.controller.clone()]).await?;
    let delivered = service.delivered(caller, [id.clone()]).await?;
    let deliveries = match service.deliveries_of(caller, id).await {
        Ok(deliveries) => Some(deliveries),
        // To others the page says nothing of them.
        Err(error) if error.kind() == Kind::Denied => None,
        Err(error) => return Err(error.into()),
    };
    let dictionary = &dataset.dictionary;
    let controller = names.get(&dataset.controller);
    let facts = vec![
        (
            "Controller",
            controller.map_or_else(
                || dataset.controller.to_string(),
                |n| format!("{}, {}", n.name, n.organisation),
            ),
        ),
        ("What it is for", purpose(dictionary.purpose).to_owned()),
        ("Table in extracts", dictionary.table.clone()),
        (
            "Delivered",
            if delivered.contains(id) {
                "Yes, complete".to_owned()
            } else {
                "Not yet".to_owned()
            },
        ),
        ("Number", id.to_string()),
    ];
    Ok(Page {
        shell: Shell::of(visitor, dictionary.title.clone()),
        id: id.clone(),
        title: dictionary.title.clone(),
        facts,
        identifiers: identifiers(&dataset),
        variables: described(&dataset),
        controls: dataset.controller == caller.person.id,
        budgeted: dataset.dictionary.purpose == Purpose::Payload
            && (dataset.controller == caller.person.id
                || caller.person.roles.contains(&Role::Auditor)),
        counted: dataset.dictionary.purpose == Purpose::Payload
            && (dataset.controller == caller.person.id
                || dataset
                    .instruction
                    .as_ref()
                    .is_some_and(|given| given.feasibility.is_some())),
        instruction: dataset.instruction.clone(),
        deliveries,
        until: DateTyped::default(),
        faults: Faults::default(),
    })
}

/// What identifies people, in plain words: never given to anybody who asks for data.
fn identifiers(dataset: &Dataset) -> Vec<String> {
    let roles = dataset.dictionary.identifiers.values();
    let roles: BTreeSet<String> = roles.map(|role| role.replace('_', " ")).collect();
    roles.into_iter().collect()
}

fn described(dataset: &Dataset) -> Vec<Described> {
    let dictionary = &dataset.dictionary;
    let variables = dictionary.variables.iter().map(|variable| Described {
        name: variable.name.clone(),
        description: variable.description.clone(),
        values: values(variable.kind),
        required: if variable.required {
            "in every row"
        } else {
            "may be missing"
        },
        ways: ways(variable, dictionary)
            .into_iter()
            .map(|(_, text)| text)
            .collect(),
    });
    variables.collect()
}

/// A controller's standing instruction to load and index its dataset.
pub(crate) async fn instruct(
    State(front): Ready,
    Path(id): Path<DatasetId>,
    posted: Posted,
) -> Reply {
    let Posted { visitor, form } = posted;
    let until = DateTyped::of(&form, "until");
    let mut faults = Faults::default();
    if let Some(day) = until.required(&mut faults, "until", "last day") {
        let (service, caller) = (&front.service, &visitor.caller);
        match service.give_instruction(caller, &id, day).await {
            Ok(()) => return Ok(see(&format!("/catalogue/{id}"), "instructed")),
            Err(error) => faults = Faults::at("until", error)?,
        }
    }
    let mut shown = dataset(&front, &visitor, &id).await?;
    shown.shell = shown.shell.fault(&faults);
    (shown.until, shown.faults) = (until, faults);
    again(&shown)
}

pub(crate) async fn withdraw(
    State(front): Ready,
    Path(id): Path<DatasetId>,
    posted: Posted,
) -> Reply {
    let caller = &posted.visitor.caller;
    front.service.withdraw_instruction(caller, &id).await?;
    Ok(see(&format!("/catalogue/{id}"), "instruction_withdrawn"))
}
