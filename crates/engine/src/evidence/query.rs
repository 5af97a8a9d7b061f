//! The statements that are generated from a plan.

use disclosure::Kind;
use serde_json::{Value, json};

use super::node;
use super::people;
use super::plan::{GROUPED, Item, Plan};
use super::tally::Holds;

/// The grouping set of all keys, if the table has keys and shows their combinations.
pub(super) fn finest(plan: &Plan) -> Option<u16> {
    let all = |set: &Vec<usize>| !set.is_empty() && set.len() == plan.keys.len();
    u16::try_from(plan.sets.iter().position(all)?).ok()
}

/// The engine's hash of all keys, which `table` calls `k0`….
pub(super) fn hash_of(plan: &Plan, table: &str) -> Value {
    let keys = (0..plan.keys.len()).map(|i| node::column(table, &format!("k{i}")));
    node::call("hash", keys.collect(), None)
}

/// The groups of a plan with what is computed and counted of each.
fn groups(plan: &Plan) -> Value {
    let mut inner: Vec<Value> = Vec::new();
    let mut name = |node: Value, alias: String| inner.push(node::alias(node, &alias));
    for (i, (_, key)) in plan.keys.iter().enumerate() {
        name(key.clone(), format!("k{i}"));
    }
    for (i, aggregate) in plan.aggregates.iter().enumerate() {
        name(aggregate.call.clone(), format!("a{i}"));
    }
    let rows = |condition: Option<Value>| node::call("count_star", vec![], condition);
    for (i, (condition, holds)) in plan.conditions.iter().zip(people::holds(plan)).enumerate() {
        let value = match holds {
            Holds::WithValue(value) => plan.values.get(value),
            Holds::Always | Holds::Marked => None,
        };
        let count = match value {
            // Cheaper than a filter.
            Some(value) => node::call("count", vec![value.clone()], None),
            None => rows(condition.clone()),
        };
        name(count, format!("r{i}"));
    }
    for (i, condition) in plan.two_people.iter().enumerate() {
        name(rows(Some(condition.clone())), format!("x{i}"));
    }
    if plan.sets.len() > 1 {
        for (i, (_, key)) in plan.keys.iter().enumerate() {
            name(node::grouping(key.clone()), format!("s{i}"));
        }
    }
    let mut grouped = node::select(
        inner,
        plan.from.clone(),
        plan.condition.clone(),
        None,
        plan.keys.len(),
    );
    if !plan.keys.is_empty() {
        node::set(&mut grouped, "group_sets", json!(plan.sets));
    }
    grouped
}

/// The groups of a plan and the other tables whose numbers stand in its own.
pub(super) fn from_groups(plan: &Plan) -> Value {
    let mut from = node::derived(groups(plan), GROUPED);
    for lookup in &plan.lookups {
        if let Some(select) = &lookup.select {
            let right = node::derived(select.clone(), &lookup.name);
            let on = node::all(lookup.on.clone());
            let kind = if on.is_some() { "LEFT" } else { "INNER" };
            from = node::join(from, right, on, kind);
        }
    }
    from
}

/// A plan's table as another reads it: its keys `k0`…, columns `i0`…, and `p`, which is never missing.
pub(super) fn looked_up(plan: &Plan, items: &[Item]) -> Value {
    let keys = (0..plan.keys.len()).map(|i| {
        let key = format!("k{i}");
        node::alias(node::column(GROUPED, &key), &key)
    });
    let items = items.iter().enumerate();
    let items = items.map(|(i, item)| node::alias(item.value.clone(), &format!("i{i}")));
    let there = node::alias(node::number(1), "p");
    let list = keys.chain(items).chain([there]).collect();
    node::select(list, from_groups(plan), plan.kept(), None, 0)
}

/// One query gives keys, values and counts of rows, so that they come from one reading of the data.
pub(super) fn table_query(plan: &Plan, limit: usize) -> Value {
    let own = |prefix: &str, i: usize| node::column(GROUPED, &format!("{prefix}{i}"));
    let mut outer: Vec<Value> = Vec::new();
    let keys = (0..plan.keys.len()).map(|i| own("k", i));
    let items = plan.items.iter().map(|item| item.value.clone());
    for value in keys
        .chain(items)
        .chain(quantiles(plan).map(|i| target(plan, i, own("a", i))))
    {
        outer.push(node::call("typeof", vec![value.clone()], None));
        outer.push(node::as_text(value));
    }
    outer.extend((0..plan.conditions.len()).map(|i| own("r", i)));
    outer.extend((0..plan.two_people.len()).map(|i| own("x", i)));
    if plan.sets.len() > 1 {
        outer.extend((0..plan.keys.len()).map(|i| own("s", i)));
    }
    outer.push(visible(plan));
    outer.extend(finest(plan).map(|_| hash_of(plan, GROUPED)));
    let mut select = node::select(outer, from_groups(plan), None, None, 0);
    node::set(&mut select, "modifiers", order(plan, limit));
    select
}

/// 1 for a group that is seen, 2 for one that is not among the chosen, 0 for one that the condition leaves out.
fn visible(plan: &Plan) -> Value {
    let chosen = match &plan.qualify {
        Some(condition) => node::when(condition.clone(), node::number(1), node::number(2)),
        None => node::number(1),
    };
    match plan.kept() {
        Some(condition) => node::when(condition, chosen, node::number(0)),
        None => chosen,
    }
}

/// The order of the statement and a limit. Ties are broken by the keys, so that the same table gives the same
/// bytes.
fn order(plan: &Plan, limit: usize) -> Value {
    let mut orders: Vec<Value> = plan
        .orders
        .iter()
        .map(|o| json!({"type": o.direction, "null_order": o.nulls, "expression": o.value}))
        .collect();
    let totalled = if plan.sets.len() > 1 { "s" } else { "k" };
    for prefix in [totalled, "k"] {
        orders.extend((0..plan.keys.len()).map(|i| {
            json!({"type": "ORDER_DEFAULT", "null_order": "ORDER_DEFAULT",
                "expression": node::column(GROUPED, &format!("{prefix}{i}"))})
        }));
    }
    let mut modifiers = Vec::new();
    if !orders.is_empty() {
        modifiers.push(json!({"type": "ORDER_MODIFIER", "orders": orders}));
    }
    modifiers.push(limit_node(limit));
    Value::Array(modifiers)
}

/// The aggregates whose values say who is counted: quantiles and most frequent values.
pub(super) fn quantiles(plan: &Plan) -> impl Iterator<Item = usize> {
    let aggregates = plan.aggregates.iter().enumerate();
    aggregates
        .filter(|(_, one)| matches!(one.kind, Kind::Quantile | Kind::Mode))
        .map(|(index, _)| index)
}

/// The value of an aggregate by which people are counted; a most frequent value is known by its hash.
fn target(plan: &Plan, index: usize, value: Value) -> Value {
    match plan.aggregates.get(index).map(|one| one.kind) {
        Some(Kind::Mode) => node::as_type(node::call("hash", vec![value], None), "DOUBLE"),
        Some(_) | None => value,
    }
}

pub(super) fn limit_node(limit: usize) -> Value {
    let limit = node::number(i64::try_from(limit).unwrap_or(i64::MAX));
    json!({"type": "LIMIT_MODIFIER", "limit": limit, "offset": null})
}
