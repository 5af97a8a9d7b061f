//! The columns of a model's design, as expressions over the rows of its table.

use disclosure::model::{Family, Spec, factors};

use super::scaled::Scaled;
use super::{Floor, ModelError, column, invalid, named};
use crate::quote;

/// One column of the design but the intercept.
pub(super) struct Term {
    /// What it is called.
    pub(super) name: String,
    /// The term that it belongs to, which holds no value of a row: errors name this one.
    pub(super) of: String,
    /// Its value in a row.
    pub(super) value: String,
}

/// A column that explains.
struct Factor {
    /// As the table spells it.
    name: String,
    /// Its groups, if it has groups and no numbers; the first is what the others are held against.
    levels: Option<Vec<String>>,
}

/// The columns of a design.
pub(super) struct Columns {
    /// The protected unit, quoted.
    pub(super) unit: String,
    /// The table, quoted.
    table: String,
    /// The outcome's column, quoted.
    outcome: String,
    /// Its value in a row.
    pub(super) value: String,
    factors: Vec<Factor>,
    /// The terms, without the intercept.
    pub(super) terms: Vec<Term>,
    pub(super) family: Family,
}

/// A column's name as its table spells it, and its type.
pub(super) struct Known(Vec<(String, String)>);

impl Known {
    pub(super) fn of(floor: &Floor<'_>, table: &str) -> Result<Self, ModelError> {
        let sql = format!(
            "select column_name, column_type from (describe select * from {})",
            quote::name(table)
        );
        let Ok(rows) = floor.texts(&sql) else {
            return invalid(format!("there is no table named {table}"));
        };
        let pairs = rows.into_iter().filter_map(|row| {
            let mut cells = row.into_iter().flatten();
            Some((cells.next()?, cells.next()?))
        });
        Ok(Self(pairs.collect()))
    }

    pub(super) fn find(&self, name: &str) -> Result<(&str, &str), ModelError> {
        let same = |known: &&(String, String)| known.0.eq_ignore_ascii_case(name);
        match self.0.iter().find(same) {
            Some((name, kind)) => Ok((name, kind)),
            None => invalid(format!("the table has no column named {name}")),
        }
    }

    /// The outcome, and its value in a row.
    fn outcome(&self, spec: &Spec) -> Result<(&str, String), ModelError> {
        let (outcome, kind) = self.find(&spec.outcome)?;
        let value = match (spec.family, kind) {
            (Family::Linear, kind) if is_number(kind) => number(outcome),
            (Family::Linear, _) => {
                return invalid(format!(
                    "{outcome} is no number, and the outcome of a linear model is one"
                ));
            }
            (Family::Logistic, kind) if kind == "BOOLEAN" || is_number(kind) => number(outcome),
            (Family::Logistic, _) => {
                return invalid(format!(
                    "{outcome} is neither true or false nor 0 or 1, and the outcome of a logistic model is"
                ));
            }
        };
        Ok((outcome, value))
    }
}

pub(super) fn is_number(kind: &str) -> bool {
    const NUMBERS: [&str; 12] = [
        "TINYINT",
        "SMALLINT",
        "INTEGER",
        "BIGINT",
        "HUGEINT",
        "UTINYINT",
        "USMALLINT",
        "UINTEGER",
        "UBIGINT",
        "UHUGEINT",
        "FLOAT",
        "DOUBLE",
    ];
    NUMBERS.contains(&kind) || kind.starts_with("DECIMAL")
}

impl Columns {
    /// Reads the table's columns and the levels of its groups.
    pub(super) fn of(
        floor: &Floor<'_>,
        unit: &str,
        spec: &Spec,
        parameters: usize,
    ) -> Result<Self, ModelError> {
        let known = Known::of(floor, &spec.table)?;
        let (unit, _) = known.find(unit)?;
        let (outcome, value) = known.outcome(spec)?;
        let mut columns = Self {
            unit: column(unit),
            table: quote::name(&spec.table),
            outcome: column(outcome),
            value,
            factors: Vec::new(),
            terms: Vec::new(),
            family: spec.family,
        };
        columns.read_factors(floor, &known, unit, spec, parameters)?;
        columns.must_be_yes_or_no(floor)?;
        columns.terms = columns.expanded(spec)?;
        match columns.terms.len() + 1 > parameters {
            true => invalid(format!(
                "the model has {} parameters, and the limit parameters of the disclosure policy is {parameters}",
                columns.terms.len() + 1
            )),
            false => Ok(columns),
        }
    }

    /// The columns that explain, with the groups of those that have groups.
    fn read_factors(
        &mut self,
        floor: &Floor<'_>,
        known: &Known,
        unit: &str,
        spec: &Spec,
        parameters: usize,
    ) -> Result<(), ModelError> {
        let mut factors = Vec::new();
        for name in spec.columns() {
            let (name, kind) = known.find(name)?;
            if name.eq_ignore_ascii_case(unit) {
                return invalid("the column that tells people apart explains nothing");
            }
            let groups = spec
                .categorical
                .iter()
                .any(|c| c.eq_ignore_ascii_case(name))
                || !is_number(kind);
            factors.push((name.to_owned(), groups));
        }
        // Whether a row has a value everywhere is asked of all columns, so they stand first.
        self.factors = factors
            .iter()
            .map(|(name, groups)| Factor {
                name: name.clone(),
                levels: groups.then(Vec::new),
            })
            .collect();
        for (at, (name, groups)) in factors.iter().enumerate() {
            if *groups {
                let levels = self.levels(floor, name, parameters)?;
                if let Some(factor) = self.factors.get_mut(at) {
                    factor.levels = Some(levels);
                }
            }
        }
        Ok(())
    }

    /// That the outcome of a logistic model is one.
    fn must_be_yes_or_no(&self, floor: &Floor<'_>) -> Result<(), ModelError> {
        if self.family == Family::Logistic {
            let sql = self.over(&format!(
                "count(*) filter (where {v} not in (0, 1)), min({v}), max({v})",
                v = self.value
            ));
            match floor.numbers(&sql)?.as_slice() {
                [0.0, low, high] if low < high => {}
                _ => {
                    return invalid(
                        "the outcome of a logistic model is 0 and 1, or false and true, and both",
                    );
                }
            }
        }
        Ok(())
    }

    /// The groups of a column among complete rows.
    fn levels(
        &self,
        floor: &Floor<'_>,
        name: &str,
        parameters: usize,
    ) -> Result<Vec<String>, ModelError> {
        let sql = self.over(&format!("distinct {} as level", group(name)));
        let rows = floor.texts(&format!("{sql} order by level limit {}", parameters + 2))?;
        let levels: Vec<String> = rows.into_iter().flatten().flatten().collect();
        match levels.len() {
            0 | 1 => invalid(format!(
                "{name} has one value in the rows that have a value everywhere"
            )),
            n if n > parameters => invalid(format!(
                "{name} has more groups than the limit parameters of the disclosure policy, {parameters}"
            )),
            _ => Ok(levels),
        }
    }

    /// A select over the complete rows.
    pub(super) fn over(&self, items: &str) -> String {
        format!(
            "select {items} from {} where {}",
            self.table,
            self.complete()
        )
    }

    /// What a row with a value everywhere satisfies.
    fn complete(&self) -> String {
        let mut all = vec![
            present(&self.unit),
            present(&self.outcome),
            finite(&self.value),
        ];
        for factor in &self.factors {
            all.push(present(&column(&factor.name)));
            if factor.levels.is_none() {
                all.push(finite(&number(&factor.name)));
            }
        }
        all.join(" and ")
    }

    /// People and rows.
    pub(super) fn counts(&self) -> String {
        self.over(&format!(
            "count(distinct {})::double, count(*)::double",
            self.unit
        ))
    }

    /// Whether a number is among the terms.
    pub(super) fn continuous(&self) -> bool {
        self.factors.iter().any(|factor| factor.levels.is_none())
    }

    /// The terms, groups taken apart.
    fn expanded(&self, spec: &Spec) -> Result<Vec<Term>, ModelError> {
        let mut terms = Vec::new();
        for term in &spec.terms {
            let mut found: Vec<(Vec<String>, Vec<String>)> = vec![(Vec::new(), Vec::new())];
            for name in factors(term) {
                let factor = self.factor(name)?;
                let parts = factor.parts();
                found = found
                    .iter()
                    .flat_map(|(names, values)| {
                        parts.iter().map(move |(name, value)| {
                            let with = |list: &[String], more: &String| {
                                [list, std::slice::from_ref(more)].concat()
                            };
                            (with(names, name), with(values, value))
                        })
                    })
                    .collect();
            }
            terms.extend(found.into_iter().map(|(names, values)| Term {
                name: named(&names),
                of: term.clone(),
                value: values.join(" * "),
            }));
        }
        Ok(terms)
    }

    fn factor(&self, name: &str) -> Result<&Factor, ModelError> {
        let same = |factor: &&Factor| factor.name.eq_ignore_ascii_case(name);
        self.factors
            .iter()
            .find(same)
            .ok_or_else(|| ModelError::Invalid(format!("the table has no column named {name}")))
    }

    /// Means and spreads of the terms.
    pub(super) fn scaled(&self, floor: &Floor<'_>) -> Result<Scaled<'_>, ModelError> {
        let mut items = vec![format!("avg({})", self.value)];
        for term in &self.terms {
            items.push(format!("avg({})", term.value));
            items.push(format!("stddev_pop({})", term.value));
        }
        let found = floor.numbers(&self.over(&items.join(", ")))?;
        let mut pairs = found.iter().skip(1);
        let mut scales = Vec::with_capacity(self.terms.len());
        for term in &self.terms {
            let (Some(mean), Some(spread)) = (pairs.next(), pairs.next()) else {
                return Err(super::strange().into());
            };
            // A spread that is rounding and no more is none.
            let least = 1e-12 * mean.abs().max(f64::MIN_POSITIVE);
            if spread.is_nan() || *spread <= least {
                return invalid(format!(
                    "a group or product of {} has one value in the rows that have a value everywhere",
                    term.of
                ));
            }
            scales.push((*mean, *spread));
        }
        let mean = found.first().copied().unwrap_or(f64::NAN);
        Ok(Scaled::of(self, mean, scales))
    }

    /// The tables behind the model. With categories alone the outcome's mean by level is behind it as well.
    pub(super) fn tables(&self, spec: &Spec) -> Vec<String> {
        let everyone = self.over("count(*) as n");
        let mut tables = vec![everyone];
        if self.family == Family::Logistic {
            let by = format!("{} as outcome, count(*) as n", self.outcome);
            tables.push(format!("{} group by 1", self.over(&by)));
        }
        for term in &spec.terms {
            let names: Vec<&str> = factors(term)
                .filter_map(|name| self.factor(name).ok())
                .filter(|factor| factor.levels.is_some())
                .map(|factor| factor.name.as_str())
                .collect();
            if names.is_empty() {
                continue;
            }
            let mut by: Vec<String> = names.iter().map(|name| column(name)).collect();
            let measure = match (self.family, self.continuous()) {
                (Family::Logistic, _) => {
                    by.push(self.outcome.clone());
                    "count(*) as n".to_owned()
                }
                (Family::Linear, true) => "count(*) as n".to_owned(),
                (Family::Linear, false) => format!("count(*) as n, avg({}) as mean", self.outcome),
            };
            let by = by.join(", ");
            tables.push(format!(
                "{} group by {by}",
                self.over(&format!("{by}, {measure}"))
            ));
        }
        tables
    }
}

impl Factor {
    /// What it adds to a term: itself, or its groups but the first.
    fn parts(&self) -> Vec<(String, String)> {
        match &self.levels {
            None => vec![(self.name.clone(), number(&self.name))],
            Some(levels) => levels
                .iter()
                .skip(1)
                .map(|level| {
                    let is = format!("{} = {}", group(&self.name), quote::text(level));
                    (
                        format!("{}={level}", self.name),
                        format!("(case when {is} then 1.0::double else 0.0::double end)"),
                    )
                })
                .collect(),
        }
    }
}

pub(super) fn number(name: &str) -> String {
    format!("cast({} as double)", column(name))
}

pub(super) fn group(name: &str) -> String {
    format!("cast({} as varchar)", column(name))
}

pub(super) fn present(name: &str) -> String {
    format!("{name} is not null")
}

fn finite(value: &str) -> String {
    format!("isfinite({value})")
}
