//! Witness cosignatures, and whom a reader trusts.
//!
//! A witness outside the operator signs each checkpoint it has found to extend
//! the last one. A rewritten log then needs the witness's help too.

use crate::{
    checkpoint::Checkpoint,
    error::AuditError,
    hash::empty_root,
    note::{KeyKind, Note, Verified, Vkey},
    tree::TREE_SIZE_MAX,
};

/// What a cosignature/v1 signs for a checkpoint text at a time (seconds since 1970).
#[must_use]
pub fn cosigned_message(checkpoint_text: &str, time: u64) -> String {
    format!("cosignature/v1\ntime {time}\n{checkpoint_text}")
}

/// Time and Ed25519 signature of a cosignature/v1.
pub(crate) fn split_timestamp(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let (time, signature) = bytes.split_first_chunk::<8>()?;
    let time = u64::from_be_bytes(*time);
    (signature.len() == 64 && time <= TREE_SIZE_MAX).then_some((time, signature))
}

/// The keys a reader trusts, and how many witnesses must have cosigned.
#[derive(Clone, Debug)]
pub struct Trust {
    keys: Vec<Vkey>,
    quorum: usize,
}

/// A checkpoint whose signatures verified.
#[derive(Clone, Debug)]
pub struct Opened<'a> {
    /// What the log signed.
    pub checkpoint: Checkpoint,
    /// The trusted keys that signed, the log's among them.
    pub verified: Vec<Verified<'a>>,
}

impl Trust {
    /// Trust in one log and a quorum of witnesses.
    ///
    /// # Errors
    /// [`AuditError::TrustRefused`] unless the log's key signs notes, each witness key is a
    /// cosignature key, no two keys are the same, and the quorum can be met.
    pub fn new(log: Vkey, witnesses: &[Vkey], quorum: usize) -> Result<Self, AuditError> {
        if log.kind() != KeyKind::Ed25519 {
            return Err(AuditError::TrustRefused(
                "the log's key is not of type 0x01",
            ));
        }
        let mut keys = vec![log];
        for witness in witnesses {
            if witness.kind() != KeyKind::Cosignature {
                return Err(AuditError::TrustRefused(
                    "a witness key is not of type 0x04",
                ));
            }
            // One secret must not count twice, nor the log as its own witness.
            if keys
                .iter()
                .any(|key| key.public_key() == witness.public_key())
            {
                return Err(AuditError::TrustRefused("two of the keys are the same"));
            }
            keys.push(witness.clone());
        }
        if quorum > witnesses.len() {
            return Err(AuditError::TrustRefused(
                "the quorum is larger than the witnesses",
            ));
        }
        Ok(Self { keys, quorum })
    }

    /// Verifies a signed checkpoint: the log's signature, its origin, every known
    /// witness and the quorum.
    ///
    /// # Errors
    /// Formats, [`AuditError::NotSigned`], [`AuditError::BadSignature`],
    /// [`AuditError::OtherOrigin`] or [`AuditError::QuorumMissed`].
    pub fn open(&self, signed: &str) -> Result<Opened<'_>, AuditError> {
        let note = Note::parse(signed)?;
        let checkpoint = Checkpoint::parse(note.text())?;
        let verified = note.verify(&self.keys)?;
        let by_log = verified.iter().any(|v| v.key.kind() == KeyKind::Ed25519);
        if !by_log {
            return Err(AuditError::NotSigned);
        }
        if self
            .keys
            .first()
            .is_none_or(|log| log.name() != checkpoint.origin)
        {
            return Err(AuditError::OtherOrigin);
        }
        if checkpoint.size == 0 && checkpoint.root != empty_root() {
            return Err(AuditError::CheckpointFormat(
                "an empty log has another root",
            ));
        }
        let have = verified
            .iter()
            .filter(|v| v.key.kind() == KeyKind::Cosignature)
            .count();
        if have < self.quorum {
            return Err(AuditError::QuorumMissed {
                have,
                need: self.quorum,
            });
        }
        Ok(Opened {
            checkpoint,
            verified,
        })
    }
}
