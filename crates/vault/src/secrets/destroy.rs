//! Destroying secrets: the survivors move under a new epoch key, the old epoch key goes, and then we try to get in.

use std::collections::BTreeMap;

use super::recover::{commit_folder, retire, stage_folder, write_key};
use super::wrapped::{Entry, Epoch, Kind, Standing, folder_path, key_path, read_wrapped};
use super::{Owner, Purpose, Secrets};
use crate::VaultError;
use crate::crypto::random_key;
use crate::files::write_new;

/// One way in that was tried after a destruction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Attempt {
    /// Open the secret by its name.
    ByName,
    /// Read the file that held it in the epoch folder of before.
    OldFile,
    /// Read the epoch key of before.
    OldEpochKey,
    /// Open a copy of its wrapped bytes, taken before, with the current epoch key.
    KeptCopy,
}

/// How the attempt was refused. There is no variant for success: an attempt that succeeds is
/// [`VaultError::DestructionFailed`] and no certificate is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Refused {
    /// The record of destruction answered.
    RecordedAsDestroyed,
    /// No such file.
    NoFile,
    /// The bytes do not authenticate.
    NotAuthentic,
}

/// An attempt and its refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct Trial {
    /// What was tried.
    pub attempt: Attempt,
    /// How it failed.
    pub refused: Refused,
}

/// That a secret is gone from this folder, and what was tried to prove it. Says nothing of copies made elsewhere.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct DestructionCertificate {
    /// Whose secret.
    pub owner: String,
    /// What it was for.
    pub purpose: Purpose,
    /// The first key epoch without it.
    pub at_epoch: u64,
    /// Secrets alive in the folder when this was certified.
    pub survivors: usize,
    /// Every attempt, all refused.
    pub tried: Vec<Trial>,
}

/// Where a destruction stands; tests stop at each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    KeyWritten,
    FolderStaged,
    EntryWritten,
    AllStaged,
    Committed,
    Retired,
}

impl Secrets {
    /// Destroys one secret, tries to open it, and certifies that it could not.
    ///
    /// Safe to repeat: for a secret already destroyed (say the process was killed before the certificate was kept) it
    /// tries again and certifies the same epoch. After an error open the folder again; until then every call is refused.
    ///
    /// # Errors
    /// [`VaultError::NoSecret`] when there never was one; [`VaultError::DestructionFailed`]; failures of the disk.
    pub fn destroy(
        &mut self,
        owner: &str,
        purpose: Purpose,
    ) -> Result<DestructionCertificate, VaultError> {
        self.destroy_stepwise(owner, purpose, &mut |_| Ok(()))
    }

    /// [`Secrets::destroy`] for every secret that `owner` has or had, under one new epoch key, with a certificate for each.
    ///
    /// # Errors
    /// As [`Secrets::destroy`], except that an owner who never had a secret gets no certificate and no refusal.
    pub fn destroy_owner(
        &mut self,
        owner: &str,
    ) -> Result<Vec<DestructionCertificate>, VaultError> {
        let wanted = Owner::parse(owner)?;
        let entries = self.epoch()?.entries()?;
        let of_owner = entries.into_keys().filter(|entry| entry.owner == wanted);
        self.destroy_all(of_owner.collect(), &mut |_| Ok(()))
    }

    pub(super) fn destroy_stepwise(
        &mut self,
        owner: &str,
        purpose: Purpose,
        reached: &mut dyn FnMut(Step) -> Result<(), VaultError>,
    ) -> Result<DestructionCertificate, VaultError> {
        let entry = Entry {
            owner: Owner::parse(owner)?,
            purpose,
        };
        let certificates = self.destroy_all(vec![entry], reached)?;
        certificates.into_iter().next().ok_or(VaultError::Crypto)
    }

    fn destroy_all(
        &mut self,
        entries: Vec<Entry>,
        reached: &mut dyn FnMut(Step) -> Result<(), VaultError>,
    ) -> Result<Vec<DestructionCertificate>, VaultError> {
        let mut doomed = BTreeMap::new();
        let epoch = self.epoch()?;
        for entry in &entries {
            if epoch.tombstone(entry)?.is_some() {
                continue;
            }
            let path = epoch.folder.join(entry.file_name(Standing::Kept));
            let wrapped = read_wrapped(&path)?.ok_or_else(|| VaultError::NoSecret {
                owner: entry.owner.0.clone(),
                purpose: entry.purpose,
            })?;
            doomed.insert(entry.clone(), wrapped.to_vec());
        }
        if !doomed.is_empty() {
            let Some(old) = self.current.take() else {
                return Err(VaultError::ReopenNeeded);
            };
            let new = self.next_epoch(&old, &doomed, reached)?;
            reached(Step::Committed)?;
            // Wipes the old epoch key from memory before its file goes.
            let old_number = old.number;
            drop(old);
            retire(&self.folder, old_number)?;
            reached(Step::Retired)?;
            self.current = Some(new);
        }
        let mut certificates = Vec::with_capacity(entries.len());
        for entry in &entries {
            let at_epoch = self.epoch()?.tombstone(entry)?;
            let at_epoch = at_epoch.ok_or_else(|| VaultError::DestructionFailed {
                owner: entry.owner.0.clone(),
                purpose: entry.purpose,
            })?;
            let copy = doomed.get(entry).map(Vec::as_slice);
            certificates.push(self.certify(entry, at_epoch, copy)?);
        }
        Ok(certificates)
    }

    /// Re-wraps all but `doomed` under a new key and commits. Up to the commit nothing of the old epoch is touched.
    fn next_epoch(
        &self,
        old: &Epoch,
        doomed: &BTreeMap<Entry, Vec<u8>>,
        reached: &mut dyn FnMut(Step) -> Result<(), VaultError>,
    ) -> Result<Epoch, VaultError> {
        let number = old.number.checked_add(1).ok_or(VaultError::Crypto)?;
        let key = random_key()?;
        write_key(
            &self.folder,
            number,
            &Epoch::wrap_key(&key, number, &self.root)?,
        )?;
        reached(Step::KeyWritten)?;
        let staging = stage_folder(&self.folder)?;
        reached(Step::FolderStaged)?;
        let mut new = Epoch::new(number, staging, &key);
        for (entry, standing) in old.entries()? {
            let gone_since = match standing {
                _ if doomed.contains_key(&entry) => Some(number),
                Standing::Destroyed => old.tombstone(&entry)?,
                Standing::Kept => None,
            };
            let (standing, bytes) = match gone_since {
                Some(since) => (
                    Standing::Destroyed,
                    new.wrap(Kind::Tombstone, &entry, &since.to_be_bytes())?,
                ),
                None => {
                    let secret = old.open_secret(&entry.owner, entry.purpose)?;
                    (standing, new.wrap(Kind::Secret, &entry, secret.bytes())?)
                }
            };
            write_new(&new.folder.join(entry.file_name(standing)), &bytes)?;
            reached(Step::EntryWritten)?;
        }
        reached(Step::AllStaged)?;
        commit_folder(&self.folder, &new.folder, number)?;
        new.folder = folder_path(&self.folder, number);
        Ok(new)
    }

    /// Tries every way in. `copy` is the secret's wrapped bytes of before, if this process took them.
    fn certify(
        &self,
        entry: &Entry,
        at_epoch: u64,
        copy: Option<&[u8]>,
    ) -> Result<DestructionCertificate, VaultError> {
        let epoch = self.epoch()?;
        let failed = || VaultError::DestructionFailed {
            owner: entry.owner.0.clone(),
            purpose: entry.purpose,
        };
        let mut tried = vec![match epoch.open_secret(&entry.owner, entry.purpose) {
            Err(VaultError::Destroyed { .. }) => Trial {
                attempt: Attempt::ByName,
                refused: Refused::RecordedAsDestroyed,
            },
            Ok(_) => return Err(failed()),
            Err(error) => return Err(error),
        }];
        let before = at_epoch.saturating_sub(1);
        let old_file = folder_path(&self.folder, before).join(entry.file_name(Standing::Kept));
        let old_key = key_path(&self.folder, before);
        for (attempt, path) in [
            (Attempt::OldFile, old_file),
            (Attempt::OldEpochKey, old_key),
        ] {
            if read_wrapped(&path)?.is_some() {
                return Err(failed());
            }
            tried.push(Trial {
                attempt,
                refused: Refused::NoFile,
            });
        }
        if let Some(copy) = copy {
            if epoch.opens_copy_of(before, entry, copy) {
                return Err(failed());
            }
            tried.push(Trial {
                attempt: Attempt::KeptCopy,
                refused: Refused::NotAuthentic,
            });
        }
        let entries = epoch.entries()?;
        let survivors = entries
            .values()
            .filter(|standing| **standing == Standing::Kept)
            .count();
        Ok(DestructionCertificate {
            owner: entry.owner.0.clone(),
            purpose: entry.purpose,
            at_epoch,
            survivors,
            tried,
        })
    }
}
