//! Which further cells are hidden where tables add up: the proved patterns of [`crate::suppress`] over the cells and
//! margins of one statement, or of several over the same rows.
//!
//! All counts of the rows are one problem ([`counts`]), because a part and its whole give each other away; each
//! total or mean is one more ([`totals`]), and so is each spread that a reader can take apart ([`spreads`]). A
//! reader who knows a sum and a mean knows how many there are, so where a count is hidden all values are, and
//! where one value is hidden all are. A larger pattern proves what a smaller one did: the problems are solved one
//! after the other, each with what is hidden before it.
//!
//! Of a correlation, or a spread that does not add up in a known way, nothing is shown that shares people with an unsafe
//! one: then nothing that is shown of the column depends on anybody in it.
//!
//! A cell that several tables show is one cell of a problem ([`found`]): it is hidden in all or in none.

mod atoms;
mod counts;
mod found;
mod nested;
mod people;
mod spreads;
mod totals;

use std::collections::{BTreeMap, BTreeSet};

use super::Datum;
use super::absent::Absent;
use super::treated::Hidden;
use crate::Policy;
use crate::evidence::{Evidence, Kind, Role, Shown};
use crate::report::CellReport;
use crate::suppress::{
    CellStatus, Hierarchies, LinkError, Need, RequestTable, Table, Tie, Witness, link_tied,
    suppress, verify,
};

use found::Unsafe;
pub(super) use found::can_share;

/// A check answers while somebody waits: there is little search for a small table.
const STEPS_PER_CELL: u64 = 10_000;

/// A table as it is posed.
#[derive(Clone, Copy)]
pub(super) struct Posed<'a> {
    pub(super) evidence: &'a Evidence,
    pub(super) cells: &'a [CellReport],
    /// The group of each of the first cells.
    pub(super) groups: &'a [usize],
    pub(super) absent: &'a [Absent],
    /// The people of each cell, in the order of [`super::places`]; nothing where they were not listed.
    pub(super) people: &'a [Vec<u32>],
}

/// A group: its table among those posed together, and its place there.
type At = (usize, usize);

/// A number in a row: table, group, measure.
type Number = (usize, usize, usize);

/// A table with the rows that are to leave.
pub(super) type Leaving<'a> = (&'a Evidence, Vec<Vec<Datum>>);

/// A safe pattern with what proves it.
pub(super) struct Pattern {
    problems: Vec<Problem>,
    hidden: BTreeSet<Number>,
    /// Those of the hidden that break a rule, and those that share people with one of them in columns of which no
    /// problem can be made.
    never: BTreeSet<Number>,
}

/// Cells with their equations, which of them a column shows, and the proof of a pattern.
struct Problem {
    table: Table,
    /// What a reader of a number knows.
    shows: Vec<(Number, Vec<usize>)>,
    hidden: BTreeSet<usize>,
    proof: Vec<(Need, Vec<Witness>)>,
}

/// Whether a pattern is searched over a table alone: it has margins.
pub(super) fn applies(evidence: &Evidence) -> bool {
    evidence.sets.len() > 1 && people::finest(evidence).is_some() && is_whole(evidence)
}

/// Whether a table can be one of several that are posed together.
pub(super) fn can_be_linked(evidence: &Evidence) -> bool {
    evidence.lineage.is_some() && evidence.sources.is_empty() && is_whole(evidence)
}

/// Whether a reader sees all groups, each under its key, and no number across groups.
fn is_whole(evidence: &Evidence) -> bool {
    evidence.shown == Shown::All
        && !evidence.columns.iter().any(|column| column.across)
        && shows_its_keys(evidence)
}

/// Why there is no pattern. What shares people with a hidden cell has to be hidden then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NoPattern {
    /// A rule asks for more than that a number stays unknown, or margins are not the sums of the cells.
    NotPosed,
    /// More cells than `pattern_cells`.
    Cells,
    /// More totals and means than `pattern_totals`.
    Totals,
    /// Whatever else is hidden, a reader works out an unsafe cell.
    Infeasible,
    /// The proof of a pattern does not hold for the rows as they would leave.
    NotProved,
}

impl NoPattern {
    pub(super) fn in_words(self, policy: &Policy) -> String {
        let limits = policy.limits();
        match self {
            Self::NotPosed => "numbers do not add up to their margins, or a rule asks for more than that a number stays unknown".to_owned(),
            Self::Cells => format!("there are more cells than the limit pattern_cells, {}", limits.pattern_cells),
            Self::Totals => format!("there are more totals and means than the limit pattern_totals, {}", limits.pattern_totals),
            Self::Infeasible => "infeasible: whatever further cells are hidden, an unsafe one can be worked out".to_owned(),
            Self::NotProved => "the proof does not hold for the rows as they would leave".to_owned(),
        }
    }
}

/// Finds a safe pattern over a table with its margins, or over tables of the same rows.
pub(super) fn pattern(tables: &[Posed<'_>], policy: &Policy) -> Result<Pattern, NoPattern> {
    let found = Unsafe::of(tables, policy).ok_or(NoPattern::NotPosed)?;
    let mut problems = Vec::new();
    if let Some(problem) = counts::problem(&found)? {
        problems.push(solved(problem, policy)?);
    }
    let mut hidden = Hiding::of(&problems);
    let totals = found.columns(Kind::Total);
    if totals.len() as u64 > policy.limits().pattern_totals {
        return Err(NoPattern::Totals);
    }
    for columns in &totals {
        let of_columns = totals::problems(&found, columns, &hidden.groups(&found));
        for problem in of_columns.ok_or(NoPattern::NotPosed)? {
            problems.push(solved(problem, policy)?);
        }
        hidden = Hiding::of(&problems);
    }
    let mut apart = spreads::of_products(&found);
    for columns in spreads::that_add_up(&found) {
        let problem = spreads::problem(&found, &columns, &hidden.groups(&found));
        match problem.and_then(|problem| solved(problem, policy).ok()) {
            Some(problem) => problems.push(problem),
            None => apart.extend(columns),
        }
        hidden = Hiding::of(&problems);
    }
    let mut never = found.cells.clone();
    never.extend(found.sharing(&apart));
    let mut places = hidden.0.clone();
    places.extend(&never);
    // Whatever depends on values goes with a hidden count and with another hidden value.
    for (table, group) in hidden.groups(&found) {
        let posed = tables.get(table).ok_or(NoPattern::NotPosed)?;
        let of_values = of_kind(posed.evidence, |kind| {
            !matches!(kind, Kind::Count | Kind::Share)
        });
        places.extend(of_values.map(|measure| (table, group, measure)));
    }
    Ok(Pattern {
        problems,
        hidden: places,
        never,
    })
}

fn solved(mut problem: Problem, policy: &Policy) -> Result<Problem, NoPattern> {
    let is_primary = |cell: &crate::suppress::Cell| cell.status == CellStatus::Primary;
    if !problem.table.cells().iter().any(is_primary) {
        return Ok(problem);
    }
    let cells = u64::try_from(problem.table.cells().len()).unwrap_or(u64::MAX);
    let steps = policy.limits().pattern_steps.saturating_mul(1_000_000);
    let effort = steps.min(STEPS_PER_CELL.saturating_mul(cells));
    let found = suppress(&problem.table, effort);
    if !found.feasible {
        return Err(NoPattern::Infeasible);
    }
    if !found.proved_safe {
        return Err(NoPattern::NotProved);
    }
    problem.hidden = found.hidden.into_iter().collect();
    problem.proof = found.proof;
    Ok(problem)
}

/// Numbers that must not be seen.
struct Hiding(BTreeSet<Number>);

impl Hiding {
    fn of(problems: &[Problem]) -> Self {
        let shows = problems.iter().flat_map(|problem| {
            let hides = |cells: &[usize]| cells.iter().any(|cell| problem.hidden.contains(cell));
            let shows = problem.shows.iter();
            shows.filter(move |(_, cells)| hides(cells))
        });
        Self(shows.map(|(number, _)| *number).collect())
    }

    /// Their groups, and those of other tables that are the same cells.
    fn groups(&self, found: &Unsafe<'_>) -> BTreeSet<At> {
        let own = self.0.iter().map(|(table, group, _)| (*table, *group));
        own.flat_map(|at| found.same(at)).collect()
    }
}

impl Pattern {
    /// How much of each group of a table is hidden.
    pub(super) fn hidden(&self, table: usize, evidence: &Evidence) -> BTreeMap<usize, Hidden> {
        let all = evidence.measures().count();
        let mut hidden: BTreeMap<usize, BTreeSet<usize>> = BTreeMap::new();
        let first = (table, 0, 0);
        let after = (table + 1, 0, 0);
        for (_, group, measure) in self.hidden.range(first..after) {
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

    /// Whether what is to leave, table by table, shows only what the proofs allow: every number in them is one
    /// of the group whose key the row has, and with exactly the others hidden every primary cell has its
    /// witnesses.
    pub(super) fn holds_for(&self, tables: &[Leaving<'_>]) -> bool {
        let mut all = BTreeSet::new();
        for (table, (evidence, rows)) in tables.iter().enumerate() {
            let Some(seen) = seen(evidence, rows) else {
                return false;
            };
            all.extend(
                seen.into_iter()
                    .map(|(group, measure)| (table, group, measure)),
            );
        }
        self.never.is_disjoint(&all) && self.problems.iter().all(|problem| problem.holds_for(&all))
    }
}

impl Problem {
    fn holds_for(&self, seen: &BTreeSet<Number>) -> bool {
        let mut hidden = vec![true; self.table.cells().len()];
        for (number, cells) in &self.shows {
            if !seen.contains(number) {
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

/// One problem of tables and of what ties their cells.
fn linked(tables: &[RequestTable], ties: &[Tie]) -> Result<(Table, Vec<Vec<usize>>), LinkError> {
    let linked = link_tied(tables, &Hierarchies::new(), ties)?;
    Ok((linked.table, linked.index))
}
