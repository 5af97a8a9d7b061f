//! Tables of groups one under the other.

use disclosure::{Role, Sort, Union};
use serde_json::Value;

use super::group;
use super::node::{self, child, list, text};
use super::plan::{Item, Plan};
use super::subquery::{Env, Reader};
use super::wrap::{self, Read};
use super::{Stop, untraceable};

/// The most tables of a union.
const BRANCHES_MAX: usize = 12;

/// Reads a union; it lists rows if its selects do.
pub(super) fn read(reader: &mut Reader<'_>, select: &Value, env: &Env) -> Result<Read, Stop> {
    let mut branches = Vec::new();
    let is_plain = flatten(reader, select, env, select, &mut branches)?;
    let mut plans = Vec::new();
    for (branch, env) in &branches {
        match wrap::nested(reader, branch, env, 0)? {
            Some(plan) => plans.push(plan),
            None if plans.is_empty() => {}
            None => return untraceable("a union lists rows beside a table of groups"),
        }
    }
    if plans.is_empty() {
        return Ok(Read::Rows);
    }
    if plans.len() < branches.len() {
        return untraceable("a union lists rows beside a table of groups");
    }
    if !is_plain {
        return untraceable(
            "of what merges tables of groups only unions of one kind can be traced",
        );
    }
    if plans.len() > BRANCHES_MAX {
        return untraceable(format!("a union has more than {BRANCHES_MAX} selects"));
    }
    let mut rest = plans.into_iter();
    let Some(first) = rest.next() else {
        return untraceable("a union is incomplete");
    };
    let mut under: Vec<Plan> = rest.collect();
    for plan in &mut under {
        named_as(plan, &first.items)?;
    }
    let union = Union {
        distinct: select.get("setop_all") != Some(&Value::Bool(true)),
        order: order(select, &first.items)?,
    };
    Ok(Read::Union(Box::new(first), under, union))
}

/// Whether a branch of what merges selects groups rows.
pub(super) fn holds_groups(select: &Value) -> bool {
    group::is_grouped(select)
        || ["left", "right"]
            .iter()
            .any(|side| child(select, side).is_some_and(holds_groups))
}

/// The selects of unions of unions, each with the queries that it sees; whether all are unions of one kind.
fn flatten(
    reader: &Reader<'_>,
    select: &Value,
    env: &Env,
    top: &Value,
    found: &mut Vec<(Value, Env)>,
) -> Result<bool, Stop> {
    if text(select, "type") != "SET_OPERATION_NODE" {
        found.push((select.clone(), env.clone()));
        return Ok(true);
    }
    let env = reader.with(select, env)?;
    let (Some(left), Some(right)) = (child(select, "left"), child(select, "right")) else {
        return untraceable("a union is incomplete");
    };
    let may_order = std::ptr::eq(select, top);
    let own = text(select, "setop_type") == "UNION"
        && select.get("setop_all") == top.get("setop_all")
        && (may_order || list(select, "modifiers").is_empty());
    let left = flatten(reader, left, &env, top, found)?;
    let right = flatten(reader, right, &env, top, found)?;
    Ok(own && left && right)
}

/// Names the columns of a table as those of the table above it.
fn named_as(plan: &mut Plan, above: &[Item]) -> Result<(), Stop> {
    if plan.items.len() != above.len() {
        return untraceable("the selects of a union have different numbers of columns");
    }
    for (item, above) in plan.items.iter_mut().zip(above) {
        let counts = plan.counts.iter_mut().map(|(label, _)| label);
        let labels = counts.chain(plan.parts.iter_mut().map(|part| &mut part.label));
        for label in labels.filter(|label| **label == item.name) {
            label.clone_from(&above.name);
        }
        if let Role::Key(key) = item.role
            && let Some((name, _)) = plan.keys.get_mut(usize::from(key))
        {
            name.clone_from(&above.name);
        }
        item.name.clone_from(&above.name);
    }
    Ok(())
}

/// The order of all rows: by columns alone.
fn order(select: &Value, items: &[Item]) -> Result<Vec<Sort>, Stop> {
    let mut sorts = Vec::new();
    for modifier in list(select, "modifiers") {
        if text(modifier, "type") != "ORDER_MODIFIER" {
            return untraceable("a limit picks rows of a union of tables of groups");
        }
        for order in list(modifier, "orders") {
            let Some(expression) = order.get("expression") else {
                return untraceable("the order is incomplete");
            };
            if text(order, "null_order").contains("FIRST") {
                return untraceable("a union is ordered with what is missing first");
            }
            let descending = text(order, "type") == "DESCENDING";
            for place in places(expression, items)? {
                let Ok(column) = u16::try_from(place) else {
                    return untraceable("a union has too many columns");
                };
                sorts.push(Sort { column, descending });
            }
        }
    }
    Ok(sorts)
}

fn places(expression: &Value, items: &[Item]) -> Result<Vec<usize>, Stop> {
    if text(expression, "class") == "STAR" {
        return Ok((0..items.len()).collect());
    }
    let by_number = node::integer(expression)
        .and_then(|number| usize::try_from(number).ok()?.checked_sub(1))
        .filter(|place| *place < items.len());
    let name = match list(expression, "column_names") {
        [name] => name.as_str().unwrap_or(""),
        _ => "",
    };
    let by_name = || {
        let is = |item: &Item| item.name.eq_ignore_ascii_case(name);
        items.iter().position(is).filter(|_| !name.is_empty())
    };
    match by_number.or_else(by_name) {
        Some(place) => Ok(vec![place]),
        None => untraceable("a union is ordered by something else than one of its columns"),
    }
}
