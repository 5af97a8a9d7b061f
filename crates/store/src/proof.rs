//! Reading the log: entries, roots and proofs, from stored nodes.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use audit_log::{AuditError, Entry, Hash, Nodes};
use governance::Timestamp;

use crate::error::{StoreError, count, int};
use crate::room::Store;
use crate::tree;

/// Most entries that one call of [`Store::leaves`] gives.
pub const LEAVES_MAX: u64 = 1024;

/// Notes which nodes a question needs. Which ones depends on sizes only, never on hashes.
#[derive(Default)]
struct Wanted(RefCell<BTreeSet<(u32, u64)>>);

impl Nodes for Wanted {
    fn node(&self, level: u32, index: u64) -> Result<Hash, AuditError> {
        self.0.borrow_mut().insert((level, index));
        Ok([0; 32])
    }
}

struct Found {
    nodes: BTreeMap<(u32, u64), Hash>,
    size: u64,
}

impl Nodes for Found {
    fn node(&self, level: u32, index: u64) -> Result<Hash, AuditError> {
        let found = self.nodes.get(&(level, index)).copied();
        found.ok_or(AuditError::IndexOutside {
            index,
            size: self.size,
        })
    }
}

impl Store {
    /// Number of entries in the log.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn log_size(&self) -> Result<u64, StoreError> {
        tree::size(&mut *self.reader().await?).await
    }

    /// Entries `from..to` with their numbers, in order; fewer when the log ends before `to`, and never
    /// more than [`LEAVES_MAX`].
    ///
    /// # Errors
    /// If the database fails.
    pub async fn leaves(&self, from: u64, to: u64) -> Result<Vec<(u64, Vec<u8>)>, StoreError> {
        let to = to.min(from.saturating_add(LEAVES_MAX));
        let rows: Vec<(i64, Vec<u8>)> = sqlx::query_as(
            "select idx, entry from leaves where idx >= $1 and idx < $2 order by idx",
        )
        .bind(int(from)?)
        .bind(int(to)?)
        .fetch_all(&mut *self.reader().await?)
        .await?;
        rows.into_iter()
            .map(|(index, entry)| Ok((count(index)?, entry)))
            .collect()
    }

    /// When the newest entry was written; nothing in an empty log.
    ///
    /// # Errors
    /// If the database fails, or the entry cannot be read.
    pub async fn newest(&self) -> Result<Option<Timestamp>, StoreError> {
        let size = self.log_size().await?;
        let newest = self.leaves(size.saturating_sub(1), size).await?;
        let Some((_, entry)) = newest.last() else {
            return Ok(None);
        };
        let entry = Entry::decode(entry)?;
        let time = entry.time.parse();
        time.map(Some)
            .map_err(|_| StoreError::Unreadable("time of an entry"))
    }

    /// Root of the first `size` entries.
    ///
    /// # Errors
    /// [`StoreError::BeyondLog`], or if the database fails.
    pub async fn root_at(&self, size: u64) -> Result<Hash, StoreError> {
        self.ask(size, |nodes| audit_log::tree_root(nodes, size))
            .await
    }

    /// Proof that entry `index` is among the first `size` (RFC 9162 section 2.1.3).
    ///
    /// # Errors
    /// [`StoreError::BeyondLog`], [`StoreError::Log`] if the index is outside, or if the database fails.
    pub async fn inclusion(&self, index: u64, size: u64) -> Result<Vec<Hash>, StoreError> {
        self.ask(size, |nodes| audit_log::inclusion_proof(nodes, index, size))
            .await
    }

    /// Proof that the first `old` of `new` entries are unchanged (RFC 9162 section 2.1.4).
    ///
    /// # Errors
    /// [`StoreError::BeyondLog`], [`StoreError::Log`] unless `1 <= old <= new`, or if the database fails.
    pub async fn consistency(&self, old: u64, new: u64) -> Result<Vec<Hash>, StoreError> {
        self.ask(new, |nodes| audit_log::consistency_proof(nodes, old, new))
            .await
    }

    /// Asks twice: once to learn which nodes are needed, once with them.
    async fn ask<T>(
        &self,
        asked: u64,
        question: impl Fn(&dyn Nodes) -> Result<T, AuditError>,
    ) -> Result<T, StoreError> {
        let mut connection = self.reader().await?;
        let size = tree::size(&mut connection).await?;
        if asked > size {
            return Err(StoreError::BeyondLog { asked, size });
        }
        let wanted = Wanted::default();
        question(&wanted)?;
        let mut nodes = BTreeMap::new();
        for (level, index) in wanted.0.into_inner() {
            nodes.insert(
                (level, index),
                tree::node(&mut connection, level, index).await?,
            );
        }
        Ok(question(&Found { nodes, size })?)
    }
}
