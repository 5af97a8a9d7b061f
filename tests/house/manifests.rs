//! Rules over manifests and the lock file.

use std::fs;
use std::path::Path;

use cargo_metadata::Package;

use crate::house::graph;
use crate::support;

/// What is wrong with a crate's manifest.
fn wrong_manifest(package: &Package, root: &Path, text: &str) -> Vec<String> {
    let name = package.name.as_str();
    let folder = match name {
        "strongroom-tests" => root.join("tests"),
        _ => root.join("crates").join(name),
    };
    let mut wrong = Vec::new();
    let mut must = |holds: Option<()>, rule: &str| {
        if holds.is_none() {
            wrong.push(format!("{name}: {rule}"));
        }
    };
    let when = |condition: bool| condition.then_some(());
    must(
        when(package.manifest_path.as_std_path() == folder.join("Cargo.toml")),
        "the folder is named after the crate",
    );
    must(
        when(package.version.to_string() == "0.0.0"),
        "the version is 0.0.0",
    );
    must(
        when(package.publish.as_ref().is_some_and(Vec::is_empty)),
        "it is never published",
    );
    must(
        when(package.edition.to_string() == "2024"),
        "the edition is 2024",
    );
    must(
        when(package.targets.iter().all(|t| !t.is_lib() || !t.doctest)),
        "examples in documentation are off, since the test runner leaves them out",
    );
    let lints = text
        .parse::<toml::Table>()
        .ok()
        .and_then(|manifest| manifest.get("lints")?.get("workspace")?.as_bool());
    must(when(lints == Some(true)), "it takes the workspace's lints");
    wrong
}

fn wrong_lock(lock: &str) -> Vec<&str> {
    lock.lines()
        .filter_map(|line| line.strip_prefix("source = "))
        .filter(|source| *source != "\"registry+https://github.com/rust-lang/crates.io-index\"")
        .collect()
}

#[test]
fn every_crate_keeps_the_house_rules_for_manifests() {
    let root = support::root();
    let mut wrong = Vec::new();
    for package in graph::metadata().workspace_packages() {
        let text = fs::read_to_string(&package.manifest_path).unwrap();
        wrong.extend(wrong_manifest(package, &root, &text));
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn a_manifest_that_breaks_every_rule_is_found() {
    let metadata = graph::metadata();
    let mut package = (*metadata.workspace_packages()[0]).clone();
    package.version = "1.2.3".parse().unwrap();
    package.publish = None;
    package.edition = cargo_metadata::Edition::E2021;
    for target in &mut package.targets {
        target.doctest = true;
    }
    let lib = package.targets.iter().any(cargo_metadata::Target::is_lib);
    let wrong = wrong_manifest(&package, Path::new("/elsewhere"), "[lints]\n");
    assert_eq!(wrong.len(), if lib { 6 } else { 5 }, "{wrong:#?}");
}

#[test]
fn every_crate_of_others_comes_from_the_public_registry() {
    let lock = fs::read_to_string(support::root().join("Cargo.lock")).unwrap();
    assert!(lock.contains("source = "));
    assert_eq!(wrong_lock(&lock), Vec::<&str>::new());
}

#[test]
fn a_crate_from_elsewhere_is_found() {
    let lock = "name = \"x\"\nsource = \"git+https://example.org/x#1\"\n";
    assert_eq!(wrong_lock(lock), ["\"git+https://example.org/x#1\""]);
}
