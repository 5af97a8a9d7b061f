//! The noise office: prices a request, draws the noise. The ledger is the store's.
//!
//! A [`Request`] is read strictly from JSON and has one canonical form, whose SHA-256 names it. [`price`]
//! turns it into noise scales, a price in zero-concentrated differential privacy (rho, in integer nano-rho;
//! delta, in units of 10^-18) and error bars, without data. The data engine cuts integer cells bounded by
//! person for the components of the priced request; [`Priced::draw`] adds OpenDP's noise to them and
//! [`release`] derives the wanted statistics from the noisy cells alone.
//!
//! Definition: neighbouring data differ by all rows of one person (add or remove). Sources: Bun and
//! Steinke 2016 (zCDP), Canonne, Kamath and Steinke 2020 (discrete Gaussian), OpenDP 0.16 with the
//! corrections named at [`price`] and [`noise`].

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

mod audit;
mod component;
mod error;
mod limits;
mod noise;
mod price;
mod release;
mod request;
mod spread;
mod words;

pub use audit::{Shown, lower_bound, outcome_of_found, shown};
pub use component::{Component, Grid, Part};
pub use error::PrivacyError;
pub use limits::Limits;
pub use noise::{Found, Noisy, ready};
pub use price::{Charge, ComponentPrice, Priced, price};
pub use release::release;
pub use request::{
    Bounds, Budget, Condition, Feature, FeatureKind, Key, Literal, Operator, Request, Statistic,
    Window, WindowKind,
};
pub use spread::Shape;
pub use words::words;
