//! The board room: every lifecycle of the safe haven and its rules.
//!
//! A state is a struct that holds only what is true in it. A transition eats the old state and returns a
//! [`Change`] or a [`Refusal`]; only this crate can make a `Change`, and the store accepts nothing else.
//! Here stands what no site may relax: two people for a release, nobody decides on their own work,
//! no identifier in a workspace. Which *role* may do what is a site's policy and stands in
//! `policies/access/`.
//!
//! No I/O, no async, no clock: time and ids come in as arguments.

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

pub mod action;
pub mod change;
pub mod comment;
pub mod dataset;
pub mod delivery;
pub mod desktop;
pub mod extract;
pub mod ids;
pub mod indexing;
pub mod job;
pub mod keeper_refusal;
pub mod measure;
pub mod output;
pub mod person;
pub mod project;
pub mod recovery;
pub mod refusal;
pub mod register;
pub mod request;
pub mod workspace;

#[cfg(test)]
mod tests;

pub use action::Action;
pub use change::{Batch, By, Change, Event, Fact, Index, Lifecycle, Sealed, Tie, TieKind};
pub use ids::{
    BudgetId, CommentId, DatasetId, DeliveryId, ExtractId, IndexingId, JobId, KeeperRefusalId,
    MeasurementId, OutputId, PersonId, ProjectId, RecoveryId, Sha256, WorkspaceId,
};
pub use jiff::Timestamp;
pub use jiff::civil::Date;
pub use refusal::Refusal;
pub use register::InRegister;

/// The UTC calendar day of a moment: what end dates are compared with.
#[must_use]
pub fn day_of(at: Timestamp) -> Date {
    at.to_zoned(jiff::tz::TimeZone::UTC).date()
}
