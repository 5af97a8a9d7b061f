//! What can go wrong in the filing room. Texts name kinds, ids and sizes, never what a row holds.

use std::error::Error;
use std::sync::Arc;

use audit_log::AuditError;

/// Why the store refused or could not.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The object is not at the version that the change was made from.
    #[error("{kind} {id} was changed by somebody else in the meantime; look at it again")]
    Stale {
        /// Kind of object.
        kind: String,
        /// Its id.
        id: String,
    },
    /// A state is not the one that its leaf commits to, or its leaf is not the last one about it.
    #[error("{kind} {id} is not as the log tells it; it must not be used")]
    Unlogged {
        /// Kind of object.
        kind: String,
        /// Its id.
        id: String,
    },
    /// A record without a change.
    #[error("there is no change to record")]
    Empty,
    /// Something is larger or more than its limit.
    #[error("{what}: {found} is over the limit of {limit}")]
    TooMuch {
        /// What is limited, with its unit.
        what: &'static str,
        /// What was given.
        found: u64,
        /// The limit.
        limit: u64,
    },
    /// The kind of a document is not a plain word, is reserved or comes twice.
    #[error(
        "the kind of a document must be a word of a to z, 0 to 9 and _, once in a record, not `state`"
    )]
    DocumentKind,
    /// Somebody else signs in under this name.
    #[error("this sign-in name is taken; choose another")]
    NameTaken,
    /// An account of privacy loss is too low.
    #[error(transparent)]
    OverBudget(#[from] governance::measure::OverBudget),
    /// The file was opened for reading.
    #[error("the store was opened for reading only")]
    ReadOnly,
    /// The store was closed or its writer ended.
    #[error("the store is closed")]
    Closed,
    /// There is no store in the folder.
    #[error("there is no strongroom.sqlite in the data directory")]
    Absent,
    /// The file is of another version of this program.
    #[error("the store has schema version {found}, this program knows version {known}")]
    Schema {
        /// Version of the file.
        found: i64,
        /// Newest version known here.
        known: i64,
    },
    /// The log is not that long yet.
    #[error("the log has {size} entries, {asked} were asked for")]
    BeyondLog {
        /// Entries asked for.
        asked: u64,
        /// Entries there are.
        size: u64,
    },
    /// A checkpoint to keep is not one of this log.
    #[error("the checkpoint has another size or root than the log")]
    OtherCheckpoint,
    /// A stored row cannot be read.
    #[error("a stored {0} cannot be read")]
    Unreadable(&'static str),
    /// The commit that several requests shared failed; none of them was recorded.
    #[error("{0}; nothing was recorded")]
    NotRecorded(#[source] Arc<StoreError>),
    /// There is no space left for the database.
    #[error("the disk is full: make space and do it again")]
    Full,
    /// The database lies where nothing can be written.
    #[error("the disk cannot be written to: it is mounted for reading or has failed")]
    Unwritable,
    /// The operating system gave no random bytes.
    #[error("the system gives no random bytes")]
    NoRandomness,
    /// The log book refused.
    #[error("the log refused")]
    Log(#[from] AuditError),
    /// The database failed.
    #[error("the database failed")]
    Database(#[source] Box<dyn Error + Send + Sync>),
}

impl StoreError {
    /// Whether the disk is in the way, so that the same request may succeed once somebody sees to it.
    #[must_use]
    pub fn disk(&self) -> Option<&Self> {
        match self {
            Self::Full | Self::Unwritable => Some(self),
            Self::NotRecorded(source) => source.disk(),
            _ => None,
        }
    }
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        // The primary result code is the low byte of an extended one (sqlite.org/rescode.html).
        const READONLY: i32 = 8;
        const IOERR: i32 = 10;
        const FULL: i32 = 13;
        const CANTOPEN: i32 = 14;
        let code = match &error {
            sqlx::Error::Database(why) => why.code().and_then(|code| code.parse::<i32>().ok()),
            _ => None,
        };
        match code.map(|code| code & 0xff) {
            Some(FULL) => Self::Full,
            Some(READONLY | IOERR | CANTOPEN) => Self::Unwritable,
            Some(_) | None => Self::Database(Box::new(error)),
        }
    }
}

/// A number for a database column.
pub(crate) fn int(n: u64) -> Result<i64, StoreError> {
    let limit = i64::MAX.unsigned_abs();
    i64::try_from(n).map_err(|_| StoreError::TooMuch {
        what: "number",
        found: n,
        limit,
    })
}

/// A number from a database column that holds no negative ones.
pub(crate) fn count(n: i64) -> Result<u64, StoreError> {
    u64::try_from(n).map_err(|_| StoreError::Unreadable("number"))
}

/// Refuses what is over its limit.
pub(crate) fn at_most(what: &'static str, found: usize, limit: usize) -> Result<(), StoreError> {
    if found > limit {
        return Err(StoreError::TooMuch {
            what,
            found: found as u64,
            limit: limit as u64,
        });
    }
    Ok(())
}
