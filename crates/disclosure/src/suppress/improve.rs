//! Making a safe pattern cheaper.

#![allow(
    clippy::indexing_slicing,
    reason = "cells and equations are numbered by the table that made the arrays"
)]

use super::search::{Goal, Search, list_price};
use super::table::CellStatus;

/// Shows what is hidden without need, then tears out and rebuilds while the effort lasts.
pub(crate) fn run(search: &mut Search<'_>) {
    prune(search);
    if search.is_small() {
        rebuild(search);
    }
}

/// The secondary cells, the dearest first.
fn secondary(search: &Search<'_>) -> Vec<usize> {
    let cells = search.table.cells();
    let mut hidden: Vec<usize> = (0..cells.len())
        .filter(|i| search.hidden[*i] && cells[*i].status == CellStatus::Safe)
        .collect();
    hidden.sort_by(|a, b| cells[*b].cost.total_cmp(&cells[*a].cost));
    hidden
}

/// Goals with a witness through the cell.
fn users(search: &Search<'_>, cell: usize) -> Vec<usize> {
    search.users[cell]
        .iter()
        .map(|goal| *goal as usize)
        .filter(|goal| {
            let witnesses = &search.goals[*goal].witnesses;
            witnesses.iter().any(|w| w.at(cell as u32) != 0.0)
        })
        .collect()
}

/// Shows every secondary cell that the goals can do without, the dearest first.
pub(crate) fn prune(search: &mut Search<'_>) {
    // On a large table a programme for every cell would take too long.
    search.may_solve = search.is_small();
    // What is not hidden must not be hidden on the way.
    let shown: Vec<usize> = (0..search.hidden.len())
        .filter(|i| !search.hidden[*i])
        .collect();
    for &cell in &shown {
        search.prices.price[cell] = f64::INFINITY;
    }
    for cell in secondary(search) {
        let users = users(search, cell);
        if !users.is_empty() && search.work > search.effort {
            continue;
        }
        let before: Vec<(usize, Goal)> = users
            .iter()
            .map(|goal| (*goal, search.goals[*goal].clone()))
            .collect();
        search.show(cell, f64::INFINITY);
        if !search.protect(&users).is_empty() {
            search.hide(cell);
            for (goal, was) in before {
                search.goals[goal] = was;
            }
        }
    }
    for cell in 0..search.hidden.len() {
        if !search.hidden[cell] {
            search.prices.set(cell, list_price(search.table, cell));
        }
    }
    search.may_solve = true;
    tidy(search);
}

/// Forgets users that no longer are.
fn tidy(search: &mut Search<'_>) {
    for users in &mut search.users {
        users.clear();
    }
    for index in 0..search.goals.len() {
        let moved: Vec<usize> = search.goals[index]
            .witnesses
            .iter()
            .flat_map(|w| w.0.iter().map(|m| m.0 as usize))
            .collect();
        for cell in moved {
            let users = &mut search.users[cell];
            if users.last() != Some(&(index as u32)) {
                users.push(index as u32);
            }
        }
    }
}

/// Tears out a part of the secondary cells, rebuilds the protection that they gave at prices that are
/// a little wrong, prunes, and keeps the result if it is no dearer.
fn rebuild(search: &mut Search<'_>) {
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    let mut best = (search.cost(), search.hidden.clone(), search.goals.clone());
    let mut rounds_without = 0;
    while search.work < search.effort && rounds_without < 400 {
        let hidden = secondary(search);
        if hidden.is_empty() {
            return;
        }
        let torn = torn(search, &hidden, &mut dice);
        let mut broken: Vec<usize> = torn.iter().flat_map(|c| users(search, *c)).collect();
        broken.sort_unstable();
        broken.dedup();
        dice.shuffle(&mut broken);
        for cell in 0..search.hidden.len() {
            if !search.hidden[cell] {
                let price = list_price(search.table, cell) * (0.7 + 0.6 * dice.share());
                search.prices.set(cell, price);
            }
        }
        for &cell in &torn {
            // Dearer than it is, so that something else is tried.
            let price = list_price(search.table, cell) * (0.9 + 1.2 * dice.share());
            search.show(cell, price);
        }
        let is_whole = search.protect(&broken).is_empty();
        if is_whole {
            prune(search);
        }
        let cost = search.cost();
        if is_whole && cost <= best.0 * (1.0 + 1e-9) {
            rounds_without = if cost < best.0 * (1.0 - 1e-9) {
                0
            } else {
                rounds_without + 1
            };
            best = (
                cost.min(best.0),
                search.hidden.clone(),
                search.goals.clone(),
            );
        } else {
            rounds_without += 1;
            restore(search, &best.1, &best.2);
        }
    }
    restore(search, &best.1, &best.2);
}

fn restore(search: &mut Search<'_>, hidden: &[bool], goals: &[Goal]) {
    for (cell, is_hidden) in hidden.iter().enumerate() {
        if *is_hidden {
            search.hidden[cell] = true;
            search.prices.set(cell, 0.0);
        } else {
            search.show(cell, list_price(search.table, cell));
        }
    }
    search.goals = goals.to_vec();
    tidy(search);
}

/// The secondary cells to tear out: one with its neighbours, or some from everywhere.
fn torn(search: &Search<'_>, hidden: &[usize], dice: &mut Dice) -> Vec<usize> {
    let share = 0.1 + 0.5 * dice.share();
    if dice.share() < 0.5 {
        let first = hidden[dice.below(hidden.len())];
        let mut near: Vec<usize> = vec![first];
        for &(row, _) in &search.table.columns()[first] {
            for &(cell, _) in &search.table.rows()[row as usize] {
                let cell = cell as usize;
                if cell != first && hidden.contains(&cell) && dice.share() < 0.3 + share {
                    near.push(cell);
                }
            }
        }
        near.sort_unstable();
        near.dedup();
        return near;
    }
    let some: Vec<usize> = hidden
        .iter()
        .copied()
        .filter(|_| dice.share() < share)
        .collect();
    if some.is_empty() {
        vec![hidden[dice.below(hidden.len())]]
    } else {
        some
    }
}

/// Reproducible choices (splitmix64); nothing secret depends on them.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn share(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    fn below(&mut self, n: usize) -> usize {
        (self.next() % n.max(1) as u64) as usize
    }

    fn shuffle(&mut self, items: &mut [usize]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last + 1));
        }
    }
}
