//! Expressions over the rows of one `from`: conditions, values and one person's windows.

use serde_json::{Value, json};

use super::expr;
use super::node::{self, child, list, refuse_used, text, unused};
use super::scope::{Column, Scope, Unknown};
use super::{Stop, untraceable, windows};

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
    let name = windows::name_of(part, &WINDOWS)?;
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
    let mut orders = windows::orders_of(part, |one| row(one, scope))?;
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

/// How much has been put in the place of names, where columns name those before them.
#[derive(Debug, Default)]
pub(super) struct Unfolded(usize);

/// The most nodes of it in one select: a name that is used twice by each column after it doubles at every step.
const UNFOLDED_MAX: usize = 4_000;

impl Unfolded {
    /// What a name stands for, once more.
    pub(super) fn use_again(&mut self, value: &Value) -> Result<Value, Stop> {
        self.0 = self.0.saturating_add(nodes(value, UNFOLDED_MAX));
        match self.0 > UNFOLDED_MAX {
            true => untraceable("columns name other columns too often; write a subquery"),
            false => Ok(value.clone()),
        }
    }
}

/// How many nodes an expression has; no more than `most` are counted.
fn nodes(value: &Value, most: usize) -> usize {
    let inner: &mut dyn Iterator<Item = &Value> = match value {
        Value::Object(fields) => &mut fields.values(),
        Value::Array(list) => &mut list.iter(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => return 0,
    };
    inner.fold(1, |sum, one| match sum > most {
        true => sum,
        false => sum + nodes(one, most),
    })
}

/// The select list of a row-level select: columns `c0`, `c1`, … and their values. A name that is no column of the
/// tables may be that of a column before it.
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
    let mut named: Vec<(String, Value)> = Vec::new();
    let mut unfolded = Unfolded::default();
    for item in list(select, "select_list") {
        if text(item, "class") == "STAR" {
            refuse_used(item, &node::STAR_PARTS, "*")?;
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
        let value = expr::copy(item, &mut |part| match text(part, "class") {
            "COLUMN_REF" => match (scope.resolve_person(part), node::named(part)) {
                (Err(Unknown::Absent(shown)), Some((None, name))) => {
                    let mut known = named.iter().filter(|(known, _)| *known == name);
                    match (known.next(), known.next()) {
                        (Some((_, value)), None) => unfolded.use_again(value).map(Some),
                        (Some(_), Some(_)) => untraceable(format!("two columns are called {name}")),
                        (None, _) => Err(Unknown::Absent(shown).stop()),
                    }
                }
                (found, _) => found.map(Some).map_err(Unknown::stop),
            },
            "WINDOW" => window(part, scope, unit).map(Some),
            _ => Ok(None),
        })?;
        if !unused(item, "alias") {
            named.push((name.to_ascii_lowercase(), value.clone()));
        }
        add(name, value);
    }
    Ok((columns, values))
}
