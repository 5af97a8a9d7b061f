//! Statements that are kept under a name, what was run before, and workspace tables: a saved statement is a table
//! that other statements of the workspace select from.
//!
//! A workspace table is no copy of rows. It goes into the statement that names it as a common table expression,
//! so that what is checked, counted and entered in the log is the whole statement down to the extract.

mod written;

use std::collections::BTreeSet;

use governance::job::{Job, Task};
use governance::{Action, By, JobId, PersonId, Sha256, Timestamp, WorkspaceId};
use serde::Serialize;
use store::{EventFilter, Order, SAVED_MAX, Saved, Seen};

use crate::error::ServiceError;
use crate::jobs::state_told;
use crate::views::Named;
use crate::{Caller, Service};
use written::expand;

/// Longest name of a saved statement, in bytes.
const NAME_BYTES_MAX: usize = 63;
/// Statements that are shown of those run before.
const HISTORY: usize = 20;
/// Events that are looked through for them.
const HISTORY_EVENTS: u32 = 400;

/// A saved statement as those may see it who work in its workspace.
#[derive(Debug, Clone, Serialize)]
pub struct SavedView {
    /// Its name: a table that other statements select from.
    pub name: String,
    /// Who saved it.
    pub author: Named,
    /// Whether it is the caller's own.
    pub own: bool,
    /// Whether everybody in the workspace sees it.
    pub shared: bool,
    /// The statement.
    pub sql: String,
    /// When it was saved last.
    pub at: Timestamp,
}

/// A statement that was run before.
#[derive(Debug, Clone, Serialize)]
pub struct Before {
    /// The job that ran it.
    pub job: JobId,
    /// When it was asked for.
    pub at: Timestamp,
    /// `queued`, `done`, `failed` or `cancelled`.
    pub state: &'static str,
    /// `pass`, `treat`, `review` or `fail`, once it is done.
    pub verdict: Option<String>,
    /// The statement as it was run, with the workspace tables that it named; none if its text was erased.
    pub sql: Option<String>,
}

impl Service {
    /// Keeps a statement under a name, in place of the caller's one of that name.
    ///
    /// # Errors
    /// If the caller may not query the workspace, the name is no plain one or the name of a table of the extract,
    /// or there are too many.
    pub async fn save_query(
        &self,
        caller: &Caller,
        workspace: &WorkspaceId,
        name: &str,
        sql: &str,
        shared: bool,
    ) -> Result<(), ServiceError> {
        self.enter(caller, workspace, Action::RunQuery, "workspace")
            .await?;
        self.statement(sql)?;
        if !is_plain(name) {
            return Err(ServiceError::BadInput(format!(
                "a name begins with a letter and has lower-case letters, digits and '_', at most {NAME_BYTES_MAX}"
            )));
        }
        let tables = self.workspace(caller, workspace).await?.tables;
        if tables.iter().any(|t| t.name.eq_ignore_ascii_case(name)) {
            return Err(ServiceError::BadInput(
                "a table of the extract has this name already".into(),
            ));
        }
        let saved = Saved {
            person: caller.id().clone(),
            name: name.to_owned(),
            seen: if shared { Seen::ByAll } else { Seen::ByAuthor },
            sql: sql.to_owned(),
            at: self.now()?,
        };
        match self.store.save_query(workspace, saved).await {
            Err(store::StoreError::TooMuch { .. }) => Err(ServiceError::BadInput(format!(
                "there are {SAVED_MAX} saved statements already; remove one first"
            ))),
            other => Ok(other?),
        }
    }

    /// Removes a saved statement of the caller's own.
    ///
    /// # Errors
    /// If the caller may not query the workspace, or there is none of that name.
    pub async fn forget_query(
        &self,
        caller: &Caller,
        workspace: &WorkspaceId,
        name: &str,
    ) -> Result<(), ServiceError> {
        self.enter(caller, workspace, Action::RunQuery, "workspace")
            .await?;
        match self
            .store
            .forget_query(workspace, caller.id(), name)
            .await?
        {
            true => Ok(()),
            false => Err(ServiceError::NotFound("saved statement")),
        }
    }

    /// The caller's saved statements in a workspace, then what others share.
    ///
    /// # Errors
    /// If the caller may not query the workspace.
    pub async fn saved_queries(
        &self,
        caller: &Caller,
        workspace: &WorkspaceId,
    ) -> Result<Vec<SavedView>, ServiceError> {
        self.enter(caller, workspace, Action::RunQuery, "workspace")
            .await?;
        let all = self.store.saved_queries(workspace, caller.id()).await?;
        let people: BTreeSet<PersonId> = all.iter().map(|saved| saved.person.clone()).collect();
        let names = self.names(caller, people).await?;
        let view = |saved: Saved| SavedView {
            own: saved.person == *caller.id(),
            author: Named::of(&names, &saved.person),
            shared: saved.seen == Seen::ByAll,
            name: saved.name,
            sql: saved.sql,
            at: saved.at,
        };
        Ok(all.into_iter().map(view).collect())
    }

    /// What the caller ran in a workspace, newest first.
    ///
    /// # Errors
    /// If the caller may not query the workspace.
    pub async fn history(
        &self,
        caller: &Caller,
        workspace: &WorkspaceId,
    ) -> Result<Vec<Before>, ServiceError> {
        let (place, ..) = self
            .enter(caller, workspace, Action::RunQuery, "workspace")
            .await?;
        let filter = EventFilter {
            project: Some(&place.core().project),
            actions: &[Action::QueueJob],
            order: Order::NewestFirst,
            limit: HISTORY_EVENTS,
            ..EventFilter::default()
        };
        let mine = By::Person(caller.id().clone());
        let mut before = Vec::new();
        for told in self.store.events(filter).await? {
            if told.by != mine || before.len() == HISTORY {
                continue;
            }
            let job = self.load::<Job>(&told.object).await?.value;
            let Task::Query {
                workspace: its,
                statement,
                ..
            } = &job.core().task
            else {
                continue;
            };
            if its == workspace {
                let sql = self.text_of(statement).await?;
                before.push(Before {
                    job: job.core().id.clone(),
                    at: told.at,
                    state: state_told(&job),
                    verdict: job.outcome().and_then(|outcome| outcome.verdict.clone()),
                    sql,
                });
            }
        }
        Ok(before)
    }

    async fn text_of(&self, sha256: &Sha256) -> Result<Option<String>, ServiceError> {
        let bytes = self.store.document(sha256).await?;
        Ok(bytes.and_then(|bytes| String::from_utf8(bytes).ok()))
    }

    /// A statement with the workspace tables that it names written into it.
    pub(crate) async fn with_tables(
        &self,
        caller: &Caller,
        workspace: &WorkspaceId,
        sql: &str,
    ) -> Result<String, ServiceError> {
        let all = self.store.saved_queries(workspace, caller.id()).await?;
        expand(sql, &all, self.policies.limits.statement_bytes).map_err(ServiceError::BadInput)
    }
}

/// Whether a name is one that needs no quotes in SQL.
fn is_plain(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    name.len() <= NAME_BYTES_MAX
        && name.bytes().all(plain)
        && name.bytes().next().is_some_and(|b| b.is_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_plain() {
        for (name, plain) in [
            ("over_60", true),
            ("a", true),
            ("", false),
            ("1a", false),
            ("_a", false),
            ("A", false),
            ("a b", false),
            ("a\"b", false),
            (&"a".repeat(64), false),
        ] {
            assert_eq!(is_plain(name), plain, "{name}");
        }
    }
}
