//! Bytes of a table.

use std::borrow::Cow;

use crate::Datum;

/// With what a spreadsheet begins a formula (OWASP, "CSV Injection"), full-width forms included.
const FORMULA: [char; 11] = [
    '=', '+', '-', '@', '\t', '\r', '\n', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}',
];
/// A missing value where it would leave an empty line, which readers skip or refuse.
const ALONE: &str = "NA";

/// RFC 4180 with `\n` line ends, a header line and no byte order mark. The same table gives the same
/// bytes, and values that print differently stay apart:
///
/// - A missing value is an empty field and an empty text is `""`. In a table of one column a missing
///   value is `NA` and a text `NA` is `"NA"`.
/// - A text or a name that a spreadsheet would run as a formula gets an apostrophe before it: output
///   checkers and researchers open these files. A number is never changed, also a negative one.
pub fn to_csv(columns: &[String], rows: &[Vec<Datum>]) -> Vec<u8> {
    let alone = columns.len() == 1;
    let mut out = String::new();
    line(&mut out, columns.iter().map(|name| quoted(name, alone)));
    for row in rows {
        line(&mut out, row.iter().map(|value| field(value, alone)));
    }
    out.into_bytes()
}

fn line<'a>(out: &mut String, fields: impl Iterator<Item = Cow<'a, str>>) {
    for (index, text) in fields.enumerate() {
        if index > 0 {
            out.push(',');
        }
        out.push_str(&text);
    }
    out.push('\n');
}

fn field(value: &Datum, alone: bool) -> Cow<'_, str> {
    match (value, value.text()) {
        (Datum::Text(text), _) => quoted(text, alone),
        (_, Some(text)) => text.into(),
        (_, None) if alone => ALONE.into(),
        (_, None) => "".into(),
    }
}

fn quoted(text: &str, alone: bool) -> Cow<'_, str> {
    // Apostrophes before it are looked through, so that `=1` and `'=1` stay apart.
    let text: Cow<'_, str> = if text.trim_start_matches('\'').starts_with(FORMULA) {
        format!("'{text}").into()
    } else {
        text.into()
    };
    if text.is_empty() || text.contains([',', '"', '\n', '\r']) || alone && text == ALONE {
        format!("\"{}\"", text.replace('"', "\"\"")).into()
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text(value: &str) -> Datum {
        Datum::Text(value.to_owned())
    }

    fn number(value: &str) -> Datum {
        Datum::Number(value.to_owned())
    }

    #[track_caller]
    fn check(columns: &[&str], rows: &[Vec<Datum>], expected: &str) {
        let columns: Vec<String> = columns.iter().map(|name| (*name).to_owned()).collect();
        assert_eq!(String::from_utf8(to_csv(&columns, rows)).unwrap(), expected);
    }

    #[test]
    fn fields_are_quoted_only_where_needed() {
        check(
            &["a,b", "n"],
            &[
                vec![text("say \"x\""), number("1.5")],
                vec![text(""), Datum::Missing],
                vec![text("NA"), Datum::Truth(true)],
            ],
            "\"a,b\",n\n\"say \"\"x\"\"\",1.5\n\"\",\nNA,true\n",
        );
    }

    #[test]
    fn no_text_is_a_formula_and_numbers_stay_numbers() {
        check(
            &["=n", "k"],
            &[
                vec![number("-2.5"), text("=HYPERLINK(\"x\",1)")],
                vec![number("-inf"), text("-5 to 5")],
                vec![number("3"), text("@a")],
                vec![number("3"), text("\ta")],
                vec![number("3"), text("\r=a")],
                vec![number("3"), text("\u{ff1d}a")],
                vec![number("3"), text("'=a")],
                vec![number("3"), text("'tis")],
                vec![number("3"), text("<30")],
                vec![number("3"), text(" - ")],
            ],
            "'=n,k\n-2.5,\"'=HYPERLINK(\"\"x\"\",1)\"\n-inf,'-5 to 5\n3,'@a\n3,'\ta\n3,\"'\r=a\"\n3,'\u{ff1d}a\n3,''=a\n3,'tis\n3,<30\n3, - \n",
        );
    }

    #[test]
    fn a_missing_value_alone_leaves_no_empty_line() {
        check(
            &["k"],
            &[
                vec![Datum::Missing],
                vec![text("")],
                vec![text("NA")],
                vec![text("a")],
            ],
            "k\nNA\n\"\"\n\"NA\"\na\n",
        );
    }

    /// A plain reader of RFC 4180: fields, and whether they were quoted.
    fn read(csv: &str) -> Vec<Vec<(String, bool)>> {
        let (mut rows, mut row) = (Vec::new(), Vec::new());
        let (mut value, mut is_quoted, mut inside) = (String::new(), false, false);
        let mut rest = csv.chars().peekable();
        while let Some(c) = rest.next() {
            match c {
                '"' if inside && rest.next_if_eq(&'"').is_some() => value.push('"'),
                '"' if inside => inside = false,
                '"' if value.is_empty() && !is_quoted => (inside, is_quoted) = (true, true),
                ',' | '\n' if !inside => {
                    row.push((std::mem::take(&mut value), std::mem::take(&mut is_quoted)));
                    if c == '\n' {
                        rows.push(std::mem::take(&mut row));
                    }
                }
                other => value.push(other),
            }
        }
        assert!(row.is_empty() && value.is_empty(), "the last line is ended");
        rows
    }

    fn datum() -> impl Strategy<Value = Datum> {
        prop_oneof![
            Just(Datum::Missing),
            Just(text("NA")),
            any::<bool>().prop_map(Datum::Truth),
            any::<i64>().prop_map(|n| number(&n.to_string())),
            "['=+@a\"\t\r\n,NA-]{0,4}".prop_map(Datum::Text),
        ]
    }

    fn table() -> impl Strategy<Value = Vec<Vec<Datum>>> {
        (1..4_usize).prop_flat_map(|width| {
            prop::collection::vec(prop::collection::vec(datum(), width), 1..5)
        })
    }

    proptest! {
        #[test]
        fn a_plain_reader_gets_every_value_back_and_no_formula(rows in table()) {
            let columns: Vec<String> = (0..rows[0].len()).map(|i| format!("c{i}")).collect();
            let csv = String::from_utf8(to_csv(&columns, &rows)).unwrap();
            let read = read(&csv);
            prop_assert_eq!(read.len(), rows.len() + 1);
            for (fields, row) in read.iter().skip(1).zip(&rows) {
                prop_assert_eq!(fields.len(), row.len());
                prop_assert!(fields.len() > 1 || fields[0].1 || !fields[0].0.is_empty(), "{:?}", csv);
                for ((field, quoted), value) in fields.iter().zip(row) {
                    let is_missing = !quoted && (field.is_empty() || row.len() == 1 && field == "NA");
                    let plain = match value {
                        Datum::Text(_) => {
                            prop_assert!(!field.starts_with(FORMULA), "{:?}", csv);
                            let behind = field.trim_start_matches('\'');
                            let shift = field.len() > behind.len() && behind.starts_with(FORMULA);
                            &field[usize::from(shift)..]
                        }
                        _ => field.as_str(),
                    };
                    prop_assert_eq!((!is_missing).then_some(plain), value.text(), "{:?}", csv);
                }
            }
        }
    }
}
