//! Clerical review: which pairs people look at, and how far two of them agree.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::outcome::{Join, JoinStep};
use crate::random::mix;

/// Lower ends of the bands that pairs are drawn from, surest last. Narrower towards 1, where most links are and an
/// error is dearest.
pub const BANDS: [f64; 8] = [0.0, 0.5, 0.7, 0.8, 0.9, 0.95, 0.99, 0.999];

/// A pair to look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Chosen {
    /// Its place among the joins.
    pub join: usize,
    /// Its band, a place in [`BANDS`].
    pub band: usize,
}

/// Chooses at most `count` of the joins that the model made, as many from each band as there are until all have been
/// served (the rest goes to the bands nearest the threshold), in an order that says nothing of the band. The same joins
/// and seed give the same pairs.
#[must_use]
pub fn choose(joins: &[Join], threshold: f64, count: usize, seed: u64) -> Vec<Chosen> {
    let mut bands: BTreeMap<usize, Vec<Chosen>> = BTreeMap::new();
    for (place, join) in joins.iter().enumerate() {
        if join.step == JoinStep::Reviewed {
            continue;
        }
        let band = BANDS
            .iter()
            .rposition(|low| join.match_probability >= *low)
            .unwrap_or(0);
        bands
            .entry(band)
            .or_default()
            .push(Chosen { join: place, band });
    }
    let draw = |chosen: &Chosen| mix(seed ^ mix(chosen.join as u64 + 1));
    for band in bands.values_mut() {
        band.sort_by_key(draw);
        band.reverse();
    }
    let middle = BANDS.iter().rposition(|low| threshold >= *low).unwrap_or(0);
    let mut order: Vec<usize> = bands.keys().copied().collect();
    order.sort_by_key(|band| (band.abs_diff(middle), *band));
    let mut chosen = Vec::new();
    while chosen.len() < count {
        let before = chosen.len();
        for band in &order {
            if chosen.len() < count {
                chosen.extend(bands.get_mut(band).and_then(Vec::pop));
            }
        }
        if chosen.len() == before {
            break;
        }
    }
    chosen.sort_by_key(|chosen| mix(draw(chosen)));
    chosen
}

/// How far two reviewers agree.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Agreement {
    /// Pairs that both judged.
    pub both: u64,
    /// Of these, judged alike.
    pub alike: u64,
    /// Cohen's kappa (1960): agreement beyond chance, 1 at most; nothing where chance alone would agree on all.
    pub kappa: Option<f64>,
}

/// Agreement over pairs that both judged: true where the reviewer said one person.
#[must_use]
pub fn agreement(pairs: impl IntoIterator<Item = (bool, bool)>) -> Agreement {
    let (mut both, mut alike, mut first, mut second) = (0_u64, 0_u64, 0_u64, 0_u64);
    for (a, b) in pairs {
        both += 1;
        alike += u64::from(a == b);
        first += u64::from(a);
        second += u64::from(b);
    }
    let n = both as f64;
    let (a, b) = (first as f64 / n, second as f64 / n);
    let chance = a * b + (1.0 - a) * (1.0 - b);
    let kappa = (both > 0 && chance < 1.0).then(|| (alike as f64 / n - chance) / (1.0 - chance));
    Agreement { both, alike, kappa }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn join(row: u32, match_probability: f64) -> Join {
        Join {
            file_l: 0,
            row_l: row,
            file_r: 1,
            row_r: row,
            match_weight: 0.0,
            match_probability,
            step: JoinStep::Probabilistic,
        }
    }

    #[test]
    fn kappa_as_it_is_published() {
        // Cohen's example as it stands in textbooks: 20 yes-yes, 5 yes-no, 10 no-yes, 15 no-no; kappa 0.4.
        let cells = [
            ((true, true), 20),
            ((true, false), 5),
            ((false, true), 10),
            ((false, false), 15),
        ];
        let pairs = cells
            .iter()
            .flat_map(|(pair, n)| std::iter::repeat_n(*pair, *n));
        let found = agreement(pairs);
        assert_eq!((found.both, found.alike), (50, 35));
        assert!((found.kappa.unwrap() - 0.4).abs() < 1e-12);
        assert_eq!(agreement([(true, true), (true, true)]).kappa, None);
        assert_eq!(agreement([]).kappa, None);
    }

    #[test]
    fn every_band_is_looked_at_and_the_rest_goes_to_the_threshold() {
        let mut joins: Vec<Join> = (0..1000).map(|row| join(row, 0.9995)).collect();
        joins.extend((1000..1005).map(|row| join(row, 0.6)));
        joins.extend((2000..2040).map(|row| join(row, 0.96)));
        joins.push(Join {
            step: JoinStep::Reviewed,
            ..join(3000, 1.0)
        });
        let chosen = choose(&joins, 0.95, 60, 7);
        let of = |band: usize| chosen.iter().filter(|chosen| chosen.band == band).count();
        assert_eq!(chosen.len(), 60);
        assert_eq!((of(1), of(5), of(7)), (5, 28, 27));
        assert!(
            chosen
                .iter()
                .all(|chosen| joins[chosen.join].step != JoinStep::Reviewed)
        );
        assert_eq!(choose(&joins, 0.95, 60, 7), chosen);
        assert_ne!(choose(&joins, 0.95, 60, 8), chosen);
        // Blind: the order does not sort by band.
        assert!(
            chosen
                .windows(2)
                .filter(|two| two[0].band != two[1].band)
                .count()
                > 10
        );
        assert_eq!(choose(&joins, 0.95, 10_000, 7).len(), 1045);
    }
}
