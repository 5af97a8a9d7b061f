//! What a worker answers: counts and findings, never a value of a row (but for the result of a query,
//! which goes to the screen of the person who may see it).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::compare::{Behind, Judged};
use crate::linked::{Review, Reviewed, Scores, StageCost};

/// The end of a job that was done.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Report {
    /// A file of identifiers was read and is fit to keep.
    LoadIdentifiers {
        /// Rows, which are records.
        records: u64,
        /// Missing values by column.
        missing: BTreeMap<String, u64>,
    },
    /// A file of payload was read and is fit to keep.
    LoadPayload {
        /// Rows.
        rows: u64,
        /// Rows whose record number is not among the identifiers.
        unmatched: u64,
        /// Distinct records with at least one row.
        records: u64,
        /// Missing values by column.
        missing: BTreeMap<String, u64>,
    },
    /// Records were linked.
    Link {
        /// Records of the delivery.
        records: u64,
        /// Linked records by step.
        linked: BTreeMap<String, u64>,
        /// Records without a link.
        unlinked: u64,
        /// People of the spine.
        spine: u64,
        /// People of the spine who objected and were linked to nothing.
        objected: u64,
        /// Records that would have linked to a person who objected.
        withheld: u64,
        /// The engine's own report as JSON text: counts only.
        detail: String,
        /// What the clerical review came to, if one was ordered.
        review: Option<Reviewed>,
    },
    /// Pairs were chosen for people to judge; they were sent as `pairs.jsonl`, and no link.
    Pairs {
        /// How many, at least one.
        pairs: u32,
        /// Records of the delivery.
        records: u64,
    },
    /// Files of one's own were linked.
    LinkFiles {
        /// The engine's report as JSON text (`linkage::Report`): counts and estimates only.
        linkage: String,
        /// What each part of the work took.
        stages: Vec<StageCost>,
        /// How the links compare with the truth, if one was given.
        scores: Option<Box<Scores>>,
        /// How far reviewers agree, if their decisions were given.
        agreement: Option<Review>,
    },
    /// An extract was cut.
    Extract {
        /// For each table: its rows, people and payload rows left out, by reason.
        tables: Vec<ExtractTable>,
    },
    /// Statements were run; the results went before as [`StatementResult`] frames.
    Query {
        /// Statements run.
        statements: u32,
    },
    /// Evidence was gathered: JSON text that `disclosure::Evidence` reads.
    Check {
        /// The evidence: of one statement as it is, of several a list.
        evidence: String,
    },
    /// A request was judged.
    Judge {
        /// What the rules say.
        judged: Judged,
        /// Whether it is known who is behind what may leave of it or be shown.
        behind: Behind,
    },
    /// An output was compared again; where few people lie between, its renderings went before as
    /// [`crate::compare::RENDERINGS`].
    Again {
        /// How many times few people were found.
        found: u64,
    },
    /// What left was attacked.
    Attack {
        /// What was recovered, JSON text that holds counts and no group.
        recovered: String,
    },
    /// Finished files were looked through: for each a list of its parts, JSON text that
    /// `disclosure::inspect::Seen` reads.
    Inspect {
        /// What was seen.
        seen: String,
    },
    /// A request was priced.
    Price {
        /// SHA-256 of the canonical request, in hexadecimal.
        request_sha256: String,
        /// Tables that it reads.
        tables: Vec<String>,
        /// Rho, in units of 10^-9.
        nano_rho: u64,
        /// Delta, in units of 10^-18.
        atto_delta: u64,
        /// The whole price as JSON text.
        price: String,
    },
    /// A request was measured; the releases went before as `release.jsonl`.
    Measure {
        /// SHA-256 of the canonical request, in hexadecimal.
        request_sha256: String,
        /// Rho, in units of 10^-9.
        nano_rho: u64,
        /// Delta, in units of 10^-18.
        atto_delta: u64,
        /// Draws of the noise, which are lines of the file.
        draws: u32,
    },
    /// A dummy extract was made up; it went before as [`crate::dummy::FILE`].
    Dummy,
    /// A request was answered over made-up tables.
    Practice {
        /// The answer as JSON text, which says that it is practice.
        answer: String,
    },
    /// The measuring lane was audited.
    SelfAudit {
        /// Whether no claim was contradicted.
        holds: bool,
        /// Each case with its claim and what was seen, as JSON text.
        findings: String,
    },
    /// The walls were attacked from inside.
    SelfTest {
        /// Every attack with its outcome.
        probes: Vec<crate::posture::Probe>,
    },
}

/// Counts of one table of an extract.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExtractTable {
    /// Name of the table.
    pub name: String,
    /// Its columns, in order.
    pub columns: Vec<String>,
    /// Rows kept.
    pub rows: u64,
    /// Distinct people.
    pub people: u64,
    /// Rows left out because their record has no link.
    pub unlinked: u64,
    /// Rows left out by the approved row conditions.
    pub filtered: u64,
}

/// The result of one statement of a query job: exactly one of `result`, `error`, `killed`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StatementResult {
    /// Number of the statement in the order, from 0.
    pub statement: u32,
    /// Rows, if it ran.
    pub result: Option<Rows>,
    /// The engine's words, if it did not. May carry row values: shown in the workspace, never logged.
    pub error: Option<String>,
    /// The limit that stopped it, if one did.
    pub killed: Option<crate::limits::Limit>,
    /// Milliseconds of wall-clock time.
    pub ms: u64,
}

/// A result as typed columns and JSON values (null, bool, number, text). Numbers that JSON cannot carry
/// exactly are text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rows {
    /// Column names.
    pub columns: Vec<String>,
    /// The engine's type names.
    pub types: Vec<String>,
    /// Values by row.
    pub rows: Vec<Vec<serde_json::Value>>,
    /// Whether the row limit cut the result.
    pub truncated: bool,
}

/// The end of a job that was not done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(deny_unknown_fields)]
#[error("{message}")]
pub struct Failure {
    /// What kind of no it is.
    pub code: FailureCode,
    /// One clear sentence without any value of a row.
    pub message: String,
    /// Row of the file, from 1, not counting the header.
    pub row: Option<u64>,
    /// Column of the file.
    pub column: Option<String>,
}

/// Kinds of failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureCode {
    /// The input is not fit: a bad file, a statement that does not parse.
    BadInput,
    /// A limit was reached; the message names it.
    Limit,
    /// A sandbox layer is missing; the message names it.
    MissingLayer,
    /// The worker itself failed.
    Internal,
}
