//! The people behind every group: the rows of the statement, reduced to a cell, a person and numbers, are read
//! once and counted ([`super::tally`]).
//!
//! A row comes with the engine's hash of its keys, by which its cell is found.

use std::collections::BTreeMap;

use disclosure::{CountLevel, Datum, Kind};
use duckdb::arrow::array::{Array, ArrayRef, Float64Array, Int64Array, StructArray, UInt64Array};
use duckdb::arrow::datatypes::DataType;
use serde_json::Value;

use super::node;
use super::plan::{Plan, ValuePart};
use super::query::{finest, hash_of, limit_node};
use super::run::{Found, failed, print, rows, typed, whole};
use super::tally::{Counts, Holds, PartSpec, Row, Spec, Tally, missing, present, subtracts};
use super::{EvidenceError, Limits, Stop, quantiles, untraceable};

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
    let cells = cells(conn, plan, groups, limits)?;
    let mut spec = spec(plan, groups, &cells)?;
    if listed.is_some() {
        spec.lists = plan.measures().map(|item| plan.counted_in(item)).collect();
    }
    let places = Places::of(&cells)?;
    let tally = Tally::new(spec, expected(groups), limits.memory_mib);
    let read = read(conn, plan, &kinds, &places, tally)?;
    let mut lists = Vec::new();
    for (found, mut counts) in groups.iter_mut().zip(read) {
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

/// A combination of all keys, and the engine's hash of it.
struct Cell {
    key: Vec<Datum>,
    hash: u64,
}

/// The cells, which are groups where the table shows the combinations of all keys.
fn cells(
    conn: &duckdb::Connection,
    plan: &Plan,
    groups: &[Found],
    limits: Limits,
) -> Result<Vec<Cell>, Stop> {
    if plan.keys.is_empty() {
        let key = Vec::new();
        return Ok(vec![Cell { key, hash: 0 }]);
    }
    let Some(finest) = finest(plan) else {
        return cells_apart(conn, plan, limits);
    };
    let of_finest = groups.iter().filter(|found| found.group.set == finest);
    Ok(of_finest
        .map(|found| Cell {
            key: found.group.key.clone(),
            hash: found.hash,
        })
        .collect())
}

/// The cells of a table of totals alone.
fn cells_apart(conn: &duckdb::Connection, plan: &Plan, limits: Limits) -> Result<Vec<Cell>, Stop> {
    // Totals alone may be shown of keys with many values.
    let most = limits.max_cells.saturating_mul(16);
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
    let own = |i: usize| node::column("d", &format!("k{i}"));
    let mut list = vec![hash_of(plan, "d")];
    for i in 0..plan.keys.len() {
        list.push(node::call("typeof", vec![own(i)], None));
        list.push(node::as_text(own(i)));
    }
    let mut select = node::select(list, node::derived(distinct, "d"), None, None, 0);
    let limit = limit_node(most.saturating_add(1));
    node::set(&mut select, "modifiers", serde_json::json!([limit]));
    let sql = print(conn, select)?;
    let found = rows(conn, &sql, 1 + 2 * plan.keys.len())?;
    if found.len() > most {
        return Err(EvidenceError::TooManyCells {
            limit: limits.max_cells,
        }
        .into());
    }
    let cell = |row: &Vec<_>| {
        let (hash, key) = row.split_first().ok_or(EvidenceError::Shape("no hash"))?;
        let key = key
            .chunks(2)
            .map(|pair| typed(pair.first(), pair.get(1)))
            .collect::<Result<_, _>>()?;
        Ok(Cell {
            key,
            hash: whole(Some(hash))?,
        })
    };
    Ok(found
        .iter()
        .map(cell)
        .collect::<Result<_, EvidenceError>>()?)
}

/// The number of each cell by its hash, open addressing by the low bits.
struct Places {
    slots: Vec<Option<(u64, u32)>>,
    cells: usize,
}

impl Places {
    fn of(cells: &[Cell]) -> Result<Self, Stop> {
        let mut slots = vec![None; (4 * cells.len().max(1)).next_power_of_two()];
        for (number, cell) in (0_u32..).zip(cells) {
            let mut slot = Self::first(&slots, cell.hash);
            while let Some(Some((hash, _))) = slots.get(slot) {
                if *hash == cell.hash {
                    return untraceable("two groups have one hash and cannot be told apart");
                }
                slot = (slot + 1) & (slots.len() - 1);
            }
            if let Some(free) = slots.get_mut(slot) {
                *free = Some((cell.hash, number));
            }
        }
        Ok(Self {
            slots,
            cells: cells.len(),
        })
    }

    fn first(slots: &[Option<(u64, u32)>], hash: u64) -> usize {
        let low = hash & (slots.len() as u64 - 1);
        usize::try_from(low).unwrap_or(0)
    }

    fn find(&self, hash: u64) -> Option<u32> {
        let mut slot = Self::first(&self.slots, hash);
        while let Some(Some((known, number))) = self.slots.get(slot) {
            if *known == hash {
                return Some(*number);
            }
            slot = (slot + 1) & (self.slots.len() - 1);
        }
        None
    }
}

/// How many rows will come: those of the largest grouping set's groups.
fn expected(groups: &[Found]) -> usize {
    let mut of_sets: BTreeMap<u16, u64> = BTreeMap::new();
    for found in groups {
        *of_sets.entry(found.group.set).or_default() += found.group.rows;
    }
    let most = of_sets.into_values().max().unwrap_or(0);
    usize::try_from(most).unwrap_or(usize::MAX)
}

fn spec(plan: &Plan, groups: &[Found], cells: &[Cell]) -> Result<Spec, Stop> {
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
                .zip(&cell.key)
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
        is_mode: part.kind == Kind::Mode,
        centers: centers(plan, groups, part),
        quantiles: match part.shown {
            Some(aggregate) => groups
                .iter()
                .map(|found| found.quantile(aggregate))
                .collect(),
            None => Vec::new(),
        },
    });
    Ok(Spec {
        conditions: holds(plan),
        values: plan.values.len(),
        parts: parts.collect(),
        row_counts: if subtracts {
            conditions(None)
        } else {
            Vec::new()
        },
        people_counts: if subtracts {
            // People can be in several joined tables, rows cannot.
            conditions((plan.sources < 2).then_some(CountLevel::People))
        } else {
            Vec::new()
        },
        groups_of,
        groups: groups.len(),
        lists: Vec::new(),
    })
}

/// The medians from which a part counts deviations, group by group; none if it counts values.
fn centers(plan: &Plan, groups: &[Found], part: &ValuePart) -> Option<Vec<Option<f64>>> {
    let shown = part.shown.and_then(|index| plan.aggregates.get(index))?;
    let median = quantiles::center(&shown.call)?;
    let mut aggregates = plan.aggregates.iter();
    let place = aggregates.position(|one| one.call == median);
    let center = |found: &Found| found.quantile(place?);
    Some(groups.iter().map(center).collect())
}

fn read(
    conn: &duckdb::Connection,
    plan: &Plan,
    kinds: &[ToNumber],
    places: &Places,
    mut tally: Tally,
) -> Result<Vec<Counts>, Stop> {
    let sql = print(conn, row_query(plan, kinds))?;
    let mut statement = conn.prepare(&sql).map_err(failed)?;
    // Streaming, so that the rows are held once. The iterator itself panics where `step` gives the error.
    drop(statement.stream_arrow([]).map_err(failed)?);
    while let Some(batch) = statement.step().map_err(failed)? {
        add(&mut tally, &batch, plan, places)?;
        if let Some(memory_mib) = tally.is_too_large() {
            return untraceable(format!(
                "the rows that the statement is about take more than the limit memory_mib, {memory_mib}, while their people are counted"
            ));
        }
    }
    Ok(tally.finish())
}

fn add(tally: &mut Tally, batch: &StructArray, plan: &Plan, places: &Places) -> Result<(), Stop> {
    let shape = || EvidenceError::Shape("rows of another kind than were asked for");
    let mut columns = batch.columns().iter();
    let unit = downcast::<UInt64Array>(columns.next()).ok_or_else(shape)?;
    let hash = match plan.keys.is_empty() {
        true => None,
        false => Some(downcast::<UInt64Array>(columns.next()).ok_or_else(shape)?),
    };
    let marks = match marked(plan).next() {
        None => None,
        Some(_) => Some(downcast::<Int64Array>(columns.next()).ok_or_else(shape)?),
    };
    let values: Option<Vec<&Float64Array>> = columns.map(|one| downcast(Some(one))).collect();
    let values = values.ok_or_else(shape)?;
    if values.len() != plan.values.len() {
        return Err(shape().into());
    }
    let mut own = vec![0.0; values.len()];
    for row in 0..batch.len() {
        let cell = match hash {
            // Nothing is grouped: there is one cell.
            None => (places.cells == 1).then_some(0),
            Some(hash) => places.find(hash.value(row)),
        };
        let marks = match marks {
            Some(marks) if marks.is_null(row) => None,
            Some(marks) => Some(marks.value(row).cast_unsigned()),
            None => Some(0),
        };
        let (Some(cell), Some(marks)) = (cell, marks) else {
            return untraceable(TWO_ANSWERS);
        };
        for (slot, array) in own.iter_mut().zip(&values) {
            *slot = match array.is_null(row) {
                true => missing(),
                false => present(array.value(row)),
            };
        }
        tally.add(&Row {
            cell,
            unit: unit.is_valid(row).then(|| unit.value(row)),
            marks,
            values: &own,
        });
    }
    Ok(())
}

fn downcast<T: 'static>(column: Option<&ArrayRef>) -> Option<&T> {
    column?.as_any().downcast_ref()
}

/// Person, hash of the keys, marks of conditions and values of every row.
fn row_query(plan: &Plan, kinds: &[ToNumber]) -> Value {
    let own = |name: &str| node::column("b", name);
    let mut inner: Vec<Value> = Vec::new();
    for (i, (_, key)) in plan.keys.iter().enumerate() {
        inner.push(node::alias(key.clone(), &format!("k{i}")));
    }
    inner.push(node::alias(plan.unit.clone(), "u"));
    let marks = marks(plan);
    if let Some(marks) = &marks {
        inner.push(node::alias(marks.clone(), "m"));
    }
    for (i, (value, kind)) in plan.values.iter().zip(kinds).enumerate() {
        inner.push(node::alias(number(value, *kind), &format!("v{i}")));
    }
    let base = node::select(inner, plan.from.clone(), plan.condition.clone(), None, 0);
    let nobody = node::operator("OPERATOR_IS_NULL", vec![own("u")]);
    let hash = node::call("hash", vec![own("u")], None);
    let mut outer = vec![node::when(nobody, node::null(), hash)];
    outer.extend((!plan.keys.is_empty()).then(|| hash_of(plan, "b")));
    outer.extend(marks.map(|_| own("m")));
    outer.extend((0..plan.values.len()).map(|i| own(&format!("v{i}"))));
    node::select(outer, node::derived(base, "b"), None, None, 0)
}

/// How each condition is known: most are that there is a value, which the value itself says.
pub(super) fn holds(plan: &Plan) -> Vec<Holds> {
    let holds = |condition: &Option<Value>| {
        let Some(condition) = condition else {
            return Holds::Always;
        };
        let is_present = |value: &Value| *condition == node::present(value.clone());
        let value = plan.values.iter().position(is_present);
        value.map_or(Holds::Marked, Holds::WithValue)
    };
    plan.conditions.iter().map(holds).collect()
}

/// The conditions that must be tried on each row, with their bits.
fn marked(plan: &Plan) -> impl Iterator<Item = (usize, &Value)> {
    let conditions = plan.conditions.iter().enumerate().zip(holds(plan));
    conditions.filter_map(|((bit, condition), holds)| match holds {
        Holds::Marked => Some((bit, condition.as_ref()?)),
        Holds::Always | Holds::WithValue(_) => None,
    })
}

/// A number whose bit i says whether the row satisfies condition i, of those that must be tried.
fn marks(plan: &Plan) -> Option<Value> {
    let number = |value: i64| node::as_type(node::number(value), "BIGINT");
    let terms = marked(plan)
        .map(|(bit, condition)| node::when(condition.clone(), number(1_i64 << bit), number(0)));
    let sum = terms.reduce(|sum, term| node::call("+", vec![sum, term], None))?;
    Some(node::as_type(sum, "BIGINT"))
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
