//! Opening, settings, lock.

#[cfg(test)]
pub(crate) mod tests;

mod copy;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::error::{failed, kind};
use crate::{EngineError, quote};

/// Bounds of one engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Memory, in MiB.
    pub memory_mib: u32,
    /// Threads.
    pub threads: u32,
    /// Folder that the engine may spill to.
    pub spill: PathBuf,
    /// Most that it may spill, in MiB.
    pub spill_mib: u32,
}

/// How a microdata file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileFormat {
    /// Comma separated, with a header; each column gets the type that all its values fit.
    Csv,
    /// The same, every column text: no value of a row decides how another is read.
    CsvText,
    /// Apache Parquet, copied into the engine.
    Parquet,
    /// Apache Parquet, read where it lies: only what a statement needs, as often as it needs it.
    ParquetInPlace,
}

/// A microdata file that becomes a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileTable {
    /// Name of the table.
    pub name: String,
    /// The file.
    pub path: PathBuf,
    /// How it is written.
    pub format: FileFormat,
}

/// Where tables come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tables {
    /// An extract, attached read-only. Its tables are found by their bare names.
    Extract(PathBuf),
    /// Files, copied into a database beside the spill folder before the lock. No statement can change it.
    Files(Vec<FileTable>),
}

/// The name under which an extract is attached.
const EXTRACT: &str = "extract";

/// An engine whose configuration is locked and read back.
pub struct Connection {
    inner: duckdb::Connection,
}

/// Stops the running statement of a connection, from another thread.
#[derive(Clone)]
pub struct Interrupt(Arc<duckdb::InterruptHandle>);

impl Interrupt {
    /// Asks the running statement to stop; without one, does nothing.
    pub fn interrupt(&self) {
        self.0.interrupt();
    }
}

impl Connection {
    /// Opens an engine over these tables and locks it.
    ///
    /// # Errors
    /// When a setting cannot be made or reads back differently, or a file is not what it should be.
    pub fn open(settings: &Settings, tables: &Tables) -> Result<Self, EngineError> {
        // A thread that must be woken for each of our own small statements costs more than it does.
        let load = match tables {
            Tables::Extract(_) => Load::Small,
            Tables::Files(files) => Load::of(files),
        };
        let threads = match load {
            Load::Small => 1,
            Load::Large => settings.threads,
        };
        let inner = with_threads(settings, threads)?;
        match tables {
            Tables::Extract(path) => attach(&inner, path)?,
            Tables::Files(files) => {
                let (in_place, copied): (Vec<FileTable>, Vec<FileTable>) = files
                    .iter()
                    .cloned()
                    .partition(|file| file.format == FileFormat::ParquetInPlace);
                if !copied.is_empty() {
                    let copy = copy::make(&inner, &settings.spill, &copied, load)?;
                    attach(&inner, &copy)?;
                }
                read_in_place(&inner, &in_place)?;
            }
        }
        if threads != settings.threads {
            set(&inner, "threads", &settings.threads.to_string())?;
        }
        lock(&inner, settings)?;
        Ok(Self { inner })
    }

    /// The engine's own handle.
    pub(crate) fn raw(&self) -> &duckdb::Connection {
        &self.inner
    }

    /// A handle that stops the running statement.
    #[must_use]
    pub fn interrupt(&self) -> Interrupt {
        Interrupt(self.inner.interrupt_handle())
    }
}

/// How much there is to load.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Load {
    /// Less than starting threads and touching large blocks costs.
    Small,
    /// More.
    Large,
}

impl Load {
    /// Up to so many bytes of files are small.
    const SMALL_BYTES: u64 = 4 << 20;

    fn of(files: &[FileTable]) -> Self {
        let bytes = files.iter().map(|file| {
            // One whose size is not known is as large as any.
            fs::metadata(&file.path).map_or(u64::MAX, |metadata| metadata.len())
        });
        match bytes.fold(0, u64::saturating_add) <= Self::SMALL_BYTES {
            true => Self::Small,
            false => Self::Large,
        }
    }
}

/// An engine with its bounds set, still with access to files.
pub(crate) fn unlocked(settings: &Settings) -> Result<duckdb::Connection, EngineError> {
    with_threads(settings, settings.threads)
}

/// The same with so many threads for now.
fn with_threads(settings: &Settings, threads: u32) -> Result<duckdb::Connection, EngineError> {
    let mut config = duckdb::Config::default();
    let threads = threads.to_string();
    // Threads with the opening, which otherwise starts one for each processor.
    for (name, value) in fixed().into_iter().chain([("threads", threads.as_str())]) {
        config = config
            .with(name, value)
            .map_err(|_| EngineError::Setting { name })?;
    }
    let connection =
        duckdb::Connection::open_in_memory_with_flags(config).map_err(|_| EngineError::Open)?;
    let spill = quote::path(&settings.spill)?;
    for (name, value) in [
        ("memory_limit", format!("'{}MiB'", settings.memory_mib)),
        ("temp_directory", spill),
        (
            "max_temp_directory_size",
            format!("'{}MiB'", settings.spill_mib),
        ),
        ("TimeZone", "'UTC'".to_owned()),
        ("enable_progress_bar", "false".to_owned()),
    ] {
        set(&connection, name, &value)?;
    }
    Ok(connection)
}

fn set(
    connection: &duckdb::Connection,
    name: &'static str,
    value: &str,
) -> Result<(), EngineError> {
    connection
        .execute_batch(&format!("set {name} = {value}"))
        .map_err(|_| EngineError::Setting { name })
}

/// Shuts file access and the configuration itself, then reads everything back.
pub(crate) fn lock(
    connection: &duckdb::Connection,
    settings: &Settings,
) -> Result<(), EngineError> {
    let free = format!("[{}]", FREE.map(quote::text).join(", "));
    for (name, value) in [
        ("allowed_configs", free.as_str()),
        ("enable_external_access", "false"),
        ("lock_configuration", "true"),
    ] {
        set(connection, name, value)?;
    }
    read_back(connection, settings)
}

/// Attaches an extract so that nothing can be written to it, and finds its tables by their bare names.
fn attach(connection: &duckdb::Connection, path: &Path) -> Result<(), EngineError> {
    let attach = format!("attach {} as {EXTRACT} (read_only)", quote::path(path)?);
    connection
        .execute_batch(&attach)
        .and_then(|()| {
            connection.execute_batch(&format!("set search_path = 'memory.main,{EXTRACT}.main'"))
        })
        .map_err(|e| EngineError::Extract { kind: kind(&e) })
}

/// Settings that a statement may still change after the lock: how dates, orders and divisions are read.
/// None of them reaches a file, the network, or a bound.
const FREE: [&str; 18] = [
    "Calendar",
    "TimeZone",
    "default_collation",
    "default_null_order",
    "default_order",
    "explain_output",
    "ieee_floating_point_ops",
    "integer_division",
    "lambda_syntax",
    "null_order",
    "old_implicit_casting",
    "order_by_non_integer_literal",
    "pivot_filter_threshold",
    "pivot_limit",
    "preserve_insertion_order",
    "scalar_subquery_error_on_multiple_rows",
    "schema",
    "search_path",
];

/// Settings that are the same for everyone.
fn fixed() -> [(&'static str, &'static str); 5] {
    [
        ("autoinstall_known_extensions", "false"),
        ("autoload_known_extensions", "false"),
        ("allow_community_extensions", "false"),
        ("allow_persistent_secrets", "false"),
        ("allow_unsigned_extensions", "false"),
    ]
}

fn read_back(connection: &duckdb::Connection, settings: &Settings) -> Result<(), EngineError> {
    let mut exact = fixed().to_vec();
    exact.extend([
        ("enable_external_access", "false"),
        ("lock_configuration", "true"),
        ("TimeZone", "UTC"),
    ]);
    let threads = settings.threads.to_string();
    exact.push(("threads", &threads));
    let spill = settings.spill.to_str().ok_or(EngineError::Path)?;
    exact.push(("temp_directory", spill));
    let sizes = [
        ("memory_limit", settings.memory_mib),
        ("max_temp_directory_size", settings.spill_mib),
    ];
    let names = exact.iter().map(|(name, _)| *name);
    let names: Vec<&'static str> = names.chain(sizes.map(|(name, _)| name)).collect();
    let held = held(connection, &names)?;
    let value = |name: &'static str| held.get(name).ok_or(EngineError::ReadBack { name });
    for (name, want) in exact {
        if value(name)? != want {
            return Err(EngineError::ReadBack { name });
        }
    }
    for (name, mib) in sizes {
        if !is_about(value(name)?, mib) {
            return Err(EngineError::ReadBack { name });
        }
    }
    Ok(())
}

/// These settings with their values, in one statement: one for each took a fifth of a worker's start, and a table of
/// all that there are takes as long as a first query.
fn held(
    connection: &duckdb::Connection,
    names: &[&'static str],
) -> Result<BTreeMap<&'static str, String>, EngineError> {
    let values = names.iter().map(|name| {
        let name = quote::text(name);
        format!("coalesce(cast(current_setting({name}) as varchar), '')")
    });
    let select = format!("select {}", values.collect::<Vec<_>>().join(", "));
    let all = || -> duckdb::Result<BTreeMap<&'static str, String>> {
        let mut statement = connection.prepare(&select)?;
        statement.query_row([], |row| {
            let named = names.iter().enumerate();
            named.map(|(at, name)| Ok((*name, row.get(at)?))).collect()
        })
    };
    all().map_err(|_| EngineError::ReadBack {
        name: "current_setting",
    })
}

/// The engine writes sizes with one decimal, cut off: `2.4 GiB` for 2500 MiB.
fn is_about(written: &str, mib: u32) -> bool {
    let Some((number, unit)) = written.split_once(' ') else {
        return false;
    };
    let scale = match unit {
        "bytes" => 1.0 / 1_048_576.0,
        "KiB" => 1.0 / 1024.0,
        "MiB" => 1.0,
        "GiB" => 1024.0,
        "TiB" => 1_048_576.0,
        _ => return false,
    };
    let Ok(number) = number.parse::<f64>() else {
        return false;
    };
    ((number - 0.001) * scale..(number + 0.1) * scale).contains(&f64::from(mib))
}

/// Makes views over files that are read where they lie after file access is shut: these and no others.
fn read_in_place(connection: &duckdb::Connection, files: &[FileTable]) -> Result<(), EngineError> {
    let paths: Vec<String> = files
        .iter()
        .map(|file| quote::path(&file.path))
        .collect::<Result<_, _>>()?;
    if paths.is_empty() {
        return Ok(());
    }
    connection
        .execute_batch(&format!("set allowed_paths = [{}]", paths.join(", ")))
        .map_err(|_| EngineError::Setting {
            name: "allowed_paths",
        })?;
    for (file, path) in files.iter().zip(paths) {
        connection
            .execute_batch(&format!(
                "create view memory.main.{} as select * from read_parquet({path})",
                quote::name(&file.name)
            ))
            .map_err(|e| EngineError::Load {
                table: file.name.clone(),
                kind: kind(&e),
            })?;
    }
    Ok(())
}

/// Runs one of our own statements.
pub(crate) fn execute(
    connection: &duckdb::Connection,
    doing: &'static str,
    sql: &str,
) -> Result<(), EngineError> {
    connection.execute_batch(sql).map_err(failed(doing))
}
