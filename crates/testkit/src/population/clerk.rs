//! What the clerks write: the register with care, the delivery at the rates of its profile.

#![allow(
    clippy::indexing_slicing,
    reason = "places in a text or a table are drawn within its length"
)]

use std::fmt::Write as _;

use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

use super::name::Names;
use super::profile::Rates;
use super::{Person, number, place, tables};
use crate::people::{Date, REFERENCE_DATE, Sex};

/// Slips of the register, which is kept with care, in a thousand records: for each name, the postcode.
const REGISTER_SLIPS: u32 = 2;
/// Of a thousand people who moved, those whose move the register does not know yet.
const REGISTER_LATE: u32 = 120;

/// Writes rows; holds the buffers that they are put together in.
pub(super) struct Clerk<'a> {
    names: &'a Names,
    rng: ChaCha8Rng,
    forename: String,
    surname: String,
    postcode: String,
    address: String,
    other: String,
}

/// Of these values, the one that stands for none.
const NO_NAME: &[&str] = &["UNKNOWN", "Not Known", "BABY", "Test"];
const NO_POSTCODE: &[&str] = &["ZZ99 3VZ", "ZZ99 3CZ", "NF1 1XX"];

impl<'a> Clerk<'a> {
    pub(super) fn new(names: &'a Names, seed: u64) -> Self {
        Self {
            names,
            rng: ChaCha8Rng::seed_from_u64(seed ^ 0xC1E5_11C5),
            forename: String::new(),
            surname: String::new(),
            postcode: String::new(),
            address: String::new(),
            other: String::new(),
        }
    }

    fn chance(&mut self, of: f64) -> bool {
        self.rng.random_bool(of)
    }

    /// The row of a person after the id, with its line end.
    pub(super) fn register(&mut self, person: &Person, row: &mut Vec<u8>) {
        self.start(person);
        let late = person.home != person.old_home && self.in_thousand(REGISTER_LATE);
        self.live_at(if late { person.old_home } else { person.home });
        if self.in_thousand(REGISTER_SLIPS) {
            slip(&mut self.forename, &mut self.rng);
        }
        if self.in_thousand(REGISTER_SLIPS) {
            slip(&mut self.surname, &mut self.rng);
        }
        if self.in_thousand(REGISTER_SLIPS) {
            slip(&mut self.postcode, &mut self.rng);
        }
        row.clear();
        row.push(b',');
        if person.serial != number::NONE {
            let mut digits = [0; 10];
            number::write(Date::from_days(person.born), person.serial, &mut digits);
            row.extend_from_slice(&digits);
        }
        self.finish(Some(Date::from_days(person.born)), Some(person.sex), row);
    }

    /// As [`Clerk::register`], by a clerk of the delivery.
    pub(super) fn delivery(&mut self, person: &Person, rates: &Rates, row: &mut Vec<u8>) {
        self.start(person);
        self.spell_names(person, rates);
        let moved = person.home != person.old_home;
        let before = moved && self.chance(rates.old_home);
        self.live_at(if before { person.old_home } else { person.home });
        if self.chance(rates.postcode_typo) {
            slip(&mut self.postcode, &mut self.rng);
        }
        if self.chance(rates.address_other) {
            self.shorten_address();
        }
        self.leave_out(rates);
        row.clear();
        row.push(b',');
        self.chi(person, rates, row);
        let date = self.birth(person, rates);
        let sex = self.sex(person, rates);
        self.finish(date, sex, row);
        if self.chance(rates.capitals) {
            capitals(row);
        }
    }

    fn in_thousand(&mut self, of: u32) -> bool {
        self.rng.random_range(0..1000) < of
    }

    fn start(&mut self, person: &Person) {
        self.forename.clear();
        self.surname.clear();
        person.forename.write(&mut self.forename);
        person.surname.write(&mut self.surname);
    }

    fn live_at(&mut self, home: u32) {
        self.postcode.clear();
        self.address.clear();
        place::postcode(home, &mut self.postcode);
        place::address(home, &mut self.address);
    }

    fn spell_names(&mut self, person: &Person, rates: &Rates) {
        if person.born_as != person.surname && self.chance(rates.born_as) {
            self.surname.clear();
            person.born_as.write(&mut self.surname);
        }
        if self.chance(rates.nickname)
            && let Some((_, forms)) = tables::SHORT
                .iter()
                .find(|(name, _)| *name == self.forename)
        {
            self.forename.clear();
            let form = forms[self.rng.random_range(0..forms.len())];
            self.forename.push_str(form);
        }
        if self.chance(rates.initial) {
            let first = self.forename.chars().next().map_or(0, char::len_utf8);
            self.forename.truncate(first);
        } else if self.chance(rates.middle_name) {
            let year = Date::from_days(person.born).year;
            let middle = self.names.forename(person.sex, year, 0, &mut self.rng);
            self.forename.push(' ');
            middle.write(&mut self.forename);
        }
        if self.chance(rates.name_typo) {
            slip(&mut self.forename, &mut self.rng);
        }
        if self.chance(rates.name_typo) {
            slip(&mut self.surname, &mut self.rng);
        }
        if self.surname.contains('-') && self.in_thousand(300) {
            self.half_surname();
        }
        if self.chance(rates.names_exchanged) {
            std::mem::swap(&mut self.forename, &mut self.surname);
        }
    }

    /// Of a double surname one half, or both without the hyphen.
    fn half_surname(&mut self) {
        self.other.clear();
        if let Some((one, two)) = self.surname.split_once('-') {
            match self.rng.random_range(0..3) {
                0 => self.other.push_str(one),
                1 => self.other.push_str(two),
                _ => {
                    self.other.push_str(one);
                    self.other.push(' ');
                    self.other.push_str(two);
                }
            }
        }
        std::mem::swap(&mut self.surname, &mut self.other);
    }

    fn shorten_address(&mut self) {
        if self.in_thousand(120) {
            slip(&mut self.address, &mut self.rng);
            return;
        }
        for (long, short) in tables::STREET_SHORT {
            if let Some(front) = self.address.strip_suffix(long) {
                let front = front.len();
                self.address.truncate(front);
                self.address.push_str(short);
                return;
            }
        }
    }

    fn leave_out(&mut self, rates: &Rates) {
        if self.chance(rates.missing) {
            self.forename.clear();
        } else if self.chance(rates.stand_in) {
            self.forename.clear();
            let stand_in = NO_NAME[self.rng.random_range(0..NO_NAME.len())];
            self.forename.push_str(stand_in);
        }
        if self.chance(rates.missing) {
            self.postcode.clear();
        } else if self.chance(rates.stand_in) {
            self.postcode.clear();
            let stand_in = NO_POSTCODE[self.rng.random_range(0..NO_POSTCODE.len())];
            self.postcode.push_str(stand_in);
        }
        if self.chance(rates.missing) {
            self.address.clear();
        }
    }

    fn chi(&mut self, person: &Person, rates: &Rates, row: &mut Vec<u8>) {
        let missing = self.chance(rates.chi_missing);
        if missing || person.serial == number::NONE {
            return;
        }
        let mut digits = [0; 10];
        number::write(Date::from_days(person.born), person.serial, &mut digits);
        if self.chance(rates.chi_typo) {
            let at = self.rng.random_range(0..digits.len());
            digits[at] = b'0' + (digits[at] - b'0' + self.rng.random_range(1..10)) % 10;
        }
        row.extend_from_slice(&digits);
    }

    fn birth(&mut self, person: &Person, rates: &Rates) -> Option<Date> {
        let born = Date::from_days(person.born);
        if self.chance(rates.missing) {
            return None;
        }
        if self.chance(rates.date_default) {
            let (month, day) = (1, 1);
            return Some(Date { month, day, ..born });
        }
        if self.chance(rates.date_exchanged) && born.day <= 12 {
            let (month, day) = (born.day, born.month);
            return Some(Date { month, day, ..born });
        }
        if !self.chance(rates.date_typo) {
            return Some(born);
        }
        // Kept on the calendar and before today, as a form would insist.
        let mut wrong = born;
        match self.rng.random_range(0..5) {
            0 => wrong.day = other_digit(born.day, 28, &mut self.rng),
            1 => {
                wrong.month = other_digit(born.month, 12, &mut self.rng);
                wrong.day = born.day.min(28);
            }
            2 => (wrong.year, wrong.day) = (born.year - 10, born.day.min(28)),
            3 => (wrong.year, wrong.day) = (born.year - 1, born.day.min(28)),
            _ => (wrong.year, wrong.day) = (born.year + 1, born.day.min(28)),
        }
        Some(wrong.min(REFERENCE_DATE))
    }

    fn sex(&mut self, person: &Person, rates: &Rates) -> Option<Sex> {
        if self.chance(rates.missing) {
            return None;
        }
        match (person.sex, self.chance(rates.sex_wrong)) {
            (Sex::Female, false) | (Sex::Male, true) => Some(Sex::Female),
            (Sex::Male, false) | (Sex::Female, true) => Some(Sex::Male),
        }
    }

    fn finish(&mut self, date: Option<Date>, sex: Option<Sex>, row: &mut Vec<u8>) {
        row.push(b',');
        row.extend_from_slice(self.forename.as_bytes());
        row.push(b',');
        row.extend_from_slice(self.surname.as_bytes());
        row.push(b',');
        if let Some(date) = date {
            self.other.clear();
            // Writing to a string cannot fail.
            let _ = write!(self.other, "{date}");
            row.extend_from_slice(self.other.as_bytes());
        }
        row.push(b',');
        row.extend_from_slice(sex.map_or("", Sex::letter).as_bytes());
        row.push(b',');
        row.extend_from_slice(self.postcode.as_bytes());
        row.push(b',');
        row.extend_from_slice(self.address.as_bytes());
        row.push(b'\n');
    }
}

/// Another number from 1 to `most`, one digit apart.
fn other_digit(of: u8, most: u8, rng: &mut ChaCha8Rng) -> u8 {
    let to = match rng.random_range(0..3) {
        0 => of + 1,
        1 => of.saturating_sub(1),
        _ => of / 10 * 10 + rng.random_range(0..10),
    };
    to.clamp(1, most)
}

/// Letters outside ASCII stay, as on an old keyboard.
fn capitals(row: &mut [u8]) {
    row.make_ascii_uppercase();
}

/// One slip of the hand, the ear or the eye.
fn slip(text: &mut String, rng: &mut ChaCha8Rng) {
    if rng.random_range(0..4) == 0 && heard(text, rng) {
        return;
    }
    // Letters outside ASCII are left alone.
    let places: Vec<usize> = text
        .bytes()
        .enumerate()
        .filter(|(_, byte)| byte.is_ascii_alphanumeric())
        .map(|(at, _)| at)
        .collect();
    if places.len() < 2 {
        return;
    }
    let nth = rng.random_range(0..places.len());
    let at = places[nth];
    match rng.random_range(0..6) {
        // Exchanged with the next.
        0 => {
            let one = places[nth.min(places.len() - 2)];
            let two = places[nth.min(places.len() - 2) + 1];
            let (a, b) = (text.as_bytes()[one], text.as_bytes()[two]);
            text.replace_range(one..=one, &char::from(b).to_string());
            text.replace_range(two..=two, &char::from(a).to_string());
        }
        1 => {
            text.remove(at);
        }
        2 => text.insert(at, char::from(text.as_bytes()[at])),
        3 => text.insert(at, beside(text.as_bytes()[at], rng)),
        _ => {
            let wrong = beside(text.as_bytes()[at], rng);
            text.replace_range(at..=at, &wrong.to_string());
        }
    }
}

/// Written as heard; says whether there was a sound to hear otherwise.
fn heard(text: &mut String, rng: &mut ChaCha8Rng) -> bool {
    let first = rng.random_range(0..tables::SOUNDS.len());
    for step in 0..tables::SOUNDS.len() {
        let (sound, other) = tables::SOUNDS[(first + step) % tables::SOUNDS.len()];
        if let Some(at) = text.find(sound) {
            text.replace_range(at..at + sound.len(), other);
            return true;
        }
    }
    false
}

/// The key beside a key.
fn beside(key: u8, rng: &mut ChaCha8Rng) -> char {
    if key.is_ascii_digit() {
        return char::from(b'0' + rng.random_range(0..10_u8));
    }
    let small = key.to_ascii_lowercase();
    let Some((_, keys)) = tables::NEIGHBOURS.iter().find(|(of, _)| *of == small) else {
        return char::from(key);
    };
    let wrong = keys[rng.random_range(0..keys.len())];
    let wrong = if key.is_ascii_uppercase() {
        wrong.to_ascii_uppercase()
    } else {
        wrong
    };
    char::from(wrong)
}
