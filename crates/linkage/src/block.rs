//! Blocking with a budget: what each rule would find is counted before anything is joined.
//!
//! The engine's own rules come in families, each from a loose variant to narrow ones; of each, the loosest that
//! keeps its share of the budget is taken, so that small files are searched more widely than large ones.

#![allow(
    clippy::indexing_slicing,
    reason = "rows and rules are those that the tables were made of"
)]

use crate::coded::{Coded, File};
use crate::error::LinkError;
use crate::keys::{Keys, Part};
use crate::outcome::BlockingReport;
use crate::radix;
use crate::spec::BlockingRule;

use families::{Family, SMALL, families};

mod families;

/// Two files, or one with itself.
#[derive(Clone, Copy)]
pub(crate) struct Sides<'a> {
    pub(crate) left: &'a File,
    pub(crate) right: &'a File,
    /// True: one file, and pairs are of a row and a later row.
    pub(crate) within: bool,
}

/// The rules taken, with each record's key under each.
pub(crate) struct Plan {
    pub(crate) rules: Vec<Vec<Part>>,
    pub(crate) reports: Vec<BlockingReport>,
    /// Row after row, one key a rule; 0 where the record has none.
    left: Vec<u32>,
    right: Vec<u32>,
    within: bool,
}

/// Rules in one linkage.
const RULES_MAX: usize = 24;

/// A block of more pairs than this is too common a key.
const BLOCK_PAIRS_MAX: u64 = 250_000;

/// Chooses rules and counts their pairs.
pub(crate) fn plan(
    coded: &Coded,
    sides: Sides<'_>,
    asked: &[BlockingRule],
    pairs_max: u64,
) -> Result<Plan, LinkError> {
    let keys = Keys::new(coded);
    let mut planner = Planner {
        keys: &keys,
        sides,
        pairs_max,
        left_to_spend: pairs_max,
        smallest: None,
        taken: Vec::new(),
        reports: Vec::new(),
    };
    if asked.is_empty() {
        for family in families(coded) {
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

struct Taken {
    rule: Vec<Part>,
    left: Vec<u32>,
    right: Vec<u32>,
}

struct Planner<'a> {
    keys: &'a Keys<'a>,
    sides: Sides<'a>,
    pairs_max: u64,
    left_to_spend: u64,
    smallest: Option<u64>,
    taken: Vec<Taken>,
    reports: Vec<BlockingReport>,
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

    /// Takes rules if together they keep the budget.
    fn try_rules(&mut self, rules: &[Vec<Part>], budget: u64) -> bool {
        if rules.len() + self.taken.len() > RULES_MAX {
            return false;
        }
        let mut found = Vec::new();
        let mut total = 0_u64;
        for rule in rules {
            let sampled = self.sampled_pairs(rule);
            if sampled > 4 * budget {
                self.leave_out(rule, sampled);
                return false;
            }
            let mut counted = self.count(rule);
            total += counted.pairs;
            if total > budget {
                self.leave_out(rule, counted.pairs);
                return false;
            }
            counted.pairs = counted.pairs.max(1);
            found.push(counted);
        }
        for (rule, counted) in rules.iter().zip(found) {
            let none = |keys: &[u32]| keys.iter().all(|key| *key == 0);
            let right = if self.sides.within {
                &counted.taken.left
            } else {
                &counted.taken.right
            };
            if none(&counted.taken.left) || none(right) {
                // No record has the parts.
                continue;
            }
            self.left_to_spend -= counted.pairs.min(self.left_to_spend);
            self.reports.push(BlockingReport {
                rule: self.name(rule),
                predicted_pairs: counted.pairs,
                new_pairs: 0,
                keys_left_out: counted.left_out,
                recall: 0.0,
                used: true,
                reason: match counted.left_out {
                    0 => String::new(),
                    keys => format!(
                        "{keys} keys above {BLOCK_PAIRS_MAX} pairs are left to narrower rules"
                    ),
                },
            });
            self.taken.push(counted.taken);
        }
        true
    }

    fn leave_out(&mut self, rule: &[Part], pairs: u64) {
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

    fn column(&self, rule: &[Part], file: &File) -> Vec<u32> {
        (0..file.rows.len())
            .map(|row| self.keys.key(rule, file, row))
            .collect()
    }

    /// An estimate from one key in sixteen, where the files are large; only to save the count of a rule
    /// that is far too loose.
    fn sampled_pairs(&self, rule: &[Part]) -> u64 {
        let rows = self.sides.left.rows.len().max(self.sides.right.rows.len());
        if rows < 200_000 {
            return 0;
        }
        let sample = |file: &File| {
            let mut keys: Vec<u64> = (0..file.rows.len())
                .map(|row| self.keys.key(rule, file, row))
                .filter(|key| *key & 15 == 1)
                .map(u64::from)
                .collect();
            keys.sort_unstable();
            keys
        };
        let left = sample(self.sides.left);
        let right = if self.sides.within {
            left.clone()
        } else {
            sample(self.sides.right)
        };
        let mut pairs = 0_u64;
        merge(
            &left,
            &right,
            |key| *key,
            |l, r| {
                pairs += (l.len() * r.len()) as u64;
            },
        );
        pairs * 16 / if self.sides.within { 2 } else { 1 }
    }

    fn count(&self, rule: &[Part]) -> Counted {
        let mut left = self.column(rule, self.sides.left);
        let mut right = if self.sides.within {
            Vec::new()
        } else {
            self.column(rule, self.sides.right)
        };
        let l = sorted_column(&left);
        let r = if self.sides.within {
            l.clone()
        } else {
            sorted_column(&right)
        };
        let (mut pairs, mut left_out) = (0, 0);
        let key = |word: &u64| word >> 32;
        merge(&l, &r, key, |l, r| {
            let n = block_pairs(l.len(), r.len(), self.sides.within);
            if n <= BLOCK_PAIRS_MAX {
                pairs += n;
                return;
            }
            left_out += 1;
            for word in l {
                left[*word as u32 as usize] = 0;
            }
            if !self.sides.within {
                for word in r {
                    right[*word as u32 as usize] = 0;
                }
            }
        });
        Counted {
            pairs,
            left_out,
            taken: Taken {
                rule: rule.to_vec(),
                left,
                right,
            },
        }
    }

    fn finish(self) -> Result<Plan, LinkError> {
        if self.taken.is_empty() {
            return Err(match self.smallest {
                Some(smallest) => LinkError::PairBudget {
                    pairs_max: self.pairs_max,
                    smallest,
                },
                None => LinkError::NothingToBlockOn,
            });
        }
        let rows = |file: &File, of: fn(&Taken) -> &Vec<u32>| {
            let mut table = Vec::with_capacity(file.rows.len() * self.taken.len());
            for row in 0..file.rows.len() {
                table.extend(self.taken.iter().map(|taken| of(taken)[row]));
            }
            table
        };
        let left = rows(self.sides.left, |taken| &taken.left);
        let right = if self.sides.within {
            Vec::new()
        } else {
            rows(self.sides.right, |taken| &taken.right)
        };
        let mut reports = self.reports;
        // Those used first, in the order of the rules.
        reports.sort_by_key(|report| !report.used);
        Ok(Plan {
            rules: self.taken.into_iter().map(|taken| taken.rule).collect(),
            reports,
            left,
            right,
            within: self.sides.within,
        })
    }
}

struct Counted {
    pairs: u64,
    left_out: u64,
    taken: Taken,
}

fn block_pairs(left: usize, right: usize, within: bool) -> u64 {
    if within {
        (left as u64) * (left as u64 - 1) / 2
    } else {
        left as u64 * right as u64
    }
}

fn sorted_column(keys: &[u32]) -> Vec<u64> {
    let mut words: Vec<u64> = keys
        .iter()
        .enumerate()
        .filter(|(_, key)| **key != 0)
        .map(|(row, key)| u64::from(*key) << 32 | row as u64)
        .collect();
    radix::sort(&mut words, 32, 64);
    words
}

/// Calls for each key that both sorted lists have, with its entries in each.
fn merge<T>(left: &[T], right: &[T], key: impl Fn(&T) -> u64, mut block: impl FnMut(&[T], &[T])) {
    let (mut i, mut j) = (0, 0);
    let run = |list: &[T], from: usize| {
        let wanted = key(&list[from]);
        let mut to = from + 1;
        while to < list.len() && key(&list[to]) == wanted {
            to += 1;
        }
        to
    };
    while i < left.len() && j < right.len() {
        let (a, b) = (key(&left[i]), key(&right[j]));
        if a < b {
            i += 1;
        } else if b < a {
            j += 1;
        } else {
            let (to_i, to_j) = (run(left, i), run(right, j));
            block(&left[i..to_i], &right[j..to_j]);
            (i, j) = (to_i, to_j);
        }
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

    /// Bytes of the keys.
    pub(crate) const fn held(&self) -> usize {
        4 * (self.left.capacity() + self.right.capacity())
    }

    /// The candidates of the left rows that `wanted` names, each once, as left row << 32 | right row, by left
    /// row; and how many each rule was the first to find.
    pub(crate) fn candidates(&self, wanted: &dyn Fn(usize) -> bool) -> (Vec<u64>, Vec<u64>) {
        let width = self.rules.len();
        let right = if self.within { &self.left } else { &self.right };
        let mut pairs = Vec::new();
        let mut new = Vec::new();
        for rule in 0..width {
            let before = pairs.len();
            let l = column_of(&self.left, width, rule, wanted);
            let r = column_of(right, width, rule, &|_| true);
            merge(
                &l,
                &r,
                |word| word >> 32,
                |l, r| {
                    for a in l {
                        let a = *a as u32;
                        let own = &self.left[a as usize * width..][..rule];
                        for b in r {
                            let b = *b as u32;
                            if self.within && b <= a {
                                continue;
                            }
                            let others = &right[b as usize * width..][..rule];
                            let earlier = own.iter().zip(others).any(|(x, y)| x == y && *x != 0);
                            if !earlier {
                                pairs.push(u64::from(a) << 32 | u64::from(b));
                            }
                        }
                    }
                },
            );
            new.push((pairs.len() - before) as u64);
        }
        let rows = self.left.len() / width.max(1);
        radix::sort(&mut pairs, 32, 32 + radix::bits(rows));
        (pairs, new)
    }

    /// The rules that find a pair, as bits.
    pub(crate) fn found_by(&self, l: usize, r: usize) -> u32 {
        let width = self.rules.len();
        let right = if self.within { &self.left } else { &self.right };
        let mut bits = 0;
        for rule in 0..width {
            let key = self.left[l * width + rule];
            bits |= u32::from(key != 0 && key == right[r * width + rule]) << rule;
        }
        bits
    }
}

fn column_of(table: &[u32], width: usize, rule: usize, wanted: &dyn Fn(usize) -> bool) -> Vec<u64> {
    let mut words: Vec<u64> = table
        .iter()
        .skip(rule)
        .step_by(width)
        .enumerate()
        .filter(|(row, key)| **key != 0 && wanted(*row))
        .map(|(row, key)| u64::from(*key) << 32 | row as u64)
        .collect();
    radix::sort(&mut words, 32, 64);
    words
}

#[cfg(test)]
mod tests;
