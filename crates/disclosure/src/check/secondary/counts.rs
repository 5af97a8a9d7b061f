//! All counts of the rows in one problem.
//!
//! The rows of a group are cut into atoms, those that are in exactly these counts and not in those. Atoms add up
//! to margins as groups do, and each count is the sum of its atoms: then what a part tells of its whole is in
//! the equations, with the bound that no atom has fewer than no rows.

use std::collections::{BTreeMap, BTreeSet};

use super::{Problem, Unsafe, linked, of_kind};
use crate::derive::derived_sets;
use crate::evidence::{Atom, CountLevel, Evidence, Group, Kind, Whole};
use crate::suppress::{Bounds, CellStatus, Levels, RequestCell, RequestTable, Tie};
use crate::{Datum, ZeroRule};

/// What is counted, and the measure that shows it; none if it is counted inside a share.
struct Quantity {
    column: Option<usize>,
    whole: Whole,
}

/// The problem of the counts. The outer `None`: it cannot be posed. The inner: there are no counts.
#[expect(
    clippy::option_option,
    reason = "a table without counts is an answer, and one whose counts cannot be added up is another"
)]
pub(super) fn problem(found: &Unsafe<'_>) -> Option<Option<Problem>> {
    let quantities = quantities(found.evidence, found.policy.limits().row_counts)?;
    if quantities.is_empty() {
        return Some(None);
    }
    let atoms = Atoms::of(found.evidence, &quantities)?;
    let cells = (found.evidence.groups.len() + found.empty.len())
        * (quantities.len() + atoms.patterns.len());
    if !found.may_have(cells) {
        return None;
    }
    let mut draft = Draft::new(found, &quantities, &atoms);
    draft.add_atoms()?;
    for group in 0..found.evidence.groups.len() {
        draft.add_group(group)?;
    }
    for number in 0..found.empty.len() {
        draft.add_empty(number)?;
    }
    draft.finish().map(Some)
}

/// `None` if a column shows a count that is not among those that can be subtracted, or there are more than `most`.
fn quantities(evidence: &Evidence, most: u64) -> Option<Vec<Quantity>> {
    let measures: Vec<&str> = evidence.measures().map(|(name, _)| name).collect();
    let columns: Vec<usize> = of_kind(evidence, |kind| kind == Kind::Count).collect();
    if evidence.counts.is_empty() {
        // A lone count may come without its description.
        let alone = |column: &usize| Quantity {
            column: Some(*column),
            whole: Whole::Whole,
        };
        return (columns.len() < 2).then(|| columns.iter().map(alone).collect());
    }
    if evidence.counts.len() as u64 > most {
        return None;
    }
    let quantities: Vec<Quantity> = evidence
        .counts
        .iter()
        .map(|count| Quantity {
            column: columns
                .iter()
                .copied()
                .find(|column| measures.get(*column) == Some(&count.label.as_str())),
            whole: count.whole,
        })
        .collect();
    let shown: BTreeSet<usize> = quantities.iter().filter_map(|one| one.column).collect();
    (shown.len() == columns.len()).then_some(quantities)
}

/// How many rows (or people) of each group are in exactly each combination of counts.
struct Atoms {
    patterns: Vec<u32>,
    sizes: Vec<BTreeMap<u32, u64>>,
}

impl Atoms {
    /// `None` where rows and people are counted side by side and differ: they do not add up together.
    fn of(evidence: &Evidence, quantities: &[Quantity]) -> Option<Self> {
        let mut sizes = Vec::new();
        for (index, group) in evidence.groups.iter().enumerate() {
            sizes.push(match quantities {
                [only] => BTreeMap::from([(1, lone(evidence, index, only)?)]),
                _ => Self::of_group(evidence, group)?,
            });
        }
        let patterns: BTreeSet<u32> = sizes.iter().flat_map(|of| of.keys().copied()).collect();
        Some(Self {
            patterns: patterns
                .into_iter()
                .filter(|pattern| *pattern != 0)
                .collect(),
            sizes,
        })
    }

    fn of_group(evidence: &Evidence, group: &Group) -> Option<BTreeMap<u32, u64>> {
        let all = |level| evidence.counts.iter().all(|count| count.level == level);
        let sizes = |atoms: &[Atom], size: fn(&Atom) -> u64| {
            atoms
                .iter()
                .map(|atom| (atom.pattern, size(atom)))
                .collect()
        };
        if all(CountLevel::Rows) || group.rows == group.people {
            return Some(sizes(&group.row_atoms, |atom| atom.rows));
        }
        all(CountLevel::People).then(|| sizes(&group.person_atoms, |atom| atom.people))
    }

    fn count(&self, group: usize, quantity: usize) -> u64 {
        let sizes = self.sizes.get(group).into_iter().flatten();
        sizes
            .filter(|(pattern, _)| is_in(**pattern, quantity))
            .map(|(_, size)| size)
            .sum()
    }
}

fn is_in(pattern: u32, quantity: usize) -> bool {
    u32::try_from(quantity).is_ok_and(|bit| pattern >> bit & 1 == 1)
}

fn lone(evidence: &Evidence, group: usize, quantity: &Quantity) -> Option<u64> {
    let group = evidence.groups.get(group)?;
    count(evidence.measured(&group.values).nth(quantity.column?)?)
}

/// A count as a row shows it.
fn count(value: &Datum) -> Option<u64> {
    value.text()?.parse().ok()
}

/// Group, measure, and table and cell of what it shows.
type Shows = (usize, usize, Vec<(usize, usize)>);

struct Draft<'a> {
    found: &'a Unsafe<'a>,
    quantities: &'a [Quantity],
    atoms: &'a Atoms,
    tables: Vec<RequestTable>,
    ties: Vec<Tie>,
    shows: Vec<Shows>,
}

impl<'a> Draft<'a> {
    fn new(found: &'a Unsafe<'a>, quantities: &'a [Quantity], atoms: &'a Atoms) -> Self {
        Self {
            found,
            quantities,
            atoms,
            tables: Vec::new(),
            ties: Vec::new(),
            shows: Vec::new(),
        }
    }

    /// A table of each atom, a cell a group; combinations that nobody has come last.
    fn add_atoms(&mut self) -> Option<()> {
        for pattern in &self.atoms.patterns {
            let mut cells = Vec::new();
            for (index, group) in self.found.evidence.groups.iter().enumerate() {
                let size = self
                    .atoms
                    .sizes
                    .get(index)?
                    .get(pattern)
                    .copied()
                    .unwrap_or(0);
                cells.push(RequestCell {
                    place: self.found.place(group.set, &group.key)?,
                    holder: self.found.alone.get(&index).copied(),
                    ..unseen(size)
                });
            }
            for one in &self.found.empty {
                cells.push(RequestCell {
                    place: self.found.place(one.set, &one.key)?,
                    ..unseen(0)
                });
            }
            self.tables.push(RequestTable {
                measure: format!("atom {pattern}"),
                cells,
            });
        }
        Some(())
    }

    /// The counts of a group, and what a reader can form of them and must not know.
    fn add_group(&mut self, group: usize) -> Option<()> {
        let (found, evidence) = (self.found, self.found.evidence);
        let it = evidence.groups.get(group)?;
        let table = self.tables.len();
        let mut cells = Vec::new();
        for (number, quantity) in self.quantities.iter().enumerate() {
            let value = self.atoms.count(group, number);
            if let Some(column) = quantity.column
                && count(found.shown(group, column)?)? != value
            {
                return None;
            }
            let is_primary = quantity
                .column
                .is_some_and(|column| found.cells.contains(&(group, column)));
            let status = match is_primary {
                true => CellStatus::Primary,
                false => CellStatus::Safe,
            };
            let mut cell = self.counted(quantity, value, status);
            let differs = |column| found.beside_others.contains(&(group, column));
            if quantity.column.is_some_and(differs) {
                let few = found.policy.minimum() as f64;
                cell.levels = Levels {
                    lower: few.min(value as f64 - cell.bounds.lower),
                    upper: few,
                    sliding: 0.0,
                };
            }
            cells.push(cell);
        }
        let minimum = found.policy.minimum();
        for set in derived_sets(&evidence.counts, &evidence.sources, it, minimum) {
            if !found.formed.contains(&(group, set.label.clone())) {
                continue;
            }
            let mut terms = vec![(table, cells.len(), -1.0)];
            terms.extend(
                set.factors
                    .iter()
                    .map(|(count, factor)| (table, *count, f64::from(*factor))),
            );
            self.ties.push(Tie(terms));
            cells.push(RequestCell {
                levels: levels(set.rows, 0, minimum),
                status: CellStatus::Primary,
                ..unseen(set.rows)
            });
        }
        for (number, cell) in cells.iter_mut().enumerate() {
            cell.place = place_in_row(number);
            cell.holder = found.alone.get(&group).copied();
        }
        self.tables.push(RequestTable {
            measure: format!("row {group}"),
            cells,
        });
        self.tie(table, group);
        self.shows(table, group);
        Some(())
    }

    /// A combination that nobody has: that it is empty must stay unknown.
    fn add_empty(&mut self, number: usize) -> Option<()> {
        let table = self.tables.len();
        let cells = self.quantities.iter().enumerate();
        let cells = cells.map(|(place, quantity)| RequestCell {
            place: place_in_row(place),
            ..self.counted(quantity, 0, CellStatus::Primary)
        });
        self.tables.push(RequestTable {
            measure: format!("empty {number}"),
            cells: cells.collect(),
        });
        self.tie(table, self.found.evidence.groups.len() + number);
        Some(())
    }

    fn counted(&self, quantity: &Quantity, value: u64, status: CellStatus) -> RequestCell {
        // That a row is there tells that its group is not empty, unless empty ones have rows too.
        let can_be_empty =
            self.found.policy.zero() == ZeroRule::Unsafe && !self.found.empty.is_empty();
        let least = match quantity.whole {
            Whole::Whole if !can_be_empty => value.min(1),
            Whole::Whole | Whole::Part | Whole::Present => 0,
        };
        RequestCell {
            // Many small cells rather than a large one, but not at any price.
            cost: (1.0 + value as f64).ln(),
            status,
            bounds: Bounds {
                lower: least as f64,
                upper: f64::INFINITY,
            },
            levels: levels(value, least, self.found.policy.minimum()),
            ..unseen(value)
        }
    }

    /// Each count is the sum of its atoms, which are the first tables.
    fn tie(&mut self, table: usize, group: usize) {
        for quantity in 0..self.quantities.len() {
            let mut terms = vec![(table, quantity, -1.0)];
            let patterns = self.atoms.patterns.iter().enumerate();
            let inside = patterns.filter(|(_, pattern)| is_in(**pattern, quantity));
            terms.extend(inside.map(|(atom, _)| (atom, group, 1.0)));
            self.ties.push(Tie(terms));
        }
    }

    /// Who sees a share of a group can know all of its counts.
    fn shows(&mut self, table: usize, group: usize) {
        for (number, quantity) in self.quantities.iter().enumerate() {
            if let Some(column) = quantity.column {
                self.shows.push((group, column, vec![(table, number)]));
            }
        }
        for column in of_kind(self.found.evidence, |kind| kind == Kind::Share) {
            let all = (0..self.quantities.len()).map(|number| (table, number));
            self.shows.push((group, column, all.collect()));
        }
    }

    fn finish(self) -> Option<Problem> {
        let (table, index) = linked(&self.tables, &self.ties).ok()?;
        let place = |(table, cell): &(usize, usize)| index.get(*table)?.get(*cell).copied();
        let shows = self.shows.iter().map(|(group, measure, cells)| {
            let cells: Option<Vec<usize>> = cells.iter().map(place).collect();
            Some((*group, *measure, cells?))
        });
        Some(Problem {
            shows: shows.collect::<Option<_>>()?,
            table,
            hidden: BTreeSet::new(),
            proof: Vec::new(),
        })
    }
}

/// A cell of one row beside the others of it: between them there are no margins.
fn place_in_row(number: usize) -> crate::suppress::Place {
    crate::suppress::Place::from([("cell".to_owned(), Datum::Number(number.to_string()))])
}

/// A small count must stay anything from the least that it can be to the policy's minimum; what counts rows of
/// few people may be larger, and must stay as unknown.
fn levels(value: u64, least: u64, minimum: u64) -> Levels {
    let (value, minimum) = (value as f64, minimum as f64);
    Levels {
        lower: value - least as f64,
        upper: if value < minimum {
            minimum - value
        } else {
            minimum
        },
        sliding: 0.0,
    }
}

/// A number that nobody publishes.
fn unseen(value: u64) -> RequestCell {
    RequestCell {
        place: crate::suppress::Place::new(),
        value: value as f64,
        cost: 0.0,
        status: CellStatus::Hidden,
        bounds: Bounds {
            lower: 0.0,
            upper: f64::INFINITY,
        },
        levels: Levels::EXACT,
        holder: None,
    }
}
