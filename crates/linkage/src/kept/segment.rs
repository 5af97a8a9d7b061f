//! A kept spine as bytes: one segment for what it started from, and one for each delivery since.

#![allow(
    clippy::indexing_slicing,
    reason = "files and fits are those that the spine holds"
)]

use std::collections::BTreeMap;

use super::pack::{Packer, Unpacker};
use super::{Ids, KeptFit, KeptSpine, Mark};
use crate::coded::{Coded, Row};
use crate::column::Role;
use crate::compete::{Edge, Repeats};
use crate::error::LinkError;
use crate::fit::{Parameters, is_worth_keeping};
use crate::keys::Keys;
use crate::kinds::{self, Kinds, Shares};
use crate::levels::{self, Comparison, LEVELS_MAX, Pattern};
use crate::overrides;
use crate::pairs::{Commonness, Patterns};
use crate::spec::{BlockingRule, Spec};
use crate::text::Dictionary;

/// Of the layout of segments.
const VERSION: u64 = 2;

const fn broken(what: &'static str) -> LinkError {
    LinkError::BrokenSpine { what }
}

impl KeptSpine {
    /// What this run added, to be kept behind the segments before it.
    ///
    /// # Errors
    /// A specification that cannot be written.
    pub fn segment(&self) -> Result<Vec<u8>, LinkError> {
        let before = &self.before;
        let mut to = Packer::default();
        to.number(VERSION);
        to.number(u64::from(before.segments));
        if before.segments == 0 {
            self.pack_start(&mut to)?;
        }
        pack_words(&mut to, &self.coded.names, before.names);
        pack_words(&mut to, &self.coded.texts, before.texts);
        for file in 0..self.ids.len() {
            self.pack_rows(&mut to, file, before.rows[file]);
        }
        for (place, fit) in self.fits.iter().enumerate() {
            let new = &fit.patterns.list[before.patterns[place]..];
            to.longs(new.iter().map(|pattern| pattern.0));
            let edges = &before.edges[place];
            to.words(edges.iter().map(|edge| edge.left));
            to.words(edges.iter().map(|edge| edge.right));
            to.words(edges.iter().map(|edge| edge.pattern));
            to.words(edges.iter().map(|edge| edge.rules));
            to.longs(edges.iter().map(|edge| edge.odds.to_bits()));
        }
        Ok(to.sealed())
    }

    /// Reads the segments of a spine, one after the other.
    ///
    /// # Errors
    /// Anything that is not what was written.
    pub fn read(mut bytes: &[u8]) -> Result<Self, LinkError> {
        let (mut from, rest) = Unpacker::unseal(bytes)?;
        header(&mut from, 0)?;
        let mut kept = Self::unpack_start(&mut from)?;
        kept.unpack_more(from)?;
        let first: Vec<usize> = kept.before.edges.iter().map(Vec::len).collect();
        bytes = rest;
        while !bytes.is_empty() {
            let (mut from, rest) = Unpacker::unseal(bytes)?;
            header(&mut from, kept.before.segments)?;
            kept.unpack_more(from)?;
            bytes = rest;
        }
        kept.coded.look_at_words();
        kept.coded.resume();
        let edges = kept.before.edges.iter_mut().map(std::mem::take);
        for ((fit, edges), first) in kept.fits.iter_mut().zip(edges).zip(first) {
            fit.commonness.extend(kept.coded.names.len());
            fit.edges = edges;
            fit.overwhelm(first);
        }
        Ok(kept)
    }

    fn pack_start(&self, to: &mut Packer) -> Result<(), LinkError> {
        let spec = serde_json::to_vec(&self.spec)
            .map_err(|_| broken("its specification cannot be written"))?;
        to.bytes(&spec);
        // Decimal digits may lose the last bit.
        to.float(self.spec.settings.threshold_probability);
        to.float(self.spec.settings.keep_probability);
        for flags in [&self.months_first, &self.one] {
            to.bytes(&flags.iter().map(|flag| u8::from(*flag)).collect::<Vec<_>>());
        }
        let keys = Keys::new(&self.coded);
        to.number(self.fits.len() as u64);
        for fit in &self.fits {
            to.number(fit.files.0 as u64);
            to.number(fit.files.1 as u64);
            to.number(fit.rows.0 as u64);
            to.number(fit.rows.1 as u64);
            pack_parameters(to, &fit.parameters);
            to.number(fit.rules.len() as u64);
            for (rule, struck) in fit.rules.iter().zip(&fit.struck) {
                let parts: Vec<String> = rule.iter().map(|part| keys.name(*part)).collect();
                to.bytes(parts.join("\n").as_bytes());
                to.words(struck.iter().copied());
            }
            for table in fit.commonness.tables() {
                to.bytes(
                    &table
                        .iter()
                        .map(|bits| bits.cast_unsigned())
                        .collect::<Vec<_>>(),
                );
            }
        }
        Ok(())
    }

    fn unpack_start(from: &mut Unpacker<'_>) -> Result<Self, LinkError> {
        let mut spec: Spec = serde_json::from_slice(from.bytes()?)
            .map_err(|_| broken("its specification cannot be read"))?;
        spec.settings.threshold_probability = from.float()?;
        spec.settings.keep_probability = from.float()?;
        spec.check()?;
        let mut coded = Coded::new(&spec);
        coded.look_at_words();
        let comparisons = levels::comparisons(&coded.extras);
        coded.compared = overrides::compared(&overrides::given(&spec, &comparisons)?);
        let files = spec.files.len();
        let mut flags = || -> Result<Vec<bool>, LinkError> {
            let flags = from.bytes()?;
            if flags.len() != files {
                return Err(broken("it speaks of other files than it holds"));
            }
            Ok(flags.iter().map(|flag| *flag != 0).collect())
        };
        let (months_first, one) = (flags()?, flags()?);
        let count = from.count(files * files)?;
        let mut fits = Vec::with_capacity(count);
        for _ in 0..count {
            fits.push(unpack_fit(from, &coded, files, comparisons.len())?);
        }
        Ok(Self {
            ids: (0..files).map(|_| Ids::default()).collect(),
            before: Mark {
                rows: vec![0; files],
                patterns: vec![0; count],
                edges: vec![Vec::new(); count],
                ..Mark::default()
            },
            spec,
            coded,
            months_first,
            one,
            fits,
        })
    }

    fn unpack_more(&mut self, mut from: Unpacker<'_>) -> Result<(), LinkError> {
        unpack_words(&mut from, &mut self.coded.names)?;
        unpack_words(&mut from, &mut self.coded.texts)?;
        for file in 0..self.ids.len() {
            self.unpack_rows(&mut from, file)?;
        }
        let comparisons = levels::comparisons(&self.coded.extras);
        let rows = self.rows();
        for (fit, kept) in self.fits.iter_mut().zip(&mut self.before.edges) {
            for pattern in from.longs()? {
                let pattern = Pattern(pattern);
                let next = fit.patterns.list.len() as u32;
                if !fits_levels(pattern, &comparisons) || fit.patterns.number(pattern) != next {
                    return Err(broken("a pattern of it is none"));
                }
            }
            let left = from.words()?;
            let most = |rows: usize| rows.saturating_sub(1);
            let in_range = left.iter().all(|left| (*left as usize) < rows[fit.files.0]);
            if !in_range {
                return Err(broken("a column of it does not fit its records"));
            }
            let count = left.len();
            let right = from.codes(count, most(rows[fit.files.1]))?;
            let pattern = from.codes(count, most(fit.patterns.list.len()))?;
            let rules = from.codes(count, u32::MAX as usize)?;
            let odds = from.exact(count)?;
            kept.reserve(count);
            kept.extend((0..count).map(|at| Edge {
                left: left[at],
                right: right[at],
                pattern: pattern[at],
                rules: rules[at],
                odds: f64::from_bits(odds[at]),
            }));
        }
        from.end()?;
        self.before.segments += 1;
        self.before.names = self.coded.names.len();
        self.before.texts = self.coded.texts.len();
        self.before.rows = rows;
        self.before.patterns = self.fits.iter().map(|f| f.patterns.list.len()).collect();
        Ok(())
    }

    fn pack_rows(&self, to: &mut Packer, file: usize, from: usize) {
        let coded = &self.coded.files[file];
        let rows = &coded.rows[from..];
        for part in 0..3 {
            to.words(rows.iter().map(|row| row.fore[part]));
            to.words(rows.iter().map(|row| row.sur[part]));
        }
        to.words(rows.iter().map(|row| row.born));
        to.words(rows.iter().map(|row| row.number));
        to.words(rows.iter().map(|row| row.street));
        to.words(rows.iter().map(|row| row.town));
        to.longs(rows.iter().map(|row| row.postcode));
        to.longs(rows.iter().map(|row| row.chi));
        to.bytes(&rows.iter().map(|row| row.sex).collect::<Vec<_>>());
        for column in &coded.extras {
            let value = |row: usize| column.get(row).copied().unwrap_or(0);
            to.longs((from..coded.rows.len()).map(value));
        }
        let ids = &self.ids[file];
        let start = from.checked_sub(1).map_or(0, |before| ids.ends[before]);
        to.bytes(&ids.text[start as usize..]);
        to.words(ids.ends[from..].iter().map(|end| (end - start) as u32));
    }

    fn unpack_rows(&mut self, from: &mut Unpacker<'_>, file: usize) -> Result<(), LinkError> {
        let names = self.coded.names.len() - 1;
        let texts = self.coded.texts.len() - 1;
        let first = from.words()?;
        let count = first.len();
        if first.iter().any(|code| *code as usize > names) {
            return Err(broken("a column of it does not fit its records"));
        }
        let mut parts = vec![first];
        for _ in 1..6 {
            parts.push(from.codes(count, names)?);
        }
        let born = from.codes(count, u32::MAX as usize)?;
        let number = from.codes(count, u32::MAX as usize)?;
        let (street, town) = (from.codes(count, texts)?, from.codes(count, texts)?);
        let (postcode, chi) = (from.exact(count)?, from.exact(count)?);
        let sex = from.bytes()?;
        if sex.len() != count {
            return Err(broken("a column of it does not fit its records"));
        }
        let coded = &mut self.coded.files[file];
        let before = coded.rows.len();
        coded.rows.reserve(count);
        coded.rows.extend((0..count).map(|at| Row {
            fore: [parts[0][at], parts[2][at], parts[4][at]],
            sur: [parts[1][at], parts[3][at], parts[5][at]],
            born: born[at],
            number: number[at],
            street: street[at],
            town: town[at],
            postcode: postcode[at],
            chi: chi[at],
            sex: sex[at],
        }));
        for (column, extra) in coded.extras.iter_mut().zip(&self.coded.extras) {
            let values = from.exact(count)?;
            let is_number = matches!(extra.role, Role::NhsNumber | Role::Telephone);
            if !is_number && values.iter().any(|value| *value > texts as u64) {
                return Err(broken("a column of it does not fit its records"));
            }
            if !column.is_empty() || values.iter().any(|value| *value != 0) {
                column.resize(before, 0);
                column.extend(values);
            }
        }
        let text = from.bytes()?;
        let mut start = 0;
        for end in from.codes(count, text.len())? {
            let id = text.get(start..end as usize).map(std::str::from_utf8);
            let Some(Ok(id)) = id else {
                return Err(broken("an id of it is none"));
            };
            self.ids[file].push(id);
            start = end as usize;
        }
        Ok(())
    }
}

impl KeptFit {
    /// Leaves out of the edges what those from a place on have overwhelmed.
    fn overwhelm(&mut self, from: usize) {
        let mut best = BTreeMap::<u32, f64>::new();
        for edge in &self.edges[from..] {
            best.entry(edge.left).or_default();
        }
        if best.is_empty() || self.within() {
            return;
        }
        for edge in &self.edges {
            if let Some(best) = best.get_mut(&edge.left) {
                *best = best.max(edge.odds);
            }
        }
        self.edges.retain(|edge| {
            let best = best.get(&edge.left);
            best.is_none_or(|best| is_worth_keeping(edge.odds, *best))
        });
    }
}

fn header(from: &mut Unpacker<'_>, expected: u32) -> Result<(), LinkError> {
    if from.number()? != VERSION {
        return Err(broken("it is of another version"));
    }
    if from.number()? != u64::from(expected) {
        return Err(broken("a delivery of it is missing"));
    }
    Ok(())
}

/// The words of a dictionary from a code on. Code 0 is nothing, and is not written.
fn pack_words(to: &mut Packer, words: &Dictionary, from: usize) {
    let new = || (from.max(1) as u32..words.len() as u32).map(|code| words.get(code));
    let text: Vec<u8> = new().flatten().copied().collect();
    to.bytes(&text);
    let ends: Vec<u32> = new()
        .scan(0, |end, word| {
            *end += word.len() as u32;
            Some(*end)
        })
        .collect();
    to.words(ends.into_iter());
}

fn unpack_words(from: &mut Unpacker<'_>, words: &mut Dictionary) -> Result<(), LinkError> {
    let text = from.bytes()?;
    let mut start = 0;
    for end in from.words()? {
        let word = text.get(start..end as usize);
        if !word.is_some_and(|word| words.code(word).1) {
            return Err(broken("a word of it is none"));
        }
        start = end as usize;
    }
    Ok(())
}

fn pack_parameters(to: &mut Packer, parameters: &Parameters) {
    to.float(parameters.share);
    to.float(parameters.repeats.left);
    to.float(parameters.repeats.right);
    to.float(parameters.u_exact[0]);
    to.float(parameters.u_exact[1]);
    for kinds in [&parameters.same, &parameters.other] {
        to.number(kinds.0.len() as u64);
        for kind in &kinds.0 {
            to.float(kind.rate);
            to.longs(kind.q.as_flattened().iter().map(|share| share.to_bits()));
        }
    }
}

fn unpack_parameters(from: &mut Unpacker<'_>, width: usize) -> Result<Parameters, LinkError> {
    let share = from.float()?;
    let repeats = Repeats {
        left: from.float()?,
        right: from.float()?,
    };
    let u_exact = [from.float()?, from.float()?];
    let mut kinds = |same| -> Result<Kinds, LinkError> {
        let count = from.count(64)?;
        let mut learned = Vec::with_capacity(count);
        for _ in 0..count {
            let rate = from.float()?;
            let bits = from.exact(width * LEVELS_MAX)?;
            let mut q = Shares::new();
            for bits in bits.chunks_exact(LEVELS_MAX) {
                let mut shares = [0.0; LEVELS_MAX];
                for (share, bits) in shares.iter_mut().zip(bits) {
                    *share = f64::from_bits(*bits);
                }
                q.push(shares);
            }
            learned.push((rate, q));
        }
        kinds::known(same, learned).ok_or(broken("its model is of another version"))
    };
    let (same, other) = (kinds(true)?, kinds(false)?);
    Ok(Parameters {
        same,
        other,
        share,
        repeats,
        rounds: 0,
        u_exact,
    })
}

fn unpack_fit(
    from: &mut Unpacker<'_>,
    coded: &Coded,
    files: usize,
    width: usize,
) -> Result<KeptFit, LinkError> {
    let of = (from.count(files - 1)?, from.count(files - 1)?);
    let rows = (from.count(usize::MAX)?, from.count(usize::MAX)?);
    let parameters = unpack_parameters(from, width)?;
    let keys = Keys::new(coded);
    let (mut rules, mut struck) = (Vec::new(), Vec::new());
    for _ in 0..from.count(crate::block::RULES_MAX)? {
        let parts = std::str::from_utf8(from.bytes()?)
            .map_err(|_| broken("a blocking rule of it is none"))?;
        let parts = parts.split('\n').map(str::to_owned).collect();
        rules.push(keys.rule(&BlockingRule { parts })?);
        struck.push(from.words()?);
    }
    let mut table = || -> Result<Vec<i8>, LinkError> {
        let bits = from.bytes()?.iter();
        Ok(bits.map(|bits| bits.cast_signed()).collect())
    };
    let fit = KeptFit {
        weights: Repeats::FREE,
        files: of,
        parameters,
        rows,
        rules,
        struck,
        commonness: Commonness::of_tables([table()?, table()?]),
        patterns: Patterns::new(),
        edges: Vec::new(),
    };
    Ok(fit.settled())
}

/// True if each field of a pattern is missing or has a level that its comparison has.
fn fits_levels(pattern: Pattern, comparisons: &[Comparison]) -> bool {
    let fits = |(c, comparison): (usize, &Comparison)| pattern.slot(c) <= comparison.levels.len();
    comparisons.iter().enumerate().all(fits)
}
