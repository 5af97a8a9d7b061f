//! The secrets and the two signing keys, behind one lock.

use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use audit_log::{LogKey, Vkey};
use protocol::keeper::Refused;
use vault::{DestructionCertificate, Purpose, Recovery, Root, Secret, Secrets, VaultError};

use crate::error::{KeeperError, by_vault};
use crate::rooms::{Keys, Rooms};
use crate::{RootKey, checkpoint};

const LOG: &str = "log";
const MANIFEST: &str = "manifest";

pub(crate) struct Custody {
    secrets: Mutex<Secrets>,
    pub(crate) log: LogKey,
    pub(crate) manifest: LogKey,
    trusted: [Vkey; 1],
}

impl Custody {
    pub(crate) fn open(rooms: &Rooms, root: &RootKey, origin: &str) -> Result<Self, KeeperError> {
        let lost = |found| KeeperError::KeysLost {
            keys: rooms.keys.clone(),
            found,
        };
        // Before anything is made in their place.
        if !rooms.has_secrets()?
            && let Some(found) = rooms.made_with_keys(Keys::New)?
        {
            return Err(lost(found));
        }
        if rooms.has_secrets()?
            && let Some(path) = made_here(root)
            && path.symlink_metadata().is_err()
        {
            return Err(KeeperError::RootLost {
                root: path,
                keys: rooms.keys.clone(),
            });
        }
        let root = match root {
            RootKey::Folder(folder) => Root::open_or_create(folder)?,
            RootKey::Credential { folder, name } => Root::from_credentials(folder, name)?,
            RootKey::File(path) => Root::from_file(path)?,
            RootKey::Handed(bytes) => Root::from_bytes(bytes)?,
            RootKey::Passphrase { folder, passphrase } => {
                Root::from_passphrase(folder, passphrase)?
            }
        };
        let mut secrets = Secrets::open(&rooms.keys, root)?;
        // Only now is this the one keeper here: another's writes are not taken for left-overs.
        rooms.remove_staging()?;
        match secrets.get(LOG, Purpose::LogSigning) {
            Ok(_) => {}
            Err(VaultError::NoSecret { .. }) => {
                // Right at a first start only, which may have been cut short.
                let keys = match secrets.recovery() {
                    Recovery::FirstStart => Keys::New,
                    Recovery::Clean | Recovery::Completed | Recovery::RolledBack => Keys::There,
                };
                if let Some(found) = rooms.made_with_keys(keys)? {
                    return Err(lost(found));
                }
                // The record of what was signed is older than the keys, and the log's key is the last of them:
                // once that is there, the absence of another shows a loss.
                checkpoint::begin(&rooms.signed)?;
                secrets.get_or_create(MANIFEST, Purpose::LogSigning)?;
                secrets.get_or_create(LOG, Purpose::LogSigning)?;
            }
            Err(error) => return Err(error.into()),
        }
        let key = |owner: &str, name: &str| -> Result<LogKey, KeeperError> {
            let secret = secrets.get(owner, Purpose::LogSigning)?;
            Ok(secret.with_log_seed(|seed| LogKey::from_seed(name, seed))??)
        };
        let log = key(LOG, origin)?;
        let manifest = key(MANIFEST, &format!("{origin}/manifest"))?;
        let trusted = [manifest.vkey().clone()];
        Ok(Self {
            secrets: Mutex::new(secrets),
            log,
            manifest,
            trusted,
        })
    }

    /// The key that manifests are verified with.
    pub(crate) fn trusted(&self) -> &[Vkey] {
        &self.trusted
    }

    /// A secret that must be there.
    pub(crate) fn secret(&self, owner: &str, purpose: Purpose) -> Result<Secret, Refused> {
        self.lock().get(owner, purpose).map_err(by_vault)
    }

    /// A secret, made the first time.
    pub(crate) fn make(&self, owner: &str, purpose: Purpose) -> Result<Secret, Refused> {
        self.lock().get_or_create(owner, purpose).map_err(by_vault)
    }

    /// Destroys every secret of an owner, with a certificate for each.
    pub(crate) fn destroy(&self, owner: &str) -> Result<Vec<DestructionCertificate>, Refused> {
        self.lock().destroy_owner(owner).map_err(by_vault)
    }

    /// Whether a destruction failed in the middle, so that only a new start can tell where things stand.
    pub(crate) fn must_be_reopened(&self) -> bool {
        let found = self.lock().get(LOG, Purpose::LogSigning);
        matches!(found, Err(VaultError::ReopenNeeded))
    }

    fn lock(&self) -> MutexGuard<'_, Secrets> {
        self.secrets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The file of a root key that the first start makes; none for one that comes from elsewhere.
fn made_here(root: &RootKey) -> Option<PathBuf> {
    match root {
        RootKey::Folder(folder) => Some(folder.join(vault::ROOT_FILE)),
        RootKey::Passphrase { folder, .. } => Some(folder.join(vault::ROOT_PASSPHRASE_FILE)),
        RootKey::Credential { .. } | RootKey::File(_) | RootKey::Handed(_) => None,
    }
}
