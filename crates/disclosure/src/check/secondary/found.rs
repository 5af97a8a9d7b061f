//! What is unsafe in the tables that are posed together, and where their cells are.

use std::collections::{BTreeMap, BTreeSet};

use super::nested::{self, Nested};
use super::{At, Number, Posed, people};
use crate::check::ROW;
use crate::check::absent::Absent;
use crate::evidence::{Evidence, Kind, Part};
use crate::report::{CellReport, Finding, Rule, Status};
use crate::suppress::Place;
use crate::{Datum, Policy};

/// What was found unsafe in tables of the same rows, and what a problem is made of.
pub(super) struct Unsafe<'a> {
    pub(super) policy: &'a Policy,
    pub(super) tables: Vec<Table<'a>>,
    pub(super) cells: BTreeSet<Number>,
    /// Those that are unsafe only beside other tables: by few people, whatever their size.
    pub(super) beside_others: BTreeSet<Number>,
    /// Table, group and what a reader can form of its counts.
    pub(super) formed: BTreeSet<(usize, usize, String)>,
    /// Groups of one person, who knows them, each under a number for the person.
    pub(super) alone: BTreeMap<At, u32>,
    /// Keys that tell others.
    nested: Vec<Nested>,
    /// The groups at each place, where there are several tables.
    at: BTreeMap<Place, Vec<At>>,
}

/// One of the tables.
pub(super) struct Table<'a> {
    pub(super) evidence: &'a Evidence,
    /// Combinations that nobody has and that must not be known to be empty.
    pub(super) empty: Vec<&'a Absent>,
}

impl<'a> Unsafe<'a> {
    /// `None` where hiding numbers is not what is asked for, or who knows what cannot be told.
    pub(super) fn of(tables: &[Posed<'a>], policy: &'a Policy) -> Option<Self> {
        let is_empty = policy.zero() == crate::ZeroRule::Unsafe;
        let as_posed = |posed: &Posed<'a>| {
            let empty = posed.absent.iter();
            Table {
                evidence: posed.evidence,
                empty: empty.filter(|one| is_empty && !one.structural).collect(),
            }
        };
        let mut found = Self {
            policy,
            tables: tables.iter().map(as_posed).collect(),
            cells: BTreeSet::new(),
            beside_others: BTreeSet::new(),
            formed: BTreeSet::new(),
            alone: people::alone(tables)?,
            nested: nested::of(tables),
            at: BTreeMap::new(),
        };
        for (number, posed) in tables.iter().enumerate() {
            found.take(number, posed)?;
        }
        if tables.len() > 1 {
            for (number, posed) in tables.iter().enumerate() {
                for (index, group) in posed.evidence.groups.iter().enumerate() {
                    let place = found.place(number, group.set, &group.key)?;
                    found.at.entry(place).or_default().push((number, index));
                }
            }
        }
        Some(found)
    }

    /// Takes the unsafe cells of a table.
    fn take(&mut self, table: usize, posed: &Posed<'_>) -> Option<()> {
        let evidence = posed.evidence;
        let measures: Vec<(&str, Kind)> = evidence.measures().collect();
        let primary = posed.cells.iter().zip(posed.groups);
        for (cell, group) in primary.filter(|(cell, _)| cell.status == Status::Primary) {
            let group = *group;
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
                    self.cells.insert((table, group, measure));
                    let differs = |finding: &Finding| finding.rule == Rule::Differencing;
                    if cell.findings.iter().all(differs) {
                        self.beside_others.insert((table, group, measure));
                    }
                }
                // Few people: nothing of the group may be seen.
                None if cell.column == ROW => {
                    let all = 0..measures.len();
                    self.cells
                        .extend(all.map(|measure| (table, group, measure)));
                }
                None => {
                    self.formed.insert((table, group, cell.column.clone()));
                }
            }
        }
        Some(())
    }

    /// Whether several tables are posed together.
    pub(super) fn is_linked(&self) -> bool {
        self.tables.len() > 1
    }

    pub(super) fn evidence(&self, table: usize) -> Option<&'a Evidence> {
        self.tables.get(table).map(|one| one.evidence)
    }

    /// Where a group is: its keys by what they are, because two may have one name, with the keys that these tell.
    pub(super) fn place(&self, table: usize, set: u16, key: &[Datum]) -> Option<Place> {
        let evidence = self.evidence(table)?;
        let lineage = evidence.lineage.as_ref().filter(|_| self.is_linked());
        let set = evidence.sets.get(usize::from(set))?;
        let mut place = Place::new();
        for number in set {
            let value = key.get(usize::from(*number))?.clone();
            let name = match lineage {
                Some(lineage) => lineage.keys.get(usize::from(*number))?.clone(),
                None => format!("{number}"),
            };
            place.insert(name, value);
        }
        nested::add(&self.nested, &mut place);
        Some(place)
    }

    /// The groups that are the same cell as a group, itself among them.
    pub(super) fn same(&self, at: At) -> Vec<At> {
        let (table, group) = at;
        let group = self
            .evidence(table)
            .and_then(|evidence| evidence.groups.get(group));
        let place = group.and_then(|group| self.place(table, group.set, &group.key));
        let known = place.and_then(|place| self.at.get(&place));
        known.map_or_else(|| vec![at], Clone::clone)
    }

    /// The numbers of some columns that share people with an unsafe one of these, or with a combination that must not be
    /// known to be empty.
    pub(super) fn sharing(&self, columns: &BTreeSet<(usize, usize)>) -> BTreeSet<Number> {
        let unsafe_here = self.cells.iter();
        let unsafe_here = unsafe_here.filter(|(of, _, measure)| columns.contains(&(*of, *measure)));
        let place_of = |of: usize, group: usize| {
            let group = self.evidence(of)?.groups.get(group)?;
            Some((of, group.set, self.place(of, group.set, &group.key)?))
        };
        let mut causes: Vec<(usize, u16, Place)> = unsafe_here
            .filter_map(|(of, group, _)| place_of(*of, *group))
            .collect();
        if !columns.is_empty() {
            for (of, table) in self.tables.iter().enumerate() {
                let empty = table.empty.iter();
                causes.extend(
                    empty.filter_map(|one| Some((of, one.set, self.place(of, one.set, &one.key)?))),
                );
            }
        }
        let mut found = BTreeSet::new();
        for (of, measure) in columns {
            let groups = self
                .evidence(*of)
                .map_or(0, |evidence| evidence.groups.len());
            for group in 0..groups {
                // Where it is not known who is there, anybody may be.
                let shares = place_of(*of, group).is_none_or(|(of, set, place)| {
                    let others = causes.iter().filter(|one| (one.0, one.1) != (of, set));
                    others
                        .into_iter()
                        .any(|(_, _, other)| can_share(&place, other))
                });
                if shares {
                    found.insert((*of, group, *measure));
                }
            }
        }
        found
    }

    /// The measures of a kind, those of the same values together: table and measure.
    pub(super) fn columns(&self, kind: Kind) -> Vec<Vec<(usize, usize)>> {
        let mut known: BTreeMap<String, Vec<(usize, usize)>> = BTreeMap::new();
        for (number, table) in self.tables.iter().enumerate() {
            for measure in super::of_kind(table.evidence, |one| one == kind) {
                let lineage = table.evidence.lineage.as_ref();
                let part = super::totals::part_of(table.evidence, measure, kind);
                let values = part.zip(lineage).and_then(|(part, of)| of.parts.get(part));
                let alone = || format!("table {number} measure {measure}");
                let name = values.cloned().unwrap_or_else(alone);
                known.entry(name).or_default().push((number, measure));
            }
        }
        let mut columns: Vec<Vec<(usize, usize)>> = known.into_values().collect();
        columns.sort();
        columns
    }

    /// Whether the policy has a pattern searched among so many cells.
    pub(super) fn may_have(&self, cells: usize) -> bool {
        cells as u64 <= self.policy.limits().pattern_cells
    }

    /// Whether the policy has a number published.
    pub(super) fn is_forced(&self, (table, group, measure): Number) -> bool {
        let is = |evidence: &Evidence| {
            let group = evidence.groups.get(group)?;
            let (column, _) = evidence.measures().nth(measure)?;
            let mut forced = self.policy.forced().iter();
            Some(forced.any(|one| one.is_about(evidence, group, column)))
        };
        !self.policy.forced().is_empty() && self.evidence(table).and_then(is) == Some(true)
    }

    /// The value that a group's row shows of a measure.
    pub(super) fn shown(&self, (table, group, measure): Number) -> Option<&'a Datum> {
        let evidence = self.evidence(table)?;
        let group = evidence.groups.get(group)?;
        evidence.measured(&group.values).nth(measure)
    }
}

/// Whether groups can have people in common: they agree on the keys of both.
pub(in crate::check) fn can_share(one: &Place, other: &Place) -> bool {
    one.iter()
        .all(|(key, value)| other.get(key).is_none_or(|there| there == value))
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
