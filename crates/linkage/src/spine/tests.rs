use super::*;
use crate::column::Role;
use proptest::prelude::*;

mod quality;

const ROLES: [Role; 7] = [
    Role::Chi,
    Role::Forename,
    Role::Surname,
    Role::DateOfBirth,
    Role::Sex,
    Role::Postcode,
    Role::Address1,
];

/// A file from lines of `chi,forename,surname,date_of_birth,sex,postcode,address_1`; empty is null.
fn file(lines: &[&str]) -> Records {
    let cells: Vec<Vec<&str>> = lines.iter().map(|line| line.split(',').collect()).collect();
    Records {
        ids: (0..lines.len() as u64).map(|row| row + 100).collect(),
        columns: ROLES
            .iter()
            .enumerate()
            .map(|(place, role)| {
                let column = cells
                    .iter()
                    .map(|row| Some(row[place].trim()).filter(|cell| !cell.is_empty()));
                (*role, column.collect())
            })
            .collect(),
    }
}

/// Eight strangers, so that the files are more than one pair.
const STRANGERS: [&str; 8] = [
    ",Una,Gow,1931-02-03,F,KY1 1AB,1 Kirk Rd",
    ",Bran,Mair,1944-04-05,M,KY1 1AC,2 Kirk Rd",
    ",Senga,Orr,1952-06-07,F,KY1 1AD,3 Kirk Rd",
    ",Keir,Tait,1963-08-09,M,KY2 1AE,4 Kirk Rd",
    ",Iona,Weir,1974-10-11,F,KY2 1AF,5 Kirk Rd",
    ",Gus,Lyle,1985-12-13,M,KY3 1AG,6 Kirk Rd",
    ",Effie,Hay,1996-01-14,F,KY3 1AH,7 Kirk Rd",
    ",Rory,Dow,2007-03-15,M,KY4 1AJ,8 Kirk Rd",
];

/// Which spine line (counted from the first given) a single record links to, and by which step.
fn check(record: &str, people: &[&str], expected: Option<(u64, Step)>) {
    let mut spine = people.to_vec();
    spine.extend(STRANGERS);
    let mut left = vec![record];
    left.extend(STRANGERS);
    let linked = link(&file(&left), &file(&spine), &Settings::standard()).unwrap();
    let found = linked
        .links
        .iter()
        .find(|link| link.left == 100)
        .map(|link| (link.spine - 100, link.step));
    assert_eq!(found, expected, "{record}: {:?}", linked.report);
}

const MAIREAD: &str = "0703851247,Mairead,Galbraith,1985-03-07,F,EH1 3EG,12 High Street";

/// MAIREAD with a number whose check digit is right, and that number.
fn numbered() -> (String, String) {
    let chi = (0..10)
        .map(|last| format!("070385124{last}"))
        .find(|chi| crate::is_valid_chi(chi))
        .unwrap();
    let person = MAIREAD.replace("0703851247", &chi);
    (chi, person)
}

#[test]
fn a_verified_number_links_over_a_new_name_and_address() {
    let (chi, person) = numbered();
    check(
        &format!("{chi},Mairead,Urquhart,1985-03-07,F,G12 8QQ,1 Byres Road"),
        &[&person],
        Some((0, Step::ChiVerified)),
    );
}

/// A small delivery to a register whose names are few, as a safe haven's first jobs are.
#[test]
fn forty_records_with_numbers_are_all_verified() {
    let forenames = [
        "Ann", "Ewan", "Morag", "Iain", "Kirsty", "Callum", "Isla", "Rory", "Fiona", "Angus",
    ];
    let surnames = [
        "Reid", "Bain", "Muir", "Ross", "Kerr", "Innes", "Munro", "Boyd", "Gunn", "Lamont", "Fyfe",
    ];
    let people: Vec<String> = (0..300_usize)
        .map(|i| {
            let (y, m, d) = (1930 + i * 7 % 70, 1 + i * 5 % 12, 1 + i * 11 % 28);
            let from = ((d * 100 + m) * 100 + y % 100) as u64 * 10_000 + (i as u64 * 31) % 9_000;
            let chi = (from..)
                .map(|n| format!("{n:010}"))
                .find(|n| crate::is_valid_chi(n))
                .unwrap();
            let (forename, surname) = (forenames[i * 3 % 10], surnames[i * 7 % 11]);
            format!(
                "{chi},{forename},{surname},{y}-{m:02}-{d:02},,EH{} {}AB,",
                1 + i % 16,
                i % 9 + 1
            )
        })
        .collect();
    let lines: Vec<&str> = people.iter().map(String::as_str).collect();
    let linked = link(&file(&lines[..40]), &file(&lines), &Settings::standard()).unwrap();
    assert_eq!(linked.report.links[&Step::ChiVerified], 40);
    assert!(linked.links.iter().all(|link| link.left == link.spine));
}

#[test]
fn a_wrong_number_never_links_by_itself() {
    let (chi, person) = numbered();
    // A newborn entered under its mother's number.
    check(
        &format!("{chi},Baby,Galbraith,2015-06-20,F,EH1 3EG,12 High Street"),
        &[&person],
        None,
    );
}

#[test]
fn without_a_number_the_names_date_and_home_link() {
    check(
        ",Mairaed,Galbraith,1985-03-07,F,EH1 3EG,12 High St",
        &[MAIREAD],
        Some((0, Step::Probabilistic)),
    );
    // Exchanged names.
    check(
        ",Galbraith,Mairead,1985-03-07,F,EH1 3EG,",
        &[MAIREAD],
        Some((0, Step::Probabilistic)),
    );
    // Married, same home.
    check(
        ",Mairead,Urquhart,1985-03-07,F,EH1 3EG,12 High St",
        &[MAIREAD],
        Some((0, Step::Probabilistic)),
    );
}

#[test]
fn a_twin_is_not_the_other_twin() {
    // The twin is not in the spine: all but the forename agrees.
    check(
        ",Torquil,Galbraith,1985-03-07,F,EH1 3EG,12 High Street",
        &[MAIREAD],
        None,
    );
    // Both are: each gets its own.
    let twin = ",Torquil,Galbraith,1985-03-07,M,EH1 3EG,12 High Street";
    check(twin, &[MAIREAD, twin], Some((1, Step::ExactKeys)));
}

#[test]
fn a_father_is_not_his_son_of_the_same_name() {
    check(
        ",Mairead,Galbraith,1956-11-21,F,EH1 3EG,12 High Street",
        &[MAIREAD],
        None,
    );
}

#[test]
fn two_equal_spine_people_are_ambiguous() {
    let left = file(&[",Mairead,Galbraith,1985-03-07,F,EH1 3EG,12 High Street"]);
    let twice = file(&[
        ",Mairead,Galbraith,1985-03-07,F,EH1 3EG,12 High Street",
        ",Mairead,Galbraith,1985-03-07,F,EH1 3EG,12 High Street",
        STRANGERS[0],
        STRANGERS[1],
    ]);
    let linked = link(&left, &twice, &Settings::standard()).unwrap();
    assert!(linked.links.is_empty());
    assert_eq!((linked.report.unlinked, linked.report.ambiguous), (1, 1));
}

#[test]
fn files_without_a_common_field_are_refused() {
    let left = file(&[",,Galbraith,,,,"]);
    let spine = file(&[",,,1985-03-07,,,"]);
    let refused = link(&left, &spine, &Settings::standard());
    assert_eq!(refused, Err(LinkError::NothingToBlockOn));
}

#[test]
fn one_empty_record_does_not_stop_those_that_a_number_links() {
    let (_, person) = numbered();
    let linked = link(
        &file(&[&person, ",,,,,,"]),
        &file(&[&person]),
        &Settings::standard(),
    )
    .unwrap();
    assert_eq!(linked.report.links[&Step::ChiVerified], 1);
    assert_eq!(linked.report.unlinked, 1);
}

#[test]
fn empty_files_link_nothing() {
    let linked = link(
        &Records::default(),
        &file(&STRANGERS),
        &Settings::standard(),
    )
    .unwrap();
    assert!(linked.links.is_empty());
    let linked = link(
        &file(&STRANGERS),
        &Records::default(),
        &Settings::standard(),
    )
    .unwrap();
    assert_eq!(linked.report.unlinked, 8);
}

#[test]
fn stand_ins_are_counted_by_column() {
    let linked = link(
        &file(&[
            "0000000000,Baby,Unknown,1900-01-01,9,ZZ99 3VZ,NFA",
            STRANGERS[0],
        ]),
        &file(&STRANGERS),
        &Settings::standard(),
    )
    .unwrap();
    let files = linked.report.engine.unwrap().files;
    let stand_ins = |file: usize| {
        files[file]
            .columns
            .iter()
            .filter(|c| c.stand_ins > 0)
            .count()
    };
    assert_eq!((stand_ins(0), stand_ins(1)), (7, 0));
    assert_eq!(linked.links.len(), 1);
}

#[test]
fn a_rule_past_the_budget_is_skipped_and_said() {
    let settings = Settings {
        pairs_max: 9,
        ..Settings::standard()
    };
    let linked = link(&file(&STRANGERS), &file(&STRANGERS), &settings).unwrap();
    let engine = linked.report.engine.unwrap();
    let skipped = engine.pairs[0]
        .blocking
        .iter()
        .any(|rule| !rule.used && rule.reason.contains("pairs_max"));
    assert!(skipped);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]
    #[test]
    fn whatever_comes_in_each_record_links_once_at_most(
        left in proptest::collection::vec("[AB]{0,2},[AB]{0,3},[CD]{0,3},(1980-0[12]-0[12]|),[MF]{0,1},(EH1 1A[AB]|),[12 A]{0,3}", 0..12),
        spine in proptest::collection::vec("[AB]{0,2},[AB]{0,3},[CD]{0,3},(1980-0[12]-0[12]|),[MF]{0,1},(EH1 1A[AB]|),[12 A]{0,3}", 0..12),
    ) {
        let lines = |lines: &[String]| file(&lines.iter().map(String::as_str).collect::<Vec<_>>());
        let (left, spine) = (lines(&left), lines(&spine));
        for left_file in [LeftFile::ManyPerPerson, LeftFile::OnePerPerson] {
            let settings = Settings { left_file, u_pairs: 1_000, ..Settings::standard() };
            match link(&left, &spine, &settings) {
                Ok(linked) => {
                    prop_assert_eq!(linked.links.len() as u64 + linked.report.unlinked, left.ids.len() as u64);
                    prop_assert!(linked.links.windows(2).all(|pair| pair[0].left < pair[1].left));
                    prop_assert!(linked.links.iter().all(|link| spine.ids.contains(&link.spine)));
                    prop_assert!(linked.links.iter().all(|link| link.match_weight.is_finite()));
                    let spines: BTreeSet<u64> = linked.links.iter().map(|link| link.spine).collect();
                    prop_assert!(left_file == LeftFile::ManyPerPerson || spines.len() == linked.links.len());
                    prop_assert_eq!(link(&left, &spine, &settings).unwrap(), linked);
                }
                Err(error) => prop_assert_eq!(error, LinkError::NothingToBlockOn),
            }
        }
    }
}
