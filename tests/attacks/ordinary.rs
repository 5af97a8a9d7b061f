//! What an analyst writes on an ordinary day: every statement of `ordinary/` works behind the walls and
//! gives the answer that a plain DuckDB gives, in DuckDB's own text.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use super::{plain, table};
use crate::support::program;

/// Two tables whose values follow from their row numbers.
fn data(folder: &Path) -> Vec<(&'static str, PathBuf)> {
    let mut people = String::from("person,sex,born,district,score\n");
    let mut stays = String::from("person,admitted,hospital,days,cost,note\n");
    let mut state: u64 = 7;
    let mut next = |most: u64| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % most
    };
    for person in 0..1_000 {
        let sex = ["f", "m"][next(2) as usize];
        let born = format!(
            "{}-{:02}-{:02}",
            1930 + next(80),
            1 + next(12),
            1 + next(28)
        );
        writeln!(
            people,
            "{person},{sex},{born},D{},{}.{}",
            next(9),
            next(100),
            next(1_000)
        )
        .unwrap();
    }
    for _ in 0..2_000 {
        let admitted = format!("{}-{:02}-{:02}", 2019 + next(5), 1 + next(12), 1 + next(28));
        let hospital = ["North", "South", "East", "St Mary"][next(4) as usize];
        let note = ["", "flu-12", "fall-7", "flu-3"][next(4) as usize];
        let days = next(15);
        let cost = days * 250 + next(1_000);
        writeln!(
            stays,
            "{},{admitted},{hospital},{days},{cost}.5,{note}",
            next(900)
        )
        .unwrap();
    }
    [("people", people), ("stays", stays)]
        .into_iter()
        .map(|(name, text)| {
            let path = folder.join(format!("{name}.csv"));
            fs::write(&path, text).unwrap();
            (name, path)
        })
        .collect()
}

/// Whether a value of the product says what the engine's own text says.
fn same(ours: &Value, text: &Value) -> bool {
    let Some(text) = text.as_str() else {
        return ours.is_null();
    };
    match ours {
        Value::Bool(ours) => text == ours.to_string(),
        Value::Number(ours) => {
            text == ours.to_string() || text.parse::<f64>().ok() == ours.as_f64()
        }
        // JSON has no such numbers; their text is that of JavaScript.
        Value::String(ours) => {
            ours == text
                || matches!(
                    (ours.as_str(), text),
                    ("NaN", "nan") | ("Infinity", "inf") | ("-Infinity", "-inf")
                )
        }
        _ => false,
    }
}

fn same_rows(ours: &Value, plain: &Value) -> bool {
    let (Some(ours), Some(plain)) = (ours.as_array(), plain.as_array()) else {
        return false;
    };
    ours.len() == plain.len()
        && ours.iter().zip(plain).all(|(ours, plain)| {
            let (Some(ours), Some(plain)) = (ours.as_array(), plain.as_array()) else {
                return false;
            };
            ours.len() == plain.len() && ours.iter().zip(plain).all(|(a, b)| same(a, b))
        })
}

#[test]
fn an_analysts_statements_get_duckdbs_own_answers() {
    are_answered_alike("ordinary/analysis.sql");
}

#[test]
fn an_analysts_other_statements_get_duckdbs_own_answers() {
    are_answered_alike("ordinary/more.sql");
}

fn are_answered_alike(table: &str) {
    let folder = tempfile::tempdir().unwrap();
    let data = data(folder.path());
    let cases = table::read(table).cases;
    assert!(cases.len() >= 40);
    let mut wrong = Vec::new();
    let database = folder.path().join("plain.duckdb");
    let files: Vec<(&str, &Path)> = data
        .iter()
        .map(|(name, path)| (*name, path.as_path()))
        .collect();
    let statements: Vec<String> = cases
        .iter()
        .flat_map(|case| case.statements())
        .map(str::to_owned)
        .collect();
    // The zone of the product; a plain engine takes that of its machine.
    plain::run(&database, &files, &[]);
    let mut session = vec!["set TimeZone = 'UTC'".to_owned()];
    session.extend(statements.iter().cloned());
    let plain = plain::run(&database, &[], &session).split_off(1);
    let file = folder.path().join("statements.sql");
    // A line end first: a comment at the end takes no semicolon with it.
    fs::write(&file, statements.join("\n;\n")).unwrap();
    let mut command = Command::new(program("strongroom"));
    command.arg("sql").arg("--sql-file").arg(&file);
    for (_, path) in &data {
        command.arg("--data").arg(path);
    }
    let output = command.output().unwrap();
    let ours: Vec<Value> = String::from_utf8_lossy(&output.stdout)
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let names = cases.iter().flat_map(|case| {
        case.statements()
            .into_iter()
            .map(move |sql| (&case.name, sql.to_owned()))
    });
    assert_eq!(
        (ours.len(), plain.len()),
        (statements.len(), statements.len())
    );
    for (((name, sql), ours), plain) in names.zip(&ours).zip(&plain) {
        let ran = ours["ok"] == true && plain["ok"] == true && ours["truncated"] == false;
        // Without rows there it was no table: that it ran is all.
        if !ran || !(plain["rows"].is_null() || same_rows(&ours["rows"], &plain["rows"])) {
            wrong.push(format!("{name}: {sql}\n  ours  {ours}\n  plain {plain}"));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} differ:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

#[test]
fn a_different_answer_is_found() {
    let value = |text: &str| serde_json::from_str::<Value>(text).unwrap();
    for (ours, plain, so) in [
        ("[[1, null, true]]", r#"[["1", null, "true"]]"#, true),
        ("[[0.1]]", r#"[["0.1"]]"#, true),
        (r#"[["NaN"]]"#, r#"[["nan"]]"#, true),
        ("[[0.1]]", r#"[["0.10000001"]]"#, false),
        ("[[null]]", r#"[[""]]"#, false),
        ("[[1]]", r#"[["1"], ["1"]]"#, false),
        ("[[1]]", r#"[["1", "1"]]"#, false),
        (r#"[["a"]]"#, r#"[["A"]]"#, false),
        ("null", "null", false),
    ] {
        assert_eq!(same_rows(&value(ours), &value(plain)), so, "{ours} {plain}");
    }
}
