//! Learning the parameters of one pair of files, and weighing its candidates.

#![allow(
    clippy::indexing_slicing,
    reason = "patterns are named by the table that holds them"
)]

use std::num::NonZeroUsize;

use crate::compete::{self, Edge, Repeats};
use crate::falls::Fall;
use crate::kinds::{Beliefs, Kind, Kinds, same_person, two_people};
use crate::levels::{Pattern, at, forename, surname};
use crate::pairs::{Pair, Patterns, portions};
use crate::spec::Holds;
use crate::threads;

/// What is learned.
#[derive(Debug, Clone)]
pub(crate) struct Parameters {
    pub(crate) same: Kinds,
    pub(crate) other: Kinds,
    /// Share of the left records that have a match among their candidates.
    pub(crate) share: f64,
    pub(crate) repeats: Repeats,
    pub(crate) rounds: u32,
    pub(crate) u_exact: [f64; 2],
}

/// Sizes and what is known of both files.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Setting {
    pub(crate) rows: (usize, usize),
    /// Left records whose candidates are learned from.
    pub(crate) learned: f64,
    pub(crate) holds: (Holds, Holds),
    pub(crate) within: bool,
    pub(crate) prior_pairs: f64,
    pub(crate) rounds_max: u32,
    pub(crate) convergence: f64,
    pub(crate) threads: NonZeroUsize,
}

/// Prior pairs behind each kind of matches, for each record: what a match looks like is known better than what
/// else may be found, and a kind that learned to disagree in everything would swallow the others.
const SAME_PRIOR: f64 = 0.02;

/// Prior pairs behind all kinds of two people, for each record, within one file.
const WITHIN_PRIOR: f64 = 0.2;

/// Rows without a partner that every file is taken to have.
const FREE_ROWS: f64 = 20.0;

/// Odds under this are nothing.
const ODDS_MIN: f64 = 1e-4;

impl Parameters {
    /// Before any data are seen, about so many candidates given.
    pub(crate) fn start(beliefs: Beliefs<'_>, pairs: f64, setting: &Setting) -> Self {
        let rate = (pairs / (setting.rows.0 as f64).max(1.0)).max(1e-6);
        Self {
            same: same_person(beliefs),
            other: two_people(beliefs, rate, setting.rows.1 as f64),
            share: 0.5,
            repeats: first_repeats(setting),
            rounds: 0,
            u_exact: [
                beliefs.u[at::FORENAME][usize::from(forename::EXACT)],
                beliefs.u[at::SURNAME][usize::from(surname::EXACT)],
            ],
        }
    }

    /// Odds that a left record with one candidate has its match there, over the density ratio of the pattern.
    pub(crate) fn prior_odds(&self, setting: &Setting) -> f64 {
        let (left, right) = self.falls(setting);
        let factor = |fall: Fall| fall.claim / fall.mean.max(f64::MIN_POSITIVE);
        self.share * factor(left) * factor(right)
    }

    /// What a second partner of a record weighs beside a first one. [`Parameters::repeats`] tells how often there is
    /// one; where nearly every record has a first, the same share of second ones speaks of far less weight.
    pub(crate) fn weights(&self, setting: &Setting) -> Repeats {
        let (left, right) = self.falls(setting);
        Repeats {
            left: left.weight,
            right: right.weight,
        }
    }

    /// How the matches fall on the records of each side.
    fn falls(&self, setting: &Setting) -> (Fall, Fall) {
        let matches = self.share * setting.rows.0 as f64;
        // Some rows more than there are, and never nearly all: a full register proves nothing of who is left.
        let mean = |rows: usize| (matches / (rows as f64 + FREE_ROWS)).min(0.97);
        (
            Fall::of(mean(setting.rows.0), self.repeats.left),
            Fall::of(mean(setting.rows.1), self.repeats.right),
        )
    }

    /// Numbers by pattern that the odds of its pairs are made of.
    pub(crate) fn weigher(&self, patterns: &Patterns, setting: &Setting) -> Weigher {
        let same_rate = self.same.rate().max(1e-300);
        let prior = self.prior_odds(setting);
        let chance = self.chance();
        let mut match_density = Vec::with_capacity(patterns.list.len());
        let mut others = Vec::with_capacity(patterns.list.len());
        for pattern in &patterns.list {
            let density: f64 = self.same.0.iter().map(|kind| kind.density(*pattern)).sum();
            match_density.push(density / same_rate * prior);
            others.push(self.others(*pattern, &chance));
        }
        let exact = patterns
            .list
            .iter()
            .map(|pattern| exact(*pattern))
            .collect();
        let mut weigher = Weigher {
            match_density,
            others,
            exact,
            hopeless: Vec::new(),
            powers: powers(),
        };
        weigher.hopeless = (0..patterns.list.len())
            .map(|pattern| weigher.odds(pattern as u32, [-128, -128]) < ODDS_MIN)
            .collect();
        weigher
    }

    /// By kind of two people, the share of agreeing forenames and surnames that chance explains.
    fn chance(&self) -> Vec<[f64; 2]> {
        let share =
            |kind: &Kind, c: usize, exact: u8, u: f64| (u / kind.q[c][usize::from(exact)]).min(1.0);
        self.other
            .0
            .iter()
            .map(|kind| {
                [
                    share(kind, at::FORENAME, forename::EXACT, self.u_exact[0]),
                    share(kind, at::SURNAME, surname::EXACT, self.u_exact[1]),
                ]
            })
            .collect()
    }

    /// Density of a pattern among two people, in the parts that grow as its names are more common than others. A kind
    /// of density d in which chance explains the shares f and s of agreeing forenames and surnames has the density
    /// d (1 - f + f F) (1 - s + s S) for names F and S times as common as the mean.
    fn others(&self, pattern: Pattern, chance: &[[f64; 2]]) -> Others {
        let mut others = Others::default();
        for (kind, [f, s]) in self.other.0.iter().zip(chance) {
            let density = kind.density(pattern);
            others.neither += density * (1.0 - f) * (1.0 - s);
            others.forename += density * f * (1.0 - s);
            others.surname += density * (1.0 - f) * s;
            others.both += density * f * s;
        }
        others
    }

    /// A weigher of one pattern, given its density among matches.
    pub(crate) fn single(&self, pattern: Pattern, match_density: f64) -> Weigher {
        Weigher {
            match_density: vec![match_density],
            others: vec![self.others(pattern, &self.chance())],
            exact: vec![exact(pattern)],
            hopeless: vec![false],
            powers: powers(),
        }
    }

    /// One round: odds, competition, and new parameters from what they say of each pattern.
    fn round(&mut self, lesson: &Lesson, edges: &mut Vec<Edge>, setting: &Setting) {
        let Lesson {
            pairs,
            learned,
            patterns,
            counts,
            rows,
        } = lesson;
        let weigher = self.weigher(patterns, setting);
        edges.clear();
        let (own, others) = pairs.split_at(*learned);
        add_edges(&portions(own, PORTION), &weigher, setting, edges);
        let own = edges.len();
        add_edges(&portions(others, PORTION), &weigher, setting, edges);
        let odds = compete::odds(edges, *rows, self.repeats);
        let mut matches = vec![0.0; counts.len()];
        for (edge, odds) in edges[..own].iter().zip(&odds) {
            matches[edge.pattern as usize] += odds / (1.0 + odds);
        }
        let total: f64 = matches.iter().sum();
        let sampled = setting.learned;
        self.share = (total / sampled.max(1.0)).clamp(1e-9, 1e6);
        let weighted = |of: &dyn Fn(usize) -> f64| -> Vec<(Pattern, f64)> {
            (0..counts.len())
                .map(|p| (patterns.list[p], of(p)))
                .collect()
        };
        let same = weighted(&|p| matches[p]);
        let other = weighted(&|p| (counts[p] as f64 - matches[p]).max(0.0));
        let strict = (3.0 * setting.prior_pairs).max(SAME_PRIOR * sampled);
        self.same.fit(&same, sampled, strict, 2);
        let known = if setting.within {
            // Nothing competes, so what looks like a household might be what one person's records look like.
            setting.prior_pairs.max(WITHIN_PRIOR * sampled)
        } else {
            setting.prior_pairs
        };
        self.other.fit(&other, sampled, known, 2);
    }

    /// Rounds until the share of matches stands still.
    pub(crate) fn learn(&mut self, lesson: &Lesson, setting: &Setting) {
        let mut edges = Vec::new();
        for _ in 0..setting.rounds_max {
            let before = self.share;
            self.round(lesson, &mut edges, setting);
            self.rounds += 1;
            let moved = (self.share / before - 1.0).abs();
            if moved < setting.convergence {
                break;
            }
        }
    }
}

/// What is learned from: all pairs of some left records, and those pairs of others that compete with them. Without
/// their rivals right records would look free, and look-alikes would be learned as matches.
pub(crate) struct Lesson {
    pairs: Vec<Pair>,
    /// The first so many are of the records learned from; the others are rivals, heard but not counted.
    learned: usize,
    patterns: Patterns,
    counts: Vec<u64>,
    /// Rows of each side that the pairs name, numbered as they come: a sample of a large file is heard in small tables.
    rows: (usize, usize),
}

/// Pairs on their way into a [`Lesson`], in the order of their rows.
#[derive(Default)]
pub(crate) struct Gathered {
    learned: Vec<Pair>,
    others: Vec<Pair>,
}

impl Gathered {
    /// Adds all pairs of left records that are learned from, and of the others those that could be matches.
    pub(crate) fn add(
        &mut self,
        slices: &[&[Pair]],
        is_learned: &(dyn Fn(usize) -> bool + Sync),
        weigher: Option<&Weigher>,
        threads: NonZeroUsize,
    ) {
        let gathered = threads::each(threads, slices.to_vec(), |pairs| {
            let mut gathered = Self::default();
            for pair in pairs {
                if is_learned(pair.left as usize) {
                    gathered.learned.push(*pair);
                } else if weigher.is_some_and(|weigher| weigher.is_plausible(pair)) {
                    gathered.others.push(*pair);
                }
            }
            gathered
        });
        for of_slice in gathered {
            self.learned.extend(of_slice.learned);
            self.others.extend(of_slice.others);
        }
    }

    /// Keeps of the others those that share a right record with a learned pair that could be a match.
    pub(crate) fn lesson(
        mut self,
        patterns: &Patterns,
        weigher: Option<&Weigher>,
        setting: &Setting,
    ) -> Lesson {
        let learned = self.learned.len();
        if let Some(weigher) = weigher {
            let mut edges = Vec::new();
            add_edges(
                &portions(&self.learned, PORTION),
                weigher,
                setting,
                &mut edges,
            );
            let mut wanted = vec![false; setting.rows.1];
            for edge in &edges {
                wanted[edge.right as usize] = true;
            }
            self.others.retain(|pair| wanted[pair.right as usize]);
            self.learned.append(&mut self.others);
        }
        let (mut pairs, patterns) = patterns.compact(&self.learned);
        drop(self.learned);
        let rows = (
            renumber(&mut pairs, setting.rows.0, |pair| &mut pair.left),
            renumber(&mut pairs, setting.rows.1, |pair| &mut pair.right),
        );
        Lesson {
            counts: crate::pairs::count(&pairs[..learned], &patterns),
            pairs,
            learned,
            patterns,
            rows,
        }
    }
}

/// Numbers the rows of one side as pairs name them; gives their count.
fn renumber(pairs: &mut [Pair], rows: usize, of: fn(&mut Pair) -> &mut u32) -> usize {
    let mut numbers = vec![u32::MAX; rows];
    let mut count = 0;
    for pair in pairs {
        let row = of(pair);
        *row = compete::numbered(&mut numbers[*row as usize], &mut count);
    }
    count as usize
}

/// What was asked of each file, else what is believed of any.
fn first_repeats(setting: &Setting) -> Repeats {
    if setting.within {
        return Repeats::FREE;
    }
    let first = |holds: Holds, unknown: f64| match holds {
        Holds::One => ONE,
        Holds::Many | Holds::Estimated => unknown,
    };
    Repeats {
        left: first(setting.holds.1, Repeats::UNKNOWN.left),
        right: first(setting.holds.0, Repeats::UNKNOWN.right),
    }
}

/// Repeats in a register: not nothing, for an error in it.
const ONE: f64 = 1e-6;

/// What was asked of each file, else what the links show.
pub(crate) fn new_repeats(edges: &[Edge], probabilities: &[f64], setting: &Setting) -> Repeats {
    if setting.within {
        return Repeats::FREE;
    }
    let found = compete::repeats(edges, probabilities, setting.rows);
    let settle = |holds: Holds, found: f64| match holds {
        Holds::One => ONE,
        Holds::Many => found.max(1e-3),
        Holds::Estimated => found,
    };
    Repeats {
        // Second partners of a left record are records of the right file.
        left: settle(setting.holds.1, found.left),
        right: settle(setting.holds.0, found.right),
    }
}

fn exact(pattern: Pattern) -> [bool; 2] {
    [
        pattern.level(at::FORENAME) == Some(forename::EXACT),
        pattern.level(at::SURNAME) == Some(surname::EXACT),
    ]
}

/// Powers of two by eighths of a bit.
fn powers() -> Vec<f64> {
    (-128_i32..128)
        .map(|e| (f64::from(e) / 8.0).exp2())
        .collect()
}

/// Density of a pattern among two people: the part that does not know how common the names are, and those that grow
/// with the forename, with the surname, and with both.
#[derive(Clone, Copy, Default)]
struct Others {
    neither: f64,
    forename: f64,
    surname: f64,
    both: f64,
}

/// Turns a pair into odds.
pub(crate) struct Weigher {
    match_density: Vec<f64>,
    others: Vec<Others>,
    exact: Vec<[bool; 2]>,
    hopeless: Vec<bool>,
    powers: Vec<f64>,
}

impl Weigher {
    /// Odds of a pair against nobody, alternatives unheard.
    pub(crate) fn odds(&self, pattern: u32, common: [i8; 2]) -> f64 {
        let pattern = pattern as usize;
        let times = |exact: bool, common: i8| {
            if exact {
                self.powers[(i32::from(common) + 128) as usize]
            } else {
                1.0
            }
        };
        let [fore, sur] = self.exact[pattern];
        let (f, s) = (times(fore, common[0]), times(sur, common[1]));
        let others = &self.others[pattern];
        let known = others.forename * f + others.surname * s + others.both * f * s;
        let density = (others.neither + known).max(1e-300);
        self.match_density[pattern] / density
    }

    /// True if a pair could be a match.
    fn is_plausible(&self, pair: &Pair) -> bool {
        !self.is_hopeless(pair.pattern) && self.odds(pair.pattern, pair.common) >= ODDS_MIN
    }

    /// True if no pair of this pattern can have odds worth keeping.
    pub(crate) fn is_hopeless(&self, pattern: u32) -> bool {
        self.hopeless[pattern as usize]
    }
}

/// Odds under this are nothing beside rivals of [`OVERWHELMING`] times as much.
const WEAK: f64 = 0.02;

/// See [`WEAK`].
const OVERWHELMING: f64 = 1000.0;

/// Pairs that one thread weighs at a time.
const PORTION: usize = 1 << 15;

/// Adds the pairs that could be matches. Pairs come by left row, all of a row in one portion; between two files, those
/// are left out that have next to no odds and an overwhelming rival for their left record.
pub(crate) fn add_edges(
    portions: &[&[Pair]],
    weigher: &Weigher,
    setting: &Setting,
    edges: &mut Vec<Edge>,
) {
    if setting.threads == NonZeroUsize::MIN {
        for pairs in portions {
            add_portion(pairs, weigher, setting.within, edges);
        }
        return;
    }
    let found = threads::each(setting.threads, portions.to_vec(), |pairs| {
        let mut edges = Vec::new();
        add_portion(pairs, weigher, setting.within, &mut edges);
        edges
    });
    for more in found {
        edges.extend(more);
    }
}

fn add_portion(pairs: &[Pair], weigher: &Weigher, within: bool, edges: &mut Vec<Edge>) {
    for of_row in pairs.chunk_by(|a, b| a.left == b.left) {
        let before = edges.len();
        for pair in of_row {
            if weigher.is_hopeless(pair.pattern) {
                continue;
            }
            let odds = weigher.odds(pair.pattern, pair.common);
            if odds >= ODDS_MIN {
                edges.push(Edge {
                    left: pair.left,
                    right: pair.right,
                    pattern: pair.pattern,
                    rules: pair.rules,
                    odds,
                });
            }
        }
        let best = edges[before..]
            .iter()
            .fold(0.0_f64, |best, edge| best.max(edge.odds));
        if !within && best > OVERWHELMING * ODDS_MIN {
            let mut kept = before;
            for at in before..edges.len() {
                let edge = edges[at];
                if is_worth_keeping(edge.odds, best) {
                    edges[kept] = edge;
                    kept += 1;
                }
            }
            edges.truncate(kept);
        }
    }
}

/// False for odds of next to nothing beside an overwhelming rival for the same left record.
pub(crate) fn is_worth_keeping(odds: f64, best: f64) -> bool {
    odds >= WEAK || odds * OVERWHELMING >= best
}
