use super::*;
use crate::component::Grid;
use crate::limits::roomy;

fn priced(text: &str) -> Priced {
    let request = Request::parse(text, &roomy()).unwrap();
    price(request, &roomy()).unwrap()
}

#[test]
fn a_count_at_rho_a_hundredth_has_the_published_scale_and_epsilon() {
    // sigma = 1 / sqrt(2 rho) (Bun and Steinke 2016, proposition 1.6); epsilon by Canonne, Kamath and
    // Steinke 2020: 0.62 at 1e-6.
    let priced = priced(r#"{"table": "t", "statistics": ["count"], "linf": 1, "rho": 0.01}"#);
    assert_eq!((priced.nano_rho, priced.atto_delta), (10_000_000, 0));
    let scale = priced.components[0].scale;
    assert!((scale - 50.0_f64.sqrt()).abs() < 1e-6 && scale >= 50.0_f64.sqrt());
    assert!((priced.epsilon - 0.62).abs() < 0.01, "{}", priced.epsilon);
    let json = priced.to_json();
    assert_eq!(json["statistics"][0]["error_95"], 14.0);
    assert_eq!(json["rho"], 0.01);
}

#[test]
fn epsilon_agrees_with_an_implementation_of_its_own() {
    for (rho, delta) in [
        (0.005, 1e-6),
        (0.01, 1e-6),
        (0.05, 1e-8),
        (0.125, 1e-6),
        (0.5, 1e-6),
        (1.0, 1e-8),
    ] {
        let theirs = epsilon(rho, delta).unwrap();
        // The smallest epsilon whose delta, minimised over orders, is small enough.
        let (mut low, mut high) = (0.0, 100.0);
        while high - low > 1e-9 {
            let middle = f64::midpoint(low, high);
            if crate::noise::tests::delta_of(rho, middle) <= delta {
                high = middle;
            } else {
                low = middle;
            }
        }
        assert!(
            (theirs - high).abs() < 1e-3 * high,
            "{rho} {delta}: {theirs} {high}"
        );
    }
}

#[test]
fn shares_never_add_up_to_more_than_the_price() {
    for rho in ["0.00001", "0.01", "0.3333333", "1", "9.999999999"] {
        let priced = priced(&format!(
            r#"{{"table": "t", "group_by": [{{"column": "g", "values": ["a", "b", "c"]}}], "l0": 2, "linf": 3, "rho": {rho},
                "statistics": ["count", "people",
                  {{"statistic": "mean", "column": "a", "bounds": [0, 100]}}, {{"statistic": "sd", "column": "a", "bounds": [0, 100]}},
                  {{"statistic": "sum", "column": "b", "bounds": [-5, 5]}}, {{"statistic": "median", "column": "a", "bounds": [0, 100]}},
                  {{"statistic": "histogram", "column": "a", "bounds": [0, 100], "bins": 10}}]}}"#
        ));
        let shares: u64 = priced.components.iter().map(|c| c.nano_rho).sum();
        assert!(shares <= priced.nano_rho);
        assert!(priced.nano_rho - shares < priced.components.len() as u64);
        // Independently: l0 of the groups change, each by at most per_group.
        for component in &priced.components {
            let l0 = 2.0;
            let Charge::Rho { l2 } = component.charge else {
                panic!("{component:?}")
            };
            let rho = match component.part {
                Part::Candidates { .. } => l0 * l2.powi(2) / (2.0 * component.scale.powi(2)),
                _ => l0 * (component.per_group as f64).powi(2) / (2.0 * component.scale.powi(2)),
            };
            assert!(rho <= component.nano_rho as f64 / 1e9, "{component:?}");
        }
    }
}

#[test]
fn what_statistics_share_is_paid_for_once() {
    let parts = |statistics: &str| {
        priced(&format!(
            r#"{{"table": "t", "linf": 1, "rho": 0.1, "statistics": [{statistics}]}}"#
        ))
        .components
        .len()
    };
    let of = |kind: &str| format!(r#"{{"statistic": "{kind}", "column": "a", "bounds": [0, 1]}}"#);
    assert_eq!(parts(&of("mean")), 2);
    assert_eq!(parts(&of("sd")), 3);
    assert_eq!(
        parts(&[of("mean"), of("sd"), of("variance"), of("sum")].join(", ")),
        3
    );
    assert_eq!(parts(&of("sum")), 1);
}

#[test]
fn more_groups_or_rows_for_one_person_cost_accuracy() {
    let scale = |l0: u32, linf: u32| {
        priced(&format!(
            r#"{{"table": "t", "group_by": [{{"column": "g", "values": [1, 2, 3, 4]}}], "l0": {l0}, "linf": {linf}, "rho": 0.1, "statistics": ["count"]}}"#
        ))
        .components[0]
            .scale
    };
    assert!((scale(4, 1) / scale(1, 1) - 2.0).abs() < 1e-9);
    assert!((scale(1, 3) / scale(1, 1) - 3.0).abs() < 1e-9);
}

#[test]
fn a_wanted_accuracy_is_given_at_the_least_price() {
    for statistic in [
        r#""count""#,
        r#""people""#,
        r#"{"statistic": "sum", "column": "a", "bounds": [0, 10]}"#,
        r#"{"statistic": "mean", "column": "a", "bounds": [0, 1000]}"#,
        r#"{"statistic": "median", "column": "a", "bounds": [0, 100]}"#,
    ] {
        let at = |budget: &str| {
            priced(&format!(
                r#"{{"table": "t", "statistics": [{statistic}], "linf": 2, {budget}}}"#
            ))
        };
        let wanted = at(r#""accuracy": {"error": 50, "n": 500}"#);
        let error =
            |priced: &Priced| error_95(&priced.request.statistics[0], &priced.scales(), 500);
        assert!(error(&wanted) <= 50.0, "{statistic}");
        let less = wanted.nano_rho as f64 / 1e9 * 0.98;
        assert!(
            error(&at(&format!(r#""rho": {less}"#))) > 49.0,
            "{statistic}"
        );
    }
    let request = Request::parse(
        r#"{"table": "t", "statistics": ["count"], "linf": 1, "accuracy": 0.1}"#,
        &roomy(),
    );
    // A count off by less than one is a count that never errs.
    assert!(price(request.unwrap(), &roomy()).is_ok_and(|p| p.nano_rho > 1_000_000_000));
}

#[test]
fn unknown_keys_charge_delta_with_the_corrected_map() {
    let priced = priced(
        r#"{"table": "t", "group_by": ["g"], "l0": 2, "linf": 1, "rho": 0.01, "delta": 1e-9, "statistics": ["people"]}"#,
    );
    assert_eq!(priced.atto_delta, 1_000_000_000);
    let keys = priced.keys.unwrap();
    assert!(priced.components.is_empty());
    // A key that one person alone brings passes when its noise reaches the threshold less one; by two keys
    // of one person. The normal tail is a little below the discrete one.
    let tail = |t: i64| {
        let z = (t as f64 - 1.0) / keys.scale;
        0.5 * (-z * z / 2.0).exp() / (z * (std::f64::consts::PI / 2.0).sqrt())
    };
    assert!(2.0 * tail(keys.threshold) <= 1e-9);
    assert!(
        2.0 * tail(keys.threshold - 3) > 1e-9 * 0.2,
        "not needlessly high"
    );
}

#[test]
fn a_budget_that_cannot_be_spread_is_refused() {
    let mut limits = roomy();
    limits.nano_rho_min = 1;
    let text = r#"{"table": "t", "linf": 1, "rho": 0.000000002, "statistics": ["count", "people", {"statistic": "sd", "column": "a", "bounds": [0, 1]}]}"#;
    let request = Request::parse(text, &limits).unwrap();
    let error = price(request, &limits).unwrap_err();
    assert!(matches!(error, PrivacyError::Budget(_)), "{error}");
}

#[test]
fn cells_are_bounded() {
    let mut limits = roomy();
    limits.cells = 100;
    let text = r#"{"table": "t", "linf": 1, "rho": 1, "statistics": [{"statistic": "histogram", "column": "a", "bounds": [0, 101], "step": 1}]}"#;
    let request = Request::parse(text, &limits).unwrap();
    let error = price(request, &limits).unwrap_err().to_string();
    assert!(error.contains("limit cells of 100"), "{error}");
}

const TABLE: &str =
    r#""table": "t", "group_by": [{"column": "g", "values": [1, 2, 3, 4]}], "l0": 2, "linf": 3"#;

fn with_epsilon(statistics: &str, epsilon: &str) -> Priced {
    priced(&format!(
        r#"{{{TABLE}, "epsilon": {epsilon}, "statistics": [{statistics}]}}"#
    ))
}

const SUM: &str = r#"{"statistic": "sum", "column": "a", "bounds": [0, 100]}"#;
const DEVIATION: &str = r#"{"statistic": "standard_deviation", "column": "a", "bounds": [0, 100]}"#;

#[test]
fn an_epsilon_buys_one_number_with_laplace_noise_and_a_table_with_gaussian() {
    for statistics in [r#""count""#, r#""people""#, SUM] {
        let priced = with_epsilon(statistics, "1");
        assert_eq!(priced.shape, Shape::Laplace, "{statistics}");
        assert_eq!((priced.epsilon, priced.epsilon_delta), (1.0, 0.0));
        // Half the square of each group's half of epsilon, twice (Bun and Steinke 2016, propositions 1.4 and 1.7).
        assert_eq!((priced.nano_rho, priced.atto_delta), (250_000_000, 0));
    }
    // Groups, rows and bounds of one person together, over epsilon (Dwork and others 2006).
    let scale = |of: &str| with_epsilon(of, "1").components[0].scale;
    assert!((scale(r#""count""#) - 6.0).abs() < 1e-6);
    assert!((scale(r#""people""#) - 2.0).abs() < 1e-6);
    assert!(scale(r#""count""#) >= 6.0, "never below");
    // A person in hundreds of groups: noise that grows with their root errs less.
    let wide: Vec<String> = (0..400).map(|at| at.to_string()).collect();
    let many = priced(&format!(
        r#"{{"table": "t", "group_by": [{{"column": "g", "values": [{}]}}], "l0": 400, "linf": 1, "epsilon": 1, "statistics": ["count"]}}"#,
        wide.join(", ")
    ));
    assert_eq!(many.shape, Shape::Gaussian);
    assert!((0.999..=1.0).contains(&many.epsilon), "{}", many.epsilon);
    assert_eq!(many.epsilon_delta, 1e-6);
    // What has no Laplace form is bought with rho.
    let median = with_epsilon(
        r#"{"statistic": "median", "column": "a", "candidates": [1, 2]}"#,
        "1",
    );
    assert_eq!(median.shape, Shape::Gaussian);
}

/// The chosen mechanism's errors are never above those of the same epsilon bought as rho.
#[test]
fn the_choice_never_errs_more_than_gaussian_noise_of_the_same_epsilon() {
    let all = format!(r#""count", {SUM}, {DEVIATION}"#);
    for statistics in [r#""count""#, SUM, DEVIATION, &all] {
        for epsilon in ["0.1", "1", "3"] {
            let chosen = with_epsilon(statistics, epsilon);
            let wanted: f64 = epsilon.parse().unwrap();
            let nano = most_rho(&roomy(), (wanted * 1e9) as u64, 1e-6)
                .unwrap()
                .unwrap();
            let rho = priced(&format!(
                r#"{{{TABLE}, "rho": {}, "statistics": [{statistics}]}}"#,
                nano as f64 / 1e9
            ));
            let error = |of: &Priced| -> f64 {
                let scales = of.scales();
                let each = of.request.statistics.iter();
                each.map(|s| error_95(s, &scales, 1_000).ln()).sum()
            };
            assert!(
                error(&chosen) <= error(&rho) + 0.05,
                "{statistics} {epsilon}"
            );
            assert!(chosen.epsilon <= wanted);
        }
    }
}

#[test]
fn shares_of_an_epsilon_add_up_and_their_rho_is_booked_in_full() {
    let all = format!(r#""count", "people", {SUM}"#);
    let priced = with_epsilon(&all, "0.7");
    assert_eq!(priced.shape, Shape::Laplace);
    let (mut epsilon, mut rho) = (0, 0.0);
    for component in &priced.components {
        let Charge::Epsilon { l1, nano_epsilon } = component.charge else {
            panic!("{component:?}")
        };
        assert_eq!(l1, component.per_group * 2);
        assert!(l1 as f64 / component.scale <= nano_epsilon as f64 / 1e9);
        epsilon += nano_epsilon;
        rho += 2.0 * (nano_epsilon as f64 / 1e9 / 2.0).powi(2) / 2.0;
    }
    assert!(epsilon <= 700_000_000 && epsilon > 699_999_990);
    assert!(rho <= priced.nano_rho as f64 / 1e9);
    assert!(priced.nano_rho as f64 / 1e9 - rho < 1e-8);
}

/// Renyi's divergence of discrete Laplace noise from the same moved by `by`, at an order above 1, term by term.
fn divergence(scale: f64, by: i64, order: f64) -> f64 {
    let q = (-1.0 / scale).exp();
    let log = |k: i64| ((1.0 - q) / (1.0 + q)).ln() + k.unsigned_abs() as f64 * q.ln();
    let reach = (60.0 * scale) as i64 + by;
    let sum: f64 = (-reach..=reach)
        .map(|k| (order * log(k) + (1.0 - order) * log(k - by)).exp())
        .sum();
    sum.ln() / (order - 1.0)
}

#[test]
fn what_laplace_noise_is_booked_at_is_never_below_its_divergence() {
    for (l0, linf, epsilon) in [
        (1, 1, 1.0),
        (2, 3, 1.0),
        (4, 1, 1.0),
        (4, 1, 0.1),
        (3, 2, 4.0),
    ] {
        let priced = priced(&format!(
            r#"{{"table": "t", "group_by": [{{"column": "g", "values": [1, 2, 3, 4]}}], "l0": {l0}, "linf": {linf}, "epsilon": {epsilon}, "statistics": ["count"]}}"#
        ));
        assert_eq!(priced.shape, Shape::Laplace);
        let component = &priced.components[0];
        let rho = component.nano_rho as f64 / 1e9;
        for order in [1.01, 1.5, 2.0, 4.0, 16.0, 64.0] {
            // A person who changes every group by all that is declared.
            let all = f64::from(l0) * divergence(component.scale, component.per_group, order);
            assert!(
                all <= order * rho,
                "{l0} {linf} {epsilon} {order}: {all} {rho}"
            );
        }
        // And a person in one group more would not be covered, where the bound is near.
        if epsilon < 1.0 {
            let more = f64::from(l0 + 1) * divergence(component.scale, component.per_group, 1.01);
            assert!(more > 1.01 * rho, "not needlessly high: {more} {rho}");
        }
    }
}

#[test]
fn an_epsilon_that_no_rho_within_the_limits_gives_is_refused() {
    for epsilon in ["0.0000011", "900"] {
        let text = format!(r#"{{{TABLE}, "epsilon": {epsilon}, "statistics": ["count"]}}"#);
        let error = price(Request::parse(&text, &roomy()).unwrap(), &roomy()).unwrap_err();
        assert!(error.to_string().contains("rho_max"), "{error}");
    }
    for epsilon in ["0", "-1", "1e9", "1e-10"] {
        let text = format!(r#"{{{TABLE}, "epsilon": {epsilon}, "statistics": ["count"]}}"#);
        assert!(Request::parse(&text, &roomy()).is_err(), "{epsilon}");
    }
    let both = format!(r#"{{{TABLE}, "epsilon": 1, "rho": 1, "statistics": ["count"]}}"#);
    assert!(Request::parse(&both, &roomy()).is_err());
}

const MEAN: &str = r#"{"statistic": "mean", "column": "a", "bounds": [0, 100]}"#;
/// Half of what lies between its bounds.
const HALF: f64 = 50.0;

/// Means from the middle of the bounds to an end, in halves of what lies between them.
fn offsets() -> impl Iterator<Item = f64> {
    (0..1_000).map(|at| (f64::from(at) + 0.5) / 1_000.0)
}

/// The average logarithm of the error of a mean over all offsets, where the noise on the sum is as `sum` and
/// that on the rows as `rows` halves: the integral of `ln(sum^2 + rows^2 x^2) / 2` from 0 to 1.
fn average_log(sum: f64, rows: f64) -> f64 {
    0.5 * sum.hypot(rows).powi(2).ln() - 1.0 + sum / rows * (rows / sum).atan()
}

fn scales_of_a_mean(priced: &Priced) -> (f64, f64) {
    let of = |wanted: fn(&Part) -> bool| {
        let found = priced.components.iter().find(|c| wanted(&c.part)).unwrap();
        found.scale
    };
    let step = Grid::between(crate::Bounds {
        lower: 0.0,
        upper: 100.0,
    })
    .step;
    (
        of(|part| matches!(part, Part::Centred { .. })) * step,
        of(|part| matches!(part, Part::Numbers { .. })) * HALF,
    )
}

#[test]
fn the_split_of_a_mean_errs_least_on_average_and_never_below_what_is_possible() {
    let rho = 0.1;
    let priced = priced(&format!(
        r#"{{"table": "t", "linf": 1, "rho": {rho}, "statistics": [{MEAN}]}}"#
    ));
    let (sum, rows) = scales_of_a_mean(&priced);
    let unit = HALF / (2.0_f64 * rho).sqrt();
    let ours = average_log(sum, rows);
    for percent in 1..100 {
        let share = f64::from(percent) / 100.0;
        let other = average_log(unit / share.sqrt(), unit / (1.0 - share).sqrt());
        assert!(ours <= other + 1e-4, "{percent}");
    }
    for offset in offsets() {
        let (error, best) = (sum.hypot(rows * offset), unit * (1.0 + offset));
        assert!(error >= best * 0.999_999, "{offset}");
        assert!(error <= best * 1.2248, "{offset}: at most the root of 3/2");
    }
}

/// Whatever Gaussian noise is put on the number of rows and the centred sum together, correlated or not: its
/// precision matrix costs a row at either bound `p + r + 2 |q|`, and a mean at `d` errs by no less than the
/// bound that two separate draws reach.
#[test]
fn no_joint_noise_on_rows_and_sum_errs_less_than_two_draws_can() {
    let shares = || (1..40).map(|at| f64::from(at) / 40.0);
    for (p, lean) in shares().flat_map(|p| shares().map(move |lean| (p, 2.0 * lean - 1.0))) {
        for share in shares() {
            let r = (1.0 - p) * share;
            let q = lean * (p * r).sqrt();
            let (cost, det) = (p + r + 2.0 * q.abs(), p * r - q * q);
            for d in [0.0, 0.1, 0.5, 1.0] {
                let variance = cost * (d * d * r + 2.0 * d * q + p) / det;
                assert!(variance >= (1.0 + d).powi(2) * 0.999_999, "{p} {q} {r} {d}");
            }
        }
    }
}

#[test]
fn a_wanted_accuracy_of_a_mean_costs_no_more_than_any_split_would() {
    let (error, n) = (2.0, 1_000.0);
    let priced = priced(&format!(
        r#"{{"table": "t", "linf": 1, "accuracy": {{"error": {error}, "n": {n}}}, "statistics": [{MEAN}]}}"#
    ));
    let least = (1..100)
        .map(|percent| {
            let share = f64::from(percent) / 100.0;
            // z h sqrt((1 / s + 1 / (1 - s)) / 2 rho) / n, for a mean at the bound.
            let at_rho_half = 1.959_964 * HALF * (1.0 / share + 1.0 / (1.0 - share)).sqrt() / n;
            (at_rho_half / error).powi(2) / 2.0
        })
        .fold(f64::INFINITY, f64::min);
    let price = priced.nano_rho as f64 / 1e9;
    assert!((0.999..1.001).contains(&(price / least)), "{price} {least}");
    // With a deviation of the same values the sum is behind two numbers, and has two shares again.
    let both = crate::component::components(&Request::parse(
        &format!(r#"{{"table": "t", "linf": 1, "accuracy": {{"error": 9, "n": 100}}, "statistics": [{MEAN}, {DEVIATION}]}}"#),
        &roomy(),
    ).unwrap());
    let weights: Vec<u64> = both.iter().map(|component| component.weight).collect();
    assert_eq!(weights, [1, 2, 2]);
}

#[test]
fn an_epsilon_buys_a_mean_with_the_noise_that_errs_less_on_average() {
    let keys: Vec<String> = (0..20).map(|at| at.to_string()).collect();
    let mut bought = Vec::new();
    for epsilon in [0.3, 1.0, 3.0] {
        let nano = most_rho(&roomy(), (epsilon * 1e9) as u64, 1e-6);
        let rho = nano.unwrap().unwrap() as f64 / 1e9;
        for l0 in [1, 2, 4, 8, 20] {
            let priced = priced(&format!(
                r#"{{"table": "t", "group_by": [{{"column": "g", "values": [{}]}}], "l0": {l0}, "linf": 1, "epsilon": {epsilon}, "statistics": [{MEAN}]}}"#,
                keys.join(", ")
            ));
            let l0 = f64::from(l0);
            // 95 % reaches: ln 20 scales of Laplace noise, 1.96 of Gaussian; shares of one and two thirds.
            let by_laplace = (20.0_f64.ln() * l0 / epsilon).ln() + average_log(1.5, 3.0);
            let by_gaussian = (1.959_964 * (l0 / (2.0 * rho)).sqrt()).ln()
                + average_log(1.5_f64.sqrt(), 3.0_f64.sqrt());
            let less = match by_laplace < by_gaussian {
                true => Shape::Laplace,
                false => Shape::Gaussian,
            };
            assert_eq!(priced.shape, less, "{l0} {epsilon}");
            bought.push(less);
        }
    }
    let laplace = bought.iter().filter(|shape| **shape == Shape::Laplace);
    assert!((5..=11).contains(&laplace.count()), "{bought:?}");
}
