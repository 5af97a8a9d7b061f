//! Two people, one workspace, for a while: who may, when, and what never comes of it.

use super::samples::*;
use super::tries::hand_over;
use crate::output::{Output, ReviewVerdict};
use crate::person::{Activity, Person, Role};
use crate::project::Project;
use crate::recovery::{MINUTES_MAX, Recovery};
use crate::workspace::Workspace;
use crate::{Action, By, Change, Lifecycle, Refusal, Timestamp};

const SECOND: &str = "only a data steward or a controller of the project's datasets may do that";

fn ask_by(by: &Person) -> Result<Change<Recovery>, Refusal> {
    Recovery::ask(id("rec_1"), &open(), &live(), (hash('3'), 60), by, now())
}

fn confirm_by(by: &Person) -> Result<Change<Recovery>, Refusal> {
    let asker = staff("administrator");
    asked().confirm(&live(), &controllers(), &asker, by, now())
}

/// Somebody with these roles, whatever the rule about adding people says: a forged record.
fn forged(name: &str, roles: &[Role]) -> Person {
    Person {
        roles: roles.iter().copied().collect(),
        ..staff(name)
    }
}

fn text<T: std::fmt::Debug>(result: Result<T, Refusal>) -> String {
    result.unwrap_err().to_string()
}

#[test]
fn an_administrator_asks_and_nobody_else() {
    assert!(ask_by(&staff("administrator")).is_ok());
    for role in Role::ALL.into_iter().filter(|r| *r != Role::Administrator) {
        let said = text(ask_by(&forged("x", &[role])));
        assert_eq!(said, "only an administrator may do that", "{}", role.word());
    }
    let retired = Person {
        activity: Activity::Retired,
        ..staff("administrator")
    };
    assert!(ask_by(&retired).is_err());
    let member = forged(MEMBER, &[Role::Administrator]);
    assert_eq!(
        ask_by(&member).unwrap_err(),
        Refusal::OnTheProject(who(MEMBER))
    );
}

#[test]
fn a_second_person_of_another_role_confirms_and_no_first_one_twice() {
    for by in ["steward", "controller-a", "controller-b"] {
        let change = confirm_by(&staff(by)).unwrap();
        assert_eq!(*change.event().by(), By::Person(who(by)));
    }
    // One person with both roles, as a forged record has it, is one person.
    let both = forged("administrator", &[Role::Administrator, Role::DataSteward]);
    assert_eq!(
        confirm_by(&both).unwrap_err(),
        Refusal::SamePersonTwice(who("administrator"))
    );
    for by in [
        staff("other-administrator"),
        forged("x", &[Role::Administrator, Role::DataSteward]),
        staff("controller-c"),
        forged("controller-a", &[Role::Auditor]),
        staff("auditor"),
        Person {
            activity: Activity::Retired,
            ..staff("steward")
        },
    ] {
        assert_eq!(text(confirm_by(&by)), SECOND, "{}", by.id);
    }
    let member = forged(MEMBER, &[Role::DataSteward]);
    assert_eq!(
        confirm_by(&member).unwrap_err(),
        Refusal::OnTheProject(who(MEMBER))
    );
    // Whoever asked must be who the recovery says, still an administrator and active.
    let (live, all, steward) = (live(), controllers(), staff("steward"));
    for asker in [
        staff("other-administrator"),
        forged("administrator", &[Role::Researcher]),
        Person {
            activity: Activity::Retired,
            ..staff("administrator")
        },
    ] {
        assert!(
            asked()
                .confirm(&live, &all, &asker, &steward, now())
                .is_err()
        );
    }
    // Who could not confirm cannot refuse either.
    assert!(asked().refuse(&live, &all, &both, now()).is_err());
}

#[test]
fn it_is_of_its_own_workspace_and_project_and_of_a_live_one() {
    let by = staff("administrator");
    let mut elsewhere = open();
    if let Workspace::Open { core } = &mut elsewhere {
        core.project = id("prj_2");
    }
    let ask = |place: &Workspace, at| {
        Recovery::ask(id("rec_2"), place, &live(), (hash('3'), 60), &by, at)
    };
    assert_eq!(
        ask(&elsewhere, now()).unwrap_err(),
        Refusal::Elsewhere("this workspace")
    );
    assert_eq!(
        ask(&open(), after_the_end()).unwrap_err(),
        Refusal::Ended(day("2026-06-30"))
    );
    let mut other = live();
    other.core.id = id("prj_2");
    let asker = staff("administrator");
    let confirmed = asked().confirm(&other, &controllers(), &asker, &staff("steward"), now());
    assert_eq!(confirmed.unwrap_err(), Refusal::Elsewhere("this recovery"));
    assert_eq!(
        recovering().read(&other, 1, &asker.id, now()).unwrap_err(),
        Refusal::Elsewhere("this recovery")
    );
}

#[test]
fn its_time_is_from_a_minute_to_a_day() {
    let by = staff("administrator");
    let ask = |minutes| {
        let why = (hash('3'), minutes);
        Recovery::ask(id("rec_2"), &open(), &live(), why, &by, now())
    };
    for good in [1, 60, MINUTES_MAX] {
        assert!(ask(good).is_ok());
    }
    for bad in [0, MINUTES_MAX + 1, u32::MAX] {
        assert!(matches!(ask(bad), Err(Refusal::Invalid(_))), "{bad}");
    }
}

/// Every act that an open recovery gives, at a moment, in a project.
fn given(recovery: &Recovery, at: Timestamp) -> Vec<Result<(), Refusal>> {
    let (live, asker) = (live(), who("administrator"));
    let permit = live.permit(&person(MEMBER), now()).unwrap();
    let leaver = leaver();
    let hands = (&leaver, &permit);
    vec![
        recovery.clone().read(&live, 1, &asker, at).map(drop),
        recovery
            .clone()
            .hand_over_statements(&live, hands, 1, &asker, at)
            .map(drop),
        reviewed(&[ReviewVerdict::Approve; 2])
            .hand_over(recovery, &live, hands, &asker, at)
            .map(drop),
    ]
}

#[test]
fn it_gives_nothing_from_its_last_moment_on_whether_it_was_swept_or_not() {
    let open = recovering();
    let until = moment("2026-03-02T11:00:00Z");
    assert_eq!(open.opening().unwrap().until, until);
    let before = moment("2026-03-02T10:59:59.999Z");
    assert!(given(&open, before).iter().all(Result::is_ok));
    assert_eq!(
        open.clone().expire(&in_force(), before).unwrap_err(),
        Refusal::StillOpen(until)
    );
    for late in [until, moment("2026-03-02T11:00:01Z")] {
        for refused in given(&open, late) {
            assert_eq!(refused.unwrap_err(), Refusal::RecoveryOver(until));
        }
        assert_eq!(to(open.clone().expire(&in_force(), late)).state(), "ended");
    }
    for over in recoveries().into_iter().filter(|r| r.state() != "open") {
        assert!(given(&over, before).iter().all(Result::is_err));
    }
    // It cannot be confirmed again once it has ended.
    let ended = to(open.end(&who("steward"), before));
    let replay = confirm(ended, "steward").unwrap_err();
    assert_eq!(
        replay,
        Action::ConfirmRecovery.wrong_state("recovery", "ended")
    );
}

#[test]
fn it_ends_with_its_project_and_one_that_nobody_confirms_lapses() {
    let closed: Project = to(in_force().close(&who(AUTHOR), now()));
    assert_eq!(to(recovering().expire(&closed, now())).state(), "ended");
    assert_eq!(to(asked().lapse(&closed, 600, now())).state(), "lapsed");
    let at = moment("2026-03-02T10:10:00Z");
    let early = moment("2026-03-02T10:09:59Z");
    assert_eq!(
        asked().lapse(&in_force(), 600, early).unwrap_err(),
        Refusal::StillOpen(at)
    );
    assert_eq!(to(asked().lapse(&in_force(), 600, at)).state(), "lapsed");
}

#[test]
fn only_the_two_read_and_only_the_asker_hands_over() {
    let (live, at) = (live(), now());
    let permit = live.permit(&person(MEMBER), at).unwrap();
    for (name, reads, hands) in [
        ("administrator", true, true),
        ("steward", true, false),
        ("other-administrator", false, false),
        ("controller-a", false, false),
        (AUTHOR, false, false),
        (MEMBER, false, false),
    ] {
        let by = who(name);
        assert_eq!(
            recovering().read(&live, 1, &by, at).is_ok(),
            reads,
            "{name}"
        );
        let people = (&leaver(), &permit);
        let over = recovering().hand_over_statements(&live, people, 1, &by, at);
        assert_eq!(over.is_ok(), hands, "{name}");
        let output = reviewed(&[ReviewVerdict::Approve; 2]);
        let over = output.hand_over(&recovering(), &live, people, &by, at);
        assert_eq!(over.is_ok(), hands, "{name}");
    }
}

#[test]
fn only_what_somebody_left_behind_changes_hands_and_only_to_somebody_who_may_have_it() {
    let (live, by, at) = (live(), who("administrator"), now());
    let permit = live.permit(&person(MEMBER), at).unwrap();
    let hand =
        |from: &Person| recovering().hand_over_statements(&live, (from, &permit), 1, &by, at);
    let mut lapsed = person(AUTHOR);
    lapsed.training_until = Some(day("2026-03-01"));
    let stranger = person("stranger");
    for gone in [leaver(), lapsed, stranger] {
        assert!(hand(&gone).is_ok(), "{}", gone.id);
    }
    assert_eq!(
        hand(&person(AUTHOR)).unwrap_err(),
        Refusal::StillHere(who(AUTHOR))
    );
    // Nobody who left, and nobody outside the project, has a permit to be given anything.
    assert!(live.permit(&leaver(), at).is_err());
    assert!(live.permit(&staff("administrator"), at).is_err());
}

#[test]
fn an_output_that_changes_hands_keeps_bytes_findings_and_votes_and_goes_through_review() {
    for before in outputs() {
        let Ok(change) = hand_over(before.clone()) else {
            continue;
        };
        let after = change.to();
        assert_eq!(after.core().author, who(MEMBER));
        let handed = after.core().handed_over.clone().unwrap();
        assert_eq!((handed.from, handed.at), (who(AUTHOR), now()));
        assert_eq!(handed.recovery, id("rec_1"));
        // But for its author nothing is another.
        let mut back = serde_json::to_value(after).unwrap();
        let core = match back.get_mut("core") {
            Some(core) => core.as_object_mut().unwrap(),
            None => panic!("no core"),
        };
        core.remove("handed_over");
        core.insert("author".into(), AUTHOR_ID.into());
        assert_eq!(back, serde_json::to_value(&before).unwrap());
        assert_eq!(after.state(), before.state());
    }
    let used = to(released().download(&who(AUTHOR), now()));
    assert_eq!(hand_over(used).unwrap_err(), Refusal::Downloaded);
    // The one it came to reviews it as little as the one it came from.
    let under = to(hand_over(under_review()));
    for by in [AUTHOR, MEMBER] {
        assert!(review(under.clone(), by, ReviewVerdict::Approve).is_err());
    }
    let one = to(review(under, "kit", ReviewVerdict::Approve));
    assert_eq!(one.state(), "under_review");
    let download = to(hand_over(released())).download(&who(MEMBER), now());
    assert!(matches!(download.unwrap().to(), Output::Released(_)));
    let old = to(hand_over(released())).download(&who(AUTHOR), now());
    assert_eq!(old.unwrap_err(), Refusal::NotTheAuthor("output"));
}

const AUTHOR_ID: &str = "per_ada";

#[test]
fn an_output_of_another_workspace_or_author_stays_where_it_is() {
    let (live, by, at) = (live(), who("administrator"), now());
    let permit = live.permit(&person(MEMBER), at).unwrap();
    let Output::Checked { mut core, checked } = checked(crate::output::Verdict::Pass) else {
        panic!("not checked")
    };
    let from = leaver();
    let hand = |output: Output, from: &Person| {
        output.hand_over(&recovering(), &live, (from, &permit), &by, at)
    };
    let stranger = person("stranger");
    let own = Output::Checked {
        core: core.clone(),
        checked: checked.clone(),
    };
    assert_eq!(
        hand(own, &stranger).unwrap_err(),
        Refusal::NotTheAuthor("output")
    );
    core.workspace = id("wsp_2");
    let elsewhere = Output::Checked { core, checked };
    assert_eq!(
        hand(elsewhere, &from).unwrap_err(),
        Refusal::Elsewhere("this output")
    );
}
