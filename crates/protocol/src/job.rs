//! What a worker may be asked to do: one variant for each job kind, with the names of its input files.

mod link;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::compare::{Again, Attack, Judge};
use crate::dummy::Dummy;
use crate::limits::Limits;
use crate::model::Model;

pub use link::{Link, LinkFiles, LinkedFile, Objections, ReviewStage, Said, TruthFile};

/// A job with its limits. A worker reads it only once it is sealed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Order {
    /// What to do.
    pub job: Job,
    /// Within which limits.
    pub limits: Limits,
}

/// The kinds of work. The input files of each are fixed, so that no job holds both rooms:
/// identifiers and payload never meet in one worker.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Job {
    /// Reads `/in/delivery`; makes `identifiers.parquet` and `records`.
    LoadIdentifiers(LoadIdentifiers),
    /// Reads `/in/delivery` and `/in/records`; makes `payload.parquet` and, with an event column, `events`.
    LoadPayload(LoadPayload),
    /// Reads `/in/identifiers.parquet`, `/in/spine.parquet` and, where there are objections,
    /// `/in/objections.parquet`; makes `links`, `links.parquet` and `model.json`, or `pairs.jsonl` for people to judge.
    Link(Link),
    /// Reads the payload, map and event files that its tables name; makes `extract.duckdb`.
    Extract(Extract),
    /// Runs statements and sends rows.
    Query(Query),
    /// Reads the files that it names; makes `links.parquet`, `clusters.parquet` and `model.json`. Never used
    /// within a safe haven.
    LinkFiles(LinkFiles),
    /// Runs generated SQL and sends the evidence behind every cell of one statement.
    Check(Check),
    /// Fits a model and sends its design and the evidence of the tables behind it.
    Model(Model),
    /// Looks through the files that it names and sends what is seen of each.
    Inspect(Inspect),
    /// Prices a request for differentially private statistics. Reads nothing.
    Price(Price),
    /// Measures such a request and sends `release.jsonl`: one JSON line for each draw of the noise.
    Measure(Measure),
    /// Makes `dummy.duckdb` up. Reads nothing.
    Dummy(Dummy),
    /// Answers such a request over made-up tables, for practice. Reads nothing.
    Practice(Practice),
    /// Draws over made-up neighbours and holds what is seen against what is claimed. Reads nothing.
    SelfAudit(SelfAudit),
    /// Reads `evidence.json`, `people.bin`, `ordinals.bin` and `register.bin`; makes `tables.bin`.
    Judge(Judge),
    /// Reads `tables.bin`, `renderings.json` and `register.bin`; makes `renderings.json`.
    Again(Again),
    /// Reads `register.bin`.
    Attack(Attack),
    /// Attacks its own walls and reports each as held or broken. Reads nothing.
    SelfTest,
}

impl Job {
    /// What a query or a check reads, and its statement; none for any other work.
    #[must_use]
    pub fn statement(&self) -> Option<(&Source, &str)> {
        match self {
            Self::Query(query) => Some((&query.source, &query.sql)),
            Self::Check(check) => Some((&check.source, &check.sql)),
            Self::LoadIdentifiers(_)
            | Self::LoadPayload(_)
            | Self::Link(_)
            | Self::LinkFiles(_)
            | Self::Extract(_)
            | Self::Model(_)
            | Self::Inspect(_)
            | Self::Price(_)
            | Self::Measure(_)
            | Self::Dummy(_)
            | Self::Practice(_)
            | Self::SelfAudit(_)
            | Self::Judge(_)
            | Self::Again(_)
            | Self::Attack(_)
            | Self::SelfTest => None,
        }
    }
}

/// How a delivered file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// RFC 4180 with a header line, UTF-8.
    Csv,
    /// Apache Parquet.
    Parquet,
}

/// Identifiers of one delivery: a record number and columns with linkage roles.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LoadIdentifiers {
    /// How the file is written.
    pub format: Format,
    /// Name of the column that holds the record number.
    pub record: String,
    /// Column name to linkage role (`forename`, `surname`, `date_of_birth`, `sex`, `postcode`, `chi`, …).
    /// Every column of the file must be named here or be the record number.
    pub roles: BTreeMap<String, String>,
}

/// Payload of one delivery: rows that cite the record numbers of its identifiers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LoadPayload {
    /// How the file is written.
    pub format: Format,
    /// Name of the column that holds the record number. It is replaced by the record's ordinal.
    pub record: String,
    /// Column that numbers the event of a row (an encounter, an episode), if the dataset has one.
    pub event: Option<String>,
    /// Every other column, in order. A file with a column more or less is refused.
    pub columns: Vec<Column>,
    /// What to do with rows whose record number is not among the identifiers.
    pub unmatched: Unmatched,
}

/// A column of a dataset as its data dictionary declares it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Column {
    /// Name in the delivered file and in the catalogue.
    pub name: String,
    /// What each value must parse as.
    pub kind: ColumnKind,
    /// Whether every row must have a value.
    pub presence: Presence,
}

/// What the values of a column are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ColumnKind {
    /// UTF-8 text.
    Text,
    /// 64-bit signed integer.
    Integer,
    /// Finite 64-bit number.
    Number,
    /// `YYYY-MM-DD`.
    Date,
    /// Date of birth, `YYYY-MM-DD`. Reaches an extract only transformed.
    DateOfBirth,
    /// UK postcode. Reaches an extract only transformed.
    Postcode,
}

/// Whether a value may be absent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Presence {
    /// An empty value is a fault of the file.
    Required,
    /// An empty value is missing.
    Optional,
}

/// What to do with payload rows whose record number is not among the identifiers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unmatched {
    /// Refuse the delivery whole, naming the first such row.
    Refuse,
    /// Keep the rows without a record; they are counted and reach no linked extract.
    Keep,
}

/// Cut the approved columns and rows and replace record ordinals by pseudonyms.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Extract {
    /// One table for each approved dataset.
    pub tables: Vec<TablePlan>,
}

/// One table of an extract.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TablePlan {
    /// Name of the table in the extract.
    pub name: String,
    /// File under `/in` with the payload (Parquet; column `record` is the ordinal).
    pub payload: String,
    /// File under `/in` with 25-byte entries: record ordinal (u64, little endian), person pseudonym
    /// (16 bytes), link band (u8).
    pub map: String,
    /// File under `/in` with one 16-byte event pseudonym for each payload row, in row order, where approved.
    pub events: Option<String>,
    /// Approved columns, in order. The extract has these, `person` and, where approved, `event`.
    pub columns: Vec<ColumnPlan>,
    /// Rows must satisfy all of these.
    pub rows: Vec<RowFilter>,
}

/// One approved column.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ColumnPlan {
    /// Name in the extract.
    pub name: String,
    /// Column of the payload.
    pub source: String,
    /// How its values are coarsened.
    pub transform: Transform,
}

/// How values are coarsened on their way into an extract.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "to", rename_all = "snake_case", deny_unknown_fields)]
pub enum Transform {
    /// As delivered. Never for a date of birth or a postcode.
    Keep,
    /// Completed years at the date in another column of the same row; 90 and over becomes 90.
    AgeAt {
        /// Column with the date.
        date: String,
    },
    /// First day of the month.
    YearMonth,
    /// The calendar year.
    Year,
    /// Outward code of a postcode (`EH16`).
    PostcodeDistrict,
    /// Letters of the outward code (`EH`).
    PostcodeArea,
    /// Position of the row among the person's rows by this column, from 1. Ties by row order.
    Order,
}

/// A condition that an approved row satisfies. Values are written as text and read in the column's type.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case", deny_unknown_fields)]
pub enum RowFilter {
    /// The value is one of these.
    In {
        /// Payload column.
        column: String,
        /// Accepted values.
        values: Vec<String>,
    },
    /// The value lies between both ends, ends included.
    Between {
        /// Payload column.
        column: String,
        /// Lowest accepted value.
        from: String,
        /// Highest accepted value.
        to: String,
    },
}

/// Where the tables of a query or check come from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "from", rename_all = "snake_case", deny_unknown_fields)]
pub enum Source {
    /// `/in/extract.duckdb`, attached read-only; the protected unit is the column `person` of each table.
    Extract,
    /// Microdata files under `/in`, loaded before the statement is seen.
    Files {
        /// One table for each file.
        tables: Vec<FileTable>,
    },
}

/// A file that becomes a table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileTable {
    /// Name of the table.
    pub name: String,
    /// File under `/in`.
    pub file: String,
    /// How it is written.
    pub format: Format,
}

/// Run statements and send their rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Query {
    /// The tables.
    pub source: Source,
    /// One or more statements.
    pub sql: String,
    /// Statements to skip: those that an earlier worker finished before it was killed, and the one that killed it.
    pub skip: u32,
}

/// Gather the evidence behind every cell of the results of statements.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Check {
    /// The tables.
    pub source: Source,
    /// Column that names the protected unit in every table that has it (`person` in an extract).
    pub unit: String,
    /// The statements.
    pub sql: String,
    /// Most statements: several are traced one by one, and the people behind their cells are listed then. With 1
    /// the text is taken for one statement.
    pub statements: u32,
    /// Whether the people behind each cell are listed as well.
    pub people: People,
}

/// Look through finished files, of any kind.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Inspect {
    /// Their names among the inputs.
    pub files: Vec<String>,
}

/// What a check tells of the people behind the cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum People {
    /// How many they are.
    Counted,
    /// Their hashed units too, in the file [`PEOPLE`]: statement by statement, for each row of the evidence and
    /// each of its measures their number as u32, then each as u64, little endian.
    Listed,
}

/// The file in which people are listed.
pub const PEOPLE: &str = "people.bin";

/// Price a request for differentially private statistics.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Price {
    /// The request (`docs/reference/dp-request.md`), as JSON text.
    pub request: String,
    /// Its limits.
    pub limits: RequestLimits,
}

/// Measure a request for differentially private statistics.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Measure {
    /// The tables.
    pub source: Source,
    /// Column that tells people apart, in every table of the request (`person` in an extract).
    pub unit: String,
    /// The request, as JSON text.
    pub request: String,
    /// Its limits.
    pub limits: RequestLimits,
    /// What was reserved for it; nothing is measured at another price. None on files of one's own.
    pub reserved: Option<Reserved>,
    /// How many times the noise is drawn over the same cells: more than once only on files of one's own.
    pub draws: u32,
    /// Nothing but distinct people of this table may be counted, if it is given.
    #[serde(default)]
    pub counts_people_of: Option<String>,
}

/// Answer a request over tables that are made up from it and from what follows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Practice {
    /// The request as JSON text.
    pub request: String,
    /// Its limits.
    pub limits: RequestLimits,
    /// The tables, as the data dictionary has them.
    pub tables: Vec<PracticeTable>,
}

/// A table to make up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PracticeTable {
    /// Its name.
    pub name: String,
    /// Its columns, besides the person.
    pub columns: Vec<PracticeColumn>,
}

/// A column to make up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PracticeColumn {
    /// Its name.
    pub name: String,
    /// What its values are.
    pub kind: ColumnKind,
}

/// Audit the measuring lane over made-up neighbours.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SelfAudit {
    /// Draws over each neighbour of each case.
    pub draws: u32,
    /// Limits of the requests that are tried.
    pub limits: RequestLimits,
}

/// What the ledger holds for a measurement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reserved {
    /// SHA-256 of the canonical request, in hexadecimal.
    pub request_sha256: String,
    /// Rho, in units of 10^-9.
    pub nano_rho: u64,
    /// Delta, in units of 10^-18.
    pub atto_delta: u64,
}

/// How large a request may be (`policies/privacy/request.toml`).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RequestLimits {
    /// Most statistics.
    pub statistics: u32,
    /// Most group keys.
    pub keys: u32,
    /// Most groups.
    pub groups: u32,
    /// Most conditions.
    pub conditions: u32,
    /// Most features and windows.
    pub features: u32,
    /// Most joined tables.
    pub joins: u32,
    /// Most candidates of a quantile or bins of a histogram.
    pub bins: u32,
    /// Most cells.
    pub cells: u32,
    /// Most rows of one person in one group (linf).
    pub rows: u32,
    /// Largest rho of one request.
    pub rho_max: f64,
    /// Smallest rho of one request.
    pub rho_min: f64,
    /// Largest delta of one request.
    pub delta_max: f64,
    /// The delta at which epsilon is told when the request names none.
    pub report_delta: f64,
    /// Most draws of one command.
    pub draws: u32,
    /// Answers come at multiples of so many milliseconds.
    pub reply_ms: u32,
}
