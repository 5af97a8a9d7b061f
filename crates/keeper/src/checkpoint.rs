//! Signs the log, and never two logs that do not extend one another.
//!
//! The keeper keeps the right edge of the tree that it signed last. What it signs next is that edge and the
//! entries after it. Before, it hashes the stored entries again: all of them at the first signature after a
//! start, then those at the end, and asks the stored tree for the root at the signed size.

use std::fs;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use audit_log::{Frontier, Hash, LogKey, hash_from_slice, leaf_hash};
use protocol::keeper::Refused;
use serde::{Deserialize, Serialize};
use store::{LEAVES_MAX, Store};

use crate::error::{KeeperError, by_log, by_store, internal, not_permitted};
use crate::rooms::sync_folder;

/// Leaf hashes at the end that are compared again before every signature.
const TAIL: usize = 256;
const RECORD_BYTES_MAX: usize = 16 * 1024;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Record {
    size: u64,
    hashes: Vec<String>,
}

pub(crate) struct Signed {
    path: PathBuf,
    frontier: Frontier,
    tail: Tail,
}

enum Tail {
    /// Nothing was read yet since the start.
    Unread,
    /// Hashes of the last entries under the frontier, oldest first.
    Read(Vec<Hash>),
}

/// Writes the record of a log of which nothing was signed; one that is there stays.
pub(crate) fn begin(path: &Path) -> Result<(), KeeperError> {
    if path.exists() {
        return Ok(());
    }
    write(path, &Frontier::new()).map_err(KeeperError::folder(path))
}

/// Whether the record tells of anything signed. One that cannot be read may.
pub(crate) fn has_signed(path: &Path) -> bool {
    path.symlink_metadata().is_ok() && read(path).is_none_or(|frontier| frontier.size() > 0)
}

fn write(path: &Path, frontier: &Frontier) -> std::io::Result<()> {
    let record = Record {
        size: frontier.size(),
        hashes: frontier.hashes().iter().map(hex::encode).collect(),
    };
    let staging = path.with_extension("staging");
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&staging)?;
    file.write_all(&serde_json::to_vec(&record)?)?;
    file.sync_all()?;
    fs::rename(&staging, path)?;
    path.parent().map_or(Ok(()), sync_folder)
}

fn read(path: &Path) -> Option<Frontier> {
    let bytes = fs::read(path).ok()?;
    if bytes.len() > RECORD_BYTES_MAX {
        return None;
    }
    let record: Record = serde_json::from_slice(&bytes).ok()?;
    let mut hashes = Vec::with_capacity(record.hashes.len());
    for hash in &record.hashes {
        hashes.push(hash_from_slice(&hex::decode(hash).ok()?).ok()?);
    }
    Frontier::from_parts(record.size, &hashes).ok()
}

impl Signed {
    pub(crate) fn open(path: &Path) -> Result<Self, KeeperError> {
        let lost = |why| KeeperError::SignedRecord {
            path: path.to_owned(),
            why,
        };
        if !path.exists() {
            return Err(lost("missing"));
        }
        Ok(Self {
            path: path.to_owned(),
            frontier: read(path).ok_or_else(|| lost("damaged"))?,
            tail: Tail::Unread,
        })
    }

    /// Signs a checkpoint of the log at its present size.
    pub(crate) async fn sign(&mut self, store: &Store, key: &LogKey) -> Result<String, Refused> {
        let size = store.log_size().await.map_err(by_store)?;
        let signed = self.frontier.size();
        if size < signed {
            return Err(rolled_back());
        }
        if store.root_at(signed).await.map_err(by_store)? != self.frontier.root() {
            return Err(rewritten());
        }
        let mut tail = self.checked_tail(store).await?;
        let mut frontier = self.frontier.clone();
        grow(store, &mut frontier, &mut tail, size).await?;
        let root = frontier.root();
        if store.root_at(size).await.map_err(by_store)? != root {
            return Err(rewritten());
        }
        if frontier.size() != signed {
            // On the disk before anybody can hold the signature.
            write(&self.path, &frontier).map_err(|error| {
                tracing::error!(error = %error, "the record of what was signed cannot be written");
                internal("the keeper cannot keep its record of what it signed")
            })?;
        }
        self.frontier = frontier;
        self.tail = Tail::Read(tail);
        key.sign_checkpoint(size, root).map_err(by_log)
    }

    /// Hashes stored entries under the frontier again and compares them.
    async fn checked_tail(&self, store: &Store) -> Result<Vec<Hash>, Refused> {
        let size = self.frontier.size();
        match &self.tail {
            Tail::Unread => {
                let (mut again, mut tail) = (Frontier::new(), Vec::new());
                grow(store, &mut again, &mut tail, size).await?;
                if again == self.frontier {
                    Ok(tail)
                } else {
                    Err(rewritten())
                }
            }
            Tail::Read(known) => {
                let from = size.saturating_sub(known.len() as u64);
                let leaves = store.leaves(from, size).await.map_err(by_store)?;
                let same = leaves.len() == known.len()
                    && leaves
                        .iter()
                        .zip(known)
                        .all(|((_, e), h)| leaf_hash(e) == *h);
                if same {
                    Ok(known.clone())
                } else {
                    Err(rewritten())
                }
            }
        }
    }
}

/// Appends the stored entries up to `size`.
async fn grow(
    store: &Store,
    frontier: &mut Frontier,
    tail: &mut Vec<Hash>,
    size: u64,
) -> Result<(), Refused> {
    while frontier.size() < size {
        let from = frontier.size();
        let to = size.min(from.saturating_add(LEAVES_MAX));
        let leaves = store.leaves(from, to).await.map_err(by_store)?;
        if leaves.len() as u64 != to - from {
            return Err(rewritten());
        }
        for (index, entry) in leaves {
            if index != frontier.size() {
                return Err(rewritten());
            }
            let hash = leaf_hash(&entry);
            frontier.append(hash).map_err(by_log)?;
            tail.push(hash);
        }
        let over = tail.len().saturating_sub(TAIL);
        tail.drain(..over);
    }
    Ok(())
}

fn rolled_back() -> Refused {
    not_permitted("the log is shorter than what was signed before; it was rolled back")
}

fn rewritten() -> Refused {
    not_permitted("the log does not extend what was signed before; it was rewritten")
}
