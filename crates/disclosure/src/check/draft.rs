//! The cells of a table, each judged by the rules.

use std::collections::BTreeMap;

use super::absent::{Absent, Structure};
use super::cells::{group_cells, implied_zeros};
use super::treated::{self, Hidden};
use super::{Asked, cells_max, class, finding, is_judged};
use crate::Policy;
use crate::evidence::{Evidence, Shown};
use crate::names::Names;
use crate::report::{CellReport, Finding, Rule, Status, Told};

/// The cells of a table, judged.
pub(super) struct Draft<'a> {
    /// Its number among the tables of the request, from one.
    pub(super) number: usize,
    pub(super) evidence: &'a Evidence,
    pub(super) people: &'a [Vec<u32>],
    pub(super) names: Names<'a>,
    pub(super) cells: Vec<CellReport>,
    /// The group of each of the first cells; the others are of combinations that no group has.
    pub(super) places: Vec<usize>,
    /// Groups with cells that must not be seen, and how much of each is hidden.
    pub(super) unsafe_groups: BTreeMap<usize, Hidden>,
    pub(super) absent: Vec<Absent>,
    pub(super) findings: Vec<Finding>,
}

impl<'a> Draft<'a> {
    pub(super) fn of(asked: Asked<'a>, policy: &Policy) -> Self {
        let evidence = asked.evidence;
        let names = Names::of(evidence, policy.minimum());
        let structure = Structure::of(evidence, policy.minimum());
        let full = class::full_cells(evidence, &structure, policy);
        let (mut cells, mut places) = (Vec::new(), Vec::new());
        let mut unsafe_groups = BTreeMap::new();
        for (index, group) in evidence.groups.iter().enumerate() {
            if !is_judged(evidence, group, policy) {
                continue;
            }
            let mut of_group = group_cells(evidence, (index, group), &full, &names, policy);
            beside_others(evidence, index, asked.conflicts, &mut of_group);
            if let Some(hidden) = treated::hidden(evidence, &of_group) {
                unsafe_groups.insert(index, hidden);
            }
            places.extend(of_group.iter().map(|_| index));
            cells.extend(of_group);
        }
        let absent = match evidence.shown {
            Shown::Large(_) | Shown::Condition | Shown::Unjudged => Some(Vec::new()),
            Shown::All | Shown::First | Shown::Joined => {
                structure.absent_keys(evidence, cells_max(policy))
            }
        };
        let mut findings = Vec::new();
        if absent.is_none() {
            findings.push(finding(
                Rule::Zero,
                "the combinations that the table leaves out are too many to judge",
            ));
        }
        let absent = absent.unwrap_or_default();
        for one in &absent {
            cells.extend(implied_zeros(evidence, one, &names, policy));
        }
        Self {
            number: asked.number,
            evidence,
            people: asked.people,
            names,
            cells,
            places,
            unsafe_groups,
            absent,
            findings,
        }
    }

    /// Whether a cell breaks a rule.
    pub(super) fn is_unsafe(&self) -> bool {
        self.cells.iter().any(|cell| cell.status == Status::Primary)
    }
}

/// Marks the cells of a group that must not be seen beside other tables.
fn beside_others(
    evidence: &Evidence,
    group: usize,
    conflicts: &[(usize, String)],
    cells: &mut [CellReport],
) {
    let measures = evidence.measures().count();
    for (place, sentence) in conflicts {
        let of_group = place.checked_sub(group * measures);
        let cell = of_group.filter(|measure| *measure < measures);
        // The measures come first among the cells of a group.
        if let Some(cell) = cell.and_then(|measure| cells.get_mut(measure)) {
            cell.status = Status::Primary;
            cell.findings.push(Finding {
                told: Told::Kind,
                ..finding(Rule::Differencing, sentence.as_str())
            });
        }
    }
}
