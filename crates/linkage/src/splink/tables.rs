//! The files as coded columns, taken in record by record.

#![allow(
    clippy::indexing_slicing,
    reason = "files, columns and codes are those that the tables were made of"
)]

use super::expr::{Records, Side};
use super::{OutsideCounts, Splink, SplinkSpec};
use crate::error::LinkError;
use crate::outcome::ColumnReport;
use crate::spec::Spec;
use crate::text::Dictionary;

/// A linkage under a Splink model, while its files are taken in.
pub(crate) struct Run {
    pub(super) model: Splink,
    pub(super) files: Vec<File>,
    pub(super) texts: Dictionary,
    /// By column of the model, counts from outside.
    pub(super) outside: Vec<Option<OutsideCounts>>,
}

/// One file.
pub(super) struct File {
    /// By column of the model, the code of each row's value; 0 where it is missing.
    pub(super) columns: Vec<Vec<u32>>,
    pub(super) rows: usize,
    /// For each value pushed, the column of the model.
    places: Vec<usize>,
    pub(super) reports: Vec<ColumnReport>,
}

impl Run {
    /// Ready to take in the files of a specification.
    ///
    /// # Errors
    /// A model that cannot be used, that links something else, or whose columns the files do not have.
    pub(crate) fn new(spec: &Spec, told: &SplinkSpec) -> Result<Self, LinkError> {
        let refuse = |text: String| LinkError::Splink { text };
        let model = Splink::read(&told.settings)?;
        if model.link_type() != spec.link_type {
            return Err(refuse(
                "link_type differs from that of the specification".into(),
            ));
        }
        if !spec.blocking.is_empty() || !spec.comparisons.is_empty() {
            return Err(refuse(
                "blocking and comparisons come from the Splink model and are given a second time"
                    .into(),
            ));
        }
        if told.columns.len() != spec.files.len() {
            return Err(refuse("not every file has its columns named".into()));
        }
        let mut files = Vec::new();
        for (file, names) in spec.files.iter().zip(&told.columns) {
            let mut places = Vec::new();
            for column in model.columns() {
                if names.iter().filter(|name| *name == column).count() != 1 {
                    return Err(refuse(format!(
                        "the model reads the column {column}, which input {} does not have exactly once",
                        file.name
                    )));
                }
            }
            for name in names {
                let place = model.columns().iter().position(|column| column == name);
                places.push(place.ok_or_else(|| {
                    refuse(format!(
                        "input {} has the column {name}, which the model does not read",
                        file.name
                    ))
                })?);
            }
            if places.len() != file.columns.len() {
                return Err(refuse("not every column has its name in the model".into()));
            }
            let report = |column: &crate::spec::ColumnSpec| ColumnReport {
                name: column.name.clone(),
                role: column.role.as_str().to_owned(),
                usable: 0,
                missing: 0,
                stand_ins: 0,
                invalid: 0,
            };
            files.push(File {
                columns: vec![Vec::new(); model.columns().len()],
                rows: 0,
                places,
                reports: file.columns.iter().map(report).collect(),
            });
        }
        let outside = model.columns().iter().map(|_| None).collect();
        Ok(Self {
            model,
            files,
            texts: Dictionary::new(),
            outside,
        })
    }

    /// Records of a file so far.
    pub(crate) fn rows(&self, file: usize) -> usize {
        self.files[file].rows
    }

    /// Takes in one record. The file and the number of values were checked.
    pub(crate) fn push(&mut self, file: usize, values: &[Option<&str>]) {
        let file = &mut self.files[file];
        for ((value, place), report) in values.iter().zip(&file.places).zip(&mut file.reports) {
            let code = self.texts.code(value.unwrap_or_default().as_bytes()).0;
            file.columns[*place].push(code);
            if code == 0 {
                report.missing += 1;
            } else {
                report.usable += 1;
            }
        }
        file.rows += 1;
    }

    /// Adds to the outside count of a value. The counts become frequencies when they are used.
    ///
    /// # Errors
    /// A column without an adjustment.
    pub(crate) fn count(&mut self, column: &str, value: &str, count: u32) -> Result<(), LinkError> {
        let place = self
            .model
            .columns()
            .iter()
            .position(|known| known == column);
        let adjusted = |place: usize| {
            let levels = self.model.comparisons.iter().flat_map(|c| &c.levels);
            levels
                .filter_map(|level| level.frequency)
                .any(|f| f.column == place)
        };
        let place = place.filter(|place| adjusted(*place)).ok_or_else(|| LinkError::Splink {
            text: format!("no level has a term-frequency adjustment on {column}, whose frequencies are given"),
        })?;
        let counts = self.outside[place].get_or_insert_with(OutsideCounts::new);
        *counts.entry(value.as_bytes().to_vec()).or_insert(0.0) += f64::from(count);
        Ok(())
    }

    /// Bytes held.
    pub(super) fn held(&self) -> usize {
        let columns = self.files.iter().flat_map(|file| &file.columns);
        self.texts.held() + columns.map(|column| 4 * column.capacity()).sum::<usize>()
    }
}

/// Two records, by file and row.
pub(super) struct Two<'a> {
    pub(super) run: &'a Run,
    pub(super) left: (usize, usize),
    pub(super) right: (usize, usize),
}

impl Two<'_> {
    pub(super) fn code(&self, column: usize, side: Side) -> u32 {
        let (file, row) = match side {
            Side::Left => self.left,
            Side::Right => self.right,
        };
        self.run.files[file].columns[column][row]
    }
}

impl Records for Two<'_> {
    fn value(&self, column: usize, side: Side) -> Option<&[u8]> {
        let code = self.code(column, side);
        (code != 0).then(|| self.run.texts.get(code))
    }
}
