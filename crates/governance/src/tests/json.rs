//! What the store holds reads back as it was written, and nothing else reads at all.

use super::samples as s;
use super::tries::{Thing, things};
use crate::{Batch, Event, Lifecycle};
use serde::Deserialize;
use serde::de::DeserializeOwned;

fn round_trip<S: Lifecycle + PartialEq + std::fmt::Debug>(value: &S) {
    let json = serde_json::to_string(value).unwrap();
    let back: S = serde_json::from_str(&json).unwrap();
    assert_eq!(back, *value);
    assert_eq!(serde_json::to_string(&back).unwrap(), json);
    must_not_read::<S>(&json);
}

/// A field that the rules do not know could be one that they would have to obey.
fn must_not_read<S: DeserializeOwned>(json: &str) {
    let more = json.replacen('{', "{\"unheard_of\":1,", 1);
    assert!(serde_json::from_str::<S>(&more).is_err(), "{more}");
}

#[test]
fn every_state_reads_back_as_it_was_written() {
    for thing in things() {
        match &thing {
            Thing::Person(x) => round_trip(x),
            Thing::Dataset(x) => round_trip(x),
            Thing::Delivery(x) => round_trip(x),
            Thing::Project(x) => round_trip(x),
            Thing::Indexing(x) => round_trip(x),
            Thing::Extract(x) => round_trip(x),
            Thing::Workspace(x) => round_trip(x),
            Thing::Recovery(x) => round_trip(x),
            Thing::Output(x) => round_trip(x.as_ref()),
            Thing::Job(x) => round_trip(x),
            Thing::KeeperRefusal(x) => round_trip(x),
            Thing::Budget(x) => round_trip(x),
            Thing::Measurement(x) => round_trip(x),
        }
    }
}

#[test]
fn an_event_reads_back_as_it_was_written() {
    let change = s::submit(s::draft(), s::hash('a')).unwrap();
    let json = serde_json::to_string(change.event()).unwrap();
    assert_eq!(
        serde_json::from_str::<Event>(&json).unwrap(),
        *change.event()
    );
}

#[test]
fn a_batch_holds_state_version_and_event_of_each_change_in_order() {
    let batch = Batch::new()
        .begin(crate::project::Project::start(
            s::id("prj_1"),
            &s::who(s::AUTHOR),
            s::now(),
        ))
        .unwrap()
        .change(4, s::submit(s::draft(), s::hash('a')).unwrap())
        .unwrap();
    let told: Vec<_> = batch
        .changes()
        .iter()
        .map(|c| (c.expected(), c.state(), c.event().object()))
        .collect();
    assert_eq!(
        told,
        [(None, "draft", "prj_1"), (Some(4), "submitted", "prj_1")]
    );
    #[derive(Deserialize)]
    struct Tag {
        state: String,
    }
    for change in batch.changes() {
        let tag: Tag = serde_json::from_str(change.json()).unwrap();
        assert_eq!(tag.state, change.state());
    }
}

#[test]
fn only_ids_of_the_right_form_are_ids() {
    for good in ["per_a", "per_a-1", "per_0123456789"] {
        assert!(good.parse::<crate::PersonId>().is_ok(), "{good}");
    }
    let long = format!("per_{}", "a".repeat(41));
    for bad in [
        "", "per_", "prj_a", "per_A", "per_a b", "per_é", "per_../x", &long,
    ] {
        assert!(bad.parse::<crate::PersonId>().is_err(), "{bad}");
        let json = serde_json::to_string(bad).unwrap();
        assert!(serde_json::from_str::<crate::PersonId>(&json).is_err());
    }
    for bad in ["", "abc", &"A".repeat(64), &"a".repeat(63), &"g".repeat(64)] {
        assert!(crate::Sha256::try_from(bad.to_owned()).is_err(), "{bad}");
    }
}
