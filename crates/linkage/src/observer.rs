//! What a caller hears while a linkage runs, and how it stops one.

use serde::{Deserialize, Serialize};

/// A part of the work, in the order of its first appearance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Frequencies of values, and the parts that blocking keys are made of.
    Prepare,
    /// Counting what each blocking rule would find, and choosing.
    Plan,
    /// Finding candidate pairs and the pattern of each.
    Compare,
    /// Learning the parameters.
    Train,
    /// Weighing each pair among its alternatives.
    Score,
    /// Giving each record a person.
    Cluster,
    /// Estimates of quality, rates and examples.
    Report,
}

impl Stage {
    /// The name used in reports.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Prepare => "prepare",
            Self::Plan => "plan",
            Self::Compare => "compare",
            Self::Train => "train",
            Self::Score => "score",
            Self::Cluster => "cluster",
            Self::Report => "report",
        }
    }
}

/// Hears of a linkage's progress. Called from the thread that called [`crate::Intake::link`] only, so it may
/// read a clock or a meter of CPU time: a stage lasts from its call to the next one or the end. A stage may
/// come more than once (slices, several pairs of files).
pub trait Observer {
    /// A stage begins.
    fn stage(&mut self, stage: Stage) {
        let _ = stage;
    }

    /// Asked often; true ends the linkage with [`crate::LinkError::Cancelled`] and nothing else.
    fn cancelled(&mut self) -> bool {
        false
    }
}

/// Hears nothing and never cancels.
pub struct Quiet;

impl Observer for Quiet {}
