//! What is said about applications and outputs, and interests: who is heard, and who has no vote any more.

use std::collections::BTreeSet;

use super::samples::*;
use crate::action::{Action, STATES};
use crate::comment::{About, Comment, Visibility};
use crate::project::{PanelVerdict, Project, SignatureVerdict};
use crate::{By, Change, Lifecycle, PersonId, Refusal, TieKind};

use PanelVerdict::{Approve, Refuse};
use Visibility::{Private, Public};

fn on_project(
    project: &Project,
    section: &str,
    visibility: Visibility,
    by: &str,
) -> Result<Change<Comment>, Refusal> {
    Comment::on_project(
        id("com_1"),
        project,
        section,
        visibility,
        hash('1'),
        &who(by),
        now(),
    )
}

fn declare(project: Project, by: &str) -> Result<Change<Project>, Refusal> {
    project.declare_interest(&who(by), now())
}

#[test]
fn nobody_on_a_project_makes_a_comment_that_its_people_cannot_read() {
    for project in [submitted(), approved(), in_force()] {
        for by in [AUTHOR, MEMBER] {
            assert!(on_project(&project, "data", Public, by).is_ok());
            assert_eq!(
                on_project(&project, "data", Private, by).unwrap_err(),
                Refusal::OnTheProject(who(by))
            );
        }
        for visibility in [Public, Private] {
            assert!(on_project(&project, "data", visibility, "pat").is_ok());
        }
    }
    let say = |visibility, by: &str| {
        Comment::on_output(
            id("com_1"),
            &under_review(),
            &team(),
            visibility,
            hash('1'),
            &who(by),
            now(),
        )
    };
    for by in [AUTHOR, MEMBER] {
        assert!(say(Public, by).is_ok());
        assert_eq!(
            say(Private, by).unwrap_err(),
            Refusal::OnTheProject(who(by))
        );
    }
    assert!(say(Private, "kit").is_ok());
}

#[test]
fn a_section_is_one_plain_word() {
    for section in ["people", "data", "outputs", "section_2"] {
        assert!(on_project(&submitted(), section, Public, "pat").is_ok());
    }
    for section in ["", "Data", "the data", "2", "a-b", &"x".repeat(64)] {
        let refused = on_project(&submitted(), section, Public, "pat").unwrap_err();
        assert!(matches!(refused, Refusal::Invalid(_)), "{section}");
    }
}

#[test]
fn the_leaf_of_a_comment_tells_neither_its_words_nor_its_section() {
    let change = on_project(&submitted(), "data", Private, "pat").unwrap();
    let event = change.event();
    assert_eq!(*event.by(), By::Person(who("pat")));
    assert_eq!((event.kind(), event.object()), ("comment", "com_1"));
    assert_eq!(event.project(), Some(&id("prj_1")));
    let facts = serde_json::to_string(event.facts()).unwrap();
    assert_eq!(facts, r#"{"about":"prj_1","visibility":"private"}"#);
    let comment = change.to();
    assert_eq!(comment.about, About::Project);
    assert_eq!(comment.ties().first().unwrap().who, "prj_1");
}

#[test]
fn an_interest_takes_out_the_vote_and_its_conditions_and_leaves_the_others() {
    let condition = crate::project::Condition::MinimumCell { people: 50 };
    let one = to(vote(submitted(), "pat", Approve, vec![condition]));
    let two = to(vote(one, "pim", Refuse, Vec::new()));
    let change = declare(two, "pat").unwrap();
    assert_eq!(change.event().facts()["votes_taken_out"], 1_u64.into());
    let project = inside(change.to());
    let voters: Vec<&PersonId> = project.votes.iter().map(|v| &v.by).collect();
    assert_eq!(voters, [&who("pim")]);
    assert_eq!(project.core.interests, BTreeSet::from([who("pat")]));
    let none = declare(submitted(), "pat").unwrap();
    assert_eq!(none.event().facts()["votes_taken_out"], 0_u64.into());
}

/// Every act of the panel, by somebody with an interest and by somebody without.
#[test]
fn whoever_declared_an_interest_does_nothing_of_the_panel_any_more() {
    type Act = fn(Project, &str) -> Result<Change<Project>, Refusal>;
    let acts: [(&str, [PanelVerdict; 3], Act); 4] = [
        ("vote", [Approve; 3], |p, by| {
            vote(p, by, Approve, Vec::new())
        }),
        ("approve", [Approve; 3], |p, by| {
            p.approve(&tiers(), &who(by), now())
        }),
        ("return", [Refuse; 3], |p, by| {
            p.return_(&tiers(), &who(by), now())
        }),
        ("refuse", [Refuse; 3], |p, by| {
            p.refuse(&tiers(), &who(by), now())
        }),
    ];
    for (name, verdicts, act) in acts {
        let without = voted(verdicts);
        assert!(act(without.clone(), "pia").is_ok(), "{name}");
        let with = to(declare(without, "pia"));
        let refused = act(with, "pia").unwrap_err();
        assert_eq!(refused, Refusal::Interested(who("pia")), "{name}");
    }
    // A controller's dataset has no other controller: signing goes on.
    let with = to(declare(submitted(), "controller-a"));
    assert!(sign(with, "a", SignatureVerdict::Signed).is_ok());
}

#[test]
fn an_interest_is_declared_once_by_nobody_on_the_project_and_stays_for_every_version() {
    for by in [AUTHOR, MEMBER] {
        let refused = declare(submitted(), by).unwrap_err();
        assert_eq!(refused, Refusal::OnTheProject(who(by)));
    }
    let known = to(declare(voted([PanelVerdict::Return; 3]), "pat"));
    assert_eq!(
        declare(known.clone(), "pat").unwrap_err(),
        Refusal::InterestKnown(who("pat"))
    );
    let third = to(vote(known, "pia", PanelVerdict::Return, Vec::new()));
    let returned = to(third.return_(&tiers(), &who("chair"), now()));
    let again = to(submit(returned, hash('a')));
    assert_eq!(
        vote(again, "pat", Approve, Vec::new()).unwrap_err(),
        Refusal::Interested(who("pat"))
    );
}

/// A vote that was taken out counts for no quorum: the decision waits for another member.
#[test]
fn a_quorum_is_counted_without_those_who_declared_an_interest() {
    let voted = voted([Approve; 3]);
    assert!(
        voted
            .clone()
            .approve(&tiers(), &who("chair"), now())
            .is_ok()
    );
    let short = to(declare(voted, "pru"));
    assert_eq!(
        short.approve(&tiers(), &who("chair"), now()).unwrap_err(),
        Refusal::NoQuorum { have: 2, need: 3 }
    );
}

/// Whom lists find a project by, in every state.
#[test]
fn the_people_of_a_project_are_tied_to_it_in_every_state_and_its_panel_while_it_decides() {
    for project in projects() {
        let ties = project.ties();
        let of = |kind: TieKind| -> BTreeSet<String> {
            let of_kind = ties.iter().filter(|tie| tie.kind == kind);
            of_kind.map(|tie| tie.who.clone()).collect()
        };
        let on: BTreeSet<String> = project.people().iter().map(ToString::to_string).collect();
        assert_eq!(of(TieKind::On), on, "{}", project.state());
        let due = matches!(project.state(), "draft" | "returned");
        assert_eq!(
            of(TieKind::Due).len(),
            usize::from(due),
            "{}",
            project.state()
        );
        let (votes, signed, unsigned) = match &project {
            Project::Submitted(s) => (s.votes.len(), s.signatures.len(), 2 - s.signatures.len()),
            _ => (0, 0, 0),
        };
        assert_eq!(of(TieKind::Spoke).len(), votes);
        assert_eq!(of(TieKind::Signed).len(), signed);
        assert_eq!(of(TieKind::Unsigned).len(), unsigned);
        assert_eq!(of(TieKind::Ready).len(), usize::from(votes >= 3));
        let asks = project.manifest().is_some() || project.state() == "submitted";
        assert_eq!(of(TieKind::Asks).len(), if asks { 2 } else { 0 });
    }
    let declined = to(sign(submitted(), "a", SignatureVerdict::Declined));
    assert!(declined.ties().iter().any(|tie| tie.kind == TieKind::Ready));
    let interested = to(declare(submitted(), "pat"));
    let spoke = interested.ties();
    assert!(spoke.contains(&crate::Tie::new(TieKind::Spoke, &who("pat"))));
}

#[test]
fn a_comment_is_possible_in_the_states_of_the_table_and_a_title_is_the_last_submitted() {
    let states = STATES
        .iter()
        .find(|(kind, _)| *kind == "project")
        .unwrap()
        .1;
    for project in projects() {
        assert!(states.contains(&project.state()));
        let possible = on_project(&project, "data", Public, "pat").is_ok();
        let listed = Action::CommentOnProject.row().states;
        assert_eq!(possible, listed.contains(&project.state()));
        let title = if project.core().version == 0 {
            ""
        } else {
            "Stays"
        };
        assert_eq!(project.title(), title, "{}", project.state());
    }
}

#[test]
fn everybody_sets_their_own_password_and_nobody_who_is_retired() {
    let ada = || person(AUTHOR);
    assert!(ada().set_credential(&who(AUTHOR), now()).is_ok());
    let other = ada().set_credential(&who("administrator"), now());
    assert!(matches!(other.unwrap_err(), Refusal::Invalid(_)));
    assert!(ada().invite(&who("administrator"), now()).is_ok());
    let own = ada().invite(&who(AUTHOR), now());
    assert!(matches!(own.unwrap_err(), Refusal::Invalid(_)));
    let retired = || to(ada().retire(&who("administrator"), now()));
    for change in [
        retired().set_credential(&who(AUTHOR), now()),
        retired().end_sessions(&who(AUTHOR), now()),
        retired().invite(&who("administrator"), now()),
    ] {
        assert!(matches!(
            change.unwrap_err(),
            Refusal::WrongState {
                state: "retired",
                ..
            }
        ));
    }
}
