//! A total or a mean with its margins as one problem.

use std::collections::BTreeSet;

use super::{Problem, Unsafe, linked};
use crate::Datum;
use crate::evidence::{Evidence, Kind, Magnitude};
use crate::suppress::{Bounds, CellStatus, Levels, RequestCell, RequestTable};

/// The share of a value by which it must stay unknown where the p% rule is off.
pub(super) const SHARE: f64 = 0.1;

/// How a column adds up.
#[derive(Clone, Copy)]
enum Adds {
    /// It is a sum.
    Itself,
    /// It is a mean: times the rows with a value it is a sum. A reader is taken to know how many these are.
    TimesRows,
}

/// What a group adds to its margins.
pub(super) struct Sum {
    pub(super) value: f64,
    pub(super) bounds: Bounds,
    /// How unknown it must stay where its cell is unsafe; `None` if there is nothing in it to protect.
    pub(super) levels: Option<Levels>,
}

/// The problem of one measure; `hidden` are groups of which nothing that depends on values is seen. `None` where
/// it does not add up, or a reader could know more than its margins.
pub(super) fn problem(
    found: &Unsafe<'_>,
    measure: usize,
    hidden: &BTreeSet<usize>,
) -> Option<Problem> {
    let part = part_of(found.evidence, measure, Kind::Total)?;
    [Adds::Itself, Adds::TimesRows]
        .into_iter()
        .find_map(|adds| {
            posed(found, measure, hidden, |group| {
                let value = value(found, group, measure, adds)?;
                let magnitude = found.evidence.groups.get(group)?.magnitudes.get(part)?;
                Some(Sum {
                    value,
                    bounds: AT_LEAST_NOTHING,
                    levels: Some(levels(found, magnitude, value)),
                })
            })
        })
}

/// The only part that a measure shows, if it is of this kind.
pub(super) fn part_of(evidence: &Evidence, measure: usize, kind: Kind) -> Option<usize> {
    let parts = evidence.parts.iter().enumerate();
    let mut parts =
        parts.filter(|(_, part)| part.measures.iter().any(|m| usize::from(*m) == measure));
    match (parts.next(), parts.next()) {
        (Some((part, only)), None) if only.kind == kind => Some(part),
        _ => None,
    }
}

/// The problem of what the groups add to their margins.
pub(super) fn posed(
    found: &Unsafe<'_>,
    measure: usize,
    hidden: &BTreeSet<usize>,
    sum: impl Fn(usize) -> Option<Sum>,
) -> Option<Problem> {
    if !found.may_have(found.evidence.groups.len()) {
        return None;
    }
    let mut cells = Vec::new();
    for (index, group) in found.evidence.groups.iter().enumerate() {
        let sum = sum(index)?;
        let status = match sum.levels {
            Some(_) if found.cells.contains(&(index, measure)) => CellStatus::Primary,
            None => CellStatus::Hidden,
            Some(_) if hidden.contains(&index) => CellStatus::Hidden,
            Some(_) => CellStatus::Safe,
        };
        cells.push(RequestCell {
            place: found.place(group.set, &group.key)?,
            value: sum.value,
            cost: (1.0 + sum.value).ln(),
            status,
            bounds: sum.bounds,
            levels: sum.levels.unwrap_or(Levels::EXACT),
            holder: found.alone.get(&index).copied(),
        });
    }
    // Where a combination is hidden because nobody has it, a reader cannot know its total to be nothing.
    for one in &found.empty {
        cells.push(RequestCell {
            place: found.place(one.set, &one.key)?,
            value: 0.0,
            cost: 0.0,
            status: CellStatus::Hidden,
            bounds: AT_LEAST_NOTHING,
            levels: Levels::EXACT,
            holder: None,
        });
    }
    let table = RequestTable {
        measure: "total".to_owned(),
        cells,
    };
    let (table, index) = linked(&[table], &[]).ok()?;
    let shows = index.first()?.iter().enumerate();
    let shows = shows.take(found.evidence.groups.len());
    Some(Problem {
        shows: shows
            .map(|(group, cell)| (group, measure, vec![*cell]))
            .collect(),
        table,
        hidden: BTreeSet::new(),
        proof: Vec::new(),
    })
}

const AT_LEAST_NOTHING: Bounds = Bounds {
    lower: 0.0,
    upper: f64::INFINITY,
};

/// `None` for what is negative or not finite.
fn value(found: &Unsafe<'_>, group: usize, measure: usize, adds: Adds) -> Option<f64> {
    let shown = found.shown(group, measure)?;
    if *shown == Datum::Missing {
        return Some(0.0);
    }
    let number: f64 = shown.text()?.parse().ok()?;
    let rows = found.evidence.groups.get(group)?.behind.get(measure)?.rows;
    let value = match adds {
        Adds::Itself => number,
        Adds::TimesRows => number * rows as f64,
    };
    (value.is_finite() && value >= 0.0).then_some(value)
}

/// How unknown an unsafe total must stay: as the rules on concentration ask, in the unit of the column, and by the
/// p% rule's share of itself at least.
fn levels(found: &Unsafe<'_>, magnitude: &Magnitude, value: f64) -> Levels {
    let policy = found.policy;
    let top = |n: usize| -> f64 { magnitude.top.iter().take(n).sum() };
    let share = policy.p_percent().unwrap_or(SHARE);
    let (first, both) = (top(1), top(2));
    let by_share = Levels::p_percent(100.0 * share, magnitude.total, first, both - first).upper;
    let by_largest = policy.dominance().map_or(0.0, |rule| {
        Levels::dominance(100.0 * rule.k, magnitude.total, top(rule.n)).upper
    });
    let unit = match magnitude.total > 0.0 {
        true => value / magnitude.total,
        false => 1.0,
    };
    let level = (by_share.max(by_largest) * unit).max(share * value);
    Levels {
        lower: level.min(value),
        upper: level,
        sliding: 0.0,
    }
}
