//! Columns in and out of files.
//!
//! A delivered file is read whole or refused whole: [`csv`] and [`parquet`] turn it into a [`Frame`] of
//! text columns or into a [`FrameError`] that names row and column and never a value. Tables of our own
//! making ([`Table`], typed columns) are written to and read from Parquet.
//!
//! An empty cell and a missing one are the same thing here: CSV cannot tell them apart, and no rule of
//! ours needs the difference.

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

pub mod csv;
pub mod date;
mod error;
mod limits;
pub mod parquet;
mod strings;
mod table;

pub use error::{Fault, FrameError};
pub use limits::Limits;
pub use strings::Strings;
pub use table::{Cells, Frame, Table, Values};
