//! A result on the screen: a summary of each column and a chart, made from the values that are shown and
//! from nothing else.

use serde_json::Value;

use super::workspace_report::{Table, text};

/// Most bars of a chart; a longer table has none.
const BARS_MAX: usize = 40;
/// Most different values that are counted for a summary.
const DIFFERENT_MAX: usize = 1_000;
/// Width of the longest bar, in pixels.
const BAR: f64 = 360.0;
/// Width kept for the names of bars.
const NAMES: u32 = 200;
/// Height of a bar with its gap.
const LINE: u32 = 26;
/// Longest name of a bar, in characters.
const NAME_MAX: usize = 24;

/// What the values of one column are.
pub(crate) struct Summary {
    /// The column.
    pub(crate) column: String,
    /// Rows with a value.
    pub(crate) values: usize,
    /// Rows without.
    pub(crate) none: usize,
    /// Different values.
    pub(crate) different: usize,
    /// Smallest, of numbers only.
    pub(crate) smallest: String,
    /// Largest, of numbers only.
    pub(crate) largest: String,
    /// Mean, of numbers only.
    pub(crate) mean: String,
}

/// A bar chart of one column of numbers by one of names.
pub(crate) struct Chart {
    /// What it shows.
    pub(crate) title: String,
    /// In pixels.
    pub(crate) width: u32,
    /// In pixels.
    pub(crate) height: u32,
    /// From top to bottom.
    pub(crate) bars: Vec<Bar>,
}

/// One bar.
pub(crate) struct Bar {
    /// Its name, shortened.
    pub(crate) name: String,
    /// Its number as the table shows it.
    pub(crate) value: String,
    /// Where its top is.
    pub(crate) y: u32,
    /// Where its text stands.
    pub(crate) text_y: u32,
    /// How long it is.
    pub(crate) length: u32,
    /// Where its number begins.
    pub(crate) value_x: u32,
}

impl Table {
    /// The columns, one after the other.
    pub(crate) fn summaries(&self) -> Vec<Summary> {
        let columns = self.columns.iter().enumerate();
        columns
            .map(|(at, column)| summary(column, self.cells_of(at)))
            .collect()
    }

    /// The first column of numbers by the first other column, if the table is short and no number is negative.
    pub(crate) fn chart(&self) -> Option<Chart> {
        if self.rows.len() < 2 || self.rows.len() > BARS_MAX {
            return None;
        }
        let is_number = |at: &usize| {
            let mut numbers = false;
            for cell in self.cells_of(*at) {
                match cell {
                    Value::Number(_) => numbers = true,
                    Value::Null => {}
                    _ => return false,
                }
            }
            numbers
        };
        let (numbers, names): (Vec<usize>, Vec<usize>) =
            (0..self.columns.len()).partition(is_number);
        // A year or an age band is a number that names a row: then the last column is what is counted.
        let (by, of) = match (names.first(), numbers.as_slice()) {
            (Some(name), [first, ..]) => (*name, *first),
            (None, [first, .., last]) => (*first, *last),
            _ => return None,
        };
        let values: Vec<f64> = self
            .cells_of(of)
            .map(|cell| cell.as_f64().unwrap_or(0.0))
            .collect();
        let largest = values.iter().copied().fold(0.0, f64::max);
        if largest <= 0.0 || values.iter().any(|value| *value < 0.0) {
            return None;
        }
        let bars = self.cells_of(by).zip(self.cells_of(of)).zip(&values);
        let bars: Vec<Bar> = (0_u32..)
            .zip(bars)
            .map(|(line, ((name, shown), value))| {
                let length = pixels(value / largest * BAR);
                Bar {
                    name: shortened(&text(name)),
                    value: text(shown),
                    y: line * LINE + 4,
                    text_y: line * LINE + 19,
                    length,
                    value_x: NAMES + length + 6,
                }
            })
            .collect();
        Some(Chart {
            title: format!("{} by {}", self.columns.get(of)?, self.columns.get(by)?),
            width: NAMES + pixels(BAR) + 120,
            height: u32::try_from(bars.len()).ok()? * LINE + 8,
            bars,
        })
    }

    fn cells_of(&self, at: usize) -> impl Iterator<Item = &Value> {
        self.rows
            .iter()
            .map(move |row| row.get(at).unwrap_or(&Value::Null))
    }
}

fn summary<'a>(column: &str, cells: impl Iterator<Item = &'a Value>) -> Summary {
    let (mut values, mut none) = (0, 0);
    let mut different: Vec<&Value> = Vec::new();
    let mut numbers = Vec::new();
    for cell in cells {
        if cell.is_null() {
            none += 1;
            continue;
        }
        values += 1;
        if different.len() < DIFFERENT_MAX && !different.contains(&cell) {
            different.push(cell);
        }
        numbers.extend(cell.as_f64());
    }
    // Only where every value is one: of dates and names there is neither mean nor largest.
    let all = !numbers.is_empty() && numbers.len() == values;
    let said = |number: f64| if all { figure(number) } else { String::new() };
    let sum: f64 = numbers.iter().sum();
    let count = u32::try_from(values.max(1)).unwrap_or(u32::MAX);
    Summary {
        column: column.to_owned(),
        values,
        none,
        different: different.len(),
        smallest: said(numbers.iter().copied().fold(f64::INFINITY, f64::min)),
        largest: said(numbers.iter().copied().fold(f64::NEG_INFINITY, f64::max)),
        mean: said(sum / f64::from(count)),
    }
}

/// A number with at most three decimals.
fn figure(number: f64) -> String {
    let text = format!("{number:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::as_conversions,
    reason = "a share of a bar, between zero and its full length"
)]
fn pixels(length: f64) -> u32 {
    length.round() as u32
}

fn shortened(name: &str) -> String {
    let mut short: String = name.chars().take(NAME_MAX).collect();
    if short.len() < name.len() {
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn table(columns: &[&str], rows: Value) -> Table {
        let all = json!({ "columns": columns, "rows": rows, "cells": [] });
        serde_json::from_value(all).unwrap()
    }

    #[test]
    fn a_column_is_summed_up_from_what_is_shown() {
        let table = table(
            &["sex", "n"],
            json!([["F", 10], ["M", 20], ["F", null], [null, 15.5]]),
        );
        let said: Vec<String> = table
            .summaries()
            .iter()
            .map(|s| {
                format!(
                    "{} {} {} {} [{} {} {}]",
                    s.column, s.values, s.none, s.different, s.smallest, s.largest, s.mean
                )
            })
            .collect();
        assert_eq!(said, ["sex 3 1 2 [  ]", "n 3 1 3 [10 20 15.167]"]);
    }

    #[test]
    fn a_chart_draws_numbers_by_names() {
        let chart = table(
            &["n", "place"],
            json!([[10, "North"], [20, "South"], [null, "x"]]),
        )
        .chart()
        .unwrap();
        assert_eq!(chart.title, "n by place");
        let bars: Vec<(&str, &str, u32)> = chart
            .bars
            .iter()
            .map(|bar| (bar.name.as_str(), bar.value.as_str(), bar.length))
            .collect();
        assert_eq!(
            bars,
            [("North", "10", 180), ("South", "20", 360), ("x", "none", 0)]
        );
        let years = table(&["year", "n"], json!([[2020, 10], [2021, 20]])).chart();
        assert_eq!(years.unwrap().title, "n by year");
    }

    #[test]
    fn there_is_no_chart_of_what_a_bar_cannot_show() {
        let rows = |n: u32| Value::Array((0..n).map(|i| json!(["a", i])).collect());
        for (columns, rows) in [
            (vec!["a", "n"], json!([["x", 1]])),
            (vec!["a", "n"], json!([["x", 1], ["y", -1]])),
            (vec!["a", "n"], json!([["x", 0], ["y", 0]])),
            (vec!["a", "b"], json!([["x", "1"], ["y", "2"]])),
            (vec!["n"], json!([[1], [2]])),
            (vec!["a", "n"], rows(41)),
        ] {
            assert!(table(&columns, rows).chart().is_none(), "{columns:?}");
        }
        assert!(table(&["a", "n"], rows(40)).chart().is_some());
    }
}
