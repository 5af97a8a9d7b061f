//! Aggregates: which rows are behind each, and which of them are counts in disguise.

use disclosure::{CountLevel, Kind, Whole};
use serde_json::Value;

use super::expr::{no_order, own_name};
use super::items::row;
use super::node::{self, child, integer, list, refuse_used, text, unused};
use super::plan::{Aggregate, Part};
use super::scope::Scope;
use super::{Stop, untraceable};

/// The most different conditions of one statement.
const CONDITIONS_MAX: usize = 64;

const KNOWN: [(&str, Kind); 23] = [
    ("count", Kind::Count),
    ("count_star", Kind::Count),
    ("count_if", Kind::Count),
    ("countif", Kind::Count),
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
    ("mode", Kind::Mode),
    ("stddev", Kind::Spread),
    ("stddev_samp", Kind::Spread),
    ("stddev_pop", Kind::Spread),
    ("variance", Kind::Spread),
    ("var_samp", Kind::Spread),
    ("var_pop", Kind::Spread),
    ("skewness", Kind::Spread),
    ("kurtosis", Kind::Spread),
];

/// Aggregates that are recognised only to be refused by name.
const REFUSED: [&str; 22] = [
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
    "bool_and",
    "bool_or",
    "product",
    "corr",
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
        })
    }
}

/// Reads an aggregate over the rows of a scope; `None` if the node is none.
pub(super) fn read(
    node: &Value,
    scope: &Scope,
    conditions: &mut Conditions,
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
    // Further arguments say which quantile; a column there would be data of its own.
    if rest.any(|argument| text(&argument, "class") != "CONSTANT") {
        return untraceable(format!("{name} has a second argument that is no constant"));
    }
    let shape = Shape {
        name: &name,
        kind,
        distinct,
        filter,
    };
    shape.aggregate(call, first, scope, conditions).map(Some)
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
    fn aggregate(
        self,
        call: Value,
        argument: Option<Value>,
        scope: &Scope,
        conditions: &mut Conditions,
    ) -> Result<Aggregate, Stop> {
        let counted = |part: Part| Aggregate {
            call: call.clone(),
            kind: Kind::Count,
            behind: vec![part.condition],
            counts: vec![part],
        };
        let filtered = if self.filter.is_some() {
            Whole::Part
        } else {
            Whole::Whole
        };
        let Some(argument) = argument else {
            if !matches!(self.name, "count" | "count_star") {
                return untraceable(format!("{} has no argument", self.name));
            }
            return Ok(counted(conditions.part(
                self.filter,
                CountLevel::Rows,
                filtered,
            )?));
        };
        if self.name == "count" {
            return self.count(call, argument, scope, conditions);
        }
        if matches!(self.name, "count_if" | "countif") {
            let condition = self.with(argument);
            return Ok(counted(conditions.part(
                condition,
                CountLevel::Rows,
                Whole::Part,
            )?));
        }
        let ones = matches!(self.name, "sum" | "avg" | "mean")
            .then(|| ones(&argument))
            .flatten();
        if let Some(ones) = ones {
            let part = conditions.part(self.with(ones.condition), CountLevel::Rows, Whole::Part)?;
            if self.name == "sum" {
                return Ok(counted(part));
            }
            // A mean of zeros and ones is a share: the ones of all that have a value.
            let whole = match ones.others {
                Others::Zero => conditions.part(self.filter.clone(), CountLevel::Rows, filtered)?,
                Others::Missing => {
                    let present = self.with(present(argument));
                    conditions.part(present, CountLevel::Rows, Whole::Part)?
                }
            };
            return Ok(Aggregate {
                call,
                kind: Kind::Share,
                behind: vec![part.condition, whole.condition],
                counts: vec![part, whole],
            });
        }
        Ok(Aggregate {
            call,
            kind: self.kind,
            behind: vec![conditions.index(self.with(present(argument)))?],
            counts: Vec::new(),
        })
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
                self.with(present(argument))
            };
            let part = conditions.part(condition, CountLevel::Rows, whole)?;
            return Ok(Aggregate {
                call,
                kind: Kind::Count,
                behind: vec![part.condition],
                counts: vec![part],
            });
        }
        let people = if Some(&argument) == unit {
            let whole = if self.filter.is_some() {
                Whole::Part
            } else {
                Whole::Whole
            };
            Some((self.filter.clone(), whole))
        } else {
            // count(distinct case when c then person end)
            single_case(&argument)
                .filter(|(_, then, or_else)| Some(*then) == unit && is_null(or_else))
                .map(|(condition, _, _)| (self.with(condition.clone()), Whole::Part))
        };
        match people {
            Some((condition, whole)) => {
                let part = conditions.part(condition, CountLevel::People, whole)?;
                Ok(Aggregate {
                    call,
                    kind: Kind::Count,
                    behind: vec![part.condition],
                    counts: vec![part],
                })
            }
            None => Ok(Aggregate {
                call,
                kind: Kind::Distinct,
                behind: vec![conditions.index(self.with(present(argument)))?],
                counts: Vec::new(),
            }),
        }
    }

    /// A condition and the filter.
    fn with(&self, condition: Value) -> Option<Value> {
        node::all(self.filter.iter().cloned().chain([condition]).collect())
    }
}

fn present(argument: Value) -> Value {
    node::operator("OPERATOR_IS_NOT_NULL", vec![argument])
}

/// What an expression of zeros and ones gives where it gives no one.
enum Others {
    Zero,
    Missing,
}

/// When an expression is one.
struct Ones {
    condition: Value,
    others: Others,
}

/// An expression that is never anything but zero, one or missing.
fn ones(argument: &Value) -> Option<Ones> {
    match text(argument, "class") {
        "CASE" => {
            let thens = list(argument, "case_checks")
                .iter()
                .filter_map(|check| check.get("then_expr"));
            let values: Vec<&Value> = thens.chain(argument.get("else_expr")).collect();
            let missing = values.iter().any(|value| is_null(value));
            let fits = values
                .iter()
                .all(|value| is_null(value) || matches!(digit(value), Some(0 | 1)));
            fits.then(|| Ones {
                condition: node::compare("COMPARE_EQUAL", argument.clone(), node::number(1)),
                others: if missing {
                    Others::Missing
                } else {
                    Others::Zero
                },
            })
        }
        "CAST" => {
            let inner = argument.get("child")?;
            let target = argument
                .get("cast_type")
                .map_or("", |kind| text(kind, "id"));
            let number = matches!(
                target,
                "TINYINT" | "SMALLINT" | "INTEGER" | "BIGINT" | "DOUBLE"
            );
            // A comparison with a missing value is missing.
            (number
                && matches!(
                    text(inner, "class"),
                    "COMPARISON" | "CONJUNCTION" | "BETWEEN"
                ))
            .then(|| Ones {
                condition: inner.clone(),
                others: Others::Missing,
            })
        }
        _ => None,
    }
}

/// 0 or 1 as an integer, a decimal or a double.
fn digit(node: &Value) -> Option<i64> {
    if let Some(value) = integer(node) {
        return Some(value);
    }
    let value = node.get("value")?;
    match (text(node, "class"), text(value.get("type")?, "id")) {
        ("CONSTANT", "DECIMAL") => {
            let scale = value
                .get("type")?
                .get("type_info")?
                .get("scale")?
                .as_u64()?;
            let unscaled = value.get("value")?.as_i64()?;
            let one = 10_i64.checked_pow(u32::try_from(scale).ok()?)?;
            (unscaled % one == 0).then_some(unscaled / one)
        }
        _ => None,
    }
}

fn is_null(node: &Value) -> bool {
    text(node, "class") == "CONSTANT"
        && node.get("value").and_then(|value| value.get("is_null")) == Some(&Value::Bool(true))
}

/// A case with one branch: condition, then, else.
fn single_case(node: &Value) -> Option<(&Value, &Value, &Value)> {
    match list(node, "case_checks") {
        [check] => Some((
            check.get("when_expr")?,
            check.get("then_expr")?,
            node.get("else_expr")?,
        )),
        _ => None,
    }
}
