//! What a delivery changes: from the edges that came and went outwards, as far as anything moves.

#![allow(
    clippy::indexing_slicing,
    reason = "fits, files and rows are those that the spine holds"
)]

use std::collections::{BTreeMap, BTreeSet};

use super::view::{End, Graph, Time, View};
use super::{Delivered, KeptSpine, Moved, Record};
use crate::cluster;
use crate::outcome::Join;

/// A pair of files before and after.
struct Change<'a> {
    files: (usize, usize),
    graph: &'a Graph,
    before: View<'a>,
    after: View<'a>,
}

impl Change<'_> {
    /// All edges of some records.
    fn edges_of(&self, ends: &BTreeSet<End>) -> BTreeSet<u32> {
        let edges = ends.iter().flat_map(|end| self.graph.at(*end));
        edges.copied().collect()
    }

    /// The records that hear something else than before, of edges one of which speaks now and did not, or the other
    /// way round.
    fn spread(&mut self, time: Time, edges: &BTreeSet<u32>) -> BTreeSet<End> {
        let mut rows = BTreeSet::new();
        for edge in edges {
            if self.before.speaks(time, *edge) == self.after.speaks(time, *edge) {
                continue;
            }
            for end in self.graph.ends(*edge) {
                rows.extend(self.before.rows(time, end));
                rows.extend(self.after.rows(time, end));
            }
        }
        rows
    }

    /// The joins that came, went or have other odds.
    fn moved(&mut self) -> Vec<Moved> {
        let changed: BTreeSet<u32> = self.graph.changed().collect();
        let touched = changed.iter().flat_map(|edge| self.graph.ends(*edge));
        let touched: BTreeSet<End> = touched.collect();
        // Whether an edge speaks at first depends on the other edges of its two records only; whether it speaks again,
        // on what its two records were told; what comes of it, on what they are told then.
        let near = self.edges_of(&touched);
        let first = self.spread(Time::First, &near);
        let mut farther = self.edges_of(&first);
        farther.extend(&near);
        let second = self.spread(Time::Second, &farther);
        let mut affected = self.edges_of(&second);
        affected.extend(&near);
        let mut all = affected.clone();
        for edge in affected {
            all.extend(self.before.rivals(edge));
            all.extend(self.after.rivals(edge));
        }
        let moved = all.into_iter().map(|edge| Moved {
            before: self.before.join(edge),
            after: self.after.join(edge),
        });
        moved.filter(|moved| moved.before != moved.after).collect()
    }

    /// The sides on which a file stands.
    fn sides(&self, file: usize) -> impl Iterator<Item = u8> + use<> {
        let (l, r) = self.files;
        [(l, 0), (r, 1)]
            .into_iter()
            .filter(move |(of, _)| *of == file)
            .map(|(_, side)| side)
    }
}

impl KeptSpine {
    /// What comes of the edges before and after.
    pub(super) fn settle(&self, graphs: &[Graph]) -> Delivered {
        let mut changes: Vec<Change<'_>> = self
            .fits
            .iter()
            .zip(graphs)
            .map(|(fit, graph)| Change {
                files: fit.files,
                graph,
                before: View::new(self, fit, graph, false),
                after: View::new(self, fit, graph, true),
            })
            .collect();
        let mut delivered = Delivered::default();
        for change in &mut changes {
            delivered.joins.extend(change.moved());
        }
        let place = |join: &Join| (join.file_l, join.row_l, join.file_r, join.row_r);
        delivered
            .joins
            .sort_unstable_by_key(|moved| moved.after.or(moved.before).as_ref().map(place));
        let mut records: BTreeSet<Record> = BTreeSet::new();
        for (file, file_rows) in self.coded.files.iter().enumerate() {
            let new = self.before.rows[file]..file_rows.rows.len();
            delivered.records.push(new.len() as u64);
            records.extend(new.map(|row| (file as u16, row as u32)));
        }
        for join in delivered.joins.iter().flat_map(|m| [m.before, m.after]) {
            if let Some(join) = join.filter(|join| self.is_sure(join)) {
                records.extend([(join.file_l, join.row_l), (join.file_r, join.row_r)]);
            }
        }
        let joins = self.reach(&mut changes, &mut records);
        let mut surest = BTreeMap::new();
        for join in &joins {
            for record in [(join.file_l, join.row_l), (join.file_r, join.row_r)] {
                if record.1 as usize >= self.before.rows[usize::from(record.0)] {
                    let step = surest.entry(record).or_insert(join.step);
                    *step = join.step.min(*step);
                }
            }
        }
        for step in surest.values() {
            *delivered.linked.entry(*step).or_default() += 1;
        }
        delivered.persons = self.persons(&records, joins);
        delivered
    }

    fn is_sure(&self, join: &Join) -> bool {
        join.match_probability >= self.spec.settings.threshold_probability
    }

    /// Goes from some records to all that a sure join leads to, before or after; gives the sure joins after.
    fn reach(&self, changes: &mut [Change<'_>], records: &mut BTreeSet<Record>) -> Vec<Join> {
        let mut next: Vec<Record> = records.iter().copied().collect();
        let mut joins = BTreeMap::new();
        while let Some((file, row)) = next.pop() {
            for (number, change) in changes.iter_mut().enumerate() {
                for side in change.sides(usize::from(file)) {
                    for edge in change.graph.at((side, row)) {
                        let sure = |join: &Join| self.is_sure(join);
                        let before = change.before.join(*edge).filter(sure);
                        let after = change.after.join(*edge).filter(sure);
                        let Some(join) = after.or(before) else {
                            continue;
                        };
                        let ends = [(join.file_l, join.row_l), (join.file_r, join.row_r)];
                        next.extend(ends.into_iter().filter(|end| records.insert(*end)));
                        if let Some(join) = after {
                            joins.insert((number, *edge), join);
                        }
                    }
                }
            }
        }
        joins.into_values().collect()
    }

    /// The persons that some records are, given all sure joins among them.
    fn persons(&self, records: &BTreeSet<Record>, mut joins: Vec<Join>) -> Vec<Vec<Record>> {
        joins.sort_by_cached_key(|join| self.join_order(join));
        let mut rows = vec![Vec::new(); self.coded.files.len()];
        for (file, row) in records {
            rows[usize::from(*file)].push(*row);
        }
        let number = |file: u16, row: u32| {
            let rows = &rows[usize::from(file)];
            rows.partition_point(|other| *other < row) as u32
        };
        for join in &mut joins {
            join.row_l = number(join.file_l, join.row_l);
            join.row_r = number(join.file_r, join.row_r);
        }
        let counts: Vec<usize> = rows.iter().map(Vec::len).collect();
        let threshold = self.spec.settings.threshold_probability;
        let persons = cluster::grouped(&counts, &self.one, &joins, threshold);
        let mut groups = vec![Vec::new(); persons.count as usize];
        for (file, (rows, persons)) in rows.iter().zip(&persons.of).enumerate() {
            for (row, person) in rows.iter().zip(persons) {
                groups[*person as usize].push((file as u16, *row));
            }
        }
        groups
    }
}
