//! The numbers a reader can form from the counts of one row.
//!
//! 15 people of whom 12 were readmitted are also 3 who were not. A row that shows
//! several counts gives away every sum and difference of them that happens to count a
//! set: total minus men minus women, over 50 minus over 51. The rows of a group are
//! split into atoms (in exactly these counts, not in those). A combination of the
//! counts with factors -1, 0, 1 that has weight 0 or 1 on every atom is the number of
//! rows in the atoms of weight 1, so these must satisfy the threshold like a cell.
//!
//! An atom that has no rows in this group is ignored: whether a reader knows that it
//! is empty cannot be seen from here, so it is assumed.

use crate::evidence::{Atom, CountLevel, Counted, Group, OF_VALUES, Whole};

/// The most counts in one row that are ever taken apart. Of how many all combinations are tried is a limit of the
/// policy (`row_counts`).
pub const COUNTS_MAX: usize = 12;

/// A set that a reader can count by adding and subtracting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DerivedSet {
    /// How, as `total - part`.
    pub label: String,
    /// The same in numbers: index of a count, and whether it is added (1) or subtracted (-1).
    pub factors: Vec<(usize, i8)>,
    /// Distinct people in it, at least.
    pub people: u64,
    /// Rows in it (people, for counts of people).
    pub rows: u64,
    /// Whether `people` is the number or a lower bound.
    pub precision: Precision,
}

/// How well the people of a derived set are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Precision {
    /// Counted.
    Exact,
    /// At least so many: people may be in several atoms.
    AtLeast,
}

/// The derived sets of a group with fewer than `minimum` people (as far as known). An
/// empty set is among them only where it says that a condition holds for everybody.
pub fn derived_sets(
    counts: &[Counted],
    sources: &[u16],
    group: &Group,
    minimum: u64,
) -> Vec<DerivedSet> {
    let one_row_each = group.rows == group.people;
    let (mut rows, mut people, mut values) = (Vec::new(), Vec::new(), Vec::new());
    for (index, count) in counts.iter().enumerate().take(COUNTS_MAX) {
        if sources.get(index) == Some(&OF_VALUES) {
            values.push((index, count));
            continue;
        }
        match count.level {
            // With one row a person, counting rows is counting people.
            CountLevel::People if !one_row_each => people.push((index, count)),
            CountLevel::People | CountLevel::Rows => rows.push((index, count)),
        }
        // Rows of joined tables are never the same, but people are: they are compared like releases.
        if count.level == CountLevel::Rows && !sources.is_empty() {
            people.push((index, count));
        }
    }
    let mut found = Vec::new();
    family(&rows, &group.row_atoms, minimum, &mut found);
    family(&people, &group.person_atoms, minimum, &mut found);
    family(&values, &group.person_atoms, minimum, &mut found);
    found
}

fn family(counts: &[(usize, &Counted)], atoms: &[Atom], minimum: u64, found: &mut Vec<DerivedSet>) {
    if counts.len() < 2 {
        return;
    }
    let mut seen: Vec<Vec<u32>> = Vec::new();
    combinations(counts, atoms, &mut |factors| {
        if factors.iter().filter(|f| **f != 0).count() < 2 {
            return;
        }
        let Some(inside) = inside(factors, counts, atoms) else {
            return;
        };
        if inside.is_empty() && !complement(factors, counts) {
            return;
        }
        let patterns: Vec<u32> = inside.iter().map(|a| a.pattern).collect();
        let set = measure(&inside);
        if set.1 >= minimum || (!inside.is_empty() && seen.contains(&patterns)) {
            return;
        }
        seen.push(patterns);
        found.push(DerivedSet {
            label: label(factors, counts),
            factors: counts
                .iter()
                .zip(factors)
                .filter(|(_, factor)| **factor != 0)
                .map(|((index, _), factor)| (*index, if *factor > 0 { 1 } else { -1 }))
                .collect(),
            people: set.1,
            rows: set.0,
            precision: set.2,
        });
    });
}

/// Calls for every combination of factors that can have weight 0 or 1 on every atom, in the order of numbers in base 3
/// whose digits are 0, 1 and -1, the first count the last digit. A branch ends at the first atom whose counts all
/// have a factor and that has another weight.
fn combinations(counts: &[(usize, &Counted)], atoms: &[Atom], visit: &mut dyn FnMut(&[i32])) {
    // The atoms that are decided by each count: those of which it is the first.
    let decided: Vec<Vec<u32>> = (0..counts.len())
        .map(|place| {
            let first = |atom: &&Atom| {
                let is_in = |(index, _): &(usize, &Counted)| atom.pattern & (1_u32 << index) != 0;
                atom.rows > 0 && counts.iter().position(is_in) == Some(place)
            };
            atoms
                .iter()
                .filter(first)
                .map(|atom| atom.pattern)
                .collect()
        })
        .collect();
    let mut factors = vec![0; counts.len()];
    branch(counts, &decided, counts.len(), &mut factors, visit);
}

fn branch(
    counts: &[(usize, &Counted)],
    decided: &[Vec<u32>],
    left: usize,
    factors: &mut Vec<i32>,
    visit: &mut dyn FnMut(&[i32]),
) {
    let Some(place) = left.checked_sub(1) else {
        visit(factors);
        return;
    };
    for factor in [0, 1, -1] {
        if let Some(own) = factors.get_mut(place) {
            *own = factor;
        }
        let weight = |pattern: &u32| -> i32 {
            let own = factors.iter().zip(counts);
            own.filter(|(_, (index, _))| pattern & (1_u32 << index) != 0)
                .map(|(factor, _)| factor)
                .sum()
        };
        let atoms = decided.get(place).map_or(&[][..], Vec::as_slice);
        if atoms.iter().all(|pattern| matches!(weight(pattern), 0 | 1)) {
            branch(counts, decided, place, factors, visit);
        }
    }
    if let Some(own) = factors.get_mut(place) {
        *own = 0;
    }
}

/// The atoms of weight 1, or `None` if some atom's weight is neither 0 nor 1.
fn inside(factors: &[i32], counts: &[(usize, &Counted)], atoms: &[Atom]) -> Option<Vec<Atom>> {
    let mut inside = Vec::new();
    for atom in atoms.iter().filter(|atom| atom.rows > 0) {
        let weight: i32 = factors
            .iter()
            .zip(counts)
            .filter(|(_, (index, _))| atom.pattern & (1_u32 << index) != 0)
            .map(|(factor, _)| factor)
            .sum();
        match weight {
            0 => {}
            1 => inside.push(*atom),
            _ => return None,
        }
    }
    Some(inside)
}

/// Whether this is everything minus what satisfies one condition.
fn complement(factors: &[i32], counts: &[(usize, &Counted)]) -> bool {
    let mut used = factors.iter().zip(counts).filter(|(f, _)| **f != 0);
    let mut pair = [used.next(), used.next()].into_iter().flatten();
    let is = |found: Option<(&i32, &(usize, &Counted))>| {
        found.map(|(factor, (_, count))| (*factor, count.whole))
    };
    let (first, second) = (is(pair.next()), is(pair.next()));
    used.next().is_none()
        && matches!(
            (first, second),
            (Some((1, Whole::Whole)), Some((-1, Whole::Part)))
                | (Some((-1, Whole::Part)), Some((1, Whole::Whole)))
        )
}

/// Rows and people of a union of atoms.
fn measure(atoms: &[Atom]) -> (u64, u64, Precision) {
    // `Evidence::validate` refuses sums that do not fit.
    let rows = atoms.iter().map(|a| a.rows).fold(0, u64::saturating_add);
    let sum = atoms.iter().map(|a| a.people).fold(0, u64::saturating_add);
    let largest = atoms.iter().map(|a| a.people).max().unwrap_or(0);
    if atoms.len() < 2 || sum == rows && sum == largest {
        (rows, largest, Precision::Exact)
    } else {
        // A person may have rows in two atoms, so the sum would count too many.
        (rows, largest, Precision::AtLeast)
    }
}

fn label(factors: &[i32], counts: &[(usize, &Counted)]) -> String {
    let part = |sign: i32| {
        factors
            .iter()
            .zip(counts)
            .filter(move |(factor, _)| **factor == sign)
            .map(|(_, (_, count))| count.label.as_str())
    };
    let plus: Vec<&str> = part(1).collect();
    let mut text = plus.join(" + ");
    for name in part(-1) {
        text.push_str(" - ");
        text.push_str(name);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Visible;

    fn counted(label: &str, whole: Whole) -> Counted {
        Counted {
            label: label.to_owned(),
            level: CountLevel::Rows,
            whole,
        }
    }

    fn group(atoms: &[(u32, u64)]) -> Group {
        let rows = atoms.iter().map(|a| a.1).sum();
        Group {
            key: vec![],
            set: 0,
            magnitudes: vec![],
            visible: Visible::Shown,
            people: rows,
            rows,
            values: vec![],
            behind: vec![],
            row_atoms: atoms
                .iter()
                .map(|(pattern, n)| Atom {
                    pattern: *pattern,
                    rows: *n,
                    people: *n,
                })
                .collect(),
            person_atoms: vec![],
        }
    }

    #[track_caller]
    fn check(counts: &[Counted], atoms: &[(u32, u64)], expected: &[(&str, u64)]) {
        let found = derived_sets(counts, &[], &group(atoms), 10);
        let found: Vec<(&str, u64)> = found.iter().map(|s| (s.label.as_str(), s.people)).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn twelve_of_fifteen_reveals_three() {
        let counts = [counted("n", Whole::Whole), counted("ill", Whole::Part)];
        check(&counts, &[(0b11, 12), (0b01, 3)], &[("n - ill", 3)]);
        check(&counts, &[(0b11, 12), (0b01, 10)], &[]);
        check(&counts, &[(0b11, 12)], &[("n - ill", 0)]);
    }

    #[test]
    fn nothing_missing_is_no_finding() {
        let counts = [counted("n", Whole::Whole), counted("x", Whole::Present)];
        check(&counts, &[(0b11, 12)], &[]);
        check(&counts, &[(0b11, 12), (0b01, 1)], &[("n - x", 1)]);
    }

    #[test]
    fn two_parts_leave_a_rest() {
        let counts = [
            counted("n", Whole::Whole),
            counted("men", Whole::Part),
            counted("women", Whole::Part),
        ];
        check(
            &counts,
            &[(0b011, 20), (0b101, 20), (0b001, 4)],
            &[("n - men - women", 4)],
        );
    }

    #[test]
    fn nested_parts_differ_and_crossing_parts_do_not() {
        let counts = [
            counted("over50", Whole::Part),
            counted("over51", Whole::Part),
        ];
        check(&counts, &[(0b11, 30), (0b01, 2)], &[("over50 - over51", 2)]);
        check(&counts, &[(0b11, 30), (0b01, 2), (0b10, 2)], &[]);
    }
}
