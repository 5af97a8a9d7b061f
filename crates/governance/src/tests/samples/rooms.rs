//! Something in every state of what is delivered, linked, cut, queried and released.

use super::*;
use crate::delivery::Delivery;
use crate::extract::{Extract, Table};
use crate::indexing::review::{Agreed, Answers, Judgement};
use crate::indexing::{Counts, Indexing, Registers};
use crate::job::{Authority, Cause, Comparison, Job, Outcome, Screen, Task};
use crate::keeper_refusal::KeeperRefusal;
use crate::output::{
    Checked, Compared, KeptPeople, Output, Recomparison, Rendering, ReviewVerdict, Verdict,
};
use crate::register::InRegister;
use crate::workspace::Workspace;

pub(in crate::tests) fn opened(purpose: Purpose) -> Delivery {
    let of = instructed("a", purpose);
    to(Delivery::open(id("del_1"), &of, &who("identifiers"), now()))
}

pub(in crate::tests) fn identified(purpose: Purpose) -> Delivery {
    let of = instructed("a", purpose);
    to(opened(purpose).keep_identifiers(&of, file('1'), file('2'), 3, now()))
}

pub(in crate::tests) fn reading() -> Delivery {
    to(identified(Purpose::Payload).open_payload(&dataset("a"), &who("payload"), now()))
}

pub(in crate::tests) fn complete() -> Delivery {
    to(reading().keep_payload(file('3'), None, 3, 0, now()))
}

pub(in crate::tests) fn deliveries() -> Vec<Delivery> {
    vec![
        opened(Purpose::Payload),
        opened(Purpose::Spine),
        identified(Purpose::Payload),
        identified(Purpose::Spine),
        identified(Purpose::Objections),
        reading(),
        complete(),
        to(opened(Purpose::Payload).refuse_identifiers(now())),
    ]
}

/// The indexing of dataset `a` for the project.
pub(in crate::tests) fn ordered_indexing() -> Indexing {
    to(Indexing::order(
        id("idx_a"),
        &live(),
        &complete(),
        &identified(Purpose::Spine),
        None,
        &who("indexer"),
        now(),
    ))
}

pub(in crate::tests) fn counts() -> Counts {
    Counts {
        records: 3,
        linked: 2,
        withheld: 1,
        objected: 1,
        review: None,
    }
}

/// The same, ordered with a review of at most four pairs.
pub(in crate::tests) fn ordered_for_review() -> Indexing {
    let spine = identified(Purpose::Spine);
    let registers = Registers {
        spine: &spine,
        objections: None,
    };
    let by = who("indexer");
    to(Indexing::order_reviewed(
        id("idx_r"),
        &live(),
        &complete(),
        registers,
        4,
        &by,
        now(),
    ))
}

/// Three pairs, before anybody began to judge them.
pub(in crate::tests) fn unbegun_review() -> Indexing {
    to(ordered_for_review().open_review(file('6'), 3, now()))
}

pub(in crate::tests) fn begin_review(indexing: Indexing, name: &str) -> Indexing {
    to(indexing.begin_review(&live(), &complete(), &who(name), now()))
}

pub(in crate::tests) fn answers(name: &str, judged: &[(u32, Judgement)]) -> Answers {
    Answers {
        indexing: id("idx_r"),
        by: who(name),
        pairs: judged.iter().copied().collect(),
    }
}

/// Everything is one person to whoever has this name.
pub(in crate::tests) fn all_one(name: &str) -> Answers {
    answers(name, &[1, 2, 3].map(|pair| (pair, Judgement::Moved)))
}

/// Ida has finished, Ivo has begun.
pub(in crate::tests) fn half_reviewed() -> Indexing {
    let begun = begin_review(begin_review(unbegun_review(), "ida"), "ivo");
    let (live, complete) = (live(), complete());
    to(begun.finish_review((&live, &complete), &all_one("ida"), hash('1'), &[], now()))
}

pub(in crate::tests) fn settled_review() -> Indexing {
    let (live, complete) = (live(), complete());
    let (second, first) = (all_one("ivo"), [all_one("ida")]);
    to(half_reviewed().finish_review((&live, &complete), &second, hash('2'), &first, now()))
}

pub(in crate::tests) fn reviewed_counts() -> Counts {
    let agreed = Agreed {
        pairs: 3,
        both: 3,
        alike: 3,
        kappa_milli: None,
        undecided: 0,
        joined: 1,
        parted: 0,
    };
    Counts {
        review: Some(agreed),
        ..counts()
    }
}

pub(in crate::tests) fn indexed() -> Indexing {
    to(ordered_indexing().complete(file('4'), file('5'), counts(), now()))
}

/// An indexing for each dataset of the project.
pub(in crate::tests) fn both_indexed() -> Vec<(DatasetId, Indexing)> {
    let of = |name: &str| {
        let Indexing::Indexed {
            mut core,
            links,
            map,
            counts,
        } = indexed()
        else {
            panic!("not indexed")
        };
        core.id = id(&format!("idx_{name}"));
        let indexing = Indexing::Indexed {
            core,
            links,
            map,
            counts,
        };
        (id(&format!("dst_{name}")), indexing)
    };
    vec![of("a"), of("b")]
}

pub(in crate::tests) fn ordered_extract() -> Extract {
    to(Extract::order(
        id("ext_1"),
        &live(),
        &both_indexed(),
        &who("steward"),
        now(),
    ))
}

pub(in crate::tests) fn tables() -> Vec<Table> {
    vec![Table {
        name: "admissions".into(),
        columns: vec!["person".into(), "ward".into()],
        rows: 3,
        people: 2,
        unlinked: 1,
        filtered: 0,
    }]
}

pub(in crate::tests) fn sealed() -> Extract {
    to(ordered_extract().seal(file('6'), tables(), now()))
}

pub(in crate::tests) fn open() -> Workspace {
    to(Workspace::open(
        id("wsp_1"),
        &live(),
        &sealed(),
        &who("steward"),
        now(),
    ))
}

pub(in crate::tests) fn workspaces() -> Vec<Workspace> {
    vec![
        open(),
        to(open().suspend(&who("steward"), now())),
        to(open().close(&By::System, now())),
    ]
}

pub(in crate::tests) fn staged() -> Output {
    let permit = live().permit(&person(AUTHOR), now()).unwrap();
    to(Output::stage(
        id("out_1"),
        &permit,
        &open(),
        hash('7'),
        hash('8'),
        &who(AUTHOR),
        now(),
    ))
}

pub(in crate::tests) fn findings(verdict: Verdict) -> Checked {
    Checked {
        verdict,
        report: file('9'),
        policy: hash('0'),
        exact: file('c'),
        treated: (verdict == Verdict::Treat).then(|| file('d')),
        compared: Some(compared(0)),
    }
}

pub(in crate::tests) fn compared(releases: u64) -> Compared {
    Compared {
        releases,
        screens: 0,
        unknown: 0,
        people: Some(KeptPeople {
            spine: id("del_spine"),
            file: file('b'),
        }),
    }
}

/// So many outputs left, and no screen showed anything.
pub(in crate::tests) fn register(outputs: u64) -> InRegister {
    InRegister {
        outputs,
        screens: 0,
    }
}

/// How a query ends that shows something.
pub(in crate::tests) fn safe() -> Outcome {
    Outcome {
        verdict: Some("pass".into()),
        bytes: Some(hash('c')),
        rows: None,
    }
}

/// A checked result that is new to the screen, compared with so many outputs.
pub(in crate::tests) fn screen_compared(outputs: u64) -> Comparison {
    Comparison {
        with: register(outputs),
        people: compared(outputs).people,
    }
}

/// A query whose screen shows a checked result.
pub(in crate::tests) fn screen() -> Job {
    let core = queued().core().clone();
    let task = Task::Query {
        workspace: id("wsp_1"),
        person: who(AUTHOR),
        statement: hash('7'),
        screen: Screen::Checked,
    };
    let by = By::Person(who(AUTHOR));
    to::<Job>(Ok(Job::queue(
        id("job_7"),
        task,
        core.authority,
        core.deadline,
        &by,
        now(),
    )))
}

/// What a comparison after one more release may find.
pub(in crate::tests) fn recomparisons() -> [Recomparison; 2] {
    let report = file('f');
    [
        Recomparison::Clear {
            with: register(1),
            unknown: 0,
        },
        Recomparison::Isolates {
            with: register(1),
            report,
        },
    ]
}

pub(in crate::tests) fn checked(verdict: Verdict) -> Output {
    to(staged().complete_check(findings(verdict), now()))
}

pub(in crate::tests) fn under_review() -> Output {
    to(checked(Verdict::Pass).submit(Rendering::Exact, &who(AUTHOR), now()))
}

pub(in crate::tests) fn team() -> BTreeSet<PersonId> {
    in_force().people()
}

/// A vote on the bytes under review.
pub(in crate::tests) fn review(
    output: Output,
    by: &str,
    verdict: ReviewVerdict,
) -> Result<Change<Output>, Refusal> {
    let comment = (verdict != ReviewVerdict::Approve).then(|| hash('e'));
    output.vote(verdict, &hash('c'), comment, &team(), &who(by), now())
}

pub(in crate::tests) fn reviewed(verdicts: &[ReviewVerdict]) -> Output {
    CHECKERS
        .iter()
        .zip(verdicts)
        .fold(under_review(), |output, (by, verdict)| {
            to(review(output, by, *verdict))
        })
}

pub(in crate::tests) fn released() -> Output {
    let approved = reviewed(&[ReviewVerdict::Approve; 2]);
    to(approved.release(&hash('c'), register(0), &team(), &who("kit"), now()))
}

pub(in crate::tests) fn outputs() -> Vec<Output> {
    use ReviewVerdict::{Approve, Refuse, RequestChanges};
    vec![
        staged(),
        checked(Verdict::Pass),
        checked(Verdict::Treat),
        checked(Verdict::Fail),
        to(staged().fail_check(now())),
        under_review(),
        reviewed(&[Approve]),
        reviewed(&[Refuse]),
        reviewed(&[Approve, Refuse]),
        reviewed(&[RequestChanges]),
        reviewed(&[RequestChanges, RequestChanges]),
        reviewed(&[Approve, Approve]),
        reviewed(&[Refuse, Refuse]),
        released(),
        to(released().download(&who(AUTHOR), now())),
        to(checked(Verdict::Pass).withdraw(&who(AUTHOR), now())),
        to(released().recall(&team(), &who("kit"), now())),
    ]
}

pub(in crate::tests) fn queued() -> Job {
    let task = Task::Check {
        output: id("out_1"),
    };
    let authority = Authority::Manifest {
        project: id("prj_1"),
        sha256: hash('b'),
    };
    let deadline = moment("2026-03-02T11:00:00Z");
    Job::queue(id("job_1"), task, authority, deadline, &By::System, now())
        .to()
        .clone()
}

pub(in crate::tests) fn jobs() -> Vec<Job> {
    vec![
        queued(),
        screen(),
        to(queued().finish(Outcome::default(), now())),
        to(screen().show(safe(), screen_compared(0), register(0), now())),
        to(queued().fail(Cause::Internal, now())),
        to(queued().cancel(&By::System, now())),
    ]
}

pub(in crate::tests) fn keeper_refusal() -> KeeperRefusal {
    KeeperRefusal::note(id("ref_1"), "run", "job_none", now())
        .to()
        .clone()
}
