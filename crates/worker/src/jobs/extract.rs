//! Cutting an extract: the engine does it; here its plan is read from the order.

use std::collections::BTreeMap;

use engine::extract::{ColumnPlan, Kind, RowFilter, TablePlan, Transform, cut};
use protocol::frame::Hatch;
use protocol::job::{self, ColumnKind, Extract};
use protocol::limits::Limits;
use protocol::report::{ExtractTable, Failure, FailureCode, Report};

use super::load::payload::KINDS_NOTE;
use super::{Rooms, bad_input, file_limits, of_frame, refusal, source};

const EXTRACT: &str = "extract.duckdb";

pub(super) fn run(
    rooms: &Rooms,
    job: &Extract,
    limits: &Limits,
    hatch: &mut Hatch<'_>,
) -> Result<Report, Failure> {
    let mut plans = Vec::with_capacity(job.tables.len());
    for table in &job.tables {
        plans.push(plan(rooms, table, limits)?);
    }
    hatch.progress(0, 0, "cutting")?;
    let target = rooms.made(EXTRACT);
    // The extract itself lies in the scratch space too.
    let settings = source::settings(rooms, limits, limits.scratch_mib / 2);
    let cuts = cut(&settings, &target, &plans).map_err(|error| match error {
        engine::EngineError::Plan { .. } => bad_input(error.to_string()),
        other => refusal(source::code(&other), other.to_string()),
    })?;
    hatch.progress(0, 0, "sending")?;
    hatch.send_path(EXTRACT, &target)?;
    Ok(Report::Extract {
        tables: cuts
            .into_iter()
            .map(|cut| ExtractTable {
                name: cut.name,
                columns: cut.columns,
                rows: cut.rows,
                people: cut.people,
                unlinked: cut.unlinked,
                filtered: cut.filtered,
            })
            .collect(),
    })
}

fn plan(rooms: &Rooms, table: &job::TablePlan, limits: &Limits) -> Result<TablePlan, Failure> {
    let payload = rooms.input(&table.payload)?;
    let notes = frames::parquet::notes(&payload, &file_limits(limits)).map_err(of_frame)?;
    // Without it a date of birth could not be told from a date: nothing is cut.
    let kinds: BTreeMap<String, ColumnKind> = notes
        .iter()
        .find(|(key, _)| key == KINDS_NOTE)
        .and_then(|(_, note)| serde_json::from_str(note).ok())
        .ok_or_else(|| {
            refusal(
                FailureCode::BadInput,
                format!(
                    "the payload of table {} does not say what its columns are",
                    table.name
                ),
            )
        })?;
    Ok(TablePlan {
        name: table.name.clone(),
        payload,
        kinds: kinds
            .into_iter()
            .map(|(name, kind)| (name, self::kind(kind)))
            .collect(),
        map: rooms.input(&table.map)?,
        events: table
            .events
            .as_deref()
            .map(|name| rooms.input(name))
            .transpose()?,
        columns: table.columns.iter().map(column).collect(),
        rows: table.rows.iter().map(filter).collect(),
    })
}

fn kind(kind: ColumnKind) -> Kind {
    match kind {
        ColumnKind::Text => Kind::Text,
        ColumnKind::Integer => Kind::Integer,
        ColumnKind::Number => Kind::Number,
        ColumnKind::Date => Kind::Date,
        ColumnKind::DateOfBirth => Kind::DateOfBirth,
        ColumnKind::Postcode => Kind::Postcode,
    }
}

fn column(column: &job::ColumnPlan) -> ColumnPlan {
    ColumnPlan {
        name: column.name.clone(),
        source: column.source.clone(),
        transform: match &column.transform {
            job::Transform::Keep => Transform::Keep,
            job::Transform::AgeAt { date } => Transform::AgeAt { date: date.clone() },
            job::Transform::YearMonth => Transform::YearMonth,
            job::Transform::Year => Transform::Year,
            job::Transform::PostcodeDistrict => Transform::PostcodeDistrict,
            job::Transform::PostcodeArea => Transform::PostcodeArea,
            job::Transform::Order => Transform::Order,
        },
    }
}

fn filter(filter: &job::RowFilter) -> RowFilter {
    match filter.clone() {
        job::RowFilter::In { column, values } => RowFilter::In { column, values },
        job::RowFilter::Between { column, from, to } => RowFilter::Between { column, from, to },
    }
}
