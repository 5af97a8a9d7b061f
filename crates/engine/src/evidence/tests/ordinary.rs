//! Statements that researchers write: each must be traced, with these people.

use disclosure::{Class, Verdict};

use super::{gather_in, hospital, judged, picture};

#[track_caller]
pub(super) fn traced(cases: &[(&str, &[&str])]) {
    let conn = hospital();
    let mut wrong = Vec::new();
    for (sql, expected) in cases {
        let evidence = gather_in(&conn, sql).unwrap();
        let found = picture(&evidence);
        if evidence.class != Class::Table || found != *expected {
            wrong.push(format!("{sql}: {found:?} {:?}", evidence.class));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn one_table() {
    // Rows are twice the people.
    traced(&[
        ("select count(*) as n from admissions", &["|n=200"]),
        (
            "select count(*) as n from admissions where person < 7",
            &["|n=7"],
        ),
        (
            "select count(*) as n from admissions where false",
            &["|n=0"],
        ),
        (
            "select race, count(*) as n from admissions group by race order by race",
            &["A|n=67", "B|n=67", "-|n=66"],
        ),
        (
            "select race, count(*) as n from admissions group by 1 order by 1 nulls first",
            &["-|n=66", "A|n=67", "B|n=67"],
        ),
        (
            "SELECT RACE, COUNT(*) AS n FROM ADMISSIONS GROUP BY ALL ORDER BY ALL",
            &["A|n=67", "B|n=67", "-|n=66"],
        ),
        (
            "from admissions select urgent, count() as n group by urgent order by urgent",
            &["false|n=100", "true|n=100"],
        ),
        (
            "select coalesce(race, 'unknown') as r, count(person) as n from admissions group by r order by r",
            &["A|n=67", "B|n=67", "unknown|n=66"],
        ),
        ("select count(race) as n from admissions", &["|n=134"]),
        (
            "select count(distinct person) as n from admissions where race = 'A'",
            &["|n=67"],
        ),
        (
            "select count(distinct ward) as n from admissions where ward < 2",
            &["|n=40"],
        ),
        (
            "select sum(case when race = 'A' then 1 else 0 end) as a from admissions",
            &["|a=67"],
        ),
        (
            "select countif(race = 'A') as a, count_if(race is null) as b from admissions",
            &["|a=67", "|b=66"],
        ),
        (
            "select sum((race = 'A')::int) as a from admissions",
            &["|a=67"],
        ),
        (
            "select avg(case when race = 'A' then 1.0 else 0.0 end) as share from admissions where person < 10",
            &["|share=4"],
        ),
        (
            "select count(distinct case when race = 'A' then person end) as a from admissions",
            &["|a=67"],
        ),
        (
            "select sum(cost) as c, avg(cost) filter (where urgent) as d from admissions",
            &["|c=200", "|d=100"],
        ),
        (
            "select count(*) as n from admissions where age between '[0)' and '[10)' and race is not null and not urgent",
            &["|n=33"],
        ),
        (
            "select year(admitted) as y, count(*) as n from admissions group by 1",
            &["2020|n=200"],
        ),
        (
            "select count(*) as n from admissions where admitted >= date '2020-02-01' and lower(age) like '[1%'",
            &["|n=20"],
        ),
        (
            "select ward, count(*) as n from admissions group by ward having count(*) >= 10 order by n desc, ward limit 2",
            &[
                "0|n=20", "1|n=20", "2|n=20", "3|n=20", "4|n=20", "5|n=20", "6|n=20", "7|n=20",
                "8|n=20", "9|n=20",
            ],
        ),
        (
            "select 'all' as label, count(*) as n from admissions",
            &["|n=200"],
        ),
        (
            "select race, urgent, round(100.0 * count(*) filter (where cost > 50) / count(*), 1) as pct from admissions where race is not null group by race, urgent order by 1, 2",
            &[
                "A,false|pct=17",
                "A,true|pct=16",
                "B,false|pct=17",
                "B,true|pct=16",
            ],
        ),
    ]);
}

#[test]
fn joins_and_subqueries() {
    traced(&[
        (
            "select a1cresult as r, count(*) as n from admissions a join outcomes o on a.person = o.person and a.event = o.event group by 1 order by 1",
            &[">7|n=50", ">8|n=50", "None|n=50", "Norm|n=50"],
        ),
        (
            "select count(*) as n from admissions join outcomes using (person, event) where readmitted = '<30'",
            &["|n=40"],
        ),
        (
            "select count(*) as n from admissions a, outcomes o where a.person = o.person and a.event = o.event",
            &["|n=200"],
        ),
        (
            "select count(*) as n, count(o.readmitted) as r from admissions a left join outcomes o on a.person = o.person and a.event = o.event and o.readmitted = '<30'",
            &["|n=200", "|r=40"],
        ),
        // The event belongs to one person: the data say so.
        (
            "select count(*) as n from admissions a join outcomes o on a.event = o.event",
            &["|n=200"],
        ),
        (
            "select w.site, count(*) as n from admissions a join wards w on w.ward = a.ward group by w.site order by 1",
            &["ward 0|n=100", "ward 1|n=100"],
        ),
        (
            "select w.site, count(*) as n from wards w join admissions a using (ward) group by w.site order by 1",
            &["ward 0|n=100", "ward 1|n=100"],
        ),
        (
            "select s.r, count(*) as n from (select race as r, ward from admissions where urgent) s where s.ward < 5 group by s.r order by 1",
            &["A|n=20", "B|n=20", "-|n=20"],
        ),
        (
            "with a as (select * from admissions), b as (select * exclude (cost) from a where urgent) select count(*) as n from b join a on a.person = b.person and a.event = b.event",
            &["|n=100"],
        ),
        (
            "with x(p, r) as (select person, race from admissions) select r, count(distinct p) as n from x group by r order by r",
            &["A|n=67", "B|n=67", "-|n=66"],
        ),
        (
            "select count(*) as n from (select *, row_number() over (partition by person order by event desc) as k from admissions) t where k = 1 and cost > 90",
            &["|n=18"],
        ),
        (
            "select many, count(*) as n from (select count(*) over (partition by person) > 1 as many from admissions) t group by many",
            &["true|n=200"],
        ),
        // A with query may have a table's name; inside it the table is meant.
        (
            "with admissions as (select * from admissions where urgent) select count(*) as n from admissions",
            &["|n=100"],
        ),
        (
            "with admissions as (select * from admissions where urgent) select count(*) as n from main.admissions",
            &["|n=200"],
        ),
    ]);
}

#[test]
fn names_that_lie() {
    traced(&[
        (
            "select count(race) as people, 1 as person from admissions",
            &["|people=134"],
        ),
        (
            "select n, count(distinct person) as people from (select race as person, ward as n from admissions) where n = 1 group by n",
            &["1|people=13"],
        ),
        (
            "select count(*) as \"count(*) from x; --\" from admissions",
            &["|count(*) from x; --=200"],
        ),
        (
            "select race as \"select\", count(*) as \"group\" from admissions group by \"select\" order by \"group\", 1",
            &["-|group=66", "A|group=67", "B|group=67"],
        ),
        (
            "select count(*) as \"Ünï \"\"x\"\"\" from admissions",
            &["|Ünï \"x\"=200"],
        ),
    ]);
}

#[test]
fn strange_numbers() {
    // A division by zero and NaN are groups like others.
    traced(&[
        (
            "select case when cost > 90 then 'nan'::double else cost / 0 end as x, count(*) as n from admissions group by 1 order by n",
            &["nan|n=20", "inf|n=180"],
        ),
        (
            "select sum(cost / 0) as s, count(*) as n from admissions",
            &["|s=200", "|n=200"],
        ),
    ]);
}

#[test]
fn verdicts_follow_the_people() {
    let conn = hospital();
    let verdict = |sql: &str| judged(&conn, sql).verdict;
    assert_eq!(
        verdict("select race, count(*) as n from admissions group by 1"),
        Verdict::Pass
    );
    // Eight rows, four people.
    assert_eq!(
        verdict("select count(*) as n from admissions where person < 5"),
        Verdict::Fail
    );
    // Twenty rows are ten people.
    assert_eq!(
        verdict("select count(*) as n from admissions where person < 10"),
        Verdict::Pass
    );
    assert_eq!(
        verdict("select person, count(*) as n from admissions group by 1"),
        Verdict::Fail
    );
    assert_eq!(
        verdict("select race, avg(cost) as c from admissions group by 1"),
        Verdict::Pass
    );
    assert_eq!(
        verdict("select race, max(cost) as c from admissions group by 1"),
        Verdict::Pass
    );
    assert_eq!(
        verdict("select race, median(cost) as c from admissions group by 1"),
        Verdict::Pass
    );
    // 200 less 195 leaves five.
    assert_eq!(
        verdict("select count(*) as n, count(*) filter (where person >= 5) as m from admissions"),
        Verdict::Fail
    );
    assert_eq!(
        verdict("select count(*) filter (where person >= 5) as m from admissions"),
        Verdict::Pass
    );
    assert_eq!(
        verdict(
            "select round(100.0 * count(*) filter (where person >= 5) / count(*), 2) as pct from admissions"
        ),
        Verdict::Fail
    );
    assert_eq!(
        verdict("select avg(case when person >= 5 then 1 else 0 end) as share from admissions"),
        Verdict::Fail
    );
    assert_eq!(
        verdict(
            "select count(distinct person) as n, count(distinct person) filter (where person >= 5) as m from admissions"
        ),
        Verdict::Fail
    );
    assert_eq!(
        verdict(
            "select count(distinct person) as n, count(distinct person) filter (where person >= 50) as m from admissions"
        ),
        Verdict::Pass
    );
    // A number of distinct values can be a count of people in disguise.
    assert_eq!(
        verdict(
            "select count(distinct person) as n, count(distinct case when person <> 7 then person + 1 end) as m from admissions"
        ),
        Verdict::Review
    );
    // All have a value and few are counted.
    assert_eq!(
        verdict(
            "select count(distinct case when person < 4 then event else 0 end) as m from admissions"
        ),
        Verdict::Review
    );
    assert_eq!(
        verdict("select ward, count(*) as n from admissions where false group by all"),
        Verdict::Review
    );
}

/// What is said of a table must not depend on a number that is not judged.
#[test]
fn a_condition_on_groups_is_no_oracle() {
    let conn = hospital();
    let check = |sql: &str, verdict: Verdict| {
        assert_eq!(judged(&conn, sql).verdict, verdict, "{sql}");
    };
    let same = |statements: &[String], verdict: Verdict| {
        let told = |sql: &String| {
            let mut report = judged(&conn, sql).for_researcher();
            report.outputs[0].statement.clear();
            report
        };
        for sql in statements {
            assert_eq!(told(sql), told(&statements[0]), "{sql}");
            check(sql, verdict);
        }
    };
    // Wards 0 to 4 have ten people and twenty rows here, the others nine and eighteen.
    let wards = |measure: &str, having: &str| {
        format!(
            "select ward, {measure} as n from admissions where person < 95 group by all having {having}"
        )
    };
    let each = |range: std::ops::Range<u64>, measure: &str, having: &str| -> Vec<String> {
        let having = |k: u64| having.replace("{}", &k.to_string());
        range.map(|k| wards(measure, &having(k))).collect()
    };
    let (rows, people) = ("count(*)", "count(distinct person)");
    same(&each(0..20, rows, "count(*) >= {}"), Verdict::Treat);
    same(&each(0..20, rows, "count(1) > {}"), Verdict::Treat);
    same(&each(0..20, rows, "{} <= count(*)"), Verdict::Treat);
    same(&each(0..20, people, "count(*) >= {}"), Verdict::Treat);
    same(
        &each(0..10, people, "count(distinct person) >= {}"),
        Verdict::Treat,
    );
    same(
        &each(0..9, people, "{} < count(distinct person)"),
        Verdict::Treat,
    );
    // What the statement leaves out is exactly what is small.
    for having in [
        "count(distinct person) >= 10",
        "9 < count(distinct person) and count(distinct person) > 5",
    ] {
        check(&wards(people, having), Verdict::Pass);
        check(&wards(rows, having), Verdict::Pass);
    }
    check(
        &wards(people, "count(distinct person) >= 11"),
        Verdict::Review,
    );
    // A part of the group, the table shows it or not, shows nothing of a group that is safe.
    for part in [
        "count(*) filter (where person < 4)",
        "count(case when person = 7 then 1 end)",
        "count_if(person = 7)",
        "sum((person = 7)::int)",
        "count(distinct person) filter (where person = 7)",
        "count(distinct case when person = 7 then person end)",
        "avg(case when person = 7 then 1 else 0 end)",
        "max(cost)",
        "sum(cost)",
        "median(cost)",
        "count(distinct event)",
        "count(*) + count(*) filter (where person = 7)",
    ] {
        let each = |having: &str| -> Vec<String> {
            (0..4).map(|k| format!("select ward, count(*) as n from admissions group by all having {part} {having} {k}")).collect()
        };
        same(&each(">="), Verdict::Review);
        same(&each("="), Verdict::Review);
    }
    // Nor does one that goes to a person.
    let largest = |x: u64| {
        format!("select ward, max(cost) as m from admissions group by all having max(cost) > {x}")
    };
    same(&[largest(0), largest(93), largest(1_000)], Verdict::Review);
    let shown = |having: &str| {
        format!(
            "select ward, count(*) as n, count(*) filter (where person = 7) as m from admissions group by all having {having}"
        )
    };
    // Zeros are safe here, so the wards of others show; where person 7 was does not.
    same(
        &[shown("m >= 0"), shown("n > m"), shown("n = 40")],
        Verdict::Treat,
    );
    same(
        &[shown("m >= 1"), shown("m = 2"), shown("m > 5")],
        Verdict::Fail,
    );
    // A count of all that only the condition has stands beside the others: 40 of whom 38 are in the table.
    let rest = |having: &str| {
        format!(
            "select ward, count(*) filter (where person > 20) as m from admissions group by all{having}"
        )
    };
    check(&rest(""), Verdict::Pass);
    check(&rest(" having count(*) = 40"), Verdict::Fail);
    // Every ward has forty rows of twenty people.
    check(
        "select ward, count(*) as n from admissions group by all having count(*) = 40",
        Verdict::Pass,
    );
    check(
        "select ward, count(*) as n from admissions group by all having count(*) = 41",
        Verdict::Review,
    );
    check(
        "select ward, count(*) as n from admissions group by all having ward > 3",
        Verdict::Pass,
    );
}
