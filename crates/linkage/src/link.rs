//! The whole linkage: verified numbers, then the model on the rest, then competition.

use std::collections::{BTreeMap, BTreeSet};

use crate::assign::{self, Assigned, Scored};
use crate::blocking::{self, Candidates};
use crate::column::Records;
use crate::compare::{Comparer, Comparison, Pattern, birth, forename, number, residence, surname};
use crate::deterministic::{self, Verified};
use crate::error::LinkError;
use crate::model::{Model, Weights};
use crate::prepared::{Prepared, prepare};
use crate::report::{Link, LinkReport, Linked, Step};
use crate::settings::{LeftFile, Settings};
use crate::train;

/// Links a file to a spine that holds each person once. Each record of the file gets at most one link.
///
/// # Errors
/// A file that is not whole or passes a limit, settings without meaning, no shared field to find
/// candidates by, or a budget that no blocking rule keeps.
pub fn link(left: &Records, spine: &Records, settings: &Settings) -> Result<Linked, LinkError> {
    settings.check()?;
    let prepared = prepare(left, spine, settings)?;
    let mut comparer = Comparer::new(&prepared);

    let u = train::u_shares(&prepared, &mut comparer, settings);
    let trained = train::m_shares(&prepared, &mut comparer, &u, settings);
    let verified = deterministic::chi_verified(&prepared, &mut comparer);
    let rest = Rest::after(&verified, &prepared, settings.left_file);
    let lambda = train::lambda(&prepared, &rest.left, &rest.spine, &trained.m);
    let model = Model::new(lambda, &trained.m, &u, settings);
    let weights = model.weights(&prepared);

    let found = blocking::candidates(&prepared, &rest.left, &rest.spine, settings.pairs_max)?;
    // A record that verified numbers leave over and that has no field to be found by stays unlinked.
    let asked = verified.is_empty() && !rest.left.is_empty() && !rest.spine.is_empty();
    if asked && found.no_shared_field() {
        return Err(LinkError::NothingToBlockOn);
    }
    let judged = judge(&found, &prepared, &mut comparer, &weights);
    let assigned = assign::assign(
        &judged.scored,
        settings.threshold_probability,
        settings.left_file,
    );

    let links = links(&verified, &assigned, &prepared, &weights, (left, spine));
    let report = LinkReport {
        left_records: left.ids.len() as u64,
        spine_records: spine.ids.len() as u64,
        links: by_step(&links),
        unlinked: (left.ids.len() - links.len()) as u64,
        ambiguous: assigned.ambiguous,
        refused_as_twins: judged.twins,
        refused_by_birth_date: judged.birth_dates,
        pairs_scored: found.pairs.len() as u64,
        rules: found.rules,
        sessions: trained.sessions,
        default_values_left: prepared.left.defaults.clone(),
        default_values_spine: prepared.spine.defaults.clone(),
        invalid_values_left: prepared.left.invalid.clone(),
        invalid_values_spine: prepared.spine.invalid.clone(),
    };
    Ok(Linked {
        links,
        model,
        report,
    })
}

/// Rows that the model is asked about.
struct Rest {
    left: Vec<u32>,
    spine: Vec<u32>,
}

impl Rest {
    /// A linked record is done. A spine person stays open to other records of the file, unless the file
    /// holds a person once.
    fn after(verified: &[Verified], prepared: &Prepared, left_file: LeftFile) -> Self {
        let done: BTreeSet<u32> = verified.iter().map(|pair| pair.left).collect();
        let claimed: BTreeSet<u32> = match left_file {
            LeftFile::ManyPerPerson => BTreeSet::new(),
            LeftFile::OnePerPerson => verified.iter().map(|pair| pair.spine).collect(),
        };
        let without = |rows: usize, out: &BTreeSet<u32>| {
            (0..rows as u32).filter(|row| !out.contains(row)).collect()
        };
        Self {
            left: without(prepared.left.rows, &done),
            spine: without(prepared.spine.rows, &claimed),
        }
    }
}

struct Judged {
    scored: Vec<Scored>,
    twins: u64,
    birth_dates: u64,
}

/// Weakest evidence worth carrying into the competition, in bits.
const WEIGHT_MIN: f64 = -20.0;

fn judge(
    found: &Candidates,
    prepared: &Prepared,
    comparer: &mut Comparer<'_>,
    weights: &Weights,
) -> Judged {
    let mut judged = Judged {
        scored: Vec::new(),
        twins: 0,
        birth_dates: 0,
    };
    for (left, spine) in &found.pairs {
        let (l, r) = (*left as usize, *spine as usize);
        let pattern = comparer.pattern(&prepared.left, l, &prepared.spine, r);
        match refusal(pattern) {
            Some(Refusal::Twins) => judged.twins += 1,
            Some(Refusal::BirthDates) => judged.birth_dates += 1,
            None => {
                let weight = weights.of(pattern, &prepared.spine, r);
                if weight >= WEIGHT_MIN {
                    judged.scored.push(Scored {
                        left: *left,
                        spine: *spine,
                        weight,
                    });
                }
            }
        }
    }
    judged
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Refusal {
    Twins,
    BirthDates,
}

/// Pairs that the model, which takes fields as independent, would pass: people of one household share
/// surname and address together, twins the birth date too, a parent and child the forename instead.
/// An equal CHI or NHS number outweighs both.
fn refusal(pattern: Pattern) -> Option<Refusal> {
    let same_number = |comparison| pattern.level(comparison) == Some(number::EXACT);
    if same_number(Comparison::Chi) || same_number(Comparison::NhsNumber) {
        return None;
    }
    let born = pattern.level(Comparison::DateOfBirth);
    if born == Some(birth::DIFFERS) {
        return Some(Refusal::BirthDates);
    }
    let unlike = pattern.level(Comparison::Forename) == Some(forename::DIFFERS);
    let family = pattern
        .level(Comparison::Surname)
        .is_some_and(|level| level >= surname::JW_88);
    let home = pattern
        .level(Comparison::Residence)
        .is_some_and(|level| level >= residence::POSTCODE);
    let same_day = born.is_none_or(|level| level >= birth::ONE_EDIT);
    (unlike && same_day && (family || home)).then_some(Refusal::Twins)
}

fn links(
    verified: &[Verified],
    assigned: &Assigned,
    prepared: &Prepared,
    weights: &Weights,
    (left, spine): (&Records, &Records),
) -> Vec<Link> {
    let mut rows: Vec<(u32, u32, Step, f64, f64)> = verified
        .iter()
        .map(|pair| {
            let weight = weights.of(pair.pattern, &prepared.spine, pair.spine as usize);
            let probability = 1.0 / (1.0 + (-weight).exp2());
            (
                pair.left,
                pair.spine,
                Step::ChiVerified,
                weight,
                probability,
            )
        })
        .collect();
    rows.extend(assigned.won.iter().map(|won| {
        let Scored {
            left,
            spine,
            weight,
        } = won.scored;
        (left, spine, Step::Probabilistic, weight, won.probability)
    }));
    rows.sort_unstable_by_key(|row| row.0);
    rows.into_iter()
        .filter_map(|(l, r, step, match_weight, match_probability)| {
            Some(Link {
                left: *left.ids.get(l as usize)?,
                spine: *spine.ids.get(r as usize)?,
                step,
                match_weight,
                match_probability,
            })
        })
        .collect()
}

fn by_step(links: &[Link]) -> BTreeMap<Step, u64> {
    let mut counts = BTreeMap::from([(Step::ChiVerified, 0), (Step::Probabilistic, 0)]);
    for link in links {
        *counts.entry(link.step).or_default() += 1;
    }
    counts
}

#[cfg(test)]
mod tests;
