//! Linking one delivery to a spine, as link jobs of the safe haven do: the same engine, in their terms.

#![allow(clippy::indexing_slicing, reason = "joins name rows that were pushed")]

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;

use serde::{Deserialize, Serialize};

use crate::column::{Column, Records};
use crate::error::LinkError;
use crate::intake::{Intake, Resources};
use crate::observer::Quiet;
use crate::outcome::{Join, JoinStep, LinkModel, Linkage, Report};
use crate::settings::{LeftFile, Settings};
use crate::spec::{ColumnSpec, FileSpec, Holds, LinkType, Spec};
use crate::told::{self, Judged};

pub(crate) mod reviewed;

/// How a link was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// Equal valid numbers, unique in both files, and at least two more fields that agree.
    ChiVerified,
    /// Names, birth date and home all equal, in one record of each file only.
    ExactKeys,
    /// The model, in competition with the other candidates.
    Probabilistic,
    /// People who looked at both records.
    Reviewed,
}

/// One record of the file and the spine record it is held to be.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Link {
    /// Ordinal in the file.
    pub left: u64,
    /// Ordinal in the spine.
    pub spine: u64,
    /// How it was made.
    pub step: Step,
    /// Evidence in bits among the alternatives, prior included.
    pub match_weight: f64,
    /// Probability that the link is right among the alternatives.
    pub match_probability: f64,
}

/// Counts of a linkage. Nothing in it belongs to one person.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LinkReport {
    /// Records of the file.
    pub left_records: u64,
    /// Records of the spine.
    pub spine_records: u64,
    /// Links by step.
    pub links: BTreeMap<Step, u64>,
    /// Records of the file without a link.
    pub unlinked: u64,
    /// Of these, records that surely match someone among several equals.
    pub ambiguous: u64,
    /// Everything else; nothing where either file was empty.
    pub engine: Option<Report>,
}

/// A finished linkage.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Linked {
    /// At most one for each record of the file, in the order of the file.
    pub links: Vec<Link>,
    /// The model; nothing where either file was empty.
    pub model: Option<LinkModel>,
    /// The counts.
    pub report: LinkReport,
}

/// Links a file to a spine that holds each person once. Each record of the file gets at most one link.
///
/// # Errors
/// A file that is not whole or passes a limit, settings without meaning, no shared field to find
/// candidates by, or a budget that no blocking rule keeps.
pub fn link(left: &Records, spine: &Records, settings: &Settings) -> Result<Linked, LinkError> {
    Ok(match linkage(left, spine, settings)? {
        Some(linkage) => linked(left, spine, settings, linkage),
        None => nothing(left, spine),
    })
}

/// What the engine makes of them; nothing where either file is empty.
fn linkage(
    left: &Records,
    spine: &Records,
    settings: &Settings,
) -> Result<Option<Linkage>, LinkError> {
    settings.check()?;
    check("file", left, settings)?;
    check("spine", spine, settings)?;
    if left.ids.is_empty() || spine.ids.is_empty() {
        return Ok(None);
    }
    let mut intake = Intake::new(spec(left, spine, settings))?;
    for (place, records) in [left, spine].into_iter().enumerate() {
        let columns: Vec<&Column> = records.columns.values().collect();
        for row in 0..records.ids.len() {
            let values: Vec<Option<&str>> = columns.iter().map(|column| column.get(row)).collect();
            intake.push(place, &values)?;
        }
    }
    let resources = Resources {
        threads: NonZeroUsize::MIN,
        memory_bytes: u64::MAX,
    };
    intake.link(resources, &mut Quiet).map(Some)
}

/// The same in the terms of a link job.
fn linked(left: &Records, spine: &Records, settings: &Settings, linkage: Linkage) -> Linked {
    let links = links(left, spine, &linkage.joins, settings.threshold_probability);
    let mut by_step = no_links();
    for link in &links {
        *by_step.entry(link.step).or_default() += 1;
    }
    let report = LinkReport {
        left_records: left.ids.len() as u64,
        spine_records: spine.ids.len() as u64,
        links: by_step,
        unlinked: (left.ids.len() - links.len()) as u64,
        ambiguous: linkage
            .report
            .files
            .first()
            .map_or(0, |file| file.ambiguous),
        engine: Some(linkage.report),
    };
    Linked {
        links,
        model: Some(linkage.model),
        report,
    }
}

/// The specification of a link of two files whose columns are named by their roles.
fn spec(left: &Records, spine: &Records, settings: &Settings) -> Spec {
    let file = |name: &str, records: &Records, holds| FileSpec {
        name: name.to_owned(),
        columns: records
            .columns
            .keys()
            .map(|role| ColumnSpec {
                role: *role,
                name: role.as_str().to_owned(),
            })
            .collect(),
        holds,
    };
    let left_holds = match settings.left_file {
        LeftFile::ManyPerPerson => Holds::Many,
        LeftFile::OnePerPerson => Holds::One,
    };
    let files = vec![
        file("file", left, left_holds),
        file("spine", spine, Holds::One),
    ];
    let mut spec = Spec::new(LinkType::Link, files);
    spec.settings = settings.clone();
    spec
}

/// The joins of at least a probability, by the ordinals of their records.
fn links(left: &Records, spine: &Records, joins: &[Join], threshold: f64) -> Vec<Link> {
    joins
        .iter()
        .filter(|join| join.match_probability >= threshold)
        .map(|join| Link {
            left: left.ids[join.row_l as usize],
            spine: spine.ids[join.row_r as usize],
            step: match join.step {
                JoinStep::NumberVerified => Step::ChiVerified,
                JoinStep::ExactKeys => Step::ExactKeys,
                JoinStep::Probabilistic => Step::Probabilistic,
                JoinStep::Reviewed => Step::Reviewed,
            },
            match_weight: join.match_weight,
            match_probability: join.match_probability,
        })
        .collect()
}

fn no_links() -> BTreeMap<Step, u64> {
    BTreeMap::from([
        (Step::ChiVerified, 0),
        (Step::ExactKeys, 0),
        (Step::Probabilistic, 0),
    ])
}

fn nothing(left: &Records, spine: &Records) -> Linked {
    Linked {
        links: Vec::new(),
        model: None,
        report: LinkReport {
            left_records: left.ids.len() as u64,
            spine_records: spine.ids.len() as u64,
            links: no_links(),
            unlinked: left.ids.len() as u64,
            ambiguous: 0,
            engine: None,
        },
    }
}

fn check(file: &'static str, records: &Records, settings: &Settings) -> Result<(), LinkError> {
    let expected = records.ids.len();
    if expected > settings.records_max {
        return Err(LinkError::TooManyRecords {
            file,
            found: expected,
            limit: settings.records_max,
        });
    }
    let ids: BTreeSet<u64> = records.ids.iter().copied().collect();
    if ids.len() != expected {
        return Err(LinkError::RepeatedId { file });
    }
    for (role, column) in &records.columns {
        if column.len() != expected {
            return Err(LinkError::ColumnLength {
                file,
                role: *role,
                found: column.len(),
                expected,
            });
        }
        let limit = settings.value_bytes_max;
        if column.iter().flatten().any(|value| value.len() > limit) {
            return Err(LinkError::ValueTooLong {
                file,
                role: *role,
                limit,
            });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
