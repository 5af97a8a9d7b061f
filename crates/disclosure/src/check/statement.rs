//! Statements of several tables: the rows of a union, and a table in which numbers of others stand.
//!
//! Each table is judged by itself and beside the others, like the statements of one request. What leaves is computed
//! from the tables alone, so it shows nothing that they do not.

use std::cmp::Ordering;

use super::{finding, judge};
use crate::evidence::{Evidence, Place, Role, Sort};
use crate::report::{Output, PolicyName, Report, Rule, Verdict};
use crate::{Datum, Policy};

/// The reports on statements from the reports on their tables, which come in the order of [`Evidence::tables`].
pub fn by_statement<'e>(
    statements: impl IntoIterator<Item = &'e Evidence>,
    tables: Vec<Report>,
    policy: &Policy,
) -> Vec<Report> {
    let mut rest = tables.into_iter();
    let of = |statement: &Evidence| {
        let reports = rest.by_ref().take(statement.tables().count());
        as_statement(statement, reports.collect(), policy)
    };
    statements.into_iter().map(of).collect()
}

/// The report on a statement from those on its tables, which are known to be safe beside each other.
fn as_statement(statement: &Evidence, mut tables: Vec<Report>, policy: &Policy) -> Report {
    if statement.further.is_empty()
        && let Some(only) = tables.pop()
    {
        return only;
    }
    let of_inside = |one: &&crate::evidence::Further| one.place == Place::Inside;
    let inside = statement.further.iter().filter(of_inside).count();
    let stacked = tables.split_off(inside.min(tables.len()));
    let mut report = Report {
        verdict: Verdict::Pass,
        outputs: Vec::new(),
        findings: Vec::new(),
        policy: PolicyName::of(policy),
        minimum: policy.minimum(),
    };
    for one in stacked.iter().chain(&tables) {
        report.verdict = report.verdict.max(one.verdict);
        report.findings.extend(one.findings.iter().cloned());
    }
    if tables.iter().any(|one| one.verdict != Verdict::Pass) {
        report.verdict = report.verdict.max(Verdict::Review);
        let detail =
            "numbers of another table stand in this one, and not all of that table is safe";
        report.findings.push(finding(Rule::Untraceable, detail));
    }
    let shown = statement.tables().skip(inside);
    let mut output = under(shown, stacked, report.verdict);
    output.statement.clone_from(&statement.statement);
    let cells = tables.into_iter().flat_map(|one| one.outputs);
    output.cells.extend(cells.flat_map(|one| one.cells));
    // What leaves of a treated table keeps an order that tells nothing of what is hidden.
    if let Some(union) = &statement.union {
        if union.distinct {
            output.rows = distinct(output.rows);
        }
        output
            .rows
            .sort_by(|one, other| order(one, other, &union.order));
    }
    report.outputs.push(output);
    report
}

/// The tables one under the other.
fn under<'e>(
    tables: impl Iterator<Item = &'e Evidence>,
    reports: Vec<Report>,
    verdict: Verdict,
) -> Output {
    let mut all = Output {
        statement: String::new(),
        class: "table",
        columns: Vec::new(),
        rows: Vec::new(),
        cells: Vec::new(),
        treated_rows: Vec::new(),
    };
    let several = reports.len() > 1;
    for (table, report) in tables.zip(reports) {
        let passes = report.verdict == Verdict::Pass;
        for output in report.outputs {
            if all.columns.is_empty() {
                all.columns = output.columns;
            }
            if output.class != "table" {
                all.class = output.class;
            }
            let labels = match several {
                true => labels(table),
                false => Vec::new(),
            };
            all.cells.extend(output.cells.into_iter().map(|mut cell| {
                cell.key.0.splice(0..0, labels.iter().cloned());
                cell
            }));
            let treated = match passes {
                true => output.rows.clone(),
                false => output.treated_rows,
            };
            all.rows.extend(output.rows);
            all.treated_rows.extend(treated);
        }
    }
    if verdict != Verdict::Treat {
        all.treated_rows.clear();
    }
    all
}

/// The columns that say of every row of a table which table it is.
fn labels(table: &Evidence) -> Vec<(String, Datum)> {
    let columns = table.columns.iter().enumerate();
    let labels = columns.filter(|(_, column)| column.role == Role::Label);
    let constant = |(place, column): (usize, &crate::evidence::Column)| {
        let mut values = table.groups.iter().map(|group| group.values.get(place));
        let first = values.next()??;
        values
            .all(|value| value == Some(first))
            .then(|| (column.name.clone(), first.clone()))
    };
    labels.filter_map(constant).collect()
}

/// Each row once, where it is first.
fn distinct(rows: Vec<Vec<Datum>>) -> Vec<Vec<Datum>> {
    let mut seen = std::collections::BTreeSet::new();
    let is_new = |row: &Vec<Datum>| seen.insert(row.clone());
    rows.into_iter().filter(is_new).collect()
}

/// As the engine orders: what is missing comes last, numbers by their size.
fn order(one: &[Datum], other: &[Datum], by: &[Sort]) -> Ordering {
    let compared = by.iter().map(|sort| {
        let place = usize::from(sort.column);
        let number = |datum: &Datum| datum.text().and_then(|text| text.parse::<f64>().ok());
        match (one.get(place), other.get(place)) {
            (Some(Datum::Missing) | None, Some(Datum::Missing) | None) => Ordering::Equal,
            (Some(Datum::Missing) | None, _) => Ordering::Greater,
            (_, Some(Datum::Missing) | None) => Ordering::Less,
            (Some(a), Some(b)) => {
                let numbers = match (a, b) {
                    (Datum::Number(_), Datum::Number(_)) => number(a).zip(number(b)),
                    _ => None,
                };
                let ascending = match numbers {
                    Some((a, b)) => a.total_cmp(&b),
                    None => a.cmp(b),
                };
                match sort.descending {
                    true => ascending.reverse(),
                    false => ascending,
                }
            }
        }
    });
    compared.fold(Ordering::Equal, Ordering::then)
}

/// Judges a statement of several tables whose people were not listed: they are not compared with each other.
pub(super) fn not_compared(statement: &Evidence, policy: &Policy) -> Report {
    let of = |table: &Evidence| {
        let judged = judge(table, &[], policy);
        Report {
            verdict: judged.verdict,
            outputs: vec![judged.output],
            findings: judged.findings,
            policy: PolicyName::of(policy),
            minimum: policy.minimum(),
        }
    };
    let mut report = as_statement(statement, statement.tables().map(of).collect(), policy);
    report.verdict = report.verdict.max(Verdict::Review);
    report.findings.push(finding(
        Rule::Differencing,
        "the statement has several tables, and the people behind them were not listed to compare them",
    ));
    for output in &mut report.outputs {
        output.treated_rows.clear();
    }
    report
}
