use duckdb::Connection as Raw;
use proptest::prelude::*;

use super::*;

fn table(sql: &str) -> Raw {
    let conn = Raw::open_in_memory().unwrap();
    conn.execute_batch(sql).unwrap();
    conn
}

fn spec(family: Family, outcome: &str, terms: &[&str]) -> Spec {
    Spec {
        family,
        table: "t".into(),
        outcome: outcome.into(),
        terms: terms.iter().map(|term| (*term).to_owned()).collect(),
        categorical: Vec::new(),
    }
}

fn close(found: f64, wanted: f64, within: f64) {
    let apart = (found - wanted).abs();
    assert!(
        apart <= within * wanted.abs().max(1.0),
        "{found} is not {wanted}"
    );
}

/// The data of Longley (1967) with the values that the NIST certifies (Statistical Reference Datasets, linear
/// regression, "Longley", of higher difficulty: its columns nearly follow from each other).
#[test]
fn longleys_regression_gives_the_certified_values() {
    let rows = [
        [60323.0, 83.0, 234_289.0, 2356.0, 1590.0, 107_608.0, 1947.0],
        [61122.0, 88.5, 259_426.0, 2325.0, 1456.0, 108_632.0, 1948.0],
        [60171.0, 88.2, 258_054.0, 3682.0, 1616.0, 109_773.0, 1949.0],
        [61187.0, 89.5, 284_599.0, 3351.0, 1650.0, 110_929.0, 1950.0],
        [63221.0, 96.2, 328_975.0, 2099.0, 3099.0, 112_075.0, 1951.0],
        [63639.0, 98.1, 346_999.0, 1932.0, 3594.0, 113_270.0, 1952.0],
        [64989.0, 99.0, 365_385.0, 1870.0, 3547.0, 115_094.0, 1953.0],
        [63761.0, 100.0, 363_112.0, 3578.0, 3350.0, 116_219.0, 1954.0],
        [66019.0, 101.2, 397_469.0, 2904.0, 3048.0, 117_388.0, 1955.0],
        [67857.0, 104.6, 419_180.0, 2822.0, 2857.0, 118_734.0, 1956.0],
        [68169.0, 108.4, 442_769.0, 2936.0, 2798.0, 120_445.0, 1957.0],
        [66513.0, 110.8, 444_546.0, 4681.0, 2637.0, 121_950.0, 1958.0],
        [68655.0, 112.6, 482_704.0, 3813.0, 2552.0, 123_366.0, 1959.0],
        [69564.0, 114.2, 502_601.0, 3931.0, 2514.0, 125_368.0, 1960.0],
        [69331.0, 115.7, 518_173.0, 4806.0, 2572.0, 127_852.0, 1961.0],
        [70551.0, 116.9, 554_894.0, 4007.0, 2827.0, 130_081.0, 1962.0],
    ];
    let certified = [
        (-3_482_258.634_595_82, 890_420.383_607_373),
        (15.061_872_271_373_3, 84.914_925_774_766_9),
        (-0.035_819_179_292_591, 0.033_491_007_772_243_2),
        (-2.020_229_803_816_83, 0.488_399_681_651_699),
        (-1.033_226_867_173_59, 0.214_274_163_161_675),
        (-0.051_104_105_653_580_7, 0.226_073_200_069_37),
        (1_829.151_464_613_55, 455.478_499_142_212),
    ];
    let conn = table(
        "create table t (p integer, y double, a double, b double, c double, d double, e double, f double)",
    );
    for (n, row) in rows.iter().enumerate() {
        let values: Vec<String> = row.iter().map(ToString::to_string).collect();
        conn.execute_batch(&format!(
            "insert into t values ({n}, {})",
            values.join(", ")
        ))
        .unwrap();
    }
    let model = spec(Family::Linear, "y", &["a", "b", "c", "d", "e", "f"]);
    let found = fit_raw(&conn, "p", &model, 40).unwrap().design;
    for (one, (estimate, error)) in found.coefficients.iter().zip(certified) {
        close(one.estimate / estimate, 1.0, 1e-7);
        close(one.error / error, 1.0, 1e-7);
    }
    close(found.left.unwrap(), 1.0 - 0.995_479_004_577_296, 1e-9);
    assert_eq!((found.people, found.rows), (16, 16));
    assert!(found.continuous);
}

/// Of a table of two by two the coefficient is the logarithm of the odds ratio, and its error is Woolf's (1955).
#[test]
fn a_logistic_model_of_one_group_is_its_table() {
    let cells = [(false, 0, 30), (false, 1, 12), (true, 0, 21), (true, 1, 40)];
    let conn = table("create table t (p integer, died integer, exposed boolean)");
    let mut p = 0;
    for (exposed, died, people) in cells {
        for _ in 0..people {
            p += 1;
            conn.execute_batch(&format!("insert into t values ({p}, {died}, {exposed})"))
                .unwrap();
        }
    }
    let fitted = fit_raw(
        &conn,
        "p",
        &spec(Family::Logistic, "died", &["exposed"]),
        40,
    )
    .unwrap();
    let [intercept, exposed] = fitted.design.coefficients.as_slice() else {
        panic!("{:?}", fitted.design);
    };
    assert_eq!(exposed.term, "exposed=true");
    close(intercept.estimate, (12.0_f64 / 30.0).ln(), 1e-8);
    close(
        exposed.estimate,
        (40.0 * 30.0 / (21.0 * 12.0_f64)).ln(),
        1e-8,
    );
    close(intercept.error, (1.0 / 12.0 + 1.0 / 30.0_f64).sqrt(), 1e-7);
    let woolf = 1.0 / 12.0 + 1.0 / 30.0 + 1.0 / 21.0 + 1.0 / 40.0_f64;
    close(exposed.error, woolf.sqrt(), 1e-7);
    assert!(!fitted.design.continuous);
    // A row of a group of 42 has a 42nd of its group's fitted value.
    close(fitted.design.leverage, 1.0 / 42.0, 1e-7);
    assert_eq!(
        fitted.tables,
        [
            "select count(*) as n from \"t\" where \"p\" is not null and \"died\" is not null and isfinite(cast(\"died\" as double)) and \"exposed\" is not null",
            "select \"died\" as outcome, count(*) as n from \"t\" where \"p\" is not null and \"died\" is not null and isfinite(cast(\"died\" as double)) and \"exposed\" is not null group by 1",
            "select \"exposed\", \"died\", count(*) as n from \"t\" where \"p\" is not null and \"died\" is not null and isfinite(cast(\"died\" as double)) and \"exposed\" is not null group by \"exposed\", \"died\"",
        ]
    );
}

/// Of a model of groups alone the tables are the outcome's means by group.
#[test]
fn the_tables_behind_a_model_of_groups_are_its_means() {
    let conn = table(
        "create table t as select i as p, i % 7 + (i % 3) * 0.5 as y, ['a', 'b', 'c'][i % 3 + 1] as g,
         i % 2 as h, case when i % 11 = 0 then null else 2 end as z from range(200) r(i)",
    );
    let mut model = spec(Family::Linear, "y", &["g", "h", "g:h"]);
    model.categorical = vec!["H".into()];
    let fitted = fit_raw(&conn, "p", &model, 40).unwrap();
    let terms: Vec<&str> = fitted
        .design
        .coefficients
        .iter()
        .map(|c| c.term.as_str())
        .collect();
    assert_eq!(
        terms,
        ["(intercept)", "g=b", "g=c", "h=1", "g=b:h=1", "g=c:h=1"]
    );
    assert_eq!(fitted.tables.len(), 4);
    assert!(fitted.tables[3].contains("avg(\"y\")"));
    // With a number among the terms the groups alone are behind it.
    let with_number = fit_raw(&conn, "p", &spec(Family::Linear, "y", &["g", "h"]), 40).unwrap();
    assert!(with_number.design.continuous);
    assert!(with_number.tables.iter().all(|sql| !sql.contains("avg")));
}

#[test]
fn what_cannot_be_fitted_is_refused_in_one_sentence() {
    let conn = table(
        "create table t as select i as p, i % 7 as y, i as a, 2 * i as b, 5 as one, 'x' || i as many,
         i > 50 as late, i % 2 as h, case when i % 2 = 0 then 3 else 1 end as odd,
         'xs' || i % 2 as same, 'xt' || i % 2 as twin from range(100) r(i)",
    );
    for (family, outcome, terms, says) in [
        (
            Family::Linear,
            "y",
            ["a", "nothing"],
            "no column named nothing",
        ),
        (
            Family::Linear,
            "nothing",
            ["a", "h"],
            "no column named nothing",
        ),
        (Family::Linear, "many", ["a", "h"], "is no number"),
        (
            Family::Linear,
            "y",
            ["a", "b"],
            "b follows from the terms before it",
        ),
        (Family::Linear, "y", ["a", "one"], "of one has one value"),
        (
            Family::Linear,
            "y",
            ["same", "same:twin"],
            "same:twin follows from the terms before it",
        ),
        (
            Family::Linear,
            "y",
            ["a", "many"],
            "more groups than the limit parameters",
        ),
        (Family::Linear, "y", ["a", "p"], "tells people apart"),
        (
            Family::Linear,
            "one",
            ["a", "h"],
            "the outcome has one value",
        ),
        (Family::Logistic, "y", ["a", "h"], "0 and 1"),
        (Family::Logistic, "odd", ["a", "y"], "0 and 1"),
        (Family::Logistic, "many", ["a", "h"], "true or false"),
        (
            Family::Logistic,
            "late",
            ["a", "h"],
            "tell the outcome of everybody",
        ),
    ] {
        let why = fit_raw(&conn, "p", &spec(family, outcome, &terms), 10).unwrap_err();
        let why = why.to_string();
        assert!(why.contains(says), "{outcome} {terms:?}: {why}");
        // No value of a row, of which all texts begin with an x.
        assert!(
            !["x1", "xs", "xt", "\n"]
                .iter()
                .any(|part| why.contains(part)),
            "{why}"
        );
    }
    let mut other = spec(Family::Linear, "y", &["a"]);
    other.table = "u".into();
    let why = fit_raw(&conn, "p", &other, 10).unwrap_err().to_string();
    assert!(why.contains("no table named u"), "{why}");
}

/// The hat matrix in full, by Gauss and Jordan, as the textbook has it.
fn leverages(x: &[Vec<f64>], weights: &[f64]) -> Vec<f64> {
    let size = x[0].len();
    let mut both: Vec<Vec<f64>> = (0..size)
        .map(|a| {
            let gram = (0..size).map(|b| x.iter().zip(weights).map(|(r, w)| w * r[a] * r[b]).sum());
            gram.chain((0..size).map(|b| f64::from(u8::from(a == b))))
                .collect()
        })
        .collect();
    for at in 0..size {
        let best = (at..size)
            .max_by(|a, b| both[*a][at].abs().total_cmp(&both[*b][at].abs()))
            .unwrap();
        both.swap(at, best);
        let pivot = both[at][at];
        both[at].iter_mut().for_each(|v| *v /= pivot);
        for other in (0..size).filter(|other| *other != at) {
            let by = both[other][at];
            let line = both[at].clone();
            both[other]
                .iter_mut()
                .zip(&line)
                .for_each(|(v, l)| *v -= by * l);
        }
    }
    x.iter()
        .zip(weights)
        .map(|(row, w)| {
            let pairs = (0..size).flat_map(|a| (0..size).map(move |b| (a, b)));
            w * pairs
                .map(|(a, b)| row[a] * both[a][size + b] * row[b])
                .sum::<f64>()
        })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Against the whole hat matrix, and the normal and score equations, over people with several rows.
    #[test]
    fn fit_and_leverage_are_those_of_the_textbook(
        rows in prop::collection::vec((0_u32..12, -50.0_f64..50.0, 0_u8..3, 0.0_f64..1.0), 25..60),
        logistic in any::<bool>(),
    ) {
        let conn = table("create table t (p integer, y double, x double, g integer)");
        let mut data = Vec::new();
        for (n, (person, x, group, dice)) in rows.iter().enumerate() {
            // Every group comes; no outcome follows from a term.
            let group = if n < 3 { n as u8 } else { *group };
            let chance = 1.0 / (1.0 + (-(x / 60.0)).exp());
            let y = match logistic {
                true => f64::from(u8::from(*dice < chance * 0.6 + 0.2)),
                false => x * 0.3 + f64::from(group) + dice * 10.0,
            };
            conn.execute_batch(&format!("insert into t values ({person}, {y:e}, {x:e}, {group})")).unwrap();
            data.push((*person, y, vec![1.0, *x, f64::from(u8::from(group == 1)), f64::from(u8::from(group == 2))]));
        }
        let family = if logistic { Family::Logistic } else { Family::Linear };
        let mut model = spec(family, "y", &["x", "g"]);
        model.categorical = vec!["g".into()];
        let Ok(found) = fit_raw(&conn, "p", &model, 40) else {
            // Chance separated a group, or gave one outcome.
            prop_assume!(false);
            unreachable!();
        };
        let beta: Vec<f64> = found.design.coefficients.iter().map(|c| c.estimate).collect();
        let x: Vec<Vec<f64>> = data.iter().map(|(_, _, x)| x.clone()).collect();
        let fitted: Vec<f64> = x.iter().map(|row| {
            let sum: f64 = row.iter().zip(&beta).map(|(a, b)| a * b).sum();
            if logistic { 1.0 / (1.0 + (-sum).exp()) } else { sum }
        }).collect();
        for at in 0..4 {
            let score: f64 = data.iter().zip(&fitted).map(|((_, y, x), f)| (y - f) * x[at]).sum();
            prop_assert!(score.abs() < 1e-5, "{at}: {score}");
        }
        let weights: Vec<f64> = fitted.iter().map(|f| if logistic { f * (1.0 - f) } else { 1.0 }).collect();
        let mut of_person = std::collections::BTreeMap::<u32, f64>::new();
        for ((person, _, _), h) in data.iter().zip(leverages(&x, &weights)) {
            *of_person.entry(*person).or_default() += h;
        }
        let most = of_person.values().copied().fold(0.0, f64::max);
        prop_assert!((found.design.leverage - most).abs() < 1e-6, "{} {most}", found.design.leverage);
        let people = of_person.len() as u64;
        prop_assert_eq!(found.design.people, people);
    }
}
