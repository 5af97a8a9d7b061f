//! The one place that calls OpenDP: builds mechanisms, checks them against what was reserved, draws.
//!
//! OpenDP 0.16.0 checks no input, so cells are checked here. Of its mechanisms four are used, each with a
//! test of its distribution: discrete Gaussian and discrete Laplace over integers, exponential mechanism (noisy
//! maximum), and Gaussian threshold. The last reports too small a delta (it keeps counts equal to the threshold, its map
//! starts above it): it is priced with the map of one threshold less.

use std::collections::HashMap;

use opendp::core::Measurement;
use opendp::domains::{AtomDomain, MapDomain, VectorDomain};
use opendp::measurements::{make_gaussian, make_gaussian_threshold, make_laplace, make_noisy_max};
use opendp::measures::{Approximate, MaxDivergence, ZeroConcentratedDivergence};
use opendp::metrics::{
    AbsoluteDistance, L0PInfDistance, L1Distance, L2Distance, L02InfDistance, LInfDistance,
};

use crate::PrivacyError;
use crate::component::Part;
use crate::price::{Charge, ComponentPrice, KeysPrice, Priced, rho_of};

type Integers = VectorDomain<AtomDomain<i64>>;
type Counts = MapDomain<AtomDomain<String>, AtomDomain<i64>>;
type Noise = Measurement<Integers, L2Distance<f64>, ZeroConcentratedDivergence, Vec<i64>>;
type Pure = Measurement<Integers, L1Distance<i64>, MaxDivergence, Vec<i64>>;
type Choice = Measurement<Integers, LInfDistance<i64>, ZeroConcentratedDivergence, usize>;
type Threshold = Measurement<
    Counts,
    L02InfDistance<AbsoluteDistance<i64>>,
    Approximate<ZeroConcentratedDivergence>,
    HashMap<String, i64>,
>;

/// Largest cell that is accepted: noise is added in 64 bits and must not meet their end.
pub(crate) const CELL_MAX: i64 = 1 << 61;
/// Largest threshold that is looked for.
const THRESHOLD_MAX: i64 = 1 << 40;

/// Noisy cells of one draw.
#[derive(Debug, Clone, PartialEq)]
pub struct Noisy {
    /// For each component its noisy cells, group by group; for a quantile the chosen candidate's place.
    pub cells: Vec<Vec<i64>>,
    /// Noisy numbers of people, where keys were found by threshold.
    pub people: Option<Vec<i64>>,
}

/// A key that was found, with its noisy number of people.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// Its place among the keys that were given.
    pub place: usize,
    /// People.
    pub people: i64,
}

/// Whether the source of randomness gives anything. Asked before anything is measured: OpenSSL's private
/// generator, which OpenDP draws from.
///
/// # Errors
/// If it gives nothing, or the same twice.
pub fn ready() -> Result<(), PrivacyError> {
    let mut draws = [[0_u8; 32]; 2];
    for draw in &mut draws {
        opendp::traits::samplers::fill_bytes(draw).map_err(|_| PrivacyError::Randomness)?;
    }
    let [first, second] = draws;
    if first == second || first == [0; 32] || second == [0; 32] {
        return Err(PrivacyError::Randomness);
    }
    Ok(())
}

/// The vendor's words may hold values: none is kept.
fn broken<E>(_: E) -> PrivacyError {
    PrivacyError::Mechanism
}

fn integers() -> Integers {
    VectorDomain::new(AtomDomain::<i64>::default())
}

fn gaussian(scale: f64) -> Result<Noise, PrivacyError> {
    make_gaussian(integers(), L2Distance::default(), scale, None).map_err(broken)
}

fn laplace(scale: f64) -> Result<Pure, PrivacyError> {
    make_laplace(integers(), L1Distance::default(), scale, None).map_err(broken)
}

fn choice(scale: f64) -> Result<Choice, PrivacyError> {
    make_noisy_max(
        integers(),
        LInfDistance::default(),
        ZeroConcentratedDivergence,
        scale,
        // The best candidate has the smallest score.
        true,
    )
    .map_err(broken)
}

fn threshold(scale: f64, threshold: i64) -> Result<Threshold, PrivacyError> {
    make_gaussian_threshold(
        MapDomain::new(
            AtomDomain::<String>::default(),
            AtomDomain::<i64>::default(),
        ),
        L0PInfDistance(AbsoluteDistance::default()),
        scale,
        threshold,
        None,
    )
    .map_err(broken)
}

/// The rho that so much nano-rho allows, rounded down.
fn allowed(nano_rho: u64, parts: u32) -> f64 {
    (nano_rho as f64 / 1e9 / f64::from(parts)).next_down()
}

/// The epsilon that so many units of 10^-9 allow, rounded down.
fn allowed_epsilon(nano_epsilon: u64) -> f64 {
    (nano_epsilon as f64 / 1e9).next_down()
}

/// Widens a scale until the mechanism's own map agrees.
fn widen(
    mut scale: f64,
    fits: impl Fn(f64) -> Result<bool, PrivacyError>,
) -> Result<f64, PrivacyError> {
    let mut by = 1e-13;
    for _ in 0..64 {
        if scale.is_finite() && fits(scale)? {
            return Ok(scale);
        }
        scale *= 1.0 + by;
        by *= 2.0;
    }
    Err(PrivacyError::Mechanism)
}

/// The scale of Gaussian noise at which a change of `l2` costs at most so much.
pub(crate) fn gaussian_scale(l2: f64, nano_rho: u64) -> Result<f64, PrivacyError> {
    let rho = allowed(nano_rho, 1);
    widen(l2 / (2.0 * rho).sqrt(), |scale| {
        gaussian(scale)?.check(&l2, &rho).map_err(broken)
    })
}

/// The scale of Laplace noise at which a change of `l1` costs at most so much, without any delta.
pub(crate) fn laplace_scale(l1: i64, nano_epsilon: u64) -> Result<f64, PrivacyError> {
    let epsilon = allowed_epsilon(nano_epsilon);
    widen(l1 as f64 / epsilon, |scale| {
        laplace(scale)?.check(&l1, &epsilon).map_err(broken)
    })
}

/// The scale of a choice at which a change of every score by `linf` in `groups` groups costs at most so
/// much. One person changes at most so many groups, and the others' choices have the same distribution.
pub(crate) fn choice_scale(linf: i64, groups: u32, nano_rho: u64) -> Result<f64, PrivacyError> {
    let rho = allowed(nano_rho, groups);
    // Bounded range: rho = (2 linf / scale)^2 / 8 (Cesar and Rogers 2021).
    widen(linf as f64 / (2.0 * rho).sqrt(), |scale| {
        choice(scale)?.check(&linf, &rho).map_err(broken)
    })
}

/// Scale and threshold at which keys that one person alone brings pass with at most so much delta.
pub(crate) fn threshold_scale(
    l0: u32,
    nano_rho: u64,
    delta: f64,
) -> Result<(f64, i64), PrivacyError> {
    let rho = allowed(nano_rho, 1);
    let l2 = f64::from(l0).sqrt().next_up();
    let scale = gaussian_scale(l2, nano_rho)?;
    // OpenDP's whole-number l2 is tightened by its own map.
    let d_in = (l0, i64::from(l0), 1);
    let at = |scale: f64, limit: i64| -> Result<(f64, f64), PrivacyError> {
        // One less than what is released at: see the head of this file.
        threshold(scale, limit - 1)?.map(&d_in).map_err(broken)
    };
    let scale = widen(scale, |scale| Ok(at(scale, THRESHOLD_MAX)?.0 <= rho))?;
    let (mut low, mut high) = (2, THRESHOLD_MAX);
    while low < high {
        let middle = low + (high - low) / 2;
        // A threshold that the map refuses is too low.
        match at(scale, middle) {
            Ok((_, d)) if d <= delta => high = middle,
            Ok(_) | Err(_) => low = middle + 1,
        }
    }
    let (spent, d) = at(scale, low)?;
    if low >= THRESHOLD_MAX || spent > rho || d > delta {
        return Err(PrivacyError::Budget(
            "no threshold keeps the delta: give a larger rho or delta".into(),
        ));
    }
    Ok((scale, low))
}

/// Epsilon at a delta, for a whole rho.
pub(crate) fn epsilon(rho: f64, delta: f64) -> Result<f64, PrivacyError> {
    // Noise with exactly this rho for a change by one.
    let measurement = gaussian(1.0 / (2.0 * rho).sqrt())?;
    let smoothed = opendp::combinators::make_zCDP_to_approxDP(measurement).map_err(broken)?;
    let profile = smoothed.map(&1.0).map_err(broken)?;
    profile.epsilon(delta).map_err(broken)
}

impl Priced {
    /// Draws the noise over cells that were cut for this price: for each component its cells, group by
    /// group. Builds, checks against the price and draws in one go; nothing of OpenDP outlives the call,
    /// which blocks.
    ///
    /// # Errors
    /// If the cells do not have the shape that was priced, or a mechanism refuses.
    pub fn draw(&self, cells: &[Vec<i64>], draws: u32) -> Result<Vec<Vec<Vec<i64>>>, PrivacyError> {
        ready()?;
        if cells.len() != self.components.len() {
            return Err(PrivacyError::Cells);
        }
        let mut all = vec![Vec::with_capacity(cells.len()); draws as usize];
        for (priced, cells) in self.components.iter().zip(cells) {
            if cells.len() % priced.part.width() != 0
                || cells
                    .iter()
                    .any(|cell| !(-CELL_MAX..=CELL_MAX).contains(cell))
            {
                return Err(PrivacyError::Cells);
            }
            match &priced.part {
                Part::Candidates { per_mille, .. } => {
                    let measurement = choice(priced.scale)?;
                    let d_in = change(*per_mille, self.request.linf);
                    let rho = allowed(priced.nano_rho, self.request.l0);
                    agreed(measurement.check(&d_in, &rho))?;
                    let scores: Vec<Vec<i64>> = cells
                        .chunks(priced.part.width())
                        .map(|group| scores(group, *per_mille))
                        .collect();
                    for draw in &mut all {
                        let mut chosen = Vec::with_capacity(scores.len());
                        for group in &scores {
                            let place = measurement.invoke(group).map_err(broken)?;
                            chosen.push(i64::try_from(place).map_err(broken)?);
                        }
                        draw.push(chosen);
                    }
                }
                Part::Rows
                | Part::People
                | Part::Present { .. }
                | Part::Numbers { .. }
                | Part::Sum { .. }
                | Part::Centred { .. }
                | Part::Squares { .. }
                | Part::Bins { .. } => {
                    let noisy = added(priced, self.request.l0, cells, draws)?;
                    for (draw, noisy) in all.iter_mut().zip(noisy) {
                        draw.push(noisy);
                    }
                }
            }
        }
        Ok(all)
    }

    /// Finds keys: those whose noisy number of people reaches the threshold, in the order given.
    ///
    /// # Errors
    /// If the request has no unknown key, a count is out of range, or the mechanism refuses.
    pub fn find(&self, people: &[i64]) -> Result<Vec<Found>, PrivacyError> {
        ready()?;
        let Some(KeysPrice {
            nano_rho,
            scale,
            threshold: limit,
            atto_delta,
            ..
        }) = &self.keys
        else {
            return Err(PrivacyError::Cells);
        };
        if people.iter().any(|count| !(0..=CELL_MAX).contains(count)) {
            return Err(PrivacyError::Cells);
        }
        let d_in = (self.request.l0, i64::from(self.request.l0), 1);
        let (rho, delta) = threshold(*scale, limit - 1)?.map(&d_in).map_err(broken)?;
        if rho > allowed(*nano_rho, 1) || delta > *atto_delta as f64 / 1e18 {
            return Err(PrivacyError::Mechanism);
        }
        let counts: HashMap<String, i64> = people
            .iter()
            .enumerate()
            // A key whose people were all cut away is as absent as one that nobody has.
            .filter(|(_, count)| **count > 0)
            .map(|(place, count)| (place.to_string(), *count))
            .collect();
        let noisy = threshold(*scale, *limit)?.invoke(&counts).map_err(broken)?;
        let mut found = noisy
            .into_iter()
            .map(|(place, people)| {
                Ok(Found {
                    place: place.parse().map_err(broken)?,
                    people,
                })
            })
            .collect::<Result<Vec<_>, PrivacyError>>()?;
        found.sort_by_key(|key| key.place);
        Ok(found)
    }
}

/// The cells with noise, as often as wanted.
#[allow(clippy::ptr_arg, reason = "a list is what the library takes")]
fn added(
    priced: &ComponentPrice,
    l0: u32,
    cells: &Vec<i64>,
    draws: u32,
) -> Result<Vec<Vec<i64>>, PrivacyError> {
    let draw = |invoke: &dyn Fn() -> Result<Vec<i64>, PrivacyError>| -> Result<_, _> {
        (0..draws).map(|_| invoke()).collect()
    };
    match priced.charge {
        Charge::Rho { l2 } => {
            let measurement = gaussian(priced.scale)?;
            agreed(measurement.check(&l2, &allowed(priced.nano_rho, 1)))?;
            draw(&|| measurement.invoke(cells).map_err(broken))
        }
        Charge::Epsilon { l1, nano_epsilon } => {
            let measurement = laplace(priced.scale)?;
            agreed(measurement.check(&l1, &allowed_epsilon(nano_epsilon)))?;
            if rho_of(nano_epsilon, l0).is_none_or(|nano_rho| nano_rho > priced.nano_rho) {
                return Err(PrivacyError::Mechanism);
            }
            draw(&|| measurement.invoke(cells).map_err(broken))
        }
    }
}

fn agreed<E>(checked: Result<bool, E>) -> Result<(), PrivacyError> {
    match checked {
        Ok(true) => Ok(()),
        Ok(false) | Err(_) => Err(PrivacyError::Mechanism),
    }
}

/// Most that one person with `linf` rows changes any candidate's score.
pub(crate) fn change(per_mille: u32, linf: u32) -> i64 {
    i64::from(per_mille.max(1000 - per_mille)) * i64::from(linf)
}

/// Scores of the candidates of one group: how unevenly each splits the rows (Smith 2011). Lower is better.
fn scores(group: &[i64], per_mille: u32) -> Vec<i64> {
    let total: i64 = group.iter().sum();
    let (below, above) = (i64::from(1000 - per_mille), i64::from(per_mille));
    let mut less = 0;
    let mut scores = Vec::with_capacity(group.len() / 2);
    // Places in pairs: between, at.
    for pair in group.chunks_exact(2) {
        let (between, at) = (
            pair.first().copied().unwrap_or(0),
            pair.last().copied().unwrap_or(0),
        );
        less += between;
        let greater = total - less - at;
        scores.push((below.saturating_mul(less) - above.saturating_mul(greater)).saturating_abs());
        less += at;
    }
    scores
}

#[cfg(test)]
pub(crate) mod tests;
