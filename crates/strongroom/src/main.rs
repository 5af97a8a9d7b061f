//! The front door: command line, configuration, wiring.

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

mod act;
mod audit;
mod check;
mod client;
mod config;
mod demo;
mod desk;
mod desktops;
mod doctor;
mod dp;
mod files;
mod form;
mod house;
mod keeping;
mod link;
mod people;
mod places;
mod policy;
mod problem;
mod sealed;
mod serve;
mod sql;
mod supervisor;
mod suppress;
mod users;

use std::io::Write;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use problem::Problem;

/// A trusted research environment: approval, linkage, sealed workspaces, output checking, and a log that
/// proves it.
#[derive(Parser)]
#[command(name = "strongroom", version = protocol::build_id(), arg_required_else_help = true)]
struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// The whole journey on a generated population, then a verified log.
    Demo(demo::Args),
    /// Make an empty safe haven with its first administrator.
    Init(serve::InitArgs),
    /// Serve the pages and the API (starts the keeper and the indexing desk).
    Serve(serve::Args),
    /// The process that holds the keys; `serve` starts it.
    #[command(hide = true)]
    Keeper(serve::KeeperArgs),
    /// Go on as another Unix user; `serve` starts its processes so when it is root.
    #[command(hide = true)]
    RunAs(users::RunAsArgs),
    /// Deliver identifiers or payload of a dataset.
    Deliver(act::DeliverArgs),
    /// Do one act of the safe haven, such as `act vote_on_application prj_… --set verdict=approve`.
    Act(act::Args),
    /// Run SQL on your own files in a sealed worker.
    Sql(sql::Args),
    /// Check a statement over your own microdata as an output checker would.
    Check(check::Args),
    /// Price or measure a request for differentially private statistics on your own files.
    Dp(dp::Args),
    /// Find further cells to hide so that no hidden cell of a table can be worked out.
    Suppress(suppress::Args),
    /// Link files of records of people, or find the duplicates of one file.
    Link(link::Args),
    /// Say who is and was who in a spine that `link --keep-spine` made.
    Spine(link::spine::Args),
    /// Encode a file under a key, so that it can be linked by somebody who cannot read it.
    Encode(link::encode::Args),
    /// Make synthetic people up, with truth, to try and measure linkage.
    People(people::Args),
    /// Verify a published log, prove one of its entries, show its checkpoint. Needs no server.
    Audit(audit::Args),
    /// Check or explain the policies.
    Policy(policy::Args),
    /// Try every layer of the sandbox and say what is missing.
    Doctor(doctor::Args),
}

fn main() -> ExitCode {
    let args = Args::parse();
    let result = match &args.command {
        Command::Demo(args) => block_on(demo::run(args)),
        Command::Init(args) => block_on(serve::init(args)),
        Command::Serve(args) => block_on(serve::run(args)),
        Command::Keeper(args) => block_on(serve::keeper(args)),
        Command::RunAs(args) => users::become_user(args),
        Command::Deliver(args) => block_on(act::deliver(args)),
        Command::Act(args) => block_on(act::run(args)),
        Command::Sql(args) => sql::run(args),
        Command::Check(args) => check::run(args),
        Command::Dp(args) => dp::run(args),
        Command::Suppress(args) => suppress::run(args),
        Command::Link(args) => link::run(args),
        Command::Spine(args) => link::spine::run(args),
        Command::Encode(args) => link::encode::run(args),
        Command::People(args) => people::run(args),
        Command::Audit(args) => audit::run(args),
        Command::Policy(args) => policy::run(args),
        Command::Doctor(args) => doctor::run(args),
    };
    match result {
        Ok(code) => code,
        Err(problem) => {
            // Nothing is left to be done when even standard error is closed.
            let _ = writeln!(std::io::stderr().lock(), "strongroom: {problem}");
            ExitCode::from(problem.code)
        }
    }
}

fn block_on(work: impl Future<Output = Result<ExitCode, Problem>>) -> Result<ExitCode, Problem> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|_| Problem::could_not("the runtime cannot be started"))?
        .block_on(work)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    /// Commands that answer as the API does, or serve.
    const NO_FORM: [&str; 7] = [
        "demo", "init", "serve", "keeper", "run-as", "deliver", "act",
    ];

    #[test]
    fn every_command_with_an_answer_of_its_own_takes_format_json() {
        fn leaves<'a>(command: &'a clap::Command, found: &mut Vec<&'a clap::Command>) {
            let mut inner = command.get_subcommands().peekable();
            match inner.peek() {
                None => found.push(command),
                Some(_) => inner.for_each(|one| leaves(one, found)),
            }
        }
        let line = Args::command();
        let mut found = Vec::new();
        let own = |command: &&clap::Command| !NO_FORM.contains(&command.get_name());
        line.get_subcommands()
            .filter(own)
            .for_each(|command| leaves(command, &mut found));
        assert!(found.len() >= 15, "{}", found.len());
        for command in found {
            let form = command
                .get_arguments()
                .find(|arg| arg.get_long() == Some("format"))
                .unwrap_or_else(|| panic!("{} takes no --format", command.get_name()));
            let values = form.get_possible_values();
            let json = values.iter().any(|value| value.get_name() == "json");
            assert!(json, "{}", command.get_name());
        }
    }
}
