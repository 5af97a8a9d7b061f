//! Whether two tables read the same rows: statements name relations anew wherever they use one.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::node;
use super::plan::Plan;

/// New names of relations by their old ones.
pub(super) type Renaming = BTreeMap<String, String>;

/// How the relations of the right table are called in the left, where both read the same rows by the same keys.
pub(super) fn same_rows(left: &Plan, right: &Plan) -> Option<Renaming> {
    let rows = |plan: &Plan| json!([plan.from, plan.unit]);
    let with_condition = |plan: &Plan| json!([plan.from, plan.unit, plan.condition]);
    let renaming = match isomorphic(&with_condition(left), &with_condition(right)) {
        Some(renaming) => renaming,
        None => {
            // An aggregate under a condition cannot hold a subquery.
            let conditions = [&left.condition, &right.condition];
            let plain = |one: &Value| !node::holds(one, "SUBQUERY");
            if !conditions.into_iter().flatten().all(plain) {
                return None;
            }
            isomorphic(&rows(left), &rows(right))?
        }
    };
    let keys = left.keys.iter().zip(&right.keys);
    let mut same = keys.map(|((_, one), (_, other))| *one == renamed(other, &renaming));
    let people = right.two_people.iter().map(|one| renamed(one, &renaming));
    let same = same.all(|same| same) && left.two_people.iter().cloned().eq(people);
    same.then_some(renaming)
}

/// Whether a table is made of a plan's own groups, and of numbers that it shows.
pub(super) fn has_same_groups(plan: &Plan, other: &Plan) -> bool {
    let what = |plan: &Plan| {
        json!([
            plan.from,
            plan.unit,
            plan.condition,
            plan.sets.len(),
            plan.keys.iter().map(|(_, key)| key).collect::<Vec<_>>()
        ])
    };
    let Some(renaming) = isomorphic(&what(plan), &what(other)) else {
        return false;
    };
    let shows = |call: &Value| {
        let items = plan.items.iter().flat_map(|item| &item.aggregates);
        let mut calls = items.filter_map(|index| plan.aggregates.get(*index));
        calls.any(|one| one.call == *call)
    };
    let used = other.items.iter().flat_map(|item| &item.aggregates);
    let mut used = used.filter_map(|index| other.aggregates.get(*index));
    other.kept().is_none()
        && plan.kept().is_none()
        && other.lookups.is_empty()
        && used.all(|one| shows(&renamed(&one.call, &renaming)))
}

/// The names by which one tree is another.
fn isomorphic(left: &Value, right: &Value) -> Option<Renaming> {
    let (mut of_left, mut of_right) = (Renaming::new(), Renaming::new());
    if canonical(left, &mut of_left) != canonical(right, &mut of_right) {
        return None;
    }
    let back: BTreeMap<&String, &String> = of_left.iter().map(|(own, new)| (new, own)).collect();
    let names = of_right.iter();
    let names = names.filter_map(|(own, new)| Some((own.clone(), (*back.get(new)?).clone())));
    Some(names.collect())
}

/// A tree whose relations are numbered as they come.
pub(super) fn canonical(node: &Value, names: &mut Renaming) -> Value {
    named(node, &mut |name| {
        let next = format!("#{}", names.len());
        names.entry(name.to_owned()).or_insert(next).clone()
    })
}

pub(super) fn renamed(node: &Value, renaming: &Renaming) -> Value {
    named(node, &mut |name| {
        renaming.get(name).map_or(name, String::as_str).to_owned()
    })
}

/// Renames relations where they are made and where they are meant.
fn named(node: &Value, rename: &mut dyn FnMut(&str) -> String) -> Value {
    match node {
        Value::Object(fields) => {
            let mut copied = serde_json::Map::new();
            for (field, value) in fields {
                let new = match (field.as_str(), value) {
                    ("alias", Value::String(name)) if is_generated(name) => json!(rename(name)),
                    ("column_names", Value::Array(names)) => {
                        let mut names = names.clone();
                        if let [table, _] = names.as_mut_slice()
                            && let Some(name) = table.as_str().filter(|name| is_generated(name))
                        {
                            *table = json!(rename(name));
                        }
                        Value::Array(names)
                    }
                    _ => named(value, rename),
                };
                copied.insert(field.clone(), new);
            }
            Value::Object(copied)
        }
        Value::Array(list) => list.iter().map(|one| named(one, rename)).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => node.clone(),
    }
}

/// `t` and a number, as relations of the generated statement are called.
fn is_generated(name: &str) -> bool {
    let digits = name.strip_prefix('t').unwrap_or("");
    !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit())
}
