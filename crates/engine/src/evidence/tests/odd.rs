//! Statements whose people cannot be counted: each must be stopped, with this reason.

use disclosure::{Class, Verdict};

use super::{gather_in, hospital, judged, reason};

#[track_caller]
fn stopped(cases: &[(&str, &str)]) {
    let conn = hospital();
    let mut wrong = Vec::new();
    for (sql, words) in cases {
        let evidence = gather_in(&conn, sql).unwrap_or_else(|e| panic!("{sql}: {e}"));
        match &evidence.class {
            Class::Untraceable { reason } if reason.contains(words) => {}
            class => wrong.push(format!("{sql}: {class:?}")),
        }
        assert!(
            evidence.generated.is_empty() && evidence.groups.is_empty(),
            "{sql} ran"
        );
        assert_eq!(judged(&conn, sql).verdict, Verdict::Review, "{sql}");
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn kinds_of_statements() {
    stopped(&[
        (
            "select count(*) from admissions; select 1",
            "several statements",
        ),
        ("", "no statement"),
        ("select 1", "reads no table"),
        (
            "create table x as select * from admissions",
            "only a select",
        ),
        ("copy admissions to 'x.csv'", "only a select"),
        ("explain select count(*) from admissions", "only a select"),
        ("pivot admissions on race using count(*)", "only a select"),
        (
            "select * from (pivot admissions on race using count(*))",
            "only a select",
        ),
        ("describe admissions", "describe"),
        ("summarize admissions", "describe"),
        ("select count(*) from (describe admissions)", "describe"),
        (
            "select count(*) from (select race, count(*) as n from admissions group by 1 union all select race, count(*) from admissions group by 1)",
            "union",
        ),
        (
            "select race, count(*) as n from admissions group by 1 except select race, count(*) from admissions group by 1",
            "unions of one kind",
        ),
        ("values (1)", "values"),
        (
            "select count(*) from admissions where person = $1",
            "parameters",
        ),
        (
            "select count(*) from admissions where person = ?",
            "parameters",
        ),
        (
            "with recursive r(n) as (select 1 union all select n + 1 from r where n < 5) select count(*) from r",
            "recursion",
        ),
        ("select * from range(3)", "table function"),
        ("select count(*) from read_csv('x.csv')", "table function"),
    ]);
}

#[test]
fn groupings() {
    stopped(&[
        (
            "select race, count(*) as n from admissions group by race limit 10%",
            "per cent",
        ),
        (
            "select race, count(*) as n from admissions group by race order by min(cost)",
            "the order shows a number",
        ),
        (
            "select ward, count(*) as n from admissions group by ward having count(*) filter (where person = 7) >= 0 order by count(*) filter (where person = 7)",
            "the order shows a number",
        ),
        (
            "select race, count(*) as race from admissions group by 1",
            "two columns are called race",
        ),
        (
            "select count(*), count(*) from admissions",
            "two columns are called",
        ),
        (
            "select age, count(*) as n from admissions group by race",
            "neither grouped nor aggregated",
        ),
        ("select *, count(*) from admissions group by all", "*"),
        (
            "select race, count(*) as n from admissions group by 7",
            "no position",
        ),
    ]);
}

#[test]
fn expressions() {
    stopped(&[
        (
            "select string_agg(race, ',') as x from admissions",
            "single rows",
        ),
        ("select any_value(race) as x from admissions", "single rows"),
        (
            "select arg_max(person, cost) as x from admissions",
            "single rows",
        ),
        ("select list(person) as x from admissions", "single rows"),
        (
            "select count(*) from admissions where exists (select 1)",
            "reads no table",
        ),
        (
            "select (select max(o.event) from outcomes o where o.person = a.person) as m, count(*) from admissions a group by all",
            "no column",
        ),
        (
            "select count(*) from admissions where cost > (select cost from admissions where person = 7)",
            "subquery inside",
        ),
        (
            "select count(*) from admissions where ward in (select ward from outcomes o join admissions a using (person))",
            "other people's rows",
        ),
        (
            "select count(*) from admissions a where exists (select 1 from outcomes o where o.event = a.event)",
            "does not equate the person",
        ),
        (
            "select race, count(*) as n from admissions group by grouping sets ((race), (race))",
            "two grouping sets are one",
        ),
        (
            "select max(cost, 3) as m from admissions",
            "lists those of single rows",
        ),
        (
            "select n from (select race, count(*) as n from admissions group by race limit 2)",
            "limit",
        ),
        (
            "select random() as r, count(*) from admissions group by 1",
            "random",
        ),
        (
            "select getenv('HOME') as r, count(*) from admissions group by 1",
            "getenv",
        ),
        (
            "select current_timestamp as r, count(*) from admissions group by 1",
            "no column",
        ),
        (
            "select list_transform([1], x -> x) as r, count(*) from admissions group by 1",
            "list_transform",
        ),
        (
            "select race.x as r, count(*) from admissions group by 1",
            "no column",
        ),
        (
            "select admissions as r, count(*) from admissions group by 1",
            "no column",
        ),
        (
            "select rowid as r, count(*) from admissions group by 1",
            "no column",
        ),
        (
            "select #1 as r, count(*) from admissions group by all",
            "position",
        ),
        (
            "select columns('race'), count(*) from admissions group by all",
            "* stands",
        ),
        (
            "select race collate nocase as r, count(*) from admissions group by 1",
            "collate",
        ),
        ("select sum(distinct cost) as s from admissions", "distinct"),
        (
            "select sum(cost order by cost) as s from admissions",
            "order of its own",
        ),
        (
            "select quantile_cont(cost, cost) as q from admissions",
            "no constant",
        ),
        (
            "select count(*) from admissions where nosuch = 1",
            "no column",
        ),
        (
            "select x.count(*) as n from admissions",
            "schema of its own",
        ),
    ]);
}

#[test]
fn whose_rows() {
    stopped(&[
        (
            "select count(*) from wards",
            "no table in from has the column person",
        ),
        (
            "select n, count(*) from (select race, count(*) as n from admissions group by race) group by n",
            "by one of its numbers",
        ),
        (
            "select count(*) from (select race, count(*) as n from admissions group by race) where n > 100",
            "before they are grouped again",
        ),
        (
            "select count(*) from (select race, count(*) as n from admissions group by race having count(*) > 100)",
            "leaves groups out",
        ),
        (
            "select count(*) from (select race from admissions limit 5)",
            "limit",
        ),
        (
            "select count(*) from (select race from admissions union select race from admissions)",
            "union",
        ),
        (
            "select count(*) from (select row_number() over (order by cost) as n from admissions)",
            "other people's",
        ),
        (
            "select count(*) from (select row_number() over (partition by race) as n from admissions)",
            "other people's",
        ),
        (
            "select count(*) from (select person, lag(cost) over (order by person) as n from admissions)",
            "other people's",
        ),
        (
            "select count(*) from (select * from admissions tablesample 10%)",
            "sample",
        ),
        ("select count(*) from admissions using sample 10%", "sample"),
        (
            "select count(*) from admissions a join outcomes o on a.ward = o.person",
            "different people",
        ),
        (
            "select count(*) from admissions a cross join outcomes o",
            "different people",
        ),
        (
            "select count(*) from admissions a, outcomes o where a.person <> o.person",
            "different people",
        ),
        (
            "select count(*) from (select a.race from admissions a, outcomes o where a.person <> o.person)",
            "does not equate the people",
        ),
        (
            "select count(*) from (select a.race from admissions a join outcomes o on a.event = o.event)",
            "does not equate the people",
        ),
        (
            "select count(*) from admissions a left join outcomes o on a.event = o.event",
            "does not equate the people",
        ),
        (
            "select count(*) from admissions a left join outcomes o on a.event = o.event where a.person = o.person",
            "does not equate the people",
        ),
        (
            "select count(*) from admissions a right join outcomes o on a.event = o.event",
            "does not equate the people",
        ),
        (
            "select count(*) from admissions a full join outcomes o using (person)",
            "join",
        ),
        (
            "select count(*) from admissions a semi join outcomes o using (event)",
            "other people's rows",
        ),
        (
            "select count(*) from admissions a anti join outcomes o on a.event = o.event and a.person < o.person",
            "other people's rows",
        ),
        (
            "select count(*) from wards w semi join admissions a using (ward)",
            "names nobody",
        ),
        (
            "select count(*) from admissions natural join (select person as who, a1cresult from outcomes)",
            "no column in common",
        ),
        (
            "select count(*) from admissions natural left join stays",
            "not unique",
        ),
        (
            "select count(*) from admissions a positional join outcomes o",
            "positional",
        ),
        (
            "select count(*) from admissions a join stays s on s.ward = a.ward",
            "not unique",
        ),
        (
            "select count(*) from admissions a cross join wards w",
            "without equating",
        ),
        (
            "select count(*) from admissions a join wards w on w.ward < a.ward",
            "without equating",
        ),
        (
            "select count(*) from wards w left join admissions a using (ward)",
            "names nobody",
        ),
        (
            "select count(*) from admissions a join (select * from wards) w using (ward)",
            "no table in from",
        ),
        (
            "select count(*) from admissions a join admissions a on a.person = a.person",
            "one name",
        ),
        (
            "select person from admissions join outcomes on admissions.person = outcomes.person",
            "several tables",
        ),
        ("select count(*) from other.admissions", "schema"),
        ("select count(*) from a.main.admissions", "catalog"),
        (
            "select count(*) from admissions at (version => 1)",
            "at_clause",
        ),
    ]);
}

#[test]
fn a_listing_of_people_fails_and_is_not_run() {
    let conn = hospital();
    for sql in [
        "select * from admissions",
        "select race from admissions order by cost limit 5",
        "select a.race, o.readmitted from admissions a join outcomes o on a.person = o.person where a.person = 3",
        "select cost, rank() over (partition by person order by cost) as r from admissions",
    ] {
        let evidence = gather_in(&conn, sql).unwrap();
        assert_eq!(evidence.class, Class::Rows, "{sql}: {evidence:?}");
        let report = judged(&conn, sql);
        assert_eq!(report.verdict, Verdict::Fail, "{sql}");
        assert!(report.outputs[0].rows.is_empty());
    }
}

#[test]
fn a_temporary_table_is_not_the_extract() {
    let conn = hospital();
    conn.execute_batch("create temp table wards as select * from admissions")
        .unwrap();
    let evidence = gather_in(&conn, "select count(*) from wards").unwrap();
    assert_eq!(reason(&evidence), "wards is a temporary table");
}

#[test]
fn windows_over_ties_are_caught_or_agree() {
    // Which of the two stays comes first is open; every reading of it must agree.
    let conn = hospital();
    let sql = "with first as (select * from admissions qualify row_number() over (partition by person order by race) = 1) \
               select encounter_order, count(*) as n, count(*) filter (where cost > 50) as m from first group by 1";
    for _ in 0..5 {
        let evidence = gather_in(&conn, sql).unwrap();
        match &evidence.class {
            Class::Table => {
                let people: u64 = evidence.groups.iter().map(|group| group.people).sum();
                assert_eq!(people, 200);
            }
            Class::Untraceable { reason } => assert!(reason.contains("runs twice"), "{reason}"),
            Class::Rows => panic!("not a listing"),
        }
    }
}
