//! Normal equations of a few dozen parameters.

/// A pivot that is this small beside its column follows from the columns before it.
const FOLLOWS: f64 = 1e-9;

/// The solution of normal equations.
#[derive(Debug, Clone)]
pub(super) struct Solved {
    /// The solution.
    pub(super) beta: Vec<f64>,
    /// Its covariance but for the spread of the outcome, row by row.
    pub(super) covariance: Vec<Vec<f64>>,
    /// The inverse of the lower triangle of the matrix, row by row: leverages are sums of squares through it.
    pub(super) through: Vec<Vec<f64>>,
}

impl Solved {
    /// With the spread of the outcome.
    pub(super) fn scale(&mut self, spread: f64) {
        self.covariance
            .iter_mut()
            .flatten()
            .for_each(|one| *one *= spread);
    }
}

/// Solves with the upper triangle of a symmetric matrix, row by row, by Cholesky's method.
///
/// # Errors
/// The number of the first column that follows from those before it.
pub(super) fn solve(upper: &[f64], moment: &[f64]) -> Result<Solved, usize> {
    let size = moment.len();
    let at = |row: usize, column: usize| {
        let (low, high) = (row.min(column), row.max(column));
        // Rows above have size, size - 1, … entries.
        upper.get(low * (2 * size + 1 - low) / 2 + high - low)
    };
    let mut lower: Vec<Vec<f64>> = Vec::with_capacity(size);
    for row in 0..size {
        let mut line: Vec<f64> = Vec::with_capacity(row + 1);
        for column in 0..=row {
            let known = at(row, column).copied().unwrap_or(f64::NAN);
            let before: f64 = match lower.get(column) {
                Some(other) => line.iter().zip(other).map(|(a, b)| a * b).sum(),
                None => line.iter().map(|a| a * a).sum(),
            };
            let rest = known - before;
            if column < row {
                let pivot = lower.get(column).and_then(|other| other.get(column));
                line.push(rest / pivot.copied().unwrap_or(f64::NAN));
            } else if rest.is_finite() && rest > FOLLOWS * known {
                line.push(rest.sqrt());
            } else {
                return Err(row);
            }
        }
        lower.push(line);
    }
    let through = inverse(&lower);
    let product = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    // The columns of the inverse, from the row of their diagonal on.
    let columns: Vec<Vec<f64>> = (0..size)
        .map(|column| {
            through
                .iter()
                .map(|row| row.get(column).copied().unwrap_or(0.0))
                .collect()
        })
        .collect();
    let covariance: Vec<Vec<f64>> = columns
        .iter()
        .map(|a| columns.iter().map(|b| product(a, b)).collect())
        .collect();
    Ok(Solved {
        beta: covariance.iter().map(|row| product(row, moment)).collect(),
        covariance,
        through,
    })
}

/// The inverse of a lower triangle.
fn inverse(lower: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let mut found: Vec<Vec<f64>> = Vec::with_capacity(lower.len());
    for (row, line) in lower.iter().enumerate() {
        let pivot = line.get(row).copied().unwrap_or(f64::NAN);
        let entry = |column: usize| match column == row {
            true => 1.0 / pivot,
            false => {
                let known = line.iter().zip(&found).skip(column).take(row - column);
                let sum: f64 = known
                    .map(|(l, above)| l * above.get(column).copied().unwrap_or(0.0))
                    .sum();
                -sum / pivot
            }
        };
        let new: Vec<f64> = (0..=row).map(entry).collect();
        found.push(new);
    }
    found
}
