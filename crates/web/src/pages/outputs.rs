//! Outputs for those who check and audit them: what waits, what was decided, and the acts of a review.

use askama::Template;
use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::{get, post};
use governance::comment::Visibility;
use governance::output::ReviewVerdict;
use governance::person::Role;
use governance::{MeasurementId, OutputId, Refusal, Sha256, Timestamp};
use serde::Deserialize;
use service::{ReviewItem, ServiceError};

use super::form::{Faults, Form, Posted};
use super::session::Visitor;
use super::shell::{Reply, Shell, again, page, see};
use super::{outputs_mine, review, words};
use crate::answer::to_the_end;
use crate::{Front, Ready};

/// Pages of outputs for output checkers and auditors, and the acts of a review.
pub(crate) fn routes() -> Router<Front> {
    Router::new()
        .route("/outputs", get(list))
        .route("/outputs/{id}", get(review::show))
        .route("/outputs/{id}/table.csv", get(table))
        .route("/outputs/{id}/comment", post(comment))
        .route("/outputs/{id}/vote", post(vote))
        .route("/outputs/{id}/release", post(release))
        .route("/outputs/{id}/recall", post(recall))
}

#[derive(Template)]
#[template(path = "outputs.html")]
struct List {
    shell: Shell,
    /// What waits; nothing for somebody who checks nothing.
    queue: Option<Vec<Waiting>>,
    /// Answers with noise whose labels wait.
    labels: Vec<MeasurementId>,
    decided: Vec<Decided>,
    next: Option<String>,
    is_researcher: bool,
}

/// An output that waits for output checkers.
struct Waiting {
    output: OutputId,
    title: String,
    author: String,
    organisation: String,
    state: &'static str,
    verdict: &'static str,
    /// Such as `1 of 2`; empty when none are asked any more.
    votes: String,
    /// What is asked of whoever reads this.
    ask: &'static str,
    age: String,
}

/// An output that people decided on.
struct Decided {
    output: OutputId,
    title: String,
    organisation: String,
    state: &'static str,
    since: String,
    bytes: String,
}

/// Which list, and which page of it.
#[derive(Deserialize)]
pub(crate) struct Ask {
    #[serde(default)]
    done: Option<String>,
    #[serde(default)]
    after: Option<OutputId>,
    #[serde(default)]
    whose: Option<String>,
}

async fn list(State(front): Ready, visitor: Visitor, Query(ask): Query<Ask>) -> Reply {
    let roles = &visitor.caller.person.roles;
    let checks = roles.contains(&Role::OutputChecker);
    let others = checks || roles.contains(&Role::Auditor);
    if !others || ask.whose.as_deref() == Some("mine") {
        let after = ask.after.as_ref().map(OutputId::as_str);
        return outputs_mine::list(&front, &visitor, after, ask.done.as_deref()).await;
    }
    let (service, caller) = (&front.service, &visitor.caller);
    let now = service.time()?;
    let queue = match (checks, &ask.after) {
        (true, None) => Some(service.outputs_in_review(caller).await?),
        (true, Some(_)) | (false, _) => None,
    };
    let labels = match &queue {
        Some(_) => service.labels_queue(caller, None).await?,
        None => Vec::new(),
    };
    let decided = service.outputs_decided(caller, ask.after.as_ref()).await?;
    let full = u32::try_from(decided.len()) == Ok(service.policies().limits.page);
    let last = decided.last().map(|item| item.output.to_string());
    page(&List {
        shell: Shell::of(&visitor, "Outputs").done(ask.done.as_deref()),
        queue: queue.map(|items| items.into_iter().map(|item| waiting(item, now)).collect()),
        labels,
        decided: decided.into_iter().map(Decided::of).collect(),
        next: last.filter(|_| full),
        is_researcher: roles.contains(&Role::Researcher),
    })
}

fn waiting(item: ReviewItem, now: Timestamp) -> Waiting {
    let under_review = item.state == "under_review";
    let ask = match (under_review, item.own) {
        (true, None) => "Review blind",
        (true, Some(_)) => "You voted; others have not yet",
        (false, _) => "Release",
    };
    Waiting {
        output: item.output,
        title: item.title,
        author: item.author.name,
        organisation: item.author.organisation,
        state: item.state,
        verdict: item.verdict.map_or("", governance::output::Verdict::word),
        votes: if under_review {
            votes_in(item.votes)
        } else {
            String::new()
        },
        ask,
        age: words::age(item.since, now),
    }
}

/// How many votes are in; a third is asked for only where the first two differ.
pub(crate) fn votes_in(votes: usize) -> String {
    let asked = if votes < 2 { 2 } else { 3 };
    format!("{votes} of {asked}")
}

impl Decided {
    fn of(item: ReviewItem) -> Self {
        Self {
            output: item.output,
            title: item.title,
            organisation: item.author.organisation,
            state: item.state,
            since: words::moment(item.since),
            bytes: item.bytes.map_or_else(String::new, |hash| hash.to_string()),
        }
    }
}

/// The bytes under review as plain text, for reading and not for keeping.
async fn table(State(front): Ready, visitor: Visitor, Path(id): Path<OutputId>) -> Reply {
    let bytes = front.service.reviewed_bytes(&visitor.caller, &id).await?;
    Ok(([(CONTENT_TYPE, "text/plain; charset=utf-8")], bytes).into_response())
}

async fn comment(State(front): Ready, Path(id): Path<OutputId>, posted: Posted) -> Reply {
    let Posted { visitor, form } = posted;
    let faults = match said(&form) {
        Ok((visibility, text)) => {
            let (service, caller) = (&front.service, &visitor.caller);
            let said = service.comment_on_output(caller, &id, visibility, text);
            match said.await {
                Ok(_) => return Ok(see(&format!("/outputs/{id}"), "commented")),
                Err(error) => Faults::at("text", error)?,
            }
        }
        Err(faults) => faults,
    };
    again(&review::filled(&front, &visitor, &id, &form, faults).await?)
}

/// The comment that a form holds, or what is wrong with it.
fn said(form: &Form) -> Result<(Visibility, &str), Faults> {
    let mut faults = Faults::default();
    let text = form.one("text");
    faults.unless(!text.is_empty(), "text", "Say something");
    match form.one("visibility") {
        "public" if faults.is_empty() => Ok((Visibility::Public, text)),
        "private" if faults.is_empty() => Ok((Visibility::Private, text)),
        "public" | "private" => Err(faults),
        _ => {
            faults.add("visibility", "Choose who reads it");
            Err(faults)
        }
    }
}

async fn vote(State(front): Ready, Path(id): Path<OutputId>, posted: Posted) -> Reply {
    let Posted { visitor, form } = posted;
    let seen = Sha256::try_from(form.one("bytes").to_owned())
        .map_err(|_| ServiceError::BadInput("the form does not say which bytes you saw".into()))?;
    let mut faults = Faults::default();
    let Some(verdict) = verdict(form.one("verdict")) else {
        faults.add("verdict", "Choose how you vote");
        return again(&review::filled(&front, &visitor, &id, &form, faults).await?);
    };
    let comment = Some(form.one("vote_comment")).filter(|text| !text.is_empty());
    let voted = front
        .service
        .vote_on_output(&visitor.caller, &id, verdict, &seen, comment)
        .await;
    match voted {
        Ok(_) => Ok(see(&format!("/outputs/{id}"), "voted")),
        // What the rule says of the comment belongs to its field.
        Err(ServiceError::Refused(Refusal::Invalid(_))) if comment.is_none() => {
            faults.add(
                "vote_comment",
                "Say what is wrong, so that the author can change it",
            );
            again(&review::filled(&front, &visitor, &id, &form, faults).await?)
        }
        Err(error) => {
            let faults = Faults::at("verdict", error)?;
            again(&review::filled(&front, &visitor, &id, &form, faults).await?)
        }
    }
}

fn verdict(word: &str) -> Option<ReviewVerdict> {
    match word {
        "approve" => Some(ReviewVerdict::Approve),
        "request_changes" => Some(ReviewVerdict::RequestChanges),
        "refuse" => Some(ReviewVerdict::Refuse),
        _ => None,
    }
}

async fn release(State(front): Ready, Path(id): Path<OutputId>, posted: Posted) -> Reply {
    let (caller, output) = (posted.visitor.caller, id.clone());
    to_the_end(async move { front.service.release_output(&caller, &output).await }).await?;
    Ok(see(&format!("/outputs/{id}"), "released"))
}

async fn recall(State(front): Ready, Path(id): Path<OutputId>, posted: Posted) -> Reply {
    front
        .service
        .recall_output(&posted.visitor.caller, &id)
        .await?;
    Ok(see(&format!("/outputs/{id}"), "recalled"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comment_is_public_or_private_by_choice_only() {
        for (text, expected) in [
            (
                "text=Why+so+few%3F&visibility=public",
                Ok((Visibility::Public, "Why so few?")),
            ),
            (
                "text=Three&visibility=private",
                Ok((Visibility::Private, "Three")),
            ),
            ("text=+&visibility=public", Err("text")),
            ("text=Three", Err("visibility")),
            ("text=Three&visibility=all", Err("visibility")),
        ] {
            let form = Form::parse(text.as_bytes()).unwrap();
            match (said(&form), expected) {
                (Ok(said), Ok(expected)) => assert_eq!(said, expected, "{text}"),
                (Err(faults), Err(field)) => assert!(faults.of(field).is_some(), "{text}"),
                (said, _) => panic!("{text}: {said:?}"),
            }
        }
    }

    #[test]
    fn two_votes_are_asked_for_and_a_third_where_they_differ() {
        let counts: Vec<String> = (0..4).map(votes_in).collect();
        assert_eq!(counts, ["0 of 2", "1 of 2", "2 of 3", "3 of 3"]);
    }
}
