//! Survival curves through `strongroom check --model`: no death and no loss of a single person is seen.

use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::{Value, json};

use crate::support::program;

/// Weeks of remission of children who took 6-mercaptopurine and of others who took a placebo (Freireich et al. 1963, as
/// in Cox 1972), with + where it had not ended.
const TREATED: &str = "6 6 6 6+ 7 9+ 10 10+ 11+ 13 16 17+ 19+ 20+ 22 23 25+ 32+ 32+ 34+ 35+";
const PLACEBO: &str = "1 1 2 2 3 4 4 5 5 8 8 8 8 11 11 12 12 15 17 22 23";

const CURVE: &str = "family = \"kaplan_meier\"\ntable = \"t\"\ntime = \"weeks\"\nevent = \"relapse\"\n\
    strata = [\"arm\"]\nevery = 1\n";

fn policy(minimum: u64) -> String {
    format!(
        "name = \"p\"\n[threshold]\nminimum = {minimum}\nzero = \"safe\"\n[differencing]\nminimum = {minimum}\n"
    )
}

/// The children, without some of them.
fn children(folder: &Path, without: &[usize]) {
    let mut csv = String::from("child,weeks,relapse,arm\n");
    let arms = [("6-MP", TREATED), ("placebo", PLACEBO)];
    let all = arms
        .iter()
        .flat_map(|(arm, weeks)| weeks.split(' ').map(move |one| (arm, one)));
    for (n, (arm, weeks)) in all.enumerate().filter(|(n, _)| !without.contains(n)) {
        let relapse = u32::from(!weeks.ends_with('+'));
        writeln!(csv, "c{n},{},{relapse},{arm}", weeks.trim_end_matches('+')).unwrap();
    }
    fs::write(folder.join("t.csv"), csv).unwrap();
}

fn run(folder: &Path, curve: &str, policy: &str, more: &[&str]) -> Output {
    fs::write(folder.join("curve.toml"), curve).unwrap();
    fs::write(folder.join("policy.toml"), policy).unwrap();
    let mut command = Command::new(program("strongroom"));
    command
        .current_dir(folder)
        .args(["check", "--data", "t.csv", "--unit", "child"])
        .args(["--policy", "policy.toml", "--model", "curve.toml"])
        .args(more);
    command.output().unwrap()
}

fn check(folder: &Path, curve: &str, policy: &str, more: &[&str]) -> Value {
    let output = run(folder, curve, policy, more);
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(matches!(output.status.code(), Some(0 | 1)), "{told}");
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(output.status.code() == Some(0), report["verdict"] == "pass");
    report
}

/// Estimates as printed everywhere (Klein and Moeschberger 2003, table 4.1; R's `survdiff`): where no rule is on they
/// leave, and their tables are found to have single people where one is.
#[test]
fn without_a_threshold_the_curve_is_the_one_in_print() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    children(folder, &[]);
    let report = check(folder, CURVE, "name = \"none\"\n", &[]);
    assert_eq!(report["verdict"], "pass", "{report}");
    let outputs = report["outputs"].as_array().unwrap();
    let class = |class: &str| outputs.iter().find(|one| one["class"] == class).unwrap();
    let rows = class("survival")["rows"].as_array().unwrap().iter();
    let treated: Vec<(i64, i64, String, String)> = rows
        .filter(|row| row[0] == "6-MP")
        .map(|row| {
            let rounded = |at: usize| format!("{:.4}", row[at].as_f64().unwrap());
            (
                row[1].as_i64().unwrap(),
                row[2].as_i64().unwrap(),
                rounded(5),
                rounded(6),
            )
        })
        .collect();
    let printed = [
        (6, 21, "0.8571", "0.0764"),
        (7, 17, "0.8067", "0.0869"),
        (10, 15, "0.7529", "0.0963"),
        (13, 12, "0.6902", "0.1068"),
        (16, 11, "0.6275", "0.1141"),
        (22, 7, "0.5378", "0.1282"),
        (23, 6, "0.4482", "0.1346"),
    ];
    let printed = printed.map(|(time, n, s, e)| (time, n, s.to_owned(), e.to_owned()));
    assert_eq!(treated, printed);
    assert_eq!(
        class("survival_summary")["rows"],
        json!([["6-MP", 21, 9, 23, 23], ["placebo", 21, 21, 23, 8]])
    );
    assert_eq!(class("log_rank")["rows"], json!([[16.8, 1, 4.17e-5]]));
}

/// With a threshold of four each step has four relapses, and four who are lost or none.
#[test]
fn steps_are_merged_until_nobody_is_seen_and_the_tables_behind_them_are_judged() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    children(folder, &[]);
    let report = check(folder, CURVE, &policy(4), &[]);
    assert_eq!(report["verdict"], "pass", "{report}");
    let outputs = report["outputs"].as_array().unwrap();
    let told: Vec<Vec<i64>> = outputs[0]["rows"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|row| row[0] == "6-MP")
        .map(|row| (1..5).map(|at| row[at].as_i64().unwrap()).collect())
        .collect();
    assert_eq!(told, [[10, 21, 5, 4], [23, 12, 4, 8]]);
    let behind = outputs.iter().filter(|one| one["class"] == "behind");
    assert_eq!(behind.count(), 6);
    // With one of ten 6-MP has nine relapses and no step, and the placebo's curve leaves alone.
    let ten = check(folder, CURVE, &policy(10), &[]);
    assert_eq!(ten["verdict"], "treat", "{ten}");
    let rows = ten["outputs"][0]["treated_rows"].as_array().unwrap();
    assert!(
        !rows.is_empty() && rows.iter().all(|row| row[0] == "placebo"),
        "{ten}"
    );
    let none = check(folder, CURVE, &policy(22), &[]);
    assert_eq!(none["verdict"], "fail", "{none}");
}

/// What an attacker does who asks twice: the same curve without one child, or without two, after it was released.
#[test]
fn a_curve_of_a_child_fewer_does_not_leave_after_it() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    children(folder, &[]);
    let first = check(folder, CURVE, &policy(4), &["--record", "released"]);
    assert_eq!(first["verdict"], "pass", "{first}");
    let again = check(folder, CURVE, &policy(4), &["--against", "released"]);
    assert_eq!(again["verdict"], "pass", "{again}");
    for without in [vec![3], vec![5], vec![20], vec![25], vec![41], vec![0, 30]] {
        children(folder, &without);
        let fewer = check(folder, CURVE, &policy(4), &["--against", "released"]);
        assert_eq!(fewer["verdict"], "fail", "{without:?}: {fewer}");
        assert!(
            fewer["outputs"].to_string().contains("differencing"),
            "{without:?}"
        );
    }
    // A count beside it is compared as well.
    children(folder, &[]);
    let count = [
        "check",
        "--data",
        "t.csv",
        "--unit",
        "child",
        "--policy",
        "policy.toml",
    ];
    for (weeks, verdict) in [(6, "pass"), (9, "fail")] {
        let sql = format!("select count(*) as n from t where weeks > {weeks} and arm = '6-MP'");
        let output = Command::new(program("strongroom"))
            .current_dir(folder)
            .args(count)
            .args(["--sql", &sql, "--against", "released"])
            .output()
            .unwrap();
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(report["verdict"], verdict, "{report}");
    }
}

#[test]
fn a_curve_that_cannot_be_drawn_ends_in_one_sentence() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    children(folder, &[]);
    for (from, to, says) in [
        ("weeks", "months", "no column named months"),
        ("relapse", "arm", "named twice"),
        ("every = 1", "every = 0", "every"),
        ("every = 1", "every = 0.1", "curve_bands"),
        ("every = 1", "evry = 1", "evry"),
        ("arm", "child", "tells people apart"),
    ] {
        let output = run(folder, &CURVE.replace(from, to), &policy(4), &[]);
        let told = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{told}");
        assert!(
            told.contains(says) && told.trim().lines().count() == 1,
            "{told}"
        );
    }
    fs::write(
        folder.join("t.csv"),
        "child,weeks,relapse,arm\nc1,1,1,a\nc1,2,0,a\n",
    )
    .unwrap();
    let output = run(folder, CURVE, &policy(4), &[]);
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(told.contains("one row a person"), "{told}");
}
