use super::*;
use crate::em::{prior_m, prior_u};
use proptest::prelude::*;

#[test]
fn levels_out_of_order_are_pooled() {
    let (mut m, mut u) = (prior_m(), prior_u());
    let c = Comparison::Surname.index();
    // Ratios .5, 4, 2, 8, 100: the second and third are out of order, (.4 + .1)/(.1 + .05) = 3.3333.
    m[c][..5].copy_from_slice(&[0.1, 0.4, 0.1, 0.2, 0.2]);
    u[c][..5].copy_from_slice(&[0.2, 0.1, 0.05, 0.025, 0.002]);
    let model = comparison_model(Comparison::Surname, &m, &u);
    let weights: Vec<f64> = model.levels.iter().map(|level| level.weight).collect();
    let expected = [0.5_f64, 10.0 / 3.0, 10.0 / 3.0, 8.0, 100.0];
    for (found, expected) in weights.iter().zip(expected) {
        assert!((found - expected.log2()).abs() < 1e-9, "{weights:?}");
    }
}

proptest! {
    #[test]
    fn weights_never_fall_as_levels_rise(shares in proptest::collection::vec((1e-6_f64..1.0, 1e-6_f64..1.0), 8)) {
        let (mut m, mut u) = (prior_m(), prior_u());
        for comparison in Comparison::ALL {
            for (place, share) in shares.iter().enumerate() {
                m[comparison.index()][place] = share.0;
                u[comparison.index()][place] = share.1;
            }
            let model = comparison_model(comparison, &m, &u);
            let ordered = comparison.levels().iter().zip(&model.levels)
                .filter(|(level, _)| level.order == Order::Ordered)
                .map(|(_, level)| level.weight)
                .collect::<Vec<_>>();
            prop_assert!(ordered.windows(2).all(|pair| pair[0] <= pair[1] + 1e-9));
        }
    }

    #[test]
    fn every_day_has_its_own_place(year in 1880_u32..2100, month in 1_u32..13, day in 1_u32..32) {
        let place = birth_place(year * 10_000 + month * 100 + day);
        prop_assert!(place >= 1 && (place as usize) < BIRTH_PLACES);
        prop_assert_eq!(((place - 1) / 372 + 1880, (place - 1) % 372 / 31 + 1, (place - 1) % 31 + 1), (year, month, day));
    }
}

#[test]
fn rare_values_count_for_more_up_to_the_cap() {
    // 900 of value 1, 99 of value 2, one of value 3; mean frequency u = .9^2 + .099^2 + .001^2 = .8198.
    let mut codes = vec![1_u32; 900];
    codes.extend([2; 99]);
    codes.push(3);
    let settings = Settings {
        term_frequency_shrinkage: 0.0,
        ..Settings::standard()
    };
    let bits = value_bits(&codes, 4, 0.8198, &settings);
    assert!((bits[1] - (0.8198_f64 / 0.9).log2()).abs() < 1e-9);
    assert!((bits[2] - (0.8198_f64 / 0.099).log2()).abs() < 1e-9);
    assert_eq!(bits[3], settings.term_frequency_cap_bits);
    let shrunk = value_bits(&codes, 4, 0.8198, &Settings::standard());
    // (1 + 5 * .8198) / 1005 = .005074.
    assert!((shrunk[3] - 5.0).abs() < 1e-9 && shrunk[2] < bits[2]);
}

#[test]
fn a_model_goes_to_json_and_back() {
    let model = Model::new(1e-4, &prior_m(), &prior_u(), &Settings::standard());
    let json = serde_json::to_string(&model).unwrap();
    let back: Model = serde_json::from_str(&json).unwrap();
    assert_eq!(back.comparisons.len(), COMPARISONS);
    assert_eq!(back.settings, model.settings);
    assert!(back.jaro_winkler.contains("boost only above 0.7"));
}
