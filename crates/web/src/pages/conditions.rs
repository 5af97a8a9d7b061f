//! Conditions on rows, as fields of a form.

use serde_json::{Value, json};

use super::fields::Choice;
use super::form::Form;

/// What a condition may be, with its words.
const OPS: [(&str, &str); 8] = [
    ("=", "is"),
    ("!=", "is not"),
    (">=", "is at least"),
    ("<=", "is at most"),
    ("in", "is one of (commas between)"),
    ("between", "is between (two, a comma between)"),
    ("is_null", "is missing"),
    ("is_not_null", "is not missing"),
];

/// One condition as it was typed.
pub(super) struct Condition {
    pub(super) columns: (String, Vec<Choice>),
    pub(super) ops: (String, Vec<Choice>),
    pub(super) value: (String, String),
}

/// The fields of so many conditions over these columns, as they were sent.
pub(super) fn conditions(most: usize, columns: &[String], form: &Form) -> Vec<Condition> {
    (1..=most).map(|n| condition(n, columns, form)).collect()
}

fn condition(n: usize, columns: &[String], form: &Form) -> Condition {
    let name = |part: &str| format!("{part}{n}");
    let (column, op, value) = (name("column"), name("op"), name("value"));
    let chosen = |choice: Choice, sent: &str| Choice {
        chosen: choice.value == sent,
        ..choice
    };
    let any = std::iter::once(Choice::new("", "Anybody"));
    let of = columns.iter().map(|name| Choice::new(name, name));
    let all = any.chain(of).map(|c| chosen(c, form.one(&column)));
    let ops = OPS.iter().map(|(op, words)| Choice::new(*op, *words));
    Condition {
        columns: (column.clone(), all.collect()),
        ops: (op.clone(), ops.map(|c| chosen(c, form.one(&op))).collect()),
        value: (value.clone(), form.one(&value).to_owned()),
    }
}

/// The first `most` conditions of a form, as docs/reference/dp-request.md has them.
pub(super) fn filter(most: usize, form: &Form) -> Vec<Value> {
    let read = |n: usize| {
        let column = form.one(&format!("column{n}")).to_owned();
        let op = form.one(&format!("op{n}")).to_owned();
        let typed = form.one(&format!("value{n}")).to_owned();
        if column.is_empty() {
            return None;
        }
        Some(match op.as_str() {
            "is_null" | "is_not_null" => json!({"column": column, "op": op}),
            "in" | "between" => {
                let values: Vec<Value> = typed.split(',').map(scalar).collect();
                json!({"column": column, "op": op, "value": values})
            }
            _ => json!({"column": column, "op": op, "value": scalar(&typed)}),
        })
    };
    (1..=most).filter_map(read).collect()
}

/// A number where it is one, else text.
pub(super) fn scalar(typed: &str) -> Value {
    let typed = typed.trim();
    match serde_json::from_str(typed) {
        Ok(Value::Number(number)) => Value::Number(number),
        Ok(_) | Err(_) => Value::String(typed.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_are_read_as_they_were_typed() {
        let form = Form::parse(
            b"column1=age&op1=between&value1=18%2C+64&column2=sex&op2=%3D&value2=F&column3=&op3=%3D&value3=x",
        )
        .unwrap();
        let expected = json!([
            {"column": "age", "op": "between", "value": [18, 64]},
            {"column": "sex", "op": "=", "value": "F"},
        ]);
        assert_eq!(Value::Array(filter(3, &form)), expected);
        let missing = Form::parse(b"column2=ward&op2=is_null&value2=7").unwrap();
        let expected = json!([{"column": "ward", "op": "is_null"}]);
        assert_eq!(Value::Array(filter(3, &missing)), expected);
        assert!(filter(3, &Form::default()).is_empty());
    }
}
