//! Tests of the whole house: its rules, and journeys through the built programs.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "tests panic, and say what they leave out"
)]

mod attacks;
mod browser;
mod house;
mod journeys;
mod kill;
mod support;
