//! The price of a request, and what it buys: computed from the request alone, never from data.
//!
//! Each component gets its share of the request's nano-rho, rounded down; OpenDP's own map of each mechanism
//! must stay within the share. What one person can change in all groups together is `per_group * sqrt(l0)`
//! (L2), rounded up. Shares add up (zCDP composes by sums), so the price is the request's whole nano-rho.

use serde_json::{Map, Value, json};

use crate::component::{Grid, Part, components};
use crate::noise::{change, choice_scale, epsilon, gaussian_scale, threshold_scale};
use crate::request::{Budget, Request, Statistic};
use crate::spread::{Variance, choice_95, gaussian_95, mean_95};
use crate::{Limits, PrivacyError, words};

/// Numbers of rows for which the error of a mean is told when none is given.
const TOLD_AT: [u64; 3] = [100, 1_000, 10_000];
/// Share of the keys that are found by threshold.
const KEYS_WEIGHT: u64 = 1;

/// One component with its mechanism.
#[derive(Debug, Clone, PartialEq)]
pub struct ComponentPrice {
    /// What is measured.
    pub part: Part,
    /// What it may cost, in nano-rho.
    pub nano_rho: u64,
    /// Scale of its noise, in the unit of its cells (of scores, for a quantile).
    pub scale: f64,
    /// Most that one person changes one group's cells, in absolute values summed.
    pub per_group: i64,
    /// Most that one person changes all cells, in L2; for a quantile, in one group's scores.
    pub l2: f64,
}

/// Finding keys by threshold.
#[derive(Debug, Clone, PartialEq)]
pub struct KeysPrice {
    /// What it may cost, in nano-rho.
    pub nano_rho: u64,
    /// What it may cost in delta, in units of 10^-18.
    pub atto_delta: u64,
    /// Scale of the noise on numbers of people.
    pub scale: f64,
    /// Noisy numbers below it are left out.
    pub threshold: i64,
}

/// A request with its price.
#[derive(Debug, Clone, PartialEq)]
pub struct Priced {
    /// The request.
    pub request: Request,
    /// Its name.
    pub sha256: [u8; 32],
    /// What the whole costs, in nano-rho.
    pub nano_rho: u64,
    /// What the whole costs in delta, in units of 10^-18.
    pub atto_delta: u64,
    /// Epsilon at `epsilon_delta`, by conversion from rho.
    pub epsilon: f64,
    /// The delta at which epsilon is told, charged delta included.
    pub epsilon_delta: f64,
    /// The components.
    pub components: Vec<ComponentPrice>,
    /// The finding of keys, if some are unknown.
    pub keys: Option<KeysPrice>,
}

/// Prices a request. Reads no data.
///
/// # Errors
/// If the request passes a limit, or its budget is too small.
pub fn price(request: Request, limits: &Limits) -> Result<Priced, PrivacyError> {
    let cells: usize = components(&request)
        .iter()
        .map(|component| component.part.width())
        .sum::<usize>()
        .saturating_mul(request.groups().len().max(1));
    Limits::most("cells", limits.cells, cells, "cells")?;
    let nano_rho = match request.budget {
        Budget::NanoRho(nano) => nano,
        Budget::Accuracy { error, n } => for_accuracy(&request, limits, error, n)?,
    };
    let (keys_nano, shares) = shares(&request, nano_rho)?;
    let keys = match keys_nano {
        None => None,
        Some(nano) => {
            let atto_delta = request.atto_delta.unwrap_or(0);
            let (scale, threshold) = threshold_scale(request.l0, nano, atto_delta as f64 / 1e18)?;
            Some(KeysPrice {
                nano_rho: nano,
                atto_delta,
                scale,
                threshold,
            })
        }
    };
    let mut priced = Vec::with_capacity(shares.len());
    for (part, nano) in shares {
        let per_group = part.per_group(request.linf);
        let (l2, scale) = match &part {
            Part::Candidates { per_mille, .. } => {
                let linf = change(*per_mille, request.linf);
                (linf as f64, choice_scale(linf, request.l0, nano)?)
            }
            _ => {
                let l2 = l2(per_group, request.l0);
                (l2, gaussian_scale(l2, nano)?)
            }
        };
        priced.push(ComponentPrice {
            part,
            nano_rho: nano,
            scale,
            per_group,
            l2,
        });
    }
    let charged = keys.as_ref().map_or(0, |keys| keys.atto_delta);
    let told = match request.atto_delta {
        Some(atto) if charged == 0 => atto as f64 / 1e18,
        Some(_) | None => limits.report_delta,
    };
    Ok(Priced {
        sha256: request.sha256()?,
        epsilon: epsilon(nano_rho as f64 / 1e9, told)?,
        epsilon_delta: told + charged as f64 / 1e18,
        request,
        nano_rho,
        atto_delta: charged,
        components: priced,
        keys,
    })
}

/// What one person changes in `l0` groups together, rounded up.
fn l2(per_group: i64, l0: u32) -> f64 {
    if l0 == 1 {
        return per_group as f64;
    }
    (per_group as f64 * f64::from(l0).sqrt().next_up()).next_up()
}

/// Nano-rho of the keys, if some are to be found, and of each component.
type Shares = (Option<u64>, Vec<(Part, u64)>);

/// The shares of the keys and of each component, rounded down.
fn shares(request: &Request, nano_rho: u64) -> Result<Shares, PrivacyError> {
    let parts = components(request);
    let keys = request.finds_keys().then_some(KEYS_WEIGHT);
    let total: u64 = parts.iter().map(|c| c.weight).sum::<u64>() + keys.unwrap_or(0);
    let share = |weight: u64| -> Result<u64, PrivacyError> {
        let nano = u128::from(nano_rho) * u128::from(weight) / u128::from(total.max(1));
        match u64::try_from(nano) {
            Ok(nano) if nano > 0 => Ok(nano),
            Ok(_) | Err(_) => Err(PrivacyError::Budget(
                "the budget is too small to be spread over the statistics".into(),
            )),
        }
    };
    let keys = keys.map(share).transpose()?;
    let parts = parts
        .into_iter()
        .map(|component| Ok((component.part, share(component.weight)?)))
        .collect::<Result<Vec<_>, PrivacyError>>()?;
    Ok((keys, parts))
}

/// The smallest price at which every statistic's 95 % error is at most the wanted one.
fn for_accuracy(
    request: &Request,
    limits: &Limits,
    error: f64,
    n: Option<u64>,
) -> Result<u64, PrivacyError> {
    let needs_n = request.statistics.iter().any(|statistic| {
        matches!(
            statistic,
            Statistic::Mean { .. }
                | Statistic::Variance { .. }
                | Statistic::StandardDeviation { .. }
        )
    });
    if needs_n && n.is_none() {
        return crate::error::refuse(
            "the accuracy of a mean, variance or standard deviation depends on the rows behind it: give accuracy {\"error\": …, \"n\": …}",
        );
    }
    let fits = |nano: u64| -> Result<bool, PrivacyError> {
        let scales = estimated(request, nano)?;
        Ok(request
            .statistics
            .iter()
            .all(|statistic| error_95(statistic, &scales, n.unwrap_or(0)) <= error))
    };
    let (mut low, mut high) = (limits.nano_rho_min, limits.nano_rho_max);
    if !fits(high)? {
        return Err(PrivacyError::Budget(format!(
            "no rho up to the limit rho_max of {} gives this accuracy",
            limits.nano_rho_max as f64 / 1e9
        )));
    }
    while low < high {
        let middle = low + (high - low) / 2;
        // A share of nothing fits nothing.
        if fits(middle).unwrap_or(false) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    Ok(high)
}

/// Parts with their scales, and the scale on people where keys are found.
pub(crate) struct Scales {
    pub(crate) parts: Vec<(Part, f64)>,
    pub(crate) people: Option<f64>,
}

/// Scales by formula, a hair above those of the mechanisms' maps.
fn estimated(request: &Request, nano_rho: u64) -> Result<Scales, PrivacyError> {
    let (keys, shares) = shares(request, nano_rho)?;
    let wide = 1.0 + 1e-9;
    let root = |nano: u64| (2.0 * nano as f64 / 1e9).sqrt();
    let parts = shares
        .into_iter()
        .map(|(part, nano)| {
            let l2 = match &part {
                Part::Candidates { per_mille, .. } => {
                    change(*per_mille, request.linf) as f64 * f64::from(request.l0).sqrt()
                }
                other => l2(other.per_group(request.linf), request.l0),
            };
            (part, wide * l2 / root(nano))
        })
        .collect();
    Ok(Scales {
        parts,
        people: keys.map(|nano| wide * f64::from(request.l0).sqrt() / root(nano)),
    })
}

impl Scales {
    fn of(&self, wanted: impl Fn(&Part) -> bool) -> Option<(&Part, f64)> {
        self.parts
            .iter()
            .find(|(part, _)| wanted(part))
            .map(|(part, scale)| (part, *scale))
    }
}

/// The 95 % error of a statistic: in rows for counts, histograms and quantiles (ranks), else in the unit of
/// the column. For means, variances and standard deviations: the worst over all means, for `n` rows.
pub(crate) fn error_95(statistic: &Statistic, scales: &Scales, n: u64) -> f64 {
    let n = n as f64;
    let scale = |wanted: &dyn Fn(&Part) -> bool| scales.of(wanted).map_or(f64::INFINITY, |s| s.1);
    let rows = |c: &String| scale(&|p: &Part| matches!(p, Part::Numbers { column } if column == c));
    let centred =
        |c: &String| scale(&|p: &Part| matches!(p, Part::Centred { column, .. } if column == c));
    match statistic {
        Statistic::Count { column: None } => gaussian_95(scale(&|p| matches!(p, Part::Rows))),
        Statistic::Count { column: Some(c) } => {
            gaussian_95(scale(&|p| matches!(p, Part::Present { column } if column == c)))
        }
        Statistic::People => gaussian_95(
            scales
                .people
                .unwrap_or_else(|| scale(&|p| matches!(p, Part::People))),
        ),
        Statistic::Sum { column: c, bounds } => {
            let grid = Grid::between(*bounds);
            let own = scales.of(|p| matches!(p, Part::Sum { column, .. } if column == c));
            match own {
                Some((_, scale)) => gaussian_95(scale) * grid.step,
                None => mean_95(centred(c), rows(c), grid.centre as f64, 1.0) * grid.step,
            }
        }
        Statistic::Mean { column: c, bounds } => {
            let grid = Grid::between(*bounds);
            mean_95(centred(c), rows(c), grid.half() as f64, n) * grid.step
        }
        Statistic::Variance { column: c, bounds }
        | Statistic::StandardDeviation { column: c, bounds } => {
            let grid = Grid::between(*bounds);
            let squares = scale(&|p: &Part| matches!(p, Part::Squares { column, .. } if column == c));
            let spread = Variance {
                squares_scale: squares,
                sum_scale: centred(c),
                rows_scale: rows(c),
                unit: f64::from(grid.square_shift).exp2(),
            };
            let half = grid.half() as f64;
            let error = spread
                .error_95(-(grid.square_half() as f64), half, n)
                .max(spread.error_95(grid.square_half() as f64, half, n))
                * grid.step
                * grid.step;
            match statistic {
                // Of a deviation of a quarter of the range; near zero it is larger.
                Statistic::StandardDeviation { .. } => {
                    error / (2.0 * (grid.upper - grid.lower) / 4.0)
                }
                _ => error,
            }
        }
        Statistic::Quantiles {
            column: c,
            candidates: among,
            ..
        } => scales
            .parts
            .iter()
            .filter(|(p, _)| matches!(p, Part::Candidates { column, candidates, .. } if column == c && candidates == among))
            .map(|(_, scale)| (choice_95(*scale, among.len()) / 1000.0).ceil())
            .fold(0.0, f64::max),
        Statistic::Histogram { column: c, edges: at } => gaussian_95(scale(
            &|p| matches!(p, Part::Bins { column, edges } if column == c && edges == at),
        )),
    }
}

impl Priced {
    pub(crate) fn scales(&self) -> Scales {
        Scales {
            parts: self
                .components
                .iter()
                .map(|priced| (priced.part.clone(), priced.scale))
                .collect(),
            people: self.keys.as_ref().map(|keys| keys.scale),
        }
    }

    /// The price for people and programs.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let scales = self.scales();
        let statistics: Vec<Value> = self
            .request
            .statistics
            .iter()
            .map(|statistic| told(statistic, &scales))
            .collect();
        let components: Vec<Value> = self
            .components
            .iter()
            .map(|priced| {
                json!({
                    "measured": priced.part.name(),
                    "mechanism": match priced.part {
                        Part::Candidates { .. } => "exponential",
                        _ => "discrete Gaussian",
                    },
                    "rho": priced.nano_rho as f64 / 1e9,
                    "scale": priced.scale,
                    "l2_sensitivity": priced.l2,
                })
            })
            .collect();
        let mut all = json!({
            "request_sha256": hex::encode(self.sha256),
            "words": words::words(self),
            "rho": self.nano_rho as f64 / 1e9,
            "nano_rho": self.nano_rho,
            "delta": self.atto_delta as f64 / 1e18,
            "atto_delta": self.atto_delta,
            "epsilon": self.epsilon,
            "epsilon_delta": self.epsilon_delta,
            "groups": if self.request.finds_keys() { Value::Null } else { json!(self.request.groups().len()) },
            "l0": self.request.l0,
            "linf": self.request.linf,
            "statistics": statistics,
            "components": components,
        });
        if let (Some(keys), Value::Object(all)) = (&self.keys, &mut all) {
            let keys = json!({
                "mechanism": "Gaussian threshold",
                "rho": keys.nano_rho as f64 / 1e9,
                "delta": keys.atto_delta as f64 / 1e18,
                "scale": keys.scale,
                "threshold": keys.threshold,
            });
            all.insert("unknown_keys".into(), keys);
        }
        all
    }
}

/// What a statistic's error will be.
fn told(statistic: &Statistic, scales: &Scales) -> Value {
    let mut told = Map::new();
    told.insert("name".into(), json!(statistic.name()));
    match statistic {
        Statistic::Mean { .. }
        | Statistic::Variance { .. }
        | Statistic::StandardDeviation { .. } => {
            let at: Map<String, Value> = TOLD_AT
                .iter()
                .map(|n| (n.to_string(), json!(error_95(statistic, scales, *n))))
                .collect();
            told.insert("error_95_by_rows".into(), Value::Object(at));
        }
        Statistic::Quantiles { .. } => {
            told.insert("error_95".into(), json!(error_95(statistic, scales, 0)));
            told.insert("unit".into(), json!("rows out of rank"));
        }
        Statistic::Count { .. } | Statistic::Histogram { .. } => {
            told.insert("error_95".into(), json!(error_95(statistic, scales, 0)));
            told.insert("unit".into(), json!("rows"));
        }
        Statistic::People => {
            told.insert("error_95".into(), json!(error_95(statistic, scales, 0)));
            told.insert("unit".into(), json!("people"));
        }
        Statistic::Sum { column, .. } => {
            told.insert("error_95".into(), json!(error_95(statistic, scales, 0)));
            told.insert("unit".into(), json!(format!("unit of {column}")));
        }
    }
    Value::Object(told)
}

#[cfg(test)]
mod tests;
