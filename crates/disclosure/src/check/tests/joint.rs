//! Tables with totals of several numbers side by side, and an attacker who has nothing but the rows that leave:
//! linear programmes written from these rows, for every cell that breaks a rule.

use std::collections::BTreeMap;

use microlp::{ComparisonOp, OptimizationDirection, Problem, Variable};

use super::*;
use crate::evidence::{Magnitude, Part};

const KEYS: [&str; 3] = ["a", "b", "c"];
const LEVELS: [&str; 4] = ["w", "x", "y", "z"];

pub(super) struct Dice(pub(super) u64);

impl Dice {
    pub(super) fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005);
        self.0 = self.0.wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }
}

/// The sets of a cube over two keys, with the key of an inner cell in each.
fn sets_of(k: &str, l: &str) -> [(u16, Vec<Datum>); 4] {
    [
        (0, vec![text(k), text(l)]),
        (1, vec![text(k), Datum::Missing]),
        (2, vec![Datum::Missing, text(l)]),
        (3, vec![Datum::Missing, Datum::Missing]),
    ]
}

fn cube_of(columns: Vec<Column>) -> Evidence {
    let mut evidence = table(&["k", "l"], columns, &[]);
    evidence.sets = vec![vec![0, 1], vec![0], vec![1], vec![]];
    evidence
}

/// A cube of people, and how many of them have a property. `inner`: in the property, not in it.
fn two_counts(inner: &BTreeMap<(&str, &str), (u64, u64)>) -> Evidence {
    let mut evidence = cube_of(vec![measure("n", Kind::Count), measure("ill", Kind::Count)]);
    let counted = |label: &str, whole| Counted {
        label: label.into(),
        level: CountLevel::Rows,
        whole,
    };
    evidence.counts = vec![counted("n", Whole::Whole), counted("ill", Whole::Part)];
    let mut groups: BTreeMap<(u16, Vec<Datum>), (u64, u64)> = BTreeMap::new();
    for ((k, l), (ill, well)) in inner.iter().filter(|(_, (ill, well))| ill + well > 0) {
        for key in sets_of(k, l) {
            let sum = groups.entry(key).or_default();
            *sum = (sum.0 + ill, sum.1 + well);
        }
    }
    for ((set, key), (ill, well)) in groups {
        let all = ill + well;
        let atom = |pattern, rows| Atom {
            pattern,
            rows,
            people: rows,
        };
        let behind = |people| Behind {
            people,
            rows: people,
        };
        evidence.groups.push(Group {
            values: key.iter().cloned().chain([n(all), n(ill)]).collect(),
            key,
            set,
            visible: Visible::Shown,
            people: all,
            rows: all,
            behind: vec![behind(all), behind(ill)],
            magnitudes: vec![],
            row_atoms: [atom(0b11, ill), atom(0b01, well)]
                .into_iter()
                .filter(|atom| atom.rows > 0)
                .collect(),
            person_atoms: vec![],
        });
    }
    assert_eq!(evidence.validate(), Ok(()));
    evidence
}

/// The least and largest value of a sum of variables, given what the treated rows say: for each shown number,
/// which variables of which inner cells add up to it.
fn between(
    rows: &[Vec<Datum>],
    parts_of: &[&[usize]],
    wanted: &dyn Fn(&str, &str, usize) -> f64,
) -> (f64, f64) {
    let solve = |direction| {
        let mut problem = Problem::new(direction);
        let mut variables: BTreeMap<(&str, &str, usize), Variable> = BTreeMap::new();
        let kinds = parts_of
            .iter()
            .flat_map(|parts| parts.iter())
            .max()
            .unwrap()
            + 1;
        for k in KEYS {
            for l in LEVELS {
                for kind in 0..kinds {
                    let variable = problem.add_var(wanted(k, l, kind), (0.0, f64::INFINITY));
                    variables.insert((k, l, kind), variable);
                }
            }
        }
        for row in rows {
            for (column, parts) in parts_of.iter().enumerate() {
                let Some(shown) = row[2 + column].text() else {
                    continue;
                };
                let fits = |(k, l, kind): &(&str, &str, usize)| {
                    row[0].text().is_none_or(|value| value == *k)
                        && row[1].text().is_none_or(|value| value == *l)
                        && parts.contains(kind)
                };
                let inside = variables.iter().filter(|(place, _)| fits(place));
                let terms: Vec<(Variable, f64)> = inside.map(|(_, v)| (*v, 1.0)).collect();
                problem.add_constraint(terms, ComparisonOp::Eq, shown.parse::<f64>().unwrap());
            }
        }
        match problem.solve() {
            Ok(outcome) => outcome.into_solution().unwrap().objective(),
            Err(microlp::Error::Unbounded) => f64::INFINITY,
            Err(other) => panic!("{other}"),
        }
    };
    (
        solve(OptimizationDirection::Minimize),
        solve(OptimizationDirection::Maximize),
    )
}

fn fits(cell: &CellReport, k: &str, l: &str) -> bool {
    let value = |place: usize| cell.key.0[place].1.text();
    value(0).is_none_or(|value| value == k) && value(1).is_none_or(|value| value == l)
}

#[test]
fn a_part_and_its_whole_with_totals_cannot_be_undone() {
    let mut dice = Dice(11);
    let (mut treated, mut hidden, mut cells) = (0, 0, 0);
    for round in 0..24 {
        let zero = if round % 2 == 0 { "unsafe" } else { "safe" };
        let mut inner = BTreeMap::new();
        for k in KEYS {
            for l in LEVELS {
                let well = 10 + dice.below(60);
                let ill = match dice.below(8) {
                    0 => 1 + dice.below(8),
                    1 if round % 5 == 0 => 0,
                    _ => 10 + dice.below(40),
                };
                let is_empty = round % 7 == 0 && (k, l) == ("b", "y");
                inner.insert((k, l), if is_empty { (0, 0) } else { (ill, well) });
            }
        }
        let report = check(&two_counts(&inner), &policy(zero));
        let output = &report.outputs[0];
        if report.verdict != Verdict::Treat {
            continue;
        }
        treated += 1;
        for cell in &output.cells {
            let shows = ["n", "ill"].contains(&cell.column.as_str());
            cells += usize::from(shows);
            hidden += usize::from(shows && cell.status != Status::Ok);
            if cell.status != Status::Primary {
                continue;
            }
            let wanted = |k: &str, l: &str, kind: usize| {
                let counts = match cell.column.as_str() {
                    "n" => true,
                    "ill" => kind == 0,
                    "n - ill" => kind == 1,
                    other => panic!("{other}"),
                };
                if fits(cell, k, l) && counts { 1.0 } else { 0.0 }
            };
            // Column n is the sum of both kinds of people, column ill of the first.
            let (least, most) = between(&output.treated_rows, &[&[0, 1], &[0]], &wanted);
            assert!(
                least <= 1.0 + 1e-6 && most >= 10.0 - 1e-6,
                "{least} to {most}\n{}",
                picture(&report)
            );
        }
    }
    assert!(treated > 12, "{treated}");
    // All that overlaps would be far more than half.
    assert!(hidden * 2 < cells, "{hidden} of {cells}");
}

/// A cube of costs. `inner`: what each person costs.
fn costs(inner: &BTreeMap<(&str, &str), Vec<u64>>, is_mean: bool) -> Evidence {
    let mut evidence = cube_of(vec![
        measure("n", Kind::Count),
        measure("cost", Kind::Total),
    ]);
    evidence.counts = vec![Counted {
        label: "n".into(),
        level: CountLevel::Rows,
        whole: Whole::Whole,
    }];
    evidence.parts = vec![Part {
        measures: vec![1],
        label: "cost".into(),
        kind: Kind::Total,
        quantile: None,
    }];
    let mut groups: BTreeMap<(u16, Vec<Datum>), Vec<u64>> = BTreeMap::new();
    for ((k, l), values) in inner {
        for key in sets_of(k, l) {
            groups.entry(key).or_default().extend(values);
        }
    }
    for ((set, key), mut values) in groups {
        values.sort_unstable_by(|a, b| b.cmp(a));
        let people = values.len() as u64;
        let total = values.iter().sum::<u64>() as f64;
        let shown = if is_mean {
            total / people as f64
        } else {
            total
        };
        let behind = Behind {
            people,
            rows: people,
        };
        evidence.groups.push(Group {
            values: key
                .iter()
                .cloned()
                .chain([n(people), Datum::Number(shown.to_string())])
                .collect(),
            key,
            set,
            visible: Visible::Shown,
            people,
            rows: people,
            behind: vec![behind, behind],
            magnitudes: vec![Magnitude {
                people,
                rows: people,
                unnamed: 0,
                negative: 0,
                odd: 0,
                active: people,
                flags: false,
                total,
                top: values.iter().take(10).map(|v| *v as f64).collect(),
                same: false,
                least: 1,
                most: 1,
                below: 0,
                above: 0,
            }],
            row_atoms: vec![],
            person_atoms: vec![],
        });
    }
    assert_eq!(evidence.validate(), Ok(()));
    evidence
}

#[test]
fn dominated_totals_and_means_stay_unknown_by_a_tenth() {
    let rules = Policy::parse(
        "name = \"t\"\n[threshold]\nminimum = 10\nzero = \"safe\"\n[dominance]\nn = 2\nk = 0.9\n[p_percent]\np = 0.1",
    );
    let rules = rules.unwrap();
    let mut dice = Dice(5);
    let (mut treated, mut hidden, mut cells) = (0, 0, 0);
    for round in 0..24 {
        let is_mean = round % 2 == 1;
        let mut inner = BTreeMap::new();
        for k in KEYS {
            for l in LEVELS {
                let people = if dice.below(10) == 0 {
                    4
                } else {
                    12 + dice.below(30)
                };
                let mut values: Vec<u64> = (0..people).map(|_| 50 + dice.below(400)).collect();
                if dice.below(10) == 0 {
                    values[0] = 1_000_000 + dice.below(500_000);
                }
                inner.insert((k, l), values);
            }
        }
        let report = check(&costs(&inner, is_mean), &rules);
        let output = &report.outputs[0];
        if report.verdict != Verdict::Treat {
            continue;
        }
        treated += 1;
        let people = |k: &str, l: &str| inner[&(k, l)].len() as f64;
        for cell in &output.cells {
            cells += 1;
            hidden += usize::from(cell.status != Status::Ok);
            if cell.status != Status::Primary || cell.column != "cost" {
                continue;
            }
            // An attacker who knows how many people are in every cell: means are sums to them.
            let sums: Vec<Vec<Datum>> = output
                .treated_rows
                .iter()
                .map(|row| {
                    let mut row = row.clone();
                    if let (true, Some(mean)) = (is_mean, row[3].text()) {
                        let inside = inner.keys().filter(|(k, l)| {
                            row[0].text().is_none_or(|v| v == *k)
                                && row[1].text().is_none_or(|v| v == *l)
                        });
                        let all: f64 = inside.map(|(k, l)| people(k, l)).sum();
                        row[3] = Datum::Number((mean.parse::<f64>().unwrap() * all).to_string());
                    }
                    row
                })
                .collect();
            let wanted = |k: &str, l: &str, kind: usize| {
                if fits(cell, k, l) && kind == 1 {
                    1.0
                } else {
                    0.0
                }
            };
            let (least, most) = between(&sums, &[&[0], &[1]], &wanted);
            let inside = inner.iter().filter(|((k, l), _)| fits(cell, k, l));
            let truth = inside.map(|(_, v)| v.iter().sum::<u64>()).sum::<u64>() as f64;
            assert!(
                least <= 0.9 * truth * (1.0 + 1e-5) && most >= 1.1 * truth * (1.0 - 1e-5),
                "{truth}: {least} to {most}\n{}",
                picture(&report)
            );
        }
    }
    assert!(treated > 12, "{treated}");
    assert!(hidden * 2 < cells, "{hidden} of {cells}");
}

/// A sum over a column of zeros and ones is a count of the ones, whatever it is called.
#[test]
fn a_sum_of_flags_is_judged_by_who_has_the_flag() {
    let with = |ones: usize, others: u64| {
        let values = |ones: usize, others| {
            let mut values = vec![0; 40];
            values.iter_mut().take(ones).for_each(|value| *value = 1);
            values.push(others);
            values
        };
        let inner = BTreeMap::from([
            (("a", "x"), values(ones, 0)),
            (("b", "y"), values(20, others)),
        ]);
        let mut evidence = costs(&inner, false);
        for group in &mut evidence.groups {
            let values = &mut group.magnitudes[0];
            values.active = values.total as u64;
            values.flags = others < 2;
        }
        let report = check(&evidence, &policy("safe"));
        let cells = &report.outputs[0].cells;
        let of_a = |cell: &&CellReport| fits(cell, "a", "x") && cell.column == "cost";
        let cell = cells.iter().find(of_a).unwrap();
        (cell.status, cell.findings.first().map(|found| found.rule))
    };
    assert_eq!(with(3, 0), (Status::Primary, Some(Rule::Threshold)));
    assert_eq!(with(15, 0), (Status::Ok, None));
    assert_eq!(
        with(35, 0),
        (Status::Primary, Some(Rule::Threshold)),
        "six have none"
    );
    assert_eq!(with(3, 2), (Status::Ok, None), "other values are there");
}
