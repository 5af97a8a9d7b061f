//! Drawing from a list by weight.

use rand::{Rng, RngExt as _};

/// Running totals of weights.
pub(crate) struct Picker {
    totals: Vec<u64>,
}

impl Picker {
    /// Weights of 0 or more; a list of nothing always gives place 0.
    pub(crate) fn new(weights: impl IntoIterator<Item = u64>) -> Self {
        let totals = weights
            .into_iter()
            .scan(0, |total, weight| {
                *total += weight;
                Some(*total)
            })
            .collect();
        Self { totals }
    }

    /// A place in the list.
    pub(crate) fn pick(&self, rng: &mut impl Rng) -> usize {
        match self.totals.last() {
            Some(total) if *total > 0 => {
                let at = rng.random_range(0..*total);
                self.totals.partition_point(|total| *total <= at)
            }
            Some(_) | None => 0,
        }
    }
}

/// One of a few.
pub(crate) fn one_of<'a>(list: &[&'a str], rng: &mut impl Rng) -> &'a str {
    if list.is_empty() {
        return "";
    }
    list.get(rng.random_range(0..list.len()))
        .copied()
        .unwrap_or("")
}

/// Puts a list in random order (Fisher-Yates).
pub(crate) fn shuffle<T>(list: &mut [T], rng: &mut impl Rng) {
    for place in (1..list.len()).rev() {
        list.swap(place, rng.random_range(0..=place));
    }
}
