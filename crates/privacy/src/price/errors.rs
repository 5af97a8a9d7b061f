//! How far the answers will be from the truth: from scales alone.

use crate::component::{Grid, Part};
use crate::request::Statistic;
use crate::spread::{Noise, Shape, Variance, choice_95, mean_95};

/// Places between the middle of the bounds and an end at which the error of a mean is averaged.
const PLACES: u32 = 64;

/// Parts with their scales, and the scale on people where keys are found.
pub(crate) struct Scales {
    pub(crate) shape: Shape,
    pub(crate) parts: Vec<(Part, f64)>,
    pub(crate) people: Option<f64>,
}

impl Scales {
    /// The noise on each cell of a part; without end on a part that is not measured.
    fn noise(&self, of: &Part) -> Noise {
        let own = self.parts.iter().find(|(part, _)| part == of);
        self.noise_of(own.map_or(f64::INFINITY, |(_, scale)| *scale))
    }

    fn noise_of(&self, scale: f64) -> Noise {
        Noise {
            shape: self.shape,
            scale,
            summed: 1,
        }
    }

    /// The noise on the rows behind a mean and on their centred sum.
    fn moments(&self, of: &str, grid: Grid) -> (Noise, Noise) {
        let column = || of.to_owned();
        (
            self.noise(&Part::Numbers { column: column() }),
            self.noise(&Part::Centred {
                column: column(),
                grid,
            }),
        )
    }

    /// The 95 % error of a mean over `n` rows, `offset` steps from the middle of its bounds.
    fn mean_95(&self, column: &str, grid: Grid, offset: f64, n: f64) -> f64 {
        let (rows, sum) = self.moments(column, grid);
        mean_95(sum, rows, offset, n) * grid.step
    }

    fn variance_95(&self, column: &str, grid: Grid, n: f64) -> f64 {
        let (rows, sum) = self.moments(column, grid);
        let squares = Part::Squares {
            column: column.to_owned(),
            grid,
        };
        let spread = Variance {
            squares: self.noise(&squares),
            sum,
            rows,
            unit: f64::from(grid.square_shift).exp2(),
        };
        let (half, most) = (grid.half() as f64, grid.square_half() as f64);
        let error = |squares: f64| spread.error_95(squares, half, n);
        error(-most).max(error(most)) * grid.step * grid.step
    }
}

/// The 95 % error of a statistic: in rows for counts, histograms and quantiles (ranks), else in the unit of
/// the column. For means, variances and standard deviations: the worst over all means, for `n` rows.
pub(crate) fn error_95(statistic: &Statistic, scales: &Scales, n: u64) -> f64 {
    let n = n as f64;
    match statistic {
        Statistic::Count { column: None } => scales.noise(&Part::Rows).reach_95(),
        Statistic::Count {
            column: Some(column),
        } => {
            let column = column.clone();
            scales.noise(&Part::Present { column }).reach_95()
        }
        Statistic::People => match scales.people {
            Some(people) => scales.noise_of(people).reach_95(),
            None => scales.noise(&Part::People).reach_95(),
        },
        Statistic::Sum { column, bounds } => {
            let grid = Grid::between(*bounds);
            let own = scales.noise(&Part::Sum {
                column: column.clone(),
                grid,
            });
            match own.scale.is_finite() {
                true => own.error_95() * grid.step,
                false => scales.mean_95(column, grid, grid.centre as f64, 1.0),
            }
        }
        Statistic::Mean { column, bounds } => {
            let grid = Grid::between(*bounds);
            scales.mean_95(column, grid, grid.half() as f64, n)
        }
        Statistic::Variance { column, bounds } => {
            scales.variance_95(column, Grid::between(*bounds), n)
        }
        // Of a deviation of a quarter of the range; near zero it is larger.
        Statistic::StandardDeviation { column, bounds } => {
            let range = bounds.upper - bounds.lower;
            scales.variance_95(column, Grid::between(*bounds), n) / (2.0 * range / 4.0)
        }
        Statistic::Quantiles {
            column: c,
            candidates: among,
            ..
        } => scales
            .parts
            .iter()
            .filter(|(p, _)| matches!(p, Part::Candidates { column, candidates, .. } if column == c && candidates == among))
            .map(|(_, scale)| (choice_95(*scale, among.len()) / 1000.0).ceil())
            .fold(0.0, f64::max),
        Statistic::Histogram { column, edges } => {
            let (column, edges) = (column.clone(), edges.clone());
            scales.noise(&Part::Bins { column, edges }).reach_95()
        }
    }
}

/// The logarithm of a statistic's error over `n` rows, by which two kinds of noise are compared: of a mean its
/// average over means anywhere between the bounds, since where it lies is not known before.
pub(crate) fn compared(statistic: &Statistic, scales: &Scales, n: u64) -> f64 {
    match statistic {
        Statistic::Mean { column, bounds } => {
            let grid = Grid::between(*bounds);
            let half = grid.half() as f64;
            let at = |place: u32| {
                let offset = half * (f64::from(place) + 0.5) / f64::from(PLACES);
                scales.mean_95(column, grid, offset, n as f64).ln()
            };
            (0..PLACES).map(at).sum::<f64>() / f64::from(PLACES)
        }
        Statistic::Count { .. }
        | Statistic::People
        | Statistic::Sum { .. }
        | Statistic::Variance { .. }
        | Statistic::StandardDeviation { .. }
        | Statistic::Quantiles { .. }
        | Statistic::Histogram { .. } => error_95(statistic, scales, n).ln(),
    }
}
