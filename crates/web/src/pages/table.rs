//! The table under review: the very bytes that would leave, and beside each value how many people are behind
//! it and what the machine found.

mod lines;

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value};
use service::ServiceError;

use super::workspace_report::rule;
use lines::{Line, lines};

/// The output checker's rendering of a disclosure report.
#[derive(Debug, Deserialize)]
pub(crate) struct Report {
    outputs: Vec<Table>,
    findings: Vec<Finding>,
    policy: Policy,
}

#[derive(Debug, Deserialize)]
struct Table {
    columns: Vec<String>,
    rows: Vec<Vec<Value>>,
    cells: Vec<Cell>,
    treated_rows: Vec<Vec<Value>>,
}

#[derive(Debug, Clone, Deserialize)]
struct Cell {
    key: Map<String, Value>,
    column: String,
    people: u64,
    status: String,
    findings: Vec<Finding>,
}

/// One thing that the machine found.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Finding {
    rule: String,
    /// The reason; it may hold counts, so it is for output checkers alone.
    pub(crate) detail: String,
}

#[derive(Debug, Deserialize)]
struct Policy {
    name: String,
    sha256: String,
    #[serde(default)]
    raised_minimum: Option<u64>,
}

impl Finding {
    /// The rule in plain words.
    pub(crate) fn rule(&self) -> &str {
        rule(&self.rule)
    }
}

impl Report {
    /// Reads a report; nothing where there is none any more.
    ///
    /// # Errors
    /// If it is not one: then nothing of it is shown.
    pub(crate) fn read(report: Value) -> Result<Option<Self>, ServiceError> {
        if report.is_null() {
            return Ok(None);
        }
        serde_json::from_value(report)
            .map(Some)
            .map_err(|_| ServiceError::Uncheckable("the report cannot be read".into()))
    }

    /// What concerns the whole table.
    pub(crate) fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// The policy that was applied, with the hash of its file.
    pub(crate) fn policy(&self) -> String {
        let raised = self
            .policy
            .raised_minimum
            .map_or_else(String::new, |minimum| {
                format!(", raised to at least {minimum} people by the approval")
            });
        format!(
            "{}, SHA-256 {}{raised}",
            self.policy.name, self.policy.sha256
        )
    }
}

/// Which version of the table the bytes are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Version {
    /// As it is.
    Exact,
    /// As treated.
    Treated,
}

/// The table as a page shows it.
#[derive(Debug)]
pub(crate) struct Reviewed {
    /// Names of the columns, as they stand in the bytes.
    pub(crate) columns: Vec<String>,
    /// Its rows.
    pub(crate) rows: Vec<Row>,
    /// Cells that are not among the rows: left out by the treatment, formed by subtraction, or empty.
    pub(crate) elsewhere: Vec<Elsewhere>,
    /// What can be said of each column at a glance.
    pub(crate) columns_at_a_glance: Vec<Glance>,
    /// Whether people and findings could be put beside the values.
    pub(crate) matched: Matched,
}

/// Whether the bytes are the rows that the machine checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Matched {
    /// Row for row.
    Yes,
    /// There is no report (any more).
    NoReport,
    /// They are not: nobody should vote on this.
    No,
}

impl Matched {
    pub(crate) fn is_no(self) -> bool {
        self == Self::No
    }
}

/// A row with its number.
#[derive(Debug)]
pub(crate) struct Row {
    /// From 1.
    pub(crate) number: usize,
    /// Its values.
    pub(crate) values: Vec<Shown>,
}

/// A value and what is known of it.
#[derive(Debug, Default)]
pub(crate) struct Shown {
    /// As in the bytes; nothing for a missing value.
    pub(crate) text: Option<String>,
    /// People behind it; nothing for a group's name.
    pub(crate) people: Option<u64>,
    /// `ok`, `primary`, `secondary` or `review`; empty for a group's name.
    pub(crate) status: String,
    /// Why it is not ok.
    pub(crate) findings: Vec<Finding>,
}

/// A cell without a place among the rows.
#[derive(Debug)]
pub(crate) struct Elsewhere {
    /// Its groups, such as `hospital: North`.
    pub(crate) place: String,
    /// Its column, or the subtraction that forms it.
    pub(crate) column: String,
    /// People behind it.
    pub(crate) people: u64,
    /// As in [`Shown::status`].
    pub(crate) status: String,
    /// Why it is not ok.
    pub(crate) findings: Vec<Finding>,
}

/// A measured column at a glance.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Glance {
    /// Its name.
    pub(crate) column: String,
    /// Cells among the rows.
    pub(crate) cells: usize,
    /// How many of them are not ok.
    pub(crate) not_ok: usize,
    /// Fewest people behind one of them.
    pub(crate) fewest: u64,
    /// Most.
    pub(crate) most: u64,
}

impl Shown {
    /// Class of its cell, besides what is written in it.
    pub(crate) fn class(&self) -> &'static str {
        class(&self.status)
    }

    /// What its status means; empty where there is nothing to say.
    pub(crate) fn meaning(&self) -> &'static str {
        meaning(&self.status)
    }
}

impl Elsewhere {
    /// What its status means.
    pub(crate) fn meaning(&self) -> &'static str {
        meaning(&self.status)
    }
}

fn class(status: &str) -> &'static str {
    match status {
        "primary" => "strongroom-cell--primary",
        "secondary" => "strongroom-cell--secondary",
        "review" => "strongroom-cell--review",
        _ => "",
    }
}

fn meaning(status: &str) -> &'static str {
    match status {
        "primary" => "Not safe",
        "secondary" => "Protects another",
        "review" => "For you to judge",
        _ => "",
    }
}

/// The bytes as tables, an empty line between two, with the report beside each.
///
/// # Errors
/// If the bytes are no tables: then there is nothing to vote on.
pub(crate) fn reviewed(
    bytes: &[u8],
    report: Option<&Report>,
    version: Version,
) -> Result<Vec<Reviewed>, ServiceError> {
    let lines = lines(bytes).ok_or_else(unreadable)?;
    let Some(report) = report else {
        let tables = lines.split(is_between);
        return tables
            .map(|table| plain(table, Matched::NoReport))
            .collect();
    };
    let mut rest = lines.as_slice();
    let mut tables = Vec::new();
    for (number, checked) in report.outputs.iter().enumerate() {
        if number > 0 {
            rest = match rest.split_first() {
                Some((between, more)) if is_between(between) => more,
                // They are the rows of nothing that was checked.
                Some(_) | None => return Ok(vec![plain(&lines, Matched::No)?]),
            };
        }
        let is_last = number + 1 == report.outputs.len();
        let own = match is_last {
            true => rest.len(),
            false => (version.rows(checked).len() + 1).min(rest.len()),
        };
        let (own, more) = rest.split_at(own);
        tables.push(beside(own, checked, version)?);
        rest = more;
    }
    Ok(tables)
}

fn unreadable() -> ServiceError {
    ServiceError::Uncheckable("the bytes under review are not a table".into())
}

/// Whether a line stands between two tables. One of a table has a comma or a value.
fn is_between(line: &Line) -> bool {
    matches!(line.as_slice(), [None])
}

impl Version {
    /// The rows of this version of a table.
    fn rows(self, table: &Table) -> &[Vec<Value>] {
        match self {
            Self::Exact => &table.rows,
            Self::Treated => &table.treated_rows,
        }
    }
}

/// Names of columns and rows of as many fields each.
fn parted(lines: &[Line]) -> Result<(Vec<String>, &[Line]), ServiceError> {
    let (header, rows) = lines.split_first().ok_or_else(unreadable)?;
    let columns = header.iter().cloned().map(Option::unwrap_or_default);
    let columns: Vec<String> = columns.collect();
    match rows.iter().all(|row| row.len() == columns.len()) {
        true => Ok((columns, rows)),
        false => Err(unreadable()),
    }
}

/// A table with nothing beside it.
fn plain(lines: &[Line], matched: Matched) -> Result<Reviewed, ServiceError> {
    let (columns, lines) = parted(lines)?;
    let rows = lines
        .iter()
        .map(|line| line.iter().cloned().map(bare).collect());
    Ok(Reviewed {
        columns,
        rows: numbered(rows),
        elsewhere: Vec::new(),
        columns_at_a_glance: Vec::new(),
        matched,
    })
}

/// A table with what was found of it beside it.
fn beside(lines: &[Line], table: &Table, version: Version) -> Result<Reviewed, ServiceError> {
    let (columns, own) = parted(lines)?;
    let checked = version.rows(table);
    let same = table.columns.len() == columns.len()
        && checked.len() == own.len()
        && checked.iter().all(|row| row.len() == columns.len());
    let mut cells = Cells::of(&table.cells);
    if !same {
        return Ok(Reviewed {
            elsewhere: cells.rest(),
            ..plain(lines, Matched::No)?
        });
    }
    let rows = own.iter().cloned().zip(checked);
    let rows = numbered(rows.map(|(line, row)| cells.beside(line, row, &table.columns)));
    Ok(Reviewed {
        columns_at_a_glance: glances(&columns, &rows),
        columns,
        rows,
        elsewhere: cells.rest(),
        matched: Matched::Yes,
    })
}

fn bare(text: Option<String>) -> Shown {
    Shown {
        text,
        ..Shown::default()
    }
}

fn numbered(rows: impl IntoIterator<Item = Vec<Shown>>) -> Vec<Row> {
    let counted = (1..).zip(rows);
    counted
        .map(|(number, values)| Row { number, values })
        .collect()
}

type Place = (Vec<(String, String)>, String);

/// The cells of a report by group and column, as far as no row has taken them.
struct Cells {
    by_place: BTreeMap<Place, Vec<Cell>>,
    order: Vec<Place>,
    keys: Vec<String>,
}

impl Cells {
    fn of(cells: &[Cell]) -> Self {
        let mut by_place: BTreeMap<Place, Vec<Cell>> = BTreeMap::new();
        let mut order = Vec::new();
        let mut keys: Vec<String> = Vec::new();
        for cell in cells {
            for name in cell.key.keys() {
                if !keys.contains(name) {
                    keys.push(name.clone());
                }
            }
            let place = (groups(&cell.key), cell.column.clone());
            order.push(place.clone());
            by_place.entry(place).or_default().push(cell.clone());
        }
        // In the order of the report, from the front.
        for cells in by_place.values_mut() {
            cells.reverse();
        }
        Self {
            by_place,
            order,
            keys,
        }
    }

    /// A line of the bytes with the cells of its row beside it.
    fn beside(
        &mut self,
        line: Vec<Option<String>>,
        row: &[Value],
        columns: &[String],
    ) -> Vec<Shown> {
        let named = columns.iter().zip(row);
        let key: Map<String, Value> = named
            .filter(|(name, _)| self.keys.contains(name))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        let groups = groups(&key);
        let values = line.into_iter().zip(columns);
        values
            .map(|(text, column)| {
                let cell = self
                    .by_place
                    .get_mut(&(groups.clone(), column.clone()))
                    .and_then(Vec::pop);
                match cell {
                    Some(cell) => Shown {
                        text,
                        people: Some(cell.people),
                        status: cell.status,
                        findings: cell.findings,
                    },
                    None => bare(text),
                }
            })
            .collect()
    }

    /// Cells that no row took, in the order of the report.
    fn rest(mut self) -> Vec<Elsewhere> {
        let order = std::mem::take(&mut self.order);
        let taken = order.into_iter().filter_map(|place| {
            let cell = self.by_place.get_mut(&place)?.pop()?;
            Some(Elsewhere {
                place: place_of(&cell.key),
                column: cell.column,
                people: cell.people,
                status: cell.status,
                findings: cell.findings,
            })
        });
        taken.collect()
    }
}

/// A key in an order that does not depend on how it was sent.
fn groups(key: &Map<String, Value>) -> Vec<(String, String)> {
    let mut groups: Vec<(String, String)> = key
        .iter()
        .map(|(name, value)| (name.clone(), value.to_string()))
        .collect();
    groups.sort();
    groups
}

fn place_of(key: &Map<String, Value>) -> String {
    if key.is_empty() {
        return "the whole table".into();
    }
    let groups: Vec<String> = key
        .iter()
        .map(|(name, value)| match value {
            Value::Null => format!("{name}: all"),
            Value::String(text) => format!("{name}: {text}"),
            Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
                format!("{name}: {value}")
            }
        })
        .collect();
    groups.join(", ")
}

fn glances(columns: &[String], rows: &[Row]) -> Vec<Glance> {
    let mut glances = Vec::new();
    for (index, column) in columns.iter().enumerate() {
        let measured = || rows.iter().filter_map(|row| row.values.get(index));
        let people = || measured().filter_map(|value| value.people);
        let (Some(fewest), Some(most)) = (people().min(), people().max()) else {
            continue;
        };
        glances.push(Glance {
            column: column.clone(),
            cells: people().count(),
            not_ok: measured().filter(|value| !value.class().is_empty()).count(),
            fewest,
            most,
        });
    }
    glances
}

#[cfg(test)]
mod tests;
