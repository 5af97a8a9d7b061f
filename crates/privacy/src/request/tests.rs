use super::*;
use crate::limits::roomy;

fn parse(text: &str) -> Result<Request, PrivacyError> {
    Request::parse(text, &roomy())
}

#[track_caller]
fn refused(text: &str, says: &str) {
    let error = parse(text).unwrap_err().to_string();
    assert!(error.contains(says), "{text}\n{error}");
}

const PLAIN: &str = r#"{"table": "visits", "statistics": ["count"], "linf": 2, "rho": 0.01}"#;

#[test]
fn two_spellings_of_one_request_have_one_name() {
    let spellings = [
        r#"{"table": "visits", "filter": [{"column": "age", "op": ">=", "value": 18}, {"column": "sex", "op": "in", "value": ["F", "M"]}],
            "group_by": [{"column": "clinic", "values": ["north", "south"]}, {"column": "year", "values": [2020, 2021]}],
            "statistics": [{"statistic": "mean", "column": "age", "lower": 0, "upper": 100}, "count"],
            "l0": 2, "linf": 1, "rho": 0.01}"#,
        r#"{"rho": 1e-2, "contribution": {"l0": 2, "linf": 1}, "statistics": [{"kind": "count"}, {"stat": "avg", "of": "age", "bounds": [0.0, 1e2]}],
            "keys": [{"column": "year", "values": [2021.0, 2020]}, {"column": "clinic", "codebook": ["south", "north"]}],
            "where": [{"column": "sex", "operator": "in", "values": ["M", "F", "M"]}, {"column": "age", "op": "at_least", "value": 18.0}, {"column": "age", "op": "gte", "value": 18}],
            "from": "visits"}"#,
        r#"{"table": "visits", "filters": [{"column": "age", "op": "ge", "value": [18]}, {"column": "sex", "op": "IN", "value": ["F", "M"]}],
            "group_keys": [{"column": "clinic", "values": ["south", "north"]}, {"column": "year", "values": [2020, 2021]}],
            "statistics": ["rows", {"statistic": "mean", "column": "age", "bounds": {"lower": 0, "upper": 100}}],
            "contribution_bounds": {"groups": 2, "rows": 1}, "rho": 0.0100}"#,
    ];
    let names: Vec<[u8; 32]> = spellings
        .iter()
        .map(|text| parse(text).unwrap().sha256().unwrap())
        .collect();
    assert_eq!(names[0], names[1]);
    assert_eq!(names[0], names[2]);
    let other = spellings[0].replace("0.01}", "0.02}");
    assert_ne!(names[0], parse(&other).unwrap().sha256().unwrap());
}

#[test]
fn groups_are_every_combination_in_order() {
    let text = r#"{"table": "t", "statistics": "count", "l0": 9, "linf": 1, "rho": 1,
        "group_by": [{"column": "b", "values": [2, 1]}, {"column": "a", "values": ["y", "x", null]}]}"#;
    let request = parse(text).unwrap();
    assert_eq!(request.l0, 6, "no more groups than there are");
    let groups = request.groups();
    assert_eq!(groups.len(), 6);
    assert_eq!(groups[0], [Literal::Missing, Literal::Number(1.0)]);
    assert_eq!(groups[5], [Literal::Text("y".into()), Literal::Number(2.0)]);
}

#[test]
fn unknown_and_doubled_fields_are_refused() {
    refused(
        r#"{"table": "t", "statistics": ["count"], "linf": 1, "rho": 1, "seed": 4}"#,
        "unknown field `seed`",
    );
    refused(
        r#"{"table": "t", "statistics": ["count"], "linf": 1, "rho": 0.001, "rho": 1}"#,
        "duplicate field `rho`",
    );
    refused(
        r#"{"table": "t", "statistics": [{"statistic": "mean", "column": "a", "lower": 0, "uper": 1}], "linf": 1, "rho": 1}"#,
        "unknown field `uper`",
    );
    // One meaning, one field: two spellings of it in one request are a doubled field.
    refused(
        r#"{"table": "t", "from": "u", "statistics": ["count"], "linf": 1, "rho": 1}"#,
        "duplicate field `table`",
    );
}

#[test]
fn what_does_not_fit_together_is_refused_in_words() {
    let with = |fields: &str| format!(r#"{{"table": "t", {fields}}}"#);
    for (fields, says) in [
        (r#""statistics": ["count"], "linf": 1"#, "rho is missing"),
        (r#""statistics": ["count"], "linf": 1, "rho": 0"#, "above 0"),
        (
            r#""statistics": ["count"], "linf": 1, "rho": -1"#,
            "above 0",
        ),
        (
            r#""statistics": ["count"], "linf": 1, "rho": 1e300"#,
            "rho_max",
        ),
        (
            r#""statistics": ["count"], "linf": 1, "rho": 1e-9"#,
            "smallest charge",
        ),
        (
            r#""statistics": ["count"], "linf": 1, "rho": 1, "accuracy": 5"#,
            "not both",
        ),
        (r#""statistics": ["count"], "rho": 1"#, "linf is missing"),
        (
            r#""statistics": ["count"], "linf": 0, "rho": 1"#,
            "at least 1",
        ),
        (
            r#""statistics": ["count"], "linf": 9999, "rho": 1"#,
            "limit rows",
        ),
        (r#""statistics": [], "linf": 1, "rho": 1"#, "no statistic"),
        (
            r#""statistics": ["mode"], "linf": 1, "rho": 1"#,
            "a statistic is",
        ),
        (
            r#""statistics": [{"statistic": "mean", "column": "a"}], "linf": 1, "rho": 1"#,
            "bounds",
        ),
        (
            r#""statistics": [{"statistic": "mean", "column": "a", "bounds": [5, 5]}], "linf": 1, "rho": 1"#,
            "not below",
        ),
        (
            r#""statistics": [{"statistic": "mean", "column": "a", "bounds": [1, 2, 3]}], "linf": 1, "rho": 1"#,
            "two numbers",
        ),
        (
            r#""statistics": [{"statistic": "mean", "column": "a", "bounds": [0, 1e17]}], "linf": 1, "rho": 1"#,
            "2^53",
        ),
        (
            r#""statistics": [{"statistic": "mean", "bounds": [0, 1]}], "linf": 1, "rho": 1"#,
            "needs a column",
        ),
        (
            r#""statistics": [{"statistic": "people", "column": "a"}], "linf": 1, "rho": 1"#,
            "takes no column",
        ),
        (
            r#""statistics": [{"statistic": "count", "lower": 1}], "linf": 1, "rho": 1"#,
            "takes no lower",
        ),
        (
            r#""statistics": [{"statistic": "quantiles", "column": "a", "quantiles": [1.5], "bounds": [0, 1]}], "linf": 1, "rho": 1"#,
            "above 0 and below 1",
        ),
        (
            r#""statistics": [{"statistic": "median", "column": "a", "candidates": [2, 1]}], "linf": 1, "rho": 1"#,
            "rising order",
        ),
        (
            r#""statistics": [{"statistic": "histogram", "column": "a", "bounds": [0, 10], "step": 3}], "linf": 1, "rho": 1"#,
            "does not divide",
        ),
        (
            r#""statistics": [{"statistic": "histogram", "column": "a", "bounds": [0, 10], "bins": 5000}], "linf": 1, "rho": 1"#,
            "limit bins",
        ),
        (
            r#""statistics": ["count"], "linf": 1, "rho": 1, "group_by": [{"column": "g", "values": ["a", "a"]}], "l0": 1"#,
            "stands twice",
        ),
        (
            r#""statistics": ["count"], "linf": 1, "rho": 1, "group_by": [{"column": "g", "values": ["a", 1]}], "l0": 1"#,
            "different kinds",
        ),
        (
            r#""statistics": ["count"], "linf": 1, "rho": 1, "group_by": [{"column": "g", "values": ["a", "b"]}]"#,
            "l0 is missing",
        ),
        (
            r#""statistics": ["count"], "linf": 1, "rho": 1, "group_by": ["g"], "l0": 1"#,
            "delta of at least",
        ),
        (
            r#""statistics": ["count"], "linf": 1, "rho": 1, "group_by": ["g"], "l0": 1, "delta": 0.5"#,
            "delta_max",
        ),
        (
            r#""statistics": ["count"], "linf": 1, "rho": 1, "group_by": [{"column": "g", "values": []}], "l0": 1"#,
            "empty list",
        ),
        (
            r#""statistics": ["count"], "linf": 1, "rho": 1, "join": ["t"]"#,
            "joined twice",
        ),
        (
            r#""statistics": ["count"], "linf": 1, "rho": 1, "filter": {"column": "a", "op": "like", "value": "x"}"#,
            "op is one of",
        ),
        (
            r#""statistics": ["count"], "linf": 1, "rho": 1, "filter": {"column": "a", "op": "=", "value": null}"#,
            "is_null",
        ),
        (
            r#""statistics": ["count"], "linf": 1, "rho": 1, "filter": {"column": "a", "op": "between", "value": [1]}"#,
            "number of values",
        ),
        (
            r#""statistics": ["count"], "rho": 1, "having": {"column": "a", "op": "=", "value": 1}, "linf": 1"#,
            "having compares features",
        ),
        (
            r#""statistics": ["count"], "rho": 1, "features": {"name": "A", "feature": "count"}"#,
            "small letter",
        ),
        (
            r#""statistics": ["count"], "rho": 1, "features": {"name": "a", "feature": "any"}"#,
            "any takes where",
        ),
        (
            r#""statistics": ["count"], "rho": 1, "features": [{"name": "a", "feature": "count"}, {"name": "a", "feature": "count"}]"#,
            "are called a",
        ),
    ] {
        refused(&with(fields), says);
    }
    refused("{", "cannot be read");
    refused("[]", "cannot be read");
}

#[test]
fn text_that_is_a_date_is_one() {
    let literal = |value: &str| {
        let text = format!(
            r#"{{"table": "t", "statistics": ["count"], "linf": 1, "rho": 1, "filter": {{"column": "d", "op": ">=", "value": "{value}"}}}}"#
        );
        parse(&text).unwrap().filter[0].values[0].clone()
    };
    assert_eq!(literal("2020-02-29"), Literal::Date("2020-02-29".into()));
    for text in [
        "2021-02-29",
        "2020-13-01",
        "2020-1-01",
        "north",
        "0000-01-01",
    ] {
        assert_eq!(literal(text), Literal::Text(text.into()));
    }
}

#[test]
fn a_person_with_features_counts_once() {
    let text = r#"{"table": "t", "features": {"name": "n", "feature": "count"}, "statistics": [{"statistic": "mean", "column": "n", "bounds": [0, 10]}], "rho": 1, "l0": 5, "linf": 7}"#;
    let request = parse(text).unwrap();
    assert_eq!((request.l0, request.linf), (1, 1));
}

#[test]
fn rho_is_spent_in_whole_units() {
    for (rho, nano) in [
        ("0.3", 300_000_000),
        ("0.01", 10_000_000),
        ("1e-6", 1_000),
        ("0.0000012345", 1_234),
    ] {
        let text = PLAIN.replace("0.01", rho);
        assert_eq!(parse(&text).unwrap().budget, Budget::NanoRho(nano), "{rho}");
    }
}

#[test]
fn the_canonical_form_is_fixed() {
    // Stored answers are found by this hash: another form would be charged again.
    let request = parse(PLAIN).unwrap();
    assert_eq!(
        request.canonical().unwrap(),
        r#"{"table":"visits","join":[],"filter":[],"windows":[],"features":[],"having":[],"group_by":[],"statistics":[{"statistic":"count","column":null}],"l0":1,"linf":2,"budget":{"nano_rho":10000000},"atto_delta":null,"totals":false}"#
    );
    let mut hash = ring::digest::Context::new(&ring::digest::SHA256);
    hash.update(b"strongroom measure request 1\n");
    hash.update(request.canonical().unwrap().as_bytes());
    assert_eq!(request.sha256().unwrap(), hash.finish().as_ref());
}

#[test]
fn the_reference_page_s_examples_are_requests() {
    let page = include_str!("../../../../docs/reference/dp-request.md");
    let mut examples = 0;
    for block in page.split("```json\n").skip(1) {
        let text = block.split("```").next().unwrap();
        let request = parse(text).unwrap_or_else(|error| panic!("{error}\n{text}"));
        crate::price(request, &roomy()).unwrap_or_else(|error| panic!("{error}\n{text}"));
        examples += 1;
    }
    assert!(examples >= 8, "{examples}");
}

#[test]
fn a_count_of_people_is_told_from_everything_else() {
    let of = |text: &str| parse(text).unwrap().counts_people_of().map(str::to_owned);
    for text in [
        r#"{"table": "t", "statistics": ["people"], "rho": 1}"#,
        r#"{"table": "t", "statistics": "people", "rho": 1, "filter": {"column": "a", "op": "=", "value": 1}}"#,
    ] {
        assert_eq!(of(text), Some("t".into()), "{text}");
    }
    for text in [
        r#"{"table": "t", "statistics": ["count"], "linf": 1, "rho": 1}"#,
        r#"{"table": "t", "statistics": ["people", "count"], "linf": 1, "rho": 1}"#,
        r#"{"table": "t", "join": ["u"], "statistics": ["people"], "rho": 1}"#,
        r#"{"table": "t", "statistics": ["people"], "l0": 1, "rho": 1, "group_by": [{"column": "a", "values": [1, 2]}]}"#,
        r#"{"table": "t", "statistics": ["people"], "rho": 1, "features": [{"name": "n", "feature": "count"}]}"#,
    ] {
        assert_eq!(of(text), None, "{text}");
    }
}
