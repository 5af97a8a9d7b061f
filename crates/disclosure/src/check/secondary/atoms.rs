//! What the counts of a row are made of: the rows, or people, that are in exactly these counts.

use std::collections::{BTreeMap, BTreeSet};

use super::of_kind;
use crate::Datum;
use crate::evidence::{Atom, CountLevel, Evidence, Group, Kind, Whole};

/// What is counted, and the measure that shows it; none if it is counted inside a share.
pub(super) struct Quantity {
    pub(super) column: Option<usize>,
    pub(super) whole: Whole,
    /// Which rows are counted.
    pub(super) of: Option<String>,
}

/// `None` if a column shows a count that is not among those that can be subtracted, or there are more than `most`.
pub(super) fn quantities(evidence: &Evidence, most: u64) -> Option<Vec<Quantity>> {
    let measures: Vec<&str> = evidence.measures().map(|(name, _)| name).collect();
    let columns: Vec<usize> = of_kind(evidence, |kind| kind == Kind::Count).collect();
    if evidence.counts.is_empty() {
        // A lone count may come without its description.
        let alone = |column: &usize| Quantity {
            column: Some(*column),
            whole: Whole::Whole,
            of: None,
        };
        return (columns.len() < 2).then(|| columns.iter().map(alone).collect());
    }
    if evidence.counts.len() as u64 > most {
        return None;
    }
    let lineage = evidence.lineage.as_ref();
    let quantities: Vec<Quantity> = evidence
        .counts
        .iter()
        .enumerate()
        .map(|(number, count)| Quantity {
            of: lineage.and_then(|lineage| lineage.counts.get(number).cloned()),
            column: columns
                .iter()
                .copied()
                .find(|column| measures.get(*column) == Some(&count.label.as_str())),
            whole: count.whole,
        })
        .collect();
    let shown: BTreeSet<usize> = quantities.iter().filter_map(|one| one.column).collect();
    (shown.len() == columns.len()).then_some(quantities)
}

/// How many rows (or people) of each group are in exactly each combination of counts.
pub(super) struct Atoms {
    pub(super) patterns: Vec<u32>,
    pub(super) sizes: Vec<BTreeMap<u32, u64>>,
}

impl Atoms {
    /// `None` where rows and people are counted side by side and differ: they do not add up together.
    pub(super) fn of(evidence: &Evidence, quantities: &[Quantity]) -> Option<Self> {
        let mut sizes = Vec::new();
        for (index, group) in evidence.groups.iter().enumerate() {
            sizes.push(match quantities {
                [only] => BTreeMap::from([(1, lone(evidence, index, only)?)]),
                _ => Self::of_group(evidence, group)?,
            });
        }
        let patterns: BTreeSet<u32> = sizes.iter().flat_map(|of| of.keys().copied()).collect();
        Some(Self {
            patterns: patterns
                .into_iter()
                .filter(|pattern| *pattern != 0)
                .collect(),
            sizes,
        })
    }

    fn of_group(evidence: &Evidence, group: &Group) -> Option<BTreeMap<u32, u64>> {
        let all = |level| evidence.counts.iter().all(|count| count.level == level);
        let sizes = |atoms: &[Atom], size: fn(&Atom) -> u64| {
            atoms
                .iter()
                .map(|atom| (atom.pattern, size(atom)))
                .collect()
        };
        if all(CountLevel::Rows) || group.rows == group.people {
            return Some(sizes(&group.row_atoms, |atom| atom.rows));
        }
        all(CountLevel::People).then(|| sizes(&group.person_atoms, |atom| atom.people))
    }

    pub(super) fn count(&self, group: usize, quantity: usize) -> u64 {
        let sizes = self.sizes.get(group).into_iter().flatten();
        sizes
            .filter(|(pattern, _)| is_in(**pattern, quantity))
            .map(|(_, size)| size)
            .sum()
    }
}

pub(super) fn is_in(pattern: u32, quantity: usize) -> bool {
    u32::try_from(quantity).is_ok_and(|bit| pattern >> bit & 1 == 1)
}

fn lone(evidence: &Evidence, group: usize, quantity: &Quantity) -> Option<u64> {
    let group = evidence.groups.get(group)?;
    count(evidence.measured(&group.values).nth(quantity.column?)?)
}

/// A count as a row shows it.
pub(super) fn count(value: &Datum) -> Option<u64> {
    value.text()?.parse().ok()
}
