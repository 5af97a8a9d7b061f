//! Models that were trained with Splink (versions 4 and 5): the same levels, the same weights.
//!
//! A saved Splink model says in SQL what each level of a comparison is. [`Splink::read`] turns these conditions, the
//! m and u of each level, the term-frequency adjustments, the prior and the blocking rules into a model that this
//! engine runs without SQL; a condition, function or key that it does not know is refused by name, so that no level
//! is ever read as something else. A pair's weight is Splink's own sum (Fellegi and Sunter 1969, as Splink 5 writes
//! it): log2 of the prior odds, log2(m/u) of each level, and for levels with a term frequency
//! `weight * (log2 u_exact - log2 max(tf_l, tf_r, minimum))`. Values are compared as they are written in the files;
//! nothing is standardised, since the model was trained on what is written.

mod distance;
mod engine;
mod expr;
mod outcome;
mod settings;
mod sql;
mod tables;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::error::LinkError;
use crate::spec::LinkType;

use expr::Expr;
pub(crate) use tables::Run;

/// What a specification says of a Splink model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SplinkSpec {
    /// The text of the saved model (`linker.misc.save_model_to_json`).
    pub settings: String,
    /// By file, the model's name of each column, in the order in which [`crate::Intake::push`] gets the values.
    pub columns: Vec<Vec<String>>,
}

/// A model that was read.
#[derive(Debug)]
pub struct Splink {
    /// What it links.
    link_type: LinkType,
    /// Probability that two random records are one person.
    prior: f64,
    /// Names of the columns that it reads.
    columns: Vec<String>,
    comparisons: Vec<Comparison>,
    rules: Vec<Rule>,
}

/// One comparison: the first level whose condition is true holds.
#[derive(Debug)]
struct Comparison {
    name: String,
    /// Strongest first, as Splink writes them.
    levels: Vec<Level>,
    /// Columns that its conditions read, where it is one alone: then a level can be remembered by two codes.
    alone: Option<usize>,
}

#[derive(Debug)]
struct Level {
    label: String,
    /// Nothing: everything else.
    condition: Option<Expr>,
    /// Nothing for the level of missing values, which weighs 0.
    shares: Option<Shares>,
    frequency: Option<Frequency>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Shares {
    m: f64,
    u: f64,
}

impl Shares {
    /// log2(m/u), as Splink bounds it.
    fn weight(self) -> f64 {
        const LEAST: f64 = 1e-300;
        (self.m.max(LEAST) / self.u.max(LEAST)).log2()
    }
}

/// A term-frequency adjustment.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Frequency {
    column: usize,
    weight: f64,
    least: f64,
    /// u of the column's own exact level.
    u_exact: f64,
}

/// A blocking rule: expressions over one record each that must be equal, and what must hold besides.
#[derive(Debug)]
struct Rule {
    text: String,
    keys: Vec<(Expr, Expr)>,
    besides: Option<Expr>,
}

impl Splink {
    /// Reads a saved model.
    ///
    /// # Errors
    /// One sentence that names the key, the comparison's level or the rule that cannot be used.
    pub fn read(text: &str) -> Result<Self, LinkError> {
        settings::read(text).map_err(|text| LinkError::Splink { text })
    }

    /// Names of the columns that the model reads, each once.
    #[must_use]
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// What the model links.
    #[must_use]
    pub const fn link_type(&self) -> LinkType {
        self.link_type
    }
}

/// How often each value of a column occurs outside the files, by the bytes of the value.
pub(crate) type OutsideCounts = BTreeMap<Vec<u8>, f64>;

#[cfg(test)]
mod tests;
