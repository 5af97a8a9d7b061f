//! A dummy extract: tables of the approved shape with made-up rows, to write code against before access.
//!
//! Everything comes from the plan, which comes from the catalogue: types, share of missing values, value
//! sets, ranges. No row of anybody is read. Every value of a value set occurs, also a rare one, and both
//! ends of a range, so that code meets them early; all tables draw their people from one pool, so that they
//! can be joined. Nothing else is like the data: no distribution, and no relation between columns.

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::path::Path;

use crate::connection::{Settings, execute, unlocked};
use crate::extract::PERSON;
use crate::{EngineError, quote};

/// Most rows of one dummy table.
pub const ROWS_MAX: u32 = 1_000_000;
/// Most tables.
pub const TABLES_MAX: usize = 100;
/// Most columns of one table.
pub const COLUMNS_MAX: usize = 2_000;
/// Most values of one value set.
pub const VALUES_MAX: usize = 10_000;

/// What a dummy extract holds.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// The same seed gives the same rows.
    pub seed: u64,
    /// People in the pool from which every table draws; at least 1.
    pub people: u32,
    /// The tables.
    pub tables: Vec<Table>,
}

/// One table: a column `person` and these.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    /// Its name.
    pub name: String,
    /// Rows.
    pub rows: u32,
    /// Columns after `person`, in order.
    pub columns: Vec<Column>,
}

/// One column.
#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// What its values are.
    pub values: Values,
    /// Missing values in a thousand rows; at most 1000.
    pub missing_per_mille: u32,
}

/// Values of a column, as the catalogue states them.
#[derive(Debug, Clone, PartialEq)]
pub enum Values {
    /// One of these texts; each occurs if there are as many rows.
    Set(Vec<String>),
    /// Text of no known values.
    Text,
    /// Whole numbers, both ends included.
    Integer {
        /// Lowest.
        from: i64,
        /// Highest.
        to: i64,
    },
    /// Finite numbers, both ends included.
    Number {
        /// Lowest.
        from: f64,
        /// Highest.
        to: f64,
    },
    /// Dates as `YYYY-MM-DD`, both ends included.
    Date {
        /// Earliest.
        from: String,
        /// Latest.
        to: String,
    },
}

/// Writes a dummy extract as a fresh database file.
///
/// # Errors
/// If the plan names something twice, a range is empty, a size is beyond its cap, or the file cannot be
/// written.
pub fn write(settings: &Settings, plan: &Plan, path: &Path) -> Result<(), EngineError> {
    validate(plan)?;
    let connection = unlocked(settings)?;
    let doing = "writing a dummy extract";
    execute(
        &connection,
        doing,
        &format!("attach {} as dummy", quote::path(path)?),
    )?;
    for table in &plan.tables {
        execute(&connection, doing, &statement(plan, table))?;
    }
    execute(&connection, doing, "detach dummy")
}

fn no(table: &str, what: impl Into<String>) -> EngineError {
    EngineError::Plan {
        table: table.to_owned(),
        what: what.into(),
    }
}

fn validate(plan: &Plan) -> Result<(), EngineError> {
    if plan.people == 0 {
        return Err(no("dummy", "a pool of people has at least one"));
    }
    if plan.tables.len() > TABLES_MAX {
        return Err(no(
            "dummy",
            format!("there are more than {TABLES_MAX} tables"),
        ));
    }
    let mut tables = BTreeSet::new();
    for table in &plan.tables {
        // The engine's names do not know case.
        if !tables.insert(table.name.to_lowercase()) {
            return Err(no(&table.name, "it is planned twice"));
        }
        if table.rows > ROWS_MAX {
            return Err(no(&table.name, format!("it has more than {ROWS_MAX} rows")));
        }
        if table.columns.len() > COLUMNS_MAX {
            return Err(no(
                &table.name,
                format!("it has more than {COLUMNS_MAX} columns"),
            ));
        }
        let mut columns = BTreeSet::from([PERSON.to_owned()]);
        for column in &table.columns {
            if !columns.insert(column.name.to_lowercase()) {
                return Err(no(
                    &table.name,
                    format!("column {} is planned twice", column.name),
                ));
            }
            column.validate().map_err(|what| no(&table.name, what))?;
        }
    }
    Ok(())
}

impl Column {
    fn validate(&self) -> Result<(), String> {
        let fault = match &self.values {
            Values::Set(values) if values.is_empty() => "has no value in its set",
            Values::Set(values) if values.len() > VALUES_MAX => "has too many values in its set",
            Values::Integer { from, to } if from > to => "has an empty range",
            // Also what is not finite is no range.
            Values::Number { from, to } if !(from <= to && (to - from).is_finite()) => {
                "has an empty range"
            }
            Values::Date { from, to } if !(is_date(from) && is_date(to) && from <= to) => {
                "has an empty range of dates"
            }
            _ if self.missing_per_mille > 1000 => "has more missing values than rows",
            Values::Set(_)
            | Values::Text
            | Values::Integer { .. }
            | Values::Number { .. }
            | Values::Date { .. } => return Ok(()),
        };
        Err(format!("column {} {fault}", self.name))
    }

    /// The value of a row. `i` is the row's number from 0; `u` gives a number that follows from row and column.
    fn expression(&self, u: &str) -> String {
        let range = |first: String, last: String, between: String| {
            format!("case i when 0 then {first} when 1 then {last} else {between} end")
        };
        let value = match &self.values {
            Values::Set(values) => {
                let set: Vec<String> = values.iter().map(|value| quote::text(value)).collect();
                let count = values.len();
                format!(
                    "([{}])[1 + (if(i < {count}, i::ubigint, {u} // 1000 % {count}))::bigint]",
                    set.join(", ")
                )
            }
            Values::Text => format!("'text ' || ({u} // 1000 % 1000)"),
            Values::Integer { from, to } => range(
                format!("({from})::bigint"),
                format!("({to})::bigint"),
                format!(
                    "(({from})::hugeint + ({u} // 1000)::hugeint % (({to})::hugeint - ({from})::hugeint + 1))::bigint"
                ),
            ),
            Values::Number { from, to } => range(
                format!("{from:?}::double"),
                format!("{to:?}::double"),
                format!(
                    "{from:?}::double + ({to:?}::double - {from:?}::double) * (({u} // 1000) % 1000001) / 1000000"
                ),
            ),
            Values::Date { from, to } => {
                let date = |day: &str| format!("{}::date", quote::text(day));
                let (from, to) = (date(from), date(to));
                range(
                    from.clone(),
                    to.clone(),
                    format!("{from} + (({u} // 1000) % ({to} - {from} + 1))::integer"),
                )
            }
        };
        // What must occur is there before anything is missing.
        let kept = match &self.values {
            Values::Set(values) => values.len(),
            Values::Text => 0,
            Values::Integer { .. } | Values::Number { .. } | Values::Date { .. } => 2,
        };
        let missing = self.missing_per_mille;
        let kept = if missing == 1000 { 0 } else { kept };
        format!("case when i >= {kept} and {u} % 1000 < {missing} then null else {value} end")
    }
}

fn is_date(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let shape = parts.iter().map(|part| part.len()).eq([4, 2, 2]);
    shape
        && parts
            .iter()
            .all(|part| part.bytes().all(|byte| byte.is_ascii_digit()))
}

fn statement(plan: &Plan, table: &Table) -> String {
    let random = |column: &str| {
        let name = quote::text(&format!("{}.{column}", table.name));
        format!("hash(i, {name}, {}::ubigint)", plan.seed)
    };
    let mut parts = vec![format!(
        "md5('dummy ' || {}::ubigint || ' ' || ({} % {})) as {}",
        plan.seed,
        random(""),
        plan.people,
        quote::name(PERSON)
    )];
    for column in &table.columns {
        let value = column.expression(&random(&column.name));
        parts.push(format!("{value} as {}", quote::name(&column.name)));
    }
    format!(
        "create table dummy.main.{} as select {} from range({}) as rows(i)",
        quote::name(&table.name),
        parts.join(", "),
        table.rows
    )
}
