//! Combinations that no group has, and which of them cannot exist.

use std::collections::{BTreeMap, BTreeSet};

use super::cells;
use crate::Datum;
use crate::evidence::Evidence;

/// The fewest values of a finer key from which a hierarchy is read off the table.
const CHILDREN_MIN: usize = 4;

/// A combination of keys that no group has.
pub(super) struct Absent {
    pub(super) set: u16,
    pub(super) key: Vec<Datum>,
    /// Whether it cannot exist: a district of another region.
    pub(super) structural: bool,
}

/// Which keys nest in which: each value of the finer one (a district) is in one value of the coarser one
/// (its region). Combinations across are structural zeros, which tell nothing.
pub(super) struct Structure {
    /// Pairs of finer and coarser key, with the coarser value of each finer one.
    nested: Vec<(usize, usize, BTreeMap<Datum, Datum>)>,
}

impl Structure {
    /// Read off the table: at least [`CHILDREN_MIN`] finer values, every one in a single coarser value, and
    /// every coarser value with at least two of them. A table in which a handful of groups each happen to
    /// have one outcome is not a hierarchy.
    pub(super) fn of(evidence: &Evidence, minimum: u64) -> Self {
        let mut nested = Vec::new();
        for finer in 0..evidence.keys.len() {
            for coarser in 0..evidence.keys.len() {
                if finer != coarser
                    && let Some(parents) = parents(evidence, finer, coarser, minimum)
                {
                    nested.push((finer, coarser, parents));
                }
            }
        }
        Self { nested }
    }

    /// Whether a key is the coarser one of another that the set groups by too.
    pub(super) fn is_coarser(&self, key: u16, set: &[u16]) -> bool {
        let among = |place: usize| set.iter().any(|one| usize::from(*one) == place);
        self.nested
            .iter()
            .any(|(finer, coarser, _)| *coarser == usize::from(key) && among(*finer))
    }

    fn cannot_exist(&self, set: &[u16], key: &[Datum]) -> bool {
        let among = |place: usize| set.iter().any(|one| usize::from(*one) == place);
        self.nested.iter().any(|(finer, coarser, parents)| {
            let parent = key.get(*finer).and_then(|value| parents.get(value));
            among(*finer)
                && among(*coarser)
                && parent.is_some_and(|parent| Some(parent) != key.get(*coarser))
        })
    }

    /// Combinations of observed key values that no group has, for each grouping set; `None` if their cells are
    /// more than `cells_max`.
    pub(super) fn absent_keys(&self, evidence: &Evidence, cells_max: usize) -> Option<Vec<Absent>> {
        let mut found = Vec::new();
        for (number, set) in (0_u16..).zip(&evidence.sets) {
            if set.len() < 2 {
                continue;
            }
            let of_set = || evidence.groups.iter().filter(|group| group.set == number);
            let present: BTreeSet<&[Datum]> = of_set().map(|g| g.key.as_slice()).collect();
            let mut combinations: Vec<Vec<Datum>> = vec![Vec::new()];
            for position in 0_u16..u16::try_from(evidence.keys.len()).ok()? {
                let place = usize::from(position);
                // A totalled key is missing everywhere.
                let values: BTreeSet<&Datum> = of_set().filter_map(|g| g.key.get(place)).collect();
                let most = combinations.len().saturating_mul(values.len());
                if cells(evidence, most + found.len()) > cells_max {
                    return None;
                }
                combinations = combinations
                    .iter()
                    .flat_map(|head| {
                        values.iter().map(move |value| {
                            let mut key = head.clone();
                            key.push((*value).clone());
                            key
                        })
                    })
                    .collect();
            }
            combinations.retain(|key| !present.contains(key.as_slice()));
            found.extend(combinations.into_iter().map(|key| Absent {
                set: number,
                structural: self.cannot_exist(set, &key),
                key,
            }));
        }
        Some(found)
    }
}

/// The coarser value of each finer one, if every finer value has a single one. Whether there is a hierarchy is
/// read off groups with at least the minimum of people: what a researcher is told of a table must not depend
/// on the small ones.
fn parents(
    evidence: &Evidence,
    finer: usize,
    coarser: usize,
    minimum: u64,
) -> Option<BTreeMap<Datum, Datum>> {
    let both = |set: &Vec<u16>| {
        [finer, coarser]
            .iter()
            .all(|place| set.iter().any(|one| usize::from(*one) == *place))
    };
    let (mut parents, mut small): (BTreeMap<_, _>, BTreeMap<_, BTreeSet<_>>) = Default::default();
    for group in &evidence.groups {
        if !evidence.sets.get(usize::from(group.set)).is_some_and(both) {
            continue;
        }
        let (child, parent) = (group.key.get(finer)?, group.key.get(coarser)?);
        if group.people < minimum {
            small.entry(child).or_default().insert(parent);
        } else if parents
            .insert(child, parent)
            .is_some_and(|known| known != parent)
        {
            return None;
        }
    }
    let mut children: BTreeMap<&Datum, usize> = BTreeMap::new();
    for parent in parents.values() {
        *children.entry(parent).or_default() += 1;
    }
    let is_hierarchy = parents.len() >= CHILDREN_MIN
        && children.len() >= 2
        && children.values().all(|count| *count >= 2);
    if !is_hierarchy {
        return None;
    }
    for (child, of) in small {
        if let (Some(parent), 1) = (of.first(), of.len()) {
            parents.entry(child).or_insert(parent);
        }
    }
    let owned = parents
        .into_iter()
        .map(|(child, parent)| (child.clone(), parent.clone()));
    Some(owned.collect())
}
