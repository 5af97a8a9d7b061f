//! The JSON that Splink saves a model as.

use serde::Deserialize;

use super::expr::{Expr, Order, Side};
use super::{Comparison, Frequency, Level, Rule, Shares, Splink, sql};
use crate::spec::LinkType;

/// Comparisons of one model, levels of one comparison, rules of one model.
const PARTS_MAX: usize = 64;

/// Keys of versions 4 and 5. Those that do not bear on a pair's weight are read and passed over.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "known keys that a weight does not depend on")]
struct Written {
    link_type: String,
    probability_two_random_records_match: f64,
    comparisons: Vec<WrittenComparison>,
    blocking_rules_to_generate_predictions: Vec<WrittenRule>,
    sql_dialect: Option<String>,
    #[serde(default)]
    retain_matching_columns: serde_json::Value,
    #[serde(default)]
    retain_intermediate_calculation_columns: serde_json::Value,
    #[serde(default)]
    additional_columns_to_retain: serde_json::Value,
    #[serde(default)]
    linker_uid: serde_json::Value,
    #[serde(default)]
    em_convergence: serde_json::Value,
    #[serde(default)]
    max_iterations: serde_json::Value,
    #[serde(default)]
    bayes_factor_column_prefix: serde_json::Value,
    #[serde(default)]
    match_weight_column_prefix: serde_json::Value,
    #[serde(default)]
    term_frequency_adjustment_column_prefix: serde_json::Value,
    #[serde(default)]
    comparison_vector_value_column_prefix: serde_json::Value,
    #[serde(default)]
    unique_id_column_name: serde_json::Value,
    #[serde(default)]
    source_dataset_column_name: serde_json::Value,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "known keys that a weight does not depend on")]
struct WrittenComparison {
    output_column_name: Option<String>,
    comparison_levels: Vec<WrittenLevel>,
    #[serde(default)]
    comparison_description: serde_json::Value,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "known keys that a weight does not depend on")]
struct WrittenLevel {
    sql_condition: String,
    label_for_charts: Option<String>,
    #[serde(default)]
    is_null_level: bool,
    #[serde(default)]
    m_probability: serde_json::Value,
    #[serde(default)]
    u_probability: serde_json::Value,
    tf_adjustment_column: Option<String>,
    tf_adjustment_weight: Option<f64>,
    tf_minimum_u_value: Option<f64>,
    #[serde(default)]
    disable_tf_exact_match_detection: bool,
    #[serde(default)]
    fix_m_probability: bool,
    #[serde(default)]
    fix_u_probability: bool,
    #[serde(default)]
    comparison_vector_value: serde_json::Value,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum WrittenRule {
    Text(String),
    Whole(WholeRule),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "known keys that a weight does not depend on")]
struct WholeRule {
    blocking_rule: String,
    sql_dialect: Option<String>,
    #[serde(default)]
    salting_partitions: serde_json::Value,
    #[serde(default)]
    arrays_to_explode: Vec<String>,
}

pub(super) fn read(text: &str) -> Result<Splink, String> {
    let written: Written = serde_json::from_str(text).map_err(|error| words(&error))?;
    let link_type = match written.link_type.as_str() {
        "link_only" => LinkType::Link,
        "dedupe_only" => LinkType::Dedupe,
        other => {
            return Err(format!(
                "link_type {other:?} is neither \"link_only\" nor \"dedupe_only\""
            ));
        }
    };
    if written
        .sql_dialect
        .as_deref()
        .is_some_and(|dialect| dialect != "duckdb")
    {
        return Err("sql_dialect is not \"duckdb\", whose functions are the ones known".into());
    }
    let prior = written.probability_two_random_records_match;
    if !(prior > 0.0 && prior < 1.0) {
        return Err("probability_two_random_records_match is not above 0 and below 1".into());
    }
    let too_many = written.comparisons.len() > PARTS_MAX
        || written.blocking_rules_to_generate_predictions.len() > PARTS_MAX
        || written
            .comparisons
            .iter()
            .any(|c| c.comparison_levels.len() > PARTS_MAX);
    if too_many {
        return Err(format!(
            "there are more than {PARTS_MAX} comparisons, levels or blocking rules"
        ));
    }
    let mut columns = Vec::new();
    let comparisons = written
        .comparisons
        .into_iter()
        .enumerate()
        .map(|(place, comparison)| one_comparison(place, comparison, &mut columns))
        .collect::<Result<Vec<_>, _>>()?;
    if comparisons.is_empty() {
        return Err("there are no comparisons".into());
    }
    let rules = written
        .blocking_rules_to_generate_predictions
        .into_iter()
        .map(|rule| one_rule(rule, &mut columns))
        .collect::<Result<Vec<_>, _>>()?;
    if rules.is_empty() {
        return Err(
            "blocking_rules_to_generate_predictions has no rule, and every pair would be compared"
                .into(),
        );
    }
    Ok(Splink {
        link_type,
        prior,
        columns,
        comparisons,
        rules,
    })
}

/// The first clause of what the parser says, with its place.
fn words(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let clause = text.split(", expected one of").next().unwrap_or_default();
    let clause = clause.split(" at line").next().unwrap_or_default();
    format!("line {}: {clause}", error.line())
}

fn one_comparison(
    place: usize,
    written: WrittenComparison,
    columns: &mut Vec<String>,
) -> Result<Comparison, String> {
    let name = written
        .output_column_name
        .unwrap_or_else(|| format!("comparison {}", place + 1));
    let last = written.comparison_levels.len().saturating_sub(1);
    let mut levels = Vec::new();
    let mut wanted = Vec::new();
    for (at, level) in written.comparison_levels.iter().enumerate() {
        let of = |text: String| format!("comparison {name}, level {}: {text}", at + 1);
        let other = level.sql_condition.trim().eq_ignore_ascii_case("else");
        if other != (at == last) {
            return Err(of(
                "the condition ELSE must be the last one, and the last one must be ELSE".into(),
            ));
        }
        let condition = if other {
            None
        } else {
            let read = sql::read(&level.sql_condition, columns);
            Some(read.map_err(|text| of(format!("the condition has {text}, which is not known")))?)
        };
        wanted.push(frequency(level, other).map_err(of)?);
        let of = |text: String| format!("comparison {name}, level {}: {text}", at + 1);
        levels.push(Level {
            label: level
                .label_for_charts
                .clone()
                .unwrap_or_else(|| level.sql_condition.clone()),
            condition,
            shares: shares(level).map_err(of)?,
            frequency: None,
        });
    }
    if levels.is_empty() {
        return Err(format!("comparison {name} has no levels"));
    }
    adjust(&name, &mut levels, wanted, columns)?;
    let alone = alone(&levels);
    Ok(Comparison {
        name,
        levels,
        alone,
    })
}

/// Gives levels their term-frequency adjustments.
fn adjust(
    name: &str,
    levels: &mut [Level],
    wanted: Vec<Option<Wanted>>,
    columns: &mut Vec<String>,
) -> Result<(), String> {
    for (at, wanted) in wanted.into_iter().enumerate() {
        let Some(wanted) = wanted else { continue };
        let column = sql::place(columns, &wanted.column);
        let own = levels.get(at).and_then(|level| level.shares);
        let of = if wanted.own {
            own
        } else {
            exact(levels, column)
        };
        let of = of.ok_or_else(|| {
            format!(
                "comparison {name}, level {}: no level is an exact match on {}, whose term frequency is asked for",
                at + 1,
                wanted.column
            )
        })?;
        if let Some(level) = levels.get_mut(at) {
            level.frequency = Some(Frequency {
                column,
                weight: wanted.weight,
                least: wanted.least,
                u_exact: of.u,
            });
        }
    }
    Ok(())
}

/// The m and u of a level; nothing of the level of missing values.
fn shares(level: &WrittenLevel) -> Result<Option<Shares>, String> {
    if level.is_null_level {
        return Ok(None);
    }
    let share = |name: &str, share: &serde_json::Value| match share.as_f64() {
        Some(share) if (0.0..=1.0).contains(&share) => Ok(share),
        Some(_) => Err(format!("{name} is not between 0 and 1")),
        None => Err(format!(
            "there is no number for {name}: of a level that training never met Splink counts with 0.000001 before the model is saved and with a default after, so write in the one that is meant"
        )),
    };
    Ok(Some(Shares {
        m: share("m_probability", &level.m_probability)?,
        u: share("u_probability", &level.u_probability)?,
    }))
}

/// A term-frequency adjustment as it was asked for.
struct Wanted {
    column: String,
    weight: f64,
    least: f64,
    /// Against the level's own u, not the exact level's.
    own: bool,
}

fn frequency(level: &WrittenLevel, other: bool) -> Result<Option<Wanted>, String> {
    let Some(column) = &level.tf_adjustment_column else {
        return Ok(None);
    };
    let weight = level.tf_adjustment_weight.unwrap_or(1.0);
    let least = level.tf_minimum_u_value.unwrap_or(0.0);
    if !(weight.is_finite() && (0.0..=1.0).contains(&least)) {
        return Err("tf_adjustment_weight or tf_minimum_u_value is out of its range".into());
    }
    // Splink adjusts neither the level of missing values nor ELSE.
    if level.is_null_level || other || weight == 0.0 {
        return Ok(None);
    }
    Ok(Some(Wanted {
        column: column.trim_matches('"').to_owned(),
        weight,
        least,
        own: level.disable_tf_exact_match_detection,
    }))
}

/// Shares of the level that is an exact match on a column and nothing else.
fn exact(levels: &[Level], column: usize) -> Option<Shares> {
    let is_exact = |condition: &Expr| match condition {
        Expr::Compare(Order::Equal, a, b) => match (a.as_ref(), b.as_ref()) {
            (Expr::Column(a, x), Expr::Column(b, y)) => *a == column && *b == column && x != y,
            _ => false,
        },
        _ => false,
    };
    levels
        .iter()
        .find(|level| level.condition.as_ref().is_some_and(is_exact))
        .and_then(|level| level.shares)
}

/// The column that all conditions read, if it is one.
fn alone(levels: &[Level]) -> Option<usize> {
    let mut seen = Vec::new();
    for condition in levels.iter().filter_map(|level| level.condition.as_ref()) {
        condition.columns(&mut |column, _| {
            if !seen.contains(&column) {
                seen.push(column);
            }
        });
    }
    match seen.as_slice() {
        [column] => Some(*column),
        _ => None,
    }
}

fn one_rule(written: WrittenRule, columns: &mut Vec<String>) -> Result<Rule, String> {
    let (text, exploded) = match written {
        WrittenRule::Text(text) => (text, Vec::new()),
        WrittenRule::Whole(rule) => (rule.blocking_rule, rule.arrays_to_explode),
    };
    if !exploded.is_empty() {
        return Err(format!(
            "blocking rule {text}: arrays_to_explode is not known"
        ));
    }
    let whole = sql::read(&text, columns)
        .map_err(|words| format!("blocking rule {text}: it has {words}, which is not known"))?;
    let mut rule = Rule {
        text,
        keys: Vec::new(),
        besides: None,
    };
    rule.add(whole);
    if rule.keys.is_empty() {
        return Err(format!(
            "blocking rule {}: nothing in it must be equal in both records, and every pair would be compared",
            rule.text
        ));
    }
    Ok(rule)
}

impl Rule {
    /// Parts that must all hold: equalities of one record with the other become keys.
    fn add(&mut self, part: Expr) {
        match part {
            Expr::And(a, b) => {
                self.add(*a);
                self.add(*b);
            }
            Expr::Compare(Order::Equal, a, b) => match (side(&a), side(&b)) {
                (Some(Side::Left), Some(Side::Right)) => self.keys.push((*a, *b)),
                (Some(Side::Right), Some(Side::Left)) => self.keys.push((*b, *a)),
                _ => self.must(Expr::Compare(Order::Equal, a, b)),
            },
            other => self.must(other),
        }
    }

    fn must(&mut self, part: Expr) {
        self.besides = Some(match self.besides.take() {
            None => part,
            Some(before) => Expr::And(Box::new(before), Box::new(part)),
        });
    }
}

/// The record that an expression reads, if it is one.
fn side(of: &Expr) -> Option<Side> {
    let mut found = Vec::new();
    of.columns(&mut |_, side| found.push(side));
    let first = found.first().copied()?;
    found.iter().all(|side| *side == first).then_some(first)
}
