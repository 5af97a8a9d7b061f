//! What can go wrong, in one clear sentence each.

use std::fmt;
use std::path::PathBuf;

/// Why a command could not be done.
#[derive(Debug)]
pub(crate) enum Fault {
    /// No such command.
    Usage(String),
    /// A program is missing or could not be started.
    Start { program: String, why: String },
    /// A program that had to succeed did not.
    Failed { command: String, code: Option<i32> },
    /// A file could not be read, written or moved.
    File { path: PathBuf, why: String },
    /// This machine lacks something; one line for each.
    Lacks(Vec<String>),
    /// Anything else, already a sentence.
    Plain(String),
}

impl std::error::Error for Fault {}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage(line) => write!(
                f,
                "`cargo xtask {line}` is not a command; `cargo xtask help` lists them"
            ),
            Self::Start { program, why } => write!(f, "cannot start `{program}`: {why}"),
            Self::Failed {
                command,
                code: Some(code),
            } => write!(f, "`{command}` ended with {code}"),
            Self::Failed {
                command,
                code: None,
            } => write!(f, "`{command}` was killed"),
            Self::File { path, why } => write!(f, "{}: {why}", path.display()),
            Self::Lacks(lines) => {
                write!(f, "this machine lacks what the build needs")?;
                for line in lines {
                    write!(f, "\n  {line}")?;
                }
                Ok(())
            }
            Self::Plain(text) => f.write_str(text),
        }
    }
}

impl Fault {
    pub(crate) fn file(path: &std::path::Path, why: impl fmt::Display) -> Self {
        Self::File {
            path: path.to_owned(),
            why: why.to_string(),
        }
    }
}
