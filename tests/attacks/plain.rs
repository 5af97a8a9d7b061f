//! A plain DuckDB without walls, for comparison: the program `examples/plain` of the engine's crate.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::support::program;

/// Runs statements as one session over the tables of a database file; with `files`, it is made from them
/// first. Gives a line for each statement.
pub(crate) fn run(database: &Path, files: &[(&str, &Path)], statements: &[String]) -> Vec<Value> {
    let mut command = Command::new(program("examples/plain"));
    command.arg("threads=2").arg(database);
    for (name, path) in files {
        command.arg(format!("{name}={}", path.display()));
    }
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let session = serde_json::to_string(statements).unwrap();
    let mut input = child.stdin.take().unwrap();
    writeln!(input, "{session}").unwrap();
    drop(input);
    let output = child.wait_with_output().unwrap();
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect()
}
