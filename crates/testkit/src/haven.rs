//! A project at work, made by the rules alone: in force, with a sealed extract and an open workspace. Files are
//! made up; nothing here opens one.

use std::collections::{BTreeMap, BTreeSet};

use governance::dataset::{ColumnKind, Dataset, Dictionary, Purpose, Unmatched, Variable};
use governance::delivery::{Delivery, SealedFile};
use governance::extract::Extract;
use governance::indexing::{Counts, Indexing};
use governance::person::{Person, Role};
use governance::project::{InForce, PanelVerdict, Paper, Papers, Project, SignatureVerdict};
use governance::request::{
    Commercial, DatasetRequest, EventPseudonym, Request, TierPolicy, Transform, VariableRequest,
    View,
};
use governance::workspace::Workspace;
use governance::{Action, By, Change, DatasetId, Date, PersonId, Refusal, Sha256, Timestamp};

/// A project at work.
#[derive(Debug, Clone)]
pub struct Working {
    /// The project.
    pub project: InForce,
    /// Its datasets; `dst_NAME` is `per_controller-NAME`'s.
    pub datasets: BTreeMap<DatasetId, Dataset>,
    /// Its extract, sealed.
    pub extract: Extract,
    /// Its workspace, open.
    pub workspace: Workspace,
    /// Who is on it, fit for the whole of 2026. The first is its author.
    pub people: Vec<Person>,
}

/// An id of this text.
///
/// # Errors
/// If it is not one.
pub fn id<I: TryFrom<String>>(text: &str) -> Result<I, Refusal> {
    I::try_from(text.to_owned()).map_err(|_| Refusal::Invalid(format!("{text:?} is not an id")))
}

/// The hash that a made-up file has: this byte, over and over.
///
/// # Errors
/// Never.
pub fn hash(byte: u8) -> Result<Sha256, Refusal> {
    id(&format!("{byte:02x}").repeat(32))
}

fn day(text: &str) -> Result<Date, Refusal> {
    text.parse()
        .map_err(|_| Refusal::Invalid(format!("{text:?} is not a day")))
}

fn to<S: governance::Lifecycle>(change: Result<Change<S>, Refusal>) -> Result<S, Refusal> {
    change.map(|change| change.to().clone())
}

fn file(byte: u8) -> Result<SealedFile, Refusal> {
    Ok(SealedFile {
        name: format!("file-{byte}"),
        sha256: hash(byte)?,
        bytes: 64,
    })
}

/// Somebody who is active, accredited, trained and bound for the whole of 2026.
///
/// # Errors
/// If the name cannot be part of an id.
pub fn researcher(name: &str, at: Timestamp) -> Result<Person, Refusal> {
    let roles = BTreeSet::from([Role::Researcher]);
    let who = id(&format!("per_{name}"))?;
    let added = Person::add(who, name.into(), "Org".into(), roles, &By::System, at);
    let (last, first) = (day("2026-12-31")?, day("2026-01-01")?);
    to(to(added)?.record_standing(last, last, first, &id("per_coordinator")?, at))
}

/// A dataset `dst_NAME` of `per_controller-NAME`, with a standing instruction.
///
/// # Errors
/// If the name cannot be part of an id.
pub fn dataset(name: &str, purpose: Purpose, at: Timestamp) -> Result<Dataset, Refusal> {
    let variables = match purpose {
        Purpose::Payload => vec![Variable {
            name: "ward".into(),
            kind: ColumnKind::Text,
            required: false,
            description: String::new(),
        }],
        Purpose::Spine | Purpose::Objections => Vec::new(),
    };
    let dictionary = Dictionary {
        title: format!("Dataset {name}"),
        table: format!("t_{}", name.replace('-', "_")),
        purpose,
        record: "record_no".into(),
        identifiers: BTreeMap::from([("chi".into(), "chi".into())]),
        event: None,
        variables,
        unmatched: Unmatched::Refuse,
    };
    let controller: PersonId = id(&format!("per_controller-{name}"))?;
    let registered = Dataset::register(
        id(&format!("dst_{name}"))?,
        controller.clone(),
        id("per_identifiers")?,
        id("per_payload")?,
        dictionary,
        &id("per_steward")?,
        at,
    );
    to(to(registered)?.instruct(day("2026-12-31")?, &controller, at))
}

/// A project `prj_NAME` at work on these datasets. The byte is of its extract's hash.
///
/// # Errors
/// If a name cannot be part of an id, or `at` is not within the first half of 2026.
pub fn working(
    name: &str,
    people: &[&str],
    datasets: &[&str],
    extract: u8,
    at: Timestamp,
) -> Result<Working, Refusal> {
    let people: Vec<Person> = people
        .iter()
        .map(|person| researcher(person, at))
        .collect::<Result<_, _>>()?;
    let datasets: Vec<Dataset> = datasets
        .iter()
        .map(|dataset| self::dataset(dataset, Purpose::Payload, at))
        .collect::<Result<_, _>>()?;
    let project = in_force(name, &people, &datasets, at)?;
    let (extract, workspace) = rooms(name, &project, &datasets, extract, at)?;
    Ok(Working {
        project,
        datasets: datasets.into_iter().map(|d| (d.id.clone(), d)).collect(),
        extract,
        workspace,
        people,
    })
}

fn request(people: &[Person], datasets: &[Dataset]) -> Result<Request, Refusal> {
    let asked = datasets.iter().map(|dataset| DatasetRequest {
        dataset: dataset.id.clone(),
        variables: vec![VariableRequest {
            name: "ward".into(),
            source: None,
            transform: Transform::Keep,
            why: "to answer the question".into(),
        }],
        event: EventPseudonym::Absent,
        rows: Vec::new(),
    });
    Ok(Request {
        title: "Stays".into(),
        lay_summary: "How long people stay.".into(),
        public_benefit: "Shorter stays.".into(),
        people: people.iter().map(|p| p.id.clone()).collect(),
        datasets: asked.collect(),
        start: day("2026-01-01")?,
        end: day("2026-06-30")?,
        minimum_cell: 10,
        commercial: Commercial::None,
        view: View::Aggregates,
        outputs: String::new(),
        controls: String::new(),
    })
}

fn in_force(
    name: &str,
    people: &[Person],
    datasets: &[Dataset],
    at: Timestamp,
) -> Result<InForce, Refusal> {
    let author = people.first().ok_or(Refusal::NotAMember)?.id.clone();
    let tiers = TierPolicy {
        quorum_one: 3,
        quorum_two: 3,
        controllers_max: 8,
        months_max: 12,
    };
    let sets: BTreeMap<DatasetId, Dataset> =
        datasets.iter().map(|d| (d.id.clone(), d.clone())).collect();
    let (version, manifest) = (hash(0xa1)?, hash(0xb1)?);
    let mut project = Project::start(id(&format!("prj_{name}"))?, &author, at)
        .to()
        .clone();
    let request = request(people, datasets)?;
    project = to(project.submit(request, version.clone(), &sets, &tiers, &author, at))?;
    for dataset in datasets {
        let signed = SignatureVerdict::Signed;
        project = to(project.sign(dataset, &version, signed, &dataset.controller, at))?;
    }
    for member in ["per_pat", "per_pim", "per_pru"] {
        let (yes, none) = (PanelVerdict::Approve, Vec::new());
        project = to(project.vote(&version, yes, none, &sets, &id(member)?, at))?;
    }
    project = to(project.approve(&tiers, &id("per_chair")?, at))?;
    let last = day("2026-12-31")?;
    let paper = || Paper {
        reference: "REF 1".into(),
        until: last,
    };
    let papers = Papers {
        ethics: paper(),
        impact_assessment: paper(),
        sharing_agreement: paper(),
        funding: paper(),
    };
    let by_id = people.iter().map(|p| (p.id.clone(), p.clone())).collect();
    let by = id("per_coordinator")?;
    project = to(project.commence(papers, &by_id, manifest, "signed".into(), &by, at))?;
    project.in_force(Action::RunQuery).cloned()
}

fn rooms(
    name: &str,
    project: &InForce,
    datasets: &[Dataset],
    extract: u8,
    at: Timestamp,
) -> Result<(Extract, Workspace), Refusal> {
    let (identifiers, payload) = (id("per_identifiers")?, id("per_payload")?);
    let register = dataset("spine", Purpose::Spine, at)?;
    let spine = to(Delivery::open(
        id("del_spine")?,
        &register,
        &identifiers,
        at,
    ))?;
    let spine = to(spine.keep_identifiers(&register, file(4)?, file(5)?, 3, at))?;
    let mut indexed = Vec::new();
    for (n, of) in datasets.iter().enumerate() {
        let delivery = to(Delivery::open(
            id(&format!("del_{name}-{n}"))?,
            of,
            &identifiers,
            at,
        ))?;
        let delivery = to(delivery.keep_identifiers(of, file(1)?, file(2)?, 3, at))?;
        let delivery = to(delivery.open_payload(of, &payload, at))?;
        let delivery = to(delivery.keep_payload(file(3)?, None, 3, 0, at))?;
        let (this, by) = (id(&format!("idx_{name}-{n}"))?, id("per_indexer")?);
        let indexing = to(Indexing::order(
            this, project, &delivery, &spine, None, &by, at,
        ))?;
        let counts = Counts {
            records: 3,
            linked: 2,
            withheld: 0,
            objected: 0,
            review: None,
        };
        let indexing = to(indexing.complete(file(6)?, file(7)?, counts, at))?;
        indexed.push((of.id.clone(), indexing));
    }
    let by = id("per_steward")?;
    let ordered = to(Extract::order(
        id(&format!("ext_{name}"))?,
        project,
        &indexed,
        &by,
        at,
    ))?;
    let sealed = to(ordered.seal(file(extract)?, Vec::new(), at))?;
    let this = id(&format!("wsp_{name}"))?;
    let workspace = to(Workspace::open(this, project, &sealed, &by, at))?;
    Ok((sealed, workspace))
}
