//! Which keys may be named to a researcher.
//!
//! A key is made by the researcher from columns of the data: `group by concat(born, district, cost)`
//! makes every row a key, and a list of keys with few people is then the data. So a key is named only if
//! at least the minimum of people have it, or, where the statement shows all its groups, if each of its
//! values alone is in a group with at least the minimum. The second names crossings of common values; with
//! unsafe zeros every such crossing is named, whether few people are in it or none.

use std::collections::BTreeSet;

use crate::report::Told;
use crate::{Datum, Evidence, Shown};

/// The keys of one table that may be named.
pub(crate) struct Names<'a> {
    shown: Shown,
    /// Grouping sets and keys of groups with at least the minimum of people.
    large: BTreeSet<(u16, &'a [Datum])>,
    /// By grouping set and position, the values in such keys.
    common: BTreeSet<(u16, usize, &'a Datum)>,
}

impl<'a> Names<'a> {
    pub(crate) fn of(evidence: &'a Evidence, minimum: u64) -> Self {
        let groups = evidence.groups.iter();
        let large: BTreeSet<(u16, &[Datum])> = groups
            .filter(|group| group.people >= minimum)
            .map(|group| (group.set, group.key.as_slice()))
            .collect();
        let values = large.iter().flat_map(|(set, key)| {
            let places = key.iter().enumerate();
            places.map(move |(place, value)| (*set, place, value))
        });
        let common = values.collect();
        Self {
            shown: evidence.shown,
            large,
            common,
        }
    }

    /// What may be told of a cell with this key.
    pub(crate) fn told(&self, set: u16, key: &[Datum]) -> Told {
        let crosses_common = || {
            let mut places = key.iter().enumerate();
            places.all(|(place, value)| self.common.contains(&(set, place, value)))
        };
        match self.shown {
            Shown::Unjudged => Told::Nothing,
            _ if self.large.contains(&(set, key)) => Told::Whole,
            Shown::All if crosses_common() => Told::Whole,
            Shown::All | Shown::First | Shown::Large(_) | Shown::Condition | Shown::Joined => {
                Told::Kind
            }
        }
    }
}
