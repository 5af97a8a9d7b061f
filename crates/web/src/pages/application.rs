//! An application as its people write it: a list of sections in the order of the Five Safes, each with its
//! own form that always saves, and at the end every answer before it is submitted.

use askama::Template;
use axum::Router;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Redirect};
use axum::routing::{get, post};
use governance::ProjectId;
use governance::request::{PEOPLE_MAX, View};
use service::{CommentView, Kind, ServiceError};

use super::application_draft::{Entry, entries};
use super::application_missing::{Far, Missing, faults};
use super::application_work::Work;
use super::fields::{Choice, DateTyped};
use super::form::{Faults, Posted};
use super::home::Done;
use super::project_words::{self, SECTIONS, Titles};
use super::refusal::Told;
use super::session::Visitor;
use super::shell::{Reply, Shell, again, page, see};
use super::{application_data, application_list, application_variables, difference, words};
use crate::answer::to_the_end;
use crate::{Front, Ready};

#[derive(Template)]
#[template(path = "application.html")]
struct TaskList {
    shell: Shell,
    work: Work,
    tasks: Vec<Task>,
    comments: Vec<CommentView>,
}

/// A section in the list.
struct Task {
    word: &'static str,
    title: &'static str,
    about: &'static str,
    status: &'static str,
    colour: &'static str,
    gaps: Vec<String>,
}

#[derive(Template)]
#[template(path = "application_section.html")]
struct Section {
    shell: Shell,
    work: Work,
    word: &'static str,
    title: &'static str,
    faults: Faults,
    comments: Vec<CommentView>,
    commercial: Vec<Choice>,
    view: Vec<Choice>,
    standing: Vec<(&'static str, String)>,
    minimum: u64,
    statement_bytes: usize,
    query_s: i64,
}

#[derive(Template)]
#[template(path = "application_check.html")]
struct Check {
    shell: Shell,
    faults: Faults,
    answers: Vec<Answers>,
    /// Hash of the bytes that would be submitted.
    seen: String,
    asked: Vec<project_words::Asked>,
    work: Work,
}

/// Answers of one section.
struct Answers {
    word: &'static str,
    title: &'static str,
    rows: Vec<(&'static str, Vec<String>)>,
}

/// Routes of applications, from the list of projects to the submission.
pub(crate) fn routes() -> Router<Front> {
    const DATA: &str = "/projects/{id}/application/data";
    Router::new()
        .route("/projects", get(application_list::show).post(start))
        .route("/projects/{id}/application", get(show))
        .route("/projects/{id}/application/check", get(check))
        .route("/projects/{id}/application/submit", post(submit))
        .route(
            DATA,
            get(application_data::datasets).post(application_data::choose),
        )
        .route(
            "/projects/{id}/application/data/{dataset}",
            get(application_variables::show).post(application_variables::save),
        )
        .route(
            "/projects/{id}/application/{section}",
            get(section).post(save),
        )
        .route("/projects/{id}/changes", get(difference::show))
        .route("/projects/{id}/withdraw", get(ask_withdraw).post(withdraw))
        .route("/projects/{id}/close", get(ask_close).post(close))
}

/// Starts an application and opens its first section.
pub(crate) async fn start(State(front): Ready, posted: Posted) -> Reply {
    let id = front
        .service
        .start_application(&posted.visitor.caller)
        .await?;
    Ok(Redirect::to(&format!("/projects/{id}/application/projects")).into_response())
}

pub(crate) async fn show(
    State(front): Ready,
    visitor: Visitor,
    Path(id): Path<ProjectId>,
    Query(ask): Query<Done>,
) -> Reply {
    let work = Work::load(&front, &visitor, id).await?;
    let tasks = SECTIONS
        .iter()
        .map(|(word, title)| task(&work, word, title))
        .collect();
    let comments = comments(&front, &visitor, &work).await?;
    page(&TaskList {
        shell: Shell::of(&visitor, work.title()).done(ask.done.as_deref()),
        work,
        tasks,
        comments,
    })
}

fn task(work: &Work, word: &'static str, title: &'static str) -> Task {
    let (status, colour) = match work.far(word) {
        Far::Complete if word == "settings" && work.draft.view.is_empty() => {
            ("Nothing to fill in", "")
        }
        Far::Complete => ("Completed", ""),
        Far::Begun => ("Incomplete", "govuk-tag--orange"),
        Far::Untouched => ("Not started", "govuk-tag--blue"),
    };
    Task {
        word,
        title,
        about: match word {
            "people" => "Who will see data, and their accreditation",
            "projects" => "What it is for, what the public gains, when",
            "data" => "Datasets, and each variable with its reason",
            "settings" => "Where the work is done and what the screen shows",
            _ => "What is to be released, and what keeps it safe",
        },
        status,
        colour,
        gaps: work.gaps(word).map(|m| m.text.clone()).collect(),
    }
}

/// What was said about it, once it was submitted for the first time.
async fn comments(
    front: &Front,
    visitor: &Visitor,
    work: &Work,
) -> Result<Vec<CommentView>, super::refusal::Told> {
    if work.project.core().version == 0 {
        return Ok(Vec::new());
    }
    let comments = front
        .service
        .comments_on_project(&visitor.caller, &work.id)
        .await?;
    Ok(comments)
}

pub(crate) async fn section(
    State(front): Ready,
    visitor: Visitor,
    Path((id, word)): Path<(ProjectId, String)>,
) -> Reply {
    let (word, title) = named(&word)?;
    let work = Work::load(&front, &visitor, id).await?;
    if !work.is_written() {
        return Ok(Redirect::to(&format!("{}/check", work.home())).into_response());
    }
    let faults = faults(work.gaps(word));
    let mut comments = comments(&front, &visitor, &work).await?;
    comments.retain(|c| c.section == word);
    let policies = front.service.policies();
    let person = &visitor.caller.person;
    let until =
        |day: Option<governance::Date>| day.map_or_else(|| "not on record".to_owned(), words::day);
    let standing = vec![
        ("Accredited until", until(person.accreditation_until)),
        ("Training valid until", until(person.training_until)),
        ("Undertaking signed on", until(person.undertaking_on)),
    ];
    let commercial = [("none", "No"), ("involved", "Yes")]
        .map(|(value, label)| Choice::new(value, label).among([work.draft.commercial.as_str()]));
    page(&Section {
        shell: Shell::of(&visitor, title).fault(&faults),
        word,
        title,
        faults,
        comments,
        commercial: commercial.into(),
        view: views(work.draft.view()),
        standing,
        minimum: policies.disclosure.minimum(),
        statement_bytes: policies.limits.statement_bytes,
        query_s: policies.limits.query_s,
        work,
    })
}

/// What the screen may show, to choose from.
fn views(chosen: View) -> Vec<Choice> {
    [
        (
            View::Aggregates,
            "Checked results only",
            "What a project needs as a rule. Nobody sees a row of a person.",
        ),
        (
            View::Rows,
            "Rows of people as well",
            "On the safe haven's locked desktops and nowhere else. Every controller must agree, and the whole panel decides. Say under Safe outputs why results are not enough.",
        ),
    ]
    .map(|(view, label, hint)| {
        Choice::new(view.word(), label).hint(hint).among([chosen.word()])
    })
    .into()
}

fn named(word: &str) -> Result<(&'static str, &'static str), ServiceError> {
    let own = |(section, _): &&(&'static str, &'static str)| *section == word && word != "data";
    SECTIONS
        .iter()
        .find(own)
        .copied()
        .ok_or(ServiceError::NotFound("section of an application"))
}

/// Saves a section, valid or not, and goes back to the list.
pub(crate) async fn save(
    State(front): Ready,
    Path((id, word)): Path<(ProjectId, String)>,
    posted: Posted,
) -> Reply {
    let (word, _) = named(&word)?;
    let mut work = Work::load(&front, &posted.visitor, id).await?;
    work.must_be_written()?;
    let form = &posted.form;
    let draft = &mut work.draft;
    let text = |name: &str| form.one(name).to_owned();
    match word {
        "people" => {
            draft.people = with_numbers(&front, &posted.visitor, &text("people")).await?;
        }
        "projects" => {
            draft.title = text("title");
            draft.lay_summary = text("lay_summary");
            draft.public_benefit = text("public_benefit");
            draft.start = DateTyped::of(form, "start");
            draft.end = DateTyped::of(form, "end");
            draft.commercial = text("commercial");
        }
        "outputs" => {
            draft.minimum_cell = text("minimum_cell");
            draft.outputs = text("outputs");
            draft.controls = text("controls");
        }
        "settings" => draft.view = text("view"),
        _ => {}
    }
    work.save(&front, &posted.visitor).await?;
    Ok(see(&work.home(), "draft_saved"))
}

/// The field for people, with the number beside each name that one researcher here has.
async fn with_numbers(front: &Front, visitor: &Visitor, text: &str) -> Result<String, Told> {
    let mut lines = Vec::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let words = matches!(entries(line).as_slice(), [Entry::Words(words)] if *words == line);
        let found = match words && lines.len() < PEOPLE_MAX {
            true => front.service.researcher(&visitor.caller, line).await?,
            false => None,
        };
        lines.push(found.map_or_else(
            || line.to_owned(),
            |one| format!("{}, {} ({})", one.name, one.organisation, one.person),
        ));
    }
    Ok(lines.join("\n"))
}

pub(crate) async fn check(
    State(front): Ready,
    visitor: Visitor,
    Path(id): Path<ProjectId>,
) -> Reply {
    let work = Work::load(&front, &visitor, id).await?;
    let seen = seen(&work);
    page(&checked(&visitor, work, Faults::default(), seen))
}

/// Hash of the bytes that would be submitted; empty while something is missing.
fn seen(work: &Work) -> String {
    let form = work.form().ok();
    form.and_then(|bytes| service::sha256(&bytes).ok())
        .map(String::from)
        .unwrap_or_default()
}

fn checked(visitor: &Visitor, work: Work, faults: Faults, seen: String) -> Check {
    let titles = Titles::of(
        work.datasets
            .iter()
            .map(|(id, d)| (id.clone(), d.dictionary.title.clone())),
    );
    let request = work.draft.request(&work.project.core().author);
    Check {
        shell: Shell::of(visitor, "Check your answers").fault(&faults),
        faults,
        answers: answers(&work),
        seen,
        asked: request.map_or_else(Vec::new, |r| project_words::asked(&r.datasets, &titles)),
        work,
    }
}

fn answers(work: &Work) -> Vec<Answers> {
    let draft = &work.draft;
    let day = |typed: &DateTyped| typed.date().map_or_else(String::new, words::day);
    let people = work
        .people()
        .into_iter()
        .map(|(name, organisation)| format!("{name}, {organisation}"));
    let commercial = match draft.commercial.as_str() {
        "none" => "No",
        "involved" => "Yes",
        _ => "",
    };
    let one = |text: &str| vec![text.to_owned()];
    SECTIONS
        .iter()
        .filter(|(word, _)| *word != "data")
        .map(|&(word, title)| Answers {
            word,
            title,
            rows: match word {
                "people" => vec![("People", people.clone().collect())],
                "projects" => vec![
                    ("Title", one(&draft.title)),
                    ("Lay summary", one(&draft.lay_summary)),
                    ("Public benefit", one(&draft.public_benefit)),
                    ("First day of access", one(&day(&draft.start))),
                    ("Last day of access", one(&day(&draft.end))),
                    ("Commercial party", one(commercial)),
                ],
                "settings" => vec![("Screen", one(project_words::view(draft.view())))],
                _ => vec![
                    (
                        "Smallest number of people behind a released number",
                        one(&draft.minimum_cell),
                    ),
                    ("Planned results", one(&draft.outputs)),
                    ("Controls", one(&draft.controls)),
                ],
            },
        })
        .collect()
}

/// Freezes the answers that the author saw and submits them.
pub(crate) async fn submit(
    State(front): Ready,
    Path(id): Path<ProjectId>,
    posted: Posted,
) -> Reply {
    let Posted { visitor, form } = posted;
    let work = Work::load(&front, &visitor, id).await?;
    work.must_be_written()?;
    let bytes = work.form()?;
    let now = seen(&work);
    if form.one("seen") != now {
        return Err(ServiceError::BadInput(
            "the draft was changed after you opened your answers; read them again and submit then"
                .into(),
        )
        .into());
    }
    match front
        .service
        .submit_application(&visitor.caller, &work.id, &bytes)
        .await
    {
        Ok(_) => Ok(see(&format!("/projects/{}", work.id), "submitted")),
        Err(error) if matches!(error.kind(), Kind::Refused | Kind::BadInput) => {
            let mut faults = Faults::default();
            faults.add("submit", super::refusal::sentence(&error.to_string()));
            again(&checked(&visitor, work, faults, now))
        }
        Err(error) => Err(error.into()),
    }
}

#[derive(Template)]
#[template(path = "application_end.html")]
struct End {
    shell: Shell,
    id: ProjectId,
    title: String,
    act: &'static str,
    heading: &'static str,
    what: &'static str,
    button: &'static str,
}

macro_rules! ends {
    ($($ask:ident $act:ident $service:ident $word:literal $done:literal $heading:literal $what:literal $button:literal;)*) => {$(
        pub(crate) async fn $ask(State(front): Ready, visitor: Visitor, Path(id): Path<ProjectId>) -> Reply {
            let view = front.service.project(&visitor.caller, &id).await?;
            page(&End {
                shell: Shell::of(&visitor, $heading),
                id,
                title: view.project.core().title.clone(),
                act: $word,
                heading: $heading,
                what: $what,
                button: $button,
            })
        }

        pub(crate) async fn $act(State(front): Ready, Path(id): Path<ProjectId>, posted: Posted) -> Reply {
            let back = format!("/projects/{id}");
            let work = async move { front.service.$service(&posted.visitor.caller, &id).await };
            to_the_end(work).await?;
            Ok(see(&back, $done))
        }
    )*};
}

ends! {
    ask_withdraw withdraw withdraw_application "withdraw" "withdrawn"
        "Withdraw the application"
        "Nobody decides on it any more and it cannot be brought back. What was submitted stays on record. You can start another."
        "Withdraw the application";
    ask_close close close_project "close" "closed"
        "Close the project"
        "Every workspace of the project closes now and access ends for everybody on it. This cannot be undone. What was released stays released."
        "Close the project";
}

impl Answers {
    /// The page on which they are changed.
    fn href(&self, work: &Work) -> String {
        format!("{}/{}", work.home(), self.word)
    }
}

impl Check {
    fn is_ready(&self) -> bool {
        self.work.is_written() && self.work.missing.is_empty()
    }
}

impl Missing {
    /// The page with its field.
    fn href(&self, home: &str) -> String {
        match &self.dataset {
            Some(dataset) if self.field != "dataset" => {
                format!("{home}/data/{dataset}#{}", self.field)
            }
            _ => format!("{home}/{}#{}", self.section, self.field),
        }
    }
}
