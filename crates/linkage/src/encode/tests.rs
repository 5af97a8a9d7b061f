use std::num::NonZeroUsize;

use super::*;
use crate::column::Role;
use crate::random::{Random, mix};
use crate::{ColumnSpec, FileSpec, Holds, Intake, Join, LinkType, Linkage, Quiet, Resources, Spec};

/// Stands in for HMAC-SHA-256, which lives outside this room.
struct Stub(u64);

impl Keyed for Stub {
    fn hash(&self, purpose: &str, message: &[u8]) -> [u8; 32] {
        let mut hash = [0; 32];
        let seed = mix(self.0 ^ crate::text::hash_bytes(purpose.as_bytes()));
        let of = mix(seed ^ crate::text::hash_bytes(message));
        for (at, word) in hash.chunks_exact_mut(8).enumerate() {
            word.copy_from_slice(&mix(of ^ mix(at as u64 + 1)).to_be_bytes());
        }
        hash
    }
}

const ROLES: [Role; 5] = [
    Role::Forename,
    Role::Surname,
    Role::DateOfBirth,
    Role::Postcode,
    Role::Chi,
];

fn encoder(rows: &[[&str; 5]], salt: EncodeSalt) -> Encoder {
    let column = |role: &Role| ColumnSpec {
        role: *role,
        name: role.as_str().into(),
    };
    let file = FileSpec {
        name: "a".into(),
        columns: ROLES.iter().map(column).collect(),
        holds: Holds::Many,
    };
    let mut intake = Intake::new(Spec::new(LinkType::Dedupe, vec![file])).unwrap();
    for row in rows {
        intake
            .push(
                0,
                &row.map(|cell| Some(cell).filter(|cell| !cell.is_empty())),
            )
            .unwrap();
    }
    intake.encoder(salt).unwrap()
}

fn one(row: [&str; 5], salt: EncodeSalt, key: u64) -> Encoded {
    encoder(&[row], salt).encode(0, &Stub(key))
}

const ANN: [&str; 5] = ["Ann", "MacDonald", "1980-03-05", "EH1 1AA", "0503801234"];

#[test]
fn one_record_gives_one_encoding_under_one_key_only() {
    let salt = EncodeSalt::BirthDate;
    let ann = one(ANN, salt, 1);
    let written_otherwise = one(
        ["ANN ", "Mc Donald", "05/03/1980", "eh11aa", "0503801234"],
        salt,
        1,
    );
    assert_eq!(ann, written_otherwise, "standardised first");
    let other_key = one(ANN, salt, 2);
    assert!(
        ann.filters
            .iter()
            .zip(&other_key.filters)
            .all(|(a, b)| a != b)
    );
    assert!(ann.keys.iter().zip(&other_key.keys).all(|(a, b)| a != b));
}

#[test]
fn a_typing_error_stays_close_and_another_name_does_not() {
    let salt = EncodeSalt::BirthDate;
    let ann = one(ANN, salt, 1);
    let level = |field: usize, row: [&str; 5]| {
        let other = one(row, salt, 1);
        dice_level(&ann.filters[field].unwrap(), &other.filters[field].unwrap())
    };
    assert_eq!(
        level(1, ["Ann", "MacDonnald", "1980-03-05", "EH1 1AA", ""]),
        2
    );
    assert_eq!(level(1, ["Ann", "Smith", "1980-03-05", "EH1 1AA", ""]), 0);
    assert_eq!(level(2, ["Ann", "Smith", "1980-03-06", "EH1 1AA", ""]), 2);
    assert_eq!(level(3, ["Ann", "Smith", "1980-03-05", "EH1 1AB", ""]), 2);
    assert_eq!(level(3, ["Ann", "Smith", "1980-03-05", "G12 8QQ", ""]), 0);
}

#[test]
fn the_salt_parts_equal_names_of_different_years() {
    let born = |date: &'static str, salt| one(["Ann", "Smith", date, "", ""], salt, 1).filters[1];
    assert_eq!(
        born("1980-01-02", EncodeSalt::BirthYear),
        born("1980-07-09", EncodeSalt::BirthYear)
    );
    assert_ne!(
        born("1980-01-02", EncodeSalt::BirthYear),
        born("1981-01-02", EncodeSalt::BirthYear)
    );
    assert_eq!(
        born("1980-01-02", EncodeSalt::None),
        born("1981-01-02", EncodeSalt::None)
    );
    assert_eq!(
        born("", EncodeSalt::BirthYear),
        None,
        "no year, no salt, no filter"
    );
}

#[test]
fn one_wrong_part_of_a_date_costs_one_name_and_exchanged_parts_cost_none() {
    let salt = EncodeSalt::BirthDate;
    let born = |date: &'static str| one(["Ann", "Smith", date, "EH1 1AA", ""], salt, 1).filters;
    // Whether forename, surname and postcode are the same as of 4 September 1980.
    let same = |date: &'static str| {
        let (a, b) = (born("1980-09-04"), born(date));
        [a[0] == b[0], a[1] == b[1], a[3] == b[3]]
    };
    for (date, expected) in [
        ("1980-09-04", [true, true, true]),
        ("1980-04-09", [true, true, true]),
        // The lesser number goes with the forename, the greater one with the surname.
        ("1980-09-05", [false, true, true]),
        ("1980-10-04", [true, false, true]),
        ("1980-09-14", [false, false, true]),
        ("1981-09-04", [false, false, false]),
    ] {
        assert_eq!(same(date), expected, "{date}");
    }
    assert_eq!(born("")[..4], [None; 4], "no date, no salt, no filter");
}

/// Two sites must hash the same: a salt that changes is another version of encodings.
#[test]
fn salts_are_what_they_were() {
    let born = 19_800_924;
    let of = |salt: EncodeSalt| std::array::from_fn(|field| salt.of(field, born));
    let some = |salts: [u32; 5]| salts.map(Some);
    assert_eq!(of(EncodeSalt::None), some([0; 5]));
    assert_eq!(of(EncodeSalt::BirthYear), some([1980, 1980, 0, 1980, 0]));
    assert_eq!(
        of(EncodeSalt::BirthDate),
        some([198_009, 198_024, 0, 1980, 0])
    );
    assert_eq!(ENCODING_VERSION, 2);
}

#[test]
fn filters_are_decoded_and_nothing_else_is() {
    assert_eq!(decode("00ff0A"), Some(vec![0, 255, 10]));
    let long = "0".repeat(66);
    for text in ["", "0", "0g", "-1", "Smith!", long.as_str()] {
        assert_eq!(decode(text), None, "{text}");
    }
}

/// People whose names are as unequally common as real ones.
fn people(n: usize, seed: u64) -> Vec<[String; 5]> {
    let mut random = Random::new(seed);
    let mut letters = |common: u64| {
        let at = random.below(common * common);
        let at = (at as f64).sqrt() as u64;
        // The name of a number: four to seven letters.
        let mut name = String::new();
        let mut hash = mix(common ^ mix(common - at));
        for _ in 0..4 + hash % 4 {
            name.push(char::from(b'A' + (hash % 26) as u8));
            hash = mix(hash);
        }
        name
    };
    let names: Vec<(String, String)> = (0..n).map(|_| (letters(120), letters(300))).collect();
    names
        .into_iter()
        .map(|(fore, sur)| {
            let (y, m, d) = (
                1930 + random.below(80),
                1 + random.below(12),
                1 + random.below(28),
            );
            let code = format!(
                "EH{} {}{}B",
                1 + random.below(30),
                random.below(9),
                char::from(b'A' + random.below(20) as u8)
            );
            [fore, sur, format!("{y}-{m:02}-{d:02}"), code, String::new()]
        })
        .collect()
}

fn attacked(salt: EncodeSalt) -> Vec<Attacked> {
    let people = people(5_000, 3);
    let rows: Vec<[&str; 5]> = people
        .iter()
        .map(|row| row.each_ref().map(String::as_str))
        .collect();
    let mut encoder = encoder(&rows, salt);
    for row in 0..encoder.len() {
        encoder.encode(row, &Stub(9));
    }
    encoder.attack()
}

#[test]
fn the_attack_finds_common_names_unless_they_are_salted() {
    let share = |attacked: &[Attacked], field: &str| {
        attacked.iter().find(|a| a.field == field).unwrap().share()
    };
    let (bare, salted) = (attacked(EncodeSalt::None), attacked(EncodeSalt::BirthYear));
    let twice = attacked(EncodeSalt::BirthDate);
    assert!(
        share(&bare, "surname") > 0.05,
        "{}",
        share(&bare, "surname")
    );
    assert!(
        share(&bare, "forename") > 0.1,
        "{}",
        share(&bare, "forename")
    );
    for field in ["forename", "surname", "date_of_birth", "key_1", "key_3"] {
        assert!(
            share(&salted, field) < 0.01,
            "{field} {}",
            share(&salted, field)
        );
        assert!(
            share(&twice, field) < 0.002,
            "{field} {}",
            share(&twice, field)
        );
    }
    for field in ["forename", "surname"] {
        let (once, twice) = (share(&salted, field), share(&twice, field));
        assert!(twice < once / 2.0, "{field} {once} {twice}");
    }
}

/// Links two files of encodings, or of what they were made of.
fn link(files: [Vec<[Option<String>; 10]>; 2], encoded: bool) -> Linkage {
    let column = |(place, name): (usize, &&str)| {
        let role = match (place, encoded) {
            (0, _) => Role::Forename,
            (1, _) => Role::Surname,
            (2, false) => Role::DateOfBirth,
            (3, false) => Role::Postcode,
            (3, true) => Role::Region,
            (4, false) => Role::Chi,
            _ => Role::Field,
        };
        ColumnSpec {
            role,
            name: (*name).to_owned(),
        }
    };
    let all: Vec<&str> = ENCODED_FIELDS.into_iter().chain(ENCODED_KEYS).collect();
    let width = if encoded { 10 } else { 5 };
    let columns: Vec<ColumnSpec> = all.iter().enumerate().take(width).map(column).collect();
    let file = |name: &str| FileSpec {
        name: name.into(),
        columns: columns.clone(),
        holds: Holds::One,
    };
    let mut spec = Spec::new(LinkType::Link, vec![file("a"), file("b")]);
    if encoded {
        spec = spec.over_encodings();
    }
    let mut intake = Intake::new(spec).unwrap();
    for (at, rows) in files.iter().enumerate() {
        for row in rows {
            let values: Vec<Option<&str>> = row[..width].iter().map(Option::as_deref).collect();
            intake.push(at, &values).unwrap();
        }
    }
    let resources = Resources {
        threads: NonZeroUsize::MIN,
        memory_bytes: 1 << 30,
    };
    intake.link(resources, &mut Quiet).unwrap()
}

#[test]
fn encodings_link_nearly_as_well_as_what_they_were_made_of() {
    let people = people(2_000, 5);
    let mut other = people.clone();
    for (at, row) in other.iter_mut().enumerate() {
        // A letter more in a fifth of the surnames, another home for a fifth of the people.
        if at % 5 == 0 {
            row[1].insert(2, 'E');
        }
        if at % 5 == 2 {
            row[3] = format!("G{} 2XY", at % 20 + 1);
        }
    }
    let plain = |rows: &[[String; 5]]| -> Vec<[Option<String>; 10]> {
        rows.iter()
            .map(|row| {
                std::array::from_fn(|at| row.get(at).cloned().filter(|cell| !cell.is_empty()))
            })
            .collect()
    };
    let encoded = |rows: &[[String; 5]]| -> Vec<[Option<String>; 10]> {
        let cells: Vec<[&str; 5]> = rows
            .iter()
            .map(|row| row.each_ref().map(String::as_str))
            .collect();
        let mut encoder = encoder(&cells, EncodeSalt::BirthDate);
        let hex = |bytes: &[u8]| {
            bytes
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect::<String>()
        };
        (0..encoder.len())
            .map(|row| {
                let encoded = encoder.encode(row, &Stub(4));
                std::array::from_fn(|at| match at {
                    0..5 => encoded.filters[at].map(|filter| hex(&filter)),
                    _ => encoded.keys[at - 5].map(|key| hex(&key.to_be_bytes())),
                })
            })
            .collect()
    };
    let f1 = |linkage: &Linkage| {
        let joins = linkage
            .joins
            .iter()
            .filter(|join| join.match_probability >= 0.95);
        let (right, wrong): (Vec<&Join>, Vec<&Join>) =
            joins.partition(|join| join.row_l == join.row_r);
        2.0 * right.len() as f64 / (2000 + right.len() + wrong.len()) as f64
    };
    let clear = f1(&link([plain(&people), plain(&other)], false));
    let hidden = f1(&link([encoded(&people), encoded(&other)], true));
    println!("F1 in clear {clear:.4}, encoded {hidden:.4}");
    assert!(hidden > 0.97 && hidden > clear - 0.02, "{clear} {hidden}");
}
