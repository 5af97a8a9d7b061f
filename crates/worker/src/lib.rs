//! The sealed worker: the only process that sees rows, sealed before it reads a byte, never given a key.
//!
//! It is started by the keeper (or by `strongroom` for files of one's own) with one socket and nothing
//! else. It raises its walls, says which stand, reads one order, does it, reports and leaves.
//!
//! There are three programs. `strongroom-query` holds what a statement of a researcher needs and nothing else: the
//! less it holds, the less a statement that breaks the engine finds, and the sooner it starts. `strongroom-judge`
//! judges what such a statement gathered, and holds no engine. `strongroom-worker` does every job
//! (docs/adr/0023-a-worker-for-statements.md, docs/adr/0029-a-worker-for-judging.md).

#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        reason = "tests panic"
    )
)]

mod jobs;

use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use protocol::frame::{Down, Hatch, read_down};
use protocol::job::{Job, Source};
use protocol::limits::Limits;
use protocol::report::{Failure, FailureCode, Report};
use sandbox::inside::{FailFast, SealError, Strangers, attack, seal};

/// Where memory ends, the worker ends with a code that says so.
#[global_allocator]
static MEMORY: FailFast = FailFast;

/// What a program can do.
struct Program {
    /// With an order.
    run: fn(&jobs::Rooms, &Job, &Limits, &mut Hatch<'_>) -> Result<Report, Failure>,
    /// With tables, before it knows its order.
    open: fn(&mut jobs::Rooms, Source, &Limits) -> Result<(), Failure>,
}

/// The program that does every job.
#[must_use]
pub fn every_job() -> ExitCode {
    live(&Program {
        run: jobs::run_in,
        open: jobs::open_ahead,
    })
}

/// The program that runs and checks statements, and refuses every other job.
#[must_use]
pub fn statements() -> ExitCode {
    live(&Program {
        run: jobs::run_statements,
        open: jobs::open_ahead,
    })
}

/// The program that judges and compares, and refuses every other job.
#[must_use]
pub fn judging() -> ExitCode {
    live(&Program {
        run: jobs::run_judging,
        open: jobs::open_nothing,
    })
}

fn live(program: &Program) -> ExitCode {
    // A panic's message may hold a value of a row: it goes nowhere.
    std::panic::set_hook(Box::new(|_| {}));
    match seal() {
        Ok(sealed) => serve(sealed.socket, sealed.strangers, &sealed.limits, program),
        Err(error @ SealError::NoKeeper(_)) => {
            eprintln!("{error}");
            ExitCode::from(2)
        }
        // The keeper was told why; descriptor 2 leads nowhere.
        Err(SealError::Keeper(_) | SealError::Missing(_) | SealError::Io(_)) => ExitCode::from(2),
    }
}

fn serve(mut socket: File, strangers: Strangers, limits: &Limits, program: &Program) -> ExitCode {
    let Ok(mut ears) = socket.try_clone() else {
        return ExitCode::from(2);
    };
    let mut hatch = Hatch::new(&mut socket, limits.clone());
    let mut rooms = jobs::Rooms::sealed();
    let mut first = read_down(&mut ears);
    if let Ok(Some(Down::Open(source))) = first {
        let opened = guarded(|| (program.open)(&mut rooms, *source, limits))
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
    let answer = guarded(|| match &order.job {
        Job::SelfTest => Ok(Report::SelfTest {
            probes: attack(&order.limits, strangers),
        }),
        job => (program.run)(&rooms, job, &order.limits, &mut hatch),
    });
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
