//! Tables of groups joined, stacked, compared with a total and grouped again, over small random data: the rows are
//! those of the engine itself, and the people of each cell those that a plain query of one table counts.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use disclosure::{Class, Evidence, Policy, Report, Verdict, Visible, by_statement, check_together};
use proptest::prelude::*;

use super::{LIMITS, policy, reason};
use crate::evidence::{Listing, gathered};

/// Person, key, another key, value.
pub(super) type Row = (Option<u8>, Option<u8>, u8, Option<i32>);

#[derive(Debug, Clone)]
pub(super) struct Data {
    pub(super) a: Vec<Row>,
    b: Vec<Row>,
}

pub(super) fn data() -> impl Strategy<Value = Data> {
    let person = prop_oneof![1 => Just(None), 20 => (0..12_u8).prop_map(Some)];
    let key = prop_oneof![1 => Just(None), 8 => (0..3_u8).prop_map(Some)];
    let value = prop_oneof![1 => Just(None), 5 => (0..5_i32).prop_map(Some)];
    let row = (person, key, 0..2_u8, value);
    let rows = |row| prop::collection::vec(row, 0..40);
    (rows(row.clone()), rows(row)).prop_map(|(a, b)| Data { a, b })
}

impl Data {
    pub(super) fn load(&self) -> duckdb::Connection {
        let conn = duckdb::Connection::open_in_memory().unwrap();
        let mut sql = String::new();
        for (name, rows) in [("a", &self.a), ("b", &self.b)] {
            write!(
                sql,
                "create table {name} (person integer, g integer, h integer, v integer);"
            )
            .unwrap();
            for (person, g, h, v) in rows {
                let text = |value: Option<String>| value.unwrap_or("null".into());
                let (person, g) = (
                    text(person.map(|p| p.to_string())),
                    text(g.map(|g| g.to_string())),
                );
                let v = text(v.map(|v| v.to_string()));
                write!(sql, "insert into {name} values ({person}, {g}, {h}, {v});").unwrap();
            }
        }
        sql.push_str("create table names as select g, 'name ' || g as name from range(2) t(g);");
        conn.execute_batch(&sql).unwrap();
        conn
    }
}

/// The whole check of one statement, as the command line does it.
pub(super) fn judged_as_a_whole(
    conn: &duckdb::Connection,
    unit: &str,
    sql: &str,
    policy: &Policy,
) -> (Evidence, Report) {
    let mut listed = Vec::new();
    let evidence = gathered(conn, unit, sql, LIMITS, Listing::Always(&mut listed)).unwrap();
    let mut words = listed.as_slice();
    let mut ordinals: BTreeMap<u64, u32> = BTreeMap::new();
    let mut request = Vec::new();
    for table in evidence.tables() {
        let mut people = Vec::new();
        for _ in 0..table.groups.len() * table.measures().count() {
            let (count, rest) = words.split_first_chunk::<4>().unwrap();
            words = rest;
            let mut of_cell = Vec::new();
            for _ in 0..u32::from_le_bytes(*count) {
                let (unit, rest) = words.split_first_chunk::<8>().unwrap();
                words = rest;
                let next = u32::try_from(ordinals.len()).unwrap();
                of_cell.push(*ordinals.entry(u64::from_le_bytes(*unit)).or_insert(next));
            }
            people.push(of_cell);
        }
        let mut evidence = table.clone();
        evidence.further.clear();
        request.push(disclosure::Traced { evidence, people });
    }
    assert!(words.is_empty());
    let reports = check_together(&request, ordinals.len(), policy);
    let report = by_statement([&evidence], reports, policy).remove(0);
    (evidence, report)
}

/// What the engine itself gives, row by row, in no order.
pub(super) fn direct(conn: &duckdb::Connection, sql: &str) -> Vec<Vec<Option<String>>> {
    let mut statement = conn
        .prepare(&format!("select columns(*)::varchar from ({sql})"))
        .unwrap();
    drop(statement.query_arrow([]).unwrap());
    let width = statement.column_count();
    let rows = statement
        .query_map([], |row| (0..width).map(|i| row.get(i)).collect())
        .unwrap();
    let mut rows: Vec<Vec<Option<String>>> = rows.map(Result::unwrap).collect();
    rows.sort();
    rows
}

pub(super) fn released(report: &Report) -> Vec<Vec<Option<String>>> {
    let rows = report.outputs.iter().flat_map(|output| &output.rows);
    let text = |row: &Vec<disclosure::Datum>| {
        row.iter()
            .map(|datum| datum.text().map(str::to_owned))
            .collect()
    };
    let mut rows: Vec<Vec<Option<String>>> = rows.map(text).collect();
    rows.sort();
    rows
}

/// People by key, in a plain query.
fn people(conn: &duckdb::Connection, sql: &str) -> BTreeMap<Option<String>, u64> {
    let mut statement = conn.prepare(sql).unwrap();
    let rows = statement
        .query_map([], |row| {
            Ok((row.get::<_, Option<String>>(0)?, row.get::<_, u64>(1)?))
        })
        .unwrap();
    rows.map(Result::unwrap).collect()
}

/// The people of a column by key, of the groups that are shown.
fn counted(evidence: &Evidence, column: &str) -> BTreeMap<Option<String>, u64> {
    let place = evidence
        .measures()
        .position(|(name, _)| name == column)
        .unwrap();
    let shown = evidence.groups.iter();
    let shown = shown.filter(|group| group.visible == Visible::Shown);
    shown
        .map(|group| {
            let key = group
                .key
                .first()
                .and_then(|key| key.text().map(str::to_owned));
            (key, group.behind[place].people)
        })
        .collect()
}

const CONDITIONS: [&str; 5] = ["true", "h = 0", "v > 1", "v is null or h = 1", "g <> 1"];
const MEASURES: [(&str, &str); 4] = [
    ("count(*)", "true"),
    ("count(v)", "v is not null"),
    ("sum(v)", "v is not null"),
    ("count(distinct person)", "true"),
];
const JOINS: [&str; 4] = ["join", "left join", "right join", "full join"];

/// Whatever is tried of a statement: its rows are the engine's, and a table that passes shows nobody.
pub(super) fn traced(
    conn: &duckdb::Connection,
    sql: &str,
) -> Result<(Evidence, Report), TestCaseError> {
    let (evidence, report) = judged_as_a_whole(conn, "person", sql, &policy(1, "safe"));
    if let Class::Untraceable { reason } = &evidence.class {
        prop_assert!(
            reason.contains("keys that are missing"),
            "{}: {}",
            sql,
            reason
        );
        return Err(TestCaseError::reject("keys are missing"));
    }
    for table in evidence.tables() {
        prop_assert_eq!(table.validate(), Ok(()), "{}", sql);
    }
    prop_assert_eq!(released(&report), direct(conn, sql), "{}", sql);
    Ok((evidence, report))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 120, ..ProptestConfig::default() })]

    /// Two tables of groups joined on their key: of the same rows and of others.
    #[test]
    fn joined_tables_count_the_people_of_each(
        data in data(),
        tables in (0..2_usize, 0..2_usize),
        conditions in (0..CONDITIONS.len(), 0..CONDITIONS.len()),
        measures in (0..MEASURES.len(), 0..MEASURES.len()),
        join in 0..JOINS.len(),
        using in any::<bool>(),
    ) {
        let conn = data.load();
        let name = ["a", "b"];
        let (left, right) = (name[tables.0], name[tables.1]);
        let (c1, c2) = (CONDITIONS[conditions.0], CONDITIONS[conditions.1]);
        let ((m1, w1), (m2, w2)) = (MEASURES[measures.0], MEASURES[measures.1]);
        let join = JOINS[join];
        let (on, key) = match using {
            true => ("using (g)", "g"),
            false => ("on x.g = y.g", "coalesce(x.g, y.g)"),
        };
        let sql = format!(
            "with x as (select g, {m1} as n from {left} where {c1} group by g), \
             y as (select g, {m2} as m from {right} where {c2} group by g) \
             select {key} as g, n, m, n + m as sum from x {join} y {on}"
        );
        let (evidence, _) = traced(&conn, &sql)?;
        let shown: BTreeSet<Option<String>> = counted(&evidence, "n").into_keys().collect();
        for (column, table, own, with) in [("n", left, c1, w1), ("m", right, c2, w2)] {
            let expected = people(&conn, &format!(
                "select g::varchar, count(distinct person) filter (where {with}) from {table} where {own} group by g"
            ));
            for (key, found) in counted(&evidence, column) {
                prop_assert_eq!(found, expected.get(&key).copied().unwrap_or(0), "{}: {} {:?}", &sql, column, key);
            }
        }
        let minimum = 3;
        let (_, report) = judged_as_a_whole(&conn, "person", &sql, &policy(minimum, "safe"));
        if report.verdict != Verdict::Pass || measures.0 % 2 != 0 || measures.1 % 2 != 0 || left != right {
            return Ok(());
        }
        // Counts of the same rows: what is in one and not in the other can be formed where one holds the other.
        for (one, other) in [(c1, c2), (c2, c1)] {
            let both = [w1, w2].contains(&"v is not null");
            if both { continue; }
            let only = people(&conn, &format!(
                "select g::varchar, count(distinct person) filter (where ({one}) and ({other}) is not true) from {left} group by g"
            ));
            let rest = people(&conn, &format!(
                "select g::varchar, count(*) filter (where ({other}) and ({one}) is not true) from {left} group by g"
            ));
            for (key, few) in only {
                let holds = rest.get(&key) == Some(&0);
                prop_assert!(!shown.contains(&key) || !holds || few == 0 || few >= minimum, "{}: {:?} {}", &sql, key, few);
            }
        }
    }

    /// Totals beside their parts, single numbers, code lists.
    #[test]
    fn numbers_of_other_tables_stand_beside(
        data in data(),
        conditions in (0..CONDITIONS.len(), 0..CONDITIONS.len()),
        form in 0..8_usize,
    ) {
        let conn = data.load();
        let (c1, c2) = (CONDITIONS[conditions.0], CONDITIONS[conditions.1]);
        let sql = match form {
            0 => format!("with x as (select g, h, count(*) as n from a where {c1} group by all), y as (select g, count(*) as t from a where {c2} group by g) select x.g, x.h, n, t, n / t as share from x join y using (g)"),
            1 => format!("with x as (select g, h, count(*) as n from a where {c1} group by all), y as (select g, sum(v) as t from b where {c2} group by g) select x.g, x.h, n, t from x left join y on y.g = x.g"),
            2 => format!("select g, count(*) as n, 100.0 * count(*) / (select count(*) from b where {c2}) as share from a where {c1} group by g"),
            3 => format!("with x as (select g, count(*) as n from a where {c1} group by g) select g, n, n / (select sum(n) from x) as share from x"),
            4 => format!("select (select count(*) from a where {c1}) as n, (select sum(v) from b where {c2}) as m"),
            5 => format!("with x as (select g, count(*) as n from a where {c1} group by g) select x.g, name, n from x left join names using (g)"),
            6 => format!("with x as (select g, count(*) as n from a where {c1} group by g) select name, n from x join names on names.g = x.g"),
            _ => format!("with x as (select sum(v) as s from a where {c1}), y as (select count(*) as n from b where {c2}) select s, n, s / n as ratio from x, y"),
        };
        let (evidence, _) = traced(&conn, &sql)?;
        if form < 4 {
            let keys = if form < 2 { "g::varchar || '/' || h" } else { "g::varchar" };
            let expected = people(&conn, &format!(
                "select {keys}, count(distinct person) from a where {c1} group by {} having g is not null",
                if form < 2 { "g, h" } else { "g" }
            ));
            let main = counted_by_all(&evidence, "n");
            for (key, found) in main {
                if key.as_deref().is_some_and(|key| !key.contains("null")) {
                    prop_assert_eq!(found, expected.get(&key).copied().unwrap_or(0), "{}: {:?}", &sql, key);
                }
            }
        }
    }

    /// Unions, groups of groups, pivots, most frequent values.
    #[test]
    fn stacked_and_regrouped_tables_are_the_engines(
        data in data(),
        conditions in (0..CONDITIONS.len(), 0..CONDITIONS.len()),
        form in 0..7_usize,
    ) {
        let conn = data.load();
        let (c1, c2) = (CONDITIONS[conditions.0], CONDITIONS[conditions.1]);
        let sql = match form {
            0 => format!("select 'g' as what, g as level, count(*) as n from a where {c1} group by g union all select 'h', h, count(*) from a where {c2} group by h"),
            1 => format!("select count(*) as n, sum(v) as s from a where {c1} union all select count(*), sum(v) from b where {c2}"),
            2 => format!("select g, count(*) as n from a where {c1} group by g union select g, count(*) from a where {c2} group by g order by n"),
            3 => format!("with x as (select g, h, count(*) as n, sum(v) as s from a where {c1} group by all) select g, avg(n) as mean, max(s) as most, count(*) as cells from x group by g"),
            4 => format!("select avg(n) as mean, sum(n) as n from (select g, count(*) as n from a where {c1} group by g) where g is distinct from 2"),
            5 => format!("select * from (select g, h from a where {c1}) pivot (count(*) as n for h in (0, 1) group by g)"),
            _ => format!("select * from (select g, h, v from a where {c1}) pivot (sum(v) for h in (0, 1))"),
        };
        let (evidence, report) = traced(&conn, &sql)?;
        if form == 3 {
            let expected = people(&conn, &format!("select g::varchar, count(distinct person) from a where {c1} group by g"));
            prop_assert_eq!(counted(&evidence, "mean"), expected, "{}", &sql);
        }
        if form < 2 {
            // Each select is a table whose cells are those of the select alone.
            for cell in report.outputs.iter().flat_map(|output| &output.cells) {
                prop_assert!(cell.people <= 12);
            }
            prop_assert_eq!(evidence.tables().count(), 2);
        }
    }

    /// Of a most frequent value those are counted who have it.
    #[test]
    fn who_has_the_most_frequent_value_is_counted(data in data()) {
        let conn = data.load();
        let (evidence, _) = traced(&conn, "select g, mode(h) as m, count(*) as n from a group by g")?;
        let modes = evidence.columns.iter().position(|column| column.name == "m").unwrap();
        for group in &evidence.groups {
            let Some(mode) = group.values[modes].text() else { continue };
            let key = group.key[0].text().map_or("is null".to_owned(), |key| format!("= {key}"));
            let expected = people(&conn, &format!(
                "select null, count(distinct person) from a where h = {mode} and g {key}"
            ));
            let part = evidence.parts.iter().position(|part| part.label == "m").unwrap();
            prop_assert_eq!(group.magnitudes[part].below, expected[&None]);
        }
    }
}

/// The people of a column by all keys, joined.
fn counted_by_all(evidence: &Evidence, column: &str) -> BTreeMap<Option<String>, u64> {
    let place = evidence
        .measures()
        .position(|(name, _)| name == column)
        .unwrap();
    let shown = evidence.groups.iter();
    let shown = shown.filter(|group| group.visible == Visible::Shown);
    shown
        .map(|group| {
            let key = group
                .key
                .iter()
                .map(|key| key.text().unwrap_or("null").to_owned());
            (
                Some(key.collect::<Vec<_>>().join("/")),
                group.behind[place].people,
            )
        })
        .collect()
}

/// 60 people: all but three of region 0 smoke.
fn few_do_not_smoke() -> duckdb::Connection {
    let conn = duckdb::Connection::open_in_memory().unwrap();
    conn.execute_batch(
        "create table p as select i as person, i % 2 as region, i >= 6 as smoker, i * 3 % 7 as v from range(60) t(i);
         create table e as select i % 60 as person, i % 2 as region from range(180) t(i);
         create table s as select i as person, i % 2 as region from range(3, 60) t(i);",
    )
    .unwrap();
    conn
}

#[test]
fn what_joined_tables_give_away_together_is_found() {
    let conn = few_do_not_smoke();
    let verdict = |sql: &str| {
        let (evidence, report) = judged_as_a_whole(&conn, "person", sql, &policy(10, "safe"));
        assert_eq!(evidence.class, Class::Table, "{sql}: {evidence:?}");
        report.verdict
    };
    for few in [
        // Of the same rows.
        "with n as (select region, count(*) as n from p group by region), s as (select region, count(*) as m from p where smoker group by region) select region, n, m from n join s using (region)",
        // Of other rows: one person less and two less.
        "with n as (select region, count(*) as n from p group by region), s as (select region, count(*) as m from s group by region) select region, n, m from n join s using (region)",
        // Sums over other rows: those of three people less, who have several rows.
        "with n as (select region, sum(v) as n from p group by region), s as (select p.region, sum(p.v) as m from p join s using (person) group by p.region) select n.region, n, m from n join s using (region)",
        "with n as (select region, count(*) as n from e group by region), s as (select e.region, count(*) as m from e join s using (person) group by e.region) select n.region, n, m from n join s using (region)",
        // A total beside its parts, of which some are left out.
        "select region, count(*) as n, count(*) / (select count(*) from p) as share from p where smoker group by region",
        "select count(*) as n from p union all select count(*) from p where smoker",
        "select region, count(*) as n from p group by region union all select region, count(*) from s group by region",
    ] {
        assert_ne!(verdict(few), Verdict::Pass, "{few}");
    }
    for many in [
        "with n as (select region, count(*) as n from p group by region), s as (select region, count(*) as m from p where v > 2 group by region) select region, n, m from n join s using (region)",
        "select region, count(*) as n, count(*) / (select count(*) from p) as share from p group by region",
        "select count(*) as n from p union all select count(*) from p where v > 2",
    ] {
        assert_eq!(verdict(many), Verdict::Pass, "{many}");
    }
}

#[test]
fn what_is_unsafe_inside_another_table_does_not_leave() {
    let conn = few_do_not_smoke();
    let verdict = |sql: &str| judged_as_a_whole(&conn, "person", sql, &policy(10, "safe")).1;
    let few = verdict(
        "select region, count(*) as n, (select count(*) from p where not smoker) as few from p group by region",
    );
    assert!(few.verdict >= Verdict::Review, "{few:?}");
    let cells =
        verdict("select avg(n) as mean from (select v, smoker, count(*) as n from p group by all)");
    assert!(cells.verdict >= Verdict::Review, "{cells:?}");
}

#[test]
fn tables_over_tables_of_groups_are_traced() {
    let conn = super::hospital();
    for sql in [
        "select count(*) as n from (select race, count(*) as n from admissions group by race)",
        "select count(*) as n from (select count(*) as n from admissions)",
        "select count(*) as n from (select distinct race from admissions)",
        "select (select max(cost) from admissions) as m, count(*) as n from admissions",
        "select race, count(*) as n from admissions group by 1 union all select race, count(*) from admissions group by 1",
        "select n, level from (select 'race' as what, race as level, count(*) as n from admissions group by 2 union all select 'age', age, count(*) from admissions group by 2) order by n",
        "with t as (select age, sum(cost) as s from admissions group by 1 union all select 'all', sum(cost) from admissions) select * from t order by 1",
        "select age, percentile_cont(0.25) within group (order by cost) as q from admissions group by age",
    ] {
        let (evidence, report) = judged_as_a_whole(&conn, "person", sql, &policy(1, "safe"));
        assert_eq!(evidence.class, Class::Table, "{sql}: {evidence:?}");
        assert_eq!(report.verdict, Verdict::Pass, "{sql}");
        assert_eq!(released(&report), direct(&conn, sql), "{sql}");
    }
}

#[test]
fn joins_that_are_not_on_keys_go_to_a_person() {
    let conn = few_do_not_smoke();
    for sql in [
        "select * from (select region, count(*) as n from p group by region) x join (select v, count(*) as m from p group by v) y on x.n = y.m",
        "select * from (select region, v, count(*) as n from p group by all) x join (select region, smoker, count(*) as m from p group by all) y using (region)",
        "with x as (select region, count(*) as n from p group by region order by n limit 1) select x.n, y.m from x join (select region, count(*) as m from p group by region) y using (region)",
    ] {
        let (evidence, report) = judged_as_a_whole(&conn, "person", sql, &policy(10, "safe"));
        assert!(!reason(&evidence).is_empty());
        assert_eq!(report.verdict, Verdict::Review, "{sql}");
    }
}
