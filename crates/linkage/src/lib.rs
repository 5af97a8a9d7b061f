//! The indexing service's method, over plain columns: standardise, block, compare, model, compete.
//!
//! [`link`] takes one file of identifiers and a spine (a register with one record a person) and says,
//! for each record of the file, which spine record is the same person, by which step and how surely.
//! Two steps: a verified CHI number first, then a Fellegi-Sunter model on the rest, read off the data
//! without labels. The same input gives the same output, bit for bit.
//!
//! This room never reads a file, a clock or a payload; it sees identifiers and ordinals only, and no
//! error, report or model of it holds a value of a record.

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

mod assign;
mod blocking;
mod chi;
mod column;
mod compare;
mod deterministic;
mod em;
mod error;
mod jaro_winkler;
mod link;
mod model;
mod nicknames;
mod patterns;
mod prepared;
mod random;
mod report;
mod settings;
mod standardise;
mod train;

pub use chi::{is_valid_chi, is_valid_nhs_number};
pub use column::{Column, Records, Role};
pub use error::LinkError;
pub use jaro_winkler::{DEFINITION as JARO_WINKLER, jaro_winkler};
pub use link::link;
pub use model::{ComparisonModel, LevelModel, Model};
pub use report::{Link, LinkReport, Linked, RuleReport, SessionReport, Step, Taken};
pub use settings::{LeftFile, Settings};
