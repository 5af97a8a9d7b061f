//! Review of outputs: blind, by two, on the very bytes.

use super::samples::*;
use crate::change::Fact;
use crate::output::{Download, Output, ReviewVerdict, UnderReview};
use crate::{Lifecycle, Refusal};

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
            .release(&hash('d'), &team(), &who("kim"), now())
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
        .release(&hash('c'), &team(), &who("kim"), now())
        .unwrap();
    let facts = change.event().facts();
    assert_eq!(facts["bytes"], Fact::Word("c".repeat(64)));
    assert_eq!(facts["policy"], Fact::Word("0".repeat(64)));
    assert_eq!(
        facts["approved_by"],
        Fact::Words(vec!["per_kay".into(), "per_kit".into()])
    );
}
