//! Homes: a number of a home gives its street, postcode and door, without a table.

#![allow(
    clippy::indexing_slicing,
    reason = "places in the tables are drawn within their lengths"
)]

use std::fmt::Write as _;

use super::tables;

/// Homes of one street.
const HOMES: u32 = 14;

/// Well mixed bits of a number (Steele, Lea and Flood, SplitMix64).
fn mixed(number: u64) -> u64 {
    let mut z = number.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// The postcode of a home.
pub(super) fn postcode(home: u32, out: &mut String) {
    let bits = mixed(u64::from(home / HOMES));
    let mut at = bits % 1000;
    let mut area = tables::AREAS[0];
    for candidate in tables::AREAS {
        area = *candidate;
        if at < candidate.2 {
            break;
        }
        at -= candidate.2;
    }
    let letter = |bits: u64| {
        char::from(tables::UNIT_LETTERS[(bits % tables::UNIT_LETTERS.len() as u64) as usize])
    };
    // Writing to a string cannot fail.
    let _ = write!(
        out,
        "{}{} {}{}{}",
        area.0,
        (bits >> 12) % area.1 + 1,
        (bits >> 24) % 10,
        letter(bits >> 30),
        letter(bits >> 40)
    );
}

/// The address line of a home.
pub(super) fn address(home: u32, out: &mut String) {
    let bits = mixed(u64::from(home / HOMES) ^ 0x5EED << 40);
    let (names, kinds) = tables::STREETS;
    let name = names[(bits % names.len() as u64) as usize];
    let kind = kinds[((bits >> 20) % kinds.len() as u64) as usize];
    let door = home % HOMES;
    let first = (bits >> 32) % 90 + 1;
    // Writing to a string cannot fail.
    let _ = if (bits >> 50).is_multiple_of(4) {
        write!(out, "{}/{} {first} {name} {kind}", door / 2, door % 2 + 1)
    } else {
        write!(out, "{} {name} {kind}", first + u64::from(door) * 2)
    };
}
