//! A disk that is full, and one that can only be read: each no is one clear sentence, nothing that was
//! acknowledged is lost, and there is no more to do than to make space.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::Command;

use serde_json::json;

use super::journey::{Files, Not, Step, Walk, store};
use super::memory::Memory;
use super::oracle::Books;
use crate::journeys::haven::Haven;
use crate::support::program;

/// Set for the test's own second start, in which it may mount.
const INSIDE: &str = "STRONGROOM_TEST_MOUNTS";
const NAME: &str = "kill::disk::a_full_disk_and_a_read_only_one_lose_nothing";

#[test]
fn a_full_disk_and_a_read_only_one_lose_nothing() {
    if std::env::var_os(INSIDE).is_some() {
        inside();
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    // A mount namespace of its own: nothing of the machine is mounted over. Root needs no user namespace for
    // it, and must not take one: threads of what is root outside are not counted, which the keeper's own
    // attack on its walls finds.
    let root = fs::metadata("/proc/self").is_ok_and(|me| me.uid() == 0);
    let own: &[&str] = if root {
        &["--mount"]
    } else {
        &["--user", "--map-root-user", "--mount"]
    };
    let output = Command::new("unshare")
        .args(own)
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", NAME, "--nocapture"])
        .env(INSIDE, "1")
        .env("TMPDIR", folder.path())
        .output();
    let Ok(output) = output else {
        println!("left out: there is no unshare to make a small disk with");
        return;
    };
    let said = format!(
        "{}\n{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    if said.contains("unshare failed") || said.contains("no small disk here") {
        println!("left out: a small disk cannot be mounted here: {said}");
        return;
    }
    assert!(output.status.success(), "{said}");
    assert!(said.contains("1 passed"), "{said}");
}

fn mount(words: &[&str], place: &Path) -> bool {
    let status = Command::new("mount").args(words).arg(place).status();
    status.is_ok_and(|status| status.success())
}

/// Fills the disk to its last byte.
fn fill(place: &Path) {
    let mut filler = OpenOptions::new()
        .create(true)
        .append(true)
        .open(place.join("filler"))
        .unwrap();
    for size in [1 << 20, 4096, 1] {
        while filler.write_all(&vec![0; size]).is_ok() {}
    }
}

fn inside() {
    let place = std::env::temp_dir();
    if !mount(&["-t", "tmpfs", "-o", "size=64m", "tmpfs"], &place) {
        println!("no small disk here");
        return;
    }
    let files = Files::new();
    let mut memory = Memory::default();
    let mut haven = Haven::start();
    let mut done = 0;
    let mut go = |haven: &Haven, memory: &mut Memory, until: Step| {
        for step in &Step::ALL[done..] {
            if *step == until {
                break;
            }
            let mut walk = Walk {
                haven,
                files: &files,
                memory,
            };
            walk.take(*step)
                .unwrap_or_else(|not| panic!("{step:?}: {not:?}"));
            done += 1;
        }
    };
    go(&haven, &mut memory, Step::Payload);

    fill(&place);
    let before = Books::read(&store(&haven));
    // What is left of pages and of the write-ahead log still takes a few.
    let mut refused = None;
    for _ in 0..5_000 {
        let answer = haven.post("researcher", "/v1/projects", &json!({}));
        if answer.status != 200 {
            refused = Some(answer.no(503));
            break;
        }
        memory.acknowledge(&answer.json());
    }
    let refused = refused.expect("a full disk is met");
    let message = refused["message"].as_str().unwrap();
    assert!(message.contains("the disk"), "{message}");
    assert!(!message.contains('\n'), "{message}");
    let payload = Walk {
        haven: &haven,
        files: &files,
        memory: &mut memory,
    }
    .take(Step::Payload);
    assert!(matches!(payload, Err(Not::Done(503, _))), "{payload:?}");
    let full = Books::read(&store(&haven));
    full.hold();
    full.extend(&before);
    memory.is_kept(&full);

    fs::remove_file(place.join("filler")).unwrap();
    // Nothing is to be done but to make space; even the front goes on.
    go(&haven, &mut memory, Step::Workspace);
    let roomy = Books::read(&store(&haven));
    roomy.hold();
    roomy.extend(&full);

    haven.stop();
    assert!(
        mount(&["-o", "remount,ro"], &place),
        "nothing writes any more"
    );
    let output = Command::new(program("strongroom"))
        .args(["serve", "--data-dir"])
        .arg(haven.at(""))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.trim().lines().count() == 1, "one sentence: {said}");
    assert!(
        mount(&["-o", "remount,rw"], &place),
        "it can be written again"
    );
    haven.start_again();
    go(&haven, &mut memory, Step::Download);
    let end = Books::read(&store(&haven));
    end.hold();
    end.extend(&roomy);
    memory.is_kept(&end);
    assert_eq!(end.queued(), 0);
}
