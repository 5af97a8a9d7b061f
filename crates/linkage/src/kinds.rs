//! Kinds of pairs: why fields agree together.
//!
//! Two records of one person agree in all but errors, unless the person moved or changed name; two records of
//! two people may be of one household, twins, a parent and child of one name, namesakes, or be alike in nothing
//! but the key that brought them together. Within a kind the fields are taken as independent; over the kinds
//! they are not, which is what keeps a twin from passing for the same person. Each side is a latent class model
//! (Lazarsfeld and Henry 1968), fitted by EM to counts of patterns, with a prior that the kinds' names state.

#![allow(
    clippy::indexing_slicing,
    reason = "patterns hold levels of their own comparisons only"
)]

use crate::coded::Extra;
use crate::column::Role;
use crate::levels::{Comparison, LEVELS_MAX, Pattern, at};
use crate::overrides::Given;

/// One share for each level of each comparison.
pub(crate) type Shares = Vec<[f64; LEVELS_MAX]>;

/// A kind of pairs.
#[derive(Debug, Clone)]
pub(crate) struct Kind {
    pub(crate) name: &'static str,
    /// Pairs of this kind for each record of the left file.
    pub(crate) rate: f64,
    pub(crate) q: Shares,
    prior: Shares,
    prior_rate: f64,
    /// By comparison: its shares are given, not learned.
    fixed: Vec<bool>,
}

/// What is believed before any data are seen.
#[derive(Clone, Copy)]
pub(crate) struct Beliefs<'a> {
    pub(crate) extras: &'a [Extra],
    /// What agreement looks like.
    pub(crate) m: &'a Shares,
    /// What chance looks like.
    pub(crate) u: &'a Shares,
    /// By comparison, which of these are given: m holds in every kind of one person; u in every kind of two people
    /// that do not agree in the field for a reason; and where they do, both together.
    pub(crate) given: &'a [Given],
}

/// All kinds of one side, same person or not.
#[derive(Debug, Clone)]
pub(crate) struct Kinds(pub(crate) Vec<Kind>);

/// Fields that agree in a kind but for errors: forename, surname, birth date, home.
type Agrees = (bool, bool, bool, bool);

const SAME: &[(&str, f64, Agrees)] = &[
    ("settled", 0.786, (true, true, true, true)),
    ("moved", 0.14, (true, true, true, false)),
    ("renamed", 0.03, (true, false, true, true)),
    ("moved and renamed", 0.02, (true, false, true, false)),
    ("other forename", 0.02, (false, true, true, true)),
    ("other birth date", 0.002, (true, true, false, true)),
];

const OTHER: &[(&str, Agrees)] = &[
    ("household", (false, true, false, true)),
    ("twins", (false, true, true, true)),
    ("parent and child of one name", (true, true, false, true)),
    ("neighbours", (false, false, false, true)),
    ("namesakes", (true, true, false, false)),
    ("one birth date", (false, false, true, false)),
    ("one forename and birth date", (true, false, true, false)),
    ("one surname and birth date", (false, true, true, false)),
    ("one surname", (false, true, false, false)),
    ("one forename", (true, false, false, false)),
    ("strangers", (false, false, false, false)),
];

/// Where a comparison belongs.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Belongs {
    Forename,
    Surname,
    Birth,
    Home,
    Person,
    Sex,
}

fn belongs(extras: &[Extra], comparison: usize) -> Belongs {
    match comparison {
        at::FORENAME => Belongs::Forename,
        at::SURNAME => Belongs::Surname,
        at::BIRTH => Belongs::Birth,
        at::SEX => Belongs::Sex,
        at::POSTCODE | at::ADDRESS | at::TOWN => Belongs::Home,
        _ => match extras
            .get(comparison.wrapping_sub(at::EXTRAS))
            .map(|e| e.role)
        {
            Some(Role::Address2 | Role::Region) => Belongs::Home,
            _ => Belongs::Person,
        },
    }
}

/// The kinds before any data are seen.
pub(crate) fn same_person(beliefs: Beliefs<'_>) -> Kinds {
    Kinds(
        SAME.iter()
            .map(|(name, share, agrees)| kind(name, *share, *agrees, beliefs, true))
            .collect(),
    )
}

/// As [`same_person`], for pairs of two people, `rate` of them for each left record, among `rows` right records.
///
/// Households and families are as large as they are anywhere; the kinds that chance makes are as many as chance
/// makes of so many records; the rest is split over the kinds that agree in one field or none.
pub(crate) fn two_people(beliefs: Beliefs<'_>, rate: f64, rows: f64) -> Kinds {
    let u = beliefs.u;
    let top = |c: usize| {
        u[c].iter()
            .copied()
            .rev()
            .find(|share| *share > 0.0)
            .unwrap_or(0.0)
    };
    // The level under the forename's last, which is for exchanged names.
    let forename = u[at::FORENAME][usize::from(crate::levels::forename::EXACT)];
    let by_chance = |(fore, sur, born, _): Agrees| {
        let of = |agrees: bool, share: f64| if agrees { share } else { 1.0 };
        rows * of(fore, forename) * of(sur, top(at::SURNAME)) * of(born, top(at::BIRTH))
    };
    let own = |name: &str, agrees: Agrees| match name {
        "household" => Some(0.5),
        "twins" => Some(0.02),
        "parent and child of one name" => Some(0.03),
        "neighbours" => Some(0.5),
        _ if [agrees.0, agrees.1, agrees.2]
            .iter()
            .filter(|a| **a)
            .count()
            == 2 =>
        {
            Some(by_chance(agrees).clamp(1e-6, (rate / 6.0).max(1e-6)))
        }
        _ => None,
    };
    let known: Vec<Option<f64>> = OTHER
        .iter()
        .map(|(name, agrees)| own(name, *agrees).map(|own| own.min(rate / 6.0)))
        .collect();
    let left = (rate - known.iter().flatten().sum::<f64>()).max(rate / 10.0);
    let others = known.iter().filter(|known| known.is_none()).count().max(1) as f64;
    Kinds(
        OTHER
            .iter()
            .zip(known)
            .map(|((name, agrees), known)| {
                kind(
                    name,
                    known.unwrap_or(left / others),
                    *agrees,
                    beliefs,
                    false,
                )
            })
            .collect(),
    )
}

fn kind(name: &'static str, rate: f64, agrees: Agrees, beliefs: Beliefs<'_>, same: bool) -> Kind {
    let Beliefs {
        extras,
        m,
        u,
        given,
    } = beliefs;
    let mut q = Shares::new();
    let mut fixed = Vec::new();
    for c in 0..m.len() {
        let agree = match belongs(extras, c) {
            Belongs::Forename => agrees.0,
            Belongs::Surname => agrees.1,
            Belongs::Birth => agrees.2,
            Belongs::Home => agrees.3,
            Belongs::Person | Belongs::Sex => same,
        };
        let (by_m, by_u) = (given[c].m.is_some(), given[c].u.is_some());
        // A part of the other kind of agreement, so that nothing is ruled out.
        let part = match (agree, same) {
            _ if same && by_m => 1.0,
            (true, _) => 0.98,
            (false, true) => 0.05,
            (false, false) if belongs(extras, c) == Belongs::Person => {
                if agrees.3 {
                    shared(extras, c)
                } else {
                    0.0
                }
            }
            (false, false) if by_u => 0.0,
            (false, false) => 0.01,
        };
        let mut shares = [0.0; LEVELS_MAX];
        for (level, share) in shares.iter_mut().enumerate() {
            *share = part * m[c][level] + (1.0 - part) * u[c][level];
        }
        q.push(shares);
        // What is given is kept where it alone tells the shares.
        fixed.push((by_m || part <= 0.0) && (by_u || part >= 1.0));
    }
    Kind {
        name,
        rate,
        prior: q.clone(),
        prior_rate: rate,
        q,
        fixed,
    }
}

/// The kinds of one side with rates and shares that were learned before, in the order in which they are named here;
/// nothing if there are not as many.
pub(crate) fn known(same: bool, learned: Vec<(f64, Shares)>) -> Option<Kinds> {
    let names: Vec<&'static str> = if same {
        SAME.iter().map(|kind| kind.0).collect()
    } else {
        OTHER.iter().map(|kind| kind.0).collect()
    };
    if names.len() != learned.len() {
        return None;
    }
    let kinds = names
        .into_iter()
        .zip(learned)
        .map(|(name, (rate, q))| Kind {
            name,
            rate,
            prior: q.clone(),
            prior_rate: rate,
            fixed: vec![true; q.len()],
            q,
        });
    Some(Kinds(kinds.collect()))
}

/// How often two people of one home have one value: a newborn under its mother's number, one telephone.
fn shared(extras: &[Extra], comparison: usize) -> f64 {
    match extras
        .get(comparison.wrapping_sub(at::EXTRAS))
        .map(|e| e.role)
    {
        Some(Role::Telephone | Role::Email) => 0.3,
        Some(Role::Field) => 0.1,
        _ => 0.03,
    }
}

impl Kind {
    /// Density of a pattern in this kind, its rate included.
    pub(crate) fn density(&self, pattern: Pattern) -> f64 {
        let mut density = self.rate;
        for (c, shares) in self.q.iter().enumerate() {
            let slot = pattern.slot(c);
            if slot != 0 {
                density *= shares[slot - 1];
            }
        }
        density
    }
}

impl Kinds {
    /// Rounds of EM on weighted patterns. `rows` records of the left file stand behind the weights; each kind's
    /// prior weighs as much as `prior_pairs` pairs.
    pub(crate) fn fit(
        &mut self,
        weighted: &[(Pattern, f64)],
        rows: f64,
        prior_pairs: f64,
        rounds: u32,
    ) {
        for _ in 0..rounds {
            self.round(weighted, rows, prior_pairs);
        }
    }

    fn round(&mut self, weighted: &[(Pattern, f64)], rows: f64, prior_pairs: f64) {
        let kinds = self.0.len();
        let width = self.0.first().map_or(0, |kind| kind.q.len());
        let mut sums = vec![vec![[0.0; LEVELS_MAX]; width]; kinds];
        let mut totals = vec![0.0; kinds];
        let mut densities = vec![0.0; kinds];
        for (pattern, weight) in weighted {
            if *weight <= 0.0 {
                continue;
            }
            let mut all = 0.0;
            for (density, kind) in densities.iter_mut().zip(&self.0) {
                *density = kind.density(*pattern);
                all += *density;
            }
            if all <= 0.0 {
                continue;
            }
            for ((density, sums), total) in densities.iter().zip(&mut sums).zip(&mut totals) {
                let share = density / all * weight;
                *total += share;
                for (c, sums) in sums.iter_mut().enumerate() {
                    let slot = pattern.slot(c);
                    if slot != 0 {
                        sums[slot - 1] += share;
                    }
                }
            }
        }
        for ((kind, sums), total) in self.0.iter_mut().zip(&sums).zip(&totals) {
            // The prior of a rate is as many records with as many pairs as believed.
            kind.rate = (total + prior_pairs * kind.prior_rate) / (rows + prior_pairs).max(1.0);
            let learned = kind.fixed.iter().map(|fixed| !fixed);
            let shares = kind.q.iter_mut().zip(sums).zip(&kind.prior).zip(learned);
            for (((q, sums), prior), _) in shares.filter(|(_, learned)| *learned) {
                let all: f64 = sums.iter().sum::<f64>() + prior_pairs;
                for ((q, sum), prior) in q.iter_mut().zip(sums).zip(prior) {
                    *q = (sum + prior_pairs * prior) / all;
                }
            }
        }
    }

    /// Keeps the shares as they are from here on.
    pub(crate) fn hold(&mut self) {
        for kind in &mut self.0 {
            kind.fixed.fill(true);
        }
    }

    /// Pairs for each record of the left file.
    pub(crate) fn rate(&self) -> f64 {
        self.0.iter().map(|kind| kind.rate).sum()
    }
}

/// What agreement is believed to look like before any data are seen.
pub(crate) fn prior_m(comparisons: &[Comparison]) -> Shares {
    table(comparisons, |level| level.m)
}

/// What chance is believed to look like before any data are seen.
pub(crate) fn prior_u(comparisons: &[Comparison]) -> Shares {
    table(comparisons, |level| level.u)
}

fn table(comparisons: &[Comparison], of: fn(&crate::levels::Level) -> f64) -> Shares {
    comparisons
        .iter()
        .map(|comparison| {
            let mut shares = [0.0; LEVELS_MAX];
            let total: f64 = comparison.levels.iter().map(of).sum();
            for (share, level) in shares.iter_mut().zip(comparison.levels) {
                *share = of(level) / total;
            }
            shares
        })
        .collect()
}

#[cfg(test)]
mod tests;
