//! Bringing the rows of each person together.

#![allow(
    clippy::indexing_slicing,
    reason = "rows, people and slots are numbered by the arrays that are made here"
)]

use super::index;

const FREE: u32 = u32::MAX;

/// The rows of one bucket by person. The arrays are kept from bucket to bucket.
#[derive(Default)]
pub(super) struct ByUnit {
    /// Open addressing by the low bits of the unit: the first row of a person.
    slots: Vec<u32>,
    /// The person of each row, numbered as they come.
    person: Vec<u32>,
    units: Vec<u64>,
    /// Where each person's rows end among the rows.
    ends: Vec<u32>,
    rows: Vec<u32>,
}

impl ByUnit {
    /// In linear time: a table of units finds each row's person, and counting sorts the rows.
    pub(super) fn bring_together(&mut self, units: impl Iterator<Item = u64>) {
        self.units.clear();
        self.units.extend(units);
        let units = &self.units;
        self.slots.clear();
        self.slots
            .resize((2 * units.len()).next_power_of_two(), FREE);
        let last = self.slots.len() as u64 - 1;
        self.person.clear();
        self.ends.clear();
        for (row, unit) in (0_u32..).zip(units) {
            let mut slot = (unit & last) as usize;
            let person = loop {
                let first = self.slots[slot];
                if first == FREE {
                    self.slots[slot] = row;
                    self.ends.push(0);
                    break self.ends.len() as u32 - 1;
                }
                if units[index(first)] == *unit {
                    break self.person[index(first)];
                }
                slot = (slot + 1) & last as usize;
            };
            self.person.push(person);
            self.ends[index(person)] += 1;
        }
        let mut before = 0;
        for end in &mut self.ends {
            // First where a person's rows start; it moves on with each of them.
            (*end, before) = (before, before + *end);
        }
        self.rows.clear();
        self.rows.resize(units.len(), 0);
        for (row, person) in (0_u32..).zip(&self.person) {
            let place = &mut self.ends[index(*person)];
            self.rows[index(*place)] = row;
            *place += 1;
        }
    }

    /// The rows of each person, in the order in which they came.
    pub(super) fn people(&self) -> impl Iterator<Item = &[u32]> {
        let mut start = 0;
        self.ends.iter().map(move |end| {
            let rows = &self.rows[start..index(*end)];
            start = index(*end);
            rows
        })
    }
}
