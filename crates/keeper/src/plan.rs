//! Which files the worker of a task sends.

use governance::job::{Authority, Task};
use protocol::job::PEOPLE;
use protocol::keeper::Refused;
use vault::Purpose;

use crate::authority::Warrant;
use crate::error::internal;

/// The word under which the people behind cells are kept until they are judged.
pub(crate) const LISTED_WORD: &str = "listed";

/// Name that the worker sends, and the word in the name of the sealed file.
type Expected = &'static [(&'static str, &'static str)];

/// Files of a link job; which of them must come depends on what it reports.
const LINK_FILES: Expected = &[
    ("links", "links"),
    ("links.parquet", "links-table"),
    ("model.json", "model"),
    (protocol::pairs::NAME, "pairs"),
];

/// Files of a task: those that must come, those that may, and with whose secret they are sealed.
pub(crate) struct Plan {
    pub(crate) must: Expected,
    pub(crate) may: Expected,
    pub(crate) owner: String,
    pub(crate) purpose: Purpose,
}

pub(crate) fn plan(warrant: &Warrant) -> Result<Plan, Refused> {
    let project = || match &warrant.core.authority {
        Authority::Manifest { project, .. } => Ok(project.to_string()),
        Authority::Instruction { .. } => Err(internal("the job has no project")),
    };
    Ok(match &warrant.core.task {
        Task::LoadIdentifiers { delivery, .. } => Plan {
            must: &[
                ("identifiers.parquet", "identifiers"),
                ("records", "records"),
            ],
            may: &[],
            owner: delivery.to_string(),
            purpose: Purpose::Delivery,
        },
        Task::LoadPayload { delivery, .. } => Plan {
            must: &[("payload.parquet", "payload")],
            may: &[("events", "events")],
            owner: delivery.to_string(),
            purpose: Purpose::Delivery,
        },
        Task::Index { .. } => Plan {
            must: &[],
            may: LINK_FILES,
            owner: project()?,
            purpose: Purpose::Linkage,
        },
        Task::Extract { .. } => Plan {
            must: &[("extract.duckdb", "extract")],
            may: &[],
            owner: project()?,
            purpose: Purpose::Extract,
        },
        Task::Query { .. } | Task::Check { .. } => Plan {
            must: &[],
            may: &[(PEOPLE, LISTED_WORD)],
            owner: project()?,
            purpose: Purpose::Extract,
        },
        Task::Measure { .. } => Plan {
            must: &[],
            may: &[],
            owner: project()?,
            purpose: Purpose::Extract,
        },
    })
}
