//! What came of a linkage, as `report.json` has it and as a person reads it at once.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use linkage::{LinkModel, Report};
use protocol::linked::{Review, Scores, StageCost};
use sandbox::Usage;
use serde::Serialize;

use super::Told;
use crate::demo::cost;
use crate::problem::Problem;

/// Of the layout of `report.json`.
const VERSION: u32 = 1;

/// Everything that the reports are made of: counts, estimates, costs. No value of a record.
pub(super) struct Outcome {
    pub(super) linkage: Report,
    pub(super) model: LinkModel,
    pub(super) stages: Vec<StageCost>,
    pub(super) scores: Option<Box<Scores>>,
    pub(super) agreement: Option<Review>,
    pub(super) cost: Cost,
}

/// What the whole command took, worker and front together.
#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct Cost {
    /// Seconds on the wall.
    pub(super) wall_s: f64,
    /// CPU seconds of all processes.
    pub(super) cpu_s: f64,
    /// Most resident memory of one process, in MB of a million bytes.
    pub(super) peak_mb: f64,
}

impl Cost {
    pub(super) fn of(wall: Duration, worker: &Usage) -> Self {
        Self {
            wall_s: wall.as_secs_f64(),
            // A child that was waited for counts to its parent.
            cpu_s: cost::cpu_s("self"),
            peak_mb: cost::peak_mb("self").max(worker.peak_kib as f64 * 1024.0 / 1e6),
        }
    }
}

/// `report.json`.
#[derive(Serialize)]
pub(super) struct Written<'a> {
    version: u32,
    links: u64,
    persons: u64,
    #[serde(flatten)]
    cost: Cost,
    stages: &'a [StageCost],
    truth: Option<&'a Scores>,
    review: Option<&'a Review>,
    linkage: &'a Report,
}

impl Outcome {
    pub(super) fn of(told: Told, model: Vec<u8>, wall: Duration) -> Result<Self, Problem> {
        let unread = |_| Problem::could_not("the worker's report cannot be read");
        Ok(Self {
            linkage: serde_json::from_str(&told.linkage).map_err(unread)?,
            model: serde_json::from_slice(&model).map_err(unread)?,
            stages: told.stages,
            scores: told.scores,
            agreement: told.agreement,
            cost: Cost::of(wall, &told.usage),
        })
    }

    pub(super) fn links(&self) -> u64 {
        self.linkage.joins_by_step.values().sum()
    }

    pub(super) fn report(&self) -> Written<'_> {
        Written {
            version: VERSION,
            links: self.links(),
            persons: self.linkage.clusters.persons,
            cost: self.cost,
            stages: &self.stages,
            truth: self.scores.as_deref(),
            review: self.agreement.as_ref(),
            linkage: &self.linkage,
        }
    }

    /// A few lines for the person who waits.
    pub(super) fn words(&self, out: &Path) -> String {
        let mut text = String::new();
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "{} links at {} or more, {} persons; {:.1} CPU s, {:.0} MB",
            self.links(),
            self.linkage.threshold_probability,
            self.linkage.clusters.persons,
            self.cost.cpu_s,
            self.cost.peak_mb
        );
        for file in &self.linkage.files {
            let _ = writeln!(
                text,
                "{}: {} of {} records linked",
                file.name, file.linked, file.records
            );
        }
        if let Some(scores) = &self.scores {
            let _ = writeln!(
                text,
                "against the truth: precision {:.4}, recall {:.4}; best F1 {:.4}; recall {:.4} at precision .999",
                scores.chosen.precision,
                scores.chosen.recall,
                scores.best_f1,
                scores.recall_at_precision_999
            );
        }
        if let Some(review) = &self.agreement {
            let kappa = review
                .kappa
                .map_or_else(String::new, |k| format!(", kappa {k:.2}"));
            let _ = writeln!(
                text,
                "review: {} of {} judged pairs settled; {} of {} judged alike{kappa}",
                review.settled, review.judged, review.alike, review.both
            );
        }
        let _ = writeln!(text, "{}", out.join(super::PAGE).display());
        text
    }
}
