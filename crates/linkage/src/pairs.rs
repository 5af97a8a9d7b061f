//! Candidate pairs as patterns: each distinct pattern once, each pair its number.

#![allow(
    clippy::indexing_slicing,
    reason = "numbers come from the tables that issued them"
)]

use std::collections::BTreeMap;
use std::num::NonZeroUsize;

use crate::block::{Candidates, Found, Sides};
use crate::coded::{Coded, Row};
use crate::levels::{Comparer, Pattern};
use crate::random::mix;
use crate::threads;

/// Distinct patterns in order of first appearance.
pub(crate) struct Patterns {
    pub(crate) list: Vec<Pattern>,
    slots: Vec<u32>,
}

impl Patterns {
    pub(crate) fn new() -> Self {
        Self {
            list: Vec::new(),
            slots: vec![0; 1 << 12],
        }
    }

    /// Only the patterns of some pairs, in their own order, so that nothing depends on what came first.
    pub(crate) fn compact(&self, pairs: &[Pair]) -> (Vec<Pair>, Self) {
        let mut used: Vec<Pattern> = count(pairs, self)
            .iter()
            .zip(&self.list)
            .filter(|(count, _)| **count > 0)
            .map(|(_, pattern)| *pattern)
            .collect();
        used.sort_unstable();
        let mut patterns = Self::new();
        for pattern in used {
            patterns.number(pattern);
        }
        let renumbered = self
            .list
            .iter()
            .map(|p| patterns.find(*p))
            .collect::<Vec<_>>();
        let pairs = pairs
            .iter()
            .map(|pair| Pair {
                pattern: renumbered[pair.pattern as usize],
                ..*pair
            })
            .collect();
        (pairs, patterns)
    }

    /// The number of a pattern, 0 if it has none.
    fn find(&self, pattern: Pattern) -> u32 {
        let mask = self.slots.len() - 1;
        let mut at = mix(pattern.0) as usize & mask;
        while self.slots[at] != 0 {
            let number = self.slots[at] - 1;
            if self.list[number as usize] == pattern {
                return number;
            }
            at = (at + 1) & mask;
        }
        0
    }

    /// The number of a pattern, the next one if it is new.
    pub(crate) fn number(&mut self, pattern: Pattern) -> u32 {
        let mask = self.slots.len() - 1;
        let mut at = mix(pattern.0) as usize & mask;
        while self.slots[at] != 0 {
            let number = self.slots[at] - 1;
            if self.list[number as usize] == pattern {
                return number;
            }
            at = (at + 1) & mask;
        }
        self.list.push(pattern);
        self.slots[at] = self.list.len() as u32;
        let number = self.list.len() as u32 - 1;
        if self.list.len() * 2 > self.slots.len() {
            let size = self.slots.len() * 2;
            self.slots = vec![0; size];
            for (number, pattern) in self.list.iter().enumerate() {
                let mut at = mix(pattern.0) as usize & (size - 1);
                while self.slots[at] != 0 {
                    at = (at + 1) & (size - 1);
                }
                self.slots[at] = number as u32 + 1;
            }
        }
        number
    }
}

/// One candidate pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Pair {
    pub(crate) left: u32,
    pub(crate) right: u32,
    pub(crate) pattern: u32,
    /// The rules that found it, as bits.
    pub(crate) rules: u32,
    /// How common the shared forename and surname are, in eighths of a bit above the mean.
    pub(crate) common: [i8; 2],
}

/// How common each name is: log2 of its frequency over the frequency of agreement by chance, in eighths.
pub(crate) struct Commonness {
    fore: Vec<i8>,
    sur: Vec<i8>,
}

impl Commonness {
    /// From both files of a pair; `u` are the chances that two forenames and two surnames agree. Shrunk and
    /// capped as the settings say.
    pub(crate) fn new(
        coded: &Coded,
        sides: Sides<'_>,
        u: [f64; 2],
        settings: &crate::Settings,
    ) -> Self {
        let told = |which: usize| Some(&coded.told.names[which]).filter(|names| !names.is_empty());
        let count = |place: fn(&Row) -> u32, u: f64, outside: Option<&BTreeMap<u32, u32>>| {
            // The last is a name that nobody has.
            let mut counts = vec![0_u32; coded.names.len() + 1];
            let files = if sides.within {
                vec![sides.left]
            } else {
                vec![sides.left, sides.right]
            };
            for row in files.iter().flat_map(|file| &file.rows) {
                counts[place(row) as usize] += 1;
            }
            if let Some(outside) = outside {
                counts.fill(0);
                for (code, count) in outside {
                    counts[*code as usize] = *count;
                }
                counts[0] = 0;
            }
            let present: u64 = counts.iter().skip(1).map(|count| u64::from(*count)).sum();
            let shrinkage = settings.term_frequency_shrinkage;
            let cap = settings.term_frequency_cap_bits.min(15.0);
            counts
                .iter()
                .map(|count| {
                    let frequency =
                        (f64::from(*count) + shrinkage * u) / (present as f64 + shrinkage);
                    ((frequency / u).log2().clamp(-cap, cap) * 8.0).round() as i8
                })
                .collect()
        };
        Self {
            fore: count(|row| row.fore[0], u[0], told(0)),
            sur: count(|row| row.sur[0], u[1], told(1)),
        }
    }

    /// For so many names, those without a count taken as a name that nobody has.
    pub(crate) fn extend(&mut self, names: usize) {
        for table in [&mut self.fore, &mut self.sur] {
            let unseen = table.last().copied().unwrap_or(0);
            table.resize(table.len().max(names + 1), unseen);
        }
    }

    /// Forenames and surnames by code, a name that nobody has last.
    pub(crate) fn tables(&self) -> [&[i8]; 2] {
        [&self.fore, &self.sur]
    }

    /// From what [`Commonness::tables`] gave.
    pub(crate) fn of_tables([fore, sur]: [Vec<i8>; 2]) -> Self {
        Self { fore, sur }
    }

    /// Of a row's forename and surname.
    pub(crate) fn of(&self, row: &Row) -> [i8; 2] {
        [
            self.fore[row.fore[0] as usize],
            self.sur[row.sur[0] as usize],
        ]
    }
}

/// Rows that are fetched before they are compared: their fetches overlap where one by one they would wait for
/// memory.
const BATCH: usize = 32;

/// Candidate pairs, compared.
pub(crate) struct Compared {
    /// Each pair once: by left row, then by right row. A left row is in one slice.
    pub(crate) slices: Vec<Vec<Pair>>,
    /// Pairs that each rule was the first to find.
    pub(crate) new: Vec<u64>,
}

impl Compared {
    pub(crate) fn len(&self) -> u64 {
        self.slices.iter().map(|pairs| pairs.len() as u64).sum()
    }

    pub(crate) fn slices(&self) -> Vec<&[Pair]> {
        self.slices.iter().map(Vec::as_slice).collect()
    }
}

/// What pairs are compared by.
#[derive(Clone, Copy)]
pub(crate) struct Means<'a> {
    pub(crate) coded: &'a Coded,
    pub(crate) sides: Sides<'a>,
    pub(crate) commonness: &'a Commonness,
    /// How many rules there are.
    pub(crate) rules: usize,
    pub(crate) threads: NonZeroUsize,
}

/// Compares the pairs that rules found.
pub(crate) fn compare(means: Means<'_>, found: Candidates, patterns: &mut Patterns) -> Compared {
    let comparer = || Comparer::new(means.coded);
    let compared = threads::map(
        means.threads,
        found.into_slices(),
        comparer,
        |comparer, of| compare_slice(means, of.sorted(), comparer),
    );
    // In the order of the slices, so that a pattern has the number it would have if one thread had met them all.
    let mut new = vec![0; means.rules];
    let mut numbered = Vec::with_capacity(compared.len());
    for (pairs, of_slice, numbers) in compared {
        for (sum, more) in new.iter_mut().zip(of_slice) {
            *sum += more;
        }
        let numbers: Vec<u32> = numbers.list.iter().map(|p| patterns.number(*p)).collect();
        numbered.push((pairs, numbers));
    }
    let slices = threads::each(means.threads, numbered, |(mut pairs, numbers)| {
        for pair in &mut pairs {
            pair.pattern = numbers[pair.pattern as usize];
        }
        pairs
    });
    Compared { slices, new }
}

/// The pairs of a slice under patterns of its own, and how many each rule was the first to find.
fn compare_slice(
    means: Means<'_>,
    found: Vec<Found>,
    comparer: &mut Comparer<'_>,
) -> (Vec<Pair>, Vec<u64>, Patterns) {
    let sides = means.sides;
    let mut patterns = Patterns::new();
    let mut new = vec![0; means.rules];
    let mut pairs = Vec::with_capacity(found.chunk_by(|a, b| a.is_of(*b)).count());
    let mut batch = [(Found::default(), 0); BATCH];
    let (mut left, mut right) = ([Row::default(); BATCH], [Row::default(); BATCH]);
    let mut runs = found.chunk_by(|a, b| a.is_of(*b));
    loop {
        let mut count = 0;
        for run in runs.by_ref().take(BATCH) {
            let rules = run.iter().fold(0_u32, |bits, one| bits | 1 << one.rule());
            new[run[0].rule() as usize] += 1;
            batch[count] = (run[0], rules);
            left[count] = sides.left.rows[run[0].left()];
            right[count] = sides.right.rows[run[0].right()];
            count += 1;
        }
        if count == 0 {
            return (pairs, new, patterns);
        }
        for (((one, rules), a), b) in batch[..count].iter().zip(&left).zip(&right) {
            let (l, r) = (one.left(), one.right());
            let pattern = comparer.rows((a, sides.left, l), (b, sides.right, r));
            pairs.push(Pair {
                left: l as u32,
                right: r as u32,
                pattern: patterns.number(pattern),
                rules: *rules,
                common: means.commonness.of(a),
            });
        }
    }
}

/// Cuts pairs into portions of about so many, those of one left row together.
pub(crate) fn portions(mut pairs: &[Pair], size: usize) -> Vec<&[Pair]> {
    let mut portions = Vec::new();
    while let Some(last) = pairs.get(size) {
        let more = pairs[size..]
            .iter()
            .take_while(|pair| pair.left == last.left);
        let (portion, rest) = pairs.split_at(size + more.count());
        portions.push(portion);
        pairs = rest;
    }
    portions.push(pairs);
    portions
}

/// How many pairs show each pattern, by its number.
pub(crate) fn count(pairs: &[Pair], patterns: &Patterns) -> Vec<u64> {
    let mut counts = vec![0; patterns.list.len()];
    for pair in pairs {
        counts[pair.pattern as usize] += 1;
    }
    counts
}
