//! Calendar dates as days since 1970-01-01 (proleptic Gregorian), written `YYYY-MM-DD`.

/// Reads `YYYY-MM-DD`; nothing else, and only days that exist.
#[must_use]
pub fn parse(text: &str) -> Option<i32> {
    let [a, b, c, d, b'-', e, f, b'-', g, h] = *text.as_bytes() else {
        return None;
    };
    let digits = |bytes: &[u8]| {
        bytes.iter().try_fold(0_i32, |sum, byte| {
            byte.is_ascii_digit()
                .then(|| sum * 10 + i32::from(byte - b'0'))
        })
    };
    let (year, month, day) = (digits(&[a, b, c, d])?, digits(&[e, f])?, digits(&[g, h])?);
    if year == 0 || !(1..=12).contains(&month) || day < 1 || day > days_in_month(year, month) {
        return None;
    }
    Some(days_from_civil(year, month, day))
}

/// Writes `YYYY-MM-DD`.
#[must_use]
pub fn format(days: i32) -> String {
    let (year, month, day) = civil_from_days(days);
    format!("{year:04}-{month:02}-{day:02}")
}

fn is_leap(year: i32) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

fn days_in_month(year: i32, month: i32) -> i32 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

// Both conversions count years from 1 March, so that the leap day is the last day of a year, in
// 400-year eras of 146,097 days (H. Hinnant, "chrono-Compatible Low-Level Date Algorithms").
fn days_from_civil(year: i32, month: i32, day: i32) -> i32 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

fn civil_from_days(days: i32) -> (i64, i64, i64) {
    let shifted = i64::from(days) + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 {
        shifted_month + 3
    } else {
        shifted_month - 9
    };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_day_of_four_centuries_comes_back() {
        let first = parse("1799-12-31").unwrap();
        let last = parse("2201-01-01").unwrap();
        assert_eq!(last - first, 146_463);
        for days in first..=last {
            assert_eq!(parse(&format(days)), Some(days));
        }
    }

    #[test]
    fn known_days() {
        for (text, days) in [
            ("1970-01-01", 0),
            ("1969-12-31", -1),
            ("2000-02-29", 11_016),
            ("2000-03-01", 11_017),
            ("0001-01-01", -719_162),
        ] {
            assert_eq!(parse(text), Some(days), "{text}");
            assert_eq!(format(days), text);
        }
    }

    #[test]
    fn days_that_do_not_exist_and_other_forms_are_refused() {
        for text in [
            "",
            "2001-02-29",
            "1900-02-29",
            "2000-04-31",
            "2000-13-01",
            "2000-00-10",
            "2000-01-00",
            "0000-01-01",
            "01/02/2000",
            "2000-1-1",
            "2000-01-01T00:00",
            "2000-01-01 ",
            "20000101",
            "+200-01-01",
            "２000-01-01",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
