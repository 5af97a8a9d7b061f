//! Indexing, extracts and workspaces.

use std::collections::BTreeMap;

use governance::dataset::{Dataset, Purpose};
use governance::delivery::Delivery;
use governance::extract::{Extract, Table};
use governance::indexing::review::Agreed;
use governance::indexing::{Counts, Indexing, Registers};
use governance::job::{Authority, Job, Outcome as JobOutcome, Task};
use governance::project::{InForce, Project};
use governance::workspace::Workspace;
use governance::{
    Action, Batch, By, DeliveryId, ExtractId, IndexingId, JobId, Lifecycle, ProjectId, Refusal,
    Sha256, WorkspaceId,
};
use protocol::keeper::{Cost, Outcome};
use serde::Serialize;
use store::Filter;

use crate::access::Object;
use crate::clerical::agreed;
use crate::deliveries::sealed;
use crate::error::ServiceError;
use crate::jobs::{Answer, Done};
use crate::{Caller, Service};

/// What an indexing came to.
#[derive(Debug, Clone, Serialize)]
pub struct IndexingAnswer {
    /// The indexing.
    pub indexing: IndexingId,
    /// `indexed`, or `under_review` while people judge pairs: then nothing is linked yet.
    pub state: &'static str,
    /// Pairs that people judge, or have judged; 0 without a clerical review.
    pub pairs: u32,
    /// What the clerical review came to, if one was held.
    pub review: Option<Agreed>,
    /// Records of the delivery.
    pub records: u64,
    /// Linked records by step.
    pub linked: BTreeMap<String, u64>,
    /// Links withheld because the person objected.
    pub withheld: u64,
    /// People of the spine who objected.
    pub objected: u64,
    /// The engine's report: counts only.
    pub detail: serde_json::Value,
    /// What the worker cost.
    pub cost: Cost,
}

/// What an extract came to.
#[derive(Debug, Clone, Serialize)]
pub struct ExtractAnswer {
    /// The extract.
    pub extract: ExtractId,
    /// Hash of the database file.
    pub sha256: Sha256,
    /// Bytes of the database file.
    pub bytes: u64,
    /// Counts by table.
    pub tables: Vec<Table>,
    /// What the worker cost.
    pub cost: Cost,
}

impl Service {
    /// Links a delivery's records to the spine for a project, less those who objected. With a clerical review of at
    /// most `review` pairs (0: none) there are no links before people have judged them.
    ///
    /// # Errors
    /// If the caller may not, the project is not live, no list of objections is named although one is kept, the
    /// review is larger than the policy allows, or the keeper refuses.
    pub async fn index(
        &self,
        caller: &Caller,
        project: &ProjectId,
        delivery: &DeliveryId,
        spine: &DeliveryId,
        objections: Option<&DeliveryId>,
        review: u32,
    ) -> Result<IndexingAnswer, ServiceError> {
        let now = self.now()?;
        let project = self
            .live_project(caller, project, Action::OrderIndexing, "indexing")
            .await?;
        let most = self.policies.limits.review_pairs;
        if review > most {
            return Err(ServiceError::BadInput(format!(
                "a clerical review has at most {most} pairs (review_pairs in policies/limits.toml)"
            )));
        }
        let delivery = self.load::<Delivery>(delivery.as_str()).await?.value;
        let spine = self.load::<Delivery>(spine.as_str()).await?.value;
        let objections = match objections {
            Some(id) => Some(self.load::<Delivery>(id.as_str()).await?.value),
            None => None,
        };
        self.must_be(&spine, Purpose::Spine).await?;
        match &objections {
            Some(objections) => self.must_be(objections, Purpose::Objections).await?,
            None => self.must_keep_no_objections().await?,
        }
        let id: IndexingId = self.fresh(IndexingId::PREFIX)?;
        let registers = Registers {
            spine: &spine,
            objections: objections.as_ref(),
        };
        let by = caller.id();
        let order =
            Indexing::order_reviewed(id.clone(), &project, &delivery, registers, review, by, now)?;
        let task = Task::Index {
            indexing: id.clone(),
        };
        let (job, queue) = self.manifest_job(&project, task.clone(), caller)?;
        let batch = Batch::new().begin(order)?.begin(queue)?;
        self.begin_job(caller, &task, &job, batch, Vec::new())
            .await?;
        let Answer::Indexing(answer) = self.carry_out(&job).await? else {
            return Err(ServiceError::strange());
        };
        Ok(answer)
    }

    pub(crate) async fn indexed(
        &self,
        id: &IndexingId,
        outcome: Outcome,
        cost: Cost,
    ) -> Result<Done, ServiceError> {
        let Outcome::Index {
            links,
            map,
            records,
            linked,
            withheld,
            objected,
            detail,
            review,
        } = outcome
        else {
            return Err(ServiceError::strange());
        };
        let held = self.load::<Indexing>(id.as_str()).await?;
        let counts = Counts {
            records,
            linked: linked.values().sum(),
            withheld,
            objected,
            review: review.map(agreed),
        };
        let (links, map) = (sealed(links)?, sealed(map)?);
        let bytes = Some(map.sha256.clone());
        let review = counts.review.clone();
        let change = held.value.complete(links, map, counts, self.now()?)?;
        let answer = IndexingAnswer {
            indexing: id.clone(),
            state: change.to().state(),
            pairs: review.as_ref().map_or(0, |review| review.pairs),
            review,
            records,
            linked,
            withheld,
            objected,
            detail: serde_json::from_str(&detail).unwrap_or(serde_json::Value::Null),
            cost,
        };
        Ok(Done {
            batch: Batch::new().change(held.version, change)?,
            outcome: JobOutcome {
                verdict: None,
                bytes,
                rows: None,
            },
            compared: None,
            answer: Answer::Indexing(answer),
        })
    }

    /// Cuts a project's extract: the approved columns and rows, under its pseudonyms.
    ///
    /// # Errors
    /// If the caller may not, the project is not live, or the keeper refuses.
    pub async fn extract(
        &self,
        caller: &Caller,
        project: &ProjectId,
        indexings: &[IndexingId],
    ) -> Result<ExtractAnswer, ServiceError> {
        let now = self.now()?;
        let project = self
            .live_project(caller, project, Action::OrderExtract, "extract")
            .await?;
        let mut chosen = Vec::with_capacity(indexings.len());
        for id in indexings {
            let indexing = self.load::<Indexing>(id.as_str()).await?.value;
            let delivery = indexing.core().delivery.clone();
            let delivery = self.load::<Delivery>(delivery.as_str()).await?.value;
            chosen.push((delivery.core().dataset.clone(), indexing));
        }
        let id: ExtractId = self.fresh(ExtractId::PREFIX)?;
        let order = Extract::order(id.clone(), &project, &chosen, caller.id(), now)?;
        let task = Task::Extract {
            extract: id.clone(),
        };
        let (job, queue) = self.manifest_job(&project, task.clone(), caller)?;
        let batch = Batch::new().begin(order)?.begin(queue)?;
        self.begin_job(caller, &task, &job, batch, Vec::new())
            .await?;
        let Answer::Extract(answer) = self.carry_out(&job).await? else {
            return Err(ServiceError::strange());
        };
        Ok(answer)
    }

    pub(crate) async fn extract_sealed(
        &self,
        id: &ExtractId,
        outcome: Outcome,
        cost: Cost,
    ) -> Result<Done, ServiceError> {
        let Outcome::Extract { file, tables } = outcome else {
            return Err(ServiceError::strange());
        };
        let held = self.load::<Extract>(id.as_str()).await?;
        let file = sealed(file)?;
        let (sha256, bytes) = (file.sha256.clone(), file.bytes);
        let tables: Vec<Table> = tables
            .into_iter()
            .map(|t| Table {
                name: t.name,
                columns: t.columns,
                rows: t.rows,
                people: t.people,
                unlinked: t.unlinked,
                filtered: t.filtered,
            })
            .collect();
        let change = held.value.seal(file, tables.clone(), self.now()?)?;
        let answer = ExtractAnswer {
            extract: id.clone(),
            sha256: sha256.clone(),
            bytes,
            tables,
            cost,
        };
        Ok(Done {
            batch: Batch::new().change(held.version, change)?,
            outcome: JobOutcome {
                verdict: None,
                bytes: Some(sha256),
                rows: None,
            },
            compared: None,
            answer: Answer::Extract(answer),
        })
    }

    /// Opens a workspace on a sealed extract.
    ///
    /// # Errors
    /// If the caller may not, or the extract is not the project's own.
    pub async fn open_workspace(
        &self,
        caller: &Caller,
        project: &ProjectId,
        extract: &ExtractId,
    ) -> Result<WorkspaceId, ServiceError> {
        let now = self.now()?;
        let project = self
            .live_project(caller, project, Action::OpenWorkspace, "workspace")
            .await?;
        let extract = self.load::<Extract>(extract.as_str()).await?.value;
        let id: WorkspaceId = self.fresh(WorkspaceId::PREFIX)?;
        let change = Workspace::open(id.clone(), &project, &extract, caller.id(), now)?;
        self.record(Some(caller), Batch::new().begin(change)?, Vec::new())
            .await?;
        Ok(id)
    }

    /// Suspends, resumes or closes a workspace.
    ///
    /// # Errors
    /// If the caller may not, or its state does not allow it.
    pub async fn keep_workspace(
        &self,
        caller: &Caller,
        id: &WorkspaceId,
        action: Action,
    ) -> Result<&'static str, ServiceError> {
        let now = self.now()?;
        let held = self.load::<Workspace>(id.as_str()).await?;
        let project = held.value.core().project.clone();
        let project = self.load::<Project>(project.as_str()).await?.value;
        let object = Object::of(&held.value).people(project.people());
        self.authorise(caller, action, &object, now)?;
        let change = match action {
            Action::SuspendWorkspace => held.value.suspend(caller.id(), now)?,
            Action::ResumeWorkspace => {
                held.value
                    .resume(project.in_force(action)?, caller.id(), now)?
            }
            Action::CloseWorkspace => held.value.close(&By::Person(caller.id().clone()), now)?,
            _ => return Err(ServiceError::NotFound("action on a workspace")),
        };
        let state = change.to().state();
        let batch = Batch::new().change(held.version, change)?;
        self.record(Some(caller), batch, Vec::new()).await?;
        Ok(state)
    }

    /// The project in force that something new is to belong to, authorised.
    async fn live_project(
        &self,
        caller: &Caller,
        id: &ProjectId,
        action: Action,
        kind: &'static str,
    ) -> Result<InForce, ServiceError> {
        let now = self.now()?;
        let project = self.load::<Project>(id.as_str()).await?.value;
        let object = Object::new(kind).people(project.people());
        self.authorise(caller, action, &object, now)?;
        let in_force = project.in_force(action)?.clone();
        in_force.live_at(now)?;
        Ok(in_force)
    }

    async fn must_be(&self, delivery: &Delivery, purpose: Purpose) -> Result<(), ServiceError> {
        let dataset = delivery.core().dataset.clone();
        let dataset = self.load::<Dataset>(dataset.as_str()).await?.value;
        dataset.instructed_at(self.now()?)?;
        if dataset.dictionary.purpose == purpose {
            Ok(())
        } else {
            Err(ServiceError::BadInput(
                "the spine must be a delivery of a spine, the objections one of an objection list"
                    .into(),
            ))
        }
    }

    /// Nobody is linked against their word: where a list of objections is kept, it is named.
    async fn must_keep_no_objections(&self) -> Result<(), ServiceError> {
        let now = self.now()?;
        let instructed = Filter {
            states: &["instructed"],
            ..Filter::default()
        };
        for held in self.every::<Dataset>(instructed).await? {
            let dataset = held.value;
            if dataset.dictionary.purpose == Purpose::Objections
                && dataset.instructed_at(now).is_ok()
                && self.has_complete_delivery(&dataset.id).await?
            {
                return Err(Refusal::Invalid(format!(
                    "{} ({}) is a list of people who object: name one of its deliveries as the objections, so that \
                     their links are withheld",
                    dataset.dictionary.title, dataset.id
                ))
                .into());
            }
        }
        Ok(())
    }

    pub(crate) fn manifest_job(
        &self,
        project: &InForce,
        task: Task,
        caller: &Caller,
    ) -> Result<(JobId, governance::Change<Job>), ServiceError> {
        let now = self.now()?;
        let job: JobId = self.fresh(JobId::PREFIX)?;
        let authority = Authority::Manifest {
            project: project.core.id.clone(),
            sha256: project.manifest_sha256.clone(),
        };
        let deadline = self.deadline(self.seconds(&task))?;
        let by = By::Person(caller.id().clone());
        let queue = Job::queue(job.clone(), task, authority, deadline, &by, now);
        Ok((job, queue))
    }
}
