//! One epoch: its key, its folder, and the bytes of a wrapped key.
//!
//! A wrapped file is `SRWRAP1\0`, kind (1 byte), epoch (8, big-endian), nonce (12, random), ciphertext, tag (16). Its
//! associated data is a label, kind, epoch, the owner with its length, and the purpose: no file opens under another name.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::{Owner, Purpose, Secret};
use crate::crypto::{Cipher, KEY_BYTES, KeyBytes, NONCE_BYTES, TAG_BYTES, derive_key, random};
use crate::files::{is_staging, names, open_plain, read_small};
use crate::{Root, VaultError};

const MAGIC: &[u8; 8] = b"SRWRAP1\0";
const HEADER_BYTES: usize = MAGIC.len() + 1 + 8;
const LONGEST: usize = HEADER_BYTES + NONCE_BYTES + KEY_BYTES + TAG_BYTES;
const LABEL: &[u8] = b"strongroom/vault/wrap/v1";

/// What a wrapped file holds; the byte is part of what is authenticated.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    /// 32 bytes under a key made from the root key.
    EpochKey = 1,
    /// 32 bytes under the epoch key.
    Secret = 2,
    /// The epoch (8 bytes, big-endian) from which on the secret is gone.
    Tombstone = 3,
}

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Entry {
    pub(super) owner: Owner,
    pub(super) purpose: Purpose,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    Kept,
    Destroyed,
}

impl Entry {
    pub(super) fn file_name(&self, standing: Standing) -> String {
        let ending = match standing {
            Standing::Kept => "secret",
            Standing::Destroyed => "destroyed",
        };
        format!("{}.{}.{ending}", self.owner.0, self.purpose)
    }

    fn from_file_name(name: &str) -> Option<(Self, Standing)> {
        let mut parts = name.split('.');
        let (owner, purpose, ending) = (parts.next()?, parts.next()?, parts.next()?);
        let standing = match ending {
            "secret" => Standing::Kept,
            "destroyed" => Standing::Destroyed,
            _ => return None,
        };
        if parts.next().is_some() {
            return None;
        }
        let entry = Self {
            owner: Owner::parse(owner).ok()?,
            purpose: Purpose::from_word(purpose)?,
        };
        Some((entry, standing))
    }
}

pub(super) fn key_path(folder: &Path, number: u64) -> PathBuf {
    folder.join(format!("epoch-{number}.key"))
}

pub(super) fn folder_path(folder: &Path, number: u64) -> PathBuf {
    folder.join(format!("epoch-{number}"))
}

/// An opened epoch key with its folder.
pub(super) struct Epoch {
    pub(super) number: u64,
    pub(super) folder: PathBuf,
    cipher: Cipher,
}

impl Epoch {
    pub(super) fn new(number: u64, folder: PathBuf, key: &KeyBytes) -> Self {
        Self {
            number,
            folder,
            cipher: Cipher::new(key),
        }
    }

    /// Opens `epoch-N.key` under `root`; `None` when there is no such file.
    pub(super) fn load(vault: &Path, number: u64, root: &Root) -> Result<Option<Self>, VaultError> {
        let Some(bytes) = read_wrapped(&key_path(vault, number))? else {
            return Ok(None);
        };
        let key = unwrap(
            &epoch_wrap(root, number)?,
            Kind::EpochKey,
            number,
            &[],
            &bytes,
        )
        .and_then(|plain| to_key(&plain))
        .ok_or(VaultError::WrongRoot { epoch: number })?;
        Ok(Some(Self::new(number, folder_path(vault, number), &key)))
    }

    /// The bytes of `epoch-N.key`.
    pub(super) fn wrap_key(
        key: &KeyBytes,
        number: u64,
        root: &Root,
    ) -> Result<Vec<u8>, VaultError> {
        wrap(
            &epoch_wrap(root, number)?,
            Kind::EpochKey,
            number,
            &[],
            key.as_slice(),
        )
    }

    pub(super) fn wrap(
        &self,
        kind: Kind,
        entry: &Entry,
        plain: &[u8],
    ) -> Result<Vec<u8>, VaultError> {
        wrap(&self.cipher, kind, self.number, &context(entry), plain)
    }

    pub(super) fn unwrap(
        &self,
        kind: Kind,
        entry: &Entry,
        bytes: &[u8],
    ) -> Option<Zeroizing<Vec<u8>>> {
        unwrap(&self.cipher, kind, self.number, &context(entry), bytes)
    }

    /// Whether a secret wrapped under epoch `number` opens with *this* epoch's key. It must not.
    pub(super) fn opens_copy_of(&self, number: u64, entry: &Entry, bytes: &[u8]) -> bool {
        unwrap(&self.cipher, Kind::Secret, number, &context(entry), bytes).is_some()
    }

    /// Opens one secret; a tombstone beside it wins.
    pub(super) fn open_secret(
        &self,
        owner: &Owner,
        purpose: Purpose,
    ) -> Result<Secret, VaultError> {
        let entry = Entry {
            owner: owner.clone(),
            purpose,
        };
        if let Some(at_epoch) = self.tombstone(&entry)? {
            return Err(VaultError::Destroyed {
                owner: entry.owner.0,
                purpose,
                at_epoch,
            });
        }
        let path = self.folder.join(entry.file_name(Standing::Kept));
        let Some(bytes) = read_wrapped(&path)? else {
            return Err(VaultError::NoSecret {
                owner: entry.owner.0,
                purpose,
            });
        };
        self.unwrap(Kind::Secret, &entry, &bytes)
            .and_then(|plain| to_key(&plain))
            .map(|key| Secret::new(key, purpose))
            .ok_or(VaultError::Damaged { path })
    }

    /// Since which epoch the secret is gone, if it was destroyed.
    pub(super) fn tombstone(&self, entry: &Entry) -> Result<Option<u64>, VaultError> {
        let path = self.folder.join(entry.file_name(Standing::Destroyed));
        let Some(bytes) = read_wrapped(&path)? else {
            return Ok(None);
        };
        self.unwrap(Kind::Tombstone, entry, &bytes)
            .and_then(|plain| {
                plain
                    .first_chunk::<8>()
                    .map(|epoch| u64::from_be_bytes(*epoch))
            })
            .map(Some)
            .ok_or(VaultError::Damaged { path })
    }

    /// Every entry of the folder; any other file is refused, because re-wrapping would lose it.
    pub(super) fn entries(&self) -> Result<BTreeMap<Entry, Standing>, VaultError> {
        let mut entries = BTreeMap::new();
        for name in names(&self.folder)? {
            if is_staging(&name) {
                continue;
            }
            let Some((entry, standing)) = Entry::from_file_name(&name) else {
                return Err(VaultError::StrangeFile {
                    path: self.folder.join(name),
                });
            };
            // Destroyed wins over a secret file of the same name.
            let known = entries.entry(entry).or_insert(standing);
            if standing == Standing::Destroyed {
                *known = standing;
            }
        }
        Ok(entries)
    }
}

pub(super) fn read_wrapped(path: &Path) -> Result<Option<Zeroizing<Vec<u8>>>, VaultError> {
    match open_plain(path)? {
        Some(file) => read_small(&file, path, LONGEST).map(Some),
        None => Ok(None),
    }
}

/// The key that wraps epoch key `number`.
fn epoch_wrap(root: &Root, number: u64) -> Result<Cipher, VaultError> {
    let info = [
        b"strongroom/vault/epoch/v1/".as_slice(),
        &number.to_be_bytes(),
    ];
    Ok(Cipher::new(&*derive_key(&[], root.bytes(), &info)?))
}

fn context(entry: &Entry) -> Vec<u8> {
    let owner = entry.owner.0.as_bytes();
    let mut context = (owner.len() as u64).to_be_bytes().to_vec();
    context.extend_from_slice(owner);
    context.extend_from_slice(entry.purpose.as_str().as_bytes());
    context
}

fn header(kind: Kind, epoch: u64) -> Vec<u8> {
    let mut header = MAGIC.to_vec();
    header.push(kind as u8);
    header.extend_from_slice(&epoch.to_be_bytes());
    header
}

fn wrap(
    cipher: &Cipher,
    kind: Kind,
    epoch: u64,
    context: &[u8],
    plain: &[u8],
) -> Result<Vec<u8>, VaultError> {
    let mut bytes = header(kind, epoch);
    let associated = [LABEL, &bytes, context].concat();
    let nonce = random()?;
    let mut data = Zeroizing::new(plain.to_vec());
    let tag = cipher.seal(&nonce, &associated, &mut data)?;
    bytes.extend_from_slice(&nonce);
    bytes.extend_from_slice(&data);
    bytes.extend_from_slice(&tag);
    Ok(bytes)
}

fn unwrap(
    cipher: &Cipher,
    kind: Kind,
    epoch: u64,
    context: &[u8],
    bytes: &[u8],
) -> Option<Zeroizing<Vec<u8>>> {
    let header = header(kind, epoch);
    let associated = [LABEL, &header, context].concat();
    let (nonce, rest) = bytes.strip_prefix(header.as_slice())?.split_first_chunk()?;
    let (data, tag) = rest.split_last_chunk()?;
    let mut data = Zeroizing::new(data.to_vec());
    cipher.open(nonce, &associated, &mut data, tag).ok()?;
    Some(data)
}

fn to_key(plain: &[u8]) -> Option<KeyBytes> {
    let mut key = Zeroizing::new([0; KEY_BYTES]);
    if plain.len() != KEY_BYTES {
        return None;
    }
    key.copy_from_slice(plain);
    Some(key)
}
