//! Records by their key under a rule.

#![allow(
    clippy::indexing_slicing,
    reason = "ranges are told from as many bits as there are ranges for"
)]

use std::num::NonZeroUsize;
use std::ops::Range;

use super::found::{Candidates, Found};
use super::{BLOCK_PAIRS_MAX, Sides, block_pairs, merge};
use crate::coded::File;
use crate::keys::{Keys, Part, Wanted};
use crate::radix;
use crate::threads;

/// Rows whose keys are worked out at a time.
const ROWS_AT_ONCE: usize = 1 << 16;

/// Rows of a range of keys, about, as a power of two: sorted within the cache.
const RANGE_BITS: u32 = 14;

/// Ranges at most, as a power of two.
const RANGES_BITS_MAX: u32 = 8;

/// The rows of both sides by their key under a rule; none without a key. In ranges of keys, which are as many whatever
/// the number of threads.
pub(super) struct Blocks(Vec<KeyRange>);

/// Rows as key << 32 | row, in order.
struct KeyRange {
    left: Vec<u64>,
    /// Nothing where the right rows are the left ones.
    right: Option<Vec<u64>>,
}

impl Blocks {
    pub(super) fn of(
        keys: &Keys<'_>,
        rule: &[Part],
        sides: Sides<'_>,
        wanted: Wanted<'_>,
        threads: NonZeroUsize,
    ) -> Self {
        let rows = sides.left.rows.len().max(sides.right.rows.len());
        let bits = radix::bits(rows)
            .saturating_sub(RANGE_BITS)
            .min(RANGES_BITS_MAX);
        let mut parts = Vec::new();
        side(sides.left, wanted, &mut parts);
        let lefts = parts.len();
        let own_right = !sides.within || wanted.is_some();
        if own_right {
            side(sides.right, None, &mut parts);
        }
        let parted = threads::each(threads, parts, |(file, rows, wanted)| {
            Parted::of(keys.words(rule, file, rows, wanted), bits)
        });
        let (left, right) = parted.split_at(lefts);
        let ranges = threads::each(threads, (0..1 << bits).collect(), |range| KeyRange {
            left: gathered(left, range, bits),
            right: own_right.then(|| gathered(right, range, bits)),
        });
        Self(ranges)
    }

    pub(super) fn are_empty(&self) -> bool {
        let left = self.0.iter().all(|range| range.left.is_empty());
        let right = |range: &KeyRange| range.right.as_ref().is_some_and(Vec::is_empty);
        left || self.0.iter().all(right)
    }

    /// All pairs.
    pub(super) fn pairs(&self, within: bool, threads: NonZeroUsize) -> u64 {
        let counts = self.in_ranges(threads, |range| range.count(within, u64::MAX).0);
        counts.iter().sum()
    }

    /// Pairs of all keys but those that have too many; and these, in order.
    pub(super) fn count(&self, within: bool, threads: NonZeroUsize) -> (u64, Vec<u32>) {
        let counts = self.in_ranges(threads, |range| range.count(within, BLOCK_PAIRS_MAX));
        let (mut pairs, mut struck) = (0, Vec::new());
        for (more, keys) in counts {
            pairs += more;
            struck.extend(keys);
        }
        (pairs, struck)
    }

    fn in_ranges<T: Send>(
        &self,
        threads: NonZeroUsize,
        work: impl Fn(&KeyRange) -> T + Sync,
    ) -> Vec<T> {
        threads::each(threads, self.0.iter().collect(), work)
    }

    /// Adds the pairs of all blocks but those struck.
    pub(super) fn join(
        &self,
        struck: &[u32],
        (within, rule): (bool, usize),
        threads: NonZeroUsize,
        found: &mut Candidates,
    ) {
        // Pairs are sorted before they are compared: how they are shared out here shows nowhere.
        let size = self.0.len().div_ceil(threads.get()).max(1);
        let none = found.none();
        let mut first = Some(std::mem::take(found));
        let parts: Vec<(&[KeyRange], Candidates)> = self
            .0
            .chunks(size)
            .map(|ranges| (ranges, first.take().unwrap_or_else(|| none.none())))
            .collect();
        let joined = threads::each(threads, parts, |(ranges, mut found)| {
            for range in ranges {
                range.join(struck, (within, rule), &mut found);
            }
            found
        });
        let mut joined = joined.into_iter();
        *found = joined.next().unwrap_or_default();
        for more in joined {
            found.append(more);
        }
    }
}

impl KeyRange {
    /// Calls for each key that both sides have, with its words on each.
    fn each(&self, mut block: impl FnMut(u32, &[u64], &[u64])) {
        let right = self.right.as_ref().unwrap_or(&self.left);
        merge(
            &self.left,
            right,
            |word| word >> 32,
            |l, r| block((l[0] >> 32) as u32, l, r),
        );
    }

    /// Pairs of the keys that have at most so many; and the other keys.
    fn count(&self, within: bool, most: u64) -> (u64, Vec<u32>) {
        let (mut pairs, mut struck) = (0, Vec::new());
        self.each(|key, l, r| {
            let of_key = block_pairs(l.len(), r.len(), within);
            if of_key <= most {
                pairs += of_key;
            } else {
                struck.push(key);
            }
        });
        (pairs, struck)
    }

    fn join(&self, struck: &[u32], (within, rule): (bool, usize), found: &mut Candidates) {
        self.each(|key, l, r| {
            if struck.binary_search(&key).is_ok() {
                return;
            }
            for a in l {
                for b in r {
                    let (a, b) = (*a as u32, *b as u32);
                    if !within || b > a {
                        found.push(Found::new(a, b, rule));
                    }
                }
            }
        });
    }
}

/// Adds the rows of a side, some at a time.
fn side<'a>(
    file: &'a File,
    wanted: Wanted<'a>,
    parts: &mut Vec<(&'a File, Range<usize>, Wanted<'a>)>,
) {
    let rows = file.rows.len();
    for from in (0..rows).step_by(ROWS_AT_ONCE) {
        parts.push((file, from..rows.min(from + ROWS_AT_ONCE), wanted));
    }
}

/// Words of some rows, those of a range of keys side by side.
struct Parted {
    words: Vec<u64>,
    /// Where each range starts, and the last one ends.
    starts: Vec<u32>,
}

impl Parted {
    fn of(words: Vec<u64>, bits: u32) -> Self {
        let mut starts = vec![0_u32; (1 << bits) + 1];
        for word in &words {
            starts[range_of(*word, bits) + 1] += 1;
        }
        for at in 1..starts.len() {
            starts[at] += starts[at - 1];
        }
        if bits == 0 {
            return Self { words, starts };
        }
        let mut next = starts.clone();
        let mut parted = vec![0; words.len()];
        for word in words {
            let place = &mut next[range_of(word, bits)];
            parted[*place as usize] = word;
            *place += 1;
        }
        Self {
            words: parted,
            starts,
        }
    }

    fn range(&self, range: usize) -> &[u64] {
        &self.words[self.starts[range] as usize..self.starts[range + 1] as usize]
    }
}

const fn range_of(word: u64, bits: u32) -> usize {
    (word >> 32 >> (32 - bits)) as usize
}

/// All words of a range of keys, in order.
fn gathered(parts: &[Parted], range: usize, bits: u32) -> Vec<u64> {
    let mut words = Vec::with_capacity(parts.iter().map(|part| part.range(range).len()).sum());
    for part in parts {
        words.extend_from_slice(part.range(range));
    }
    radix::sort_words(&mut words, bits);
    words
}
