//! Competition: what a pair's evidence is worth once the alternatives of both records have been heard.
//!
//! Every way to join records has a weight, the product of the odds of its pairs, a second partner of a record
//! weighing `repeats` times as much as a first one: 0 in a register, 1 where partners do not exclude each other.
//! The probability of a pair is its share over all ways, worked out by passing messages between records
//! (belief propagation for matchings: Bayati, Shah and Sharma 2008; exact where the candidates form a tree).

#![allow(
    clippy::indexing_slicing,
    reason = "edges name rows that the tables were made for"
)]

/// A candidate pair that could be a match.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Edge {
    pub(crate) left: u32,
    pub(crate) right: u32,
    pub(crate) pattern: u32,
    /// The rules that found the pair, as bits.
    pub(crate) rules: u32,
    /// Odds of the pair against nobody, alternatives unheard.
    pub(crate) odds: f64,
}

/// How partners of one record exclude each other.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Repeats {
    /// Second partners of a record of the left file.
    pub(crate) left: f64,
    /// Second partners of a record of the right file.
    pub(crate) right: f64,
}

impl Repeats {
    /// What is believed before any data are seen: a second partner is so unlikely that only pairs as strong as
    /// true repeats stand beside a first one. Were it likelier, look-alikes would be taken for repeats and the
    /// parameters learned from them.
    pub(crate) const UNKNOWN: Self = Self {
        left: 0.003,
        right: 0.003,
    };
    /// Partners do not exclude each other.
    pub(crate) const FREE: Self = Self {
        left: 1.0,
        right: 1.0,
    };
}

/// Messages are passed at most this often.
const SWEEPS: usize = 6;

/// Messages that move by less than this share of themselves stand still.
const STILL: f64 = 1e-9;

/// An edge of less than this share of the best odds of either of its records is not heard by the others: it can take
/// no more than this share from any of them.
const UNHEARD: f64 = 1e-4;

/// Odds heard of at least so much speak, whatever stronger rivals there seemed to be.
const WORTH_HEARING: f64 = 0.01;

/// The odds of each edge with the alternatives heard. Rows are under `rows` of their side.
pub(crate) fn odds(edges: &[Edge], rows: (usize, usize), repeats: Repeats) -> Vec<f64> {
    let mut heard = Heard::default();
    Contest::of(edges, rows).hear(edges, repeats, &mut heard);
    heard.odds
}

/// What was heard, and the room that hearing takes.
#[derive(Default)]
pub(crate) struct Heard {
    /// By edge, its odds with the alternatives heard.
    pub(crate) odds: Vec<f64>,
    /// What each row that is listened to is told by all edges that speak to it.
    told: (Vec<f64>, Vec<f64>),
}

/// The edges that speak, and those of them that have rivals, in groups of records that hear of each other. Most edges
/// have no rivals, or none to speak of; most groups are one family, so that all its messages are passed before the
/// next one is fetched.
pub(crate) struct Contest {
    /// Edges that speak and have no rival, where a silent one listens.
    alone: Vec<Place>,
    /// Those with rivals, group after group.
    contested: Vec<Contested>,
    /// Where each group ends.
    ends: Vec<u32>,
    /// Rows of the largest group, on either side.
    rows_max: usize,
    /// Edges that do not speak.
    silent: Vec<Place>,
    /// Rows that silent edges listen to, on each side.
    listened: (usize, usize),
}

/// An edge by its place among all edges, and its rows as numbered among those that are listened to.
#[derive(Clone, Copy)]
struct Place {
    place: u32,
    left: u32,
    right: u32,
}

/// The number of a row that nobody listens to.
const UNHEEDED: u32 = u32::MAX;

/// An edge that has rivals, with its rows as numbered in its group.
#[derive(Clone, Copy)]
struct Contested {
    heard: Place,
    left: u32,
    right: u32,
}

impl Contest {
    /// Groups edges by what they share. Rows are under `rows` of their side.
    pub(crate) fn of(edges: &[Edge], rows: (usize, usize)) -> Self {
        Self::among(edges, rows, &|_| false)
    }

    /// The same, once odds were `heard`: edges speak too whose stronger rivals turned out to belong elsewhere.
    pub(crate) fn again(edges: &[Edge], rows: (usize, usize), heard: &[f64]) -> Self {
        Self::among(edges, rows, &|place| heard[place] >= WORTH_HEARING)
    }

    fn among(edges: &[Edge], rows: (usize, usize), speaks: &dyn Fn(usize) -> bool) -> Self {
        let mut best = (vec![0.0_f64; rows.0], vec![0.0_f64; rows.1]);
        for edge in edges {
            let (left, right) = (
                &mut best.0[edge.left as usize],
                &mut best.1[edge.right as usize],
            );
            *left = left.max(edge.odds);
            *right = right.max(edge.odds);
        }
        let (mut speaking, mut silent) = (Vec::new(), Vec::new());
        for (place, edge) in edges.iter().enumerate() {
            let most = best.0[edge.left as usize].max(best.1[edge.right as usize]);
            if edge.odds >= UNHEARD * most || speaks(place) {
                speaking.push(place as u32);
            } else {
                silent.push(place as u32);
            }
        }
        drop(best);
        let mut heeded = Heeded::new(rows);
        let silent: Vec<Place> = silent
            .into_iter()
            .map(|place| heeded.listen(place, &edges[place as usize]))
            .collect();
        let mut left = Seen::new(edges, &speaking, rows.0, |edge| edge.left);
        let mut right = Seen::new(edges, &speaking, rows.1, |edge| edge.right);
        let (mut alone, mut contested) = (Vec::new(), Vec::new());
        for place in speaking {
            let edge = &edges[place as usize];
            let heard = heeded.place(place, edge);
            if left.0[edge.left as usize] > 1 || right.0[edge.right as usize] > 1 {
                let (left, right) = (edge.left, edge.right);
                contested.push(Contested { heard, left, right });
            } else if heard.left != UNHEEDED || heard.right != UNHEEDED {
                alone.push(heard);
            }
        }
        let sizes = (
            left.number(&mut contested, |c| &mut c.left),
            right.number(&mut contested, |c| &mut c.right),
        );
        let groups = groups(&contested, sizes);
        let mut contest = Self {
            alone,
            contested: Vec::new(),
            ends: Vec::new(),
            rows_max: 0,
            silent,
            listened: (heeded.counts.0 as usize, heeded.counts.1 as usize),
        };
        contest.gather(contested, &groups, sizes);
        contest
    }

    /// Puts edges in the order of their groups, of which each left row has one, and numbers rows within them.
    fn gather(&mut self, contested: Vec<Contested>, group_of: &[u32], sizes: (usize, usize)) {
        let count = group_of.iter().max().map_or(0, |most| *most as usize + 1);
        let mut ends = vec![0_u32; count + 1];
        for edge in &contested {
            ends[group_of[edge.left as usize] as usize + 1] += 1;
        }
        for at in 1..ends.len() {
            ends[at] += ends[at - 1];
        }
        let mut ordered = contested.clone();
        let mut next = ends.clone();
        for edge in &contested {
            let place = &mut next[group_of[edge.left as usize] as usize];
            ordered[*place as usize] = *edge;
            *place += 1;
        }
        let mut local = (vec![u32::MAX; sizes.0], vec![u32::MAX; sizes.1]);
        for group in ends.windows(2) {
            let mut rows = (0, 0);
            for edge in &mut ordered[group[0] as usize..group[1] as usize] {
                edge.left = numbered(&mut local.0[edge.left as usize], &mut rows.0);
                edge.right = numbered(&mut local.1[edge.right as usize], &mut rows.1);
            }
            self.rows_max = self.rows_max.max(rows.0.max(rows.1) as usize);
        }
        ends.remove(0);
        (self.contested, self.ends) = (ordered, ends);
    }

    /// Hears the alternatives of each edge, under other odds than before if need be: the edges are those that were
    /// grouped.
    pub(crate) fn hear(&self, edges: &[Edge], repeats: Repeats, heard: &mut Heard) {
        let Heard { odds, told } = heard;
        odds.clear();
        odds.extend(edges.iter().map(|edge| edge.odds));
        if repeats.left >= 1.0 && repeats.right >= 1.0 {
            return;
        }
        fill(&mut told.0, self.listened.0);
        fill(&mut told.1, self.listened.1);
        for heard in &self.alone {
            tell(told, heard, odds[heard.place as usize], (1.0, 1.0));
        }
        self.pass(repeats, told, odds);
        for heard in &self.silent {
            let left = free(told.0[heard.left as usize], repeats.left);
            odds[heard.place as usize] *= left;
            odds[heard.place as usize] *= free(told.1[heard.right as usize], repeats.right);
        }
    }

    /// Passes messages in each group; tells the rows that are listened to, and turns the odds of the contested edges
    /// into those with the alternatives heard.
    fn pass(&self, repeats: Repeats, told: &mut (Vec<f64>, Vec<f64>), odds: &mut [f64]) {
        let mut sums = (vec![0.0; self.rows_max], vec![0.0; self.rows_max]);
        let mut messages = Vec::new();
        let mut from = 0;
        for end in &self.ends {
            let range = from..*end as usize;
            from = range.end;
            let group = &self.contested[range];
            messages.clear();
            messages.extend(group.iter().map(|edge| Messages {
                left: edge.left,
                right: edge.right,
                odds: odds[edge.heard.place as usize],
                to_left: 1.0,
                to_right: 1.0,
            }));
            pass(&mut messages, &mut sums, repeats);
            for (edge, message) in group.iter().zip(&messages) {
                let to = (message.to_left, message.to_right);
                tell(told, &edge.heard, message.odds, to);
                odds[edge.heard.place as usize] = message.odds * message.to_left * message.to_right;
            }
        }
    }
}

/// Adds what an edge of some odds says to its rows, where these are listened to.
fn tell(told: &mut (Vec<f64>, Vec<f64>), heard: &Place, odds: f64, to: (f64, f64)) {
    if heard.left != UNHEEDED {
        told.0[heard.left as usize] += odds * to.0;
    }
    if heard.right != UNHEEDED {
        told.1[heard.right as usize] += odds * to.1;
    }
}

/// Numbers of the rows that silent edges listen to.
struct Heeded {
    numbers: (Vec<u32>, Vec<u32>),
    counts: (u32, u32),
}

impl Heeded {
    fn new(rows: (usize, usize)) -> Self {
        Self {
            numbers: (vec![UNHEEDED; rows.0], vec![UNHEEDED; rows.1]),
            counts: (0, 0),
        }
    }

    fn listen(&mut self, place: u32, edge: &Edge) -> Place {
        numbered(&mut self.numbers.0[edge.left as usize], &mut self.counts.0);
        numbered(&mut self.numbers.1[edge.right as usize], &mut self.counts.1);
        self.place(place, edge)
    }

    fn place(&self, place: u32, edge: &Edge) -> Place {
        Place {
            place,
            left: self.numbers.0[edge.left as usize],
            right: self.numbers.1[edge.right as usize],
        }
    }
}

fn fill(room: &mut Vec<f64>, len: usize) {
    room.clear();
    room.resize(len, 0.0);
}

/// An edge of a group with its messages.
struct Messages {
    left: u32,
    right: u32,
    odds: f64,
    to_left: f64,
    to_right: f64,
}

/// Passes messages within a group until they stand still.
fn pass(group: &mut [Messages], (left, right): &mut (Vec<f64>, Vec<f64>), repeats: Repeats) {
    for _ in 0..SWEEPS {
        // Rows are numbered as the edges name them, so none is past the number of edges.
        let rows = group.len();
        let (lefts, rights) = (left.len().min(rows), right.len().min(rows));
        left[..lefts].fill(0.0);
        right[..rights].fill(0.0);
        for edge in group.iter() {
            left[edge.left as usize] += edge.odds * edge.to_left;
            right[edge.right as usize] += edge.odds * edge.to_right;
        }
        let mut moved = 0.0_f64;
        for edge in group.iter_mut() {
            let others_left = (left[edge.left as usize] - edge.odds * edge.to_left).max(0.0);
            let others_right = (right[edge.right as usize] - edge.odds * edge.to_right).max(0.0);
            let before = (edge.to_left, edge.to_right);
            edge.to_right = free(others_left, repeats.left);
            edge.to_left = free(others_right, repeats.right);
            moved = moved
                .max((edge.to_right - before.1).abs() - STILL * before.1)
                .max((edge.to_left - before.0).abs() - STILL * before.0);
        }
        if moved <= 0.0 {
            return;
        }
    }
}

/// How many edges each row of a side has.
struct Seen(Vec<u32>);

impl Seen {
    fn new(edges: &[Edge], places: &[u32], rows: usize, of: fn(&Edge) -> u32) -> Self {
        let mut seen = vec![0; rows];
        for place in places {
            seen[of(&edges[*place as usize]) as usize] += 1;
        }
        Self(seen)
    }

    /// Numbers the rows of contested edges as they come, so that those of one family lie together in memory; gives
    /// their count.
    fn number(&mut self, edges: &mut [Contested], of: fn(&mut Contested) -> &mut u32) -> usize {
        self.0.fill(u32::MAX);
        let mut count = 0;
        for edge in edges {
            let row = of(edge);
            *row = numbered(&mut self.0[*row as usize], &mut count);
        }
        count as usize
    }
}

/// A number that was given, else the next one.
pub(crate) fn numbered(number: &mut u32, count: &mut u32) -> u32 {
    if *number == u32::MAX {
        *number = *count;
        *count += 1;
    }
    *number
}

/// By left row, the number of its group, in the order of the rows.
fn groups(contested: &[Contested], sizes: (usize, usize)) -> Vec<u32> {
    // Left rows first, then right rows; the lowest row of a group is its root.
    let mut parent: Vec<u32> = (0..(sizes.0 + sizes.1) as u32).collect();
    let root = |parent: &mut [u32], mut row: u32| {
        while parent[row as usize] != row {
            parent[row as usize] = parent[parent[row as usize] as usize];
            row = parent[row as usize];
        }
        row
    };
    for edge in contested {
        let left = root(&mut parent, edge.left);
        let right = root(&mut parent, edge.right + sizes.0 as u32);
        parent[left.max(right) as usize] = left.min(right);
    }
    let mut numbers = vec![u32::MAX; sizes.0];
    let mut count = 0;
    (0..sizes.0 as u32)
        .map(|row| {
            let root = root(&mut parent, row) as usize;
            numbered(&mut numbers[root], &mut count)
        })
        .collect()
}

/// How far a record is open to one more partner, others claiming it with the given odds.
fn free(others: f64, repeats: f64) -> f64 {
    (1.0 + repeats * others) / (1.0 + others)
}

/// The repeats that probabilities of edges show: E[n(n-1)] / E[n]² over the records of each side, n being the
/// partners of a record: 0 if no record has two, 1 if partners fall like rain.
pub(crate) fn repeats(edges: &[Edge], probabilities: &[f64], rows: (usize, usize)) -> Repeats {
    let total: f64 = probabilities.iter().sum();
    let side = |rows: usize, of: fn(&Edge) -> u32| {
        let mut sums = vec![0.0_f64; rows];
        let mut pairs = 0.0_f64;
        for (edge, p) in edges.iter().zip(probabilities) {
            let before = &mut sums[of(edge) as usize];
            pairs += 2.0 * *before * p;
            *before += p;
        }
        let count = (rows as f64).max(1.0);
        let mean = total / count;
        if mean <= 0.0 {
            return 1.0;
        }
        (pairs / count / (mean * mean)).clamp(1e-5, 1.0)
    };
    Repeats {
        left: side(rows.0, |edge| edge.left),
        right: side(rows.1, |edge| edge.right),
    }
}

pub(crate) mod local;
#[cfg(test)]
mod tests;
