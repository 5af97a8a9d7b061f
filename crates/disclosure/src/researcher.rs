//! The rendering for the person who asked: which rule, which cell, what to do. It holds
//! no count under the threshold, no value of a cell that is not ok, no key that could be one
//! person's ([`crate::names`]), not how many such keys there are, and does not tell an empty cell or
//! table from a small one.

use serde::Serialize;

use crate::Datum;
use crate::datum::plain_rows;
use crate::report::{CellReport, Key, Output, PolicyName, Report, Rule, Status, Told, Verdict};

/// The researcher's rendering of a [`Report`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ResearcherReport {
    /// As in the report.
    pub verdict: Verdict,
    /// One a statement.
    pub outputs: Vec<ResearcherOutput>,
    /// What concerns a whole output, with the remedy.
    pub findings: Vec<Advice>,
    /// The policy.
    pub policy: PolicyName,
}

/// One statement's answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ResearcherOutput {
    /// As submitted.
    pub statement: String,
    /// As in the report.
    pub class: &'static str,
    /// Names of the columns.
    pub columns: Vec<String>,
    /// The result if it passed, the treated rows if a treatment is offered, else nothing.
    #[serde(serialize_with = "plain_rows")]
    pub rows: Vec<Vec<Datum>>,
    /// The cells that are not ok and may be named, by key and column.
    pub cells: Vec<ResearcherCell>,
}

/// A cell that is not ok.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ResearcherCell {
    /// Where.
    pub key: Key,
    /// The column.
    pub column: String,
    /// `fewer than N`, or that it is withheld.
    pub people: String,
    /// What became of it.
    pub status: Status,
    /// Why, and what to do.
    pub findings: Vec<Advice>,
}

/// A rule and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Advice {
    /// The rule.
    pub rule: Rule,
    /// What helps.
    pub remedy: String,
}

impl ResearcherReport {
    pub(crate) fn of(report: &Report) -> Self {
        Self {
            verdict: report.verdict,
            outputs: report
                .outputs
                .iter()
                .map(|output| output_of(output, report))
                .collect(),
            findings: findings_of(report),
            policy: report.policy.clone(),
        }
    }
}

/// Details about a whole output come from the statement and not from the data, except where they may be
/// told in kind only: then one sentence stands for all of them, and for all cells without a name.
fn findings_of(report: &Report) -> Vec<Advice> {
    let unsafe_cells = report.outputs.iter().flat_map(|output| &output.cells);
    let by_itself = |found: &crate::Finding| found.rule != Rule::Differencing;
    let mut some_are_small = unsafe_cells
        .filter(|cell| cell.status == Status::Primary)
        .any(|cell| cell.told != Told::Nothing && cell.findings.iter().any(by_itself));
    let mut found = Vec::new();
    let of_few_between = |found: &&crate::Finding| !by_itself(found) && found.told == Told::Kind;
    if let Some(finding) = report.findings.iter().find(of_few_between) {
        found.push(advice(finding.rule));
    }
    for finding in &report.findings {
        match finding.told {
            Told::Whole => found.push(Advice {
                rule: finding.rule,
                remedy: finding.detail.clone(),
            }),
            Told::Said(remedy) => found.push(Advice {
                rule: finding.rule,
                remedy: remedy.to_owned(),
            }),
            Told::Kind => some_are_small |= by_itself(finding),
            Told::Nothing => {}
        }
    }
    if some_are_small {
        let minimum = report.minimum;
        let remedy = match report.verdict {
            Verdict::Treat => format!(
                "some groups have fewer than {minimum} people: merge groups, or take the treated version"
            ),
            Verdict::Pass | Verdict::Review | Verdict::Fail => format!(
                "some groups have fewer than {minimum} people, or none: merge groups, or select more people"
            ),
        };
        found.push(Advice {
            rule: Rule::Threshold,
            remedy,
        });
    }
    found
}

fn output_of(output: &Output, report: &Report) -> ResearcherOutput {
    let rows = match report.verdict {
        Verdict::Pass => output.rows.clone(),
        Verdict::Treat => output.treated_rows.clone(),
        Verdict::Review | Verdict::Fail => Vec::new(),
    };
    let mut named: Vec<&CellReport> = output
        .cells
        .iter()
        .filter(|cell| cell.status != Status::Ok && cell.told == Told::Whole)
        .collect();
    // The order of the statement can be one by size, and combinations without people come last there.
    let place = |column: &str| output.columns.iter().position(|c| c == column);
    named.sort_by_cached_key(|cell| {
        let place = place(&cell.column).unwrap_or(usize::MAX);
        (cell.key.clone(), place, cell.column.clone())
    });
    ResearcherOutput {
        statement: output.statement.clone(),
        class: output.class,
        columns: output.columns.clone(),
        rows,
        cells: named
            .into_iter()
            .map(|cell| cell_of(cell, report.minimum))
            .collect(),
    }
}

fn cell_of(cell: &CellReport, minimum: u64) -> ResearcherCell {
    let by_people = |found: &crate::Finding| matches!(found.rule, Rule::Threshold | Rule::Zero);
    let is_small = cell.findings.iter().any(by_people);
    // What else a small cell breaks would tell few people from none.
    let told = cell
        .findings
        .iter()
        .filter(|found| !is_small || by_people(found));
    let people = match cell.status {
        Status::Primary if is_small => format!("fewer than {minimum}"),
        Status::Primary | Status::Ok | Status::Secondary | Status::Review => "withheld".to_owned(),
    };
    ResearcherCell {
        key: cell.key.clone(),
        column: cell.column.clone(),
        people,
        status: cell.status,
        findings: told.map(|f| advice(f.rule)).collect(),
    }
}

fn advice(rule: Rule) -> Advice {
    // An empty cell and a small one look the same from here.
    let rule = if rule == Rule::Zero {
        Rule::Threshold
    } else {
        rule
    };
    let remedy = match rule {
        Rule::Threshold | Rule::Zero => {
            "merge this group with another, or take the treated version"
        }
        Rule::Dominance | Rule::PPercent => "show the count instead, or wait for an output checker",
        Rule::AllSame | Rule::ClassDisclosure => "merge groups so that their members differ",
        Rule::DegreesOfFreedom => "show the count instead, or wait for an output checker",
        Rule::EndPoint => "show a count above or below a round value instead",
        Rule::Negative | Rule::Missing => "leave such rows out, or wait for an output checker",
        Rule::Differencing => {
            "few people lie between this and another table about the same people: ask for the same selection, or for coarser groups"
        }
        Rule::Untraceable => "count people or rows instead, or wait for an output checker",
    };
    Advice {
        rule,
        remedy: remedy.to_owned(),
    }
}
