//! The rules on one cell.

use super::absent::Absent;
use super::class::Full;
use super::{ROW, finding, key_of, magnitude};
use crate::derive::{Precision, derived_sets};
use crate::evidence::{Behind, Evidence, Group, Kind};
use crate::names::Names;
use crate::report::{CellReport, Finding, Rule, Status, Told};
use crate::{Policy, ZeroRule};

/// What the rules found about one cell.
pub(super) type Found = Vec<(Status, Finding)>;

/// The cells of a group: those of the table, then those that a reader can form, if they are not ok.
pub(super) fn group_cells(
    evidence: &Evidence,
    (index, group): (usize, &Group),
    full: &Full,
    names: &Names<'_>,
    policy: &Policy,
) -> Vec<CellReport> {
    let told = names.told(group.set, &group.key);
    let cell = |column: &str, people, found: Found| CellReport {
        key: key_of(evidence, &group.key),
        column: column.to_owned(),
        people,
        status: found
            .iter()
            .map(|(status, _)| *status)
            .fold(Status::Ok, worse),
        findings: found.into_iter().map(|(_, finding)| finding).collect(),
        told,
    };
    let measures = evidence.measures().zip(&group.behind).enumerate();
    let mut cells: Vec<CellReport> = measures
        .map(|(place, ((name, kind), behind))| {
            let mut found = judge_cell(kind, *behind, policy);
            if behind.rows > 0 {
                found.extend(magnitude::judge(evidence, group, place, policy));
            }
            if full.holds(index, place) {
                found.push((
                    Status::Primary,
                    finding(
                        Rule::ClassDisclosure,
                        "nearly everybody in its row or column is in this cell",
                    ),
                ));
            }
            cell(name, behind.people, found)
        })
        .collect();
    let row = Behind {
        people: group.people,
        rows: group.rows,
    };
    // A row tells that its group exists, even where every measure is an allowed zero.
    if cells.iter().all(|c| c.status != Status::Primary) && group.rows > 0 {
        let judged = judge_cell(Kind::Count, row, policy);
        if judged.iter().any(|(status, _)| *status == Status::Primary) {
            cells.push(cell(ROW, group.people, judged));
        }
    }
    for (label, people, found) in derived(evidence, group, policy) {
        if found.is_empty() {
            continue;
        }
        let mut cell = cell(&label, people, found);
        // A combination that nobody has gives no differences: they would tell few from none.
        if cell.told == Told::Whole && group.people < policy.minimum() {
            cell.told = Told::Kind;
        }
        cells.push(cell);
    }
    cells
}

/// What a reader can form from the numbers of one row.
fn derived(evidence: &Evidence, group: &Group, policy: &Policy) -> Vec<(String, u64, Found)> {
    let mut formed = Vec::new();
    // More counts than the limit are a finding about the whole table.
    let most = usize::try_from(policy.limits().row_counts).unwrap_or(usize::MAX);
    let counts = evidence.counts.get(..most).unwrap_or(&evidence.counts);
    for set in derived_sets(counts, &evidence.sources, group, policy.minimum()) {
        let behind = Behind {
            people: set.people,
            rows: set.rows,
        };
        let found = match set.precision {
            Precision::Exact => judge_cell(Kind::Count, behind, policy),
            Precision::AtLeast if set.rows < policy.minimum() => {
                judge_cell(Kind::Count, behind, policy)
            }
            Precision::AtLeast => vec![(
                Status::Review,
                finding(
                    Rule::Threshold,
                    "this difference counts rows, and how many people are behind them is not known exactly",
                ),
            )],
        };
        formed.push((set.label, set.people, found));
    }
    formed.extend(magnitude::derived(evidence, group, policy));
    formed
}

/// Primary before review before ok.
fn worse(one: Status, other: Status) -> Status {
    let rank = |status| match status {
        Status::Ok => 0,
        Status::Secondary => 1,
        Status::Review => 2,
        Status::Primary => 3,
    };
    if rank(other) > rank(one) { other } else { one }
}

/// The rules on the people behind a cell. Strict: `minimum` people are enough.
pub(super) fn judge_cell(kind: Kind, behind: Behind, policy: &Policy) -> Found {
    let minimum = policy.minimum();
    if behind.rows == 0 {
        return match policy.zero() {
            ZeroRule::Unsafe => vec![(
                Status::Primary,
                finding(Rule::Zero, "nobody is behind this cell"),
            )],
            ZeroRule::Safe => Vec::new(),
        };
    }
    if behind.people < minimum {
        let detail = format!(
            "{} people are behind this cell, {minimum} are needed",
            behind.people
        );
        return vec![(Status::Primary, finding(Rule::Threshold, detail))];
    }
    match kind {
        Kind::Count
        | Kind::Share
        | Kind::Distinct
        | Kind::Total
        | Kind::Spread
        | Kind::Relation
        | Kind::Quantile
        | Kind::Extreme
        | Kind::Mode => Vec::new(),
        // `count(distinct case when rare then event else 0 end)`: all have a value, few are counted. So does
        // the spread of `case when rare then cost else 0 end` tell of few.
        Kind::Crafted => vec![(
            Status::Review,
            finding(
                Rule::Untraceable,
                "a number of distinct values or a spread of an expression can tell of few people though all have a value",
            ),
        )],
    }
}

/// The cells of a combination that the table leaves out.
pub(super) fn implied_zeros(
    evidence: &Evidence,
    absent: &Absent,
    names: &Names<'_>,
    policy: &Policy,
) -> Vec<CellReport> {
    let nobody = Behind { people: 0, rows: 0 };
    // Keys alone also tell which combinations nobody has.
    let row = evidence
        .measures()
        .next()
        .is_none()
        .then_some((ROW, Kind::Count));
    evidence
        .measures()
        .chain(row)
        .map(|(name, kind)| {
            let found = match absent.structural {
                true => Vec::new(),
                false => judge_cell(kind, nobody, policy),
            };
            CellReport {
                key: key_of(evidence, &absent.key),
                column: name.to_owned(),
                people: 0,
                status: found
                    .iter()
                    .map(|(status, _)| *status)
                    .fold(Status::Ok, worse),
                findings: found.into_iter().map(|(_, finding)| finding).collect(),
                told: names.told(absent.set, &absent.key),
            }
        })
        .collect()
}
