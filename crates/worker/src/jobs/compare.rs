//! Judging evidence beside what left and was shown. Neither payload nor identifiers are here: people are ordinals.

mod ordinals;

use std::fs::File;
use std::io::{BufRead, BufReader, Read};

use disclosure::difference::{Attacked, Release};
use disclosure::{
    Evidence, Found, Leaving, Policy, Report as Reported, Verdict, as_one, by_statement,
    compare_again, to_csv,
};
use protocol::compare::{
    Again, Attack, Behind, ELSEWHERE, EVIDENCE, Goal, Judge, Judged, ORDINALS, REGISTER,
    RENDERINGS, Renderings, SCREENS, TABLES,
};
use protocol::frame::Hatch;
use protocol::job::PEOPLE;
use protocol::report::{Failure, Report};
use serde_json::{Value, json};

use super::{Rooms, internal};
use ordinals::Ordinals;

/// Most bytes of one released table.
const TABLE_BYTES_MAX: u64 = 1 << 30;

pub(super) fn judge(rooms: &Rooms, job: &Judge, hatch: &mut Hatch<'_>) -> Result<Report, Failure> {
    let policy = policy(&job.policy, job.minimum)?;
    hatch.progress(0, 0, "judging")?;
    let evidence = evidence(&read(rooms, EVIDENCE)?)?;
    let listed = read(rooms, PEOPLE)?;
    let beside = &job.beside;
    let ordinals = match beside.has_ordinals {
        true => Ordinals::given(open(rooms, ORDINALS)?)?,
        false => Ordinals::in_turn(),
    };
    let (request, population) = ordinals.of(&evidence, &listed)?;
    let called = (beside.name.as_str(), beside.date.as_str());
    let mut leaving = Leaving::new(called, &request, population, &policy);
    hatch.progress(0, 0, "comparing with what left and was shown")?;
    leaving.compare(beside.unknown, &policy, |see| match beside.has_ordinals {
        true => everything(rooms, see),
        false => Ok(()),
    })?;
    let tables = match beside.has_ordinals && leaving.is_listed() {
        true => Some(new_tables(beside.goal, &leaving)),
        false => None,
    };
    let reports = by_statement(&evidence, leaving.into_reports(), &policy);
    let report = as_one(reports, &policy);
    let is_seen = match (beside.goal, report.verdict) {
        (Goal::Output, _) | (Goal::Screen, Verdict::Pass | Verdict::Treat) => true,
        (Goal::Screen, Verdict::Review | Verdict::Fail) => false,
    };
    let behind = match tables.filter(|_| is_seen) {
        None => Behind::Unknown,
        Some(tables) if tables.is_empty() && beside.goal == Goal::Screen => Behind::Known,
        Some(tables) => {
            hatch.send_file(TABLES, &mut tables.as_slice())?;
            Behind::Sent
        }
    };
    let judged = judged(&report, &policy)?;
    Ok(Report::Judge { judged, behind })
}

/// The tables that the register is to keep. Of a screen those that nobody in its project has seen yet: a table that
/// left, or that a screen showed, says nothing new when it is shown again.
fn new_tables(goal: Goal, leaving: &Leaving) -> Vec<u8> {
    match goal {
        Goal::Output => register(leaving.tables()),
        Goal::Screen => register(leaving.new_tables()),
    }
}

/// Everything that left and was shown. What screens of other projects showed has no name.
fn everything(rooms: &Rooms, see: &mut dyn FnMut(&Release)) -> Result<(), Failure> {
    each(rooms, REGISTER, &mut |left| see(&left))?;
    each(rooms, SCREENS, &mut |shown| see(&shown))?;
    each(rooms, ELSEWHERE, &mut |shown| {
        see(&shown.under_another_name("a screen", "another project"));
    })
}

pub(super) fn again(rooms: &Rooms, job: &Again, hatch: &mut Hatch<'_>) -> Result<Report, Failure> {
    let policy = policy(&job.policy, job.minimum)?;
    hatch.progress(0, 0, "comparing with what left and was shown")?;
    let mut tables = Vec::new();
    each(rooms, TABLES, &mut |table| tables.push(table))?;
    let found = compare_again(tables, &policy, |see| everything(rooms, see))?;
    if !found.is_empty() {
        let renderings = read(rooms, RENDERINGS)?;
        let renderings = serde_json::from_slice(&renderings).map_err(|_| unreadable())?;
        let renderings = with(renderings, &found)?;
        let bytes = serde_json::to_vec(&renderings).map_err(|_| unwritten())?;
        hatch.send_file(RENDERINGS, &mut bytes.as_slice())?;
    }
    Ok(Report::Again {
        found: found.len() as u64,
    })
}

pub(super) fn attack(
    rooms: &Rooms,
    job: &Attack,
    hatch: &mut Hatch<'_>,
) -> Result<Report, Failure> {
    let policy = policy(&job.policy, 0)?;
    hatch.progress(0, 0, "attacking what left")?;
    let mut history = Vec::new();
    each(rooms, REGISTER, &mut |release| history.push(release))?;
    let minimum = policy.differencing().unwrap_or(policy.minimum());
    let minimum = u32::try_from(minimum).unwrap_or(u32::MAX);
    let found = Attacked::new(&history, minimum, job.newest as usize);
    // Counts: which groups they are stays in here.
    let recovered = json!({
        "tables": found.tables, "attacked": found.attacked, "minimum": found.minimum,
        "isolated": found.isolated.len(), "singled_out": found.singled_out,
        "averaged": found.averaged, "reconstructed": found.reconstructed,
    });
    Ok(Report::Attack {
        recovered: recovered.to_string(),
    })
}

fn policy(text: &str, minimum: u64) -> Result<Policy, Failure> {
    let policy = Policy::parse(text).map_err(|error| internal(error.to_string()))?;
    let minimum = minimum.max(policy.minimum());
    policy
        .tighten(minimum)
        .map_err(|error| internal(error.to_string()))
}

fn read(rooms: &Rooms, name: &str) -> Result<Vec<u8>, Failure> {
    std::fs::read(rooms.input(name)?).map_err(|_| unreadable())
}

fn open(rooms: &Rooms, name: &str) -> Result<BufReader<File>, Failure> {
    let file = File::open(rooms.input(name)?).map_err(|_| unreadable())?;
    Ok(BufReader::with_capacity(1 << 16, file))
}

/// The evidence of one statement, or a list of several.
fn evidence(bytes: &[u8]) -> Result<Vec<Evidence>, Failure> {
    let read = match bytes.first() {
        Some(b'[') => serde_json::from_slice(bytes),
        Some(_) | None => serde_json::from_slice(bytes).map(|one| vec![one]),
    };
    read.map_err(|_| unreadable())
}

/// Every table of a register, one at a time.
fn each(rooms: &Rooms, name: &str, see: &mut dyn FnMut(Release)) -> Result<(), Failure> {
    let mut file = open(rooms, name)?;
    loop {
        if file.fill_buf().map_err(|_| unreadable())?.is_empty() {
            return Ok(());
        }
        let mut length = [0; 8];
        file.read_exact(&mut length).map_err(|_| unreadable())?;
        let length = u64::from_le_bytes(length);
        if length > TABLE_BYTES_MAX {
            return Err(unreadable());
        }
        let mut table = Vec::new();
        let read = file.by_ref().take(length).read_to_end(&mut table);
        if read.ok().and_then(|read| u64::try_from(read).ok()) != Some(length) {
            return Err(unreadable());
        }
        see(Release::from_bytes(&table).map_err(|_| unreadable())?);
    }
}

fn register<'r>(tables: impl Iterator<Item = &'r Release>) -> Vec<u8> {
    let mut bytes = Vec::new();
    for table in tables {
        let table = table.to_bytes();
        bytes.extend((table.len() as u64).to_le_bytes());
        bytes.extend(table);
    }
    bytes
}

fn judged(report: &Reported, policy: &Policy) -> Result<Judged, Failure> {
    let outputs = report.outputs.iter();
    let exact = outputs.clone().map(|o| to_csv(&o.columns, &o.rows));
    let treated = outputs.map(|o| to_csv(&o.columns, &o.treated_rows));
    let json = |value: Result<Value, serde_json::Error>| value.map_err(|_| unwritten());
    Ok(Judged {
        verdict: verdict(report.verdict).to_owned(),
        policy: policy.sha256().to_owned(),
        renderings: Renderings {
            checker: json(serde_json::to_value(report))?,
            researcher: json(serde_json::to_value(report.for_researcher()))?,
        },
        exact: one_under_the_other(exact)?,
        treated: match report.verdict {
            Verdict::Treat => Some(one_under_the_other(treated)?),
            Verdict::Pass | Verdict::Review | Verdict::Fail => None,
        },
    })
}

/// Tables with an empty line between two.
fn one_under_the_other(tables: impl Iterator<Item = Vec<u8>>) -> Result<String, Failure> {
    let tables: Vec<Vec<u8>> = tables.collect();
    String::from_utf8(tables.join(&b'\n')).map_err(|_| unwritten())
}

fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "pass",
        Verdict::Treat => "treat",
        Verdict::Review => "review",
        Verdict::Fail => "fail",
    }
}

/// The renderings with what a later comparison found.
fn with(mut renderings: Renderings, found: &[Found]) -> Result<Renderings, Failure> {
    for report in [&mut renderings.checker, &mut renderings.researcher] {
        let report = report.as_object_mut().ok_or_else(unreadable)?;
        report.insert("verdict".into(), "fail".into());
        for output in list(report.get_mut("outputs"))? {
            let output = output.as_object_mut().ok_or_else(unreadable)?;
            if let Some(rows) = output.get_mut("treated_rows") {
                *rows = json!([]);
            }
        }
    }
    for one in found {
        list(renderings.checker.get_mut("findings"))?.push(json!({
            "rule": "differencing",
            "detail": format!("with what left or was shown since its check: {}", one.sentence),
        }));
        list(renderings.researcher.get_mut("findings"))?.push(json!({
            "rule": "differencing",
            "remedy": format!(
                "{}: few people lie between this and another table about the same people that left meanwhile or was shown: ask for the same selection, or for coarser groups",
                one.cell
            ),
        }));
    }
    for output in list(renderings.researcher.get_mut("outputs"))? {
        // Nothing of it may leave any more.
        if let Some(rows) = output.get_mut("rows") {
            *rows = json!([]);
        }
    }
    Ok(renderings)
}

fn list(value: Option<&mut Value>) -> Result<&mut Vec<Value>, Failure> {
    value.and_then(Value::as_array_mut).ok_or_else(unreadable)
}

fn unreadable() -> Failure {
    internal("what is to be compared cannot be read")
}

fn unwritten() -> Failure {
    internal("the report could not be written")
}

#[cfg(test)]
mod tests {
    use disclosure::difference::{About, CellPeople, Treatment};

    use super::*;

    fn found() -> Found {
        Found {
            people: 2,
            cell: "sex F: n".into(),
            sentence: "sex F: n: this cell minus sex F: m of output out_b isolates 2 people".into(),
        }
    }

    #[test]
    fn what_is_found_later_is_told_to_each_as_they_may_know_it_and_nothing_is_offered_any_more() {
        let output = json!({ "rows": [[1]], "treated_rows": [[1]], "cells": [] });
        let researcher = json!({ "rows": [[1]], "cells": [] });
        let report =
            |output: &Value| json!({ "verdict": "treat", "outputs": [output], "findings": [] });
        let renderings = Renderings {
            checker: report(&output),
            researcher: report(&researcher),
        };
        let told = with(renderings, &[found()]).unwrap();
        for report in [&told.checker, &told.researcher] {
            assert_eq!(report["verdict"], "fail");
            assert_eq!(report["findings"][0]["rule"], "differencing");
        }
        assert_eq!(told.checker["outputs"][0]["treated_rows"], json!([]));
        assert_eq!(told.checker["outputs"][0]["rows"], json!([[1]]));
        assert!(told.checker.to_string().contains("isolates 2 people"));
        assert_eq!(told.researcher["outputs"][0]["rows"], json!([]));
        let researcher = told.researcher.to_string();
        assert!(researcher.contains("sex F: n: few people"), "{researcher}");
        for hidden in ["2 people", "out_b", "sex F: m"] {
            assert!(!researcher.contains(hidden), "{researcher}");
        }
        let odd = Renderings {
            checker: json!([]),
            researcher: json!({}),
        };
        assert!(with(odd, &[found()]).is_err());
    }

    fn table(people: &[u32]) -> Release {
        let about = About {
            name: "a screen of this project".into(),
            date: "2026-05-03".into(),
            measure: "people".into(),
            data_version: String::new(),
            treatment: Treatment::Exact,
        };
        let cell = CellPeople {
            key: "sex F: n".into(),
            value: Some(people.len() as f64),
            people: people.to_vec(),
        };
        Release::new(about, 9, vec![cell]).unwrap()
    }

    fn rooms(folder: &std::path::Path, shown: &[(&str, Release)]) -> Rooms {
        for name in [REGISTER, SCREENS, ELSEWHERE] {
            let its = shown.iter().filter(|(of, _)| *of == name);
            let bytes = register(its.map(|(_, table)| table));
            std::fs::write(folder.join(name), bytes).unwrap();
        }
        Rooms::at(folder.to_owned(), folder.to_owned())
    }

    /// A checker learns that another project looked at something, and neither what it asked nor when.
    #[test]
    fn what_another_project_was_shown_has_no_name_and_no_cell() {
        let folder = tempfile::tempdir().unwrap();
        let shown = [(SCREENS, table(&[1, 2])), (ELSEWHERE, table(&[1, 3]))];
        let rooms = rooms(folder.path(), &shown);
        let mut told = Vec::new();
        everything(&rooms, &mut |table| {
            let about = table.about();
            told.push(format!(
                "{} of {}: {}",
                about.name,
                about.date,
                table.cells()[0].key
            ));
        })
        .unwrap();
        let own = "a screen of this project of 2026-05-03: sex F: n";
        assert_eq!(told, [own, "a screen of another project: a cell"]);
    }

    /// Written by one worker and read by the next, whole or not at all.
    #[test]
    fn a_register_that_is_cut_anywhere_is_not_read() {
        let about = About {
            name: "output out_a".into(),
            date: "2026-05-03".into(),
            measure: "people".into(),
            data_version: String::new(),
            treatment: Treatment::Exact,
        };
        let cell = CellPeople {
            key: "n".into(),
            value: Some(3.0),
            people: vec![1, 2, 3],
        };
        let table = Release::new(about, 9, vec![cell]).unwrap();
        let whole = register([&table, &table].into_iter());
        let folder = tempfile::tempdir().unwrap();
        let rooms = Rooms::at(folder.path().to_owned(), folder.path().to_owned());
        let read = |bytes: &[u8]| {
            std::fs::write(folder.path().join(REGISTER), bytes).unwrap();
            let mut tables = Vec::new();
            each(&rooms, REGISTER, &mut |table| tables.push(table)).map(|()| tables)
        };
        assert_eq!(read(&whole).unwrap(), [table.clone(), table.clone()]);
        assert_eq!(read(b"").unwrap(), []);
        let half = whole.len() / 2;
        assert_eq!(read(&whole[..half]).unwrap(), [table]);
        for cut in (1..whole.len()).filter(|cut| *cut != half) {
            assert!(read(&whole[..cut]).is_err(), "{cut}");
        }
        let mut long = whole.clone();
        long[7] = 0xff;
        assert!(read(&long).is_err());
    }
}
