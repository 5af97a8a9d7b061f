//! A select around a table of groups: it picks, renames, orders and computes, and reads no row of its own.

use disclosure::{Kind, Role, Shown, Union};
use serde_json::{Value, json};

use super::columns::{self, item_name, limit};
use super::expr;
use super::group;
use super::inside::{self, Inside, Relation};
use super::keys::holds_window;
use super::node::{self, child, list, refuse_used, text};
use super::plan::{GROUPED, Item, Lookup, Order, Plan};
use super::subquery::{Env, Reader};
use super::{Stop, regroup, scalar, union, untraceable, windows};

/// The deepest nesting of selects around a table.
const DEPTH_MAX: usize = 16;

/// A statement, read.
pub(super) enum Read {
    /// It lists rows.
    Rows,
    /// A table of groups.
    Table(Box<Plan>),
    /// Tables one under the other: the first, the others, and how their rows are put together.
    Union(Box<Plan>, Vec<Plan>, Union),
}

/// Reads a statement.
pub(super) fn read(reader: &mut Reader<'_>, select: &Value, env: &Env) -> Result<Read, Stop> {
    if text(select, "type") == "SET_OPERATION_NODE" {
        return union::read(reader, select, env);
    }
    if let Some(read) = union::read_around(reader, select, env)? {
        return Ok(read);
    }
    Ok(match nested(reader, select, env, 0)? {
        Some(plan) => Read::Table(Box::new(plan)),
        None => Read::Rows,
    })
}

/// Reads a select into a plan; `None` if it lists rows.
pub(super) fn nested(
    reader: &mut Reader<'_>,
    select: &Value,
    env: &Env,
    depth: usize,
) -> Result<Option<Plan>, Stop> {
    if depth > DEPTH_MAX {
        return untraceable("the statement is nested too deeply");
    }
    if text(select, "type") != "SELECT_NODE" {
        if union::holds_groups(select) {
            return untraceable("a select around a union of tables of groups cannot be traced");
        }
        return Ok(None);
    }
    let inner_env = reader.with(select, env)?;
    let is_grouped = group::is_grouped(select);
    if let Some(inside) = inside::read(reader, select, &inner_env, depth)? {
        let over = scalar::Over::Groups;
        let (select, lookups) = scalar::replaced(reader, select, &inner_env, depth, over)?;
        let name = format!("t{}", reader.catalog.next()?);
        let mut plan = match is_grouped {
            true => regroup::read(inside, &select, name, lookups)?,
            false => around(inside, &select, lookups)?,
        };
        plan.settle_lookups();
        return Ok(Some(plan));
    }
    let is_distinct = group::is_distinct(select);
    if !is_grouped && !is_distinct {
        return scalar::alone(reader, select, &inner_env, depth);
    }
    let own = is_distinct.then(|| grouped(select));
    let select = own.as_ref().unwrap_or(select);
    let over = scalar::Over::Rows;
    let (select, lookups) = scalar::replaced(reader, select, &inner_env, depth, over)?;
    let mut plan = group::read(reader, &select, env, lookups)?;
    plan.settle_lookups();
    Ok(Some(plan))
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

/// The plan of a select around the tables of others.
pub(super) fn around(inside: Inside, select: &Value, lookups: Vec<Lookup>) -> Result<Plan, Stop> {
    let Inside {
        mut plan,
        relations,
        merged,
    } = inside;
    refuse_used(
        select,
        &["sample", "having", "group_expressions"],
        "a select around a table",
    )?;
    if plan.limit.is_some() || plan.offset > 0 || plan.qualify.is_some() {
        return untraceable("a limit inside a subquery picks rows that cannot be traced");
    }
    plan.lookups.extend(lookups);
    let had = plan.having.clone();
    let mut outer = Outer {
        having: plan.kept(),
        relations,
        merged,
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
        let kept = having.iter().map(|(condition, _)| condition.clone());
        outer.having = node::all(plan.matched.iter().cloned().chain(kept).collect());
    }
    // Windows of the inner table see the groups before the outer condition.
    if outer.items_inside().any(|item| item.across) && child(select, "where_clause").is_some() {
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

/// What names mean in a select around tables of groups.
pub(super) struct Outer {
    pub(super) relations: Vec<Relation>,
    /// Columns of several of these that `using` made one, in lower case.
    pub(super) merged: Vec<String>,
    /// Which groups are left for windows.
    pub(super) having: Option<Value>,
}

impl Outer {
    fn items_inside(&self) -> impl Iterator<Item = &Item> {
        self.relations.iter().flat_map(|relation| &relation.items)
    }

    /// The inner column that a reference names.
    fn column(&self, reference: &Value, outputs: &[Item]) -> Result<Item, Stop> {
        let Some((table, name)) = node::named(reference) else {
            let shown = node::shown(reference);
            return untraceable(format!("{shown} is no column of the subquery"));
        };
        let is = |item: &&Item| item.name.to_ascii_lowercase() == name;
        let of_table = |one: &&Relation| table.as_ref().is_none_or(|table| *table == one.name);
        let relations = self.relations.iter().filter(of_table);
        let found = relations.flat_map(|relation| relation.items.iter().filter(is));
        let found: Vec<&Item> = found.collect();
        if found.len() > 1 && !self.merged.contains(&name) {
            return untraceable(format!(
                "{name} is a column of several tables; name the table too"
            ));
        }
        // Of a column that `using` made one, the side is meant that is always there.
        let is_key =
            |item: &&&Item| node::reference(&item.value).is_some_and(|one| one.0 == GROUPED);
        let first = found.iter().find(is_key).or_else(|| found.first()).copied();
        let first = first.or_else(|| outputs.iter().find(is).filter(|_| table.is_none()));
        match first {
            Some(item) => Ok(item.clone()),
            None => untraceable(format!("{name} is no column of the subquery")),
        }
    }

    pub(super) fn copy(
        &self,
        expression: &Value,
        outputs: &[Item],
    ) -> Result<(Value, Vec<usize>), Stop> {
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
                if self.items_inside().any(|item| item.across) && holds_nested(&window) {
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
        refuse_used(item, &node::STAR_PARTS, "*")?;
        let table = text(item, "relation_name").to_ascii_lowercase();
        let is_meant = |one: &&Relation| table.is_empty() || table == one.name;
        let relations: Vec<&Relation> = self.relations.iter().filter(is_meant).collect();
        if relations.is_empty() {
            return untraceable(format!("{table}.* names no table in from"));
        }
        let left_out: Vec<String> = list(item, "exclude_list")
            .iter()
            .filter_map(Value::as_str)
            .map(str::to_ascii_lowercase)
            .collect();
        let mut seen: Vec<String> = Vec::new();
        let mut kept = Vec::new();
        for item in relations.into_iter().flat_map(|relation| &relation.items) {
            let name = item.name.to_ascii_lowercase();
            let again = table.is_empty() && self.merged.contains(&name) && seen.contains(&name);
            if !again && !left_out.contains(&name) {
                kept.push(item.clone());
            }
            seen.push(name);
        }
        Ok(kept)
    }

    pub(super) fn orders(
        &self,
        select: &Value,
        items: &[Item],
        plan: &Plan,
    ) -> Result<Vec<Order>, Stop> {
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
