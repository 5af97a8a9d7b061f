//! CSV, read strictly (RFC 4180 with a header line, UTF-8, comma).
//!
//! RFC 4180 lets the last line go without a line break. In a delivery that is refused: a file cut off
//! inside its last field looks just the same, and what a delivery holds is kept for years. Programs that
//! export tables end every line. Files of one's own ([`check`]) are taken as the standard has them.
//!
//! Two passes. The first walks the bytes and finds what a forgiving reader would paper over: quotes that
//! never close or stand where none may, empty lines, NUL, cells over the limit. The second lets the
//! `csv` crate cut the fields, which on what is left has one meaning only.

mod rows;
mod shape;
#[cfg(test)]
mod tests;

use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::Path;

pub use rows::rows;

use crate::table::expect_columns;
use crate::{Frame, FrameError, Limits, Strings};

const BUFFER: usize = 1 << 20;
const BOM: [u8; 3] = [0xEF, 0xBB, 0xBF];

/// Reads a delivery into text columns: it has exactly the columns `declared`, in any order, and its last
/// line ends in a line break. A byte order mark is accepted.
///
/// # Errors
/// One sentence with row and column when the file is not fit, or a limit by its name. A column is named
/// only when it is declared: where the header line is missing, its "names" are values.
pub fn read(path: &Path, declared: &[&str], limits: &Limits) -> Result<Frame, FrameError> {
    let mut columns: Vec<Strings> = Vec::new();
    let accept = |header: &[String]| {
        let names: Vec<&str> = header.iter().map(String::as_str).collect();
        expect_columns(&names, declared)
    };
    let walked = walk(path, limits, accept, |index, cell| {
        if index >= columns.len() {
            columns.resize_with(index + 1, Strings::new);
        }
        columns
            .get_mut(index)
            .map_or(Ok(()), |column| column.push(cell))
    })?;
    if !walked.shape.ends_with_line_break {
        return Err(FrameError::row(
            walked.shape.rows,
            "is the last and has no line break at its end, so it may be cut off: end it with a line break if it is whole",
        ));
    }
    Ok(Frame {
        columns: walked.header.into_iter().zip(columns).collect(),
    })
}

/// Finds what makes a file of one's own unfit and keeps nothing. Gives the column names.
///
/// # Errors
/// One sentence with row and column, or a limit by its name.
pub fn check(path: &Path, limits: &Limits) -> Result<Vec<String>, FrameError> {
    walk(path, limits, |_| Ok(()), |_, _| Ok(())).map(|walked| walked.header)
}

/// What is known of a file whose every cell was met.
struct Walked {
    header: Vec<String>,
    shape: shape::Shape,
}

/// Calls `accept` with the column names before any of them is told, then `cell` with column index and text
/// for every cell, row by row.
fn walk(
    path: &Path,
    limits: &Limits,
    accept: impl FnOnce(&[String]) -> Result<(), FrameError>,
    mut cell: impl FnMut(usize, &str) -> Result<(), FrameError>,
) -> Result<Walked, FrameError> {
    if limits.check_file(path)? == 0 {
        return Err(FrameError::file(
            "the file is empty: a header line with column names is needed",
        ));
    }
    refuse_other_formats(path)?;
    let shape = shape::scan(open(path)?, limits);
    let mut reader = ::csv::ReaderBuilder::new()
        .has_headers(true)
        .flexible(false)
        .from_reader(open(path)?);
    let shape = match shape {
        Ok(shape) => shape,
        Err(shape::Broken::Io(error)) => return Err(FrameError::io("read", &error)),
        Err(shape::Broken::At(place)) if place.row == 0 => return Err(place.in_header(limits)),
        Err(shape::Broken::At(place)) => {
            // Rows before the broken one are sound, so the header can be read.
            let header = header(&mut reader, limits)?;
            accept(&header)?;
            return Err(place.in_rows(&header, limits));
        }
    };
    let header = header(&mut reader, limits)?;
    accept(&header)?;
    if shape.rows == 0 {
        return Err(FrameError::file("the file has a header line and no rows"));
    }
    let mut record = ::csv::ByteRecord::new();
    let mut row = 0_u64;
    loop {
        match reader.read_byte_record(&mut record) {
            Ok(false) => break,
            Ok(true) => row += 1,
            Err(error) => return Err(wrong_width(&error, row + 1, &shape)),
        }
        for (index, bytes) in record.iter().enumerate() {
            let text = std::str::from_utf8(bytes).map_err(|_| {
                let name = header.get(index).map_or("", String::as_str);
                FrameError::cell(row, name, "the value is not UTF-8 text")
            })?;
            cell(index, text)?;
        }
    }
    if row != shape.rows {
        return Err(FrameError::file(
            "the rows of the file could not be told apart",
        ));
    }
    Ok(Walked { header, shape })
}

fn open(path: &Path) -> Result<BufReader<File>, FrameError> {
    let mut file = File::open(path).map_err(|e| FrameError::io("opened", &e))?;
    let mut start = [0_u8; 3];
    let marked = file.read_exact(&mut start).is_ok() && start == BOM;
    let first = if marked { BOM.len() as u64 } else { 0 };
    file.seek(SeekFrom::Start(first))
        .map_err(|e| FrameError::io("read", &e))?;
    Ok(BufReader::with_capacity(BUFFER, file))
}

fn refuse_other_formats(path: &Path) -> Result<(), FrameError> {
    let mut start = Vec::with_capacity(4);
    File::open(path)
        .and_then(|file| file.take(4).read_to_end(&mut start))
        .map_err(|e| FrameError::io("opened", &e))?;
    let what = match start.as_slice() {
        [0xFF, 0xFE, ..] | [0xFE, 0xFF, ..] => "the file is UTF-16 text: UTF-8 is needed",
        [0x1F, 0x8B, ..] => "the file is compressed: plain CSV is needed",
        b"PAR1" => "the file is Parquet, not CSV",
        b"PK\x03\x04" => "the file is a workbook or archive: plain CSV is needed",
        _ => return Ok(()),
    };
    Err(FrameError::file(what))
}

fn header(
    reader: &mut ::csv::Reader<BufReader<File>>,
    limits: &Limits,
) -> Result<Vec<String>, FrameError> {
    let record = reader
        .byte_headers()
        .map_err(|_| FrameError::file("the header line could not be read"))?;
    limits.check_columns(record.len())?;
    let mut names: Vec<String> = Vec::with_capacity(record.len());
    for (index, bytes) in record.iter().enumerate() {
        let position = index + 1;
        let name = std::str::from_utf8(bytes).map_err(|_| {
            FrameError::file(format!("column {position} of the header is not UTF-8 text"))
        })?;
        if name.trim().is_empty() {
            return Err(FrameError::file(format!(
                "column {position} of the header has no name"
            )));
        }
        // By position: without a header line the "names" are the values of a row.
        if let Some(first) = names.iter().position(|other| other == name) {
            return Err(FrameError::file(format!(
                "columns {} and {position} of the header have the same name",
                first + 1
            )));
        }
        names.push(name.to_owned());
    }
    Ok(names)
}

fn wrong_width(error: &::csv::Error, row: u64, shape: &shape::Shape) -> FrameError {
    match error.kind() {
        ::csv::ErrorKind::UnequalLengths {
            expected_len, len, ..
        } => {
            let cut = row == shape.rows && !shape.ends_with_line_break && len < expected_len;
            let fields = if *len == 1 { "field" } else { "fields" };
            if cut {
                FrameError::row(
                    row,
                    &format!(
                        "is cut off: it has {len} {fields} where the header has {expected_len}, and the file ends without a line break"
                    ),
                )
            } else {
                FrameError::row(
                    row,
                    &format!("has {len} {fields} where the header has {expected_len}"),
                )
            }
        }
        ::csv::ErrorKind::Io(error) => FrameError::io("read", error),
        _ => FrameError::row(row, "could not be read"),
    }
}
