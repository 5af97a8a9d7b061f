//! What goes into a linkage beside its files: judged pairs, decisions of reviewers, outside frequencies.

use std::collections::BTreeMap;

use frames::FrameError;
use linkage::{Intake, Judged, Spec};
use protocol::job::{Format, LinkFiles, TruthFile};
use protocol::limits::Limits;
use protocol::linked::Review;
use protocol::report::Failure;

use super::ids::Ids;
use super::{bad_input, file_limits, of_engine, of_frame};
use crate::jobs::Rooms;

/// Columns of judged pairs.
const JUDGED: [&str; 5] = ["source_l", "id_l", "source_r", "id_r", "match"];
/// Columns of a table of frequencies.
const FREQUENCIES: [&str; 2] = ["value", "count"];
/// Most judged pairs in one file.
const JUDGED_MAX: usize = 1_000_000;
/// Most reviewers: two, and a third who settles what they differ on.
const REVIEWERS_MAX: usize = 3;

/// Takes all of it in. What comes back says how far the reviewers agree.
pub(super) fn take(
    rooms: &Rooms,
    job: &LinkFiles,
    spec: &Spec,
    ids: &[Ids],
    limits: &Limits,
    intake: &mut Intake,
) -> Result<Option<Review>, Failure> {
    if job.decisions.len() > REVIEWERS_MAX {
        return Err(bad_input(format!(
            "there are decisions of more than {REVIEWERS_MAX} reviewers"
        )));
    }
    if job.frequencies.len() != spec.frequencies.len() {
        return Err(bad_input(
            "the specification names other tables of frequencies than the job",
        ));
    }
    for (table, (file, told)) in job.frequencies.iter().zip(&spec.frequencies).enumerate() {
        let mut refused = None;
        let take = |row: u64, cells: &[&str]| {
            let [value, count] = cells else {
                return Err(FrameError::row(row, "has not two cells"));
            };
            let count = count.parse::<u32>().map_err(|_| {
                FrameError::cell(row, "count", "is not a whole number from 0 to 4294967295")
            })?;
            if let Err(error) = intake.frequency(table, value, count) {
                refused = Some(error);
                return Err(FrameError::file(""));
            }
            Ok(())
        };
        let read = rows(rooms, file, &FREQUENCIES, limits, take);
        if let Some(error) = refused {
            return Err(of_engine(&error, spec));
        }
        read.map_err(|error| named(error, &format!("the frequencies of {}", told.of)))?;
    }
    let reader = Reader {
        rooms,
        spec,
        ids,
        limits,
    };
    let labels = match &job.labels {
        None => Vec::new(),
        Some(file) => reader.read(file, "the labels")?,
    };
    let mut votes = Vec::new();
    for (at, file) in job.decisions.iter().enumerate() {
        votes.push(reader.read(file, &format!("the decisions of reviewer {}", at + 1))?);
    }
    let (decisions, review) = settle(&votes);
    intake
        .judged(labels, decisions)
        .map_err(|error| of_engine(&error, spec))?;
    Ok(review)
}

fn named(error: FrameError, what: &str) -> Failure {
    let mut failure = of_frame(error);
    failure.message = format!("{what}: {}", failure.message);
    failure
}

/// Calls `take` for each row, numbered from 1.
fn rows(
    rooms: &Rooms,
    file: &TruthFile,
    columns: &[&str],
    limits: &Limits,
    mut take: impl FnMut(u64, &[&str]) -> Result<(), FrameError>,
) -> Result<(), FrameError> {
    let path = rooms
        .input(&file.file)
        .map_err(|_| FrameError::file("is not there"))?;
    let limits = file_limits(limits);
    let mut row = 0;
    let mut take = |cells: &[&str]| {
        row += 1;
        take(row, cells)
    };
    match file.format {
        Format::Csv => frames::csv::rows(&path, columns, &limits, &mut take),
        Format::Parquet => frames::parquet::rows(&path, columns, &limits, &mut take),
    }?;
    Ok(())
}

struct Reader<'a> {
    rooms: &'a Rooms,
    spec: &'a Spec,
    ids: &'a [Ids],
    limits: &'a Limits,
}

impl Reader<'_> {
    /// Reads judged pairs; a pair without an answer is one that nobody judged yet.
    fn read(&self, file: &TruthFile, what: &str) -> Result<Vec<Judged>, Failure> {
        let mut judged: BTreeMap<_, Judged> = BTreeMap::new();
        let take = |row: u64, cells: &[&str]| {
            let [source_l, id_l, source_r, id_r, answer] = cells else {
                return Err(FrameError::row(row, "has not five cells"));
            };
            let same = match answer.trim().to_ascii_lowercase().as_str() {
                "" => return Ok(()),
                "yes" | "true" | "1" => true,
                "no" | "false" | "0" => false,
                _ => {
                    return Err(FrameError::cell(
                        row,
                        "match",
                        "is none of yes, no, true, false, 1, 0 and nothing",
                    ));
                }
            };
            let left = self.place(row, ["source_l", "id_l"], source_l, id_l)?;
            let right = self.place(row, ["source_r", "id_r"], source_r, id_r)?;
            if judged.len() >= JUDGED_MAX {
                return Err(FrameError::row(
                    row,
                    "is beyond the 1000000 judged pairs allowed",
                ));
            }
            let pair = (left.min(right), left.max(right));
            let one = Judged { left, right, same };
            if judged.insert(pair, one).is_some() {
                return Err(FrameError::row(
                    row,
                    "judges a pair that stands here before",
                ));
            }
            Ok(())
        };
        rows(self.rooms, file, &JUDGED, self.limits, take).map_err(|error| named(error, what))?;
        Ok(judged.into_values().collect())
    }

    fn place(
        &self,
        row: u64,
        columns: [&str; 2],
        source: &str,
        id: &str,
    ) -> Result<(usize, usize), FrameError> {
        let file = self.spec.files.iter().position(|file| file.name == source);
        let file = file.ok_or_else(|| {
            FrameError::cell(
                row,
                columns[0],
                "no input of the specification has this name",
            )
        })?;
        let at = self.ids.get(file).and_then(|ids| ids.find(id));
        let at = at.ok_or_else(|| FrameError::cell(row, columns[1], "the input has no such id"))?;
        Ok((file, at))
    }
}

/// What the reviewers settled. Of several, two must say the same and fewer the other; of one, its word stands.
fn settle(votes: &[Vec<Judged>]) -> (Vec<Judged>, Option<Review>) {
    if votes.is_empty() {
        return (Vec::new(), None);
    }
    let mut said: BTreeMap<_, (Judged, Vec<Option<bool>>)> = BTreeMap::new();
    for (reviewer, votes_of) in votes.iter().enumerate() {
        for judged in votes_of {
            let pair = (judged.left.min(judged.right), judged.left.max(judged.right));
            let (_, answers) = said
                .entry(pair)
                .or_insert_with(|| (*judged, vec![None; votes.len()]));
            if let Some(answer) = answers.get_mut(reviewer) {
                *answer = Some(judged.same);
            }
        }
    }
    let both = said
        .values()
        .filter_map(|(_, answers)| match answers.as_slice() {
            [Some(first), Some(second), ..] => Some((*first, *second)),
            _ => None,
        });
    let agreement = linkage::agreement(both);
    let judged = said.len() as u64;
    let needed = votes.len().min(2);
    let mut settled = Vec::new();
    for (pair, answers) in said.into_values() {
        let of = |same: bool| {
            answers
                .iter()
                .filter(|answer| **answer == Some(same))
                .count()
        };
        let (yes, no) = (of(true), of(false));
        if yes.max(no) >= needed && yes != no {
            settled.push(Judged {
                same: yes > no,
                ..pair
            });
        }
    }
    let review = Review {
        reviewers: votes.len() as u64,
        judged,
        settled: settled.len() as u64,
        unsettled: judged - settled.len() as u64,
        both: agreement.both,
        alike: agreement.alike,
        kappa: agreement.kappa,
    };
    (settled, Some(review))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(row: usize, same: bool) -> Judged {
        Judged {
            left: (0, row),
            right: (1, row),
            same,
        }
    }

    #[test]
    fn two_reviewers_must_agree_and_a_third_settles() {
        let first = vec![
            judged(0, true),
            judged(1, true),
            judged(2, false),
            judged(3, true),
        ];
        let second = vec![judged(0, true), judged(1, false), judged(2, false)];
        let third = vec![judged(1, false)];
        let rows = |votes: &[Vec<Judged>]| {
            let (settled, review) = settle(votes);
            let settled: Vec<_> = settled.iter().map(|j| (j.left.1, j.same)).collect();
            (settled, review.unwrap())
        };
        let (settled, review) = rows(&[first.clone(), second.clone()]);
        assert_eq!(settled, [(0, true), (2, false)]);
        assert_eq!(
            (review.judged, review.unsettled, review.both, review.alike),
            (4, 2, 3, 2)
        );
        // Observed 2/3; by chance 2/3 * 1/3 + 1/3 * 2/3 = 4/9: (6/9 - 4/9) / (5/9).
        assert!((review.kappa.unwrap() - 0.4).abs() < 1e-12);
        let (settled, _) = rows(&[first.clone(), second, third]);
        assert_eq!(settled, [(0, true), (1, false), (2, false)]);
        assert_eq!(rows(&[first]).0.len(), 4);
        assert!(settle(&[]).1.is_none());
    }
}
