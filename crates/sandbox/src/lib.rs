//! The walls: starts a worker, and seals it before it reads a byte of data.
//!
//! [`spawn`] is the keeper's side. It starts a worker's program with an empty environment and one
//! socket, lets it raise its walls in [`inside::seal`], checks its posture against a [`Profile`], gives
//! it an order and reads what it sends, all of it hostile. A required wall that is missing means no
//! worker: there is no switch to run without.
//!
//! The walls, from the outside in: an own user id (as root), a memory control group, user, mount, pid,
//! network, ipc, uts and cgroup namespaces, an empty read-only root without `/proc`, `/sys` and `/dev`,
//! inputs on a detached read-only mount, capped scratch space, no capabilities, no new privileges,
//! Landlock, resource limits, and a list of allowed system calls. [`doctor`] tries each of them.
//!
//! This is the only crate with `unsafe`: each block is one system call with its reason.

#![expect(unsafe_code, reason = "system calls have no safe form in std")]
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

mod cgroup;
mod doctor;
mod error;
pub mod inside;
mod launch;
mod profile;
mod running;
mod spare;
mod sys;

pub use doctor::{LayerReport, doctor};
pub use error::SandboxError;
pub use launch::{Input, Launch, spawn};
pub use profile::{Profile, ProfileError};
pub use running::{Killer, Running, Usage};
pub use spare::Spare;
