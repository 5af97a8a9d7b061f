//! Steps that journeys share: datasets, deliveries of made-up people, an application to a workspace.

use serde_json::{Value, json};
use testkit::people::episodes;
use testkit::people::{ErrorProfile, People, Population};

use super::haven::Haven;
use super::http::text;

/// People in a test's population.
pub(crate) const PEOPLE: usize = 300;

/// Two payload datasets of two controllers.
pub(crate) struct Sets {
    pub(crate) register: String,
    pub(crate) hospital: String,
    pub(crate) prescribing: String,
}

/// Everything up to an open workspace.
pub(crate) struct Open {
    pub(crate) sets: Sets,
    pub(crate) project: String,
    pub(crate) workspace: String,
    pub(crate) extract: Value,
    /// The delivery that is the spine.
    pub(crate) spine: String,
    /// The indexings of the extract, one a dataset.
    pub(crate) indexings: Vec<String>,
    /// The deliveries of payload, in the same order.
    pub(crate) deliveries: Vec<String>,
    /// Every delivered file.
    pub(crate) delivered: Vec<String>,
}

pub(crate) fn population() -> Population {
    People::generate(PEOPLE, 1)
}

pub(crate) fn identifiers() -> Value {
    json!({
        "chi": "chi", "forename": "forename", "surname": "surname",
        "date_of_birth": "date_of_birth", "sex": "sex", "postcode": "postcode",
        "address_1": "address_1",
    })
}

/// Registers a dataset; its controller instructs.
pub(crate) fn register(haven: &Haven, controller: &str, dictionary: &Value) -> String {
    let ask = json!({
        "controller": haven.id(controller),
        "identifiers_from": haven.id("identifiers"),
        "payload_from": haven.id("payload"),
        "dictionary": dictionary,
    });
    let dataset = text(&haven.yes("steward", "/v1/datasets", &ask), "/dataset");
    let path = format!("/v1/datasets/{dataset}/instruction");
    haven.yes(controller, &path, &json!({ "until": "2030-12-31" }));
    dataset
}

fn variables(columns: &[(&str, &str)]) -> Value {
    columns
        .iter()
        .map(|(name, kind)| json!({ "name": name, "kind": kind, "required": true }))
        .collect()
}

/// Registers a spine, hospital episodes and prescribing.
pub(crate) fn sets(haven: &Haven) -> Sets {
    let spine = json!({
        "title": "Register", "table": "register", "purpose": "spine",
        "record": "record", "identifiers": identifiers(),
    });
    let hospital = json!({
        "title": "Hospital", "table": "hospital_episodes", "purpose": "payload",
        "record": "record", "identifiers": identifiers(),
        "variables": variables(&[
            ("episode", "integer"), ("admission_date", "date"), ("discharge_date", "date"),
            ("specialty", "text"), ("main_condition", "text"), ("hospital", "text"),
            ("age", "integer"), ("length_of_stay", "integer"),
            ("date_of_birth", "date_of_birth"), ("postcode", "postcode"),
        ]),
    });
    let prescribing = json!({
        "title": "Prescribing", "table": "prescribing", "purpose": "payload",
        "record": "record", "identifiers": identifiers(),
        "variables": variables(&[
            ("dispensed_month", "text"), ("bnf_chapter", "integer"), ("items", "integer"),
        ]),
    });
    Sets {
        register: register(haven, "controller_1", &spine),
        hospital: register(haven, "controller_1", &hospital),
        prescribing: register(haven, "controller_2", &prescribing),
    }
}

/// An application for both.
pub(crate) fn form(haven: &Haven, sets: &Sets) -> Value {
    let why = "Needed to describe who is admitted.";
    let asked = |name: &str| json!({ "name": name, "why": why });
    let made = |name: &str, source: &str, transform: Value| json!({ "name": name, "source": source, "transform": transform, "why": why });
    json!({
        "title": "Admissions and prescribing",
        "lay_summary": "We ask who is admitted to hospital.",
        "public_benefit": "Services can be placed where people need them.",
        "people": [haven.id("researcher"), haven.id("colleague")],
        "datasets": [
            { "dataset": sets.hospital, "variables": [
                asked("main_condition"), asked("hospital"), asked("specialty"),
                made("age_at_admission", "date_of_birth", json!({ "to": "age_at", "date": "admission_date" })),
                made("area", "postcode", json!({ "to": "postcode_area" })),
            ]},
            { "dataset": sets.prescribing, "variables": [asked("bnf_chapter"), asked("items")] },
        ],
        "start": "2026-01-01", "end": "2030-12-31", "minimum_cell": 5, "commercial": "none",
    })
}

/// Starts an application. Gives the project.
pub(crate) fn start(haven: &Haven) -> String {
    text(
        &haven.yes("researcher", "/v1/projects", &json!({})),
        "/project",
    )
}

/// Submits a version. Gives its hash.
pub(crate) fn submit(haven: &Haven, project: &str, form: &Value) -> String {
    let path = format!("/v1/projects/{project}/submit");
    text(&haven.yes("researcher", &path, form), "/version")
}

/// A controller signs for a dataset, or declines.
pub(crate) fn sign(
    haven: &Haven,
    who: &str,
    project: &str,
    dataset: &str,
    version: &str,
    word: &str,
) {
    let ask = json!({ "dataset": dataset, "version": version, "verdict": word });
    haven.yes(who, &format!("/v1/projects/{project}/sign"), &ask);
}

/// All three members of the panel vote alike.
pub(crate) fn vote(haven: &Haven, project: &str, version: &str, word: &str) {
    for member in ["panel_1", "panel_2", "panel_3"] {
        let ask = json!({ "version": version, "verdict": word });
        haven.yes(member, &format!("/v1/projects/{project}/votes"), &ask);
    }
}

/// The state that a project is in.
pub(crate) fn state(haven: &Haven, project: &str) -> String {
    let path = format!("/v1/projects/{project}");
    text(&haven.of("researcher").get(&path).ok(), "/state")
}

/// Signed, voted on, approved, papers on file, in force.
pub(crate) fn approve(haven: &Haven, project: &str, sets: &Sets, version: &str) {
    sign(
        haven,
        "controller_1",
        project,
        &sets.hospital,
        version,
        "signed",
    );
    sign(
        haven,
        "controller_2",
        project,
        &sets.prescribing,
        version,
        "signed",
    );
    vote(haven, project, version, "approve");
    let at = |act: &str| format!("/v1/projects/{project}/{act}");
    haven.yes("chair", &at("approve"), &json!({}));
    for who in ["researcher", "colleague"] {
        let standing = json!({
            "accreditation_until": "2029-06-30", "training_until": "2029-06-30",
            "undertaking_on": "2026-01-05",
        });
        let path = format!("/v1/people/{}/standing", haven.id(who));
        haven.yes("coordinator", &path, &standing);
    }
    let paper = |reference: &str| json!({ "reference": reference, "until": "2030-12-31" });
    let papers = json!({
        "ethics": paper("REC 1"), "impact_assessment": paper("DPIA 1"),
        "sharing_agreement": paper("DSA 1"), "funding": paper("F 1"),
    });
    haven.yes("coordinator", &at("commence"), &papers);
}

/// Delivers identifiers. Gives the delivery.
pub(crate) fn deliver(haven: &Haven, dataset: &str, csv: &str) -> String {
    let path = format!("/v1/datasets/{dataset}/deliveries?format=csv");
    let answer = haven.of("identifiers").post_bytes(&path, csv.as_bytes());
    text(&answer.ok(), "/delivery")
}

/// Delivers payload.
pub(crate) fn deliver_payload(haven: &Haven, delivery: &str, csv: &str) -> Value {
    let path = format!("/v1/deliveries/{delivery}/payload?format=csv");
    haven.of("payload").post_bytes(&path, csv.as_bytes()).ok()
}

/// From an empty safe haven to an open workspace.
pub(crate) fn open(haven: &Haven) -> Open {
    open_showing(haven, "aggregates")
}

/// The same, of a project whose screen may show this.
pub(crate) fn open_showing(haven: &Haven, view: &str) -> Open {
    let population = population();
    let sets = sets(haven);
    let register = population.register_rows();
    let spine = deliver(haven, &sets.register, &register);
    let everybody: Vec<usize> = (0..population.people.len()).collect();
    let mut delivered = vec![register];
    let mut deliveries = Vec::new();
    for (seed, dataset) in [(1, &sets.hospital), (2, &sets.prescribing)] {
        let rows = population.identifier_rows(&everybody, seed, &ErrorProfile::typical());
        let payload = match seed {
            1 => episodes::hospital_episodes(&population, &rows.held, seed),
            _ => episodes::prescribing(&population, &rows.held, seed),
        };
        let delivery = deliver(haven, dataset, &rows.csv);
        deliver_payload(haven, &delivery, &payload);
        delivered.extend([rows.csv, payload]);
        deliveries.push(delivery);
    }
    let none = Open {
        sets,
        project: String::new(),
        workspace: String::new(),
        extract: Value::Null,
        spine,
        indexings: Vec::new(),
        deliveries,
        delivered,
    };
    open_another(haven, none, view)
}

/// Another project over what was delivered, up to its workspace.
pub(crate) fn open_another(haven: &Haven, delivered: Open, view: &str) -> Open {
    let project = start(haven);
    let mut form = form(haven, &delivered.sets);
    form["view"] = view.into();
    let version = submit(haven, &project, &form);
    approve(haven, &project, &delivered.sets, &version);
    let index = |delivery: &String| index(haven, &project, delivery, &delivered.spine);
    let indexings: Vec<String> = delivered.deliveries.iter().map(index).collect();
    let (extract, workspace) = cut(haven, &project, &indexings);
    Open {
        project,
        workspace,
        extract,
        indexings,
        ..delivered
    }
}

/// Links a delivery to the spine for a project. Gives the indexing.
pub(crate) fn index(haven: &Haven, project: &str, delivery: &str, spine: &str) -> String {
    let ask = json!({ "delivery": delivery, "spine": spine });
    let path = format!("/v1/projects/{project}/indexings");
    text(&haven.yes("indexer", &path, &ask), "/indexing")
}

/// Cuts an extract and opens a workspace on it.
pub(crate) fn cut(haven: &Haven, project: &str, indexings: &[String]) -> (Value, String) {
    let at = |act: &str| format!("/v1/projects/{project}/{act}");
    let ask = json!({ "indexings": indexings });
    let extract = haven.yes("steward", &at("extracts"), &ask);
    let ask = json!({ "extract": text(&extract, "/extract") });
    let workspace = text(&haven.yes("steward", &at("workspaces"), &ask), "/workspace");
    (extract, workspace)
}

/// A table that is safe as it is.
pub(crate) const SAFE: &str = "select case when age_at_admission < 65 then 'under 65' else '65 and over' end \
     as age_band, count(distinct person) as people from hospital_episodes group by 1 order by 1";

/// Stages a table. Gives the output and the answer.
pub(crate) fn stage(haven: &Haven, workspace: &str, sql: &str) -> (String, Value) {
    let path = format!("/v1/workspaces/{workspace}/outputs");
    let ask = json!({ "sql": sql, "context": "Table 1: people by age." });
    let answer = haven.yes("researcher", &path, &ask);
    (text(&answer, "/output"), answer)
}

/// A checker votes on the bytes that they see. Gives the state after it.
pub(crate) fn review(haven: &Haven, who: &str, output: &str, verdict: &str) -> String {
    let path = format!("/v1/outputs/{output}");
    let bytes = text(&haven.of(who).get(&path).ok(), "/bytes");
    let mut ask = json!({ "verdict": verdict, "bytes": bytes });
    if verdict != "approve" {
        ask["comment"] = json!("Say which year this is.");
    }
    text(&haven.yes(who, &format!("{path}/votes"), &ask), "/state")
}

/// Submitted as it is and approved by both checkers.
pub(crate) fn approved(haven: &Haven, output: &str) {
    let ask = json!({ "rendering": "exact" });
    haven.yes("researcher", &format!("/v1/outputs/{output}/submit"), &ask);
    assert_eq!(
        review(haven, "checker_1", output, "approve"),
        "under_review"
    );
    assert_eq!(review(haven, "checker_2", output, "approve"), "approved");
}

/// The same, and released.
pub(crate) fn released(haven: &Haven, output: &str) {
    approved(haven, output);
    let path = format!("/v1/outputs/{output}/release");
    haven.yes("checker_2", &path, &json!({}));
}
