use std::collections::BTreeMap;
use std::io::Write;
use std::sync::{Arc, Mutex};

use protocol::frame::{Inbox, Ready, Up, write_up};
use protocol::job::{
    Check, Column, ColumnKind, ColumnPlan, Extract, FileTable, Format, Link, LoadIdentifiers,
    LoadPayload, Objections, Presence, Query, ReviewStage, RowFilter, Said, Source, TablePlan,
    Transform, Unmatched,
};
use protocol::limits::Limit;
use protocol::posture::Posture;
use protocol::report::StatementResult;

use super::*;

mod floor;
mod link;
mod link_files;
mod load;

pub(super) const LIMITS: Limits = Limits {
    memory_mib: 256,
    threads: 2,
    time_s: 2,
    cpu_s: 60,
    scratch_mib: 128,
    rows: 100,
    columns: 50,
    cell_bytes: 200,
    result_bytes: 100_000,
    statement_bytes: 10_000,
    file_mib: 64,
};

/// What went out through the hatch.
#[derive(Clone, Default)]
struct Out(Arc<Mutex<Vec<u8>>>);

impl Write for Out {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Two fresh folders in place of `/in` and `/spill`.
struct Desk {
    _folder: tempfile::TempDir,
    rooms: Rooms,
}

struct Done {
    report: Result<Report, Failure>,
    files: BTreeMap<String, Vec<u8>>,
    statements: Vec<StatementResult>,
}

impl Desk {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let rooms = Rooms::at(folder.path().join("in"), folder.path().join("spill"));
        std::fs::create_dir(&rooms.inputs).unwrap();
        std::fs::create_dir(&rooms.scratch).unwrap();
        Self {
            _folder: folder,
            rooms,
        }
    }

    fn with(name: &str, bytes: impl AsRef<[u8]>) -> Self {
        Self::new().and(name, bytes)
    }

    fn and(self, name: &str, bytes: impl AsRef<[u8]>) -> Self {
        std::fs::write(self.rooms.inputs.join(name), bytes).unwrap();
        self
    }

    fn run(&self, job: Job) -> Done {
        self.run_within(job, &LIMITS)
    }

    fn run_within(&self, job: Job, limits: &Limits) -> Done {
        let mut out = Out::default();
        greet(&mut out, limits);
        let mut hatch = Hatch::new(out.clone(), limits.clone());
        let report = run_in(&self.rooms, &job, limits, &mut hatch);
        drop(hatch);
        let bytes = out.0.lock().unwrap().clone();
        let mut inbox = Inbox::new(bytes.as_slice(), limits.clone());
        let (mut files, mut statements) = (BTreeMap::new(), Vec::new());
        let mut open: Option<(String, Vec<u8>)> = None;
        while let Some(frame) = inbox.next_frame().unwrap() {
            match frame {
                Up::FileStart { name } => open = Some((name, Vec::new())),
                Up::FileBytes(bytes) => open.as_mut().unwrap().1.extend(bytes),
                Up::FileEnd { .. } => files.extend(open.take()),
                Up::Statement(result) => statements.push(result),
                Up::Progress(_) | Up::MountReady { .. } | Up::Ready(_) => {}
                other => panic!("{other:?}"),
            }
        }
        Done {
            report,
            files,
            statements,
        }
    }
}

#[test]
fn the_program_for_statements_does_no_other_job() {
    let desk = Desk::with("0.csv", "record,given\n1,Ann\n");
    let mut hatch = Hatch::new(Out::default(), LIMITS.clone());
    let job = identifiers_job(&[("given", "given_name")]);
    let refused = run_statements(&desk.rooms, &job, &LIMITS, &mut hatch).unwrap_err();
    assert!(refused.message.contains("does no other job"));
    assert!(
        std::fs::read_dir(&desk.rooms.scratch)
            .unwrap()
            .next()
            .is_none()
    );
}

/// The conversation before the order, so that the keeper's own reader can judge what follows.
fn greet(out: &mut Out, limits: &Limits) {
    let ready = Ready {
        posture: Posture::default(),
        build: text("test"),
    };
    write_up(out, &Up::MountReady { wanted: Vec::new() }, limits).unwrap();
    write_up(out, &Up::Ready(ready), limits).unwrap();
}

fn text(text: &str) -> String {
    text.to_owned()
}

fn identifiers_job(roles: &[(&str, &str)]) -> Job {
    Job::LoadIdentifiers(LoadIdentifiers {
        format: Format::Csv,
        record: text("rec"),
        roles: roles.iter().map(|(c, r)| (text(c), text(r))).collect(),
    })
}

const PEOPLE: [(&str, &str); 4] = [
    ("first", "forename"),
    ("last", "surname"),
    ("born", "date_of_birth"),
    ("chi", "chi"),
];

fn column(name: &str, kind: ColumnKind, presence: Presence) -> Column {
    Column {
        name: text(name),
        kind,
        presence,
    }
}

fn payload_job(unmatched: Unmatched) -> LoadPayload {
    LoadPayload {
        format: Format::Csv,
        record: text("rec"),
        event: Some(text("stay")),
        columns: vec![
            column("born", ColumnKind::DateOfBirth, Presence::Required),
            column("seen", ColumnKind::Date, Presence::Optional),
            column("days", ColumnKind::Integer, Presence::Optional),
            column("score", ColumnKind::Number, Presence::Optional),
            column("home", ColumnKind::Postcode, Presence::Optional),
            column("code", ColumnKind::Text, Presence::Optional),
        ],
        unmatched,
    }
}

const HEADER: &str = "rec,stay,born,seen,days,score,home,code\n";
const RECORDS: &str = "r1\nr2\nr3\n";
