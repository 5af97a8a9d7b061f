//! Review of outputs: blind, by two, on the very bytes.

use super::samples::*;
use crate::change::Fact;
use crate::output::{
    Checked, Download, Output, Recomparison, Rendering, ReviewVerdict, UnderReview, Verdict,
};
use crate::{InRegister, Lifecycle, Refusal};

use ReviewVerdict::{Approve, Refuse, RequestChanges};

fn open_review(output: Output) -> UnderReview {
    match output {
        Output::UnderReview(review) => review,
        other => panic!("{}", other.state()),
    }
}

#[test]
fn two_equal_votes_decide_two_different_wait_and_three_end_it() {
    for (verdicts, state) in [
        (vec![Approve], "under_review"),
        (vec![Refuse], "under_review"),
        (vec![Approve, Approve], "approved"),
        (vec![Refuse, Refuse], "refused"),
        (vec![RequestChanges, RequestChanges], "changes_requested"),
        (vec![Approve, Refuse], "under_review"),
        (vec![Approve, RequestChanges], "under_review"),
        (vec![Approve, Refuse, Approve], "approved"),
        (vec![Approve, Refuse, Refuse], "refused"),
        (
            vec![Approve, RequestChanges, RequestChanges],
            "changes_requested",
        ),
        (vec![Approve, RequestChanges, Refuse], "changes_requested"),
    ] {
        assert_eq!(reviewed(&verdicts).state(), state, "{verdicts:?}");
    }
}

#[test]
fn approvers_are_those_who_approved() {
    let Output::Approved(approved) = reviewed(&[Approve, Refuse, Approve]) else {
        panic!("not approved")
    };
    assert_eq!(approved.by, [who("kit"), who("kim")].into());
}

#[test]
fn a_vote_on_other_bytes_is_refused() {
    let vote = under_review().vote(Approve, &hash('d'), None, &team(), &who("kit"), now());
    assert_eq!(vote.unwrap_err(), Refusal::OtherBytes);
}

#[test]
fn a_no_says_why() {
    for verdict in [Refuse, RequestChanges] {
        let vote = under_review().vote(verdict, &hash('c'), None, &team(), &who("kit"), now());
        assert!(matches!(vote.unwrap_err(), Refusal::Invalid(_)));
    }
}

#[test]
fn bytes_that_changed_after_review_are_not_released() {
    let approved = reviewed(&[Approve, Approve]);
    assert_eq!(
        approved
            .release(&hash('d'), register(0), &team(), &who("kim"), now())
            .unwrap_err(),
        Refusal::OtherBytes
    );
}

#[test]
fn a_checker_sees_only_their_own_vote_until_two_are_in() {
    let names = |review: &UnderReview, who_: &str| {
        review
            .visible_to(&who(who_))
            .iter()
            .map(|v| v.by.clone())
            .collect::<Vec<_>>()
    };
    let one = open_review(reviewed(&[Approve]));
    assert_eq!(names(&one, "kit"), [who("kit")]);
    assert!(names(&one, "kay").is_empty());
    assert!(names(&one, AUTHOR).is_empty());
    let two = open_review(reviewed(&[Approve, Refuse]));
    assert_eq!(names(&two, "kit"), [who("kit"), who("kay")]);
    assert_eq!(names(&two, "kay"), [who("kit"), who("kay")]);
    // The third decides without being told how the first two did.
    assert!(names(&two, "kim").is_empty());
    assert!(names(&two, MEMBER).is_empty());
}

#[test]
fn the_log_does_not_betray_a_blind_vote() {
    let facts = |verdict| {
        let change = review(under_review(), "kit", verdict).unwrap();
        change.event().facts().clone()
    };
    let [yes, changes, no] = [Approve, RequestChanges, Refuse].map(facts);
    assert_eq!(yes, no);
    assert_eq!(yes, changes);
    assert_eq!(yes["outcome"], Fact::Word("under_review".into()));
    assert_eq!(
        yes.keys().collect::<Vec<_>>(),
        ["bytes", "outcome", "votes"]
    );
}

#[test]
fn a_release_is_downloaded_once() {
    let once = to(released().download(&who(AUTHOR), now()));
    let Output::Released(released) = &once else {
        panic!("not released")
    };
    assert_eq!(released.download, Download::Used);
    assert_eq!(
        once.download(&who(AUTHOR), now()).unwrap_err(),
        Refusal::Downloaded
    );
}

#[test]
fn the_register_names_approvers_policy_and_bytes() {
    let approved = reviewed(&[Approve, Approve]);
    let change = approved
        .release(&hash('c'), register(0), &team(), &who("kim"), now())
        .unwrap();
    let facts = change.event().facts();
    assert_eq!(facts["bytes"], Fact::Word("c".repeat(64)));
    assert_eq!(facts["policy"], Fact::Word("0".repeat(64)));
    assert_eq!(
        facts["approved_by"],
        Fact::Words(vec!["per_kay".into(), "per_kit".into()])
    );
}

/// Every state between check and release, and what a comparison with one more release makes of it.
#[test]
fn what_left_meanwhile_is_compared_before_a_release_and_few_people_end_it() {
    let approved = || reviewed(&[Approve, Approve]);
    let release = |output: Output, left| {
        output.release(&hash('c'), register(left), &team(), &who("kim"), now())
    };
    for left in [1, 2] {
        assert_eq!(release(approved(), left).unwrap_err(), Refusal::NotCompared);
    }
    let [clear, isolates] = recomparisons();
    let again = to(approved().compare(clear.clone(), now()));
    assert_eq!(release(again.clone(), 0).unwrap_err(), Refusal::NotCompared);
    assert!(release(again.clone(), 1).is_ok());
    // A screen that showed something meanwhile is as good as a table that left.
    let with_screen = InRegister {
        screens: 1,
        ..register(0)
    };
    let seen = approved().release(&hash('c'), with_screen, &team(), &who("kim"), now());
    assert_eq!(seen.unwrap_err(), Refusal::NotCompared);
    let compared = Recomparison::Clear {
        with: with_screen,
        unknown: 0,
    };
    let compared = to(approved().compare(compared, now()));
    let released = compared.release(&hash('c'), with_screen, &team(), &who("kim"), now());
    assert!(released.is_ok());
    let before = Recomparison::Clear {
        with: register(0),
        unknown: 0,
    };
    let back = again.compare(before, now());
    assert_eq!(
        back.unwrap_err(),
        Refusal::NotCompared,
        "what left stays left"
    );

    for output in [
        checked(Verdict::Pass),
        checked(Verdict::Treat),
        under_review(),
        reviewed(&[RequestChanges, RequestChanges]),
        approved(),
    ] {
        let state = output.state();
        assert_eq!(
            to(output.clone().compare(clear.clone(), now())).state(),
            state
        );
        let change = output.compare(isolates.clone(), now()).unwrap();
        assert_eq!(change.event().facts()["compared_with"], Fact::Count(1));
        assert_eq!(change.event().facts()["verdict"], Fact::from("fail"));
        let (Output::Checked { checked, .. } | Output::ChangesRequested { checked, .. }) =
            change.to().clone()
        else {
            panic!("{state} stays {}", change.to().state());
        };
        let its_own = state == "checked";
        assert_eq!(change.to().state() == "checked", its_own, "{state}");
        assert_eq!((checked.verdict, checked.treated), (Verdict::Fail, None));
        for rendering in [Rendering::Exact, Rendering::Treated] {
            let submit = change.to().clone().submit(rendering, &who(AUTHOR), now());
            assert!(matches!(submit.unwrap_err(), Refusal::Verdict(_)));
        }
    }
}

#[test]
fn what_people_have_to_compare_by_hand_they_look_at_before_a_release() {
    let unknown = Recomparison::Clear {
        with: register(1),
        unknown: 1,
    };
    for (output, verdict) in [
        (reviewed(&[Approve, Approve]), Verdict::Review),
        (checked(Verdict::Treat), Verdict::Treat),
        (under_review(), Verdict::Review),
    ] {
        let back = to(output.compare(unknown.clone(), now()));
        let state = match verdict {
            Verdict::Treat => "checked",
            _ => "changes_requested",
        };
        assert_eq!(back.state(), state);
        assert_eq!(back.checked().unwrap().verdict, verdict);
        assert!(back.kept_people().is_some());
        let rendering = match verdict {
            Verdict::Treat => Rendering::Treated,
            _ => Rendering::Exact,
        };
        let submitted = to(back.submit(rendering, &who(AUTHOR), now()));
        let again = to(submitted.compare(unknown.clone(), now()));
        assert_eq!(again.state(), "under_review", "they know of it now");
    }
}

#[test]
fn what_was_checked_before_there_were_comparisons_is_not_released() {
    let before = Checked {
        compared: None,
        ..findings(Verdict::Pass)
    };
    let checked = to(staged().complete_check(before, now()));
    let submitted = to(checked.submit(Rendering::Exact, &who(AUTHOR), now()));
    let once = to(review(submitted, "kit", Approve));
    let approved = to(review(once, "kay", Approve));
    let release = approved
        .clone()
        .release(&hash('c'), register(0), &team(), &who("kim"), now());
    assert_eq!(release.unwrap_err(), Refusal::NotCompared);
    for found in recomparisons() {
        let compared = approved.clone().compare(found, now());
        assert_eq!(compared.unwrap_err(), Refusal::NotCompared);
    }
}

#[test]
fn the_register_keeps_who_is_behind_what_left_also_after_a_recall() {
    let recalled = to(released().recall(&team(), &who("kit"), now()));
    for output in [released(), recalled] {
        assert!(output.has_left());
        assert_eq!(output.left_at(), Some(now()));
        assert_eq!(output.kept_people(), compared(0).people.as_ref());
    }
    assert!(!under_review().has_left());
    assert_eq!(staged().kept_people(), None);
}
