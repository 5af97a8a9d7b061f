//! From a form to a request: everything that can be refused without data.

use super::read::{ConditionForm, Form, KeyForm, Scalar};
use super::{Budget, Condition, Key, Literal, Operator, Request};
use crate::error::refuse;
use crate::{Limits, PrivacyError};

mod features;
mod statistics;

/// Most bytes of a column's or table's name.
const NAME_BYTES: usize = 128;
/// Most bytes of a text literal.
const TEXT_BYTES: usize = 200;
/// Largest whole number that every reader of JSON holds exactly.
const NUMBER_MAX: f64 = 9_007_199_254_740_992.0;
/// Nano-rho in a rho.
const NANO: f64 = 1e9;
/// Units of 10^-18 in a delta.
const ATTO: f64 = 1e18;

pub(super) fn checked(form: Form, limits: &Limits) -> Result<Request, PrivacyError> {
    let group_by = keys(form.group_by.0, limits)?;
    let features = features::features(form.features.0)?;
    let having = conditions(form.having.0)?;
    if features.is_empty() && !having.is_empty() {
        return refuse("having compares features, and the request has none; write filter");
    }
    let windows = features::windows(form.windows.0)?;
    Limits::most(
        "features",
        limits.features,
        features.len() + windows.len(),
        "features and windows",
    )?;
    features::names(&windows, &features)?;
    let filter = conditions(form.filter.0)?;
    let inner: usize = features.iter().map(|f| f.conditions.len()).sum();
    Limits::most(
        "conditions",
        limits.conditions,
        filter.len() + having.len() + inner,
        "conditions",
    )?;
    let mut join: Vec<String> = form.join.0.into_iter().map(|table| table.0).collect();
    Limits::most("joins", limits.joins, join.len(), "joined tables")?;
    join.sort();
    for table in std::iter::once(&form.table).chain(&join) {
        name("table", table)?;
    }
    if join.contains(&form.table) || join.windows(2).any(|pair| pair.first() == pair.last()) {
        return refuse("a table is joined twice; each table may stand once");
    }
    let statistics = statistics::checked(form.statistics.0, limits)?;
    let contribution = (
        form.l0.or(form.contribution.l0),
        form.linf.or(form.contribution.linf),
    );
    if (form.l0.is_some() && form.contribution.l0.is_some())
        || (form.linf.is_some() && form.contribution.linf.is_some())
    {
        return refuse("a contribution bound stands twice");
    }
    let one_row = !features.is_empty();
    let only_people = statistics
        .iter()
        .all(|statistic| matches!(statistic, super::Statistic::People));
    let (l0, linf) = bounded(contribution, &group_by, one_row, only_people, limits)?;
    let request = Request {
        table: form.table,
        join,
        filter,
        windows,
        features,
        having,
        group_by,
        statistics,
        l0,
        linf,
        budget: spent(
            form.rho,
            form.accuracy.map(|a| (a.error, a.n)),
            form.epsilon,
            limits,
        )?,
        atto_delta: form.delta.map(delta).transpose()?,
        totals: form.totals,
        minimum: form.minimum.unwrap_or(0),
    };
    charged_delta(&request, limits)?;
    counts_what_it_hides(&request)?;
    Ok(request)
}

/// How often one person can count. A person with features has one row in one group.
fn bounded(
    (l0, linf): (Option<u32>, Option<u32>),
    keys: &[Key],
    one_row: bool,
    only_people: bool,
    limits: &Limits,
) -> Result<(u32, u32), PrivacyError> {
    if l0 == Some(0) || linf == Some(0) {
        return refuse("l0 and linf are at least 1");
    }
    if one_row {
        // Larger bounds would only cost more.
        return Ok((1, 1));
    }
    let groups = group_count(keys);
    let l0 = match (l0, groups) {
        (_, Some(1)) => 1,
        (Some(l0), Some(groups)) => l0.min(u32::try_from(groups).unwrap_or(u32::MAX)),
        (Some(l0), None) => l0,
        (None, _) => {
            return refuse("l0 is missing: to how many groups may one person contribute at most?");
        }
    };
    let linf = match linf {
        Some(linf) => linf,
        None if only_people => 1,
        None => {
            return refuse(
                "linf is missing: with how many rows may one person contribute to one group at most?",
            );
        }
    };
    Limits::most(
        "groups",
        limits.groups,
        l0 as usize,
        "groups for one person (l0)",
    )?;
    Limits::most(
        "rows",
        limits.rows,
        linf as usize,
        "rows for one person and group (linf)",
    )?;
    Ok((l0, linf))
}

/// Combinations of codebook values; none where a key's values are unknown.
fn group_count(keys: &[Key]) -> Option<u64> {
    keys.iter().try_fold(1_u64, |product, key| {
        key.values
            .as_ref()
            .map(|values| product.saturating_mul(values.len() as u64))
    })
}

fn keys(forms: Vec<KeyForm>, limits: &Limits) -> Result<Vec<Key>, PrivacyError> {
    Limits::most("keys", limits.keys, forms.len(), "group keys")?;
    let mut keys = Vec::with_capacity(forms.len());
    for form in forms {
        name("column", &form.column)?;
        let values = match form.values {
            None => None,
            Some(scalars) => {
                let mut values = literals(&form.column, scalars)?;
                values.sort_by(order);
                if values.is_empty() {
                    return refuse(format!(
                        "the group key {} has an empty list of values; leave values out to find them by threshold",
                        form.column
                    ));
                }
                if values.windows(2).any(|pair| pair.first() == pair.last()) {
                    return refuse(format!(
                        "a value of the group key {} stands twice",
                        form.column
                    ));
                }
                Some(values)
            }
        };
        keys.push(Key {
            column: form.column,
            values,
        });
    }
    keys.sort_by(|a, b| a.column.cmp(&b.column));
    if keys
        .windows(2)
        .any(|pair| matches!(pair, [a, b] if a.column.eq_ignore_ascii_case(&b.column)))
    {
        return refuse("a column is a group key twice");
    }
    let groups = group_count(&keys).unwrap_or(0);
    Limits::most(
        "groups",
        limits.groups,
        usize::try_from(groups).unwrap_or(usize::MAX),
        "groups",
    )?;
    Ok(keys)
}

/// Literals of one kind, besides missing ones; text that looks like a date is a date if all do.
fn literals(column: &str, scalars: Vec<Scalar>) -> Result<Vec<Literal>, PrivacyError> {
    let text = |s: &Scalar| matches!(s, Scalar::Text(_) | Scalar::Null);
    let day = |s: &Scalar| match s {
        Scalar::Text(text) => is_date(text),
        Scalar::Null => true,
        Scalar::Boolean(_) | Scalar::Number(_) => false,
    };
    let dates = scalars.iter().any(text) && scalars.iter().all(day);
    let mut values = Vec::with_capacity(scalars.len());
    for scalar in scalars {
        values.push(match scalar {
            Scalar::Null => Literal::Missing,
            Scalar::Boolean(value) => Literal::Boolean(value),
            Scalar::Number(value) => Literal::Number(number(column, value)?),
            Scalar::Text(text) if dates => Literal::Date(text),
            Scalar::Text(text) => {
                if text.len() > TEXT_BYTES || text.contains('\0') {
                    return refuse(format!(
                        "a value for {column} is longer than {TEXT_BYTES} bytes or holds a null character"
                    ));
                }
                Literal::Text(text)
            }
        });
    }
    let mut kinds: Vec<_> = values
        .iter()
        .filter(|value| **value != Literal::Missing)
        .map(std::mem::discriminant)
        .collect();
    kinds.dedup();
    if kinds.len() > 1 {
        return refuse(format!(
            "the values for {column} are of different kinds: write all as text, or all as numbers"
        ));
    }
    Ok(values)
}

/// A finite number that means the same to every reader; zero has one sign.
fn number(column: &str, value: f64) -> Result<f64, PrivacyError> {
    if !value.is_finite() || value.abs() > NUMBER_MAX {
        return refuse(format!("a number for {column} is beyond 2^53"));
    }
    Ok(value + 0.0)
}

/// A total order: numbers are finite.
fn order(a: &Literal, b: &Literal) -> std::cmp::Ordering {
    a.partial_cmp(b).unwrap_or(std::cmp::Ordering::Equal)
}

fn is_date(text: &str) -> bool {
    let bytes = text.as_bytes();
    let form = bytes.len() == 10
        && bytes.iter().enumerate().all(|(at, byte)| match at {
            4 | 7 => *byte == b'-',
            _ => byte.is_ascii_digit(),
        });
    let part = |range| text.get(range).and_then(|part: &str| part.parse().ok());
    let (Some(year), Some(month), Some(day)): (Option<u32>, Option<u32>, Option<u32>) =
        (part(0..4), part(5..7), part(8..10))
    else {
        return false;
    };
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => 0,
    };
    form && year > 0 && day > 0 && day <= days
}

fn conditions(forms: Vec<ConditionForm>) -> Result<Vec<Condition>, PrivacyError> {
    let mut all = forms
        .into_iter()
        .map(condition)
        .collect::<Result<Vec<_>, _>>()?;
    all.sort_by(|a, b| a.partial_cmp(b).unwrap_or(std::cmp::Ordering::Equal));
    all.dedup();
    Ok(all)
}

fn condition(form: ConditionForm) -> Result<Condition, PrivacyError> {
    name("column", &form.column)?;
    let op = match form.op.to_ascii_lowercase().as_str() {
        "=" | "==" | "eq" | "equal" | "equals" | "is" => Operator::Equal,
        "!=" | "<>" | "ne" | "not_equal" => Operator::NotEqual,
        "<" | "lt" | "less" => Operator::Less,
        "<=" | "le" | "lte" | "at_most" => Operator::AtMost,
        ">" | "gt" | "greater" => Operator::Greater,
        ">=" | "ge" | "gte" | "at_least" => Operator::AtLeast,
        "in" => Operator::In,
        "not_in" | "not in" => Operator::NotIn,
        "between" => Operator::Between,
        "is_null" | "is null" | "missing" => Operator::IsNull,
        "is_not_null" | "not_null" | "is not null" | "present" => Operator::IsNotNull,
        _ => {
            return refuse(
                "a condition's op is one of =, !=, <, <=, >, >=, in, not_in, between, is_null, is_not_null",
            );
        }
    };
    let mut values = literals(&form.column, form.value.unwrap_or_default().0)?;
    let fits = match op {
        Operator::IsNull | Operator::IsNotNull => values.is_empty(),
        Operator::In | Operator::NotIn => !values.is_empty(),
        Operator::Between => values.len() == 2,
        Operator::Equal
        | Operator::NotEqual
        | Operator::Less
        | Operator::AtMost
        | Operator::Greater
        | Operator::AtLeast => values.len() == 1,
    };
    if !fits || values.contains(&Literal::Missing) {
        return refuse(format!(
            "the condition on {} has another number of values than its op takes, or a missing one; write is_null",
            form.column
        ));
    }
    if matches!(op, Operator::In | Operator::NotIn) {
        values.sort_by(order);
        values.dedup();
    }
    Ok(Condition {
        column: form.column,
        op,
        values,
    })
}

/// A name that the data gives.
pub(super) fn name(of: &str, text: &str) -> Result<(), PrivacyError> {
    if text.is_empty() || text.len() > NAME_BYTES || text.chars().any(char::is_control) {
        return refuse(format!(
            "a {of}'s name is empty, longer than {NAME_BYTES} bytes or holds a control character"
        ));
    }
    Ok(())
}

fn budget(
    rho: Option<f64>,
    accuracy: Option<(f64, Option<u64>)>,
    limits: &Limits,
) -> Result<Budget, PrivacyError> {
    match (rho, accuracy) {
        (Some(_), Some(_)) => refuse("give rho or the wanted accuracy, not both"),
        (None, None) => refuse("rho is missing, and so are epsilon and the wanted accuracy"),
        (None, Some((error, n))) => {
            if !error.is_finite() || error <= 0.0 || n == Some(0) {
                return refuse("the wanted accuracy is an error above 0, with n at least 1");
            }
            Ok(Budget::Accuracy { error, n })
        }
        (Some(rho), None) => {
            if !rho.is_finite() || rho <= 0.0 {
                return refuse("rho is a number above 0");
            }
            // What is below a nano-rho is not spent. A decimal such as 0.3 is meant as written.
            let nano = (rho * NANO * (1.0 + f64::EPSILON)).floor();
            if nano > limits.nano_rho_max as f64 {
                return Err(PrivacyError::Limit {
                    limit: "rho_max",
                    most: (limits.nano_rho_max as f64 / NANO).to_string(),
                    what: format!("rho {rho}"),
                });
            }
            if nano < limits.nano_rho_min as f64 {
                return refuse(format!(
                    "rho is below the smallest charge of {}",
                    limits.nano_rho_min as f64 / NANO
                ));
            }
            Ok(Budget::NanoRho(nano as u64))
        }
    }
}

/// What may be spent, given in one of three ways.
fn spent(
    rho: Option<f64>,
    accuracy: Option<(f64, Option<u64>)>,
    epsilon: Option<f64>,
    limits: &Limits,
) -> Result<Budget, PrivacyError> {
    match epsilon {
        None => budget(rho, accuracy, limits),
        Some(epsilon) if rho.is_none() && accuracy.is_none() => whole_epsilon(epsilon),
        Some(_) => refuse("give one of rho, epsilon and the wanted accuracy"),
    }
}

/// An epsilon in units of 10^-9; what is below one is not spent.
fn whole_epsilon(epsilon: f64) -> Result<Budget, PrivacyError> {
    // Far above any use; the limits of rho bind long before.
    if !epsilon.is_finite() || epsilon <= 0.0 || epsilon > 1_000.0 {
        return refuse("epsilon is a number above 0 and at most 1000");
    }
    match (epsilon * NANO * (1.0 + f64::EPSILON)).floor() {
        0.0 => refuse("epsilon is at least 1e-9"),
        nano => Ok(Budget::NanoEpsilon(nano as u64)),
    }
}

/// What is below a minimum is known only from a count that is released.
fn counts_what_it_hides(request: &Request) -> Result<(), PrivacyError> {
    let counts = |statistic: &super::Statistic| {
        matches!(
            statistic,
            super::Statistic::Count { column: None } | super::Statistic::People
        )
    };
    if request.minimum > 0 && !request.statistics.iter().any(counts) {
        return refuse(
            "minimum needs count or people among the statistics: it looks at their noisy number",
        );
    }
    Ok(())
}

fn delta(delta: f64) -> Result<u64, PrivacyError> {
    if !delta.is_finite() || delta <= 0.0 || delta >= 1.0 {
        return refuse("delta is above 0 and below 1");
    }
    Ok((delta * ATTO * (1.0 + f64::EPSILON)).floor() as u64)
}

fn charged_delta(request: &Request, limits: &Limits) -> Result<(), PrivacyError> {
    if !request.finds_keys() {
        return Ok(());
    }
    match request.atto_delta {
        None | Some(0) => refuse(
            "a group key has no values: give its codebook values, or a delta of at least 1e-18 to find them by threshold",
        ),
        Some(delta) if delta > limits.atto_delta_max => Err(PrivacyError::Limit {
            limit: "delta_max",
            most: (limits.atto_delta_max as f64 / ATTO).to_string(),
            what: format!("delta {}", delta as f64 / ATTO),
        }),
        Some(_) => Ok(()),
    }
}
