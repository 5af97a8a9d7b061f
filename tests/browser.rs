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

/// Runs a script against a demonstration of its own; gives its report, in which no fault stands.
fn script(name: &str, more: &Value) -> Value {
    let demo = demo();
    let mut ask = json!({
        "base": demo.base, "indexing": demo.indexing, "password": demo.password,
        "secret": demo.secret,
    });
    for (key, value) in more.as_object().unwrap() {
        ask[key] = value.clone();
    }
    run(name, &ask)
}

/// Runs a script; gives its report, in which no fault stands.
pub(crate) fn run(name: &str, ask: &Value) -> Value {
    if let Some(why) = missing() {
        panic!("{why}");
    }
    let ran = Command::new("node")
        .arg(root().join("tests/browser").join(name))
        .arg(ask.to_string())
        .stderr(Stdio::inherit())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&ran.stdout);
    let report: Value = serde_json::from_str(said.lines().last().unwrap_or_default())
        .unwrap_or_else(|_| panic!("the script ended without a report: {said}"));
    let faults: Vec<&str> = report["faults"]
        .as_array()
        .expect("faults")
        .iter()
        .filter_map(Value::as_str)
        .collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(ran.status.success());
    report
}

fn ten_minutes(mode: &str, shots: Option<PathBuf>) {
    let report = script("ten-minutes.mjs", &json!({ "mode": mode, "shots": shots }));
    println!(
        "{mode}: {} pages, {} fields, {} keystrokes or clicks by {} people; {} different pages checked",
        report["pages"],
        report["fields"],
        report["keystrokes"],
        report["people"],
        report["checked"]
    );
}

#[test]
fn the_first_ten_minutes_by_mouse_and_every_page_passes_axe() {
    // Screenshots for the README are written when they are asked for.
    let shots = std::env::var_os("STRONGROOM_WRITE_PICTURES").map(|_| root().join("docs/pictures"));
    ten_minutes("mouse", shots);
}

/// With the researcher's morning in the workspace (`morning.mjs`).
#[test]
fn the_first_ten_minutes_by_keyboard_alone() {
    ten_minutes("keyboard", None);
}

#[test]
fn the_first_ten_minutes_without_scripts() {
    ten_minutes("plain", None);
}

/// Routes that answer with something else than a page of their own.
const NO_PAGES: &[&str] = &[
    "/assets/{name}",
    "/log/proof/{leaf}",
    "/measurements/{id}/record",
    "/outputs/{id}/table.csv",
    "/projects/{id}/versions/{sha256}",
    "/projects/{id}/dummy-extract",
    "/register/checkpoint",
    "/workspaces/{id}/running",
];

/// Routes of pages, as the sources of `web` have them: those that can be asked for.
fn pages() -> Vec<String> {
    let mut sources = vec![root().join("crates/web/src/pages.rs")];
    let mut folders = vec![root().join("crates/web/src/pages")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => folders.push(path),
                false => sources.push(path),
            }
        }
    }
    let mut pages = Vec::new();
    for source in sources {
        let text = std::fs::read_to_string(source).unwrap();
        for route in text.split(".route(").skip(1) {
            let Some(path) = route.split('"').nth(1) else {
                continue;
            };
            // What follows, up to the next route or the function's end, says which methods it has.
            let methods = route.split("\n}").next().unwrap_or_default();
            if methods.contains("get(") && path.starts_with('/') {
                pages.push(path.to_owned());
            }
        }
    }
    pages.sort();
    pages.dedup();
    pages.retain(|page| !NO_PAGES.contains(&page.as_str()));
    pages
}

fn is_of(path: &str, route: &str) -> bool {
    let (path, route) = (path.split('/'), route.split('/'));
    path.clone().count() == route.clone().count()
        && path.zip(route).all(|(p, r)| r.starts_with('{') || p == r)
}

#[test]
fn every_page_that_anybody_can_reach_passes_axe() {
    let report = script("every-door.mjs", &json!({}));
    let seen: Vec<&str> = report["paths"]
        .as_array()
        .expect("paths")
        .iter()
        .filter_map(Value::as_str)
        .collect();
    let pages = pages();
    assert!(pages.len() > 30, "{pages:?}");
    let missed: Vec<&String> = pages
        .iter()
        .filter(|page| !seen.iter().any(|path| is_of(path, page)))
        .collect();
    assert!(missed.is_empty(), "nobody looked at {missed:?}");
    println!(
        "{} routes of pages, {} different pages checked",
        pages.len(),
        report["checked"]
    );
}
