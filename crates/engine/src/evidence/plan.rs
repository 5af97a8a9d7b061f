//! A grouped statement, read: what to compute and what to count beside it.

use disclosure::{CountLevel, Kind, Role, Shown, Whole};
use serde_json::Value;

/// One aggregate of the statement.
#[derive(Debug, Clone)]
pub(super) struct Aggregate {
    /// As it is computed.
    pub(super) call: Value,
    pub(super) kind: Kind,
    /// Rows with a value behind it: indexes into [`Plan::conditions`].
    pub(super) behind: Vec<usize>,
    /// What it counts, if it counts.
    pub(super) counts: Vec<Part>,
}

/// A count, alone or inside a share.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Part {
    /// Index into [`Plan::conditions`].
    pub(super) condition: usize,
    pub(super) level: CountLevel,
    pub(super) whole: Whole,
}

/// A column of the result.
#[derive(Debug, Clone)]
pub(super) struct Item {
    pub(super) name: String,
    pub(super) role: Role,
    /// Over keys `k0`… and aggregates `a0`… of the grouped query.
    pub(super) value: Value,
    /// The aggregates in it.
    pub(super) aggregates: Vec<usize>,
}

/// A column of the order.
#[derive(Debug, Clone)]
pub(super) struct Order {
    pub(super) value: Value,
    pub(super) direction: Value,
    pub(super) nulls: Value,
}

/// A grouped statement.
pub(super) struct Plan {
    pub(super) from: Value,
    pub(super) condition: Option<Value>,
    pub(super) unit: Value,
    pub(super) two_people: Vec<Value>,
    pub(super) keys: Vec<(String, Value)>,
    pub(super) aggregates: Vec<Aggregate>,
    /// Conditions on rows whose people are counted; [`WHOLE_GROUP`] is none.
    pub(super) conditions: Vec<Option<Value>>,
    pub(super) items: Vec<Item>,
    pub(super) having: Option<Value>,
    pub(super) shown: Shown,
    pub(super) orders: Vec<Order>,
    /// Groups to skip and, if limited, how many to show.
    pub(super) offset: usize,
    pub(super) limit: Option<usize>,
    /// The counts between which a reader can subtract, with their names.
    pub(super) counts: Vec<(String, Part)>,
}

/// The index of the condition that every row of a group satisfies, in [`Plan::conditions`].
pub(super) const WHOLE_GROUP: usize = 0;

/// The name under which the grouped query is read.
pub(super) const GROUPED: &str = "g";
