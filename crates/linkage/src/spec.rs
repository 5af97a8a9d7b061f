//! What is asked of a linkage: the files, what their columns hold, and what is overridden.

use serde::{Deserialize, Serialize};

use crate::column::Role;
use crate::error::LinkError;
use crate::settings::Settings;

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
        }
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
