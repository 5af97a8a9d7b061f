//! The whole linkage of coded files: each pair of files in turn, then persons, then the report.

#![allow(
    clippy::indexing_slicing,
    reason = "files, rows and patterns are named by those who hold them"
)]

use crate::block::{self, Candidates, Limits, Plan, Sides};
use crate::chance;
use crate::cluster;
use crate::coded::{Coded, Row};
use crate::compete::Edge;
use crate::error::LinkError;
use crate::fit::{self, Gathered, Parameters, Setting, Weigher};
use crate::intake::Resources;
use crate::keys::Keys;
use crate::kinds::{self, Beliefs, Shares};
use crate::levels::{self, Comparison, Pattern};
use crate::observer::{Observer, Stage};
use crate::outcome::{Join, Linkage};
use crate::overrides::{self, Given};
use crate::pairs::{self, Commonness, Compared, Means, Patterns};
use crate::random::mix;
use crate::report;
use crate::spec::{Holds, LinkType, Spec};
use crate::steps;
use crate::threads;
use crate::told;

/// What a candidate takes, repeats counted: found, twice over while it is sorted, then compared.
const BYTES_A_PAIR: u64 = 32;

/// Everything found of one pair of files.
pub(crate) struct Fitted {
    pub(crate) files: (usize, usize),
    pub(crate) u: Shares,
    pub(crate) parameters: Parameters,
    pub(crate) plan: Plan,
    pub(crate) patterns: Patterns,
    /// Candidate pairs by pattern.
    pub(crate) counts: Vec<u64>,
    /// Pairs that each rule was the first to find.
    pub(crate) new_pairs: Vec<u64>,
    pub(crate) edges: Vec<Edge>,
    /// Odds by edge, the alternatives heard.
    pub(crate) odds: Vec<f64>,
    /// What the odds of edges were made of; prior odds settled later shift them by some bits.
    pub(crate) weigher: Weigher,
    pub(crate) shift: f64,
    /// Prior odds of a left record.
    pub(crate) prior: f64,
    pub(crate) commonness: Commonness,
}

impl Fitted {
    /// Weight of a record against its own copy.
    pub(crate) fn self_weight(&self, pattern: Pattern, row: &Row) -> f64 {
        let same = &self.parameters.same;
        let density: f64 = same.0.iter().map(|kind| kind.density(pattern)).sum();
        let weigher = self
            .parameters
            .single(pattern, density / same.rate().max(1e-300) * self.prior);
        weigher.odds(0, self.commonness.of(row)).max(1e-300).log2()
    }
}

/// Links files that were coded and finished.
pub(crate) fn link(
    spec: &Spec,
    coded: &Coded,
    resources: Resources,
    observer: &mut dyn Observer,
) -> Result<Linkage, LinkError> {
    let fitted = fit_all(spec, coded, resources, observer)?;
    observer.stage(Stage::Score);
    let mut joins: Vec<Join> = Vec::new();
    for fitted in &fitted {
        joins.extend(steps::joins(spec, coded, fitted));
    }
    let one = cluster::hold_one(spec, coded.files.len(), &fitted);
    told::decide(&coded.told.decisions, &one, &mut joins);
    joins.sort_unstable_by_key(|j| (j.file_l, j.row_l, j.file_r, j.row_r));
    observer.stage(Stage::Cluster);
    let clusters = cluster::persons(spec, coded, &fitted, &joins);
    observer.stage(Stage::Report);
    Ok(report::linkage(spec, coded, &fitted, joins, clusters))
}

/// Learns the parameters of each pair of files, and weighs its candidates.
pub(crate) fn fit_all(
    spec: &Spec,
    coded: &Coded,
    resources: Resources,
    observer: &mut dyn Observer,
) -> Result<Vec<Fitted>, LinkError> {
    let comparisons = levels::comparisons(&coded.extras);
    let given = overrides::given(spec, &comparisons)?;
    let of_files: Vec<(usize, usize)> = match spec.link_type {
        LinkType::Dedupe => vec![(0, 0)],
        LinkType::Link => (0..coded.files.len())
            .flat_map(|a| (a + 1..coded.files.len()).map(move |b| (a, b)))
            .collect(),
    };
    let mut fitted = Vec::new();
    for files in of_files {
        let files = oriented(spec, coded, files);
        let run = Run {
            spec,
            coded,
            comparisons: &comparisons,
            given: &given,
            sides: Sides {
                left: &coded.files[files.0],
                right: &coded.files[files.1],
                within: files.0 == files.1,
            },
            files,
            resources,
        };
        if run.sides.left.rows.is_empty() || run.sides.right.rows.is_empty() {
            continue;
        }
        fitted.push(run.fit(observer)?);
    }
    Ok(fitted)
}

/// The file that repeats people more goes first: the parameters are learned from some of its records and all
/// their candidates, and among these a record of a register has its rivals.
fn oriented(spec: &Spec, coded: &Coded, (a, b): (usize, usize)) -> (usize, usize) {
    let repeats = |file: usize| -> f64 {
        match spec.files[file].holds {
            Holds::One => return -1.0,
            Holds::Many => return 2.0,
            Holds::Estimated => {}
        }
        let rows = &coded.files[file].rows;
        let mut keys: Vec<u64> = rows
            .iter()
            .filter(|row| row.fore[0] != 0 && row.sur[0] != 0 && row.born != 0)
            .map(|row| {
                mix(u64::from(row.fore[0]) << 32 | u64::from(row.sur[0])) ^ u64::from(row.born)
            })
            .collect();
        let records = keys.len() as f64;
        keys.sort_unstable();
        keys.dedup();
        1.0 - keys.len() as f64 / records.max(1.0)
    };
    if a != b && repeats(b) > repeats(a) {
        (b, a)
    } else {
        (a, b)
    }
}

struct Run<'a> {
    spec: &'a Spec,
    coded: &'a Coded,
    comparisons: &'a [Comparison],
    given: &'a [Given],
    sides: Sides<'a>,
    files: (usize, usize),
    resources: Resources,
}

fn go_on(observer: &mut dyn Observer, stage: Stage) -> Result<(), LinkError> {
    if observer.cancelled() {
        return Err(LinkError::Cancelled);
    }
    observer.stage(stage);
    Ok(())
}

impl Run<'_> {
    fn fit(&self, observer: &mut dyn Observer) -> Result<Fitted, LinkError> {
        let settings = &self.spec.settings;
        go_on(observer, Stage::Plan)?;
        let keys = Keys::new(self.coded);
        let room = self.room()?;
        let limits = Limits {
            pairs_max: settings.pairs_max,
            found_max: room / BYTES_A_PAIR,
            threads: self.resources.threads,
        };
        let (plan, found) = block::plan(&keys, self.sides, &self.spec.blocking, limits)?;
        let slices = match &found {
            Some(_) => 1,
            None => self.slices(&plan, room),
        };
        go_on(observer, Stage::Train)?;
        let (m, u) = self.shares();
        let chances = [
            u[levels::at::FORENAME][usize::from(levels::forename::EXACT)],
            u[levels::at::SURNAME][usize::from(levels::surname::EXACT)],
        ];
        let search = Search {
            run: self,
            plan: &plan,
            keys: &keys,
            commonness: Commonness::new(self.coded, self.sides, chances, settings),
            slices,
        };
        let mut patterns = Patterns::new();
        let mut kept = Kept::default();
        let (setting, mut parameters) = match found {
            Some(found) => {
                go_on(observer, Stage::Compare)?;
                let compared = search.compare(found, &mut patterns);
                go_on(observer, Stage::Train)?;
                let mut school = self.school(&plan, &m, &u)?;
                school.add(&compared, &patterns);
                let (setting, parameters) = school.learn(&patterns);
                go_on(observer, Stage::Score)?;
                kept.add(&compared, &parameters, &patterns, &setting);
                (setting, parameters)
            }
            None => self.fit_in_slices(&search, (&m, &u), &mut patterns, &mut kept, observer)?,
        };
        let weigher = parameters.weigher(&patterns, &setting);
        let before = parameters.prior_odds(&setting);
        let odds = settle::whole(&mut kept.edges, &mut parameters, &setting);
        let prior = parameters.prior_odds(&setting);
        Ok(Fitted {
            weigher,
            shift: (prior / before).log2(),
            prior,
            commonness: search.commonness,
            files: self.files,
            u,
            parameters,
            plan,
            counts: kept.counts,
            new_pairs: kept.new_pairs,
            patterns,
            edges: kept.edges,
            odds,
        })
    }

    /// Slice after slice of the left rows, once to learn and once to score.
    fn fit_in_slices(
        &self,
        search: &Search<'_>,
        (m, u): (&Shares, &Shares),
        patterns: &mut Patterns,
        kept: &mut Kept,
        observer: &mut dyn Observer,
    ) -> Result<(Setting, Parameters), LinkError> {
        let mut school = self.school(search.plan, m, u)?;
        for slice in 0..search.slices {
            go_on(observer, Stage::Compare)?;
            school.add(&search.slice(slice, patterns), patterns);
        }
        go_on(observer, Stage::Train)?;
        let (setting, parameters) = school.learn(patterns);
        for slice in 0..search.slices {
            go_on(observer, Stage::Compare)?;
            let compared = search.slice(slice, patterns);
            kept.add(&compared, &parameters, patterns, &setting);
        }
        Ok((setting, parameters))
    }

    /// Bytes left for pairs by the memory budget.
    fn room(&self) -> Result<u64, LinkError> {
        // Tables of patterns, and what a thread remembers of similarities.
        const FIXED: u64 = 8 << 20;
        const BYTES_A_THREAD: u64 = 8 << 20;
        // Keys of a rule twice over while they are sorted; edges, messages and joins.
        const BYTES_A_ROW: u64 = 128;
        const ROOM_MIN: u64 = 1 << 20;
        let rows = (self.sides.left.rows.len() + self.sides.right.rows.len()) as u64;
        let fixed = FIXED + BYTES_A_THREAD * self.resources.threads.get() as u64;
        let base = self.coded.held() as u64 + BYTES_A_ROW * rows + fixed;
        let room = self.resources.memory_bytes.saturating_sub(base);
        if room < ROOM_MIN {
            return Err(LinkError::Memory {
                needed: base + ROOM_MIN,
                allowed: self.resources.memory_bytes,
            });
        }
        Ok(room)
    }

    /// How many slices of left rows keep the memory budget.
    fn slices(&self, plan: &Plan, room: u64) -> usize {
        let slices = (plan.predicted() * BYTES_A_PAIR).div_ceil(room).max(1);
        usize::try_from(slices)
            .unwrap_or(usize::MAX)
            .min(self.sides.left.rows.len().max(1))
    }

    /// What agreement and chance look like before anything is learned.
    fn shares(&self) -> (Shares, Shares) {
        let mut m = kinds::prior_m(self.comparisons);
        let mut u = chance::shares(
            self.coded,
            self.comparisons,
            self.sides,
            &self.spec.settings,
            self.resources.threads,
        );
        for (place, given) in self.given.iter().enumerate() {
            m[place] = given.m.unwrap_or(m[place]);
            u[place] = given.u.unwrap_or(u[place]);
        }
        (m, u)
    }

    /// What is believed, and who is learned from: with many candidates, a sample of the left records.
    fn school(&self, plan: &Plan, m: &Shares, u: &Shares) -> Result<School, LinkError> {
        let settings = &self.spec.settings;
        let (rows_l, rows_r) = (self.sides.left.rows.len(), self.sides.right.rows.len());
        let sample = Sample {
            seed: settings.seed,
            wanted: settings.training_pairs_max,
            of: plan.predicted().max(settings.training_pairs_max),
        };
        let learned = (0..rows_l).filter(|row| sample.has(*row)).count();
        let holds = |file: usize| self.spec.files[file].holds;
        let setting = Setting {
            rows: (rows_l, rows_r),
            learned: learned as f64,
            holds: (holds(self.files.0), holds(self.files.1)),
            within: self.sides.within,
            prior_pairs: settings.prior_pairs,
            rounds_max: settings.em_rounds_max,
            convergence: settings.em_convergence,
            threads: self.resources.threads,
        };
        let beliefs = Beliefs {
            extras: &self.coded.extras,
            m,
            u,
            given: self.given,
        };
        let mut parameters = Parameters::start(beliefs, plan.predicted() as f64, &setting);
        told::teach(
            &mut parameters,
            self.coded,
            self.files,
            self.sides,
            &setting,
        )?;
        Ok(School {
            parameters,
            setting,
            sample,
            gathered: Gathered::default(),
        })
    }
}

/// A share of the left records, drawn by their places.
#[derive(Clone, Copy)]
struct Sample {
    seed: u64,
    wanted: u64,
    of: u64,
}

impl Sample {
    const fn has(self, row: usize) -> bool {
        if self.wanted >= self.of {
            return true;
        }
        let draw = mix(self.seed ^ mix(row as u64)) >> 32;
        (draw as u128 * self.of as u128) >> 32 < self.wanted as u128
    }
}

/// Learns the parameters of a pair of files.
struct School {
    parameters: Parameters,
    setting: Setting,
    sample: Sample,
    gathered: Gathered,
}

impl School {
    fn add(&mut self, compared: &Compared, patterns: &Patterns) {
        let (sample, weigher) = (self.sample, self.rivals(patterns));
        let is_learned = |row| sample.has(row);
        let (slices, threads) = (compared.slices(), self.setting.threads);
        self.gathered
            .add(&slices, &is_learned, weigher.as_ref(), threads);
    }

    /// What tells the rivals of the sample; nothing if all are learned from, or within one file, where nothing competes.
    fn rivals(&self, patterns: &Patterns) -> Option<Weigher> {
        let all = self.sample.wanted >= self.sample.of;
        (!all && !self.setting.within).then(|| self.parameters.weigher(patterns, &self.setting))
    }

    fn learn(self, patterns: &Patterns) -> (Setting, Parameters) {
        let weigher = self.rivals(patterns);
        let lesson = self
            .gathered
            .lesson(patterns, weigher.as_ref(), &self.setting);
        let mut parameters = self.parameters;
        parameters.learn(&lesson, &self.setting);
        (self.setting, parameters)
    }
}

/// What candidates are found and compared by.
struct Search<'a> {
    run: &'a Run<'a>,
    plan: &'a Plan,
    keys: &'a Keys<'a>,
    commonness: Commonness,
    /// Slices of left rows that are searched one after the other.
    slices: usize,
}

impl Search<'_> {
    fn compare(&self, found: Candidates, patterns: &mut Patterns) -> Compared {
        let means = Means {
            coded: self.run.coded,
            sides: self.run.sides,
            commonness: &self.commonness,
            rules: self.plan.rules.len(),
            threads: self.run.resources.threads,
        };
        pairs::compare(means, found, patterns)
    }

    fn slice(&self, slice: usize, patterns: &mut Patterns) -> Compared {
        let rows = self.run.sides.left.rows.len().max(1);
        let wanted = |row: usize| row * self.slices / rows == slice;
        let threads = self.run.resources.threads;
        let found = self
            .plan
            .find(self.keys, self.run.sides, Some(&wanted), threads);
        self.compare(found, patterns)
    }
}

/// What is kept of all candidates.
#[derive(Default)]
struct Kept {
    edges: Vec<Edge>,
    counts: Vec<u64>,
    new_pairs: Vec<u64>,
}

impl Kept {
    fn add(
        &mut self,
        compared: &Compared,
        parameters: &Parameters,
        patterns: &Patterns,
        setting: &Setting,
    ) {
        let weigher = parameters.weigher(patterns, setting);
        let slices = compared.slices();
        fit::add_edges(&slices, &weigher, setting, &mut self.edges);
        let counts = threads::each(setting.threads, slices, |pairs| {
            pairs::count(pairs, patterns)
        });
        for counts in counts {
            add(&mut self.counts, &counts);
        }
        add(&mut self.new_pairs, &compared.new);
    }
}

fn add(sums: &mut Vec<u64>, more: &[u64]) {
    sums.resize(sums.len().max(more.len()), 0);
    for (sum, more) in sums.iter_mut().zip(more) {
        *sum += more;
    }
}

mod settle;
#[cfg(test)]
mod tests;
