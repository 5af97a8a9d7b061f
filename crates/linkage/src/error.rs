//! Why a linkage could not be done. No text here holds a value of a record.

use crate::column::Role;

/// A linkage that could not be done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    /// A pair that people judged is not one of records that are linked.
    #[error("a judged pair names a record that is not there")]
    UnknownPair,
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
    /// Linking needs two files.
    #[error("link_type \"link\" needs two files or more")]
    FilesForLink,
    /// Finding duplicates needs one file.
    #[error("link_type \"dedupe\" needs exactly one file")]
    FilesForDedupe,
    /// Too many files.
    #[error("more than {limit} files in one linkage")]
    TooManyFiles {
        /// Files allowed.
        limit: usize,
    },
    /// Two files have one name.
    #[error("two files have the same name")]
    RepeatedFile,
    /// A file without a column.
    #[error("file {} has no column with a role", .file + 1)]
    NoColumns {
        /// Its place, from 0.
        file: usize,
    },
    /// A file with too many columns.
    #[error("file {} has more than {limit} columns with a role", .file + 1)]
    TooManyColumns {
        /// Its place, from 0.
        file: usize,
        /// Columns allowed.
        limit: usize,
    },
    /// A record for a file that was not named.
    #[error("there is no file {}", .file + 1)]
    NoSuchFile {
        /// Its place, from 0.
        file: usize,
    },
    /// A record with more or fewer values than its file has columns.
    #[error("a record of file {} has {found} values for {expected} columns", .file + 1)]
    ValueCount {
        /// Its place, from 0.
        file: usize,
        /// Values it has.
        found: usize,
        /// Columns there are.
        expected: usize,
    },
    /// A blocking rule without parts, or with one that is not known.
    #[error("a blocking rule has a part that is neither a key part nor a field of the files")]
    UnknownKeyPart,
    /// An overridden comparison that no file has, or with shares that are not one of at least 0 for each level.
    #[error(
        "comparison {place} of the overrides is not one of this linkage, or its m or u is not one share for each of its levels"
    )]
    UnknownComparison {
        /// Its place, from 1.
        place: usize,
    },
    /// More columns outside the common roles than a pattern has room for.
    #[error(
        "more than {limit} columns of the roles address_2, region, nhs_number, telephone, email and field"
    )]
    TooManyExtras {
        /// Columns allowed.
        limit: usize,
    },
    /// A value is longer than any identifier is.
    #[error("column {} of file {} has a value above the limit value_bytes_max of {limit} bytes", .column + 1, .file + 1)]
    LongValue {
        /// Its file's place, from 0.
        file: usize,
        /// Its column's place, from 0.
        column: usize,
        /// Bytes allowed.
        limit: usize,
    },
    /// More records than the settings allow.
    #[error("file {} has more than {limit} records, the limit records_max", .file + 1)]
    LongFile {
        /// Its place, from 0.
        file: usize,
        /// Records allowed.
        limit: usize,
    },
    /// The records alone need more than the memory allowed.
    #[error("the linkage needs at least {needed} bytes of memory, and {allowed} are allowed")]
    Memory {
        /// Bytes needed.
        needed: u64,
        /// Bytes allowed.
        allowed: u64,
    },
    /// A Splink model that cannot be used as it is.
    #[error("Splink model: {text}")]
    Splink {
        /// What of it, in words.
        text: String,
    },
    /// Labels that cannot teach.
    #[error(
        "the labels hold {found} matches between two of the files; m is read from at least {limit}"
    )]
    FewLabels {
        /// Matches there are.
        found: usize,
        /// Matches needed.
        limit: usize,
    },
    /// Something said beside the records that this linkage has no use for.
    #[error("{text}")]
    Told {
        /// What, in words.
        text: String,
    },
    /// A kept spine that has taken as many deliveries as it may.
    #[error(
        "the spine has taken {limit} deliveries, the limit deliveries_max: it is to be kept anew"
    )]
    Deliveries {
        /// Deliveries allowed.
        limit: u32,
    },
    /// A record whose id a kept spine has.
    #[error(
        "record {row} of file {} has an id that the spine has already: a delivery holds new records", .file + 1
    )]
    KnownId {
        /// Its file's place, from 0.
        file: usize,
        /// Its place in the delivery, from 1.
        row: u64,
    },
    /// A kept spine that cannot be read.
    #[error("the kept spine is broken: {what}")]
    BrokenSpine {
        /// What of it, in words.
        what: &'static str,
    },
    /// The observer asked for the end.
    #[error("cancelled")]
    Cancelled,
}
