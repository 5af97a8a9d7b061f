//! `strongroom sql`: statements over files in the sealed worker, one JSON line each.

use std::process::ExitCode;

use protocol::frame::{STATEMENTS_MAX, Up};
use protocol::job::{Job, Order, Query};
use protocol::limits::{Limit, Limits};
use protocol::report::{Failure, FailureCode, Report, Rows, StatementResult};
use sandbox::{Launch, Running, SandboxError, spawn};
use serde::Serialize;

use crate::files::{DataArgs, PoliciesArgs, SqlTextArgs, profile, query_worker};
use crate::form::JsonArgs;
use crate::problem::{Problem, REFUSED, say};

/// Runs SQL statements over files in a sealed worker and prints one JSON line for each.
///
/// The exit code is 0 if every statement ran, 1 if one failed or was stopped by a limit, 2 if nothing
/// could be run.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    data: DataArgs,
    #[command(flatten)]
    text: SqlTextArgs,
    #[command(flatten)]
    policies: PoliciesArgs,
    #[command(flatten)]
    _form: JsonArgs,
}

/// Runs the statements.
///
/// # Errors
/// If a file, the text or the policies cannot be used, or no worker can be sealed.
pub(crate) fn run(args: &Args) -> Result<ExitCode, Problem> {
    let files = args.data.files()?;
    let policies = args.policies.load()?;
    let profile = profile(&policies, "sandbox/sql.toml")?;
    let sql = args.text.text(profile.limits.statement_bytes)?;
    let worker = query_worker()?;
    let mut start = |skip| {
        let query = Query {
            source: files.source(),
            sql: sql.clone(),
            skip,
        };
        spawn(Launch {
            worker: worker.clone(),
            order: Order {
                job: Job::Query(query),
                limits: profile.limits.clone(),
            },
            inputs: files.inputs(),
            profile: profile.clone(),
        })
    };
    let mut print = |line: &Line| say(&line.text(&profile.limits)?);
    match every(&mut start, &mut print)? {
        Ended::AllRan => Ok(ExitCode::SUCCESS),
        Ended::SomeDidNot => Ok(ExitCode::from(REFUSED)),
    }
}

/// How the statements ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ended {
    AllRan,
    SomeDidNot,
}

/// What is known of a statement.
#[derive(Debug, Clone, PartialEq)]
enum Line {
    Ran { rows: Rows, ms: u64 },
    Failed { error: String },
    Stopped { limit: Limit },
}

/// What is printed of it.
#[derive(Serialize)]
#[serde(untagged)]
enum Printed<'a> {
    Ran {
        ok: bool,
        #[serde(flatten)]
        rows: &'a Rows,
        ms: u64,
    },
    Failed {
        ok: bool,
        error: &'a str,
    },
    Stopped {
        ok: bool,
        killed: Resource,
        limit: &'static str,
        value: u32,
        remedy: &'static str,
    },
}

/// What a statement took too much of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Resource {
    Memory,
    Time,
    Output,
    Cpu,
    Disk,
}

impl From<Limit> for Resource {
    fn from(limit: Limit) -> Self {
        match limit {
            Limit::MemoryMib => Self::Memory,
            Limit::TimeS => Self::Time,
            Limit::CpuS => Self::Cpu,
            Limit::ScratchMib => Self::Disk,
            Limit::Columns | Limit::CellBytes | Limit::ResultBytes => Self::Output,
        }
    }
}

impl Line {
    fn failed(error: String) -> Self {
        Self::Failed { error }
    }

    fn stopped(limit: impl Into<Limit>) -> Self {
        Self::Stopped {
            limit: limit.into(),
        }
    }

    fn of(result: StatementResult) -> Result<Self, Problem> {
        match (result.result, result.error, result.killed) {
            (Some(rows), None, None) => Ok(Self::Ran {
                rows,
                ms: result.ms,
            }),
            (None, Some(error), None) => Ok(Self::failed(error)),
            (None, None, Some(limit)) => Ok(Self::stopped(limit)),
            _ => Err(out_of_turn()),
        }
    }

    /// The line, as JSON.
    fn text(&self, limits: &Limits) -> Result<String, Problem> {
        let printed = match self {
            Self::Ran { rows, ms } => Printed::Ran {
                ok: true,
                rows,
                ms: *ms,
            },
            Self::Failed { error } => Printed::Failed { ok: false, error },
            Self::Stopped { limit } => Printed::Stopped {
                ok: false,
                killed: (*limit).into(),
                limit: limit.name(),
                value: limit.value(limits),
                remedy: limit.remedy(),
            },
        };
        Ok(serde_json::to_string(&printed)?)
    }
}

fn out_of_turn() -> Problem {
    Problem::could_not("the worker sent an answer that does not belong to a statement")
}

/// A worker at work.
trait Speaker {
    fn hear(&mut self) -> Result<Option<Up>, SandboxError>;
}

impl Speaker for Running {
    fn hear(&mut self) -> Result<Option<Up>, SandboxError> {
        self.next()
    }
}

/// How one worker ended.
enum Leave {
    /// Every statement has its answer.
    Done,
    /// It ended without an answer for the next statement, which this would be.
    Early { line: Line, why: Problem },
}

/// Runs every statement; after a worker is gone, a fresh one goes on behind the statement that ended it.
fn every<S: Speaker>(
    start: &mut dyn FnMut(u32) -> Result<S, SandboxError>,
    print: &mut dyn FnMut(&Line) -> Result<(), Problem>,
) -> Result<Ended, Problem> {
    let mut ended = Ended::AllRan;
    let mut next = 0;
    while next < STATEMENTS_MAX {
        let first = next;
        let mut record = |line: &Line| {
            match line {
                Line::Ran { .. } => {}
                Line::Failed { .. } | Line::Stopped { .. } => ended = Ended::SomeDidNot,
            }
            print(line)
        };
        match listen(&mut start(first)?, &mut next, &mut record)? {
            Leave::Done => return Ok(ended),
            Leave::Early { line, why } => {
                if next == first {
                    only_loads(start, why)?;
                }
                record(&line)?;
                next += 1;
            }
        }
    }
    Err(Problem::could_not(format!(
        "there are more than {STATEMENTS_MAX} statements"
    )))
}

/// A worker that answered nothing may have died of the files: one that only loads them tells.
fn only_loads<S: Speaker>(
    start: &mut dyn FnMut(u32) -> Result<S, SandboxError>,
    why: Problem,
) -> Result<(), Problem> {
    let mut none = u32::MAX;
    let mut print = |_: &Line| Err(out_of_turn());
    match listen(&mut start(u32::MAX)?, &mut none, &mut print)? {
        Leave::Done => Ok(()),
        Leave::Early { .. } => Err(Problem::could_not(format!(
            "the files could not be loaded: {why}"
        ))),
    }
}

/// Prints the answers of one worker; `next` is the statement that has none yet.
fn listen(
    worker: &mut dyn Speaker,
    next: &mut u32,
    print: &mut dyn FnMut(&Line) -> Result<(), Problem>,
) -> Result<Leave, Problem> {
    let mut end = None;
    loop {
        match worker.hear() {
            Ok(Some(Up::Statement(result))) => {
                if result.statement != *next {
                    return Err(out_of_turn());
                }
                print(&Line::of(result)?)?;
                *next = next.saturating_add(1);
            }
            Ok(Some(Up::Report(Report::Query { .. }))) => end = Some(Leave::Done),
            Ok(Some(Up::Failed(failure))) => end = Some(of_failure(failure)?),
            Ok(Some(
                Up::MountReady { .. }
                | Up::Ready(_)
                | Up::Refused(_)
                | Up::Progress(_)
                | Up::FileStart { .. }
                | Up::FileBytes(_)
                | Up::FileEnd { .. }
                | Up::Report(_),
            )) => {}
            Ok(None) => return end.ok_or_else(out_of_turn),
            Err(error) => return of_death(error),
        }
    }
}

fn of_failure(failure: Failure) -> Result<Leave, Problem> {
    let line = match failure.code {
        // The engine bounds results; what is still too long is refused by the hatch.
        FailureCode::Limit => Line::stopped(Limit::ResultBytes),
        FailureCode::Internal => Line::failed(failure.message.clone()),
        FailureCode::BadInput | FailureCode::MissingLayer => return Err(failure.into()),
    };
    Ok(Leave::Early {
        line,
        why: failure.into(),
    })
}

fn of_death(error: SandboxError) -> Result<Leave, Problem> {
    let line = match &error {
        SandboxError::Killed(killed) => Line::stopped(*killed),
        SandboxError::Crashed(_) => Line::failed(error.to_string()),
        SandboxError::Start(_)
        | SandboxError::BadOrder(_)
        | SandboxError::MissingLayer { .. }
        | SandboxError::OtherBuild { .. }
        | SandboxError::Input { .. }
        | SandboxError::HandOver { .. }
        | SandboxError::NotReady(_)
        | SandboxError::Ended
        | SandboxError::Hostile(_)
        | SandboxError::Io(_) => return Err(error.into()),
    };
    Ok(Leave::Early {
        line,
        why: error.into(),
    })
}

#[cfg(test)]
mod tests;
