//! Opening the engine over the tables of a query or check, and stopping it in time.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use engine::{Connection, EngineError, FileFormat, FileTable, Interrupt, Settings, Tables};
use protocol::job::{Format, Source};
use protocol::limits::Limits;
use protocol::report::{Failure, FailureCode};

use super::{Rooms, file_limits, internal, of_frame, refusal};

/// How often the clock is looked at.
const TICK: Duration = Duration::from_millis(20);
/// The engine's kind of error when memory or scratch space is used up.
pub(super) const OUT_OF_MEMORY: &str = "Out of Memory Error";

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
    let ahead = rooms.ahead.take();
    match ahead.map(|ahead| ahead.downcast::<(Source, Connection)>()) {
        Some(Ok(ahead)) if ahead.0 == *source => return Ok(ahead.1),
        Some(Ok(_) | Err(_)) => return Err(internal("the worker was opened over other tables")),
        None => {}
    }
    open_as(rooms, source, limits, FileFormat::Csv)
}

/// The same, with Parquet files read where they lie, for statements that the engine made itself.
pub(super) fn open_in_place(
    rooms: &Rooms,
    source: &Source,
    limits: &Limits,
) -> Result<Connection, Failure> {
    if *source == Source::Extract {
        // It holds no Parquet file, and a spare worker has it open already.
        return open(rooms, source, limits);
    }
    let formats = (FileFormat::Csv, FileFormat::ParquetInPlace);
    open_with(rooms, source, limits, formats)
}

/// The same, with what a CSV file's columns become.
pub(super) fn open_as(
    rooms: &Rooms,
    source: &Source,
    limits: &Limits,
    csv: FileFormat,
) -> Result<Connection, Failure> {
    open_with(rooms, source, limits, (csv, FileFormat::Parquet))
}

fn open_with(
    rooms: &Rooms,
    source: &Source,
    limits: &Limits,
    (csv, parquet): (FileFormat, FileFormat),
) -> Result<Connection, Failure> {
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
                        csv
                    }
                    Format::Parquet => parquet,
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
            if *kind == OUT_OF_MEMORY =>
        {
            FailureCode::Limit
        }
        EngineError::Full => FailureCode::Limit,
        EngineError::Load { .. } => FailureCode::BadInput,
        EngineError::Open
        | EngineError::Setting { .. }
        | EngineError::ReadBack { .. }
        | EngineError::Copy { .. }
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
    shared: Arc<(Mutex<Clock>, Condvar)>,
    thread: Option<JoinHandle<()>>,
}

/// What the thread and the statement's own thread share.
struct Clock {
    /// When the running statement must end; none while no statement runs.
    deadline: Option<Instant>,
    /// Whether the deadline was passed.
    late: bool,
    /// Whether the watch is over.
    ended: bool,
}

impl Watch {
    pub(super) fn over(connection: &Connection, cancelled: Arc<AtomicBool>) -> Self {
        let interrupt: Interrupt = connection.interrupt();
        let shared = Arc::new((
            Mutex::new(Clock {
                deadline: None,
                late: false,
                ended: false,
            }),
            Condvar::new(),
        ));
        let watched = Arc::clone(&shared);
        let thread = std::thread::spawn(move || {
            let (clock, told) = &*watched;
            let mut clock = locked(clock);
            while !clock.ended {
                if let Some(end) = clock.deadline {
                    clock.late |= Instant::now() >= end;
                    // Under the lock, so that it never meets the statement after.
                    if clock.late || cancelled.load(Ordering::Relaxed) {
                        interrupt.interrupt();
                    }
                }
                (clock, _) = told
                    .wait_timeout(clock, TICK)
                    .unwrap_or_else(PoisonError::into_inner);
            }
        });
        Self {
            shared,
            thread: Some(thread),
        }
    }

    /// Runs `work` for at most `time_s` seconds; says why it was interrupted, if it was.
    pub(super) fn guard<T>(&self, time_s: u32, work: impl FnOnce() -> T) -> (T, Why) {
        let end = Instant::now() + Duration::from_secs(u64::from(time_s));
        locked(&self.shared.0).deadline = Some(end);
        let done = work();
        let mut clock = locked(&self.shared.0);
        clock.deadline = None;
        let why = if std::mem::take(&mut clock.late) {
            Why::Time
        } else {
            Why::Cancelled
        };
        (done, why)
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        locked(&self.shared.0).ended = true;
        self.shared.1.notify_one();
        let _ended = self.thread.take().map(JoinHandle::join);
    }
}

/// Nothing panics under the lock, and no state of the clock is half made.
fn locked(clock: &Mutex<Clock>) -> MutexGuard<'_, Clock> {
    clock.lock().unwrap_or_else(PoisonError::into_inner)
}
