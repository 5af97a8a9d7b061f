//! What releases show of the loss behind them: a lower bound on epsilon, from draws over two neighbours.
//!
//! One half of the draws chooses the event that tells the neighbours apart best; the other half bounds how
//! often it happens, exactly (Clopper and Pearson 1934). So the bound holds with its confidence however many
//! events were looked at. A bound above a claim contradicts the claim; one below it shows nothing by itself.

use crate::noise::epsilon;
use crate::price::Priced;
use crate::spread::Shape;
use crate::{Found, PrivacyError};

/// Deltas at which a claim is held against what was seen: small ones see shifted noise, large ones rare events.
const DELTAS: [f64; 5] = [1e-6, 1e-3, 1e-2, 0.05, 0.1];
/// Most events that are looked at in one direction.
const EVENTS_MAX: usize = 200;

/// What draws over two neighbours show.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Shown {
    /// The delta at which the bound comes nearest to the claim.
    pub delta: f64,
    /// The bound: with the stated confidence the true epsilon at this delta is at least so much.
    pub epsilon: f64,
    /// What is claimed at this delta.
    pub claimed: f64,
}

impl Shown {
    /// Whether the claim is contradicted.
    #[must_use]
    pub fn contradicts(&self) -> bool {
        self.epsilon > self.claimed
    }
}

/// Holds the claim of a price against outcomes over two neighbours: as many of each. `miss` is the chance that
/// an honest claim is contradicted all the same.
///
/// # Errors
/// If the claim cannot be converted.
pub fn shown(
    priced: &Priced,
    one: &[f64],
    other: &[f64],
    miss: f64,
) -> Result<Shown, PrivacyError> {
    let mut worst: Option<Shown> = None;
    for delta in DELTAS {
        let Some(claimed) = claim(priced, delta)? else {
            continue;
        };
        let epsilon = lower_bound(one, other, delta, miss / DELTAS.len() as f64);
        let shown = Shown {
            delta,
            epsilon,
            claimed,
        };
        let nearer = |than: &Shown| epsilon / claimed > than.epsilon / than.claimed;
        if worst.as_ref().is_none_or(nearer) {
            worst = Some(shown);
        }
    }
    worst.ok_or(PrivacyError::Mechanism)
}

/// The claimed epsilon at a delta; none below the delta that is charged.
fn claim(priced: &Priced, delta: f64) -> Result<Option<f64>, PrivacyError> {
    match priced.shape {
        Shape::Laplace => Ok(Some(priced.epsilon)),
        Shape::Gaussian => {
            let rest = delta - priced.atto_delta as f64 / 1e18;
            if rest <= 0.0 {
                return Ok(None);
            }
            epsilon(priced.nano_rho as f64 / 1e9, rest).map(Some)
        }
    }
}

/// With a chance of at most `miss` to be wrong, the largest epsilon at this delta that the outcomes show; 0 if
/// they show none.
#[must_use]
pub fn lower_bound(one: &[f64], other: &[f64], delta: f64, miss: f64) -> f64 {
    let halves = |of: &[f64]| {
        let (chooses, bounds) = of.split_at(of.len() / 2);
        (sorted(chooses), sorted(bounds))
    };
    let (one, other) = (halves(one), halves(other));
    let mut most: f64 = 0.0;
    for ((first, first_bounds), (second, second_bounds)) in
        [(&one, &other), (&other, &one)].map(|(a, b)| ((&a.0, &a.1), (&b.0, &b.1)))
    {
        let Some(event) = best(first, second, delta) else {
            continue;
        };
        // Two directions, two bounds each.
        let alpha = miss / 4.0;
        let (hits, n) = (event.hits(first_bounds), first_bounds.len() as u64);
        let (others, m) = (event.hits(second_bounds), second_bounds.len() as u64);
        let low = at_least(hits, n, alpha);
        let high = 1.0 - at_least(m - others, m, alpha);
        most = most.max(((low - delta) / high).ln());
    }
    most
}

/// An outcome at or beyond a value.
#[derive(Debug, Clone, Copy)]
enum Event {
    From(f64),
    UpTo(f64),
}

impl Event {
    /// How many of sorted outcomes it holds for.
    fn hits(self, sorted: &[f64]) -> u64 {
        match self {
            Self::From(cut) => (sorted.len() - sorted.partition_point(|x| *x < cut)) as u64,
            Self::UpTo(cut) => sorted.partition_point(|x| *x <= cut) as u64,
        }
    }
}

fn sorted(of: &[f64]) -> Vec<f64> {
    let mut all = of.to_vec();
    all.sort_by(f64::total_cmp);
    all
}

/// The event that is likelier over the first than over the second by the largest factor, judged with care: its
/// shares are moved by three standard errors, so that no rare event wins by luck.
fn best(first: &[f64], second: &[f64], delta: f64) -> Option<Event> {
    let mut cuts: Vec<f64> = first.iter().chain(second).copied().collect();
    cuts.sort_by(f64::total_cmp);
    cuts.dedup();
    let n = first.len().min(second.len()) as f64;
    let share = |hits: u64, sign: f64| {
        let share = hits as f64 / n;
        let care = 3.0 * (share * (1.0 - share) / n).sqrt() + 3.0 / n;
        (share + sign * care).clamp(0.0, 1.0)
    };
    let gain = |event: Event| {
        ((share(event.hits(first), -1.0) - delta) / share(event.hits(second), 1.0)).ln()
    };
    let step = (cuts.len() / EVENTS_MAX).max(1);
    cuts.into_iter()
        .step_by(step)
        .flat_map(|cut| [Event::From(cut), Event::UpTo(cut)])
        .map(|event| (gain(event), event))
        .filter(|(gain, _)| gain.is_finite())
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map(|(_, event)| event)
}

/// The lower end of the exact one-sided interval for a share of which `hits` of `n` were seen: the smallest
/// share with which at least so many hits have a chance of `alpha`.
fn at_least(hits: u64, n: u64, alpha: f64) -> f64 {
    if hits == 0 {
        return 0.0;
    }
    let (mut low, mut high) = (0.0, hits as f64 / n as f64);
    for _ in 0..60 {
        let middle = f64::midpoint(low, high);
        if tail(hits, n, middle) >= alpha {
            high = middle;
        } else {
            low = middle;
        }
    }
    low
}

/// The chance of `hits` or more in `n` at a share below `hits / n`, where the terms fall.
fn tail(hits: u64, n: u64, share: f64) -> f64 {
    if share <= 0.0 {
        return 0.0;
    }
    let choose: f64 = (0..hits.min(n - hits))
        .map(|at| ((n - at) as f64 / (at + 1) as f64).ln())
        .sum();
    let mut term = (choose + hits as f64 * share.ln() + (n - hits) as f64 * (-share).ln_1p()).exp();
    let odds = share / (1.0 - share);
    let mut sum = 0.0;
    for at in hits..=n {
        sum += term;
        if term < sum * 1e-15 {
            break;
        }
        term *= (n - at) as f64 / (at + 1) as f64 * odds;
    }
    sum
}

/// What became of keys that were looked for, as one outcome: the first key's noisy number, below all of them
/// where it was not found.
#[must_use]
pub fn outcome_of_found(found: &[Found]) -> f64 {
    found.first().map_or(-1e300, |key| key.people as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interval_is_the_published_one() {
        // Clopper and Pearson's interval for 10 of 100 at 95 % (two-sided) is 4.9005 % to 17.6223 %; for 0 of 20
        // the upper end at one side of 5 % is 1 - 0.05^(1/20).
        assert!((at_least(10, 100, 0.025) - 0.049_005).abs() < 1e-6);
        assert!((1.0 - at_least(90, 100, 0.025) - 0.176_223).abs() < 1e-6);
        assert!((1.0 - at_least(20, 20, 0.05) - (1.0 - 0.05_f64.powf(0.05))).abs() < 1e-9);
        assert_eq!(at_least(0, 50, 0.01), 0.0);
    }

    #[test]
    fn outcomes_of_known_odds_show_nearly_all_of_them_and_never_more() {
        // Randomised response: a coin that says 1 with odds e to one, over 0 with odds 1 to e.
        let outcomes = |ones: usize| -> Vec<f64> {
            let n = 20_000;
            (0..n)
                // Spread evenly, so that both halves hold the same share.
                .map(|at| f64::from(u8::from((at * ones) % n < ones)))
                .collect()
        };
        let share = 1.0_f64.exp() / (1.0 + 1.0_f64.exp());
        let (one, other) = (
            outcomes((share * 20_000.0) as usize),
            outcomes(((1.0 - share) * 20_000.0) as usize),
        );
        let bound = lower_bound(&one, &other, 0.0, 1e-3);
        assert!((0.85..=1.0).contains(&bound), "{bound}");
        // The same outcomes twice show nothing.
        assert_eq!(lower_bound(&one, &one, 0.0, 1e-3), 0.0);
        // What a delta explains is not epsilon.
        assert_eq!(lower_bound(&one, &other, 0.6, 1e-3), 0.0);
    }
}
