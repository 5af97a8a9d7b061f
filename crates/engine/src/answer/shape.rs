//! Names and types of a result before it is run, and the statement that writes it in the engine's own text.

use duckdb::Connection;

use crate::quote;

/// First words of statements that the engine takes as a table in parentheses.
const TABLES: [&str; 11] = [
    "select",
    "with",
    "from",
    "values",
    "table",
    "pivot",
    "unpivot",
    "describe",
    "desc",
    "show",
    "summarize",
];
/// Longest type that is named in full; an enumeration names all its values.
const TYPE_MAX: usize = 500;

/// The columns of a result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Shape {
    pub(super) columns: Vec<String>,
    /// The engine's type names.
    pub(super) types: Vec<String>,
}

/// What a statement will give, if it gives a table. Nothing is run for it but what the engine needs to
/// know the columns of a pivot.
pub(super) fn of(connection: &Connection, sql: &str) -> Option<Shape> {
    if !is_table(sql) {
        return None;
    }
    // A line end, so that a comment at the end hides no parenthesis.
    let describe =
        format!("select column_name, column_type from (describe from ({sql}\n) as answer)");
    let mut statement = connection.prepare(&describe).ok()?;
    let mut rows = statement.query([]).ok()?;
    let mut shape = Shape {
        columns: Vec::new(),
        types: Vec::new(),
    };
    while let Some(row) = rows.next().ok()? {
        shape.columns.push(row.get(0).ok()?);
        shape.types.push(shortened(row.get(1).ok()?));
    }
    Some(shape)
}

fn shortened(name: String) -> String {
    if name.len() <= TYPE_MAX {
        return name;
    }
    name.split('(').next().unwrap_or_default().to_owned()
}

fn is_table(sql: &str) -> bool {
    let sql = sql.trim_start_matches(|c: char| c == '(' || c.is_whitespace());
    let length = sql
        .bytes()
        .position(|byte| !byte.is_ascii_alphabetic())
        .unwrap_or(sql.len());
    let word = sql.get(..length).unwrap_or_default().to_ascii_lowercase();
    TABLES.contains(&word.as_str())
}

impl Shape {
    /// The statement with every value that JSON has no kind for cast to text by the engine itself; none if
    /// there is no such column.
    pub(super) fn as_text(&self, sql: &str) -> Option<String> {
        if self.types.iter().all(|name| travels(name)) {
            return None;
        }
        let name = |at: usize| quote::name(&format!("c{at}"));
        let (mut names, mut values) = (Vec::new(), Vec::new());
        for (at, kind) in self.types.iter().enumerate() {
            names.push(name(at));
            values.push(if travels(kind) {
                name(at)
            } else {
                format!("cast({} as varchar)", name(at))
            });
        }
        Some(format!(
            "select {} from ({sql}\n) as answer({})",
            values.join(", "),
            names.join(", ")
        ))
    }
}

/// Whether values of a type are a JSON number, truth value or text as they are.
fn travels(kind: &str) -> bool {
    matches!(
        kind,
        "BOOLEAN"
            | "TINYINT"
            | "SMALLINT"
            | "INTEGER"
            | "BIGINT"
            | "UTINYINT"
            | "USMALLINT"
            | "UINTEGER"
            | "UBIGINT"
            | "HUGEINT"
            | "UHUGEINT"
            | "FLOAT"
            | "DOUBLE"
            | "VARCHAR"
    ) || (kind.starts_with("DECIMAL(") && kind.ends_with(')'))
}
