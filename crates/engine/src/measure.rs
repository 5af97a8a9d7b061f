//! Integer cells, each bounded for one person: what differential privacy adds noise to.
//!
//! The statements here are trusted code: the proof of a release begins at the cells. They keep to this:
//!
//! - Every row belongs to one person, also after a join; rows without a person are left out.
//! - What is computed of a row depends on the person's own rows and on the plan alone: no order of rows, no
//!   type that other rows decide (values are read as text, then tried as numbers or dates), no floating
//!   point sum.
//! - No value raises an error: every cast is tried, missing and not finite numbers are left out before
//!   anything is clamped (the engine's `least` and `greatest` pass over them and give the bound).
//! - A person with more than `linf` rows in a group counts as `linf` rows of the person's own average there;
//!   a person in more than `l0` groups keeps `l0` of them, chosen by a keyed order.
//! - Whatever fails, fails with one sentence.

mod cells;
mod columns;
mod source;
#[cfg(test)]
mod tests;

use crate::{Connection, quote};

pub use cells::Prepared;

/// What separates the labels of keys that are found.
pub const LABEL_SEPARATOR: char = '\u{1f}';
/// Most characters of one label that is found; longer ones are left out.
pub const LABEL_MAX: u32 = 200;

/// A value.
#[derive(Debug, Clone, PartialEq)]
pub enum Literal {
    /// Missing.
    Missing,
    /// True or false.
    Boolean(bool),
    /// A finite number.
    Number(f64),
    /// `YYYY-MM-DD`.
    Date(String),
    /// Text.
    Text(String),
}

/// How a column is compared. A missing value satisfies only `IsNull`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    /// `=`
    Equal,
    /// `!=`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    AtMost,
    /// `>`
    Greater,
    /// `>=`
    AtLeast,
    /// One of several.
    In,
    /// None of several.
    NotIn,
    /// Between two values, both included.
    Between,
    /// Missing.
    IsNull,
    /// Not missing.
    IsNotNull,
}

/// A comparison of one column.
#[derive(Debug, Clone, PartialEq)]
pub struct Condition {
    /// The column.
    pub column: String,
    /// The comparison.
    pub op: Operator,
    /// The literals, all of one kind.
    pub values: Vec<Literal>,
}

/// What orders a person's rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OrderKind {
    /// Dates, by day.
    Date,
    /// Numbers.
    Number,
}

/// A column computed for each row from the person's own rows.
#[derive(Debug, Clone, PartialEq)]
pub struct Window {
    /// Its name.
    pub name: String,
    /// What is computed.
    pub kind: WindowKind,
    /// The column that orders the rows.
    pub column: String,
    /// What it holds.
    pub order: OrderKind,
}

/// What a window computes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum WindowKind {
    /// Rank from 1; equal rows share one.
    Position,
    /// Distance from the nearest earlier different value.
    SincePrevious,
    /// Rows of the person from so far before this row up to it.
    CountWithin(f64),
}

/// A column of the one row that stands for a person.
#[derive(Debug, Clone, PartialEq)]
pub struct Feature {
    /// Its name.
    pub name: String,
    /// What is computed.
    pub kind: FeatureKind,
    /// Only rows that satisfy all of these count.
    pub conditions: Vec<Condition>,
}

/// What a feature computes.
#[derive(Debug, Clone, PartialEq)]
pub enum FeatureKind {
    /// Whether there is a row.
    Any,
    /// The value of the first row in order; among equal rows the smallest.
    First(String, String, OrderKind),
    /// The value of the last row in order; among equal rows the largest.
    Last(String, String, OrderKind),
    /// The smallest number.
    Min(String),
    /// The largest number.
    Max(String),
    /// Rows, or rows with a value.
    Count(Option<String>),
    /// Sum of numbers, to six decimals.
    Sum(String),
    /// Days from the first to the last date.
    Duration(String),
}

/// A group key.
#[derive(Debug, Clone, PartialEq)]
pub struct Key {
    /// The column.
    pub column: String,
    /// The values that count; none if all do. Together with the other keys' they make the groups, the last
    /// key changing fastest.
    pub values: Option<Vec<Literal>>,
}

/// A grid on which values are summed as integers. All in steps but `lower`, `upper`, `step`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Grid {
    /// Lowest value.
    pub lower: f64,
    /// Highest value.
    pub upper: f64,
    /// A power of two.
    pub step: f64,
    /// Lowest value.
    pub low: i64,
    /// Highest value.
    pub high: i64,
    /// The middle.
    pub centre: i64,
    /// Squares are rounded to multiples of two to this power.
    pub square_shift: u32,
    /// The middle of the rounded squares.
    pub square_centre: i64,
}

/// What is counted or summed in each group.
#[derive(Debug, Clone, PartialEq)]
pub enum Part {
    /// Rows.
    Rows,
    /// Distinct people.
    People,
    /// Rows with a value.
    Present(String),
    /// Rows with a finite number.
    Numbers(String),
    /// Sum of clamped values.
    Sum(String, Grid),
    /// Sum of clamped values less the centre.
    Centred(String, Grid),
    /// Sum of rounded squares of those, less their centre.
    Squares(String, Grid),
    /// Rows in each bin between edges; each bin has its lower edge, the last also its upper one.
    Bins(String, Vec<f64>),
    /// Rows between (even places) and at (odd places) candidates.
    Candidates(String, Vec<f64>),
}

/// One measurement.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// The column that tells people apart, in every table.
    pub unit: String,
    /// The table whose rows are measured.
    pub table: String,
    /// Tables joined on the person.
    pub joins: Vec<String>,
    /// Rows must satisfy all of these.
    pub filter: Vec<Condition>,
    /// Columns computed over the person's own rows.
    pub windows: Vec<Window>,
    /// One row a person, if there are any.
    pub features: Vec<Feature>,
    /// People must satisfy all of these.
    pub having: Vec<Condition>,
    /// Group keys.
    pub keys: Vec<Key>,
    /// Most groups of one person.
    pub l0: u32,
    /// Most rows of one person in one group.
    pub linf: u32,
    /// What is measured.
    pub parts: Vec<Part>,
    /// Keys the order in which a person's groups and bins are kept: random, never shown.
    pub secret: [u8; 32],
}

/// Why there are no cells.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MeasureError {
    /// A table is not there.
    #[error("there is no table {0}")]
    UnknownTable(String),
    /// A column is not there.
    #[error("there is no column {0}")]
    UnknownColumn(String),
    /// Several tables have the column.
    #[error("several tables have a column {0}; write table.column")]
    AmbiguousColumn(String),
    /// A window or feature has the name of a column.
    #[error("the name {0} is a column's; give the window or feature another")]
    TakenName(String),
    /// A table does not tell people apart.
    #[error("table {0} has no column of the unit")]
    NoUnit(String),
    /// Anything after the data were touched. One sentence for all, so that nothing is learnt from which.
    #[error("the request could not be measured")]
    Failed,
}

/// Cuts the cells of a plan.
///
/// # Errors
/// A table or column that is not there; anything else is [`MeasureError::Failed`].
pub fn prepare<'a>(connection: &'a Connection, plan: &Plan) -> Result<Prepared<'a>, MeasureError> {
    cells::prepare_as(connection, plan, &|sql| sql)
}

impl Plan {
    /// The groups in order: every combination of values; one without keys.
    #[must_use]
    pub fn groups(&self) -> Vec<Vec<Literal>> {
        let mut groups = vec![Vec::new()];
        for key in &self.keys {
            let values = key.values.as_deref().unwrap_or_default();
            groups = groups
                .iter()
                .flat_map(|group: &Vec<Literal>| {
                    values.iter().map(|value| {
                        let mut longer = group.clone();
                        longer.push(value.clone());
                        longer
                    })
                })
                .collect();
        }
        groups
    }

    /// Whether groups are found in the data.
    #[must_use]
    pub fn finds_keys(&self) -> bool {
        self.keys.iter().any(|key| key.values.is_none())
    }
}

impl Part {
    /// Cells in each group.
    #[must_use]
    pub fn width(&self) -> usize {
        match self {
            Self::Bins(_, edges) => edges.len().saturating_sub(1),
            Self::Candidates(_, candidates) => candidates.len() * 2 + 1,
            Self::Rows
            | Self::People
            | Self::Present(_)
            | Self::Numbers(_)
            | Self::Sum(..)
            | Self::Centred(..)
            | Self::Squares(..) => 1,
        }
    }
}

impl Literal {
    /// The literal in SQL, of the type that [`columns::Column::as_kind`] reads a column in for it.
    fn sql(&self) -> String {
        match self {
            Self::Missing => "null".into(),
            Self::Boolean(value) => value.to_string(),
            Self::Number(value) => columns::double(*value),
            Self::Date(value) => columns::day(&quote::text(value)),
            Self::Text(value) => quote::text(value),
        }
    }
}
