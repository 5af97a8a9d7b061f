//! The secrets of projects, deliveries and the log, and their destruction.
//!
//! In the folder, for the current epoch N: `epoch-N.key` (the epoch key under the root key) and `epoch-N/` with one file
//! a secret, `OWNER.PURPOSE.secret`, and one a destroyed secret, `OWNER.PURPOSE.destroyed`. `lock` keeps a second process
//! out. Renaming the staged folder to `epoch-N+1` is the one moment at which a destruction happens; opening the folder
//! again removes what is older (completing it) or newer (rolling it back).

mod destroy;
mod recover;
mod wrapped;

use std::fmt;
use std::fs::{File, OpenOptions, TryLockError};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use crate::crypto::{KEY_BYTES, KeyBytes, random_key};
use crate::files::{create_folder, write_atomically};
use crate::{Root, VaultError};

pub use destroy::{Attempt, DestructionCertificate, Refused, Trial};
pub use recover::Recovery;
use wrapped::{Entry, Epoch, Kind, Standing};

/// Most secrets, destroyed ones included, in one folder. A destruction re-wraps and flushes every one of them.
pub const MAX_SECRETS: usize = 65_536;

/// What a secret is for. A secret of one purpose is refused for another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Purpose {
    /// Seals delivered files.
    Delivery,
    /// Seals what linkage keeps: the spine and the record maps.
    Linkage,
    /// Makes pseudonyms.
    Pseudonym,
    /// Seals extracts.
    Extract,
    /// Seals outputs.
    Output,
    /// Seeds the log's signing key.
    LogSigning,
}

impl Purpose {
    /// Every purpose.
    pub const ALL: [Self; 6] = [
        Self::Delivery,
        Self::Linkage,
        Self::Pseudonym,
        Self::Extract,
        Self::Output,
        Self::LogSigning,
    ];

    /// The word in file names, key derivation and certificates.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Delivery => "delivery",
            Self::Linkage => "linkage",
            Self::Pseudonym => "pseudonym",
            Self::Extract => "extract",
            Self::Output => "output",
            Self::LogSigning => "log-signing",
        }
    }

    fn from_word(word: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|purpose| purpose.as_str() == word)
    }
}

impl fmt::Display for Purpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Whose secret: `prj_…`, `del_…`, `log`. Part of a file name, so nothing but `[a-z0-9_-]{1,64}`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Owner(String);

impl Owner {
    fn parse(text: &str) -> Result<Self, VaultError> {
        if is_plain_word(text) {
            Ok(Self(text.to_owned()))
        } else {
            Err(VaultError::BadOwner)
        }
    }
}

/// `[a-z0-9_-]{1,64}`
pub(crate) fn is_plain_word(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_' || b == b'-')
}

/// 32 random bytes for one purpose. Wiped when dropped; cannot be copied, printed or serialised.
pub struct Secret {
    bytes: KeyBytes,
    purpose: Purpose,
}

impl Secret {
    pub(crate) fn new(bytes: KeyBytes, purpose: Purpose) -> Self {
        Self { bytes, purpose }
    }

    /// What it is for.
    #[must_use]
    pub fn purpose(&self) -> Purpose {
        self.purpose
    }

    /// Lends the Ed25519 seed of the log's signing key to `sign`.
    ///
    /// The one way by which key bytes leave this crate: the log book owns its signature format and must build its key
    /// pair from a seed. A closure, so that the bytes are lent and not kept, and only for [`Purpose::LogSigning`], so that
    /// no sealing or pseudonym secret can leave this way.
    ///
    /// # Errors
    /// [`VaultError::WrongPurpose`] for a secret of any other purpose.
    pub fn with_log_seed<T>(&self, sign: impl FnOnce(&[u8; 32]) -> T) -> Result<T, VaultError> {
        match self.purpose {
            Purpose::LogSigning => Ok(sign(&self.bytes)),
            Purpose::Delivery
            | Purpose::Linkage
            | Purpose::Pseudonym
            | Purpose::Extract
            | Purpose::Output => Err(VaultError::WrongPurpose {
                purpose: self.purpose,
                wanted: "sign the log",
            }),
        }
    }

    pub(crate) fn bytes(&self) -> &[u8; KEY_BYTES] {
        &self.bytes
    }
}

/// The folder of wrapped secrets, held by this process alone.
pub struct Secrets {
    folder: PathBuf,
    root: Root,
    /// `None` while a destruction runs and after one failed: then only opening again tells where things stand.
    current: Option<Epoch>,
    recovery: Recovery,
    _lock: File,
}

impl Secrets {
    /// Opens `folder` (made with a first epoch key when it is empty), completing or rolling back an interrupted destruction.
    ///
    /// # Errors
    /// The folder is in use, the root key is not its root key, an epoch key is missing, or it holds files it should not.
    /// Nothing is deleted before the current epoch key has been opened.
    pub fn open(folder: &Path, root: Root) -> Result<Self, VaultError> {
        create_folder(folder)?;
        let lock = lock(folder)?;
        let (current, recovery) = recover::recover(folder, &root)?;
        Ok(Self {
            folder: folder.into(),
            root,
            current: Some(current),
            recovery,
            _lock: lock,
        })
    }

    /// What opening had to do.
    #[must_use]
    pub fn recovery(&self) -> Recovery {
        self.recovery
    }

    /// The secret of `owner` for `purpose`.
    ///
    /// # Errors
    /// [`VaultError::NoSecret`], [`VaultError::Destroyed`], [`VaultError::Damaged`].
    pub fn get(&self, owner: &str, purpose: Purpose) -> Result<Secret, VaultError> {
        self.epoch()?.open_secret(&Owner::parse(owner)?, purpose)
    }

    /// The secret of `owner` for `purpose`, made at random the first time.
    ///
    /// # Errors
    /// As [`Secrets::get`], except that only a destroyed secret is refused, never an absent one; at [`MAX_SECRETS`] no
    /// more are made.
    pub fn get_or_create(&mut self, owner: &str, purpose: Purpose) -> Result<Secret, VaultError> {
        let epoch = self.epoch()?;
        let owner = Owner::parse(owner)?;
        match epoch.open_secret(&owner, purpose) {
            Err(VaultError::NoSecret { .. }) => {}
            found_or_refused => return found_or_refused,
        }
        if epoch.entries()?.len() >= MAX_SECRETS {
            return Err(VaultError::TooManySecrets { limit: MAX_SECRETS });
        }
        let entry = Entry { owner, purpose };
        let secret = random_key()?;
        let wrapped = epoch.wrap(Kind::Secret, &entry, secret.as_slice())?;
        write_atomically(&epoch.folder, &entry.file_name(Standing::Kept), &wrapped)?;
        // Read back: what the caller seals with must be what a restart will find.
        epoch.open_secret(&entry.owner, purpose)
    }

    fn epoch(&self) -> Result<&Epoch, VaultError> {
        self.current.as_ref().ok_or(VaultError::ReopenNeeded)
    }
}

fn lock(folder: &Path) -> Result<File, VaultError> {
    let path = folder.join("lock");
    let file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .custom_flags(libc::O_NOFOLLOW)
        .open(&path)
        .map_err(VaultError::io("open", &path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(VaultError::InUse { path }),
        Err(TryLockError::Error(error)) => Err(VaultError::io("lock", &path)(error)),
    }
}

#[cfg(test)]
mod tests;
