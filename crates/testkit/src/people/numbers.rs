//! CHI numbers and record numbers.

use std::collections::BTreeSet;

use rand::{Rng, RngExt as _};

use super::Sex;
use super::date::Date;

/// The CHI numbers given out so far.
#[derive(Default)]
pub(crate) struct Numbers {
    used: BTreeSet<u64>,
}

impl Numbers {
    /// A new CHI number: DDMMYY, two digits, one for sex, and a modulus 11 check digit; when a day's are
    /// used up, a modulus 10 one, as issued since 2026.
    pub(crate) fn chi(&mut self, born: Date, sex: Sex, rng: &mut impl Rng) -> String {
        let front = u64::from(born.day) * 10_000
            + u64::from(born.month) * 100
            + u64::try_from(born.year.rem_euclid(100)).unwrap_or(0);
        let start = rng.random_range(0..500_u64);
        for check in [modulus_11 as fn(u64) -> Option<u64>, modulus_10] {
            for step in 0..500 {
                let serial = (start + step) % 500;
                // The last digit of the three is odd for men.
                let serial = serial * 2 + u64::from(sex == Sex::Male);
                let nine = front * 1_000 + serial;
                if let Some(digit) = check(nine)
                    && self.used.insert(nine * 10 + digit)
                {
                    return format!("{:010}", nine * 10 + digit);
                }
            }
        }
        String::new()
    }
}

/// Check digit of nine digits; none where the rule gives 10.
fn modulus_11(nine: u64) -> Option<u64> {
    let mut rest = nine;
    let mut sum = 0;
    for weight in 2..=10 {
        sum += rest % 10 * weight;
        rest /= 10;
    }
    match 11 - sum % 11 {
        11 => Some(0),
        10 => None,
        digit => Some(digit),
    }
}

/// Luhn's check digit of nine digits.
fn modulus_10(nine: u64) -> Option<u64> {
    let mut rest = nine;
    let mut sum = 0;
    for place in 0..9 {
        let digit = rest % 10;
        rest /= 10;
        sum += match (place % 2, digit) {
            (0, 5..) => digit * 2 - 9,
            (0, _) => digit * 2,
            (_, _) => digit,
        };
    }
    Some((10 - sum % 10) % 10)
}

/// A record number of a delivery: 16 hexadecimal digits, whose decimal digits alone are never ten, so
/// that nothing could read a CHI or NHS number into it.
pub(crate) fn record(rng: &mut impl Rng) -> String {
    loop {
        let text = format!("{:016x}", rng.random::<u64>());
        if text.bytes().filter(u8::is_ascii_digit).count() != 10
            && text.bytes().any(|byte| byte.is_ascii_alphabetic())
        {
            return text;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn check_digits_by_hand() {
        // 010101123: 9+7+5+4+6+6 = 37, 37 mod 11 = 4, 7.
        assert_eq!(modulus_11(10_101_123), Some(7));
        // 401023213 is the NHS example, 7.
        assert_eq!(modulus_11(401_023_213), Some(7));
        assert_eq!(modulus_11(9_000), None);
        // Every second digit doubled from the right: 6+2+2+1+0+1+0+1+0 = 13, 7.
        assert_eq!(modulus_10(10_101_123), Some(7));
        // 8+3+2+1+0+1+0+1+0 = 16, 4.
        assert_eq!(modulus_10(10_101_134), Some(4));
    }

    #[test]
    fn a_day_gives_over_nine_hundred_numbers_and_then_none() {
        let mut rng = <rand_chacha::ChaCha8Rng as rand::SeedableRng>::seed_from_u64(1);
        let born = Date {
            year: 1985,
            month: 3,
            day: 7,
        };
        let mut numbers = Numbers::default();
        let given: Vec<String> = (0..1_000)
            .map(|_| numbers.chi(born, Sex::Female, &mut rng))
            .collect();
        let some = given.iter().filter(|chi| !chi.is_empty()).count();
        assert!((900..1_000).contains(&some), "{some}");
        assert_eq!(
            given
                .iter()
                .filter(|chi| !chi.is_empty())
                .collect::<BTreeSet<_>>()
                .len(),
            some
        );
        assert!(
            given
                .iter()
                .filter(|chi| !chi.is_empty())
                .all(|chi| chi.starts_with("070385"))
        );
    }
}
