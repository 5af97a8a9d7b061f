//! Projects: from a draft to a decision, into force under a signed manifest, and to their end.

mod decide;
mod destroy;
mod force;
mod state;

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::action::Action;
use crate::change::{By, Change, Lifecycle};
use crate::dataset::Dataset;
use crate::ids::{DatasetId, PersonId, ProjectId, Sha256};
use crate::refusal::Refusal;
use crate::request::{Request, Tier, TierPolicy};

pub use destroy::Destruction;
pub use force::Permit;
pub use state::{
    Approved, CONDITIONS_MAX, Condition, Core, InForce, Manifest, PanelVerdict, PanelVote, Paper,
    Papers, Project, Signature, SignatureVerdict, Submitted,
};

impl Project {
    /// Id, author, version.
    #[must_use]
    pub fn core(&self) -> &Core {
        match self {
            Self::Draft { core }
            | Self::Returned { core }
            | Self::Refused { core }
            | Self::Withdrawn { core }
            | Self::Expired { core, .. }
            | Self::Revoked { core, .. }
            | Self::Closed { core, .. }
            | Self::Destroyed { core, .. } => core,
            Self::Submitted(s) => &s.core,
            Self::Approved(a) => &a.core,
            Self::InForce(f) => &f.core,
        }
    }

    /// What was approved, from the approval on, also after the end. An approval that its author withdrew
    /// before it was in force leaves none.
    #[must_use]
    pub fn manifest(&self) -> Option<&Manifest> {
        match self {
            Self::Approved(a) => Some(&a.manifest),
            Self::InForce(f) => Some(&f.manifest),
            Self::Expired { manifest, .. }
            | Self::Revoked { manifest, .. }
            | Self::Closed { manifest, .. } => Some(manifest),
            Self::Destroyed { manifest, .. } => manifest.as_ref(),
            Self::Draft { .. }
            | Self::Submitted(_)
            | Self::Returned { .. }
            | Self::Refused { .. }
            | Self::Withdrawn { .. } => None,
        }
    }

    /// People who are on the project in this state: nobody else's work is theirs to decide on.
    #[must_use]
    pub fn people(&self) -> BTreeSet<PersonId> {
        let mut people = match self {
            Self::Submitted(s) => s.request.people.clone(),
            Self::Approved(_)
            | Self::InForce(_)
            | Self::Expired { .. }
            | Self::Revoked { .. }
            | Self::Closed { .. }
            | Self::Destroyed { .. }
            | Self::Draft { .. }
            | Self::Returned { .. }
            | Self::Refused { .. }
            | Self::Withdrawn { .. } => self
                .manifest()
                .map(|m| m.people.clone())
                .unwrap_or_default(),
        };
        people.insert(self.core().author.clone());
        people
    }

    /// Begins an application.
    #[must_use]
    pub fn start(id: ProjectId, author: &PersonId, at: Timestamp) -> Change<Self> {
        let core = Core {
            id,
            author: author.clone(),
            version: 0,
            title: String::new(),
            interests: BTreeSet::new(),
        };
        let by = By::Person(author.clone());
        Change::new(Self::Draft { core }, Action::StartApplication, &by, at)
    }

    /// Freezes a version and puts it before controllers and panel. `sha256` is of the frozen bytes.
    ///
    /// # Errors
    /// If the state, the person or the form does not allow it.
    pub fn submit(
        self,
        request: Request,
        sha256: Sha256,
        datasets: &BTreeMap<DatasetId, Dataset>,
        tiers: &TierPolicy,
        by: &PersonId,
        at: Timestamp,
    ) -> Result<Change<Self>, Refusal> {
        let state = self.state();
        let (Self::Draft { mut core } | Self::Returned { mut core }) = self else {
            return Err(Action::SubmitApplication.wrong_state(Self::KIND, state));
        };
        if *by != core.author {
            return Err(Refusal::NotTheAuthor("application"));
        }
        request.validate(&core.author, datasets)?;
        if request.end < crate::day_of(at) {
            return Err(Refusal::Form("the end date has passed".into()));
        }
        let tier = tiers.tier(&request, datasets);
        core.version = core.version.saturating_add(1);
        core.title.clone_from(&request.title);
        let (version, hash) = (core.version, sha256.clone());
        let to = Self::Submitted(Submitted {
            core,
            request,
            sha256,
            tier,
            signatures: BTreeMap::new(),
            votes: Vec::new(),
        });
        let by = By::Person(by.clone());
        let tier = match tier {
            Tier::One => 1_u64,
            Tier::Two => 2,
        };
        Ok(Change::new(to, Action::SubmitApplication, &by, at)
            .fact("version", version)
            .fact("sha256", &hash)
            .fact("tier", tier))
    }

    /// The author takes the application back, before it is in force.
    ///
    /// # Errors
    /// If somebody else does, or it is decided on already.
    pub fn withdraw(self, by: &PersonId, at: Timestamp) -> Result<Change<Self>, Refusal> {
        match &self {
            Self::Draft { .. } | Self::Submitted(_) | Self::Returned { .. } | Self::Approved(_) => {
            }
            Self::Refused { .. }
            | Self::Withdrawn { .. }
            | Self::InForce(_)
            | Self::Expired { .. }
            | Self::Revoked { .. }
            | Self::Closed { .. }
            | Self::Destroyed { .. } => {
                return Err(Action::WithdrawApplication.wrong_state(Self::KIND, self.state()));
            }
        }
        let core = self.core().clone();
        if *by != core.author {
            return Err(Refusal::NotTheAuthor("application"));
        }
        Ok(Change::new(
            Self::Withdrawn { core },
            Action::WithdrawApplication,
            &By::Person(by.clone()),
            at,
        ))
    }

    /// The author ends the project.
    ///
    /// # Errors
    /// If somebody else does, or it is not in force.
    pub fn close(self, by: &PersonId, at: Timestamp) -> Result<Change<Self>, Refusal> {
        let state = self.state();
        let Self::InForce(in_force) = self else {
            return Err(Action::CloseProject.wrong_state(Self::KIND, state));
        };
        if *by != in_force.core.author {
            return Err(Refusal::NotTheAuthor("project"));
        }
        let to = Self::Closed {
            core: in_force.core,
            manifest: in_force.manifest,
        };
        Ok(Change::new(
            to,
            Action::CloseProject,
            &By::Person(by.clone()),
            at,
        ))
    }

    /// The project in force.
    ///
    /// # Errors
    /// If it is not.
    pub fn in_force(&self, action: Action) -> Result<&InForce, Refusal> {
        match self {
            Self::InForce(in_force) => Ok(in_force),
            Self::Draft { .. }
            | Self::Submitted(_)
            | Self::Returned { .. }
            | Self::Refused { .. }
            | Self::Withdrawn { .. }
            | Self::Approved(_)
            | Self::Expired { .. }
            | Self::Revoked { .. }
            | Self::Closed { .. }
            | Self::Destroyed { .. } => Err(action.wrong_state(Self::KIND, self.state())),
        }
    }
}
