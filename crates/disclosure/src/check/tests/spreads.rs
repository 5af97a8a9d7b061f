//! Spreads with totals, and an attacker who knows how many there are and every mean that may be known: then the
//! squares within the groups add up.

use std::collections::BTreeMap;

use microlp::{ComparisonOp, OptimizationDirection, Problem, Variable};

use super::*;
use crate::evidence::{Magnitude, Part};

pub(super) const KEYS: [&str; 3] = ["a", "b", "c"];
pub(super) const LEVELS: [&str; 4] = ["w", "x", "y", "z"];

pub(super) type Inner = BTreeMap<(&'static str, &'static str), Vec<f64>>;

pub(super) fn rules() -> Policy {
    Policy::parse(
        "name = \"t\"\n[threshold]\nminimum = 10\nzero = \"safe\"\n[degrees_of_freedom]\nminimum = 10\n[p_percent]\np = 0.1",
    )
    .unwrap()
}

pub(super) fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// Squared distances from the mean.
fn squares(values: &[f64]) -> f64 {
    let mean = mean(values);
    values.iter().map(|v| (v - mean).powi(2)).sum()
}

pub(super) fn inside<'i>(inner: &'i Inner, k: Option<&'i str>, l: Option<&'i str>) -> Vec<f64> {
    let fits = inner
        .iter()
        .filter(|((a, b), _)| k.is_none_or(|k| k == *a) && l.is_none_or(|l| l == *b));
    fits.flat_map(|(_, values)| values.iter().copied())
        .collect()
}

/// A cube of standard deviations, with or without means beside them.
pub(super) fn cube(inner: &Inner, with_means: bool) -> Evidence {
    let mut columns = vec![measure("spread", Kind::Spread)];
    if with_means {
        columns.push(measure("mean", Kind::Total));
    }
    let mut evidence = table(&["k", "l"], columns, &[]);
    evidence.sets = vec![vec![0, 1], vec![0], vec![1], vec![]];
    let part = |place: u16, label: &str, kind| Part {
        measures: vec![place],
        label: label.into(),
        kind,
        quantile: None,
    };
    evidence.parts = vec![part(0, "spread", Kind::Spread)];
    if with_means {
        evidence.parts.push(part(1, "mean", Kind::Total));
    }
    let keys = || KEYS.into_iter().map(Some).chain([None]);
    for (k, l) in keys().flat_map(|k| {
        LEVELS
            .into_iter()
            .map(Some)
            .chain([None])
            .map(move |l| (k, l))
    }) {
        let mut values = inside(inner, k, l);
        values.sort_by(|a, b| b.total_cmp(a));
        let people = values.len() as u64;
        let datum = |key: Option<&str>| key.map_or(Datum::Missing, text);
        let number = |value: f64| Datum::Number(value.to_string());
        let key = vec![datum(k), datum(l)];
        let mut shown = key.clone();
        shown.push(match people {
            1 => Datum::Missing,
            _ => number((squares(&values) / (people - 1) as f64).sqrt()),
        });
        shown.extend(with_means.then(|| number(mean(&values))));
        let magnitude = Magnitude {
            people,
            rows: people,
            unnamed: 0,
            negative: 0,
            odd: 0,
            total: values.iter().sum(),
            top: values.iter().take(10).copied().collect(),
            active: people,
            flags: false,
            same: values.first() == values.last(),
            least: 1,
            most: 1,
            below: 0,
            above: 0,
        };
        let measures = evidence.parts.len();
        evidence.groups.push(Group {
            key,
            set: match (k, l) {
                (Some(_), Some(_)) => 0,
                (Some(_), None) => 1,
                (None, Some(_)) => 2,
                (None, None) => 3,
            },
            visible: Visible::Shown,
            people,
            rows: people,
            values: shown,
            behind: vec![
                Behind {
                    people,
                    rows: people
                };
                measures
            ],
            magnitudes: vec![magnitude; measures],
            row_atoms: vec![],
            person_atoms: vec![],
        });
    }
    assert_eq!(evidence.validate(), Ok(()));
    evidence
}

/// The least and largest sum of squares of a group, given the rows that leave, all counts and all means.
fn between(rows: &[Vec<Datum>], inner: &Inner, wanted: (Option<&str>, Option<&str>)) -> (f64, f64) {
    let fits = |(a, b): &(&str, &str), (k, l): (Option<&str>, Option<&str>)| {
        k.is_none_or(|k| k == *a) && l.is_none_or(|l| l == *b)
    };
    let solve = |direction| {
        let mut problem = Problem::new(direction);
        let variable = |place: &(&'static str, &'static str)| {
            let weight = if fits(place, wanted) { 1.0 } else { 0.0 };
            (*place, problem.add_var(weight, (0.0, f64::INFINITY)))
        };
        let variables: BTreeMap<_, Variable> = inner.keys().map(variable).collect();
        for row in rows {
            let Some(spread) = row[2].text() else {
                continue;
            };
            let place = (row[0].text(), row[1].text());
            let all = inside(inner, place.0, place.1);
            let total = spread.parse::<f64>().unwrap().powi(2) * (all.len() as f64 - 1.0);
            let parts = inner.iter().filter(|(one, _)| fits(one, place));
            let apart: f64 = parts
                .map(|(_, v)| v.len() as f64 * (mean(v) - mean(&all)).powi(2))
                .sum();
            let terms = variables.iter().filter(|(one, _)| fits(one, place));
            let terms: Vec<(Variable, f64)> = terms.map(|(_, v)| (*v, 1.0)).collect();
            // Rounding errors of the squares would make equations contradict each other.
            let within = total - apart;
            let error = 1e-9 * total;
            problem.add_constraint(terms.clone(), ComparisonOp::Ge, within - error);
            problem.add_constraint(terms, ComparisonOp::Le, within + error);
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

/// Cells of few people, of exactly ten (nine degrees of freedom), of ten alike, and large ones.
fn people(dice: &mut joint::Dice) -> Inner {
    let mut inner = Inner::new();
    for k in KEYS {
        for l in LEVELS {
            let (people, alike) = match dice.below(10) {
                0 => (2 + dice.below(7), false),
                1 => (10, false),
                2 => (10, true),
                _ => (12 + dice.below(40), false),
            };
            let value = |_| match alike {
                true => 300.0,
                false => 100.0 + dice.below(400) as f64,
            };
            inner.insert((k, l), (0..people).map(value).collect());
        }
    }
    inner
}

#[test]
fn a_spread_that_can_be_taken_apart_stays_unknown_by_a_tenth() {
    let mut dice = joint::Dice(23);
    let (mut treated, mut attacked, mut hidden, mut cells) = (0, 0, 0, 0);
    for round in 0..40 {
        let with_means = round % 2 == 0;
        let inner = people(&mut dice);
        let report = check(&cube(&inner, with_means), &rules());
        let output = &report.outputs[0];
        treated += usize::from(report.verdict == Verdict::Treat);
        for cell in output.cells.iter().filter(|c| c.column == "spread") {
            cells += 1;
            hidden += usize::from(cell.status != Status::Ok);
            let place = (cell.key.0[0].1.text(), cell.key.0[1].1.text());
            let values = inside(&inner, place.0, place.1);
            let truth = squares(&values);
            // Without means in the table, those of few people and of people alike are in no output.
            let is_known = with_means || values.len() >= 10 && truth > 0.0;
            if cell.status != Status::Primary || !is_known {
                continue;
            }
            attacked += 1;
            let (least, most) = between(&output.treated_rows, &inner, place);
            assert!(
                least <= 0.9 * truth + 1e-3 && most >= 1.1 * truth - 1e-3 && most > 1.0,
                "{truth}: {least} to {most}\n{}",
                picture(&report)
            );
        }
    }
    assert!(treated > 30 && attacked > 60, "{treated}, {attacked}");
    assert!(hidden * 2 < cells, "{hidden} of {cells}");
}

#[test]
fn the_spread_of_few_people_takes_nothing_along_where_no_mean_is_known() {
    let mut inner = people(&mut joint::Dice(1));
    for (number, values) in inner.values_mut().enumerate() {
        *values = (0..30).map(|v| f64::from(v * v)).collect();
        values.truncate(if number == 5 { 6 } else { 30 });
    }
    let secondary = |with_means| {
        let report = check(&cube(&inner, with_means), &rules());
        assert_eq!(report.verdict, Verdict::Treat);
        let cells = report.outputs[0].cells.iter();
        cells
            .filter(|c| c.column == "spread" && c.status == Status::Secondary)
            .count()
    };
    assert_eq!((secondary(false), secondary(true)), (0, 3));
}

/// Two totals whose difference is of three people: nothing of the table alone may give it.
#[test]
fn a_difference_of_totals_that_is_unsafe_is_not_left_to_be_formed() {
    let mut dice = joint::Dice(3);
    let mut inner = people(&mut dice);
    for values in inner.values_mut() {
        *values = (0..40).map(|_| 100.0 + dice.below(400) as f64).collect();
    }
    let mut evidence = cube(&inner, false);
    evidence.columns[2] = measure("all", Kind::Total);
    evidence.columns.push(measure("most", Kind::Total));
    let part = |measures: &[u16], label: &str| Part {
        measures: measures.to_vec(),
        label: label.into(),
        kind: Kind::Total,
        quantile: None,
    };
    evidence.parts = vec![
        part(&[0], "all"),
        part(&[1], "most"),
        part(&[], "all - most"),
    ];
    for group in &mut evidence.groups {
        let place = (group.key[0].text(), group.key[1].text());
        let values = inside(&inner, place.0, place.1);
        // Three of each inner cell are left out, and twelve of a.
        let parts = inner.iter().filter(|((a, b), _)| {
            place.0.is_none_or(|k| k == *a) && place.1.is_none_or(|l| l == *b)
        });
        let most: Vec<f64> = parts
            .flat_map(|((a, _), values)| &values[if *a == "a" { 12 } else { 3 }..])
            .copied()
            .collect();
        let people = values.len() as u64;
        let magnitude = |people: u64, total: f64| Magnitude {
            people,
            rows: people,
            total,
            top: vec![total / people as f64; people.min(10) as usize],
            active: people,
            ..group.magnitudes[0].clone()
        };
        let (total, left) = (values.iter().sum::<f64>(), most.iter().sum::<f64>());
        group.magnitudes = vec![
            magnitude(people, total),
            magnitude(most.len() as u64, left),
            magnitude(people - most.len() as u64, total - left),
        ];
        group.behind = vec![people, most.len() as u64]
            .into_iter()
            .map(|people| Behind {
                people,
                rows: people,
            })
            .collect();
        group.values.truncate(2);
        let shown = [total, left].map(|value| Datum::Number(value.to_string()));
        group.values.extend(shown);
    }
    assert_eq!(evidence.validate(), Ok(()));
    let report = check(&evidence, &policy("safe"));
    let output = &report.outputs[0];
    let is_formed =
        |cell: &&CellReport| cell.column == "all - most" && cell.status == Status::Primary;
    let mut unsafe_cells = output.cells.iter().filter(is_formed).peekable();
    assert!(unsafe_cells.peek().is_some());
    for cell in unsafe_cells {
        let key: Vec<Option<&str>> = cell.key.0.iter().map(|(_, v)| v.text()).collect();
        let row = output
            .treated_rows
            .iter()
            .find(|row| row[0].text() == key[0] && row[1].text() == key[1]);
        let both = row.is_some_and(|row| row[2..].iter().all(|v| *v != Datum::Missing));
        assert!(!both, "{}", picture(&report));
    }
}
