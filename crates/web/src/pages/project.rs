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
use governance::request::Request;
use governance::{Action, DatasetId, PersonId, ProjectId, Sha256};
use serde::Deserialize;
use service::{Caller, CommentView, ProjectView, ServiceError, Version};

use super::form::Faults;
use super::home::Done;
use super::project_decision::{self, Decision};
use super::project_parts::{Parts, parts};
use super::project_words::{self as said, Asked, SECTIONS, Titles};
use super::session::Visitor;
use super::shell::{Reply, Shell, page};
use super::{decision, decision_commence, decision_comment, decision_vote, steward, words};
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
    let (service, caller) = (&front.service, &visitor.caller);
    let view = service.project(caller, &id).await?;
    let versions = service.versions(caller, &id).await?;
    let can = Can(service.possible(caller, &id).await?);
    let form = match cited(&view.project, &versions) {
        Some(version) => Some(frozen(&front, caller, &id, &version).await?),
        None => None,
    };
    let datasets = datasets(form.as_ref().map(|(_, form)| form));
    let (titles, controlled) = titles(&front, caller, datasets).await?;
    let decision = project_decision::decision(&front, caller, &view.project, &titles).await?;
    let parts = parts(&front, caller, &view.project, &id, &titles).await?;
    let threads = threads(service.comments_on_project(caller, &id).await?);
    let author = view.project.core().author.clone();
    let names = service.names(caller, [author.clone()]).await?;
    let facts = facts(&view, &versions, names.get(&author), &author);
    let me = &caller.person.id;
    let (version, form) = form.map_or((String::new(), None), |(version, form)| {
        (version.to_string(), Some(form))
    });
    let shown = Page {
        shell: Shell::of(&visitor, title(&view.project)).done(ask.done.as_deref()),
        faults: Faults::default(),
        title: title(&view.project),
        state: view.state,
        facts,
        version,
        can,
        is_author: author == *me,
        is_member: view.project.people().contains(me),
        is_chair: caller.person.roles.contains(&Role::PanelChair),
        people: members(&front, caller, &id).await?,
        asked: form
            .as_ref()
            .map_or_else(Vec::new, |form| said::asked(&form.datasets, &titles)),
        commercial: form
            .as_ref()
            .map_or("", |form| said::commercial(form.commercial)),
        period: form.as_ref().map_or_else(String::new, |form| {
            format!("{} to {}", words::day(form.start), words::day(form.end))
        }),
        form,
        versions: versions.into_iter().rev().map(VersionRow::of).collect(),
        decision,
        conditions: conditions(&view.project, &titles),
        manifest: manifest(&view.project),
        controlled,
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
    events: Vec<EventRow>,
    /// Leaf of the last event shown, if there may be more.
    next: Option<u64>,
}

struct EventRow {
    leaf: u64,
    at: String,
    by: String,
    what: String,
    object: String,
    facts: Vec<String>,
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
    let people: BTreeSet<PersonId> = events.iter().filter_map(|event| event.by.clone()).collect();
    let names = service.names(caller, people).await?;
    let full = u32::try_from(events.len()).is_ok_and(|n| n >= service.policies().limits.page);
    let next = events.last().filter(|_| full).map(|event| event.leaf);
    let events = events
        .into_iter()
        .map(|event| EventRow {
            leaf: event.leaf,
            at: words::moment(event.at),
            by: event.by.map_or_else(
                || "The safe haven itself".to_owned(),
                |by| {
                    names
                        .get(&by)
                        .map_or_else(|| by.to_string(), |n| n.name.clone())
                },
            ),
            what: said::told(event.action),
            object: event.object,
            facts: event
                .facts
                .iter()
                .map(|(name, fact)| said::fact(name, fact))
                .collect(),
        })
        .collect();
    page(&History {
        shell: Shell::of(&visitor, format!("History: {}", title(&view.project))),
        title: title(&view.project),
        events,
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

/// The application as it was frozen.
pub(crate) async fn frozen(
    front: &Front,
    caller: &Caller,
    id: &ProjectId,
    version: &Sha256,
) -> Result<(Sha256, Request), ServiceError> {
    let bytes = front.service.application(caller, id, version).await?;
    Ok((version.clone(), serde_json::from_slice(&bytes)?))
}

fn datasets(form: Option<&Request>) -> Vec<DatasetId> {
    form.into_iter()
        .flat_map(|form| form.datasets.iter().map(|d| d.dataset.clone()))
        .collect()
}

/// Titles of datasets, and which of them the caller controls.
async fn titles(
    front: &Front,
    caller: &Caller,
    ids: Vec<DatasetId>,
) -> Result<(Titles, Vec<(String, String)>), ServiceError> {
    let (mut titles, mut controlled) = (Vec::new(), Vec::new());
    for id in ids {
        let dataset = front.service.dataset(caller, &id).await?;
        let title = dataset.dictionary.title;
        if dataset.controller == caller.person.id {
            controlled.push((id.to_string(), title.clone()));
        }
        titles.push((id, title));
    }
    Ok((Titles::of(titles), controlled))
}

fn facts(
    view: &ProjectView,
    versions: &[Version],
    author: Option<&service::Named>,
    author_id: &PersonId,
) -> Vec<(&'static str, String)> {
    let author = author.map_or_else(
        || author_id.to_string(),
        |named| format!("{}, {}", named.name, named.organisation),
    );
    let mut facts = vec![("Author", author)];
    if let Some(last) = versions.last() {
        facts.push((
            "Submitted",
            format!("Version {}, {}", last.number, words::moment(last.at)),
        ));
    }
    if let Project::Submitted(submitted) = &view.project {
        facts.push(("Panel", said::tier(submitted.tier).to_owned()));
    }
    if let Some(manifest) = view.project.manifest() {
        let (from, to) = (words::day(manifest.start), words::day(manifest.end));
        facts.push(("Approved for", format!("{from} to {to}")));
    }
    if let Project::InForce(in_force) = &view.project {
        facts.push(("Manifest", in_force.manifest_sha256.to_string()));
    }
    if let Project::Destroyed { certificate, .. } = &view.project {
        facts.push(("Certificate of destruction", certificate.to_string()));
    }
    facts.push(("Number", view.project.core().id.to_string()));
    facts
}

async fn members(
    front: &Front,
    caller: &Caller,
    id: &ProjectId,
) -> Result<Vec<Member>, ServiceError> {
    let standing = front.service.standing(caller, id).await?;
    Ok(standing
        .into_iter()
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
        .collect())
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
