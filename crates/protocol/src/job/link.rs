//! Jobs that link records.

use serde::{Deserialize, Serialize};

use super::Format;

/// Link the records of one delivery to the population spine.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Link {
    /// Settings of the linkage engine as JSON text (`linkage::Settings`), from `policies/linkage/`.
    pub settings: String,
    /// Whether `/in/objections.parquet` is there.
    pub objections: Objections,
    /// Which part of a linkage with a clerical review it is, or a linkage without one.
    pub review: ReviewStage,
}

/// Link files of one's own, each read-only under `/in`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LinkFiles {
    /// What to do, as JSON text (`linkage::Spec`): its files and their columns are those of `files`.
    pub spec: String,
    /// The files, in the order of the specification.
    pub files: Vec<LinkedFile>,
    /// Who is who, if it is known: columns `source`, `id` and `person`.
    pub truth: Option<TruthFile>,
    /// Pairs that people judged, to read m from: columns `source_l`, `id_l`, `source_r`, `id_r` and `match`.
    pub labels: Option<TruthFile>,
    /// One file for each reviewer, of the same columns: pairs that are joined or kept apart as both said.
    pub decisions: Vec<TruthFile>,
    /// Columns `value` and `count`, in the order of the specification's frequencies.
    pub frequencies: Vec<TruthFile>,
    /// How many pairs to choose for people to judge: makes `review.csv` and `review-key.csv`. 0: none.
    pub review: u32,
}

/// A file to link.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LinkedFile {
    /// File under `/in`.
    pub file: String,
    /// How it is written.
    pub format: Format,
    /// Column that names each record.
    pub id: String,
}

/// A file that tells who is who.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TruthFile {
    /// File under `/in`.
    pub file: String,
    /// How it is written.
    pub format: Format,
}

/// Whether a list of objections goes with a link job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Objections {
    /// No list.
    None,
    /// `/in/objections.parquet`: identifiers with a `chi` role. Spine people on it are linked to nothing.
    Listed,
}

/// Which part of a linkage with a clerical review is to be done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "stage", rename_all = "snake_case", deny_unknown_fields)]
pub enum ReviewStage {
    /// None was ordered: link.
    None,
    /// Choose at most so many pairs for people to judge, and send them and no link. Where there is none to judge the
    /// records are linked at once.
    Choose {
        /// Most pairs.
        pairs: u32,
    },
    /// Link with what people settled of the pairs in `/in/pairs.jsonl` (`crate::pairs`), in their order, under the
    /// settings that stand there.
    Settled {
        /// One for each pair.
        said: Vec<Said>,
    },
}

/// What people said of one pair: true for one person, none for who could not tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Said {
    /// The first of the two who judged every pair.
    pub first: Option<bool>,
    /// The second.
    pub second: Option<bool>,
    /// What is settled; none leaves the pair to the model.
    pub decided: Option<bool>,
}
