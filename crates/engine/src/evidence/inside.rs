//! Tables of groups in a `from`: one, or several that are joined on their keys.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::merge;
use super::node::{self, child, conjuncts, list, refuse_used, text};
use super::plan::{GROUPED, Item, Lookup, Plan, Whose};
use super::query::looked_up;
use super::subquery::{Env, Reader};
use super::{Stop, described, same, untraceable, wrap};

/// Tables of groups as one plan.
pub(super) struct Inside {
    pub(super) plan: Plan,
    pub(super) relations: Vec<Relation>,
    /// Columns that `using` made one, in lower case.
    pub(super) merged: Vec<String>,
}

/// One of the tables: its name in lower case, and its columns over the groups of the plan.
pub(super) struct Relation {
    pub(super) name: String,
    pub(super) items: Vec<Item>,
}

/// Which groups a join leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Join {
    Inner,
    Left,
    Right,
    Full,
}

/// Reads the `from` of a select; `None` if it is not of tables of groups alone.
pub(super) fn read(
    reader: &mut Reader<'_>,
    select: &Value,
    env: &Env,
    depth: usize,
) -> Result<Option<Inside>, Stop> {
    match child(select, "from_table") {
        Some(from) => read_from(reader, from, child(select, "where_clause"), env, depth),
        None => Ok(None),
    }
}

fn read_from(
    reader: &mut Reader<'_>,
    from: &Value,
    condition: Option<&Value>,
    env: &Env,
    depth: usize,
) -> Result<Option<Inside>, Stop> {
    if text(from, "type") == "JOIN" {
        return joined(reader, from, condition, env, depth);
    }
    let Some((inner, of, name)) = reader.query_of(from, env) else {
        return Ok(None);
    };
    if reader.is_per_person(&inner, &of) {
        return Ok(None);
    }
    let Some(plan) = wrap::nested(reader, &inner, &of, depth + 1)? else {
        return Ok(None);
    };
    let items = plan.items.clone();
    Ok(Some(Inside {
        plan,
        relations: vec![Relation { name, items }],
        merged: Vec::new(),
    }))
}

fn joined(
    reader: &mut Reader<'_>,
    from: &Value,
    condition: Option<&Value>,
    env: &Env,
    depth: usize,
) -> Result<Option<Inside>, Stop> {
    let (Some(left), Some(right)) = (child(from, "left"), child(from, "right")) else {
        return untraceable("a join is incomplete");
    };
    let sides = (
        read_from(reader, left, condition, env, depth)?,
        read_from(reader, right, condition, env, depth)?,
    );
    let (left, right) = match sides {
        (Some(left), Some(right)) => (left, right),
        (Some(left), None) => return described::read(reader, from, (left, right), env),
        (None, _) => return Ok(None),
    };
    refuse_used(from, &["sample", "alias"], "a join")?;
    let join = match (text(from, "join_type"), text(from, "ref_type")) {
        ("INNER", "REGULAR" | "CROSS") => Join::Inner,
        ("LEFT", "REGULAR") => Join::Left,
        ("RIGHT", "REGULAR") => Join::Right,
        ("OUTER" | "FULL", "REGULAR") => Join::Full,
        (kind, reference) => {
            return untraceable(format!(
                "a {} {} join of tables of groups cannot be traced",
                reference.to_ascii_lowercase(),
                kind.to_ascii_lowercase()
            ));
        }
    };
    let also = condition.filter(|_| join == Join::Inner);
    let pairs = pairs(from, also, &left, &right)?;
    join_on(reader, (left, right), &pairs, join, from).map(Some)
}

/// The keys of two tables that a join equates, by their numbers.
fn pairs(
    from: &Value,
    condition: Option<&Value>,
    left: &Inside,
    right: &Inside,
) -> Result<Vec<(usize, usize)>, Stop> {
    let mut found = BTreeSet::new();
    for name in list(from, "using_columns") {
        let reference = json!({"column_names": [name]});
        match (left.key(&reference), right.key(&reference)) {
            (Some(one), Some(other)) => found.insert((one, other)),
            _ => return untraceable("using names a column that is no group key of both tables"),
        };
    }
    let equated = |conjunct: &Value| {
        let (one, other) = (conjunct.get("left")?, conjunct.get("right")?);
        let pair = |one, other| Some((left.key(one)?, right.key(other)?));
        let is_equal = text(conjunct, "type") == "COMPARE_EQUAL";
        pair(one, other)
            .or_else(|| pair(other, one))
            .filter(|_| is_equal)
    };
    for conjunct in conjuncts(child(from, "condition")) {
        match equated(conjunct) {
            Some(pair) => found.insert(pair),
            None => return untraceable("a join of tables of groups may only equate their keys"),
        };
    }
    // What else the select's condition says is read with the select.
    found.extend(conjuncts(condition).into_iter().filter_map(equated));
    Ok(found.into_iter().collect())
}

fn join_on(
    reader: &Reader<'_>,
    (left, right): (Inside, Inside),
    pairs: &[(usize, usize)],
    join: Join,
    from: &Value,
) -> Result<Inside, Stop> {
    let names = left.relations.iter().chain(&right.relations);
    let names: Vec<String> = names.map(|relation| relation.name.clone()).collect();
    if names.iter().collect::<BTreeSet<_>>().len() < names.len() {
        return untraceable("two tables in from have one name");
    }
    let used = list(from, "using_columns").iter().filter_map(Value::as_str);
    let mut merged: Vec<String> = left.merged.iter().chain(&right.merged).cloned().collect();
    merged.extend(used.map(str::to_ascii_lowercase));
    let swapped: Vec<(usize, usize)> = pairs.iter().map(|(one, other)| (*other, *one)).collect();
    // Right is left, seen from the other side.
    let (left, right, pairs, swapped, join) = match join {
        Join::Right => (right, left, swapped.as_slice(), pairs, Join::Left),
        Join::Inner | Join::Left | Join::Full => (left, right, pairs, swapped.as_slice(), join),
    };
    let of_left: BTreeSet<usize> = pairs.iter().map(|(one, _)| *one).collect();
    let of_right: BTreeSet<usize> = pairs.iter().map(|(_, other)| *other).collect();
    let all_left = of_left.len() == left.plan.keys.len();
    let all_right = of_right.len() == right.plan.keys.len();
    let name = format!("t{}", reader.catalog.next()?);
    let mut inside = match join {
        _ if all_left && all_right && pairs.len() == of_left.len() => {
            merge::merged(left, right, pairs, join, (&name, &merged))?
        }
        Join::Inner | Join::Left if all_right && pairs.len() == of_right.len() => {
            attached(left, right, pairs, join, name)?
        }
        Join::Inner if all_left && pairs.len() == of_left.len() => {
            attached(right, left, swapped, join, name)?
        }
        Join::Inner | Join::Left | Join::Right | Join::Full => {
            return untraceable(
                "two tables of groups are joined on something else than all keys of one of them",
            );
        }
    };
    inside.merged = merged;
    let place = |relation: &Relation| names.iter().position(|name| *name == relation.name);
    inside.relations.sort_by_key(place);
    Ok(inside)
}

/// A table beside another whose keys are some of its own: a total beside its parts.
fn attached(
    main: Inside,
    other: Inside,
    pairs: &[(usize, usize)],
    join: Join,
    name: String,
) -> Result<Inside, Stop> {
    let plan = other.plan;
    if plan.limit.is_some() || plan.offset > 0 || plan.qualify.is_some() {
        return untraceable("a limit inside a subquery picks rows that cannot be traced");
    }
    let mut all: Vec<Item> = Vec::new();
    let mut relations = main.relations;
    for relation in other.relations {
        let mut items = Vec::new();
        for item in relation.items {
            let value = node::column(&name, &format!("i{}", all.len()));
            all.push(item.clone());
            items.push(Item {
                value,
                aggregates: Vec::new(),
                across: false,
                ..item
            });
        }
        relations.push(Relation { items, ..relation });
    }
    let on = pairs.iter().map(|(own, of_other)| {
        let own = node::column(GROUPED, &format!("k{own}"));
        let of_other = node::column(&name, &format!("k{of_other}"));
        node::compare("COMPARE_EQUAL", own, of_other)
    });
    let select = looked_up(&plan, &all);
    let mut main_plan = main.plan;
    if join == Join::Inner && !pairs.is_empty() {
        let found = node::present(node::column(&name, "p"));
        let both = main_plan.matched.take().into_iter().chain([found]);
        main_plan.matched = node::all(both.collect());
    }
    main_plan.lookups.push(Lookup {
        on: on.collect(),
        name,
        select: Some(select),
        of: Whose::Counted(Box::new(plan)),
    });
    Ok(Inside {
        plan: main_plan,
        relations,
        merged: Vec::new(),
    })
}

impl Inside {
    /// The group key that a reference names.
    pub(super) fn key(&self, reference: &Value) -> Option<usize> {
        let (table, name) = node::named(reference)?;
        let of_table = |one: &&Relation| table.as_ref().is_none_or(|table| *table == one.name);
        let mut relations = self.relations.iter().filter(of_table);
        let item = relations.find_map(|relation| {
            let mut items = relation.items.iter();
            items.find(|item| item.name.to_ascii_lowercase() == name)
        })?;
        (0..self.plan.keys.len())
            .find(|index| item.value == node::column(GROUPED, &format!("k{index}")))
    }
}

impl Plan {
    /// Where another table is made of the plan's own groups it is judged with these, and what is computed from it is
    /// computed from other groups' numbers.
    pub(super) fn settle_lookups(&mut self) {
        let is_own = |lookup: &Lookup| match &lookup.of {
            Whose::Counted(judged) => same::has_same_groups(self, judged),
            Whose::Own => true,
            Whose::Nobody => false,
        };
        let own = self.lookups.iter().filter(|one| is_own(one));
        let own: Vec<String> = own.map(|one| one.name.clone()).collect();
        for lookup in &mut self.lookups {
            if own.contains(&lookup.name) {
                lookup.of = Whose::Own;
            }
        }
        for item in &mut self.items {
            let mut tables = node::tables_of(&item.value);
            item.across |= tables.any(|table| own.iter().any(|name| name == table));
        }
    }
}
