//! Between the library's columns and ours.

use polars::prelude::{
    BooleanChunked, DataType, Float64Chunked, Int32Chunked, Int64Chunked, IntoSeries,
    NewChunkedArray, PlSmallStr, Series, StringChunked, UInt64Chunked,
};

use crate::{Cells, FrameError, Limits, Strings, Values, date};

/// A delivered column as text, as it would stand in a CSV file.
pub(super) fn to_text(series: &Series, limits: &Limits) -> Result<Strings, FrameError> {
    let name = series.name().as_str();
    let refuse = |what: &str| FrameError::column(name, what);
    let unreadable = |_| refuse("could not be read");
    let mut out = Strings::new();
    match series.dtype() {
        DataType::String => {
            for (row, cell) in series.str().map_err(unreadable)?.iter().enumerate() {
                let cell = cell.unwrap_or("");
                if cell.len() > limits.cell_bytes as usize {
                    return Err(limits.cell_too_long(row as u64 + 1, name));
                }
                if cell.contains('\0') {
                    return Err(FrameError::cell(
                        row as u64 + 1,
                        name,
                        "the value holds a NUL byte",
                    ));
                }
                out.push(cell)?;
            }
        }
        DataType::UInt64 => written(series.u64().map_err(unreadable)?.iter(), &mut out)?,
        DataType::Int8
        | DataType::Int16
        | DataType::Int32
        | DataType::Int64
        | DataType::UInt8
        | DataType::UInt16
        | DataType::UInt32 => {
            let wide = series.cast(&DataType::Int64).map_err(unreadable)?;
            written(wide.i64().map_err(unreadable)?.iter(), &mut out)?;
        }
        // Widened to 64 bits a Float32 would grow digits that it never had.
        DataType::Float32 => written(series.f32().map_err(unreadable)?.iter(), &mut out)?,
        DataType::Float64 => written(series.f64().map_err(unreadable)?.iter(), &mut out)?,
        DataType::Boolean => {
            let flags: &BooleanChunked = series.bool().map_err(unreadable)?;
            written(flags.iter(), &mut out)?;
        }
        DataType::Date => {
            let days = series.cast(&DataType::Int32).map_err(unreadable)?;
            let days = days.i32().map_err(unreadable)?;
            written(days.iter().map(|day| day.map(date::format)), &mut out)?;
        }
        DataType::Datetime(..) => {
            return Err(refuse("is a timestamp: deliver it as a date or as text"));
        }
        DataType::Null => {
            for _ in 0..series.len() {
                out.push("")?;
            }
        }
        _ => return Err(refuse("is neither text, number, date nor boolean")),
    }
    Ok(out)
}

fn written<T: ToString>(
    cells: impl Iterator<Item = Option<T>>,
    out: &mut Strings,
) -> Result<(), FrameError> {
    for cell in cells {
        match cell {
            Some(value) => out.push(&value.to_string())?,
            None => out.push("")?,
        }
    }
    Ok(())
}

/// A column of our own.
pub(super) fn to_values(series: &Series) -> Result<Values, FrameError> {
    let refuse = || {
        FrameError::column(
            series.name().as_str(),
            "is of a type that is never written here",
        )
    };
    Ok(match series.dtype() {
        DataType::String => Values::Text(Strings::of(series.str().map_err(|_| refuse())?.iter())?),
        DataType::Int64 => Values::Integer(series.i64().map_err(|_| refuse())?.iter().collect()),
        DataType::Float64 => Values::Number(series.f64().map_err(|_| refuse())?.iter().collect()),
        DataType::UInt64 => Values::Ordinal(series.u64().map_err(|_| refuse())?.iter().collect()),
        DataType::Date => {
            let days = series.cast(&DataType::Int32).map_err(|_| refuse())?;
            Values::Date(days.i32().map_err(|_| refuse())?.iter().collect())
        }
        _ => return Err(refuse()),
    })
}

/// One of our columns as the library's.
pub(super) fn from_values(name: &str, values: Values) -> Series {
    let name = PlSmallStr::from_str(name);
    match values {
        Values::Text(cells) => StringChunked::from_iter_options(name, cells.iter()).into_series(),
        Values::Integer(cells) => Int64Chunked::from_iter_options(name, cells.iter()).into_series(),
        Values::Number(cells) => {
            Float64Chunked::from_iter_options(name, cells.iter()).into_series()
        }
        Values::Ordinal(cells) => {
            UInt64Chunked::from_iter_options(name, cells.iter()).into_series()
        }
        Values::Date(cells) => dates(name, &cells),
    }
}

fn dates(name: PlSmallStr, cells: &Cells<i32>) -> Series {
    Int32Chunked::from_iter_options(name, cells.iter())
        .into_date()
        .into_series()
}
