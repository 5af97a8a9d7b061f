//! The price of a request, and what it buys: computed from the request alone, never from data.
//!
//! Each component gets its share of the request's nano-rho, rounded down; OpenDP's own map of each mechanism
//! must stay within the share. What one person can change in all groups together is `per_group * sqrt(l0)`
//! (L2), rounded up. Shares add up (zCDP composes by sums), so the price is the request's whole nano-rho.
//!
//! Where an epsilon is given instead, two mechanisms can be bought with it: Gaussian noise at the rho that is
//! this epsilon at the delta, or Laplace noise with this epsilon and no delta. Its epsilon counts what one person
//! changes in `l0` groups; in each of them it is an `l0`-th, which as a rho is half its square (Bun and Steinke
//! 2016, proposition 1.4), and the groups' noise is independent, so their rhos add up: each share `e` costs the
//! ledger `l0 * (e / l0)^2 / 2`. At one rho Gaussian noise always errs less; at one epsilon Laplace noise does
//! for few numbers. The choice looks at the request alone.

use crate::component::{Part, components};
use crate::noise::{change, choice_scale, epsilon, gaussian_scale, laplace_scale, threshold_scale};
use crate::request::{Budget, Request, Statistic};
use crate::spread::Shape;
use crate::{Limits, PrivacyError};

mod errors;
mod told;

pub(crate) use errors::{Scales, compared, error_95};

/// Rows behind a mean at which two mechanisms are compared; the errors of both shrink alike with more.
const COMPARED_AT: u64 = 1_000;
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
    /// By which measure it is charged.
    pub charge: Charge,
}

/// The measure of a component's loss, with what one person can change by it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Charge {
    /// Rho.
    Rho {
        /// Most that one person changes all cells, in L2; for a quantile, in one group's scores.
        l2: f64,
    },
    /// Epsilon without delta.
    Epsilon {
        /// Most that one person changes all cells, in absolute values summed.
        l1: i64,
        /// What it may cost, in units of 10^-9.
        nano_epsilon: u64,
    },
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
    /// Which noise is added to counts and sums.
    pub shape: Shape,
    /// Epsilon at `epsilon_delta`: by conversion from rho, or of Laplace noise itself.
    pub epsilon: f64,
    /// The delta at which epsilon is told, charged delta included; 0 for Laplace noise.
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
    let charged = match request.finds_keys() {
        true => request.atto_delta.unwrap_or(0),
        false => 0,
    };
    let told = match request.atto_delta {
        Some(atto) if charged == 0 => atto as f64 / 1e18,
        Some(_) | None => limits.report_delta,
    };
    match request.budget {
        Budget::NanoRho(nano_rho) => in_rho(request, nano_rho, told),
        Budget::Accuracy { error, n } => {
            let nano_rho = for_accuracy(&request, limits, error, n)?;
            in_rho(request, nano_rho, told)
        }
        Budget::NanoEpsilon(nano_epsilon) => {
            match for_epsilon(&request, limits, nano_epsilon, told)? {
                Bought::Gaussian(nano_rho) => in_rho(request, nano_rho, told),
                Bought::Laplace(nano_rho) => in_epsilon(request, nano_epsilon, nano_rho),
            }
        }
    }
}

/// Gaussian noise and choices for so much rho.
fn in_rho(request: Request, nano_rho: u64, told: f64) -> Result<Priced, PrivacyError> {
    let (keys_nano, shares) = shares(&request, nano_rho)?;
    let atto_delta = match request.finds_keys() {
        true => request.atto_delta.unwrap_or(0),
        false => 0,
    };
    let keys = match keys_nano {
        None => None,
        Some(nano) => {
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
            charge: Charge::Rho { l2 },
        });
    }
    Ok(Priced {
        sha256: request.sha256()?,
        shape: Shape::Gaussian,
        epsilon: epsilon(nano_rho as f64 / 1e9, told)?,
        epsilon_delta: told + atto_delta as f64 / 1e18,
        request,
        nano_rho,
        atto_delta,
        components: priced,
        keys,
    })
}

/// Laplace noise for so much epsilon, without delta: its shares add up to it (basic composition).
fn in_epsilon(request: Request, nano_epsilon: u64, nano_rho: u64) -> Result<Priced, PrivacyError> {
    let mut priced = Vec::new();
    for (part, share) in shares(&request, nano_epsilon)?.1 {
        let per_group = part.per_group(request.linf);
        let l1 = per_group
            .checked_mul(i64::from(request.l0))
            .ok_or(PrivacyError::Mechanism)?;
        priced.push(ComponentPrice {
            scale: laplace_scale(l1, share)?,
            nano_rho: rho_of(share, request.l0).ok_or(PrivacyError::Mechanism)?,
            part,
            per_group,
            charge: Charge::Epsilon {
                l1,
                nano_epsilon: share,
            },
        });
    }
    Ok(Priced {
        sha256: request.sha256()?,
        shape: Shape::Laplace,
        epsilon: nano_epsilon as f64 / 1e9,
        epsilon_delta: 0.0,
        request,
        nano_rho,
        atto_delta: 0,
        components: priced,
        keys: None,
    })
}

/// What Laplace noise of an epsilon costs the ledger, in nano-rho, where one person changes `l0` groups and each
/// by as much: half the square of each group's epsilon, added up and rounded up.
pub(crate) fn rho_of(nano_epsilon: u64, l0: u32) -> Option<u64> {
    let square = u128::from(nano_epsilon) * u128::from(nano_epsilon);
    u64::try_from(square.div_ceil(2_000_000_000 * u128::from(l0.max(1)))).ok()
}

/// What an epsilon buys, with its price in nano-rho.
enum Bought {
    Gaussian(u64),
    Laplace(u64),
}

/// Of the mechanisms that an epsilon can buy the one whose errors are smaller, taken over all statistics.
fn for_epsilon(
    request: &Request,
    limits: &Limits,
    nano_epsilon: u64,
    delta: f64,
) -> Result<Bought, PrivacyError> {
    let gaussian = most_rho(limits, nano_epsilon, delta)?;
    let laplace = laplace_rho(request, nano_epsilon)?
        .filter(|nano_rho| (limits.nano_rho_min..=limits.nano_rho_max).contains(nano_rho));
    let (nano_rho, laplace) = match (gaussian, laplace) {
        (None, None) => {
            return Err(PrivacyError::Budget(format!(
                "no rho between the limits rho_min of {} and rho_max of {} is this epsilon",
                limits.nano_rho_min as f64 / 1e9,
                limits.nano_rho_max as f64 / 1e9
            )));
        }
        (Some(nano_rho), None) => return Ok(Bought::Gaussian(nano_rho)),
        (None, Some(nano_rho)) => return Ok(Bought::Laplace(nano_rho)),
        (Some(gaussian), Some(laplace)) => (gaussian, laplace),
    };
    let errors = |scales: &Scales| -> f64 {
        let of = |statistic| compared(statistic, scales, COMPARED_AT);
        request.statistics.iter().map(of).sum()
    };
    let of_gaussian = errors(&estimated(request, nano_rho)?);
    Ok(
        match errors(&estimated_laplace(request, nano_epsilon)?) < of_gaussian {
            true => Bought::Laplace(laplace),
            false => Bought::Gaussian(nano_rho),
        },
    )
}

/// The most nano-rho that is at most this epsilon at the delta; none if the limits do not reach it.
fn most_rho(limits: &Limits, nano_epsilon: u64, delta: f64) -> Result<Option<u64>, PrivacyError> {
    let fits = |nano: u64| -> Result<bool, PrivacyError> {
        Ok(epsilon(nano as f64 / 1e9, delta)? <= nano_epsilon as f64 / 1e9)
    };
    let (mut low, mut high) = (limits.nano_rho_min, limits.nano_rho_max);
    if !fits(low)? || fits(high)? {
        return Ok(None);
    }
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        if fits(middle)? {
            low = middle;
        } else {
            high = middle;
        }
    }
    Ok(Some(low))
}

/// What Laplace noise of this epsilon costs, in nano-rho: the shares' costs added up. None where something is
/// asked that it cannot give.
fn laplace_rho(request: &Request, nano_epsilon: u64) -> Result<Option<u64>, PrivacyError> {
    let (keys, shares) = shares(request, nano_epsilon)?;
    let noisy = |part: &Part| {
        let l1 = part
            .per_group(request.linf)
            .checked_mul(i64::from(request.l0));
        !matches!(part, Part::Candidates { .. }) && l1.is_some()
    };
    if keys.is_some() || !shares.iter().all(|(part, _)| noisy(part)) {
        return Ok(None);
    }
    let mut sum = Some(0_u64);
    for (_, share) in shares {
        sum = sum
            .zip(rho_of(share, request.l0))
            .and_then(|(a, b)| a.checked_add(b));
    }
    Ok(sum)
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
        shape: Shape::Gaussian,
        parts,
        people: keys.map(|nano| wide * f64::from(request.l0).sqrt() / root(nano)),
    })
}

/// The same for Laplace noise.
fn estimated_laplace(request: &Request, nano_epsilon: u64) -> Result<Scales, PrivacyError> {
    let parts = shares(request, nano_epsilon)?.1.into_iter();
    let parts = parts
        .map(|(part, share)| {
            let l1 = part.per_group(request.linf) as f64 * f64::from(request.l0);
            (part, l1 * 1e9 / share as f64)
        })
        .collect();
    Ok(Scales {
        shape: Shape::Laplace,
        parts,
        people: None,
    })
}

#[cfg(test)]
mod tests;
