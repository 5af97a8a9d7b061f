//! Why a command did not do what it was asked for, as one sentence and an exit code.

use std::fmt;
use std::io::{self, Write};

use service::{Kind, ServiceError};

/// Done, with findings or a refusal.
pub(crate) const REFUSED: u8 = 1;
/// Could not: bad input, a missing layer, a broken file.
pub(crate) const COULD_NOT: u8 = 2;

/// Why a command did not do what it was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    /// The exit code, 1 or 2.
    pub(crate) code: u8,
    /// One clear sentence, without values of rows.
    pub(crate) text: String,
}

impl Problem {
    /// It could not be done or tried (exit code 2).
    pub(crate) fn could_not(text: impl Into<String>) -> Self {
        Self {
            code: COULD_NOT,
            text: text.into(),
        }
    }

    /// It was understood and refused (exit code 1).
    pub(crate) fn refused(text: impl Into<String>) -> Self {
        Self {
            code: REFUSED,
            text: text.into(),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for Problem {}

/// An error with what caused it, in one line.
fn whole(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let words = error.to_string();
        // Transparent errors repeat the words of their cause.
        if !text.ends_with(&words) {
            text.push_str(": ");
            text.push_str(&words);
        }
        cause = error.source();
    }
    text.replace('\n', " ")
}

impl From<sandbox::SandboxError> for Problem {
    fn from(error: sandbox::SandboxError) -> Self {
        Self::could_not(whole(&error))
    }
}

impl From<sandbox::ProfileError> for Problem {
    fn from(error: sandbox::ProfileError) -> Self {
        Self::could_not(whole(&error))
    }
}

impl From<disclosure::PolicyError> for Problem {
    fn from(error: disclosure::PolicyError) -> Self {
        Self::could_not(whole(&error))
    }
}

impl From<audit_log::AuditError> for Problem {
    fn from(error: audit_log::AuditError) -> Self {
        Self::could_not(whole(&error))
    }
}

impl From<protocol::report::Failure> for Problem {
    fn from(failure: protocol::report::Failure) -> Self {
        let mut text = failure.message.replace('\n', " ");
        // Most sentences name the place themselves.
        if let Some(row) = failure.row
            && !text.contains(&format!("row {row}"))
        {
            text.push_str(&format!(", row {row}"));
        }
        if let Some(column) = &failure.column
            && !text.contains(column.as_str())
        {
            text.push_str(&format!(", column {column}"));
        }
        Self::could_not(text)
    }
}

impl From<ServiceError> for Problem {
    fn from(error: ServiceError) -> Self {
        let text = whole(&error);
        match error.kind() {
            Kind::Refused | Kind::NotSignedIn | Kind::Denied | Kind::Stale | Kind::TooOften => {
                Self::refused(text)
            }
            Kind::NotFound | Kind::BadInput | Kind::Unavailable | Kind::Internal => {
                Self::could_not(text)
            }
        }
    }
}

impl From<serde_json::Error> for Problem {
    fn from(_: serde_json::Error) -> Self {
        // The parser's words could quote a value.
        Self::could_not("an answer could not be written or read as JSON")
    }
}

/// Writes one line to standard output.
///
/// # Errors
/// If nobody reads it.
pub(crate) fn say(line: &str) -> Result<(), Problem> {
    write(line.as_bytes(), b"\n")
}

/// Writes text to standard output as it is.
///
/// # Errors
/// If nobody reads it.
pub(crate) fn say_raw(text: &str) -> Result<(), Problem> {
    write(text.as_bytes(), b"")
}

fn write(bytes: &[u8], end: &[u8]) -> Result<(), Problem> {
    let mut out = io::stdout().lock();
    out.write_all(bytes)
        .and_then(|()| out.write_all(end))
        .and_then(|()| out.flush())
        .map_err(|error| Problem::could_not(format!("the answer could not be written: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_is_told_once_and_in_one_line() {
        let error = sandbox::SandboxError::Start(io::Error::other("no such\nprogram"));
        let problem = Problem::from(error);
        assert_eq!(
            (problem.code, problem.to_string().as_str()),
            (2, "the worker could not be started: no such program")
        );
        let transparent = sandbox::SandboxError::Io(io::Error::other("cut"));
        assert_eq!(
            Problem::from(transparent).text,
            "the worker could not be reached: cut"
        );
    }

    #[test]
    fn what_a_rule_or_policy_refuses_is_told_apart_from_what_could_not_be_tried() {
        assert_eq!(Problem::from(ServiceError::NotSignedIn).code, 1);
        assert_eq!(Problem::from(ServiceError::KeeperGone).code, 2);
        assert_eq!(Problem::from(ServiceError::NotFound("project")).code, 2);
        assert_eq!(Problem::refused("no").code, 1);
    }

    #[test]
    fn a_broken_file_is_named_with_row_and_column() {
        let told = |message: &str| {
            Problem::from(protocol::report::Failure {
                code: protocol::report::FailureCode::BadInput,
                message: message.into(),
                row: Some(3),
                column: Some("sex".into()),
            })
            .text
        };
        assert_eq!(
            told("table a: a value is too long"),
            "table a: a value is too long, row 3, column sex"
        );
        assert_eq!(
            told("row 3 has no value in sex"),
            "row 3 has no value in sex"
        );
    }
}
