//! Blocking with a budget: what each rule would find is counted before anything is joined.
//!
//! The engine's own rules come in families, each from a loose variant to narrow ones; of each, the loosest that
//! keeps its share of the budget is taken, so that small files are searched more widely than large ones.

#![allow(
    clippy::indexing_slicing,
    reason = "rows and rules are those that the tables were made of"
)]

use std::num::NonZeroUsize;

use crate::coded::File;
use crate::error::LinkError;
use crate::keys::{Keys, Part, Wanted};
use crate::outcome::BlockingReport;
use crate::random::mix;
use crate::spec::BlockingRule;

use blocks::Blocks;
use families::{Family, SMALL, families};
pub(crate) use found::{Candidates, Found, ROWS_MAX};
pub(crate) use merge::merge;

mod blocks;
mod families;
mod found;
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

/// What the search for pairs may take.
#[derive(Clone, Copy)]
pub(crate) struct Limits {
    /// Pairs of all rules, repeats counted.
    pub(crate) pairs_max: u64,
    /// Pairs that may be held, repeats counted.
    pub(crate) found_max: u64,
    pub(crate) threads: NonZeroUsize,
}

/// Chooses rules and counts their pairs. While these may be held they are found on the way, as [`Plan::find`] would.
pub(crate) fn plan(
    keys: &Keys<'_>,
    sides: Sides<'_>,
    asked: &[BlockingRule],
    limits: Limits,
) -> Result<(Plan, Option<Candidates>), LinkError> {
    let mut planner = Planner {
        keys,
        sides,
        limits,
        left_to_spend: limits.pairs_max,
        smallest: None,
        taken: Vec::new(),
        reports: Vec::new(),
        known: Vec::new(),
        sample: Sample::of(sides),
        found: Some(Candidates::new(sides.left.rows.len())),
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
    limits: Limits,
    left_to_spend: u64,
    smallest: Option<u64>,
    taken: Vec<Taken>,
    reports: Vec<BlockingReport>,
    /// Pairs of rules that were left out, as counted or estimated.
    known: Vec<(Vec<Part>, u64)>,
    sample: Option<Sample>,
    found: Option<Candidates>,
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
            if found.len() + counted.pairs <= self.limits.found_max {
                found.expect(counted.pairs);
                let (blocks, struck) = (&counted.blocks, &counted.struck);
                let rule = (self.sides.within, self.taken.len());
                blocks.join(struck, rule, self.limits.threads, found);
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
        let threads = self.limits.threads;
        let blocks = Blocks::of(self.keys, rule, sides, None, threads);
        blocks.pairs(sides.within, threads) * SAMPLED_ONE_IN * SAMPLED_ONE_IN
    }

    fn count(&self, rule: &[Part]) -> Counted {
        let threads = self.limits.threads;
        let blocks = Blocks::of(self.keys, rule, self.sides, None, threads);
        let (pairs, struck) = blocks.count(self.sides.within, threads);
        Counted {
            pairs: pairs.max(1),
            blocks,
            struck,
        }
    }

    fn finish(self) -> Result<(Plan, Option<Candidates>), LinkError> {
        if self.taken.is_empty() {
            return Err(match self.smallest {
                Some(smallest) => LinkError::PairBudget {
                    pairs_max: self.limits.pairs_max,
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

    /// What each rule finds of the left rows that are asked for.
    pub(crate) fn find(
        &self,
        keys: &Keys<'_>,
        sides: Sides<'_>,
        wanted: Wanted<'_>,
        threads: NonZeroUsize,
    ) -> Candidates {
        let mut found = Candidates::new(sides.left.rows.len());
        for (number, (rule, struck)) in self.rules.iter().zip(&self.struck).enumerate() {
            let blocks = Blocks::of(keys, rule, sides, wanted, threads);
            blocks.join(struck, (sides.within, number), threads, &mut found);
        }
        found
    }
}

#[cfg(test)]
mod tests;
