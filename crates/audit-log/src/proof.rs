//! C2SP tlog-proof@v1: one text file that proves, offline, that an entry is in the log.

use std::fmt;

use crate::{
    checkpoint::{Checkpoint, parse_decimal},
    cosignature::{Opened, Trust},
    error::AuditError,
    hash::{Hash, base64_decode, base64_of, hash_from_base64, leaf_hash},
    note::{NOTE_BYTES_MAX, Note},
    tree::{Nodes, inclusion_proof, verify_inclusion},
};

const HEADER: &str = "c2sp.org/tlog-proof@v1";
const HASHES_MAX: usize = 63;
const PROOF_BYTES_MAX: usize = NOTE_BYTES_MAX + 128 * 1024;

/// Place of an entry, the hashes that lead to the root, and the signed checkpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InclusionProof {
    /// Place of the entry, from 0.
    pub index: u64,
    /// Sibling hashes from the leaf up.
    pub hashes: Vec<Hash>,
    /// Bytes that travel along. Nothing vouches for them.
    pub extra: Option<Vec<u8>>,
    /// The signed checkpoint, exactly as the log gave it.
    pub checkpoint: String,
}

impl InclusionProof {
    /// Makes the proof for an entry, and checks it before handing it out.
    ///
    /// # Errors
    /// Formats, [`AuditError::IndexOutside`], what the source gives, and
    /// [`AuditError::ProofRefused`] when the source does not lead to the checkpoint's root.
    pub fn make(
        nodes: &dyn Nodes,
        index: u64,
        entry: &[u8],
        signed_checkpoint: &str,
    ) -> Result<Self, AuditError> {
        let checkpoint = Checkpoint::parse(Note::parse(signed_checkpoint)?.text())?;
        let hashes = inclusion_proof(nodes, index, checkpoint.size)?;
        verify_inclusion(
            &leaf_hash(entry),
            index,
            checkpoint.size,
            &hashes,
            &checkpoint.root,
        )?;
        Ok(Self {
            index,
            hashes,
            extra: None,
            checkpoint: signed_checkpoint.to_owned(),
        })
    }

    /// Reads a proof file.
    ///
    /// # Errors
    /// [`AuditError::ProofFormat`].
    pub fn parse(text: &str) -> Result<Self, AuditError> {
        if text.len() > PROOF_BYTES_MAX {
            return Err(AuditError::ProofFormat("it is too long"));
        }
        let (head, checkpoint) = text
            .split_once("\n\n")
            .ok_or(AuditError::ProofFormat("it has no blank line"))?;
        let mut lines = head.split('\n').peekable();
        if lines.next() != Some(HEADER) {
            return Err(AuditError::ProofFormat("its first line is another"));
        }
        let extra = match lines.next_if(|line| line.starts_with("extra ")) {
            None => None,
            Some(line) => Some(
                line.strip_prefix("extra ")
                    .and_then(base64_decode)
                    .ok_or(AuditError::ProofFormat("its extra line is not base64"))?,
            ),
        };
        let index = lines
            .next()
            .and_then(|line| line.strip_prefix("index "))
            .and_then(parse_decimal)
            .ok_or(AuditError::ProofFormat("it has no index line"))?;
        let hashes: Vec<Hash> = lines
            .take(HASHES_MAX + 1)
            .map(hash_from_base64)
            .collect::<Option<_>>()
            .ok_or(AuditError::ProofFormat(
                "a line is not the base64 of 32 bytes",
            ))?;
        if hashes.len() > HASHES_MAX {
            return Err(AuditError::ProofFormat("it has over 63 hashes"));
        }
        Ok(Self {
            index,
            hashes,
            extra,
            checkpoint: checkpoint.to_owned(),
        })
    }

    /// Checks, with nothing but trusted keys, that the log held this entry at its place.
    ///
    /// # Errors
    /// The checkpoint is refused (see [`Trust::open`]) or the hashes do not lead to its root.
    pub fn verify<'a>(&self, entry: &[u8], trust: &'a Trust) -> Result<Opened<'a>, AuditError> {
        let opened = trust.open(&self.checkpoint)?;
        let Checkpoint { size, root, .. } = &opened.checkpoint;
        verify_inclusion(&leaf_hash(entry), self.index, *size, &self.hashes, root)?;
        Ok(opened)
    }
}

impl fmt::Display for InclusionProof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{HEADER}")?;
        if let Some(extra) = &self.extra {
            writeln!(f, "extra {}", base64_of(extra))?;
        }
        writeln!(f, "index {}", self.index)?;
        for hash in &self.hashes {
            writeln!(f, "{}", base64_of(hash))?;
        }
        write!(f, "\n{}", self.checkpoint)
    }
}
