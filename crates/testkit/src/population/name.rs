//! Drawing names, and writing them out.

#![allow(
    clippy::indexing_slicing,
    reason = "places in the tables are drawn within their lengths"
)]

use rand::RngExt as _;
use rand_chacha::ChaCha8Rng;

use super::tables;
use crate::people::Sex;
use crate::people::pick::Picker;

/// A forename as a place in the tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Forename {
    /// Of a time of birth.
    Usual { sex: Sex, time: u8, place: u8 },
    /// Put together from a front and an end.
    Rare { sex: Sex, front: u8, end: u8 },
    /// Of a people from elsewhere.
    Elsewhere { sex: Sex, people: u8, place: u8 },
}

/// A surname as a place in the tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Surname {
    /// Of the common ones.
    Usual(u8),
    /// Put together.
    Rare { front: u8, end: u8, mac: bool },
    /// Two common ones.
    Double(u8, u8),
    /// Of a people from elsewhere.
    Elsewhere { people: u8, place: u8 },
}

/// Whose names a household bears: 0 for most, else one more than the place in [`tables::ELSEWHERE`].
pub(super) type Custom = u8;

/// The tables with their weights.
pub(super) struct Names {
    male: [Picker; 5],
    female: [Picker; 5],
    surnames: Picker,
    elsewhere: Picker,
}

/// A list whose front is common: weights fall as 1 / (place + 5).
fn falling(size: usize) -> Picker {
    Picker::new((0..size as u64).map(|place| 1_000_000 / (place + 5)))
}

/// Rare forenames in a thousand, by time of birth.
const RARE_FORENAMES: [u32; 5] = [15, 20, 35, 90, 260];

impl Names {
    pub(super) fn new() -> Self {
        Self {
            male: tables::MALE.map(|list| falling(list.len())),
            female: tables::FEMALE.map(|list| falling(list.len())),
            surnames: falling(tables::SURNAMES.len()),
            elsewhere: falling(16),
        }
    }

    /// Nine households of a hundred come from elsewhere.
    pub(super) fn custom(rng: &mut ChaCha8Rng) -> Custom {
        match rng.random_range(0..1000) {
            0..40 => 1,
            40..68 => 2,
            68..90 => 3,
            _ => 0,
        }
    }

    pub(super) fn forename(
        &self,
        sex: Sex,
        year: i32,
        custom: Custom,
        rng: &mut ChaCha8Rng,
    ) -> Forename {
        if custom > 0 && rng.random_range(0..10) < 8 {
            let people = custom - 1;
            let place = self.elsewhere.pick(rng) as u8;
            return Forename::Elsewhere { sex, people, place };
        }
        let time = match year {
            ..1940 => 0,
            1940..1960 => 1,
            1960..1980 => 2,
            1980..2000 => 3,
            _ => 4,
        };
        if rng.random_range(0..1000) < RARE_FORENAMES[time as usize] {
            let (fronts, ends) = rare(sex);
            return Forename::Rare {
                sex,
                front: rng.random_range(0..fronts.len()) as u8,
                end: rng.random_range(0..ends.len()) as u8,
            };
        }
        let of = match sex {
            Sex::Male => &self.male,
            Sex::Female => &self.female,
        };
        let place = of[time as usize].pick(rng) as u8;
        Forename::Usual { sex, time, place }
    }

    pub(super) fn surname(&self, custom: Custom, rng: &mut ChaCha8Rng) -> Surname {
        if custom > 0 && rng.random_range(0..10) < 9 {
            let people = custom - 1;
            let place = self.elsewhere.pick(rng) as u8;
            return Surname::Elsewhere { people, place };
        }
        let (fronts, ends) = tables::RARE_SURNAME;
        match rng.random_range(0..100) {
            0..72 => Surname::Usual(self.surnames.pick(rng) as u8),
            72..74 => Surname::Double(self.surnames.pick(rng) as u8, self.surnames.pick(rng) as u8),
            drawn => Surname::Rare {
                front: rng.random_range(0..fronts.len()) as u8,
                end: rng.random_range(0..ends.len()) as u8,
                mac: drawn > 93,
            },
        }
    }
}

fn rare(sex: Sex) -> (&'static [&'static str], &'static [&'static str]) {
    match sex {
        Sex::Male => tables::RARE_MALE,
        Sex::Female => tables::RARE_FEMALE,
    }
}

impl Forename {
    pub(super) fn write(self, out: &mut String) {
        match self {
            Self::Usual { sex, time, place } => {
                let of = match sex {
                    Sex::Male => &tables::MALE,
                    Sex::Female => &tables::FEMALE,
                };
                out.push_str(of[time as usize][place as usize]);
            }
            Self::Rare { sex, front, end } => {
                let (fronts, ends) = rare(sex);
                out.push_str(fronts[front as usize]);
                out.push_str(ends[end as usize]);
            }
            Self::Elsewhere { sex, people, place } => {
                let (male, female, _) = tables::ELSEWHERE[people as usize];
                let of = match sex {
                    Sex::Male => male,
                    Sex::Female => female,
                };
                out.push_str(of[place as usize % of.len()]);
            }
        }
    }
}

impl Surname {
    pub(super) fn write(self, out: &mut String) {
        match self {
            Self::Usual(place) => out.push_str(tables::SURNAMES[place as usize]),
            Self::Rare { front, end, mac } => {
                let (fronts, ends) = tables::RARE_SURNAME;
                if mac {
                    out.push_str("Mac");
                    out.push_str(&fronts[front as usize].to_lowercase());
                } else {
                    out.push_str(fronts[front as usize]);
                }
                out.push_str(ends[end as usize]);
            }
            Self::Double(one, other) => {
                out.push_str(tables::SURNAMES[one as usize]);
                out.push('-');
                out.push_str(tables::SURNAMES[other as usize]);
            }
            Self::Elsewhere { people, place } => {
                let (_, _, surnames) = tables::ELSEWHERE[people as usize];
                out.push_str(surnames[place as usize % surnames.len()]);
            }
        }
    }
}
