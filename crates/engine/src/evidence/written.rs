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
            let parts = ["relation_name", "exclude_list"].iter();
            let mut parts = parts.chain(&node::STAR_PARTS);
            text(star, "class") == "STAR" && parts.all(|part| unused(star, part))
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
    let selects = rows.iter().map(|row| select(row, &columns));
    let selects: Vec<Value> = selects.collect::<Result<_, _>>()?;
    let Some(whole) = union(selects) else {
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

/// One row, as a select without a `from`.
fn select(row: &[Value], columns: &[Column]) -> Result<Value, Stop> {
    let mut copied = Vec::new();
    for (value, column) in row.iter().zip(columns) {
        copied.push(node::alias(
            expr::copy(value, &mut |_| Ok(None))?,
            &column.out,
        ));
    }
    let nothing = json!({"type": "EMPTY", "alias": "", "sample": null});
    Ok(node::select(copied, nothing, None, None, 0))
}

/// All of them as the engine nests a row of unions: the first beside the others, of which two neighbours at a time are
/// joined until one is left.
fn union(selects: Vec<Value>) -> Option<Value> {
    let mut selects = selects.into_iter();
    let first = selects.next()?;
    let mut rest: Vec<Value> = selects.collect();
    while rest.len() > 1 {
        let mut joined = Vec::new();
        let mut left = rest.into_iter();
        while let Some(one) = left.next() {
            joined.push(match left.next() {
                Some(other) => both(one, other),
                None => one,
            });
        }
        rest = joined;
    }
    Some(match rest.pop() {
        Some(rest) => both(first, rest),
        None => first,
    })
}

fn both(left: Value, right: Value) -> Value {
    json!({"type": "SET_OPERATION_NODE", "modifiers": [], "cte_map": {"map": []},
        "setop_type": "UNION", "left": left, "right": right, "setop_all": true})
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
