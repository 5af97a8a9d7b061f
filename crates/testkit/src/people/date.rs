//! Days of the Gregorian calendar, without a clock.

/// A day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Date {
    /// Year, as 1985.
    pub year: i32,
    /// 1 to 12.
    pub month: u8,
    /// 1 to 31.
    pub day: u8,
}

impl std::fmt::Display for Date {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

impl Date {
    /// Days since 1 January 1970 (Hinnant, "chrono-compatible low-level date algorithms").
    #[must_use]
    pub fn to_days(self) -> i32 {
        let year = self.year - i32::from(self.month <= 2);
        let era = year.div_euclid(400);
        let of_era = year.rem_euclid(400);
        let shifted = (i32::from(self.month) + 9) % 12;
        let of_year = (153 * shifted + 2) / 5 + i32::from(self.day) - 1;
        era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
    }

    /// The day a number of days after 1 January 1970.
    #[must_use]
    pub fn from_days(days: i32) -> Self {
        let days = days + 719_468;
        let era = days.div_euclid(146_097);
        let of_era = days.rem_euclid(146_097);
        let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted = (5 * of_year + 2) / 153;
        let month = (shifted + 2) % 12 + 1;
        Self {
            year: year_of_era + era * 400 + i32::from(month <= 2),
            month: u8::try_from(month).unwrap_or(1),
            day: u8::try_from(of_year - (153 * shifted + 2) / 5 + 1).unwrap_or(1),
        }
    }
}

/// Whole years between two days; 0 if the second is earlier.
pub(crate) fn age(born: Date, on: Date) -> u8 {
    let before_birthday = (on.month, on.day) < (born.month, born.day);
    u8::try_from(on.year - born.year - i32::from(before_birthday)).unwrap_or(0)
}

/// First and last birth day, in days, of those who are of an age on a date.
pub(crate) fn births_of_age(age: u8, on: Date) -> (i32, i32) {
    // 29 February counts as the 28th, so that every year has the day.
    let day = if on.month == 2 {
        on.day.min(28)
    } else {
        on.day
    };
    let back = |years: i32| {
        Date {
            year: on.year - years,
            day,
            ..on
        }
        .to_days()
    };
    (back(i32::from(age) + 1) + 1, back(i32::from(age)))
}
