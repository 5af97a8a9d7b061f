//! An application or an output that comes back, ends, or is taken back.

use super::samples::*;
use crate::output::{Output, Rendering, ReviewVerdict, Verdict};
use crate::project::{PanelVerdict, Project, SignatureVerdict};
use crate::{Action, Lifecycle, Refusal};

#[test]
fn a_returned_application_comes_again_as_the_next_version_with_no_vote_or_signature_left() {
    let returned = to(voted([PanelVerdict::Return; 3]).return_(&tiers(), &who("chair"), now()));
    assert_eq!(returned.core().version, 1);
    let change = submit(returned, hash('b')).unwrap();
    assert_eq!(change.event().facts()["version"], 2_u64.into());
    let again = inside(change.to());
    assert_eq!(again.core.version, 2);
    assert_eq!(again.sha256, hash('b'));
    assert!(again.votes.is_empty() && again.signatures.is_empty());
}

#[test]
fn a_controllers_no_is_enough_to_return_or_refuse_and_bars_approval() {
    let declined = || {
        let one = to(sign(submitted(), "a", SignatureVerdict::Signed));
        to(sign(one, "b", SignatureVerdict::Declined))
    };
    let all = PANEL.iter().fold(declined(), |p, by| {
        to(vote(p, by, PanelVerdict::Approve, Vec::new()))
    });
    assert_eq!(
        all.approve(&tiers(), &who("chair"), now()).unwrap_err(),
        Refusal::Declined(id("dst_b"))
    );
    let returned = to(declined().return_(&tiers(), &who("chair"), now()));
    assert_eq!(returned.state(), "returned");
    let refused = to(declined().refuse(&tiers(), &who("chair"), now()));
    assert_eq!(refused.state(), "refused");
}

#[test]
fn a_refused_application_is_at_its_end() {
    let refused = to(voted([PanelVerdict::Refuse; 3]).refuse(&tiers(), &who("chair"), now()));
    for refusal in [
        submit(refused.clone(), hash('b')).unwrap_err(),
        refused.withdraw(&who(AUTHOR), now()).unwrap_err(),
    ] {
        assert!(matches!(
            refusal,
            Refusal::WrongState {
                state: "refused",
                ..
            }
        ));
    }
}

#[test]
fn an_author_may_withdraw_until_the_project_is_in_force_and_nobody_else_may() {
    let returned = to(voted([PanelVerdict::Return; 3]).return_(&tiers(), &who("chair"), now()));
    for project in [draft(), submitted(), returned, approved()] {
        assert_eq!(
            project.clone().withdraw(&who(MEMBER), now()).unwrap_err(),
            Refusal::NotTheAuthor("application")
        );
        assert_eq!(
            to(project.withdraw(&who(AUTHOR), now())).state(),
            "withdrawn"
        );
    }
}

#[test]
fn the_people_of_an_ended_project_still_check_none_of_its_outputs() {
    for ended in [
        to(in_force().expire(after_the_end())),
        to(in_force().revoke(None, &who("chair"), now())),
        to(in_force().close(&who(AUTHOR), now())),
    ] {
        assert_eq!(ended.people(), team());
        let vote = under_review().vote(
            ReviewVerdict::Approve,
            &hash('c'),
            None,
            &ended.people(),
            &who(MEMBER),
            now(),
        );
        assert_eq!(vote.unwrap_err(), Refusal::OnTheProject(who(MEMBER)));
        assert!(ended.in_force(Action::RunQuery).is_err());
    }
}

#[test]
fn a_controller_revokes_for_its_own_dataset_alone() {
    let revoked = to(in_force().revoke(Some(&dataset("b")), &who("controller-b"), now()));
    assert!(matches!(revoked, Project::Revoked { .. }));
    assert_eq!(
        in_force()
            .revoke(Some(&dataset("b")), &who("controller-a"), now())
            .unwrap_err(),
        Refusal::NotTheController(id("dst_b"))
    );
    let other = instructed("c", crate::dataset::Purpose::Payload);
    assert_eq!(
        in_force()
            .revoke(Some(&other), &who("controller-c"), now())
            .unwrap_err(),
        Refusal::Elsewhere("this dataset")
    );
}

#[test]
fn only_the_author_closes_a_project() {
    assert_eq!(
        in_force().close(&who(MEMBER), now()).unwrap_err(),
        Refusal::NotTheAuthor("project")
    );
}

#[test]
fn an_output_with_changes_requested_comes_again_with_fresh_votes() {
    let back = reviewed(&[ReviewVerdict::RequestChanges; 2]);
    assert_eq!(back.state(), "changes_requested");
    let again = to(back.submit(Rendering::Exact, &who(AUTHOR), now()));
    let Output::UnderReview(review) = &again else {
        panic!("not under review")
    };
    assert!(review.votes.is_empty());
    let one = to(super::samples::review(again, "kit", ReviewVerdict::Approve));
    assert_eq!(one.state(), "under_review");
}

#[test]
fn an_output_that_cannot_be_checked_or_was_refused_goes_nowhere() {
    let uncheckable = to(staged().fail_check(now()));
    let refused = reviewed(&[ReviewVerdict::Refuse; 2]);
    for (output, state) in [(uncheckable, "uncheckable"), (refused, "refused")] {
        assert_eq!(output.state(), state);
        assert_eq!(
            output
                .clone()
                .submit(Rendering::Exact, &who(AUTHOR), now())
                .unwrap_err(),
            Action::SubmitOutput.wrong_state("output", state)
        );
        assert_eq!(
            output.withdraw(&who(AUTHOR), now()).unwrap_err(),
            Action::WithdrawOutput.wrong_state("output", state)
        );
    }
}

#[test]
fn a_withdrawn_or_recalled_output_cannot_be_downloaded() {
    let withdrawn = to(reviewed(&[ReviewVerdict::Approve; 2]).withdraw(&who(AUTHOR), now()));
    let recalled = to(released().recall(&team(), &who("kit"), now()));
    for (output, state) in [(withdrawn, "withdrawn"), (recalled, "recalled")] {
        assert_eq!(
            output.download(&who(AUTHOR), now()).unwrap_err(),
            Action::DownloadOutput.wrong_state("output", state)
        );
    }
}

#[test]
fn a_refused_payload_leaves_the_identifiers_and_another_file_may_follow() {
    let again = to(reading().refuse_payload(now()));
    assert_eq!(again.state(), "identified");
    assert!(again.identifiers().is_some() && again.payload().is_none());
    let reading = again.open_payload(&dataset("a"), &who("payload"), now());
    assert_eq!(to(reading).state(), "reading");
}

#[test]
fn a_verdict_allows_the_version_that_is_safe_and_no_other() {
    let try_ = |verdict, rendering| {
        checked(verdict)
            .submit(rendering, &who(AUTHOR), now())
            .map(|change| match change.to() {
                Output::UnderReview(review) => review.file.sha256.clone(),
                other => panic!("{}", other.state()),
            })
            .ok()
    };
    use Rendering::{Exact, Treated};
    assert_eq!(try_(Verdict::Pass, Exact), Some(hash('c')));
    assert_eq!(try_(Verdict::Pass, Treated), None);
    assert_eq!(try_(Verdict::Review, Exact), Some(hash('c')));
    assert_eq!(try_(Verdict::Review, Treated), None);
    assert_eq!(try_(Verdict::Treat, Exact), None);
    assert_eq!(try_(Verdict::Treat, Treated), Some(hash('d')));
    assert_eq!(try_(Verdict::Fail, Exact), None);
    assert_eq!(try_(Verdict::Fail, Treated), None);
}

#[test]
fn a_treated_table_comes_with_its_verdict_and_with_no_other() {
    let mut odd = findings(Verdict::Pass);
    odd.treated = Some(file('d'));
    let mut bare = findings(Verdict::Treat);
    bare.treated = None;
    for checked in [odd, bare] {
        assert_eq!(
            staged().complete_check(checked, now()).unwrap_err(),
            Refusal::NotApproved("the treated table")
        );
    }
}
