//! What a select groups by.

use serde_json::Value;

use super::columns::name_of;
use super::items::row;
use super::measure;
use super::node::{integer, list, text};
use super::scope::Scope;
use super::{Stop, untraceable};

/// The most grouping sets of a statement.
const SETS_MAX: usize = 64;

/// The group keys over one row, each once, and the grouping sets as indexes of these.
pub(super) fn keys(
    select: &Value,
    items: &[Value],
    scope: &Scope,
) -> Result<(Vec<Value>, Vec<Vec<usize>>), Stop> {
    let expressions = list(select, "group_expressions");
    let mut keys: Vec<Value> = Vec::new();
    let mut add = |key: Value| {
        let known = keys.iter().position(|one| *one == key);
        known.unwrap_or_else(|| {
            keys.push(key);
            keys.len() - 1
        })
    };
    match text(select, "aggregate_handling") {
        "STANDARD_HANDLING" => {}
        // group by all
        "FORCE_AGGREGATES" if expressions.is_empty() => {
            let plain = |item: &&Value| !measure::holds_aggregate(item) && !holds_window(item);
            let mut all = Vec::new();
            for item in items.iter().filter(plain) {
                all.push(add(row(item, scope)?));
            }
            all.sort_unstable();
            all.dedup();
            return Ok((keys, vec![all]));
        }
        _ => return untraceable("this way of grouping cannot be traced"),
    }
    let mut places = Vec::new();
    for expression in expressions {
        places.push(add(key(expression, items, scope)?));
    }
    let mut sets = Vec::new();
    for set in list(select, "group_sets") {
        let members = set.as_array().map_or(&[][..], Vec::as_slice);
        let of = |member: &Value| {
            let place = member
                .as_u64()
                .and_then(|place| usize::try_from(place).ok());
            place.and_then(|place| places.get(place).copied())
        };
        let Some(mut set) = members.iter().map(of).collect::<Option<Vec<usize>>>() else {
            return untraceable("a grouping set is incomplete");
        };
        set.sort_unstable();
        set.dedup();
        if sets.contains(&set) {
            return untraceable("two grouping sets are one, so every group of it comes twice");
        }
        sets.push(set);
    }
    match sets.len() {
        0 if places.is_empty() => sets.push(Vec::new()),
        0 => return untraceable("this way of grouping cannot be traced"),
        1..=SETS_MAX => {}
        _ => {
            return untraceable(format!(
                "the statement has more than {SETS_MAX} grouping sets"
            ));
        }
    }
    Ok((keys, sets))
}

/// Whether an expression holds a window function.
pub(super) fn holds_window(node: &Value) -> bool {
    match node {
        Value::Object(fields) => match text(node, "class") {
            "WINDOW" => true,
            "SUBQUERY" => false,
            _ => fields.values().any(holds_window),
        },
        Value::Array(list) => list.iter().any(holds_window),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

/// One group expression: a position, a column, an output's name or any expression.
fn key(expression: &Value, items: &[Value], scope: &Scope) -> Result<Value, Stop> {
    if text(expression, "class") == "CONSTANT" {
        let item = integer(expression)
            .and_then(|position| usize::try_from(position).ok())
            .and_then(|position| items.get(position.checked_sub(1)?));
        return match item {
            Some(item) => row(item, scope),
            None => untraceable("a group key is a constant and no position of a column"),
        };
    }
    // As in the engine a column goes before an output of its name.
    match row(expression, scope) {
        Ok(column) => Ok(column),
        Err(stop) => match output_named(expression, items)? {
            Some(item) => row(item, scope),
            None => Err(stop),
        },
    }
}

/// The select item whose alias a bare name is.
fn output_named<'a>(reference: &Value, items: &'a [Value]) -> Result<Option<&'a Value>, Stop> {
    let names = list(reference, "column_names");
    if text(reference, "class") != "COLUMN_REF" || names.len() != 1 {
        return Ok(None);
    }
    let name = name_of(reference);
    let mut named = items
        .iter()
        .filter(|item| text(item, "alias").to_ascii_lowercase() == name);
    let found = named.next();
    if named.next().is_some() {
        return untraceable(format!("two columns are called {name}"));
    }
    Ok(found)
}
