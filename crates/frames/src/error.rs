//! Why a file was refused.

/// Kinds of refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The file is not what it should be.
    File,
    /// A limit was reached; the message names it.
    Limit,
    /// The file could not be opened, read or written.
    Io,
}

/// A refusal: one clear sentence that says where, and never shows a value of a row.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct FrameError {
    /// Kind of refusal.
    pub fault: Fault,
    /// The sentence, lower case, without full stop; row and column are in it.
    pub message: String,
    /// Row from 1; the header is not counted.
    pub row: Option<u64>,
    /// Column name.
    pub column: Option<String>,
}

impl FrameError {
    /// A refusal of the file as a whole.
    pub fn file(message: impl Into<String>) -> Self {
        Self {
            fault: Fault::File,
            message: message.into(),
            row: None,
            column: None,
        }
    }

    /// A refusal because of one cell; the sentence begins with its place.
    pub fn cell(row: u64, column: &str, what: &str) -> Self {
        Self {
            fault: Fault::File,
            message: format!("row {row}, column {column}: {what}"),
            row: Some(row),
            column: Some(column.to_owned()),
        }
    }

    /// A refusal because of one row.
    pub fn row(row: u64, what: &str) -> Self {
        Self {
            fault: Fault::File,
            message: format!("row {row} {what}"),
            row: Some(row),
            column: None,
        }
    }

    /// A refusal because of one column as a whole.
    pub fn column(column: &str, what: &str) -> Self {
        Self {
            fault: Fault::File,
            message: format!("column {column} {what}"),
            row: None,
            column: Some(column.to_owned()),
        }
    }

    /// A limit; the sentence names it.
    pub(crate) fn limit(message: impl Into<String>) -> Self {
        Self {
            fault: Fault::Limit,
            ..Self::file(message)
        }
    }

    /// A file that could not be opened, read or written.
    pub(crate) fn io(what: &str, error: &std::io::Error) -> Self {
        Self {
            fault: Fault::Io,
            ..Self::file(format!("the file could not be {what}: {}", error.kind()))
        }
    }
}
