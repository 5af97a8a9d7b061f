//! The outcome for a few edges, worked out on demand from what bears on them and nothing else.

#![allow(
    clippy::indexing_slicing,
    reason = "edges and groups are named by those who hold them"
)]

use std::collections::{BTreeMap, BTreeSet};

use super::{KeptFit, KeptSpine};
use crate::compete::Edge;
use crate::compete::local as compete;
use crate::fit::is_worth_keeping;
use crate::levels::Pattern;
use crate::outcome::{Join, JoinStep};
use crate::steps::{self, Scored, probability};

/// A record of a pair of files: 0 for the left file and 1 for the right one, and its row there.
pub(super) type End = (u8, u32);

/// The edges of a pair of files before and after a delivery, by their records.
pub(super) struct Graph {
    pub(super) edges: Vec<Edge>,
    /// So many were there before.
    pub(super) old: usize,
    /// Edges that are not there after: new ones have overwhelmed them.
    pub(super) gone: BTreeSet<u32>,
    left: ByRow,
    right: ByRow,
}

impl Graph {
    /// Takes the edges of a pair of files, of which the first `old` were there before.
    pub(super) fn of(kept: &mut KeptSpine, fit: usize, old: usize) -> Self {
        let edges = std::mem::take(&mut kept.fits[fit].edges);
        let fit = &kept.fits[fit];
        let rows = |file: usize| kept.coded.files[file].rows.len();
        let mut graph = Self {
            left: ByRow::of(&edges, rows(fit.files.0), |edge| edge.left),
            right: ByRow::of(&edges, rows(fit.files.1), |edge| edge.right),
            edges,
            old,
            gone: BTreeSet::new(),
        };
        if !fit.within() {
            graph.overwhelm();
        }
        graph
    }

    /// Drops what has next to no odds beside an overwhelming rival for the same left record. Rivals only grow, so what
    /// was dropped before would be dropped now.
    fn overwhelm(&mut self) {
        let lefts: BTreeSet<u32> = self.edges[self.old..].iter().map(|e| e.left).collect();
        for left in lefts {
            let edges = self.left.at(left);
            let odds = |edge: &u32| self.edges[*edge as usize].odds;
            let best = edges.iter().map(odds).fold(0.0, f64::max);
            let gone = edges.iter().filter(|e| !is_worth_keeping(odds(e), best));
            self.gone.extend(gone);
        }
    }

    /// The edges of a record, those that are gone or new included.
    pub(super) fn at(&self, (side, row): End) -> &[u32] {
        match side {
            0 => self.left.at(row),
            _ => self.right.at(row),
        }
    }

    pub(super) fn ends(&self, edge: u32) -> [End; 2] {
        let edge = &self.edges[edge as usize];
        [(0, edge.left), (1, edge.right)]
    }

    /// Edges that came or went.
    pub(super) fn changed(&self) -> impl Iterator<Item = u32> {
        let went = self.gone.iter().copied();
        let went = went.filter(|edge| (*edge as usize) < self.old);
        let came = self.old as u32..self.edges.len() as u32;
        went.chain(came.filter(|edge| !self.gone.contains(edge)))
    }

    /// The edges after.
    pub(super) fn kept(&self) -> Vec<Edge> {
        if self.gone.is_empty() {
            return self.edges.clone();
        }
        let edges = self.edges.iter().enumerate();
        edges
            .filter(|(edge, _)| !self.gone.contains(&(*edge as u32)))
            .map(|(_, edge)| *edge)
            .collect()
    }
}

/// Edges by row, in one list.
struct ByRow {
    starts: Vec<u32>,
    edges: Vec<u32>,
}

impl ByRow {
    fn of(edges: &[Edge], rows: usize, row: fn(&Edge) -> u32) -> Self {
        let mut starts = vec![0_u32; rows + 1];
        for edge in edges {
            starts[row(edge) as usize + 1] += 1;
        }
        for at in 1..starts.len() {
            starts[at] += starts[at - 1];
        }
        let mut next = starts.clone();
        let mut list = vec![0; edges.len()];
        for (number, edge) in edges.iter().enumerate() {
            let place = &mut next[row(edge) as usize];
            list[*place as usize] = number as u32;
            *place += 1;
        }
        Self {
            starts,
            edges: list,
        }
    }

    fn at(&self, row: u32) -> &[u32] {
        let row = row as usize;
        &self.edges[self.starts[row] as usize..self.starts[row + 1] as usize]
    }
}

/// The first time that alternatives are heard, and the second, as in [`crate::compete::Contest`].
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Time {
    First,
    Second,
}

/// Edges that hear of each other.
struct Group {
    odds: BTreeMap<u32, f64>,
    told: BTreeMap<End, f64>,
    rows: Vec<End>,
}

struct Groups {
    /// By side and row, the number of its group, or [`UNKNOWN`].
    of: [Vec<u32>; 2],
    groups: Vec<Group>,
}

/// Not worked out yet.
const UNKNOWN: u32 = u32::MAX;

impl Groups {
    fn among(rows: (usize, usize)) -> Self {
        Self {
            of: [vec![UNKNOWN; rows.0], vec![UNKNOWN; rows.1]],
            groups: Vec::new(),
        }
    }

    fn number(&mut self, (side, row): End) -> &mut u32 {
        &mut self.of[usize::from(side)][row as usize]
    }
}

/// The edges before or after, and what has been worked out about them.
pub(super) struct View<'a> {
    kept: &'a KeptSpine,
    fit: &'a KeptFit,
    graph: &'a Graph,
    after: bool,
    first: Groups,
    second: Groups,
    /// By edge, its odds with the alternatives heard; not a number where they are not worked out yet.
    odds: Vec<f64>,
    joined: BTreeMap<u32, Option<JoinStep>>,
}

impl<'a> View<'a> {
    pub(super) fn new(
        kept: &'a KeptSpine,
        fit: &'a KeptFit,
        graph: &'a Graph,
        after: bool,
    ) -> Self {
        let rows = |file: usize| kept.coded.files[file].rows.len();
        let rows = (rows(fit.files.0), rows(fit.files.1));
        Self {
            kept,
            fit,
            graph,
            after,
            first: Groups::among(rows),
            second: Groups::among(rows),
            odds: vec![f64::NAN; graph.edges.len()],
            joined: BTreeMap::new(),
        }
    }

    pub(super) fn has(&self, edge: u32) -> bool {
        if self.after {
            !self.graph.gone.contains(&edge)
        } else {
            (edge as usize) < self.graph.old
        }
    }

    fn groups(&mut self, time: Time) -> &mut Groups {
        match time {
            Time::First => &mut self.first,
            Time::Second => &mut self.second,
        }
    }

    fn best(&self, end: End) -> f64 {
        let edges = self.graph.at(end).iter().filter(|edge| self.has(**edge));
        edges
            .map(|edge| self.graph.edges[*edge as usize].odds)
            .fold(0.0, f64::max)
    }

    /// True if an edge is there and speaks.
    pub(super) fn speaks(&mut self, time: Time, edge: u32) -> bool {
        if !self.has(edge) {
            return false;
        }
        let [left, right] = self.graph.ends(edge);
        let best = (self.best(left), self.best(right));
        compete::speaks(&self.graph.edges[edge as usize], best)
            || time == Time::Second && compete::speaks_again(self.heard(Time::First, edge))
    }

    fn heard(&mut self, time: Time, edge: u32) -> f64 {
        let [left, right] = self.graph.ends(edge);
        let (l, r) = (self.group(time, left), self.group(time, right));
        let groups = &self.groups(time).groups;
        if let Some(odds) = groups[l].odds.get(&edge) {
            return *odds;
        }
        let told = |group: usize, end: End| groups[group].told.get(&end).copied().unwrap_or(0.0);
        let told = (told(l, left), told(r, right));
        let repeats = self.fit.weights;
        compete::unspoken(&self.graph.edges[edge as usize], told, repeats)
    }

    /// The group of a record: all edges that speak to it and to each other.
    fn group(&mut self, time: Time, end: End) -> usize {
        let known = *self.groups(time).number(end);
        if known != UNKNOWN {
            return known as usize;
        }
        let (edges, rows) = self.reach(&[end], |view, edge| view.speaks(time, edge));
        let order = self.in_order(edges);
        let graph = self.graph;
        let list: Vec<Edge> = order.iter().map(|e| graph.edges[*e as usize]).collect();
        let mut group = Group {
            odds: BTreeMap::new(),
            told: BTreeMap::new(),
            rows: rows.into_iter().collect(),
        };
        if !list.is_empty() {
            let spoken = compete::group(&list, self.fit.weights);
            group.odds = order.into_iter().zip(spoken.odds).collect();
            let left = spoken.left.into_iter().map(|(row, told)| ((0, row), told));
            let right = spoken.right.into_iter().map(|(row, told)| ((1, row), told));
            group.told = left.chain(right).collect();
        }
        let groups = self.groups(time);
        let number = groups.groups.len();
        for row in &group.rows {
            *groups.number(*row) = number as u32;
        }
        groups.groups.push(group);
        number
    }

    /// The records that hear of each other with a record.
    pub(super) fn rows(&mut self, time: Time, end: End) -> &[End] {
        let group = self.group(time, end);
        &self.groups(time).groups[group].rows
    }

    /// Edges in the order of the hashes of their ids.
    fn in_order(&self, edges: BTreeSet<u32>) -> Vec<u32> {
        let mut edges: Vec<u32> = edges.into_iter().collect();
        let files = self.fit.files;
        let place = |edge: u32| {
            let edge = &self.graph.edges[edge as usize];
            let left = self.kept.order(files.0, edge.left);
            (left, self.kept.order(files.1, edge.right))
        };
        edges.sort_unstable_by(|a, b| place(*a).cmp(&place(*b)));
        edges
    }

    /// Odds of an edge that is there, the alternatives heard.
    pub(super) fn odds(&mut self, edge: u32) -> f64 {
        if compete::nobody_competes(self.fit.weights) {
            return self.graph.edges[edge as usize].odds;
        }
        if self.odds[edge as usize].is_nan() {
            self.odds[edge as usize] = self.heard(Time::Second, edge);
        }
        self.odds[edge as usize]
    }

    fn may_join(&mut self, edge: u32) -> bool {
        let keep = self.kept.spec.settings.keep_probability;
        self.has(edge) && probability(self.odds(edge)) >= keep
    }

    /// The join that an edge is, if it is one.
    pub(super) fn join(&mut self, edge: u32) -> Option<Join> {
        if !self.may_join(edge) {
            return None;
        }
        if !self.joined.contains_key(&edge) {
            self.choose(edge);
        }
        let step = self.joined.get(&edge).copied().flatten()?;
        let odds = self.odds(edge);
        let edge = &self.graph.edges[edge as usize];
        Some(steps::join(self.fit.files, edge, odds, step))
    }

    /// The edges that may take a record from each other with one that may be a join.
    pub(super) fn rivals(&mut self, edge: u32) -> BTreeSet<u32> {
        if !self.may_join(edge) {
            return BTreeSet::new();
        }
        let ends = self.graph.ends(edge);
        self.reach(&ends, |view, edge| view.may_join(edge)).0
    }

    /// The edges that lead on from some records, and from those that these lead to; and all these records.
    fn reach(
        &mut self,
        from: &[End],
        mut leads: impl FnMut(&mut Self, u32) -> bool,
    ) -> (BTreeSet<u32>, BTreeSet<End>) {
        let graph = self.graph;
        let mut next = from.to_vec();
        let mut rows = BTreeSet::from_iter(next.clone());
        let mut edges = BTreeSet::new();
        while let Some(end) = next.pop() {
            for edge in graph.at(end) {
                if !edges.contains(edge) && leads(self, *edge) {
                    edges.insert(*edge);
                    next.extend(
                        graph
                            .ends(*edge)
                            .into_iter()
                            .filter(|end| rows.insert(*end)),
                    );
                }
            }
        }
        (edges, rows)
    }

    /// Settles which of an edge and its rivals are joins.
    fn choose(&mut self, edge: u32) {
        let graph = self.graph;
        let rivals = self.rivals(edge);
        // How often a record has a candidate with its number is counted over all its edges.
        let rows: BTreeSet<End> = rivals.iter().flat_map(|edge| graph.ends(*edge)).collect();
        let around = rows.iter().flat_map(|end| graph.at(*end)).copied();
        let around: BTreeSet<u32> = around.filter(|edge| self.has(*edge)).collect();
        let around = self.in_order(around);
        let odds: Vec<f64> = around.iter().map(|edge| self.odds(*edge)).collect();
        // Numbered among themselves, so that the tables are as large as they are few.
        let (mut left, mut right, mut patterns) = (Few::default(), Few::default(), Few::default());
        let edges: Vec<Edge> = around
            .iter()
            .map(|edge| {
                let edge = graph.edges[*edge as usize];
                Edge {
                    left: left.number(edge.left),
                    right: right.number(edge.right),
                    pattern: patterns.number(edge.pattern),
                    ..edge
                }
            })
            .collect();
        let list = &self.fit.patterns.list;
        let patterns: Vec<Pattern> = patterns.all.iter().map(|p| list[*p as usize]).collect();
        let rows = &self.kept.coded.files[self.fit.files.0].rows;
        let number = |row: u32| rows[left.all[row as usize] as usize].chi;
        let scored = Scored {
            edges: &edges,
            odds: &odds,
            patterns: &patterns,
            repeats: self.fit.parameters.repeats,
            within: self.fit.within(),
        };
        let chosen = steps::chosen(scored, self.kept.spec.settings.keep_probability, &number);
        let chosen: BTreeMap<u32, JoinStep> = chosen
            .into_iter()
            .map(|(place, step)| (around[place as usize], step))
            .collect();
        for edge in rivals {
            self.joined.insert(edge, chosen.get(&edge).copied());
        }
    }
}

/// Numbers for a few of many.
#[derive(Default)]
struct Few {
    numbers: BTreeMap<u32, u32>,
    all: Vec<u32>,
}

impl Few {
    fn number(&mut self, of: u32) -> u32 {
        let next = self.all.len() as u32;
        let number = *self.numbers.entry(of).or_insert(next);
        if number == next {
            self.all.push(of);
        }
        number
    }
}
