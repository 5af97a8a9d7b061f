//! The rehearsal room: made-up people and records for tests and demonstrations.

#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::print_stdout,
        reason = "tests panic, and print what they measured"
    )
)]

pub mod haven;
pub mod people;
pub mod population;
pub mod table;
