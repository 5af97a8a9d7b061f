//! The JJ format: a suppression problem as text, as tau-argus, sdcTable and the solvers of
//! Fischetti and Salazar read and write it.
//!
//! ```text
//! 0                                 always zero
//! 4                                 number of cells
//! 0 30 30 s 0 60 0 0 0              id value cost status lower upper lpl upl spl
//! 1 5 5 u 0 10 2 2 0
//! …
//! 1                                 number of equations
//! 0 3 : 0 (-1) 1 (1) 2 (1)          constant, number of terms, id (coefficient) …
//! ```
//!
//! Status `s` may be hidden, `u` is primary, `z` must be published, `m` (and `x`) is hidden already.
//! Bounds are what everybody knows of the value. Spaces and line ends may stand anywhere between
//! words, and inside brackets.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use thiserror::Error;

use crate::suppress::{
    Bounds, CELLS_MAX, Cell, CellStatus, Equation, Levels, TERMS_MAX, Table, TableError,
};

/// The most bytes of a file that is read.
pub const BYTES_MAX: usize = 256 << 20;

/// Why a text is not a suppression problem.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum JjError {
    /// Too long.
    #[error("the file has more than {} MiB", BYTES_MAX >> 20)]
    TooLong,
    /// A word is missing or is not what it should be.
    #[error("line {line}: {what}")]
    Line {
        /// Counted from 1.
        line: usize,
        /// What is wrong.
        what: String,
    },
    /// The file ends too early.
    #[error("the file ends before {what}")]
    Ends {
        /// What should have come.
        what: String,
    },
    /// It reads well and makes no sense.
    #[error(transparent)]
    Table(#[from] TableError),
}

/// Reads a problem.
///
/// # Errors
/// What is wrong and in which line, or which cell or equation; never a value.
pub fn read(text: &str) -> Result<Table, JjError> {
    if text.len() > BYTES_MAX {
        return Err(JjError::TooLong);
    }
    let mut words = Words::new(text.strip_prefix('\u{feff}').unwrap_or(text));
    let zero = words.number("the zero that begins it")?;
    if zero != 0.0 {
        return Err(words.fault("a JJ file begins with 0"));
    }
    let count = words.count("the number of cells", CELLS_MAX)?;
    let mut cells = Vec::with_capacity(count.min(1 << 16));
    let mut index = BTreeMap::new();
    for _ in 0..count {
        let cell = cell(&mut words)?;
        if index.insert(cell.id, cells.len()).is_some() {
            return Err(words.fault(&format!("cell {} is there twice", cell.id)));
        }
        cells.push(cell);
    }
    let count = words.count("the number of equations", TERMS_MAX)?;
    let mut equations = Vec::with_capacity(count.min(1 << 16));
    let mut terms = 0;
    for _ in 0..count {
        let equation = equation(&mut words, &index)?;
        terms += equation.terms.len();
        if terms > TERMS_MAX {
            return Err(TableError::TooManyTerms.into());
        }
        equations.push(equation);
    }
    if let Some(line) = words.rest() {
        return Err(JjError::Line {
            line,
            what: "the file goes on after its last equation".to_owned(),
        });
    }
    Ok(Table::new(cells, equations)?)
}

fn cell(words: &mut Words<'_>) -> Result<Cell, JjError> {
    let id = words.id("a cell's number")?;
    let value = words.number("a cell's value")?;
    let cost = words.number("a cell's cost")?;
    let status = match words.word("a cell's status")?.to_ascii_lowercase().as_str() {
        "s" => CellStatus::Safe,
        "u" => CellStatus::Primary,
        "z" => CellStatus::Forced,
        "m" | "x" => CellStatus::Hidden,
        _ => return Err(words.fault(&format!("the status of cell {id} is none of s, u, z, m"))),
    };
    let bounds = Bounds {
        lower: words.bound("a cell's lower bound")?,
        upper: words.bound("a cell's upper bound")?,
    };
    let levels = Levels {
        lower: words.number("a cell's lower protection level")?,
        upper: words.number("a cell's upper protection level")?,
        sliding: words.number("a cell's sliding protection level")?,
    };
    Ok(Cell {
        id,
        value,
        cost,
        status,
        bounds,
        levels,
        holder: None,
    })
}

fn equation(words: &mut Words<'_>, index: &BTreeMap<i64, usize>) -> Result<Equation, JjError> {
    let rhs = words.number("an equation's constant")?;
    let count = words.count("an equation's number of terms", CELLS_MAX)?;
    words.mark(':')?;
    let mut terms = Vec::with_capacity(count.min(1 << 12));
    for _ in 0..count {
        let id = words.id("a term's cell")?;
        let Some(&cell) = index.get(&id) else {
            return Err(words.fault(&format!("cell {id} is not in the table")));
        };
        words.mark('(')?;
        let coefficient = words.number("a term's coefficient")?;
        words.mark(')')?;
        terms.push((cell, coefficient));
    }
    Ok(Equation { rhs, terms })
}

/// Writes a problem as [`read`] takes it.
pub fn write(table: &Table) -> String {
    let mut text = String::from("0\n");
    // Writing to a string cannot fail.
    let _ = writeln!(text, "{}", table.cells().len());
    for cell in table.cells() {
        let status = match cell.status {
            CellStatus::Safe => 's',
            CellStatus::Primary => 'u',
            CellStatus::Forced => 'z',
            CellStatus::Hidden => 'm',
        };
        let _ = writeln!(
            text,
            "{} {} {} {status} {} {} {} {} {}",
            cell.id,
            cell.value,
            cell.cost,
            cell.bounds.lower,
            cell.bounds.upper,
            cell.levels.lower,
            cell.levels.upper,
            cell.levels.sliding
        );
    }
    let _ = writeln!(text, "{}", table.rows().len());
    for (row, rhs) in table.rows().iter().zip(table.constants()) {
        let _ = write!(text, "{rhs} {} :", row.len());
        for &(cell, coefficient) in row {
            let id = table.cells().get(cell as usize).map_or(0, |c| c.id);
            let _ = write!(text, " {id} ({coefficient})");
        }
        text.push('\n');
    }
    text
}

/// Words and marks with their lines.
struct Words<'a> {
    text: &'a str,
    /// Byte where the next word is looked for.
    at: usize,
    line: usize,
    /// Line of the last word.
    last: usize,
}

impl<'a> Words<'a> {
    fn new(text: &'a str) -> Self {
        Self {
            text,
            at: 0,
            line: 1,
            last: 1,
        }
    }

    fn next(&mut self) -> Option<&'a str> {
        let bytes = self.text.as_bytes();
        while let Some(byte) = bytes.get(self.at).filter(|b| b.is_ascii_whitespace()) {
            self.line += usize::from(*byte == b'\n');
            self.at += 1;
        }
        let start = self.at;
        let is_mark = |b: u8| matches!(b, b':' | b'(' | b')');
        while let Some(&byte) = bytes.get(self.at) {
            if byte.is_ascii_whitespace() || (is_mark(byte) && self.at > start) {
                break;
            }
            self.at += 1;
            if is_mark(byte) {
                break;
            }
        }
        self.last = self.line;
        // A byte of the text outside ASCII is never one of those at which words are cut.
        self.text.get(start..self.at).filter(|w| !w.is_empty())
    }

    /// The line of whatever is left.
    fn rest(&mut self) -> Option<usize> {
        self.next().map(|_| self.last)
    }

    fn fault(&self, what: &str) -> JjError {
        JjError::Line {
            line: self.last,
            what: what.to_owned(),
        }
    }

    fn word(&mut self, what: &str) -> Result<&'a str, JjError> {
        self.next().ok_or_else(|| JjError::Ends {
            what: what.to_owned(),
        })
    }

    fn mark(&mut self, mark: char) -> Result<(), JjError> {
        let word = self.word(&format!("a \"{mark}\" of an equation"))?;
        if word.chars().eq([mark]) {
            Ok(())
        } else {
            Err(self.fault(&format!("an equation lacks a \"{mark}\"")))
        }
    }

    fn number(&mut self, what: &str) -> Result<f64, JjError> {
        let number = self.bound(what)?;
        if number.is_finite() {
            Ok(number)
        } else {
            Err(self.fault(&format!("{what} is not a finite number")))
        }
    }

    /// A number that may be infinite.
    fn bound(&mut self, what: &str) -> Result<f64, JjError> {
        let word = self.word(what)?;
        match word.parse::<f64>() {
            Ok(number) if !number.is_nan() => Ok(number),
            Ok(_) | Err(_) => Err(self.fault(&format!("{what} is not a number"))),
        }
    }

    fn id(&mut self, what: &str) -> Result<i64, JjError> {
        let word = self.word(what)?;
        word.parse::<i64>()
            .map_err(|_| self.fault(&format!("{what} is not a whole number")))
    }

    fn count(&mut self, what: &str, most: usize) -> Result<usize, JjError> {
        let word = self.word(what)?;
        let count = word
            .parse::<usize>()
            .map_err(|_| self.fault(&format!("{what} is not a whole number")))?;
        if count > most {
            return Err(self.fault(&format!("{what} is more than {most}")));
        }
        Ok(count)
    }
}

#[cfg(test)]
mod tests;
