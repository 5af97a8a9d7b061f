//! Who lives with whom, and what they share.

use rand::RngExt as _;
use rand_chacha::ChaCha8Rng;

use super::name::{Custom, Names, Surname};
use super::number::Numbers;
use super::{Person, number};
use crate::people::{Date, REFERENCE_DATE, Sex};

/// Of a thousand households, those that moved since one of the files was written.
const MOVED: u32 = 230;
/// Of a thousand sons, those called after their father; daughters half as often.
const AFTER_PARENT: u32 = 90;
/// Of a thousand births after which the mother is not done, those of twins.
const TWINS: u32 = 36;
/// Of a thousand people, those given a stranger's whole name.
const NAMESAKES: u32 = 12;

/// The people being made.
struct Town<'a> {
    people: Vec<Person>,
    names: &'a Names,
    numbers: Numbers,
    homes: u32,
    rng: &'a mut ChaCha8Rng,
}

/// A household being formed.
#[derive(Clone, Copy)]
struct House {
    custom: Custom,
    surname: Surname,
    home: u32,
    old_home: u32,
}

/// `total` people, household by household.
pub(super) fn populate(total: usize, names: &Names, rng: &mut ChaCha8Rng) -> Vec<Person> {
    let mut town = Town {
        people: Vec::with_capacity(total + 64),
        names,
        numbers: Numbers::default(),
        homes: 0,
        rng,
    };
    while town.people.len() < total {
        town.household();
    }
    town.people.truncate(total);
    town.people
}

impl Town<'_> {
    fn chance(&mut self, in_thousand: u32) -> bool {
        self.rng.random_range(0..1000) < in_thousand
    }

    fn household(&mut self) {
        let house = self.house();
        match self.rng.random_range(0..1000_u32) {
            0..330 => {
                let age = self.rng.random_range(18..96);
                self.alone(house, age);
            }
            330..590 => {
                let age = self.rng.random_range(20..90);
                self.couple(house, age);
            }
            590..860 => {
                let age = self.rng.random_range(20..52);
                let parents = self.couple(house, age);
                self.children(house, age, parents);
            }
            860..950 => {
                let age = self.rng.random_range(18..50);
                let parent = self.alone(house, age);
                self.children(house, age, (parent, parent));
            }
            // Friends who share a home: each a name of their own.
            950..990 => {
                let age = self.rng.random_range(18..35);
                for _ in 0..self.rng.random_range(2..5_u32) {
                    let surname = self.names.surname(house.custom, self.rng);
                    self.alone(House { surname, ..house }, age);
                }
            }
            990..996 => {
                let age = self.rng.random_range(18..80);
                let first = self.alone(house, age);
                self.twin_of(first);
            }
            // A care home.
            _ => {
                for _ in 0..self.rng.random_range(10..45_u32) {
                    let age = self.rng.random_range(72..101);
                    let surname = self.names.surname(house.custom, self.rng);
                    self.alone(House { surname, ..house }, age);
                }
            }
        }
    }

    fn house(&mut self) -> House {
        let custom = Names::custom(self.rng);
        let home = self.fresh_home();
        let old_home = if self.chance(MOVED) {
            self.fresh_home()
        } else {
            home
        };
        House {
            custom,
            surname: self.names.surname(custom, self.rng),
            home,
            old_home,
        }
    }

    fn fresh_home(&mut self) -> u32 {
        self.homes += 1;
        self.homes
    }

    fn sex(&mut self) -> Sex {
        if self.chance(512) {
            Sex::Female
        } else {
            Sex::Male
        }
    }

    fn birth(&mut self, age: i32) -> i32 {
        let day = self.rng.random_range(0..365);
        REFERENCE_DATE.to_days() - age * 365 - age / 4 - day - 1
    }

    fn alone(&mut self, house: House, age: i32) -> usize {
        let sex = self.sex();
        let born = self.birth(age);
        let at = self.add(house, sex, born);
        let widowed = sex == Sex::Female && age > 60 && self.chance(600);
        if widowed {
            self.married_name(at, house);
        }
        at
    }

    fn couple(&mut self, house: House, age: i32) -> (usize, usize) {
        let gap = self.rng.random_range(-4..=7);
        let born = self.birth(age);
        let man = self.add(house, Sex::Male, born);
        let born = self.birth((age - gap).max(18));
        let woman = self.add(house, Sex::Female, born);
        if self.chance(620) {
            self.married_name(woman, house);
        } else {
            let own = self.names.surname(house.custom, self.rng);
            if let Some(woman) = self.people.get_mut(woman) {
                woman.surname = own;
                woman.born_as = own;
            }
        }
        (man, woman)
    }

    fn married_name(&mut self, at: usize, house: House) {
        let born_as = self.names.surname(house.custom, self.rng);
        if let Some(person) = self.people.get_mut(at) {
            person.born_as = born_as;
        }
    }

    fn children(&mut self, house: House, age: i32, (father, mother): (usize, usize)) {
        let first = self.people.len();
        let number = match self.rng.random_range(0..9) {
            0..3 => 1,
            3..6 => 2,
            6..8 => 3,
            _ => 4,
        };
        let mut oldest = age - self.rng.random_range(18..34);
        for _ in 0..number {
            if oldest < 0 {
                break;
            }
            let sex = self.sex();
            let born = self.birth(oldest.min(30));
            let parent = match sex {
                Sex::Male => father,
                Sex::Female => mother,
            };
            let after = match sex {
                Sex::Male => AFTER_PARENT,
                Sex::Female => AFTER_PARENT / 2,
            };
            let at = self.add(house, sex, born);
            if self.chance(after) {
                self.named_after(at, parent);
            } else {
                self.unlike_siblings(first, at, house.custom);
            }
            if self.chance(TWINS) {
                self.twin_of(at);
            }
            oldest -= self.rng.random_range(1..5);
        }
    }

    fn named_after(&mut self, at: usize, parent: usize) {
        let Some(parent) = self.people.get(parent).copied() else {
            return;
        };
        if let Some(child) = self.people.get_mut(at).filter(|p| p.sex == parent.sex) {
            child.forename = parent.forename;
        }
    }

    /// Parents do not give a name twice.
    fn unlike_siblings(&mut self, first: usize, at: usize, custom: Custom) {
        for _ in 0..8 {
            let Some(child) = self.people.get(at).copied() else {
                return;
            };
            let mut siblings = self.people.iter().take(at).skip(first);
            if siblings.all(|sibling| sibling.forename != child.forename) {
                return;
            }
            let year = Date::from_days(child.born).year;
            let name = self.names.forename(child.sex, year, custom, self.rng);
            if let Some(child) = self.people.get_mut(at) {
                child.forename = name;
            }
        }
    }

    /// Born the same day, the same home and surname, another forename.
    fn twin_of(&mut self, first: usize) {
        let Some(first) = self.people.get(first).copied() else {
            return;
        };
        let alike = self.chance(350);
        let sex = if alike { first.sex } else { self.sex() };
        let date = Date::from_days(first.born);
        let mut forename = first.forename;
        while forename == first.forename {
            forename = self.names.forename(sex, date.year, 0, self.rng);
        }
        let serial = self.numbers.give(date, sex);
        self.people.push(Person {
            forename,
            sex,
            serial,
            ..first
        });
    }

    fn add(&mut self, house: House, sex: Sex, born: i32) -> usize {
        let date = Date::from_days(born);
        let mut forename = self.names.forename(sex, date.year, house.custom, self.rng);
        let mut surname = house.surname;
        if self.chance(NAMESAKES) && !self.people.is_empty() {
            let like = self.rng.random_range(0..self.people.len());
            if let Some(like) = self.people.get(like).filter(|like| like.sex == sex) {
                (forename, surname) = (like.forename, like.surname);
            }
        }
        let serial = if self.chance(5) {
            number::NONE
        } else {
            self.numbers.give(date, sex)
        };
        // Some left home on their own.
        let old_home = if house.old_home == house.home && self.chance(30) {
            self.fresh_home()
        } else {
            house.old_home
        };
        self.people.push(Person {
            forename,
            surname,
            born_as: surname,
            born,
            sex,
            serial,
            home: house.home,
            old_home,
        });
        self.people.len() - 1
    }
}
