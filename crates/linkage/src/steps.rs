//! From odds to joins: who is joined, and by which step.

#![allow(
    clippy::indexing_slicing,
    reason = "rows and patterns are named by those who hold them"
)]

use crate::chi::is_valid_chi_number;
use crate::coded::Coded;
use crate::compete::{Edge, Repeats};
use crate::engine::Fitted;
use crate::levels::{CHI_EXACT, HOME_EXACT, Pattern, at, birth, forename, surname};
use crate::outcome::{Join, JoinStep};
use crate::spec::Spec;

/// A file whose records have a second partner at most this often against chance holds one record a person.
pub(crate) const ONE_MAX: f64 = 0.02;

/// Edges with their odds, the alternatives heard, in the order in which of equals the first is preferred.
#[derive(Clone, Copy)]
pub(crate) struct Scored<'a> {
    pub(crate) edges: &'a [Edge],
    pub(crate) odds: &'a [f64],
    pub(crate) patterns: &'a [Pattern],
    pub(crate) repeats: Repeats,
    /// The edges are of one file with itself.
    pub(crate) within: bool,
}

/// The joins of a pair of files that reach `keep_probability`.
pub(crate) fn joins(spec: &Spec, coded: &Coded, fitted: &Fitted) -> Vec<Join> {
    let scored = Scored {
        edges: &fitted.edges,
        odds: &fitted.odds,
        patterns: &fitted.patterns.list,
        repeats: fitted.parameters.repeats,
        within: fitted.files.0 == fitted.files.1,
    };
    let left = &coded.files[fitted.files.0];
    let number = |row: u32| left.rows[row as usize].chi;
    chosen(scored, spec.settings.keep_probability, &number)
        .into_iter()
        .map(|(edge, step)| {
            let edge = edge as usize;
            join(fitted.files, &fitted.edges[edge], fitted.odds[edge], step)
        })
        .collect()
}

/// The edges that become joins of at least a probability, the surest first, each with its step. Where a file holds
/// one record a person, no record of the other file has two partners in it: the surer wins, of equals the one that
/// comes first. `number` is the CHI number of a left record, 0 for none.
pub(crate) fn chosen(
    scored: Scored<'_>,
    keep: f64,
    number: &dyn Fn(u32) -> u64,
) -> Vec<(u32, JoinStep)> {
    let Scored { edges, odds, .. } = scored;
    let mut kept: Vec<(u64, u32)> = (0..edges.len())
        .filter(|edge| probability(odds[*edge]) >= keep)
        // Odds are above zero, so their bits are in their order: the best first, and of equals the one whose rows
        // come first, as edges do.
        .map(|edge| (!odds[edge].to_bits(), edge as u32))
        .collect();
    kept.sort_unstable();
    let (one_l, one_r) = (
        !scored.within && scored.repeats.right < ONE_MAX,
        !scored.within && scored.repeats.left < ONE_MAX,
    );
    let rows = |of: fn(&Edge) -> u32| {
        let most = edges.iter().map(of).max();
        vec![false; most.map_or(0, |row| row as usize + 1)]
    };
    let (mut left, mut right) = (rows(|edge| edge.left), rows(|edge| edge.right));
    let alone = Alone::of(scored);
    let mut chosen = Vec::with_capacity(kept.len());
    for (_, edge) in kept {
        let found = edges[edge as usize];
        // A left record has one partner if the right file holds one record a person, and the other way round.
        let free = !(one_r && left[found.left as usize] || one_l && right[found.right as usize]);
        if !free {
            continue;
        }
        left[found.left as usize] = true;
        right[found.right as usize] = true;
        chosen.push((edge, alone.step(scored, edge as usize, number)));
    }
    chosen
}

/// A join of two files by an edge, its files in their order.
pub(crate) fn join(files: (usize, usize), edge: &Edge, odds: f64, step: JoinStep) -> Join {
    let (mut first, mut second) = ((files.0, edge.left), (files.1, edge.right));
    if first > second {
        (first, second) = (second, first);
    }
    Join {
        file_l: first.0 as u16,
        row_l: first.1,
        file_r: second.0 as u16,
        row_r: second.1,
        match_weight: odds.max(1e-300).log2(),
        match_probability: probability(odds),
        step,
    }
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
    fn of(scored: Scored<'_>) -> Self {
        let rows = |of: fn(&Edge) -> u32| {
            let most = scored.edges.iter().map(of).max();
            vec![0_u8; most.map_or(0, |row| row as usize + 1)]
        };
        let (left, right) = (rows(|edge| edge.left), rows(|edge| edge.right));
        let patterns = scored.patterns;
        let mut alone = Self {
            numbers: (left.clone(), right.clone()),
            keys: (left, right),
            has_number: patterns.iter().map(|p| has_number(*p)).collect(),
            has_keys: patterns.iter().map(|p| has_keys(*p)).collect(),
        };
        for edge in scored.edges {
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

    fn step(&self, scored: Scored<'_>, edge: usize, number: &dyn Fn(u32) -> u64) -> JoinStep {
        let found = scored.edges[edge];
        let at = found.pattern as usize;
        let alone = |(left, right): &(Vec<u8>, Vec<u8>)| {
            left[found.left as usize] == 1 && right[found.right as usize] == 1
        };
        let is_verified =
            || is_valid_chi_number(number(found.left)) && verifies(scored.patterns[at]);
        if self.has_number[at] && alone(&self.numbers) && is_verified() {
            JoinStep::NumberVerified
        } else if self.has_keys[at] && alone(&self.keys) {
            JoinStep::ExactKeys
        } else {
            JoinStep::Probabilistic
        }
    }
}
