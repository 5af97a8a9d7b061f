//! The members of a ZIP archive (APPNOTE 6.3.10, stored and deflated).
//!
//! Only the central directory is believed, and of it nothing but places: a name or size that lies costs an answer.

use std::io::Read;

use flate2::read::DeflateDecoder;

/// A member that was found in the directory.
pub(super) struct Member<'b> {
    pub(super) name: String,
    method: u16,
    is_locked: bool,
    packed: &'b [u8],
}

/// Why there are no bytes.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Closed {
    Locked,
    Method,
    TooLarge,
    Damaged,
}

impl Closed {
    pub(super) fn in_words(&self) -> &'static str {
        match self {
            Self::Locked => "it is encrypted",
            Self::Method => "it is packed in a way that is not known",
            Self::TooLarge => "what is packed in it is larger than half of the limit memory_mib",
            Self::Damaged => "it is damaged",
        }
    }
}

/// The members; `None` where the directory cannot be followed.
pub(super) fn members(bytes: &[u8]) -> Option<Vec<Member<'_>>> {
    let end = bytes.windows(4).rposition(|four| four == b"PK\x05\x06")?;
    let count = usize::from(short(bytes, end + 10)?);
    let mut at = index(long(bytes, end + 16)?);
    let mut found = Vec::new();
    for _ in 0..count {
        if bytes.get(at..at + 4)? != b"PK\x01\x02" {
            return None;
        }
        let (names, extra, comment) = (
            usize::from(short(bytes, at + 28)?),
            usize::from(short(bytes, at + 30)?),
            usize::from(short(bytes, at + 32)?),
        );
        let local = index(long(bytes, at + 42)?);
        let start = local
            + 30
            + usize::from(short(bytes, local + 26)?)
            + usize::from(short(bytes, local + 28)?);
        found.push(Member {
            name: String::from_utf8_lossy(bytes.get(at + 46..at + 46 + names)?).into_owned(),
            method: short(bytes, at + 10)?,
            is_locked: short(bytes, at + 8)? & 1 == 1,
            packed: bytes.get(start..start.checked_add(index(long(bytes, at + 20)?))?)?,
        });
        at += 46 + names + extra + comment;
    }
    Some(found)
}

impl Member<'_> {
    /// Its bytes, if they are no more than `most`.
    pub(super) fn bytes(&self, most: usize) -> Result<Vec<u8>, Closed> {
        match self.method {
            _ if self.is_locked => Err(Closed::Locked),
            0 if self.packed.len() > most => Err(Closed::TooLarge),
            0 => Ok(self.packed.to_vec()),
            8 => unpacked(DeflateDecoder::new(self.packed), most),
            _ => Err(Closed::Method),
        }
    }
}

/// Everything that a decoder gives, if it is no more than `most` bytes.
pub(super) fn unpacked(decoder: impl Read, most: usize) -> Result<Vec<u8>, Closed> {
    let mut bytes = Vec::new();
    let limit = u64::try_from(most).unwrap_or(u64::MAX).saturating_add(1);
    match decoder.take(limit).read_to_end(&mut bytes) {
        Err(_) => Err(Closed::Damaged),
        Ok(_) if bytes.len() > most => Err(Closed::TooLarge),
        Ok(_) => Ok(bytes),
    }
}

fn short(bytes: &[u8], at: usize) -> Option<u16> {
    let two = bytes.get(at..at.checked_add(2)?)?;
    Some(u16::from_le_bytes(two.try_into().ok()?))
}

fn long(bytes: &[u8], at: usize) -> Option<u32> {
    let four = bytes.get(at..at.checked_add(4)?)?;
    Some(u32::from_le_bytes(four.try_into().ok()?))
}

fn index(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}
