use super::*;
use crate::spec::{ColumnSpec, FileSpec, Holds, LinkType, Spec};
use proptest::prelude::*;

fn coded(left: &[(Role, &str)], right: &[(Role, &str)]) -> Coded {
    let file = |name: &str, fields: &[(Role, &str)]| FileSpec {
        name: name.to_owned(),
        columns: fields
            .iter()
            .map(|(role, _)| ColumnSpec {
                role: *role,
                name: "extra".to_owned(),
            })
            .collect(),
        holds: Holds::Estimated,
    };
    let spec = Spec::new(LinkType::Link, vec![file("a", left), file("b", right)]);
    let mut coded = Coded::new(&spec);
    for (place, fields) in [left, right].into_iter().enumerate() {
        let values: Vec<Option<&str>> = fields.iter().map(|(_, value)| Some(*value)).collect();
        coded.push(place, &values);
    }
    coded.finish();
    coded
}

/// The labels of the levels of a pair, in order; missing comparisons are left out.
fn labels(left: &[(Role, &str)], right: &[(Role, &str)]) -> String {
    let coded = coded(left, right);
    let pattern = Comparer::new(&coded).pattern(&coded.files[0], 0, &coded.files[1], 0);
    comparisons(&coded.extras)
        .iter()
        .enumerate()
        .filter_map(|(c, comparison)| {
            let level = pattern.level(c)?;
            Some(comparison.levels[usize::from(level)].label)
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
    assert_eq!(
        labels(&[(role, right)], &[(role, left)]),
        label,
        "{right} {left}"
    );
}

#[test]
fn forenames() {
    check(Role::Forename, "Ann", "ANN", "exact");
    check(Role::Forename, "Bob", "Robert", "variant");
    check(Role::Forename, "Max", "Maximilian", "variant");
    check(Role::Forename, "MARTHA", "MARHTA", "typing error");
    check(Role::Forename, "DWAYNE", "DUANE", "similar");
    check(Role::Forename, "J", "Jonas", "initial");
    check(Role::Forename, "Mary Jane", "Jane", "one word of several");
    check(Role::Forename, "Angus", "Morven", "differs");
    check(Role::Forename, "Angus", "BABY", "");
}

#[test]
fn surnames() {
    check(Role::Surname, "McDonald", "Mac Donald", "exact");
    check(Role::Surname, "O'Neil", "ONEIL", "exact");
    check(Role::Surname, "Smith-Jones", "Jones", "one word of several");
    check(Role::Surname, "Gallagher", "Galagher", "typing error");
    check(Role::Surname, "Reid", "Bain", "differs");
}

#[test]
fn a_former_surname_in_a_column_of_its_own_agrees() {
    let left = [(Role::Surname, "Urquhart"), (Role::Surname, "Galbraith")];
    assert_eq!(
        labels(&left, &[(Role::Surname, "Galbraith")]),
        "one word of several"
    );
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
    check("1985-03-07", "07/03/1985", "exact");
    check("1985-03-07", "1985-07-03", "one edit");
    check("1985-03-07", "1985-03-08", "one edit");
    check("1985-03-07", "1958-03-07", "one edit");
    check("1985-03-07", "1985-03-21", "two parts of three");
    check("1985-03-07", "1985-11-21", "same year");
    check("1985-03-07", "1972-03-07", "two parts of three");
    check("1985-03-07", "1972-11-21", "differs");
    check("1985-03-07", "1900-01-01", "");
}

#[test]
fn homes() {
    let home = |postcode, address| [(Role::Postcode, postcode), (Role::Address1, address)];
    let check = |other: &[(Role, &str)], label: &str| {
        assert_eq!(labels(&home("EH1 3EG", "12 High Street"), other), label);
    };
    check(&home("EH13EG", "12 High St"), "exact; exact");
    check(
        &home("EH13EG", "12 Hihg St"),
        "exact; similar street, same number",
    );
    check(
        &home("EH13EG", "14 High St"),
        "exact; same street, another number",
    );
    check(&home("EH13EG", "High St"), "exact; same street, no number");
    check(&[(Role::Postcode, "EH1 3EG")], "exact");
    check(&home("EH1 3QR", "12 High St"), "sector; exact");
    check(&home("EH1 9QR", "1 Byres Rd"), "district; differs");
    check(&home("G1 9QR", "12 High St"), "differs; exact");
}

#[test]
fn numbers_and_other_columns() {
    check(Role::Chi, "0101011237", "010101 1237", "exact");
    check(Role::Chi, "0101011237", "0101011273", "one edit");
    check(Role::Chi, "0101011237", "0101014455", "same birth part");
    check(Role::Chi, "0101011237", "1234567890", "differs");
    check(Role::NhsNumber, "943 476 5919", "9434765919", "exact");
    check(Role::Telephone, "+44 131 496 0000", "0131 4960000", "exact");
    check(Role::Email, "a.b@example.org", "A.B@example.org", "exact");
    check(Role::Field, "wattle grove", "Wattle  Grove", "exact");
    check(Role::Field, "17", "18", "one edit");
}

#[test]
fn every_prior_adds_to_one() {
    let extras = [Role::NhsNumber, Role::Telephone, Role::Field].map(|role| Extra {
        role,
        name: String::new(),
    });
    for comparison in comparisons(&extras) {
        assert!(comparison.levels.len() <= LEVELS_MAX);
        for share in [|level: &Level| level.m, |level: &Level| level.u] {
            let sum: f64 = comparison.levels.iter().map(share).sum();
            assert!((sum - 1.0).abs() < 2e-2, "{}: {sum}", comparison.name);
        }
    }
}

/// Optimal string alignment by the book: rows of a table.
fn distance(a: &[u8], b: &[u8]) -> usize {
    let mut table = vec![vec![0; b.len() + 1]; a.len() + 1];
    for (i, row) in table.iter_mut().enumerate() {
        row[0] = i;
    }
    for (j, cell) in table[0].iter_mut().enumerate() {
        *cell = j;
    }
    for i in 1..=a.len() {
        for j in 1..=b.len() {
            let change = usize::from(a[i - 1] != b[j - 1]);
            let mut best = (table[i - 1][j] + 1)
                .min(table[i][j - 1] + 1)
                .min(table[i - 1][j - 1] + change);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(table[i - 2][j - 2] + 1);
            }
            table[i][j] = best;
        }
    }
    table[a.len()][b.len()]
}

proptest! {
    #[test]
    fn one_edit_is_a_distance_of_one(a in "[abc]{0,6}", b in "[abc]{0,6}") {
        let slow = distance(a.as_bytes(), b.as_bytes()) == 1;
        prop_assert_eq!(one_edit(a.as_bytes(), b.as_bytes()), slow);
    }

    #[test]
    fn a_pattern_gives_back_its_levels(levels in proptest::collection::vec(proptest::option::of(0_u8..8), 16)) {
        let mut pattern = Pattern::default();
        for (c, level) in levels.iter().enumerate() {
            pattern = pattern.with(c, *level);
        }
        for (c, level) in levels.iter().enumerate() {
            prop_assert_eq!(pattern.level(c), *level);
        }
    }

    #[test]
    fn the_memory_never_changes_an_answer(pairs in proptest::collection::vec((1_u32..40, 1_u32..40), 0..300)) {
        let slow = |left: u32, right: u32| ((left * 7 + right) % 5) as u8;
        let mut memo = Memo::new(5);
        for (left, right) in pairs {
            prop_assert_eq!(memo.get(left, right, || slow(left, right)), slow(left, right));
        }
    }
}
