//! Comparing the links with a truth: who is who by somebody else's knowledge.

use std::path::Path;

use frames::FrameError;
use linkage::{LinkType, Linkage, Spec};
use protocol::job::Format;
use protocol::limits::Limits;
use protocol::linked::{CalibrationBin, Score, Scores};
use protocol::report::Failure;

use super::ids::{Ids, hashed};
use crate::jobs::{file_limits, of_frame};

/// Columns of a truth.
const COLUMNS: [&str; 3] = ["source", "id", "person"];
/// Thresholds that every report has.
const THRESHOLDS: [f64; 4] = [0.5, 0.9, 0.95, 0.99];
/// The precision that a research environment lives by.
const HIGH_PRECISION: f64 = 0.999;
/// Ends of the calibration bins; tenths, and finer where most links are.
const BINS: [f64; 14] = [
    0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 0.999, 1.0,
];

/// Whose record each is: a number for the person, 0 where the truth does not say.
pub(super) struct Truth {
    persons: Vec<Vec<u64>>,
}

impl Truth {
    /// Reads a truth row by row. The names of its persons are kept as 64-bit hashes: among ten million,
    /// two share one with a chance of one in four hundred thousand.
    pub(super) fn read(
        path: &Path,
        format: Format,
        spec: &Spec,
        ids: &[Ids],
        limits: &Limits,
    ) -> Result<Self, Failure> {
        let mut persons: Vec<Vec<u64>> = ids.iter().map(|ids| vec![0; ids.len()]).collect();
        let mut row = 0;
        let mut take = |cells: &[&str]| {
            row += 1;
            let [source, id, person] = cells else {
                return Err(FrameError::row(row, "has not three cells"));
            };
            let file = spec.files.iter().position(|file| file.name == *source);
            let file = file.ok_or_else(|| {
                FrameError::cell(row, "source", "no input of the specification has this name")
            })?;
            if person.is_empty() {
                return Err(FrameError::cell(row, "person", "the person is missing"));
            }
            let row_of = ids.get(file).and_then(|ids| ids.find(id));
            let person_of = persons.get_mut(file);
            let (Some(at), Some(rows)) = (row_of, person_of) else {
                return Err(FrameError::cell(row, "id", "the input has no such id"));
            };
            let Some(place) = rows.get_mut(at) else {
                return Err(FrameError::cell(row, "id", "the input has no such id"));
            };
            if *place != 0 {
                return Err(FrameError::cell(row, "id", "the id stands here twice"));
            }
            *place = hashed(person).max(1);
            Ok(())
        };
        let limits = file_limits(limits);
        let read = match format {
            Format::Csv => frames::csv::rows(path, &COLUMNS, &limits, &mut take),
            Format::Parquet => frames::parquet::rows(path, &COLUMNS, &limits, &mut take),
        };
        read.map_err(|error| {
            let mut failure = of_frame(error);
            failure.message = format!("the truth: {}", failure.message);
            failure
        })?;
        Ok(Self { persons })
    }

    pub(super) fn scores(&self, linkage: &Linkage, spec: &Spec) -> Scores {
        let mut judged: Vec<Judged> = linkage
            .joins
            .iter()
            .map(|join| Judged {
                weight: join.match_weight,
                probability: join.match_probability,
                right: self.same((join.file_l, join.row_l), (join.file_r, join.row_r)),
            })
            .collect();
        judged.sort_unstable_by(|a, b| b.weight.total_cmp(&a.weight));
        let true_pairs = self.true_pairs(spec.link_type);
        let at = |threshold| at(&judged, threshold, true_pairs);
        let (best_f1, best_f1_threshold, recall_at_precision_999) = sweep(&judged, true_pairs);
        let calibration = calibration(&judged);
        let missing = |persons: &Vec<u64>| persons.iter().filter(|person| **person == 0).count();
        Scores {
            true_pairs,
            records_without_truth: self.persons.iter().map(missing).sum::<usize>() as u64,
            chosen: at(spec.settings.threshold_probability),
            at: THRESHOLDS.into_iter().map(at).collect(),
            best_f1,
            best_f1_threshold,
            recall_at_precision_999,
            clusters: self.clusters(linkage, spec.settings.threshold_probability),
            expected_calibration_error: calibration_error(&calibration),
            calibration,
        }
    }

    fn person(&self, (file, row): (u16, u32)) -> u64 {
        let of = self.persons.get(file as usize);
        of.and_then(|rows| rows.get(row as usize))
            .copied()
            .unwrap_or(0)
    }

    fn same(&self, one: (u16, u32), other: (u16, u32)) -> bool {
        let person = self.person(one);
        person != 0 && person == self.person(other)
    }

    /// Pairs of records of one person: within the file for a dedupe, of different files for a link.
    fn true_pairs(&self, link_type: LinkType) -> u64 {
        let mut all = 0;
        let mut within = 0;
        let mut together: Vec<u64> = Vec::new();
        for rows in &self.persons {
            let mut known: Vec<u64> = rows.iter().copied().filter(|person| *person != 0).collect();
            known.sort_unstable();
            within += pairs_of_equals(&known);
            together.append(&mut known);
        }
        together.sort_unstable();
        all += pairs_of_equals(&together);
        match link_type {
            LinkType::Dedupe => within,
            LinkType::Link => all - within,
        }
    }

    /// All pairs of records within a person, whatever their files.
    fn clusters(&self, linkage: &Linkage, threshold: f64) -> Score {
        let mut rows: Vec<(u32, u64)> = Vec::new();
        for (persons, truth) in linkage.persons.iter().zip(&self.persons) {
            let known = persons.iter().copied().zip(truth.iter().copied());
            rows.extend(known.filter(|(_, truth)| *truth != 0));
        }
        rows.sort_unstable();
        let right = pairs_of_equals(&rows);
        let by_cluster: Vec<u32> = rows.iter().map(|row| row.0).collect();
        let mut by_truth: Vec<u64> = rows.iter().map(|row| row.1).collect();
        by_truth.sort_unstable();
        let (found, all) = (pairs_of_equals(&by_cluster), pairs_of_equals(&by_truth));
        Score::of(threshold, found, right, all)
    }
}

/// A join and whether it is right.
struct Judged {
    weight: f64,
    probability: f64,
    right: bool,
}

/// Pairs of equal values in a sorted list.
fn pairs_of_equals<T: PartialEq>(sorted: &[T]) -> u64 {
    let pairs = |group: &[T]| group.len() as u64 * (group.len() as u64 - 1) / 2;
    sorted.chunk_by(|a, b| a == b).map(pairs).sum()
}

fn at(judged: &[Judged], threshold: f64, true_pairs: u64) -> Score {
    let kept = judged.iter().filter(|join| join.probability >= threshold);
    let (pairs, right) = kept.fold((0, 0), |(pairs, right), join| {
        (pairs + 1, right + u64::from(join.right))
    });
    Score::of(threshold, pairs, right, true_pairs)
}

/// The best F1, where, and the most recall at high precision, over all thresholds; equal weights stand or
/// fall together.
fn sweep(judged: &[Judged], true_pairs: u64) -> (f64, f64, f64) {
    let (mut best, mut best_at, mut recall) = (0.0, 1.0, 0.0_f64);
    let (mut pairs, mut right) = (0, 0);
    for equal in judged.chunk_by(|a, b| a.weight.total_cmp(&b.weight).is_eq()) {
        pairs += equal.len() as u64;
        right += equal.iter().filter(|join| join.right).count() as u64;
        let score = Score::of(0.0, pairs, right, true_pairs);
        if score.f1 > best {
            best = score.f1;
            best_at = equal.first().map_or(1.0, |join| join.probability);
        }
        if score.precision >= HIGH_PRECISION {
            recall = recall.max(score.recall);
        }
    }
    (best, best_at, recall)
}

fn calibration(judged: &[Judged]) -> Vec<CalibrationBin> {
    let ends = BINS.windows(2).filter_map(|ends| match ends {
        [from, to] => Some((*from, *to)),
        _ => None,
    });
    let bin = |(from, to): (f64, f64)| {
        let within =
            |join: &&Judged| join.probability >= from && (join.probability < to || (to >= 1.0));
        let (pairs, said, so) =
            judged
                .iter()
                .filter(within)
                .fold((0_u64, 0.0, 0_u64), |(pairs, said, so), join| {
                    (
                        pairs + 1,
                        said + join.probability,
                        so + u64::from(join.right),
                    )
                });
        (pairs > 0).then(|| CalibrationBin {
            from,
            to,
            pairs,
            said: said / pairs as f64,
            so: so as f64 / pairs as f64,
        })
    };
    ends.filter_map(bin).collect()
}

fn calibration_error(bins: &[CalibrationBin]) -> f64 {
    let pairs: u64 = bins.iter().map(|bin| bin.pairs).sum();
    let off = |bin: &CalibrationBin| (bin.said - bin.so).abs() * bin.pairs as f64;
    if pairs == 0 {
        return 0.0;
    }
    bins.iter().map(off).sum::<f64>() / pairs as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(joins: &[(f64, bool)]) -> Vec<Judged> {
        joins
            .iter()
            .map(|(weight, right)| Judged {
                weight: *weight,
                probability: 1.0 / (1.0 + (-weight).exp2()),
                right: *right,
            })
            .collect()
    }

    #[test]
    fn pairs_of_equals_are_counted() {
        assert_eq!(pairs_of_equals(&[1, 1, 1, 2, 3, 3]), 4);
        assert_eq!(pairs_of_equals::<u8>(&[]), 0);
    }

    /// By hand: 3 of 4 true pairs are found before the first false one, then one false, then the last.
    #[test]
    fn the_sweep_takes_equal_weights_together() {
        let list = judged(&[
            (9.0, true),
            (8.0, true),
            (7.0, true),
            (6.0, false),
            (6.0, true),
        ]);
        let (best, best_at, recall) = sweep(&list, 4);
        assert!((best - 8.0 / 9.0).abs() < 1e-12, "{best}");
        assert!((best_at - 64.0 / 65.0).abs() < 1e-12);
        assert!((recall - 0.75).abs() < 1e-12);
    }

    #[test]
    fn calibration_compares_what_is_said_with_what_is_so() {
        let list = judged(&[(0.0, true), (0.0, false), (30.0, true)]);
        let bins = calibration(&list);
        assert_eq!(bins.len(), 2);
        assert_eq!((bins[0].from, bins[0].pairs), (0.5, 2));
        assert!((bins[0].so - 0.5).abs() < 1e-12);
        assert!(calibration_error(&bins) < 1e-6);
        assert_eq!(at(&list, 0.9, 2).true_positives, 1);
    }
}
