//! A grouped statement, read: what to compute and what to count beside it.

use disclosure::{Behind, CountLevel, Kind, Part as Shows, Role, Shown, Whole};
use serde_json::Value;

/// One aggregate of the statement.
#[derive(Debug, Clone)]
pub(super) struct Aggregate {
    /// As it is computed.
    pub(super) call: Value,
    pub(super) kind: Kind,
    /// Rows with a value behind it: indexes into [`Plan::conditions`].
    pub(super) behind: Vec<usize>,
    /// What it counts, if it counts.
    pub(super) counts: Vec<Part>,
    /// The values that it is computed from, if it is judged by them: index into [`Plan::values`].
    pub(super) value: Option<usize>,
    /// For a quantile, which; 0 for the smallest value and 1 for the largest.
    pub(super) quantile: Option<f64>,
}

/// An aggregate of values whose contributions are counted.
#[derive(Debug, Clone)]
pub(super) struct ValuePart {
    /// Index into [`Plan::conditions`].
    pub(super) condition: usize,
    /// Another condition whose rows are taken away.
    pub(super) but: Option<usize>,
    /// Index into [`Plan::values`].
    pub(super) value: usize,
    pub(super) kind: Kind,
    pub(super) quantile: Option<f64>,
    /// The aggregate, if a column shows it.
    pub(super) shown: Option<usize>,
    pub(super) label: String,
}

/// A count, alone or inside a share.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Part {
    /// Index into [`Plan::conditions`].
    pub(super) condition: usize,
    pub(super) level: CountLevel,
    pub(super) whole: Whole,
    /// Of which joined table it counts rows; 0 where nothing is joined.
    pub(super) source: u16,
}

/// A column of the result.
#[derive(Debug, Clone)]
pub(super) struct Item {
    pub(super) name: String,
    pub(super) role: Role,
    /// Over keys `k0`… and aggregates `a0`… of the grouped query.
    pub(super) value: Value,
    /// The aggregates in it.
    pub(super) aggregates: Vec<usize>,
    /// Whether it is computed from other groups' numbers too.
    pub(super) across: bool,
}

/// A column of the order.
#[derive(Debug, Clone)]
pub(super) struct Order {
    pub(super) value: Value,
    pub(super) direction: Value,
    pub(super) nulls: Value,
}

/// Another table whose numbers stand in a plan's: a total of which it shows shares, say.
#[derive(Debug, Clone)]
pub(super) struct Lookup {
    /// Its name in the generated statement.
    pub(super) name: String,
    /// The generated table, with keys `k0`…, values `i0`… and `p`, which is never missing. `None` where its one number
    /// stands in a condition.
    pub(super) select: Option<Value>,
    /// The comparisons by which a group finds its row.
    pub(super) on: Vec<Value>,
    /// Whose numbers they are.
    pub(super) of: Whose,
}

/// Whose numbers another table holds.
#[derive(Debug, Clone)]
pub(super) enum Whose {
    /// Of people who are counted by this plan.
    Counted(Box<Plan>),
    /// Of the plan's own groups.
    Own,
    /// Nobody's: it is a code list.
    Nobody,
}

/// A grouped statement.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    pub(super) from: Value,
    pub(super) condition: Option<Value>,
    pub(super) unit: Value,
    pub(super) two_people: Vec<Value>,
    pub(super) keys: Vec<(String, Value)>,
    /// The grouping sets, as indexes of keys.
    pub(super) sets: Vec<Vec<usize>>,
    /// What is computed of each row and aggregated.
    pub(super) values: Vec<Value>,
    pub(super) parts: Vec<ValuePart>,
    pub(super) aggregates: Vec<Aggregate>,
    /// Conditions on rows whose people are counted; [`WHOLE_GROUP`] is none.
    pub(super) conditions: Vec<Option<Value>>,
    pub(super) items: Vec<Item>,
    pub(super) having: Option<Value>,
    /// Which groups all of the joined tables have that must have them.
    pub(super) matched: Option<Value>,
    /// Other tables whose numbers stand in this one.
    pub(super) lookups: Vec<Lookup>,
    /// How many tables are joined whose rows are not the same.
    pub(super) sources: u16,
    /// The condition on the rows that are left, which may hold windows.
    pub(super) qualify: Option<Value>,
    pub(super) shown: Shown,
    pub(super) orders: Vec<Order>,
    /// Groups to skip and, if limited, how many to show.
    pub(super) offset: usize,
    pub(super) limit: Option<usize>,
    /// The counts between which a reader can subtract, with their names.
    pub(super) counts: Vec<(String, Part)>,
}

/// The index of the condition that every row of a group satisfies, in [`Plan::conditions`].
pub(super) const WHOLE_GROUP: usize = 0;

/// The name under which the grouped query is read.
pub(super) const GROUPED: &str = "g";

/// The most totals of one row between which differences are formed.
const TOTALS_MAX: usize = 6;

impl Plan {
    /// Groups of rows of which nothing is computed yet.
    pub(super) fn over(
        from: Value,
        condition: Option<Value>,
        unit: Value,
        keys: Vec<(String, Value)>,
        sets: Vec<Vec<usize>>,
    ) -> Self {
        Self {
            from,
            condition,
            unit,
            two_people: Vec::new(),
            keys,
            sets,
            values: Vec::new(),
            parts: Vec::new(),
            aggregates: Vec::new(),
            conditions: vec![None],
            items: Vec::new(),
            having: None,
            matched: None,
            lookups: Vec::new(),
            sources: 1,
            qualify: None,
            shown: Shown::All,
            orders: Vec::new(),
            offset: 0,
            limit: None,
            counts: Vec::new(),
        }
    }

    /// The conditions on groups: of the join, and of the statement.
    pub(super) fn kept(&self) -> Option<Value> {
        let parts = self.matched.iter().chain(&self.having);
        super::node::all(parts.cloned().collect())
    }

    /// The other tables that are judged, each after those that it uses.
    pub(super) fn inside(&self) -> Vec<&Self> {
        let judged = self.lookups.iter().filter_map(|one| match &one.of {
            Whose::Counted(plan) => Some(plan.as_ref()),
            Whose::Own | Whose::Nobody => None,
        });
        judged
            .flat_map(|plan| plan.inside().into_iter().chain([plan]))
            .collect()
    }

    /// Whether an expression uses a number of another table.
    pub(super) fn looks_up(&self, node: &Value) -> bool {
        let is_named = |name: &str| {
            let mut lookups = self.lookups.iter();
            lookups.any(|one| one.name == name && !matches!(one.of, Whose::Nobody))
        };
        super::node::tables_of(node).any(is_named)
    }

    /// The columns that are computed with numbers of other tables; none where these numbers also say which rows, groups
    /// or order the statement shows.
    pub(super) fn looking(&self) -> Vec<u16> {
        let is_judged = |lookup: &Lookup| matches!(lookup.of, Whose::Counted(_));
        let judged: Vec<&Lookup> = self.lookups.iter().filter(|one| is_judged(one)).collect();
        let looks = |node: &Value| {
            let mut tables = super::node::tables_of(node);
            tables.any(|table| judged.iter().any(|lookup| lookup.name == table))
        };
        let conditions = [&self.having, &self.matched, &self.qualify];
        let elsewhere = judged.iter().any(|lookup| lookup.select.is_none())
            || conditions.into_iter().flatten().any(looks)
            || self.orders.iter().any(|order| looks(&order.value));
        let columns = (0_u16..).zip(&self.items);
        let looking = columns.filter(|(_, item)| !elsewhere && looks(&item.value));
        looking.map(|(place, _)| place).collect()
    }

    /// The columns that hold numbers about groups.
    pub(super) fn measures(&self) -> impl Iterator<Item = &Item> {
        self.items
            .iter()
            .filter(|item| matches!(item.role, Role::Measure(_)))
    }

    /// What is behind a measure: the least of what is behind its parts.
    pub(super) fn behind(&self, aggregates: &[usize], counted: &[Behind]) -> Behind {
        let used = aggregates
            .iter()
            .filter_map(|index| self.aggregates.get(*index));
        let parts = used.flat_map(|one| one.behind.iter().filter_map(|i| counted.get(*i)));
        parts
            .copied()
            .reduce(|a, b| Behind {
                people: a.people.min(b.people),
                rows: a.rows.min(b.rows),
            })
            .unwrap_or(Behind { people: 0, rows: 0 })
    }

    /// The condition of the rows that a measure is first of all about.
    pub(super) fn counted_in(&self, item: &Item) -> usize {
        let first = item
            .aggregates
            .first()
            .and_then(|index| self.aggregates.get(*index));
        first
            .and_then(|one| one.behind.first())
            .copied()
            .unwrap_or(WHOLE_GROUP)
    }

    /// The parts as the evidence describes them, with the measures that show each.
    pub(super) fn shows(&self) -> Vec<Shows> {
        let of = |part: &ValuePart| Shows {
            measures: (0_u16..)
                .zip(self.measures())
                .filter(|(_, item)| part.shown.is_some_and(|a| item.aggregates.contains(&a)))
                .map(|(place, _)| place)
                .collect(),
            label: part.label.clone(),
            kind: part.kind,
            quantile: part.quantile,
        };
        self.parts.iter().map(of).collect()
    }

    /// The aggregates that are judged by values and shown in a column, and the differences of totals of one
    /// value under two conditions.
    pub(super) fn value_parts(aggregates: &[Aggregate], items: &[Item]) -> Vec<ValuePart> {
        let mut parts = Vec::new();
        for (index, aggregate) in aggregates.iter().enumerate() {
            let shown = items.iter().find(|item| item.aggregates.contains(&index));
            let (Some(item), Some(value), Some(condition)) =
                (shown, aggregate.value, aggregate.behind.first())
            else {
                continue;
            };
            parts.push(ValuePart {
                condition: *condition,
                but: None,
                value,
                kind: aggregate.kind,
                quantile: aggregate.quantile,
                shown: Some(index),
                label: item.name.clone(),
            });
        }
        let totals: Vec<ValuePart> = parts
            .iter()
            .filter(|part| part.kind == Kind::Total)
            .take(TOTALS_MAX)
            .cloned()
            .collect();
        for whole in &totals {
            for part in &totals {
                if whole.value == part.value && whole.condition != part.condition {
                    parts.push(ValuePart {
                        but: Some(part.condition),
                        shown: None,
                        label: format!("{} - {}", whole.label, part.label),
                        ..whole.clone()
                    });
                }
            }
        }
        parts
    }
}
