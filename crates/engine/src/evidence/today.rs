//! The date of the day, read once: the statements that are generated run one after the other, maybe across midnight.

use serde_json::{Value, json};

use super::node::{self, list, text};
use super::{Stop, run};

const TODAY: &str = "current_date";

/// The tree with the date in place of `current_date`; as it is where something else has that name.
pub(super) fn fixed(conn: &duckdb::Connection, tree: &Value) -> Result<Value, Stop> {
    let mut is_used = false;
    node::replaced(tree, &mut |one| {
        is_used |= is_today(one);
        None
    });
    if !is_used || is_named(tree) || is_column(conn)? {
        return Ok(tree.clone());
    }
    let today = run::texts(conn, "select cast(current_date as varchar)", &[])?;
    let date = node::as_type(node::string(&today.concat()), "DATE");
    Ok(node::replaced(tree, &mut |one| {
        is_today(one).then(|| {
            let alias = match text(one, "alias") {
                "" => TODAY,
                alias => alias,
            };
            node::alias(date.clone(), alias)
        })
    }))
}

fn is_today(node: &Value) -> bool {
    let is = |name: &str| name.eq_ignore_ascii_case(TODAY);
    match (text(node, "class"), list(node, "column_names")) {
        ("COLUMN_REF", [name]) => name.as_str().is_some_and(is),
        ("FUNCTION", _) => {
            let name = text(node, "function_name");
            let plain = ["schema", "catalog", "filter", "children"];
            let plain = plain.iter().all(|field| node::unused(node, field));
            plain && (is(name) || name.eq_ignore_ascii_case("today"))
        }
        _ => false,
    }
}

/// Whether the statement calls anything of its own so.
fn is_named(node: &Value) -> bool {
    match node {
        Value::Object(fields) => fields.iter().any(|(field, value)| {
            let is_name = !matches!(field.as_str(), "column_names" | "function_name");
            let own = value
                .as_str()
                .is_some_and(|name| name.eq_ignore_ascii_case(TODAY));
            is_name && own || is_named(value) && field != "column_names"
        }),
        Value::Array(list) => {
            let own = |one: &Value| *one == json!(TODAY);
            list.iter().any(|one| own(one) || is_named(one))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

/// Whether a table has a column of the name.
fn is_column(conn: &duckdb::Connection) -> Result<bool, Stop> {
    let columns = "select column_name from duckdb_columns() where lower(column_name) = ? limit 1";
    Ok(!run::texts(conn, columns, &[TODAY])?.is_empty())
}
