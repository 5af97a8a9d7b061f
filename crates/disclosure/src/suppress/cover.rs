//! The cheapest witnesses for one goal.

#![allow(
    clippy::indexing_slicing,
    reason = "cells and equations are numbered by the table that made the arrays"
)]

use super::circuit::{Asked, closed_move};
use super::need::{Side, Witness, verify};
use super::programme::{Wanted, farthest, reach};
use super::search::{Goal, Search, widen};

impl Search<'_> {
    /// The cheapest witnesses found for a goal at the prices as they are, checked. Where a width is
    /// asked for, it may lie more on one side.
    pub(crate) fn cover(&mut self, goal: usize) -> Option<Vec<Witness>> {
        let it = self.goals[goal].clone();
        let mut best = self.cover_as_set(&it);
        let width = it.needs.iter().find_map(|need| match need.side {
            Side::Width(width) => Some(width),
            Side::Up(_) | Side::Down(_) | Side::Either(_) => None,
        });
        let Some(width) = width else { return best };
        for share in [1.0, 0.0, 0.75, 0.25] {
            let cost = best
                .as_ref()
                .map_or(f64::INFINITY, |found| self.added(found));
            if cost <= 0.0 || (best.is_some() && !self.is_small()) {
                return best;
            }
            let mut other = it.clone();
            widen(self.table, &mut other, width, share);
            best = self.cheaper(best, |search| search.cover_as_set(&other));
        }
        if best.is_none() && self.may_solve {
            let other = self.at_extremes(&it, width)?;
            best = self.cover_as_set(&other);
        }
        best
    }

    /// The first witnesses, or others if they cost less.
    fn cheaper(
        &mut self,
        first: Option<Vec<Witness>>,
        other: impl FnOnce(&mut Self) -> Option<Vec<Witness>>,
    ) -> Option<Vec<Witness>> {
        match (first, other(self)) {
            (Some(a), Some(b)) if self.added(&b) < self.added(&a) => Some(b),
            (a, b) => a.or(b),
        }
    }

    /// The width split as the cell can go at all, by the attacker's programmes.
    fn at_extremes(&self, goal: &Goal, width: f64) -> Option<Goal> {
        let can_move: Vec<bool> = self.prices.price.iter().map(|p| p.is_finite()).collect();
        let reach = |direction| farthest(self.table, goal.cell, direction, goal.against, &can_move);
        let (up, down) = (reach(1.0)?, reach(-1.0)?);
        if up + down < width * (1.0 - 1e-9) {
            return None;
        }
        let mut other = goal.clone();
        other.up = (width / 2.0).max(width - down).max(goal.up.min(up)).min(up);
        other.down = (width - other.up).max(goal.down.min(down)).min(down);
        Some(other)
    }

    fn cover_as_set(&mut self, goal: &Goal) -> Option<Vec<Witness>> {
        let by_moves = self.by_moves(goal);
        let by_moves = by_moves.filter(|found| self.is_shown(goal, found));
        let cost = by_moves.as_ref().map(|found| self.added(found));
        let is_thorough = self.is_small() && self.work < self.effort;
        let is_enough = cost.is_some_and(|cost| cost <= 0.0 || !is_thorough);
        if is_enough || !self.may_solve {
            return by_moves;
        }
        self.cheaper(by_moves, |search| {
            let found = search.by_programmes(goal);
            found.filter(|found| search.is_shown(goal, found))
        })
    }

    /// Whether the witnesses do, once their cells are hidden.
    fn is_shown(&self, goal: &Goal, found: &[Witness]) -> bool {
        let mut hidden = self.hidden.clone();
        for &(cell, _) in found.iter().flat_map(|w| &w.0) {
            hidden[cell as usize] = true;
        }
        goal.needs
            .iter()
            .all(|need| verify(self.table, &hidden, need, found))
    }

    /// What hiding the cells of these witnesses adds at the prices as they are.
    fn added(&self, found: &[Witness]) -> f64 {
        let mut cells: Vec<u32> = found.iter().flat_map(|w| w.0.iter().map(|m| m.0)).collect();
        cells.sort_unstable();
        cells.dedup();
        cells.iter().map(|c| self.prices.price[*c as usize]).sum()
    }

    fn by_moves(&mut self, goal: &Goal) -> Option<Vec<Witness>> {
        let step = goal.up.max(goal.down);
        let asked = Asked {
            cell: goal.cell,
            step,
            both_ways: true,
            against: goal.against,
            moved: &[],
            limit: f64::INFINITY,
        };
        let two_way = closed_move(&self.prices, asked, &mut self.work);
        let two_way = two_way.map(|(moves, _)| Witness(moves));
        if let Some(witness) = &two_way
            && self.added(std::slice::from_ref(witness)) <= 0.0
        {
            return Some(vec![witness.clone(), witness.scaled(-1.0)]);
        }
        let one_way = if goal.either {
            let up = self.moves_to(goal, step).map(|w| vec![w]);
            self.cheaper(up, |search| search.moves_to(goal, -step).map(|w| vec![w]))
        } else {
            self.each_way(goal)
        };
        let two_way = two_way.map(|w| vec![w.scaled(-1.0), w]);
        match (one_way, two_way) {
            (Some(a), Some(b)) if self.added(&a) < self.added(&b) => Some(a),
            (a, b) => b.or(a),
        }
    }

    /// One witness up and one down, the second with the cells of the first for nothing.
    fn each_way(&mut self, goal: &Goal) -> Option<Vec<Witness>> {
        let mut witnesses = Vec::new();
        let mut lent: Vec<(usize, f64)> = Vec::new();
        let mut is_whole = true;
        for target in [goal.up, -goal.down].into_iter().filter(|t| *t != 0.0) {
            let Some(witness) = self.moves_to(goal, target) else {
                is_whole = false;
                break;
            };
            for &(cell, _) in &witness.0 {
                let cell = cell as usize;
                if self.prices.price[cell] > 0.0 {
                    lent.push((cell, self.prices.price[cell]));
                    self.prices.set(cell, 0.0);
                }
            }
            witnesses.push(witness);
        }
        for (cell, price) in lent {
            self.prices.set(cell, price);
        }
        is_whole.then_some(witnesses)
    }

    /// Closed moves one on top of another until the target is reached, in smaller and smaller steps.
    fn moves_to(&mut self, goal: &Goal, target: f64) -> Option<Witness> {
        let mut moved: Vec<(u32, f64)> = Vec::new();
        let (mut left, mut step) = (target, target);
        let mut lent: Vec<(usize, f64)> = Vec::new();
        while left.abs() > 1e-9 * target.abs() && step.abs() >= target.abs() / 20.0 {
            let asked = Asked {
                cell: goal.cell,
                step,
                both_ways: false,
                against: goal.against,
                moved: &moved,
                limit: f64::INFINITY,
            };
            let Some((moves, _)) = closed_move(&self.prices, asked, &mut self.work) else {
                step /= 2.0;
                continue;
            };
            for (cell, d) in moves {
                match moved.iter_mut().find(|(c, _)| *c == cell) {
                    Some((_, sum)) => *sum += d,
                    None => moved.push((cell, d)),
                }
                let cell = cell as usize;
                if self.prices.price[cell] > 0.0 {
                    lent.push((cell, self.prices.price[cell]));
                    self.prices.set(cell, 0.0);
                }
            }
            left -= step;
            step = if step.abs() < left.abs() { step } else { left };
        }
        for (cell, price) in lent {
            self.prices.set(cell, price);
        }
        moved.retain(|(_, d)| *d != 0.0);
        (left.abs() <= 1e-9 * target.abs()).then_some(Witness(moved))
    }

    /// The same by linear programmes.
    fn by_programmes(&mut self, goal: &Goal) -> Option<Vec<Witness>> {
        if goal.either {
            let step = goal.up.max(goal.down);
            let up = self.programme(goal, step, &[]).map(|w| vec![w]);
            return self.cheaper(up, |search| {
                search.programme(goal, -step, &[]).map(|w| vec![w])
            });
        }
        let mut witnesses: Vec<Witness> = Vec::new();
        for target in [goal.up, -goal.down].into_iter().filter(|t| *t != 0.0) {
            let taken = witnesses.clone();
            witnesses.push(self.programme(goal, target, &taken)?);
        }
        Some(witnesses)
    }

    /// One programme, then again with the price of each cell spread over what it was moved by.
    fn programme(&mut self, goal: &Goal, target: f64, taken: &[Witness]) -> Option<Witness> {
        let mut rate: Vec<f64> = self.prices.price.clone();
        for &(cell, _) in taken.iter().flat_map(|w| &w.0) {
            rate[cell as usize] = 0.0;
        }
        if !self.is_small() {
            // The neighbourhood first: the whole of a large table only where that does not do.
            let near = self.near(goal.cell);
            let mut local = rate.clone();
            for (index, rate) in local.iter_mut().enumerate() {
                if !near[index] {
                    *rate = f64::INFINITY;
                }
            }
            if let Some(found) = self.slope_scaled(goal, target, local) {
                return Some(found);
            }
        }
        self.slope_scaled(goal, target, rate)
    }

    /// The cells that share an equation with a cell that shares one with this.
    fn near(&self, cell: u32) -> Vec<bool> {
        let mut near = vec![false; self.hidden.len()];
        near[cell as usize] = true;
        let mut edge = vec![cell];
        for _ in 0..2 {
            let mut next = Vec::new();
            for from in edge {
                for &(row, _) in &self.table.columns()[from as usize] {
                    for &(to, _) in &self.table.rows()[row as usize] {
                        if !std::mem::replace(&mut near[to as usize], true) {
                            next.push(to);
                        }
                    }
                }
            }
            edge = next;
        }
        near
    }

    fn slope_scaled(&mut self, goal: &Goal, target: f64, mut rate: Vec<f64>) -> Option<Witness> {
        let unit = target.abs();
        let price = rate.clone();
        for (index, rate) in rate.iter_mut().enumerate() {
            let it = &self.table.cells()[index];
            let room = f64::max(it.value - it.bounds.lower, it.bounds.upper - it.value);
            *rate /= (room / unit).clamp(0.05, 1.0);
        }
        let mut best: Option<(Witness, f64)> = None;
        for _ in 0..4 {
            let wanted = Wanted {
                cell: goal.cell,
                target,
                against: goal.against,
                rate: &rate,
            };
            let Some(found) = reach(self.table, wanted, &mut self.work) else {
                break;
            };
            let cost: f64 = found.0.iter().map(|(c, _)| price[*c as usize]).sum();
            let is_better = best.as_ref().is_none_or(|(_, least)| cost < *least);
            for &(cell, d) in &found.0 {
                rate[cell as usize] = price[cell as usize] / (d.abs() / unit).max(0.02);
            }
            if is_better {
                best = Some((found, cost));
            } else {
                break;
            }
            if cost <= 0.0 {
                break;
            }
        }
        best.map(|(found, _)| found)
    }
}
