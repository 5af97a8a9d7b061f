//! Cells that must be published.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::PolicyError;
use crate::evidence::{Evidence, Group};

/// Most of them in one policy.
const FORCED_MAX: u64 = 1_000;

/// Cells that must not be hidden for the sake of others (`[[forced]]`): those that have all that it names. One that
/// breaks a rule is hidden all the same.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Forced {
    /// The column of the number; any, if left out.
    column: Option<String>,
    /// Values that keys of the cell have.
    #[serde(default)]
    key: BTreeMap<String, Value>,
    /// Keys that it totals.
    #[serde(default)]
    totals: Vec<String>,
}

/// A value of a key as a policy writes it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
enum Value {
    Text(String),
    Number(i64),
    Truth(bool),
}

impl Value {
    fn is(&self, text: &str) -> bool {
        match self {
            Self::Text(own) => own == text,
            Self::Number(own) => own.to_string() == text,
            Self::Truth(own) => own.to_string() == text,
        }
    }
}

impl Forced {
    /// The same, if there are not too many and each names something.
    pub(super) fn checked(forced: Vec<Self>) -> Result<Vec<Self>, PolicyError> {
        let many = u64::try_from(forced.len()).unwrap_or(u64::MAX);
        super::within("the number of [[forced]]", many, 0, FORCED_MAX)?;
        let nothing =
            |one: &Self| one.column.is_none() && one.key.is_empty() && one.totals.is_empty();
        match forced.iter().any(nothing) {
            true => Err(PolicyError::ForcedNothing),
            false => Ok(forced),
        }
    }

    /// Whether it is about a number of a group.
    pub(crate) fn is_about(&self, evidence: &Evidence, group: &Group, column: &str) -> bool {
        let Some(set) = evidence.sets.get(usize::from(group.set)) else {
            return false;
        };
        let place = |name: &String| evidence.keys.iter().position(|key| key == name);
        let in_set = |place: usize| set.iter().any(|key| usize::from(*key) == place);
        let has = |(name, value): (&String, &Value)| {
            let place = place(name).filter(|place| in_set(*place));
            let text = place.and_then(|place| group.key.get(place)?.text());
            text.is_some_and(|text| value.is(text))
        };
        let totals = |name: &String| place(name).is_some_and(|place| !in_set(place));
        self.column.as_ref().is_none_or(|own| own == column)
            && self.key.iter().all(has)
            && self.totals.iter().all(totals)
    }

    /// In words, for `strongroom policy explain`.
    pub(super) fn in_words(&self) -> String {
        let mut parts = Vec::new();
        parts.extend(self.column.as_ref().map(|column| format!("of {column}")));
        for (name, value) in &self.key {
            let value = match value {
                Value::Text(text) => text.clone(),
                Value::Number(number) => number.to_string(),
                Value::Truth(truth) => truth.to_string(),
            };
            parts.push(format!("with {name} {value}"));
        }
        if !self.totals.is_empty() {
            parts.push(format!("over all {}", self.totals.join(", ")));
        }
        format!(
            "on: cells {} are not hidden to protect others; where no pattern leaves them, a person decides.",
            parts.join(" and ")
        )
    }
}
