//! The rules over the evidence.

mod treated;

use std::collections::BTreeSet;

use treated::treated;

use crate::derive::{COUNTS_MAX, Precision, derived_sets};
use crate::evidence::{Behind, Class, Evidence, Group, Kind, Shown, Visible};
use crate::names::Names;
use crate::report::{
    CellReport, Finding, Key, Output, PolicyName, Report, Rule, Status, Told, Verdict,
};
use crate::{Datum, Policy, ZeroRule};

/// The most cells that are judged, whatever the evidence claims.
const CELLS_MAX: usize = 1_000_000;
/// Stands for the row itself where a finding is about no column of it.
const ROW: &str = "(row)";

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
    if verdict != Verdict::Treat {
        for output in &mut outputs {
            output.treated_rows.clear();
        }
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
        told: Told::Whole,
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
            Ok(()) if cells(evidence, evidence.groups.len()) > CELLS_MAX => whole(
                evidence,
                "untraceable",
                Verdict::Review,
                finding(
                    Rule::Untraceable,
                    format!("the table has more than {CELLS_MAX} cells, the most that are judged"),
                ),
            ),
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

/// Cells of so many rows. A row without measures counts as one.
fn cells(evidence: &Evidence, rows: usize) -> usize {
    rows.saturating_mul(evidence.measures().count().max(1))
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
    let names = Names::of(evidence, policy.minimum());
    let mut findings = Vec::new();
    let mut cells = Vec::new();
    // Indexes of groups with a cell that must not be seen.
    let mut unsafe_groups = BTreeSet::new();
    for (index, group) in evidence.groups.iter().enumerate() {
        if !is_judged(evidence, group, policy) {
            continue;
        }
        let of_group = group_cells(evidence, group, &names, policy);
        if of_group.iter().any(|c| c.status == Status::Primary) {
            unsafe_groups.insert(index);
        }
        cells.extend(of_group);
    }
    let absent = match evidence.shown {
        Shown::Large(_) | Shown::Condition | Shown::Unjudged => Some(Vec::new()),
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
        cells.extend(implied_zeros(evidence, key, &names, policy));
    }
    findings.extend(about_the_whole(evidence));
    let primary = cells.iter().any(|c| c.status == Status::Primary);
    let treated_rows = if primary {
        treated(evidence, &unsafe_groups, &absent, &names, policy)
    } else {
        Vec::new()
    };
    // Whatever is said about the whole table needs a person.
    let review = !findings.is_empty() || cells.iter().any(|c| c.status == Status::Review);
    let verdict = verdict(evidence, primary, review, &treated_rows, policy);
    if verdict != Verdict::Pass
        && !primary
        && is_empty(evidence)
        && !(review && by_condition(evidence))
    {
        findings.push(nobody(policy));
    }
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

/// Where a person has to look at a table whose rows a condition chose, the verdict is the same whatever the
/// condition leaves: otherwise it would tell the numbers that a person has to look at.
fn verdict(
    evidence: &Evidence,
    primary: bool,
    review: bool,
    treated_rows: &[Vec<Datum>],
    policy: &Policy,
) -> Verdict {
    let nothing_left = if primary {
        treated_rows.is_empty()
    } else {
        is_empty(evidence)
    };
    match (primary, review) {
        _ if evidence.shown == Shown::Unjudged => Verdict::Review,
        (_, true) if by_condition(evidence) => Verdict::Review,
        // A table without rows gets the verdict of one whose groups are all small.
        (true, _) if nothing_left => Verdict::Fail,
        (false, _) if nothing_left && policy.zero() == ZeroRule::Unsafe => Verdict::Fail,
        (false, _) if nothing_left => Verdict::Review,
        (_, true) => Verdict::Review,
        (true, false) => Verdict::Treat,
        (false, false) => Verdict::Pass,
    }
}

fn is_empty(evidence: &Evidence) -> bool {
    shown(evidence).next().is_none()
}

fn by_condition(evidence: &Evidence) -> bool {
    match evidence.shown {
        Shown::Large(_) | Shown::Condition | Shown::Unjudged => true,
        Shown::All | Shown::First => false,
    }
}

/// What is said of a table without rows.
fn nobody(policy: &Policy) -> Finding {
    let (detail, told) = match policy.zero() {
        ZeroRule::Unsafe => (
            "the table is empty: that nobody qualifies is itself a result",
            Told::Kind,
        ),
        ZeroRule::Safe => (
            "the table is empty: whether nobody qualifies by design, a person has to say",
            Told::Whole,
        ),
    };
    Finding {
        told,
        ..finding(Rule::Zero, detail)
    }
}

/// Whether the cells of a group are judged. What a condition leaves out is judged too, so that the
/// verdict does not depend on the condition, unless it leaves out exactly what is too small.
fn is_judged(evidence: &Evidence, group: &Group, policy: &Policy) -> bool {
    let only_large = matches!(evidence.shown, Shown::Large(least) if least >= policy.minimum());
    !(only_large && group.visible == Visible::Excluded)
}

fn shown(evidence: &Evidence) -> impl Iterator<Item = (usize, &Group)> {
    evidence
        .groups
        .iter()
        .enumerate()
        .filter(|(_, group)| group.visible == Visible::Shown)
}

/// Findings about the whole table that come from the statement. Each sends it to a person.
fn about_the_whole(evidence: &Evidence) -> Vec<Finding> {
    let mut found = Vec::new();
    if evidence.shown == Shown::Unjudged {
        found.push(finding(
                Rule::Untraceable,
                "the condition on groups (having) is about a number that the table does not show, so what is absent tells something that is not counted",
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

fn group_cells(
    evidence: &Evidence,
    group: &Group,
    names: &Names<'_>,
    policy: &Policy,
) -> Vec<CellReport> {
    let cell = |column: &str, people, (status, finding): (Status, Option<Finding>)| CellReport {
        key: key_of(evidence, &group.key),
        column: column.to_owned(),
        people,
        status,
        findings: finding.into_iter().collect(),
        told: names.told(&group.key),
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
            cells.push(cell(ROW, group.people, judged));
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
            let mut cell = cell(&set.label, set.people, judged);
            // A combination that nobody has gives no differences: they would tell few from none.
            if cell.told == Told::Whole && group.people < policy.minimum() {
                cell.told = Told::Kind;
            }
            cells.push(cell);
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
        Kind::Count | Kind::Share => return (Status::Ok, None),
        // `count(distinct case when rare then event else 0 end)`: all have a value, few are counted.
        Kind::Distinct => (
            Rule::Untraceable,
            "a number of distinct values can count few people though all have a value, and needs a count of those behind each value",
        ),
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
        let most = combinations.len().saturating_mul(values.len());
        if cells(evidence, most) > CELLS_MAX {
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

fn implied_zeros(
    evidence: &Evidence,
    key: &[Datum],
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
            let (status, found) = judge_cell(kind, nobody, policy);
            CellReport {
                key: key_of(evidence, key),
                column: name.to_owned(),
                people: 0,
                status,
                findings: found.into_iter().collect(),
                told: names.told(key),
            }
        })
        .collect()
}

#[cfg(test)]
mod tests;
