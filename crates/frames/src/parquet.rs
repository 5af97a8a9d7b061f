//! Parquet: delivered files as text columns, and tables of our own.
//!
//! A Parquet file is a hostile thing: the library is run behind a panic guard, and rows and columns are
//! counted from the footer before anything is decoded. The sandbox around the worker bounds the rest.

mod convert;
#[cfg(test)]
mod tests;

use std::fs::File;
use std::io::{BufWriter, Read, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use polars::io::parquet::metadata::FileMetadataRef;
use polars::prelude::{DataFrame, KeyValueMetadata, ParquetReader, ParquetWriter, SerReader};

use crate::table::{expect_columns, place_columns};
use crate::{Frame, FrameError, Limits, Table};

/// Notes kept in a file: pairs of key and value.
pub type Notes = Vec<(String, String)>;

/// Reads a delivery into text columns: it has exactly the columns `declared`, in any order; numbers and
/// dates are written out as in CSV.
///
/// # Errors
/// One sentence when the file is damaged, has other columns, holds a type that has no place in a
/// delivery, has no rows or two columns of one name, or a limit by its name.
pub fn read_text(path: &Path, declared: &[&str], limits: &Limits) -> Result<Frame, FrameError> {
    let (data, _) = load(path, limits, None, |names| expect_columns(names, declared))?;
    if data.height() == 0 {
        return Err(FrameError::file("the file has columns and no rows"));
    }
    let mut columns = Vec::with_capacity(data.width());
    for column in data.columns() {
        let series = column.as_materialized_series();
        columns.push((column.name().to_string(), convert::to_text(series, limits)?));
    }
    Ok(Frame { columns })
}

/// Calls `take` with the cells of the columns `wanted`, in that order, for every row, written out as in
/// CSV; an empty cell is a missing value. Other columns are not decoded. Gives the number of rows.
///
/// # Errors
/// As [`read_text`], and what `take` refuses.
pub fn rows(
    path: &Path,
    wanted: &[&str],
    limits: &Limits,
    mut take: impl FnMut(&[&str]) -> Result<(), FrameError>,
) -> Result<u64, FrameError> {
    let accept = |names: &[&str]| place_columns(names, wanted).map(|_| ());
    let (data, _) = load(path, limits, Some(wanted), accept)?;
    if data.height() == 0 {
        return Err(FrameError::file("the file has columns and no rows"));
    }
    let mut columns = Vec::with_capacity(wanted.len());
    for name in wanted {
        let column = data.column(name).map_err(|_| damaged())?;
        columns.push(convert::to_text(column.as_materialized_series(), limits)?);
    }
    let height = data.height();
    drop(data);
    let mut row: Vec<&str> = Vec::with_capacity(wanted.len());
    for at in 0..height {
        row.clear();
        row.extend(columns.iter().map(|column| column.get(at).unwrap_or("")));
        take(&row)?;
    }
    Ok(height as u64)
}

/// Reads a table of our own making with its notes.
///
/// # Errors
/// When the file is damaged or holds a type that we never write, or a limit by its name.
pub fn read(path: &Path, limits: &Limits) -> Result<Table, FrameError> {
    let (data, notes) = load(path, limits, None, |_| Ok(()))?;
    let mut columns = Vec::with_capacity(data.width());
    for column in data.columns() {
        let series = column.as_materialized_series();
        columns.push((column.name().to_string(), convert::to_values(series)?));
    }
    Ok(Table { columns, notes })
}

/// The notes of a table of our own, from its footer alone.
///
/// # Errors
/// When the file cannot be read or is damaged, or a limit by its name.
pub fn notes(path: &Path, limits: &Limits) -> Result<Notes, FrameError> {
    limits.check_file(path)?;
    let file = File::open(path).map_err(|e| FrameError::io("opened", &e))?;
    let read = catch_unwind(AssertUnwindSafe(|| {
        let mut reader = ParquetReader::new(file);
        reader.get_metadata().map(pairs).map_err(|_| damaged())
    }));
    read.unwrap_or_else(|_| Err(damaged()))
}

fn pairs(footer: &FileMetadataRef) -> Notes {
    footer
        .key_value_metadata
        .iter()
        .flatten()
        .filter_map(|pair| Some((pair.key.clone(), pair.value.clone()?)))
        .collect()
}

/// Writes a table to a new file. After an error the file is not to be used.
///
/// # Errors
/// When there is such a file, it cannot be written, or columns differ in length or have one name.
pub fn write(path: &Path, table: Table) -> Result<(), FrameError> {
    let rows = table.rows();
    let mut columns = Vec::with_capacity(table.columns.len());
    for (name, values) in table.columns {
        if values.len() != rows {
            return Err(FrameError::column(&name, "is not as long as the others"));
        }
        columns.push(convert::from_values(&name, values).into());
    }
    let mut data = DataFrame::new(rows, columns)
        .map_err(|_| FrameError::file("two columns of the table have the same name"))?;
    let file = File::create_new(path).map_err(|e| FrameError::io("made", &e))?;
    let mut out = BufWriter::new(file);
    ParquetWriter::new(&mut out)
        .with_key_value_metadata(Some(KeyValueMetadata::from_static(table.notes)))
        .finish(&mut data)
        .map_err(|_| FrameError::file("the table could not be written as Parquet"))?;
    out.flush().map_err(|e| FrameError::io("written", &e))
}

/// Reads a whole file, or its columns `wanted`, after `accept` has seen the names of all.
fn load(
    path: &Path,
    limits: &Limits,
    wanted: Option<&[&str]>,
    accept: impl FnOnce(&[&str]) -> Result<(), FrameError>,
) -> Result<(DataFrame, Notes), FrameError> {
    let size = limits.check_file(path)?;
    let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or(0));
    File::open(path)
        .and_then(|file| file.take(limits.file_bytes).read_to_end(&mut bytes))
        .map_err(|e| FrameError::io("read", &e))?;
    if bytes.is_empty() {
        return Err(FrameError::file("the file is empty"));
    }
    if !bytes.starts_with(b"PAR1") {
        return Err(FrameError::file("the file is not Parquet"));
    }
    if bytes.len() < 12 || !bytes.ends_with(b"PAR1") {
        return Err(FrameError::file("the Parquet file is cut off"));
    }
    // A crafted file may panic the library; nothing of it is used after that.
    match catch_unwind(AssertUnwindSafe(|| decode(bytes, limits, wanted, accept))) {
        Ok(read) => read,
        Err(_) => Err(damaged()),
    }
}

fn decode(
    bytes: Vec<u8>,
    limits: &Limits,
    wanted: Option<&[&str]>,
    accept: impl FnOnce(&[&str]) -> Result<(), FrameError>,
) -> Result<(DataFrame, Notes), FrameError> {
    let mut reader = ParquetReader::new(std::io::Cursor::new(bytes));
    let metadata = reader.get_metadata().map_err(|_| damaged())?;
    limits.check_rows(metadata.num_rows as u64)?;
    let notes = pairs(metadata);
    let leaves = metadata.schema_descr.columns().len();
    limits.check_columns(leaves)?;
    let fields = metadata.schema_descr.fields();
    for (index, field) in fields.iter().enumerate() {
        let name = field.name();
        if let Some(first) = fields
            .iter()
            .take(index)
            .position(|other| other.name() == name)
        {
            return Err(FrameError::file(format!(
                "columns {} and {} have the same name",
                first + 1,
                index + 1
            )));
        }
    }
    let names: Vec<&str> = fields.iter().map(|field| field.name()).collect();
    accept(&names)?;
    if let Some(wanted) = wanted {
        let wanted = wanted.iter().map(|name| (*name).to_owned()).collect();
        reader = reader.with_columns(Some(wanted));
    }
    let data = reader.finish().map_err(|_| damaged())?;
    // The footer's number of rows is a claim of its own.
    limits.check_rows(data.height() as u64)?;
    Ok((data, notes))
}

fn damaged() -> FrameError {
    FrameError::file("the Parquet file is damaged or uses a feature that is not accepted here")
}
