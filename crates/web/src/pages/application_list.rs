//! Projects that somebody may see, by state.

use askama::Template;
use axum::extract::{Query, State};
use governance::person::Role;
use serde::Deserialize;
use service::ProjectSummary;

use super::fields::Choice;
use super::session::Visitor;
use super::shell::{Reply, Shell, page};
use super::words;
use crate::Ready;

/// States by which the list can be narrowed.
const STATES: [&str; 11] = [
    "draft",
    "submitted",
    "returned",
    "approved",
    "in_force",
    "refused",
    "withdrawn",
    "expired",
    "revoked",
    "closed",
    "destroyed",
];

#[derive(Template)]
#[template(path = "projects.html")]
struct List {
    shell: Shell,
    projects: Vec<ProjectSummary>,
    states: Vec<Choice>,
    /// Whether the visitor applies for data.
    applies: bool,
    next: Option<String>,
}

#[derive(Deserialize)]
pub(crate) struct Ask {
    #[serde(default)]
    state: String,
    #[serde(default)]
    after: Option<String>,
    #[serde(default)]
    done: Option<String>,
}

pub(crate) async fn show(State(front): Ready, visitor: Visitor, Query(ask): Query<Ask>) -> Reply {
    let state = STATES.into_iter().find(|state| *state == ask.state);
    let asked: Vec<&str> = state.into_iter().collect();
    let service = &front.service;
    let projects = service
        .projects(&visitor.caller, &asked, ask.after.as_deref())
        .await?;
    let full = u32::try_from(projects.len()) == Ok(service.policies().limits.page);
    let last = projects.last().filter(|_| full);
    let next = last.map(|last| {
        format!(
            "/projects?state={}&after={}",
            state.unwrap_or_default(),
            last.project
        )
    });
    let every = Choice::new("", "Every state");
    let choices = STATES.map(|word| Choice::new(word, words::state(word)));
    page(&List {
        shell: Shell::of(&visitor, "Projects").done(ask.done.as_deref()),
        projects,
        states: [every]
            .into_iter()
            .chain(choices)
            .map(|choice| choice.among([state.unwrap_or_default()]))
            .collect(),
        applies: visitor.caller.person.roles.contains(&Role::Researcher),
        next,
    })
}

/// Where a project's page is: an application that is being written opens on its sections.
fn href(project: &ProjectSummary, applies: bool) -> String {
    match project.state {
        "draft" if applies => format!("/projects/{}/application", project.project),
        _ => format!("/projects/{}", project.project),
    }
}

fn title(project: &ProjectSummary) -> &str {
    if project.title.is_empty() {
        "Without a title yet"
    } else {
        &project.title
    }
}
