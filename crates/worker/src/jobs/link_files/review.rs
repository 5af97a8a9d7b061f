//! Pairs for people to judge: the two records side by side, without score or step, in an order that says nothing.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use frames::FrameError;
use linkage::{BANDS, Chosen, Join, Linkage, Spec};
use protocol::frame::Hatch;
use protocol::job::{Format, LinkFiles};
use protocol::limits::Limits;
use protocol::report::Failure;

use super::ids::Ids;
use super::{file_limits, of_frame};
use crate::jobs::Rooms;

/// What reviewers see and fill in.
const REVIEW: &str = "review.csv";
/// What stays with whoever plans the review: weight, probability, step and band of each pair.
const KEY: &str = "review-key.csv";

/// Values of a record, in the order of its file's columns.
type Values = Vec<String>;

pub(super) fn write(
    rooms: &Rooms,
    job: &LinkFiles,
    spec: &Spec,
    ids: &[Ids],
    linkage: &Linkage,
    limits: &Limits,
    hatch: &mut Hatch<'_>,
) -> Result<(), Failure> {
    let settings = &spec.settings;
    let chosen = linkage::choose(
        &linkage.joins,
        settings.threshold_probability,
        job.review as usize,
        settings.seed,
    );
    let joins: Vec<(&Chosen, &Join)> = chosen
        .iter()
        .filter_map(|chosen| Some((chosen, linkage.joins.get(chosen.join)?)))
        .collect();
    let mut wanted: Vec<BTreeMap<u32, Values>> = vec![BTreeMap::new(); spec.files.len()];
    for (_, join) in &joins {
        for (file, row) in [(join.file_l, join.row_l), (join.file_r, join.row_r)] {
            if let Some(rows) = wanted.get_mut(usize::from(file)) {
                rows.insert(row, Values::new());
            }
        }
    }
    for (at, rows) in wanted.iter_mut().enumerate() {
        read(rooms, job, spec, at, limits, rows).map_err(of_frame)?;
    }
    let sheet = sheet(spec, ids, &joins, &wanted);
    hatch.send_file(REVIEW, &mut sheet.as_bytes())?;
    let key = key(spec, ids, &joins);
    hatch.send_file(KEY, &mut key.as_bytes())?;
    Ok(())
}

/// Reads the values of the rows that are wanted of one file.
fn read(
    rooms: &Rooms,
    job: &LinkFiles,
    spec: &Spec,
    at: usize,
    limits: &Limits,
    rows: &mut BTreeMap<u32, Values>,
) -> Result<(), FrameError> {
    let (Some(file), Some(told)) = (job.files.get(at), spec.files.get(at)) else {
        return Ok(());
    };
    let path = rooms
        .input(&file.file)
        .map_err(|_| FrameError::file("is not there"))?;
    let columns: Vec<&str> = told.columns.iter().map(|c| c.name.as_str()).collect();
    let mut row = 0;
    let mut take = |cells: &[&str]| {
        if let Some(values) = rows.get_mut(&row) {
            *values = cells.iter().map(|cell| (*cell).to_owned()).collect();
        }
        row += 1;
        Ok(())
    };
    let limits = file_limits(limits);
    match file.format {
        Format::Csv => frames::csv::rows(&path, &columns, &limits, &mut take),
        Format::Parquet => frames::parquet::rows(&path, &columns, &limits, &mut take),
    }?;
    Ok(())
}

/// What stands in a review for one role or field: the values of all its columns.
fn headings(spec: &Spec) -> Vec<String> {
    let mut headings = Vec::new();
    for column in spec.files.iter().flat_map(|file| &file.columns) {
        let heading = heading(column);
        if !headings.contains(&heading) {
            headings.push(heading);
        }
    }
    headings
}

fn heading(column: &linkage::ColumnSpec) -> String {
    match column.role {
        linkage::Role::Field => column.name.clone(),
        role => role.as_str().to_owned(),
    }
}

fn sheet(
    spec: &Spec,
    ids: &[Ids],
    joins: &[(&Chosen, &Join)],
    values: &[BTreeMap<u32, Values>],
) -> String {
    let headings = headings(spec);
    let mut text = String::from("source_l,id_l,source_r,id_r");
    for heading in &headings {
        cell(&mut text, &format!("{heading}_l"));
        cell(&mut text, &format!("{heading}_r"));
    }
    text.push_str(",match,reason\n");
    for (_, join) in joins {
        names(&mut text, spec, ids, join);
        for heading in &headings {
            for (file, row) in [(join.file_l, join.row_l), (join.file_r, join.row_r)] {
                let file = usize::from(file);
                let columns = spec.files.get(file).map_or(&[][..], |file| &file.columns);
                let found = values.get(file).and_then(|rows| rows.get(&row));
                let of_heading = columns.iter().zip(found.into_iter().flatten());
                let shown: Vec<&str> = of_heading
                    .filter(|(column, value)| heading_is(column, heading) && !value.is_empty())
                    .map(|(_, value)| value.as_str())
                    .collect();
                cell(&mut text, &shown.join("; "));
            }
        }
        text.push_str(",,\n");
    }
    text
}

fn heading_is(column: &linkage::ColumnSpec, wanted: &str) -> bool {
    heading(column) == wanted
}

fn key(spec: &Spec, ids: &[Ids], joins: &[(&Chosen, &Join)]) -> String {
    let mut text =
        String::from("source_l,id_l,source_r,id_r,match_weight,match_probability,step,band_from\n");
    for (chosen, join) in joins {
        names(&mut text, spec, ids, join);
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            ",{},{},{},{}",
            join.match_weight,
            join.match_probability,
            join.step.as_str(),
            BANDS.get(chosen.band).copied().unwrap_or(0.0)
        );
    }
    text
}

/// Sources and ids of both records.
fn names(text: &mut String, spec: &Spec, ids: &[Ids], join: &Join) {
    for (place, (file, row)) in [(join.file_l, join.row_l), (join.file_r, join.row_r)]
        .into_iter()
        .enumerate()
    {
        let file = usize::from(file);
        let source = spec.files.get(file).map_or("", |file| &file.name);
        let id = ids.get(file).and_then(|ids| ids.get(row)).unwrap_or("");
        if place == 0 {
            quoted(text, source);
        } else {
            cell(text, source);
        }
        cell(text, id);
    }
}

/// One more cell of a line.
fn cell(text: &mut String, value: &str) {
    text.push(',');
    quoted(text, value);
}

fn quoted(text: &mut String, value: &str) {
    if value.contains([',', '"', '\n', '\r']) {
        text.push('"');
        text.push_str(&value.replace('"', "\"\""));
        text.push('"');
    } else {
        text.push_str(value);
    }
}
