//! The keeper's side: holds a worker to the order of the conversation and to the limits of its job.

use std::io::Read;

use serde_json::Value;

use crate::frame::{
    ERROR_MAX, FILES_MAX, FrameError, INPUTS_MAX, STAGE_MAX, STATEMENTS_MAX, Up, is_file_name,
    read_up,
};
use crate::limits::Limits;
use crate::report::{Rows, StatementResult};

/// Reads what a worker sends, all of it hostile.
#[derive(Debug)]
pub struct Inbox<R> {
    from: R,
    limits: Limits,
    turn: Turn,
    files: u32,
    next_statement: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Turn {
    Mount,
    Seal,
    Work,
    File { bytes: u64 },
    Over,
}

impl<R: Read> Inbox<R> {
    /// An inbox for one job. Reads exactly the bytes of each frame and none beyond it, so that
    /// descriptors between frames stay where they are.
    pub fn new(from: R, limits: Limits) -> Self {
        Self {
            from,
            limits,
            turn: Turn::Mount,
            files: 0,
            next_statement: 0,
        }
    }

    /// The stream below.
    pub fn get_mut(&mut self) -> &mut R {
        &mut self.from
    }

    /// Whether the worker has sent its report, failure or refusal.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.turn == Turn::Over
    }

    /// The next frame, or `None` at the end of the stream.
    ///
    /// # Errors
    /// If the bytes are no frame, the frame is out of turn, or it exceeds a limit. The conversation
    /// is over then.
    pub fn next_frame(&mut self) -> Result<Option<Up>, FrameError> {
        let result = read_up(&mut self.from, &self.limits).and_then(|frame| match frame {
            Some(frame) => {
                self.turn = self.follow(&frame)?;
                Ok(Some(frame))
            }
            None => Ok(None),
        });
        if result.is_err() {
            self.turn = Turn::Over;
        }
        result
    }

    fn follow(&mut self, frame: &Up) -> Result<Turn, FrameError> {
        match (frame, self.turn) {
            (Up::MountReady { wanted }, Turn::Mount) => {
                let fits = wanted.len() <= INPUTS_MAX && wanted.iter().all(|n| is_file_name(n));
                fits.then_some(Turn::Seal)
                    .ok_or(FrameError::Malformed("mount_ready"))
            }
            (Up::Ready(_), Turn::Seal) => Ok(Turn::Work),
            (Up::Refused(_), Turn::Mount | Turn::Seal) => Ok(Turn::Over),
            (Up::Progress(progress), Turn::Work | Turn::File { .. }) => {
                if progress.stage.len() > STAGE_MAX {
                    return Err(limit("progress", "stage"));
                }
                Ok(self.turn)
            }
            (Up::Statement(result), Turn::Work) => {
                if result.statement < self.next_statement || result.statement >= STATEMENTS_MAX {
                    return Err(FrameError::OutOfTurn("statement"));
                }
                check_statement(result, &self.limits)?;
                self.next_statement = result.statement.saturating_add(1);
                Ok(Turn::Work)
            }
            (Up::FileStart { name }, Turn::Work) => {
                if !is_file_name(name) {
                    return Err(FrameError::Malformed("file_start"));
                }
                if self.files >= FILES_MAX {
                    return Err(limit("file_start", "files"));
                }
                self.files += 1;
                Ok(Turn::File { bytes: 0 })
            }
            (Up::FileBytes(piece), Turn::File { bytes }) => {
                let bytes = bytes.saturating_add(piece.len() as u64);
                if bytes > u64::from(self.limits.file_mib) << 20 {
                    return Err(limit("file_bytes", "file_mib"));
                }
                Ok(Turn::File { bytes })
            }
            (Up::FileEnd { bytes: claimed }, Turn::File { bytes }) => (*claimed == bytes)
                .then_some(Turn::Work)
                .ok_or(FrameError::Malformed("file_end")),
            (Up::Report(_), Turn::Work) => Ok(Turn::Over),
            (Up::Failed(failure), Turn::Mount | Turn::Seal | Turn::Work | Turn::File { .. }) => {
                if failure.message.len() > ERROR_MAX {
                    return Err(limit("failed", "message"));
                }
                Ok(Turn::Over)
            }
            (
                Up::MountReady { .. }
                | Up::Ready(_)
                | Up::Refused(_)
                | Up::Progress(_)
                | Up::Statement(_)
                | Up::FileStart { .. }
                | Up::FileBytes(_)
                | Up::FileEnd { .. }
                | Up::Report(_)
                | Up::Failed(_),
                Turn::Mount | Turn::Seal | Turn::Work | Turn::File { .. } | Turn::Over,
            ) => Err(FrameError::OutOfTurn(name_of(frame))),
        }
    }
}

fn name_of(frame: &Up) -> &'static str {
    match frame {
        Up::MountReady { .. } => "mount_ready",
        Up::Ready(_) => "ready",
        Up::Refused(_) => "refused",
        Up::Progress(_) => "progress",
        Up::Statement(_) => "statement",
        Up::FileStart { .. } => "file_start",
        Up::FileBytes(_) => "file_bytes",
        Up::FileEnd { .. } => "file_end",
        Up::Report(_) => "report",
        Up::Failed(_) => "failed",
    }
}

fn limit(kind: &'static str, limit: &'static str) -> FrameError {
    FrameError::Limit { kind, limit }
}

/// Checks that a statement's result has exactly one of rows, error and kill, that its rows are a table
/// of scalars, and that it keeps to the limits.
///
/// # Errors
/// Names the limit, or says that the frame is malformed.
pub fn check_statement(result: &StatementResult, limits: &Limits) -> Result<(), FrameError> {
    let malformed = FrameError::Malformed("statement");
    match (&result.result, &result.error, &result.killed) {
        (Some(rows), None, None) => check_rows(rows, limits),
        (None, Some(error), None) if error.len() > ERROR_MAX => Err(limit("statement", "error")),
        (None, Some(_), None) | (None, None, Some(_)) => Ok(()),
        (None, None, None)
        | (Some(_), Some(_), _)
        | (Some(_), None, Some(_))
        | (None, Some(_), Some(_)) => Err(malformed),
    }
}

fn check_rows(rows: &Rows, limits: &Limits) -> Result<(), FrameError> {
    let too_many = |count: usize, max: u32| u32::try_from(count).map_or(true, |count| count > max);
    if too_many(rows.columns.len(), limits.columns) {
        return Err(limit("statement", "columns"));
    }
    if too_many(rows.rows.len(), limits.rows) {
        return Err(limit("statement", "rows"));
    }
    if rows.types.len() != rows.columns.len() {
        return Err(FrameError::Malformed("statement"));
    }
    let mut bytes: u64 = 0;
    for text in rows.columns.iter().chain(&rows.types) {
        bytes = bytes.saturating_add(text.len() as u64);
    }
    for row in &rows.rows {
        if row.len() != rows.columns.len() {
            return Err(FrameError::Malformed("statement"));
        }
        for cell in row {
            let size = match cell {
                Value::Null | Value::Bool(_) | Value::Number(_) => 8,
                Value::String(text) if too_many(text.len(), limits.cell_bytes) => {
                    return Err(limit("statement", "cell_bytes"));
                }
                Value::String(text) => text.len() as u64,
                Value::Array(_) | Value::Object(_) => {
                    return Err(FrameError::Malformed("statement"));
                }
            };
            bytes = bytes.saturating_add(size);
        }
    }
    if bytes > u64::from(limits.result_bytes).saturating_mul(2) {
        return Err(limit("statement", "result_bytes"));
    }
    Ok(())
}
