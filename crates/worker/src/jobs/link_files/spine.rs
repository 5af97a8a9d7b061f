//! A kept spine: what is written for it, new records linked to it, and who was who at a time.
//!
//! The spine comes as two files: its segments one after the other, and its ledger. Whoever started this worker keeps
//! both; what is made here is added behind them.

use std::fs;

use frames::{FrameError, Strings, Values};
use linkage::{
    ColumnSpec, Delivered, DeliveryReport, FileSpec, Join, KeptSpine, Ledger, LedgerStep,
    LinkError, Linkage, Moved, Reason, Record, Resources, Role, Spec, read_ledger, sealed_step,
};
use protocol::frame::Hatch;
use protocol::job::LinkFiles;
use protocol::limits::Limits;
use protocol::report::{Failure, Report};
use ring::digest::{SHA256, digest};
use serde_json::json;

use super::{
    CLUSTERS, Costs, Heard, LINKS, bad_input, internal, named, of_engine, of_frame, read, readable,
    resources, send, text,
};
use crate::jobs::Rooms;

/// The segments, as a file of its own; and those that are made here.
const RECORDS: &str = "records";
/// The ledger; the step that is made here is another file.
const LEDGER: &str = "ledger";
const STEP: &str = "step";
/// Who is who at a time.
const PERSONS: &str = "persons.parquet";

fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest(&SHA256, bytes).as_ref());
    hash
}

/// Sends the start of a spine.
pub(super) fn keep(
    kept: &KeptSpine,
    linkage: &Linkage,
    time_ms: i64,
    hatch: &mut Hatch<'_>,
) -> Result<(), Failure> {
    let segment = kept.segment().map_err(broken)?;
    let mut groups = vec![Vec::new(); linkage.persons_count as usize];
    for (file, rows) in linkage.persons.iter().enumerate() {
        for (row, person) in rows.iter().enumerate() {
            if let Some(group) = groups.get_mut(*person as usize) {
                group.push((file as u16, row as u32));
            }
        }
    }
    let ledger = Ledger::new();
    let step = LedgerStep {
        time_ms,
        reason: Reason::Start,
        segment_bytes: segment.len() as u64,
        entries: ledger.entries(&groups),
    };
    ledger.apply(&step).map_err(contradiction)?;
    let head = read_ledger(&[], sha256).map_err(broken)?.head;
    hatch.send_file(RECORDS, &mut segment.as_slice())?;
    hatch.send_file(STEP, &mut sealed_step(head, &step, sha256).as_slice())?;
    Ok(())
}

/// A spine that was read, with its ledger.
struct Opened {
    kept: KeptSpine,
    steps: Vec<LedgerStep>,
    ledger: Ledger,
    head: [u8; 32],
}

fn open(rooms: &Rooms) -> Result<Opened, Failure> {
    let bytes = |name: &str| {
        fs::read(rooms.input(name)?).map_err(|_| bad_input("the kept spine cannot be read"))
    };
    let read = read_ledger(&bytes(LEDGER)?, sha256).map_err(broken)?;
    if read.torn.is_some() || read.steps.is_empty() {
        return Err(broken(LinkError::BrokenSpine {
            what: "its ledger does not end with a step",
        }));
    }
    let ledger = Ledger::replay(&read.steps).map_err(contradiction)?;
    let records = bytes(RECORDS)?;
    let length = usize::try_from(ledger.segment_bytes()).unwrap_or(usize::MAX);
    let records = records.get(..length).ok_or(LinkError::BrokenSpine {
        what: "it is shorter than its ledger says",
    });
    let kept = records.and_then(KeptSpine::read).map_err(broken)?;
    if kept.rows() != ledger.rows() {
        return Err(broken(LinkError::BrokenSpine {
            what: "its ledger speaks of other records than it holds",
        }));
    }
    Ok(Opened {
        kept,
        steps: read.steps,
        ledger,
        head: read.head,
    })
}

fn broken(error: LinkError) -> Failure {
    bad_input(error.to_string())
}

fn contradiction(error: linkage::Contradiction) -> Failure {
    bad_input(format!("the ledger of the spine: {error}"))
}

/// Links new records to a spine.
pub(super) fn deliver(
    rooms: &Rooms,
    job: &LinkFiles,
    spec: &Spec,
    time_ms: i64,
    limits: &Limits,
    hatch: &mut Hatch<'_>,
) -> Result<Report, Failure> {
    let mut costs = Costs::new();
    costs.begin("read spine");
    hatch.progress(0, 0, "reading the spine")?;
    let mut spine = open(rooms)?;
    if time_ms < spine.ledger.time_ms() {
        return Err(contradiction(linkage::Contradiction::Time));
    }
    if spec.link_type != spine.kept.link_type() {
        return Err(bad_input(
            "the specification has another link_type than the spine",
        ));
    }
    costs.begin("read");
    take(rooms, job, spec, limits, &mut spine.kept)?;
    let resources = Resources {
        // The ledger and the ids of the spine.
        memory_bytes: resources(limits, &[])
            .memory_bytes
            .saturating_sub(64 * spine.kept.rows().iter().sum::<usize>() as u64),
        ..resources(limits, &[])
    };
    let mut heard = Heard {
        costs: &mut costs,
        hatch: &mut *hatch,
    };
    let delivered = spine
        .kept
        .link(&spec.settings, resources, &mut heard)
        .map_err(|error| of_engine(&error, spec))?;
    costs.begin("write");
    hatch.progress(0, 0, "writing")?;
    let segment = spine.kept.segment().map_err(broken)?;
    let step = LedgerStep {
        time_ms,
        reason: Reason::Delivery,
        segment_bytes: spine.ledger.segment_bytes() + segment.len() as u64,
        entries: spine.ledger.entries(&delivered.persons),
    };
    let after = spine.ledger.clone().apply(&step).map_err(contradiction)?;
    let report = DeliveryReport::of(&spine.kept, &delivered, &step, (&spine.ledger, &after));
    for (name, columns) in &report.columns {
        readable(name, columns)?;
    }
    let written = written(&spine.kept, &delivered, (&spine.ledger, &after));
    let [links, clusters] = written.map_err(of_frame)?;
    send(rooms, LINKS, links, hatch)?;
    send(rooms, CLUSTERS, clusters, hatch)?;
    hatch.send_file(RECORDS, &mut segment.as_slice())?;
    let step = sealed_step(spine.head, &step, sha256);
    hatch.send_file(STEP, &mut step.as_slice())?;
    let linkage =
        serde_json::to_string(&report).map_err(|_| internal("the report could not be written"))?;
    Ok(Report::LinkFiles {
        linkage,
        stages: costs.end(),
        scores: None,
        agreement: None,
    })
}

/// Takes the new records in, each input by its name in the spine.
fn take(
    rooms: &Rooms,
    job: &LinkFiles,
    spec: &Spec,
    limits: &Limits,
    kept: &mut KeptSpine,
) -> Result<(), Failure> {
    for (file, told) in job.files.iter().zip(&spec.files) {
        let of = |text: String| bad_input(format!("input {}: {text}", told.name));
        let mut known = kept.files().iter().enumerate();
        let known = known.find(|(_, file)| file.name == told.name);
        let (at, wanted) = known.ok_or_else(|| of("the spine has no input of this name".into()))?;
        let columns = in_order(&wanted.columns, &told.columns).map_err(of)?;
        let told = FileSpec {
            columns,
            ..told.clone()
        };
        let path = rooms.input(&file.file)?;
        let push = |id: &str, row: &[Option<&str>]| kept.push(at, id, row, &spec.settings);
        let taken = read(&path, file, &told, limits, push);
        // A few records may well have one value, or none, in a column.
        taken
            .and_then(super::Taken::ids)
            .map_err(|error| error.of_input(&told.name, spec))?;
    }
    Ok(())
}

/// The columns of a delivery in the order of the spine's: those of one role in the order of their names.
fn in_order(kept: &[ColumnSpec], given: &[ColumnSpec]) -> Result<Vec<ColumnSpec>, String> {
    let mut left: Vec<&ColumnSpec> = given.iter().collect();
    let mut columns = Vec::with_capacity(given.len());
    for wanted in kept {
        let same = |column: &&ColumnSpec| {
            let named = wanted.role != Role::Field || column.name == wanted.name;
            column.role == wanted.role && named
        };
        let Some(at) = left.iter().position(same) else {
            return Err(format!(
                "the spine has a column {} with the role {}, and no column here is left for it",
                wanted.name, wanted.role
            ));
        };
        columns.push(left.remove(at).clone());
    }
    match left.first() {
        Some(more) => Err(format!(
            "the spine has no column like {} with the role {}",
            more.name, more.role
        )),
        None => Ok(columns),
    }
}

/// The pairs and the persons that a delivery changed.
fn written(
    kept: &KeptSpine,
    delivered: &Delivered,
    (before, after): (&Ledger, &Ledger),
) -> Result<[frames::Table; 2], FrameError> {
    let moved = || delivered.joins.iter().filter_map(now);
    let source = |file: u16| Some(kept.files().get(usize::from(file))?.name.as_str());
    let numbers =
        |of: fn(&Join) -> f64| Values::Number(moved().map(|(j, _)| Some(of(&j))).collect());
    let ends = |of: fn(&Join) -> Record| -> Result<[Values; 2], FrameError> {
        Ok([
            text(moved().map(|(join, _)| source(of(&join).0)))?,
            text(moved().map(|(join, _)| kept.id(of(&join))))?,
        ])
    };
    let [source_l, id_l] = ends(|join| (join.file_l, join.row_l))?;
    let [source_r, id_r] = ends(|join| (join.file_r, join.row_r))?;
    let links = named(vec![
        ("source_l", source_l),
        ("id_l", id_l),
        ("source_r", source_r),
        ("id_r", id_r),
        ("match_weight", numbers(|join| join.match_weight)),
        ("match_probability", numbers(|join| join.match_probability)),
        (
            "step",
            text(moved().map(|(join, _)| Some(join.step.as_str())))?,
        ),
        ("change", text(moved().map(|(_, change)| Some(change)))?),
    ]);
    let mut renamed: Vec<Renamed> = delivered
        .persons
        .iter()
        .flatten()
        .map(|record| Renamed {
            record: *record,
            before: before.person(*record),
            after: after.person(*record),
        })
        .filter(|renamed| renamed.before != renamed.after)
        .collect();
    renamed.sort_unstable_by_key(|renamed| renamed.record);
    let person = |of: fn(&Renamed) -> Option<u64>| {
        let persons = renamed.iter().map(|one| of(one).map(u64::cast_signed));
        Values::Integer(persons.collect())
    };
    let clusters = named(vec![
        (
            "source",
            text(renamed.iter().map(|one| source(one.record.0)))?,
        ),
        ("id", text(renamed.iter().map(|one| kept.id(one.record)))?),
        ("person", person(|one| one.after)),
        ("person_before", person(|one| one.before)),
    ]);
    Ok([links, clusters])
}

/// A record that is of another person than before, or new.
struct Renamed {
    record: Record,
    before: Option<u64>,
    after: Option<u64>,
}

/// A pair as it is now, or as it was, with what became of it.
fn now(moved: &Moved) -> Option<(Join, &'static str)> {
    match (moved.before, moved.after) {
        (None, Some(join)) => Some((join, "new")),
        (Some(_), Some(join)) => Some((join, "changed")),
        (Some(join), None) => Some((join, "gone")),
        (None, None) => None,
    }
}

/// Says who was who at a time.
pub(super) fn as_of(
    rooms: &Rooms,
    spec: &Spec,
    time_ms: i64,
    hatch: &mut Hatch<'_>,
) -> Result<Report, Failure> {
    if !spec.files.is_empty() {
        return Err(bad_input("a spine is asked about without files"));
    }
    let mut costs = Costs::new();
    costs.begin("read spine");
    hatch.progress(0, 0, "reading the spine")?;
    let Opened { kept, steps, .. } = open(rooms)?;
    let ledger = Ledger::as_of(&steps, time_ms).map_err(contradiction)?;
    costs.begin("write");
    let (mut source, mut id, mut persons) = (Strings::new(), Strings::new(), Vec::new());
    let mut records = 0_u64;
    for (file, rows) in (0_u16..).zip(ledger.rows()) {
        for row in 0..rows as u32 {
            let name = kept.files().get(usize::from(file));
            source
                .push(name.map_or("", |file| file.name.as_str()))
                .and_then(|()| id.push(kept.id((file, row)).unwrap_or("")))
                .map_err(of_frame)?;
            persons.push(ledger.person((file, row)).map(u64::cast_signed));
            records += 1;
        }
    }
    let table = named(vec![
        ("source", Values::Text(source)),
        ("id", Values::Text(id)),
        ("person", Values::Integer(persons.into_iter().collect())),
    ]);
    send(rooms, PERSONS, table, hatch)?;
    let told = json!({
        "steps": ledger.steps(),
        "records": records,
        "persons": ledger.persons(),
    });
    Ok(Report::LinkFiles {
        linkage: told.to_string(),
        stages: costs.end(),
        scores: None,
        agreement: None,
    })
}
