//! The measuring lane through the built programs: priced, reserved, drawn in a real sealed worker, settled; and
//! what somebody does who would like it cheaper.

use serde_json::{Value, json};

use super::haven::Haven;
use super::http::text;
use super::project::{self, Open};
use crate::support::program;

/// People by hospital in three age bands would do; the codebook's specialties are three here.
fn request(rho: f64) -> Value {
    json!({
        "table": "hospital_episodes",
        "group_by": [{ "column": "area", "values": ["EH", "G", "AB"] }],
        "statistics": ["people"],
        "l0": 1,
        "rho": rho,
    })
}

fn caps(people: u64) -> Value {
    let loss = |nano_rho: u64| json!({ "nano_rho": nano_rho, "atto_delta": 0 });
    json!({ "people": loss(people), "project": loss(50_000_000), "researcher": loss(30_000_000) })
}

pub(super) fn path(open: &Open, act: &str) -> String {
    format!("/v1/workspaces/{}/{act}", open.workspace)
}

fn budget(haven: &Haven, open: &Open) -> Value {
    let path = format!("/v1/datasets/{}/budget", open.sets.hospital);
    haven.of("controller_1").get(&path).ok()
}

/// What is held and spent by the people, in nano-rho.
fn people(haven: &Haven, open: &Open) -> (u64, u64) {
    let budget = budget(haven, open);
    let number = |pointer: &str| budget.pointer(pointer).and_then(Value::as_u64).unwrap_or(0);
    (
        number("/accounts/0/held/nano_rho"),
        number("/accounts/0/spent/nano_rho"),
    )
}

pub(super) fn sound(haven: &Haven) {
    let checked = haven.of("auditor").get("/v1/log/accounts").ok();
    assert_eq!(checked["faults"], json!([]), "{checked}");
}

#[test]
fn a_question_is_priced_for_nothing_measured_once_and_charged_at_every_level() {
    let haven = Haven::start();
    let open = project::open(&haven);
    let (prices, measures) = (path(&open, "prices"), path(&open, "measurements"));
    let ask = request(0.01);

    // Without a controller's budget nothing is measured, and the controller of another dataset opens none.
    let none = haven.no(409, "researcher", &prices, &ask);
    assert!(text(&none, "/message").contains("privacy budget"), "{none}");
    let opened = format!("/v1/datasets/{}/budget", open.sets.hospital);
    haven.kept_out("controller_2", &opened, &caps(100_000_000));
    haven.kept_out("researcher", &opened, &caps(100_000_000));
    haven.yes("controller_1", &opened, &caps(100_000_000));

    // The price: free, however often, and nothing is recorded.
    let before = haven.publish();
    let price = haven.yes("researcher", &prices, &ask);
    assert_eq!(
        price["price"],
        json!({ "nano_rho": 10_000_000, "atto_delta": 0 })
    );
    assert_eq!(price["answered"], Value::Null);
    assert_eq!(
        price["remaining"][0]["accounts"][2]["left"]["nano_rho"],
        30_000_000
    );
    haven.yes("researcher", &prices, &ask);
    assert_eq!(haven.publish()["size"], before["size"]);
    assert_eq!(people(&haven, &open), (0, 0));
    for who in [
        "checker_1",
        "controller_1",
        "steward",
        "indexer",
        "auditor",
        "administrator",
    ] {
        haven.kept_out(who, &prices, &ask);
        haven.kept_out(who, &measures, &ask);
    }

    let answer = haven.yes("researcher", &measures, &ask);
    assert_eq!(
        (&answer["state"], &answer["charged"]),
        (&json!("released"), &json!("price"))
    );
    assert_eq!(answer["void"], json!([]));
    assert_eq!(people(&haven, &open), (0, 10_000_000));
    let all = budget(&haven, &open);
    let accounts = all["accounts"].as_array().unwrap();
    assert_eq!(accounts.len(), 3);
    assert!(
        accounts
            .iter()
            .all(|a| a["spent"]["nano_rho"] == 10_000_000),
        "{all}"
    );

    repeated(&haven, &open, &ask, &answer);
    practised(&haven, &open, &ask);
    haven
        .of("checker_1")
        .get(&format!(
            "/v1/measurements/{}/record",
            text(&answer, "/measurement")
        ))
        .no(403);
    proved(&haven, &answer);

    // Its record is read by those whom it concerns, and proved to anybody.
    let record = format!("/v1/measurements/{}", text(&answer, "/measurement"));
    for who in ["colleague", "controller_1", "controller_2", "auditor"] {
        assert_eq!(haven.of(who).get(&record).ok()["answer"], answer["answer"]);
    }
    haven.of("checker_1").get(&record).no(403);
    sound(&haven);
}

/// The same question over made-up rows: it says so, costs nothing and leaves no trace.
fn practised(haven: &Haven, open: &Open, ask: &Value) {
    let practice = path(open, "practice");
    let (before, spent) = (haven.publish(), people(haven, open));
    let made_up = haven.yes("researcher", &practice, ask);
    assert_eq!(made_up["practice"], true);
    assert!(text(&made_up["answer"], "/practice").contains("made-up"));
    assert_eq!(made_up["answer"]["rows"].as_array().unwrap().len(), 3);
    assert_eq!(haven.publish()["size"], before["size"]);
    assert_eq!(people(haven, open), spent);
    haven.kept_out("controller_1", &practice, ask);
    let wrong = json!({ "table": "hospital_episodes", "statistics": [{ "statistic": "mean", "column": "shoe_size", "bounds": [0, 1] }], "linf": 1, "rho": 0.01 });
    let named = haven.no(422, "researcher", &practice, &wrong);
    assert!(text(&named, "/message").contains("shoe_size"), "{named}");
}

/// The release's record is checked by the program alone, with nothing but the log's key.
pub(super) fn proved(haven: &Haven, answer: &Value) {
    haven.publish();
    let measurement = text(answer, "/measurement");
    let route = format!("/v1/measurements/{measurement}/record");
    let record = haven.of("colleague").get(&route).ok();
    let folder = tempfile::tempdir().unwrap();
    let key = haven.of("auditor").get("/v1/health").ok();
    let verified = |record: &Value| {
        let file = folder.path().join("record.json");
        std::fs::write(&file, record.to_string()).unwrap();
        let output = std::process::Command::new(program("strongroom"))
            .args(["dp", "verify"])
            .arg(&file)
            .args(["--vkey", &text(&key, "/vkey")])
            .output()
            .unwrap();
        let told: Value = serde_json::from_slice(&output.stdout).unwrap();
        (output.status.code(), told)
    };
    let (code, told) = verified(&record);
    assert_eq!((code, &told["verdict"]), (Some(0), &json!("ok")), "{told}");
    assert_eq!(told["charged"]["nano_rho"], answer["price"]["nano_rho"]);
    assert_eq!(told["charged"]["atto_delta"], answer["price"]["atto_delta"]);
    assert_eq!(told["answer_sha256"], answer["sha256"]);
    let mut forged = record;
    forged["answer"] = json!(text(&forged, "/answer").replacen("\"value\":", "\"value\":1", 1));
    assert_eq!(verified(&forged).0, Some(1));
}

/// Again, respelt, and by a colleague: the same bytes at no charge.
fn repeated(haven: &Haven, open: &Open, ask: &Value, answer: &Value) {
    let (prices, measures) = (path(open, "prices"), path(open, "measurements"));
    let respelt = "{ \"rho\": 0.010, \"l0\": 1, \"statistics\": [\"people\"], \"table\": \"hospital_episodes\",
        \"group_by\": [{\"values\": [\"EH\", \"G\", \"AB\"], \"column\": \"area\"}] }";
    for (who, body) in [
        ("researcher", ask.to_string()),
        ("colleague", respelt.to_owned()),
    ] {
        let again = haven.of(who).post_bytes(&measures, body.as_bytes()).ok();
        assert_eq!(again["charged"], "nothing");
        assert_eq!(
            (&again["sha256"], &again["answer"]),
            (&answer["sha256"], &answer["answer"])
        );
    }
    assert_eq!(people(haven, open), (0, 10_000_000));
    let priced = haven.yes("researcher", &prices, ask);
    assert_eq!(priced["answered"], answer["measurement"]);
}

#[test]
fn caps_hold_for_pooled_researchers_and_an_exact_release_is_on_the_record() {
    let haven = Haven::start();
    let open = project::open(&haven);
    let measures = path(&open, "measurements");
    let opened = format!("/v1/datasets/{}/budget", open.sets.hospital);
    haven.yes("controller_1", &opened, &caps(45_000_000));

    // The researcher's cap of 0.03, then the people's of 0.045, whoever asks.
    let early = haven.yes("researcher", &measures, &request(0.02));
    assert_eq!(early["ended"], json!({}));
    let over = haven.no(409, "researcher", &measures, &request(0.015));
    assert!(text(&over, "/message").contains("rho 0.01 left"), "{over}");
    haven.yes("colleague", &measures, &request(0.015));
    let over = haven.no(409, "colleague", &measures, &request(0.0125));
    assert!(text(&over, "/message").contains("the people"), "{over}");
    assert_eq!(people(&haven, &open), (0, 35_000_000));
    // What was refused left nothing held.
    sound(&haven);

    let (output, _) = project::stage(&haven, &open.workspace, project::SAFE);
    let submit = json!({ "rendering": "exact" });
    haven.yes(
        "researcher",
        &format!("/v1/outputs/{output}/submit"),
        &submit,
    );
    for who in ["checker_1", "checker_2"] {
        project::review(&haven, who, &output, "approve");
    }
    haven.yes(
        "checker_1",
        &format!("/v1/outputs/{output}/release"),
        &json!({}),
    );
    let after = budget(&haven, &open);
    assert_eq!(
        (&after["state"], &after["void_by"]),
        (&json!("void"), &json!(output))
    );
    let late = haven.yes("researcher", &measures, &request(0.005));
    assert_eq!(late["void"], json!([after["budget"]]));
    // What was answered before it says so from then on, and its own record stays what it was.
    let record = format!("/v1/measurements/{}", text(&early, "/measurement"));
    let early = haven.of("researcher").get(&record).ok();
    assert_eq!(early["void"], json!([]));
    assert_eq!(early["ended"], json!({ text(&after, "/budget"): output }));
    sound(&haven);
}

#[test]
fn an_auditor_has_the_measuring_lane_audited_and_nobody_else_does() {
    let haven = Haven::start();
    let route = "/v1/log/self-audit";
    assert_eq!(haven.of("auditor").get(route).ok(), Value::Null);
    for who in ["researcher", "controller_1", "administrator"] {
        haven.kept_out(who, route, &json!({}));
    }
    let found = haven.yes("auditor", route, &json!({}));
    assert_eq!(found["holds"], true, "{found}");
    for case in found["findings"]["cases"].as_array().unwrap() {
        assert!(
            case["claimed_epsilon"].as_f64() >= case["shown_epsilon"].as_f64(),
            "{case}"
        );
    }
    assert_eq!(haven.of("auditor").get(route).ok(), found);
}

/// The keeper and the front are killed at once while a question runs: charged, once, and asked again for its
/// price.
#[test]
fn a_kill_in_the_middle_of_a_question_charges_it_and_nothing_else() {
    let mut haven = Haven::start();
    let open = project::open(&haven);
    let opened = format!("/v1/datasets/{}/budget", open.sets.hospital);
    haven.yes("controller_1", &opened, &caps(100_000_000));
    let measures = path(&open, "measurements");
    let researcher = haven.of("researcher").clone();
    let body = request(0.01).to_string();
    let asking =
        std::thread::spawn(move || researcher.try_send("POST", &measures, body.as_bytes()));
    // As soon as anything is held or spent, wherever it is by then.
    while people(&haven, &open) == (0, 0) && !asking.is_finished() {
        std::thread::yield_now();
    }
    let pid = haven.pid();
    assert!(
        std::process::Command::new("kill")
            .args(["-9", &pid.to_string()])
            .status()
            .unwrap()
            .success()
    );
    haven.was_killed();
    let _ = asking.join().unwrap();
    haven.start_again();
    sound(&haven);
    let (held, spent) = people(&haven, &open);
    assert!(
        (held, spent) == (0, 10_000_000) || (held, spent) == (10_000_000, 0),
        "{held} {spent}"
    );
}
