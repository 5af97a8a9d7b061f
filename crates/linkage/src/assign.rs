//! Competition: what a candidate's evidence is worth once its rivals have been heard.
//!
//! A record is at most one person of a spine without duplicates, so its candidates exclude each other:
//! with odds o for each, P(j) = o_j / (1 + Σ o), the 1 standing for "none of them". Where the file holds a
//! person at most once, a spine record's claimants exclude each other too, and their odds join the sum.

#![allow(
    clippy::indexing_slicing,
    reason = "ranges run over the candidates given"
)]

use std::collections::{BTreeMap, BTreeSet};

use crate::settings::LeftFile;

/// A candidate pair and its evidence in bits.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Scored {
    pub(crate) left: u32,
    pub(crate) spine: u32,
    pub(crate) weight: f64,
}

/// A candidate that won, and its probability among the alternatives.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Won {
    pub(crate) scored: Scored,
    pub(crate) probability: f64,
}

/// The winners by left row, and how many records match somebody surely but nobody in particular.
pub(crate) struct Assigned {
    pub(crate) won: Vec<Won>,
    pub(crate) ambiguous: u64,
}

/// Judges candidates, which are sorted by left row.
pub(crate) fn assign(candidates: &[Scored], threshold: f64, left_file: LeftFile) -> Assigned {
    let rivals = match left_file {
        LeftFile::ManyPerPerson => BTreeMap::new(),
        LeftFile::OnePerPerson => claims(candidates),
    };
    let mut won = Vec::new();
    let mut ambiguous = 0;
    for group in candidates.chunk_by(|a, b| a.left == b.left) {
        let all: f64 = group.iter().map(|scored| odds(scored.weight)).sum();
        let mut best: Option<Won> = None;
        for scored in group {
            let own = odds(scored.weight);
            let others = rivals
                .get(&scored.spine)
                .map_or(0.0, |claim| (claim - own).max(0.0));
            let probability = own / (1.0 + all + others);
            if best.is_none_or(|best| probability > best.probability) {
                best = Some(Won {
                    scored: *scored,
                    probability,
                });
            }
        }
        match best {
            Some(best) if best.probability >= threshold => won.push(best),
            Some(_) if all / (1.0 + all) >= threshold => ambiguous += 1,
            Some(_) | None => {}
        }
    }
    if left_file == LeftFile::OnePerPerson {
        won = one_each(won);
    }
    Assigned { won, ambiguous }
}

/// Bits to odds; bounded so that sums stay finite.
fn odds(weight: f64) -> f64 {
    weight.clamp(-200.0, 200.0).exp2()
}

/// Sum of the odds of all who claim a spine record.
fn claims(candidates: &[Scored]) -> BTreeMap<u32, f64> {
    let mut claims = BTreeMap::new();
    for scored in candidates {
        *claims.entry(scored.spine).or_insert(0.0) += odds(scored.weight);
    }
    claims
}

/// A spine record goes to its surest claimant. With a threshold above one half two can only meet here by
/// rounding; the lower left row then has it.
fn one_each(mut won: Vec<Won>) -> Vec<Won> {
    won.sort_by(|a, b| {
        b.probability
            .total_cmp(&a.probability)
            .then(a.scored.left.cmp(&b.scored.left))
    });
    let mut taken = BTreeSet::new();
    won.retain(|won| taken.insert(won.scored.spine));
    won.sort_by_key(|won| won.scored.left);
    won
}

#[cfg(test)]
mod tests;
