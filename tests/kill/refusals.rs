//! Whoever lies to the keeper is refused, and the log tells it: also where there is no job that could fail.

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::journeys::haven::Haven;
use crate::journeys::http::text;
use crate::journeys::project::{self, SAFE};

/// One request to a keeper's socket, past the front, and its reply.
fn ask(socket: &Path, request: &Value) -> Value {
    let mut stream = UnixStream::connect(socket).unwrap();
    let bytes = request.to_string().into_bytes();
    let length = u32::try_from(bytes.len()).unwrap();
    stream.write_all(&length.to_le_bytes()).unwrap();
    stream.write_all(&bytes).unwrap();
    let mut length = [0; 4];
    stream.read_exact(&mut length).unwrap();
    let mut reply = vec![0; usize::try_from(u32::from_le_bytes(length)).unwrap()];
    stream.read_exact(&mut reply).unwrap();
    serde_json::from_slice(&reply).unwrap()
}

/// What leaves of the log say that the keeper refused: ask and id.
fn told(haven: &Haven) -> BTreeSet<(String, String)> {
    let mut told = BTreeSet::new();
    let mut after = None;
    loop {
        let path = match after {
            None => "/v1/events".to_owned(),
            Some(leaf) => format!("/v1/events?after={leaf}"),
        };
        let events = haven.of("auditor").get(&path).ok();
        let events = events.as_array().unwrap();
        for event in events.iter().filter(|e| e["action"] == "note_refusal") {
            told.insert((text(event, "/facts/ask"), text(event, "/facts/about")));
        }
        match events.last() {
            Some(last) => after = last["leaf"].as_u64(),
            None => return told,
        }
    }
}

#[test]
fn a_lie_to_the_keeper_is_refused_and_has_its_leaf() {
    let haven = Haven::start();
    let open = project::open(&haven);
    let path = format!("/v1/workspaces/{}/queries", open.workspace);
    let answer = haven.yes("researcher", &path, &json!({ "sql": SAFE }));
    let done = text(&answer, "/job");
    assert_eq!(told(&haven), BTreeSet::new(), "honest work leaves none");

    let keeper = haven.at("doors/research.sock");
    let project = open.project.as_str();
    let lies = [
        (
            json!({ "ask": "run", "job": "job_none" }),
            "run",
            "job_none",
        ),
        (json!({ "ask": "run", "job": done }), "run", done.as_str()),
        (
            json!({ "ask": "keep", "job": done, "part": "exact" }),
            "keep",
            &done,
        ),
        (
            json!({ "ask": "fetch", "output": "out_none", "part": "report" }),
            "fetch",
            "out_none",
        ),
        (
            json!({ "ask": "sign_manifest", "project": project }),
            "sign_manifest",
            project,
        ),
    ];
    let mut wanted = BTreeSet::new();
    for (request, ask_word, about) in &lies {
        let reply = ask(&keeper, request);
        assert_eq!(reply["say"], "refused", "{request}: {reply}");
        assert_eq!(reply["code"], "not_permitted", "{request}: {reply}");
        wanted.insert(((*ask_word).to_owned(), (*about).to_owned()));
    }
    // The front asks the keeper for its refusals with each sweep.
    let begun = Instant::now();
    while told(&haven) != wanted {
        assert!(
            begun.elapsed() < Duration::from_secs(60),
            "not told: {:?} of {wanted:?}",
            told(&haven)
        );
        std::thread::sleep(Duration::from_millis(200));
    }
}
