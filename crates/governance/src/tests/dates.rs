//! Days: every first and last day is included, and a right ends with its day.

use super::samples::*;
use crate::delivery::Delivery;
use crate::job::Outcome;
use crate::project::{Paper, Papers, Project};
use crate::{Lifecycle, Refusal};

#[test]
fn an_approval_lives_from_its_first_day_to_its_last_both_included() {
    let live = live();
    for (at, expected) in [
        (
            "2026-02-28T23:59:59Z",
            Err(Refusal::NotBegun(day("2026-03-01"))),
        ),
        ("2026-03-01T00:00:00Z", Ok(())),
        ("2026-06-30T23:59:59Z", Ok(())),
        (
            "2026-07-01T00:00:00Z",
            Err(Refusal::Ended(day("2026-06-30"))),
        ),
    ] {
        assert_eq!(live.live_at(moment(at)), expected, "{at}");
    }
}

#[test]
fn a_paper_that_lapses_ends_every_right_until_a_new_one_is_filed() {
    type Change = fn(&mut Papers);
    let lapses: [(&str, Change); 4] = [
        ("ethics approval", |p| p.ethics.until = day("2026-04-30")),
        ("impact assessment", |p| {
            p.impact_assessment.until = day("2026-04-30");
        }),
        ("sharing agreement", |p| {
            p.sharing_agreement.until = day("2026-04-30");
        }),
        ("funding", |p| p.funding.until = day("2026-04-30")),
    ];
    let (last, after) = (
        moment("2026-04-30T23:59:59Z"),
        moment("2026-05-01T00:00:00Z"),
    );
    for (what, lapse) in lapses {
        let mut papers = papers();
        lapse(&mut papers);
        let by = who("coordinator");
        let commenced = to(in_force().renew_papers(papers.clone(), &by, now()));
        let live = commenced.in_force(crate::Action::RunQuery).unwrap().clone();
        assert_eq!(live.live_at(last), Ok(()));
        assert_eq!(live.live_at(after), Err(Refusal::Paper(what)));
        let permit = live.permit(&people()[&who(AUTHOR)], last).unwrap();
        assert_eq!(
            permit.last_day(),
            day("2026-04-30"),
            "a permit kept does not outlive it"
        );
        assert!(permit.must_cover(&who(AUTHOR), after).is_err());
        let again = commenced.clone().renew_papers(papers, &by, after);
        assert_eq!(again.unwrap_err(), Refusal::Paper(what));
        let renewed = to(commenced.renew_papers(super::samples::papers(), &by, after));
        let live = renewed.in_force(crate::Action::RunQuery).unwrap().clone();
        assert_eq!(live.live_at(after), Ok(()));
    }
    let late = in_force().renew_papers(papers(), &who("coordinator"), after_the_end());
    assert_eq!(late.unwrap_err(), Refusal::Ended(day("2026-06-30")));
    let own = in_force().renew_papers(papers(), &who(AUTHOR), now());
    assert_eq!(own.unwrap_err(), Refusal::OnTheProject(who(AUTHOR)));
}

#[test]
fn a_project_expires_the_day_after_its_last_and_no_sooner() {
    let last = moment("2026-06-30T23:59:59Z");
    assert_eq!(
        in_force().expire(last).unwrap_err(),
        Refusal::NotEnded(day("2026-06-30"))
    );
    assert_eq!(to(in_force().expire(after_the_end())).state(), "expired");
}

#[test]
fn standing_is_good_on_its_last_day_and_lapsed_the_day_after() {
    let until = |accreditation: &str, training: &str, undertaking: &str| {
        to(person(AUTHOR).record_standing(
            day(accreditation),
            day(training),
            day(undertaking),
            &who("coordinator"),
            now(),
        ))
    };
    let (far, today) = ("2027-01-01", day("2026-03-02"));
    let lacks = |what| {
        Err(Refusal::Standing {
            person: who(AUTHOR),
            what,
            day: today,
        })
    };
    let (last, gone) = ("2026-03-02", "2026-03-01");
    assert_eq!(until(last, last, last).fit_on(today), Ok(()));
    assert_eq!(until(gone, far, last).fit_on(today), lacks("accreditation"));
    assert_eq!(until(far, gone, last).fit_on(today), lacks("training"));
    assert_eq!(
        until(far, far, "2026-03-03").fit_on(today),
        lacks("undertaking")
    );
    let retired = to(person(AUTHOR).retire(&who("administrator"), now()));
    assert_eq!(retired.fit_on(today), lacks("active account"));
}

#[test]
fn a_permit_ends_with_the_persons_standing() {
    let mut lapsed = person(AUTHOR);
    lapsed.training_until = Some(day("2026-03-01"));
    assert!(matches!(
        live().permit(&lapsed, now()),
        Err(Refusal::Standing {
            what: "training",
            ..
        })
    ));
}

#[test]
fn an_instruction_is_good_on_its_last_day_and_lapsed_the_day_after() {
    let of = to(dataset("a").instruct(day("2026-03-05"), &who("controller-a"), now()));
    let no = Err(Refusal::NoInstruction(id("dst_a")));
    assert_eq!(of.instructed_at(moment("2026-03-01T23:59:59Z")), no);
    assert_eq!(of.instructed_at(now()), Ok(()));
    assert_eq!(of.instructed_at(moment("2026-03-05T23:59:59Z")), Ok(()));
    let late = moment("2026-03-06T00:00:00Z");
    assert_eq!(of.instructed_at(late), no);
    let open = Delivery::open(id("del_2"), &of, &who("identifiers"), late);
    assert_eq!(open.unwrap_err(), Refusal::NoInstruction(id("dst_a")));
    let waiting = identified(crate::dataset::Purpose::Payload);
    let payload = waiting.open_payload(&of, &who("payload"), late);
    assert_eq!(payload.unwrap_err(), Refusal::NoInstruction(id("dst_a")));
    let withdrawn = to(of.withdraw_instruction(&who("controller-a"), now()));
    assert_eq!(withdrawn.instructed_at(now()), no);
}

#[test]
fn an_instruction_does_not_end_before_it_begins() {
    let by = who("controller-a");
    let yesterday = dataset("a").instruct(day("2026-03-01"), &by, now());
    assert!(matches!(yesterday.unwrap_err(), Refusal::Invalid(_)));
    assert!(dataset("a").instruct(day("2026-03-02"), &by, now()).is_ok());
}

#[test]
fn a_project_commences_only_with_papers_and_people_that_are_good_today() {
    type Change = fn(&mut Papers);
    let changes: [(&str, Change); 4] = [
        ("ethics approval", |p| p.ethics.until = day("2026-03-01")),
        ("impact assessment", |p| {
            p.impact_assessment.until = day("2026-03-01");
        }),
        ("sharing agreement", |p| {
            p.sharing_agreement.reference = " ".into();
        }),
        ("funding", |p| p.funding.until = day("2020-01-01")),
    ];
    let commence = |papers: Papers, people: &_, signature: &str| {
        approved().commence(
            papers,
            people,
            hash('b'),
            signature.into(),
            &who("coordinator"),
            now(),
        )
    };
    for (what, change) in changes {
        let mut papers = papers();
        change(&mut papers);
        assert_eq!(
            commence(papers, &people(), "signed").unwrap_err(),
            Refusal::Paper(what)
        );
    }
    let mut today = papers();
    today.ethics = Paper {
        reference: "REF 2".into(),
        until: day("2026-03-02"),
    };
    assert!(commence(today, &people(), "signed").is_ok());
    let mut fewer = people();
    fewer.remove(&who(MEMBER));
    assert!(matches!(
        commence(papers(), &fewer, "signed"),
        Err(Refusal::Elsewhere(_))
    ));
    let mut lapsed = people();
    lapsed.get_mut(&who(MEMBER)).unwrap().training_until = None;
    assert!(matches!(
        commence(papers(), &lapsed, "signed"),
        Err(Refusal::Standing { .. })
    ));
    assert_eq!(
        commence(papers(), &people(), " ").unwrap_err(),
        Refusal::Paper("keeper's signature")
    );
}

#[test]
fn an_approval_that_waited_past_its_end_does_not_commence() {
    let late = approved().commence(
        papers(),
        &people(),
        hash('b'),
        "signed".into(),
        &who("coordinator"),
        after_the_end(),
    );
    assert_eq!(late.unwrap_err(), Refusal::Ended(day("2026-06-30")));
}

#[test]
fn an_application_that_would_have_ended_is_not_submitted() {
    let submit = |at: &str| -> Result<Project, Refusal> {
        draft()
            .submit(
                request(),
                hash('a'),
                &datasets(),
                &tiers(),
                &who(AUTHOR),
                moment(at),
            )
            .map(|change| change.to().clone())
    };
    assert!(submit("2026-06-30T23:59:59Z").is_ok());
    assert!(matches!(
        submit("2026-07-01T00:00:00Z"),
        Err(Refusal::Form(_))
    ));
}

#[test]
fn a_job_is_finished_by_its_deadline_or_not_at_all() {
    let finish = |at: &str| queued().finish(Outcome::default(), moment(at));
    assert_eq!(to(finish("2026-03-02T11:00:00Z")).state(), "done");
    assert_eq!(
        finish("2026-03-02T11:00:01Z").unwrap_err(),
        Refusal::Deadline
    );
}

#[test]
fn no_new_work_begins_for_a_project_that_ended() {
    let ended = Refusal::Ended(day("2026-06-30"));
    let at = after_the_end();
    let (live, steward) = (live(), who("steward"));
    let extract = crate::extract::Extract::order(id("ext_2"), &live, &both_indexed(), &steward, at);
    assert_eq!(extract.unwrap_err(), ended);
    let open_ = crate::workspace::Workspace::open(id("wsp_2"), &live, &sealed(), &steward, at);
    assert_eq!(open_.unwrap_err(), ended);
    let suspended = to(open().suspend(&steward, now()));
    assert_eq!(suspended.resume(&live, &steward, at).unwrap_err(), ended);
    let spine = identified(crate::dataset::Purpose::Spine);
    let index = crate::indexing::Indexing::order(
        id("idx_2"),
        &live,
        &complete(),
        &spine,
        None,
        &who("indexer"),
        at,
    );
    assert_eq!(index.unwrap_err(), ended);
    assert_eq!(live.permit(&person(AUTHOR), at).unwrap_err(), ended);
}
