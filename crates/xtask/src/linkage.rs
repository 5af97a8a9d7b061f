//! `bench linkage`: `strongroom link`, Splink and recordlinkage on the same files, in one run.
//!
//! The peers go into a virtual environment under the target folder; the scripts of `tests/peers/linkage/` run
//! all engines under one meter and score all links alike.

use std::path::PathBuf;
use std::process::{Command, ExitCode};

use crate::fault::Fault;
use crate::place::Place;
use crate::{run, tasks};

/// Flags that are passed on, and whether a value follows.
const FLAGS: [(&str, bool); 6] = [
    ("--sizes", true),
    ("--profiles", true),
    ("--seed", true),
    ("--no-peers", false),
    ("--no-febrl", false),
    ("--full", false),
];

pub(crate) fn linkage(place: &Place, args: &[String]) -> Result<ExitCode, Fault> {
    known(args)?;
    tasks::build(place)?;
    let python = environment(place, "linkage")?;
    let status = run::status(
        Command::new(python)
            .arg(scripts(place, "linkage").join("bench.py"))
            .arg(place.program("strongroom"))
            .arg(place.built.join("bench-linkage"))
            .args(args)
            .env_remove("LD_LIBRARY_PATH"),
    )?;
    Ok(tasks::exit(status))
}

/// The scripts of a comparison with peers.
pub(crate) fn scripts(place: &Place, name: &str) -> PathBuf {
    place.root.join("tests/peers").join(name)
}

fn known(args: &[String]) -> Result<(), Fault> {
    let mut args_left = args.iter();
    while let Some(arg) = args_left.next() {
        match FLAGS.iter().find(|(flag, _)| flag == arg) {
            Some((_, true)) if args_left.next().is_some() => {}
            Some((_, false)) => {}
            Some((_, true)) | None => {
                return Err(Fault::Usage(format!("bench linkage {}", args.join(" "))));
            }
        }
    }
    Ok(())
}

/// A Python with the peers of a comparison, made once.
pub(crate) fn environment(place: &Place, name: &str) -> Result<PathBuf, Fault> {
    let folder = place.built.join(format!("bench-{name}-python"));
    let python = folder.join("bin/python");
    let wanted = scripts(place, name).join("requirements.txt");
    if !python.exists() {
        run::must(Command::new("python3").args(["-m", "venv"]).arg(&folder))?;
    }
    run::must(
        Command::new(&python)
            .args(["-m", "pip", "install", "--quiet", "--requirement"])
            .arg(wanted),
    )?;
    Ok(python)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<String> {
        line.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn flags_of_the_scripts_are_known_and_others_refused() {
        assert!(known(&words("--sizes 20000,100000 --no-peers --full")).is_ok());
        assert!(known(&[]).is_ok());
        for line in ["--sizes", "--fast", "100000"] {
            assert!(known(&words(line)).is_err(), "{line}");
        }
    }
}
