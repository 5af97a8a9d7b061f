//! Gathering the evidence behind statements.

use engine::evidence::{EvidenceError, Limits as EvidenceLimits, gather_comparable, gather_listed};
use engine::statements::split;
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
    let cells = cells(limits);
    hatch.progress(0, 0, "gathering evidence")?;
    let statements = statements(job)?;
    let traced = |sql: &str| match (job.people, statements.as_slice()) {
        (People::Counted, [_]) => gather_comparable(&connection, &job.unit, sql, cells),
        // Statements are compared with each other, or with releases.
        (People::Counted | People::Listed, _) => {
            let found = gather_listed(&connection, &job.unit, sql, cells);
            found.map(|(found, listed)| (found, Some(listed)))
        }
    };
    let (gathered, why) = watch.guard(limits.time_s, || {
        let traced = statements.iter().map(|sql| traced(sql));
        traced.collect::<Result<Vec<_>, EvidenceError>>()
    });
    let gathered = gathered.map_err(|error| failure(&error, why, limits, hatch))?;
    let (evidence, listed): (Vec<_>, Vec<_>) = gathered.into_iter().unzip();
    if listed.iter().any(Option::is_some) {
        let people: Vec<u8> = listed.into_iter().flatten().flatten().collect();
        hatch.send_file(PEOPLE, &mut people.as_slice())?;
    }
    let evidence = match evidence.as_slice() {
        [only] => serde_json::to_string(only),
        several => serde_json::to_string(several),
    };
    let evidence = evidence.map_err(|_| internal("the evidence could not be written"))?;
    Ok(Report::Check { evidence })
}

/// How much evidence is gathered.
pub(super) fn cells(limits: &Limits) -> EvidenceLimits {
    EvidenceLimits {
        max_cells: (limits.rows as usize * limits.columns as usize).min(CELLS_MAX),
        memory_mib: limits.memory_mib,
    }
}

/// The statements of the text. One is passed on as it stands, so that the engine says what is wrong with it.
fn statements(job: &Check) -> Result<Vec<&str>, Failure> {
    let several = split(&job.sql);
    if job.statements < 2 || several.len() < 2 {
        return Ok(vec![job.sql.as_str()]);
    }
    match several.len() > job.statements as usize {
        true => Err(refusal(
            FailureCode::Limit,
            format!(
                "the text has {} statements, and the limit statements is {}",
                several.len(),
                job.statements
            ),
        )),
        false => Ok(several),
    }
}

/// That somebody or the clock stopped the job, if it was so.
pub(super) fn stopped(why: Why, limits: &Limits, hatch: &Hatch<'_>) -> Option<Failure> {
    if hatch.cancelled() {
        return Some(refusal(FailureCode::Limit, "the job was cancelled"));
    }
    (why == Why::Time).then(|| {
        refusal(
            FailureCode::Limit,
            format!(
                "the statement took longer than the limit time_s, {}",
                limits.time_s
            ),
        )
    })
}

pub(super) fn failure(
    error: &EvidenceError,
    why: Why,
    limits: &Limits,
    hatch: &Hatch<'_>,
) -> Failure {
    let ran = matches!(error, EvidenceError::Run { .. });
    if let Some(stopped) = stopped(why, limits, hatch)
        && (ran || hatch.cancelled())
    {
        return stopped;
    }
    match error {
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
