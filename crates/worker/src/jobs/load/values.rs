//! Reading a declared column: every value parses as its kind, or the delivery is refused.

use frames::{Cells, FrameError, Strings, Values, date};
use protocol::job::{Column, ColumnKind, Presence};

/// The column's values in the order of the file.
pub(super) fn parse(column: &Column, cells: &Strings) -> Result<Values, FrameError> {
    if column.presence == Presence::Required
        && let Some(index) = cells.iter().position(|cell| cell.is_none())
    {
        return Err(FrameError::cell(
            index as u64 + 1,
            &column.name,
            "a value is required",
        ));
    }
    let name = column.name.as_str();
    Ok(match column.kind {
        ColumnKind::Text => Values::Text(Strings::of(cells.iter())?),
        ColumnKind::Integer => Values::Integer(each(
            name,
            cells,
            "the value is not a whole number",
            integer,
        )?),
        ColumnKind::Number => Values::Number(each(
            name,
            cells,
            "the value is not a finite number",
            number,
        )?),
        ColumnKind::Date | ColumnKind::DateOfBirth => Values::Date(each(
            name,
            cells,
            "the value is not a date written YYYY-MM-DD",
            date::parse,
        )?),
        ColumnKind::Postcode => {
            let mut tidy = Strings::new();
            for (index, cell) in cells.iter().enumerate() {
                match cell.map(postcode) {
                    None => tidy.push("")?,
                    Some(Some(code)) => tidy.push(&code)?,
                    Some(None) => {
                        return Err(FrameError::cell(
                            index as u64 + 1,
                            name,
                            "the value is not a UK postcode",
                        ));
                    }
                }
            }
            Values::Text(tidy)
        }
    })
}

/// The values in another order.
pub(super) fn reorder(values: &Values, order: &[u32]) -> Result<Values, FrameError> {
    Ok(match values {
        Values::Text(cells) => Values::Text(cells.take(order)?),
        Values::Integer(cells) => Values::Integer(take(cells, order)),
        Values::Number(cells) => Values::Number(take(cells, order)),
        Values::Date(cells) => Values::Date(take(cells, order)),
        Values::Ordinal(cells) => Values::Ordinal(take(cells, order)),
    })
}

fn take<T: Copy + Default>(cells: &Cells<T>, order: &[u32]) -> Cells<T> {
    order.iter().map(|&row| cells.get(row as usize)).collect()
}

fn each<T: Copy + Default>(
    name: &str,
    cells: &Strings,
    wrong: &str,
    parse: impl Fn(&str) -> Option<T>,
) -> Result<Cells<T>, FrameError> {
    cells
        .iter()
        .enumerate()
        .map(|(index, cell)| match cell {
            None => Ok(None),
            Some(text) => parse(text)
                .map(Some)
                .ok_or_else(|| FrameError::cell(index as u64 + 1, name, wrong)),
        })
        .collect()
}

fn integer(text: &str) -> Option<i64> {
    if text.starts_with('+') {
        return None;
    }
    text.parse().ok()
}

/// Digits, sign, point and exponent only: the words for infinity and not-a-number are no numbers here.
pub(super) fn number(text: &str) -> Option<f64> {
    let plain = text
        .bytes()
        .all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'-' | b'+' | b'e' | b'E'));
    text.parse()
        .ok()
        .filter(|number: &f64| plain && number.is_finite())
}

/// A postcode in capitals with one space before its last three characters (`EH16 4SA`).
pub(super) fn postcode(text: &str) -> Option<String> {
    let packed: Vec<u8> = text
        .bytes()
        .filter(|byte| *byte != b' ')
        .map(|byte| byte.to_ascii_uppercase())
        .collect();
    let (outward, inward) = packed.split_at_checked(packed.len().checked_sub(3)?)?;
    let [digit, unit @ ..] = inward else {
        return None;
    };
    let area = outward
        .iter()
        .take_while(|byte| byte.is_ascii_uppercase())
        .count();
    let district = match outward.get(area..)? {
        [one] => one.is_ascii_digit(),
        [one, two] => one.is_ascii_digit() && two.is_ascii_alphanumeric(),
        _ => false,
    };
    let shaped = (1..=2).contains(&area)
        && district
        && digit.is_ascii_digit()
        && unit.iter().all(u8::is_ascii_uppercase);
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).ok();
    shaped.then(|| Some(format!("{} {}", text(outward)?, text(inward)?)))?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn postcodes_are_written_in_one_way() {
        for (text, want) in [
            ("EH16 4SA", Some("EH16 4SA")),
            ("eh164sa", Some("EH16 4SA")),
            ("G1 1AA", Some("G1 1AA")),
            ("SW1A2AA", Some("SW1A 2AA")),
            ("EH16", None),
            ("EH16 4S", None),
            ("1EH 4SA", None),
            ("EHX16 4SA", None),
            ("EH16 SAA", None),
            ("é", None),
            ("", None),
        ] {
            assert_eq!(postcode(text).as_deref(), want, "{text}");
        }
    }

    #[test]
    fn numbers_are_digits() {
        assert_eq!(integer("-7"), Some(-7));
        for text in ["+7", "7.0", " 7", "9223372036854775808", "NA", ""] {
            assert_eq!(integer(text), None, "{text}");
        }
        assert_eq!(number("-1.5e3"), Some(-1500.0));
        for text in ["inf", "NaN", "1e999", "1,5", "infinity", ""] {
            assert_eq!(number(text), None, "{text}");
        }
    }
}
