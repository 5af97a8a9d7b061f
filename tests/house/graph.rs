//! Who may use what: rules over the graph of crates.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand};

use crate::support;

/// For each crate of ours, the crates of ours that it may use outside tests. The same table stands in
/// `docs/ARCHITECTURE.md` for people.
pub(crate) const EDGES: &[(&str, &[&str])] = &[
    ("governance", &[]),
    ("disclosure", &[]),
    ("linkage", &[]),
    ("audit-log", &[]),
    ("protocol", &[]),
    ("store", &["governance", "audit-log"]),
    (
        "service",
        &["governance", "store", "disclosure", "audit-log", "protocol"],
    ),
    ("vault", &[]),
    ("sandbox", &["protocol"]),
    (
        "keeper",
        &[
            "governance",
            "store",
            "audit-log",
            "vault",
            "sandbox",
            "protocol",
        ],
    ),
    ("frames", &[]),
    ("engine", &["disclosure"]),
    ("privacy", &[]),
    (
        "worker",
        &[
            "linkage",
            "frames",
            "engine",
            "privacy",
            "disclosure",
            "sandbox",
            "protocol",
        ],
    ),
    ("web", &["service", "governance", "protocol"]),
    (
        "strongroom",
        &[
            "governance",
            "disclosure",
            "linkage",
            "audit-log",
            "protocol",
            "store",
            "service",
            "vault",
            "sandbox",
            "keeper",
            "web",
            "testkit",
        ],
    ),
    ("testkit", &["governance"]),
    ("xtask", &[]),
    ("strongroom-tests", &[]),
];

/// Heavy or dangerous crates of others, and the only crates of ours that may name them outside tests.
const HIDDEN: &[(&str, &[&str])] = &[
    ("aes-gcm", &["vault"]),
    // A root key's passphrase; people's passwords.
    ("argon2", &["vault", "web"]),
    ("askama", &["web"]),
    ("axum", &["web"]),
    ("cedar-policy", &["service"]),
    ("csv", &["frames", "testkit"]),
    ("duckdb", &["engine"]),
    ("hyper", &["strongroom"]),
    ("landlock", &["sandbox"]),
    // Becomes another Unix user, asks at the terminal.
    ("nix", &["strongroom"]),
    ("libc", &["sandbox", "vault"]),
    // Linear programmes: the attacker on a suppressed table.
    ("microlp", &["disclosure"]),
    ("opendp", &["privacy"]),
    ("polars", &["frames"]),
    (
        "ring",
        &[
            "audit-log",
            "disclosure",
            "keeper",
            "privacy",
            "service",
            "store",
            "strongroom",
            "vault",
            "web",
            "worker",
        ],
    ),
    ("seccompiler", &["sandbox"]),
    ("sqlx", &["store"]),
    (
        "tokio",
        &["keeper", "service", "store", "strongroom", "web"],
    ),
];

/// What the crate on the left must not reach by any path outside tests and build scripts.
const UNREACHABLE: &[(&[&str], &[&str])] = &[
    (
        &[
            "governance",
            "disclosure",
            "linkage",
            "audit-log",
            "protocol",
        ],
        &[
            "tokio", "sqlx", "axum", "duckdb", "polars", "hyper", "mio", "socket2",
        ],
    ),
    // The front and the keeper hold no data engine; the worker no store, no pages, no keys.
    (
        &[
            "strongroom",
            "service",
            "web",
            "keeper",
            "store",
            "vault",
            "sandbox",
        ],
        &[
            "duckdb", "polars", "opendp", "engine", "frames", "privacy", "worker",
        ],
    ),
    (
        &["worker"],
        &[
            "sqlx", "axum", "vault", "store", "keeper", "service", "aes-gcm",
        ],
    ),
    // Columns come from files that were mounted, never from an address.
    (
        &["frames", "engine", "worker"],
        &[
            "reqwest",
            "ureq",
            "hyper",
            "h2",
            "object_store",
            "rustls",
            "native-tls",
            "aws-config",
        ],
    ),
];

/// Packages by name, with what each uses outside tests and build scripts.
#[derive(Debug, Default)]
pub(crate) struct Graph {
    uses: BTreeMap<String, BTreeSet<String>>,
}

impl Graph {
    /// What manifests of ours declare, on whatever platform and under whatever feature.
    pub(crate) fn declared(metadata: &Metadata) -> Self {
        let mut graph = Self::default();
        for package in metadata.workspace_packages() {
            let normal = |d: &&cargo_metadata::Dependency| d.kind == DependencyKind::Normal;
            for dependency in package.dependencies.iter().filter(normal) {
                graph.add(&package.name, &dependency.name);
            }
        }
        graph
    }

    /// What cargo builds, through everybody's crates. `cargo metadata` also lists optional dependencies
    /// that no feature switches on, so this asks `cargo tree`.
    fn built() -> Self {
        let output = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
            .args(["tree", "--offline", "--workspace", "--edges", "normal"])
            .args(["--prefix", "depth", "--target", "x86_64-unknown-linux-gnu"])
            .current_dir(support::root())
            .output()
            .expect("cargo can be started");
        assert!(output.status.success(), "cargo tree failed");
        Self::of_tree(&String::from_utf8(output.stdout).expect("text"))
    }

    /// Lines such as `2serde v1.0.0`: depth and name. A package's own lines come once; later ones are
    /// marked and have none below.
    fn of_tree(tree: &str) -> Self {
        let mut graph = Self::default();
        let mut above: Vec<&str> = Vec::new();
        for line in tree.lines().filter(|line| !line.is_empty()) {
            let digits = line.find(|c: char| !c.is_ascii_digit()).expect("a name");
            let (depth, name) = line.split_at(digits);
            let name = name.split(' ').next().expect("a name");
            above.truncate(depth.parse().expect("a depth"));
            if let Some(from) = above.last() {
                graph.add(from, name);
            }
            above.push(name);
        }
        graph
    }

    fn add(&mut self, from: &str, to: &str) {
        let uses = self.uses.entry(from.to_owned()).or_default();
        uses.insert(to.to_owned());
    }

    fn uses(&self, from: &str) -> impl Iterator<Item = &str> {
        self.uses
            .get(from)
            .into_iter()
            .flatten()
            .map(String::as_str)
    }

    /// The shortest way from one crate to another, if there is one.
    fn way(&self, from: &str, to: &str) -> Option<Vec<String>> {
        let mut ways = vec![vec![from.to_owned()]];
        let mut seen = BTreeSet::new();
        while !ways.is_empty() {
            let mut next = Vec::new();
            for way in ways {
                for step in self.uses(way.last().expect("never empty")) {
                    let mut longer = way.clone();
                    longer.push(step.to_owned());
                    if step == to {
                        return Some(longer);
                    }
                    if seen.insert(step.to_owned()) {
                        next.push(longer);
                    }
                }
            }
            ways = next;
        }
        None
    }
}

/// Cargo's own account of our manifests.
pub(crate) fn metadata() -> Metadata {
    MetadataCommand::new()
        .manifest_path(support::root().join("Cargo.toml"))
        .no_deps()
        .other_options(["--offline".to_owned()])
        .exec()
        .expect("cargo can describe the workspace")
}

fn wrong_edges(graph: &Graph, edges: &[(&str, &[&str])]) -> Vec<String> {
    let ours: BTreeMap<&str, &[&str]> = edges.iter().copied().collect();
    let mut wrong = Vec::new();
    for (from, allowed) in &ours {
        for to in graph.uses(from) {
            if ours.contains_key(to) && !allowed.contains(&to) {
                wrong.push(format!("{from} uses {to}"));
            }
        }
    }
    wrong
}

fn wrong_heavy(graph: &Graph, ours: &[&str], hidden: &[(&str, &[&str])]) -> Vec<String> {
    let mut wrong = Vec::new();
    for (heavy, allowed) in hidden {
        for from in ours {
            if !allowed.contains(from) && graph.uses(from).any(|to| to == *heavy) {
                wrong.push(format!("{from} uses {heavy}"));
            }
        }
    }
    wrong
}

fn wrong_ways(graph: &Graph, rules: &[(&[&str], &[&str])]) -> Vec<String> {
    let mut wrong = Vec::new();
    for (from, to) in rules {
        for from in *from {
            for to in *to {
                if let Some(way) = graph.way(from, to) {
                    wrong.push(way.join(" > "));
                }
            }
        }
    }
    wrong
}

fn names(edges: &[(&'static str, &[&str])]) -> Vec<&'static str> {
    edges.iter().map(|(name, _)| *name).collect()
}

#[test]
fn every_crate_uses_only_the_crates_it_may() {
    let metadata = metadata();
    let ours: BTreeSet<&str> = metadata
        .workspace_packages()
        .iter()
        .map(|p| p.name.as_str())
        .collect();
    assert_eq!(ours, names(EDGES).into_iter().collect(), "the table EDGES");
    let wrong = wrong_edges(&Graph::declared(&metadata), EDGES);
    assert!(wrong.is_empty(), "{wrong:?}");
}

#[test]
fn every_heavy_crate_stays_in_its_room() {
    let wrong = wrong_heavy(&Graph::declared(&metadata()), &names(EDGES), HIDDEN);
    assert!(wrong.is_empty(), "{wrong:?}");
}

#[test]
fn no_crate_reaches_what_it_must_not() {
    let wrong = wrong_ways(&Graph::built(), UNREACHABLE);
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// What a front that is taken over finds linked below its pages: no key, no engine, no way to start a worker.
#[test]
fn the_pages_reach_no_engine_no_vault_and_no_sandbox() {
    let below: &[&str] = &[
        "vault",
        "sandbox",
        "keeper",
        "engine",
        "frames",
        "linkage",
        "duckdb",
        "polars",
        "aes-gcm",
        "landlock",
        "seccompiler",
        "nix",
    ];
    let wrong = wrong_ways(&Graph::built(), &[(&["web", "service"], below)]);
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// `testkit` makes people up; the demonstration is the only product code that needs them.
#[test]
fn made_up_people_stay_in_tests_and_the_demonstration() {
    let graph = Graph::declared(&metadata());
    let users: Vec<&str> = names(EDGES)
        .into_iter()
        .filter(|from| graph.uses(from).any(|to| to == "testkit"))
        .collect();
    assert!(users.iter().all(|user| *user == "strongroom"), "{users:?}");
}

#[test]
fn the_rules_read_the_real_graph() {
    let graph = Graph::built();
    assert_eq!(
        graph.way("keeper", "sqlx"),
        Some(["keeper", "store", "sqlx"].map(str::to_owned).to_vec())
    );
    assert!(graph.way("worker", "duckdb").is_some());
    assert!(graph.way("frames", "polars").is_some());
    assert!(
        graph.way("linkage", "proptest").is_none(),
        "used in tests only"
    );
}

#[test]
fn a_tree_is_read_by_depth() {
    let graph = Graph::of_tree("0a v0.0.0 (x)\n1b v1\n2c v1\n1d v2\n\n0d v2\n1c v1 (*)\n");
    assert_eq!(graph.uses("a").collect::<Vec<_>>(), ["b", "d"]);
    assert_eq!(graph.uses("b").collect::<Vec<_>>(), ["c"]);
    assert_eq!(graph.uses("d").collect::<Vec<_>>(), ["c"]);
}

#[test]
fn a_forbidden_edge_is_found() {
    let mut graph = Graph::default();
    graph.add("governance", "store");
    graph.add("store", "governance");
    graph.add("governance", "serde");
    assert_eq!(wrong_edges(&graph, EDGES), ["governance uses store"]);
}

#[test]
fn a_heavy_crate_in_another_room_is_found() {
    let mut graph = Graph::default();
    graph.add("web", "sqlx");
    graph.add("store", "sqlx");
    assert_eq!(
        wrong_heavy(&graph, &names(EDGES), HIDDEN),
        ["web uses sqlx"]
    );
}

#[test]
fn a_way_through_somebody_elses_crate_is_found() {
    let mut graph = Graph::default();
    graph.add("linkage", "fast-thing");
    graph.add("fast-thing", "tokio");
    graph.add("tokio", "fast-thing");
    assert_eq!(
        wrong_ways(&graph, UNREACHABLE),
        ["linkage > fast-thing > tokio"]
    );
}
