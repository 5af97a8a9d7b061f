//! The definition, by brute force: a group of people is isolated if its indicator is a linear
//! combination of the indicators of released cells. Every small group of people is tried, with exact
//! elimination over people. Shares no code with what it tests.

use super::*;
use proptest::prelude::*;

/// Echelon rows over the rationals, as whole numbers (rows are scaled at will).
#[derive(Clone, Default)]
struct Span(Vec<Vec<i128>>);

impl Span {
    fn reduce(&self, mut row: Vec<i128>) -> Vec<i128> {
        for basis in &self.0 {
            let pivot = basis.iter().position(|v| *v != 0).unwrap();
            let (a, b) = (basis[pivot], row[pivot]);
            if b != 0 {
                for (v, w) in row.iter_mut().zip(basis) {
                    *v = *v * a - w * b;
                }
                let g = row.iter().fold(0, |g, v| gcd(g, *v)).max(1);
                row.iter_mut().for_each(|v| *v /= g);
            }
        }
        row
    }

    fn add(&mut self, row: Vec<i128>) {
        let row = self.reduce(row);
        if row.iter().any(|v| *v != 0) {
            self.0.push(row);
        }
    }

    fn holds(&self, row: Vec<i128>) -> bool {
        self.reduce(row).iter().all(|v| *v == 0)
    }
}

fn gcd(a: i128, b: i128) -> i128 {
    if b == 0 { a.abs() } else { gcd(b, a % b) }
}

fn indicator(people: &[u32], n: usize) -> Vec<i128> {
    (0..n as u32)
        .map(|p| i128::from(people.contains(&p)))
        .collect()
}

/// All groups of 1 to `most` of `n` people.
fn groups(n: u32, most: usize) -> Vec<Vec<u32>> {
    let mut all: Vec<Vec<u32>> = vec![Vec::new()];
    let mut from = 0;
    for _ in 0..most {
        let to = all.len();
        for index in from..to {
            let next = all[index].last().map_or(0, |p| p + 1);
            for person in next..n {
                let mut group = all[index].clone();
                group.push(person);
                all.push(group);
            }
        }
        from = to;
    }
    all.remove(0);
    all
}

/// The smallest group that new and earlier cells isolate and earlier ones alone do not.
fn smallest(new: &[Vec<u32>], earlier: &[Vec<Vec<u32>>], n: u32, minimum: usize) -> Option<usize> {
    let mut before = Span::default();
    for cell in earlier.iter().flatten() {
        before.add(indicator(cell, n as usize));
    }
    let mut after = before.clone();
    for cell in new {
        after.add(indicator(cell, n as usize));
    }
    groups(n, minimum - 1)
        .into_iter()
        .filter(|g| {
            let row = indicator(g, n as usize);
            after.holds(row.clone()) && !before.holds(row)
        })
        .map(|g| g.len())
        .min()
}

/// A partition of some of the people: per person the cell, or none.
fn partition(labels: &[usize], cells: usize) -> Vec<Vec<u32>> {
    (1..=cells)
        .map(|c| {
            (0..labels.len() as u32)
                .filter(|p| labels[*p as usize] == c)
                .collect()
        })
        .filter(|cell: &Vec<u32>| !cell.is_empty())
        .collect()
}

fn as_release(name: &str, n: u32, cells: &[Vec<u32>]) -> Release {
    let named: Vec<(&str, Vec<u32>)> = cells.iter().map(|c| ("cell", c.clone())).collect();
    release(name, n as usize, &named)
}

fn any_table(n: usize) -> impl Strategy<Value = Vec<Vec<u32>>> {
    (
        proptest::collection::vec(0_usize..4, n),
        proptest::collection::vec(0_usize..3, n),
        0_u8..4,
    )
        .prop_map(|(labels, more, kind)| {
            let mut cells = partition(&labels, 3);
            match kind {
                // A total; then a second way to cut, for cells that overlap.
                0 => cells.push(
                    (0..labels.len() as u32)
                        .filter(|p| labels[*p as usize] > 0)
                        .collect(),
                ),
                1 => cells.extend(partition(&more, 2)),
                _ => {}
            }
            cells.retain(|c| !c.is_empty());
            cells
        })
}

/// Found by chance: everybody follows, by combinations that are divided by more than a dozen.
#[test]
fn combinations_of_any_divisor_are_found() {
    let new = vec![
        vec![0, 2, 4, 7],
        vec![8, 10],
        vec![0, 4, 5, 6, 8],
        vec![1, 2, 3],
    ];
    let earlier = [
        vec![
            vec![0, 1],
            vec![2, 4, 5, 10],
            vec![3, 6, 7, 8],
            vec![6, 7, 10],
            vec![1, 5, 8],
        ],
        vec![
            vec![0, 3, 5, 7],
            vec![2, 6, 8],
            vec![1, 4, 10],
            (0..9).chain([10]).collect(),
        ],
    ];
    assert_eq!(smallest(&new, &earlier, 11, 4), Some(1));
    let releases: Vec<Release> = earlier.iter().map(|t| as_release("old", 11, t)).collect();
    let found = compare(&as_release("this", 11, &new), &releases, 4);
    let alone = found
        .iter()
        .filter(|f| f.how == Isolated::Exactly && f.people == 1);
    assert!(alone.clone().count() > 0, "{found:?}");
    assert!(alone.clone().any(|f| f.proof.divisor > 12), "{found:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    /// Recall over whole histories; and every finding is true, by its own arithmetic.
    #[test]
    fn what_a_history_and_a_new_table_isolate_is_found(
        new in any_table(11),
        earlier in proptest::collection::vec(any_table(11), 1..4),
    ) {
        let expected = smallest(&new, &earlier, 11, 4);
        let releases: Vec<Release> = earlier.iter().map(|t| as_release("old", 11, t)).collect();
        let found = compare(&as_release("this", 11, &new), &releases, 4);
        let exact: Vec<_> = found.iter().filter(|f| f.how == Isolated::Exactly).collect();
        let least = exact.iter().map(|f| f.people as usize).min();
        match expected {
            Some(expected) => prop_assert!(least.is_some_and(|l| l <= expected), "{:?}", exact),
            // Only what earlier tables isolated already may be told again.
            None => for isolation in &exact {
                prop_assert!(isolation.people < 4);
                prop_assert!(earlier.len() > 1, "{:?}", isolation);
            },
        }
        // The arithmetic of every proof, done on the people.
        for isolation in exact {
            let mut sum = [0_i64; 11];
            for term in &isolation.proof.terms {
                let cell = match term.earlier {
                    None => &new[term.cell],
                    Some(place) => &earlier[place][term.cell],
                };
                cell.iter().for_each(|p| sum[*p as usize] += term.factor);
            }
            let ones = sum.iter().filter(|v| **v == isolation.proof.divisor).count();
            let zeros = sum.iter().filter(|v| **v == 0).count();
            prop_assert_eq!((ones, ones + zeros), (isolation.people as usize, 11));
        }
    }

    /// The cuts of two partitions alone, on more people than the row space takes.
    #[test]
    fn two_partitions_isolate_a_group_exactly_when_a_light_cut_is_found(
        new in proptest::collection::vec(0_usize..6, 16),
        old in proptest::collection::vec(0_usize..6, 16),
    ) {
        let mut counts = std::collections::BTreeMap::new();
        for (a, b) in new.iter().zip(&old) {
            *counts.entry((*a as u16, *b as u16)).or_insert(0_u32) += 1;
        }
        let overlaps: Vec<(u16, u16, u32)> = counts.into_iter().map(|((a, b), n)| (a, b, n)).collect();
        let mut cells = partition(&new, 5);
        cells.extend(partition(&old, 5));
        let expected = smallest(&cells, &[], 16, 3);
        let found = cuts(&overlaps, 3);
        prop_assert_eq!(found.iter().map(|c| c.people as usize).min(), expected);
    }
}
