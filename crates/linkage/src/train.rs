//! Training without labels: u from pairs that cannot be one person, m by EM in two blocks, λ from exact keys.
//!
//! u: the spine has one record a person, so every two of its records are two people. Shares of equal
//! values are counted exactly; finer levels come from seeded random pairs.
//! m: in pairs with equal names, EM learns birth date, residence and numbers; in pairs with equal birth
//! dates it learns names, sex and residence. No block teaches a field that it holds equal, or (sex by
//! names, numbers by birth date) one that hangs on such a field.

#![allow(
    clippy::indexing_slicing,
    reason = "rows and levels come from the files trained on"
)]

use crate::blocking::{Keyed, key, keyed, merge, pairs_of};
use crate::compare::{
    COMPARISONS, Comparer, Comparison, LEVELS_MAX, birth, forename, number, residence, surname,
};
use crate::em::{self, Levels, Task};
use crate::patterns;
use crate::prepared::{Prepared, Side};
use crate::random::{self, Random};
use crate::report::SessionReport;
use crate::settings::Settings;

/// Shares of levels among pairs of different spine records, drawn to the prior where data are few.
pub(crate) fn u_shares(
    prepared: &Prepared,
    comparer: &mut Comparer<'_>,
    settings: &Settings,
) -> Levels {
    let spine = &prepared.spine;
    let prior = em::prior_u();
    if spine.rows < 2 {
        return prior;
    }
    let rows = spine.rows as u64;
    let mut random = Random::new(settings.seed);
    // No more than a file of this size has.
    let pairs = settings.u_pairs.min(rows.saturating_mul(rows - 1));
    let mut counts: Levels = [[0.0; LEVELS_MAX]; COMPARISONS];
    for _ in 0..pairs {
        let l = random.below(rows);
        let r = (l + 1 + random.below(rows - 1)) % rows;
        let pattern = comparer.pattern(spine, l as usize, spine, r as usize);
        for comparison in Comparison::ALL {
            if let Some(level) = pattern.level(comparison) {
                counts[comparison.index()][usize::from(level)] += 1.0;
            }
        }
    }
    let within = residence_within(prepared, comparer, &mut random);
    let mut u = prior;
    for comparison in Comparison::ALL {
        let c = comparison.index();
        let sampled = em::shares(&counts[c], &prior[c], settings.prior_pairs);
        u[c] = exactly(comparison, sampled, &counted(comparison, spine, &within));
    }
    u
}

/// Replaces the levels of equal values by their exact shares and scales the others to what is left.
fn exactly(
    comparison: Comparison,
    sampled: [f64; LEVELS_MAX],
    exact: &[(u8, f64)],
) -> [f64; LEVELS_MAX] {
    let known = |place: usize| {
        exact
            .iter()
            .find(|(level, _)| usize::from(*level) == place)
            .map(|(_, share)| *share)
    };
    let levels = comparison.levels().len();
    let left: f64 = (0..levels)
        .filter(|place| known(*place).is_none())
        .map(|place| sampled[place])
        .sum();
    let taken: f64 = exact.iter().map(|(_, share)| share).sum();
    let scale = if left > 0.0 {
        (1.0 - taken).max(1e-9) / left
    } else {
        1.0
    };
    let mut shares = [0.0; LEVELS_MAX];
    for (place, share) in shares.iter_mut().enumerate().take(levels) {
        *share = known(place).unwrap_or(sampled[place] * scale);
    }
    shares
}

/// Exact shares of the levels that mean equal values.
fn counted(comparison: Comparison, spine: &Side, within: &[f64; LEVELS_MAX]) -> Vec<(u8, f64)> {
    let wide = |codes: &[u32]| {
        codes
            .iter()
            .map(|code| u64::from(*code))
            .collect::<Vec<_>>()
    };
    match comparison {
        Comparison::Forename => {
            let exact = equal_share(wide(&spine.forename), 1);
            vec![
                (forename::EXACT, exact),
                (forename::EXCHANGED, exchanged_share(spine)),
            ]
        }
        Comparison::Surname => vec![(surname::EXACT, equal_share(wide(&spine.surname), 1))],
        Comparison::DateOfBirth => vec![(birth::EXACT, equal_share(wide(&spine.birth), 1))],
        Comparison::Sex => Vec::new(),
        Comparison::Residence => {
            let equal = equal_share(wide(&spine.postcode), 1);
            [
                residence::POSTCODE,
                residence::POSTCODE_ONLY,
                residence::ADDRESS,
            ]
            .iter()
            .map(|level| (*level, equal * within[usize::from(*level)]))
            .collect()
        }
        // Nobody shares a number in a good spine: a tenth of a pair stands for the error not yet seen.
        Comparison::Chi => vec![(number::EXACT, equal_share(spine.chi.clone(), 10))],
        Comparison::NhsNumber => vec![(number::EXACT, equal_share(spine.nhs.clone(), 10))],
        Comparison::Telephone => vec![(1, equal_share(wide(&spine.telephone), 1))],
        Comparison::Email => vec![(1, equal_share(wide(&spine.email), 1))],
    }
}

/// Share of the ordered pairs of different records with equal values, 0 being missing. At least one
/// pair is counted, divided by `doubt`: what was not seen in this many pairs may still happen.
fn equal_share(mut codes: Vec<u64>, doubt: u32) -> f64 {
    codes.retain(|code| *code != 0);
    codes.sort_unstable();
    let equal: f64 = codes
        .chunk_by(|a, b| a == b)
        .map(|same| same.len() as f64 * (same.len() as f64 - 1.0))
        .sum();
    let all = codes.len() as f64 * (codes.len() as f64 - 1.0);
    equal.max(1.0 / f64::from(doubt)) / all.max(1.0)
}

/// Share of the ordered pairs where one record's forename and surname are the other's the other way round.
fn exchanged_share(spine: &Side) -> f64 {
    let mut names: Vec<(u32, u32)> = spine
        .forename
        .iter()
        .zip(&spine.surname)
        .filter(|(forename, surname)| **forename != 0 && **surname != 0)
        .map(|(forename, surname)| (*forename, *surname))
        .collect();
    names.sort_unstable();
    let all = names.len() as f64 * (names.len() as f64 - 1.0);
    let exchanged: f64 = names
        .iter()
        .filter(|(forename, surname)| forename != surname)
        .map(|(forename, surname)| {
            let other = (*surname, *forename);
            let from = names.partition_point(|name| *name < other);
            let to = names.partition_point(|name| *name <= other);
            (to - from) as f64
        })
        .sum();
    exchanged.max(1.0) / all.max(1.0)
}

/// Pairs drawn among records of one postcode.
const WITHIN_PAIRS: u64 = 50_000;

/// How pairs with one postcode spread over the levels that mean so, from seeded random ones.
fn residence_within(
    prepared: &Prepared,
    comparer: &mut Comparer<'_>,
    random: &mut Random,
) -> [f64; LEVELS_MAX] {
    let spine = &prepared.spine;
    let rows: Vec<u32> = (0..spine.rows as u32).collect();
    let homes = keyed(&rows, |row| key(&[u64::from(spine.postcode[row])]));
    let groups: Vec<&[(u64, u32)]> = homes
        .chunk_by(|a, b| a.0 == b.0)
        .filter(|group| group.len() > 1)
        .collect();
    // Running totals of pairs, so that each pair is drawn as often as any other.
    let mut totals = Vec::with_capacity(groups.len());
    let mut total = 0_u64;
    for group in &groups {
        total += group.len() as u64 * (group.len() as u64 - 1);
        totals.push(total);
    }
    let mut prior = em::prior_u()[Comparison::Residence.index()];
    prior[..usize::from(residence::POSTCODE)].fill(0.0);
    let share: f64 = prior.iter().sum();
    prior.iter_mut().for_each(|prior| *prior /= share);
    let mut counts = [0.0; LEVELS_MAX];
    for _ in 0..WITHIN_PAIRS.min(total) {
        let at = random.below(total);
        let group = groups[totals.partition_point(|total| *total <= at)];
        let size = group.len() as u64;
        let l = random.below(size);
        let r = (l + 1 + random.below(size - 1)) % size;
        let (l, r) = (group[l as usize].1 as usize, group[r as usize].1 as usize);
        if let Some(level) = comparer
            .pattern(spine, l, spine, r)
            .level(Comparison::Residence)
        {
            counts[usize::from(level)] += 1.0;
        }
    }
    em::shares(&counts, &prior, 3.0)
}

/// m shares and what each block said.
pub(crate) struct Trained {
    pub(crate) m: Levels,
    pub(crate) sessions: Vec<SessionReport>,
}

/// A training block.
struct Block {
    name: &'static str,
    left: Keyed,
    spine: Keyed,
    learns: &'static [Comparison],
}

fn blocks(prepared: &Prepared) -> [Block; 2] {
    let all = |side: &Side| (0..side.rows as u32).collect::<Vec<u32>>();
    let by = |side: &Side, key_of: &dyn Fn(&Side, usize) -> Option<u64>| {
        keyed(&all(side), |row| key_of(side, row))
    };
    let names = |side: &Side, row: usize| {
        key(&[u64::from(side.forename[row]), u64::from(side.surname[row])])
    };
    let births = |side: &Side, row: usize| key(&[u64::from(side.birth[row])]);
    [
        Block {
            name: "forename, surname",
            left: by(&prepared.left, &names),
            spine: by(&prepared.spine, &names),
            learns: &[
                Comparison::DateOfBirth,
                Comparison::Residence,
                Comparison::Chi,
                Comparison::NhsNumber,
                Comparison::Telephone,
                Comparison::Email,
            ],
        },
        Block {
            name: "date_of_birth",
            left: by(&prepared.left, &births),
            spine: by(&prepared.spine, &births),
            learns: &[
                Comparison::Forename,
                Comparison::Surname,
                Comparison::Sex,
                Comparison::Residence,
                Comparison::Telephone,
                Comparison::Email,
            ],
        },
    ]
}

/// Runs EM in each block and pools the expected counts.
pub(crate) fn m_shares(
    prepared: &Prepared,
    comparer: &mut Comparer<'_>,
    u: &Levels,
    settings: &Settings,
) -> Trained {
    let prior = em::prior_m();
    let mut expected: Levels = [[0.0; LEVELS_MAX]; COMPARISONS];
    let mut sessions = Vec::new();
    for block in blocks(prepared) {
        let counts = patterns::count(block_patterns(&block, prepared, comparer, settings));
        let pairs: u64 = counts.iter().map(|(_, pairs)| pairs).sum();
        // Most matches have the block's key, so their share is near one for each record of the file.
        let start = (block.left.len() as f64 / (pairs as f64).max(1.0)).clamp(1e-6, 0.5);
        let fit = em::fit(
            &counts,
            &Task {
                comparisons: block.learns,
                u,
                m_start: &prior,
                lambda_start: start,
                prior: &prior,
                prior_pairs: settings.prior_pairs,
                rounds_max: settings.em_rounds_max,
                convergence: settings.em_convergence,
            },
        );
        for (sums, found) in expected.iter_mut().zip(&fit.expected) {
            for (sum, found) in sums.iter_mut().zip(found) {
                *sum += found;
            }
        }
        sessions.push(SessionReport {
            block: block.name.to_owned(),
            pairs,
            patterns: counts.len() as u64,
            rounds: fit.rounds,
            matches_share: if pairs == 0 { 0.0 } else { fit.lambda },
        });
    }
    let mut m = prior;
    for (c, m) in m.iter_mut().enumerate() {
        *m = em::shares(&expected[c], &prior[c], settings.prior_pairs);
    }
    Trained { m, sessions }
}

/// Patterns of the block's pairs; above the limit, of a seeded sample of the file's records.
fn block_patterns(
    block: &Block,
    prepared: &Prepared,
    comparer: &mut Comparer<'_>,
    settings: &Settings,
) -> Vec<crate::compare::Pattern> {
    let pairs = pairs_of(&block.left, &block.spine);
    let share = settings.training_pairs_max as f64 / (pairs as f64).max(1.0);
    let bound = if share >= 1.0 {
        u64::MAX
    } else {
        (share * u64::MAX as f64) as u64
    };
    let sampled: Keyed = block
        .left
        .iter()
        .filter(|(_, row)| random::mix(settings.seed ^ random::mix(u64::from(*row))) <= bound)
        .copied()
        .collect();
    let mut patterns = Vec::new();
    merge(&sampled, &block.spine, |l, r| {
        for (_, l) in l {
            for (_, r) in r {
                patterns.push(comparer.pattern(
                    &prepared.left,
                    *l as usize,
                    &prepared.spine,
                    *r as usize,
                ));
            }
        }
    });
    patterns
}

/// λ: records joined one to one by equal names and birth date, over the share of matches that such a key
/// finds (the m of its three exact levels and the share of records that have the fields), over all pairs.
pub(crate) fn lambda(
    prepared: &Prepared,
    left_rows: &[u32],
    spine_rows: &[u32],
    m: &Levels,
) -> f64 {
    let pairs = left_rows.len() as f64 * spine_rows.len() as f64;
    if pairs == 0.0 {
        return 0.5;
    }
    let exact = |side: &Side, row: usize| {
        key(&[
            u64::from(side.forename[row]),
            u64::from(side.surname[row]),
            u64::from(side.birth[row]),
        ])
    };
    let left = keyed(left_rows, |row| exact(&prepared.left, row));
    let spine = keyed(spine_rows, |row| exact(&prepared.spine, row));
    let mut joined = 0.0;
    merge(&left, &spine, |_, r| {
        // Several records of the file may be one person; several of the spine are several.
        joined += if r.len() == 1 { 1.0 } else { 0.0 };
    });
    let complete =
        left.len() as f64 / left_rows.len() as f64 * spine.len() as f64 / spine_rows.len() as f64;
    let recall = complete
        * m[Comparison::Forename.index()][usize::from(forename::EXACT)]
        * m[Comparison::Surname.index()][usize::from(surname::EXACT)]
        * m[Comparison::DateOfBirth.index()][usize::from(birth::EXACT)];
    // Without the key, say that half of the records are in the spine. Never all of them: 1 in 100 is not.
    let most = left_rows.len() as f64 * 0.99;
    let matches = if recall > 0.0 && joined > 0.0 {
        (joined / recall).min(most)
    } else {
        left_rows.len() as f64 * 0.5
    };
    (matches / pairs).clamp(1e-15, 0.5)
}

#[cfg(test)]
mod tests;
