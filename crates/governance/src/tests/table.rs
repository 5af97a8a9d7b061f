//! `Action::TABLE` against the rules: an action is possible in exactly the states that the table lists.

use std::collections::{BTreeMap, BTreeSet};

use super::tries::{Thing, begin, things, tries};
use crate::By;
use crate::action::{Action, Actor, STATES};
use crate::refusal::Refusal;

/// Acts of reading and publishing: no rule of this crate changes anything, so none is tried.
const READING: [Action; 16] = [
    Action::ViewRows,
    Action::ViewRecovery,
    Action::ViewBudget,
    Action::ViewMeasurement,
    Action::ViewJob,
    Action::ViewProject,
    Action::ViewOutput,
    Action::ViewPanelComments,
    Action::ViewCheckerComments,
    Action::ViewDelivery,
    Action::ViewPeople,
    Action::ViewLog,
    Action::ViewPosture,
    Action::PublishLog,
    Action::ViewCatalogue,
    Action::CountPeople,
];

/// Things by kind and state.
fn by_state() -> BTreeMap<(&'static str, &'static str), Vec<Thing>> {
    let mut by_state: BTreeMap<_, Vec<Thing>> = BTreeMap::new();
    for thing in things() {
        by_state
            .entry((thing.kind(), thing.state()))
            .or_default()
            .push(thing);
    }
    by_state
}

#[test]
fn every_action_is_possible_in_exactly_the_states_of_the_table() {
    let mut wrong = Vec::new();
    for row in Action::TABLE
        .iter()
        .filter(|r| !READING.contains(&r.action))
    {
        for ((kind, state), guises) in by_state() {
            if kind != row.kind {
                continue;
            }
            let results: Vec<_> = guises.iter().flat_map(|t| tries(row.action, t)).collect();
            let possible = results.iter().any(Result::is_ok);
            if possible != row.states.contains(&state) {
                wrong.push(format!("{} of {kind} {state}: {results:?}", row.word));
            }
            let in_the_way = |r: &Refusal| {
                matches!(r, Refusal::WrongState { action, kind: of, state: is }
                    if *action == row.word && *of == kind && *is == state)
            };
            let all_say_so = results.iter().all(|r| r.as_ref().is_err_and(in_the_way));
            if !possible && !all_say_so {
                wrong.push(format!("{} of {kind} {state}: {results:?}", row.word));
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn an_action_that_begins_something_acts_on_nothing_and_the_others_on_something() {
    for row in Action::TABLE
        .iter()
        .filter(|r| !READING.contains(&r.action))
    {
        let begins = begin(row.action);
        assert_eq!(begins.is_some(), row.states == ["-"], "{}", row.word);
        let of_kind: Vec<Thing> = things()
            .into_iter()
            .filter(|t| t.kind() == row.kind)
            .collect();
        let acts = of_kind.iter().any(|t| !tries(row.action, t).is_empty());
        assert_eq!(acts, begins.is_none(), "{}", row.word);
        if let Some(begun) = begins {
            assert_eq!(begun.unwrap().1.action(), row.action);
        }
    }
}

#[test]
fn an_action_acts_on_its_own_kind_alone_and_tells_itself() {
    for row in Action::TABLE {
        for thing in things() {
            let results = tries(row.action, &thing);
            assert!(
                results.is_empty() || thing.kind() == row.kind,
                "{}",
                row.word
            );
            for (_, event) in results.into_iter().flatten() {
                // A query changes no workspace: what is told is the job that it begins.
                let told = match row.action {
                    Action::RunQuery => Action::QueueJob,
                    action => action,
                };
                assert_eq!(event.action(), told);
            }
        }
    }
}

#[test]
fn there_is_a_sample_of_every_state_and_no_other_state() {
    let listed: BTreeSet<_> = STATES
        .iter()
        .flat_map(|(kind, states)| states.iter().map(move |state| (*kind, *state)))
        .collect();
    let sampled: BTreeSet<_> = by_state().into_keys().collect();
    assert_eq!(sampled, listed);
}

/// Words of the function that names the states, as the source has them.
fn words(source: &str) -> BTreeSet<&str> {
    let body = source
        .split_once("fn state(&self) -> &'static str {")
        .unwrap()
        .1;
    let body = body.split_once("\n    }\n").unwrap().0;
    body.split('"').skip(1).step_by(2).collect()
}

/// A new state that nobody listed would be tried by no test.
#[test]
fn every_state_that_a_source_names_is_listed() {
    let sources = BTreeMap::from([
        ("person", include_str!("../person.rs")),
        ("dataset", include_str!("../dataset.rs")),
        ("delivery", include_str!("../delivery.rs")),
        ("project", include_str!("../project/state.rs")),
        ("indexing", include_str!("../indexing.rs")),
        ("extract", include_str!("../extract.rs")),
        ("workspace", include_str!("../workspace.rs")),
        ("recovery", include_str!("../recovery.rs")),
        ("output", include_str!("../output/state.rs")),
        ("job", include_str!("../job.rs")),
        ("keeper_refusal", include_str!("../keeper_refusal.rs")),
        ("budget", include_str!("../measure/budget.rs")),
        ("measurement", include_str!("../measure/state.rs")),
    ]);
    let named: BTreeMap<_, _> = sources.iter().map(|(kind, s)| (*kind, words(s))).collect();
    let listed: BTreeMap<_, BTreeSet<&str>> = STATES
        .iter()
        .map(|(kind, states)| (*kind, states.iter().copied().collect()))
        .collect();
    assert_eq!(named, listed);
}

#[test]
fn every_state_of_the_table_exists_and_every_action_occurs_once() {
    let mut words = BTreeSet::new();
    let listed: BTreeMap<_, _> = STATES.iter().copied().collect();
    for row in Action::TABLE {
        assert!(words.insert(row.word), "{} twice", row.word);
        assert_eq!(row.action.row().word, row.word);
        let json = serde_json::to_string(&row.action).unwrap();
        assert_eq!(json, format!("\"{}\"", row.word));
        for state in row.states.iter().filter(|state| **state != "-") {
            assert!(listed[row.kind].contains(state), "{} {state}", row.word);
        }
        let unique: BTreeSet<_> = row.states.iter().collect();
        assert_eq!(unique.len(), row.states.len(), "{}", row.word);
        assert!(!row.states.is_empty());
    }
    for action in READING {
        assert_eq!(action.row().actor, Actor::Person);
    }
}

/// Reading is a matter of the site's policy alone, so it must be possible in every state.
#[test]
fn what_is_read_can_be_read_in_every_state() {
    let listed: BTreeMap<_, _> = STATES.iter().copied().collect();
    for action in [
        Action::ViewProject,
        Action::ViewOutput,
        Action::ViewJob,
        Action::ViewBudget,
        Action::ViewMeasurement,
        Action::ViewRecovery,
    ] {
        let row = action.row();
        assert_eq!(row.states, listed[row.kind]);
    }
}

/// What the keeper found or the sweeper ended is never put down to a person, nor an act to nobody.
#[test]
fn people_are_told_by_their_id_and_the_safe_haven_as_itself() {
    for row in Action::TABLE {
        let began = begin(row.action).into_iter();
        let all = things();
        let results = began.chain(all.iter().flat_map(|t| tries(row.action, t)));
        for (_, event) in results.flatten() {
            match row.actor {
                Actor::System => assert_eq!(*event.by(), By::System, "{}", row.word),
                Actor::Person => assert!(matches!(event.by(), By::Person(_)), "{}", row.word),
            }
        }
    }
}
