//! The body of a statement frame: a head as JSON after its length, then the cells, row by row.
//!
//! Cells are not JSON: its readers round numbers of seventeen digits in the last place, and a cell that is a
//! list of lists must not even be parsed. A row is its count of cells (u32, little endian) and the cells; a
//! cell is a kind (u8) and, by kind, eight bytes of a number or a text after its length.

use serde::{Deserialize, Serialize};
use serde_json::{Number, Value};

use super::{FrameError, Kind};
use crate::limits::{Limit, Limits};
use crate::report::{Rows, StatementResult};

const NULL: u8 = 0;
const FALSE: u8 = 1;
const TRUE: u8 = 2;
const SIGNED: u8 = 3;
const UNSIGNED: u8 = 4;
const FLOAT: u8 = 5;
const TEXT: u8 = 6;
/// What is no scalar; no reader takes it.
const NOT_A_CELL: u8 = u8::MAX;

/// Everything but the cells.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Head {
    statement: u32,
    table: Option<Table>,
    error: Option<String>,
    killed: Option<Limit>,
    ms: u64,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    columns: Vec<String>,
    types: Vec<String>,
    truncated: bool,
    rows: u32,
}

fn malformed() -> FrameError {
    FrameError::Malformed(Kind::Statement.name())
}

fn over(limit: &'static str) -> FrameError {
    FrameError::Limit {
        kind: Kind::Statement.name(),
        limit,
    }
}

pub(super) fn encode(result: &StatementResult) -> Result<Vec<u8>, FrameError> {
    let table = result.result.as_ref().map(|rows| {
        Ok::<_, FrameError>(Table {
            columns: rows.columns.clone(),
            types: rows.types.clone(),
            truncated: rows.truncated,
            rows: u32::try_from(rows.rows.len()).map_err(|_| malformed())?,
        })
    });
    let head = Head {
        statement: result.statement,
        table: table.transpose()?,
        error: result.error.clone(),
        killed: result.killed,
        ms: result.ms,
    };
    let head = serde_json::to_vec(&head).map_err(|_| malformed())?;
    let mut out = Vec::with_capacity(head.len() + 4);
    put_bytes(&mut out, &head)?;
    for row in result.result.iter().flat_map(|rows| &rows.rows) {
        let width = u32::try_from(row.len()).map_err(|_| malformed())?;
        out.extend(width.to_le_bytes());
        for cell in row {
            put(&mut out, cell)?;
        }
    }
    Ok(out)
}

fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) -> Result<(), FrameError> {
    let length = u32::try_from(bytes.len()).map_err(|_| malformed())?;
    out.extend(length.to_le_bytes());
    out.extend(bytes);
    Ok(())
}

fn put(out: &mut Vec<u8>, cell: &Value) -> Result<(), FrameError> {
    match cell {
        Value::Null => out.push(NULL),
        Value::Bool(false) => out.push(FALSE),
        Value::Bool(true) => out.push(TRUE),
        Value::Number(number) => {
            let (kind, bytes) = if let Some(number) = number.as_i64() {
                (SIGNED, number.to_le_bytes())
            } else if let Some(number) = number.as_u64() {
                (UNSIGNED, number.to_le_bytes())
            } else {
                let number = number.as_f64().ok_or_else(malformed)?;
                (FLOAT, number.to_le_bytes())
            };
            out.push(kind);
            out.extend(bytes);
        }
        Value::String(text) => {
            out.push(TEXT);
            put_bytes(out, text.as_bytes())?;
        }
        Value::Array(_) | Value::Object(_) => out.push(NOT_A_CELL),
    }
    Ok(())
}

/// Bytes that are taken from the front, each piece only if it is there.
struct Left<'a>(&'a [u8]);

impl<'a> Left<'a> {
    fn take(&mut self, length: usize) -> Result<&'a [u8], FrameError> {
        let (piece, rest) = self.0.split_at_checked(length).ok_or_else(malformed)?;
        self.0 = rest;
        Ok(piece)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], FrameError> {
        self.take(N)?.try_into().map_err(|_| malformed())
    }

    fn length(&mut self) -> Result<u32, FrameError> {
        self.array().map(u32::from_le_bytes)
    }

    fn bytes(&mut self) -> Result<&'a [u8], FrameError> {
        let length = usize::try_from(self.length()?).map_err(|_| malformed())?;
        self.take(length)
    }

    fn cell(&mut self, limits: &Limits) -> Result<Value, FrameError> {
        let [kind] = self.array()?;
        Ok(match kind {
            NULL => Value::Null,
            FALSE => Value::Bool(false),
            TRUE => Value::Bool(true),
            SIGNED => i64::from_le_bytes(self.array()?).into(),
            UNSIGNED => u64::from_le_bytes(self.array()?).into(),
            FLOAT => Number::from_f64(f64::from_le_bytes(self.array()?))
                .map(Value::Number)
                .ok_or_else(malformed)?,
            TEXT => {
                let text = self.bytes()?;
                if u32::try_from(text.len()).map_or(true, |length| length > limits.cell_bytes) {
                    return Err(over(Limit::CellBytes.name()));
                }
                let text = std::str::from_utf8(text).map_err(|_| malformed())?;
                Value::String(text.to_owned())
            }
            _ => return Err(malformed()),
        })
    }
}

/// Nothing is allocated that the bytes do not hold, and nothing beyond the limits.
pub(super) fn decode(bytes: &[u8], limits: &Limits) -> Result<StatementResult, FrameError> {
    let mut left = Left(bytes);
    let head: Head = serde_json::from_slice(left.bytes()?).map_err(|_| malformed())?;
    let rows = head
        .table
        .map(|table| table_of(table, &mut left, limits))
        .transpose()?;
    if !left.0.is_empty() {
        return Err(malformed());
    }
    Ok(StatementResult {
        statement: head.statement,
        result: rows,
        error: head.error,
        killed: head.killed,
        ms: head.ms,
    })
}

fn table_of(table: Table, left: &mut Left<'_>, limits: &Limits) -> Result<Rows, FrameError> {
    let width = u32::try_from(table.columns.len()).map_err(|_| malformed())?;
    if width > limits.columns {
        return Err(over(Limit::Columns.name()));
    }
    if table.rows > limits.rows {
        return Err(over("rows"));
    }
    let mut rows = Vec::new();
    for _ in 0..table.rows {
        if left.length()? != width {
            return Err(malformed());
        }
        let mut row = Vec::with_capacity(table.columns.len());
        for _ in 0..width {
            row.push(left.cell(limits)?);
        }
        rows.push(row);
    }
    Ok(Rows {
        columns: table.columns,
        types: table.types,
        rows,
        truncated: table.truncated,
    })
}
