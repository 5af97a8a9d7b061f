//! How far noise reaches: 95 % errors, computed from scales alone.

use serde::Serialize;

/// Half-width, in standard deviations, that holds 95 % of a normal distribution.
const Z95: f64 = 1.959_963_984_540_054;
/// Below this scale the discrete distribution is summed; above, it is normal to more digits than are told.
const SUMMED_MAX: f64 = 2_000.0;

/// The distribution of a price's noise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Shape {
    /// Discrete Gaussian: its price is a rho.
    Gaussian,
    /// Discrete Laplace: its price is an epsilon without delta, which as a rho is its square, halved.
    Laplace,
}

/// Noise on a number: one draw, or the sum of several of one scale.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Noise {
    pub(crate) shape: Shape,
    pub(crate) scale: f64,
    pub(crate) summed: usize,
}

impl Shape {
    /// Half-width, in standard deviations, that holds 95 % of such noise, alone and in sums: of sums of
    /// Laplace noise the one draw has the heaviest tail.
    pub(crate) fn z95(self) -> f64 {
        match self {
            Self::Gaussian => Z95,
            Self::Laplace => 20.0_f64.ln() / std::f64::consts::SQRT_2,
        }
    }
}

impl Noise {
    /// Its standard deviation; of Laplace noise that of the continuous one, a hair above the discrete one's.
    pub(crate) fn deviation(self) -> f64 {
        let one = match self.shape {
            Shape::Gaussian => self.scale,
            Shape::Laplace => std::f64::consts::SQRT_2 * self.scale,
        };
        one * (self.summed as f64).sqrt()
    }

    /// The smallest whole number within which it stays in 95 % of draws.
    pub(crate) fn reach_95(self) -> f64 {
        match (self.shape, self.summed) {
            (Shape::Gaussian, _) => gaussian_95(self.deviation()),
            (Shape::Laplace, 1) => laplace_95(self.scale),
            (Shape::Laplace, _) => (self.shape.z95() * self.deviation()).ceil(),
        }
    }

    /// The same for a number on a continuous scale.
    pub(crate) fn error_95(self) -> f64 {
        self.shape.z95() * self.deviation()
    }
}

/// The smallest whole number such that discrete Laplace noise stays within it in 95 % of draws: beyond `k` lies
/// `2 q^(k + 1) / (1 + q)` with `q = exp(-1 / scale)`.
fn laplace_95(scale: f64) -> f64 {
    let q = (-1.0 / scale).exp();
    ((0.05 * (1.0 + q) / 2.0).ln() / q.ln() - 1.0)
        .ceil()
        .max(0.0)
}

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
pub(crate) fn mean_95(sum: Noise, rows: Noise, mean: f64, n: f64) -> f64 {
    sum.shape.z95() * sum.deviation().hypot(mean * rows.deviation()) / n
}

/// Error of a variance, in the unit of the rounded squares per row. `squares` is the mean square less its
/// centre, `mean` the centred mean, `unit` the size of a square's unit in steps squared.
pub(crate) struct Variance {
    pub(crate) squares: Noise,
    pub(crate) sum: Noise,
    pub(crate) rows: Noise,
    pub(crate) unit: f64,
}

impl Variance {
    /// First-order error (delta method), in steps squared.
    pub(crate) fn error_95(&self, squares: f64, mean: f64, n: f64) -> f64 {
        let by_squares = self.unit * self.squares.deviation();
        let by_sum = 2.0 * mean * self.sum.deviation();
        let by_rows = (2.0 * mean * mean - squares * self.unit) * self.rows.deviation();
        self.sum.shape.z95() * by_squares.hypot(by_sum).hypot(by_rows) / n
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
        for scale in [0.3, 1.0, 4.0, 17.3, 500.0, 40_000.0] {
            let theirs =
                opendp::accuracy::discrete_laplacian_scale_to_accuracy(scale, 0.05).unwrap();
            let ours = laplace_95(scale);
            assert!(
                (ours + 1.0 - theirs).abs() <= 1.0,
                "{scale}: {ours} {theirs}"
            );
            // Summed up term by term.
            let q = (-1.0 / scale).exp();
            let within = |k: i64| -> f64 {
                let share = (1.0 - q) / (1.0 + q);
                share * (1.0 + 2.0 * (1..=k).map(|k| q.powi(k as i32)).sum::<f64>())
            };
            assert!(within(ours as i64) >= 0.95 - 1e-9, "{scale}");
            assert!(ours == 0.0 || within(ours as i64 - 1) < 0.95, "{scale}");
        }
    }

    /// Two Laplace draws of scales 20 and so much less, folded into each other cell by cell.
    #[test]
    fn sums_of_laplace_noise_stay_within_what_is_told() {
        for other in [20.0, 13.0, 7.0, 2.0] {
            let density = |scale: f64| -> Vec<f64> {
                let q = (-1.0 / scale).exp();
                let at = |k: i32| (1.0 - q) / (1.0 + q) * q.powi(k.abs());
                (-400..=400).map(at).collect()
            };
            let (a, b) = (density(20.0), density(other));
            let noise = |scale| Noise {
                shape: Shape::Laplace,
                scale,
                summed: 1,
            };
            let told = mean_95(noise(20.0), noise(other), 1.0, 1.0);
            let mut within = 0.0;
            for (i, x) in a.iter().enumerate() {
                for (j, y) in b.iter().enumerate() {
                    if ((i + j) as f64 - 800.0).abs() <= told {
                        within += x * y;
                    }
                }
            }
            assert!((0.949..0.975).contains(&within), "{other}: {within}");
        }
    }
}
