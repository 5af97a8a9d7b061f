//! From noisy cells to statistics: post-processing, which costs nothing and sees no data.

use serde_json::{Map, Value, json};

use crate::PrivacyError;
use crate::component::{Grid, Part};
use crate::noise::Noisy;
use crate::price::Priced;
use crate::request::{Bounds, Literal, Statistic};
use crate::spread::{Noise, Variance, choice_95, mean_95};

/// A number of rows is too small to divide by when the noise alone could have made it.
fn too_few(rows: f64, noise: Noise) -> bool {
    rows < 1.0 || rows <= noise.error_95()
}

/// The rows of one release: for each group its key and its statistics; then totals, if wanted.
///
/// # Errors
/// If the noisy cells do not fit the price.
pub fn release(
    priced: &Priced,
    groups: &[Vec<Literal>],
    noisy: &Noisy,
) -> Result<Value, PrivacyError> {
    let columns: Vec<&str> = priced
        .request
        .group_by
        .iter()
        .map(|key| key.column.as_str())
        .collect();
    let mut rows = Vec::with_capacity(groups.len());
    for (at, group) in groups.iter().enumerate() {
        let cells = Group::new(priced, noisy, &[at])?;
        rows.push(json!({
            "group": labels(&columns, group, |_| true),
            "values": cells.statistics()?,
        }));
    }
    let mut all = Map::new();
    all.insert("rows".into(), Value::Array(rows));
    if priced.request.totals {
        all.insert(
            "totals".into(),
            Value::Array(totals(priced, groups, noisy, &columns)?),
        );
    }
    Ok(Value::Object(all))
}

/// Sums over groups of the released cells: over all keys, and over all but some of them. They add up
/// exactly to what they sum.
fn totals(
    priced: &Priced,
    groups: &[Vec<Literal>],
    noisy: &Noisy,
    columns: &[&str],
) -> Result<Vec<Value>, PrivacyError> {
    let mut totals = Vec::new();
    let every = 1_u32 << columns.len().min(16);
    for kept in 0..every.saturating_sub(1) {
        let is_kept = |at: usize| kept & (1 << at) != 0;
        let mut sums: Vec<(Vec<Option<&Literal>>, Vec<usize>)> = Vec::new();
        for (place, group) in groups.iter().enumerate() {
            let key: Vec<Option<&Literal>> = group
                .iter()
                .enumerate()
                .map(|(at, value)| is_kept(at).then_some(value))
                .collect();
            match sums.iter_mut().find(|(has, _)| *has == key) {
                Some((_, places)) => places.push(place),
                None => sums.push((key, vec![place])),
            }
        }
        for (_, places) in &sums {
            let group = places
                .first()
                .and_then(|first| groups.get(*first))
                .ok_or(PrivacyError::Cells)?;
            let cells = Group::new(priced, noisy, places)?;
            totals.push(json!({
                "group": labels(columns, group, is_kept),
                "values": cells.statistics()?,
            }));
        }
    }
    Ok(totals)
}

fn labels(columns: &[&str], group: &[Literal], is_kept: impl Fn(usize) -> bool) -> Value {
    let labels = columns
        .iter()
        .zip(group)
        .enumerate()
        .map(|(at, (column, value))| {
            let value = match is_kept(at) {
                true => literal(value),
                false => json!({"total": true}),
            };
            ((*column).to_owned(), value)
        })
        .collect();
    Value::Object(labels)
}

fn literal(value: &Literal) -> Value {
    match value {
        Literal::Missing => Value::Null,
        Literal::Boolean(value) => json!(value),
        // Whole numbers read as such.
        Literal::Number(value) if value.fract() == 0.0 => json!(*value as i64),
        Literal::Number(value) => json!(value),
        Literal::Date(value) | Literal::Text(value) => json!(value),
    }
}

/// The noisy cells of one group, or of several summed.
struct Group<'a> {
    priced: &'a Priced,
    /// Cells of each component.
    cells: Vec<Vec<i64>>,
    people: Option<i64>,
    /// How many groups were summed: noise grows with its root.
    summed: usize,
}

impl<'a> Group<'a> {
    fn new(priced: &'a Priced, noisy: &Noisy, places: &[usize]) -> Result<Self, PrivacyError> {
        let mut cells = Vec::with_capacity(priced.components.len());
        for (component, all) in priced.components.iter().zip(&noisy.cells) {
            let width = match component.part {
                // The place of the chosen candidate.
                Part::Candidates { .. } => 1,
                _ => component.part.width(),
            };
            let mut sum = vec![0_i64; width];
            for place in places {
                let own = all
                    .get(place * width..(place + 1) * width)
                    .ok_or(PrivacyError::Cells)?;
                for (sum, cell) in sum.iter_mut().zip(own) {
                    *sum = sum.saturating_add(*cell);
                }
            }
            cells.push(sum);
        }
        let people = match &noisy.people {
            None => None,
            Some(people) => {
                let mut sum = 0_i64;
                for place in places {
                    sum = sum.saturating_add(*people.get(*place).ok_or(PrivacyError::Cells)?);
                }
                Some(sum)
            }
        };
        Ok(Self {
            priced,
            cells,
            people,
            summed: places.len(),
        })
    }

    fn statistics(&self) -> Result<Value, PrivacyError> {
        let mut values = Map::new();
        if self.is_small()? {
            let why = format!("fewer than {} after noise", self.priced.request.minimum);
            for statistic in &self.priced.request.statistics {
                values.insert(statistic.name(), json!({"value": null, "why": why}));
            }
            return Ok(Value::Object(values));
        }
        for statistic in &self.priced.request.statistics {
            values.insert(statistic.name(), self.statistic(statistic)?);
        }
        Ok(Value::Object(values))
    }

    /// Whether a noisy number of rows or people is below the request's minimum.
    fn is_small(&self) -> Result<bool, PrivacyError> {
        let minimum = i64::from(self.priced.request.minimum);
        if minimum == 0 {
            return Ok(false);
        }
        let mut counts: Vec<i64> = self.people.into_iter().collect();
        for part in [Part::Rows, Part::People] {
            if let Some((cells, _)) = self.find(&part) {
                counts.push(*cells.first().ok_or(PrivacyError::Cells)?);
            }
        }
        Ok(counts.iter().any(|count| *count < minimum))
    }

    fn statistic(&self, statistic: &Statistic) -> Result<Value, PrivacyError> {
        Ok(match statistic {
            Statistic::Count { column: None } => self.count(&Part::Rows)?,
            Statistic::Count {
                column: Some(column),
            } => {
                let column = column.clone();
                self.count(&Part::Present { column })?
            }
            Statistic::People => self.people()?,
            Statistic::Sum { column, bounds } => self.sum(column, *bounds)?,
            Statistic::Mean { column, bounds } => self.mean(column, *bounds)?,
            Statistic::Variance { column, bounds } => self.variance(column, *bounds, false)?,
            Statistic::StandardDeviation { column, bounds } => {
                self.variance(column, *bounds, true)?
            }
            Statistic::Quantiles {
                column,
                per_mille,
                candidates,
            } => self.quantiles(column, per_mille, candidates)?,
            Statistic::Histogram { column, edges } => self.histogram(column, edges)?,
        })
    }

    /// Noise of this scale on each of the groups that were summed.
    fn noise(&self, scale: f64) -> Noise {
        Noise {
            shape: self.priced.shape,
            scale,
            summed: self.summed,
        }
    }

    /// The cells of a component with the noise on each, sums of groups included.
    fn find(&self, wanted: &Part) -> Option<(&[i64], Noise)> {
        self.priced
            .components
            .iter()
            .zip(&self.cells)
            .find(|(component, _)| component.part == *wanted)
            .map(|(component, cells)| (cells.as_slice(), self.noise(component.scale)))
    }

    fn one(&self, wanted: &Part) -> Result<(i64, Noise), PrivacyError> {
        let (cells, noise) = self.find(wanted).ok_or(PrivacyError::Cells)?;
        Ok((*cells.first().ok_or(PrivacyError::Cells)?, noise))
    }

    fn count(&self, wanted: &Part) -> Result<Value, PrivacyError> {
        let (count, noise) = self.one(wanted)?;
        Ok(counted(count, noise))
    }

    fn people(&self) -> Result<Value, PrivacyError> {
        if self.summed > 1 && self.priced.request.l0 > 1 {
            return Ok(json!({
                "value": null,
                "why": "a person may stand in several groups, so numbers of people do not add up",
            }));
        }
        match (self.people, &self.priced.keys) {
            (Some(people), Some(keys)) => Ok(counted(people, self.noise(keys.scale))),
            _ => self.count(&Part::People),
        }
    }

    /// Noisy rows, centred sum and the noise on them.
    fn moments(&self, of: &str, grid: Grid) -> Result<Moments, PrivacyError> {
        let column = || of.to_owned();
        let (rows, rows_noise) = self.one(&Part::Numbers { column: column() })?;
        let (sum, sum_noise) = self.one(&Part::Centred {
            column: column(),
            grid,
        })?;
        Ok(Moments {
            rows: rows as f64,
            rows_noise,
            sum: sum as f64,
            sum_noise,
        })
    }

    fn sum(&self, of: &str, bounds: Bounds) -> Result<Value, PrivacyError> {
        let grid = Grid::between(bounds);
        let column = || of.to_owned();
        if let Some((cells, noise)) = self.find(&Part::Sum {
            column: column(),
            grid,
        }) {
            let steps = *cells.first().ok_or(PrivacyError::Cells)?;
            return Ok(number(
                steps as f64 * grid.step,
                noise.error_95() * grid.step,
            ));
        }
        let m = self.moments(of, grid)?;
        let centre = grid.centre as f64;
        Ok(number(
            (m.sum + centre * m.rows) * grid.step,
            mean_95(m.sum_noise, m.rows_noise, centre, 1.0) * grid.step,
        ))
    }

    fn mean(&self, of: &str, bounds: Bounds) -> Result<Value, PrivacyError> {
        let grid = Grid::between(bounds);
        let m = self.moments(of, grid)?;
        if too_few(m.rows, m.rows_noise) {
            return Ok(none());
        }
        let centred = m.sum / m.rows;
        let error = mean_95(m.sum_noise, m.rows_noise, centred, m.rows) * grid.step;
        let value = (centred + grid.centre as f64) * grid.step;
        let inside = value.clamp(bounds.lower, bounds.upper);
        let mut told = between(inside, error, bounds);
        if inside != value {
            flag(&mut told);
        }
        Ok(told)
    }

    fn variance(&self, of: &str, bounds: Bounds, root: bool) -> Result<Value, PrivacyError> {
        let grid = Grid::between(bounds);
        let m = self.moments(of, grid)?;
        let (squares, squares_noise) = self.one(&Part::Squares {
            column: of.to_owned(),
            grid,
        })?;
        if too_few(m.rows, m.rows_noise) || m.rows < 2.0 {
            return Ok(none());
        }
        let spread = Variance {
            squares: squares_noise,
            sum: m.sum_noise,
            rows: m.rows_noise,
            unit: f64::from(grid.square_shift).exp2(),
        };
        let mean = m.sum / m.rows;
        let centred_squares = squares as f64 / m.rows;
        let square = (centred_squares + grid.square_centre as f64) * spread.unit;
        let unit = grid.step * grid.step * m.rows / (m.rows - 1.0);
        let value = (square - mean * mean) * unit;
        let error = spread.error_95(centred_squares, mean, m.rows) * unit;
        let inside = value.max(0.0);
        let not_negative = Bounds {
            lower: 0.0,
            upper: f64::MAX,
        };
        let mut told = if root {
            let deviation = inside.sqrt();
            let above = (inside + error).sqrt() - deviation;
            let below = deviation - (inside - error).max(0.0).sqrt();
            between(deviation, above.max(below), not_negative)
        } else {
            between(inside, error, not_negative)
        };
        if inside != value {
            flag(&mut told);
        }
        Ok(told)
    }

    fn quantiles(&self, of: &str, per_mille: &[u32], among: &[f64]) -> Result<Value, PrivacyError> {
        if self.summed > 1 {
            return Ok(json!({"value": null, "why": "quantiles do not add up"}));
        }
        let mut chosen = Vec::with_capacity(per_mille.len());
        let mut error: f64 = 0.0;
        for wanted in per_mille {
            let (place, noise) = self.one(&Part::Candidates {
                column: of.to_owned(),
                candidates: among.to_vec(),
                per_mille: *wanted,
            })?;
            let place = usize::try_from(place).map_err(|_| PrivacyError::Cells)?;
            chosen.push(*among.get(place).ok_or(PrivacyError::Cells)?);
            error = error.max((choice_95(noise.scale, among.len()) / 1000.0).ceil());
        }
        // Each was chosen alone: in order they are at least as near.
        chosen.sort_by(f64::total_cmp);
        if let ([500], [median]) = (per_mille, chosen.as_slice()) {
            return Ok(json!({"value": median, "error_95_rows": error}));
        }
        let quantiles: Vec<Value> = per_mille
            .iter()
            .zip(&chosen)
            .map(|(q, value)| json!({"quantile": f64::from(*q) / 1000.0, "value": value}))
            .collect();
        Ok(json!({"value": quantiles, "error_95_rows": error}))
    }

    fn histogram(&self, of: &str, at: &[f64]) -> Result<Value, PrivacyError> {
        let bins = Part::Bins {
            column: of.to_owned(),
            edges: at.to_vec(),
        };
        let (cells, noise) = self.find(&bins).ok_or(PrivacyError::Cells)?;
        let error = noise.reach_95();
        let bins: Vec<Value> = at
            .iter()
            .zip(at.iter().skip(1))
            .zip(cells)
            .map(|((lower, upper), count)| {
                json!({"lower": lower, "upper": upper, "value": count, "display": (*count).max(0)})
            })
            .collect();
        Ok(json!({"value": bins, "error_95": error}))
    }
}

struct Moments {
    rows: f64,
    rows_noise: Noise,
    sum: f64,
    sum_noise: Noise,
}

/// A signed count, which is unbiased, and the same not below zero, for display.
fn counted(count: i64, noise: Noise) -> Value {
    let error = noise.reach_95();
    json!({
        "value": count,
        "error_95": error,
        "interval_95": [count as f64 - error, count as f64 + error],
        "display": count.max(0),
        "display_clamped": count < 0,
    })
}

fn number(value: f64, error: f64) -> Value {
    json!({
        "value": value,
        "error_95": error,
        "interval_95": [value - error, value + error],
    })
}

/// The same where the true value is known to lie within bounds.
fn between(value: f64, error: f64, bounds: Bounds) -> Value {
    json!({
        "value": value,
        "error_95": error,
        "interval_95": [(value - error).max(bounds.lower), (value + error).min(bounds.upper)],
    })
}

fn none() -> Value {
    json!({"value": null, "why": "the noisy number of rows is too small to divide by"})
}

/// The value was moved into its range, which makes it biased.
fn flag(told: &mut Value) {
    if let Value::Object(told) = told {
        told.insert("clamped".into(), Value::Bool(true));
    }
}

#[cfg(test)]
mod tests;
