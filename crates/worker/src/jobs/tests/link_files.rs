//! Linking files of one's own, and comparing with a truth.

use linkage::{ColumnSpec, FileSpec, Holds, LinkType, Role, Spec};
use protocol::job::{LinkFiles, LinkedFile, TruthFile};

use super::link::population;
use super::*;

const COLUMNS: [(&str, Role); 5] = [
    ("first", Role::Forename),
    ("last", Role::Surname),
    ("born", Role::DateOfBirth),
    ("chi", Role::Chi),
    ("home", Role::Postcode),
];

fn csv(prefix: &str, people: &[String]) -> String {
    let mut file = text("id,first,last,born,chi,home,note\n");
    for (at, row) in people.iter().enumerate() {
        file.push_str(&format!("{prefix}{at},{row},\"of no \"\"use\"\"\"\n"));
    }
    file
}

fn job(truth: Option<&str>) -> Job {
    let columns: Vec<ColumnSpec> = COLUMNS
        .iter()
        .map(|(name, role)| ColumnSpec {
            role: *role,
            name: text(name),
        })
        .collect();
    let file = |name: &str| FileSpec {
        name: text(name),
        columns: columns.clone(),
        holds: Holds::Estimated,
    };
    let spec = Spec::new(LinkType::Link, vec![file("spine"), file("clinic")]);
    let linked = |name: &str| LinkedFile {
        file: text(name),
        format: Format::Csv,
        id: text("id"),
    };
    Job::LinkFiles(LinkFiles {
        spec: serde_json::to_string(&spec).unwrap(),
        files: vec![linked("0.csv"), linked("1.csv")],
        truth: truth.map(|name| TruthFile {
            file: text(name),
            format: Format::Csv,
        }),
        labels: None,
        decisions: Vec::new(),
        frequencies: Vec::new(),
        review: 0,
    })
}

fn desk(truth: &str) -> Desk {
    let people = population();
    Desk::with("0.csv", csv("s", &people))
        .and("1.csv", csv("c", &people[..100]))
        .and("2.csv", truth)
}

#[test]
fn files_are_linked_and_compared_with_the_truth() {
    let mut truth = text("source,id,person\n");
    for at in 0..300 {
        truth.push_str(&format!("spine,s{at},p{at}\n"));
    }
    for at in 0..100 {
        truth.push_str(&format!("clinic,c{at},p{at}\n"));
    }
    let done = desk(&truth).run(job(Some("2.csv")));
    let Ok(Report::LinkFiles {
        linkage,
        stages,
        scores: Some(scores),
        agreement: None,
    }) = done.report
    else {
        panic!("{:?}", done.report)
    };
    assert_eq!((scores.true_pairs, scores.records_without_truth), (100, 0));
    assert!(scores.best_f1 > 0.98, "{scores:?}");
    assert!(scores.clusters.precision > 0.98, "{scores:?}");
    assert!(stages.iter().any(|stage| stage.stage == "read"));
    assert!(!linkage.contains("Reid"), "a report holds no value");
    for name in ["links.parquet", "clusters.parquet", "model.json"] {
        assert!(done.files.contains_key(name), "{name}");
    }
    assert!(!String::from_utf8_lossy(&done.files["model.json"]).contains("Reid"));
}

#[test]
fn a_truth_that_does_not_fit_the_files_is_refused_without_its_values() {
    for (truth, want) in [
        (
            "source,id,person\nSECRET,s1,p1\n",
            "row 1, column source: no input",
        ),
        (
            "source,id,person\nspine,SECRET,p1\n",
            "row 1, column id: the input has no such id",
        ),
        (
            "source,id,person\nspine,s1,p1\nspine,s1,p2\n",
            "row 2, column id: the id stands here twice",
        ),
        (
            "source,id,person\nspine,s1,\n",
            "row 1, column person: the person is missing",
        ),
        (
            "id,person\ns1,p1\n",
            "column source is missing from the header",
        ),
    ] {
        let refused = desk(truth).run(job(Some("2.csv"))).report.unwrap_err();
        assert!(refused.message.starts_with("the truth: "), "{refused}");
        assert!(refused.message.contains(want), "{refused}");
        assert!(!refused.message.contains("SECRET"));
    }
}
