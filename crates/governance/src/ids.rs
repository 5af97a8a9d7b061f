//! Typed, prefixed ids and hashes. Made outside (ids come in by the door), checked here.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Why a text is not an id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a valid {0} id")]
pub struct BadId(&'static str);

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident $prefix:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// What every such id begins with.
            pub const PREFIX: &'static str = $prefix;

            /// The text of the id.
            #[must_use]
            pub fn as_str(&self) -> &str { &self.0 }
        }

        impl TryFrom<String> for $name {
            type Error = BadId;
            fn try_from(text: String) -> Result<Self, BadId> {
                let tail = text.strip_prefix($prefix).ok_or(BadId($prefix))?;
                let fit = (1..=40).contains(&tail.len())
                    && tail.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
                if fit { Ok(Self(text)) } else { Err(BadId($prefix)) }
            }
        }

        impl std::str::FromStr for $name {
            type Err = BadId;
            fn from_str(text: &str) -> Result<Self, BadId> { text.to_owned().try_into() }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String { id.0 }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { f.write_str(&self.0) }
        }
    )*};
}

ids! {
    /// A person with a role in the safe haven.
    PersonId "per_";
    /// A dataset in the catalogue.
    DatasetId "dst_";
    /// One delivery of a dataset: its identifiers and its payload.
    DeliveryId "del_";
    /// A project, from its first draft to its end.
    ProjectId "prj_";
    /// The indexing of one delivery for one project.
    IndexingId "idx_";
    /// An extract.
    ExtractId "ext_";
    /// A workspace.
    WorkspaceId "wsp_";
    /// A recovery of what somebody left in a workspace.
    RecoveryId "rec_";
    /// An output that somebody wants out.
    OutputId "out_";
    /// A job of the keeper.
    JobId "job_";
    /// A comment on an application or an output.
    CommentId "com_";
    /// A refusal of the keeper.
    KeeperRefusalId "ref_";
    /// The privacy budget of a dataset and of its copies.
    BudgetId "bud_";
    /// A question put to one snapshot under differential privacy.
    MeasurementId "msr_";
}

impl BudgetId {
    /// The budget of a dataset. One dataset has one, by construction.
    #[must_use]
    pub fn of(dataset: &DatasetId) -> Self {
        let tail = dataset.as_str().trim_start_matches(DatasetId::PREFIX);
        Self(format!("{}{tail}", Self::PREFIX))
    }
}

impl MeasurementId {
    /// The one measurement of a canonical request on a snapshot: 80 bits of the hash of each. Two requests that
    /// share an id are told apart by their whole hashes, and the second is refused.
    #[must_use]
    pub fn of(request: &Sha256, snapshot: &Sha256) -> Self {
        let half = |hash: &Sha256| hash.0.chars().take(20).collect::<String>();
        Self(format!(
            "{}{}{}",
            Self::PREFIX,
            half(request),
            half(snapshot)
        ))
    }
}

/// A SHA-256 in lower-case hex.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Sha256(String);

impl Sha256 {
    /// The hex text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Sha256 {
    type Error = BadId;
    fn try_from(text: String) -> Result<Self, BadId> {
        let fit = text.len() == 64
            && text
                .bytes()
                .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        if fit {
            Ok(Self(text))
        } else {
            Err(BadId("SHA-256"))
        }
    }
}

impl From<Sha256> for String {
    fn from(hash: Sha256) -> String {
        hash.0
    }
}

impl fmt::Display for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
