//! The indexing service's method, over plain columns: standardise, block, compare, model, compete.
//!
//! # Linking files
//!
//! ```text
//! let spec = Spec::new(LinkType::Link, vec![FileSpec { name, columns: vec![ColumnSpec { role, name }, …], holds }, …]);
//! let mut intake = Intake::new(spec)?;                    // refuses what contradicts itself
//! for each file, for each record {
//!     intake.push(file, &[Some("Ann"), None, …])?;        // values in the order of the file's columns
//! }
//! let linkage = intake.link(Resources { threads, memory_bytes }, &mut observer)?;
//! ```
//!
//! Rows are named by their place among the records pushed for a file, from 0; keeping ids, and refusing
//! repeated ones, is the caller's part. [`Observer`] hears of each [`Stage`] (so that the caller can take the
//! time) and may cancel. [`Linkage`] holds the joins, the person of each row, the model and the report.
//!
//! # Linking a delivery to a spine
//!
//! [`link`] takes one file of identifiers and a spine (a register with one record a person) and says,
//! for each record of the file, which spine record is the same person, by which step and how surely.
//! Two steps: a verified CHI number first, then a Fellegi-Sunter model on the rest, read off the data
//! without labels. The same input gives the same output, bit for bit.
//!
//! # Going on
//!
//! [`Intake::link_and_keep`] gives a [`KeptSpine`] besides: later records are linked to it under the same model without
//! linking everything again, and come to what a batch over all would. A [`Ledger`] holds which person each record is
//! and was: ids of persons stay, and none is given twice.
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

mod block;
mod chance;
mod chi;
mod cluster;
mod coded;
mod column;
mod compete;
mod dates;
mod encode;
mod engine;
mod error;
mod falls;
mod fit;
mod intake;
mod jaro_winkler;
mod kept;
mod keys;
mod kinds;
mod ledger;
mod levels;
mod nicknames;
mod observer;
mod outcome;
mod overrides;
mod pairs;
mod quality;
mod radix;
mod random;
mod report;
mod review;
mod settings;
mod spec;
mod spine;
mod splink;
mod standardise;
mod steps;
mod text;
mod threads;
mod told;
mod waterfall;

pub use chi::{is_valid_chi, is_valid_nhs_number};
pub use column::{Column, Records, Role};
pub use encode::{
    Attacked, ENCODED_FIELDS, ENCODED_KEYS, ENCODING_VERSION, EncodeSalt, EncodeSpec, Encoded,
    Encoder, FILTER_BYTES, Keyed,
};
pub use error::LinkError;
pub use intake::{Intake, Resources};
pub use jaro_winkler::{DEFINITION as JARO_WINKLER, jaro_winkler};
pub use kept::{Delivered, DeliveryReport, KeptSpine, Moved, PairCounts, PersonCounts, Record};
pub use keys::KEY_PARTS;
pub use ledger::{
    Contradiction, Digest, Entry, Ledger, Measured, Person, Read as ReadLedger, Reason,
    Step as LedgerStep, Torn, measure_ledger, read_ledger, sealed_step,
};
pub use observer::{Observer, Quiet, Stage};
pub use outcome::{
    BlockingReport, ClusterReport, ColumnReport, ComparisonFit, Example, FileReport, Fit,
    GroupRate, Impossible, Join, JoinStep, KindFit, LevelFit, LinkModel, Linkage, PairReport,
    Report, ThresholdEstimate, WeightBar,
};
pub use review::{Agreement, BANDS, Chosen, agreement, choose};
pub use settings::{LeftFile, Settings};
pub use spec::{
    BlockingRule, ColumnSpec, ComparisonOverride, FileSpec, Frequency, Holds, LinkType, Spec,
    SpineSpec,
};
pub use spine::reviewed::{Decided, Moves, PairOf, link_decided, link_for_review};
pub use spine::{Link, LinkReport, Linked, Step, link};
pub use splink::{Splink, SplinkSpec};
pub use told::Judged;
