//! The tables of the extract.

use std::cell::Cell;
use std::collections::BTreeSet;

use super::{EvidenceError, Stop, each, expr, measure, run, untraceable};
use crate::quote;

/// The most tables and subqueries of one statement, each use counted.
const RELATIONS_MAX: u32 = 24;

/// A table's name and columns as the engine spells them.
#[derive(Debug, Clone)]
pub(super) struct Table {
    /// The attached database that holds it.
    pub(super) database: String,
    pub(super) name: String,
    pub(super) columns: Vec<String>,
}

/// What the connection holds.
pub(super) struct Catalog<'a> {
    conn: &'a duckdb::Connection,
    /// The unit's column, in lower case.
    pub(super) unit: String,
    relations: Cell<u32>,
}

impl<'a> Catalog<'a> {
    /// # Errors
    /// A connection that defines functions of its own under the names we rely on is
    /// refused: they could replace `count`.
    pub(super) fn new(conn: &'a duckdb::Connection, unit: &str) -> Result<Self, Stop> {
        let own: BTreeSet<String> = run::texts(
            conn,
            "select distinct lower(function_name) from duckdb_functions() where not internal",
            &[],
        )?
        .into_iter()
        .collect();
        let relied_on = expr::scalars()
            .chain(measure::names())
            .chain(each::names())
            .chain(["hash", "epoch_ms", "row_number", "typeof"]);
        if let Some(name) = relied_on.into_iter().find(|name| own.contains(*name)) {
            return untraceable(format!("the connection defines {name} anew"));
        }
        Ok(Self {
            conn,
            unit: unit.to_ascii_lowercase(),
            relations: Cell::new(0),
        })
    }

    /// A number for the next relation.
    pub(super) fn next(&self) -> Result<u32, Stop> {
        let number = self.relations.get();
        if number >= RELATIONS_MAX {
            return untraceable(format!(
                "the statement uses more than {RELATIONS_MAX} tables and subqueries"
            ));
        }
        self.relations.set(number + 1);
        Ok(number)
    }

    /// How many relations were numbered; what is read to see whether it can be is read again.
    pub(super) fn mark(&self) -> u32 {
        self.relations.get()
    }

    /// Forgets the relations after a [`Self::mark`].
    pub(super) fn reset(&self, mark: u32) {
        self.relations.set(mark);
    }

    /// Looks a table up, without regard to case as the engine does.
    pub(super) fn table(&self, name: &str) -> Result<Table, Stop> {
        let hidden = run::texts(
            self.conn,
            "select table_name from duckdb_columns() where lower(table_name) = lower(?) \
             and database_name = 'temp' limit 1",
            &[name],
        )?;
        if !hidden.is_empty() {
            return untraceable(format!("{name} is a temporary table"));
        }
        let mut databases = run::texts(
            self.conn,
            "select distinct database_name from duckdb_columns() \
             where lower(table_name) = lower(?) and schema_name = 'main' and not internal \
             and database_name not in ('temp', 'system') order by 1",
            &[name],
        )?;
        let Some(database) = databases.pop() else {
            return Err(EvidenceError::UnknownTable(name.to_owned()).into());
        };
        if !databases.is_empty() {
            return untraceable(format!("there are several tables named {name}"));
        }
        let columns = run::texts(
            self.conn,
            "select column_name from duckdb_columns() where lower(table_name) = lower(?) \
             and database_name = ? and schema_name = 'main' order by column_index",
            &[name, &database],
        )?;
        Ok(Table {
            database,
            name: name.to_owned(),
            columns,
        })
    }

    /// Whether the columns together are unique and never null in a table.
    pub(super) fn is_key(&self, table: &Table, columns: &[String]) -> Result<IsKey, Stop> {
        let names: Vec<String> = columns.iter().map(|name| quote::name(name)).collect();
        let present: Vec<String> = names
            .iter()
            .map(|name| format!("{name} is not null"))
            .collect();
        let table = format!(
            "{}.main.{}",
            quote::name(&table.database),
            quote::name(&table.name)
        );
        let sql = format!(
            "select case when (select count(*) from {table}) = (select count(*) from \
             (select distinct {} from {table} where {})) then 'unique' else 'repeats' end",
            names.join(", "),
            present.join(" and "),
        );
        let answer = run::texts(self.conn, &sql, &[])?;
        Ok(match answer.first().map(String::as_str) {
            Some("unique") => IsKey::Unique,
            Some(_) | None => IsKey::Repeats,
        })
    }
}

/// Whether columns identify the rows of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum IsKey {
    Unique,
    Repeats,
}
