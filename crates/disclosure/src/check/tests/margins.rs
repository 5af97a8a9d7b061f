//! Tables with totals: what is hidden with a small cell, so that no subtraction gives it back.

use super::*;

/// A cube over two keys of people with one row each.
pub(super) fn cube(rows: &[(&str, &str, u64)]) -> Evidence {
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
            a x n: 20 Secondary
            a y n: 4 Primary threshold
            b x n: 30 Secondary
            b y n: 40 Secondary
            a - n: 24 Ok
            b - n: 70 Ok
            - x n: 50 Ok
            - y n: 44 Ok
            - - n: 94 Ok
            treated: a - 24
            treated: b - 70
            treated: - x 50
            treated: - y 44
            treated: - - 94
            treated: a x -
            treated: a y -
            treated: b x -
            treated: b y -
        "#]],
    );
}

/// Least and largest value that a reader of the treated rows can give the cell of a cube, by trying all
/// tables with inner cells from 1 to `most`; written from the rows alone.
fn possible(report: &Report, keys: [&[&str]; 2], cell: (&str, &str), most: u64) -> (u64, u64) {
    let shown: Vec<(Option<&str>, Option<&str>, u64)> = report.outputs[0]
        .treated_rows
        .iter()
        .filter_map(|row| Some((row[0].text(), row[1].text(), row[2].text()?.parse().ok()?)))
        .collect();
    let inner: Vec<(&str, &str)> = keys[0]
        .iter()
        .flat_map(|k| keys[1].iter().map(move |l| (*k, *l)))
        .collect();
    let known = |place: (&str, &str)| {
        let mut of = shown.iter();
        of.find(|(k, l, _)| (*k, *l) == (Some(place.0), Some(place.1)))
            .map(|(_, _, value)| *value)
    };
    let free: Vec<usize> = (0..inner.len())
        .filter(|i| known(inner[*i]).is_none())
        .collect();
    let mut values: Vec<u64> = inner
        .iter()
        .map(|place| known(*place).unwrap_or(1))
        .collect();
    let at = inner.iter().position(|place| *place == cell).unwrap();
    let (mut least, mut largest) = (u64::MAX, 0);
    for number in 0..most.pow(u32::try_from(free.len()).unwrap()) {
        let mut rest = number;
        for place in &free {
            values[*place] = 1 + rest % most;
            rest /= most;
        }
        let adds_up = shown.iter().all(|(k, l, total)| {
            let parts = inner
                .iter()
                .zip(&values)
                .filter(|((a, b), _)| k.is_none_or(|k| k == *a) && l.is_none_or(|l| l == *b));
            parts.map(|(_, value)| value).sum::<u64>() == *total
        });
        if adds_up {
            least = least.min(values[at]);
            largest = largest.max(values[at]);
        }
    }
    (least, largest)
}

/// Two rows of three: four hidden cells do, where everything that shares people would be hidden too.
#[test]
fn a_safe_pattern_is_small_and_cannot_be_undone() {
    let mut rows = Vec::new();
    for (k, counts) in [("a", [4, 12, 31]), ("b", [13, 11, 40]), ("c", [22, 35, 28])] {
        rows.extend(
            ["x", "y", "z"]
                .into_iter()
                .zip(counts)
                .map(|(l, n)| (k, l, n)),
        );
    }
    let report = check(&cube(&rows), &policy("unsafe"));
    assert_eq!(report.verdict, Verdict::Treat);
    let cells = &report.outputs[0].cells;
    let with = |status| cells.iter().filter(|c| c.status == status).count();
    assert_eq!((with(Status::Primary), with(Status::Secondary)), (1, 3));
    let treated = &report.outputs[0].treated_rows;
    assert_eq!(treated.len(), 16, "emptied rows are there, not left out");
    let keys: [&[&str]; 2] = [&["a", "b", "c"], &["x", "y", "z"]];
    let (least, largest) = possible(&report, keys, ("a", "x"), 40);
    assert!(least <= 1 && largest >= 10, "{least} to {largest}");
    assert!(
        treated.iter().all(|row| row[2] != n(0)),
        "no hidden cell is a zero"
    );
}

/// A person who is alone in a cell knows it, and must not work out another small one.
#[test]
fn who_is_alone_in_a_cell_learns_no_other() {
    let rows = [
        ("a", "x", 1),
        ("a", "y", 4),
        ("a", "z", 31),
        ("b", "x", 13),
        ("b", "y", 11),
        ("b", "z", 40),
        ("c", "x", 22),
        ("c", "y", 35),
        ("c", "z", 28),
    ];
    let report = check(&cube(&rows), &policy("unsafe"));
    let hidden_in_a = report.outputs[0].cells.iter().filter(|c| {
        c.status != Status::Ok && c.key.0.first().is_some_and(|(_, v)| *v == text("a"))
    });
    assert!(hidden_in_a.count() >= 3, "{}", picture(&report));
}

/// Margins that are no sums (people with several rows, counted once in each): what shares people is hidden.
#[test]
fn margins_that_do_not_add_up_are_hidden_with_what_they_share() {
    let mut one = cube(&[
        ("a", "x", 20),
        ("a", "y", 4),
        ("b", "x", 30),
        ("b", "y", 40),
    ]);
    let total = one.groups.last_mut().unwrap();
    (total.people, total.values) = (90, vec![Datum::Missing, Datum::Missing, n(90)]);
    total.behind[0].people = 90;
    let report = check(&one, &policy("safe"));
    let secondary: Vec<String> = report.outputs[0]
        .cells
        .iter()
        .filter(|c| c.status == Status::Secondary)
        .map(|c| in_words(&c.key, &c.column))
        .collect();
    assert_eq!(
        secondary,
        [
            "k a, l missing or total: n",
            "k missing or total, l y: n",
            "k missing or total, l missing or total: n"
        ]
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
