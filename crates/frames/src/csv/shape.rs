//! The first pass: quoting, line ends, NUL and limits, byte by byte.

use std::io::{self, BufRead, BufReader, Read};

use crate::{FrameError, Limits};

/// What the first pass learned of a sound file.
pub(super) struct Shape {
    /// Rows without the header.
    pub(super) rows: u64,
    /// Whether the last line is ended.
    pub(super) ends_with_line_break: bool,
}

/// Why the first pass stopped.
pub(super) enum Broken {
    /// The file could not be read.
    Io(io::Error),
    /// A fault at a place.
    At(Place),
}

/// Row (0 is the header), field from 0, and what is wrong there.
pub(super) struct Place {
    pub(super) row: u64,
    field: usize,
    what: What,
}

#[derive(Clone, Copy)]
enum What {
    QuoteInside,
    AfterQuote,
    NeverClosed,
    Nul,
    EmptyLine,
    LongCell,
    ManyRows,
    ManyColumns,
}

impl Place {
    pub(super) fn in_header(&self, limits: &Limits) -> FrameError {
        let column = self.field + 1;
        match self.what {
            What::EmptyLine => FrameError::file("the header line is empty"),
            What::NeverClosed => FrameError::file(format!(
                "column {column} of the header opens a quote that is never closed"
            )),
            What::QuoteInside | What::AfterQuote => FrameError::file(format!(
                "column {column} of the header has a quote out of place"
            )),
            What::Nul => {
                FrameError::file(format!("column {column} of the header holds a NUL byte"))
            }
            What::LongCell => FrameError::limit(format!(
                "column {column} of the header is longer than the limit cell_bytes, {}",
                limits.cell_bytes
            )),
            What::ManyRows | What::ManyColumns => self.over(limits),
        }
    }

    pub(super) fn in_rows(&self, header: &[String], limits: &Limits) -> FrameError {
        let cell = |what| match header.get(self.field) {
            Some(name) => FrameError::cell(self.row, name, what),
            None => FrameError::row(self.row, &format!("has more than {} fields", header.len())),
        };
        match self.what {
            What::EmptyLine => FrameError::row(self.row, "is an empty line"),
            What::NeverClosed => cell("a quote is opened and never closed"),
            What::QuoteInside => cell("a quote stands inside a field that is not quoted"),
            What::AfterQuote => cell("text follows the closing quote"),
            What::Nul => cell("the value holds a NUL byte"),
            What::LongCell => match header.get(self.field) {
                Some(name) => limits.cell_too_long(self.row, name),
                None => cell(""),
            },
            What::ManyRows | What::ManyColumns => self.over(limits),
        }
    }

    fn over(&self, limits: &Limits) -> FrameError {
        let refused = match self.what {
            What::ManyColumns => limits.check_columns(usize::MAX),
            _ => limits.check_rows(u64::MAX),
        };
        refused
            .err()
            .unwrap_or_else(|| FrameError::limit("the file is too large"))
    }
}

#[derive(Clone, Copy, PartialEq)]
enum State {
    LineStart,
    FieldStart,
    Plain,
    Quoted,
    /// A quote was seen inside a quoted field: its end, or the first of a doubled one.
    Closing,
}

struct Scanner<'a> {
    limits: &'a Limits,
    state: State,
    after_cr: bool,
    row: u64,
    field: usize,
    bytes: u64,
    opened: (u64, usize),
    empty_line: Option<u64>,
    /// Columns of the header.
    columns: usize,
}

/// Walks the whole file.
pub(super) fn scan<R: Read>(mut input: BufReader<R>, limits: &Limits) -> Result<Shape, Broken> {
    let mut scanner = Scanner {
        limits,
        state: State::LineStart,
        after_cr: false,
        row: 0,
        field: 0,
        bytes: 0,
        opened: (0, 0),
        empty_line: None,
        columns: 0,
    };
    loop {
        let block = input.fill_buf().map_err(Broken::Io)?;
        if block.is_empty() {
            break;
        }
        let length = block.len();
        for &byte in block {
            scanner.take(byte).map_err(Broken::At)?;
        }
        input.consume(length);
    }
    scanner.end().map_err(Broken::At)
}

impl Scanner<'_> {
    fn at(&self, what: What) -> Place {
        Place {
            row: self.row,
            field: self.field,
            what,
        }
    }

    fn take(&mut self, byte: u8) -> Result<(), Place> {
        if byte == 0 {
            return Err(self.at(What::Nul));
        }
        let pair = self.after_cr && byte == b'\n';
        self.after_cr = byte == b'\r' && self.state != State::Quoted;
        if pair && self.state == State::LineStart {
            return Ok(());
        }
        match (self.state, byte) {
            (State::Quoted, b'"') => self.state = State::Closing,
            (State::Quoted, _) => return self.count(),
            (State::Closing, b'"') => {
                self.state = State::Quoted;
                return self.count();
            }
            (_, b'\r' | b'\n') => return self.end_line(),
            (_, b',') => return self.end_field(),
            (State::Closing, _) => return Err(self.at(What::AfterQuote)),
            (State::Plain, b'"') => return Err(self.at(What::QuoteInside)),
            (State::LineStart | State::FieldStart, b'"') => {
                self.start_line()?;
                self.opened = (self.row, self.field);
                self.state = State::Quoted;
            }
            (State::LineStart | State::FieldStart | State::Plain, _) => {
                self.start_line()?;
                self.state = State::Plain;
                return self.count();
            }
        }
        Ok(())
    }

    fn count(&mut self) -> Result<(), Place> {
        self.bytes += 1;
        if self.bytes > u64::from(self.limits.cell_bytes) {
            return Err(self.at(What::LongCell));
        }
        Ok(())
    }

    /// Empty lines are harmless at the very end (but see `end`), and a fault once anything follows them.
    fn start_line(&mut self) -> Result<(), Place> {
        if let (State::LineStart, Some(row)) = (self.state, self.empty_line) {
            return Err(Place {
                row,
                field: 0,
                what: What::EmptyLine,
            });
        }
        if self.state == State::LineStart && self.row > self.limits.rows {
            return Err(self.at(What::ManyRows));
        }
        Ok(())
    }

    fn end_field(&mut self) -> Result<(), Place> {
        self.start_line()?;
        self.field += 1;
        self.bytes = 0;
        self.state = State::FieldStart;
        if self.field >= self.limits.columns as usize {
            return Err(self.at(What::ManyColumns));
        }
        Ok(())
    }

    fn end_line(&mut self) -> Result<(), Place> {
        if self.state == State::LineStart {
            if self.row == 0 {
                return Err(self.at(What::EmptyLine));
            }
            self.empty_line.get_or_insert(self.row);
            return Ok(());
        }
        self.end_row();
        self.state = State::LineStart;
        Ok(())
    }

    fn end_row(&mut self) {
        if self.row == 0 {
            self.columns = self.field + 1;
        }
        self.row += 1;
        self.field = 0;
        self.bytes = 0;
    }

    fn end(mut self) -> Result<Shape, Place> {
        match self.state {
            State::Quoted => {
                let (row, field) = self.opened;
                return Err(Place {
                    row,
                    field,
                    what: What::NeverClosed,
                });
            }
            State::LineStart => {}
            State::FieldStart | State::Plain | State::Closing => self.end_row(),
        }
        // Of one column, an empty line may be a row with a missing value: readers differ.
        if let (1, Some(row)) = (self.columns, self.empty_line) {
            return Err(Place {
                row,
                field: 0,
                what: What::EmptyLine,
            });
        }
        Ok(Shape {
            // The header is a line too.
            rows: self.row.saturating_sub(1),
            ends_with_line_break: self.state == State::LineStart,
        })
    }
}
