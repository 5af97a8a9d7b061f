//! What a statement puts on the screen of a workspace.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Job, Outcome, Task};
use crate::action::Action;
use crate::change::{By, Change};
use crate::desktop::LockedDesktop;
use crate::ids::Sha256;
use crate::output::KeptPeople;
use crate::refusal::Refusal;
use crate::register::InRegister;
use crate::request::View;

/// What the screen of a workspace shows of a statement.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(tag = "shows", rename_all = "snake_case", deny_unknown_fields)]
pub enum Screen {
    /// Its checked result.
    #[default]
    Checked,
    /// Its rows.
    Rows {
        /// Where they are looked at.
        desktop: LockedDesktop,
    },
}

impl Screen {
    /// The view level that it needs.
    #[must_use]
    pub fn view(&self) -> View {
        match self {
            Self::Checked => View::Aggregates,
            Self::Rows { .. } => View::Rows,
        }
    }

    pub(super) fn is_checked(&self) -> bool {
        self.view() == View::Aggregates
    }
}

/// A statement for the screen of a workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// Hash of its text.
    pub sha256: Sha256,
    /// What the screen shows of it.
    pub screen: Screen,
}

/// Whether a screen may show what it is to show: rows only where all of these say so.
///
/// # Errors
/// If one does not.
pub fn must_be_approved(shown: View, approved: [View; 2]) -> Result<(), Refusal> {
    match shown {
        View::Rows if approved.contains(&View::Aggregates) => {
            Err(Refusal::NotApproved("showing rows"))
        }
        View::Rows | View::Aggregates => Ok(()),
    }
}

/// A checked result that a screen is to show, and what it was compared with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comparison {
    /// What had left, and what screens of the project had shown.
    pub with: InRegister,
    /// Who is behind its cells; none where nothing of it is new: it shows nobody, or screens of the project showed
    /// these very tables before.
    pub people: Option<KeptPeople>,
}

/// What a screen showed, as the register keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shown {
    /// When.
    pub at: Timestamp,
    /// Who is behind its cells.
    pub people: KeptPeople,
}

impl Job {
    /// The keeper did it, and a screen shows its checked result. `there`: what has left until now, and what screens of
    /// its project have shown.
    ///
    /// # Errors
    /// If it was not queued, its deadline passed, it is not for a checked result, or something left or was shown that
    /// this was not compared with.
    pub fn show(
        self,
        outcome: Outcome,
        compared: Comparison,
        there: InRegister,
        at: Timestamp,
    ) -> Result<Change<Self>, Refusal> {
        let core = self.in_time(at)?;
        if !core.task.is_checked_screen() {
            return Err(Refusal::NotApproved("showing a checked result of this job"));
        }
        if compared.with != there {
            return Err(Refusal::NotCompared);
        }
        let said = outcome.clone();
        let (to, entry) = match compared.people {
            Some(people) => {
                let shown = Shown { at, people };
                (
                    Self::Shown {
                        core,
                        outcome,
                        shown,
                    },
                    "new",
                )
            }
            None => (Self::Done { core, outcome }, "known"),
        };
        let change = said.told(Change::new(to, Action::FinishJob, &By::System, at));
        Ok(change
            .fact("compared_with", there.outputs)
            .fact("compared_with_screens", there.screens)
            .fact("register", entry))
    }

    /// What its screen showed, where that is in the register.
    #[must_use]
    pub fn shown(&self) -> Option<&Shown> {
        match self {
            Self::Shown { shown, .. } => Some(shown),
            Self::Queued { .. }
            | Self::Done { .. }
            | Self::Failed { .. }
            | Self::Cancelled { .. } => None,
        }
    }
}

impl Task {
    /// Whether it is for a screen that shows a checked result.
    #[must_use]
    pub fn is_checked_screen(&self) -> bool {
        self.view() == Some(View::Aggregates)
    }
}

impl Outcome {
    /// Whether there is something to show or to release.
    pub(super) fn is_safe(&self) -> bool {
        matches!(self.verdict.as_deref(), Some("pass" | "treat"))
    }

    /// With what the log tells of it.
    pub(super) fn told(self, mut change: Change<Job>) -> Change<Job> {
        if let Some(verdict) = &self.verdict {
            change = change.fact("verdict", verdict);
        }
        if let Some(bytes) = &self.bytes {
            change = change.fact("bytes", bytes);
        }
        match self.rows {
            Some(rows) => change.fact("rows", rows),
            None => change,
        }
    }
}
