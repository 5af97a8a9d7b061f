//! Counts of people for whoever plans a study: from the controller's leave to the noisy number, and what does not
//! work.

use serde_json::{Value, json};

use super::haven::Haven;
use super::http::text;
use super::project::{self, Open};

const PRICE: u64 = 1_000_000;

fn at(open: &Open, act: &str) -> String {
    format!("/v1/datasets/{}/{act}", open.sets.hospital)
}

fn budget(haven: &Haven, open: &Open) {
    let loss = |nano_rho: u64| json!({ "nano_rho": nano_rho, "atto_delta": 0 });
    let caps = json!({
        "people": loss(100_000_000), "project": loss(50_000_000), "researcher": loss(4 * PRICE),
    });
    haven.yes("controller_1", &at(open, "budget"), &caps);
}

/// What the people's account has spent.
fn spent(haven: &Haven, open: &Open) -> u64 {
    let budget = haven.of("controller_1").get(&at(open, "budget")).ok();
    // Before the first count there is no account.
    budget["accounts"][0]["spent"]["nano_rho"]
        .as_u64()
        .unwrap_or(0)
}

/// A researcher who is on no project.
fn planner(haven: &mut Haven) {
    haven.add("planner", "researcher");
}

fn fit(haven: &Haven) {
    let path = format!("/v1/people/{}/standing", haven.id("planner"));
    let standing = json!({
        "accreditation_until": "2030-12-31", "training_until": "2030-12-31", "undertaking_on": "2026-01-05",
    });
    haven.yes("coordinator", &path, &standing);
}

/// The count in an answer.
fn people(answer: &Value) -> i64 {
    let value = &answer["answer"]["rows"][0]["values"]["people"]["value"];
    value.as_i64().unwrap_or_else(|| panic!("{answer}"))
}

#[test]
fn somebody_on_no_project_learns_how_many_people_there_are_as_the_controller_allows() {
    let mut haven = Haven::start();
    planner(&mut haven);
    let open = project::open(&haven);
    budget(&haven, &open);
    let (counts, leave) = (at(&open, "counts"), at(&open, "feasibility"));
    let everybody = json!({ "filter": [] });
    let allowed = json!({ "project": open.project, "nano_rho": PRICE });

    // Without accreditation nothing is counted; without the controller's leave neither.
    haven.no(403, "planner", &counts, &everybody);
    fit(&haven);
    let none = haven.no(409, "planner", &counts, &everybody);
    assert!(text(&none, "/message").contains("feasibility"), "{none}");
    for who in [
        "controller_2",
        "researcher",
        "steward",
        "planner",
        "administrator",
    ] {
        haven.kept_out(who, &leave, &allowed);
    }
    haven.no(
        409,
        "controller_1",
        &leave,
        &json!({ "project": open.project, "nano_rho": 0 }),
    );
    haven.yes("controller_1", &leave, &allowed);

    // What is offered, for nothing.
    let offer = haven.of("planner").get(&leave).ok();
    assert_eq!(offer["price"]["nano_rho"], PRICE);
    // 1.96 / sqrt(2 * 0.001), rounded up.
    assert_eq!(offer["error_95"], 44);
    let columns = json!([
        "main_condition",
        "hospital",
        "specialty",
        "age_at_admission",
        "area"
    ]);
    assert_eq!(offer["columns"], columns);
    assert_eq!(spent(&haven, &open), 0);

    // The people of the extract are counted by its own report.
    let table = open.extract["tables"].as_array().unwrap();
    let table = table.iter().find(|t| t["name"] == "hospital_episodes");
    let truth = table.unwrap()["people"].as_i64().unwrap();
    let answer = haven.yes("planner", &counts, &everybody);
    assert_eq!(answer["charged"], "price");
    assert_eq!(answer["feasibility"], open.sets.hospital);
    // Ten standard deviations.
    assert!(
        (people(&answer) - truth).abs() < 224,
        "{} {truth}",
        people(&answer)
    );
    assert_eq!(spent(&haven, &open), PRICE);

    // Asked again by anybody, however it is spelt: the same number, for nothing.
    for who in ["planner", "colleague"] {
        let again = haven.yes(who, &counts, &json!({}));
        assert_eq!(
            (people(&again), &again["charged"]),
            (people(&answer), &json!("nothing"))
        );
    }
    assert_eq!(spent(&haven, &open), PRICE);

    // It is its author's, the controllers' and the auditor's, and not the project's.
    let record = format!("/v1/measurements/{}", text(&answer, "/measurement"));
    for who in ["planner", "controller_1", "auditor"] {
        assert_eq!(haven.of(who).get(&record).ok()["answer"], answer["answer"]);
    }
    haven.of("researcher").get(&record).no(403);
    let listed = format!("/v1/projects/{}/measurements", open.project);
    assert_eq!(haven.of("researcher").get(&listed).ok(), json!([]));

    mistakes_cost_nothing(&haven, &open);
    nothing_else_is_opened(&haven, &open);
    ends(&haven, &open);
    let checked = haven.of("auditor").get("/v1/log/accounts").ok();
    assert_eq!(checked["faults"], json!([]), "{checked}");
}

/// What is no condition over the columns that are offered is refused before anything is reserved.
fn mistakes_cost_nothing(haven: &Haven, open: &Open) {
    let before = spent(haven, open);
    for (status, filter) in [
        (422, json!([{ "column": "no_such", "op": "=", "value": 1 }])),
        (
            422,
            json!([{ "column": "person", "op": "=", "value": "x" }]),
        ),
        (
            422,
            json!([{ "column": "area", "op": "resembles", "value": "EH" }]),
        ),
        (
            422,
            json!([{ "column": "area", "op": "=", "value": "EH", "or": [] }]),
        ),
        (422, json!(["area"])),
    ] {
        haven.no(
            status,
            "planner",
            &at(open, "counts"),
            &json!({ "filter": filter }),
        );
    }
    assert_eq!(spent(haven, open), before);
}

/// The leave is for counts: neither the workspace nor the project opens to who counts.
fn nothing_else_is_opened(haven: &Haven, open: &Open) {
    let inside = |act: &str| format!("/v1/workspaces/{}/{act}", open.workspace);
    let sql = json!({ "sql": project::SAFE });
    haven.kept_out("planner", &inside("queries"), &sql);
    let request = json!({ "table": "hospital_episodes", "statistics": ["people"], "rho": 0.001 });
    haven.kept_out("planner", &inside("measurements"), &request);
    haven.kept_out("planner", &inside("prices"), &request);
    haven
        .of("planner")
        .get(&format!("/v1/projects/{}", open.project))
        .no(403);
}

/// One researcher's account, then each thing that a count stands on.
fn ends(haven: &Haven, open: &Open) {
    let (counts, leave) = (at(open, "counts"), at(open, "feasibility"));
    let area = |area: &str| json!({ "filter": [{ "column": "area", "op": "=", "value": area }] });
    for one in ["EH", "G", "AB"] {
        haven.yes("planner", &counts, &area(one));
    }
    // Four counts are all that one researcher may have here.
    haven.no(409, "planner", &counts, &area("KY"));
    assert_eq!(spent(haven, open), 4 * PRICE);
    let ask = || haven.no(409, "colleague", &counts, &area("KY"));
    let workspace = |act: &str| {
        let path = format!("/v1/workspaces/{}/{act}", open.workspace);
        haven.yes("steward", &path, &json!({}));
    };
    workspace("suspend");
    ask();
    workspace("resume");
    haven.of("controller_1").delete(&leave).ok();
    ask();
    let allowed = json!({ "project": open.project, "nano_rho": PRICE });
    haven.yes("controller_1", &leave, &allowed);
    haven.yes("colleague", &counts, &area("KY"));
    haven
        .of("controller_1")
        .delete(&at(open, "instruction"))
        .ok();
    haven.no(409, "colleague", &counts, &area("PH"));
    assert_eq!(spent(haven, open), 5 * PRICE);
}
