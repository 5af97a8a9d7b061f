//! Reading the outermost select of a grouped statement.

use disclosure::{Kind, Role, Shown};
use serde_json::Value;

use super::expr;
use super::items::{condition_of, row};
use super::measure::{self, Conditions};
use super::node::{self, child, integer, list, refuse_used, text, unused};
use super::plan::{Aggregate, GROUPED, Item, Order, Plan};
use super::scope::Scope;
use super::shown::{self, counts};
use super::subquery::Reader;
use super::{Stop, untraceable};

/// The most columns of a result.
const COLUMNS_MAX: usize = 64;

/// Whether a select groups rows.
pub(super) fn is_grouped(select: &Value) -> bool {
    text(select, "type") == "SELECT_NODE"
        && (!list(select, "group_expressions").is_empty()
            || !list(select, "group_sets").is_empty()
            || text(select, "aggregate_handling") != "STANDARD_HANDLING"
            || select
                .get("select_list")
                .is_some_and(measure::holds_aggregate)
            || child(select, "having").is_some())
}

/// Reads a grouped select into a plan.
pub(super) fn read(reader: &mut Reader<'_>, select: &Value) -> Result<Plan, Stop> {
    refuse_used(select, &["sample", "qualify"], "a grouped select")?;
    let env = reader.with(select, &Vec::new())?;
    let Some(from) = child(select, "from_table") else {
        return untraceable("the statement reads no table");
    };
    let condition = child(select, "where_clause");
    let scope = reader.from(from, condition, &env)?;
    let Some(unit) = scope.unit.clone() else {
        return untraceable(format!(
            "no table in from has the column {}",
            reader.catalog.unit
        ));
    };
    let condition = condition.map(|c| condition_of(c, &scope)).transpose()?;
    let list = list(select, "select_list");
    if list.len() > COLUMNS_MAX {
        return untraceable(format!("the statement has more than {COLUMNS_MAX} columns"));
    }
    let mut grouping = Grouping {
        keys: keys(select, list, &scope)?,
        scope: &scope,
        aggregates: Vec::new(),
        conditions: Conditions(vec![None]),
    };
    let items = grouping.items(list)?;
    let judged = grouping.aggregates.len();
    let having = grouping.having(select, &items)?;
    let orders = grouping.orders(select, &items, judged)?;
    let (offset, limit) = limit(select)?;
    let mut counts = counts(&items, &grouping.aggregates);
    let shown = match (&having, limit, offset) {
        (Some((condition, used)), _, _) => {
            let aggregates = &grouping.aggregates;
            counts.extend(shown::whole_counts(used, aggregates, &counts));
            shown::condition(condition, used, aggregates, &counts)
        }
        (None, None, 0) => Shown::All,
        (None, _, _) => Shown::First,
    };
    let Grouping {
        keys,
        aggregates,
        conditions,
        ..
    } = grouping;
    let keys = named(keys, &items);
    Ok(Plan {
        from: scope.from,
        condition,
        unit,
        two_people: scope.two_people,
        keys,
        aggregates,
        conditions: conditions.0,
        items,
        having: having.map(|(condition, _)| condition),
        shown,
        orders,
        offset,
        limit,
        counts,
    })
}

/// The group keys over one row, each once.
fn keys(select: &Value, items: &[Value], scope: &Scope) -> Result<Vec<Value>, Stop> {
    let expressions = list(select, "group_expressions");
    let mut keys: Vec<Value> = Vec::new();
    let mut add = |key: Value| {
        if !keys.contains(&key) {
            keys.push(key);
        }
    };
    match text(select, "aggregate_handling") {
        "STANDARD_HANDLING" => {}
        // group by all
        "FORCE_AGGREGATES" if expressions.is_empty() => {
            for item in items.iter().filter(|item| !measure::holds_aggregate(item)) {
                add(row(item, scope)?);
            }
            return Ok(keys);
        }
        _ => return untraceable("this way of grouping cannot be traced"),
    }
    let plain = match list(select, "group_sets") {
        [] => expressions.is_empty(),
        [set] => set
            .as_array()
            .is_some_and(|set| set.len() == expressions.len()),
        _ => false,
    };
    if !plain {
        return untraceable(
            "rollup, cube and grouping sets show margins, which this build does not trace",
        );
    }
    for expression in expressions {
        add(key(expression, items, scope)?);
    }
    Ok(keys)
}

/// One group expression: a position, a column, an output's name or any expression.
fn key(expression: &Value, items: &[Value], scope: &Scope) -> Result<Value, Stop> {
    if text(expression, "class") == "CONSTANT" {
        let item = integer(expression)
            .and_then(|position| usize::try_from(position).ok())
            .and_then(|position| items.get(position.checked_sub(1)?));
        return match item {
            Some(item) => row(item, scope),
            None => untraceable("a group key is a constant and no position of a column"),
        };
    }
    let output = output_named(expression, items)?;
    match (row(expression, scope), output) {
        (Ok(column), None) => Ok(column),
        (Err(_), Some(item)) => row(item, scope),
        (Err(stop), None) => Err(stop),
        (Ok(column), Some(item)) if row(item, scope).is_ok_and(|value| value == column) => {
            Ok(column)
        }
        (Ok(_), Some(_)) => untraceable(format!(
            "{} in group by names both a column and an output; group by its position or rename it",
            name_of(expression)
        )),
    }
}

/// The select item whose alias a bare name is.
fn output_named<'a>(reference: &Value, items: &'a [Value]) -> Result<Option<&'a Value>, Stop> {
    let names = list(reference, "column_names");
    if text(reference, "class") != "COLUMN_REF" || names.len() != 1 {
        return Ok(None);
    }
    let name = name_of(reference);
    let mut named = items
        .iter()
        .filter(|item| text(item, "alias").to_ascii_lowercase() == name);
    let found = named.next();
    if named.next().is_some() {
        return untraceable(format!("two columns are called {name}"));
    }
    Ok(found)
}

fn name_of(reference: &Value) -> String {
    let names = list(reference, "column_names");
    names
        .last()
        .and_then(Value::as_str)
        .unwrap_or("")
        .to_ascii_lowercase()
}

struct Grouping<'a> {
    keys: Vec<Value>,
    scope: &'a Scope,
    aggregates: Vec<Aggregate>,
    conditions: Conditions,
}

impl Grouping<'_> {
    /// Copies an expression over groups: keys become `g.k0`, aggregates `g.a0`. `outputs`
    /// are names that may be used besides columns.
    fn over_groups(
        &mut self,
        expression: &Value,
        outputs: &[Item],
    ) -> Result<(Value, Vec<usize>), Stop> {
        let mut used = Vec::new();
        let copied = expr::copy(expression, &mut |part| {
            if let Ok(over_row) = row(part, self.scope)
                && let Some(index) = self.keys.iter().position(|key| *key == over_row)
            {
                return Ok(Some(node::column(GROUPED, &format!("k{index}"))));
            }
            if let Some(found) = measure::read(part, self.scope, &mut self.conditions)? {
                let index = self.aggregate(found);
                used.push(index);
                return Ok(Some(node::column(GROUPED, &format!("a{index}"))));
            }
            if text(part, "class") == "COLUMN_REF" {
                return self.output(part, outputs, &mut used).map(Some);
            }
            Ok(None)
        })?;
        used.sort_unstable();
        used.dedup();
        Ok((copied, used))
    }

    fn aggregate(&mut self, found: Aggregate) -> usize {
        match self
            .aggregates
            .iter()
            .position(|known| known.call == found.call)
        {
            Some(index) => index,
            None => {
                self.aggregates.push(found);
                self.aggregates.len() - 1
            }
        }
    }

    /// A name that is no group key: perhaps an output's.
    fn output(&self, part: &Value, outputs: &[Item], used: &mut Vec<usize>) -> Result<Value, Stop> {
        let name = name_of(part);
        let is_column = row(part, self.scope).is_ok();
        let mut named = outputs
            .iter()
            .filter(|item| item.name.to_ascii_lowercase() == name);
        match (named.next(), list(part, "column_names").len(), is_column) {
            (Some(item), 1, false) => {
                used.extend(&item.aggregates);
                Ok(item.value.clone())
            }
            (Some(_), 1, true) => untraceable(format!("{name} names both a column and an output")),
            _ if is_column => untraceable(format!("{name} is neither grouped nor aggregated")),
            _ => untraceable(format!("{name} is no column of the tables in from")),
        }
    }

    fn items(&mut self, list: &[Value]) -> Result<Vec<Item>, Stop> {
        let mut items: Vec<Item> = Vec::new();
        for (position, item) in list.iter().enumerate() {
            let (value, aggregates) = self.over_groups(item, &[])?;
            let role = self.role(&value, &aggregates);
            let name = item_name(item, position);
            if items
                .iter()
                .any(|known| known.name.eq_ignore_ascii_case(&name))
            {
                return untraceable(format!("two columns are called {name}"));
            }
            items.push(Item {
                name,
                role,
                value,
                aggregates,
            });
        }
        Ok(items)
    }

    fn role(&self, value: &Value, aggregates: &[usize]) -> Role {
        if aggregates.is_empty() {
            let key = (0..self.keys.len())
                .find(|index| *value == node::column(GROUPED, &format!("k{index}")));
            return match key.and_then(|index| u16::try_from(index).ok()) {
                Some(index) => Role::Key(index),
                None => Role::Label,
            };
        }
        let used: Vec<(usize, Kind)> = aggregates
            .iter()
            .filter_map(|index| self.aggregates.get(*index).map(|a| (*index, a.kind)))
            .collect();
        let worst = used
            .iter()
            .map(|(_, kind)| *kind)
            .max()
            .unwrap_or(Kind::Mode);
        let alone = used
            .iter()
            .any(|(index, _)| *value == node::column(GROUPED, &format!("a{index}")));
        Role::Measure(match worst {
            // Something computed from counts.
            Kind::Count if !alone => Kind::Share,
            other => other,
        })
    }

    /// The condition on groups, and the aggregates in it.
    fn having(
        &mut self,
        select: &Value,
        items: &[Item],
    ) -> Result<Option<(Value, Vec<usize>)>, Stop> {
        child(select, "having")
            .map(|condition| self.over_groups(condition, items))
            .transpose()
    }

    /// `judged` is how many of the aggregates are in the table: the people behind no other are judged,
    /// so an order by another would show something of it.
    fn orders(
        &mut self,
        select: &Value,
        items: &[Item],
        judged: usize,
    ) -> Result<Vec<Order>, Stop> {
        let mut orders = Vec::new();
        for modifier in list(select, "modifiers") {
            match text(modifier, "type") {
                "ORDER_MODIFIER" => {}
                "LIMIT_MODIFIER" => continue,
                _ => {
                    return untraceable(
                        "distinct and a limit in per cent cannot be traced on a grouped statement",
                    );
                }
            }
            for order in list(modifier, "orders") {
                let Some(expression) = order.get("expression") else {
                    return untraceable("the order is incomplete");
                };
                let mut add = |value: Value| {
                    orders.push(Order {
                        value,
                        direction: order.get("type").cloned().unwrap_or(Value::Null),
                        nulls: order.get("null_order").cloned().unwrap_or(Value::Null),
                    });
                };
                if text(expression, "class") == "STAR" && !unused(expression, "columns") {
                    items.iter().for_each(|item| add(item.value.clone()));
                } else {
                    add(self.order(expression, items, judged)?);
                }
            }
        }
        Ok(orders)
    }

    fn order(&mut self, expression: &Value, items: &[Item], judged: usize) -> Result<Value, Stop> {
        if text(expression, "class") == "CONSTANT" {
            let item = integer(expression)
                .and_then(|position| usize::try_from(position).ok())
                .and_then(|position| items.get(position.checked_sub(1)?));
            return match item {
                Some(item) => Ok(item.value.clone()),
                None => untraceable("the order is by a constant that is no position of a column"),
            };
        }
        // Here an output's name goes before a column's, as in the engine.
        let bare = text(expression, "class") == "COLUMN_REF"
            && list(expression, "column_names").len() == 1;
        let name = name_of(expression);
        match items
            .iter()
            .find(|item| bare && item.name.to_ascii_lowercase() == name)
        {
            Some(item) => Ok(item.value.clone()),
            None => {
                let (value, used) = self.over_groups(expression, items)?;
                if used.iter().any(|index| *index >= judged) {
                    return untraceable("the order shows a number that is not in the table");
                }
                Ok(value)
            }
        }
    }
}

/// The name of a result column: its alias, its column's name, or the first word and place.
fn item_name(item: &Value, position: usize) -> String {
    let alias = text(item, "alias");
    if !alias.is_empty() {
        return alias.to_owned();
    }
    match text(item, "class") {
        "COLUMN_REF" => {
            let names = list(item, "column_names");
            names
                .last()
                .and_then(Value::as_str)
                .unwrap_or("")
                .to_owned()
        }
        "FUNCTION" if unused(item, "filter") && text(item, "function_name") == "count_star" => {
            "count_star()".to_owned()
        }
        "FUNCTION" => format!("{}_{}", text(item, "function_name"), position + 1),
        class => format!("{}_{}", class.to_ascii_lowercase(), position + 1),
    }
}

/// Names for the keys: that of the column which shows the key, else its place.
fn named(keys: Vec<Value>, items: &[Item]) -> Vec<(String, Value)> {
    keys.into_iter()
        .enumerate()
        .map(|(index, key)| {
            let shown = items
                .iter()
                .find(|item| matches!(item.role, Role::Key(k) if usize::from(k) == index));
            let name = match (shown, text(&key, "class")) {
                (Some(item), _) => item.name.clone(),
                (None, "COLUMN_REF") => format!("{} (not shown)", name_of(&key)),
                (None, _) => format!("key {} (not shown)", index + 1),
            };
            (name, key)
        })
        .collect()
}

/// Limit and offset of the outermost select.
fn limit(select: &Value) -> Result<(usize, Option<usize>), Stop> {
    let mut found = (0, None);
    for modifier in list(select, "modifiers") {
        if text(modifier, "type") != "LIMIT_MODIFIER" {
            continue;
        }
        let number = |field: &str| match child(modifier, field) {
            None => Ok(None),
            Some(constant) => match integer(constant).and_then(|n| usize::try_from(n).ok()) {
                Some(number) => Ok(Some(number)),
                None => untraceable(format!("the {field} is no whole number")),
            },
        };
        found = (number("offset")?.unwrap_or(0), number("limit")?);
    }
    Ok(found)
}
