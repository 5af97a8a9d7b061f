//! Review: two blind votes by people who are not on the project, and a third where they differ.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::state::{Approved, Output, ReviewVerdict, ReviewVote, UnderReview};
use crate::action::Action;
use crate::change::{By, Change, Lifecycle};
use crate::ids::{PersonId, Sha256};
use crate::refusal::Refusal;

impl Output {
    /// An output checker votes on the bytes they saw. The first two votes are blind; when they agree the
    /// output moves on; when they differ a third checker decides with the majority.
    ///
    /// # Errors
    /// If the checker is the author, is on the project, has voted, or saw other bytes.
    pub fn vote(
        self,
        verdict: ReviewVerdict,
        seen: &Sha256,
        comment: Option<Sha256>,
        project_people: &BTreeSet<PersonId>,
        by: &PersonId,
        at: Timestamp,
    ) -> Result<Change<Self>, Refusal> {
        let state = self.state();
        let Self::UnderReview(mut review) = self else {
            return Err(Action::VoteOnOutput.wrong_state(Self::KIND, state));
        };
        if *by == review.core.author {
            return Err(Refusal::OwnOutput);
        }
        if project_people.contains(by) {
            return Err(Refusal::OnTheProject(by.clone()));
        }
        if review.votes.iter().any(|v| v.by == *by) {
            return Err(Refusal::SameCheckerTwice(by.clone()));
        }
        if *seen != review.file.sha256 {
            return Err(Refusal::OtherBytes);
        }
        if verdict != ReviewVerdict::Approve && comment.is_none() {
            return Err(Refusal::Invalid(
                "say what is wrong, so that the author can change it".into(),
            ));
        }
        review.votes.push(ReviewVote {
            by: by.clone(),
            verdict,
            bytes: seen.clone(),
            comment,
            at,
        });
        let count = u64::try_from(review.votes.len()).unwrap_or(u64::MAX);
        let to = review.consolidate();
        let outcome = to.state();
        // How somebody voted stays out of the leaf: the review is blind. The outcome tells when it closes.
        Ok(
            Change::new(to, Action::VoteOnOutput, &By::Person(by.clone()), at)
                .fact("votes", count)
                .fact("bytes", seen)
                .fact("outcome", outcome),
        )
    }
}

impl UnderReview {
    /// Two equal votes decide; two different ones wait for a third; three decide by majority, and three
    /// different ones ask for changes.
    fn consolidate(self) -> Output {
        let count = |v: ReviewVerdict| self.votes.iter().filter(|x| x.verdict == v).count();
        let (approve, changes, refuse) = (
            count(ReviewVerdict::Approve),
            count(ReviewVerdict::RequestChanges),
            count(ReviewVerdict::Refuse),
        );
        if approve >= 2 {
            let yes = |v: &&ReviewVote| v.verdict == ReviewVerdict::Approve;
            let by = self
                .votes
                .iter()
                .filter(yes)
                .map(|v| v.by.clone())
                .collect();
            return Output::Approved(Approved {
                core: self.core,
                checked: self.checked,
                file: self.file,
                by,
            });
        }
        if refuse >= 2 {
            return Output::Refused { core: self.core };
        }
        if changes >= 2 || self.votes.len() >= 3 {
            return Output::ChangesRequested {
                core: self.core,
                checked: self.checked,
            };
        }
        Output::UnderReview(self)
    }

    /// Votes that a person may see: their own, and once two are in all of them, if theirs is among them.
    #[must_use]
    pub fn visible_to(&self, person: &PersonId) -> Vec<&ReviewVote> {
        let voted = self.votes.iter().any(|v| v.by == *person);
        let both_in = self.votes.len() >= 2 && voted;
        self.votes
            .iter()
            .filter(|v| both_in || v.by == *person)
            .collect()
    }
}
