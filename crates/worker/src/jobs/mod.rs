//! The jobs: one file for each kind. Inputs are read from one folder, made files go to another and out
//! through the hatch.

mod check;
mod compare;
mod dummy;
mod extract;
mod inspect;
mod link;
mod link_files;
mod load;
mod measure;
mod model;
mod query;
mod source;
#[cfg(test)]
mod tests;

use std::any::Any;
use std::cell::RefCell;
use std::path::PathBuf;

use frames::{Fault, FrameError};
use protocol::frame::Hatch;
use protocol::job::{Job, Source};
use protocol::limits::Limits;
use protocol::report::{Failure, FailureCode, Report};

/// Most rows of a delivered file; row numbers are 32 bits wide inside.
const ROWS_MAX: u64 = 200_000_000;

/// The folders of a job.
pub(crate) struct Rooms {
    inputs: PathBuf,
    scratch: PathBuf,
    /// Tables that were opened before the order came; the job takes them. What they are is known only where they are
    /// opened and taken, so that a program which does neither holds no engine.
    ahead: RefCell<Option<Box<dyn Any>>>,
}

impl Rooms {
    /// The folders of a sealed worker.
    pub(crate) fn sealed() -> Self {
        Self::at(
            PathBuf::from(protocol::INPUTS),
            PathBuf::from(protocol::SCRATCH),
        )
    }

    fn at(inputs: PathBuf, scratch: PathBuf) -> Self {
        Self {
            inputs,
            scratch,
            ahead: RefCell::new(None),
        }
    }

    /// An input by its bare name.
    fn input(&self, name: &str) -> Result<PathBuf, Failure> {
        if !protocol::frame::is_file_name(name) {
            return Err(bad_input("an input file of the job has no plain name"));
        }
        Ok(self.inputs.join(name))
    }

    /// A file to make.
    fn made(&self, name: &str) -> PathBuf {
        self.scratch.join(name)
    }
}

/// Opens tables before the order is known: what a spare worker does while it waits.
pub(crate) fn open_ahead(
    rooms: &mut Rooms,
    source: Source,
    limits: &Limits,
) -> Result<(), Failure> {
    let connection = source::open(rooms, &source, limits)?;
    *rooms.ahead.get_mut() = Some(Box::new((source, connection)));
    Ok(())
}

/// The same for a program that has no engine.
pub(crate) fn open_nothing(_: &mut Rooms, _: Source, _: &Limits) -> Result<(), Failure> {
    Err(internal("this program opens no tables"))
}

/// Does one job.
pub(crate) fn run_in(
    rooms: &Rooms,
    job: &Job,
    limits: &Limits,
    hatch: &mut Hatch<'_>,
) -> Result<Report, Failure> {
    match job {
        Job::LoadIdentifiers(job) => load::identifiers::run(rooms, job, limits, hatch),
        Job::LoadPayload(job) => load::payload::run(rooms, job, limits, hatch),
        Job::Link(job) => link::run(rooms, job, limits, hatch),
        Job::LinkFiles(job) => link_files::run(rooms, job, limits, hatch),
        Job::Extract(job) => extract::run(rooms, job, limits, hatch),
        Job::Query(_) | Job::Check(_) | Job::Model(_) => run_statements(rooms, job, limits, hatch),
        Job::Inspect(job) => inspect::run(rooms, job, limits, hatch),
        Job::Price(job) => measure::price(job),
        Job::Measure(job) => measure::run(rooms, job, limits, hatch),
        Job::Dummy(job) => dummy::run(rooms, job, limits, hatch),
        Job::Practice(job) => measure::practice::run(rooms, job, limits),
        Job::SelfAudit(job) => measure::self_audit::run(rooms, job, limits),
        Job::Judge(_) | Job::Again(_) | Job::Attack(_) => run_judging(rooms, job, limits, hatch),
        Job::SelfTest => Err(internal("a self-test is no job over data")),
    }
}

/// Does a job that is a statement. Nothing else is named here, so that the program which can do no more holds no more.
pub(crate) fn run_statements(
    rooms: &Rooms,
    job: &Job,
    limits: &Limits,
    hatch: &mut Hatch<'_>,
) -> Result<Report, Failure> {
    match job {
        Job::Query(job) => query::run(rooms, job, limits, hatch),
        Job::Check(job) => check::run(rooms, job, limits, hatch),
        Job::Model(job) => model::run(rooms, job, limits, hatch),
        _ => Err(internal(
            "this program runs statements and does no other job",
        )),
    }
}

/// Does a job that judges or compares. No engine is named here.
pub(crate) fn run_judging(
    rooms: &Rooms,
    job: &Job,
    _: &Limits,
    hatch: &mut Hatch<'_>,
) -> Result<Report, Failure> {
    match job {
        Job::Judge(job) => compare::judge(rooms, job, hatch),
        Job::Again(job) => compare::again(rooms, job, hatch),
        Job::Attack(job) => compare::attack(rooms, job, hatch),
        _ => Err(internal("this program judges and does no other job")),
    }
}

/// Limits of a file that is read whole. A file larger than the process may grow cannot be read.
fn file_limits(limits: &Limits) -> frames::Limits {
    frames::Limits {
        rows: ROWS_MAX,
        columns: limits.columns,
        cell_bytes: limits.cell_bytes,
        file_bytes: u64::from(limits.memory_mib) << 21,
    }
}

fn bad_input(message: impl Into<String>) -> Failure {
    refusal(FailureCode::BadInput, message)
}

fn internal(message: impl Into<String>) -> Failure {
    refusal(FailureCode::Internal, message)
}

fn refusal(code: FailureCode, message: impl Into<String>) -> Failure {
    Failure {
        code,
        message: message.into(),
        row: None,
        column: None,
    }
}

fn of_frame(error: FrameError) -> Failure {
    let code = match error.fault {
        Fault::File => FailureCode::BadInput,
        Fault::Limit => FailureCode::Limit,
        Fault::Io => FailureCode::Internal,
    };
    Failure {
        code,
        message: error.message,
        row: error.row,
        column: error.column,
    }
}
