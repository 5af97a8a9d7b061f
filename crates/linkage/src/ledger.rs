//! Which person each record is, and was: a ledger of assignments, merges and splits that is only ever written behind.
//!
//! Persons are numbered from 0 as they come, and a number is never given to another. Replaying the steps up to a time
//! gives what was held then. A step that contradicts those before it is refused, and what it was to be added to is not
//! touched: what does not fit together is not guessed at.

use std::collections::{BTreeMap, BTreeSet};

use crate::kept::Record;

mod bytes;

pub use bytes::{Digest, Measured, Read, Torn, measure_ledger, read_ledger, sealed_step};

/// A person, by the number that it has had from the start.
pub type Person = u64;

/// One change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    /// A new record is one of a person: one that is there, or the next.
    Assign {
        /// The next of its file.
        record: Record,
        /// Whose it is.
        person: Person,
    },
    /// Two persons turned out to be one. The number of the first leads to the second from now on.
    Merge {
        /// Who is no longer by itself.
        from: Person,
        /// Who stays.
        into: Person,
    },
    /// One person turned out to be two: some of its records are of a new person.
    Split {
        /// Who stays, with at least one record.
        from: Person,
        /// The next person.
        to: Person,
        /// Whose they are now.
        records: Vec<Record>,
    },
}

/// Why a step was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// The linkage that the spine was kept of.
    Start,
    /// New records were linked to it.
    Delivery,
}

/// All changes of one run, which hold together or not at all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// When, in milliseconds of Unix time; never before the step before.
    pub time_ms: i64,
    /// Why.
    pub reason: Reason,
    /// Bytes of the spine's segments, those of this step included.
    pub segment_bytes: u64,
    /// In their order.
    pub entries: Vec<Entry>,
}

/// A step that contradicts the ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Contradiction {
    /// Time went back.
    #[error("a step is earlier than the one before it")]
    Time,
    /// A start that is not the first step, or a first step that is none.
    #[error("a ledger starts once")]
    Start,
    /// Segments that became shorter.
    #[error("a step takes segments away")]
    Segments,
    /// A record that is there, or that others should come before.
    #[error("a record is assigned twice or before its turn")]
    Record,
    /// A person that never was, is merged already, or has the number of another.
    #[error("a person is named that is not there to be named")]
    Person,
    /// A split that takes a record of somebody else, one twice, or all.
    #[error("a split takes records that are not there to be taken")]
    Split,
}

/// Which person each record is, at the end of some steps.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Ledger {
    /// By file and row, the person last named.
    named: Vec<Vec<Person>>,
    /// By person, itself or whom it was merged into.
    leads_to: Vec<Person>,
    /// By person, its records.
    records: Vec<u64>,
    /// Persons that are by themselves.
    persons: u64,
    steps: u64,
    time_ms: i64,
    segment_bytes: u64,
}

impl Ledger {
    /// Before any step.
    #[must_use]
    pub fn new() -> Self {
        Self {
            time_ms: i64::MIN,
            ..Self::default()
        }
    }

    /// What is held after all steps.
    ///
    /// # Errors
    /// The first step that contradicts those before it.
    pub fn replay<'a>(steps: impl IntoIterator<Item = &'a Step>) -> Result<Self, Contradiction> {
        steps.into_iter().try_fold(Self::new(), Self::apply)
    }

    /// What was held at a time: after the last step that is not later.
    ///
    /// # Errors
    /// As [`Ledger::replay`].
    pub fn as_of<'a>(
        steps: impl IntoIterator<Item = &'a Step>,
        time_ms: i64,
    ) -> Result<Self, Contradiction> {
        Self::replay(steps.into_iter().take_while(|step| step.time_ms <= time_ms))
    }

    /// After one more step.
    ///
    /// # Errors
    /// A contradiction.
    pub fn apply(mut self, step: &Step) -> Result<Self, Contradiction> {
        if step.time_ms < self.time_ms {
            return Err(Contradiction::Time);
        }
        if (step.reason == Reason::Start) != (self.steps == 0) {
            return Err(Contradiction::Start);
        }
        if step.segment_bytes < self.segment_bytes {
            return Err(Contradiction::Segments);
        }
        for entry in &step.entries {
            self.enter(entry)?;
        }
        self.time_ms = step.time_ms;
        self.segment_bytes = step.segment_bytes;
        self.steps += 1;
        Ok(self)
    }

    fn enter(&mut self, entry: &Entry) -> Result<(), Contradiction> {
        match entry {
            Entry::Assign { record, person } => {
                let (file, row) = *record;
                if self.named.len() <= usize::from(file) {
                    self.named.resize(usize::from(file) + 1, Vec::new());
                }
                let next = self.named.get_mut(usize::from(file));
                let rows = next.filter(|rows| rows.len() == row as usize);
                let rows = rows.ok_or(Contradiction::Record)?;
                rows.push(*person);
                if !self.is_there(*person) {
                    self.born(*person)?;
                }
                self.count(*person, |records| records + 1)
            }
            Entry::Merge { from, into } => {
                if from == into || !self.is_there(*from) || !self.is_there(*into) {
                    return Err(Contradiction::Person);
                }
                let records = self.records_of(*from);
                self.count(*into, |others| others + records)?;
                self.count(*from, |_| 0)?;
                if let Some(leads_to) = self.leads_to.get_mut(place(*from)) {
                    *leads_to = *into;
                }
                self.persons -= 1;
                Ok(())
            }
            Entry::Split { from, to, records } => {
                let taken = records.len() as u64;
                let distinct: BTreeSet<&Record> = records.iter().collect();
                let theirs = |record: &Record| self.person(*record) == Some(*from);
                if distinct.len() as u64 != taken
                    || taken == 0
                    || taken >= self.records_of(*from)
                    || !records.iter().all(theirs)
                {
                    return Err(Contradiction::Split);
                }
                self.born(*to)?;
                for (file, row) in records {
                    let rows = self.named.get_mut(usize::from(*file));
                    if let Some(named) = rows.and_then(|rows| rows.get_mut(*row as usize)) {
                        *named = *to;
                    }
                }
                self.count(*from, |records| records - taken)?;
                self.count(*to, |_| taken)
            }
        }
    }

    fn born(&mut self, person: Person) -> Result<(), Contradiction> {
        if person != self.leads_to.len() as u64 {
            return Err(Contradiction::Person);
        }
        self.leads_to.push(person);
        self.records.push(0);
        self.persons += 1;
        Ok(())
    }

    fn count(&mut self, person: Person, new: impl Fn(u64) -> u64) -> Result<(), Contradiction> {
        let records = self.records.get_mut(place(person));
        let records = records.ok_or(Contradiction::Person)?;
        *records = new(*records);
        Ok(())
    }

    /// True for a person that is by itself.
    fn is_there(&self, person: Person) -> bool {
        self.leads_to.get(place(person)) == Some(&person)
    }

    fn records_of(&self, person: Person) -> u64 {
        self.records.get(place(person)).copied().unwrap_or(0)
    }

    /// Whom a number leads to: the person itself, or the one that it was merged into. Nothing for one never given.
    #[must_use]
    pub fn survivor(&self, mut person: Person) -> Option<Person> {
        loop {
            let next = *self.leads_to.get(place(person))?;
            if next == person {
                return Some(person);
            }
            person = next;
        }
    }

    /// The person that a record is.
    #[must_use]
    pub fn person(&self, (file, row): Record) -> Option<Person> {
        let rows = self.named.get(usize::from(file))?;
        self.survivor(*rows.get(row as usize)?)
    }

    /// Records of each file.
    #[must_use]
    pub fn rows(&self) -> Vec<usize> {
        self.named.iter().map(Vec::len).collect()
    }

    /// Persons that are by themselves.
    #[must_use]
    pub const fn persons(&self) -> u64 {
        self.persons
    }

    /// Numbers of persons that were ever given.
    #[must_use]
    pub const fn given(&self) -> u64 {
        self.leads_to.len() as u64
    }

    /// Steps taken.
    #[must_use]
    pub const fn steps(&self) -> u64 {
        self.steps
    }

    /// When the last step was; long ago before the first.
    #[must_use]
    pub const fn time_ms(&self) -> i64 {
        self.time_ms
    }

    /// Bytes of the segments that the steps speak of.
    #[must_use]
    pub const fn segment_bytes(&self) -> u64 {
        self.segment_bytes
    }

    /// The entries after which each group of records is one person, and no other record is of it. A group holds all
    /// records, but for new ones, of every person that it takes a record of, or other groups hold the rest.
    ///
    /// A person stays where most of its records are, of equals where its number is lowest and the group comes first.
    /// New records come last in `groups` of nobody; records not yet here are assigned in the order of files and rows.
    #[must_use]
    pub fn entries(&self, groups: &[Vec<Record>]) -> Vec<Entry> {
        let mut shares = Vec::new();
        for (group, records) in groups.iter().enumerate() {
            let mut of = BTreeMap::<Person, Vec<Record>>::new();
            for record in records {
                if let Some(person) = self.person(*record) {
                    of.entry(person).or_default().push(*record);
                }
            }
            shares.extend(
                of.into_iter()
                    .map(|(person, records)| (person, group, records)),
            );
        }
        shares.sort_by_key(|(person, group, records)| {
            (std::cmp::Reverse(records.len()), *person, *group)
        });
        // Who stays where. A person stays in one group at most, and a group keeps one person at most.
        let mut stays = BTreeMap::<Person, usize>::new();
        let mut keeps = BTreeMap::<usize, Person>::new();
        for (person, group, _) in &shares {
            if !stays.contains_key(person) && !keeps.contains_key(group) {
                stays.insert(*person, *group);
                keeps.insert(*group, *person);
            }
        }
        self.written(groups, shares, (stays, keeps))
    }

    fn written(
        &self,
        groups: &[Vec<Record>],
        shares: Vec<(Person, usize, Vec<Record>)>,
        (stays, mut keeps): (BTreeMap<Person, usize>, BTreeMap<usize, Person>),
    ) -> Vec<Entry> {
        let mut parts = BTreeMap::<Person, usize>::new();
        for (person, _, _) in &shares {
            *parts.entry(*person).or_default() += 1;
        }
        let mut next = self.leads_to.len() as u64;
        let (mut entries, mut merges) = (Vec::new(), Vec::new());
        for (from, group, records) in shares {
            if stays.get(&from) == Some(&group) {
                continue;
            }
            let left = parts.entry(from).or_default();
            // The last part of a person that stays nowhere keeps its number, until it is merged.
            let part = if *left > 1 {
                *left -= 1;
                let to = next;
                next += 1;
                entries.push(Entry::Split { from, to, records });
                to
            } else {
                from
            };
            match keeps.get(&group) {
                Some(into) => merges.push(Entry::Merge {
                    from: part,
                    into: *into,
                }),
                None => {
                    keeps.insert(group, part);
                }
            }
        }
        entries.append(&mut merges);
        let mut new = BTreeMap::new();
        for (group, records) in groups.iter().enumerate() {
            for record in records
                .iter()
                .filter(|record| self.person(**record).is_none())
            {
                new.insert(*record, group);
            }
        }
        for (record, group) in new {
            let person = *keeps.entry(group).or_insert_with(|| {
                next += 1;
                next - 1
            });
            entries.push(Entry::Assign { record, person });
        }
        entries
    }
}

fn place(person: Person) -> usize {
    usize::try_from(person).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests;
