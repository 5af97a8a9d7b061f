//! A regression or survival curve to fit and to check.

use serde::{Deserialize, Serialize};

use crate::job::Source;

/// Fit a model that a researcher names and gather the evidence of the tables behind it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Model {
    /// The tables.
    pub source: Source,
    /// Column that names the protected unit.
    pub unit: String,
    /// The model (`disclosure::model::Asked`) as JSON text.
    pub asked: String,
    /// Most parameters of a regression (`parameters` in `[limits]` of the disclosure policy).
    pub parameters: u32,
}
