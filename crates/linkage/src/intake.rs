//! Taking in files record by record, and linking them.

use std::num::NonZeroUsize;

use crate::coded::{Coded, EXTRAS_MAX};
use crate::engine;
use crate::error::LinkError;
use crate::levels;
use crate::observer::{Observer, Stage};
use crate::outcome::Linkage;
use crate::overrides;
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
    coded: Coded,
}

impl Intake {
    /// Ready to take in the files of a specification.
    ///
    /// # Errors
    /// A specification that contradicts itself, or settings without meaning.
    pub fn new(spec: Spec) -> Result<Self, LinkError> {
        spec.check()?;
        let mut coded = Coded::new(&spec);
        if coded.extras.len() > EXTRAS_MAX {
            return Err(LinkError::TooManyExtras { limit: EXTRAS_MAX });
        }
        let given = overrides::given(&spec, &levels::comparisons(&coded.extras))?;
        coded.compared = overrides::compared(&given);
        Ok(Self { spec, coded })
    }

    /// Takes in the next record of a file: one value for each of its columns, in their order. Files may be
    /// taken in one after the other or in turns; for the same result, in the same order.
    ///
    /// # Errors
    /// No such file, a wrong number of values, a value or a file past its limit.
    pub fn push(&mut self, file: usize, values: &[Option<&str>]) -> Result<(), LinkError> {
        let (Some(spec), Some(rows)) = (self.spec.files.get(file), self.coded.files.get(file))
        else {
            return Err(LinkError::NoSuchFile { file });
        };
        if values.len() != spec.columns.len() {
            return Err(LinkError::ValueCount {
                file,
                found: values.len(),
                expected: spec.columns.len(),
            });
        }
        let limit = self.spec.settings.records_max;
        if rows.rows.len() >= limit {
            return Err(LinkError::LongFile { file, limit });
        }
        let limit = self.spec.settings.value_bytes_max;
        let long = |value: &Option<&str>| value.is_some_and(|value| value.len() > limit);
        if let Some(column) = values.iter().position(long) {
            return Err(LinkError::LongValue {
                file,
                column,
                limit,
            });
        }
        self.coded.push(file, values);
        Ok(())
    }

    /// Links what was taken in.
    ///
    /// # Errors
    /// No way to find candidates, a budget that no rule keeps, too little memory, or cancelled.
    pub fn link(
        mut self,
        resources: Resources,
        observer: &mut dyn Observer,
    ) -> Result<Linkage, LinkError> {
        observer.stage(Stage::Prepare);
        self.coded.finish();
        engine::link(&self.spec, &self.coded, resources, observer)
    }
}
