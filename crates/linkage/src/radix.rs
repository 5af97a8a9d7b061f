//! Sorting of words by some of their bits, least significant digit first.

#![allow(clippy::indexing_slicing, reason = "digits are masked to the table")]

const DIGIT: u32 = 11;

/// Sorts by the bits from `low` up to `high`; words equal there keep their order.
pub(crate) fn sort(words: &mut Vec<u64>, low: u32, high: u32) {
    if words.len() < 2 {
        return;
    }
    if words.len() < 4096 {
        let mask = if high - low >= 64 {
            u64::MAX
        } else {
            (1 << (high - low)) - 1
        };
        words.sort_by_key(|word| word >> low & mask);
        return;
    }
    let mut other = vec![0_u64; words.len()];
    let mut shift = low;
    while shift < high {
        let bits = DIGIT.min(high - shift);
        let mask = (1_u64 << bits) - 1;
        let mut counts = vec![0_usize; 1 << bits];
        for word in words.iter() {
            counts[(word >> shift & mask) as usize] += 1;
        }
        let mut sum = 0;
        for count in &mut counts {
            sum += std::mem::replace(count, sum);
        }
        for word in words.iter() {
            let place = &mut counts[(word >> shift & mask) as usize];
            other[*place] = *word;
            *place += 1;
        }
        std::mem::swap(words, &mut other);
        shift += bits;
    }
}

/// Bits needed to tell `count` numbers apart.
pub(crate) const fn bits(count: usize) -> u32 {
    usize::BITS - count.leading_zeros()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    #[test]
    fn sorts_as_the_standard_library_does() {
        for (len, low, high) in [
            (0, 0, 64),
            (10, 3, 9),
            (10_000, 0, 64),
            (10_000, 32, 64),
            (9_000, 7, 20),
        ] {
            let mut random = Random::new(len);
            let words: Vec<u64> = (0..len).map(|_| random.next()).collect();
            let mut sorted = words.clone();
            sort(&mut sorted, low, high);
            let mut expected = words;
            let mask = ((1_u128 << (high - low)) - 1) as u64;
            expected.sort_by_key(|word| word >> low & mask);
            assert_eq!(sorted, expected);
        }
    }
}
