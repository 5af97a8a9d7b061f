//! Numbers and bytes as a kept spine writes them: little-endian, each list after its length. The reader takes nothing
//! for granted.

use crate::error::LinkError;
use crate::text::hash_bytes;

const fn broken(what: &'static str) -> LinkError {
    LinkError::BrokenSpine { what }
}

/// Writes.
#[derive(Default)]
pub(super) struct Packer(Vec<u8>);

impl Packer {
    pub(super) fn number(&mut self, value: u64) {
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    pub(super) fn float(&mut self, value: f64) {
        self.number(value.to_bits());
    }

    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        self.number(bytes.len() as u64);
        self.0.extend_from_slice(bytes);
    }

    pub(super) fn words(&mut self, values: impl ExactSizeIterator<Item = u32>) {
        self.number(values.len() as u64);
        values.for_each(|value| self.0.extend_from_slice(&value.to_le_bytes()));
    }

    pub(super) fn longs(&mut self, values: impl ExactSizeIterator<Item = u64>) {
        self.number(values.len() as u64);
        values.for_each(|value| self.0.extend_from_slice(&value.to_le_bytes()));
    }

    /// What was written, after its length and before a hash of it.
    pub(super) fn sealed(self) -> Vec<u8> {
        let mut sealed = Vec::with_capacity(self.0.len() + 16);
        sealed.extend_from_slice(&(self.0.len() as u64).to_le_bytes());
        sealed.extend_from_slice(&self.0);
        sealed.extend_from_slice(&hash_bytes(&self.0).to_le_bytes());
        sealed
    }
}

/// Reads. No length that is written makes it take more memory than the file is long.
pub(super) struct Unpacker<'a>(&'a [u8]);

impl<'a> Unpacker<'a> {
    /// The first of what was sealed one after the other, and the rest.
    pub(super) fn unseal(bytes: &'a [u8]) -> Result<(Self, &'a [u8]), LinkError> {
        let mut all = Self(bytes);
        let length = all.length(1)?;
        let body = all.take(length)?;
        if all.number()? != hash_bytes(body) {
            return Err(broken("a part of it does not have the hash that it had"));
        }
        Ok((Self(body), all.0))
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], LinkError> {
        let (taken, rest) = self
            .0
            .split_at_checked(length)
            .ok_or(broken("a part of it ends too early"))?;
        self.0 = rest;
        Ok(taken)
    }

    /// Of a list of values of so many bytes.
    fn length(&mut self, width: usize) -> Result<usize, LinkError> {
        let length = usize::try_from(self.number()?).unwrap_or(usize::MAX);
        if length > self.0.len() / width {
            return Err(broken("a part of it ends too early"));
        }
        Ok(length)
    }

    pub(super) fn number(&mut self) -> Result<u64, LinkError> {
        let mut bytes = [0; 8];
        bytes.copy_from_slice(self.take(8)?);
        Ok(u64::from_le_bytes(bytes))
    }

    /// A number of at most so many.
    pub(super) fn count(&mut self, most: usize) -> Result<usize, LinkError> {
        let count = usize::try_from(self.number()?).unwrap_or(usize::MAX);
        if count > most {
            return Err(broken("a number in it is out of its range"));
        }
        Ok(count)
    }

    pub(super) fn float(&mut self) -> Result<f64, LinkError> {
        Ok(f64::from_bits(self.number()?))
    }

    pub(super) fn bytes(&mut self) -> Result<&'a [u8], LinkError> {
        let length = self.length(1)?;
        self.take(length)
    }

    pub(super) fn words(&mut self) -> Result<Vec<u32>, LinkError> {
        let length = self.length(4)?;
        let (values, _) = self.take(4 * length)?.as_chunks::<4>();
        Ok(values.iter().map(|v| u32::from_le_bytes(*v)).collect())
    }

    /// So many words, each at most `most`.
    pub(super) fn codes(&mut self, count: usize, most: usize) -> Result<Vec<u32>, LinkError> {
        let codes = self.words()?;
        if codes.len() != count || codes.iter().any(|code| *code as usize > most) {
            return Err(broken("a column of it does not fit its records"));
        }
        Ok(codes)
    }

    pub(super) fn longs(&mut self) -> Result<Vec<u64>, LinkError> {
        let length = self.length(8)?;
        let (values, _) = self.take(8 * length)?.as_chunks::<8>();
        Ok(values.iter().map(|v| u64::from_le_bytes(*v)).collect())
    }

    /// So many longs.
    pub(super) fn exact(&mut self, count: usize) -> Result<Vec<u64>, LinkError> {
        let longs = self.longs()?;
        if longs.len() == count {
            Ok(longs)
        } else {
            Err(broken("a column of it does not fit its records"))
        }
    }

    /// Refuses anything left.
    pub(super) fn end(self) -> Result<(), LinkError> {
        if self.0.is_empty() {
            Ok(())
        } else {
            Err(broken("a part of it holds more than it says"))
        }
    }
}
