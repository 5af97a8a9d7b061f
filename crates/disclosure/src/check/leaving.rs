//! A request as it would leave, beside everything that left.

use super::against::{Beside, CellPeople, FIX, Outgoing, cannot_compare, not_with, outgoing};
use super::together::{Traced, check_together};
use crate::Policy;
use crate::difference::Release;
use crate::evidence::Class;
use crate::report::{Report, Verdict};

/// The tables of a request, judged beside each other, with who is behind what a reader would see of each.
pub struct Leaving {
    reports: Vec<Report>,
    tables: Vec<Table>,
    is_listed: bool,
}

struct Table {
    cells: Vec<CellPeople>,
    outgoing: Vec<Outgoing>,
    /// Which of those that go out say nothing that was not among what they were compared with.
    is_known: Vec<bool>,
}

/// Few people between an output and what left.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Found {
    /// How many.
    pub people: u32,
    /// The cell of the output, in words.
    pub cell: String,
    /// From what, and what would help: for output checkers.
    pub sentence: String,
}

impl Leaving {
    /// Judges the tables of a request. `name` and `date` are those of the output where a later one is compared
    /// with it; `population`: ordinals of people lie below it.
    pub fn new(
        (name, date): (&str, &str),
        request: &[Traced],
        population: usize,
        policy: &Policy,
    ) -> Self {
        let mut reports = check_together(request, population, policy);
        let worst = reports.iter().map(|report| report.verdict).max();
        let mut is_listed = true;
        let mut tables = Vec::new();
        for (number, (one, report)) in (1..).zip(request.iter().zip(&mut reports)) {
            // What people are to look at leaves as it is or not at all.
            let cells = match worst {
                Some(Verdict::Review) => one.cells_but(&|_, _| false),
                Some(Verdict::Pass | Verdict::Treat | Verdict::Fail) | None => one.cells(report),
            };
            let name = match request.len() {
                1 => name.to_owned(),
                _ => format!("table {number} of {name}"),
            };
            is_listed &= one.evidence.class == Class::Table;
            let outgoing = match outgoing(&name, date, &cells, population, policy) {
                Ok(outgoing) => outgoing,
                Err(error) => {
                    cannot_compare(report, &error);
                    is_listed = false;
                    Vec::new()
                }
            };
            tables.push(Table {
                cells,
                is_known: vec![false; outgoing.len()],
                outgoing,
            });
        }
        Self {
            reports,
            tables,
            is_listed,
        }
    }

    /// Whether the tables say of every number of the request who is behind it.
    pub fn is_listed(&self) -> bool {
        self.is_listed
    }

    /// The tables, for the register.
    pub fn tables(&self) -> impl Iterator<Item = &Release> {
        let outgoing = self.tables.iter().flat_map(|table| &table.outgoing);
        outgoing.map(|one| &one.release)
    }

    /// Those that say something that was not among what they were compared with.
    pub fn new_tables(&self) -> impl Iterator<Item = &Release> {
        let tables = self.tables.iter();
        let each = tables.flat_map(|table| table.outgoing.iter().zip(&table.is_known));
        each.filter(|(_, is_known)| !**is_known)
            .map(|(one, _)| &one.release)
    }

    /// Compares with everything that left, which `each` gives one by one; `unknown` more outputs cannot be compared.
    ///
    /// # Errors
    /// Those of `each`.
    pub fn compare<E>(
        &mut self,
        unknown: u64,
        policy: &Policy,
        each: impl FnOnce(&mut dyn FnMut(&Release)) -> Result<(), E>,
    ) -> Result<(), E> {
        let tables = self.tables.iter();
        let mut beside: Vec<Beside<'_>> = tables
            .map(|table| Beside::new(&table.outgoing, policy))
            .collect();
        let mut known: Vec<Vec<bool>> = Vec::new();
        known.extend(self.tables.iter().map(|table| table.is_known.clone()));
        each(&mut |release| {
            for ((beside, table), known) in beside.iter_mut().zip(&self.tables).zip(&mut known) {
                beside.add(release);
                for (one, known) in table.outgoing.iter().zip(known) {
                    *known = *known || one.release.is_same_table(release);
                }
            }
        })?;
        let judged = self.reports.iter_mut().zip(&self.tables);
        for ((report, table), beside) in judged.zip(beside) {
            beside.finish(report, &table.cells);
        }
        for (table, known) in self.tables.iter_mut().zip(known) {
            table.is_known = known;
        }
        if unknown > 0
            && let Some(first) = self.reports.first_mut()
        {
            not_with(first, unknown);
        }
        Ok(())
    }

    /// The reports, table by table.
    pub fn into_reports(self) -> Vec<Report> {
        self.reports
    }
}

/// Compares tables that were judged before with what left meanwhile, which `each` gives one by one. Fewest people
/// first.
///
/// # Errors
/// Those of `each`.
pub fn compare_again<E>(
    tables: Vec<Release>,
    policy: &Policy,
    each: impl FnOnce(&mut dyn FnMut(&Release)) -> Result<(), E>,
) -> Result<Vec<Found>, E> {
    let tables: Vec<[Outgoing; 1]> = tables
        .into_iter()
        .map(|one| [Outgoing::kept(one)])
        .collect();
    let mut beside: Vec<Beside<'_>> = tables.iter().map(|one| Beside::new(one, policy)).collect();
    each(&mut |release| beside.iter_mut().for_each(|one| one.add(release)))?;
    let mut found = Vec::new();
    for ([table], beside) in tables.iter().zip(beside) {
        let cells = table.release.cells();
        found.extend(beside.given().into_iter().map(|(people, place, sentence)| {
            let cell = cells.get(place).map_or("", |cell| cell.key.as_str());
            Found {
                people,
                cell: cell.to_owned(),
                sentence: format!("{cell}: {sentence}{FIX}"),
            }
        }));
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests;
