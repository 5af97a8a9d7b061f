//! What people and other files said beside the records: judged pairs, decisions, frequencies.

#![allow(
    clippy::indexing_slicing,
    reason = "files and rows were checked when they were told"
)]

use std::collections::{BTreeMap, BTreeSet};

use crate::block::Sides;
use crate::coded::Coded;
use crate::error::LinkError;
use crate::fit::{Parameters, Setting};
use crate::levels::{Comparer, Pattern};
use crate::outcome::{Join, JoinStep};

/// Rows named by file and row, both from 0.
type Place = (usize, usize);

/// A pair of records that people judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Judged {
    /// File and row of the one record.
    pub left: Place,
    /// File and row of the other.
    pub right: Place,
    /// True if they are one person.
    pub same: bool,
}

impl Judged {
    /// The same pair in the order of its places.
    fn ordered(self) -> Self {
        if self.left <= self.right {
            return self;
        }
        Self {
            left: self.right,
            right: self.left,
            same: self.same,
        }
    }
}

/// All of it.
#[derive(Default)]
pub(crate) struct Told {
    /// Pairs to learn m from.
    pub(crate) labels: Vec<Judged>,
    /// Pairs that are settled, whatever the model says.
    pub(crate) decisions: Vec<Judged>,
    /// Outside counts of forenames and surnames by code.
    pub(crate) names: [BTreeMap<u32, u32>; 2],
}

/// Fewest labelled matches between two files that m is read from: with fewer, a level that one record in twenty
/// shows would be known to half its size.
pub(crate) const LABELS_MIN: usize = 50;

/// Rounds over the labelled matches; the kinds settle long before.
const ROUNDS: u32 = 50;

/// Reads what matches look like off the labelled ones, and holds it. The kinds of one person (settled, moved, renamed)
/// are fitted to the labels as they else are to the data, so that fields may go on depending on each other.
///
/// # Errors
/// Fewer than [`LABELS_MIN`] matches among the labels of this pair of files.
pub(crate) fn teach(
    parameters: &mut Parameters,
    coded: &Coded,
    files: (usize, usize),
    sides: Sides<'_>,
    setting: &Setting,
) -> Result<(), LinkError> {
    let labels = &coded.told.labels;
    if labels.is_empty() {
        return Ok(());
    }
    let mut comparer = Comparer::new(coded);
    let mut matches: Vec<(Pattern, f64)> = Vec::new();
    for label in labels.iter().filter(|label| label.same) {
        let (left, right) = match (label.left, label.right) {
            ((a, l), (b, r)) if (a, b) == files => (l, r),
            ((a, l), (b, r)) if (b, a) == files => (r, l),
            _ => continue,
        };
        matches.push((comparer.pattern(sides.left, left, sides.right, right), 1.0));
    }
    if matches.len() < LABELS_MIN {
        return Err(LinkError::FewLabels {
            found: matches.len(),
            limit: LABELS_MIN,
        });
    }
    let rows = matches.len() as f64;
    parameters
        .same
        .fit(&matches, rows, setting.prior_pairs, ROUNDS);
    parameters.same.hold();
    Ok(())
}

/// Weight in bits that stands for a decision.
const DECIDED_BITS: f64 = 64.0;

/// Puts decisions in the place of what the model says: a pair kept apart is no join, a joined pair is one, and takes
/// the place of others where a file holds one record a person.
pub(crate) fn decide(decisions: &[Judged], one: &[bool], joins: &mut Vec<Join>) {
    if decisions.is_empty() {
        return;
    }
    let decisions: BTreeMap<(Place, Place), bool> = decisions
        .iter()
        .map(|judged| judged.ordered())
        .map(|judged| ((judged.left, judged.right), judged.same))
        .collect();
    // Records that have their partner in a file that holds one record a person.
    let mut taken = BTreeSet::<(Place, usize)>::new();
    for ((left, right), same) in &decisions {
        if *same && left.0 != right.0 {
            taken.extend(one[right.0].then_some((*left, right.0)));
            taken.extend(one[left.0].then_some((*right, left.0)));
        }
    }
    joins.retain(|join| {
        let left = (usize::from(join.file_l), join.row_l as usize);
        let right = (usize::from(join.file_r), join.row_r as usize);
        !decisions.contains_key(&(left, right))
            && !taken.contains(&(left, right.0))
            && !taken.contains(&(right, left.0))
    });
    for ((left, right), same) in decisions {
        if same {
            joins.push(Join {
                file_l: left.0 as u16,
                row_l: left.1 as u32,
                file_r: right.0 as u16,
                row_r: right.1 as u32,
                match_weight: DECIDED_BITS,
                match_probability: 1.0,
                step: JoinStep::Reviewed,
            });
        }
    }
}

#[cfg(test)]
mod tests;
