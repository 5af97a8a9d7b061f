//! Indexing: the records of one delivery linked to the spine for one project, by somebody who sees no payload.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::action::Action;
use crate::change::{By, Change, Lifecycle, Tie, TieKind};
use crate::delivery::{Delivery, SealedFile};
use crate::ids::{DeliveryId, IndexingId, PersonId, ProjectId, Sha256};
use crate::project::InForce;
use crate::refusal::Refusal;

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
            Self::Indexed { .. } => "indexed",
            Self::Failed { .. } => "failed",
        }
    }
    fn ties(&self) -> BTreeSet<Tie> {
        BTreeSet::from([Tie::new(TieKind::Of, &self.core().delivery)])
    }
}

impl Indexing {
    /// What is linked to what.
    #[must_use]
    pub fn core(&self) -> &Core {
        match self {
            Self::Ordered { core } | Self::Indexed { core, .. } | Self::Failed { core } => core,
        }
    }

    /// Orders the indexing of a delivery for a project.
    ///
    /// # Errors
    /// If the project is not live, does not include the dataset, a delivery is not complete, or the indexer
    /// is on the project or has delivered payload.
    pub fn order(
        id: IndexingId,
        project: &InForce,
        delivery: &Delivery,
        spine: &Delivery,
        objections: Option<&Delivery>,
        by: &PersonId,
        at: Timestamp,
    ) -> Result<Change<Self>, Refusal> {
        project.live_at(at)?;
        project.must_not_be_on(by)?;
        let Some(payload) = delivery.payload() else {
            return Err(Action::OrderIndexing.wrong_state(Delivery::KIND, delivery.state()));
        };
        if payload.by == *by {
            return Err(Refusal::Invalid(
                "nobody who delivers payload indexes; another indexer must do this".into(),
            ));
        }
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
        };
        let said = core.clone();
        let list = said.objections.as_ref().map_or("none", |o| o.as_str());
        let by = By::Person(by.clone());
        Ok(
            Change::new(Self::Ordered { core }, Action::OrderIndexing, &by, at)
                .fact("delivery", &said.delivery)
                .fact("spine", &said.spine)
                .fact("objections", list)
                .fact("manifest", &said.manifest),
        )
    }

    /// The keeper linked and keyed the records.
    ///
    /// # Errors
    /// If it was not ordered.
    pub fn complete(
        self,
        links: SealedFile,
        map: SealedFile,
        counts: Counts,
        at: Timestamp,
    ) -> Result<Change<Self>, Refusal> {
        let state = self.state();
        let Self::Ordered { core } = self else {
            return Err(Action::CompleteIndexing.wrong_state(Self::KIND, state));
        };
        let said = counts.clone();
        let to = Self::Indexed {
            core,
            links,
            map,
            counts,
        };
        Ok(Change::new(to, Action::CompleteIndexing, &By::System, at)
            .fact("records", said.records)
            .fact("linked", said.linked)
            .fact("withheld", said.withheld)
            .fact("objected", said.objected))
    }

    /// It did not work.
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
