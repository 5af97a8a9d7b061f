//! Candidates by the model's blocking rules, each pair's weight, and who is joined.

#![allow(
    clippy::indexing_slicing,
    reason = "files, columns, levels and codes are those that the tables were made of"
)]

use std::collections::BTreeMap;

use super::expr::{Datum, Expr, Records, Side};
use super::tables::{Run, Two};
use super::{Comparison, Rule, outcome};
use crate::error::LinkError;
use crate::intake::Resources;
use crate::observer::{Observer, Stage};
use crate::outcome::{Join, JoinStep, Linkage};
use crate::random::mix;
use crate::spec::{LinkType, Spec};
use crate::text::hash_bytes;
use crate::told::{self, Judged};

/// By rule: pairs counted before joining, and pairs that no earlier rule had found.
type Counts = Vec<(u64, u64)>;

/// What was found of one pair of files.
pub(super) struct Found {
    pub(super) files: (usize, usize),
    pub(super) rules: Counts,
    pub(super) pairs: u64,
    /// By comparison and level, candidate pairs.
    pub(super) levels: Vec<Vec<u64>>,
    /// By weight rounded down: pairs and the sum of their probabilities.
    pub(super) weights: BTreeMap<i32, (u64, f64)>,
    pub(super) matches: f64,
}

impl Run {
    /// Links what was taken in.
    ///
    /// # Errors
    /// A budget that the rules pass, too little memory, or cancelled.
    pub(crate) fn link(
        self,
        spec: &Spec,
        decisions: &[Judged],
        resources: Resources,
        observer: &mut dyn Observer,
    ) -> Result<Linkage, LinkError> {
        let of_files: Vec<(usize, usize)> = match spec.link_type {
            LinkType::Dedupe => vec![(0, 0)],
            LinkType::Link => (0..self.files.len())
                .flat_map(|a| (a + 1..self.files.len()).map(move |b| (a, b)))
                .collect(),
        };
        observer.stage(Stage::Prepare);
        let frequencies = self.frequencies();
        let (mut all, mut joins) = (Vec::new(), Vec::new());
        for files in of_files {
            let search = Search { run: &self, files };
            let (candidates, rules) = search.candidates(spec, resources, observer)?;
            observer.stage(Stage::Score);
            let scorer = Scorer {
                search: &search,
                frequencies: &frequencies,
            };
            all.push(scorer.score(&candidates, rules, spec, &mut joins));
        }
        let one = outcome::hold_one(spec);
        told::decide(decisions, &one, &mut joins);
        joins.sort_unstable_by_key(|j| (j.file_l, j.row_l, j.file_r, j.row_r));
        observer.stage(Stage::Cluster);
        Ok(outcome::linkage(spec, &self, &all, &one, joins))
    }

    /// By column with an adjustment, the frequency of each code among all records of all files together.
    fn frequencies(&self) -> Vec<Vec<f64>> {
        let wanted = |column: usize| {
            let levels = self.model.comparisons.iter().flat_map(|c| &c.levels);
            levels
                .filter_map(|level| level.frequency)
                .any(|f| f.column == column)
        };
        (0..self.model.columns().len())
            .map(|column| {
                if !wanted(column) {
                    return Vec::new();
                }
                if let Some(outside) = &self.outside[column] {
                    let total = outside.values().sum::<f64>().max(1.0);
                    let share = |code: u32| {
                        outside
                            .get(self.texts.get(code))
                            .map_or(0.0, |count| count / total)
                    };
                    return (0..self.texts.len() as u32).map(share).collect();
                }
                let mut counts = vec![0.0; self.texts.len()];
                for code in self.files.iter().flat_map(|file| &file.columns[column]) {
                    counts[*code as usize] += 1.0;
                }
                counts[0] = 0.0;
                let total: f64 = counts.iter().sum::<f64>().max(1.0);
                counts.iter().map(|count| count / total).collect()
            })
            .collect()
    }
}

struct Search<'a> {
    run: &'a Run,
    files: (usize, usize),
}

impl Search<'_> {
    const fn within(&self) -> bool {
        self.files.0 == self.files.1
    }

    /// One record, for the expressions that read one alone.
    fn one(&self, file: usize, row: usize) -> Two<'_> {
        Two {
            run: self.run,
            left: (file, row),
            right: (file, row),
        }
    }

    /// Key and row of each record that has all parts of a rule's key, by key.
    fn keys(&self, rule: &Rule, side: Side) -> Vec<(u64, u32)> {
        let file = match side {
            Side::Left => self.files.0,
            Side::Right => self.files.1,
        };
        let mut keys = Vec::new();
        for row in 0..self.run.files[file].rows {
            let record = self.one(file, row);
            let mut hash = 0x9e37_79b9_7f4a_7c15_u64;
            let whole = rule.keys.iter().all(|(left, right)| {
                let of: &Expr = match side {
                    Side::Left => left,
                    Side::Right => right,
                };
                let part = match of.value(&record) {
                    Datum::Text(text) => hash_bytes(&text),
                    Datum::Number(number) => number.to_bits(),
                    Datum::Bool(truth) => u64::from(truth),
                    Datum::Null => return false,
                };
                hash = mix(hash ^ part);
                true
            });
            if whole {
                keys.push((hash, row as u32));
            }
        }
        keys.sort_unstable();
        keys
    }

    /// Each candidate once, as left row << 32 | right row; and by rule how many it may find and found first.
    fn candidates(
        &self,
        spec: &Spec,
        resources: Resources,
        observer: &mut dyn Observer,
    ) -> Result<(Vec<u64>, Counts), LinkError> {
        observer.stage(Stage::Plan);
        let rules = &self.run.model.rules;
        let keys: Vec<_> = rules
            .iter()
            .map(|rule| (self.keys(rule, Side::Left), self.keys(rule, Side::Right)))
            .collect();
        let mut counts = Vec::new();
        for (left, right) in &keys {
            let mut pairs = 0_u64;
            blocks(left, right, |l, r| pairs += (l.len() * r.len()) as u64);
            counts.push(if self.within() { pairs / 2 } else { pairs });
        }
        let predicted: u64 = counts.iter().sum();
        let pairs_max = spec.settings.pairs_max;
        if predicted > pairs_max {
            return Err(LinkError::Splink {
                text: format!(
                    "the blocking rules may find {predicted} pairs, above the limit pairs_max of {pairs_max}"
                ),
            });
        }
        // Pairs with their rule while they are sorted, and the joins.
        let needed = self.run.held() as u64 + predicted * 48;
        if needed > resources.memory_bytes {
            return Err(LinkError::Memory {
                needed,
                allowed: resources.memory_bytes,
            });
        }
        observer.stage(Stage::Compare);
        let mut found: Vec<(u64, u8)> = Vec::new();
        for (at, (rule, (left, right))) in rules.iter().zip(&keys).enumerate() {
            if observer.cancelled() {
                return Err(LinkError::Cancelled);
            }
            blocks(left, right, |l, r| {
                for (_, a) in l {
                    for (_, b) in r {
                        if (!self.within() || a < b) && self.besides(rule, *a, *b) {
                            found.push((u64::from(*a) << 32 | u64::from(*b), at as u8));
                        }
                    }
                }
            });
        }
        found.sort_unstable();
        found.dedup_by_key(|(pair, _)| *pair);
        let mut new = vec![0; rules.len()];
        for (_, rule) in &found {
            new[usize::from(*rule)] += 1;
        }
        let pairs = found.into_iter().map(|(pair, _)| pair).collect();
        Ok((pairs, counts.into_iter().zip(new).collect()))
    }

    fn besides(&self, rule: &Rule, left: u32, right: u32) -> bool {
        let Some(besides) = &rule.besides else {
            return true;
        };
        besides.holds(&self.two(left, right))
    }

    fn two(&self, left: u32, right: u32) -> Two<'_> {
        Two {
            run: self.run,
            left: (self.files.0, left as usize),
            right: (self.files.1, right as usize),
        }
    }
}

/// Calls for each key that both sorted lists have.
fn blocks(
    left: &[(u64, u32)],
    right: &[(u64, u32)],
    mut block: impl FnMut(&[(u64, u32)], &[(u64, u32)]),
) {
    let same = |a: &(u64, u32), b: &(u64, u32)| a.0 == b.0;
    let mut others = right.chunk_by(same).peekable();
    for chunk in left.chunk_by(same) {
        let key = chunk[0].0;
        while others.next_if(|other| other[0].0 < key).is_some() {}
        if let Some(other) = others.peek()
            && other[0].0 == key
        {
            block(chunk, other);
        }
    }
}

struct Scorer<'a> {
    search: &'a Search<'a>,
    frequencies: &'a [Vec<f64>],
}

impl Scorer<'_> {
    fn score(
        &self,
        candidates: &[u64],
        rules: Counts,
        spec: &Spec,
        joins: &mut Vec<Join>,
    ) -> Found {
        let model = &self.search.run.model;
        let prior = (model.prior / (1.0 - model.prior)).log2();
        let mut found = Found {
            files: self.search.files,
            rules,
            pairs: candidates.len() as u64,
            levels: model
                .comparisons
                .iter()
                .map(|c| vec![0; c.levels.len()])
                .collect(),
            weights: BTreeMap::new(),
            matches: 0.0,
        };
        let mut known: Vec<Known> = model.comparisons.iter().map(Known::of).collect();
        for pair in candidates {
            let (left, right) = ((pair >> 32) as u32, *pair as u32);
            let two = self.search.two(left, right);
            let mut weight = prior;
            for (at, comparison) in model.comparisons.iter().enumerate() {
                let level = known[at].level(comparison, &two);
                found.levels[at][level] += 1;
                weight += self.weight(comparison, level, &two);
            }
            let probability = 1.0 / (1.0 + (-weight).exp2());
            let bar = found
                .weights
                .entry(weight.floor().clamp(-60.0, 60.0) as i32)
                .or_default();
            bar.0 += 1;
            bar.1 += probability;
            found.matches += probability;
            if probability >= spec.settings.keep_probability {
                joins.push(Join {
                    file_l: self.search.files.0 as u16,
                    row_l: left,
                    file_r: self.search.files.1 as u16,
                    row_r: right,
                    match_weight: weight,
                    match_probability: probability,
                    step: JoinStep::Probabilistic,
                });
            }
        }
        found
    }

    /// Bits of a level, its term frequency included.
    fn weight(&self, comparison: &Comparison, level: usize, two: &Two<'_>) -> f64 {
        let level = &comparison.levels[level];
        let weight = level.shares.map_or(0.0, super::Shares::weight);
        let Some(frequency) = level.frequency else {
            return weight;
        };
        let of = |side: Side| match two.code(frequency.column, side) {
            0 => None,
            code => Some(self.frequencies[frequency.column][code as usize]).filter(|f| *f > 0.0),
        };
        let (left, right) = (of(Side::Left), of(Side::Right));
        let Some(either) = left.or(right) else {
            return weight;
        };
        let common = either
            .max(right.or(left).unwrap_or(either))
            .max(frequency.least);
        weight + frequency.weight * (frequency.u_exact.log2() - common.log2())
    }
}

/// Levels of a comparison by two codes, where it reads one column alone: one slot a hash, the newer takes it.
struct Known {
    column: Option<usize>,
    slots: Vec<(u64, u8)>,
}

const KNOWN_BITS: u32 = 15;

impl Known {
    fn of(comparison: &Comparison) -> Self {
        Self {
            column: comparison.alone,
            slots: vec![(0, 0); 1 << KNOWN_BITS],
        }
    }

    fn level(&mut self, comparison: &Comparison, two: &Two<'_>) -> usize {
        let Some(column) = self.column else {
            return level(comparison, two);
        };

        let codes = u64::from(two.code(column, Side::Left)) << 32
            | u64::from(two.code(column, Side::Right));
        if codes == 0 {
            return level(comparison, two);
        }
        let slot = &mut self.slots[(mix(codes) >> (64 - KNOWN_BITS)) as usize];
        if slot.0 != codes {
            *slot = (codes, level(comparison, two) as u8);
        }
        usize::from(slot.1)
    }
}

/// The first level whose condition is true. The last has none.
fn level(comparison: &Comparison, records: &dyn Records) -> usize {
    comparison
        .levels
        .iter()
        .position(|level| {
            level
                .condition
                .as_ref()
                .is_none_or(|condition| condition.holds(records))
        })
        .unwrap_or(comparison.levels.len() - 1)
}
