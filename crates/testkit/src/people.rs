//! A seeded made-up population: households, twins, namesakes, moves, and what a provider's clerks make of it.
//!
//! Names are common in Scotland, their frequencies are invented; places and postcodes are invented. Nobody
//! here exists. The same arguments give the same bytes.

mod date;
mod delivery;
pub mod episodes;
mod homes;
mod households;
mod names;
mod numbers;
pub(crate) mod pick;
mod tables;

use std::fmt::Write as _;

use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

pub use date::Date;
pub use delivery::{Delivery, ErrorProfile, Held};
pub use homes::Home;

/// Sex as an identifier file writes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sex {
    /// Written `F`; an even ninth digit of the CHI number.
    Female,
    /// Written `M`; an odd ninth digit.
    Male,
}

impl Sex {
    /// The letter in a file.
    #[must_use]
    pub const fn letter(self) -> &'static str {
        match self {
            Self::Female => "F",
            Self::Male => "M",
        }
    }
}

/// What is known of a person before one is made up around it, for payload that exists already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PersonHint {
    /// Sex, if known.
    pub sex: Option<Sex>,
    /// Lowest and highest age in whole years on the reference date, if known.
    pub age_band: Option<(u8, u8)>,
}

/// A made-up person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// Number on the spine: `S` and nine digits.
    pub spine_id: String,
    /// CHI number that fits birth date and sex. Empty only if over 900 people of one sex share a birthday.
    pub chi: String,
    /// Forename in the register.
    pub forename: String,
    /// Surname in the register.
    pub surname: String,
    /// Surname before marriage, where it changed.
    pub birth_surname: Option<String>,
    /// Birth date.
    pub date_of_birth: Date,
    /// Sex.
    pub sex: Sex,
    /// Where the person lives.
    pub home: Home,
    /// Where the person lived before, if they moved.
    pub previous_home: Option<Home>,
    /// Number of the household.
    pub household: u32,
    /// Index of the twin.
    pub twin: Option<usize>,
}

impl Person {
    /// Age in whole years on a date; 0 before birth.
    #[must_use]
    pub fn age_on(&self, date: Date) -> u8 {
        date::age(self.date_of_birth, date)
    }
}

/// A made-up population.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Population {
    /// The people; an index into this is a person everywhere in this module.
    pub people: Vec<Person>,
    /// The day on which ages are counted and the register was drawn up.
    pub reference_date: Date,
}

/// Makes populations.
#[derive(Debug, Clone, Copy)]
pub struct People;

/// The day that [`People::generate`] counts ages on.
pub const REFERENCE_DATE: Date = Date {
    year: 2026,
    month: 6,
    day: 30,
};

impl People {
    /// `n` people of both sexes and all ages on [`REFERENCE_DATE`].
    #[must_use]
    pub fn generate(n: usize, seed: u64) -> Population {
        Self::generate_for(&vec![PersonHint::default(); n], REFERENCE_DATE, seed)
    }

    /// One person for each hint, in the same order. An age band written backwards is read forwards.
    #[must_use]
    pub fn generate_for(hints: &[PersonHint], reference_date: Date, seed: u64) -> Population {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut drafts: Vec<Draft> = hints
            .iter()
            .map(|hint| Draft::new(*hint, reference_date, &mut rng))
            .collect();
        let households = households::form(&mut drafts, &mut rng);
        names::give(&mut drafts, &households, &mut rng);
        homes::give(&mut drafts, &households, &mut rng);
        let mut numbers = numbers::Numbers::default();
        let people = drafts
            .into_iter()
            .enumerate()
            .map(|(index, draft)| {
                let chi = numbers.chi(draft.date_of_birth, draft.sex, &mut rng);
                draft.person(index, chi)
            })
            .collect();
        Population {
            people,
            reference_date,
        }
    }
}

/// Columns of [`Population::register_rows`] and of a delivery of identifiers.
pub const IDENTIFIER_HEADER: &str =
    "record,chi,forename,surname,date_of_birth,sex,postcode,address_1\n";

impl Population {
    /// The spine: CSV with [`IDENTIFIER_HEADER`], the record being the spine number, without errors.
    #[must_use]
    pub fn register_rows(&self) -> String {
        let mut csv = String::with_capacity(100 * self.people.len() + 100);
        csv.push_str(IDENTIFIER_HEADER);
        for person in &self.people {
            // Writing to a string cannot fail.
            let _ = writeln!(
                csv,
                "{},{},{},{},{},{},{},{}",
                person.spine_id,
                person.chi,
                person.forename,
                person.surname,
                person.date_of_birth,
                person.sex.letter(),
                person.home.postcode,
                person.home.address_1
            );
        }
        csv
    }
}

/// A person being made up.
pub(crate) struct Draft {
    sex: Sex,
    age: u8,
    date_of_birth: Date,
    forename: String,
    surname: String,
    birth_surname: Option<String>,
    home: Home,
    previous_home: Option<Home>,
    household: u32,
    twin: Option<usize>,
}

impl Draft {
    fn new(hint: PersonHint, reference_date: Date, rng: &mut ChaCha8Rng) -> Self {
        let sex = hint.sex.unwrap_or_else(|| {
            if rng.random_bool(0.512) {
                Sex::Female
            } else {
                Sex::Male
            }
        });
        let (low, high) = hint.age_band.unwrap_or_else(|| tables::age_band(rng));
        let age = rng.random_range(low.min(high)..=low.max(high)).min(110);
        let (first, last) = date::births_of_age(age, reference_date);
        Self {
            sex,
            age,
            date_of_birth: Date::from_days(rng.random_range(first..=last)),
            forename: String::new(),
            surname: String::new(),
            birth_surname: None,
            home: Home::default(),
            previous_home: None,
            household: 0,
            twin: None,
        }
    }

    fn person(self, index: usize, chi: String) -> Person {
        Person {
            spine_id: format!("S{:09}", index + 1),
            chi,
            forename: self.forename,
            surname: self.surname,
            birth_surname: self.birth_surname,
            date_of_birth: self.date_of_birth,
            sex: self.sex,
            home: self.home,
            previous_home: self.previous_home,
            household: self.household,
            twin: self.twin,
        }
    }
}

#[cfg(test)]
mod tests;
