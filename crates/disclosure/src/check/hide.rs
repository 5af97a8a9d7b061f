//! What is hidden of tables with unsafe cells, and the rows that may leave.
//!
//! Tables over the same rows are a family, treated as one problem where they can be posed so. Of other tables each is
//! treated alone.

use std::collections::{BTreeMap, BTreeSet};

use super::draft::Draft;
use super::finding;
use super::secondary::{self, Leaving, NoPattern, Pattern, Posed, can_share};
use super::treated::{self, Hidden, treated};
use crate::evidence::{Evidence, Kind};
use crate::report::{CellReport, Finding, Rule, Status, Told};
use crate::suppress::Place;
use crate::{Datum, Policy};

/// What may leave of a table with hidden cells.
pub(super) struct Treatment {
    /// What is hidden for the sake of other cells. Without totals a whole row goes because of one cell, and
    /// that protects nothing else.
    pub(super) for_others: BTreeMap<usize, Hidden>,
    pub(super) rows: Vec<Vec<Datum>>,
    /// Why more is hidden than a pattern would hide.
    pub(super) because: Vec<Finding>,
}

/// The treatment of each table; `None` where nothing of it has to be hidden.
pub(super) fn together(drafts: &[&Draft<'_>], policy: &Policy) -> Vec<Option<Treatment>> {
    let mut families: BTreeMap<(&str, usize), Vec<usize>> = BTreeMap::new();
    for (number, draft) in drafts.iter().enumerate() {
        let family = match &draft.evidence.lineage {
            Some(lineage) => (lineage.rows.as_str(), 0),
            None => ("", number),
        };
        families.entry(family).or_default().push(number);
    }
    let mut found: Vec<Option<Treatment>> = drafts.iter().map(|_| None).collect();
    for family in families.into_values() {
        let members: Vec<&Draft<'_>> = family
            .iter()
            .filter_map(|number| drafts.get(*number).copied())
            .collect();
        for (number, treatment) in family.iter().zip(of_family(&members, policy)) {
            if let Some(place) = found.get_mut(*number) {
                *place = treatment;
            }
        }
    }
    found
}

/// What is hidden of a table.
#[derive(Default)]
struct Hiding {
    groups: BTreeMap<usize, Hidden>,
    /// Whether it is of a proved pattern.
    is_pattern: bool,
    /// Why it is of none.
    without: Option<NoPattern>,
}

impl Hiding {
    fn of(pattern: &Pattern, table: usize, evidence: &Evidence) -> Self {
        Self {
            groups: pattern.hidden(table, evidence),
            is_pattern: true,
            without: None,
        }
    }
}

fn of_family(drafts: &[&Draft<'_>], policy: &Policy) -> Vec<Option<Treatment>> {
    if !drafts.iter().any(|draft| draft.is_unsafe()) {
        return drafts.iter().map(|_| None).collect();
    }
    let can = |draft: &&Draft<'_>| secondary::can_be_linked(draft.evidence);
    let linked: Vec<usize> = (0..drafts.len())
        .filter(|number| drafts.get(*number).is_some_and(can))
        .collect();
    if linked.len() < 2 {
        return each(drafts, policy);
    }
    as_one(drafts, &linked, policy).unwrap_or_else(|why| {
        let mut apart = each(drafts, policy);
        if let Some(first) = apart.iter_mut().flatten().next() {
            first
                .because
                .insert(0, not_together(drafts, &linked, why, policy));
        }
        apart
    })
}

/// What is said where tables of the same rows have no pattern together.
fn not_together(
    drafts: &[&Draft<'_>],
    linked: &[usize],
    why: NoPattern,
    policy: &Policy,
) -> Finding {
    let numbers = linked.iter().filter_map(|number| drafts.get(*number));
    let numbers: Vec<String> = numbers.map(|draft| draft.number.to_string()).collect();
    let tables = numbers.join(", ");
    Finding {
        told: Told::Said(
            "tables of the same rows could not be protected as one, so more of them is hidden: ask for fewer tables at once, or for coarser groups",
        ),
        ..finding(
            Rule::Differencing,
            format!(
                "the tables {tables} of this request are of the same rows and have no pattern together ({}): each is treated by itself and compared with the others",
                why.in_words(policy)
            ),
        )
    }
}

/// What is said where a table with margins has no pattern.
fn not_alone(draft: &Draft<'_>, why: NoPattern, policy: &Policy) -> Finding {
    Finding {
        told: Told::Said(
            "no choice of further cells could be found for this table, so all totals that share people with a hidden cell are hidden: merge groups, or ask for it without totals",
        ),
        ..finding(
            Rule::Differencing,
            format!(
                "table {} of this request has no pattern ({}): everything that adds up and shares people with a hidden cell is hidden",
                draft.number,
                why.in_words(policy)
            ),
        )
    }
}

/// A pattern over all tables together; those that cannot be posed with others (all but `linked`) are treated alone.
fn as_one(
    drafts: &[&Draft<'_>],
    linked: &[usize],
    policy: &Policy,
) -> Result<Vec<Option<Treatment>>, NoPattern> {
    let posed: Vec<Posed<'_>> = linked
        .iter()
        .filter_map(|number| drafts.get(*number).map(|draft| posed(draft)))
        .collect();
    let pattern = secondary::pattern(&posed, policy)?;
    let mut hidden: Vec<Hiding> = Vec::new();
    for (number, draft) in drafts.iter().enumerate() {
        hidden.push(match linked.iter().position(|one| *one == number) {
            Some(place) => Hiding::of(&pattern, place, draft.evidence),
            None => alone(draft, policy),
        });
    }
    across(drafts, &mut hidden, linked);
    let treatments: Vec<Option<Treatment>> = drafts
        .iter()
        .zip(hidden)
        .map(|(draft, hidden)| treatment(draft, hidden, policy))
        .collect();
    let leaves = |number: &usize| {
        let (draft, treatment) = (drafts.get(*number)?, treatments.get(*number)?);
        Some((draft.evidence, leaving(draft, treatment.as_ref())))
    };
    let rows: Option<Vec<Leaving<'_>>> = linked.iter().map(leaves).collect();
    match rows.is_some_and(|rows| pattern.holds_for(&rows)) {
        true => Ok(treatments),
        false => Err(NoPattern::NotProved),
    }
}

/// Each table treated alone, and beside the others what shares people with values that its rules hide.
fn each(drafts: &[&Draft<'_>], policy: &Policy) -> Vec<Option<Treatment>> {
    let mut hidden: Vec<Hiding> = drafts.iter().map(|draft| alone(draft, policy)).collect();
    across(drafts, &mut hidden, &[]);
    let each = drafts.iter().zip(hidden);
    each.map(|(draft, hidden)| treatment(draft, hidden, policy))
        .collect()
}

fn posed<'a>(draft: &'a Draft<'_>) -> Posed<'a> {
    Posed {
        evidence: draft.evidence,
        cells: &draft.cells,
        groups: &draft.places,
        absent: &draft.absent,
        people: draft.people,
    }
}

/// What is hidden of a table that is treated alone: a proved pattern, or everything additive that shares people with
/// what is unsafe.
fn alone(draft: &Draft<'_>, policy: &Policy) -> Hiding {
    let evidence = draft.evidence;
    if !draft.is_unsafe() {
        return Hiding::default();
    }
    let without = match secondary::applies(evidence) {
        true => match secondary::pattern(&[posed(draft)], policy) {
            Ok(pattern) => match held(draft, &pattern, policy) {
                Some(hidden) => return hidden,
                None => NoPattern::NotProved,
            },
            Err(why) => why,
        },
        false => NoPattern::NotPosed,
    };
    let own = draft.unsafe_groups.clone();
    Hiding {
        groups: treated::with_totals(evidence, own, &draft.absent, policy),
        is_pattern: false,
        // Without totals a row protects no other.
        without: (evidence.sets.len() > 1).then_some(without),
    }
}

/// What a pattern over a table alone hides, if its proof holds for the rows as they would leave.
fn held(draft: &Draft<'_>, pattern: &Pattern, policy: &Policy) -> Option<Hiding> {
    let evidence = draft.evidence;
    let hidden = Hiding::of(pattern, 0, evidence);
    let rows = treated(
        evidence,
        &hidden.groups,
        &draft.absent,
        &draft.names,
        policy,
    );
    pattern.holds_for(&[(evidence, rows)]).then_some(hidden)
}

/// The rows of a table that leave.
fn leaving(draft: &Draft<'_>, treatment: Option<&Treatment>) -> Vec<Vec<Datum>> {
    match treatment {
        Some(treatment) => treatment.rows.clone(),
        None => super::shown(draft.evidence)
            .map(|(_, group)| group.values.clone())
            .collect(),
    }
}

/// `None` where nothing is hidden and no cell is unsafe.
fn treatment(draft: &Draft<'_>, hiding: Hiding, policy: &Policy) -> Option<Treatment> {
    let mut hidden = hiding.groups;
    if hidden.is_empty() && !draft.is_unsafe() {
        return None;
    }
    let rows = treated(draft.evidence, &hidden, &draft.absent, &draft.names, policy);
    // A row that goes as a whole because of its own cell protects nothing else.
    let has_pattern = hiding.is_pattern && draft.evidence.sets.len() > 1;
    let own = &draft.unsafe_groups;
    hidden
        .retain(|group, hidden| has_pattern || own.get(group).is_none_or(|own| !own.holds(hidden)));
    let because = hiding.without.map(|why| not_alone(draft, why, policy));
    Some(Treatment {
        for_others: hidden,
        rows,
        because: because.into_iter().collect(),
    })
}

/// Hides beside a table what shares people with the values that a rule on them hides there. `together` are tables
/// that are one problem already.
///
/// Few people between two tables are found by comparing these ([`super::together`]); how much of a total one of many
/// people makes up is not, so nothing that is shown of other tables over the same rows may depend on anybody in it.
fn across(drafts: &[&Draft<'_>], hidden: &mut [Hiding], together: &[usize]) {
    let mut causes: Vec<(usize, Vec<Place>)> = Vec::new();
    for (number, (draft, hidden)) in drafts.iter().zip(hidden.iter()).enumerate() {
        if !draft
            .cells
            .iter()
            .any(|cell| is_of_values(draft.evidence, cell))
        {
            continue;
        }
        let places = hidden
            .groups
            .keys()
            .filter_map(|group| place(draft.evidence, *group));
        causes.push((number, places.collect()));
    }
    for (number, (draft, hidden)) in drafts.iter().zip(hidden).enumerate() {
        let values = of_values(draft.evidence);
        let beside: Vec<&Place> = causes
            .iter()
            .filter(|(other, _)| {
                *other != number && !(together.contains(other) && together.contains(&number))
            })
            .flat_map(|(_, places)| places)
            .collect();
        if beside.is_empty() || values.is_empty() {
            continue;
        }
        for group in 0..draft.evidence.groups.len() {
            let own = place(draft.evidence, group);
            if own.is_some_and(|own| beside.iter().any(|other| can_share(&own, other))) {
                treated::also(draft.evidence, &mut hidden.groups, group, values.clone());
            }
        }
    }
}

/// Where a group is, by what its keys are.
fn place(evidence: &Evidence, group: usize) -> Option<Place> {
    let lineage = evidence.lineage.as_ref()?;
    let group = evidence.groups.get(group)?;
    let set = evidence.sets.get(usize::from(group.set))?;
    let keys = set.iter().map(|key| {
        let key = usize::from(*key);
        Some((lineage.keys.get(key)?.clone(), group.key.get(key)?.clone()))
    });
    keys.collect()
}

/// Whether a cell is unsafe by what its people's values are, and not by how many they are.
fn is_of_values(evidence: &Evidence, cell: &CellReport) -> bool {
    let few = |rule| matches!(rule, Rule::Threshold | Rule::Zero | Rule::Differencing);
    let adds_up = |name: &str| {
        let mut measures = evidence.measures();
        measures.any(|(own, kind)| own == name && adds(kind))
            || evidence
                .parts
                .iter()
                .any(|part| part.label == name && adds(part.kind))
    };
    cell.status == Status::Primary
        && !cell.findings.iter().all(|finding| few(finding.rule))
        && adds_up(&cell.column)
}

fn adds(kind: Kind) -> bool {
    matches!(kind, Kind::Total | Kind::Spread | Kind::Relation)
}

fn of_values(evidence: &Evidence) -> BTreeSet<usize> {
    let measures = evidence.measures().enumerate();
    measures
        .filter(|(_, (_, kind))| adds(*kind))
        .map(|(place, _)| place)
        .collect()
}
