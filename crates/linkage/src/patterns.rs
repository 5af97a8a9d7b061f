//! Counting agreement patterns: millions of pairs become a few hundred rows, and EM reads those.

use crate::compare::Pattern;

/// Distinct patterns in order, each with its number of pairs.
pub(crate) type PatternCounts = Vec<(Pattern, u64)>;

/// Counts by sorting.
pub(crate) fn count(mut patterns: Vec<Pattern>) -> PatternCounts {
    patterns.sort_unstable();
    let mut counts = PatternCounts::new();
    for pattern in patterns {
        match counts.last_mut() {
            Some((last, times)) if *last == pattern => *times += 1,
            Some(_) | None => counts.push((pattern, 1)),
        }
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    /// The obvious way.
    fn reference(patterns: &[Pattern]) -> PatternCounts {
        let mut counts = BTreeMap::new();
        for pattern in patterns {
            *counts.entry(*pattern).or_insert(0_u64) += 1;
        }
        counts.into_iter().collect()
    }

    proptest! {
        #[test]
        fn sorting_counts_as_a_map_does(patterns in proptest::collection::vec((0_u64..30).prop_map(Pattern), 0..300)) {
            prop_assert_eq!(count(patterns.clone()), reference(&patterns));
        }
    }
}
