//! The statements that cut one table, generated from its plan.

use std::collections::BTreeSet;

use super::{AGE_TOP, ColumnPlan, EVENT, Kind, PERSON, RowFilter, TablePlan, Transform, plan};
use crate::{EngineError, quote};

pub(super) struct Statements {
    /// Reads the payload into the engine's memory, only the columns that the plan names.
    pub(super) payload: String,
    /// Writes the finished table.
    pub(super) table: String,
    /// Columns of the finished table, in order.
    pub(super) columns: Vec<String>,
}

pub(super) fn generate(table: &TablePlan) -> Result<Statements, EngineError> {
    let mut columns = vec![PERSON.to_owned()];
    let mut parts = vec![format!("m.person as {}", quote::name(PERSON))];
    if table.events.is_some() {
        columns.push(EVENT.to_owned());
        parts.push(format!("e.event as {}", quote::name(EVENT)));
    }
    for column in &table.columns {
        columns.push(column.name.clone());
        parts.push(format!(
            "{} as {}",
            expression(table, column)?,
            quote::name(&column.name)
        ));
    }
    let mut seen = BTreeSet::new();
    for name in &columns {
        // The engine's names do not know case.
        if !seen.insert(name.to_lowercase()) {
            return Err(plan(&table.name, format!("column {name} is planned twice")));
        }
    }
    let mut conditions = Vec::with_capacity(table.rows.len());
    for filter in &table.rows {
        conditions.push(condition(table, filter)?);
    }
    let events = match &table.events {
        Some(_) => "join events e on e.row_number = p.\"strongroom row\"",
        None => "",
    };
    let filter = match conditions.is_empty() {
        true => String::new(),
        false => format!("where {}", conditions.join(" and ")),
    };
    Ok(Statements {
        payload: payload(table)?,
        table: format!(
            "create table extract.main.{} as select {} from payload p join map m on m.record = p.record {events} {filter} order by m.person, p.\"strongroom row\"",
            quote::name(&table.name),
            parts.join(", ")
        ),
        columns,
    })
}

fn payload(table: &TablePlan) -> Result<String, EngineError> {
    let mut used: BTreeSet<&str> = BTreeSet::new();
    for column in &table.columns {
        used.insert(&column.source);
        if let Transform::AgeAt { date } = &column.transform {
            used.insert(date);
        }
    }
    for filter in &table.rows {
        match filter {
            RowFilter::In { column, .. } | RowFilter::Between { column, .. } => used.insert(column),
        };
    }
    let mut columns = String::from("record, file_row_number as \"strongroom row\"");
    for name in used {
        // The cast fixes the type that the generated expressions rely on.
        let kind = kind(table, name)?;
        let name = quote::name(name);
        columns.push_str(&format!(
            ", cast({name} as {}) as {name}",
            engine_type(kind)
        ));
    }
    Ok(format!(
        "create or replace temp table payload as select {columns} from read_parquet({}, file_row_number = true)",
        quote::path(&table.payload)?
    ))
}

fn kind(table: &TablePlan, name: &str) -> Result<Kind, EngineError> {
    table
        .kinds
        .iter()
        .find(|(own, _)| own == name)
        .map(|(_, kind)| *kind)
        .ok_or_else(|| plan(&table.name, format!("its payload has no column {name}")))
}

fn engine_type(kind: Kind) -> &'static str {
    match kind {
        Kind::Text | Kind::Postcode => "varchar",
        Kind::Integer => "bigint",
        Kind::Number => "double",
        Kind::Date | Kind::DateOfBirth => "date",
    }
}

fn expression(table: &TablePlan, column: &ColumnPlan) -> Result<String, EngineError> {
    let kind = kind(table, &column.source)?;
    let refuse = |what: &str| Err(plan(&table.name, format!("column {}: {what}", column.name)));
    let source = format!("p.{}", quote::name(&column.source));
    Ok(match (&column.transform, kind) {
        (Transform::Keep, Kind::DateOfBirth) => {
            return refuse("a date of birth is never kept as it is");
        }
        (Transform::Keep, Kind::Postcode) => return refuse("a postcode is never kept as it is"),
        (Transform::Keep, Kind::Text | Kind::Integer | Kind::Number | Kind::Date) => source,
        (Transform::AgeAt { date }, Kind::Date | Kind::DateOfBirth) => {
            if !matches!(self::kind(table, date)?, Kind::Date | Kind::DateOfBirth) {
                return refuse("the age is wanted at a column that is not a date");
            }
            age(&source, &format!("p.{}", quote::name(date)))
        }
        (Transform::YearMonth, Kind::Date | Kind::DateOfBirth) => {
            format!("cast(date_trunc('month', {source}) as date)")
        }
        (Transform::Year, Kind::Date | Kind::DateOfBirth) => {
            format!("cast(year({source}) as integer)")
        }
        (Transform::PostcodeDistrict, Kind::Postcode) => format!("split_part({source}, ' ', 1)"),
        (Transform::PostcodeArea, Kind::Postcode) => format!("regexp_extract({source}, '^[A-Z]+')"),
        (Transform::Order, _) => format!(
            "cast(row_number() over (partition by m.person order by {source} asc nulls last, p.\"strongroom row\") as integer)"
        ),
        (Transform::AgeAt { .. } | Transform::YearMonth | Transform::Year, _) => {
            return refuse("its transform needs a date");
        }
        (Transform::PostcodeDistrict | Transform::PostcodeArea, _) => {
            return refuse("its transform needs a postcode");
        }
    })
}

/// Completed years. Written out, because the engine's own date arithmetic moves the ends of months.
fn age(birth: &str, at: &str) -> String {
    let years = format!(
        "year({at}) - year({birth}) - if(month({at}) * 100 + day({at}) < month({birth}) * 100 + day({birth}), 1, 0)"
    );
    // The engine's `least` passes over a missing value: without the condition it would give the top.
    format!("cast(case when {at} >= {birth} then least({years}, {AGE_TOP}) end as integer)")
}

fn condition(table: &TablePlan, filter: &RowFilter) -> Result<String, EngineError> {
    match filter {
        RowFilter::In { column, values } => {
            if values.is_empty() {
                return Err(plan(
                    &table.name,
                    format!("the condition on column {column} names no value"),
                ));
            }
            let mut list = Vec::with_capacity(values.len());
            for value in values {
                list.push(literal(table, column, value)?);
            }
            Ok(format!(
                "p.{} in ({})",
                quote::name(column),
                list.join(", ")
            ))
        }
        RowFilter::Between { column, from, to } => Ok(format!(
            "p.{} between {} and {}",
            quote::name(column),
            literal(table, column, from)?,
            literal(table, column, to)?
        )),
    }
}

/// An approved value, which is no value of a row, in the column's type.
fn literal(table: &TablePlan, column: &str, value: &str) -> Result<String, EngineError> {
    let kind = kind(table, column)?;
    let fits = match kind {
        Kind::Text | Kind::Postcode => !value.contains('\0'),
        Kind::Integer => value.parse::<i64>().is_ok(),
        Kind::Number => value.parse::<f64>().is_ok_and(f64::is_finite),
        Kind::Date | Kind::DateOfBirth => is_date(value),
    };
    if !fits {
        return Err(plan(
            &table.name,
            format!("the condition on column {column} has a value that is not of its type"),
        ));
    }
    Ok(format!(
        "cast({} as {})",
        quote::text(value),
        engine_type(kind)
    ))
}

/// The form only; a day that does not exist fails in the engine's cast.
fn is_date(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() == 10
        && bytes.iter().enumerate().all(|(index, byte)| match index {
            4 | 7 => *byte == b'-',
            _ => byte.is_ascii_digit(),
        })
}
