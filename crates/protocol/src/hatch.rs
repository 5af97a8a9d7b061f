//! The worker's side: what job code says to the keeper.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::frame::{
    ERROR_MAX, FILE_BYTES_MAX, FILES_MAX, FrameError, Kind, Progress, STAGE_MAX, Up,
    check_statement, is_file_name, write_raw, write_up,
};
use crate::limits::Limits;
use crate::report::{Failure, FailureCode, Report, StatementResult};

/// Shortest time between two notes of progress.
const PROGRESS_EVERY: Duration = Duration::from_millis(100);

/// The only way out of a worker. Every method refuses what the keeper would refuse.
pub struct Hatch<'a> {
    out: Box<dyn Write + Send + 'a>,
    limits: Limits,
    cancelled: Arc<AtomicBool>,
    told: Option<Instant>,
    files: u32,
}

impl std::fmt::Debug for Hatch<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Hatch").finish_non_exhaustive()
    }
}

impl<'a> Hatch<'a> {
    /// A hatch that writes to `out` and keeps to `limits`.
    pub fn new(out: impl Write + Send + 'a, limits: Limits) -> Self {
        Self {
            out: Box::new(out),
            limits,
            cancelled: Arc::new(AtomicBool::new(false)),
            told: None,
            files: 0,
        }
    }

    /// The flag that [`Hatch::cancelled`] reads; whoever listens to the keeper sets it.
    #[must_use]
    pub fn cancel_flag(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.cancelled)
    }

    /// Whether the keeper asked to stop. Long loops ask between steps; a job that does not is ended
    /// from outside.
    #[must_use]
    pub fn cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Relaxed)
    }

    /// The limits of the job.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Tells how far the job is; `total` 0 if not known. At most ten notes a second are sent, the last always.
    ///
    /// # Errors
    /// If the keeper asked to stop or is gone.
    pub fn progress(&mut self, done: u64, total: u64, stage: &str) -> Result<(), Failure> {
        if self.cancelled() {
            return Err(failure(FailureCode::Limit, "the job was cancelled"));
        }
        let soon = self.told.is_some_and(|at| at.elapsed() < PROGRESS_EVERY);
        if soon && (done != total || total == 0) {
            return Ok(());
        }
        self.told = Some(Instant::now());
        let stage = cut(stage, STAGE_MAX).to_owned();
        self.send(&Up::Progress(Progress { done, total, stage }))
    }

    /// Sends the result of one statement. An error text beyond the cap is cut.
    ///
    /// # Errors
    /// If the result exceeds a limit, or the keeper is gone.
    pub fn send_statement(&mut self, mut result: StatementResult) -> Result<(), Failure> {
        if let Some(error) = &mut result.error {
            let length = cut(error, ERROR_MAX).len();
            error.truncate(length);
        }
        check_statement(&result, &self.limits).map_err(|error| refuse(&error))?;
        self.send(&Up::Statement(result))
    }

    /// Sends a file under a name (see [`crate::frame::is_file_name`]) and returns its length.
    ///
    /// # Errors
    /// If the name is not one, the file is larger than `file_mib`, it cannot be read, or the keeper is gone.
    pub fn send_file(&mut self, name: &str, from: &mut dyn Read) -> Result<u64, Failure> {
        if !is_file_name(name) || self.files >= FILES_MAX {
            return Err(failure(
                FailureCode::Internal,
                "the worker made a file that it may not send",
            ));
        }
        self.files += 1;
        self.send(&Up::FileStart { name: name.into() })?;
        let mut piece = vec![0_u8; FILE_BYTES_MAX];
        let mut bytes: u64 = 0;
        loop {
            let got = match from.read(&mut piece) {
                Ok(0) => break,
                Ok(got) => got,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(_) => {
                    return Err(failure(
                        FailureCode::Internal,
                        "the worker could not read a file that it made",
                    ));
                }
            };
            bytes = bytes.saturating_add(got as u64);
            if bytes > u64::from(self.limits.file_mib) << 20 {
                return Err(failure(
                    FailureCode::Limit,
                    "the limit file_mib is exceeded: the file that the job makes is too large",
                ));
            }
            let filled = piece.get(..got).unwrap_or_default();
            write_raw(&mut self.out, Kind::FileBytes, filled, Some(&self.limits))
                .map_err(|error| refuse(&error))?;
        }
        self.send(&Up::FileEnd { bytes })?;
        Ok(bytes)
    }

    /// [`Hatch::send_file`] from a path.
    ///
    /// # Errors
    /// As [`Hatch::send_file`].
    pub fn send_path(&mut self, name: &str, path: &Path) -> Result<u64, Failure> {
        let mut file = File::open(path).map_err(|_| {
            failure(
                FailureCode::Internal,
                "the worker could not read a file that it made",
            )
        })?;
        self.send_file(name, &mut file)
    }

    /// Ends the job as done. Nothing may be sent after it.
    ///
    /// # Errors
    /// If the report is too long, or the keeper is gone.
    pub fn report(&mut self, report: Report) -> Result<(), Failure> {
        self.send(&Up::Report(report))
    }

    /// Ends the job as not done. Nothing may be sent after it.
    ///
    /// # Errors
    /// If the keeper is gone.
    pub fn fail(&mut self, mut failure: Failure) -> Result<(), Failure> {
        let length = cut(&failure.message, ERROR_MAX).len();
        failure.message.truncate(length);
        self.send(&Up::Failed(failure))
    }

    fn send(&mut self, frame: &Up) -> Result<(), Failure> {
        write_up(&mut self.out, frame, &self.limits).map_err(|error| refuse(&error))
    }
}

fn refuse(error: &FrameError) -> Failure {
    match error {
        // Of the kinds that a job fills, only that of a statement is capped by its limits.
        FrameError::TooLong { kind, .. } if *kind == Kind::Statement.name() => failure(
            FailureCode::Limit,
            "the limit result_bytes is exceeded in a statement frame",
        ),
        FrameError::TooLong { kind, max, .. } => failure(
            FailureCode::Limit,
            &format!("a {kind} frame is longer than {max} bytes; ask for less at once"),
        ),
        FrameError::Limit { limit, .. } => failure(
            FailureCode::Limit,
            &format!("the limit {limit} is exceeded"),
        ),
        FrameError::Io(_) | FrameError::Cut => failure(FailureCode::Internal, "the keeper is gone"),
        FrameError::UnknownKind(_) | FrameError::Malformed(_) | FrameError::OutOfTurn(_) => {
            failure(
                FailureCode::Internal,
                "the worker made a result that it may not send",
            )
        }
    }
}

fn failure(code: FailureCode, message: &str) -> Failure {
    Failure {
        code,
        message: message.into(),
        row: None,
        column: None,
    }
}

/// The longest beginning of `text` of at most `max` bytes that ends between characters.
fn cut(text: &str, max: usize) -> &str {
    text.get(..text.floor_char_boundary(max)).unwrap_or(text)
}
