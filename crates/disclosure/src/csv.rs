//! Bytes of a table.

use crate::Datum;

/// RFC 4180 with `\n` line ends, a header line and no byte order mark. A missing value is
/// an empty field and an empty text is `""`, so that the two stay apart. The same
/// table gives the same bytes.
pub fn to_csv(columns: &[String], rows: &[Vec<Datum>]) -> Vec<u8> {
    let mut out = String::new();
    line(&mut out, columns.iter().map(|name| Some(name.as_str())));
    for row in rows {
        line(&mut out, row.iter().map(Datum::text));
    }
    out.into_bytes()
}

fn line<'a>(out: &mut String, fields: impl Iterator<Item = Option<&'a str>>) {
    for (index, text) in fields.enumerate() {
        if index > 0 {
            out.push(',');
        }
        match text {
            None => {}
            Some(text) if text.is_empty() || text.contains([',', '"', '\n', '\r']) => {
                out.push('"');
                out.push_str(&text.replace('"', "\"\""));
                out.push('"');
            }
            Some(text) => out.push_str(text),
        }
    }
    out.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_quoted_only_where_needed() {
        let columns = ["a,b".to_owned(), "n".to_owned()];
        let rows = [
            vec![Datum::Text("say \"x\"".into()), Datum::Number("1.5".into())],
            vec![Datum::Text(String::new()), Datum::Missing],
        ];
        let bytes = to_csv(&columns, &rows);
        assert_eq!(
            String::from_utf8(bytes).unwrap(),
            "\"a,b\",n\n\"say \"\"x\"\"\",1.5\n\"\",\n"
        );
    }
}
