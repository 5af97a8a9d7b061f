//! Statements of several tables: the rows of a union, and a table in which numbers of others stand.
//!
//! Each table is judged by itself and beside the others, like the statements of one request. What leaves is computed
//! from the tables alone, so it shows nothing that they do not.

use std::cmp::Ordering;

use super::{finding, judge};
use crate::evidence::{Column, Evidence, Place, Role, Shown, Sort};
use crate::report::{Output, PolicyName, Report, Rule, Status, Verdict};
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
    let all_safe = tables.iter().all(|one| one.verdict == Verdict::Pass);
    // Of a union it is not told which of its tables the numbers stand in.
    let can_be_left_out = !statement.looking.is_empty()
        && statement.union.is_none()
        && statement.shown == Shown::All
        && report.verdict <= Verdict::Treat;
    if !all_safe && !can_be_left_out {
        report.verdict = report.verdict.max(Verdict::Review);
        let detail =
            "numbers of another table stand in this one, and not all of that table is safe";
        report.findings.push(finding(Rule::Untraceable, detail));
    }
    let shown = statement.tables().skip(inside);
    let mut output = under(shown, stacked, report.verdict);
    if !all_safe && can_be_left_out {
        without_looking(statement, &mut output, &mut report);
    }
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

/// Leaves out what is computed with numbers of another table, of which not all is safe. Where nothing else is left, a
/// person has to look.
fn without_looking(statement: &Evidence, output: &mut Output, report: &mut Report) {
    let looks = |place: usize| {
        let looking = statement.looking.iter();
        looking.copied().map(usize::from).any(|one| one == place)
    };
    for row in &mut output.treated_rows {
        for (place, value) in row.iter_mut().enumerate() {
            if looks(place) {
                *value = Datum::Missing;
            }
        }
    }
    let columns = || statement.columns.iter().enumerate();
    let names: Vec<&str> = columns()
        .filter(|(place, _)| looks(*place))
        .map(|(_, column)| column.name.as_str())
        .collect();
    let cells = output.cells.iter_mut();
    for cell in cells.filter(|cell| cell.status == Status::Ok) {
        if names.contains(&cell.column.as_str()) {
            cell.status = Status::Secondary;
        }
    }
    let measures = columns().filter(|(_, column)| matches!(column.role, Role::Measure(_)));
    let is_left = |(place, _): &(usize, &Column)| {
        let mut rows = output.treated_rows.iter();
        rows.any(|row| {
            row.get(*place)
                .is_some_and(|value| *value != Datum::Missing)
        })
    };
    if !measures
        .filter(|(place, _)| !looks(*place))
        .any(|one| is_left(&one))
    {
        report.verdict = report.verdict.max(Verdict::Review);
        let detail =
            "nothing is left of the table without numbers of another one, of which not all is safe";
        report.findings.push(finding(Rule::Untraceable, detail));
        output.treated_rows.clear();
    }
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
        let judged = judge(table, policy);
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
