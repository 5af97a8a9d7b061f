//! The Merkle tree of RFC 6962 and RFC 9162: roots, proofs and their checks.
//!
//! Nothing here panics for any `u64`: sizes from 2^63 up are refused.

use crate::{
    error::AuditError,
    hash::{Hash, empty_root, node_hash},
};

/// Largest tree the log book speaks of: 2^63 - 1 entries.
pub const TREE_SIZE_MAX: u64 = (1 << 63) - 1;

fn check_size(size: u64) -> Result<(), AuditError> {
    if size > TREE_SIZE_MAX {
        return Err(AuditError::TreeTooLarge { size });
    }
    Ok(())
}

/// The right edge of the tree: the roots of its largest complete subtrees,
/// one for each set bit of the size. Enough to append and to give the root;
/// at most 63 hashes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frontier {
    size: u64,
    // Largest subtree first; levels strictly fall.
    nodes: Vec<(u32, Hash)>,
}

impl Frontier {
    /// The tree without entries.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Rebuilds a stored frontier from its size and its hashes, largest subtree first.
    ///
    /// # Errors
    /// [`AuditError::TreeTooLarge`], or [`AuditError::ProofLength`] unless there is
    /// one hash for each set bit of the size.
    pub fn from_parts(size: u64, hashes: &[Hash]) -> Result<Self, AuditError> {
        check_size(size)?;
        let levels: Vec<u32> = (0..63)
            .rev()
            .filter(|level| size >> level & 1 == 1)
            .collect();
        if levels.len() != hashes.len() {
            return Err(AuditError::ProofLength);
        }
        let nodes = levels.into_iter().zip(hashes.iter().copied()).collect();
        Ok(Self { size, nodes })
    }

    /// Number of entries.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The hashes, largest subtree first, as [`Frontier::from_parts`] takes them.
    #[must_use]
    pub fn hashes(&self) -> Vec<Hash> {
        self.nodes.iter().map(|(_, hash)| *hash).collect()
    }

    /// Level, index within the level and hash of each subtree, largest first.
    #[must_use]
    pub fn nodes(&self) -> Vec<(u32, u64, Hash)> {
        let mut start = 0_u64;
        let mut out = Vec::with_capacity(self.nodes.len());
        for (level, hash) in &self.nodes {
            out.push((*level, start >> level, *hash));
            start += 1_u64 << level;
        }
        out
    }

    /// Appends one leaf in O(log n).
    ///
    /// # Errors
    /// [`AuditError::TreeTooLarge`] when the tree is full.
    pub fn append(&mut self, leaf: Hash) -> Result<(), AuditError> {
        self.append_subtree(0, leaf)
    }

    /// Appends the root of a complete subtree of 2^`level` entries.
    ///
    /// # Errors
    /// [`AuditError::SubtreeMisplaced`] when the tree does not end on a multiple of
    /// 2^`level`, [`AuditError::TreeTooLarge`] when it would pass 2^63 - 1 entries.
    pub fn append_subtree(&mut self, level: u32, hash: Hash) -> Result<(), AuditError> {
        let added = 1_u64
            .checked_shl(level)
            .ok_or(AuditError::SubtreeMisplaced { size: self.size })?;
        if !self.size.is_multiple_of(added) {
            return Err(AuditError::SubtreeMisplaced { size: self.size });
        }
        let size = self.size.saturating_add(added);
        check_size(size)?;
        let (mut level, mut hash) = (level, hash);
        while let Some((last, left)) = self.nodes.pop() {
            if last != level {
                self.nodes.push((last, left));
                break;
            }
            hash = node_hash(&left, &hash);
            level += 1;
        }
        self.nodes.push((level, hash));
        self.size = size;
        Ok(())
    }

    /// Root of the tree.
    #[must_use]
    pub fn root(&self) -> Hash {
        self.nodes
            .iter()
            .rev()
            .map(|(_, hash)| *hash)
            .reduce(|right, left| node_hash(&left, &right))
            .unwrap_or_else(empty_root)
    }
}

/// Root of the tree over these leaf hashes.
#[must_use]
pub fn root_of_leaf_hashes(leaves: &[Hash]) -> Hash {
    let mut frontier = Frontier::new();
    for leaf in leaves {
        // A slice cannot hold 2^63 hashes, so no append is refused.
        if frontier.append(*leaf).is_err() {
            break;
        }
    }
    frontier.root()
}

/// Where hashes of complete subtrees come from.
pub trait Nodes {
    /// Hash of the complete subtree over entries `index << level .. (index + 1) << level`.
    ///
    /// # Errors
    /// Whatever keeps the storage from giving it.
    fn node(&self, level: u32, index: u64) -> Result<Hash, AuditError>;
}

/// Leaf hashes in memory as a source of subtree hashes.
#[derive(Clone, Copy)]
pub struct LeafHashes<'a>(pub &'a [Hash]);

impl Nodes for LeafHashes<'_> {
    fn node(&self, level: u32, index: u64) -> Result<Hash, AuditError> {
        let outside = AuditError::IndexOutside {
            index,
            size: self.0.len() as u64,
        };
        let width = 1_u64.checked_shl(level);
        let start = width.and_then(|width| index.checked_mul(width));
        let end = start
            .zip(width)
            .and_then(|(start, width)| start.checked_add(width));
        let range = start.zip(end).and_then(|(start, end)| {
            let (start, end) = (usize::try_from(start).ok()?, usize::try_from(end).ok()?);
            self.0.get(start..end)
        });
        range.map(root_of_leaf_hashes).ok_or(outside)
    }
}

/// Largest power of two strictly below `n`, for `n` of at least 2.
fn split(n: u64) -> u64 {
    1_u64 << (63 - (n - 1).leading_zeros())
}

/// Root over entries `start..end`, which the recursive definition has made a subtree.
fn range_root(nodes: &dyn Nodes, start: u64, end: u64) -> Result<Hash, AuditError> {
    let n = end - start;
    if n.is_power_of_two() {
        let level = n.trailing_zeros();
        return nodes.node(level, start >> level);
    }
    let k = split(n);
    let left = range_root(nodes, start, start + k)?;
    let right = range_root(nodes, start + k, end)?;
    Ok(node_hash(&left, &right))
}

/// Root of the first `size` entries.
///
/// # Errors
/// [`AuditError::TreeTooLarge`], or what the source gives.
pub fn tree_root(nodes: &dyn Nodes, size: u64) -> Result<Hash, AuditError> {
    check_size(size)?;
    if size == 0 {
        return Ok(empty_root());
    }
    range_root(nodes, 0, size)
}

/// Sibling hashes from the leaf up to the root's child (RFC 9162 section 2.1.3.1).
///
/// # Errors
/// Size or index refused, or what the source gives.
pub fn inclusion_proof(nodes: &dyn Nodes, index: u64, size: u64) -> Result<Vec<Hash>, AuditError> {
    check_size(size)?;
    if index >= size {
        return Err(AuditError::IndexOutside { index, size });
    }
    let (mut start, mut end) = (0, size);
    let mut proof = Vec::new();
    while end - start > 1 {
        let middle = start + split(end - start);
        if index < middle {
            proof.push(range_root(nodes, middle, end)?);
            end = middle;
        } else {
            proof.push(range_root(nodes, start, middle)?);
            start = middle;
        }
    }
    proof.reverse();
    Ok(proof)
}

/// Proof that the first `old` of `new` entries are unchanged (RFC 9162 section 2.1.4.1).
///
/// # Errors
/// [`AuditError::SizesRefused`] unless `1 <= old <= new`, size refused, or what the
/// source gives.
pub fn consistency_proof(nodes: &dyn Nodes, old: u64, new: u64) -> Result<Vec<Hash>, AuditError> {
    check_size(new)?;
    if old == 0 || old > new {
        return Err(AuditError::SizesRefused { old, new });
    }
    let (mut start, mut end) = (0, new);
    let mut proof = Vec::new();
    while end != old {
        let middle = start + split(end - start);
        if old <= middle {
            proof.push(range_root(nodes, middle, end)?);
            end = middle;
        } else {
            proof.push(range_root(nodes, start, middle)?);
            start = middle;
        }
    }
    // The verifier holds the old root, so a subtree that is the whole old tree is left out.
    if start != 0 {
        proof.push(range_root(nodes, start, end)?);
    }
    proof.reverse();
    Ok(proof)
}

/// Checks an inclusion proof (RFC 9162 section 2.1.3.2).
///
/// # Errors
/// Size or index refused, [`AuditError::ProofLength`] or [`AuditError::ProofRefused`].
pub fn verify_inclusion(
    leaf: &Hash,
    index: u64,
    size: u64,
    proof: &[Hash],
    root: &Hash,
) -> Result<(), AuditError> {
    check_size(size)?;
    if index >= size {
        return Err(AuditError::IndexOutside { index, size });
    }
    let (mut node, mut last) = (index, size - 1);
    let mut hash = *leaf;
    for sibling in proof {
        if last == 0 {
            return Err(AuditError::ProofLength);
        }
        if node & 1 == 1 || node == last {
            hash = node_hash(sibling, &hash);
            while node & 1 == 0 && node != 0 {
                node >>= 1;
                last >>= 1;
            }
        } else {
            hash = node_hash(&hash, sibling);
        }
        node >>= 1;
        last >>= 1;
    }
    if last != 0 {
        return Err(AuditError::ProofLength);
    }
    if hash != *root {
        return Err(AuditError::ProofRefused);
    }
    Ok(())
}

/// Checks a consistency proof (RFC 9162 section 2.1.4.2).
///
/// # Errors
/// [`AuditError::SizesRefused`] unless `1 <= old <= new`, size refused,
/// [`AuditError::ProofLength`] or [`AuditError::ProofRefused`].
pub fn verify_consistency(
    old: u64,
    new: u64,
    proof: &[Hash],
    old_root: &Hash,
    new_root: &Hash,
) -> Result<(), AuditError> {
    check_size(new)?;
    if old == 0 || old > new {
        return Err(AuditError::SizesRefused { old, new });
    }
    if old == new {
        return match (proof.is_empty(), old_root == new_root) {
            (false, _) => Err(AuditError::ProofLength),
            (true, false) => Err(AuditError::ProofRefused),
            (true, true) => Ok(()),
        };
    }
    // An old tree that is a complete subtree is its own first hash.
    let (first, rest) = if old.is_power_of_two() {
        (*old_root, proof)
    } else {
        let (first, rest) = proof.split_first().ok_or(AuditError::ProofLength)?;
        (*first, rest)
    };
    let (mut node, mut last) = (old - 1, new - 1);
    while node & 1 == 1 {
        node >>= 1;
        last >>= 1;
    }
    let (mut old_hash, mut new_hash) = (first, first);
    for sibling in rest {
        if last == 0 {
            return Err(AuditError::ProofLength);
        }
        if node & 1 == 1 || node == last {
            old_hash = node_hash(sibling, &old_hash);
            new_hash = node_hash(sibling, &new_hash);
            while node & 1 == 0 && node != 0 {
                node >>= 1;
                last >>= 1;
            }
        } else {
            new_hash = node_hash(&new_hash, sibling);
        }
        node >>= 1;
        last >>= 1;
    }
    if last != 0 {
        return Err(AuditError::ProofLength);
    }
    if old_hash != *old_root || new_hash != *new_root {
        return Err(AuditError::ProofRefused);
    }
    Ok(())
}
