//! Limits of one file. Each is named in the refusal.

use std::path::Path;

use crate::FrameError;

/// What one file may hold. There is no default: each caller decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Rows, without the header.
    pub rows: u64,
    /// Columns.
    pub columns: u32,
    /// Bytes of one cell.
    pub cell_bytes: u32,
    /// Bytes of the file.
    pub file_bytes: u64,
}

impl Limits {
    pub(crate) fn check_file(&self, path: &Path) -> Result<u64, FrameError> {
        let bytes = std::fs::metadata(path)
            .map_err(|e| FrameError::io("read", &e))?
            .len();
        if bytes > self.file_bytes {
            return Err(FrameError::limit(format!(
                "the file has {bytes} bytes and the limit file_bytes is {}",
                self.file_bytes
            )));
        }
        Ok(bytes)
    }

    pub(crate) fn check_rows(&self, rows: u64) -> Result<(), FrameError> {
        if rows > self.rows {
            return Err(FrameError::limit(format!(
                "the file has more rows than the limit rows, {}",
                self.rows
            )));
        }
        Ok(())
    }

    pub(crate) fn check_columns(&self, columns: usize) -> Result<(), FrameError> {
        if columns > self.columns as usize {
            return Err(FrameError::limit(format!(
                "the file has more columns than the limit columns, {}",
                self.columns
            )));
        }
        Ok(())
    }

    pub(crate) fn cell_too_long(&self, row: u64, column: &str) -> FrameError {
        FrameError {
            fault: crate::Fault::Limit,
            ..FrameError::cell(
                row,
                column,
                &format!(
                    "the value is longer than the limit cell_bytes, {}",
                    self.cell_bytes
                ),
            )
        }
    }
}
