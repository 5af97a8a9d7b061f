//! Jobs that are tried again, and what is noted of them.

use super::samples::{id, moment, now, queued, to};
use crate::job::{Cause, Job, Screen, Task};
use crate::keeper_refusal::KeeperRefusal;
use crate::{Action, By, Change, Fact, Lifecycle, Refusal};

const LATER: &str = "2026-03-02T12:00:00Z";

fn failed(job: Job, cause: Cause) -> Job {
    to(job.fail(cause, now()))
}

fn again(job: &Job, name: &str) -> Result<Change<Job>, Refusal> {
    job.again(id(name), 3, moment(LATER), now())
}

#[test]
fn an_interrupted_job_is_tried_again_as_another_job_for_the_same_thing() {
    let first = failed(queued(), Cause::Interrupted);
    let change = again(&first, "job_2").unwrap();
    let second = change.to().core();
    assert_eq!(change.to().state(), "queued");
    assert_eq!((second.id.as_str(), second.attempt), ("job_2", 2));
    assert_eq!(second.task, first.core().task);
    assert_eq!(second.authority, first.core().authority);
    assert_eq!(second.asked_by, first.core().asked_by);
    assert_eq!(second.deadline, moment(LATER));
    let event = change.event();
    assert_eq!(
        (event.action(), event.by()),
        (Action::QueueJob, &By::System)
    );
    let facts = event.facts();
    assert_eq!(facts["after"], Fact::Word("job_1".into()));
    assert_eq!(facts["attempt"], Fact::Count(2));
    assert_eq!(facts["of"], Fact::Word("out_1".into()));
}

#[test]
fn a_job_is_tried_only_so_often() {
    let mut job = failed(queued(), Cause::Interrupted);
    for name in ["job_2", "job_3"] {
        job = failed(to(again(&job, name)), Cause::Interrupted);
    }
    assert_eq!(again(&job, "job_4").unwrap_err(), Refusal::Attempts(3));
}

#[test]
fn only_what_was_interrupted_is_tried_again() {
    let ended = [
        queued(),
        to(queued().cancel(&By::System, now())),
        to(queued().finish(crate::job::Outcome::default(), now())),
        failed(queued(), Cause::Deadline),
        failed(queued(), Cause::NotPermitted),
        failed(queued(), Cause::Internal),
    ];
    for job in ended {
        let refused = again(&job, "job_2").unwrap_err();
        assert!(matches!(refused, Refusal::WrongState { .. }), "{job:?}");
    }
}

/// The file of a delivery is gone with its job, nobody waits for the answer to a query, and a measurement pays
/// for one draw.
#[test]
fn loads_queries_and_measurements_are_not_tried_again() {
    let (upload, format) = ("job_1".to_owned(), "csv".to_owned());
    let tasks = [
        Task::LoadIdentifiers {
            delivery: id("del_1"),
            upload: upload.clone(),
            format: format.clone(),
        },
        Task::LoadPayload {
            delivery: id("del_1"),
            upload,
            format,
        },
        Task::Query {
            workspace: id("wsp_1"),
            person: id("per_1"),
            statement: super::samples::hash('7'),
            screen: Screen::default(),
        },
        Task::Measure {
            measurement: id("msr_1"),
        },
    ];
    for task in tasks {
        let word = task.word();
        let core = queued().core().clone();
        let queue = Job::queue(
            core.id,
            task,
            core.authority,
            core.deadline,
            &By::System,
            now(),
        );
        let job = failed(queue.to().clone(), Cause::Interrupted);
        assert_eq!(
            again(&job, "job_2").unwrap_err(),
            Refusal::Unrepeatable(word)
        );
    }
}

#[test]
fn a_failed_job_says_why_in_a_word_of_the_log() {
    let change = queued().fail(Cause::Deadline, now()).unwrap();
    assert_eq!(
        change.event().facts()["code"],
        Fact::Word("deadline".into())
    );
}

/// Somebody who lies to the keeper writes nothing of their own into the log.
#[test]
fn a_refusal_of_the_keeper_is_noted_without_free_text() {
    let long = "x".repeat(200);
    for (about, noted) in [
        ("job_none", "job_none"),
        ("../../etc", "etc"),
        ("a patient's name", "apatientsname"),
        (&long, &long[..64]),
    ] {
        let change = KeeperRefusal::note(id("ref_1"), "run", about, now());
        assert_eq!(change.event().facts()["about"], Fact::Word(noted.into()));
    }
}
