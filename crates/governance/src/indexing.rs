//! Indexing: the records of one delivery linked to the spine for one project, by somebody who sees no payload.
//!
//! Where a clerical review was ordered ([`review`]), the records are linked twice: once to choose the pairs that
//! people judge, and again with what they settled. Until then there is no link.

pub mod review;

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::action::Action;
use crate::change::{By, Change, Lifecycle, Tie, TieKind};
use crate::delivery::{Delivery, SealedFile};
use crate::ids::{DeliveryId, IndexingId, PersonId, ProjectId, Sha256};
use crate::project::InForce;
use crate::refusal::Refusal;
use review::{Agreed, Review};

/// What is linked to what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Core {
    /// Id.
    pub id: IndexingId,
    /// For which project.
    pub project: ProjectId,
    /// Under which manifest.
    pub manifest: Sha256,
    /// The delivery whose records are linked.
    pub delivery: DeliveryId,
    /// The delivery that is the spine.
    pub spine: DeliveryId,
    /// The delivery that lists objections, if the controllers keep one.
    pub objections: Option<DeliveryId>,
    /// Most pairs that people judge before there are links; 0 for no clerical review.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub review: u32,
}

/// To what a delivery is linked, and whose links are withheld.
#[derive(Debug, Clone, Copy)]
pub struct Registers<'a> {
    /// The spine.
    pub spine: &'a Delivery,
    /// The list of objections, if the controllers keep one.
    pub objections: Option<&'a Delivery>,
}

/// Counts of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Counts {
    /// Records of the delivery.
    pub records: u64,
    /// Records with a link.
    pub linked: u64,
    /// Records whose link was withheld because the person objected.
    pub withheld: u64,
    /// People of the spine who objected.
    pub objected: u64,
    /// What the clerical review came to, if one was ordered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub review: Option<Agreed>,
}

/// An indexing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case", deny_unknown_fields)]
pub enum Indexing {
    /// Waits for the keeper.
    Ordered {
        /// What is linked to what.
        core: Core,
    },
    /// People judge pairs of records; there is no link yet.
    UnderReview {
        /// What is linked to what.
        core: Core,
        /// The pairs and who judged them.
        review: Review,
    },
    /// Everything is judged; waits for the keeper to link with what was settled.
    Settled {
        /// What is linked to what.
        core: Core,
        /// The pairs and who judged them.
        review: Review,
    },
    /// Done.
    Indexed {
        /// What is linked to what.
        core: Core,
        /// Record ordinal to spine ordinal; never leaves the indexing room.
        links: SealedFile,
        /// Record ordinal to the project's pseudonym; the extract's map.
        map: SealedFile,
        /// Counts.
        counts: Counts,
    },
    /// Did not work.
    Failed {
        /// What was to be linked to what.
        core: Core,
    },
}

impl Lifecycle for Indexing {
    const KIND: &'static str = "indexing";
    fn id(&self) -> &str {
        self.core().id.as_str()
    }
    fn project(&self) -> Option<&ProjectId> {
        Some(&self.core().project)
    }
    fn state(&self) -> &'static str {
        match self {
            Self::Ordered { .. } => "ordered",
            Self::UnderReview { .. } => "under_review",
            Self::Settled { .. } => "settled",
            Self::Indexed { .. } => "indexed",
            Self::Failed { .. } => "failed",
        }
    }
    fn ties(&self) -> BTreeSet<Tie> {
        let mut ties = BTreeSet::from([Tie::new(TieKind::Of, &self.core().delivery)]);
        if let Self::UnderReview { review, .. } = self {
            let finished = review.finished.iter();
            ties.extend(finished.map(|one| Tie::new(TieKind::Spoke, &one.by)));
        }
        ties
    }
}

impl Indexing {
    /// What is linked to what.
    #[must_use]
    pub fn core(&self) -> &Core {
        match self {
            Self::Ordered { core }
            | Self::UnderReview { core, .. }
            | Self::Settled { core, .. }
            | Self::Indexed { core, .. }
            | Self::Failed { core } => core,
        }
    }

    /// Orders the indexing of a delivery for a project, without a clerical review.
    ///
    /// # Errors
    /// As [`Indexing::order_reviewed`].
    pub fn order(
        id: IndexingId,
        project: &InForce,
        delivery: &Delivery,
        spine: &Delivery,
        objections: Option<&Delivery>,
        by: &PersonId,
        at: Timestamp,
    ) -> Result<Change<Self>, Refusal> {
        let registers = Registers { spine, objections };
        Self::order_reviewed(id, project, delivery, registers, 0, by, at)
    }

    /// Orders the indexing of a delivery for a project. Before there are links people judge at most so many pairs;
    /// none for 0.
    ///
    /// # Errors
    /// If the project is not live, does not include the dataset, a delivery is not complete, or the indexer
    /// is on the project or has delivered payload.
    pub fn order_reviewed(
        id: IndexingId,
        project: &InForce,
        delivery: &Delivery,
        Registers { spine, objections }: Registers<'_>,
        pairs: u32,
        by: &PersonId,
        at: Timestamp,
    ) -> Result<Change<Self>, Refusal> {
        project.live_at(at)?;
        must_be_apart(Action::OrderIndexing, project, delivery, by)?;
        project.must_include(&delivery.core().dataset)?;
        for other in std::iter::once(spine).chain(objections) {
            if other.payload().is_some() || !other.is_complete() {
                return Err(Refusal::Invalid(
                    "a spine or objection list must be a complete delivery of identifiers".into(),
                ));
            }
        }
        let core = Core {
            id,
            project: project.core.id.clone(),
            manifest: project.manifest_sha256.clone(),
            delivery: delivery.core().id.clone(),
            spine: spine.core().id.clone(),
            objections: objections.map(|o| o.core().id.clone()),
            review: pairs,
        };
        let said = core.clone();
        let list = said.objections.as_ref().map_or("none", |o| o.as_str());
        let by = By::Person(by.clone());
        let change = Change::new(Self::Ordered { core }, Action::OrderIndexing, &by, at)
            .fact("delivery", &said.delivery)
            .fact("spine", &said.spine)
            .fact("objections", list)
            .fact("manifest", &said.manifest);
        Ok(match pairs {
            0 => change,
            pairs => change.fact("review", pairs),
        })
    }

    /// The keeper linked and keyed the records.
    ///
    /// # Errors
    /// If it waits for no keeper, or a review that was ordered was not held.
    pub fn complete(
        self,
        links: SealedFile,
        map: SealedFile,
        counts: Counts,
        at: Timestamp,
    ) -> Result<Change<Self>, Refusal> {
        let state = self.state();
        let (core, judged) = match self {
            // Where there was no pair to judge the first run is the last.
            Self::Ordered { core } => {
                let due = (core.review > 0).then_some(0);
                (core, due)
            }
            Self::Settled { core, review } => (core, Some(review.count)),
            Self::UnderReview { .. } | Self::Indexed { .. } | Self::Failed { .. } => {
                return Err(Action::CompleteIndexing.wrong_state(Self::KIND, state));
            }
        };
        if counts.review.as_ref().map(|review| review.pairs) != judged {
            return Err(Refusal::Invalid(
                "the records were not linked with the review that was ordered".into(),
            ));
        }
        let said = counts.clone();
        let to = Self::Indexed {
            core,
            links,
            map,
            counts,
        };
        let change = Change::new(to, Action::CompleteIndexing, &By::System, at)
            .fact("records", said.records)
            .fact("linked", said.linked)
            .fact("withheld", said.withheld)
            .fact("objected", said.objected);
        Ok(match said.review {
            None => change,
            Some(review) => change
                .fact("pairs", review.pairs)
                .fact("both", review.both)
                .fact("alike", review.alike)
                .fact("undecided", review.undecided)
                .fact("joined", review.joined)
                .fact("parted", review.parted),
        })
    }

    /// It did not work. What people settled outlives a run that did not: it is linked again, or the review is ended.
    ///
    /// # Errors
    /// If it was not ordered.
    pub fn fail(self, at: Timestamp) -> Result<Change<Self>, Refusal> {
        let state = self.state();
        let Self::Ordered { core } = self else {
            return Err(Action::FailIndexing.wrong_state(Self::KIND, state));
        };
        Ok(Change::new(
            Self::Failed { core },
            Action::FailIndexing,
            &By::System,
            at,
        ))
    }
}

/// Whoever works on identifiers is not on the project and delivers no payload of theirs.
fn must_be_apart(
    action: Action,
    project: &InForce,
    delivery: &Delivery,
    by: &PersonId,
) -> Result<(), Refusal> {
    project.must_not_be_on(by)?;
    let Some(payload) = delivery.payload() else {
        return Err(action.wrong_state(Delivery::KIND, delivery.state()));
    };
    if payload.by == *by {
        return Err(Refusal::Invalid(
            "nobody who delivers payload indexes; another indexer must do this".into(),
        ));
    }
    Ok(())
}

fn is_zero(n: &u32) -> bool {
    *n == 0
}
