//! A request and its guarantee in words.

use crate::price::Priced;
use crate::request::{
    Bounds, Condition, Feature, FeatureKind, Literal, Operator, Request, Statistic, Window,
    WindowKind,
};
use crate::spread::Shape;

/// The request and what it says about one person, in sentences.
#[must_use]
pub fn words(priced: &Priced) -> String {
    let request = &priced.request;
    let mut text = format!(
        "{} of {}",
        list(&statistics(request), "and"),
        tables(request)
    );
    if !request.filter.is_empty() {
        text.push_str(&format!(", rows where {}", conditions(&request.filter)));
    }
    if !request.windows.is_empty() {
        let windows: Vec<String> = request.windows.iter().map(window).collect();
        text.push_str(&format!(", with {}", list(&windows, "and")));
    }
    if !request.features.is_empty() {
        let features: Vec<String> = request.features.iter().map(feature).collect();
        text.push_str(&format!(
            ", one row a person with {}",
            list(&features, "and")
        ));
    }
    if !request.having.is_empty() {
        text.push_str(&format!(", people where {}", conditions(&request.having)));
    }
    if !request.group_by.is_empty() {
        let keys: Vec<String> = request
            .group_by
            .iter()
            .map(|key| match &key.values {
                Some(values) => format!("{} ({})", key.column, plural(values.len(), "value")),
                None => format!("{} (values found by threshold)", key.column),
            })
            .collect();
        text.push_str(&format!(", for each {}", list(&keys, "and")));
    }
    text.push_str(". ");
    if request.minimum > 0 {
        text.push_str(&format!(
            "Groups with fewer than {}, after noise, are left empty. ",
            request.minimum
        ));
    }
    text.push_str(&contribution(request));
    text.push_str(&guarantee(priced));
    text
}

fn contribution(request: &Request) -> String {
    let only_people = request
        .statistics
        .iter()
        .all(|statistic| matches!(statistic, Statistic::People));
    if !request.features.is_empty() || (request.l0 == 1 && only_people) {
        return "Each person counts once. ".into();
    }
    let rows = plural(request.linf as usize, "row");
    let more = "who has more counts with so many rows of their own average";
    match (request.group_by.is_empty(), request.l0) {
        (true, _) => format!("Each person counts with at most {rows}: {more}. "),
        (false, l0) => format!(
            "Each person counts in at most {}, with at most {rows} in each: {more}. ",
            plural(l0 as usize, "group")
        ),
    }
}

fn guarantee(priced: &Priced) -> String {
    let odds = "whether anyone's rows are there or not changes the odds of any answer by at most a factor of";
    let (rho, epsilon) = (priced.nano_rho as f64 / 1e9, priced.epsilon);
    let factor = epsilon.exp();
    let mut text = match priced.shape {
        Shape::Gaussian => format!(
            "Price: rho {rho}, which is epsilon {epsilon:.3} at delta {:.3e}: {odds} {factor:.2}, but for that delta.",
            priced.epsilon_delta
        ),
        Shape::Laplace => format!(
            "Price: epsilon {epsilon:.3} without any delta, booked as rho {rho}: {odds} {factor:.2}."
        ),
    };
    if let Some(keys) = &priced.keys {
        text.push_str(&format!(
            " Keys with fewer than {} people, after noise, are left out; delta {:e} is charged for them.",
            keys.threshold,
            keys.atto_delta as f64 / 1e18
        ));
    }
    text
}

fn tables(request: &Request) -> String {
    match request.join.is_empty() {
        true => request.table.clone(),
        false => format!(
            "{} joined on the person with {}",
            request.table,
            list(&request.join, "and")
        ),
    }
}

fn statistics(request: &Request) -> Vec<String> {
    let within = |bounds: &Bounds| format!("between {} and {}", bounds.lower, bounds.upper);
    request
        .statistics
        .iter()
        .map(|statistic| match statistic {
            Statistic::Count { column: None } => "number of rows".into(),
            Statistic::Count { column: Some(c) } => format!("number of rows with a value in {c}"),
            Statistic::People => "number of people".into(),
            Statistic::Sum { column, bounds } => format!("sum of {column} ({})", within(bounds)),
            Statistic::Mean { column, bounds } => format!("mean of {column} ({})", within(bounds)),
            Statistic::Variance { column, bounds } => {
                format!("variance of {column} ({})", within(bounds))
            }
            Statistic::StandardDeviation { column, bounds } => {
                format!("standard deviation of {column} ({})", within(bounds))
            }
            Statistic::Quantiles {
                column,
                per_mille,
                candidates,
            } => {
                let which: Vec<String> = per_mille
                    .iter()
                    .map(|q| match q {
                        500 => "median".into(),
                        q => format!("{} quantile", f64::from(*q) / 1000.0),
                    })
                    .collect();
                format!(
                    "{} of {column} among {}",
                    list(&which, "and"),
                    plural(candidates.len(), "candidate")
                )
            }
            Statistic::Histogram { column, edges } => format!(
                "histogram of {column} with {}",
                plural(edges.len().saturating_sub(1), "bin")
            ),
        })
        .collect()
}

fn window(window: &Window) -> String {
    let unit = if window.dates { "days" } else { "units" };
    match window.window {
        WindowKind::Position => format!("{} (position by {})", window.name, window.column),
        WindowKind::SincePrevious => format!(
            "{} ({unit} of {} since the person's row before)",
            window.name, window.column
        ),
        WindowKind::CountWithin => format!(
            "{} (the person's rows within {} {unit} of {} before)",
            window.name, window.within, window.column
        ),
    }
}

fn feature(feature: &Feature) -> String {
    let column = &feature.column;
    let what = match feature.feature {
        FeatureKind::Any => "whether any row is there".into(),
        FeatureKind::First => format!("first {column} by {}", feature.order_by),
        FeatureKind::Last => format!("last {column} by {}", feature.order_by),
        FeatureKind::Min => format!("smallest {column}"),
        FeatureKind::Max => format!("largest {column}"),
        FeatureKind::Count if column.is_empty() => "number of rows".into(),
        FeatureKind::Count => format!("number of rows with a value in {column}"),
        FeatureKind::Sum => format!("sum of {column}"),
        FeatureKind::Duration => format!("days from first to last {column}"),
    };
    match feature.conditions.is_empty() {
        true => format!("{} ({what})", feature.name),
        false => format!(
            "{} ({what} where {})",
            feature.name,
            conditions(&feature.conditions)
        ),
    }
}

fn conditions(all: &[Condition]) -> String {
    let words: Vec<String> = all.iter().map(condition).collect();
    list(&words, "and")
}

fn condition(condition: &Condition) -> String {
    let values: Vec<String> = condition.values.iter().map(literal).collect();
    let column = &condition.column;
    let compared = |sign: &str| format!("{column} {sign} {}", list(&values, "and"));
    match condition.op {
        Operator::Equal => compared("="),
        Operator::NotEqual => compared("!="),
        Operator::Less => compared("<"),
        Operator::AtMost => compared("<="),
        Operator::Greater => compared(">"),
        Operator::AtLeast => compared(">="),
        Operator::Between => compared("is between"),
        Operator::In => format!("{column} is {}", list(&values, "or")),
        Operator::NotIn => format!("{column} is none of {}", list(&values, "and")),
        Operator::IsNull => format!("{column} is missing"),
        Operator::IsNotNull => format!("{column} is not missing"),
    }
}

fn literal(literal: &Literal) -> String {
    match literal {
        Literal::Missing => "missing".into(),
        Literal::Boolean(value) => value.to_string(),
        Literal::Number(value) => value.to_string(),
        Literal::Date(value) => value.clone(),
        Literal::Text(value) => format!("\"{value}\""),
    }
}

fn plural(n: usize, noun: &str) -> String {
    match n {
        1 => format!("1 {noun}"),
        n => format!("{n} {noun}s"),
    }
}

fn list(items: &[String], and: &str) -> String {
    match items {
        [] => String::new(),
        [one] => one.clone(),
        [most @ .., last] => format!("{} {and} {last}", most.join(", ")),
    }
}
