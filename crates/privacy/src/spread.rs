//! How far noise reaches: 95 % errors, computed from scales alone.

/// Half-width, in standard deviations, that holds 95 % of a normal distribution.
pub(crate) const Z95: f64 = 1.959_963_984_540_054;
/// Below this scale the discrete distribution is summed; above, it is normal to more digits than are told.
const SUMMED_MAX: f64 = 2_000.0;

/// The smallest whole number such that discrete Gaussian noise stays within it in 95 % of draws.
pub(crate) fn gaussian_95(scale: f64) -> f64 {
    if scale > SUMMED_MAX {
        return (Z95 * scale).ceil();
    }
    let density = |k: i64| (-((k * k) as f64) / (2.0 * scale * scale)).exp();
    let end = (scale * 12.0).ceil() as i64 + 1;
    let total = 1.0 + 2.0 * (1..=end).map(density).sum::<f64>();
    let mut within = 1.0;
    let mut reach = 0;
    while within < 0.95 * total && reach < end {
        reach += 1;
        within += 2.0 * density(reach);
    }
    reach as f64
}

/// The score by which the chosen candidate is at most worse than the best one in 95 % of draws:
/// exponential mechanism over `candidates` with Gumbel noise of this scale (McSherry and Talwar 2007).
pub(crate) fn choice_95(scale: f64, candidates: usize) -> f64 {
    scale * ((candidates as f64).ln() + (1.0_f64 / 0.05).ln())
}

/// Error of a mean with `n` rows whose centred mean is `mean`, all in steps.
pub(crate) fn mean_95(sum_scale: f64, rows_scale: f64, mean: f64, n: f64) -> f64 {
    Z95 * sum_scale.hypot(mean * rows_scale) / n
}

/// Error of a variance, in the unit of the rounded squares per row. `squares` is the mean square less its
/// centre, `mean` the centred mean, `unit` the size of a square's unit in steps squared.
pub(crate) struct Variance {
    pub(crate) squares_scale: f64,
    pub(crate) sum_scale: f64,
    pub(crate) rows_scale: f64,
    pub(crate) unit: f64,
}

impl Variance {
    /// First-order error (delta method), in steps squared.
    pub(crate) fn error_95(&self, squares: f64, mean: f64, n: f64) -> f64 {
        let by_squares = self.unit * self.squares_scale;
        let by_sum = 2.0 * mean * self.sum_scale;
        let by_rows = (2.0 * mean * mean - squares * self.unit) * self.rows_scale;
        Z95 * by_squares.hypot(by_sum).hypot(by_rows) / n
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reach_is_that_of_the_library() {
        // The library tells the error that is passed in fewer than 5 % of draws: one more.
        for scale in [0.3, 1.0, 2.0, 7.071, 22.36, 500.0, 1900.0] {
            let theirs =
                opendp::accuracy::discrete_gaussian_scale_to_accuracy(scale, 0.05).unwrap();
            assert_eq!(gaussian_95(scale) + 1.0, theirs, "{scale}");
        }
        assert_eq!(gaussian_95(10_000.0), 19_600.0);
    }
}
