//! Parsing, printing and running: the only place that talks to the engine.

use disclosure::{
    Class, Column, Counted, Datum, Evidence, Further, Group, Place, Shown, Union, Visible,
};
use duckdb::types::Value as Raw;
use serde_json::{Value, json};

use super::node::{self, text};
use super::plan::Plan;
use super::query::{finest, quantiles, table_query};
use super::{EvidenceError, Limits, Listing, Stop, lineage, people, untraceable};
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

/// Runs the plans of tables that stand one under the other, of most statements one, and puts the evidence together.
/// People are listed in the order of [`Evidence::tables`].
pub(super) fn execute(
    conn: &duckdb::Connection,
    sql: &str,
    (first, under): (&Plan, &[Plan]),
    union: Option<Union>,
    limits: Limits,
    listing: Listing<'_>,
) -> Result<Evidence, Stop> {
    let tables = std::iter::once(first).chain(under);
    let inside: Vec<&Plan> = tables.flat_map(Plan::inside).collect();
    let mut listed = match listing {
        Listing::Always(listed) => Some(listed),
        Listing::OfSeveral(listed) if !(inside.is_empty() && under.is_empty()) => Some(listed),
        Listing::OfSeveral(_) | Listing::Never => None,
    };
    let mut one = |plan: &Plan| table(conn, sql, plan, limits, listed.as_deref_mut());
    let mut further = Vec::new();
    for plan in inside {
        let (place, table) = (Place::Inside, one(plan)?);
        further.push(Further { place, table });
    }
    let mut evidence = one(first)?;
    for plan in under {
        let (place, table) = (Place::Under, one(plan)?);
        further.push(Further { place, table });
    }
    evidence.further = further;
    evidence.union = union;
    Ok(evidence)
}

/// Runs a plan.
fn table(
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
        sources: match plan.sources {
            0 | 1 => Vec::new(),
            _ => plan.counts.iter().map(|(_, part)| part.source).collect(),
        },
        further: Vec::new(),
        lineage: Some(lineage::of(plan)),
        looking: plan.looking(),
        union: None,
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
        for condition in &plan.two_people {
            if number()? > 0 {
                return untraceable(match node::text(condition, "type") {
                    "OPERATOR_IS_NULL" => {
                        "a full join of tables of groups is on keys that are missing in some rows"
                    }
                    _ => "a join pairs rows of different people, so a row is nobody's own",
                });
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
