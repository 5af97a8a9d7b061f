//! What a project left is destroyed over the real API: after its end, by the steward, once, with its leaf.

use serde_json::{Value, json};

use crate::journeys::haven::{Haven, files};
use crate::journeys::http::text;
use crate::journeys::project::{self, SAFE};

/// Sealed files that belong to extracts, indexings and outputs; deliveries stay.
fn sealed(haven: &Haven) -> Vec<String> {
    let names = files(&haven.at("keeper/sealed")).into_iter();
    names
        .map(|path| path.file_name().unwrap().to_string_lossy().into_owned())
        .filter(|name| !name.starts_with("del_"))
        .collect()
}

#[test]
fn what_a_closed_project_left_is_destroyed_and_certified_and_nothing_of_it_opens_again() {
    let haven = Haven::start();
    let open = project::open(&haven);
    let (output, _) = project::stage(&haven, &open.workspace, SAFE);
    let at = |act: &str| format!("/v1/projects/{}/{act}", open.project);
    haven.no(409, "steward", &at("destroy"), &json!({}));
    assert!(sealed(&haven).len() >= 5, "{:?}", sealed(&haven));
    haven.yes("researcher", &at("close"), &json!({}));
    for who in [
        "researcher",
        "administrator",
        "indexer",
        "controller_1",
        "auditor",
    ] {
        haven.kept_out(who, &at("destroy"), &json!({}));
    }
    let done = haven.yes("steward", &at("destroy"), &json!({}));
    assert!(done["files"].as_u64().unwrap() >= 5, "{done}");
    assert_eq!(
        done["epoch_after"].as_u64().unwrap(),
        done["epoch_before"].as_u64().unwrap() + 1
    );
    assert_eq!(sealed(&haven), Vec::<String>::new());
    assert_eq!(project::state(&haven, &open.project), "destroyed");
    let keys: Vec<String> = files(&haven.at("keeper/keys"))
        .into_iter()
        .map(|path| path.to_string_lossy().into_owned())
        .filter(|path| path.contains(&open.project))
        .collect();
    assert_eq!(keys.len(), 4, "{keys:?}");
    assert!(
        keys.iter().all(|key| key.ends_with(".destroyed")),
        "{keys:?}"
    );

    // Once, and nothing comes after it.
    haven.no(409, "steward", &at("destroy"), &json!({}));
    let table = haven
        .of("checker_1")
        .get(&format!("/v1/outputs/{output}/table"));
    assert_ne!(table.status, 200, "{}", table.text());
    let events = format!("/v1/events?project={}", open.project);
    let events = haven.of("auditor").get(&events).ok();
    let events: Vec<&Value> = events.as_array().unwrap().iter().collect();
    let leaf = events
        .iter()
        .find(|event| event["action"] == "destroy_project")
        .expect("a leaf");
    assert_eq!(
        text(leaf, "/facts/certificate"),
        text(&done, "/certificate")
    );
    assert!(
        events
            .iter()
            .any(|event| event["action"] == "destroy_extract")
    );
}
