//! Tables: columns with names.

use crate::{FrameError, Strings};

/// A delivered file: text columns with names, all of one length.
pub struct Frame {
    /// Name and cells, in the order of the file.
    pub columns: Vec<(String, Strings)>,
}

impl Frame {
    /// Number of rows.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.columns.first().map_or(0, |(_, cells)| cells.len())
    }

    /// The column with this name.
    #[must_use]
    pub fn column(&self, name: &str) -> Option<&Strings> {
        self.columns
            .iter()
            .find(|(own, _)| own == name)
            .map(|(_, cells)| cells)
    }
}

/// Passes when a file with the columns `names` has exactly those that are declared, in any order. Names
/// the first missing column. A column too many is given by its position only: when the header line is
/// missing, its "name" is a value.
pub(crate) fn expect_columns(names: &[&str], declared: &[&str]) -> Result<(), FrameError> {
    let missing: Vec<&&str> = declared
        .iter()
        .filter(|name| !names.contains(name))
        .collect();
    if !declared.is_empty() && missing.len() == declared.len() {
        return Err(FrameError::file(
            "the header names none of the declared columns: is the header line missing",
        ));
    }
    if let Some(name) = missing.first() {
        return Err(FrameError::column(name, "is missing from the header"));
    }
    match names.iter().position(|name| !declared.contains(name)) {
        Some(index) => Err(FrameError::file(format!(
            "column {} of the header is not declared for this delivery",
            index + 1
        ))),
        None => Ok(()),
    }
}

/// For each of the columns `names`, its place among the `wanted`. A column may be wanted once.
pub(crate) fn place_columns(
    names: &[&str],
    wanted: &[&str],
) -> Result<Vec<Option<usize>>, FrameError> {
    let place = |name: &&str| wanted.iter().position(|own| own == name);
    if let Some(name) = wanted.iter().find(|name| !names.contains(name)) {
        return Err(FrameError::column(name, "is missing from the header"));
    }
    Ok(names.iter().map(place).collect())
}

/// Values of one kind, some of them missing.
#[derive(PartialEq)]
pub struct Cells<T> {
    values: Vec<T>,
    present: Vec<bool>,
}

impl<T: Copy + Default> Cells<T> {
    /// The cell at `index` from 0; `None` when it is missing or beyond the end.
    #[must_use]
    pub fn get(&self, index: usize) -> Option<T> {
        let present = *self.present.get(index)?;
        self.values.get(index).copied().filter(|_| present)
    }

    /// Adds a cell.
    pub fn push(&mut self, cell: Option<T>) {
        self.values.push(cell.unwrap_or_default());
        self.present.push(cell.is_some());
    }

    /// Number of cells.
    #[must_use]
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Whether there are no cells.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// The cells in order.
    pub fn iter(&self) -> impl Iterator<Item = Option<T>> {
        (0..self.len()).map(|index| self.get(index))
    }
}

impl<T: Copy + Default> FromIterator<Option<T>> for Cells<T> {
    fn from_iter<I: IntoIterator<Item = Option<T>>>(cells: I) -> Self {
        let mut column = Self {
            values: Vec::new(),
            present: Vec::new(),
        };
        for cell in cells {
            column.push(cell);
        }
        column
    }
}

/// A typed column.
pub enum Values {
    /// UTF-8 text.
    Text(Strings),
    /// 64-bit signed integers.
    Integer(Cells<i64>),
    /// Finite 64-bit numbers.
    Number(Cells<f64>),
    /// Days since 1970-01-01.
    Date(Cells<i32>),
    /// Ordinals of records or people.
    Ordinal(Cells<u64>),
}

impl Values {
    /// Number of cells.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::Text(cells) => cells.len(),
            Self::Integer(cells) => cells.len(),
            Self::Number(cells) => cells.len(),
            Self::Date(cells) => cells.len(),
            Self::Ordinal(cells) => cells.len(),
        }
    }

    /// Whether there are no cells.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// A table of our own making: typed columns with names, all of one length, and notes about it.
#[derive(Default)]
pub struct Table {
    /// Name and values, in order.
    pub columns: Vec<(String, Values)>,
    /// Key and value pairs kept with the file.
    pub notes: Vec<(String, String)>,
}

impl Table {
    /// Number of rows.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.columns.first().map_or(0, |(_, values)| values.len())
    }

    /// The text column with this name.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&Strings> {
        match self.values(name)? {
            Values::Text(cells) => Some(cells),
            Values::Integer(_) | Values::Number(_) | Values::Date(_) | Values::Ordinal(_) => None,
        }
    }

    /// The column of ordinals with this name.
    #[must_use]
    pub fn ordinals(&self, name: &str) -> Option<&Cells<u64>> {
        match self.values(name)? {
            Values::Ordinal(cells) => Some(cells),
            Values::Integer(_) | Values::Number(_) | Values::Date(_) | Values::Text(_) => None,
        }
    }

    fn values(&self, name: &str) -> Option<&Values> {
        self.columns
            .iter()
            .find(|(own, _)| own == name)
            .map(|(_, values)| values)
    }
}
