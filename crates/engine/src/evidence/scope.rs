//! What names mean inside one `from`, and whose row each row is.

use serde_json::Value;

use super::catalog::{IsKey, Table};
use super::node::{self, text};
use super::{Stop, untraceable};

/// Whether a relation's unit is, on every row, the unit of the whole row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Person {
    /// It names the person of the row.
    Same,
    /// It may be missing (the right side of a left join).
    Missing,
}

/// A column that can be named.
#[derive(Debug, Clone)]
pub(super) struct Column {
    /// As the statement names it, in lower case.
    pub(super) name: String,
    /// As the generated statement names it.
    pub(super) out: String,
    /// Whether it is a column of the data, unmodified.
    pub(super) of_the_data: bool,
}

/// Where the rows of a relation come from.
#[derive(Debug, Clone)]
pub(super) enum Source {
    /// A table of the data.
    Table(Table),
    /// A subquery.
    Query,
    /// The statement itself, in which they are written as constants.
    Written,
}

/// One table or subquery of a `from`.
#[derive(Debug, Clone)]
pub(super) struct Relation {
    /// As the statement names it, in lower case.
    pub(super) visible: String,
    /// As the generated statement names it.
    pub(super) alias: String,
    pub(super) columns: Vec<Column>,
    /// Generated names of columns that hold the unit unmodified.
    pub(super) units: Vec<String>,
    pub(super) source: Source,
    pub(super) person: Person,
}

/// The relations of a `from`.
pub(super) struct Scope {
    pub(super) relations: Vec<Relation>,
    /// Columns merged by `using`, in lower case: the left one is meant.
    pub(super) merged: Vec<String>,
    /// The generated `from`.
    pub(super) from: Value,
    /// The person of each row; none in a code list.
    pub(super) unit: Option<Value>,
    /// Conditions under which a row joins two people; none of the rows may satisfy one.
    pub(super) two_people: Vec<Value>,
}

/// Why a name means nothing.
pub(super) enum Unknown {
    /// No such column.
    Absent(String),
    /// Several.
    Ambiguous(String),
}

impl Unknown {
    pub(super) fn stop(self) -> Stop {
        Stop::Untraceable(match self {
            Self::Absent(name) => format!("{name} is no column of the tables in from"),
            Self::Ambiguous(name) => {
                format!("{name} is a column of several tables; name the table too")
            }
        })
    }
}

impl Scope {
    /// Resolves a column reference to a node of the generated statement.
    pub(super) fn resolve(&self, reference: &Value) -> Result<Value, Unknown> {
        let (relation, column) = self.find(reference)?;
        Ok(node::column(&relation.alias, &column.out))
    }

    /// The same, but a column that holds the row's person becomes the scope's unit, so that
    /// equal things look equal. Never for a condition, which may be what makes them equal.
    pub(super) fn resolve_person(&self, reference: &Value) -> Result<Value, Unknown> {
        let (relation, column) = self.find(reference)?;
        Ok(self.value(relation, column))
    }

    /// Whether a node of the generated statement is a column of the data, unmodified.
    pub(super) fn is_of_the_data(&self, node: &Value) -> bool {
        self.relations.iter().any(|relation| {
            let mut columns = relation.columns.iter().filter(|column| column.of_the_data);
            columns.any(|column| *node == node::column(&relation.alias, &column.out))
        })
    }

    /// Whether an expression only computes with columns of the data: it cannot pick out rows, as
    /// `case when person = 7 then cost else 0 end` does.
    pub(super) fn is_plain(&self, node: &Value) -> bool {
        match text(node, "class") {
            "COLUMN_REF" => self.is_of_the_data(node),
            "CONSTANT" => true,
            "CAST" => node.get("child").is_some_and(|child| self.is_plain(child)),
            "FUNCTION" => node::list(node, "children")
                .iter()
                .all(|part| self.is_plain(part)),
            _ => false,
        }
    }

    fn value(&self, relation: &Relation, column: &Column) -> Value {
        let same = relation.person == Person::Same && relation.units.contains(&column.out);
        match &self.unit {
            Some(unit) if same => unit.clone(),
            Some(_) | None => node::column(&relation.alias, &column.out),
        }
    }

    fn find(&self, reference: &Value) -> Result<(&Relation, &Column), Unknown> {
        let shown = node::shown(reference);
        let Some((table, name)) = node::named(reference) else {
            return Err(Unknown::Absent(shown));
        };
        let mut found = self
            .relations
            .iter()
            .filter(|relation| {
                table
                    .as_ref()
                    .is_none_or(|table| *table == relation.visible)
            })
            .flat_map(|relation| {
                let columns = relation.columns.iter().filter(|column| column.name == name);
                columns.map(move |column| (relation, column))
            });
        let Some(first) = found.next() else {
            return Err(Unknown::Absent(shown));
        };
        let merged = table.is_none() && self.merged.contains(&name);
        match found.next() {
            Some(_) if merged => Ok(self.always_there(&name).unwrap_or(first)),
            Some(_) => Err(Unknown::Ambiguous(shown)),
            None => Ok(first),
        }
    }

    /// Of a column that `using` merged, the side that is always there, as the engine reads it.
    fn always_there(&self, name: &str) -> Option<(&Relation, &Column)> {
        let relations = self.relations.iter();
        let mut relations = relations.filter(|relation| relation.person == Person::Same);
        relations.find_map(|relation| {
            let mut columns = relation.columns.iter();
            Some((relation, columns.find(|column| column.name == name)?))
        })
    }

    /// The columns that `*` or `alias.*` stands for, without those that `using` merged.
    pub(super) fn star(&self, table: &str) -> Vec<(Column, Value)> {
        let mut seen: Vec<&str> = Vec::new();
        let mut columns = Vec::new();
        for relation in &self.relations {
            if !table.is_empty() && table != relation.visible {
                continue;
            }
            for column in &relation.columns {
                let merged = self.merged.contains(&column.name);
                if table.is_empty() && merged && seen.contains(&column.name.as_str()) {
                    continue;
                }
                seen.push(&column.name);
                let there = match table.is_empty() && merged {
                    true => self.always_there(&column.name),
                    false => None,
                };
                let (relation, column) = there.unwrap_or((relation, column));
                columns.push((column.clone(), self.value(relation, column)));
            }
        }
        columns
    }
}

/// Asks the data whether columns are unique in a table.
pub(super) type IsKeyOf<'a> = dyn Fn(&Table, &[String]) -> Result<IsKey, Stop> + 'a;

/// Both sides of a join, before it is known whose rows it makes.
pub(super) struct Sides {
    pub(super) left: Scope,
    pub(super) right: Scope,
}

impl Sides {
    /// Seen from the other side.
    pub(super) fn swapped(self) -> Self {
        Self {
            left: self.right,
            right: self.left,
        }
    }

    /// Whether which rows of the left side have a partner depends on the same person's rows alone, or on a list that
    /// names nobody.
    pub(super) fn looks_at_own(&self, conditions: &[&Value], using: &[Value]) -> Result<(), Stop> {
        let Some(left) = &self.left.unit else {
            return untraceable("a semi or anti join starts from a table that names nobody");
        };
        let Some(right) = &self.right.unit else {
            return Ok(());
        };
        let mut pairs = self.equated(conditions);
        pairs.extend(using.iter().filter_map(|name| self.pair(name, name)));
        let is_same = pairs.iter().any(|(l, r, _)| l == left && r == right);
        match is_same && self.right.two_people.is_empty() {
            true => Ok(()),
            false => untraceable(
                "a semi or anti join does not equate the people of its two sides, so it looks at other people's rows",
            ),
        }
    }

    /// Pairs of columns (left, right) that the conditions equate, as generated nodes, with
    /// the right column's generated name.
    fn equated(&self, conditions: &[&Value]) -> Vec<(Value, Value, String)> {
        let mut pairs = Vec::new();
        for condition in conditions {
            if text(condition, "type") != "COMPARE_EQUAL" {
                continue;
            }
            let (Some(one), Some(other)) = (condition.get("left"), condition.get("right")) else {
                continue;
            };
            for (left, right) in [(one, other), (other, one)] {
                if [left, right]
                    .iter()
                    .any(|side| text(side, "class") != "COLUMN_REF")
                {
                    continue;
                }
                // A bare name that both sides know is refused when the condition is copied.
                if self.left.find(right).is_err()
                    && self.right.find(left).is_err()
                    && let Some(pair) = self.pair(left, right)
                {
                    pairs.push(pair);
                }
            }
        }
        pairs
    }

    /// A column of each side, as people where they are people.
    fn pair(&self, left: &Value, right: &Value) -> Option<(Value, Value, String)> {
        let l = self.left.resolve_person(left).ok()?;
        let (relation, column) = self.right.find(right).ok()?;
        Some((l, self.right.value(relation, column), column.out.clone()))
    }

    /// Whose row a joined row is, after `conditions` and `using` as they were written.
    pub(super) fn person(
        &self,
        kind: &str,
        conditions: &[&Value],
        using: &[Value],
        is_key: &IsKeyOf<'_>,
    ) -> Result<Joined, Stop> {
        let mut pairs = self.equated(conditions);
        pairs.extend(using.iter().filter_map(|name| self.pair(name, name)));
        match (&self.left.unit, &self.right.unit) {
            (Some(left), Some(right)) => {
                if pairs.iter().any(|(l, r, _)| l == left && r == right) {
                    return Ok(Joined::SamePerson);
                }
                if kind == "INNER" {
                    let differs =
                        node::compare("COMPARE_DISTINCT_FROM", left.clone(), right.clone());
                    return Ok(Joined::SameUnless(differs));
                }
                untraceable(
                    "a left join does not equate the people of its two sides, so a row could join two people's data",
                )
            }
            (Some(_), None) => {
                Self::code_list(
                    &self.right,
                    pairs.into_iter().map(|(_, _, out)| out).collect(),
                    is_key,
                )?;
                Ok(Joined::Described)
            }
            (None, Some(_)) if kind == "INNER" => {
                let outs = pairs.into_iter().filter_map(|(l, _, _)| {
                    let names = node::list(&l, "column_names");
                    names.last().and_then(Value::as_str).map(str::to_owned)
                });
                Self::code_list(&self.left, outs.collect(), is_key)?;
                Ok(Joined::Described)
            }
            (None, Some(_)) => untraceable("a left join starts from a table that names nobody"),
            (None, None) => untraceable("two tables that name nobody are joined"),
        }
    }

    fn code_list(
        scope: &Scope,
        mut columns: Vec<String>,
        is_key: &IsKeyOf<'_>,
    ) -> Result<(), Stop> {
        columns.sort();
        columns.dedup();
        let base = match scope.relations.as_slice() {
            [only] => match &only.source {
                Source::Table(table) => table,
                Source::Query => return untraceable("a subquery that names nobody is joined"),
                // They are nobody's, whichever of them a row meets.
                Source::Written => return Ok(()),
            },
            _ => return untraceable("a subquery that names nobody is joined"),
        };
        let table = &base.name;
        if columns.is_empty() {
            return untraceable(format!(
                "{table} names nobody and is joined without equating a column of it"
            ));
        }
        match is_key(base, &columns)? {
            IsKey::Unique => Ok(()),
            IsKey::Repeats => untraceable(format!(
                "{table} names nobody and the columns that join it are not unique in it, so whose data its rows are is unknown"
            )),
        }
    }
}

/// What a join makes of two people columns.
pub(super) enum Joined {
    /// The condition equates them.
    SamePerson,
    /// They are equal on every row that does not satisfy the condition.
    SameUnless(Value),
    /// One side names nobody and only describes.
    Described,
}
