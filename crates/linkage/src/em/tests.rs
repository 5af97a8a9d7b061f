use super::*;
use crate::patterns;
use crate::random::Random;

fn pattern(levels: &[(Comparison, u8)]) -> Pattern {
    levels
        .iter()
        .fold(Pattern::default(), |pattern, (comparison, level)| {
            pattern.with(*comparison, Some(*level))
        })
}

fn close(found: f64, expected: f64, within: f64) {
    assert!(
        (found - expected).abs() < within,
        "{found} against {expected}"
    );
}

#[test]
fn one_round_by_hand() {
    // Two yes/no comparisons, λ = .5, m = .9 .9, u = .5 .1; ten pairs agree on both, ten on the first
    // alone, twenty on none.
    //   both:  .5*.9*.9 / (.5*.9*.9 + .5*.5*.1) = .405  / .43   = .941860
    //   first: .5*.9*.1 / (.5*.9*.1 + .5*.5*.9) = .045  / .27   = .166667
    //   none:  .5*.1*.1 / (.5*.1*.1 + .5*.5*.9) = .005  / .23   = .021739
    // Expected matches: 10*.941860 + 10*.166667 + 20*.021739 = 11.520054; λ = 11.520054/40 = .288001.
    // m(first agrees)  = (9.418605 + 1.666667) / 11.520054 = .962259
    // m(second agrees) =  9.418605             / 11.520054 = .817583
    let (sex, phone) = (Comparison::Sex, Comparison::Telephone);
    let counts = vec![
        (pattern(&[(sex, 1), (phone, 1)]), 10),
        (pattern(&[(sex, 1), (phone, 0)]), 10),
        (pattern(&[(sex, 0), (phone, 0)]), 20),
    ];
    let (mut m, mut u) = (prior_m(), prior_u());
    m[sex.index()][..2].copy_from_slice(&[0.1, 0.9]);
    m[phone.index()][..2].copy_from_slice(&[0.1, 0.9]);
    u[sex.index()][..2].copy_from_slice(&[0.5, 0.5]);
    u[phone.index()][..2].copy_from_slice(&[0.9, 0.1]);
    let fit = fit(
        &counts,
        &Task {
            comparisons: &[sex, phone],
            u: &u,
            m_start: &m,
            lambda_start: 0.5,
            prior: &m,
            prior_pairs: 0.0,
            rounds_max: 1,
            convergence: 1e-9,
        },
    );
    close(fit.lambda, 0.288_001, 1e-6);
    close(fit.m[sex.index()][1], 0.962_259, 1e-6);
    close(fit.m[phone.index()][1], 0.817_583, 1e-6);
    assert_eq!(fit.rounds, 1);
}

#[test]
fn a_missing_comparison_drops_out() {
    // Sex alone: λ*m/(λ*m + (1-λ)*u) = .2*.9/(.2*.9 + .8*.5) = .310345.
    let counts = vec![(pattern(&[(Comparison::Sex, 1)]), 1)];
    let (mut m, u) = (prior_m(), prior_u());
    m[Comparison::Sex.index()][..2].copy_from_slice(&[0.1, 0.9]);
    let fit = fit(
        &counts,
        &Task {
            comparisons: &[Comparison::Sex, Comparison::Telephone],
            u: &u,
            m_start: &m,
            lambda_start: 0.2,
            prior: &m,
            prior_pairs: 1.0,
            rounds_max: 1,
            convergence: 1e-9,
        },
    );
    close(fit.lambda, 0.310_345, 1e-6);
    assert_eq!(
        fit.m[Comparison::Telephone.index()],
        m[Comparison::Telephone.index()]
    );
}

/// Draws a level by its share.
fn draw(random: &mut Random, shares: &[f64; LEVELS_MAX], levels: usize) -> u8 {
    let mut at = (random.next() >> 11) as f64 / (1_u64 << 53) as f64;
    for (level, share) in shares.iter().enumerate().take(levels) {
        if at < *share {
            return level as u8;
        }
        at -= share;
    }
    (levels - 1) as u8
}

#[test]
fn known_parameters_come_back() {
    let used = [
        Comparison::Forename,
        Comparison::Surname,
        Comparison::DateOfBirth,
        Comparison::Residence,
    ];
    let (mut truth, u) = (prior_m(), prior_u());
    truth[Comparison::Surname.index()][..5].copy_from_slice(&[0.2, 0.02, 0.03, 0.05, 0.7]);
    truth[Comparison::DateOfBirth.index()][..5].copy_from_slice(&[0.01, 0.01, 0.02, 0.06, 0.9]);
    let mut random = Random::new(11);
    let lambda = 0.02;
    let drawn: Vec<Pattern> = (0..300_000)
        .map(|pair| {
            let shares = if (pair as f64) < 300_000.0 * lambda {
                &truth
            } else {
                &u
            };
            used.iter().fold(Pattern::default(), |pattern, comparison| {
                // One in ten is missing at random.
                let level = (random.below(10) != 0).then(|| {
                    draw(
                        &mut random,
                        &shares[comparison.index()],
                        comparison.levels().len(),
                    )
                });
                pattern.with(*comparison, level)
            })
        })
        .collect();
    let fit = fit(
        &patterns::count(drawn),
        &Task {
            comparisons: &used,
            u: &u,
            m_start: &prior_m(),
            lambda_start: 0.2,
            prior: &prior_m(),
            prior_pairs: 10.0,
            rounds_max: 200,
            convergence: 1e-7,
        },
    );
    close(fit.lambda, lambda, 5e-4);
    for comparison in used {
        for (level, (found, expected)) in fit.m[comparison.index()]
            .iter()
            .zip(truth[comparison.index()])
            .enumerate()
        {
            assert!(
                (found - expected).abs() < 0.02,
                "{} {level}: {found} against {expected}",
                comparison.name()
            );
        }
    }
    assert!(fit.rounds < 200);
}

#[test]
fn no_pairs_leave_the_start() {
    let fit = fit(
        &Vec::new(),
        &Task {
            comparisons: &Comparison::ALL,
            u: &prior_u(),
            m_start: &prior_m(),
            lambda_start: 0.3,
            prior: &prior_m(),
            prior_pairs: 10.0,
            rounds_max: 5,
            convergence: 1e-6,
        },
    );
    assert_eq!((fit.lambda, fit.rounds), (0.3, 0));
    assert_eq!(fit.m, prior_m());
}
