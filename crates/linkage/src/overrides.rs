//! Comparisons whose parameters are given, and those left out.

#![allow(clippy::indexing_slicing, reason = "comparisons are found before")]

use crate::error::LinkError;
use crate::levels::{Comparison, LEVELS_MAX};
use crate::spec::Spec;

/// Least share of a level: one of nothing would settle a pair whatever else it shows.
const SHARE_MIN: f64 = 1e-12;

/// What is given of one comparison. Nothing: all of it is learned.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Given {
    pub(crate) left_out: bool,
    /// Shares of levels among pairs that are one person.
    pub(crate) m: Option<[f64; LEVELS_MAX]>,
    /// Shares of levels among random pairs.
    pub(crate) u: Option<[f64; LEVELS_MAX]>,
}

/// What a specification gives of each comparison of a linkage.
pub(crate) fn given(spec: &Spec, comparisons: &[Comparison]) -> Result<Vec<Given>, LinkError> {
    let mut all = vec![Given::default(); comparisons.len()];
    for (place, asked) in spec.comparisons.iter().enumerate() {
        let unknown = LinkError::UnknownComparison { place: place + 1 };
        let at = comparisons.iter().position(|c| c.name == asked.comparison);
        let Some(at) = at else { return Err(unknown) };
        let levels = comparisons[at].levels.len();
        let given = &mut all[at];
        given.left_out |= !asked.used;
        for (shares, asked) in [(&mut given.m, &asked.m), (&mut given.u, &asked.u)] {
            if !asked.is_empty() {
                *shares = Some(normal(asked, levels).ok_or(unknown.clone())?);
            }
        }
    }
    Ok(all)
}

/// Bits of a pattern that are compared.
pub(crate) fn compared(all: &[Given]) -> u64 {
    all.iter()
        .enumerate()
        .filter(|(_, given)| given.left_out)
        .fold(u64::MAX, |mask, (c, _)| mask & !(0xf << (4 * c)))
}

/// Shares that sum to 1; nothing if there is not one for each level.
fn normal(given: &[f64], levels: usize) -> Option<[f64; LEVELS_MAX]> {
    let sum: f64 = given.iter().sum();
    let whole = sum.is_finite() && sum > 0.0 && given.iter().all(|share| *share >= 0.0);
    if given.len() != levels || !whole {
        return None;
    }
    let mut shares = [0.0; LEVELS_MAX];
    for (share, given) in shares.iter_mut().zip(given) {
        *share = (given / sum).max(SHARE_MIN);
    }
    Some(shares)
}

#[cfg(test)]
mod tests;
