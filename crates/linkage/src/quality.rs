//! Quality without labels: what joins are worth by their own probabilities, and for whom.
//!
//! False joins are the sum of 1 - p over the joins; missed ones the sum of p over pairs that were not joined, and
//! the matches that no blocking rule found. Both stand and fall with the calibration of p, which runs on files
//! with a truth measure.

#![allow(
    clippy::indexing_slicing,
    reason = "rows are those that the tables were made for"
)]

use crate::coded::{Coded, Row};
use crate::engine::Fitted;
use crate::outcome::{GroupRate, Impossible, Join, PairReport, ThresholdEstimate};
use crate::settings::Settings;
use crate::spec::Spec;
use crate::standardise::area;
use crate::steps::probability;

/// By row of one file.
pub(crate) struct Sums {
    /// In a join at or above the threshold.
    pub(crate) linked: Vec<bool>,
    /// Sum of 1 - p of those joins.
    false_joins: Vec<f32>,
    /// Sum of p over all candidates.
    all: Vec<f32>,
}

impl Sums {
    /// Records that match somebody at the threshold, but nobody in particular.
    pub(crate) fn ambiguous(&self, threshold: f64) -> u64 {
        let both = self.linked.iter().zip(&self.all);
        both.filter(|(linked, all)| !**linked && f64::from(**all) >= threshold)
            .count() as u64
    }
}

pub(crate) fn sums(coded: &Coded, fitted: &[Fitted], joins: &[Join], threshold: f64) -> Vec<Sums> {
    let mut sums: Vec<Sums> = coded
        .files
        .iter()
        .map(|file| Sums {
            linked: vec![false; file.rows.len()],
            false_joins: vec![0.0; file.rows.len()],
            all: vec![0.0; file.rows.len()],
        })
        .collect();
    for fitted in fitted {
        let (l, r) = fitted.files;
        for (edge, odds) in fitted.edges.iter().zip(&fitted.odds) {
            let p = probability(*odds) as f32;
            sums[l].all[edge.left as usize] += p;
            sums[r].all[edge.right as usize] += p;
        }
    }
    for join in joins.iter().filter(|j| j.match_probability >= threshold) {
        let false_part = (1.0 - join.match_probability) as f32;
        for (file, row) in [(join.file_l, join.row_l), (join.file_r, join.row_r)] {
            let of = &mut sums[usize::from(file)];
            of.linked[row as usize] = true;
            of.false_joins[row as usize] += false_part;
        }
    }
    sums
}

/// Estimates at the usual thresholds and the one in force.
pub(crate) fn thresholds(
    settings: &Settings,
    joins: &[Join],
    pairs: &[PairReport],
) -> Vec<ThresholdEstimate> {
    let matches: f64 = pairs
        .iter()
        .map(|pair| pair.matches / pair.candidate_recall.max(1e-9))
        .sum();
    let mut at: Vec<f64> = [0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.999]
        .into_iter()
        .chain([settings.threshold_probability, settings.keep_probability])
        .filter(|threshold| *threshold >= settings.keep_probability)
        .collect();
    at.sort_by(f64::total_cmp);
    at.dedup();
    // By the number of thresholds that a join reaches: how many there are, and of these the right ones.
    let mut reaching = vec![(0_u64, 0.0); at.len() + 1];
    for join in joins {
        let reached = at.partition_point(|threshold| *threshold <= join.match_probability);
        reaching[reached].0 += 1;
        reaching[reached].1 += join.match_probability;
    }
    at.iter()
        .enumerate()
        .map(|(place, threshold)| {
            let (count, right) = reaching[place + 1..]
                .iter()
                .fold((0, 0.0), |(count, right), one| {
                    (count + one.0, right + one.1)
                });
            ThresholdEstimate {
                threshold: *threshold,
                joins: count,
                false_joins: count as f64 - right,
                missed: (matches - right).max(0.0),
                precision: if count == 0 {
                    1.0
                } else {
                    right / count as f64
                },
                recall: if matches > 0.0 {
                    (right / matches).min(1.0)
                } else {
                    1.0
                },
            }
        })
        .collect()
}

/// Groups under this many records are put together, so that a report tells of no few people.
const GROUP_MIN: u64 = 10;

#[derive(Clone, Copy, Default)]
struct Rate {
    records: u64,
    linked: u64,
    false_joins: f64,
    missed: f64,
}

/// Ways to group records: the name, the number of groups, the group of a row, the name of a group.
struct Grouping {
    by: &'static str,
    groups: usize,
    of: fn(&Row) -> usize,
    named: fn(usize) -> String,
}

const GROUPINGS: [Grouping; 4] = [
    Grouping {
        by: "sex",
        groups: 3,
        of: |row| usize::from(row.sex).min(2),
        named: |group| ["unknown", "male", "female"][group].to_owned(),
    },
    Grouping {
        by: "birth_decade",
        groups: 32,
        of: |row| match row.born / 100_000 {
            decade @ 180..=209 => decade as usize - 179,
            _ => 0,
        },
        named: |group| match group {
            0 => "unknown".to_owned(),
            _ => format!("{}0s", group + 179),
        },
    },
    Grouping {
        by: "postcode_area",
        groups: 27 * 27,
        of: |row| {
            let letters = area(row.postcode);
            usize::from(letters[0]) * 27 + usize::from(letters[1])
        },
        named: |group| {
            let letters: String = [group / 27, group % 27]
                .into_iter()
                .filter(|letter| *letter > 0)
                .map(|letter| char::from(letter as u8 - 1 + b'A'))
                .collect();
            if letters.is_empty() {
                "unknown".to_owned()
            } else {
                letters
            }
        },
    },
    Grouping {
        by: "missing_values",
        groups: 7,
        of: |row| {
            [
                row.fore[0] == 0,
                row.sur[0] == 0,
                row.born == 0,
                row.sex == 0,
                row.postcode == 0,
                row.street == 0,
            ]
            .into_iter()
            .filter(|missing| *missing)
            .count()
        },
        named: |group| group.to_string(),
    },
];

/// Rates by group, in the order of the files and groupings.
pub(crate) fn groups(spec: &Spec, coded: &Coded, sums: &[Sums]) -> Vec<GroupRate> {
    let mut rates = Vec::new();
    for ((file, spec), sums) in coded.files.iter().zip(&spec.files).zip(sums) {
        for grouping in &GROUPINGS {
            let mut by = vec![Rate::default(); grouping.groups];
            for (row, record) in file.rows.iter().enumerate() {
                let rate = &mut by[(grouping.of)(record)];
                rate.records += 1;
                if sums.linked[row] {
                    rate.linked += 1;
                    rate.false_joins += f64::from(sums.false_joins[row]);
                } else {
                    rate.missed += f64::from(sums.all[row].min(1.0));
                }
            }
            rates.extend(named(grouping, &spec.name, &by));
        }
    }
    rates
}

fn named(grouping: &Grouping, file: &str, by: &[Rate]) -> Vec<GroupRate> {
    let mut rates = Vec::new();
    let mut other = Rate::default();
    let rate = |value: String, rate: Rate| GroupRate {
        by: grouping.by.to_owned(),
        file: file.to_owned(),
        value,
        records: rate.records,
        linked: rate.linked,
        false_joins: rate.false_joins,
        missed: rate.missed,
    };
    for (group, found) in by.iter().enumerate() {
        if found.records >= GROUP_MIN {
            rates.push(rate((grouping.named)(group), *found));
        } else {
            other.records += found.records;
            other.linked += found.linked;
            other.false_joins += found.false_joins;
            other.missed += found.missed;
        }
    }
    if other.records > 0 {
        rates.push(rate("other".to_owned(), other));
    }
    rates
}

/// True if two rows contradict each other.
type Check = fn(&Row, &Row) -> bool;

/// Joins that contradict themselves.
pub(crate) fn impossible(coded: &Coded, joins: &[Join], threshold: f64) -> Vec<Impossible> {
    let checks: [(&str, Check); 3] = [
        ("the sexes differ", |a, b| {
            a.sex != 0 && b.sex != 0 && a.sex != b.sex
        }),
        ("the birth dates are more than ten years apart", |a, b| {
            a.born != 0 && b.born != 0 && a.born.abs_diff(b.born) > 100_000
        }),
        (
            "both have a CHI number, and birth part and serial differ",
            |a, b| {
                a.chi != 0
                    && b.chi != 0
                    && a.chi / 10_000 != b.chi / 10_000
                    && a.chi % 10_000 != b.chi % 10_000
            },
        ),
    ];
    let mut found = [0; 3];
    for join in joins.iter().filter(|j| j.match_probability >= threshold) {
        let l = &coded.files[usize::from(join.file_l)].rows[join.row_l as usize];
        let r = &coded.files[usize::from(join.file_r)].rows[join.row_r as usize];
        for (found, (_, check)) in found.iter_mut().zip(&checks) {
            *found += u64::from(check(l, r));
        }
    }
    checks
        .iter()
        .zip(found)
        .map(|((what, _), joins)| Impossible {
            what: (*what).to_owned(),
            joins,
        })
        .collect()
}
