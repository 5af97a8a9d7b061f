//! The log book: entry bytes, an RFC 6962 Merkle tree over them, C2SP tiles,
//! signed checkpoints, witness cosignatures, offline proofs, and a verifier.
//!
//! Pure but for one storage trait, [`Tiles`]. It never reads a clock, never
//! opens a socket and never draws randomness: times, salts and seeds come in
//! by the door. Formats are written down in `audit/FORMAT.md`.
//!
//! Everything a reader takes in (checkpoints, tiles, proofs, keys) is treated
//! as hostile: it gives an error or a `bad` verdict, never a panic.

#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        reason = "tests panic"
    )
)]

mod append;
mod bundle;
mod checkpoint;
mod cosignature;
mod entry;
mod error;
mod hash;
mod note;
mod proof;
mod sign;
#[cfg(test)]
mod tests;
mod tile;
mod tiles;
mod tree;
mod unique;
mod verify;

pub use append::{Published, bundle_start, publish, publish_checkpoint, published_before};
pub use bundle::read_entries;
pub use checkpoint::Checkpoint;
pub use cosignature::{Opened, Trust, cosigned_message};
pub use entry::{ENTRY_BYTES_MAX, Entry, commit};
pub use error::AuditError;
pub use hash::{Hash, empty_root, hash_from_slice, leaf_hash, node_hash, sha256};
pub use note::{KeyKind, Note, NoteSignature, Verified, Vkey};
pub use proof::InclusionProof;
pub use sign::{LogKey, WitnessKey};
pub use tile::{TILE_WIDTH, TilePath, bundle_entries, encode_bundle};
pub use tiles::{FileTiles, MemoryTiles, TileNodes, Tiles};
pub use tree::{
    Frontier, LeafHashes, Nodes, TREE_SIZE_MAX, consistency_proof, inclusion_proof,
    root_of_leaf_hashes, tree_root, verify_consistency, verify_inclusion,
};
pub use verify::{Outcome, Verdict, VerifyOptions, verify_log};
