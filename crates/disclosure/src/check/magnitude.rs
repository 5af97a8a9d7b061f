//! The rules on the values behind a cell: (n,k), p%, identical values, degrees of freedom, end points.
//!
//! Definitions of the Handbook on Statistical Disclosure Control (2nd edition, 2024), chapter 4. All
//! comparisons are strict: what lies exactly on a bound is safe.

use super::cells::{Found, judge_cell};
use super::finding;
use crate::Policy;
use crate::evidence::{Behind, Evidence, Group, Kind, Magnitude, Part};
use crate::report::{Finding, Rule, Status};

/// Sums of doubles carry errors of this size; a value nearer to a bound lies on it.
const TIE: f64 = 1e-12;

/// What the rules find about the aggregates that a measure shows.
pub(super) fn judge(evidence: &Evidence, group: &Group, measure: usize, policy: &Policy) -> Found {
    let shows = |part: &Part| part.measures.iter().any(|m| usize::from(*m) == measure);
    let mut found: Found = Vec::new();
    let kind = evidence.measures().nth(measure).map(|(_, kind)| kind);
    if let Some(rule) = kind.and_then(needs_values)
        && !evidence.parts.iter().any(shows)
    {
        let detail = "the values behind this cell were not counted, and its rule needs them";
        found.push((Status::Review, finding(rule, detail)));
    }
    for (place, (part, values)) in evidence.parts.iter().zip(&group.magnitudes).enumerate() {
        if !shows(part) || values.rows == 0 {
            continue;
        }
        let flagged = match part.kind == Kind::Total && is_flag(evidence, place) {
            true => flags(values, !evidence.counts.is_empty(), policy),
            false => Vec::new(),
        };
        for one in rules(part, values, policy).into_iter().chain(flagged) {
            if !found.contains(&one) {
                found.push(one);
            }
        }
    }
    found
}

/// The first rule of a kind that is judged by its values.
fn needs_values(kind: Kind) -> Option<Rule> {
    match kind {
        Kind::Count | Kind::Share | Kind::Distinct | Kind::Crafted => None,
        Kind::Mode => Some(Rule::ClassDisclosure),
        Kind::Total => Some(Rule::Dominance),
        Kind::Spread | Kind::Relation => Some(Rule::DegreesOfFreedom),
        Kind::Quantile | Kind::Extreme => Some(Rule::EndPoint),
    }
}

/// What the rules find about totals that a reader can form by subtraction.
pub(super) fn derived(
    evidence: &Evidence,
    group: &Group,
    policy: &Policy,
) -> Vec<(String, u64, Found)> {
    let parts = evidence.parts.iter().zip(&group.magnitudes);
    parts
        .filter(|(part, values)| part.measures.is_empty() && values.rows > 0)
        .map(|(part, values)| {
            let behind = Behind {
                people: values.people,
                rows: values.rows,
            };
            let mut found = judge_cell(part.kind, behind, policy);
            found.extend(rules(part, values, policy));
            (part.label.clone(), values.people, found)
        })
        .collect()
}

fn rules(part: &Part, values: &Magnitude, policy: &Policy) -> Found {
    let mut found = Vec::new();
    let review = |rule, detail: String| (Status::Review, finding(rule, detail));
    if values.odd > 0 {
        let detail = format!("{} values are not finite numbers", values.odd);
        found.push(review(Rule::Missing, detail));
    }
    match part.kind {
        Kind::Count | Kind::Share | Kind::Distinct | Kind::Crafted => return found,
        Kind::Mode => found.extend(mode(values, policy)),
        Kind::Total => {
            if values.unnamed > 0 {
                let detail = format!("{} rows with a value name nobody", values.unnamed);
                found.push(review(Rule::Missing, detail));
            }
            let concentrated = concentration(values, policy);
            if values.negative > 0 {
                found.push(review(Rule::Negative, negative(values, &concentrated)));
            } else {
                found.extend(concentrated.into_iter().map(|one| (Status::Primary, one)));
            }
        }
        Kind::Spread => found.extend(degrees(values, 1, policy)),
        Kind::Relation => found.extend(degrees(values, 2, policy)),
        Kind::Quantile | Kind::Extreme => found.extend(end_point(part, values, policy)),
    }
    if values.same && part.kind != Kind::Relation {
        found.push((
            Status::Primary,
            finding(Rule::AllSame, "everybody behind this cell has one value"),
        ));
    }
    found
}

/// Whether an aggregate is of zeros and ones, and of both: then its totals count people.
fn is_flag(evidence: &Evidence, part: usize) -> bool {
    let values = || {
        let groups = evidence.groups.iter();
        let values = groups.filter_map(|group| group.magnitudes.get(part));
        values.filter(|values| values.rows > 0)
    };
    values().all(|values| values.flags) && values().any(|values| values.active < values.people)
}

/// A total or a mean of zeros and ones tells how many have the ones; beside a count, how many have not.
fn flags(values: &Magnitude, beside_count: bool, policy: &Policy) -> Found {
    let without = values.people.saturating_sub(values.active);
    let few = |people: u64| (1..policy.minimum()).contains(&people);
    if few(values.people) {
        // Said already.
        return Vec::new();
    }
    let found = |people: u64, words: &str| {
        let minimum = policy.minimum();
        let detail = format!("{people} people {words}, {minimum} are needed");
        (Status::Primary, finding(Rule::Threshold, detail))
    };
    if few(values.active) {
        return vec![found(
            values.active,
            "have a one in this sum of zeros and ones",
        )];
    }
    if beside_count && values.rows == values.people && few(without) {
        return vec![found(without, "have no one in this sum of zeros and ones")];
    }
    Vec::new()
}

/// (n,k) and p% on the contributions, which are of absolute values.
fn concentration(values: &Magnitude, policy: &Policy) -> Vec<Finding> {
    let mut found = Vec::new();
    let top = |n: usize| -> f64 { values.top.iter().take(n).sum() };
    if let Some(rule) = policy.dominance() {
        let bound = rule.k * values.total;
        if exceeds(top(rule.n), bound) {
            let share = 100.0 * top(rule.n) / values.total;
            found.push(finding(
                Rule::Dominance,
                format!(
                    "the {} largest contributions are {share:.1} % of the total",
                    rule.n
                ),
            ));
        }
    }
    if let Some(p) = policy.p_percent() {
        let rest = (values.total - top(2)).max(0.0);
        let bound = p * top(1);
        // The rest is a difference of large numbers: its error is theirs.
        if bound > rest && bound - rest > TIE * values.total {
            let share = 100.0 * rest / top(1);
            found.push(finding(
                Rule::PPercent,
                format!(
                    "without the two largest contributions, {share:.1} % of the largest remains"
                ),
            ));
        }
    }
    found
}

/// Strictly more, beyond the error of a sum.
fn exceeds(value: f64, bound: f64) -> bool {
    value > bound && value - bound > TIE * bound.abs()
}

fn negative(values: &Magnitude, concentrated: &[Finding]) -> String {
    let rules: Vec<&str> = concentrated.iter().map(|one| one.rule.name()).collect();
    let by_size = match rules.as_slice() {
        [] => "by their absolute values no rule on concentration is broken".to_owned(),
        rules => format!("by their absolute values {} is broken", rules.join(" and ")),
    };
    format!(
        "{} values are negative, so shares are undefined; {by_size}",
        values.negative
    )
}

/// People less the parameters that were fitted.
fn degrees(values: &Magnitude, fitted: u64, policy: &Policy) -> Found {
    let degrees = values.people.saturating_sub(fitted);
    match policy.degrees_of_freedom() {
        Some(least) if degrees < least => vec![(
            Status::Primary,
            finding(
                Rule::DegreesOfFreedom,
                format!("{degrees} degrees of freedom, {least} are needed"),
            ),
        )],
        Some(_) | None => Vec::new(),
    }
}

/// The most frequent value is that of the people who have it: few may not have it, nor nearly all.
fn mode(values: &Magnitude, policy: &Policy) -> Found {
    let primary = |rule, detail: String| vec![(Status::Primary, finding(rule, detail))];
    let minimum = policy.minimum();
    if values.people >= minimum && values.below < minimum {
        let detail = format!(
            "{} people have the most frequent value, {minimum} are needed",
            values.below
        );
        return primary(Rule::Threshold, detail);
    }
    let nearly_all = |share: f64| exceeds(values.below as f64, share * values.people as f64);
    match policy.class_share() {
        Some(share) if !values.same && nearly_all(share) => primary(
            Rule::ClassDisclosure,
            format!(
                "{} of {} people have the most frequent value",
                values.below, values.people
            ),
        ),
        Some(_) | None => Vec::new(),
    }
}

/// Who has the value that is shown: for an extreme those who share it, for a quantile those on each side.
fn end_point(part: &Part, values: &Magnitude, policy: &Policy) -> Found {
    let (Some(least), Some(which)) = (policy.end_point(), part.quantile) else {
        return Vec::new();
    };
    let primary = |detail: String| vec![(Status::Primary, finding(Rule::EndPoint, detail))];
    if values.odd > 0 {
        return Vec::new();
    }
    if which <= 0.0 || which >= 1.0 {
        let share = if which <= 0.0 {
            values.least
        } else {
            values.most
        };
        if share < least {
            return primary(format!(
                "{share} people share this value, {least} are needed"
            ));
        }
        return Vec::new();
    }
    let expected = values.people as f64 * which.min(1.0 - which);
    let needed = least as f64;
    let side = values.below.min(values.above);
    if expected < needed * (1.0 - TIE) || side < least {
        return primary(format!(
            "a side of this quantile has {side} people, {least} are needed on each"
        ));
    }
    Vec::new()
}
