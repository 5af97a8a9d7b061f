//! The end of a project's data: after the end of the project, for good.

use jiff::Timestamp;

use super::Project;
use crate::action::Action;
use crate::change::{By, Change, Lifecycle};
use crate::extract::Extract;
use crate::ids::{PersonId, ProjectId, Sha256};
use crate::refusal::Refusal;

/// What the keeper certified when it destroyed a project's secrets and sealed files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Destruction {
    /// The project.
    pub project: ProjectId,
    /// Hash of the certificate.
    pub certificate: Sha256,
    /// Sealed files that were deleted.
    pub files: u64,
    /// The last key epoch with the project's secrets.
    pub epoch_before: u64,
    /// The first without them.
    pub epoch_after: u64,
}

impl Project {
    /// Whether what the project left may be destroyed: it was refused, or it ran and has ended.
    ///
    /// # Errors
    /// If it has not ended.
    pub fn must_be_destroyable(&self) -> Result<(), Refusal> {
        match self {
            Self::Refused { .. }
            | Self::Expired { .. }
            | Self::Revoked { .. }
            | Self::Closed { .. } => Ok(()),
            Self::Draft { .. }
            | Self::Submitted(_)
            | Self::Returned { .. }
            | Self::Withdrawn { .. }
            | Self::Approved(_)
            | Self::InForce(_)
            | Self::Destroyed { .. } => {
                Err(Action::DestroyProject.wrong_state(Self::KIND, self.state()))
            }
        }
    }

    /// Records that the project's secrets and sealed files are gone. Who asked is not on the project.
    ///
    /// # Errors
    /// If the project has not ended, the person is on it, or the certificate is another project's.
    pub fn destroy(
        self,
        destruction: &Destruction,
        by: &PersonId,
        at: Timestamp,
    ) -> Result<Change<Self>, Refusal> {
        self.may_be_destroyed_by(by)?;
        if destruction.project != self.core().id {
            return Err(Refusal::Elsewhere("this certificate"));
        }
        let to = Self::Destroyed {
            core: self.core().clone(),
            manifest: self.manifest().cloned(),
            certificate: destruction.certificate.clone(),
        };
        Ok(
            Change::new(to, Action::DestroyProject, &By::Person(by.clone()), at)
                .fact("certificate", &destruction.certificate)
                .fact("files", destruction.files)
                .fact("epoch_before", destruction.epoch_before)
                .fact("epoch_after", destruction.epoch_after),
        )
    }

    /// Whether this person may have it destroyed: asked before anything is.
    ///
    /// # Errors
    /// As [`Project::destroy`].
    pub fn may_be_destroyed_by(&self, by: &PersonId) -> Result<(), Refusal> {
        self.must_be_destroyable()?;
        if self.people().contains(by) {
            return Err(Refusal::OnTheProject(by.clone()));
        }
        Ok(())
    }
}

impl Extract {
    /// Records that the extract went with its project.
    ///
    /// # Errors
    /// If it was not sealed, or is another project's.
    pub fn destroy(
        self,
        destruction: &Destruction,
        at: Timestamp,
    ) -> Result<Change<Self>, Refusal> {
        let state = self.state();
        let Self::Sealed { core, .. } = self else {
            return Err(Action::DestroyExtract.wrong_state(Self::KIND, state));
        };
        if core.project != destruction.project {
            return Err(Refusal::Elsewhere("this certificate"));
        }
        let certificate = destruction.certificate.clone();
        Ok(Change::new(
            Self::Destroyed { core, certificate },
            Action::DestroyExtract,
            &By::System,
            at,
        )
        .fact("certificate", &destruction.certificate))
    }
}
