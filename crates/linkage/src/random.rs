//! A small seeded generator (splitmix64), so that the sampled pairs are the same on every run.

/// The odd number that the state grows by.
const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

/// Steele, Lea and Flood 2014; period 2^64. For sampling, not for secrets.
pub(crate) struct Random {
    state: u64,
}

impl Random {
    pub(crate) const fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// As it stands after so many numbers.
    pub(crate) const fn after(seed: u64, numbers: u64) -> Self {
        Self {
            state: seed.wrapping_add(STEP.wrapping_mul(numbers)),
        }
    }

    pub(crate) const fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(STEP);
        mix(self.state)
    }

    /// A number under `bound` (which is above 0), by multiplication; the bias is under 2^-32 for the
    /// bounds used here.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        let wide = u128::from(self.next()) * u128::from(bound);
        u64::try_from(wide >> 64).unwrap_or(0)
    }
}

/// The finaliser of splitmix64: a bijection of 64 bits that spreads every bit over all.
pub(crate) const fn mix(value: u64) -> u64 {
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_first_values_for_seed_zero() {
        // Vigna's splitmix64.c, seed 0.
        let mut random = Random::new(0);
        assert_eq!(random.next(), 0xe220_a839_7b1d_cdaf);
        assert_eq!(random.next(), 0x6e78_9e6a_a1b9_65f4);
    }

    #[test]
    fn it_goes_on_from_anywhere() {
        let mut random = Random::new(42);
        for numbers in 0..20 {
            let mut later = Random::after(42, numbers);
            assert_eq!(later.next(), random.next());
        }
    }

    #[test]
    fn every_number_under_the_bound_is_drawn() {
        let mut random = Random::new(7);
        let mut seen = [0_u32; 5];
        for _ in 0..5_000 {
            seen[usize::try_from(random.below(5)).unwrap()] += 1;
        }
        assert!(seen.iter().all(|count| (850..1_150).contains(count)));
    }
}
