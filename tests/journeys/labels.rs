//! Groups that are found in the data: an output checker looks at their labels before the answer leaves.

use serde_json::{Value, json};

use super::haven::Haven;
use super::http::text;
use super::measured::{path, proved, sound};
use super::project::{self, Open};

/// Areas as the data has them.
fn request(rho: f64) -> Value {
    json!({
        "table": "hospital_episodes",
        "group_by": [{ "column": "area" }],
        "statistics": ["people"],
        "l0": 1,
        "rho": rho,
        "delta": 1e-6,
    })
}

/// A safe haven in which two such questions can be paid for, but for delta at the third.
fn haven() -> (Haven, Open) {
    let haven = Haven::start();
    let open = project::open(&haven);
    let loss = json!({ "nano_rho": 50_000_000_000_u64, "atto_delta": 2_000_000_000_000_u64 });
    let caps = json!({ "people": loss, "project": loss, "researcher": loss });
    let opened = format!("/v1/datasets/{}/budget", open.sets.hospital);
    haven.yes("controller_1", &opened, &caps);
    (haven, open)
}

#[test]
fn labels_found_in_data_are_seen_by_a_checker_first_and_then_by_those_who_asked() {
    let (haven, open) = haven();
    let measures = path(&open, "measurements");
    let drawn = haven.yes("researcher", &measures, &request(8.0));
    let measurement = text(&drawn, "/measurement");
    let record = format!("/v1/measurements/{measurement}");
    let release = format!("{record}/release-labels");

    // It is paid for, and nobody on the project sees it: not now, and not by asking again.
    assert_eq!(
        (&drawn["state"], &drawn["charged"], &drawn["answer"]),
        (&json!("under_review"), &json!("price"), &Value::Null)
    );
    assert_eq!(drawn["price"]["atto_delta"], 1_000_000_000_000_u64);
    for who in ["researcher", "colleague", "controller_1", "auditor"] {
        let seen = haven.of(who).get(&record).ok();
        assert_eq!(
            (&seen["answer"], &seen["sha256"]),
            (&Value::Null, &Value::Null)
        );
        haven.of(who).get(&format!("{record}/record")).no(409);
    }
    let again = haven.no(409, "researcher", &measures, &request(8.0));
    assert!(
        text(&again, "/message").contains("output checker"),
        "{again}"
    );
    haven.of("steward").get(&record).no(403);

    // A checker sees the labels with their noisy numbers.
    let seen = haven.of("checker_1").get(&record).ok();
    assert_eq!(seen["checks_labels"], true);
    let labels: Vec<&Value> = seen["answer"]["rows"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| &row["group"]["area"])
        .collect();
    assert!(labels.contains(&&json!("EH")), "{seen}");

    // Only a checker releases it, and only what was seen.
    let bytes = json!({ "bytes": seen["sha256"] });
    for who in [
        "researcher",
        "colleague",
        "controller_1",
        "steward",
        "auditor",
        "administrator",
    ] {
        haven.kept_out(who, &release, &bytes);
    }
    let other = json!({ "bytes": "ab".repeat(32) });
    let other = haven.no(409, "checker_1", &release, &other);
    assert!(text(&other, "/message").contains("bytes"), "{other}");
    haven.yes("checker_1", &release, &bytes);
    haven.no(409, "checker_2", &release, &bytes);

    let released = haven.of("colleague").get(&record).ok();
    assert_eq!(
        (&released["state"], &released["answer"], &released["sha256"]),
        (&json!("released"), &seen["answer"], &seen["sha256"])
    );
    assert_eq!(released["labels_checked_by"], json!(haven.id("checker_1")));
    let kept = haven.yes("researcher", &measures, &request(8.0));
    assert_eq!(
        (&kept["charged"], &kept["answer"]),
        (&json!("nothing"), &seen["answer"])
    );
    proved(&haven, &released);
    sound(&haven);
}

#[test]
fn an_answer_that_is_kept_back_stays_paid_and_its_author_reads_why() {
    let (haven, open) = haven();
    let measures = path(&open, "measurements");
    let drawn = haven.yes("researcher", &measures, &request(8.0));
    let record = format!("/v1/measurements/{}", text(&drawn, "/measurement"));
    let withhold = format!("{record}/withhold-labels");
    let why = json!({ "reason": "One of the areas is a single street." });
    haven.kept_out("researcher", &withhold, &why);
    let silent = haven.no(422, "checker_1", &withhold, &json!({ "reason": " " }));
    assert!(text(&silent, "/message").contains("say why"), "{silent}");
    haven.yes("checker_1", &withhold, &why);

    let kept = haven.of("researcher").get(&record).ok();
    assert_eq!(
        (&kept["state"], &kept["answer"], &kept["withheld_because"]),
        (&json!("withheld"), &Value::Null, &why["reason"])
    );
    haven
        .of("checker_1")
        .get(&format!("{record}/record"))
        .no(409);
    // The same question is not drawn again, and nothing came back.
    let again = haven.no(409, "researcher", &measures, &request(8.0));
    assert!(
        text(&again, "/message").contains("kept the labels"),
        "{again}"
    );
    let path = format!("/v1/datasets/{}/budget", open.sets.hospital);
    let spent = haven.of("controller_1").get(&path).ok();
    assert_eq!(spent["accounts"][0]["spent"]["nano_rho"], 8_000_000_000_u64);

    // Delta is counted like rho: a second question is paid for, a third is not.
    haven.yes("researcher", &measures, &request(1.0));
    let over = haven.no(409, "researcher", &measures, &request(0.5));
    assert!(text(&over, "/message").contains("delta"), "{over}");
    sound(&haven);
}
