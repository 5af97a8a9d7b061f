//! The engine's syntax tree as JSON: reading fields and building nodes.

use serde_json::{Value, json};

use super::{Stop, untraceable};

/// A text field; empty if it is absent.
pub(super) fn text<'a>(node: &'a Value, field: &str) -> &'a str {
    node.get(field).and_then(Value::as_str).unwrap_or("")
}

/// A list field; empty if it is absent.
pub(super) fn list<'a>(node: &'a Value, field: &str) -> &'a [Value] {
    node.get(field)
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}

/// A node field, `None` if it is absent or null.
pub(super) fn child<'a>(node: &'a Value, field: &str) -> Option<&'a Value> {
    node.get(field).filter(|value| !value.is_null())
}

/// Whether a field is false, null, empty or absent: the part of the syntax is not used.
pub(super) fn unused(node: &Value, field: &str) -> bool {
    match node.get(field) {
        None | Some(Value::Null | Value::Bool(false)) => true,
        Some(Value::String(text)) => text.is_empty(),
        Some(Value::Array(list)) => list.is_empty(),
        Some(Value::Bool(true) | Value::Number(_) | Value::Object(_)) => false,
    }
}

/// What a `*` may use beside a table's name and columns that are left out.
pub(super) const STAR_PARTS: [&str; 5] = [
    "replace_list",
    "columns",
    "expr",
    "qualified_exclude_list",
    "rename_list",
];

/// Refuses a node that uses any of the named parts of the syntax.
pub(super) fn refuse_used(node: &Value, fields: &[&str], what: &str) -> Result<(), Stop> {
    match fields.iter().find(|field| !unused(node, field)) {
        Some(field) => untraceable(format!("{what} uses {field}, which cannot be traced")),
        None => Ok(()),
    }
}

/// The conjuncts of a condition.
pub(super) fn conjuncts(node: Option<&Value>) -> Vec<&Value> {
    match node {
        None => Vec::new(),
        Some(node) if text(node, "type") == "CONJUNCTION_AND" => list(node, "children")
            .iter()
            .flat_map(|part| conjuncts(Some(part)))
            .collect(),
        Some(node) => vec![node],
    }
}

/// The value of an integer constant.
pub(super) fn integer(node: &Value) -> Option<i64> {
    let value = node.get("value")?;
    let kind = text(value.get("type")?, "id");
    if text(node, "class") != "CONSTANT" || !matches!(kind, "INTEGER" | "BIGINT") {
        return None;
    }
    value.get("value")?.as_i64()
}

pub(super) fn column(table: &str, name: &str) -> Value {
    json!({"class": "COLUMN_REF", "type": "COLUMN_REF", "alias": "", "column_names": [table, name]})
}

pub(super) fn number(value: i64) -> Value {
    json!({"class": "CONSTANT", "type": "VALUE_CONSTANT", "alias": "", "value":
        {"type": {"id": if i32::try_from(value).is_ok() { "INTEGER" } else { "BIGINT" }, "type_info": null},
         "is_null": false, "value": value}})
}

/// A function call. `operator` is how the parser marks infix functions.
pub(super) fn call(name: &str, children: Vec<Value>, filter: Option<Value>) -> Value {
    json!({"class": "FUNCTION", "type": "FUNCTION", "alias": "", "function_name": name,
        "schema": "", "children": children, "filter": filter,
        "order_bys": {"type": "ORDER_MODIFIER", "orders": []}, "distinct": false,
        "is_operator": name == "+", "export_state": false, "catalog": ""})
}

/// A call that is written between its arguments.
pub(super) fn infix(name: &str, children: Vec<Value>) -> Value {
    let mut call = call(name, children, None);
    set(&mut call, "is_operator", Value::Bool(true));
    call
}

pub(super) fn distinct(mut call: Value) -> Value {
    if let Some(fields) = call.as_object_mut() {
        fields.insert("distinct".to_owned(), Value::Bool(true));
    }
    call
}

pub(super) fn alias(mut node: Value, name: &str) -> Value {
    if let Some(fields) = node.as_object_mut() {
        fields.insert("alias".to_owned(), Value::String(name.to_owned()));
    }
    node
}

pub(super) fn compare(kind: &str, left: Value, right: Value) -> Value {
    json!({"class": "COMPARISON", "type": kind, "alias": "", "left": left, "right": right})
}

pub(super) fn operator(kind: &str, children: Vec<Value>) -> Value {
    json!({"class": "OPERATOR", "type": kind, "alias": "", "children": children})
}

/// That a value is not missing.
pub(super) fn present(value: Value) -> Value {
    operator("OPERATOR_IS_NOT_NULL", vec![value])
}

/// The conjunction of several conditions; `None` for none. One of conjunctions is flat, as the engine reads it.
pub(super) fn all(conditions: Vec<Value>) -> Option<Value> {
    let mut conditions = flat(conditions, "CONJUNCTION_AND");
    match conditions.len() {
        0 | 1 => conditions.pop(),
        _ => Some(
            json!({"class": "CONJUNCTION", "type": "CONJUNCTION_AND", "alias": "",
            "children": conditions}),
        ),
    }
}

/// The disjunction of two conditions.
pub(super) fn either(one: Value, other: Value) -> Value {
    json!({"class": "CONJUNCTION", "type": "CONJUNCTION_OR", "alias": "",
        "children": flat(vec![one, other], "CONJUNCTION_OR")})
}

fn flat(conditions: Vec<Value>, kind: &str) -> Vec<Value> {
    let parts = conditions
        .into_iter()
        .flat_map(|one| match text(&one, "type") == kind {
            true => flat(list(&one, "children").to_vec(), kind),
            false => vec![one],
        });
    parts.collect()
}

pub(super) fn when(condition: Value, then: Value, or_else: Value) -> Value {
    json!({"class": "CASE", "type": "CASE_EXPR", "alias": "",
        "case_checks": [{"when_expr": condition, "then_expr": then}], "else_expr": or_else})
}

pub(super) fn as_text(child: Value) -> Value {
    as_type(child, "VARCHAR")
}

pub(super) fn as_type(child: Value, kind: &str) -> Value {
    json!({"class": "CAST", "type": "OPERATOR_CAST", "alias": "", "child": child,
        "cast_type": {"id": kind, "type_info": null}, "try_cast": false})
}

pub(super) fn null() -> Value {
    json!({"class": "CONSTANT", "type": "VALUE_CONSTANT", "alias": "", "value":
        {"type": {"id": "NULL", "type_info": null}, "is_null": true}})
}

pub(super) fn string(value: &str) -> Value {
    json!({"class": "CONSTANT", "type": "VALUE_CONSTANT", "alias": "", "value":
        {"type": {"id": "VARCHAR", "type_info": null}, "is_null": false, "value": value}})
}

/// Whether an expression is totalled in this row: 1 if it is, else 0.
pub(super) fn grouping(key: Value) -> Value {
    operator("GROUPING_FUNCTION", vec![key])
}

/// A copy in which some nodes are replaced by others.
pub(super) fn replaced(node: &Value, with: &mut dyn FnMut(&Value) -> Option<Value>) -> Value {
    if let Some(other) = with(node) {
        return other;
    }
    match node {
        Value::Object(fields) => {
            let fields = fields.iter();
            Value::Object(
                fields
                    .map(|(name, value)| (name.clone(), replaced(value, with)))
                    .collect(),
            )
        }
        Value::Array(list) => list.iter().map(|one| replaced(one, with)).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => node.clone(),
    }
}

/// A generated column reference: table and column.
pub(super) fn reference(node: &Value) -> Option<(&str, &str)> {
    match (text(node, "class"), list(node, "column_names")) {
        ("COLUMN_REF", [table, name]) => Some((table.as_str()?, name.as_str()?)),
        _ => None,
    }
}

/// The table, where it is given, and the column that a reference of the statement names, both in lower case, as the
/// engine does not tell case apart; `None` of a path that is longer.
pub(super) fn named(reference: &Value) -> Option<(Option<String>, String)> {
    let lower = |name: &Value| Some(name.as_str()?.to_ascii_lowercase());
    match list(reference, "column_names") {
        [name] => Some((None, lower(name)?)),
        [table, name] => Some((Some(lower(table)?), lower(name)?)),
        _ => None,
    }
}

/// A reference as it is shown.
pub(super) fn shown(reference: &Value) -> String {
    let names = list(reference, "column_names").iter();
    let names: Vec<&str> = names.filter_map(Value::as_str).collect();
    names.join(".").to_ascii_lowercase()
}

/// The tables of the columns in a generated expression.
pub(super) fn tables_of(node: &Value) -> Box<dyn Iterator<Item = &str> + '_> {
    match (reference(node), node) {
        (Some((table, _)), _) => Box::new(std::iter::once(table)),
        (None, Value::Object(fields)) => Box::new(fields.values().flat_map(tables_of)),
        (None, Value::Array(list)) => Box::new(list.iter().flat_map(tables_of)),
        (None, Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_)) => {
            Box::new(std::iter::empty())
        }
    }
}

/// Whether a node of a class is inside another.
pub(super) fn holds(node: &Value, class: &str) -> bool {
    match node {
        Value::Object(fields) => {
            text(node, "class") == class || fields.values().any(|one| holds(one, class))
        }
        Value::Array(list) => list.iter().any(|one| holds(one, class)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

/// An expression that was generated and stands in a statement that is still to be read.
pub(super) fn generated(node: Value) -> Value {
    json!({"class": GENERATED, "node": node})
}

/// The class of [`generated`], which the parser has not.
pub(super) const GENERATED: &str = "GENERATED";

/// Sets a field of a node.
pub(super) fn set(node: &mut Value, field: &str, value: Value) {
    if let Some(fields) = node.as_object_mut() {
        fields.insert(field.to_owned(), value);
    }
}

/// A select without modifiers. `groups` is the number of leading columns to group by.
pub(super) fn select(
    items: Vec<Value>,
    from: Value,
    condition: Option<Value>,
    qualify: Option<Value>,
    groups: usize,
) -> Value {
    // By position: a group key may be a constant, and a constant here is a position.
    let positions: Vec<Value> = (1..=groups)
        .filter_map(|position| i64::try_from(position).ok())
        .map(number)
        .collect();
    let sets: Vec<Vec<usize>> = if groups == 0 {
        vec![]
    } else {
        vec![(0..groups).collect()]
    };
    json!({"type": "SELECT_NODE", "modifiers": [], "cte_map": {"map": []},
        "select_list": items, "from_table": from, "where_clause": condition,
        "group_expressions": positions, "group_sets": sets,
        "aggregate_handling": "STANDARD_HANDLING", "having": null, "sample": null,
        "qualify": qualify})
}

pub(super) fn table(database: &str, name: &str, alias: &str) -> Value {
    json!({"type": "BASE_TABLE", "alias": alias, "sample": null, "schema_name": "main",
        "table_name": name, "column_name_alias": [], "catalog_name": database, "at_clause": null})
}

pub(super) fn derived(select: Value, alias: &str) -> Value {
    json!({"type": "SUBQUERY", "alias": alias, "sample": null,
        "subquery": {"node": select, "named_param_map": []}, "column_name_alias": []})
}

pub(super) fn join(left: Value, right: Value, condition: Option<Value>, kind: &str) -> Value {
    let reference = if condition.is_some() {
        "REGULAR"
    } else {
        "CROSS"
    };
    json!({"type": "JOIN", "alias": "", "sample": null, "left": left, "right": right,
        "condition": condition, "join_type": kind, "ref_type": reference, "using_columns": [],
        "delim_flipped": false, "duplicate_eliminated_columns": []})
}

/// Without the positions in the text, so that trees of two texts can be compared.
pub(super) fn without_positions(tree: Value) -> Value {
    match tree {
        Value::Object(fields) => Value::Object(
            fields
                .into_iter()
                .filter(|(name, _)| name != "query_location")
                .map(|(name, value)| (name, without_positions(value)))
                .collect(),
        ),
        Value::Array(list) => Value::Array(list.into_iter().map(without_positions).collect()),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => tree,
    }
}
