//! The input: one column of text with nulls, and a file of such columns by role.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What a column of identifiers holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// First or given name.
    Forename,
    /// Family name.
    Surname,
    /// Birth date as `YYYY-MM-DD`, `DD/MM/YYYY` or `YYYYMMDD`.
    DateOfBirth,
    /// Sex as recorded: M, F, male, female, 1, 2.
    Sex,
    /// Postcode, spaced or not.
    Postcode,
    /// First address line.
    #[serde(rename = "address_1")]
    Address1,
    /// Second address line.
    #[serde(rename = "address_2")]
    Address2,
    /// Town or village.
    Locality,
    /// Region or council.
    Region,
    /// Community Health Index number.
    Chi,
    /// NHS number of England and Wales.
    NhsNumber,
    /// Telephone number.
    Telephone,
    /// Electronic mail address.
    Email,
    /// Anything else that says something of the person; compared as text, with the column of the same name.
    Field,
}

impl Role {
    /// Every role of an identifier, in order: all but [`Role::Field`].
    pub const ALL: [Self; 13] = [
        Self::Forename,
        Self::Surname,
        Self::DateOfBirth,
        Self::Sex,
        Self::Postcode,
        Self::Address1,
        Self::Address2,
        Self::Locality,
        Self::Region,
        Self::Chi,
        Self::NhsNumber,
        Self::Telephone,
        Self::Email,
    ];

    /// The name used in specifications and files.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Forename => "forename",
            Self::Surname => "surname",
            Self::DateOfBirth => "date_of_birth",
            Self::Sex => "sex",
            Self::Postcode => "postcode",
            Self::Address1 => "address_1",
            Self::Address2 => "address_2",
            Self::Locality => "locality",
            Self::Region => "region",
            Self::Chi => "chi",
            Self::NhsNumber => "nhs_number",
            Self::Telephone => "telephone",
            Self::Email => "email",
            Self::Field => "field",
        }
    }

    /// The role of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .chain([Self::Field])
            .find(|role| role.as_str() == name)
    }
}

impl std::fmt::Display for Role {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Text values with nulls: the bytes of all values end to end, where each ends, and which are present.
///
/// Build one with `Column::from_iter([Some("a"), None])`. It prints nothing of what it holds.
#[derive(Default, Clone, PartialEq, Eq)]
pub struct Column {
    bytes: String,
    ends: Vec<usize>,
    present: Vec<u64>,
}

impl Column {
    /// An empty column.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            bytes: String::new(),
            ends: Vec::new(),
            present: Vec::new(),
        }
    }

    /// Adds one value, or a null.
    pub fn push(&mut self, value: Option<&str>) {
        let row = self.ends.len();
        if row.is_multiple_of(64) {
            self.present.push(0);
        }
        if let Some(value) = value {
            self.bytes.push_str(value);
            if let Some(word) = self.present.last_mut() {
                *word |= 1 << (row % 64);
            }
        }
        self.ends.push(self.bytes.len());
    }

    /// Number of values, nulls included.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.ends.len()
    }

    /// True if there is no value.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The value of a row; `None` for a null and past the end.
    #[must_use]
    pub fn get(&self, row: usize) -> Option<&str> {
        let word = self.present.get(row / 64)?;
        if word & (1 << (row % 64)) == 0 {
            return None;
        }
        let start = match row.checked_sub(1) {
            Some(before) => *self.ends.get(before)?,
            None => 0,
        };
        self.bytes.get(start..*self.ends.get(row)?)
    }

    /// The values in order.
    pub fn iter(&self) -> impl Iterator<Item = Option<&str>> {
        (0..self.len()).map(|row| self.get(row))
    }
}

impl<'a> FromIterator<Option<&'a str>> for Column {
    fn from_iter<I: IntoIterator<Item = Option<&'a str>>>(values: I) -> Self {
        let mut column = Self::new();
        for value in values {
            column.push(value);
        }
        column
    }
}

/// One file: an ordinal for each record, and the columns by role, each as long as `ids`.
#[derive(Default, Clone)]
pub struct Records {
    /// Ordinal of each record, unique within the file. Not a person's number.
    pub ids: Vec<u64>,
    /// The identifiers.
    pub columns: BTreeMap<Role, Column>,
}

#[cfg(test)]
mod tests;
