//! CHI numbers: birth date, a serial whose last digit is odd for men, a check digit (modulus 11).

#![allow(clippy::indexing_slicing, reason = "ten digits are written in place")]

use std::collections::HashMap;

use crate::people::{Date, Sex};

/// A serial that says that there is no number.
pub(super) const NONE: u16 = u16::MAX;

/// Gives each birth date and sex its serials once.
#[derive(Default)]
pub(super) struct Numbers {
    given: HashMap<(u32, bool), u16>,
}

impl Numbers {
    /// The last four digits of a fresh number, or [`NONE`] if the birth date has no more.
    pub(super) fn give(&mut self, born: Date, sex: Sex) -> u16 {
        let date = six(born);
        let given = self.given.entry((date, sex == Sex::Male)).or_insert(0);
        while *given < 500 {
            // 271 has no divisor in common with 500, so that each serial comes once.
            let serial = (u32::from(*given) * 271 + 83) % 500 * 2 + u32::from(sex == Sex::Male);
            let serial = serial as u16;
            *given += 1;
            if let Some(check) = check_digit(date, serial) {
                return serial * 10 + check;
            }
        }
        NONE
    }
}

/// Writes all ten digits.
pub(super) fn write(born: Date, serial: u16, out: &mut [u8; 10]) {
    let mut rest = u64::from(six(born)) * 10_000 + u64::from(serial);
    for digit in out.iter_mut().rev() {
        *digit = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
}

/// Day, month and year of the century.
fn six(born: Date) -> u32 {
    (u32::from(born.day) * 100 + u32::from(born.month)) * 100 + born.year.rem_euclid(100) as u32
}

/// The tenth digit; none where the rule gives 10.
fn check_digit(date: u32, serial: u16) -> Option<u16> {
    let mut rest = u64::from(date) * 1_000 + u64::from(serial);
    let mut sum = 0;
    for weight in 2..=10 {
        sum += rest % 10 * weight;
        rest /= 10;
    }
    match 11 - sum % 11 {
        11 => Some(0),
        10 => None,
        digit => Some(digit as u16),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_birth_date_gives_each_of_its_serials_once_and_then_none() {
        let born = Date {
            year: 1980,
            month: 3,
            day: 7,
        };
        let mut numbers = Numbers::default();
        let mut given: Vec<u16> = (0..500).map(|_| numbers.give(born, Sex::Female)).collect();
        given.retain(|serial| *serial != NONE);
        // About one in eleven has no check digit.
        assert!(given.len() > 440, "{}", given.len());
        assert!(given.iter().all(|serial| serial / 10 % 2 == 0));
        given.sort_unstable();
        given.dedup();
        assert!(given.len() > 440, "each once");
    }
}
