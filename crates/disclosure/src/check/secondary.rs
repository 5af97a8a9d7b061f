//! Which further cells are hidden where a table of counts adds up: the audited patterns of
//! [`crate::suppress`] over the cells and margins of one statement.

use std::collections::{BTreeMap, BTreeSet};

use super::absent::Absent;
use super::treated::Hidden;
use crate::evidence::{Evidence, Group, Kind, Shown};
use crate::report::{CellReport, Rule, Status};
use crate::suppress::{
    Bounds, CellStatus, EFFORT, Hierarchies, Levels, Linked, Place, RequestCell, RequestTable,
    Suppression, link, suppress, verify,
};
use crate::{Datum, Policy, ZeroRule};

/// The most groups for which a pattern is searched; larger tables are hidden by what overlaps.
const GROUPS_MAX: usize = 10_000;
/// A check answers while somebody waits: about a CPU second of search.
const SEARCH: u64 = EFFORT / 6;

/// A safe pattern with what proves it.
pub(super) struct Pattern {
    linked: Linked,
    found: Suppression,
}

/// Finds a safe pattern over the table with its margins. `None` where it does not apply, and then what
/// shares people with a hidden cell has to be hidden: more than one measure, a reader who knows more
/// equations than the margins, a rule that asks for more than that a small count stays unknown, margins
/// that are not the sums of the cells, no safe pattern, or too many groups.
pub(super) fn pattern(
    evidence: &Evidence,
    cells: &[CellReport],
    unsafe_groups: &BTreeMap<usize, Hidden>,
    absent: &[Absent],
    policy: &Policy,
) -> Option<Pattern> {
    if unsafe_groups.is_empty() || !is_simple(evidence) || !only_small(cells) {
        return None;
    }
    // A combination that must not be known to be empty, and that no data show to be possible: whether a
    // reader knows it to be impossible cannot be told.
    let open = absent.iter().any(|one| !one.structural);
    if policy.zero() == ZeroRule::Unsafe && open {
        return None;
    }
    let alone = holders(evidence)?;
    let mut request = RequestTable {
        measure: "count".to_owned(),
        cells: Vec::new(),
    };
    for (index, group) in evidence.groups.iter().enumerate() {
        let mut cell = cell(evidence, group, policy)?;
        cell.holder = alone.get(&index).copied();
        if unsafe_groups.contains_key(&index) {
            cell.status = CellStatus::Primary;
        }
        request.cells.push(cell);
    }
    let linked = link(&[request], &Hierarchies::new()).ok()?;
    let found = suppress(&linked.table, SEARCH);
    (found.feasible && found.proved_safe).then_some(Pattern { linked, found })
}

impl Pattern {
    /// The groups that are hidden.
    pub(super) fn hidden(&self) -> BTreeMap<usize, Hidden> {
        let chosen: BTreeSet<usize> = self.found.hidden.iter().copied().collect();
        let places = self.linked.index.iter().flatten().enumerate();
        places
            .filter(|(_, cell)| chosen.contains(cell))
            .map(|(group, _)| (group, Hidden::Row))
            .collect()
    }

    /// Whether rows that are to leave show of the table only what the proof allows: every count in them is
    /// that of a group that is not hidden, and with exactly the others hidden every primary cell has its
    /// witnesses.
    pub(super) fn holds_for(&self, evidence: &Evidence, rows: &[Vec<Datum>]) -> bool {
        let mut left: BTreeMap<&[Datum], usize> = BTreeMap::new();
        for row in rows.iter().filter(|row| !shows_nothing(evidence, row)) {
            *left.entry(row.as_slice()).or_default() += 1;
        }
        let mut hidden = vec![true; self.linked.table.cells().len()];
        for (group, cell) in evidence
            .groups
            .iter()
            .zip(self.linked.index.iter().flatten())
        {
            let Some(times) = left.get_mut(group.values.as_slice()) else {
                continue;
            };
            // Two groups with one row (a missing value beside a total): each is taken as shown, so
            // that the proof must do without both.
            *times = 0;
            if let Some(place) = hidden.get_mut(*cell) {
                *place = false;
            }
        }
        let traced = left.values().all(|times| *times == 0);
        let cells = || self.linked.table.cells().iter().enumerate();
        let proved: BTreeSet<usize> = self
            .found
            .proof
            .iter()
            .map(|(need, _)| need.cell as usize)
            .collect();
        traced
            && cells().all(|(index, cell)| {
                cell.status != CellStatus::Primary
                    || (hidden.get(index) == Some(&true) && proved.contains(&index))
            })
            && self
                .found
                .proof
                .iter()
                .all(|(need, witnesses)| verify(&self.linked.table, &hidden, need, witnesses))
    }
}

/// One count, in every row, with all keys grouped by in one of the sets: then every total is a sum of
/// cells that are in the problem, and nothing ties the cells but these sums.
fn is_simple(evidence: &Evidence) -> bool {
    let measures: Vec<Kind> = evidence.measures().map(|(_, kind)| kind).collect();
    measures == [Kind::Count]
        && evidence.shown == Shown::All
        && evidence.counts.len() <= 1
        && evidence.parts.is_empty()
        && !evidence.columns.iter().any(|column| column.across)
        && evidence.sets.len() > 1
        && evidence.groups.len() <= GROUPS_MAX
        && finest(evidence).is_some()
}

/// The set of all keys.
fn finest(evidence: &Evidence) -> Option<usize> {
    let all = evidence.keys.len();
    evidence.sets.iter().position(|set| {
        let keys: BTreeSet<&u16> = set.iter().collect();
        keys.len() == all
    })
}

/// Whether only small counts are unsafe. What is unsafe because all are in it, say, is not made safe by a
/// count that may be other.
fn only_small(cells: &[CellReport]) -> bool {
    let primary = cells.iter().filter(|c| c.status == Status::Primary);
    primary
        .flat_map(|cell| &cell.findings)
        .all(|finding| matches!(finding.rule, Rule::Threshold | Rule::Zero))
}

/// The groups of one person, who knows them, each under a number for the person; `None` where a person may
/// be alone in several groups that cannot be told to be theirs.
fn holders(evidence: &Evidence) -> Option<BTreeMap<usize, u32>> {
    let finest = finest(evidence)?;
    let single = |group: &&Group| group.people == 1;
    if !evidence.groups.iter().any(|group| single(&group)) {
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
        .find(|group| is_set(evidence, group, |set| set.is_empty()))?;
    let people: u64 = of_finest().map(|(_, group)| group.people).sum();
    if people != everybody.people {
        return None;
    }
    let mut alone = BTreeMap::new();
    for (index, group) in evidence
        .groups
        .iter()
        .enumerate()
        .filter(|(_, g)| single(g))
    {
        let part = of_finest().find(|(_, fine)| within(evidence, fine, group));
        let (person, _) = part?;
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

/// A group as a cell. That it is in the table says that it is not empty, unless it shows zero; a small one
/// must stay anything from that to the policy's minimum.
fn cell(evidence: &Evidence, group: &Group, policy: &Policy) -> Option<RequestCell> {
    let value = count(evidence, group)?;
    let least = value.min(1.0);
    let minimum = policy.minimum() as f64;
    let set = evidence.sets.get(usize::from(group.set))?;
    let place = set.iter().map(|key| {
        let key = usize::from(*key);
        // By number: two keys may have one name.
        Some((format!("{key}"), group.key.get(key)?.clone()))
    });
    Some(RequestCell {
        place: place.collect::<Option<Place>>()?,
        value,
        // Many small cells rather than a large one, but not at any price.
        cost: (1.0 + value).ln(),
        status: CellStatus::Safe,
        bounds: Bounds {
            lower: least,
            upper: f64::INFINITY,
        },
        levels: Levels {
            lower: value - least,
            upper: (minimum - value).max(0.0),
            sliding: 0.0,
        },
        holder: None,
    })
}

/// The count that a group's row shows, a whole number.
fn count(evidence: &Evidence, group: &Group) -> Option<f64> {
    let shown = evidence.measured(&group.values).next()?;
    let count: u64 = shown.text()?.parse().ok()?;
    Some(count as f64)
}

fn shows_nothing(evidence: &Evidence, row: &[Datum]) -> bool {
    evidence.measured(row).all(|value| *value == Datum::Missing)
}
