//! A linkage with a clerical review: which pairs people judge, and what becomes of the links by what they settled.

use super::{
    BTreeMap, BTreeSet, Join, Judged, LeftFile, Link, LinkError, Linked, Records, Settings,
    linkage, linked, nothing, told,
};
use crate::review::choose;

/// Two records to look at, by their rows in the file and in the spine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PairOf {
    /// Row of the file.
    pub left: usize,
    /// Row of the spine.
    pub spine: usize,
}

/// A pair that people settled, by the ordinals of its records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decided {
    /// Ordinal in the file.
    pub left: u64,
    /// Ordinal in the spine.
    pub spine: u64,
    /// True if they are one person.
    pub same: bool,
}

/// What a review changed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Moves {
    /// Links that there are only because of it.
    pub joined: u64,
    /// Links that there are not any more because of it.
    pub parted: u64,
    /// Settled pairs that were left to the model after all: each joins a record to one of several people.
    pub contradicting: u32,
}

/// Links a file to a spine, and chooses at most `count` pairs for people to judge ([`choose`]): none with a person of
/// the spine whose ordinal is in `withheld`.
///
/// # Errors
/// As [`super::link`].
pub fn link_for_review(
    left: &Records,
    spine: &Records,
    settings: &Settings,
    count: usize,
    withheld: &BTreeSet<u64>,
) -> Result<(Linked, Vec<PairOf>), LinkError> {
    let Some(linkage) = linkage(left, spine, settings)? else {
        return Ok((nothing(left, spine), Vec::new()));
    };
    let shown: Vec<Join> = linkage
        .joins
        .iter()
        .filter(|join| !withheld.contains(&spine.ids[join.row_r as usize]))
        .copied()
        .collect();
    let threshold = settings.threshold_probability;
    let pairs = choose(&shown, threshold, count, settings.seed)
        .into_iter()
        .map(|chosen| PairOf {
            left: shown[chosen.join].row_l as usize,
            spine: shown[chosen.join].row_r as usize,
        })
        .collect();
    Ok((linked(left, spine, settings, linkage), pairs))
}

/// Links a file to a spine with what people settled in the place of what the model says: a pair that is one person is
/// linked, and takes the place of the record's other link; one that is not is no link.
///
/// # Errors
/// As [`super::link`]; a pair whose records are not there.
pub fn link_decided(
    left: &Records,
    spine: &Records,
    settings: &Settings,
    decided: &[Decided],
) -> Result<(Linked, Moves), LinkError> {
    let Some(mut linkage) = linkage(left, spine, settings)? else {
        return match decided {
            [] => Ok((nothing(left, spine), Moves::default())),
            _ => Err(LinkError::UnknownPair),
        };
    };
    let (decisions, contradicting) = decisions(left, spine, settings, decided)?;
    let threshold = settings.threshold_probability;
    let of = |joins: &[Join]| -> BTreeSet<(u64, u64)> {
        let links = super::links(left, spine, joins, threshold);
        links
            .iter()
            .map(|link: &Link| (link.left, link.spine))
            .collect()
    };
    let before = of(&linkage.joins);
    let one = [settings.left_file == LeftFile::OnePerPerson, true];
    told::decide(&decisions, &one, &mut linkage.joins);
    linkage
        .joins
        .sort_unstable_by_key(|j| (j.file_l, j.row_l, j.file_r, j.row_r));
    let after = of(&linkage.joins);
    let moves = Moves {
        joined: after.difference(&before).count() as u64,
        parted: before.difference(&after).count() as u64,
        contradicting,
    };
    Ok((linked(left, spine, settings, linkage), moves))
}

/// By rows; a record that would be several people is left to the model, and how many pairs that are.
fn decisions(
    left: &Records,
    spine: &Records,
    settings: &Settings,
    decided: &[Decided],
) -> Result<(Vec<Judged>, u32), LinkError> {
    let rows = |records: &Records| -> BTreeMap<u64, usize> {
        records.ids.iter().copied().zip(0..).collect()
    };
    let (left, spine) = (rows(left), rows(spine));
    let mut judged = Vec::with_capacity(decided.len());
    let mut partners: [BTreeMap<usize, u32>; 2] = Default::default();
    for pair in decided {
        let (Some(l), Some(r)) = (left.get(&pair.left), spine.get(&pair.spine)) else {
            return Err(LinkError::UnknownPair);
        };
        if pair.same {
            *partners[0].entry(*l).or_default() += 1;
            *partners[1].entry(*r).or_default() += 1;
        }
        judged.push(Judged {
            left: (0, *l),
            right: (1, *r),
            same: pair.same,
        });
    }
    let both = settings.left_file == LeftFile::OnePerPerson;
    let several = |pair: &Judged| {
        pair.same
            && (partners[0].get(&pair.left.1).is_some_and(|n| *n > 1)
                || (both && partners[1].get(&pair.right.1).is_some_and(|n| *n > 1)))
    };
    let contradicting = judged.iter().filter(|pair| several(pair)).count() as u32;
    judged.retain(|pair| !several(pair));
    Ok((judged, contradicting))
}

#[cfg(test)]
mod tests;
