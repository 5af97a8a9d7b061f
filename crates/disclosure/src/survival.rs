//! Survival curves: at which steps a Kaplan–Meier curve may be shown, and what it is there.
//!
//! Every step of a Kaplan–Meier curve is the time at which somebody died, and every mark on it one at which somebody
//! was lost. So times are rounded up to bands, and neighbouring times of events are merged into steps of which each
//! has as many events as the threshold asks for, and as many censored or none (SDC Handbook, 2nd edition 2024, on
//! survival analysis: what leaves the risk set between two reported times is a cell). Whatever is shown is computed
//! from the people of the steps, those who are censored within one at risk until its end: the curve of Kaplan and
//! Meier (1958) over coarser times. An estimate from the times within a step would tell in which order its people
//! left, from its last digits.

mod estimate;
mod judged;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::model::SpecError;
use crate::{Policy, ZeroRule};

pub use judged::judge;

/// Most columns that name strata.
const STRATA_COLUMNS_MAX: usize = 5;

/// What the columns of what is shown are called.
const NAMES: [&str; 9] = [
    "time",
    "at_risk",
    "events",
    "censored",
    "survival",
    "std_error",
    "people",
    "until",
    "median",
];

/// The one kind of survival curve.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Estimator {
    /// The product-limit estimate of Kaplan and Meier (1958).
    KaplanMeier,
}

/// A survival curve as a researcher names it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Spec {
    /// Which kind.
    pub family: Estimator,
    /// The table, of one row a person.
    pub table: String,
    /// The column of the time under observation, a number from nought.
    pub time: String,
    /// The column that says whether the time ended with the event: true or false, or 1 or 0.
    pub event: String,
    /// Columns whose values have a curve each.
    #[serde(default)]
    pub strata: Vec<String>,
    /// To multiples of what times are rounded up, in the unit of the time; left out, a round number is chosen.
    #[serde(default)]
    pub every: Option<f64>,
}

impl Spec {
    /// The same curve, if it can be.
    ///
    /// # Errors
    /// If a column is named twice, there are too many of them, a stratum is called as a column of the curve, or times are
    /// rounded to nothing.
    pub fn checked(self) -> Result<Self, SpecError> {
        if self.strata.len() > STRATA_COLUMNS_MAX {
            return Err(SpecError::Strata(STRATA_COLUMNS_MAX));
        }
        let mut seen = BTreeSet::new();
        for column in [&self.time, &self.event].into_iter().chain(&self.strata) {
            if !seen.insert(column.to_lowercase()) {
                return Err(SpecError::Twice(column.clone()));
            }
        }
        let is_taken =
            |column: &&String| NAMES.iter().any(|name| name.eq_ignore_ascii_case(column));
        if let Some(column) = self.strata.iter().find(is_taken) {
            return Err(SpecError::Taken(column.clone()));
        }
        match self.every {
            Some(every) if !every.is_finite() || every <= 0.0 => Err(SpecError::Every),
            Some(_) | None => Ok(self),
        }
    }

    fn in_words(&self) -> String {
        let strata = match self.strata.is_empty() {
            true => String::new(),
            false => format!(" by {}", self.strata.join(", ")),
        };
        format!(
            "Kaplan-Meier curve of {} until {}{strata} from {}",
            self.time, self.event, self.table
        )
    }
}

/// What the policy asks of a step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rules {
    /// The fewest people with the event, the fewest censored where any are, and the fewest who remain where any do.
    pub people: u64,
    /// The fewest people with the event in the last band of a step. Its end is the largest of their times, to within
    /// the band, which the rule on end points is about.
    pub end: u64,
    /// Whether a step may tell that all who were at risk had the event.
    pub all: ZeroRule,
    /// Most bands of time (`curve_bands` in `[limits]`).
    pub bands: u64,
    /// Most strata (`curve_strata` in `[limits]`).
    pub strata: u64,
}

impl Rules {
    /// Those of a policy.
    pub fn of(policy: &Policy) -> Self {
        Self {
            people: policy.minimum(),
            end: policy.end_point().unwrap_or(1),
            all: policy.zero(),
            bands: policy.limits().curve_bands,
            strata: policy.limits().curve_strata,
        }
    }

    /// Whether there is nobody, or there are enough.
    fn none_or_enough(&self, people: u64) -> bool {
        people == 0 || people >= self.people
    }

    /// To multiples of what times are rounded up where a researcher does not say: one, two or five of a power of ten,
    /// so that up to `longest` there are bands enough and events enough in each. Of `whole` times it is at least one.
    pub fn every(&self, longest: f64, whole: bool, events: u64, strata: u64) -> f64 {
        let each = events / strata.max(1) / self.people.max(self.end).saturating_mul(2).max(1);
        let bands = each.clamp(1, self.bands.max(1));
        let least = longest / bands as f64;
        let every = match least > 0.0 && least.is_finite() {
            true => round_number(least),
            false => 1.0,
        };
        if whole { every.max(1.0) } else { every }
    }
}

/// The least of one, two and five times a power of ten that is not below a number.
fn round_number(least: f64) -> f64 {
    let ten = 10_f64.powf(least.log10().floor());
    let round = [1.0, 2.0, 5.0].map(|by| by * ten);
    let round = round.into_iter().find(|one| *one >= least * (1.0 - 1e-9));
    round.unwrap_or(10.0 * ten)
}

/// People who leave in one band of time: the one of number n ends at n times the width.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Band {
    /// Its number; nought holds the time nought alone.
    pub number: u64,
    /// People whose time ended with the event.
    pub events: u64,
    /// People whose time ended without it.
    pub censored: u64,
}

/// The people of one curve by when they leave.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stratum {
    /// Its values, in the order of [`Spec::strata`].
    pub values: Vec<String>,
    /// The bands in which somebody leaves, in order.
    pub bands: Vec<Band>,
}

impl Stratum {
    /// All people.
    pub fn people(&self) -> u64 {
        let leave = |band: &Band| band.events.saturating_add(band.censored);
        self.bands.iter().map(leave).fold(0, u64::saturating_add)
    }
}

/// What the worker counted for a curve.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Curve {
    /// The curve.
    pub spec: Spec,
    /// To multiples of what times were rounded up.
    pub every: f64,
    /// The strata, in order; one without values where none were asked for.
    pub strata: Vec<Stratum>,
}

impl Curve {
    /// Whether the bands can be what they are taken for.
    fn is_sound(&self) -> bool {
        let ordered = |stratum: &Stratum| {
            let pairs = stratum.bands.iter().zip(stratum.bands.iter().skip(1));
            stratum.values.len() == self.spec.strata.len()
                && pairs
                    .into_iter()
                    .all(|(one, next)| one.number < next.number)
        };
        let values: BTreeSet<&[String]> = self.strata.iter().map(|s| s.values.as_slice()).collect();
        self.every.is_finite()
            && self.every > 0.0
            && values.len() == self.strata.len()
            && self.strata.iter().all(ordered)
    }

    /// The end of a band, in the unit of the time, without the noise of a product of doubles.
    fn end(&self, band: u64) -> f64 {
        (band as f64 * self.every * 1e9).round() / 1e9
    }
}

/// Neighbouring times of events taken together: what may be shown of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// The band of its first events; of the first step, nought where those who are censored before count as at risk.
    pub first: u64,
    /// The band of its last events, whose end is shown.
    pub last: u64,
    /// People at risk at its first events.
    pub at_risk: u64,
    /// People who have the event in it.
    pub events: u64,
    /// People who are censored from its first events to those of the next step; in the last step, all who remain.
    pub censored: u64,
}

impl Step {
    /// People at risk at the events after it.
    fn remaining(&self) -> u64 {
        self.at_risk
            .saturating_sub(self.events)
            .saturating_sub(self.censored)
    }

    /// Whether it may end with a band of so many events.
    fn may_end(&self, events: u64, rules: &Rules) -> bool {
        let all_had_it = self.events == self.at_risk;
        self.events >= rules.people.max(1)
            && events >= rules.end
            && rules.none_or_enough(self.censored)
            && rules.none_or_enough(self.remaining())
            && !(all_had_it && rules.all == ZeroRule::Unsafe)
    }
}

/// The steps that may be shown, in order: each ends as early as the rules allow, and where no further one may end the
/// curve stops. Then each who is at risk at the first events is in one step, as one with the event in it or as one
/// without, and of neither there are fewer than the rules ask for, but for none without.
pub fn steps(stratum: &Stratum, rules: &Rules) -> Vec<Step> {
    let mut found: Vec<Step> = Vec::new();
    let mut times = times(stratum, rules).into_iter();
    let mut open = times.next();
    while let Some(mut step) = open {
        let mut next = times.next();
        let mut latest = step.events;
        while !step.may_end(latest, rules)
            && let Some(time) = next
        {
            latest = time.events;
            step.last = time.last;
            step.events = step.events.saturating_add(time.events);
            step.censored = step.censored.saturating_add(time.censored);
            next = times.next();
        }
        if step.may_end(latest, rules) {
            found.push(step);
        }
        open = next;
    }
    if let Some(last) = found.last_mut() {
        last.censored = last.at_risk.saturating_sub(last.events);
    }
    found
}

/// A step for each band with events.
fn times(stratum: &Stratum, rules: &Rules) -> Vec<Step> {
    let mut found: Vec<Step> = Vec::new();
    let mut at_risk = stratum.people();
    let mut before = 0_u64;
    for band in &stratum.bands {
        if band.events > 0 {
            found.push(Step {
                first: band.number,
                last: band.number,
                at_risk,
                events: band.events,
                censored: 0,
            });
        }
        let censored = found
            .last_mut()
            .map_or(&mut before, |one| &mut one.censored);
        *censored = censored.saturating_add(band.censored);
        at_risk = at_risk.saturating_sub(band.events.saturating_add(band.censored));
    }
    // Few who are censored before anybody has the event would be told by who is at risk then.
    if let Some(first) = found.first_mut()
        && !rules.none_or_enough(before)
    {
        first.first = 0;
        first.at_risk = first.at_risk.saturating_add(before);
        first.censored = first.censored.saturating_add(before);
    }
    found
}

#[cfg(test)]
mod tests;
