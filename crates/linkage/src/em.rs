//! Expectation-maximisation for the Fellegi-Sunter mixture, on pattern counts, with u held fixed.
//!
//! A pair's pattern is a draw from one of two products of independent level shares: m if the records are
//! one person, u if they are two. A missing comparison is missing at random and drops out of both.
//! E: w = λ·Πm / (λ·Πm + (1-λ)·Πu). M: λ = mean of w; m of a level = the level's share of the weights.

#![allow(
    clippy::indexing_slicing,
    reason = "patterns hold levels of their own comparisons only"
)]

use crate::compare::{COMPARISONS, Comparison, LEVELS_MAX, Pattern};
use crate::patterns::PatternCounts;

/// One number for each level of each comparison.
pub(crate) type Levels = [[f64; LEVELS_MAX]; COMPARISONS];

/// The shares believed before any data are seen.
pub(crate) fn prior_m() -> Levels {
    priors(|level| level.m)
}

/// As [`prior_m`], for pairs that are two people.
pub(crate) fn prior_u() -> Levels {
    priors(|level| level.u)
}

fn priors(share: fn(&crate::compare::Level) -> f64) -> Levels {
    let mut shares = [[0.0; LEVELS_MAX]; COMPARISONS];
    for comparison in Comparison::ALL {
        for (place, level) in comparison.levels().iter().enumerate() {
            shares[comparison.index()][place] = share(level);
        }
    }
    shares
}

/// What EM is told.
pub(crate) struct Task<'a> {
    /// Comparisons that may move; the others are blocked on, or known otherwise.
    pub(crate) comparisons: &'a [Comparison],
    pub(crate) u: &'a Levels,
    pub(crate) m_start: &'a Levels,
    pub(crate) lambda_start: f64,
    /// Prior shares and how many pairs they weigh as much as.
    pub(crate) prior: &'a Levels,
    pub(crate) prior_pairs: f64,
    pub(crate) rounds_max: u32,
    pub(crate) convergence: f64,
}

/// What EM found.
pub(crate) struct Fit {
    pub(crate) lambda: f64,
    pub(crate) m: Levels,
    /// Expected number of matching pairs at each level, prior left out.
    pub(crate) expected: Levels,
    pub(crate) rounds: u32,
}

/// Runs EM until nothing moves by more than the convergence bound, or the rounds are used up.
pub(crate) fn fit(counts: &PatternCounts, task: &Task<'_>) -> Fit {
    let mut fit = Fit {
        lambda: task.lambda_start,
        m: *task.m_start,
        expected: [[0.0; LEVELS_MAX]; COMPARISONS],
        rounds: 0,
    };
    let total: f64 = counts.iter().map(|(_, pairs)| *pairs as f64).sum();
    if total == 0.0 {
        return fit;
    }
    while fit.rounds < task.rounds_max {
        let moved = round(counts, total, task, &mut fit);
        fit.rounds += 1;
        if moved <= task.convergence {
            break;
        }
    }
    fit
}

/// One E and one M step; the largest change of a probability.
fn round(counts: &PatternCounts, total: f64, task: &Task<'_>, fit: &mut Fit) -> f64 {
    let mut matches = 0.0;
    let mut expected: Levels = [[0.0; LEVELS_MAX]; COMPARISONS];
    for (pattern, pairs) in counts {
        let weight = posterior(*pattern, fit, task) * *pairs as f64;
        matches += weight;
        for comparison in task.comparisons {
            if let Some(level) = pattern.level(*comparison) {
                expected[comparison.index()][usize::from(level)] += weight;
            }
        }
    }
    let lambda = (matches / total).clamp(1e-9, 1.0 - 1e-9);
    let mut moved = (lambda - fit.lambda).abs();
    fit.lambda = lambda;
    for comparison in task.comparisons {
        let c = comparison.index();
        let shares = shares(&expected[c], &task.prior[c], task.prior_pairs);
        for (old, new) in fit.m[c].iter_mut().zip(shares) {
            moved = moved.max((new - *old).abs());
            *old = new;
        }
    }
    fit.expected = expected;
    moved
}

/// Shares of levels from their counts, drawn to the prior by the given number of pairs.
pub(crate) fn shares(
    counts: &[f64; LEVELS_MAX],
    prior: &[f64; LEVELS_MAX],
    prior_pairs: f64,
) -> [f64; LEVELS_MAX] {
    let total: f64 = counts.iter().sum::<f64>() + prior_pairs;
    if total <= 0.0 {
        return *prior;
    }
    let mut shares = [0.0; LEVELS_MAX];
    for (share, (count, prior)) in shares.iter_mut().zip(counts.iter().zip(prior)) {
        *share = (count + prior_pairs * prior) / total;
    }
    shares
}

fn posterior(pattern: Pattern, fit: &Fit, task: &Task<'_>) -> f64 {
    let (mut same, mut other) = (fit.lambda, 1.0 - fit.lambda);
    for comparison in task.comparisons {
        if let Some(level) = pattern.level(*comparison) {
            let (c, level) = (comparison.index(), usize::from(level));
            same *= fit.m[c][level];
            other *= task.u[c][level];
        }
    }
    if same + other > 0.0 {
        same / (same + other)
    } else {
        0.0
    }
}

#[cfg(test)]
mod tests;
