//! People, a dataset, and something in every state of every lifecycle, each made by the rules themselves.

mod measure;
mod recoveries;
mod rooms;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use crate::dataset::{ColumnKind, Dataset, Dictionary, Purpose, Unmatched, Variable};
use crate::delivery::SealedFile;
use crate::job::{Screen, Statement};
use crate::person::{Person, Role};
use crate::project::{
    Condition, Destruction, InForce, PanelVerdict, Paper, Papers, Project, SignatureVerdict,
    Submitted,
};
use crate::request::{
    Commercial, DatasetRequest, EventPseudonym, Request, TierPolicy, Transform, VariableRequest,
    View,
};
use crate::{By, Change, DatasetId, Date, Lifecycle, PersonId, Refusal, Sha256, Timestamp};

pub(super) use measure::*;
pub(super) use recoveries::*;
pub(super) use rooms::*;

pub(super) const AUTHOR: &str = "ada";
pub(super) const MEMBER: &str = "bo";
pub(super) const PANEL: [&str; 3] = ["pat", "pim", "pru"];
pub(super) const CHECKERS: [&str; 3] = ["kit", "kay", "kim"];

pub(super) fn moment(text: &str) -> Timestamp {
    text.parse().unwrap()
}

pub(super) fn now() -> Timestamp {
    moment("2026-03-02T10:00:00Z")
}

pub(super) fn day(text: &str) -> Date {
    text.parse().unwrap()
}

pub(super) fn who(name: &str) -> PersonId {
    format!("per_{name}").parse().unwrap()
}

pub(super) fn id<I: TryFrom<String>>(text: &str) -> I {
    I::try_from(text.to_owned()).ok().unwrap()
}

pub(super) fn hash(digit: char) -> Sha256 {
    id(&digit.to_string().repeat(64))
}

/// A statement whose checked result is shown.
pub(super) fn statement(digit: char) -> Statement {
    Statement {
        sha256: hash(digit),
        screen: Screen::default(),
    }
}

pub(super) fn file(digit: char) -> SealedFile {
    SealedFile {
        name: format!("file-{digit}"),
        sha256: hash(digit),
        bytes: 64,
    }
}

pub(super) fn to<S: Lifecycle>(change: Result<Change<S>, Refusal>) -> S {
    change.unwrap().to().clone()
}

/// Somebody who is active, accredited, trained and bound.
pub(super) fn person(name: &str) -> Person {
    let roles = BTreeSet::from([Role::Researcher]);
    let by = By::System;
    let added = to(Person::add(
        who(name),
        name.into(),
        "Org".into(),
        roles,
        &by,
        now(),
    ));
    to(added.record_standing(
        day("2026-12-31"),
        day("2026-12-31"),
        day("2026-01-01"),
        &who("coordinator"),
        now(),
    ))
}

pub(super) fn people() -> BTreeMap<PersonId, Person> {
    [AUTHOR, MEMBER].map(|n| (who(n), person(n))).into()
}

pub(super) fn variable(name: &str, kind: ColumnKind) -> Variable {
    Variable {
        name: name.into(),
        kind,
        required: false,
        description: String::new(),
    }
}

pub(super) fn dictionary(purpose: Purpose) -> Dictionary {
    let variables = match purpose {
        Purpose::Payload => vec![
            variable("born", ColumnKind::DateOfBirth),
            variable("home", ColumnKind::Postcode),
            variable("admitted", ColumnKind::Date),
            variable("ward", ColumnKind::Text),
            variable("days", ColumnKind::Integer),
        ],
        Purpose::Spine | Purpose::Objections => Vec::new(),
    };
    Dictionary {
        title: "Admissions".into(),
        table: "admissions".into(),
        purpose,
        record: "record_no".into(),
        identifiers: BTreeMap::from([("chi".into(), "chi".into())]),
        event: Some("stay".into()),
        variables,
        unmatched: Unmatched::Refuse,
    }
}

pub(super) fn registered(name: &str, purpose: Purpose) -> Dataset {
    to(Dataset::register(
        id(&format!("dst_{name}")),
        who(&format!("controller-{name}")),
        who("identifiers"),
        who("payload"),
        Dictionary {
            table: format!("admissions_{name}"),
            ..dictionary(purpose)
        },
        &who("steward"),
        now(),
    ))
}

pub(super) fn instructed(name: &str, purpose: Purpose) -> Dataset {
    let controller = who(&format!("controller-{name}"));
    to(registered(name, purpose).instruct(day("2026-12-31"), &controller, now()))
}

/// Two datasets of payload, of two controllers.
pub(super) fn datasets() -> BTreeMap<DatasetId, Dataset> {
    static DATASETS: LazyLock<BTreeMap<DatasetId, Dataset>> = LazyLock::new(|| {
        ["a", "b"]
            .map(|n| instructed(n, Purpose::Payload))
            .map(|d| (d.id.clone(), d))
            .into()
    });
    DATASETS.clone()
}

pub(super) fn dataset(name: &str) -> Dataset {
    datasets()[&id::<DatasetId>(&format!("dst_{name}"))].clone()
}

pub(super) fn ask(name: &str, transform: Transform) -> VariableRequest {
    VariableRequest {
        name: name.into(),
        source: None,
        transform,
        why: "to answer the question".into(),
    }
}

pub(super) fn request() -> Request {
    let of = |name: &str| DatasetRequest {
        dataset: id(&format!("dst_{name}")),
        variables: vec![
            ask("born", Transform::Year),
            ask("ward", Transform::Keep),
            ask("days", Transform::Keep),
        ],
        event: EventPseudonym::Absent,
        rows: Vec::new(),
    };
    Request {
        title: "Stays".into(),
        lay_summary: "How long people stay.".into(),
        public_benefit: "Shorter stays.".into(),
        people: BTreeSet::from([who(AUTHOR), who(MEMBER)]),
        datasets: vec![of("a"), of("b")],
        start: day("2026-03-01"),
        end: day("2026-06-30"),
        minimum_cell: 10,
        commercial: Commercial::None,
        view: View::Aggregates,
        outputs: String::new(),
        controls: String::new(),
    }
}

pub(super) fn tiers() -> TierPolicy {
    TierPolicy {
        quorum_one: 3,
        quorum_two: 5,
        controllers_max: 2,
        months_max: 12,
    }
}

pub(super) fn papers() -> Papers {
    let paper = || Paper {
        reference: "REF 1".into(),
        until: day("2026-12-31"),
    };
    Papers {
        ethics: paper(),
        impact_assessment: paper(),
        sharing_agreement: paper(),
        funding: paper(),
    }
}

pub(super) fn draft() -> Project {
    Project::start(id("prj_1"), &who(AUTHOR), now())
        .to()
        .clone()
}

/// Submits under the hash that every later act must cite.
pub(super) fn submit(project: Project, sha256: Sha256) -> Result<Change<Project>, Refusal> {
    project.submit(
        request(),
        sha256,
        &datasets(),
        &tiers(),
        &who(AUTHOR),
        now(),
    )
}

pub(super) fn submitted() -> Project {
    to(submit(draft(), hash('a')))
}

pub(super) fn inside(project: &Project) -> Submitted {
    let Project::Submitted(submitted) = project else {
        panic!("not submitted")
    };
    submitted.clone()
}

pub(super) fn sign(
    project: Project,
    name: &str,
    verdict: SignatureVerdict,
) -> Result<Change<Project>, Refusal> {
    let by = who(&format!("controller-{name}"));
    project.sign(&dataset(name), &hash('a'), verdict, &by, now())
}

pub(super) fn signed() -> Project {
    let one = to(sign(submitted(), "a", SignatureVerdict::Signed));
    to(sign(one, "b", SignatureVerdict::Signed))
}

pub(super) fn vote(
    project: Project,
    by: &str,
    verdict: PanelVerdict,
    conditions: Vec<Condition>,
) -> Result<Change<Project>, Refusal> {
    project.vote(
        &hash('a'),
        verdict,
        conditions,
        &datasets(),
        &who(by),
        now(),
    )
}

/// Signed by both controllers, with these votes.
pub(super) fn voted(verdicts: [PanelVerdict; 3]) -> Project {
    PANEL
        .iter()
        .zip(verdicts)
        .fold(signed(), |project, (by, verdict)| {
            to(vote(project, by, verdict, Vec::new()))
        })
}

pub(super) fn approved() -> Project {
    let voted = voted([PanelVerdict::Approve; 3]);
    to(voted.approve(&tiers(), &who("chair"), now()))
}

pub(super) fn commence(project: Project) -> Result<Change<Project>, Refusal> {
    let by = who("coordinator");
    project.commence(papers(), &people(), hash('b'), "signed".into(), &by, now())
}

pub(super) fn in_force() -> Project {
    static IN_FORCE: LazyLock<Project> = LazyLock::new(|| to(commence(approved())));
    IN_FORCE.clone()
}

pub(super) fn live() -> InForce {
    in_force()
        .in_force(crate::Action::RunQuery)
        .unwrap()
        .clone()
}

pub(super) fn after_the_end() -> Timestamp {
    moment("2026-07-01T00:00:00Z")
}

pub(super) fn destruction() -> Destruction {
    Destruction {
        project: id("prj_1"),
        certificate: hash('d'),
        files: 4,
        epoch_before: 1,
        epoch_after: 2,
    }
}

pub(super) fn destroyed() -> Project {
    let closed = to(in_force().close(&who(AUTHOR), now()));
    to(closed.destroy(&destruction(), &who("steward"), now()))
}

pub(super) fn projects() -> Vec<Project> {
    use PanelVerdict::{Approve, Refuse, Return};
    let against = voted([Return; 3]);
    vec![
        draft(),
        submitted(),
        signed(),
        voted([Approve; 3]),
        voted([Refuse; 3]),
        against.clone(),
        to(against.return_(&tiers(), &who("chair"), now())),
        to(voted([Refuse; 3]).refuse(&tiers(), &who("chair"), now())),
        to(draft().withdraw(&who(AUTHOR), now())),
        approved(),
        in_force(),
        to(in_force().expire(after_the_end())),
        to(in_force().revoke(None, &who("chair"), now())),
        to(in_force().close(&who(AUTHOR), now())),
        destroyed(),
    ]
}
