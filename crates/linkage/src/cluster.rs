//! Persons: joins at or above the threshold, surest first, never giving a person two records of a file that
//! holds one.

#![allow(
    clippy::indexing_slicing,
    reason = "rows are those that the tables were made for"
)]

use std::collections::BTreeMap;

use crate::coded::Coded;
use crate::engine::Fitted;
use crate::outcome::Join;
use crate::spec::{Holds, LinkType, Spec};
use crate::steps::ONE_MAX;

/// The person of each record, and what was refused.
pub(crate) struct Persons {
    pub(crate) of: Vec<Vec<u32>>,
    pub(crate) count: u32,
    pub(crate) sizes: BTreeMap<u64, u64>,
    pub(crate) refused: u64,
}

/// True for each file that holds one record a person: said so, or shown by every pair of files it is in.
pub(crate) fn hold_one(spec: &Spec, files: usize, fitted: &[Fitted]) -> Vec<bool> {
    (0..files)
        .map(|file| match spec.files[file].holds {
            Holds::One => spec.link_type == LinkType::Link,
            Holds::Many => false,
            Holds::Estimated => {
                let mut shown = fitted.iter().filter_map(|fitted| {
                    let repeats = fitted.parameters.repeats;
                    match fitted.files {
                        (a, b) if a == b => None,
                        (a, _) if a == file => Some(repeats.right),
                        (_, b) if b == file => Some(repeats.left),
                        _ => None,
                    }
                });
                let first = shown.next();
                first.is_some_and(|r| r < ONE_MAX) && shown.all(|r| r < ONE_MAX)
            }
        })
        .collect()
}

/// Joins records to persons.
pub(crate) fn persons(spec: &Spec, coded: &Coded, fitted: &[Fitted], joins: &[Join]) -> Persons {
    let rows: Vec<usize> = coded.files.iter().map(|file| file.rows.len()).collect();
    let one = hold_one(spec, rows.len(), fitted);
    grouped(&rows, &one, joins, spec.settings.threshold_probability)
}

/// Joins records of files of so many rows, of which `one` hold one record a person.
pub(crate) fn grouped(rows: &[usize], one: &[bool], joins: &[Join], threshold: f64) -> Persons {
    let starts: Vec<usize> = rows
        .iter()
        .scan(0, |sum, rows| {
            let start = *sum;
            *sum += rows;
            Some(start)
        })
        .collect();
    let total: usize = rows.iter().sum();
    let mut forest = Forest::new(total);
    for (file, one) in one.iter().enumerate() {
        if *one {
            forest.files[starts[file]..starts[file] + rows[file]].fill(1 << file);
        }
    }
    let mut sure: Vec<&Join> = joins
        .iter()
        .filter(|join| join.match_probability >= threshold)
        .collect();
    // Stable: equals stay in the order of their rows.
    sure.sort_by(|a, b| b.match_weight.total_cmp(&a.match_weight));
    let mut refused = 0;
    for join in sure {
        let l = starts[usize::from(join.file_l)] + join.row_l as usize;
        let r = starts[usize::from(join.file_r)] + join.row_r as usize;
        refused += u64::from(!forest.join(l as u32, r as u32));
    }
    forest.number(rows, refused)
}

/// Union-find over all records, with the files a person already has a record of.
struct Forest {
    parent: Vec<u32>,
    files: Vec<u16>,
}

impl Forest {
    fn new(rows: usize) -> Self {
        Self {
            parent: (0..rows as u32).collect(),
            files: vec![0; rows],
        }
    }

    fn root(&mut self, mut row: u32) -> u32 {
        while self.parent[row as usize] != row {
            let up = self.parent[self.parent[row as usize] as usize];
            self.parent[row as usize] = up;
            row = up;
        }
        row
    }

    /// False if the join would give a person two records of a file that holds one.
    fn join(&mut self, a: u32, b: u32) -> bool {
        let (a, b) = (self.root(a), self.root(b));
        if a == b {
            return true;
        }
        let (fa, fb) = (self.files[a as usize], self.files[b as usize]);
        if fa & fb != 0 {
            return false;
        }
        let (low, high) = (a.min(b), a.max(b));
        self.parent[high as usize] = low;
        self.files[low as usize] = fa | fb;
        true
    }

    fn number(&mut self, rows: &[usize], refused: u64) -> Persons {
        let total = self.parent.len();
        let mut numbers = vec![u32::MAX; total];
        let mut records = Vec::<u32>::new();
        let mut of = Vec::with_capacity(rows.len());
        let mut row = 0_u32;
        for rows in rows {
            let mut file = Vec::with_capacity(*rows);
            for _ in 0..*rows {
                let root = self.root(row) as usize;
                if numbers[root] == u32::MAX {
                    numbers[root] = records.len() as u32;
                    records.push(0);
                }
                records[numbers[root] as usize] += 1;
                file.push(numbers[root]);
                row += 1;
            }
            of.push(file);
        }
        let mut sizes = BTreeMap::new();
        for records in &records {
            *sizes.entry(u64::from(*records)).or_insert(0) += 1;
        }
        Persons {
            of,
            count: records.len() as u32,
            sizes,
            refused,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_never_gets_two_records_of_a_register() {
        // Rows 0, 1 of a register; rows 2, 3 of a file that may repeat.
        let mut forest = Forest::new(4);
        forest.files[..2].fill(1);
        assert!(forest.join(0, 2));
        assert!(forest.join(3, 1));
        assert!(!forest.join(2, 3), "would join both register rows");
        let persons = forest.number(&[2, 2], 1);
        assert_eq!(persons.of, [[0, 1], [0, 1]]);
        assert_eq!(persons.sizes, BTreeMap::from([(2, 2)]));
    }
}
