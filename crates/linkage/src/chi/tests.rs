use super::*;
use proptest::prelude::*;

#[test]
fn the_published_nhs_number_example_passes() {
    // 401 023 2137: 4*10+0*9+1*8+0*7+2*6+3*5+2*4+1*3+3*2 = 92; 92 mod 11 = 4; 11-4 = 7, the last digit.
    assert!(is_valid_nhs_number("4010232137"));
    assert!(is_valid_nhs_number("401 023 2137"));
    assert!(is_valid_nhs_number("401-023-2137"));
    assert!(!is_valid_nhs_number("4010232138"));
    assert!(!is_valid_nhs_number("401023213"));
    assert!(!is_valid_nhs_number("40102321370"));
    assert!(!is_valid_nhs_number("A010232137"));
    assert!(!is_valid_nhs_number("0000000000"));
}

#[test]
fn a_check_of_ten_is_never_valid() {
    // 9 at weight 5 is 45; 45 mod 11 = 1; 11 - 1 = 10, which is no digit.
    for last in 0..10 {
        assert!(!is_valid_nhs_number(&format!("000009000{last}")));
    }
}

#[test]
fn the_public_health_scotland_example_passes() {
    // 0101011237: 0*10+1*9+0*8+1*7+0*6+1*5+1*4+2*3+3*2 = 37; 37 mod 11 = 4; 11-4 = 7.
    assert!(is_valid_chi("0101011237"));
    assert!(is_valid_chi(" 010101 1237 "));
    assert!(!is_valid_chi("0101011238"));
    assert!(!is_valid_chi("3201201234"));
}

#[test]
fn a_modulus_ten_number_passes_as_a_chi_and_not_as_an_nhs_number() {
    // 010101134: places 1, 3, 5, 7, 9 doubled give 0+1+0+1+0+1+2+3+8 = 16, check 4;
    // by modulus 11 it is 9+7+5+4+9+8 = 42, 42 mod 11 = 9, check 2.
    assert!(is_valid_chi("0101011344"));
    assert!(is_valid_chi("0101011342"));
    assert!(!is_valid_nhs_number("0101011344"));
}

#[test]
fn a_chi_needs_a_real_date() {
    let checked = |nine: &str| (0..10).any(|last| is_valid_chi(&format!("{nine}{last}")));
    assert!(checked("290200123") || checked("290200125"));
    assert!(!checked("300200123") && !checked("300200125"));
    assert!(!checked("321299125"));
    assert!(!checked("011399125"));
}

#[test]
fn numbers_are_read_with_lost_zeroes_and_separators() {
    assert_eq!(number("0101011237"), Some(101_011_237));
    assert_eq!(number("101011237"), Some(101_011_237));
    assert_eq!(number("010101-1237"), Some(101_011_237));
    assert_eq!(number("01010112"), None);
    assert_eq!(number("01010112370"), None);
    assert_eq!(number("x101011237"), None);
    assert!(is_valid_chi_number(101_011_237));
}

#[test]
fn one_edit_is_a_digit_or_two_neighbours() {
    assert!(one_edit(101_011_237, 101_011_238));
    assert!(one_edit(101_011_237, 101_011_273));
    assert!(!one_edit(101_011_237, 101_011_237));
    assert!(!one_edit(101_011_237, 201_011_238));
    assert!(!one_edit(1_234_567_890, 3_214_567_890));
}

proptest! {
    // The modulus 11 digit catches every single wrong digit and every exchange of two different neighbours.
    #[test]
    fn one_wrong_digit_never_passes_as_an_nhs_number(nine in 0_u64..1_000_000_000, place in 0_usize..10, by in 1_u8..10) {
        let right = (0..10).map(|last| digits_of(nine * 10 + last).unwrap()).find(modulus_11);
        // One in eleven has no check digit.
        prop_assume!(right.is_some());
        let mut wrong = right.unwrap();
        wrong[place] = (wrong[place] + by) % 10;
        prop_assert!(!modulus_11(&wrong));
    }

    #[test]
    fn any_text_is_answered(text in ".{0,20}") {
        prop_assert!(!is_valid_chi(&text) || text.chars().filter(char::is_ascii_digit).count() == 10);
        prop_assert!(!is_valid_nhs_number(&text) || text.chars().filter(char::is_ascii_digit).count() == 10);
    }
}
