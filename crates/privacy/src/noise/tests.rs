use super::*;
use crate::limits::roomy;
use crate::{Request, price};

mod audit;

/// Delta of a rho at an epsilon: Canonne, Kamath and Steinke 2020, proposition 12, minimised over orders.
pub(crate) fn delta_of(rho: f64, epsilon: f64) -> f64 {
    (1..4_000)
        .map(|step| {
            let order = 1.0 + f64::from(step) * 0.05;
            ((order - 1.0) * (order * rho - epsilon) + order * (1.0 - 1.0 / order).ln()).exp()
                / (order - 1.0)
        })
        .fold(1.0, f64::min)
}

fn priced(text: &str) -> Priced {
    price(Request::parse(text, &roomy()).unwrap(), &roomy()).unwrap()
}

fn count(rho: f64) -> Priced {
    priced(&format!(
        r#"{{"table": "t", "statistics": ["count"], "linf": 1, "rho": {rho}}}"#
    ))
}

#[test]
fn randomness_is_there_and_never_the_same() {
    ready().unwrap();
    let draws = count(0.01).draw(&[vec![1_000]], 200).unwrap();
    let first = &draws[0];
    assert!(draws.iter().any(|draw| draw != first));
}

#[test]
fn noise_comes_from_openssl() {
    // Without this feature the library falls back to a generator that it calls not secure.
    let manifest = include_str!("../../../../Cargo.toml");
    let line = manifest
        .lines()
        .find(|line| line.starts_with("opendp = "))
        .unwrap();
    assert!(
        line.contains("\"=0.16.0\""),
        "never another version without a new look at its faults"
    );
    assert!(line.contains("use-openssl") && line.contains("default-features = false"));
    for open in ["idealized-numerics", "honest-but-curious", "polars"] {
        assert!(!line.contains(open), "{open}");
    }
    // The library's own generator is the feature's: this compiles only where the system's OpenSSL is linked.
    let mut bytes = [0_u8; 64];
    opendp::traits::samplers::fill_bytes(&mut bytes).unwrap();
    assert_ne!(bytes, [0; 64]);
}

#[test]
fn noise_has_the_priced_spread_and_no_bias() {
    let priced = count(0.005);
    let scale = priced.components[0].scale;
    let draws = priced.draw(&[vec![5_000]], 20_000).unwrap();
    let errors: Vec<f64> = draws
        .iter()
        .map(|draw| draw[0][0] as f64 - 5_000.0)
        .collect();
    let n = errors.len() as f64;
    let mean = errors.iter().sum::<f64>() / n;
    let variance = errors.iter().map(|e| e * e).sum::<f64>() / n;
    // Five standard errors.
    assert!(mean.abs() < 5.0 * scale / n.sqrt(), "{mean}");
    let spread = scale * scale * 5.0 * (2.0 / n).sqrt();
    assert!((variance - scale * scale).abs() < spread, "{variance}");
    let reach = crate::spread::gaussian_95(scale);
    let within = errors.iter().filter(|e| e.abs() <= reach).count() as f64 / n;
    assert!((0.94..0.97).contains(&within), "{within}");
}

#[test]
fn laplace_noise_has_the_priced_spread_and_no_bias() {
    let priced = priced(r#"{"table": "t", "statistics": ["count"], "linf": 1, "epsilon": 0.1}"#);
    let scale = priced.components[0].scale;
    assert!((scale - 10.0).abs() < 1e-6);
    let draws = priced.draw(&[vec![5_000]], 20_000).unwrap();
    let errors: Vec<f64> = draws
        .iter()
        .map(|draw| draw[0][0] as f64 - 5_000.0)
        .collect();
    let n = errors.len() as f64;
    // Discrete Laplace: variance 2 q / (1 - q)^2, fourth moment about 24 scale^4; five standard errors.
    let q = (-1.0 / scale).exp();
    let variance = 2.0 * q / (1.0 - q).powi(2);
    let mean = errors.iter().sum::<f64>() / n;
    assert!(mean.abs() < 5.0 * (variance / n).sqrt(), "{mean}");
    let seen = errors.iter().map(|e| e * e).sum::<f64>() / n;
    let slack = 5.0 * (20.0 * scale.powi(4) / n).sqrt();
    assert!((seen - variance).abs() < slack, "{seen} {variance}");
    let told = priced.to_json()["statistics"][0]["error_95"]
        .as_f64()
        .unwrap();
    let within = errors.iter().filter(|e| e.abs() <= told).count() as f64 / n;
    assert!((0.94..0.97).contains(&within), "{within}");
}

#[test]
fn cells_of_another_shape_or_out_of_range_are_refused() {
    let priced = count(0.01);
    for cells in [
        vec![],
        vec![vec![1], vec![1]],
        vec![vec![CELL_MAX + 1]],
        vec![vec![i64::MIN]],
    ] {
        assert_eq!(priced.draw(&cells, 1), Err(PrivacyError::Cells));
    }
    assert_eq!(priced.find(&[1]), Err(PrivacyError::Cells));
}

#[test]
fn a_mechanism_that_costs_more_than_its_share_never_draws() {
    let mut cheap = count(0.01);
    cheap.components[0].scale *= 0.999;
    assert_eq!(cheap.draw(&[vec![1]], 1), Err(PrivacyError::Mechanism));
    let mut cheap = count(0.01);
    cheap.components[0].charge = Charge::Rho { l2: 2.0 };
    assert_eq!(cheap.draw(&[vec![1]], 1), Err(PrivacyError::Mechanism));
    let epsilon = r#"{"table": "t", "statistics": ["count"], "linf": 1, "epsilon": 0.1}"#;
    let mut cheap = priced(epsilon);
    cheap.components[0].scale *= 0.999;
    assert_eq!(cheap.draw(&[vec![1]], 1), Err(PrivacyError::Mechanism));
    // Booked a unit too low.
    let mut cheap = priced(epsilon);
    cheap.components[0].nano_rho -= 1;
    assert_eq!(cheap.draw(&[vec![1]], 1), Err(PrivacyError::Mechanism));
    let mut cheap = priced(
        r#"{"table": "t", "group_by": ["g"], "l0": 1, "linf": 1, "rho": 0.1, "delta": 1e-7, "statistics": ["people"]}"#,
    );
    if let Some(keys) = &mut cheap.keys {
        keys.threshold -= 1;
    }
    assert_eq!(cheap.find(&[100]), Err(PrivacyError::Mechanism));
}

#[test]
fn scores_are_least_at_the_quantile() {
    // Brute force over small sets of values among candidates 0 to 4.
    let candidates = [0.0, 1.0, 2.0, 3.0, 4.0];
    for values in [
        vec![0.0, 1.0, 1.0, 4.0, 4.5],
        vec![2.5; 4],
        vec![],
        vec![-1.0, 9.0, 3.0],
    ] {
        let mut group = vec![0_i64; 11];
        for value in &values {
            let below = candidates.iter().filter(|c| *c < value).count();
            let upto = candidates.iter().filter(|c| *c <= value).count();
            group[below + upto] += 1;
        }
        for per_mille in [100, 250, 500, 900] {
            let scores = scores(&group, per_mille);
            for (candidate, score) in candidates.iter().zip(&scores) {
                let less = values.iter().filter(|v| *v < candidate).count() as i64;
                let more = values.iter().filter(|v| *v > candidate).count() as i64;
                let p = i64::from(per_mille);
                assert_eq!(*score, ((1000 - p) * less - p * more).abs());
            }
        }
    }
}

#[test]
fn one_person_changes_a_score_by_at_most_the_priced_change() {
    // Add one row at every place of every small group.
    for per_mille in [1, 250, 500, 999] {
        for base in 0..3_i64.pow(5) {
            let group: Vec<i64> = (0..5).map(|at| base / 3_i64.pow(at) % 3).collect();
            let before = scores(&group, per_mille);
            for at in 0..5 {
                let mut more = group.clone();
                more[at] += 1;
                let after = scores(&more, per_mille);
                let worst = before.iter().zip(&after).map(|(a, b)| (a - b).abs()).max();
                assert!(worst.unwrap() <= change(per_mille, 1));
            }
        }
    }
}
