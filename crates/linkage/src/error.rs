//! Why a linkage could not be done. No text here holds a value of a record.

use crate::column::Role;

/// A linkage that could not be done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    /// A column does not have one value (or null) for each id.
    #[error("column {role} of the {file} has {found} values for {expected} records")]
    ColumnLength {
        /// "file" or "spine".
        file: &'static str,
        /// The column.
        role: Role,
        /// Values it has.
        found: usize,
        /// Records there are.
        expected: usize,
    },
    /// Two records of one file share an ordinal.
    #[error("the {file} uses one ordinal for two records")]
    RepeatedId {
        /// "file" or "spine".
        file: &'static str,
    },
    /// More records than the settings allow.
    #[error("the {file} has {found} records, above the limit records_max of {limit}")]
    TooManyRecords {
        /// "file" or "spine".
        file: &'static str,
        /// Records there are.
        found: usize,
        /// Records allowed.
        limit: usize,
    },
    /// A value is longer than any identifier is.
    #[error(
        "column {role} of the {file} has a value above the limit value_bytes_max of {limit} bytes"
    )]
    ValueTooLong {
        /// "file" or "spine".
        file: &'static str,
        /// The column.
        role: Role,
        /// Bytes allowed.
        limit: usize,
    },
    /// The two files share no column that any blocking rule can use.
    #[error("the file and the spine share no columns that candidate pairs can be found by")]
    NothingToBlockOn,
    /// Every blocking rule that finds pairs would pass the budget.
    #[error(
        "every blocking rule would make more candidate pairs than the limit pairs_max of {pairs_max}; the smallest would make {smallest}"
    )]
    PairBudget {
        /// Pairs allowed.
        pairs_max: u64,
        /// Pairs of the smallest rule.
        smallest: u64,
    },
    /// A setting is out of its range.
    #[error("setting {name} must be {range}")]
    Setting {
        /// The setting.
        name: &'static str,
        /// What it may be, in words.
        range: &'static str,
    },
}
