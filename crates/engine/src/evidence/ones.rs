//! Expressions of zeros and ones: counts in disguise.

use serde_json::Value;

use super::node::{self, integer, list, text};

/// What an expression of zeros and ones gives where it gives no one.
pub(super) enum Others {
    Zero,
    Missing,
}

/// When an expression is one.
pub(super) struct Ones {
    pub(super) condition: Value,
    pub(super) others: Others,
}

/// An expression that is never anything but zero, one or missing.
pub(super) fn ones(argument: &Value) -> Option<Ones> {
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

pub(super) fn is_null(node: &Value) -> bool {
    text(node, "class") == "CONSTANT"
        && node.get("value").and_then(|value| value.get("is_null")) == Some(&Value::Bool(true))
}

/// A case with one branch: condition, then, else.
pub(super) fn single_case(node: &Value) -> Option<(&Value, &Value, &Value)> {
    match list(node, "case_checks") {
        [check] => Some((
            check.get("when_expr")?,
            check.get("then_expr")?,
            node.get("else_expr")?,
        )),
        _ => None,
    }
}
