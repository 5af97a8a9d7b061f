//! Columns by name, and how each is read: as text, number, day or boolean, without an error for any value.

use super::{Condition, Literal, MeasureError, Operator, OrderKind, Plan};
use crate::quote;

/// A column as an expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Column {
    /// The name by which a request knows it.
    pub(super) name: String,
    /// Its table, if it comes from one.
    pub(super) table: Option<String>,
    /// The expression.
    pub(super) sql: String,
    /// Whether its declared type is a number's or a boolean's.
    pub(super) numeric: bool,
}

/// The columns that can be named at one layer.
#[derive(Debug, Clone, Default)]
pub(super) struct Columns(pub(super) Vec<Column>);

/// A number.
pub(super) fn double(value: f64) -> String {
    // Shortest digits that read back as the same number.
    format!("cast('{value:?}' as double)")
}

/// A date or time as a day number.
pub(super) fn day(text: &str) -> String {
    let time = format!("try_cast({text} as timestamp)");
    // Text may say infinity, which has no day.
    format!("case when isfinite({time}) then floor(epoch({time}) / 86400.0) end")
}

impl Column {
    /// As text.
    pub(super) fn text(&self) -> String {
        format!("cast({} as varchar)", self.sql)
    }

    /// As a finite number, else missing.
    pub(super) fn number(&self) -> String {
        let number = match self.numeric {
            true => format!("try_cast({} as double)", self.sql),
            false => format!("try_cast({} as double)", self.text()),
        };
        format!("case when isfinite({number}) then {number} end")
    }

    /// As a day number, else missing.
    fn day(&self) -> String {
        day(&self.text())
    }

    /// Whether it has a value: a number that is none has not.
    pub(super) fn present(&self) -> String {
        match self.numeric {
            true => format!("({}) is not null", self.number()),
            false => format!("({}) is not null", self.sql),
        }
    }

    pub(super) fn ordered(&self, order: OrderKind) -> String {
        match order {
            OrderKind::Date => self.day(),
            OrderKind::Number => self.number(),
        }
    }

    /// Read as literals of one kind are.
    pub(super) fn as_kind(&self, values: &[Literal]) -> String {
        match values.iter().find(|value| **value != Literal::Missing) {
            Some(Literal::Number(_)) => self.number(),
            Some(Literal::Boolean(_)) => format!("try_cast({} as boolean)", self.text()),
            Some(Literal::Date(_)) => self.day(),
            Some(Literal::Text(_) | Literal::Missing) | None => self.text(),
        }
    }
}

impl Columns {
    /// The columns of the plan's tables: `t0` is the measured one.
    pub(super) fn of_tables(
        connection: &duckdb::Connection,
        plan: &Plan,
    ) -> Result<(Self, Vec<String>), MeasureError> {
        let mut all = Vec::new();
        let mut units = Vec::new();
        for (at, table) in std::iter::once(&plan.table).chain(&plan.joins).enumerate() {
            let found = describe(connection, table)?;
            if found.is_empty() {
                return Err(MeasureError::UnknownTable(table.clone()));
            }
            let unit = found
                .iter()
                .find(|(name, _)| name.eq_ignore_ascii_case(&plan.unit))
                .ok_or_else(|| MeasureError::NoUnit(table.clone()))?;
            units.push(format!("cast(t{at}.{} as varchar)", quote::name(&unit.0)));
            for (name, kind) in found {
                all.push(Column {
                    sql: format!("t{at}.{}", quote::name(&name)),
                    numeric: is_numeric(&kind),
                    name,
                    table: Some(table.clone()),
                });
            }
        }
        Ok((Self(all), units))
    }

    /// A column by `name` or `table.name`.
    pub(super) fn find(&self, name: &str) -> Result<&Column, MeasureError> {
        let is = |column: &&Column| {
            let whole = column
                .table
                .as_ref()
                .map(|table| format!("{table}.{}", column.name));
            column.name.eq_ignore_ascii_case(name)
                || whole.is_some_and(|whole| whole.eq_ignore_ascii_case(name))
        };
        let mut found = self.0.iter().filter(is);
        match (found.next(), found.next()) {
            (Some(column), None) => Ok(column),
            (None, _) => Err(MeasureError::UnknownColumn(name.to_owned())),
            (Some(_), Some(_)) => Err(MeasureError::AmbiguousColumn(name.to_owned())),
        }
    }

    /// Conditions that are true or false, never missing.
    pub(super) fn conditions(&self, all: &[Condition]) -> Result<Vec<String>, MeasureError> {
        all.iter().map(|one| self.condition(one)).collect()
    }

    fn condition(&self, condition: &Condition) -> Result<String, MeasureError> {
        let column = self.find(&condition.column)?;
        let value = column.as_kind(&condition.values);
        let literals: Vec<String> = condition.values.iter().map(Literal::sql).collect();
        let list = literals.join(", ");
        let first = literals.first().map(String::as_str).unwrap_or("null");
        let last = literals.last().map(String::as_str).unwrap_or("null");
        let compared = match condition.op {
            Operator::Equal => format!("({value}) = {first}"),
            Operator::NotEqual => format!("({value}) != {first}"),
            Operator::Less => format!("({value}) < {first}"),
            Operator::AtMost => format!("({value}) <= {first}"),
            Operator::Greater => format!("({value}) > {first}"),
            Operator::AtLeast => format!("({value}) >= {first}"),
            Operator::In => format!("({value}) in ({list})"),
            Operator::NotIn => format!("({value}) not in ({list})"),
            Operator::Between => format!("({value}) between {first} and {last}"),
            Operator::IsNull => format!("not ({})", column.present()),
            Operator::IsNotNull => column.present(),
        };
        Ok(format!("coalesce({compared}, false)"))
    }
}

/// Names and declared types of a table's columns, as the engine spells them. They are part of the plan's
/// world, like a codebook: no row decides them (text files are read as text).
fn describe(
    connection: &duckdb::Connection,
    table: &str,
) -> Result<Vec<(String, String)>, MeasureError> {
    let mut statement = connection
        .prepare(
            "select column_name, data_type from duckdb_columns() \
             where lower(table_name) = lower(?) and schema_name = 'main' and not internal \
             and database_name not in ('temp', 'system') order by database_name, column_index",
        )
        .map_err(|_| MeasureError::Failed)?;
    let rows = statement
        .query_map([table], |row| Ok((row.get(0)?, row.get(1)?)))
        .map_err(|_| MeasureError::Failed)?;
    rows.collect::<Result<_, _>>()
        .map_err(|_| MeasureError::Failed)
}

fn is_numeric(kind: &str) -> bool {
    const KINDS: [&str; 13] = [
        "TINYINT",
        "SMALLINT",
        "INTEGER",
        "BIGINT",
        "HUGEINT",
        "UTINYINT",
        "USMALLINT",
        "UINTEGER",
        "UBIGINT",
        "UHUGEINT",
        "FLOAT",
        "DOUBLE",
        "BOOLEAN",
    ];
    KINDS.contains(&kind) || kind.starts_with("DECIMAL")
}
