//! What a linkage is told to do. Each number is a policy; its meaning and unit stand beside it.

use serde::{Deserialize, Serialize};

use crate::block::ROWS_MAX;
use crate::error::LinkError;

/// How many records a person may have in the file that is linked to the spine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LeftFile {
    /// Any number: several records may link to one spine record.
    ManyPerPerson,
    /// At most one: records compete for a spine record and the better one takes it.
    OnePerPerson,
}

/// Settings of a linkage. What is left out of a file takes its value from [`Settings::standard`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default = "Settings::standard", deny_unknown_fields)]
pub struct Settings {
    /// Seed of the sampled pairs.
    pub seed: u64,
    /// A link needs at least this probability among the alternatives. Above 0.5, at most 1.
    pub threshold_probability: f64,
    /// Joins of at least this probability are kept for whoever wants another threshold. At least 0.001.
    pub keep_probability: f64,
    /// How many records a person may have in the linked file.
    pub left_file: LeftFile,
    /// Candidate pairs allowed over all blocking rules, repeats counted; a rule that would pass it is
    /// skipped, and says so.
    pub pairs_max: u64,
    /// Random spine pairs that the u probabilities are read from.
    pub u_pairs: u64,
    /// Candidate pairs that the parameters are learned from, repeats counted; above it, records of one file are
    /// sampled, and their rivals heard.
    pub training_pairs_max: u64,
    /// Rounds of the EM algorithm allowed in a training block.
    pub em_rounds_max: u32,
    /// EM stops when no probability moves by more than this in a round.
    pub em_convergence: f64,
    /// Weight of the prior m and u, in pairs: what a level that was never seen falls back on.
    pub prior_pairs: f64,
    /// Shrinkage of a value's frequency to its column's mean, in records.
    pub term_frequency_shrinkage: f64,
    /// Most that the frequency of one value may add or take away, in bits.
    pub term_frequency_cap_bits: f64,
    /// Records allowed in either file.
    pub records_max: usize,
    /// Bytes allowed in one value.
    pub value_bytes_max: usize,
    /// Deliveries that a kept spine takes before it is to be made anew.
    pub deliveries_max: u32,
    /// Encodings are not given away if an attack by frequency finds a larger share of the records of any field.
    pub encoding_found_max: f64,
}

impl Settings {
    /// The values used where nobody says otherwise.
    #[must_use]
    pub const fn standard() -> Self {
        Self {
            seed: 1,
            threshold_probability: 0.95,
            keep_probability: 0.5,
            left_file: LeftFile::ManyPerPerson,
            pairs_max: 100_000_000,
            u_pairs: 200_000,
            training_pairs_max: 1_000_000,
            em_rounds_max: 25,
            em_convergence: 1e-3,
            prior_pairs: 10.0,
            term_frequency_shrinkage: 5.0,
            term_frequency_cap_bits: 5.0,
            records_max: 20_000_000,
            value_bytes_max: 1_000,
            deliveries_max: 10_000,
            encoding_found_max: 0.01,
        }
    }

    /// Refuses values that have no meaning.
    pub(crate) fn check(&self) -> Result<(), LinkError> {
        let refuse = |name, range| Err(LinkError::Setting { name, range });
        // Written so that a value that is not a number fails too.
        if !(self.threshold_probability > 0.5 && self.threshold_probability <= 1.0) {
            return refuse("threshold_probability", "above 0.5 and at most 1");
        }
        if !(self.keep_probability >= 0.001 && self.keep_probability <= self.threshold_probability)
        {
            return refuse("keep_probability", "0.001 to threshold_probability");
        }
        if self.pairs_max == 0 {
            return refuse("pairs_max", "above 0");
        }
        if !(1_000..=100_000_000).contains(&self.u_pairs) {
            return refuse("u_pairs", "1000 to 100000000");
        }
        if !(1_000..=100_000_000).contains(&self.training_pairs_max) {
            return refuse("training_pairs_max", "1000 to 100000000");
        }
        if !(1..=10_000).contains(&self.em_rounds_max) {
            return refuse("em_rounds_max", "1 to 10000");
        }
        if !(self.em_convergence > 0.0 && self.em_convergence < 0.1) {
            return refuse("em_convergence", "above 0 and under 0.1");
        }
        if !(self.prior_pairs > 0.0 && self.prior_pairs <= 1_000_000.0) {
            return refuse("prior_pairs", "above 0 and at most 1000000");
        }
        if !(0.0..=1_000_000.0).contains(&self.term_frequency_shrinkage) {
            return refuse("term_frequency_shrinkage", "0 to 1000000");
        }
        if !(0.0..=40.0).contains(&self.term_frequency_cap_bits) {
            return refuse("term_frequency_cap_bits", "0 to 40");
        }
        // A row and the rule that found it share a word; names of both files share a dictionary of 32 bits.
        if self.records_max == 0 || self.records_max > ROWS_MAX {
            return refuse("records_max", "1 to 134217728");
        }
        if self.value_bytes_max == 0 || self.value_bytes_max > 1 << 20 {
            return refuse("value_bytes_max", "1 to 1048576");
        }
        if self.deliveries_max == 0 {
            return refuse("deliveries_max", "above 0");
        }
        if !(0.0..=1.0).contains(&self.encoding_found_max) {
            return refuse("encoding_found_max", "0 to 1");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_may_say_only_what_it_changes() {
        let settings: Settings = serde_json::from_str(r#"{"seed": 9}"#).unwrap();
        assert_eq!(settings.seed, 9);
        assert_eq!(settings.pairs_max, Settings::standard().pairs_max);
        assert!(serde_json::from_str::<Settings>(r#"{"sead": 9}"#).is_err());
    }

    #[test]
    fn meaningless_values_are_refused() {
        assert_eq!(Settings::standard().check(), Ok(()));
        for threshold in [0.5, 1.01, f64::NAN, -1.0] {
            let settings = Settings {
                threshold_probability: threshold,
                ..Settings::standard()
            };
            assert!(settings.check().is_err());
        }
        let settings = Settings {
            records_max: usize::MAX,
            ..Settings::standard()
        };
        assert!(settings.check().is_err());
    }
}
