//! A kept spine: a linkage that goes on. Its model is fixed, its records and candidate pairs are kept, and new records
//! are linked to them without linking everything again.
//!
//! What depends on chance arrival depends on it nowhere here: blocking keys are hashes of what values say, not of the
//! codes that they happened to get, and of equals the record comes first whose id has the lower hash. So for one model
//! the outcome is that of a batch over all records, bit for bit, however these were split into deliveries and whatever
//! order they came in.

#![allow(
    clippy::indexing_slicing,
    reason = "files, rows and patterns are those that the spine holds"
)]

use std::collections::BTreeMap;
use std::num::NonZeroUsize;

use crate::cluster;
use crate::coded::Coded;
use crate::compete::{Edge, Repeats};
use crate::engine::{self, Fitted};
use crate::error::LinkError;
use crate::fit::{Parameters, Setting};
use crate::intake::{self, Resources};
use crate::keys::Part;
use crate::observer::{Observer, Stage};
use crate::outcome::{Join, JoinStep, Linkage};
use crate::pairs::{Commonness, Patterns};
use crate::report as whole_report;
use crate::settings::Settings;
use crate::spec::{FileSpec, Holds, LinkType, Spec};
use crate::text::hash_bytes;
pub use report::{DeliveryReport, PairCounts, PersonCounts};
use search::Room;

mod local;
mod pack;
mod report;
mod search;
mod segment;
mod view;
mod whole;

/// A linkage that goes on.
pub struct KeptSpine {
    spec: Spec,
    coded: Coded,
    ids: Vec<Ids>,
    /// By file, whether its dates have the month first.
    months_first: Vec<bool>,
    /// By file, whether it holds one record a person.
    one: Vec<bool>,
    fits: Vec<KeptFit>,
    /// How much of everything was there before this run.
    before: Mark,
}

/// What is kept of a pair of files.
struct KeptFit {
    files: (usize, usize),
    parameters: Parameters,
    /// What a second partner weighs under these parameters.
    weights: Repeats,
    /// Records of both files when the parameters were learned.
    rows: (usize, usize),
    rules: Vec<Vec<Part>>,
    /// By rule: keys of too many pairs when the spine was made, in order.
    struck: Vec<Vec<u32>>,
    commonness: Commonness,
    patterns: Patterns,
    /// Candidate pairs that could be matches, with their odds before any alternative is heard.
    edges: Vec<Edge>,
}

impl KeptFit {
    const fn setting(&self) -> Setting {
        Setting {
            rows: self.rows,
            // Nothing is learned any more.
            learned: 0.0,
            holds: (Holds::Estimated, Holds::Estimated),
            within: self.within(),
            prior_pairs: 0.0,
            rounds_max: 0,
            convergence: 0.0,
            threads: NonZeroUsize::MIN,
        }
    }

    const fn within(&self) -> bool {
        self.files.0 == self.files.1
    }

    /// With what follows from its parameters.
    fn settled(mut self) -> Self {
        self.weights = self.parameters.weights(&self.setting());
        self
    }
}

/// The ids of a file, one after the other, and where each ends; the order among equals goes by `order`.
#[derive(Default)]
struct Ids {
    text: Vec<u8>,
    ends: Vec<u64>,
    order: Vec<u64>,
}

impl Ids {
    fn push(&mut self, id: &str) {
        self.text.extend_from_slice(id.as_bytes());
        self.ends.push(self.text.len() as u64);
        self.order.push(hash_bytes(id.as_bytes()));
    }

    fn get(&self, row: usize) -> &[u8] {
        let start = row.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.text[start as usize..self.ends[row] as usize]
    }

    /// Rows from one on whose id an earlier row has.
    fn repeated(&self, from: usize) -> Option<usize> {
        let mut new: Vec<(u64, usize)> = (from..self.order.len())
            .map(|row| (self.order[row], row))
            .collect();
        new.sort_unstable();
        let twice = new.windows(2).find(|two| {
            let same = two[0].0 == two[1].0;
            same && self.get(two[0].1) == self.get(two[1].1)
        });
        let again = |row: usize| {
            let hash = self.order[row];
            let first = new.partition_point(|(other, _)| *other < hash);
            let equal = new[first..].iter().take_while(|(other, _)| *other == hash);
            let mut equal = equal.filter(|(_, other)| self.get(*other) == self.get(row));
            equal.next().map(|(_, other)| *other)
        };
        let known = if new.is_empty() {
            None
        } else {
            (0..from).find_map(again)
        };
        twice.map(|two| two[1].1).or(known)
    }
}

/// Sizes of what only grows.
#[derive(Debug, Clone, Default, PartialEq)]
struct Mark {
    segments: u32,
    names: usize,
    texts: usize,
    rows: Vec<usize>,
    /// Patterns of each pair of files.
    patterns: Vec<usize>,
    /// Edges of each pair of files that this run made.
    edges: Vec<Vec<Edge>>,
}

/// A record of a kept spine: its file, and its row in the order of arrival, both from 0.
pub type Record = (u16, u32);

/// A pair of records that is held to be one person, before and after a delivery.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Moved {
    /// Nothing where it was not held to be one.
    pub before: Option<Join>,
    /// Nothing where it is no longer.
    pub after: Option<Join>,
}

/// What a delivery changed.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Delivered {
    /// New records by file.
    pub records: Vec<u64>,
    /// New candidate pairs, repeats not counted.
    pub candidate_pairs: u64,
    /// Pairs that came, went or have other odds, by file, row, file, row.
    pub joins: Vec<Moved>,
    /// New records and all whose person may have changed, as the persons that they are now: groups by their first
    /// record.
    pub persons: Vec<Vec<Record>>,
    /// New records in a pair at or above the threshold, by its surest step.
    pub linked: BTreeMap<JoinStep, u64>,
}

impl KeptSpine {
    /// Fixes the model of a linkage and keeps its records. The second is what the linkage came
    /// to under the fixed model.
    ///
    /// # Errors
    /// As of a linkage; decisions, encodings and models of others, which are not kept.
    pub(crate) fn keep(
        spec: Spec,
        coded: Coded,
        id: &dyn Fn(Record) -> Option<String>,
        resources: Resources,
        observer: &mut dyn Observer,
    ) -> Result<(Self, Linkage), LinkError> {
        let fitted = engine::fit_all(&spec, &coded, resources, observer)?;
        let mut kept = Self::freeze(spec, coded, id, &fitted)?;
        let room = kept.room(resources)?;
        for fit in 0..kept.fits.len() {
            kept.search(
                fit,
                Room {
                    strike: true,
                    ..room
                },
                observer,
            )?;
        }
        observer.stage(Stage::Score);
        let whole = kept.whole();
        let persons = cluster::grouped(
            &kept.rows(),
            &kept.one,
            &whole,
            kept.spec.settings.threshold_probability,
        );
        let mut joins = whole;
        joins.sort_unstable_by_key(|j| (j.file_l, j.row_l, j.file_r, j.row_r));
        observer.stage(Stage::Report);
        let linkage = whole_report::linkage(&kept.spec, &kept.coded, &fitted, joins, persons);
        Ok((kept, linkage))
    }

    fn freeze(
        mut spec: Spec,
        coded: Coded,
        id: &dyn Fn(Record) -> Option<String>,
        fitted: &[Fitted],
    ) -> Result<Self, LinkError> {
        let told = |text: &str| Err(LinkError::Told { text: text.into() });
        if spec.encoded || spec.splink.is_some() {
            return told("a spine is kept of clear records under the engine's own model only");
        }
        if !coded.told.decisions.is_empty() {
            return told("a spine is kept before decisions are given, not with them");
        }
        if fitted.is_empty() {
            return told("a spine is kept of files that hold records");
        }
        spec.spine = None;
        let mut ids = Vec::with_capacity(coded.files.len());
        for (file, records) in coded.files.iter().enumerate() {
            let mut kept = Ids::default();
            for row in 0..records.rows.len() {
                match id((file as u16, row as u32)) {
                    Some(id) => kept.push(&id),
                    None => return told("a spine needs an id for each record"),
                }
            }
            ids.push(kept);
        }
        let one = cluster::hold_one(&spec, coded.files.len(), fitted);
        let fits: Vec<KeptFit> = fitted
            .iter()
            .map(|fitted| KeptFit {
                weights: Repeats::FREE,
                files: fitted.files,
                parameters: fitted.parameters.clone(),
                rows: (
                    coded.files[fitted.files.0].rows.len(),
                    coded.files[fitted.files.1].rows.len(),
                ),
                rules: fitted.plan.rules.clone(),
                struck: vec![Vec::new(); fitted.plan.rules.len()],
                commonness: {
                    let [fore, sur] = fitted.commonness.tables();
                    Commonness::of_tables([fore.to_vec(), sur.to_vec()])
                },
                patterns: Patterns::new(),
                edges: Vec::new(),
            })
            .map(KeptFit::settled)
            .collect();
        Ok(Self {
            months_first: coded.files.iter().map(|file| file.months_first()).collect(),
            before: Mark {
                rows: vec![0; coded.files.len()],
                patterns: vec![0; fits.len()],
                edges: vec![Vec::new(); fits.len()],
                ..Mark::default()
            },
            spec,
            coded,
            ids,
            one,
            fits,
        })
    }

    /// The files that it is made of.
    #[must_use]
    pub fn files(&self) -> &[FileSpec] {
        &self.spec.files
    }

    /// Whether files were linked or the repeats of one found.
    #[must_use]
    pub const fn link_type(&self) -> LinkType {
        self.spec.link_type
    }

    /// A pair at or above this is one person.
    #[must_use]
    pub const fn threshold_probability(&self) -> f64 {
        self.spec.settings.threshold_probability
    }

    /// Records of each file.
    #[must_use]
    pub fn rows(&self) -> Vec<usize> {
        self.coded.files.iter().map(|f| f.rows.len()).collect()
    }

    /// Records of each file before this run.
    #[must_use]
    pub fn rows_before(&self) -> &[usize] {
        &self.before.rows
    }

    /// The id of a record.
    #[must_use]
    pub fn id(&self, (file, row): Record) -> Option<&str> {
        let ids = self.ids.get(usize::from(file))?;
        let row = row as usize;
        (row < ids.ends.len()).then(|| std::str::from_utf8(ids.get(row)).unwrap_or(""))
    }

    /// Takes in a new record of a file, its values in the order of the columns of [`KeptSpine::files`].
    ///
    /// # Errors
    /// No such file, a wrong number of values, a value or a file past its limit.
    pub fn push(
        &mut self,
        file: usize,
        id: &str,
        values: &[Option<&str>],
        limits: &Settings,
    ) -> Result<(), LinkError> {
        let Some(spec) = self.spec.files.get(file) else {
            return Err(LinkError::NoSuchFile { file });
        };
        let rows = self.coded.files[file].rows.len();
        intake::fits((file, rows), spec, values, limits)?;
        self.coded.push(file, values);
        self.ids[file].push(id);
        Ok(())
    }

    /// Links the records that were taken in, under the limits given.
    ///
    /// # Errors
    /// Too many deliveries, an id that the spine has, too many candidate pairs, too little memory, or cancelled.
    pub fn link(
        &mut self,
        limits: &Settings,
        resources: Resources,
        observer: &mut dyn Observer,
    ) -> Result<Delivered, LinkError> {
        observer.stage(Stage::Prepare);
        limits.check()?;
        let limit = limits.deliveries_max;
        if self.before.segments > limit {
            return Err(LinkError::Deliveries { limit });
        }
        let from = self.before.rows.clone();
        for (file, (ids, from)) in self.ids.iter().zip(&from).enumerate() {
            if let Some(row) = ids.repeated(*from) {
                return Err(LinkError::KnownId {
                    file,
                    row: (row - from) as u64 + 1,
                });
            }
        }
        self.coded.finish_more(&from, &self.months_first);
        let room = Room {
            pairs_max: limits.pairs_max,
            ..self.room(resources)?
        };
        let mut candidate_pairs = 0;
        let mut graphs = Vec::new();
        for fit in 0..self.fits.len() {
            let old = self.fits[fit].edges.len();
            candidate_pairs += self.search(fit, room, observer)?;
            graphs.push(view::Graph::of(self, fit, old));
        }
        observer.stage(Stage::Score);
        let mut delivered = self.settle(&graphs);
        delivered.candidate_pairs = candidate_pairs;
        let kept: Vec<Vec<Edge>> = graphs.iter().map(view::Graph::kept).collect();
        drop(graphs);
        for (fit, edges) in self.fits.iter_mut().zip(kept) {
            fit.edges = edges;
        }
        Ok(delivered)
    }

    /// Bytes left for candidate pairs.
    fn room(&self, resources: Resources) -> Result<Room, LinkError> {
        const FIXED: u64 = 16 << 20;
        // Keys of a rule twice over while they are sorted; ids and edges.
        const BYTES_A_ROW: u64 = 192;
        const ROOM_MIN: u64 = 1 << 20;
        let rows: usize = self.rows().iter().sum();
        let base = self.coded.held() as u64 + BYTES_A_ROW * rows as u64 + FIXED;
        let bytes = resources.memory_bytes.saturating_sub(base);
        if bytes < ROOM_MIN {
            return Err(LinkError::Memory {
                needed: base + ROOM_MIN,
                allowed: resources.memory_bytes,
            });
        }
        Ok(Room {
            bytes,
            pairs_max: u64::MAX,
            strike: false,
            threads: resources.threads,
        })
    }
}

#[cfg(test)]
mod tests;
