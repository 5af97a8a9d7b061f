//! Statements of several tables.

use serde::{Deserialize, Serialize};

use super::Evidence;

/// Stands in [`Evidence::sources`] for no joined table: what is counted are the people behind a number of values.
pub const OF_VALUES: u16 = u16::MAX;

/// A further table of a statement.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Further {
    /// Where its numbers are.
    pub place: Place,
    /// What was counted of it. It has no further tables itself.
    pub table: Evidence,
}

/// Where the numbers of a further table are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Place {
    /// In the table's own numbers: a total of which it shows shares, say.
    Inside,
    /// In rows under the table's (`union`), which have as many columns.
    Under,
}

/// The rows of a union.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Union {
    /// Whether rows that are alike are one (`union` without `all`).
    pub distinct: bool,
    /// The columns by which they are ordered, the first first.
    pub order: Vec<Sort>,
}

/// A column by which rows are ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sort {
    /// Its index.
    pub column: u16,
    /// Whether the largest is first.
    pub descending: bool,
}

impl Evidence {
    /// The tables of the statement in the order in which they are judged: those inside this one, it, those under it.
    pub fn tables(&self) -> impl Iterator<Item = &Self> {
        let of = |place: Place| {
            let further = self.further.iter();
            further
                .filter(move |one| one.place == place)
                .map(|one| &one.table)
        };
        of(Place::Inside).chain([self]).chain(of(Place::Under))
    }
}
