//! The data floor: the one room that holds the data engine (DuckDB).
//!
//! A [`Connection`] is opened over an extract or over microdata files, its settings are made, locked and
//! read back; then statements of a researcher run on it ([`statements`]) or evidence is gathered
//! ([`evidence`]). [`extract`] cuts an extract from payload. The engine's own fences are the second wall:
//! the first is the sandbox that this code runs in.
//!
//! Error types here never carry a value of a row, with one exception: [`Outcome::Error`] holds the
//! engine's own words and goes to the person who wrote the statement, never to a log.

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

mod answer;
mod connection;
pub mod dummy;
mod error;
pub mod evidence;
pub mod extract;
mod hash;
pub mod measure;
pub mod model;
mod quote;
pub mod statements;

pub use answer::{Answer, Bound, Caps, Outcome};
pub use connection::{Connection, FileFormat, FileTable, Interrupt, Settings, Tables};
pub use error::EngineError;
pub use hash::hash;
