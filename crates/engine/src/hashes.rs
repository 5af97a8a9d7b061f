//! The engine's hash of texts, by which evidence lists people ([`crate::evidence::gather_listed`]).

use duckdb::arrow::array::UInt64Array;

use crate::connection::unlocked;
use crate::error::failed;
use crate::{EngineError, Settings};

/// The engine's hash of each text, in their order.
///
/// # Errors
/// If the engine cannot be opened or used.
pub fn hashes(
    settings: &Settings,
    texts: impl IntoIterator<Item = String>,
) -> Result<Vec<u64>, EngineError> {
    let connection = unlocked(settings)?;
    let error = failed("hashing texts");
    connection
        .execute_batch("create temp table texts (text varchar)")
        .map_err(&error)?;
    let mut appender = connection.appender("texts").map_err(&error)?;
    for text in texts {
        appender.append_row(duckdb::params![text]).map_err(&error)?;
    }
    appender.flush().map_err(&error)?;
    drop(appender);
    let sql = "select hash(text) from texts order by rowid";
    let mut statement = connection.prepare(sql).map_err(&error)?;
    let mut hashes = Vec::new();
    for batch in statement.query_arrow([]).map_err(&error)? {
        let column = batch.columns().first();
        let column = column.and_then(|column| column.as_any().downcast_ref::<UInt64Array>());
        let column = column.ok_or(EngineError::Open)?;
        hashes.extend(column.values().iter().copied());
    }
    Ok(hashes)
}
