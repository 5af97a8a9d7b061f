//! Windows over the groups of a table: shares of a total, ranks, running totals.

use serde_json::{Value, json};

use super::node::{child, list, refuse_used, text};
use super::{Stop, untraceable};

const WINDOWS: [&str; 17] = [
    "avg",
    "count",
    "count_star",
    "cume_dist",
    "dense_rank",
    "first_value",
    "lag",
    "last_value",
    "lead",
    "max",
    "min",
    "ntile",
    "percent_rank",
    "rank",
    "rank_dense",
    "row_number",
    "sum",
];

/// The function of a window that uses only what can be traced, in lower case: one of `known`.
pub(super) fn name_of(part: &Value, known: &[&str]) -> Result<String, Stop> {
    let name = text(part, "function_name").to_ascii_lowercase();
    if !known.contains(&name.as_str()) {
        return untraceable(format!(
            "the window function {name} is not on the list of those that can be traced"
        ));
    }
    refuse_used(
        part,
        &[
            "schema",
            "catalog",
            "filter_expr",
            "start_expr",
            "end_expr",
            "arg_orders",
            "distinct",
        ],
        "a window",
    )?;
    Ok(name)
}

/// The orders of a window, each expression copied.
pub(super) fn orders_of(
    part: &Value,
    mut copy: impl FnMut(&Value) -> Result<Value, Stop>,
) -> Result<Vec<Value>, Stop> {
    list(part, "orders")
        .iter()
        .map(|order| {
            let Some(expression) = order.get("expression") else {
                return untraceable("a window's order is incomplete");
            };
            Ok(
                json!({"type": order.get("type"), "null_order": order.get("null_order"),
                "expression": copy(expression)?}),
            )
        })
        .collect()
}

/// Copies one part of a window over groups: the node, and the aggregates in it.
pub(super) type OverGroups<'a> = dyn FnMut(&Value) -> Result<(Value, Vec<usize>), Stop> + 'a;

/// Copies a window. Where a condition on groups is given, the groups that satisfy it are a partition of their
/// own: the engine applies the condition before its windows.
pub(super) fn copy(
    part: &Value,
    having: Option<&Value>,
    over_groups: &mut OverGroups<'_>,
) -> Result<(Value, Vec<usize>), Stop> {
    let name = name_of(part, &WINDOWS)?;
    let mut used = Vec::new();
    let mut one = |node: &Value| -> Result<Value, Stop> {
        let (copied, of) = over_groups(node)?;
        used.extend(of);
        Ok(copied)
    };
    let mut partitions = Vec::new();
    for partition in list(part, "partitions") {
        partitions.push(one(partition)?);
    }
    partitions.extend(having.cloned());
    let mut children = Vec::new();
    for argument in list(part, "children") {
        children.push(one(argument)?);
    }
    let orders = orders_of(part, &mut one)?;
    let mut optional = |field: &str| child(part, field).map(&mut one).transpose();
    let (offset, or_else) = (optional("offset_expr")?, optional("default_expr")?);
    let window = json!({"class": "WINDOW", "type": part.get("type"), "alias": "", "function_name": name,
        "schema": "", "catalog": "", "children": children, "partitions": partitions,
        "orders": orders, "start": part.get("start"), "end": part.get("end"), "start_expr": null,
        "end_expr": null, "offset_expr": offset, "default_expr": or_else,
        "ignore_nulls": part.get("ignore_nulls"), "filter_expr": null,
        "exclude_clause": part.get("exclude_clause"), "distinct": false, "arg_orders": []});
    Ok((window, used))
}
