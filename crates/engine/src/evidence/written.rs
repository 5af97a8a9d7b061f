//! A list of constants in a `from`: bands with their bounds, weights of a standard population, names of codes. Its rows
//! are nobody's.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::node::{self, child, list, text, unused};
use super::scope::{Column, Person, Relation, Scope, Source};
use super::{Stop, expr, untraceable};

/// The most rows of a list.
const ROWS_MAX: usize = 200;

/// The list that a query is, if it is `values …` and nothing else.
pub(super) fn list_of(query: &Value) -> Option<&Value> {
    let from = child(query, "from_table")?;
    let is_plain = [
        "where_clause",
        "group_expressions",
        "group_sets",
        "having",
        "sample",
        "qualify",
        "modifiers",
    ]
    .iter()
    .all(|field| unused(query, field));
    let is_whole = match list(query, "select_list") {
        [star] => {
            text(star, "class") == "STAR"
                && [
                    "relation_name",
                    "exclude_list",
                    "replace_list",
                    "columns",
                    "expr",
                    "qualified_exclude_list",
                    "rename_list",
                ]
                .iter()
                .all(|field| unused(star, field))
        }
        _ => false,
    };
    let is_list = text(from, "type") == "EXPRESSION_LIST" && unused(from, "sample");
    (is_plain && is_whole && is_list).then_some(from)
}

/// Reads the list: its columns go by the names given, or by the engine's own. It becomes a union of its rows, which the
/// engine prints as it reads them.
pub(super) fn read(
    from: &Value,
    (alias, visible): (&str, &str),
    renamed: &[String],
) -> Result<Scope, Stop> {
    let mut rows: Vec<&[Value]> = Vec::new();
    for row in list(from, "values") {
        rows.push(row.as_array().map_or(&[], Vec::as_slice));
    }
    if rows.len() > ROWS_MAX {
        return untraceable(format!("a list of values has more than {ROWS_MAX} rows"));
    }
    let width = rows.first().map_or(0, |row| row.len());
    if renamed.len() > width {
        return untraceable("more column names are given than there are columns");
    }
    for place in 0..width {
        let mut kinds = BTreeSet::new();
        for row in &rows {
            let value = row.get(place);
            kinds.extend(value.map(kind).transpose()?.flatten());
        }
        if kinds.len() > 1 {
            return untraceable("a column of a list of values mixes kinds; cast them");
        }
    }
    let columns: Vec<Column> = (0..width)
        .map(|place| Column {
            name: renamed
                .get(place)
                .cloned()
                .unwrap_or_else(|| format!("col{place}")),
            out: format!("c{place}"),
            of_the_data: false,
        })
        .collect();
    let select = |row: &&[Value]| -> Result<Value, Stop> {
        let copied = row.iter().zip(&columns).map(|(value, column)| {
            let copied = expr::copy(value, &mut |_| Ok(None))?;
            Ok(node::alias(copied, &column.out))
        });
        let nothing = json!({"type": "EMPTY", "alias": "", "sample": null});
        let copied = copied.collect::<Result<Vec<_>, Stop>>()?;
        Ok(node::select(copied, nothing, None, None, 0))
    };
    let mut whole: Option<Value> = None;
    for row in rows.iter().rev() {
        let row = select(row)?;
        whole = Some(match whole {
            None => row,
            Some(rest) => {
                json!({"type": "SET_OPERATION_NODE", "modifiers": [], "cte_map": {"map": []},
                "setop_type": "UNION", "left": row, "right": rest, "setop_all": true})
            }
        });
    }
    let Some(whole) = whole else {
        return untraceable("a list of values is empty");
    };
    Ok(Scope {
        from: node::derived(whole, alias),
        unit: None,
        relations: vec![Relation {
            visible: visible.to_ascii_lowercase(),
            alias: alias.to_owned(),
            columns,
            units: Vec::new(),
            source: Source::Written,
            person: Person::Same,
        }],
        merged: Vec::new(),
        two_people: Vec::new(),
    })
}

/// The kind of a constant; none of a missing one.
fn kind(value: &Value) -> Result<Option<&str>, Stop> {
    let is_constant = |value: &Value| text(value, "class") == "CONSTANT";
    let kind = match text(value, "class") {
        "CONSTANT" => value.get("value").and_then(|value| value.get("type")),
        "CAST" if value.get("child").is_some_and(is_constant) => value.get("cast_type"),
        _ => return untraceable("a list of values holds more than constants"),
    };
    Ok(match kind.map(|kind| text(kind, "id")) {
        Some("NULL") | None => None,
        Some("INTEGER" | "BIGINT" | "HUGEINT" | "DECIMAL" | "DOUBLE") => Some("number"),
        Some(other) => Some(other),
    })
}
