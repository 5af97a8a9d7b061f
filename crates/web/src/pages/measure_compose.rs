//! A question for the measuring lane, put together from fields.

use serde_json::{Map, Value, json};
use service::WorkspaceView;

use super::conditions::{Condition, conditions, filter, scalar};
use super::fields::Choice;
use super::form::{Faults, Form};

/// Statistics with their words, and whether they need a column and its bounds.
const STATISTICS: [(&str, &str, bool); 8] = [
    ("people", "people", false),
    ("count", "rows", false),
    ("sum", "sum of a column", true),
    ("mean", "mean of a column", true),
    ("standard_deviation", "standard deviation of a column", true),
    ("variance", "variance of a column", true),
    ("median", "median of a column", true),
    ("histogram", "histogram of a column, ten bins", true),
];

/// What a question may be bought with.
const BUDGETS: [(&str, &str); 3] = [
    ("rho", "rho that may be spent"),
    ("accuracy", "error that 95 of 100 answers stay within"),
    ("epsilon", "epsilon that may be spent"),
];

/// Delta that finding groups in the data costs, unless the question is changed.
const DELTA: f64 = 1e-9;

/// Conditions of one form.
const CONDITIONS: usize = 2;

/// The fields, as they were sent or as they start.
pub(super) struct Compose {
    /// Whether they are shown open: they were just used.
    pub(super) open: bool,
    pub(super) tables: Vec<Choice>,
    pub(super) statistics: Vec<Choice>,
    pub(super) columns: Vec<Choice>,
    pub(super) lower: String,
    pub(super) upper: String,
    pub(super) groups: Vec<Choice>,
    pub(super) values: String,
    pub(super) conditions: Vec<Condition>,
    pub(super) l0: String,
    pub(super) linf: String,
    pub(super) budgets: Vec<Choice>,
    pub(super) amount: String,
}

impl Compose {
    pub(super) fn of(view: &WorkspaceView, form: &Form) -> Self {
        let chosen = |name: &str, choices: Vec<(String, String)>| {
            let choice = |(value, label): (String, String)| Choice {
                chosen: form.one(name) == value,
                ..Choice::new(value, label)
            };
            choices.into_iter().map(choice).collect::<Vec<_>>()
        };
        let own = |value: &str, label: &str| (value.to_owned(), label.to_owned());
        let columns: Vec<(String, String)> = view
            .tables
            .iter()
            .flat_map(|table| table.columns.iter().map(move |column| (table, column)))
            .filter(|(_, column)| !["person", "event"].contains(&column.as_str()))
            .map(|(table, column)| (column.clone(), format!("{column} ({})", table.name)))
            .collect();
        let none = |label: &str| {
            std::iter::once(own("", label))
                .chain(columns.clone())
                .collect()
        };
        let names: Vec<String> = columns.iter().map(|(name, _)| name.clone()).collect();
        let typed = |name: &str, start: &str| match form.one("act") {
            "compose" => form.one(name).to_owned(),
            _ => start.to_owned(),
        };
        Self {
            open: form.one("act") == "compose",
            tables: chosen(
                "table",
                view.tables.iter().map(|t| own(&t.name, &t.name)).collect(),
            ),
            statistics: chosen(
                "statistic",
                STATISTICS
                    .iter()
                    .map(|(s, words, _)| own(s, words))
                    .collect(),
            ),
            columns: chosen("column", none("No column")),
            lower: typed("lower", ""),
            upper: typed("upper", ""),
            groups: chosen("group", none("Everybody together")),
            values: typed("values", ""),
            conditions: conditions(CONDITIONS, &names, form),
            l0: typed("l0", "1"),
            linf: typed("linf", "1"),
            budgets: chosen(
                "budget",
                BUDGETS.iter().map(|(b, words)| own(b, words)).collect(),
            ),
            amount: typed("amount", "0.001"),
        }
    }
}

/// The question as JSON text that docs/reference/dp-request.md describes.
///
/// # Errors
/// The fields that are missing, or hold no number where one belongs.
pub(super) fn question(form: &Form) -> Result<String, Faults> {
    let mut faults = Faults::default();
    let mut request = Map::new();
    request.insert("table".into(), json!(form.one("table")));
    let filter = filter(CONDITIONS, form);
    if !filter.is_empty() {
        request.insert("filter".into(), Value::Array(filter));
    }
    let group = form.one("group");
    if !group.is_empty() {
        let key = if form.one("values").trim().is_empty() {
            request.insert("delta".into(), json!(DELTA));
            json!([{ "column": group }])
        } else {
            let values: Vec<Value> = form.one("values").split(',').map(scalar).collect();
            let given = values.iter().all(|value| value != &json!(""));
            faults.unless(
                given,
                "values",
                "Enter the groups that the codebook has, with commas between, or leave it empty",
            );
            json!([{ "column": group, "values": values }])
        };
        request.insert("group_by".into(), key);
    }
    let statistic = statistic(form, &mut faults);
    request.insert("statistics".into(), json!([statistic]));
    for (name, what) in [
        ("l0", "Enter in how many groups one person counts at most"),
        ("linf", "Enter with how many rows one person counts at most"),
    ] {
        match form.one(name).parse::<u32>() {
            // One group is everybody together.
            Ok(_) if name == "l0" && group.is_empty() => {}
            Ok(number) => {
                request.insert(name.into(), json!(number));
            }
            Err(_) => faults.add(name, what),
        }
    }
    let budget = form.one("budget");
    match number(form.one("amount")) {
        Some(amount) if BUDGETS.iter().any(|(name, _)| *name == budget) => {
            request.insert(budget.into(), amount);
        }
        Some(_) | None => faults.add("amount", "Enter a number, such as 0.001"),
    }
    match faults.is_empty() {
        true => Ok(serde_json::to_string_pretty(&request).unwrap_or_default()),
        false => Err(faults),
    }
}

fn statistic(form: &Form, faults: &mut Faults) -> Value {
    let asked = STATISTICS
        .iter()
        .find(|(name, _, _)| *name == form.one("statistic"));
    let Some((name, _, of_column)) = asked else {
        faults.add("statistic", "Choose a statistic");
        return Value::Null;
    };
    if !of_column {
        return json!(name);
    }
    let column = form.one("column");
    faults.unless(!column.is_empty(), "column", "Choose a column");
    let mut bound = |field: &str| {
        let bound = number(form.one(field));
        let text = "Enter a number that the codebook gives as a bound";
        faults.unless(bound.is_some(), field, text);
        bound
    };
    let (lower, upper) = (bound("lower"), bound("upper"));
    match *name {
        "histogram" => json!({
            "statistic": name, "column": column, "lower": lower, "upper": upper, "bins": 10,
        }),
        _ => json!({ "statistic": name, "column": column, "lower": lower, "upper": upper }),
    }
}

/// A number as it was typed.
fn number(typed: &str) -> Option<Value> {
    Some(scalar(typed)).filter(Value::is_number)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(text: &str) -> Result<Value, Vec<String>> {
        let form = Form::parse(text.as_bytes()).unwrap();
        match question(&form) {
            Ok(text) => Ok(serde_json::from_str(&text).unwrap()),
            Err(faults) => Err(faults.iter().map(|fault| fault.field.clone()).collect()),
        }
    }

    #[test]
    fn fields_become_the_question_of_the_reference() {
        let count = "table=visits&statistic=people&l0=1&linf=1&budget=accuracy&amount=50";
        let expected =
            json!({ "table": "visits", "statistics": ["people"], "linf": 1, "accuracy": 50 });
        assert_eq!(asked(count), Ok(expected));
        let mean = "table=visits&statistic=mean&column=age&lower=0&upper=110&group=sex&values=F%2C+M\
            &column1=ward&op1=in&value1=A%2CB&l0=1&linf=5&budget=rho&amount=0.01";
        let expected = json!({
            "table": "visits",
            "filter": [{ "column": "ward", "op": "in", "value": ["A", "B"] }],
            "group_by": [{ "column": "sex", "values": ["F", "M"] }],
            "statistics": [{ "statistic": "mean", "column": "age", "lower": 0, "upper": 110 }],
            "l0": 1, "linf": 5, "rho": 0.01,
        });
        assert_eq!(asked(mean), Ok(expected));
        let found =
            "table=visits&statistic=people&group=sex&values=&l0=1&linf=1&budget=rho&amount=0.01";
        let expected = json!({
            "table": "visits", "group_by": [{ "column": "sex" }], "statistics": ["people"],
            "delta": 1e-9, "l0": 1, "linf": 1, "rho": 0.01,
        });
        assert_eq!(asked(found), Ok(expected));
    }

    #[test]
    fn what_is_missing_is_named() {
        let all = |names: &[&str]| Err(names.iter().map(|n| (*n).to_owned()).collect());
        for (text, faults) in [
            (
                "table=t&statistic=people&l0=1&linf=1&budget=rho&amount=much",
                &["amount"][..],
            ),
            (
                "table=t&statistic=people&l0=1&linf=1&budget=gold&amount=1",
                &["amount"],
            ),
            (
                "table=t&statistic=mean&l0=1&linf=1&budget=rho&amount=1",
                &["column", "lower", "upper"],
            ),
            (
                "table=t&statistic=people&group=sex&values=F%2C&l0=x&linf=&budget=rho&amount=1",
                &["values", "l0", "linf"],
            ),
            (
                "table=t&statistic=seed&l0=1&linf=1&budget=rho&amount=1",
                &["statistic"],
            ),
        ] {
            assert_eq!(asked(text), all(faults), "{text}");
        }
    }
}
