//! The checked result as its researcher sees it: values of safe cells; for the others which rule, which cell
//! and what helps.

use serde::Deserialize;
use serde_json::{Map, Value};
use service::ServiceError;

/// The researcher's rendering of a disclosure report.
#[derive(Debug, Deserialize)]
pub(crate) struct Report {
    /// `pass`, `treat`, `review` or `fail`.
    pub(crate) verdict: String,
    /// One for each table.
    pub(crate) outputs: Vec<Table>,
    /// What concerns the whole of it.
    pub(crate) findings: Vec<Advice>,
    policy: Policy,
}

#[derive(Debug, Deserialize)]
struct Policy {
    name: String,
    sha256: String,
    #[serde(default)]
    raised_minimum: Option<u64>,
}

/// A table of a result.
#[derive(Debug, Deserialize)]
pub(crate) struct Table {
    /// Names of the columns.
    pub(crate) columns: Vec<String>,
    pub(super) rows: Vec<Vec<Value>>,
    /// The cells that are not safe.
    pub(crate) cells: Vec<Cell>,
    #[serde(skip)]
    holds: Holds,
}

/// What the rows of a table are.
#[derive(Debug, Clone, Copy, Default)]
enum Holds {
    #[default]
    Results,
    People,
}

/// A cell that is not safe.
#[derive(Debug, Deserialize)]
pub(crate) struct Cell {
    key: Map<String, Value>,
    /// Its column, or the subtraction that forms it.
    pub(crate) column: String,
    /// How many people, as far as it may be said.
    pub(crate) people: String,
    /// Why, and what helps.
    pub(crate) findings: Vec<Advice>,
}

/// A rule and what to do about it.
#[derive(Debug, Deserialize)]
pub(crate) struct Advice {
    rule: String,
    /// What helps.
    pub(crate) remedy: String,
}

impl Report {
    /// Reads a report; nothing where there is none any more.
    ///
    /// # Errors
    /// If it is not one: then nothing of it is shown.
    pub(crate) fn read(report: Value) -> Result<Option<Self>, ServiceError> {
        if report.is_null() {
            return Ok(None);
        }
        serde_json::from_value(report)
            .map(Some)
            .map_err(|_| ServiceError::Uncheckable("the report cannot be read".into()))
    }

    /// The verdict as a sentence about what the screen shows.
    pub(crate) fn sentence(&self) -> &'static str {
        sentence(&self.verdict)
    }

    /// The policy that was applied.
    pub(crate) fn policy(&self) -> String {
        let short: String = self.policy.sha256.chars().take(12).collect();
        let raised = self
            .policy
            .raised_minimum
            .map_or_else(String::new, |minimum| {
                format!(", raised to at least {minimum} people by the approval")
            });
        format!("{} ({short}…){raised}", self.policy.name)
    }
}

/// A verdict as a sentence about what the screen shows.
pub(crate) fn sentence(verdict: &str) -> &'static str {
    match verdict {
        "pass" => "Every cell is safe. This is what a release would show.",
        "treat" => {
            "Some cells are not safe. Shown is the treated table, without the rows that hold them."
        }
        "review" => {
            "The machine cannot tell whether this is safe, so the screen shows no value. Output checkers can."
        }
        "fail" => {
            "This is not safe and no treatment helps, so nothing is shown. Ask for a coarser table."
        }
        _ => "The check gave no verdict, so nothing is shown.",
    }
}

impl Table {
    /// Rows of people, of which nothing is said.
    pub(super) fn plain(columns: Vec<String>, rows: Vec<Vec<Value>>) -> Self {
        Self {
            columns,
            rows,
            cells: Vec::new(),
            holds: Holds::People,
        }
    }

    /// What the rows are, in words.
    pub(crate) fn caption(&self) -> &'static str {
        match self.holds {
            Holds::Results => "Checked result",
            Holds::People => "Rows of people",
        }
    }

    /// Rows as text.
    pub(crate) fn lines(&self) -> Vec<Vec<String>> {
        self.rows
            .iter()
            .map(|row| row.iter().map(text).collect())
            .collect()
    }
}

impl Cell {
    /// Where it is: its groups, such as `hospital: North`.
    pub(crate) fn place(&self) -> String {
        if self.key.is_empty() {
            return "the whole table".into();
        }
        let groups: Vec<String> = self
            .key
            .iter()
            .map(|(name, value)| format!("{name}: {}", text(value)))
            .collect();
        groups.join(", ")
    }
}

impl Advice {
    /// The rule in plain words.
    pub(crate) fn rule(&self) -> &str {
        rule(&self.rule)
    }
}

/// A rule of disclosure control in plain words.
pub(crate) fn rule(word: &str) -> &str {
    match word {
        "threshold" => "Too few people",
        "zero" => "Nobody in the cell",
        "dominance" => "One person makes up too much of it (dominance)",
        "p_percent" => "One person's value could be estimated (p-percent)",
        "all_same" => "Everybody has the same value",
        "degrees_of_freedom" => "Too few degrees of freedom",
        "end_point" => "An extreme is one person's value",
        "class_disclosure" => "One cell gives the group away",
        "negative" => "Negative values",
        "missing" => "Missing values",
        "differencing" => "Others could be found by subtraction (differencing)",
        "untraceable" => "The people behind it cannot be counted",
        other => other,
    }
}

pub(super) fn text(value: &Value) -> String {
    match value {
        Value::Null => "none".into(),
        Value::String(text) => text.clone(),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn report() -> Value {
        json!({
            "verdict": "treat",
            "outputs": [{
                "statement": "select 1", "class": "table", "columns": ["hospital", "people"],
                "rows": [["North", 41], [null, 12.5]],
                "cells": [{ "key": { "hospital": "South" }, "column": "people", "people": "fewer than 10",
                            "status": "primary",
                            "findings": [{ "rule": "threshold", "remedy": "merge this group" }] },
                          { "key": {}, "column": "people", "people": "withheld", "status": "review", "findings": [] }],
            }],
            "findings": [],
            "policy": { "name": "default", "sha256": "ab".repeat(32), "raised_minimum": 12 },
        })
    }

    #[test]
    fn a_report_becomes_rows_of_text_and_unsafe_cells_with_their_place() {
        let report = Report::read(report()).unwrap().unwrap();
        let table = &report.outputs[0];
        assert_eq!(table.lines(), [["North", "41"], ["none", "12.5"]]);
        assert_eq!(table.cells[0].place(), "hospital: South");
        assert_eq!(table.cells[0].findings[0].rule(), "Too few people");
        assert_eq!(table.cells[1].place(), "the whole table");
        assert_eq!(
            report.policy(),
            "default (abababababab…), raised to at least 12 people by the approval"
        );
    }

    #[test]
    fn what_is_no_report_shows_nothing() {
        assert!(Report::read(Value::Null).unwrap().is_none());
        for bad in [json!({}), json!({ "verdict": "pass" }), json!([1])] {
            let error = Report::read(bad).unwrap_err();
            assert!(
                error.to_string().contains("could not be checked"),
                "{error}"
            );
        }
    }
}
