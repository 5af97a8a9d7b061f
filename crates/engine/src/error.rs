//! What can go wrong on the data floor.

/// Failures of the engine. The engine's own text may hold values of rows, so only its kind is kept.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EngineError {
    /// The engine did not start.
    #[error("the data engine could not be opened")]
    Open,
    /// A setting was refused.
    #[error("the engine's setting {name} could not be made")]
    Setting {
        /// Its name.
        name: &'static str,
    },
    /// A setting does not hold what was set: nothing may run.
    #[error("the engine's setting {name} does not hold what was set")]
    ReadBack {
        /// Its name.
        name: &'static str,
    },
    /// A path that the engine would read as a pattern, or that is not text.
    #[error("a file name holds a character that is not accepted")]
    Path,
    /// The extract could not be attached.
    #[error("the extract could not be opened: {kind}")]
    Extract {
        /// The engine's kind of error.
        kind: &'static str,
    },
    /// The database that files are copied into could not be made or closed.
    #[error("the files could not be copied for the statements: {kind}")]
    Copy {
        /// The kind of input or output error.
        kind: String,
    },
    /// The scratch space is full of copied files.
    #[error("the files do not fit the scratch space: the limit scratch_mib is exceeded")]
    Full,
    /// A file could not be loaded as a table.
    #[error("table {table} could not be loaded from its file: {kind}")]
    Load {
        /// Name of the table.
        table: String,
        /// The engine's kind of error.
        kind: &'static str,
    },
    /// The plan of an extract and its files do not fit each other.
    #[error("table {table}: {what}")]
    Plan {
        /// Name of the table.
        table: String,
        /// What does not fit, without a value of a row.
        what: String,
    },
    /// The engine failed at our own statement.
    #[error("the engine failed while {doing}: {kind}")]
    Failed {
        /// What was being done.
        doing: &'static str,
        /// The engine's kind of error.
        kind: &'static str,
    },
}

/// The engine's names of its kinds of error. No text after the colon is ever used.
const KINDS: [&str; 20] = [
    "Binder Error",
    "Catalog Error",
    "Connection Error",
    "Constraint Error",
    "Conversion Error",
    "Dependency Error",
    "FATAL Error",
    "INTERNAL Error",
    "INTERRUPT Error",
    "IO Error",
    "Invalid Error",
    "Invalid Input Error",
    "Invalid Type Error",
    "Mismatch Type Error",
    "Not implemented Error",
    "Out of Memory Error",
    "Out of Range Error",
    "Parser Error",
    "Permission Error",
    "TransactionContext Error",
];

/// The kind of an engine error, without anything that a row could have got into.
pub(crate) fn kind(error: &duckdb::Error) -> &'static str {
    let text = words(error);
    KINDS
        .into_iter()
        .find(|kind| text.starts_with(kind))
        .unwrap_or("an engine error")
}

/// The engine's own words.
pub(crate) fn words(error: &duckdb::Error) -> String {
    match error {
        duckdb::Error::DuckDBFailure(_, Some(text)) => text.clone(),
        other => other.to_string(),
    }
}

pub(crate) fn failed(doing: &'static str) -> impl Fn(duckdb::Error) -> EngineError {
    move |error| EngineError::Failed {
        doing,
        kind: kind(&error),
    }
}
