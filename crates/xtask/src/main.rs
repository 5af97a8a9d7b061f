//! The caretaker: everything this repository can be asked to do, behind one command.
//!
//! `cargo xtask` names the commands. It has no dependencies, and it calls cargo with one profile and one
//! package selection everywhere (`docs/adr/0009-one-profile.md`), so that nothing heavy is built twice.
#![allow(
    clippy::print_stdout,
    reason = "a command line tool speaks on standard output"
)]
#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        reason = "tests panic"
    )
)]

mod bench;
mod browser;
mod disclosure;
mod fault;
mod json;
mod linkage;
mod machine;
mod place;
mod privacy;
mod run;
mod setup;
mod spine;
mod tasks;

use std::process::ExitCode;

use crate::fault::Fault;
use crate::place::Place;

const USAGE: &str = "\
cargo xtask COMMAND

  setup             fetch the prebuilt DuckDB into .duckdb/, check it, and say what this machine lacks
  demo [ARGS…]      build, then run `strongroom demo ARGS…`: the whole journey on a generated population
  test [--long]     formatting, clippy, build, every test; --long adds the long runs
  bench journey [--people N]…
                    each step's CPU time, wall time and peak memory (default 20,000 and 200,000 people)
  bench pages [--applications N] [--entries N] [--rate N] [--seconds N]
                    times of worklist and application pages in a full house, and durable acts a second
  bench privacy     differentially private statistics: CPU and errors beside smartnoise-sql from PyPI
  bench disclosure [--tables N] [--rows N] [--no-peer]
                    the output checker beside acro from PyPI: misses, false alarms, CPU, memory; then one table
                    over ten million rows
  bench suppress [TABLE…]
                    secondary suppression: cells, hidden, cost and CPU seconds, from 42 to 10,000 cells
  bench differencing [TABLES PEOPLE]
                    a new table against earlier ones (default 1,000 over a million people)
  bench workspace [start|queries|pour|rows|others|idle]
                    what the walls cost: starts, queries, bytes and idle sessions beside a plain DuckDB
  bench linkage [--sizes N,…] [--profiles typical,hard] [--seed N] [--no-peers] [--no-febrl] [--full]
                    accuracy, CPU time and memory beside Splink and recordlinkage on the same files;
                    --full adds a million records with the peers and ten million without
  bench spine [--people N] [--new N] [--seed N]
                    new records against a kept spine beside a linkage of everything (default a million people
                    and 10,000 records in three deliveries)
  docs              write the generated pages of docs/reference/ again
  fmt               format every crate
";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match dispatch(&args) {
        Ok(code) => code,
        Err(fault) => {
            eprintln!("xtask: {fault}");
            ExitCode::from(2)
        }
    }
}

fn dispatch(args: &[String]) -> Result<ExitCode, Fault> {
    let Some((command, rest)) = args.split_first() else {
        print!("{USAGE}");
        return Ok(ExitCode::from(2));
    };
    if ["help", "--help", "-h"].contains(&command.as_str()) {
        print!("{USAGE}");
        return Ok(ExitCode::SUCCESS);
    }
    let place = Place::find()?;
    match (command.as_str(), rest) {
        ("setup", []) => {
            setup::setup(&place)?;
            println!("{} is in place", setup::LIBRARY);
            Ok(ExitCode::SUCCESS)
        }
        ("demo", args) => tasks::demo(&place, args),
        ("test", []) => tasks::test(&place, tasks::Depth::Usual),
        ("test", [long]) if long == "--long" => tasks::test(&place, tasks::Depth::Long),
        ("bench", [name, args @ ..]) if name == "journey" => bench::journey(&place, args),
        ("bench", [name, args @ ..]) if name == "pages" => bench::pages(&place, args),
        ("bench", [name, args @ ..]) if name == "privacy" => privacy::bench(&place, args),
        ("bench", [name, args @ ..]) if name == "disclosure" => disclosure::bench(&place, args),
        ("bench", [name, args @ ..]) if name == "suppress" => {
            bench::example(&place, "suppress", &["bench"], args)
        }
        ("bench", [name, args @ ..]) if name == "differencing" => {
            bench::example(&place, "difference", &[], args)
        }
        ("bench", [name]) if name == "workspace" => bench::workspace(&place, None),
        ("bench", [name, part]) if name == "workspace" => bench::workspace(&place, Some(part)),
        ("bench", [name, args @ ..]) if name == "linkage" => linkage::linkage(&place, args),
        ("bench", [name, args @ ..]) if name == "spine" => spine::bench(&place, args),
        ("docs", []) => tasks::docs(&place),
        ("fmt", []) => tasks::fmt(&place),
        _ => Err(Fault::Usage(args.join(" "))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_command_or_argument_is_refused_in_one_sentence() {
        for line in ["dance", "setup now", "test --fast", "bench", "bench dance"] {
            let args: Vec<String> = line.split(' ').map(str::to_owned).collect();
            let fault = dispatch(&args).unwrap_err().to_string();
            assert_eq!(
                fault,
                format!("`cargo xtask {line}` is not a command; `cargo xtask help` lists them")
            );
        }
    }

    #[test]
    fn the_help_names_every_command() {
        for command in ["setup", "demo", "test", "bench", "docs", "fmt"] {
            assert!(USAGE.contains(&format!("\n  {command}")), "{command}");
        }
    }
}
