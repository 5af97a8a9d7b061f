use super::*;
use crate::column::{Records, Role};
use crate::prepared::prepare;

#[test]
fn equal_pairs_are_counted_exactly() {
    // 3 of one value, 2 of another, 1 of a third, two missing: (3*2 + 2*1) / (6*5).
    let share = equal_share(vec![7, 7, 7, 9, 9, 4, 0, 0], 1);
    assert!((share - 8.0 / 30.0).abs() < 1e-12);
    assert!((equal_share(vec![1, 2, 3], 10) - 0.1 / 6.0).abs() < 1e-12);
}

fn file(rows: &[(&str, &str, &str, &str)]) -> Records {
    Records {
        ids: (0..rows.len() as u64).collect(),
        columns: [
            (Role::Forename, rows.iter().map(|row| Some(row.0)).collect()),
            (Role::Surname, rows.iter().map(|row| Some(row.1)).collect()),
            (
                Role::DateOfBirth,
                rows.iter().map(|row| Some(row.2)).collect(),
            ),
            (Role::Postcode, rows.iter().map(|row| Some(row.3)).collect()),
        ]
        .into(),
    }
}

#[test]
fn u_holds_the_exact_shares_and_adds_to_one() {
    let spine = file(&[
        ("ANN", "REID", "1980-01-01", "EH1 1AA"),
        ("ANN", "BAIN", "1981-05-01", "EH1 1AA"),
        ("SCOTT", "LEWIS", "1982-06-01", "EH1 1AB"),
        ("LEWIS", "SCOTT", "1983-07-01", "G2 1AB"),
    ]);
    let prepared = prepare(&Records::default(), &spine, &Settings::standard()).unwrap();
    let u = u_shares(
        &prepared,
        &mut Comparer::new(&prepared),
        &Settings::standard(),
    );
    // Two of the twelve ordered pairs share a forename, two are exchanged, two share a postcode.
    let at = |comparison: Comparison, level: u8| u[comparison.index()][usize::from(level)];
    assert!((at(Comparison::Forename, forename::EXACT) - 2.0 / 12.0).abs() < 1e-12);
    assert!((at(Comparison::Forename, forename::EXCHANGED) - 2.0 / 12.0).abs() < 1e-12);
    let home: f64 = (3..6).map(|level| at(Comparison::Residence, level)).sum();
    assert!((home - 2.0 / 12.0).abs() < 1e-12);
    for comparison in Comparison::ALL {
        let sum: f64 = u[comparison.index()].iter().sum();
        assert!((sum - 1.0).abs() < 1e-3, "{} {sum}", comparison.name());
    }
}

#[test]
fn lambda_counts_exact_keys_over_their_recall() {
    let people = [
        ("ANN", "REID", "1980-01-01", "EH1 1AA"),
        ("BEN", "BAIN", "1981-05-01", "EH1 1AA"),
    ];
    let left = file(&people);
    let mut spine = people.to_vec();
    spine.push(("CAT", "COWE", "1990-01-01", "EH1 1AA"));
    spine.push(("BEN", "BAIN", "1981-05-01", "G1 1AA"));
    let prepared = prepare(&left, &file(&spine), &Settings::standard()).unwrap();
    let mut m = em::prior_m();
    m[Comparison::Forename.index()][6] = 0.8;
    m[Comparison::Surname.index()][4] = 0.9;
    m[Comparison::DateOfBirth.index()][4] = 1.0;
    // One key is unique in the spine: 1 / .72 = 1.3889 matches over 2 * 4 pairs.
    let found = lambda(&prepared, &[0, 1], &[0, 1, 2, 3], &m);
    assert!((found - 1.0 / 0.72 / 8.0).abs() < 1e-12);
    // No key at all: half of the records.
    assert!((lambda(&prepared, &[0], &[2, 3], &m) - 0.25).abs() < 1e-12);
    assert_eq!(lambda(&prepared, &[], &[0], &m), 0.5);
}
