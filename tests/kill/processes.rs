//! Finding and killing the processes of a safe haven.

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;

/// Who is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Victim {
    Front,
    Keeper,
    Worker,
}

/// Every process below one, with its arguments, parents before children.
pub(crate) fn below(root: u32) -> Vec<(u32, Vec<String>)> {
    let mut parents: BTreeMap<u32, u32> = BTreeMap::new();
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        let Ok(pid) = entry.file_name().to_string_lossy().parse::<u32>() else {
            continue;
        };
        let stat = fs::read_to_string(entry.path().join("stat")).unwrap_or_default();
        let after = stat.rsplit_once(')').map(|(_, rest)| rest);
        let parent = after.and_then(|rest| rest.split_whitespace().nth(1)?.parse().ok());
        parents.insert(pid, parent.unwrap_or_default());
    }
    let mut found = vec![root];
    let mut next = 0;
    while let Some(parent) = found.get(next).copied() {
        found.extend(
            parents
                .iter()
                .filter(|(_, p)| **p == parent)
                .map(|(c, _)| *c),
        );
        next += 1;
    }
    found
        .into_iter()
        .map(|pid| {
            let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            let words = line.split(|b| *b == 0);
            let words = words.map(|w| String::from_utf8_lossy(w).into_owned());
            (pid, words.collect())
        })
        .collect()
}

/// The process of a safe haven whose front is `front`; none if there is none now.
pub(crate) fn find(front: u32, victim: Victim) -> Option<u32> {
    let is = |words: &[String], name: &str| words.first().is_some_and(|w| w.ends_with(name));
    let found = below(front);
    let mut fitting = found.iter().filter(|(pid, words)| match victim {
        Victim::Front => *pid == front,
        Victim::Keeper => words.get(1).is_some_and(|word| word == "keeper"),
        Victim::Worker => ["worker", "query", "judge"]
            .iter()
            .any(|program| is(words, &format!("strongroom-{program}"))),
    });
    // The last is the innermost: of a worker, the one that sees rows.
    fitting.next_back().map(|(pid, _)| *pid)
}

/// SIGKILL.
pub(crate) fn kill(pid: u32) {
    signal("KILL", pid);
}

/// SIGSTOP: it does nothing more until it is killed.
pub(crate) fn freeze(pid: u32) {
    signal("STOP", pid);
}

fn signal(name: &str, pid: u32) {
    // It may be gone already.
    let _ = Command::new("sh")
        .args(["-c", &format!("kill -{name} {pid} 2>/dev/null")])
        .status();
}
