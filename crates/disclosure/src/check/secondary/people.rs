//! Who knows a group because they are alone in it.

use std::collections::{BTreeMap, BTreeSet};

use super::{At, Posed};
use crate::evidence::{Evidence, Group};

/// The set of all keys.
pub(super) fn finest(evidence: &Evidence) -> Option<usize> {
    let all = evidence.keys.len();
    evidence.sets.iter().position(|set| {
        let keys: BTreeSet<&u16> = set.iter().collect();
        keys.len() == all
    })
}

/// The groups of one person, each under a number for the person; `None` where a person may be alone in several
/// groups that cannot be told to be theirs.
pub(super) fn alone(tables: &[Posed<'_>]) -> Option<BTreeMap<At, u32>> {
    if let [only] = tables {
        let alone = by_finest(only.evidence)?;
        return Some(
            alone
                .into_iter()
                .map(|(group, of)| ((0, group), of))
                .collect(),
        );
    }
    let mut alone = BTreeMap::new();
    for (table, posed) in tables.iter().enumerate() {
        let measures = posed.evidence.measures().count();
        let groups = posed.evidence.groups.iter().enumerate();
        for (index, _) in groups.filter(|(_, group)| group.people == 1) {
            let lists = posed.people.iter().skip(index * measures).take(measures);
            let person = lists.flatten().next()?;
            alone.insert((table, index), *person);
        }
    }
    Some(alone)
}

/// The same of a table whose people are not listed.
fn by_finest(evidence: &Evidence) -> Option<BTreeMap<usize, u32>> {
    let finest = finest(evidence)?;
    let single = |group: &Group| group.people == 1;
    if !evidence.groups.iter().any(single) {
        return Some(BTreeMap::new());
    }
    let of_finest = || {
        let groups = evidence.groups.iter().enumerate();
        groups.filter(move |(_, group)| usize::from(group.set) == finest)
    };
    // Everybody is in one group of the finest set if the groups have as many people as all together.
    let everybody = evidence
        .groups
        .iter()
        .find(|group| is_set(evidence, group, <[u16]>::is_empty))?;
    let people: u64 = of_finest().map(|(_, group)| group.people).sum();
    if people != everybody.people {
        return None;
    }
    let mut alone = BTreeMap::new();
    let groups = evidence.groups.iter().enumerate();
    for (index, group) in groups.filter(|(_, group)| single(group)) {
        let (person, _) = of_finest().find(|(_, fine)| within(evidence, fine, group))?;
        alone.insert(index, u32::try_from(person).ok()?);
    }
    Some(alone)
}

fn is_set(evidence: &Evidence, group: &Group, holds: impl Fn(&[u16]) -> bool) -> bool {
    let set = evidence.sets.get(usize::from(group.set));
    set.is_some_and(|set| holds(set))
}

/// Whether a group of the finest set lies within another.
fn within(evidence: &Evidence, fine: &Group, coarse: &Group) -> bool {
    is_set(evidence, coarse, |set| {
        set.iter()
            .map(|key| usize::from(*key))
            .all(|key| fine.key.get(key) == coarse.key.get(key))
    })
}
