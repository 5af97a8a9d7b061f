//! Labels of groups that were found in the data: a name that only the data knows may tell a person apart whatever
//! noise its numbers have, so an output checker looks at them before the answer leaves.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::measurement::{tell, tell_answer};
use super::state::{Answer, Core, Measurement};
use crate::action::Action;
use crate::change::{By, Change, Lifecycle};
use crate::ids::{BudgetId, PersonId, Sha256};
use crate::project::Project;
use crate::refusal::Refusal;

impl Core {
    /// Whether the answer names groups that the request does not: only finding them costs delta.
    #[must_use]
    pub fn finds_labels(&self) -> bool {
        self.price.atto_delta > 0
    }
}

impl Measurement {
    /// An output checker has seen the labels, in the bytes of this hash, and they tell nobody apart: the answer is
    /// released. Nothing is booked; the price was spent when it was drawn. `void` are the families whose statement
    /// has ended by now.
    ///
    /// # Errors
    /// If it is not under review, its project is not in force, other bytes were seen, or the checker asked for it or
    /// is on the project.
    pub fn release_labels(
        self,
        project: &Project,
        seen: &Sha256,
        void: &BTreeSet<BudgetId>,
        by: &PersonId,
        at: Timestamp,
    ) -> Result<Change<Self>, Refusal> {
        let action = Action::ReleaseLabels;
        let (core, drawn) = self.under_review(project, by, action)?;
        project.in_force(action)?;
        if *seen != drawn.sha256 {
            return Err(Refusal::OtherBytes);
        }
        let answer = Answer {
            void: drawn.void.union(void).cloned().collect(),
            at,
            ..drawn
        };
        let (facts, told) = (core.clone(), answer.clone());
        let to = Self::Released {
            core,
            answer,
            labels_checked_by: Some(by.clone()),
        };
        let change = Change::new(to, action, &By::Person(by.clone()), at);
        Ok(tell_answer(change, &facts, &told))
    }

    /// An output checker keeps the answer back, for a reason that its author is told. The price is spent, and the
    /// same question to the same snapshot is not answered again.
    ///
    /// # Errors
    /// If it is not under review, or the checker asked for it or is on the project.
    pub fn withhold_labels(
        self,
        project: &Project,
        reason: Sha256,
        by: &PersonId,
        at: Timestamp,
    ) -> Result<Change<Self>, Refusal> {
        let action = Action::WithholdLabels;
        let (core, _) = self.under_review(project, by, action)?;
        let (facts, told) = (core.clone(), reason.clone());
        let to = Self::Withheld {
            core,
            by: by.clone(),
            reason,
        };
        let change = Change::new(to, action, &By::Person(by.clone()), at);
        Ok(tell(change, &facts).fact("reason", &told))
    }

    /// What is under review, for somebody who has nothing to do with it.
    fn under_review(
        self,
        project: &Project,
        by: &PersonId,
        action: Action,
    ) -> Result<(Core, Answer), Refusal> {
        let state = self.state();
        let Self::UnderReview { core, answer } = self else {
            return Err(action.wrong_state(Self::KIND, state));
        };
        if project.core().id != core.project {
            return Err(Refusal::Elsewhere("this measurement"));
        }
        if *by == core.author {
            return Err(Refusal::OwnMeasurement);
        }
        if project.people().contains(by) {
            return Err(Refusal::OnTheProject(by.clone()));
        }
        Ok((core, answer))
    }
}
