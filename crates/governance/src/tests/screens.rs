//! Screens that show checked results: what is shown is in the register, in the record that ends the query.

use super::samples::*;
use crate::job::{Comparison, Job, Outcome};
use crate::{Action, Fact, InRegister, Lifecycle, Refusal};

fn verdict(word: &str) -> Outcome {
    Outcome {
        verdict: Some(word.into()),
        ..Outcome::default()
    }
}

#[test]
fn what_is_new_to_a_screen_becomes_an_entry_and_what_is_known_does_not() {
    let new = screen_compared(2);
    let change = screen()
        .show(safe(), new.clone(), register(2), now())
        .unwrap();
    assert_eq!(change.to().state(), "shown");
    let shown = change.to().shown().unwrap();
    assert_eq!(
        (shown.at, Some(&shown.people)),
        (now(), new.people.as_ref())
    );
    assert_eq!(change.event().action(), Action::FinishJob);
    let facts = change.event().facts();
    assert_eq!(facts["verdict"], Fact::from("pass"));
    assert_eq!(facts["compared_with"], Fact::Count(2));
    assert_eq!(facts["compared_with_screens"], Fact::Count(0));
    assert_eq!(facts["register"], Fact::from("new"));

    let known = Comparison {
        people: None,
        ..new
    };
    let change = screen().show(safe(), known, register(2), now()).unwrap();
    assert_eq!(change.to().state(), "done");
    assert_eq!(change.to().shown(), None);
    assert_eq!(change.event().facts()["register"], Fact::from("known"));
}

/// Every way in which the register may have moved on since the comparison, or never was where it is said to be.
#[test]
fn nothing_is_shown_that_was_not_compared_with_the_register_as_it_is() {
    let compared = Comparison {
        with: InRegister {
            outputs: 2,
            screens: 3,
        },
        ..screen_compared(0)
    };
    for outputs in 1..=3 {
        for screens in 2..=4 {
            let there = InRegister { outputs, screens };
            let shown = screen().show(safe(), compared.clone(), there, now());
            match there == compared.with {
                true => assert!(shown.is_ok()),
                false => assert_eq!(shown.unwrap_err(), Refusal::NotCompared, "{there:?}"),
            }
        }
    }
}

#[test]
fn a_screen_ends_without_a_comparison_only_where_it_shows_nothing() {
    for (word, shows) in [
        ("pass", true),
        ("treat", true),
        ("review", false),
        ("fail", false),
    ] {
        let ended = screen().finish(verdict(word), now());
        match shows {
            true => assert_eq!(ended.unwrap_err(), Refusal::NotCompared, "{word}"),
            false => assert_eq!(ended.unwrap().to().state(), "done", "{word}"),
        }
    }
    // A check shows nothing by itself.
    assert!(queued().finish(verdict("pass"), now()).is_ok());
}

#[test]
fn nothing_but_a_query_in_time_for_a_checked_result_is_shown() {
    let show = |job: Job, at| job.show(safe(), screen_compared(0), register(0), at);
    assert!(matches!(
        show(queued(), now()).unwrap_err(),
        Refusal::NotApproved(_)
    ));
    let late = screen()
        .core()
        .deadline
        .checked_add(std::time::Duration::from_secs(1));
    assert_eq!(
        show(screen(), late.unwrap()).unwrap_err(),
        Refusal::Deadline
    );
    let shown = to(show(screen(), now()));
    assert!(matches!(
        show(shown, now()).unwrap_err(),
        Refusal::WrongState { .. }
    ));
}
