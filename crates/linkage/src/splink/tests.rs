use std::collections::BTreeMap;
use std::num::NonZeroUsize;

use serde::Deserialize;
use serde_json::{Value, json};

use super::{Splink, SplinkSpec};
use crate::column::Role;
use crate::error::LinkError;
use crate::{ColumnSpec, FileSpec, Holds, Intake, LinkType, Linkage, Quiet, Resources, Spec};

/// A saved model, records, and the weight that Splink itself gave each of their pairs; see
/// `tests/peers/linkage/splink_vector.py`.
#[derive(Deserialize)]
struct Vector {
    model: Value,
    tables: BTreeMap<String, Vec<Vec<Option<String>>>>,
    pairs: Vec<(String, String, f64)>,
}

/// Columns of the records; the first is the id.
const COLUMNS: [&str; 7] = [
    "unique_id",
    "first_name",
    "surname",
    "dob",
    "postcode",
    "email",
    "town",
];

fn spec(model: &str, link_type: LinkType, tables: &[&str]) -> Spec {
    let columns: Vec<ColumnSpec> = COLUMNS[1..]
        .iter()
        .map(|name| ColumnSpec {
            role: Role::Field,
            name: (*name).to_owned(),
        })
        .collect();
    let files = tables
        .iter()
        .map(|name| FileSpec {
            name: (*name).to_owned(),
            columns: columns.clone(),
            holds: Holds::Many,
        })
        .collect();
    let mut spec = Spec::new(link_type, files);
    spec.settings.keep_probability = 0.001;
    spec.splink = Some(SplinkSpec {
        settings: model.to_owned(),
        columns: vec![COLUMNS[1..].iter().map(|name| (*name).to_owned()).collect(); tables.len()],
    });
    spec
}

fn link(vector: &Vector, link_type: LinkType, keep: f64) -> Linkage {
    let names: Vec<&str> = vector.tables.keys().map(String::as_str).collect();
    let mut spec = spec(&vector.model.to_string(), link_type, &names);
    spec.settings.keep_probability = keep;
    let mut intake = Intake::new(spec).unwrap();
    for (file, rows) in vector.tables.values().enumerate() {
        for row in rows {
            let values: Vec<Option<&str>> = row[1..].iter().map(Option::as_deref).collect();
            intake.push(file, &values).unwrap();
        }
    }
    let resources = Resources {
        threads: NonZeroUsize::MIN,
        memory_bytes: 1 << 30,
    };
    intake.link(resources, &mut Quiet).unwrap()
}

fn same_as_splink(text: &str, link_type: LinkType) {
    let vector: Vector = serde_json::from_str(text).unwrap();
    // Keeps every pair: Splink kept every pair too.
    let linkage = link(&vector, link_type, 0.001);
    let tables: Vec<_> = vector.tables.values().collect();
    let id = |file: u16, row: u32| tables[usize::from(file)][row as usize][0].clone().unwrap();
    let ours: BTreeMap<(String, String), f64> = linkage
        .joins
        .iter()
        .map(|j| {
            (
                (id(j.file_l, j.row_l), id(j.file_r, j.row_r)),
                j.match_weight,
            )
        })
        .collect();
    let theirs: BTreeMap<(String, String), f64> = vector
        .pairs
        .iter()
        .map(|(l, r, w)| ((l.clone(), r.clone()), *w))
        .collect();
    let mut compared = 0;
    let kept = (0.001_f64 / 0.999).log2();
    for (pair, weight) in &theirs {
        if *weight > kept {
            let found = ours
                .get(pair)
                .unwrap_or_else(|| panic!("{pair:?} is missing"));
            assert!(
                (found - weight).abs() < 1e-9,
                "{pair:?}: {found} for {weight}"
            );
            compared += 1;
        }
    }
    assert!(compared > 50, "{compared}");
    assert_eq!(ours.len(), compared, "no pair but Splink's");
    assert_eq!(linkage.report.pairs[0].candidate_pairs, theirs.len() as u64);
}

#[test]
fn weights_are_those_of_splink_5_linking() {
    same_as_splink(include_str!("vectors/splink5-link.json"), LinkType::Link);
}

#[test]
fn weights_are_those_of_splink_5_within_a_file() {
    same_as_splink(
        include_str!("vectors/splink5-dedupe.json"),
        LinkType::Dedupe,
    );
}

#[test]
fn weights_are_those_of_splink_4() {
    same_as_splink(include_str!("vectors/splink4-link.json"), LinkType::Link);
}

/// A small model, with one thing changed.
fn refused(change: impl FnOnce(&mut Value)) -> String {
    let mut model = json!({
        "link_type": "link_only",
        "probability_two_random_records_match": 0.01,
        "comparisons": [{
            "output_column_name": "surname",
            "comparison_levels": [
                {"sql_condition": "surname_l IS NULL OR surname_r IS NULL", "is_null_level": true},
                {"sql_condition": "surname_l = surname_r", "m_probability": 0.9, "u_probability": 0.01},
                {"sql_condition": "ELSE", "m_probability": 0.1, "u_probability": 0.99}
            ]
        }],
        "blocking_rules_to_generate_predictions": ["l.surname = r.surname"]
    });
    assert!(Splink::read(&model.to_string()).is_ok());
    change(&mut model);
    match Splink::read(&model.to_string()) {
        Err(LinkError::Splink { text }) => text,
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_is_not_known_is_refused_by_its_name() {
    let condition = |sql: &str| {
        let sql = sql.to_owned();
        refused(move |m| m["comparisons"][0]["comparison_levels"][1]["sql_condition"] = json!(sql))
    };
    for (sql, want) in [
        (
            "dmetaphone(surname_l) = dmetaphone(surname_r)",
            "the function dmetaphone",
        ),
        ("surname_l LIKE surname_r", "the word LIKE"),
        ("surname_l", "not one that is true or false"),
        ("surname_l || 'x' = surname_r", "the sign |"),
        (
            "list_intersect(surname_l, surname_r) > 1",
            "the function list_intersect",
        ),
        ("surname = surname_r", "the word surname"),
        (
            "regexp_extract(surname_l, '(?<=a)b') = 'x'",
            "the pattern (?<=a)b",
        ),
        ("strptime(surname_l, '%c') = 1", "the date layout %c"),
        (
            "levenshtein(surname_l) < 2",
            "the function levenshtein with 1 arguments",
        ),
        ("surname_l = 'open", "a quotation mark that is not closed"),
        ("CAST(surname_l AS INT) = 1", "the word AS"),
        ("(surname_l = surname_r", "no ) where one is due"),
        (
            "CASE WHEN surname_l = surname_r THEN 1 END = 1",
            "the word CASE",
        ),
    ] {
        let said = condition(sql);
        assert!(said.starts_with("comparison surname, level 2: "), "{said}");
        assert!(said.contains(want), "{sql}: {said}");
    }
    let deep = format!(
        "{}surname_l = surname_r{}",
        "(".repeat(200),
        ")".repeat(200)
    );
    assert!(condition(&deep).contains("levels of nesting"));
    assert!(condition(&"surname_l = surname_r OR ".repeat(2_000)).contains("longer than"));
}

#[test]
fn a_model_that_is_not_whole_is_refused() {
    let level = |m: &mut Value, at: usize, key: &str, value: Value| {
        m["comparisons"][0]["comparison_levels"][at][key] = value;
    };
    type Change = Box<dyn FnOnce(&mut Value)>;
    let cases: Vec<(Change, &str)> = vec![
        (
            Box::new(|m| m["colour"] = json!(1)),
            "unknown field `colour`",
        ),
        (
            Box::new(|m| m["link_type"] = json!("link_and_dedupe")),
            "\"link_and_dedupe\" is neither",
        ),
        (
            Box::new(|m| m["sql_dialect"] = json!("spark")),
            "sql_dialect",
        ),
        (
            Box::new(|m| m["probability_two_random_records_match"] = json!(0)),
            "not above 0",
        ),
        (
            Box::new(|m| m["blocking_rules_to_generate_predictions"] = json!([])),
            "every pair",
        ),
        (
            Box::new(|m| {
                m["blocking_rules_to_generate_predictions"] =
                    json!(["levenshtein(l.surname, r.surname) < 2"])
            }),
            "nothing in it must be equal",
        ),
        (
            Box::new(|m| {
                m["blocking_rules_to_generate_predictions"] =
                    json!([{"blocking_rule": "l.surname = r.surname", "arrays_to_explode": ["x"]}]);
            }),
            "arrays_to_explode",
        ),
        (Box::new(|m| m["comparisons"] = json!([])), "no comparisons"),
        (
            Box::new(move |m| level(m, 1, "m_probability", Value::Null)),
            "there is no number for m_probability",
        ),
        (
            Box::new(move |m| level(m, 1, "u_probability", json!(1.5))),
            "u_probability is not between",
        ),
        (
            Box::new(move |m| level(m, 1, "m_probability", json!("high"))),
            "there is no number for m_probability",
        ),
        (
            Box::new(move |m| level(m, 1, "weight", json!(1))),
            "unknown field `weight`",
        ),
        (
            Box::new(move |m| level(m, 2, "sql_condition", json!("surname_l = 'x'"))),
            "must be ELSE",
        ),
        (
            Box::new(move |m| level(m, 1, "tf_adjustment_column", json!("town"))),
            "exact match on town",
        ),
    ];
    for (change, want) in cases {
        let said = refused(change);
        assert!(said.contains(want), "{said}");
        assert!(!said.contains('\n'), "{said}");
    }
}

#[test]
fn a_specification_that_does_not_fit_the_model_is_refused() {
    let vector: Vector = serde_json::from_str(include_str!("vectors/splink5-link.json")).unwrap();
    let good = spec(&vector.model.to_string(), LinkType::Link, &["a", "b"]);
    let refused = |change: &dyn Fn(&mut Spec)| {
        let mut spec = good.clone();
        change(&mut spec);
        Intake::new(spec).err().unwrap().to_string()
    };
    let columns = |spec: &mut Spec, change: &dyn Fn(&mut Vec<String>)| {
        change(&mut spec.splink.as_mut().unwrap().columns[1]);
    };
    let missing = refused(&|spec| {
        columns(spec, &|c| c.truncate(5));
        spec.files[1].columns.truncate(5);
    });
    assert!(
        missing.contains("the column town, which input b does not have"),
        "{missing}"
    );
    let twice = refused(&|spec| columns(spec, &|c| c[0] = "town".into()));
    assert!(twice.contains("exactly once"), "{twice}");
    let blocked = refused(&|spec| {
        spec.blocking = vec![crate::BlockingRule {
            parts: vec!["surname".into()],
        }];
    });
    assert!(blocked.contains("a second time"), "{blocked}");
    let mut tight = good.clone();
    tight.settings.pairs_max = 3;
    let mut intake = Intake::new(tight).unwrap();
    for file in 0..2 {
        for _ in 0..3 {
            intake
                .push(
                    file,
                    &[Some("Ann"), Some("Lee"), None, None, None, Some("Crail")],
                )
                .unwrap();
        }
    }
    let resources = Resources {
        threads: NonZeroUsize::MIN,
        memory_bytes: 1 << 30,
    };
    let over = intake
        .link(resources, &mut Quiet)
        .err()
        .unwrap()
        .to_string();
    assert!(over.contains("above the limit pairs_max of 3"), "{over}");
}

#[test]
fn frequencies_from_outside_take_the_place_of_those_in_the_files() {
    let vector: Vector = serde_json::from_str(include_str!("vectors/splink5-link.json")).unwrap();
    let weight = |share: f64| {
        let mut spec = spec(&vector.model.to_string(), LinkType::Link, &["a", "b"]);
        spec.frequencies = vec![crate::Frequency {
            of: "surname".into(),
        }];
        let mut intake = Intake::new(spec).unwrap();
        for file in 0..2 {
            let values = [None, Some("Khan"), None, None, None, Some("Crail")];
            intake.push(file, &values).unwrap();
        }
        let count = (share * 1000.0) as u32;
        intake.frequency(0, "Khan", count).unwrap();
        intake.frequency(0, "Smith", 1000 - count).unwrap();
        let resources = Resources {
            threads: NonZeroUsize::MIN,
            memory_bytes: 1 << 30,
        };
        intake.link(resources, &mut Quiet).unwrap().joins[0].match_weight
    };
    // Ten times rarer is log2 10 bits more.
    let (tenth, hundredth) = (weight(0.1), weight(0.01));
    assert!((hundredth - tenth - 10.0_f64.log2()).abs() < 1e-9);
}
