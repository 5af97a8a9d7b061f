use super::*;
use crate::Role;
use crate::coded::Coded;
use crate::spec::{ColumnSpec, FileSpec, Holds, LinkType, Spec};
use proptest::prelude::*;
use std::collections::BTreeSet;

const ROLES: [Role; 4] = [
    Role::Forename,
    Role::Surname,
    Role::DateOfBirth,
    Role::Postcode,
];

fn coded(link_type: LinkType, files: &[Vec<[&str; 4]>]) -> Coded {
    let columns: Vec<ColumnSpec> = ROLES
        .iter()
        .map(|role| ColumnSpec {
            role: *role,
            name: role.to_string(),
        })
        .collect();
    let specs = (0..files.len()).map(|file| FileSpec {
        name: file.to_string(),
        columns: columns.clone(),
        holds: Holds::Estimated,
    });
    let mut coded = Coded::new(&Spec::new(link_type, specs.collect()));
    for (place, rows) in files.iter().enumerate() {
        for row in rows {
            coded.push(
                place,
                &row.map(|value| Some(value).filter(|value| !value.is_empty())),
            );
        }
    }
    coded.finish();
    coded
}

fn rules() -> Vec<BlockingRule> {
    [
        vec!["surname"],
        vec!["forename_root", "date_of_birth"],
        vec!["postcode_sector", "birth_year"],
    ]
    .into_iter()
    .map(|parts| BlockingRule {
        parts: parts.into_iter().map(str::to_owned).collect(),
    })
    .collect()
}

fn limits(pairs_max: u64, found_max: u64) -> Limits {
    Limits {
        pairs_max,
        found_max,
        threads: threads(2),
    }
}

fn threads(threads: usize) -> NonZeroUsize {
    NonZeroUsize::new(threads).unwrap()
}

fn sides(coded: &Coded) -> Sides<'_> {
    let within = coded.files.len() == 1;
    Sides {
        left: &coded.files[0],
        right: coded.files.last().unwrap(),
        within,
    }
}

/// Every pair, every rule, one after the other.
fn reference(coded: &Coded, rules: &[Vec<Part>]) -> (BTreeSet<(u32, u32)>, Vec<u64>) {
    let keys = Keys::new(coded);
    let sides = sides(coded);
    let mut found = BTreeSet::new();
    let mut counts = vec![0; rules.len()];
    for l in 0..sides.left.rows.len() {
        for r in 0..sides.right.rows.len() {
            if sides.within && r <= l {
                continue;
            }
            for (rule, count) in rules.iter().zip(&mut counts) {
                let key = keys.key(rule, sides.left, l);
                if key != 0 && key == keys.key(rule, sides.right, r) {
                    found.insert((l as u32, r as u32));
                    *count += 1;
                }
            }
        }
    }
    (found, counts)
}

fn record() -> impl Strategy<Value = [&'static str; 4]> {
    let one = |values: &'static [&'static str]| proptest::sample::select(values);
    (
        one(&["Bob", "Robert", "Ann", ""]),
        one(&["Reid", "Bain", "Muir", ""]),
        one(&["1980-01-02", "1980-02-01", "1981-05-05", ""]),
        one(&["EH1 1AA", "EH1 1AB", "G1 1AA", ""]),
    )
        .prop_map(|(a, b, c, d)| [a, b, c, d])
}

proptest! {
    #[test]
    fn sorted_joins_find_what_all_pairs_do(
        left in proptest::collection::vec(record(), 0..25),
        right in proptest::collection::vec(record(), 0..25),
        within in any::<bool>(),
    ) {
        let files = if within { vec![left] } else { vec![left, right] };
        let coded = coded(if within { LinkType::Dedupe } else { LinkType::Link }, &files);
        let keys = Keys::new(&coded);
        let plan = plan(&keys, sides(&coded), &rules(), limits(1_000_000, 1_000_000));
        let Ok((plan, at_once)) = plan else {
            prop_assert!(files.iter().any(Vec::is_empty) || files.iter().flatten().any(|row| row.contains(&"")));
            return Ok(());
        };
        let (expected, counts) = reference(&coded, &plan.rules);
        let pair = |one: &Found| (one.left() as u32, one.right() as u32);
        let all = plan.find(&keys, sides(&coded), None, threads(1)).in_order();
        let found: BTreeSet<(u32, u32)> = all.iter().map(pair).collect();
        prop_assert_eq!(&found, &expected);
        let predicted: Vec<u64> = plan.reports.iter().map(|report| report.predicted_pairs).collect();
        for (predicted, count) in predicted.iter().zip(&counts) {
            prop_assert_eq!(*predicted, (*count).max(1), "counted before joining");
        }
        prop_assert_eq!(all.len() as u64, counts.iter().sum::<u64>(), "each once for each rule");
        prop_assert_eq!(&at_once.unwrap().in_order(), &all, "on the way and later, the same");
        for many in [2, 3, 7] {
            let found = plan.find(&keys, sides(&coded), None, threads(many)).in_order();
            prop_assert_eq!(&found, &all, "{} threads", many);
        }
        // In slices, the same, and in the order that pairs are compared in.
        let rows = files[0].len();
        let mut sliced = Vec::new();
        for slice in 0..3 {
            let wanted = |row: usize| row * 3 / rows == slice;
            sliced.extend(plan.find(&keys, sides(&coded), Some(&wanted), threads(2)).in_order());
        }
        prop_assert_eq!(sliced, all);
    }
}

/// Nothing is kept in hand that passes its limit, and nothing is lost by it.
#[test]
fn what_does_not_fit_is_found_later() {
    let rows = vec![["Ann", "Reid", "1980-01-02", "EH1 1AA"]; 20];
    let coded = coded(LinkType::Link, &[rows.clone(), rows]);
    let keys = Keys::new(&coded);
    for (found_max, fits) in [(1_199, false), (1_200, true)] {
        let limits = limits(10_000, found_max);
        let (plan, found) = plan(&keys, sides(&coded), &rules(), limits).unwrap();
        assert_eq!(found.is_some(), fits);
        let found = plan.find(&keys, sides(&coded), None, threads(1));
        assert_eq!(found.len(), 1_200);
    }
}

/// Names are common and homes full, so that every loose rule passes its share: a record without its birth date, or
/// away from home, is found all the same.
#[test]
fn no_one_missing_field_hides_a_record() {
    let first = ["Ann", "Bob", "Cat", "Dan", "Eve", "Fay", "Gus", "Hal"];
    let last = ["Reid", "Bain", "Muir", "Tait", "Weir", "Lyle", "Dow", "Gow"];
    let people: Vec<[String; 4]> = (0..60_000_usize)
        .map(|n| {
            let spread = crate::random::mix(n as u64) as usize;
            [
                first[spread % 8].to_owned(),
                format!("{}{}", last[spread / 8 % 8], last[spread / 64 % 8]),
                format!(
                    "19{:02}-{:02}-{:02}",
                    spread / 512 % 90,
                    spread / 46_080 % 12 + 1,
                    spread / 552_960 % 28 + 1
                ),
                format!("EH{} {}AA", n / 60 % 90 + 1, n / 6 % 10),
            ]
        })
        .collect();
    let row = |person: &[String; 4], without: usize| -> [String; 4] {
        let mut row = person.clone();
        row[without].clear();
        row
    };
    for without in [2, 3] {
        let rows: Vec<[String; 4]> = people.iter().map(|person| row(person, without)).collect();
        let mixed: Vec<[String; 4]> = (0..people.len())
            .map(|n| {
                if n % 100 == 0 {
                    rows[n].clone()
                } else {
                    people[n].clone()
                }
            })
            .collect();
        let text = |rows: &[[String; 4]]| -> Vec<[&'static str; 4]> {
            rows.iter()
                .map(|row| row.clone().map(|value| &*value.leak()))
                .collect()
        };
        let coded = coded(LinkType::Link, &[text(&mixed), text(&people)]);
        let keys = Keys::new(&coded);
        let (plan, _) = plan(&keys, sides(&coded), &[], limits(50_000_000, 0)).unwrap();
        let some = |row: usize| row.is_multiple_of(100);
        let sliced = plan
            .find(&keys, sides(&coded), Some(&some), threads(2))
            .in_order();
        let met: BTreeSet<usize> = sliced
            .iter()
            .filter(|found| found.left() == found.right())
            .map(|found| found.left())
            .collect();
        assert!(
            met.len() >= 594,
            "{} of 600 without field {without}",
            met.len()
        );
    }
}

#[test]
fn a_budget_that_no_rule_keeps_is_refused_in_words() {
    let rows = vec![["Ann", "Reid", "1980-01-02", "EH1 1AA"]; 20];
    let coded = coded(LinkType::Link, &[rows.clone(), rows]);
    let keys = Keys::new(&coded);
    let refused = plan(&keys, sides(&coded), &[], limits(30, 30))
        .err()
        .unwrap();
    assert_eq!(
        refused,
        LinkError::PairBudget {
            pairs_max: 30,
            smallest: 400
        }
    );
}

#[test]
fn a_rule_of_unknown_parts_is_refused() {
    let coded = coded(LinkType::Link, &[Vec::new(), Vec::new()]);
    for parts in [vec![], vec!["sirname".to_owned()]] {
        let keys = Keys::new(&coded);
        let refused = plan(
            &keys,
            sides(&coded),
            &[BlockingRule { parts }],
            limits(1_000, 1_000),
        );
        assert_eq!(refused.err(), Some(LinkError::UnknownKeyPart));
    }
}
