//! The attacker on a whole history of releases: what it recovers is what got past.

use serde::Serialize;

use super::bounds::exact_atoms;
use super::compare::{Comparison, Isolated, Isolation};
use super::release::Release;
use super::space::{System, TOGETHER_MAX};

/// What an attacker recovers from a history.
#[derive(Debug, Clone, PartialEq)]
pub struct Recovered {
    /// How many tables were attacked.
    pub tables: usize,
    /// Differencing: the table's place in the history, and whom it isolates with earlier ones.
    pub isolated: Vec<(usize, Isolation)>,
    /// Singling out: groups of one among them.
    pub singled_out: usize,
    /// Averaging: cells asked again under fresh noise.
    pub averaged: usize,
    /// Reconstruction: groups of fewer than the minimum that no released number counts and whose size
    /// follows all the same, because no group is smaller than nobody; over the newest tables.
    pub reconstructed: usize,
}

/// Attacks the `newest` tables of a history (in the order of their release), each with all that were
/// released before it.
pub fn attack_history(history: &[Release], minimum: u32, newest: usize) -> Recovered {
    let first = history.len().saturating_sub(newest);
    let mut isolated = Vec::new();
    for (place, release) in history.iter().enumerate().skip(first) {
        let mut comparison = Comparison::new(release, minimum);
        for earlier in history.iter().take(place) {
            comparison.add(earlier);
        }
        isolated.extend(comparison.finish().into_iter().map(|found| (place, found)));
    }
    let count = |test: fn(&Isolation) -> bool| isolated.iter().filter(|(_, i)| test(i)).count();
    let singled_out = count(|i| i.how == Isolated::Exactly && i.people == 1);
    let averaged = count(|i| i.how == Isolated::Again);
    Recovered {
        tables: history.len() - first,
        isolated,
        singled_out,
        averaged,
        reconstructed: reconstructed(history, minimum),
    }
}

/// Small atoms of the newest exact tables of people that have one possible size only.
fn reconstructed(history: &[Release], minimum: u32) -> usize {
    let is_exact = |r: &&Release| r.is_exact() && r.about.measure == "people";
    let tables: Vec<&Release> = history
        .iter()
        .rev()
        .filter(is_exact)
        .take(TOGETHER_MAX + 1)
        .collect();
    System::new(&tables).map_or(0, |system| exact_atoms(&system, minimum))
}

/// What an attack recovered, to be told. It names groups of few people: it is for the auditor.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Attacked {
    /// Tables that were released.
    pub tables: usize,
    /// How many of them were attacked, the newest.
    pub attacked: usize,
    /// Groups of fewer people count.
    pub minimum: u32,
    /// Groups of one among the isolated.
    pub singled_out: usize,
    /// Cells that were asked again under fresh noise.
    pub averaged: usize,
    /// Small groups that no released number counts and whose size follows all the same.
    pub reconstructed: usize,
    /// Each isolated group.
    pub isolated: Vec<Group>,
}

/// A group that the attack isolated.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Group {
    /// The later of the tables that isolate it.
    pub release: String,
    /// When that was released.
    pub date: String,
    /// By what means.
    pub how: &'static str,
    /// How many people.
    pub people: u32,
    /// In a sentence.
    pub detail: String,
}

impl Attacked {
    /// Attacks the `newest` tables of a history, as [`attack_history`].
    pub fn new(history: &[Release], minimum: u32, newest: usize) -> Self {
        let found = attack_history(history, minimum, newest);
        let isolated = found.isolated.into_iter().filter_map(|(place, isolation)| {
            let about = history.get(place)?.about();
            Some(Group {
                release: about.name.clone(),
                date: about.date.clone(),
                how: how(isolation.how),
                people: isolation.people,
                detail: isolation.sentence,
            })
        });
        Self {
            tables: history.len(),
            attacked: found.tables,
            minimum,
            singled_out: found.singled_out,
            averaged: found.averaged,
            reconstructed: found.reconstructed,
            isolated: isolated.collect(),
        }
    }

    /// Whether nothing was recovered.
    pub fn is_clean(&self) -> bool {
        self.isolated.is_empty() && self.reconstructed == 0 && self.averaged == 0
    }
}

fn how(how: Isolated) -> &'static str {
    match how {
        Isolated::Exactly => "subtraction",
        Isolated::Within => "subtraction of rounded numbers",
        Isolated::Bounded => "bounds",
        Isolated::Near => "nearly the same people",
        Isolated::Again => "averaging",
    }
}
