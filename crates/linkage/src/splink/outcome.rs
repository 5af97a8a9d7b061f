//! What a linkage under a Splink model gives back.

#![allow(
    clippy::indexing_slicing,
    reason = "files and levels are those that the tables were made of"
)]

use std::collections::BTreeMap;

use super::engine::Found;
use super::tables::Run;
use crate::cluster;
use crate::outcome::{
    BlockingReport, ClusterReport, ComparisonFit, FileReport, Fit, Join, LevelFit, LinkModel,
    Linkage, PairReport, Report, WeightBar,
};
use crate::quality;
use crate::report::MODEL_VERSION;
use crate::spec::{Holds, LinkType, Spec};

/// True for each file that holds one record a person: said so.
pub(super) fn hold_one(spec: &Spec) -> Vec<bool> {
    let one = |file: &crate::FileSpec| spec.link_type == LinkType::Link && file.holds == Holds::One;
    spec.files.iter().map(one).collect()
}

/// Puts the result together.
pub(super) fn linkage(
    spec: &Spec,
    run: &Run,
    found: &[Found],
    one: &[bool],
    joins: Vec<Join>,
) -> Linkage {
    let rows: Vec<usize> = run.files.iter().map(|file| file.rows).collect();
    let threshold = spec.settings.threshold_probability;
    let persons = cluster::grouped(&rows, one, &joins, threshold);
    let mut joins_by_step = BTreeMap::new();
    let mut linked: Vec<Vec<bool>> = rows.iter().map(|rows| vec![false; *rows]).collect();
    let mut below = 0;
    for join in &joins {
        if join.match_probability < threshold {
            below += 1;
            continue;
        }
        *joins_by_step.entry(join.step).or_insert(0) += 1;
        linked[usize::from(join.file_l)][join.row_l as usize] = true;
        linked[usize::from(join.file_r)][join.row_r as usize] = true;
    }
    let pairs: Vec<PairReport> = found.iter().map(|found| pair(spec, run, found)).collect();
    let files = spec
        .files
        .iter()
        .zip(&run.files)
        .zip(linked.iter().zip(one));
    let report = Report {
        link_type: spec.link_type,
        files: files
            .map(|((told, file), (linked, one))| FileReport {
                name: told.name.clone(),
                records: file.rows as u64,
                holds: if *one { Holds::One } else { Holds::Many },
                columns: file.reports.clone(),
                linked: linked.iter().filter(|linked| **linked).count() as u64,
                ambiguous: 0,
            })
            .collect(),
        joins_by_step,
        joins_below_threshold: below,
        threshold_probability: threshold,
        thresholds: quality::thresholds(&spec.settings, &joins, &pairs),
        groups: Vec::new(),
        impossible: Vec::new(),
        clusters: ClusterReport {
            persons: u64::from(persons.count),
            sizes: persons.sizes,
            refused: persons.refused,
        },
        examples: Vec::new(),
        pairs,
    };
    Linkage {
        persons_count: persons.count,
        model: LinkModel {
            version: MODEL_VERSION,
            jaro_winkler: crate::jaro_winkler::DEFINITION.to_owned(),
            link_type: spec.link_type,
            fits: found.iter().map(|found| fit(spec, run, found)).collect(),
            settings: spec.settings.clone(),
        },
        report,
        joins,
        persons: persons.of,
    }
}

fn pair(spec: &Spec, run: &Run, found: &Found) -> PairReport {
    let blocking = run
        .model
        .rules
        .iter()
        .zip(&found.rules)
        .map(|(rule, (predicted, new))| BlockingReport {
            rule: rule.text.clone(),
            predicted_pairs: *predicted,
            new_pairs: *new,
            keys_left_out: 0,
            recall: 0.0,
            used: true,
            reason: String::new(),
        });
    let weights = found
        .weights
        .iter()
        .map(|(weight, (pairs, matches))| WeightBar {
            weight: *weight,
            pairs: *pairs,
            matches: *matches,
        });
    PairReport {
        left: spec.files[found.files.0].name.clone(),
        right: spec.files[found.files.1].name.clone(),
        blocking: blocking.collect(),
        candidate_pairs: found.pairs,
        patterns: 0,
        matches: found.matches,
        // A model that was trained elsewhere says nothing of what its rules miss.
        candidate_recall: 1.0,
        weights: weights.collect(),
        unlinkables: Vec::new(),
        rounds: 0,
    }
}

fn fit(spec: &Spec, run: &Run, found: &Found) -> Fit {
    let rows = run.files[found.files.0].rows.max(1) as f64;
    let comparisons = run.model.comparisons.iter().zip(&found.levels);
    let comparisons = comparisons.map(|(comparison, counts)| {
        let levels = comparison.levels.iter().zip(counts).rev();
        let levels = levels.filter_map(|(level, pairs)| {
            level.shares.map(|shares| LevelFit {
                label: level.label.clone(),
                m: shares.m,
                u: shares.u,
                weight: shares.weight(),
                pairs: *pairs,
            })
        });
        ComparisonFit {
            comparison: comparison.name.clone(),
            levels: levels.collect(),
        }
    });
    Fit {
        left: spec.files[found.files.0].name.clone(),
        right: spec.files[found.files.1].name.clone(),
        lambda: run.model.prior,
        share_left: (found.matches / rows).min(1.0),
        repeats_left: 1.0,
        repeats_right: 1.0,
        comparisons: comparisons.collect(),
        kinds: Vec::new(),
    }
}
