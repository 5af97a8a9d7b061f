//! `strongroom check`: may the result of this statement leave?

use std::path::PathBuf;
use std::process::ExitCode;

use disclosure::{Evidence, Verdict};
use protocol::frame::Up;
use protocol::job::{Check, Job, Order};
use protocol::report::Report;
use sandbox::{Launch, spawn};

use crate::files::{DataArgs, PoliciesArgs, SqlTextArgs, disclosure_policy, profile, worker};
use crate::problem::{Problem, REFUSED, say};

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
    /// Disclosure policy to apply instead of the site's.
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    #[command(flatten)]
    policies: PoliciesArgs,
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
    };
    let evidence = gather(Launch {
        worker: worker()?,
        order: Order {
            job: Job::Check(check),
            limits: profile.limits.clone(),
        },
        inputs: files.inputs(),
        profile,
    })?;
    let report = judge(&evidence, policy)?;
    say(&serde_json::to_string(&report)?)?;
    Ok(exit(report.verdict))
}

/// The evidence, as the worker wrote it.
fn gather(launch: Launch) -> Result<String, Problem> {
    let mut running = spawn(launch)?;
    let mut found = None;
    while let Some(frame) = running.next()? {
        match frame {
            Up::Report(Report::Check { evidence }) => found = Some(evidence),
            Up::Failed(failure) => return Err(failure.into()),
            Up::MountReady { .. }
            | Up::Ready(_)
            | Up::Refused(_)
            | Up::Progress(_)
            | Up::Statement(_)
            | Up::FileStart { .. }
            | Up::FileBytes(_)
            | Up::FileEnd { .. }
            | Up::Report(_) => {}
        }
    }
    found.ok_or_else(|| Problem::could_not("the worker sent no evidence"))
}

fn judge(evidence: &str, policy: &disclosure::Policy) -> Result<disclosure::Report, Problem> {
    let evidence: Evidence = serde_json::from_str(evidence)
        .map_err(|_| Problem::could_not("the worker's evidence cannot be read"))?;
    Ok(disclosure::check(&evidence, policy))
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
        let report = judge(&serde_json::to_string(&evidence).unwrap(), &policy()).unwrap();
        assert_eq!(report.verdict, Verdict::Review);
        let json = serde_json::to_value(&report).unwrap();
        assert_eq!(json["verdict"], "review");
        assert_eq!(json["policy"]["sha256"], policy().sha256());
        let rows = Evidence::rows("select * from a");
        let report = judge(&serde_json::to_string(&rows).unwrap(), &policy()).unwrap();
        assert_eq!(report.verdict, Verdict::Fail);
    }

    #[test]
    fn what_is_no_evidence_blocks_and_is_not_quoted() {
        let problem = judge("{\"name\": \"Morag\"}", &policy()).unwrap_err();
        assert_eq!(
            (problem.code, problem.text.as_str()),
            (2, "the worker's evidence cannot be read")
        );
    }
}
