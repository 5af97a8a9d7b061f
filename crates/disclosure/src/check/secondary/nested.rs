//! Keys of different tables of which one tells the other: an age and its band, a district and its region.
//!
//! A reader knows that the people of 60 to 69 are those of 60, of 61, …; so a cell of one age is one of its band too,
//! and the band is the sum of its ages. Which keys these are is read off the people: everybody with one value of the
//! finer key has one value of the coarser. Where few values happen to be so, the reader is taken to know it.

use std::collections::{BTreeMap, BTreeSet};

use super::Posed;
use crate::Datum;
use crate::suppress::Place;

/// The most pairs of keys that are tried.
const PAIRS_MAX: usize = 64;

/// A key that tells another.
pub(super) struct Nested {
    finer: String,
    coarser: String,
    values: BTreeMap<Datum, Datum>,
}

/// A key of a table.
struct Known<'a> {
    name: &'a str,
    table: usize,
    /// The value of each person by ordinal; none of whom the table has not.
    of: Vec<Option<&'a Datum>>,
    /// Whether somebody has several values.
    is_ambiguous: bool,
}

/// The keys that tell others; none where people are not listed, or a table stands alone.
pub(super) fn of(tables: &[Posed<'_>]) -> Vec<Nested> {
    if tables.len() < 2 {
        return Vec::new();
    }
    let keys = known(tables);
    let together: BTreeSet<(&str, &str)> = tables
        .iter()
        .filter_map(|posed| posed.evidence.lineage.as_ref())
        .flat_map(|lineage| {
            let pairs = lineage.keys.iter();
            pairs.flat_map(|one| lineage.keys.iter().map(|two| (one.as_str(), two.as_str())))
        })
        .collect();
    let mut tried = BTreeSet::new();
    let mut found = Vec::new();
    for finer in &keys {
        for coarser in &keys {
            let pair = (finer.name, coarser.name);
            // Keys of one table are tied by its own cells.
            let is_new = finer.name != coarser.name
                && finer.table != coarser.table
                && !together.contains(&pair)
                && tried.len() < PAIRS_MAX
                && tried.insert(pair);
            if is_new && let Some(values) = function(finer, coarser) {
                found.push(Nested {
                    finer: finer.name.to_owned(),
                    coarser: coarser.name.to_owned(),
                    values,
                });
            }
        }
    }
    found
}

/// Adds to a place the keys that its own tell.
pub(super) fn add(nested: &[Nested], place: &mut Place) {
    // Each round adds a key or is the last.
    for _ in 0..=nested.len() {
        let mut is_new = false;
        for one in nested {
            let known = place
                .get(&one.finer)
                .and_then(|value| one.values.get(value));
            if let Some(value) = known.filter(|_| !place.contains_key(&one.coarser)).cloned() {
                place.insert(one.coarser.clone(), value);
                is_new = true;
            }
        }
        if !is_new {
            return;
        }
    }
}

/// Each key of each table once, as its first grouping set with the key has it.
fn known<'a>(tables: &[Posed<'a>]) -> Vec<Known<'a>> {
    let mut found: Vec<Known<'_>> = Vec::new();
    for (table, posed) in tables.iter().enumerate() {
        let evidence = posed.evidence;
        let names = evidence.lineage.iter().flat_map(|lineage| &lineage.keys);
        for (number, name) in (0_u16..).zip(names) {
            let Some(set) = evidence.sets.iter().position(|set| set.contains(&number)) else {
                continue;
            };
            let mut key = Known {
                name,
                table,
                of: Vec::new(),
                is_ambiguous: false,
            };
            let measures = evidence.measures().count();
            for (index, group) in evidence.groups.iter().enumerate() {
                let Some(value) = group.key.get(usize::from(number)) else {
                    continue;
                };
                if usize::from(group.set) != set {
                    continue;
                }
                let lists = posed.people.iter().skip(index * measures).take(measures);
                for person in lists.flatten() {
                    key.take(*person, value);
                }
            }
            found.push(key);
        }
    }
    found
}

impl<'a> Known<'a> {
    fn take(&mut self, person: u32, value: &'a Datum) {
        let Ok(place) = usize::try_from(person) else {
            return;
        };
        if self.of.len() <= place {
            self.of.resize(place + 1, None);
        }
        if let Some(known) = self.of.get_mut(place) {
            self.is_ambiguous |= known.is_some_and(|other| other != value);
            *known = Some(value);
        }
    }
}

/// The coarser value of each finer one, if each has one.
fn function(finer: &Known<'_>, coarser: &Known<'_>) -> Option<BTreeMap<Datum, Datum>> {
    if finer.is_ambiguous || coarser.is_ambiguous {
        return None;
    }
    let mut values: BTreeMap<&Datum, Option<&Datum>> = BTreeMap::new();
    let above = coarser.of.iter().chain(std::iter::repeat(&None));
    for (value, above) in finer.of.iter().zip(above) {
        let Some(value) = value else { continue };
        let known = values.entry(value).or_default();
        if known.is_some() && above.is_some() && *known != *above {
            return None;
        }
        *known = known.or(*above);
    }
    let values = values.into_iter();
    let owned = values.map(|(value, above)| Some((value.clone(), above?.clone())));
    let owned: BTreeMap<Datum, Datum> = owned.collect::<Option<_>>()?;
    (!owned.is_empty()).then_some(owned)
}
