//! An output beside what was released before from the same people: sets of people, cell by cell.
//!
//! Two cells whose people differ by few are a cell that the reader makes: the one minus the other. Where the
//! smaller lies within the larger their number follows exactly; where a few differ on each side the difference
//! of their sums does.

use std::collections::BTreeMap;

use crate::evidence::{Evidence, Visible};
use crate::report::{Finding, Key, Report, Rule, Status, Told, Verdict};

/// A cell of an output: where it is and who is behind it.
#[derive(Clone, PartialEq)]
pub struct CellPeople {
    /// The group's key.
    pub key: Key,
    /// The column.
    pub column: String,
    /// Whether a reader sees its value.
    pub shown: bool,
    /// Ordinals of the people behind it.
    pub people: Vec<u32>,
}

/// An output that was released.
#[derive(Clone, PartialEq)]
pub struct Released {
    /// How it is called, such as `release 1`.
    pub name: String,
    /// The day, as it is to be shown.
    pub date: String,
    /// Its cells, described in words, with who is behind each.
    pub cells: Vec<(String, Vec<u32>)>,
}

/// The cells of an output in the order in which people are listed: each group's measures. `hidden` are cells
/// that a reader will not see.
pub fn places(evidence: &Evidence, hidden: &dyn Fn(&Key, &str) -> bool) -> Vec<CellPeople> {
    let mut cells = Vec::new();
    for group in &evidence.groups {
        let key = super::key_of(evidence, &group.key);
        for (column, _) in evidence.measures() {
            cells.push(CellPeople {
                shown: group.visible == Visible::Shown && !hidden(&key, column),
                key: key.clone(),
                column: column.to_owned(),
                people: Vec::new(),
            });
        }
    }
    cells
}

/// A cell in words: `sex F, region R2: n`.
pub fn in_words(key: &Key, column: &str) -> String {
    let values = key.0.iter().map(|(name, value)| {
        let value = value.text().unwrap_or("missing or total");
        format!("{name} {value}")
    });
    let values: Vec<String> = values.collect();
    match values.is_empty() {
        true => column.to_owned(),
        false => format!("{}: {column}", values.join(", ")),
    }
}

/// Compares an output with earlier ones and writes what it gives away into the report: a cell that differs from
/// an earlier one by 1 to `minimum - 1` people may not leave.
pub fn compare_with(report: &mut Report, cells: &[CellPeople], earlier: &[Released], minimum: u64) {
    let least = usize::try_from(minimum).unwrap_or(usize::MAX);
    let mut found: Vec<(usize, usize, String)> = Vec::new();
    for release in earlier {
        for (place, cell) in cells.iter().enumerate().filter(|(_, cell)| cell.shown) {
            for (number, few, more) in near(cell, release, least) {
                let Some((words, _)) = release.cells.get(number) else {
                    continue;
                };
                let sentence = format!(
                    "this cell minus {words} of {} of {} isolates {}",
                    release.name,
                    release.date,
                    said(few, more)
                );
                found.push((few + more, place, sentence));
            }
        }
    }
    found.sort();
    let Some((_, first, sentence)) = found.first() else {
        return;
    };
    let whole = cells
        .get(*first)
        .map(|cell| in_words(&cell.key, &cell.column));
    let differencing = |detail: String| Finding {
        rule: Rule::Differencing,
        detail,
        told: Told::Kind,
    };
    report.findings.push(differencing(format!(
        "{}: {sentence}; at least {minimum} people must differ, or none",
        whole.unwrap_or_default()
    )));
    for (_, place, sentence) in &found {
        let Some(cell) = cells.get(*place) else {
            continue;
        };
        let reports = report
            .outputs
            .iter_mut()
            .flat_map(|output| &mut output.cells);
        for report in reports.filter(|one| one.key == cell.key && one.column == cell.column) {
            report.status = Status::Primary;
            report.findings.push(differencing(sentence.clone()));
        }
    }
    report.verdict = Verdict::Fail;
    for output in &mut report.outputs {
        output.treated_rows.clear();
    }
}

fn said(few: usize, more: usize) -> String {
    let people = |n: usize| match n {
        1 => "1 person".to_owned(),
        n => format!("{n} people"),
    };
    match (few, more) {
        (few, 0) => format!("{} who are only in this cell", people(few)),
        (0, more) => format!("{} who are only in the other", people(more)),
        (few, more) => format!(
            "{} who are only in this cell and {} who are only in the other",
            people(few),
            people(more)
        ),
    }
}

/// Earlier cells from which this one differs by few: their number, who is only in this one, who only in that.
fn near(cell: &CellPeople, release: &Released, least: usize) -> Vec<(usize, usize, usize)> {
    let own: std::collections::BTreeSet<u32> = cell.people.iter().copied().collect();
    let mut shared: BTreeMap<usize, usize> = BTreeMap::new();
    for (number, (_, people)) in release.cells.iter().enumerate() {
        let both = people.iter().filter(|person| own.contains(person)).count();
        shared.insert(number, both);
    }
    let mut found = Vec::new();
    for (number, both) in shared {
        let there = release
            .cells
            .get(number)
            .map_or(0, |(_, people)| people.len());
        let (only_here, only_there) = (own.len() - both, there - both);
        let differs = only_here + only_there > 0;
        if both > 0 && differs && only_here < least && only_there < least {
            found.push((number, only_here, only_there));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Datum, Policy, check};

    fn compared(own: &[u32], earlier: &[u32]) -> Report {
        let policy = Policy::parse("name = \"t\"").unwrap();
        let mut report = check(&Evidence::untraceable("s", "r"), &policy);
        report.verdict = Verdict::Pass;
        let cell = CellPeople {
            key: Key(vec![("k".into(), Datum::Text("a".into()))]),
            column: "n".into(),
            shown: true,
            people: own.to_vec(),
        };
        let released = Released {
            name: "release 1".into(),
            date: "2026-05-03".into(),
            cells: vec![("k b: n".into(), earlier.to_vec())],
        };
        compare_with(&mut report, &[cell], &[released], 3);
        report
    }

    #[test]
    fn few_people_between_two_releases_are_refused_and_named() {
        let all: Vec<u32> = (0..30).collect();
        let report = compared(&all, &all[1..]);
        assert_eq!(report.verdict, Verdict::Fail);
        let said = &report.findings.last().unwrap().detail;
        assert!(
            said.contains(
                "k a: n: this cell minus k b: n of release 1 of 2026-05-03 isolates 1 person"
            ),
            "{said}"
        );
        assert_eq!(compared(&all[2..], &all).verdict, Verdict::Fail);
        assert_eq!(compared(&all[1..], &all[..29]).verdict, Verdict::Fail);
    }

    #[test]
    fn equal_disjoint_and_far_sets_are_no_finding() {
        let all: Vec<u32> = (0..30).collect();
        assert_eq!(compared(&all, &all).verdict, Verdict::Pass);
        assert_eq!(compared(&all[..2], &all[2..4]).verdict, Verdict::Pass);
        assert_eq!(compared(&all, &all[3..]).verdict, Verdict::Pass);
    }
}
