//! `strongroom-query`: the statements of a researcher in a sealed worker, and no other job.

use std::process::ExitCode;

fn main() -> ExitCode {
    worker::statements()
}
