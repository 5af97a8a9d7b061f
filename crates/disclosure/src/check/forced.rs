//! Cells that the policy has published and that cannot be.

use super::finding;
use crate::Policy;
use crate::evidence::Evidence;
use crate::report::{CellReport, Finding, Rule, Status, Told};

/// What is said where cells are hidden that the policy has published: a person decides then, because neither the
/// policy nor a safe table can be had without the other. `groups` are those of the first cells.
pub(super) fn not_published(
    evidence: &Evidence,
    cells: &[CellReport],
    groups: &[usize],
    policy: &Policy,
) -> Option<Finding> {
    let is_forced = |cell: &CellReport, group: usize| {
        let group = evidence.groups.get(group)?;
        let mut forced = policy.forced().iter();
        Some(forced.any(|one| one.is_about(evidence, group, &cell.column)))
    };
    let of_status = |status: Status| -> Vec<String> {
        let hidden = cells.iter().zip(groups);
        let hidden = hidden.filter(|(cell, group)| {
            cell.status == status && is_forced(cell, **group) == Some(true)
        });
        hidden
            .map(|(cell, _)| super::in_words(&cell.key, &cell.column))
            .collect()
    };
    let broken = of_status(Status::Primary);
    let hidden = of_status(Status::Secondary);
    let (first, why) = match (broken.first(), hidden.first()) {
        (None, None) => return None,
        (Some(first), _) => (first, "it breaks a rule itself"),
        (None, Some(first)) => (
            first,
            "no pattern that leaves it keeps every unsafe cell unknown",
        ),
    };
    let others = match broken.len() + hidden.len() {
        1 => String::new(),
        cells => format!(" and {} more", cells - 1),
    };
    Some(Finding {
        told: Told::Said(
            "a cell that the policy has published cannot be: merge groups, or wait for an output checker",
        ),
        ..finding(
            Rule::Differencing,
            format!(
                "infeasible with the cells that the policy has published ([[forced]]): {first}{others} cannot be, because {why}"
            ),
        )
    })
}
