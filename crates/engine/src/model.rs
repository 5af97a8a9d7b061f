//! Models that a researcher names: their design and fit, and the statements of the tables behind them.
//!
//! No row leaves the engine: it gives means, spreads and sums of products, from which the model is solved here, and
//! at last the greatest leverage. Numbers are taken in units of their spread around their mean, so that sums of
//! products of large numbers lose nothing.

mod curve;
mod design;
mod scaled;
mod solve;

use disclosure::model::{Coefficient, Design, Family, Spec};

use crate::error::failed;
use crate::{Connection, EngineError, quote};
pub use curve::{Drawn, draw};
use design::Columns;
use scaled::Scaled;
use solve::Solved;

/// Rounds of a logistic fit; it converges in fewer than ten where it does at all.
const ROUNDS_MAX: usize = 30;
/// A change of the fit that is none.
const SETTLED: f64 = 1e-10;
/// A standardised coefficient that only grows to this where a term separates the outcome.
const SEPARATED: f64 = 20.0;

/// Why a model cannot be fitted. No text holds a value of a row.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// Something in it is not so, in one sentence.
    #[error("{0}")]
    Invalid(String),
    /// The engine failed.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

fn invalid<T>(why: impl Into<String>) -> Result<T, ModelError> {
    Err(ModelError::Invalid(why.into()))
}

/// A model's design and fit, and the statements whose evidence decides about it.
#[derive(Debug)]
pub struct Fitted {
    /// Design and fit.
    pub design: Design,
    /// The tables behind it.
    pub tables: Vec<String>,
}

/// Fits a model over the rows that have a value everywhere.
///
/// # Errors
/// If a column is not there or not of a kind that a model takes, a term has one value or follows from others, there
/// are more than `parameters` parameters, or the fit does not end.
pub fn fit(
    conn: &Connection,
    unit: &str,
    spec: &Spec,
    parameters: u32,
) -> Result<Fitted, ModelError> {
    fit_raw(conn.raw(), unit, spec, parameters)
}

fn fit_raw(
    conn: &duckdb::Connection,
    unit: &str,
    spec: &Spec,
    parameters: u32,
) -> Result<Fitted, ModelError> {
    let spec = spec
        .clone()
        .checked()
        .map_err(|why| ModelError::Invalid(why.to_string()))?;
    let floor = Floor { conn };
    let columns = Columns::of(&floor, unit, &spec, parameters as usize)?;
    let rows = floor.numbers(&columns.counts())?;
    let (people, count) = match rows.as_slice() {
        [people, rows] => (*people, *rows),
        _ => return Err(strange().into()),
    };
    if count <= columns.terms.len() as f64 + 1.0 {
        return invalid("there are no more rows with a value everywhere than parameters");
    }
    let scaled = columns.scaled(&floor)?;
    let (solved, left) = match spec.family {
        Family::Linear => linear(&floor, &scaled, count)?,
        Family::Logistic => (logistic(&floor, &scaled, count)?, None),
    };
    let leverage = floor.numbers(&scaled.leverage(&solved))?;
    let design = Design {
        people: people as u64,
        rows: count as u64,
        continuous: columns.continuous(),
        leverage: leverage.first().copied().unwrap_or(f64::NAN),
        left,
        coefficients: scaled.coefficients(&solved),
        spec,
    };
    Ok(Fitted {
        tables: columns.tables(&design.spec),
        design,
    })
}

/// Least squares, and the share of the outcome's spread that is left.
fn linear(
    floor: &Floor<'_>,
    scaled: &Scaled<'_>,
    count: f64,
) -> Result<(Solved, Option<f64>), ModelError> {
    let sums = floor.numbers(&scaled.products("1.0", scaled.outcome()))?;
    let size = scaled.size();
    let (gram, rest) = sums.split_at(sums.len().saturating_sub(size + 1));
    let (moment, spread) = rest.split_at(size.min(rest.len()));
    let Some(spread) = spread.first().filter(|spread| **spread > 0.0) else {
        return invalid("the outcome has one value");
    };
    let mut solved = solve::solve(gram, moment).map_err(|at| scaled.follows(at))?;
    let explained: f64 = solved.beta.iter().zip(moment).map(|(b, m)| b * m).sum();
    let left = (spread - explained).max(0.0);
    solved.scale(left / (count - size as f64));
    Ok((solved, Some(left / spread)))
}

/// Maximum likelihood by weighted least squares in rounds (McCullagh and Nelder 1989, 2.5).
fn logistic(floor: &Floor<'_>, scaled: &Scaled<'_>, count: f64) -> Result<Solved, ModelError> {
    let size = scaled.size();
    let mut beta = vec![0.0; size];
    for _ in 0..ROUNDS_MAX {
        let (weight, residual) = scaled.logistic(&beta);
        let sums = floor.numbers(&scaled.products(&weight, &residual))?;
        let (gram, rest) = sums.split_at(sums.len().saturating_sub(size + 1));
        let score = rest.get(..size).unwrap_or_default();
        let step = solve::solve(gram, score).map_err(|at| scaled.follows(at))?;
        for (one, by) in beta.iter_mut().zip(&step.beta) {
            *one += by;
        }
        if beta
            .iter()
            .any(|one| !one.is_finite() || one.abs() > SEPARATED)
        {
            break;
        }
        let moved = step
            .beta
            .iter()
            .fold(0.0_f64, |most, by| most.max(by.abs()));
        if moved < SETTLED * count.sqrt().max(1.0) {
            return Ok(Solved { beta, ..step });
        }
    }
    invalid(
        "the fit does not end: a term, or several together, tell the outcome of everybody who has it",
    )
}

/// The engine, asked for numbers.
struct Floor<'a> {
    conn: &'a duckdb::Connection,
}

impl Floor<'_> {
    /// The one row of a generated statement.
    fn numbers(&self, sql: &str) -> Result<Vec<f64>, EngineError> {
        let doing = "fitting a model";
        let mut statement = self.conn.prepare(sql).map_err(failed(doing))?;
        let mut rows = statement.query([]).map_err(failed(doing))?;
        let width = rows
            .as_ref()
            .map_or(0, |statement| statement.column_count());
        let Some(row) = rows.next().map_err(failed(doing))? else {
            return Err(strange());
        };
        let number = |at| row.get::<_, Option<f64>>(at).map_err(failed(doing));
        (0..width)
            .map(|at| Ok(number(at)?.unwrap_or(f64::NAN)))
            .collect()
    }

    /// The rows of a generated statement, as text.
    fn texts(&self, sql: &str) -> Result<Vec<Vec<Option<String>>>, EngineError> {
        let doing = "reading what a model names";
        let mut statement = self.conn.prepare(sql).map_err(failed(doing))?;
        let mut rows = statement.query([]).map_err(failed(doing))?;
        let width = rows
            .as_ref()
            .map_or(0, |statement| statement.column_count());
        let mut all = Vec::new();
        while let Some(row) = rows.next().map_err(failed(doing))? {
            let text = |at| row.get::<_, Option<String>>(at).map_err(failed(doing));
            all.push((0..width).map(text).collect::<Result<_, _>>()?);
        }
        Ok(all)
    }
}

fn strange() -> EngineError {
    EngineError::Failed {
        doing: "fitting a model",
        kind: "INTERNAL Error",
    }
}

/// A term as it is told.
fn named(parts: &[String]) -> String {
    parts.join(":")
}

/// A coefficient under its name.
fn coefficient(term: String, estimate: f64, variance: f64) -> Coefficient {
    Coefficient {
        term,
        estimate,
        error: variance.max(0.0).sqrt(),
    }
}

/// A quoted column.
fn column(name: &str) -> String {
    quote::name(name)
}

#[cfg(test)]
mod tests;
