//! The cell-key method: noise that depends on who is in the cell and on nothing else (ABS
//! TableBuilder; Thompson, Broadfoot and Elazar, UNECE 2013). The same people get the same noise in
//! every table, so asking again tells nothing new. Tables of overlapping people still average: the
//! method is for outputs that are also watched by [`crate::difference`].
//!
//! Every record has a key, drawn from a secret of the dataset family; a cell's key is the sum of its
//! records' keys, and the noise is read from a table of probabilities.

use ring::hmac;
use thiserror::Error;

/// A record's key: uniform over 64 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecordKey(pub u64);

/// Makes keys from a secret that stays with the dataset family, so that they persist across projects,
/// tables and refreshes.
pub struct CellKeys(hmac::Key);

impl CellKeys {
    /// Takes the secret: 32 random bytes that the caller keeps.
    pub fn new(secret: &[u8; 32]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, secret))
    }

    /// The key of a person (or another unit), by the ordinal in the dataset family.
    pub fn record(&self, ordinal: u64) -> RecordKey {
        let tag = hmac::sign(&self.0, &ordinal.to_le_bytes());
        let mut first = [0; 8];
        for (byte, from) in first.iter_mut().zip(tag.as_ref()) {
            *byte = *from;
        }
        RecordKey(u64::from_le_bytes(first))
    }

    /// The uniform share in 0..1 of a cell with these people, in any order.
    pub fn cell(&self, records: impl IntoIterator<Item = RecordKey>) -> f64 {
        let sum = records
            .into_iter()
            .fold(0_u64, |sum, key| sum.wrapping_add(key.0));
        (sum >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// Probabilities of noise: for a count of 0, 1, 2, …, each row the chance of every change from
/// `-reach` to `reach`; the last row holds for all larger counts.
#[derive(Debug, Clone, PartialEq)]
pub struct PTable {
    reach: u32,
    rows: Vec<Vec<f64>>,
}

/// Why a table of probabilities is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum PTableError {
    /// The variance cannot be reached with this reach.
    #[error("no noise of this variance fits between minus and plus the reach")]
    Variance,
    /// Reach out of range.
    #[error("the reach of the noise must be 1 to 50")]
    Reach,
}

impl PTable {
    /// The probabilities of largest entropy for noise of the given reach and variance without bias
    /// (Marley and Leaver, ISI 2011). Zero stays zero; no count becomes negative, or one of the counts
    /// from 1 to `forbidden` (0: none is forbidden).
    ///
    /// # Errors
    /// If reach or variance are out of range. Counts for which no unbiased noise of the variance
    /// exists get the largest variance that does.
    pub fn maximum_entropy(reach: u32, variance: f64, forbidden: u32) -> Result<Self, PTableError> {
        if !(1..=50).contains(&reach) {
            return Err(PTableError::Reach);
        }
        let most = f64::from(reach) * f64::from(reach);
        if !(variance > 0.0 && variance <= most) {
            return Err(PTableError::Variance);
        }
        let width = 2 * reach as usize + 1;
        let mut zero = vec![0.0; width];
        if let Some(stays) = zero.get_mut(reach as usize) {
            *stays = 1.0;
        }
        let mut rows = vec![zero];
        for count in 1..=reach + forbidden + 1 {
            rows.push(row(i64::from(count), reach, variance, forbidden));
        }
        Ok(Self { reach, rows })
    }

    /// The count that is released in place of `count` for a cell with this uniform share.
    pub fn perturbed(&self, count: u64, share: f64) -> u64 {
        let last = self.rows.len().saturating_sub(1);
        let index = usize::try_from(count).unwrap_or(usize::MAX).min(last);
        let Some(row) = self.rows.get(index) else {
            return count;
        };
        let mut sum = 0.0;
        for (change, chance) in (-i64::from(self.reach)..).zip(row) {
            sum += chance;
            if share < sum {
                return count.saturating_add_signed(change);
            }
        }
        count
    }

    /// The chances of each change for a count, from minus to plus the reach.
    pub fn chances(&self, count: u64) -> &[f64] {
        let last = self.rows.len().saturating_sub(1);
        let index = usize::try_from(count).unwrap_or(usize::MAX).min(last);
        self.rows.get(index).map_or(&[], Vec::as_slice)
    }
}

/// Chances proportional to `exp(a·v + b·v²)` over the changes that are allowed, with the two
/// numbers such that the mean is zero and the variance what is asked (or the nearest there is).
fn row(count: i64, reach: u32, variance: f64, forbidden: u32) -> Vec<f64> {
    let reach = i64::from(reach);
    let allowed: Vec<bool> = (-reach..=reach)
        .map(|change| {
            let after = count + change;
            after == 0 || after > i64::from(forbidden)
        })
        .collect();
    let chances = |a: f64, b: f64| -> Vec<f64> {
        let powers: Vec<f64> = (-reach..=reach)
            .map(|v| a * v as f64 + b * (v * v) as f64)
            .collect();
        let top = powers
            .iter()
            .zip(&allowed)
            .filter(|(_, ok)| **ok)
            .map(|(p, _)| *p)
            .fold(f64::NEG_INFINITY, f64::max);
        let weights: Vec<f64> = powers
            .iter()
            .zip(&allowed)
            .map(|(p, ok)| if *ok { (p - top).exp() } else { 0.0 })
            .collect();
        let sum: f64 = weights.iter().sum();
        weights.iter().map(|w| w / sum).collect()
    };
    let moment = |chances: &[f64], power: i32| -> f64 {
        chances
            .iter()
            .zip(-reach..)
            .map(|(c, v)| c * (v as f64).powi(power))
            .sum()
    };
    // For each b the mean grows with a; over b the variance grows.
    let balanced = |b: f64| -> Vec<f64> {
        let a = bisect(-60.0, 60.0, |a| moment(&chances(a, b), 1));
        chances(a, b)
    };
    let b = bisect(-30.0, 30.0, |b| moment(&balanced(b), 2) - variance);
    balanced(b)
}

/// Where a growing function passes zero.
fn bisect(mut low: f64, mut high: f64, f: impl Fn(f64) -> f64) -> f64 {
    for _ in 0..80 {
        let middle = (low + high) / 2.0;
        if f(middle) < 0.0 {
            low = middle;
        } else {
            high = middle;
        }
    }
    (low + high) / 2.0
}
