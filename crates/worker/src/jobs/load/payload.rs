//! Payload: rows that cite record numbers, typed as the data dictionary declares.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufWriter, Write};
use std::path::Path;

use frames::{Cells, Frame, FrameError, Strings, Table, Values};
use protocol::frame::Hatch;
use protocol::job::{ColumnKind, LoadPayload, Unmatched};
use protocol::limits::Limits;
use protocol::report::{Failure, Report};
use ring::digest::{SHA256, digest};

use super::hidden::{LeadingZero, check_name, check_numbers, check_values};
use super::{DELIVERY, RECORDS, missing_by_column, read, values};
use crate::jobs::{Rooms, bad_input, file_limits, internal, of_frame};

/// The file of payload.
const PAYLOAD: &str = "payload.parquet";
/// The file of event hashes.
const EVENTS: &str = "events";
/// Bytes of an event hash.
const EVENT_BYTES: usize = 16;
/// Names that the payload file and the engine use beside the columns, in lower case.
const OWN_NAMES: [&str; 3] = ["record", "file_row_number", "strongroom row"];
/// The note in the payload file that says what its columns are: the extract job relies on it.
pub(in crate::jobs) const KINDS_NOTE: &str = "strongroom.kinds";

pub(in crate::jobs) fn run(
    rooms: &Rooms,
    job: &LoadPayload,
    limits: &Limits,
    hatch: &mut Hatch<'_>,
) -> Result<Report, Failure> {
    check_plan(job)?;
    hatch.progress(0, 0, "reading")?;
    let known = known_records(&rooms.input(RECORDS)?)?;
    let mut declared: BTreeSet<&str> = job
        .columns
        .iter()
        .map(|column| column.name.as_str())
        .collect();
    declared.insert(&job.record);
    declared.extend(job.event.as_deref());
    let frame = read(
        &rooms.input(DELIVERY)?,
        job.format,
        &declared.into_iter().collect::<Vec<_>>(),
        &file_limits(limits),
    )?;
    let ordinals = ordinals(&frame, job, &known).map_err(of_frame)?;
    let order = order(&ordinals);
    hatch.progress(0, 0, "checking")?;
    let table = table(&frame, job, &ordinals, &order)?;
    hatch.progress(0, 0, "writing")?;
    frames::parquet::write(&rooms.made(PAYLOAD), table).map_err(of_frame)?;
    if let Some(event) = &job.event {
        let cells = event_cells(&frame, event).map_err(of_frame)?;
        write_events(&rooms.made(EVENTS), cells, &order)
            .map_err(|_| internal("the events could not be written"))?;
    }
    hatch.send_path(PAYLOAD, &rooms.made(PAYLOAD))?;
    if job.event.is_some() {
        hatch.send_path(EVENTS, &rooms.made(EVENTS))?;
    }
    let cited: BTreeSet<u64> = ordinals.iter().flatten().copied().collect();
    Ok(Report::LoadPayload {
        rows: ordinals.len() as u64,
        unmatched: ordinals.iter().filter(|ordinal| ordinal.is_none()).count() as u64,
        records: cited.len() as u64,
        missing: missing_by_column(&frame, &job.record),
    })
}

fn check_plan(job: &LoadPayload) -> Result<(), Failure> {
    let mut names = BTreeSet::new();
    for column in &job.columns {
        if column.name == job.record || column.name == "record" {
            return Err(bad_input(format!(
                "column {} is the record number and no data",
                column.name
            )));
        }
        // The data engine's names do not know case.
        let name = column.name.to_lowercase();
        if OWN_NAMES.contains(&name.as_str()) {
            return Err(bad_input(format!(
                "column {} has a name that is kept for the record number and the order of rows",
                column.name
            )));
        }
        if !names.insert(name) {
            return Err(bad_input(format!(
                "column {} is declared twice",
                column.name
            )));
        }
        check_name(&column.name).map_err(of_frame)?;
    }
    if job.event.as_ref() == Some(&job.record) {
        return Err(bad_input("the record number cannot number events too"));
    }
    job.event
        .iter()
        .try_for_each(|event| check_name(event).map_err(of_frame))
}

/// Record numbers of the identifiers, each at its ordinal: sorted, each once.
fn known_records(path: &Path) -> Result<Vec<String>, Failure> {
    let text = std::fs::read_to_string(path)
        .map_err(|_| internal("the record numbers could not be read"))?;
    let records: Vec<String> = text.lines().map(str::to_owned).collect();
    if !records.is_sorted_by(|a, b| a < b) {
        return Err(internal("the record numbers are not in order"));
    }
    Ok(records)
}

fn ordinals(
    frame: &Frame,
    job: &LoadPayload,
    known: &[String],
) -> Result<Vec<Option<u64>>, FrameError> {
    let name = job.record.as_str();
    let cells = frame
        .column(name)
        .ok_or_else(|| FrameError::column(name, "is missing from the header"))?;
    let mut ordinals = Vec::with_capacity(cells.len());
    for (index, cell) in cells.iter().enumerate() {
        let row = index as u64 + 1;
        let record =
            cell.ok_or_else(|| FrameError::cell(row, name, "the record number is missing"))?;
        let found = known
            .binary_search_by(|other| other.as_str().cmp(record))
            .ok();
        if found.is_none() && job.unmatched == Unmatched::Refuse {
            return Err(FrameError::cell(
                row,
                name,
                "the record number is not among the identifiers",
            ));
        }
        ordinals.push(found.map(|ordinal| ordinal as u64));
    }
    Ok(ordinals)
}

/// Row indexes by record, rows without one last: the order of delivery shows only within a record.
fn order(ordinals: &[Option<u64>]) -> Vec<u32> {
    let mut order: Vec<(bool, u64, u32)> = ordinals
        .iter()
        .zip(0_u32..)
        .map(|(ordinal, index)| (ordinal.is_none(), ordinal.unwrap_or(0), index))
        .collect();
    order.sort_unstable();
    order.into_iter().map(|(_, _, index)| index).collect()
}

fn table(
    frame: &Frame,
    job: &LoadPayload,
    ordinals: &[Option<u64>],
    order: &[u32],
) -> Result<Table, Failure> {
    let record: Cells<u64> = order
        .iter()
        .map(|&row| ordinals.get(row as usize).copied().flatten())
        .collect();
    let mut columns = vec![("record".to_owned(), Values::Ordinal(record))];
    let mut kinds: BTreeMap<&str, ColumnKind> = BTreeMap::new();
    for column in &job.columns {
        let cells = frame.column(&column.name).ok_or_else(|| {
            of_frame(FrameError::column(
                &column.name,
                "is missing from the header",
            ))
        })?;
        match column.kind {
            ColumnKind::Text => check_values(&column.name, cells, LeadingZero::Kept),
            ColumnKind::Integer => check_values(&column.name, cells, LeadingZero::Lost),
            ColumnKind::Number => check_numbers(&column.name, cells),
            ColumnKind::Date | ColumnKind::DateOfBirth | ColumnKind::Postcode => Ok(()),
        }
        .map_err(of_frame)?;
        let parsed = values::parse(column, cells).map_err(of_frame)?;
        columns.push((
            column.name.clone(),
            values::reorder(&parsed, order).map_err(of_frame)?,
        ));
        kinds.insert(&column.name, column.kind);
    }
    let note =
        serde_json::to_string(&kinds).map_err(|_| internal("the kinds could not be written"))?;
    Ok(Table {
        columns,
        notes: vec![(KINDS_NOTE.to_owned(), note)],
    })
}

fn event_cells<'a>(frame: &'a Frame, event: &str) -> Result<&'a Strings, FrameError> {
    let cells = frame
        .column(event)
        .ok_or_else(|| FrameError::column(event, "is missing from the header"))?;
    if let Some(index) = cells.iter().position(|cell| cell.is_none()) {
        return Err(FrameError::cell(
            index as u64 + 1,
            event,
            "the event number is missing",
        ));
    }
    check_values(event, cells, LeadingZero::Kept)?;
    Ok(cells)
}

/// A plain hash hides nothing by itself: event numbers can be guessed. The keeper keys these before
/// anyone else sees them.
fn write_events(path: &Path, cells: &Strings, order: &[u32]) -> std::io::Result<()> {
    let mut out = BufWriter::new(std::fs::File::create_new(path)?);
    for &row in order {
        let hash = digest(
            &SHA256,
            cells.get(row as usize).unwrap_or_default().as_bytes(),
        );
        out.write_all(hash.as_ref().get(..EVENT_BYTES).unwrap_or_default())?;
    }
    out.flush()
}
