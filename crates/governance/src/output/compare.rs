//! Differencing: an output beside everything that left or was shown, also after it was checked.

use jiff::Timestamp;

use super::state::{Checked, KeptPeople, Output, Recomparison, Released, Verdict};
use crate::action::Action;
use crate::change::{By, Change, Lifecycle};
use crate::refusal::Refusal;

impl Output {
    /// The machine compared it with what has left and what was shown by now. Where few people lie between them it goes back to its
    /// author as one that failed its check, whatever people had said of it; where something left that the machine
    /// cannot compare it with, it goes back to be looked at again.
    ///
    /// # Errors
    /// If it is not between its check and its release, or was never compared before.
    pub fn compare(self, found: Recomparison, at: Timestamp) -> Result<Change<Self>, Refusal> {
        let action = Action::CompareOutput;
        let state = self.state();
        let mut to = self;
        let checked =
            open_findings(&mut to).ok_or_else(|| action.wrong_state(Self::KIND, state))?;
        let compared = checked.compared.as_mut().ok_or(Refusal::NotCompared)?;
        let (Recomparison::Clear { with, .. } | Recomparison::Isolates { with, .. }) = found;
        if with.outputs < compared.releases || with.screens < compared.screens {
            return Err(Refusal::NotCompared);
        }
        (compared.releases, compared.screens) = (with.outputs, with.screens);
        let goes_back = match found {
            Recomparison::Clear { unknown, .. } => {
                // People judged without it.
                let is_more = unknown > compared.unknown;
                compared.unknown = unknown;
                if is_more && checked.verdict == Verdict::Pass {
                    checked.verdict = Verdict::Review;
                }
                is_more
            }
            Recomparison::Isolates { report, .. } => {
                compared.people = None;
                checked.report = report;
                checked.verdict = Verdict::Fail;
                checked.treated = None;
                true
            }
        };
        let (verdict, checked) = (checked.verdict, checked.clone());
        // What nobody but its author has seen yet stays where it is.
        if goes_back && !matches!(to, Self::Checked { .. }) {
            let core = to.core().clone();
            to = Self::ChangesRequested { core, checked };
        }
        Ok(Change::new(to, action, &By::System, at)
            .fact("compared_with", with.outputs)
            .fact("compared_with_screens", with.screens)
            .fact("verdict", verdict.word()))
    }

    /// Whether it left the safe haven: it may have been called back since.
    #[must_use]
    pub fn has_left(&self) -> bool {
        match self {
            Self::Released(_) | Self::Recalled { .. } => true,
            Self::Staged { .. }
            | Self::Checked { .. }
            | Self::Uncheckable { .. }
            | Self::UnderReview(_)
            | Self::ChangesRequested { .. }
            | Self::Approved(_)
            | Self::Refused { .. }
            | Self::Withdrawn { .. } => false,
        }
    }

    /// When it left, where that is known.
    #[must_use]
    pub fn left_at(&self) -> Option<Timestamp> {
        match self {
            Self::Released(released) => Some(released.at),
            Self::Recalled { left, .. } => *left,
            Self::Staged { .. }
            | Self::Checked { .. }
            | Self::Uncheckable { .. }
            | Self::UnderReview(_)
            | Self::ChangesRequested { .. }
            | Self::Approved(_)
            | Self::Refused { .. }
            | Self::Withdrawn { .. } => None,
        }
    }

    /// Who is behind its cells, where that is known: of one that left, and of one that may.
    #[must_use]
    pub fn kept_people(&self) -> Option<&KeptPeople> {
        match self {
            Self::Released(Released { people, .. }) | Self::Recalled { people, .. } => {
                people.as_ref()
            }
            Self::Staged { .. }
            | Self::Checked { .. }
            | Self::Uncheckable { .. }
            | Self::UnderReview(_)
            | Self::ChangesRequested { .. }
            | Self::Approved(_)
            | Self::Refused { .. }
            | Self::Withdrawn { .. } => self.checked()?.compared.as_ref()?.people.as_ref(),
        }
    }
}

/// The findings of an output between its check and its release.
fn open_findings(output: &mut Output) -> Option<&mut Checked> {
    match output {
        Output::Checked { checked, .. } | Output::ChangesRequested { checked, .. } => Some(checked),
        Output::UnderReview(review) => Some(&mut review.checked),
        Output::Approved(approved) => Some(&mut approved.checked),
        Output::Staged { .. }
        | Output::Uncheckable { .. }
        | Output::Released(_)
        | Output::Refused { .. }
        | Output::Withdrawn { .. }
        | Output::Recalled { .. } => None,
    }
}
