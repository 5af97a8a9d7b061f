//! What a linkage gives back: the links, the model they were judged by, and counts.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::column::Role;
use crate::model::Model;

/// How a link was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// Equal valid CHI numbers, unique in both files, and at least two more fields that agree.
    ChiVerified,
    /// The model, in competition with the other candidates.
    Probabilistic,
}

/// One record of the file and the spine record it is held to be.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Link {
    /// Ordinal in the file.
    pub left: u64,
    /// Ordinal in the spine.
    pub spine: u64,
    /// How it was made.
    pub step: Step,
    /// Evidence in bits, prior included.
    pub match_weight: f64,
    /// Probability that the link is right: among the alternatives for a probabilistic link, of the pair
    /// alone for a verified number.
    pub match_probability: f64,
}

/// Whether a blocking rule was used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Taken {
    /// Its pairs were compared.
    Used,
    /// It was left out, for the reason given.
    Skipped {
        /// In words.
        reason: String,
    },
}

/// One blocking rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleReport {
    /// Fields that must be equal.
    pub rule: String,
    /// Pairs counted before joining.
    pub predicted_pairs: u64,
    /// Whether it was used.
    pub taken: Taken,
}

/// One training block of the EM algorithm.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SessionReport {
    /// Fields that were held equal.
    pub block: String,
    /// Pairs in it.
    pub pairs: u64,
    /// Distinct agreement patterns among them.
    pub patterns: u64,
    /// Rounds taken.
    pub rounds: u32,
    /// Share of its pairs held to be matches.
    pub matches_share: f64,
}

/// Counts of a linkage. Nothing in it belongs to one person.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LinkReport {
    /// Records of the file.
    pub left_records: u64,
    /// Records of the spine.
    pub spine_records: u64,
    /// Links by step.
    pub links: BTreeMap<Step, u64>,
    /// Records of the file without a link.
    pub unlinked: u64,
    /// Of these, records that surely match someone among several equals.
    pub ambiguous: u64,
    /// Candidate pairs refused as twins or siblings: all but the forename agreed.
    pub refused_as_twins: u64,
    /// Candidate pairs refused as parent and child or namesakes: birth dates had nothing in common.
    pub refused_by_birth_date: u64,
    /// Blocking rules, in the order tried.
    pub rules: Vec<RuleReport>,
    /// Distinct candidate pairs scored.
    pub pairs_scored: u64,
    /// Training blocks.
    pub sessions: Vec<SessionReport>,
    /// Values recognised as stand-ins (BABY, 1900-01-01, ZZ99) and treated as missing, in the file.
    pub default_values_left: BTreeMap<Role, u64>,
    /// The same in the spine.
    pub default_values_spine: BTreeMap<Role, u64>,
    /// Values that cannot be what the column says, treated as missing, in the file.
    pub invalid_values_left: BTreeMap<Role, u64>,
    /// The same in the spine.
    pub invalid_values_spine: BTreeMap<Role, u64>,
}

/// A finished linkage.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Linked {
    /// At most one for each record of the file, by its ordinal's place in the file.
    pub links: Vec<Link>,
    /// The model.
    pub model: Model,
    /// The counts.
    pub report: LinkReport,
}
