//! Sorting of words by some of their bits, least significant digit first.

#![allow(clippy::indexing_slicing, reason = "digits are masked to the table")]

const DIGIT: u32 = 11;

/// Fewer items are left to the standard library.
const SMALL: usize = 4096;

/// Sorts by the bits of a word of each item from `low` up to `high`; items equal there keep their order.
pub(crate) fn sort<T: Copy>(items: &mut Vec<T>, word: impl Fn(&T) -> u64, low: u32, high: u32) {
    if items.len() < SMALL {
        let mask = if high - low >= 64 {
            u64::MAX
        } else {
            (1 << (high - low)) - 1
        };
        items.sort_by_key(|item| word(item) >> low & mask);
        return;
    }
    let mut other = items.clone();
    let mut shift = low;
    while shift < high {
        let bits = DIGIT.min(high - shift);
        let mask = (1_u64 << bits) - 1;
        let mut places = vec![0_usize; 1 << bits];
        for item in items.iter() {
            places[(word(item) >> shift & mask) as usize] += 1;
        }
        let mut sum = 0;
        for place in &mut places {
            sum += std::mem::replace(place, sum);
        }
        for item in items.iter() {
            let place = &mut places[(word(item) >> shift & mask) as usize];
            other[*place] = *item;
            *place += 1;
        }
        std::mem::swap(items, &mut other);
        shift += bits;
    }
}

/// Sorts words whose upper halves are hashes, equal in their first `known` bits: the digits after these by radix, the
/// little that is left by insertion.
pub(crate) fn sort_words(words: &mut Vec<u64>, known: u32) {
    if words.len() < SMALL {
        words.sort_unstable();
        return;
    }
    // Two digits for four million words, and three past that, leave hardly two words of one prefix.
    let digits = if words.len() < 1 << (2 * DIGIT) { 2 } else { 3 };
    let high = u64::BITS - known;
    sort(words, |word| *word, high - digits * DIGIT, high);
    for at in 1..words.len() {
        let word = words[at];
        let mut place = at;
        while place > 0 && words[place - 1] > word {
            words[place] = words[place - 1];
            place -= 1;
        }
        words[place] = word;
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
    fn words_of_few_and_many_keys_are_sorted() {
        for (len, keys) in [(0, 1), (9, 3), (5_000, 1), (5_000, 40), (90_000, u64::MAX)] {
            let mut random = Random::new(len);
            let hash = |random: &mut Random| crate::random::mix(random.below(keys)) >> 32 << 32;
            let mut words: Vec<u64> = (0..len).map(|row| hash(&mut random) | row).collect();
            let mut of_one_range: Vec<u64> = words.iter().map(|w| w >> 8 | 0x5a << 56).collect();
            for (words, known) in [(&mut words, 0), (&mut of_one_range, 8)] {
                let mut expected = words.clone();
                expected.sort_unstable();
                sort_words(words, known);
                assert_eq!(*words, expected);
            }
        }
    }

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
            sort(&mut sorted, |word| *word, low, high);
            let mut expected = words;
            let mask = ((1_u128 << (high - low)) - 1) as u64;
            expected.sort_by_key(|word| word >> low & mask);
            assert_eq!(sorted, expected);
        }
    }
}
