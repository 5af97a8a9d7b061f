//! Tables: rows of text values.

use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash, Hasher};

use disclosure::inspect::{ColumnShape, Table};

use super::text::Found;

/// The separators that are tried.
const SEPARATORS: [char; 4] = [',', '\t', ';', '|'];
/// Most different values of a column that are told apart; from there on each is taken for another.
const DISTINCT_MAX: usize = 1_000_000;
/// The first lines, by which a separator is chosen.
const LINES: usize = 20;

/// A table being looked through.
pub(super) struct Rows {
    most_columns: usize,
    rows: u64,
    columns: Vec<Column>,
    header: Option<Vec<String>>,
}

#[derive(Default)]
struct Column {
    values: u64,
    distinct: BTreeSet<u64>,
    more: u64,
    decimals: u64,
    small: [u64; 9],
    found: Found,
}

impl Rows {
    pub(super) fn new(most_columns: usize) -> Self {
        Self {
            most_columns,
            rows: 0,
            columns: Vec::new(),
            header: None,
        }
    }

    /// Takes a row. The first is a header unless a value of it is a number.
    pub(super) fn add(&mut self, row: &[String]) {
        if self.header.is_none() && self.rows == 0 {
            let is_number = |value: &String| value.trim().parse::<f64>().is_ok();
            if !row.iter().any(is_number) {
                self.header = Some(row.to_vec());
                return;
            }
        }
        self.rows += 1;
        for (place, value) in row.iter().take(self.most_columns).enumerate() {
            if self.columns.len() <= place {
                self.columns.push(Column::default());
            }
            if let Some(column) = self.columns.get_mut(place) {
                column.add(value.trim());
            }
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// Identifiers in the header come with those of the text around.
    pub(super) fn finish(self, around: &mut Found) -> Table {
        for name in self.header.into_iter().flatten() {
            around.text(&name);
        }
        let columns = (1..).zip(self.columns);
        Table {
            rows: self.rows,
            columns: columns
                .map(|(number, column)| column.shape(number))
                .collect(),
        }
    }
}

impl Column {
    fn add(&mut self, value: &str) {
        if value.is_empty() {
            return;
        }
        self.values += 1;
        let mut hasher = DefaultHasher::new();
        value.hash(&mut hasher);
        match self.distinct.len() < DISTINCT_MAX {
            true => {
                self.distinct.insert(hasher.finish());
            }
            false => self.more += 1,
        }
        match value.parse::<f64>() {
            Ok(number) if number.fract() == 0.0 => {
                if (1.0..=9.0).contains(&number)
                    && let Some(count) = self.small.get_mut(number as usize - 1)
                {
                    *count += 1;
                }
            }
            Ok(_) => self.decimals += 1,
            Err(_) => {}
        }
        // A value can hold a sentence.
        if !self.found.value(value) && value.contains([' ', '@', ',']) {
            self.found.text(value);
        }
    }

    fn shape(self, number: u64) -> ColumnShape {
        ColumnShape {
            number,
            values: self.values,
            distinct: self.distinct.len() as u64 + self.more,
            can_name: self.decimals == 0,
            small: self.small,
            identifiers: self.found.hits(),
        }
    }
}

/// The separator of a text of rows: one that cuts its first lines into equally many values, two at least.
pub(super) fn separator(text: &str) -> Option<char> {
    let lines: Vec<&str> = text
        .lines()
        .filter(|l| !l.trim().is_empty())
        .take(LINES)
        .collect();
    let width = |line: &str, separator| record(line, separator).0.len();
    SEPARATORS.into_iter().find(|separator| {
        let mut widths = lines.iter().map(|line| width(line, *separator));
        let first = widths.next().unwrap_or(0);
        lines.len() > 1 && first > 1 && widths.all(|one| one == first)
    })
}

/// The rows of a text.
pub(super) fn read(text: &str, separator: char, rows: &mut Rows) {
    let mut rest = text;
    while !rest.is_empty() {
        let (row, after) = record(rest, separator);
        if row.iter().any(|value| !value.trim().is_empty()) {
            rows.add(&row);
        }
        rest = after;
    }
}

/// The first record of a text (RFC 4180, with any separator), and what follows it. Whatever is wrong with quotes,
/// every character is in some value.
fn record(text: &str, separator: char) -> (Vec<String>, &str) {
    let (mut row, mut value) = (Vec::new(), String::new());
    let mut is_quoted = false;
    let mut characters = text.char_indices().peekable();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' if is_quoted && characters.peek().is_some_and(|(_, next)| *next == '"') => {
                characters.next();
                value.push('"');
            }
            '"' if is_quoted || value.is_empty() => is_quoted = !is_quoted,
            '\n' if !is_quoted => {
                row.push(value);
                return (row, text.get(at + 1..).unwrap_or_default());
            }
            '\r' if !is_quoted => {}
            other if other == separator && !is_quoted => row.push(std::mem::take(&mut value)),
            other => value.push(other),
        }
    }
    row.push(value);
    (row, "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_any_separator_are_read_with_their_quotes() {
        let text = "a;b\n1;\"x;\"\"y\"\"\nz\"\n2;w\n";
        assert_eq!(separator("a;b\n1;2\n"), Some(';'));
        assert_eq!(separator("a sentence, of words\nand another\n"), None);
        let mut rows = Rows::new(10);
        read(text, ';', &mut rows);
        let table = rows.finish(&mut Found::default());
        assert_eq!(table.rows, 2);
        let seen = |column: &ColumnShape| (column.values, column.distinct, column.can_name);
        let seen: Vec<_> = table.columns.iter().map(seen).collect();
        assert_eq!(seen, [(2, 2, true), (2, 2, true)]);
        assert_eq!(table.columns[0].small[..3], [1, 1, 0]);
    }

    #[test]
    fn decimals_name_no_row_and_a_first_row_of_numbers_is_no_header() {
        let mut rows = Rows::new(10);
        read("1.5,a\n2.25,b\n", ',', &mut rows);
        let table = rows.finish(&mut Found::default());
        assert_eq!((table.rows, table.columns[0].can_name), (2, false));
    }
}
