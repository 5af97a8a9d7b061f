//! What somebody who works in a workspace has there: saved statements, what was run before, a dummy extract.

use axum::extract::{Path, State};
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::IntoResponse;
use governance::{ProjectId, WorkspaceId};
use service::{Before, Kind, SavedView};

use super::form::Posted;
use super::refusal::{Told, sentence};
use super::session::Visitor;
use super::shell::{Reply, again, see};
use super::words;
use super::workspace::{Outcome, open};
use crate::answer::{No, to_the_end};
use crate::desktops::FromDesktop;
use crate::{Front, Ready};

/// Longest piece of a statement that a list shows, in characters.
const SHORT: usize = 90;

/// A saved statement in the list.
pub(crate) struct Saved {
    pub(crate) name: String,
    /// Who saved it, and who sees it.
    pub(crate) whose: String,
    pub(crate) own: bool,
    pub(crate) at: String,
    /// The page with it in the box.
    pub(crate) href: String,
}

/// A statement that was run before.
pub(crate) struct Ran {
    pub(crate) at: String,
    /// Its verdict, or how it ended.
    pub(crate) state: String,
    pub(crate) short: String,
    /// The page with it in the box.
    pub(crate) href: String,
}

/// Which statement the page is to begin with.
#[derive(Debug, Default, serde::Deserialize)]
pub(crate) struct Ask {
    #[serde(default)]
    pub(crate) done: Option<String>,
    /// One that was run before, by its job.
    #[serde(default)]
    pub(crate) job: Option<String>,
    /// A saved one, by its name.
    #[serde(default)]
    pub(crate) saved: Option<String>,
    /// Whose.
    #[serde(default)]
    pub(crate) by: Option<String>,
}

/// What somebody who works in a workspace has there.
pub(crate) struct Desk {
    saved: Vec<SavedView>,
    before: Vec<Before>,
}

impl Desk {
    pub(crate) async fn of(
        front: &Front,
        visitor: &Visitor,
        id: &WorkspaceId,
    ) -> Result<Self, Told> {
        let (service, caller) = (&front.service, &visitor.caller);
        Ok(Self {
            saved: service.saved_queries(caller, id).await?,
            before: service.history(caller, id).await?,
        })
    }

    /// The statement that is asked for, if the visitor may see it.
    pub(crate) fn asked(&self, ask: &Ask) -> Option<&str> {
        if let Some(job) = &ask.job {
            let ran = self.before.iter().find(|b| b.job.as_str() == job)?;
            return ran.sql.as_deref();
        }
        let name = ask.saved.as_deref()?;
        let by = ask.by.as_deref();
        let whose = |saved: &&SavedView| {
            saved.name == name && by.is_none_or(|by| saved.author.person.as_str() == by)
        };
        self.saved
            .iter()
            .find(whose)
            .map(|saved| saved.sql.as_str())
    }

    pub(crate) fn saved(&self, id: &WorkspaceId) -> Vec<Saved> {
        let all = self.saved.iter();
        all.map(|saved| Saved {
            whose: match (saved.own, saved.shared) {
                (true, true) => "Yours, shared with everybody here".into(),
                (true, false) => "Yours alone".into(),
                (false, _) => format!("Shared by {}", saved.author.name),
            },
            own: saved.own,
            at: words::moment(saved.at),
            href: format!(
                "/workspaces/{id}?saved={}&by={}",
                saved.name, saved.author.person
            ),
            name: saved.name.clone(),
        })
        .collect()
    }

    pub(crate) fn before(&self, id: &WorkspaceId) -> Vec<Ran> {
        let all = self.before.iter();
        all.filter_map(|before| {
            let sql = before.sql.as_ref()?;
            let line = sql.split_whitespace().collect::<Vec<_>>().join(" ");
            let mut short: String = line.chars().take(SHORT).collect();
            if short.len() < line.len() {
                short.push('…');
            }
            Some(Ran {
                at: words::moment(before.at),
                state: before.verdict.clone().unwrap_or(before.state.into()),
                short,
                href: format!("/workspaces/{id}?job={}", before.job),
            })
        })
        .collect()
    }
}

/// Keeps a statement under a name.
pub(crate) async fn save(
    State(front): Ready,
    desktop: FromDesktop,
    Path(id): Path<WorkspaceId>,
    posted: Posted,
) -> Reply {
    let Posted { visitor, form } = posted;
    let (sql, name) = (form.raw("sql"), form.one("name"));
    let shared = form.one("shared") == "yes";
    let kept = front
        .service
        .save_query(&visitor.caller, &id, name, sql, shared)
        .await;
    match kept {
        Ok(()) => Ok(see(&format!("/workspaces/{id}"), "query_saved")),
        Err(error) if error.kind() == Kind::BadInput => {
            let mut outcome = Outcome::of(&id, sql);
            outcome.name = name.to_owned();
            outcome.faults.add("name", sentence(&error.to_string()));
            again(&open(&front, &visitor, &desktop, outcome, &Ask::default()).await?)
        }
        Err(error) => Err(error.into()),
    }
}

/// Removes a saved statement of the visitor's own.
pub(crate) async fn forget(
    State(front): Ready,
    Path(id): Path<WorkspaceId>,
    posted: Posted,
) -> Reply {
    let Posted { visitor, form } = posted;
    let name = form.one("name");
    let service = &front.service;
    service.forget_query(&visitor.caller, &id, name).await?;
    Ok(see(&format!("/workspaces/{id}"), "query_forgotten"))
}

/// A database with the approved tables and made-up rows.
pub(crate) async fn dummy(
    State(front): Ready,
    visitor: Visitor,
    Path(id): Path<ProjectId>,
) -> Reply {
    let caller = visitor.caller;
    let name = format!("attachment; filename=\"dummy-{id}.duckdb\"");
    let work = async move { front.service.dummy_extract(&caller, &id).await };
    let bytes = to_the_end(work).await.map_err(No::into_inner)?;
    let headers = [
        (CONTENT_TYPE, "application/octet-stream"),
        (CONTENT_DISPOSITION, name.as_str()),
    ];
    Ok((headers, bytes).into_response())
}
