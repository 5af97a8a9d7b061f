//! The fitted model: what each level of each comparison is worth, and how common each value is.

#![allow(
    clippy::indexing_slicing,
    reason = "levels, rows and codes come from the files the model was fitted to"
)]

use serde::{Deserialize, Serialize};

use crate::compare::{
    COMPARISONS, Comparison, Order, Pattern, birth, forename, residence, surname,
};
use crate::em::Levels;
use crate::jaro_winkler;
use crate::prepared::{Prepared, Side};
use crate::settings::Settings;

/// One level of a comparison.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LevelModel {
    /// What it says.
    pub label: String,
    /// Share among pairs that are one person.
    pub m: f64,
    /// Share among pairs that are two.
    pub u: f64,
    /// Evidence in bits, after levels out of order were pooled.
    pub weight: f64,
}

/// One comparison.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ComparisonModel {
    /// The field, or the fields that are taken together.
    pub comparison: String,
    /// Weakest first. A missing value has weight 0 and no level.
    pub levels: Vec<LevelModel>,
}

/// Everything a weight was made of, but for the frequencies of single values, which are not written.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Model {
    /// Probability that a random record of the file and a random spine record are one person, among the
    /// records that no verified number linked.
    pub lambda: f64,
    /// The comparisons.
    pub comparisons: Vec<ComparisonModel>,
    /// Definition of the string similarity.
    pub jaro_winkler: String,
    /// The settings it was fitted with.
    pub settings: Settings,
}

/// Weights by comparison and slot of a pattern (slot 0, missing, weighs nothing), and of single values.
pub(crate) struct Weights {
    prior: f64,
    slots: [[f64; 16]; COMPARISONS],
    frequency: Frequency,
}

impl Model {
    /// A model from its shares; out-of-order levels are pooled.
    pub(crate) fn new(lambda: f64, m: &Levels, u: &Levels, settings: &Settings) -> Self {
        let comparisons = Comparison::ALL
            .iter()
            .map(|comparison| comparison_model(*comparison, m, u))
            .collect();
        Self {
            lambda,
            comparisons,
            jaro_winkler: jaro_winkler::DEFINITION.to_owned(),
            settings: settings.clone(),
        }
    }

    pub(crate) fn weights(&self, prepared: &Prepared) -> Weights {
        let mut slots = [[0.0; 16]; COMPARISONS];
        for (slots, comparison) in slots.iter_mut().zip(&self.comparisons) {
            for (slot, level) in slots.iter_mut().skip(1).zip(&comparison.levels) {
                *slot = level.weight;
            }
        }
        Weights {
            prior: (self.lambda / (1.0 - self.lambda)).log2(),
            slots,
            frequency: Frequency::new(prepared, self),
        }
    }

    fn u(&self, comparison: Comparison, level: u8) -> f64 {
        self.comparisons[comparison.index()].levels[usize::from(level)].u
    }
}

impl Weights {
    /// Evidence in bits for one pair, prior included.
    pub(crate) fn of(&self, pattern: Pattern, spine: &Side, r: usize) -> f64 {
        let mut weight = self.prior;
        for (comparison, slots) in self.slots.iter().enumerate() {
            weight += slots[pattern.slot(comparison)];
        }
        weight + self.frequency.bits(pattern, spine, r)
    }
}

fn comparison_model(comparison: Comparison, m: &Levels, u: &Levels) -> ComparisonModel {
    let c = comparison.index();
    let levels = comparison.levels();
    // Pool adjacent violators over the ordered levels: (m, u, levels pooled).
    let mut pools = Vec::<(f64, f64, usize)>::new();
    let ordered = |order| match order {
        Order::Ordered => true,
        Order::Apart => false,
    };
    for (place, level) in levels.iter().enumerate() {
        if !ordered(level.order) {
            continue;
        }
        let mut pool = (m[c][place], u[c][place], 1);
        while let Some(before) = pools.last() {
            // Ratios compared across, so that a zero share divides nothing.
            if before.0 * pool.1 <= pool.0 * before.1 {
                break;
            }
            pool = (pool.0 + before.0, pool.1 + before.1, pool.2 + before.2);
            pools.pop();
        }
        pools.push(pool);
    }
    let mut weights = pools
        .iter()
        .flat_map(|(m, u, count)| std::iter::repeat_n((m / u).log2(), *count));
    let levels = levels
        .iter()
        .enumerate()
        .map(|(place, level)| {
            let own = (m[c][place] / u[c][place]).log2();
            let weight = if ordered(level.order) {
                weights.next().unwrap_or(own)
            } else {
                own
            };
            LevelModel {
                label: level.label.to_owned(),
                m: m[c][place],
                u: u[c][place],
                weight,
            }
        })
        .collect();
    ComparisonModel {
        comparison: comparison.name().to_owned(),
        levels,
    }
}

/// Bits that a value adds because it is rare in the spine, or takes away because it is common.
struct Frequency {
    forename: Vec<f64>,
    surname: Vec<f64>,
    postcode: Vec<f64>,
    birth: Vec<f64>,
}

impl Frequency {
    fn new(prepared: &Prepared, model: &Model) -> Self {
        let spine = &prepared.spine;
        let u_postcode = [
            residence::POSTCODE,
            residence::POSTCODE_ONLY,
            residence::ADDRESS,
        ]
        .iter()
        .map(|level| model.u(Comparison::Residence, *level))
        .sum();
        let names = prepared.names.len();
        let settings = &model.settings;
        let places: Vec<u32> = spine.birth.iter().map(|date| birth_place(*date)).collect();
        Self {
            forename: value_bits(
                &spine.forename,
                names,
                model.u(Comparison::Forename, forename::EXACT),
                settings,
            ),
            surname: value_bits(
                &spine.surname,
                names,
                model.u(Comparison::Surname, surname::EXACT),
                settings,
            ),
            postcode: value_bits(
                &spine.postcode,
                prepared.postcodes.len(),
                u_postcode,
                settings,
            ),
            birth: value_bits(
                &places,
                BIRTH_PLACES,
                model.u(Comparison::DateOfBirth, birth::EXACT),
                settings,
            ),
        }
    }

    fn bits(&self, pattern: Pattern, spine: &Side, r: usize) -> f64 {
        let mut bits = 0.0;
        if pattern.level(Comparison::Forename) == Some(forename::EXACT) {
            bits += self.forename[spine.forename[r] as usize];
        }
        if pattern.level(Comparison::Surname) == Some(surname::EXACT) {
            bits += self.surname[spine.surname[r] as usize];
        }
        if pattern.level(Comparison::DateOfBirth) == Some(birth::EXACT) {
            bits += self.birth[birth_place(spine.birth[r]) as usize];
        }
        if pattern
            .level(Comparison::Residence)
            .is_some_and(|level| level >= residence::POSTCODE)
        {
            bits += self.postcode[spine.postcode[r] as usize];
        }
        bits
    }
}

/// Days have a place of their own from 1880 to 2099, at 372 places a year; 0 is missing.
const BIRTH_PLACES: usize = 220 * 372 + 1;

const fn birth_place(date: u32) -> u32 {
    if date == 0 {
        return 0;
    }
    let (year, month, day) = (date / 10_000, date / 100 % 100, date % 100);
    (year - 1880) * 372 + (month - 1) * 31 + day
}

/// For each code, log2(u / frequency), the frequency drawn to the mean by the shrinkage, then capped.
fn value_bits(codes: &[u32], size: usize, u: f64, settings: &Settings) -> Vec<f64> {
    let mut counts = vec![0_u32; size.max(1)];
    for code in codes {
        counts[*code as usize] += 1;
    }
    let present = codes.len() as f64 - f64::from(counts[0]);
    let shrinkage = settings.term_frequency_shrinkage;
    let cap = settings.term_frequency_cap_bits;
    counts
        .iter()
        .map(|count| {
            let frequency = (f64::from(*count) + shrinkage * u) / (present + shrinkage);
            if frequency > 0.0 {
                (u / frequency).log2().clamp(-cap, cap)
            } else {
                0.0
            }
        })
        .collect()
}

#[cfg(test)]
mod tests;
