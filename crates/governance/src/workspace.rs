//! Workspaces: where a project's people query its extract.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::action::Action;
use crate::change::{By, Change, Lifecycle};
use crate::extract::Extract;
use crate::ids::{ExtractId, PersonId, ProjectId, WorkspaceId};
use crate::project::InForce;
use crate::refusal::Refusal;
use crate::request::View;

/// What every state of a workspace knows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Core {
    /// Id.
    pub id: WorkspaceId,
    /// Of which project.
    pub project: ProjectId,
    /// On which extract.
    pub extract: ExtractId,
    /// What the screen may show.
    pub view: View,
}

/// A workspace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case", deny_unknown_fields)]
pub enum Workspace {
    /// May be used by the project's people while the approval is live.
    Open {
        /// What it knows.
        core: Core,
    },
    /// Closed for now.
    Suspended {
        /// What it knows.
        core: Core,
    },
    /// Closed for good.
    Closed {
        /// What it knows.
        core: Core,
    },
}

impl Lifecycle for Workspace {
    const KIND: &'static str = "workspace";
    fn id(&self) -> &str {
        self.core().id.as_str()
    }
    fn project(&self) -> Option<&ProjectId> {
        Some(&self.core().project)
    }
    fn state(&self) -> &'static str {
        match self {
            Self::Open { .. } => "open",
            Self::Suspended { .. } => "suspended",
            Self::Closed { .. } => "closed",
        }
    }
}

impl Workspace {
    /// What it knows.
    #[must_use]
    pub fn core(&self) -> &Core {
        match self {
            Self::Open { core } | Self::Suspended { core } | Self::Closed { core } => core,
        }
    }

    /// Opens a workspace on a sealed extract.
    ///
    /// # Errors
    /// If the project is not live, the data steward is on it, or the extract is not its own and sealed under
    /// the same manifest.
    pub fn open(
        id: WorkspaceId,
        project: &InForce,
        extract: &Extract,
        by: &PersonId,
        at: Timestamp,
    ) -> Result<Change<Self>, Refusal> {
        project.live_at(at)?;
        project.must_not_be_on(by)?;
        let Extract::Sealed { core: made, .. } = extract else {
            return Err(Action::OpenWorkspace.wrong_state(Extract::KIND, extract.state()));
        };
        if made.project != project.core.id || made.manifest != project.manifest_sha256 {
            return Err(Refusal::NotApproved("this extract"));
        }
        let core = Core {
            id,
            project: project.core.id.clone(),
            extract: made.id.clone(),
            view: project.manifest.view,
        };
        let by = By::Person(by.clone());
        let (extract, view) = (made.id.clone(), core.view);
        let change = Change::new(Self::Open { core }, Action::OpenWorkspace, &by, at)
            .fact("extract", &extract);
        Ok(match view {
            View::Aggregates => change,
            View::Rows => change.fact("view", view.word()),
        })
    }

    /// Closes it for now.
    ///
    /// # Errors
    /// If it is not open.
    pub fn suspend(self, by: &PersonId, at: Timestamp) -> Result<Change<Self>, Refusal> {
        let core = self.must_be_open(Action::SuspendWorkspace)?;
        let by = By::Person(by.clone());
        Ok(Change::new(
            Self::Suspended { core },
            Action::SuspendWorkspace,
            &by,
            at,
        ))
    }

    /// Opens it again.
    ///
    /// # Errors
    /// If it is not suspended, is another project's, the project is not live or the data steward is on it.
    pub fn resume(
        self,
        project: &InForce,
        by: &PersonId,
        at: Timestamp,
    ) -> Result<Change<Self>, Refusal> {
        let state = self.state();
        let Self::Suspended { core } = self else {
            return Err(Action::ResumeWorkspace.wrong_state(Self::KIND, state));
        };
        if project.core.id != core.project {
            return Err(Refusal::Elsewhere("this workspace"));
        }
        project.live_at(at)?;
        project.must_not_be_on(by)?;
        let by = By::Person(by.clone());
        Ok(Change::new(
            Self::Open { core },
            Action::ResumeWorkspace,
            &by,
            at,
        ))
    }

    /// Closes it for good.
    ///
    /// # Errors
    /// If it is closed already.
    pub fn close(self, by: &By, at: Timestamp) -> Result<Change<Self>, Refusal> {
        let state = self.state();
        let (Self::Open { core } | Self::Suspended { core }) = self else {
            return Err(Action::CloseWorkspace.wrong_state(Self::KIND, state));
        };
        Ok(Change::new(
            Self::Closed { core },
            Action::CloseWorkspace,
            by,
            at,
        ))
    }

    /// Whether queries may run.
    ///
    /// # Errors
    /// If it is not open.
    pub fn must_be_open(&self, action: Action) -> Result<Core, Refusal> {
        match self {
            Self::Open { core } => Ok(core.clone()),
            Self::Suspended { .. } | Self::Closed { .. } => {
                Err(action.wrong_state(Self::KIND, self.state()))
            }
        }
    }
}
