use std::io;
use std::path::{Path, PathBuf};

use crate::secrets::Purpose;

/// Why the vault could not do it. No variant carries key bytes or file contents.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// The owner id is not `[a-z0-9_-]{1,64}`.
    #[error("an owner id must be 1 to 64 characters of a-z, 0-9, _ and -")]
    BadOwner,
    /// The pseudonym purpose is not `[a-z0-9_-]{1,64}`.
    #[error("a pseudonym purpose must be 1 to 64 characters of a-z, 0-9, _ and -")]
    BadLabel,
    /// The file name is not `[A-Za-z0-9._-]{1,128}`, starts with a dot or with `staging-`.
    #[error(
        "a sealed file's name must be 1 to 128 characters of letters, digits, dot, _ and -, and start neither with a dot nor with staging-"
    )]
    BadName,
    /// No such secret was ever made here.
    #[error("{owner} has no {purpose} secret")]
    NoSecret {
        /// Owner id.
        owner: String,
        /// What the secret was for.
        purpose: Purpose,
    },
    /// The secret was destroyed; it is never made again under the same name.
    #[error("the {purpose} secret of {owner} was destroyed at key epoch {at_epoch}")]
    Destroyed {
        /// Owner id.
        owner: String,
        /// What the secret was for.
        purpose: Purpose,
        /// First epoch without it.
        at_epoch: u64,
    },
    /// After destruction one of the trials still opened the secret.
    #[error("the {purpose} secret of {owner} could still be opened after its destruction")]
    DestructionFailed {
        /// Owner id.
        owner: String,
        /// What the secret was for.
        purpose: Purpose,
    },
    /// A secret of one purpose was offered for another.
    #[error("a {purpose} secret cannot be used to {wanted}")]
    WrongPurpose {
        /// The secret's purpose.
        purpose: Purpose,
        /// What was asked of it.
        wanted: &'static str,
    },
    /// A key file can be read or written by others.
    #[error("{} has mode {mode:04o}, which is too wide: run `chmod {wanted:04o}` on it", path.display())]
    WideMode {
        /// The key file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
        /// The widest allowed.
        wanted: u32,
    },
    /// A root key is not 32 bytes (or 64 hexadecimal digits), or all zero.
    #[error("{} does not hold a root key: 32 random bytes, or 64 hexadecimal digits, are needed", path.display())]
    BadRoot {
        /// The key file.
        path: PathBuf,
    },
    /// The name of a credential is empty, starts with a dot or holds a slash or a zero byte.
    #[error(
        "a credential's name must not be empty, start with a dot or hold a slash or a zero byte"
    )]
    BadCredentialName,
    /// A passphrase that is to protect a new root key is too short or too long.
    #[error("a passphrase has at least {chars_min} characters and at most {bytes_max} bytes")]
    WeakPassphrase {
        /// Fewest characters.
        chars_min: usize,
        /// Most bytes.
        bytes_max: usize,
    },
    /// The passphrase does not open the root key.
    #[error("the passphrase does not open {}", path.display())]
    WrongPassphrase {
        /// The file of the wrapped root key.
        path: PathBuf,
    },
    /// The file named is not there.
    #[error("{} does not exist", path.display())]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// The epoch key does not open under this root key.
    #[error("the root key does not open epoch key {epoch}: wrong root key or damaged file")]
    WrongRoot {
        /// The current epoch.
        epoch: u64,
    },
    /// Secrets without their epoch key: lost, or restored from a backup (which never holds epoch keys).
    #[error("epoch key {epoch} is missing, so the secrets wrapped under it cannot be opened")]
    MissingEpochKey {
        /// The epoch of the newest folder.
        epoch: u64,
    },
    /// An epoch key without its folder of secrets, which no interrupted step leaves behind.
    #[error("the folder of key epoch {epoch} is missing although its key is there")]
    MissingEpochFolder {
        /// The epoch of the key found.
        epoch: u64,
    },
    /// A wrapped key file fails its authentication.
    #[error("{} is damaged or is not the file it is named", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
    },
    /// A file of unknown name inside an epoch folder; re-wrapping would lose it.
    #[error("{} does not belong in a folder of secrets", path.display())]
    StrangeFile {
        /// The file.
        path: PathBuf,
    },
    /// Another process holds the folder.
    #[error("{} is in use by another process", path.display())]
    InUse {
        /// The lock file.
        path: PathBuf,
    },
    /// An earlier destruction failed part-way in this process.
    #[error("a destruction was interrupted: open the secrets again to complete it or roll it back")]
    ReopenNeeded,
    /// More secrets than a folder may hold.
    #[error("a vault holds at most {limit} secrets")]
    TooManySecrets {
        /// The limit.
        limit: usize,
    },
    /// The name is taken: sealed files and secrets are never replaced.
    #[error("{} already exists", path.display())]
    Exists {
        /// The name that is taken.
        path: PathBuf,
    },
    /// Not a sealed file, or of a version this program does not know.
    #[error("not a sealed file of a known version")]
    NotSealed,
    /// A sealed file that is damaged, cut short, extended, renamed or opened with another secret.
    #[error(
        "sealed file fails its check at chunk {chunk}: damaged, cut short, renamed, or another secret"
    )]
    NotAuthentic {
        /// The first chunk that fails, from 0.
        chunk: u64,
    },
    /// The reader was asked for its summary before its end.
    #[error("the sealed file was not read to its end")]
    NotReadToEnd,
    /// A sealed writer or reader was used after it failed.
    #[error("this sealed stream has already failed")]
    StreamFailed,
    /// More plaintext than one sealed file may hold.
    #[error("a sealed file holds at most {limit} bytes")]
    TooLarge {
        /// The limit in bytes.
        limit: u64,
    },
    /// Pseudonym input that is not whole records.
    #[error("the record map is not a whole number of {record_bytes}-byte records")]
    PartialRecord {
        /// Bytes a record.
        record_bytes: usize,
    },
    /// More pseudonym records than one run may hold.
    #[error("a record map holds at most {limit} records")]
    TooManyRecords {
        /// The limit.
        limit: u64,
    },
    /// The operating system gave no randomness.
    #[error("the operating system gave no randomness")]
    Random,
    /// A primitive refused its input (lengths out of range); not reachable with valid arguments.
    #[error("a cryptographic primitive refused its input")]
    Crypto,
    /// Reading or writing failed.
    #[error("could not {doing} {}", path.display())]
    Io {
        /// What was being done.
        doing: &'static str,
        /// To which path.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// Reading or writing a stream without a path failed.
    #[error("could not {doing}")]
    Stream {
        /// What was being done.
        doing: &'static str,
        /// The stream's reason.
        source: io::Error,
    },
}

impl VaultError {
    pub(crate) fn io(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_path_buf();
        move |source| Self::Io {
            doing,
            path,
            source,
        }
    }

    /// A stream's error; a vault error that travelled inside `io::Error` comes back as itself.
    pub(crate) fn stream(doing: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| match source.downcast::<Self>() {
            Ok(own) => own,
            Err(source) => Self::Stream { doing, source },
        }
    }

    /// For `Read` and `Write`, whose errors must be `io::Error`; `io::Error::downcast` gives it back.
    pub(crate) fn into_io(self) -> io::Error {
        match self {
            Self::Stream { source, .. } => source,
            other => io::Error::new(io::ErrorKind::InvalidData, other),
        }
    }
}
