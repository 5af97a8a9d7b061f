//! Linear programmes over the differences from the true table.
//!
//! Deviations are counted in units of what is asked for and bounded by a small multiple of it: with
//! an unbounded cell and a large constant, a solver's tolerance carries the whole deviation and a
//! pattern that leaks looks safe.

#![allow(
    clippy::indexing_slicing,
    reason = "cells and equations are numbered by the table that made the arrays"
)]

use microlp::{ComparisonOp, OptimizationDirection, Problem, Variable};

use super::need::Witness;
use super::table::Table;

/// Deviations allowed at first, in units of the level asked for, and at last.
const REACHES: [f64; 2] = [8.0, 1e4];
/// A programme with more variables is not tried.
const VARIABLES_MAX: usize = 20_000;

/// What is asked of a programme.
#[derive(Clone, Copy)]
pub(crate) struct Wanted<'a> {
    pub(crate) cell: u32,
    /// Signed difference of the cell.
    pub(crate) target: f64,
    /// Cells of this respondent do not move.
    pub(crate) against: Option<u32>,
    /// Per cell: cost of a unit of difference; 0 is free, infinite means that it does not move.
    pub(crate) rate: &'a [f64],
}

/// The cells that can take part in a move of one cell, and the equations among them: cells that
/// cannot move and cells alone in an equation are peeled off.
pub(crate) struct Part {
    pub(crate) cells: Vec<u32>,
    pub(crate) rows: Vec<u32>,
}

/// The part of the table that is connected with `cell` through cells that can move.
/// `None` if the cell cannot move because an equation has no other that can.
pub(crate) fn part(
    table: &Table,
    cell: u32,
    against: Option<u32>,
    can_move: impl Fn(usize) -> bool,
) -> Option<Part> {
    let n = table.cells().len();
    let mut active = vec![false; n];
    for (index, it) in table.cells().iter().enumerate() {
        let known = against.is_some() && it.holder == against;
        active[index] = can_move(index) && !known && it.bounds.lower < it.bounds.upper
            || index == cell as usize;
    }
    let mut left: Vec<u32> = table
        .rows()
        .iter()
        .map(|row| row.iter().filter(|(c, _)| active[*c as usize]).count() as u32)
        .collect();
    let mut queue: Vec<u32> = (0..left.len() as u32)
        .filter(|row| left[*row as usize] == 1)
        .collect();
    while let Some(row) = queue.pop() {
        if left[row as usize] != 1 {
            continue;
        }
        let alone = table.rows()[row as usize]
            .iter()
            .find(|(c, _)| active[*c as usize]);
        let Some(&(alone, _)) = alone else { continue };
        if alone == cell {
            return None;
        }
        active[alone as usize] = false;
        for &(other, _) in &table.columns()[alone as usize] {
            left[other as usize] -= 1;
            if left[other as usize] == 1 {
                queue.push(other);
            }
        }
    }
    Some(connected(table, cell, &active))
}

fn connected(table: &Table, cell: u32, active: &[bool]) -> Part {
    let mut seen_cell = vec![false; active.len()];
    let mut seen_row = vec![false; table.rows().len()];
    let mut part = Part {
        cells: vec![cell],
        rows: Vec::new(),
    };
    seen_cell[cell as usize] = true;
    let mut next = 0;
    while let Some(&from) = part.cells.get(next) {
        next += 1;
        for &(row, _) in &table.columns()[from as usize] {
            if std::mem::replace(&mut seen_row[row as usize], true) {
                continue;
            }
            part.rows.push(row);
            for &(to, _) in &table.rows()[row as usize] {
                if active[to as usize] && !std::mem::replace(&mut seen_cell[to as usize], true) {
                    part.cells.push(to);
                }
            }
        }
    }
    part
}

/// A cheapest table in which the cell differs by the target, or nothing if there is none (or the
/// solver could not say). Adds what it took to `work`.
pub(crate) fn reach(table: &Table, wanted: Wanted<'_>, work: &mut u64) -> Option<Witness> {
    let it = &table.cells()[wanted.cell as usize];
    let after = it.value + wanted.target;
    let slack = 1e-9 * wanted.target.abs();
    if after < it.bounds.lower - slack || after > it.bounds.upper + slack {
        return None;
    }
    let part = part(table, wanted.cell, wanted.against, |i| {
        wanted.rate[i].is_finite()
    })?;
    if part.cells.len() > VARIABLES_MAX {
        return None;
    }
    REACHES
        .into_iter()
        .find_map(|reach| solve(table, &part, wanted, reach, work))
}

fn solve(
    table: &Table,
    part: &Part,
    wanted: Wanted<'_>,
    reach: f64,
    work: &mut u64,
) -> Option<Witness> {
    let unit = wanted.target.abs();
    let rates = part.cells.iter().map(|c| wanted.rate[*c as usize]);
    let dearest = rates.fold(0.0, f64::max).max(1e-12);
    let mut problem = Problem::new(OptimizationDirection::Minimize);
    let mut variables: Vec<Vec<(Variable, f64)>> = vec![Vec::new(); part.cells.len()];
    let mut place = std::collections::HashMap::with_capacity(part.cells.len());
    for (index, &cell) in part.cells.iter().enumerate().skip(1) {
        place.insert(cell, index);
        let it = &table.cells()[cell as usize];
        let down = ((it.value - it.bounds.lower) / unit).min(reach);
        let up = ((it.bounds.upper - it.value) / unit).min(reach);
        let rate = wanted.rate[cell as usize] / dearest;
        if rate > 0.0 {
            variables[index].push((problem.add_var(rate, (0.0, up)), 1.0));
            variables[index].push((problem.add_var(rate, (0.0, down)), -1.0));
        } else {
            variables[index].push((problem.add_var(0.0, (-down, up)), 1.0));
        }
    }
    let mut size = 0;
    for &row in &part.rows {
        let mut expression: Vec<(Variable, f64)> = Vec::new();
        let mut constant = 0.0;
        for &(cell, coefficient) in &table.rows()[row as usize] {
            if cell == wanted.cell {
                constant -= coefficient * wanted.target.signum();
            } else if let Some(&index) = place.get(&cell) {
                let terms = variables[index].iter();
                expression.extend(terms.map(|(v, sign)| (*v, sign * coefficient)));
            }
        }
        size += expression.len();
        problem.add_constraint(expression, ComparisonOp::Eq, constant);
    }
    *work += 400 + 60 * size as u64 + (part.rows.len() * part.rows.len() / 4) as u64;
    let solution = problem.solve().ok()?.into_solution().ok()?;
    let mut witness = vec![(wanted.cell, wanted.target)];
    for (index, &cell) in part.cells.iter().enumerate().skip(1) {
        let terms = variables[index].iter();
        let share: f64 = terms.map(|(v, sign)| sign * solution.var_value(*v)).sum();
        // What is a rounding error from nothing, from a whole number or from a bound is that.
        if share.abs() > 1e-6 {
            let mut difference = share * unit;
            if table.is_whole() && (difference - difference.round()).abs() < 1e-4 {
                difference = difference.round();
            }
            let it = &table.cells()[cell as usize];
            let difference =
                difference.clamp(it.bounds.lower - it.value, it.bounds.upper - it.value);
            witness.push((cell, difference));
        }
    }
    Some(Witness(witness))
}

/// How far the cell can go in a direction (1 or -1) if the cells of `can_move` may move:
/// the attacker's programme. Infinite if there is no end; `None` if the solver could not say.
pub(crate) fn farthest(
    table: &Table,
    cell: u32,
    direction: f64,
    against: Option<u32>,
    can_move: &[bool],
) -> Option<f64> {
    let Some(part) = part(table, cell, against, |i| can_move[i]) else {
        return Some(0.0);
    };
    let unit = part
        .cells
        .iter()
        .map(|c| table.cells()[*c as usize].value.abs())
        .fold(0.0, f64::max)
        .max(1e-9);
    let mut problem = Problem::new(OptimizationDirection::Maximize);
    let mut variables = std::collections::HashMap::with_capacity(part.cells.len());
    for &index in &part.cells {
        let it = &table.cells()[index as usize];
        let down = (it.value - it.bounds.lower) / unit;
        let up = (it.bounds.upper - it.value) / unit;
        let weight = if index == cell { direction } else { 0.0 };
        variables.insert(index, problem.add_var(weight, (-down, up)));
    }
    for &row in &part.rows {
        let expression: Vec<(Variable, f64)> = table.rows()[row as usize]
            .iter()
            .filter_map(|(c, coefficient)| variables.get(c).map(|v| (*v, *coefficient)))
            .collect();
        problem.add_constraint(expression, ComparisonOp::Eq, 0.0);
    }
    match problem.solve() {
        Ok(outcome) => Some(outcome.into_solution().ok()?.objective() * unit),
        Err(microlp::Error::Unbounded) => Some(f64::INFINITY),
        Err(_) => None,
    }
}
