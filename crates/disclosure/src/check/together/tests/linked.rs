//! Several tables over the same people, and an attacker who has nothing but the rows that leave of all of them: linear
//! programmes written from these rows, for every cell of every table that breaks a rule.

use std::collections::{BTreeMap, BTreeSet};

use microlp::{ComparisonOp, OptimizationDirection, Problem, Variable};

use super::Dice;
use super::people::{Asked, KEYS, Person, counts_in, table};
use crate::check::{Traced, as_one, check, check_together};
use crate::report::{Report, Status, Verdict};
use crate::{Datum, Policy};

/// An inner cell of everything: k, level, m, and what is summed there: the ill, the others, their costs.
type Inner = (usize, usize, usize, usize);

const ILL: usize = 0;
const WELL: usize = 1;
const COST: usize = 2;

/// Which inner cells add up to a number in a column of a group.
fn adds_up(asked: &Asked, key: &[Datum], column: &str, (k, level, m, what): &Inner) -> bool {
    let inner = Person {
        k: *k,
        level: *level,
        m: *m,
        is_ill: false,
        cost: 0,
    };
    let mut keys = asked.keys.iter().zip(key);
    let is_inside = keys.all(|(name, value)| {
        value
            .text()
            .is_none_or(|value| value == inner.key(name).to_string())
    });
    let counts = match column {
        "n" => *what == ILL || *what == WELL,
        "ill" => *what == ILL,
        "n - ill" => *what == WELL,
        _ => *what == COST,
    };
    is_inside && counts
}

/// What an attacker finds out of a sum of inner cells from the rows that leave: its least and its largest value.
struct Attacker<'a> {
    people: &'a [Person],
    leaves: Vec<(&'a Asked, Vec<Vec<Datum>>)>,
}

impl Attacker<'_> {
    fn between(&self, wanted: &dyn Fn(&Inner) -> bool) -> (f64, f64) {
        let bound = |direction| {
            let mut problem = Problem::new(direction);
            let mut variables: BTreeMap<Inner, Variable> = BTreeMap::new();
            for k in 0..3 {
                for level in 0..4 {
                    for m in 0..2 {
                        for what in [ILL, WELL, COST] {
                            let inner = (k, level, m, what);
                            let factor = f64::from(u8::from(wanted(&inner)));
                            variables.insert(inner, problem.add_var(factor, (0.0, f64::INFINITY)));
                        }
                    }
                }
            }
            for (asked, rows) in &self.leaves {
                for row in rows {
                    let (key, values) = row.split_at(asked.keys.len());
                    for (column, value) in asked.columns.iter().zip(values) {
                        let Some(value) = value.text() else { continue };
                        let value: f64 = value.parse().unwrap();
                        // Who knows how many there are takes a mean for a sum.
                        let value = match *column {
                            "mean" => value * self.inside(asked, key),
                            _ => value,
                        };
                        let parts = variables.iter();
                        let parts = parts.filter(|(inner, _)| adds_up(asked, key, column, inner));
                        let terms: Vec<(Variable, f64)> = parts.map(|(_, v)| (*v, 1.0)).collect();
                        problem.add_constraint(terms, ComparisonOp::Eq, value);
                    }
                }
            }
            match problem.solve() {
                Ok(outcome) => outcome.into_solution().unwrap().objective(),
                Err(microlp::Error::Unbounded) => f64::INFINITY,
                Err(other) => panic!("{other}"),
            }
        };
        (
            bound(OptimizationDirection::Minimize),
            bound(OptimizationDirection::Maximize),
        )
    }

    fn inside(&self, asked: &Asked, key: &[Datum]) -> f64 {
        let fits = |person: &&Person| {
            let mut keys = asked.keys.iter().zip(key);
            keys.all(|(name, value)| {
                value
                    .text()
                    .is_none_or(|value| value == person.key(name).to_string())
            })
        };
        self.people.iter().filter(fits).count() as f64
    }
}

/// The rows that leave of each statement.
fn leaving<'a>(request: &'a [Asked], report: &Report) -> Vec<(&'a Asked, Vec<Vec<Datum>>)> {
    let rows = report.outputs.iter().map(|output| match report.verdict {
        Verdict::Treat => output.treated_rows.clone(),
        _ => output.rows.clone(),
    });
    request.iter().zip(rows).collect()
}

/// Every cell that breaks a rule, and what an attacker with all that leaves knows of it: statement, column, least and
/// largest value, true value.
fn known<'a>(
    people: &[Person],
    request: &'a [Asked],
    leaves: Vec<(&'a Asked, Vec<Vec<Datum>>)>,
    report: &Report,
) -> Vec<(&'a str, f64, f64, f64)> {
    let attacker = Attacker { people, leaves };
    let mut found = Vec::new();
    for (asked, output) in request.iter().zip(&report.outputs) {
        let unsafe_cells = output.cells.iter();
        for cell in unsafe_cells.filter(|cell| cell.status == Status::Primary && cell.people > 0) {
            let key: Vec<Datum> = cell.key.0.iter().map(|(_, value)| value.clone()).collect();
            let columns = ["n", "ill", "n - ill", "cost", "mean"];
            let Some(column) = columns.into_iter().find(|one| *one == cell.column) else {
                panic!("{}", cell.column);
            };
            let (least, most) = attacker.between(&|inner| adds_up(asked, &key, column, inner));
            let truth: f64 = people
                .iter()
                .filter(|person| {
                    let kind = if person.is_ill { ILL } else { WELL };
                    let at = |what| (person.k, person.level, person.m, what);
                    let counted = adds_up(asked, &key, column, &at(kind));
                    counted || adds_up(asked, &key, column, &at(COST))
                })
                .map(|person| {
                    if counts_in(column) {
                        1.0
                    } else {
                        person.cost as f64
                    }
                })
                .sum();
            found.push((column, least, most, truth));
        }
    }
    found
}

fn policy() -> Policy {
    rules("safe")
}

fn rules(zero: &str) -> Policy {
    Policy::parse(&format!(
        "name = \"t\"\n[threshold]\nminimum = 10\nzero = \"{zero}\"\n[dominance]\nn = 2\nk = 0.9\n[p_percent]\np = 0.1\n[differencing]\nminimum = 10",
    ))
    .unwrap()
}

fn population(dice: &mut Dice) -> Vec<Person> {
    let mut people = Vec::new();
    for k in 0..3 {
        for level in 0..4 {
            let is_small = dice.below(7) == 0;
            for m in 0..2 {
                let n = match is_small {
                    true => dice.below(5),
                    false => 14 + dice.below(30),
                };
                let ill = 3 + dice.below(8);
                for number in 0..n {
                    people.push(Person {
                        k,
                        level,
                        m,
                        is_ill: number % 12 < ill,
                        cost: 50 + dice.below(400),
                    });
                }
                if n > 0 && dice.below(5) == 0 {
                    people.last_mut().unwrap().cost = 200_000 + dice.below(50_000);
                }
            }
        }
    }
    people
}

fn statement(dice: &mut Dice) -> Asked {
    let columns: [&[&'static str]; 5] =
        [&["n"], &["n", "ill"], &["ill"], &["n", "cost"], &["mean"]];
    let first = KEYS[usize::try_from(dice.below(4)).unwrap()];
    let keys: Vec<&'static str> = match dice.below(6) {
        0 => Vec::new(),
        1 | 2 => vec![first],
        _ => {
            let others: Vec<&'static str> = KEYS.into_iter().filter(|key| *key != first).collect();
            vec![first, others[usize::try_from(dice.below(3)).unwrap()]]
        }
    };
    Asked {
        is_cube: !keys.is_empty() && dice.below(3) == 0,
        keys,
        columns: columns[usize::try_from(dice.below(5)).unwrap()].to_vec(),
    }
}

/// Whether a cell stays as unknown as its rule asks: a small count any number from one to the minimum, a larger one
/// (which few people tell from another) the minimum to either side, a total a tenth of itself to either side.
fn is_protected((column, least, most, truth): &(&str, f64, f64, f64)) -> bool {
    match (counts_in(column), *truth < 10.0) {
        (true, true) => *least <= 1.0 + 1e-6 && *most >= 10.0 - 1e-6,
        (true, false) => *least <= truth - 10.0 + 1e-6 && *most >= truth + 10.0 - 1e-6,
        (false, _) => *least <= 0.9 * truth * (1.0 + 1e-5) && *most >= 1.1 * truth * (1.0 - 1e-5),
    }
}

fn hidden_in(report: &Report) -> usize {
    let cells = report.outputs.iter().flat_map(|output| &output.cells);
    cells.filter(|cell| cell.status != Status::Ok).count()
}

fn without_lineage(mut traced: Traced) -> Traced {
    traced.evidence.lineage = None;
    traced
}

#[test]
fn hidden_cells_of_tables_over_the_same_rows_cannot_be_undone_together() {
    let mut dice = Dice(23);
    let (mut treated, mut hidden, mut cells, mut undone) = (0, 0, 0, 0);
    let (mut hidden_apart, mut hidden_together) = (0, 0);
    for round in 0..120 {
        let rules = rules(if round % 3 == 0 { "unsafe" } else { "safe" });
        let people = population(&mut dice);
        let request: Vec<Asked> = (0..2 + dice.below(2))
            .map(|_| statement(&mut dice))
            .collect();
        let traced: Vec<Traced> = request.iter().map(|one| table(&people, one)).collect();
        let reports = check_together(&traced, people.len(), &rules);
        let report = as_one(reports, &rules);
        if report.verdict != Verdict::Treat {
            continue;
        }
        treated += 1;
        cells += report
            .outputs
            .iter()
            .map(|output| output.cells.len())
            .sum::<usize>();
        hidden += hidden_in(&report);
        let leaves = leaving(&request, &report);
        for cell in known(&people, &request, leaves, &report) {
            assert!(
                is_protected(&cell),
                "{cell:?} of {:?}",
                request
                    .iter()
                    .map(|one| (&one.keys, one.is_cube, &one.columns))
                    .collect::<Vec<_>>()
            );
        }
        // The same tables, each treated alone and compared by people.
        let apart: Vec<Traced> = traced.into_iter().map(without_lineage).collect();
        let apart = as_one(check_together(&apart, people.len(), &rules), &rules);
        if apart.verdict == Verdict::Treat {
            let leaves = leaving(&request, &apart);
            let known = known(&people, &request, leaves, &apart);
            match known.iter().all(is_protected) {
                true => {
                    hidden_apart += hidden_in(&apart);
                    hidden_together += hidden_in(&report);
                }
                false => undone += 1,
            }
        }
    }
    assert!(treated > 60, "{treated}");
    assert!(undone > 5, "{undone}");
    assert!(hidden * 2 < cells, "{hidden} of {cells}");
    // That is no dearer than hiding table by table where this is safe.
    assert!(
        hidden_together <= hidden_apart,
        "{hidden_together}, {hidden_apart}"
    );
}

/// One of twelve people makes up nearly all of a total that is hidden, and the total of all stands in the next
/// statement: nobody is told by few people between two tables, and yet the total would follow.
#[test]
fn a_dominated_total_does_not_follow_from_the_total_of_the_next_statement() {
    let mut people = Vec::new();
    for k in 0..3 {
        for number in 0..12 {
            let cost = if (k, number) == (0, 0) {
                1_000_000
            } else {
                100 + number
            };
            people.push(Person {
                k,
                level: 0,
                m: 0,
                is_ill: false,
                cost,
            });
        }
    }
    let request = [
        Asked {
            keys: vec!["k"],
            is_cube: false,
            columns: vec!["cost"],
        },
        Asked {
            keys: Vec::new(),
            is_cube: false,
            columns: vec!["cost"],
        },
    ];
    let traced: Vec<Traced> = request.iter().map(|one| table(&people, one)).collect();
    let each: Vec<Report> = traced
        .iter()
        .map(|one| check(&one.evidence, &policy()))
        .collect();
    // The total of all is dominated too, so that an output of it alone is refused.
    assert_eq!(each[1].verdict, Verdict::Fail);
    let mut more = people.clone();
    more.extend((0..12).map(|_| Person {
        k: 1,
        level: 0,
        m: 0,
        is_ill: false,
        cost: 2_000_000,
    }));
    let traced: Vec<Traced> = request.iter().map(|one| table(&more, one)).collect();
    let each: Vec<Report> = traced
        .iter()
        .map(|one| check(&one.evidence, &policy()))
        .collect();
    assert_eq!(each[1].verdict, Verdict::Pass);
    let alone = as_one(each, &policy());
    let found = known(&more, &request, leaving(&request, &alone), &alone);
    assert!(
        found.iter().any(|(_, least, most, _)| most - least < 1.0),
        "{found:?}"
    );
    let together = as_one(check_together(&traced, more.len(), &policy()), &policy());
    assert_eq!(together.verdict, Verdict::Treat, "{together:?}");
    let found = known(&more, &request, leaving(&request, &together), &together);
    assert!(
        !found.is_empty() && found.iter().all(is_protected),
        "{found:?}"
    );
}

/// Few people of one level and enough of three others, counted by level and by band.
fn levels_and_bands() -> (Vec<Person>, [Asked; 2], Vec<Traced>) {
    let mut people = Vec::new();
    for (level, n) in [(0, 4), (1, 30), (2, 30), (3, 30)] {
        people.extend((0..n).map(|_| Person {
            k: 0,
            level,
            m: 0,
            is_ill: false,
            cost: 100,
        }));
    }
    let request = ["level", "band"].map(|key| Asked {
        keys: vec![key],
        is_cube: false,
        columns: vec!["n"],
    });
    let traced: Vec<Traced> = request.iter().map(|one| table(&people, one)).collect();
    (people, request, traced)
}

/// Years of age in one table and bands of them in another are cells of one hierarchy.
#[test]
fn a_band_does_not_give_back_its_hidden_level() {
    let (people, request, traced) = levels_and_bands();
    let together = as_one(check_together(&traced, people.len(), &policy()), &policy());
    assert_eq!(together.verdict, Verdict::Treat);
    let found = known(&people, &request, leaving(&request, &together), &together);
    assert!(
        !found.is_empty() && found.iter().all(is_protected),
        "{found:?}"
    );
    // One more level, or one band, is hidden and no more.
    let left: BTreeSet<usize> = together
        .outputs
        .iter()
        .map(|output| {
            output
                .treated_rows
                .iter()
                .filter(|row| row[1] != Datum::Missing)
                .count()
        })
        .collect();
    assert!(
        left.iter().sum::<usize>() >= 2 && left.iter().max() <= Some(&3),
        "{together:?}"
    );
}

/// Where tables of the same rows have no pattern together, the report says which and why.
#[test]
fn that_tables_have_no_pattern_together_is_said() {
    let (people, _, traced) = levels_and_bands();
    let shipped = include_str!("../../../../../../policies/disclosure/default.toml");
    let few = shipped.replace("pattern_cells = 10000", "pattern_cells = 1");
    let policy = Policy::parse(&few).unwrap();
    let reports = check_together(&traced, people.len(), &policy);
    let found: Vec<&str> = reports
        .iter()
        .flat_map(|report| &report.findings)
        .map(|found| found.detail.as_str())
        .collect();
    assert!(
        found.iter().any(|one| one
            .contains("the tables 1, 2 of this request are of the same rows")
            && one.contains("pattern_cells, 1")),
        "{found:?}"
    );
}

/// A count of all that one table shows stays where another table, which shows a part of it alone, has a small one.
#[test]
fn a_part_in_one_table_does_not_hide_the_whole_in_another() {
    let mut people = Vec::new();
    for k in 0..3 {
        for number in 0..60 {
            people.push(Person {
                k,
                level: 0,
                m: 0,
                is_ill: number < if k == 0 { 4 } else { 30 },
                cost: 100,
            });
        }
    }
    let request = ["n", "ill"].map(|column| Asked {
        keys: vec!["k"],
        is_cube: false,
        columns: vec![column],
    });
    let traced: Vec<Traced> = request.iter().map(|one| table(&people, one)).collect();
    let together = as_one(check_together(&traced, people.len(), &policy()), &policy());
    assert_eq!(together.verdict, Verdict::Treat);
    let found = known(&people, &request, leaving(&request, &together), &together);
    assert!(
        !found.is_empty() && found.iter().all(is_protected),
        "{found:?}"
    );
    let left = |output: &crate::report::Output| {
        let rows = output.treated_rows.iter();
        rows.filter(|row| row[1] != Datum::Missing).count()
    };
    let left: Vec<usize> = together.outputs.iter().map(left).collect();
    assert_eq!(left, [3, 2], "{together:?}");
}
