//! Several tables of one request as one problem.
//!
//! Two cells of one measure with the same values of the same variables are one cell, whichever
//! tables show it: hidden in one and shown in the other it would be no secret. A cell's layer is
//! the set of variables that it has values of; the layers of a measure, closed under
//! intersection, are tied together by one equation for every cell of a layer and each next finer
//! layer. Two tables without margins still have the margin in common that a reader can form: it
//! enters as a cell that nobody publishes.

use std::collections::{BTreeMap, BTreeSet};

use thiserror::Error;

use super::table::{Bounds, Cell, CellStatus, Equation, Levels, Table, TableError};
use crate::Datum;

/// The most layers of one measure.
const LAYERS_MAX: usize = 64;

/// Where a cell is: the values of variables. A variable that is not named is totalled over: that
/// is what a margin is. A group of missing values has the value [`Datum::Missing`].
pub type Place = BTreeMap<String, Datum>;

/// Per variable: the parent of each value that has one (a chapter of a code, the region of an area).
pub type Hierarchies = BTreeMap<String, BTreeMap<Datum, Datum>>;

/// One cell of a table of the request.
#[derive(Debug, Clone, PartialEq)]
pub struct RequestCell {
    /// Where it is.
    pub place: Place,
    /// The true value: a count, or a sum.
    pub value: f64,
    /// What is lost by hiding it.
    pub cost: f64,
    /// What may become of it.
    pub status: CellStatus,
    /// What everybody knows of it beforehand; `0..` for a count.
    pub bounds: Bounds,
    /// What it asks for, if it is primary.
    pub levels: Levels,
    /// The respondent who is alone in it, where that is so.
    pub holder: Option<u32>,
}

/// One table of the request. Combinations of values that it leaves out have value zero and everybody
/// knows it.
#[derive(Debug, Clone, PartialEq)]
pub struct RequestTable {
    /// What is added up, over whom: only cells of the same measure are added together. Counts of
    /// different people, or sums of different columns, are different measures.
    pub measure: String,
    /// The cells, margins among them.
    pub cells: Vec<RequestCell>,
}

/// What ties cells beyond their margins: table of the request, cell, coefficient; the sum is zero.
#[derive(Debug, Clone, PartialEq)]
pub struct Tie(pub Vec<(usize, usize, f64)>);

/// The one problem.
#[derive(Debug, Clone)]
pub struct Linked {
    /// Cells and equations.
    pub table: Table,
    /// Per table of the request, per cell: its index in the problem.
    pub index: Vec<Vec<usize>>,
}

/// Why the tables cannot be made one problem. Nothing of the request may leave then.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum LinkError {
    /// One cell with two values.
    #[error("measure {measure}: a cell has different values in two tables")]
    TwoValues {
        /// The measure.
        measure: String,
    },
    /// One cell with two fates.
    #[error("measure {measure}: a cell that breaks a rule must be published in another table")]
    Contradiction {
        /// The measure.
        measure: String,
    },
    /// Too many layers.
    #[error("measure {measure}: its tables have more than {LAYERS_MAX} sets of variables")]
    TooManyLayers {
        /// The measure.
        measure: String,
    },
    /// The problem is not sound; above all: its margins are not the sums of its cells.
    #[error("the tables do not fit together: {0}")]
    Table(#[from] TableError),
}

/// Makes one problem of all tables of a request.
///
/// # Errors
/// Where one cell has two values or two fates, or margins are not sums.
pub fn link(tables: &[RequestTable], hierarchies: &Hierarchies) -> Result<Linked, LinkError> {
    link_tied(tables, hierarchies, &[])
}

/// The same, with further equations between the cells.
///
/// # Errors
/// As [`link()`], and where a tie does not hold or names no cell.
pub fn link_tied(
    tables: &[RequestTable],
    hierarchies: &Hierarchies,
    ties: &[Tie],
) -> Result<Linked, LinkError> {
    let mut draft = Draft::default();
    let mut index = Vec::new();
    for table in tables {
        let cells = table.cells.iter().map(|c| draft.cell(&table.measure, c));
        index.push(cells.collect::<Result<Vec<usize>, LinkError>>()?);
    }
    let measures: Vec<String> = draft.measures.keys().cloned().collect();
    for measure in measures {
        draft.parents(&measure, hierarchies);
        draft.layers(&measure, hierarchies)?;
    }
    for tie in ties {
        let number = draft.equations.len() + 1;
        let place = |(table, cell, factor): &(usize, usize, f64)| {
            let cells = index.get(*table).and_then(|cells| cells.get(*cell));
            Some((*cells?, *factor))
        };
        let terms: Option<Vec<(usize, f64)>> = tie.0.iter().map(place).collect();
        draft.equations.push(Equation {
            rhs: 0.0,
            terms: terms.ok_or(TableError::NoSuchCell { number })?,
        });
    }
    Ok(Linked {
        table: Table::new(draft.cells, draft.equations)?,
        index,
    })
}

#[derive(Default)]
struct Draft {
    cells: Vec<Cell>,
    equations: Vec<Equation>,
    measures: BTreeMap<String, BTreeMap<Place, usize>>,
}

impl Draft {
    fn cell(&mut self, measure: &str, new: &RequestCell) -> Result<usize, LinkError> {
        let places = self.measures.entry(measure.to_owned()).or_default();
        if let Some(&index) = places.get(&new.place)
            && let Some(cell) = self.cells.get_mut(index)
        {
            join(cell, new, measure)?;
            return Ok(index);
        }
        let index = self.cells.len();
        places.insert(new.place.clone(), index);
        self.cells.push(Cell {
            id: index as i64,
            value: new.value,
            cost: new.cost,
            status: new.status,
            bounds: new.bounds,
            levels: new.levels,
            holder: new.holder,
        });
        Ok(index)
    }

    /// A cell that no table shows: a reader has to work it out.
    fn unseen(&mut self, measure: &str, place: Place, value: f64) {
        let index = self.cells.len();
        self.cells.push(Cell {
            id: index as i64,
            value,
            cost: 0.0,
            status: CellStatus::Hidden,
            bounds: Bounds {
                lower: f64::NEG_INFINITY,
                upper: f64::INFINITY,
            },
            levels: Levels::EXACT,
            holder: None,
        });
        if let Some(places) = self.measures.get_mut(measure) {
            places.insert(place, index);
        }
    }

    fn value(&self, index: usize) -> f64 {
        self.cells.get(index).map_or(0.0, |c| c.value)
    }

    /// Equations between the values of a variable and their parents, finest first.
    fn parents(&mut self, measure: &str, hierarchies: &Hierarchies) {
        for (variable, parents) in hierarchies {
            let mut depths: Vec<usize> = parents.keys().map(|v| depth(parents, v)).collect();
            depths.sort_unstable();
            depths.dedup();
            for level in depths.into_iter().rev() {
                let mut families: BTreeMap<Place, Vec<usize>> = BTreeMap::new();
                for (place, &index) in self.measures.get(measure).into_iter().flatten() {
                    let Some(value) = place.get(variable) else {
                        continue;
                    };
                    let Some(parent) = parents.get(value) else {
                        continue;
                    };
                    if depth(parents, value) == level {
                        let mut above = place.clone();
                        above.insert(variable.clone(), parent.clone());
                        families.entry(above).or_default().push(index);
                    }
                }
                self.sums(measure, families);
            }
        }
    }

    /// One equation for each total; a total that no table shows becomes an unseen cell.
    fn sums(&mut self, measure: &str, families: BTreeMap<Place, Vec<usize>>) {
        for (place, parts) in families {
            let places = self.measures.get(measure);
            if places.is_none_or(|p| !p.contains_key(&place)) {
                let value = parts.iter().map(|i| self.value(*i)).sum();
                self.unseen(measure, place.clone(), value);
            }
            let total = self.measures.get(measure).and_then(|p| p.get(&place));
            if let Some(&total) = total {
                let mut terms = vec![(total, -1.0)];
                terms.extend(parts.into_iter().map(|part| (part, 1.0)));
                self.equations.push(Equation { rhs: 0.0, terms });
            }
        }
    }

    fn layers(&mut self, measure: &str, hierarchies: &Hierarchies) -> Result<(), LinkError> {
        let layers = closed(self.measures.get(measure), measure)?;
        // The finest first, so that a total that no table shows has its value when it is needed.
        let mut order: Vec<&BTreeSet<String>> = layers.iter().collect();
        order.sort_by_key(|layer| std::cmp::Reverse(layer.len()));
        for coarse in order {
            let finer: Vec<&BTreeSet<String>> = layers
                .iter()
                .filter(|fine| is_next(coarse, fine, &layers))
                .collect();
            for fine in finer {
                self.between(measure, coarse, fine, hierarchies);
            }
        }
        Ok(())
    }

    /// Every cell of the coarse layer is the sum of its cells in the fine layer.
    fn between(
        &mut self,
        measure: &str,
        coarse: &BTreeSet<String>,
        fine: &BTreeSet<String>,
        hierarchies: &Hierarchies,
    ) {
        let is_top = |variable: &String, value: &Datum| {
            let parents = hierarchies.get(variable);
            coarse.contains(variable) || parents.is_none_or(|p| !p.contains_key(value))
        };
        let mut families: BTreeMap<Place, Vec<usize>> = BTreeMap::new();
        for (place, &index) in self.measures.get(measure).into_iter().flatten() {
            if place.len() == coarse.len() && place.keys().all(|v| coarse.contains(v)) {
                // A margin of nothing is zero.
                families.entry(place.clone()).or_default();
            }
            let is_fine = place.len() == fine.len() && place.keys().all(|v| fine.contains(v));
            if is_fine
                && place
                    .iter()
                    .all(|(variable, value)| is_top(variable, value))
            {
                let mut above = place.clone();
                above.retain(|variable, _| coarse.contains(variable));
                families.entry(above).or_default().push(index);
            }
        }
        self.sums(measure, families);
    }
}

/// The sets of variables of a measure's cells and all their intersections.
fn closed(
    places: Option<&BTreeMap<Place, usize>>,
    measure: &str,
) -> Result<BTreeSet<BTreeSet<String>>, LinkError> {
    let mut layers: BTreeSet<BTreeSet<String>> = places
        .into_iter()
        .flatten()
        .map(|(place, _)| place.keys().cloned().collect())
        .collect();
    loop {
        if layers.len() > LAYERS_MAX {
            return Err(LinkError::TooManyLayers {
                measure: measure.to_owned(),
            });
        }
        let mut more = BTreeSet::new();
        for a in &layers {
            for b in &layers {
                let both: BTreeSet<String> = a.intersection(b).cloned().collect();
                if !layers.contains(&both) {
                    more.insert(both);
                }
            }
        }
        if more.is_empty() {
            return Ok(layers);
        }
        layers.extend(more);
    }
}

/// Whether `fine` is finer than `coarse` with no layer between them.
fn is_next(
    coarse: &BTreeSet<String>,
    fine: &BTreeSet<String>,
    layers: &BTreeSet<BTreeSet<String>>,
) -> bool {
    let is_finer = |a: &BTreeSet<String>, b: &BTreeSet<String>| a.len() < b.len() && a.is_subset(b);
    is_finer(coarse, fine)
        && !layers
            .iter()
            .any(|between| is_finer(coarse, between) && is_finer(between, fine))
}

/// How many parents stand above a value; a circle ends.
fn depth(parents: &BTreeMap<Datum, Datum>, value: &Datum) -> usize {
    let mut depth = 0;
    let mut at = value;
    while let Some(parent) = parents.get(at) {
        depth += 1;
        at = parent;
        if depth > parents.len() {
            break;
        }
    }
    depth
}

/// One cell that two tables show: what either asks for holds.
fn join(cell: &mut Cell, new: &RequestCell, measure: &str) -> Result<(), LinkError> {
    let size = cell.value.abs().max(new.value.abs());
    if (cell.value - new.value).abs() > 1e-9 * size {
        return Err(LinkError::TwoValues {
            measure: measure.to_owned(),
        });
    }
    let statuses = [cell.status, new.status];
    let has = |status| statuses.contains(&status);
    let must_hide = has(CellStatus::Primary) || has(CellStatus::Hidden);
    if must_hide && has(CellStatus::Forced) {
        return Err(LinkError::Contradiction {
            measure: measure.to_owned(),
        });
    }
    let levels = if has(CellStatus::Primary) {
        let of = |status, levels| {
            if status == CellStatus::Primary {
                levels
            } else {
                Levels::EXACT
            }
        };
        let (a, b) = (of(cell.status, cell.levels), of(new.status, new.levels));
        Levels {
            lower: a.lower.max(b.lower),
            upper: a.upper.max(b.upper),
            sliding: a.sliding.max(b.sliding),
        }
    } else {
        cell.levels
    };
    cell.levels = levels;
    cell.status = if has(CellStatus::Primary) {
        CellStatus::Primary
    } else if has(CellStatus::Hidden) {
        CellStatus::Hidden
    } else if has(CellStatus::Forced) {
        CellStatus::Forced
    } else {
        CellStatus::Safe
    };
    cell.cost = cell.cost.max(new.cost);
    cell.bounds.lower = cell.bounds.lower.max(new.bounds.lower);
    cell.bounds.upper = cell.bounds.upper.min(new.bounds.upper);
    cell.holder = cell.holder.or(new.holder);
    Ok(())
}
