use super::*;
use crate::Role;
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
        let plan = plan(&coded, sides(&coded), &rules(), 1_000_000);
        let Ok(plan) = plan else {
            prop_assert!(files.iter().any(Vec::is_empty) || files.iter().flatten().any(|row| row.contains(&"")));
            return Ok(());
        };
        let (expected, counts) = reference(&coded, &plan.rules);
        let (pairs, new) = plan.candidates(&|_| true);
        let found: BTreeSet<(u32, u32)> = pairs.iter().map(|pair| ((pair >> 32) as u32, *pair as u32)).collect();
        prop_assert_eq!(pairs.len(), found.len(), "each pair once");
        prop_assert_eq!(new.iter().sum::<u64>(), pairs.len() as u64);
        prop_assert_eq!(&found, &expected);
        let predicted: Vec<u64> = plan.reports.iter().map(|report| report.predicted_pairs).collect();
        for (predicted, count) in predicted.iter().zip(&counts) {
            prop_assert_eq!(*predicted, (*count).max(1), "counted before joining");
        }
        // In slices, the same.
        let mut sliced = Vec::new();
        for slice in 0..3 {
            sliced.extend(plan.candidates(&|row| row * 3 / files[0].len() == slice).0);
        }
        prop_assert_eq!(sliced, pairs);
    }
}

#[test]
fn a_budget_that_no_rule_keeps_is_refused_in_words() {
    let rows = vec![["Ann", "Reid", "1980-01-02", "EH1 1AA"]; 20];
    let coded = coded(LinkType::Link, &[rows.clone(), rows]);
    let refused = plan(&coded, sides(&coded), &[], 30).err().unwrap();
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
        let refused = plan(&coded, sides(&coded), &[BlockingRule { parts }], 1_000);
        assert_eq!(refused.err(), Some(LinkError::UnknownKeyPart));
    }
}
