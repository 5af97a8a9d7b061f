//! The plan of a dummy extract: tables of the approved shape, to be filled with made-up rows.

use serde::{Deserialize, Serialize};

/// Name of the file that is made.
pub const FILE: &str = "dummy.duckdb";

/// What a dummy extract holds. It comes from the catalogue and the approval; nothing of it from data.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dummy {
    /// The same seed gives the same rows.
    pub seed: u64,
    /// People from whom every table draws.
    pub people: u32,
    /// The tables.
    pub tables: Vec<Table>,
}

/// One table: a column `person` and these.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Table {
    /// Its name.
    pub name: String,
    /// Rows.
    pub rows: u32,
    /// Columns after `person`, in order.
    pub columns: Vec<Column>,
}

/// One column.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// What its values are.
    pub values: Values,
    /// Missing values in a thousand rows; at most 1000.
    pub missing_per_mille: u32,
}

/// Values of a column; ranges include both ends.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Values {
    /// One of these texts.
    Set {
        /// The texts.
        of: Vec<String>,
    },
    /// Text of no known values.
    Text,
    /// Whole numbers.
    Integer {
        /// Lowest.
        from: i64,
        /// Highest.
        to: i64,
    },
    /// Finite numbers.
    Number {
        /// Lowest.
        from: f64,
        /// Highest.
        to: f64,
    },
    /// Dates as `YYYY-MM-DD`.
    Date {
        /// Earliest.
        from: String,
        /// Latest.
        to: String,
    },
}
