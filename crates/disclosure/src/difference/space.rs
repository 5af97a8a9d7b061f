//! The row space: which small groups follow from many released tables together.
//!
//! The people are cut into atoms: those who are in exactly the same cells of all the tables. A
//! group of atoms is determined if its indicator is a linear combination of the released cells.
//! One pass of elimination modulo a prime gives random vectors that are orthogonal to every
//! released cell; a group is determined exactly if its entries sum to zero (to an error of 2⁻⁶²), so
//! groups are found by hashing sums. Each group found is then proved with the combination itself,
//! in whole numbers.

#![allow(
    clippy::indexing_slicing,
    reason = "atoms and rows are numbered by the system that made the arrays"
)]

use std::collections::HashMap;

use super::release::Release;

/// The most atoms that are looked at together.
pub const ATOMS_MAX: usize = 1_500;
/// The most earlier tables that are looked at together with the new one.
pub const TOGETHER_MAX: usize = 12;
/// The most steps of elimination.
const STEPS_MAX: usize = 150_000_000;
/// A combination in whole numbers is divided by less than this; its sums fit 64 bits.
const DIVISOR_MAX: i64 = 1_000_000_000;
/// A Mersenne prime: products fit 64 bits.
const P: u64 = (1 << 31) - 1;

/// People who are in the same cells of every table of the system.
pub(crate) struct Atom {
    pub(crate) people: u32,
    /// Rows that count them.
    pub(crate) rows: Vec<u32>,
}

/// Released cells over atoms. Table 0 is the new one; the rows of earlier tables come first.
pub(crate) struct System {
    /// Table, cell.
    pub(crate) rows: Vec<(usize, u16)>,
    pub(crate) atoms: Vec<Atom>,
}

/// A group of atoms, and the combination of rows that counts it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Determined {
    pub(crate) atoms: Vec<usize>,
    pub(crate) people: u32,
    /// Row, factor; the group is their sum over `divisor`.
    pub(crate) terms: Vec<(usize, i64)>,
    pub(crate) divisor: i64,
}

impl System {
    /// Takes the tables in turn as long as the atoms stay few. `None` if even one earlier table
    /// makes too many.
    pub(crate) fn new(tables: &[&Release]) -> Option<Self> {
        let new = tables.first()?;
        let people = tables.iter().map(|t| t.population()).max()?;
        let mut at: Vec<u32> = vec![0; people];
        // Per atom, the label in each table taken.
        let mut labels: Vec<Vec<u16>> = vec![Vec::new()];
        let mut taken: Vec<usize> = Vec::new();
        let mut rows_of = 0;
        for (number, table) in tables.iter().enumerate() {
            let Some((next, next_labels)) = refined(&at, &labels, table) else {
                if number == 0 {
                    return None;
                }
                continue;
            };
            let shown = table.cells.iter().filter(|c| c.value.is_some()).count();
            let rows = rows_of + shown;
            if number > 0 && rows * rows * (next_labels.len() + rows) > STEPS_MAX {
                continue;
            }
            rows_of = rows;
            at = next;
            labels = next_labels;
            taken.push(number);
        }
        if taken.len() < 2 || taken[0] != 0 || new.population() == 0 {
            return None;
        }
        Some(Self::over(tables, &taken, &at, &labels))
    }

    /// One table by itself, an atom for each of its labels but the first.
    pub(crate) fn alone(table: &Release) -> Self {
        let rows = (0..table.cells.len() as u16)
            .map(|cell| (1, cell))
            .collect();
        let atoms = (1..table.within.len())
            .map(|label| Atom {
                people: 1,
                rows: table.shown_within(label).map(u32::from).collect(),
            })
            .collect();
        Self { rows, atoms }
    }

    /// For a table by itself: whether its cells add up to the people with these labels.
    pub(crate) fn counts(&self, labels: &[u16]) -> bool {
        let atoms: Vec<usize> = labels.iter().map(|l| usize::from(*l) - 1).collect();
        Basis::of(self).combination(self, &atoms).is_some()
    }

    fn over(tables: &[&Release], taken: &[usize], at: &[u32], labels: &[Vec<u16>]) -> Self {
        let mut rows = Vec::new();
        let mut number: HashMap<(usize, u16), u32> = HashMap::new();
        for &table in taken.iter().skip(1).chain(taken.first()) {
            for cell in 0..tables[table].cells.len() {
                if tables[table].is_shown(cell) {
                    number.insert((table, cell as u16), rows.len() as u32);
                    rows.push((table, cell as u16));
                }
            }
        }
        let mut atoms: Vec<Atom> = labels
            .iter()
            .map(|labels| {
                let mut rows = Vec::new();
                for (&table, &label) in taken.iter().zip(labels) {
                    for cell in tables[table].shown_within(usize::from(label)) {
                        rows.extend(number.get(&(table, cell)));
                    }
                }
                rows.sort_unstable();
                Atom { people: 0, rows }
            })
            .collect();
        for atom in at {
            atoms[*atom as usize].people += 1;
        }
        // Atoms that no reader can tell apart are one; those that nothing counts are none.
        let mut merged: HashMap<Vec<u32>, u32> = HashMap::new();
        for atom in atoms {
            *merged.entry(atom.rows).or_default() += atom.people;
        }
        let mut atoms: Vec<Atom> = merged
            .into_iter()
            .filter(|(rows, people)| !rows.is_empty() && *people > 0)
            .map(|(rows, people)| Atom { people, rows })
            .collect();
        atoms.sort_by(|a, b| a.rows.cmp(&b.rows));
        Self { rows, atoms }
    }

    /// Every minimal determined group of fewer than `minimum` people that the new table is needed
    /// for, up to four atoms (any number, where there are few). The second answer says whether that
    /// was all.
    pub(crate) fn small_groups(&self, minimum: u32) -> (Vec<Determined>, bool) {
        let basis = Basis::of(self);
        let hashes = basis.hashes(self.atoms.len());
        let small: Vec<usize> = (0..self.atoms.len())
            .filter(|a| self.atoms[*a].people < minimum)
            .collect();
        let (groups, is_all) = zero_sums(&small, &hashes, |a| self.atoms[a].people, minimum);
        let mut found = Vec::new();
        for atoms in groups {
            let people = atoms.iter().map(|a| self.atoms[*a].people).sum();
            if let Some(mut determined) = basis.combination(self, &atoms) {
                determined.people = people;
                let is_new = |row: usize| self.rows[row].0 == 0;
                if determined.terms.iter().any(|(row, _)| is_new(*row)) {
                    found.push(determined);
                }
            }
        }
        (found, is_all)
    }

    /// Whether the combination is the group's indicator, in whole numbers.
    fn holds(&self, determined: &Determined) -> bool {
        let mut factor = vec![0_i64; self.rows.len()];
        for &(row, f) in &determined.terms {
            factor[row] = f;
        }
        self.atoms.iter().enumerate().all(|(index, atom)| {
            let sum: i64 = atom.rows.iter().map(|row| factor[*row as usize]).sum();
            let wanted = if determined.atoms.contains(&index) {
                determined.divisor
            } else {
                0
            };
            sum == wanted
        })
    }
}

/// The atoms cut by one more table; `None` if they become too many.
fn refined(at: &[u32], labels: &[Vec<u16>], table: &Release) -> Option<(Vec<u32>, Vec<Vec<u16>>)> {
    let mut number: HashMap<(u32, u16), u32> = HashMap::new();
    let mut next_labels: Vec<Vec<u16>> = Vec::new();
    let mut next = Vec::with_capacity(at.len());
    let mut last = ((u32::MAX, 0), 0);
    for (person, &atom) in at.iter().enumerate() {
        let key = (atom, table.labels.get(person));
        if key != last.0 {
            let fresh = number.len() as u32;
            let atom_now = *number.entry(key).or_insert(fresh);
            if atom_now == fresh && next_labels.len() == fresh as usize {
                if next_labels.len() >= ATOMS_MAX {
                    return None;
                }
                let mut now = labels[atom as usize].clone();
                now.push(key.1);
                next_labels.push(now);
            }
            last = (key, atom_now);
        }
        next.push(last.1);
    }
    Some((next, next_labels))
}

/// Rows in echelon form, each with the combination of released cells that it is.
struct Basis {
    rows: Vec<(usize, Vec<u32>, Vec<u32>)>,
}

impl Basis {
    fn of(system: &System) -> Self {
        let mut dense = vec![vec![0_u32; system.atoms.len()]; system.rows.len()];
        for (atom, it) in system.atoms.iter().enumerate() {
            for row in &it.rows {
                dense[*row as usize][atom] = 1;
            }
        }
        let mut basis = Self { rows: Vec::new() };
        let count = dense.len();
        for (index, mut row) in dense.into_iter().enumerate() {
            let mut combination = vec![0_u32; count];
            combination[index] = 1;
            for (pivot, below, its) in &basis.rows {
                let factor = row[*pivot];
                if factor != 0 {
                    subtract(&mut row, below, factor);
                    subtract(&mut combination, its, factor);
                }
            }
            // A large group first: what is asked about stays free.
            let pivot = (0..row.len())
                .filter(|c| row[*c] != 0)
                .max_by_key(|c| system.atoms[*c].people);
            if let Some(pivot) = pivot {
                let scale = inverse(u64::from(row[pivot]));
                for value in row.iter_mut().chain(&mut combination) {
                    *value = (u64::from(*value) * scale % P) as u32;
                }
                basis.rows.push((pivot, row, combination));
            }
        }
        basis
    }

    /// Two random vectors orthogonal to every row, one number each per atom.
    fn hashes(&self, atoms: usize) -> Vec<Hash> {
        let mut state = 0x2545_f491_4f6c_dd1d_u64;
        let mut random = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state % P
        };
        let mut hashes: Vec<Hash> = (0..atoms).map(|_| (random(), random())).collect();
        for (pivot, row, _) in self.rows.iter().rev() {
            let (mut a, mut b) = (0, 0);
            for (column, &value) in row.iter().enumerate() {
                if value != 0 && column != *pivot {
                    a = (a + u64::from(value) * hashes[column].0) % P;
                    b = (b + u64::from(value) * hashes[column].1) % P;
                }
            }
            hashes[*pivot] = ((P - a) % P, (P - b) % P);
        }
        hashes
    }

    /// The combination of rows that counts a group of atoms, proved in whole numbers.
    fn combination(&self, system: &System, atoms: &[usize]) -> Option<Determined> {
        let mut left = vec![0_u32; system.atoms.len()];
        for atom in atoms {
            left[*atom] = 1;
        }
        let mut minus = vec![0_u32; system.rows.len()];
        for (pivot, row, combination) in &self.rows {
            let factor = left[*pivot];
            if factor != 0 {
                subtract(&mut left, row, factor);
                subtract(&mut minus, combination, factor);
            }
        }
        if left.iter().any(|v| *v != 0) {
            return None;
        }
        let factors: Vec<(usize, Ratio)> = minus
            .iter()
            .enumerate()
            .filter(|(_, v)| **v != 0)
            .map(|(row, v)| Some((row, ratio((P - u64::from(*v)) % P)?)))
            .collect::<Option<_>>()?;
        let divisor = factors.iter().try_fold(1_i64, |all, (_, (_, below))| {
            let all = all / gcd(all, *below) * below;
            (all < DIVISOR_MAX).then_some(all)
        })?;
        let terms = factors
            .iter()
            .map(|(row, (above, below))| (*row, above * (divisor / below)));
        let determined = Determined {
            atoms: atoms.to_vec(),
            people: 0,
            terms: terms.collect(),
            divisor,
        };
        system.holds(&determined).then_some(determined)
    }
}

/// A fraction in whole numbers.
type Ratio = (i64, i64);

/// The fraction that a number modulo P stands for, if one with few digits does (Wang 1981, rational reconstruction by
/// the extended Euclidean algorithm).
fn ratio(value: u64) -> Option<Ratio> {
    // Two such fractions are never the same number modulo P: 2 n² < P.
    const DIGITS: i64 = 32_767;
    let (mut above, mut below) = ((P as i64, value as i64), (0_i64, 1_i64));
    while above.1 > DIGITS {
        let times = above.0 / above.1;
        above = (above.1, above.0 - times * above.1);
        below = (below.1, below.0 - times * below.1);
    }
    (below.1 != 0 && below.1.abs() <= DIGITS).then(|| (above.1 * below.1.signum(), below.1.abs()))
}

fn gcd(a: i64, b: i64) -> i64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

fn subtract(row: &mut [u32], other: &[u32], factor: u32) {
    let factor = P - u64::from(factor);
    for (value, other) in row.iter_mut().zip(other) {
        if *other != 0 {
            *value = ((u64::from(*value) + factor * u64::from(*other)) % P) as u32;
        }
    }
}

/// The inverse modulo P, by Fermat.
fn inverse(value: u64) -> u64 {
    let (mut base, mut exponent, mut result) = (value % P, P - 2, 1);
    while exponent > 0 {
        if exponent & 1 == 1 {
            result = result * base % P;
        }
        base = base * base % P;
        exponent >>= 1;
    }
    result
}

/// Up to this many small atoms, groups of any size are tried.
const FEW: usize = 16;
/// Up to this many, groups of four.
const SOME: usize = 160;
/// Up to this many, groups of three.
const MANY: usize = 700;

type Hash = (u64, u64);

fn plus(a: Hash, b: Hash) -> Hash {
    ((a.0 + b.0) % P, (a.1 + b.1) % P)
}

fn negative(h: Hash) -> Hash {
    ((P - h.0) % P, (P - h.1) % P)
}

/// Minimal groups whose hashes sum to zero and that have fewer than `minimum` people, and
/// whether groups of every size were tried.
fn zero_sums(
    small: &[usize],
    hashes: &[Hash],
    people: impl Fn(usize) -> u32,
    minimum: u32,
) -> (Vec<Vec<usize>>, bool) {
    let (ones, open): (Vec<usize>, Vec<usize>) =
        small.iter().copied().partition(|a| hashes[*a] == (0, 0));
    let mut groups = if open.len() <= FEW {
        of_any_size(&open, hashes)
    } else {
        of_two_to_four(&open, hashes)
    };
    groups.retain(|group| group.iter().map(|a| people(*a)).sum::<u32>() < minimum);
    groups.extend(ones.into_iter().map(|a| vec![a]));
    groups.sort_by(|a, b| a.len().cmp(&b.len()).then_with(|| a.cmp(b)));
    groups.dedup();
    let mut minimal: Vec<Vec<usize>> = Vec::new();
    for group in groups {
        let holds = |smaller: &Vec<usize>| smaller.iter().all(|a| group.contains(a));
        if !minimal.iter().any(holds) {
            minimal.push(group);
        }
    }
    (minimal, open.len() <= FEW)
}

fn of_any_size(open: &[usize], hashes: &[Hash]) -> Vec<Vec<usize>> {
    let mut groups = Vec::new();
    // Sums over the subsets, each from one with an atom less.
    let mut sums: Vec<Hash> = vec![(0, 0)];
    for mask in 1_usize..(1 << open.len()) {
        let lowest = mask.trailing_zeros() as usize;
        let sum = plus(sums[mask & (mask - 1)], hashes[open[lowest]]);
        sums.push(sum);
        if sum == (0, 0) {
            let inside = (0..open.len()).filter(|i| mask >> i & 1 == 1);
            groups.push(inside.map(|i| open[i]).collect());
        }
    }
    groups
}

fn of_two_to_four(open: &[usize], hashes: &[Hash]) -> Vec<Vec<usize>> {
    let mut groups = Vec::new();
    let mut ones: HashMap<Hash, Vec<usize>> = HashMap::new();
    for &a in open {
        ones.entry(hashes[a]).or_default().push(a);
    }
    let mut pairs: HashMap<Hash, Vec<(usize, usize)>> = HashMap::new();
    for (i, &a) in open.iter().enumerate() {
        let others = ones.get(&negative(hashes[a])).into_iter().flatten();
        groups.extend(others.filter(|b| **b > a).map(|b| vec![a, *b]));
        if open.len() > MANY {
            continue;
        }
        for &b in open.iter().skip(i + 1) {
            let sum = plus(hashes[a], hashes[b]);
            let others = ones.get(&negative(sum)).into_iter().flatten();
            groups.extend(others.filter(|c| **c > b).map(|c| vec![a, b, *c]));
            if open.len() > SOME {
                continue;
            }
            for &(c, d) in pairs.get(&negative(sum)).into_iter().flatten() {
                if ![a, b].contains(&c) && ![a, b].contains(&d) {
                    let mut group = vec![a, b, c, d];
                    group.sort_unstable();
                    groups.push(group);
                }
            }
            pairs.entry(sum).or_default().push((a, b));
        }
    }
    groups
}
