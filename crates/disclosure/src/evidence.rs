//! What the data engine counted about one statement. The bytes come from another
//! process: [`Evidence::validate`] decides whether they can be judged.

use serde::{Deserialize, Serialize};

mod tables;
mod validate;

pub use tables::{Further, Lineage, OF_VALUES, Place, Sort, Union};
pub use validate::Malformed;

use crate::Datum;

/// The evidence for one statement.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Evidence {
    /// The statement as it was submitted.
    pub statement: String,
    /// The statement that was run instead, generated from whitelisted parts; empty if
    /// nothing was run.
    pub generated: String,
    /// Whether the people behind the cells could be counted.
    pub class: Class,
    /// Columns of the result, in order.
    pub columns: Vec<Column>,
    /// Names of the group keys, in the order of [`Group::key`].
    pub keys: Vec<String>,
    /// The grouping sets, each the keys that it groups by; the other keys are totalled. Without `rollup`,
    /// `cube` or `grouping sets` there is one, of all keys.
    pub sets: Vec<Vec<u16>>,
    /// Which groups the statement lets a reader see.
    pub shown: Shown,
    /// The counts of one row between which a reader can add and subtract.
    pub counts: Vec<Counted>,
    /// The aggregates of values that the measures are computed from, in the order of
    /// [`Group::magnitudes`].
    pub parts: Vec<Part>,
    /// Every group of the data, in the order of the result.
    pub groups: Vec<Group>,
    /// For a table that joins others, which of these each of [`Evidence::counts`] counts rows of: no row of one is a
    /// row of another, but a person can be in both. [`OF_VALUES`] for the people behind a sum, a mean or another number
    /// of values, which are subtracted among themselves. Empty where all count rows of one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<u16>,
    /// Further tables of the statement, each judged like this one and beside it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub further: Vec<Further>,
    /// Of what its numbers are; none where the table is judged without knowing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lineage: Option<Lineage>,
    /// Columns that are computed with numbers of the tables inside this one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub looking: Vec<u16>,
    /// How the rows of a union are put together, if it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub union: Option<Union>,
}

/// What kind of answer the statement gives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Class {
    /// Groups and numbers about them.
    Table,
    /// Rows of the data, each one person's. It was not run.
    Rows,
    /// The people behind the numbers cannot be counted. It was not run, or its
    /// result was thrown away.
    Untraceable {
        /// Why, in words, without data values.
        reason: String,
    },
}

/// One column of the result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Column {
    /// Its name, unique in the result.
    pub name: String,
    /// What it holds.
    pub role: Role,
    /// Whether it is computed from the numbers of other groups too: a share of a total, a rank.
    pub across: bool,
}

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// The group key with this index in [`Evidence::keys`].
    Key(u16),
    /// Computed from group keys alone.
    Label,
    /// A number about the group.
    Measure(Kind),
}

/// The kinds of numbers, by the rules they need.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Rows or people.
    Count,
    /// Computed from counts alone: a share, a rate.
    Share,
    /// Different values of a column of the data that is not the unit.
    Distinct,
    /// Totals and means: the largest contributors matter.
    Total,
    /// Standard deviation and variance.
    Spread,
    /// Correlation, covariance and the line through two columns.
    Relation,
    /// Median and quantiles.
    Quantile,
    /// Smallest and largest value: one person's.
    Extreme,
    /// Different values, or the spread, of an expression, which can tell of few people though all have a value.
    Crafted,
    /// The most frequent value.
    Mode,
}

/// An aggregate of values.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Part {
    /// The measures that show it, as indexes among [`Evidence::measures`]; none for a difference that a
    /// reader can form.
    pub measures: Vec<u16>,
    /// The column, or the subtraction that forms it.
    pub label: String,
    /// What it is.
    pub kind: Kind,
    /// For a quantile, which: 0.5 is the median, 0 the smallest value, 1 the largest.
    pub quantile: Option<f64>,
}

/// Which of the groups the reader sees. What is seen, and what is said of the table, must not depend
/// on a number that is not judged: a reader who may ask again with another condition would learn it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Shown {
    /// All of them: a combination that is absent has nobody behind it.
    All,
    /// The first ones (`limit`). The others are judged as well.
    First,
    /// Those with at least so many people (`having count(distinct person) >= k`), and no others. The
    /// rest need no judging where `k` is no less than the policy's minimum.
    Large(u64),
    /// Those that satisfy a condition on counts that stand in [`Evidence::counts`] alone. The others are
    /// judged as well.
    Condition,
    /// Those that both of two joined tables have. The others are judged as well.
    Joined,
    /// Those that satisfy a condition on a number that is judged nowhere.
    Unjudged,
}

/// A count in every row of the table, or inside a share of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Counted {
    /// The column it is shown in, or a description of the part of a share.
    pub label: String,
    /// What is counted.
    pub level: CountLevel,
    /// Whether it counts the whole group or a part of it.
    pub whole: Whole,
}

/// What a count counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CountLevel {
    /// Rows.
    Rows,
    /// Distinct people.
    People,
}

/// The part of the group that a count counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Whole {
    /// Everything in the group.
    Whole,
    /// What satisfies a condition. That all do is as telling as that none does.
    Part,
    /// What is not missing. That nothing is missing tells nothing.
    Present,
}

/// One group of the data.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Group {
    /// Values of the keys; missing for a key that is totalled.
    pub key: Vec<Datum>,
    /// Index into [`Evidence::sets`].
    pub set: u16,
    /// Whether the statement shows the group.
    pub visible: Visible,
    /// Distinct people in the group.
    pub people: u64,
    /// Rows in the group.
    pub rows: u64,
    /// The result row, one value a column.
    pub values: Vec<Datum>,
    /// Behind each measure, in column order.
    pub behind: Vec<Behind>,
    /// The values behind each of [`Evidence::parts`].
    pub magnitudes: Vec<Magnitude>,
    /// The group's rows by which of [`Evidence::counts`] they are in, where there are 2 to
    /// [`COUNTS_MAX`] counts.
    pub row_atoms: Vec<Atom>,
    /// The group's people by which of the counts of people they are in, where two or more of
    /// these are of people.
    pub person_atoms: Vec<Atom>,
}

/// Whether a group is in the result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Visible {
    /// It is.
    Shown,
    /// It lies beyond the statement's limit.
    Beyond,
    /// The statement's condition on groups leaves it out.
    Excluded,
}

/// What stands behind one cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Behind {
    /// Distinct people with a value.
    pub people: u64,
    /// Rows with a value, also those that name nobody.
    pub rows: u64,
}

/// The values behind one aggregate in one group, by the people who contribute them. A person's contribution
/// is the sum of the absolute values of their rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Magnitude {
    /// Distinct people with a value.
    pub people: u64,
    /// Rows with a value.
    pub rows: u64,
    /// Rows with a value that name nobody.
    pub unnamed: u64,
    /// Rows whose value is below zero.
    pub negative: u64,
    /// Rows whose value is not a finite number, or no number at all.
    pub odd: u64,
    /// The sum of all contributions.
    pub total: f64,
    /// The largest contributions, the largest first, at most [`TOP_MAX`].
    pub top: Vec<f64>,
    /// Distinct people who contribute more than nothing.
    pub active: u64,
    /// Whether every value is zero or one: the total is then a count of the ones.
    pub flags: bool,
    /// Whether all values, or all contributions of two or more people, are one.
    pub same: bool,
    /// People who have the smallest value.
    pub least: u64,
    /// People who have the largest value.
    pub most: u64,
    /// For a quantile, people with a value not above it; for a most frequent value, those who have it; otherwise 0.
    pub below: u64,
    /// For a quantile, people with a value not below it; otherwise 0.
    pub above: u64,
}

/// The most contributions that are told apart, and the most that a rule may ask for.
pub const TOP_MAX: usize = 10;

/// The rows (or people) of a group that are in exactly one combination of counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Atom {
    /// Bit i is set if they are in count i.
    pub pattern: u32,
    /// Rows; for people, how many.
    pub rows: u64,
    /// Distinct people.
    pub people: u64,
}

impl Evidence {
    /// Evidence that says only why there is none.
    pub fn untraceable(statement: &str, reason: impl Into<String>) -> Self {
        Self::without_cells(
            statement,
            Class::Untraceable {
                reason: reason.into(),
            },
        )
    }

    /// Evidence for a listing of persons, which needs no counting.
    pub fn rows(statement: &str) -> Self {
        Self::without_cells(statement, Class::Rows)
    }

    fn without_cells(statement: &str, class: Class) -> Self {
        Self {
            statement: statement.to_owned(),
            generated: String::new(),
            class,
            columns: Vec::new(),
            keys: Vec::new(),
            sets: Vec::new(),
            shown: Shown::All,
            counts: Vec::new(),
            parts: Vec::new(),
            groups: Vec::new(),
            sources: Vec::new(),
            further: Vec::new(),
            lineage: None,
            looking: Vec::new(),
            union: None,
        }
    }

    /// The measures, with their names.
    pub fn measures(&self) -> impl Iterator<Item = (&str, Kind)> {
        self.columns.iter().filter_map(|column| match column.role {
            Role::Key(_) | Role::Label => None,
            Role::Measure(kind) => Some((column.name.as_str(), kind)),
        })
    }

    /// The values of the measures in a row of the result.
    pub(crate) fn measured<'r>(&'r self, row: &'r [Datum]) -> impl Iterator<Item = &'r Datum> {
        let columns = self.columns.iter().zip(row);
        columns.filter_map(|(column, value)| match column.role {
            Role::Key(_) | Role::Label => None,
            Role::Measure(_) => Some(value),
        })
    }
}
