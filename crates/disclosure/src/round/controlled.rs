//! Controlled rounding: every cell to one of its two neighbouring multiples of the base, so that
//! totals still add up (Causey, Cox and Ernst, JASA 80, 1985; linked and hierarchical tables by
//! integer programming, Salazar-González).
//!
//! Two-way tables always have such a rounding; many-way and linked ones need not. Then cells may
//! go further, by as few multiples as it takes, or it is said that there is none.

use microlp::{ComparisonOp, OptimizationDirection, Problem, Variable};
use thiserror::Error;

use crate::suppress::Table;

/// Cells may be moved by at most this many multiples of the base beyond a neighbouring one.
const FURTHER_MAX: u32 = 3;
/// The most nodes of the integer programme.
const NODES_MAX: u64 = 20_000;

/// Why a table cannot be rounded so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum ControlledError {
    /// Not a base.
    #[error("the base is not a positive whole number")]
    Base,
    /// Not counts.
    #[error("only whole numbers that are not negative can be rounded under control")]
    NotCounts,
    /// No additive table near by.
    #[error("no additive table of multiples of the base lies near this one")]
    None,
    /// The search was given up.
    #[error("no additive rounding was found within the limit of {NODES_MAX} nodes")]
    GaveUp,
}

/// Rounded values in the order of the table's cells: multiples of `base`, each the multiple
/// below or above the true value (a true multiple stays), zero staying zero, every
/// equation of the table kept, and the distance from the true table as small as the integer
/// programme finds. Where no such table exists, cells may go up to three multiples further.
///
/// # Errors
/// Where the table is not one of counts, or no additive rounding is found.
pub fn controlled(table: &Table, base: u32) -> Result<Vec<u64>, ControlledError> {
    if base == 0 {
        return Err(ControlledError::Base);
    }
    let is_count = |v: f64| v >= 0.0 && v.fract() == 0.0 && v < 9e15;
    if !table.cells().iter().all(|c| is_count(c.value)) {
        return Err(ControlledError::NotCounts);
    }
    let mut gave_up = false;
    for further in 0..=FURTHER_MAX {
        match rounded(table, f64::from(base), further) {
            Ok(values) => return Ok(values),
            Err(ControlledError::GaveUp) => gave_up = true,
            Err(_) => {}
        }
    }
    Err(if gave_up {
        ControlledError::GaveUp
    } else {
        ControlledError::None
    })
}

/// Multiples of the base below a value, and the variables that add to them with their signs.
type Steps = (f64, Vec<(Variable, f64)>);

fn rounded(table: &Table, base: f64, further: u32) -> Result<Vec<u64>, ControlledError> {
    let mut problem = Problem::new(OptimizationDirection::Minimize);
    let mut steps: Vec<Steps> = Vec::new();
    for cell in table.cells() {
        let below = (cell.value / base).floor();
        let rest = cell.value - below * base;
        let mut more: Vec<(Variable, f64)> = Vec::new();
        // One binary for "up", at the price of what that is worse than "down".
        if rest > 0.0 {
            more.push((problem.add_binary_var((base - rest) - rest), 1.0));
        }
        let lowest = if cell.value == 0.0 {
            0.0
        } else {
            below.min(f64::from(further))
        };
        if further > 0 && cell.value > 0.0 {
            let highest = further as i32;
            more.push((problem.add_integer_var(base * 2.0, (0, highest)), 1.0));
            more.push((
                problem.add_integer_var(base * 2.0, (0, lowest as i32)),
                -1.0,
            ));
        }
        steps.push((below, more));
    }
    for (row, rhs) in table.rows().iter().zip(table.constants()) {
        let mut constant = rhs / base;
        let mut terms: Vec<(Variable, f64)> = Vec::new();
        for &(cell, coefficient) in row {
            if let Some((below, more)) = steps.get(cell as usize) {
                constant -= coefficient * below;
                terms.extend(more.iter().map(|(v, sign)| (*v, sign * coefficient)));
            }
        }
        if terms.is_empty() {
            if constant.abs() > 1e-9 {
                return Err(ControlledError::None);
            }
            continue;
        }
        problem.add_constraint(terms, ComparisonOp::Eq, constant);
    }
    let mut options = microlp::SolveOptions::default();
    options.node_limit = Some(NODES_MAX);
    let outcome = problem.solve_with(options).map_err(|e| match e {
        microlp::Error::Infeasible => ControlledError::None,
        _ => ControlledError::GaveUp,
    })?;
    let solution = outcome
        .into_solution()
        .map_err(|_| ControlledError::GaveUp)?;
    let values: Vec<u64> = steps
        .iter()
        .map(|(below, more)| {
            let moved: f64 = more
                .iter()
                .map(|(v, sign)| sign * solution.var_value(*v).round())
                .sum();
            ((below + moved) * base) as u64
        })
        .collect();
    if adds_up(table, &values, base) {
        Ok(values)
    } else {
        Err(ControlledError::GaveUp)
    }
}

/// What the solver said is checked in whole numbers.
fn adds_up(table: &Table, values: &[u64], base: f64) -> bool {
    table
        .rows()
        .iter()
        .zip(table.constants())
        .all(|(row, rhs)| {
            let sum: f64 = row
                .iter()
                .map(|(cell, c)| c * values.get(*cell as usize).map_or(f64::NAN, |v| *v as f64))
                .sum();
            (sum - (rhs / base).round() * base).abs() < 0.5
        })
}
