//! Expressions over the rows of one `from`: conditions, values and one person's windows.

use serde_json::{Value, json};

use super::expr;
use super::node::{child, list, refuse_used, text, unused};
use super::scope::{Column, Scope, Unknown};
use super::{Stop, untraceable};

/// Window functions that may be used over one person's rows.
const WINDOWS: [&str; 15] = [
    "row_number",
    "rank",
    "dense_rank",
    "rank_dense",
    "lag",
    "lead",
    "first_value",
    "last_value",
    "count",
    "count_star",
    "sum",
    "min",
    "max",
    "avg",
    "ntile",
];

/// Copies a condition: every column stays its own.
pub(super) fn condition_of(expression: &Value, scope: &Scope) -> Result<Value, Stop> {
    expr::copy(expression, &mut |part| match text(part, "class") {
        "COLUMN_REF" => scope.resolve(part).map(Some).map_err(Unknown::stop),
        _ => Ok(None),
    })
}

/// Copies an expression over one row.
pub(super) fn row(expression: &Value, scope: &Scope) -> Result<Value, Stop> {
    expr::copy(expression, &mut |part| match text(part, "class") {
        "COLUMN_REF" => scope.resolve_person(part).map(Some).map_err(Unknown::stop),
        _ => Ok(None),
    })
}

/// Copies an expression over one row that may look at the same person's other rows.
fn row_or_window(expression: &Value, scope: &Scope, unit: &Value) -> Result<Value, Stop> {
    expr::copy(expression, &mut |part| match text(part, "class") {
        "COLUMN_REF" => scope.resolve_person(part).map(Some).map_err(Unknown::stop),
        "WINDOW" => window(part, scope, unit).map(Some),
        _ => Ok(None),
    })
}

pub(super) fn qualified(
    condition: &Value,
    scope: &Scope,
    unit: &Value,
    columns: &[Column],
    values: &[Value],
) -> Result<Value, Stop> {
    expr::copy(condition, &mut |part| match text(part, "class") {
        "COLUMN_REF" => match scope.resolve_person(part) {
            Ok(found) => Ok(Some(found)),
            Err(unknown) => {
                let name = list(part, "column_names")
                    .last()
                    .and_then(Value::as_str)
                    .unwrap_or("");
                let name = name.to_ascii_lowercase();
                let mut named = columns
                    .iter()
                    .zip(values)
                    .filter(|(column, _)| column.name == name);
                match (named.next(), named.next(), list(part, "column_names").len()) {
                    (Some((_, value)), None, 1) => Ok(Some(value.clone())),
                    _ => Err(unknown.stop()),
                }
            }
        },
        "WINDOW" => window(part, scope, unit).map(Some),
        _ => Ok(None),
    })
}

/// Whether a window cuts the rows into so many bands of their order: a person's band is known by who is in it, as the
/// groups of any other key are, and tells no value of another person.
fn is_band(name: &str, part: &Value) -> bool {
    let constant = |one: &Value| text(one, "class") == "CONSTANT";
    name == "ntile" && list(part, "children").iter().all(constant)
}

/// A window over the rows of one person: what it gives is that person's.
fn window(part: &Value, scope: &Scope, unit: &Value) -> Result<Value, Stop> {
    let name = text(part, "function_name").to_ascii_lowercase();
    if !WINDOWS.contains(&name.as_str()) {
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
    let copied = |field: &str| -> Result<Vec<Value>, Stop> {
        list(part, field)
            .iter()
            .map(|one| row(one, scope))
            .collect()
    };
    let partitions = copied("partitions")?;
    let of_own = partitions.contains(unit);
    if !of_own && !is_band(&name, part) {
        return untraceable(
            "a window is not partitioned by the person, so it looks at other people's rows",
        );
    }
    let mut orders = Vec::new();
    for order in list(part, "orders") {
        let Some(expression) = order.get("expression") else {
            return untraceable("a window's order is incomplete");
        };
        orders.push(
            json!({"type": order.get("type"), "null_order": order.get("null_order"),
            "expression": row(expression, scope)?}),
        );
    }
    if !of_own {
        // Rows that are alike come in one order, whenever the statement runs.
        let rest = scope.star("").into_iter().map(|(_, value)| value);
        orders.extend(std::iter::once(unit.clone()).chain(rest).map(|value| {
            json!({"type": "ORDER_DEFAULT", "null_order": "ORDER_DEFAULT", "expression": value})
        }));
    }
    let optional = |field: &str| child(part, field).map(|one| row(one, scope)).transpose();
    Ok(
        json!({"class": "WINDOW", "type": part.get("type"), "alias": "", "function_name": name,
        "schema": "", "catalog": "", "children": copied("children")?, "partitions": partitions,
        "orders": orders, "start": part.get("start"), "end": part.get("end"), "start_expr": null,
        "end_expr": null, "offset_expr": optional("offset_expr")?,
        "default_expr": optional("default_expr")?, "ignore_nulls": part.get("ignore_nulls"),
        "filter_expr": null, "exclude_clause": part.get("exclude_clause"), "distinct": false,
        "arg_orders": []}),
    )
}

/// The select list of a row-level select: columns `c0`, `c1`, … and their values.
pub(super) fn items(
    select: &Value,
    scope: &Scope,
    unit: &Value,
) -> Result<(Vec<Column>, Vec<Value>), Stop> {
    let (mut columns, mut values) = (Vec::new(), Vec::new());
    let mut add = |name: &str, value: Value| {
        columns.push(Column {
            name: name.to_ascii_lowercase(),
            out: format!("c{}", columns.len()),
            of_the_data: scope.is_of_the_data(&value),
        });
        values.push(value);
    };
    for item in list(select, "select_list") {
        if text(item, "class") == "STAR" {
            refuse_used(
                item,
                &[
                    "replace_list",
                    "columns",
                    "expr",
                    "qualified_exclude_list",
                    "rename_list",
                ],
                "*",
            )?;
            let left_out: Vec<String> = list(item, "exclude_list")
                .iter()
                .filter_map(Value::as_str)
                .map(str::to_ascii_lowercase)
                .collect();
            let table = text(item, "relation_name").to_ascii_lowercase();
            let found = scope.star(&table);
            if found.is_empty() {
                return untraceable(format!("{table}.* names no table in from"));
            }
            for (column, value) in found {
                if !left_out.contains(&column.name) {
                    add(&column.name, value);
                }
            }
            continue;
        }
        let name = if unused(item, "alias") && text(item, "class") == "COLUMN_REF" {
            list(item, "column_names")
                .last()
                .and_then(Value::as_str)
                .unwrap_or("")
        } else {
            text(item, "alias")
        };
        add(name, row_or_window(item, scope, unit)?);
    }
    Ok((columns, values))
}
