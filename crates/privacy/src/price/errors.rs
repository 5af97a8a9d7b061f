//! How far the answers will be from the truth: from scales alone.

use crate::component::{Grid, Part};
use crate::request::Statistic;
use crate::spread::{Noise, Shape, Variance, choice_95, mean_95};

/// Parts with their scales, and the scale on people where keys are found.
pub(crate) struct Scales {
    pub(crate) shape: Shape,
    pub(crate) parts: Vec<(Part, f64)>,
    pub(crate) people: Option<f64>,
}

impl Scales {
    fn of(&self, wanted: impl Fn(&Part) -> bool) -> Option<(&Part, f64)> {
        self.parts
            .iter()
            .find(|(part, _)| wanted(part))
            .map(|(part, scale)| (part, *scale))
    }
}

/// The 95 % error of a statistic: in rows for counts, histograms and quantiles (ranks), else in the unit of
/// the column. For means, variances and standard deviations: the worst over all means, for `n` rows.
pub(crate) fn error_95(statistic: &Statistic, scales: &Scales, n: u64) -> f64 {
    let n = n as f64;
    let noise = |scale: f64| Noise {
        shape: scales.shape,
        scale,
        summed: 1,
    };
    let scale =
        |wanted: &dyn Fn(&Part) -> bool| noise(scales.of(wanted).map_or(f64::INFINITY, |s| s.1));
    let rows = |c: &String| scale(&|p: &Part| matches!(p, Part::Numbers { column } if column == c));
    let centred =
        |c: &String| scale(&|p: &Part| matches!(p, Part::Centred { column, .. } if column == c));
    match statistic {
        Statistic::Count { column: None } => scale(&|p| matches!(p, Part::Rows)).reach_95(),
        Statistic::Count { column: Some(c) } => {
            scale(&|p| matches!(p, Part::Present { column } if column == c)).reach_95()
        }
        Statistic::People => match scales.people {
            Some(people) => noise(people).reach_95(),
            None => scale(&|p| matches!(p, Part::People)).reach_95(),
        },
        Statistic::Sum { column: c, bounds } => {
            let grid = Grid::between(*bounds);
            let own = scales.of(|p| matches!(p, Part::Sum { column, .. } if column == c));
            match own {
                Some((_, scale)) => noise(scale).error_95() * grid.step,
                None => mean_95(centred(c), rows(c), grid.centre as f64, 1.0) * grid.step,
            }
        }
        Statistic::Mean { column: c, bounds } => {
            let grid = Grid::between(*bounds);
            mean_95(centred(c), rows(c), grid.half() as f64, n) * grid.step
        }
        Statistic::Variance { column: c, bounds }
        | Statistic::StandardDeviation { column: c, bounds } => {
            let grid = Grid::between(*bounds);
            let squares = scale(&|p: &Part| matches!(p, Part::Squares { column, .. } if column == c));
            let spread = Variance {
                squares,
                sum: centred(c),
                rows: rows(c),
                unit: f64::from(grid.square_shift).exp2(),
            };
            let half = grid.half() as f64;
            let error = spread
                .error_95(-(grid.square_half() as f64), half, n)
                .max(spread.error_95(grid.square_half() as f64, half, n))
                * grid.step
                * grid.step;
            match statistic {
                // Of a deviation of a quarter of the range; near zero it is larger.
                Statistic::StandardDeviation { .. } => {
                    error / (2.0 * (grid.upper - grid.lower) / 4.0)
                }
                _ => error,
            }
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
        Statistic::Histogram { column: c, edges: at } => {
            scale(&|p| matches!(p, Part::Bins { column, edges } if column == c && edges == at))
                .reach_95()
        }
    }
}
