//! Which people and findings stand beside which value.

use serde_json::json;

use super::*;

fn report() -> Report {
    let cell = |hospital: Value, people: u64, status: &str, rule: Option<&str>| {
        let findings: Vec<Value> = rule
            .map(|rule| json!({ "rule": rule, "detail": format!("{people} people") }))
            .into_iter()
            .collect();
        json!({ "key": { "hospital": hospital }, "column": "n", "people": people,
                "status": status, "findings": findings })
    };
    let read = Report::read(json!({
        "verdict": "treat",
        "outputs": [{
            "statement": "select", "class": "table", "columns": ["hospital", "n"],
            "rows": [["North", 41], ["South, old", 3], [null, 12]],
            "cells": [
                cell(json!("North"), 40, "ok", None),
                cell(json!("South, old"), 3, "primary", Some("threshold")),
                cell(json!(null), 12, "ok", None),
                cell(json!("West"), 0, "primary", Some("zero")),
            ],
            "treated_rows": [["North", 41], [null, 12]],
        }],
        "findings": [{ "rule": "missing", "detail": "one group has no name" }],
        "policy": { "name": "default", "sha256": "ab" },
    }));
    read.unwrap().unwrap()
}

/// The one table of some bytes.
fn reviewed(
    bytes: &[u8],
    report: Option<&Report>,
    version: Version,
) -> Result<Reviewed, ServiceError> {
    let mut tables = super::reviewed(bytes, report, version)?;
    assert_eq!(tables.len(), 1);
    Ok(tables.remove(0))
}

const EXACT: &[u8] = b"hospital,n\nNorth,41\n\"South, old\",3\n,12\n";
const TREATED: &[u8] = b"hospital,n\nNorth,41\n,12\n";

/// `value people status`, row by row.
fn drawn(table: &Reviewed) -> Vec<String> {
    table
        .rows
        .iter()
        .map(|row| {
            let values: Vec<String> = row
                .values
                .iter()
                .map(|v| {
                    let people = v
                        .people
                        .map_or_else(String::new, |n| format!("/{n} {}", v.status));
                    format!("{}{people}", v.text.as_deref().unwrap_or("-"))
                })
                .collect();
            format!("{}: {}", row.number, values.join(" | "))
        })
        .collect()
}

#[test]
fn every_value_has_its_people_beside_it_and_what_no_row_shows_is_listed() {
    let table = reviewed(EXACT, Some(&report()), Version::Exact).unwrap();
    assert_eq!(table.matched, Matched::Yes);
    assert_eq!(
        drawn(&table),
        [
            "1: North | 41/40 ok",
            "2: South, old | 3/3 primary",
            "3: - | 12/12 ok"
        ]
    );
    assert_eq!(table.rows[1].values[1].findings[0].rule(), "Too few people");
    let elsewhere: Vec<_> = table
        .elsewhere
        .iter()
        .map(|e| (e.place.as_str(), e.people))
        .collect();
    assert_eq!(elsewhere, [("hospital: West", 0)]);
    assert_eq!(
        table.columns_at_a_glance,
        [Glance {
            column: "n".into(),
            cells: 3,
            not_ok: 1,
            fewest: 3,
            most: 40
        }]
    );
}

#[test]
fn a_row_that_the_treatment_left_out_is_listed_with_its_people() {
    let table = reviewed(TREATED, Some(&report()), Version::Treated).unwrap();
    assert_eq!(drawn(&table), ["1: North | 41/40 ok", "2: - | 12/12 ok"]);
    let elsewhere: Vec<_> = table.elsewhere.iter().map(|e| e.place.as_str()).collect();
    assert_eq!(elsewhere, ["hospital: South, old", "hospital: West"]);
}

#[test]
fn bytes_that_are_not_the_checked_rows_say_so_and_have_nothing_beside_them() {
    for (bytes, version) in [(EXACT, Version::Treated), (TREATED, Version::Exact)] {
        let table = reviewed(bytes, Some(&report()), version).unwrap();
        assert!(table.matched.is_no());
        assert!(
            table
                .rows
                .iter()
                .flat_map(|r| &r.values)
                .all(|v| v.people.is_none())
        );
        assert_eq!(table.elsewhere.len(), 4);
    }
    let table = reviewed(EXACT, None, Version::Exact).unwrap();
    assert_eq!(table.matched, Matched::NoReport);
    assert_eq!(table.rows.len(), 3);
}

#[test]
fn the_bytes_are_read_as_they_were_written() {
    type Rows<'a> = &'a [&'a [Option<&'a str>]];
    let cases: &[(&str, Option<Rows<'_>>)] = &[
        (
            "a,b\n1,2\n",
            Some(&[&[Some("a"), Some("b")], &[Some("1"), Some("2")]]),
        ),
        (
            "a,b\n,\"\"\n",
            Some(&[&[Some("a"), Some("b")], &[None, Some("")]]),
        ),
        (
            "a,b\n1,\n",
            Some(&[&[Some("a"), Some("b")], &[Some("1"), None]]),
        ),
        (
            "\"x \"\"y\"\"\",\"1\n2\"\n",
            Some(&[&[Some("x \"y\""), Some("1\n2")]]),
        ),
        (
            "a\n\"NA\"\nNA\n",
            Some(&[&[Some("a")], &[Some("NA")], &[Some("NA")]]),
        ),
        ("a,b", None),
        ("a,b\n1,", None),
        ("a\"b\n", None),
        ("\"a\"b\n", None),
        ("\"a\n", None),
    ];
    for (text, expected) in cases {
        let expected: Option<Vec<Vec<Option<String>>>> = expected.map(|lines| {
            let line = |line: &&[Option<&str>]| line.iter().map(|f| f.map(str::to_owned)).collect();
            lines.iter().map(line).collect()
        });
        assert_eq!(lines(text.as_bytes()), expected, "{text:?}");
    }
    assert_eq!(lines(b"\xff\n"), None);
}

#[test]
fn what_is_no_table_is_refused() {
    for bytes in [&b""[..], b"a,b\n1\n", b"a,b\n1,2,3\n", b"a"] {
        let refused = reviewed(bytes, None, Version::Exact).unwrap_err();
        assert!(refused.to_string().contains("not a table"), "{refused}");
    }
}

#[test]
fn a_report_that_cannot_be_read_blocks() {
    assert!(Report::read(Value::Null).unwrap().is_none());
    for bad in [
        json!({}),
        json!([]),
        json!({ "outputs": [], "findings": [] }),
    ] {
        assert!(Report::read(bad).is_err());
    }
    assert_eq!(report().policy(), "default, SHA-256 ab");
    assert_eq!(report().findings()[0].rule(), "Missing values");
}

/// Two tables of one request, an empty line between them.
#[test]
fn each_of_several_tables_has_its_own_people_beside_it() {
    let mut report = report();
    report.outputs.extend(self::report().outputs);
    let bytes = |one: &[u8], other: &[u8]| [one, b"\n", other].concat();
    for (bytes, version) in [
        (bytes(EXACT, EXACT), Version::Exact),
        (bytes(TREATED, TREATED), Version::Treated),
    ] {
        let tables = super::reviewed(&bytes, Some(&report), version).unwrap();
        assert_eq!(tables.len(), 2);
        assert!(tables.iter().all(|table| table.matched == Matched::Yes));
        assert_eq!(drawn(&tables[0]), drawn(&tables[1]));
        let gone = super::reviewed(&bytes, None, version).unwrap();
        assert_eq!(gone.len(), 2);
    }
    for other in [bytes(EXACT, TREATED), bytes(TREATED, EXACT), EXACT.to_vec()] {
        let tables = super::reviewed(&other, Some(&report), Version::Exact);
        let matched = tables.map(|tables| tables.iter().any(|table| table.matched.is_no()));
        assert!(matched.unwrap_or(true));
    }
}
