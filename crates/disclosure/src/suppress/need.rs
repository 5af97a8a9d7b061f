//! What must be shown for a pattern to be safe, and how it is checked.

use super::table::{Cell, CellStatus, Table};

/// A direction in which a primary cell must be able to move.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Side {
    /// Up by at least this much.
    Up(f64),
    /// Down by at least this much.
    Down(f64),
    /// Up or down by at least this much.
    Either(f64),
    /// The distance between the highest and the lowest possible value is at least this much.
    Width(f64),
}

/// One thing that a pattern must allow.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Need {
    /// Index of the primary cell.
    pub cell: u32,
    /// What it must be able to do.
    pub side: Side,
    /// Against a reader who knows the cells of this respondent; `None` for any reader.
    pub against: Option<u32>,
}

/// A table that the attacker cannot tell from the true one, as differences from it: index of a
/// hidden cell, difference. Cells not named do not differ.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Witness(pub Vec<(u32, f64)>);

impl Witness {
    /// The difference at a cell.
    pub fn at(&self, cell: u32) -> f64 {
        self.0
            .iter()
            .find(|(c, _)| *c == cell)
            .map_or(0.0, |(_, d)| *d)
    }

    pub(crate) fn scaled(&self, factor: f64) -> Self {
        Self(self.0.iter().map(|&(c, d)| (c, d * factor)).collect())
    }
}

/// Part of a level that may be missing because of rounding.
const SLACK: f64 = 1e-6;

impl Side {
    /// Whether one of these tables, or two of them together, do what is asked.
    fn is_met(self, cell: u32, witnesses: &[Witness]) -> bool {
        let moves = || witnesses.iter().map(|w| w.at(cell));
        let up = moves().fold(0.0, f64::max);
        let down = -moves().fold(0.0, f64::min);
        let enough = |reach: f64, level: f64| reach >= level - SLACK * level.abs();
        match self {
            Self::Up(level) => enough(up, level),
            Self::Down(level) => enough(down, level),
            Self::Either(level) => enough(up.max(down), level),
            Self::Width(level) => enough(up + down, level),
        }
    }
}

/// The needs of the primary cells against any reader: both sides, and the sliding level where it
/// asks for more than the two together.
pub(crate) fn needs(table: &Table) -> Vec<Need> {
    let mut needs = Vec::new();
    for (index, cell) in table.cells().iter().enumerate() {
        if cell.status == CellStatus::Primary {
            of_cell(table, index, cell, &mut needs);
        }
    }
    needs
}

fn of_cell(table: &Table, index: usize, cell: &Cell, needs: &mut Vec<Need>) {
    let mut push = |side| {
        needs.push(Need {
            cell: index as u32,
            side,
            against: None,
        });
    };
    let levels = cell.levels;
    if levels.is_exact() {
        push(Side::Either(table.grain(index)));
        return;
    }
    if levels.upper > 0.0 {
        push(Side::Up(levels.upper));
    }
    if levels.lower > 0.0 {
        push(Side::Down(levels.lower));
    }
    if levels.sliding > levels.upper + levels.lower {
        push(Side::Width(levels.sliding));
    }
}

/// Whether the witnesses show that the pattern meets the need: each is a table with the published
/// cells as they are, every equation kept, every bound kept, the respondent's own cells as they
/// are, and the primary cell as far away as asked. Uses the equations alone, no solver.
pub fn verify(table: &Table, hidden: &[bool], need: &Need, witnesses: &[Witness]) -> bool {
    witnesses
        .iter()
        .all(|w| is_possible(table, hidden, need.against, w))
        && need.side.is_met(need.cell, witnesses)
}

fn is_possible(table: &Table, hidden: &[bool], against: Option<u32>, witness: &Witness) -> bool {
    let mut left: std::collections::BTreeMap<u32, (f64, f64)> = std::collections::BTreeMap::new();
    for &(index, difference) in &witness.0 {
        let i = index as usize;
        let (Some(cell), Some(true)) = (table.cells().get(i), hidden.get(i)) else {
            return false;
        };
        if against.is_some() && cell.holder == against {
            return false;
        }
        let moved = cell.value + difference;
        let slack = SLACK * (difference.abs() + 1e-3 * cell.value.abs());
        if !difference.is_finite()
            || moved < cell.bounds.lower - slack
            || moved > cell.bounds.upper + slack
        {
            return false;
        }
        for &(row, coefficient) in table.columns().get(i).map_or(&[][..], Vec::as_slice) {
            let (sum, size) = left.entry(row).or_default();
            *sum += coefficient * difference;
            *size += (coefficient * difference).abs();
        }
    }
    left.values()
        .all(|(sum, size)| sum.abs() <= 2.0 * SLACK * size.max(1e-9))
}
