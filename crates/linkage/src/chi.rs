//! Check digits of the CHI number (Scotland) and the NHS number (England, Wales, Isle of Man).
//!
//! Both are ten digits, the tenth being a check digit. Modulus 11 (NHS Data Dictionary, "NHS NUMBER"):
//! weigh the first nine digits 10, 9, …, 2, add, take the remainder by 11 from 11; 11 stands for 0, and
//! 10 is never issued. A CHI begins with the birth date as DDMMYY and its ninth digit is odd for men.
//! Modulus 11 numbers run out for some dates, so since 2026 a CHI may carry a modulus 10 (Luhn) check
//! digit instead; Public Health Scotland's own checker accepts either, and so does this one.

use crate::standardise;

/// True if `text` is a CHI number: ten digits (spaces and hyphens between them are passed over), a real
/// day and month in front, and a right check digit by modulus 11 or, as issued since 2026, modulus 10.
#[must_use]
pub fn is_valid_chi(text: &str) -> bool {
    ten_digits(text).is_some_and(|digits| valid_chi_digits(&digits))
}

/// True if `text` is an NHS number: ten digits (spaces and hyphens passed over), not one digit ten
/// times over, with a right modulus 11 check digit.
#[must_use]
pub fn is_valid_nhs_number(text: &str) -> bool {
    ten_digits(text).is_some_and(|digits| {
        let first = digits[0];
        digits.iter().any(|digit| *digit != first) && modulus_11(&digits)
    })
}

/// As [`is_valid_chi`], for a number already read (a leading zero is implied by its size).
pub(crate) fn is_valid_chi_number(number: u64) -> bool {
    digits_of(number).is_some_and(|digits| valid_chi_digits(&digits))
}

/// Ten digits, or nine where a spreadsheet ate the leading zero, as a number. No check digit is tried.
pub(crate) fn number(text: &str) -> Option<u64> {
    let mut value = 0_u64;
    let mut count = 0_usize;
    for character in text.trim().chars() {
        match character {
            ' ' | '-' => {}
            _ => {
                value = value
                    .checked_mul(10)?
                    .checked_add(u64::from(character.to_digit(10)?))?;
                count += 1;
            }
        }
    }
    (count == 9 || count == 10).then_some(value)
}

/// True if the two numbers differ in one digit, or in two neighbours that changed places.
pub(crate) fn one_edit(left: u64, right: u64) -> bool {
    match (digits_of(left), digits_of(right)) {
        (Some(left), Some(right)) => one_edit_digits(&left, &right),
        (None, _) | (_, None) => false,
    }
}

/// One substitution, or two neighbouring digits exchanged, in two strings of one length.
pub(crate) fn one_edit_digits(left: &[u8], right: &[u8]) -> bool {
    let mut differing = left
        .iter()
        .zip(right)
        .enumerate()
        .filter(|(_, (a, b))| a != b)
        .map(|(place, (a, b))| (place, *a, *b));
    match (differing.next(), differing.next(), differing.next()) {
        (Some(_), None, _) => true,
        (Some((first, a, b)), Some((second, c, d)), None) => {
            second == first + 1 && a == d && b == c
        }
        (None, _, _) | (Some(_), Some(_), Some(_)) => false,
    }
}

fn ten_digits(text: &str) -> Option<[u8; 10]> {
    let mut digits = [0_u8; 10];
    let mut count = 0_usize;
    for character in text.trim().chars() {
        if character == ' ' || character == '-' {
            continue;
        }
        let digit = u8::try_from(character.to_digit(10)?).ok()?;
        *digits.get_mut(count)? = digit;
        count += 1;
    }
    (count == 10).then_some(digits)
}

fn digits_of(mut number: u64) -> Option<[u8; 10]> {
    let mut digits = [0_u8; 10];
    for digit in digits.iter_mut().rev() {
        *digit = u8::try_from(number % 10).ok()?;
        number /= 10;
    }
    (number == 0).then_some(digits)
}

fn valid_chi_digits(digits: &[u8; 10]) -> bool {
    let [d1, d2, m1, m2, y1, y2, ..] = digits.map(u32::from);
    let (day, month, year) = (d1 * 10 + d2, m1 * 10 + m2, y1 * 10 + y2);
    // The century is not in the number; 29 February passes if either century has it.
    let real = standardise::is_real_date(1900 + year, month, day)
        || standardise::is_real_date(2000 + year, month, day);
    real && (modulus_11(digits) || modulus_10(digits))
}

fn modulus_11(digits: &[u8; 10]) -> bool {
    let sum: u32 = digits
        .iter()
        .take(9)
        .zip((2..=10).rev())
        .map(|(digit, weight)| u32::from(*digit) * weight)
        .sum();
    let check = match 11 - sum % 11 {
        11 => 0,
        other => other,
    };
    // A check of 10 equals no digit, so such a number never passes.
    check == u32::from(digits[9])
}

fn modulus_10(digits: &[u8; 10]) -> bool {
    let sum: u32 = digits
        .iter()
        .take(9)
        .enumerate()
        .map(|(place, digit)| {
            let doubled = u32::from(*digit) * if place % 2 == 0 { 2 } else { 1 };
            if doubled > 9 { doubled - 9 } else { doubled }
        })
        .sum();
    (10 - sum % 10) % 10 == u32::from(digits[9])
}

#[cfg(test)]
mod tests;
