//! Rights that ran out are ended, and what an ended project leaves open is closed. One thing that cannot be ended
//! now keeps no other from it.

use std::collections::BTreeSet;

use governance::project::Project;
use governance::workspace::Workspace;
use governance::{Batch, By, Lifecycle, ProjectId};
use store::{Filter, Held, StoreError};

use crate::Service;
use crate::error::ServiceError;

/// States of a workspace that a project may not leave behind when it ends.
const LIVE_WORKSPACES: &[&str] = &["open", "suspended"];

/// What came of a pass over many things.
#[derive(Default)]
pub(crate) struct Pass {
    done: u32,
    failed: Option<ServiceError>,
}

impl Pass {
    /// Notes how one of them ended.
    pub(crate) fn note(&mut self, step: Result<(), ServiceError>) {
        match step {
            Ok(()) => self.done += 1,
            // Somebody changed it just now: the next pass looks again.
            Err(ServiceError::Store(StoreError::Stale { .. })) => {}
            Err(error) => {
                tracing::warn!(kind = error.kind().word(), "one thing could not be ended");
                if self.failed.is_none() {
                    self.failed = Some(error);
                }
            }
        }
    }

    /// How many were done.
    ///
    /// # Errors
    /// The first failure.
    pub(crate) fn end(self) -> Result<u32, ServiceError> {
        self.failed.map_or(Ok(self.done), Err)
    }
}

impl Service {
    /// Ends every project whose last day has passed, closes what ended projects left open, ends recoveries whose time
    /// is over, and gives back what was reserved for a measurement and not used in time. Audits the measuring lane when that is due. Gives how many
    /// projects ended. Run every ten seconds.
    ///
    /// # Errors
    /// The first failure; whatever else has run out is ended all the same.
    pub async fn sweep(&self) -> Result<u32, ServiceError> {
        self.self_audit_if_due(self.now()?);
        self.attack_if_due(self.now()?);
        let ended = self.expire_projects().await;
        let closed = self.close_what_is_left().await;
        let recovered = self.expire_recoveries().await;
        let given_back = self.expire_measurements().await;
        closed?;
        recovered?;
        given_back?;
        ended
    }

    async fn expire_projects(&self) -> Result<u32, ServiceError> {
        let now = self.now()?;
        let mut pass = Pass::default();
        let mut after: Option<String> = None;
        loop {
            let filter = Filter {
                states: &["in_force"],
                limit: self.policies.limits.page,
                after: after.as_deref(),
                ..Filter::default()
            };
            let page = self.store.list::<Project>(filter).await?;
            let Some(last) = page.last() else {
                return pass.end();
            };
            after = Some(last.value.id().to_owned());
            for held in page {
                // One whose last day has not passed is refused.
                let Ok(change) = held.value.expire(now) else {
                    continue;
                };
                let batch = Batch::new().change(held.version, change)?;
                pass.note(self.record(None, batch, Vec::new()).await.map(drop));
            }
        }
    }

    /// Closes every workspace whose project is not in force: it ended just now, or whoever ended it was stopped
    /// before its workspaces were closed.
    async fn close_what_is_left(&self) -> Result<u32, ServiceError> {
        let mut pass = Pass::default();
        let mut after: Option<String> = None;
        loop {
            let filter = Filter {
                states: LIVE_WORKSPACES,
                limit: self.policies.limits.page,
                after: after.as_deref(),
                ..Filter::default()
            };
            let page = self.store.list::<Workspace>(filter).await?;
            let Some(last) = page.last() else {
                return pass.end();
            };
            after = Some(last.value.id().to_owned());
            let projects: BTreeSet<&str> = page
                .iter()
                .map(|held| held.value.core().project.as_str())
                .collect();
            let projects = self.store.load_all::<Project>(projects).await?;
            for held in page {
                let project = projects.get(held.value.core().project.as_str());
                if !project.is_some_and(|held| matches!(held.value, Project::InForce(_))) {
                    pass.note(self.close_workspace(held).await);
                }
            }
        }
    }

    /// Closes what a project that has just ended leaves open. The end stands whatever happens here, so it is told as
    /// done; what could not be closed now the next sweep closes, and nobody works in it meanwhile.
    pub(crate) async fn leave(&self, id: &ProjectId) {
        if let Err(error) = self.close_workspaces(id).await {
            tracing::warn!(project = %id, kind = error.kind().word(), "workspaces are closed by the next sweep");
        }
    }

    async fn close_workspaces(&self, id: &ProjectId) -> Result<u32, ServiceError> {
        let filter = Filter {
            project: Some(id),
            states: LIVE_WORKSPACES,
            ..Filter::default()
        };
        let mut pass = Pass::default();
        for held in self.every::<Workspace>(filter).await? {
            pass.note(self.close_workspace(held).await);
        }
        pass.end()
    }

    async fn close_workspace(&self, held: Held<Workspace>) -> Result<(), ServiceError> {
        let change = held.value.close(&By::System, self.now()?)?;
        let batch = Batch::new().change(held.version, change)?;
        self.record(None, batch, Vec::new()).await?;
        Ok(())
    }
}
