use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::json;

use super::*;
use crate::{Settings, Tables};

const CAPS: Caps = Caps {
    rows: 1000,
    columns: 20,
    cell_bytes: 100,
    result_bytes: 100_000,
};

fn connection(folder: &std::path::Path) -> Connection {
    let settings = Settings {
        memory_mib: 64,
        threads: 2,
        spill: folder.join("spill"),
        spill_mib: 16,
    };
    Connection::open(&settings, &Tables::Files(Vec::new())).unwrap()
}

fn run(sql: &str, caps: &Caps) -> Outcome {
    let folder = tempfile::tempdir().unwrap();
    connection(folder.path()).run(sql, caps)
}

#[track_caller]
fn check(expression: &str, type_name: &str, value: Value) {
    match run(&format!("select {expression} as c"), &CAPS) {
        Outcome::Rows(answer) => {
            assert_eq!(answer.rows, [[value]], "{expression}");
            assert_eq!(answer.types, [type_name], "{expression}");
        }
        other => panic!("{expression} gave {other:?}"),
    }
}

#[test]
fn every_kind_of_value_is_carried_exactly() {
    check("null", "INTEGER", json!(null));
    check("true", "BOOLEAN", json!(true));
    check("42", "INTEGER", json!(42));
    check(
        "(-9223372036854775807 - 1)::bigint",
        "BIGINT",
        json!(i64::MIN),
    );
    check("18446744073709551615::ubigint", "UBIGINT", json!(u64::MAX));
    check("sum(7)", "HUGEINT", json!(7));
    check(
        "170141183460469231731687303715884105727::hugeint",
        "HUGEINT",
        json!("170141183460469231731687303715884105727"),
    );
    check(
        "340282366920938463463374607431768211455::uhugeint",
        "UHUGEINT",
        json!("340282366920938463463374607431768211455"),
    );
    check("1.5", "DECIMAL(2,1)", json!(1.5));
    check(
        "1234567890123456.75::decimal(18,2)",
        "DECIMAL(18,2)",
        json!("1234567890123456.75"),
    );
    check("0.1::float", "FLOAT", json!(0.1));
    check("0.1::double", "DOUBLE", json!(0.1));
    check("'nan'::double", "DOUBLE", json!("NaN"));
    check("'-inf'::float", "FLOAT", json!("-Infinity"));
    check("'é\"'", "VARCHAR", json!("é\""));
    check("date '2020-02-29'", "DATE", json!("2020-02-29"));
    check(
        "timestamp '2020-02-29 01:02:03'",
        "TIMESTAMP",
        json!("2020-02-29 01:02:03"),
    );
    check("'\\xAB'::blob", "BLOB", json!("\\xAB"));
    check("[1, 2]", "INTEGER[]", json!("[1, 2]"));
    check(
        "'00000000-0000-0000-0000-0000000000ff'::uuid",
        "UUID",
        json!("00000000-0000-0000-0000-0000000000ff"),
    );
}

#[test]
fn caps_cut_rows_and_refuse_cells_and_columns() {
    let rows = |sql: &str, caps: Caps| match run(sql, &caps) {
        Outcome::Rows(answer) => (answer.rows.len(), answer.truncated),
        other => panic!("{other:?}"),
    };
    assert_eq!(rows("from range(1000)", CAPS), (1000, false));
    assert_eq!(rows("from range(1001)", CAPS), (1000, true));
    assert_eq!(
        rows("from range(100000000000)", CAPS),
        (1000, true),
        "streamed"
    );
    let (kept, cut) = rows(
        "select 'abcdefghij' from range(1000)",
        Caps {
            result_bytes: 1000,
            ..CAPS
        },
    );
    assert!(cut && kept > 10 && kept < 70, "{kept}");
    assert_eq!(
        run("select repeat('x', 101)", &CAPS),
        Outcome::OutOfBounds(Bound::CellBytes)
    );
    assert_eq!(
        run("select 1, 2, 3", &Caps { columns: 2, ..CAPS }),
        Outcome::OutOfBounds(Bound::Columns)
    );
}

#[test]
fn errors_are_the_engines_own_words_even_late_in_a_stream() {
    let Outcome::Error(text) = run("select nothing", &CAPS) else {
        panic!()
    };
    assert!(text.starts_with("Binder Error"), "{text}");
    let late = "select case when range = 5000 then error('late') else range end from range(6000)";
    match run(
        late,
        &Caps {
            rows: 10_000,
            ..CAPS
        },
    ) {
        Outcome::Error(text) => assert!(text.contains("late"), "{text}"),
        other => panic!("{other:?}"),
    }
    assert!(
        matches!(run("select 'a\0b'", &CAPS), Outcome::Error(_)),
        "NUL"
    );
    let words = "select error('the setting max_temp_directory_size')";
    assert!(
        matches!(run(words, &CAPS), Outcome::Error(_)),
        "words of the statement are no kind of error"
    );
}

#[test]
fn the_engines_words_are_told_apart() {
    let of = |text: &str| ended(text.to_owned());
    assert_eq!(of("INTERRUPT Error: Interrupted!"), Outcome::Interrupted);
    assert_eq!(
        of("Out of Memory Error: could not allocate"),
        Outcome::OutOfMemory
    );
    assert_eq!(of("Invalid Error: std::bad_alloc"), Outcome::OutOfMemory);
    assert_eq!(
        of("Out of Memory Error: … the setting max_temp_directory_size"),
        Outcome::OutOfDisk
    );
    assert_eq!(
        of("IO Error: Could not write file \"x\": No space left on device"),
        Outcome::OutOfDisk
    );
    assert_eq!(of("FATAL Error: it is invalid"), Outcome::Unfit);
    assert_eq!(of("INTERNAL Error: assertion"), Outcome::Unfit);
    let plain = "Binder Error: no such column";
    assert_eq!(of(plain), Outcome::Error(plain.into()));
}

#[test]
fn memory_and_time_are_told_apart_and_the_session_lives() {
    let folder = tempfile::tempdir().unwrap();
    let connection = connection(folder.path());
    let hungry =
        "select count(*) from (select distinct repeat(range::varchar, 30) from range(20000000))";
    let ended = connection.run(hungry, &CAPS);
    assert!(
        matches!(ended, Outcome::OutOfMemory | Outcome::OutOfDisk),
        "{ended:?}"
    );
    let interrupt = connection.interrupt();
    let done = Arc::new(AtomicBool::new(false));
    let ended = Arc::clone(&done);
    // Again and again: an interrupt before the statement runs is lost.
    let stopper = std::thread::spawn(move || {
        while !ended.load(Ordering::Relaxed) {
            interrupt.interrupt();
            std::thread::yield_now();
        }
    });
    let slow = "select count(*) from range(1000000000000) where range % 7 = 8";
    let stopped = connection.run(slow, &CAPS);
    done.store(true, Ordering::Relaxed);
    assert_eq!(stopped, Outcome::Interrupted);
    stopper.join().unwrap();
    let Outcome::Rows(answer) = connection.run("select 1", &CAPS) else {
        panic!()
    };
    assert_eq!(answer.rows, [[json!(1)]]);
}
