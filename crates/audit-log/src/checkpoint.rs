//! C2SP checkpoints: a log's name, size and root in three lines.

use crate::{
    error::AuditError,
    hash::{Hash, base64_of, hash_from_base64},
    tree::TREE_SIZE_MAX,
};

/// The text a log signs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// Name of the log.
    pub origin: String,
    /// Number of entries, below 2^63.
    pub size: u64,
    /// Root of the tree over them.
    pub root: Hash,
    /// Further lines. We write none; nothing in them is audited.
    pub extensions: Vec<String>,
}

impl Checkpoint {
    /// Reads the text of a checkpoint, without signatures.
    ///
    /// # Errors
    /// [`AuditError::CheckpointFormat`].
    pub fn parse(text: &str) -> Result<Self, AuditError> {
        if text.bytes().any(|b| b < 0x20 && b != b'\n') {
            return Err(AuditError::CheckpointFormat("it holds a control character"));
        }
        let body = text
            .strip_suffix('\n')
            .ok_or(AuditError::CheckpointFormat("it has no last newline"))?;
        let mut lines = body.split('\n');
        let (Some(origin), Some(size), Some(root)) = (lines.next(), lines.next(), lines.next())
        else {
            return Err(AuditError::CheckpointFormat(
                "it has fewer than three lines",
            ));
        };
        if origin.is_empty() {
            return Err(AuditError::CheckpointFormat("its origin is empty"));
        }
        let size = parse_decimal(size)
            .filter(|size| *size <= TREE_SIZE_MAX)
            .ok_or(AuditError::CheckpointFormat(
                "its size is not a plain number below 2^63",
            ))?;
        let root = hash_from_base64(root).ok_or(AuditError::CheckpointFormat(
            "its root is not the base64 of 32 bytes",
        ))?;
        let extensions: Vec<String> = lines.map(str::to_owned).collect();
        if extensions.iter().any(String::is_empty) {
            return Err(AuditError::CheckpointFormat("it holds an empty line"));
        }
        Ok(Self {
            origin: origin.to_owned(),
            size,
            root,
            extensions,
        })
    }

    /// The text to sign.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = format!(
            "{}\n{}\n{}\n",
            self.origin,
            self.size,
            base64_of(&self.root)
        );
        for line in &self.extensions {
            text.push_str(line);
            text.push('\n');
        }
        text
    }
}

/// Digits only, no leading zero, no sign.
pub(crate) fn parse_decimal(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let plain = digits && (text == "0" || !text.starts_with('0'));
    if plain { text.parse().ok() } else { None }
}
