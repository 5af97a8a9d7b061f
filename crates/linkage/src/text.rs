//! Distinct strings, numbered: one arena of bytes and an open table of codes.

#![allow(
    clippy::indexing_slicing,
    reason = "codes index the arena that issued them"
)]

use crate::random::mix;

/// Distinct strings numbered from 1 in order of first appearance; code 0 is the empty string.
pub(crate) struct Dictionary {
    bytes: Vec<u8>,
    ends: Vec<u32>,
    /// Half a hash in the upper half, a code in the lower; 0 is free.
    slots: Vec<u64>,
}

impl Dictionary {
    pub(crate) fn new() -> Self {
        Self {
            bytes: Vec::new(),
            ends: vec![0],
            slots: vec![0; 1 << 10],
        }
    }

    /// Number of codes, that of the empty string included.
    pub(crate) const fn len(&self) -> usize {
        self.ends.len()
    }

    /// Bytes held.
    pub(crate) const fn held(&self) -> usize {
        self.bytes.capacity() + 4 * self.ends.capacity() + 8 * self.slots.capacity()
    }

    /// The string of a code.
    pub(crate) fn get(&self, code: u32) -> &[u8] {
        let code = code as usize;
        if code == 0 {
            return &[];
        }
        &self.bytes[self.ends[code - 1] as usize..self.ends[code] as usize]
    }

    /// The code of a string, a new one if need be, and whether it is new. Past 4 GB of distinct text, 0.
    pub(crate) fn code(&mut self, text: &[u8]) -> (u32, bool) {
        if text.is_empty() {
            return (0, false);
        }
        let hash = hash_bytes(text) >> 32;
        let mask = self.slots.len() - 1;
        let mut at = hash as usize & mask;
        while self.slots[at] != 0 {
            let slot = self.slots[at];
            if slot >> 32 == hash && self.get(slot as u32) == text {
                return (slot as u32, false);
            }
            at = (at + 1) & mask;
        }
        let (Ok(code), Ok(end)) = (
            u32::try_from(self.ends.len()),
            u32::try_from(self.bytes.len() + text.len()),
        ) else {
            return (0, false);
        };
        self.bytes.extend_from_slice(text);
        self.ends.push(end);
        self.slots[at] = hash << 32 | u64::from(code);
        if self.ends.len() * 2 > self.slots.len() {
            self.grow();
        }
        (code, true)
    }

    fn grow(&mut self) {
        let size = self.slots.len() * 2;
        let mut slots = vec![0_u64; size];
        for slot in self.slots.iter().filter(|slot| **slot != 0) {
            let mut at = (slot >> 32) as usize & (size - 1);
            while slots[at] != 0 {
                at = (at + 1) & (size - 1);
            }
            slots[at] = *slot;
        }
        self.slots = slots;
    }
}

/// A hash of bytes, eight at a time. Not for secrets.
pub(crate) fn hash_bytes(bytes: &[u8]) -> u64 {
    let mut hash = 0x9e37_79b9_7f4a_7c15 ^ bytes.len() as u64;
    let mut chunks = bytes.chunks_exact(8);
    for chunk in &mut chunks {
        let mut word = [0; 8];
        word.copy_from_slice(chunk);
        hash = fold(hash ^ u64::from_le_bytes(word));
    }
    let mut word = [0; 8];
    let rest = chunks.remainder();
    word[..rest.len()].copy_from_slice(rest);
    mix(fold(hash ^ u64::from_le_bytes(word)))
}

const fn fold(value: u64) -> u64 {
    let wide = value as u128 * 0xa076_1d64_78bd_642f_u128;
    (wide as u64) ^ (wide >> 64) as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    proptest::proptest! {
        #[test]
        fn codes_are_those_of_a_map(texts in proptest::collection::vec("[a-d]{0,3}", 0..3000)) {
            let mut dictionary = Dictionary::new();
            let mut map = BTreeMap::from([(String::new(), 0)]);
            for text in &texts {
                let next = map.len() as u32;
                let expected = *map.entry(text.clone()).or_insert(next);
                let (code, new) = dictionary.code(text.as_bytes());
                assert_eq!((code, new), (expected, expected == next && !text.is_empty()));
                assert_eq!(dictionary.get(code), text.as_bytes());
            }
            assert_eq!(dictionary.len(), map.len());
        }
    }
}
