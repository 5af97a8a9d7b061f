//! Who may not, over HTTP.

use serde_json::json;

use super::haven::Haven;
use super::project;

#[test]
fn without_a_token_nothing_but_the_public_parts_answers() {
    let mut haven = Haven::start();
    let door = haven.door().clone();
    for path in [
        "/v1/whoami",
        "/v1/catalogue",
        "/v1/outputs",
        "/v1/events",
        "/v1/projects/prj_aaaaaaaaaaaaaaaa",
    ] {
        door.get(path).no(401);
        door.with_token("not-a-token").get(path).no(401);
    }
    let open = [
        "/v1/people",
        "/v1/datasets",
        "/v1/projects",
        "/v1/log/publish",
    ];
    for path in open {
        door.post(path, &json!({})).no(401);
        door.with_token("").post(path, &json!({})).no(401);
    }
    assert_eq!(door.get("/v1/register").status, 200);
    assert_eq!(door.get("/v1/nothing").status, 404);

    // Whoever is retired has no token any more.
    haven.add("leaver", "researcher");
    haven.of("leaver").get("/v1/whoami").ok();
    let path = format!("/v1/people/{}/retire", haven.id("leaver"));
    haven.no(403, "leaver", &path, &json!({}));
    haven.yes("administrator", &path, &json!({}));
    haven.of("leaver").get("/v1/whoami").no(401);
    haven.no(401, "leaver", "/v1/projects", &json!({}));
}

#[test]
fn each_role_does_its_own_work_and_no_other() {
    let haven = Haven::start();
    let open = project::open(&haven);
    let queries = format!("/v1/workspaces/{}/queries", open.workspace);
    let sql = json!({ "sql": project::SAFE });
    for who in [
        "checker_1",
        "indexer",
        "steward",
        "identifiers",
        "payload",
        "controller_1",
        "panel_1",
        "chair",
        "coordinator",
        "auditor",
        "administrator",
    ] {
        haven.kept_out(who, &queries, &sql);
    }
    haven.yes("colleague", &queries, &sql);

    let id = project::start(&haven);
    let version = project::submit(&haven, &id, &project::form(&haven, &open.sets));
    let at = |act: &str| format!("/v1/projects/{id}/{act}");
    let vote = json!({ "version": version, "verdict": "approve" });
    for who in [
        "researcher",
        "colleague",
        "controller_1",
        "chair",
        "administrator",
    ] {
        haven.kept_out(who, &at("votes"), &vote);
    }
    let sign = json!({ "dataset": open.sets.hospital, "version": version, "verdict": "signed" });
    for who in ["researcher", "controller_2", "panel_1", "administrator"] {
        haven.kept_out(who, &at("sign"), &sign);
    }
    for who in ["researcher", "panel_1", "coordinator", "administrator"] {
        haven.kept_out(who, &at("approve"), &json!({}));
    }
    let new = json!({ "name": "x", "organisation": "x", "roles": ["output_checker"] });
    for who in ["researcher", "checker_1", "coordinator"] {
        haven.kept_out(who, "/v1/people", &new);
    }
    let both = json!({ "name": "x", "organisation": "x", "roles": ["indexer", "researcher"] });
    haven.no(409, "administrator", "/v1/people", &both);

    let aside =
        json!({ "section": "data", "visibility": "private", "text": "Is the ward needed?" });
    let aloud = json!({ "section": "data", "visibility": "public", "text": "Why the ward?" });
    haven.kept_out("researcher", &at("comments"), &aside);
    haven.yes("panel_1", &at("comments"), &aside);
    haven.yes("panel_1", &at("comments"), &aloud);
    let read = |who: &str| {
        haven
            .of(who)
            .get(&at("comments"))
            .ok()
            .as_array()
            .unwrap()
            .len()
    };
    assert_eq!(
        (read("chair"), read("researcher"), read("auditor")),
        (2, 1, 1)
    );
    haven.kept_out("coordinator", &at("interest"), &json!({}));
    haven.yes("panel_1", &at("interest"), &json!({}));
    haven.kept_out("panel_1", &at("votes"), &vote);
    assert_eq!(read("panel_1"), 1, "nothing private any more");
    for who in ["researcher", "checker_1", "administrator"] {
        haven.no(403, who, "/v1/log/publish", &json!({}));
    }

    let (output, _) = project::stage(&haven, &open.workspace, project::SAFE);
    let path = format!("/v1/outputs/{output}");
    let exact = json!({ "rendering": "exact" });
    assert_eq!(
        haven.of("checker_1").get(&path).status,
        403,
        "not before it is submitted"
    );
    haven.kept_out("checker_1", &format!("{path}/submit"), &exact);
    haven.yes("researcher", &format!("{path}/submit"), &exact);
    assert_eq!(haven.of("indexer").get(&path).status, 403);
    let bytes = haven.of("checker_1").get(&path).ok()["bytes"].clone();
    let comments = format!("{path}/comments");
    let aside = json!({ "visibility": "private", "text": "The second row is near the threshold." });
    haven.kept_out("researcher", &comments, &aside);
    haven.kept_out("steward", &comments, &aside);
    haven.yes("checker_1", &comments, &aside);
    let read = |who: &str| haven.of(who).get(&comments).ok().as_array().unwrap().len();
    assert_eq!(
        (read("checker_1"), read("checker_2"), read("researcher")),
        (1, 0, 0)
    );
    let vote = json!({ "verdict": "approve", "bytes": bytes });
    for who in [
        "researcher",
        "colleague",
        "indexer",
        "steward",
        "administrator",
    ] {
        haven.kept_out(who, &format!("{path}/votes"), &vote);
        haven.kept_out(who, &format!("{path}/release"), &json!({}));
    }
}
