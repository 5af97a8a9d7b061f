//! One value of a result table.

use serde::{Deserialize, Serialize, Serializer};

/// A value as the data engine printed it. Numbers stay text, so that the released
/// bytes are exactly the engine's and nothing is lost between two processes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Datum {
    /// SQL null.
    Missing,
    /// A boolean.
    Truth(bool),
    /// A number, in the engine's own shortest decimal text; `nan` and `inf` too.
    Number(String),
    /// Anything else, as text.
    Text(String),
}

impl Datum {
    /// The text in a CSV field; `None` for a missing value.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Missing => None,
            Self::Truth(true) => Some("true"),
            Self::Truth(false) => Some("false"),
            Self::Number(text) | Self::Text(text) => Some(text),
        }
    }
}

/// As plain JSON: null, boolean, number or string. A number that is neither a 64-bit integer
/// nor, digit by digit, a double (a long decimal, `nan`, `inf`) is a string.
pub(crate) struct Plain<'a>(pub(crate) &'a Datum);

impl Serialize for Plain<'_> {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Datum::Missing => out.serialize_unit(),
            Datum::Truth(value) => out.serialize_bool(*value),
            Datum::Text(text) => out.serialize_str(text),
            Datum::Number(text) => number(text, out),
        }
    }
}

fn number<S: Serializer>(text: &str, out: S) -> Result<S::Ok, S::Error> {
    if let Ok(value) = text.parse::<i64>() {
        return out.serialize_i64(value);
    }
    if let Ok(value) = text.parse::<u64>() {
        return out.serialize_u64(value);
    }
    let integer = text.bytes().all(|b| b.is_ascii_digit() || b == b'-');
    match text.parse::<f64>() {
        Ok(value)
            if value.is_finite() && !integer && digits(text) == digits(&format!("{value:e}")) =>
        {
            out.serialize_f64(value)
        }
        Ok(_) | Err(_) => out.serialize_str(text),
    }
}

/// The digits that count: those of the mantissa without zeros before and behind.
fn digits(text: &str) -> String {
    let mantissa = text.split(['e', 'E']).next().unwrap_or(text);
    mantissa
        .trim_start_matches(['-', '+', '0', '.'])
        .trim_end_matches(['0', '.'])
        .chars()
        .filter(char::is_ascii_digit)
        .collect()
}

/// Serialises rows as arrays of plain JSON values.
pub(crate) fn plain_rows<S: Serializer>(rows: &[Vec<Datum>], out: S) -> Result<S::Ok, S::Error> {
    out.collect_seq(
        rows.iter()
            .map(|row| row.iter().map(Plain).collect::<Vec<_>>()),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(datum: Datum, json: &str) {
        assert_eq!(serde_json::to_string(&Plain(&datum)).unwrap(), json);
        let carried: Datum = serde_json::from_str(&serde_json::to_string(&datum).unwrap()).unwrap();
        assert_eq!(carried, datum);
    }

    fn n(text: &str) -> Datum {
        Datum::Number(text.to_owned())
    }

    #[test]
    fn values_become_plain_json() {
        check(Datum::Missing, "null");
        check(Datum::Truth(true), "true");
        check(Datum::Text("a\"b".to_owned()), "\"a\\\"b\"");
        check(n("12"), "12");
        check(n("-3"), "-3");
        check(n("18446744073709551615"), "18446744073709551615");
        check(n("184467440737095516150"), "\"184467440737095516150\"");
        check(n("0.30000000000000004"), "0.30000000000000004");
        check(n("0.10"), "0.1");
        check(n("-2.50"), "-2.5");
        // 16 digits, of which a double keeps another last one.
        check(n("9007199254740993.0"), "\"9007199254740993.0\"");
        check(n("nan"), "\"nan\"");
        check(n("inf"), "\"inf\"");
        check(n("12345678901234567890.12"), "\"12345678901234567890.12\"");
    }
}
