//! The peer: a plain DuckDB in a process of its own, over pipes.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use protocol::limits::Limits;

/// It ends when it is dropped.
pub(crate) struct Plain {
    child: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
}

impl Plain {
    /// Starts it with the threads and the memory that the sealed engine gets.
    pub(crate) fn start(
        program: &Path,
        limits: &Limits,
        place: &str,
        file: Option<(&str, &Path)>,
    ) -> Self {
        let mut command = Command::new(program);
        command
            .arg(format!("threads={}", limits.threads))
            .arg(format!("memory={}", limits.memory_mib))
            .arg(place);
        if let Some((name, path)) = file {
            command.arg(format!("{name}={}", path.display()));
        }
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let to = child.stdin.take().unwrap();
        let from = BufReader::new(child.stdout.take().unwrap());
        Self { child, to, from }
    }

    /// Runs one statement and waits for its answer.
    pub(crate) fn run(&mut self, sql: &str) {
        let session = serde_json::to_string(&[sql]).unwrap();
        writeln!(self.to, "{session}").unwrap();
        let mut line = String::new();
        self.from.read_line(&mut line).unwrap();
        assert!(line.contains("\"ok\":true"), "{line}");
    }
}

impl Drop for Plain {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
