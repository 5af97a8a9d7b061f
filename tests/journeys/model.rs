//! Regressions through `strongroom check --model`: what the usual rule passes and must not leave.

use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::{Value, json};

use crate::support::program;

const POLICY: &str = "name = \"ten\"\n[threshold]\nminimum = 10\n[dominance]\nn = 2\nk = 0.9\n\
    [degrees_of_freedom]\nminimum = 10\n[differencing]\nminimum = 10\n";

/// 400 people: stay in days, age, sex, ward (four people in one of them), whether they died, what six were not asked,
/// how far they live (one of them a million times farther).
fn people(folder: &Path) {
    let mut csv = String::from("person,stay,age,sex,ward,died,asked,far\n");
    for n in 0..400_u32 {
        let ward = match n {
            0..4 => "south",
            _ => ["north", "west", "east"][(n % 3) as usize],
        };
        let asked = match n % 67 {
            0 => String::new(),
            _ => (n % 5).to_string(),
        };
        let age = 20 + n * 7 % 70;
        let far = if n == 7 { 1_000_000 } else { n * 3 % 41 };
        writeln!(
            csv,
            "p{n},{},{age},{},{ward},{},{asked},{far}",
            age / 10 + n * 13 % 11,
            ["F", "M"][(n % 2) as usize],
            u32::from(n * 31 % 97 < 30),
        )
        .unwrap();
    }
    fs::write(folder.join("t.csv"), csv).unwrap();
    fs::write(folder.join("policy.toml"), POLICY).unwrap();
}

fn run(folder: &Path, family: &str, outcome: &str, terms: &[&str], more: &[&str]) -> Output {
    let model =
        format!("family = {family:?}\ntable = \"t\"\noutcome = {outcome:?}\nterms = {terms:?}\n");
    fs::write(folder.join("model.toml"), model).unwrap();
    let mut command = Command::new(program("strongroom"));
    command
        .current_dir(folder)
        .args(["check", "--data", "t.csv", "--unit", "person"]);
    command
        .args(["--policy", "policy.toml", "--model", "model.toml"])
        .args(more);
    command.output().unwrap()
}

fn check(folder: &Path, family: &str, outcome: &str, terms: &[&str], more: &[&str]) -> Value {
    let output = run(folder, family, outcome, terms, more);
    let told = String::from_utf8_lossy(&output.stderr);
    let code = output.status.code();
    assert!(matches!(code, Some(0 | 1)), "{told}");
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(code == Some(0), report["verdict"] == "pass");
    report
}

fn rules(report: &Value) -> Vec<&str> {
    let findings = report["findings"].as_array().unwrap().iter();
    findings
        .filter_map(|found| found["rule"].as_str())
        .collect()
}

#[test]
fn a_regression_leaves_where_its_design_and_its_tables_are_safe() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    people(folder);
    let fine = check(folder, "linear", "stay", &["age", "sex"], &[]);
    assert_eq!(fine["verdict"], "pass", "{fine}");
    let output = &fine["outputs"][0];
    assert_eq!(output["class"], "regression");
    assert_eq!(output["columns"], json!(["term", "estimate", "std_error"]));
    let terms: Vec<&Value> = output["rows"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| &row[0])
        .collect();
    assert_eq!(terms, ["(intercept)", "age", "sex=M"]);
    // By sex the tables behind it.
    assert_eq!(fine["outputs"][2]["class"], "behind");
    assert_eq!(fine["outputs"][2]["cells"][0]["people"], 200);

    // Four people of a ward, and 396 degrees of freedom.
    let few = check(folder, "linear", "stay", &["age", "ward"], &[]);
    assert_eq!(few["verdict"], "fail", "{few}");
    // One far from all others draws the line through themselves.
    let far = check(folder, "linear", "stay", &["age", "far"], &[]);
    assert_eq!(
        (&far["verdict"], rules(&far)),
        (&json!("fail"), vec!["dominance"]),
        "{far}"
    );
    let [died, ward] = ["sex", "ward"].map(|term| check(folder, "logistic", "died", &[term], &[]));
    assert_eq!(
        (&died["verdict"], &ward["verdict"]),
        (&json!("pass"), &json!("fail")),
        "{ward}"
    );
}

/// Six people were not asked: with their answers in it the model is of six people fewer, and beside the other one it
/// tells of those six.
#[test]
fn two_models_that_differ_by_few_people_do_not_both_leave() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    people(folder);
    let alone = check(folder, "linear", "stay", &["age", "asked"], &[]);
    assert_eq!(alone["verdict"], "pass", "{alone}");
    // One that fails is not kept as released.
    let far = check(
        folder,
        "linear",
        "stay",
        &["age", "far"],
        &["--record", "released"],
    );
    assert_eq!(far["verdict"], "fail");
    assert!(!folder.join("released").exists());
    let first = check(
        folder,
        "linear",
        "stay",
        &["age"],
        &["--record", "released"],
    );
    assert_eq!(first["verdict"], "pass", "{first}");
    let again = check(
        folder,
        "linear",
        "stay",
        &["age"],
        &["--against", "released"],
    );
    assert_eq!(again["verdict"], "pass", "{again}");
    let fewer = check(
        folder,
        "linear",
        "stay",
        &["age", "asked"],
        &["--against", "released"],
    );
    assert_eq!(fewer["verdict"], "fail", "{fewer}");
    let told = fewer["outputs"].to_string();
    assert!(
        told.contains("differencing") && told.contains("6 people"),
        "{told}"
    );
}

#[test]
fn a_model_that_cannot_be_fitted_ends_in_one_sentence() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    people(folder);
    for (family, outcome, terms, says) in [
        ("cox", "stay", vec!["age"], "the model is not valid"),
        (
            "linear",
            "stay",
            vec!["stay"],
            "comes twice or is the outcome",
        ),
        ("linear", "stay", vec!["height"], "no column named height"),
        ("linear", "sex", vec!["age"], "is no number"),
        ("logistic", "stay", vec!["age"], "0 and 1"),
        ("linear", "stay", vec!["person"], "tells people apart"),
    ] {
        let output = run(folder, family, outcome, &terms, &[]);
        assert_eq!(output.status.code(), Some(2));
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(
            told.contains(says) && told.trim().lines().count() == 1,
            "{told}"
        );
    }
}
