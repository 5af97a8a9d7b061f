//! The rules over the evidence.

mod absent;
mod against;
mod cells;
mod class;
mod draft;
mod forced;
mod hide;
mod leaving;
mod listed;
mod magnitude;
mod secondary;
mod statement;
mod together;
mod treated;

pub use against::{
    Beside, CellPeople, Family, Outgoing, cannot_compare, in_words, outgoing, places,
};
pub use leaving::{Found, Leaving, compare_again};
pub use listed::{ListedError, traced};
pub use statement::by_statement;
pub use together::{Traced, as_one, check_together, hidden};

use draft::Draft;
use hide::Treatment;

use crate::evidence::{Class, Evidence, Group, Shown, Visible};
use crate::report::{Finding, Key, Output, PolicyName, Report, Rule, Status, Told, Verdict};
use crate::{Datum, Policy, ZeroRule};

/// Stands for the row itself where a finding is about no column of it.
const ROW: &str = "(row)";

/// Judges one statement. One of several tables goes to a person here, because their people are not compared:
/// [`check_together`] does.
pub fn check(evidence: &Evidence, policy: &Policy) -> Report {
    if !evidence.further.is_empty() {
        return statement::not_compared(evidence, policy);
    }
    check_all(std::slice::from_ref(evidence), policy)
}

/// Judges the statements of one output. Each stands for itself; a treatment is not
/// offered where there are several, because this build does not compare tables and the
/// second may give back what is hidden in the first.
pub fn check_all(evidence: &[Evidence], policy: &Policy) -> Report {
    let mut verdict = Verdict::Pass;
    let (mut outputs, mut findings) = (Vec::new(), Vec::new());
    for one in evidence.iter().flat_map(Evidence::tables) {
        let judged = judge(one, policy);
        verdict = verdict.max(judged.verdict);
        outputs.push(judged.output);
        findings.extend(judged.findings);
    }
    if evidence.is_empty() {
        verdict = Verdict::Review;
        findings.push(finding(Rule::Untraceable, "there is no statement to check"));
    }
    if outputs.len() > 1 && verdict == Verdict::Treat {
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

/// A table that is judged.
#[derive(Clone, Copy)]
struct Asked<'a> {
    /// Its number among the tables of the request, from one.
    number: usize,
    evidence: &'a Evidence,
    /// Cells that must not be seen beside other tables, by their place among [`places`].
    conflicts: &'a [(usize, String)],
    /// The people of each cell, in the order of [`places`]; nothing where they were not listed.
    people: &'a [Vec<u32>],
}

/// Judges one table, whose people are not listed.
fn judge(evidence: &Evidence, policy: &Policy) -> Judged {
    let alone = Asked {
        number: 1,
        evidence,
        conflicts: &[],
        people: &[],
    };
    match drafted(alone, policy) {
        Ok(draft) => {
            let treatment = hide::together(&[&draft], policy).pop().flatten();
            finished(draft, treatment, policy)
        }
        Err(judged) => *judged,
    }
}

/// Judges tables, of which those over the same rows are treated as one problem.
fn judge_together(tables: &[Asked<'_>], policy: &Policy) -> Vec<Judged> {
    let drafts: Vec<Result<Draft<'_>, Box<Judged>>> =
        tables.iter().map(|one| drafted(*one, policy)).collect();
    let posed: Vec<&Draft<'_>> = drafts.iter().flatten().collect();
    let mut treatments = hide::together(&posed, policy).into_iter();
    let judged = drafts.into_iter().map(|one| match one {
        Ok(draft) => {
            let treatment = treatments.next().flatten();
            finished(draft, treatment, policy)
        }
        Err(judged) => *judged,
    });
    judged.collect()
}

/// The cells of a table, judged; what has none is judged as a whole.
fn drafted<'a>(asked: Asked<'a>, policy: &Policy) -> Result<Draft<'a>, Box<Judged>> {
    let evidence = asked.evidence;
    let (class, verdict, found) = match &evidence.class {
        Class::Untraceable { reason } => (
            "untraceable",
            Verdict::Review,
            finding(Rule::Untraceable, reason.as_str()),
        ),
        Class::Rows => (
            "rows",
            Verdict::Fail,
            finding(
                Rule::Threshold,
                "each row shows one person; group the rows and count",
            ),
        ),
        Class::Table => {
            let detail = match evidence.validate() {
                Ok(()) if cells(evidence, evidence.groups.len()) > cells_max(policy) => format!(
                    "the table has more cells than the limit table_cells, {}, of the disclosure policy",
                    cells_max(policy)
                ),
                Ok(()) => return Ok(Draft::of(asked, policy)),
                Err(malformed) => malformed.to_string(),
            };
            (
                "untraceable",
                Verdict::Review,
                finding(Rule::Untraceable, detail),
            )
        }
    };
    Err(Box::new(whole(evidence, class, verdict, found)))
}

/// The most cells that are judged, whatever the evidence claims.
fn cells_max(policy: &Policy) -> usize {
    usize::try_from(policy.limits().table_cells).unwrap_or(usize::MAX)
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

/// The verdict on a table whose cells are judged, and what may leave of it.
fn finished(draft: Draft<'_>, treatment: Option<Treatment>, policy: &Policy) -> Judged {
    let Draft {
        evidence,
        mut cells,
        places,
        mut findings,
        ..
    } = draft;
    findings.extend(about_the_whole(evidence, policy));
    let hides = treatment.is_some();
    let (mut treated_rows, mut because) = (Vec::new(), Vec::new());
    if let Some(treatment) = treatment {
        for (cell, group) in cells.iter_mut().zip(&places) {
            let hidden = treatment.for_others.get(group);
            if hidden.is_some_and(|hidden| treated::is_secondary(evidence, hidden, cell)) {
                cell.status = Status::Secondary;
            }
        }
        treated_rows = treatment.rows;
        because = treatment.because;
    }
    findings.extend(forced::not_published(evidence, &cells, &places, policy));
    // Whatever is said about the whole table needs a person.
    let review = !findings.is_empty() || cells.iter().any(|c| c.status == Status::Review);
    let verdict = verdict(evidence, hides, review, &treated_rows, policy);
    if verdict != Verdict::Pass
        && !hides
        && is_empty(evidence)
        && !(review && by_condition(evidence))
    {
        findings.push(nobody(policy));
    }
    // Why more is hidden than elsewhere needs nobody to look.
    findings.extend(because);
    let rows: Vec<Vec<Datum>> = shown(evidence).map(|(_, g)| g.values.clone()).collect();
    let (verdict, treated_rows) = rounding(evidence, verdict, &rows, treated_rows, policy);
    Judged {
        verdict,
        output: Output {
            statement: evidence.statement.clone(),
            class: "table",
            columns: evidence.columns.iter().map(|c| c.name.clone()).collect(),
            rows,
            cells,
            treated_rows,
        },
        findings,
    }
}

/// Where the policy rounds, what leaves is rounded, also where every cell is safe.
fn rounding(
    evidence: &Evidence,
    verdict: Verdict,
    rows: &[Vec<Datum>],
    treated_rows: Vec<Vec<Datum>>,
    policy: &Policy,
) -> (Verdict, Vec<Vec<Datum>>) {
    let Some(base) = policy.rounding() else {
        return (verdict, treated_rows);
    };
    if verdict != Verdict::Pass {
        return (verdict, treated::rounded(evidence, &treated_rows, base));
    }
    let rounded = treated::rounded(evidence, rows, base);
    match rounded == rows {
        true => (Verdict::Pass, Vec::new()),
        false => (Verdict::Treat, rounded),
    }
}

/// Where a person has to look at a table whose rows a condition chose, the verdict is the same whatever the
/// condition leaves: otherwise it would tell the numbers that a person has to look at.
fn verdict(
    evidence: &Evidence,
    hides: bool,
    review: bool,
    treated_rows: &[Vec<Datum>],
    policy: &Policy,
) -> Verdict {
    let nothing_left = if hides {
        treated_rows.is_empty()
    } else {
        is_empty(evidence)
    };
    match (hides, review) {
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
        Shown::All | Shown::First | Shown::Joined => false,
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
    // Beside totals, what is left out can be found by subtraction.
    let only_large = matches!(evidence.shown, Shown::Large(least) if least >= policy.minimum())
        && evidence.sets.len() < 2;
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
fn about_the_whole(evidence: &Evidence, policy: &Policy) -> Vec<Finding> {
    let mut found = Vec::new();
    let most = policy.limits().row_counts;
    if evidence.shown == Shown::Unjudged {
        found.push(finding(
                Rule::Untraceable,
                "the condition on groups (having) is about a number that the table does not show, so what is absent tells something that is not counted",
            ));
    }
    if evidence.counts.len() as u64 > most {
        found.push(finding(
                Rule::Differencing,
                format!(
                    "a row shows {} counts; what can be formed by adding and subtracting is tried for at most the limit row_counts, {most}, of the disclosure policy",
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

#[cfg(test)]
mod tests;
