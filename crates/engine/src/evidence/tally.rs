//! Counting people: one pass over rows that are nothing but a cell, a person and numbers.
//!
//! The rows come in any order. They are dealt into buckets by person, so that all rows of a person meet in
//! one small bucket, where a sort brings them together. Each person is then counted once in every group of
//! every grouping set, and margins cost no further reading of the data.

mod part;

use std::collections::BTreeMap;

use disclosure::{Atom, Behind, COUNTS_MAX, Magnitude};

use part::{Own, PartAcc};

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
    /// Whoever is in one cell alone is counted there once, and the cell then in its groups; none where a group's
    /// own quantile decides how somebody counts, or there is one grouping set.
    cells: Vec<Option<Box<Acc>>>,
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
        let has_none = |part: &PartSpec| part.quantiles.iter().all(Option::is_none);
        let counts_alike = spec.parts.iter().all(has_none);
        let cells = match spec.groups_of.as_slice() {
            [first, _, ..] if counts_alike => first.len(),
            _ => 0,
        };
        Self {
            cells: (0..cells).map(|_| None).collect(),
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
        self.add_cells();
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
        if self.in_one_cell(bucket, rows, who, scratch) {
            return;
        }
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

impl Tally {
    /// Counts a person whose rows are all in one cell there, if cells are counted.
    fn in_one_cell(
        &mut self,
        bucket: &Bucket,
        rows: &[(u64, u32)],
        who: Who,
        scratch: &mut Vec<(u32, u32)>,
    ) -> bool {
        let cell = |(_, row): &(u64, u32)| bucket.cells.get(index(*row)).copied();
        let Some(first) = rows.first().and_then(cell) else {
            return false;
        };
        if rows.iter().any(|row| cell(row) != Some(first)) {
            return false;
        }
        let Some(place) = self.cells.get_mut(index(first)) else {
            return false;
        };
        scratch.clear();
        scratch.extend(rows.iter().map(|(_, row)| (first, *row)));
        let acc = place.get_or_insert_with(|| Box::new(Acc::new(&self.spec)));
        acc.person(&self.spec, NO_GROUP, bucket, scratch, who);
        true
    }

    /// Adds what was counted in each cell to its group of every set.
    fn add_cells(&mut self) {
        for (cell, acc) in std::mem::take(&mut self.cells).into_iter().enumerate() {
            let Some(acc) = acc else {
                continue;
            };
            for groups_of in &self.spec.groups_of {
                let group = groups_of.get(cell).copied().map(index);
                if let Some(group) = group.and_then(|group| self.groups.get_mut(group)) {
                    group.add(&acc);
                }
            }
        }
    }
}

/// In place of a group's number for what has no quantiles.
const NO_GROUP: usize = usize::MAX;

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

    /// Adds what was counted of other people.
    fn add(&mut self, other: &Self) {
        let add = |sum: &mut Behind, more: &Behind| {
            sum.people += more.people;
            sum.rows += more.rows;
        };
        let nobody = Behind { people: 0, rows: 0 };
        for (sum, more) in self.behind.iter_mut().zip(&other.behind) {
            add(sum, more);
        }
        for (atoms, more) in [
            (&mut self.row_atoms, &other.row_atoms),
            (&mut self.person_atoms, &other.person_atoms),
        ] {
            for (pattern, more) in more {
                add(atoms.entry(*pattern).or_insert(nobody), more);
            }
        }
        for (part, more) in self.parts.iter_mut().zip(&other.parts) {
            part.merge(more);
        }
        for (list, more) in self.lists.iter_mut().zip(&other.lists) {
            list.extend(more);
        }
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

/// Whether there is something to subtract among so many counts.
pub(super) fn subtracts(counts: usize) -> bool {
    (2..=COUNTS_MAX).contains(&counts)
}
