//! From an empty safe haven to a table that its researcher downloads once, and the log that proves it.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use serde_json::{Value, json};

use super::haven::{Haven, files};
use super::http::{text, texts};
use super::leaks::Needles;
use super::project::{self, Open};
use crate::support::{program, root};

#[test]
fn a_project_goes_from_delivery_to_a_released_table() {
    let mut haven = Haven::start();
    let open = project::open(&haven);
    extract_has_the_approved_columns(&open);
    identifiers_are_no_columns(&haven, &open);
    let table = release(&haven, &open);
    let mut lines = table.lines();
    assert_eq!(lines.next(), Some("age_band,people"));
    let people: Vec<u64> = lines
        .map(|line| line.rsplit(',').next().unwrap().parse().unwrap())
        .collect();
    assert_eq!(people.len(), 2);
    assert!(people.iter().all(|n| (5..=300).contains(n)), "{table}");
    haven.publish();
    let ended = haven.stop().expect("it was serving");
    assert!(ended.success(), "serve ended with {ended}: {}", haven.log());
    log_verifies(&haven);
    keeper_holds_no_plaintext(&haven, &open);
}

fn extract_has_the_approved_columns(open: &Open) {
    let tables = open.extract["tables"].as_array().unwrap();
    let found: BTreeSet<(String, BTreeSet<String>)> = tables
        .iter()
        .map(|t| (text(t, "/name"), texts(t, "/columns").into_iter().collect()))
        .collect();
    let set = |names: &[&str]| names.iter().map(|n| (*n).to_owned()).collect();
    let approved = BTreeSet::from([
        (
            "hospital_episodes".to_owned(),
            set(&[
                "person",
                "main_condition",
                "hospital",
                "specialty",
                "age_at_admission",
                "area",
            ]),
        ),
        (
            "prescribing".to_owned(),
            set(&["person", "bnf_chapter", "items"]),
        ),
    ]);
    assert_eq!(found, approved);
    for table in tables {
        assert!(table["people"].as_u64().unwrap() > 100, "{table}");
    }
}

/// What was delivered and not approved is not there, by any name.
fn identifiers_are_no_columns(haven: &Haven, open: &Open) {
    let path = format!("/v1/workspaces/{}/queries", open.workspace);
    for column in [
        "forename",
        "surname",
        "chi",
        "date_of_birth",
        "postcode",
        "address_1",
        "record",
        "admission_date",
        "length_of_stay",
    ] {
        let sql = format!("select {column}, count(*) as n from hospital_episodes group by 1");
        let answer = haven.post("researcher", &path, &json!({ "sql": sql }));
        let said = answer.text();
        assert!(
            said.contains("is no column of the tables"),
            "{column}: {} {said}",
            answer.status
        );
        if answer.status == 200 {
            assert_ne!(text(&answer.json(), "/verdict"), "pass", "{column}");
            let rows = answer.json().pointer("/report/outputs/0/rows").cloned();
            let none = matches!(&rows, None | Some(Value::Null))
                || rows
                    .as_ref()
                    .and_then(Value::as_array)
                    .is_some_and(Vec::is_empty);
            assert!(none, "{column}: rows are shown");
        }
    }
    for table in ["register", "identifiers", "deaths"] {
        let sql = format!("select count(*) as n from {table}");
        let answer = haven.post("researcher", &path, &json!({ "sql": sql }));
        let passed = answer.status == 200 && text(&answer.json(), "/verdict") == "pass";
        assert!(!passed, "{table} can be queried");
    }
}

/// Checked, submitted, voted on twice, released, downloaded once.
fn release(haven: &Haven, open: &Open) -> String {
    let (output, answer) = project::stage(haven, &open.workspace, project::SAFE);
    assert_eq!(text(&answer, "/verdict"), "pass", "{answer}");
    let at = |act: &str| format!("/v1/outputs/{output}/{act}");
    haven.no(409, "researcher", &at("download"), &json!({}));
    haven.yes(
        "researcher",
        &at("submit"),
        &json!({ "rendering": "exact" }),
    );
    let queue = haven.of("checker_1").get("/v1/outputs").ok();
    assert_eq!(queue, json!([output]));
    let seen = haven.of("checker_1").get(&at("table"));
    assert_eq!(seen.status, 200);
    assert_eq!(
        project::review(haven, "checker_1", &output, "approve"),
        "under_review"
    );
    haven.no(409, "checker_1", &at("release"), &json!({}));
    assert_eq!(
        project::review(haven, "checker_2", &output, "approve"),
        "approved"
    );
    haven.yes("checker_2", &at("release"), &json!({}));
    assert_eq!(
        haven.post("colleague", &at("download"), &json!({})).status,
        403
    );
    let table = haven.post("researcher", &at("download"), &json!({}));
    assert_eq!(table.status, 200, "{}", table.text());
    assert_eq!(table.body, seen.body, "other bytes left than were reviewed");
    haven.no(409, "researcher", &at("download"), &json!({}));
    table.text()
}

/// Our verifier and the one in Python, which shares no code with it, say the same.
fn log_verifies(haven: &Haven) {
    let log = haven.at("log");
    let ours = Command::new(program("strongroom"))
        .args(["audit", "verify", "--log"])
        .arg(&log)
        .output()
        .unwrap();
    let said: Value = serde_json::from_slice(&ours.stdout).expect("a verdict in JSON");
    assert_eq!(ours.status.code(), Some(0), "{said}");
    assert_eq!(said["verdict"], "ok", "{said}");
    assert!(said["size"].as_u64().unwrap() > 50, "{said}");
    let theirs = Command::new("python3")
        .arg(root().join("audit/verify.py"))
        .arg(&log)
        .output();
    let Ok(theirs) = theirs else {
        println!("left out: there is no python3 to run audit/verify.py");
        return;
    };
    let verdict: Value = serde_json::from_slice(&theirs.stdout).unwrap_or_else(|_| {
        panic!("{}", String::from_utf8_lossy(&theirs.stderr));
    });
    assert_eq!(theirs.status.code(), Some(0), "{verdict}");
    assert_eq!(verdict["verdict"], "ok");
    assert_eq!(verdict["size"], said["size"]);
}

fn keeper_holds_no_plaintext(haven: &Haven, open: &Open) {
    let needles = Needles::of_files(&open.delivered);
    let sealed = files(&haven.at("keeper"));
    assert!(
        sealed.len() > 10,
        "the keeper keeps sealed files: {sealed:?}"
    );
    for file in sealed {
        let found = needles.count(&fs::read(&file).unwrap());
        assert_eq!(found, 0, "values of a delivery in {}", file.display());
    }
}
