//! Statements of several tables.

use serde::{Deserialize, Serialize};

use super::{Evidence, Malformed};

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

/// Of what the numbers of a table are. Equal texts stand for equal expressions, so that a cell that two tables show is
/// known to be one. They are digests: nothing is read from them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lineage {
    /// The rows: the tables, how they are joined, the condition, whose they are.
    pub rows: String,
    /// Each of [`Evidence::keys`].
    pub keys: Vec<String>,
    /// Which rows each of [`Evidence::counts`] counts.
    pub counts: Vec<String>,
    /// The values of each of [`Evidence::parts`], and of which rows.
    pub parts: Vec<String>,
}

impl Lineage {
    /// The digest of an expression, or of what else it is told apart by: 32 hexadecimal digits of its SHA-256.
    pub fn digest(of: &str) -> String {
        let digest = ring::digest::digest(&ring::digest::SHA256, of.as_bytes());
        hex::encode(digest.as_ref().get(..16).unwrap_or_default())
    }

    /// Whether it is of a table of this shape.
    pub(super) fn validate(&self, table: &Evidence) -> Result<(), Malformed> {
        let fits = self.keys.len() == table.keys.len()
            && self.counts.len() == table.counts.len()
            && self.parts.len() == table.parts.len();
        let distinct: std::collections::BTreeSet<&String> = self.keys.iter().collect();
        match fits && distinct.len() == self.keys.len() {
            true => Ok(()),
            false => Err(Malformed {
                what: "what its numbers are of is not said of each",
            }),
        }
    }
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
