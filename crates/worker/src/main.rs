//! `strongroom-worker`: the only process that sees rows, sealed before it reads a byte, never given a key.
//!
//! It is started by the keeper (or by `strongroom` for files of one's own) with one socket and nothing
//! else. It raises its walls, says which stand, reads one order, does it, reports and leaves.

mod jobs;

use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use protocol::frame::{Down, Hatch, read_down};
use protocol::job::{Job, Order};
use protocol::report::{Failure, FailureCode, Report};
use sandbox::inside::{FailFast, SealError, Strangers, attack, seal};

/// Where memory ends, the worker ends with a code that says so.
#[global_allocator]
static MEMORY: FailFast = FailFast;

fn main() -> ExitCode {
    // A panic's message may hold a value of a row: it goes nowhere.
    std::panic::set_hook(Box::new(|_| {}));
    match seal() {
        Ok(sealed) => serve(sealed.socket, sealed.strangers, &sealed.limits),
        Err(error @ SealError::NoKeeper(_)) => {
            eprintln!("{error}");
            ExitCode::from(2)
        }
        // The keeper was told why; descriptor 2 leads nowhere.
        Err(SealError::Keeper(_) | SealError::Missing(_) | SealError::Io(_)) => ExitCode::from(2),
    }
}

fn serve(mut socket: File, strangers: Strangers, limits: &protocol::limits::Limits) -> ExitCode {
    let Ok(mut ears) = socket.try_clone() else {
        return ExitCode::from(2);
    };
    let mut hatch = Hatch::new(&mut socket, limits.clone());
    let mut rooms = jobs::Rooms::sealed();
    let mut first = read_down(&mut ears);
    if let Ok(Some(Down::Open(source))) = first {
        let opened = guarded(|| jobs::open_ahead(&mut rooms, *source, limits))
            .and_then(|()| hatch.progress(1, 1, "open"));
        if let Err(failure) = opened {
            // The keeper may be what failed.
            let _ = hatch.fail(failure);
            return ExitCode::from(2);
        }
        first = read_down(&mut ears);
    }
    let Ok(Some(Down::Order(order))) = first else {
        return ExitCode::from(2);
    };
    // The walls were built for these limits; an order for others is not followed.
    if order.limits != *limits {
        return ExitCode::from(2);
    }
    listen(ears, hatch.cancel_flag());
    let answer = guarded(|| work(&order, strangers, &rooms, &mut hatch));
    let told = match answer {
        Ok(report) => hatch.report(report).or_else(|failure| hatch.fail(failure)),
        Err(failure) => hatch.fail(failure),
    };
    match told {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::from(2),
    }
}

/// A panic is a failure like any other.
fn guarded<T>(work: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| Err(failed()))
}

fn work(
    order: &Order,
    strangers: Strangers,
    rooms: &jobs::Rooms,
    hatch: &mut Hatch<'_>,
) -> Result<Report, Failure> {
    match &order.job {
        Job::SelfTest => Ok(Report::SelfTest {
            probes: attack(&order.limits, strangers),
        }),
        job @ (Job::LoadIdentifiers(_)
        | Job::LoadPayload(_)
        | Job::Link(_)
        | Job::LinkFiles(_)
        | Job::Extract(_)
        | Job::Query(_)
        | Job::Check(_)
        | Job::Inspect(_)
        | Job::Price(_)
        | Job::Measure(_)
        | Job::Dummy(_)
        | Job::Practice(_)
        | Job::SelfAudit(_)) => jobs::run_in(rooms, job, &order.limits, hatch),
    }
}

/// Hears the keeper while the job runs.
fn listen(mut ears: File, cancelled: Arc<AtomicBool>) {
    thread::spawn(move || {
        loop {
            match read_down(&mut ears) {
                Ok(Some(Down::Cancel)) => cancelled.store(true, Ordering::Relaxed),
                Ok(Some(Down::Stop)) => std::process::exit(0),
                // The guard ends this process when the keeper is gone.
                Ok(Some(Down::Setup(_) | Down::Go | Down::Open(_) | Down::Order(_)) | None)
                | Err(_) => return,
            }
        }
    });
}

fn failed() -> Failure {
    Failure {
        code: FailureCode::Internal,
        message: "the worker failed".into(),
        row: None,
        column: None,
    }
}
