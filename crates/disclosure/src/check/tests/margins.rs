//! Tables with totals: what is hidden with a small cell, so that no subtraction gives it back.

use super::*;

/// A cube over two keys of people with one row each.
fn cube(rows: &[(&str, &str, u64)]) -> Evidence {
    let mut evidence = table(&["k", "l"], vec![measure("n", Kind::Count)], &[]);
    evidence.sets = vec![vec![0, 1], vec![0], vec![1], vec![]];
    let mut groups: std::collections::BTreeMap<(u16, Vec<Datum>), u64> = Default::default();
    for (k, l, count) in rows {
        let (k, l) = (text(k), text(l));
        for (set, key) in [
            (0, vec![k.clone(), l.clone()]),
            (1, vec![k, Datum::Missing]),
            (2, vec![Datum::Missing, l]),
            (3, vec![Datum::Missing, Datum::Missing]),
        ] {
            *groups.entry((set, key)).or_default() += count;
        }
    }
    for ((set, key), people) in groups {
        evidence.groups.push(Group {
            values: key.iter().cloned().chain([n(people)]).collect(),
            key,
            set,
            visible: Visible::Shown,
            people,
            rows: people,
            behind: vec![Behind {
                people,
                rows: people,
            }],
            magnitudes: vec![],
            row_atoms: vec![],
            person_atoms: vec![],
        });
    }
    assert_eq!(evidence.validate(), Ok(()));
    evidence
}

#[test]
fn a_small_cell_takes_its_totals_along() {
    let one = cube(&[
        ("a", "x", 20),
        ("a", "y", 4),
        ("b", "x", 30),
        ("b", "y", 40),
    ]);
    expect(
        &one,
        "safe",
        expect![[r#"
            Treat
            a x n: 20 Ok
            a y n: 4 Primary threshold
            b x n: 30 Ok
            b y n: 40 Ok
            a - n: 24 Secondary
            b - n: 70 Ok
            - x n: 50 Ok
            - y n: 44 Secondary
            - - n: 94 Secondary
            treated: a x 20
            treated: b x 30
            treated: b y 40
            treated: b - 70
            treated: - x 50
            treated: a y -
            treated: a - -
            treated: - y -
            treated: - - -
        "#]],
    );
}

#[test]
fn safe_totals_pass() {
    let one = cube(&[
        ("a", "x", 20),
        ("a", "y", 14),
        ("b", "x", 30),
        ("b", "y", 40),
    ]);
    assert_eq!(check(&one, &policy("unsafe")).verdict, Verdict::Pass);
}

/// A combination that must not be known to be empty is hidden like one with few people.
#[test]
fn an_unsafe_zero_takes_its_totals_along() {
    let one = cube(&[("a", "x", 20), ("b", "x", 30), ("b", "y", 40)]);
    let report = check(&one, &policy("unsafe"));
    assert_eq!(report.verdict, Verdict::Treat);
    let shown: Vec<&Vec<Datum>> = report.outputs[0]
        .treated_rows
        .iter()
        .filter(|row| row[2] != Datum::Missing)
        .collect();
    assert_eq!(shown.len(), 5, "{shown:?}");
}

#[test]
fn a_policy_that_rounds_rounds_what_is_safe_too() {
    let rounding =
        "name = \"r\"\n[threshold]\nminimum = 8\nzero = \"safe\"\n[rounding]\nbase = 5\n";
    let rounding = Policy::parse(rounding).unwrap();
    let report = check(
        &count(&[("a", &[23]), ("b", &[7]), ("c", &[12])]),
        &rounding,
    );
    assert_eq!(report.verdict, Verdict::Treat);
    let left: Vec<String> = report.outputs[0]
        .treated_rows
        .iter()
        .map(|row| {
            row.iter()
                .map(|v| v.text().unwrap_or("-"))
                .collect::<Vec<_>>()
                .join(" ")
        })
        .collect();
    assert_eq!(left, ["a 25", "c 10"]);
    assert_eq!(
        check(&count(&[("a", &[20])]), &rounding).verdict,
        Verdict::Pass
    );
}
