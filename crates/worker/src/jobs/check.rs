//! Gathering the evidence behind one statement.

use engine::evidence::{EvidenceError, Limits as EvidenceLimits, gather, gather_listed};
use protocol::frame::Hatch;
use protocol::job::{Check, PEOPLE, People};
use protocol::limits::Limits;
use protocol::report::{Failure, FailureCode, Report};

use super::source::{OUT_OF_MEMORY, Watch, Why, open_in_place};
use super::{Rooms, internal, refusal};

/// Most cells whose evidence is gathered, whatever the limits of a result are.
const CELLS_MAX: usize = 1_000_000;

pub(super) fn run(
    rooms: &Rooms,
    job: &Check,
    limits: &Limits,
    hatch: &mut Hatch<'_>,
) -> Result<Report, Failure> {
    let connection = open_in_place(rooms, &job.source, limits)?;
    let watch = Watch::over(&connection, hatch.cancel_flag());
    let cells = EvidenceLimits {
        max_cells: (limits.rows as usize * limits.columns as usize).min(CELLS_MAX),
        memory_mib: limits.memory_mib,
    };
    hatch.progress(0, 0, "gathering evidence")?;
    let (gathered, why) = watch.guard(limits.time_s, || match job.people {
        People::Counted => {
            gather(&connection, &job.unit, &job.sql, cells).map(|found| (found, None))
        }
        People::Listed => gather_listed(&connection, &job.unit, &job.sql, cells)
            .map(|(found, listed)| (found, Some(listed))),
    });
    let (evidence, listed) = gathered.map_err(|error| failure(&error, why, limits, hatch))?;
    if let Some(listed) = listed {
        hatch.send_file(PEOPLE, &mut listed.as_slice())?;
    }
    let evidence = serde_json::to_string(&evidence)
        .map_err(|_| internal("the evidence could not be written"))?;
    Ok(Report::Check { evidence })
}

fn failure(error: &EvidenceError, why: Why, limits: &Limits, hatch: &Hatch<'_>) -> Failure {
    if hatch.cancelled() {
        return refusal(FailureCode::Limit, "the job was cancelled");
    }
    match error {
        EvidenceError::Run { .. } if why == Why::Time => refusal(
            FailureCode::Limit,
            format!(
                "the statement took longer than the limit time_s, {}",
                limits.time_s
            ),
        ),
        EvidenceError::Run { kind } if *kind == OUT_OF_MEMORY => refusal(
            FailureCode::Limit,
            format!(
                "the statement needs more memory or scratch space than the limits memory_mib, {}, and scratch_mib, {}",
                limits.memory_mib, limits.scratch_mib
            ),
        ),
        EvidenceError::TooManyCells { .. } | EvidenceError::TooLong => {
            refusal(FailureCode::Limit, error.to_string())
        }
        EvidenceError::Syntax(_) | EvidenceError::UnknownTable(_) | EvidenceError::Run { .. } => {
            refusal(FailureCode::BadInput, error.to_string())
        }
        EvidenceError::Shape(_) => internal(error.to_string()),
    }
}
