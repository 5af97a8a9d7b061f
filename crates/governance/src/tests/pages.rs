//! The page of lifecycles, drawn from the transitions themselves.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::Path;

use super::tries::{begin, things, tries};
use crate::action::{Action, STATES};

const HEAD: &str = "# Lifecycles\n\n\
    Every kind of thing, its states, and the acts that move it. Drawn by a test from the rules themselves\n\
    (`crates/governance`): each arrow is a transition that the rules made. Written by `cargo xtask docs`.\n\
    Who may do what stands in [permissions](permissions.md).\n";

/// What a lifecycle is about, in a sentence.
fn about(kind: &str) -> &'static str {
    match kind {
        "person" => "Retiring ends every right at once; a retired person does not come back.",
        "dataset" => {
            "Without a controller's standing instruction nothing of a dataset is delivered. An instruction \
             also ends by itself the day after its last day."
        }
        "delivery" => {
            "Identifiers first, then payload by another person. A spine or an objection list is complete \
             with its identifiers."
        }
        "project" => {
            "One application, decided on version by version. Access begins with `in_force` and ends with \
             it: on the last day, or when it is revoked or closed."
        }
        "indexing" => {
            "The records of one delivery, linked to the spine for one project. Where a clerical review was ordered, \
             two indexers judge the same pairs of records, each without the other's answers, and a third those on \
             which they differ; then the records are linked again with what was settled. Until then there is no link."
        }
        "extract" => "The approved columns and rows of one project. A failed one is ordered again.",
        "workspace" => {
            "Where a project's people query their extract. Queries run while it is open."
        }
        "recovery" => {
            "Two people, an administrator who asks and a data steward or controller who confirms, open what \
             somebody who left kept in a workspace, for a while. Statements are read and handed to somebody of \
             the project, and so are outputs; never a row. It ends by itself, and with the project."
        }
        "output" => {
            "A table on its way out. The bytes that leave are the bytes that two output checkers, who are \
             not on the project, approved."
        }
        "job" => {
            "What the keeper is asked to do. A queued one runs while somebody holds a lease on it \
             (`lease_s` in policies/limits.toml). One that misses its deadline fails."
        }
        "budget" => {
            "How much may be learnt of a dataset's people, for life. A copy joins the budget of the first and \
             has no accounts of its own. An exact release over the same people ends the statement of \
             differential privacy; the accounts go on."
        }
        "measurement" => {
            "One question put to one snapshot under differential privacy. Its price is held from `reserved` on. \
             No data is opened before `running`; from there on it is charged, whatever becomes of it. An \
             answer whose groups were found in the data is `under_review` until an output checker has looked at \
             their labels. A `released` answer is given again at no charge; one that was `withheld` is not drawn \
             again."
        }
        "keeper_refusal" => {
            "Something that the keeper was asked for and refused, because the store holds no decision for it."
        }
        other => panic!("say what a {other} is about"),
    }
}

/// Arrows of a lifecycle: from, to, and the acts that go there.
fn arrows(kind: &str) -> BTreeMap<(&'static str, &'static str), BTreeSet<&'static str>> {
    let mut arrows: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
    for row in Action::TABLE.iter().filter(|row| row.kind == kind) {
        let began = begin(row.action).map(|done| ("[*]", done));
        let moved = things()
            .into_iter()
            .filter(|thing| thing.kind() == kind)
            .flat_map(|thing| {
                let from = thing.state();
                tries(row.action, &thing)
                    .into_iter()
                    .map(move |done| (from, done))
            });
        for (from, done) in began.into_iter().chain(moved) {
            if let Ok((to, _)) = done {
                arrows.entry((from, to)).or_default().insert(row.word);
            }
        }
    }
    arrows
}

fn page() -> String {
    let mut page = HEAD.to_owned();
    for (kind, states) in STATES {
        let arrows = arrows(kind);
        let _ = write!(
            page,
            "\n## {kind}\n\n{}\n\n```mermaid\nstateDiagram-v2\n",
            about(kind)
        );
        let order: Vec<&str> = std::iter::once("[*]")
            .chain(states.iter().copied())
            .collect();
        for from in &order {
            for to in &order {
                if let Some(words) = arrows.get(&(*from, *to)) {
                    let words: Vec<&str> = words.iter().copied().collect();
                    let _ = writeln!(page, "    {from} --> {to}: {}", words.join(", "));
                }
            }
        }
        for last in states
            .iter()
            .filter(|s| !arrows.keys().any(|(from, _)| from == *s))
        {
            let _ = writeln!(page, "    {last} --> [*]");
        }
        page.push_str("```\n");
    }
    page
}

#[test]
fn reference_page_lifecycles() {
    let path = Path::new(&std::env::var("CARGO_MANIFEST_DIR").unwrap())
        .join("../../docs/reference/lifecycles.md");
    let page = page();
    if std::env::var_os("STRONGROOM_WRITE_PAGES").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, &page).unwrap();
    }
    let held = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        held == page,
        "docs/reference/lifecycles.md is out of date: run `cargo xtask docs`"
    );
}

#[test]
fn every_state_is_reached_by_some_transition() {
    for (kind, states) in STATES {
        let reached: BTreeSet<&str> = arrows(kind).keys().map(|(_, to)| *to).collect();
        for state in *states {
            assert!(reached.contains(state), "{kind} is never {state}");
        }
    }
}

/// An output leaves by review alone.
#[test]
fn one_arrow_leads_to_released_and_one_to_in_force() {
    let into = |kind, state| {
        arrows(kind)
            .into_iter()
            .filter(|((from, to), _)| *to == state && *from != state)
            .map(|((from, _), words)| (from, words.into_iter().collect::<Vec<_>>()))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        into("output", "released"),
        [("approved", vec!["release_output"])]
    );
    assert_eq!(
        into("project", "in_force"),
        [("approved", vec!["commence_project"])]
    );
}
