//! Counting people: one pass over rows that are nothing but a cell, a person and numbers.
//!
//! The rows come in any order. They are dealt into buckets by person, so that all rows of a person meet in
//! one small bucket, where a sort brings them together. Each person is then counted once in every group of
//! every grouping set, and margins cost no further reading of the data.

use std::collections::BTreeMap;

use disclosure::{Atom, Behind, COUNTS_MAX, Magnitude, TOP_MAX};

/// Stands for a missing value; every other "not a number" has other bits.
const MISSING: u64 = 0x7ff8_dead_0000_0000;
const BUCKETS: usize = 256;

/// What is counted.
pub(super) struct Spec {
    /// The conditions: bit i of a row's mask says whether it satisfies condition i.
    pub(super) conditions: usize,
    /// Numbers of each row.
    pub(super) values: usize,
    pub(super) parts: Vec<PartSpec>,
    /// Conditions of the counts of a row, of which those of people in the second; none if there is
    /// nothing to subtract.
    pub(super) row_counts: Vec<(usize, usize)>,
    pub(super) people_counts: Vec<(usize, usize)>,
    /// For each grouping set the group of each cell.
    pub(super) groups_of: Vec<Vec<u32>>,
    pub(super) groups: usize,
    /// Conditions whose people are listed.
    pub(super) lists: Vec<usize>,
}

/// An aggregate of values.
pub(super) struct PartSpec {
    /// Rows that satisfy this condition are in it,
    pub(super) condition: usize,
    /// but not those that satisfy this one, if it lies within the first.
    pub(super) but: Option<usize>,
    pub(super) value: usize,
    /// Whether contributions are added up.
    pub(super) is_total: bool,
    /// For a quantile, its value in each group.
    pub(super) quantiles: Vec<Option<f64>>,
}

/// What was counted in one group.
pub(super) struct Counts {
    /// By condition.
    pub(super) behind: Vec<Behind>,
    pub(super) magnitudes: Vec<Magnitude>,
    pub(super) row_atoms: Vec<Atom>,
    pub(super) person_atoms: Vec<Atom>,
    /// The people of [`Spec::lists`].
    pub(super) lists: Vec<Vec<u64>>,
}

#[derive(Default)]
struct Bucket {
    units: Vec<u64>,
    cells: Vec<u32>,
    masks: Vec<u64>,
    values: Vec<f64>,
}

/// Rows being dealt, then groups being counted.
pub(super) struct Tally {
    spec: Spec,
    buckets: Vec<Bucket>,
    unnamed: Bucket,
    groups: Vec<Acc>,
}

/// One row: the values are [`missing`] where there are none.
pub(super) struct Row<'a> {
    pub(super) cell: u32,
    pub(super) unit: Option<u64>,
    pub(super) mask: u64,
    pub(super) values: &'a [f64],
}

/// A missing value among a row's numbers.
pub(super) fn missing() -> f64 {
    f64::from_bits(MISSING)
}

/// A value that may itself be no number.
pub(super) fn present(value: f64) -> f64 {
    if value.is_nan() { f64::NAN } else { value }
}

impl Tally {
    pub(super) fn new(spec: Spec) -> Self {
        let groups = (0..spec.groups).map(|_| Acc::new(&spec)).collect();
        Self {
            spec,
            buckets: (0..BUCKETS).map(|_| Bucket::default()).collect(),
            unnamed: Bucket::default(),
            groups,
        }
    }

    pub(super) fn add(&mut self, row: &Row<'_>) {
        let bucket = match row.unit {
            // The engine's hash is even in its high bits.
            Some(unit) => self
                .buckets
                .get_mut(usize::try_from(unit >> 56).unwrap_or(0)),
            None => Some(&mut self.unnamed),
        };
        if let Some(bucket) = bucket {
            bucket.units.push(row.unit.unwrap_or(0));
            bucket.cells.push(row.cell);
            bucket.masks.push(row.mask);
            bucket.values.extend_from_slice(row.values);
        }
    }

    /// Counts what was dealt.
    pub(super) fn finish(mut self) -> Vec<Counts> {
        let mut order = Vec::new();
        let mut scratch = Vec::new();
        for bucket in std::mem::take(&mut self.buckets) {
            order.clear();
            order.extend((0_u32..).zip(&bucket.units).map(|(row, unit)| (*unit, row)));
            order.sort_unstable();
            for rows in order.chunk_by(|one, other| one.0 == other.0) {
                self.person(&bucket, rows, Who::Named, &mut scratch);
            }
        }
        let unnamed = std::mem::take(&mut self.unnamed);
        // All of them as one contributor, which is the stricter reading.
        let rows: Vec<(u64, u32)> = (0..)
            .take(unnamed.units.len())
            .map(|row| (0, row))
            .collect();
        if !rows.is_empty() {
            self.person(&unnamed, &rows, Who::Nobody, &mut scratch);
        }
        let spec = &self.spec;
        self.groups
            .into_iter()
            .map(|group| group.counts(spec))
            .collect()
    }

    /// Counts one person's rows in every group of every set.
    fn person(
        &mut self,
        bucket: &Bucket,
        rows: &[(u64, u32)],
        who: Who,
        scratch: &mut Vec<(u32, u32)>,
    ) {
        for groups_of in &self.spec.groups_of {
            scratch.clear();
            scratch.extend(rows.iter().filter_map(|(_, row)| {
                let cell = bucket.cells.get(index(*row))?;
                Some((*groups_of.get(index(*cell))?, *row))
            }));
            scratch.sort_unstable();
            for of_group in scratch.chunk_by(|one, other| one.0 == other.0) {
                let group = of_group.first().and_then(|(group, _)| {
                    self.groups
                        .get_mut(index(*group))
                        .map(|acc| (index(*group), acc))
                });
                if let Some((number, acc)) = group {
                    acc.person(&self.spec, number, bucket, of_group, who);
                }
            }
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Who {
    Named,
    Nobody,
}

fn index(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

/// A group being counted.
struct Acc {
    behind: Vec<Behind>,
    parts: Vec<PartAcc>,
    row_atoms: BTreeMap<u32, Behind>,
    person_atoms: BTreeMap<u32, Behind>,
    lists: Vec<Vec<u64>>,
}

impl Acc {
    fn new(spec: &Spec) -> Self {
        Self {
            behind: vec![Behind { people: 0, rows: 0 }; spec.conditions],
            parts: spec.parts.iter().map(|_| PartAcc::new()).collect(),
            row_atoms: BTreeMap::new(),
            person_atoms: BTreeMap::new(),
            lists: spec.lists.iter().map(|_| Vec::new()).collect(),
        }
    }

    fn person(
        &mut self,
        spec: &Spec,
        number: usize,
        bucket: &Bucket,
        rows: &[(u32, u32)],
        who: Who,
    ) {
        let named = u64::from(who == Who::Named);
        let mask = |row: u32| bucket.masks.get(index(row)).copied().unwrap_or(0);
        let mut any = 0;
        for (_, row) in rows {
            any |= mask(*row);
        }
        let unit = rows
            .first()
            .and_then(|(_, row)| bucket.units.get(index(*row)));
        for (condition, list) in spec.lists.iter().zip(&mut self.lists) {
            if named == 1 && (any >> condition) & 1 == 1 {
                list.extend(unit);
            }
        }
        for (bit, behind) in self.behind.iter_mut().enumerate() {
            behind.people += named & (any >> bit);
            for (_, row) in rows {
                behind.rows += (mask(*row) >> bit) & 1;
            }
        }
        for ((part, acc), of_values) in spec
            .parts
            .iter()
            .zip(&mut self.parts)
            .zip(std::iter::repeat(&bucket.values))
        {
            let quantile = part.quantiles.get(number).copied().flatten();
            let mut own = Own::new();
            for (_, row) in rows {
                let mask = mask(*row);
                let inside = (mask >> part.condition) & 1 == 1;
                if let Some(but) = part.but
                    && (mask >> but) & 1 == 1
                {
                    acc.crosses |= !inside;
                    continue;
                }
                let value = of_values.get(index(*row) * spec.values + part.value);
                match value {
                    Some(value) if inside && value.to_bits() != MISSING => own.add(*value),
                    Some(_) | None => {}
                }
            }
            acc.person(&own, who, quantile);
        }
        self.atoms(spec, rows, mask, named);
    }

    fn atoms(&mut self, spec: &Spec, rows: &[(u32, u32)], mask: impl Fn(u32) -> u64, named: u64) {
        if spec.row_counts.is_empty() {
            return;
        }
        let pattern = |mask: u64, counts: &[(usize, usize)]| {
            counts.iter().fold(0_u32, |pattern, (bit, condition)| {
                pattern | u32::from((mask >> condition) & 1 == 1) << bit
            })
        };
        let mut seen: Vec<u32> = Vec::new();
        let mut of_person = 0;
        for (_, row) in rows {
            let one = pattern(mask(*row), &spec.row_counts);
            of_person |= pattern(mask(*row), &spec.people_counts);
            let atom = self
                .row_atoms
                .entry(one)
                .or_insert(Behind { people: 0, rows: 0 });
            atom.rows += 1;
            if !seen.contains(&one) {
                seen.push(one);
                atom.people += named;
            }
        }
        if spec.people_counts.len() > 1 && named == 1 {
            let atom = self
                .person_atoms
                .entry(of_person)
                .or_insert(Behind { people: 0, rows: 0 });
            atom.rows += 1;
            atom.people += 1;
        }
    }

    fn counts(self, spec: &Spec) -> Counts {
        let atoms = |found: BTreeMap<u32, Behind>| {
            let atom = |(pattern, behind): (u32, Behind)| Atom {
                pattern,
                rows: behind.rows,
                people: behind.people,
            };
            found.into_iter().map(atom).collect()
        };
        let parts = self.parts.into_iter().zip(&spec.parts);
        Counts {
            behind: self.behind,
            magnitudes: parts.map(|(acc, part)| acc.magnitude(part)).collect(),
            row_atoms: atoms(self.row_atoms),
            person_atoms: atoms(self.person_atoms),
            lists: self.lists,
        }
    }
}

/// One person's values in one group.
struct Own {
    rows: u64,
    negative: u64,
    odd: u64,
    sum: f64,
    least: f64,
    most: f64,
}

impl Own {
    fn new() -> Self {
        Self {
            rows: 0,
            negative: 0,
            odd: 0,
            sum: 0.0,
            least: f64::INFINITY,
            most: f64::NEG_INFINITY,
        }
    }

    fn add(&mut self, value: f64) {
        self.rows += 1;
        if !value.is_finite() {
            self.odd += 1;
            return;
        }
        self.negative += u64::from(value < 0.0);
        self.sum += value.abs();
        self.least = self.least.min(value);
        self.most = self.most.max(value);
    }
}

/// The values of one aggregate in one group.
struct PartAcc {
    people: u64,
    rows: u64,
    unnamed: u64,
    negative: u64,
    odd: u64,
    total: f64,
    top: Vec<f64>,
    /// Smallest and largest value, and the people who have it.
    least: (f64, u64),
    most: (f64, u64),
    /// Smallest and largest contribution.
    contributions: (f64, f64),
    below: u64,
    above: u64,
    /// Whether the part that is taken away reaches beyond.
    crosses: bool,
}

impl PartAcc {
    fn new() -> Self {
        Self {
            people: 0,
            rows: 0,
            unnamed: 0,
            negative: 0,
            odd: 0,
            total: 0.0,
            top: Vec::new(),
            least: (f64::INFINITY, 0),
            most: (f64::NEG_INFINITY, 0),
            contributions: (f64::INFINITY, f64::NEG_INFINITY),
            below: 0,
            above: 0,
            crosses: false,
        }
    }

    fn person(&mut self, own: &Own, who: Who, quantile: Option<f64>) {
        if own.rows == 0 {
            return;
        }
        let named = u64::from(who == Who::Named);
        self.people += named;
        self.rows += own.rows;
        self.unnamed += own.rows * (1 - named);
        self.negative += own.negative;
        self.odd += own.odd;
        self.total += own.sum;
        let place = self.top.partition_point(|one| *one >= own.sum);
        if place < TOP_MAX {
            self.top.insert(place, own.sum);
            self.top.truncate(TOP_MAX);
        }
        self.contributions.0 = self.contributions.0.min(own.sum);
        self.contributions.1 = self.contributions.1.max(own.sum);
        if own.least < self.least.0 {
            self.least = (own.least, 0);
        }
        if own.most > self.most.0 {
            self.most = (own.most, 0);
        }
        self.least.1 += named & u64::from(own.least <= self.least.0);
        self.most.1 += named & u64::from(own.most >= self.most.0);
        if let Some(quantile) = quantile {
            self.below += named & u64::from(own.least <= quantile);
            self.above += named & u64::from(own.most >= quantile);
        }
    }

    fn magnitude(self, part: &PartSpec) -> Magnitude {
        let (least, most) = (self.least.0, self.most.0);
        let one_value = self.rows > self.odd && least >= most;
        let (fewest, largest) = self.contributions;
        let one_contribution = part.is_total && self.people > 1 && fewest >= largest;
        let finite = self.total.is_finite();
        let magnitude = Magnitude {
            people: self.people,
            rows: self.rows,
            unnamed: self.unnamed,
            negative: self.negative,
            odd: if finite { self.odd } else { self.rows },
            total: if finite { self.total } else { 0.0 },
            top: if finite { self.top } else { Vec::new() },
            same: one_value || one_contribution,
            least: self.least.1,
            most: self.most.1,
            below: self.below,
            above: self.above,
        };
        match self.crosses {
            true => nothing(),
            false => magnitude,
        }
    }
}

/// No values at all.
fn nothing() -> Magnitude {
    Magnitude {
        people: 0,
        rows: 0,
        unnamed: 0,
        negative: 0,
        odd: 0,
        total: 0.0,
        top: Vec::new(),
        same: false,
        least: 0,
        most: 0,
        below: 0,
        above: 0,
    }
}

/// Whether there is something to subtract among so many counts.
pub(super) fn subtracts(counts: usize) -> bool {
    (2..=COUNTS_MAX).contains(&counts)
}
