//! Reading the outermost select of a grouped statement.

use disclosure::{CountLevel, Kind, OF_VALUES, Role, Shown, Whole};
use serde_json::Value;

use super::columns::{item_name, limit, name_of, named, role};
use super::expr;
use super::items::{Unfolded, row};
use super::keys::{holds_window, keys};
use super::measure::{self, Conditions, Values};
use super::node::{self, child, integer, list, refuse_used, text, unused};
use super::plan::{Aggregate, GROUPED, Item, Lookup, Order, Part, Plan};
use super::scope::Scope;
use super::shown::{self, counts};
use super::subquery::{Env, Reader};
use super::{Stop, quantiles, untraceable, windows};

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

/// Whether a select is `select distinct` of columns: a table of keys.
pub(super) fn is_distinct(select: &Value) -> bool {
    text(select, "type") == "SELECT_NODE"
        && !is_grouped(select)
        && list(select, "modifiers").iter().any(|one| {
            text(one, "type") == "DISTINCT_MODIFIER" && list(one, "distinct_on_targets").is_empty()
        })
}

/// Reads a grouped select into a plan.
pub(super) fn read(
    reader: &mut Reader<'_>,
    select: &Value,
    env: &Env,
    lookups: Vec<Lookup>,
) -> Result<Plan, Stop> {
    refuse_used(select, &["sample"], "a grouped select")?;
    let env = reader.with(select, env)?;
    let Some(from) = child(select, "from_table") else {
        return untraceable("the statement reads no table");
    };
    let condition = child(select, "where_clause");
    let scope = reader.from(from, condition, &env)?;
    let Some(unit) = scope.unit.clone() else {
        let unit = &reader.catalog.unit;
        return untraceable(format!("no table in from has the column {unit}"));
    };
    let condition = condition
        .map(|c| reader.condition(c, &scope, &env))
        .transpose()?;
    let list = list(select, "select_list");
    if list.len() > COLUMNS_MAX {
        return untraceable(format!("the statement has more than {COLUMNS_MAX} columns"));
    }
    let (keys, sets) = keys(select, list, &scope)?;
    let mut grouping = Grouping {
        keys,
        sets: sets.len(),
        scope: &scope,
        aggregates: Vec::new(),
        conditions: Conditions(vec![None]),
        values: Values::default(),
        having: None,
        unfolded: Unfolded::default(),
    };
    let having = grouping.having(select)?;
    let items = grouping.items(list)?;
    let having = match having {
        Some(having) => Some(having),
        None => grouping.late_having(select, &items)?,
    };
    let judged = grouping.judged(&items);
    let qualify = grouping.qualify(select, &items)?;
    let orders = grouping.orders(select, &items, &judged)?;
    let page = limit(select)?;
    let Grouping {
        keys,
        aggregates,
        conditions,
        values,
        ..
    } = grouping;
    let keys = named(keys, &items);
    let mut plan = Plan {
        two_people: scope.two_people,
        values: values.0,
        aggregates,
        conditions: conditions.0,
        items,
        lookups,
        orders,
        offset: page.0,
        limit: page.1,
        ..Plan::over(scope.from, condition, unit, keys, sets)
    };
    plan.settle(having, qualify);
    Ok(plan)
}

impl Plan {
    /// What of the plan follows from its columns and conditions.
    pub(super) fn settle(
        &mut self,
        having: Option<(Value, Vec<usize>)>,
        qualify: Option<(Value, Vec<usize>)>,
    ) {
        let aggregates = &self.aggregates;
        let mut counts = counts(&self.items, aggregates);
        let used = having
            .iter()
            .chain(&qualify)
            .flat_map(|(_, used)| used.iter().copied());
        let used: Vec<usize> = used.collect();
        counts.extend(shown::whole_counts(&used, aggregates, &counts));
        let page = self.limit.is_some() || self.offset > 0;
        let conditions = having.iter().chain(&qualify);
        let foreign = conditions
            .map(|(condition, _)| condition)
            .any(|condition| self.looks_up(condition));
        self.shown = match (&having, &qualify) {
            _ if foreign => Shown::Unjudged,
            (Some((condition, used)), None) => {
                shown::condition(condition, used, aggregates, &counts)
            }
            (_, Some(_)) => shown::chosen(&used, aggregates, &counts, having.is_some()),
            (None, None) if self.matched.is_some() => Shown::Joined,
            (None, None) if page => Shown::First,
            (None, None) => Shown::All,
        };
        if self.sources > 1 {
            counts.extend(self.people_of_values());
        }
        self.counts = counts;
        self.parts = Plan::value_parts(&self.aggregates, &self.items);
        self.having = having.map(|(condition, _)| condition);
        self.qualify = qualify.map(|(condition, _)| condition);
    }
}

impl Plan {
    /// The people behind the numbers of values that are shown, as counts: of joined tables of different rows a reader
    /// can subtract these too, and only their people are known to be the same.
    fn people_of_values(&self) -> Vec<(String, Part)> {
        let mut found: Vec<(String, Part)> = Vec::new();
        for part in Self::value_parts(&self.aggregates, &self.items) {
            let is_new = found.iter().all(|(_, one)| one.condition != part.condition);
            if part.shown.is_some() && is_new {
                let people = Part {
                    condition: part.condition,
                    level: CountLevel::People,
                    whole: Whole::Part,
                    source: OF_VALUES,
                };
                found.push((format!("people of {}", part.label), people));
            }
        }
        found
    }
}

pub(super) struct Grouping<'a> {
    keys: Vec<Value>,
    /// How many grouping sets there are.
    sets: usize,
    scope: &'a Scope,
    aggregates: Vec<Aggregate>,
    conditions: Conditions,
    values: Values,
    /// The condition on groups. Windows see only the groups that satisfy it.
    having: Option<Value>,
    unfolded: Unfolded,
}

impl Grouping<'_> {
    /// A window over the groups.
    fn window(&mut self, part: &Value, outputs: &[Item]) -> Result<(Value, Vec<usize>), Stop> {
        let having = self.having.clone();
        windows::copy(part, having.as_ref(), &mut |inner| {
            self.over_groups(inner, outputs)
        })
    }

    /// Copies an expression over groups: keys become `g.k0`, aggregates `g.a0`. `outputs`
    /// are names that may be used besides columns: those of the columns before it, or of all in what follows them.
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
            if text(part, "type") == "GROUPING_FUNCTION" {
                return self.grouping(part).map(Some);
            }
            if text(part, "class") == "WINDOW" {
                let (window, of) = self.window(part, outputs)?;
                used.extend(of);
                return Ok(Some(window));
            }
            if let Some(calls) = quantiles::of_list(part)? {
                let mut columns = Vec::new();
                for call in &calls {
                    columns.extend(self.aggregated(call, &mut used)?);
                }
                return Ok(Some(quantiles::beside(columns)));
            }
            if let Some(column) = self.aggregated(part, &mut used)? {
                return Ok(Some(column));
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

    /// The column of an aggregate; `None` if the node is none.
    fn aggregated(&mut self, part: &Value, used: &mut Vec<usize>) -> Result<Option<Value>, Stop> {
        let (conditions, values) = (&mut self.conditions, &mut self.values);
        let Some(found) = measure::read(part, self.scope, conditions, values)? else {
            return Ok(None);
        };
        // By the median it is known who deviates from it less and more.
        if let Some(median) = quantiles::center(part)
            && let Some(median) = measure::read(&median, self.scope, conditions, values)?
        {
            self.aggregate(median);
        }
        let index = self.aggregate(found);
        used.push(index);
        Ok(Some(node::column(GROUPED, &format!("a{index}"))))
    }

    /// `grouping(a, b)`: which keys are totalled in a row, as a number of bits.
    fn grouping(&self, part: &Value) -> Result<Value, Stop> {
        let children = list(part, "children");
        let mut sum = node::number(0);
        for (place, child) in children.iter().enumerate() {
            let over_row = row(child, self.scope)?;
            let Some(index) = self.keys.iter().position(|key| *key == over_row) else {
                return untraceable("grouping() is about what is no group key");
            };
            let weight = 1_i64 << (children.len() - 1 - place).min(30);
            // With a single grouping set nothing is totalled.
            if self.sets > 1 {
                let term = vec![
                    node::column(GROUPED, &format!("s{index}")),
                    node::number(weight),
                ];
                sum = node::call("+", vec![sum, node::infix("*", term)], None);
            }
        }
        Ok(sum)
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
    fn output(
        &mut self,
        part: &Value,
        outputs: &[Item],
        used: &mut Vec<usize>,
    ) -> Result<Value, Stop> {
        let name = name_of(part);
        let is_column = row(part, self.scope).is_ok();
        let mut named = outputs
            .iter()
            .filter(|item| item.name.to_ascii_lowercase() == name);
        match (named.next(), list(part, "column_names").len(), is_column) {
            (Some(item), 1, false) => {
                used.extend(&item.aggregates);
                self.unfolded.use_again(&item.value)
            }
            (Some(_), 1, true) => untraceable(format!("{name} names both a column and an output")),
            _ if is_column => untraceable(format!("{name} is neither grouped nor aggregated")),
            _ => untraceable(format!("{name} is no column of the tables in from")),
        }
    }

    fn items(&mut self, list: &[Value]) -> Result<Vec<Item>, Stop> {
        let mut items: Vec<Item> = Vec::new();
        for (position, item) in list.iter().enumerate() {
            let (value, aggregates) = self.over_groups(item, &items)?;
            let across = holds_window(&value);
            let role = match role(&value, &aggregates, self.keys.len(), &self.aggregates) {
                // A number of the whole table: how many groups there are, say.
                Role::Label if across => Role::Measure(Kind::Share),
                role => role,
            };
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
                across,
            });
        }
        Ok(items)
    }

    /// The aggregates that are judged: those of the columns.
    fn judged(&self, items: &[Item]) -> Vec<usize> {
        let of_items = |index: &usize| items.iter().any(|item| item.aggregates.contains(index));
        (0..self.aggregates.len()).filter(of_items).collect()
    }

    /// The condition on groups, and the aggregates in it, where it uses no name of a column.
    fn having(&mut self, select: &Value) -> Result<Option<(Value, Vec<usize>)>, Stop> {
        let Some(condition) = child(select, "having") else {
            return Ok(None);
        };
        match self.over_groups(condition, &[]) {
            Ok((copied, used)) => {
                self.having = Some(copied.clone());
                Ok(Some((copied, used)))
            }
            // Perhaps it names a column, which is read later.
            Err(Stop::Untraceable(_)) => Ok(None),
            Err(failed) => Err(failed),
        }
    }

    /// The same where it does.
    fn late_having(
        &mut self,
        select: &Value,
        items: &[Item],
    ) -> Result<Option<(Value, Vec<usize>)>, Stop> {
        let Some(condition) = child(select, "having") else {
            return Ok(None);
        };
        if items.iter().any(|item| item.across) {
            return untraceable(
                "a window stands beside a condition on groups that names a column; write the number itself",
            );
        }
        self.over_groups(condition, items).map(Some)
    }

    /// The condition on the rows that are left.
    fn qualify(
        &mut self,
        select: &Value,
        items: &[Item],
    ) -> Result<Option<(Value, Vec<usize>)>, Stop> {
        child(select, "qualify")
            .map(|condition| self.over_groups(condition, items))
            .transpose()
    }

    /// `judged` are the aggregates that are in the table: the people behind no other are judged,
    /// so an order by another would show something of it.
    fn orders(
        &mut self,
        select: &Value,
        items: &[Item],
        judged: &[usize],
    ) -> Result<Vec<Order>, Stop> {
        let mut orders = Vec::new();
        for modifier in list(select, "modifiers") {
            match text(modifier, "type") {
                "ORDER_MODIFIER" => {}
                "LIMIT_MODIFIER" => continue,
                // Groups differ in their keys; where all of these are shown no two rows are alike.
                "DISTINCT_MODIFIER" if self.shows_its_keys(items) && self.sets == 1 => continue,
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

    fn shows_its_keys(&self, items: &[Item]) -> bool {
        (0..self.keys.len()).all(|key| {
            let shows = |item: &Item| matches!(item.role, Role::Key(k) if usize::from(k) == key);
            items.iter().any(shows)
        })
    }

    fn order(
        &mut self,
        expression: &Value,
        items: &[Item],
        judged: &[usize],
    ) -> Result<Value, Stop> {
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
                if used.iter().any(|index| !judged.contains(index)) {
                    return untraceable("the order shows a number that is not in the table");
                }
                Ok(value)
            }
        }
    }
}
