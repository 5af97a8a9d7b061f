//! What a treated table leaves out, and how much is judged.

use expect_test::expect;

use super::*;

/// An emptied row would tell that the group has 7 to 9 people.
#[test]
fn a_condition_or_a_limit_chooses_no_emptied_row() {
    let mut one = count(&[("a", &[20]), ("b", &[8])]);
    for shown in [Shown::Large(7), Shown::First, Shown::Condition] {
        one.shown = shown;
        expect(
            &one,
            "unsafe",
            expect![[r#"
                Treat
                a n: 20 Ok
                b n: 8 Primary threshold
                treated: a 20
            "#]],
        );
    }
}

/// A row of keys alone has nothing to empty.
#[test]
fn keys_alone_are_left_out_where_few_or_none_have_them() {
    let mut two = table(
        &["k", "l"],
        vec![measure("n", Kind::Count)],
        &[("a x", &[20]), ("a y", &[7]), ("b x", &[30])],
    );
    two.columns.pop();
    for group in &mut two.groups {
        group.values.pop();
        group.behind.clear();
    }
    expect(
        &two,
        "unsafe",
        expect![[r#"
            Treat
            a y (row): 7 Primary threshold
            b y (row): 0 Primary zero
            treated: a x
            treated: b x
        "#]],
    );
}

#[test]
fn combinations_times_measures_are_judged_up_to_a_million() {
    let keys: Vec<String> = (0..400).map(|i| format!("{i} {i}")).collect();
    let counts = [20; 7];
    let rows: Vec<(&str, &[u64])> = keys.iter().map(|k| (k.as_str(), &counts[..])).collect();
    let measures = (0..7)
        .map(|i| measure(&format!("n{i}"), Kind::Count))
        .collect();
    let report = check(&table(&["k", "l"], measures, &rows), &policy("safe"));
    assert_eq!(report.verdict, Verdict::Review);
    assert_eq!(report.findings[0].rule, Rule::Zero);
    assert_eq!(report.outputs[0].cells.len(), 400 * 7);
}
