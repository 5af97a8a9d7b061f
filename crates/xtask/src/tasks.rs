//! The commands themselves.

use std::path::Path;
use std::process::{Command, ExitCode, ExitStatus};

use crate::fault::Fault;
use crate::place::Place;
use crate::{browser, machine, run, setup};

/// The one selection of packages and targets for demo, tests and benchmarks. Another one resolves other
/// features of shared dependencies and compiles DuckDB's, Polars' and Cedar's crates again
/// (`docs/adr/0009-one-profile.md`).
pub(crate) const SELECTION: [&str; 2] = ["--workspace", "--all-targets"];

/// Which tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Depth {
    /// Every test, with a fixed-seed sample of each long one.
    Usual,
    /// The long ones in full: kills, fuzzing, statistics.
    Long,
}

pub(crate) fn build(place: &Place) -> Result<(), Fault> {
    setup::setup(place)?;
    run::must(run::cargo(&place.root).arg("build").args(SELECTION))
}

pub(crate) fn demo(place: &Place, args: &[String]) -> Result<ExitCode, Fault> {
    build(place)?;
    let status = run::status(product(place).arg("demo").args(args))?;
    Ok(exit(status))
}

/// The built program, started as a person would start it.
pub(crate) fn product(place: &Place) -> Command {
    let mut command = Command::new(place.program("strongroom"));
    command.current_dir(&place.root);
    // `cargo run` points this at the target folder; by hand it is not there.
    command.env_remove("LD_LIBRARY_PATH");
    command
}

pub(crate) fn test(place: &Place, depth: Depth) -> Result<ExitCode, Fault> {
    setup::setup(place)?;
    browser::setup(place)?;
    let root = &place.root;
    run::must(run::cargo(root).args(["fmt", "--all", "--check"]))?;
    run::must(
        run::cargo(root)
            .arg("clippy")
            .args(SELECTION)
            .args(["--", "-D", "warnings"]),
    )?;
    // Journeys start the programs, which a test run alone would not build.
    run::must(run::cargo(root).arg("build").args(SELECTION))?;
    // The runner's own summary is the last thing printed.
    let status = run::status(&mut tests(root, depth))?;
    Ok(exit(status))
}

fn tests(root: &Path, depth: Depth) -> Command {
    let mut command = run::cargo(root);
    let nextest = machine::has("cargo-nextest");
    if nextest {
        command.args(["nextest", "run"]);
    } else {
        command.args(["test", "--no-fail-fast"]);
    }
    command.args(SELECTION);
    match depth {
        Depth::Usual => {}
        Depth::Long => {
            command.env("STRONGROOM_LONG", "1");
            if nextest {
                command.args(["--profile", "long"]);
            }
        }
    }
    command
}

/// Generated pages are written by the tests that compare them, `reference_page_…`.
pub(crate) fn docs(place: &Place) -> Result<ExitCode, Fault> {
    setup::setup(place)?;
    let status = run::status(
        run::cargo(&place.root)
            .arg("test")
            .args(SELECTION)
            .args(["--quiet", "--", "reference_page_"])
            .env("STRONGROOM_WRITE_PAGES", "1"),
    )?;
    Ok(exit(status))
}

pub(crate) fn fmt(place: &Place) -> Result<ExitCode, Fault> {
    run::must(run::cargo(&place.root).args(["fmt", "--all"]))?;
    Ok(ExitCode::SUCCESS)
}

pub(crate) fn exit(status: ExitStatus) -> ExitCode {
    status
        .code()
        .and_then(|code| u8::try_from(code).ok())
        .map_or(ExitCode::from(2), ExitCode::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_run_tells_the_tests_and_a_usual_one_does_not() {
        let told = |depth| {
            let command = super::tests(Path::new("/"), depth);
            command
                .get_envs()
                .any(|(name, value)| name == "STRONGROOM_LONG" && value.is_some())
        };
        assert!(told(Depth::Long));
        assert!(!told(Depth::Usual));
    }

    #[test]
    fn the_runner_gets_the_one_selection() {
        let line = run::line(&super::tests(Path::new("/"), Depth::Usual));
        assert!(line.ends_with("--workspace --all-targets"), "{line}");
    }
}
