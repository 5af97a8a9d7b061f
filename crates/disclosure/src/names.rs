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
    /// Keys of groups with at least the minimum of people.
    large: BTreeSet<&'a [Datum]>,
    /// By position, the values in such keys.
    common: Vec<BTreeSet<&'a Datum>>,
}

impl<'a> Names<'a> {
    pub(crate) fn of(evidence: &'a Evidence, minimum: u64) -> Self {
        let groups = evidence.groups.iter();
        let large: BTreeSet<&[Datum]> = groups
            .filter(|group| group.people >= minimum)
            .map(|group| group.key.as_slice())
            .collect();
        let common = (0..evidence.keys.len())
            .map(|position| large.iter().filter_map(|key| key.get(position)).collect())
            .collect();
        Self {
            shown: evidence.shown,
            large,
            common,
        }
    }

    /// What may be told of a cell with this key.
    pub(crate) fn told(&self, key: &[Datum]) -> Told {
        let crosses_common = || {
            key.iter()
                .zip(&self.common)
                .all(|(value, common)| common.contains(value))
        };
        match self.shown {
            Shown::Unjudged => Told::Nothing,
            _ if self.large.contains(key) => Told::Whole,
            Shown::All if crosses_common() => Told::Whole,
            Shown::All | Shown::First | Shown::Large(_) | Shown::Condition => Told::Kind,
        }
    }
}
