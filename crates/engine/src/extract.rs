//! Cutting an extract: approved columns and rows, transformed as approved, under pseudonyms.
//!
//! The map from record to pseudonym comes as fixed-width bytes and is read here, not by the engine.
//! Everything is joined in the engine's memory; only the finished table is written to a fresh file, so
//! that no identifier, record ordinal or dropped row ever was in it. Rows are ordered by pseudonym and,
//! within a person, in the order of the payload.

mod sql;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

use crate::connection::{Settings, execute, lock, unlocked};
use crate::error::failed;
use crate::{EngineError, quote};

/// Bytes of one entry of a map: record ordinal (u64, little endian), pseudonym (16 bytes), band (u8).
pub const MAP_ENTRY: usize = 25;
/// Bytes of one event pseudonym.
pub const EVENT_ENTRY: usize = 16;
/// Column with the person's pseudonym: 32 lower-case hexadecimal digits.
pub const PERSON: &str = "person";
/// Column with the event's pseudonym, where approved: the same form.
pub const EVENT: &str = "event";
/// Ages from here on are all given as this.
const AGE_TOP: u32 = 90;

/// What the values of a payload column are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Text.
    Text,
    /// 64-bit integer.
    Integer,
    /// Finite 64-bit number.
    Number,
    /// A date.
    Date,
    /// A date of birth.
    DateOfBirth,
    /// A postcode, with one space.
    Postcode,
}

/// How values are coarsened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Transform {
    /// As delivered. Refused for a date of birth and a postcode.
    Keep,
    /// Completed years at the date in another column; 90 and over is 90, a date before birth gives none.
    /// Who was born on 29 February has a birthday on 1 March in common years.
    AgeAt {
        /// Payload column with the date.
        date: String,
    },
    /// First day of the month.
    YearMonth,
    /// Calendar year.
    Year,
    /// Outward code of a postcode.
    PostcodeDistrict,
    /// Letters of the outward code.
    PostcodeArea,
    /// Position among the person's rows that are in the extract, from 1; missing values last, ties in
    /// payload order.
    Order,
}

/// One column of the extract.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColumnPlan {
    /// Name in the extract.
    pub name: String,
    /// Column of the payload.
    pub source: String,
    /// How it is coarsened.
    pub transform: Transform,
}

/// A condition on rows of the payload. A missing value satisfies none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RowFilter {
    /// One of these values.
    In {
        /// Payload column.
        column: String,
        /// Values as text.
        values: Vec<String>,
    },
    /// Between two values, both included.
    Between {
        /// Payload column.
        column: String,
        /// Lowest.
        from: String,
        /// Highest.
        to: String,
    },
}

/// One table of the extract.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TablePlan {
    /// Its name.
    pub name: String,
    /// Payload as Parquet, with the column `record`.
    pub payload: PathBuf,
    /// Kinds of the payload's columns, `record` left out.
    pub kinds: Vec<(String, Kind)>,
    /// File of map entries.
    pub map: PathBuf,
    /// File of event pseudonyms, one for each payload row, where approved.
    pub events: Option<PathBuf>,
    /// Columns, in order.
    pub columns: Vec<ColumnPlan>,
    /// Conditions, all of which a row satisfies.
    pub rows: Vec<RowFilter>,
}

/// Counts of a finished table. Rows of the payload are kept, unlinked or filtered, and nothing else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cut {
    /// Name of the table.
    pub name: String,
    /// Its columns, in order.
    pub columns: Vec<String>,
    /// Rows kept.
    pub rows: u64,
    /// Distinct people.
    pub people: u64,
    /// Payload rows whose record has no pseudonym.
    pub unlinked: u64,
    /// Linked payload rows that a condition left out.
    pub filtered: u64,
}

/// Cuts all tables into a fresh file at `target` and looks at what was made.
///
/// # Errors
/// When plan and files do not fit each other, the engine fails, or the finished file is not exactly what
/// was planned. The file is then not to be used.
pub fn cut(
    settings: &Settings,
    target: &Path,
    plans: &[TablePlan],
) -> Result<Vec<Cut>, EngineError> {
    if plans.is_empty() || target.exists() {
        return Err(plan(
            "extract",
            "a new file and at least one table are needed",
        ));
    }
    let mut names = BTreeSet::new();
    // The engine's names do not know case.
    if let Some(twice) = plans
        .iter()
        .find(|table| !names.insert(table.name.to_lowercase()))
    {
        return Err(plan(&twice.name, "it is planned twice"));
    }
    let mut cuts = Vec::with_capacity(plans.len());
    let connection = unlocked(settings)?;
    execute(
        &connection,
        "making the extract",
        &format!("attach {} as extract", quote::path(target)?),
    )?;
    for plan in plans {
        cuts.push(cut_table(&connection, plan)?);
    }
    execute(
        &connection,
        "closing the extract",
        "checkpoint extract; detach extract",
    )?;
    connection
        .close()
        .map_err(|(_, error)| failed("closing the extract")(error))?;
    verify(settings, target, &cuts)?;
    Ok(cuts)
}

fn plan(table: &str, what: impl Into<String>) -> EngineError {
    EngineError::Plan {
        table: table.to_owned(),
        what: what.into(),
    }
}

fn cut_table(connection: &duckdb::Connection, table: &TablePlan) -> Result<Cut, EngineError> {
    let statements = sql::generate(table)?;
    let doing = "cutting a table";
    execute(
        connection,
        doing,
        "create or replace temp table map (record ubigint, person varchar);
         create or replace temp table events (row_number bigint, event varchar)",
    )?;
    load_map(connection, table)?;
    execute(connection, doing, &statements.payload)?;
    let total = count(connection, "select count(*) from payload")?;
    if let Some(path) = &table.events {
        load_events(connection, table, path, total)?;
    }
    let doubled = count(
        connection,
        "select count(*) - count(distinct record) from map",
    )?;
    if doubled != 0 {
        return Err(plan(&table.name, "its map gives one record two pseudonyms"));
    }
    let linked = count(
        connection,
        "select count(*) from payload join map using (record)",
    )?;
    execute(connection, doing, &statements.table)?;
    let target = format!("extract.main.{}", quote::name(&table.name));
    let rows = count(connection, &format!("select count(*) from {target}"))?;
    let people = count(
        connection,
        &format!("select count(distinct person) from {target}"),
    )?;
    execute(
        connection,
        doing,
        "drop table map; drop table events; drop table payload",
    )?;
    let (Some(unlinked), Some(filtered)) = (total.checked_sub(linked), linked.checked_sub(rows))
    else {
        return Err(plan(&table.name, "the cut has more rows than its payload"));
    };
    Ok(Cut {
        name: table.name.clone(),
        columns: statements.columns,
        rows,
        people,
        unlinked,
        filtered,
    })
}

fn count(connection: &duckdb::Connection, sql: &str) -> Result<u64, EngineError> {
    connection
        .query_row(sql, [], |row| row.get::<_, u64>(0))
        .map_err(failed("counting rows"))
}

fn load_map(connection: &duckdb::Connection, table: &TablePlan) -> Result<(), EngineError> {
    let error = failed("loading pseudonyms");
    let mut appender = connection.appender("map").map_err(&error)?;
    entries::<MAP_ENTRY>(table, &table.map, |entry| {
        let [a, b, c, d, e, f, g, h, person @ .., _band] = entry;
        let record = u64::from_le_bytes([*a, *b, *c, *d, *e, *f, *g, *h]);
        appender
            .append_row(duckdb::params![record, hex(person)])
            .map_err(&error)
    })?;
    appender.flush().map_err(&error)
}

fn load_events(
    connection: &duckdb::Connection,
    table: &TablePlan,
    path: &Path,
    rows: u64,
) -> Result<(), EngineError> {
    let error = failed("loading pseudonyms");
    let mut appender = connection.appender("events").map_err(&error)?;
    let mut row = 0_u64;
    entries::<EVENT_ENTRY>(table, path, |entry| {
        appender
            .append_row(duckdb::params![row, hex(entry)])
            .map_err(&error)?;
        row += 1;
        Ok(())
    })?;
    appender.flush().map_err(&error)?;
    if row != rows {
        return Err(plan(
            &table.name,
            "it has not one event pseudonym for each payload row",
        ));
    }
    Ok(())
}

/// Calls `each` with every entry of a file of fixed-width entries.
fn entries<const WIDTH: usize>(
    table: &TablePlan,
    path: &Path,
    mut each: impl FnMut(&[u8; WIDTH]) -> Result<(), EngineError>,
) -> Result<(), EngineError> {
    let unreadable = |_| plan(&table.name, "a file of pseudonyms could not be read");
    let file = File::open(path).map_err(unreadable)?;
    let length = file.metadata().map_err(unreadable)?.len();
    if length % WIDTH as u64 != 0 {
        return Err(plan(&table.name, "a file of pseudonyms is cut off"));
    }
    let mut reader = BufReader::with_capacity(1 << 18, file);
    let mut entry = [0_u8; WIDTH];
    for _ in 0..length / WIDTH as u64 {
        reader.read_exact(&mut entry).map_err(unreadable)?;
        each(&entry)?;
    }
    Ok(())
}

fn hex(bytes: &[u8]) -> String {
    let digit = |nibble: u8| char::from_digit(u32::from(nibble), 16).unwrap_or('0');
    bytes
        .iter()
        .flat_map(|byte| [digit(byte >> 4), digit(byte & 15)])
        .collect()
}

/// Opens the finished file anew, read-only and locked, and compares it with the plan.
fn verify(settings: &Settings, target: &Path, cuts: &[Cut]) -> Result<(), EngineError> {
    let wrong = || {
        plan(
            "extract",
            "the finished file is not exactly what was planned",
        )
    };
    if target.with_extension("duckdb.wal").exists() {
        return Err(wrong());
    }
    let connection = unlocked(settings)?;
    let doing = "reading the finished extract";
    execute(
        &connection,
        doing,
        &format!("attach {} as extract (read_only)", quote::path(target)?),
    )?;
    lock(&connection, settings)?;
    let mut statement = connection
        .prepare(
            "select table_name, column_name from duckdb_columns()
             where database_name = 'extract' and not internal order by table_name, column_index",
        )
        .map_err(failed(doing))?;
    let found = statement
        .query_map([], |row| {
            Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?))
        })
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(failed(doing))?;
    let mut sorted: Vec<&Cut> = cuts.iter().collect();
    sorted.sort_by(|a, b| a.name.cmp(&b.name));
    let planned: Vec<(String, String)> = sorted
        .into_iter()
        .flat_map(|cut| {
            cut.columns
                .iter()
                .map(|column| (cut.name.clone(), column.clone()))
        })
        .collect();
    let others = count(
        &connection,
        "select (select count(*) from duckdb_views() where database_name = 'extract' and not internal)
              + (select count(*) from duckdb_sequences() where database_name = 'extract')
              + (select count(*) from duckdb_indexes() where database_name = 'extract')
              + (select count(*) from duckdb_functions() where database_name = 'extract' and not internal)",
    )?;
    if found != planned || others != 0 {
        return Err(wrong());
    }
    for cut in cuts {
        let sql = format!(
            "select count(*) from extract.main.{}",
            quote::name(&cut.name)
        );
        if count(&connection, &sql)? != cut.rows {
            return Err(wrong());
        }
    }
    Ok(())
}
