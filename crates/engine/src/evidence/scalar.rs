//! Subqueries that stand for one number: the total of which shares are shown, the mean with which rows are compared.

use serde_json::{Value, json};

use super::inside::{Inside, Relation};
use super::node::{self, child, text};
use super::plan::{Item, Lookup, Plan, Whose};
use super::query::{from_groups, looked_up};
use super::subquery::{Env, Reader};
use super::{Stop, untraceable, wrap};

/// What a condition of a select is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Over {
    /// Rows of the data.
    Rows,
    /// Groups.
    Groups,
}

/// A select whose single numbers are replaced by columns of other tables, and these tables.
pub(super) fn replaced(
    reader: &mut Reader<'_>,
    select: &Value,
    env: &Env,
    depth: usize,
    over: Over,
) -> Result<(Value, Vec<Lookup>), Stop> {
    let mut select = select.clone();
    let mut lookups = Vec::new();
    for field in ["select_list", "where_clause"] {
        let Some(part) = select
            .get(field)
            .filter(|part| node::holds(part, "SUBQUERY"))
        else {
            continue;
        };
        let in_row = field == "where_clause" && over == Over::Rows;
        let mut stop = None;
        let copied = node::replaced(part, &mut |one| {
            if text(one, "class") != "SUBQUERY" {
                return None;
            }
            if stop.is_some() || text(one, "subquery_type") != "SCALAR" {
                return Some(one.clone());
            }
            match number(reader, one, env, depth) {
                Ok((name, plan)) => {
                    let (mut node, select) = shown(&name, &plan, in_row);
                    let alias = text(one, "alias");
                    node = node::alias(node::generated(node), alias);
                    lookups.push(Lookup {
                        name,
                        select,
                        on: Vec::new(),
                        of: Whose::Counted(Box::new(plan)),
                    });
                    Some(node)
                }
                Err(error) => {
                    stop = Some(error);
                    None
                }
            }
        });
        match stop {
            Some(stop) => return Err(stop),
            None => node::set(&mut select, field, copied),
        }
    }
    Ok((select, lookups))
}

/// Where the number is read: in a condition on rows the subquery itself, else a joined table's column.
fn shown(name: &str, plan: &Plan, in_row: bool) -> (Value, Option<Value>) {
    if !in_row {
        return (node::column(name, "i0"), Some(looked_up(plan, &plan.items)));
    }
    let list = plan.items.iter().map(|item| item.value.clone()).collect();
    let select = node::select(list, from_groups(plan), None, None, 0);
    let subquery = json!({"class": "SUBQUERY", "type": "SUBQUERY", "alias": "", "subquery_type": "SCALAR",
        "subquery": {"node": select, "named_param_map": []}, "child": null, "comparison_type": "INVALID"});
    (subquery, None)
}

/// The plan of a subquery that gives one number of all its rows.
fn number(
    reader: &mut Reader<'_>,
    subquery: &Value,
    env: &Env,
    depth: usize,
) -> Result<(String, Plan), Stop> {
    let Some(select) = subquery.get("subquery").and_then(|query| query.get("node")) else {
        return untraceable("a subquery is incomplete");
    };
    let Some(plan) = wrap::nested(reader, select, env, depth + 1)? else {
        return untraceable("a subquery inside an expression looks at single rows");
    };
    let is_one = plan.keys.is_empty() && plan.items.len() == 1;
    if !is_one || plan.kept().is_some() || plan.qualify.is_some() || plan.limit.is_some() {
        return untraceable("a subquery inside an expression is no single number of all its rows");
    }
    Ok((format!("t{}", reader.catalog.next()?), plan))
}

/// A select without a table, of single numbers; `None` if it is another.
pub(super) fn alone(
    reader: &mut Reader<'_>,
    select: &Value,
    env: &Env,
    depth: usize,
) -> Result<Option<Plan>, Stop> {
    if child(select, "from_table").map(|from| text(from, "type")) != Some("EMPTY") {
        return Ok(None);
    }
    let (select, mut lookups) = replaced(reader, select, env, depth, Over::Groups)?;
    if lookups.is_empty() {
        return Ok(None);
    }
    // The first is the table, and the others stand in it.
    let first = lookups.remove(0);
    let Whose::Counted(plan) = first.of else {
        return Ok(None);
    };
    let name = first.name;
    let placed = node::column(&name, "i0");
    let select = node::replaced(&select, &mut |one| {
        let is_first = text(one, "class") == node::GENERATED && one.get("node") == Some(&placed);
        is_first.then(|| node::alias(placed.clone(), text(one, "alias")))
    });
    let items = plan.items.iter().map(|item| Item {
        name: "i0".to_owned(),
        ..item.clone()
    });
    let items = items.collect();
    let inside = Inside {
        plan: *plan,
        relations: vec![Relation { name, items }],
        merged: Vec::new(),
    };
    let mut plan = wrap::around(inside, &select, lookups)?;
    plan.settle_lookups();
    Ok(Some(plan))
}
