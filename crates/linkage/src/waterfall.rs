//! Why a pair has its weight, step by step; and what a record could reach at best.

#![allow(
    clippy::indexing_slicing,
    reason = "levels and patterns are named by those who hold them"
)]

use crate::coded::Coded;
use crate::engine::Fitted;
use crate::levels::{Comparer, Comparison};
use crate::outcome::Example;
use crate::random::Random;
use crate::report::marginal_m;
use crate::steps::probability;

/// Whether a pair fits a situation: its probability with the alternatives heard, and alone.
type Fits = fn(f64, f64) -> bool;

/// One example of each of several situations, if there is one. No value of a record is in any.
pub(crate) fn examples(coded: &Coded, comparisons: &[Comparison], fitted: &Fitted) -> Vec<Example> {
    let wanted: [(&str, Fits); 4] = [
        ("a sure join", |heard, _| heard > 0.999),
        ("a join between the thresholds", |heard, _| {
            heard > 0.5 && heard < 0.95
        }),
        ("a pair that lost to an alternative", |heard, alone| {
            heard < 0.05 && alone > 0.5
        }),
        ("a pair of two people", |heard, alone| {
            heard < 0.01 && alone < 0.05
        }),
    ];
    wanted
        .into_iter()
        .filter_map(|(of, fits)| {
            // The commonest pattern of the situation, and its first pair.
            let mut counts = vec![(0_u64, usize::MAX); fitted.patterns.list.len()];
            for (at, (edge, odds)) in fitted.edges.iter().zip(&fitted.odds).enumerate() {
                if fits(probability(*odds), probability(edge.odds)) {
                    let count = &mut counts[edge.pattern as usize];
                    count.0 += 1;
                    count.1 = count.1.min(at);
                }
            }
            let best = counts
                .iter()
                .max_by(|a, b| a.0.cmp(&b.0).then(b.1.cmp(&a.1)))?;
            (best.0 > 0).then(|| example(of, coded, comparisons, fitted, best.1))
        })
        .collect()
}

fn example(
    of: &str,
    coded: &Coded,
    comparisons: &[Comparison],
    fitted: &Fitted,
    edge: usize,
) -> Example {
    let (found, heard) = (fitted.edges[edge], fitted.odds[edge]);
    let pattern = fitted.patterns.list[found.pattern as usize];
    let m = marginal_m(fitted);
    let rows = coded.files[fitted.files.1].rows.len() as f64;
    let prior = (fitted.prior / rows.max(1.0)).max(1e-300).log2();
    let mut steps = vec![("prior".to_owned(), "two random records".to_owned(), prior)];
    let mut sum = prior;
    for (c, comparison) in comparisons.iter().enumerate() {
        if let Some(level) = pattern.level(c) {
            let level = usize::from(level);
            let bits = (m[c][level].max(1e-12) / fitted.u[c][level].max(1e-12)).log2();
            sum += bits;
            let label = comparison.levels[level].label.to_owned();
            steps.push((comparison.name.clone(), label, bits));
        }
    }
    let mean = fitted.weigher.odds(found.pattern, [0, 0]).log2() + fitted.shift;
    let alone = found.odds.log2();
    let weight = heard.max(1e-300).log2();
    for (what, label, bits) in [
        (
            "dependence",
            "fields agree together for a reason: household, twins, namesakes, the blocking key",
            mean - sum,
        ),
        ("names", "how common the shared names are", alone - mean),
        (
            "alternatives",
            "other candidates of both records",
            weight - alone,
        ),
    ] {
        steps.push((what.to_owned(), label.to_owned(), bits));
    }
    Example {
        of: of.to_owned(),
        steps,
        match_weight: weight,
        match_probability: probability(heard),
    }
}

/// Records drawn to see what a copy of themselves would weigh.
const DRAWN: u64 = 20_000;

/// For some weights, the share of the left records whose own copy would weigh less.
pub(crate) fn unlinkables(coded: &Coded, fitted: &Fitted) -> Vec<(f64, f64)> {
    let file = &coded.files[fitted.files.0];
    let rows = file.rows.len() as u64;
    if rows == 0 {
        return Vec::new();
    }
    let mut comparer = Comparer::new(coded);
    let mut random = Random::new(1);
    let draws = DRAWN.min(rows);
    let mut weights: Vec<f64> = (0..draws)
        .map(|at| {
            let row = if draws == rows {
                at
            } else {
                random.below(rows)
            } as usize;
            let pattern = comparer.pattern(file, row, file, row);
            fitted.self_weight(pattern, &file.rows[row])
        })
        .collect();
    weights.sort_by(f64::total_cmp);
    (-10..=40)
        .map(|weight| {
            let weight = f64::from(weight);
            let under = weights.partition_point(|own| *own < weight);
            (weight, under as f64 / draws as f64)
        })
        .collect()
}
