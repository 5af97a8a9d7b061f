//! The curve at its steps, and the test that strata have one curve.

use std::collections::BTreeSet;

use super::{Band, Step, Stratum};
use crate::round::nearest;

/// The curve after one step. All of it follows from the people of the steps.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Point {
    pub(super) at_risk: u64,
    pub(super) events: u64,
    pub(super) censored: u64,
    /// The estimate of Kaplan and Meier, those who are censored within the step at risk until its end.
    pub(super) survival: f64,
    /// Its standard error by Greenwood (1926); none where nobody survives.
    pub(super) error: Option<f64>,
}

/// The curve over steps, with people rounded to a multiple of `base` where the policy rounds: what is at risk is then
/// what the rounded steps add up to.
pub(super) fn points(steps: &[Step], base: Option<u64>) -> Vec<Point> {
    let rounded = |people| base.map_or(people, |base| nearest(people, base));
    let mut at_risk = 0_u64;
    let mut risks: Vec<(u64, u64, u64)> = Vec::with_capacity(steps.len());
    for step in steps.iter().rev() {
        let (events, censored) = (rounded(step.events), rounded(step.censored));
        at_risk = at_risk.saturating_add(events).saturating_add(censored);
        risks.push((at_risk, events, censored));
    }
    let (mut survival, mut spread) = (1.0, 0.0);
    let mut found = Vec::with_capacity(steps.len());
    for (at_risk, events, censored) in risks.into_iter().rev() {
        let (all, died) = (at_risk as f64, events as f64);
        // Where few are rounded to none, none is lost.
        if events > 0 {
            survival *= (all - died) / all;
            spread += died / (all * (all - died));
        }
        found.push(Point {
            at_risk,
            events,
            censored,
            survival,
            error: (survival > 0.0).then(|| survival * spread.sqrt()),
        });
    }
    found
}

/// A test of the hypothesis that strata have one curve.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct LogRank {
    pub(super) chi_squared: f64,
    pub(super) degrees: usize,
    pub(super) p: f64,
}

/// The log-rank test (Mantel 1966; Peto and Peto 1972), with the variance of the hypergeometric distribution. None
/// where the strata do not tell anything: fewer than two, or nobody at risk beside others.
pub(super) fn log_rank(strata: &[Stratum]) -> Option<LogRank> {
    let degrees = strata.len().checked_sub(1).filter(|degrees| *degrees > 0)?;
    let times: BTreeSet<u64> = strata
        .iter()
        .flat_map(|stratum| &stratum.bands)
        .filter(|band| band.events > 0)
        .map(|band| band.number)
        .collect();
    let mut apart = vec![0.0; degrees];
    let mut variance = vec![vec![0.0; degrees]; degrees];
    for time in times {
        let risks: Vec<f64> = strata.iter().map(|s| at_risk(s, time)).collect();
        let events: Vec<f64> = strata.iter().map(|s| events(s, time)).collect();
        let (all, died) = (risks.iter().sum::<f64>(), events.iter().sum::<f64>());
        if all < 2.0 {
            continue;
        }
        let by = died * (all - died) / (all * all * (all - 1.0));
        let own = apart.iter_mut().zip(&mut variance);
        for ((at, (apart, row)), (risk, events)) in own.enumerate().zip(risks.iter().zip(&events)) {
            *apart += events - died * risk / all;
            for (other, (place, beside)) in row.iter_mut().zip(&risks).enumerate() {
                let whole = if at == other { all } else { 0.0 };
                *place += by * risk * (whole - beside);
            }
        }
    }
    let solved = solve(variance, apart.clone())?;
    let chi_squared: f64 = solved.iter().zip(&apart).map(|(a, b)| a * b).sum();
    Some(LogRank {
        chi_squared,
        degrees,
        p: beyond(chi_squared, degrees),
    })
}

fn at_risk(stratum: &Stratum, time: u64) -> f64 {
    let later = stratum.bands.iter().filter(|band| band.number >= time);
    later
        .map(|band| band.events as f64 + band.censored as f64)
        .sum()
}

fn events(stratum: &Stratum, time: u64) -> f64 {
    let now = |band: &&Band| band.number == time;
    let band = stratum.bands.iter().find(now);
    band.map_or(0.0, |band| band.events as f64)
}

/// Solves a system of few equations by elimination with the largest pivot; none where they do not decide.
fn solve(mut rows: Vec<Vec<f64>>, mut right: Vec<f64>) -> Option<Vec<f64>> {
    let size = right.len();
    for at in 0..size {
        let largest = (at..size).max_by(|a, b| {
            let entry = |row: &usize| rows.get(*row).and_then(|row| row.get(at)).copied();
            let size = |row| entry(row).unwrap_or(0.0).abs();
            size(a).total_cmp(&size(b))
        })?;
        rows.swap(at, largest);
        right.swap(at, largest);
        let (line, value) = (rows.get(at)?.clone(), *right.get(at)?);
        let pivot = *line.get(at)?;
        if pivot.abs() < 1e-9 {
            return None;
        }
        for (row, right) in rows.iter_mut().zip(&mut right).skip(at + 1) {
            let by = row.get(at)? / pivot;
            for (entry, own) in row.iter_mut().zip(&line) {
                *entry -= by * own;
            }
            *right -= by * value;
        }
    }
    let mut found = vec![0.0; size];
    for at in (0..size).rev() {
        let row = rows.get(at)?;
        let known: f64 = row
            .iter()
            .zip(&found)
            .skip(at + 1)
            .map(|(a, b)| a * b)
            .sum();
        *found.get_mut(at)? = (right.get(at)? - known) / row.get(at)?;
    }
    Some(found)
}

/// The probability of more than so much under a chi-squared distribution of whole degrees of freedom (Abramowitz and
/// Stegun 1964, 26.4.4 and 26.4.5).
fn beyond(chi_squared: f64, degrees: usize) -> f64 {
    let half = chi_squared.max(0.0) / 2.0;
    let (mut term, mut sum, mut at) = match degrees % 2 {
        0 => ((-half).exp(), 0.0, 0.0),
        _ => {
            let first = 2.0 * (half / std::f64::consts::PI).sqrt() * (-half).exp();
            (first, libm::erfc(half.sqrt()), 0.5)
        }
    };
    for _ in 0..degrees / 2 {
        sum += term;
        at += 1.0;
        term *= half / at;
    }
    sum.min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Table 26.8 of Abramowitz and Stegun (1964): percentage points of the distribution.
    #[test]
    fn the_chi_squared_distribution_is_the_tables() {
        for (chi_squared, degrees, p) in [
            (3.841_46, 1, 0.05),
            (10.8276, 1, 0.001),
            (5.991_46, 2, 0.05),
            (7.814_73, 3, 0.05),
            (9.487_73, 4, 0.05),
            (15.0863, 5, 0.01),
            (18.3070, 10, 0.05),
            (0.0, 3, 1.0),
        ] {
            let found = beyond(chi_squared, degrees);
            assert!((found - p).abs() < 2e-6, "{chi_squared} {degrees}: {found}");
        }
    }
}
