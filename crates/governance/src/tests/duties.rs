//! Separation of duties and of functions: who may never do what, whatever a site's policies say.

use std::collections::BTreeSet;

use super::samples::*;
use crate::dataset::{Dataset, Purpose};
use crate::delivery::Delivery;
use crate::extract::Extract;
use crate::indexing::Indexing;
use crate::job::Job;
use crate::output::{Output, ReviewVerdict};
use crate::person::{INCOMPATIBLE, Person, Role};
use crate::project::{PanelVerdict, Project, SignatureVerdict};
use crate::workspace::Workspace;
use crate::{Action, By, Fact, Refusal};

#[test]
fn nobody_on_an_application_decides_on_it() {
    let approve = PanelVerdict::Approve;
    for name in [AUTHOR, MEMBER] {
        let on = Refusal::OnTheProject(who(name));
        assert_eq!(
            vote(submitted(), name, approve, Vec::new()).unwrap_err(),
            on
        );
        let full = || voted([approve; 3]);
        assert_eq!(full().approve(&tiers(), &who(name), now()).unwrap_err(), on);
        let against = || voted([PanelVerdict::Refuse; 3]);
        assert_eq!(
            against().return_(&tiers(), &who(name), now()).unwrap_err(),
            on
        );
        assert_eq!(
            against().refuse(&tiers(), &who(name), now()).unwrap_err(),
            on
        );
        let people = people();
        let commence = approved().commence(
            papers(),
            &people,
            hash('b'),
            "signed".into(),
            &who(name),
            now(),
        );
        assert_eq!(commence.unwrap_err(), on);
    }
}

#[test]
fn a_controller_who_is_on_the_project_cannot_sign_for_it() {
    let mut asked = request();
    asked.people.insert(who("controller-a"));
    let submitted =
        to(draft().submit(asked, hash('a'), &datasets(), &tiers(), &who(AUTHOR), now()));
    assert_eq!(
        sign(submitted, "a", SignatureVerdict::Signed).unwrap_err(),
        Refusal::OnTheProject(who("controller-a"))
    );
}

#[test]
fn a_controller_signs_and_does_not_vote_as_well() {
    let vote = vote(
        submitted(),
        "controller-b",
        PanelVerdict::Approve,
        Vec::new(),
    );
    assert!(matches!(vote.unwrap_err(), Refusal::Invalid(_)));
}

#[test]
fn a_controller_signs_for_its_own_dataset_in_the_application_and_once() {
    let by = |project: Project, name: &str, who_: &str| {
        project.sign(
            &dataset(name),
            &hash('a'),
            SignatureVerdict::Signed,
            &who(who_),
            now(),
        )
    };
    assert_eq!(
        by(submitted(), "a", "controller-b").unwrap_err(),
        Refusal::NotTheController(id("dst_a"))
    );
    assert_eq!(
        by(signed(), "a", "controller-a").unwrap_err(),
        Refusal::VotedAlready(who("controller-a"))
    );
    let other = instructed("c", Purpose::Payload);
    let elsewhere = submitted().sign(
        &other,
        &hash('a'),
        SignatureVerdict::Signed,
        &who("controller-c"),
        now(),
    );
    assert_eq!(elsewhere.unwrap_err(), Refusal::Elsewhere("this dataset"));
}

#[test]
fn a_word_on_another_version_counts_for_nothing() {
    let sign = submitted().sign(
        &dataset("a"),
        &hash('b'),
        SignatureVerdict::Signed,
        &who("controller-a"),
        now(),
    );
    assert_eq!(sign.unwrap_err(), Refusal::AnotherVersion);
    let vote = submitted().vote(
        &hash('b'),
        PanelVerdict::Approve,
        Vec::new(),
        &datasets(),
        &who("pat"),
        now(),
    );
    assert_eq!(vote.unwrap_err(), Refusal::AnotherVersion);
}

#[test]
fn nobody_reviews_releases_or_recalls_their_own_output_or_their_projects() {
    let approve = ReviewVerdict::Approve;
    for (name, refusal) in [
        (AUTHOR, Refusal::OwnOutput),
        (MEMBER, Refusal::OnTheProject(who(MEMBER))),
    ] {
        assert_eq!(review(under_review(), name, approve).unwrap_err(), refusal);
        let approved = reviewed(&[approve; 2]);
        assert_eq!(
            approved
                .release(&hash('c'), register(0), &team(), &who(name), now())
                .unwrap_err(),
            refusal
        );
        assert_eq!(
            released().recall(&team(), &who(name), now()).unwrap_err(),
            refusal
        );
    }
    // The author stays the author, even of a project whose list of people is lost.
    let nobody = BTreeSet::new();
    assert_eq!(
        released().recall(&nobody, &who(AUTHOR), now()).unwrap_err(),
        Refusal::OwnOutput
    );
}

#[test]
fn one_checker_is_never_two() {
    let one = reviewed(&[ReviewVerdict::Approve]);
    assert_eq!(
        review(one, "kit", ReviewVerdict::Approve).unwrap_err(),
        Refusal::SameCheckerTwice(who("kit"))
    );
}

#[test]
fn only_the_author_submits_downloads_or_withdraws_an_output() {
    let not = Refusal::NotTheAuthor("output");
    let by = who(MEMBER);
    let rendering = crate::output::Rendering::Exact;
    let fresh = || checked(crate::output::Verdict::Pass);
    assert_eq!(fresh().submit(rendering, &by, now()).unwrap_err(), not);
    assert_eq!(fresh().withdraw(&by, now()).unwrap_err(), not);
    assert_eq!(released().download(&by, now()).unwrap_err(), not);
}

#[test]
fn only_the_author_submits_an_application() {
    let submit = draft().submit(
        request(),
        hash('a'),
        &datasets(),
        &tiers(),
        &who(MEMBER),
        now(),
    );
    assert_eq!(submit.unwrap_err(), Refusal::NotTheAuthor("application"));
}

#[test]
fn those_who_index_extract_and_keep_workspaces_are_not_on_the_project() {
    let (live, by, at) = (live(), who(MEMBER), now());
    let on = Refusal::OnTheProject(by.clone());
    let spine = identified(Purpose::Spine);
    let index = Indexing::order(id("idx_2"), &live, &complete(), &spine, None, &by, at);
    assert_eq!(index.unwrap_err(), on);
    let extract = Extract::order(id("ext_2"), &live, &both_indexed(), &by, at);
    assert_eq!(extract.unwrap_err(), on);
    let open_ = Workspace::open(id("wsp_2"), &live, &sealed(), &by, at);
    assert_eq!(open_.unwrap_err(), on);
    let suspended = to(open().suspend(&who("steward"), at));
    assert_eq!(suspended.resume(&live, &by, at).unwrap_err(), on);
}

#[test]
fn nobody_who_delivered_the_payload_indexes_it() {
    let spine = identified(Purpose::Spine);
    let index = Indexing::order(
        id("idx_2"),
        &live(),
        &complete(),
        &spine,
        None,
        &who("payload"),
        now(),
    );
    assert!(matches!(index.unwrap_err(), Refusal::Invalid(_)));
}

#[test]
fn identifiers_and_payload_come_from_two_people_who_are_named_for_it() {
    let register = Dataset::register(
        id("dst_n"),
        who("controller-n"),
        who("one"),
        who("one"),
        dictionary(Purpose::Payload),
        &who("steward"),
        now(),
    );
    assert_eq!(register.unwrap_err(), Refusal::SameProviderTwice);
    assert_eq!(
        Delivery::open(id("del_2"), &dataset("a"), &who("payload"), now()).unwrap_err(),
        Refusal::NotTheProvider {
            what: "identifiers",
            dataset: id("dst_a")
        }
    );
    let waiting = identified(Purpose::Payload);
    assert_eq!(
        waiting
            .clone()
            .open_payload(&dataset("a"), &who("identifiers"), now())
            .unwrap_err(),
        Refusal::NotTheProvider {
            what: "payload",
            dataset: id("dst_a")
        }
    );
    // Even where the catalogue came to name one person for both.
    let mut renamed = dataset("a");
    renamed.payload_from = who("identifiers");
    assert_eq!(
        waiting
            .open_payload(&renamed, &who("identifiers"), now())
            .unwrap_err(),
        Refusal::SameProviderTwice
    );
}

#[test]
fn only_the_controller_instructs() {
    let not = Refusal::NotTheController(id("dst_a"));
    let (by, at) = (who("controller-b"), now());
    assert_eq!(
        dataset("a")
            .instruct(day("2026-12-31"), &by, at)
            .unwrap_err(),
        not
    );
    assert_eq!(dataset("a").withdraw_instruction(&by, at).unwrap_err(), not);
}

#[test]
fn a_permit_is_for_its_person_project_and_days() {
    let permit = live().permit(&person(AUTHOR), now()).unwrap();
    let stage = |by: &str, at| {
        Output::stage(
            id("out_2"),
            &permit,
            &open(),
            hash('7'),
            hash('8'),
            &who(by),
            at,
        )
        .map(|change| change.to().clone())
    };
    assert!(stage(AUTHOR, now()).is_ok());
    assert_eq!(stage(MEMBER, now()).unwrap_err(), Refusal::NotAMember);
    assert_eq!(
        stage(AUTHOR, after_the_end()).unwrap_err(),
        Refusal::Ended(day("2026-06-30"))
    );
    let query = Job::query(
        id("job_2"),
        &permit,
        &open(),
        statement('7'),
        now(),
        &who(MEMBER),
        now(),
    );
    assert_eq!(query.unwrap_err(), Refusal::NotAMember);
    let mut other = open();
    if let Workspace::Open { core } = &mut other {
        core.project = id("prj_2");
    }
    let query = Job::query(
        id("job_2"),
        &permit,
        &other,
        statement('7'),
        now(),
        &who(AUTHOR),
        now(),
    );
    assert_eq!(query.unwrap_err(), Refusal::Elsewhere("this workspace"));
    assert_eq!(
        live().permit(&person("somebody"), now()).unwrap_err(),
        Refusal::NotAMember
    );
}

#[test]
fn nothing_of_another_project_or_manifest_is_taken_for_this_ones() {
    let (at, by) = (now(), who("steward"));
    let mut other = live();
    other.core.id = id("prj_2");
    let suspended = to(open().suspend(&by, at));
    assert_eq!(
        suspended.resume(&other, &by, at).unwrap_err(),
        Refusal::Elsewhere("this workspace")
    );
    let mut renewed = live();
    renewed.manifest_sha256 = hash('f');
    for wrong in [other, renewed] {
        assert_eq!(
            Workspace::open(id("wsp_2"), &wrong, &sealed(), &by, at).unwrap_err(),
            Refusal::NotApproved("this extract")
        );
        assert_eq!(
            Extract::order(id("ext_2"), &wrong, &both_indexed(), &by, at).unwrap_err(),
            Refusal::Elsewhere("an indexing")
        );
    }
}

#[test]
fn an_extract_is_of_exactly_the_approved_datasets() {
    let order =
        |indexings: &[_]| Extract::order(id("ext_2"), &live(), indexings, &who("steward"), now());
    let both = both_indexed();
    assert!(order(&both).is_ok());
    assert!(matches!(order(&both[..1]), Err(Refusal::Invalid(_))));
    let twice = [both[0].clone(), both[0].clone(), both[1].clone()];
    assert!(matches!(order(&twice), Err(Refusal::Invalid(_))));
    let mut more = both.clone();
    more.push((id("dst_c"), both[0].1.clone()));
    assert_eq!(
        order(&more).unwrap_err(),
        Refusal::NotApproved("one of the datasets")
    );
    let waiting = [(id("dst_a"), ordered_indexing()), both[1].clone()];
    assert!(matches!(order(&waiting), Err(Refusal::WrongState { .. })));
}

#[test]
fn only_a_complete_delivery_of_an_approved_dataset_is_indexed_against_identifiers_alone() {
    let order = |live: &_, delivery: &_, spine: &_| {
        Indexing::order(
            id("idx_2"),
            live,
            delivery,
            spine,
            None,
            &who("indexer"),
            now(),
        )
    };
    let spine = identified(Purpose::Spine);
    let ordered = order(&live(), &complete(), &spine).unwrap();
    // Whether objections were heeded is in the log, so that an auditor sees it.
    assert_eq!(
        ordered.event().facts()["objections"],
        Fact::Word("none".into())
    );
    assert_eq!(
        order(&live(), &reading(), &spine).unwrap_err(),
        Action::OrderIndexing.wrong_state("delivery", "reading")
    );
    for wrong in [complete(), identified(Purpose::Payload)] {
        assert!(matches!(
            order(&live(), &complete(), &wrong),
            Err(Refusal::Invalid(_))
        ));
    }
    let mut narrower = live();
    narrower.manifest.datasets.remove(0);
    assert_eq!(
        order(&narrower, &complete(), &spine).unwrap_err(),
        Refusal::NotApproved("this dataset")
    );
}

#[test]
fn roles_that_separate_functions_never_meet_in_one_person() {
    let add = |roles: &[Role]| {
        Person::add(
            who("new"),
            "New".into(),
            String::new(),
            roles.iter().copied().collect(),
            &By::System,
            now(),
        )
    };
    for (one, other) in INCOMPATIBLE {
        assert!(matches!(add(&[one, other]), Err(Refusal::Invalid(_))));
        assert!(add(&[one]).is_ok() && add(&[other]).is_ok());
    }
    for role in Role::ALL {
        assert!(add(&[role]).is_ok(), "{}", role.word());
    }
}

#[test]
fn nobody_records_their_own_standing() {
    let until = day("2027-01-01");
    let by = who(AUTHOR);
    let own = person(AUTHOR).record_standing(until, until, until, &by, now());
    assert!(matches!(own, Err(Refusal::Invalid(_))));
}
