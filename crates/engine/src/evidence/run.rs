//! Parsing, printing and running: the only place that talks to the engine.

use disclosure::{Class, Column, Counted, Datum, Evidence, Group, Kind, Shown, Visible};
use duckdb::types::Value as Raw;
use serde_json::{Value, json};

use super::node::{self, text};
use super::plan::{GROUPED, Plan};
use super::tally::Holds;
use super::{EvidenceError, Limits, Stop, people, untraceable};
use crate::error::kind;

const SERIALIZE: &str = "select json_serialize_sql(cast(? as varchar), skip_null := false, skip_default := false, skip_empty := false)";

/// The engine's tree of a statement that is a single select.
pub(super) fn parse(conn: &duckdb::Connection, sql: &str) -> Result<Value, Stop> {
    let answer = serialized(conn, sql)?;
    if answer.get("error") == Some(&Value::Bool(true)) {
        return match text(&answer, "error_type") {
            "parser" | "syntax" => {
                Err(EvidenceError::Syntax(first_line(text(&answer, "error_message"))).into())
            }
            _ => untraceable("only a select statement can be traced"),
        };
    }
    match node::list(&answer, "statements") {
        [statement] => match statement.get("node") {
            Some(select) if node::list(statement, "named_param_map").is_empty() => {
                Ok(select.clone())
            }
            Some(_) => untraceable("the statement has parameters; write their values into it"),
            None => Err(EvidenceError::Shape("a statement without a tree").into()),
        },
        [] => untraceable("there is no statement"),
        _ => untraceable("there are several statements; check each on its own"),
    }
}

fn first_line(message: &str) -> String {
    message
        .lines()
        .next()
        .unwrap_or("")
        .chars()
        .take(300)
        .collect()
}

fn serialized(conn: &duckdb::Connection, sql: &str) -> Result<Value, EvidenceError> {
    let answer = texts(conn, SERIALIZE, &[sql])?;
    let Some(json) = answer.first() else {
        return Err(EvidenceError::Shape("no tree"));
    };
    // Also what is nested too deeply for the reader ends here.
    let tree = serde_json::from_str(json)
        .map_err(|_| EvidenceError::Shape("a tree that cannot be read"))?;
    Ok(node::without_positions(tree))
}

/// The text of a generated select, parsed again to make sure that it says the same.
pub(super) fn print(conn: &duckdb::Connection, select: Value) -> Result<String, Stop> {
    let tree = node::without_positions(
        json!({"error": false, "statements": [{"node": select, "named_param_map": []}]}),
    );
    let answer = texts(
        conn,
        "select json_deserialize_sql(cast(cast(? as varchar) as json))",
        &[&tree.to_string()],
    )?;
    let Some(sql) = answer.into_iter().next() else {
        return Err(EvidenceError::Shape("no text").into());
    };
    if serialized(conn, &sql)? != tree {
        return untraceable(
            "the engine prints the generated statement differently from how it reads it",
        );
    }
    Ok(sql)
}

/// The first column of a small query.
pub(super) fn texts(
    conn: &duckdb::Connection,
    sql: &str,
    with: &[&str],
) -> Result<Vec<String>, EvidenceError> {
    let mut statement = conn.prepare(sql).map_err(failed)?;
    let found = statement
        .query_map(duckdb::params_from_iter(with), |row| {
            row.get::<_, String>(0)
        })
        .map_err(failed)?;
    found.collect::<Result<_, _>>().map_err(failed)
}

pub(super) fn failed(error: duckdb::Error) -> EvidenceError {
    EvidenceError::Run { kind: kind(&error) }
}

/// All rows of a generated statement, which bounds their number itself.
pub(super) fn rows(
    conn: &duckdb::Connection,
    sql: &str,
    width: usize,
) -> Result<Vec<Vec<Raw>>, EvidenceError> {
    let mut statement = conn.prepare(sql).map_err(failed)?;
    let found = statement
        .query_map([], |row| {
            (0..width)
                .map(|i| row.get::<_, Raw>(i))
                .collect::<Result<Vec<_>, _>>()
        })
        .map_err(failed)?;
    found.collect::<Result<_, _>>().map_err(failed)
}

/// Runs a plan and puts the evidence together.
pub(super) fn execute(
    conn: &duckdb::Connection,
    sql: &str,
    plan: &Plan,
    limits: Limits,
    listed: Option<&mut Vec<u8>>,
) -> Result<Evidence, Stop> {
    let measures = plan.measures().count();
    let most = limits.max_cells / measures.max(1);
    let generated = print(conn, table_query(plan, most.saturating_add(1)))?;
    let reader = Reader { plan };
    let found = rows(conn, &generated, reader.width())?;
    if found.len() > most {
        return Err(EvidenceError::TooManyCells {
            limit: limits.max_cells,
        }
        .into());
    }
    let mut groups = Vec::new();
    for row in found {
        groups.push(reader.group(&row)?);
    }
    hide(plan, &mut groups);
    implied(plan, &groups, measures, limits)?;
    people::count(conn, plan, &mut groups, limits, listed)?;
    let numbers = |set: &Vec<usize>| {
        set.iter()
            .filter_map(|key| u16::try_from(*key).ok())
            .collect()
    };
    Ok(Evidence {
        statement: sql.to_owned(),
        generated,
        class: Class::Table,
        columns: plan
            .items
            .iter()
            .map(|item| Column {
                name: item.name.clone(),
                role: item.role,
                across: item.across,
            })
            .collect(),
        keys: plan.keys.iter().map(|(name, _)| name.clone()).collect(),
        sets: plan.sets.iter().map(numbers).collect(),
        shown: plan.shown,
        counts: plan
            .counts
            .iter()
            .map(|(label, part)| Counted {
                label: label.clone(),
                level: part.level,
                whole: part.whole,
            })
            .collect(),
        parts: plan.shows(),
        groups: groups.into_iter().map(|found| found.group).collect(),
    })
}

/// A group, its rows under each condition, and the quantiles of the row by aggregate.
pub(super) struct Found {
    pub(super) group: Group,
    pub(super) rows: Vec<u64>,
    pub(super) quantiles: Vec<(usize, Datum)>,
    /// The engine's hash of the keys; 0 where the table does not show the combinations of all keys.
    pub(super) hash: u64,
}

/// The grouping set of all keys, if the table has keys and shows their combinations.
pub(super) fn finest(plan: &Plan) -> Option<u16> {
    let all = |set: &Vec<usize>| !set.is_empty() && set.len() == plan.keys.len();
    u16::try_from(plan.sets.iter().position(all)?).ok()
}

/// The engine's hash of all keys, which `table` calls `k0`….
pub(super) fn hash_of(plan: &Plan, table: &str) -> Value {
    let keys = (0..plan.keys.len()).map(|i| node::column(table, &format!("k{i}")));
    node::call("hash", keys.collect(), None)
}

/// One query gives keys, values and counts of rows, so that they come from one reading of the data.
fn table_query(plan: &Plan, limit: usize) -> Value {
    let mut inner: Vec<Value> = Vec::new();
    let mut name = |node: Value, alias: String| inner.push(node::alias(node, &alias));
    for (i, (_, key)) in plan.keys.iter().enumerate() {
        name(key.clone(), format!("k{i}"));
    }
    for (i, aggregate) in plan.aggregates.iter().enumerate() {
        name(aggregate.call.clone(), format!("a{i}"));
    }
    let rows = |condition: Option<Value>| node::call("count_star", vec![], condition);
    for (i, (condition, holds)) in plan.conditions.iter().zip(people::holds(plan)).enumerate() {
        let value = match holds {
            Holds::WithValue(value) => plan.values.get(value),
            Holds::Always | Holds::Marked => None,
        };
        let count = match value {
            // Cheaper than a filter.
            Some(value) => node::call("count", vec![value.clone()], None),
            None => rows(condition.clone()),
        };
        name(count, format!("r{i}"));
    }
    for (i, condition) in plan.two_people.iter().enumerate() {
        name(rows(Some(condition.clone())), format!("x{i}"));
    }
    if plan.sets.len() > 1 {
        for (i, (_, key)) in plan.keys.iter().enumerate() {
            name(node::grouping(key.clone()), format!("s{i}"));
        }
    }
    let mut grouped = node::select(
        inner,
        plan.from.clone(),
        plan.condition.clone(),
        None,
        plan.keys.len(),
    );
    if !plan.keys.is_empty() {
        node::set(&mut grouped, "group_sets", json!(plan.sets));
    }
    let own = |prefix: &str, i: usize| node::column(GROUPED, &format!("{prefix}{i}"));
    let mut outer: Vec<Value> = Vec::new();
    let keys = (0..plan.keys.len()).map(|i| own("k", i));
    let items = plan.items.iter().map(|item| item.value.clone());
    for value in keys
        .chain(items)
        .chain(quantiles(plan).map(|i| own("a", i)))
    {
        outer.push(node::call("typeof", vec![value.clone()], None));
        outer.push(node::as_text(value));
    }
    outer.extend((0..plan.conditions.len()).map(|i| own("r", i)));
    outer.extend((0..plan.two_people.len()).map(|i| own("x", i)));
    if plan.sets.len() > 1 {
        outer.extend((0..plan.keys.len()).map(|i| own("s", i)));
    }
    outer.push(visible(plan));
    outer.extend(finest(plan).map(|_| hash_of(plan, GROUPED)));
    let mut select = node::select(outer, node::derived(grouped, GROUPED), None, None, 0);
    node::set(&mut select, "modifiers", order(plan, limit));
    select
}

/// 1 for a group that is seen, 2 for one that is not among the chosen, 0 for one that the condition leaves out.
fn visible(plan: &Plan) -> Value {
    let chosen = match &plan.qualify {
        Some(condition) => node::when(condition.clone(), node::number(1), node::number(2)),
        None => node::number(1),
    };
    match &plan.having {
        Some(condition) => node::when(condition.clone(), chosen, node::number(0)),
        None => chosen,
    }
}

/// The order of the statement and a limit. Ties are broken by the keys, so that the same table gives the same
/// bytes.
fn order(plan: &Plan, limit: usize) -> Value {
    let mut orders: Vec<Value> = plan
        .orders
        .iter()
        .map(|o| json!({"type": o.direction, "null_order": o.nulls, "expression": o.value}))
        .collect();
    let totalled = if plan.sets.len() > 1 { "s" } else { "k" };
    for prefix in [totalled, "k"] {
        orders.extend((0..plan.keys.len()).map(|i| {
            json!({"type": "ORDER_DEFAULT", "null_order": "ORDER_DEFAULT",
                "expression": node::column(GROUPED, &format!("{prefix}{i}"))})
        }));
    }
    let mut modifiers = Vec::new();
    if !orders.is_empty() {
        modifiers.push(json!({"type": "ORDER_MODIFIER", "orders": orders}));
    }
    modifiers.push(limit_node(limit));
    Value::Array(modifiers)
}

/// The aggregates that are quantiles.
fn quantiles(plan: &Plan) -> impl Iterator<Item = usize> {
    let aggregates = plan.aggregates.iter().enumerate();
    aggregates
        .filter(|(_, one)| one.kind == Kind::Quantile)
        .map(|(index, _)| index)
}

pub(super) fn limit_node(limit: usize) -> Value {
    let limit = node::number(i64::try_from(limit).unwrap_or(i64::MAX));
    json!({"type": "LIMIT_MODIFIER", "limit": limit, "offset": null})
}

struct Reader<'a> {
    plan: &'a Plan,
}

impl Reader<'_> {
    fn width(&self) -> usize {
        let plan = self.plan;
        let sets = if plan.sets.len() > 1 {
            plan.keys.len()
        } else {
            0
        };
        2 * (plan.keys.len() + plan.items.len() + quantiles(plan).count())
            + plan.conditions.len()
            + plan.two_people.len()
            + sets
            + 1
            + usize::from(finest(plan).is_some())
    }

    fn group(&self, row: &[Raw]) -> Result<Found, Stop> {
        let plan = self.plan;
        let mut fields = row.iter();
        let mut data = |how_many: usize| -> Result<Vec<Datum>, EvidenceError> {
            (0..how_many)
                .map(|_| typed(fields.next(), fields.next()))
                .collect()
        };
        let key = data(plan.keys.len())?;
        let values = data(plan.items.len())?;
        let found = data(quantiles(plan).count())?;
        let mut number = || whole(fields.next());
        let mut rows = Vec::new();
        for _ in 0..plan.conditions.len() {
            rows.push(number()?);
        }
        for _ in 0..plan.two_people.len() {
            if number()? > 0 {
                return untraceable(
                    "a join pairs rows of different people, so a row is nobody's own",
                );
            }
        }
        let mut set: Vec<usize> = (0..plan.keys.len()).collect();
        if plan.sets.len() > 1 {
            for key in 0..plan.keys.len() {
                if number()? == 1 {
                    set.retain(|one| *one != key);
                }
            }
        }
        let set = plan.sets.iter().position(|one| *one == set);
        let set = set.and_then(|place| u16::try_from(place).ok());
        let visible = match number()? {
            1 => Visible::Shown,
            2 => Visible::Beyond,
            _ => Visible::Excluded,
        };
        let hash = match finest(plan) {
            Some(_) => number()?,
            None => 0,
        };
        let group = Group {
            key,
            set: set.ok_or(EvidenceError::Shape("a group of no grouping set"))?,
            visible,
            people: 0,
            rows: rows.first().copied().unwrap_or(0),
            values,
            behind: Vec::new(),
            magnitudes: Vec::new(),
            row_atoms: Vec::new(),
            person_atoms: Vec::new(),
        };
        Ok(Found {
            group,
            rows,
            quantiles: quantiles(plan).zip(found).collect(),
            hash,
        })
    }
}

/// A value that comes with the name of its type.
pub(super) fn typed(kind: Option<&Raw>, value: Option<&Raw>) -> Result<Datum, EvidenceError> {
    match (kind, value) {
        (Some(Raw::Text(kind)), Some(value)) => datum_of(kind, value),
        _ => Err(EvidenceError::Shape("a value without a type")),
    }
}

pub(super) fn whole(value: Option<&Raw>) -> Result<u64, EvidenceError> {
    let number = match value {
        Some(Raw::BigInt(n)) => u64::try_from(*n).ok(),
        Some(Raw::Int(n)) => u64::try_from(*n).ok(),
        Some(Raw::HugeInt(n)) => u64::try_from(*n).ok(),
        Some(Raw::UBigInt(n)) => Some(*n),
        _ => None,
    };
    number.ok_or(EvidenceError::Shape("a count that is no whole number"))
}

/// A value by the engine's name of its type and its text.
pub(super) fn datum_of(kind: &str, value: &Raw) -> Result<Datum, EvidenceError> {
    let text = match value {
        Raw::Null => return Ok(Datum::Missing),
        Raw::Text(text) => text.clone(),
        _ => return Err(EvidenceError::Shape("a value that is no text")),
    };
    Ok(match kind {
        "BOOLEAN" => Datum::Truth(text == "true"),
        "TINYINT" | "SMALLINT" | "INTEGER" | "BIGINT" | "HUGEINT" | "UTINYINT" | "USMALLINT"
        | "UINTEGER" | "UBIGINT" | "UHUGEINT" => Datum::Number(text),
        // The sign of "not a number" depends on how it came about; groups do not see it.
        "FLOAT" | "DOUBLE" if text.ends_with("nan") => Datum::Number("nan".to_owned()),
        "FLOAT" | "DOUBLE" => Datum::Number(text),
        other if other.starts_with("DECIMAL") => Datum::Number(text),
        _ => Datum::Text(text),
    })
}

/// Applies limit and offset to the groups that the condition leaves.
fn hide(plan: &Plan, groups: &mut [Found]) {
    let end = plan
        .limit
        .map_or(usize::MAX, |limit| plan.offset.saturating_add(limit));
    let left = groups
        .iter_mut()
        .filter(|found| found.group.visible == Visible::Shown);
    for (position, found) in left.enumerate() {
        if position < plan.offset || position >= end {
            found.group.visible = Visible::Beyond;
        }
    }
}

/// Refuses tables whose combinations of key values are more cells than are judged.
fn implied(
    plan: &Plan,
    groups: &[Found],
    measures: usize,
    limits: Limits,
) -> Result<(), EvidenceError> {
    if !matches!(plan.shown, Shown::All | Shown::First) {
        return Ok(());
    }
    let mut cells = measures.max(1);
    for position in 0..plan.keys.len() {
        let values: std::collections::BTreeSet<_> = groups
            .iter()
            .filter_map(|found| found.group.key.get(position))
            .collect();
        cells = cells.saturating_mul(values.len().max(1));
    }
    if cells > limits.max_cells {
        return Err(EvidenceError::TooManyCells {
            limit: limits.max_cells,
        });
    }
    Ok(())
}
