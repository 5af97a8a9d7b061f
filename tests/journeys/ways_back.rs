//! Every way back, over HTTP: returned, refused, declined, withdrawn, changes requested, revoked, too late.

use serde_json::json;

use super::haven::Haven;
use super::http::text;
use super::project;

#[test]
fn an_application_that_is_returned_comes_back_changed() {
    let haven = Haven::start();
    let sets = project::sets(&haven);
    let id = project::start(&haven);
    let mut form = project::form(&haven, &sets);
    let first = project::submit(&haven, &id, &form);
    let at = |act: &str| format!("/v1/projects/{id}/{act}");
    haven.no(409, "researcher", &at("submit"), &form);
    haven.no(409, "chair", &at("return"), &json!({}));
    project::vote(&haven, &id, &first, "return");
    haven.no(409, "chair", &at("approve"), &json!({}));
    haven.yes("chair", &at("return"), &json!({}));
    assert_eq!(project::state(&haven, &id), "returned");
    form["title"] = json!("Admissions and prescribing, more precisely");
    let second = project::submit(&haven, &id, &form);
    assert_ne!(first, second);
    let stale = json!({ "version": first, "verdict": "approve" });
    haven.no(409, "panel_1", &at("votes"), &stale);
    project::approve(&haven, &id, &sets, &second);
    assert_eq!(project::state(&haven, &id), "in_force");
}

#[test]
fn an_application_that_is_refused_or_withdrawn_stays_so() {
    let haven = Haven::start();
    let sets = project::sets(&haven);
    let form = project::form(&haven, &sets);
    let id = project::start(&haven);
    let version = project::submit(&haven, &id, &form);
    let at = |id: &str, act: &str| format!("/v1/projects/{id}/{act}");
    project::vote(&haven, &id, &version, "refuse");
    haven.yes("chair", &at(&id, "refuse"), &json!({}));
    assert_eq!(project::state(&haven, &id), "refused");
    haven.no(409, "researcher", &at(&id, "submit"), &form);
    haven.no(409, "chair", &at(&id, "approve"), &json!({}));

    let id = project::start(&haven);
    let version = project::submit(&haven, &id, &form);
    assert_eq!(
        haven
            .post("colleague", &at(&id, "withdraw"), &json!({}))
            .status,
        403
    );
    haven.yes("researcher", &at(&id, "withdraw"), &json!({}));
    assert_eq!(project::state(&haven, &id), "withdrawn");
    let ask = json!({ "version": version, "verdict": "approve" });
    haven.no(409, "panel_1", &at(&id, "votes"), &ask);
    haven.no(409, "researcher", &at(&id, "submit"), &form);
}

#[test]
fn a_controller_who_declines_stops_the_application() {
    let haven = Haven::start();
    let sets = project::sets(&haven);
    let id = project::start(&haven);
    let version = project::submit(&haven, &id, &project::form(&haven, &sets));
    project::sign(
        &haven,
        "controller_1",
        &id,
        &sets.hospital,
        &version,
        "signed",
    );
    project::sign(
        &haven,
        "controller_2",
        &id,
        &sets.prescribing,
        &version,
        "declined",
    );
    project::vote(&haven, &id, &version, "approve");
    let path = format!("/v1/projects/{id}/approve");
    let no = haven.no(409, "chair", &path, &json!({}));
    assert!(text(&no, "/message").contains(&sets.prescribing), "{no}");
    let other = json!({ "dataset": sets.hospital, "version": version, "verdict": "signed" });
    let path = format!("/v1/projects/{id}/sign");
    haven.kept_out("controller_2", &path, &other);
}

#[test]
fn an_application_that_ends_in_the_past_is_not_taken() {
    let haven = Haven::start();
    let sets = project::sets(&haven);
    let id = project::start(&haven);
    let mut form = project::form(&haven, &sets);
    form["start"] = json!("2020-01-01");
    form["end"] = json!("2020-12-31");
    let path = format!("/v1/projects/{id}/submit");
    let no = haven.no(409, "researcher", &path, &form);
    assert!(
        text(&no, "/message").contains("the end date has passed"),
        "{no}"
    );
    assert_eq!(project::state(&haven, &id), "draft");
}

#[test]
fn an_output_is_changed_and_comes_back_and_a_revoked_project_ends() {
    let haven = Haven::start();
    let open = project::open(&haven);
    let (output, _) = project::stage(&haven, &open.workspace, project::SAFE);
    let at = |act: &str| format!("/v1/outputs/{output}/{act}");
    let exact = json!({ "rendering": "exact" });
    haven.yes("researcher", &at("submit"), &exact);
    project::review(&haven, "checker_1", &output, "request_changes");
    let state = project::review(&haven, "checker_2", &output, "request_changes");
    assert_eq!(state, "changes_requested");
    haven.no(409, "checker_1", &at("release"), &json!({}));
    haven.yes("researcher", &at("submit"), &exact);
    project::review(&haven, "checker_1", &output, "approve");
    assert_eq!(
        project::review(&haven, "checker_2", &output, "approve"),
        "approved"
    );
    haven.yes("researcher", &at("withdraw"), &json!({}));
    haven.no(409, "checker_1", &at("release"), &json!({}));

    let queries = format!("/v1/workspaces/{}/queries", open.workspace);
    let sql = json!({ "sql": project::SAFE });
    haven.yes("researcher", &queries, &sql);
    let revoke = format!("/v1/projects/{}/revoke", open.project);
    let ask = json!({ "dataset": open.sets.prescribing });
    haven.kept_out("controller_1", &revoke, &ask);
    haven.yes("controller_2", &revoke, &ask);
    assert_eq!(project::state(&haven, &open.project), "revoked");
    // Its controllers still read what they ended, and the public register still shows it.
    let path = format!("/v1/projects/{}", open.project);
    assert_eq!(
        text(&haven.of("controller_2").get(&path).ok(), "/state"),
        "revoked"
    );
    let register = haven.door().get("/v1/register").ok();
    assert_eq!(text(&register, "/0/state"), "revoked");
    haven.no(409, "researcher", &queries, &sql);
    let path = format!("/v1/workspaces/{}/outputs", open.workspace);
    let ask = json!({ "sql": project::SAFE, "context": "Table 1." });
    haven.no(409, "researcher", &path, &ask);
}
