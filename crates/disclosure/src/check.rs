//! The rules over the evidence.

use std::collections::BTreeSet;

use crate::derive::{COUNTS_MAX, Precision, derived_sets};
use crate::evidence::{Behind, Class, Evidence, Group, Kind, Role, Shown, Visible};
use crate::report::{CellReport, Finding, Key, Output, PolicyName, Report, Rule, Status, Verdict};
use crate::{Datum, Policy, ZeroRule};

/// The most cells that are judged, whatever the evidence claims.
const CELLS_MAX: usize = 1_000_000;

/// Judges one statement.
pub fn check(evidence: &Evidence, policy: &Policy) -> Report {
    check_all(std::slice::from_ref(evidence), policy)
}

/// Judges the statements of one output. Each stands for itself; a treatment is not
/// offered where there are several, because this build does not compare tables and the
/// second may give back what is hidden in the first.
pub fn check_all(evidence: &[Evidence], policy: &Policy) -> Report {
    let mut verdict = Verdict::Pass;
    let (mut outputs, mut findings) = (Vec::new(), Vec::new());
    for one in evidence {
        let judged = judge(one, policy);
        verdict = verdict.max(judged.verdict);
        outputs.push(judged.output);
        findings.extend(judged.findings);
    }
    if evidence.is_empty() {
        verdict = Verdict::Review;
        findings.push(finding(Rule::Untraceable, "there is no statement to check"));
    }
    if evidence.len() > 1 && verdict == Verdict::Treat {
        verdict = Verdict::Review;
        findings.push(finding(
            Rule::Differencing,
            "several tables are checked together and this build does not compare them, so the treated version of one is not known to be safe beside the others",
        ));
    }
    Report {
        verdict,
        outputs,
        findings,
        policy: PolicyName::of(policy),
        minimum: policy.minimum(),
    }
}

struct Judged {
    verdict: Verdict,
    output: Output,
    findings: Vec<Finding>,
}

fn finding(rule: Rule, detail: impl Into<String>) -> Finding {
    Finding {
        rule,
        detail: detail.into(),
    }
}

fn judge(evidence: &Evidence, policy: &Policy) -> Judged {
    match &evidence.class {
        Class::Untraceable { reason } => whole(
            evidence,
            "untraceable",
            Verdict::Review,
            finding(Rule::Untraceable, reason.as_str()),
        ),
        Class::Rows => whole(
            evidence,
            "rows",
            Verdict::Fail,
            finding(
                Rule::Threshold,
                "each row shows one person; group the rows and count",
            ),
        ),
        Class::Table => match evidence.validate() {
            Ok(()) => table(evidence, policy),
            Err(malformed) => whole(
                evidence,
                "untraceable",
                Verdict::Review,
                finding(Rule::Untraceable, malformed.to_string()),
            ),
        },
    }
}

/// An answer without cells.
fn whole(evidence: &Evidence, class: &'static str, verdict: Verdict, finding: Finding) -> Judged {
    Judged {
        verdict,
        output: Output {
            statement: evidence.statement.clone(),
            class,
            columns: Vec::new(),
            rows: Vec::new(),
            cells: Vec::new(),
            treated_rows: Vec::new(),
        },
        findings: vec![finding],
    }
}

fn table(evidence: &Evidence, policy: &Policy) -> Judged {
    let mut findings = Vec::new();
    let mut cells = Vec::new();
    // Indexes of groups with a cell that must not be seen.
    let mut unsafe_groups = BTreeSet::new();
    for (index, group) in evidence.groups.iter().enumerate() {
        if group.visible == Visible::Excluded {
            continue;
        }
        let of_group = group_cells(evidence, group, policy);
        if of_group.iter().any(|c| c.status == Status::Primary) {
            unsafe_groups.insert(index);
        }
        cells.extend(of_group);
    }
    let absent = match evidence.shown {
        Shown::Large | Shown::Condition => Some(Vec::new()),
        Shown::All | Shown::First => absent_keys(evidence),
    };
    if absent.is_none() {
        findings.push(finding(
            Rule::Zero,
            "the combinations that the table leaves out are too many to judge",
        ));
    }
    let absent = absent.unwrap_or_default();
    for key in &absent {
        cells.extend(implied_zeros(evidence, key, policy));
    }
    findings.extend(about_the_whole(evidence, policy));
    // Whatever is said about the whole table needs a person.
    let review = !findings.is_empty() || cells.iter().any(|c| c.status == Status::Review);
    let primary = cells.iter().any(|c| c.status == Status::Primary);
    let treated_rows = if primary {
        treated(evidence, &unsafe_groups, &absent, policy)
    } else {
        Vec::new()
    };
    let empty_is_unsafe = evidence.groups.is_empty() && policy.zero() == ZeroRule::Unsafe;
    let verdict = match (primary, treated_rows.is_empty(), review) {
        _ if empty_is_unsafe => Verdict::Fail,
        (true, true, _) => Verdict::Fail,
        (_, _, true) => Verdict::Review,
        (true, false, false) => Verdict::Treat,
        (false, _, false) => Verdict::Pass,
    };
    Judged {
        verdict,
        output: Output {
            statement: evidence.statement.clone(),
            class: "table",
            columns: evidence.columns.iter().map(|c| c.name.clone()).collect(),
            rows: shown(evidence).map(|(_, g)| g.values.clone()).collect(),
            cells,
            treated_rows,
        },
        findings,
    }
}

fn shown(evidence: &Evidence) -> impl Iterator<Item = (usize, &Group)> {
    evidence
        .groups
        .iter()
        .enumerate()
        .filter(|(_, group)| group.visible == Visible::Shown)
}

/// Findings about the whole table. Each sends it to a person.
fn about_the_whole(evidence: &Evidence, policy: &Policy) -> Vec<Finding> {
    let mut found = Vec::new();
    if shown(evidence).next().is_none() {
        let detail = match policy.zero() {
            ZeroRule::Unsafe => "the table is empty: that nobody qualifies is itself a result",
            ZeroRule::Safe => {
                "the table is empty: whether nobody qualifies by design, a person has to say"
            }
        };
        found.push(finding(Rule::Zero, detail));
    }
    if evidence.shown == Shown::Condition {
        found.push(finding(
                Rule::Untraceable,
                "the condition on groups (having) is no minimum of a count, so what is absent tells something that is not counted",
            ));
    }
    if evidence.counts.len() > COUNTS_MAX {
        found.push(finding(
                Rule::Differencing,
                format!(
                    "a row shows {} counts; what can be formed by adding and subtracting is tried for at most {COUNTS_MAX}",
                    evidence.counts.len()
                ),
            ));
    }
    // `count(distinct f(person))` is a count of people that does not look like one.
    let distinct = evidence
        .measures()
        .filter(|(_, k)| *k == Kind::Distinct)
        .count();
    if distinct > 0 && distinct + evidence.counts.len() > 1 {
        found.push(finding(
                Rule::Differencing,
                "a number of distinct values stands beside other counts, and this build does not judge their differences",
            ));
    }
    found
}

fn key_of(evidence: &Evidence, values: &[Datum]) -> Key {
    Key(evidence
        .keys
        .iter()
        .cloned()
        .zip(values.iter().cloned())
        .collect())
}

fn group_cells(evidence: &Evidence, group: &Group, policy: &Policy) -> Vec<CellReport> {
    let cell = |column: &str, people, (status, finding): (Status, Option<Finding>)| CellReport {
        key: key_of(evidence, &group.key),
        column: column.to_owned(),
        people,
        status,
        findings: finding.into_iter().collect(),
    };
    let mut cells: Vec<CellReport> = evidence
        .measures()
        .zip(&group.behind)
        .map(|((name, kind), behind)| cell(name, behind.people, judge_cell(kind, *behind, policy)))
        .collect();
    let row = Behind {
        people: group.people,
        rows: group.rows,
    };
    // A row tells that its group exists, even where every measure is an allowed zero.
    if cells.iter().all(|c| c.status != Status::Primary) && group.rows > 0 {
        let judged = judge_cell(Kind::Count, row, policy);
        if judged.0 == Status::Primary {
            cells.push(cell("(row)", group.people, judged));
        }
    }
    for set in derived_sets(&evidence.counts, group, policy.minimum()) {
        let behind = Behind {
            people: set.people,
            rows: set.rows,
        };
        let judged = match set.precision {
            Precision::Exact => judge_cell(Kind::Count, behind, policy),
            Precision::AtLeast if set.rows < policy.minimum() => {
                judge_cell(Kind::Count, behind, policy)
            }
            Precision::AtLeast => (
                Status::Review,
                Some(finding(
                    Rule::Threshold,
                    "this difference counts rows, and how many people are behind them is not known exactly",
                )),
            ),
        };
        if judged.0 != Status::Ok {
            cells.push(cell(&set.label, set.people, judged));
        }
    }
    cells
}

/// The rules on one cell. Strict: `minimum` people are enough.
fn judge_cell(kind: Kind, behind: Behind, policy: &Policy) -> (Status, Option<Finding>) {
    let minimum = policy.minimum();
    if behind.rows == 0 {
        return match policy.zero() {
            ZeroRule::Unsafe => (
                Status::Primary,
                Some(finding(Rule::Zero, "nobody is behind this cell")),
            ),
            ZeroRule::Safe => (Status::Ok, None),
        };
    }
    if behind.people < minimum {
        let detail = format!(
            "{} people are behind this cell, {minimum} are needed",
            behind.people
        );
        return (Status::Primary, Some(finding(Rule::Threshold, detail)));
    }
    let missing = match kind {
        Kind::Count | Kind::Share | Kind::Distinct => return (Status::Ok, None),
        Kind::Total => (Rule::Dominance, "totals and means need the dominance rule"),
        Kind::Spread => (
            Rule::DegreesOfFreedom,
            "measures of spread need the rule on degrees of freedom",
        ),
        Kind::Quantile => (
            Rule::EndPoint,
            "a median or quantile can be one person's value and needs the end point rule",
        ),
        Kind::Extreme => (
            Rule::EndPoint,
            "a smallest or largest value is one person's and needs the end point rule",
        ),
        Kind::Mode => (
            Rule::ClassDisclosure,
            "a most frequent value needs the rule on class disclosure",
        ),
    };
    let detail = format!("{}, which this build does not enforce", missing.1);
    (Status::Review, Some(finding(missing.0, detail)))
}

/// Combinations of observed key values that no group has; `None` if they are too many.
fn absent_keys(evidence: &Evidence) -> Option<Vec<Vec<Datum>>> {
    if evidence.keys.len() < 2 {
        return Some(Vec::new());
    }
    let present: BTreeSet<&[Datum]> = evidence.groups.iter().map(|g| g.key.as_slice()).collect();
    let mut combinations: Vec<Vec<Datum>> = vec![Vec::new()];
    for position in 0..evidence.keys.len() {
        let values: BTreeSet<&Datum> = evidence
            .groups
            .iter()
            .filter_map(|g| g.key.get(position))
            .collect();
        if combinations.len().saturating_mul(values.len()) > CELLS_MAX {
            return None;
        }
        combinations = combinations
            .iter()
            .flat_map(|head| {
                values.iter().map(move |value| {
                    let mut key = head.clone();
                    key.push((*value).clone());
                    key
                })
            })
            .collect();
    }
    combinations.retain(|key| !present.contains(key.as_slice()));
    Some(combinations)
}

fn implied_zeros(evidence: &Evidence, key: &[Datum], policy: &Policy) -> Vec<CellReport> {
    let nobody = Behind { people: 0, rows: 0 };
    evidence
        .measures()
        .map(|(name, kind)| {
            let (status, found) = judge_cell(kind, nobody, policy);
            CellReport {
                key: key_of(evidence, key),
                column: name.to_owned(),
                people: 0,
                status,
                findings: found.into_iter().collect(),
            }
        })
        .collect()
}

/// The table with every measure of an unsafe row left empty; nothing if no row would
/// be left. Safe without secondary suppression because the table shows no margins (a
/// statement with `rollup`, `cube` or window totals is untraceable), rows are disjoint
/// groups, and nothing in one row says anything about another. The order of the rows
/// could (`order by count`), so emptied rows move to the end in the order of their keys.
/// Where zeros are unsafe, combinations that the table left out come as emptied rows
/// too: otherwise their absence would tell zero from small.
fn treated(
    evidence: &Evidence,
    unsafe_groups: &BTreeSet<usize>,
    absent: &[Vec<Datum>],
    policy: &Policy,
) -> Vec<Vec<Datum>> {
    let (mut kept, mut emptied) = (Vec::new(), Vec::new());
    for (index, group) in shown(evidence) {
        if unsafe_groups.contains(&index) {
            emptied.push((group.key.as_slice(), emptied_row(evidence, group)));
        } else {
            kept.push(group.values.clone());
        }
    }
    if kept.is_empty() {
        return kept;
    }
    let every_key_shown = (0..evidence.keys.len()).all(|key| {
        evidence
            .columns
            .iter()
            .any(|c| matches!(c.role, Role::Key(k) if usize::from(k) == key))
    });
    if policy.zero() == ZeroRule::Unsafe && evidence.shown == Shown::All && every_key_shown {
        emptied.extend(absent.iter().map(|key| {
            let row = evidence
                .columns
                .iter()
                .map(|column| match column.role {
                    Role::Key(k) => key.get(usize::from(k)).cloned().unwrap_or(Datum::Missing),
                    Role::Label | Role::Measure(_) => Datum::Missing,
                })
                .collect();
            (key.as_slice(), row)
        }));
    }
    emptied.sort();
    kept.extend(emptied.into_iter().map(|(_, row)| row));
    kept
}

fn emptied_row(evidence: &Evidence, group: &Group) -> Vec<Datum> {
    evidence
        .columns
        .iter()
        .zip(&group.values)
        .map(|(column, value)| match column.role {
            Role::Key(_) => value.clone(),
            // A label is left out too: a combination without rows has none to show.
            Role::Label | Role::Measure(_) => Datum::Missing,
        })
        .collect()
}

#[cfg(test)]
mod tests;
