//! What a linkage of files answers beside the files that it makes: counts, costs and scores.

use serde::{Deserialize, Serialize};

/// What one part of the work took, inside the worker.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StageCost {
    /// Its name.
    pub stage: String,
    /// Seconds on the wall.
    pub wall_s: f64,
    /// CPU seconds of all threads.
    pub cpu_s: f64,
}

/// What reviewers said of pairs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Review {
    /// Reviewers whose decisions were given.
    pub reviewers: u64,
    /// Pairs that anybody judged.
    pub judged: u64,
    /// Pairs that are joined or kept apart as reviewers said: by two alike, or by the one there is.
    pub settled: u64,
    /// Judged pairs that are left to the model.
    pub unsettled: u64,
    /// Pairs that the first two judged.
    pub both: u64,
    /// Of these, judged alike.
    pub alike: u64,
    /// Cohen's kappa of the first two; nothing where chance alone would agree on all.
    pub kappa: Option<f64>,
}

/// What the clerical review of an indexing came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reviewed {
    /// Pairs.
    pub pairs: u32,
    /// Pairs of which the first two both said yes or no.
    pub both: u32,
    /// Of these, judged alike.
    pub alike: u32,
    /// Cohen's kappa of the first two over these, in thousandths; none where chance alone would agree on all.
    pub kappa_milli: Option<i32>,
    /// Pairs that were left to the model.
    pub undecided: u32,
    /// Links that there are only because of the review.
    pub joined: u64,
    /// Links that there are not any more because of the review.
    pub parted: u64,
}

/// How the joins compare with a truth that was given.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scores {
    /// Pairs of records that are one person by the truth: of different files, or of the one file.
    pub true_pairs: u64,
    /// Records that the truth does not name; each is taken as a person of its own.
    pub records_without_truth: u64,
    /// At the threshold of the linkage.
    pub chosen: Score,
    /// At other probabilities, lowest first.
    pub at: Vec<Score>,
    /// The highest F1 that any threshold gives.
    pub best_f1: f64,
    /// The probability at which it is reached.
    pub best_f1_threshold: f64,
    /// The highest recall at which precision is at least .999.
    pub recall_at_precision_999: f64,
    /// Pairs within persons, as the clusters have them.
    pub clusters: Score,
    /// What the probabilities say and what is so, lowest first.
    pub calibration: Vec<CalibrationBin>,
    /// Mean of their differences, each bin by its pairs.
    pub expected_calibration_error: f64,
}

/// Joins at or above a threshold against the truth.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Score {
    /// The probability.
    pub threshold: f64,
    /// Pairs at or above it.
    pub pairs: u64,
    /// Of these, true ones.
    pub true_positives: u64,
    /// True positives over pairs; 1 without pairs.
    pub precision: f64,
    /// True positives over true pairs.
    pub recall: f64,
    /// Their harmonic mean.
    pub f1: f64,
}

impl Score {
    /// From counts.
    #[must_use]
    pub fn of(threshold: f64, pairs: u64, true_positives: u64, true_pairs: u64) -> Self {
        let share = |of: u64, all: u64, none: f64| {
            if all == 0 {
                none
            } else {
                of as f64 / all as f64
            }
        };
        let precision = share(true_positives, pairs, 1.0);
        let recall = share(true_positives, true_pairs, 0.0);
        let f1 = share(2 * true_positives, pairs + true_pairs, 0.0);
        Self {
            threshold,
            pairs,
            true_positives,
            precision,
            recall,
            f1,
        }
    }
}

/// Joins of a range of probabilities.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CalibrationBin {
    /// Lower end, included.
    pub from: f64,
    /// Upper end, included in the last bin only.
    pub to: f64,
    /// Joins.
    pub pairs: u64,
    /// Their mean probability.
    pub said: f64,
    /// The share of them that is true.
    pub so: f64,
}
