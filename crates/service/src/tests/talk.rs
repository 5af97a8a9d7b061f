//! Comments and interests: who says what, and who reads it when.

use governance::comment::Visibility;
use governance::output::{ReviewVerdict, Verdict};
use governance::person::Role;
use governance::project::PanelVerdict;
use governance::{ProjectId, Refusal};

use super::{House, PEOPLE, denied};
use crate::ServiceError;

use Visibility::{Private, Public};

/// Texts that somebody reads on an application; none when they may not read it.
async fn read(house: &House, who: &str, project: &ProjectId) -> Option<Vec<String>> {
    let caller = house.caller(who).await;
    let comments = house.service.comments_on_project(&caller, project).await;
    comments
        .ok()
        .map(|all| all.into_iter().map(|c| c.text).collect())
}

/// Who says and reads what on a submitted application, written by hand for everybody.
#[tokio::test]
async fn each_person_says_and_reads_what_is_theirs_to_say_and_read() {
    let house = House::open().await;
    let (project, _) = house.submitted().await;
    let decides = |name: &str| {
        [
            "coordinator",
            "pat",
            "pim",
            "pru",
            "pia",
            "chair",
            "controller",
        ]
        .contains(&name)
    };
    let on = |name: &str| ["ada", "bo"].contains(&name);
    let reads = |name: &str| {
        decides(name) || on(name) || ["indexer", "steward", "kit", "kay", "auditor"].contains(&name)
    };
    let (mut public, mut all) = (Vec::new(), Vec::new());
    for (name, _) in PEOPLE {
        let caller = house.caller(name).await;
        for visibility in [Public, Private] {
            house.later(1);
            let text = format!("{} from {name}", visibility.word());
            let said = house
                .service
                .comment_on_project(&caller, &project, "data", visibility, &text);
            let may = decides(name) || (on(name) && visibility == Public);
            assert_eq!(said.await.is_ok(), may, "{text}");
            if may {
                all.push(text.clone());
            }
            if may && visibility == Public {
                public.push(text);
            }
        }
    }
    for (name, _) in PEOPLE {
        let wanted = match (reads(name), decides(name)) {
            (false, _) => None,
            (true, false) => Some(public.clone()),
            (true, true) => Some(all.clone()),
        };
        assert_eq!(read(&house, name, &project).await, wanted, "{name}");
    }
    let administrator = house.caller("administrator").await;
    denied(
        house
            .service
            .comments_on_project(&administrator, &project)
            .await,
    );
}

#[tokio::test]
async fn a_comment_comes_with_its_section_author_and_time_and_the_log_without_its_words() {
    let house = House::open().await;
    let (project, _) = house.submitted().await;
    let pat = house.caller("pat").await;
    let text = "Why do you need the ward?";
    let said = house
        .service
        .comment_on_project(&pat, &project, "data", Private, text);
    let id = said.await.unwrap();
    let views = house
        .service
        .comments_on_project(&pat, &project)
        .await
        .unwrap();
    let view = &views[0];
    assert_eq!((&view.comment, view.section.as_str()), (&id, "data"));
    assert_eq!(
        (view.author.name.as_str(), view.text.as_str()),
        ("pat", text)
    );
    assert_eq!(view.author.organisation, "pat & Co");
    let leaves = house.service.store().leaves(0, 1000).await.unwrap();
    assert!(leaves.len() > 20);
    for (_, leaf) in leaves {
        let leaf = String::from_utf8_lossy(&leaf).into_owned();
        assert!(
            !leaf.contains("need the ward") && !leaf.contains("Stays"),
            "{leaf}"
        );
    }
    // The people of the project are not told that somebody spoke privately; those who decide are.
    let events = |who: &'static str| {
        let (house, project) = (&house, &project);
        async move {
            let caller = house.caller(who).await;
            let events = house.service.events(&caller, Some(project), None).await;
            let comments = events.unwrap();
            comments
                .iter()
                .filter(|e| e.action == "comment_on_project")
                .count()
        }
    };
    assert_eq!((events("ada").await, events("pim").await), (0, 1));
}

#[tokio::test]
async fn empty_comments_long_ones_and_one_too_many_are_refused() {
    let mut house = House::open().await;
    let (project, _) = house.submitted().await;
    let pat = house.caller("pat").await;
    let most = house.service.policies().limits.document_bytes;
    let long = "x".repeat(most + 1);
    for text in ["", " \n", long.as_str()] {
        let said = house
            .service
            .comment_on_project(&pat, &project, "data", Public, text);
        assert!(matches!(said.await, Err(ServiceError::BadInput(_))));
    }
    let policies = std::sync::Arc::get_mut(&mut house.service.policies).unwrap();
    policies.limits.comments = 2;
    for full in [false, false, true] {
        let said = house
            .service
            .comment_on_project(&pat, &project, "data", Public, "hello")
            .await;
        match said {
            Ok(_) => assert!(!full),
            Err(error) => {
                assert!(
                    full && error
                        .to_string()
                        .contains("comments in policies/limits.toml")
                );
            }
        }
    }
}

#[tokio::test]
async fn after_an_interest_there_is_no_vote_and_no_private_comment_to_read() {
    let house = House::open().await;
    let (project, version) = house.submitted().await;
    let chair = house.caller("chair").await;
    let private = house
        .service
        .comment_on_project(&chair, &project, "data", Private, "hm");
    private.await.unwrap();
    house
        .vote(&project, &version, "pat", PanelVerdict::Approve)
        .await;
    assert_eq!(read(&house, "pat", &project).await.unwrap().len(), 1);
    let pat = house.caller("pat").await;
    house
        .service
        .declare_interest(&pat, &project)
        .await
        .unwrap();
    let view = house.service.project(&chair, &project).await.unwrap();
    let governance::project::Project::Submitted(submitted) = view.project else {
        panic!("not submitted")
    };
    assert_eq!(submitted.votes.len(), 0);
    let vote = house.service.vote_on_application(
        &pat,
        &project,
        &version,
        PanelVerdict::Approve,
        Vec::new(),
    );
    denied(vote.await);
    assert_eq!(read(&house, "pat", &project).await.unwrap().len(), 0);
    let again = house.service.declare_interest(&pat, &project).await;
    assert!(matches!(
        again,
        Err(ServiceError::Refused(Refusal::InterestKnown(_)))
    ));
    for (name, _) in PEOPLE {
        if !["pat", "pim", "pru", "pia", "chair"].contains(&name) {
            let caller = house.caller(name).await;
            denied(house.service.declare_interest(&caller, &project).await);
        }
    }
}

/// A comment tells a vote: nobody reads another checker's while the turn is blind.
#[tokio::test]
async fn a_checker_s_comments_of_this_turn_stay_blind_until_both_votes_are_in() {
    let house = House::open().await;
    let (project, workspace) = house.working().await;
    let output = house
        .checked(&project, &workspace, ("out_1", Verdict::Pass))
        .await;
    let kit = house.caller("kit").await;
    let early = house
        .service
        .comment_on_output(&kit, &output, Public, "too early");
    denied_or_refused(early.await);
    denied(house.service.comments_on_output(&kit, &output).await);
    house.put_to_review(&output).await;
    let say = |who: &'static str, visibility, text: &'static str| {
        let (house, output) = (&house, &output);
        async move {
            house.later(1);
            let caller = house.caller(who).await;
            let said = house
                .service
                .comment_on_output(&caller, output, visibility, text);
            said.await.unwrap();
        }
    };
    say("ada", Public, "by ada").await;
    say("kit", Public, "kit aloud").await;
    say("kit", Private, "kit aside").await;
    let reads = |who: &'static str| {
        let (house, output) = (&house, &output);
        async move {
            let caller = house.caller(who).await;
            let all = house
                .service
                .comments_on_output(&caller, output)
                .await
                .unwrap();
            all.into_iter().map(|c| c.text).collect::<Vec<_>>()
        }
    };
    assert_eq!(reads("kit").await, ["by ada", "kit aloud", "kit aside"]);
    assert_eq!(reads("kay").await, ["by ada"]);
    assert_eq!(reads("ada").await, ["by ada"]);
    house
        .review(&output, "kit", ReviewVerdict::RequestChanges)
        .await;
    assert_eq!(reads("kay").await, ["by ada"]);
    house.review(&output, "kay", ReviewVerdict::Approve).await;
    // Two different votes: a third decides, and is blind; these two see each other's.
    assert_eq!(reads("kay").await, ["by ada", "kit aloud", "kit aside"]);
    assert_eq!(reads("ada").await, ["by ada"]);
    house.add("kim", Role::OutputChecker).await;
    assert_eq!(reads("kim").await, ["by ada"]);
    house
        .review(&output, "kim", ReviewVerdict::RequestChanges)
        .await;
    // The review is closed: the author reads what is public, and never what was said aside.
    assert_eq!(reads("ada").await, ["by ada", "kit aloud"]);
    assert_eq!(reads("bo").await, ["by ada", "kit aloud"]);
    // A new turn: what was said before stays readable.
    house.later(1);
    house.put_to_review(&output).await;
    say("kay", Public, "kay in the second turn").await;
    assert_eq!(reads("kit").await, ["by ada", "kit aloud", "kit aside"]);
    assert_eq!(reads("ada").await, ["by ada", "kit aloud"]);
    for who in ["ada", "bo"] {
        let caller = house.caller(who).await;
        let aside = house
            .service
            .comment_on_output(&caller, &output, Private, "psst");
        denied(aside.await);
    }
    let stranger = house.caller("stranger").await;
    denied(house.service.comments_on_output(&stranger, &output).await);
}

#[track_caller]
fn denied_or_refused<T: std::fmt::Debug>(result: Result<T, ServiceError>) {
    assert!(
        matches!(
            result,
            Err(ServiceError::Denied { .. } | ServiceError::Refused(_))
        ),
        "{result:?}"
    );
}
