use super::*;
use crate::column::{Records, Role};
use crate::prepared::prepare;
use crate::settings::Settings;
use proptest::prelude::*;

/// The obvious way: every left entry against every right one.
fn reference(left: &[(u64, u32)], right: &[(u64, u32)]) -> Vec<(u32, u32)> {
    let mut pairs = Vec::new();
    for (a, l) in left {
        for (b, r) in right {
            if a == b {
                pairs.push((*l, *r));
            }
        }
    }
    pairs.sort_unstable();
    pairs
}

fn entries() -> impl Strategy<Value = Keyed> {
    proptest::collection::vec(0_u64..12, 0..40).prop_map(|keys| {
        let mut keyed: Keyed = keys.into_iter().zip(0..).collect();
        keyed.sort_unstable();
        keyed
    })
}

proptest! {
    #[test]
    fn a_merge_finds_what_a_double_loop_finds_and_the_count_is_exact(left in entries(), right in entries()) {
        let mut pairs = Vec::new();
        merge(&left, &right, |l, r| {
            for (_, a) in l {
                pairs.extend(r.iter().map(|(_, b)| (*a, *b)));
            }
        });
        pairs.sort_unstable();
        let expected = reference(&left, &right);
        prop_assert_eq!(pairs_of(&left, &right), expected.len() as u64);
        prop_assert_eq!(pairs, expected);
    }
}

fn file(surnames: &[Option<&str>], births: &[Option<&str>]) -> Records {
    Records {
        ids: (0..surnames.len() as u64).collect(),
        columns: [
            (Role::Surname, surnames.iter().copied().collect()),
            (Role::DateOfBirth, births.iter().copied().collect()),
        ]
        .into(),
    }
}

#[test]
fn a_missing_field_makes_no_key_and_a_pair_comes_once() {
    let birth = Some("1980-01-02");
    let left = file(&[Some("REID"), None, Some("BAIN")], &[birth, birth, None]);
    let spine = file(&[Some("Reid"), Some("Bain"), None], &[birth, None, birth]);
    let prepared = prepare(&left, &spine, &Settings::standard()).unwrap();
    let found = candidates(&prepared, &[0, 1, 2], &[0, 1, 2], 100).unwrap();
    assert_eq!(found.pairs, [(0, 0)]);
    let used: Vec<&str> = found
        .rules
        .iter()
        .filter(|rule| rule.taken == Taken::Used)
        .map(|rule| rule.rule.as_str())
        .collect();
    assert_eq!(used, ["surname, date_of_birth"]);
}

#[test]
fn past_the_budget_a_rule_is_left_out_in_words() {
    let births = [Some("1980-01-02"); 20];
    let names = [Some("REID"); 20];
    let left = file(&names, &births);
    let prepared = prepare(&left, &left, &Settings::standard()).unwrap();
    let rows: Vec<u32> = (0..20).collect();
    assert_eq!(
        candidates(&prepared, &rows, &rows, 400)
            .unwrap()
            .pairs
            .len(),
        400
    );
    let refused = candidates(&prepared, &rows, &rows, 399).err().unwrap();
    assert_eq!(
        refused.to_string(),
        "every blocking rule would make more candidate pairs than the limit pairs_max of 399; the smallest would make 400"
    );
}

#[test]
fn files_without_a_common_field_have_no_candidates() {
    let left = file(&[Some("REID")], &[None]);
    let spine = file(&[None], &[Some("1980-01-02")]);
    let prepared = prepare(&left, &spine, &Settings::standard()).unwrap();
    let found = candidates(&prepared, &[0], &[0], 10).unwrap();
    assert!(found.pairs.is_empty() && found.no_shared_field());
}
