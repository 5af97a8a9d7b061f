//! Budgets and measurements in every state.

use super::*;
use crate::extract::Extract;
use crate::measure::{Ask, Budget, Caps, Family, Loss, Lost, Measurement, Place};
use crate::project::Permit;
use crate::workspace::Workspace;

pub(in crate::tests) fn loss(nano_rho: u64) -> Loss {
    Loss {
        nano_rho,
        atto_delta: nano_rho / 10,
    }
}

pub(in crate::tests) fn caps() -> Caps {
    Caps {
        people: loss(500_000_000),
        project: loss(50_000_000),
        researcher: loss(20_000_000),
        projects: BTreeMap::from([(id("prj_9"), loss(70_000_000))]),
    }
}

/// The budget of dataset `a`.
pub(in crate::tests) fn budget() -> Budget {
    to(Budget::open(
        &dataset("a"),
        caps(),
        &who("controller-a"),
        now(),
    ))
}

/// Its controller allows counts through the project that is live.
pub(in crate::tests) fn allow_feasibility(dataset: &Dataset) -> Result<Change<Dataset>, Refusal> {
    let by = dataset.controller.clone();
    let dataset = dataset.clone();
    dataset.allow_feasibility(&live(), 1_000_000, &by, now())
}

pub(in crate::tests) fn copy_of_a() -> Dataset {
    let mut copy = dataset("a");
    copy.id = id("dst_a2");
    copy
}

pub(in crate::tests) fn joined() -> Budget {
    to(Budget::join(
        &copy_of_a(),
        &budget(),
        &who("controller-a"),
        now(),
    ))
}

pub(in crate::tests) fn budgets() -> Vec<Budget> {
    vec![budget(), to(budget().void(&id("out_1"), now())), joined()]
}

pub(in crate::tests) fn family() -> Family {
    Family::of(&id("dst_a"), Some((budget(), 3)), None).unwrap()
}

/// A question whose groups are named in it.
pub(in crate::tests) fn question(request: char) -> Ask {
    Ask {
        request: hash(request),
        text: hash('4'),
        price: Loss::of_rho(1_000_000),
        until: moment("2026-03-02T10:10:00Z"),
    }
}

pub(in crate::tests) fn place<'a>(
    permit: &'a Permit,
    workspace: &'a Workspace,
    extract: &'a Extract,
) -> Place<'a> {
    Place {
        permit,
        workspace,
        extract,
    }
}

pub(in crate::tests) fn reserve(ask: &Ask) -> Result<Change<Measurement>, Refusal> {
    let permit = live().permit(&person(AUTHOR), now())?;
    let (open, sealed) = (open(), sealed());
    let place = place(&permit, &open, &sealed);
    Measurement::reserve(ask, place, &[family()], &who(AUTHOR), now())
}

pub(in crate::tests) fn reserved() -> Measurement {
    to(reserve(&question('5')))
}

pub(in crate::tests) fn measuring() -> Measurement {
    let permit = live().permit(&person(AUTHOR), now()).unwrap();
    to(reserved().run(id("job_9"), &permit, &sealed(), &who(AUTHOR), now()))
}

/// One whose groups are found in the data.
pub(in crate::tests) fn finding() -> Measurement {
    let mut ask = question('5');
    ask.price = loss(1_000_000);
    let permit = live().permit(&person(AUTHOR), now()).unwrap();
    let reserved = to(reserve(&ask));
    to(reserved.run(id("job_9"), &permit, &sealed(), &who(AUTHOR), now()))
}

pub(in crate::tests) fn labels_under_review() -> Measurement {
    to(finding().hold(&id("job_9"), hash('9'), &[].into(), now()))
}

pub(in crate::tests) fn measured() -> Measurement {
    to(measuring().release(&id("job_9"), hash('9'), &[].into(), now()))
}

pub(in crate::tests) fn measurements() -> Vec<Measurement> {
    vec![
        reserved(),
        measuring(),
        finding(),
        labels_under_review(),
        measured(),
        to(labels_under_review().release_labels(
            &in_force(),
            &hash('9'),
            &[].into(),
            &who("checker-1"),
            now(),
        )),
        to(labels_under_review().withhold_labels(&in_force(), hash('8'), &who("checker-1"), now())),
        to(measuring().forfeit(Lost::Failed, now())),
        to(reserved().withdraw(&who(AUTHOR), now())),
        to(reserved().expire(after_the_end())),
    ]
}
