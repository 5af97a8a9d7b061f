//! The answer of `strongroom check` as a session of acro, and a session of acro among finished files.

use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::{Value, json};

use crate::support::program;

/// Twelve and eleven women, three and fourteen men, in two areas: one cell is small.
const CELLS: [(&str, &str, usize); 4] = [
    ("F", "A", 12),
    ("M", "A", 3),
    ("F", "B", 11),
    ("M", "B", 14),
];
const SQL: &str = "select sex, area, count(distinct person) as people from t group by sex, area order by sex, area";

fn strongroom(folder: &Path, words: &[&str]) -> Output {
    let mut command = Command::new(program("strongroom"));
    command.current_dir(folder).arg("check").args(words);
    command.output().unwrap()
}

fn sha256(bytes: &[u8]) -> String {
    hex::encode(ring::digest::digest(&ring::digest::SHA256, bytes))
}

#[test]
fn an_answer_is_kept_as_a_session_that_acros_reader_takes() {
    let folder = tempfile::tempdir().unwrap();
    let mut csv = String::from("person,sex,area\n");
    for (n, (sex, area)) in CELLS
        .iter()
        .flat_map(|(sex, area, people)| std::iter::repeat_n((sex, area), *people))
        .enumerate()
    {
        writeln!(csv, "p{n},{sex},{area}").unwrap();
    }
    fs::write(folder.path().join("t.csv"), csv).unwrap();
    fs::write(
        folder.path().join("policy.toml"),
        "name = \"ten\"\n[threshold]\nminimum = 10\n",
    )
    .unwrap();
    let words = [
        "--data",
        "t.csv",
        "--unit",
        "person",
        "--policy",
        "policy.toml",
        "--sql",
        SQL,
        "--session",
        "session",
    ];
    let output = strongroom(folder.path(), &words);
    let said: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(said["verdict"], "treat", "{said}");
    let at = |name: &str| folder.path().join("session").join(name);
    let session: Value = serde_json::from_slice(&fs::read(at("results.json")).unwrap()).unwrap();
    // acro's reader refuses another version than its own.
    assert_eq!(session["version"], "1.0.2");
    let output = &session["results"]["output_0"];
    assert_eq!(output["status"], "review");
    assert_eq!(output["type"], "table");
    assert_eq!(output["properties"]["mitigation"], "suppression");
    assert_eq!(output["files"][0]["name"], "output_0_0.csv");
    assert_eq!(output["fair"]["independent"], json!(["sex", "area"]));
    let summary = &output["files"][0]["sdc"]["summary"];
    assert_eq!(summary["MinimumThresholdCheck"], 1);
    // A rule that is off is not said to have passed.
    assert!(summary["NKCheck"].is_null() && output["fair"]["check_status"]["NKCheck"].is_null());
    let table = fs::read_to_string(at("output_0_0.csv")).unwrap();
    let lines: Vec<&str> = table.lines().collect();
    assert_eq!(lines[0], "sex,area,people");
    assert!(
        lines.contains(&"F,A,12") && !table.contains(",3"),
        "{table}"
    );
    // Where the file holds the cell, acro's viewer is told its row and its column behind the first.
    for place in output["files"][0]["sdc"]["cells"]["MinimumThresholdCheck"]
        .as_array()
        .unwrap()
    {
        let row = place[0].as_u64().unwrap() as usize;
        assert!(lines[1 + row].starts_with("M,A,"), "{table}");
        assert_eq!(place[1], 1);
    }
    for name in ["results.json", "output_0_0.csv"] {
        let sum = fs::read_to_string(at("checksums").join(format!("{name}.txt"))).unwrap();
        assert_eq!(sum, sha256(&fs::read(at(name)).unwrap()), "{name}");
    }
    // Nothing that was written before is written over.
    assert_eq!(strongroom(folder.path(), &words).status.code(), Some(2));
    heard(folder.path());
}

/// Given back as finished files, it is told what it says, and not believed.
fn heard(folder: &Path) {
    let output = strongroom(folder, &["session/results.json", "session/output_0_0.csv"]);
    assert_eq!(output.status.code(), Some(1));
    let said: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(said["verdict"], "review", "{said}");
    let said = said["findings"].to_string();
    for words in [
        "1 outputs that acro calls review",
        "1 cells that MinimumThresholdCheck of acro flags",
        "1 files that belong to it",
    ] {
        assert!(said.contains(words), "{words}: {said}");
    }
}
