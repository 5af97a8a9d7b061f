//! What is said of an isolation.

use super::compare::{Comparison, Isolated, Proof};
use super::release::Release;
use super::space::System;

impl Comparison<'_> {
    pub(super) fn sentence(
        &self,
        how: Isolated,
        people: u32,
        proof: &Proof,
        earlier: &[usize],
        group: &str,
    ) -> String {
        let named: Vec<&str> = earlier
            .iter()
            .filter_map(|place| self.names.get(*place).map(String::as_str))
            .collect();
        let named = named.join(" and ");
        let who = if people == 1 {
            "1 person".to_owned()
        } else {
            format!("{people} people")
        };
        match how {
            Isolated::Exactly | Isolated::Within => {
                let (first, last) = if earlier.len() > 1 || self.is_lead(proof) {
                    ("this table", named.as_str())
                } else {
                    (named.as_str(), "this table")
                };
                let joined = if earlier.len() > 1 {
                    "together with"
                } else {
                    "minus"
                };
                let about = if how == Isolated::Within {
                    ", although values were rounded"
                } else {
                    ""
                };
                format!("{first} {joined} {last} isolates {who}{about}: {group}")
            }
            Isolated::Bounded => {
                format!("this table together with {named} bounds a group of {who}: {group}")
            }
            Isolated::Near => {
                format!("this table and {named} have a cell of nearly the same people: {group}")
            }
            Isolated::Again => format!(
                "{named} gave the same number of {group} with other noise: together they are more precise than either may be"
            ),
        }
    }

    /// Whether the new table is what is subtracted from.
    fn is_lead(&self, proof: &Proof) -> bool {
        proof
            .terms
            .iter()
            .any(|t| t.earlier.is_none() && t.factor > 0)
    }

    pub(super) fn fix(&self, how: Isolated, cells: &[usize]) -> String {
        let names: Vec<&str> = cells
            .iter()
            .filter_map(|cell| self.new.cells.get(*cell).map(|c| c.key.as_str()))
            .take(5)
            .collect();
        let rest = cells.len().saturating_sub(names.len());
        let mut named = names.join("; ");
        if rest > 0 {
            named.push_str(&format!("; and {rest} more"));
        }
        match how {
            Isolated::Again => {
                format!("release the number that was released before for {named}")
            }
            Isolated::Exactly | Isolated::Within | Isolated::Bounded | Isolated::Near => format!(
                "use the selection of the earlier table, or hide or merge {named}, or round this table"
            ),
        }
    }
}

/// What a cell is called; `None` for being in none.
pub(super) fn cell_words(release: &Release, cell: u16) -> Option<String> {
    let cell = release.cells.get(usize::from(cell).checked_sub(1)?)?;
    Some(if cell.key.is_empty() {
        "everybody".to_owned()
    } else {
        cell.key.clone()
    })
}

/// The atoms of a group by the cells they are in.
pub(super) fn group_words(system: &System, atoms: &[usize], tables: &[&Release]) -> String {
    let words: Vec<String> = atoms
        .iter()
        .filter_map(|atom| system.atoms.get(*atom))
        .map(|atom| {
            let cells: Vec<String> = atom
                .rows
                .iter()
                .filter_map(|row| system.rows.get(*row as usize))
                .filter_map(|&(table, cell)| {
                    let release = tables.get(table)?;
                    let words = cell_words(release, cell + 1)?;
                    Some(if table == 0 {
                        format!("{words} here")
                    } else {
                        format!("{words} in {}", release.about.name)
                    })
                })
                .collect();
            cells.join(" and ")
        })
        .collect();
    words.join("; ")
}
