//! The panel's decision: who is asked, who is counted, and what the conditions leave.

use super::samples::*;
use crate::project::{Condition, Manifest, PanelVerdict, Project, SignatureVerdict};
use crate::request::{Commercial, EventPseudonym, Request, Tier, TierPolicy, View};
use crate::{Lifecycle, Refusal};

use PanelVerdict::{Approve, Refuse, Return};

fn approve(project: Project) -> Result<Project, Refusal> {
    project
        .approve(&tiers(), &who("chair"), now())
        .map(|change| change.to().clone())
}

#[test]
fn approval_needs_every_controller_of_the_application() {
    let one = to(sign(submitted(), "a", SignatureVerdict::Signed));
    let voted = PANEL
        .iter()
        .fold(one, |p, by| to(vote(p, by, Approve, Vec::new())));
    assert_eq!(approve(voted).unwrap_err(), Refusal::NotSigned(id("dst_b")));
}

#[test]
fn nothing_is_decided_before_the_quorum_is_met() {
    let two = PANEL[..2]
        .iter()
        .fold(signed(), |p, by| to(vote(p, by, Approve, Vec::new())));
    let short = Refusal::NoQuorum { have: 2, need: 3 };
    assert_eq!(approve(two.clone()).unwrap_err(), short);
    let (by, at) = (who("chair"), now());
    assert_eq!(two.clone().return_(&tiers(), &by, at).unwrap_err(), short);
    assert_eq!(two.refuse(&tiers(), &by, at).unwrap_err(), short);
}

#[test]
fn a_policy_below_the_floor_is_held_to_the_floor() {
    let low = TierPolicy {
        quorum_one: 1,
        quorum_two: 0,
        ..tiers()
    };
    assert!(low.validate().is_err());
    assert!(tiers().validate().is_ok());
    let one = to(vote(signed(), "pat", Approve, Vec::new()));
    assert_eq!(
        one.approve(&low, &who("chair"), now()).unwrap_err(),
        Refusal::NoQuorum { have: 1, need: 3 }
    );
}

#[test]
fn tier_two_needs_its_own_quorum() {
    let mut asked = request();
    asked.commercial = Commercial::Involved;
    let submitted =
        to(draft().submit(asked, hash('a'), &datasets(), &tiers(), &who(AUTHOR), now()));
    assert_eq!(inside(&submitted).tier, Tier::Two);
    let one = to(sign(submitted, "a", SignatureVerdict::Signed));
    let both = to(sign(one, "b", SignatureVerdict::Signed));
    let three = PANEL
        .iter()
        .fold(both, |p, by| to(vote(p, by, Approve, Vec::new())));
    assert_eq!(
        approve(three).unwrap_err(),
        Refusal::NoQuorum { have: 3, need: 5 }
    );
}

#[test]
fn facts_of_the_request_place_it_in_a_tier() {
    let tier = |change: fn(&mut Request), policy: TierPolicy| {
        let mut asked = request();
        change(&mut asked);
        policy.tier(&asked, &datasets())
    };
    assert_eq!(tier(|_| {}, tiers()), Tier::One);
    let one_controller = TierPolicy {
        controllers_max: 1,
        ..tiers()
    };
    assert_eq!(tier(|_| {}, one_controller), Tier::Two);
    assert_eq!(
        tier(|r| r.commercial = Commercial::Involved, tiers()),
        Tier::Two
    );
    assert_eq!(
        tier(|r| r.datasets[0].event = EventPseudonym::Present, tiers()),
        Tier::Two
    );
    assert_eq!(tier(|r| r.view = View::Rows, tiers()), Tier::Two);
    assert_eq!(tier(|r| r.end = day("2027-03-07"), tiers()), Tier::One);
    assert_eq!(tier(|r| r.end = day("2027-03-10"), tiers()), Tier::Two);
}

#[test]
fn votes_that_do_not_carry_it_do_not() {
    for (verdicts, carried) in [
        ([Approve, Approve, Approve], "approve"),
        ([Approve, Approve, Return], "approve"),
        ([Approve, Return, Return], "return"),
        ([Approve, Return, Refuse], "return"),
        ([Approve, Refuse, Refuse], "return refuse"),
        ([Refuse, Refuse, Refuse], "return refuse"),
    ] {
        let (tiers, by, at) = (tiers(), who("chair"), now());
        let mut can = Vec::new();
        for (word, result) in [
            ("approve", voted(verdicts).approve(&tiers, &by, at)),
            ("return", voted(verdicts).return_(&tiers, &by, at)),
            ("refuse", voted(verdicts).refuse(&tiers, &by, at)),
        ] {
            match result {
                Ok(_) => can.push(word),
                Err(Refusal::NotCarried { .. }) => {}
                Err(other) => panic!("{other}"),
            }
        }
        assert_eq!(can.join(" "), carried, "{verdicts:?}");
    }
}

#[test]
fn a_member_votes_once() {
    let one = to(vote(submitted(), "pat", Approve, Vec::new()));
    assert_eq!(
        vote(one, "pat", Refuse, Vec::new()).unwrap_err(),
        Refusal::VotedAlready(who("pat"))
    );
}

fn manifest_under(conditions: [Vec<Condition>; 3]) -> Result<Manifest, Refusal> {
    let mut project = signed();
    for (by, conditions) in PANEL.iter().zip(conditions) {
        project = vote(project, by, Approve, conditions)?.to().clone();
    }
    match approve(project)? {
        Project::Approved(approved) => Ok(approved.manifest),
        other => panic!("{}", other.state()),
    }
}

#[test]
fn the_strictest_condition_of_all_counts_and_none_widens() {
    let cell = |people| Condition::MinimumCell { people };
    let end = |text| Condition::EndBy { day: day(text) };
    let plain = manifest_under([vec![], vec![], vec![]]).unwrap();
    assert_eq!((plain.minimum_cell, plain.end), (10, day("2026-06-30")));
    let strict = manifest_under([
        vec![cell(20), end("2026-05-31")],
        vec![cell(15), end("2026-04-30")],
        vec![],
    ])
    .unwrap();
    assert_eq!((strict.minimum_cell, strict.end), (20, day("2026-04-30")));
    let wider = manifest_under([vec![cell(2), end("2030-01-01")], vec![], vec![]]).unwrap();
    assert_eq!(wider, plain);
}

#[test]
fn an_excluded_variable_is_gone_from_its_dataset_alone() {
    let without = Condition::ExcludeVariable {
        dataset: id("dst_a"),
        variable: "born".into(),
    };
    let manifest = manifest_under([vec![without], vec![], vec![]]).unwrap();
    let names = |index: usize| {
        manifest.datasets[index]
            .variables
            .iter()
            .map(|v| v.name.as_str())
            .collect::<Vec<_>>()
    };
    assert_eq!(names(0), ["ward", "days"]);
    assert_eq!(names(1), ["born", "ward", "days"]);
}

#[test]
fn conditions_that_leave_nothing_of_a_dataset_ask_for_a_return() {
    let all = ["born", "ward", "days"]
        .map(|name| Condition::ExcludeVariable {
            dataset: id("dst_b"),
            variable: name.into(),
        })
        .to_vec();
    assert!(matches!(
        manifest_under([all, vec![], vec![]]),
        Err(Refusal::Invalid(_))
    ));
}

#[test]
fn a_condition_about_something_else_is_refused_with_its_vote() {
    for condition in [
        Condition::ExcludeVariable {
            dataset: id("dst_a"),
            variable: "height".into(),
        },
        Condition::ExcludeVariable {
            dataset: id("dst_c"),
            variable: "ward".into(),
        },
        Condition::EndBy {
            day: day("2026-02-28"),
        },
        Condition::MinimumCell { people: 10_001 },
        Condition::AggregatesOnly {},
    ] {
        let vote = vote(submitted(), "pat", Approve, vec![condition]);
        assert!(matches!(vote.unwrap_err(), Refusal::Invalid(_)));
    }
}

#[test]
fn a_vote_has_conditions_up_to_a_limit() {
    let of = |count| vec![Condition::MinimumCell { people: 20 }; count];
    let max = crate::project::CONDITIONS_MAX;
    assert!(vote(submitted(), "pat", Approve, of(max)).is_ok());
    let more = vote(submitted(), "pat", Approve, of(max + 1));
    assert!(matches!(more.unwrap_err(), Refusal::Invalid(_)));
}

#[test]
fn the_manifest_is_what_was_asked_under_the_hash_that_was_approved() {
    let manifest = manifest_under([vec![], vec![], vec![]]).unwrap();
    let asked = request();
    assert_eq!(manifest.application, hash('a'));
    assert_eq!(manifest.schema, "manifest/1");
    assert_eq!(manifest.people, asked.people);
    assert_eq!(manifest.datasets, asked.datasets);
    assert_eq!(manifest.start, asked.start);
}
