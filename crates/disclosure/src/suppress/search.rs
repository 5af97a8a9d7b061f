//! The search for a cheap safe pattern.
//!
//! Greedy first: every primary cell is given, in turn, the cheapest witnesses that the cells hidden so
//! far and a few more allow (closed moves; on small tables also linear programmes whose rates follow
//! the last answer, "slope scaling"). Then whatever is hidden without need is shown again, and parts of
//! the pattern are torn out and rebuilt in another order for as long as the effort lasts. Every state
//! on the way is safe and carries its proof. No clock and no chance: the same table gives the same
//! pattern.

#![allow(
    clippy::indexing_slicing,
    reason = "cells and equations are numbered by the table that made the arrays"
)]

use super::circuit::Prices;
use super::improve;
use super::need::{Need, Side, Witness, needs, verify};
use super::table::{CellStatus, Table};

/// How much is looked at in all, about 20 million a CPU second: enough for tables of ten
/// thousand cells, and for small ones to be rebuilt hundreds of times.
pub const EFFORT: u64 = 120_000_000;
/// Up to this many cells programmes take part in finding patterns, not only in proving.
const SMALL: usize = 1_500;

/// A pattern with its proof.
#[derive(Debug, Clone, PartialEq)]
pub struct Suppression {
    /// Whether a safe pattern exists (as far as the search and its programmes could tell).
    pub feasible: bool,
    /// Indices of the hidden cells, primary cells among them, ascending. Where no pattern is safe:
    /// all that may be hidden, so that nobody takes the list for a table that may leave.
    pub hidden: Vec<usize>,
    /// The sum of the costs of the hidden cells.
    pub cost: f64,
    /// Whether every need was shown to be met by a witness that [`verify`] accepts for `hidden`.
    pub proved_safe: bool,
    /// Primary cells that cannot be protected, by index.
    pub unprotected: Vec<usize>,
    /// The needs with the witnesses that meet them.
    pub proof: Vec<(Need, Vec<Witness>)>,
}

/// What one primary cell needs against one reader, with the witnesses that it has.
#[derive(Clone)]
pub(crate) struct Goal {
    pub(crate) cell: u32,
    pub(crate) against: Option<u32>,
    pub(crate) needs: Vec<Need>,
    pub(crate) up: f64,
    pub(crate) down: f64,
    /// Either direction will do.
    pub(crate) either: bool,
    pub(crate) witnesses: Vec<Witness>,
}

/// A pattern in the making.
pub(crate) struct Search<'t> {
    pub(crate) table: &'t Table,
    pub(crate) prices: Prices<'t>,
    pub(crate) hidden: Vec<bool>,
    pub(crate) goals: Vec<Goal>,
    /// Per cell: goals that had a witness through it at some time.
    pub(crate) users: Vec<Vec<u32>>,
    pub(crate) work: u64,
    pub(crate) effort: u64,
    /// Whether programmes may be asked where moves do not do.
    pub(crate) may_solve: bool,
}

/// Finds a safe pattern of low cost. `effort` bounds the search for a cheaper one ([`EFFORT`] is the
/// usual), never the protection.
pub fn suppress(table: &Table, effort: u64) -> Suppression {
    let mut search = Search::new(table, effort);
    let mut unprotected = search.protect_all();
    if unprotected.is_empty() {
        improve::run(&mut search);
        let mut goals = 0;
        // A cheaper pattern can lead through the cells of other respondents.
        while unprotected.is_empty() && goals < search.goals.len() {
            goals = search.goals.len();
            unprotected = search.protect_from_respondents();
            if unprotected.is_empty() && goals < search.goals.len() {
                improve::run(&mut search);
            }
        }
    }
    search.finish(unprotected)
}

impl<'t> Search<'t> {
    fn new(table: &'t Table, effort: u64) -> Self {
        let hidden: Vec<bool> = table
            .cells()
            .iter()
            .map(|c| matches!(c.status, CellStatus::Primary | CellStatus::Hidden))
            .collect();
        let price = (0..hidden.len())
            .map(|i| if hidden[i] { 0.0 } else { list_price(table, i) })
            .collect();
        Self {
            table,
            prices: Prices::new(table, price),
            goals: goals(table),
            users: vec![Vec::new(); hidden.len()],
            hidden,
            work: 0,
            effort,
            may_solve: true,
        }
    }

    pub(crate) fn is_small(&self) -> bool {
        self.table.cells().len() <= SMALL
    }

    pub(crate) fn hide(&mut self, cell: usize) {
        if !self.hidden[cell] {
            self.hidden[cell] = true;
            self.prices.set(cell, 0.0);
        }
    }

    pub(crate) fn show(&mut self, cell: usize, price: f64) {
        self.hidden[cell] = false;
        self.prices.set(cell, price);
    }

    pub(crate) fn cost(&self) -> f64 {
        let cells = self.table.cells().iter().zip(&self.hidden);
        cells.filter(|(_, h)| **h).map(|(c, _)| c.cost).sum()
    }

    /// Gives every goal its witnesses, the largest levels first; the cells that cannot be protected.
    fn protect_all(&mut self) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.goals.len()).collect();
        let size = |g: &Goal| g.up.max(g.down);
        order.sort_by(|a, b| size(&self.goals[*b]).total_cmp(&size(&self.goals[*a])));
        self.protect(&order)
    }

    /// Gives these goals witnesses; the cells that cannot be protected.
    pub(crate) fn protect(&mut self, order: &[usize]) -> Vec<usize> {
        let mut unprotected = Vec::new();
        for &goal in order {
            if self.is_met(goal) {
                continue;
            }
            match self.cover(goal) {
                Some(witnesses) => self.take(goal, witnesses),
                None => unprotected.push(self.goals[goal].cell as usize),
            }
        }
        unprotected.sort_unstable();
        unprotected.dedup();
        unprotected
    }

    /// Whether the witnesses that the goal has hold for the pattern as it is.
    pub(crate) fn is_met(&self, goal: usize) -> bool {
        let goal = &self.goals[goal];
        !goal.witnesses.is_empty()
            && goal
                .needs
                .iter()
                .all(|need| verify(self.table, &self.hidden, need, &goal.witnesses))
    }

    /// Hides what the witnesses need and keeps them.
    pub(crate) fn take(&mut self, goal: usize, witnesses: Vec<Witness>) {
        for &(cell, _) in witnesses.iter().flat_map(|w| &w.0) {
            self.hide(cell as usize);
            let users = &mut self.users[cell as usize];
            if !users.contains(&(goal as u32)) {
                users.push(goal as u32);
            }
        }
        self.goals[goal].witnesses = witnesses;
    }

    /// Protects every goal also against each respondent who is alone in a cell that its witnesses
    /// move: that reader knows the cell. The primary cells that cannot be protected so.
    fn protect_from_respondents(&mut self) -> Vec<usize> {
        let mut unprotected = Vec::new();
        for index in 0..self.goals.len() {
            let goal = self.goals[index].clone();
            if goal.against.is_some() {
                continue;
            }
            let own = self.table.cells()[goal.cell as usize].holder;
            let holder = |c: u32| self.table.cells()[c as usize].holder;
            let moved = goal.witnesses.iter().flat_map(|w| &w.0);
            let readers: std::collections::BTreeSet<u32> =
                moved.filter_map(|(cell, _)| holder(*cell)).collect();
            for reader in readers.into_iter().filter(|r| Some(*r) != own) {
                let is_same = |g: &Goal| g.cell == goal.cell && g.against == Some(reader);
                if self.goals.iter().any(is_same) {
                    continue;
                }
                let mut against = goal.clone();
                against.against = Some(reader);
                against.witnesses = Vec::new();
                for need in &mut against.needs {
                    need.against = Some(reader);
                }
                self.goals.push(against);
                let added = self.goals.len() - 1;
                unprotected.extend(self.protect(&[added]));
            }
        }
        unprotected.sort_unstable();
        unprotected.dedup();
        unprotected
    }

    fn finish(mut self, unprotected: Vec<usize>) -> Suppression {
        let feasible = unprotected.is_empty();
        if !feasible {
            for index in 0..self.hidden.len() {
                if self.table.cells()[index].status != CellStatus::Forced {
                    self.hide(index);
                }
            }
        }
        let mut proof = Vec::new();
        let mut is_proved = true;
        for goal in &self.goals {
            for need in &goal.needs {
                is_proved &= verify(self.table, &self.hidden, need, &goal.witnesses);
                proof.push((*need, goal.witnesses.clone()));
            }
        }
        Suppression {
            feasible,
            hidden: (0..self.hidden.len()).filter(|i| self.hidden[*i]).collect(),
            cost: self.cost(),
            proved_safe: feasible && is_proved,
            unprotected,
            proof,
        }
    }
}

/// What hiding a cell costs; a cell for nothing still costs a little, so that it is not hidden
/// without need.
pub(crate) fn list_price(table: &Table, cell: usize) -> f64 {
    let it = &table.cells()[cell];
    match it.status {
        CellStatus::Forced => f64::INFINITY,
        CellStatus::Safe | CellStatus::Primary | CellStatus::Hidden => it.cost + 1e-6,
    }
}

fn goals(table: &Table) -> Vec<Goal> {
    let mut goals: Vec<Goal> = Vec::new();
    for need in needs(table) {
        if goals.last().is_none_or(|g| g.cell != need.cell) {
            goals.push(Goal {
                cell: need.cell,
                against: None,
                needs: Vec::new(),
                up: 0.0,
                down: 0.0,
                either: false,
                witnesses: Vec::new(),
            });
        }
        let Some(goal) = goals.last_mut() else {
            continue;
        };
        goal.needs.push(need);
        match need.side {
            Side::Up(level) => goal.up = level,
            Side::Down(level) => goal.down = level,
            Side::Either(level) => {
                goal.up = level;
                goal.down = level;
                goal.either = true;
            }
            Side::Width(level) => widen(table, goal, level, 0.5),
        }
    }
    goals
}

/// Raises the two sides to the width asked for, with this share of what is missing above, as far
/// as the cell's bounds let it.
pub(super) fn widen(table: &Table, goal: &mut Goal, width: f64, share: f64) {
    let it = &table.cells()[goal.cell as usize];
    goal.up = it.levels.upper;
    goal.down = it.levels.lower;
    let (room_up, room_down) = (it.bounds.upper - it.value, it.value - it.bounds.lower);
    let more = (width - goal.up - goal.down).max(0.0);
    let up = (goal.up + more * share).min(room_up.max(goal.up));
    let down = (width - up).min(room_down).max(goal.down);
    goal.up = (width - down).max(goal.up);
    goal.down = down;
}
