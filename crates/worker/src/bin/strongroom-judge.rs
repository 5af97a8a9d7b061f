//! `strongroom-judge`: what was gathered, judged in a sealed worker that holds no engine, and no other job.

use std::process::ExitCode;

fn main() -> ExitCode {
    worker::judging()
}
