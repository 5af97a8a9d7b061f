//! Whether evidence from another process can be judged.

use super::Column;
use super::{
    Atom, Behind, CountLevel, Counted, Evidence, Group, Magnitude, Part, Role, Shown, TOP_MAX,
    Visible,
};
use crate::Datum;
use crate::derive::COUNTS_MAX;

/// Why evidence cannot be judged.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("the evidence does not hold together: {what}")]
pub struct Malformed {
    /// What is wrong, in words.
    pub what: &'static str,
}

impl Evidence {
    /// Whether every group has the shape that the columns announce.
    ///
    /// # Errors
    /// [`Malformed`] with what does not fit.
    pub fn validate(&self) -> Result<(), Malformed> {
        let wrong = |what| Err(Malformed { what });
        let measures = self.measures().count();
        if self.counts.len() > 31 {
            return wrong("more than 31 counts");
        }
        if !self.sources.is_empty() && self.sources.len() != self.counts.len() {
            return wrong("the counts are not those of the joined tables");
        }
        if let Some(lineage) = &self.lineage {
            lineage.validate(self)?;
        }
        if self.further.iter().any(|one| !one.table.further.is_empty()) {
            return wrong("a further table has further tables");
        }
        let keyless = |column: &Column| matches!(column.role, Role::Key(k) if usize::from(k) >= self.keys.len());
        if self.columns.iter().any(keyless) {
            return wrong("a column shows a key that the table does not have");
        }
        let mut names: Vec<&str> = self.columns.iter().map(|c| c.name.as_str()).collect();
        names.sort_unstable();
        if names.windows(2).any(|pair| pair.first() == pair.last()) {
            return wrong("two columns have one name");
        }
        let mut keys: Vec<(u16, &[Datum])> = self
            .groups
            .iter()
            .map(|g| (g.set, g.key.as_slice()))
            .collect();
        keys.sort_unstable();
        if keys.windows(2).any(|pair| pair.first() == pair.last()) {
            return wrong("two groups have one key");
        }
        if !self.has_its_sets() {
            return wrong("the grouping sets are not those of the keys");
        }
        let beyond = |part: &Part| part.measures.iter().any(|m| usize::from(*m) >= measures);
        if self.parts.iter().any(beyond) {
            return wrong("an aggregate is shown in a column that the table does not have");
        }
        for group in &self.groups {
            if group.magnitudes.len() != self.parts.len()
                || group.magnitudes.iter().any(|m| !m.holds_together(group))
            {
                return wrong("the values behind a group are not the group's");
            }
            if group.key.len() != self.keys.len()
                || group.values.len() != self.columns.len()
                || group.behind.len() != measures
            {
                return wrong("a group has more or fewer values than the table");
            }
            if group.people > group.rows
                || group
                    .behind
                    .iter()
                    .any(|cell| cell.people > cell.rows || cell.rows > group.rows)
            {
                return wrong("more people than rows");
            }
            if !self.may_be(group) {
                return wrong("a group is left out that the statement shows");
            }
            if !self.taken_apart(group) {
                return wrong("the parts of a group are not the group");
            }
        }
        Ok(())
    }

    /// Whether every group is of a set of its keys, and missing where a key is totalled.
    fn has_its_sets(&self) -> bool {
        let known = |set: &Vec<u16>| set.iter().all(|key| usize::from(*key) < self.keys.len());
        let of_a_set = |group: &Group| {
            self.sets.get(usize::from(group.set)).is_some_and(|set| {
                (0_u16..)
                    .zip(&group.key)
                    .all(|(place, value)| set.contains(&place) || *value == Datum::Missing)
            })
        };
        self.sets.iter().all(known) && self.groups.iter().all(of_a_set)
    }

    /// Whether a statement of this kind can leave a group so. What is large is left out by its people
    /// alone, because it is not judged.
    fn may_be(&self, group: &Group) -> bool {
        match self.shown {
            Shown::All => group.visible == Visible::Shown,
            Shown::First => group.visible != Visible::Excluded,
            Shown::Large(least) => (group.visible == Visible::Excluded) == (group.people < least),
            Shown::Condition | Shown::Joined | Shown::Unjudged => true,
        }
    }

    /// Whether the atoms are the whole group, where they are needed. Without them the numbers that
    /// a reader can form would not be judged.
    fn taken_apart(&self, group: &Group) -> bool {
        let of_people = |count: &&Counted| count.level == CountLevel::People;
        let people = match self.sources.is_empty() {
            true => self.counts.iter().filter(of_people).count(),
            false => self.counts.len(),
        };
        let needed = (2..=COUNTS_MAX).contains(&self.counts.len());
        let (Some(by_row), Some(by_person)) = (
            self.total(&group.row_atoms),
            self.total(&group.person_atoms),
        ) else {
            return false;
        };
        !needed || by_row.rows == group.rows && (people < 2 || by_person.people == group.people)
    }

    /// What is in all atoms together; `None` if one is impossible or the sum is.
    fn total(&self, atoms: &[Atom]) -> Option<Behind> {
        let nobody = Behind { people: 0, rows: 0 };
        atoms.iter().try_fold(nobody, |sum, atom| {
            let beyond = atom.pattern >> self.counts.len();
            if atom.people > atom.rows || beyond != 0 {
                return None;
            }
            Some(Behind {
                people: sum.people.checked_add(atom.people)?,
                rows: sum.rows.checked_add(atom.rows)?,
            })
        })
    }
}

impl Magnitude {
    /// Whether the numbers can be those of some values of the group.
    fn holds_together(&self, group: &Group) -> bool {
        let falls = self.top.windows(2).all(|pair| pair.first() >= pair.last());
        let as_many = usize::try_from(self.people)
            .unwrap_or(usize::MAX)
            .min(TOP_MAX);
        self.people <= group.people
            && self.active <= self.people
            && self.people <= self.rows
            && self.rows <= group.rows
            && self.total.is_finite()
            && self.top.iter().all(|value| value.is_finite())
            && falls
            && (self.odd > 0 || self.top.len() >= as_many)
    }
}
