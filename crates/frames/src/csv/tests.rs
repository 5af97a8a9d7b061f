use std::io::Write;

use proptest::prelude::*;

use super::*;
use crate::Fault;

const LIMITS: Limits = Limits {
    rows: 5,
    columns: 4,
    cell_bytes: 20,
    file_bytes: 2_000,
};

fn file(bytes: &[u8]) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    file
}

/// Reads with the first line as what is declared.
fn read_as_named(path: &Path) -> Result<Frame, FrameError> {
    let bytes = std::fs::read(path).unwrap();
    let bytes = bytes.strip_prefix(&BOM).unwrap_or(&bytes);
    let line = bytes.split(|b| b"\r\n".contains(b)).next().unwrap();
    let names = String::from_utf8_lossy(line).into_owned();
    read(path, &names.split(',').collect::<Vec<_>>(), &LIMITS)
}

fn refused(bytes: &[u8]) -> FrameError {
    let file = file(bytes);
    let error = read_as_named(file.path()).err().expect("must be refused");
    assert_eq!(
        check(file.path(), &LIMITS).err(),
        Some(error.clone()),
        "check finds the same"
    );
    assert!(!error.message.contains("SECRET"), "{}", error.message);
    assert!(!format!("{error:?}").contains("SECRET"));
    error
}

#[track_caller]
fn check_refusal(bytes: &[u8], message: &str, row: Option<u64>, column: Option<&str>) {
    let error = refused(bytes);
    assert_eq!(error.message, message);
    assert_eq!((error.row, error.column.as_deref()), (row, column));
}

fn cells(bytes: &[u8]) -> Vec<Vec<Option<String>>> {
    let frame = read_as_named(file(bytes).path()).unwrap();
    frame
        .columns
        .iter()
        .map(|(_, cells)| cells.iter().map(|c| c.map(str::to_owned)).collect())
        .collect()
}

#[test]
fn sound_files_are_read_whatever_their_line_ends() {
    let want = vec![
        vec![Some("1".to_owned()), Some("x\r\ny,\"z\"".to_owned())],
        vec![None, Some("é".to_owned())],
    ];
    let lf = "a,b\n1,\n\"x\r\ny,\"\"z\"\"\",é\n";
    assert_eq!(cells(lf.as_bytes()), want);
    assert_eq!(
        cells(format!("{lf}\n\n").as_bytes()),
        want,
        "empty lines at the end"
    );
    assert_eq!(
        cells(format!("\u{FEFF}{lf}").as_bytes()),
        want,
        "byte order mark"
    );
    let crlf = "a,b\r\n1,\r\n\"x\r\ny,\"\"z\"\"\",é\r\n";
    assert_eq!(cells(crlf.as_bytes()), want);
    assert_eq!(
        cells(b"a\n\"\"\nq\n"),
        vec![vec![None, Some("q".to_owned())]]
    );
}

/// Cut off anywhere but between two rows, a delivery is refused. Without its line break a file of one's
/// own is whole (RFC 4180, 2.2).
#[test]
fn a_delivery_that_may_be_cut_off_is_refused() {
    let whole = "a,b\n1,234\n5,\"678\"\n";
    for end in 0..whole.len() {
        let read = read(file(&whole.as_bytes()[..end]).path(), &["a", "b"], &LIMITS);
        assert_eq!(read.is_ok(), whole[..end] == *"a,b\n1,234\n", "{end}");
    }
    for cut in ["a,b\n1,2\n3,SECR", "a,b\n1,2\n3,\"SECR\"", "a,b\n1,2\n3,"] {
        let file = file(cut.as_bytes());
        let error = read(file.path(), &["a", "b"], &LIMITS).err().unwrap();
        assert_eq!(
            error.message,
            "row 2 is the last and has no line break at its end, so it may be cut off: end it with a line break if it is whole"
        );
        assert_eq!((error.fault, error.row), (Fault::File, Some(2)));
        assert_eq!(check(file.path(), &LIMITS).unwrap(), ["a", "b"]);
    }
}

#[test]
fn the_whole_file() {
    check_refusal(
        b"",
        "the file is empty: a header line with column names is needed",
        None,
        None,
    );
    check_refusal(
        b"a,b\n",
        "the file has a header line and no rows",
        None,
        None,
    );
    check_refusal(b"\n1,2\n", "the header line is empty", None, None);
    check_refusal(
        b"a,b,a\n1,2,3\n",
        "columns 1 and 3 of the header have the same name",
        None,
        None,
    );
    check_refusal(
        b"a,,c\n1,2,3\n",
        "column 2 of the header has no name",
        None,
        None,
    );
    check_refusal(
        b"a,SECRET\xE9\n1,2\n",
        "column 2 of the header is not UTF-8 text",
        None,
        None,
    );
    check_refusal(
        b"\xFF\xFEa\0",
        "the file is UTF-16 text: UTF-8 is needed",
        None,
        None,
    );
    check_refusal(
        b"\x1F\x8B\x08\0",
        "the file is compressed: plain CSV is needed",
        None,
        None,
    );
    check_refusal(b"PAR1....", "the file is Parquet, not CSV", None, None);
    check_refusal(
        b"a,\"b\n1,2\n",
        "column 2 of the header opens a quote that is never closed",
        None,
        None,
    );
}

#[test]
fn a_row_of_the_wrong_width() {
    check_refusal(
        b"a,b\n1,2\n1,2,SECRET\n",
        "row 2 has 3 fields where the header has 2",
        Some(2),
        None,
    );
    check_refusal(
        b"a,b,c\n1,SECRET\n1,2,3\n",
        "row 1 has 2 fields where the header has 3",
        Some(1),
        None,
    );
    check_refusal(
        b"a,b,c\n1,2,3\n1,SECRET",
        "row 2 is cut off: it has 2 fields where the header has 3, and the file ends without a line break",
        Some(2),
        None,
    );
    check_refusal(
        b"a,b\n1,2\n\nSECRET,4\n",
        "row 2 is an empty line",
        Some(2),
        None,
    );
    // With one column, readers do not agree whether it is a row.
    check_refusal(b"a\n1\n\n", "row 2 is an empty line", Some(2), None);
}

#[test]
fn a_quote_out_of_place() {
    check_refusal(
        b"a,b\n1,\"SECRET\n1,2\n",
        "row 1, column b: a quote is opened and never closed",
        Some(1),
        Some("b"),
    );
    check_refusal(
        b"a,b\n1,2\nSECRET \"x\",2\n",
        "row 2, column a: a quote stands inside a field that is not quoted",
        Some(2),
        Some("a"),
    );
    check_refusal(
        b"a,b\n\"x\"SECRET,2\n",
        "row 1, column a: text follows the closing quote",
        Some(1),
        Some("a"),
    );
}

#[test]
fn a_byte_that_may_not_be_there() {
    check_refusal(
        b"a,b\n1,SECRET\0\n",
        "row 1, column b: the value holds a NUL byte",
        Some(1),
        Some("b"),
    );
    check_refusal(
        b"a,b\n1,2\nSECRET\xE9,2\n",
        "row 2, column a: the value is not UTF-8 text",
        Some(2),
        Some("a"),
    );
}

#[test]
fn limits_are_named() {
    for (bytes, message) in [
        (
            b"a\n1\n2\n3\n4\n5\n6\n".to_vec(),
            "the file has more rows than the limit rows, 5",
        ),
        (
            b"a,b,c,d,e\n1,2,3,4,5\n".to_vec(),
            "the file has more columns than the limit columns, 4",
        ),
        (
            b"a,b\n1,SECRETSECRETSECRETSECRET\n".to_vec(),
            "row 1, column b: the value is longer than the limit cell_bytes, 20",
        ),
        (
            vec![b'a'; 2_001],
            "the file has 2001 bytes and the limit file_bytes is 2000",
        ),
    ] {
        let error = refused(&bytes);
        assert_eq!(error.message, message);
        assert_eq!(error.fault, Fault::Limit);
    }
    assert_eq!(
        cells(b"a,b,c,d\n1,2,3,4\n1,2,3,4\n1,2,3,4\n1,2,3,4\n1,2,3,4\n").len(),
        4,
        "limits are inclusive"
    );
}

#[test]
fn the_columns_are_exactly_the_declared_ones() {
    let file = file(b"a,SECRET\n1,2\n");
    let message = |declared: &[&str]| {
        read(file.path(), declared, &LIMITS)
            .err()
            .map(|e| e.message)
    };
    assert_eq!(message(&["SECRET", "a"]), None);
    assert_eq!(
        message(&["a", "SECRET", "c"]).as_deref(),
        Some("column c is missing from the header")
    );
    assert_eq!(
        message(&["a"]).as_deref(),
        Some("column 2 of the header is not declared for this delivery")
    );
    assert_eq!(
        message(&["x", "y"]).as_deref(),
        Some("the header names none of the declared columns: is the header line missing")
    );
}

/// A fault further down is told with the name of its column, which is a value if there is no header line.
#[test]
fn a_missing_header_line_is_told_before_anything_that_would_name_a_value() {
    for rows in ["x,\"y\n", "x,y\0\n", "x,123456789012345678901\n"] {
        let file = file(format!("1,SECRET\n{rows}").as_bytes());
        let error = read(file.path(), &["a", "b"], &LIMITS).err().unwrap();
        assert_eq!(
            error.message,
            "the header names none of the declared columns: is the header line missing"
        );
        assert_eq!((error.row, error.column), (None, None));
    }
}

#[test]
fn a_file_that_is_not_there() {
    let error = read(Path::new("/nowhere/at/all"), &["a"], &LIMITS)
        .err()
        .unwrap();
    assert_eq!(error.fault, Fault::Io);
    assert_eq!(
        error.message,
        "the file could not be read: entity not found"
    );
}

/// Every row as the quick way tells it, with the columns turned round.
fn told(bytes: &[u8], wanted: &[&str]) -> Result<Vec<Vec<String>>, FrameError> {
    let mut told = Vec::new();
    let rows = rows(file(bytes).path(), wanted, &LIMITS, |row| {
        told.push(row.iter().map(|cell| (*cell).to_owned()).collect());
        Ok(())
    })?;
    assert_eq!(rows, told.len() as u64);
    Ok(told)
}

#[test]
fn wanted_columns_are_told_row_by_row_in_the_order_wanted() {
    let bytes = "\u{FEFF}a,b,c\r\n1,\"x, \"\"y\"\"\n\",3\r\n,\"\",é\r\n4,5,\"6\"";
    assert_eq!(
        told(bytes.as_bytes(), &["c", "b"]).unwrap(),
        [["3", "x, \"y\"\n"], ["é", ""], ["6", "5"]]
    );
    assert_eq!(
        told(b"a,b\n1,2\n", &["z"]).err().unwrap().message,
        "column z is missing from the header"
    );
}

#[test]
fn rows_after_the_first_odd_one_are_told_once() {
    // A lone carriage return ends a line, which only the strict way knows.
    assert_eq!(
        told(b"a,b\n1,2\n3,4\r5,6\n7,8\n", &["a"]).unwrap(),
        [["1"], ["3"], ["5"], ["7"]]
    );
    assert_eq!(
        told(b"a,b\n1,2\n3,4\n\n\n", &["b"]).unwrap(),
        [["2"], ["4"]],
        "empty lines at the end"
    );
}

#[test]
fn what_the_row_reader_refuses_it_refuses_with_the_words_of_the_strict_one() {
    for bytes in [
        &b"a,b\n1,2\n1,2,SECRET\n"[..],
        b"a,b\n1,\"SECRET\n1,2\n",
        b"a,b\n1,SECRET\0\n",
        b"a,b\n1,2\nSECRET\xE9,2\n",
        b"a,b\n",
        b"",
        b"a,a\n1,2\n",
        b"a\n1\n\r\n2\n",
        b"a\n1\n2\n3\n4\n5\n6\n",
        b"a,b\n1,SECRETSECRETSECRETSECRET\n",
    ] {
        let strict = check(file(bytes).path(), &LIMITS).err();
        assert!(strict.is_some());
        assert_eq!(told(bytes, &["a"]).err(), strict);
    }
}

proptest! {
    /// The quick way and the strict one accept the same files and read the same cells from them.
    #[test]
    fn both_ways_read_the_same(pieces in prop::collection::vec(prop_oneof![
        Just("\""), Just("\"\""), Just(","), Just("\n"), Just("\r\n"), Just("\r"), Just("a"), Just("é"),
        Just("1,2\n"), Just("\"q\",r\n"), Just("x,\"y\nz\"\n"), Just("\0")
    ], 0..30)) {
        let text = format!("a,b\n{}", pieces.concat());
        let strict = {
            let mut rows: Vec<Vec<String>> = Vec::new();
            walk(file(text.as_bytes()).path(), &LIMITS, |_| Ok(()), |column, cell| {
                if column == 0 {
                    rows.push(Vec::new());
                }
                rows.last_mut().unwrap().insert(0, cell.to_owned());
                Ok(())
            })
            .map(|_| rows)
        };
        prop_assert_eq!(told(text.as_bytes(), &["b", "a"]), strict);
    }

    /// Whatever the bytes are, the two passes agree on the rows or the file is refused; no panic.
    #[test]
    fn hostile_bytes_never_panic(bytes in prop::collection::vec(prop_oneof![
        Just(b'"'), Just(b','), Just(b'\n'), Just(b'\r'), Just(b'a'), Just(0xE9_u8), Just(0_u8), any::<u8>()
    ], 0..60)) {
        let mut sound = b"a,b\n".to_vec();
        sound.extend_from_slice(&bytes);
        for bytes in [&bytes, &sound] {
            if let Ok(frame) = read(file(bytes).path(), &["a", "b"], &LIMITS) {
                for (_, cells) in &frame.columns {
                    prop_assert_eq!(cells.len(), frame.rows());
                }
            }
        }
    }

    #[test]
    fn what_was_written_is_read(rows in prop::collection::vec(("[^\0]{0,5}", "[^\0]{1,5}"), 1..5)) {
        let mut writer = ::csv::Writer::from_writer(Vec::new());
        writer.write_record(["a", "b"]).unwrap();
        for (left, right) in &rows {
            writer.write_record([left, right]).unwrap();
        }
        let file = file(&writer.into_inner().unwrap());
        let frame = read(file.path(), &["a", "b"], &LIMITS).unwrap();
        for (row, (left, right)) in rows.iter().enumerate() {
            prop_assert_eq!(frame.columns[0].1.get(row).unwrap_or(""), left);
            prop_assert_eq!(frame.columns[1].1.get(row).unwrap_or(""), right);
        }
    }
}
