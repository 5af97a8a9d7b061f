//! Conditions on two records, with SQL's three-valued logic.

use std::borrow::Cow;

use regex::bytes::Regex;

use super::distance::{damerau_levenshtein, jaccard, letters, levenshtein};
use crate::jaro_winkler::{jaro_similarity, jaro_winkler};

/// Which of two records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Left,
    Right,
}

/// An expression of the SQL that Splink writes.
#[derive(Debug, Clone)]
pub(super) enum Expr {
    /// A column of the model, by its place, of one record.
    Column(usize, Side),
    Text(Vec<u8>),
    Number(f64),
    Bool(bool),
    Not(Box<Self>),
    And(Box<Self>, Box<Self>),
    Or(Box<Self>, Box<Self>),
    IsNull(Box<Self>),
    Compare(Order, Box<Self>, Box<Self>),
    Minus(Box<Self>, Box<Self>),
    Call(Function, Vec<Self>),
    Extract(Box<Extract>),
    Date(Layout, Box<Self>),
}

/// `regexp_extract`.
#[derive(Debug, Clone)]
pub(super) struct Extract {
    pub(super) of: Expr,
    pub(super) pattern: Regex,
    pub(super) group: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    Equal,
    Differs,
    Less,
    LessOrEqual,
    More,
    MoreOrEqual,
}

/// Functions by the names that DuckDB gives them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Function {
    Abs,
    /// Seconds of a date since 1970.
    Epoch,
    Lower,
    Upper,
    Trim,
    Length,
    /// Text, first character from 1, characters.
    Substring,
    NullIf,
    Coalesce,
    Levenshtein,
    DamerauLevenshtein,
    Jaro,
    JaroWinkler,
    Jaccard,
}

/// How a date is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Layout {
    /// `%Y-%m-%d`
    YearMonthDay,
    /// `%d/%m/%Y`
    DayMonthYear,
    /// `%Y%m%d`
    Digits,
}

/// A value while a condition is worked out.
#[derive(Clone, PartialEq)]
pub(super) enum Datum<'a> {
    Null,
    Bool(bool),
    Number(f64),
    Text(Cow<'a, [u8]>),
}

/// The values of two records.
pub(super) trait Records {
    /// The value of a column; nothing where it is missing.
    fn value(&self, column: usize, side: Side) -> Option<&[u8]>;
}

impl Expr {
    /// True only where SQL says true.
    pub(super) fn holds(&self, records: &dyn Records) -> bool {
        self.value(records) == Datum::Bool(true)
    }

    /// Its value for two records.
    pub(super) fn value<'a>(&'a self, records: &'a dyn Records) -> Datum<'a> {
        match self {
            Self::Column(column, side) => records
                .value(*column, *side)
                .map_or(Datum::Null, |text| Datum::Text(Cow::Borrowed(text))),
            Self::Text(text) => Datum::Text(Cow::Borrowed(text)),
            Self::Number(number) => Datum::Number(*number),
            Self::Bool(truth) => Datum::Bool(*truth),
            Self::Not(of) => match of.value(records) {
                Datum::Bool(truth) => Datum::Bool(!truth),
                _ => Datum::Null,
            },
            Self::And(a, b) => both(a.value(records), || b.value(records), false),
            Self::Or(a, b) => both(a.value(records), || b.value(records), true),
            Self::IsNull(of) => Datum::Bool(of.value(records) == Datum::Null),
            Self::Compare(order, a, b) => compare(*order, &a.value(records), &b.value(records)),
            Self::Minus(a, b) => match (number(&a.value(records)), number(&b.value(records))) {
                (Some(a), Some(b)) => Datum::Number(a - b),
                _ => Datum::Null,
            },
            Self::Call(function, of) => call(*function, of, records),
            Self::Extract(extract) => extract.value(records),
            Self::Date(layout, of) => match of.value(records) {
                Datum::Text(text) => layout.read(&text).map_or(Datum::Null, Datum::Number),
                _ => Datum::Null,
            },
        }
    }

    /// Calls `see` for each column that it reads.
    pub(super) fn columns(&self, see: &mut dyn FnMut(usize, Side)) {
        match self {
            Self::Column(column, side) => see(*column, *side),
            Self::Text(_) | Self::Number(_) | Self::Bool(_) => {}
            Self::Not(of) | Self::IsNull(of) | Self::Date(_, of) => of.columns(see),
            Self::And(a, b) | Self::Or(a, b) | Self::Compare(_, a, b) | Self::Minus(a, b) => {
                a.columns(see);
                b.columns(see);
            }
            Self::Call(_, of) => of.iter().for_each(|of| of.columns(see)),
            Self::Extract(extract) => extract.of.columns(see),
        }
    }
}

/// AND settles at false, OR at true.
fn both<'a>(a: Datum<'a>, b: impl FnOnce() -> Datum<'a>, settles: bool) -> Datum<'a> {
    if a == Datum::Bool(settles) {
        return a;
    }
    let b = b();
    match (&a, &b) {
        (_, Datum::Bool(truth)) if *truth == settles => b,
        (Datum::Bool(_), Datum::Bool(_)) => Datum::Bool(!settles),
        _ => Datum::Null,
    }
}

fn number(of: &Datum<'_>) -> Option<f64> {
    match of {
        Datum::Number(number) => Some(*number),
        Datum::Text(text) => std::str::from_utf8(text).ok()?.trim().parse().ok(),
        Datum::Null | Datum::Bool(_) => None,
    }
}

fn compare<'a>(order: Order, a: &Datum<'_>, b: &Datum<'_>) -> Datum<'a> {
    let found = match (a, b) {
        (Datum::Null, _) | (_, Datum::Null) => return Datum::Null,
        (Datum::Text(a), Datum::Text(b)) => Some(a.cmp(b)),
        (Datum::Bool(a), Datum::Bool(b)) => Some(a.cmp(b)),
        _ => match (number(a), number(b)) {
            (Some(a), Some(b)) => a.partial_cmp(&b),
            _ => None,
        },
    };
    let Some(found) = found else {
        return Datum::Null;
    };
    Datum::Bool(match order {
        Order::Equal => found.is_eq(),
        Order::Differs => found.is_ne(),
        Order::Less => found.is_lt(),
        Order::LessOrEqual => found.is_le(),
        Order::More => found.is_gt(),
        Order::MoreOrEqual => found.is_ge(),
    })
}

fn call<'a>(function: Function, of: &'a [Expr], records: &'a dyn Records) -> Datum<'a> {
    let value = |place: usize| of.get(place).map_or(Datum::Null, |of| of.value(records));
    let texts = || match (value(0), value(1)) {
        (Datum::Text(a), Datum::Text(b)) => Some((a, b)),
        _ => None,
    };
    let of_texts = |measure: fn(&[u8], &[u8]) -> f64| {
        texts().map_or(Datum::Null, |(a, b)| {
            let (a, b) = letters(a, b);
            Datum::Number(measure(&a, &b))
        })
    };
    match function {
        Function::Abs => number(&value(0)).map_or(Datum::Null, |n| Datum::Number(n.abs())),
        Function::Epoch => value(0),
        Function::Lower => changed(value(0), |text| text.to_lowercase()),
        Function::Upper => changed(value(0), |text| text.to_uppercase()),
        Function::Trim => changed(value(0), |text| text.trim_matches(' ').to_owned()),
        Function::Length => match value(0) {
            Datum::Text(text) => {
                Datum::Number(String::from_utf8_lossy(&text).chars().count() as f64)
            }
            _ => Datum::Null,
        },
        Function::Substring => match (number(&value(1)), number(&value(2))) {
            (Some(from), Some(count)) => changed(value(0), |text| {
                let skip = (from - 1.0).max(0.0) as usize;
                text.chars()
                    .skip(skip)
                    .take(count.max(0.0) as usize)
                    .collect()
            }),
            _ => Datum::Null,
        },
        Function::NullIf => {
            let kept = value(0);
            let same = compare(Order::Equal, &kept, &value(1)) == Datum::Bool(true);
            if same { Datum::Null } else { kept }
        }
        Function::Coalesce => of
            .iter()
            .map(|of| of.value(records))
            .find(|value| *value != Datum::Null)
            .unwrap_or(Datum::Null),
        Function::Levenshtein => of_texts(|a, b| levenshtein(a, b) as f64),
        Function::DamerauLevenshtein => of_texts(|a, b| damerau_levenshtein(a, b) as f64),
        Function::Jaro => of_texts(jaro_similarity),
        Function::JaroWinkler => of_texts(jaro_winkler),
        Function::Jaccard => of_texts(jaccard),
    }
}

fn changed<'a>(of: Datum<'a>, change: impl FnOnce(&str) -> String) -> Datum<'a> {
    match of {
        Datum::Text(text) => {
            let text = change(&String::from_utf8_lossy(&text));
            Datum::Text(Cow::Owned(text.into_bytes()))
        }
        Datum::Null | Datum::Bool(_) | Datum::Number(_) => Datum::Null,
    }
}

impl Extract {
    /// What the group matched; the empty text where nothing does, as DuckDB has it.
    fn value<'a>(&'a self, records: &'a dyn Records) -> Datum<'a> {
        let Datum::Text(text) = self.of.value(records) else {
            return Datum::Null;
        };
        let found = self
            .pattern
            .captures(&text)
            .and_then(|captures| captures.get(self.group))
            .map_or_else(Vec::new, |found| found.as_bytes().to_vec());
        Datum::Text(Cow::Owned(found))
    }
}

impl Layout {
    /// Seconds since 1970 of a date that exists.
    fn read(self, text: &[u8]) -> Option<f64> {
        let text = std::str::from_utf8(text).ok()?.trim();
        let (year, month, day) = match self {
            Self::YearMonthDay => {
                let mut parts = text.splitn(3, '-');
                (parts.next()?, parts.next()?, parts.next()?)
            }
            Self::DayMonthYear => {
                let mut parts = text.splitn(3, '/');
                let (day, month) = (parts.next()?, parts.next()?);
                (parts.next()?, month, day)
            }
            Self::Digits => (text.get(..4)?, text.get(4..6)?, text.get(6..)?),
        };
        let digits = |text: &str, most: usize| -> Option<i64> {
            let digits =
                !text.is_empty() && text.len() <= most && text.bytes().all(|b| b.is_ascii_digit());
            digits.then(|| text.parse().ok()).flatten()
        };
        let (year, month, day) = (digits(year, 4)?, digits(month, 2)?, digits(day, 2)?);
        days(year, month, day).map(|days| days as f64 * 86_400.0)
    }
}

/// Days since 1970 of a date of the Gregorian calendar (Hinnant 2013); nothing where it does not exist.
fn days(year: i64, month: i64, day: i64) -> Option<i64> {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let last = match month {
        2 => 28 + i64::from(leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    if !(1..=last).contains(&day) {
        return None;
    }
    let (year, month) = if month <= 2 {
        (year - 1, month + 9)
    } else {
        (year, month - 3)
    };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * month + 2) / 5 + day - 1;
    Some(era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_those_of_the_calendar() {
        assert_eq!(days(1970, 1, 1), Some(0));
        assert_eq!(days(2000, 3, 1), Some(11_017));
        assert_eq!(days(1969, 12, 31), Some(-1));
        assert_eq!(days(1900, 2, 29), None);
        assert_eq!(days(2024, 2, 29), Some(19_782));
    }
}
