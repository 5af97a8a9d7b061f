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

/// Reads a select around a union that picks, names and orders its columns; `None` if it is another.
pub(super) fn read_around(
    reader: &mut Reader<'_>,
    select: &Value,
    env: &Env,
) -> Result<Option<Read>, Stop> {
    let unused = ["where_clause", "qualify", "sample"];
    let plain = text(select, "type") == "SELECT_NODE"
        && unused.iter().all(|field| node::unused(select, field))
        && !group::is_grouped(select);
    let Some(from) = child(select, "from_table").filter(|_| plain) else {
        return Ok(None);
    };
    let env = reader.with(select, env)?;
    let Some((inner, of, table)) = reader.query_of(from, &env) else {
        return Ok(None);
    };
    if text(&inner, "type") != "SET_OPERATION_NODE" || reader.is_per_person(&inner, &of) {
        return Ok(None);
    }
    let Read::Union(mut first, mut under, mut union) = read(reader, &inner, &of)? else {
        return Ok(None);
    };
    if union.distinct {
        return untraceable("a select stands around a union that merges rows");
    }
    let chosen = chosen(select, &table, &first.items)?;
    let names: Vec<Item> = chosen.iter().map(|(_, item)| item.clone()).collect();
    for plan in std::iter::once(first.as_mut()).chain(&mut under) {
        let items = chosen
            .iter()
            .filter_map(|(place, _)| plan.items.get(*place));
        plan.items = items.cloned().collect();
        plan.parts = Plan::value_parts(&plan.aggregates, &plan.items);
        named_as(plan, &names)?;
    }
    // Rows of a subquery have no order.
    union.order = order(select, &names)?;
    Ok(Some(Read::Union(first, under, union)))
}

/// The columns that a select picks: their places, and as they are called.
fn chosen(select: &Value, table: &str, items: &[Item]) -> Result<Vec<(usize, Item)>, Stop> {
    let mut chosen: Vec<(usize, Item)> = Vec::new();
    for column in list(select, "select_list") {
        if text(column, "class") == "STAR" {
            let more = [
                "exclude_list",
                "replace_list",
                "columns",
                "expr",
                "rename_list",
            ];
            node::refuse_used(column, &more, "* around a union")?;
            chosen.extend(items.iter().cloned().enumerate());
            continue;
        }
        let is_table = |name: &Value| name.as_str().is_some_and(|n| n.eq_ignore_ascii_case(table));
        let name = match (text(column, "class"), list(column, "column_names")) {
            ("COLUMN_REF", [name]) => name.as_str(),
            ("COLUMN_REF", [of, name]) if is_table(of) => name.as_str(),
            _ => None,
        };
        let is = |(_, item): &(usize, &Item)| {
            name.is_some_and(|name| item.name.eq_ignore_ascii_case(name))
        };
        let Some((place, item)) = items.iter().enumerate().find(is) else {
            return untraceable("a select around a union does more than pick its columns");
        };
        let name = super::columns::item_name(column, place);
        let item = item.clone();
        chosen.push((place, Item { name, ..item }));
    }
    let mut names: Vec<String> = chosen
        .iter()
        .map(|(_, item)| item.name.to_lowercase())
        .collect();
    names.sort_unstable();
    match names.windows(2).any(|pair| pair.first() == pair.last()) {
        true => untraceable("a select around a union shows a column twice"),
        false => Ok(chosen),
    }
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
