//! What a folder of secrets looks like after any interruption, and how it is put right.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::wrapped::{Epoch, folder_path, key_path};
use crate::crypto::random_key;
use crate::files::{
    create_folder, names, remove_staging, shred, staging_path, sync_folder, write_atomically,
};
use crate::{Root, VaultError};

const FIRST: u64 = 1;

/// What [`crate::Secrets::open`] found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recovery {
    /// Nothing to do.
    Clean,
    /// An empty folder, now with its first epoch key. A lost folder looks the same: refuse this when there are projects.
    FirstStart,
    /// A destruction had happened but its clearing up was cut short; it is complete now. Asking for it again certifies it.
    Completed,
    /// A destruction or creation was cut short before it happened; its traces are gone and every secret is as before.
    RolledBack,
}

/// Epoch numbers found in a folder.
struct Survey {
    keys: BTreeSet<u64>,
    folders: BTreeSet<u64>,
}

fn survey(vault: &Path) -> Result<Survey, VaultError> {
    let mut survey = Survey {
        keys: BTreeSet::new(),
        folders: BTreeSet::new(),
    };
    for name in names(vault)? {
        let Some(rest) = name.strip_prefix("epoch-") else {
            continue;
        };
        let (digits, found) = match rest.strip_suffix(".key") {
            Some(digits) => (digits, &mut survey.keys),
            None => (rest, &mut survey.folders),
        };
        match digits.parse::<u64>() {
            // Only the one way of writing a number, so that name and number stand for each other.
            Ok(number) if number.to_string() == digits => found.insert(number),
            _ => {
                return Err(VaultError::StrangeFile {
                    path: vault.join(name),
                });
            }
        };
    }
    Ok(survey)
}

/// Finds the current epoch, then completes or rolls back. Deletes nothing before the current epoch key has opened.
pub(super) fn recover(vault: &Path, root: &Root) -> Result<(Epoch, Recovery), VaultError> {
    let survey = survey(vault)?;
    let Some(current) = survey.folders.last().copied() else {
        return match survey.keys.first().copied() {
            None => first_start(vault, root),
            Some(epoch) => Err(VaultError::MissingEpochFolder { epoch }),
        };
    };
    let Some(epoch) = Epoch::load(vault, current, root)? else {
        // A first start writes its key last; until then its folder is empty and nothing was ever wrapped.
        let never_used = current == FIRST && names(&folder_path(vault, FIRST))?.is_empty();
        return if never_used && survey.keys.is_empty() {
            first_start(vault, root)
        } else {
            Err(VaultError::MissingEpochKey { epoch: current })
        };
    };
    epoch.entries()?;

    let mut recovery = Recovery::Clean;
    if remove_staging(vault)? + remove_staging(&epoch.folder)? > 0 {
        recovery = Recovery::RolledBack;
    }
    for number in survey
        .keys
        .iter()
        .copied()
        .filter(|number| *number > current)
    {
        shred(&key_path(vault, number))?;
        recovery = Recovery::RolledBack;
    }
    for number in survey
        .keys
        .union(&survey.folders)
        .copied()
        .filter(|number| *number < current)
    {
        retire(vault, number)?;
        recovery = Recovery::Completed;
    }
    sync_folder(vault)?;
    Ok((epoch, recovery))
}

/// Removes an epoch that has a successor: the key first, since without it the rest is noise.
pub(super) fn retire(vault: &Path, number: u64) -> Result<(), VaultError> {
    shred(&key_path(vault, number))?;
    sync_folder(vault)?;
    let folder = folder_path(vault, number);
    match fs::remove_dir_all(&folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(VaultError::io("remove", &folder)(error));
        }
        Ok(()) | Err(_) => {}
    }
    sync_folder(vault)
}

fn first_start(vault: &Path, root: &Root) -> Result<(Epoch, Recovery), VaultError> {
    remove_staging(vault)?;
    let folder = folder_path(vault, FIRST);
    if !folder.is_dir() {
        commit_folder(vault, &stage_folder(vault)?, FIRST)?;
    }
    let key = random_key()?;
    write_key(vault, FIRST, &Epoch::wrap_key(&key, FIRST, root)?)?;
    Ok((Epoch::new(FIRST, folder, &key), Recovery::FirstStart))
}

pub(super) fn write_key(vault: &Path, number: u64, wrapped: &[u8]) -> Result<(), VaultError> {
    write_atomically(vault, &format!("epoch-{number}.key"), wrapped)
}

pub(super) fn stage_folder(vault: &Path) -> Result<PathBuf, VaultError> {
    let staging = staging_path(vault)?;
    create_folder(&staging)?;
    Ok(staging)
}

/// The moment a new epoch begins.
pub(super) fn commit_folder(vault: &Path, staging: &Path, number: u64) -> Result<(), VaultError> {
    sync_folder(staging)?;
    let folder = folder_path(vault, number);
    fs::rename(staging, &folder).map_err(VaultError::io("put in place", &folder))?;
    sync_folder(vault)
}
