//! Blocking with a budget: what each rule would find is counted before anything is joined.
//!
//! The engine's own rules come in families, each from a loose variant to narrow ones; of each, the loosest that
//! keeps its share of the budget is taken, so that small files are searched more widely than large ones.

#![allow(
    clippy::indexing_slicing,
    reason = "rows and rules are those that the tables were made of"
)]

use crate::coded::File;
use crate::error::LinkError;
use crate::keys::{Keys, Part};
use crate::outcome::BlockingReport;
use crate::radix;
use crate::random::mix;
use crate::spec::BlockingRule;

use families::{Family, SMALL, families};
pub(crate) use merge::merge;

mod families;
mod merge;

/// Two files, or one with itself.
#[derive(Clone, Copy)]
pub(crate) struct Sides<'a> {
    pub(crate) left: &'a File,
    pub(crate) right: &'a File,
    /// True: one file, and pairs are of a row and a later row.
    pub(crate) within: bool,
}

/// The rules taken.
pub(crate) struct Plan {
    pub(crate) rules: Vec<Vec<Part>>,
    pub(crate) reports: Vec<BlockingReport>,
    /// By rule: keys of too many pairs, in order.
    struck: Vec<Vec<u32>>,
}

/// Rules in one linkage.
pub(crate) const RULES_MAX: usize = 24;

/// A block of more pairs than this is too common a key.
pub(crate) const BLOCK_PAIRS_MAX: u64 = 250_000;

/// Files under this are counted, not sampled.
const SAMPLED_ROWS_MIN: usize = 50_000;

/// One row in so many is sampled, of each file.
const SAMPLED_ONE_IN: u64 = 16;

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

    /// By left row, then by right row, then by rule. Left rows are under `rows`.
    pub(crate) fn sort(found: &mut Vec<Self>, rows: usize) {
        radix::sort(found, |found| found.0, 32, 32 + radix::bits(rows));
        for one in found.chunk_by_mut(|a, b| a.left() == b.left()) {
            one.sort_unstable();
        }
    }

    /// True for one pair, whatever rule found it.
    pub(crate) const fn is_of(self, other: Self) -> bool {
        self.0 >> RULE_BITS == other.0 >> RULE_BITS
    }
}

/// Chooses rules and counts their pairs. While there are at most `found_max` of them, repeats counted, they are
/// found on the way, as [`Plan::find`] would.
pub(crate) fn plan(
    keys: &Keys<'_>,
    sides: Sides<'_>,
    asked: &[BlockingRule],
    pairs_max: u64,
    found_max: u64,
) -> Result<(Plan, Option<Vec<Found>>), LinkError> {
    let mut planner = Planner {
        keys,
        sides,
        pairs_max,
        left_to_spend: pairs_max,
        smallest: None,
        taken: Vec::new(),
        reports: Vec::new(),
        known: Vec::new(),
        sample: Sample::of(sides),
        found: Some(Vec::new()),
        found_max,
    };
    if asked.is_empty() {
        for family in families(keys.coded()) {
            planner.family(&family);
        }
    } else {
        for rule in asked {
            let rule = keys.rule(rule)?;
            planner.try_rules(&[rule], planner.left_to_spend);
        }
    }
    planner.finish()
}

/// Rows of each side that are drawn to see how loose a rule is.
struct Sample {
    left: File,
    /// Nothing where the right rows are the left ones.
    right: Option<File>,
}

impl Sample {
    /// Nothing where the files are small.
    fn of(sides: Sides<'_>) -> Option<Self> {
        let (left, right) = (sides.left.rows.len(), sides.right.rows.len());
        if left.max(right) < SAMPLED_ROWS_MIN {
            return None;
        }
        // Drawn for each side by itself: files in one order would show their matches in a sample of places.
        let draw = |file: &File, side: u64| {
            let drawn = |row: &usize| mix((*row as u64) << 2 | side).is_multiple_of(SAMPLED_ONE_IN);
            let rows: Vec<usize> = (0..file.rows.len()).filter(drawn).collect();
            file.of_rows(&rows)
        };
        Some(Self {
            left: draw(sides.left, 1),
            right: (!sides.within).then(|| draw(sides.right, 2)),
        })
    }

    fn sides(&self) -> Sides<'_> {
        Sides {
            left: &self.left,
            right: self.right.as_ref().unwrap_or(&self.left),
            within: self.right.is_none(),
        }
    }
}

/// A rule that is taken: its keys that are too common.
struct Taken {
    rule: Vec<Part>,
    struck: Vec<u32>,
}

/// A rule whose pairs were counted.
struct Counted {
    blocks: Blocks,
    struck: Vec<u32>,
    pairs: u64,
}

struct Planner<'a> {
    keys: &'a Keys<'a>,
    sides: Sides<'a>,
    pairs_max: u64,
    left_to_spend: u64,
    smallest: Option<u64>,
    taken: Vec<Taken>,
    reports: Vec<BlockingReport>,
    /// Pairs of rules that were left out, as counted or estimated.
    known: Vec<(Vec<Part>, u64)>,
    sample: Option<Sample>,
    found: Option<Vec<Found>>,
    found_max: u64,
}

impl Planner<'_> {
    /// Takes the first variant that keeps a share of the budget which grows with the files.
    fn family(&mut self, family: &Family) {
        let rows = (self.sides.left.rows.len() + self.sides.right.rows.len()) as u64;
        let share = (family.share * rows as f64) as u64;
        let share = share.max(SMALL).min(self.left_to_spend);
        for variant in &family.variants {
            if self.try_rules(variant, share) {
                return;
            }
        }
    }

    /// Takes rules if together they keep the budget and find anything.
    fn try_rules(&mut self, rules: &[Vec<Part>], budget: u64) -> bool {
        if rules.len() + self.taken.len() > RULES_MAX || !self.may_keep(rules, budget) {
            return false;
        }
        let mut counted = Vec::new();
        let mut total = 0_u64;
        for rule in rules {
            let one = self.count(rule);
            total += one.pairs;
            if total > budget {
                self.leave_out(rule, one.pairs);
                return false;
            }
            counted.push(one);
        }
        let before = self.taken.len();
        for (rule, counted) in rules.iter().zip(counted) {
            if counted.blocks.are_empty() {
                // No record has the parts.
                continue;
            }
            self.take(rule, counted);
        }
        self.taken.len() > before
    }

    fn take(&mut self, rule: &[Part], counted: Counted) {
        self.left_to_spend -= counted.pairs.min(self.left_to_spend);
        let left_out = counted.struck.len() as u64;
        self.reports.push(BlockingReport {
            rule: self.name(rule),
            predicted_pairs: counted.pairs,
            new_pairs: 0,
            keys_left_out: left_out,
            recall: 0.0,
            used: true,
            reason: match left_out {
                0 => String::new(),
                keys => {
                    format!("{keys} keys above {BLOCK_PAIRS_MAX} pairs are left to narrower rules")
                }
            },
        });
        if let Some(found) = &mut self.found {
            if found.len() as u64 + counted.pairs <= self.found_max {
                found.reserve(counted.pairs as usize);
                let number = self.taken.len();
                counted
                    .blocks
                    .join(&counted.struck, self.sides.within, number, found);
            } else {
                self.found = None;
            }
        }
        self.taken.push(Taken {
            rule: rule.to_vec(),
            struck: counted.struck,
        });
    }

    /// False if rules are known, or seen in a sample, to be far over a budget: saves the count.
    fn may_keep(&mut self, rules: &[Vec<Part>], budget: u64) -> bool {
        // What a sample cannot tell apart is counted.
        let sampled_max = budget + budget / 4;
        let mut total = 0;
        for rule in rules {
            let known = self.known.iter().find(|(known, _)| known == rule);
            let (pairs, most) = match known {
                Some((_, pairs)) => (*pairs, budget),
                None => (self.estimate(rule), sampled_max),
            };
            total += pairs;
            if total > most {
                self.leave_out(rule, pairs);
                return false;
            }
        }
        true
    }

    fn leave_out(&mut self, rule: &[Part], pairs: u64) {
        if self.known.iter().any(|(known, _)| known == rule) {
            return;
        }
        self.known.push((rule.to_vec(), pairs));
        self.smallest = Some(self.smallest.map_or(pairs, |smallest| smallest.min(pairs)));
        self.reports.push(BlockingReport {
            rule: self.name(rule),
            predicted_pairs: pairs,
            new_pairs: 0,
            keys_left_out: 0,
            recall: 0.0,
            used: false,
            reason: "more pairs than its share of pairs_max; a narrower rule is tried".to_owned(),
        });
    }

    fn name(&self, rule: &[Part]) -> String {
        let names: Vec<String> = rule.iter().map(|part| self.keys.name(*part)).collect();
        names.join(" + ")
    }

    /// Pairs of a rule as a sample of both files shows them, 0 without one.
    fn estimate(&self, rule: &[Part]) -> u64 {
        let Some(sample) = &self.sample else {
            return 0;
        };
        let sides = sample.sides();
        let mut pairs = 0_u64;
        Blocks::of(self.keys, rule, sides, None)
            .each(|_, l, r| pairs += block_pairs(l.len(), r.len(), sides.within));
        pairs * SAMPLED_ONE_IN * SAMPLED_ONE_IN
    }

    fn count(&self, rule: &[Part]) -> Counted {
        let within = self.sides.within;
        let blocks = Blocks::of(self.keys, rule, self.sides, None);
        let (mut pairs, mut struck) = (0, Vec::new());
        blocks.each(|key, l, r| {
            let n = block_pairs(l.len(), r.len(), within);
            if n <= BLOCK_PAIRS_MAX {
                pairs += n;
            } else {
                struck.push(key);
            }
        });
        Counted {
            pairs: pairs.max(1),
            blocks,
            struck,
        }
    }

    fn finish(self) -> Result<(Plan, Option<Vec<Found>>), LinkError> {
        if self.taken.is_empty() {
            return Err(match self.smallest {
                Some(smallest) => LinkError::PairBudget {
                    pairs_max: self.pairs_max,
                    smallest,
                },
                None => LinkError::NothingToBlockOn,
            });
        }
        let mut reports = self.reports;
        // A rule may be left out with others and be taken later by itself.
        let used: Vec<String> = reports
            .iter()
            .filter(|report| report.used)
            .map(|report| report.rule.clone())
            .collect();
        reports.retain(|report| report.used || !used.contains(&report.rule));
        // Those used first, in the order of the rules.
        reports.sort_by_key(|report| !report.used);
        let (rules, struck) = self
            .taken
            .into_iter()
            .map(|taken| (taken.rule, taken.struck))
            .unzip();
        let plan = Plan {
            rules,
            reports,
            struck,
        };
        Ok((plan, self.found))
    }
}

/// The rows of both sides by their key under a rule, as key << 32 | row, in order; none without a key.
struct Blocks {
    left: Vec<u64>,
    /// Nothing where the right rows are the left ones.
    right: Option<Vec<u64>>,
}

/// Rows of the left side that are asked for; nothing for all.
pub(crate) type Slice<'a> = Option<&'a dyn Fn(usize) -> bool>;

impl Blocks {
    fn of(keys: &Keys<'_>, rule: &[Part], sides: Sides<'_>, slice: Slice<'_>) -> Self {
        let sorted = |file: &File, slice: Slice<'_>| {
            let mut words = keys.words(rule, file, slice);
            radix::sort_words(&mut words);
            words
        };
        Self {
            left: sorted(sides.left, slice),
            right: (!sides.within || slice.is_some()).then(|| sorted(sides.right, None)),
        }
    }

    fn are_empty(&self) -> bool {
        self.left.is_empty() || self.right.as_ref().is_some_and(Vec::is_empty)
    }

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

    /// Adds the pairs of all blocks but those struck.
    fn join(&self, struck: &[u32], within: bool, rule: usize, found: &mut Vec<Found>) {
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

pub(crate) fn block_pairs(left: usize, right: usize, within: bool) -> u64 {
    if within {
        (left as u64) * (left as u64 - 1) / 2
    } else {
        left as u64 * right as u64
    }
}

impl Plan {
    /// Pairs that the rules may find together, repeats counted.
    pub(crate) fn predicted(&self) -> u64 {
        self.reports
            .iter()
            .filter(|r| r.used)
            .map(|r| r.predicted_pairs)
            .sum()
    }

    /// What each rule finds of some left rows.
    pub(crate) fn find(&self, keys: &Keys<'_>, sides: Sides<'_>, slice: Slice<'_>) -> Vec<Found> {
        let mut found = Vec::new();
        for (number, (rule, struck)) in self.rules.iter().zip(&self.struck).enumerate() {
            let blocks = Blocks::of(keys, rule, sides, slice);
            blocks.join(struck, sides.within, number, &mut found);
        }
        found
    }
}

#[cfg(test)]
mod tests;
