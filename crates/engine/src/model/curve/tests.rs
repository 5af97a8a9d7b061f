use std::collections::BTreeMap;

use disclosure::ZeroRule;
use disclosure::survival::Estimator;
use proptest::prelude::*;

use super::*;

fn table(sql: &str) -> duckdb::Connection {
    let conn = duckdb::Connection::open_in_memory().unwrap();
    conn.execute_batch(sql).unwrap();
    conn
}

fn spec(time: &str, event: &str, strata: &[&str], every: Option<f64>) -> Spec {
    Spec {
        family: Estimator::KaplanMeier,
        table: "t".into(),
        time: time.into(),
        event: event.into(),
        strata: strata.iter().map(|name| (*name).to_owned()).collect(),
        every,
    }
}

fn rules(people: u64) -> Rules {
    Rules {
        people,
        end: 1,
        all: ZeroRule::Safe,
        bands: 100,
        strata: 4,
    }
}

#[test]
fn what_cannot_be_drawn_is_refused_in_one_sentence() {
    let conn = table(
        "create table t as select i as p, i // 2 as twice, i as days, i % 2 = 0 as died, i % 3 as odd, i - 5 as early,
         'x' || i % 2 as sex, 'x' || i as many, null::integer as none, i * 1000.0 as long, date '2020-01-01' as day
         from range(40) r(i)",
    );
    for (unit, curve, says) in [
        (
            "p",
            spec("nothing", "died", &[], None),
            "no column named nothing",
        ),
        (
            "p",
            spec("days", "nothing", &[], None),
            "no column named nothing",
        ),
        (
            "p",
            spec("days", "died", &["nothing"], None),
            "no column named nothing",
        ),
        (
            "nothing",
            spec("days", "died", &[], None),
            "no column named nothing",
        ),
        ("p", spec("sex", "died", &[], None), "sex is no number"),
        ("p", spec("day", "died", &[], None), "day is no number"),
        (
            "p",
            spec("days", "sex", &[], None),
            "neither true or false nor 0 or 1",
        ),
        (
            "p",
            spec("days", "odd", &[], None),
            "0 and 1, or false and true",
        ),
        ("p", spec("early", "died", &[], None), "below nought"),
        (
            "p",
            spec("none", "died", &[], None),
            "nobody has a value everywhere",
        ),
        ("p", spec("p", "died", &[], None), "tells people apart"),
        (
            "p",
            spec("days", "died", &["p"], None),
            "tells people apart",
        ),
        ("p", spec("days", "died", &["many"], None), "curve_strata"),
        ("p", spec("long", "died", &[], Some(1.0)), "curve_bands"),
        ("p", spec("days", "died", &["days"], None), "named twice"),
        ("twice", spec("days", "died", &[], None), "one row a person"),
    ] {
        let why = draw_raw(&conn, unit, &curve, &rules(3))
            .unwrap_err()
            .to_string();
        assert!(why.contains(says), "{curve:?}: {why}");
        assert!(!why.contains("x1") && !why.contains('\n'), "{why}");
    }
    let mut other = spec("days", "died", &[], None);
    other.table = "u".into();
    let why = draw_raw(&conn, "p", &other, &rules(3))
        .unwrap_err()
        .to_string();
    assert!(why.contains("no table named u"), "{why}");
}

/// A tenth and its multiples as doubles: each time is in the band that ends with it.
#[test]
fn a_time_at_the_end_of_a_band_is_in_it() {
    let conn = table(
        "create table t as select i as p, i / 10.0 as years, true as died from range(80) r(i)",
    );
    let drawn = draw_raw(
        &conn,
        "p",
        &spec("years", "died", &[], Some(0.1)),
        &rules(1),
    )
    .unwrap();
    let bands = &drawn.curve.strata[0].bands;
    let numbers: Vec<u64> = bands.iter().map(|band| band.number).collect();
    assert_eq!(numbers, (0..80).collect::<Vec<u64>>());
    assert!(bands.iter().all(|band| band.events == 1));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Bands and tables against a count by hand of who leaves when.
    #[test]
    fn who_leaves_when_is_counted_as_by_hand(
        people in prop::collection::vec((0_u64..300, any::<bool>(), 0_u8..3, 0_u8..10), 1..90),
        least in 1_u64..6,
    ) {
        let conn = table("create table t (p integer, days integer, died integer, sex varchar)");
        let mut wanted: BTreeMap<String, BTreeMap<u64, (u64, u64)>> = BTreeMap::new();
        for (n, (days, died, sex, gone)) in people.iter().enumerate() {
            // A missing value somewhere takes the whole row away.
            let (sex, event) = (format!("it's {sex}"), u64::from(*died));
            let texts = [n.to_string(), days.to_string(), event.to_string(), format!("'{}'", sex.replace('\'', "''"))];
            let values: Vec<&str> = texts.iter().enumerate()
                .map(|(at, text)| if at == usize::from(*gone) { "null" } else { text.as_str() }).collect();
            conn.execute_batch(&format!("insert into t values ({})", values.join(", "))).unwrap();
            if *gone > 3 {
                let band = wanted.entry(sex).or_default().entry(days.div_ceil(30)).or_default();
                band.0 += event;
                band.1 += 1 - event;
            }
        }
        prop_assume!(!wanted.is_empty());
        let rules = rules(least);
        let drawn = draw_raw(&conn, "p", &spec("days", "died", &["sex"], Some(30.0)), &rules).unwrap();
        let found: BTreeMap<String, BTreeMap<u64, (u64, u64)>> = drawn.curve.strata.iter().map(|stratum| {
            let bands = stratum.bands.iter().map(|band| (band.number, (band.events, band.censored)));
            (stratum.values[0].clone(), bands.collect())
        }).collect();
        prop_assert_eq!(&found, &wanted);
        // The tables give the people of the steps.
        let floor = Floor { conn: &conn };
        let mut tables = drawn.tables.iter();
        for stratum in &drawn.curve.strata {
            let steps = steps(stratum, &rules);
            let Some((last, others)) = steps.split_last() else { continue };
            let mut rows = || -> Vec<Vec<u64>> {
                let sql = format!("select columns(*)::varchar from ({})", tables.next().unwrap());
                let rows = floor.texts(&sql).unwrap();
                rows.into_iter().map(|row| row.into_iter().flatten().map(|n| n.parse().unwrap()).collect()).collect()
            };
            prop_assert_eq!(rows(), vec![vec![steps[0].at_risk]]);
            if !others.is_empty() {
                let leaving: Vec<Vec<u64>> = (1..).zip(others).map(|(n, s)| vec![n, s.events + s.censored]).collect();
                prop_assert_eq!(rows(), leaving);
            }
            let had: Vec<Vec<u64>> = (1..).zip(&steps).map(|(n, s)| vec![n, s.events]).collect();
            prop_assert_eq!(rows(), had);
            prop_assert!(last.censored == last.at_risk - last.events);
        }
        prop_assert!(tables.next().is_none());
    }
}
