//! Differencing in the safe haven: every output is compared by itself with everything that left, across statements,
//! projects and refreshes of the data, when it is asked for and again before it is released.

use serde_json::{Value, json};
use testkit::people::{ErrorProfile, episodes};

use super::haven::Haven;
use super::http::text;
use super::project::{self, Open, SAFE};

/// Between [`SAFE`] and this lie those who were admitted at 65 and at no younger age: a few.
pub(super) const NEAR: &str = "select case when age_at_admission < 66 then 'under 66' else '66 and over' end \
     as age_band, count(distinct person) as people from hospital_episodes group by 1 order by 1";
pub(super) const ELSEWHERE: &str = "select count(distinct person) as people from prescribing";

pub(super) fn view(haven: &Haven, who: &str, output: &str) -> Value {
    haven.of(who).get(&format!("/v1/outputs/{output}")).ok()
}

/// The researcher is told the cell and what helps, and nothing of the other output.
#[track_caller]
pub(super) fn isolates(haven: &Haven, output: &str, beside: &str) {
    let seen = view(haven, "researcher", output);
    assert_eq!(text(&seen, "/verdict"), "fail", "{seen}");
    assert_eq!(seen["offered"], json!([]));
    let report = seen["report"].to_string();
    assert!(report.contains("the same selection"), "{report}");
    assert!(report.contains("age_band"), "{report}");
    for hidden in [beside, "isolates", "under 65"] {
        assert!(!report.contains(hidden), "{hidden}: {report}");
    }
}

/// From the first release on: of the same project, of another over the same datasets, of a refresh of the data.
#[test]
fn what_leaves_few_people_between_it_and_a_release_is_refused_wherever_it_comes_from() {
    let haven = Haven::start();
    let open = project::open(&haven);
    let (first, answer) = project::stage(&haven, &open.workspace, SAFE);
    assert_eq!(text(&answer, "/verdict"), "pass", "{answer}");
    assert_eq!(view(&haven, "researcher", &first)["compared_with"], 0);
    project::released(&haven, &first);

    let (again, answer) = project::stage(&haven, &open.workspace, SAFE);
    assert_eq!(text(&answer, "/verdict"), "pass", "{answer}");
    assert_eq!(view(&haven, "researcher", &again)["compared_with"], 1);
    let (near, answer) = project::stage(&haven, &open.workspace, NEAR);
    assert_eq!(text(&answer, "/verdict"), "fail", "{answer}");
    isolates(&haven, &near, &first);
    let path = format!("/v1/outputs/{near}/submit");
    haven.no(409, "researcher", &path, &json!({ "rendering": "exact" }));

    // A refresh: the same people, delivered and linked anew.
    let workspace = refreshed(&haven, &open);
    let (near, _) = project::stage(&haven, &workspace, NEAR);
    isolates(&haven, &near, &first);

    // Another project, whose pseudonyms are others.
    let other = project::open_another(&haven, open, "aggregates");
    let (same, answer) = project::stage(&haven, &other.workspace, SAFE);
    assert_eq!(text(&answer, "/verdict"), "pass", "{answer}");
    let (near, _) = project::stage(&haven, &other.workspace, NEAR);
    isolates(&haven, &near, &first);
    project::released(&haven, &same);

    // One that was called back may still be held by somebody.
    for output in [&first, &same] {
        haven.yes(
            "checker_1",
            &format!("/v1/outputs/{output}/recall"),
            &json!({}),
        );
    }
    let (near, _) = project::stage(&haven, &other.workspace, NEAR);
    assert_eq!(view(&haven, "researcher", &near)["compared_with"], 2);
    isolates(&haven, &near, &first);

    // The auditor's figure: nothing got past.
    assert_eq!(haven.of("auditor").get("/v1/log/attack").ok(), Value::Null);
    let attack = haven.yes("auditor", "/v1/log/attack", &json!({}));
    assert_eq!(attack["holds"], true, "{attack}");
    assert_eq!(attack["found"]["spines"][0]["outputs"], 2, "{attack}");
    assert_eq!(attack["found"]["spines"][0]["recovered"]["tables"], 2);
    assert_eq!(haven.of("auditor").get("/v1/log/attack").ok(), attack);
    haven.no(403, "checker_1", "/v1/log/attack", &json!({}));
}

/// The hospital's records of the same people delivered once more. Gives a workspace on the new extract.
fn refreshed(haven: &Haven, open: &Open) -> String {
    let population = project::population();
    let everybody: Vec<usize> = (0..population.people.len()).collect();
    // As the first time: the same people and admissions, in a delivery of its own.
    let rows = population.identifier_rows(&everybody, 1, &ErrorProfile::typical());
    let payload = episodes::hospital_episodes(&population, &rows.held, 1);
    let delivery = project::deliver(haven, &open.sets.hospital, &rows.csv);
    project::deliver_payload(haven, &delivery, &payload);
    let hospital = project::index(haven, &open.project, &delivery, &open.spine);
    let indexings = [hospital, open.indexings[1].clone()];
    project::cut(haven, &open.project, &indexings).1
}

/// Both were safe when they were checked. Whichever leaves second goes back to its author, however the two meet.
#[test]
fn of_two_outputs_that_are_released_at_once_one_goes_back() {
    let haven = Haven::start();
    let open = project::open(&haven);
    let workspace = open.workspace.clone();
    let other = project::open_another(&haven, open, "aggregates");
    let (one, answer) = project::stage(&haven, &workspace, SAFE);
    assert_eq!(text(&answer, "/verdict"), "pass", "{answer}");
    let (two, answer) = project::stage(&haven, &other.workspace, NEAR);
    assert_eq!(text(&answer, "/verdict"), "pass", "{answer}");
    for output in [&one, &two] {
        project::approved(&haven, output);
    }
    let release = |who: &str, output: &str| {
        let path = format!("/v1/outputs/{output}/release");
        haven.post(who, &path, &json!({})).status
    };
    let statuses = std::thread::scope(|threads| {
        let first = threads.spawn(|| release("checker_1", &one));
        let second = threads.spawn(|| release("checker_2", &two));
        [first.join().unwrap(), second.join().unwrap()]
    });
    let (left, back) = match statuses {
        [200, 409] => (&one, &two),
        [409, 200] => (&two, &one),
        other => panic!("{other:?}"),
    };
    assert_eq!(
        text(&view(&haven, "researcher", left), "/state"),
        "released"
    );
    let seen = view(&haven, "researcher", back);
    assert_eq!(text(&seen, "/state"), "changes_requested", "{seen}");
    assert_eq!(text(&seen, "/verdict"), "fail");
    assert_eq!(seen["compared_with"], 1);
    assert_eq!(
        seen["offered"],
        json!([]),
        "its votes were about another case"
    );
    let report = seen["report"].to_string();
    assert!(report.contains("that left meanwhile"), "{report}");
    assert!(!report.contains(left.as_str()), "{report}");
    checkers_find_in_report(&haven, back, left);
    // It is in the log, by nobody, with a number.
    let path = format!("/v1/events?project={}", text(&seen, "/project"));
    let events = haven.of("auditor").get(&path).ok();
    let compared: Vec<&Value> = events
        .as_array()
        .unwrap()
        .iter()
        .filter(|event| event["action"] == "compare_output")
        .collect();
    assert_eq!(compared.len(), 1, "{events}");
    assert_eq!(compared[0]["facts"]["compared_with"], 1);
    assert_eq!(compared[0]["facts"]["verdict"], "fail");
}

fn checkers_find_in_report(haven: &Haven, output: &str, beside: &str) {
    let seen = view(haven, "checker_1", output);
    let findings = seen["report"]["findings"].to_string();
    for told in [
        beside,
        "isolates",
        "since its check",
        "the same selection of people",
    ] {
        assert!(findings.contains(told), "{told}: {findings}");
    }
}

/// What leaves after an output was put before output checkers is compared with it when it is to be released, and
/// what leaves before it is submitted when it is submitted.
#[test]
fn an_output_is_compared_again_at_its_submission_and_at_its_release() {
    let haven = Haven::start();
    let open = project::open(&haven);
    let stage = |sql: &str| project::stage(&haven, &open.workspace, sql).0;
    let (early, late, other) = (stage(NEAR), stage(NEAR), stage(ELSEWHERE));
    let unlisted = stage("select person, age_at_admission from hospital_episodes");
    assert_eq!(
        text(&view(&haven, "researcher", &unlisted), "/verdict"),
        "fail"
    );
    project::approved(&haven, &early);
    project::approved(&haven, &other);
    let first = stage(SAFE);
    project::released(&haven, &first);
    let path = format!("/v1/outputs/{late}/submit");
    haven.no(409, "researcher", &path, &json!({ "rendering": "exact" }));
    assert_eq!(text(&view(&haven, "researcher", &late), "/verdict"), "fail");
    let path = format!("/v1/outputs/{early}/release");
    let said = haven.no(409, "checker_1", &path, &json!({}));
    assert!(
        said.to_string().contains("went back to its author"),
        "{said}"
    );
    let seen = view(&haven, "researcher", &early);
    assert_eq!(text(&seen, "/state"), "changes_requested");
    // Of other people: compared again by itself, and released.
    haven.yes(
        "checker_1",
        &format!("/v1/outputs/{other}/release"),
        &json!({}),
    );
    // Nothing is left over of what was not released, and a download is not stopped by what leaves later.
    let path = format!("/v1/outputs/{first}/download");
    assert_eq!(haven.post("researcher", &path, &json!({})).status, 200);
}

/// Several statements are one request; each of what leaves is in the register by itself.
#[test]
fn each_statement_of_a_request_is_compared_and_kept() {
    let haven = Haven::start();
    let open = project::open(&haven);
    let union = "select 'hospital' as place, count(distinct person) as people from hospital_episodes \
         union all select 'pharmacy', count(distinct person) from prescribing order by 1";
    let (_, answer) = project::stage(&haven, &open.workspace, union);
    assert_eq!(text(&answer, "/verdict"), "pass", "{answer}");
    let both = format!("{SAFE};\n{ELSEWHERE}");
    let (first, answer) = project::stage(&haven, &open.workspace, &both);
    assert_eq!(text(&answer, "/verdict"), "pass", "{answer}");
    assert_eq!(answer["report"]["outputs"].as_array().unwrap().len(), 2);
    project::approved(&haven, &first);
    let bytes = haven
        .of("checker_1")
        .get(&format!("/v1/outputs/{first}/table"));
    let table = bytes.text();
    let tables: Vec<&str> = table.split("\n\n").collect();
    assert_eq!(tables.len(), 2, "{table}");
    assert!(tables[0].starts_with("age_band,people\n"), "{table}");
    assert!(tables[1].starts_with("people\n"), "{table}");
    haven.yes(
        "checker_2",
        &format!("/v1/outputs/{first}/release"),
        &json!({}),
    );

    let (near, _) = project::stage(&haven, &open.workspace, NEAR);
    isolates(&haven, &near, &first);
    let attack = haven.yes("auditor", "/v1/log/attack", &json!({}));
    assert_eq!(
        attack["found"]["spines"][0]["recovered"]["tables"], 2,
        "{attack}"
    );

    // Two statements of one text that isolate few people between them do not leave both as they are.
    let between = format!("{SAFE};\n{NEAR}");
    let workspace = refreshed(&haven, &open);
    let (_, answer) = project::stage(&haven, &workspace, &between);
    assert_ne!(text(&answer, "/verdict"), "pass", "{answer}");

    // A screen takes them as well, and tables of a union, whose people are compared.
    let path = format!("/v1/workspaces/{}/queries", open.workspace);
    let shown = haven.yes("researcher", &path, &json!({ "sql": both }));
    assert_eq!(text(&shown, "/verdict"), "pass", "{shown}");
    assert_eq!(shown["report"]["outputs"].as_array().unwrap().len(), 2);
    let near = haven.yes("researcher", &path, &json!({ "sql": between }));
    assert_ne!(text(&near, "/verdict"), "pass", "{near}");
    // Everybody in hospital, less those in its age bands, are the few who were admitted in both.
    let shown = haven.yes("researcher", &path, &json!({ "sql": union }));
    assert_eq!(text(&shown, "/verdict"), "fail", "{shown}");
    let (_, answer) = project::stage(&haven, &open.workspace, union);
    assert_eq!(text(&answer, "/verdict"), "fail", "{answer}");
    let many = vec![ELSEWHERE; 21].join(";");
    let said = haven.no(422, "researcher", &path, &json!({ "sql": many }));
    assert!(
        said.to_string().contains("the limit statements is 20"),
        "{said}"
    );
}

/// Who is behind the numbers of what people let out without that is not known: people compare what follows.
#[test]
fn what_the_machine_cannot_compare_people_do() {
    let haven = Haven::start();
    let open = project::open(&haven);
    let waiting = project::stage(&haven, &open.workspace, ELSEWHERE).0;
    project::approved(&haven, &waiting);
    let odd = "select count(*) as n from hospital_episodes tablesample 50%";
    let (unknown, answer) = project::stage(&haven, &open.workspace, odd);
    assert_eq!(text(&answer, "/verdict"), "review", "{answer}");
    project::released(&haven, &unknown);

    let path = format!("/v1/outputs/{waiting}/release");
    haven.no(409, "checker_1", &path, &json!({}));
    let seen = view(&haven, "researcher", &waiting);
    assert_eq!(text(&seen, "/state"), "changes_requested");
    assert_eq!(text(&seen, "/verdict"), "review");
    assert_eq!(seen["compare_by_hand"], json!([unknown]));
    project::released(&haven, &waiting);
    let (_, answer) = project::stage(&haven, &open.workspace, SAFE);
    assert_eq!(text(&answer, "/verdict"), "review", "{answer}");
    let attack = haven.yes("auditor", "/v1/log/attack", &json!({}));
    assert_eq!(attack["found"]["unknown"], 1, "{attack}");
}
