//! From odds to joins: who is joined, and by which step.

#![allow(
    clippy::indexing_slicing,
    reason = "rows and patterns are named by those who hold them"
)]

use crate::chi::is_valid_chi_number;
use crate::coded::{Coded, File};
use crate::engine::Fitted;
use crate::levels::{CHI_EXACT, HOME_EXACT, Pattern, at, birth, forename, surname};
use crate::outcome::{Join, JoinStep};
use crate::spec::Spec;

/// A file whose records have a second partner at most this often against chance holds one record a person.
pub(crate) const ONE_MAX: f64 = 0.02;

/// The joins of a pair of files that reach `keep_probability`. Where a file holds one record a person, no
/// record of the other file has two partners in it: the surer wins, of equals the one that comes first.
pub(crate) fn joins(spec: &Spec, coded: &Coded, fitted: &Fitted) -> Vec<Join> {
    let keep = spec.settings.keep_probability;
    let mut kept: Vec<(u64, u32)> = (0..fitted.edges.len())
        .filter(|edge| probability(fitted.odds[*edge]) >= keep)
        // Odds are above zero, so their bits are in their order: the best first, and of equals the one whose rows
        // come first, as edges do.
        .map(|edge| (!fitted.odds[edge].to_bits(), edge as u32))
        .collect();
    kept.sort_unstable();
    let repeats = fitted.parameters.repeats;
    let within = fitted.files.0 == fitted.files.1;
    let (one_l, one_r) = (
        !within && repeats.right < ONE_MAX,
        !within && repeats.left < ONE_MAX,
    );
    let rows = |of: fn(&crate::compete::Edge) -> u32| {
        let most = fitted.edges.iter().map(of).max();
        vec![false; most.map_or(0, |row| row as usize + 1)]
    };
    let (mut left, mut right) = (rows(|edge| edge.left), rows(|edge| edge.right));
    let alone = Alone::of(fitted);
    let mut joins = Vec::with_capacity(kept.len());
    for (_, edge) in kept {
        let edge = edge as usize;
        let found = fitted.edges[edge];
        // A left record has one partner if the right file holds one record a person, and the other way round.
        let free = !(one_r && left[found.left as usize] || one_l && right[found.right as usize]);
        if !free {
            continue;
        }
        left[found.left as usize] = true;
        right[found.right as usize] = true;
        let (mut first, mut second) = ((fitted.files.0, found.left), (fitted.files.1, found.right));
        if first > second {
            (first, second) = (second, first);
        }
        joins.push(Join {
            file_l: first.0 as u16,
            row_l: first.1,
            file_r: second.0 as u16,
            row_r: second.1,
            match_weight: fitted.odds[edge].max(1e-300).log2(),
            match_probability: probability(fitted.odds[edge]),
            step: alone.step(&coded.files[fitted.files.0], fitted, edge),
        });
    }
    joins
}

pub(crate) fn probability(odds: f64) -> f64 {
    if odds.is_finite() {
        odds / (1.0 + odds)
    } else {
        1.0
    }
}

/// Two of birth date, sex and a name agree, and the birth dates have something in common.
fn verifies(pattern: Pattern) -> bool {
    let born = pattern.level(at::BIRTH);
    if born == Some(birth::DIFFERS) {
        return false;
    }
    let forename = pattern
        .level(at::FORENAME)
        .is_some_and(|level| level >= forename::TYPO);
    let surname = pattern
        .level(at::SURNAME)
        .is_some_and(|level| level >= surname::TYPO);
    let agreeing = u8::from(born == Some(birth::EXACT))
        + u8::from(pattern.level(at::SEX) == Some(1))
        + u8::from(forename || surname);
    agreeing >= 2
}

/// One CHI number in both records. Whether it is valid is asked where a step is named, of the record.
fn has_number(pattern: Pattern) -> bool {
    pattern.level(at::CHI) == Some(CHI_EXACT)
}

fn has_keys(pattern: Pattern) -> bool {
    pattern.level(at::FORENAME) == Some(forename::EXACT)
        && pattern.level(at::SURNAME) == Some(surname::EXACT)
        && pattern.level(at::BIRTH) == Some(birth::EXACT)
        && (pattern.level(at::POSTCODE) == Some(HOME_EXACT)
            || pattern.level(at::ADDRESS) == Some(HOME_EXACT))
}

/// How often a record has a candidate with its number, and with all its keys.
struct Alone {
    numbers: (Vec<u8>, Vec<u8>),
    keys: (Vec<u8>, Vec<u8>),
    /// By pattern.
    has_number: Vec<bool>,
    has_keys: Vec<bool>,
}

impl Alone {
    fn of(fitted: &Fitted) -> Self {
        let rows = |of: fn(&crate::compete::Edge) -> u32| {
            let most = fitted.edges.iter().map(of).max();
            vec![0_u8; most.map_or(0, |row| row as usize + 1)]
        };
        let (left, right) = (rows(|edge| edge.left), rows(|edge| edge.right));
        let patterns = &fitted.patterns.list;
        let mut alone = Self {
            numbers: (left.clone(), right.clone()),
            keys: (left, right),
            has_number: patterns.iter().map(|p| has_number(*p)).collect(),
            has_keys: patterns.iter().map(|p| has_keys(*p)).collect(),
        };
        for edge in &fitted.edges {
            let pattern = edge.pattern as usize;
            for (has, (left, right)) in [
                (alone.has_number[pattern], &mut alone.numbers),
                (alone.has_keys[pattern], &mut alone.keys),
            ] {
                if has {
                    let l = &mut left[edge.left as usize];
                    *l = l.saturating_add(1);
                    let r = &mut right[edge.right as usize];
                    *r = r.saturating_add(1);
                }
            }
        }
        alone
    }

    fn step(&self, left: &File, fitted: &Fitted, edge: usize) -> JoinStep {
        let found = fitted.edges[edge];
        let at = found.pattern as usize;
        let alone = |(left, right): &(Vec<u8>, Vec<u8>)| {
            left[found.left as usize] == 1 && right[found.right as usize] == 1
        };
        let is_verified = || {
            let number = left.rows[found.left as usize].chi;
            is_valid_chi_number(number) && verifies(fitted.patterns.list[at])
        };
        if self.has_number[at] && alone(&self.numbers) && is_verified() {
            JoinStep::NumberVerified
        } else if self.has_keys[at] && alone(&self.keys) {
            JoinStep::ExactKeys
        } else {
            JoinStep::Probabilistic
        }
    }
}
