//! Running a researcher's statements, one by one.

use std::time::Instant;

use engine::{Bound, Caps, Outcome, statements};
use protocol::frame::{Hatch, STATEMENTS_MAX};
use protocol::job::Query;
use protocol::limits::{Limit, Limits};
use protocol::report::{Failure, FailureCode, Report, Rows, StatementResult};

use super::source::{Watch, Why, open};
use super::{Rooms, bad_input, internal, refusal};

/// What is said when the engine answers nothing any more.
const UNFIT: &str = "the engine no longer answers and is started anew; tables, views and macros that earlier statements made are gone";
/// Bytes of a result that are kept for what stands around its rows.
const AROUND: usize = 1024;

pub(super) fn run(
    rooms: &Rooms,
    job: &Query,
    limits: &Limits,
    hatch: &mut Hatch<'_>,
) -> Result<Report, Failure> {
    if job.sql.len() > limits.statement_bytes as usize {
        return Err(refusal(
            FailureCode::Limit,
            format!(
                "the text is longer than the limit statement_bytes, {}",
                limits.statement_bytes
            ),
        ));
    }
    let statements = statements::split(&job.sql);
    if statements.is_empty() {
        return Err(bad_input("there is no statement in the text"));
    }
    if statements.len() > STATEMENTS_MAX as usize {
        return Err(refusal(
            FailureCode::Limit,
            format!("there are more than {STATEMENTS_MAX} statements"),
        ));
    }
    let connection = open(rooms, &job.source, limits)?;
    let watch = Watch::over(&connection, hatch.cancel_flag());
    // The keeper's clock for the first statement starts here, not with the loading.
    hatch.progress(0, 0, "statements")?;
    let caps = Caps {
        rows: limits.rows as usize,
        columns: limits.columns as usize,
        cell_bytes: limits.cell_bytes as usize,
        result_bytes: (limits.result_bytes as usize).saturating_sub(AROUND),
    };
    let mut ran = 0;
    for (statement, sql) in (0_u32..).zip(statements).skip(job.skip as usize) {
        if hatch.cancelled() {
            return Err(refusal(FailureCode::Limit, "the job was cancelled"));
        }
        let start = Instant::now();
        let (outcome, why) = watch.guard(limits.time_s, || connection.run(sql, &caps));
        let (mut result, mut error, mut killed) = (None, None, None);
        match outcome {
            Outcome::Rows(answer) => {
                result = Some(Rows {
                    columns: answer.columns,
                    types: answer.types,
                    rows: answer.rows,
                    truncated: answer.truncated,
                });
            }
            Outcome::Error(text) => error = Some(text),
            Outcome::Interrupted => match why {
                Why::Time => killed = Some(Limit::TimeS),
                Why::Cancelled => return Err(refusal(FailureCode::Limit, "the job was cancelled")),
            },
            Outcome::Wordless => match why {
                Why::Time => killed = Some(Limit::TimeS),
                Why::Cancelled if hatch.cancelled() => {
                    return Err(refusal(FailureCode::Limit, "the job was cancelled"));
                }
                Why::Cancelled => killed = Some(Limit::MemoryMib),
            },
            Outcome::OutOfMemory => killed = Some(Limit::MemoryMib),
            Outcome::OutOfDisk => killed = Some(Limit::ScratchMib),
            // The answer of this statement: a fresh worker goes on behind it.
            Outcome::Unfit => return Err(internal(UNFIT)),
            Outcome::OutOfBounds(bound) => killed = Some(limit(bound)),
        }
        hatch.send_statement(StatementResult {
            statement,
            result,
            error,
            killed,
            ms: u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX),
        })?;
        ran += 1;
    }
    Ok(Report::Query { statements: ran })
}

fn limit(bound: Bound) -> Limit {
    match bound {
        Bound::Columns => Limit::Columns,
        Bound::CellBytes => Limit::CellBytes,
        Bound::ResultBytes => Limit::ResultBytes,
    }
}
