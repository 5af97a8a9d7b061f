//! The first things that anybody would try, with the exit codes of the command.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::support::program;

/// Runs statements over one small table `t`. Gives the exit code and a line for each.
fn run(folder: &Path, sql: &str) -> (Option<i32>, Vec<Value>) {
    let data = folder.join("t.csv");
    fs::write(&data, "a,b\n1,x\n2,y\n3,x\n").unwrap();
    let statements = folder.join("statements.sql");
    fs::write(&statements, sql).unwrap();
    let output = Command::new(program("strongroom"))
        .arg("sql")
        .arg("--data")
        .arg(&data)
        .arg("--sql-file")
        .arg(&statements)
        .output()
        .unwrap();
    let lines = String::from_utf8_lossy(&output.stdout)
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    (output.status.code(), lines)
}

/// What it does not hold, nobody who breaks it can use.
#[test]
fn the_program_for_statements_asks_the_loader_for_no_cryptography_and_the_one_that_judges_for_no_engine()
 {
    let asks = |name: &str, library: &[u8]| {
        let program = fs::read(program("strongroom").with_file_name(name)).unwrap();
        program.windows(library.len()).any(|part| part == library)
    };
    for (library, worker, query, judge) in [
        (&b"libcrypto.so"[..], true, false, false),
        (&b"libduckdb.so"[..], true, true, false),
    ] {
        assert_eq!(asks("strongroom-worker", library), worker);
        assert_eq!(asks("strongroom-query", library), query);
        assert_eq!(asks("strongroom-judge", library), judge);
    }
}

#[test]
fn ordinary_statements_are_answered() {
    let folder = tempfile::tempdir().unwrap();
    let (code, lines) = run(
        folder.path(),
        "select sum(a) as s from t; select b, count(*) as n from t group by b order by b; \
         select a from t where b = 'none'",
    );
    assert_eq!(code, Some(0), "{lines:?}");
    let rows: Vec<&Value> = lines.iter().map(|l| &l["rows"]).collect();
    assert_eq!(
        rows,
        [&json!([[6]]), &json!([["x", 2], ["y", 1]]), &json!([])]
    );
}

#[test]
fn nothing_reaches_out() {
    let folder = tempfile::tempdir().unwrap();
    let inside = folder.path().join("secret.txt");
    fs::write(&inside, "Zzyzx\n").unwrap();
    let secret = inside.display();
    let out = folder.path().join("out");
    let target = out.display();
    let attacks = [
        "select * from read_csv('/etc/passwd')".to_owned(),
        format!("select * from read_csv('{secret}')"),
        format!("select * from '{secret}'"),
        "select * from '/etc/passwd.csv'".to_owned(),
        "select * from read_text('/etc/passwd')".to_owned(),
        format!("select * from read_text('{secret}')"),
        "select * from read_blob('/proc/self/environ')".to_owned(),
        "select * from read_parquet('/in/*')".to_owned(),
        "select * from read_json('/etc/passwd')".to_owned(),
        "select * from glob('/*')".to_owned(),
        "select * from glob('/in/*')".to_owned(),
        "select * from sniff_csv('/etc/passwd')".to_owned(),
        format!("copy t to '{target}'"),
        format!("copy (select * from t) to '{target}' (format parquet)"),
        "copy t from '/etc/passwd'".to_owned(),
        format!("export database '{target}'"),
        format!("import database '{target}'"),
        "install httpfs".to_owned(),
        "load httpfs".to_owned(),
        "load '/tmp/x.duckdb_extension'".to_owned(),
        format!("attach '{target}'"),
        "attach '/tmp/y.db' as y".to_owned(),
        "set enable_external_access = true".to_owned(),
        "set lock_configuration = false".to_owned(),
        "reset enable_external_access".to_owned(),
        "set memory_limit = '100GB'".to_owned(),
        "set temp_directory = '/tmp'".to_owned(),
        format!("set profiling_output = '{target}'"),
        "select getenv('HOME')".to_owned(),
        "select * from read_csv('http://127.0.0.1:1/x.csv')".to_owned(),
        "select * from 'https://example.org/x.parquet'".to_owned(),
        "select * from read_csv('/dev/stdin')".to_owned(),
        "create secret s (type s3, key_id 'x', secret 'y')".to_owned(),
    ];
    // After each attack something ordinary, so that a worker that died would show.
    let sql: String = attacks
        .iter()
        .map(|attack| format!("{attack};\nselect 41 + 1 as a;\n"))
        .collect();
    let (code, lines) = run(folder.path(), &sql);
    assert_eq!(code, Some(1), "{lines:?}");
    assert_eq!(lines.len(), 2 * attacks.len(), "{lines:?}");
    let mut wrong = Vec::new();
    for (attack, pair) in attacks.iter().zip(lines.chunks(2)) {
        if pair[0]["ok"] != json!(false) || pair[0].get("rows").is_some() {
            wrong.push(format!("{attack}: {}", pair[0]));
        }
        assert_eq!(pair[1]["rows"], json!([[42]]), "after {attack}");
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let all = lines.iter().map(ToString::to_string).collect::<String>();
    assert!(!all.contains("Zzyzx") && !all.contains("root:"), "{all}");
    assert!(!out.exists(), "a statement wrote a file");
}

#[test]
fn a_statement_that_takes_all_memory_ends_alone() {
    let folder = tempfile::tempdir().unwrap();
    let (code, lines) = run(
        folder.path(),
        "select length(string_agg(i::varchar || repeat('y', 10000), '')) as n from range(2000000) t(i);
         select sum(a) as s from t;",
    );
    assert_eq!(code, Some(1), "{lines:?}");
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert_eq!(lines[0]["ok"], json!(false), "{lines:?}");
    assert!(
        lines[0].get("killed").is_some() || lines[0].get("error").is_some(),
        "{lines:?}"
    );
    assert_eq!(lines[1]["rows"], json!([[6]]), "{lines:?}");
}

#[test]
fn one_bad_call_has_exit_code_one_and_no_row() {
    let folder = tempfile::tempdir().unwrap();
    let (code, lines) = run(folder.path(), "select * from read_csv('/etc/passwd')");
    assert_eq!(code, Some(1));
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert_eq!(lines[0]["ok"], json!(false));
    assert!(lines[0].get("rows").is_none());
}
