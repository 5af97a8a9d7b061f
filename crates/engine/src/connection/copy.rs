//! Files as a database of their own, closed before the first statement of anybody else.

use std::ffi::OsString;
use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::{EXTRACT, FileFormat, FileTable, Load};
use crate::error::{kind, words};
use crate::{EngineError, quote};

/// Copies the files into a database beside the spill folder and gives its path.
///
/// The engine lets SQL write to the file of an attached database and plant a log beside it, read-only or
/// not (`docs/reference/engine-settings.md`). File and folder are therefore closed for writing, and no
/// statement can change a mode. An extract needs none of this: it lies on a read-only mount.
pub(super) fn make(
    connection: &duckdb::Connection,
    spill: &Path,
    files: &[FileTable],
    size: Load,
) -> Result<PathBuf, EngineError> {
    let mut name = spill.file_name().map_or_else(OsString::new, OsString::from);
    name.push(".copy");
    let folder = spill.with_file_name(name);
    // Another engine in the same folder may have left one.
    let _ = fs::set_permissions(&folder, Permissions::from_mode(0o700));
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir(&folder).map_err(|error| copy_failed(&error))?;
    let path = folder.join("extract.duckdb");
    let made = fill(connection, &path, files, size).and_then(|()| close(&path, &folder));
    if made.is_err() {
        // Nothing is left half made; the error that is told is the first.
        let _ = fs::remove_dir_all(&folder);
    }
    made.map(|()| path)
}

fn fill(
    connection: &duckdb::Connection,
    path: &Path,
    files: &[FileTable],
    size: Load,
) -> Result<(), EngineError> {
    // The engine writes whole blocks, of 256 KiB where nothing is said; a few small tables fill none of them.
    let blocks = match size {
        Load::Small => " (block_size 16384)",
        Load::Large => "",
    };
    let attach = format!("attach {} as {EXTRACT}{blocks}", quote::path(path)?);
    connection
        .execute_batch(&attach)
        .map_err(|e| EngineError::Extract { kind: kind(&e) })?;
    for file in files {
        load(connection, file)?;
    }
    connection
        .execute_batch(&format!("detach {EXTRACT}"))
        .map_err(|e| full(&e).unwrap_or(EngineError::Extract { kind: kind(&e) }))
}

/// The file cannot be opened for writing, and nothing can be put beside it.
fn close(path: &Path, folder: &Path) -> Result<(), EngineError> {
    for (path, mode) in [(path, 0o400), (folder, 0o500)] {
        fs::set_permissions(path, Permissions::from_mode(mode))
            .map_err(|error| copy_failed(&error))?;
    }
    Ok(())
}

fn copy_failed(error: &io::Error) -> EngineError {
    EngineError::Copy {
        kind: error.kind().to_string(),
    }
}

fn load(connection: &duckdb::Connection, file: &FileTable) -> Result<(), EngineError> {
    let path = quote::path(&file.path)?;
    let reader = match file.format {
        // Types are read from every row, so that no later row can fail its cast.
        FileFormat::Csv => format!(
            "read_csv({path}, header = true, delim = ',', quote = '\"', escape = '\"', sample_size = -1)"
        ),
        FileFormat::CsvText => format!(
            "read_csv({path}, header = true, delim = ',', quote = '\"', escape = '\"', all_varchar = true)"
        ),
        FileFormat::Parquet | FileFormat::ParquetInPlace => format!("read_parquet({path})"),
    };
    connection
        .execute_batch(&format!(
            "create table {EXTRACT}.main.{} as select * from {reader}",
            quote::name(&file.name)
        ))
        .map_err(|e| {
            full(&e).unwrap_or(EngineError::Load {
                table: file.name.clone(),
                kind: kind(&e),
            })
        })
}

/// The engine tells a full file system by the words of the C library.
fn full(error: &duckdb::Error) -> Option<EngineError> {
    words(error)
        .contains("No space left on device")
        .then_some(EngineError::Full)
}
