use std::fs;
use std::path::Path;

use clap::Parser;

use super::*;
use crate::files::LINKAGE;

#[derive(Debug, Parser)]
struct Line {
    #[command(flatten)]
    args: Args,
}

fn shipped() -> Policies {
    Policies::load(None).unwrap()
}

/// A folder with the shipped policies.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let policies = shipped();
    for name in policies.hashes().keys() {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, policies.text(name)).unwrap();
    }
    folder
}

fn parse(words: &[&str]) -> Result<Args, clap::Error> {
    Line::try_parse_from([&["x"], words].concat()).map(|line| line.args)
}

/// What `check` says of a folder.
fn checked(folder: &Path) -> Result<String, Problem> {
    let args = parse(&["check", "--policies", folder.to_str().unwrap()]).unwrap();
    let Act::Check(args) = args.act else {
        panic!("not check")
    };
    Ok(check(&args.policies.load()?))
}

#[test]
fn every_file_is_listed_with_its_hash_as_sha256sum_writes_it() {
    let folder = folder();
    let text = checked(folder.path()).unwrap();
    assert_eq!(text, check(&shipped()));
    for name in [
        PROFILES[0],
        PROFILES[1],
        LINKAGE,
        "access/policies.cedar",
        "tiers.toml",
    ] {
        let line = text
            .lines()
            .find(|line| line.ends_with(&format!("  {name}")));
        let bytes = fs::read(folder.path().join(name)).unwrap();
        let hash = hex::encode(audit_log::sha256(&bytes));
        assert_eq!(line, Some(format!("{hash}  {name}").as_str()));
    }
}

#[test]
fn a_file_that_cannot_be_used_is_named_and_nothing_is_listed() {
    let spoil = |name: &str, from: &str, to: &str, words: &str| {
        let folder = folder();
        let path = folder.path().join(name);
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "{name} has no {from}");
        fs::write(&path, text.replace(from, to)).unwrap();
        let problem = checked(folder.path()).unwrap_err();
        assert_eq!(problem.code, 2);
        assert!(problem.text.contains(words), "{problem}");
    };
    spoil(
        "tiers.toml",
        "quorum_one = 3",
        "quorum_one = 2",
        "cannot be below three",
    );
    spoil(
        "limits.toml",
        "page = 200",
        "pages = 200",
        "policies/limits.toml",
    );
    spoil(
        "disclosure/default.toml",
        "[threshold]",
        "[thresholds]",
        "policies/disclosure/default.toml",
    );
    spoil(
        "sandbox/sql.toml",
        "seccomp = \"required\"",
        "seccomp = \"wanted\"",
        "policies/sandbox/sql.toml: the sandbox profile makes seccomp optional",
    );
    spoil(
        "sandbox/job.toml",
        "threads = 4",
        "threads = 0",
        "policies/sandbox/job.toml",
    );
    spoil(LINKAGE, "=", "", "policies/linkage/standard.toml");
    spoil(
        LINKAGE,
        "pairs_max",
        "pears_max",
        "policies/linkage/standard.toml cannot be used: unknown field `pears_max`",
    );
}

#[test]
fn the_explanation_says_numbers_and_what_is_off() {
    let text = explain(&shipped()).unwrap();
    for words in [
        "a cell with 1 to 9 people behind it is unsafe; 10 people are enough",
        "[dominance] on: the 2 largest contributions may make up at most 90 %",
        "[rounding] off",
        "Tier one needs 3 votes, tier two 3",
        "more than 24 months",
        "Sandbox profile sql",
        "Sandbox profile job",
        "separate_user, memory_cgroup, no_swap, landlock_scopes",
        "60 s of time",
    ] {
        assert!(text.contains(words), "no {words:?} in:\n{text}");
    }
}

#[test]
fn one_disclosure_policy_is_explained_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mine.toml");
    fs::write(
        &path,
        "name = \"mine\"\n[threshold]\nminimum = 7\nzero = \"safe\"\n",
    )
    .unwrap();
    let said = disclosure_policy(&path).unwrap().explain();
    assert!(
        said.contains("policy mine") && said.contains("1 to 6 people"),
        "{said}"
    );
    fs::write(
        &path,
        "name = \"mine\"\n[threshold]\nminimum = 7\n[round]\nbase = 5\n",
    )
    .unwrap();
    let problem = disclosure_policy(&path).unwrap_err();
    assert!(
        problem
            .text
            .contains("the policy format has no key named round"),
        "{problem}"
    );
    let both = ["explain", "--policies", "a", "--policy", "b"];
    assert!(parse(&both).is_err());
}
