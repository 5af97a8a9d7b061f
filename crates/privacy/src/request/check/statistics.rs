//! The statistics of a request.

use super::super::read::{StatisticFields, StatisticForm};
use super::super::{Bounds, Statistic};
use super::{name, number, refuse};
use crate::{Limits, PrivacyError};

/// Edges or candidates that are written out when none are named.
const DEFAULT_BINS: u32 = 100;

pub(super) fn checked(
    forms: Vec<StatisticForm>,
    limits: &Limits,
) -> Result<Vec<Statistic>, PrivacyError> {
    if forms.is_empty() {
        return refuse("the request asks for no statistic");
    }
    Limits::most("statistics", limits.statistics, forms.len(), "statistics")?;
    let mut all = forms
        .into_iter()
        .map(|StatisticForm(fields)| statistic(fields, limits))
        .collect::<Result<Vec<_>, _>>()?;
    all.sort_by(|a, b| a.partial_cmp(b).unwrap_or(std::cmp::Ordering::Equal));
    all.dedup();
    let mut names: Vec<String> = all.iter().map(Statistic::name).collect();
    names.sort();
    if let Some([twice, _]) = names.windows(2).find(|pair| pair.first() == pair.last()) {
        return refuse(format!(
            "two statistics would be called {twice}: ask for them in two requests"
        ));
    }
    Ok(all)
}

fn statistic(mut fields: StatisticFields, limits: &Limits) -> Result<Statistic, PrivacyError> {
    let kind = fields.statistic.to_ascii_lowercase();
    let statistic = match kind.as_str() {
        "count" | "rows" => Statistic::Count {
            column: fields.column.take(),
        },
        "people"
        | "distinct_people"
        | "count_people"
        | "distinct"
        | "count_distinct"
        | "persons"
        | "count_distinct_people" => Statistic::People,
        "sum" | "total" => Statistic::Sum {
            bounds: bounds(&mut fields)?,
            column: column(&mut fields)?,
        },
        "mean" | "avg" | "average" => Statistic::Mean {
            bounds: bounds(&mut fields)?,
            column: column(&mut fields)?,
        },
        "variance" | "var" => Statistic::Variance {
            bounds: bounds(&mut fields)?,
            column: column(&mut fields)?,
        },
        "standard_deviation" | "stddev" | "std" | "sd" => Statistic::StandardDeviation {
            bounds: bounds(&mut fields)?,
            column: column(&mut fields)?,
        },
        "median" => quantiles(&mut fields, Some(vec![0.5]), limits)?,
        "quantile" | "quantiles" | "percentile" | "percentiles" => {
            quantiles(&mut fields, None, limits)?
        }
        "histogram" => Statistic::Histogram {
            edges: points(&mut fields, limits)?,
            column: column(&mut fields)?,
        },
        _ => {
            return refuse(
                "a statistic is count, people, sum, mean, variance, standard_deviation, median, quantiles or histogram",
            );
        }
    };
    nothing_left(&kind, &fields)?;
    if let Statistic::Count { column: Some(of) } = &statistic {
        name("column", of)?;
    }
    Ok(statistic)
}

/// A field that the statistic does not use is a mistake of whoever wrote it.
fn nothing_left(kind: &str, fields: &StatisticFields) -> Result<(), PrivacyError> {
    let left = [
        ("column", fields.column.is_some()),
        ("lower", fields.lower.is_some()),
        ("upper", fields.upper.is_some()),
        ("bounds", fields.bounds.is_some()),
        ("quantiles", fields.quantiles.is_some()),
        ("candidates", fields.candidates.is_some()),
        ("step", fields.step.is_some()),
        ("edges", fields.edges.is_some()),
        ("bins", fields.bins.is_some()),
    ];
    match left.iter().find(|(_, is_left)| *is_left) {
        None => Ok(()),
        // Every person counts once, whatever column names the unit.
        Some(("column", _)) if kind != "count" => refuse(format!(
            "{kind} takes no column: it counts the people behind the rows"
        )),
        Some((field, _)) => refuse(format!("{kind} takes no {field}")),
    }
}

fn column(fields: &mut StatisticFields) -> Result<String, PrivacyError> {
    match fields.column.take() {
        None => refuse(format!("{} needs a column", fields.statistic)),
        Some(column) => {
            name("column", &column)?;
            Ok(column)
        }
    }
}

fn bounds(fields: &mut StatisticFields) -> Result<Bounds, PrivacyError> {
    let pair = (fields.lower.take(), fields.upper.take());
    let (lower, upper) = match (fields.bounds.take(), pair) {
        (Some(bounds), (None, None)) => (bounds.lower, bounds.upper),
        (None, (Some(lower), Some(upper))) => (lower, upper),
        _ => {
            return refuse(format!(
                "{} needs bounds from the codebook: lower and upper, once each",
                fields.statistic
            ));
        }
    };
    let of = "bounds";
    let (lower, upper) = (number(of, lower)?, number(of, upper)?);
    if lower >= upper {
        return refuse(format!(
            "the lower bound of {} is not below its upper bound",
            fields.statistic
        ));
    }
    // A grid of a million steps between bounds must hold both exactly.
    if upper - lower < lower.abs().max(upper.abs()) * 1e-6 || upper - lower < 1e-9 {
        return refuse("the bounds are closer to each other than a millionth of their size");
    }
    Ok(Bounds { lower, upper })
}

/// Candidates or edges: a list, or bounds with a step or a number of bins.
fn points(fields: &mut StatisticFields, limits: &Limits) -> Result<Vec<f64>, PrivacyError> {
    let listed = fields.candidates.take().or(fields.edges.take());
    let has_bounds = fields.bounds.is_some() || fields.lower.is_some() || fields.upper.is_some();
    let points = match (listed, has_bounds) {
        (Some(points), false) => points,
        (None, true) => {
            let Bounds { lower, upper } = bounds(fields)?;
            let bins = match (fields.step.take(), fields.bins.take()) {
                (Some(_), Some(_)) => return refuse("give a step or a number of bins, not both"),
                (Some(step), None) => {
                    let bins = ((upper - lower) / step).round();
                    if !(step > 0.0 && (1.0..=f64::from(u32::MAX)).contains(&bins))
                        || ((lower + bins * step) - upper).abs() > step * 1e-6
                    {
                        return refuse("the step does not divide the range between the bounds");
                    }
                    bins as u32
                }
                (None, Some(bins)) => bins,
                (None, None) => DEFAULT_BINS,
            };
            Limits::most("bins", limits.bins, bins as usize, "bins")?;
            if bins == 0 {
                return refuse("a range has at least one bin");
            }
            (0..=bins)
                .map(|at| lower + (upper - lower) * f64::from(at) / f64::from(bins))
                .collect()
        }
        (Some(_), true) => return refuse("give a list of points or bounds, not both"),
        (None, false) => {
            return refuse(format!(
                "{} needs bounds, with a step or a number of bins, or a list of points from the codebook",
                fields.statistic
            ));
        }
    };
    Limits::most("bins", limits.bins, points.len().saturating_sub(1), "bins")?;
    for point in &points {
        number("a point", *point)?;
    }
    if points.len() < 2 || !points.is_sorted_by(|a, b| a < b) {
        return refuse("there are at least two points, in rising order");
    }
    Ok(points)
}

fn quantiles(
    fields: &mut StatisticFields,
    given: Option<Vec<f64>>,
    limits: &Limits,
) -> Result<Statistic, PrivacyError> {
    let wanted = match (given, fields.quantiles.take()) {
        (Some(_), Some(_)) => return refuse("median takes no quantiles"),
        (Some(given), None) => given,
        (None, Some(wanted)) => wanted.0,
        (None, None) => return refuse("quantiles are missing, such as [0.25, 0.5, 0.75]"),
    };
    let mut per_mille = Vec::with_capacity(wanted.len());
    for quantile in wanted {
        let thousandths = (quantile * 1000.0).round();
        if !(quantile > 0.0 && quantile < 1.0) || (quantile * 1000.0 - thousandths).abs() > 1e-6 {
            return refuse("a quantile is above 0 and below 1, in steps of 0.001");
        }
        per_mille.push(thousandths as u32);
    }
    per_mille.sort_unstable();
    per_mille.dedup();
    if per_mille.is_empty() {
        return refuse("quantiles are missing, such as [0.25, 0.5, 0.75]");
    }
    Ok(Statistic::Quantiles {
        candidates: points(fields, limits)?,
        column: column(fields)?,
        per_mille,
    })
}
