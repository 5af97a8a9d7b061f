//! Candidates of new records: blocking keys that depend on what values say and on nothing else.

#![allow(
    clippy::indexing_slicing,
    reason = "codes index the dictionaries that issued them; rows are those of their files"
)]

use super::KeptSpine;
use std::num::NonZeroUsize;

use crate::block::{BLOCK_PAIRS_MAX, Candidates, Found, Sides, block_pairs, merge};
use crate::coded::{Coded, File, Row};
use crate::column::Role;
use crate::compete::Edge;
use crate::dates::exchanged;
use crate::error::LinkError;
use crate::fit::{self, Setting};
use crate::keys::{Part, soundex};
use crate::observer::{Observer, Stage};
use crate::pairs::{self, Means};
use crate::radix;
use crate::random::mix;
use crate::standardise::{district, sector};
use crate::text::{Dictionary, hash_bytes};

/// What a search may take.
#[derive(Clone, Copy)]
pub(super) struct Room {
    /// For candidate pairs.
    pub(super) bytes: u64,
    /// Candidate pairs allowed, repeats counted.
    pub(super) pairs_max: u64,
    /// Keys of too many pairs are struck now, for good.
    pub(super) strike: bool,
    pub(super) threads: NonZeroUsize,
}

/// What a candidate takes, repeats counted: found, twice over while it is sorted, then compared.
const BYTES_A_PAIR: u64 = 32;

/// What each value says, as a number.
struct Says<'a> {
    coded: &'a Coded,
    name: Vec<u64>,
    root: Vec<u64>,
    sound: Vec<u32>,
    initial: Vec<u8>,
    text: Vec<u64>,
}

impl<'a> Says<'a> {
    fn of(coded: &'a Coded) -> Self {
        let hashes = |words: &Dictionary| -> Vec<u64> {
            (0..words.len() as u32)
                // Code 0 is nothing, and so is its hash alone.
                .map(|code| match code {
                    0 => 0,
                    code => hash_bytes(words.get(code)).max(1),
                })
                .collect()
        };
        let name = hashes(&coded.names);
        let names = || (0..coded.names.len() as u32).map(|code| coded.names.get(code));
        let root = name.iter().zip(&coded.variants);
        Self {
            coded,
            root: root
                .map(|(name, variants)| variants.first().map_or(*name, |set| u64::from(set) + 1))
                .collect(),
            sound: names().map(soundex).collect(),
            initial: names()
                .map(|name| name.first().copied().unwrap_or(0))
                .collect(),
            text: hashes(&coded.texts),
            name,
        }
    }

    /// What a part of a record says, 0 for nothing.
    fn part(&self, part: Part, file: &File, row: usize) -> u64 {
        let r: &Row = &file.rows[row];
        let name = |code: u32| self.name[code as usize];
        let text = |code: u32| self.text[code as usize];
        match part {
            Part::Forename => name(r.fore[0]),
            Part::ForenameRoot => {
                let [whole, first, _] = r.fore;
                self.root[if first == 0 { whole } else { first } as usize]
            }
            Part::ForenameInitial => u64::from(self.initial[r.fore[0] as usize]),
            Part::Surname => name(r.sur[0]),
            Part::SurnameSound => u64::from(self.sound[r.sur[0] as usize]),
            Part::SurnameInitial => u64::from(self.initial[r.sur[0] as usize]),
            Part::Names => match (name(r.fore[0]), name(r.sur[0])) {
                (0, _) | (_, 0) => 0,
                (a, b) => (mix(a.min(b)) ^ a.max(b)).max(1),
            },
            Part::Birth => u64::from(r.born.min(exchanged(r.born))),
            Part::BirthYear => u64::from(r.born / 10_000),
            Part::BirthDay => u64::from((r.born % 10_000).min(exchanged(r.born) % 10_000)),
            Part::Sex => u64::from(r.sex),
            Part::Postcode => r.postcode,
            Part::Sector => sector(r.postcode),
            Part::District => district(r.postcode),
            Part::Address => match r.number {
                0 => 0,
                number => (mix(u64::from(number)) ^ text(r.street)).max(1),
            },
            Part::Street => text(r.street),
            Part::Town => text(r.town),
            Part::Chi => r.chi,
            Part::Extra(extra) => {
                let value = file.extras[extra].get(row).copied().unwrap_or(0);
                match self.coded.extras[extra].role {
                    Role::NhsNumber | Role::Telephone => value,
                    _ => self.text[value as usize],
                }
            }
        }
    }

    /// The key of a record under a rule: never 0; 0 where a part is missing.
    fn key(&self, rule: &[Part], file: &File, row: usize) -> u32 {
        let mut hash = 0x243f_6a88_85a3_08d3;
        for part in rule {
            match self.part(*part, file, row) {
                0 => return 0,
                value => hash = mix(hash ^ value),
            }
        }
        ((hash >> 32) as u32).max(1)
    }
}

/// Keys that some records have; it may take others for these, but misses none.
struct Sieve {
    bits: Vec<u64>,
    shift: u32,
}

impl Sieve {
    fn of(words: &[u64]) -> Self {
        let bits = radix::bits(words.len() * 16).clamp(10, 28);
        let mut sieve = Self {
            bits: vec![0; 1 << (bits - 6)],
            shift: 32 - bits,
        };
        for word in words {
            let (at, bit) = sieve.place((word >> 32) as u32);
            sieve.bits[at] |= bit;
        }
        sieve
    }

    const fn place(&self, key: u32) -> (usize, u64) {
        let at = key >> self.shift;
        (at as usize >> 6, 1 << (at & 63))
    }

    fn may_have(&self, key: u32) -> bool {
        let (at, bit) = self.place(key);
        self.bits[at] & bit != 0
    }
}

/// A range of rows, in key << 32 | row, by key and row; with a sieve those that pass it.
fn words(
    says: &Says<'_>,
    rule: &[Part],
    file: &File,
    rows: std::ops::Range<usize>,
    sieve: Option<&Sieve>,
) -> Vec<u64> {
    let mut words: Vec<u64> = rows
        .filter_map(|row| {
            let key = says.key(rule, file, row);
            let wanted = key != 0 && sieve.is_none_or(|sieve| sieve.may_have(key));
            wanted.then(|| u64::from(key) << 32 | row as u64)
        })
        .collect();
    radix::sort_words(&mut words, 0);
    words
}

/// The rows of two sides that meet: at least one side is new.
struct Meeting {
    left: std::ops::Range<usize>,
    right: std::ops::Range<usize>,
    /// One range with itself.
    same: bool,
}

impl KeptSpine {
    /// Adds the pairs of new records that could be matches to a pair of files; says how many there were.
    pub(super) fn search(
        &mut self,
        fit: usize,
        room: Room,
        observer: &mut dyn Observer,
    ) -> Result<u64, LinkError> {
        let go_on = |observer: &mut dyn Observer, stage| {
            if observer.cancelled() {
                return Err(LinkError::Cancelled);
            }
            observer.stage(stage);
            Ok(())
        };
        go_on(observer, Stage::Plan)?;
        let most = room.bytes / BYTES_A_PAIR;
        let says = Says::of(&self.coded);
        let all = self.meetings(fit, 0..usize::MAX);
        let (predicted, found, struck) = self.found(&says, fit, &all, (most, room.strike));
        if predicted > room.pairs_max {
            return Err(LinkError::PairBudget {
                pairs_max: room.pairs_max,
                smallest: predicted,
            });
        }
        drop(says);
        if room.strike {
            self.fits[fit].struck = struck;
        }
        let mut pairs = 0;
        if let Some(found) = found {
            go_on(observer, Stage::Compare)?;
            pairs += self.compare(fit, found, room.threads);
        } else {
            let rows = self.coded.files[self.fits[fit].files.0].rows.len();
            let slices = predicted.div_ceil(most.max(1)).max(2) as usize;
            let step = rows.div_ceil(slices).max(1);
            for from in (0..rows).step_by(step) {
                go_on(observer, Stage::Compare)?;
                let says = Says::of(&self.coded);
                let meetings = self.meetings(fit, from..from + step);
                let (_, found, _) = self.found(&says, fit, &meetings, (u64::MAX, false));
                drop(says);
                pairs += self.compare(fit, found.unwrap_or_default(), room.threads);
            }
        }
        Ok(pairs)
    }

    /// Which rows meet which, of the left rows within a range.
    fn meetings(&self, fit: usize, slice: std::ops::Range<usize>) -> Vec<Meeting> {
        let (l, r) = self.fits[fit].files;
        let sizes = |file: usize| (self.before.rows[file], self.coded.files[file].rows.len());
        let ((old_l, all_l), (old_r, all_r)) = (sizes(l), sizes(r));
        let cut = |from: usize, to: usize| from.max(slice.start)..to.min(slice.end);
        let meeting = |left, right, same| Meeting { left, right, same };
        let mut meetings = vec![meeting(cut(0, old_l), old_r..all_r, false)];
        if l == r {
            // A slice of the new rows meets them all, and of each pair the one below the other is left out.
            meetings.push(meeting(cut(old_l, all_l), old_r..all_r, true));
        } else {
            meetings.push(meeting(cut(old_l, all_l), 0..all_r, false));
        }
        meetings.retain(|meeting| !meeting.left.is_empty() && !meeting.right.is_empty());
        meetings
    }

    /// The pairs of rows that meet under any rule, counted with repeats; the pairs themselves unless there are more
    /// than so many; and, if asked, by rule the keys of too many pairs.
    fn found(
        &self,
        says: &Says<'_>,
        fit: usize,
        meetings: &[Meeting],
        (most, strike): (u64, bool),
    ) -> (u64, Option<Candidates>, Vec<Vec<u32>>) {
        let kept = &self.fits[fit];
        let files = (
            &self.coded.files[kept.files.0],
            &self.coded.files[kept.files.1],
        );
        let mut total = 0;
        let mut found = Some(Candidates::new(files.0.rows.len()));
        let mut struck = kept.struck.clone();
        for (number, rule) in kept.rules.iter().enumerate() {
            for Meeting { left, right, same } in meetings {
                // The shorter side is sorted first, and of the other only what may meet it.
                let (left, right) = if left.len() < right.len() {
                    let left = words(says, rule, files.0, left.clone(), None);
                    let sieve = Sieve::of(&left);
                    let right = words(says, rule, files.1, right.clone(), Some(&sieve));
                    (left, right)
                } else {
                    let right = words(says, rule, files.1, right.clone(), None);
                    let sieve = Sieve::of(&right);
                    let left = words(says, rule, files.0, left.clone(), Some(&sieve));
                    (left, right)
                };
                let key_of = |word: &u64| word >> 32;
                merge(&left, &right, key_of, |l, r| {
                    let key = (l[0] >> 32) as u32;
                    let pairs = block_pairs(l.len(), r.len(), *same && l.len() == r.len());
                    if strike && pairs > BLOCK_PAIRS_MAX {
                        struck[number].push(key);
                    }
                    if struck[number].binary_search(&key).is_ok() {
                        return;
                    }
                    total += pairs;
                    match &mut found {
                        Some(found) if total <= most => {
                            self.join(fit, (l, r), *same, number, found)
                        }
                        _ => found = None,
                    }
                });
            }
        }
        (total, found, struck)
    }

    /// All pairs of a block. Within one file the record comes first whose id has the lower hash.
    fn join(
        &self,
        fit: usize,
        (l, r): (&[u64], &[u64]),
        same: bool,
        rule: usize,
        found: &mut Candidates,
    ) {
        let files = self.fits[fit].files;
        for a in l {
            for b in r {
                let (a, b) = (*a as u32, *b as u32);
                if same && a >= b {
                    continue;
                }
                if files.0 == files.1 && self.order(files.0, b) < self.order(files.0, a) {
                    found.push(Found::new(b, a, rule));
                } else {
                    found.push(Found::new(a, b, rule));
                }
            }
        }
    }

    /// Where a record stands among equals.
    pub(super) fn order(&self, file: usize, row: u32) -> (u64, &[u8]) {
        let ids = &self.ids[file];
        (ids.order[row as usize], ids.get(row as usize))
    }

    /// Weighs pairs under the model, and keeps those that could be matches; says how many there were.
    fn compare(&mut self, fit: usize, found: Candidates, threads: NonZeroUsize) -> u64 {
        let names = self.coded.names.len();
        let kept = &mut self.fits[fit];
        kept.commonness.extend(names);
        let sides = Sides {
            left: &self.coded.files[kept.files.0],
            right: &self.coded.files[kept.files.1],
            within: kept.within(),
        };
        let means = Means {
            coded: &self.coded,
            sides,
            commonness: &kept.commonness,
            rules: kept.rules.len(),
            threads,
        };
        let compared = pairs::compare(means, found, &mut kept.patterns);
        let setting = Setting {
            threads,
            ..kept.setting()
        };
        let weigher = kept.parameters.weigher(&kept.patterns, &setting);
        let mut edges: Vec<Edge> = Vec::new();
        fit::add_edges(&compared.slices(), &weigher, &setting, &mut edges);
        self.before.edges[fit].extend(&edges);
        kept.edges.extend(edges);
        compared.len()
    }
}

#[cfg(test)]
impl KeptSpine {
    /// The pairs that a pair of files has under its rules, all its records being new.
    pub(super) fn candidates(&self, fit: usize) -> std::collections::BTreeSet<(usize, usize)> {
        let says = Says::of(&self.coded);
        let all = self.meetings(fit, 0..usize::MAX);
        let (_, found, _) = self.found(&says, fit, &all, (u64::MAX, false));
        let found = found.unwrap_or_default().in_order().into_iter();
        found.map(|found| (found.left(), found.right())).collect()
    }
}
