//! The outcome over all that is kept, worked out at once: what a spine starts from, and what local changes must equal.

#![allow(
    clippy::indexing_slicing,
    reason = "rows and patterns are those that the spine holds"
)]

use super::{KeptFit, KeptSpine};
use crate::compete::{Contest, Edge, Heard};
use crate::outcome::Join;
use crate::steps::{self, Scored};

impl KeptSpine {
    /// All joins, in the order of the hashes of their ids.
    pub(super) fn whole(&self) -> Vec<Join> {
        let ranks: Vec<Vec<u32>> = (0..self.ids.len()).map(|file| self.ranks(file)).collect();
        let mut joins = Vec::new();
        for fit in &self.fits {
            self.whole_fit(fit, &ranks, &mut joins);
        }
        joins.sort_by_cached_key(|join| self.join_order(join));
        joins
    }

    fn whole_fit(&self, fit: &KeptFit, ranks: &[Vec<u32>], joins: &mut Vec<Join>) {
        let (l, r) = fit.files;
        let mut edges = fit.edges.clone();
        edges.sort_unstable_by_key(|edge| {
            (ranks[l][edge.left as usize], ranks[r][edge.right as usize])
        });
        let odds = heard(fit, &edges, (ranks[l].len(), ranks[r].len()));
        let scored = Scored {
            edges: &edges,
            odds: &odds,
            patterns: &fit.patterns.list,
            repeats: fit.parameters.repeats,
            within: fit.within(),
        };
        let left = &self.coded.files[l];
        let number = |row: u32| left.rows[row as usize].chi;
        let chosen = steps::chosen(scored, self.spec.settings.keep_probability, &number);
        joins.extend(chosen.into_iter().map(|(edge, step)| {
            let edge = edge as usize;
            steps::join(fit.files, &edges[edge], odds[edge], step)
        }));
    }

    /// By row of a file, its place in the order of equals.
    fn ranks(&self, file: usize) -> Vec<u32> {
        let rows = self.ids[file].order.len() as u32;
        let mut order: Vec<(u64, u32)> = (0..rows)
            .map(|row| (self.ids[file].order[row as usize], row))
            .collect();
        order.sort_unstable_by(|a, b| {
            let by_id = || self.order(file, a.1).1.cmp(self.order(file, b.1).1);
            a.0.cmp(&b.0).then_with(by_id)
        });
        let mut ranks = vec![0; order.len()];
        for (rank, (_, row)) in order.iter().enumerate() {
            ranks[*row as usize] = rank as u32;
        }
        ranks
    }

    /// Where a join stands among equals: the record first whose id has the lower hash.
    pub(super) fn join_order(&self, join: &Join) -> [(u16, u64, u32); 2] {
        let place = |file: u16, row: u32| {
            let hash = self.ids[usize::from(file)].order[row as usize];
            (file, hash, row)
        };
        let (a, b) = (
            place(join.file_l, join.row_l),
            place(join.file_r, join.row_r),
        );
        [a.min(b), a.max(b)]
    }
}

/// Odds of edges with the alternatives heard, the parameters settled.
fn heard(fit: &KeptFit, edges: &[Edge], rows: (usize, usize)) -> Vec<f64> {
    let repeats = fit.weights;
    let mut heard = Heard::default();
    Contest::of(edges, rows).hear(edges, repeats, &mut heard);
    Contest::again(edges, rows, &heard.odds).hear(edges, repeats, &mut heard);
    heard.odds
}
