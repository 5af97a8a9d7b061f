//! The columns of a design around their means in units of their spreads, as the fit sees them.

use std::fmt::Write;

use disclosure::model::{Coefficient, Family};

use super::design::Columns;
use super::solve::Solved;
use super::{ModelError, coefficient};

/// The same columns, each around its mean in units of its spread.
pub(super) struct Scaled<'a> {
    columns: &'a Columns,
    /// Mean of the outcome.
    mean: f64,
    /// Mean and spread of each term.
    scales: Vec<(f64, f64)>,
}

impl<'a> Scaled<'a> {
    /// Columns with the mean of their outcome, and the mean and spread of each term.
    pub(super) fn of(columns: &'a Columns, mean: f64, scales: Vec<(f64, f64)>) -> Self {
        Self {
            columns,
            mean,
            scales,
        }
    }

    /// Parameters.
    pub(super) fn size(&self) -> usize {
        self.scales.len() + 1
    }

    /// The rows as the fit sees them: `u` the unit, `y` the outcome, `z0` the intercept, `z1` … the terms.
    fn rows(&self) -> String {
        let mut items = format!(
            "{} as u, {} as y, 1.0::double as z0",
            self.columns.unit, self.columns.value
        );
        for (n, (term, (mean, spread))) in (1..).zip(self.columns.terms.iter().zip(&self.scales)) {
            // Writing to a string cannot fail.
            let _ = write!(
                items,
                ", ({} - {}) / {} as z{n}",
                term.value,
                literal(*mean),
                literal(*spread)
            );
        }
        self.columns.over(&items)
    }

    /// The outcome around its mean.
    pub(super) fn outcome(&self) -> &'static str {
        "(y - m)"
    }

    /// Sums over the rows: of the products of the columns with a weight, upper triangle row by row; of the columns
    /// with a residual; and of the residual's square.
    pub(super) fn products(&self, weight: &str, residual: &str) -> String {
        let mut items = Vec::new();
        for a in 0..self.size() {
            for b in a..self.size() {
                items.push(format!("sum(w * z{a} * z{b})"));
            }
        }
        for a in 0..self.size() {
            items.push(format!("sum(r * z{a})"));
        }
        items.push("sum(r * r)".into());
        format!(
            "select {} from (select *, {weight} as w, {residual} as r from (select *, {} as m from ({})))",
            items.join(", "),
            literal(self.mean),
            self.rows()
        )
    }

    /// Weight and residual of a logistic model at a fit.
    pub(super) fn logistic(&self, beta: &[f64]) -> (String, String) {
        let chance = format!("(1.0 / (1.0 + exp(-({}))))", linear(beta));
        (
            format!("greatest({chance} * (1.0 - {chance}), 1e-12)"),
            format!("(y - {chance})"),
        )
    }

    /// The greatest leverage of a person: the sum of those of their rows.
    pub(super) fn leverage(&self, solved: &Solved) -> String {
        let weight = match self.columns.family {
            Family::Linear => "1.0".to_owned(),
            Family::Logistic => self.logistic(&solved.beta).0,
        };
        let squares: Vec<String> = solved
            .through
            .iter()
            .map(|row| format!("pow({}, 2)", linear(row)))
            .collect();
        format!(
            "select max(h) from (select sum({weight} * ({})) as h from ({}) group by u)",
            squares.join(" + "),
            self.rows()
        )
    }

    /// The coefficients in the table's own units.
    pub(super) fn coefficients(&self, solved: &Solved) -> Vec<Coefficient> {
        // Each is a sum over the scaled ones.
        let mut back: Vec<(String, Vec<f64>)> = vec![("(intercept)".into(), vec![1.0])];
        for (n, (term, (mean, spread))) in self.columns.terms.iter().zip(&self.scales).enumerate() {
            let mut row = vec![0.0; n + 1];
            row.push(1.0 / spread);
            back.push((term.name.clone(), row));
            if let Some((_, intercept)) = back.first_mut() {
                intercept.push(-mean / spread);
            }
        }
        let shift = match self.columns.family {
            Family::Linear => self.mean,
            Family::Logistic => 0.0,
        };
        let sum = |row: &[f64], of: &[f64]| row.iter().zip(of).map(|(a, b)| a * b).sum::<f64>();
        let all = back.into_iter().enumerate().map(|(n, (term, row))| {
            let through: Vec<f64> = solved
                .covariance
                .iter()
                .map(|line| sum(&row, line))
                .collect();
            let shift = if n == 0 { shift } else { 0.0 };
            coefficient(term, sum(&row, &solved.beta) + shift, sum(&row, &through))
        });
        all.collect()
    }

    /// That a column follows from those before it, by its number.
    pub(super) fn follows(&self, at: usize) -> ModelError {
        let term = at.checked_sub(1).and_then(|n| self.columns.terms.get(n));
        ModelError::Invalid(match term {
            Some(term) => format!(
                "{} follows from the terms before it; leave one of them out",
                term.of
            ),
            None => "the rows cannot tell the outcome".into(),
        })
    }
}

/// A sum over the columns of a row.
fn linear(by: &[f64]) -> String {
    let parts = by
        .iter()
        .enumerate()
        .map(|(n, by)| format!("{} * z{n}", literal(*by)));
    parts.collect::<Vec<_>>().join(" + ")
}

/// A number as the engine reads it back to the bit.
fn literal(value: f64) -> String {
    format!("({value:e}::double)")
}
