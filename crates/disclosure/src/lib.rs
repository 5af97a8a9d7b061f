//! The output checker's desk: rules over evidence.
//!
//! `engine` counts, for every cell of a table, the distinct people behind it and hands
//! over an [`Evidence`]. This crate judges it against a [`Policy`] and writes a
//! [`Report`]: what passes, what must be treated, what a person has to look at and
//! why. It is pure: no files, no clock, no data engine, and it never sees a row of
//! the data, only counts and the table that may be released.
//!
//! The rules: threshold and implied zeros, (n,k) and p%, identical values, degrees of freedom, end points,
//! class disclosure, on every cell and every margin, and on the numbers that a reader can form by adding
//! and subtracting those of one row. What cannot be counted is never passed: it goes to `review` with the
//! reason.

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
pub mod inspect;
pub mod jj;
pub mod model;
mod names;
mod policy;
mod report;
mod researcher;
pub mod round;
pub mod suppress;
pub mod survival;

pub use check::{
    Beside, CellPeople, Family, Found, Leaving, ListedError, Outgoing, Traced, as_one,
    by_statement, cannot_compare, check, check_all, check_together, compare_again, hidden,
    in_words, outgoing, places, traced,
};
pub use csv::to_csv;
pub use datum::Datum;
pub use derive::{COUNTS_MAX, DerivedSet, Precision, derived_sets};
pub use evidence::{
    Atom, Behind, Class, Column, CountLevel, Counted, Evidence, Further, Group, Kind, Lineage,
    Magnitude, Malformed, OF_VALUES, Part, Place, Role, Shown, Sort, TOP_MAX, Union, Visible,
    Whole,
};
pub use policy::{Dominance, Limits, Policy, PolicyError, ZeroRule};
pub use report::{CellReport, Finding, Key, Output, PolicyName, Report, Rule, Status, Verdict};
pub use researcher::{Advice, ResearcherCell, ResearcherOutput, ResearcherReport};

/// The key of a folder of releases, under which its people are listed: without it the units of a small register
/// cannot be tried one by one.
pub struct PeopleKey(ring::hmac::Key);

impl PeopleKey {
    /// From the folder's random bytes.
    #[must_use]
    pub fn new(key: &[u8; 32]) -> Self {
        Self(ring::hmac::Key::new(ring::hmac::HMAC_SHA256, key))
    }

    /// A person: 16 bytes of HMAC-SHA-256 over the engine's hash of their unit.
    #[must_use]
    pub fn person(&self, unit: u64) -> [u8; 16] {
        let tag = ring::hmac::sign(&self.0, &unit.to_le_bytes());
        let mut person = [0; 16];
        for (byte, from) in person.iter_mut().zip(tag.as_ref()) {
            *byte = *from;
        }
        person
    }
}
