//! A total or a mean with its margins as one problem.

use std::collections::BTreeSet;

use super::{At, Number, Problem, Unsafe, linked};
use crate::Datum;
use crate::evidence::{Evidence, Kind, Magnitude};
use crate::suppress::{Bounds, CellStatus, Levels, RequestCell, RequestTable};

/// The share of a value by which it must stay unknown where the p% rule is off.
pub(super) const SHARE: f64 = 0.1;

/// A measure: its table and its place there.
pub(super) type Column = (usize, usize);

/// How a column adds up.
#[derive(Clone, Copy)]
enum Adds {
    /// As what its people contribute: a sum, a mean, rounded or not, tells at most that.
    Contributed,
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

/// The problem of measures of the same values, or one of each; `hidden` are groups of which nothing that depends on
/// values is seen. `None` where they do not add up, or a reader could know more than their margins.
pub(super) fn problems(
    found: &Unsafe<'_>,
    columns: &[Column],
    hidden: &BTreeSet<At>,
) -> Option<Vec<Problem>> {
    let in_way = |adds, columns: &[Column]| {
        posed(found, columns, hidden, |at, measure| {
            let evidence = found.evidence(at.0)?;
            let part = part_of(evidence, measure, Kind::Total)?;
            let magnitude = evidence.groups.get(at.1)?.magnitudes.get(part)?;
            let value = value(found, (at.0, at.1, measure), magnitude, adds)?;
            Some(Sum {
                value,
                bounds: AT_LEAST_NOTHING,
                levels: Some(levels(found, magnitude, value)),
            })
        })
    };
    if let Some(problem) = in_way(Adds::Contributed, columns) {
        return Some(vec![problem]);
    }
    // Of values of people who are not named, or that are scaled, only what is shown is known to add up.
    if found.is_linked() {
        return None;
    }
    let alone = columns.iter().map(|column| {
        let mut ways = [Adds::Itself, Adds::TimesRows].into_iter();
        ways.find_map(|adds| in_way(adds, &[*column]))
    });
    alone.collect()
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

/// The problem of what the groups add to their margins, group and measure by `sum`.
pub(super) fn posed(
    found: &Unsafe<'_>,
    columns: &[Column],
    hidden: &BTreeSet<At>,
    sum: impl Fn(At, usize) -> Option<Sum>,
) -> Option<Problem> {
    let groups = |column: &Column| found.evidence(column.0).map_or(0, |of| of.groups.len());
    if !found.may_have(columns.iter().map(groups).sum()) {
        return None;
    }
    let mut tables = Vec::new();
    for column in columns {
        tables.push(RequestTable {
            measure: "total".to_owned(),
            cells: cells(found, *column, hidden, &sum)?,
        });
    }
    let (table, index) = linked(&tables, &[]).ok()?;
    let mut shows: Vec<(Number, Vec<usize>)> = Vec::new();
    for (column, index) in columns.iter().zip(&index) {
        let (of, measure) = *column;
        let cells = index.iter().take(groups(column)).enumerate();
        shows.extend(cells.map(|(group, cell)| ((of, group, measure), vec![*cell])));
    }
    Some(Problem {
        shows,
        table,
        hidden: BTreeSet::new(),
        proof: Vec::new(),
    })
}

/// The groups of a table, then what must not be known to be empty.
fn cells(
    found: &Unsafe<'_>,
    (of, measure): Column,
    hidden: &BTreeSet<At>,
    sum: &impl Fn(At, usize) -> Option<Sum>,
) -> Option<Vec<RequestCell>> {
    let table = found.tables.get(of)?;
    let mut cells = Vec::new();
    for (index, group) in table.evidence.groups.iter().enumerate() {
        let at = (of, index);
        let sum = sum(at, measure)?;
        let status = match sum.levels {
            Some(_) if found.cells.contains(&(of, index, measure)) => CellStatus::Primary,
            None => CellStatus::Hidden,
            Some(_) if hidden.contains(&at) => CellStatus::Hidden,
            Some(_) if found.is_forced((of, index, measure)) => CellStatus::Forced,
            Some(_) => CellStatus::Safe,
        };
        cells.push(RequestCell {
            place: found.place(of, group.set, &group.key)?,
            value: sum.value,
            cost: (1.0 + sum.value).ln(),
            status,
            bounds: sum.bounds,
            levels: sum.levels.unwrap_or(Levels::EXACT),
            holder: found.alone.get(&at).copied(),
        });
    }
    // Where a combination is hidden because nobody has it, a reader cannot know its total to be nothing.
    for one in &table.empty {
        cells.push(RequestCell {
            place: found.place(of, one.set, &one.key)?,
            value: 0.0,
            cost: 0.0,
            status: CellStatus::Hidden,
            bounds: AT_LEAST_NOTHING,
            levels: Levels::EXACT,
            holder: None,
        });
    }
    Some(cells)
}

const AT_LEAST_NOTHING: Bounds = Bounds {
    lower: 0.0,
    upper: f64::INFINITY,
};

/// `None` for what is negative or not finite.
fn value(found: &Unsafe<'_>, number: Number, magnitude: &Magnitude, adds: Adds) -> Option<f64> {
    let shown = found.shown(number)?;
    let (table, group, measure) = number;
    let number = || -> Option<f64> {
        match *shown {
            Datum::Missing => Some(0.0),
            _ => shown.text()?.parse().ok(),
        }
    };
    let value = match adds {
        Adds::Contributed => {
            let all = magnitude.negative == 0 && magnitude.odd == 0 && magnitude.unnamed == 0;
            all.then_some(magnitude.total)?
        }
        Adds::Itself => number()?,
        Adds::TimesRows => {
            let group = found.evidence(table)?.groups.get(group)?;
            number()? * group.behind.get(measure)?.rows as f64
        }
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
