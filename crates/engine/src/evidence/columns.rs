//! What the columns of a table of groups are called and hold, and which page of it is shown.

use disclosure::{Kind, Role};
use serde_json::Value;

use super::node::{self, child, integer, list, text, unused};
use super::plan::{Aggregate, GROUPED, Item};
use super::{Stop, untraceable};

/// What a column over groups holds.
pub(super) fn role(value: &Value, used: &[usize], keys: usize, aggregates: &[Aggregate]) -> Role {
    if used.is_empty() {
        let key = (0..keys).find(|index| *value == node::column(GROUPED, &format!("k{index}")));
        return match key.and_then(|index| u16::try_from(index).ok()) {
            Some(index) => Role::Key(index),
            None => Role::Label,
        };
    }
    let kinds = used
        .iter()
        .filter_map(|index| aggregates.get(*index))
        .map(|one| one.kind);
    let alone = used
        .iter()
        .any(|index| *value == node::column(GROUPED, &format!("a{index}")));
    Role::Measure(match kinds.max().unwrap_or(Kind::Mode) {
        // Something computed from counts.
        Kind::Count if !alone => Kind::Share,
        other => other,
    })
}

/// The name of a result column: its alias, its column's name, or the first word and place.
pub(super) fn item_name(item: &Value, position: usize) -> String {
    let alias = text(item, "alias");
    if !alias.is_empty() {
        return alias.to_owned();
    }
    match text(item, "class") {
        "COLUMN_REF" => {
            let names = list(item, "column_names");
            names
                .last()
                .and_then(Value::as_str)
                .unwrap_or("")
                .to_owned()
        }
        "FUNCTION" if unused(item, "filter") && text(item, "function_name") == "count_star" => {
            "count_star()".to_owned()
        }
        "FUNCTION" => format!("{}_{}", text(item, "function_name"), position + 1),
        class => format!("{}_{}", class.to_ascii_lowercase(), position + 1),
    }
}

/// Names for the keys: that of the column which shows the key, else its place.
pub(super) fn named(keys: Vec<Value>, items: &[Item]) -> Vec<(String, Value)> {
    keys.into_iter()
        .enumerate()
        .map(|(index, key)| {
            let shown = items
                .iter()
                .find(|item| matches!(item.role, Role::Key(k) if usize::from(k) == index));
            let name = match (shown, text(&key, "class")) {
                (Some(item), _) => item.name.clone(),
                (None, "COLUMN_REF") => format!("{} (not shown)", name_of(&key)),
                (None, _) => format!("key {} (not shown)", index + 1),
            };
            (name, key)
        })
        .collect()
}

/// Limit and offset of the outermost select.
pub(super) fn limit(select: &Value) -> Result<(usize, Option<usize>), Stop> {
    let mut found = (0, None);
    for modifier in list(select, "modifiers") {
        if text(modifier, "type") != "LIMIT_MODIFIER" {
            continue;
        }
        let number = |field: &str| match child(modifier, field) {
            None => Ok(None),
            Some(constant) => match integer(constant).and_then(|n| usize::try_from(n).ok()) {
                Some(number) => Ok(Some(number)),
                None => untraceable(format!("the {field} is no whole number")),
            },
        };
        found = (number("offset")?.unwrap_or(0), number("limit")?);
    }
    Ok(found)
}

/// The last part of a column reference, in lower case.
pub(super) fn name_of(reference: &Value) -> String {
    let names = list(reference, "column_names");
    names
        .last()
        .and_then(Value::as_str)
        .unwrap_or("")
        .to_ascii_lowercase()
}
