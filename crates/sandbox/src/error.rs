//! Why a worker did not start or did not finish.

use std::io;

use protocol::frame::FrameError;
use protocol::limits::Killed;
use protocol::posture::{MissingLayer, Posture};

/// Why a worker did not start or did not finish.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// The worker's program could not be started.
    #[error("the worker could not be started")]
    Start(#[source] io::Error),
    /// The order or its inputs are not fit.
    #[error("{0}")]
    BadOrder(String),
    /// A required wall is missing.
    #[error("{missing}")]
    MissingLayer {
        /// The first required wall that is missing.
        missing: MissingLayer,
        /// What was tried.
        posture: Posture,
    },
    /// The worker is of another build.
    #[error(
        "the worker is of build {worker} and this program of build {here}; install both from one build"
    )]
    OtherBuild {
        /// The worker's build id, cut to 32 characters.
        worker: String,
        /// This program's build id.
        here: &'static str,
    },
    /// An input could not be read.
    #[error("the input {name} could not be read")]
    Input {
        /// Its name under `/in`.
        name: String,
        /// What failed.
        #[source]
        source: io::Error,
    },
    /// An input could not be handed over.
    #[error("the input {name} could not be written into the worker's memory")]
    HandOver {
        /// Its name under `/in`.
        name: String,
        /// What failed.
        #[source]
        source: io::Error,
    },
    /// The worker did not get ready in time.
    #[error("the worker did not get ready within {0} seconds")]
    NotReady(u64),
    /// A limit stopped the worker.
    #[error("the worker was stopped by its {} limit", limit_name(.0))]
    Killed(Killed),
    /// It was ended by the caller.
    #[error("the worker was ended")]
    Ended,
    /// The worker ended without a word.
    #[error("the worker ended without an answer ({0})")]
    Crashed(String),
    /// The worker sent what it may not; it was ended.
    #[error("the worker sent what it may not and was ended")]
    Hostile(#[source] FrameError),
    /// The socket or a process could not be handled.
    #[error("the worker could not be reached")]
    Io(#[from] io::Error),
}

fn limit_name(killed: &Killed) -> &'static str {
    match killed {
        Killed::Memory => "memory",
        Killed::Time => "time",
        Killed::Cpu => "cpu",
        Killed::Disk => "disk",
    }
}
