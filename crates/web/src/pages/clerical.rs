//! Clerical review at the indexing desk: pairs of records side by side, what somebody says of each, and what two of
//! them came to.

use std::collections::BTreeMap;

use askama::Template;
use axum::Router;
use axum::extract::{Path, Query, State};
use axum::routing::{get, post};
use governance::IndexingId;
use governance::indexing::review::{Agreed, Judgement, Match};
use serde::Deserialize;
use service::{FieldView, PairView, ReviewView, ServiceError};

use super::decision::unread;
use super::form::{Faults, Form, Posted};
use super::refusal::Told;
use super::session::Visitor;
use super::shell::{Reply, Shell, again, page, see};
use crate::answer::to_the_end;
use crate::{Front, Ready};

/// Before the number of a pair in the name of its answer.
const PAIR: &str = "pair-";

/// Pages of clerical review.
pub(crate) fn routes() -> Router<Front> {
    Router::new()
        .route("/reviews/{id}", get(show).post(save))
        .route("/reviews/{id}/begin", post(begin))
        .route("/reviews/{id}/finish", post(finish))
        .route("/reviews/{id}/link", post(link))
        .route("/reviews/{id}/end", post(end))
}

#[derive(Deserialize)]
struct Ask {
    #[serde(default)]
    page: Option<usize>,
    #[serde(default)]
    done: Option<String>,
}

#[derive(Template)]
#[template(path = "clerical.html")]
struct Page {
    shell: Shell,
    faults: Faults,
    id: IndexingId,
    project: String,
    state: &'static str,
    title: String,
    pairs: u32,
    finished: usize,
    begun: bool,
    judged: bool,
    /// Everything is settled, and no job links the records.
    waits: bool,
    /// What is to be judged, once it is shown.
    open: Option<Open>,
    outcome: Option<Outcome>,
}

/// A page of pairs.
struct Open {
    page: usize,
    pages: usize,
    asked: usize,
    answered: usize,
    pairs: Vec<Shown>,
}

struct Shown {
    number: u32,
    fields: Vec<Line>,
    choices: Vec<Group>,
}

/// What two records say of one thing.
struct Line {
    field: String,
    record: String,
    spine: String,
    /// In a word.
    comparison: &'static str,
    differs: bool,
}

/// Reasons for one answer.
struct Group {
    legend: &'static str,
    choices: Vec<Reason>,
}

struct Reason {
    value: &'static str,
    label: &'static str,
    chosen: bool,
}

/// What a review came to, in words.
struct Outcome {
    lines: Vec<(&'static str, String)>,
}

async fn show(
    State(front): Ready,
    visitor: Visitor,
    Path(id): Path<IndexingId>,
    Query(ask): Query<Ask>,
) -> Reply {
    let number = ask.page.unwrap_or(1);
    let mut shown = filled(&front, &visitor, &id, number, Faults::default()).await?;
    shown.shell = shown.shell.done(ask.done.as_deref());
    page(&shown)
}

async fn begin(State(front): Ready, Path(id): Path<IndexingId>, posted: Posted) -> Reply {
    let visitor = posted.visitor;
    let begun = front.service.begin_review(&visitor.caller, &id).await;
    or_again(&front, &visitor, &id, begun, "review_begun").await
}

/// Keeps what was judged of one page, and goes on to the next.
async fn save(State(front): Ready, Path(id): Path<IndexingId>, posted: Posted) -> Reply {
    let Posted { visitor, form } = posted;
    let (number, said) = read(&form)?;
    let saved = front
        .service
        .save_answers(&visitor.caller, &id, &said)
        .await;
    if let Err(no) = saved {
        let faults = Faults::at("review", no)?;
        return again(&filled(&front, &visitor, &id, number, faults).await?);
    }
    let next = match form.one("then") {
        "next" => number.saturating_add(1),
        _ => number,
    };
    Ok(see(&format!("/reviews/{id}?page={next}"), "answers_saved"))
}

/// Hands the answers in. Linking anew goes on to its end when the browser hangs up.
async fn finish(State(front): Ready, Path(id): Path<IndexingId>, posted: Posted) -> Reply {
    let visitor = posted.visitor;
    let (service, caller, of) = (front.service.clone(), visitor.caller.clone(), id.clone());
    let work = async move { service.finish_review(&caller, &of).await };
    let finished = to_the_end(work).await.map(drop);
    or_again(&front, &visitor, &id, finished, "review_finished").await
}

/// Links once more what is settled. It goes on to its end when the browser hangs up.
async fn link(State(front): Ready, Path(id): Path<IndexingId>, posted: Posted) -> Reply {
    let visitor = posted.visitor;
    let (service, caller, of) = (front.service.clone(), visitor.caller.clone(), id.clone());
    let work = async move { service.link_again(&caller, &of).await };
    let linked = to_the_end(work).await.map(drop);
    or_again(&front, &visitor, &id, linked, "indexed").await
}

async fn end(State(front): Ready, Path(id): Path<IndexingId>, posted: Posted) -> Reply {
    let visitor = posted.visitor;
    let ended = front.service.end_review(&visitor.caller, &id).await;
    or_again(&front, &visitor, &id, ended, "review_ended").await
}

/// On to the page with what was done, or the page with what was wrong.
async fn or_again(
    front: &Front,
    visitor: &Visitor,
    id: &IndexingId,
    done: Result<(), impl Into<Told>>,
    word: &str,
) -> Reply {
    match done {
        Ok(()) => Ok(see(&format!("/reviews/{id}"), word)),
        Err(no) => {
            let faults = Faults::at("review", no)?;
            again(&filled(front, visitor, id, 1, faults).await?)
        }
    }
}

async fn filled(
    front: &Front,
    visitor: &Visitor,
    id: &IndexingId,
    number: usize,
    faults: Faults,
) -> Result<Page, ServiceError> {
    let (service, caller) = (&front.service, &visitor.caller);
    let view: ReviewView = service.review(caller, id).await?;
    let title = service
        .catalogue(caller)
        .await?
        .into_iter()
        .find(|dataset| dataset.id == view.dataset)
        .map_or_else(String::new, |dataset| dataset.dictionary.title);
    let shows = view.state == "under_review" && view.begun && !view.judged && view.asked > 0;
    let open = if shows {
        let pairs = service.pairs(caller, id, number).await?;
        Some(Open {
            page: pairs.page,
            pages: pairs.pages,
            asked: pairs.asked,
            answered: pairs.answered,
            pairs: pairs.pairs.into_iter().map(Shown::of).collect(),
        })
    } else {
        None
    };
    Ok(Page {
        shell: Shell::of(visitor, format!("Clerical review: {title}")).fault(&faults),
        faults,
        id: view.indexing,
        project: view.project.to_string(),
        state: view.state,
        title,
        pairs: view.pairs,
        finished: view.finished,
        begun: view.begun,
        judged: view.judged,
        waits: view.waits,
        open,
        outcome: view.review.as_ref().map(Outcome::of),
    })
}

impl Shown {
    fn of(pair: PairView) -> Self {
        let groups = [
            (Match::Yes, "One person"),
            (Match::No, "Two people"),
            (Match::CannotTell, "Cannot tell"),
        ];
        let of_group = |says: Match| {
            let reasons = Judgement::ALL.into_iter().filter(|one| one.says() == says);
            let reasons = reasons.map(|one| Reason {
                value: one.word(),
                label: reason(one),
                chosen: pair.answer == Some(one),
            });
            reasons.collect()
        };
        Self {
            number: pair.number,
            choices: groups
                .map(|(says, legend)| Group {
                    legend,
                    choices: of_group(says),
                })
                .into(),
            fields: pair.fields.into_iter().map(Line::of).collect(),
        }
    }
}

impl Line {
    fn of(field: FieldView) -> Self {
        Self {
            field: heading(&field.field),
            record: field.record.unwrap_or_default(),
            spine: field.spine.unwrap_or_default(),
            comparison: match field.comparison {
                "same" => "Same",
                "different" => "Differs",
                _ => "Missing",
            },
            differs: field.comparison == "different",
        }
    }
}

/// What a column holds, in words.
fn heading(role: &str) -> String {
    match role {
        "chi" => "CHI number".into(),
        "nhs_number" => "NHS number".into(),
        "address_1" => "Address, first line".into(),
        "address_2" => "Address, second line".into(),
        other => {
            let mut words = other.replace('_', " ");
            if let Some(first) = words.get_mut(..1) {
                first.make_ascii_uppercase();
            }
            words
        }
    }
}

/// A reason in words.
fn reason(judgement: Judgement) -> &'static str {
    match judgement {
        Judgement::Agrees => "what tells people apart agrees",
        Judgement::TypingError => "a slip, a spelling, or values swapped",
        Judgement::NameChanged => "the name changed",
        Judgement::Moved => "moved house",
        Judgement::SameHousehold => "of one household, such as twins",
        Judgement::Namesake => "they only share a name",
        Judgement::Differs => "too much differs",
        Judgement::TooLittle => "too little is recorded",
        Judgement::Contradicts => "what is recorded contradicts itself",
    }
}

impl Outcome {
    fn of(review: &Agreed) -> Self {
        let kappa = match review.kappa_milli {
            Some(milli) => format!("{:.2}", f64::from(milli) / 1000.0),
            None => "not defined: chance alone would agree on every pair".into(),
        };
        let lines = vec![
            ("Pairs judged", review.pairs.to_string()),
            (
                "Judged alike by the first two",
                format!(
                    "{} of the {} on which both decided",
                    review.alike, review.both
                ),
            ),
            ("Agreement beyond chance (Cohen's kappa)", kappa),
            ("Left to the model", review.undecided.to_string()),
            ("Links made by the review", review.joined.to_string()),
            ("Links undone by the review", review.parted.to_string()),
        ];
        Self { lines }
    }
}

/// The page that was sent, and what was judged on it.
fn read(form: &Form) -> Result<(usize, BTreeMap<u32, Option<Judgement>>), ServiceError> {
    let number = form.one("page").parse().map_err(|_| unread("the page"))?;
    let mut said = BTreeMap::new();
    for shown in form.all("shown") {
        let pair: u32 = shown.parse().map_err(|_| unread("the pair"))?;
        let word = form.one(&format!("{PAIR}{pair}"));
        let judged = match word {
            "" => None,
            word => {
                let mut all = Judgement::ALL.into_iter();
                let one = all.find(|one| one.word() == word);
                Some(one.ok_or_else(|| unread("the answer"))?)
            }
        };
        said.insert(pair, judged);
    }
    Ok((number, said))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_of_answers_is_read_pair_by_pair_and_nothing_else_is_taken() {
        let form = |text: &str| Form::parse(text.as_bytes()).unwrap();
        let (page, said) = read(&form(
            "page=2&shown=21&shown=22&pair-21=moved&pair-23=namesake",
        ))
        .unwrap();
        assert_eq!(page, 2);
        let expected = BTreeMap::from([(21, Some(Judgement::Moved)), (22, None)]);
        assert_eq!(said, expected, "what was not shown is not taken");
        for bad in [
            "shown=1",
            "page=x",
            "page=1&shown=x",
            "page=1&shown=1&pair-1=because",
        ] {
            assert!(read(&form(bad)).is_err(), "{bad}");
        }
    }

    #[test]
    fn every_reason_is_offered_once_under_its_answer() {
        let shown = Shown::of(PairView {
            number: 1,
            fields: Vec::new(),
            answer: Some(Judgement::Namesake),
        });
        let offered = shown.choices.iter().flat_map(|group| &group.choices);
        let words: Vec<&str> = offered.clone().map(|one| one.value).collect();
        assert_eq!(words, Judgement::ALL.map(Judgement::word));
        let chosen: Vec<&str> = offered
            .filter(|one| one.chosen)
            .map(|one| one.value)
            .collect();
        assert_eq!(chosen, ["namesake"]);
    }

    #[test]
    fn what_columns_hold_is_said_in_words() {
        for (role, words) in [
            ("chi", "CHI number"),
            ("date_of_birth", "Date of birth"),
            ("surname", "Surname"),
            ("", ""),
        ] {
            assert_eq!(heading(role), words);
        }
    }

    #[test]
    fn an_outcome_says_how_far_two_agree() {
        let agreed = |kappa_milli| Agreed {
            pairs: 50,
            both: 48,
            alike: 40,
            kappa_milli,
            undecided: 3,
            joined: 2,
            parted: 1,
        };
        let kappa = |milli| Outcome::of(&agreed(milli)).lines.remove(2).1;
        assert_eq!(kappa(Some(404)), "0.40");
        assert_eq!(kappa(Some(-50)), "-0.05");
        assert!(kappa(None).starts_with("not defined"));
    }
}
