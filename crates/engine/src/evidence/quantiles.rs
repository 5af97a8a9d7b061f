//! Which quantile an aggregate shows; quantiles beside each other, and the deviation from the middle one.

use disclosure::Kind;
use serde_json::{Value, json};

use super::node::{self, child, list, text, unused};
use super::{Stop, untraceable};

/// The most quantiles of one list.
const LIST_MAX: usize = 20;

/// `quantile_cont(x, [0.25, 0.75])` as one call for each; `None` if it is another.
pub(super) fn of_list(part: &Value) -> Result<Option<Vec<Value>>, Stop> {
    let name = text(part, "function_name").to_ascii_lowercase();
    let is_quantile = matches!(
        name.as_str(),
        "quantile" | "quantile_cont" | "quantile_disc"
    );
    let ([value, which], true) = (list(part, "children"), is_quantile) else {
        return Ok(None);
    };
    let is_list = text(which, "function_name") == "list_value" && unused(which, "filter")
        || text(which, "type") == "ARRAY_CONSTRUCTOR";
    if !is_list {
        return Ok(None);
    }
    let which = list(which, "children");
    if which.is_empty() || which.len() > LIST_MAX {
        return untraceable(format!(
            "a list of quantiles has none, or more than {LIST_MAX}"
        ));
    }
    let one = |which: &Value| {
        let mut call = node::alias(part.clone(), "");
        let arguments = Value::Array(vec![value.clone(), which.clone()]);
        node::set(&mut call, "children", arguments);
        call
    };
    Ok(Some(which.iter().map(one).collect()))
}

/// The list of some quantiles; missing, as in the engine, where there is no value.
pub(super) fn beside(columns: Vec<Value>) -> Value {
    let missing = columns.first().cloned().unwrap_or_else(node::null);
    let missing = node::operator("OPERATOR_IS_NULL", vec![missing]);
    let list = node::call("list_value", columns, None);
    node::when(missing, node::null(), list)
}

/// The median from which the deviations of `mad(x)` are; `None` if it is another call.
pub(super) fn center(call: &Value) -> Option<Value> {
    let is_deviation = text(call, "class") == "FUNCTION"
        && text(call, "function_name").eq_ignore_ascii_case("mad")
        && child(call, "children").is_some();
    is_deviation.then(|| {
        let mut median = node::alias(call.clone(), "");
        node::set(&mut median, "function_name", Value::from("median"));
        median
    })
}

/// `quantile_cont(0.5) within group (order by x)` as `quantile_cont(x, 0.5)`; `None` if it is another.
pub(super) fn within_group(node: &Value, name: &str) -> Option<Value> {
    let ([which], [order]) = (
        list(node, "children"),
        list(node.get("order_bys")?, "orders"),
    ) else {
        return None;
    };
    let ascending = matches!(text(order, "type"), "ORDER_DEFAULT" | "ASCENDING");
    let fits =
        matches!(name, "quantile_cont" | "quantile_disc") && decimal(which).is_some() && ascending;
    let value = order.get("expression").filter(|_| fits)?;
    let mut call = node.clone();
    node::set(&mut call, "children", json!([value, which]));
    node::set(
        &mut call,
        "order_bys",
        json!({"type": "ORDER_MODIFIER", "orders": []}),
    );
    Some(call)
}

/// Which quantile an aggregate shows: 0 is the least value, 1 the largest; `None` if it shows none.
pub(super) fn quantile(
    name: &str,
    kind: Kind,
    second: Option<&Value>,
) -> Result<Option<f64>, Stop> {
    let which = match kind {
        Kind::Extreme if second.is_some() => {
            return untraceable(format!(
                "{name} of several values lists those of single rows"
            ));
        }
        Kind::Extreme => Some(if name == "min" { 0.0 } else { 1.0 }),
        Kind::Quantile => second.map_or(Some(0.5), decimal),
        _ => None,
    };
    if kind == Kind::Quantile && which.is_none_or(|q| !(0.0..=1.0).contains(&q)) {
        return untraceable(format!(
            "{name} does not say which quantile as a number from 0 to 1"
        ));
    }
    Ok(which)
}

/// The value of a numeric constant.
fn decimal(node: &Value) -> Option<f64> {
    let value = node.get("value")?;
    let kind = value.get("type")?;
    let number = value.get("value")?.as_f64()?;
    match text(kind, "id") {
        "DECIMAL" => {
            let scale = kind.get("type_info")?.get("scale")?.as_i64()?;
            Some(number / 10_f64.powi(i32::try_from(scale).ok()?))
        }
        "INTEGER" | "BIGINT" | "DOUBLE" => Some(number),
        _ => None,
    }
}
