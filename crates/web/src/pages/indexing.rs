//! The indexing desk: records of a project's deliveries are linked to the spine, by somebody who sees no
//! payload. Served by a process of its own; the keeper runs index jobs for no other.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use askama::Template;
use axum::Router;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Redirect};
use axum::routing::get;
use governance::dataset::{Dataset, Purpose};
use governance::{Action, DeliveryId, Lifecycle, ProjectId, Timestamp};
use serde::Deserialize;
use service::{Caller, ServiceError, Summary};

use super::decision::unread;
use super::fields::Choice;
use super::form::{Faults, Form, Posted};
use super::home::Done;
use super::project::title;
use super::project_parts::{Part, indexed};
use super::project_words::Titles;
use super::session::Visitor;
use super::shell::{Reply, Shell, again, page, see};
use super::words;
use crate::answer::to_the_end;
use crate::{Front, Ready};

/// What is sent to index without a list of objections.
const NONE: &str = "none";

/// Pages of the indexing desk.
pub(crate) fn routes() -> Router<Front> {
    Router::new()
        .route("/", get(home))
        .route("/indexing", get(list))
        .route("/indexing/{id}", get(show).post(index))
}

async fn home() -> impl IntoResponse {
    Redirect::to("/indexing")
}

#[derive(Template)]
#[template(path = "indexing.html")]
struct List {
    shell: Shell,
    /// Projects that wait for an indexing.
    asked: Vec<Row>,
    /// Indexings whose pairs wait to be judged.
    reviews: Vec<Row>,
    /// Every project in force.
    in_force: Vec<Row>,
    /// Id of the last project shown, if there may be more.
    next: Option<String>,
}

struct Row {
    id: String,
    title: String,
    organisation: String,
    since: String,
}

/// From which project on.
#[derive(Deserialize)]
struct After {
    #[serde(default)]
    after: Option<String>,
}

async fn list(State(front): Ready, visitor: Visitor, Query(ask): Query<After>) -> Reply {
    let (service, caller) = (&front.service, &visitor.caller);
    let needs = service.worklist(caller).await?.needs_you;
    let rows = |action: Action| -> Vec<Row> {
        let asked = needs.iter().filter(|item| item.action == action.word());
        asked
            .map(|item| Row {
                id: item.id.clone(),
                title: item.title.clone(),
                organisation: item.organisation.clone(),
                since: words::moment(item.since),
            })
            .collect()
    };
    let (asked, reviews) = (rows(Action::OrderIndexing), rows(Action::BeginReview));
    let projects = service
        .projects(caller, &["in_force"], ask.after.as_deref())
        .await?;
    let full = u32::try_from(projects.len()).is_ok_and(|n| n >= service.policies().limits.page);
    let next = projects
        .last()
        .filter(|_| full)
        .map(|p| p.project.to_string());
    let in_force = projects
        .into_iter()
        .map(|project| Row {
            id: project.project.to_string(),
            title: project.title,
            organisation: project.author.organisation,
            since: words::moment(project.since),
        })
        .collect();
    page(&List {
        shell: Shell::of(&visitor, "Indexing"),
        asked,
        reviews,
        in_force,
        next,
    })
}

#[derive(Template)]
#[template(path = "indexing-project.html")]
struct Page {
    shell: Shell,
    faults: Faults,
    id: ProjectId,
    title: String,
    state: &'static str,
    can: bool,
    deliveries: Vec<Choice>,
    spines: Vec<Choice>,
    objections: Vec<Choice>,
    review: String,
    review_hint: String,
    /// Each with whether it has a clerical review.
    indexings: Vec<(Part, bool)>,
}

async fn show(
    State(front): Ready,
    visitor: Visitor,
    Path(id): Path<ProjectId>,
    Query(ask): Query<Done>,
) -> Reply {
    let mut shown = filled(&front, &visitor, &id, None, Faults::default()).await?;
    shown.shell = shown.shell.done(ask.done.as_deref());
    page(&shown)
}

/// Indexes a delivery. It goes on to its end when the browser hangs up.
async fn index(State(front): Ready, Path(id): Path<ProjectId>, posted: Posted) -> Reply {
    let Posted { visitor, form } = posted;
    let order = match read(&form)? {
        Ok(order) => order,
        Err(faults) => {
            return again(&filled(&front, &visitor, &id, Some(&form), faults).await?);
        }
    };
    let back = format!("/indexing/{id}");
    let (service, caller, project) = (front.service.clone(), visitor.caller.clone(), id.clone());
    let work = async move {
        let objections = order.objections.as_ref();
        service
            .index(
                &caller,
                &project,
                &order.delivery,
                &order.spine,
                objections,
                order.review,
            )
            .await
    };
    match to_the_end(work).await {
        Ok(answer) if answer.state == "under_review" => Ok(see(&back, "pairs_chosen")),
        Ok(_) => Ok(see(&back, "indexed")),
        Err(no) => {
            let faults = Faults::at("objections", no)?;
            again(&filled(&front, &visitor, &id, Some(&form), faults).await?)
        }
    }
}

async fn filled(
    front: &Front,
    visitor: &Visitor,
    id: &ProjectId,
    form: Option<&Form>,
    faults: Faults,
) -> Result<Page, ServiceError> {
    let (service, caller) = (&front.service, &visitor.caller);
    let reading = service.read_project(caller, id).await?;
    let project = reading.project();
    let asked: BTreeSet<_> = project
        .manifest()
        .into_iter()
        .flat_map(|manifest| manifest.datasets.iter().map(|d| d.dataset.clone()))
        .collect();
    let can = reading.possible().contains(&Action::OrderIndexing);
    let indexings = reading.indexings().await?;
    let mut shown = Page {
        shell: Shell::of(visitor, format!("Indexing: {}", title(project))).fault(&faults),
        faults,
        id: id.clone(),
        title: title(project),
        state: project.state(),
        can,
        deliveries: Vec::new(),
        spines: Vec::new(),
        objections: Vec::new(),
        review: form.map_or_else(String::new, |form| form.one("review").to_owned()),
        review_hint: format!(
            "Pairs of records for two indexers to judge before there are links, at most {}. Leave it empty for none.",
            service.policies().limits.review_pairs
        ),
        indexings: Vec::new(),
    };
    let mut titles = Vec::new();
    let (mut deliveries, mut spines, mut objections) = (Vec::new(), Vec::new(), Vec::new());
    for dataset in service.catalogue(caller).await? {
        let into = match dataset.dictionary.purpose {
            Purpose::Payload if !asked.contains(&dataset.id) => continue,
            Purpose::Payload => &mut deliveries,
            Purpose::Spine => &mut spines,
            Purpose::Objections => &mut objections,
        };
        if can {
            into.extend(complete(front, caller, &dataset).await?);
        }
        titles.push((dataset.id, dataset.dictionary.title));
    }
    shown.deliveries = newest_first(deliveries);
    shown.spines = newest_first(spines);
    shown.objections = lists(newest_first(objections));
    choose(&mut shown, form, &indexings);
    let reviewed: Vec<bool> = indexings.iter().map(has_review).collect();
    let parts = indexed(indexings, &Titles::of(titles));
    shown.indexings = parts.into_iter().zip(reviewed).collect();
    Ok(shown)
}

/// Whether an indexing has a clerical review to look at.
fn has_review(indexing: &Summary) -> bool {
    matches!(indexing.state, "under_review" | "settled") || indexing.detail.contains_key("review")
}

/// Lists of objections to choose from. None is there to be chosen, and is never the first.
fn lists(mut lists: Vec<Choice>) -> Vec<Choice> {
    if lists.is_empty() {
        lists.push(Choice::new("", "Choose"));
    }
    lists.push(Choice::new(NONE, "None: nobody's links are withheld"));
    lists
}

fn newest_first(mut dated: Vec<(Timestamp, Choice)>) -> Vec<Choice> {
    dated.sort_by_key(|(since, _)| Reverse(*since));
    dated.into_iter().map(|(_, choice)| choice).collect()
}

/// Complete deliveries of a dataset, each with the moment since when it is.
async fn complete(
    front: &Front,
    caller: &Caller,
    dataset: &Dataset,
) -> Result<Vec<(Timestamp, Choice)>, ServiceError> {
    let deliveries = front.service.deliveries_of(caller, &dataset.id).await?;
    Ok(deliveries
        .into_iter()
        .filter(|delivery| delivery.state == "complete")
        .map(|delivery| {
            let records = delivery
                .detail
                .get("records")
                .and_then(serde_json::Value::as_u64)
                .unwrap_or_default();
            let label = format!(
                "{}, complete since {}, {records} records",
                dataset.dictionary.title,
                words::moment(delivery.since)
            );
            (delivery.since, Choice::new(delivery.id, label))
        })
        .collect())
}

/// What was typed; before that, the newest delivery that has no indexing, the newest spine and list. That nobody's
/// links are withheld is never chosen for somebody.
fn choose(shown: &mut Page, form: Option<&Form>, indexings: &[Summary]) {
    let done: BTreeSet<&str> = indexings
        .iter()
        .filter(|indexing| indexing.state != "failed")
        .filter_map(|indexing| indexing.detail.get("delivery")?.as_str())
        .collect();
    for choice in &mut shown.deliveries {
        if done.contains(choice.value.as_str()) {
            choice.label.push_str(" (indexed already)");
        }
    }
    let pick = |choices: &mut [Choice], field: &str, first: Option<usize>| {
        for (at, choice) in choices.iter_mut().enumerate() {
            choice.chosen = match form {
                Some(form) => form.one(field) == choice.value,
                None => first == Some(at),
            };
        }
    };
    let fresh = shown
        .deliveries
        .iter()
        .position(|choice| !done.contains(choice.value.as_str()));
    pick(&mut shown.deliveries, "delivery", fresh.or(Some(0)));
    pick(&mut shown.spines, "spine", Some(0));
    pick(&mut shown.objections, "objections", Some(0));
}

/// What is linked to what.
#[derive(Debug, PartialEq, Eq)]
struct Order {
    delivery: DeliveryId,
    spine: DeliveryId,
    objections: Option<DeliveryId>,
    /// Most pairs that people judge; 0 for none.
    review: u32,
}

/// The order that a form holds, or what is wrong with it.
fn read(form: &Form) -> Result<Result<Order, Faults>, ServiceError> {
    let mut faults = Faults::default();
    let delivery = chosen(form, "delivery", &mut faults, "Choose a delivery to index")?;
    let spine = chosen(form, "spine", &mut faults, "Choose a spine")?;
    let objections = match form.one("objections") {
        "" => {
            faults.add("objections", "Choose whose links are withheld, or none");
            None
        }
        NONE => None,
        text => Some(text.parse().map_err(|_| unread("the objections"))?),
    };
    let review = match form.one("review") {
        "" => Some(0),
        typed => typed.parse().ok(),
    };
    if review.is_none() {
        faults.add("review", "Give a whole number of pairs, or leave it empty");
    }
    Ok(match (delivery, spine) {
        (Some(delivery), Some(spine)) if faults.is_empty() => Ok(Order {
            delivery,
            spine,
            objections,
            review: review.unwrap_or_default(),
        }),
        (Some(_) | None, Some(_) | None) => Err(faults),
    })
}

fn chosen(
    form: &Form,
    field: &'static str,
    faults: &mut Faults,
    missing: &str,
) -> Result<Option<DeliveryId>, ServiceError> {
    match form.one(field) {
        "" => {
            faults.add(field, missing);
            Ok(None)
        }
        text => Ok(Some(text.parse().map_err(|_| unread("the delivery"))?)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(text: &str) -> Form {
        Form::parse(text.as_bytes()).unwrap()
    }

    #[test]
    fn an_order_names_a_delivery_and_a_spine_and_may_name_objections() {
        let order = read(&form("delivery=del_a&spine=del_s&objections=none")).unwrap();
        assert_eq!(order.unwrap().objections, None);
        let order = read(&form("delivery=del_a&spine=del_s&objections=del_o")).unwrap();
        let expected = Order {
            delivery: "del_a".parse().unwrap(),
            spine: "del_s".parse().unwrap(),
            objections: Some("del_o".parse().unwrap()),
            review: 0,
        };
        assert_eq!(order.unwrap(), expected);
        let some = read(&form(
            "delivery=del_a&spine=del_s&objections=none&review=40",
        ));
        assert_eq!(some.unwrap().unwrap().review, 40);
        for (text, field) in [
            ("spine=del_s&objections=none", "delivery"),
            ("delivery=del_a&objections=none", "spine"),
            ("delivery=del_a&spine=del_s", "objections"),
            ("delivery=del_a&spine=del_s&objections=", "objections"),
            (
                "delivery=del_a&spine=del_s&objections=none&review=-1",
                "review",
            ),
            (
                "delivery=del_a&spine=del_s&objections=none&review=all",
                "review",
            ),
        ] {
            let faults = read(&form(text)).unwrap().unwrap_err();
            assert!(faults.of(field).is_some(), "{text}");
        }
        for text in [
            "delivery=a&spine=del_s",
            "delivery=del_a&spine=s",
            "delivery=del_a&spine=del_s&objections=o",
        ] {
            assert!(read(&form(text)).is_err(), "{text}");
        }
    }

    #[test]
    fn the_newest_comes_first_and_none_is_never_chosen_for_somebody() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let dated = vec![
            (at(1), Choice::new("del_a", "Old")),
            (at(3), Choice::new("del_b", "Newest")),
            (at(2), Choice::new("del_c", "Newer")),
        ];
        let values = |choices: Vec<Choice>| -> Vec<String> {
            choices.into_iter().map(|choice| choice.value).collect()
        };
        let newest = newest_first(dated);
        assert_eq!(values(newest.clone()), ["del_b", "del_c", "del_a"]);
        assert_eq!(values(lists(newest)), ["del_b", "del_c", "del_a", "none"]);
        assert_eq!(values(lists(Vec::new())), ["", "none"]);
    }
}
