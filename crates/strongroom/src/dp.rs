//! `strongroom dp`: differentially private statistics over files, in the sealed worker.

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use protocol::job::{Job, Measure, Order, Price, SelfAudit};
use protocol::report::Report;
use sandbox::Launch;
use serde_json::Value;

use crate::files::{DataArgs, PoliciesArgs, profile, read_text, request_limits, worker};
use crate::form::JsonArgs;
use crate::problem::{Problem, REFUSED, say, say_raw};
use crate::sealed::{out_of_turn, report};

mod verify;

/// Walls and limits of both jobs.
const PROFILE: &str = "sandbox/job.toml";

/// Prices or measures a request for differentially private statistics.
///
/// The request is a JSON file (docs/reference/dp-request.md): a table, a filter, group keys with their
/// codebook values, statistics with bounds, contribution bounds (l0, linf), and rho or the wanted accuracy.
/// The noise protects whole people: all rows of one value of the unit column.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    act: Act,
}

#[derive(Debug, clap::Subcommand)]
enum Act {
    /// Says what a request costs and how exact its answer will be. Opens no data file.
    Price(PriceArgs),
    /// Measures a request and prints the release as JSON; with --repeat, one line for each draw.
    ///
    /// No budget is kept for files of your own: every run, and every draw of --repeat, spends the price anew.
    Measure(MeasureArgs),
    /// Audits the measuring lane: made-up tables with and without one person go the way of every measurement, and
    /// what thousands of draws show is held against what is claimed. Exit code 1 if a claim is contradicted.
    Audit(AuditArgs),
    /// Checks the record of a release from a safe haven, offline: answer, price, leaf, proof and signature. Exit
    /// code 0 for ok, 1 for bad.
    Verify(verify::VerifyArgs),
}

#[derive(Debug, clap::Args)]
struct AuditArgs {
    /// Draws over each neighbour of each case.
    #[arg(long, value_name = "N", default_value_t = 20_000)]
    draws: u32,
    #[command(flatten)]
    policies: PoliciesArgs,
    #[command(flatten)]
    _form: JsonArgs,
}

#[derive(Debug, clap::Args)]
struct PriceArgs {
    /// The request.
    #[arg(value_name = "REQUEST.json")]
    request: PathBuf,
    /// Accepted as in `measure`, and never opened.
    #[arg(long = "data", value_name = "[NAME=]FILE", num_args = 1..)]
    _data: Vec<OsString>,
    /// Accepted as in `measure`, and without effect on the price.
    #[arg(long = "unit", value_name = "COLUMN")]
    _unit: Option<String>,
    /// How the price is printed.
    #[arg(long, value_name = "FORMAT", default_value = "json")]
    format: Format,
    #[command(flatten)]
    policies: PoliciesArgs,
}

#[derive(Debug, clap::Args)]
struct MeasureArgs {
    /// The request.
    #[arg(value_name = "REQUEST.json")]
    request: PathBuf,
    #[command(flatten)]
    data: DataArgs,
    /// Column that tells people apart, in every table of the request.
    #[arg(long, value_name = "COLUMN")]
    unit: String,
    /// Draw the noise N times over the same cells, for auditors.
    #[arg(long, value_name = "N", default_value_t = 1)]
    repeat: u32,
    /// How the release is printed.
    #[arg(long, value_name = "FORMAT", default_value = "json")]
    format: Format,
    #[command(flatten)]
    policies: PoliciesArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// JSON, for programs.
    Json,
    /// The request and its guarantee in words (`price` only).
    Words,
}

/// Prices or measures.
///
/// # Errors
/// If a file, the request or the policies cannot be used, no worker can be sealed, or a limit stopped it.
pub(crate) fn run(args: &Args) -> Result<ExitCode, Problem> {
    match &args.act {
        Act::Price(args) => price(args),
        Act::Measure(args) => measure(args),
        Act::Audit(args) => audit(args),
        Act::Verify(args) => verify::verify(args),
    }
}

fn price(args: &PriceArgs) -> Result<ExitCode, Problem> {
    let policies = args.policies.load()?;
    let profile = profile(&policies, PROFILE)?;
    let job = Price {
        request: read_text(&args.request)?,
        limits: request_limits(&policies)?,
    };
    let report = report(
        Launch {
            worker: worker()?,
            order: Order {
                job: Job::Price(job),
                limits: profile.limits.clone(),
            },
            inputs: Vec::new(),
            profile,
        },
        &mut |_| Ok(()),
    )?;
    let Report::Price { price, .. } = report else {
        return Err(out_of_turn());
    };
    match args.format {
        Format::Json => say(&price)?,
        Format::Words => {
            let price: Value = serde_json::from_str(&price)?;
            say(price
                .get("words")
                .and_then(Value::as_str)
                .unwrap_or_default())?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn audit(args: &AuditArgs) -> Result<ExitCode, Problem> {
    let policies = args.policies.load()?;
    let profile = profile(&policies, PROFILE)?;
    let job = SelfAudit {
        draws: args.draws,
        limits: request_limits(&policies)?,
    };
    let report = report(
        Launch {
            worker: worker()?,
            order: Order {
                job: Job::SelfAudit(job),
                limits: profile.limits.clone(),
            },
            inputs: Vec::new(),
            profile,
        },
        &mut |_| Ok(()),
    )?;
    let Report::SelfAudit { holds, findings } = report else {
        return Err(out_of_turn());
    };
    say(&findings)?;
    Ok(match holds {
        true => ExitCode::SUCCESS,
        false => ExitCode::from(REFUSED),
    })
}

fn measure(args: &MeasureArgs) -> Result<ExitCode, Problem> {
    let files = args.data.files()?;
    if args.unit.is_empty() {
        return Err(Problem::could_not("--unit names no column"));
    }
    if args.format == Format::Words {
        return Err(Problem::could_not(
            "a release is printed as JSON; --format words is for dp price",
        ));
    }
    let policies = args.policies.load()?;
    let profile = profile(&policies, PROFILE)?;
    let job = Measure {
        source: files.source(),
        unit: args.unit.clone(),
        request: read_text(&args.request)?,
        limits: request_limits(&policies)?,
        reserved: None,
        draws: args.repeat,
        counts_people_of: None,
    };
    let mut print = |bytes: &[u8]| write_out(bytes);
    let report = report(
        Launch {
            worker: worker()?,
            order: Order {
                job: Job::Measure(job),
                limits: profile.limits.clone(),
            },
            inputs: files.inputs(),
            profile,
        },
        &mut print,
    )?;
    match report {
        Report::Measure { .. } => {
            say_raw("")?;
            Ok(ExitCode::SUCCESS)
        }
        _ => Err(out_of_turn()),
    }
}

fn write_out(bytes: &[u8]) -> Result<(), Problem> {
    io::stdout()
        .lock()
        .write_all(bytes)
        .map_err(|error| Problem::could_not(format!("the answer could not be written: {error}")))
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

    fn parse(words: &[&str]) -> Result<Line, clap::Error> {
        Line::try_parse_from([&["x"], words].concat())
    }

    #[test]
    fn a_price_needs_no_data_and_takes_it_unopened() {
        assert!(parse(&["price", "r.json"]).is_ok());
        assert!(parse(&["price", "r.json", "--data", "/nowhere.csv", "--unit", "id"]).is_ok());
        assert!(parse(&["price"]).is_err());
    }

    #[test]
    fn a_measurement_needs_data_and_unit() {
        assert!(parse(&["measure", "r.json", "--data", "a.csv"]).is_err());
        assert!(parse(&["measure", "r.json", "--unit", "id"]).is_err());
        let line = parse(&["measure", "r.json", "--data", "a.csv", "--unit", "id"]).unwrap();
        match line.args.act {
            Act::Measure(args) => assert_eq!(args.repeat, 1),
            _ => panic!("no measurement"),
        }
    }
}
