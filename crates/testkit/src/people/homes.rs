//! Where people live: invented postcodes with one street each, and where they lived before.

#![allow(
    clippy::indexing_slicing,
    reason = "members index the people they were made from"
)]

use std::collections::BTreeSet;

use rand::{Rng, RngExt as _};
use rand_chacha::ChaCha8Rng;

use super::households::{Household, Kind};
use super::pick::{Picker, one_of};
use super::{Draft, tables};

/// An address.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Home {
    /// With one space before the last three.
    pub postcode: String,
    /// Number and street, without a comma.
    pub address_1: String,
}

impl Home {
    /// The letters that the postcode begins with.
    #[must_use]
    pub fn area(&self) -> &str {
        let letters = self
            .postcode
            .bytes()
            .take_while(u8::is_ascii_alphabetic)
            .count();
        self.postcode.get(..letters).unwrap_or("")
    }
}

/// Households to a postcode.
const HOUSEHOLDS_PER_POSTCODE: usize = 14;

pub(crate) fn give(drafts: &mut [Draft], households: &[Household], rng: &mut ChaCha8Rng) {
    let mut streets = streets(households.len(), rng);
    for household in households {
        let home = move_in(&mut streets, household.kind, rng);
        let everyone_before = rng
            .random_bool(0.1)
            .then(|| move_in(&mut streets, Kind::Family, rng));
        for who in household.adults.iter().chain(&household.children) {
            drafts[*who].home = home.clone();
            drafts[*who].previous_home = match &everyone_before {
                Some(before) => Some(before.clone()),
                None if drafts[*who].age >= 18 && rng.random_bool(0.05) => {
                    Some(move_in(&mut streets, Kind::Family, rng))
                }
                None => None,
            };
        }
    }
}

struct Street {
    postcode: String,
    name: String,
    next_number: u32,
    flats: bool,
}

fn streets(households: usize, rng: &mut ChaCha8Rng) -> Vec<Street> {
    let areas = Picker::new(tables::AREAS.iter().map(|(_, _, weight)| *weight));
    // Every area has a street, however few people there are.
    let count = (households / HOUSEHOLDS_PER_POSTCODE).max(2 * tables::AREAS.len());
    let mut used = BTreeSet::new();
    let mut streets = Vec::with_capacity(count);
    while streets.len() < count {
        let place = if streets.len() < tables::AREAS.len() {
            streets.len()
        } else {
            areas.pick(rng)
        };
        let (area, districts, _) = tables::AREAS[place];
        let postcode = postcode(area, districts, rng);
        if used.insert(postcode.clone()) {
            streets.push(Street {
                postcode,
                name: format!(
                    "{} {}",
                    one_of(tables::STREETS, rng),
                    one_of(tables::STREET_TYPES, rng)
                ),
                next_number: 1,
                flats: rng.random_bool(0.2),
            });
        }
    }
    streets
}

fn postcode(area: &str, districts: u32, rng: &mut impl Rng) -> String {
    let mut letter = || {
        let letters = tables::UNIT_LETTERS;
        char::from(letters[rng.random_range(0..letters.len())])
    };
    let (first, second) = (letter(), letter());
    let district = rng.random_range(1..=districts);
    let sector = rng.random_range(0..10);
    format!("{area}{district} {sector}{first}{second}")
}

/// The next free number in some street. Areas hold people as they hold streets.
fn move_in(streets: &mut [Street], kind: Kind, rng: &mut impl Rng) -> Home {
    let street = &mut streets[rng.random_range(0..streets.len())];
    let number = street.next_number;
    street.next_number += 1;
    let address_1 = match kind {
        Kind::CareHome => format!("{number} {} House", street.name),
        Kind::Family | Kind::Twins if street.flats => {
            format!("Flat {} {} {}", number % 4 + 1, number / 4 + 1, street.name)
        }
        Kind::Family | Kind::Twins => format!("{number} {}", street.name),
    };
    Home {
        postcode: street.postcode.clone(),
        address_1,
    }
}
