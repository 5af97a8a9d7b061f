//! What is measured of the data: integer cells, each bounded for one person.

use serde::Serialize;

use crate::request::{Bounds, Budget, Request, Statistic};

/// Steps between the bounds of a column, as a power of two: fine against any noise, small in 64 bits.
const STEPS_LOG2: i32 = 20;

/// A public grid of numbers: values are clamped to the bounds and rounded to a multiple of `step`, so that
/// sums are sums of integers (floating point sums depend on the order of rows; Mironov 2012).
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Grid {
    /// Lowest value.
    pub lower: f64,
    /// Highest value.
    pub upper: f64,
    /// Distance of neighbouring grid points: a power of two.
    pub step: f64,
    /// The lowest value, in steps.
    pub low: i64,
    /// The highest value, in steps.
    pub high: i64,
    /// The middle, in steps: sums are taken around it, which halves what one row can change.
    pub centre: i64,
    /// Squares of centred values are rounded to multiples of two to this power.
    pub square_shift: u32,
    /// The middle of the rounded squares.
    pub square_centre: i64,
}

impl Grid {
    /// The grid between two bounds.
    #[must_use]
    pub fn between(bounds: Bounds) -> Self {
        let Bounds { lower, upper } = bounds;
        let step = ((upper - lower).log2().ceil() as i32 - STEPS_LOG2).clamp(-1000, 1000);
        let step = 2.0_f64.powi(step);
        let low = (lower / step).round() as i64;
        let high = (upper / step).round() as i64;
        let centre = low + (high - low) / 2;
        let mut grid = Self {
            lower,
            upper,
            step,
            low,
            high,
            centre,
            square_shift: STEPS_LOG2 as u32 - 2,
            square_centre: 0,
        };
        grid.square_centre = grid.square(grid.half()) / 2;
        grid
    }

    /// Farthest that a value lies from the centre, in steps.
    #[must_use]
    pub fn half(&self) -> i64 {
        (self.high - self.centre).max(self.centre - self.low)
    }

    /// The rounded square of a centred value.
    #[must_use]
    pub fn square(&self, centred: i64) -> i64 {
        (centred * centred + (1 << (self.square_shift - 1))) >> self.square_shift
    }

    /// Farthest that a rounded square lies from its centre.
    #[must_use]
    pub fn square_half(&self) -> i64 {
        let most = self.square(self.half());
        (most - self.square_centre).max(self.square_centre)
    }
}

/// What a component counts or sums in each group.
#[derive(Debug, Clone, PartialEq)]
pub enum Part {
    /// Rows.
    Rows,
    /// Distinct people.
    People,
    /// Rows with any value in a column.
    Present {
        /// The column.
        column: String,
    },
    /// Rows with a finite number in a column.
    Numbers {
        /// The column.
        column: String,
    },
    /// Sum of clamped values, in steps.
    Sum {
        /// The column.
        column: String,
        /// Its grid.
        grid: Grid,
    },
    /// Sum of clamped values less the centre, in steps.
    Centred {
        /// The column.
        column: String,
        /// Its grid.
        grid: Grid,
    },
    /// Sum of rounded squares of centred values less their centre.
    Squares {
        /// The column.
        column: String,
        /// Its grid.
        grid: Grid,
    },
    /// Rows in each bin of a histogram.
    Bins {
        /// The column.
        column: String,
        /// Edges.
        edges: Vec<f64>,
    },
    /// Rows below, at and between candidates, of which one is chosen: an odd place `2j + 1` counts rows
    /// equal to candidate `j`, the even place before it those between it and the candidate before.
    Candidates {
        /// The column.
        column: String,
        /// Candidates in rising order.
        candidates: Vec<f64>,
        /// The wanted quantile, in thousandths.
        per_mille: u32,
    },
}

/// A part with its share of the budget.
#[derive(Debug, Clone, PartialEq)]
pub struct Component {
    /// What is measured.
    pub part: Part,
    /// Its share, against those of the others.
    pub weight: u64,
}

impl Part {
    /// Cells in each group.
    #[must_use]
    pub fn width(&self) -> usize {
        match self {
            Self::Bins { edges, .. } => edges.len().saturating_sub(1),
            Self::Candidates { candidates, .. } => candidates.len() * 2 + 1,
            Self::Rows
            | Self::People
            | Self::Present { .. }
            | Self::Numbers { .. }
            | Self::Sum { .. }
            | Self::Centred { .. }
            | Self::Squares { .. } => 1,
        }
    }

    /// Most that one person changes the cells of one group: the sum of absolute changes over its cells.
    #[must_use]
    pub fn per_group(&self, linf: u32) -> i64 {
        let linf = i64::from(linf);
        match self {
            Self::People => 1,
            Self::Rows
            | Self::Present { .. }
            | Self::Numbers { .. }
            | Self::Bins { .. }
            | Self::Candidates { .. } => linf,
            Self::Sum { grid, .. } => linf * grid.low.abs().max(grid.high.abs()),
            Self::Centred { grid, .. } => linf * grid.half(),
            Self::Squares { grid, .. } => linf * grid.square_half(),
        }
    }

    /// Its name in a price.
    pub(crate) fn name(&self) -> String {
        match self {
            Self::Rows => "rows".into(),
            Self::People => "people".into(),
            Self::Present { column } => format!("rows with a value in {column}"),
            Self::Numbers { column } => format!("rows with a number in {column}"),
            Self::Sum { column, .. } => format!("sum of {column}"),
            Self::Centred { column, .. } => format!("centred sum of {column}"),
            Self::Squares { column, .. } => format!("centred squares of {column}"),
            Self::Bins { column, .. } => format!("histogram of {column}"),
            Self::Candidates {
                column, per_mille, ..
            } => format!("quantile {} of {column}", f64::from(*per_mille) / 1000.0),
        }
    }
}

/// The components behind a request's statistics, each once: what several statistics share is measured and
/// paid for once.
pub(crate) fn components(request: &Request) -> Vec<Component> {
    let mut all = Vec::new();
    for statistic in &request.statistics {
        for (part, weight) in parts(statistic, request) {
            // People come with the keys that are found by threshold.
            if part == Part::People && request.finds_keys() {
                continue;
            }
            if !all.iter().any(|has: &Component| has.part == part) {
                all.push(Component { part, weight });
            }
        }
    }
    all
}

/// The share of a centred sum, where the number of its rows has one.
///
/// With `h` half of what lies between the bounds and a mean `d` from their middle, the variance of its error is
/// as `h^2 / s + d^2 / (1 - s)` where the sum has the share `s` of both: noise on the number of rows counts only
/// as far as the mean lies from the middle. For a known `d` the best is `s = h / (h + d)`, which gives
/// `(h + d)^2`, and no Gaussian noise on the two numbers errs less, also none on both as one vector: by Cauchy
/// and Schwarz, since a row at either bound moves both the most. But nobody knows `d` before. Two thirds make
/// the logarithm of the error least on average over means anywhere between the bounds. A wanted accuracy must
/// hold for a mean at the bound too, `d = h`: halves give it at the least price.
fn sum_weight(budget: &Budget, squares: bool) -> u64 {
    match budget {
        Budget::Accuracy { .. } if !squares => 1,
        Budget::Accuracy { .. } | Budget::NanoRho(_) | Budget::NanoEpsilon(_) => 2,
    }
}

fn parts(statistic: &Statistic, request: &Request) -> Vec<(Part, u64)> {
    let all = &request.statistics;
    let moments = |column: &String, bounds: &Bounds| {
        let grid = Grid::between(*bounds);
        let squares = is_squared(column, *bounds, all);
        let column = || column.clone();
        let mut parts = vec![
            (Part::Numbers { column: column() }, 1),
            (
                Part::Centred {
                    column: column(),
                    grid,
                },
                sum_weight(&request.budget, squares),
            ),
        ];
        if squares {
            parts.push((
                Part::Squares {
                    column: column(),
                    grid,
                },
                2,
            ));
        }
        parts
    };
    match statistic {
        Statistic::Count { column: None } => vec![(Part::Rows, 1)],
        Statistic::Count {
            column: Some(column),
        } => vec![(
            Part::Present {
                column: column.clone(),
            },
            1,
        )],
        Statistic::People => vec![(Part::People, 1)],
        Statistic::Sum { column, bounds } if has_mean(column, *bounds, all) => {
            moments(column, bounds)
        }
        Statistic::Sum { column, bounds } => vec![(
            Part::Sum {
                column: column.clone(),
                grid: Grid::between(*bounds),
            },
            1,
        )],
        Statistic::Mean { column, bounds }
        | Statistic::Variance { column, bounds }
        | Statistic::StandardDeviation { column, bounds } => moments(column, bounds),
        Statistic::Quantiles {
            column,
            per_mille,
            candidates,
        } => per_mille
            .iter()
            .map(|per_mille| {
                let part = Part::Candidates {
                    column: column.clone(),
                    candidates: candidates.clone(),
                    per_mille: *per_mille,
                };
                (part, 1)
            })
            .collect(),
        Statistic::Histogram { column, edges } => vec![(
            Part::Bins {
                column: column.clone(),
                edges: edges.clone(),
            },
            1,
        )],
    }
}

/// Whether a mean, variance or standard deviation of the same values is asked for: then their sum follows
/// from the same noisy cells, at no charge.
fn has_mean(column: &str, bounds: Bounds, all: &[Statistic]) -> bool {
    let same = |(c, b, _): (&str, Bounds, Moment)| c == column && b == bounds;
    all.iter().filter_map(moment).any(same)
}

/// Whether a variance or standard deviation of the same values is asked for, which squares are measured for.
fn is_squared(column: &str, bounds: Bounds, all: &[Statistic]) -> bool {
    let same = |of: (&str, Bounds, Moment)| of == (column, bounds, Moment::Second);
    all.iter().filter_map(moment).any(same)
}

/// How far a statistic looks at the distribution of its values.
#[derive(Clone, Copy, PartialEq)]
enum Moment {
    /// At their mean.
    First,
    /// At their squares too.
    Second,
}

/// The values and the moment that a statistic is derived from, if it is.
fn moment(statistic: &Statistic) -> Option<(&str, Bounds, Moment)> {
    match statistic {
        Statistic::Mean { column, bounds } => Some((column, *bounds, Moment::First)),
        Statistic::Variance { column, bounds }
        | Statistic::StandardDeviation { column, bounds } => {
            Some((column, *bounds, Moment::Second))
        }
        Statistic::Count { .. }
        | Statistic::People
        | Statistic::Sum { .. }
        | Statistic::Quantiles { .. }
        | Statistic::Histogram { .. } => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grid(lower: f64, upper: f64) -> Grid {
        Grid::between(Bounds { lower, upper })
    }

    #[test]
    fn a_grid_has_about_a_million_steps_and_a_middle() {
        for (lower, upper) in [
            (0.0, 100.0),
            (-1.0, 1.0),
            (0.0, 1.0),
            (18.0, 90.0),
            (0.0, 1e9),
            (1900.0, 2020.0),
            (-1e15, 1e15),
            (0.1, 0.100001),
        ] {
            let grid = grid(lower, upper);
            let steps = grid.high - grid.low;
            assert!((1 << 19..=1 << 20).contains(&steps), "{grid:?}");
            assert!(grid.half() <= (1 << 19) + 1, "{grid:?}");
            assert!(grid.square_half() <= 1 << 20, "{grid:?}");
            for value in [lower, upper, lower.midpoint(upper)] {
                let steps = (value / grid.step).round() as i64;
                assert!((grid.low..=grid.high).contains(&steps));
            }
            assert_eq!(grid.step.log2().fract(), 0.0);
        }
    }

    #[test]
    fn squares_lie_within_their_half() {
        let grid = grid(0.0, 7.0);
        for centred in [-grid.half(), -1000, -1, 0, 1, 77, grid.half()] {
            let square = grid.square(centred);
            assert!((square - grid.square_centre).abs() <= grid.square_half());
            let exact = (centred as f64).powi(2) / 2.0_f64.powi(grid.square_shift as i32);
            assert!((square as f64 - exact).abs() <= 0.5);
        }
    }
}
