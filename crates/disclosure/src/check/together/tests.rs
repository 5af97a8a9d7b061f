//! Requests over few people, and a reader who adds and subtracts whatever is shown.

use std::collections::BTreeMap;

use super::*;
use crate::Datum;
use crate::evidence::{Behind, Class, Column, Group, Kind, Role, Visible};

const MINIMUM: u64 = 3;

fn policy() -> Policy {
    let text = format!(
        "name = \"t\"\n[threshold]\nminimum = {MINIMUM}\nzero = \"safe\"\n[differencing]\nminimum = {MINIMUM}"
    );
    Policy::parse(&text).unwrap()
}

/// Counts of people by one key, with a total if asked for.
fn table(of: &BTreeMap<u32, &'static str>, with_total: bool) -> Traced {
    let mut evidence = Evidence::untraceable("s", "");
    evidence.class = Class::Table;
    evidence.keys = vec!["k".into()];
    evidence.sets = vec![vec![0], vec![]];
    let column = |name: &str, role| Column {
        name: name.into(),
        role,
        across: false,
    };
    evidence.columns = vec![
        column("k", Role::Key(0)),
        column("n", Role::Measure(Kind::Count)),
    ];
    let mut groups: BTreeMap<Option<&str>, Vec<u32>> = BTreeMap::new();
    for (person, key) in of {
        groups.entry(Some(key)).or_default().push(*person);
        if with_total {
            groups.entry(None).or_default().push(*person);
        }
    }
    let mut people = Vec::new();
    for (key, inside) in groups {
        let n = inside.len() as u64;
        let datum = key.map_or(Datum::Missing, |key| Datum::Text(key.into()));
        evidence.groups.push(Group {
            values: vec![datum.clone(), Datum::Number(n.to_string())],
            key: vec![datum],
            set: u16::from(key.is_none()),
            visible: Visible::Shown,
            people: n,
            rows: n,
            behind: vec![Behind { people: n, rows: n }],
            magnitudes: vec![],
            row_atoms: vec![],
            person_atoms: vec![],
        });
        people.push(inside);
    }
    assert_eq!(evidence.validate(), Ok(()));
    Traced { evidence, people }
}

/// Whether the sum over some people follows from the shown counts: the rank of the counts does not rise with it.
fn follows(shown: &[Vec<f64>], wanted: &[f64]) -> bool {
    let rank = |mut rows: Vec<Vec<f64>>| {
        let mut rank = 0;
        for column in 0..wanted.len() {
            let pivot = (rank..rows.len()).find(|row| rows[*row][column].abs() > 1e-9);
            let Some(pivot) = pivot else { continue };
            rows.swap(rank, pivot);
            let line = rows[rank].clone();
            for row in rows.iter_mut().skip(rank + 1) {
                let factor = row[column] / line[column];
                for (value, by) in row.iter_mut().zip(&line) {
                    *value -= factor * by;
                }
            }
            rank += 1;
        }
        rank
    };
    let with = shown.iter().cloned().chain([wanted.to_vec()]).collect();
    rank(with) == rank(shown.to_vec())
}

mod linked;
mod people;

struct Dice(u64);

impl Dice {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005);
        self.0 = self.0.wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }
}

#[test]
fn what_leaves_of_a_request_isolates_nobody_by_sums_and_differences() {
    let mut dice = Dice(7);
    let (mut treated, mut left, mut cells) = (0, 0, 0);
    for _ in 0..60 {
        let n = 14 + u32::try_from(dice.below(10)).unwrap();
        let request: Vec<Traced> = (0..3)
            .map(|_| {
                let mut of = BTreeMap::new();
                for person in 0..n {
                    let key = ["a", "b", "c"][usize::try_from(dice.below(3)).unwrap()];
                    if dice.below(12) > 0 {
                        of.insert(person, key);
                    }
                }
                table(&of, dice.below(2) == 0)
            })
            .collect();
        let reports = check_together(&request, n as usize, &policy());
        let mut shown: Vec<Vec<f64>> = Vec::new();
        for (one, report) in request.iter().zip(&reports) {
            for cell in one.cells(report) {
                cells += 1;
                if cell.shown {
                    let is_in = |person| {
                        if cell.people.contains(&person) {
                            1.0
                        } else {
                            0.0
                        }
                    };
                    shown.push((0..n).map(is_in).collect());
                }
            }
        }
        let report = as_one(reports, &policy());
        if !matches!(report.verdict, Verdict::Pass | Verdict::Treat) {
            continue;
        }
        treated += usize::from(report.verdict == Verdict::Treat);
        left += shown.len();
        for first in 0..n {
            for second in first..n {
                let wanted = (0..n).map(|p| f64::from(u8::from(p == first || p == second)));
                let wanted: Vec<f64> = wanted.collect();
                assert!(
                    !follows(&shown, &wanted),
                    "{first} and {second}: {report:?}"
                );
            }
        }
    }
    assert!(treated > 20, "{treated}");
    assert!(left > 60, "{left} of {cells}");
}

#[test]
fn a_table_that_passes_leaves_whole_beside_one_that_is_treated() {
    let people = |of: std::ops::Range<u32>, key| of.map(move |person| (person, key));
    let both = people(0..10, "a").chain(people(10..20, "b")).collect();
    let less = people(1..10, "a").chain(people(10..20, "b")).collect();
    let request = [table(&both, false), table(&less, false)];
    let report = as_one(check_together(&request, 20, &policy()), &policy());
    assert_eq!(report.verdict, Verdict::Treat);
    let numbers = |output: &Output| {
        let rows = output.treated_rows.iter();
        rows.filter(|row| row[1] != Datum::Missing).count()
    };
    let left: Vec<usize> = report.outputs.iter().map(numbers).collect();
    assert_eq!(left, [2, 1]);
    let same = [table(&both, false), table(&both, true)];
    let report = as_one(check_together(&same, 20, &policy()), &policy());
    assert_eq!(report.verdict, Verdict::Pass, "{report:?}");
}
