//! Running a statement and writing its result as JSON values, within caps.

mod shape;
#[cfg(test)]
mod tests;
mod types;

use duckdb::arrow::array::{
    Array, ArrayRef, BooleanArray, Decimal128Array, Float32Array, Float64Array, Int8Array,
    Int16Array, Int32Array, Int64Array, StructArray, UInt8Array, UInt16Array, UInt32Array,
    UInt64Array, make_array,
};
use duckdb::arrow::datatypes::DataType;
use duckdb::arrow::util::display::{ArrayFormatter, FormatOptions};
use serde_json::Value;

use crate::Connection;
use crate::error::words;

/// Caps of one result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Caps {
    /// Rows; more are cut off.
    pub rows: usize,
    /// Columns; more are an error.
    pub columns: usize,
    /// Bytes of one cell; more are an error.
    pub cell_bytes: usize,
    /// Bytes of the result as JSON; more rows are cut off.
    pub result_bytes: usize,
}

/// Rows of a statement.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// Column names.
    pub columns: Vec<String>,
    /// The engine's type names.
    pub types: Vec<String>,
    /// Values: null, bool, number, or text. A number that JSON readers would round is text.
    pub rows: Vec<Vec<Value>>,
    /// Whether rows were cut off.
    pub truncated: bool,
}

/// How a statement ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// It ran.
    Rows(Answer),
    /// It did not; the engine's own words, which may hold values: for its author only.
    Error(String),
    /// It was interrupted.
    Interrupted,
    /// It needed more memory than the engine may use.
    OutOfMemory,
    /// It needed more scratch space than the engine may use.
    OutOfDisk,
    /// The engine failed without a word: an exception left its C interface. Its own carry words, so this is
    /// an allocation that was refused, or an interrupt that came while it cleaned up.
    Wordless,
    /// The engine failed inside and answers nothing any more; it must be opened anew.
    Unfit,
    /// Its result is larger than a cap allows.
    OutOfBounds(Bound),
}

/// The cap that a result met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bound {
    /// [`Caps::columns`].
    Columns,
    /// [`Caps::cell_bytes`].
    CellBytes,
    /// [`Caps::result_bytes`], by the names of the columns alone.
    ResultBytes,
}

enum No {
    /// A cap.
    Bound(Bound),
    /// In our own words.
    Unshown(&'static str),
}

/// Room kept for the frame around the rows, in bytes.
const FRAME_BYTES: usize = 256;

impl Connection {
    /// Runs one statement.
    pub fn run(&self, sql: &str, caps: &Caps) -> Outcome {
        match fetch(self.raw(), sql, caps) {
            Ok(Ok(answer)) => Outcome::Rows(answer),
            Ok(Err(No::Bound(bound))) => Outcome::OutOfBounds(bound),
            Ok(Err(No::Unshown(why))) => Outcome::Error(why.to_owned()),
            Err(duckdb::Error::DuckDBFailure(_, None)) if self.answers() => Outcome::Wordless,
            Err(duckdb::Error::DuckDBFailure(_, None)) => Outcome::Unfit,
            Err(error) => match ended(words(&error)) {
                Outcome::Error(_) if !self.answers() => Outcome::Unfit,
                outcome => outcome,
            },
        }
    }

    /// Whether the engine answers at all. Logging into a file that may not be written, for one, makes every
    /// later statement fail. A transaction that was broken by its own statement is no such thing.
    fn answers(&self) -> bool {
        match self.raw().execute_batch("select 1") {
            Ok(()) => true,
            Err(error) => words(&error).starts_with("TransactionContext Error"),
        }
    }
}

fn ended(text: String) -> Outcome {
    if text.starts_with("INTERRUPT Error") {
        return Outcome::Interrupted;
    }
    // After these the engine answers nothing any more.
    if text.starts_with("FATAL Error") || text.starts_with("INTERNAL Error") {
        return Outcome::Unfit;
    }
    // A full file system is told by the words of the C library, full scratch space as memory, with the name of
    // the setting; memory that the kernel refuses by the words of the C++ library.
    let of_memory = text.starts_with("Out of Memory Error");
    let full = text.starts_with("IO Error") && text.contains("No space left on device");
    if full || (of_memory && text.contains("max_temp_directory_size")) {
        return Outcome::OutOfDisk;
    }
    if of_memory || text.ends_with("std::bad_alloc") {
        return Outcome::OutOfMemory;
    }
    Outcome::Error(text)
}

type Capped<T> = Result<T, No>;

fn fetch(
    connection: &duckdb::Connection,
    sql: &str,
    caps: &Caps,
) -> duckdb::Result<Capped<Answer>> {
    let shape = shape::of(connection, sql);
    if shape
        .as_ref()
        .is_some_and(|shape| shape.columns.len() > caps.columns)
    {
        return Ok(Err(No::Bound(Bound::Columns)));
    }
    let text = shape
        .as_ref()
        .and_then(|shape| shape.as_text(sql))
        .and_then(|text| connection.prepare(&text).ok());
    let mut statement = match text {
        Some(statement) => statement,
        None => connection.prepare(sql)?,
    };
    // Streaming, so that a result of any size costs only the rows that are kept. The iterator itself is
    // not used: it panics where `step` gives the error.
    drop(statement.stream_arrow([])?);
    let schema = statement.schema();
    let width = schema.fields().len();
    if width > caps.columns {
        return Ok(Err(No::Bound(Bound::Columns)));
    }
    let logical: Vec<_> = (0..width)
        .map(|index| statement.column_logical_type(index))
        .collect();
    let wide: Vec<bool> = logical.iter().map(types::is_unsigned_huge).collect();
    let (columns, types) = match shape.filter(|shape| shape.columns.len() == width) {
        Some(shape) => (shape.columns, shape.types),
        None => (
            schema.fields().iter().map(|f| f.name().clone()).collect(),
            logical.iter().map(types::name).collect(),
        ),
    };
    let mut answer = Answer {
        columns,
        types,
        rows: Vec::new(),
        truncated: false,
    };
    let mut bytes = FRAME_BYTES;
    for text in answer.columns.iter().chain(&answer.types) {
        bytes += json_bytes(text);
    }
    if bytes > caps.result_bytes {
        return Ok(Err(No::Bound(Bound::ResultBytes)));
    }
    while let Some(batch) = statement.step()? {
        match append(&mut answer, &mut bytes, &batch, &wide, caps) {
            Ok(More::Wanted) => {}
            Ok(More::Full) => break,
            Err(no) => return Ok(Err(no)),
        }
    }
    Ok(Ok(answer))
}

enum More {
    Wanted,
    Full,
}

fn append(
    answer: &mut Answer,
    bytes: &mut usize,
    batch: &StructArray,
    wide: &[bool],
    caps: &Caps,
) -> Capped<More> {
    let options = FormatOptions::new().with_display_error(false);
    let arrays: Vec<ArrayRef> = batch.columns().iter().map(without_zone).collect();
    let mut writers = Vec::with_capacity(arrays.len());
    for (array, wide) in arrays.iter().zip(wide) {
        let writer = ArrayFormatter::try_new(array.as_ref(), &options)
            .map_err(|_| No::Unshown("a column of the result has a type that cannot be shown"))?;
        writers.push((array, writer, *wide));
    }
    for row in 0..batch.len() {
        if answer.rows.len() >= caps.rows {
            answer.truncated = true;
            return Ok(More::Full);
        }
        let mut cells = Vec::with_capacity(writers.len());
        let mut row_bytes = 4;
        for (array, writer, wide) in &writers {
            let cell = value(array, row, writer, *wide)
                .ok_or(No::Unshown("a value of the result cannot be shown"))?;
            let length = cell_length(&cell);
            if length > caps.cell_bytes {
                return Err(No::Bound(Bound::CellBytes));
            }
            row_bytes += match &cell {
                Value::String(text) => json_bytes(text),
                Value::Null
                | Value::Bool(_)
                | Value::Number(_)
                | Value::Array(_)
                | Value::Object(_) => {
                    // The hatch counts 8 bytes for each of these.
                    (length + 1).max(8)
                }
            };
            cells.push(cell);
        }
        if *bytes + row_bytes > caps.result_bytes {
            answer.truncated = true;
            return Ok(More::Full);
        }
        *bytes += row_bytes;
        answer.rows.push(cells);
    }
    Ok(More::Wanted)
}

/// Bytes of a text in JSON: quotes, a comma, and up to six bytes for what must be escaped.
fn json_bytes(text: &str) -> usize {
    3 + text
        .bytes()
        .map(|byte| match byte {
            b'"' | b'\\' => 2,
            0..=0x1F => 6,
            _ => 1,
        })
        .sum::<usize>()
}

fn cell_length(cell: &Value) -> usize {
    match cell {
        Value::String(text) => text.len(),
        other => other.to_string().len(),
    }
}

/// Timestamps with a time zone are instants in UTC; shown without a zone table, marked `+00`.
fn without_zone(array: &ArrayRef) -> ArrayRef {
    let DataType::Timestamp(unit, Some(_)) = array.data_type() else {
        return array.clone();
    };
    let plain = DataType::Timestamp(*unit, None);
    match array.to_data().into_builder().data_type(plain).build() {
        Ok(data) => make_array(data),
        Err(_) => array.clone(),
    }
}

fn as_array<T: 'static>(array: &ArrayRef) -> Option<&T> {
    array.as_any().downcast_ref::<T>()
}

/// One cell. `None` when the engine's library cannot write it.
fn value(array: &ArrayRef, row: usize, writer: &ArrayFormatter<'_>, wide: bool) -> Option<Value> {
    if array.is_null(row) {
        return Some(Value::Null);
    }
    Some(match array.data_type() {
        DataType::Boolean => Value::Bool(as_array::<BooleanArray>(array)?.value(row)),
        DataType::Int8 => as_array::<Int8Array>(array)?.value(row).into(),
        DataType::Int16 => as_array::<Int16Array>(array)?.value(row).into(),
        DataType::Int32 => as_array::<Int32Array>(array)?.value(row).into(),
        DataType::Int64 => as_array::<Int64Array>(array)?.value(row).into(),
        DataType::UInt8 => as_array::<UInt8Array>(array)?.value(row).into(),
        DataType::UInt16 => as_array::<UInt16Array>(array)?.value(row).into(),
        DataType::UInt32 => as_array::<UInt32Array>(array)?.value(row).into(),
        DataType::UInt64 => as_array::<UInt64Array>(array)?.value(row).into(),
        DataType::Float32 => {
            let number = as_array::<Float32Array>(array)?.value(row);
            // By its shortest text: widened bit by bit, 0.1 would become 0.10000000149011612.
            float(
                number.to_string().parse().unwrap_or(f64::NAN),
                f64::from(number),
            )
        }
        DataType::Float64 => {
            let number = as_array::<Float64Array>(array)?.value(row);
            float(number, number)
        }
        DataType::Decimal128(_, 0) => {
            let number = as_array::<Decimal128Array>(array)?.value(row);
            whole(number, wide)
        }
        DataType::Decimal128(..) | DataType::Decimal64(..) | DataType::Decimal32(..) => {
            decimal(writer.value(row).try_to_string().ok()?)
        }
        DataType::Timestamp(..) => {
            Value::String(writer.value(row).try_to_string().ok()?.replace('T', " "))
        }
        _ => Value::String(writer.value(row).try_to_string().ok()?),
    })
}

fn float(shown: f64, number: f64) -> Value {
    let text = || {
        let text = if number.is_nan() {
            "NaN"
        } else if number > 0.0 {
            "Infinity"
        } else {
            "-Infinity"
        };
        Value::String(text.to_owned())
    };
    serde_json::Number::from_f64(shown).map_or_else(text, Value::Number)
}

/// HUGEINT and DECIMAL without a fraction: a number when 64 bits hold it.
fn whole(number: i128, wide: bool) -> Value {
    if wide {
        // UHUGEINT travels in the same 128 bits.
        let number = number.cast_unsigned();
        return u64::try_from(number)
            .map_or_else(|_| Value::String(number.to_string()), Value::from);
    }
    i64::try_from(number).map_or_else(|_| Value::String(number.to_string()), Value::from)
}

/// A decimal is a number when it has at most 15 digits: then a reader's 64-bit number gives the same
/// digits back. Otherwise text.
fn decimal(text: String) -> Value {
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    let number = text
        .parse::<f64>()
        .ok()
        .and_then(serde_json::Number::from_f64);
    match number {
        Some(number) if digits <= 15 => Value::Number(number),
        Some(_) | None => Value::String(text),
    }
}
