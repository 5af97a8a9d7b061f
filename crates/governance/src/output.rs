//! Outputs: a table that somebody wants out. Checked by the machine, reviewed by two people who are not on
//! the project and do not see each other's vote, released as the very bytes that were reviewed.

mod compare;
mod hand_over;
mod review;
mod state;

use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::action::Action;
use crate::change::{By, Change, Lifecycle};
use crate::ids::{OutputId, PersonId, Sha256};
use crate::project::Permit;
use crate::refusal::Refusal;
use crate::register::InRegister;
use crate::workspace::Workspace;

pub use state::{
    Approved, Checked, Compared, Core, Download, HandedOver, KeptPeople, Output, Recomparison,
    Released, Rendering, ReviewVerdict, ReviewVote, UnderReview, Verdict,
};

impl Output {
    /// What it knows.
    #[must_use]
    pub fn core(&self) -> &Core {
        match self {
            Self::Staged { core }
            | Self::Checked { core, .. }
            | Self::Uncheckable { core }
            | Self::ChangesRequested { core, .. }
            | Self::Refused { core }
            | Self::Withdrawn { core }
            | Self::Recalled { core, .. } => core,
            Self::UnderReview(u) => &u.core,
            Self::Approved(a) => &a.core,
            Self::Released(r) => &r.core,
        }
    }

    /// The machine's findings, from the check to the approval.
    #[must_use]
    pub fn checked(&self) -> Option<&Checked> {
        match self {
            Self::Checked { checked, .. } | Self::ChangesRequested { checked, .. } => Some(checked),
            Self::UnderReview(u) => Some(&u.checked),
            Self::Approved(a) => Some(&a.checked),
            Self::Staged { .. }
            | Self::Uncheckable { .. }
            | Self::Released(_)
            | Self::Refused { .. }
            | Self::Withdrawn { .. }
            | Self::Recalled { .. } => None,
        }
    }

    /// Stages a statement's result for release.
    ///
    /// # Errors
    /// If the permit is another person's or has ended, or the workspace is not open or belongs to another
    /// project than the permit.
    pub fn stage(
        id: OutputId,
        permit: &Permit,
        workspace: &Workspace,
        statement: Sha256,
        context: Sha256,
        by: &PersonId,
        at: Timestamp,
    ) -> Result<Change<Self>, Refusal> {
        permit.must_cover(by, at)?;
        let place = workspace.must_be_open(Action::StageOutput)?;
        if place.project != *permit.project() {
            return Err(Refusal::Elsewhere("this workspace"));
        }
        let core = Core {
            id,
            author: by.clone(),
            project: place.project,
            workspace: place.id,
            extract: place.extract,
            statement,
            context,
            handed_over: None,
        };
        let (workspace, extract) = (core.workspace.clone(), core.extract.clone());
        let by = By::Person(by.clone());
        Ok(
            Change::new(Self::Staged { core }, Action::StageOutput, &by, at)
                .fact("workspace", &workspace)
                .fact("extract", &extract)
                .fact("manifest", permit.manifest()),
        )
    }

    /// The machine checked it.
    ///
    /// # Errors
    /// If it was not staged, or a treated table is offered with a verdict that offers none.
    pub fn complete_check(self, checked: Checked, at: Timestamp) -> Result<Change<Self>, Refusal> {
        let state = self.state();
        let Self::Staged { core } = self else {
            return Err(Action::CompleteCheck.wrong_state(Self::KIND, state));
        };
        if (checked.verdict == Verdict::Treat) != checked.treated.is_some() {
            return Err(Refusal::NotApproved("the treated table"));
        }
        let said = checked.clone();
        let to = Self::Checked { core, checked };
        let change = Change::new(to, Action::CompleteCheck, &By::System, at)
            .fact("verdict", said.verdict.word())
            .fact("policy", &said.policy)
            .fact("bytes", &said.exact.sha256);
        Ok(match said.compared {
            Some(compared) => change
                .fact("compared_with", compared.releases)
                .fact("compared_with_screens", compared.screens),
            None => change,
        })
    }

    /// The machine could not check it.
    ///
    /// # Errors
    /// If it was not staged.
    pub fn fail_check(self, at: Timestamp) -> Result<Change<Self>, Refusal> {
        let state = self.state();
        let Self::Staged { core } = self else {
            return Err(Action::FailCheck.wrong_state(Self::KIND, state));
        };
        Ok(Change::new(
            Self::Uncheckable { core },
            Action::FailCheck,
            &By::System,
            at,
        ))
    }

    /// The author puts a version before output checkers.
    ///
    /// # Errors
    /// If somebody else does, or the verdict does not allow that version.
    pub fn submit(
        self,
        rendering: Rendering,
        by: &PersonId,
        at: Timestamp,
    ) -> Result<Change<Self>, Refusal> {
        let state = self.state();
        let (Self::Checked { core, checked } | Self::ChangesRequested { core, checked }) = self
        else {
            return Err(Action::SubmitOutput.wrong_state(Self::KIND, state));
        };
        if *by != core.author {
            return Err(Refusal::NotTheAuthor("output"));
        }
        let file = match (checked.verdict, rendering, &checked.treated) {
            (Verdict::Pass | Verdict::Review, Rendering::Exact, _) => checked.exact.clone(),
            (Verdict::Treat, Rendering::Treated, Some(treated)) => treated.clone(),
            (Verdict::Treat, Rendering::Exact, _) => {
                return Err(Refusal::Verdict(
                    "some cells are not safe: submit the treated table, or ask for a coarser one",
                ));
            }
            (Verdict::Fail, _, _) => {
                return Err(Refusal::Verdict(
                    "the check failed: no version of this table is safe; ask for a coarser one",
                ));
            }
            (_, Rendering::Treated, _) => {
                return Err(Refusal::Verdict(
                    "there is no treated version: submit the table as it is",
                ));
            }
        };
        let bytes = file.sha256.clone();
        let word = match rendering {
            Rendering::Exact => "exact",
            Rendering::Treated => "treated",
        };
        let to = Self::UnderReview(UnderReview {
            core,
            checked,
            rendering,
            file,
            votes: Vec::new(),
        });
        let by = By::Person(by.clone());
        Ok(Change::new(to, Action::SubmitOutput, &by, at)
            .fact("rendering", word)
            .fact("bytes", &bytes))
    }

    /// Releases the reviewed bytes. `there`: what has left the safe haven until now, and what screens of all projects
    /// have shown.
    ///
    /// # Errors
    /// If it is not approved, the releaser is on the project, the bytes on file are not those reviewed, or it was
    /// not compared with everything that has left and was shown.
    pub fn release(
        self,
        on_file: &Sha256,
        there: InRegister,
        project_people: &BTreeSet<PersonId>,
        by: &PersonId,
        at: Timestamp,
    ) -> Result<Change<Self>, Refusal> {
        let state = self.state();
        let Self::Approved(approved) = self else {
            return Err(Action::ReleaseOutput.wrong_state(Self::KIND, state));
        };
        if *by == approved.core.author {
            return Err(Refusal::OwnOutput);
        }
        if project_people.contains(by) {
            return Err(Refusal::OnTheProject(by.clone()));
        }
        if *on_file != approved.file.sha256 {
            return Err(Refusal::OtherBytes);
        }
        let compared = approved.checked.compared.filter(|c| c.with() == there);
        let compared = compared.ok_or(Refusal::NotCompared)?;
        let approvers: Vec<String> = approved.by.iter().map(ToString::to_string).collect();
        let (bytes, policy) = (approved.file.sha256.clone(), approved.checked.policy);
        let verdict = approved.checked.verdict.word();
        let to = Self::Released(Released {
            core: approved.core,
            file: approved.file,
            people: compared.people,
            approved_by: approved.by,
            released_by: by.clone(),
            at,
            download: Download::Waiting,
        });
        Ok(
            Change::new(to, Action::ReleaseOutput, &By::Person(by.clone()), at)
                .fact("bytes", &bytes)
                .fact("policy", &policy)
                .fact("verdict", verdict)
                .fact("compared_with", there.outputs)
                .fact("compared_with_screens", there.screens)
                .fact("approved_by", approvers),
        )
    }

    /// Uses the single download.
    ///
    /// # Errors
    /// If it is not released, somebody else asks, or it was used.
    pub fn download(self, by: &PersonId, at: Timestamp) -> Result<Change<Self>, Refusal> {
        let state = self.state();
        let Self::Released(mut released) = self else {
            return Err(Action::DownloadOutput.wrong_state(Self::KIND, state));
        };
        if *by != released.core.author {
            return Err(Refusal::NotTheAuthor("output"));
        }
        if released.download == Download::Used {
            return Err(Refusal::Downloaded);
        }
        released.download = Download::Used;
        let bytes = released.file.sha256.clone();
        let to = Self::Released(released);
        Ok(
            Change::new(to, Action::DownloadOutput, &By::Person(by.clone()), at)
                .fact("bytes", &bytes),
        )
    }

    /// The author takes it back before it is released.
    ///
    /// # Errors
    /// If somebody else does, or it is released or ended.
    pub fn withdraw(self, by: &PersonId, at: Timestamp) -> Result<Change<Self>, Refusal> {
        match &self {
            Self::Checked { .. }
            | Self::UnderReview(_)
            | Self::ChangesRequested { .. }
            | Self::Approved(_) => {}
            Self::Staged { .. }
            | Self::Uncheckable { .. }
            | Self::Released(_)
            | Self::Refused { .. }
            | Self::Withdrawn { .. }
            | Self::Recalled { .. } => {
                return Err(Action::WithdrawOutput.wrong_state(Self::KIND, self.state()));
            }
        }
        let core = self.core().clone();
        if *by != core.author {
            return Err(Refusal::NotTheAuthor("output"));
        }
        let to = Self::Withdrawn { core };
        Ok(Change::new(
            to,
            Action::WithdrawOutput,
            &By::Person(by.clone()),
            at,
        ))
    }

    /// Calls a release back: the download ends and the register says so.
    ///
    /// # Errors
    /// If it is not released, or somebody on the project asks.
    pub fn recall(
        self,
        project_people: &BTreeSet<PersonId>,
        by: &PersonId,
        at: Timestamp,
    ) -> Result<Change<Self>, Refusal> {
        let state = self.state();
        let Self::Released(released) = self else {
            return Err(Action::RecallOutput.wrong_state(Self::KIND, state));
        };
        if *by == released.core.author {
            return Err(Refusal::OwnOutput);
        }
        if project_people.contains(by) {
            return Err(Refusal::OnTheProject(by.clone()));
        }
        let bytes = released.file.sha256.clone();
        let to = Self::Recalled {
            core: released.core,
            file: released.file,
            people: released.people,
            left: Some(released.at),
        };
        Ok(
            Change::new(to, Action::RecallOutput, &By::Person(by.clone()), at)
                .fact("bytes", &bytes),
        )
    }
}
