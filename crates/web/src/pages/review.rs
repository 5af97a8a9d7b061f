//! The page of one output for those who check or audit it: what its author says, the table with people and
//! findings beside each value, who said what, and the acts of a review. Its researchers have their own page.

use std::collections::{BTreeMap, BTreeSet};

use askama::Template;
use axum::extract::{Path, Query, State};
use governance::comment::Visibility;
use governance::output::ReviewVerdict;
use governance::{Action, OutputId, PersonId, Sha256};
use service::{Caller, CommentView, Kind, Named, OutputView, ReviewTurn, ServiceError, Summary};

use super::events::Entry;
use super::fields::Choice;
use super::form::{Faults, Form};
use super::home::Done;
use super::outputs::votes_in;
use super::project::Said;
use super::session::Visitor;
use super::shell::{Reply, Shell, page};
use super::table::{Finding, Report, Reviewed, Version, reviewed};
use super::{outputs_mine, words};
use crate::{Front, Ready};

#[derive(Template)]
#[template(path = "output_review.html")]
pub(crate) struct Page {
    shell: Shell,
    faults: Faults,
    output: OutputView,
    author: String,
    /// In words: what the machine said.
    verdict: &'static str,
    policy: String,
    /// Which version is under review, in words; empty before there is one.
    version: &'static str,
    findings: Vec<Finding>,
    tables: Vec<Reviewed>,
    /// With what the machine compared it, in words; empty before it has.
    compared: String,
    /// Hash of the bytes that this page shows.
    seen: String,
    can: BTreeSet<Action>,
    turns: Vec<Turn>,
    comments: Vec<Said>,
    earlier: Vec<Earlier>,
    /// What the log tells of it.
    record: Vec<Entry>,
    verdicts: Vec<Choice>,
    vote_comment: String,
    text: String,
    /// Empty for whoever can only speak to everybody.
    visibilities: Vec<Choice>,
}

/// From a submission to the decision on it.
struct Turn {
    number: u64,
    submitted: String,
    version: &'static str,
    votes: String,
    outcome: Option<String>,
    said: Vec<Vote>,
}

struct Vote {
    by: String,
    at: String,
    /// In words; empty where it is not known.
    verdict: &'static str,
    comment: String,
}

/// Something that left before.
struct Earlier {
    output: String,
    /// Whether people compare it.
    by_hand: bool,
    state: &'static str,
    /// Since when it is in that state.
    at: String,
    bytes: String,
}

pub(crate) async fn show(
    State(front): Ready,
    visitor: Visitor,
    Path(id): Path<OutputId>,
    Query(ask): Query<Done>,
) -> Reply {
    let (service, caller) = (&front.service, &visitor.caller);
    let output = service.output(caller, &id).await?;
    let project = service.project(caller, &output.project).await?;
    if project.project.people().contains(&caller.person.id) {
        return outputs_mine::show(&front, &visitor, output, ask.done.as_deref()).await;
    }
    let mut shown = of(
        &front,
        &visitor,
        output,
        &Form::default(),
        Faults::default(),
    )
    .await?;
    shown.shell = shown.shell.done(ask.done.as_deref());
    page(&shown)
}

/// The page with what was typed and what is wrong with it.
pub(crate) async fn filled(
    front: &Front,
    visitor: &Visitor,
    id: &OutputId,
    form: &Form,
    faults: Faults,
) -> Result<Page, ServiceError> {
    let output = front.service.output(&visitor.caller, id).await?;
    of(front, visitor, output, form, faults).await
}

async fn of(
    front: &Front,
    visitor: &Visitor,
    mut output: OutputView,
    form: &Form,
    faults: Faults,
) -> Result<Page, ServiceError> {
    let (service, caller) = (&front.service, &visitor.caller);
    let id = output.output.clone();
    let can = service.possible_with_output(caller, &id).await?;
    let turns = service.review_turns(caller, &id).await?;
    let comments = service.comments_on_output(caller, &id).await?;
    let events = service.output_events(caller, &id).await?;
    let earlier = service.left_before(caller, &id).await?;
    let people: BTreeSet<PersonId> = events
        .iter()
        .filter_map(|event| event.by.clone())
        .chain([output.author.clone()])
        .collect();
    let names = service.names(caller, people).await?;
    let report = Report::read(output.report.take())?;
    let (tables, seen) = match bytes(front, caller, &output).await? {
        None => (Vec::new(), String::new()),
        Some(bytes) => {
            let version = match turns.last().map(|turn| turn.rendering.as_str()) {
                Some("treated") => Version::Treated,
                Some(_) | None => Version::Exact,
            };
            let seen = service::sha256(&bytes)?.to_string();
            (reviewed(&bytes, report.as_ref(), version)?, seen)
        }
    };
    let hears = can.contains(&Action::ViewCheckerComments);
    Ok(Page {
        shell: Shell::of(visitor, format!("Output of {}", output.title)).fault(&faults),
        author: named(&names, &output.author),
        verdict: output.verdict.map_or("", |verdict| machine(verdict.word())),
        policy: policy(report.as_ref(), output.policy.as_ref()),
        version: turns.last().map_or("", |turn| version(&turn.rendering)),
        findings: report.map_or_else(Vec::new, |report| report.findings().to_vec()),
        tables,
        compared: compared(&output),
        seen,
        turns: turns.into_iter().map(Turn::of).collect(),
        comments: comments.into_iter().map(comment).collect(),
        earlier: earlier
            .into_iter()
            .map(|left| Earlier::of(left, &output))
            .collect(),
        record: events
            .into_iter()
            .map(|event| Entry::of(event, &names, 0))
            .collect(),
        verdicts: verdicts(form.one("verdict")),
        vote_comment: form.one("vote_comment").to_owned(),
        text: form.one("text").to_owned(),
        visibilities: if hears {
            visibilities(form.one("visibility"))
        } else {
            Vec::new()
        },
        can,
        faults,
        output,
    })
}

impl Page {
    fn may(&self, action: Action) -> bool {
        self.can.contains(&action)
    }

    /// Whether the bytes that this page shows are those under review, and are what the machine checked. Only
    /// then is there something to vote on.
    fn is_whole(&self) -> bool {
        let same = self
            .output
            .bytes
            .as_ref()
            .is_some_and(|hash| hash.as_str() == self.seen);
        same && !self.tables.is_empty() && self.tables.iter().all(|table| !table.matched.is_no())
    }

    /// What hides the other vote now; empty when nothing is hidden.
    fn blind(&self) -> &'static str {
        let open = self.turns.last().filter(|turn| turn.outcome.is_none());
        match (self.output.state, open, self.may(Action::VoteOnOutput)) {
            ("under_review", Some(turn), false) if turn.said.len() == 1 => {
                "You voted. The other vote is hidden until both are in."
            }
            ("under_review", Some(turn), false) if turn.said.len() > 1 => {
                "Both votes are in and differ. A third output checker decides."
            }
            ("under_review", Some(_), true) => {
                "Vote without knowing what others voted. You see their votes once yours is in."
            }
            _ => "",
        }
    }
}

/// The bytes under review, approved or released; none for whoever may not read them, or when they are gone.
async fn bytes(
    front: &Front,
    caller: &Caller,
    output: &OutputView,
) -> Result<Option<Vec<u8>>, ServiceError> {
    if output.bytes.is_none() {
        return Ok(None);
    }
    match front.service.reviewed_bytes(caller, &output.output).await {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == Kind::Denied => Ok(None),
        // A release outlives the bytes: they went with the project.
        Err(error) if error.kind() == Kind::Refused && output.state == "released" => Ok(None),
        Err(error) => Err(error),
    }
}

/// With what the machine compared an output, and who compares the rest.
fn compared(output: &OutputView) -> String {
    let Some(left) = output.compared_with else {
        return String::new();
    };
    let by_hand = output.compare_by_hand.len();
    let left = match left {
        0 => "Nothing had left the safe haven when the machine compared this.".to_owned(),
        1 => {
            "The machine compared this with the one output that had left the safe haven.".to_owned()
        }
        left => format!(
            "The machine compared this with the {left} outputs that had left the safe haven, of this project and of others."
        ),
    };
    let screens = match output.compared_with_screens {
        Some(1) => " It compared it with the one screen that had shown something, too.".to_owned(),
        Some(screens @ 2..) => {
            format!(" It compared it with the {screens} screens that had shown something, too.")
        }
        Some(0) | None => String::new(),
    };
    let left = format!("{left}{screens}");
    match by_hand {
        0 => format!(
            "{left} It compares it again before it is released, with what leaves or is shown meanwhile."
        ),
        by_hand => format!(
            "{left} Of {by_hand} of the outputs it cannot tell who is behind the numbers: compare these with the tables by hand. Two tables of nearly the same people can tell apart the few in whom they differ."
        ),
    }
}

fn policy(report: Option<&Report>, applied: Option<&Sha256>) -> String {
    match (report, applied) {
        (Some(report), _) => report.policy(),
        (None, Some(hash)) => format!("SHA-256 {hash}"),
        (None, None) => String::new(),
    }
}

/// What the machine said, as a sentence for people who judge.
fn machine(verdict: &str) -> &'static str {
    match verdict {
        "pass" => "Every cell satisfies every rule that is on. You judge what no rule knows.",
        "treat" => "Some cells are not safe. The treated table leaves their rows out.",
        "review" => "The machine cannot tell. What it could not count is marked; you judge it.",
        "fail" => "Not safe, and no treatment helps.",
        _ => "",
    }
}

fn version(rendering: &str) -> &'static str {
    match rendering {
        "exact" => "The table as it is",
        "treated" => "The treated table, without the rows that hold unsafe cells",
        _ => "",
    }
}

/// A vote in words.
fn voted(verdict: ReviewVerdict) -> &'static str {
    match verdict {
        ReviewVerdict::Approve => "Approve",
        ReviewVerdict::RequestChanges => "Request changes",
        ReviewVerdict::Refuse => "Refuse",
    }
}

fn verdicts(chosen: &str) -> Vec<Choice> {
    [
        ("approve", "Approve", "These bytes may leave."),
        (
            "request_changes",
            "Request changes",
            "It may leave once something is changed. Say below what.",
        ),
        ("refuse", "Refuse", "It may not leave. Say below why."),
    ]
    .map(|(value, label, hint)| Choice::new(value, label).hint(hint).among([chosen]))
    .into()
}

fn visibilities(chosen: &str) -> Vec<Choice> {
    // Nothing is private by mistake, nor public: the choice is made each time.
    [
        (
            "public",
            "Its researchers too",
            "Say nothing here that the table itself must not show.",
        ),
        (
            "private",
            "Only output checkers",
            "The people of the project never see it.",
        ),
    ]
    .map(|(value, label, hint)| Choice::new(value, label).hint(hint).among([chosen]))
    .into()
}

fn named(names: &BTreeMap<PersonId, Named>, id: &PersonId) -> String {
    names.get(id).map_or_else(
        || id.to_string(),
        |named| format!("{}, {}", named.name, named.organisation),
    )
}

fn comment(view: CommentView) -> Said {
    Said {
        author: format!("{}, {}", view.author.name, view.author.organisation),
        at: words::moment(view.at),
        private: view.visibility == Visibility::Private,
        text: view.text,
    }
}

impl Earlier {
    fn of(left: Summary, beside: &OutputView) -> Self {
        let bytes = left.detail.get("bytes").and_then(serde_json::Value::as_str);
        let mut by_hand = beside.compare_by_hand.iter();
        Self {
            by_hand: by_hand.any(|output| output.as_str() == left.id),
            bytes: bytes.unwrap_or_default().to_owned(),
            output: left.id,
            state: left.state,
            at: words::moment(left.since),
        }
    }
}

impl Turn {
    fn of(turn: ReviewTurn) -> Self {
        Self {
            number: turn.number,
            submitted: words::moment(turn.submitted),
            version: version(&turn.rendering),
            votes: votes_in(turn.votes),
            outcome: turn.outcome,
            said: turn
                .said
                .into_iter()
                .map(|said| Vote {
                    by: format!("{}, {}", said.by.name, said.by.organisation),
                    at: words::moment(said.at),
                    verdict: said.verdict.map_or("", voted),
                    comment: said.comment,
                })
                .collect(),
        }
    }
}
