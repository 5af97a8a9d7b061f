//! What anybody may read without signing in.

use askama::Template;
use axum::extract::{Query, State};
use governance::ProjectId;
use serde::Deserialize;
use service::{Left, RegisterAct, RegisterEntry, RegisterRelease};

use super::session::Visitor;
use super::shell::{Reply, Shell, page};
use super::words;
use crate::Ready;

/// Which page of the register.
#[derive(Deserialize)]
pub(crate) struct Ask {
    #[serde(default)]
    after: Option<ProjectId>,
}

#[derive(Template)]
#[template(path = "register.html")]
struct Register {
    shell: Shell,
    entries: Vec<RegisterEntry>,
    next: Option<ProjectId>,
}

#[derive(Template)]
#[template(path = "accessibility.html")]
struct Accessibility {
    shell: Shell,
}

pub(crate) async fn register(
    State(front): Ready,
    Query(ask): Query<Ask>,
    visitor: Option<Visitor>,
) -> Reply {
    let entries = front.service.register(ask.after.as_ref()).await?;
    page(&Register {
        shell: Shell::maybe(visitor.as_ref(), "Public register"),
        next: entries
            .last()
            .map(|entry| entry.project.clone())
            .filter(|_| u32::try_from(entries.len()) == Ok(front.service.policies().limits.page)),
        entries,
    })
}

/// What left, as the register says it.
fn called(release: &RegisterRelease) -> String {
    match &release.left {
        Left::Output(output) => format!("Table {output}"),
        Left::Measurement(measurement) => format!("Answer with noise {measurement}"),
    }
}

/// What was decided, as the register says it.
fn decided(act: &RegisterAct) -> &'static str {
    match act.action {
        "approve_application" => "Approved",
        "commence_project" => "Put in force",
        "expire_project" => "Expired",
        "revoke_project" => "Revoked",
        "close_project" => "Closed",
        "destroy_project" => "Its secrets destroyed",
        _ => "Changed",
    }
}

pub(crate) async fn accessibility(visitor: Option<Visitor>) -> Reply {
    page(&Accessibility {
        shell: Shell::maybe(visitor.as_ref(), "Accessibility"),
    })
}
