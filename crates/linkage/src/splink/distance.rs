//! String distances as DuckDB 2 defines them, over characters (DuckDB 1 took bytes).

#![allow(
    clippy::indexing_slicing,
    reason = "indices run over the lengths of the two strings"
)]

use std::borrow::Cow;
use std::collections::BTreeMap;

/// Two texts with one byte for each character. Past 255 distinct characters, as no name has, bytes stand for
/// themselves.
pub(super) fn letters<'a>(
    left: Cow<'a, [u8]>,
    right: Cow<'a, [u8]>,
) -> (Cow<'a, [u8]>, Cow<'a, [u8]>) {
    if left.is_ascii() && right.is_ascii() {
        return (left, right);
    }
    let mut numbers = BTreeMap::<char, u8>::new();
    let mut number = |text: &[u8]| -> Option<Vec<u8>> {
        let text = std::str::from_utf8(text).ok()?;
        text.chars()
            .map(|letter| match numbers.get(&letter) {
                Some(number) => Some(*number),
                None => {
                    let next = u8::try_from(numbers.len()).ok()?;
                    numbers.insert(letter, next);
                    Some(next)
                }
            })
            .collect()
    };
    match (number(&left), number(&right)) {
        (Some(left), Some(right)) => (left.into(), right.into()),
        _ => (left, right),
    }
}

/// Edits that turn one string into the other (Levenshtein 1966).
pub(super) fn levenshtein(left: &[u8], right: &[u8]) -> usize {
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (i, a) in left.iter().enumerate() {
        let mut corner = row[0];
        row[0] = i + 1;
        for (j, b) in right.iter().enumerate() {
            let above = row[j + 1];
            row[j + 1] = (corner + usize::from(a != b))
                .min(above + 1)
                .min(row[j] + 1);
            corner = above;
        }
    }
    row[right.len()]
}

/// The same with exchanges of neighbours, letters put between them allowed (Lowrance and Wagner 1975).
pub(super) fn damerau_levenshtein(left: &[u8], right: &[u8]) -> usize {
    let far = left.len() + right.len();
    let width = right.len() + 2;
    let mut cost = vec![0; (left.len() + 2) * width];
    cost[0] = far;
    for i in 0..=left.len() {
        cost[(i + 1) * width] = far;
        cost[(i + 1) * width + 1] = i;
    }
    for j in 0..=right.len() {
        cost[j + 1] = far;
        cost[width + j + 1] = j;
    }
    // Row in which each letter was last seen.
    let mut seen = BTreeMap::<u8, usize>::new();
    for i in 1..=left.len() {
        let mut matched = 0;
        for j in 1..=right.len() {
            let row = seen.get(&right[j - 1]).copied().unwrap_or(0);
            let column = matched;
            let differs = usize::from(left[i - 1] != right[j - 1]);
            if differs == 0 {
                matched = j;
            }
            cost[(i + 1) * width + j + 1] = (cost[i * width + j] + differs)
                .min(cost[(i + 1) * width + j] + 1)
                .min(cost[i * width + j + 1] + 1)
                .min(cost[row * width + column] + (i - row - 1) + 1 + (j - column - 1));
        }
        seen.insert(left[i - 1], i);
    }
    cost[(left.len() + 1) * width + right.len() + 1]
}

/// Shared letters over all letters, each letter counted once.
pub(super) fn jaccard(left: &[u8], right: &[u8]) -> f64 {
    let set = |text: &[u8]| {
        let mut letters = [false; 256];
        for byte in text {
            letters[usize::from(*byte)] = true;
        }
        letters
    };
    let (a, b) = (set(left), set(right));
    let count = |of: fn(bool, bool) -> bool| a.iter().zip(&b).filter(|(a, b)| of(**a, **b)).count();
    let either = count(|a, b| a || b);
    if either == 0 {
        return 0.0;
    }
    count(|a, b| a && b) as f64 / either as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_as_they_are_published() {
        assert_eq!(levenshtein(b"kitten", b"sitting"), 3);
        assert_eq!(levenshtein(b"", b"abc"), 3);
        // An exchange with a letter put between: 2 by Lowrance and Wagner, 3 where substrings are edited once only.
        assert_eq!(damerau_levenshtein(b"CA", b"ABC"), 2);
        assert_eq!(damerau_levenshtein(b"smtih", b"smith"), 1);
        assert_eq!(damerau_levenshtein(b"", b"ab"), 2);
        assert!((jaccard(b"duck", b"luck") - 0.6).abs() < 1e-12);
    }

    #[test]
    fn a_letter_with_an_accent_is_one_letter() {
        // As DuckDB 2.0.1 answers.
        let (a, b) = letters("Zoë".as_bytes().into(), "Zoe".as_bytes().into());
        assert_eq!((levenshtein(&a, &b), damerau_levenshtein(&a, &b)), (1, 1));
        assert!((jaccard(&a, &b) - 0.5).abs() < 1e-12);
        assert!(
            (crate::jaro_winkler::jaro_winkler(&a, &b) - 0.822_222_222_222_222_2).abs() < 1e-12
        );
    }

    proptest::proptest! {
        #[test]
        fn an_exchange_only_ever_saves(a in "[ab]{0,6}", b in "[abc]{0,6}") {
            let (a, b) = (a.as_bytes(), b.as_bytes());
            let (plain, exchanged) = (levenshtein(a, b), damerau_levenshtein(a, b));
            assert!(exchanged <= plain && plain <= 2 * exchanged, "{plain} {exchanged}");
            assert_eq!(damerau_levenshtein(b, a), exchanged);
            assert_eq!(levenshtein(b, a), plain);
        }
    }
}
