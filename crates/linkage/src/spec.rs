//! What is asked of a linkage: the files, what their columns hold, and what is overridden.

use serde::{Deserialize, Serialize};

use crate::column::Role;
use crate::encode::{ENCODED_KEYS, EncodeSpec};
use crate::error::LinkError;
use crate::settings::Settings;
use crate::splink::SplinkSpec;

/// Which pairs are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkType {
    /// Pairs of records of different files. Two files or more.
    Link,
    /// Pairs of records of one file.
    Dedupe,
}

/// How many records a file holds of one person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Holds {
    /// Read off the data: how often two of its records are linked to one record of the other file.
    Estimated,
    /// At most one: a register. No person is ever given two of its records.
    One,
    /// Any number.
    Many,
}

/// A column of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ColumnSpec {
    /// What it holds. Several columns may have one role: then each is a further value of the same person
    /// (a former surname, an earlier postcode).
    pub role: Role,
    /// Its name, which joins columns of the role [`Role::Field`] across files and stands in reports.
    pub name: String,
}

/// A file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileSpec {
    /// Its name, unique in the linkage.
    pub name: String,
    /// The columns, in the order in which [`crate::Intake::push`] gets their values.
    pub columns: Vec<ColumnSpec>,
    /// How many records of one person it holds.
    pub holds: Holds,
}

/// A blocking rule: pairs that are equal in every part become candidates.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct BlockingRule {
    /// The parts, each a [`crate::KEY_PARTS`] name such as `surname`, `birth_year` or `postcode_sector`, or
    /// `field:NAME` for a column of the role `field`.
    pub parts: Vec<String>,
}

/// A comparison whose parameters are given instead of learned: what is given stays as it is. Given twice, the later
/// parameters hold.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ComparisonOverride {
    /// The comparison, by the name it has in the model.
    pub comparison: String,
    /// False: leave it out of the evidence. Its column still finds candidates.
    #[serde(default = "yes")]
    pub used: bool,
    /// m by level, weakest first; empty: learned.
    #[serde(default)]
    pub m: Vec<f64>,
    /// u by level, weakest first; empty: learned.
    #[serde(default)]
    pub u: Vec<f64>,
}

/// A table of values and how often each occurs in a population.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Frequency {
    /// `forename` or `surname`; of a Splink model, a column that has a term-frequency adjustment.
    pub of: String,
}

const fn yes() -> bool {
    true
}

/// A whole linkage.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Spec {
    /// Link files, or find the duplicates of one.
    pub link_type: LinkType,
    /// The files. Rows are named by their place here and their place in the file, both from 0.
    pub files: Vec<FileSpec>,
    /// Thresholds, budgets and limits.
    pub settings: Settings,
    /// Rules to find candidates by, in place of the engine's own. Empty: the engine's own.
    pub blocking: Vec<BlockingRule>,
    /// Comparisons overridden. Empty: none.
    pub comparisons: Vec<ComparisonOverride>,
    /// Frequencies of values that come from outside the files. Empty: counted in the files.
    #[serde(default)]
    pub frequencies: Vec<Frequency>,
    /// True: the values are encodings ([`crate::Encoder`]) in hexadecimal digits, see [`Spec::over_encodings`].
    #[serde(default)]
    pub encoded: bool,
    /// The one file is to be encoded, not linked.
    #[serde(default)]
    pub encode: Option<EncodeSpec>,
    /// A model that was trained with Splink, in place of the engine's own.
    #[serde(default)]
    pub splink: Option<SplinkSpec>,
    /// What is done with a kept spine. Nothing: the files are linked, and nothing is kept.
    #[serde(default)]
    pub spine: Option<SpineSpec>,
}

/// What is done with a kept spine, and the time of it in milliseconds of Unix time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum SpineSpec {
    /// The files are linked and kept.
    Keep {
        /// Now.
        time_ms: i64,
    },
    /// The files are new records of a kept spine, whose model and rules hold.
    Deliver {
        /// Now.
        time_ms: i64,
    },
    /// There are no files: the spine is asked who was who.
    AsOf {
        /// When.
        time_ms: i64,
    },
}

impl Spec {
    /// A specification with the engine's own rules, comparisons and settings.
    #[must_use]
    pub fn new(link_type: LinkType, files: Vec<FileSpec>) -> Self {
        Self {
            link_type,
            files,
            settings: Settings::standard(),
            blocking: Vec::new(),
            comparisons: Vec::new(),
            frequencies: Vec::new(),
            encoded: false,
            encode: None,
            splink: None,
            spine: None,
        }
    }

    /// The same over encodings: the columns are filters, compared by Dice's coefficient (forename and surname in their
    /// own roles, date of birth and number as fields, the postcode as a region, which is a part of a home), and keys
    /// that candidates are found by and that are no evidence.
    #[must_use]
    pub fn over_encodings(mut self) -> Self {
        self.encoded = true;
        let there = |name: &&str| {
            let mut columns = self.files.iter().flat_map(|file| &file.columns);
            columns.any(|column| column.name == **name)
        };
        let keys: Vec<String> = ENCODED_KEYS
            .into_iter()
            .filter(there)
            .map(|key| format!("field:{key}"))
            .collect();
        self.blocking = keys
            .iter()
            .map(|key| BlockingRule {
                parts: vec![key.clone()],
            })
            .collect();
        self.comparisons = keys
            .into_iter()
            .map(|comparison| ComparisonOverride {
                comparison,
                used: false,
                m: Vec::new(),
                u: Vec::new(),
            })
            .collect();
        self
    }

    /// Refuses what contradicts itself.
    pub(crate) fn check(&self) -> Result<(), LinkError> {
        self.settings.check()?;
        match (self.link_type, self.files.len()) {
            (LinkType::Link, 0 | 1) => return Err(LinkError::FilesForLink),
            (LinkType::Dedupe, 0 | 2..) => return Err(LinkError::FilesForDedupe),
            (LinkType::Link, 2..) | (LinkType::Dedupe, 1) => {}
        }
        if self.files.len() > FILES_MAX {
            return Err(LinkError::TooManyFiles { limit: FILES_MAX });
        }
        for (place, file) in self.files.iter().enumerate() {
            if self.files.iter().take(place).any(|f| f.name == file.name) {
                return Err(LinkError::RepeatedFile);
            }
            if file.columns.is_empty() {
                return Err(LinkError::NoColumns { file: place });
            }
            if file.columns.len() > COLUMNS_MAX {
                return Err(LinkError::TooManyColumns {
                    file: place,
                    limit: COLUMNS_MAX,
                });
            }
        }
        Ok(())
    }
}

/// Files in one linkage.
pub(crate) const FILES_MAX: usize = 16;
/// Columns of one file.
pub(crate) const COLUMNS_MAX: usize = 64;
