//! The worker's order, written from the data dictionary and the manifest.

use std::collections::BTreeMap;

use governance::dataset::{self, Dictionary};
use governance::measure::Core;
use governance::request::{self, DatasetRequest, EventPseudonym};
use protocol::job::{
    Check, Column, ColumnKind, ColumnPlan, Extract, Format, Job, Link, LoadIdentifiers,
    LoadPayload, Measure, Objections, People, Presence, Query, RequestLimits, Reserved,
    ReviewStage, RowFilter, Source, TablePlan, Transform, Unmatched,
};
use protocol::keeper::{Refused, RefusedCode};

use crate::error::{no, not_permitted};
use crate::mounts::{events_name, map_name, payload_name};

/// The column that names the protected unit in every table of an extract.
const UNIT: &str = "person";

pub(crate) fn format(word: &str) -> Result<Format, Refused> {
    match word {
        "csv" => Ok(Format::Csv),
        "parquet" => Ok(Format::Parquet),
        _ => Err(no(
            RefusedCode::BadInput,
            "a delivered file is csv or parquet",
        )),
    }
}

pub(crate) fn load_identifiers(dictionary: &Dictionary, format: Format) -> Job {
    let roles: BTreeMap<String, String> = dictionary.identifiers.clone();
    Job::LoadIdentifiers(LoadIdentifiers {
        format,
        record: dictionary.record.clone(),
        roles,
    })
}

pub(crate) fn load_payload(dictionary: &Dictionary, format: Format) -> Job {
    let columns = dictionary
        .variables
        .iter()
        .map(|variable| Column {
            name: variable.name.clone(),
            kind: kind(variable.kind),
            presence: if variable.required {
                Presence::Required
            } else {
                Presence::Optional
            },
        })
        .collect();
    Job::LoadPayload(LoadPayload {
        format,
        record: dictionary.record.clone(),
        event: dictionary.event.clone(),
        columns,
        unmatched: match dictionary.unmatched {
            dataset::Unmatched::Refuse => Unmatched::Refuse,
            dataset::Unmatched::Keep => Unmatched::Keep,
        },
    })
}

pub(crate) fn link(settings: &str, objections: Objections, review: ReviewStage) -> Job {
    Job::Link(Link {
        settings: settings.to_owned(),
        objections,
        review,
    })
}

pub(crate) fn extract(tables: Vec<TablePlan>) -> Job {
    Job::Extract(Extract { tables })
}

/// One table: exactly the approved columns and rows.
pub(crate) fn table(
    number: usize,
    approved: &DatasetRequest,
    dictionary: &Dictionary,
) -> Result<TablePlan, Refused> {
    let unknown = || not_permitted("the manifest names a variable that the dataset does not have");
    let mut columns = Vec::with_capacity(approved.variables.len());
    for variable in &approved.variables {
        let source = dictionary.variable(variable.source()).ok_or_else(unknown)?;
        let raw = matches!(variable.transform, request::Transform::Keep);
        match source.kind {
            dataset::ColumnKind::DateOfBirth | dataset::ColumnKind::Postcode if raw => {
                return Err(not_permitted(
                    "a date of birth or a postcode reaches an extract only transformed",
                ));
            }
            dataset::ColumnKind::Text
            | dataset::ColumnKind::Integer
            | dataset::ColumnKind::Number
            | dataset::ColumnKind::Date
            | dataset::ColumnKind::DateOfBirth
            | dataset::ColumnKind::Postcode => {}
        }
        if let request::Transform::AgeAt { date } = &variable.transform {
            dictionary.variable(date).ok_or_else(unknown)?;
        }
        columns.push(ColumnPlan {
            name: variable.name.clone(),
            source: source.name.clone(),
            transform: transform(&variable.transform),
        });
    }
    for filter in &approved.rows {
        dictionary.variable(filter.column()).ok_or_else(unknown)?;
    }
    Ok(TablePlan {
        name: dictionary.table.clone(),
        payload: payload_name(number),
        map: map_name(number),
        events: match approved.event {
            EventPseudonym::Absent => None,
            EventPseudonym::Present => Some(events_name(number)),
        },
        columns,
        rows: approved.rows.iter().map(row_filter).collect(),
    })
}

/// The evidence behind statements. A query of a workspace is a check too: its screen is an output.
pub(crate) fn check(sql: String, statements: u32, people: People) -> Job {
    Job::Check(Check {
        source: Source::Extract,
        unit: UNIT.to_owned(),
        sql,
        statements,
        people,
    })
}

/// The rows of one statement, for the screen of a locked desktop.
pub(crate) fn rows(sql: String) -> Job {
    Job::Query(Query {
        source: Source::Extract,
        sql,
        skip: 0,
    })
}

/// One draw of a measurement, at the price that is reserved for it and no other.
pub(crate) fn measure(
    request: String,
    core: &Core,
    limits: &RequestLimits,
    counts_people_of: Option<String>,
) -> Job {
    Job::Measure(Measure {
        source: Source::Extract,
        unit: UNIT.to_owned(),
        request,
        limits: limits.clone(),
        reserved: Some(Reserved {
            request_sha256: core.request.to_string(),
            nano_rho: core.price.nano_rho,
            atto_delta: core.price.atto_delta,
        }),
        draws: 1,
        counts_people_of,
    })
}

fn kind(kind: dataset::ColumnKind) -> ColumnKind {
    match kind {
        dataset::ColumnKind::Text => ColumnKind::Text,
        dataset::ColumnKind::Integer => ColumnKind::Integer,
        dataset::ColumnKind::Number => ColumnKind::Number,
        dataset::ColumnKind::Date => ColumnKind::Date,
        dataset::ColumnKind::DateOfBirth => ColumnKind::DateOfBirth,
        dataset::ColumnKind::Postcode => ColumnKind::Postcode,
    }
}

fn transform(transform: &request::Transform) -> Transform {
    match transform {
        request::Transform::Keep => Transform::Keep,
        request::Transform::AgeAt { date } => Transform::AgeAt { date: date.clone() },
        request::Transform::YearMonth => Transform::YearMonth,
        request::Transform::Year => Transform::Year,
        request::Transform::PostcodeDistrict => Transform::PostcodeDistrict,
        request::Transform::PostcodeArea => Transform::PostcodeArea,
        request::Transform::Order => Transform::Order,
    }
}

fn row_filter(filter: &request::RowFilter) -> RowFilter {
    match filter {
        request::RowFilter::In { column, values } => RowFilter::In {
            column: column.clone(),
            values: values.clone(),
        },
        request::RowFilter::Between { column, from, to } => RowFilter::Between {
            column: column.clone(),
            from: from.clone(),
            to: to.clone(),
        },
    }
}
