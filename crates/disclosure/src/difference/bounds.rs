//! What follows because no group has fewer than nobody in it.

use std::collections::HashMap;

use microlp::{ComparisonOp, OptimizationDirection, Problem};

use super::space::System;

/// The most atoms of a programme, and the most small ones that are asked about.
const ATOMS_MAX: usize = 300;
const ASKED_MAX: usize = 40;

/// An atom that a reader can bound below the minimum with the new table and not without.
pub(crate) struct Bounded {
    pub(crate) atom: usize,
    pub(crate) least: f64,
    pub(crate) most: f64,
}

/// Small atoms that have an upper bound under the minimum because of the new table.
pub(crate) fn bounded(system: &System, minimum: u32) -> Vec<Bounded> {
    if system.atoms.len() > ATOMS_MAX {
        return Vec::new();
    }
    let small = (0..system.atoms.len())
        .filter(|a| system.atoms.get(*a).is_some_and(|a| a.people < minimum))
        .take(ASKED_MAX);
    let limit = f64::from(minimum) - 1e-6;
    small
        .filter_map(|atom| {
            let most = extreme(system, atom, OptimizationDirection::Maximize, true)?;
            if most >= limit {
                return None;
            }
            let before = extreme(system, atom, OptimizationDirection::Maximize, false);
            if before.is_some_and(|most| most < limit) {
                return None;
            }
            let least = extreme(system, atom, OptimizationDirection::Minimize, true)?;
            Some(Bounded { atom, least, most })
        })
        .collect()
}

/// How many small atoms have one possible size only.
pub(crate) fn exact_atoms(system: &System, minimum: u32) -> usize {
    if system.atoms.len() > ATOMS_MAX {
        return 0;
    }
    let small = (0..system.atoms.len())
        .filter(|a| system.atoms.get(*a).is_some_and(|a| a.people < minimum));
    small
        .take(ASKED_MAX)
        .filter(|atom| {
            let most = extreme(system, *atom, OptimizationDirection::Maximize, true);
            let least = extreme(system, *atom, OptimizationDirection::Minimize, true);
            matches!((most, least), (Some(most), Some(least)) if most.floor() < least + 1.0 - 1e-6)
        })
        .count()
}

/// The largest or smallest number of people an atom can have, with or without the new table's cells.
fn extreme(
    system: &System,
    atom: usize,
    direction: OptimizationDirection,
    with_new: bool,
) -> Option<f64> {
    let mut problem = Problem::new(direction);
    let mut rows: HashMap<u32, (Vec<(microlp::Variable, f64)>, f64)> = HashMap::new();
    for (index, it) in system.atoms.iter().enumerate() {
        let weight = if index == atom { 1.0 } else { 0.0 };
        let variable = problem.add_var(weight, (0.0, f64::INFINITY));
        for row in &it.rows {
            let is_new = system.rows.get(*row as usize).is_some_and(|r| r.0 == 0);
            if with_new || !is_new {
                let (terms, sum) = rows.entry(*row).or_default();
                terms.push((variable, 1.0));
                *sum += f64::from(it.people);
            }
        }
    }
    let mut order: Vec<u32> = rows.keys().copied().collect();
    order.sort_unstable();
    for row in order {
        if let Some((terms, sum)) = rows.remove(&row) {
            problem.add_constraint(terms, ComparisonOp::Eq, sum);
        }
    }
    match problem.solve() {
        Ok(outcome) => Some(outcome.into_solution().ok()?.objective()),
        Err(_) => None,
    }
}
