//! `strongroom-worker`: every job of a sealed worker.

use std::process::ExitCode;

fn main() -> ExitCode {
    worker::every_job()
}
