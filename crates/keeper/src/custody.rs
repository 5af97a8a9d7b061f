//! The secrets and the two signing keys, behind one lock.

use std::sync::{Mutex, MutexGuard, PoisonError};

use audit_log::{LogKey, Vkey};
use protocol::keeper::Refused;
use vault::{Purpose, Root, Secret, Secrets, VaultError};

use crate::error::{KeeperError, by_vault};
use crate::rooms::Rooms;
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
        let root = match root {
            RootKey::Folder(folder) => Root::open_or_create(folder)?,
            RootKey::Credential { folder, name } => Root::from_credentials(folder, name)?,
        };
        let mut secrets = Secrets::open(&rooms.keys, root)?;
        // The record of what was signed is older than the key, so that a key without one shows a loss.
        match secrets.get(LOG, Purpose::LogSigning) {
            Ok(_) => {}
            Err(VaultError::NoSecret { .. }) => checkpoint::begin(&rooms.signed)?,
            Err(error) => return Err(error.into()),
        }
        let mut key = |owner: &str, name: &str| -> Result<LogKey, KeeperError> {
            let secret = secrets.get_or_create(owner, Purpose::LogSigning)?;
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

    fn lock(&self) -> MutexGuard<'_, Secrets> {
        self.secrets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
