//! The report of a linkage, and its model.

#![allow(
    clippy::indexing_slicing,
    reason = "rows, rules and patterns are named by those who hold them"
)]

use std::collections::BTreeMap;

use crate::cluster::{Persons, hold_one};
use crate::coded::Coded;
use crate::engine::Fitted;
use crate::jaro_winkler;
use crate::levels::{self, Comparison, LEVELS_MAX};
use crate::outcome::{
    BlockingReport, ClusterReport, ComparisonFit, FileReport, Fit, Join, KindFit, LevelFit,
    LinkModel, Linkage, PairReport, Report, WeightBar,
};
use crate::quality::{self, Sums};
use crate::spec::{Holds, LinkType, Spec};
use crate::steps::probability;
use crate::waterfall;

/// Layout of the model file.
pub(crate) const MODEL_VERSION: u32 = 1;

/// Puts the result together.
pub(crate) fn linkage(
    spec: &Spec,
    coded: &Coded,
    fitted: &[Fitted],
    joins: Vec<Join>,
    persons: Persons,
) -> Linkage {
    let comparisons = &levels::comparisons(&coded.extras);
    let sums = quality::sums(coded, fitted, &joins, spec.settings.threshold_probability);
    let pairs: Vec<PairReport> = fitted
        .iter()
        .map(|fitted| pair(spec, coded, fitted))
        .collect();
    let threshold = spec.settings.threshold_probability;
    let mut joins_by_step = BTreeMap::new();
    let mut below = 0;
    for join in &joins {
        if join.match_probability >= threshold {
            *joins_by_step.entry(join.step).or_insert(0) += 1;
        } else {
            below += 1;
        }
    }
    let report = Report {
        link_type: spec.link_type,
        files: files(spec, coded, fitted, &sums),
        joins_by_step,
        joins_below_threshold: below,
        threshold_probability: threshold,
        thresholds: quality::thresholds(&spec.settings, &joins, &pairs),
        groups: quality::groups(spec, coded, &sums),
        impossible: quality::impossible(coded, &joins, threshold),
        clusters: ClusterReport {
            persons: u64::from(persons.count),
            sizes: persons.sizes,
            refused: persons.refused,
        },
        examples: fitted.first().map_or_else(Vec::new, |fitted| {
            waterfall::examples(coded, comparisons, fitted)
        }),
        pairs,
    };
    Linkage {
        persons_count: persons.count,
        model: LinkModel {
            version: MODEL_VERSION,
            jaro_winkler: jaro_winkler::DEFINITION.to_owned(),
            link_type: spec.link_type,
            fits: fitted
                .iter()
                .map(|fitted| fit(spec, coded, comparisons, fitted))
                .collect(),
            settings: spec.settings.clone(),
        },
        report,
        joins,
        persons: persons.of,
    }
}

fn files(spec: &Spec, coded: &Coded, fitted: &[Fitted], sums: &[Sums]) -> Vec<FileReport> {
    let one = hold_one(spec, coded.files.len(), fitted);
    coded
        .files
        .iter()
        .enumerate()
        .map(|(place, file)| FileReport {
            name: spec.files[place].name.clone(),
            records: file.rows.len() as u64,
            holds: match (spec.link_type, one[place]) {
                (LinkType::Link, true) => Holds::One,
                (LinkType::Link, false) | (LinkType::Dedupe, _) => Holds::Many,
            },
            columns: file.columns.clone(),
            linked: sums[place].linked.iter().filter(|linked| **linked).count() as u64,
            ambiguous: sums[place].ambiguous(spec.settings.threshold_probability),
        })
        .collect()
}

/// m of each field by itself: over all kinds of matches.
pub(crate) fn marginal_m(fitted: &Fitted) -> Vec<[f64; LEVELS_MAX]> {
    let same = &fitted.parameters.same;
    let rate = same.rate().max(1e-300);
    let mut m = vec![[0.0; LEVELS_MAX]; fitted.u.len()];
    for kind in &same.0 {
        for (m, q) in m.iter_mut().zip(&kind.q) {
            for (m, q) in m.iter_mut().zip(q) {
                *m += kind.rate / rate * q;
            }
        }
    }
    m
}

fn fit(spec: &Spec, coded: &Coded, comparisons: &[Comparison], fitted: &Fitted) -> Fit {
    let m = marginal_m(fitted);
    let rows = coded.files[fitted.files.1].rows.len() as f64;
    let parameters = &fitted.parameters;
    let kinds = |kinds: &crate::kinds::Kinds, same_person: bool| -> Vec<KindFit> {
        kinds
            .0
            .iter()
            .map(|kind| KindFit {
                kind: kind.name.to_owned(),
                same_person,
                rate: kind.rate,
                levels: comparisons
                    .iter()
                    .zip(&kind.q)
                    .map(|(c, q)| (c.name.clone(), q[..c.levels.len()].to_vec()))
                    .collect(),
            })
            .collect()
    };
    let mut all = kinds(&parameters.same, true);
    all.extend(kinds(&parameters.other, false));
    Fit {
        left: spec.files[fitted.files.0].name.clone(),
        right: spec.files[fitted.files.1].name.clone(),
        lambda: parameters.share / rows.max(1.0),
        share_left: parameters.share,
        repeats_left: parameters.repeats.left,
        repeats_right: parameters.repeats.right,
        comparisons: comparisons
            .iter()
            .enumerate()
            .filter(|(c, _)| is_used(fitted, *c))
            .map(|(c, comparison)| ComparisonFit {
                comparison: comparison.name.clone(),
                levels: levels(comparison, c, &m[c], fitted),
            })
            .collect(),
        kinds: all,
    }
}

/// True if any candidate has a level in it.
fn is_used(fitted: &Fitted, comparison: usize) -> bool {
    fitted.patterns.list.iter().any(|p| p.slot(comparison) != 0)
}

fn levels(
    comparison: &Comparison,
    c: usize,
    m: &[f64; LEVELS_MAX],
    fitted: &Fitted,
) -> Vec<LevelFit> {
    let u = &fitted.u[c];
    let mut pairs = [0_u64; LEVELS_MAX];
    for (pattern, count) in fitted.patterns.list.iter().zip(&fitted.counts) {
        if let Some(level) = pattern.level(c) {
            pairs[usize::from(level)] += count;
        }
    }
    let weights = monotone(&m[..comparison.levels.len()], u);
    comparison
        .levels
        .iter()
        .zip(weights)
        .enumerate()
        .map(|(place, (level, weight))| LevelFit {
            label: level.label.to_owned(),
            m: m[place],
            u: u[place],
            weight,
            pairs: pairs[place],
        })
        .collect()
}

/// log2(m/u) by level, levels out of order pooled with their neighbours (pool adjacent violators).
pub(crate) fn monotone(m: &[f64], u: &[f64]) -> Vec<f64> {
    let mut pools = Vec::<(f64, f64, usize)>::new();
    for (m, u) in m.iter().zip(u) {
        let mut pool = (*m, *u, 1);
        while let Some(before) = pools.last() {
            // Ratios compared across, so that a zero share divides nothing.
            if before.0 * pool.1 <= pool.0 * before.1 {
                break;
            }
            pool = (pool.0 + before.0, pool.1 + before.1, pool.2 + before.2);
            pools.pop();
        }
        pools.push(pool);
    }
    pools
        .iter()
        .flat_map(|(m, u, count)| {
            let weight = (m.max(1e-12) / u.max(1e-12)).log2();
            std::iter::repeat_n(weight, *count)
        })
        .collect()
}

fn pair(spec: &Spec, coded: &Coded, fitted: &Fitted) -> PairReport {
    let (blocking, candidate_recall, matches) = blocking(fitted);
    PairReport {
        left: spec.files[fitted.files.0].name.clone(),
        right: spec.files[fitted.files.1].name.clone(),
        blocking,
        candidate_pairs: fitted.counts.iter().sum(),
        patterns: fitted.patterns.list.len() as u64,
        matches,
        candidate_recall,
        weights: weights(fitted),
        unlinkables: waterfall::unlinkables(coded, fitted),
        rounds: fitted.parameters.rounds,
    }
}

/// What each rule found of the matches, and how many no rule found: Chao's lower bound from the matches that one
/// rule alone found and those that two did (Chao 1984), the rules standing for captures.
fn blocking(fitted: &Fitted) -> (Vec<BlockingReport>, f64, f64) {
    let rules = fitted.plan.rules.len();
    let mut found = vec![0.0; rules];
    let (mut once, mut twice, mut total) = (0.0, 0.0, 0.0);
    for (edge, odds) in fitted.edges.iter().zip(&fitted.odds) {
        let p = probability(*odds);
        // Below this a pair says more of chance than of the rules.
        if p < 0.05 {
            continue;
        }
        let bits = edge.rules;
        total += p;
        for (rule, found) in found.iter_mut().enumerate() {
            *found += p * f64::from(bits >> rule & 1);
        }
        match bits.count_ones() {
            1 => once += p,
            2 => twice += p,
            _ => {}
        }
    }
    let unseen = once * (once - 1.0_f64).max(0.0) / (2.0 * (twice + 1.0));
    let recall = if total > 0.0 {
        total / (total + unseen)
    } else {
        1.0
    };
    let mut reports = fitted.plan.reports.clone();
    let used = reports.iter_mut().filter(|report| report.used);
    for ((report, found), new) in used.zip(&found).zip(&fitted.new_pairs) {
        report.recall = if total > 0.0 {
            found / total * recall
        } else {
            0.0
        };
        report.new_pairs = *new;
    }
    (reports, recall, total)
}

fn weights(fitted: &Fitted) -> Vec<WeightBar> {
    let mut bars = BTreeMap::<i32, (u64, f64)>::new();
    for odds in &fitted.odds {
        let bar = odds.max(1e-30).log2().floor().clamp(-60.0, 60.0) as i32;
        let bar = bars.entry(bar).or_default();
        bar.0 += 1;
        bar.1 += probability(*odds);
    }
    bars.into_iter()
        .map(|(weight, (pairs, matches))| WeightBar {
            weight,
            pairs,
            matches,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_out_of_order_are_pooled() {
        // m/u: 0.5, 4, 2, 8; the second and third pool to (0.4 + 0.2) / (0.1 + 0.1) = 3.
        let weights = monotone(&[0.1, 0.4, 0.2, 0.8], &[0.2, 0.1, 0.1, 0.1]);
        let expected = [-1.0, 3.0_f64.log2(), 3.0_f64.log2(), 3.0];
        for (found, expected) in weights.iter().zip(expected) {
            assert!((found - expected).abs() < 1e-12);
        }
    }

    proptest::proptest! {
        #[test]
        fn weights_never_fall(shares in proptest::collection::vec((0.001_f64..1.0, 0.001_f64..1.0), 1..8)) {
            let (m, u): (Vec<f64>, Vec<f64>) = shares.into_iter().unzip();
            let weights = monotone(&m, &u);
            assert_eq!(weights.len(), m.len());
            assert!(weights.windows(2).all(|pair| pair[0] <= pair[1] + 1e-9));
        }
    }
}
