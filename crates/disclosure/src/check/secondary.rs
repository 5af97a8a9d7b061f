//! Which further cells are hidden where a table adds up: the proved patterns of [`crate::suppress`] over the
//! cells and margins of one statement.
//!
//! All counts of the rows are one problem ([`counts`]), because a part and its whole give each other away; each
//! total or mean is one more ([`totals`]), and so is each spread that a reader can take apart ([`spreads`]). A
//! reader who knows a sum and a mean knows how many there are, so where a count is hidden all values are, and
//! where one value is hidden all are. A larger pattern proves what a smaller one did: the problems are solved one
//! after the other, each with what is hidden before it.

mod counts;
mod people;
mod spreads;
mod totals;

use std::collections::{BTreeMap, BTreeSet};

use super::absent::Absent;
use super::treated::Hidden;
use super::{Datum, ROW};
use crate::Policy;
use crate::evidence::{Evidence, Kind, Part, Role, Shown};
use crate::report::{CellReport, Finding, Rule, Status};
use crate::suppress::{
    CellStatus, Hierarchies, LinkError, Need, Place, RequestTable, Table, Tie, Witness, link_tied,
    suppress, verify,
};

/// A check answers while somebody waits: there is little search for a small table.
const STEPS_PER_CELL: u64 = 10_000;

/// A safe pattern with what proves it.
pub(super) struct Pattern {
    problems: Vec<Problem>,
    hidden: BTreeSet<(usize, usize)>,
    /// Those of the hidden that break a rule.
    unsafe_cells: BTreeSet<(usize, usize)>,
}

/// Cells with their equations, which of them a column shows, and the proof of a pattern.
struct Problem {
    table: Table,
    /// Group, measure, and the cells that a reader of the two knows.
    shows: Vec<(usize, usize, Vec<usize>)>,
    hidden: BTreeSet<usize>,
    proof: Vec<(Need, Vec<Witness>)>,
}

/// What was found unsafe in a table, and what a problem is made of.
struct Unsafe<'a> {
    evidence: &'a Evidence,
    policy: &'a Policy,
    /// Group and measure.
    cells: BTreeSet<(usize, usize)>,
    /// Those that are unsafe only beside other tables: by few people, whatever their size.
    beside_others: BTreeSet<(usize, usize)>,
    /// Group and what a reader can form of its counts.
    formed: BTreeSet<(usize, String)>,
    /// Combinations that nobody has and that must not be known to be empty.
    empty: Vec<&'a Absent>,
    /// Groups of one person, who knows them, each under a number for the person.
    alone: BTreeMap<usize, u32>,
}

/// Finds a safe pattern over the table with its margins. `groups`: the group of each of the first cells. `None`
/// where it does not apply, and then what shares people with a hidden cell has to be hidden: a reader who knows
/// more equations than the margins, a rule that asks for more than that a number stays unknown, margins that are
/// not the sums of the cells, no safe pattern, or too many cells.
pub(super) fn pattern(
    evidence: &Evidence,
    (cells, groups): (&[CellReport], &[usize]),
    absent: &[Absent],
    policy: &Policy,
) -> Option<Pattern> {
    let applies = evidence.shown == Shown::All
        && evidence.sets.len() > 1
        && !evidence.columns.iter().any(|column| column.across)
        && people::finest(evidence).is_some()
        && shows_its_keys(evidence);
    if !applies {
        return None;
    }
    let found = Unsafe::of(evidence, (cells, groups), absent, policy)?;
    let mut problems = Vec::new();
    if let Some(problem) = counts::problem(&found)? {
        problems.push(solved(problem, policy)?);
    }
    let mut hidden = Hiding::of(&problems);
    let totals: Vec<usize> = of_kind(evidence, |kind| matches!(kind, Kind::Total)).collect();
    if totals.len() as u64 > policy.limits().pattern_totals {
        return None;
    }
    for measure in &totals {
        let problem = totals::problem(&found, *measure, &hidden.groups())?;
        problems.push(solved(problem, policy)?);
        hidden = Hiding::of(&problems);
    }
    for measure in spreads::that_add_up(&found)? {
        let problem = spreads::problem(&found, measure, &hidden.groups())?;
        problems.push(solved(problem, policy)?);
        hidden = Hiding::of(&problems);
    }
    let mut places = hidden.0.clone();
    places.extend(&found.cells);
    // Whatever depends on values goes with a hidden count and with another hidden value.
    let of_values = of_kind(evidence, |kind| !matches!(kind, Kind::Count | Kind::Share));
    for measure in of_values {
        places.extend(hidden.groups().into_iter().map(|group| (group, measure)));
    }
    Some(Pattern {
        problems,
        hidden: places,
        unsafe_cells: found.cells,
    })
}

fn solved(mut problem: Problem, policy: &Policy) -> Option<Problem> {
    let is_primary = |cell: &crate::suppress::Cell| cell.status == CellStatus::Primary;
    if !problem.table.cells().iter().any(is_primary) {
        return Some(problem);
    }
    let cells = u64::try_from(problem.table.cells().len()).unwrap_or(u64::MAX);
    let steps = policy.limits().pattern_steps.saturating_mul(1_000_000);
    let effort = steps.min(STEPS_PER_CELL.saturating_mul(cells));
    let found = suppress(&problem.table, effort);
    if !found.feasible || !found.proved_safe {
        return None;
    }
    problem.hidden = found.hidden.into_iter().collect();
    problem.proof = found.proof;
    Some(problem)
}

/// Groups and measures that must not be seen.
struct Hiding(BTreeSet<(usize, usize)>);

impl Hiding {
    fn of(problems: &[Problem]) -> Self {
        let shows = problems.iter().flat_map(|problem| {
            let hides = |cells: &[usize]| cells.iter().any(|cell| problem.hidden.contains(cell));
            let shows = problem.shows.iter();
            shows.filter(move |(_, _, cells)| hides(cells))
        });
        Self(
            shows
                .map(|(group, measure, _)| (*group, *measure))
                .collect(),
        )
    }

    fn groups(&self) -> BTreeSet<usize> {
        self.0.iter().map(|(group, _)| *group).collect()
    }
}

impl Pattern {
    /// How much of each group is hidden.
    pub(super) fn hidden(&self, evidence: &Evidence) -> BTreeMap<usize, Hidden> {
        let all = evidence.measures().count();
        let mut hidden: BTreeMap<usize, BTreeSet<usize>> = BTreeMap::new();
        for (group, measure) in &self.hidden {
            hidden.entry(*group).or_default().insert(*measure);
        }
        let much = |measures: BTreeSet<usize>| match measures.len() == all {
            true => Hidden::Row,
            false => Hidden::Measures(measures),
        };
        let hidden = hidden.into_iter();
        hidden
            .map(|(group, measures)| (group, much(measures)))
            .collect()
    }

    /// Whether rows that are to leave show of the table only what the proofs allow: every number in them is one
    /// of the group whose key the row has, and with exactly the others hidden every primary cell has its
    /// witnesses.
    pub(super) fn holds_for(&self, evidence: &Evidence, rows: &[Vec<Datum>]) -> bool {
        let Some(seen) = seen(evidence, rows) else {
            return false;
        };
        if !self.unsafe_cells.is_disjoint(&seen) {
            return false;
        }
        self.problems.iter().all(|problem| problem.holds_for(&seen))
    }
}

impl Problem {
    fn holds_for(&self, seen: &BTreeSet<(usize, usize)>) -> bool {
        let mut hidden = vec![true; self.table.cells().len()];
        for (group, measure, cells) in &self.shows {
            if !seen.contains(&(*group, *measure)) {
                continue;
            }
            for cell in cells {
                if let Some(place) = hidden.get_mut(*cell) {
                    *place = false;
                }
            }
        }
        let proved: BTreeSet<u32> = self.proof.iter().map(|(need, _)| need.cell).collect();
        let is_safe = |(index, cell): (usize, &crate::suppress::Cell)| {
            cell.status != CellStatus::Primary
                || hidden.get(index) == Some(&true)
                    && u32::try_from(index).is_ok_and(|index| proved.contains(&index))
        };
        self.table.cells().iter().enumerate().all(is_safe)
            && self
                .proof
                .iter()
                .all(|(need, witnesses)| verify(&self.table, &hidden, need, witnesses))
    }
}

/// The groups and measures whose numbers stand in rows that are to leave; `None` if a number is in no group with
/// the row's key. Two groups can have one key (a missing value beside a total): both are taken as seen.
fn seen(evidence: &Evidence, rows: &[Vec<Datum>]) -> Option<BTreeSet<(usize, usize)>> {
    let keys = |row: &[Datum]| -> Vec<Datum> {
        let columns = evidence.columns.iter().zip(row);
        columns
            .filter(|(column, _)| matches!(column.role, Role::Key(_)))
            .map(|(_, value)| value.clone())
            .collect()
    };
    let mut by_key: BTreeMap<Vec<Datum>, Vec<usize>> = BTreeMap::new();
    for (index, group) in evidence.groups.iter().enumerate() {
        by_key.entry(keys(&group.values)).or_default().push(index);
    }
    let mut found = BTreeSet::new();
    for row in rows {
        let none = Vec::new();
        let groups = by_key.get(&keys(row)).unwrap_or(&none);
        for (measure, value) in evidence.measured(row).enumerate() {
            if *value == Datum::Missing {
                continue;
            }
            let has = |group: &&usize| {
                let group = evidence.groups.get(**group);
                group.and_then(|group| evidence.measured(&group.values).nth(measure)) == Some(value)
            };
            groups.iter().find(has)?;
            found.extend(groups.iter().map(|group| (*group, measure)));
        }
    }
    Some(found)
}

fn shows_its_keys(evidence: &Evidence) -> bool {
    (0..evidence.keys.len()).all(|key| {
        let is_key = |role| matches!(role, Role::Key(k) if usize::from(k) == key);
        evidence.columns.iter().any(|column| is_key(column.role))
    })
}

fn of_kind(evidence: &Evidence, is: impl Fn(Kind) -> bool) -> impl Iterator<Item = usize> {
    let measures = evidence.measures().enumerate();
    measures
        .filter(move |(_, (_, kind))| is(*kind))
        .map(|(place, _)| place)
}

impl<'a> Unsafe<'a> {
    /// `None` where hiding numbers is not what is asked for, or who knows what cannot be told.
    fn of(
        evidence: &'a Evidence,
        (cells, groups): (&[CellReport], &[usize]),
        absent: &'a [Absent],
        policy: &'a Policy,
    ) -> Option<Self> {
        let measures: Vec<(&str, Kind)> = evidence.measures().collect();
        let (mut places, mut formed) = (BTreeSet::new(), BTreeSet::new());
        let mut beside_others = BTreeSet::new();
        let primary = cells.iter().zip(groups);
        for (cell, group) in primary.filter(|(cell, _)| cell.status == Status::Primary) {
            let measure = measures.iter().position(|(name, _)| *name == cell.column);
            let kind = measure
                .and_then(|place| measures.get(place))
                .map(|(_, kind)| *kind);
            let is_subtraction =
                |part: &Part| part.measures.is_empty() && part.label == cell.column;
            // A difference of totals is in no problem.
            if !can_be_hidden(kind, cell) || evidence.parts.iter().any(is_subtraction) {
                return None;
            }
            match measure {
                Some(measure) => {
                    places.insert((*group, measure));
                    let differs = |finding: &Finding| finding.rule == Rule::Differencing;
                    if cell.findings.iter().all(differs) {
                        beside_others.insert((*group, measure));
                    }
                }
                // Few people: nothing of the group may be seen.
                None if cell.column == ROW => {
                    places.extend((0..measures.len()).map(|measure| (*group, measure)));
                }
                None => {
                    formed.insert((*group, cell.column.clone()));
                }
            }
        }
        let is_empty = policy.zero() == crate::ZeroRule::Unsafe;
        let empty = absent.iter().filter(|one| is_empty && !one.structural);
        Some(Self {
            evidence,
            policy,
            cells: places,
            beside_others,
            formed,
            empty: empty.collect(),
            alone: people::alone(evidence)?,
        })
    }

    /// Where a group is: its keys by number, because two may have one name.
    fn place(&self, set: u16, key: &[Datum]) -> Option<Place> {
        let set = self.evidence.sets.get(usize::from(set))?;
        let place = set.iter().map(|number| {
            let value = key.get(usize::from(*number))?;
            Some((format!("{number}"), value.clone()))
        });
        place.collect()
    }

    /// Whether the policy has a pattern searched among so many cells.
    fn may_have(&self, cells: usize) -> bool {
        cells as u64 <= self.policy.limits().pattern_cells
    }

    /// The value that a group's row shows of a measure.
    fn shown(&self, group: usize, measure: usize) -> Option<&Datum> {
        let group = self.evidence.groups.get(group)?;
        self.evidence.measured(&group.values).nth(measure)
    }
}

/// Whether a cell is safe once its number is unknown. What is unsafe because all are in it, say, is not made
/// safe by a count that may be other.
fn can_be_hidden(kind: Option<Kind>, cell: &CellReport) -> bool {
    let allowed = |rule| match kind {
        None | Some(Kind::Count | Kind::Share | Kind::Distinct) => {
            matches!(rule, Rule::Threshold | Rule::Zero | Rule::Differencing)
        }
        Some(Kind::Total | Kind::Quantile | Kind::Extreme) => matches!(
            rule,
            Rule::Threshold
                | Rule::Zero
                | Rule::Dominance
                | Rule::PPercent
                | Rule::AllSame
                | Rule::EndPoint
                | Rule::Differencing
        ),
        Some(Kind::Spread | Kind::Relation) => matches!(
            rule,
            Rule::Threshold | Rule::Zero | Rule::AllSame | Rule::DegreesOfFreedom
        ),
        Some(Kind::Mode) => matches!(rule, Rule::Threshold | Rule::Zero),
        Some(Kind::Crafted) => false,
    };
    cell.findings.iter().all(|finding| allowed(finding.rule))
}

/// One problem of tables and of what ties their cells.
fn linked(tables: &[RequestTable], ties: &[Tie]) -> Result<(Table, Vec<Vec<usize>>), LinkError> {
    let linked = link_tied(tables, &Hierarchies::new(), ties)?;
    Ok((linked.table, linked.index))
}
