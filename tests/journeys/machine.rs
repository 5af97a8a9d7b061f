//! `doctor` and `demo`: what this machine offers, the whole story, and real input.

use std::process::{Command, Output};

use super::haven::Haven;
use crate::support::{program, shared};

/// Layers of the sandbox, as a profile names them.
const LAYERS: [&str; 21] = [
    "clean_start",
    "separate_user",
    "memory_cgroup",
    "no_swap",
    "user_namespace",
    "mount_namespace",
    "pid_namespace",
    "network_namespace",
    "ipc_namespace",
    "uts_namespace",
    "cgroup_namespace",
    "empty_root",
    "read_only_inputs",
    "scratch",
    "capabilities",
    "no_new_privileges",
    "landlock",
    "landlock_scopes",
    "resource_limits",
    "guarded",
    "seccomp",
];

fn said(output: &Output) -> String {
    format!(
        "{}\n{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

#[test]
fn the_doctor_names_every_layer() {
    let output = Command::new(program("strongroom"))
        .arg("doctor")
        .output()
        .unwrap();
    let said = said(&output);
    assert!(matches!(output.status.code(), Some(0 | 1)), "{said}");
    for layer in LAYERS {
        assert!(said.contains(layer), "{layer} is not named: {said}");
    }
}

/// A user namespace in which no further one can be made stands for a machine that forbids them.
#[test]
fn without_user_namespaces_the_demo_says_so_and_does_nothing() {
    const NOT_ARRANGED: i32 = 77;
    let script =
        "echo 0 > /proc/sys/user/max_user_namespaces || exit 77; \"$0\" demo --people 3000";
    let output = Command::new("unshare")
        .args(["--user", "--map-root-user", "sh", "-c", script])
        .arg(program("strongroom"))
        .output();
    let Ok(output) = output else {
        println!("left out: there is no unshare to block user namespaces with");
        return;
    };
    let said = said(&output);
    if said.contains("unshare failed") || output.status.code() == Some(NOT_ARRANGED) {
        println!("left out: user namespaces cannot be blocked here: {said}");
        return;
    }
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("user_namespace"), "{said}");
    assert!(said.contains("required"), "{said}");
    assert!(!said.contains("Deliveries"), "data was touched: {said}");
}

#[test]
fn the_demo_ends_with_a_verified_log() {
    let output = Command::new(program("strongroom"))
        .args(["demo", "--people", "3000"])
        .output()
        .unwrap();
    let said = said(&output);
    assert_eq!(output.status.code(), Some(0), "{said}");
    for part in [
        "ok  as published, with a remembered checkpoint",
        "BAD a copy in which one byte of one entry was changed",
        "BAD the same copy, to somebody who kept a checkpoint",
        "verdict: treat",
        "the table as downloaded:",
    ] {
        assert!(said.contains(part), "{part:?} is not in {said}");
    }
}

#[test]
fn a_safe_haven_is_served_once_and_a_second_try_leaves_the_first_alone() {
    let haven = Haven::start();
    for words in [&["serve"][..], &["init", "--administrator", "Somebody"]] {
        let output = Command::new(program("strongroom"))
            .args(words)
            .arg("--data-dir")
            .arg(haven.at(""))
            .output()
            .unwrap();
        let said = said(&output);
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains("is in use by another process"), "{said}");
    }
    haven.of("auditor").get("/v1/whoami").ok();
}

/// Group, people, readmitted within 30 days: counted from the file itself, without any linkage.
const KNOWN: [(&str, i64, i64); 4] = [
    ("a. not measured", 57_128, 5_199),
    ("b. high, changed", 4_058, 348),
    ("c. high, not changed", 2_181, 161),
    ("d. other", 6_606, 569),
];

#[test]
fn real_encounters_give_the_known_table() {
    let Some(file) = shared("data/diabetes130/encounters.csv.gz") else {
        return;
    };
    let output = Command::new(program("strongroom"))
        .arg("demo")
        .arg("--strack")
        .arg(file)
        .output()
        .unwrap();
    let said = said(&output);
    assert_eq!(output.status.code(), Some(0), "{said}");
    let (mut back, mut lost) = (0, 0);
    for (group, people, readmitted) in KNOWN {
        let line = said
            .lines()
            .map(str::trim)
            .find(|l| l.starts_with(group) && l.split_whitespace().count() > 6)
            .unwrap_or_else(|| panic!("no line of {group}: {said}"));
        let numbers: Vec<i64> = line[group.len()..]
            .split_whitespace()
            .map(|n| n.parse().unwrap())
            .collect();
        let [unlinked, linked, _, unlinked_back, linked_back, _] = numbers[..] else {
            panic!("{line}");
        };
        assert_eq!((unlinked, unlinked_back), (people, readmitted), "{line}");
        // Linkage loses some; it must not invent any, nor lose more than one in fifty.
        assert!(
            linked <= people && (people - linked) * 50 < people,
            "{line}"
        );
        assert!((readmitted - linked_back).abs() * 50 < readmitted, "{line}");
        back += readmitted;
        lost += readmitted - linked_back;
    }
    assert!(lost.abs() * 100 < back, "{said}");
    assert!(said.contains("ok  as published"), "{said}");
    let refused = said.split("The same table, the exclusion first").nth(1);
    let refused = refused.unwrap_or_else(|| panic!("{said}"));
    assert!(refused.contains("verdict: fail"), "{said}");
    assert!(refused.contains("few people lie between"), "{said}");
}
