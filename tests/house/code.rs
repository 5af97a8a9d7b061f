//! Rules over the text of the sources.

use std::collections::BTreeMap;

use crate::support::{self, Source};

/// Longest file, in lines.
const LINES_MAX: usize = 500;

/// Files that are longer, with the length that they must not pass. The list may only shrink.
const LONG: &str = include_str!("long-files.txt");

/// Crates that take time, files and randomness as arguments.
const PURE: &[&str] = &[
    "governance",
    "disclosure",
    "linkage",
    "audit-log",
    "protocol",
];

/// What pure code does not do.
const IMPURE: &[&str] = &[
    "std::fs",
    "std::net",
    "std::process",
    "std::env",
    "SystemTime",
    "Instant::now",
    "Timestamp::now",
    "Zoned::now",
    "SystemRandom",
    "rand::rng",
];

/// The shells of pure crates: a file, and what it may do.
const SHELLS: &[(&str, &str)] = &[
    // Tiles on disk: one of the two implementations of the log's storage trait.
    ("crates/audit-log/src/tiles/files.rs", "std::fs"),
    // The worker's result arrives in descriptors, and its progress is spaced in time.
    ("crates/protocol/src/hatch.rs", "std::fs"),
    ("crates/protocol/src/hatch.rs", "Instant::now"),
];

/// Lines of code with their numbers: no comments.
fn code(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines()
        .enumerate()
        .map(|(index, line)| (index + 1, line.split("//").next().unwrap_or_default()))
}

/// The same, with what a `use std::{` takes spelled out as `std::…`.
fn spelled_out(text: &str) -> impl Iterator<Item = (usize, String)> {
    let mut inside = false;
    code(text).map(move |(number, line)| {
        let taken = match line.split_once("use std::{") {
            Some((_, taken)) => taken,
            None if inside => line,
            None => return (number, line.to_owned()),
        };
        inside = !line.contains("};");
        let words = taken.split([',', '{', '}', ';']).map(str::trim);
        let spelled: Vec<String> = words.map(|word| format!("std::{word}")).collect();
        (number, spelled.join(" "))
    })
}

fn is_test(path: &str) -> bool {
    path.ends_with("/tests.rs") || path.contains("/tests/") || path.starts_with("tests/")
}

/// The part of a file before its `#[cfg(test)]` module.
fn product(source: &Source) -> &str {
    source
        .text
        .split("#[cfg(test)]\nmod tests {")
        .next()
        .unwrap_or_default()
}

fn crate_of(path: &str) -> Option<&str> {
    path.strip_prefix("crates/")?.split('/').next()
}

fn holding(sources: &[Source], needles: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    for source in sources {
        for (number, line) in code(&source.text) {
            for needle in needles.iter().filter(|needle| line.contains(**needle)) {
                found.push(format!("{}:{number}: {needle}", source.path));
            }
        }
    }
    found
}

fn impure(sources: &[Source]) -> Vec<String> {
    let mut found = Vec::new();
    let pure = |s: &&Source| crate_of(&s.path).is_some_and(|c| PURE.contains(&c));
    let inside = |s: &&Source| s.path.contains("/src/") && !is_test(&s.path);
    for source in sources.iter().filter(pure).filter(inside) {
        for (number, line) in spelled_out(product(source)) {
            for needle in IMPURE.iter().filter(|needle| line.contains(**needle)) {
                if !SHELLS.contains(&(source.path.as_str(), *needle)) {
                    found.push(format!("{}:{number}: {needle}", source.path));
                }
            }
        }
    }
    found
}

fn unsafe_outside_sandbox(sources: &[Source]) -> Vec<String> {
    let others: Vec<Source> = sources
        .iter()
        .filter(|s| crate_of(&s.path) != Some("sandbox"))
        .cloned()
        .collect();
    // In pieces, so that this file does not find itself.
    let words = ["{", "fn", "impl", "extern", "trait"].map(|next| format!("{} {next}", "unsafe"));
    let mut needles: Vec<&str> = words.iter().map(String::as_str).collect();
    needles.push(concat!("(unsafe", "_code"));
    holding(&others, &needles)
}

/// Files over the limit that are not listed, listed files that grew, and lines of the list that are
/// no longer needed.
fn wrong_lengths(sources: &[Source], list: &str) -> Vec<String> {
    let mut listed: BTreeMap<&str, usize> = list
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split_once(' '))
        .filter_map(|(path, lines)| Some((path, lines.trim().parse().ok()?)))
        .collect();
    let mut wrong = Vec::new();
    for source in sources {
        let lines = source.text.lines().count();
        let most = listed.remove(source.path.as_str());
        if lines > most.unwrap_or(LINES_MAX) {
            wrong.push(format!("{}: {lines} lines", source.path));
        } else if most.is_some() && lines <= LINES_MAX {
            wrong.push(format!("{}: take it off the list", source.path));
        }
    }
    wrong.extend(
        listed
            .keys()
            .map(|path| format!("{path}: listed, but no such file")),
    );
    wrong
}

fn rust() -> Vec<Source> {
    let sources = support::sources(&["crates", "tests"], &[".rs"]);
    assert!(sources.len() > 100, "the walk finds the sources");
    sources
}

#[test]
fn pure_crates_touch_no_file_clock_network_or_randomness() {
    assert_eq!(impure(&rust()), Vec::<String>::new());
}

#[test]
fn only_the_sandbox_steps_outside_safe_rust() {
    assert_eq!(unsafe_outside_sandbox(&rust()), Vec::<String>::new());
}

#[test]
fn no_file_is_longer_than_five_hundred_lines_but_a_shrinking_few() {
    assert_eq!(wrong_lengths(&rust(), LONG), Vec::<String>::new());
}

#[test]
fn nothing_is_left_to_do_and_no_test_is_switched_off() {
    let needles = [
        concat!("todo", "!("),
        concat!("unimplemented", "!("),
        concat!("#[", "ignore"),
    ];
    assert_eq!(holding(&rust(), &needles), Vec::<String>::new());
}

#[test]
fn no_file_names_a_folder_of_somebodys_machine() {
    let folders = [
        "crates",
        "tests",
        "docs",
        "policies",
        "audit",
        "workspace-images",
        ".ci",
        ".cargo",
        ".config",
    ];
    let endings = [
        ".rs",
        ".toml",
        ".md",
        ".py",
        ".sh",
        ".json",
        ".txt",
        ".cedar",
        ".cedarschema",
        "run",
    ];
    let mut sources = support::sources(&folders, &endings);
    for name in ["README.md", "CHANGELOG.md", "justfile", "Cargo.toml"] {
        if let Ok(text) = std::fs::read_to_string(support::root().join(name)) {
            sources.push(Source::new(name, &text));
        }
    }
    assert_eq!(machine_paths(&sources), Vec::<String>::new());
}

fn machine_paths(sources: &[Source]) -> Vec<String> {
    let needles = [
        concat!("/wor", "k/"),
        concat!("/Use", "rs/"),
        concat!("/hom", "e/"),
        concat!("/roo", "t/.c"),
    ];
    let mut found = Vec::new();
    for source in sources {
        for (index, line) in source.text.lines().enumerate() {
            if needles.iter().any(|needle| line.contains(needle)) {
                found.push(format!("{}:{}", source.path, index + 1));
            }
        }
    }
    found
}

#[test]
fn a_clock_in_a_pure_crate_is_found_and_one_in_its_tests_is_not() {
    let clock = "let now = Timestamp::now();\n";
    let sources = [
        Source::new("crates/governance/src/project.rs", clock),
        Source::new("crates/governance/src/project/tests.rs", clock),
        Source::new("crates/service/src/clock.rs", clock),
        Source::new("crates/linkage/src/em.rs", "// never Timestamp::now()\n"),
        Source::new(
            "crates/linkage/src/link.rs",
            "fn f() {}\n#[cfg(test)]\nmod tests {\n    use std::fs;\n}\n",
        ),
        Source::new("crates/audit-log/src/tiles/files.rs", "use std::fs;\n"),
        Source::new("crates/audit-log/src/tile.rs", "use std::fs;\n"),
        Source::new(
            "crates/protocol/src/frame.rs",
            "use std::{\n    collections::BTreeMap,\n    net::{Ipv4Addr, TcpStream},\n};\nuse x::{fs};\n",
        ),
    ];
    assert_eq!(
        impure(&sources),
        [
            "crates/governance/src/project.rs:1: Timestamp::now",
            "crates/audit-log/src/tile.rs:1: std::fs",
            "crates/protocol/src/frame.rs:3: std::net",
        ]
    );
}

#[test]
fn unsafe_code_in_another_room_is_found_and_the_word_is_not() {
    let block = format!("{} {{ libc::fork() }};\n", "unsafe");
    let sources = [
        Source::new("crates/vault/src/files.rs", &block),
        Source::new("crates/sandbox/src/spawn.rs", &block),
        Source::new("crates/disclosure/src/policy.rs", "zero = \"unsafe\"\n"),
    ];
    assert_eq!(
        unsafe_outside_sandbox(&sources),
        [format!("crates/vault/src/files.rs:1: {} {{", "unsafe")]
    );
}

#[test]
fn a_long_file_a_grown_one_and_a_stale_line_are_found() {
    let lines = |n: usize| "x\n".repeat(n);
    let sources = [
        Source::new("a.rs", &lines(501)),
        Source::new("b.rs", &lines(611)),
        Source::new("c.rs", &lines(600)),
        Source::new("d.rs", &lines(500)),
    ];
    assert_eq!(
        wrong_lengths(&sources, "# why\nb.rs 610\nc.rs 610\nd.rs 510\ne.rs 700\n"),
        [
            "a.rs: 501 lines",
            "b.rs: 611 lines",
            "d.rs: take it off the list",
            "e.rs: listed, but no such file",
        ]
    );
}

#[test]
fn a_switched_off_test_and_a_machine_path_are_found() {
    let off = format!("#[{}]\nfn f() {{}}\n", "ignore");
    let found = holding(&[Source::new("x.rs", &off)], &[concat!("#[", "ignore")]);
    assert_eq!(found.len(), 1);
    let path = format!("see /{}/ada/notes\n", "home");
    assert_eq!(machine_paths(&[Source::new("y.md", &path)]), ["y.md:1"]);
}
