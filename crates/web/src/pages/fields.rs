//! Fields that more than one form has: choices and dates, as the macros of `macros.html` draw them.

use governance::Date;
use serde::{Deserialize, Serialize};

use super::form::{Faults, Form};

/// One of the radios, checkboxes or options of a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Choice {
    /// What is sent.
    pub(crate) value: String,
    /// What is shown.
    pub(crate) label: String,
    /// What explains it; empty for nothing.
    pub(crate) hint: String,
    /// Whether it is chosen.
    pub(crate) chosen: bool,
}

impl Choice {
    /// A choice that is not chosen.
    pub(crate) fn new(value: impl Into<String>, label: impl Into<String>) -> Self {
        Self {
            value: value.into(),
            label: label.into(),
            hint: String::new(),
            chosen: false,
        }
    }

    /// With what explains it.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = hint.into();
        self
    }

    /// Chosen if its value is among these.
    pub(crate) fn among<'a>(mut self, chosen: impl IntoIterator<Item = &'a str>) -> Self {
        self.chosen = chosen.into_iter().any(|value| value == self.value);
        self
    }
}

/// A date as three fields hold it, valid or not: `NAME-day`, `NAME-month`, `NAME-year`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DateTyped {
    pub(crate) day: String,
    pub(crate) month: String,
    pub(crate) year: String,
}

impl From<Date> for DateTyped {
    fn from(date: Date) -> Self {
        Self {
            day: date.day().to_string(),
            month: date.month().to_string(),
            year: date.year().to_string(),
        }
    }
}

impl DateTyped {
    /// As it was sent.
    pub(crate) fn of(form: &Form, name: &str) -> Self {
        let part = |part: &str| form.one(&format!("{name}-{part}")).to_owned();
        Self {
            day: part("day"),
            month: part("month"),
            year: part("year"),
        }
    }

    /// Whether nothing was typed.
    pub(crate) fn is_empty(&self) -> bool {
        self.day.is_empty() && self.month.is_empty() && self.year.is_empty()
    }

    /// The date, or none if it is not one.
    pub(crate) fn date(&self) -> Option<Date> {
        // A year of two digits is a slip of the pen, not the first century.
        if self.year.len() != 4 {
            return None;
        }
        let year = self.year.parse().ok()?;
        let month = self.month.parse().ok()?;
        let day = self.day.parse().ok()?;
        Date::new(year, month, day).ok()
    }

    /// The date; else a fault of the field, under what it is called.
    pub(crate) fn required(&self, faults: &mut Faults, field: &str, what: &str) -> Option<Date> {
        let date = self.date();
        if self.is_empty() {
            faults.add(field, format!("Give the {what}"));
        } else if date.is_none() {
            faults.add(
                field,
                format!("The {what} must be a real date, such as 27 3 2027"),
            );
        }
        date
    }

    /// The date, or none where nothing was typed; else a fault of the field.
    pub(crate) fn optional(&self, faults: &mut Faults, field: &str, what: &str) -> Option<Date> {
        if self.is_empty() {
            None
        } else {
            self.required(faults, field, what)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(text: &str) -> DateTyped {
        let mut parts = text.split('/').map(str::to_owned);
        let mut next = || parts.next().unwrap_or_default();
        DateTyped {
            day: next(),
            month: next(),
            year: next(),
        }
    }

    #[test]
    fn a_date_is_three_numbers_that_the_calendar_has() {
        for (text, expected) in [
            ("27/3/2027", Some("2027-03-27")),
            ("07/03/2027", Some("2027-03-07")),
            ("29/2/2028", Some("2028-02-29")),
            ("29/2/2027", None),
            ("31/4/2027", None),
            ("1/13/2027", None),
            ("1/1/27", None),
            ("1//2027", None),
            ("first/1/2027", None),
            ("//", None),
        ] {
            let date = typed(text).date().map(|d| d.to_string());
            assert_eq!(date.as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn an_optional_date_may_be_left_out_and_not_be_half_typed() {
        let mut faults = Faults::default();
        assert_eq!(typed("//").optional(&mut faults, "end", "last day"), None);
        assert!(faults.is_empty());
        assert_eq!(
            typed("1//2027").optional(&mut faults, "end", "last day"),
            None
        );
        assert!(
            faults
                .of("end")
                .is_some_and(|text| text.contains("last day"))
        );
    }

    #[test]
    fn a_date_is_typed_back_as_it_is() {
        let date = Date::constant(2027, 3, 7);
        assert_eq!(DateTyped::from(date).date(), Some(date));
    }
}
