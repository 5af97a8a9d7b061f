//! Pairs as rules found them.

#![allow(
    clippy::indexing_slicing,
    reason = "left rows are those that the slices were made for"
)]

use crate::radix;

/// A pair as a rule found it: left row in the upper half, then the right row, then the rule.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
#[repr(transparent)]
pub(crate) struct Found(u64);

const RULE_BITS: u32 = 5;

/// Rows that a file may have: a right row and a rule share 32 bits.
pub(crate) const ROWS_MAX: usize = 1 << (32 - RULE_BITS);

impl Found {
    pub(crate) const fn new(left: u32, right: u32, rule: usize) -> Self {
        Self((left as u64) << 32 | (right as u64) << RULE_BITS | rule as u64)
    }

    pub(crate) const fn left(self) -> usize {
        (self.0 >> 32) as usize
    }

    pub(crate) const fn right(self) -> usize {
        (self.0 as u32 >> RULE_BITS) as usize
    }

    pub(crate) const fn rule(self) -> u32 {
        self.0 as u32 & ((1 << RULE_BITS) - 1)
    }

    /// By left row, then by right row, then by rule. Left rows differ in their last `bits` bits only.
    fn sort(found: &mut Vec<Self>, bits: u32) {
        radix::sort(found, |found| found.0, 32, 32 + bits);
        for one in found.chunk_by_mut(|a, b| a.left() == b.left()) {
            one.sort_unstable();
        }
    }

    /// True for one pair, whatever rule found it.
    pub(crate) const fn is_of(self, other: Self) -> bool {
        self.0 >> RULE_BITS == other.0 >> RULE_BITS
    }
}

/// Pairs that rules found, in slices of left rows that can be compared apart from each other.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Candidates {
    slices: Vec<Slice>,
    /// A slice has two to the power of this many left rows.
    bits: u32,
}

/// Pairs of a range of left rows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Slice {
    found: Vec<Found>,
    bits: u32,
}

/// Left rows of a slice, at least: enough that its rows are fetched once, few enough that its pairs are sorted within
/// the cache.
const SLICE_BITS_MIN: u32 = 13;

/// Slices, at most: pairs are handed out to them as they are found.
const SLICES_BITS_MAX: u32 = 8;

impl Candidates {
    /// None yet, of left rows under `rows`.
    pub(crate) fn new(rows: usize) -> Self {
        let bits = radix::bits(rows)
            .saturating_sub(SLICES_BITS_MAX)
            .max(SLICE_BITS_MIN);
        let empty = Slice {
            found: Vec::new(),
            bits,
        };
        Self {
            slices: vec![empty; (rows >> bits) + 1],
            bits,
        }
    }

    /// None, of the same rows.
    pub(crate) fn none(&self) -> Self {
        let empty = Slice {
            found: Vec::new(),
            bits: self.bits,
        };
        Self {
            slices: vec![empty; self.slices.len()],
            bits: self.bits,
        }
    }

    /// Makes room for so many more, shared out evenly: growing by doubling would hold up to twice what is there.
    pub(crate) fn expect(&mut self, pairs: u64) {
        let each = pairs / self.slices.len().max(1) as u64;
        for slice in &mut self.slices {
            slice.found.reserve_exact((each + each / 8) as usize);
        }
    }

    pub(crate) fn push(&mut self, found: Found) {
        self.slices[found.left() >> self.bits].found.push(found);
    }

    /// Adds others of the same rows.
    pub(crate) fn append(&mut self, others: Self) {
        for (slice, other) in self.slices.iter_mut().zip(others.slices) {
            slice.found.extend_from_slice(&other.found);
        }
    }

    /// Pairs, those that several rules found several times.
    pub(crate) fn len(&self) -> u64 {
        self.slices
            .iter()
            .map(|slice| slice.found.len() as u64)
            .sum()
    }

    /// Those that hold any, in the order of the left rows.
    pub(crate) fn into_slices(mut self) -> Vec<Slice> {
        self.slices.retain(|slice| !slice.found.is_empty());
        self.slices
    }
}

#[cfg(test)]
impl Candidates {
    /// All, in the order in which they are compared.
    pub(crate) fn in_order(self) -> Vec<Found> {
        let slices = self.into_slices().into_iter();
        let all: Vec<Found> = slices.flat_map(Slice::sorted).collect();
        assert!(all.is_sorted());
        all
    }
}

impl Slice {
    /// By left row, then by right row, then by rule.
    pub(crate) fn sorted(mut self) -> Vec<Found> {
        Found::sort(&mut self.found, self.bits);
        self.found
    }
}
