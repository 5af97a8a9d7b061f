//! The people behind every group: the rows of the statement, reduced to a cell, a person and numbers, are read
//! once and counted ([`super::tally`]).

use std::collections::BTreeMap;

use disclosure::{CountLevel, Datum, Kind};
use duckdb::arrow::array::{Array, Float64Array, Int64Array, StructArray, UInt64Array};
use duckdb::arrow::datatypes::DataType;
use serde_json::Value;

use super::node;
use super::plan::Plan;
use super::run::{Found, failed, limit_node, print, rows, typed};
use super::tally::{Counts, PartSpec, Row, Spec, Tally, missing, present, subtracts};
use super::{EvidenceError, Limits, Stop, untraceable};

/// The temporary table that numbers the cells.
const CELLS: &str = "strongroom_cells";
/// The most rows that are held at once while people are counted.
const ROWS_MAX: usize = 60_000_000;

pub(super) const TWO_ANSWERS: &str = "the statement gives different answers when it runs twice; order its windows by something unique";

/// Counts the people behind the groups and writes them into these.
pub(super) fn count(
    conn: &duckdb::Connection,
    plan: &Plan,
    groups: &mut [Found],
    limits: Limits,
    listed: Option<&mut Vec<u8>>,
) -> Result<(), Stop> {
    let kinds = kinds(conn, plan)?;
    let cells = match plan.keys.is_empty() {
        true => vec![Vec::new()],
        false => cells(conn, plan, limits)?,
    };
    let mut spec = spec(plan, groups, &cells)?;
    if listed.is_some() {
        spec.lists = plan.measures().map(|item| plan.counted_in(item)).collect();
    }
    let read = read(conn, plan, &kinds, cells.len(), spec);
    if !plan.keys.is_empty() {
        conn.execute_batch(&format!("drop table temp.main.{CELLS}"))
            .map_err(failed)?;
    }
    let mut lists = Vec::new();
    for (found, mut counts) in groups.iter_mut().zip(read?) {
        lists.append(&mut counts.lists);
        found.take(plan, counts)?;
    }
    if let Some(listed) = listed {
        for people in lists {
            listed.extend(
                u32::try_from(people.len())
                    .unwrap_or(u32::MAX)
                    .to_le_bytes(),
            );
            listed.extend(people.iter().flat_map(|unit| unit.to_le_bytes()));
        }
    }
    Ok(())
}

/// How a value becomes a number.
#[derive(Clone, Copy, PartialEq, Eq)]
enum ToNumber {
    Cast,
    Truth,
    Epoch,
    /// Text and the like: there is none.
    Not,
}

/// What the engine says the values are.
fn kinds(conn: &duckdb::Connection, plan: &Plan) -> Result<Vec<ToNumber>, Stop> {
    if plan.values.is_empty() {
        return Ok(Vec::new());
    }
    let named = plan.values.iter().enumerate();
    let list = named.map(|(i, value)| node::alias(value.clone(), &format!("v{i}")));
    let mut select = node::select(list.collect(), plan.from.clone(), None, None, 0);
    node::set(&mut select, "modifiers", serde_json::json!([limit_node(0)]));
    let sql = print(conn, select)?;
    let mut statement = conn.prepare(&sql).map_err(failed)?;
    drop(statement.query_arrow([]).map_err(failed)?);
    let fields = statement.schema();
    let kind = |field: &DataType| match field {
        DataType::Boolean => ToNumber::Truth,
        DataType::Date32 | DataType::Date64 | DataType::Timestamp(_, _) => ToNumber::Epoch,
        number if number.is_numeric() => ToNumber::Cast,
        _ => ToNumber::Not,
    };
    Ok(fields
        .fields()
        .iter()
        .map(|f| kind(f.data_type()))
        .collect())
}

/// Numbers the combinations of all keys in a temporary table, and reads them.
fn cells(conn: &duckdb::Connection, plan: &Plan, limits: Limits) -> Result<Vec<Vec<Datum>>, Stop> {
    let mut most = limits.max_cells;
    if plan.sets.iter().any(|set| set.len() < plan.keys.len()) {
        // Totals alone may be shown of keys with many values.
        most = most.saturating_mul(16);
    }
    let keys = plan.keys.iter().enumerate();
    let keys = keys
        .map(|(i, (_, key))| node::alias(key.clone(), &format!("k{i}")))
        .collect();
    let distinct = node::select(
        keys,
        plan.from.clone(),
        plan.condition.clone(),
        None,
        plan.keys.len(),
    );
    let distinct = print(conn, distinct)?;
    conn.execute_batch(&format!(
        "create or replace temp table {CELLS} as select *, row_number() over () - 1 as i from ({distinct}) limit {}",
        most.saturating_add(1)
    ))
    .map_err(failed)?;
    let list: Vec<String> = (0..plan.keys.len())
        .map(|i| format!("typeof(k{i}), cast(k{i} as varchar)"))
        .collect();
    let sql = format!(
        "select {} from temp.main.{CELLS} order by i",
        list.join(", ")
    );
    let found = rows(conn, &sql, 2 * plan.keys.len())?;
    if found.len() > most {
        return Err(EvidenceError::TooManyCells {
            limit: limits.max_cells,
        }
        .into());
    }
    let key = |row: &Vec<_>| {
        row.chunks(2)
            .map(|pair| typed(pair.first(), pair.get(1)))
            .collect()
    };
    Ok(found.iter().map(key).collect::<Result<_, _>>()?)
}

fn spec(plan: &Plan, groups: &[Found], cells: &[Vec<Datum>]) -> Result<Spec, Stop> {
    let places: BTreeMap<(u16, &[Datum]), u32> = (0_u32..)
        .zip(groups)
        .map(|(place, found)| ((found.group.set, found.group.key.as_slice()), place))
        .collect();
    if places.len() != groups.len() {
        return untraceable("two groups look the same when they are printed");
    }
    let mut groups_of = Vec::new();
    for (number, set) in (0_u16..).zip(&plan.sets) {
        let mut of_set = Vec::with_capacity(cells.len());
        for cell in cells {
            let totalled = (0..)
                .zip(cell)
                .map(|(place, value)| match set.contains(&place) {
                    true => value.clone(),
                    false => Datum::Missing,
                });
            let key: Vec<Datum> = totalled.collect();
            let Some(place) = places.get(&(number, key.as_slice())) else {
                return untraceable(TWO_ANSWERS);
            };
            of_set.push(*place);
        }
        groups_of.push(of_set);
    }
    let conditions = |level: Option<CountLevel>| -> Vec<(usize, usize)> {
        let counts = plan.counts.iter().enumerate();
        let of_level = counts.filter(|(_, (_, part))| level.is_none_or(|one| one == part.level));
        of_level
            .map(|(bit, (_, part))| (bit, part.condition))
            .collect()
    };
    let subtracts = subtracts(plan.counts.len());
    let parts = plan.parts.iter().map(|part| PartSpec {
        condition: part.condition,
        but: part.but,
        value: part.value,
        is_total: part.kind == Kind::Total,
        quantiles: match part.shown {
            Some(aggregate) => groups
                .iter()
                .map(|found| found.quantile(aggregate))
                .collect(),
            None => Vec::new(),
        },
    });
    Ok(Spec {
        conditions: plan.conditions.len(),
        values: plan.values.len(),
        parts: parts.collect(),
        row_counts: if subtracts {
            conditions(None)
        } else {
            Vec::new()
        },
        people_counts: if subtracts {
            conditions(Some(CountLevel::People))
        } else {
            Vec::new()
        },
        groups_of,
        groups: groups.len(),
        lists: Vec::new(),
    })
}

fn read(
    conn: &duckdb::Connection,
    plan: &Plan,
    kinds: &[ToNumber],
    cells: usize,
    spec: Spec,
) -> Result<Vec<Counts>, Stop> {
    let sql = print(conn, row_query(plan, kinds))?;
    let mut statement = conn.prepare(&sql).map_err(failed)?;
    // Streaming, so that the rows are held once. The iterator itself panics where `step` gives the error.
    drop(statement.stream_arrow([]).map_err(failed)?);
    let mut tally = Tally::new(spec);
    let mut held = 0;
    while let Some(batch) = statement.step().map_err(failed)? {
        held += batch.len();
        if held > ROWS_MAX {
            return untraceable(format!(
                "the statement is about more than {ROWS_MAX} rows, the most whose people are counted at once"
            ));
        }
        add(&mut tally, &batch, plan, cells)?;
    }
    Ok(tally.finish())
}

fn add(tally: &mut Tally, batch: &StructArray, plan: &Plan, cells: usize) -> Result<(), Stop> {
    let shape = || {
        Stop::from(EvidenceError::Shape(
            "rows of another kind than were asked for",
        ))
    };
    let column = |place: usize| batch.columns().get(place).ok_or_else(shape);
    let cell = column(0)?
        .as_any()
        .downcast_ref::<Int64Array>()
        .ok_or_else(shape)?;
    let unit = column(1)?
        .as_any()
        .downcast_ref::<UInt64Array>()
        .ok_or_else(shape)?;
    let mask = column(2)?
        .as_any()
        .downcast_ref::<Int64Array>()
        .ok_or_else(shape)?;
    let mut values = Vec::with_capacity(plan.values.len());
    for place in 0..plan.values.len() {
        let found = column(3 + place)?.as_any().downcast_ref::<Float64Array>();
        values.push(found.ok_or_else(shape)?);
    }
    let mut own = vec![0.0; values.len()];
    for row in 0..batch.len() {
        let number = u32::try_from(cell.value(row)).map_err(|_| shape())?;
        if index(number) >= cells || cell.is_null(row) || mask.is_null(row) {
            return untraceable(TWO_ANSWERS);
        }
        for (slot, array) in own.iter_mut().zip(&values) {
            *slot = match array.is_null(row) {
                true => missing(),
                false => present(array.value(row)),
            };
        }
        tally.add(&Row {
            cell: number,
            unit: unit.is_valid(row).then(|| unit.value(row)),
            mask: mask.value(row).cast_unsigned(),
            values: &own,
        });
    }
    Ok(())
}

fn index(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

/// Cell, person, mask of conditions and values of every row.
fn row_query(plan: &Plan, kinds: &[ToNumber]) -> Value {
    let own = |name: &str| node::column("b", name);
    let mut inner: Vec<Value> = Vec::new();
    for (i, (_, key)) in plan.keys.iter().enumerate() {
        inner.push(node::alias(key.clone(), &format!("k{i}")));
    }
    inner.push(node::alias(plan.unit.clone(), "u"));
    inner.push(node::alias(mask(plan), "m"));
    for (i, (value, kind)) in plan.values.iter().zip(kinds).enumerate() {
        inner.push(node::alias(number(value, *kind), &format!("v{i}")));
    }
    let base = node::select(inner, plan.from.clone(), plan.condition.clone(), None, 0);
    let base = node::derived(base, "b");
    let equal = (0..plan.keys.len()).map(|i| {
        let name = format!("k{i}");
        node::compare(
            "COMPARE_NOT_DISTINCT_FROM",
            own(&name),
            node::column("c", &name),
        )
    });
    let (from, cell) = match node::all(equal.collect()) {
        None => (base, node::as_type(node::number(0), "BIGINT")),
        Some(equal) => {
            let cells = node::table("temp", CELLS, "c");
            (
                node::join(base, cells, Some(equal), "INNER"),
                node::column("c", "i"),
            )
        }
    };
    let nobody = node::operator("OPERATOR_IS_NULL", vec![own("u")]);
    let hash = node::call("hash", vec![own("u")], None);
    let mut outer = vec![cell, node::when(nobody, node::null(), hash), own("m")];
    outer.extend((0..plan.values.len()).map(|i| own(&format!("v{i}"))));
    node::select(outer, from, None, None, 0)
}

/// A number whose bit i says whether the row satisfies condition i.
fn mask(plan: &Plan) -> Value {
    let mut sum = node::as_type(node::number(0), "BIGINT");
    for (bit, condition) in plan.conditions.iter().enumerate() {
        let weight = node::as_type(node::number(1_i64 << bit), "BIGINT");
        let none = node::as_type(node::number(0), "BIGINT");
        let term = match condition {
            Some(condition) => node::when(condition.clone(), weight, none),
            None => weight,
        };
        sum = node::call("+", vec![sum, term], None);
    }
    node::as_type(sum, "BIGINT")
}

fn number(value: &Value, kind: ToNumber) -> Value {
    let double = |value: Value| node::as_type(value, "DOUBLE");
    match kind {
        ToNumber::Cast => double(value.clone()),
        ToNumber::Truth => double(node::as_type(value.clone(), "INTEGER")),
        ToNumber::Epoch => double(node::call("epoch_ms", vec![value.clone()], None)),
        ToNumber::Not => {
            let there = node::operator("OPERATOR_IS_NOT_NULL", vec![value.clone()]);
            let nan = double(node::string("nan"));
            node::when(there, nan, double(node::null()))
        }
    }
}

impl Found {
    /// The value of a quantile as a number.
    fn quantile(&self, aggregate: usize) -> Option<f64> {
        let place = self
            .quantiles
            .iter()
            .find(|(index, _)| *index == aggregate)?;
        place
            .1
            .text()?
            .parse()
            .ok()
            .filter(|value: &f64| value.is_finite())
    }

    /// Takes what was counted, if it is of the rows that the table was computed from.
    fn take(&mut self, plan: &Plan, counts: Counts) -> Result<(), Stop> {
        if self
            .rows
            .iter()
            .zip(&counts.behind)
            .any(|(rows, behind)| *rows != behind.rows)
        {
            return untraceable(TWO_ANSWERS);
        }
        let group = &mut self.group;
        if let Some(all) = counts.behind.first() {
            (group.people, group.rows) = (all.people, all.rows);
        }
        group.behind = plan
            .measures()
            .map(|item| plan.behind(&item.aggregates, &counts.behind))
            .collect();
        group.magnitudes = counts.magnitudes;
        group.row_atoms = counts.row_atoms;
        group.person_atoms = counts.person_atoms;
        Ok(())
    }
}
