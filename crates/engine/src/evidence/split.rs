//! Splitting the groups by which of the shown counts their rows and people are in.

use std::collections::BTreeMap;

use disclosure::{Atom, COUNTS_MAX, CountLevel, Datum};
use duckdb::types::Value as Raw;
use serde_json::{Value, json};

use super::node;
use super::plan::Plan;
use super::run::{Found, datum_of, limit_node, people, print, rows, whole};
use super::{EvidenceError, Limits, Stop, untraceable};

const TWO_ANSWERS: &str = "the statement gives different answers when it runs twice; order its windows by something unique";

/// Splits each group by the counts its rows are in.
pub(super) fn atoms(
    conn: &duckdb::Connection,
    plan: &Plan,
    groups: &mut [Found],
    limits: Limits,
) -> Result<(), Stop> {
    if plan.counts.len() < 2 || plan.counts.len() > COUNTS_MAX {
        return Ok(());
    }
    let most = limits.max_cells.saturating_mul(1 << COUNTS_MAX);
    let places: BTreeMap<Vec<Datum>, usize> = groups
        .iter()
        .enumerate()
        .map(|(i, (group, _))| (group.key.clone(), i))
        .collect();
    if places.len() != groups.len() {
        return untraceable("two groups look the same when they are printed");
    }
    for (position, atom) in split(conn, plan, CountLevel::Rows, &places, most)? {
        if let Some((group, _)) = groups.get_mut(position) {
            group.row_atoms.push(atom);
        }
    }
    let of_people = plan
        .counts
        .iter()
        .filter(|(_, part)| part.level == CountLevel::People)
        .count();
    let people = if of_people > 1 {
        Split::Done
    } else {
        Split::Not
    };
    if people == Split::Done {
        for (position, atom) in split(conn, plan, CountLevel::People, &places, most)? {
            if let Some((group, _)) = groups.get_mut(position) {
                group.person_atoms.push(atom);
            }
        }
    }
    agree(plan, groups, people)
}

/// Whether people were split too: for a single count of people there is nothing to subtract.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Split {
    Done,
    Not,
}

/// The later queries must have seen the data of the first: a statement that gives another
/// answer each time (`row_number` over ties) is caught here.
fn agree(plan: &Plan, groups: &[Found], people: Split) -> Result<(), Stop> {
    for (group, counted) in groups {
        let rows = |bit| sum(&group.row_atoms, bit, |atom| atom.rows);
        let persons = |bit| sum(&group.person_atoms, bit, |atom| atom.people);
        let parts: Vec<_> = plan
            .counts
            .iter()
            .enumerate()
            .map(|(bit, (_, part))| (bit, part.level, counted.get(part.condition)))
            .collect();
        let fits_rows = rows(None) == group.rows
            && parts.iter().all(|(bit, _, behind)| {
                behind.is_some_and(|behind| behind.rows == rows(Some(*bit)))
            });
        let fits_people = people == Split::Not
            || persons(None) == group.people
                && parts
                    .iter()
                    .filter(|(_, level, _)| *level == CountLevel::People)
                    .all(|(bit, _, behind)| {
                        behind.is_some_and(|behind| behind.people == persons(Some(*bit)))
                    });
        if !fits_rows || !fits_people {
            return untraceable(TWO_ANSWERS);
        }
    }
    Ok(())
}

/// What the atoms hold together, of one count or of all.
fn sum(atoms: &[Atom], bit: Option<usize>, of: fn(&Atom) -> u64) -> u64 {
    atoms
        .iter()
        .filter(|atom| bit.is_none_or(|bit| atom.pattern & (1 << bit) != 0))
        .map(of)
        .sum()
}

/// Rows (or people) by key and by the pattern of counts they are in.
fn split(
    conn: &duckdb::Connection,
    plan: &Plan,
    level: CountLevel,
    places: &BTreeMap<Vec<Datum>, usize>,
    most: usize,
) -> Result<Vec<(usize, Atom)>, Stop> {
    let sql = print(conn, split_query(plan, level, most.saturating_add(1)))?;
    let found = rows(conn, &sql, 2 * plan.keys.len() + 3)?;
    if found.len() > most {
        return Err(EvidenceError::Shape("more patterns than groups allow").into());
    }
    let mut atoms = Vec::new();
    for row in found {
        let mut fields = row.iter();
        let mut key = Vec::new();
        for _ in 0..plan.keys.len() {
            key.push(match (fields.next(), fields.next()) {
                (Some(Raw::Text(kind)), Some(value)) => datum_of(kind, value)?,
                _ => return Err(EvidenceError::Shape("a value without a type").into()),
            });
        }
        let pattern = u32::try_from(whole(fields.next())?)
            .map_err(|_| EvidenceError::Shape("a pattern too large"))?;
        let (rows, people) = (whole(fields.next())?, whole(fields.next())?);
        let Some(position) = places.get(&key) else {
            return untraceable(TWO_ANSWERS);
        };
        atoms.push((
            *position,
            Atom {
                pattern,
                rows,
                people,
            },
        ));
    }
    Ok(atoms)
}

fn split_query(plan: &Plan, level: CountLevel, limit: usize) -> Value {
    let own = |name: &str| node::column("s", name);
    let key_names: Vec<String> = (0..plan.keys.len()).map(|i| format!("k{i}")).collect();
    let mut inner: Vec<Value> = plan
        .keys
        .iter()
        .zip(&key_names)
        .map(|((_, key), name)| node::alias(key.clone(), name))
        .collect();
    inner.push(node::alias(plan.unit.clone(), "u"));
    inner.push(node::alias(pattern(plan, level), "pattern"));
    let mut rows = node::select(inner, plan.from.clone(), plan.condition.clone(), None, 0);
    if level == CountLevel::People {
        // A person is in a count if one of their rows is.
        let mut each: Vec<Value> = key_names
            .iter()
            .map(|name| node::alias(own(name), name))
            .collect();
        each.push(node::alias(own("u"), "u"));
        each.push(node::alias(
            node::call("bit_or", vec![own("pattern")], None),
            "pattern",
        ));
        let named = node::operator("OPERATOR_IS_NOT_NULL", vec![own("u")]);
        rows = node::select(
            each,
            node::derived(rows, "s"),
            Some(named),
            None,
            plan.keys.len() + 1,
        );
    }
    let mut grouped: Vec<Value> = key_names
        .iter()
        .map(|name| node::alias(own(name), name))
        .collect();
    grouped.push(node::alias(own("pattern"), "pattern"));
    grouped.push(node::alias(node::call("count_star", vec![], None), "r"));
    grouped.push(node::alias(people(&own("u"), None), "p"));
    let grouped = node::select(
        grouped,
        node::derived(rows, "s"),
        None,
        None,
        plan.keys.len() + 1,
    );
    let mut outer = Vec::new();
    for name in &key_names {
        outer.push(node::call("typeof", vec![own(name)], None));
        outer.push(node::as_text(own(name)));
    }
    outer.extend(["pattern", "r", "p"].map(own));
    let mut select = node::select(outer, node::derived(grouped, "s"), None, None, 0);
    if let Some(fields) = select.as_object_mut() {
        fields.insert("modifiers".to_owned(), json!([limit_node(limit)]));
    }
    select
}

/// A number whose bit i says whether a row is in count i. Counts of another level than the
/// one asked for are left out for people, and kept for rows.
fn pattern(plan: &Plan, level: CountLevel) -> Value {
    let mut sum = node::number(0);
    for (bit, (_, part)) in plan.counts.iter().enumerate() {
        if level == CountLevel::People && part.level == CountLevel::Rows {
            continue;
        }
        let weight = node::number(1_i64 << bit);
        let term = match plan.conditions.get(part.condition).and_then(Option::as_ref) {
            Some(condition) => node::when(condition.clone(), weight, node::number(0)),
            None => weight,
        };
        sum = node::call("+", vec![sum, term], None);
    }
    sum
}
