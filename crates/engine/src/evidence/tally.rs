//! Counting people: one pass over rows that are nothing but a cell, a person and numbers.
//!
//! The rows come in any order. They are dealt into buckets by person, so that all rows of a person meet in
//! one small bucket, where they are brought together ([`units`]). Each person is then counted once in every group
//! of every grouping set, and margins cost no further reading of the data.

mod acc;
mod part;
mod units;

use disclosure::{Atom, Behind, COUNTS_MAX, Magnitude};

use acc::Acc;
use units::ByUnit;

/// Stands for a missing value; every other "not a number" has other bits.
const MISSING: u64 = 0x7ff8_dead_0000_0000;
/// Small enough that the rows of a bucket stay in the processor's cache while they are brought together.
const BUCKET_BITS: u32 = 10;
const BUCKETS: usize = 1 << BUCKET_BITS;

/// What is counted.
pub(super) struct Spec {
    /// The conditions: bit i of a row's mask says whether it satisfies condition i.
    pub(super) conditions: Vec<Holds>,
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

/// How it is known whether a row satisfies a condition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Holds {
    /// Every row does.
    Always,
    /// Those do in which this value is not missing.
    WithValue(usize),
    /// Those do that come with its mark.
    Marked,
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
    /// For a quantile or a most frequent value, its value in each group.
    pub(super) quantiles: Vec<Option<f64>>,
    /// Whether that is a most frequent value: people who have it are counted, and not those on its sides.
    pub(super) is_mode: bool,
    /// For a deviation, what it is from in each group; none where the value itself counts.
    pub(super) centers: Option<Vec<Option<f64>>>,
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

/// Rows side by side as words: the unit, the cell, the marks if there are any, the bits of the values. One array
/// for each bucket, because every array that is written to at once costs the processor a page.
#[derive(Default)]
struct Bucket {
    words: Vec<u64>,
}

/// Where the parts of a row are.
#[derive(Clone, Copy)]
struct Layout {
    is_marked: bool,
    values: usize,
}

impl Layout {
    const UNIT: usize = 0;
    const CELL: usize = 1;

    fn width(self) -> usize {
        self.first_value() + self.values
    }

    fn most_rows(self, memory_mib: u32) -> usize {
        let bytes = index(memory_mib).saturating_mul(1 << 20);
        bytes / (size_of::<u64>() * self.width())
    }

    fn first_value(self) -> usize {
        Self::CELL + 1 + usize::from(self.is_marked)
    }
}

impl Bucket {
    fn with_room(rows: usize, layout: Layout) -> Self {
        Self {
            words: Vec::with_capacity(rows.saturating_mul(layout.width())),
        }
    }

    fn push(&mut self, row: &Row<'_>, layout: Layout) {
        self.words.push(row.unit.unwrap_or(0));
        self.words.push(u64::from(row.cell));
        if layout.is_marked {
            self.words.push(row.marks);
        }
        self.words.extend(row.values.iter().map(|v| v.to_bits()));
    }

    fn rows(&self, layout: Layout) -> impl ExactSizeIterator<Item = &[u64]> {
        self.words.chunks_exact(layout.width())
    }

    fn row(&self, row: u32, layout: Layout) -> &[u64] {
        let start = index(row) * layout.width();
        self.words.get(start..start + layout.width()).unwrap_or(&[])
    }
}

/// One row of a person, in a cell or in a group.
#[derive(Clone, Copy)]
struct Seen<'b> {
    place: u32,
    mask: u64,
    unit: u64,
    /// The bits of its values.
    values: &'b [u64],
}

impl Seen<'_> {
    fn value(&self, value: usize) -> Option<f64> {
        let bits = self.values.get(value)?;
        (*bits != MISSING).then(|| f64::from_bits(*bits))
    }
}

/// Rows being dealt, then groups being counted.
pub(super) struct Tally {
    spec: Spec,
    /// The conditions that every row satisfies.
    always: u64,
    /// Conditions that are satisfied with a value.
    with_value: Vec<(u64, usize)>,
    layout: Layout,
    rows: usize,
    memory_mib: u32,
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
    /// Bits of the conditions that are [`Holds::Marked`].
    pub(super) marks: u64,
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
    /// `rows`: how many are expected; `memory_mib`: what those that come may take.
    pub(super) fn new(spec: Spec, rows: usize, memory_mib: u32) -> Self {
        let groups = (0..spec.groups).map(|_| Acc::new(&spec)).collect();
        let has_none = |part: &PartSpec| part.quantiles.iter().all(Option::is_none);
        let counts_alike = spec.parts.iter().all(has_none);
        let cells = match spec.groups_of.as_slice() {
            [first, _, ..] if counts_alike => first.len(),
            _ => 0,
        };
        let bits = || (0..).zip(&spec.conditions);
        let always = bits().filter(|(_, holds)| **holds == Holds::Always);
        let with_value = bits().filter_map(|(bit, holds)| match holds {
            Holds::WithValue(value) => Some((1 << bit, *value)),
            Holds::Always | Holds::Marked => None,
        });
        let layout = Layout {
            is_marked: spec.conditions.contains(&Holds::Marked),
            values: spec.values,
        };
        // Buckets are nearly alike; a sixteenth more saves most of them a move.
        let room = (rows.min(layout.most_rows(memory_mib)) / BUCKETS) * 17 / 16;
        Self {
            always: always.fold(0, |all, (bit, _): (u32, _)| all | 1 << bit),
            with_value: with_value.collect(),
            layout,
            rows: 0,
            memory_mib,
            cells: (0..cells).map(|_| None).collect(),
            buckets: (0..BUCKETS)
                .map(|_| Bucket::with_room(room, layout))
                .collect(),
            spec,
            unnamed: Bucket::default(),
            groups,
        }
    }

    /// The limit, once the rows take more.
    pub(super) fn is_too_large(&self) -> Option<u32> {
        (self.rows > self.layout.most_rows(self.memory_mib)).then_some(self.memory_mib)
    }

    pub(super) fn add(&mut self, row: &Row<'_>) {
        self.rows += 1;
        let bucket = match row.unit {
            // The engine's hash is even in its high bits.
            Some(unit) => self
                .buckets
                .get_mut(usize::try_from(unit >> (64 - BUCKET_BITS)).unwrap_or(0)),
            None => Some(&mut self.unnamed),
        };
        if let Some(bucket) = bucket {
            bucket.push(row, self.layout);
        }
    }

    /// Counts what was dealt.
    pub(super) fn finish(mut self) -> Vec<Counts> {
        let layout = self.layout;
        let mut by_unit = ByUnit::default();
        for bucket in std::mem::take(&mut self.buckets) {
            let (mut own, mut scratch) = (Vec::new(), Vec::new());
            let units = bucket.rows(layout).filter_map(|row| row.first());
            by_unit.bring_together(units.copied());
            for rows in by_unit.people() {
                own.clear();
                own.extend(rows.iter().map(|row| self.seen(bucket.row(*row, layout))));
                self.person(&own, Who::Named, &mut scratch);
            }
        }
        let unnamed = std::mem::take(&mut self.unnamed);
        // All of them as one contributor, which is the stricter reading.
        let rows: Vec<Seen<'_>> = unnamed.rows(layout).map(|row| self.seen(row)).collect();
        if !rows.is_empty() {
            self.person(&rows, Who::Nobody, &mut Vec::new());
        }
        self.add_cells();
        let spec = &self.spec;
        self.groups
            .into_iter()
            .map(|group| group.counts(spec))
            .collect()
    }

    fn seen<'b>(&self, row: &'b [u64]) -> Seen<'b> {
        let word = |place: usize| row.get(place).copied().unwrap_or(0);
        let mut seen = Seen {
            place: u32::try_from(word(Layout::CELL)).unwrap_or(u32::MAX),
            mask: self.always,
            unit: word(Layout::UNIT),
            values: row.get(self.layout.first_value()..).unwrap_or(&[]),
        };
        if self.layout.is_marked {
            seen.mask |= word(Layout::CELL + 1);
        }
        for (bit, value) in &self.with_value {
            if seen.value(*value).is_some() {
                seen.mask |= bit;
            }
        }
        seen
    }

    /// Counts one person's rows in every group of every set.
    fn person<'b>(&mut self, rows: &[Seen<'b>], who: Who, scratch: &mut Vec<Seen<'b>>) {
        if self.in_one_cell(rows, who) {
            return;
        }
        for groups_of in &self.spec.groups_of {
            scratch.clear();
            scratch.extend(rows.iter().filter_map(|seen| {
                let place = *groups_of.get(index(seen.place))?;
                Some(Seen { place, ..*seen })
            }));
            if !scratch.is_sorted_by_key(|seen| seen.place) {
                // Stable: a person's values are added up in the order in which they came.
                scratch.sort_by_key(|seen| seen.place);
            }
            for of_group in scratch.chunk_by(|one, other| one.place == other.place) {
                let group = of_group.first().and_then(|seen| {
                    let number = index(seen.place);
                    self.groups.get_mut(number).map(|acc| (number, acc))
                });
                if let Some((number, acc)) = group {
                    acc.person(&self.spec, number, of_group, who);
                }
            }
        }
    }

    /// Counts a person whose rows are all in one cell there, if cells are counted.
    fn in_one_cell(&mut self, rows: &[Seen<'_>], who: Who) -> bool {
        let Some(first) = rows.first().map(|seen| seen.place) else {
            return false;
        };
        if rows.iter().any(|seen| seen.place != first) {
            return false;
        }
        let Some(place) = self.cells.get_mut(index(first)) else {
            return false;
        };
        let acc = place.get_or_insert_with(|| Box::new(Acc::new(&self.spec)));
        acc.person(&self.spec, NO_GROUP, rows, who);
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

/// Whether there is something to subtract among so many counts.
pub(super) fn subtracts(counts: usize) -> bool {
    (2..=COUNTS_MAX).contains(&counts)
}
