//! Clerical review of an indexing: two indexers judge the same pairs of records, neither seeing what the other
//! says; a third settles the pairs on which they differ. Nobody among them is on the project or delivers its payload.
//!
//! An answer is a word of a closed list: free text could carry an identifier out of the indexing room.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Indexing, must_be_apart};
use crate::action::Action;
use crate::change::{By, Change, Lifecycle};
use crate::delivery::{Delivery, SealedFile};
use crate::ids::{IndexingId, PersonId, Sha256};
use crate::project::InForce;
use crate::refusal::Refusal;

/// Most pairs of one review, whatever a site's policy says: about two days of one person's work.
pub const PAIRS_MAX: u32 = 5_000;
/// Most people who may begin a review: each sees the identifiers of every pair.
pub const REVIEWERS_MAX: usize = 6;

/// Whether a pair is one person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Match {
    /// One person.
    Yes,
    /// Two.
    No,
    /// The records do not tell.
    CannotTell,
}

/// What somebody says of a pair, and why: each reason belongs to one answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Judgement {
    /// One person: everything that tells people apart agrees.
    Agrees,
    /// One person: a slip of the pen, a spelling, swapped names or dates.
    TypingError,
    /// One person under another name.
    NameChanged,
    /// One person at another address.
    Moved,
    /// Two people of one household: twins, siblings, parent and child.
    SameHousehold,
    /// Two people who happen to share a name.
    Namesake,
    /// Two people: too much differs.
    Differs,
    /// Cannot tell: too little is recorded.
    TooLittle,
    /// Cannot tell: what is recorded contradicts itself.
    Contradicts,
}

impl Judgement {
    /// Every one, in the order of the pages.
    pub const ALL: [Self; 9] = [
        Self::Agrees,
        Self::TypingError,
        Self::NameChanged,
        Self::Moved,
        Self::SameHousehold,
        Self::Namesake,
        Self::Differs,
        Self::TooLittle,
        Self::Contradicts,
    ];

    /// The word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Agrees => "agrees",
            Self::TypingError => "typing_error",
            Self::NameChanged => "name_changed",
            Self::Moved => "moved",
            Self::SameHousehold => "same_household",
            Self::Namesake => "namesake",
            Self::Differs => "differs",
            Self::TooLittle => "too_little",
            Self::Contradicts => "contradicts",
        }
    }

    /// Whether it says that the pair is one person.
    #[must_use]
    pub fn says(self) -> Match {
        match self {
            Self::Agrees | Self::TypingError | Self::NameChanged | Self::Moved => Match::Yes,
            Self::SameHousehold | Self::Namesake | Self::Differs => Match::No,
            Self::TooLittle | Self::Contradicts => Match::CannotTell,
        }
    }
}

/// What one person said of every pair that was theirs to judge. Kept as a document; it holds no identifier.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answers {
    /// Of which indexing.
    pub indexing: IndexingId,
    /// Who.
    pub by: PersonId,
    /// By the number of the pair, from 1.
    pub pairs: BTreeMap<u32, Judgement>,
}

/// Somebody who has judged every pair that was theirs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Finished {
    /// Who.
    pub by: PersonId,
    /// SHA-256 of their [`Answers`], a key into the documents.
    pub answers: Sha256,
    /// When.
    pub at: Timestamp,
}

/// The pairs of a review, and how far it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Review {
    /// The pairs, sealed; they never leave the indexing room.
    pub pairs: SealedFile,
    /// How many.
    pub count: u32,
    /// Who has begun: to them the pairs are shown.
    pub begun: BTreeSet<PersonId>,
    /// Who has finished, in order: two, and a third where they differ.
    pub finished: Vec<Finished>,
    /// Pairs on which the first two differ, for the third.
    pub disputed: BTreeSet<u32>,
}

impl Review {
    /// Numbers of the pairs that whoever finishes next judges.
    #[must_use]
    pub fn asked(&self) -> BTreeSet<u32> {
        match self.finished.len() {
            0 | 1 => (1..=self.count).collect(),
            _ => self.disputed.clone(),
        }
    }
}

/// What a review came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Agreed {
    /// Pairs.
    pub pairs: u32,
    /// Pairs of which the first two both said yes or no.
    pub both: u32,
    /// Of these, judged alike.
    pub alike: u32,
    /// Cohen's kappa of the first two over these, in thousandths; none where chance alone would agree on all.
    pub kappa_milli: Option<i32>,
    /// Pairs that stay as the model has them: no two said the same.
    pub undecided: u32,
    /// Links that there are only because of the review.
    pub joined: u64,
    /// Links that there are not any more because of the review.
    pub parted: u64,
}

/// What was said of one pair: true for one person, none for who could not tell or was not asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Said {
    /// By the first.
    pub first: Option<bool>,
    /// By the second.
    pub second: Option<bool>,
    /// What two of them said; none if no two said yes or no alike.
    pub decided: Option<bool>,
}

/// What people said of each pair, in the order of their numbers: a pair is joined or kept apart where two say so.
#[must_use]
pub fn settle(review: &Review, answers: &[Answers]) -> Vec<Said> {
    let of = |reviewer: usize, pair: u32| -> Option<bool> {
        match answers.get(reviewer)?.pairs.get(&pair)?.says() {
            Match::Yes => Some(true),
            Match::No => Some(false),
            Match::CannotTell => None,
        }
    };
    (1..=review.count)
        .map(|pair| {
            let said = [of(0, pair), of(1, pair), of(2, pair)];
            let votes = |same: bool| said.iter().filter(|one| **one == Some(same)).count();
            Said {
                first: said[0],
                second: said[1],
                decided: match (votes(true) >= 2, votes(false) >= 2) {
                    (true, false) => Some(true),
                    (false, true) => Some(false),
                    _ => None,
                },
            }
        })
        .collect()
}

impl Indexing {
    /// The keeper chose and sealed the pairs to judge.
    ///
    /// # Errors
    /// If no review was ordered, there is no pair, or there are more than were ordered.
    pub fn open_review(
        self,
        pairs: SealedFile,
        count: u32,
        at: Timestamp,
    ) -> Result<Change<Self>, Refusal> {
        let state = self.state();
        let Self::Ordered { core } = self else {
            return Err(Action::OpenReview.wrong_state(Self::KIND, state));
        };
        if count == 0 || count > core.review {
            return Err(Refusal::Invalid(
                "these are not as many pairs as were ordered for review".into(),
            ));
        }
        let review = Review {
            pairs,
            count,
            begun: BTreeSet::new(),
            finished: Vec::new(),
            disputed: BTreeSet::new(),
        };
        let to = Self::UnderReview { core, review };
        Ok(Change::new(to, Action::OpenReview, &By::System, at).fact("pairs", count))
    }

    /// Somebody begins to judge the pairs. From here on the keeper shows them to this person, and the log says who
    /// saw them.
    ///
    /// # Errors
    /// If they are on the project or deliver its payload, have begun or finished before, too many have begun, or the
    /// project is not live.
    pub fn begin_review(
        self,
        project: &InForce,
        delivery: &Delivery,
        by: &PersonId,
        at: Timestamp,
    ) -> Result<Change<Self>, Refusal> {
        let (core, mut review) = self.reviewed(Action::BeginReview, project, delivery, by, at)?;
        if review.begun.contains(by) {
            return Err(Refusal::Invalid("you have begun this review".into()));
        }
        if review.begun.len() >= REVIEWERS_MAX {
            return Err(Refusal::Invalid(format!(
                "{REVIEWERS_MAX} people have begun this review and no more may see its pairs; one of them finishes, \
                 or it is ended and ordered anew"
            )));
        }
        review.begun.insert(by.clone());
        let to = Self::UnderReview { core, review };
        let by = By::Person(by.clone());
        Ok(Change::new(to, Action::BeginReview, &by, at))
    }

    /// Somebody who began hands their answers in. When two agree on every pair, or a third has judged those on which
    /// they differ, everything is settled.
    ///
    /// `earlier` are the answers of those who finished before, in their order.
    ///
    /// # Errors
    /// If they did not begin or have finished, a pair is missing or not theirs to judge, or the project is not live.
    pub fn finish_review(
        self,
        (project, delivery): (&InForce, &Delivery),
        answers: &Answers,
        sha256: Sha256,
        earlier: &[Answers],
        at: Timestamp,
    ) -> Result<Change<Self>, Refusal> {
        let by = answers.by.clone();
        let id = self.core().id.clone();
        let (core, mut review) = self.reviewed(Action::FinishReview, project, delivery, &by, at)?;
        if !review.begun.contains(&by) {
            return Err(Refusal::Invalid(
                "begin the review first: its pairs are shown to whoever began".into(),
            ));
        }
        let told = earlier.iter().map(|one| (&one.indexing, &one.by));
        let known = review.finished.iter().map(|one| (&id, &one.by));
        if answers.indexing != id || !told.eq(known) {
            return Err(Refusal::Elsewhere("these answers"));
        }
        let asked = review.asked();
        if !answers.pairs.keys().eq(asked.iter()) {
            let missing = asked.iter().filter(|n| !answers.pairs.contains_key(n));
            return Err(Refusal::Invalid(format!(
                "{} of {} pairs are not judged yet",
                missing.count(),
                asked.len()
            )));
        }
        let finished = Finished {
            by: by.clone(),
            answers: sha256,
            at,
        };
        review.finished.push(finished);
        let settled = match earlier {
            [] => false,
            [first] => {
                review.disputed = differ(first, answers);
                review.disputed.is_empty()
            }
            _ => true,
        };
        let (number, disputed) = (review.finished.len() as u64, review.disputed.len() as u64);
        let to = if settled {
            Self::Settled { core, review }
        } else {
            Self::UnderReview { core, review }
        };
        let change = Change::new(to, Action::FinishReview, &By::Person(by), at);
        let change = change.fact("reviewer", number);
        Ok(match number {
            1 => change,
            _ => change.fact("disputed", disputed),
        })
    }

    /// Ends the review before there are links. Nothing is linked: an indexing whose review was ordered has no links
    /// without it.
    ///
    /// # Errors
    /// If there is no review that has not come to links, or the person is on the project.
    pub fn end_review(
        self,
        project: &crate::project::Project,
        by: &PersonId,
        at: Timestamp,
    ) -> Result<Change<Self>, Refusal> {
        let state = self.state();
        let (Self::UnderReview { core, .. } | Self::Settled { core, .. }) = self else {
            return Err(Action::EndReview.wrong_state(Self::KIND, state));
        };
        if core.project != project.core().id {
            return Err(Refusal::Elsewhere("this indexing"));
        }
        if project.people().contains(by) {
            return Err(Refusal::OnTheProject(by.clone()));
        }
        let to = Self::Failed { core };
        let by = By::Person(by.clone());
        Ok(Change::new(to, Action::EndReview, &by, at))
    }

    /// The sealed pairs, for somebody who began to judge them and has not finished.
    ///
    /// # Errors
    /// If they may not judge them now.
    pub fn pairs_for(
        &self,
        project: &InForce,
        delivery: &Delivery,
        by: &PersonId,
        at: Timestamp,
    ) -> Result<Review, Refusal> {
        let action = Action::FinishReview;
        let (_, review) = self.clone().reviewed(action, project, delivery, by, at)?;
        if review.begun.contains(by) {
            Ok(review)
        } else {
            Err(Refusal::Invalid(
                "begin the review first: its pairs are shown to whoever began".into(),
            ))
        }
    }

    /// What is under review, if this person may work on it now.
    fn reviewed(
        self,
        action: Action,
        project: &InForce,
        delivery: &Delivery,
        by: &PersonId,
        at: Timestamp,
    ) -> Result<(super::Core, Review), Refusal> {
        let state = self.state();
        let Self::UnderReview { core, review } = self else {
            return Err(action.wrong_state(Self::KIND, state));
        };
        project.live_at(at)?;
        if core.project != project.core.id || core.delivery != delivery.core().id {
            return Err(Refusal::Elsewhere("this indexing"));
        }
        if core.manifest != project.manifest_sha256 {
            return Err(Refusal::NotApproved("the manifest of this indexing"));
        }
        must_be_apart(action, project, delivery, by)?;
        if review.finished.iter().any(|one| one.by == *by) {
            return Err(Refusal::Invalid(
                "you have judged these pairs; another indexer must judge them too".into(),
            ));
        }
        Ok((core, review))
    }
}

/// Pairs on which two people differ.
fn differ(first: &Answers, second: &Answers) -> BTreeSet<u32> {
    let says = |answers: &Answers, pair: &u32| answers.pairs.get(pair).map(|j| j.says());
    let pairs = first.pairs.keys();
    pairs
        .filter(|pair| says(first, pair) != says(second, pair))
        .copied()
        .collect()
}
