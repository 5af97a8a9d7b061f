//! A request in its one canonical form.

mod check;
mod read;
#[cfg(test)]
mod tests;

use serde::Serialize;

use crate::{Limits, PrivacyError};

/// What is asked for. Made by [`Request::parse`] alone, so that every value was checked and every list
/// that has no order of its own is sorted: two spellings of one request are equal.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Request {
    /// The table whose rows are measured.
    pub table: String,
    /// Tables joined to it on the person. Every joined row belongs to one person on both sides.
    pub join: Vec<String>,
    /// Rows must satisfy all of these.
    pub filter: Vec<Condition>,
    /// Columns computed over the person's own rows.
    pub windows: Vec<Window>,
    /// If there are any: one row a person, with these columns.
    pub features: Vec<Feature>,
    /// People must satisfy all of these (over features).
    pub having: Vec<Condition>,
    /// Group keys.
    pub group_by: Vec<Key>,
    /// What is measured in each group.
    pub statistics: Vec<Statistic>,
    /// Most groups to which one person contributes.
    pub l0: u32,
    /// Most rows with which one person contributes to one group.
    pub linf: u32,
    /// What may be spent, or what is wanted for it.
    pub budget: Budget,
    /// Delta in units of 10^-18. Charged where keys are unknown, otherwise only the delta at which epsilon
    /// is told.
    pub atto_delta: Option<u64>,
    /// Whether totals over the groups are wanted too.
    pub totals: bool,
    /// Groups whose noisy number of rows or people is below it are left empty; 0 leaves none so. The rule looks
    /// at released numbers alone: on true ones it would tell of a person.
    #[serde(skip_serializing_if = "is_zero")]
    pub minimum: u32,
}

fn is_zero(number: &u32) -> bool {
    *number == 0
}

/// A value in a request.
#[derive(Debug, Clone, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Literal {
    /// A missing value.
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

/// A comparison of one column with typed literals. A missing value satisfies only `is_null`.
#[derive(Debug, Clone, PartialEq, PartialOrd, Serialize)]
pub struct Condition {
    /// The column.
    pub column: String,
    /// How it is compared.
    pub op: Operator,
    /// With what: none for `is_null` and `is_not_null`, two for `between`, any number for `in` and
    /// `not_in`, otherwise one. All of one kind.
    pub values: Vec<Literal>,
}

/// The comparisons.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
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

/// A column computed for each row from the person's own rows.
#[derive(Debug, Clone, PartialEq, PartialOrd, Serialize)]
pub struct Window {
    /// Its name.
    pub name: String,
    /// What is computed.
    pub window: WindowKind,
    /// The column that orders the person's rows.
    pub column: String,
    /// Whether that column holds dates (else numbers).
    pub dates: bool,
    /// How far back `count_within` looks, in days or in the column's own unit; 0 otherwise.
    pub within: f64,
}

/// What a window computes. Each depends on the content of the person's own rows alone, never on their
/// place in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum WindowKind {
    /// Rank among the person's rows, from 1; equal rows share one.
    Position,
    /// Distance from the nearest earlier different value, in days or the column's unit.
    SincePrevious,
    /// Rows of the person from `within` before this row up to it.
    CountWithin,
}

/// A column of the one row that stands for a person.
#[derive(Debug, Clone, PartialEq, PartialOrd, Serialize)]
pub struct Feature {
    /// Its name.
    pub name: String,
    /// What is computed.
    pub feature: FeatureKind,
    /// Of which column; empty for `any` and a plain `count`.
    pub column: String,
    /// By which column `first` and `last` order; empty otherwise.
    pub order_by: String,
    /// Whether that column holds dates (else numbers).
    pub dates: bool,
    /// Only rows that satisfy all of these count.
    #[serde(rename = "where")]
    pub conditions: Vec<Condition>,
}

/// What a feature computes of a person's own rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FeatureKind {
    /// Whether any row satisfies the conditions.
    Any,
    /// The value of the first row in order.
    First,
    /// The value of the last row in order.
    Last,
    /// The smallest number.
    Min,
    /// The largest number.
    Max,
    /// Rows, or rows with a value.
    Count,
    /// Sum of numbers, to six decimals.
    Sum,
    /// Days from the first to the last date.
    Duration,
}

/// A group key.
#[derive(Debug, Clone, PartialEq, PartialOrd, Serialize)]
pub struct Key {
    /// The column.
    pub column: String,
    /// Its values from the codebook; none if they are to be found by threshold.
    pub values: Option<Vec<Literal>>,
}

/// The range to which values are clamped.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Serialize)]
pub struct Bounds {
    /// Lowest value.
    pub lower: f64,
    /// Highest value.
    pub upper: f64,
}

/// What is measured.
#[derive(Debug, Clone, PartialEq, PartialOrd, Serialize)]
#[serde(tag = "statistic", rename_all = "snake_case")]
pub enum Statistic {
    /// Rows, or rows with a value in a column.
    Count {
        /// The column, if any.
        column: Option<String>,
    },
    /// Distinct people.
    People,
    /// Sum of clamped values.
    Sum {
        /// Of which column.
        column: String,
        /// The range.
        bounds: Bounds,
    },
    /// Mean of clamped values.
    Mean {
        /// Of which column.
        column: String,
        /// The range.
        bounds: Bounds,
    },
    /// Sample variance of clamped values.
    Variance {
        /// Of which column.
        column: String,
        /// The range.
        bounds: Bounds,
    },
    /// Its square root.
    StandardDeviation {
        /// Of which column.
        column: String,
        /// The range.
        bounds: Bounds,
    },
    /// Quantiles, each one of the candidates.
    Quantiles {
        /// Of which column.
        column: String,
        /// Which, in thousandths, in order: 500 is the median.
        per_mille: Vec<u32>,
        /// The public values among which one is chosen, in order.
        candidates: Vec<f64>,
    },
    /// Rows in each bin.
    Histogram {
        /// Of which column.
        column: String,
        /// Edges of the bins, in order; each bin includes its lower edge, the last its upper edge too.
        edges: Vec<f64>,
    },
}

/// What may be spent.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Budget {
    /// So much, in nano-rho.
    NanoRho(u64),
    /// As much as an epsilon at the request's delta allows, in units of 10^-9, of whichever noise errs less.
    NanoEpsilon(u64),
    /// As little as gives every statistic this 95 % error.
    Accuracy {
        /// The error, in the statistic's own unit.
        error: f64,
        /// Rows behind a mean, variance or standard deviation for which it must hold.
        n: Option<u64>,
    },
}

impl Request {
    /// Reads a request strictly: an unknown or doubled field is refused.
    ///
    /// # Errors
    /// What cannot be read, does not fit together or passes a limit.
    pub fn parse(text: &str, limits: &Limits) -> Result<Self, PrivacyError> {
        check::checked(read::form(text)?, limits)
    }

    /// The table of which it counts the distinct people who satisfy a filter, if it asks for nothing else.
    #[must_use]
    pub fn counts_people_of(&self) -> Option<&str> {
        let Self {
            table,
            join,
            filter: _,
            windows,
            features,
            having,
            group_by,
            statistics,
            // Of one group, in which each counts once.
            l0: _,
            linf: _,
            budget: _,
            atto_delta: _,
            totals: _,
            minimum: _,
        } = self;
        let plain = join.is_empty()
            && windows.is_empty()
            && features.is_empty()
            && having.is_empty()
            && group_by.is_empty();
        (plain && statistics.as_slice() == [Statistic::People]).then_some(table)
    }

    /// The canonical form: JSON with every field in one order.
    ///
    /// # Errors
    /// Never for a request that was parsed.
    pub fn canonical(&self) -> Result<String, PrivacyError> {
        serde_json::to_string(self)
            .map_err(|_| PrivacyError::Form("it has no canonical form".into()))
    }

    /// SHA-256 of the canonical form, under a name of its own: equal for two spellings of one request.
    ///
    /// # Errors
    /// Never for a request that was parsed.
    pub fn sha256(&self) -> Result<[u8; 32], PrivacyError> {
        let mut context = ring::digest::Context::new(&ring::digest::SHA256);
        context.update(b"strongroom measure request 1\n");
        context.update(self.canonical()?.as_bytes());
        let mut hash = [0; 32];
        hash.copy_from_slice(context.finish().as_ref());
        Ok(hash)
    }

    /// Whether some key's values are unknown, so that keys are found by threshold and delta is charged.
    #[must_use]
    pub fn finds_keys(&self) -> bool {
        self.group_by.iter().any(|key| key.values.is_none())
    }

    /// The groups in order: every combination of codebook values. One group without keys; none where keys
    /// are to be found.
    #[must_use]
    pub fn groups(&self) -> Vec<Vec<Literal>> {
        if self.finds_keys() {
            return Vec::new();
        }
        let mut groups = vec![Vec::new()];
        for key in &self.group_by {
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
}

impl Statistic {
    /// Its name in a release.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::Count { column: None } => "count".into(),
            Self::Count {
                column: Some(column),
            } => format!("count_{column}"),
            Self::People => "people".into(),
            Self::Sum { column, .. } => format!("sum_{column}"),
            Self::Mean { column, .. } => format!("mean_{column}"),
            Self::Variance { column, .. } => format!("variance_{column}"),
            Self::StandardDeviation { column, .. } => format!("standard_deviation_{column}"),
            Self::Quantiles {
                column, per_mille, ..
            } if per_mille == &[500] => format!("median_{column}"),
            Self::Quantiles { column, .. } => format!("quantiles_{column}"),
            Self::Histogram { column, .. } => format!("histogram_{column}"),
        }
    }
}
