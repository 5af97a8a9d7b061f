//! Jaro-Winkler similarity: one written definition, named in every model.
//!
//! Engines disagree on it (whole or half transpositions, boost always or above a floor), so the one used
//! here is fixed and stored beside each model's parameters.

#![allow(
    clippy::indexing_slicing,
    reason = "indices run over the lengths of the two strings"
)]

/// The definition, for the model file.
pub const DEFINITION: &str = "bytes; window max(len)/2-1; transpositions halved as a real number; \
     boost only above 0.7; common prefix up to 4; scale 0.1; empty with anything is 0";

/// Longest value the fast kernel takes; longer ones go the slow way.
const WORD: usize = 64;

/// Similarity of two strings of bytes, 0 to 1, by [`DEFINITION`].
#[must_use]
pub fn jaro_winkler(left: &[u8], right: &[u8]) -> f64 {
    boosted(jaro_similarity(left, right), left, right)
}

/// The same without the boost.
pub(crate) fn jaro_similarity(left: &[u8], right: &[u8]) -> f64 {
    if left.len() > WORD || right.len() > WORD {
        return slow_jaro(left, right);
    }
    if left.is_empty() || right.is_empty() {
        return 0.0;
    }
    if left == right {
        return 1.0;
    }
    let window = (left.len().max(right.len()) / 2).saturating_sub(1);
    let (mut left_matched, mut right_matched) = (0_u64, 0_u64);
    for (i, byte) in left.iter().enumerate() {
        let start = i.saturating_sub(window);
        let end = (i + window + 1).min(right.len());
        for (place, other) in right[start.min(end)..end].iter().enumerate() {
            let bit = 1_u64 << (start + place);
            if other == byte && right_matched & bit == 0 {
                left_matched |= 1 << i;
                right_matched |= bit;
                break;
            }
        }
    }
    let matches = left_matched.count_ones();
    if matches == 0 {
        return 0.0;
    }
    let mut displaced = 0_u32;
    while left_matched != 0 {
        let i = left_matched.trailing_zeros() as usize;
        let j = right_matched.trailing_zeros() as usize;
        displaced += u32::from(left[i] != right[j]);
        left_matched &= left_matched - 1;
        right_matched &= right_matched - 1;
    }
    jaro(matches, displaced, left.len(), right.len())
}

fn jaro(matches: u32, displaced: u32, left_len: usize, right_len: usize) -> f64 {
    let matches = f64::from(matches);
    let transpositions = f64::from(displaced) / 2.0;
    (matches / left_len as f64 + matches / right_len as f64 + (matches - transpositions) / matches)
        / 3.0
}

fn boosted(jaro: f64, left: &[u8], right: &[u8]) -> f64 {
    if jaro <= 0.7 {
        return jaro;
    }
    let prefix = left
        .iter()
        .zip(right)
        .take(4)
        .take_while(|(a, b)| a == b)
        .count();
    jaro + 0.1 * prefix as f64 * (1.0 - jaro)
}

/// The definition as it is written, slowly.
#[cfg(test)]
fn reference(left: &[u8], right: &[u8]) -> f64 {
    boosted(slow_jaro(left, right), left, right)
}

/// Without the boost: lists of flags, no tricks.
fn slow_jaro(left: &[u8], right: &[u8]) -> f64 {
    if left.is_empty() || right.is_empty() {
        return 0.0;
    }
    let longest = left.len().max(right.len());
    let window = (longest / 2).saturating_sub(1);
    let mut left_matched = vec![false; left.len()];
    let mut right_matched = vec![false; right.len()];
    for i in 0..left.len() {
        for j in 0..right.len() {
            let near = i.abs_diff(j) <= window;
            if near && !left_matched[i] && !right_matched[j] && left[i] == right[j] {
                left_matched[i] = true;
                right_matched[j] = true;
            }
        }
    }
    let kept = |bytes: &[u8], flags: &[bool]| -> Vec<u8> {
        bytes
            .iter()
            .zip(flags)
            .filter(|(_, flag)| **flag)
            .map(|(byte, _)| *byte)
            .collect()
    };
    let (a, b) = (kept(left, &left_matched), kept(right, &right_matched));
    if a.is_empty() {
        return 0.0;
    }
    let displaced = a.iter().zip(&b).filter(|(x, y)| x != y).count();
    let matches = u32::try_from(a.len()).unwrap_or(u32::MAX);
    let displaced = u32::try_from(displaced).unwrap_or(u32::MAX);
    jaro(matches, displaced, left.len(), right.len())
}

#[cfg(test)]
mod tests;
