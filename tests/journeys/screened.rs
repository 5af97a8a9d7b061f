//! Screens in the release register: what a screen is to show is compared with what the people of its project were shown
//! before and with everything that left, and what is to leave with every screen.

use serde_json::{Value, json};

use super::compared::{ELSEWHERE, NEAR, isolates, view};
use super::haven::{Haven, files};
use super::http::text;
use super::project::{self, SAFE};

/// What the screen of a workspace says of a statement.
fn look(haven: &Haven, workspace: &str, sql: &str) -> Value {
    let path = format!("/v1/workspaces/{workspace}/queries");
    haven.yes("researcher", &path, &json!({ "sql": sql }))
}

#[track_caller]
fn shows(haven: &Haven, workspace: &str, sql: &str) -> Value {
    let shown = look(haven, workspace, sql);
    assert_eq!(text(&shown, "/verdict"), "pass", "{shown}");
    let rows = shown["report"]["outputs"][0]["rows"].clone();
    assert!(!rows.as_array().unwrap().is_empty(), "{shown}");
    rows
}

/// Nothing is shown, in the words that are those of every such refusal: the cell, what helps, and nothing of the other
/// table.
#[track_caller]
fn refuses(haven: &Haven, workspace: &str, sql: &str) -> Value {
    let said = look(haven, workspace, sql);
    assert_eq!(text(&said, "/verdict"), "fail", "{said}");
    let report = &said["report"];
    assert_eq!(report["outputs"][0]["rows"], json!([]));
    assert_eq!(
        report["findings"],
        json!([{
            "rule": "differencing",
            "remedy": "few people lie between this and another table about the same people: ask for the same selection, or for coarser groups",
        }])
    );
    let words = report.to_string();
    assert!(words.contains("age_band"), "{words}");
    for hidden in ["isolates", "screen", "output out_", "under 65"] {
        assert!(!words.contains(hidden), "{hidden}: {words}");
    }
    report.clone()
}

/// How the queries of a project ended, as the log tells it: whether what they showed was new to the register, with how
/// many outputs and screens it was compared.
fn ended(haven: &Haven, project: &str) -> Vec<(String, u64, u64)> {
    let path = format!("/v1/events?project={project}");
    let events = haven.of("auditor").get(&path).ok();
    let facts = events.as_array().unwrap().iter();
    let facts = facts.filter(|event| event["action"] == "finish_job");
    let told = facts.map(|event| &event["facts"]);
    told.filter(|facts| facts["register"].is_string())
        .map(|facts| {
            let count = |name: &str| facts[name].as_u64().unwrap();
            (
                text(facts, "/register"),
                count("compared_with"),
                count("compared_with_screens"),
            )
        })
        .collect()
}

/// Who is behind the cells of screens, as the keeper keeps it.
fn kept(haven: &Haven) -> usize {
    let files = files(&haven.at("keeper/sealed"));
    let names = files.iter().map(|file| file.file_name().unwrap());
    names
        .filter(|name| {
            let name = name.to_string_lossy();
            name.starts_with("wsp_") && name.contains(".people.")
        })
        .count()
}

/// The second of two screens that leave few people between them shows nothing; the first one again takes no entry.
#[test]
fn of_two_screens_that_leave_few_people_between_them_the_second_shows_nothing() {
    let haven = Haven::start();
    let open = project::open(&haven);
    let first = shows(&haven, &open.workspace, SAFE);
    assert_eq!(kept(&haven), 1);
    let refused = refuses(&haven, &open.workspace, NEAR);
    assert_eq!(refuses(&haven, &open.workspace, NEAR), refused);
    assert_eq!(kept(&haven), 1, "nothing is kept of what was not shown");

    // The same table, also of another text, is shown again and is one entry.
    assert_eq!(shows(&haven, &open.workspace, SAFE), first);
    let other_text = SAFE.replace("hospital_episodes", "(select * from hospital_episodes)");
    assert_eq!(shows(&haven, &open.workspace, &other_text), first);
    assert_eq!(kept(&haven), 1);
    // Of other people.
    shows(&haven, &open.workspace, ELSEWHERE);
    assert_eq!(kept(&haven), 2);
    let told = [("new", 0), ("known", 1), ("known", 1), ("new", 1)];
    let told: Vec<_> = told
        .iter()
        .map(|(register, screens)| ((*register).to_owned(), 0, *screens))
        .collect();
    assert_eq!(ended(&haven, &open.project), told);

    // To whoever asked, a query that showed something is done, as any other.
    let path = format!("/v1/workspaces/{}/history", open.workspace);
    let before = haven.of("researcher").get(&path).ok();
    let states = before
        .as_array()
        .unwrap()
        .iter()
        .map(|one| text(one, "/state"));
    assert!(states.into_iter().all(|state| state == "done"), "{before}");

    // The auditor's attack reads what the people of the project know.
    let attack = haven.yes("auditor", "/v1/log/attack", &json!({}));
    assert_eq!(attack["holds"], true, "{attack}");
    let spine = &attack["found"]["spines"][0];
    assert_eq!(spine["outputs"], 0);
    assert_eq!(spine["projects"][0]["project"], open.project);
    assert_eq!(spine["projects"][0]["screens"], 2);
    assert_eq!(spine["projects"][0]["recovered"]["tables"], 2);
}

/// What left counts for every screen of the house, and a screen for what leaves: whichever comes second.
#[test]
fn a_release_and_a_screen_are_compared_whichever_comes_first() {
    let haven = Haven::start();
    let open = project::open(&haven);
    // Checked and approved before anything was shown.
    let early = project::stage(&haven, &open.workspace, NEAR).0;
    project::approved(&haven, &early);
    shows(&haven, &open.workspace, SAFE);
    let path = format!("/v1/outputs/{early}/release");
    haven.no(409, "checker_1", &path, &json!({}));
    let seen = view(&haven, "checker_1", &early);
    assert_eq!(text(&seen, "/state"), "changes_requested");
    assert_eq!(seen["compared_with_screens"], 1);
    let findings = seen["report"]["findings"].to_string();
    for told in [
        "of a screen of this project of 2",
        "isolates",
        "or was shown since its check",
    ] {
        assert!(findings.contains(told), "{told}: {findings}");
    }
    let seen = view(&haven, "researcher", &early);
    assert_eq!(seen["compared_with_screens"], Value::Null);
    let report = seen["report"].to_string();
    assert!(!report.contains("a screen of"), "{report}");
    // And one that is checked afterwards.
    let (late, _) = project::stage(&haven, &open.workspace, NEAR);
    isolates(&haven, &late, "a screen");

    // The other way: what left is not told apart on any screen.
    let (first, answer) = project::stage(&haven, &open.workspace, SAFE);
    assert_eq!(text(&answer, "/verdict"), "pass", "{answer}");
    project::released(&haven, &first);
    let other = project::open_another(&haven, open, "aggregates");
    refuses(&haven, &other.workspace, NEAR);
    shows(&haven, &other.workspace, SAFE);
    // What left says nothing new on a screen.
    assert_eq!(ended(&haven, &other.project), [("known".to_owned(), 1, 0)]);
    assert_eq!(kept(&haven), 1);
}

/// Nobody saw the screens of another project; whoever reads an output may have seen any.
#[test]
fn a_screen_of_another_project_refuses_no_screen_and_an_output() {
    let haven = Haven::start();
    let open = project::open(&haven);
    let (workspace, project) = (open.workspace.clone(), open.project.clone());
    let other = project::open_another(&haven, open, "aggregates");
    let waiting = project::stage(&haven, &other.workspace, NEAR).0;
    project::approved(&haven, &waiting);

    shows(&haven, &workspace, SAFE);
    shows(&haven, &other.workspace, NEAR);
    assert_eq!(ended(&haven, &project), [("new".to_owned(), 0, 0)]);
    assert_eq!(ended(&haven, &other.project), [("new".to_owned(), 0, 0)]);

    let path = format!("/v1/outputs/{waiting}/release");
    haven.no(409, "checker_1", &path, &json!({}));
    let seen = view(&haven, "checker_1", &waiting);
    assert_eq!(seen["compared_with_screens"], 2);
    let findings = seen["report"]["findings"].to_string();
    assert!(
        findings.contains("this cell minus a cell of a screen of another project isolates"),
        "{findings}"
    );
    for hidden in ["this project", "under 65", &*project] {
        assert!(!findings.contains(hidden), "{hidden}: {findings}");
    }
    // The same for what is staged now, of either.
    let (near, _) = project::stage(&haven, &other.workspace, NEAR);
    isolates(&haven, &near, "another project");
    let (safe, answer) = project::stage(&haven, &workspace, SAFE);
    assert_eq!(text(&answer, "/verdict"), "fail", "{answer}");
    let report = view(&haven, "researcher", &safe)["report"].to_string();
    for hidden in ["another project", "isolates", "under 66"] {
        assert!(!report.contains(hidden), "{hidden}: {report}");
    }
    let attack = haven.yes("auditor", "/v1/log/attack", &json!({}));
    assert_eq!(attack["holds"], true, "{attack}");
    let projects = &attack["found"]["spines"][0]["projects"];
    assert_eq!(projects.as_array().unwrap().len(), 2, "{attack}");
}

/// Two screens at once, that leave few people between them: not both show something, however they meet.
#[test]
fn of_two_screens_at_once_that_leave_few_people_between_them_one_shows_nothing() {
    let haven = Haven::start();
    let open = project::open(&haven);
    let [safe, near] = std::thread::scope(|threads| {
        let one = threads.spawn(|| look(&haven, &open.workspace, SAFE));
        let two = threads.spawn(|| look(&haven, &open.workspace, NEAR));
        [one.join().unwrap(), two.join().unwrap()]
    });
    let mut verdicts = [text(&safe, "/verdict"), text(&near, "/verdict")];
    verdicts.sort();
    assert_eq!(verdicts, ["fail", "pass"]);
    // A file of the one that was overtaken is swept away later; no record names it.
    assert_eq!(ended(&haven, &open.project), [("new".to_owned(), 0, 0)]);
}
