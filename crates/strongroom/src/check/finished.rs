//! `strongroom check FILE…`: finished files. CSV and Parquet are read in the sealed worker; nothing else is opened.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use disclosure::inspect::{ColumnShape, Finished, IDENTIFIERS, Shape};
use protocol::report::Rows;
use serde_json::Value;
use service::Policies;

use crate::files::{DataFiles, profile};
use crate::problem::Problem;
use crate::sql::answers;

/// The name of a file's table in the worker.
const TABLE: &str = "finished";
/// Most files of one call, and most columns of one that are looked at.
const FILES_MAX: usize = 100;
const COLUMNS_MAX: usize = 500;

/// Looks at each file.
///
/// # Errors
/// If one cannot be read, or is not what its ending says.
pub(super) fn seen(
    files: &[PathBuf],
    minimum: u64,
    policies: &Policies,
) -> Result<Vec<Finished>, Problem> {
    if files.len() > FILES_MAX {
        return Err(Problem::could_not(format!(
            "more than {FILES_MAX} files are inspected one call after the other"
        )));
    }
    let one = |path: &PathBuf| {
        Ok(Finished {
            name: path.display().to_string(),
            shape: shape(path, minimum, policies)?,
        })
    };
    files.iter().map(one).collect()
}

fn shape(path: &Path, minimum: u64, policies: &Policies) -> Result<Shape, Problem> {
    let ending = path.extension().and_then(|ending| ending.to_str());
    let kind = ending.unwrap_or_default().to_ascii_lowercase();
    if !["csv", "parquet"].contains(&kind.as_str()) {
        return match path.is_file() {
            true => Ok(Shape::Closed { kind }),
            false => Err(Problem::could_not(format!(
                "{} cannot be read: there is no such file",
                path.display()
            ))),
        };
    }
    let mut argument = OsString::from(format!("{TABLE}="));
    argument.push(path);
    let files = DataFiles::find(&[argument])?;
    let profile = profile(policies, "sandbox/sql.toml")?;
    let ask = |sql: String| answers(&files, sql, &profile);
    let header = ask(format!("select * from {TABLE} limit 0"))?;
    if header.columns.len() > COLUMNS_MAX {
        return Err(Problem::could_not(format!(
            "{} has more than {COLUMNS_MAX} columns, the most that are looked at",
            path.display()
        )));
    }
    let counted = ask(statement(&header, minimum))?;
    let numbers: Vec<u64> = counted
        .rows
        .first()
        .map_or(&[][..], Vec::as_slice)
        .iter()
        .map(number)
        .collect();
    let (first, rest) = numbers.split_first().ok_or_else(strange)?;
    let columns = header.columns.iter().zip(&header.types);
    let shapes = columns.zip(rest.chunks(4 + IDENTIFIERS.len()));
    let columns: Option<Vec<ColumnShape>> =
        shapes.map(|(column, found)| of(column, found)).collect();
    Ok(Shape::Table {
        rows: *first,
        columns: columns.ok_or_else(strange)?,
    })
}

fn strange() -> Problem {
    Problem::could_not("the worker did not answer what it was asked")
}

/// Counts come as numbers or, where they are long, as text.
fn number(value: &Value) -> u64 {
    let text = value.as_str().and_then(|text| text.parse().ok());
    value.as_u64().or(text).unwrap_or(0)
}

fn of((name, kind): (&String, &String), found: &[u64]) -> Option<ColumnShape> {
    let [values, distinct, small, health_numbers, identifiers @ ..] = found else {
        return None;
    };
    Some(ColumnShape {
        name: name.clone(),
        values: *values,
        distinct: *distinct,
        can_name: !["DOUBLE", "FLOAT", "DATE", "BOOLEAN"].contains(&kind.as_str()),
        small: *small,
        health_numbers: *health_numbers,
        identifiers: identifiers.to_vec(),
    })
}

/// One statement counts everything that is asked of every column.
fn statement(header: &Rows, minimum: u64) -> String {
    let mut list = vec!["count(*)".to_owned()];
    for name in &header.columns {
        let column = format!("\"{}\"", name.replace('"', "\"\""));
        let text = format!("trim(cast({column} as varchar))");
        list.push(format!("count({column})"));
        list.push(format!("count(distinct {column})"));
        list.push(format!(
            "count_if(try_cast({text} as bigint) between 1 and {} and not contains({text}, '.'))",
            minimum.saturating_sub(1)
        ));
        list.push(format!("count_if({})", health_number(&text)));
        for (_, pattern) in IDENTIFIERS {
            let pattern = pattern.replace('\'', "''");
            list.push(format!("count_if(regexp_full_match({text}, '{pattern}'))"));
        }
    }
    format!("select {} from {TABLE}", list.join(", "))
}

/// Ten digits, blanks or hyphens between them, of which the last is eleven less the weighted sum modulo eleven.
fn health_number(text: &str) -> String {
    let digits = format!("regexp_replace({text}, '[ -]', '', 'g')");
    let digit = |place: u32| format!("try_cast(substr({digits}, {place}, 1) as integer)");
    let sum: Vec<String> = (1..10)
        .map(|place| format!("{} * {}", 11 - place, digit(place)))
        .collect();
    format!(
        "regexp_full_match({digits}, '[0-9]{{10}}') and (11 - ({}) % 11) % 11 = {}",
        sum.join(" + "),
        digit(10)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_that_is_not_opened_is_named_and_a_missing_file_is_a_problem() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("book.xlsx");
        std::fs::write(&path, "PK").unwrap();
        let policies = Policies::load(None).unwrap();
        let found = shape(&path, 10, &policies).unwrap();
        assert_eq!(
            found,
            Shape::Closed {
                kind: "xlsx".into()
            }
        );
        assert!(shape(&folder.path().join("none.pdf"), 10, &policies).is_err());
    }
}
