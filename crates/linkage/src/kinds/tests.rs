use super::*;

/// Two yes/no comparisons, a pattern of which is two bits.
fn pattern(first: u8, second: u8) -> Pattern {
    Pattern::default()
        .with(0, Some(first))
        .with(1, Some(second))
}

fn yes(share: f64) -> [f64; LEVELS_MAX] {
    let mut shares = [0.0; LEVELS_MAX];
    shares[..2].copy_from_slice(&[1.0 - share, share]);
    shares
}

fn two_kinds(lambda: f64, m: [f64; 2], u: [f64; 2]) -> Kinds {
    let kind = |name, rate, shares: [f64; 2]| {
        let q = vec![yes(shares[0]), yes(shares[1])];
        Kind {
            name,
            rate,
            prior: q.clone(),
            prior_rate: rate,
            fixed: vec![false; q.len()],
            q,
        }
    };
    Kinds(vec![kind("same", lambda, m), kind("two", 1.0 - lambda, u)])
}

fn close(found: f64, expected: f64, within: f64) {
    assert!(
        (found - expected).abs() < within,
        "{found} against {expected}"
    );
}

#[test]
fn one_round_by_hand() {
    // λ = .5, m = .9 .9, u = .5 .1; ten pairs agree on both, ten on the first alone, twenty on none.
    //   both:  .5*.9*.9 / (.5*.9*.9 + .5*.5*.1) = .405  / .43   = .941860
    //   first: .5*.9*.1 / (.5*.9*.1 + .5*.5*.9) = .045  / .27   = .166667
    //   none:  .5*.1*.1 / (.5*.1*.1 + .5*.5*.9) = .005  / .23   = .021739
    // Expected matches: 10*.941860 + 10*.166667 + 20*.021739 = 11.520054; λ = 11.520054/40 = .288001.
    // m(first agrees)  = (9.418605 + 1.666667) / 11.520054 = .962259
    // m(second agrees) =  9.418605             / 11.520054 = .817583
    let mut kinds = two_kinds(0.5, [0.9, 0.9], [0.5, 0.1]);
    let weighted = [
        (pattern(1, 1), 10.0),
        (pattern(1, 0), 10.0),
        (pattern(0, 0), 20.0),
    ];
    kinds.fit(&weighted, 40.0, 0.0, 1);
    close(kinds.0[0].rate, 0.288_001, 1e-6);
    close(kinds.0[0].q[0][1], 0.962_259, 1e-6);
    close(kinds.0[0].q[1][1], 0.817_583, 1e-6);
}

#[test]
fn a_missing_comparison_drops_out() {
    // The first alone: λ*m/(λ*m + (1-λ)*u) = .2*.9/(.2*.9 + .8*.5) = .310345.
    let mut kinds = two_kinds(0.2, [0.9, 0.9], [0.5, 0.1]);
    kinds.fit(&[(Pattern::default().with(0, Some(1)), 1.0)], 1.0, 0.0, 1);
    close(kinds.0[0].rate, 0.310_345, 1e-6);
}

#[test]
fn the_coins_of_do_and_batzoglou() {
    // Do and Batzoglou 2008, Nature Biotechnology 26: 897-899, figure 1: two coins, five sets of ten tosses,
    // start 0.6 and 0.5; after ten rounds 0.80 and 0.52. A set of tosses is a pattern of ten comparisons; the
    // paper's coins are taken equally often, and one bias serves all ten tosses, so both are held so here.
    let heads = [5_u32, 9, 8, 4, 7];
    let tosses = |heads: u32| {
        (0..10).fold(Pattern::default(), |pattern, toss| {
            pattern.with(toss, Some(u8::from((toss as u32) < heads)))
        })
    };
    let kind = |name, bias: f64| {
        let q = vec![yes(bias); 10];
        Kind {
            name,
            rate: 0.5,
            prior: q.clone(),
            prior_rate: 0.5,
            fixed: vec![false; q.len()],
            q,
        }
    };
    let mut coins = Kinds(vec![kind("a", 0.6), kind("b", 0.5)]);
    let weighted: Vec<(Pattern, f64)> = heads.iter().map(|heads| (tosses(*heads), 1.0)).collect();
    for round in 1..=10 {
        coins.fit(&weighted, 5.0, 0.0, 1);
        for coin in &mut coins.0 {
            let bias = coin.q.iter().map(|shares| shares[1]).sum::<f64>() / 10.0;
            coin.q = vec![yes(bias); 10];
            coin.rate = 0.5;
        }
        if round == 1 {
            close(coins.0[0].q[0][1], 0.71, 5e-3);
            close(coins.0[1].q[0][1], 0.58, 5e-3);
        }
    }
    close(coins.0[0].q[0][1], 0.80, 5e-3);
    close(coins.0[1].q[0][1], 0.52, 5e-3);
}

#[test]
fn counts_of_patterns_are_as_good_as_pairs() {
    let mut by_pair = two_kinds(0.3, [0.8, 0.7], [0.3, 0.2]);
    let mut by_count = by_pair.clone();
    let pairs: Vec<(Pattern, f64)> = (0..60)
        .map(|i| (pattern(i % 2, u8::from(i % 3 == 0)), 1.0))
        .collect();
    let mut counts = std::collections::BTreeMap::<Pattern, f64>::new();
    for (pattern, _) in &pairs {
        *counts.entry(*pattern).or_default() += 1.0;
    }
    let counts: Vec<(Pattern, f64)> = counts.into_iter().collect();
    by_pair.fit(&pairs, 60.0, 1.0, 20);
    by_count.fit(&counts, 60.0, 1.0, 20);
    for (a, b) in by_pair.0.iter().zip(&by_count.0) {
        close(a.rate, b.rate, 1e-12);
        close(a.q[0][1], b.q[0][1], 1e-12);
    }
}
