//! Birth dates as they are written, packed; day-first and month-first files told apart by the dates themselves.

use crate::standardise::{DATE_DEFAULTS, Standard, is_real_date};

/// A mark on a packed date that would also be real with day and month exchanged, until the file is known.
const UNSURE: u32 = 1 << 31;

/// Which number comes first in dates with the year last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    DayFirst,
    MonthFirst,
}

/// How often each order was the only possible one.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Seen {
    day_first: u64,
    month_first: u64,
}

impl Seen {
    /// Month first only if the dates that can be read in one way say so with hardly an exception.
    pub(crate) const fn order(self) -> Order {
        if self.month_first > 20 * self.day_first {
            Order::MonthFirst
        } else {
            Order::DayFirst
        }
    }
}

/// A date packed as year * 10000 + month * 100 + day: `YYYY-MM-DD`, `DD/MM/YYYY`, `MM/DD/YYYY` (with `-`, `/`,
/// `.` or spaces), `YYYYMMDD`, `DDMMYYYY`, `12 Mar 1980`; two-digit years are of the hundred years up to 2029.
/// A time of day after it is passed over. A date the calendar lacks is kept as written: its digits still
/// say something.
pub(crate) fn read(raw: &str, seen: &mut Seen) -> Standard<u32> {
    let text = raw.trim();
    if text.is_empty() {
        return Standard::Missing;
    }
    match parts(text.as_bytes(), seen) {
        None | Some(0) => Standard::Invalid,
        Some(packed) if DATE_DEFAULTS.contains(&(packed & !UNSURE)) => Standard::Default,
        Some(packed) => {
            let year = (packed & !UNSURE) / 10_000;
            if (1850..=2099).contains(&year) {
                Standard::Value(packed)
            } else {
                Standard::Invalid
            }
        }
    }
}

/// Takes the mark off, exchanging day and month where the file writes the month first.
pub(crate) const fn settle(packed: u32, months_first: bool) -> u32 {
    if packed & UNSURE == 0 {
        return packed;
    }
    let date = packed & !UNSURE;
    if months_first { exchanged(date) } else { date }
}

/// Day and month exchanged.
pub(crate) const fn exchanged(date: u32) -> u32 {
    date / 10_000 * 10_000 + date % 100 * 100 + date / 100 % 100
}

fn parts(text: &[u8], seen: &mut Seen) -> Option<u32> {
    // Up to three numbers and a month's name.
    let mut numbers = [(0_u32, 0_usize); 3];
    let mut count = 0;
    let mut month = None;
    let mut at = 0;
    while let Some(byte) = text.get(at) {
        if byte.is_ascii_digit() {
            let start = at;
            let mut value = 0_u32;
            while let Some(digit) = text.get(at).filter(|byte| byte.is_ascii_digit()) {
                value = value
                    .checked_mul(10)?
                    .checked_add(u32::from(digit - b'0'))?;
                at += 1;
            }
            *numbers.get_mut(count)? = (value, at - start);
            count += 1;
            let needed = if month.is_some() { 2 } else { 3 };
            if count == needed || (count == 1 && at - start == 8) {
                break;
            }
        } else if byte.is_ascii_alphabetic() {
            let start = at;
            while text.get(at).is_some_and(u8::is_ascii_alphabetic) {
                at += 1;
            }
            match month_named(text.get(start..at)?) {
                Some(found) => month = Some(found),
                // 1st, 2nd; anything else is no date.
                None if at - start == 2 && count == 1 => {}
                None => return None,
            }
        } else if matches!(byte, b'-' | b'/' | b'.' | b' ' | b',') {
            at += 1;
        } else {
            return None;
        }
    }
    // What follows may only be a time of day.
    if text
        .get(at)
        .is_some_and(|byte| !matches!(byte, b'T' | b' ' | b't' | b'Z'))
    {
        return None;
    }
    assemble(numbers, count, month, seen)
}

fn assemble(
    numbers: [(u32, usize); 3],
    count: usize,
    month: Option<u32>,
    seen: &mut Seen,
) -> Option<u32> {
    let [(a, a_len), (b, b_len), (c, c_len)] = numbers;
    match (count, month) {
        (1, None) if a_len == 8 => {
            let packed = a;
            let (y, m, d) = (a / 10_000, a / 100 % 100, a % 100);
            if (1850..=2099).contains(&y)
                || !is_real_date(a % 10_000, a / 10_000 % 100, a / 1_000_000)
            {
                (y > 0 && m + d > 0).then_some(packed)
            } else {
                Some(a % 10_000 * 10_000 + a / 10_000 % 100 * 100 + a / 1_000_000)
            }
        }
        (2, Some(month)) if a_len == 4 => Some(a * 10_000 + month * 100 + b),
        (2, Some(month)) => Some(year(b, b_len)? * 10_000 + month * 100 + a),
        (3, None) if a_len == 4 && b_len <= 2 && c_len <= 2 => Some(a * 10_000 + b * 100 + c),
        (3, None) if a_len <= 2 && b_len <= 2 && a <= 31 && b <= 31 && a.min(b) <= 12 => {
            Some(day_first(a, b, year(c, c_len)?, seen))
        }
        _ => None,
    }
}

const fn day_first(day: u32, month: u32, year: u32, seen: &mut Seen) -> u32 {
    let packed = year * 10_000 + month * 100 + day;
    match (
        is_real_date(year, month, day),
        is_real_date(year, day, month),
    ) {
        (true, true) if day != month => packed | UNSURE,
        (true, false) => {
            seen.day_first += 1;
            packed
        }
        (false, true) => {
            seen.month_first += 1;
            exchanged(packed)
        }
        (true | false, _) => packed,
    }
}

const fn year(value: u32, len: usize) -> Option<u32> {
    match len {
        4 => Some(value),
        2 if value < 30 => Some(2000 + value),
        2 => Some(1900 + value),
        _ => None,
    }
}

fn month_named(name: &[u8]) -> Option<u32> {
    const MONTHS: [&[u8; 3]; 12] = [
        b"jan", b"feb", b"mar", b"apr", b"may", b"jun", b"jul", b"aug", b"sep", b"oct", b"nov",
        b"dec",
    ];
    let three = name.get(..3)?.to_ascii_lowercase();
    let at = MONTHS.iter().position(|month| **month == three[..])?;
    u32::try_from(at + 1).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(raw: &str) -> Standard<u32> {
        match read(raw, &mut Seen::default()) {
            Standard::Value(packed) => Standard::Value(settle(packed, false)),
            other => other,
        }
    }

    #[test]
    fn one_day_in_many_layouts() {
        for raw in [
            "1980-03-07",
            "1980-3-7",
            "07/03/1980",
            "7.3.1980",
            "19800307",
            "07031980",
            "7 Mar 1980",
            "07-MAR-1980",
            "March 7, 1980",
            "7th March 1980",
            "1980-03-07T00:00:00Z",
            "1980-03-07 12:30",
            "07/03/80",
            " 1980/03/07 ",
        ] {
            assert_eq!(day(raw), Standard::Value(19_800_307), "{raw}");
        }
    }

    #[test]
    fn what_is_no_date_is_said_to_be_none() {
        for raw in [
            "x",
            "1980",
            "13",
            "12/13/14/15",
            "1980-03",
            "99999999999",
            "0000-00-00",
            "7 Foo 1980",
        ] {
            assert_eq!(day(raw), Standard::Invalid, "{raw}");
        }
        assert_eq!(day("01/01/1900"), Standard::Default);
        assert_eq!(day("  "), Standard::Missing);
        assert_eq!(day("1980-02-31"), Standard::Value(19_800_231));
    }

    #[test]
    fn a_file_that_writes_the_month_first_is_found_out() {
        let mut seen = Seen::default();
        for raw in ["03/27/1980", "12/31/1999"] {
            assert!(matches!(read(raw, &mut seen), Standard::Value(_)));
        }
        let Standard::Value(unsure) = read("03/07/1980", &mut seen) else {
            panic!("a date")
        };
        assert_eq!(seen.order(), Order::MonthFirst);
        assert_eq!(settle(unsure, true), 19_800_307);
        read("27/03/1980", &mut seen);
        assert_eq!(seen.order(), Order::DayFirst);
    }
}
