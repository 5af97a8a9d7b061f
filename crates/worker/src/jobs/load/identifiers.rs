//! Identifiers: a record number and columns with linkage roles.

use std::io::{BufWriter, Write};
use std::path::Path;

use frames::{Frame, FrameError, Strings, Table, Values};
use linkage::Role;
use protocol::frame::Hatch;
use protocol::job::LoadIdentifiers;
use protocol::limits::Limits;
use protocol::report::{Failure, Report};

use super::{DELIVERY, RECORDS, missing_by_column, read};
use crate::jobs::{Rooms, bad_input, file_limits, internal, of_frame};

/// Longest record number, in bytes.
const RECORD_BYTES_MAX: usize = 64;
/// The file of identifiers.
const IDENTIFIERS: &str = "identifiers.parquet";

pub(in crate::jobs) fn run(
    rooms: &Rooms,
    job: &LoadIdentifiers,
    limits: &Limits,
    hatch: &mut Hatch<'_>,
) -> Result<Report, Failure> {
    check_roles(job)?;
    hatch.progress(0, 0, "reading")?;
    let mut declared = vec![job.record.as_str()];
    declared.extend(job.roles.keys().map(String::as_str));
    let frame = read(
        &rooms.input(DELIVERY)?,
        job.format,
        &declared,
        &file_limits(limits),
    )?;
    let order = order(&frame, &job.record).map_err(of_frame)?;
    hatch.progress(0, 0, "writing")?;
    let records = frame
        .column(&job.record)
        .ok_or_else(|| internal("the record numbers are gone"))?;
    write_records(&rooms.made(RECORDS), records, &order)
        .map_err(|_| internal("the record numbers could not be written"))?;
    let table = table(&frame, job, &order).map_err(of_frame)?;
    frames::parquet::write(&rooms.made(IDENTIFIERS), table).map_err(of_frame)?;
    hatch.send_path(IDENTIFIERS, &rooms.made(IDENTIFIERS))?;
    hatch.send_path(RECORDS, &rooms.made(RECORDS))?;
    Ok(Report::LoadIdentifiers {
        records: order.len() as u64,
        missing: missing_by_column(&frame, &job.record),
    })
}

fn check_roles(job: &LoadIdentifiers) -> Result<(), Failure> {
    if job.roles.is_empty() {
        return Err(bad_input("no column of the delivery has a linkage role"));
    }
    let mut taken = Vec::with_capacity(job.roles.len());
    for (column, role) in &job.roles {
        if *column == job.record {
            return Err(bad_input(format!(
                "column {column} is the record number and has no role"
            )));
        }
        if !Role::ALL.iter().any(|known| known.as_str() == role) {
            return Err(bad_input(format!(
                "column {column} has no known linkage role"
            )));
        }
        if taken.contains(&role) {
            return Err(bad_input(format!(
                "two columns have the linkage role {role}"
            )));
        }
        taken.push(role);
    }
    Ok(())
}

/// Row indexes in the order of their record numbers, after every record number was found fit.
fn order(frame: &Frame, name: &str) -> Result<Vec<u32>, FrameError> {
    let records = frame
        .column(name)
        .ok_or_else(|| FrameError::column(name, "is missing from the header"))?;
    for (index, record) in records.iter().enumerate() {
        let refuse = |what: &str| Err(FrameError::cell(index as u64 + 1, name, what));
        let Some(record) = record else {
            return refuse("the record number is missing");
        };
        if record.len() > RECORD_BYTES_MAX || !record.bytes().all(|byte| byte.is_ascii_graphic()) {
            return refuse(
                "a record number is at most 64 printable ASCII characters without spaces",
            );
        }
        if linkage::is_valid_chi(record) {
            return refuse(
                "the record number is a valid CHI number: record numbers are made up for each delivery",
            );
        }
        if linkage::is_valid_nhs_number(record) {
            return refuse(
                "the record number is a valid NHS number: record numbers are made up for each delivery",
            );
        }
    }
    let mut order: Vec<u32> = (0..records.len())
        .filter_map(|index| u32::try_from(index).ok())
        .collect();
    // Ties by row, so that a repeat is told at its second place.
    order.sort_by_key(|&index| (records.get(index as usize), index));
    let mut repeats: Vec<(u32, u32)> = Vec::new();
    for pair in order.windows(2) {
        if let [first, second] = *pair
            && records.get(first as usize) == records.get(second as usize)
        {
            repeats.push((second, first));
        }
    }
    match repeats.iter().min() {
        Some((second, first)) => Err(FrameError::cell(
            u64::from(*second) + 1,
            name,
            &format!(
                "the record number was used before, in row {}",
                u64::from(*first) + 1
            ),
        )),
        None => Ok(order),
    }
}

fn write_records(path: &Path, records: &Strings, order: &[u32]) -> std::io::Result<()> {
    let mut out = BufWriter::new(std::fs::File::create_new(path)?);
    for &row in order {
        out.write_all(records.get(row as usize).unwrap_or_default().as_bytes())?;
        out.write_all(b"\n")?;
    }
    out.flush()
}

/// The table by ordinal: the column `record`, then one text column for each role, in role order.
fn table(frame: &Frame, job: &LoadIdentifiers, order: &[u32]) -> Result<Table, FrameError> {
    let ordinals = (0..order.len() as u64).map(Some).collect();
    let mut columns = vec![("record".to_owned(), Values::Ordinal(ordinals))];
    let mut roles: Vec<(&String, &String)> = job
        .roles
        .iter()
        .map(|(column, role)| (role, column))
        .collect();
    roles.sort();
    for (role, column) in roles {
        let cells = frame
            .column(column)
            .ok_or_else(|| FrameError::column(column, "is missing from the header"))?;
        columns.push((role.clone(), Values::Text(cells.take(order)?)));
    }
    Ok(Table {
        columns,
        notes: Vec::new(),
    })
}
