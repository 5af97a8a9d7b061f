//! Clerical review through the real programs: records are linked once to choose the pairs, two indexers judge them
//! apart, a third what they differ on, and the records are linked again with what was settled.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};
use testkit::people::ErrorProfile;
use testkit::people::episodes;

use super::haven::{Haven, files};
use super::http::text;
use super::project;
use crate::kill::processes::{Victim, find, kill};

/// Pairs that are ordered.
const PAIRS: u64 = 24;

struct Ready {
    haven: Haven,
    project: String,
    delivery: String,
    spine: String,
}

/// A project in force with one delivery for each of its datasets, and four indexers: one is on the project.
fn ready() -> Ready {
    let mut haven = Haven::start();
    for name in ["indexer_2", "indexer_3", "insider"] {
        haven.add(name, "indexer");
    }
    let population = project::population();
    let sets = project::sets(&haven);
    let spine = project::deliver(&haven, &sets.register, &population.register_rows());
    let everybody: Vec<usize> = (0..population.people.len()).collect();
    let rows = population.identifier_rows(&everybody, 1, &ErrorProfile::typical());
    let payload = episodes::hospital_episodes(&population, &rows.held, 1);
    let delivery = project::deliver(&haven, &sets.hospital, &rows.csv);
    project::deliver_payload(&haven, &delivery, &payload);
    let id = project::start(&haven);
    let mut form = project::form(&haven, &sets);
    let people = form["people"].as_array_mut().unwrap();
    people.push(haven.id("insider").into());
    let standing = json!({
        "accreditation_until": "2029-06-30", "training_until": "2029-06-30",
        "undertaking_on": "2026-01-05",
    });
    let path = format!("/v1/people/{}/standing", haven.id("insider"));
    haven.yes("coordinator", &path, &standing);
    let version = project::submit(&haven, &id, &form);
    project::approve(&haven, &id, &sets, &version);
    Ready {
        haven,
        project: id,
        delivery,
        spine,
    }
}

impl Ready {
    fn order(&self, review: u64) -> Value {
        let ask = json!({ "delivery": self.delivery, "spine": self.spine, "review": review });
        let path = format!("/v1/projects/{}/indexings", self.project);
        self.haven.yes("indexer", &path, &ask)
    }

    fn at(&self, indexing: &str, act: &str) -> String {
        format!("/v1/indexings/{indexing}{act}")
    }

    fn view(&self, who: &str, indexing: &str) -> Value {
        self.haven.of(who).get(&self.at(indexing, "")).ok()
    }

    /// Every pair that somebody sees.
    fn pairs(&self, who: &str, indexing: &str) -> Vec<Value> {
        let mut all = Vec::new();
        for page in 1.. {
            let path = self.at(indexing, &format!("/pairs?page={page}"));
            let shown = self.haven.of(who).get(&path).ok();
            all.extend(shown["pairs"].as_array().unwrap().iter().cloned());
            if shown["pages"].as_u64().unwrap() == page {
                return all;
            }
        }
        unreachable!("a page is the last")
    }

    /// Begins, judges every pair that is shown as told, and hands in.
    fn judge(&self, who: &str, indexing: &str, say: impl Fn(u64) -> &'static str) -> Value {
        let nothing = json!({});
        self.haven.yes(who, &self.at(indexing, "/review"), &nothing);
        let mut answers = Map::new();
        for pair in self.pairs(who, indexing) {
            let number = pair["number"].as_u64().unwrap();
            answers.insert(number.to_string(), say(number).into());
        }
        let ask = json!({ "answers": answers });
        self.haven.yes(who, &self.at(indexing, "/answers"), &ask);
        self.haven.yes(who, &self.at(indexing, "/finish"), &nothing)
    }

    /// How many records of the newest indexing of this id are linked.
    fn linked(&self, indexing: &str) -> u64 {
        let path = format!("/v1/events?project={}", self.project);
        let events = self.haven.of("auditor").get(&path).ok();
        let done =
            events.as_array().unwrap().iter().find(|event| {
                event["action"] == "complete_indexing" && event["object"] == *indexing
            });
        done.expect("it is done")["facts"]["linked"]
            .as_u64()
            .unwrap()
    }
}

fn count(answer: &Value, pointer: &str) -> u64 {
    answer
        .pointer(pointer)
        .and_then(Value::as_u64)
        .unwrap_or_else(|| panic!("no {pointer} in {answer}"))
}

#[test]
fn what_two_indexers_settle_changes_the_links_and_nothing_else_does() {
    let ready = ready();
    let plain = ready.order(0);
    assert_eq!(text(&plain, "/state"), "indexed");
    let before = ready.linked(&text(&plain, "/indexing"));

    // Two people for each pair, both say.
    let ordered = ready.order(PAIRS);
    let indexing = text(&ordered, "/indexing");
    assert_eq!(text(&ordered, "/state"), "under_review");
    assert_eq!(count(&ordered, "/pairs"), PAIRS);
    let once = ready.judge("indexer", &indexing, |_| "namesake");
    assert_eq!(text(&once, "/state"), "under_review");
    let twice = ready.judge("indexer_2", &indexing, |_| "differs");
    assert_eq!(text(&twice, "/state"), "indexed");
    let parted = count(&twice, "/review/parted");
    assert!(parted > 0, "most pairs that are shown are links: {twice}");
    assert_eq!(count(&twice, "/review/joined"), 0);
    assert_eq!(count(&twice, "/review/both"), PAIRS);
    assert_eq!(count(&twice, "/review/alike"), PAIRS);
    assert_eq!(ready.linked(&indexing), before - parted);

    // The same pairs are chosen again. What is one person is linked, and a third settles what two differ on.
    let indexing = text(&ready.order(PAIRS), "/indexing");
    let differ = |number: u64| number <= 4;
    ready.judge("indexer", &indexing, |_| "moved");
    let twice = ready.judge("indexer_2", &indexing, |number| {
        if differ(number) { "namesake" } else { "agrees" }
    });
    assert_eq!(text(&twice, "/state"), "under_review");
    let begin = ready.at(&indexing, "/review");
    ready.haven.no(409, "indexer", &begin, &json!({}));
    ready.haven.yes("indexer_3", &begin, &json!({}));
    let asked = ready.pairs("indexer_3", &indexing);
    let numbers: Vec<u64> = asked.iter().map(|pair| count(pair, "/number")).collect();
    assert_eq!(numbers, [1, 2, 3, 4]);
    assert!(asked.iter().all(|pair| pair["answer"].is_null()), "blind");
    let answers =
        json!({ "answers": { "1": "typing_error", "2": "moved", "3": "moved", "4": "moved" } });
    ready
        .haven
        .yes("indexer_3", &ready.at(&indexing, "/answers"), &answers);
    let done = ready
        .haven
        .yes("indexer_3", &ready.at(&indexing, "/finish"), &json!({}));
    assert_eq!(text(&done, "/state"), "indexed");
    assert_eq!(
        count(&done, "/review/both") - count(&done, "/review/alike"),
        4
    );
    let (joined, lost) = (
        count(&done, "/review/joined"),
        count(&done, "/review/parted"),
    );
    assert_eq!(ready.linked(&indexing), before + joined - lost);
    assert_eq!(
        joined + parted + count(&done, "/review/undecided"),
        PAIRS + lost,
        "{done}"
    );
    // The pairs are gone with the review: what is kept of it are numbers and hashes.
    assert!(
        ready
            .haven
            .of("indexer_3")
            .get(&ready.at(&indexing, "/pairs"))
            .status
            >= 400
    );
}

#[test]
fn nobody_sees_a_pair_who_may_not_and_no_value_of_it_is_told() {
    let ready = ready();
    let indexing = text(&ready.order(PAIRS), "/indexing");
    let haven = &ready.haven;
    let (begin, pairs) = (
        ready.at(&indexing, "/review"),
        ready.at(&indexing, "/pairs"),
    );

    // Who has not begun, who is on the project, who has no part in indexing.
    haven.of("indexer").get(&pairs).no(409);
    for who in [
        "insider",
        "researcher",
        "steward",
        "auditor",
        "administrator",
        "controller_1",
    ] {
        haven.no(403, who, &begin, &json!({}));
        haven.of(who).get(&pairs).no(403);
        haven.no(403, who, &ready.at(&indexing, "/end"), &json!({}));
    }
    haven.yes("indexer", &begin, &json!({}));
    let shown = ready.pairs("indexer", &indexing);
    haven.of("indexer_2").get(&pairs).no(409);

    // The research desk has the address and does not show anything.
    let token = haven.of("indexer").token().unwrap();
    let research = haven.at("research/desk.sock");
    let research = super::http::Client::new(&research, super::http::Heard::default());
    let research = research.with_token(token);
    let told = research.get(&pairs).no(409);
    assert!(text(&told, "/message").contains("indexing desk"), "{told}");

    // No weight, step or probability is shown, and nothing of what another says.
    let keys: Vec<&String> = shown[0].as_object().unwrap().keys().collect();
    assert_eq!(keys, ["number", "fields", "answer"]);
    let ask = json!({ "answers": { "1": "moved", "2": "namesake" } });
    haven.yes("indexer", &ready.at(&indexing, "/answers"), &ask);
    haven.yes("indexer_2", &begin, &json!({}));
    let theirs = ready.pairs("indexer_2", &indexing);
    assert!(theirs.iter().all(|pair| pair["answer"].is_null()));
    let view = ready.view("indexer_2", &indexing);
    assert_eq!(
        (count(&view, "/answered"), count(&view, "/finished")),
        (0, 0)
    );
    assert_eq!(count(&ready.view("indexer", &indexing), "/answered"), 2);

    // Not before every pair is judged; no pair that is not there; no other word.
    let told = haven.no(409, "indexer", &ready.at(&indexing, "/finish"), &json!({}));
    assert!(
        text(&told, "/message").contains("are not judged yet"),
        "{told}"
    );
    let ask = json!({ "answers": { "99": "moved" } });
    haven.no(422, "indexer", &ready.at(&indexing, "/answers"), &ask);
    let ask = json!({ "answers": { "1": "because" } });
    let answer = haven.post("indexer", &ready.at(&indexing, "/answers"), &ask);
    assert!((400..500).contains(&answer.status));

    // There is no link, and so no extract.
    let ask = json!({ "indexings": [indexing] });
    let extracts = format!("/v1/projects/{}/extracts", ready.project);
    assert!((400..500).contains(&haven.post("steward", &extracts, &ask).status));

    // A review that is ended leaves nothing.
    haven.yes("indexer_2", &ready.at(&indexing, "/end"), &json!({}));
    assert_eq!(text(&ready.view("indexer", &indexing), "/state"), "failed");
    haven.of("indexer").get(&pairs).no(409);

    no_value_is_told(&ready, &shown);
}

/// No value that was shown stands in a log, in a no, or in clear in any file of the safe haven.
fn no_value_is_told(ready: &Ready, shown: &[Value]) {
    let haven = &ready.haven;
    let values: Vec<String> = shown
        .iter()
        .flat_map(|pair| pair["fields"].as_array().unwrap())
        .filter(|field| field["field"] == "chi" || field["field"] == "address_1")
        .flat_map(|field| [&field["record"], &field["spine"]])
        .filter_map(|value| value.as_str())
        .filter(|value| value.len() > 7)
        .map(ToOwned::to_owned)
        .collect();
    assert!(values.len() > 20, "there is something to look for");
    let events = haven.of("auditor").get("/v1/events").text();
    let heard = haven.heard().join("\n");
    let log = haven.log();
    for value in &values {
        for (place, text) in [("events", &events), ("a no", &heard), ("the log", &log)] {
            assert!(!text.contains(value.as_str()), "{place} has a value");
        }
    }
    for path in files(&haven.at("")) {
        // Sockets are no files to read.
        let Ok(bytes) = std::fs::read(&path) else {
            continue;
        };
        for value in &values {
            let found = bytes.windows(value.len()).any(|w| w == value.as_bytes());
            assert!(!found, "{} has a value in clear", path.display());
        }
    }
}

/// Kills somebody while the records are linked again, as soon as the worker is there. Gives whether one was.
fn killed_while_linking(ready: &Ready, indexing: &str, victim: Victim) -> bool {
    let finish = ready.at(indexing, "/finish");
    let client = ready.haven.of("indexer_2").clone();
    let front = ready.haven.pid();
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let finishing = scope.spawn(|| {
            // No answer comes from whoever was killed.
            let _ = client.try_send("POST", &finish, b"{}");
            over.store(true, Ordering::SeqCst);
        });
        let mut worker = None;
        while worker.is_none() && !over.load(Ordering::SeqCst) {
            worker = find(front, Victim::Worker);
            std::thread::sleep(Duration::from_millis(2));
        }
        let found = worker.and_then(|_| find(front, victim));
        if let Some(pid) = found {
            kill(pid);
        }
        finishing.join().expect("it does not panic");
        found.is_some()
    })
}

#[test]
fn a_kill_while_the_records_are_linked_again_loses_no_answer() {
    let mut ready = ready();
    let before = ready.linked(&text(&ready.order(0), "/indexing"));
    for victim in [Victim::Worker, Victim::Keeper, Victim::Front] {
        let indexing = text(&ready.order(PAIRS), "/indexing");
        ready.judge("indexer", &indexing, |_| "namesake");
        let begin = ready.at(&indexing, "/review");
        ready.haven.yes("indexer_2", &begin, &json!({}));
        let answers: Map<String, Value> = (1..=PAIRS)
            .map(|number| (number.to_string(), "differs".into()))
            .collect();
        let ask = json!({ "answers": answers });
        let save = ready.at(&indexing, "/answers");
        ready.haven.yes("indexer_2", &save, &ask);
        let killed = killed_while_linking(&ready, &indexing, victim);
        println!("{victim:?} killed: {killed}");
        if victim == Victim::Front && killed {
            ready.haven.was_killed();
        }
        ready.haven.start_again();
        let begun = Instant::now();
        let done = loop {
            let view = ready.view("indexer", &indexing);
            if view["state"] == "indexed" {
                break view;
            }
            // What was handed in stays: it is settled, linked or being linked, or was not handed in at all.
            if view["waits"] == true {
                let link = ready.at(&indexing, "/link");
                ready.haven.post("indexer", &link, &json!({}));
            } else if view["state"] == "under_review" {
                let finish = ready.at(&indexing, "/finish");
                ready.haven.post("indexer_2", &finish, &json!({}));
            } else {
                assert_eq!(view["state"], "settled", "{view}");
            }
            let waited = begun.elapsed() < Duration::from_secs(100);
            assert!(waited, "{view}: {}", ready.haven.log());
            std::thread::sleep(Duration::from_millis(100));
        };
        assert_eq!(count(&done, "/review/both"), PAIRS);
        let (joined, parted) = (
            count(&done, "/review/joined"),
            count(&done, "/review/parted"),
        );
        assert_eq!(
            ready.linked(&indexing),
            before + joined - parted,
            "{victim:?}"
        );
    }
}
