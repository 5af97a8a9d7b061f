//! What may leave instead of a table with unsafe cells.

use std::collections::BTreeSet;

use super::shown;
use crate::evidence::{Evidence, Role, Shown, Visible};
use crate::names::Names;
use crate::report::Told;
use crate::{Datum, Policy, ZeroRule};

/// The table without its unsafe rows; nothing if no row would be left. Safe without secondary
/// suppression because the table shows no margins (a statement with `rollup`, `cube` or window totals
/// is untraceable), rows are disjoint groups, and nothing in one row says anything about another.
///
/// A limit counts the rows that are left, and not those of the statement: how many are missing from a
/// page would tell how many groups are small.
///
/// Where the statement shows every group under its whole key, an unsafe row whose key may be named
/// ([`Names`]) comes with its measures left empty instead. The order of the rows could tell what was in
/// it (`order by count`), so emptied rows stand at the end in the order of their keys. Where zeros are
/// unsafe, combinations that the table left out come as emptied rows too: otherwise their absence
/// would tell zero from small. A row of keys alone has nothing to empty.
pub(super) fn treated(
    evidence: &Evidence,
    unsafe_groups: &BTreeSet<usize>,
    absent: &[Vec<Datum>],
    names: &Names<'_>,
    policy: &Policy,
) -> Vec<Vec<Datum>> {
    let left = || {
        let groups = evidence.groups.iter().enumerate();
        groups.filter(|(_, group)| group.visible != Visible::Excluded)
    };
    let before = left()
        .take_while(|(_, group)| group.visible == Visible::Beyond)
        .count();
    let mut kept: Vec<Vec<Datum>> = left()
        .filter(|(index, _)| !unsafe_groups.contains(index))
        .skip(before)
        .take(shown(evidence).count())
        .map(|(_, group)| group.values.clone())
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
    let mut emptied: Vec<&[Datum]> = shown(evidence)
        .filter(|(index, _)| unsafe_groups.contains(index))
        .map(|(_, group)| group.key.as_slice())
        .collect();
    if policy.zero() == ZeroRule::Unsafe {
        emptied.extend(absent.iter().map(Vec::as_slice));
    }
    emptied.retain(|key| names.told(key) == Told::Whole);
    emptied.sort_unstable();
    kept.extend(emptied.into_iter().map(|key| emptied_row(evidence, key)));
    kept
}

fn emptied_row(evidence: &Evidence, key: &[Datum]) -> Vec<Datum> {
    let value = |role| match role {
        Role::Key(k) => key.get(usize::from(k)).cloned().unwrap_or(Datum::Missing),
        // A label is left out too: a combination without rows has none to show.
        Role::Label | Role::Measure(_) => Datum::Missing,
    };
    evidence.columns.iter().map(|c| value(c.role)).collect()
}
