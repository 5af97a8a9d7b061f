//! Names: by sex and generation for forenames, by household for surnames; namesakes on purpose.

#![allow(
    clippy::indexing_slicing,
    reason = "members index the people they were made from"
)]

use rand::{Rng, RngExt as _};
use rand_chacha::ChaCha8Rng;

use super::households::{Household, Kind};
use super::pick::{Picker, one_of};
use super::{Draft, Sex, tables};

/// One in so many is given another's whole name.
const PEOPLE_PER_NAMESAKE: usize = 100;

pub(crate) fn give(drafts: &mut [Draft], households: &[Household], rng: &mut ChaCha8Rng) {
    let bag = Bag::new();
    for household in households {
        surnames(drafts, household, &bag, rng);
        forenames(drafts, household, &bag, rng);
    }
    namesakes(drafts, rng);
}

struct Bag {
    male: Picker,
    female: Picker,
    surnames: Picker,
}

impl Bag {
    fn new() -> Self {
        Self {
            male: Picker::new(tables::falling(tables::MALE.len())),
            female: Picker::new(tables::falling(tables::FEMALE.len())),
            surnames: Picker::new(tables::falling(tables::SURNAMES.len())),
        }
    }

    /// A common surname three times of four, else a rare made-up one.
    fn surname(&self, rng: &mut impl Rng) -> String {
        if rng.random_bool(0.75) {
            return tables::SURNAMES[self.surnames.pick(rng)].to_owned();
        }
        let front = one_of(tables::SURNAME_FRONTS, rng);
        let end = one_of(tables::SURNAME_ENDS, rng);
        match rng.random_range(0..6) {
            0 => format!("Mac{}{end}", front.to_lowercase()),
            _ => format!("{front}{end}"),
        }
    }

    /// Fashions change: those born since 1990 have the middle of the list in front.
    fn forename(&self, sex: Sex, year: i32, rng: &mut impl Rng) -> &'static str {
        let (picker, list) = match sex {
            Sex::Female => (&self.female, tables::FEMALE),
            Sex::Male => (&self.male, tables::MALE),
        };
        let turn = if year >= 1990 { list.len() / 3 } else { 0 };
        list[(picker.pick(rng) + turn) % list.len()]
    }
}

fn surnames(drafts: &mut [Draft], household: &Household, bag: &Bag, rng: &mut ChaCha8Rng) {
    let mut shared = bag.surname(rng);
    let members = household.adults.iter().chain(&household.children);
    match household.kind {
        Kind::CareHome => {
            for who in members {
                drafts[*who].surname = bag.surname(rng);
            }
        }
        Kind::Twins => {
            for who in members {
                drafts[*who].surname.clone_from(&shared);
            }
        }
        Kind::Family => {
            for (place, who) in household.adults.iter().enumerate() {
                // The second adult keeps a name of their own one time of three.
                if place > 0 && rng.random_bool(0.35) {
                    drafts[*who].surname = bag.surname(rng);
                    continue;
                }
                drafts[*who].surname.clone_from(&shared);
                let married = household.adults.len() > 1 && drafts[*who].sex == Sex::Female;
                let widowed = drafts[*who].age > 60 && drafts[*who].sex == Sex::Female;
                if married || (widowed && rng.random_bool(0.6)) {
                    drafts[*who].birth_surname = Some(bag.surname(rng));
                }
            }
            if household.adults.is_empty() {
                shared = bag.surname(rng);
            }
            for who in &household.children {
                drafts[*who].surname.clone_from(&shared);
            }
        }
    }
}

fn forenames(drafts: &mut [Draft], household: &Household, bag: &Bag, rng: &mut ChaCha8Rng) {
    let mut used = Vec::<String>::new();
    for who in household.adults.iter().chain(&household.children) {
        let (sex, year) = (drafts[*who].sex, drafts[*who].date_of_birth.year);
        let mut name = bag.forename(sex, year, rng).to_owned();
        // Within a family a name comes once, unless a child is named after a parent.
        let parent = household
            .adults
            .iter()
            .find(|adult| drafts[**adult].sex == sex);
        let after_parent = household.children.contains(who) && rng.random_bool(0.03);
        match (after_parent, parent) {
            (true, Some(parent)) if household.kind == Kind::Family => {
                name.clone_from(&drafts[*parent].forename);
            }
            _ => {
                while household.kind != Kind::CareHome && used.contains(&name) {
                    name = bag.forename(sex, year, rng).to_owned();
                }
            }
        }
        used.push(name.clone());
        drafts[*who].forename = name;
    }
}

/// Strangers with one name.
fn namesakes(drafts: &mut [Draft], rng: &mut ChaCha8Rng) {
    for _ in 0..drafts.len() / PEOPLE_PER_NAMESAKE {
        let (a, b) = (
            rng.random_range(0..drafts.len()),
            rng.random_range(0..drafts.len()),
        );
        if drafts[a].sex == drafts[b].sex && drafts[a].household != drafts[b].household {
            let (forename, surname) = (drafts[a].forename.clone(), drafts[a].surname.clone());
            drafts[b].forename = forename;
            drafts[b].surname = surname;
        }
    }
}
