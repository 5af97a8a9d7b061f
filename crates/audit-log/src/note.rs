//! C2SP signed notes and verifier keys.
//!
//! A note is text, a blank line, then one line per signature. Signatures under
//! unknown keys are ignored; one under a known key that fails spoils the note.

use std::fmt;

use ring::signature::{ED25519, UnparsedPublicKey};

use crate::{
    cosignature::{cosigned_message, split_timestamp},
    error::AuditError,
    hash::{base64_decode, base64_of, digest},
};

/// Room for sixteen post-quantum signatures and to spare.
pub(crate) const NOTE_BYTES_MAX: usize = 256 * 1024;
const NOTE_SIGNATURES_MAX: usize = 64;

/// What a key signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyKind {
    /// Type 0x01: Ed25519 over the note's text, the log's own signature.
    Ed25519,
    /// Type 0x04: timestamped Ed25519 cosignature of a witness.
    Cosignature,
}

impl KeyKind {
    fn byte(self) -> u8 {
        match self {
            Self::Ed25519 => 0x01,
            Self::Cosignature => 0x04,
        }
    }
}

/// A verifier key: `name+hex(key id)+base64(type || public key)`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vkey {
    name: String,
    kind: KeyKind,
    key_id: [u8; 4],
    public: [u8; 32],
}

impl Vkey {
    /// Names a public key.
    ///
    /// # Errors
    /// [`AuditError::KeyFormat`] when the name is empty or holds white space, `+` or
    /// control characters.
    pub fn new(name: &str, kind: KeyKind, public: [u8; 32]) -> Result<Self, AuditError> {
        if !is_key_name(name) {
            return Err(AuditError::KeyFormat(
                "its name is empty or holds a space or plus",
            ));
        }
        let hash = digest(&[name.as_bytes(), b"\n", &[kind.byte()], &public]);
        let [a, b, c, d, ..] = hash;
        Ok(Self {
            name: name.to_owned(),
            kind,
            key_id: [a, b, c, d],
            public,
        })
    }

    /// Reads a verifier key.
    ///
    /// # Errors
    /// [`AuditError::KeyFormat`].
    pub fn parse(text: &str) -> Result<Self, AuditError> {
        let mut parts = text.splitn(3, '+');
        let (Some(name), Some(key_id), Some(material)) = (parts.next(), parts.next(), parts.next())
        else {
            return Err(AuditError::KeyFormat("it has no three parts"));
        };
        let material = base64_decode(material).ok_or(AuditError::KeyFormat("not base64"))?;
        let (kind, public) = match material.split_first() {
            Some((0x01, public)) => (KeyKind::Ed25519, public),
            Some((0x04, public)) => (KeyKind::Cosignature, public),
            _ => {
                return Err(AuditError::KeyFormat(
                    "its type is not Ed25519 or cosignature/v1",
                ));
            }
        };
        let public = public
            .try_into()
            .map_err(|_| AuditError::KeyFormat("not 32 bytes long"))?;
        let vkey = Self::new(name, kind, public)?;
        if hex::encode(vkey.key_id) != key_id {
            return Err(AuditError::KeyFormat("its key id does not match"));
        }
        Ok(vkey)
    }

    /// The key's name; for a log's key, the log's origin.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it signs.
    #[must_use]
    pub fn kind(&self) -> KeyKind {
        self.kind
    }

    /// First four bytes of SHA-256(name || 0x0A || type || public key).
    #[must_use]
    pub fn key_id(&self) -> [u8; 4] {
        self.key_id
    }

    /// The Ed25519 public key.
    #[must_use]
    pub fn public_key(&self) -> &[u8; 32] {
        &self.public
    }

    /// Time of the cosignature, or none for a plain signature.
    fn verify(&self, text: &str, signature: &[u8]) -> Result<Option<u64>, AuditError> {
        let failed = || AuditError::BadSignature {
            name: self.name.clone(),
        };
        let key = UnparsedPublicKey::new(&ED25519, &self.public);
        match self.kind {
            KeyKind::Ed25519 => {
                key.verify(text.as_bytes(), signature)
                    .map_err(|_| failed())?;
                Ok(None)
            }
            KeyKind::Cosignature => {
                let (time, signature) = split_timestamp(signature).ok_or_else(failed)?;
                let message = cosigned_message(text, time);
                key.verify(message.as_bytes(), signature)
                    .map_err(|_| failed())?;
                Ok(Some(time))
            }
        }
    }
}

impl fmt::Display for Vkey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut material = vec![self.kind.byte()];
        material.extend_from_slice(&self.public);
        write!(
            f,
            "{}+{}+{}",
            self.name,
            hex::encode(self.key_id),
            base64_of(&material)
        )
    }
}

fn is_key_name(name: &str) -> bool {
    !name.is_empty()
        && !name
            .chars()
            .any(|c| c.is_whitespace() || c.is_control() || c == '+')
}

/// One signature line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoteSignature {
    /// Name of the key.
    pub name: String,
    /// Id of the key.
    pub key_id: [u8; 4],
    /// What the key made; for a cosignature eight bytes of time come first.
    pub bytes: Vec<u8>,
}

impl NoteSignature {
    /// Reads `— name base64(key id || signature)`, without the newline.
    ///
    /// # Errors
    /// [`AuditError::NoteFormat`].
    pub fn parse(line: &str) -> Result<Self, AuditError> {
        let rest = line.strip_prefix("— ").ok_or(AuditError::NoteFormat(
            "a signature line does not start with a dash",
        ))?;
        let (name, blob) = rest
            .split_once(' ')
            .ok_or(AuditError::NoteFormat("a signature line has no name"))?;
        if !is_key_name(name) {
            return Err(AuditError::NoteFormat(
                "a key name is empty or holds a space or plus",
            ));
        }
        let blob =
            base64_decode(blob).ok_or(AuditError::NoteFormat("a signature is not base64"))?;
        match blob.split_first_chunk::<4>() {
            Some((key_id, bytes)) if !bytes.is_empty() => Ok(Self {
                name: name.to_owned(),
                key_id: *key_id,
                bytes: bytes.to_vec(),
            }),
            _ => Err(AuditError::NoteFormat("a signature is too short")),
        }
    }

    /// Time of a cosignature/v1 in seconds since 1970, if the bytes have that shape.
    #[must_use]
    pub fn cosignature_time(&self) -> Option<u64> {
        split_timestamp(&self.bytes).map(|(time, _)| time)
    }
}

impl fmt::Display for NoteSignature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut blob = self.key_id.to_vec();
        blob.extend_from_slice(&self.bytes);
        write!(f, "— {} {}", self.name, base64_of(&blob))
    }
}

/// A trusted key whose signature verified.
#[derive(Clone, Copy, Debug)]
pub struct Verified<'a> {
    /// The key.
    pub key: &'a Vkey,
    /// Time of a cosignature, seconds since 1970.
    pub time: Option<u64>,
}

/// A signed note.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    text: String,
    signatures: Vec<NoteSignature>,
}

impl Note {
    /// Joins a text and its signatures.
    ///
    /// # Errors
    /// [`AuditError::NoteFormat`] unless the text ends in a newline, has no other control
    /// characters, and there is at least one signature.
    pub fn new(text: &str, signatures: Vec<NoteSignature>) -> Result<Self, AuditError> {
        if !text.ends_with('\n') {
            return Err(AuditError::NoteFormat("its text does not end in a newline"));
        }
        if text.bytes().any(|b| b < 0x20 && b != b'\n') {
            return Err(AuditError::NoteFormat("it holds a control character"));
        }
        if signatures.is_empty() {
            return Err(AuditError::NoteFormat("it has no signature"));
        }
        if signatures.len() > NOTE_SIGNATURES_MAX {
            return Err(AuditError::NoteFormat("it has over 64 signatures"));
        }
        Ok(Self {
            text: text.to_owned(),
            signatures,
        })
    }

    /// Reads a signed note. Nothing in it is to be believed before [`Note::verify`].
    ///
    /// # Errors
    /// [`AuditError::NoteFormat`].
    pub fn parse(note: &str) -> Result<Self, AuditError> {
        if note.len() > NOTE_BYTES_MAX {
            return Err(AuditError::NoteFormat("it is over 256 KiB"));
        }
        if note.bytes().any(|b| b < 0x20 && b != b'\n') {
            return Err(AuditError::NoteFormat("it holds a control character"));
        }
        let (text, block) = note
            .rsplit_once("\n\n")
            .ok_or(AuditError::NoteFormat("it has no blank line"))?;
        let block = block
            .strip_suffix('\n')
            .ok_or(AuditError::NoteFormat("it has no last newline"))?;
        if block.split('\n').count() > NOTE_SIGNATURES_MAX {
            return Err(AuditError::NoteFormat("it has over 64 signatures"));
        }
        let signatures: Result<Vec<_>, _> = block.split('\n').map(NoteSignature::parse).collect();
        Self::new(&format!("{text}\n"), signatures?)
    }

    /// The text with its last newline, without the blank line.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The signature lines in order.
    #[must_use]
    pub fn signatures(&self) -> &[NoteSignature] {
        &self.signatures
    }

    /// The note with one more signature line, for instance a witness's.
    ///
    /// # Errors
    /// [`AuditError::NoteFormat`] over 64 signatures.
    pub fn with_signature(mut self, signature: NoteSignature) -> Result<Self, AuditError> {
        if !self.signatures.contains(&signature) {
            self.signatures.push(signature);
        }
        Self::new(&self.text, self.signatures)
    }

    /// Which of the trusted keys signed. A key that signed twice counts once.
    ///
    /// # Errors
    /// [`AuditError::BadSignature`] when a trusted key's signature fails,
    /// [`AuditError::NotSigned`] when no trusted key signed.
    pub fn verify<'a>(&self, trusted: &'a [Vkey]) -> Result<Vec<Verified<'a>>, AuditError> {
        let mut verified: Vec<Verified<'a>> = Vec::new();
        for signature in &self.signatures {
            let known = |key: &&Vkey| key.name == signature.name && key.key_id == signature.key_id;
            for key in trusted.iter().filter(known) {
                let time = key.verify(&self.text, &signature.bytes)?;
                if !verified.iter().any(|seen| seen.key == key) {
                    verified.push(Verified { key, time });
                }
            }
        }
        if verified.is_empty() {
            return Err(AuditError::NotSigned);
        }
        Ok(verified)
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.text)?;
        self.signatures
            .iter()
            .try_for_each(|signature| writeln!(f, "{signature}"))
    }
}
