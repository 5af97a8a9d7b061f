//! All counts of the rows in one problem.
//!
//! The rows of a group are cut into atoms, those that are in exactly these counts and not in those. Atoms add up
//! to margins as groups do, and each count is the sum of its atoms: then what a part tells of its whole is in
//! the equations, with the bound that no atom has fewer than no rows.

//!
//! Of several tables a count that is in more than one is one measure with the margins that these form together, and
//! what a part leaves of the whole group is a number that no reader may find negative.

use std::collections::BTreeSet;

use super::atoms::{Atoms, Quantity, count, is_in, quantities};
use super::{At, NoPattern, Problem, Unsafe, linked, of_kind};
use crate::derive::derived_sets;
use crate::evidence::{CountLevel, Group, Kind, Whole};
use crate::suppress::{Bounds, CellStatus, Levels, Place, RequestCell, RequestTable, Tie};
use crate::{Datum, ZeroRule};

/// The counts of one table.
struct Counts {
    table: usize,
    quantities: Vec<Quantity>,
    atoms: Atoms,
}

/// The problem of the counts; `None` where there are none.
pub(super) fn problem(found: &Unsafe<'_>) -> Result<Option<Problem>, NoPattern> {
    let mut counts = Vec::new();
    let mut cells = 0;
    for (number, table) in found.tables.iter().enumerate() {
        let most = found.policy.limits().row_counts;
        let quantities = quantities(table.evidence, most).ok_or(NoPattern::NotPosed)?;
        if quantities.is_empty() {
            continue;
        }
        let atoms = Atoms::of(table.evidence, &quantities).ok_or(NoPattern::NotPosed)?;
        let rows = table.evidence.groups.len() + table.empty.len();
        cells += rows * (quantities.len() + atoms.patterns.len());
        counts.push(Counts {
            table: number,
            quantities,
            atoms,
        });
    }
    if counts.is_empty() {
        return Ok(None);
    }
    if !found.may_have(cells) {
        return Err(NoPattern::Cells);
    }
    if found.is_linked() && !are_of_one_level(found) {
        return Err(NoPattern::NotPosed);
    }
    let mut draft = Draft::new(found, &counts);
    for one in &counts {
        draft.add(one).ok_or(NoPattern::NotPosed)?;
    }
    draft.finish().ok_or(NoPattern::NotPosed).map(Some)
}

/// Whether rows and people are the same numbers, or only one of them is counted: else what one tells of the other is
/// in no equation.
fn are_of_one_level(found: &Unsafe<'_>) -> bool {
    let mut groups = found.tables.iter().flat_map(|one| &one.evidence.groups);
    if groups.all(|group| group.rows == group.people) {
        return true;
    }
    let counts = found.tables.iter().flat_map(|one| &one.evidence.counts);
    let levels: BTreeSet<bool> = counts
        .map(|count| count.level == CountLevel::Rows)
        .collect();
    levels.len() < 2
}

/// A number, and table and cell of what it shows.
type Shows = (super::Number, Vec<(usize, usize)>);

struct Draft<'a> {
    found: &'a Unsafe<'a>,
    /// Which rows a count of all rows counts, where a table shows one.
    whole: Option<String>,
    /// Where a table shows it.
    seen: BTreeSet<Place>,
    tables: Vec<RequestTable>,
    ties: Vec<Tie>,
    shows: Vec<Shows>,
}

impl<'a> Draft<'a> {
    fn new(found: &'a Unsafe<'a>, counts: &[Counts]) -> Self {
        let quantities = counts.iter().flat_map(|one| &one.quantities);
        let mut whole = quantities.filter(|one| one.whole == Whole::Whole);
        Self {
            found,
            whole: whole.find_map(|one| one.of.clone()),
            seen: seen(found, counts),
            tables: Vec::new(),
            ties: Vec::new(),
            shows: Vec::new(),
        }
    }

    /// The counts of a table: its quantities, a cell a group and then a combination that nobody has, and what they are
    /// made of.
    fn add(&mut self, counts: &Counts) -> Option<()> {
        let first = self.tables.len();
        for number in 0..counts.quantities.len() {
            let table = self.quantity(counts, number)?;
            self.tables.push(table);
        }
        // A count alone is its only atom, where it has margins itself.
        if !self.found.is_linked() || counts.quantities.len() > 1 {
            self.add_atoms(counts, first)?;
        }
        if self.found.is_linked() {
            self.add_rest(counts, first)?;
        }
        let evidence = self.found.evidence(counts.table)?;
        for group in 0..evidence.groups.len() {
            self.add_formed((counts.table, group), first)?;
            self.shows(counts, group, first);
        }
        Some(())
    }

    fn quantity(&self, counts: &Counts, number: usize) -> Option<RequestTable> {
        let (found, of) = (self.found, counts.table);
        let table = found.tables.get(of)?;
        let quantity = counts.quantities.get(number)?;
        let place = |set: u16, key: &[Datum], row: usize| match found.is_linked() {
            true => found.place(of, set, key),
            // Its margins are those of its atoms.
            false => Some(place_in_row(row)),
        };
        let mut cells = Vec::new();
        for (index, group) in table.evidence.groups.iter().enumerate() {
            cells.push(RequestCell {
                place: place(group.set, &group.key, index)?,
                holder: found.alone.get(&(of, index)).copied(),
                ..self.of_group(counts, quantity, number, index)?
            });
        }
        // That a combination is empty must stay unknown.
        for one in &table.empty {
            cells.push(RequestCell {
                place: place(one.set, &one.key, cells.len())?,
                ..self.counted(quantity, 0, CellStatus::Primary)
            });
        }
        let own = || format!("{number} of table {of}");
        let of = quantity.of.clone().filter(|_| found.is_linked());
        Some(RequestTable {
            measure: format!("count {}", of.unwrap_or_else(own)),
            cells,
        })
    }

    fn of_group(
        &self,
        counts: &Counts,
        quantity: &Quantity,
        number: usize,
        group: usize,
    ) -> Option<RequestCell> {
        let (found, of) = (self.found, counts.table);
        let value = counts.atoms.count(group, number);
        if let Some(column) = quantity.column
            && count(found.shown((of, group, column))?)? != value
        {
            return None;
        }
        let is_primary = |column| found.cells.contains(&(of, group, column));
        let is_forced = |column| found.is_forced((of, group, column));
        let status = match quantity.column {
            Some(column) if is_primary(column) => CellStatus::Primary,
            Some(column) if is_forced(column) => CellStatus::Forced,
            Some(_) | None => CellStatus::Safe,
        };
        let mut cell = self.counted(quantity, value, status);
        let differs = |column| found.beside_others.contains(&(of, group, column));
        if quantity.column.is_some_and(differs) {
            let few = found.policy.minimum() as f64;
            cell.levels = Levels {
                lower: few.min(value as f64 - cell.bounds.lower),
                upper: few,
                sliding: 0.0,
            };
        }
        Some(cell)
    }

    /// A table of each atom, of which each count is the sum.
    fn add_atoms(&mut self, counts: &Counts, first: usize) -> Option<()> {
        let (found, of) = (self.found, counts.table);
        let table = found.tables.get(of)?;
        let first_atom = self.tables.len();
        for pattern in &counts.atoms.patterns {
            let mut cells = Vec::new();
            for (index, group) in table.evidence.groups.iter().enumerate() {
                let sizes = counts.atoms.sizes.get(index)?;
                cells.push(RequestCell {
                    place: found.place(of, group.set, &group.key)?,
                    holder: found.alone.get(&(of, index)).copied(),
                    ..unseen(sizes.get(pattern).copied().unwrap_or(0))
                });
            }
            for one in &table.empty {
                cells.push(RequestCell {
                    place: found.place(of, one.set, &one.key)?,
                    ..unseen(0)
                });
            }
            self.tables.push(RequestTable {
                measure: format!("atom {pattern} of table {of}"),
                cells,
            });
        }
        for row in 0..table.evidence.groups.len() + table.empty.len() {
            for quantity in 0..counts.quantities.len() {
                let mut terms = vec![(first + quantity, row, -1.0)];
                let patterns = (first_atom..).zip(&counts.atoms.patterns);
                let inside = patterns.filter(|(_, pattern)| is_in(**pattern, quantity));
                terms.extend(inside.map(|(atom, _)| (atom, row, 1.0)));
                self.ties.push(Tie(terms));
            }
        }
        Some(())
    }

    /// What a table's parts leave of the whole groups that another table shows.
    fn add_rest(&mut self, counts: &Counts, first: usize) -> Option<()> {
        let (found, of) = (self.found, counts.table);
        let has_whole = |one: &Quantity| one.whole == Whole::Whole;
        let Some(whole) = self.whole.clone() else {
            return Some(());
        };
        if counts.quantities.iter().any(has_whole) {
            return Some(());
        }
        let evidence = found.evidence(of)?;
        let mut by_people = evidence.counts.iter();
        let by_people = by_people.all(|count| count.level == CountLevel::People);
        let size = |group: &Group| match by_people {
            true => group.people,
            false => group.rows,
        };
        let mut cells = Vec::new();
        for (index, group) in evidence.groups.iter().enumerate() {
            let place = found.place(of, group.set, &group.key)?;
            let status = match self.seen.contains(&place) {
                true => CellStatus::Safe,
                false => CellStatus::Hidden,
            };
            cells.push(RequestCell {
                place,
                status,
                holder: found.alone.get(&(of, index)).copied(),
                ..unseen(size(group))
            });
        }
        let table = self.tables.len();
        self.tables.push(RequestTable {
            measure: format!("count {whole}"),
            cells,
        });
        for number in 0..counts.quantities.len() {
            let mut rest = Vec::new();
            for (index, group) in evidence.groups.iter().enumerate() {
                let left = size(group).checked_sub(counts.atoms.count(index, number))?;
                let terms = vec![
                    (table, index, -1.0),
                    (first + number, index, 1.0),
                    (self.tables.len(), index, 1.0),
                ];
                self.ties.push(Tie(terms));
                rest.push(RequestCell {
                    place: place_in_row(index),
                    ..unseen(left)
                });
            }
            self.tables.push(RequestTable {
                measure: format!("all but {number} of table {of}"),
                cells: rest,
            });
        }
        Some(())
    }

    /// What a reader can form of the counts of a group and must not know.
    fn add_formed(&mut self, at: At, first: usize) -> Option<()> {
        let (of, group) = at;
        let found = self.found;
        let evidence = found.evidence(of)?;
        let it = evidence.groups.get(group)?;
        let table = self.tables.len();
        let minimum = found.policy.minimum();
        let mut cells = Vec::new();
        for set in derived_sets(&evidence.counts, &evidence.sources, it, minimum) {
            if !found.formed.contains(&(of, group, set.label.clone())) {
                continue;
            }
            let mut terms = vec![(table, cells.len(), -1.0)];
            let factors = set.factors.iter();
            terms.extend(factors.map(|(count, factor)| (first + count, group, f64::from(*factor))));
            self.ties.push(Tie(terms));
            cells.push(RequestCell {
                place: place_in_row(cells.len()),
                levels: levels(set.rows, 0, minimum),
                status: CellStatus::Primary,
                holder: found.alone.get(&at).copied(),
                ..unseen(set.rows)
            });
        }
        self.tables.push(RequestTable {
            measure: format!("formed in row {group} of table {of}"),
            cells,
        });
        Some(())
    }

    fn counted(&self, quantity: &Quantity, value: u64, status: CellStatus) -> RequestCell {
        // That a row is there tells that its group is not empty, unless empty ones have rows too.
        let mut tables = self.found.tables.iter();
        let can_be_empty =
            self.found.policy.zero() == ZeroRule::Unsafe && tables.any(|one| !one.empty.is_empty());
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

    /// Who sees a share of a group can know all of its counts.
    fn shows(&mut self, counts: &Counts, group: usize, first: usize) {
        let of = counts.table;
        for (number, quantity) in (first..).zip(&counts.quantities) {
            if let Some(column) = quantity.column {
                self.shows
                    .push(((of, group, column), vec![(number, group)]));
            }
        }
        let Some(evidence) = self.found.evidence(of) else {
            return;
        };
        for column in of_kind(evidence, |kind| kind == Kind::Share) {
            let all = (first..first + counts.quantities.len()).map(|number| (number, group));
            self.shows.push(((of, group, column), all.collect()));
        }
    }

    fn finish(self) -> Option<Problem> {
        let (table, index) = linked(&self.tables, &self.ties).ok()?;
        let place = |(table, cell): &(usize, usize)| index.get(*table)?.get(*cell).copied();
        let shows = self.shows.iter().map(|(number, cells)| {
            let cells: Option<Vec<usize>> = cells.iter().map(place).collect();
            Some((*number, cells?))
        });
        Some(Problem {
            shows: shows.collect::<Option<_>>()?,
            table,
            hidden: BTreeSet::new(),
            proof: Vec::new(),
        })
    }
}

/// Where a table shows how many there are of all.
fn seen(found: &Unsafe<'_>, counts: &[Counts]) -> BTreeSet<Place> {
    let is_shown = |one: &Quantity| one.whole == Whole::Whole && one.column.is_some();
    let tables = counts
        .iter()
        .filter(|one| one.quantities.iter().any(is_shown));
    let places = tables.flat_map(|one| {
        let groups = found.evidence(one.table).map_or(&[][..], |of| &of.groups);
        let place = |group: &Group| found.place(one.table, group.set, &group.key);
        groups.iter().filter_map(place)
    });
    places.collect()
}

/// A cell of one row beside the others of it: between them there are no margins.
fn place_in_row(number: usize) -> Place {
    Place::from([("cell".to_owned(), Datum::Number(number.to_string()))])
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
