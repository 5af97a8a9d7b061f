//! The output checker's desk: rules over evidence.
//!
//! `engine` counts, for every cell of a table, the distinct people behind it and hands
//! over an [`Evidence`]. This crate judges it against a [`Policy`] and writes a
//! [`Report`]: what passes, what must be treated, what a person has to look at and
//! why. It is pure: no files, no clock, no data engine, and it never sees a row of
//! the data, only counts and the table that may be released.
//!
//! What this build enforces: the threshold rule with implied zeros, on every cell and
//! on the numbers that a reader can form by adding and subtracting the counts of one
//! row. Everything else that a statement may show (sums, means, extremes, quantiles)
//! is never passed: it goes to `review` with the rule that is missing.

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

mod check;
mod csv;
mod datum;
mod derive;
pub mod difference;
mod evidence;
pub mod jj;
mod names;
mod policy;
mod report;
mod researcher;
pub mod round;
pub mod suppress;

pub use check::{check, check_all};
pub use csv::to_csv;
pub use datum::Datum;
pub use derive::{COUNTS_MAX, DerivedSet, Precision, derived_sets};
pub use evidence::{
    Atom, Behind, Class, Column, CountLevel, Counted, Evidence, Group, Kind, Malformed, Role,
    Shown, Visible, Whole,
};
pub use policy::{Policy, PolicyError, ZeroRule};
pub use report::{CellReport, Finding, Key, Output, PolicyName, Report, Rule, Status, Verdict};
pub use researcher::{Advice, ResearcherCell, ResearcherOutput, ResearcherReport};
