//! The measuring lane audits itself: made-up tables with and without one person go the way that every
//! measurement goes, and what thousands of draws show is held against what is claimed.
//!
//! The one person of each case does what would do most harm if a bound were missing. An audit can contradict a
//! claim and cannot prove one; how near its bound comes to the claim says how much it would have seen.

use std::fs;
use std::path::Path;
use std::time::Instant;

use engine::measure::{Plan, prepare};
use engine::{Connection, FileFormat, FileTable, Tables};
use privacy::{Part, Priced, Shown, outcome_of_found, shown};
use protocol::job::{RequestLimits, SelfAudit};
use protocol::limits::Limits;
use protocol::report::{Failure, Report};
use serde_json::{Value, json};

use super::super::source::settings;
use super::super::{Rooms, bad_input, internal};
use super::{Draw, plan, priced};

/// The column that tells people apart in made-up tables.
const UNIT: &str = "who";
/// Chance that an honest lane is contradicted, over all cases together.
const MISS: f64 = 1e-3;
/// Fewest draws that show anything.
const DRAWS_MIN: u32 = 1_000;
/// Largest delta of the case that looks for keys: large enough for a rare event to be seen in some thousand draws.
const DELTA_MAX: f64 = 0.05;
const FAILED: &str = "the self-audit could not be run";

/// One pair of neighbours: a request over made-up tables, and the rows of the one person more.
pub(super) struct Case {
    pub(super) name: &'static str,
    /// What the person tries.
    tries: &'static str,
    request: String,
    /// Name, header, rows of the others, rows of the one person.
    tables: Vec<(&'static str, &'static str, String, String)>,
}

/// Runs every case.
pub(in crate::jobs) fn run(
    rooms: &Rooms,
    job: &SelfAudit,
    limits: &Limits,
) -> Result<Report, Failure> {
    if job.draws < DRAWS_MIN || job.draws > job.limits.draws {
        return Err(bad_input(format!(
            "a self-audit draws between {DRAWS_MIN} and {} times, the limit draws",
            job.limits.draws
        )));
    }
    privacy::ready().map_err(|error| internal(error.to_string()))?;
    let cases = cases();
    let miss = MISS / cases.len() as f64;
    let mut told = Vec::with_capacity(cases.len());
    let mut holds = true;
    for case in &cases {
        let began = Instant::now();
        let (priced, shown) = case.shown(rooms, &job.limits, limits, job.draws, miss, &|_| {})?;
        holds &= !shown.contradicts();
        told.push(line(case, &priced, &shown, began));
    }
    let all = json!({
        "holds": holds,
        "draws": job.draws,
        "confidence": 1.0 - MISS,
        "cases": told,
    });
    Ok(Report::SelfAudit {
        holds,
        findings: all.to_string(),
    })
}

fn line(case: &Case, priced: &Priced, shown: &Shown, began: Instant) -> Value {
    json!({
        "case": case.name,
        "tries": case.tries,
        "noise": priced.shape,
        "rho": priced.nano_rho as f64 / 1e9,
        "delta": shown.delta,
        "claimed_epsilon": shown.claimed,
        "shown_epsilon": shown.epsilon,
        "holds": !shown.contradicts(),
        "ms": u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX),
    })
}

impl Case {
    /// What so many draws over both neighbours show. `change` is for tests, which break the plan.
    pub(super) fn shown(
        &self,
        rooms: &Rooms,
        of: &RequestLimits,
        limits: &Limits,
        draws: u32,
        miss: f64,
        change: &dyn Fn(&mut Plan),
    ) -> Result<(Priced, Shown), Failure> {
        let of = RequestLimits {
            delta_max: DELTA_MAX,
            ..of.clone()
        };
        let priced = priced(&self.request, &of)?;
        let mut plan = plan::plan(&priced, UNIT, priced.sha256);
        change(&mut plan);
        let failed = |_| internal(FAILED);
        let cut = |person: bool| -> Result<Cut, Failure> {
            let connection = self.opened(rooms, limits, person)?;
            let prepared = prepare(&connection, &plan).map_err(|_| internal(FAILED))?;
            let draw = Draw::of(&prepared, &priced, of.groups).map_err(|()| internal(FAILED))?;
            Ok(Cut {
                cells: draw.cells,
                people: draw.people,
            })
        };
        let (without, with) = (cut(false)?, cut(true)?);
        let outcomes = |of: &Cut| of.outcomes(&priced, (&without, &with), draws);
        let (one, other) = (
            outcomes(&without).map_err(failed)?,
            outcomes(&with).map_err(failed)?,
        );
        let shown = shown(&priced, &one, &other, miss).map_err(failed)?;
        Ok((priced, shown))
    }

    /// The engine over the made-up tables, read as any file is.
    fn opened(&self, rooms: &Rooms, limits: &Limits, person: bool) -> Result<Connection, Failure> {
        let mut tables = Vec::with_capacity(self.tables.len());
        for (name, header, others, own) in &self.tables {
            let path = rooms.made(&format!("audit-{name}.csv"));
            let own = if person { own.as_str() } else { "" };
            write(&path, &format!("{header}\n{others}{own}"))?;
            tables.push(FileTable {
                name: (*name).to_owned(),
                path,
                format: FileFormat::CsvText,
            });
        }
        let settings = settings(rooms, limits, limits.scratch_mib / 2);
        Connection::open(&settings, &Tables::Files(tables)).map_err(|_| internal(FAILED))
    }
}

fn write(path: &Path, text: &str) -> Result<(), Failure> {
    fs::write(path, text).map_err(|_| internal(FAILED))
}

/// The cells of one neighbour.
struct Cut {
    cells: Vec<Vec<i64>>,
    people: Option<Vec<i64>>,
}

impl Cut {
    /// One number for each draw: how far it lies in the direction in which the neighbours differ, each component
    /// by its own noise. For Gaussian noise no other number tells them apart better (Neyman and Pearson 1933).
    fn outcomes(
        &self,
        priced: &Priced,
        (without, with): (&Self, &Self),
        draws: u32,
    ) -> Result<Vec<f64>, privacy::PrivacyError> {
        if let Some(people) = &self.people {
            let found = (0..draws).map(|_| priced.find(people));
            return found
                .map(|found| Ok(outcome_of_found(&found?)))
                .collect::<Result<_, _>>();
        }
        let weights = weights(priced, without, with);
        let outcome = |draw: &Vec<Vec<i64>>| -> f64 {
            let cells = draw.iter().zip(&weights).flat_map(|(a, b)| a.iter().zip(b));
            cells.map(|(noisy, weight)| *noisy as f64 * weight).sum()
        };
        Ok(priced
            .draw(&self.cells, draws)?
            .iter()
            .map(outcome)
            .collect())
    }
}

/// For each component how much each of its cells counts: the difference of the neighbours over the noise's
/// variance. Of a choice the place of the chosen candidate counts as it is.
fn weights(priced: &Priced, without: &Cut, with: &Cut) -> Vec<Vec<f64>> {
    let cells = without.cells.iter().zip(&with.cells);
    let weighed = priced.components.iter().zip(cells);
    weighed
        .map(|(component, (without, with))| match component.part {
            Part::Candidates { .. } => vec![1.0; without.len()],
            _ => {
                let unit = component.scale * component.scale;
                let differences = without.iter().zip(with);
                differences.map(|(a, b)| (b - a) as f64 / unit).collect()
            }
        })
        .collect()
}

/// The cases: one for each way in which a bound could be missing, over each mechanism.
pub(super) fn cases() -> Vec<Case> {
    let visits = "who,g,x";
    let others: String = (0..20)
        .map(|at| {
            format!(
                "p{at},{},{}\n",
                if at % 2 == 0 { "a" } else { "b" },
                at % 11
            )
        })
        .collect();
    let one = |name, tries, request: &str, own: String| Case {
        name,
        tries,
        request: request.to_owned(),
        tables: vec![("visits", visits, others.clone(), own)],
    };
    let rows = |n: usize, row: &str| row.repeat(n);
    let every_group: String = ["a", "b", "c", "d", "e", "f", "g", "h"]
        .iter()
        .map(|group| format!("q,{group},5\n"))
        .collect();
    vec![
        one(
            "rows",
            "thirty rows where three count",
            r#"{"table": "visits", "statistics": ["count"], "linf": 3, "rho": 0.5}"#,
            rows(30, "q,a,5\n"),
        ),
        one(
            "rows, Laplace noise",
            "thirty rows where one counts",
            r#"{"table": "visits", "statistics": ["count"], "linf": 1, "epsilon": 1}"#,
            rows(30, "q,a,5\n"),
        ),
        one(
            "people by group",
            "a row in each of eight groups where two count",
            r#"{"table": "visits", "group_by": [{"column": "g", "values": ["a", "b", "c", "d", "e", "f", "g", "h"]}], "statistics": ["people"], "l0": 2, "rho": 0.5}"#,
            every_group,
        ),
        one(
            "sum",
            "numbers far beyond the bounds, infinity and none",
            r#"{"table": "visits", "statistics": [{"statistic": "sum", "column": "x", "bounds": [0, 10]}], "linf": 1, "rho": 0.5}"#,
            "q,a,1e300\nq,a,inf\nq,a,NaN\nq,a,99999999999999999999\n".into(),
        ),
        one(
            "standard deviation",
            "numbers at and beyond the bounds, more than count",
            r#"{"table": "visits", "statistics": [{"statistic": "standard_deviation", "column": "x", "bounds": [0, 10]}], "linf": 2, "rho": 0.5}"#,
            rows(9, "q,a,1e9\n"),
        ),
        one(
            "median",
            "fifty rows above every candidate where one counts",
            r#"{"table": "visits", "statistics": [{"statistic": "median", "column": "x", "candidates": [2, 8]}], "linf": 1, "rho": 0.5}"#,
            rows(50, "q,a,1000\n"),
        ),
        one(
            "keys by threshold",
            "a key that nobody else has",
            r#"{"table": "visits", "filter": {"column": "g", "op": "=", "value": "z"}, "group_by": ["g"], "statistics": ["people"], "l0": 1, "rho": 0.5, "delta": 0.02}"#,
            rows(5, "q,z,1\n"),
        ),
        joined(visits, others.clone()),
    ]
}

/// Ten rows on both sides of a join are a hundred.
fn joined(visits: &'static str, others: String) -> Case {
    let notes: String = (0..20).map(|at| format!("p{at},n\n")).collect();
    Case {
        name: "join",
        tries: "a hundred joined rows where two count",
        request: r#"{"table": "visits", "join": ["notes"], "statistics": ["count"], "linf": 2, "rho": 0.5}"#
            .to_owned(),
        tables: vec![
            ("visits", visits, others, "q,a,5\n".repeat(10)),
            ("notes", "who,kind", notes, "q,n\n".repeat(10)),
        ],
    }
}

#[cfg(test)]
mod tests;
