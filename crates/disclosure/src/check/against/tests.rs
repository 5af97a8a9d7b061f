use super::*;
use crate::{Datum, check};

fn policy(minimum: u64) -> Policy {
    let text = format!("name = \"t\"\n[differencing]\nminimum = {minimum}");
    Policy::parse(&text).unwrap()
}

fn cell(key: &str, column: &str, family: Family, people: &[u32]) -> CellPeople {
    CellPeople {
        key: Key(vec![("k".into(), Datum::Text(key.into()))]),
        column: column.into(),
        family,
        shown: true,
        people: people.to_vec(),
    }
}

fn n(key: &str, people: &[u32]) -> CellPeople {
    cell(key, "n", Family::People, people)
}

/// The report on cells of which the earlier ones were released, each list a table.
fn judged(new: &[CellPeople], earlier: &[&[CellPeople]], policy: &Policy) -> Report {
    let mut report = check(&Evidence::untraceable("s", "r"), policy);
    report.verdict = Verdict::Pass;
    let out = outgoing("", "", new, 100, policy).unwrap();
    let mut beside = Beside::new(&out, policy);
    for (number, cells) in (1..).zip(earlier) {
        let name = format!("release {number}");
        for old in outgoing(&name, "2026-05-03", cells, 100, policy).unwrap() {
            beside.add(&old.release);
        }
    }
    beside.finish(&mut report, new);
    report
}

fn compared(own: &[u32], earlier: &[u32]) -> Report {
    judged(&[n("a", own)], &[&[n("b", earlier)]], &policy(3))
}

#[test]
fn few_people_between_two_releases_are_refused_and_named() {
    let all: Vec<u32> = (0..30).collect();
    let report = compared(&all, &all[1..]);
    assert_eq!(report.verdict, Verdict::Fail);
    let said = &report.findings.last().unwrap().detail;
    assert!(
        said.contains(
            "k a: n: this cell minus k b: n of release 1 of 2026-05-03 isolates 1 person"
        ),
        "{said}"
    );
    assert_eq!(compared(&all[2..], &all).verdict, Verdict::Fail);
    assert_eq!(compared(&all[1..], &all[..29]).verdict, Verdict::Fail);
}

#[test]
fn equal_disjoint_and_far_sets_are_no_finding() {
    let all: Vec<u32> = (0..30).collect();
    assert_eq!(compared(&all, &all).verdict, Verdict::Pass);
    assert_eq!(compared(&all[..2], &all[2..4]).verdict, Verdict::Pass);
    assert_eq!(compared(&all, &all[3..]).verdict, Verdict::Pass);
}

/// A total was released with one of two cells, because the other is small. A second table shows the cell that was
/// hidden to protect it: no pair of cells is near, three together are.
#[test]
fn what_was_hidden_for_the_sake_of_another_is_not_shown_later() {
    let all: Vec<u32> = (0..60).collect();
    let earlier = [n("all", &all), n("a", &all[..20])];
    let later = |people: &[u32]| judged(&[n("b", people)], &[&earlier], &policy(5)).verdict;
    assert_eq!(later(&all[20..58]), Verdict::Fail);
    assert_eq!(later(&all[20..]), Verdict::Pass);
    assert_eq!(later(&all[20..40]), Verdict::Pass);
}

/// Each of two earlier tables is far from the new one; all three together count four people.
#[test]
fn several_releases_together_isolate_where_none_does_alone() {
    let all: Vec<u32> = (0..90).collect();
    let first = [n("all", &all)];
    let second = [n("young", &all[..40])];
    let report = judged(&[n("old", &all[40..86])], &[&first, &second], &policy(5));
    assert_eq!(report.verdict, Verdict::Fail);
    let said = &report.findings.last().unwrap().detail;
    assert!(
        said.contains("release 1") && said.contains("release 2"),
        "{said}"
    );
    assert_eq!(
        judged(&[n("old", &all[40..80])], &[&first, &second], &policy(5)).verdict,
        Verdict::Pass
    );
}

#[test]
fn the_fewest_people_are_named_first() {
    let all: Vec<u32> = (0..100).collect();
    let earlier = [n("a", &all[..50]), n("b", &all[50..])];
    let new = [n("a", &all[4..50]), n("b", &all[51..])];
    let report = judged(&new, &[&earlier], &policy(10));
    let said = &report.findings.last().unwrap().detail;
    assert!(
        said.starts_with("k b: n") && said.contains("1 person"),
        "{said}"
    );
}

/// How many have a value was not told by their mean, so the number of those without does not follow.
#[test]
fn counts_are_not_subtracted_from_means() {
    let all: Vec<u32> = (0..40).collect();
    let mean = |people: &[u32]| cell("a", "mean", Family::Values, people);
    let counted = [n("a", &all)];
    let verdict = |new: CellPeople, old: &[CellPeople]| judged(&[new], &[old], &policy(5)).verdict;
    assert_eq!(verdict(mean(&all[2..]), &counted), Verdict::Pass);
    assert_eq!(verdict(mean(&all[2..]), &[mean(&all)]), Verdict::Fail);
}

/// To the nearest 10, 36 and 40 are both 40, and 26 and 40 leave between 0 and 20.
#[test]
fn rounded_counts_may_differ_by_few() {
    let rounding =
        Policy::parse("name = \"t\"\n[differencing]\nminimum = 5\n[rounding]\nbase = 10");
    let all: Vec<u32> = (0..40).collect();
    let report = judged(&[n("a", &all[4..])], &[&[n("a", &all)]], &rounding.unwrap());
    assert_eq!(report.verdict, Verdict::Pass);
}

#[test]
fn what_cannot_be_compared_goes_to_a_person() {
    let policy = policy(5);
    let outside = outgoing("", "", &[n("a", &[100])], 100, &policy).unwrap_err();
    let mut report = check(&Evidence::untraceable("s", "r"), &policy);
    report.verdict = Verdict::Pass;
    cannot_compare(&mut report, &outside);
    assert_eq!(report.verdict, Verdict::Review);
}
