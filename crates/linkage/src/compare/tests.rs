use super::*;
use crate::column::{Records, Role};
use crate::prepared::prepare;
use crate::settings::Settings;
use proptest::prelude::*;

fn record(fields: &[(Role, &str)]) -> Records {
    Records {
        ids: vec![0],
        columns: fields
            .iter()
            .map(|(role, value)| (*role, [Some(*value)].into_iter().collect()))
            .collect(),
    }
}

/// The labels of the levels of a pair, in order; missing comparisons are left out.
fn labels(left: &[(Role, &str)], right: &[(Role, &str)]) -> String {
    let prepared = prepare(&record(left), &record(right), &Settings::standard()).unwrap();
    let pattern = Comparer::new(&prepared).pattern(&prepared.left, 0, &prepared.spine, 0);
    Comparison::ALL
        .iter()
        .filter_map(|comparison| {
            let level = pattern.level(*comparison)?;
            Some(comparison.levels()[usize::from(level)].label)
        })
        .collect::<Vec<_>>()
        .join("; ")
}

fn check(role: Role, left: &str, right: &str, label: &str) {
    assert_eq!(
        labels(&[(role, left)], &[(role, right)]),
        label,
        "{left} {right}"
    );
}

#[test]
fn forenames_have_seven_levels_of_their_own() {
    check(Role::Forename, "Ann", "ANN", "exact");
    check(Role::Forename, "Bob", "Robert", "variant");
    check(Role::Forename, "MARTHA", "MARHTA", "jaro-winkler 0.92");
    check(Role::Forename, "DWAYNE", "DUANE", "jaro-winkler 0.7");
    check(Role::Forename, "J", "Jonas", "initial");
    check(Role::Forename, "Angus", "Morven", "differs");
    check(Role::Forename, "Angus", "BABY", "");
}

#[test]
fn exchanged_names_are_one_level_and_count_once() {
    let left = [(Role::Forename, "Scott"), (Role::Surname, "Lewis")];
    let right = [(Role::Forename, "Lewis"), (Role::Surname, "Scott")];
    assert_eq!(labels(&left, &right), "exchanged with surname");
    let same = [(Role::Forename, "Scott"), (Role::Surname, "Scott")];
    assert_eq!(labels(&same, &same), "exact; exact");
}

#[test]
fn dates_of_birth() {
    let check = |left, right, label| check(Role::DateOfBirth, left, right, label);
    check("1985-03-07", "1985-03-07", "exact");
    check("1985-03-07", "1985-07-03", "one edit");
    check("1985-03-07", "1985-03-08", "one edit");
    check("1985-03-07", "1958-03-07", "one edit");
    check("1985-03-07", "1985-03-21", "same year and month");
    check(
        "1985-03-07",
        "1985-11-21",
        "same year, or same day and month",
    );
    check(
        "1985-03-07",
        "1972-03-07",
        "same year, or same day and month",
    );
    check("1985-03-07", "1972-11-21", "differs");
    check("1985-03-07", "1900-01-01", "");
}

#[test]
fn residences() {
    let home = |postcode, address| [(Role::Postcode, postcode), (Role::Address1, address)];
    let check = |other: &[(Role, &str)], label: &str| {
        assert_eq!(labels(&home("EH1 3EG", "12 High Street"), other), label);
    };
    check(&home("EH13EG", "12 High St"), "postcode and address");
    check(&home("EH13EG", "12 Hihg St"), "postcode and address");
    check(&home("EH13EG", "14 High St"), "postcode, address differs");
    check(&[(Role::Postcode, "EH1 3EG")], "postcode, address missing");
    check(&home("EH1 3QR", "12 High St"), "sector");
    check(&home("EH1 9QR", "12 High St"), "district");
    check(&home("G1 9QR", "12 High St"), "differs");
    check(&[(Role::Address1, "12 High St")], "");
}

#[test]
fn numbers() {
    check(Role::Chi, "0101011237", "010101 1237", "exact");
    check(Role::Chi, "0101011237", "0101011273", "one edit");
    check(Role::Chi, "0101011237", "1234567890", "differs");
    check(Role::Telephone, "+44 131 496 0000", "0131 4960000", "exact");
}

#[test]
fn every_prior_adds_to_one() {
    for comparison in Comparison::ALL {
        let levels = comparison.levels();
        assert!(levels.len() <= LEVELS_MAX);
        let sum = |share: fn(&Level) -> f64| levels.iter().map(share).sum::<f64>();
        assert!(
            (sum(|level| level.m) - 1.0).abs() < 1e-3,
            "{}",
            comparison.name()
        );
        assert!(
            (sum(|level| level.u) - 1.0).abs() < 1e-3,
            "{}",
            comparison.name()
        );
    }
}

proptest! {
    #[test]
    fn a_pattern_gives_back_its_levels(levels in proptest::collection::vec(proptest::option::of(0_u8..8), COMPARISONS)) {
        let mut pattern = Pattern::default();
        for (comparison, level) in Comparison::ALL.iter().zip(&levels) {
            pattern = pattern.with(*comparison, *level);
        }
        for (comparison, level) in Comparison::ALL.iter().zip(&levels) {
            prop_assert_eq!(pattern.level(*comparison), *level);
        }
    }

    #[test]
    fn the_memory_never_changes_an_answer(pairs in proptest::collection::vec((1_u32..40, 1_u32..40), 0..300)) {
        let slow = |left: u32, right: u32| ((left * 7 + right) % 5) as u8;
        let mut memo = Memo::new();
        for (left, right) in pairs {
            prop_assert_eq!(memo.get(left, right, || slow(left, right)), slow(left, right));
        }
    }
}
