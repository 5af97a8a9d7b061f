//! The Merkle tree as rows: appending keeps the root of every subtree that it completes.

use audit_log::{Frontier, Hash, hash_from_slice, node_hash};
use sqlx::{QueryBuilder, Sqlite, SqliteConnection};

use crate::error::{StoreError, count, int};

/// Number of leaves.
pub(crate) async fn size(connection: &mut SqliteConnection) -> Result<u64, StoreError> {
    let size = sqlx::query_scalar("select coalesce(max(idx) + 1, 0) from leaves")
        .fetch_one(connection)
        .await?;
    count(size)
}

/// Hash of the complete subtree over entries `index << level .. (index + 1) << level`.
pub(crate) async fn node(
    connection: &mut SqliteConnection,
    level: u32,
    index: u64,
) -> Result<Hash, StoreError> {
    let hash: Option<Vec<u8>> = if level == 0 {
        sqlx::query_scalar("select hash from leaves where idx = $1")
            .bind(int(index)?)
            .fetch_optional(connection)
            .await?
    } else {
        sqlx::query_scalar("select hash from nodes where level = $1 and idx = $2")
            .bind(level)
            .bind(int(index)?)
            .fetch_optional(connection)
            .await?
    };
    let hash = hash.ok_or(StoreError::Unreadable("node of the log's tree"))?;
    Ok(hash_from_slice(&hash)?)
}

/// The right edge of the stored tree: the one given, if it still is that, else read from its rows.
pub(crate) async fn frontier(
    connection: &mut SqliteConnection,
    known: Option<Frontier>,
) -> Result<Frontier, StoreError> {
    let size = size(connection).await?;
    if let Some(known) = known.filter(|known| known.size() == size) {
        return Ok(known);
    }
    let mut hashes = Vec::new();
    let mut start = 0_u64;
    for level in (0_u32..63).rev().filter(|level| size >> level & 1 == 1) {
        hashes.push(node(connection, level, start >> level).await?);
        start += 1_u64 << level;
    }
    Ok(Frontier::from_parts(size, &hashes)?)
}

/// Writes leaves with the nodes that they complete.
pub(crate) async fn append(
    connection: &mut SqliteConnection,
    frontier: &mut Frontier,
    entries: &[Vec<u8>],
) -> Result<(), StoreError> {
    let mut leaves = Vec::with_capacity(entries.len());
    let mut nodes = Vec::new();
    for entry in entries {
        let hash = audit_log::leaf_hash(entry);
        leaves.push((int(frontier.size())?, entry, hash));
        for (level, place, hash) in completed(frontier, hash) {
            nodes.push((level, int(place)?, hash));
        }
        frontier.append(hash)?;
    }
    let mut query = QueryBuilder::<Sqlite>::new("insert into leaves (idx, entry, hash) ");
    query.push_values(&leaves, |mut row, (index, entry, hash)| {
        row.push_bind(index)
            .push_bind(entry.as_slice())
            .push_bind(hash.as_slice());
    });
    query.build().execute(&mut *connection).await?;
    if !nodes.is_empty() {
        let mut query = QueryBuilder::<Sqlite>::new("insert into nodes (level, idx, hash) ");
        query.push_values(&nodes, |mut row, (level, place, hash)| {
            row.push_bind(level)
                .push_bind(place)
                .push_bind(hash.as_slice());
        });
        query.build().execute(connection).await?;
    }
    Ok(())
}

/// Level, index and hash of the subtrees that one more leaf completes, lowest first.
fn completed(frontier: &Frontier, leaf: Hash) -> Vec<(u32, u64, Hash)> {
    let (mut index, mut hash) = (frontier.size(), leaf);
    let mut completed = Vec::new();
    // The smallest subtrees on the right edge join the leaf as long as there is no gap in levels.
    for (level, (found, _, left)) in (0_u32..).zip(frontier.nodes().into_iter().rev()) {
        if found != level {
            break;
        }
        hash = node_hash(&left, &hash);
        index >>= 1;
        completed.push((level + 1, index, hash));
    }
    completed
}
