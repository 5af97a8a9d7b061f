//! Practice: the same code over rows that are made up from the request and the data dictionary alone. It reads
//! no data and costs nothing, and its numbers mean nothing.

use std::time::Instant;

use engine::dummy::{self, Values};
use engine::measure::{MeasureError, prepare};
use engine::{Connection, Tables};
use privacy::{Bounds, Condition, Literal, Request, Statistic};
use protocol::job::{ColumnKind, Practice, PracticeColumn};
use protocol::limits::Limits;
use protocol::report::{Failure, Report};
use serde_json::json;

use super::super::source::settings;
use super::super::{Rooms, bad_input, internal};
use super::{Draw, FAILED, head, plan, priced, wait};

/// The column that tells people apart in every table of an extract.
const UNIT: &str = "person";
/// People and rows of each made-up table: enough for means, few enough for an instant.
const PEOPLE: u32 = 1_000;
const ROWS: u32 = 4_000;
/// Where nothing says what a number or a day may be.
const NUMBERS: (i64, i64) = (0, 100);
const DAYS: (&str, &str) = ("2015-01-01", "2024-12-31");
const FILE: &str = "practice.duckdb";
const SAYS: &str = "practice over made-up rows: no data was read, nothing was charged, and the numbers mean nothing";

/// Answers a request over made-up tables.
pub(in crate::jobs) fn run(
    rooms: &Rooms,
    job: &Practice,
    limits: &Limits,
) -> Result<Report, Failure> {
    let began = Instant::now();
    let priced = priced(&job.request, &job.limits)?;
    privacy::ready().map_err(|error| internal(error.to_string()))?;
    let made = rooms.made(FILE);
    let settings = settings(rooms, limits, limits.scratch_mib / 2);
    dummy::write(&settings, &made_up(&priced.request, job), &made)
        .map_err(|error| bad_input(error.to_string()))?;
    let connection = Connection::open(&settings, &Tables::Extract(made))
        .map_err(|error| internal(error.to_string()))?;
    let plan = plan::plan(&priced, UNIT, priced.sha256);
    let prepared = prepare(&connection, &plan).map_err(|error| match error {
        MeasureError::Failed => internal(FAILED),
        of_the_tables => bad_input(of_the_tables.to_string()),
    })?;
    let draw = Draw::of(&prepared, &priced, job.limits.groups).map_err(|()| internal(FAILED))?;
    let mut answer = head(&priced, UNIT);
    answer.insert("practice".into(), json!(SAYS));
    draw.each(1, |_, released| {
        if let serde_json::Value::Object(released) = released {
            answer.extend(released);
        }
        Ok(())
    })
    .map_err(|_| internal(FAILED))?;
    wait(began, job.limits.reply_ms);
    Ok(Report::Practice {
        answer: serde_json::Value::Object(answer).to_string(),
    })
}

fn made_up(request: &Request, job: &Practice) -> dummy::Plan {
    let tables = job
        .tables
        .iter()
        .map(|table| dummy::Table {
            name: table.name.clone(),
            rows: ROWS,
            columns: table
                .columns
                .iter()
                .map(|column| dummy::Column {
                    name: column.name.clone(),
                    values: values(request, &table.name, column),
                    missing_per_mille: 20,
                })
                .collect(),
        })
        .collect();
    dummy::Plan {
        seed: 1,
        people: PEOPLE,
        tables,
    }
}

/// What the request itself says that the column may hold; otherwise what its kind may.
fn values(request: &Request, table: &str, column: &PracticeColumn) -> Values {
    let whole = format!("{table}.{}", column.name);
    let is =
        |name: &str| name.eq_ignore_ascii_case(&column.name) || name.eq_ignore_ascii_case(&whole);
    match column.kind {
        ColumnKind::Text | ColumnKind::Postcode => {
            let named = named(request, &is);
            if named.is_empty() {
                Values::Text
            } else {
                Values::Set(named)
            }
        }
        ColumnKind::Integer => {
            let (from, to) = bounds(request, &is);
            Values::Integer {
                from: from.floor() as i64,
                to: to.ceil() as i64,
            }
        }
        ColumnKind::Number => {
            let (from, to) = bounds(request, &is);
            Values::Number { from, to }
        }
        ColumnKind::Date | ColumnKind::DateOfBirth => days(request, &is),
    }
}

fn conditions(request: &Request) -> impl Iterator<Item = &Condition> {
    let inner = request.features.iter().flat_map(|f| f.conditions.iter());
    request.filter.iter().chain(inner)
}

/// Every literal that the request compares the column with, or groups it by.
fn literals<'a>(
    request: &'a Request,
    is: &'a dyn Fn(&str) -> bool,
) -> impl Iterator<Item = &'a Literal> {
    let keys = request.group_by.iter().filter(|key| is(&key.column));
    let keys = keys.flat_map(|key| key.values.iter().flatten());
    let compared = conditions(request).filter(|c| is(&c.column));
    keys.chain(compared.flat_map(|c| c.values.iter()))
}

fn named(request: &Request, is: &dyn Fn(&str) -> bool) -> Vec<String> {
    let mut named: Vec<String> = literals(request, is)
        .filter_map(|literal| match literal {
            Literal::Missing => None,
            Literal::Boolean(value) => Some(value.to_string()),
            Literal::Number(value) => Some(value.to_string()),
            Literal::Date(value) | Literal::Text(value) => Some(value.clone()),
        })
        .collect();
    named.sort();
    named.dedup();
    named
}

/// The widest range that a statistic or literal of the request spans.
fn bounds(request: &Request, is: &dyn Fn(&str) -> bool) -> (f64, f64) {
    let of_statistics = request.statistics.iter().flat_map(|statistic| {
        let (column, ends): (&str, Vec<f64>) = match statistic {
            Statistic::Count { .. } | Statistic::People => return Vec::new(),
            Statistic::Sum { column, bounds }
            | Statistic::Mean { column, bounds }
            | Statistic::Variance { column, bounds }
            | Statistic::StandardDeviation { column, bounds } => {
                let Bounds { lower, upper } = bounds;
                (column, vec![*lower, *upper])
            }
            Statistic::Quantiles {
                column, candidates, ..
            } => (column, candidates.clone()),
            Statistic::Histogram { column, edges } => (column, edges.clone()),
        };
        if is(column) { ends } else { Vec::new() }
    });
    let compared = literals(request, is).filter_map(|literal| match literal {
        Literal::Number(value) => Some(*value),
        Literal::Missing | Literal::Boolean(_) | Literal::Date(_) | Literal::Text(_) => None,
    });
    let ends: Vec<f64> = of_statistics.chain(compared).collect();
    let low = ends.iter().copied().fold(f64::INFINITY, f64::min);
    let high = ends.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if low < high {
        (low, high)
    } else if low.is_finite() {
        (low, low + 1.0)
    } else {
        (NUMBERS.0 as f64, NUMBERS.1 as f64)
    }
}

fn days(request: &Request, is: &dyn Fn(&str) -> bool) -> Values {
    let mut days: Vec<&str> = literals(request, is)
        .filter_map(|literal| match literal {
            Literal::Date(day) => Some(day.as_str()),
            Literal::Missing | Literal::Boolean(_) | Literal::Number(_) | Literal::Text(_) => None,
        })
        .collect();
    days.sort_unstable();
    let (from, to) = match (days.first(), days.last()) {
        (Some(from), Some(to)) => (*from, *to),
        _ => DAYS,
    };
    Values::Date {
        from: from.to_owned(),
        to: to.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use protocol::job::PracticeTable;
    use serde_json::Value;

    use super::super::tests::{limits, policy, rooms};

    use super::*;

    fn practised(request: &str) -> Result<Value, Failure> {
        let (_dir, rooms) = rooms();
        let column = |name: &str, kind| PracticeColumn {
            name: name.into(),
            kind,
        };
        let job = Practice {
            request: request.into(),
            limits: policy(),
            tables: vec![PracticeTable {
                name: "visits".into(),
                columns: vec![
                    column("g", ColumnKind::Text),
                    column("x", ColumnKind::Number),
                    column("d", ColumnKind::Date),
                    column("n", ColumnKind::Integer),
                ],
            }],
        };
        match run(&rooms, &job, &limits())? {
            Report::Practice { answer } => Ok(serde_json::from_str(&answer).unwrap()),
            _ => panic!("another report"),
        }
    }

    #[test]
    fn a_practice_answers_with_the_groups_and_bounds_of_the_request() {
        let answer = practised(
            r#"{"table": "visits", "filter": {"column": "d", "op": ">=", "value": "2020-01-01"},
                "group_by": [{"column": "g", "values": ["north", "south"]}],
                "statistics": ["people", "count", {"statistic": "mean", "column": "x", "bounds": [18, 90]}],
                "l0": 2, "linf": 4, "rho": 1}"#,
        )
        .unwrap();
        assert!(answer["practice"].as_str().unwrap().contains("made-up"));
        let rows = answer["rows"].as_array().unwrap();
        assert_eq!(rows.len(), 2);
        for row in rows {
            assert!(row["values"]["count"]["value"].as_f64().unwrap() > 100.0);
            let mean = row["values"]["mean_x"]["value"].as_f64().unwrap();
            assert!((40.0..70.0).contains(&mean), "{mean}");
        }
    }

    #[test]
    fn a_column_that_no_table_has_is_named_before_anything_is_paid() {
        let failure = practised(
            r#"{"table": "visits", "statistics": [{"statistic": "mean", "column": "age", "bounds": [0, 1]}], "linf": 1, "rho": 1}"#,
        )
        .unwrap_err();
        assert!(failure.message.contains("age"), "{}", failure.message);
    }
}
