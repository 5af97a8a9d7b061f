use std::collections::{BTreeMap, BTreeSet};

use super::*;

/// The three files as text.
fn made(people: usize, seed: u64, profile: Profile) -> (Made, [String; 3]) {
    let plan = Plan {
        people,
        seed,
        rates: profile.rates(),
    };
    let mut sheets = Sheets {
        register: Vec::new(),
        delivery: Vec::new(),
        truth: Vec::new(),
    };
    let made = write(&plan, &mut sheets).unwrap();
    let files = [sheets.register, sheets.delivery, sheets.truth];
    (made, files.map(|file| String::from_utf8(file).unwrap()))
}

fn rows(file: &str) -> Vec<Vec<&str>> {
    file.lines()
        .skip(1)
        .map(|line| line.split(',').collect())
        .collect()
}

/// Whose record each id is.
fn people(truth: &str) -> BTreeMap<&str, &str> {
    rows(truth).iter().map(|row| (row[1], row[2])).collect()
}

#[test]
fn the_same_plan_gives_the_same_bytes_and_another_seed_others() {
    let (_, first) = made(500, 7, Profile::Typical);
    assert_eq!(first, made(500, 7, Profile::Typical).1);
    assert_ne!(first, made(500, 8, Profile::Typical).1);
}

#[test]
fn the_truth_names_every_record_once_and_counts_the_pairs() {
    let (made, [register, delivery, truth]) = made(2_000, 3, Profile::Typical);
    assert_eq!((made.register, made.delivery), (2_000, 2_040));
    let people = people(&truth);
    assert_eq!(people.len(), 4_040, "no id comes twice");
    let registered: BTreeSet<&str> = rows(&register).iter().map(|row| people[row[0]]).collect();
    assert_eq!(registered.len(), 2_000, "the register holds a person once");
    let pairs = rows(&delivery)
        .iter()
        .filter(|row| registered.contains(people[row[0]]))
        .count();
    assert_eq!(made.pairs, pairs);
    assert!((1_700..2_000).contains(&pairs), "{pairs}");
    assert!(rows(&register).iter().all(|row| row.len() == 8));
    assert!(rows(&delivery).iter().all(|row| row.len() == 8));
}

/// Modulus 11 as the NHS Data Dictionary has it for the NHS number: weights 10 to 2.
#[test]
fn a_registered_chi_number_has_its_check_digit_birth_date_and_sex() {
    let (_, [register, _, _]) = made(3_000, 5, Profile::Clean);
    let mut seen = BTreeSet::new();
    for row in rows(&register).iter().filter(|row| !row[1].is_empty()) {
        let digits: Vec<u32> = row[1].chars().map(|c| c.to_digit(10).unwrap()).collect();
        let sum: u32 = (0..9).map(|at| digits[at] * (10 - at as u32)).sum();
        assert_eq!((sum + digits[9]) % 11, 0);
        let born = row[4];
        assert_eq!(
            row[1][..6],
            format!("{}{}{}", &born[8..], &born[5..7], &born[2..4])
        );
        assert_eq!(digits[8] % 2 == 1, row[5] == "M");
        assert!(seen.insert(row[1].to_owned()), "a number comes once");
    }
}

#[test]
fn a_harder_profile_differs_more() {
    let mut agree = Vec::new();
    for profile in [Profile::Clean, Profile::Typical, Profile::Hard] {
        let (_, [register, delivery, truth]) = made(5_000, 11, profile);
        let people = people(&truth);
        let of: BTreeMap<&str, Vec<&str>> = rows(&register)
            .into_iter()
            .map(|row| (people[row[0]], row))
            .collect();
        let pairs: Vec<(Vec<&str>, &Vec<&str>)> = rows(&delivery)
            .into_iter()
            .filter_map(|row| Some((row.clone(), of.get(people[row[0]])?)))
            .collect();
        let share = |column: usize| {
            let same = pairs
                .iter()
                .filter(|(d, r)| d[column].eq_ignore_ascii_case(r[column]))
                .count();
            same as f64 / pairs.len() as f64
        };
        agree.push([2, 3, 4, 5, 6].map(share));
        let missing = pairs.iter().filter(|(d, _)| d[1].is_empty()).count() as f64;
        let missing = missing / pairs.len() as f64;
        assert!(
            (missing - profile.rates().chi_missing).abs() < 0.03,
            "{missing}"
        );
    }
    for column in 0..5 {
        assert!(agree[0][column] > agree[1][column], "{agree:?}");
        assert!(agree[1][column] > agree[2][column], "{agree:?}");
    }
}

/// What makes linkage hard is there: twins, sons called after their father, namesakes.
#[test]
fn households_hold_the_people_who_are_taken_for_each_other() {
    let (_, [register, _, _]) = made(20_000, 2, Profile::Typical);
    let mut homes: BTreeMap<(&str, &str), Vec<Vec<&str>>> = BTreeMap::new();
    for row in rows(&register) {
        homes.entry((row[6], row[7])).or_default().push(row);
    }
    let (mut twins, mut named_after) = (0, 0);
    for home in homes.values() {
        for (at, one) in home.iter().enumerate() {
            for other in &home[at + 1..] {
                twins += usize::from(one[4] == other[4] && one[3] == other[3]);
                named_after +=
                    usize::from(one[2] == other[2] && one[3] == other[3] && one[4] != other[4]);
            }
        }
    }
    assert!((60..400).contains(&twins), "{twins}");
    assert!((60..500).contains(&named_after), "{named_after}");
}
