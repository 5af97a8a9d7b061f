use super::*;
use proptest::prelude::*;

fn check(left: &str, right: &str, expected: f64) {
    for (a, b) in [(left, right), (right, left)] {
        let found = jaro_winkler(a.as_bytes(), b.as_bytes());
        assert!((found - expected).abs() < 5e-5, "{a} {b}: {found}");
    }
}

#[test]
fn published_values() {
    // Winkler 1990, 1994.
    check("MARTHA", "MARHTA", 0.9611);
    check("DIXON", "DICKSONX", 0.8133);
    check("DWAYNE", "DUANE", 0.84);
    check("SAME", "SAME", 1.0);
    check("ABC", "XYZ", 0.0);
    check("", "X", 0.0);
}

#[test]
fn an_odd_displacement_is_halved_as_a_real_number() {
    // Seven of seven letters match, three are out of place: 1.5 transpositions, not 1.
    // (1 + 1 + 5.5/7)/3 = .9286; the common prefix A adds .1 * .0714.
    check("ABCDEFG", "ACDBEFG", 0.9286 + 0.1 * (1.0 - 0.9286));
}

#[test]
fn no_boost_at_or_under_seven_tenths() {
    // Two of four letters match in order: (.5 + .5 + 1)/3 = .6667, prefix AB not counted.
    check("ABCD", "ABXY", 0.6667);
}

proptest! {
    #[test]
    fn fast_equals_slow(left in "[A-E]{0,70}", right in "[A-E]{0,70}") {
        let (left, right) = (left.as_bytes(), right.as_bytes());
        prop_assert_eq!(jaro_winkler(left, right), reference(left, right));
    }

    #[test]
    fn fast_equals_slow_on_close_names(left in "[A-D]{1,12}", cut in 0_usize..12, add in "[A-D]{0,2}") {
        let mut right: String = left.chars().take(cut).collect();
        right.push_str(&add);
        let (left, right) = (left.as_bytes(), right.as_bytes());
        prop_assert_eq!(jaro_winkler(left, right), reference(left, right));
        prop_assert!((0.0..=1.0).contains(&jaro_winkler(left, right)));
    }
}
