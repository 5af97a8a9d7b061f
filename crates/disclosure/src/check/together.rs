//! The statements of one request: what leaves of each must be safe beside what leaves of the others.
//!
//! Each is judged by itself, and what is unsafe in tables over the same rows is hidden by one pattern over all of them
//! ([`super::hide`]). Then each is compared with those before it as if they had been released ([`super::against`]): a
//! cell that isolates few people together with cells of the others is hidden like any unsafe cell, with the pattern
//! that it needs, and everything is compared again.

use std::collections::BTreeSet;

use super::against::{Beside, CellPeople, outgoing, places};
use super::{Asked, Judged, finding, judge_together};
use crate::Policy;
use crate::evidence::Evidence;
use crate::report::{Key, Output, PolicyName, Report, Rule, Status, Verdict};

/// How often cells are hidden for the sake of other tables before people have to look.
const ROUNDS_MAX: usize = 4;

/// A statement's evidence with the people behind its cells.
pub struct Traced {
    /// What was counted.
    pub evidence: Evidence,
    /// Ordinals of the people of each cell, in the order of [`places`]. The same person has one in all statements.
    pub people: Vec<Vec<u32>>,
}

/// A cell that must not be seen beside the other tables: its place among [`places`], and why.
type Conflict = (usize, String);

impl Traced {
    /// The cells as they would leave, with the people behind them.
    pub fn cells(&self, report: &Report) -> Vec<CellPeople> {
        self.cells_but(&hidden(report))
    }

    /// The same of a table from which nothing but these is hidden.
    pub(super) fn cells_but(&self, hidden: &dyn Fn(&Key, &str) -> bool) -> Vec<CellPeople> {
        let mut cells = places(&self.evidence, hidden);
        for (cell, people) in cells.iter_mut().zip(&self.people) {
            cell.people.clone_from(people);
        }
        cells
    }
}

/// Whether a reader of an output, or of its treated version, does not see a cell.
pub fn hidden(report: &Report) -> impl Fn(&Key, &str) -> bool + use<> {
    let cells = report.outputs.iter().flat_map(|output| &output.cells);
    let hidden = cells.filter(|cell| matches!(cell.status, Status::Primary | Status::Secondary));
    let hidden: BTreeSet<(Key, String)> = hidden
        .map(|cell| (cell.key.clone(), cell.column.clone()))
        .collect();
    move |key, column| hidden.contains(&(key.clone(), column.to_owned()))
}

/// Judges the statements of one request, a report each. `population`: ordinals of people lie below it.
pub fn check_together(request: &[Traced], population: usize, policy: &Policy) -> Vec<Report> {
    let mut unsafe_cells: Vec<Vec<Conflict>> = request.iter().map(|_| Vec::new()).collect();
    for _ in 0..ROUNDS_MAX {
        let mut reports = reports(request, &unsafe_cells, policy);
        let found = conflicts(request, &mut reports, population, policy);
        let mut is_new = false;
        for (known, found) in unsafe_cells.iter_mut().zip(&found) {
            for one in found {
                if known.iter().all(|(place, _)| *place != one.0) {
                    known.push(one.clone());
                    is_new = true;
                }
            }
        }
        if found.iter().all(Vec::is_empty) {
            return reports;
        }
        if !is_new {
            break;
        }
    }
    let reports = reports(request, &unsafe_cells, policy).into_iter();
    let reports = reports.zip(&unsafe_cells);
    reports
        .map(|(report, cells)| undecided(report, cells))
        .collect()
}

fn reports(request: &[Traced], conflicts: &[Vec<Conflict>], policy: &Policy) -> Vec<Report> {
    let tables = (1..).zip(request.iter().zip(conflicts));
    let tables: Vec<Asked<'_>> = tables
        .map(|(number, (one, conflicts))| Asked {
            number,
            evidence: &one.evidence,
            conflicts,
            people: &one.people,
        })
        .collect();
    let judged = judge_together(&tables, policy).into_iter();
    judged.map(|judged| report(judged, policy)).collect()
}

fn report(judged: Judged, policy: &Policy) -> Report {
    Report {
        verdict: judged.verdict,
        outputs: vec![judged.output],
        findings: judged.findings,
        policy: PolicyName::of(policy),
        minimum: policy.minimum(),
    }
}

/// Hiding did not help: people look, and nothing leaves by itself.
fn undecided(mut report: Report, conflicts: &[Conflict]) -> Report {
    let reason = match conflicts.first() {
        Some((_, sentence)) => sentence.clone(),
        None => "hiding cells of the other tables of this request did not make them safe together"
            .to_owned(),
    };
    report.findings.push(finding(Rule::Differencing, reason));
    report.verdict = report.verdict.max(Verdict::Review);
    for output in &mut report.outputs {
        output.treated_rows.clear();
    }
    report
}

/// What the tables give away together, by table.
fn conflicts(
    request: &[Traced],
    reports: &mut [Report],
    population: usize,
    policy: &Policy,
) -> Vec<Vec<Conflict>> {
    let mut earlier = Vec::new();
    let mut found = Vec::new();
    for (number, (one, report)) in (1..).zip(request.iter().zip(reports)) {
        let cells = one.cells(report);
        let name = format!("statement {number}");
        let tables = match outgoing(&name, "this request", &cells, population, policy) {
            Ok(tables) => tables,
            Err(error) => {
                super::cannot_compare(report, &error);
                found.push(Vec::new());
                continue;
            }
        };
        let mut beside = Beside::new(&tables, policy);
        for table in &earlier {
            beside.add(table);
        }
        let given = beside.given();
        found.push(
            given
                .into_iter()
                .map(|(_, place, why)| (place, why))
                .collect(),
        );
        earlier.extend(tables.into_iter().map(|table| table.release));
    }
    found
}

/// The reports of one request as one. The worst verdict is that of all: what leaves, leaves together.
pub fn as_one(reports: Vec<Report>, policy: &Policy) -> Report {
    let mut one = Report {
        verdict: Verdict::Pass,
        outputs: Vec::new(),
        findings: Vec::new(),
        policy: PolicyName::of(policy),
        minimum: policy.minimum(),
    };
    for report in &reports {
        one.verdict = one.verdict.max(report.verdict);
    }
    for report in reports {
        let passes = report.verdict == Verdict::Pass;
        one.findings.extend(report.findings);
        one.outputs
            .extend(report.outputs.into_iter().map(|output| Output {
                treated_rows: match (one.verdict, passes) {
                    (Verdict::Treat, true) => output.rows.clone(),
                    (Verdict::Treat, false) => output.treated_rows,
                    (Verdict::Pass | Verdict::Review | Verdict::Fail, _) => Vec::new(),
                },
                ..output
            }));
    }
    one
}

#[cfg(test)]
mod tests;
