//! A provider's view of some people: the same identifiers as its clerks entered them.

#![allow(
    clippy::indexing_slicing,
    reason = "places in a text are drawn within its length"
)]

use std::collections::BTreeSet;
use std::fmt::Write as _;

use rand::{Rng, RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

use super::pick::{one_of, shuffle};
use super::{Date, IDENTIFIER_HEADER, Person, Population, Sex, numbers, tables};

/// How often each thing goes wrong, 0 to 1, for one record.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ErrorProfile {
    /// No CHI number.
    pub chi_missing: f64,
    /// A wrong digit among the last four of the CHI number.
    pub chi_typo: f64,
    /// A short form for the forename, where there is one.
    pub nickname: f64,
    /// The initial for the forename.
    pub initial: f64,
    /// A wrong letter in a name; for each of the two.
    pub name_typo: f64,
    /// Forename and surname in each other's place.
    pub names_exchanged: f64,
    /// The surname before marriage, for those who have one.
    pub birth_surname: f64,
    /// Day and month in each other's place, where both could be months.
    pub date_exchanged: f64,
    /// A birth date of another day, month or year, on the calendar.
    pub date_typo: f64,
    /// The other sex.
    pub sex_wrong: f64,
    /// The former address, for those who moved.
    pub old_home: f64,
    /// A wrong letter or digit in the postcode.
    pub postcode_typo: f64,
    /// The address line shortened.
    pub address_short: f64,
    /// A value missing; for each of forename, birth date, sex, postcode and address.
    pub missing: f64,
    /// All in capitals.
    pub capitals: f64,
}

impl ErrorProfile {
    /// A careful clinic: a tenth without CHI, few errors.
    #[must_use]
    pub const fn clean() -> Self {
        Self {
            chi_missing: 0.10,
            chi_typo: 0.002,
            nickname: 0.01,
            initial: 0.001,
            name_typo: 0.004,
            names_exchanged: 0.001,
            birth_surname: 0.02,
            date_exchanged: 0.002,
            date_typo: 0.003,
            sex_wrong: 0.001,
            old_home: 0.4,
            postcode_typo: 0.004,
            address_short: 0.1,
            missing: 0.003,
            capitals: 0.05,
        }
    }

    /// A hospital: a quarter without CHI, a few errors in each field.
    #[must_use]
    pub const fn typical() -> Self {
        Self {
            chi_missing: 0.25,
            chi_typo: 0.01,
            nickname: 0.05,
            initial: 0.005,
            name_typo: 0.015,
            names_exchanged: 0.005,
            birth_surname: 0.08,
            date_exchanged: 0.008,
            date_typo: 0.01,
            sex_wrong: 0.003,
            old_home: 0.6,
            postcode_typo: 0.015,
            address_short: 0.3,
            missing: 0.01,
            capitals: 0.1,
        }
    }

    /// A service that asks no numbers and writes by hand.
    #[must_use]
    pub const fn hard() -> Self {
        Self {
            chi_missing: 0.85,
            chi_typo: 0.03,
            nickname: 0.12,
            initial: 0.02,
            name_typo: 0.05,
            names_exchanged: 0.015,
            birth_surname: 0.2,
            date_exchanged: 0.02,
            date_typo: 0.03,
            sex_wrong: 0.01,
            old_home: 0.8,
            postcode_typo: 0.04,
            address_short: 0.5,
            missing: 0.04,
            capitals: 0.2,
        }
    }
}

/// A record of a delivery and who it is of: the truth.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// The provider's record number.
    pub record: String,
    /// Index of the person.
    pub person: usize,
}

/// A delivery of identifiers with its truth, rows in the same order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// CSV with [`IDENTIFIER_HEADER`].
    pub csv: String,
    /// Whose records these are.
    pub held: Vec<Held>,
}

impl Population {
    /// One row for each member (an index past the population is passed over), in random order, under
    /// record numbers of this delivery only.
    #[must_use]
    pub fn identifier_rows(
        &self,
        members: &[usize],
        seed: u64,
        profile: &ErrorProfile,
    ) -> Delivery {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut order: Vec<usize> = members
            .iter()
            .copied()
            .filter(|member| *member < self.people.len())
            .collect();
        shuffle(&mut order, &mut rng);
        let mut used = BTreeSet::new();
        let mut delivery = Delivery {
            csv: String::with_capacity(100 * order.len() + 100),
            held: Vec::with_capacity(order.len()),
        };
        delivery.csv.push_str(IDENTIFIER_HEADER);
        for index in order {
            let mut record = numbers::record(&mut rng);
            while !used.insert(record.clone()) {
                record = numbers::record(&mut rng);
            }
            let row = entered(&self.people[index], profile, &mut rng);
            // Writing to a string cannot fail.
            let _ = writeln!(delivery.csv, "{record},{row}");
            delivery.held.push(Held {
                record,
                person: index,
            });
        }
        delivery
    }
}

/// The row as entered, without its record number.
fn entered(person: &Person, profile: &ErrorProfile, rng: &mut ChaCha8Rng) -> String {
    let (forename, surname) = names(person, profile, rng);
    let home = match &person.previous_home {
        Some(before) if rng.random_bool(profile.old_home) => before,
        Some(_) | None => &person.home,
    };
    let mut postcode = home.postcode.clone();
    if rng.random_bool(profile.postcode_typo) {
        postcode = typo(&postcode, rng);
    }
    let mut address = home.address_1.clone();
    if rng.random_bool(profile.address_short) {
        address = shortened(&address);
    }
    let wrong = rng.random_bool(profile.sex_wrong);
    let sex = match (person.sex, wrong) {
        (Sex::Female, false) | (Sex::Male, true) => "F",
        (Sex::Male, false) | (Sex::Female, true) => "M",
    };
    let mut kept = |value: String| {
        if rng.random_bool(profile.missing) {
            String::new()
        } else {
            value
        }
    };
    let (forename, sex, postcode, address) = (
        kept(forename),
        kept(sex.to_owned()),
        kept(postcode),
        kept(address),
    );
    let born = kept(String::from("x"));
    let born = if born.is_empty() {
        born
    } else {
        birth(person.date_of_birth, profile, rng)
    };
    let chi = chi(&person.chi, profile, rng);
    let row = format!("{chi},{forename},{surname},{born},{sex},{postcode},{address}");
    if rng.random_bool(profile.capitals) {
        row.to_uppercase()
    } else {
        row
    }
}

fn names(person: &Person, profile: &ErrorProfile, rng: &mut ChaCha8Rng) -> (String, String) {
    let mut forename = person.forename.clone();
    if rng.random_bool(profile.nickname) {
        let forms = tables::SHORT_FORMS
            .iter()
            .find(|(name, _)| *name == forename);
        if let Some((_, forms)) = forms {
            forename = one_of(forms, rng).to_owned();
        }
    }
    if rng.random_bool(profile.initial) {
        forename = forename.chars().take(1).collect();
    }
    let mut surname = match &person.birth_surname {
        Some(before) if rng.random_bool(profile.birth_surname) => before.clone(),
        Some(_) | None => person.surname.clone(),
    };
    if rng.random_bool(profile.name_typo) {
        forename = typo(&forename, rng);
    }
    if rng.random_bool(profile.name_typo) {
        surname = typo(&surname, rng);
    }
    if rng.random_bool(profile.names_exchanged) {
        return (surname, forename);
    }
    (forename, surname)
}

fn birth(born: Date, profile: &ErrorProfile, rng: &mut ChaCha8Rng) -> String {
    if rng.random_bool(profile.date_exchanged) && born.day <= 12 {
        return Date {
            month: born.day,
            day: born.month,
            ..born
        }
        .to_string();
    }
    if rng.random_bool(profile.date_typo) {
        // A day, a month or a year off, kept on the calendar.
        let mut wrong = born;
        match rng.random_range(0..3) {
            0 => wrong.day = born.day % 28 + 1,
            1 => (wrong.month, wrong.day) = (born.month % 12 + 1, born.day.min(28)),
            _ => (wrong.year, wrong.day) = (born.year - rng.random_range(1..=10), born.day.min(28)),
        }
        return wrong.to_string();
    }
    born.to_string()
}

fn chi(chi: &str, profile: &ErrorProfile, rng: &mut ChaCha8Rng) -> String {
    if rng.random_bool(profile.chi_missing) {
        return String::new();
    }
    if chi.is_empty() || !rng.random_bool(profile.chi_typo) {
        return chi.to_owned();
    }
    let mut digits: Vec<u8> = chi.bytes().collect();
    let place = rng.random_range(6..digits.len());
    digits[place] = b'0' + (digits[place] - b'0' + rng.random_range(1..10)) % 10;
    digits.into_iter().map(char::from).collect()
}

/// One letter or digit changed, left out, doubled, or exchanged with the next.
fn typo(text: &str, rng: &mut impl Rng) -> String {
    let mut letters: Vec<char> = text.chars().collect();
    if letters.len() < 2 {
        return text.to_owned();
    }
    let place = rng.random_range(1..letters.len());
    match rng.random_range(0..4) {
        0 => letters.swap(place - 1, place),
        1 => {
            letters.remove(place);
        }
        2 => letters.insert(place, letters[place]),
        _ if letters[place].is_ascii_digit() => {
            letters[place] = char::from(b'0' + rng.random_range(0..10_u8));
        }
        _ => letters[place] = char::from(b'a' + rng.random_range(0..26_u8)),
    }
    letters.into_iter().collect()
}

fn shortened(address: &str) -> String {
    let pairs = [
        (" Street", " St"),
        (" Road", " Rd"),
        (" Avenue", " Ave"),
        (" Drive", " Dr"),
        (" Crescent", " Cres"),
        (" Terrace", " Terr"),
    ];
    pairs
        .iter()
        .fold(address.to_owned(), |line, (long, short)| {
            line.replace(long, short)
        })
}
