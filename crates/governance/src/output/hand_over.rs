//! An output whose author left changes hands under a recovery.

use jiff::Timestamp;

use super::state::{Core, Download, HandedOver, Output};
use crate::action::Action;
use crate::change::{By, Change, Lifecycle};
use crate::ids::PersonId;
use crate::person::Person;
use crate::project::{InForce, Permit};
use crate::recovery::Recovery;
use crate::refusal::Refusal;

impl Output {
    /// Hands the output of somebody who left to somebody of the project. Nothing else of it changes: the bytes,
    /// the findings, the votes and what they are about stay as they are.
    ///
    /// # Errors
    /// If its state or a used download leaves nothing to hand over, the recovery is of another workspace or gives
    /// nothing now, somebody else than its asker does it, `from` is not its author or may still work in the
    /// project, or `to` may not.
    pub fn hand_over(
        self,
        recovery: &Recovery,
        project: &InForce,
        (from, to): (&Person, &Permit),
        by: &PersonId,
        at: Timestamp,
    ) -> Result<Change<Self>, Refusal> {
        let action = Action::HandOverOutput;
        let mut output = self;
        let state = output.state();
        let core = open_core(&mut output)?.ok_or_else(|| action.wrong_state(Self::KIND, state))?;
        if core.project != project.core.id || core.workspace != recovery.core().workspace {
            return Err(Refusal::Elsewhere("this output"));
        }
        if from.id != core.author {
            return Err(Refusal::NotTheAuthor(Self::KIND));
        }
        recovery.must_hand(action, project, (from, to), by, at)?;
        to.person().clone_into(&mut core.author);
        core.handed_over = Some(HandedOver {
            recovery: recovery.core().id.clone(),
            from: from.id.clone(),
            at,
        });
        let by = By::Person(by.clone());
        Ok(Change::new(output, action, &by, at)
            .fact("recovery", &recovery.core().id)
            .fact("from", &from.id)
            .fact("to", to.person()))
    }
}

/// What an output knows in the states in which its author has something left to do; none in the others.
fn open_core(output: &mut Output) -> Result<Option<&mut Core>, Refusal> {
    Ok(match output {
        Output::Checked { core, .. } | Output::ChangesRequested { core, .. } => Some(core),
        Output::UnderReview(review) => Some(&mut review.core),
        Output::Approved(approved) => Some(&mut approved.core),
        Output::Released(released) => match released.download {
            Download::Waiting => Some(&mut released.core),
            Download::Used => return Err(Refusal::Downloaded),
        },
        Output::Staged { .. }
        | Output::Uncheckable { .. }
        | Output::Refused { .. }
        | Output::Withdrawn { .. }
        | Output::Recalled { .. } => None,
    })
}
