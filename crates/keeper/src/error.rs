//! Why a keeper does not start, and how its refusals are made.

use std::io;
use std::path::{Path, PathBuf};

use audit_log::AuditError;
use governance::Refusal;
use protocol::frame::FrameError;
use protocol::keeper::{Refused, RefusedCode};
use protocol::limits::Killed;
use protocol::report::{Failure, FailureCode};
use sandbox::{ProfileError, SandboxError};
use store::StoreError;
use vault::VaultError;

/// Longest text of a worker that goes on to a person.
const MESSAGE_CHARS: usize = 600;

/// Why the keeper does not start or cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum KeeperError {
    /// A folder or file of its own cannot be used.
    #[error("{} cannot be used", path.display())]
    Folder {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Keys or sealed files.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// The store.
    #[error("the store cannot be opened: {0}")]
    Store(#[from] StoreError),
    /// The log's key or name.
    #[error(transparent)]
    Log(#[from] AuditError),
    /// A sandbox profile.
    #[error("the sandbox profile of {jobs}: {source}")]
    Profile {
        /// Of which jobs.
        jobs: &'static str,
        /// Why.
        #[source]
        source: ProfileError,
    },
    /// The worker's program is not there.
    #[error("the worker {} is not there; install it beside this program", .0.display())]
    NoWorker(PathBuf),
    /// A library beside the worker cannot be read.
    #[error("the library {} cannot be read: {source}", path.display())]
    LibraryUnread {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A library beside the worker is another than the workspace image pins.
    #[error("the library {} has the SHA-256 {found}, not the pinned {pinned}; install the one of this build",
        path.display())]
    OtherLibrary {
        /// Which.
        path: PathBuf,
        /// Its SHA-256, in hex.
        found: String,
        /// What it must be.
        pinned: String,
    },
    /// The secrets are gone while what was made with them is there.
    #[error("the secrets in {} are gone, but {} was made with them: bring them back from the backup; \
        no new log key is made for an old log", keys.display(), found.display())]
    KeysLost {
        /// Where they belong.
        keys: PathBuf,
        /// What was found of before.
        found: PathBuf,
    },
    /// The root key is gone and the secrets under it are not: a new one would open none of them.
    #[error("{} is gone, but the secrets in {} were made with it: bring it back from where it is kept; \
        no new root key is made for old secrets", root.display(), keys.display())]
    RootLost {
        /// The file that is missing.
        root: PathBuf,
        /// Where the secrets are.
        keys: PathBuf,
    },
    /// The operating system gives no randomness.
    #[error("the operating system gives no randomness")]
    NoRandomness,
    /// A destruction was cut short by the disk; a new start completes it or takes it back.
    #[error("a destruction was cut short; the keeper must start again")]
    MustReopen,
    /// Somebody listens there already.
    #[error("another keeper listens at {}", .0.display())]
    SocketInUse(PathBuf),
    /// The record of what was signed is gone or cannot be read.
    #[error("the keeper's record of what it signed, {}, is {why}; bring it back", path.display())]
    SignedRecord {
        /// Where it belongs.
        path: PathBuf,
        /// What is wrong with it.
        why: &'static str,
    },
}

impl KeeperError {
    pub(crate) fn folder(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Folder { path, source }
    }
}

pub(crate) fn no(code: RefusedCode, message: impl Into<String>) -> Refused {
    Refused {
        code,
        message: message.into(),
        row: None,
        column: None,
    }
}

pub(crate) fn not_permitted(message: impl Into<String>) -> Refused {
    no(RefusedCode::NotPermitted, message)
}

pub(crate) fn internal(message: impl Into<String>) -> Refused {
    no(RefusedCode::Internal, message)
}

pub(crate) fn by_rule(refusal: Refusal) -> Refused {
    not_permitted(refusal.to_string())
}

pub(crate) fn by_store(error: StoreError) -> Refused {
    match &error {
        StoreError::Unlogged { .. } => not_permitted(error.to_string()),
        _ => {
            tracing::warn!(error = %error, "the store could not be read");
            internal("the keeper cannot read the store")
        }
    }
}

pub(crate) fn by_log(error: AuditError) -> Refused {
    tracing::warn!(error = %error, "the log book refused");
    internal("the keeper cannot read or sign the log")
}

// A vault error names ids, purposes and paths made of ids, never contents.
pub(crate) fn by_vault(error: VaultError) -> Refused {
    tracing::warn!(error = %error, "the vault refused");
    match error {
        VaultError::Io { source, .. } | VaultError::Stream { source, .. }
            if source.kind() == io::ErrorKind::StorageFull =>
        {
            no(
                RefusedCode::NoSpace,
                "the keeper's disk is full: nothing was kept; make space and do it again",
            )
        }
        VaultError::Exists { .. } => not_permitted("this file was kept already"),
        VaultError::Destroyed { .. } => no(
            RefusedCode::Destroyed,
            "the secret of this data was destroyed",
        ),
        VaultError::NoSecret { .. } | VaultError::Missing { .. } => {
            not_permitted("the keeper holds no such file")
        }
        VaultError::TooLarge { limit } => no(
            RefusedCode::Limit,
            format!("a sealed file holds at most {limit} bytes"),
        ),
        VaultError::DestructionFailed { .. } => {
            internal("a secret could still be opened after its destruction")
        }
        VaultError::ReopenNeeded => {
            internal("a destruction was cut short; the keeper starts again: ask again in a moment")
        }
        _ => internal("a sealed file cannot be read or written"),
    }
}

pub(crate) fn by_worker(failure: Failure) -> Refused {
    let code = match failure.code {
        FailureCode::BadInput => RefusedCode::BadInput,
        FailureCode::Limit => RefusedCode::Limit,
        FailureCode::MissingLayer => RefusedCode::MissingLayer,
        FailureCode::Internal => RefusedCode::Internal,
    };
    Refused {
        code,
        message: plain(&failure.message),
        row: failure.row,
        column: failure.column.as_deref().map(plain),
    }
}

pub(crate) fn by_sandbox(error: SandboxError) -> Refused {
    let code = match &error {
        SandboxError::MissingLayer { .. } => RefusedCode::MissingLayer,
        SandboxError::Killed(_) | SandboxError::Hostile(FrameError::Limit { .. }) => {
            RefusedCode::Limit
        }
        SandboxError::BadOrder(_) => RefusedCode::BadInput,
        SandboxError::Start(_)
        | SandboxError::OtherBuild { .. }
        | SandboxError::Input { .. }
        | SandboxError::HandOver { .. }
        | SandboxError::NotReady(_)
        | SandboxError::Ended
        | SandboxError::Crashed(_)
        | SandboxError::Hostile(_)
        | SandboxError::Io(_) => RefusedCode::Internal,
    };
    let message = match &error {
        SandboxError::Killed(killed) => format!(
            "the worker was stopped by its limit {} (policies/sandbox)",
            match killed {
                Killed::Memory => "memory_mib",
                Killed::Time => "time_s",
                Killed::Cpu => "cpu_s",
                Killed::Disk => "scratch_mib",
            }
        ),
        SandboxError::Hostile(FrameError::Limit { limit, .. }) => {
            format!("the worker met the limit {limit} (policies/sandbox)")
        }
        SandboxError::HandOver { source, .. } if is_full(source) => {
            return no(
                RefusedCode::Limit,
                "the input is larger than the limit memory_mib allows (policies/sandbox)",
            );
        }
        other => plain(&other.to_string()),
    };
    no(code, message)
}

fn is_full(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::OutOfMemory | io::ErrorKind::FileTooLarge
    )
}

/// A worker's words: hostile, so without control characters and cut.
fn plain(text: &str) -> String {
    text.chars()
        .filter(|c| !c.is_control())
        .take(MESSAGE_CHARS)
        .collect()
}
