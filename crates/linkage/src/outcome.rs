//! What a linkage gives back. No value of a record is in any of it; records are named by file and row.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::spec::{Holds, LinkType};

/// How a pair was joined: the surest of the steps that it passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JoinStep {
    /// One valid CHI number, carried by no other record of either file, and at least two of birth
    /// date, sex and a name agree.
    NumberVerified,
    /// Names, birth date and home all equal, in one record of each file only.
    ExactKeys,
    /// The model, among the alternatives of both records.
    Probabilistic,
    /// People decided.
    Reviewed,
}

impl JoinStep {
    /// The name used in files.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NumberVerified => "number_verified",
            Self::ExactKeys => "exact_keys",
            Self::Probabilistic => "probabilistic",
            Self::Reviewed => "reviewed",
        }
    }
}

/// Two records held to be one person with `match_probability`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Join {
    /// Place of the first record's file in the specification.
    pub file_l: u16,
    /// Row in that file, from 0.
    pub row_l: u32,
    /// Place of the second record's file; never under `file_l`.
    pub file_r: u16,
    /// Row in that file. In one file, above `row_l`.
    pub row_r: u32,
    /// Evidence in bits for this pair among the alternatives of both records, prior included:
    /// log2 of the odds of `match_probability`, and finer than it near 1.
    pub match_weight: f64,
    /// Probability that the two are one person, the alternatives of both heard.
    pub match_probability: f64,
    /// How it was joined.
    pub step: JoinStep,
}

/// A finished linkage.
pub struct Linkage {
    /// Joins of at least the settings' `keep_probability`, by file, row, file, row. Those of at least
    /// `threshold_probability` made the clusters.
    pub joins: Vec<Join>,
    /// The person of each record, by file and row: a number from 0 in the order of first appearance.
    pub persons: Vec<Vec<u32>>,
    /// How many persons there are.
    pub persons_count: u32,
    /// The parameters; it serialises.
    pub model: LinkModel,
    /// The counts and estimates; it serialises.
    pub report: Report,
}

/// The parameters of a linkage, as a versioned file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LinkModel {
    /// Of this layout.
    pub version: u32,
    /// Definition of the string similarity.
    pub jaro_winkler: String,
    /// What was asked.
    pub link_type: LinkType,
    /// One fit for each pair of files (a dedupe has one, of a file with itself).
    pub fits: Vec<Fit>,
    /// The settings.
    pub settings: crate::Settings,
}

/// What was learned of one pair of files.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Fit {
    /// Name of the one file.
    pub left: String,
    /// Name of the other.
    pub right: String,
    /// Probability that a random pair is one person.
    pub lambda: f64,
    /// Share of the records of `left` with a record in `right`.
    pub share_left: f64,
    /// How likely a record of `left` is to have a second record in `right`, against chance: 0 in a register.
    pub repeats_left: f64,
    /// The same the other way round.
    pub repeats_right: f64,
    /// The comparisons, each field by itself.
    pub comparisons: Vec<ComparisonFit>,
    /// Kinds of pairs (settled, moved, renamed; household, twins, namesakes, …): what depends on what.
    pub kinds: Vec<KindFit>,
}

/// One comparison.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ComparisonFit {
    /// Its name.
    pub comparison: String,
    /// Weakest first. A missing value has no level and weight 0.
    pub levels: Vec<LevelFit>,
}

/// One level.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LevelFit {
    /// What it says.
    pub label: String,
    /// Share among pairs that are one person.
    pub m: f64,
    /// Share among random pairs.
    pub u: f64,
    /// log2(m/u) after levels out of order were pooled.
    pub weight: f64,
    /// Candidate pairs at this level.
    pub pairs: u64,
}

/// A kind of pairs within which the fields are taken as independent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct KindFit {
    /// Its name.
    pub kind: String,
    /// True if its pairs are one person.
    pub same_person: bool,
    /// Pairs of this kind for each record of `left`.
    pub rate: f64,
    /// Shares of levels by comparison.
    pub levels: BTreeMap<String, Vec<f64>>,
}

/// Counts and estimates of a linkage. Nothing in it belongs to one person.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// What was asked.
    pub link_type: LinkType,
    /// By file.
    pub files: Vec<FileReport>,
    /// By pair of files.
    pub pairs: Vec<PairReport>,
    /// Joins at or above the threshold by step.
    pub joins_by_step: BTreeMap<JoinStep, u64>,
    /// Joins kept below the threshold.
    pub joins_below_threshold: u64,
    /// The threshold.
    pub threshold_probability: f64,
    /// Estimates at several thresholds, lowest first.
    pub thresholds: Vec<ThresholdEstimate>,
    /// Rates by group of records: sex, decade of birth, postcode area, completeness, source.
    pub groups: Vec<GroupRate>,
    /// Joins at or above the threshold that contradict themselves.
    pub impossible: Vec<Impossible>,
    /// Clusters.
    pub clusters: ClusterReport,
    /// How some typical pairs got their weight.
    pub examples: Vec<Example>,
}

/// One file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FileReport {
    /// Its name.
    pub name: String,
    /// Records.
    pub records: u64,
    /// What was asked or found: how many records of one person it holds.
    pub holds: Holds,
    /// By column, in the order given.
    pub columns: Vec<ColumnReport>,
    /// Records in at least one join at or above the threshold.
    pub linked: u64,
    /// Records that surely match somebody, but nobody in particular.
    pub ambiguous: u64,
}

/// One column of one file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ColumnReport {
    /// Its name.
    pub name: String,
    /// Its role.
    pub role: String,
    /// Usable values.
    pub usable: u64,
    /// Nulls and blanks.
    pub missing: u64,
    /// Stand-ins (BABY, 1900-01-01, ZZ99), taken as missing.
    pub stand_ins: u64,
    /// Values that cannot be what the column says, taken as missing.
    pub invalid: u64,
}

/// One pair of files (a dedupe has one, of a file with itself).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PairReport {
    /// Name of the one file.
    pub left: String,
    /// Name of the other.
    pub right: String,
    /// The blocking rules, in the order taken.
    pub blocking: Vec<BlockingReport>,
    /// Distinct candidate pairs.
    pub candidate_pairs: u64,
    /// Distinct patterns among them.
    pub patterns: u64,
    /// Matches among the candidates, estimated.
    pub matches: f64,
    /// Share of all matches that is among the candidates, estimated from how the rules overlap.
    pub candidate_recall: f64,
    /// Candidate pairs by weight in bits, each bar one bit wide.
    pub weights: Vec<WeightBar>,
    /// Share of records whose own copy would not reach a probability: weight needed, share of `left`.
    pub unlinkables: Vec<(f64, f64)>,
    /// Rounds of learning taken.
    pub rounds: u32,
}

/// One blocking rule.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BlockingReport {
    /// The parts that must be equal.
    pub rule: String,
    /// Pairs counted before joining, keys left out for their size not counted.
    pub predicted_pairs: u64,
    /// Pairs that no earlier rule had found.
    pub new_pairs: u64,
    /// Keys that were too common and left to the narrower rules.
    pub keys_left_out: u64,
    /// Share of all matches this rule finds, estimated.
    pub recall: f64,
    /// False: it was left out, for `reason`.
    pub used: bool,
    /// In words; empty where it was used whole.
    pub reason: String,
}

/// Candidate pairs of a range of weights.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WeightBar {
    /// Lower end, in bits; one bit wide.
    pub weight: i32,
    /// Pairs.
    pub pairs: u64,
    /// Of these, matches, estimated.
    pub matches: f64,
}

/// What joins at or above a threshold would be worth, estimated without labels.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ThresholdEstimate {
    /// Probability.
    pub threshold: f64,
    /// Joins at or above it.
    pub joins: u64,
    /// Of these, false.
    pub false_joins: f64,
    /// Matches not among them, those outside the candidates included.
    pub missed: f64,
    /// 1 - false / joins.
    pub precision: f64,
    /// Right joins over all matches.
    pub recall: f64,
}

/// Records of a group.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GroupRate {
    /// What groups: `sex`, `birth_decade`, `postcode_area`, `missing_values`.
    pub by: String,
    /// Name of the file.
    pub file: String,
    /// The group. Groups under 10 records are put together as `other`.
    pub value: String,
    /// Records.
    pub records: u64,
    /// Records joined at or above the threshold.
    pub linked: u64,
    /// False joins among them, estimated.
    pub false_joins: f64,
    /// Matches missed among the others, estimated from their best candidates.
    pub missed: f64,
}

/// A contradiction in joins at or above the threshold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Impossible {
    /// In words.
    pub what: String,
    /// How many.
    pub joins: u64,
}

/// The clusters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClusterReport {
    /// Persons.
    pub persons: u64,
    /// Persons by number of records.
    pub sizes: BTreeMap<u64, u64>,
    /// Joins not used, since a person would then have two records of a file that holds one.
    pub refused: u64,
}

/// How one pair got its weight, level by level (a waterfall).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Example {
    /// What it is an example of.
    pub of: String,
    /// Steps, the prior first: what, level, bits.
    pub steps: Vec<(String, String, f64)>,
    /// Evidence in bits at the end.
    pub match_weight: f64,
    /// Probability at the end.
    pub match_probability: f64,
}
