use serde_json::{Value, json};

use super::*;
use crate::{Caps, Connection, Outcome, Tables};

const CAPS: Caps = Caps {
    rows: 1000,
    columns: 20,
    cell_bytes: 1000,
    result_bytes: 100_000,
};

fn column(name: &str, values: Values, missing_per_mille: u32) -> Column {
    Column {
        name: name.into(),
        values,
        missing_per_mille,
    }
}

fn set(values: &[&str]) -> Values {
    Values::Set(values.iter().map(|value| (*value).to_owned()).collect())
}

fn dates(from: &str, to: &str) -> Values {
    Values::Date {
        from: from.into(),
        to: to.into(),
    }
}

fn plan() -> Plan {
    Plan {
        seed: 7,
        people: 200,
        tables: vec![
            Table {
                name: "stays".into(),
                rows: 2_000,
                columns: vec![
                    column("sex", set(&["f", "m", "it's rare u // 1000"]), 100),
                    column("days", Values::Integer { from: -3, to: 40 }, 0),
                    column("cost", Values::Number { from: 0.5, to: 9.5 }, 500),
                    column("day", dates("2020-01-01", "2020-12-31"), 0),
                    column("note \"u\"", Values::Text, 1000),
                ],
            },
            Table {
                name: "tests".into(),
                rows: 500,
                columns: vec![column("result", set(&["positive"]), 0)],
            },
        ],
    }
}

fn settings(folder: &Path) -> Settings {
    Settings {
        memory_mib: 256,
        threads: 2,
        spill: folder.join("spill"),
        spill_mib: 64,
    }
}

/// The rows of a statement over a dummy extract of this plan.
fn ask(plan: &Plan, sql: &str) -> Vec<Vec<Value>> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("dummy.duckdb");
    write(&settings(folder.path()), plan, &path).unwrap();
    let connection = Connection::open(&settings(folder.path()), &Tables::Extract(path)).unwrap();
    match connection.run(sql, &CAPS) {
        Outcome::Rows(answer) => answer.rows,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_dummy_extract_has_the_shape_of_its_plan() {
    let rows = ask(
        &plan(),
        "select column_name, data_type from information_schema.columns where table_name = 'stays' order by ordinal_position",
    );
    assert_eq!(
        json!(rows),
        json!([
            ["person", "VARCHAR"],
            ["sex", "VARCHAR"],
            ["days", "BIGINT"],
            ["cost", "DOUBLE"],
            ["day", "DATE"],
            ["note \"u\"", "VARCHAR"]
        ])
    );
}

#[test]
fn every_value_and_both_ends_occur_and_nothing_else() {
    let rows = ask(
        &plan(),
        "select list(distinct sex order by sex) filter (sex is not null), min(days), max(days), count(distinct days), min(cost), max(cost), \
         min(day), max(day), count(\"note \"\"u\"\"\"), count(*) from stays",
    );
    assert_eq!(
        json!(rows),
        json!([[
            "[f, 'it\\'s rare u // 1000', m]",
            -3,
            40,
            44,
            0.5,
            9.5,
            "2020-01-01",
            "2020-12-31",
            0,
            2000
        ]])
    );
}

#[test]
fn missing_values_are_about_as_many_as_planned() {
    let rows = ask(
        &plan(),
        "select count(*) - count(sex), count(*) - count(cost), count(*) - count(days) from stays",
    );
    let count = |at: usize| rows[0][at].as_u64().unwrap();
    // Five standard deviations of a binomial count.
    assert!(count(0).abs_diff(200) < 68, "{rows:?}");
    assert!(count(1).abs_diff(1000) < 112, "{rows:?}");
    assert_eq!(count(2), 0);
}

#[test]
fn tables_share_their_people() {
    let rows = ask(
        &plan(),
        "select count(distinct person) <= 200, count(distinct person) > 190, bool_and(length(person) = 32), \
         (select count(*) from tests semi join stays using (person)) > 450 from stays",
    );
    assert_eq!(json!(rows), json!([[true, true, true, true]]));
}

#[test]
fn the_same_seed_gives_the_same_rows_and_another_does_not() {
    let all = "select * from stays order by all limit 50";
    assert_eq!(ask(&plan(), all), ask(&plan(), all));
    assert_ne!(ask(&plan(), all), ask(&Plan { seed: 8, ..plan() }, all));
}

#[test]
fn a_plan_that_cannot_be_is_refused_in_words() {
    let with = |columns: Vec<Column>| Plan {
        tables: vec![Table {
            name: "t".into(),
            rows: 1,
            columns,
        }],
        ..plan()
    };
    let number = |from, to| Values::Number { from, to };
    let cases = [
        (
            Plan {
                people: 0,
                ..plan()
            },
            "a pool of people has at least one",
        ),
        (
            with(vec![column("a", set(&[]), 0)]),
            "column a has no value in its set",
        ),
        (
            with(vec![column("a", Values::Text, 1001)]),
            "column a has more missing values than rows",
        ),
        (
            with(vec![column("a", Values::Integer { from: 2, to: 1 }, 0)]),
            "column a has an empty range",
        ),
        (
            with(vec![column("a", number(f64::NAN, 1.0), 0)]),
            "column a has an empty range",
        ),
        (
            with(vec![column("a", number(f64::MIN, f64::MAX), 0)]),
            "column a has an empty range",
        ),
        (
            with(vec![column("a", dates("2020-1-1", "2021-01-01"), 0)]),
            "column a has an empty range of dates",
        ),
        (
            with(vec![column("Person", Values::Text, 0)]),
            "column Person is planned twice",
        ),
        (
            Plan {
                tables: vec![plan().tables[0].clone(), plan().tables[0].clone()],
                ..plan()
            },
            "it is planned twice",
        ),
    ];
    for (plan, expected) in cases {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("dummy.duckdb");
        let error = write(&settings(folder.path()), &plan, &path).unwrap_err();
        assert!(error.to_string().ends_with(expected), "{error}");
        assert!(!path.exists());
    }
}
