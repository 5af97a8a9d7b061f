//! A select around a table of groups: it picks, renames, orders and computes, and reads no row of its own.

use disclosure::{Kind, Role, Shown};
use serde_json::{Value, json};

use super::columns::{self, item_name, limit};
use super::expr;
use super::group;
use super::keys::holds_window;
use super::node::{self, child, list, refuse_used, text};
use super::plan::{Item, Order, Plan};
use super::subquery::{Env, Reader};
use super::{Stop, untraceable, windows};

/// The deepest nesting of selects around a table.
const DEPTH_MAX: usize = 16;

/// Reads a statement into a plan; `None` if it lists rows.
pub(super) fn read(
    reader: &mut Reader<'_>,
    select: &Value,
    env: &Env,
) -> Result<Option<Plan>, Stop> {
    nested(reader, select, env, 0)
}

fn nested(
    reader: &mut Reader<'_>,
    select: &Value,
    env: &Env,
    depth: usize,
) -> Result<Option<Plan>, Stop> {
    if depth > DEPTH_MAX {
        return untraceable("the statement is nested too deeply");
    }
    if group::is_grouped(select) {
        return group::read(reader, select, env).map(Some);
    }
    if text(select, "type") != "SELECT_NODE" {
        if holds_groups(select) {
            return untraceable(
                "a union of tables of groups cannot be traced; check each on its own",
            );
        }
        return Ok(None);
    }
    let inner_env = reader.with(select, env)?;
    if let Some((inner, of, name)) = reader.query_of(select, &inner_env)
        && !reader.is_per_person(&inner, &of)
        && let Some(plan) = nested(reader, &inner, &of, depth + 1)?
    {
        return around(plan, select, &name).map(Some);
    }
    if group::is_distinct(select) {
        return group::read(reader, &grouped(select), env).map(Some);
    }
    Ok(None)
}

/// Whether a branch of a union groups rows.
fn holds_groups(select: &Value) -> bool {
    group::is_grouped(select)
        || ["left", "right"]
            .iter()
            .any(|side| child(select, side).is_some_and(holds_groups))
}

/// `select distinct a, b` as `select a, b group by all`.
fn grouped(select: &Value) -> Value {
    let mut grouped = select.clone();
    node::set(
        &mut grouped,
        "aggregate_handling",
        json!("FORCE_AGGREGATES"),
    );
    let modifiers = list(select, "modifiers").iter();
    let kept = modifiers.filter(|one| text(one, "type") != "DISTINCT_MODIFIER");
    let kept: Vec<Value> = kept.cloned().collect();
    node::set(&mut grouped, "modifiers", Value::Array(kept));
    grouped
}

/// The plan of a select around another plan's table.
fn around(plan: Plan, select: &Value, table: &str) -> Result<Plan, Stop> {
    refuse_used(
        select,
        &["sample", "having", "group_expressions"],
        "a select around a table",
    )?;
    if plan.limit.is_some() || plan.offset > 0 || plan.qualify.is_some() {
        return untraceable("a limit inside a subquery picks rows that cannot be traced");
    }
    let inner = plan.items.clone();
    let had = plan.having.clone();
    let mut outer = Outer {
        inner: &inner,
        table,
        having: had.clone(),
    };
    let mut having: Option<(Value, Vec<usize>)> = match (&had, plan.shown) {
        (None, _) => None,
        (Some(_), Shown::Unjudged) => {
            return untraceable("a condition on groups stands inside a subquery");
        }
        (Some(condition), _) => Some((condition.clone(), aggregates_in(condition))),
    };
    if let Some(condition) = child(select, "where_clause") {
        let (copied, used) = outer.copy(condition, &[])?;
        having = Some(match having {
            None => (copied, used),
            Some((first, mut of)) => {
                of.extend(used);
                (both(first, copied), of)
            }
        });
        outer.having = having.as_ref().map(|(condition, _)| condition.clone());
    }
    // Windows of the inner table see the groups before the outer condition.
    if inner.iter().any(|item| item.across) && child(select, "where_clause").is_some() {
        return untraceable("a condition stands around windows over groups");
    }
    let items = outer.items(select, &plan)?;
    let qualify = child(select, "qualify")
        .map(|one| outer.copy(one, &items))
        .transpose()?;
    let orders = outer.orders(select, &items, &plan)?;
    let (offset, limit) = limit(select)?;
    let keys = plan.keys.iter().enumerate().map(|(index, (name, key))| {
        let shows = |item: &&Item| matches!(item.role, Role::Key(k) if usize::from(k) == index);
        let name = items.iter().find(shows).map_or(name, |item| &item.name);
        (name.clone(), key.clone())
    });
    let mut plan = Plan {
        keys: keys.collect(),
        items,
        orders,
        offset,
        limit,
        ..plan
    };
    plan.settle(having, qualify);
    Ok(plan)
}

fn both(one: Value, other: Value) -> Value {
    let parts = vec![one, other];
    node::all(parts).unwrap_or(Value::Null)
}

/// The aggregates that a copied expression names.
fn aggregates_in(node: &Value) -> Vec<usize> {
    match node {
        Value::Object(fields) => {
            let name = list(node, "column_names").last().and_then(Value::as_str);
            let own = name.and_then(|name| name.strip_prefix('a')?.parse().ok());
            let inner = fields.values().flat_map(aggregates_in);
            own.into_iter().chain(inner).collect()
        }
        Value::Array(list) => list.iter().flat_map(aggregates_in).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Vec::new(),
    }
}

struct Outer<'a> {
    inner: &'a [Item],
    /// The name of the inner table, in lower case.
    table: &'a str,
    having: Option<Value>,
}

impl Outer<'_> {
    /// The inner column that a reference names.
    fn column(&self, reference: &Value, outputs: &[Item]) -> Result<Item, Stop> {
        let names: Vec<String> = list(reference, "column_names")
            .iter()
            .filter_map(Value::as_str)
            .map(str::to_ascii_lowercase)
            .collect();
        let name = match names.as_slice() {
            [name] => name,
            [table, name] if table == self.table => name,
            _ => return untraceable(format!("{} is no column of the subquery", names.join("."))),
        };
        let is = |item: &&Item| item.name.to_ascii_lowercase() == *name;
        let found = self.inner.iter().find(is);
        let found = found.or_else(|| outputs.iter().find(is).filter(|_| names.len() == 1));
        match found {
            Some(item) => Ok(item.clone()),
            None => untraceable(format!("{name} is no column of the subquery")),
        }
    }

    fn copy(&self, expression: &Value, outputs: &[Item]) -> Result<(Value, Vec<usize>), Stop> {
        let mut used = Vec::new();
        let copied = expr::copy(expression, &mut |part| match text(part, "class") {
            "COLUMN_REF" => {
                let item = self.column(part, outputs)?;
                used.extend(&item.aggregates);
                Ok(Some(item.value))
            }
            "WINDOW" => {
                let mut inner = |node: &Value| self.copy(node, outputs);
                let (window, of) = windows::copy(part, self.having.as_ref(), &mut inner)?;
                if self.inner.iter().any(|item| item.across) && holds_nested(&window) {
                    return untraceable("a window stands over another");
                }
                used.extend(of);
                Ok(Some(window))
            }
            _ => Ok(None),
        })?;
        used.sort_unstable();
        used.dedup();
        Ok((copied, used))
    }

    fn items(&self, select: &Value, plan: &Plan) -> Result<Vec<Item>, Stop> {
        let mut items: Vec<Item> = Vec::new();
        let mut add = |item: Item| {
            let name = item.name.to_ascii_lowercase();
            if items
                .iter()
                .any(|known| known.name.to_ascii_lowercase() == name)
            {
                return untraceable(format!("two columns are called {}", item.name));
            }
            items.push(item);
            Ok(())
        };
        for (position, item) in list(select, "select_list").iter().enumerate() {
            if text(item, "class") == "STAR" {
                for one in self.star(item)? {
                    add(one)?;
                }
                continue;
            }
            let (value, aggregates) = self.copy(item, &[])?;
            let across = holds_window(&value);
            let role = match columns::role(&value, &aggregates, plan.keys.len(), &plan.aggregates) {
                Role::Label if across => Role::Measure(Kind::Share),
                role => role,
            };
            add(Item {
                name: item_name(item, position),
                role,
                value,
                aggregates,
                across,
            })?;
        }
        Ok(items)
    }

    fn star(&self, item: &Value) -> Result<Vec<Item>, Stop> {
        refuse_used(
            item,
            &[
                "replace_list",
                "columns",
                "expr",
                "qualified_exclude_list",
                "rename_list",
            ],
            "*",
        )?;
        let relation = text(item, "relation_name").to_ascii_lowercase();
        if !relation.is_empty() && relation != self.table {
            return untraceable(format!("{relation}.* names no table in from"));
        }
        let left_out: Vec<String> = list(item, "exclude_list")
            .iter()
            .filter_map(Value::as_str)
            .map(str::to_ascii_lowercase)
            .collect();
        let kept = self.inner.iter();
        let kept = kept.filter(|item| !left_out.contains(&item.name.to_ascii_lowercase()));
        Ok(kept.cloned().collect())
    }

    fn orders(&self, select: &Value, items: &[Item], plan: &Plan) -> Result<Vec<Order>, Stop> {
        let mut orders = Vec::new();
        for modifier in list(select, "modifiers") {
            match text(modifier, "type") {
                "ORDER_MODIFIER" => {}
                "LIMIT_MODIFIER" => continue,
                _ => return untraceable("distinct around a table of groups cannot be traced"),
            }
            for order in list(modifier, "orders") {
                let Some(expression) = order.get("expression") else {
                    return untraceable("the order is incomplete");
                };
                for value in self.order(expression, items)? {
                    orders.push(Order {
                        value,
                        direction: order.get("type").cloned().unwrap_or(Value::Null),
                        nulls: order.get("null_order").cloned().unwrap_or(Value::Null),
                    });
                }
            }
        }
        if orders.is_empty() {
            orders.clone_from(&plan.orders);
        }
        Ok(orders)
    }

    fn order(&self, expression: &Value, items: &[Item]) -> Result<Vec<Value>, Stop> {
        if text(expression, "class") == "STAR" {
            return Ok(items.iter().map(|item| item.value.clone()).collect());
        }
        if text(expression, "class") == "CONSTANT" {
            let place = node::integer(expression).and_then(|n| usize::try_from(n).ok());
            let item = place.and_then(|place| items.get(place.checked_sub(1)?));
            return match item {
                Some(item) => Ok(vec![item.value.clone()]),
                None => untraceable("the order is by a constant that is no position of a column"),
            };
        }
        let names = list(expression, "column_names");
        if let ("COLUMN_REF", [name]) = (text(expression, "class"), names) {
            let name = name.as_str().unwrap_or("").to_ascii_lowercase();
            let is = |item: &&Item| item.name.to_ascii_lowercase() == name;
            if let Some(item) = items.iter().find(is) {
                return Ok(vec![item.value.clone()]);
            }
        }
        let (value, used) = self.copy(expression, items)?;
        let judged = |index: &usize| items.iter().any(|item| item.aggregates.contains(index));
        if !used.iter().all(judged) {
            return untraceable("the order shows a number that is not in the table");
        }
        Ok(vec![value])
    }
}

/// Whether a window holds another.
fn holds_nested(window: &Value) -> bool {
    let parts = ["children", "partitions", "orders"].map(|field| window.get(field));
    parts.into_iter().flatten().any(holds_window)
}
