use super::*;
use proptest::prelude::*;

fn value(text: &str) -> Standard<String> {
    Standard::Value(text.to_owned())
}

fn name(raw: &str) -> Standard<String> {
    whole(name_parts(raw, false))
}

fn whole(parts: Standard<(String, String, String)>) -> Standard<String> {
    match parts {
        Standard::Value((whole, _, _)) => Standard::Value(whole),
        Standard::Missing => Standard::Missing,
        Standard::Default => Standard::Default,
        Standard::Invalid => Standard::Invalid,
    }
}

fn address(raw: &str) -> Standard<String> {
    let mut line = Vec::new();
    match words(raw, &mut line) {
        Standard::Value(()) => Standard::Value(String::from_utf8(line).unwrap()),
        Standard::Missing => Standard::Missing,
        Standard::Default => Standard::Default,
        Standard::Invalid => Standard::Invalid,
    }
}

#[test]
fn surnames_have_parts_and_mac_is_spelt_out() {
    let parts = |raw| match name_parts(raw, true) {
        Standard::Value((whole, first, last)) => [whole, first, last].join(" "),
        _ => String::new(),
    };
    assert_eq!(parts("McDonald"), "MACDONALD  ");
    assert_eq!(parts("Mac Donald"), "MACDONALD  ");
    assert_eq!(parts("Smith-Jones"), "SMITHJONES SMITH JONES");
    assert_eq!(parts("van der Berg"), "VANDERBERG  ");
    assert_eq!(parts("Mc"), "MC  ");
}

#[test]
fn names_have_one_spelling() {
    for (raw, standard) in [
        ("o'neil", "ONEIL"),
        ("O\u{2019}Neil", "ONEIL"),
        ("Mary-Ann", "MARYANN"),
        ("mary ann", "MARYANN"),
        ("Mac Donald", "MACDONALD"),
        ("Zoë", "ZOE"),
        ("ŁUKASZ", "LUKASZ"),
        ("Mrs Jean", "JEAN"),
        ("Mr", "MR"),
        ("J.", "J"),
        ("Smith2", "SMITH"),
    ] {
        assert_eq!(name(raw), value(standard), "{raw}");
    }
}

#[test]
fn stand_ins_for_names_are_missing() {
    // Crosses in the place of a name that nobody knew.
    let crosses = [3, 7].map(|times| "X".repeat(times));
    let typed = [
        "Baby",
        "BABY BOY",
        "unknown",
        "Not known",
        "N/A",
        "N.K.",
        "xx xx",
        "Zz",
    ];
    for raw in typed.into_iter().chain(crosses.iter().map(String::as_str)) {
        assert_eq!(name(raw), Standard::Default, "{raw}");
    }
    assert_eq!(name("  "), Standard::Missing);
    assert_eq!(name("123"), Standard::Invalid);
}

#[test]
fn sexes_postcodes_and_numbers() {
    assert_eq!(sex("female"), Standard::Value(2));
    assert_eq!(sex("1"), Standard::Value(1));
    assert_eq!(sex("9"), Standard::Default);
    assert_eq!(sex("?"), Standard::Invalid);
    assert_eq!(pack_postcode("eh1 3eg"), pack_postcode("EH13EG"));
    assert_ne!(pack_postcode("G1 1AA"), pack_postcode("G11 1AA"));
    assert_eq!(pack_postcode("ZZ99 3VZ"), Standard::Default);
    assert_eq!(pack_postcode("EDINBURGH"), Standard::Invalid);
    assert_eq!(pack_postcode("EH1 3EG, Scotland"), Standard::Invalid);
    // Codes of other countries are kept whole.
    assert!(matches!(pack_postcode("2600"), Standard::Value(_)));
    assert_eq!(identity_number("0000000000"), Standard::Default);
    assert_eq!(identity_number("9999999999"), Standard::Default);
    assert_eq!(identity_number("0101011237"), Standard::Value(101_011_237));
    assert_eq!(identity_number("abc"), Standard::Invalid);
}

#[test]
fn addresses_telephones_and_mail() {
    assert_eq!(address("12, High Street"), value("12 HIGH ST"));
    assert_eq!(
        address("Flat 2/1, 9 Queen's Road"),
        value("FLAT 2 1 9 QUEENS RD")
    );
    assert_eq!(address("No fixed abode"), Standard::Default);
    assert_eq!(telephone("+44 131 496 0000"), value("01314960000"));
    assert_eq!(telephone("+44 (0)131 496 0000"), value("01314960000"));
    assert_eq!(telephone("0131 496 0000"), value("01314960000"));
    assert_eq!(telephone("00000000000"), Standard::Default);
    assert_eq!(email(" A.B@Example.ORG "), value("a.b@example.org"));
    assert_eq!(email("none"), Standard::Invalid);
}

proptest! {
    #[test]
    fn every_text_is_answered_and_standard_names_stay(text in ".{0,30}") {
        if let Standard::Value(once) = name(&text) {
            // A title in front is dropped once only; joined words cannot be taken apart again.
            prop_assert!(matches!(name(&once), Standard::Value(ref twice) if *twice == once) || matches!(name(&once), Standard::Default));
        }
        if let Standard::Value(postcode) = pack_postcode(&text) {
            prop_assert!(postcode != 0);
            let _ = (sector(postcode), district(postcode), area(postcode));
        }
        let _ = (sex(&text), address(&text), telephone(&text), email(&text), identity_number(&text));
    }
}

#[test]
fn postcodes_have_sectors_districts_areas_and_slips() {
    let pack = |raw| match pack_postcode(raw) {
        Standard::Value(packed) => packed,
        _ => panic!("a postcode"),
    };
    let (a, b) = (pack("EH1 3EG"), pack("EH1 3QR"));
    assert_eq!(sector(a), sector(b));
    assert_eq!(district(a), district(pack("EH1 9QR")));
    assert_ne!(district(a), district(pack("EH11 3EG")));
    assert_eq!(area(a), [5, 8]);
    assert_eq!(area(pack("G1 1AA")), [7, 0]);
    assert_eq!(area(pack("2600")), [0, 0]);
    assert!(one_edit_postcode(a, pack("EH1 3EH")));
    assert!(one_edit_postcode(a, pack("HE1 3EG")));
    assert!(one_edit_postcode(a, pack("EH1 3GE")));
    assert!(!one_edit_postcode(a, b));
    assert!(!one_edit_postcode(a, a));
}
