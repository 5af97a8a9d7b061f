//! Finished files: what can be seen of a file that came from nowhere we know.
//!
//! The numbers in it do not say how many people are behind them, so nothing here passes. What can be found is what
//! must not leave at all: identifiers of people, a row a person, small counts, and what a reader of the page does
//! not see but of the file does.

use serde::{Deserialize, Serialize};

use crate::Policy;
use crate::report::{Finding, Output, PolicyName, Report, Rule, Told, Verdict};

/// From so many rows on, a column without repeats makes a table look like one row a person.
const ROWS_MIN: u64 = 50;
/// So many numbers with the check digit are no chance: one in eleven of ten digits has it.
const HEALTH_MIN: u64 = 3;

/// A finished file, or a part of one: a sheet of a workbook, a member of an archive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Seen {
    /// Which part of the file; empty for the file itself.
    pub part: String,
    /// What it is by its bytes: `csv`, `png`.
    pub kind: String,
    /// Rows and columns, where it is a table.
    pub table: Option<Table>,
    /// Shapes of identifiers in its text.
    pub identifiers: Vec<Hits>,
    /// What it holds beyond what a reader sees, in words, and how often.
    pub hidden: Vec<Hidden>,
    /// Why it was not looked through, if it was not.
    pub closed: Option<String>,
}

/// A table of a finished file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Table {
    /// Rows without the header.
    pub rows: u64,
    /// Its columns.
    pub columns: Vec<ColumnShape>,
}

/// What was seen of a column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ColumnShape {
    /// Its number, from 1. Names may be values where a file has no header.
    pub number: u64,
    /// Values that are not empty.
    pub values: u64,
    /// Different ones among them.
    pub distinct: u64,
    /// Values that are whole numbers or words, which can name a row; decimals cannot.
    pub can_name: bool,
    /// Whole numbers from 1 to 9, by their value: the policy says which are small.
    pub small: [u64; 9],
    /// Shapes of identifiers among its values.
    pub identifiers: Vec<Hits>,
}

/// How often something that looks like an identifier of a person is there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hits {
    /// What it looks like.
    pub what: Identifier,
    /// How often.
    pub times: u64,
    /// How many were there that could have been: numbers of ten digits, for health numbers.
    pub of: u64,
}

/// Something that is there and not seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hidden {
    /// In words: `hidden sheets`.
    pub what: String,
    /// How often.
    pub times: u64,
}

/// Shapes of identifiers of people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Identifier {
    /// Ten digits with the check digit of NHS and CHI numbers (weights 10 to 2, modulus 11).
    HealthNumber,
    /// An address of electronic mail.
    Email,
    /// A whole postcode of the United Kingdom.
    Postcode,
    /// A telephone number of the United Kingdom.
    Telephone,
    /// 24 to 128 hexadecimal digits: a pseudonym or a hash.
    Pseudonym,
}

impl Identifier {
    fn in_words(self) -> &'static str {
        match self {
            Self::HealthNumber => "numbers with the check digit of NHS and CHI numbers",
            Self::Email => "e-mail addresses",
            Self::Postcode => "whole postcodes",
            Self::Telephone => "telephone numbers",
            Self::Pseudonym => "pseudonyms or hashes",
        }
    }
}

/// The report on finished files, each a name and its parts: `fail` where people are identified, else `review`.
pub fn inspect(files: &[(String, Vec<Seen>)], policy: &Policy) -> Report {
    let mut verdict = Verdict::Review;
    let (mut outputs, mut findings) = (Vec::new(), Vec::new());
    for (name, parts) in files {
        findings.push(found(
            Rule::Untraceable,
            format!("{name}: a finished file does not say who is behind its numbers; a person decides, or check the statement that made it"),
        ));
        for part in parts {
            let place = match part.part.is_empty() {
                true => format!("{name} ({})", part.kind),
                false => format!("{name}, {} ({})", part.part, part.kind),
            };
            verdict = verdict.max(of_part(&place, part, policy, &mut findings));
        }
        outputs.push(Output {
            statement: name.clone(),
            class: "file",
            columns: Vec::new(),
            rows: Vec::new(),
            cells: Vec::new(),
            treated_rows: Vec::new(),
        });
    }
    Report {
        verdict,
        outputs,
        findings,
        policy: PolicyName::of(policy),
        minimum: policy.minimum(),
    }
}

fn found(rule: Rule, detail: String) -> Finding {
    Finding {
        rule,
        detail,
        told: Told::Whole,
    }
}

fn of_part(place: &str, part: &Seen, policy: &Policy, findings: &mut Vec<Finding>) -> Verdict {
    let mut verdict = Verdict::Review;
    if let Some(why) = &part.closed {
        findings.push(found(Rule::Untraceable, format!("{place}: {why}")));
    }
    for one in &part.hidden {
        let detail = format!("{place}: {} {}", one.times, one.what);
        findings.push(found(Rule::Untraceable, detail));
    }
    for hits in part.identifiers.iter().filter(|hits| !is_chance(hits)) {
        if hits.what == Identifier::HealthNumber {
            verdict = Verdict::Fail;
        }
        let detail = format!("{place}: {} {}", hits.times, hits.what.in_words());
        findings.push(found(Rule::Threshold, detail));
    }
    if let Some(table) = &part.table {
        for column in &table.columns {
            verdict = verdict.max(of_column(place, column, policy, findings));
        }
        let names_rows = |column: &&ColumnShape| column.can_name && column.distinct == table.rows;
        if table.rows >= ROWS_MIN
            && let Some(column) = table.columns.iter().find(names_rows)
        {
            let detail = format!(
                "{place}: no value of column {} comes twice in {} rows: it looks like one row a person",
                column.number, table.rows
            );
            findings.push(found(Rule::Threshold, detail));
        }
    }
    verdict
}

fn of_column(
    place: &str,
    column: &ColumnShape,
    policy: &Policy,
    findings: &mut Vec<Finding>,
) -> Verdict {
    let mut verdict = Verdict::Review;
    let number = column.number;
    for hits in column.identifiers.iter().filter(|hits| !is_chance(hits)) {
        let mostly = hits.times.saturating_mul(2) >= column.values;
        if mostly || hits.what == Identifier::HealthNumber {
            verdict = Verdict::Fail;
        }
        let detail = format!(
            "{place}: {} of {} values of column {number} are {}",
            hits.times,
            column.values,
            hits.what.in_words()
        );
        findings.push(found(Rule::Threshold, detail));
    }
    let least = usize::try_from(policy.minimum()).unwrap_or(usize::MAX);
    let small: u64 = column.small.iter().take(least.saturating_sub(1)).sum();
    if small > 0 {
        let most = policy.minimum().saturating_sub(1).min(9);
        let detail = format!(
            "{place}: {small} values of column {number} are whole numbers from 1 to {most}"
        );
        findings.push(found(Rule::Threshold, detail));
    }
    verdict
}

/// Numbers of ten digits of which no more have the check digit than chance gives.
fn is_chance(hits: &Hits) -> bool {
    hits.times == 0
        || hits.what == Identifier::HealthNumber
            && (hits.times < HEALTH_MIN && hits.of > hits.times
                || hits.times.saturating_mul(5) < hits.of)
}

#[cfg(test)]
mod tests;
