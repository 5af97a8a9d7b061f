//! Fitting a model and gathering the evidence of the tables behind it.

use disclosure::model::{Asked, Fitted};
use engine::Connection;
use engine::evidence::{EvidenceError, gather_listed};
use engine::model::{ModelError, draw, fit};
use protocol::frame::Hatch;
use protocol::job::PEOPLE;
use protocol::limits::Limits;
use protocol::model::Model;
use protocol::report::{Failure, Report};

use super::check::{cells, failure, stopped};
use super::source::{Watch, code, open_in_place};
use super::{Rooms, bad_input, internal, refusal};

/// Sends `{"fitted", "tables"}` as the evidence, with the people behind the tables' cells.
pub(super) fn run(
    rooms: &Rooms,
    job: &Model,
    limits: &Limits,
    hatch: &mut Hatch<'_>,
) -> Result<Report, Failure> {
    let asked: Asked = serde_json::from_str(&job.asked)
        .map_err(|_| bad_input("the model is not what the engine knows"))?;
    let connection = open_in_place(rooms, &job.source, limits)?;
    let watch = Watch::over(&connection, hatch.cancel_flag());
    hatch.progress(0, 0, "fitting the model")?;
    let (found, why) = watch.guard(limits.time_s, || fitted(&connection, job, &asked));
    let (fitted, behind) = found.map_err(|error| match &error {
        ModelError::Invalid(_) => bad_input(error.to_string()),
        ModelError::Engine(cause) => {
            stopped(why, limits, hatch).unwrap_or_else(|| refusal(code(cause), error.to_string()))
        }
    })?;
    hatch.progress(0, 0, "gathering evidence")?;
    let (gathered, why) = watch.guard(limits.time_s, || {
        let tables = behind.iter();
        let traced = tables.map(|sql| gather_listed(&connection, &job.unit, sql, cells(limits)));
        traced.collect::<Result<Vec<_>, EvidenceError>>()
    });
    let gathered = gathered.map_err(|error| failure(&error, why, limits, hatch))?;
    let (tables, people): (Vec<_>, Vec<_>) = gathered.into_iter().unzip();
    let people: Vec<u8> = people.into_iter().flatten().collect();
    hatch.send_file(PEOPLE, &mut people.as_slice())?;
    let told = serde_json::json!({ "fitted": fitted, "tables": tables });
    let evidence =
        serde_json::to_string(&told).map_err(|_| internal("the evidence could not be written"))?;
    Ok(Report::Check { evidence })
}

/// What was found of the model, and the statements of the tables behind it.
fn fitted(
    connection: &Connection,
    job: &Model,
    asked: &Asked,
) -> Result<(Fitted, Vec<String>), ModelError> {
    match asked {
        Asked::Regression(spec) => {
            let found = fit(connection, &job.unit, spec, job.parameters)?;
            Ok((Fitted::Regression(found.design), found.tables))
        }
        Asked::Survival(spec, rules) => {
            let drawn = draw(connection, &job.unit, spec, rules)?;
            Ok((Fitted::Survival(drawn.curve), drawn.tables))
        }
    }
}
