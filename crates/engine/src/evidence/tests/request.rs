//! Tables over the same rows: that they are known to be, and that what is hidden in one does not follow from another.

use disclosure::{Datum, Lineage, Policy, Report, Verdict};

use super::joined::judged_as_a_whole;
use super::{gather_in, hospital, policy};

/// 60 people in three regions: one makes up nearly all costs of the first, and the second costs far more than that. Of
/// the third one is a woman; who came late is of the first.
fn costs() -> duckdb::Connection {
    let conn = duckdb::Connection::open_in_memory().unwrap();
    conn.execute_batch(
        "create table p as select i as person, 'R' || i % 3 as region,
           case when i % 3 = 1 then 2000000 + i when i = 0 then 1000000 else 100 + i end as cost,
           case when i % 3 = 2 and i > 6 or i % 2 = 0 then 'M' else 'F' end as sex, i % 3 = 0 and i >= 30 as late
         from range(60) t(i);",
    )
    .unwrap();
    conn
}

fn rules() -> Policy {
    Policy::parse(
        "name = \"t\"\n[threshold]\nminimum = 10\nzero = \"safe\"\n[p_percent]\np = 0.1\n[differencing]\nminimum = 10",
    )
    .unwrap()
}

/// How many numbers of a column leave.
fn left(report: &Report, column: usize) -> usize {
    let rows = report
        .outputs
        .iter()
        .flat_map(|output| &output.treated_rows);
    rows.filter(|row| row[column] != Datum::Missing).count()
}

#[test]
fn tables_of_the_same_rows_are_known_by_whatever_names() {
    let conn = hospital();
    let lineage = |sql: &str| -> Lineage { gather_in(&conn, sql).unwrap().lineage.unwrap() };
    let one = lineage(
        "select race, age, count(*) as n, sum(cost) as s from admissions where ward > 1 and urgent group by all",
    );
    let other = lineage(
        "select x.age as band, avg(x.cost) as mean, count(*) filter (where x.cost > 3) as dear, count(*) as all_of_them from admissions x where x.urgent and x.ward > 1 group by x.age",
    );
    assert_eq!(one.rows, other.rows);
    assert_eq!(one.keys[1], other.keys[0]);
    assert_eq!(
        one.parts[0], other.parts[0],
        "a sum and a mean of the same values"
    );
    assert_eq!(one.counts[0], other.counts[1]);
    assert_ne!(one.counts[0], other.counts[0]);
    for others in [
        "select age, count(*) as n from admissions where ward > 2 and urgent group by age",
        "select age, count(*) as n from admissions group by age",
        "select age, count(*) as n from admissions a join outcomes o using (person) where ward > 1 and urgent group by age",
    ] {
        assert_ne!(one.rows, lineage(others).rows, "{others}");
    }
    assert_ne!(
        one.keys[1],
        lineage("select upper(age) as age, count(*) as n from admissions group by 1").keys[0]
    );
}

#[test]
fn a_dominated_total_does_not_follow_from_that_of_all() {
    let conn = costs();
    for sql in [
        "select region as level, sum(cost) as s from p group by region union all select 'all', sum(cost) from p",
        "select region as level, sum(cost) as s from p group by region union all select 'all', avg(x.cost) from p as x",
    ] {
        let (_, report) = judged_as_a_whole(&conn, "person", sql, &rules());
        assert_eq!(report.verdict, Verdict::Treat, "{report:?}");
        assert_eq!(left(&report, 1), 2, "{report:?}");
    }
    // Over other rows the total says nothing of the first region.
    let sql = "select region as level, sum(cost) as s from p where not late group by region union all select 'all', sum(cost) from p where late";
    let (_, report) = judged_as_a_whole(&conn, "person", sql, &rules());
    assert_eq!(left(&report, 1), 3, "{report:?}");
}

#[test]
fn columns_with_numbers_of_an_unsafe_table_are_left_out() {
    let conn = costs();
    let sql = "with t as (select region, sex, count(*) as total from p group by all), x as (select region, sex, late, count(*) as n from p group by all) select x.region, x.sex, x.late, n, 100.0 * n / total as share from x left join t using (region, sex)";
    let (_, report) = judged_as_a_whole(&conn, "person", sql, &policy(7, "safe"));
    assert_eq!(report.verdict, Verdict::Treat, "{report:?}");
    assert!(left(&report, 3) > 0 && left(&report, 4) == 0, "{report:?}");
    // Where the number says which rows are shown, a person has to look.
    let sql = "with t as (select region, sex, count(*) as total from p group by all), x as (select region, sex, late, count(*) as n from p group by all) select x.region, x.sex, x.late, n from x join t using (region, sex) where n > total / 3";
    let (_, report) = judged_as_a_whole(&conn, "person", sql, &policy(7, "safe"));
    assert_eq!(report.verdict, Verdict::Review, "{report:?}");
}
