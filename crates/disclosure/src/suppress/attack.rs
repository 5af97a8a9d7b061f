//! The attacker on a finished pattern, whoever made it.

#![allow(
    clippy::indexing_slicing,
    reason = "cells and equations are numbered by the table that made the arrays"
)]

use super::need::{Need, Side, needs};
use super::programme::farthest;
use super::table::Table;

/// What an attacker can say of a cell.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    /// The least possible value.
    pub lower: f64,
    /// The largest possible value.
    pub upper: f64,
}

/// The result of attacking a pattern.
#[derive(Debug, Clone, PartialEq)]
pub struct Attack {
    /// Per primary cell, by index: what remains possible. `None` where the solver could not say.
    pub intervals: Vec<(u32, Option<Interval>)>,
    /// The needs that are not met, or not known to be.
    pub broken: Vec<Need>,
}

impl Attack {
    /// Whether every primary cell is protected to its levels.
    pub fn is_safe(&self) -> bool {
        self.broken.is_empty()
    }
}

/// Attacks a pattern: for every primary cell the two programmes `min` and `max` over all tables that
/// agree with the published cells, after interval propagation has had its say. `hidden` says per
/// cell whether it is hidden; `against` adds what that respondent knows.
///
/// The answer is for real numbers: in a table of counts an attacker may exclude more by asking
/// for whole numbers, which [`super::verify`] shows impossible where witnesses are whole.
pub fn attack(table: &Table, hidden: &[bool], against: Option<u32>) -> Attack {
    let outer = propagate(table, hidden, against);
    let mut result = Attack {
        intervals: Vec::new(),
        broken: Vec::new(),
    };
    for need in needs(table) {
        if against.is_some() && table.cells()[need.cell as usize].holder == against {
            continue;
        }
        let known = result.intervals.last().filter(|(c, _)| *c == need.cell);
        let interval = match known {
            Some((_, interval)) => *interval,
            None => {
                let interval = possible(table, need.cell, hidden, against, &outer);
                result.intervals.push((need.cell, interval));
                interval
            }
        };
        let value = table.cells()[need.cell as usize].value;
        let is_met = interval.is_some_and(|i| {
            let (up, down) = (i.upper - value, value - i.lower);
            let enough = |reach: f64, level: f64| reach >= level - 1e-6 * level.abs();
            match need.side {
                Side::Up(level) => enough(up, level),
                Side::Down(level) => enough(down, level),
                Side::Either(level) => enough(up.max(down), level),
                Side::Width(level) => enough(up + down, level),
            }
        });
        if !is_met {
            result.broken.push(Need { against, ..need });
        }
    }
    result
}

fn possible(
    table: &Table,
    cell: u32,
    hidden: &[bool],
    against: Option<u32>,
    outer: &[Interval],
) -> Option<Interval> {
    let it = &table.cells()[cell as usize];
    if !hidden[cell as usize] {
        return Some(Interval {
            lower: it.value,
            upper: it.value,
        });
    }
    let bound = outer[cell as usize];
    if bound.upper <= bound.lower {
        return Some(bound);
    }
    let up = farthest(table, cell, 1.0, against, hidden)?;
    let down = farthest(table, cell, -1.0, against, hidden)?;
    Some(Interval {
        lower: it.value - down,
        upper: it.value + up,
    })
}

/// Bounds on every cell that follow from one equation at a time, repeated until nothing changes
/// by more than a thousandth (or 50 times). Never narrower than what is really possible.
pub(crate) fn propagate(table: &Table, hidden: &[bool], against: Option<u32>) -> Vec<Interval> {
    let mut known: Vec<Interval> = table
        .cells()
        .iter()
        .zip(hidden)
        .map(|(cell, is_hidden)| {
            let is_known = !is_hidden || (against.is_some() && cell.holder == against);
            let (lower, upper) = if is_known {
                (cell.value, cell.value)
            } else {
                (cell.bounds.lower, cell.bounds.upper)
            };
            Interval { lower, upper }
        })
        .collect();
    for _ in 0..50 {
        let mut has_changed = false;
        for (row, rhs) in table.rows().iter().zip(table.constants()) {
            has_changed |= narrow(row, *rhs, &mut known);
        }
        if !has_changed {
            break;
        }
    }
    known
}

/// The other cells of an equation bound each of its cells.
fn narrow(row: &[(u32, f64)], rhs: f64, known: &mut [Interval]) -> bool {
    let term = |&(cell, c): &(u32, f64), known: &[Interval]| {
        let i = known[cell as usize];
        let (a, b) = (c * i.lower, c * i.upper);
        (a.min(b), a.max(b))
    };
    let mut has_changed = false;
    for index in 0..row.len() {
        let (cell, coefficient) = row[index];
        let now = known[cell as usize];
        if now.lower >= now.upper {
            continue;
        }
        let (mut least, mut most) = (rhs, rhs);
        for (_, other) in row.iter().enumerate().filter(|(i, _)| *i != index) {
            let (low, high) = term(other, known);
            least -= high;
            most -= low;
        }
        let (a, b) = (least / coefficient, most / coefficient);
        let (lower, upper) = (now.lower.max(a.min(b)), now.upper.min(a.max(b)));
        let slack = 1e-3 * (now.upper - now.lower).min(1e9);
        if lower > now.lower + slack || upper < now.upper - slack {
            has_changed = true;
        }
        known[cell as usize] = Interval {
            lower: lower.min(upper),
            upper: upper.max(lower),
        };
    }
    has_changed
}
