//! Class disclosure: a cell that holds all, or nearly all, of its row or column says something about everybody
//! in it (the 90 % rule of the Guidelines for output checking, Data without Boundaries).

use std::collections::{BTreeMap, BTreeSet};

use super::absent::Structure;
use crate::evidence::{CountLevel, Evidence, Group, Kind, Whole};
use crate::{Datum, Policy};

/// Sums of doubles carry errors of this size.
const TIE: f64 = 1e-12;

/// Counts that give their group away, by group and measure.
#[derive(Default)]
pub(super) struct Full(BTreeSet<(usize, usize)>);

impl Full {
    pub(super) fn holds(&self, group: usize, measure: usize) -> bool {
        self.0.contains(&(group, measure))
    }
}

/// A row or column: the set, the key that varies in it, and the values of the others.
type Line<'a> = (u16, u16, Vec<&'a Datum>);

pub(super) fn full_cells(evidence: &Evidence, structure: &Structure, policy: &Policy) -> Full {
    let Some(share) = policy.class_share() else {
        return Full::default();
    };
    let counts = |kind| matches!(kind, Kind::Count);
    let measures = evidence.measures().enumerate();
    let measures: Vec<usize> = measures
        .filter(|(_, (_, kind))| counts(*kind))
        .map(|(place, _)| place)
        .collect();
    let mut full = Full::default();
    if measures.is_empty() {
        return full;
    }
    for (_, members) in lines(evidence, structure) {
        for measure in &measures {
            let people = |index: &usize| {
                let group = evidence.groups.get(*index);
                group
                    .and_then(|group| group.behind.get(*measure))
                    .map_or(0, |behind| behind.people)
            };
            let total: u64 = members.iter().map(people).sum();
            for index in &members {
                if fills(people(index), total, share) {
                    full.0.insert((*index, *measure));
                }
            }
        }
    }
    whole_parts(evidence, &measures, &mut full);
    full
}

fn fills(people: u64, total: u64, share: f64) -> bool {
    people > 0 && (people == total || people as f64 > share * total as f64 * (1.0 + TIE))
}

/// Rows and columns in which a key takes several values. Along a coarser key every finer value is full by
/// construction.
fn lines<'a>(evidence: &'a Evidence, structure: &Structure) -> BTreeMap<Line<'a>, Vec<usize>> {
    let mut levels: BTreeMap<(u16, u16), BTreeSet<&Datum>> = BTreeMap::new();
    let mut lines: BTreeMap<Line<'a>, Vec<usize>> = BTreeMap::new();
    for (index, group) in evidence.groups.iter().enumerate() {
        let Some(set) = evidence.sets.get(usize::from(group.set)) else {
            continue;
        };
        for key in set.iter().filter(|key| !structure.is_coarser(**key, set)) {
            if let Some(value) = group.key.get(usize::from(*key)) {
                levels.entry((group.set, *key)).or_default().insert(value);
            }
            let line = (group.set, *key, others(group, *key));
            lines.entry(line).or_default().push(index);
        }
    }
    lines.retain(|(set, key, _), _| {
        levels
            .get(&(*set, *key))
            .is_some_and(|found| found.len() > 1)
    });
    lines
}

fn others(group: &Group, key: u16) -> Vec<&Datum> {
    (0_u16..)
        .zip(&group.key)
        .filter(|(place, _)| *place != key)
        .map(|(_, value)| value)
        .collect()
}

/// A part that is the whole of its group: all who are in it have the property.
fn whole_parts(evidence: &Evidence, measures: &[usize], full: &mut Full) {
    let counted = |level: CountLevel, whole: Whole| {
        evidence
            .counts
            .iter()
            .find(move |count| count.level == level && count.whole == whole)
    };
    let is_part = |name: &str| {
        evidence
            .counts
            .iter()
            .any(|count| count.label == name && count.whole == Whole::Part)
    };
    let has_whole = counted(CountLevel::Rows, Whole::Whole).is_some()
        || counted(CountLevel::People, Whole::Whole).is_some();
    if !has_whole {
        return;
    }
    for (index, group) in evidence.groups.iter().enumerate() {
        for (place, (name, _)) in evidence.measures().enumerate() {
            let all = group
                .behind
                .get(place)
                .is_some_and(|b| b.rows == group.rows && b.rows > 0);
            if measures.contains(&place) && is_part(name) && all {
                full.0.insert((index, place));
            }
        }
    }
}
