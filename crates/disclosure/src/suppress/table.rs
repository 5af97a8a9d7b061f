//! Cells, equations, and what is asked of a pattern.

use thiserror::Error;

/// The most cells in one problem.
pub const CELLS_MAX: usize = 200_000;
/// The most terms in all equations of one problem together.
pub const TERMS_MAX: usize = 4_000_000;

/// What may and must become of a cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum CellStatus {
    /// It may be shown and may be hidden.
    Safe,
    /// It breaks a rule: hidden, and protected to its [`Levels`].
    Primary,
    /// It is hidden already and asks for no protection of its own.
    Hidden,
    /// It must be published.
    Forced,
}

/// What the attacker knows of a cell before reading the table: `lower <= value <= upper`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bounds {
    /// The least possible value, in the unit of the cell; may be minus infinity.
    pub lower: f64,
    /// The largest possible value; may be infinity.
    pub upper: f64,
}

/// How far from its value a primary cell must stay possible, in the unit of the cell. With all
/// three zero the cell must only not be known exactly.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Levels {
    /// Some possible value lies at least this far below.
    pub lower: f64,
    /// Some possible value lies at least this far above.
    pub upper: f64,
    /// Smallest and largest possible value are at least this far apart.
    pub sliding: f64,
}

impl Levels {
    /// Not to be known exactly: what the threshold rule alone asks for.
    pub const EXACT: Self = Self {
        lower: 0.0,
        upper: 0.0,
        sliding: 0.0,
    };

    /// The levels of the p% rule: `p/100·x1 - (X - x1 - x2)` on both sides, where `x1` and `x2` are
    /// the largest contributions to the total `X` (SDC handbook 4.2). Zero where the rule holds.
    pub fn p_percent(p: f64, total: f64, largest: f64, second: f64) -> Self {
        Self::both((p / 100.0 * largest - (total - largest - second)).max(0.0))
    }

    /// The levels of the (n,k) rule: `100/k·(x1+..+xn) - X` on both sides. Zero where the rule holds.
    pub fn dominance(k: f64, total: f64, largest_n: f64) -> Self {
        Self::both((100.0 / k * largest_n - total).max(0.0))
    }

    /// For a count under `minimum`: every count from 0 to `minimum` must stay possible, so that
    /// a reader cannot tell the cell from a safe one.
    pub fn threshold(count: f64, minimum: f64) -> Self {
        Self {
            lower: count,
            upper: (minimum - count).max(0.0),
            sliding: 0.0,
        }
    }

    fn both(level: f64) -> Self {
        Self {
            lower: level,
            upper: level,
            sliding: 0.0,
        }
    }

    pub(crate) fn is_exact(&self) -> bool {
        self.lower <= 0.0 && self.upper <= 0.0 && self.sliding <= 0.0
    }
}

/// One cell.
#[derive(Debug, Clone, PartialEq)]
pub struct Cell {
    /// The name by which the caller knows it, unique in the table.
    pub id: i64,
    /// The true value.
    pub value: f64,
    /// What is lost by hiding it; not negative.
    pub cost: f64,
    /// What may become of it.
    pub status: CellStatus,
    /// What the attacker knows beforehand.
    pub bounds: Bounds,
    /// What a primary cell asks for; ignored for others.
    pub levels: Levels,
    /// The respondent who is alone in the cell and so knows its value, under a number of the
    /// caller's. Every other primary cell is protected against that respondent too.
    pub holder: Option<u32>,
}

/// `sum(coefficient · value) = rhs` over cells given by their index.
#[derive(Debug, Clone, PartialEq)]
pub struct Equation {
    /// The constant.
    pub rhs: f64,
    /// Index into the cells, coefficient.
    pub terms: Vec<(usize, f64)>,
}

/// Why a problem cannot be posed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum TableError {
    /// Nothing to protect or to publish.
    #[error("the table has no cells")]
    Empty,
    /// Too many cells.
    #[error("the table has more than {CELLS_MAX} cells")]
    TooManyCells,
    /// Too many terms.
    #[error("the equations have more than {TERMS_MAX} terms together")]
    TooManyTerms,
    /// A number is missing, infinite or negative where it must not be.
    #[error("cell {id}: {what}")]
    Cell {
        /// The cell's name.
        id: i64,
        /// What is wrong with it.
        what: &'static str,
    },
    /// Two cells of one name.
    #[error("cell {0} is there twice")]
    Twice(i64),
    /// An equation names a cell that is not there.
    #[error("equation {number} names a cell that is not in the table")]
    NoSuchCell {
        /// Counted from 1.
        number: usize,
    },
    /// A coefficient or constant is not a finite number.
    #[error("equation {number} has a coefficient or a constant that is not a finite number")]
    NotFinite {
        /// Counted from 1.
        number: usize,
    },
    /// The table is not additive.
    #[error("equation {number} does not hold: the table is not additive")]
    NotAdditive {
        /// Counted from 1.
        number: usize,
    },
}

/// Cells with the equations between them, checked.
#[derive(Debug, Clone)]
pub struct Table {
    cells: Vec<Cell>,
    /// Per equation: cell, coefficient. No cell twice, no coefficient zero.
    rows: Vec<Vec<(u32, f64)>>,
    /// Per cell: equation, coefficient.
    columns: Vec<Vec<(u32, f64)>>,
    rhs: Vec<f64>,
    /// Whether every value is a whole number and every coefficient 1 or -1.
    whole: bool,
}

impl Table {
    /// Takes cells and equations.
    ///
    /// # Errors
    /// What is wrong, naming the cell or the equation and never a value. A table whose equations do
    /// not hold to one part in a million is refused.
    pub fn new(cells: Vec<Cell>, equations: Vec<Equation>) -> Result<Self, TableError> {
        if cells.is_empty() {
            return Err(TableError::Empty);
        }
        if cells.len() > CELLS_MAX {
            return Err(TableError::TooManyCells);
        }
        let mut ids = std::collections::BTreeSet::new();
        for cell in &cells {
            sound(cell)?;
            if !ids.insert(cell.id) {
                return Err(TableError::Twice(cell.id));
            }
        }
        let mut terms = 0;
        let (mut rows, mut rhs) = (Vec::new(), Vec::new());
        let mut columns = vec![Vec::new(); cells.len()];
        for (index, equation) in equations.into_iter().enumerate() {
            terms += equation.terms.len();
            if terms > TERMS_MAX {
                return Err(TableError::TooManyTerms);
            }
            let number = index + 1;
            let row = merged(&equation, &cells, number)?;
            for &(cell, coefficient) in &row {
                if let Some(column) = columns.get_mut(cell as usize) {
                    column.push((index as u32, coefficient));
                }
            }
            rows.push(row);
            rhs.push(equation.rhs);
        }
        let whole = cells.iter().all(|c| c.value.fract() == 0.0)
            && rows.iter().flatten().all(|(_, c)| c.abs() == 1.0);
        Ok(Self {
            cells,
            rows,
            columns,
            rhs,
            whole,
        })
    }

    /// The cells, in the caller's order.
    pub fn cells(&self) -> &[Cell] {
        &self.cells
    }

    /// The constants of the equations.
    pub fn constants(&self) -> &[f64] {
        &self.rhs
    }

    /// Per equation: index of the cell, coefficient.
    pub fn rows(&self) -> &[Vec<(u32, f64)>] {
        &self.rows
    }

    pub(crate) fn columns(&self) -> &[Vec<(u32, f64)>] {
        &self.columns
    }

    pub(crate) fn is_whole(&self) -> bool {
        self.whole
    }

    /// How far a value must be able to move to count as not known exactly: one, in a table of whole
    /// numbers, where a reader rounds; otherwise a thousandth of the value.
    pub(crate) fn grain(&self, cell: usize) -> f64 {
        let value = self.cells.get(cell).map_or(0.0, |c| c.value.abs());
        if self.whole {
            1.0
        } else if value > 0.0 {
            value * 1e-3
        } else {
            1e-3
        }
    }
}

/// The equation with each cell once, if it holds.
fn merged(
    equation: &Equation,
    cells: &[Cell],
    number: usize,
) -> Result<Vec<(u32, f64)>, TableError> {
    if !equation.rhs.is_finite() || equation.terms.iter().any(|(_, c)| !c.is_finite()) {
        return Err(TableError::NotFinite { number });
    }
    let mut row: std::collections::BTreeMap<u32, f64> = std::collections::BTreeMap::new();
    let (mut sum, mut size) = (-equation.rhs, equation.rhs.abs());
    for &(index, coefficient) in &equation.terms {
        let cell = cells.get(index).ok_or(TableError::NoSuchCell { number })?;
        sum += coefficient * cell.value;
        size += (coefficient * cell.value).abs();
        *row.entry(index as u32).or_default() += coefficient;
    }
    if sum.abs() > 1e-6 * size.max(1e-3) {
        return Err(TableError::NotAdditive { number });
    }
    row.retain(|_, coefficient| *coefficient != 0.0);
    Ok(row.into_iter().collect())
}

fn sound(cell: &Cell) -> Result<(), TableError> {
    let Cell {
        id,
        value,
        cost,
        bounds,
        levels,
        ..
    } = cell;
    let fault = |what| Err(TableError::Cell { id: *id, what });
    if !value.is_finite() {
        return fault("its value is not a finite number");
    }
    if !cost.is_finite() || *cost < 0.0 {
        return fault("its cost is negative or not a finite number");
    }
    if bounds.lower.is_nan() || bounds.upper.is_nan() || bounds.lower > bounds.upper {
        return fault("its lower bound is not below its upper bound");
    }
    if *value < bounds.lower || *value > bounds.upper {
        return fault("its value lies outside its bounds");
    }
    let each = [levels.lower, levels.upper, levels.sliding];
    if each.iter().any(|level| !level.is_finite() || *level < 0.0) {
        return fault("a protection level is negative or not a finite number");
    }
    Ok(())
}
