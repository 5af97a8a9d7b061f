//! Few people between an output and what left, at its check and later.

use std::convert::Infallible;

use super::*;
use crate::Datum;
use crate::evidence::{Behind, Column, Evidence, Group, Kind, Role, Visible};

fn policy() -> Policy {
    Policy::parse("name = \"t\"\n[threshold]\nminimum = 3").unwrap()
}

/// The count of people of one group.
fn count(key: &str, people: std::ops::Range<u32>) -> Traced {
    counts(&[(key, people)])
}

/// Counts of people by group.
fn counts(groups: &[(&str, std::ops::Range<u32>)]) -> Traced {
    let mut evidence = Evidence::untraceable("s", "");
    evidence.class = Class::Table;
    evidence.keys = vec!["k".into()];
    evidence.sets = vec![vec![0]];
    let column = |name: &str, role| Column {
        name: name.into(),
        role,
        across: false,
    };
    evidence.columns = vec![
        column("k", Role::Key(0)),
        column("n", Role::Measure(Kind::Count)),
    ];
    for (key, people) in groups {
        let n = people.len() as u64;
        let key = Datum::Text((*key).into());
        evidence.groups.push(Group {
            values: vec![key.clone(), Datum::Number(n.to_string())],
            key: vec![key],
            set: 0,
            visible: Visible::Shown,
            people: n,
            rows: n,
            behind: vec![Behind { people: n, rows: n }],
            magnitudes: vec![],
            row_atoms: vec![],
            person_atoms: vec![],
        });
    }
    assert_eq!(evidence.validate(), Ok(()));
    Traced {
        evidence,
        people: groups
            .iter()
            .map(|(_, people)| people.clone().collect())
            .collect(),
    }
}

fn leaving(name: &str, request: &[Traced]) -> Leaving {
    Leaving::new((name, "2026-05-03"), request, 100, &policy())
}

fn releases(of: &Leaving) -> Vec<Release> {
    of.tables().cloned().collect()
}

fn compared(mut new: Leaving, left: &[Release], unknown: u64) -> Vec<Report> {
    let each = |see: &mut dyn FnMut(&Release)| {
        left.iter().for_each(see);
        Ok::<(), Infallible>(())
    };
    let Ok(()) = new.compare(unknown, &policy(), each);
    new.into_reports()
}

#[test]
fn what_left_is_compared_with_each_table_of_a_request() {
    let left = leaving("output out_1", &[count("a", 0..20), count("b", 40..60)]);
    assert!(left.is_listed());
    let left = releases(&left);
    let reports = compared(
        leaving("output out_2", &[count("c", 60..80), count("d", 40..59)]),
        &left,
        0,
    );
    let verdicts: Vec<Verdict> = reports.iter().map(|report| report.verdict).collect();
    assert_eq!(verdicts, [Verdict::Pass, Verdict::Fail]);
    let said = &reports[1].findings[0].detail;
    let proof =
        "k d: n: this cell minus k b: n of table 2 of output out_1 of 2026-05-03 isolates 1 person";
    assert!(said.starts_with(proof), "{said}");
    assert!(said.ends_with(FIX), "{said}");

    let researcher = serde_json::to_string(&reports[1].for_researcher()).unwrap();
    assert!(researcher.contains("the same selection"), "{researcher}");
    assert!(researcher.contains("\"k\":\"d\""), "{researcher}");
    for hidden in ["out_1", "1 person", "k b"] {
        assert!(!researcher.contains(hidden), "{researcher}");
    }
}

#[test]
fn the_same_again_is_found_at_its_check_and_later_alike() {
    let cases = [(0..20, 0), (0..19, 1), (1..21, 2), (0..17, 0), (30..50, 0)];
    for (people, between) in cases {
        let left = releases(&leaving("output out_1", &[count("a", 0..20)]));
        let new = leaving("output out_2", &[count("c", people)]);
        let tables = releases(&new);
        let found = compare_again(tables, &policy(), |see| {
            left.iter().for_each(see);
            Ok::<(), Infallible>(())
        });
        let Ok(found) = found;
        let fewest = found.first().map_or(0, |found| found.people);
        assert_eq!(fewest, between);
        let verdict = compared(new, &left, 0)[0].verdict;
        assert_eq!(verdict == Verdict::Fail, between > 0);
        for found in found {
            assert_eq!(found.cell, "k c: n");
            assert!(
                found
                    .sentence
                    .starts_with("k c: n: this cell minus k a: n of output out_1")
            );
        }
    }
}

#[test]
fn what_cannot_be_compared_with_is_for_people() {
    let reports = compared(leaving("o", &[count("a", 0..20)]), &[], 2);
    assert_eq!(reports[0].verdict, Verdict::Review);
    assert!(
        reports[0].findings[0]
            .detail
            .contains("of 2 of the outputs")
    );
    let untraceable = Traced {
        evidence: Evidence::untraceable("s", "it has no table"),
        people: vec![],
    };
    assert!(!leaving("o", &[count("a", 0..20), untraceable]).is_listed());
}

/// People may let a table out whose unsafe cells are not hidden: then later ones are compared with these too.
#[test]
fn of_what_goes_to_people_every_cell_is_kept() {
    let small = counts(&[("a", 0..2), ("b", 2..20), ("c", 20..40)]);
    let cells = |of: &Leaving| of.tables().map(|t| t.cells().len()).sum::<usize>();
    let alone = leaving("o", std::slice::from_ref(&small));
    assert_eq!(cells(&alone), 2, "the small one is hidden");
    let untraceable = Traced {
        evidence: Evidence::untraceable("s", "it has no table"),
        people: vec![],
    };
    assert_eq!(cells(&leaving("o", &[small, untraceable])), 3);
}

#[test]
fn a_table_that_was_seen_is_not_new_and_one_that_says_more_is() {
    let seen = releases(&leaving("one", &[counts(&[("a", 0..20), ("b", 20..50)])]));
    let request = [
        counts(&[("a", 0..20), ("b", 20..50)]),
        counts(&[("c", 50..80)]),
    ];
    let mut two = leaving("two", &request);
    assert_eq!(two.new_tables().count(), 2, "nothing was seen yet");
    let see = |two: &mut Leaving, seen: &[Release]| {
        let each = |add: &mut dyn FnMut(&Release)| {
            seen.iter().for_each(add);
            Ok::<(), Infallible>(())
        };
        let Ok(()) = two.compare(0, &policy(), each);
        two.new_tables()
            .map(|table| table.cells().len())
            .collect::<Vec<_>>()
    };
    assert_eq!(see(&mut two, &seen), [1]);
    assert_eq!(two.tables().count(), 2);
    let both = releases(&two);
    assert!(see(&mut two, &both).is_empty());
}
