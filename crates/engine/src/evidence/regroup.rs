//! A table of groups that is grouped again: the mean of the counts of regions, say.
//!
//! Its numbers are computed from those of the inner table alone, so they show nothing that this does not: the inner
//! table is judged. Beside it each cell has the people of all groups that it is computed from.

use disclosure::Kind;
use serde_json::{Value, json};

use super::columns::{item_name, limit, role};
use super::expr::{self, no_order, own_name};
use super::inside::Inside;
use super::keys::holds_window;
use super::measure;
use super::node::{self, child, integer, list, reference, refuse_used, text, unused};
use super::plan::{Aggregate, GROUPED, Item, Lookup, Plan, WHOLE_GROUP, Whose};
use super::query::from_groups;
use super::wrap::Outer;
use super::{Stop, untraceable};

/// Reads a select that groups the tables inside it. `name` is the inner table's.
pub(super) fn read(
    inside: Inside,
    select: &Value,
    name: String,
    lookups: Vec<Lookup>,
) -> Result<Plan, Stop> {
    let (inner, outer) = inner(inside, select)?;
    let again = Again { outer: &outer };
    let keys = again.keys(select)?;
    let (items, values) = again.items(select, &keys, &name)?;
    let page = limit(select)?;
    let of_rows = keys.iter().map(|key| over_rows(key, &inner)).collect();
    let named = super::columns::named(of_rows, &items);
    let sets = vec![(0..keys.len()).collect()];
    let (from, condition) = (inner.from.clone(), inner.condition.clone());
    let mut plan = Plan {
        two_people: inner.two_people.clone(),
        sources: inner.sources,
        aggregates: vec![everybody()],
        items,
        lookups,
        offset: page.0,
        limit: page.1,
        ..Plan::over(from, condition, inner.unit.clone(), named, sets)
    };
    let shown = Outer {
        relations: vec![super::inside::Relation {
            name: String::new(),
            items: plan.items.clone(),
        }],
        merged: Vec::new(),
        having: None,
    };
    plan.orders = shown.orders(select, &plan.items, &plan)?;
    plan.lookups.push(Lookup {
        select: Some(table(&inner, &keys, values)),
        on: (0..keys.len()).map(|key| same_key(key, &name)).collect(),
        of: Whose::Counted(Box::new(inner)),
        name,
    });
    plan.settle(None, None);
    Ok(plan)
}

/// The inner table with the condition that stands around it, and what its names mean.
fn inner(inside: Inside, select: &Value) -> Result<(Plan, Outer), Stop> {
    refuse_used(
        select,
        &["sample", "qualify", "having"],
        "a table that is grouped again",
    )?;
    let mut inner = inside.plan;
    let outer = Outer {
        relations: inside.relations,
        merged: inside.merged,
        having: inner.kept(),
    };
    let chosen = inner.limit.is_some() || inner.offset > 0 || inner.qualify.is_some();
    if chosen || inner.kept().is_some() {
        return untraceable("a table that leaves groups out is grouped again");
    }
    if inner.sets.len() > 1 {
        return untraceable("a table with totals is grouped again");
    }
    if let Some(condition) = child(select, "where_clause") {
        let (kept, used) = outer.copy(condition, &[])?;
        if !used.is_empty() || inner.looks_up(&kept) || holds_window(&kept) {
            return untraceable(
                "a condition on numbers of groups stands before they are grouped again",
            );
        }
        let kept = over_rows(&kept, &inner);
        inner.condition = node::all(inner.condition.into_iter().chain([kept]).collect());
    }
    Ok((inner, outer))
}

/// The people behind a group, of which no number is shown.
fn everybody() -> Aggregate {
    Aggregate {
        call: node::call("count_star", vec![], None),
        kind: Kind::Share,
        behind: vec![WHOLE_GROUP],
        counts: Vec::new(),
        value: None,
        quantile: None,
    }
}

fn same_key(key: usize, name: &str) -> Value {
    let key = format!("k{key}");
    let (own, other) = (node::column(GROUPED, &key), node::column(name, &key));
    node::compare("COMPARE_NOT_DISTINCT_FROM", own, other)
}

/// An expression over the keys of groups as one over rows.
fn over_rows(node: &Value, plan: &Plan) -> Value {
    node::replaced(node, &mut |one| {
        let (GROUPED, name) = reference(one)? else {
            return None;
        };
        let number: usize = name.strip_prefix('k')?.parse().ok()?;
        plan.keys.get(number).map(|(_, key)| key.clone())
    })
}

/// The inner table grouped again: keys `k0`…, values `i0`…
fn table(inner: &Plan, keys: &[Value], values: Vec<Value>) -> Value {
    let named = |(number, key): (usize, &Value)| node::alias(key.clone(), &format!("k{number}"));
    let mut list: Vec<Value> = keys.iter().enumerate().map(named).collect();
    let values = values.into_iter().enumerate();
    list.extend(values.map(|(number, value)| node::alias(value, &format!("i{number}"))));
    let mut grouped = node::select(list, from_groups(inner), None, None, keys.len());
    if !keys.is_empty() {
        let set: Vec<usize> = (0..keys.len()).collect();
        node::set(&mut grouped, "group_sets", json!([set]));
    }
    grouped
}

struct Again<'a> {
    outer: &'a Outer,
}

impl Again<'_> {
    /// The keys over the inner groups.
    fn keys(&self, select: &Value) -> Result<Vec<Value>, Stop> {
        let items = list(select, "select_list");
        let plain = |item: &&Value| !measure::holds_aggregate(item);
        let expressions: Vec<&Value> = match text(select, "aggregate_handling") {
            "STANDARD_HANDLING" => list(select, "group_expressions").iter().collect(),
            "FORCE_AGGREGATES" if list(select, "group_expressions").is_empty() => {
                items.iter().filter(plain).collect()
            }
            _ => return untraceable("this way of grouping cannot be traced"),
        };
        if list(select, "group_sets").len() > 1 {
            return untraceable("a table of groups is grouped again in several ways");
        }
        let mut keys = Vec::new();
        for expression in expressions {
            let named = |item: &&Value| {
                let name = super::columns::name_of(expression);
                let is_bare = list(expression, "column_names").len() == 1;
                is_bare && text(item, "alias").eq_ignore_ascii_case(&name)
            };
            let place = integer(expression).and_then(|n| usize::try_from(n).ok()?.checked_sub(1));
            let meant = match (text(expression, "class"), place) {
                ("CONSTANT", Some(place)) => items.get(place),
                ("CONSTANT", None) => None,
                _ if self.outer.copy(expression, &[]).is_ok() => Some(expression),
                _ => items.iter().find(named),
            };
            let Some(meant) = meant else {
                return untraceable("a group key is no column of the subquery");
            };
            let (key, used) = self.outer.copy(meant, &[])?;
            let mut tables = node::tables_of(&key);
            if !used.is_empty() || tables.any(|table| table != GROUPED) || holds_window(&key) {
                return untraceable("a table of groups is grouped again by one of its numbers");
            }
            drop(tables);
            if !keys.contains(&key) {
                keys.push(key);
            }
        }
        Ok(keys)
    }

    /// The columns, and what is computed from the inner groups.
    fn items(
        &self,
        select: &Value,
        keys: &[Value],
        name: &str,
    ) -> Result<(Vec<Item>, Vec<Value>), Stop> {
        let (mut items, mut values): (Vec<Item>, Vec<Value>) = (Vec::new(), Vec::new());
        for (position, item) in list(select, "select_list").iter().enumerate() {
            let mut is_measure = false;
            let value = expr::copy(item, &mut |part| {
                if text(part, "class") == node::GENERATED {
                    return Ok(None);
                }
                let called = text(part, "function_name").to_ascii_lowercase();
                if text(part, "class") == "FUNCTION" && measure::is_aggregate(&called) {
                    is_measure = true;
                    let call = self.aggregate(part)?;
                    let known = values.iter().position(|one| *one == call);
                    let place = known.unwrap_or_else(|| {
                        values.push(call);
                        values.len() - 1
                    });
                    return Ok(Some(node::column(name, &format!("i{place}"))));
                }
                let copied = self.outer.copy(part, &[]);
                let key = copied
                    .ok()
                    .and_then(|(copied, _)| keys.iter().position(|key| *key == copied));
                match (key, text(part, "class")) {
                    (Some(key), _) => Ok(Some(node::column(GROUPED, &format!("k{key}")))),
                    (None, "COLUMN_REF") => untraceable(format!(
                        "{} is neither grouped nor aggregated",
                        super::columns::name_of(part)
                    )),
                    _ => Ok(None),
                }
            })?;
            let aggregates = if is_measure { vec![0] } else { Vec::new() };
            let named = item_name(item, position);
            if items
                .iter()
                .any(|one| one.name.eq_ignore_ascii_case(&named))
            {
                return untraceable(format!("two columns are called {named}"));
            }
            items.push(Item {
                name: named,
                role: role(&value, &aggregates, keys.len(), &[everybody()]),
                value,
                aggregates,
                across: is_measure,
            });
        }
        Ok((items, values))
    }

    /// An aggregate of the inner groups.
    fn aggregate(&self, part: &Value) -> Result<Value, Stop> {
        let name = own_name(part)?;
        if !measure::names().any(|known| known == name) {
            return untraceable(format!("{name} over groups cannot be traced"));
        }
        no_order(part, &name)?;
        refuse_used(part, &["export_state"], &name)?;
        let over = |node: &Value| {
            let (copied, _) = self.outer.copy(node, &[])?;
            match holds_window(&copied) {
                true => untraceable("a window over groups stands inside an aggregate"),
                false => Ok(copied),
            }
        };
        let filter = child(part, "filter").map(over).transpose()?;
        let arguments = list(part, "children").iter().map(over);
        let call = node::call(&name, arguments.collect::<Result<_, _>>()?, filter);
        Ok(match unused(part, "distinct") {
            true => call,
            false => node::distinct(call),
        })
    }
}
