//! Expressions: the list of what is allowed, and the copying of it.

use serde_json::{Value, json};

use super::node::{self, call, child, list, refuse_used, text};
use super::{Stop, untraceable};

/// Functions of one row's values without side effects, clock, randomness, settings or
/// files. The engine's own only: the catalog refuses a connection that defines others.
const SCALARS: [&str; 74] = [
    "!~~",
    "!~~*",
    "%",
    "*",
    "**",
    "+",
    "-",
    "/",
    "//",
    "^@",
    "abs",
    "ceil",
    "ceiling",
    "concat",
    "contains",
    "date_diff",
    "date_part",
    "date_trunc",
    "datediff",
    "datepart",
    "datetrunc",
    "day",
    "dayofweek",
    "dayofyear",
    "ends_with",
    "exp",
    "floor",
    "greatest",
    "hour",
    "ifnull",
    "ilike_escape",
    "isfinite",
    "isinf",
    "isnan",
    "least",
    "left",
    "len",
    "length",
    "like_escape",
    "ln",
    "log",
    "log10",
    "log2",
    "lower",
    "lpad",
    "ltrim",
    "minute",
    "month",
    "not_like_escape",
    "nullif",
    "pow",
    "power",
    "prefix",
    "quarter",
    "regexp_matches",
    "replace",
    "right",
    "round",
    "rpad",
    "rtrim",
    "sign",
    "split_part",
    "sqrt",
    "starts_with",
    "substr",
    "substring",
    "suffix",
    "trim",
    "trunc",
    "upper",
    "week",
    "year",
    "~~",
    "~~*",
];

/// `||`, the casts behind `interval`, and what analysts use besides.
const MORE_SCALARS: [&str; 57] = [
    "||",
    "to_days",
    "to_months",
    "to_years",
    "to_weeks",
    "to_hours",
    "to_minutes",
    "to_seconds",
    "regexp_extract",
    "regexp_replace",
    "regexp_full_match",
    "age",
    "cbrt",
    "century",
    "char_length",
    "character_length",
    "concat_ws",
    "cos",
    "date_add",
    "date_sub",
    "datesub",
    "dayname",
    "dayofmonth",
    "decade",
    "divide",
    "epoch",
    "even",
    "fdiv",
    "fmod",
    "format",
    "initcap",
    "instr",
    "isodow",
    "isoyear",
    "last_day",
    "lcase",
    "make_date",
    "mod",
    "monthname",
    "multiply",
    "pi",
    "position",
    "printf",
    "repeat",
    "reverse",
    "round_even",
    "sin",
    "strftime",
    "strlen",
    "strpos",
    "strptime",
    "subtract",
    "try_strptime",
    "ucase",
    "weekday",
    "weekofyear",
    "yearweek",
];

/// Types a value may be turned into.
const CASTS: [&str; 18] = [
    "BOOLEAN",
    "TINYINT",
    "SMALLINT",
    "INTEGER",
    "BIGINT",
    "HUGEINT",
    "UTINYINT",
    "USMALLINT",
    "UINTEGER",
    "UBIGINT",
    "FLOAT",
    "DOUBLE",
    "DECIMAL",
    "VARCHAR",
    "DATE",
    "TIMESTAMP",
    "TIME",
    "TIMESTAMP_S",
];

const CONSTANTS: [&str; 7] = [
    "INTEGER", "BIGINT", "HUGEINT", "DECIMAL", "DOUBLE", "VARCHAR", "NULL",
];

const COMPARISONS: [&str; 8] = [
    "COMPARE_EQUAL",
    "COMPARE_NOTEQUAL",
    "COMPARE_LESSTHAN",
    "COMPARE_GREATERTHAN",
    "COMPARE_LESSTHANOREQUALTO",
    "COMPARE_GREATERTHANOREQUALTO",
    "COMPARE_DISTINCT_FROM",
    "COMPARE_NOT_DISTINCT_FROM",
];

const OPERATORS: [&str; 6] = [
    "OPERATOR_NOT",
    "OPERATOR_IS_NULL",
    "OPERATOR_IS_NOT_NULL",
    "OPERATOR_COALESCE",
    "COMPARE_IN",
    "COMPARE_NOT_IN",
];

/// Decides about a node before it is copied: a replacement, or `None` to copy it.
pub(super) type Hook<'a> = dyn FnMut(&Value) -> Result<Option<Value>, Stop> + 'a;

/// The names of allowed scalar functions.
pub(super) fn scalars() -> impl Iterator<Item = &'static str> {
    SCALARS.into_iter().chain(MORE_SCALARS)
}

/// Copies an expression part by part. Only fields that are named here survive.
pub(super) fn copy(node: &Value, hook: &mut Hook<'_>) -> Result<Value, Stop> {
    if let Some(done) = hook(node)? {
        return Ok(done);
    }
    let kind = text(node, "type");
    match text(node, "class") {
        node::GENERATED => Ok(required(node, "node")?.clone()),
        "CONSTANT" => constant(node),
        "COMPARISON" if COMPARISONS.contains(&kind) => {
            let left = copy(required(node, "left")?, hook)?;
            let right = copy(required(node, "right")?, hook)?;
            Ok(super::node::compare(kind, left, right))
        }
        "CONJUNCTION" if matches!(kind, "CONJUNCTION_AND" | "CONJUNCTION_OR") => Ok(
            json!({"class": "CONJUNCTION", "type": kind, "alias": "", "children": copies(node, hook)?}),
        ),
        "OPERATOR" if OPERATORS.contains(&kind) => {
            Ok(super::node::operator(kind, copies(node, hook)?))
        }
        "BETWEEN" if kind == "COMPARE_BETWEEN" => {
            Ok(json!({"class": "BETWEEN", "type": kind, "alias": "",
                "input": copy(required(node, "input")?, hook)?,
                "lower": copy(required(node, "lower")?, hook)?,
                "upper": copy(required(node, "upper")?, hook)?}))
        }
        "CASE" if kind == "CASE_EXPR" => case(node, hook),
        "CAST" => cast(node, hook),
        "FUNCTION" => function(node, hook),
        "SUBQUERY" => untraceable("a subquery inside an expression cannot be traced"),
        "PARAMETER" => untraceable("the statement has parameters; write their values into it"),
        "WINDOW" => {
            untraceable("a window function looks at other rows, which cannot be traced here")
        }
        "LAMBDA" => untraceable("a lambda cannot be traced"),
        "STAR" => untraceable("* stands where one column is expected"),
        "POSITIONAL_REFERENCE" => untraceable("a column by its position (#1) cannot be traced"),
        "COLLATE" => untraceable("collate cannot be traced"),
        class => untraceable(format!("{} cannot be traced", class.to_ascii_lowercase())),
    }
}

fn required<'a>(node: &'a Value, field: &str) -> Result<&'a Value, Stop> {
    match child(node, field) {
        Some(value) => Ok(value),
        None => untraceable("an expression is incomplete"),
    }
}

fn copies(node: &Value, hook: &mut Hook<'_>) -> Result<Vec<Value>, Stop> {
    list(node, "children")
        .iter()
        .map(|part| copy(part, hook))
        .collect()
}

fn constant(node: &Value) -> Result<Value, Stop> {
    let value = required(node, "value")?;
    let kind = value.get("type").map_or("", |kind| text(kind, "id"));
    if !CONSTANTS.contains(&kind) {
        return untraceable(format!("a constant of type {kind} cannot be traced"));
    }
    Ok(json!({"class": "CONSTANT", "type": "VALUE_CONSTANT", "alias": "", "value": value}))
}

fn case(node: &Value, hook: &mut Hook<'_>) -> Result<Value, Stop> {
    let mut checks = Vec::new();
    for check in list(node, "case_checks") {
        checks.push(json!({
            "when_expr": copy(required(check, "when_expr")?, hook)?,
            "then_expr": copy(required(check, "then_expr")?, hook)?,
        }));
    }
    let or_else = copy(required(node, "else_expr")?, hook)?;
    Ok(json!({"class": "CASE", "type": "CASE_EXPR", "alias": "",
        "case_checks": checks, "else_expr": or_else}))
}

fn cast(node: &Value, hook: &mut Hook<'_>) -> Result<Value, Stop> {
    let target = required(node, "cast_type")?;
    if !CASTS.contains(&text(target, "id")) {
        return untraceable(format!("a cast to {} cannot be traced", text(target, "id")));
    }
    let try_cast = node.get("try_cast").cloned().unwrap_or(Value::Bool(false));
    Ok(
        json!({"class": "CAST", "type": "OPERATOR_CAST", "alias": "",
        "child": copy(required(node, "child")?, hook)?, "cast_type": target,
        "try_cast": try_cast}),
    )
}

fn function(node: &Value, hook: &mut Hook<'_>) -> Result<Value, Stop> {
    let name = own_name(node)?;
    if super::measure::is_aggregate(&name) {
        return untraceable(format!(
            "the aggregate {name} stands where one row's value is expected"
        ));
    }
    if !scalars().any(|known| known == name) {
        return untraceable(format!(
            "the function {name} is not on the list of those that can be traced"
        ));
    }
    refuse_used(node, &["filter", "distinct", "export_state"], &name)?;
    no_order(node, &name)?;
    if name == "age" && list(node, "children").len() != 2 {
        return untraceable("age of one date depends on the day; write the other date too");
    }
    let mut copied = call(&name, copies(node, hook)?, None);
    if let (Some(fields), Some(operator)) = (copied.as_object_mut(), node.get("is_operator")) {
        fields.insert("is_operator".to_owned(), operator.clone());
    }
    Ok(copied)
}

/// The function's name in lower case, if it is called in the engine's own schema.
pub(super) fn own_name(node: &Value) -> Result<String, Stop> {
    let name = text(node, "function_name").to_ascii_lowercase();
    let own = matches!(text(node, "schema"), "" | "main")
        && matches!(text(node, "catalog"), "" | "system");
    if own {
        Ok(name)
    } else {
        untraceable(format!(
            "the function {name} is called in a schema of its own"
        ))
    }
}

pub(super) fn no_order(node: &Value, name: &str) -> Result<(), Stop> {
    if node
        .get("order_bys")
        .is_some_and(|orders| !list(orders, "orders").is_empty())
    {
        return untraceable(format!("{name} with an order of its own cannot be traced"));
    }
    Ok(())
}
