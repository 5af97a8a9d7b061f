//! The rules a site chose, as strict TOML.

use serde::Deserialize;

/// Sections of the format that exist on paper and that this build does not enforce.
const NOT_ENFORCED: [&str; 7] = [
    "dominance",
    "p_percent",
    "degrees_of_freedom",
    "end_point",
    "class_disclosure",
    "rounding",
    "differencing",
];

/// The largest minimum that is taken for meant.
const MINIMUM_MAX: u64 = 1_000_000;

/// What a cell with nobody behind it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ZeroRule {
    /// That nobody has the property is a fact about everybody in the group.
    Unsafe,
    /// Empty cells are known to be structural.
    Safe,
}

/// A loaded policy: the name, the rules, and the hash of the file they came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    name: String,
    minimum: u64,
    zero: ZeroRule,
    sha256: String,
    file_minimum: u64,
}

/// Why a policy was refused.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum PolicyError {
    /// Not TOML, or a key of the wrong type.
    #[error("the policy is not valid: {reason}")]
    Invalid {
        /// The parser's own sentence.
        reason: String,
    },
    /// A section of the announced format without code behind it.
    #[error("this build does not enforce [{section}]; remove the section or use a build that does")]
    NotEnforced {
        /// The section's name.
        section: &'static str,
    },
    /// A key or section that the format does not have.
    #[error("the policy format has no key named {key}")]
    UnknownKey {
        /// The key.
        key: String,
    },
    /// A threshold of nothing, or of a nation.
    #[error("threshold.minimum must be between 1 and 1000000, not {minimum}")]
    MinimumOutOfRange {
        /// What the file says.
        minimum: u64,
    },
    /// A project condition that would relax the policy.
    #[error("a condition may raise the threshold of {current} and never lower it to {asked}")]
    WouldRelax {
        /// In force.
        current: u64,
        /// Asked for.
        asked: u64,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    name: String,
    threshold: Threshold,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Threshold {
    minimum: u64,
    // Left out means the stricter reading.
    #[serde(default = "unsafe_zero")]
    zero: ZeroRule,
}

fn unsafe_zero() -> ZeroRule {
    ZeroRule::Unsafe
}

impl Policy {
    /// Reads a policy file's text.
    ///
    /// # Errors
    /// Unknown keys, sections this build does not enforce, a missing `[threshold]` and
    /// values out of range: a policy is taken whole or refused.
    pub fn parse(text: &str) -> Result<Self, PolicyError> {
        let invalid = |e: toml::de::Error| PolicyError::Invalid {
            reason: e.message().replace('\n', " "),
        };
        let table: toml::Table = toml::from_str(text).map_err(invalid)?;
        for section in NOT_ENFORCED {
            if table.contains_key(section) {
                return Err(PolicyError::NotEnforced { section });
            }
        }
        if let Some(key) = table
            .keys()
            .find(|key| !matches!(key.as_str(), "name" | "threshold"))
        {
            return Err(PolicyError::UnknownKey { key: key.clone() });
        }
        let file: File = toml::from_str(text).map_err(invalid)?;
        let minimum = file.threshold.minimum;
        if minimum == 0 || minimum > MINIMUM_MAX {
            return Err(PolicyError::MinimumOutOfRange { minimum });
        }
        Ok(Self {
            name: file.name,
            minimum,
            zero: file.threshold.zero,
            sha256: hex::encode(ring::digest::digest(&ring::digest::SHA256, text.as_bytes())),
            file_minimum: minimum,
        })
    }

    /// The same policy with a higher threshold: a project's condition may raise it
    /// and never lower it.
    ///
    /// # Errors
    /// [`PolicyError::WouldRelax`] below the threshold in force.
    pub fn tighten(self, minimum: u64) -> Result<Self, PolicyError> {
        if minimum < self.minimum {
            return Err(PolicyError::WouldRelax {
                current: self.minimum,
                asked: minimum,
            });
        }
        if minimum > MINIMUM_MAX {
            return Err(PolicyError::MinimumOutOfRange { minimum });
        }
        Ok(Self { minimum, ..self })
    }

    /// The name in the file.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The fewest people that may stand behind a cell.
    pub fn minimum(&self) -> u64 {
        self.minimum
    }

    /// What an empty cell is.
    pub fn zero(&self) -> ZeroRule {
        self.zero
    }

    /// Lower-case hexadecimal SHA-256 of the file's bytes.
    pub fn sha256(&self) -> &str {
        &self.sha256
    }

    /// The threshold, where a condition raised it above the file's.
    pub fn raised(&self) -> Option<u64> {
        (self.minimum != self.file_minimum).then_some(self.minimum)
    }

    /// What each section does and which are off, in words, one line each.
    pub fn explain(&self) -> String {
        let mut lines = vec![format!("policy {} (sha256 {})", self.name, self.sha256)];
        lines.push(match self.raised() {
            None => format!(
                "[threshold] on: a cell with 1 to {} people behind it is unsafe; {} people are enough.",
                self.minimum.saturating_sub(1),
                self.minimum
            ),
            Some(minimum) => format!(
                "[threshold] on: {minimum} people are needed behind a cell; a condition raised it from {}.",
                self.file_minimum
            ),
        });
        lines.push(match self.zero {
            ZeroRule::Unsafe => "[threshold] zero: a cell with nobody behind it is unsafe, also one that the table leaves out.".to_owned(),
            ZeroRule::Safe => "[threshold] zero: a cell with nobody behind it is safe.".to_owned(),
        });
        for section in NOT_ENFORCED {
            lines.push(format!("[{section}] off: {}.", without(section)));
        }
        lines.join("\n")
    }
}

/// What becomes of outputs that a rule would concern while this build does not enforce it.
fn without(section: &str) -> &'static str {
    match section {
        "dominance" | "p_percent" => "sums and means go to review instead",
        "end_point" => "minima, maxima and quantiles go to review instead",
        "degrees_of_freedom" => "measures of spread go to review instead",
        "class_disclosure" => {
            "a group that is given away by a full cell is not found; output checkers look for it"
        }
        "differencing" => {
            "tables are not compared with earlier releases; output checkers compare them by hand"
        }
        "rounding" => "numbers are not rounded",
        _ => "this build does not enforce it",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEFAULT: &str = include_str!("../../../policies/disclosure/default.toml");

    #[track_caller]
    fn refused(text: &str, words: &str) {
        let said = Policy::parse(text).unwrap_err().to_string();
        assert!(said.contains(words), "{said}");
    }

    #[test]
    fn the_default_asks_for_ten_people_and_fears_zeros() {
        let policy = Policy::parse(DEFAULT).unwrap();
        assert_eq!(policy.minimum(), 10);
        assert_eq!(policy.zero(), ZeroRule::Unsafe);
        assert_eq!(policy.sha256().len(), 64);
        let said = policy.explain();
        assert!(said.contains("1 to 9 people"), "{said}");
        assert!(said.contains("[dominance] off"), "{said}");
    }

    #[test]
    fn a_section_without_code_behind_it_is_refused() {
        for section in NOT_ENFORCED {
            let text = format!("name = \"x\"\n[threshold]\nminimum = 10\n[{section}]\nn = 2\n");
            refused(
                &text,
                &format!("this build does not enforce [{section}]; remove the section"),
            );
        }
    }

    #[test]
    fn unknown_keys_and_bad_values_are_refused() {
        refused("name = \"x\"\nnmae = 1\n[threshold]\nminimum = 10", "nmae");
        refused("name = \"x\"\n[threshold]\nminimum = 10\nmax = 2", "max");
        refused("name = \"x\"\n[threshold]\nminimum = 0", "between 1");
        refused("name = \"x\"\n[threshold]\nminimum = -1", "not valid");
        refused(
            "name = \"x\"\n[threshold]\nminimum = 5\nzero = \"maybe\"",
            "not valid",
        );
        refused("name = \"x\"", "threshold");
        refused("[threshold]\nminimum = 5", "name");
        refused("name =", "not valid");
    }

    #[test]
    fn a_condition_raises_and_never_lowers() {
        let policy = Policy::parse(DEFAULT).unwrap();
        let raised = policy.clone().tighten(20).unwrap();
        assert_eq!((raised.minimum(), raised.raised()), (20, Some(20)));
        assert_eq!(policy.clone().tighten(10).unwrap().raised(), None);
        let said = policy.tighten(5).unwrap_err().to_string();
        assert_eq!(
            said,
            "a condition may raise the threshold of 10 and never lower it to 5"
        );
    }
}
