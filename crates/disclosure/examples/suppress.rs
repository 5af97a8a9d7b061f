//! Generates suppression problems, solves them, and says what it took.
//!
//! `suppress bench` measures a spread of sizes; `suppress write KIND SIZE SEED` prints one problem in
//! the JJ format, for other solvers.
#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a measuring program speaks on standard output and may stop"
)]

use disclosure::jj;
use disclosure::suppress::{
    Bounds, Cell, CellStatus, EFFORT, Equation, Levels, Table, attack, suppress,
};

struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
    fn share(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }
}

/// One dimension: for each code its parent; code 0 is the total.
fn flat(n: usize) -> Vec<Option<usize>> {
    std::iter::once(None)
        .chain((1..=n).map(|_| Some(0)))
        .collect()
}

/// Total, groups, members.
fn nested(groups: usize, members: usize) -> Vec<Option<usize>> {
    let mut parents = vec![None];
    for _ in 0..groups {
        let group = parents.len();
        parents.push(Some(0));
        parents.extend((0..members).map(|_| Some(group)));
    }
    parents
}

/// The dimensions of a table, and the numbers of its cells.
struct Shape<'a> {
    dimensions: &'a [Vec<Option<usize>>],
}

impl Shape<'_> {
    fn count(&self) -> usize {
        self.dimensions.iter().map(Vec::len).product()
    }

    fn place(&self, mut index: usize) -> Vec<usize> {
        let code = |dimension: &Vec<Option<usize>>| {
            let code = index % dimension.len();
            index /= dimension.len();
            code
        };
        self.dimensions.iter().map(code).collect()
    }

    fn number(&self, place: &[usize]) -> usize {
        let digits = place.iter().zip(self.dimensions).rev();
        digits.fold(0, |index, (code, d)| index * d.len() + code)
    }

    fn is_leaf(&self, d: usize, code: usize) -> bool {
        !self.dimensions[d].contains(&Some(code))
    }

    fn is_inner(&self, place: &[usize]) -> bool {
        place
            .iter()
            .enumerate()
            .all(|(d, code)| self.is_leaf(d, *code))
    }

    /// A cell and all its totals.
    fn above(&self, place: &[usize]) -> Vec<Vec<usize>> {
        let mut above = vec![place.to_vec()];
        for d in 0..place.len() {
            for one in above.clone() {
                let mut up = one;
                while let Some(parent) = self.dimensions[d][up[d]] {
                    up[d] = parent;
                    above.push(up.clone());
                }
            }
        }
        above
    }

    fn equations(&self) -> Vec<Equation> {
        let mut equations = Vec::new();
        for index in 0..self.count() {
            let at = self.place(index);
            for d in (0..at.len()).filter(|d| !self.is_leaf(*d, at[*d])) {
                let mut terms = vec![(index, -1.0)];
                let parents = self.dimensions[d].iter().enumerate();
                for (code, _) in parents.filter(|(_, parent)| **parent == Some(at[d])) {
                    let mut child = at.clone();
                    child[d] = code;
                    terms.push((self.number(&child), 1.0));
                }
                equations.push(Equation { rhs: 0.0, terms });
            }
        }
        equations
    }
}

/// A table over dimensions with skewed magnitudes, a share of it primary, linked by its margins.
fn generate(dimensions: &[Vec<Option<usize>>], primaries: f64, seed: u64) -> Table {
    let mut dice = Dice(seed);
    let shape = Shape { dimensions };
    let mut value = vec![0.0; shape.count()];
    for index in 0..value.len() {
        let at = shape.place(index);
        if !shape.is_inner(&at) {
            continue;
        }
        let draw = if dice.share() < 0.1 {
            0.0
        } else {
            (-200.0 * (1.0 - dice.share()).ln()).ceil()
        };
        for one in shape.above(&at) {
            value[shape.number(&one)] += draw;
        }
    }
    let cells = value.iter().enumerate().map(|(index, value)| {
        let is_inner = shape.is_inner(&shape.place(index));
        let is_primary = is_inner && *value > 0.0 && dice.share() < primaries;
        cell(
            index,
            *value,
            is_primary,
            (value * (0.05 + 0.15 * dice.share())).ceil(),
        )
    });
    Table::new(cells.collect(), shape.equations()).unwrap()
}

fn cell(index: usize, value: f64, is_primary: bool, level: f64) -> Cell {
    let (status, levels) = if is_primary {
        let levels = Levels {
            lower: level.min(value),
            upper: level,
            sliding: 0.0,
        };
        (CellStatus::Primary, levels)
    } else {
        (CellStatus::Safe, Levels::EXACT)
    };
    Cell {
        id: index as i64,
        value,
        cost: value.max(1.0),
        status,
        bounds: Bounds {
            lower: 0.0,
            upper: 2.0 * value + 10.0,
        },
        levels,
        holder: None,
    }
}

fn kind(name: &str, seed: u64) -> Table {
    match name {
        "two-way-42" => generate(&[flat(6), flat(5)], 0.13, seed),
        "two-way-121" => generate(&[flat(10), flat(10)], 0.06, seed),
        "two-way-105" => generate(&[flat(14), flat(6)], 0.18, seed),
        "three-way-64" => generate(&[flat(3), flat(3), flat(3)], 0.12, seed),
        "nested-175" => generate(&[nested(6, 3), flat(6)], 0.05, seed),
        "three-way-1k" => generate(&[flat(9), flat(9), flat(9)], 0.1, seed),
        "three-way-10k" => generate(&[flat(20), flat(20), flat(22)], 0.05, seed),
        "three-way-10k-nested" => generate(&[nested(5, 4), nested(4, 4), flat(17)], 0.05, seed),
        "two-way-10k" => generate(&[nested(14, 6), flat(100)], 0.08, seed),
        "three-way-10k-many" => generate(&[flat(20), flat(20), flat(22)], 0.15, seed),
        _ => panic!("no such kind"),
    }
}

fn cpu_s() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after = stat.rsplit(')').next().unwrap_or_default();
    let ticks: Vec<f64> = after
        .split_whitespace()
        .skip(11)
        .take(2)
        .filter_map(|t| t.parse().ok())
        .collect();
    ticks.iter().sum::<f64>() / 100.0
}

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["write", name, seed] => print!("{}", jj::write(&kind(name, seed.parse().unwrap()))),
        ["bench", names @ ..] => {
            let all = [
                "two-way-42",
                "three-way-64",
                "two-way-105",
                "two-way-121",
                "nested-175",
                "three-way-1k",
                "two-way-10k",
                "three-way-10k",
                "three-way-10k-many",
                "three-way-10k-nested",
            ];
            let names = if names.is_empty() { &all[..] } else { names };
            println!(
                "{:22} {:>6} {:>9} {:>7} {:>7} {:>12} {:>6} {:>7}",
                "table", "cells", "equations", "primary", "hidden", "cost", "safe", "CPU s"
            );
            for name in names {
                let table = kind(name, 1);
                let start = cpu_s();
                let found = suppress(&table, EFFORT);
                let seconds = cpu_s() - start;
                let primary = table
                    .cells()
                    .iter()
                    .filter(|c| c.status == CellStatus::Primary);
                println!(
                    "{name:22} {:>6} {:>9} {:>7} {:>7} {:>12} {:>6} {seconds:>7.2}",
                    table.cells().len(),
                    table.rows().len(),
                    primary.count(),
                    found.hidden.len(),
                    found.cost,
                    found.proved_safe,
                );
                if table.cells().len() < 500 {
                    let mut hidden = vec![false; table.cells().len()];
                    for &cell in &found.hidden {
                        hidden[cell] = true;
                    }
                    assert!(attack(&table, &hidden, None).is_safe(), "{name}");
                }
            }
        }
        _ => println!("suppress bench [KIND…] | suppress write KIND SEED"),
    }
}
