//! Ways around differential privacy, tried through the built programs: what a request may not learn.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::{Value, json};

use crate::support::{long, program};

fn dp(folder: &Path, act: &str, request: &Value, more: &[&str]) -> Output {
    let path = folder.join("request.json");
    fs::write(&path, request.to_string()).unwrap();
    Command::new(program("strongroom"))
        .current_dir(folder)
        .args(["dp", act, "request.json"])
        .args(more)
        .output()
        .unwrap()
}

fn price(folder: &Path, request: &Value) -> Value {
    let output = dp(folder, "price", request, &[]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// The first statistic of the first group in every draw.
fn draws(folder: &Path, request: &Value, data: &[&str], n: u32) -> Vec<f64> {
    let n = n.to_string();
    let mut more = vec!["--unit", "who", "--repeat", &n];
    for file in data {
        more.extend(["--data", file]);
    }
    let output = dp(folder, "measure", request, &more);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .map(|line| {
            let line: Value = serde_json::from_str(line).unwrap();
            let values = line["rows"][0]["values"].as_object().unwrap().clone();
            values.values().next().unwrap()["value"].as_f64().unwrap()
        })
        .collect()
}

fn mean(of: &[f64]) -> f64 {
    of.iter().sum::<f64>() / of.len() as f64
}

fn count() -> Value {
    json!({"table": "visits", "statistics": ["count"], "linf": 1, "rho": 0.5})
}

fn visits(folder: &Path, rows: &str) {
    fs::write(folder.join("visits.csv"), format!("who,g,x\n{rows}")).unwrap();
}

#[test]
fn a_price_opens_no_data_file() {
    let folder = tempfile::tempdir().unwrap();
    let told = price(folder.path(), &count());
    assert_eq!(told["nano_rho"], 500_000_000);
    // A file that is not there, and a folder that nobody may read, change nothing.
    let more = ["--data", "/nowhere/at-all.csv", "--unit", "who"];
    let output = dp(folder.path(), "price", &count(), &more);
    let other: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(told, other);
}

#[test]
fn one_release_carries_its_price_and_every_draw_is_another() {
    let folder = tempfile::tempdir().unwrap();
    visits(folder.path(), "a,n,1\nb,n,2\n");
    let output = dp(
        folder.path(),
        "measure",
        &count(),
        &["--data", "visits.csv", "--unit", "who"],
    );
    let release: Value = serde_json::from_slice(&output.stdout).unwrap();
    for field in [
        "request_sha256",
        "words",
        "nano_rho",
        "atto_delta",
        "epsilon",
        "rows",
    ] {
        assert!(release.get(field).is_some(), "{field} in {release}");
    }
    let all = draws(folder.path(), &count(), &["visits.csv"], 300);
    assert_eq!(all.len(), 300);
    assert!((mean(&all) - 2.0).abs() < 0.5, "{}", mean(&all));
    assert!(all.iter().any(|x| *x < 2.0) && all.iter().any(|x| *x > 2.0));
}

#[test]
fn a_person_with_a_thousand_rows_counts_like_any_other() {
    let folder = tempfile::tempdir().unwrap();
    let mut rows = "a,n,1\n".repeat(1_000);
    rows.push_str("b,n,1\n");
    visits(folder.path(), &rows);
    let all = draws(folder.path(), &count(), &["visits.csv"], 400);
    assert!((mean(&all) - 2.0).abs() < 0.4, "{}", mean(&all));
}

#[test]
fn a_join_with_copies_does_not_inflate_a_person() {
    let folder = tempfile::tempdir().unwrap();
    visits(folder.path(), &"a,n,1\n".repeat(50));
    fs::copy(
        folder.path().join("visits.csv"),
        folder.path().join("copy.csv"),
    )
    .unwrap();
    let request = json!({"table": "visits", "join": ["copy"], "statistics": ["count"], "linf": 2, "rho": 0.5});
    let all = draws(folder.path(), &request, &["visits.csv", "copy.csv"], 400);
    assert!((mean(&all) - 2.0).abs() < 0.8, "{}", mean(&all));
    // The same table under its own name twice is refused.
    let twice = json!({"table": "visits", "join": ["visits"], "statistics": ["count"], "linf": 1, "rho": 0.5});
    assert_eq!(
        dp(folder.path(), "price", &twice, &[]).status.code(),
        Some(2)
    );
}

#[test]
fn missing_and_odd_numbers_of_one_person_move_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let request = json!({"table": "visits", "linf": 1, "rho": 0.5,
        "statistics": [{"statistic": "sum", "column": "x", "bounds": [0, 1]}]});
    for odd in [
        "",
        "NaN",
        "inf",
        "-inf",
        "1e400",
        "99999999999999999999",
        "12x",
    ] {
        visits(folder.path(), &format!("a,n,0\nb,n,{odd}\n"));
        let all = draws(folder.path(), &request, &["visits.csv"], 400);
        // Within one person's share, which is 1; a number above the bounds counts as the bound.
        let most = if odd.starts_with('9') { 1.3 } else { 0.3 };
        assert!(mean(&all).abs() < most, "{odd}: {}", mean(&all));
    }
}

#[test]
fn groups_come_from_the_request_and_never_from_the_data() {
    let folder = tempfile::tempdir().unwrap();
    visits(folder.path(), "a,n,1\nb,Zzyzx,1\nc,,1\n");
    let request = json!({"table": "visits", "group_by": [{"column": "g", "values": ["n", "nobody"]}],
        "statistics": ["count"], "l0": 1, "linf": 1, "rho": 0.5});
    let output = dp(
        folder.path(),
        "measure",
        &request,
        &["--data", "visits.csv", "--unit", "who"],
    );
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(!text.contains("Zzyzx"), "{text}");
    let release: Value = serde_json::from_str(&text).unwrap();
    let groups: Vec<&Value> = release["rows"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| &row["group"]["g"])
        .collect();
    assert_eq!(
        groups,
        [&json!("n"), &json!("nobody")],
        "a group without people has its row"
    );
}

#[test]
fn respellings_have_one_name_and_other_questions_their_own_price() {
    let folder = tempfile::tempdir().unwrap();
    let name = |request: &Value| price(folder.path(), request)["request_sha256"].clone();
    let one = json!({"table": "visits", "filter": [{"column": "x", "op": ">=", "value": 1}, {"column": "g", "op": "=", "value": "n"}],
        "statistics": [{"statistic": "mean", "column": "x", "bounds": [0, 1]}, "count"], "linf": 1, "rho": 0.5});
    let other = json!({"rho": 0.50, "contribution": {"linf": 1}, "statistics": [{"stat": "rows"}, {"kind": "avg", "of": "x", "lower": 0.0, "upper": 1e0}],
        "where": [{"column": "g", "op": "==", "value": "n"}, {"column": "x", "op": "gte", "value": [1.0]}, {"column": "g", "op": "eq", "value": "n"}], "from": "visits"});
    assert_eq!(name(&one), name(&other));
    // Overlapping groups and many small questions are questions of their own: nothing is free.
    let mut names = std::collections::BTreeSet::new();
    let mut spent = 0;
    for from in 0..5 {
        let small = json!({"table": "visits", "filter": {"column": "x", "op": ">=", "value": from},
            "statistics": ["count"], "linf": 1, "rho": 0.000001});
        let told = price(folder.path(), &small);
        names.insert(told["request_sha256"].to_string());
        spent += told["nano_rho"].as_u64().unwrap();
    }
    assert_eq!((names.len(), spent), (5, 5_000));
    let less = json!({"table": "visits", "statistics": ["count"], "linf": 1, "rho": 0.0000001});
    let refused = dp(folder.path(), "price", &less, &[]);
    assert!(
        said(&refused).contains("smallest charge"),
        "{}",
        said(&refused)
    );
}

#[test]
fn a_refusal_is_the_same_whatever_the_data_hold() {
    let folder = tempfile::tempdir().unwrap();
    let request = json!({"table": "visits", "statistics": [{"statistic": "mean", "column": "none", "bounds": [0, 1]}], "linf": 1, "rho": 0.5});
    let mut sentences = std::collections::BTreeSet::new();
    for rows in ["z,,\n", "a,n,1\n", "a,n,inf\nb,,\n"] {
        visits(folder.path(), rows);
        let output = dp(
            folder.path(),
            "measure",
            &request,
            &["--data", "visits.csv", "--unit", "who"],
        );
        assert_eq!(output.status.code(), Some(2));
        assert!(output.stdout.is_empty());
        sentences.insert(said(&output));
    }
    assert_eq!(sentences.len(), 1, "{sentences:?}");
}

/// Neighbouring files through the whole of the program: the share of answers at or above each value differs
/// by no more than the claim, and a claim of a quarter of the price would be contradicted.
#[test]
fn releases_over_neighbouring_files_keep_the_claim() {
    let folder = tempfile::tempdir().unwrap();
    let n = if long() { 20_000 } else { 4_000 };
    let rows: String = (0..20).map(|at| format!("p{at},n,1\n")).collect();
    visits(folder.path(), &rows);
    let without = draws(folder.path(), &count(), &["visits.csv"], n);
    visits(folder.path(), &format!("{rows}{}", "q,n,1\n".repeat(30)));
    let with = draws(folder.path(), &count(), &["visits.csv"], n);
    // Rho 0.5 is Gaussian noise of scale 1: at any cut, the two shares are those of two normal
    // distributions one apart. delta(epsilon) by Canonne, Kamath and Steinke 2020.
    let delta_of = |rho: f64, epsilon: f64| {
        (1..2_000)
            .map(|step| {
                let order = 1.0 + f64::from(step) * 0.05;
                ((order - 1.0) * (order * rho - epsilon) + order * (1.0 - 1.0 / order).ln()).exp()
                    / (order - 1.0)
            })
            .fold(1.0, f64::min)
    };
    let share =
        |of: &[f64], cut: f64| of.iter().filter(|x| **x >= cut).count() as f64 / f64::from(n);
    let slack = 4.0 * (0.25 / f64::from(n)).sqrt();
    let worst = |rho: f64| {
        (15..30)
            .flat_map(|cut| {
                let (a, b) = (
                    share(&with, f64::from(cut)),
                    share(&without, f64::from(cut)),
                );
                [0.5, 1.0, 1.5, 2.0]
                    .map(|epsilon: f64| a - epsilon.exp() * b - delta_of(rho, epsilon))
            })
            .fold(f64::MIN, f64::max)
    };
    assert!(worst(0.5) < slack, "{}", worst(0.5));
    assert!(
        worst(0.125) > 0.0,
        "the audit sees a claim of a quarter: {}",
        worst(0.125)
    );
}
