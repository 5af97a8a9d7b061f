//! Names of columns that stand in later columns, and lists of constants: traced, and with the engine's own answers.

use disclosure::{Class, Datum};

use super::{gather_in, hospital, picture, reason};

/// What the engine answers to the statement as it was written.
fn answer(conn: &duckdb::Connection, sql: &str) -> Vec<Vec<Option<String>>> {
    let mut told = conn
        .prepare(&format!("select columns(*)::varchar from ({sql})"))
        .unwrap();
    let mut rows = told.query([]).unwrap();
    let mut all = Vec::new();
    while let Some(row) = rows.next().unwrap() {
        let width = row.as_ref().column_count();
        all.push((0..width).map(|place| row.get(place).unwrap()).collect());
    }
    all
}

#[track_caller]
fn as_the_engine_answers(statements: &[&str]) {
    let conn = hospital();
    for sql in statements {
        let evidence = gather_in(&conn, sql).unwrap();
        assert_eq!(evidence.class, Class::Table, "{sql}: {:?}", evidence.class);
        let shown = |value: &Datum| value.text().map(str::to_owned);
        let rows: Vec<Vec<Option<String>>> = evidence
            .groups
            .iter()
            .map(|group| group.values.iter().map(shown).collect())
            .collect();
        assert_eq!(rows, answer(&conn, sql), "{sql}");
    }
}

#[test]
fn a_column_may_name_those_before_it() {
    as_the_engine_answers(&[
        "select race, count(*) as n, round(100.0 * n / sum(n) over (), 1) as pct from admissions group by race order by race",
        "select race, count(*) as N, n * 2 as twice, Twice + n as thrice from admissions group by race order by race",
        "select race, avg(case when urgent then 1.0 else 0.0 end) as rate, sqrt(rate * (1 - rate) / count(*)) as se from admissions group by race order by race",
        "select race as r, count(*) as n, rank() over (order by n desc, r) as place from admissions group by r order by place",
        "with a as (select *, ward // 2 * 2 as low, low + 1 as high from admissions) select low, high, count(*) as n from a group by all order by all",
        "with a as (select person as p, p as q, cost from admissions) select count(distinct q) as people, sum(cost) as cost from a",
        "with t as (select person, count(*) as k, sum(cost) as c, c / k as mean, mean * 2 as twice from admissions group by person) select k, count(*) as n, avg(twice) as twice from t group by k order by k",
        "select w, count(*) as n from (select ward + 1 as w, w + w as v from admissions) where v > 4 group by w order by w",
    ]);
}

/// A column of the tables comes before the name of a column of the result.
#[test]
fn a_column_of_the_tables_is_meant_first() {
    as_the_engine_answers(&[
        "with a as (select cost * 0 as ward, ward + 1 as next from admissions) select next, count(*) as n from a group by next order by next",
    ]);
}

#[test]
fn the_people_behind_a_name_are_those_of_what_it_names() {
    let conn = hospital();
    let evidence = gather_in(
        &conn,
        "select count(*) filter (where race = 'A') as a, count(*) as n, a / n as share from admissions",
    )
    .unwrap();
    assert_eq!(picture(&evidence), ["|a=67", "|n=200", "|share=67"]);
}

#[test]
fn names_that_mean_nothing_or_too_much_are_refused() {
    let conn = hospital();
    let doubled: Vec<String> = (1..40)
        .map(|n| format!("a{0} + a{0} as a{n}", n - 1))
        .collect();
    let doubled = doubled.join(", ");
    for (sql, words) in [
        ("select n + 1 as m, count(*) as n from admissions".to_owned(), "n is no column"),
        ("select count(*) as n, sum(n) as m from admissions".to_owned(), "n is no column"),
        (
            "select a.low, count(*) as n from (select ward + 1 as low, ward + 2 as low, low as x from admissions) a group by 1".to_owned(),
            "two columns are called low",
        ),
        (format!("select count(*) as a0, {doubled} from admissions"), "too often"),
        (
            format!("with t as (select ward as a0, {doubled} from admissions) select count(*) as n from t"),
            "too often",
        ),
    ] {
        let evidence = gather_in(&conn, &sql).unwrap();
        assert!(reason(&evidence).contains(words), "{sql}: {}", reason(&evidence));
    }
}

#[test]
fn lists_of_constants_describe_rows() {
    as_the_engine_answers(&[
        "with b(low, high, band) as (values (0, 3, 'a'), (3, 7, 'b'), (7, 100, 'c')) select band, count(*) as n from admissions join b on ward >= low and ward < high group by band order by band",
        "select v.name, count(*) as n, count(distinct person) as people from admissions a join (values ('A', 'first'), ('B', 'second')) as v(code, name) on a.race = v.code group by v.name order by v.name",
        "select col1, count(*) as n from admissions, (values (1, 'x'), (-2, 'y'), (3.5, null)) where col0 = ward group by col1 order by col1",
        "with d(since, term) as (values (date '2020-01-01', 'spring'), (date '2020-07-01', 'autumn')) select term, count(*) as n from admissions join d on admitted >= since group by term order by term",
        "with w(race, weight) as (values ('A', 0.25), ('B', 0.75)) select sum(weight * cost) as cost from admissions join w using (race)",
        "select coalesce(name, 'none') as name, count(*) as n from admissions left join (values ('A', 'first')) as v(race, name) using (race) group by 1 order by 1",
    ]);
    let conn = hospital();
    for (sql, words) in [
        (
            "select count(*) as n from (values (1), (2)) as v(x)",
            "no table in from has the column person",
        ),
        (
            "select count(*) as n from admissions, lateral (values (ward)) as v(x)",
            "a list of values holds more than constants",
        ),
        (
            "select count(*) as n from admissions, lateral (values (ward::int)) as v(x)",
            "a list of values holds more than constants",
        ),
        (
            "select count(*) as n from admissions join (values (date '2020-01-01'), ('2020-02-01')) as v(x) on x = admitted",
            "mixes kinds",
        ),
        (
            "select count(*) as n from admissions join (values (1, 2)) as v(x, y, z) on x = ward",
            "more column names",
        ),
    ] {
        let evidence = gather_in(&conn, sql).unwrap();
        assert!(
            reason(&evidence).contains(words),
            "{sql}: {}",
            reason(&evidence)
        );
    }
}

#[test]
fn a_list_may_be_long_and_has_an_end() {
    let list = |rows: usize| -> String {
        let rows: Vec<String> = (0..rows).map(|n| format!("({n}, 'w{}')", n % 7)).collect();
        let rows = rows.join(", ");
        format!(
            "select name, count(*) as n from admissions join (values {rows}) as v(code, name) on code = ward group by name order by name"
        )
    };
    as_the_engine_answers(&[&list(1), &list(3), &list(7), &list(200)]);
    let evidence = gather_in(&hospital(), &list(201)).unwrap();
    assert!(reason(&evidence).contains("more than 200 rows"));
}

/// A list that says who somebody is picks a person, and the people of its rows are counted all the same.
#[test]
fn a_list_that_names_people_counts_them() {
    let conn = hospital();
    let evidence = gather_in(
        &conn,
        "select x, count(*) as n from admissions join (values (7), (8)) as v(x) on person = x group by x order by x",
    )
    .unwrap();
    assert_eq!(picture(&evidence), ["7|n=1", "8|n=1"]);
}
