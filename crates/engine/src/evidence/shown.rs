//! What a grouped statement shows: which groups, and which counts beside each other.

use disclosure::{COUNTS_MAX, CountLevel, Kind, Role, Shown};
use serde_json::Value;

use super::node::{self, integer, text};
use super::plan::{Aggregate, GROUPED, Item, Part, WHOLE_GROUP};

/// What a condition on groups lets a reader see. `used` are the aggregates in it, `counts` those of the
/// columns and of the condition ([`whole_counts`]).
///
/// A reader who asks again with another condition learns the number that it compares. So it may compare
/// counts alone, and only those that are judged: a sum or a largest value goes to a person, whom the answer
/// must not forestall, and of too many counts the differences are not judged.
pub(super) fn condition(
    condition: &Value,
    used: &[usize],
    aggregates: &[Aggregate],
    counts: &[(String, Part)],
) -> Shown {
    let is_judged = |index: &usize| {
        let parts = aggregates.get(*index).map_or(&[][..], |a| &a.counts);
        !parts.is_empty() && parts.iter().all(|part| is_among(counts, part))
    };
    if counts.len() > COUNTS_MAX || !used.iter().all(is_judged) {
        return Shown::Unjudged;
    }
    let least: Option<Vec<u64>> = node::conjuncts(Some(condition))
        .into_iter()
        .map(|part| least_people(part, aggregates))
        .collect();
    match least.and_then(|least| least.into_iter().max()) {
        Some(least) => Shown::Large(least),
        None => Shown::Condition,
    }
}

/// The same for a condition with windows over the groups: what is left out is judged too.
pub(super) fn chosen(
    used: &[usize],
    aggregates: &[Aggregate],
    counts: &[(String, Part)],
    by_condition: bool,
) -> Shown {
    let is_judged = |index: &usize| {
        let parts = aggregates.get(*index).map_or(&[][..], |a| &a.counts);
        !parts.is_empty() && parts.iter().all(|part| is_among(counts, part))
    };
    if counts.len() > COUNTS_MAX || !used.iter().all(is_judged) {
        return Shown::Unjudged;
    }
    if by_condition {
        Shown::Condition
    } else {
        Shown::First
    }
}

/// The least number of people of the whole group that a comparison asks for, if it asks for nothing else.
fn least_people(part: &Value, aggregates: &[Aggregate]) -> Option<u64> {
    let (count, number, more) = match text(part, "type") {
        "COMPARE_GREATERTHANOREQUALTO" => (part.get("left")?, part.get("right")?, 0),
        "COMPARE_GREATERTHAN" => (part.get("left")?, part.get("right")?, 1),
        "COMPARE_LESSTHANOREQUALTO" => (part.get("right")?, part.get("left")?, 0),
        "COMPARE_LESSTHAN" => (part.get("right")?, part.get("left")?, 1),
        _ => return None,
    };
    let is_people = aggregates.iter().enumerate().any(|(index, aggregate)| {
        let people =
            matches!(aggregate.counts.as_slice(), [only] if only.level == CountLevel::People);
        aggregate.kind == Kind::Count
            && people
            && aggregate.behind == [WHOLE_GROUP]
            && *count == node::column(GROUPED, &format!("a{index}"))
    });
    if !is_people {
        return None;
    }
    let least = integer(number)?.checked_add(more)?;
    Some(u64::try_from(least).unwrap_or(0))
}

/// Counts of the whole group that a condition compares and no column shows.
pub(super) fn whole_counts(
    used: &[usize],
    aggregates: &[Aggregate],
    counts: &[(String, Part)],
) -> Vec<(String, Part)> {
    let mut found: Vec<(String, Part)> = Vec::new();
    let parts = used.iter().filter_map(|index| aggregates.get(*index));
    for part in parts.flat_map(|aggregate| &aggregate.counts) {
        if part.condition == WHOLE_GROUP && !is_among(counts, part) && !is_among(&found, part) {
            let what = match part.level {
                CountLevel::Rows => "rows (having)",
                CountLevel::People => "people (having)",
            };
            found.push((what.to_owned(), *part));
        }
    }
    found
}

fn is_among(counts: &[(String, Part)], part: &Part) -> bool {
    counts
        .iter()
        .any(|(_, known)| known.condition == part.condition && known.level == part.level)
}

/// The counts that the columns show, each once, under the name of the first column that
/// shows it.
pub(super) fn counts(items: &[Item], aggregates: &[Aggregate]) -> Vec<(String, Part)> {
    let mut counts: Vec<(String, Part)> = Vec::new();
    // Plain counts first: they give the better names.
    let plain = |item: &&Item| item.role == Role::Measure(Kind::Count);
    for item in items
        .iter()
        .filter(plain)
        .chain(items.iter().filter(|item| !plain(item)))
    {
        for aggregate in item
            .aggregates
            .iter()
            .filter_map(|index| aggregates.get(*index))
        {
            for (place, part) in aggregate.counts.iter().enumerate() {
                if is_among(&counts, part) {
                    continue;
                }
                let name = match (item.role, place) {
                    (Role::Measure(Kind::Count), _) => item.name.clone(),
                    (_, 0) => format!("{} (counted)", item.name),
                    (_, _) => format!("{} (counted of)", item.name),
                };
                counts.push((name, *part));
            }
        }
    }
    counts
}
