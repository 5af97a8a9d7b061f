//! How partners fall on the records of a file: how much a second one weighs, from how often there is one.
//!
//! In the competition of [`crate::compete`] a record has no partner with weight 1, and n of them with weight
//! cⁿ wⁿ⁻¹ / n!, c being what all its possible partners claim together and w the weight of a further one. What can be
//! seen is the mean number of partners and E[n(n-1)] / E[n]². Both follow from c and w, and w and c from both.

/// How partners fall on the records of one file.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Fall {
    /// Partners of a record.
    pub(crate) mean: f64,
    /// What all possible partners of a record claim: odds of one partner against none.
    pub(crate) claim: f64,
    /// Of a second partner, beside a first one: 0 to 1.
    pub(crate) weight: f64,
}

/// Halvings of what an answer lies in.
const HALVINGS: u32 = 60;

impl Fall {
    /// From the mean number of partners, under 1, and E[n(n-1)] / E[n]²: 0 if none has two, 1 if they fall like rain.
    pub(crate) fn of(mean: f64, repeats: f64) -> Self {
        if repeats >= 1.0 || mean <= 0.0 {
            let weight = repeats.min(1.0);
            return Self {
                mean,
                claim: mean,
                weight,
            };
        }
        let weight = halved(0.0, 1.0, |weight| {
            repeats_of(claim(mean, weight), weight) < repeats
        });
        Self {
            mean,
            claim: claim(mean, weight),
            weight,
        }
    }
}

/// The claim under which records have so many partners in the mean.
fn claim(mean: f64, weight: f64) -> f64 {
    // None has more than one at the one end, and as many as fall like rain at the other.
    halved(mean, mean / (1.0 - mean), |claim| {
        mean_of(claim, weight) < mean
    })
}

/// The sum of all weights of a record.
fn total(claim: f64, weight: f64) -> f64 {
    1.0 + claim * growth(claim * weight)
}

/// (eˣ - 1) / x.
fn growth(x: f64) -> f64 {
    if x > 0.0 { x.exp_m1() / x } else { 1.0 }
}

fn mean_of(claim: f64, weight: f64) -> f64 {
    claim * (claim * weight).exp() / total(claim, weight)
}

/// E[n(n-1)] / E[n]².
fn repeats_of(claim: f64, weight: f64) -> f64 {
    weight * total(claim, weight) / (claim * weight).exp()
}

/// Where a rising question turns from yes to no.
fn halved(low: f64, high: f64, is_above: impl Fn(f64) -> bool) -> f64 {
    let (mut low, mut high) = (low, high);
    for _ in 0..HALVINGS {
        let middle = low.midpoint(high);
        if is_above(middle) {
            low = middle;
        } else {
            high = middle;
        }
    }
    low.midpoint(high)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Mean and repeats of the weights as they are written, term by term.
    fn reference(claim: f64, weight: f64) -> (f64, f64) {
        let (mut all, mut first, mut second) = (1.0, 0.0, 0.0);
        let mut term = 1.0;
        for n in 1..60 {
            let n = f64::from(n);
            term *= claim / n * if n > 1.0 { weight } else { 1.0 };
            all += term;
            first += n * term;
            second += n * (n - 1.0) * term;
        }
        let mean = first / all;
        (mean, second / all / (mean * mean))
    }

    #[test]
    fn where_few_have_a_partner_a_second_weighs_what_it_is_seen_to() {
        let fall = Fall::of(0.001, 0.2);
        assert!((fall.weight - 0.2).abs() < 1e-3 && (fall.claim - 0.001).abs() < 1e-5);
    }

    #[test]
    fn where_nearly_all_have_one_a_second_weighs_less() {
        // A claim of 5 and a weight of .05: 14 % of the records have no partner, and a twentieth of second ones looks
        // like a quarter of what rain would bring.
        let (mean, repeats) = reference(5.0, 0.05);
        assert!((mean - 0.961).abs() < 1e-3 && (repeats - 0.260).abs() < 1e-3);
        let fall = Fall::of(mean, repeats);
        assert!(
            (fall.weight - 0.05).abs() < 1e-9 && (fall.claim - 5.0).abs() < 1e-6,
            "{fall:?}"
        );
    }

    #[test]
    fn without_repeats_or_with_rain_it_is_what_it_always_was() {
        let one = Fall::of(0.9, 0.0);
        assert!(one.weight < 1e-12 && (one.claim - 9.0).abs() < 1e-6);
        assert_eq!(
            Fall::of(0.9, 1.0),
            Fall {
                mean: 0.9,
                claim: 0.9,
                weight: 1.0
            }
        );
    }

    proptest! {
        #[test]
        fn claim_and_weight_are_found_again(mean in 0.01_f64..0.97, weight in 0.0_f64..0.99) {
            // The claim that brings such a mean, by the slow sums alone.
            let (mut low, mut claim) = (0.0, 40.0);
            for _ in 0..60 {
                let middle = (low + claim) / 2.0;
                if reference(middle, weight).0 < mean {
                    low = middle;
                } else {
                    claim = middle;
                }
            }
            let (mean, repeats) = reference(claim, weight);
            let fall = Fall::of(mean, repeats);
            prop_assert!((fall.weight - weight).abs() < 1e-6, "{fall:?}");
            prop_assert!((fall.claim / claim - 1.0).abs() < 1e-6, "{fall:?}");
        }
    }
}
