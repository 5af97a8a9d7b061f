//! Recovery over the real API: it takes two people, gives what was left behind and nothing else, and ends.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::journeys::haven::Haven;
use crate::journeys::http::text;
use crate::journeys::project::{self, Open, SAFE};

const LEFT: &str = "select person, hospital from hospital_episodes where age_at_admission >= 60";
const WHY: &str = "Rowan left on Friday and the paper is due.";

struct Scene {
    haven: Haven,
    open: Open,
    output: String,
}

impl Scene {
    fn new() -> Self {
        let mut haven = Haven::start();
        haven.add("steward_2", "data_steward");
        haven.add("administrator_2", "administrator");
        let open = project::open(&haven);
        let (output, _) = project::stage(&haven, &open.workspace, SAFE);
        let scene = Self {
            haven,
            open,
            output,
        };
        for (who, name) in [("researcher", "old"), ("colleague", "mine")] {
            let save = json!({ "name": name, "sql": LEFT });
            scene.haven.yes(who, &scene.workspace("saved"), &save);
        }
        scene
    }

    fn workspace(&self, act: &str) -> String {
        format!("/v1/workspaces/{}/{act}", self.open.workspace)
    }

    fn ask(&self, who: &str) -> String {
        let ask = json!({ "reason": WHY, "minutes": 60 });
        let asked = self.haven.yes(who, &self.workspace("recoveries"), &ask);
        text(&asked, "/recovery")
    }

    fn hands(&self, from: &str, to: &str) -> Value {
        json!({ "from": self.haven.id(from), "to": self.haven.id(to) })
    }

    fn output_to(&self, to: &str) -> Value {
        json!({ "output": self.output, "to": self.haven.id(to) })
    }

    /// Everything that an open recovery gives, refused to somebody.
    fn gives_nothing(&self, recovery: &str, who: &str) {
        let at = |act: &str| format!("/v1/recoveries/{recovery}/{act}");
        let haven = &self.haven;
        haven.kept_out(who, &at("read"), &json!({}));
        haven.kept_out(
            who,
            &at("statements"),
            &self.hands("researcher", "colleague"),
        );
        haven.kept_out(who, &at("outputs"), &self.output_to("colleague"));
    }

    /// What stays shut to whoever recovers, whatever is open.
    fn opens_no_workspace(&self, who: &str) {
        let haven = &self.haven;
        haven.kept_out(who, &self.workspace("queries"), &json!({ "sql": SAFE }));
        let stage = json!({ "sql": SAFE, "context": "Table 1." });
        haven.kept_out(who, &self.workspace("outputs"), &stage);
        let path = format!("/v1/outputs/{}", self.output);
        for path in [
            self.workspace("saved"),
            self.workspace("history"),
            path.clone(),
            format!("{path}/table"),
        ] {
            let status = haven.of(who).get(&path).status;
            assert!(status == 403 || status == 409, "{who} {path}: {status}");
        }
        haven.kept_out(who, &format!("{path}/download"), &json!({}));
        haven.kept_out(who, &format!("{path}/release"), &json!({}));
    }

    fn saved(&self, who: &str) -> BTreeSet<String> {
        let all = self.haven.of(who).get(&self.workspace("saved")).ok();
        let all = all.as_array().unwrap().iter();
        all.map(|saved| text(saved, "/name")).collect()
    }

    fn seen_by(&self, who: &str) -> Vec<Value> {
        let all = self.haven.of(who).get(&self.workspace("recoveries")).ok();
        all.as_array().unwrap().clone()
    }
}

#[test]
fn nobody_recovers_anything_alone() {
    let scene = Scene::new();
    let haven = &scene.haven;
    let ask = json!({ "reason": WHY, "minutes": 60 });
    for who in [
        "researcher",
        "colleague",
        "steward",
        "controller_1",
        "auditor",
        "checker_1",
        "chair",
        "indexer",
    ] {
        haven.kept_out(who, &scene.workspace("recoveries"), &ask);
    }
    for (reason, minutes, says) in [
        (WHY, 0, "recovery_minutes"),
        (WHY, 241, "recovery_minutes"),
        (" ", 60, "say who left"),
    ] {
        let ask = json!({ "reason": reason, "minutes": minutes });
        let no = haven.no(422, "administrator", &scene.workspace("recoveries"), &ask);
        assert!(text(&no, "/message").contains(says), "{no}");
    }
    let recovery = scene.ask("administrator");
    haven.no(422, "administrator_2", &scene.workspace("recoveries"), &ask);
    let at = |act: &str| format!("/v1/recoveries/{recovery}/{act}");
    // Whoever asked is not the second person, nor is another of the same role, nor anybody of the project.
    for who in [
        "administrator",
        "administrator_2",
        "researcher",
        "colleague",
        "auditor",
        "checker_1",
        "coordinator",
    ] {
        haven.kept_out(who, &at("confirm"), &json!({}));
        scene.gives_nothing(&recovery, who);
    }
    scene.gives_nothing(&recovery, "steward");
    // The people of the project see that it was asked for, and why.
    let seen = scene.seen_by("colleague");
    assert_eq!(text(&seen[0], "/state"), "asked");
    assert_eq!(text(&seen[0], "/reason"), WHY);
    assert!(scene.seen_by("checker_1").is_empty());
    // One person with both roles is nobody.
    let both =
        json!({ "name": "x", "organisation": "x", "roles": ["administrator", "data_steward"] });
    haven.no(409, "administrator", "/v1/people", &both);

    haven.yes("controller_2", &at("refuse"), &json!({}));
    haven.no(409, "steward", &at("confirm"), &json!({}));
    scene.gives_nothing(&recovery, "administrator");
    assert_eq!(text(&scene.seen_by("researcher")[0], "/state"), "refused");
}

#[test]
fn two_people_recover_what_somebody_left_and_no_row_and_no_release_with_it() {
    let scene = Scene::new();
    let haven = &scene.haven;
    let recovery = scene.ask("administrator");
    let at = |act: &str| format!("/v1/recoveries/{recovery}/{act}");
    haven.yes("controller_1", &at("confirm"), &json!({}));
    haven.no(409, "steward", &at("confirm"), &json!({}));
    assert_eq!(text(&scene.seen_by("researcher")[0], "/state"), "open");
    for who in [
        "administrator_2",
        "steward",
        "steward_2",
        "controller_2",
        "colleague",
    ] {
        scene.gives_nothing(&recovery, who);
    }
    for who in ["administrator", "controller_1"] {
        scene.opens_no_workspace(who);
        let given = haven.yes(who, &at("read"), &json!({}));
        let names: BTreeSet<String> = given["statements"]
            .as_array()
            .unwrap()
            .iter()
            .map(|s| text(s, "/name"))
            .collect();
        assert_eq!(names, ["mine", "old"].map(str::to_owned).into());
        assert_eq!(text(&given, "/outputs/0/output"), scene.output);
        assert_eq!(given["outputs"].as_array().unwrap().len(), 1);
    }
    // Nobody's work is taken from them while they are here.
    for (path, ask) in [
        (at("statements"), scene.hands("researcher", "colleague")),
        (at("outputs"), scene.output_to("colleague")),
    ] {
        let no = haven.no(409, "administrator", &path, &ask);
        assert!(
            text(&no, "/message").contains("may still work in this project"),
            "{no}"
        );
    }
    let path = format!("/v1/people/{}/retire", haven.id("researcher"));
    haven.yes("administrator", &path, &json!({}));
    // To nobody outside of the project, and by nobody but whoever asked.
    for to in ["administrator", "steward", "checker_1"] {
        haven.no(
            409,
            "administrator",
            &at("statements"),
            &scene.hands("researcher", to),
        );
        haven.no(409, "administrator", &at("outputs"), &scene.output_to(to));
    }
    let hands = scene.hands("researcher", "colleague");
    haven.kept_out("controller_1", &at("statements"), &hands);
    let done = haven.yes("administrator", &at("statements"), &hands);
    assert_eq!(done["statements"], 1);
    assert_eq!(
        scene.saved("colleague"),
        ["mine", "old"].map(str::to_owned).into()
    );
    haven.yes(
        "administrator",
        &at("outputs"),
        &scene.output_to("colleague"),
    );

    // From here on it is the colleague's, and goes through review as any.
    let output = format!("/v1/outputs/{}", scene.output);
    let exact = json!({ "rendering": "exact" });
    haven.yes("colleague", &format!("{output}/submit"), &exact);
    haven.no(409, "checker_1", &format!("{output}/release"), &json!({}));
    assert_eq!(
        project::review(haven, "checker_1", &scene.output, "approve"),
        "under_review"
    );
    assert_eq!(
        project::review(haven, "checker_2", &scene.output, "approve"),
        "approved"
    );
    haven.yes("steward", &at("end"), &json!({}));
    haven.yes("checker_1", &format!("{output}/release"), &json!({}));
    let table = haven.post("colleague", &format!("{output}/download"), &json!({}));
    assert_eq!(table.status, 200, "{}", table.text());

    // It is over, for good, and told.
    scene.gives_nothing(&recovery, "administrator");
    haven.no(409, "controller_1", &at("confirm"), &json!({}));
    haven.no(409, "administrator", &at("end"), &json!({}));
    let seen = scene.seen_by("colleague");
    assert_eq!(text(&seen[0], "/state"), "ended");
    assert_eq!(
        text(&seen[0], "/asked_by/person"),
        haven.id("administrator")
    );
    assert_eq!(
        text(&seen[0], "/confirmed_by/person"),
        haven.id("controller_1")
    );
    told(&scene);
}

/// Every act has its leaf, and no leaf the words of a statement or of the reason.
fn told(scene: &Scene) {
    let path = format!("/v1/events?project={}", scene.open.project);
    let events = scene.haven.of("auditor").get(&path).ok();
    let acts: Vec<String> = events
        .as_array()
        .unwrap()
        .iter()
        .filter(|e| e["kind"] == "recovery" || e["action"] == "hand_over_output")
        .map(|e| text(e, "/action"))
        .collect();
    assert_eq!(
        acts,
        [
            "ask_recovery",
            "confirm_recovery",
            "read_recovery",
            "read_recovery",
            "hand_over_statements",
            "hand_over_output",
            "end_recovery"
        ]
    );
    let all = events.to_string();
    assert!(!all.contains("hospital_episodes") && !all.contains("Friday"));
}
