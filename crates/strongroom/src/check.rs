//! `strongroom check`: may the result of this statement leave?

pub(crate) mod releases;

use std::path::PathBuf;
use std::process::ExitCode;

use disclosure::{Beside, CellPeople, Evidence, Key, Policy, Report as Judged, Status, Verdict};
use protocol::frame::Up;
use protocol::job::{Check, Job, Order, PEOPLE, People};
use protocol::report::Report;
use sandbox::{Launch, spawn};

use crate::files::{DataArgs, PoliciesArgs, SqlTextArgs, disclosure_policy, profile, worker};
use crate::form::JsonArgs;
use crate::problem::{Problem, REFUSED, say};

use releases::Releases;

/// Checks whether the result of one SQL statement may leave, and prints the report as JSON.
///
/// A sealed worker counts the people behind every cell from the data; the rules are applied outside it.
/// The report holds counts under the threshold: it is for an output checker.
///
/// The exit code is 0 for pass, 1 for treat, review and fail, 2 if it could not be checked.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    data: DataArgs,
    /// Column that tells people apart, in every table that has it.
    #[arg(long, value_name = "COLUMN")]
    unit: String,
    #[command(flatten)]
    text: SqlTextArgs,
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
    #[command(flatten)]
    _form: JsonArgs,
}

/// Checks the statement.
///
/// # Errors
/// If a file, the text or a policy cannot be used, no worker can be sealed, or a limit stopped it.
pub(crate) fn run(args: &Args) -> Result<ExitCode, Problem> {
    let files = args.data.files()?;
    if args.unit.is_empty() {
        return Err(Problem::could_not("--unit names no column"));
    }
    let policies = args.policies.load()?;
    let own = args.policy.as_deref().map(disclosure_policy).transpose()?;
    let policy = own.as_ref().unwrap_or(&policies.disclosure);
    let profile = profile(&policies, "sandbox/sql.toml")?;
    let check = Check {
        source: files.source(),
        unit: args.unit.clone(),
        sql: args.text.text(profile.limits.statement_bytes)?,
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
    let report = judge(&gathered, policy, args)?;
    say(&serde_json::to_string(&report)?)?;
    Ok(exit(report.verdict))
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
    let mut compared = None;
    if let Some(folder) = &args.against {
        // A mistyped name must not read as "nothing was released before"; the first record makes its folder.
        if !folder.is_dir() && args.record.as_ref() != Some(folder) {
            return Err(Problem::could_not(format!(
                "{} is no folder of releases to compare with; `--record` makes one",
                folder.display()
            )));
        }
        let mut releases = Releases::open(folder)?;
        let mut cells = disclosure::places(&evidence, &hidden(&report));
        releases.fill(&mut cells, &gathered.people)?;
        compare(&mut report, &cells, &releases, policy)?;
        // Stays open until it is recorded: no other output comes between.
        compared = (args.record.as_ref() == Some(folder)).then_some(releases);
    }
    if let Some(folder) = &args.record
        && matches!(report.verdict, Verdict::Pass | Verdict::Treat)
    {
        let mut releases = match compared {
            Some(releases) => releases,
            None => Releases::open(folder)?,
        };
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
        assert_eq!(line.args.unit, "id");
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
