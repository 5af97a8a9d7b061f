//! Rules over the documents and the policies: what they say must be there.

use std::collections::BTreeMap;
use std::fs;

use crate::house::graph::EDGES;
use crate::support::{self, Source};

fn page(path: &str) -> String {
    fs::read_to_string(support::root().join(path)).unwrap_or_else(|why| panic!("{path}: {why}"))
}

/// The text between back ticks, in order.
fn ticked(text: &str) -> Vec<&str> {
    text.split('`').skip(1).step_by(2).collect()
}

/// The part of a page under one heading.
fn section<'a>(page: &'a str, heading: &str) -> &'a str {
    let after = page.split_once(heading).map_or("", |(_, after)| after);
    after.split("\n## ").next().unwrap_or_default()
}

/// The code map: each crate with the crates that it may use.
fn code_map(page: &str) -> BTreeMap<String, Vec<String>> {
    let owned = |names: Vec<&str>| names.into_iter().map(str::to_owned).collect::<Vec<_>>();
    section(page, "\n## Code map\n")
        .lines()
        .filter(|line| line.starts_with("| `"))
        .map(|line| {
            let cells: Vec<&str> = line.split('|').map(str::trim).collect();
            let uses = cells.get(3).copied().unwrap_or_default();
            (ticked(cells[1])[0].to_owned(), owned(ticked(uses)))
        })
        .collect()
}

#[test]
fn the_code_map_is_the_table_of_edges() {
    let table = EDGES
        .iter()
        .map(|(name, uses)| {
            let mut uses: Vec<String> = uses.iter().map(|u| (*u).to_owned()).collect();
            uses.sort();
            ((*name).to_owned(), uses)
        })
        .collect::<BTreeMap<_, _>>();
    let mut map = code_map(&page("docs/ARCHITECTURE.md"));
    map.values_mut().for_each(|uses| uses.sort());
    assert_eq!(map, table);
}

#[test]
fn a_line_of_the_code_map_is_read() {
    let page = "# x\n\n## Code map\n\n| crate | room | uses |\n|---|---|---|\n\
                | `store` | the `sqlx` room | `governance`, `audit-log` |\n\n## Next\n\n| `no` | | |\n";
    let map = code_map(page);
    assert_eq!(map.keys().collect::<Vec<_>>(), ["store"]);
    assert_eq!(map["store"], ["governance", "audit-log"]);
}

/// Tests that the section of invariants names and that no source has.
fn missing_tests(page: &str, sources: &[Source]) -> Vec<String> {
    ticked(section(page, "\n## Invariants\n"))
        .into_iter()
        .filter(|word| {
            word.contains('_') && word.chars().all(|c| c.is_ascii_lowercase() || c == '_')
        })
        .filter(|name| {
            let function = format!("fn {name}(");
            !sources.iter().any(|source| source.text.contains(&function))
        })
        .map(str::to_owned)
        .collect()
}

#[test]
fn every_invariant_names_a_test_that_exists() {
    let page = page("docs/ARCHITECTURE.md");
    let sources = support::sources(&["crates", "tests"], &[".rs"]);
    assert_eq!(missing_tests(&page, &sources), Vec::<String>::new());
    let unbacked: Vec<&str> = section(&page, "\n## Invariants\n")
        .lines()
        .filter(|line| line.starts_with("- ") && !line.contains("_"))
        .collect();
    assert_eq!(unbacked, Vec::<&str>::new());
}

#[test]
fn an_invariant_without_its_test_is_found() {
    let page = "\n## Invariants\n\n- a `fn_that_is` and a `fn_that_is_not`, in `linkage`\n";
    let sources = [Source::new("x.rs", "fn fn_that_is() {}\n")];
    assert_eq!(missing_tests(page, &sources), ["fn_that_is_not"]);
}

/// What the threat model says cannot be done, each with the tests that it names.
fn cannots(page: &str) -> Vec<(&str, Vec<&str>)> {
    page.lines()
        .filter(|line| line.starts_with("- Cannot "))
        .map(|line| {
            let word = |w: &&str| {
                w.contains('_')
                    && w.chars()
                        .all(|c| c.is_ascii_lowercase() || c == '_' || c.is_ascii_digit())
            };
            (line, ticked(line).into_iter().filter(word).collect())
        })
        .collect()
}

/// Lines of the threat model whose test is missing. What no test can show says that it is an arrangement.
fn unbacked(page: &str, sources: &[Source]) -> Vec<String> {
    let mut wrong = Vec::new();
    for (line, tests) in cannots(page) {
        if tests.is_empty() && !line.contains("an arrangement") {
            wrong.push(format!("no test: {line}"));
        }
        for test in tests {
            let function = format!("fn {test}(");
            if !sources.iter().any(|source| source.text.contains(&function)) {
                wrong.push(format!("no such test: {test}"));
            }
        }
    }
    wrong
}

#[test]
fn every_cannot_of_the_threat_model_names_a_test_that_exists() {
    let page = page("docs/THREAT-MODEL.md");
    let sources = support::sources(&["crates", "tests"], &[".rs"]);
    assert!(cannots(&page).len() > 30, "the page is read");
    assert_eq!(unbacked(&page, &sources), Vec::<String>::new());
    for who in [
        "A stranger on the network",
        "A worker",
        "The research desk",
        "The indexing desk",
        "The keeper",
        "The supervisor",
        "Whoever is root on the machine",
        "A lost backup",
    ] {
        let section = section(&page, &format!("\n## {who}\n"));
        assert!(
            section.contains("\n- Can ") && section.contains("\n- Cannot "),
            "{who}"
        );
    }
}

#[test]
fn a_cannot_without_its_test_is_found() {
    let page = "- Can x.\n- Cannot y: `a_test`.\n- Cannot z: `no_test`.\n- Cannot w.\n\
                - Cannot v: an arrangement.\n";
    let sources = [Source::new("x.rs", "fn a_test() {}\n")];
    assert_eq!(
        unbacked(page, &sources),
        ["no such test: no_test", "no test: - Cannot w."]
    );
}

#[test]
fn the_architecture_stays_readable_in_one_sitting() {
    assert!(page("docs/ARCHITECTURE.md").lines().count() <= 200);
}

/// What is wrong with a decision record.
fn wrong_record(record: &Source) -> Vec<String> {
    let mut wrong = Vec::new();
    for heading in [
        "\n## Context\n",
        "\n## Options\n",
        "\n## Choice\n",
        "\n## Consequences\n",
    ] {
        if !record.text.contains(heading) {
            wrong.push(format!("{}: no{}", record.path, heading.trim_end()));
        }
    }
    if record.text.lines().count() > 60 {
        wrong.push(format!("{}: too long", record.path));
    }
    wrong
}

#[test]
fn every_decision_record_is_complete_short_and_numbered_once() {
    let records = support::sources(&["docs/adr"], &[".md"]);
    let wrong: Vec<String> = records.iter().flat_map(wrong_record).collect();
    assert_eq!(wrong, Vec::<String>::new());
    let numbers: Vec<usize> = records
        .iter()
        .map(|r| {
            r.path["docs/adr/".len()..][..4]
                .parse()
                .expect("four digits")
        })
        .collect();
    assert_eq!(numbers, (0..records.len()).collect::<Vec<_>>());
}

#[test]
fn a_record_without_consequences_is_found() {
    let record = Source::new(
        "0001-x.md",
        "# X\n\n## Context\n\n## Options\n\n## Choice\n\nY.\n",
    );
    assert_eq!(wrong_record(&record), ["0001-x.md: no\n## Consequences"]);
}

#[test]
fn the_changelog_has_a_place_for_what_is_not_released() {
    assert!(page("CHANGELOG.md").contains("\n## Unreleased\n"));
}

/// Keys of a policy that no comment explains, in their own line or in the one above.
fn unexplained(policy: &Source) -> Vec<String> {
    let mut above = "";
    let mut found = Vec::new();
    for line in policy.text.lines() {
        let key = line.split_once('=').map(|(key, _)| key.trim());
        let plain = |key: &str| {
            key.chars()
                .all(|c| c.is_ascii_alphanumeric() || "_-.\"".contains(c))
        };
        if let Some(key) = key.filter(|key| plain(key))
            && !line.contains('#')
            && !above.starts_with('#')
        {
            found.push(format!("{}: {key}", policy.path));
        }
        above = line;
    }
    found
}

#[test]
fn every_policy_is_toml_is_explained_and_is_listed() {
    let listed = page("policies/README.md");
    let policies = support::sources(&["policies"], &[".toml", ".cedar", ".cedarschema"]);
    assert!(!policies.is_empty());
    for policy in &policies {
        let name = policy.path.strip_prefix("policies/").unwrap();
        assert!(
            listed.contains(&format!("`{name}`")),
            "policies/README.md does not list {name}"
        );
        if name.ends_with(".toml") {
            if let Err(why) = policy.text.parse::<toml::Table>() {
                panic!("{}: {}", policy.path, why.message());
            }
            assert_eq!(unexplained(policy), Vec::<String>::new());
        }
    }
}

#[test]
fn a_key_without_a_comment_is_found() {
    let policy = Source::new(
        "p.toml",
        "# Why.\nname = \"x\"\n\n[limits]\n# Why.\na = 1\n\nb = 2\n",
    );
    assert_eq!(unexplained(&policy), ["p.toml: b"]);
}

#[test]
fn every_workspace_image_is_toml() {
    for image in support::sources(&["workspace-images"], &[".toml"]) {
        if let Err(why) = image.text.parse::<toml::Table>() {
            panic!("{}: {}", image.path, why.message());
        }
    }
}

#[test]
fn the_tiers_that_a_site_starts_with_keep_the_floor() {
    let tiers: governance::request::TierPolicy =
        toml::from_str(&page("policies/tiers.toml")).expect("every field, and no other");
    tiers.validate().expect("no quorum under three");
}

#[test]
fn tiers_with_a_quorum_of_two_or_an_unknown_field_are_refused() {
    let text = page("policies/tiers.toml");
    let low = text.replace("quorum_one = 3", "quorum_one = 2");
    assert_ne!(low, text);
    let tiers: governance::request::TierPolicy = toml::from_str(&low).unwrap();
    assert!(tiers.validate().is_err());
    let more = format!("{text}\nquorum_three = 3\n");
    assert!(toml::from_str::<governance::request::TierPolicy>(&more).is_err());
}

/// The one place where a build gets its DuckDB and the one that a workspace is promised are the same bytes.
#[test]
fn the_pinned_duckdb_is_the_one_of_the_workspace_image() {
    let image: toml::Table = page("workspace-images/sql/image.toml").parse().unwrap();
    let sha256 = image["library"][0]["sha256"].as_str().unwrap();
    assert!(page("crates/xtask/src/setup.rs").contains(&format!("\"{sha256}\"")));
}
