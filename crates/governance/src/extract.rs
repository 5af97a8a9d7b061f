//! Extracts: the approved columns and rows of a project, under its pseudonyms, sealed.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::action::Action;
use crate::change::{By, Change, Lifecycle};
use crate::delivery::SealedFile;
use crate::ids::{ExtractId, IndexingId, PersonId, ProjectId, Sha256};
use crate::indexing::Indexing;
use crate::project::InForce;
use crate::refusal::Refusal;

/// What an extract is made of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Core {
    /// Id.
    pub id: ExtractId,
    /// For which project.
    pub project: ProjectId,
    /// Under which manifest.
    pub manifest: Sha256,
    /// One indexing for each approved dataset, in the manifest's order.
    pub indexings: Vec<IndexingId>,
}

/// Counts of one table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Table {
    /// Name.
    pub name: String,
    /// Columns, in order.
    pub columns: Vec<String>,
    /// Rows.
    pub rows: u64,
    /// Distinct people.
    pub people: u64,
    /// Rows left out for want of a link.
    pub unlinked: u64,
    /// Rows left out by the approved conditions.
    pub filtered: u64,
}

/// An extract.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case", deny_unknown_fields)]
pub enum Extract {
    /// Waits for the keeper.
    Ordered {
        /// What it is made of.
        core: Core,
    },
    /// Made and sealed.
    Sealed {
        /// What it is made of.
        core: Core,
        /// The database file.
        file: SealedFile,
        /// Counts by table.
        tables: Vec<Table>,
    },
    /// Destroyed with its project.
    Destroyed {
        /// What it was made of.
        core: Core,
        /// Hash of the keeper's certificate.
        certificate: Sha256,
    },
    /// Did not work.
    Failed {
        /// What it was to be made of.
        core: Core,
    },
}

impl Lifecycle for Extract {
    const KIND: &'static str = "extract";
    fn id(&self) -> &str {
        self.core().id.as_str()
    }
    fn project(&self) -> Option<&ProjectId> {
        Some(&self.core().project)
    }
    fn state(&self) -> &'static str {
        match self {
            Self::Ordered { .. } => "ordered",
            Self::Sealed { .. } => "sealed",
            Self::Destroyed { .. } => "destroyed",
            Self::Failed { .. } => "failed",
        }
    }
}

impl Extract {
    /// What it is made of.
    #[must_use]
    pub fn core(&self) -> &Core {
        match self {
            Self::Ordered { core }
            | Self::Sealed { core, .. }
            | Self::Destroyed { core, .. }
            | Self::Failed { core } => core,
        }
    }

    /// Orders the extract of a project. `indexings` holds each with the dataset of its delivery.
    ///
    /// # Errors
    /// If the project is not live, an indexing is not done or is another project's, or there is not exactly
    /// one for each approved dataset; or the data steward is on the project.
    pub fn order(
        id: ExtractId,
        project: &InForce,
        indexings: &[(crate::ids::DatasetId, Indexing)],
        by: &PersonId,
        at: Timestamp,
    ) -> Result<Change<Self>, Refusal> {
        project.live_at(at)?;
        project.must_not_be_on(by)?;
        let mut chosen = Vec::with_capacity(project.manifest.datasets.len());
        for asked in &project.manifest.datasets {
            let mut of_it = indexings.iter().filter(|(d, _)| *d == asked.dataset);
            let (Some((_, indexing)), None) = (of_it.next(), of_it.next()) else {
                return Err(Refusal::Invalid(format!(
                    "an extract needs exactly one indexing of {}",
                    asked.dataset
                )));
            };
            let core = indexing.core();
            if core.project != project.core.id || core.manifest != project.manifest_sha256 {
                return Err(Refusal::Elsewhere("an indexing"));
            }
            let Indexing::Indexed { .. } = indexing else {
                return Err(Action::OrderExtract.wrong_state(Indexing::KIND, indexing.state()));
            };
            chosen.push(core.id.clone());
        }
        if chosen.len() != indexings.len() {
            return Err(Refusal::NotApproved("one of the datasets"));
        }
        let words = chosen.iter().map(ToString::to_string).collect::<Vec<_>>();
        let core = Core {
            id,
            project: project.core.id.clone(),
            manifest: project.manifest_sha256.clone(),
            indexings: chosen,
        };
        let manifest = core.manifest.clone();
        let by = By::Person(by.clone());
        Ok(
            Change::new(Self::Ordered { core }, Action::OrderExtract, &by, at)
                .fact("manifest", &manifest)
                .fact("indexings", words),
        )
    }

    /// The keeper made and sealed it.
    ///
    /// # Errors
    /// If it was not ordered.
    pub fn seal(
        self,
        file: SealedFile,
        tables: Vec<Table>,
        at: Timestamp,
    ) -> Result<Change<Self>, Refusal> {
        let state = self.state();
        let Self::Ordered { core } = self else {
            return Err(Action::SealExtract.wrong_state(Self::KIND, state));
        };
        let (hash, rows) = (
            file.sha256.clone(),
            tables.iter().map(|t| t.rows).sum::<u64>(),
        );
        let to = Self::Sealed { core, file, tables };
        Ok(Change::new(to, Action::SealExtract, &By::System, at)
            .fact("sha256", &hash)
            .fact("rows", rows))
    }

    /// It did not work.
    ///
    /// # Errors
    /// If it was not ordered.
    pub fn fail(self, at: Timestamp) -> Result<Change<Self>, Refusal> {
        let state = self.state();
        let Self::Ordered { core } = self else {
            return Err(Action::FailExtract.wrong_state(Self::KIND, state));
        };
        Ok(Change::new(
            Self::Failed { core },
            Action::FailExtract,
            &By::System,
            at,
        ))
    }
}
