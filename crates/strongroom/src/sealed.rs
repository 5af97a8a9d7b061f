//! One job of a sealed worker, run to its report.

use protocol::frame::Up;
use protocol::report::Report;
use sandbox::{Launch, spawn};

use crate::problem::Problem;

/// Runs a job to its report; the bytes of its file go on as they come.
///
/// # Errors
/// If no worker can be sealed, it fails or is stopped, or it ends without a report.
pub(crate) fn report(
    launch: Launch,
    with: &mut dyn FnMut(&[u8]) -> Result<(), Problem>,
) -> Result<Report, Problem> {
    let mut running = spawn(launch)?;
    let mut report = None;
    while let Some(frame) = running.next()? {
        match frame {
            Up::Report(done) => report = Some(done),
            Up::Failed(failure) => return Err(failure.into()),
            Up::FileBytes(bytes) => with(&bytes)?,
            Up::MountReady { .. }
            | Up::Ready(_)
            | Up::Refused(_)
            | Up::Progress(_)
            | Up::Statement(_)
            | Up::FileStart { .. }
            | Up::FileEnd { .. } => {}
        }
    }
    report.ok_or_else(out_of_turn)
}

/// What is told where a worker reports something else than it was asked for.
pub(crate) fn out_of_turn() -> Problem {
    Problem::could_not("the worker sent an answer that does not belong to a request")
}
