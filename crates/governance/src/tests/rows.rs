//! Rows on the screen: asked for, agreed to by every controller, and shown on a locked desktop only.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::samples::*;
use crate::desktop::{DesktopNetworks, NETWORKS_MAX};
use crate::job::{Job, Screen, Statement, Task};
use crate::project::{Condition, InForce, PanelVerdict, Project, SignatureVerdict};
use crate::request::{TierPolicy, View};
use crate::workspace::Workspace;
use crate::{By, Fact, Refusal};

use SignatureVerdict::{Declined, Signed};

/// Three votes are enough, so that the panel of the samples can decide.
fn policy() -> TierPolicy {
    TierPolicy {
        quorum_two: 3,
        ..tiers()
    }
}

/// The samples' application, asking for rows, with these words of its two controllers and these conditions.
fn decided(
    words: [Option<SignatureVerdict>; 2],
    conditions: &[Condition],
) -> Result<Project, Refusal> {
    let mut asked = request();
    asked.view = View::Rows;
    let submitted = draft().submit(
        asked,
        hash('a'),
        &datasets(),
        &policy(),
        &who(AUTHOR),
        now(),
    );
    let mut project = to(submitted);
    for (name, word) in ["a", "b"].into_iter().zip(words) {
        if let Some(word) = word {
            project = to(sign(project, name, word));
        }
    }
    for by in PANEL {
        project = vote(project, by, PanelVerdict::Approve, conditions.to_vec())?
            .to()
            .clone();
    }
    let approved = project.approve(&policy(), &who("chair"), now())?;
    Ok(approved.to().clone())
}

fn live_with(view: View) -> InForce {
    let conditions = match view {
        View::Rows => Vec::new(),
        View::Aggregates => vec![Condition::AggregatesOnly {}],
    };
    let approved = decided([Some(Signed); 2], &conditions).unwrap();
    let project = to(commence(approved));
    project.in_force(crate::Action::RunQuery).unwrap().clone()
}

fn networks() -> DesktopNetworks {
    DesktopNetworks::parse(&["10.20.0.0/16".into(), "2001:db8:7::/48".into()]).unwrap()
}

fn address(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn rows() -> Screen {
    Screen::Rows {
        desktop: networks().admit(address("10.20.3.4")).unwrap(),
    }
}

#[test]
fn rows_are_approved_only_with_the_yes_of_every_controller() {
    let words = [None, Some(Declined), Some(Signed)];
    for a in words {
        for b in words {
            let decided = decided([a, b], &[]);
            let all = [a, b] == [Some(Signed); 2];
            assert_eq!(decided.is_ok(), all, "{a:?} {b:?}: {decided:?}");
        }
    }
    assert_eq!(live_with(View::Rows).manifest.view, View::Rows);
}

#[test]
fn one_panel_member_who_asks_for_checked_results_only_has_them() {
    assert_eq!(live_with(View::Aggregates).manifest.view, View::Aggregates);
}

#[test]
fn a_screen_shows_rows_only_where_approval_and_workspace_say_so() {
    let at = now();
    for approved in [View::Aggregates, View::Rows] {
        let live = live_with(approved);
        let permit = live.permit(&person(AUTHOR), at).unwrap();
        assert_eq!(permit.view(), approved);
        for opened in [View::Aggregates, View::Rows] {
            let mut place = open();
            if let Workspace::Open { core } = &mut place {
                core.view = opened;
            }
            for screen in [Screen::default(), rows()] {
                let shown = screen.view();
                let statement = Statement {
                    sha256: hash('7'),
                    screen,
                };
                let by = who(AUTHOR);
                let query = Job::query(id("job_2"), &permit, &place, statement, at, &by, at);
                let may = shown == View::Aggregates || [approved, opened] == [View::Rows; 2];
                assert_eq!(
                    query.is_ok(),
                    may,
                    "{shown:?} of {approved:?} in {opened:?}"
                );
                let Ok(change) = query else {
                    assert_eq!(query.unwrap_err(), Refusal::NotApproved("showing rows"));
                    continue;
                };
                let said = change.event().facts().get("view");
                let rows = (shown == View::Rows).then(|| Fact::Word("rows".into()));
                assert_eq!(said, rows.as_ref(), "the log says what the screen shows");
            }
        }
    }
}

#[test]
fn a_workspace_is_opened_at_the_level_that_was_approved() {
    for view in [View::Aggregates, View::Rows] {
        let live = live_with(view);
        let steward = who("steward");
        let place = to(Workspace::open(
            id("wsp_2"),
            &live,
            &sealed(),
            &steward,
            now(),
        ));
        assert_eq!(place.core().view, view);
    }
}

/// What was frozen, signed and hashed before rows could be asked for has the bytes that it had.
#[test]
fn what_shows_no_rows_is_written_as_before() {
    let json = |value: serde_json::Value| value.to_string();
    let asked = json(serde_json::to_value(request()).unwrap());
    let manifest = json(serde_json::to_value(live().manifest).unwrap());
    let task = Task::Query {
        workspace: id("wsp_1"),
        person: id("per_1"),
        statement: hash('7'),
        screen: Screen::default(),
    };
    let task = json(serde_json::to_value(task).unwrap());
    for text in [&asked, &manifest, &task] {
        assert!(!text.contains("view") && !text.contains("screen"), "{text}");
    }
    let old = r#"{"task":"query","workspace":"wsp_1","person":"per_1","statement":"#;
    let old = format!("{old}\"{}\"}}", "7".repeat(64));
    let read: Task = serde_json::from_str(&old).unwrap();
    assert_eq!(read.view(), Some(View::Aggregates));
}

#[test]
fn a_condition_with_more_in_it_than_it_has_is_refused() {
    let right: Condition = serde_json::from_str(r#"{"condition":"aggregates_only"}"#).unwrap();
    assert_eq!(right, Condition::AggregatesOnly {});
    let more = r#"{"condition":"aggregates_only","people":10}"#;
    assert!(serde_json::from_str::<Condition>(more).is_err());
}

#[test]
fn only_an_address_in_a_named_network_is_a_locked_desktop() {
    for (text, inside) in [
        ("10.20.0.0", true),
        ("10.20.255.255", true),
        ("::ffff:10.20.3.4", true),
        ("10.19.255.255", false),
        ("10.21.0.0", false),
        ("127.0.0.1", false),
        ("::ffff:127.0.0.1", false),
        ("2001:db8:7:ffff::1", true),
        ("2001:db8:8::1", false),
        ("::1", false),
    ] {
        assert_eq!(networks().admit(address(text)).is_ok(), inside, "{text}");
        let none = DesktopNetworks::default();
        assert!(
            none.admit(address(text)).is_err(),
            "nobody where none is named"
        );
    }
    let mapped = networks().admit(address("::ffff:10.20.3.4")).unwrap();
    assert_eq!(mapped.address(), address("10.20.3.4"));
}

#[test]
fn a_network_that_is_none_of_desktops_is_refused_in_words() {
    for text in [
        "",
        "10.20.0.0",
        "10.20.0.0/33",
        "desktops/16",
        "10.20.3.4/16",
        "0.0.0.0/0",
        "10.0.0.0/7",
        "::/0",
        "2001::/16",
        "127.0.0.0/8",
        "127.0.0.1/32",
        "::1/128",
        "224.0.0.0/8",
        "ff02::/32",
        "0.0.0.0/8",
        "::ffff:10.20.0.0/112",
    ] {
        let refused = DesktopNetworks::parse(&[text.into()]);
        assert!(matches!(refused, Err(Refusal::Invalid(_))), "{text}");
    }
    let many = vec!["10.20.0.0/16".to_owned(); NETWORKS_MAX + 1];
    assert!(DesktopNetworks::parse(&many).is_err());
    let read: BTreeSet<String> = networks().words().collect();
    assert!(read.contains("10.20.0.0/16") && read.contains("2001:db8:7::/48"));
}

#[test]
fn an_interrupted_look_at_rows_is_not_tried_again() {
    let live = live_with(View::Rows);
    let permit = live.permit(&person(AUTHOR), now()).unwrap();
    let mut place = open();
    if let Workspace::Open { core } = &mut place {
        core.view = View::Rows;
    }
    let statement = Statement {
        sha256: hash('7'),
        screen: rows(),
    };
    let by = who(AUTHOR);
    let queued = Job::query(id("job_2"), &permit, &place, statement, now(), &by, now());
    let failed = to(to(queued).fail(crate::job::Cause::Interrupted, now()));
    let again = failed.again(id("job_3"), 3, now(), now());
    assert!(matches!(again, Err(Refusal::Unrepeatable("query"))));
    assert_eq!(failed.core().asked_by, By::Person(who(AUTHOR)));
}
