//! The page of a project, for everybody who may read it: what is asked, by whom, how it is decided, and what
//! came of it. Forms are shown where the state and the site's policies allow the act.

use std::collections::BTreeSet;

use askama::Template;
use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::{get, post};
use governance::comment::Visibility;
use governance::person::Role;
use governance::project::Project;
use governance::request::{Request, View};
use governance::{Action, DatasetId, Date, Lifecycle, ProjectId, Sha256};
use serde::Deserialize;
use service::{CommentView, Named, ServiceError, Standing, Version};

use super::events::{Entry, entries};
use super::form::Faults;
use super::home::Done;
use super::project_decision::{self, Decision};
use super::project_parts::{Parts, parts};
use super::project_words::{self as said, Asked, SECTIONS, Titles};
use super::session::Visitor;
use super::shell::{Reply, Shell, page};
use super::{
    decision, decision_commence, decision_comment, decision_vote, refusal, steward, words,
};
use crate::{Front, Ready};

/// Pages of a project and the acts on it.
pub(crate) fn routes() -> Router<Front> {
    Router::new()
        .route("/projects/{id}", get(show))
        .route("/projects/{id}/history", get(history))
        .route("/projects/{id}/versions/{sha256}", get(version))
        .route(
            "/projects/{id}/comments/{section}",
            get(decision_comment::show).post(decision_comment::comment),
        )
        .route(
            "/projects/{id}/vote",
            get(decision_vote::show).post(decision_vote::vote),
        )
        .route(
            "/projects/{id}/commence",
            get(decision_commence::show).post(decision_commence::commence),
        )
        .route(
            "/projects/{id}/papers",
            get(decision_commence::show_papers).post(decision_commence::renew),
        )
        .route("/projects/{id}/interest", post(decision::interest))
        .route("/projects/{id}/sign", post(decision::sign))
        .route("/projects/{id}/approve", post(decision::approve))
        .route("/projects/{id}/return", post(decision::return_))
        .route("/projects/{id}/refuse", post(decision::refuse))
        .route("/projects/{id}/revoke", post(decision::revoke))
        .route("/projects/{id}/destroy", post(decision::destroy))
        .route("/projects/{id}/extracts", post(steward::extract))
        .route("/projects/{id}/workspaces", post(steward::open_workspace))
        .route(
            "/projects/{id}/workspaces/{workspace}",
            post(steward::keep_workspace),
        )
}

/// What the visitor may do, as the service says.
pub(crate) struct Can(BTreeSet<Action>);

impl Can {
    pub(crate) fn to(&self, action: Action) -> bool {
        self.0.contains(&action)
    }
}

#[derive(Template)]
#[template(path = "project.html")]
struct Page {
    shell: Shell,
    faults: Faults,
    id: ProjectId,
    title: String,
    state: &'static str,
    facts: Vec<(&'static str, String)>,
    /// Hash of the version that is shown; empty for none.
    version: String,
    can: Can,
    is_author: bool,
    is_member: bool,
    is_chair: bool,
    people: Vec<Member>,
    form: Option<Request>,
    asked: Vec<Asked>,
    commercial: &'static str,
    /// First and last day that are asked for.
    period: String,
    /// What the screen may show, as asked for.
    screen: &'static str,
    /// Whether that is rows.
    shows_rows: bool,
    versions: Vec<VersionRow>,
    decision: Option<Decision>,
    conditions: Vec<String>,
    /// What was approved, where a condition narrowed it.
    manifest: Vec<(&'static str, String)>,
    /// Datasets in the project that the visitor controls.
    controlled: Vec<(String, String)>,
    threads: Vec<Thread>,
    parts: Parts,
}

/// Somebody on the project.
struct Member {
    name: String,
    organisation: String,
    /// Fit, or what is missing or lapsed.
    standing: String,
    fit: bool,
}

struct VersionRow {
    number: u64,
    sha256: String,
    at: String,
}

/// What is said about one section.
pub(crate) struct Thread {
    pub(crate) section: &'static str,
    pub(crate) title: &'static str,
    pub(crate) comments: Vec<Said>,
}

/// One comment.
pub(crate) struct Said {
    pub(crate) author: String,
    pub(crate) at: String,
    pub(crate) private: bool,
    pub(crate) text: String,
}

pub(crate) async fn show(
    State(front): Ready,
    visitor: Visitor,
    Path(id): Path<ProjectId>,
    Query(ask): Query<Done>,
) -> Reply {
    let caller = &visitor.caller;
    let reading = front.service.read_project(caller, &id).await?;
    let project = reading.project();
    let versions = reading.versions().await?;
    let can = Can(reading.possible());
    let cited = cited(project, &versions);
    let form: Option<Request> = match &cited {
        Some(version) => {
            let bytes = reading.application(&versions, version).await?;
            Some(serde_json::from_slice(&bytes).map_err(ServiceError::from)?)
        }
        None => None,
    };
    let datasets = reading.datasets(&datasets(form.as_ref())).await?;
    let titles = Titles::of_all(&datasets);
    let page_max = front.service.policies().limits.page;
    let parts = parts(&reading, &titles, page_max).await?;
    let threads = threads(reading.comments().await?);
    let author = &project.core().author;
    let controllers = project_decision::controllers(project, &datasets);
    let mut people = project_decision::people(project, &controllers);
    people.insert(author.clone());
    let names = front.service.names(caller, people).await?;
    let tiers = &front.service.policies().tiers;
    let me = &caller.person.id;
    let telling = project_decision::Telling {
        me,
        controllers: &controllers,
        names: &names,
        titles: &titles,
    };
    let controlled = datasets.values().filter(|d| d.controller == *me);
    let today = governance::day_of(front.service.time()?);
    let shown = Page {
        shell: Shell::of(&visitor, title(project)).done(ask.done.as_deref()),
        faults: Faults::default(),
        title: title(project),
        state: project.state(),
        facts: facts(project, &versions, names.get(author), today),
        version: cited.map_or_else(String::new, |version| version.to_string()),
        can,
        is_author: author == me,
        is_member: project.people().contains(me),
        is_chair: caller.person.roles.contains(&Role::PanelChair),
        people: members(reading.standing(form.as_ref()).await?),
        asked: form
            .as_ref()
            .map_or_else(Vec::new, |form| said::asked(&form.datasets, &titles)),
        commercial: form
            .as_ref()
            .map_or("", |form| said::commercial(form.commercial)),
        period: form.as_ref().map_or_else(String::new, |form| {
            format!("{} to {}", words::day(form.start), words::day(form.end))
        }),
        screen: form.as_ref().map_or("", |form| said::view(form.view)),
        shows_rows: form.as_ref().is_some_and(|form| form.view == View::Rows),
        form,
        versions: versions.into_iter().rev().map(VersionRow::of).collect(),
        decision: telling.decision(project, tiers),
        conditions: conditions(project, &titles),
        manifest: manifest(project),
        controlled: controlled
            .map(|d| (d.id.to_string(), d.dictionary.title.clone()))
            .collect(),
        threads,
        parts,
        id,
    };
    page(&shown)
}

/// The bytes of a version, exactly as they were hashed.
pub(crate) async fn version(
    State(front): Ready,
    visitor: Visitor,
    Path((id, sha256)): Path<(ProjectId, Sha256)>,
) -> Reply {
    let bytes = front
        .service
        .application(&visitor.caller, &id, &sha256)
        .await?;
    Ok(([(CONTENT_TYPE, "application/json")], bytes).into_response())
}

#[derive(Template)]
#[template(path = "project-history.html")]
struct History {
    shell: Shell,
    id: ProjectId,
    title: String,
    entries: Vec<Entry>,
    /// Leaf of the last event shown, if there may be more.
    next: Option<u64>,
}

/// From which leaf on.
#[derive(Deserialize)]
pub(crate) struct After {
    #[serde(default)]
    after: Option<u64>,
}

pub(crate) async fn history(
    State(front): Ready,
    visitor: Visitor,
    Path(id): Path<ProjectId>,
    Query(ask): Query<After>,
) -> Reply {
    let (service, caller) = (&front.service, &visitor.caller);
    let view = service.project(caller, &id).await?;
    let events = service.events(caller, Some(&id), ask.after).await?;
    let full = u32::try_from(events.len()).is_ok_and(|n| n >= service.policies().limits.page);
    let next = events.last().filter(|_| full).map(|event| event.leaf);
    page(&History {
        shell: Shell::of(&visitor, format!("History: {}", title(&view.project))),
        title: title(&view.project),
        entries: entries(service, caller, events, 0).await?,
        next,
        id,
    })
}

/// Title of a project.
pub(crate) fn title(project: &Project) -> String {
    match project.core().title.as_str() {
        "" => "Application without a title yet".into(),
        title => title.to_owned(),
    }
}

/// The version that is shown: the one approved, else the one submitted last.
fn cited(project: &Project, versions: &[Version]) -> Option<Sha256> {
    match project.manifest() {
        Some(manifest) => Some(manifest.application.clone()),
        None => versions.last().map(|version| version.sha256.clone()),
    }
}

fn datasets(form: Option<&Request>) -> BTreeSet<DatasetId> {
    form.into_iter()
        .flat_map(|form| form.datasets.iter().map(|d| d.dataset.clone()))
        .collect()
}

fn facts(
    project: &Project,
    versions: &[Version],
    author: Option<&Named>,
    today: Date,
) -> Vec<(&'static str, String)> {
    let author = author.map_or_else(
        || project.core().author.to_string(),
        |named| format!("{}, {}", named.name, named.organisation),
    );
    let mut facts = vec![("Author", author)];
    if let Some(last) = versions.last() {
        facts.push((
            "Submitted",
            format!("Version {}, {}", last.number, words::moment(last.at)),
        ));
    }
    if let Project::Submitted(submitted) = project {
        facts.push(("Panel", said::tier(submitted.tier).to_owned()));
    }
    if let Some(manifest) = project.manifest() {
        let (from, to) = (words::day(manifest.start), words::day(manifest.end));
        facts.push(("Approved for", format!("{from} to {to}")));
    }
    if let Project::InForce(in_force) = project {
        let until = words::day(in_force.papers.until());
        facts.push(match in_force.papers.good_on(today) {
            Ok(()) => ("Papers", format!("Good until {until}")),
            Err(refusal) => (
                "Papers",
                refusal::sentence(&format!("no access: {refusal}")),
            ),
        });
        facts.push(("Manifest", in_force.manifest_sha256.to_string()));
    }
    if let Project::Destroyed { certificate, .. } = project {
        facts.push(("Certificate of destruction", certificate.to_string()));
    }
    facts.push(("Number", project.core().id.to_string()));
    facts
}

fn members(standing: Vec<Standing>) -> Vec<Member> {
    let standing = standing.into_iter();
    standing
        .map(|s| Member {
            name: s.person.name,
            organisation: s.person.organisation,
            fit: s.lacks.is_none(),
            standing: match (s.lacks, s.accreditation_until) {
                (Some(lacks), _) => lacks,
                (None, Some(until)) => format!("Fit; accredited until {}", words::day(until)),
                (None, None) => "Fit".into(),
            },
        })
        .collect()
}

fn conditions(project: &Project, titles: &Titles) -> Vec<String> {
    match project {
        Project::Approved(approved) => approved
            .conditions
            .iter()
            .map(|c| said::condition(c, titles))
            .collect(),
        Project::Draft { .. }
        | Project::Submitted(_)
        | Project::Returned { .. }
        | Project::Refused { .. }
        | Project::Withdrawn { .. }
        | Project::InForce(_)
        | Project::Expired { .. }
        | Project::Revoked { .. }
        | Project::Closed { .. }
        | Project::Destroyed { .. } => Vec::new(),
    }
}

/// What was approved, where it can differ from what was asked.
fn manifest(project: &Project) -> Vec<(&'static str, String)> {
    let Some(manifest) = project.manifest() else {
        return Vec::new();
    };
    let variables: usize = manifest.datasets.iter().map(|d| d.variables.len()).sum();
    vec![
        ("Variables", variables.to_string()),
        (
            "People behind every released number",
            format!("at least {}", manifest.minimum_cell),
        ),
        ("Screen", said::view(manifest.view).to_owned()),
        ("First day", words::day(manifest.start)),
        ("Last day", words::day(manifest.end)),
    ]
}

/// Comments by section, each section in its place. A word that is no section of today stays readable.
pub(crate) fn threads(comments: Vec<CommentView>) -> Vec<Thread> {
    let mut threads: Vec<Thread> = SECTIONS
        .map(|(section, title)| Thread {
            section,
            title,
            comments: Vec::new(),
        })
        .into();
    let mut elsewhere = Vec::new();
    for comment in comments {
        let said = Said {
            author: format!("{}, {}", comment.author.name, comment.author.organisation),
            at: words::moment(comment.at),
            private: comment.visibility == Visibility::Private,
            text: comment.text,
        };
        match threads
            .iter_mut()
            .find(|t| t.section == comment.section.as_str())
        {
            Some(thread) => thread.comments.push(said),
            None => elsewhere.push(said),
        }
    }
    if !elsewhere.is_empty() {
        threads.push(Thread {
            section: "",
            title: "Other comments",
            comments: elsewhere,
        });
    }
    threads
}

impl VersionRow {
    fn of(version: Version) -> Self {
        Self {
            number: version.number,
            sha256: version.sha256.to_string(),
            at: words::moment(version.at),
        }
    }
}
