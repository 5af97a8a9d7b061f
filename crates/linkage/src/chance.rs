//! What chance looks like: level shares among random pairs, counted exactly where values need only be equal.

#![allow(
    clippy::indexing_slicing,
    reason = "rows are drawn under the number of rows; levels fit their tables"
)]

use std::num::NonZeroUsize;

use crate::block::Sides;
use crate::coded::{Coded, File, Row};
use crate::kinds::{Shares, prior_u};
use crate::levels::{Comparer, Comparison, LEVELS_MAX, at, birth, forename, surname};
use crate::random::Random;
use crate::threads;

/// Prior pairs behind the shares.
const PRIOR_PAIRS: f64 = 100.0;

/// The same behind the shares that are counted: in a file of a few records two equal ones would be a law.
const EQUAL_PRIOR_PAIRS: f64 = 1000.0;

/// Shares of levels among random pairs.
pub(crate) fn shares(
    coded: &Coded,
    comparisons: &[Comparison],
    sides: Sides<'_>,
    settings: &crate::Settings,
    threads: NonZeroUsize,
) -> Shares {
    let prior = prior_u(comparisons);
    let counts = sample(coded, comparisons, sides, settings, threads);
    let exact = counted(sides, threads);
    counts
        .iter()
        .zip(&prior)
        .enumerate()
        .map(|(c, (counts, prior))| {
            let total: f64 = counts.iter().sum::<f64>() + PRIOR_PAIRS;
            let mut shares = [0.0; LEVELS_MAX];
            for (share, (count, prior)) in shares.iter_mut().zip(counts.iter().zip(prior)) {
                *share = (count + PRIOR_PAIRS * prior) / total;
            }
            if is_number(&comparisons[c].name) {
                // Two people share a number only by error: what the sample shows are matches.
                let top = top_level(c, comparisons);
                let known = shares[top].min(prior[top] * 10.0);
                fix(&mut shares, top, known);
            }
            let exact = exact.iter().find(|(of, _, _)| *of == c);
            if let Some((_, level, Some(known))) = exact.filter(|_| coded.compares(c)) {
                fix(&mut shares, usize::from(*level), *known);
            }
            shares
        })
        .collect()
}

/// Levels of random pairs by comparison, without what matches among them add.
fn sample(
    coded: &Coded,
    comparisons: &[Comparison],
    sides: Sides<'_>,
    settings: &crate::Settings,
    threads: NonZeroUsize,
) -> Vec<[f64; LEVELS_MAX]> {
    // Pairs that a thread draws at a time.
    const DRAWS: u64 = 1 << 14;
    let mut counts = vec![[0.0; LEVELS_MAX]; comparisons.len()];
    let (left, right) = (sides.left.rows.len() as u64, sides.right.rows.len() as u64);
    let draws = settings
        .u_pairs
        .min(left.saturating_mul(right))
        .min(20 * left.max(right));
    // Random pairs of small files hold matches, about one for each record: taken off what agrees.
    let matches = draws as f64 / left.max(right).max(1) as f64;
    let starts = (0..draws).step_by(DRAWS as usize).collect();
    let comparer = || Comparer::new(coded);
    let sums = threads::map(threads, starts, comparer, |comparer, start: u64| {
        let mut sums = vec![[0_u64; LEVELS_MAX]; comparisons.len()];
        // Two numbers a pair.
        let mut random = Random::after(settings.seed, 2 * start);
        for _ in start..draws.min(start + DRAWS) {
            let (l, r) = (random.below(left) as usize, random.below(right) as usize);
            if sides.within && l == r {
                continue;
            }
            let pattern = comparer.pattern(sides.left, l, sides.right, r);
            for (c, sums) in sums.iter_mut().enumerate() {
                if let Some(level) = pattern.level(c) {
                    sums[usize::from(level)] += 1;
                }
            }
        }
        sums
    });
    for sums in sums {
        for (counts, sums) in counts.iter_mut().zip(sums) {
            for (count, sum) in counts.iter_mut().zip(sums) {
                *count += sum as f64;
            }
        }
    }
    for (c, counts) in counts.iter_mut().enumerate() {
        let top = top_level(c, comparisons);
        counts[top] = (counts[top] - matches).max(0.0);
    }
    counts
}

/// Comparison, level and share of equal values, where these are counted.
fn counted(sides: Sides<'_>, threads: NonZeroUsize) -> Vec<(usize, u8, Option<f64>)> {
    let fields = vec![
        (at::FORENAME, forename::EXACT),
        (at::SURNAME, surname::EXACT),
        (at::BIRTH, birth::EXACT),
    ];
    threads::each(threads, fields, |(field, level)| {
        let share = match field {
            at::FORENAME => equal(sides, 0.016, |row| row.fore[0]),
            at::SURNAME => equal(sides, 0.005, |row| row.sur[0]),
            // At most that of fifty years of birthdays: in a small file full of repeats it would be far more.
            _ => {
                equal(sides, 0.00004, |row| dense(row.born)).map(|share| share.min(1.0 / 18_000.0))
            }
        };
        (field, level, share)
    })
}

/// Days by number, few of which are left out; 0 for a missing date.
const fn dense(born: u32) -> u32 {
    born / 10_000 * 400 + born / 100 % 100 * 32 + born % 100
}

fn is_number(name: &str) -> bool {
    matches!(name, "chi" | "nhs_number")
}

/// The level of equal values.
fn top_level(c: usize, comparisons: &[Comparison]) -> usize {
    match c {
        at::FORENAME => usize::from(forename::EXACT),
        _ => comparisons[c].levels.len() - 1,
    }
}

/// Gives one level its known share, the others what is left.
fn fix(shares: &mut [f64; LEVELS_MAX], level: usize, known: f64) {
    let others: f64 = shares.iter().sum::<f64>() - shares[level];
    if others <= 0.0 {
        return;
    }
    for (place, share) in shares.iter_mut().enumerate() {
        *share = if place == level {
            known
        } else {
            *share * (1.0 - known) / others
        };
    }
}

/// Share of the pairs of records of one file that have both values and equal ones, in the file where it is
/// smaller: repeats of a person raise it, and a register has none. Nothing if neither file has two values.
fn equal(sides: Sides<'_>, prior: f64, of: fn(&Row) -> u32) -> Option<f64> {
    let share = |file: &File| {
        let values = || file.rows.iter().map(of).filter(|value| *value != 0);
        let (least, most) = values().fold((u32::MAX, 0), |(least, most), value| {
            (least.min(value), most.max(value))
        });
        let mut counts = vec![0_u32; most.checked_sub(least)? as usize + 1];
        for value in values() {
            counts[(value - least) as usize] += 1;
        }
        let pairs = |count: u64| count as f64 * (count as f64 - 1.0);
        let found: u64 = counts.iter().map(|count| u64::from(*count)).sum();
        if found < 2 {
            return None;
        }
        let equal: f64 = counts.iter().map(|count| pairs(u64::from(*count))).sum();
        let share = (equal + EQUAL_PRIOR_PAIRS * prior) / (pairs(found) + EQUAL_PRIOR_PAIRS);
        Some(share.clamp(1e-12, 0.999))
    };
    match (share(sides.left), share(sides.right)) {
        (Some(left), Some(right)) => Some(left.min(right)),
        (left, right) => left.or(right),
    }
}
