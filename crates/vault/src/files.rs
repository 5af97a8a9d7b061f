//! Files that are wholly there or not there: staging, fsync, link into place, fsync the folder.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::VaultError;
use crate::crypto::random;

const STAGING: &str = "staging-";

/// Makes `folder` (mode 0700) and its parents unless it is there, each flushed before it is used: a key in a folder that
/// a power cut takes back is a lost key.
pub(crate) fn create_folder(folder: &Path) -> Result<(), VaultError> {
    if folder.is_dir() {
        return Ok(());
    }
    let parent = match folder.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        Some(_) | None => Path::new("."),
    };
    create_folder(parent)?;
    match DirBuilder::new().mode(0o700).create(folder) {
        // Somebody else was first.
        Err(_) if folder.is_dir() => {}
        made => made.map_err(VaultError::io("make the folder", folder))?,
    }
    sync_folder(parent)
}

pub(crate) fn sync_folder(folder: &Path) -> Result<(), VaultError> {
    File::open(folder)
        .and_then(|opened| opened.sync_all())
        .map_err(VaultError::io("flush the folder", folder))
}

/// A name nobody else uses, which the next start removes if it is left behind.
pub(crate) fn staging_path(folder: &Path) -> Result<PathBuf, VaultError> {
    Ok(folder.join(format!("{STAGING}{}", hex::encode(random::<16>()?))))
}

pub(crate) fn is_staging(name: &str) -> bool {
    name.starts_with(STAGING)
}

/// A new file (mode 0600) that was not there before.
pub(crate) fn create_new(path: &Path) -> Result<File, VaultError> {
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .map_err(VaultError::io("create", path))
}

/// Writes a new file and flushes it; the folder is not flushed.
pub(crate) fn write_new(path: &Path, bytes: &[u8]) -> Result<(), VaultError> {
    let mut file = create_new(path)?;
    file.write_all(bytes)
        .and_then(|()| file.sync_all())
        .map_err(VaultError::io("write", path))
}

/// Gives a flushed staging file its name. A hard link, because a rename would silently replace what is there.
pub(crate) fn publish(folder: &Path, staging: &Path, name: &str) -> Result<(), VaultError> {
    let path = folder.join(name);
    let linked = fs::hard_link(staging, &path);
    let removed = fs::remove_file(staging);
    match linked {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            return Err(VaultError::Exists { path });
        }
        Err(error) => return Err(VaultError::io("put in place", &path)(error)),
    }
    removed.map_err(VaultError::io("remove", staging))?;
    sync_folder(folder)
}

/// `folder/name` with exactly `bytes`, or nothing.
pub(crate) fn write_atomically(folder: &Path, name: &str, bytes: &[u8]) -> Result<(), VaultError> {
    let staging = staging_path(folder)?;
    write_new(&staging, bytes)?;
    publish(folder, &staging, name)
}

/// A new private file with exactly `bytes`, flushed with its folder, or nothing.
///
/// # Errors
/// [`VaultError::Exists`] when the name is taken, [`VaultError::BadName`] when the path has none, and failures of the disk.
pub fn write_once(path: &Path, bytes: &[u8]) -> Result<(), VaultError> {
    match (
        path.parent(),
        path.file_name().and_then(|name| name.to_str()),
    ) {
        (Some(folder), Some(name)) => write_atomically(folder, name, bytes),
        _ => Err(VaultError::BadName),
    }
}

/// Opens without following a symbolic link or waiting on a pipe; `None` when it is not there.
pub(crate) fn open_plain(path: &Path) -> Result<Option<File>, VaultError> {
    match OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK)
        .open(path)
    {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(VaultError::io("open", path)(error)),
    }
}

/// At most `limit` + 1 bytes of a key file (so that a longer one shows); wiped when dropped.
pub(crate) fn read_small(
    file: &File,
    path: &Path,
    limit: usize,
) -> Result<Zeroizing<Vec<u8>>, VaultError> {
    // Reserved whole: growing would leave copies behind in freed memory.
    let mut bytes = Zeroizing::new(Vec::with_capacity(limit + 64));
    file.take(limit as u64 + 1)
        .read_to_end(&mut bytes)
        .map_err(VaultError::io("read", path))?;
    Ok(bytes)
}

/// The names in `folder`; a name that is not UTF-8 is refused.
pub(crate) fn names(folder: &Path) -> Result<Vec<String>, VaultError> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(VaultError::io("list", folder))? {
        let entry = entry.map_err(VaultError::io("list", folder))?;
        let name = entry
            .file_name()
            .into_string()
            .map_err(|_| VaultError::StrangeFile { path: entry.path() })?;
        found.push(name);
    }
    Ok(found)
}

/// Overwrites, flushes and unlinks. The overwrite is best effort: see the crate's page.
pub(crate) fn shred(path: &Path) -> Result<(), VaultError> {
    let length = match fs::symlink_metadata(path) {
        Ok(meta) => usize::try_from(meta.len()).unwrap_or(0).min(4096),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(VaultError::io("read", path)(error)),
    };
    OpenOptions::new()
        .write(true)
        .custom_flags(libc::O_NOFOLLOW)
        .open(path)
        .and_then(|mut file| {
            file.write_all(&vec![0; length])?;
            file.sync_all()
        })
        .map_err(VaultError::io("overwrite", path))?;
    fs::remove_file(path).map_err(VaultError::io("remove", path))
}

/// Removes what an interrupted write left in `folder` and says how many entries. For start-up, before any writer runs.
///
/// # Errors
/// When the folder cannot be listed or an entry cannot be removed.
pub fn remove_staging(folder: &Path) -> Result<usize, VaultError> {
    let mut removed = 0;
    for name in names(folder)?.iter().filter(|name| is_staging(name)) {
        let path = folder.join(name);
        let meta = fs::symlink_metadata(&path).map_err(VaultError::io("read", &path))?;
        if meta.is_dir() {
            fs::remove_dir_all(&path).map_err(VaultError::io("remove", &path))?;
        } else {
            fs::remove_file(&path).map_err(VaultError::io("remove", &path))?;
        }
        removed += 1;
    }
    if removed > 0 {
        sync_folder(folder)?;
    }
    Ok(removed)
}

/// Fills `buffer` as far as the reader goes; less than full means the end.
pub(crate) fn read_full<R: Read>(reader: &mut R, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match reader.read(rest) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}
