//! Opening the engine over the tables of a query or check, and stopping it in time.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use engine::{Connection, EngineError, FileFormat, FileTable, Interrupt, Settings, Tables};
use protocol::job::{Format, Source};
use protocol::limits::Limits;
use protocol::report::{Failure, FailureCode};

use super::{Rooms, file_limits, of_frame, refusal};

/// How often the clock is looked at.
const TICK: Duration = Duration::from_millis(20);

pub(super) fn settings(rooms: &Rooms, limits: &Limits, spill_mib: u32) -> Settings {
    Settings {
        memory_mib: limits.memory_mib,
        threads: limits.threads,
        spill: rooms.made("engine"),
        spill_mib,
    }
}

/// The engine over these tables. CSV files are read strictly first, so that a broken one is refused with
/// row and column.
pub(super) fn open(rooms: &Rooms, source: &Source, limits: &Limits) -> Result<Connection, Failure> {
    let tables = match source {
        Source::Extract => Tables::Extract(rooms.input("extract.duckdb")?),
        Source::Files { tables } => {
            let mut files = Vec::with_capacity(tables.len());
            for table in tables {
                let path = rooms.input(&table.file)?;
                let format = match table.format {
                    Format::Csv => {
                        frames::csv::check(&path, &file_limits(limits)).map_err(|error| {
                            let mut failure = of_frame(error);
                            failure.message = format!("table {}: {}", table.name, failure.message);
                            failure
                        })?;
                        FileFormat::Csv
                    }
                    Format::Parquet => FileFormat::Parquet,
                };
                files.push(FileTable {
                    name: table.name.clone(),
                    path,
                    format,
                });
            }
            Tables::Files(files)
        }
    };
    // A little is kept free, so that the engine meets its own bound before the file system's.
    let spill = limits.scratch_mib - limits.scratch_mib / 8;
    Connection::open(&settings(rooms, limits, spill), &tables)
        .map_err(|error| refusal(code(&error), error.to_string()))
}

/// What kind of no an engine error is.
pub(super) fn code(error: &EngineError) -> FailureCode {
    match error {
        EngineError::Path | EngineError::Plan { .. } => FailureCode::BadInput,
        EngineError::Load { kind, .. }
        | EngineError::Extract { kind }
        | EngineError::Failed { kind, .. }
            if *kind == "Out of Memory Error" =>
        {
            FailureCode::Limit
        }
        EngineError::Load { .. } => FailureCode::BadInput,
        EngineError::Open
        | EngineError::Setting { .. }
        | EngineError::ReadBack { .. }
        | EngineError::Extract { .. }
        | EngineError::Failed { .. } => FailureCode::Internal,
    }
}

/// Why a statement was interrupted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Why {
    /// Its time was over.
    Time,
    /// The keeper asked.
    Cancelled,
}

/// A thread that interrupts the engine when time is over or the keeper asks.
pub(super) struct Watch {
    tell: Option<Sender<Option<Instant>>>,
    late: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Watch {
    pub(super) fn over(connection: &Connection, cancelled: Arc<AtomicBool>) -> Self {
        let interrupt: Interrupt = connection.interrupt();
        let late = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&late);
        let (tell, told) = channel::<Option<Instant>>();
        let thread = std::thread::spawn(move || {
            let mut deadline: Option<Instant> = None;
            loop {
                match told.recv_timeout(TICK) {
                    Ok(next) => deadline = next,
                    Err(RecvTimeoutError::Disconnected) => return,
                    Err(RecvTimeoutError::Timeout) => {}
                }
                let Some(end) = deadline else { continue };
                let over = Instant::now() >= end;
                if over {
                    flag.store(true, Ordering::Relaxed);
                }
                if over || cancelled.load(Ordering::Relaxed) {
                    interrupt.interrupt();
                }
            }
        });
        Self {
            tell: Some(tell),
            late,
            thread: Some(thread),
        }
    }

    /// Runs `work` for at most `time_s` seconds; says why it was interrupted, if it was.
    pub(super) fn guard<T>(&self, time_s: u32, work: impl FnOnce() -> T) -> (T, Why) {
        self.late.store(false, Ordering::Relaxed);
        self.set(Some(
            Instant::now() + Duration::from_secs(u64::from(time_s)),
        ));
        let done = work();
        self.set(None);
        let why = if self.late.load(Ordering::Relaxed) {
            Why::Time
        } else {
            Why::Cancelled
        };
        (done, why)
    }

    fn set(&self, deadline: Option<Instant>) {
        // Fails only when the thread is gone; the keeper's own clock is behind this one.
        let _gone = self.tell.as_ref().map(|tell| tell.send(deadline));
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        drop(self.tell.take());
        let _ended = self.thread.take().map(JoinHandle::join);
    }
}
