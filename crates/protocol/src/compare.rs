//! Differencing: what is to leave or to be shown beside everything that was, in a worker that sees neither payload nor
//! identifiers but ordinals of people alone.
//!
//! A *register* is a row of tables, each its number of bytes as u64, little endian, and then these, which
//! `disclosure::difference::Release` reads.

use serde::{Deserialize, Serialize};

/// What a worker gathered, JSON text as in [`crate::report::Report::Check`].
pub const EVIDENCE: &str = "evidence.json";
/// Who has which ordinal: 16 bytes of pseudonym, then the ordinal as u32, little endian.
pub const ORDINALS: &str = "ordinals.bin";
/// A register: everything that left.
pub const REGISTER: &str = "register.bin";
/// A register: what screens of the project showed.
pub const SCREENS: &str = "screens.bin";
/// A register: what screens of other projects showed.
pub const ELSEWHERE: &str = "elsewhere.bin";
/// A register: the tables of the one output that is compared. A worker that judges sends it, too.
pub const TABLES: &str = "tables.bin";
/// The renderings of an output's report, JSON text of [`Renderings`]. A worker that compares again sends it where
/// it found something.
pub const RENDERINGS: &str = "renderings.json";

/// Judge what was gathered, statement by statement, beside each other and beside what left and was shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Judge {
    /// The disclosure policy, TOML text.
    pub policy: String,
    /// The threshold to which the approval raises that of the policy; a lower one changes nothing.
    pub minimum: u64,
    /// How it is compared.
    pub beside: Beside,
}

/// What becomes of what is judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Goal {
    /// It may leave the safe haven.
    Output,
    /// A screen of its project shows it.
    Screen,
}

/// How something is compared with what left and was shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Beside {
    /// What becomes of it.
    pub goal: Goal,
    /// How it is called where a later one is compared with it.
    pub name: String,
    /// When it was asked for, as it is to be shown.
    pub date: String,
    /// Whether people have ordinals: those of several spines at once have none.
    pub has_ordinals: bool,
    /// For an output: others that left and of which the register does not say who is behind them, or not by these
    /// ordinals.
    pub unknown: u64,
}

/// Whether the register knows who is behind the cells of what was judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Behind {
    /// It will: they went before, as [`TABLES`].
    Sent,
    /// It does: a screen shows nothing that screens of its project did not show before.
    Known,
    /// That cannot be told, or there is nothing to show.
    Unknown,
}

/// Compare an output again, as it was judged before, with what left and was shown meanwhile.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Again {
    /// As in [`Judge`].
    pub policy: String,
    /// As in [`Judge`].
    pub minimum: u64,
}

/// Attack everything that left, and what screens of one project showed, as a reader of all of it could.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Attack {
    /// The disclosure policy, TOML text.
    pub policy: String,
    /// How many of the newest tables are attacked, each with all before it.
    pub newest: u32,
}

/// What the rules say of a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Judged {
    /// `pass`, `treat`, `review` or `fail`.
    pub verdict: String,
    /// SHA-256 of the policy's text, in hex.
    pub policy: String,
    /// The reports, for whom they may be shown to.
    pub renderings: Renderings,
    /// The tables as they are, CSV, an empty line between two.
    pub exact: String,
    /// As treated, where that is offered.
    pub treated: Option<String>,
}

/// A report for output checkers and for the project.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Renderings {
    /// Everything: it holds counts under the threshold.
    pub checker: serde_json::Value,
    /// Rule, cell and remedy.
    pub researcher: serde_json::Value,
}
