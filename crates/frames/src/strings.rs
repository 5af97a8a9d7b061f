//! A column of text: one block of bytes and the ends of its cells.

use crate::FrameError;

/// A column of UTF-8 text. An empty cell is a missing one.
///
/// Neither `Debug` nor `Clone`: rows are not for logs, and copies are made on purpose or not at all.
#[derive(Default, PartialEq, Eq)]
pub struct Strings {
    text: String,
    ends: Vec<u32>,
}

impl Strings {
    /// An empty column.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a cell; empty text is a missing value.
    ///
    /// # Errors
    /// When the column would hold more than 4 GiB of text.
    pub fn push(&mut self, cell: &str) -> Result<(), FrameError> {
        self.text.push_str(cell);
        let end = u32::try_from(self.text.len())
            .map_err(|_| FrameError::limit("a column holds more than 4 GiB of text"))?;
        self.ends.push(end);
        Ok(())
    }

    /// Number of cells.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether the column has no cells.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The cell at `index` from 0; `None` when it is missing or beyond the end.
    #[must_use]
    pub fn get(&self, index: usize) -> Option<&str> {
        let end = *self.ends.get(index)? as usize;
        let start = match index.checked_sub(1) {
            Some(before) => *self.ends.get(before)? as usize,
            None => 0,
        };
        self.text.get(start..end).filter(|cell| !cell.is_empty())
    }

    /// The cells in order.
    pub fn iter(&self) -> impl Iterator<Item = Option<&str>> {
        (0..self.len()).map(|index| self.get(index))
    }

    /// The cells in the order of `rows`, as a new column; an index beyond the end gives a missing cell.
    ///
    /// # Errors
    /// When the column would hold more than 4 GiB of text.
    pub fn take(&self, rows: &[u32]) -> Result<Self, FrameError> {
        let mut taken = Self {
            text: String::with_capacity(self.text.len()),
            ends: Vec::with_capacity(rows.len()),
        };
        for &row in rows {
            taken.push(self.get(row as usize).unwrap_or(""))?;
        }
        Ok(taken)
    }

    /// A column of these cells.
    ///
    /// # Errors
    /// When the column would hold more than 4 GiB of text.
    pub fn of<'a>(cells: impl IntoIterator<Item = Option<&'a str>>) -> Result<Self, FrameError> {
        let mut column = Self::new();
        for cell in cells {
            column.push(cell.unwrap_or(""))?;
        }
        Ok(column)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_goes_in_comes_out(cells in prop::collection::vec(prop::option::of(".{0,12}"), 0..40)) {
            let column = Strings::of(cells.iter().map(Option::as_deref)).unwrap();
            prop_assert_eq!(column.len(), cells.len());
            for (index, cell) in cells.iter().enumerate() {
                prop_assert_eq!(column.get(index), cell.as_deref().filter(|c| !c.is_empty()));
            }
            prop_assert_eq!(column.get(cells.len()), None);
        }
    }

    #[test]
    fn rows_are_taken_in_the_order_asked() {
        let column = Strings::of([Some("a"), None, Some("ccc")]).unwrap();
        let taken = column.take(&[2, 1, 0, 0]).unwrap();
        assert_eq!(
            taken.iter().collect::<Vec<_>>(),
            [Some("ccc"), None, Some("a"), Some("a")]
        );
    }
}
