//! Row by row, at the speed of a search for separators, for files whose columns are not all wanted.
//!
//! The quick way walks a block from separator to separator and knows only what is plainly sound. At the
//! first thing that it does not know it hands the rest of the file to the strict way ([`super::walk`]),
//! which either reads on or says what is wrong and where. So both ways accept the same files.

use std::cell::RefCell;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use super::{BOM, refuse_other_formats, walk};
use crate::table::place_columns;
use crate::{FrameError, Limits};

/// Bytes read at once; few in tests, so that rows lie across.
const BLOCK: usize = if cfg!(test) { 48 } else { 1 << 20 };

/// Calls `take` with the cells of the columns `wanted`, in that order, for every row; an empty cell is a
/// missing value. Other columns are checked and passed over. Gives the number of rows.
///
/// What `take` was given before an error is not to be used.
///
/// # Errors
/// One sentence with row and column when the file is not fit or a wanted column is not there, a limit by
/// its name, and what `take` refuses.
pub fn rows(
    path: &Path,
    wanted: &[&str],
    limits: &Limits,
    mut take: impl FnMut(&[&str]) -> Result<(), FrameError>,
) -> Result<u64, FrameError> {
    limits.check_file(path)?;
    refuse_other_formats(path)?;
    let mut quick = Quick::open(path, limits).map_err(|e| FrameError::io("read", &e))?;
    match quick.run(wanted, limits, &mut take)? {
        Left::Nothing if quick.rows > 0 => Ok(quick.rows),
        Left::Nothing | Left::Odd => slow(path, wanted, limits, quick.rows, take),
    }
}

/// What the quick way left.
enum Left {
    Nothing,
    /// Something it does not know, in or after the next row.
    Odd,
}

struct Quick {
    file: File,
    /// Bytes not yet cut into rows; whole rows are taken from its front.
    block: Vec<u8>,
    at_end: bool,
    rows: u64,
}

/// Where the cells of the wanted columns lie in a block, row by row.
#[derive(Default)]
struct Cut {
    cells: Vec<Cell>,
    rows: usize,
    /// Bytes of the block that the rows take.
    used: usize,
}

#[derive(Clone, Copy, Default)]
struct Cell {
    start: u32,
    end: u32,
    /// It holds doubled quotes.
    doubled: bool,
}

/// What stopped the cutting of a block.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stop {
    /// The block's end, perhaps inside a row.
    End,
    Odd,
}

/// The columns of a file and which are wanted.
struct Plan {
    columns: usize,
    /// For each column, its place among the wanted.
    place: Vec<Option<usize>>,
    wanted: usize,
}

impl Quick {
    fn open(path: &Path, limits: &Limits) -> io::Result<Self> {
        let mut file = File::open(path)?;
        let mut start = [0; BOM.len()];
        let marked = file.read_exact(&mut start).is_ok() && start == BOM;
        file.seek(SeekFrom::Start(if marked { BOM.len() as u64 } else { 0 }))?;
        let size = usize::try_from(file.metadata()?.len().min(limits.file_bytes)).unwrap_or(BLOCK);
        Ok(Self {
            file,
            block: Vec::with_capacity(BLOCK.min(size) + 2),
            at_end: false,
            rows: 0,
        })
    }

    fn run(
        &mut self,
        wanted: &[&str],
        limits: &Limits,
        take: &mut impl FnMut(&[&str]) -> Result<(), FrameError>,
    ) -> Result<Left, FrameError> {
        self.fill()?;
        let Some(plan) = self.header(wanted, limits)? else {
            return Ok(Left::Odd);
        };
        loop {
            let (mut cut, stop) = cut(&self.block, &plan, limits);
            unquote(&mut self.block, &mut cut);
            let Ok(text) = std::str::from_utf8(self.block.get(..cut.used).unwrap_or_default())
            else {
                return Ok(Left::Odd);
            };
            let mut row: Vec<&str> = Vec::with_capacity(plan.wanted);
            for cells in cut.cells.chunks_exact(plan.wanted.max(1)) {
                row.clear();
                let cell = |cell: &Cell| text.get(cell.start as usize..cell.end as usize);
                row.extend(cells.iter().map(|place| cell(place).unwrap_or("")));
                take(&row)?;
            }
            self.rows += cut.rows as u64;
            if stop == Stop::Odd || self.rows > limits.rows {
                return Ok(Left::Odd);
            }
            self.block.drain(..cut.used);
            if self.at_end {
                return Ok(if self.block.is_empty() {
                    Left::Nothing
                } else {
                    Left::Odd
                });
            }
            // A row that fills a whole block is not for the quick way.
            if cut.rows == 0 && self.block.len() >= BLOCK {
                return Ok(Left::Odd);
            }
            self.fill()?;
        }
    }

    /// Reads on until the block is full. The last line may go without its line break.
    fn fill(&mut self) -> Result<(), FrameError> {
        let room = BLOCK.saturating_sub(self.block.len()).max(1) as u64;
        let read = (&mut self.file)
            .take(room)
            .read_to_end(&mut self.block)
            .map_err(|e| FrameError::io("read", &e))?;
        self.at_end = (read as u64) < room;
        if self.at_end && self.block.last().is_some_and(|byte| *byte != b'\n') {
            self.block.push(b'\n');
        }
        Ok(())
    }

    /// The columns, if the first line is a plain one.
    fn header(&mut self, wanted: &[&str], limits: &Limits) -> Result<Option<Plan>, FrameError> {
        let Some(end) = memchr::memchr(b'\n', &self.block) else {
            return Ok(None);
        };
        let line = self.block.get(..end).unwrap_or_default();
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let Ok(line) = std::str::from_utf8(line) else {
            return Ok(None);
        };
        let names: Vec<&str> = line.split(',').collect();
        let plain = |name: &&str| !name.trim().is_empty() && !name.contains(['"', '\0', '\r']);
        let twice = |(at, name): (usize, &&str)| names.iter().take(at).any(|other| other == name);
        if !names.iter().all(plain)
            || names.iter().enumerate().any(twice)
            || names.len() > limits.columns as usize
            || names
                .iter()
                .any(|name| name.len() > limits.cell_bytes as usize)
        {
            return Ok(None);
        }
        let plan = Plan {
            columns: names.len(),
            place: place_columns(&names, wanted)?,
            wanted: wanted.len(),
        };
        self.block.drain(..=end);
        Ok(Some(plan))
    }
}

/// Where a row is.
struct Line {
    start: usize,
    field: usize,
    column: usize,
    quote: Quote,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Quote {
    None,
    /// Inside; whether a doubled one was met.
    Open {
        doubled: bool,
    },
    /// The first of a doubled one was met just before.
    Doubling,
    /// Closed at this place.
    Closed {
        at: usize,
        doubled: bool,
    },
}

/// Cuts the whole rows of a block.
fn cut(block: &[u8], plan: &Plan, limits: &Limits) -> (Cut, Stop) {
    let mut done = Cut::default();
    // Both are rare; where there is one, the strict way knows what to do.
    if memchr::memchr(0, block).is_some() {
        return (done, Stop::Odd);
    }
    let returns = memchr::memchr(b'\r', block).is_some();
    let mut line = Line {
        start: 0,
        field: 0,
        column: 0,
        quote: Quote::None,
    };
    done.cells.resize(plan.wanted, Cell::default());
    for at in memchr::memchr3_iter(b',', b'\n', b'"', block) {
        let byte = block.get(at).copied().unwrap_or_default();
        if byte == b'"' {
            match quote(&line, at, block) {
                Some(next) => line.quote = next,
                None => return (whole(done, plan), Stop::Odd),
            }
            continue;
        }
        if matches!(line.quote, Quote::Open { .. }) {
            continue;
        }
        let Some(cell) = field(&line, at, block, returns, limits) else {
            return (whole(done, plan), Stop::Odd);
        };
        let slot = done.rows * plan.wanted;
        match plan.place.get(line.column) {
            Some(Some(place)) => {
                if let Some(slot) = done.cells.get_mut(slot + place) {
                    *slot = cell;
                }
            }
            Some(None) => {}
            None => return (whole(done, plan), Stop::Odd),
        }
        line.column += 1;
        line.field = at + 1;
        line.quote = Quote::None;
        if byte == b'\n' {
            // An empty line is no row, though one column could be read into it.
            let nothing =
                plan.columns == 1 && cell.start == cell.end && cell.end as usize == line.start;
            if line.column != plan.columns || nothing {
                return (whole(done, plan), Stop::Odd);
            }
            done.rows += 1;
            done.used = at + 1;
            done.cells
                .resize((done.rows + 1) * plan.wanted, Cell::default());
            (line.start, line.column) = (at + 1, 0);
        }
    }
    (whole(done, plan), Stop::End)
}

/// Without the cells of a row that was begun.
fn whole(mut done: Cut, plan: &Plan) -> Cut {
    done.cells.truncate(done.rows * plan.wanted);
    done
}

/// What a quote mark means here; none if it is out of place.
fn quote(line: &Line, at: usize, block: &[u8]) -> Option<Quote> {
    match line.quote {
        Quote::None if at == line.field => Some(Quote::Open { doubled: false }),
        Quote::None | Quote::Closed { .. } => None,
        Quote::Open { .. } if block.get(at + 1) == Some(&b'"') => Some(Quote::Doubling),
        Quote::Open { doubled } => Some(Quote::Closed { at, doubled }),
        Quote::Doubling => Some(Quote::Open { doubled: true }),
    }
}

/// The cell that ends at a separator; none if it is not plainly sound.
fn field(line: &Line, at: usize, block: &[u8], returns: bool, limits: &Limits) -> Option<Cell> {
    // A line may end in both marks; a lone carriage return is not for the quick way.
    let ends_line = block.get(at) == Some(&b'\n');
    let end = match at.checked_sub(1) {
        Some(before) if ends_line && before >= line.field && block.get(before) == Some(&b'\r') => {
            before
        }
        Some(_) | None => at,
    };
    let (start, end, doubled) = match line.quote {
        Quote::None => {
            let text = block.get(line.field..end)?;
            if returns && memchr::memchr(b'\r', text).is_some() {
                return None;
            }
            (line.field, end, false)
        }
        Quote::Closed { at, doubled } if at + 1 == end => (line.field + 1, at, doubled),
        Quote::Closed { .. } | Quote::Open { .. } | Quote::Doubling => return None,
    };
    if end.saturating_sub(start) > limits.cell_bytes as usize {
        return None;
    }
    Some(Cell {
        start: u32::try_from(start).ok()?,
        end: u32::try_from(end).ok()?,
        doubled,
    })
}

/// Makes one quote of two, in place: a cell only gets shorter.
fn unquote(block: &mut [u8], cut: &mut Cut) {
    for cell in cut.cells.iter_mut().filter(|cell| cell.doubled) {
        let Some(text) = block.get_mut(cell.start as usize..cell.end as usize) else {
            continue;
        };
        let mut kept = 0;
        let mut skip = false;
        for at in 0..text.len() {
            let byte = text.get(at).copied().unwrap_or_default();
            skip = byte == b'"' && !skip;
            if skip {
                continue;
            }
            if let Some(to) = text.get_mut(kept) {
                *to = byte;
            }
            kept += 1;
        }
        cell.end = cell.start + kept as u32;
    }
}

/// The strict way, from a row on.
fn slow(
    path: &Path,
    wanted: &[&str],
    limits: &Limits,
    skip: u64,
    mut take: impl FnMut(&[&str]) -> Result<(), FrameError>,
) -> Result<u64, FrameError> {
    let places = RefCell::new(Vec::new());
    let accept = |header: &[String]| {
        let names: Vec<&str> = header.iter().map(String::as_str).collect();
        places.replace(place_columns(&names, wanted)?);
        Ok(())
    };
    let mut cells = vec![String::new(); wanted.len()];
    let mut row = 0;
    let walked = walk(path, limits, accept, |column, text| {
        let places = places.borrow();
        if let Some(cell) = places
            .get(column)
            .copied()
            .flatten()
            .and_then(|at| cells.get_mut(at))
        {
            cell.clear();
            cell.push_str(text);
        }
        if column + 1 == places.len() {
            row += 1;
            if row > skip {
                let cells: Vec<&str> = cells.iter().map(String::as_str).collect();
                take(&cells)?;
            }
        }
        Ok(())
    })?;
    Ok(walked.shape.rows)
}
