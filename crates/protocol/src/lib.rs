//! The hatch between the keeper and a worker: what a worker may be asked to do, within which limits,
//! and the frames in which both talk.
//!
//! A worker finds its inputs as files under [`INPUTS`] by the names that its [`Job`] gives, and sends
//! everything it makes through one socket as [`frame::Frame`]s. It is never given a key, a path of the
//! host or a name of a person. Every reader here treats the bytes of the other side as hostile: sizes,
//! counts and nesting are bounded before anything is allocated.

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

pub mod compare;
pub mod dummy;
pub mod frame;
mod hatch;
mod inbox;
pub mod job;
pub mod keeper;
pub mod limits;
pub mod linked;
pub mod model;
pub mod pairs;
pub mod posture;
pub mod report;

/// The folder in which a worker finds its input files.
pub const INPUTS: &str = "/in";
/// The folder in which a worker may write; private to the job and gone with it.
pub const SCRATCH: &str = "/spill";
/// The descriptor of the worker's end of the socket.
pub const SOCKET_FD: i32 = 3;

/// Tells builds apart: a hash over this crate's sources and the lock file. The front and the keeper
/// refuse a worker with another one.
#[must_use]
pub const fn build_id() -> &'static str {
    env!("STRONGROOM_BUILD_ID")
}
