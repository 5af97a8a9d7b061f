//! Key custody and sealed files; used by the keeper process alone.
//!
//! Three layers of keys. The [`Root`] comes from the site (a file, a systemd credential or a passphrase) and wraps one *epoch key*;
//! the epoch key wraps every [`Secret`]; a secret seals files ([`SealWriter`]), makes pseudonyms ([`PseudonymKey`]) or
//! seeds the log's signing key. A secret is random for each owner and [`Purpose`], never derived from the root, so that
//! destroying it is final: the survivors move under a new epoch key and the old epoch key goes
//! (what can be derived again is never shredded).
//!
//! This room never reads the environment, never parses a row, never prints a key or a file's contents, and talks to no
//! network. Randomness is the operating system's.
//!
//! What it cannot do: overwrite a copy that somebody made of the `keys` folder *with* its epoch key, or blocks that a
//! copy-on-write file system or a flash disk keeps after an overwrite. Backups must leave `epoch-*.key` out. `ring` does
//! not wipe its own HKDF, HMAC and digest state, and a key that is moved may leave a copy on the stack; everything held
//! here is wiped when it is dropped.
#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        reason = "tests panic"
    )
)]

mod crypto;
mod error;
mod files;
mod pseudonym;
mod root;
mod sealed;
mod secrets;

pub use crypto::Sha256;
pub use error::VaultError;
pub use files::{remove_staging, write_once};
pub use pseudonym::{
    EVENT_BYTES, EventKey, PseudonymKey, Pseudonymised, RECORD_IN_BYTES, RECORD_OUT_BYTES,
    stream_pseudonymise, stream_pseudonymise_events,
};
pub use root::{
    FILE as ROOT_FILE, PASSPHRASE_BYTES_MAX, PASSPHRASE_CHARS_MIN, ROOT_PASSPHRASE_FILE, Root,
};
pub use sealed::{
    CHUNK_BYTES, OpenReader, OpenedInfo, SealWriter, SealedInfo, open_file, seal_file_atomically,
};
pub use secrets::{
    Attempt, DestructionCertificate, MAX_SECRETS, Purpose, Recovery, Refused, Secret, Secrets,
    Trial,
};
