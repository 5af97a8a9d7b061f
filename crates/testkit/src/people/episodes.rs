//! Payload to go with a delivery: hospital episodes, prescribing and deaths, as CSV.
//!
//! Rows carry the record numbers of the delivery they belong to. Births and postcodes in them are there
//! to be transformed (age, area), never to be handed on.

#![allow(
    clippy::indexing_slicing,
    reason = "places are drawn from the lists they index"
)]

use std::fmt::Write as _;

use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

use super::pick::{Picker, shuffle};
use super::{Date, Held, Person, Population};

/// Header of [`hospital_episodes`].
pub const HOSPITAL_HEADER: &str = "record,episode,admission_date,discharge_date,specialty,main_condition,hospital,age,length_of_stay,date_of_birth,postcode\n";
/// Header of [`prescribing`].
pub const PRESCRIBING_HEADER: &str = "record,dispensed_month,bnf_chapter,items\n";
/// Header of [`deaths`].
pub const DEATHS_HEADER: &str = "record,death_date,underlying_cause\n";

/// A condition planted so that one cell of condition by area is small: about one person in sixty has it,
/// but in [`RARE_AREA`] only [`RARE_PEOPLE`] do (fewer if fewer are held there).
pub const RARE_CONDITION: &str = "G35";
/// The area of the small cell: letters of the postcode, also the start of its hospital's code.
pub const RARE_AREA: &str = "IV";
/// People in the small cell.
pub const RARE_PEOPLE: usize = 4;

/// Days before the reference date in which things happen: five years.
const PERIOD: i32 = 1_826;

/// ICD-10 category, specialty, how often under 18, to 64 and over, and usual nights.
#[rustfmt::skip]
const CONDITIONS: &[(&str, &str, [u64; 3], u32)] = &[
    ("I21", "Cardiology", [0, 30, 60], 5), ("I50", "Cardiology", [0, 15, 70], 8), ("I63", "Stroke", [0, 14, 55], 12),
    ("J18", "Respiratory", [30, 30, 90], 7), ("J44", "Respiratory", [0, 35, 80], 6), ("J45", "Respiratory", [50, 25, 8], 2),
    ("K35", "Surgery", [30, 25, 6], 3), ("K80", "Surgery", [0, 35, 25], 3), ("K29", "Gastroenterology", [6, 30, 25], 2),
    ("N39", "Medicine", [10, 25, 70], 4), ("E11", "Medicine", [0, 25, 35], 4), ("E10", "Medicine", [15, 20, 5], 3),
    ("S72", "Orthopaedics", [4, 8, 60], 14), ("S52", "Orthopaedics", [45, 22, 18], 1), ("M16", "Orthopaedics", [0, 14, 45], 4),
    ("C50", "Oncology", [0, 25, 25], 3), ("C34", "Oncology", [0, 16, 30], 6), ("C18", "Oncology", [0, 14, 28], 8),
    ("F32", "Psychiatry", [8, 30, 12], 20), ("F10", "Psychiatry", [1, 35, 10], 6), ("R07", "Medicine", [5, 60, 50], 1),
    ("O80", "Obstetrics", [0, 60, 0], 2), ("A09", "Medicine", [35, 25, 25], 2), ("G40", "Neurology", [18, 18, 12], 3),
];

/// Underlying causes of death, under 65 and over.
#[rustfmt::skip]
const CAUSES: &[(&str, [u64; 2])] = &[
    ("I25", [70, 140]), ("I64", [20, 90]), ("C34", [60, 80]), ("C18", [30, 45]), ("J44", [25, 80]), ("F03", [1, 130]),
    ("K70", [70, 10]), ("X42", [80, 2]), ("C50", [40, 25]), ("J18", [15, 70]),
];

/// Hospital episodes in the five years before the reference date. One row an episode, a record's
/// episodes numbered from 1 in order of admission.
#[must_use]
pub fn hospital_episodes(population: &Population, held: &[Held], seed: u64) -> String {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut csv = String::with_capacity(100 * held.len() + 200);
    csv.push_str(HOSPITAL_HEADER);
    let by_age = [0, 1, 2]
        .map(|band| Picker::new(CONDITIONS.iter().map(|(_, _, weights, _)| weights[band])));
    let planted = planted(population, held, &mut rng);
    for (held, planted) in held.iter().zip(planted) {
        let Some(person) = population.people.get(held.person) else {
            continue;
        };
        let age = person.age_on(population.reference_date);
        let mut episodes = Vec::new();
        let mean = 0.3 + f64::from(age) / 60.0;
        while episodes.len() < 12 && rng.random_bool(mean / (1.0 + mean)) {
            let (code, specialty, nights) = loop {
                let band = match age {
                    0..=17 => 0,
                    18..=64 => 1,
                    65.. => 2,
                };
                let (code, specialty, _, nights) = CONDITIONS[by_age[band].pick(&mut rng)];
                let birth = code == "O80";
                if !birth || (person.sex == super::Sex::Female && age < 50) {
                    break (code, specialty, nights);
                }
            };
            // One in ten is treated in the largest city.
            let away = rng.random_bool(0.1);
            let hospital = if away { "G" } else { person.home.area() };
            episodes.extend(
                stay(population, person, &mut rng, nights)
                    .map(|days| (days, code, specialty, hospital)),
            );
        }
        if planted {
            let days = stay(population, person, &mut rng, 4);
            episodes
                .extend(days.map(|days| (days, RARE_CONDITION, "Neurology", person.home.area())));
        }
        episodes.sort_unstable();
        for (number, ((admitted, discharged), code, specialty, hospital)) in
            episodes.into_iter().enumerate()
        {
            let on = Date::from_days(admitted);
            // Writing to a string cannot fail.
            let _ = writeln!(
                csv,
                "{},{},{on},{},{specialty},{code},{hospital}101H,{},{},{},{}",
                held.record,
                number + 1,
                Date::from_days(discharged),
                person.age_on(on),
                discharged - admitted,
                person.date_of_birth,
                person.home.postcode,
            );
        }
    }
    csv
}

/// Whether each held record is given the rare condition.
fn planted(population: &Population, held: &[Held], rng: &mut ChaCha8Rng) -> Vec<bool> {
    let area = |held: &Held| {
        population
            .people
            .get(held.person)
            .map_or("", |person| person.home.area())
    };
    let mut planted: Vec<bool> = held
        .iter()
        .map(|held| rng.random_bool(1.0 / 60.0) && area(held) != RARE_AREA)
        .collect();
    let mut there: Vec<usize> = (0..held.len())
        .filter(|place| area(&held[*place]) == RARE_AREA)
        // Old enough to have had the episode at any day of the period.
        .filter(|place| {
            population.people[held[*place].person].age_on(population.reference_date) > 5
        })
        .collect();
    shuffle(&mut there, rng);
    let mut people = std::collections::BTreeSet::new();
    for place in there {
        if people.len() < RARE_PEOPLE && people.insert(held[place].person) {
            planted[place] = true;
        }
    }
    planted
}

/// Admission and discharge in days; none for those not yet born on the drawn day.
fn stay(
    population: &Population,
    person: &Person,
    rng: &mut ChaCha8Rng,
    nights: u32,
) -> Option<(i32, i32)> {
    let last = population.reference_date.to_days();
    let admitted = last - rng.random_range(0..PERIOD);
    let longest = 2 * i32::try_from(nights).unwrap_or(0);
    let discharged = (admitted + rng.random_range(0..=longest)).min(last);
    (admitted >= person.date_of_birth.to_days()).then_some((admitted, discharged))
}

/// Prescribing by month and chapter of the British National Formulary, in the year before the reference
/// date.
#[must_use]
pub fn prescribing(population: &Population, held: &[Held], seed: u64) -> String {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut csv = String::with_capacity(60 * held.len() + 100);
    csv.push_str(PRESCRIBING_HEADER);
    // Chapters 1 to 13, the heart's most often.
    let chapters = Picker::new([14, 30, 12, 26, 10, 12, 4, 2, 6, 8, 3, 4, 6]);
    for held in held {
        let Some(person) = population.people.get(held.person) else {
            continue;
        };
        let age = person.age_on(population.reference_date);
        if !rng.random_bool((0.25 + f64::from(age) / 130.0).min(0.95)) {
            continue;
        }
        for _ in 0..rng.random_range(1..=3) {
            let chapter = chapters.pick(&mut rng) + 1;
            let months = rng.random_range(1..=4);
            let start = rng.random_range(0..12 - months);
            for month in start..start + months {
                let on = population.reference_date;
                let months = on.year * 12 + i32::from(on.month) - 1 - month;
                let (year, month) = (months.div_euclid(12), months.rem_euclid(12) + 1);
                let items = rng.random_range(1..=3);
                let _ = writeln!(
                    csv,
                    "{},{year:04}-{month:02},{chapter:02},{items}",
                    held.record
                );
            }
        }
    }
    csv
}

/// Deaths in the year after the reference date, so that no earlier event follows one. A record's at most once.
#[must_use]
pub fn deaths(population: &Population, held: &[Held], seed: u64) -> String {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut csv = String::with_capacity(2_000 + held.len());
    csv.push_str(DEATHS_HEADER);
    let by_age = [0, 1].map(|band| Picker::new(CAUSES.iter().map(|(_, weights)| weights[band])));
    for held in held {
        let Some(person) = population.people.get(held.person) else {
            continue;
        };
        let age = person.age_on(population.reference_date);
        // Mortality about doubles every eight years (Gompertz), a ten-thousandth at 25.
        let risk = 1e-4 * ((f64::from(age) - 25.0) / 11.5).exp();
        if age < 18 || !rng.random_bool(risk.min(0.5)) {
            continue;
        }
        let died = Date::from_days(population.reference_date.to_days() + rng.random_range(1..=365));
        let (cause, _) = CAUSES[by_age[usize::from(age >= 65)].pick(&mut rng)];
        let _ = writeln!(csv, "{},{died},{cause}", held.record);
    }
    csv
}
