use std::path::Path;

use super::*;
use crate::{Caps, Outcome};

pub(crate) fn settings(folder: &Path) -> Settings {
    Settings {
        memory_mib: 2500,
        threads: 2,
        spill: folder.join("spill"),
        spill_mib: 64,
    }
}

const CAPS: Caps = Caps {
    rows: 100,
    columns: 10,
    cell_bytes: 1000,
    result_bytes: 100_000,
};

fn extract(folder: &Path) -> PathBuf {
    let path = folder.join("extract.duckdb");
    let db = duckdb::Connection::open(&path).unwrap();
    db.execute_batch("create table care as select 'p1' person, 42 age")
        .unwrap();
    path
}

#[track_caller]
fn refused(connection: &Connection, sql: &str) {
    match connection.run(sql, &CAPS) {
        Outcome::Error(_) => {}
        other => panic!("{sql} gave {other:?}"),
    }
}

#[test]
fn nothing_outside_can_be_reached() {
    let folder = tempfile::tempdir().unwrap();
    let path = extract(folder.path());
    let other = folder.path().join("other.duckdb");
    let csv = folder.path().join("a.csv");
    std::fs::write(&csv, "a\n1\n").unwrap();
    let connection = Connection::open(&settings(folder.path()), &Tables::Extract(path)).unwrap();
    for sql in [
        "select * from read_text('/etc/passwd')",
        "select * from read_blob('/etc/passwd')",
        "select * from '/etc/passwd'",
        "select * from glob('/etc/*')",
        "install httpfs",
        "load httpfs",
        "set enable_external_access = true",
        "set lock_configuration = false",
        "reset lock_configuration",
        "set memory_limit = '100GB'",
        "set threads = 64",
        "set temp_directory = '/'",
        "pragma memory_limit = '100GB'",
        "create persistent secret s (type s3)",
        "insert into extract.main.care values ('p2', 1)",
        "create table extract.main.mine as select 1",
    ] {
        refused(&connection, sql);
    }
    let reaching = [
        format!("attach '{}' as o", other.display()),
        format!("copy (select 1) to '{}'", other.display()),
        format!("copy care to '{}' (format parquet)", other.display()),
        format!("export database '{}'", other.display()),
        format!("load '{}'", other.display()),
        format!("select * from read_csv('{}')", csv.display()),
    ];
    for sql in &reaching {
        refused(&connection, sql);
    }
    assert!(!other.exists());
    // Without the lock the file is within reach: it is the lock that refuses.
    let open = unlocked(&settings(folder.path())).unwrap();
    let read = reaching.last().unwrap();
    assert!(open.execute_batch(read).is_ok(), "{read}");
}

#[test]
fn the_extract_is_found_by_bare_names_and_temporary_tables_work() {
    let folder = tempfile::tempdir().unwrap();
    let connection = Connection::open(
        &settings(folder.path()),
        &Tables::Extract(extract(folder.path())),
    )
    .unwrap();
    for sql in [
        "create table mine as select * from care",
        "create temp view v as select age from mine",
    ] {
        let Outcome::Rows(_) = connection.run(sql, &CAPS) else {
            panic!("{sql}")
        };
    }
    let Outcome::Rows(answer) = connection.run("select * from v", &CAPS) else {
        panic!()
    };
    assert_eq!(answer.rows, [[serde_json::json!(42)]]);
}

#[test]
fn files_become_tables() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.csv");
    std::fs::write(&path, "unit,value,day\na,1,2020-01-02\nb,,2020-01-03\n").unwrap();
    let file = FileTable {
        name: "my \"data\"".into(),
        path: path.clone(),
        format: FileFormat::Csv,
    };
    let connection =
        Connection::open(&settings(folder.path()), &Tables::Files(vec![file])).unwrap();
    let Outcome::Rows(answer) =
        connection.run("select * from \"my \"\"data\"\"\" order by all", &CAPS)
    else {
        panic!()
    };
    assert_eq!(answer.types, ["VARCHAR", "BIGINT", "DATE"]);
    assert_eq!(
        answer.rows,
        [
            [
                serde_json::json!("a"),
                serde_json::json!(1),
                serde_json::json!("2020-01-02")
            ],
            [
                serde_json::json!("b"),
                serde_json::json!(null),
                serde_json::json!("2020-01-03")
            ]
        ]
    );
    refused(
        &connection,
        &format!("select * from read_csv('{}')", path.display()),
    );
}

#[test]
fn a_file_that_does_not_load_is_told_without_its_values() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.parquet");
    std::fs::write(&path, "SECRET").unwrap();
    let file = FileTable {
        name: "t".into(),
        path,
        format: FileFormat::Parquet,
    };
    let error = Connection::open(&settings(folder.path()), &Tables::Files(vec![file]))
        .err()
        .unwrap();
    assert!(
        error
            .to_string()
            .starts_with("table t could not be loaded from its file: "),
        "{error}"
    );
    assert!(!error.to_string().contains("SECRET"));
    let pattern = FileTable {
        name: "t".into(),
        path: folder.path().join("*.csv"),
        format: FileFormat::Csv,
    };
    let error = Connection::open(&settings(folder.path()), &Tables::Files(vec![pattern])).err();
    assert_eq!(error, Some(EngineError::Path));
    let missing = Tables::Extract(folder.path().join("none.duckdb"));
    let error = Connection::open(&settings(folder.path()), &missing)
        .err()
        .unwrap();
    assert!(matches!(error, EngineError::Extract { .. }));
}

#[test]
fn sizes_are_compared_as_the_engine_writes_them() {
    assert!(is_about("2.4 GiB", 2500));
    assert!(is_about("64.0 MiB", 64));
    assert!(is_about("1.0 GiB", 1024));
    assert!(!is_about("2.5 GiB", 2500));
    assert!(!is_about("64.0 GiB", 64));
    assert!(!is_about("unlimited", 64));
    assert!(!is_about("0 bytes", 64));
}
