//! Aggregates: which rows are behind each, and which of them are counts in disguise.

use disclosure::{CountLevel, Kind, Whole};
use serde_json::Value;

use super::expr::{no_order, own_name};
use super::items::row;
use super::node::{self, child, integer, list, refuse_used, text, unused};
use super::ones::{Ones, Others, is_null, ones, single_case};
use super::plan::{Aggregate, Part};
use super::quantiles::{quantile, within_group};
use super::scope::Scope;
use super::{Stop, untraceable};

/// The most different conditions of one statement.
pub(super) const CONDITIONS_MAX: usize = 60;

const KNOWN: [(&str, Kind); 34] = [
    ("count", Kind::Count),
    ("count_star", Kind::Count),
    ("count_if", Kind::Count),
    ("countif", Kind::Count),
    ("regr_count", Kind::Count),
    ("bool_and", Kind::Share),
    ("bool_or", Kind::Share),
    ("sum", Kind::Total),
    ("avg", Kind::Total),
    ("mean", Kind::Total),
    ("min", Kind::Extreme),
    ("max", Kind::Extreme),
    ("median", Kind::Quantile),
    ("quantile", Kind::Quantile),
    ("quantile_cont", Kind::Quantile),
    ("quantile_disc", Kind::Quantile),
    ("approx_quantile", Kind::Quantile),
    ("mad", Kind::Quantile),
    ("mode", Kind::Mode),
    ("stddev", Kind::Spread),
    ("stddev_samp", Kind::Spread),
    ("stddev_pop", Kind::Spread),
    ("variance", Kind::Spread),
    ("var_samp", Kind::Spread),
    ("var_pop", Kind::Spread),
    ("skewness", Kind::Spread),
    ("kurtosis", Kind::Spread),
    ("sem", Kind::Spread),
    ("corr", Kind::Relation),
    ("covar_pop", Kind::Relation),
    ("covar_samp", Kind::Relation),
    ("regr_slope", Kind::Relation),
    ("regr_intercept", Kind::Relation),
    ("regr_r2", Kind::Relation),
];

/// Aggregates that are recognised only to be refused by name.
const REFUSED: [&str; 19] = [
    "any_value",
    "arbitrary",
    "first",
    "last",
    "list",
    "array_agg",
    "string_agg",
    "group_concat",
    "listagg",
    "arg_max",
    "arg_min",
    "max_by",
    "min_by",
    "histogram",
    "bit_and",
    "bit_or",
    "product",
    "entropy",
    "approx_count_distinct",
];

/// The names that are computed.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    KNOWN.into_iter().map(|(name, _)| name)
}

/// Whether a function is an aggregate, allowed or not.
pub(super) fn is_aggregate(name: &str) -> bool {
    names().any(|known| known == name) || REFUSED.contains(&name)
}

/// Whether an expression holds an aggregate (a window function is none).
pub(super) fn holds_aggregate(node: &Value) -> bool {
    match node {
        Value::Object(fields) => match text(node, "class") {
            "WINDOW" | "SUBQUERY" => false,
            "FUNCTION" if is_aggregate(&text(node, "function_name").to_ascii_lowercase()) => true,
            _ => fields.values().any(holds_aggregate),
        },
        Value::Array(list) => list.iter().any(holds_aggregate),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

/// The conditions that were met, each once.
pub(super) struct Conditions(pub(super) Vec<Option<Value>>);

impl Conditions {
    fn index(&mut self, condition: Option<Value>) -> Result<usize, Stop> {
        if let Some(index) = self.0.iter().position(|known| *known == condition) {
            return Ok(index);
        }
        if self.0.len() >= CONDITIONS_MAX {
            return untraceable(format!(
                "the statement counts under more than {CONDITIONS_MAX} conditions"
            ));
        }
        self.0.push(condition);
        Ok(self.0.len() - 1)
    }

    fn part(
        &mut self,
        condition: Option<Value>,
        level: CountLevel,
        whole: Whole,
    ) -> Result<Part, Stop> {
        Ok(Part {
            condition: self.index(condition)?,
            level,
            whole,
            source: 0,
        })
    }
}

/// The values that are aggregated, each once.
#[derive(Default)]
pub(super) struct Values(pub(super) Vec<Value>);

impl Values {
    fn index(&mut self, value: Value) -> usize {
        let known = self.0.iter().position(|one| *one == value);
        known.unwrap_or_else(|| {
            self.0.push(value);
            self.0.len() - 1
        })
    }
}

/// Reads an aggregate over the rows of a scope; `None` if the node is none.
pub(super) fn read(
    node: &Value,
    scope: &Scope,
    conditions: &mut Conditions,
    values: &mut Values,
) -> Result<Option<Aggregate>, Stop> {
    if text(node, "class") != "FUNCTION" {
        return Ok(None);
    }
    let name = text(node, "function_name").to_ascii_lowercase();
    if REFUSED.contains(&name.as_str()) {
        return untraceable(format!(
            "{name} shows the values of single rows or needs a rule that does not exist yet"
        ));
    }
    let Some((_, kind)) = KNOWN.into_iter().find(|(known, _)| *known == name) else {
        return Ok(None);
    };
    let within = within_group(node, &name);
    let node = within.as_ref().unwrap_or(node);
    own_name(node)?;
    no_order(node, &name)?;
    refuse_used(node, &["export_state"], &name)?;
    let distinct = !unused(node, "distinct");
    if distinct && name != "count" {
        return untraceable(format!("{name}(distinct …) cannot be traced"));
    }
    let filter = child(node, "filter")
        .map(|filter| row(filter, scope))
        .transpose()?;
    let mut arguments = Vec::new();
    for argument in list(node, "children") {
        if holds_aggregate(argument) {
            return untraceable("an aggregate stands inside an aggregate");
        }
        arguments.push(row(argument, scope)?);
    }
    let call = call_of(&name, &arguments, &filter, distinct);
    let mut rest = arguments.into_iter();
    let first = rest.next();
    let second = rest.next();
    let shape = Shape {
        name: &name,
        kind,
        distinct,
        filter,
    };
    if kind == Kind::Relation || name == "regr_count" {
        return shape
            .relation(call, (first, second), scope, conditions, values)
            .map(Some);
    }
    // A second argument says which quantile; a column there would be data of its own.
    if second
        .iter()
        .chain(rest.as_slice())
        .any(|one| text(one, "class") != "CONSTANT")
    {
        return untraceable(format!("{name} has a second argument that is no constant"));
    }
    let quantile = quantile(&name, kind, second.as_ref())?;
    let mut aggregate = shape.aggregate(call, first, scope, conditions, values)?;
    aggregate.quantile = quantile;
    Ok(Some(aggregate))
}

fn call_of(name: &str, arguments: &[Value], filter: &Option<Value>, distinct: bool) -> Value {
    let call = node::call(name, arguments.to_vec(), filter.clone());
    if distinct { node::distinct(call) } else { call }
}

struct Shape<'a> {
    name: &'a str,
    kind: Kind,
    distinct: bool,
    filter: Option<Value>,
}

impl Shape<'_> {
    /// An aggregate of two values of a row: both must be there.
    fn relation(
        self,
        call: Value,
        arguments: (Option<Value>, Option<Value>),
        scope: &Scope,
        conditions: &mut Conditions,
        values: &mut Values,
    ) -> Result<Aggregate, Stop> {
        let (Some(first), Some(second)) = arguments else {
            return untraceable(format!("{} has not two arguments", self.name));
        };
        let both_plain = scope.is_plain(&second);
        let is_count = self.kind == Kind::Count;
        let both = node::all(
            self.filter
                .iter()
                .cloned()
                .chain([node::present(first.clone()), node::present(second)])
                .collect(),
        );
        if is_count {
            let part = conditions.part(both, CountLevel::Rows, Whole::Present)?;
            return Ok(counted(call, part));
        }
        Ok(Aggregate {
            call,
            kind: match scope.is_plain(&first) && both_plain {
                true => Kind::Relation,
                false => Kind::Crafted,
            },
            behind: vec![conditions.index(both)?],
            counts: Vec::new(),
            value: Some(values.index(first)),
            quantile: None,
        })
    }

    fn aggregate(
        self,
        call: Value,
        argument: Option<Value>,
        scope: &Scope,
        conditions: &mut Conditions,
        values: &mut Values,
    ) -> Result<Aggregate, Stop> {
        let Some(argument) = argument else {
            if !matches!(self.name, "count" | "count_star") {
                return untraceable(format!("{} has no argument", self.name));
            }
            let whole = self.filtered();
            let part = conditions.part(self.filter, CountLevel::Rows, whole)?;
            return Ok(counted(call, part));
        };
        if self.name == "count" {
            return self.count(call, argument, scope, conditions);
        }
        if matches!(self.name, "count_if" | "countif") {
            let condition = self.with(argument);
            let part = conditions.part(condition, CountLevel::Rows, Whole::Part)?;
            return Ok(counted(call, part));
        }
        if matches!(self.name, "bool_and" | "bool_or") {
            return self.truth(call, argument, conditions);
        }
        let ones = matches!(self.name, "sum" | "avg" | "mean")
            .then(|| ones(&argument))
            .flatten();
        if let Some(ones) = ones {
            return self.ones(call, argument.clone(), ones, conditions);
        }
        let value = match self.kind {
            // Whatever it is, people with one value have one hash.
            Kind::Mode => values.index(node::when(
                node::present(argument.clone()),
                node::call("hash", vec![argument.clone()], None),
                node::null(),
            )),
            _ => values.index(argument.clone()),
        };
        let kind = match self.kind {
            // No rule on contributions guards a measure of spread.
            Kind::Spread if !scope.is_plain(&argument) => Kind::Crafted,
            kind => kind,
        };
        Ok(Aggregate {
            call,
            kind,
            behind: vec![conditions.index(self.with(node::present(argument)))?],
            counts: Vec::new(),
            value: Some(value),
            quantile: None,
        })
    }

    /// A sum or a mean of zeros and ones: a count, or a share.
    fn ones(
        &self,
        call: Value,
        argument: Value,
        ones: Ones,
        conditions: &mut Conditions,
    ) -> Result<Aggregate, Stop> {
        let part = conditions.part(self.with(ones.condition), CountLevel::Rows, Whole::Part)?;
        if self.name == "sum" {
            return Ok(counted(call, part));
        }
        // A mean of zeros and ones is a share: the ones of all that have a value.
        let whole = match ones.others {
            Others::Zero => {
                conditions.part(self.filter.clone(), CountLevel::Rows, self.filtered())?
            }
            Others::Missing => {
                let present = self.with(node::present(argument));
                conditions.part(present, CountLevel::Rows, Whole::Part)?
            }
        };
        Ok(share(call, part, whole))
    }

    /// Whether all satisfy a condition, or anybody does: told by how many do not, or do.
    fn truth(
        &self,
        call: Value,
        argument: Value,
        conditions: &mut Conditions,
    ) -> Result<Aggregate, Stop> {
        let present = node::present(argument.clone());
        let telling = match self.name {
            "bool_and" => {
                let is_true = node::when(argument, node::number(1), node::number(0));
                let is_false = node::compare("COMPARE_EQUAL", is_true, node::number(0));
                node::all(vec![is_false, present.clone()]).unwrap_or(Value::Null)
            }
            _ => argument,
        };
        let part = conditions.part(self.with(telling), CountLevel::Rows, Whole::Part)?;
        let present = self.with(present);
        let whole = conditions.part(present, CountLevel::Rows, Whole::Part)?;
        Ok(share(call, part, whole))
    }

    /// `count(x)`, `count(distinct x)`.
    fn count(
        self,
        call: Value,
        argument: Value,
        scope: &Scope,
        conditions: &mut Conditions,
    ) -> Result<Aggregate, Stop> {
        let unit = scope.unit.as_ref();
        if !self.distinct {
            let constant = text(&argument, "class") == "CONSTANT" && integer(&argument).is_some();
            let case = text(&argument, "class") == "CASE";
            let whole = match (&self.filter, constant, case) {
                (Some(_), _, _) | (None, _, true) => Whole::Part,
                (None, true, _) => Whole::Whole,
                (None, false, false) => Whole::Present,
            };
            let condition = if constant {
                self.filter
            } else {
                self.with(node::present(argument))
            };
            let part = conditions.part(condition, CountLevel::Rows, whole)?;
            return Ok(counted(call, part));
        }
        let people = if Some(&argument) == unit {
            Some((self.filter.clone(), self.filtered()))
        } else {
            // count(distinct case when c then person end)
            single_case(&argument)
                .filter(|(_, then, or_else)| Some(*then) == unit && is_null(or_else))
                .map(|(condition, _, _)| (self.with(condition.clone()), Whole::Part))
        };
        match people {
            Some((condition, whole)) => {
                let part = conditions.part(condition, CountLevel::People, whole)?;
                Ok(counted(call, part))
            }
            None => Ok(Aggregate {
                call,
                kind: match scope.is_of_the_data(&argument) {
                    true => Kind::Distinct,
                    false => Kind::Crafted,
                },
                behind: vec![conditions.index(self.with(node::present(argument)))?],
                counts: Vec::new(),
                value: None,
                quantile: None,
            }),
        }
    }

    /// Whether what is counted under the filter alone is all rows.
    fn filtered(&self) -> Whole {
        match self.filter {
            Some(_) => Whole::Part,
            None => Whole::Whole,
        }
    }

    /// A condition and the filter.
    fn with(&self, condition: Value) -> Option<Value> {
        node::all(self.filter.iter().cloned().chain([condition]).collect())
    }
}

/// A share of a whole, or whether there is one.
fn share(call: Value, part: Part, whole: Part) -> Aggregate {
    Aggregate {
        call,
        kind: Kind::Share,
        behind: vec![part.condition, whole.condition],
        counts: vec![part, whole],
        value: None,
        quantile: None,
    }
}

fn counted(call: Value, part: Part) -> Aggregate {
    Aggregate {
        call,
        kind: Kind::Count,
        behind: vec![part.condition],
        counts: vec![part],
        value: None,
        quantile: None,
    }
}
