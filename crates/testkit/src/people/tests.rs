use std::collections::{BTreeMap, BTreeSet};

use super::episodes::{
    self, DEATHS_HEADER, HOSPITAL_HEADER, PRESCRIBING_HEADER, RARE_AREA, RARE_CONDITION,
    RARE_PEOPLE,
};
use super::*;

fn fingerprint(text: &str) -> u64 {
    // FNV-1a.
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

fn cells(csv: &str) -> Vec<Vec<&str>> {
    csv.lines()
        .skip(1)
        .map(|line| line.split(',').collect())
        .collect()
}

/// The check digit by the textbook, apart from the code that made it.
fn chi_is_right(chi: &str) -> bool {
    let digits: Vec<u32> = chi.chars().filter_map(|digit| digit.to_digit(10)).collect();
    let sum: u32 = digits
        .iter()
        .take(9)
        .zip((2..=10).rev())
        .map(|(digit, weight)| digit * weight)
        .sum();
    digits.len() == 10 && chi.len() == 10 && (sum + digits[9]).is_multiple_of(11)
}

#[test]
fn a_seed_gives_the_same_bytes_and_another_seed_others() {
    let population = People::generate(500, 7);
    assert_eq!(population, People::generate(500, 7));
    assert_ne!(
        population.register_rows(),
        People::generate(500, 8).register_rows()
    );
    let everyone: Vec<usize> = (0..500).collect();
    let typical = ErrorProfile::typical();
    let delivery = population.identifier_rows(&everyone, 1, &typical);
    assert_eq!(delivery, population.identifier_rows(&everyone, 1, &typical));
    assert_ne!(delivery, population.identifier_rows(&everyone, 2, &typical));
    for make in [
        episodes::hospital_episodes,
        episodes::prescribing,
        episodes::deaths,
    ] {
        assert_eq!(
            make(&population, &delivery.held, 3),
            make(&population, &delivery.held, 3)
        );
    }
}

#[test]
fn every_chi_fits_its_person_and_belongs_to_one() {
    let population = People::generate(20_000, 3);
    let mut seen = BTreeSet::new();
    for person in &population.people {
        let born = person.date_of_birth;
        let front = format!(
            "{:02}{:02}{:02}",
            born.day,
            born.month,
            born.year.rem_euclid(100)
        );
        assert!(chi_is_right(&person.chi) && person.chi.starts_with(&front));
        let sex = person.chi.as_bytes()[8] % 2;
        assert_eq!(sex == 1, person.sex == Sex::Male);
        assert!(seen.insert(person.chi.clone()));
    }
}

#[test]
fn the_planted_people_are_there() {
    let population = People::generate(20_000, 3);
    let people = &population.people;
    let count =
        |what: &dyn Fn(&Person) -> bool| people.iter().filter(|person| what(person)).count();
    let twins = count(&|person| {
        person.twin.is_some_and(|twin| {
            people[twin].date_of_birth == person.date_of_birth
                && people[twin].home == person.home
                && people[twin].surname == person.surname
                && people[twin].forename != person.forename
        })
    });
    assert!((200..1_200).contains(&twins), "twins {twins}");
    let moved = count(&|person| {
        person
            .previous_home
            .as_ref()
            .is_some_and(|home| *home != person.home)
    });
    assert!((2_000..4_500).contains(&moved), "moved {moved}");
    let married = count(&|person| person.birth_surname.is_some());
    assert!((2_000..8_000).contains(&married), "married {married}");
    let mut names = BTreeMap::<(&str, &str), BTreeSet<u32>>::new();
    let mut households = BTreeMap::<u32, Vec<&Person>>::new();
    for person in people {
        names
            .entry((&person.forename, &person.surname))
            .or_default()
            .insert(person.household);
        households.entry(person.household).or_default().push(person);
    }
    assert!(names.values().any(|households| households.len() > 5));
    let shared = households.values().filter(|members| {
        members.len() > 1
            && members
                .iter()
                .all(|person| person.surname == members[0].surname)
    });
    assert!(shared.count() > 2_000);
    let juniors = households.values().filter(|members| {
        members.iter().enumerate().any(|(place, a)| {
            members[..place]
                .iter()
                .any(|b| a.forename == b.forename && a.surname == b.surname)
        })
    });
    assert!(juniors.count() > 20);
    for members in households.values() {
        assert!(members.iter().all(|person| person.home == members[0].home));
    }
}

#[test]
fn names_are_skewed_and_long_tailed() {
    let population = People::generate(20_000, 3);
    let mut surnames = BTreeMap::<&str, usize>::new();
    for person in &population.people {
        *surnames.entry(&person.surname).or_default() += 1;
    }
    let top = surnames.values().max().copied().unwrap();
    assert!((200..900).contains(&top), "{top}");
    assert!(surnames.len() > 1_000, "{}", surnames.len());
}

#[test]
fn hints_hold() {
    let hints: Vec<PersonHint> = (0..3_000_u32)
        .map(|place| PersonHint {
            sex: [None, Some(Sex::Female), Some(Sex::Male)][place as usize % 3],
            age_band: [None, Some((70, 79)), Some((0, 9)), Some((40, 49))][place as usize % 4],
        })
        .collect();
    let on = Date {
        year: 2008,
        month: 2,
        day: 29,
    };
    let population = People::generate_for(&hints, on, 5);
    assert_eq!(population.people.len(), hints.len());
    for (person, hint) in population.people.iter().zip(&hints) {
        assert!(hint.sex.is_none_or(|sex| sex == person.sex));
        let age = person.age_on(on);
        assert!(
            hint.age_band
                .is_none_or(|(low, high)| (low..=high).contains(&age)),
            "{age} {hint:?}"
        );
        assert!(!person.forename.is_empty() && !person.surname.is_empty());
        assert!(!person.home.postcode.is_empty());
    }
}

#[test]
fn few_people_are_no_trouble() {
    for n in 0..5 {
        let population = People::generate(n, 1);
        assert_eq!(population.people.len(), n);
        let members: Vec<usize> = (0..10).collect();
        let delivery = population.identifier_rows(&members, 1, &ErrorProfile::hard());
        assert_eq!(delivery.held.len(), n);
        assert!(
            episodes::hospital_episodes(&population, &delivery.held, 1)
                .starts_with(HOSPITAL_HEADER)
        );
    }
}

#[test]
fn a_delivery_has_the_errors_it_was_asked_for() {
    let population = People::generate(20_000, 3);
    let everyone: Vec<usize> = (0..20_000).collect();
    let delivery = population.identifier_rows(&everyone, 9, &ErrorProfile::typical());
    let rows = cells(&delivery.csv);
    assert_eq!(rows.len(), 20_000);
    let mut counts = BTreeMap::<&str, usize>::new();
    let mut records = BTreeSet::new();
    for (row, held) in rows.iter().zip(&delivery.held) {
        assert_eq!((row.len(), row[0]), (8, held.record.as_str()));
        assert!(records.insert(row[0]));
        let digits = row[0].bytes().filter(u8::is_ascii_digit).count();
        assert!(row[0].len() == 16 && digits != 10 && digits < 16);
        let person = &population.people[held.person];
        let same = |a: &str, b: &str| a.eq_ignore_ascii_case(b);
        for (what, seen) in [
            ("no chi", row[1].is_empty()),
            ("wrong chi", !row[1].is_empty() && row[1] != person.chi),
            ("other forename", !same(row[2], &person.forename)),
            (
                "maiden",
                person
                    .birth_surname
                    .as_ref()
                    .is_some_and(|name| same(row[3], name)),
            ),
            (
                "exchanged",
                same(row[2], &person.surname) && same(row[3], &person.forename),
            ),
            (
                "other date",
                !row[4].is_empty() && row[4] != person.date_of_birth.to_string(),
            ),
            (
                "old home",
                person
                    .previous_home
                    .as_ref()
                    .is_some_and(|home| home.postcode == row[6]),
            ),
        ] {
            *counts.entry(what).or_default() += usize::from(seen);
        }
    }
    assert!((4_700..5_300).contains(&counts["no chi"]), "{counts:?}");
    for what in [
        "wrong chi",
        "other forename",
        "maiden",
        "exchanged",
        "other date",
        "old home",
    ] {
        assert!((50..3_000).contains(&counts[what]), "{what} {counts:?}");
    }
    // The order of the rows says nothing of the order of the people.
    assert!(
        delivery
            .held
            .windows(2)
            .filter(|pair| pair[0].person < pair[1].person)
            .count()
            < 11_000
    );
}

#[test]
fn the_small_cell_is_small() {
    let population = People::generate(5_000, 11);
    let everyone: Vec<usize> = (0..5_000).collect();
    let delivery = population.identifier_rows(&everyone, 1, &ErrorProfile::typical());
    let csv = episodes::hospital_episodes(&population, &delivery.held, 1);
    let mut people = BTreeMap::<(&str, String), BTreeSet<&str>>::new();
    for row in cells(&csv) {
        people
            .entry((row[5], row[6].to_owned()))
            .or_default()
            .insert(row[0]);
    }
    let rare = &people[&(RARE_CONDITION, format!("{RARE_AREA}101H"))];
    assert_eq!(rare.len(), RARE_PEOPLE);
    let others: usize = people
        .iter()
        .filter(|((condition, hospital), _)| {
            *condition == RARE_CONDITION && !hospital.starts_with(RARE_AREA)
        })
        .map(|(_, people)| people.len())
        .sum();
    assert!(others > 40, "{others}");
}

#[test]
fn episodes_are_in_order_and_after_birth() {
    let population = People::generate(2_000, 2);
    let everyone: Vec<usize> = (0..2_000).collect();
    let delivery = population.identifier_rows(&everyone, 1, &ErrorProfile::clean());
    let csv = episodes::hospital_episodes(&population, &delivery.held, 1);
    let rows = cells(&csv);
    assert!(rows.len() > 1_000);
    let columns = HOSPITAL_HEADER.split(',').count();
    let mut before: Option<Vec<&str>> = None;
    for row in rows {
        assert_eq!(row.len(), columns);
        assert!(row[9] <= row[2] && row[2] <= row[3]);
        match &before {
            Some(before) if before[0] == row[0] => assert!(before[2] <= row[2]),
            _ => assert_eq!(row[1], "1"),
        }
        before = Some(row);
    }
    let prescribed = episodes::prescribing(&population, &delivery.held, 1);
    assert!(prescribed.starts_with(PRESCRIBING_HEADER) && prescribed.lines().count() > 1_000);
    let died = episodes::deaths(&population, &delivery.held, 1);
    let dead: BTreeSet<&str> = cells(&died).iter().map(|row| row[0]).collect();
    assert!(died.starts_with(DEATHS_HEADER) && dead.len() == died.lines().count() - 1);
    assert!((5..200).contains(&dead.len()), "{}", dead.len());
}

#[test]
fn days_go_there_and_back() {
    assert_eq!(
        Date {
            year: 1970,
            month: 1,
            day: 1
        }
        .to_days(),
        0
    );
    assert_eq!(
        Date {
            year: 2000,
            month: 3,
            day: 1
        }
        .to_days(),
        11_017
    );
    for days in -40_000..40_000 {
        assert_eq!(Date::from_days(days).to_days(), days);
    }
    assert_eq!(
        Date::from_days(11_016),
        Date {
            year: 2000,
            month: 2,
            day: 29
        }
    );
}

/// Expected bytes of a small register: a change of the generator shows here first.
#[test]
fn the_register_of_seed_one_is_as_it_was() {
    let register = People::generate(100, 1).register_rows();
    assert_eq!(fingerprint(&register), REGISTER_OF_SEED_ONE);
}

const REGISTER_OF_SEED_ONE: u64 = 8_686_335_056_751_462_615;
