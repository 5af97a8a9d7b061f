//! CSV tables that stories and tests read: real data in place, results as they were released.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

/// A table of text in memory.
pub struct Table {
    header: BTreeMap<String, usize>,
    records: Vec<csv::StringRecord>,
}

impl std::fmt::Debug for Table {
    // The values may be about people: they stay out of messages.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Table({} rows)", self.rows())
    }
}

/// The table cannot be read. Says nothing of its values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable;

impl Table {
    /// Reads a CSV file, gzipped if its name ends in `.gz`.
    ///
    /// # Errors
    /// If it is absent or no CSV with a header.
    pub fn read(file: &Path) -> Result<Self, Unreadable> {
        let open = std::fs::File::open(file).map_err(|_| Unreadable)?;
        if file.extension().is_some_and(|ending| ending == "gz") {
            Self::parse(flate2::read::GzDecoder::new(open))
        } else {
            Self::parse(open)
        }
    }

    /// Reads CSV with a header.
    ///
    /// # Errors
    /// If it is none.
    pub fn parse(reader: impl Read) -> Result<Self, Unreadable> {
        let mut csv = csv::Reader::from_reader(reader);
        let header = csv.headers().map_err(|_| Unreadable)?;
        let header = header
            .iter()
            .enumerate()
            .map(|(place, name)| (name.to_owned(), place))
            .collect();
        let records = csv.records().collect::<Result<_, _>>();
        Ok(Self {
            header,
            records: records.map_err(|_| Unreadable)?,
        })
    }

    /// Whether it has a column.
    #[must_use]
    pub fn has(&self, column: &str) -> bool {
        self.header.contains_key(column)
    }

    /// Rows.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.records.len()
    }

    /// A value; empty where there is none.
    #[must_use]
    pub fn value(&self, row: usize, column: &str) -> &str {
        self.header
            .get(column)
            .and_then(|place| self.records.get(row)?.get(*place))
            .unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoted_fields_and_absent_ones() {
        let table = Table::parse("a,b\n\"x, y\",2\nz,\n".as_bytes()).unwrap();
        assert!(table.has("b") && !table.has("c"));
        assert_eq!(table.rows(), 2);
        assert_eq!(table.value(0, "a"), "x, y");
        assert_eq!(table.value(1, "b"), "");
        assert_eq!((table.value(9, "a"), table.value(0, "c")), ("", ""));
        assert_eq!(Table::parse("a,b\n1\n".as_bytes()).unwrap_err(), Unreadable);
        assert_eq!(format!("{table:?}"), "Table(2 rows)");
    }
}
