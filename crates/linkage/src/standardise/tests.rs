use super::*;
use proptest::prelude::*;

fn value(text: &str) -> Standard<String> {
    Standard::Value(text.to_owned())
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
    for raw in ["Baby", "BABY BOY", "unknown", "Not known", "N/A", "N.K."] {
        assert_eq!(name(raw), Standard::Default, "{raw}");
    }
    assert_eq!(name("  "), Standard::Missing);
    assert_eq!(name("123"), Standard::Invalid);
}

#[test]
fn dates_are_read_in_three_spellings() {
    for raw in [
        "1985-03-07",
        "07/03/1985",
        "19850307",
        "7.3.1985",
        "1985-03-07T00:00:00",
        "1985-03-07 00:00",
    ] {
        assert_eq!(date(raw), Standard::Value(19850307), "{raw}");
    }
    for raw in ["1900-01-01", "01/01/1900", "01-01-1900", "9999-12-31"] {
        assert_eq!(date(raw), Standard::Default, "{raw}");
    }
    for raw in [
        "1985-02-30",
        "31/04/1985",
        "1700-05-05",
        "85-03-07",
        "soon",
        "1985-03",
        "1985-3-7-1",
        "+985-03-07",
    ] {
        assert_eq!(date(raw), Standard::Invalid, "{raw}");
    }
    assert_eq!(date(""), Standard::Missing);
    assert_eq!(date("29/02/2000"), Standard::Value(20000229));
    assert_eq!(date("29/02/1900"), Standard::Invalid);
}

#[test]
fn sexes_postcodes_and_numbers() {
    assert_eq!(sex("female"), Standard::Value(2));
    assert_eq!(sex("1"), Standard::Value(1));
    assert_eq!(sex("9"), Standard::Default);
    assert_eq!(sex("?"), Standard::Invalid);
    assert_eq!(postcode("eh1 3eg"), value("EH13EG"));
    assert_eq!(postcode("G1 1AA"), value("G11AA"));
    assert_eq!(postcode("ZZ99 3VZ"), Standard::Default);
    assert_eq!(postcode("EH1"), Standard::Invalid);
    assert_eq!(postcode("12345"), Standard::Invalid);
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
        if let Standard::Value(packed) = date(&text) {
            prop_assert!(is_real_date(packed / 10_000, packed / 100 % 100, packed % 100));
        }
        let _ = (sex(&text), postcode(&text), address(&text), telephone(&text), email(&text), identity_number(&text));
    }
}
