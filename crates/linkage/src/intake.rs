//! Taking in files record by record, and linking them.

use std::num::NonZeroUsize;

use crate::coded::{Coded, EXTRAS_MAX};
use crate::encode::{EncodeSalt, Encoder};
use crate::engine;
use crate::error::LinkError;
use crate::kept::{KeptSpine, Record};
use crate::levels;
use crate::observer::{Observer, Stage};
use crate::outcome::Linkage;
use crate::overrides;
use crate::settings::Settings;
use crate::spec::{FileSpec, LinkType, Spec};
use crate::splink;
use crate::told::Judged;

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
    /// In place of the engine's own model.
    splink: Option<splink::Run>,
}

impl Intake {
    /// Ready to take in the files of a specification.
    ///
    /// # Errors
    /// A specification that contradicts itself, or settings without meaning.
    pub fn new(spec: Spec) -> Result<Self, LinkError> {
        spec.check()?;
        let mut coded = Coded::new(&spec);
        if spec.splink.is_none() && coded.extras.len() > EXTRAS_MAX {
            return Err(LinkError::TooManyExtras { limit: EXTRAS_MAX });
        }
        let given = overrides::given(&spec, &levels::comparisons(&coded.extras))?;
        coded.compared = overrides::compared(&given);
        let splink = match &spec.splink {
            Some(told) => Some(splink::Run::new(&spec, told)?),
            None => None,
        };
        Ok(Self {
            spec,
            coded,
            splink,
        })
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
        let rows = match &self.splink {
            Some(splink) => splink.rows(file),
            None => rows.rows.len(),
        };
        fits((file, rows), spec, values, &self.spec.settings)?;
        match &mut self.splink {
            Some(splink) => splink.push(file, values),
            None => self.coded.push(file, values),
        }
        Ok(())
    }

    /// An empty intake of the same specification, for one file on a thread of its own: see [`Intake::take_over`]. None
    /// under a Splink model, whose files share what they are read into.
    #[must_use]
    pub fn part(&self) -> Option<Self> {
        if self.splink.is_some() {
            return None;
        }
        let mut coded = Coded::new(&self.spec);
        coded.compared = self.coded.compared;
        Some(Self {
            spec: self.spec.clone(),
            coded,
            splink: None,
        })
    }

    /// Takes over a file that a part took in alone. Files are taken over in their order; then everything is as if their
    /// records had been taken in here, one file after the other.
    ///
    /// # Errors
    /// No such file.
    pub fn take_over(&mut self, file: usize, part: Self) -> Result<(), LinkError> {
        if file >= self.spec.files.len() {
            return Err(LinkError::NoSuchFile { file });
        }
        self.coded.take_over(file, part.coded);
        Ok(())
    }

    /// What was taken in of one file, ready to be encoded instead of linked.
    ///
    /// # Errors
    /// Encodings, which cannot be encoded again, or more than one file.
    pub fn encoder(self, salt: EncodeSalt) -> Result<Encoder, LinkError> {
        if self.spec.encoded || self.splink.is_some() || self.spec.files.len() != 1 {
            return Err(LinkError::Told {
                text: "one file of records is encoded at a time, and under no model".into(),
            });
        }
        Ok(Encoder::new(self.coded, salt))
    }

    /// Takes in one row of a table of frequencies, by its place in the specification.
    ///
    /// # Errors
    /// No such table, one of a column without term frequencies, or counts past 32 bits.
    pub fn frequency(&mut self, table: usize, value: &str, count: u32) -> Result<(), LinkError> {
        let wrong = |text: String| LinkError::Told { text };
        let Some(asked) = self.spec.frequencies.get(table) else {
            return Err(wrong("a table of frequencies was not asked for".into()));
        };
        if let Some(splink) = &mut self.splink {
            return splink.count(&asked.of, value, count);
        }
        let surname = match asked.of.as_str() {
            "forename" => false,
            "surname" => true,
            other => {
                return Err(wrong(format!(
                    "term frequencies of {other}: only forename and surname have any"
                )));
            }
        };
        if self.coded.count_name(surname, value, count) {
            return Ok(());
        }
        Err(wrong(format!(
            "term frequencies of {}: a value occurs more than {} times",
            asked.of,
            u32::MAX
        )))
    }

    /// Takes in judged pairs of records that were pushed: `labels` to learn m from, `decisions` to settle pairs.
    ///
    /// # Errors
    /// A record that is not there or is judged against itself; labels for a model that learns nothing.
    pub fn judged(&mut self, labels: Vec<Judged>, decisions: Vec<Judged>) -> Result<(), LinkError> {
        let wrong = |text: &str| Err(LinkError::Told { text: text.into() });
        if self.splink.is_some() && !labels.is_empty() {
            return wrong("labels teach the engine's own model, and a Splink model is given");
        }
        let rows: Vec<usize> = (0..self.spec.files.len())
            .map(|file| match &self.splink {
                Some(splink) => splink.rows(file),
                None => self.coded.files.get(file).map_or(0, |file| file.rows.len()),
            })
            .collect();
        let there = |(file, row): (usize, usize)| rows.get(file).is_some_and(|rows| row < *rows);
        let dedupe = self.spec.link_type == LinkType::Dedupe;
        for judged in labels.iter().chain(&decisions) {
            let apart = judged.left != judged.right && (dedupe || judged.left.0 != judged.right.0);
            if !there(judged.left) || !there(judged.right) || !apart {
                return wrong("a judged pair is not one of this linkage");
            }
        }
        self.coded.told.labels = labels;
        self.coded.told.decisions = decisions;
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
        if let Some(splink) = self.splink {
            let decisions = self.coded.told.decisions;
            return splink.link(&self.spec, &decisions, resources, observer);
        }
        self.coded.finish();
        engine::link(&self.spec, &self.coded, resources, observer)
    }

    /// Links what was taken in and keeps it, its model fixed, for records to come. `id` names each record. The linkage is what comes of the fixed model, and what later deliveries go on from.
    ///
    /// # Errors
    /// As [`Intake::link`]; encodings, decisions or a Splink model, which are not kept; records without an id.
    pub fn link_and_keep(
        mut self,
        id: &dyn Fn(Record) -> Option<String>,
        resources: Resources,
        observer: &mut dyn Observer,
    ) -> Result<(Linkage, KeptSpine), LinkError> {
        observer.stage(Stage::Prepare);
        self.coded.finish();
        let (kept, linkage) = KeptSpine::keep(self.spec, self.coded, id, resources, observer)?;
        Ok((linkage, kept))
    }
}

/// Refuses a record that does not fit its file, which has so many records, or passes a limit.
pub(crate) fn fits(
    (file, rows): (usize, usize),
    spec: &FileSpec,
    values: &[Option<&str>],
    limits: &Settings,
) -> Result<(), LinkError> {
    if values.len() != spec.columns.len() {
        return Err(LinkError::ValueCount {
            file,
            found: values.len(),
            expected: spec.columns.len(),
        });
    }
    let limit = limits.records_max;
    if rows >= limit {
        return Err(LinkError::LongFile { file, limit });
    }
    let limit = limits.value_bytes_max;
    let long = |value: &Option<&str>| value.is_some_and(|value| value.len() > limit);
    match values.iter().position(long) {
        None => Ok(()),
        Some(column) => Err(LinkError::LongValue {
            file,
            column,
            limit,
        }),
    }
}
