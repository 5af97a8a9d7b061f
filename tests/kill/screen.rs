//! A kill between the judging of a screen and its record: nothing is shown and nothing stays; and one after it.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use serde_json::json;

use super::journey::store;
use super::oracle::Books;
use super::processes::{self, Victim};
use crate::journeys::haven::{Haven, files};
use crate::journeys::http::text;
use crate::journeys::project::{self, SAFE};

/// Files with who is behind the cells of screens.
fn kept(haven: &Haven) -> BTreeSet<String> {
    let files = files(&haven.at("keeper/sealed"));
    let names = files.iter().filter_map(|file| file.file_name()?.to_str());
    names
        .filter(|name| name.starts_with("wsp_") && name.contains(".people."))
        .map(str::to_owned)
        .collect()
}

fn wait_for(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < Duration::from_secs(60), "{what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Nobody works any more, so that the books and the folder can be held against each other.
fn settled(haven: &Haven) -> Books {
    let mut books = Books::read(&store(haven));
    wait_for("a job stays queued", || {
        books = Books::read(&store(haven));
        books.queued() == 0
    });
    books
}

#[test]
fn what_was_judged_and_not_recorded_is_not_shown_and_leaves_nothing() {
    let mut haven = Haven::start();
    let open = project::open(&haven);
    let path = format!("/v1/workspaces/{}/queries", open.workspace);
    let body = json!({ "sql": SAFE }).to_string();
    let front = haven.pid();
    let answered = std::thread::scope(|scope| {
        let client = haven.of("researcher");
        let asking = scope.spawn(|| client.try_send("POST", &path, body.as_bytes()));
        // The front stands still from the first worker on, and the keeper goes on to the end of the job.
        wait_for("no worker runs", || {
            processes::find(front, Victim::Worker).is_some()
        });
        processes::freeze(front);
        wait_for("it is not judged", || !kept(&haven).is_empty());
        processes::kill(front);
        asking.join().expect("the asking does not panic")
    });
    assert!(answered.is_err(), "nothing was shown");
    haven.was_killed();
    haven.start_again();
    let books = settled(&haven);
    assert_eq!(books.find("job", "shown"), None);
    // The next start finds that no record names what was kept.
    haven.stop();
    haven.start_again();
    assert_eq!(kept(&haven), BTreeSet::new());

    // Asked again, it is shown; what it showed is kept and stays so through a kill.
    let shown = haven.yes("researcher", &path, &json!({ "sql": SAFE }));
    assert_eq!(text(&shown, "/verdict"), "pass", "{shown}");
    processes::kill(haven.pid());
    haven.was_killed();
    haven.start_again();
    let books = settled(&haven);
    assert_eq!(books.find("job", "shown"), Some(text(&shown, "/job")));
    let its = kept(&haven);
    assert_eq!(its.len(), 1);
    assert!(its.is_subset(&books.sealed()), "{its:?}");
    // It counts from there on.
    let again = haven.yes("researcher", &path, &json!({ "sql": SAFE }));
    assert_eq!(text(&again, "/verdict"), "pass", "{again}");
    assert_eq!(kept(&haven), its);
}
