//! Closed moves: sets of cells that can change together by one step without breaking an equation.
//!
//! In a table without hierarchies these are the cycles of a two-way table and the corners of a
//! hypercube of a many-way one, here found for any equations by a beam search over partial moves: a
//! primary cell moves by the step, which opens its equations; each open equation is closed by another
//! of its cells, hidden ones being free.

#![allow(
    clippy::indexing_slicing,
    reason = "cells and equations are numbered by the table that made the arrays"
)]

use super::table::Table;

/// Partial moves kept from one step of the search to the next.
const BEAM: usize = 20;
/// The most cells in one closed move.
const LONGEST: usize = 48;

/// What hiding costs now, and how far cells may move.
pub(crate) struct Prices<'t> {
    pub(crate) table: &'t Table,
    /// Per cell: 0 if it is hidden, infinite if it may not be.
    pub(crate) price: Vec<f64>,
    /// Per equation: the second lowest price of its cells, an estimate of what closing it costs.
    closing: Vec<f64>,
    /// A little, so that of two free moves the shorter one wins.
    grain: f64,
    /// What closing an equation costs at least, as the list prices have it: what makes the search
    /// close what is open instead of wandering along cells that are free.
    open: f64,
}

impl<'t> Prices<'t> {
    pub(crate) fn new(table: &'t Table, price: Vec<f64>) -> Self {
        let real = price.iter().filter(|p| p.is_finite());
        let (sum, count) = real.fold((0.0, 0.0), |(s, n), p| (s + p, n + 1.0));
        let mut prices = Self {
            table,
            price,
            closing: vec![0.0; table.rows().len()],
            grain: 1e-6 * f64::max(sum / f64::max(count, 1.0), 1e-9),
            open: 0.0,
        };
        for row in 0..table.rows().len() {
            prices.estimate(row);
        }
        prices.open = prices.closing.iter().sum::<f64>() / prices.closing.len().max(1) as f64;
        prices
    }

    pub(crate) fn set(&mut self, cell: usize, price: f64) {
        self.price[cell] = price;
        for index in 0..self.table.columns()[cell].len() {
            self.estimate(self.table.columns()[cell][index].0 as usize);
        }
    }

    /// What closing an open equation is thought to cost.
    fn close(&self, row: u32) -> f64 {
        0.5 * f64::max(self.closing[row as usize], self.open) + self.grain
    }

    fn estimate(&mut self, row: usize) {
        let (mut least, mut second) = (f64::INFINITY, f64::INFINITY);
        for &(cell, _) in &self.table.rows()[row] {
            let price = self.price[cell as usize];
            if price < least {
                second = least;
                least = price;
            } else if price < second {
                second = price;
            }
        }
        // An equation that cannot be closed is found out by trying.
        self.closing[row] = if second.is_finite() { second } else { 0.0 };
    }
}

/// A move that is asked for.
#[derive(Clone, Copy)]
pub(crate) struct Asked<'a> {
    pub(crate) cell: u32,
    /// Signed.
    pub(crate) step: f64,
    /// The move must also be possible the other way round.
    pub(crate) both_ways: bool,
    /// Cells of this respondent do not move.
    pub(crate) against: Option<u32>,
    /// What the cells have been moved by already.
    pub(crate) moved: &'a [(u32, f64)],
    /// Moves that cost this much or more are of no use.
    pub(crate) limit: f64,
}

#[derive(Clone)]
struct Partial {
    moves: Vec<(u32, f64)>,
    /// Equations that do not hold, and by how much.
    open: Vec<(u32, f64)>,
    cost: f64,
    estimate: f64,
}

struct Extension {
    score: f64,
    parent: usize,
    cell: u32,
    step: f64,
}

/// A cheapest closed move as far as the search sees, and its cost; adds what it looked at to `work`.
pub(crate) fn closed_move(
    prices: &Prices<'_>,
    asked: Asked<'_>,
    work: &mut u64,
) -> Option<(Vec<(u32, f64)>, f64)> {
    let empty = Partial {
        moves: Vec::new(),
        open: Vec::new(),
        cost: 0.0,
        estimate: 0.0,
    };
    if !has_room(prices.table, &asked, asked.cell, asked.step) {
        return None;
    }
    let mut beam = vec![extended(prices, &empty, asked.cell, asked.step)];
    let mut best: Option<(Vec<(u32, f64)>, f64)> = None;
    let mut extensions: Vec<Extension> = Vec::new();
    for _ in 0..LONGEST {
        let limit = best.as_ref().map_or(asked.limit, |(_, cost)| *cost);
        extensions.clear();
        for (parent, partial) in beam.iter().enumerate() {
            extend(
                prices,
                &asked,
                parent,
                partial,
                limit,
                &mut extensions,
                work,
            );
        }
        if extensions.is_empty() {
            break;
        }
        let order = |a: &Extension, b: &Extension| {
            a.score
                .total_cmp(&b.score)
                .then_with(|| (a.parent, a.cell).cmp(&(b.parent, b.cell)))
        };
        if extensions.len() > BEAM {
            extensions.select_nth_unstable_by(BEAM - 1, order);
            extensions.truncate(BEAM);
        }
        extensions.sort_unstable_by(order);
        let mut next = Vec::with_capacity(extensions.len());
        for extension in &extensions {
            let partial = extended(
                prices,
                &beam[extension.parent],
                extension.cell,
                extension.step,
            );
            if !partial.open.is_empty() {
                next.push(partial);
            } else if best.as_ref().is_none_or(|(_, cost)| partial.cost < *cost) {
                best = Some((partial.moves, partial.cost));
            }
        }
        beam = next;
    }
    best
}

/// The ways to close the oldest open equation of a partial move.
fn extend(
    prices: &Prices<'_>,
    asked: &Asked<'_>,
    parent: usize,
    partial: &Partial,
    limit: f64,
    out: &mut Vec<Extension>,
    work: &mut u64,
) {
    let Some(&(row, missing)) = partial.open.first() else {
        return;
    };
    let cells = &prices.table.rows()[row as usize];
    *work += cells.len() as u64;
    for &(cell, coefficient) in cells {
        let price = prices.price[cell as usize];
        let cost = partial.cost + price;
        if cost >= limit || partial.moves.iter().any(|(c, _)| *c == cell) {
            continue;
        }
        let step = -missing / coefficient;
        if !has_room(prices.table, asked, cell, step) {
            continue;
        }
        let mut score = cost + partial.estimate + prices.grain;
        for &(other, factor) in &prices.table.columns()[cell as usize] {
            let closing = prices.close(other);
            match partial.open.iter().find(|(r, _)| *r == other) {
                Some((_, open)) if closes(*open, factor * step) => score -= closing,
                Some(_) => {}
                None => score += closing,
            }
        }
        out.push(Extension {
            score,
            parent,
            cell,
            step,
        });
    }
}

fn closes(open: f64, change: f64) -> bool {
    (open + change).abs() <= 1e-9 * (open.abs() + change.abs())
}

fn extended(prices: &Prices<'_>, partial: &Partial, cell: u32, step: f64) -> Partial {
    let mut next = partial.clone();
    next.moves.push((cell, step));
    if !partial.moves.is_empty() {
        next.cost += prices.price[cell as usize] + prices.grain;
    }
    for &(row, factor) in &prices.table.columns()[cell as usize] {
        let closing = prices.close(row);
        match next.open.iter().position(|(r, _)| *r == row) {
            Some(at) if closes(next.open[at].1, factor * step) => {
                next.open.remove(at);
                next.estimate -= closing;
            }
            Some(at) => next.open[at].1 += factor * step,
            None => {
                next.open.push((row, factor * step));
                next.estimate += closing;
            }
        }
    }
    next
}

/// Whether a cell can move by the step on top of what it has moved already.
fn has_room(table: &Table, asked: &Asked<'_>, cell: u32, step: f64) -> bool {
    let it = &table.cells()[cell as usize];
    if asked.against.is_some() && it.holder == asked.against && cell != asked.cell {
        return false;
    }
    let moved = asked
        .moved
        .iter()
        .find(|(c, _)| *c == cell)
        .map_or(0.0, |(_, d)| *d);
    let after = moved + step;
    let slack = 1e-9 * after.abs();
    let within = |d: f64| {
        if d >= 0.0 {
            d <= it.bounds.upper - it.value + slack
        } else {
            -d <= it.value - it.bounds.lower + slack
        }
    };
    within(after) && (!asked.both_ways || within(-after))
}
