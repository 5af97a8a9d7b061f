//! The keys that sign: the log's own and, for rehearsals and partners, a witness's.
//!
//! Neither can be printed. The seed comes from whoever keeps keys. `ring` does not wipe a key
//! pair when it is dropped: it belongs in a process that does nothing else.

use ring::signature::{Ed25519KeyPair, KeyPair as _};

use crate::{
    checkpoint::Checkpoint,
    cosignature::cosigned_message,
    error::AuditError,
    hash::Hash,
    note::{KeyKind, Note, NoteSignature, Vkey},
    tree::TREE_SIZE_MAX,
};

struct Signer {
    pair: Ed25519KeyPair,
    vkey: Vkey,
}

impl Signer {
    fn new(name: &str, kind: KeyKind, seed: &[u8; 32]) -> Result<Self, AuditError> {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed)
            .map_err(|_| AuditError::KeyFormat("its seed is refused"))?;
        let public = pair
            .public_key()
            .as_ref()
            .try_into()
            .map_err(|_| AuditError::KeyFormat("its public key is not 32 bytes long"))?;
        Ok(Self {
            pair,
            vkey: Vkey::new(name, kind, public)?,
        })
    }

    fn line(&self, prefix: &[u8], message: &str) -> NoteSignature {
        let mut bytes = prefix.to_vec();
        bytes.extend_from_slice(self.pair.sign(message.as_bytes()).as_ref());
        NoteSignature {
            name: self.vkey.name().to_owned(),
            key_id: self.vkey.key_id(),
            bytes,
        }
    }
}

/// The log's signing key. Its name is the log's origin.
pub struct LogKey(Signer);

impl LogKey {
    /// The key of a log from its name and 32 secret bytes.
    ///
    /// # Errors
    /// [`AuditError::KeyFormat`] when the name cannot be a key name.
    pub fn from_seed(name: &str, seed: &[u8; 32]) -> Result<Self, AuditError> {
        Ok(Self(Signer::new(name, KeyKind::Ed25519, seed)?))
    }

    /// The key others verify with.
    #[must_use]
    pub fn vkey(&self) -> &Vkey {
        &self.0.vkey
    }

    /// Signs any text that a note can hold.
    ///
    /// # Errors
    /// [`AuditError::NoteFormat`].
    pub fn sign_note(&self, text: &str) -> Result<Note, AuditError> {
        Note::new(text, vec![self.0.line(&[], text)])
    }

    /// The signed checkpoint of this log at a size and root.
    ///
    /// A log must never sign two checkpoints that do not extend one another: the caller
    /// takes size and root from the one tree it keeps.
    ///
    /// # Errors
    /// [`AuditError::TreeTooLarge`] from 2^63 entries up.
    pub fn sign_checkpoint(&self, size: u64, root: Hash) -> Result<String, AuditError> {
        if size > TREE_SIZE_MAX {
            return Err(AuditError::TreeTooLarge { size });
        }
        let origin = self.0.vkey.name().to_owned();
        let checkpoint = Checkpoint {
            origin,
            size,
            root,
            extensions: Vec::new(),
        };
        Ok(self.sign_note(&checkpoint.text())?.to_string())
    }
}

/// A witness's key.
pub struct WitnessKey(Signer);

impl WitnessKey {
    /// The key of a witness from its name and 32 secret bytes.
    ///
    /// # Errors
    /// [`AuditError::KeyFormat`] when the name cannot be a key name.
    pub fn from_seed(name: &str, seed: &[u8; 32]) -> Result<Self, AuditError> {
        Ok(Self(Signer::new(name, KeyKind::Cosignature, seed)?))
    }

    /// The key others verify with.
    #[must_use]
    pub fn vkey(&self) -> &Vkey {
        &self.0.vkey
    }

    /// The signature line for a checkpoint text at a time (seconds since 1970).
    ///
    /// Only arithmetic: a witness must first have checked that the checkpoint extends
    /// the last one it signed, and must have stored it.
    ///
    /// # Errors
    /// [`AuditError::CheckpointFormat`] for another text, [`AuditError::NoteFormat`] for a
    /// time from 2^63 up.
    pub fn cosign(&self, text: &str, time: u64) -> Result<NoteSignature, AuditError> {
        Checkpoint::parse(text)?;
        if time > TREE_SIZE_MAX {
            return Err(AuditError::NoteFormat(
                "a cosignature's time is over 2^63 - 1",
            ));
        }
        Ok(self
            .0
            .line(&time.to_be_bytes(), &cosigned_message(text, time)))
    }
}
