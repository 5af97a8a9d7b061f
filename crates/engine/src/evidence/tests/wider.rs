//! What ordinary statements use beyond counts and means of one table: bands of people, quantiles beside each other,
//! deviations, the day; over small random data, against a plain program and the engine itself.

use std::collections::{BTreeMap, BTreeSet};

use disclosure::Verdict;
use proptest::prelude::*;

use super::joined::{Row, data, direct, judged_as_a_whole, released, traced};
use super::{gather_in, hospital, policy};

/// The people of each of `bands` bands of the rows in the order of value, person and the rest, what is missing last.
fn bands(rows: &[Row], bands: usize) -> Vec<BTreeSet<u8>> {
    let last = |value: Option<i32>| value.unwrap_or(i32::MAX);
    let mut rows = rows.to_vec();
    rows.sort_by_key(|(person, g, h, v)| {
        let number = |value: &Option<u8>| value.map_or(u16::MAX, u16::from);
        (last(*v), number(person), number(g), *h)
    });
    let (least, longer) = (rows.len() / bands, rows.len() % bands);
    let mut rest = rows.into_iter();
    let people = |band: usize| {
        let size = least + usize::from(band < longer);
        let rows = rest.by_ref().take(size);
        rows.filter_map(|(person, ..)| person).collect()
    };
    (0..bands).map(people).collect()
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() % 2 {
        0 => f64::midpoint(values[middle - 1], values[middle]),
        _ => values[middle],
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, ..ProptestConfig::default() })]

    /// Each band has the people that a plain program puts there.
    #[test]
    fn bands_of_people_are_counted(data in data(), n in 1..5_usize) {
        let conn = data.load();
        let sql = format!("select band, count(*) as n, count(distinct person) as people from (select *, ntile({n}) over (order by v, person, g, h) as band from a) group by band");
        let (evidence, _) = traced(&conn, &sql)?;
        let expected: Vec<BTreeSet<u8>> = bands(&data.a, n);
        for group in &evidence.groups {
            let band: usize = group.key[0].text().unwrap().parse().unwrap();
            prop_assert_eq!(group.people, expected[band - 1].len() as u64, "{}", &sql);
        }
    }

    /// On both sides of each quantile, and of the deviation from the median, are the people of a plain program.
    #[test]
    fn sides_of_quantiles_and_deviations_are_counted(data in data()) {
        let conn = data.load();
        let sql = "select h, quantile_disc(v, [0.25, 0.75]) as q, mad(v) as mad, count(*) as n from a group by h";
        let (evidence, _) = traced(&conn, sql)?;
        let mut values: BTreeMap<String, Vec<(Option<u8>, f64)>> = BTreeMap::new();
        for (person, _, h, v) in &data.a {
            let known = values.entry(h.to_string()).or_default();
            known.extend(v.map(|v| (*person, f64::from(v))));
        }
        for group in &evidence.groups {
            let of = &values[group.key[0].text().unwrap()];
            if of.is_empty() {
                continue;
            }
            let people = |is: &dyn Fn(f64) -> bool| {
                let inside = of.iter().filter(|(_, value)| is(*value));
                inside.filter_map(|(person, _)| *person).collect::<BTreeSet<u8>>().len() as u64
            };
            let all: Vec<f64> = of.iter().map(|(_, value)| *value).collect();
            let middle = median(all.clone());
            let mad = median(all.iter().map(|value| (value - middle).abs()).collect());
            let mut sorted = all.clone();
            sorted.sort_by(f64::total_cmp);
            let parts = evidence.parts.iter().zip(&group.magnitudes);
            for (part, counted) in parts {
                let expected = match (part.label.as_str(), part.quantile) {
                    ("q", Some(which)) => {
                        // The engine's discrete quantile: the value at the rounded-up share of the rows.
                        let place = (which * sorted.len() as f64).ceil() as usize;
                        let value = sorted[place.max(1) - 1];
                        (people(&|one| one <= value), people(&|one| one >= value))
                    }
                    ("mad", Some(_)) => (
                        people(&|one| (one - middle).abs() <= mad),
                        people(&|one| (one - middle).abs() >= mad),
                    ),
                    other => panic!("{other:?}"),
                };
                prop_assert_eq!((counted.below, counted.above), expected, "{:?} {:?}", part, &all);
            }
        }
    }

    /// Whatever is named like a column, a column is meant in `group by`.
    #[test]
    fn a_column_goes_before_an_output_of_its_name(data in data(), form in 0..3_usize) {
        let conn = data.load();
        let sql = [
            "select v % 2 as v, count(*) as n from a group by v",
            "select g + 10 as g, h as k, count(*) as n from a group by g, k order by g",
            "select coalesce(g, 9) as g, sum(v) as s from a group by g having count(*) > 1",
        ][form];
        traced(&conn, sql)?;
    }

    /// Joins that keep the right side, or some of the left, give the engine's rows.
    #[test]
    fn joins_of_rows_are_the_engines(data in data(), form in 0..8_usize) {
        let conn = data.load();
        let sql = [
            "select b.g, count(*) as n, count(a.v) as m from a right join b using (person) group by b.g",
            "select h, count(*) as n from (select * from a right join b using (person)) group by 1",
            "select count(distinct person) as n, count(a.g) as m from a right join b using (person)",
            "select g, count(*) as n from a semi join b using (person) group by g",
            "select g, count(*) as n from a anti join b on a.person = b.person and b.v > 1 group by g",
            "select g, count(*) as n from a semi join names using (g) group by g",
            "select g, h, sum(v) as s from a natural join names group by all",
            "with one as (select distinct person from b) select g, count(*) as n from a natural semi join one group by g",
        ][form];
        // Of columns of one name the left one is meant in the engine, and the statement goes to a person.
        let found = gather_in(&conn, sql).unwrap();
        if form == 1 && found.groups.is_empty() {
            return Ok(());
        }
        traced(&conn, sql)?;
    }
}

#[test]
fn the_day_is_the_same_in_all_that_runs() {
    let conn = hospital();
    for sql in [
        "select date_diff('year', admitted, current_date) as years, count(*) as n from admissions group by 1",
        "select count(*) as n from admissions where admitted < today() and admitted < current_date - 30",
        "select current_date as day, count(*) as n from admissions",
    ] {
        let (_, report) = judged_as_a_whole(&conn, "person", sql, &policy(1, "safe"));
        assert_eq!(report.verdict, Verdict::Pass, "{sql}: {report:?}");
        assert_eq!(released(&report), direct(&conn, sql), "{sql}");
    }
    // A column of that name is the column.
    conn.execute_batch(
        "create table days as select person, person % 3 as current_date from admissions",
    )
    .unwrap();
    let sql = "select current_date as day, count(*) as n from days group by current_date";
    let (_, report) = judged_as_a_whole(&conn, "person", sql, &policy(1, "safe"));
    assert_eq!(released(&report), direct(&conn, sql));
}

#[test]
fn what_tells_of_few_people_does_not_pass() {
    let conn = hospital();
    for sql in [
        // Four of two hundred make it true, and it is shown that somebody does.
        "select age, bool_or(person < 4) as any, count(*) as n from admissions group by age",
        "select bool_and(person >= 4) as all_of_them, count(*) as n from admissions",
        "select regr_count(cost, ward) filter (where person < 5) as n from admissions",
        "select band, avg(cost) as c from (select *, ntile(100) over (order by cost) as band from admissions) group by band",
        "select mad(cost) as m from admissions where person < 7",
        "select quantile_cont(cost, [0.5, 0.999]) as q from admissions",
        "select count(*) as n from admissions a semi join (select person from outcomes where person < 6) o using (person)",
        "select count(*) as n from admissions a anti join (select person from outcomes where person > 5) o using (person)",
        "select o.change, count(*) as n from (select * from admissions where person < 3) a right join outcomes o using (person, event) where a.race is not null group by 1",
    ] {
        let strict = disclosure::Policy::parse(
            "name = \"t\"\n[threshold]\nminimum = 10\nzero = \"safe\"\n[end_point]\nminimum = 10\n",
        );
        let (evidence, report) = judged_as_a_whole(&conn, "person", sql, &strict.unwrap());
        assert_eq!(
            evidence.class,
            disclosure::Class::Table,
            "{sql}: {evidence:?}"
        );
        assert_ne!(report.verdict, Verdict::Pass, "{sql}: {report:?}");
    }
}
