//! Deliveries: identifiers and payload of a dataset, in two flows by two people, kept whole or not at all.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::action::Action;
use crate::change::{By, Change, Lifecycle, Tie, TieKind};
use crate::dataset::{Dataset, Purpose};
use crate::ids::{DatasetId, DeliveryId, PersonId, ProjectId, Sha256};
use crate::refusal::Refusal;

/// A sealed file that the keeper holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SealedFile {
    /// Name under the keeper's `sealed/` folder.
    pub name: String,
    /// SHA-256 of what it holds, before sealing.
    pub sha256: Sha256,
    /// Bytes it holds.
    pub bytes: u64,
}

/// Identifiers as kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeptIdentifiers {
    /// Who delivered them.
    pub by: PersonId,
    /// Columns with linkage roles, by record ordinal.
    pub file: SealedFile,
    /// Sorted record numbers; the payload flow reads them to check its rows.
    pub records_file: SealedFile,
    /// Records.
    pub records: u64,
}

/// Payload as kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeptPayload {
    /// Who delivered it.
    pub by: PersonId,
    /// Typed columns, by record ordinal.
    pub file: SealedFile,
    /// Event ids in row order, if the dataset numbers events.
    pub events_file: Option<SealedFile>,
    /// Rows.
    pub rows: u64,
    /// Rows without identifiers.
    pub unmatched: u64,
}

/// What every state of a delivery knows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Core {
    /// Id.
    pub id: DeliveryId,
    /// Of which dataset.
    pub dataset: DatasetId,
}

/// A delivery.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case", deny_unknown_fields)]
pub enum Delivery {
    /// A file of identifiers is being read.
    Opened {
        /// Id and dataset.
        core: Core,
        /// Who delivers identifiers.
        by: PersonId,
    },
    /// Identifiers are kept. A dataset of identifiers only is then complete.
    Identified {
        /// Id and dataset.
        core: Core,
        /// The identifiers.
        identifiers: KeptIdentifiers,
        /// Whether payload follows.
        payload: PayloadDue,
    },
    /// Identifiers and payload are kept.
    Complete {
        /// Id and dataset.
        core: Core,
        /// The identifiers.
        identifiers: KeptIdentifiers,
        /// The payload.
        payload: KeptPayload,
    },
    /// The identifiers were refused and nothing is kept.
    Refused {
        /// Id and dataset.
        core: Core,
    },
}

/// Whether a delivery waits for payload.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PayloadDue {
    /// None will come: a spine or an objection list.
    None,
    /// Awaited.
    Due,
    /// A file is being read.
    Reading {
        /// Who delivers it.
        by: PersonId,
    },
}

impl Lifecycle for Delivery {
    const KIND: &'static str = "delivery";
    fn id(&self) -> &str {
        self.core().id.as_str()
    }
    fn project(&self) -> Option<&ProjectId> {
        None
    }
    fn state(&self) -> &'static str {
        match self {
            Self::Opened { .. } => "opened",
            Self::Identified { payload, .. } => match payload {
                PayloadDue::None => "complete",
                PayloadDue::Due => "identified",
                PayloadDue::Reading { .. } => "reading",
            },
            Self::Complete { .. } => "complete",
            Self::Refused { .. } => "refused",
        }
    }
    fn ties(&self) -> BTreeSet<Tie> {
        BTreeSet::from([Tie::new(TieKind::Of, &self.core().dataset)])
    }
}

impl Delivery {
    /// Id and dataset.
    #[must_use]
    pub fn core(&self) -> &Core {
        match self {
            Self::Opened { core, .. }
            | Self::Identified { core, .. }
            | Self::Complete { core, .. }
            | Self::Refused { core } => core,
        }
    }

    /// The identifiers, once kept.
    #[must_use]
    pub fn identifiers(&self) -> Option<&KeptIdentifiers> {
        match self {
            Self::Identified { identifiers, .. } | Self::Complete { identifiers, .. } => {
                Some(identifiers)
            }
            Self::Opened { .. } | Self::Refused { .. } => None,
        }
    }

    /// The payload, once kept.
    #[must_use]
    pub fn payload(&self) -> Option<&KeptPayload> {
        match self {
            Self::Complete { payload, .. } => Some(payload),
            Self::Opened { .. } | Self::Identified { .. } | Self::Refused { .. } => None,
        }
    }

    /// Whether everything that belongs to it is kept.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.state() == "complete"
    }

    /// Begins a delivery with a file of identifiers.
    ///
    /// # Errors
    /// If another person was named for it or the controller's instruction is not in force.
    pub fn open(
        id: DeliveryId,
        dataset: &Dataset,
        by: &PersonId,
        at: Timestamp,
    ) -> Result<Change<Self>, Refusal> {
        dataset.instructed_at(at)?;
        if *by != dataset.identifiers_from {
            return Err(Refusal::NotTheProvider {
                what: "identifiers",
                dataset: dataset.id.clone(),
            });
        }
        let core = Core {
            id,
            dataset: dataset.id.clone(),
        };
        let to = Self::Opened {
            core,
            by: by.clone(),
        };
        Ok(
            Change::new(to, Action::DeliverIdentifiers, &By::Person(by.clone()), at)
                .fact("dataset", &dataset.id),
        )
    }

    /// The keeper read the identifiers and sealed them.
    ///
    /// # Errors
    /// If no identifiers were being read, or the delivery is another dataset's.
    pub fn keep_identifiers(
        self,
        dataset: &Dataset,
        file: SealedFile,
        records_file: SealedFile,
        records: u64,
        at: Timestamp,
    ) -> Result<Change<Self>, Refusal> {
        let state = self.state();
        let Self::Opened { core, by } = self else {
            return Err(Action::KeepIdentifiers.wrong_state(Self::KIND, state));
        };
        if core.dataset != dataset.id {
            return Err(Refusal::Elsewhere("this delivery"));
        }
        let payload = match dataset.dictionary.purpose {
            Purpose::Spine | Purpose::Objections => PayloadDue::None,
            Purpose::Payload => PayloadDue::Due,
        };
        let sha256 = file.sha256.clone();
        let identifiers = KeptIdentifiers {
            by,
            file,
            records_file,
            records,
        };
        let to = Self::Identified {
            core,
            identifiers,
            payload,
        };
        Ok(Change::new(to, Action::KeepIdentifiers, &By::System, at)
            .fact("records", records)
            .fact("sha256", &sha256))
    }

    /// The identifiers were not fit to keep.
    ///
    /// # Errors
    /// If no identifiers were being read.
    pub fn refuse_identifiers(self, at: Timestamp) -> Result<Change<Self>, Refusal> {
        let state = self.state();
        let Self::Opened { core, .. } = self else {
            return Err(Action::RefuseIdentifiers.wrong_state(Self::KIND, state));
        };
        Ok(Change::new(
            Self::Refused { core },
            Action::RefuseIdentifiers,
            &By::System,
            at,
        ))
    }

    /// Begins to read a file of payload.
    ///
    /// # Errors
    /// If identifiers are not kept yet, payload is there already, or the person is not the one named, or is
    /// the one who delivered the identifiers.
    pub fn open_payload(
        self,
        dataset: &Dataset,
        by: &PersonId,
        at: Timestamp,
    ) -> Result<Change<Self>, Refusal> {
        dataset.instructed_at(at)?;
        let state = self.state();
        let Self::Identified {
            core,
            identifiers,
            payload: PayloadDue::Due,
        } = self
        else {
            return Err(Action::DeliverPayload.wrong_state(Self::KIND, state));
        };
        if core.dataset != dataset.id {
            return Err(Refusal::Elsewhere("this delivery"));
        }
        if *by != dataset.payload_from {
            return Err(Refusal::NotTheProvider {
                what: "payload",
                dataset: core.dataset,
            });
        }
        if *by == identifiers.by {
            return Err(Refusal::SameProviderTwice);
        }
        let payload = PayloadDue::Reading { by: by.clone() };
        let to = Self::Identified {
            core,
            identifiers,
            payload,
        };
        Ok(Change::new(
            to,
            Action::DeliverPayload,
            &By::Person(by.clone()),
            at,
        ))
    }

    /// The keeper read the payload and sealed it.
    ///
    /// # Errors
    /// If no payload was being read.
    pub fn keep_payload(
        self,
        file: SealedFile,
        events_file: Option<SealedFile>,
        rows: u64,
        unmatched: u64,
        at: Timestamp,
    ) -> Result<Change<Self>, Refusal> {
        let state = self.state();
        let Self::Identified {
            core,
            identifiers,
            payload: PayloadDue::Reading { by },
        } = self
        else {
            return Err(Action::KeepPayload.wrong_state(Self::KIND, state));
        };
        let sha256 = file.sha256.clone();
        let payload = KeptPayload {
            by,
            file,
            events_file,
            rows,
            unmatched,
        };
        let to = Self::Complete {
            core,
            identifiers,
            payload,
        };
        Ok(Change::new(to, Action::KeepPayload, &By::System, at)
            .fact("rows", rows)
            .fact("unmatched", unmatched)
            .fact("sha256", &sha256))
    }

    /// The payload was not fit to keep. The identifiers stay; another file may follow.
    ///
    /// # Errors
    /// If no payload was being read.
    pub fn refuse_payload(self, at: Timestamp) -> Result<Change<Self>, Refusal> {
        let state = self.state();
        let Self::Identified {
            core,
            identifiers,
            payload: PayloadDue::Reading { .. },
        } = self
        else {
            return Err(Action::RefusePayload.wrong_state(Self::KIND, state));
        };
        let to = Self::Identified {
            core,
            identifiers,
            payload: PayloadDue::Due,
        };
        Ok(Change::new(to, Action::RefusePayload, &By::System, at))
    }
}
