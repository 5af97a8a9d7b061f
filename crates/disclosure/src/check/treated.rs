//! What may leave instead of a table with unsafe cells.

use std::collections::{BTreeMap, BTreeSet};

use super::absent::Absent;
use super::shown;
use crate::evidence::{Column, Evidence, Group, Kind, Role, Shown, Visible};
use crate::names::Names;
use crate::report::{CellReport, Status, Told};
use crate::{Datum, Policy, ZeroRule};

/// How much of a group is hidden.
#[derive(Clone)]
pub(super) enum Hidden {
    /// All of it: the group is too small, or two of its counts betray a small one.
    Row,
    /// These measures, which are of values: the group itself may be seen.
    Measures(BTreeSet<usize>),
}

impl Hidden {
    /// Whether all that the other hides is hidden.
    pub(super) fn holds(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Row, _) => true,
            (Self::Measures(_), Self::Row) => false,
            (Self::Measures(own), Self::Measures(measures)) => own.is_superset(measures),
        }
    }
}

/// Hides measures of a group too.
pub(super) fn also(
    evidence: &Evidence,
    hidden: &mut BTreeMap<usize, Hidden>,
    group: usize,
    measures: BTreeSet<usize>,
) {
    let all = evidence.measures().count();
    let merged: BTreeSet<usize> = match hidden.get(&group) {
        Some(Hidden::Row) => return,
        Some(Hidden::Measures(own)) => own.union(&measures).copied().collect(),
        None => measures,
    };
    let much = match merged.len() == all {
        true => Hidden::Row,
        false => Hidden::Measures(merged),
    };
    hidden.insert(group, much);
}

/// What must be hidden of a group with these cells; `None` if nothing.
pub(super) fn hidden(evidence: &Evidence, cells: &[CellReport]) -> Option<Hidden> {
    let mut measures = BTreeSet::new();
    for cell in cells.iter().filter(|cell| cell.status == Status::Primary) {
        let measure = evidence
            .measures()
            .position(|(name, _)| name == cell.column);
        match measure.and_then(|place| Some((place, evidence.measures().nth(place)?.1))) {
            None | Some((_, Kind::Count | Kind::Share | Kind::Distinct | Kind::Crafted)) => {
                return Some(Hidden::Row);
            }
            Some((
                place,
                Kind::Total
                | Kind::Spread
                | Kind::Relation
                | Kind::Quantile
                | Kind::Extreme
                | Kind::Mode,
            )) => {
                measures.insert(place);
            }
        }
    }
    // With nothing left beside its keys a row is hidden like any other.
    let all = !measures.is_empty() && measures.len() == evidence.measures().count();
    match (measures.is_empty(), all) {
        (true, _) => None,
        (false, true) => Some(Hidden::Row),
        (false, false) => Some(Hidden::Measures(measures)),
    }
}

/// What else has to be hidden: in every other grouping set the groups that can have people in common with a
/// hidden one, or with a combination that must not be known to be empty. After that no number that is shown
/// depends on anybody behind a hidden one, so none can be worked out, whoever subtracts what.
pub(super) fn with_totals(
    evidence: &Evidence,
    unsafe_groups: BTreeMap<usize, Hidden>,
    absent: &[Absent],
    policy: &Policy,
) -> BTreeMap<usize, Hidden> {
    if evidence.sets.len() < 2 {
        return unsafe_groups;
    }
    let additive: BTreeSet<usize> = additive(evidence);
    let measures = |hidden: &Hidden| match hidden {
        Hidden::Row => additive.clone(),
        Hidden::Measures(measures) => measures.intersection(&additive).copied().collect(),
    };
    let mut causes: Vec<(u16, &[Datum], BTreeSet<usize>)> = Vec::new();
    for (index, hidden) in &unsafe_groups {
        if let Some(group) = evidence.groups.get(*index) {
            causes.push((group.set, group.key.as_slice(), measures(hidden)));
        }
    }
    if policy.zero() == ZeroRule::Unsafe {
        for one in absent.iter().filter(|one| !one.structural) {
            causes.push((one.set, one.key.as_slice(), additive.clone()));
        }
    }
    let mut hidden = unsafe_groups;
    for (index, group) in evidence.groups.iter().enumerate() {
        let touching = causes.iter().filter(|(set, key, _)| {
            *set != group.set && overlap(evidence, (*set, key), (group.set, group.key.as_slice()))
        });
        let more: BTreeSet<usize> = touching.flat_map(|(_, _, of)| of.iter().copied()).collect();
        if more.is_empty() {
            continue;
        }
        also(evidence, &mut hidden, index, more);
    }
    hidden
}

/// The measures that add up to totals. A median or a largest value of everybody gives back none of a group.
fn additive(evidence: &Evidence) -> BTreeSet<usize> {
    let adds = |kind| match kind {
        // Sums of squares and of products add up, whoever knows the means.
        Kind::Spread | Kind::Relation => true,
        Kind::Count | Kind::Share | Kind::Total | Kind::Crafted | Kind::Mode => true,
        Kind::Distinct | Kind::Quantile | Kind::Extreme => false,
    };
    let measures = evidence.measures().enumerate();
    measures
        .filter(|(_, (_, kind))| adds(*kind))
        .map(|(place, _)| place)
        .collect()
}

/// Whether two groups of different grouping sets can have people in common: they agree on the keys of both.
fn overlap(evidence: &Evidence, one: (u16, &[Datum]), other: (u16, &[Datum])) -> bool {
    let set = |number: u16| {
        evidence
            .sets
            .get(usize::from(number))
            .map_or(&[][..], Vec::as_slice)
    };
    let shared = set(one.0).iter().filter(|key| set(other.0).contains(key));
    shared
        .map(|key| usize::from(*key))
        .all(|place| one.1.get(place) == other.1.get(place))
}

/// Which cells of a group are hidden for the sake of others.
pub(super) fn is_secondary(evidence: &Evidence, hidden: &Hidden, cell: &CellReport) -> bool {
    let place = evidence
        .measures()
        .position(|(name, _)| name == cell.column);
    let is_hidden = match (hidden, place) {
        (Hidden::Row, _) => true,
        (Hidden::Measures(measures), Some(place)) => measures.contains(&place),
        (Hidden::Measures(_), None) => false,
    };
    is_hidden && cell.status == Status::Ok
}

/// Counts rounded to the nearest multiple of the base; what is computed from counts is left out, because it
/// gives them back.
pub(super) fn rounded(evidence: &Evidence, rows: &[Vec<Datum>], base: u64) -> Vec<Vec<Datum>> {
    let round = |value: &Datum| {
        let count = value.text().and_then(|text| text.parse::<u64>().ok());
        count.map_or(Datum::Missing, |count| {
            let up = count.saturating_add(base / 2);
            Datum::Number((up - up % base).to_string())
        })
    };
    let value = |(column, value): (&Column, &Datum)| match column.role {
        Role::Measure(Kind::Count) => round(value),
        Role::Measure(Kind::Share | Kind::Distinct) => Datum::Missing,
        Role::Key(_)
        | Role::Label
        | Role::Measure(
            Kind::Total
            | Kind::Spread
            | Kind::Relation
            | Kind::Quantile
            | Kind::Extreme
            | Kind::Crafted
            | Kind::Mode,
        ) => value.clone(),
    };
    let row = |row: &Vec<Datum>| evidence.columns.iter().zip(row).map(value).collect();
    rows.iter().map(row).collect()
}

/// The table without its unsafe rows; nothing if no row would be left. Rows of one grouping set are disjoint
/// groups, so nothing in one row says anything about another; what totals would say is hidden as well
/// ([`with_totals`]), and columns that look across rows (shares of a total, ranks) are left empty.
///
/// A limit counts the rows that are left, and not those of the statement: how many are missing from a
/// page would tell how many groups are small.
///
/// Where the statement shows every group under its whole key, an unsafe row whose key may be named
/// ([`Names`]) comes with its measures left empty instead. The order of the rows could tell what was in
/// it (`order by count`), so rows of which a part is hidden come after the others, in the order of their
/// keys, and emptied rows at the end. Where zeros are
/// unsafe, combinations that the table left out come as emptied rows too: otherwise their absence
/// would tell zero from small. A row of keys alone has nothing to empty.
pub(super) fn treated(
    evidence: &Evidence,
    unsafe_groups: &BTreeMap<usize, Hidden>,
    absent: &[Absent],
    names: &Names<'_>,
    policy: &Policy,
) -> Vec<Vec<Datum>> {
    let is_hidden = |index: &usize| matches!(unsafe_groups.get(index), Some(Hidden::Row));
    let left = || {
        let groups = evidence.groups.iter().enumerate();
        groups.filter(|(_, group)| group.visible != Visible::Excluded)
    };
    let before = left()
        .take_while(|(_, group)| group.visible == Visible::Beyond)
        .count();
    let rows: Vec<(usize, &Group)> = left()
        .filter(|(index, _)| !is_hidden(index))
        .skip(before)
        .take(shown(evidence).count())
        .collect();
    let (mut partly, whole): (Vec<_>, Vec<_>) = rows
        .into_iter()
        .partition(|(index, _)| unsafe_groups.contains_key(index));
    partly.sort_by_key(|(_, group)| (group.set, &group.key));
    let mut kept: Vec<Vec<Datum>> = whole
        .into_iter()
        .chain(partly)
        .map(|(index, group)| without(evidence, group, unsafe_groups.get(&index)))
        .collect();
    let every_key_shown = (0..evidence.keys.len()).all(|key| {
        evidence
            .columns
            .iter()
            .any(|c| matches!(c.role, Role::Key(k) if usize::from(k) == key))
    });
    if kept.is_empty()
        || evidence.shown != Shown::All
        || evidence.measures().next().is_none()
        || !every_key_shown
    {
        return kept;
    }
    let mut emptied: Vec<(u16, &[Datum])> = shown(evidence)
        .filter(|(index, _)| is_hidden(index))
        .map(|(_, group)| (group.set, group.key.as_slice()))
        .collect();
    if policy.zero() == ZeroRule::Unsafe {
        let can_exist = absent.iter().filter(|one| !one.structural);
        emptied.extend(can_exist.map(|one| (one.set, one.key.as_slice())));
    }
    emptied.retain(|(set, key)| names.told(*set, key) == Told::Whole);
    emptied.sort_unstable();
    kept.extend(
        emptied
            .into_iter()
            .map(|(_, key)| emptied_row(evidence, key)),
    );
    kept
}

/// A row without what is hidden of it.
fn without(evidence: &Evidence, group: &Group, hidden: Option<&Hidden>) -> Vec<Datum> {
    let none = BTreeSet::new();
    let measures = match hidden {
        Some(Hidden::Measures(measures)) => measures,
        Some(Hidden::Row) | None => &none,
    };
    let mut place = 0;
    let columns = evidence.columns.iter().zip(&group.values);
    columns
        .map(|(column, value)| match column.role {
            Role::Key(_) | Role::Label => value.clone(),
            Role::Measure(_) => {
                place += 1;
                // A share of a total gives back what is hidden of it.
                match column.across || measures.contains(&(place - 1)) {
                    true => Datum::Missing,
                    false => value.clone(),
                }
            }
        })
        .collect()
}

fn emptied_row(evidence: &Evidence, key: &[Datum]) -> Vec<Datum> {
    let value = |role| match role {
        Role::Key(k) => key.get(usize::from(k)).cloned().unwrap_or(Datum::Missing),
        // A label is left out too: a combination without rows has none to show.
        Role::Label | Role::Measure(_) => Datum::Missing,
    };
    evidence.columns.iter().map(|c| value(c.role)).collect()
}
