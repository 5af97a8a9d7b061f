//! Cells that are nearly a cell of an earlier table, pair by pair: the one minus the other is a cell that the
//! reader makes.

use super::release::Release;

/// A cell of the new table and one of an earlier table whose people differ by few.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Close {
    /// People who are in the new cell alone.
    pub only_here: u32,
    /// People who are in the earlier cell alone.
    pub only_there: u32,
    /// The cell of the new table, by index.
    pub cell: usize,
    /// The earlier table, by its place in what was compared.
    pub earlier: usize,
    /// The cell of that table, by index.
    pub old: usize,
}

/// Pairs of shown cells that share people and differ by fewer than `minimum` on either side, but not by nobody.
/// `overlaps`: people by their label in the new table and in the old one.
pub(super) fn close(
    (new, old): (&Release, &Release),
    earlier: usize,
    overlaps: &[(u16, u16, u32)],
    minimum: u32,
) -> Vec<Close> {
    let mut pairs = Pairs::of(new, old, minimum);
    if pairs.places.is_empty() {
        return Vec::new();
    }
    for &(a, b, people) in overlaps {
        for cell in new.shown_within(usize::from(a)) {
            for past in old.shown_within(usize::from(b)) {
                pairs.add(usize::from(cell), usize::from(past), people);
            }
        }
    }
    let mut found = Vec::new();
    for (cell, past, shared) in pairs.shared() {
        let size = |release: &Release, cell: usize| release.cells.get(cell).map_or(0, |c| c.people);
        let only_here = size(new, cell).saturating_sub(shared);
        let only_there = size(old, past).saturating_sub(shared);
        let differs = only_here + only_there > 0;
        if shared > 0 && differs && only_here < minimum && only_there < minimum {
            found.push(Close {
                only_here,
                only_there,
                cell,
                earlier,
                old: past,
            });
        }
    }
    found
}

/// Counters for the pairs of cells that can be close: those of nearly one size.
struct Pairs {
    columns: usize,
    /// Per pair of cells: one more than the place of its counter; 0 for none.
    counters: Vec<u32>,
    places: Vec<(usize, usize)>,
    shared: Vec<u32>,
}

impl Pairs {
    fn of(new: &Release, old: &Release, minimum: u32) -> Self {
        let columns = old.cells.len();
        let mut pairs = Self {
            columns,
            counters: vec![0; new.cells.len() * columns],
            places: Vec::new(),
            shared: Vec::new(),
        };
        let mut by_size: Vec<(u32, usize)> = (0..columns)
            .filter(|cell| old.is_shown(*cell))
            .filter_map(|cell| Some((old.cells.get(cell)?.people, cell)))
            .collect();
        by_size.sort_unstable();
        for (cell, here) in new
            .cells
            .iter()
            .enumerate()
            .filter(|(c, _)| new.is_shown(*c))
        {
            let least = here.people.saturating_sub(minimum);
            let most = here.people.saturating_add(minimum);
            let first = by_size.partition_point(|(people, _)| *people < least);
            let near = by_size.iter().skip(first);
            for (_, past) in near.take_while(|(people, _)| *people <= most) {
                pairs.places.push((cell, *past));
                if let Some(counter) = pairs.counters.get_mut(cell * columns + past) {
                    *counter = u32::try_from(pairs.places.len()).unwrap_or(0);
                }
            }
        }
        pairs.shared = vec![0; pairs.places.len()];
        pairs
    }

    fn add(&mut self, cell: usize, past: usize, people: u32) {
        let counter = self.counters.get(cell * self.columns + past);
        let place = counter.and_then(|counter| counter.checked_sub(1));
        if let Some(shared) = place.and_then(|place| self.shared.get_mut(place as usize)) {
            *shared += people;
        }
    }

    fn shared(&self) -> impl Iterator<Item = (usize, usize, u32)> {
        let pairs = self.places.iter().zip(&self.shared);
        pairs.map(|((cell, past), shared)| (*cell, *past, *shared))
    }
}
