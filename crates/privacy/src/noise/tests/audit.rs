//! The claimed epsilon against releases over neighbouring inputs: 20,000 for each mechanism where
//! `STRONGROOM_LONG` is set, 4,000 otherwise. An audit can only contradict a claim; what it would have seen
//! is stated by the broken variants that it must catch.

use super::*;

/// One-sided confidence of each bound.
const Z: f64 = 4.0;

fn releases() -> u32 {
    match std::env::var_os("STRONGROOM_LONG") {
        Some(_) => 20_000,
        None => 4_000,
    }
}

/// Wilson bounds of a share of `n`: one chance in 30,000 to miss.
fn wilson(hits: f64, n: f64) -> (f64, f64) {
    let share = hits / n;
    let middle = (share + Z * Z / (2.0 * n)) / (1.0 + Z * Z / n);
    let half = Z * (share * (1.0 - share) / n + Z * Z / (4.0 * n * n)).sqrt() / (1.0 + Z * Z / n);
    ((middle - half).max(0.0), (middle + half).min(1.0))
}

/// The largest epsilon at this delta that the outputs of two neighbours show, over all events "at least t"
/// and "at most t".
fn shown(one: &[i64], other: &[i64], delta: f64) -> f64 {
    let mut cuts: Vec<i64> = one.iter().chain(other).copied().collect();
    cuts.sort_unstable();
    cuts.dedup();
    let n = one.len() as f64;
    let mut most: f64 = 0.0;
    let share = |of: &[i64], event: &dyn Fn(i64) -> bool| {
        wilson(of.iter().filter(|x| event(**x)).count() as f64, n)
    };
    for cut in cuts.iter().step_by((cuts.len() / 60).max(1)) {
        for event in [&|x: i64| x >= *cut, &|x: i64| x <= *cut] as [&dyn Fn(i64) -> bool; 2] {
            let (a, b) = (share(one, event), share(other, event));
            most = most
                .max(((a.0 - delta) / b.1).ln())
                .max(((b.0 - delta) / a.1).ln());
        }
    }
    most
}

fn epsilon_of(rho: f64, delta: f64) -> f64 {
    let (mut low, mut high) = (0.0, 100.0);
    while high - low > 1e-4 {
        let middle = f64::midpoint(low, high);
        if delta_of(rho, middle) <= delta {
            high = middle;
        } else {
            low = middle;
        }
    }
    high
}

/// Whether the outputs contradict rho at some delta.
fn contradicted(one: &[i64], other: &[i64], rho: f64) -> bool {
    [1e-6, 1e-4, 1e-3, 1e-2, 0.05, 0.1]
        .iter()
        .any(|delta| shown(one, other, *delta) > epsilon_of(rho, *delta))
}

fn outputs(priced: &Priced, cells: Vec<i64>) -> Vec<i64> {
    priced
        .draw(&[cells], releases())
        .unwrap()
        .into_iter()
        .map(|draw| draw[0].iter().sum())
        .collect()
}

#[test]
fn gaussian_counts_keep_what_they_claim_and_a_doubled_sensitivity_is_seen() {
    let priced = count(0.5);
    let zero = outputs(&priced, vec![0]);
    assert!(!contradicted(&zero, &outputs(&priced, vec![1]), 0.5));
    // What a person could do if the declared bound were missed by so much.
    assert!(
        contradicted(&zero, &outputs(&priced, vec![2]), 0.5),
        "doubled sensitivity"
    );
    assert!(
        contradicted(&zero, &outputs(&priced, vec![3]), 0.5),
        "tripled sensitivity"
    );
}

#[test]
fn laplace_counts_keep_what_they_claim_and_a_doubled_sensitivity_is_seen() {
    let text = r#"{"table": "t", "statistics": ["count"], "linf": 1, "epsilon": 1}"#;
    let priced = priced(text);
    let zero = outputs(&priced, vec![0]);
    let seen = |cells| shown(&zero, &outputs(&priced, cells), 0.0);
    // Without any delta, and as the rho that the ledger books.
    let honest = outputs(&priced, vec![1]);
    assert!(shown(&zero, &honest, 0.0) <= 1.0);
    assert!(!contradicted(&zero, &honest, 0.5));
    assert!(seen(vec![1]) > 0.6, "the audit sees most of the claim");
    assert!(seen(vec![2]) > 1.0, "doubled sensitivity");
}

#[test]
fn gaussian_tables_keep_what_they_claim_and_a_missing_bound_on_groups_is_seen() {
    let priced = priced(
        r#"{"table": "t", "group_by": [{"column": "g", "values": [1, 2, 3, 4, 5, 6, 7, 8]}], "l0": 2, "linf": 1, "rho": 0.5, "statistics": ["count"]}"#,
    );
    let none = outputs(&priced, vec![0; 8]);
    // The sum over the groups that change tells most.
    let told = |changed: usize| {
        let cells: Vec<i64> = (0..8).map(|at| i64::from(at < changed)).collect();
        let sum = |cells: Vec<i64>| -> Vec<i64> {
            let draws = priced.draw(&[cells], releases()).unwrap();
            let of = |d: &Vec<Vec<i64>>| d[0][..changed].iter().sum();
            draws.iter().map(of).collect()
        };
        contradicted(&sum(vec![0; 8]), &sum(cells), 0.5)
    };
    assert!(!contradicted(
        &none,
        &outputs(&priced, vec![1, 1, 0, 0, 0, 0, 0, 0]),
        0.5
    ));
    assert!(!told(2));
    assert!(told(8), "a person in eight groups where two were declared");
}

#[test]
fn choices_keep_what_they_claim_and_a_person_counted_four_times_is_seen() {
    let priced = priced(
        r#"{"table": "t", "linf": 1, "rho": 0.5, "statistics": [{"statistic": "median", "column": "a", "candidates": [0, 1]}]}"#,
    );
    // Places: below 0, at 0, between, at 1, above.
    let even = outputs(&priced, vec![0, 5, 0, 5, 0]);
    assert!(!contradicted(
        &even,
        &outputs(&priced, vec![0, 6, 0, 5, 0]),
        0.5
    ));
    assert!(!contradicted(
        &even,
        &outputs(&priced, vec![0, 5, 0, 6, 0]),
        0.5
    ));
    assert!(contradicted(
        &even,
        &outputs(&priced, vec![0, 9, 0, 5, 0]),
        0.5
    ));
}

#[test]
fn a_key_of_one_person_passes_no_more_often_than_its_delta_says() {
    let mut limits = roomy();
    limits.atto_delta_max = u64::MAX;
    let text = r#"{"table": "t", "group_by": ["g"], "l0": 1, "linf": 1, "rho": 0.5, "delta": 0.02, "statistics": ["people"]}"#;
    let priced = price(Request::parse(text, &limits).unwrap(), &limits).unwrap();
    let keys = priced.keys.clone().unwrap();
    let n = releases();
    let passed = (0..n)
        .filter(|_| !priced.find(&[1]).unwrap().is_empty())
        .count();
    let (low, _) = wilson(passed as f64, f64::from(n));
    assert!(low <= 0.02, "{passed} of {n}");
    // The library's own map at the same threshold claims too little: the reason for the correction. At
    // small noise the difference is large.
    let (scale, limit) = (1.0, 3);
    let claimed = threshold(scale, limit).unwrap().map(&(1, 1, 1)).unwrap().1;
    let corrected = threshold(scale, limit - 1)
        .unwrap()
        .map(&(1, 1, 1))
        .unwrap()
        .1;
    let one = HashMap::from([("k".to_owned(), 1_i64)]);
    let measurement = threshold(scale, limit).unwrap();
    let hits = (0..n)
        .filter(|_| !measurement.invoke(&one).unwrap().is_empty())
        .count();
    let (low, high) = wilson(hits as f64, f64::from(n));
    assert!(
        low > claimed,
        "the fault is gone: look at the correction again ({low} {claimed})"
    );
    assert!(high > 0.0 && low <= corrected, "{low} {corrected}");
    assert!(keys.threshold > 1);
}

#[test]
#[allow(
    clippy::print_stdout,
    reason = "the smallest violation that is seen is for people to read"
)]
fn the_smallest_violation_that_is_seen_is_stated() {
    // Noise too small by a factor: what 20,000 releases show at rho 0.5. Run with --nocapture to read it.
    let claimed = 0.5;
    let honest = count(claimed);
    let mut seen = Vec::new();
    for factor in [1.0, 1.25, 1.5, 2.0] {
        // Twice the scale's factor squared in rho: priced at what it really is, judged at what is claimed.
        let broken = count(claimed * factor * factor);
        let scale = broken.components[0].scale;
        assert!((honest.components[0].scale / scale - factor).abs() < 1e-6);
        let (one, other) = (outputs(&broken, vec![0]), outputs(&broken, vec![1]));
        if contradicted(&one, &other, claimed) {
            seen.push(factor);
        }
    }
    println!(
        "noise too small by these factors is seen: {seen:?} with {} releases",
        releases()
    );
    assert!(!seen.contains(&1.0));
    assert!(seen.contains(&2.0));
}
