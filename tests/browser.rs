//! The pages in a real browser: the README's first ten minutes by mouse, by keyboard alone, and without
//! scripts; every page against axe (WCAG 2.2 AA). The scripts are in `tests/browser`.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use crate::support::{program, root};

/// A demonstration whose pages are open.
struct Demo {
    child: Child,
    base: String,
    indexing: String,
    password: String,
    secret: String,
}

impl Drop for Demo {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Starts `strongroom demo --serve` and reads where to look from what it prints, as a person does.
fn demo() -> Demo {
    let mut child = Command::new(program("strongroom"))
        .args(["demo", "--people", "3000", "--serve"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut demo = Demo {
        child,
        base: String::new(),
        indexing: String::new(),
        password: String::new(),
        secret: String::new(),
    };
    for line in lines.by_ref() {
        let line = line.unwrap();
        let after = |mark: &str| {
            line.split_once(mark)
                .map(|(_, rest)| rest.trim().to_owned())
        };
        if let Some(at) = after("The pages are open: ") {
            demo.base = at;
        } else if let Some(at) = after("The indexing desk is a place of its own: ") {
            demo.indexing = at;
        } else if let Some(word) = after("  password ") {
            demo.password = word;
        } else if let Some(key) = after("  app key ") {
            demo.secret = key;
        } else if line.starts_with("code for everybody") {
            // It goes on printing codes; somebody has to listen.
            std::thread::spawn(move || lines.for_each(drop));
            return demo;
        }
    }
    panic!("the demonstration ended before its pages were open");
}

/// What is missing for a browser, if anything; `cargo xtask test` installs it.
fn missing() -> Option<String> {
    let packages = root().join("tests/browser/node_modules/playwright-core");
    let found = |program: &str| {
        std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default())
            .any(|folder| folder.join(program).is_file())
    };
    if !found("node") || !found("chromium") {
        return Some("node or chromium is not installed: run `cargo xtask test`".into());
    }
    (!packages.exists()).then(|| "tests/browser has no packages: run `cargo xtask test`".into())
}

fn ten_minutes(mode: &str, shots: Option<PathBuf>) {
    if let Some(why) = missing() {
        panic!("{why}");
    }
    let demo = demo();
    let ask = json!({
        "base": demo.base, "indexing": demo.indexing, "password": demo.password,
        "secret": demo.secret, "mode": mode, "shots": shots,
    });
    let ran = Command::new("node")
        .arg(root().join("tests/browser/ten-minutes.mjs"))
        .arg(ask.to_string())
        .stderr(Stdio::inherit())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&ran.stdout);
    let report: Value = serde_json::from_str(said.lines().last().unwrap_or_default())
        .unwrap_or_else(|_| panic!("the script ended without a report: {said}"));
    println!(
        "{mode}: {} pages, {} fields, {} keystrokes or clicks by {} people; {} different pages checked",
        report["pages"],
        report["fields"],
        report["keystrokes"],
        report["people"],
        report["checked"]
    );
    let faults: Vec<&str> = report["faults"]
        .as_array()
        .expect("faults")
        .iter()
        .filter_map(Value::as_str)
        .collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(ran.status.success());
}

#[test]
fn the_first_ten_minutes_by_mouse_and_every_page_passes_axe() {
    // Screenshots for the README are written when they are asked for.
    let shots = std::env::var_os("STRONGROOM_WRITE_PICTURES").map(|_| root().join("docs/pictures"));
    ten_minutes("mouse", shots);
}

#[test]
fn the_first_ten_minutes_by_keyboard_alone() {
    ten_minutes("keyboard", None);
}

#[test]
fn the_first_ten_minutes_without_scripts() {
    ten_minutes("plain", None);
}
