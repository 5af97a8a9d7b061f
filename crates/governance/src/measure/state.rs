//! What a measurement is in each of its states.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::account::Account;
use super::loss::Loss;
use crate::change::{Lifecycle, Tie, TieKind};
use crate::ids::{
    BudgetId, DatasetId, ExtractId, JobId, MeasurementId, PersonId, ProjectId, Sha256, WorkspaceId,
};

/// What every state of a measurement knows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Core {
    /// Id, from request and snapshot.
    pub id: MeasurementId,
    /// Who asks.
    pub author: PersonId,
    /// For which project.
    pub project: ProjectId,
    /// In which workspace.
    pub workspace: WorkspaceId,
    /// Of which extract.
    pub extract: ExtractId,
    /// Hash of the sealed extract: the snapshot that is asked.
    pub snapshot: Sha256,
    /// Hash of the canonical request: every spelling of the question has this one.
    pub request: Sha256,
    /// Hash of the request as it was sent, a key into the documents.
    pub text: Sha256,
    /// What it costs every account.
    pub price: Loss,
    /// The accounts, in order.
    pub accounts: BTreeSet<Account>,
    /// Families whose statement an exact release had ended when it was reserved.
    pub void: BTreeSet<BudgetId>,
    /// How often it was reserved, from 1.
    pub round: u32,
    /// For a count of people asked from the catalogue: the dataset whose controller allows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub feasibility: Option<DatasetId>,
}

/// An answer: noisy numbers that may be published.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    /// Hash of its bytes, a key into the documents.
    pub sha256: Sha256,
    /// Families whose statement an exact release had ended when it was released.
    pub void: BTreeSet<BudgetId>,
    /// When it was released; under review, when it was drawn.
    pub at: Timestamp,
}

/// Why a running measurement ended without an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lost {
    /// Its job failed, ran out of time or was cancelled.
    Failed,
    /// The front or the keeper ended while it ran.
    Interrupted,
}

impl Lost {
    /// The word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Interrupted => "interrupted",
        }
    }
}

/// A measurement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case", deny_unknown_fields)]
pub enum Measurement {
    /// Its price is held; no data was opened.
    Reserved {
        /// What it knows.
        core: Core,
        /// Since when.
        since: Timestamp,
        /// Given back unless it runs by then.
        until: Timestamp,
    },
    /// Runs under this job; data counts as read.
    Running {
        /// What it knows.
        core: Core,
        /// The one job that may open data for it.
        job: JobId,
    },
    /// Answered and charged; groups in the answer were found in the data, and an output checker looks at their
    /// labels before anybody else does.
    UnderReview {
        /// What it knows.
        core: Core,
        /// The answer, not released yet.
        answer: Answer,
    },
    /// Answered.
    Released {
        /// What it knows.
        core: Core,
        /// The answer.
        answer: Answer,
        /// Who looked at the labels that were found in the data; none where all were named in the request.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        labels_checked_by: Option<PersonId>,
    },
    /// Answered and charged, but its labels may tell somebody apart: nothing is given out.
    Withheld {
        /// What it knows.
        core: Core,
        /// The output checker.
        by: PersonId,
        /// Hash of what the author is told, a key into the documents.
        reason: Sha256,
    },
    /// Ended without an answer, and charged.
    Forfeited {
        /// What it knows.
        core: Core,
        /// Why.
        lost: Lost,
    },
    /// Ended before it ran, and not charged.
    Freed {
        /// What it knows.
        core: Core,
    },
}

impl Lifecycle for Measurement {
    const KIND: &'static str = "measurement";
    fn id(&self) -> &str {
        self.core().id.as_str()
    }
    fn project(&self) -> Option<&ProjectId> {
        Some(&self.core().project)
    }
    fn state(&self) -> &'static str {
        match self {
            Self::Reserved { .. } => "reserved",
            Self::Running { .. } => "running",
            Self::UnderReview { .. } => "under_review",
            Self::Released { .. } => "released",
            Self::Withheld { .. } => "withheld",
            Self::Forfeited { .. } => "forfeited",
            Self::Freed { .. } => "freed",
        }
    }
    fn author(&self) -> Option<&PersonId> {
        Some(&self.core().author)
    }
    fn ties(&self) -> BTreeSet<Tie> {
        let core = self.core();
        let budgets = core
            .accounts
            .iter()
            .map(|a| Tie::new(TieKind::Of, a.budget()));
        std::iter::once(Tie::new(TieKind::On, &core.author))
            .chain(budgets)
            .collect()
    }
}
