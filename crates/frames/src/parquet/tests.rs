use proptest::prelude::*;
use tempfile::tempdir;

use super::*;
use crate::{Cells, Fault, Strings, Values};

const LIMITS: Limits = Limits {
    rows: 50,
    columns: 6,
    cell_bytes: 20,
    file_bytes: 100_000,
};

/// The columns of `table`.
const NAMES: [&str; 5] = ["text", "integer", "number", "date", "ordinal"];

fn table(text: &[Option<&str>], numbers: &[Option<f64>]) -> Table {
    let rows = text.len();
    Table {
        columns: vec![
            (
                "text".into(),
                Values::Text(Strings::of(text.iter().copied()).unwrap()),
            ),
            (
                "integer".into(),
                Values::Integer(
                    (0..rows)
                        .map(|i| (i % 3 != 0).then_some(i as i64 - 2))
                        .collect(),
                ),
            ),
            (
                "number".into(),
                Values::Number(numbers.iter().copied().collect()),
            ),
            (
                "date".into(),
                Values::Date(
                    (0..rows)
                        .map(|i| (i % 2 == 0).then_some(11_016 + i as i32))
                        .collect(),
                ),
            ),
            (
                "ordinal".into(),
                Values::Ordinal((0..rows).map(|i| Some(u64::MAX - i as u64)).collect()),
            ),
        ],
        notes: vec![("kinds".into(), "a=b".into())],
    }
}

fn same<T: Copy + Default + PartialEq>(left: &Cells<T>, right: &Cells<T>) -> bool {
    left.iter().eq(right.iter())
}

fn equal(left: &Table, right: &Table) -> bool {
    left.columns.len() == right.columns.len()
        && left
            .columns
            .iter()
            .zip(&right.columns)
            .all(|((ln, lv), (rn, rv))| {
                ln == rn
                    && match (lv, rv) {
                        (Values::Text(l), Values::Text(r)) => l == r,
                        (Values::Integer(l), Values::Integer(r)) => same(l, r),
                        (Values::Number(l), Values::Number(r)) => same(l, r),
                        (Values::Date(l), Values::Date(r)) => same(l, r),
                        (Values::Ordinal(l), Values::Ordinal(r)) => same(l, r),
                        _ => false,
                    }
            })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn a_table_comes_back_as_it_was(rows in prop::collection::vec((prop::option::of(".{0,6}"), prop::option::of(-1e12..1e12_f64)), 1..30)) {
        let text: Vec<Option<&str>> = rows.iter().map(|(t, _)| t.as_deref()).collect();
        let numbers: Vec<Option<f64>> = rows.iter().map(|(_, n)| *n).collect();
        let folder = tempdir().unwrap();
        let path = folder.path().join("t.parquet");
        write(&path, table(&text, &numbers)).unwrap();
        let back = read(&path, &LIMITS).unwrap();
        prop_assert!(equal(&back, &table(&text, &numbers)));
        prop_assert_eq!(&notes(&path, &LIMITS).unwrap(), &back.notes);
        prop_assert!(back.notes.contains(&("kinds".to_owned(), "a=b".to_owned())));
    }
}

#[test]
fn a_delivery_is_read_as_the_text_of_a_csv_file() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("t.parquet");
    write(
        &path,
        table(&[Some("é"), None, Some("c")], &[Some(1.5), Some(2.0), None]),
    )
    .unwrap();
    let frame = read_text(&path, &NAMES, &LIMITS).unwrap();
    let cells = |name: &str| -> Vec<Option<String>> {
        frame
            .column(name)
            .unwrap()
            .iter()
            .map(|c| c.map(str::to_owned))
            .collect()
    };
    let some = |text: &str| Some(text.to_owned());
    assert_eq!(cells("text"), [some("é"), None, some("c")]);
    assert_eq!(cells("integer"), [None, some("-1"), some("0")]);
    assert_eq!(cells("number"), [some("1.5"), some("2"), None]);
    assert_eq!(
        cells("date"),
        [some("2000-02-29"), None, some("2000-03-02")]
    );
    assert_eq!(cells("ordinal")[0], some("18446744073709551615"));
}

#[track_caller]
fn check_refusal(bytes: &[u8], message: &str) {
    let folder = tempdir().unwrap();
    let path = folder.path().join("t.parquet");
    std::fs::write(&path, bytes).unwrap();
    let error = read_text(&path, &NAMES, &LIMITS)
        .err()
        .expect("must be refused");
    assert_eq!(error.message, message);
}

#[test]
fn a_delivery_has_exactly_the_declared_columns() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("t.parquet");
    std::fs::write(&path, sound()).unwrap();
    let message = |declared: &[&str]| {
        read_text(&path, declared, &LIMITS)
            .err()
            .map(|error| error.message)
    };
    assert_eq!(message(&NAMES), None);
    assert_eq!(
        message(&[&NAMES[..], &["more"]].concat()).as_deref(),
        Some("column more is missing from the header")
    );
    assert_eq!(
        message(&NAMES[..4]).as_deref(),
        Some("column 5 of the header is not declared for this delivery")
    );
}

fn sound() -> Vec<u8> {
    let folder = tempdir().unwrap();
    let path = folder.path().join("t.parquet");
    write(&path, table(&[Some("SECRET"), None], &[None, None])).unwrap();
    std::fs::read(&path).unwrap()
}

#[test]
fn damaged_files_are_refused_with_one_sentence() {
    let damaged = "the Parquet file is damaged or uses a feature that is not accepted here";
    check_refusal(b"", "the file is empty");
    check_refusal(b"a,b\n1,2\n", "the file is not Parquet");
    let sound = sound();
    check_refusal(&sound[..sound.len() - 3], "the Parquet file is cut off");
    let mut no_footer = sound[..40].to_vec();
    no_footer.extend_from_slice(b"\xFF\xFF\xFF\x7FPAR1");
    check_refusal(&no_footer, damaged);
}

#[test]
fn a_flipped_byte_never_panics_and_never_shows_a_value() {
    let sound = sound();
    let folder = tempdir().unwrap();
    let path = folder.path().join("t.parquet");
    for index in (0..sound.len()).step_by(7) {
        let mut bytes = sound.clone();
        bytes[index] ^= 0x41;
        std::fs::write(&path, &bytes).unwrap();
        if let Err(error) = read_text(&path, &NAMES, &LIMITS) {
            assert!(!error.message.contains("SECRET"), "{}", error.message);
        }
    }
}

#[test]
fn limits_are_named() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("t.parquet");
    let long = "x".repeat(21);
    write(&path, table(&[None, Some(&long)], &[None, None])).unwrap();
    let message = |limits: Limits| {
        let error = read_text(&path, &NAMES, &limits)
            .err()
            .expect("must be refused");
        assert_eq!(error.fault, Fault::Limit);
        error.message
    };
    assert_eq!(
        message(LIMITS),
        "row 2, column text: the value is longer than the limit cell_bytes, 20"
    );
    assert_eq!(
        message(Limits { rows: 1, ..LIMITS }),
        "the file has more rows than the limit rows, 1"
    );
    assert_eq!(
        message(Limits {
            columns: 4,
            ..LIMITS
        }),
        "the file has more columns than the limit columns, 4"
    );
    assert!(
        message(Limits {
            file_bytes: 10,
            ..LIMITS
        })
        .ends_with("the limit file_bytes is 10")
    );
}

#[test]
fn a_file_is_never_overwritten_and_columns_are_of_one_length() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("t.parquet");
    write(&path, table(&[None], &[None])).unwrap();
    assert_eq!(
        write(&path, table(&[None], &[None])).unwrap_err().fault,
        Fault::Io
    );
    let other = folder.path().join("u.parquet");
    let error = write(&other, table(&[None, None], &[None])).unwrap_err();
    assert_eq!(error.message, "column number is not as long as the others");
}

#[test]
fn wanted_columns_are_told_row_by_row() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.parquet");
    let table = Table {
        columns: vec![
            (
                "a".into(),
                Values::Text(Strings::of([Some("x"), None, Some("z")]).unwrap()),
            ),
            (
                "n".into(),
                Values::Integer([Some(7), Some(8), None].into_iter().collect()),
            ),
            (
                "d".into(),
                Values::Date([Some(0), None, Some(-1)].into_iter().collect()),
            ),
        ],
        notes: Vec::new(),
    };
    write(&path, table).unwrap();
    let limits = Limits {
        rows: 10,
        columns: 5,
        cell_bytes: 50,
        file_bytes: 100_000,
    };
    let mut told: Vec<Vec<String>> = Vec::new();
    let rows = rows(&path, &["d", "a", "n"], &limits, |row| {
        told.push(row.iter().map(|cell| (*cell).to_owned()).collect());
        Ok(())
    })
    .unwrap();
    assert_eq!(rows, 3);
    assert_eq!(
        told,
        [
            ["1970-01-01", "x", "7"],
            ["", "", "8"],
            ["1969-12-31", "z", ""]
        ]
    );
    let missing = super::rows(&path, &["q"], &limits, |_| Ok(())).unwrap_err();
    assert_eq!(missing.message, "column q is missing from the header");
}
