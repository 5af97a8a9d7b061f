//! `strongroom check`: may the result of this statement leave?

mod finished;
pub(crate) mod releases;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use disclosure::{Beside, CellPeople, Evidence, Key, Policy, Report as Judged, Status, Verdict};
use protocol::frame::Up;
use protocol::job::{Check, Job, Order, PEOPLE, People};
use protocol::report::Report;
use sandbox::{Launch, spawn};
use service::Policies;

use crate::files::{DataFiles, PoliciesArgs, SqlTextArgs, disclosure_policy, profile, worker};
use crate::problem::{Problem, REFUSED, say};

use releases::Releases;

/// Checks whether the result of one SQL statement may leave, and prints the report as JSON.
///
/// A sealed worker counts the people behind every cell from the data; the rules are applied outside it.
/// The report holds counts under the threshold: it is for an output checker.
///
/// With FILE and without --data it looks at finished files: identifiers, a row a person, small counts. What is
/// behind a finished number cannot be counted, so no file passes.
///
/// The exit code is 0 for pass, 1 for treat, review and fail, 2 if it could not be checked.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Finished files to look at. CSV and Parquet are opened, in a sealed worker.
    #[arg(value_name = "FILE", conflicts_with_all = ["data", "unit", "sql", "sql_file", "record", "against"])]
    finished: Vec<PathBuf>,
    /// CSV or Parquet file; the table is called NAME or as the file without its ending. May be repeated.
    #[arg(long, value_name = "[NAME=]FILE", required_unless_present = "finished", num_args = 1..)]
    data: Vec<OsString>,
    /// Column that tells people apart, in every table that has it.
    #[arg(long, value_name = "COLUMN", required_unless_present = "finished")]
    unit: Option<String>,
    /// The SQL text.
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true,
          required_unless_present_any = ["finished", "sql_file"], conflicts_with = "sql_file")]
    sql: Option<String>,
    /// A file that holds the SQL text.
    #[arg(long, value_name = "FILE")]
    sql_file: Option<PathBuf>,
    /// Disclosure policy to apply instead of the site's: a file, or the name of a preset (acro, opensafely,
    /// uk-llc, nhs-england, ons-srs, strict).
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// Keep the output as released in this folder, if it may leave as it is or treated.
    #[arg(long, value_name = "DIR")]
    record: Option<PathBuf>,
    /// Compare the output with everything released in this folder: few people between two releases are refused.
    #[arg(long, value_name = "DIR")]
    against: Option<PathBuf>,
    #[command(flatten)]
    policies: PoliciesArgs,
}

/// Checks the statement.
///
/// # Errors
/// If a file, the text or a policy cannot be used, no worker can be sealed, or a limit stopped it.
pub(crate) fn run(args: &Args) -> Result<ExitCode, Problem> {
    let policies = args.policies.load()?;
    let own = args.policy.as_deref().map(disclosure_policy).transpose()?;
    let policy = own.as_ref().unwrap_or(&policies.disclosure);
    let report = if args.finished.is_empty() {
        of_statement(args, policy, &policies)?
    } else {
        let files = finished::seen(&args.finished, policy.minimum(), &policies)?;
        disclosure::inspect::inspect(&files, policy)
    };
    say(&serde_json::to_string(&report)?)?;
    Ok(exit(report.verdict))
}

fn of_statement(args: &Args, policy: &Policy, policies: &Policies) -> Result<Judged, Problem> {
    let files = DataFiles::find(&args.data)?;
    let unit = args.unit.clone().filter(|unit| !unit.is_empty());
    let unit = unit.ok_or_else(|| Problem::could_not("--unit names no column"))?;
    let text = SqlTextArgs::of(args.sql.clone(), args.sql_file.clone());
    let profile = profile(policies, "sandbox/sql.toml")?;
    let check = Check {
        source: files.source(),
        unit,
        sql: text.text(profile.limits.statement_bytes)?,
        people: match args.record.is_some() || args.against.is_some() {
            true => People::Listed,
            false => People::Counted,
        },
    };
    let gathered = gather(Launch {
        worker: worker()?,
        order: Order {
            job: Job::Check(check),
            limits: profile.limits.clone(),
        },
        inputs: files.inputs(),
        profile,
    })?;
    judge(&gathered, policy, args)
}

/// What the worker wrote: the evidence as JSON, and who is behind each cell.
struct Gathered {
    evidence: String,
    people: Vec<u8>,
}

fn gather(launch: Launch) -> Result<Gathered, Problem> {
    let mut running = spawn(launch)?;
    let (mut found, mut people) = (None, Vec::new());
    while let Some(frame) = running.next()? {
        match frame {
            Up::Report(Report::Check { evidence }) => found = Some(evidence),
            Up::Failed(failure) => return Err(failure.into()),
            Up::FileStart { name } if name != PEOPLE => {
                return Err(Problem::could_not(
                    "the worker sent a file that was not asked for",
                ));
            }
            Up::FileBytes(bytes) => people.extend(bytes),
            Up::MountReady { .. }
            | Up::Ready(_)
            | Up::Refused(_)
            | Up::Progress(_)
            | Up::Statement(_)
            | Up::FileStart { .. }
            | Up::FileEnd { .. }
            | Up::Report(_) => {}
        }
    }
    let evidence = found.ok_or_else(|| Problem::could_not("the worker sent no evidence"))?;
    Ok(Gathered { evidence, people })
}

/// The rules, then earlier releases, then the record.
fn judge(gathered: &Gathered, policy: &Policy, args: &Args) -> Result<Judged, Problem> {
    let evidence: Evidence = serde_json::from_str(&gathered.evidence)
        .map_err(|_| Problem::could_not("the worker's evidence cannot be read"))?;
    let mut report = disclosure::check(&evidence, policy);
    if let Some(folder) = &args.against {
        let mut releases = Releases::open(folder)?;
        let mut cells = disclosure::places(&evidence, &hidden(&report));
        releases.fill(&mut cells, &gathered.people)?;
        compare(&mut report, &cells, &releases, policy)?;
    }
    if let Some(folder) = &args.record
        && matches!(report.verdict, Verdict::Pass | Verdict::Treat)
    {
        let mut releases = Releases::open(folder)?;
        let mut cells = disclosure::places(&evidence, &hidden(&report));
        releases.fill(&mut cells, &gathered.people)?;
        releases.record(&evidence.statement, &cells, policy)?;
    }
    Ok(report)
}

/// Compares with everything that was released, one table at a time.
fn compare(
    report: &mut Judged,
    cells: &[CellPeople],
    releases: &Releases,
    policy: &Policy,
) -> Result<(), Problem> {
    let new = match disclosure::outgoing("this output", "", cells, releases.population(), policy) {
        Ok(new) => new,
        Err(error) => {
            disclosure::cannot_compare(report, &error);
            return Ok(());
        }
    };
    let mut beside = Beside::new(&new, policy);
    releases.each(|release| beside.add(&release))?;
    beside.finish(report, cells);
    Ok(())
}

/// Whether a reader of the output, or of its treated version, does not see a cell.
fn hidden(report: &Judged) -> impl Fn(&Key, &str) -> bool + use<> {
    let cells = report.outputs.iter().flat_map(|output| &output.cells);
    let unsafe_ones =
        cells.filter(|cell| matches!(cell.status, Status::Primary | Status::Secondary));
    let hidden: std::collections::BTreeSet<(Key, String)> = unsafe_ones
        .map(|cell| (cell.key.clone(), cell.column.clone()))
        .collect();
    move |key, column| hidden.contains(&(key.clone(), column.to_owned()))
}

fn exit(verdict: Verdict) -> ExitCode {
    match verdict {
        Verdict::Pass => ExitCode::SUCCESS,
        Verdict::Treat | Verdict::Review | Verdict::Fail => ExitCode::from(REFUSED),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        args: Args,
    }

    fn policy() -> disclosure::Policy {
        disclosure::Policy::parse("name = \"x\"\n[threshold]\nminimum = 5\n").unwrap()
    }

    fn judged(evidence: &str) -> Result<Judged, Problem> {
        let words = ["x", "--data", "a.csv", "--sql", "select 1", "--unit", "id"];
        let gathered = Gathered {
            evidence: evidence.to_owned(),
            people: Vec::new(),
        };
        judge(
            &gathered,
            &policy(),
            &Line::try_parse_from(words).unwrap().args,
        )
    }

    #[test]
    fn the_unit_is_needed() {
        let words = ["x", "--data", "a.csv", "--sql", "select 1"];
        assert!(Line::try_parse_from(words).is_err());
        let line = Line::try_parse_from([&words[..], &["--unit", "id"]].concat()).unwrap();
        assert_eq!(line.args.unit.as_deref(), Some("id"));
    }

    #[test]
    fn finished_files_need_nothing_else_and_stand_beside_no_data() {
        let line = Line::try_parse_from(["x", "table.csv", "plot.svg"]).unwrap();
        assert_eq!(line.args.finished.len(), 2);
        assert!(line.args.data.is_empty() && line.args.sql.is_none());
        assert!(Line::try_parse_from(["x", "table.csv", "--unit", "id"]).is_err());
        assert!(Line::try_parse_from(["x", "table.csv", "--data", "a.csv"]).is_err());
        assert!(Line::try_parse_from(["x"]).is_err());
    }

    #[test]
    fn evidence_is_judged_under_the_given_policy() {
        let evidence = Evidence::untraceable("select 1", "it has no table");
        let report = judged(&serde_json::to_string(&evidence).unwrap()).unwrap();
        assert_eq!(report.verdict, Verdict::Review);
        let json = serde_json::to_value(&report).unwrap();
        assert_eq!(json["verdict"], "review");
        assert_eq!(json["policy"]["sha256"], policy().sha256());
        let rows = Evidence::rows("select * from a");
        let report = judged(&serde_json::to_string(&rows).unwrap()).unwrap();
        assert_eq!(report.verdict, Verdict::Fail);
    }

    #[test]
    fn what_is_no_evidence_blocks_and_is_not_quoted() {
        let problem = judged("{\"name\": \"Morag\"}").unwrap_err();
        assert_eq!(
            (problem.code, problem.text.as_str()),
            (2, "the worker's evidence cannot be read")
        );
    }
}
