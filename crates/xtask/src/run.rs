//! Running other programs.

use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::time::Instant;

use crate::fault::Fault;
use crate::place;

/// Variables that `cargo run` gives to us and that the cargo we start must not inherit: it would see
/// another environment than a cargo started by hand, and rebuild what reads them.
const OURS: [&str; 5] = [
    "CARGO_MANIFEST_",
    "CARGO_PKG_",
    "CARGO_BIN_NAME",
    "CARGO_CRATE_NAME",
    "CARGO_PRIMARY_PACKAGE",
];

/// Cargo in the repository's folder.
pub(crate) fn cargo(root: &Path) -> Command {
    let mut command = Command::new(place::cargo());
    command.current_dir(root);
    for (name, value) in std::env::vars_os() {
        let text = name.to_string_lossy();
        // `.cargo/config.toml` sets these two to `.duckdb`; a site's own setting stays.
        let duckdb = ["DUCKDB_LIB_DIR", "DUCKDB_INCLUDE_DIR"].contains(&text.as_ref())
            && Path::new(&value) == root.join(".duckdb");
        if duckdb || OURS.iter().any(|ours| text.starts_with(ours)) {
            command.env_remove(&name);
        }
    }
    command
}

/// The command as a person would type it.
pub(crate) fn line(command: &Command) -> String {
    let program = Path::new(command.get_program())
        .file_name()
        .unwrap_or_default();
    std::iter::once(program)
        .chain(command.get_args())
        .map(|word| word.to_string_lossy().into_owned())
        .collect::<Vec<_>>()
        .join(" ")
}

/// Runs to the end, whatever the end.
pub(crate) fn status(command: &mut Command) -> Result<ExitStatus, Fault> {
    command.status().map_err(|why| Fault::Start {
        program: command.get_program().to_string_lossy().into_owned(),
        why: why.to_string(),
    })
}

/// Says what it runs, runs it, and fails unless it succeeds.
pub(crate) fn must(command: &mut Command) -> Result<(), Fault> {
    let line = line(command);
    eprintln!("xtask: {line}");
    let began = Instant::now();
    let status = status(command)?;
    eprintln!("xtask: {line}: {:.1} s", began.elapsed().as_secs_f64());
    if status.success() {
        Ok(())
    } else {
        Err(Fault::Failed {
            command: line,
            code: status.code(),
        })
    }
}

/// What a quiet command prints.
pub(crate) fn said(command: &mut Command) -> Result<String, Fault> {
    let output = command
        .stderr(Stdio::inherit())
        .output()
        .map_err(|why| Fault::Start {
            program: command.get_program().to_string_lossy().into_owned(),
            why: why.to_string(),
        })?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    } else {
        Err(Fault::Failed {
            command: line(command),
            code: output.status.code(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failing_command_is_named_with_its_code() {
        let fault = must(Command::new("/bin/sh").args(["-c", "exit 3"])).unwrap_err();
        assert_eq!(fault.to_string(), "`sh -c exit 3` ended with 3");
    }

    #[test]
    fn a_missing_command_is_named() {
        let fault = said(&mut Command::new("no-such-program-here")).unwrap_err();
        assert!(
            fault
                .to_string()
                .starts_with("cannot start `no-such-program-here`: ")
        );
    }

    #[test]
    fn cargo_does_not_inherit_what_cargo_run_gave_us() {
        let command = cargo(Path::new("/"));
        let removed = command
            .get_envs()
            .filter(|(_, value)| value.is_none())
            .map(|(name, _)| name.to_string_lossy().into_owned())
            .collect::<Vec<_>>();
        assert!(
            removed.contains(&"CARGO_PKG_NAME".to_owned()),
            "{removed:?}"
        );
        assert!(!removed.contains(&"PATH".to_owned()));
    }
}
