//! What is counted of one group.

use std::collections::BTreeMap;

use disclosure::{Atom, Behind};

use super::part::{Own, PartAcc};
use super::{Counts, PartSpec, Seen, Spec, Who};

/// A group being counted.
pub(super) struct Acc {
    behind: Vec<Behind>,
    parts: Vec<PartAcc>,
    row_atoms: BTreeMap<u32, Behind>,
    person_atoms: BTreeMap<u32, Behind>,
    lists: Vec<Vec<u64>>,
}

const NOBODY: Behind = Behind { people: 0, rows: 0 };

impl Acc {
    pub(super) fn new(spec: &Spec) -> Self {
        Self {
            behind: vec![NOBODY; spec.conditions.len()],
            parts: spec.parts.iter().map(|_| PartAcc::new()).collect(),
            row_atoms: BTreeMap::new(),
            person_atoms: BTreeMap::new(),
            lists: spec.lists.iter().map(|_| Vec::new()).collect(),
        }
    }

    /// Counts one person's rows; `number` is the group's, by which a quantile has its value.
    pub(super) fn person(&mut self, spec: &Spec, number: usize, rows: &[Seen<'_>], who: Who) {
        let named = u64::from(who == Who::Named);
        let any = rows.iter().fold(0, |any, row| any | row.mask);
        if let (Who::Named, Some(first)) = (who, rows.first()) {
            for (condition, list) in spec.lists.iter().zip(&mut self.lists) {
                if (any >> condition) & 1 == 1 {
                    list.push(first.unit);
                }
            }
        }
        for (bit, behind) in self.behind.iter_mut().enumerate() {
            behind.people += named & (any >> bit);
            behind.rows += match rows {
                [_] => (any >> bit) & 1,
                _ => rows.iter().map(|row| (row.mask >> bit) & 1).sum(),
            };
        }
        for (part, acc) in spec.parts.iter().zip(&mut self.parts) {
            let shown = part.quantiles.get(number).copied().flatten();
            let mode = shown.filter(|_| part.is_mode);
            let own = own((part, number), acc, rows, mode);
            acc.person(&own, who, shown.filter(|_| !part.is_mode));
        }
        if !spec.row_counts.is_empty() {
            self.atoms(spec, rows, named);
        }
    }

    /// Adds what was counted of other people.
    pub(super) fn add(&mut self, other: &Self) {
        let add = |sum: &mut Behind, more: &Behind| {
            sum.people += more.people;
            sum.rows += more.rows;
        };
        for (sum, more) in self.behind.iter_mut().zip(&other.behind) {
            add(sum, more);
        }
        for (atoms, more) in [
            (&mut self.row_atoms, &other.row_atoms),
            (&mut self.person_atoms, &other.person_atoms),
        ] {
            for (pattern, more) in more {
                add(atoms.entry(*pattern).or_insert(NOBODY), more);
            }
        }
        for (part, more) in self.parts.iter_mut().zip(&other.parts) {
            part.merge(more);
        }
        for (list, more) in self.lists.iter_mut().zip(&other.lists) {
            list.extend(more);
        }
    }

    fn atoms(&mut self, spec: &Spec, rows: &[Seen<'_>], named: u64) {
        let pattern = |mask: u64, counts: &[(usize, usize)]| {
            counts.iter().fold(0_u32, |pattern, (bit, condition)| {
                pattern | u32::from((mask >> condition) & 1 == 1) << bit
            })
        };
        let mut seen: Vec<u32> = Vec::new();
        let mut of_person = 0;
        for row in rows {
            let one = pattern(row.mask, &spec.row_counts);
            of_person |= pattern(row.mask, &spec.people_counts);
            let atom = self.row_atoms.entry(one).or_insert(NOBODY);
            atom.rows += 1;
            if !seen.contains(&one) {
                seen.push(one);
                atom.people += named;
            }
        }
        if spec.people_counts.len() > 1 && named == 1 {
            let atom = self.person_atoms.entry(of_person).or_insert(NOBODY);
            atom.rows += 1;
            atom.people += 1;
        }
    }

    pub(super) fn counts(self, spec: &Spec) -> Counts {
        let atoms = |found: BTreeMap<u32, Behind>| {
            let atom = |(pattern, behind): (u32, Behind)| Atom {
                pattern,
                rows: behind.rows,
                people: behind.people,
            };
            found.into_iter().map(atom).collect()
        };
        let parts = self.parts.into_iter().zip(&spec.parts);
        let mut lists = self.lists;
        for list in &mut lists {
            // The same people give the same bytes, in whatever order their rows came.
            list.sort_unstable();
        }
        Counts {
            behind: self.behind,
            magnitudes: parts.map(|(acc, part)| acc.magnitude(part)).collect(),
            row_atoms: atoms(self.row_atoms),
            person_atoms: atoms(self.person_atoms),
            lists,
        }
    }
}

/// One person's values of a part, and whether they have the most frequent one.
fn own(
    (part, number): (&PartSpec, usize),
    acc: &mut PartAcc,
    rows: &[Seen<'_>],
    mode: Option<f64>,
) -> Own {
    let mut own = Own::new(mode);
    let counted = |value: f64| match &part.centers {
        None => Some(value),
        Some(centers) => {
            let center = centers.get(number).copied().flatten()?;
            Some((value - center).abs())
        }
    };
    for row in rows {
        let inside = (row.mask >> part.condition) & 1 == 1;
        if let Some(but) = part.but
            && (row.mask >> but) & 1 == 1
        {
            acc.crosses |= !inside;
            continue;
        }
        match row.value(part.value).and_then(counted) {
            Some(value) if inside => own.add(value),
            Some(_) | None => {}
        }
    }
    own
}
