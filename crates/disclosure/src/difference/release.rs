//! One released table: its cells, and who is in them.

use std::collections::HashMap;

use thiserror::Error;

/// The most cells in one table.
pub const CELLS_MAX: usize = 10_000;
/// The most people in one population.
pub const PEOPLE_MAX: usize = 100_000_000;

/// How the values that left differ from the true ones.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Treatment {
    /// They do not.
    Exact,
    /// Each lies at most this far from the true one: half the base of rounding to the nearest
    /// multiple, the base less one for random rounding.
    Within(f64),
    /// Noise without an end, drawn again for each release.
    Noise,
}

/// What is said of a table when it is named in a proof.
#[derive(Debug, Clone, PartialEq)]
pub struct About {
    /// How people call it, such as `table 12`.
    pub name: String,
    /// When it left, as it is to be shown, such as `3 May`.
    pub date: String,
    /// What is added up: `people`, `rows`, or `sum of` a column. Tables of one measure are
    /// compared. A mean beside its count is a sum: the caller multiplies.
    pub measure: String,
    /// The version of the data.
    pub data_version: String,
    /// What was done to the values.
    pub treatment: Treatment,
}

/// The people behind one cell, for [`Release::new`].
#[derive(Debug, Clone, PartialEq)]
pub struct CellPeople {
    /// Where the cell is, in words, such as `sex F, region R2`.
    pub key: String,
    /// What was released; `None` for a hidden cell, of which a reader learns nothing.
    pub value: Option<f64>,
    /// Ordinals of the people in the dataset family, in any order.
    pub people: Vec<u32>,
}

/// One cell of a released table.
#[derive(Debug, Clone, PartialEq)]
pub struct ReleasedCell {
    /// Where it is, in words.
    pub key: String,
    /// What was released; `None` for a hidden cell.
    pub value: Option<f64>,
    /// Distinct people behind it.
    pub people: u32,
}

/// Why a release cannot be kept, or read again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum ReleaseError {
    /// Too many cells.
    #[error("a table with more than {CELLS_MAX} cells cannot be compared with later ones")]
    TooManyCells,
    /// Too many people.
    #[error("more than {PEOPLE_MAX} people cannot be compared")]
    TooManyPeople,
    /// An ordinal past the population.
    #[error("a cell names a person who is not in the population")]
    NoSuchPerson,
    /// The cells overlap in too many ways.
    #[error("the cells of the table overlap in more than 65535 ways")]
    TooManyOverlaps,
}

/// One label per person: in which combination of the table's cells they are.
#[derive(Clone, PartialEq)]
pub(crate) enum Labels {
    Narrow(Vec<u8>),
    Wide(Vec<u16>),
}

/// A released table with who is in which cell. It holds a fact about every person, so it has no
/// `Debug` of its contents and belongs under a seal: [`Release::to_bytes`].
#[derive(Clone, PartialEq)]
pub struct Release {
    pub(crate) about: About,
    pub(crate) cells: Vec<ReleasedCell>,
    pub(crate) labels: Labels,
    /// Per label: the cells that people with it are in, ascending. Label 0 is in none.
    pub(crate) within: Vec<Vec<u16>>,
}

impl std::fmt::Debug for Release {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Release")
            .field("name", &self.about.name)
            .field("cells", &self.cells.len())
            .finish_non_exhaustive()
    }
}

impl Release {
    /// Takes the cells of a table over a population of `population` people with ordinals from 0.
    ///
    /// # Errors
    /// Past a limit, or where a cell names somebody outside the population.
    pub fn new(
        about: About,
        population: usize,
        cells: Vec<CellPeople>,
    ) -> Result<Self, ReleaseError> {
        if cells.len() > CELLS_MAX {
            return Err(ReleaseError::TooManyCells);
        }
        if population > PEOPLE_MAX {
            return Err(ReleaseError::TooManyPeople);
        }
        let mut labels = vec![0_u16; population];
        let mut within: Vec<Vec<u16>> = vec![Vec::new()];
        let mut kept = Vec::with_capacity(cells.len());
        for (number, cell) in cells.into_iter().enumerate() {
            let people = enter(&mut labels, &mut within, number as u16, &cell.people)?;
            kept.push(ReleasedCell {
                key: cell.key,
                value: cell.value,
                people,
            });
        }
        compact(&mut labels, &mut within);
        Ok(Self {
            about,
            cells: kept,
            labels: Labels::of(labels, within.len()),
            within,
        })
    }

    /// What is said of it.
    pub fn about(&self) -> &About {
        &self.about
    }

    /// Its cells.
    pub fn cells(&self) -> &[ReleasedCell] {
        &self.cells
    }

    /// Whether both say the same of the same people, whatever they are called.
    pub fn is_same_table(&self, other: &Self) -> bool {
        let people = self.labels.len().max(other.labels.len());
        self.about.measure == other.about.measure
            && self.about.treatment == other.about.treatment
            && self.cells == other.cells
            && (0..people).all(|person| self.cells_of(person) == other.cells_of(person))
    }

    /// The cells that a person is in; in none past the end, where people of a later version of the data are.
    fn cells_of(&self, person: usize) -> Option<&[u16]> {
        let cells = self.within.get(usize::from(self.labels.get(person)))?;
        Some(cells.as_slice())
    }

    /// The same table under another name, its cells not told apart: for readers who may not know what was asked.
    pub fn under_another_name(mut self, name: &str, date: &str) -> Self {
        name.clone_into(&mut self.about.name);
        date.clone_into(&mut self.about.date);
        for cell in &mut self.cells {
            "a cell".clone_into(&mut cell.key);
        }
        self
    }

    /// How many people the population has.
    pub fn population(&self) -> usize {
        self.labels.len()
    }

    /// Whether values left as they are.
    pub(crate) fn is_exact(&self) -> bool {
        self.about.treatment == Treatment::Exact
    }

    /// Whether a reader knows the cell.
    pub(crate) fn is_shown(&self, cell: usize) -> bool {
        self.cells.get(cell).is_some_and(|c| c.value.is_some())
    }

    /// The shown cells that the people with a label are in.
    pub(crate) fn shown_within(&self, label: usize) -> impl Iterator<Item = u16> {
        let cells = self.within.get(label).map_or(&[][..], Vec::as_slice);
        cells
            .iter()
            .copied()
            .filter(|cell| self.is_shown(usize::from(*cell)))
    }

    /// The shown cells in layers of cells that share nobody; a cell that is the sum of cells of one
    /// earlier layer is left out, since it says nothing new. Per layer, per label: the
    /// cell plus one, or 0.
    pub(crate) fn layers(&self) -> Vec<Vec<u16>> {
        let mut members: Vec<Vec<usize>> = vec![Vec::new(); self.cells.len()];
        for (label, cells) in self.within.iter().enumerate() {
            for cell in cells {
                if let Some(members) = members.get_mut(usize::from(*cell)) {
                    members.push(label);
                }
            }
        }
        let mut order: Vec<usize> = (0..self.cells.len())
            .filter(|c| self.is_shown(*c) && members.get(*c).is_some_and(|m| !m.is_empty()))
            .collect();
        order.sort_by_key(|c| (self.cells.get(*c).map_or(0, |c| c.people), *c));
        let mut layers: Vec<Vec<u16>> = Vec::new();
        for cell in order {
            let labels = members.get(cell).map_or(&[][..], Vec::as_slice);
            if layers.iter().any(|layer| is_sum(layer, labels, &members)) {
                continue;
            }
            let at = |layer: &Vec<u16>, label: &usize| layer.get(*label).copied().unwrap_or(0);
            let free = layers
                .iter_mut()
                .find(|layer| labels.iter().all(|label| at(layer, label) == 0));
            let layer = match free {
                Some(layer) => layer,
                None => {
                    layers.push(vec![0; self.within.len()]);
                    let Some(layer) = layers.last_mut() else {
                        continue;
                    };
                    layer
                }
            };
            for label in labels {
                if let Some(place) = layer.get_mut(*label) {
                    *place = cell as u16 + 1;
                }
            }
        }
        layers
    }
}

/// Drops the labels that nobody has any more.
fn compact(labels: &mut [u16], within: &mut Vec<Vec<u16>>) {
    let mut is_used = vec![false; within.len()];
    for label in labels.iter() {
        if let Some(used) = is_used.get_mut(usize::from(*label)) {
            *used = true;
        }
    }
    let mut renamed = vec![0_u16; within.len()];
    let mut kept = Vec::new();
    for (label, cells) in std::mem::take(within).into_iter().enumerate() {
        if label == 0 || is_used.get(label) == Some(&true) {
            if let Some(name) = renamed.get_mut(label) {
                *name = kept.len() as u16;
            }
            kept.push(cells);
        }
    }
    for label in labels {
        *label = renamed.get(usize::from(*label)).copied().unwrap_or(0);
    }
    *within = kept;
}

/// Whether these labels are exactly those of some cells of the layer.
fn is_sum(layer: &[u16], labels: &[usize], members: &[Vec<usize>]) -> bool {
    let mut cells: Vec<u16> = labels
        .iter()
        .map(|label| layer.get(*label).copied().unwrap_or(0))
        .collect();
    cells.sort_unstable();
    cells.dedup();
    let parts = |cell: &u16| members.get(usize::from(*cell) - 1).map_or(0, Vec::len);
    !cells.contains(&0) && cells.iter().map(parts).sum::<usize>() == labels.len()
}

/// Puts people into a cell: their labels become those of the old combination with the cell. How
/// many people they are.
fn enter(
    labels: &mut [u16],
    within: &mut Vec<Vec<u16>>,
    cell: u16,
    people: &[u32],
) -> Result<u32, ReleaseError> {
    let mut renamed: HashMap<u16, u16> = HashMap::new();
    let first = within.len();
    let mut count = 0;
    for person in people {
        let label = labels
            .get_mut(*person as usize)
            .ok_or(ReleaseError::NoSuchPerson)?;
        if usize::from(*label) >= first {
            // Named twice.
            continue;
        }
        count += 1;
        if let Some(new) = renamed.get(label) {
            *label = *new;
            continue;
        }
        let new = u16::try_from(within.len()).map_err(|_| ReleaseError::TooManyOverlaps)?;
        let mut cells = within.get(usize::from(*label)).cloned().unwrap_or_default();
        cells.push(cell);
        within.push(cells);
        renamed.insert(*label, new);
        *label = new;
    }
    Ok(count)
}

impl Labels {
    pub(crate) fn of(labels: Vec<u16>, count: usize) -> Self {
        if count <= 256 {
            Self::Narrow(labels.into_iter().map(|l| l as u8).collect())
        } else {
            Self::Wide(labels)
        }
    }

    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Narrow(labels) => labels.len(),
            Self::Wide(labels) => labels.len(),
        }
    }

    /// Label of a person; 0 past the end, where people of a later version of the data are.
    pub(crate) fn get(&self, person: usize) -> u16 {
        match self {
            Self::Narrow(labels) => labels.get(person).map_or(0, |l| u16::from(*l)),
            Self::Wide(labels) => labels.get(person).copied().unwrap_or(0),
        }
    }
}

/// How many people have each pair of labels of two tables; pairs that nobody has are left out.
pub(crate) fn overlap(new: &Release, old: &Release) -> Vec<(u16, u16, u32)> {
    let (rows, columns) = (new.within.len(), old.within.len());
    let people = new.labels.len().max(old.labels.len());
    // A square of counters as long as it is no larger than the population, or small.
    if rows * columns <= people.max(1 << 22) {
        return dense(new, old, people);
    }
    let mut counts: HashMap<(u16, u16), u32> = HashMap::new();
    for person in 0..people {
        let pair = (new.labels.get(person), old.labels.get(person));
        *counts.entry(pair).or_default() += 1;
    }
    let mut list: Vec<_> = counts.into_iter().map(|((a, b), n)| (a, b, n)).collect();
    list.sort_unstable();
    list
}

fn dense(new: &Release, old: &Release, people: usize) -> Vec<(u16, u16, u32)> {
    let (rows, columns) = (new.within.len(), old.within.len());
    let mut counts = vec![0_u32; rows * columns];
    match (&new.labels, &old.labels) {
        (Labels::Narrow(a), Labels::Narrow(b)) => count(a, b, columns, &mut counts),
        (Labels::Narrow(a), Labels::Wide(b)) => count(a, b, columns, &mut counts),
        (Labels::Wide(a), Labels::Narrow(b)) => count(a, b, columns, &mut counts),
        (Labels::Wide(a), Labels::Wide(b)) => count(a, b, columns, &mut counts),
    }
    for person in new.labels.len().min(old.labels.len())..people {
        let (a, b) = (new.labels.get(person), old.labels.get(person));
        if let Some(count) = counts.get_mut(usize::from(a) * columns + usize::from(b)) {
            *count += 1;
        }
    }
    let mut list = Vec::new();
    for (index, count) in counts.into_iter().enumerate().filter(|(_, n)| *n > 0) {
        list.push(((index / columns) as u16, (index % columns) as u16, count));
    }
    list
}

/// People in blocks: places first, which the compiler does many at a time, then counts.
fn count<A, B>(a: &[A], b: &[B], columns: usize, counts: &mut [u32])
where
    A: Copy + Into<u32>,
    B: Copy + Into<u32>,
{
    const BLOCK: usize = 64;
    let columns = columns as u32;
    let mut places = [0_u32; BLOCK];
    for (a, b) in a.chunks(BLOCK).zip(b.chunks(BLOCK)) {
        let pairs = a.iter().zip(b);
        let taken = pairs.len();
        for (place, (a, b)) in places.iter_mut().zip(pairs) {
            *place = (*a).into() * columns + (*b).into();
        }
        for place in places.iter().take(taken) {
            if let Some(count) = counts.get_mut(*place as usize) {
                *count += 1;
            }
        }
    }
}
