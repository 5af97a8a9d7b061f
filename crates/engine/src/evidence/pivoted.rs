//! `from … pivot (…)` over declared values, as a grouped select of filtered aggregates.

use serde_json::{Value, json};

use super::catalog::Catalog;
use super::node::{self, child, list, text, unused};
use super::{Stop, untraceable};

/// The most columns that a pivot makes.
const COLUMNS_MAX: usize = 64;

/// A statement without pivots.
pub(super) fn without(catalog: &Catalog<'_>, tree: &Value) -> Result<Value, Stop> {
    let mut stop = None;
    let copied = node::replaced(tree, &mut |one| {
        let is_pivot = text(one, "type") == "PIVOT" && !unused(one, "aggregates");
        if !is_pivot || stop.is_some() {
            return None;
        }
        match derived(catalog, one) {
            Ok(select) => Some(select),
            Err(error) => {
                stop = Some(error);
                None
            }
        }
    });
    match stop {
        Some(stop) => Err(stop),
        None => Ok(copied),
    }
}

/// The subquery that a pivot stands for.
fn derived(catalog: &Catalog<'_>, pivot: &Value) -> Result<Value, Stop> {
    let Some(source) = child(pivot, "source") else {
        return untraceable("a pivot is incomplete");
    };
    let source = without(catalog, source)?;
    let mut chosen: Vec<(Option<Value>, String)> = vec![(None, String::new())];
    for column in list(pivot, "pivots") {
        let mut more = Vec::new();
        for (condition, name) in &chosen {
            for (value, shown) in values(column)? {
                let both = condition.iter().cloned().chain([value]).collect();
                let name = match name.is_empty() {
                    true => shown,
                    false => format!("{name}_{shown}"),
                };
                more.push((node::all(both), name));
            }
        }
        chosen = more;
        if chosen.len() > COLUMNS_MAX {
            return untraceable(format!("a pivot makes more than {COLUMNS_MAX} columns"));
        }
    }
    let groups = groups(catalog, pivot, &source)?;
    let aggregates = list(pivot, "aggregates");
    let mut items: Vec<Value> = groups.iter().map(|name| bare(name)).collect();
    for (condition, name) in &chosen {
        for aggregate in aggregates {
            if !unused(aggregate, "filter") || text(aggregate, "class") != "FUNCTION" {
                return untraceable("a pivot computes something else than one aggregate a column");
            }
            let alias = text(aggregate, "alias");
            let name = match (alias.is_empty(), aggregates.len()) {
                (true, 1) => name.clone(),
                (true, _) => format!("{name}_{}", text(aggregate, "function_name")),
                (false, _) => format!("{name}_{alias}"),
            };
            let mut filtered = node::alias(aggregate.clone(), &name);
            let condition = condition.clone().unwrap_or(Value::Null);
            node::set(&mut filtered, "filter", condition);
            items.push(filtered);
        }
    }
    let mut select = node::select(items, source, None, None, 0);
    let set: Vec<usize> = (0..groups.len()).collect();
    let keys: Vec<Value> = groups.iter().map(|name| bare(name)).collect();
    if !keys.is_empty() {
        node::set(&mut select, "group_expressions", Value::Array(keys));
        node::set(&mut select, "group_sets", json!([set]));
    }
    let alias = match text(pivot, "alias") {
        "" => "pivot",
        alias => alias,
    };
    Ok(node::derived(select, alias))
}

fn bare(name: &str) -> Value {
    json!({"class": "COLUMN_REF", "type": "COLUMN_REF", "alias": "", "column_names": [name]})
}

/// The conditions and names of a pivot's values.
fn values(column: &Value) -> Result<Vec<(Value, String)>, Stop> {
    let expressions = list(column, "pivot_expressions");
    let mut found = Vec::new();
    if !unused(column, "pivot_enum") || list(column, "entries").is_empty() {
        return untraceable("a pivot's values must be listed in parentheses");
    }
    for entry in list(column, "entries") {
        let values = list(entry, "values");
        if !unused(entry, "star_expr") || values.len() != expressions.len() {
            return untraceable("a pivot's values must be listed in parentheses");
        }
        let (mut conditions, mut names) = (Vec::new(), Vec::new());
        for (expression, value) in expressions.iter().zip(values) {
            let Some(shown) = value.get("value").filter(|_| unused(value, "is_null")) else {
                return untraceable("a pivot is on what is missing");
            };
            let constant = json!({"class": "CONSTANT", "type": "VALUE_CONSTANT", "alias": "",
                "value": value});
            names.push(match shown {
                Value::String(text) => text.clone(),
                Value::Number(_) | Value::Bool(_) => shown.to_string(),
                Value::Null | Value::Array(_) | Value::Object(_) => {
                    return untraceable("a pivot is on values of a type that cannot be traced");
                }
            });
            conditions.push(node::compare("COMPARE_EQUAL", expression.clone(), constant));
        }
        let name = match text(entry, "alias") {
            "" => names.join("_"),
            alias => alias.to_owned(),
        };
        let Some(condition) = node::all(conditions) else {
            return untraceable("a pivot is on no column");
        };
        found.push((condition, name));
    }
    Ok(found)
}

/// The columns by which a pivot groups: those that it names, else all that it does not use.
fn groups(catalog: &Catalog<'_>, pivot: &Value, source: &Value) -> Result<Vec<String>, Stop> {
    let named: Vec<String> = list(pivot, "groups")
        .iter()
        .filter_map(Value::as_str)
        .map(str::to_owned)
        .collect();
    if !named.is_empty() {
        return Ok(named);
    }
    let mut used = Vec::new();
    let expressions = list(pivot, "pivots")
        .iter()
        .flat_map(|one| list(one, "pivot_expressions"));
    for one in expressions.chain(list(pivot, "aggregates")) {
        node::replaced(one, &mut |part| {
            if text(part, "class") != "COLUMN_REF" {
                return None;
            }
            used.push(super::columns::name_of(part));
            Some(Value::Null)
        });
    }
    let mut columns = columns(catalog, source)?;
    columns.retain(|name| !used.contains(&name.to_ascii_lowercase()));
    Ok(columns)
}

/// The columns of a table, or of a subquery that names them.
fn columns(catalog: &Catalog<'_>, source: &Value) -> Result<Vec<String>, Stop> {
    let unknown = "the columns by which a pivot groups are not known; name them with group by";
    match text(source, "type") {
        "BASE_TABLE" => match catalog.table(text(source, "table_name")) {
            Ok(table) => Ok(table.columns),
            // A query of the statement has its name.
            Err(_) => untraceable(unknown),
        },
        "SUBQUERY" => {
            let select = source.get("subquery").and_then(|query| query.get("node"));
            let items = select.map_or(&[][..], |select| list(select, "select_list"));
            let name = |item: &Value| match (text(item, "class"), text(item, "alias")) {
                ("STAR", _) => None,
                ("COLUMN_REF", "") => Some(super::columns::name_of(item)),
                (_, "") => None,
                (_, alias) => Some(alias.to_owned()),
            };
            match items.iter().map(name).collect() {
                Some(names) => Ok(names),
                None => untraceable(unknown),
            }
        }
        _ => untraceable(unknown),
    }
}
