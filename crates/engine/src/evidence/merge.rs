//! Two tables of groups joined on all their keys, as one table.
//!
//! Where both read the same rows, each becomes a condition on these: what is counted in one and not in the other is
//! then a set like any other. Where they read different rows, these are stacked with the number of their table beside
//! them (its *source*), and every aggregate counts rows of its own: a person can be in several.

use disclosure::{Kind, Whole};
use serde_json::{Value, json};

use super::inside::{Inside, Join, Relation};
use super::measure::CONDITIONS_MAX;
use super::node::{self, reference};
use super::plan::{Aggregate, GROUPED, Part, Plan};
use super::same::{Renaming, renamed, same_rows};
use super::{Stop, untraceable};

/// Joins two tables whose keys are equated one to one: `pairs` are their numbers, left and right. `alias` names the
/// stacked rows; `using` are columns that the join makes one.
pub(super) fn merged(
    left: Inside,
    right: Inside,
    pairs: &[(usize, usize)],
    join: Join,
    (alias, using): (&str, &[String]),
) -> Result<Inside, Stop> {
    for plan in [&left.plan, &right.plan] {
        may_be_joined(plan, join)?;
    }
    let right = renumbered(right, pairs);
    let (mut left, mut right, mut plan) = match same_rows(&left.plan, &right.plan) {
        Some(renaming) => on_rows(left, right, &renaming),
        None => stacked(left, right, alias)?,
    };
    let left_there = left.add_to(&mut plan)?;
    let right_there = right.add_to(&mut plan)?;
    let keys = (0..plan.keys.len()).map(|i| node::column(GROUPED, &format!("k{i}")));
    // What is missing equals nothing.
    let equal: Vec<Value> = keys.map(node::present).collect();
    let matched = match join {
        Join::Inner => [left_there, right_there, equal].concat(),
        Join::Left => {
            right.may_miss(node::all([right_there, equal].concat()), &[]);
            left_there
        }
        Join::Full | Join::Right => {
            left.may_miss(node::all(left_there), using);
            right.may_miss(node::all(right_there), using);
            let missing =
                |(_, key): &(String, Value)| node::operator("OPERATOR_IS_NULL", vec![key.clone()]);
            plan.two_people.extend(plan.keys.iter().map(missing));
            Vec::new()
        }
    };
    plan.matched = node::all(matched);
    plan.having = node::all(left.having.into_iter().chain(right.having).collect());
    let mut relations = left.relations;
    relations.extend(right.relations);
    let items = relations.iter().flat_map(|one| &one.items);
    plan.items = items.cloned().collect();
    Ok(Inside {
        plan,
        relations,
        merged: Vec::new(),
    })
}

fn may_be_joined(plan: &Plan, join: Join) -> Result<(), Stop> {
    if plan.limit.is_some() || plan.offset > 0 || plan.qualify.is_some() {
        return untraceable("a limit inside a subquery picks rows that cannot be traced");
    }
    if plan.sets.len() > 1 {
        return untraceable("a table with totals is joined on all its keys");
    }
    if plan.items.iter().any(|item| item.across) {
        return untraceable("a table with windows over groups is joined on all its keys");
    }
    if plan.having.is_some() && join != Join::Inner {
        return untraceable("a condition on groups stands inside a join that keeps all groups");
    }
    Ok(())
}

/// Rewrites a column of the groups: its letter and number give its new number.
fn moved(node: &Value, to: &dyn Fn(char, usize) -> Option<usize>) -> Value {
    node::replaced(node, &mut |one| {
        let (GROUPED, name) = reference(one)? else {
            return None;
        };
        let letter = name.chars().next()?;
        let number = to(letter, name.get(1..)?.parse().ok()?)?;
        Some(node::column(GROUPED, &format!("{letter}{number}")))
    })
}

/// A table with its keys in the order of those that they equal.
fn renumbered(mut right: Inside, pairs: &[(usize, usize)]) -> Inside {
    let new = |letter: char, old: usize| {
        let pair = pairs.iter().find(|(_, of_right)| *of_right == old);
        pair.filter(|_| letter == 'k').map(|(of_left, _)| *of_left)
    };
    let plan = &mut right.plan;
    let mut keys = plan.keys.clone();
    for (of_left, of_right) in pairs {
        if let (Some(place), Some(key)) = (keys.get_mut(*of_left), plan.keys.get(*of_right)) {
            place.clone_from(key);
        }
    }
    plan.keys = keys;
    let conditions = [&mut plan.having, &mut plan.matched].into_iter().flatten();
    let on = plan.lookups.iter_mut().flat_map(|one| &mut one.on);
    let items = right.relations.iter_mut().flat_map(|one| &mut one.items);
    let values = items.map(|item| &mut item.value);
    for node in conditions.chain(on).chain(values) {
        *node = moved(node, &new);
    }
    right
}

/// One table over the common rows.
struct Side {
    values: Vec<Value>,
    aggregates: Vec<Aggregate>,
    conditions: Vec<Option<Value>>,
    two_people: Vec<Value>,
    lookups: Vec<super::plan::Lookup>,
    relations: Vec<Relation>,
    having: Option<Value>,
    matched: Option<Value>,
    /// Which of the rows are the table's; all, where there is none.
    own: Option<Value>,
    /// Whether a count of all its rows counts a part of the common ones.
    is_part: bool,
    /// What is added to its sources.
    first_source: u16,
}

impl Side {
    fn of(inside: Inside, own: Option<Value>, first_source: u16, is_part: bool) -> Self {
        let plan = inside.plan;
        Self {
            values: plan.values,
            aggregates: plan.aggregates,
            conditions: plan.conditions,
            two_people: plan.two_people,
            lookups: plan.lookups,
            relations: inside.relations,
            having: plan.having,
            matched: plan.matched,
            own,
            is_part,
            first_source,
        }
    }

    /// Rewrites what is computed of rows.
    fn over(mut self, rewrite: &mut dyn FnMut(&Value) -> Value) -> Self {
        let calls = self.aggregates.iter_mut().map(|one| &mut one.call);
        let conditions = self.conditions.iter_mut().flatten();
        let nodes = self.values.iter_mut().chain(calls).chain(conditions);
        for node in nodes.chain(&mut self.two_people) {
            *node = rewrite(node);
        }
        self
    }

    /// A condition on the table's own rows.
    fn with(&self, condition: Option<&Value>) -> Option<Value> {
        node::all(self.own.iter().chain(condition).cloned().collect())
    }

    /// Adds the table's aggregates to a plan and renumbers those of its columns; the conditions under which a group is
    /// one of the table's.
    fn add_to(&mut self, plan: &mut Plan) -> Result<Vec<Value>, Stop> {
        let mut conditions = Vec::new();
        for condition in &self.conditions {
            conditions.push(condition_of(plan, self.with(condition.as_ref()))?);
        }
        let mut values = Vec::new();
        for value in &self.values {
            values.push(index(&mut plan.values, value.clone()));
        }
        let at = |places: &[usize], old: usize| places.get(old).copied();
        let mut places = Vec::new();
        for one in &self.aggregates {
            let mut call = one.call.clone();
            let filter = self.with(node::child(&one.call, "filter"));
            node::set(&mut call, "filter", filter.unwrap_or(Value::Null));
            let counts = one.counts.iter().filter_map(|part| {
                Some(Part {
                    condition: at(&conditions, part.condition)?,
                    source: part.source.saturating_add(self.first_source),
                    whole: match part.whole {
                        Whole::Whole if self.is_part => Whole::Part,
                        whole => whole,
                    },
                    ..*part
                })
            });
            let behind = one.behind.iter();
            let aggregate = Aggregate {
                call,
                behind: behind.filter_map(|old| at(&conditions, *old)).collect(),
                counts: counts.collect(),
                value: one.value.and_then(|old| at(&values, old)),
                ..*one
            };
            places.push(aggregate_of(plan, aggregate));
        }
        let new = |letter: char, old: usize| at(&places, old).filter(|_| letter == 'a');
        for item in self.relations.iter_mut().flat_map(|one| &mut one.items) {
            item.value = moved(&item.value, &new);
            let used = item.aggregates.iter().filter_map(|old| at(&places, *old));
            item.aggregates = used.collect();
        }
        for node in [&mut self.having, &mut self.matched].into_iter().flatten() {
            *node = moved(node, &new);
        }
        plan.lookups.append(&mut self.lookups);
        let two_people = self.two_people.iter();
        let two_people = two_people.filter_map(|condition| self.with(Some(condition)));
        plan.two_people.extend(two_people);
        let mut there: Vec<Value> = self.matched.iter().cloned().collect();
        // Without keys there is always a row.
        if let Some(own) = self.own.as_ref().filter(|_| !plan.keys.is_empty()) {
            let condition = condition_of(plan, Some(own.clone()))?;
            there.push(has_rows(plan, own, condition));
        }
        Ok(there)
    }

    /// Makes the columns missing where the table has no such group.
    fn may_miss(&mut self, there: Option<Value>, but: &[String]) {
        let Some(there) = there else { return };
        let items = self.relations.iter_mut().flat_map(|one| &mut one.items);
        for item in items.filter(|item| !but.contains(&item.name.to_ascii_lowercase())) {
            item.value = node::when(there.clone(), item.value.clone(), node::null());
        }
    }
}

/// That a group has rows that satisfy a condition.
fn has_rows(plan: &mut Plan, own: &Value, condition: usize) -> Value {
    let rows = Aggregate {
        call: node::call("count_star", vec![], Some(own.clone())),
        kind: Kind::Count,
        behind: vec![condition],
        counts: Vec::new(),
        value: None,
        quantile: None,
    };
    let rows = node::column(GROUPED, &format!("a{}", aggregate_of(plan, rows)));
    node::compare("COMPARE_GREATERTHAN", rows, node::number(0))
}

fn index<T: PartialEq>(known: &mut Vec<T>, one: T) -> usize {
    let place = known.iter().position(|other| *other == one);
    place.unwrap_or_else(|| {
        known.push(one);
        known.len() - 1
    })
}

fn condition_of(plan: &mut Plan, condition: Option<Value>) -> Result<usize, Stop> {
    let place = index(&mut plan.conditions, condition);
    if plan.conditions.len() > CONDITIONS_MAX {
        return untraceable(format!(
            "the statement counts under more than {CONDITIONS_MAX} conditions"
        ));
    }
    Ok(place)
}

fn aggregate_of(plan: &mut Plan, aggregate: Aggregate) -> usize {
    let same = |known: &Aggregate| known.call == aggregate.call;
    let place = plan.aggregates.iter().position(same);
    place.unwrap_or_else(|| {
        plan.aggregates.push(aggregate);
        plan.aggregates.len() - 1
    })
}

/// A plan of common rows, without what is computed of them.
fn common(of: &Plan, from: Value, condition: Option<Value>, unit: Value) -> Plan {
    Plan {
        sources: of.sources,
        ..Plan::over(from, condition, unit, of.keys.clone(), of.sets.clone())
    }
}

/// Both tables over the rows that both read, where these are the same.
fn on_rows(left: Inside, mut right: Inside, renaming: &Renaming) -> (Side, Side, Plan) {
    let rename = |node: &Value| renamed(node, renaming);
    let own = left.plan.condition.clone();
    let others = right.plan.condition.take().map(|node| rename(&node));
    let condition = match (&own, &others) {
        _ if own == others => own.clone(),
        (Some(one), Some(other)) => Some(node::either(one.clone(), other.clone())),
        _ => None,
    };
    let (one, other) = match own == others {
        true => (None, None),
        false => (own, others),
    };
    let unit = left.plan.unit.clone();
    let plan = common(&left.plan, left.plan.from.clone(), condition, unit);
    let (left_part, right_part) = (one.is_some(), other.is_some());
    let left = Side::of(left, one, 0, left_part);
    let right = Side::of(right, other, 0, right_part).over(&mut |node| rename(node));
    (left, right, plan)
}

/// The rows of both tables one under the other: the number of the table as `s`, the person as `u`, the keys as `k0`…,
/// and what is computed with.
fn stacked(left: Inside, right: Inside, alias: &str) -> Result<(Side, Side, Plan), Stop> {
    let sources = left.plan.sources.saturating_add(right.plan.sources);
    let columns = [Used::of(&left.plan, 'l'), Used::of(&right.plan, 'r')];
    let [of_left, of_right] = &columns;
    let one = rows(&left.plan, 0, of_left.shown().chain(of_right.absent()));
    let other = rows(&right.plan, 1, of_left.absent().chain(of_right.shown()));
    let both = json!({"type": "SET_OPERATION_NODE", "modifiers": [], "cte_map": {"map": []},
        "setop_type": "UNION", "left": one, "right": other, "setop_all": true});
    let own = |name: &str| node::column(alias, name);
    let mut plan = common(&left.plan, node::derived(both, alias), None, own("u"));
    for (number, (_, key)) in plan.keys.iter_mut().enumerate() {
        *key = own(&format!("k{number}"));
    }
    plan.sources = sources;
    let of = |number| node::compare("COMPARE_EQUAL", own("s"), node::number(number));
    let first = left.plan.sources;
    let units = [left.plan.unit.clone(), right.plan.unit.clone()];
    let [left_unit, right_unit] = &units;
    let left = Side::of(left, Some(of(0)), 0, false)
        .over(&mut |node| of_left.rewritten(node, left_unit, alias));
    let right = Side::of(right, Some(of(1)), first, false)
        .over(&mut |node| of_right.rewritten(node, right_unit, alias));
    match sources {
        0..=SOURCES_MAX => Ok((left, right, plan)),
        _ => untraceable(format!(
            "more than {SOURCES_MAX} tables of groups are joined"
        )),
    }
}

/// The most tables of different rows that are joined.
const SOURCES_MAX: u16 = 8;

/// The columns that a table computes with.
struct Used {
    columns: Vec<Value>,
    prefix: char,
}

impl Used {
    fn of(plan: &Plan, prefix: char) -> Self {
        let mut columns = Vec::new();
        let calls = plan.aggregates.iter().map(|one| &one.call);
        let conditions = plan.conditions.iter().flatten();
        let nodes = plan.values.iter().chain(calls).chain(conditions);
        for node in nodes.chain(&plan.two_people) {
            node::replaced(node, &mut |one| {
                reference(one)?;
                index(&mut columns, one.clone());
                Some(Value::Null)
            });
        }
        Self { columns, prefix }
    }

    fn name(&self, number: usize) -> String {
        format!("{}{number}", self.prefix)
    }

    fn shown(&self) -> impl Iterator<Item = Value> {
        let columns = self.columns.iter().enumerate();
        columns.map(|(number, column)| node::alias(column.clone(), &self.name(number)))
    }

    fn absent(&self) -> impl Iterator<Item = Value> {
        (0..self.columns.len()).map(|number| node::alias(node::null(), &self.name(number)))
    }

    fn rewritten(&self, node: &Value, unit: &Value, alias: &str) -> Value {
        node::replaced(node, &mut |one| {
            if one == unit {
                return Some(node::column(alias, "u"));
            }
            let number = self.columns.iter().position(|column| column == one)?;
            Some(node::column(alias, &self.name(number)))
        })
    }
}

fn rows(plan: &Plan, number: i64, columns: impl Iterator<Item = Value>) -> Value {
    let keys = plan.keys.iter().enumerate();
    let keys = keys.map(|(i, (_, key))| node::alias(key.clone(), &format!("k{i}")));
    let mut list = vec![
        node::alias(node::number(number), "s"),
        node::alias(plan.unit.clone(), "u"),
    ];
    list.extend(keys.chain(columns));
    node::select(list, plan.from.clone(), plan.condition.clone(), None, 0)
}
