//! What can go wrong in the log book. Texts never hold entry contents.

use std::io;

/// Why the log book refused.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// An entry does not fit the two-byte length prefix of an entry bundle.
    #[error("an entry of {bytes} bytes is over the limit of 65535")]
    EntryTooLong {
        /// Length of the refused entry in bytes.
        bytes: usize,
    },
    /// A field of an entry breaks its rule.
    #[error("entry field `{field}` {why}")]
    EntryField {
        /// The field's name.
        field: &'static str,
        /// The rule it breaks.
        why: &'static str,
    },
    /// The bytes of an entry are not the JSON of a known entry.
    #[error("an entry is not the JSON object of the format")]
    EntryUnreadable,
    /// An entry of a version this build does not know.
    #[error("an entry has version {0}, this build reads version 1")]
    EntryVersion(u64),
    /// A hash that is not 32 bytes long.
    #[error("a hash has {bytes} bytes instead of 32")]
    HashLength {
        /// The length found.
        bytes: usize,
    },
    /// Tree sizes from 2^63 up are refused.
    #[error("a tree of {size} entries is over the limit of 2^63 - 1")]
    TreeTooLarge {
        /// The size asked for.
        size: u64,
    },
    /// A complete subtree was appended where it does not fit.
    #[error("a subtree does not start where the tree of {size} entries ends")]
    SubtreeMisplaced {
        /// Size of the tree appended to.
        size: u64,
    },
    /// The index is not in the tree.
    #[error("entry {index} is not in a tree of {size} entries")]
    IndexOutside {
        /// The index asked for.
        index: u64,
        /// The tree's size.
        size: u64,
    },
    /// Consistency was asked for from an empty tree (it proves nothing) or backwards.
    #[error("no consistency proof leads from {old} to {new} entries")]
    SizesRefused {
        /// The old size.
        old: u64,
        /// The new size.
        new: u64,
    },
    /// A proof has the wrong number of hashes for its sizes.
    #[error("the proof does not have the number of hashes its sizes need")]
    ProofLength,
    /// A proof leads to another root.
    #[error("the proof does not lead to the root of the checkpoint")]
    ProofRefused,
    /// A signed note breaks its format.
    #[error("not a signed note: {0}")]
    NoteFormat(&'static str),
    /// A verifier key or signing key breaks its format.
    #[error("not a usable key: {0}")]
    KeyFormat(&'static str),
    /// A checkpoint body breaks its format.
    #[error("not a checkpoint: {0}")]
    CheckpointFormat(&'static str),
    /// A proof file breaks its format.
    #[error("not a tlog-proof: {0}")]
    ProofFormat(&'static str),
    /// No trusted key signed the note.
    #[error("no trusted key signed it")]
    NotSigned,
    /// A signature under a trusted key does not verify.
    #[error("the signature under the key `{name}` does not verify")]
    BadSignature {
        /// Name of the key.
        name: String,
    },
    /// The checkpoint is for another log than the key.
    #[error("the checkpoint's origin is not the name of the log's key")]
    OtherOrigin,
    /// The keys and quorum given cannot work together.
    #[error("the trusted keys do not fit together: {0}")]
    TrustRefused(&'static str),
    /// Fewer witnesses than the quorum cosigned.
    #[error("{have} of the {need} required witnesses cosigned")]
    QuorumMissed {
        /// Witnesses whose cosignature verified.
        have: usize,
        /// Witnesses required.
        need: usize,
    },
    /// A path is not one of the log's.
    #[error("not a path of the log: {0}")]
    PathRefused(&'static str),
    /// A file that the tree needs is absent.
    #[error("{path} is absent")]
    Absent {
        /// Path inside the log.
        path: String,
    },
    /// A file of the log has the wrong shape.
    #[error("{path} is damaged: {why}")]
    Damaged {
        /// Path inside the log.
        path: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// Publishing must start at a multiple of 256.
    #[error("publishing starts at entry {start}, which is not a multiple of 256")]
    StartMisplaced {
        /// The start asked for.
        start: u64,
    },
    /// The folder belongs to another log: nothing of it is written over.
    #[error("the folder holds another log: its {path} is not this log's")]
    OtherLog {
        /// The file that tells.
        path: &'static str,
    },
    /// The new checkpoint would take back what an earlier one published.
    #[error("a checkpoint of {new} entries would take back the published one of {published}")]
    TakesBack {
        /// Size already published.
        published: u64,
        /// Size of the refused checkpoint.
        new: u64,
    },
    /// The storage below failed.
    #[error("{path} could not be read or written")]
    Storage {
        /// Path inside the log.
        path: String,
        /// The system's reason.
        #[source]
        source: io::Error,
    },
}
