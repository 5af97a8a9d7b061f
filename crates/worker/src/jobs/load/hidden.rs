//! Finding identifiers that have no place in a payload.
//!
//! By name: a column called `chi` or `surname` is refused whatever it holds. By content: a number counts
//! when a run of ten digits in a value (also written 6+4 or 3+3+4, and nine digits in a column of integers
//! or of whole numbers, which lost a leading zero) passes the check of a CHI or an NHS number.
//!
//! A check digit alone is weak evidence. Of random ten-digit numbers about 0.7 % pass as a CHI number (a
//! day and month in front, either check digit) and 9 % as an NHS number; of real ones, nearly all do. So a
//! column is refused when at least 3 values pass as CHI and they are at least 5 % of those with ten digits,
//! or when at least 3 pass as NHS and they are at least half. Shares are of the ten-digit values and not
//! of all: a few CHI numbers in a column of free text are found too. A column of random ten-digit numbers
//! is refused wrongly about once in a hundred times; numbering events with eight digits or a letter
//! in front avoids it.

use frames::{FrameError, Strings};

use super::values;

/// Values that must pass before a column is refused.
const HITS_MIN: u64 = 3;

/// Names of columns that identify a person, letters and digits only.
const NAMES: [&str; 32] = [
    "address",
    "address1",
    "address2",
    "addressline1",
    "addressline2",
    "chi",
    "chino",
    "chinumber",
    "email",
    "emailaddress",
    "familyname",
    "firstname",
    "forename",
    "fullname",
    "givenname",
    "lastname",
    "mobile",
    "name",
    "nationalinsurancenumber",
    "nhs",
    "nhsno",
    "nhsnumber",
    "nino",
    "patientaddress",
    "patientchi",
    "patientname",
    "phone",
    "phonenumber",
    "surname",
    "telephone",
    "uprn",
    "upi",
];

/// Refuses a column whose name says that it identifies a person.
pub(super) fn check_name(name: &str) -> Result<(), FrameError> {
    let plain: String = name
        .chars()
        .filter(|c| c.is_ascii_alphanumeric())
        .map(|c| c.to_ascii_lowercase())
        .collect();
    if NAMES.contains(&plain.as_str()) {
        return Err(FrameError::column(
            name,
            "is named like an identifier: identifiers are delivered apart from the payload",
        ));
    }
    Ok(())
}

/// Whether nine digits may be ten whose leading zero was lost.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum LeadingZero {
    /// Text keeps its zeros.
    Kept,
    /// Numbers lose them.
    Lost,
}

/// Refuses a column in which values pass as CHI or NHS numbers.
pub(super) fn check_values(
    name: &str,
    cells: &Strings,
    zero: LeadingZero,
) -> Result<(), FrameError> {
    let (mut shaped, mut chi, mut nhs) = (0_u64, 0_u64, 0_u64);
    for cell in cells.iter().flatten() {
        let numbers = ten_digits(cell, zero);
        shaped += u64::from(!numbers.is_empty());
        chi += u64::from(numbers.iter().any(|number| linkage::is_valid_chi(number)));
        nhs += u64::from(
            numbers
                .iter()
                .any(|number| linkage::is_valid_nhs_number(number)),
        );
    }
    let what = if chi >= HITS_MIN && chi * 20 >= shaped {
        "holds values that are valid CHI numbers"
    } else if nhs >= HITS_MIN && nhs * 2 >= shaped {
        "holds values that are valid NHS numbers"
    } else {
        return Ok(());
    };
    Err(FrameError::column(name, what))
}

/// The same for a column of numbers. Only whole ones can be identifiers: programs that know no missing
/// integer write `101500017` as `101500017.0` or `1.01500017e8`.
pub(super) fn check_numbers(name: &str, cells: &Strings) -> Result<(), FrameError> {
    let mut whole = Strings::new();
    for number in cells.iter().flatten().filter_map(values::number) {
        if number.fract() == 0.0 && (0.0..1e10).contains(&number) {
            whole.push(&format!("{number:.0}"))?;
        }
    }
    check_values(name, &whole, LeadingZero::Lost)
}

/// Runs of exactly ten digits in a text, also where single spaces or hyphens part them 6+4 or 3+3+4.
fn ten_digits(text: &str, zero: LeadingZero) -> Vec<String> {
    let mut runs: Vec<(usize, &str)> = Vec::new();
    let mut start = None;
    for (index, byte) in text.bytes().chain([b'|']).enumerate() {
        match (byte.is_ascii_digit(), start) {
            (true, None) => start = Some(index),
            (false, Some(first)) => {
                runs.extend(text.get(first..index).map(|run| (first, run)));
                start = None;
            }
            (true, Some(_)) | (false, None) => {}
        }
    }
    let mut found: Vec<String> = Vec::new();
    for (index, (_, run)) in runs.iter().enumerate() {
        match run.len() {
            10 => found.push((*run).to_owned()),
            9 if zero == LeadingZero::Lost => found.push(format!("0{run}")),
            6 => found.extend(joined(text, &runs, index, &[6, 4])),
            3 => found.extend(joined(text, &runs, index, &[3, 3, 4])),
            _ => {}
        }
    }
    found
}

fn joined(text: &str, runs: &[(usize, &str)], from: usize, lengths: &[usize]) -> Option<String> {
    let parts = runs.get(from..from + lengths.len())?;
    if !parts
        .iter()
        .zip(lengths)
        .all(|((_, run), length)| run.len() == *length)
    {
        return None;
    }
    for pair in parts.windows(2) {
        let [(first, run), (second, _)] = pair else {
            return None;
        };
        if !matches!(text.get(first + run.len()..*second), Some(" " | "-")) {
            return None;
        }
    }
    Some(parts.iter().map(|(_, run)| *run).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(cells: &[String], zero: LeadingZero) -> Option<String> {
        let cells = Strings::of(cells.iter().map(|c| Some(c.as_str()))).unwrap();
        check_values("c", &cells, zero).err().map(|e| e.message)
    }

    /// Numbers that pass, by search: born on the first days of 1950.
    fn numbers(passes: fn(&str) -> bool, from: u64, count: usize) -> Vec<String> {
        (from..)
            .map(|n| format!("{n:010}"))
            .filter(|n| passes(n))
            .take(count)
            .collect()
    }

    #[test]
    fn chi_numbers_are_found_in_every_dress() {
        let chi = numbers(linkage::is_valid_chi, 101_500_001, 5);
        let said = Some("column c holds values that are valid CHI numbers".to_owned());
        assert_eq!(refused(&chi, LeadingZero::Kept), said);
        assert_eq!(
            refused(&chi[..2], LeadingZero::Kept),
            None,
            "two may be chance"
        );
        let spaced: Vec<String> = chi
            .iter()
            .map(|n| format!("{} {}", &n[..6], &n[6..]))
            .collect();
        assert_eq!(refused(&spaced, LeadingZero::Kept), said);
        let told: Vec<String> = chi
            .iter()
            .map(|n| format!("seen again, CHI {n}."))
            .collect();
        assert_eq!(refused(&told, LeadingZero::Kept), said);
        let short: Vec<String> = chi.iter().map(|n| n[1..].to_owned()).collect();
        assert_eq!(refused(&short, LeadingZero::Lost), said);
        assert_eq!(refused(&short, LeadingZero::Kept), None);
        let mut hidden: Vec<String> = (0..10_000).map(|n| format!("note {n}")).collect();
        hidden.extend(chi);
        assert_eq!(
            refused(&hidden, LeadingZero::Kept),
            said,
            "a few in much free text"
        );
    }

    #[test]
    fn nhs_numbers_are_found() {
        let nhs = numbers(linkage::is_valid_nhs_number, 4_900_000_000, 6);
        let said = Some("column c holds values that are valid NHS numbers".to_owned());
        assert_eq!(refused(&nhs, LeadingZero::Kept), said);
        let spaced: Vec<String> = nhs
            .iter()
            .map(|n| format!("{} {} {}", &n[..3], &n[3..6], &n[6..]))
            .collect();
        assert_eq!(refused(&spaced, LeadingZero::Kept), said);
    }

    #[test]
    fn chi_numbers_are_found_among_numbers() {
        let refused = |cells: &[String]| {
            let cells = Strings::of(cells.iter().map(|c| Some(c.as_str()))).unwrap();
            check_numbers("c", &cells).err().map(|e| e.message)
        };
        let said = Some("column c holds values that are valid CHI numbers".to_owned());
        // The first three lose their leading zero, the others have none.
        let mut chi = numbers(linkage::is_valid_chi, 101_500_001, 3);
        chi.extend(numbers(linkage::is_valid_chi, 1_101_500_001, 3));
        let as_number = |form: fn(f64) -> String| -> Vec<String> {
            chi.iter().map(|n| form(n.parse().unwrap())).collect()
        };
        assert_eq!(refused(&as_number(|n| format!("{n}"))), said);
        assert_eq!(refused(&as_number(|n| format!("{n:.1}"))), said);
        assert_eq!(refused(&as_number(|n| format!("{n:e}"))), said);
        // Ten digits before or behind the point are no identifier.
        assert_eq!(refused(&as_number(|n| format!("{}", n + 0.5))), None);
        assert_eq!(refused(&as_number(|n| format!("{:.10}", n / 1e10))), None);
        assert_eq!(refused(&as_number(|n| format!("-{n}"))), None);
    }

    #[test]
    fn numbers_that_only_look_alike_pass() {
        // A full-period sequence over ten digits, evenly spread: chance alone decides.
        let mut state = 12_345_u64;
        let spread: Vec<String> = (0..20_000)
            .map(|_| {
                state = state
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1_442_695_040_888_963_407);
                format!("{:010}", (state >> 20) % 10_000_000_000)
            })
            .collect();
        assert_eq!(refused(&spread, LeadingZero::Kept), None);
        let times: Vec<String> = (0..5_000)
            .map(|n| format!("{}", 1_600_000_000 + n * 61))
            .collect();
        assert_eq!(refused(&times, LeadingZero::Kept), None);
        let eleven = numbers(linkage::is_valid_chi, 101_500_001, 5);
        let eleven: Vec<String> = eleven.iter().map(|n| format!("{n}7")).collect();
        assert_eq!(refused(&eleven, LeadingZero::Kept), None);
    }

    #[test]
    fn names_of_identifiers_are_refused() {
        for name in [
            "chi",
            "CHI_Number",
            "nhs_number",
            "Surname",
            "patient chi",
            "UPRN",
        ] {
            assert!(check_name(name).is_err(), "{name}");
        }
        for name in ["chi_square", "stay", "nhs_board", "admission", "age"] {
            assert!(check_name(name).is_ok(), "{name}");
        }
    }
}
