//! Making a dummy extract: no file is read for it.

use engine::dummy::{self, Column, Plan, Table, Values};
use protocol::dummy::{Dummy, FILE};
use protocol::frame::Hatch;
use protocol::limits::Limits;
use protocol::report::{Failure, Report};

use super::{Rooms, bad_input, refusal, source};

pub(super) fn run(
    rooms: &Rooms,
    job: &Dummy,
    limits: &Limits,
    hatch: &mut Hatch<'_>,
) -> Result<Report, Failure> {
    hatch.progress(0, 0, "making rows up")?;
    let target = rooms.made(FILE);
    let settings = source::settings(rooms, limits, limits.scratch_mib / 2);
    dummy::write(&settings, &plan(job), &target).map_err(|error| match error {
        engine::EngineError::Plan { .. } => bad_input(error.to_string()),
        other => refusal(source::code(&other), other.to_string()),
    })?;
    hatch.progress(0, 0, "sending")?;
    hatch.send_path(FILE, &target)?;
    Ok(Report::Dummy)
}

fn plan(job: &Dummy) -> Plan {
    let column = |column: &protocol::dummy::Column| Column {
        name: column.name.clone(),
        values: values(&column.values),
        missing_per_mille: column.missing_per_mille,
    };
    let table = |table: &protocol::dummy::Table| Table {
        name: table.name.clone(),
        rows: table.rows,
        columns: table.columns.iter().map(column).collect(),
    };
    Plan {
        seed: job.seed,
        people: job.people,
        tables: job.tables.iter().map(table).collect(),
    }
}

fn values(values: &protocol::dummy::Values) -> Values {
    use protocol::dummy::Values as Said;
    match values.clone() {
        Said::Set { of } => Values::Set(of),
        Said::Text => Values::Text,
        Said::Integer { from, to } => Values::Integer { from, to },
        Said::Number { from, to } => Values::Number { from, to },
        Said::Date { from, to } => Values::Date { from, to },
    }
}
