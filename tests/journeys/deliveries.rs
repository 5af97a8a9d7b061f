//! Files that a delivery must not hold: each is refused whole, with its place and never its value.

use std::path::PathBuf;

use serde_json::{Value, json};

use super::haven::{Haven, files};
use super::project::{self, register};

/// A valid CHI number of nobody.
const CHI: &str = "0101011008";
/// Three more, for a column of them.
const CHIS: [&str; 4] = ["0101011008", "0202021009", "0303031018", "0404041000"];
/// A valid NHS number of nobody.
const NHS: &str = "9434765919";
/// Must not come back in a message.
const SECRET: &str = "Zzyzxsecret";

const IDENTIFIERS: &str = "record,forename,surname,date_of_birth\n";
const PAYLOAD: &str = "record,visits,seen,note\n";

/// A file that must be refused.
struct Bad {
    what: &'static str,
    file: Vec<u8>,
    row: Option<u64>,
    column: Option<&'static str>,
}

fn bad(what: &'static str, text: &str, row: Option<u64>, column: Option<&'static str>) -> Bad {
    Bad {
        what,
        file: text.as_bytes().to_vec(),
        row,
        column,
    }
}

fn not_utf8(header: &str, line: &[u8]) -> Vec<u8> {
    [header.as_bytes(), line, b"\n"].concat()
}

fn bad_identifiers() -> Vec<Bad> {
    let with = |rows: &str| format!("{IDENTIFIERS}{rows}");
    let good = "r1,Ann,Lee,1950-01-02\n";
    vec![
        bad("an empty file", "", None, None),
        bad("a header alone", IDENTIFIERS, None, None),
        bad(
            "a column is absent",
            &format!("record,forename,date_of_birth\nr1,{SECRET},1950-01-02\n"),
            None,
            Some("surname"),
        ),
        bad(
            "a record number stands twice",
            &with(&format!(
                "{SECRET},Ann,Lee,1950-01-02\nr2,Bob,Lee,1950-01-02\n{SECRET},Cy,Lee,1950-01-02\n"
            )),
            Some(3),
            Some("record"),
        ),
        bad(
            "no record number",
            &with(&format!("{good},{SECRET},Lee,1950-01-02\n")),
            Some(2),
            Some("record"),
        ),
        bad(
            "a CHI number as record number",
            &with(&format!("{good}{CHI},Ann,Lee,1950-01-02\n")),
            Some(2),
            Some("record"),
        ),
        bad(
            "an NHS number as record number",
            &with(&format!("{good}{NHS},Ann,Lee,1950-01-02\n")),
            Some(2),
            Some("record"),
        ),
        bad(
            "the last row is cut off",
            &with(&format!("{good}r2,{SECRET}")),
            Some(2),
            None,
        ),
        bad(
            "a row is too long",
            &with(&format!("{good}r2,{SECRET},Lee,1950-01-02,more\n")),
            Some(2),
            None,
        ),
        bad(
            "a quote is not closed",
            &with(&format!("{good}r2,\"{SECRET},Lee,1950-01-02\n")),
            Some(2),
            None,
        ),
        Bad {
            what: "not UTF-8",
            file: not_utf8(IDENTIFIERS, b"r1,Zzyzxsecret\xff,Lee,1950-01-02"),
            row: Some(1),
            column: None,
        },
    ]
}

fn bad_payload() -> Vec<Bad> {
    let with = |rows: &str| format!("{PAYLOAD}{rows}");
    let good = "r1,3,2024-01-02,fine\n";
    let chis = CHIS.map(|chi| format!("r1,3,2024-01-02,{chi}\n")).concat();
    vec![
        bad("an empty file", "", None, None),
        bad("a header alone", PAYLOAD, None, None),
        bad(
            "text for a whole number",
            &with(&format!("{good}r1,{SECRET},2024-01-02,\n")),
            Some(2),
            Some("visits"),
        ),
        bad(
            "a broken number",
            &with(&format!("{good}r1,3.5,2024-01-02,{SECRET}\n")),
            Some(2),
            Some("visits"),
        ),
        bad(
            "no value where one must be",
            &with(&format!("{good}r1,,2024-01-02,{SECRET}\n")),
            Some(2),
            Some("visits"),
        ),
        bad(
            "text for a day",
            &with(&format!("{good}r1,3,{SECRET},\n")),
            Some(2),
            Some("seen"),
        ),
        bad(
            "a day that is none",
            &with(&format!("{good}r1,3,2023-02-29,{SECRET}\n")),
            Some(2),
            Some("seen"),
        ),
        bad(
            "a column is absent",
            &format!("record,visits,note\nr1,3,{SECRET}\n"),
            None,
            Some("seen"),
        ),
        bad(
            "a column that nobody declared",
            &format!("record,visits,seen,note,extra\nr1,3,2024-01-02,,{SECRET}\n"),
            None,
            // By its number: a header that nobody declared may itself be a value.
            None,
        ),
        bad(
            "the last row is cut off",
            &with(&format!("{good}r1,3,{SECRET}")),
            Some(2),
            None,
        ),
        bad(
            "a quote is not closed",
            &with(&format!("{good}r1,3,2024-01-02,\"{SECRET}\n")),
            Some(2),
            None,
        ),
        Bad {
            what: "not UTF-8",
            file: not_utf8(PAYLOAD, b"r1,3,2024-01-02,Zzyzxsecret\xc3\x28"),
            row: Some(1),
            column: None,
        },
        bad("CHI numbers in a column", &with(&chis), None, Some("note")),
        bad(
            "a row without identifiers",
            &with(&format!("{good}{SECRET},3,2024-01-02,\n")),
            Some(2),
            Some("record"),
        ),
        bad(
            "no row has identifiers",
            &with(&format!("{SECRET},3,2024-01-02,\n")),
            Some(1),
            Some("record"),
        ),
    ]
}

fn dictionary(unmatched: &str) -> Value {
    json!({
        "title": "Visits", "table": "visits", "purpose": "payload", "record": "record",
        "identifiers": {
            "forename": "forename", "surname": "surname", "date_of_birth": "date_of_birth",
        },
        "variables": [
            { "name": "visits", "kind": "integer", "required": true },
            { "name": "seen", "kind": "date", "required": true },
            { "name": "note", "kind": "text" },
        ],
        "unmatched": unmatched,
    })
}

fn kept(haven: &Haven) -> Vec<PathBuf> {
    let mut kept = files(&haven.at("keeper/uploads"));
    kept.extend(files(&haven.at("keeper/sealed")));
    kept
}

/// Refused, with the place, without the value, and nothing kept. Gives what is wrong with that.
fn wrong(haven: &Haven, who: &str, path: &str, bad: &Bad, before: &[PathBuf]) -> Vec<String> {
    let answer = haven.of(who).post_bytes(path, &bad.file);
    let said = answer.text();
    let mut wrong = Vec::new();
    let mut say =
        |text: &str| wrong.push(format!("{}: {text}: {} {said}", bad.what, answer.status));
    if answer.status != 422 {
        say("not answered with 422");
        return wrong;
    }
    let json = answer.json();
    if bad.row.is_some() && json["row"].as_u64() != bad.row {
        say("another row");
    }
    if bad.column.is_some() && json["column"].as_str() != bad.column {
        say("another column");
    }
    if [SECRET, CHI, NHS, "3.5", "2023-02-29"]
        .iter()
        .any(|value| said.contains(value))
    {
        say("the value came back");
    }
    if kept(haven) != before {
        say("something was kept");
    }
    wrong
}

#[test]
fn a_bad_file_is_refused_whole_and_a_good_one_follows() {
    let haven = Haven::start();
    let dataset = register(&haven, "controller_1", &dictionary("refuse"));
    let path = format!("/v1/datasets/{dataset}/deliveries?format=csv");
    let before = kept(&haven);
    let mut all = Vec::new();
    for bad in bad_identifiers() {
        all.extend(wrong(&haven, "identifiers", &path, &bad, &before));
    }
    let good = format!("{IDENTIFIERS}r1,Ann,Lee,1950-01-02\nr2,Bob,Ray,1961-03-04\n");
    let delivery = project::deliver(&haven, &dataset, &good);
    let before = kept(&haven);
    let path = format!("/v1/deliveries/{delivery}/payload?format=csv");
    for bad in bad_payload() {
        all.extend(wrong(&haven, "payload", &path, &bad, &before));
    }
    assert!(all.is_empty(), "{}", all.join("\n"));
    let file = format!("{PAYLOAD}r1,3,2024-01-02,\nr1,4,2024-05-06,fine\nr2,1,2024-07-08,\n");
    let answer = project::deliver_payload(&haven, &delivery, &file);
    assert_eq!(answer["rows"], 3, "{answer}");
    assert_eq!(answer["records"], 2, "{answer}");
    assert_eq!(answer["unmatched"], 0, "{answer}");
    assert_eq!(answer["missing"]["note"], 2, "{answer}");
    haven
        .of("payload")
        .post_bytes(&path, file.as_bytes())
        .no(409);
}

#[test]
fn rows_without_identifiers_are_kept_and_counted_where_the_dictionary_says_so() {
    let haven = Haven::start();
    let dataset = register(&haven, "controller_1", &dictionary("keep"));
    let good = format!("{IDENTIFIERS}r1,Ann,Lee,1950-01-02\n");
    let delivery = project::deliver(&haven, &dataset, &good);
    let file = format!("{PAYLOAD}r1,3,2024-01-02,\nr8,4,2024-05-06,\nr9,1,2024-07-08,\n");
    let answer = project::deliver_payload(&haven, &delivery, &file);
    assert_eq!(answer["rows"], 3, "{answer}");
    assert_eq!(answer["unmatched"], 2, "{answer}");
}

#[test]
fn an_unknown_format_and_a_lying_ending_are_refused() {
    let haven = Haven::start();
    let dataset = register(&haven, "controller_1", &dictionary("refuse"));
    let before = kept(&haven);
    let good = format!("{IDENTIFIERS}r1,Ann,Lee,1950-01-02\n");
    for format in ["xlsx", "parquet", ""] {
        let path = format!("/v1/datasets/{dataset}/deliveries?format={format}");
        haven
            .of("identifiers")
            .post_bytes(&path, good.as_bytes())
            .no(422);
        assert_eq!(kept(&haven), before, "{format}");
    }
}
