use super::*;

fn records(columns: &[(Role, &[Option<&str>])]) -> Records {
    let rows = columns.first().map_or(0, |(_, values)| values.len());
    Records {
        ids: (0..rows as u64).collect(),
        columns: columns
            .iter()
            .map(|(role, values)| (*role, values.iter().copied().collect()))
            .collect(),
    }
}

#[test]
fn one_value_has_one_code_in_both_files_and_both_name_columns() {
    let left = records(&[
        (Role::Forename, &[Some("Scott"), None]),
        (Role::Surname, &[Some("Lewis"), Some("UNKNOWN")]),
    ]);
    let spine = records(&[
        (Role::Forename, &[Some("LEWIS")]),
        (Role::Surname, &[Some("scott")]),
    ]);
    let prepared = prepare(&left, &spine, &Settings::standard()).unwrap();
    assert_eq!(prepared.left.forename[0], prepared.spine.surname[0]);
    assert_eq!(prepared.left.surname[0], prepared.spine.forename[0]);
    assert_eq!(prepared.left.forename[1], 0);
    assert_eq!(prepared.left.surname[1], 0);
    assert_eq!(prepared.left.defaults, BTreeMap::from([(Role::Surname, 1)]));
    assert!(prepared.spine.defaults.is_empty());
}

#[test]
fn postcodes_know_their_sector_and_district() {
    let left = records(&[(
        Role::Postcode,
        &[
            Some("EH1 3EG"),
            Some("EH1 3QR"),
            Some("EH1 4AA"),
            Some("EH11 3AA"),
            None,
        ],
    )]);
    let prepared = prepare(&left, &Records::default(), &Settings::standard()).unwrap();
    let codes = &prepared.left.postcode;
    let sector: Vec<u32> = codes
        .iter()
        .map(|code| prepared.sector[*code as usize])
        .collect();
    let district: Vec<u32> = codes
        .iter()
        .map(|code| prepared.district[*code as usize])
        .collect();
    assert_eq!(sector[0], sector[1]);
    assert_ne!(sector[0], sector[2]);
    assert_eq!(district[0], district[2]);
    assert_ne!(district[0], district[3]);
    assert_eq!((sector[4], district[4]), (0, 0));
}

#[test]
fn broken_files_are_refused_in_words() {
    let standard = Settings::standard();
    let message = |left: &Records, settings: &Settings| {
        prepare(left, &Records::default(), settings)
            .err()
            .unwrap()
            .to_string()
    };
    let mut short = records(&[(Role::Sex, &[Some("M"), Some("F")])]);
    short.ids.pop();
    assert_eq!(
        message(&short, &standard),
        "column sex of the file has 2 values for 1 records"
    );
    let mut repeated = records(&[(Role::Sex, &[Some("M"), Some("F")])]);
    repeated.ids = vec![4, 4];
    assert_eq!(
        message(&repeated, &standard),
        "the file uses one ordinal for two records"
    );
    let secret = "s".repeat(1_001);
    let long = records(&[(Role::Surname, &[Some(&secret)])]);
    assert_eq!(
        message(&long, &standard),
        "column surname of the file has a value above the limit value_bytes_max of 1000 bytes"
    );
    let one = Settings {
        records_max: 1,
        ..standard
    };
    let two = records(&[(Role::Sex, &[Some("M"), Some("F")])]);
    assert_eq!(
        message(&two, &one),
        "the file has 2 records, above the limit records_max of 1"
    );
}
