//! Blocking: each rule gives each record a 64-bit key; records with equal keys are candidates.
//!
//! Pairs are counted exactly before any is made, so a rule that would break the budget is never joined.
//! Two unequal values may share a key once in 2^64; that adds a candidate, never loses one.

#![allow(
    clippy::indexing_slicing,
    reason = "rows come from the files, ranges from the sorted keys"
)]

use crate::error::LinkError;
use crate::prepared::{Prepared, Side};
use crate::random::mix;
use crate::report::{RuleReport, Taken};

/// Fields that must be equal for two records to be compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rule {
    Chi,
    NhsNumber,
    Telephone,
    Email,
    BothNamesBirthYear,
    SurnameBirth,
    ForenameBirth,
    PostcodeBirth,
    ForenamePostcode,
    InitialSexBirth,
    ForenameSurnameDistrict,
    SurnamePostcodeSex,
}

impl Rule {
    /// Cheapest and surest first: the budget is spent in this order.
    pub(crate) const ALL: [Self; 12] = [
        Self::Chi,
        Self::NhsNumber,
        Self::SurnameBirth,
        Self::ForenameBirth,
        Self::PostcodeBirth,
        Self::BothNamesBirthYear,
        Self::ForenamePostcode,
        Self::Telephone,
        Self::Email,
        Self::ForenameSurnameDistrict,
        Self::InitialSexBirth,
        Self::SurnamePostcodeSex,
    ];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Chi => "chi",
            Self::NhsNumber => "nhs_number",
            Self::Telephone => "telephone",
            Self::Email => "email",
            Self::BothNamesBirthYear => "forename and surname in either order, birth year",
            Self::SurnameBirth => "surname, date_of_birth",
            Self::ForenameBirth => "forename, date_of_birth",
            Self::PostcodeBirth => "postcode, date_of_birth",
            Self::ForenamePostcode => "forename, postcode",
            Self::InitialSexBirth => "forename initial, sex, date_of_birth",
            Self::ForenameSurnameDistrict => "forename, surname, postcode district",
            Self::SurnamePostcodeSex => "surname, postcode, sex",
        }
    }

    /// The key of a record; `None` if a field it needs is missing.
    fn key(self, prepared: &Prepared, side: &Side, row: usize) -> Option<u64> {
        let forename = u64::from(side.forename[row]);
        let surname = u64::from(side.surname[row]);
        let birth = u64::from(side.birth[row]);
        let postcode = u64::from(side.postcode[row]);
        let sex = u64::from(side.sex[row]);
        match self {
            Self::Chi => key(&[side.chi[row]]),
            Self::NhsNumber => key(&[side.nhs[row]]),
            Self::Telephone => key(&[u64::from(side.telephone[row])]),
            Self::Email => key(&[u64::from(side.email[row])]),
            Self::BothNamesBirthYear => {
                key(&[forename.min(surname), forename.max(surname), birth / 10_000])
            }
            Self::SurnameBirth => key(&[surname, birth]),
            Self::ForenameBirth => key(&[forename, birth]),
            Self::PostcodeBirth => key(&[postcode, birth]),
            Self::ForenamePostcode => key(&[forename, postcode]),
            Self::InitialSexBirth => {
                let name = prepared.names.values.get(side.forename[row] as usize)?;
                let initial = u64::from(name.bytes().next()?);
                key(&[initial, sex, birth])
            }
            Self::ForenameSurnameDistrict => {
                let district = prepared.district.get(side.postcode[row] as usize)?;
                key(&[forename, surname, u64::from(*district)])
            }
            Self::SurnamePostcodeSex => key(&[surname, postcode, sex]),
        }
    }
}

/// A key of several parts, none of which may be 0.
pub(crate) fn key(parts: &[u64]) -> Option<u64> {
    parts
        .iter()
        .try_fold(0x5172_6f6e_6772_6f6f_u64, |hash, part| {
            (*part != 0).then(|| mix(hash ^ mix(*part)))
        })
}

/// Keys with the row each belongs to, sorted.
pub(crate) type Keyed = Vec<(u64, u32)>;

/// The keys of the rows that have one, in order.
pub(crate) fn keyed(rows: &[u32], key_of: impl Fn(usize) -> Option<u64>) -> Keyed {
    let mut keys: Keyed = rows
        .iter()
        .filter_map(|row| Some((key_of(*row as usize)?, *row)))
        .collect();
    keys.sort_unstable();
    keys
}

/// Calls `found` with the rows of both sides for each key that both sides have.
pub(crate) fn merge<'a>(
    left: &'a [(u64, u32)],
    right: &'a [(u64, u32)],
    mut found: impl FnMut(&'a [(u64, u32)], &'a [(u64, u32)]),
) {
    let run = |keys: &[(u64, u32)], start: usize| {
        let key = keys[start].0;
        start
            + keys[start..]
                .iter()
                .take_while(|entry| entry.0 == key)
                .count()
    };
    let (mut l, mut r) = (0, 0);
    while l < left.len() && r < right.len() {
        match left[l].0.cmp(&right[r].0) {
            std::cmp::Ordering::Less => l += 1,
            std::cmp::Ordering::Greater => r += 1,
            std::cmp::Ordering::Equal => {
                let (l_end, r_end) = (run(left, l), run(right, r));
                found(&left[l..l_end], &right[r..r_end]);
                (l, r) = (l_end, r_end);
            }
        }
    }
}

/// Exactly how many pairs a join would make.
pub(crate) fn pairs_of(left: &[(u64, u32)], right: &[(u64, u32)]) -> u64 {
    let mut pairs = 0_u64;
    merge(left, right, |l, r| {
        pairs = pairs.saturating_add((l.len() as u64).saturating_mul(r.len() as u64));
    });
    pairs
}

/// Candidate pairs of all rules within the budget, each once, by left row then spine row.
pub(crate) struct Candidates {
    pub(crate) pairs: Vec<(u32, u32)>,
    pub(crate) rules: Vec<RuleReport>,
}

impl Candidates {
    /// True if no rule found its fields filled in both files.
    pub(crate) fn no_shared_field(&self) -> bool {
        self.rules.iter().all(|rule| rule.taken != Taken::Used)
    }
}

/// Finds the candidates among some rows of each file.
pub(crate) fn candidates(
    prepared: &Prepared,
    left_rows: &[u32],
    spine_rows: &[u32],
    pairs_max: u64,
) -> Result<Candidates, LinkError> {
    let mut packed = Vec::<u64>::new();
    let mut rules = Vec::new();
    let mut smallest = None::<u64>;
    for rule in Rule::ALL {
        let left = keyed(left_rows, |row| rule.key(prepared, &prepared.left, row));
        let spine = keyed(spine_rows, |row| rule.key(prepared, &prepared.spine, row));
        let predicted_pairs = pairs_of(&left, &spine);
        let spent = packed.len() as u64;
        let taken = if left.is_empty() || spine.is_empty() {
            Taken::Skipped {
                reason: "a field it needs is missing from every record of one file".to_owned(),
            }
        } else if predicted_pairs > pairs_max - spent {
            smallest = Some(smallest.map_or(predicted_pairs, |least| least.min(predicted_pairs)));
            Taken::Skipped {
                reason: format!(
                    "it would make {predicted_pairs} pairs and {} of the budget of {pairs_max} are left",
                    pairs_max - spent
                ),
            }
        } else {
            merge(&left, &spine, |l, r| {
                for (_, a) in l {
                    packed.extend(r.iter().map(|(_, b)| u64::from(*a) << 32 | u64::from(*b)));
                }
            });
            Taken::Used
        };
        rules.push(RuleReport {
            rule: rule.name().to_owned(),
            predicted_pairs,
            taken,
        });
    }
    let used = rules.iter().any(|rule| rule.taken == Taken::Used);
    if let (false, Some(smallest)) = (used, smallest) {
        return Err(LinkError::PairBudget {
            pairs_max,
            smallest,
        });
    }
    packed.sort_unstable();
    packed.dedup();
    let pairs = packed
        .iter()
        .map(|pair| ((pair >> 32) as u32, (pair & 0xffff_ffff) as u32))
        .collect();
    Ok(Candidates { pairs, rules })
}

#[cfg(test)]
mod tests;
