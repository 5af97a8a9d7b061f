//! What a delivery came to, in counts. Nothing in it belongs to one person.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Delivered, KeptSpine};
use crate::ledger::{Entry, Ledger, Step};
use crate::outcome::{ColumnReport, JoinStep};

/// Counts of a delivery to a kept spine.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeliveryReport {
    /// Deliveries that the spine has taken, this one included.
    pub deliveries: u64,
    /// New records by file.
    pub records: BTreeMap<String, u64>,
    /// By file with new records, what was read of its columns.
    pub columns: BTreeMap<String, Vec<ColumnReport>>,
    /// Candidate pairs with a new record.
    pub candidate_pairs: u64,
    /// New records in a pair at or above the threshold, by the surest step.
    pub linked: BTreeMap<JoinStep, u64>,
    /// New records in none.
    pub unlinked: u64,
    /// Kept pairs that changed.
    pub pairs: PairCounts,
    /// Persons that changed.
    pub persons: PersonCounts,
    /// Records of the spine now, by file.
    pub spine_records: BTreeMap<String, u64>,
    /// Persons of the spine now.
    pub spine_persons: u64,
}

/// Pairs at or above `keep_probability`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PairCounts {
    /// That were none before.
    pub new: u64,
    /// With other odds or another step than before.
    pub changed: u64,
    /// That are none any more: a new record took one of the two, or what is left is too little.
    pub gone: u64,
}

/// Persons of the ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PersonCounts {
    /// That came with new records.
    pub new: u64,
    /// That turned out to be another.
    pub merged: u64,
    /// That were taken out of another.
    pub split: u64,
}

impl DeliveryReport {
    /// Of a delivery, the step that the ledger took for it, and the ledger before and after.
    #[must_use]
    pub fn of(
        kept: &KeptSpine,
        delivered: &Delivered,
        step: &Step,
        (before, after): (&Ledger, &Ledger),
    ) -> Self {
        let names = || kept.files().iter().map(|file| file.name.clone());
        let counted = |counts: Vec<u64>| names().zip(counts).collect();
        let linked: u64 = delivered.linked.values().sum();
        let new: u64 = delivered.records.iter().sum();
        let columns = names().zip(&kept.coded.files).zip(&delivered.records);
        let pairs = |which: fn(bool, bool) -> bool| {
            let moved = delivered.joins.iter();
            let which = moved.filter(|m| which(m.before.is_some(), m.after.is_some()));
            which.count() as u64
        };
        let entries = |which: fn(&Entry) -> bool| -> u64 {
            step.entries.iter().filter(|entry| which(entry)).count() as u64
        };
        let merged = entries(|entry| matches!(entry, Entry::Merge { .. }));
        let split = entries(|entry| matches!(entry, Entry::Split { .. }));
        Self {
            deliveries: after.steps().saturating_sub(1),
            records: counted(delivered.records.clone()),
            columns: columns
                .filter(|(_, records)| **records > 0)
                .map(|((name, file), _)| (name, file.columns.clone()))
                .collect(),
            candidate_pairs: delivered.candidate_pairs,
            linked: delivered.linked.clone(),
            unlinked: new.saturating_sub(linked),
            pairs: PairCounts {
                new: pairs(|before, after| !before && after),
                changed: pairs(|before, after| before && after),
                gone: pairs(|before, after| before && !after),
            },
            persons: PersonCounts {
                new: after.given() - before.given() - split,
                merged,
                split,
            },
            spine_records: counted(kept.rows().into_iter().map(|rows| rows as u64).collect()),
            spine_persons: after.persons(),
        }
    }
}
