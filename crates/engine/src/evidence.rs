//! Evidence: the distinct people behind every cell of a researcher's table, counted from
//! the data.
//!
//! The statement is parsed by the data engine itself (`json_serialize_sql`). Its tree is
//! read against a list of allowed parts; names are resolved to columns of known tables;
//! the *unit* (the column that names a person) is followed from the tables through joins
//! and row-level subqueries. From what was understood, and from nothing else, a new
//! statement is built that computes the researcher's table and, beside every cell, how
//! many people and rows are behind it. Only that statement runs, and the rows it gives
//! are the bytes that may be released: where our reading of a statement differed from the
//! engine's, the result would follow our reading, and so would its evidence.
//!
//! What is not on the list is untraceable, with the reason, and is not run.
//!
//! Two rules decide whether rows belong to one person each. A join of two tables that
//! both name people must equate the people. A table that names nobody (a code list)
//! may be joined only on columns that are unique in it, so that it adds a description
//! to a row and never a second person's data.

mod catalog;
mod columns;
mod described;
mod each;
mod expr;
mod group;
mod inside;
mod items;
mod joins;
mod keys;
mod lineage;
mod measure;
mod merge;
mod node;
mod ones;
mod people;
mod pivot;
mod pivoted;
mod plan;
mod quantiles;
mod query;
mod regroup;
mod run;
mod same;
mod scalar;
mod scope;
mod shown;
mod subquery;
mod tally;
#[cfg(test)]
mod tests;
mod today;
mod union;
mod windows;
mod wrap;
mod written;

use disclosure::Evidence;

use crate::connection::Connection;

/// The longest statement that is read, in bytes.
const STATEMENT_BYTES_MAX: usize = 64 * 1024;

/// What the caller allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The most cells of a table, implied ones included.
    pub max_cells: usize,
    /// The most memory for the rows whose people are counted, in MiB (`memory_mib` of the sandbox's policy).
    pub memory_mib: u32,
}

/// Why no evidence could be gathered. Not an answer about the output: it blocks it.
#[derive(Debug, thiserror::Error)]
pub enum EvidenceError {
    /// The text is not SQL. The parser speaks about the statement and not the data.
    #[error("the statement cannot be parsed: {0}")]
    Syntax(String),
    /// Longer than any statement needs to be.
    #[error("the statement is longer than {STATEMENT_BYTES_MAX} bytes")]
    TooLong,
    /// No such table in the extract.
    #[error("there is no table named {0}")]
    UnknownTable(String),
    /// More cells than are judged.
    #[error("the table has more than {limit} cells; group more coarsely")]
    TooManyCells {
        /// The limit.
        limit: usize,
    },
    /// The generated statement failed. The engine's text may hold data values, so only
    /// its kind is told.
    #[error("the statement failed while it ran: {kind}")]
    Run {
        /// The engine's name for the kind of failure.
        kind: &'static str,
    },
    /// The engine answered in a shape that was not expected.
    #[error("the data engine gave an answer of an unexpected shape: {0}")]
    Shape(&'static str),
}

/// Why the reading of a statement stopped.
#[derive(Debug)]
enum Stop {
    /// The people cannot be counted.
    Untraceable(String),
    /// We could not look.
    Failed(EvidenceError),
}

impl From<EvidenceError> for Stop {
    fn from(error: EvidenceError) -> Self {
        Self::Failed(error)
    }
}

/// Shorthand for a reason.
fn untraceable<T>(reason: impl Into<String>) -> Result<T, Stop> {
    Err(Stop::Untraceable(reason.into()))
}

/// Gathers the evidence for one statement over an extract whose tables name people in
/// the column `unit`.
///
/// # Errors
/// [`EvidenceError`] if the statement cannot be looked at. A statement that is
/// understood to be untraceable is no error: its evidence says so.
pub fn gather(
    conn: &Connection,
    unit: &str,
    sql: &str,
    limits: Limits,
) -> Result<Evidence, EvidenceError> {
    gather_raw(conn.raw(), unit, sql, limits)
}

/// The same, with the people behind each cell: for each group of the evidence and each of its measures their
/// number as u32, then the engine's hash of each unit as u64, little endian. Nothing for evidence without
/// groups.
///
/// # Errors
/// As [`gather`].
pub fn gather_listed(
    conn: &Connection,
    unit: &str,
    sql: &str,
    limits: Limits,
) -> Result<(Evidence, Vec<u8>), EvidenceError> {
    let mut people = Vec::new();
    let listing = Listing::Always(&mut people);
    let evidence = gathered(conn.raw(), unit, sql, limits, listing)?;
    Ok((evidence, people))
}

/// As [`gather`], and as [`gather_listed`] for a statement of several tables: these are compared with each other, and
/// one table alone is not.
///
/// # Errors
/// As [`gather`].
pub fn gather_comparable(
    conn: &Connection,
    unit: &str,
    sql: &str,
    limits: Limits,
) -> Result<(Evidence, Option<Vec<u8>>), EvidenceError> {
    let mut people = Vec::new();
    let listing = Listing::OfSeveral(&mut people);
    let evidence = gathered(conn.raw(), unit, sql, limits, listing)?;
    let people = (!evidence.further.is_empty()).then_some(people);
    Ok((evidence, people))
}

/// Whether people are listed, and where to.
enum Listing<'a> {
    Never,
    /// If the statement has several tables.
    OfSeveral(&'a mut Vec<u8>),
    Always(&'a mut Vec<u8>),
}

fn gather_raw(
    conn: &duckdb::Connection,
    unit: &str,
    sql: &str,
    limits: Limits,
) -> Result<Evidence, EvidenceError> {
    gathered(conn, unit, sql, limits, Listing::Never)
}

fn gathered(
    conn: &duckdb::Connection,
    unit: &str,
    sql: &str,
    limits: Limits,
    listing: Listing<'_>,
) -> Result<Evidence, EvidenceError> {
    if sql.len() > STATEMENT_BYTES_MAX {
        return Err(EvidenceError::TooLong);
    }
    match traced(conn, unit, sql, limits, listing) {
        Ok(evidence) => Ok(evidence),
        Err(Stop::Untraceable(reason)) => Ok(Evidence::untraceable(sql, reason)),
        Err(Stop::Failed(error)) => Err(error),
    }
}

fn traced(
    conn: &duckdb::Connection,
    unit: &str,
    sql: &str,
    limits: Limits,
    listing: Listing<'_>,
) -> Result<Evidence, Stop> {
    let rewritten = pivot::as_select(sql)?;
    let tree = run::parse(conn, rewritten.as_deref().unwrap_or(sql))?;
    let catalog = catalog::Catalog::new(conn, unit)?;
    let tree = pivoted::without(&catalog, &today::fixed(conn, &tree)?)?;
    let mut reader = subquery::Reader::new(&catalog);
    match wrap::read(&mut reader, &tree, &Vec::new())? {
        wrap::Read::Rows => {
            reader.listing(&tree)?;
            Ok(Evidence::rows(sql))
        }
        wrap::Read::Table(plan) => run::execute(conn, sql, (&plan, &[]), None, limits, listing),
        wrap::Read::Union(first, under, union) => {
            run::execute(conn, sql, (&first, &under), Some(union), limits, listing)
        }
    }
}
