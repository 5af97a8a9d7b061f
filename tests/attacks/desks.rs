//! Past the doors: without a token, at the wrong desk, while the keeper is dead.

use std::fs;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::journeys::haven::Haven;
use crate::journeys::http::{Client, Heard, text};
use crate::journeys::project;
use crate::kill::processes::{Victim, find, kill};
use crate::support::root;

/// Method and address of every route on the reference page that is not public, with made-up ids in it.
fn routes() -> Vec<(String, String)> {
    let page = fs::read_to_string(root().join("docs/reference/api.md")).unwrap();
    let mut routes = Vec::new();
    for line in page.lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let (Some(route), Some(who)) = (cells[1].split('`').nth(1), cells.get(2)) else {
            continue;
        };
        let Some((method, address)) = route.split_once(" /v1") else {
            continue;
        };
        if who.contains("public") {
            continue;
        }
        let address = address.split('?').next().unwrap();
        let address = address.replace("{id}", "prj_aaaaaaaaaaaaaaaa");
        let address = address.replace("{sha256}", &"0".repeat(64));
        let address = address.replace("{leaf}", "0").replace("{name}", "old");
        assert!(!address.contains('{'), "{address}");
        routes.push((method.to_owned(), format!("/v1{address}")));
    }
    routes
}

#[test]
fn nobody_without_a_token_is_told_anything() {
    let haven = Haven::start();
    let routes = routes();
    assert!(routes.len() > 40, "the reference page is read: {routes:?}");
    let stranger = haven.door().with_token(&"0".repeat(64));
    for (method, address) in &routes {
        for client in [haven.door(), &stranger] {
            let answer = match method.as_str() {
                "GET" => client.get(address),
                "POST" => client.post(address, &json!({})),
                "DELETE" => client.delete(address),
                other => panic!("{other}"),
            };
            assert_eq!(answer.status, 401, "{method} {address}: {}", answer.text());
        }
    }
}

#[test]
fn each_desk_does_its_own_work_and_says_where_the_other_is() {
    let haven = Haven::start();
    let token = haven.of("indexer").token().unwrap().to_owned();
    let at = |socket: &str| Client::new(&haven.at(socket), Heard::default()).with_token(&token);
    let ask = json!({ "delivery": "del_x", "spine": "del_y" });
    let project = project::start(&haven);
    let path = format!("/v1/projects/{project}/indexings");

    // The research desk knows the address and does not do it. Nothing is recorded.
    let before = haven.of("auditor").get("/v1/events").ok();
    let answer = at("research/desk.sock").post(&path, &ask);
    let message = text(&answer.json(), "/message");
    assert!((400..500).contains(&answer.status), "{message}");
    assert_eq!(haven.of("auditor").get("/v1/events").ok(), before);

    // The indexing desk knows the people and nothing of the other desk's work.
    let indexing = at("indexing/desk.sock");
    assert_eq!(
        text(&indexing.get("/v1/whoami").ok(), "/person"),
        haven.id("indexer")
    );
    for path in [
        "/v1/people",
        "/v1/datasets",
        "/v1/workspaces/wsp_x/queries",
        "/v1/log/publish",
    ] {
        indexing.post(path, &json!({})).no(404);
    }
    for path in ["/v1/events", "/v1/outputs"] {
        indexing.get(path).no(404);
    }
    Client::new(&haven.at("indexing/desk.sock"), Heard::default())
        .post(&path, &ask)
        .no(401);
}

#[test]
fn a_keeper_that_is_killed_comes_back_and_until_then_nothing_is_claimed() {
    let haven = Haven::start();
    haven.publish();
    for _ in 0..2 {
        let before = find(haven.pid(), Victim::Keeper).expect("a keeper");
        kill(before);
        let begun = Instant::now();
        loop {
            let answer = haven.post("auditor", "/v1/log/publish", &json!({}));
            let now = find(haven.pid(), Victim::Keeper);
            if answer.status == 200 && now.is_some_and(|now| now != before) {
                break;
            }
            if answer.status != 200 {
                let no = answer.no(503);
                assert!(text(&no, "/message").contains("keeper"), "{no}");
            }
            assert!(begun.elapsed() < Duration::from_secs(60), "{}", haven.log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }
    // The desks never ended.
    haven.of("auditor").get("/v1/health").ok();
}
