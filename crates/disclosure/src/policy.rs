//! The rules a site chose, as strict TOML.

mod explain;
mod forced;
mod limits;

pub(crate) use forced::Forced;
pub use limits::Limits;
use serde::{Deserialize, Serialize};

use crate::evidence::TOP_MAX;

/// The sections of the format, in the order in which they are explained.
const SECTIONS: [&str; 9] = [
    "threshold",
    "dominance",
    "p_percent",
    "degrees_of_freedom",
    "end_point",
    "class_disclosure",
    "rounding",
    "differencing",
    "forced",
];

/// The largest minimum that is taken for meant.
const MINIMUM_MAX: u64 = 1_000_000;

/// What a cell with nobody behind it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ZeroRule {
    /// That nobody has the property is a fact about everybody in the group.
    Unsafe,
    /// Empty cells are known to be structural.
    Safe,
}

/// The (n,k) rule: the `n` largest contributions may make up at most the share `k` of a total.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Dominance {
    /// Contributions taken together, 1 to [`TOP_MAX`].
    pub n: usize,
    /// Share of the total, above 0 and at most 1.
    pub k: f64,
}

/// A loaded policy: the name, the rules, and the hash of the file they came from.
#[derive(Debug, Clone, PartialEq)]
pub struct Policy {
    name: String,
    version: Option<String>,
    threshold: Option<Threshold>,
    dominance: Option<Dominance>,
    p_percent: Option<f64>,
    degrees: Option<u64>,
    end_point: Option<u64>,
    class_share: Option<f64>,
    rounding: Option<u64>,
    differencing: Option<u64>,
    forced: Vec<Forced>,
    limits: Limits,
    sha256: String,
    file_minimum: u64,
}

/// Why a policy was refused.
#[derive(Debug, thiserror::Error, PartialEq)]
pub enum PolicyError {
    /// Not TOML, or a key of the wrong type.
    #[error("the policy is not valid: {reason}")]
    Invalid {
        /// The parser's own sentence.
        reason: String,
    },
    /// A key or section that the format does not have.
    #[error("the policy format has no key named {key}")]
    UnknownKey {
        /// The key.
        key: String,
    },
    /// A threshold of nothing, or of a nation.
    #[error("{key} must be between {least} and {most}, not {value}")]
    OutOfRange {
        /// The key.
        key: &'static str,
        /// The least that is taken.
        least: u64,
        /// The most that is taken.
        most: u64,
        /// What the file says.
        value: u64,
    },
    /// A share that is none.
    #[error(
        "{key} is a share above 0 and at most 1, or a percentage above 1 and at most 100, not {value}"
    )]
    NoShare {
        /// The key.
        key: &'static str,
        /// What the file says.
        value: f64,
    },
    /// A forced cell that could be any.
    #[error("a [[forced]] names neither a column nor a key nor totals, which would be every cell")]
    ForcedNothing,
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
    version: Option<String>,
    threshold: Option<Threshold>,
    dominance: Option<FileDominance>,
    p_percent: Option<FilePercent>,
    degrees_of_freedom: Option<Minimum>,
    end_point: Option<Minimum>,
    class_disclosure: Option<FileShare>,
    rounding: Option<FileRounding>,
    differencing: Option<Minimum>,
    #[serde(default)]
    forced: Vec<Forced>,
    limits: Option<Limits>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Threshold {
    minimum: u64,
    // Left out means the stricter reading.
    #[serde(default = "unsafe_zero")]
    zero: ZeroRule,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileDominance {
    n: u64,
    k: f64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FilePercent {
    p: f64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileShare {
    share: f64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileRounding {
    base: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Minimum {
    minimum: u64,
}

fn unsafe_zero() -> ZeroRule {
    ZeroRule::Unsafe
}

/// A whole number of at least `least`.
fn within(key: &'static str, value: u64, least: u64, most: u64) -> Result<u64, PolicyError> {
    if (least..=most).contains(&value) {
        return Ok(value);
    }
    Err(PolicyError::OutOfRange {
        key,
        least,
        most,
        value,
    })
}

fn minimum(key: &'static str, section: Option<&Minimum>) -> Result<Option<u64>, PolicyError> {
    section
        .map(|found| within(key, found.minimum, 1, MINIMUM_MAX))
        .transpose()
}

/// A share, which may be written as a percentage: 0.9 and 90 are the same.
fn share(key: &'static str, value: f64) -> Result<f64, PolicyError> {
    let share = if value > 1.0 { value / 100.0 } else { value };
    if share > 0.0 && share <= 1.0 {
        return Ok(share);
    }
    Err(PolicyError::NoShare { key, value })
}

impl Policy {
    /// Reads a policy file's text.
    ///
    /// # Errors
    /// Unknown keys and sections and values out of range: a policy is taken whole or refused.
    pub fn parse(text: &str) -> Result<Self, PolicyError> {
        let invalid = |e: toml::de::Error| PolicyError::Invalid {
            reason: e.message().replace('\n', " "),
        };
        let table: toml::Table = toml::from_str(text).map_err(invalid)?;
        let known =
            |key: &str| matches!(key, "name" | "version" | "limits") || SECTIONS.contains(&key);
        if let Some(key) = table.keys().find(|key| !known(key)) {
            return Err(PolicyError::UnknownKey { key: key.clone() });
        }
        let file: File = toml::from_str(text).map_err(invalid)?;
        let sha256 = hex::encode(ring::digest::digest(&ring::digest::SHA256, text.as_bytes()));
        Self::of(file, sha256)
    }

    fn of(file: File, sha256: String) -> Result<Self, PolicyError> {
        if let Some(threshold) = &file.threshold {
            within("threshold.minimum", threshold.minimum, 1, MINIMUM_MAX)?;
        }
        let top = u64::try_from(TOP_MAX).unwrap_or(u64::MAX);
        let dominance = |found: &FileDominance| {
            let n = within("dominance.n", found.n, 1, top)?;
            Ok(Dominance {
                n: usize::try_from(n).unwrap_or(TOP_MAX),
                k: share("dominance.k", found.k)?,
            })
        };
        Ok(Self {
            name: file.name,
            version: file.version,
            dominance: file.dominance.as_ref().map(dominance).transpose()?,
            p_percent: file
                .p_percent
                .map(|found| share("p_percent.p", found.p))
                .transpose()?,
            degrees: minimum(
                "degrees_of_freedom.minimum",
                file.degrees_of_freedom.as_ref(),
            )?,
            end_point: minimum("end_point.minimum", file.end_point.as_ref())?,
            class_share: file
                .class_disclosure
                .map(|found| share("class_disclosure.share", found.share))
                .transpose()?,
            rounding: file
                .rounding
                .map(|found| within("rounding.base", found.base, 2, MINIMUM_MAX))
                .transpose()?,
            forced: Forced::checked(file.forced)?,
            differencing: minimum("differencing.minimum", file.differencing.as_ref())?,
            limits: file.limits.unwrap_or(Limits::SHIPPED).checked()?,
            file_minimum: file.threshold.map_or(1, |threshold| threshold.minimum),
            threshold: file.threshold,
            sha256,
        })
    }

    /// The same policy with a higher threshold: a project's condition may raise it
    /// and never lower it.
    ///
    /// # Errors
    /// [`PolicyError::WouldRelax`] below the threshold in force.
    pub fn tighten(self, minimum: u64) -> Result<Self, PolicyError> {
        if minimum < self.minimum() {
            return Err(PolicyError::WouldRelax {
                current: self.minimum(),
                asked: minimum,
            });
        }
        within("threshold.minimum", minimum, 1, MINIMUM_MAX)?;
        let zero = self.threshold.map_or(ZeroRule::Unsafe, |old| old.zero);
        Ok(Self {
            threshold: Some(Threshold { minimum, zero }),
            ..self
        })
    }

    /// The name in the file.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The version in the file, if it names one.
    pub fn version(&self) -> Option<&str> {
        self.version.as_deref()
    }

    /// Whether the threshold rule is on.
    pub fn has_threshold(&self) -> bool {
        self.threshold.is_some()
    }

    /// The fewest people that may stand behind a cell; 1 where the rule is off.
    pub fn minimum(&self) -> u64 {
        self.threshold.map_or(1, |threshold| threshold.minimum)
    }

    /// What an empty cell is; safe where the threshold rule is off.
    pub fn zero(&self) -> ZeroRule {
        self.threshold
            .map_or(ZeroRule::Safe, |threshold| threshold.zero)
    }

    /// The (n,k) rule, if it is on.
    pub fn dominance(&self) -> Option<Dominance> {
        self.dominance
    }

    /// The share p of the p% rule, if it is on: 0.1 for 10 %.
    pub fn p_percent(&self) -> Option<f64> {
        self.p_percent
    }

    /// The fewest degrees of freedom of a measure of spread, if the rule is on.
    pub fn degrees_of_freedom(&self) -> Option<u64> {
        self.degrees
    }

    /// The fewest people who must share an extreme, and be on each side of a quantile, if the rule is on.
    pub fn end_point(&self) -> Option<u64> {
        self.end_point
    }

    /// The share of a row or column above which a cell gives its group away, if the rule is on.
    pub fn class_share(&self) -> Option<f64> {
        self.class_share
    }

    /// What counts are rounded to, if they are.
    pub fn rounding(&self) -> Option<u64> {
        self.rounding
    }

    /// The fewest people by whom an output may differ from an earlier one, if the rule is on.
    pub fn differencing(&self) -> Option<u64> {
        self.differencing
    }

    /// The cells that must not be hidden for the sake of others.
    pub(crate) fn forced(&self) -> &[Forced] {
        &self.forced
    }

    /// How large a problem of hidden cells may be.
    pub fn limits(&self) -> Limits {
        self.limits
    }

    /// Lower-case hexadecimal SHA-256 of the file's bytes.
    pub fn sha256(&self) -> &str {
        &self.sha256
    }

    /// The threshold, where a condition raised it above the file's.
    pub fn raised(&self) -> Option<u64> {
        (self.minimum() != self.file_minimum).then_some(self.minimum())
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
        assert!(said.contains("[dominance] on"), "{said}");
    }

    #[test]
    fn a_section_left_out_is_off_and_said_to_be() {
        let none = Policy::parse("name = \"x\"").unwrap();
        let said = none.explain();
        for section in SECTIONS {
            assert!(said.contains(&format!("[{section}] off")), "{said}");
        }
        assert_eq!((none.minimum(), none.zero()), (1, ZeroRule::Safe));
        assert!(!none.has_threshold());
    }

    #[test]
    fn limits_left_out_are_the_shipped_ones_and_none_is_nothing_or_boundless() {
        let shipped = Policy::parse(DEFAULT).unwrap().limits();
        assert_eq!(Policy::parse("name = \"x\"").unwrap().limits(), shipped);
        let section = DEFAULT.split_once("[limits]").unwrap().1;
        let keys = section.lines().filter_map(|line| line.split_once(" = "));
        for (key, value) in keys.filter(|(key, _)| !key.starts_with('#')) {
            for wrong in ["0", "99999999999"] {
                let set = |value: &str| format!("{key} = {value}");
                let text = section.replace(&set(value), &set(wrong));
                refused(&format!("name = \"x\"\n[limits]{text}"), key);
            }
        }
    }

    #[test]
    fn a_share_may_be_written_as_a_percentage() {
        let read = |k: &str| {
            let text = format!("name = \"x\"\n[dominance]\nn = 2\nk = {k}\n[p_percent]\np = 10");
            let policy = Policy::parse(&text).unwrap();
            (policy.dominance(), policy.p_percent())
        };
        assert_eq!(read("90"), read("0.9"));
        assert_eq!(read("90").0, Some(Dominance { n: 2, k: 0.9 }));
        assert_eq!(read("90").1, Some(0.1));
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
        refused("name = \"x\"\n[dominance]\nn = 2\nk = 0", "share");
        refused(
            "name = \"x\"\n[dominance]\nn = 11\nk = 0.9",
            "between 1 and 10",
        );
        refused("name = \"x\"\n[dominance]\nn = 2", "missing field");
        refused("name = \"x\"\n[p_percent]\np = 101", "share");
        refused("name = \"x\"\n[rounding]\nbase = 1", "between 2");
        refused("name = \"x\"\n[end_point]\nminimum = 0", "between 1");
        refused("name = \"x\"\n[limits]\npattern_cells = 5", "missing field");
        refused("[threshold]\nminimum = 5", "name");
        refused("name =", "not valid");
    }

    #[test]
    fn forced_cells_are_read_strictly_and_explained() {
        let with = |more: &str| Policy::parse(&format!("name = \"x\"\n{more}"));
        let policy =
            with("[[forced]]\ncolumn = \"n\"\nkey = { sex = \"F\", ward = 3 }\ntotals = [\"age\"]")
                .unwrap();
        let said = policy.explain();
        let words = "[forced] on: cells of n and with sex F and with ward 3 and over all age";
        assert!(said.contains(words), "{said}");
        for (text, words) in [
            ("[[forced]]\n", "every cell"),
            ("[[forced]]\nkeys = { sex = \"F\" }", "not valid"),
            ("[[forced]]\nkey = { sex = 1.5 }", "not valid"),
            ("[forced]\ncolumn = \"n\"", "not valid"),
        ] {
            let why = with(text).unwrap_err().to_string();
            assert!(why.contains(words), "{why}");
        }
        let many = "[[forced]]\ncolumn = \"n\"\n".repeat(1001);
        assert!(
            with(&many)
                .unwrap_err()
                .to_string()
                .contains("between 0 and 1000")
        );
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
