//! Joins of tables and row-level subqueries: whose row each joined row is.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::items::condition_of;
use super::node::{self, child, conjuncts, list, refuse_used, text};
use super::scope::{Joined, Person, Scope, Sides, Unknown};
use super::subquery::{Env, Reader};
use super::{Stop, untraceable};

/// Which rows a join keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Keeps {
    /// Those that have a partner on the other side.
    Both,
    /// All of the left side.
    Left,
    /// All of the right side.
    Right,
    /// Those of the left side alone that have a partner, or have none: the engine's name of the join.
    OfLeft(&'static str),
}

impl Keeps {
    fn of(from: &Value) -> Option<Self> {
        let regular = matches!(text(from, "ref_type"), "REGULAR" | "NATURAL");
        match text(from, "join_type") {
            "INNER" if regular || text(from, "ref_type") == "CROSS" => Some(Self::Both),
            "LEFT" if regular => Some(Self::Left),
            "RIGHT" if regular => Some(Self::Right),
            "SEMI" if regular => Some(Self::OfLeft("SEMI")),
            "ANTI" if regular => Some(Self::OfLeft("ANTI")),
            _ => None,
        }
    }
}

impl Reader<'_> {
    pub(super) fn join(
        &mut self,
        from: &Value,
        condition: Option<&Value>,
        env: &Env,
    ) -> Result<Scope, Stop> {
        refuse_used(
            from,
            &[
                "sample",
                "alias",
                "duplicate_eliminated_columns",
                "delim_flipped",
            ],
            "a join",
        )?;
        let Some(keeps) = Keeps::of(from) else {
            return untraceable(format!(
                "a {} {} join cannot be traced",
                text(from, "ref_type").to_ascii_lowercase(),
                text(from, "join_type").to_ascii_lowercase()
            ));
        };
        let (Some(left), Some(right)) = (child(from, "left"), child(from, "right")) else {
            return untraceable("a join is incomplete");
        };
        // Where a side can be missing a condition of the select says nothing of it here.
        let of_left = condition.filter(|_| keeps != Keeps::Right);
        let of_right = condition.filter(|_| matches!(keeps, Keeps::Both | Keeps::Right));
        let sides = Sides {
            left: self.from(left, of_left, env)?,
            right: self.from(right, of_right, env)?,
        };
        let names = sides.left.relations.iter().chain(&sides.right.relations);
        let mut names: Vec<&str> = names.map(|relation| relation.visible.as_str()).collect();
        names.sort_unstable();
        if names.windows(2).any(|pair| pair.first() == pair.last()) {
            return untraceable("two tables in from have one name");
        }
        let using = using(from, &sides)?;
        let mut known = conjuncts(child(from, "condition"));
        if keeps == Keeps::Both {
            known.extend(conjuncts(condition));
        }
        let catalog = self.catalog;
        let is_key = |table: &_, columns: &[String]| catalog.is_key(table, columns);
        match keeps {
            Keeps::Both => {
                let joined = sides.person("INNER", &known, &using, &is_key)?;
                merge(from, "INNER", sides, joined, &using)
            }
            Keeps::Left => {
                let joined = sides.person("LEFT", &known, &using, &is_key)?;
                merge(from, "LEFT", sides, joined, &using)
            }
            // Right is left, seen from the other side.
            Keeps::Right => {
                let sides = sides.swapped();
                let others = sides.left.relations.len();
                let joined = sides.person("LEFT", &known, &using, &is_key)?;
                let mut scope = merge(from, "LEFT", sides, joined, &using)?;
                scope.relations.rotate_left(others);
                Ok(scope)
            }
            Keeps::OfLeft(kind) => {
                sides.looks_at_own(&known, &using)?;
                partnered(from, kind, sides, &using)
            }
        }
    }
}

/// The columns of `using`, as references; those that both sides have, in a natural join.
fn using(from: &Value, sides: &Sides) -> Result<Vec<Value>, Stop> {
    let reference = |name: &Value| json!({"column_names": [name]});
    if text(from, "ref_type") != "NATURAL" {
        return Ok(list(from, "using_columns").iter().map(reference).collect());
    }
    let names = |scope: &Scope| -> BTreeSet<String> {
        let columns = scope.relations.iter().flat_map(|one| &one.columns);
        columns.map(|column| column.name.clone()).collect()
    };
    let (left, right) = (names(&sides.left), names(&sides.right));
    let common: Vec<Value> = left
        .intersection(&right)
        .map(|name| reference(&json!(name)))
        .collect();
    match common.is_empty() {
        true => untraceable("a natural join is of tables that have no column in common"),
        false => Ok(common),
    }
}

/// The equations of `using`.
fn equal(sides: &Sides, using: &[Value]) -> Result<Vec<Value>, Stop> {
    let mut equal = Vec::new();
    for name in using {
        let left = sides.left.resolve(name).map_err(Unknown::stop)?;
        let right = sides.right.resolve(name).map_err(Unknown::stop)?;
        equal.push(node::compare("COMPARE_EQUAL", left, right));
    }
    Ok(equal)
}

fn merge(
    from: &Value,
    kind: &str,
    sides: Sides,
    joined: Joined,
    using: &[Value],
) -> Result<Scope, Stop> {
    let equal = equal(&sides, using)?;
    let Sides { left, mut right } = sides;
    let mut merged: Vec<String> = left.merged.iter().chain(&right.merged).cloned().collect();
    let used = using.iter().flat_map(|one| list(one, "column_names"));
    merged.extend(used.filter_map(Value::as_str).map(str::to_ascii_lowercase));
    if kind == "LEFT" {
        for relation in &mut right.relations {
            relation.person = Person::Missing;
        }
    }
    let mut two_people = left.two_people;
    two_people.extend(right.two_people);
    if let Joined::SameUnless(condition) = joined {
        two_people.push(condition);
    }
    let mut relations = left.relations;
    relations.extend(right.relations);
    let mut scope = Scope {
        relations,
        merged,
        from: Value::Null,
        unit: left.unit.or(right.unit),
        two_people,
    };
    let condition = match child(from, "condition") {
        Some(condition) => Some(condition_of(condition, &scope)?),
        None => node::all(equal),
    };
    if condition.is_none() && kind == "LEFT" {
        return untraceable("a left join has no condition");
    }
    scope.from = node::join(left.from, right.from, condition, kind);
    Ok(scope)
}

/// The rows of the left side that have a partner on the right, or have none.
fn partnered(from: &Value, kind: &str, sides: Sides, using: &[Value]) -> Result<Scope, Stop> {
    let equal = equal(&sides, using)?;
    let Sides { mut left, right } = sides;
    let condition = match child(from, "condition") {
        Some(condition) => {
            let own = left.relations.len();
            left.relations.extend(right.relations);
            let copied = condition_of(condition, &left)?;
            left.relations.truncate(own);
            Some(copied)
        }
        None => node::all(equal),
    };
    if condition.is_none() {
        return untraceable("a semi or anti join has no condition");
    }
    left.from = node::join(left.from, right.from, condition, kind);
    Ok(left)
}
