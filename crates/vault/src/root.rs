//! The root key: the only key that comes from outside.

use std::fs::File;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use zeroize::Zeroizing;

use crate::VaultError;
use crate::crypto::{KEY_BYTES, KeyBytes, random_key};
use crate::files::{create_folder, open_plain, read_small, remove_staging, write_atomically};

mod passphrase;

pub use passphrase::{FILE as ROOT_PASSPHRASE_FILE, PASSPHRASE_BYTES_MAX, PASSPHRASE_CHARS_MIN};

/// Name of the file of a root key that was made here.
pub const FILE: &str = "root.key";

/// The site's 32-byte root key. Wiped when dropped; cannot be copied, printed or serialised.
pub struct Root(KeyBytes);

impl Root {
    /// The key in `folder/root.key`, made at random (mode 0600) when the file is not there.
    ///
    /// Give it a folder of its own: left-over staging files there are removed. Losing this file loses every secret; it
    /// belongs in a safe, never in the backup that holds the sealed files.
    ///
    /// # Errors
    /// A file that others can read or write, that is a symbolic link, or that does not hold 32 bytes (or 64 hexadecimal
    /// digits), and failures of the disk.
    pub fn open_or_create(folder: &Path) -> Result<Self, VaultError> {
        create_folder(folder)?;
        // Also when the key is there: a start cut short after the link leaves a second name for it.
        remove_staging(folder)?;
        let path = folder.join(FILE);
        if let Some(file) = open_plain(&path)? {
            return Self::read(&file, &path, 0o600);
        }
        match write_atomically(folder, FILE, random_key()?.as_slice()) {
            // Somebody else was first: theirs is the key.
            Ok(()) | Err(VaultError::Exists { .. }) => {}
            Err(error) => return Err(error),
        }
        match open_plain(&path)? {
            Some(file) => Self::read(&file, &path, 0o600),
            None => Err(VaultError::Missing { path }),
        }
    }

    /// The key in the credential `name` of a systemd credential directory (the unit passes the directory's path).
    ///
    /// systemd grants the service's user through an access list, which shows as group *read*; so 0440 is allowed here.
    ///
    /// # Errors
    /// As [`Root::open_or_create`], [`VaultError::BadCredentialName`], and when there is no such credential; nothing is
    /// ever created here.
    pub fn from_credentials(folder: &Path, name: &str) -> Result<Self, VaultError> {
        if name.is_empty() || name.contains(['/', '\0']) || name.starts_with('.') {
            return Err(VaultError::BadCredentialName);
        }
        let path = folder.join(name);
        match open_plain(&path)? {
            Some(file) => Self::read(&file, &path, 0o640),
            None => Err(VaultError::Missing { path }),
        }
    }

    /// The key in a file of the site's own, which only its owner may read or write; nothing is ever created here.
    ///
    /// # Errors
    /// As [`Root::open_or_create`], and [`VaultError::Missing`].
    pub fn from_file(path: &Path) -> Result<Self, VaultError> {
        match open_plain(path)? {
            Some(file) => Self::read(&file, path, 0o600),
            None => Err(VaultError::Missing { path: path.into() }),
        }
    }

    fn must_be_private(file: &File, path: &Path, widest: u32) -> Result<(), VaultError> {
        let meta = file.metadata().map_err(VaultError::io("read", path))?;
        let mode = meta.permissions().mode() & 0o7777;
        if mode & !widest != 0 {
            return Err(VaultError::WideMode {
                path: path.into(),
                mode,
                wanted: widest,
            });
        }
        if meta.is_file() {
            Ok(())
        } else {
            Err(VaultError::BadRoot { path: path.into() })
        }
    }

    fn read(file: &File, path: &Path, widest: u32) -> Result<Self, VaultError> {
        Self::must_be_private(file, path, widest)?;
        Self::parse(&read_small(file, path, 2 * KEY_BYTES + 1)?, path)
    }

    /// The key in bytes that another process read for us: as a key file holds it.
    ///
    /// # Errors
    /// [`VaultError::BadRoot`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, VaultError> {
        Self::parse(bytes, Path::new("what was handed over"))
    }

    fn parse(bytes: &[u8], path: &Path) -> Result<Self, VaultError> {
        let bad = || VaultError::BadRoot { path: path.into() };
        let mut key = Zeroizing::new([0; KEY_BYTES]);
        if bytes.len() == KEY_BYTES {
            key.copy_from_slice(bytes);
        } else {
            let text = bytes.strip_suffix(b"\n").unwrap_or(bytes);
            hex::decode_to_slice(text, key.as_mut_slice()).map_err(|_| bad())?;
        }
        // A sparse file after a crash, or a placeholder.
        if key.iter().all(|byte| *byte == 0) {
            return Err(bad());
        }
        Ok(Self(key))
    }

    pub(crate) fn bytes(&self) -> &[u8; KEY_BYTES] {
        &self.0
    }

    #[cfg(test)]
    pub(crate) fn for_test(byte: u8) -> Self {
        Self(Zeroizing::new([byte; KEY_BYTES]))
    }
}

#[cfg(test)]
mod tests;
