//! Queries of a workspace. The screen is an output: it shows checked results only.

use disclosure::{Evidence, Policy, Report, Verdict};
use governance::job::{Core, Job, Outcome as JobOutcome};
use governance::project::{InForce, Permit, Project};
use governance::workspace::Workspace;
use governance::{Action, Batch, By, JobId, PersonId, WorkspaceId};
use protocol::keeper::Cost;
use serde::Serialize;
use store::Document;

use crate::access::Object;
use crate::error::ServiceError;
use crate::jobs::{Answer, Done, JobView};
use crate::{Caller, Service, document, sha256};

/// What the screen of a workspace shows for a statement.
#[derive(Debug, Clone, Serialize)]
pub struct QueryAnswer {
    /// The job.
    pub job: JobId,
    /// `pass`, `treat`, `review` or `fail`.
    pub verdict: String,
    /// The researcher's rendering: values of safe cells, and for the others rule, cell and remedy.
    pub report: serde_json::Value,
    /// What the worker cost.
    pub cost: Cost,
}

impl Service {
    /// Runs a statement in a workspace, with the workspace tables that it names, and shows what is safe to show.
    ///
    /// # Errors
    /// If the caller may not, the approval lapsed, or the statement cannot be run.
    pub async fn query(
        &self,
        caller: &Caller,
        workspace: &WorkspaceId,
        sql: &str,
    ) -> Result<QueryAnswer, ServiceError> {
        let now = self.now()?;
        let (workspace, _, permit) = self
            .enter(caller, workspace, Action::RunQuery, "workspace")
            .await?;
        let sql = &self.with_tables(caller, &workspace.core().id, sql).await?;
        let statement = self.statement(sql)?;
        let hash = sha256(sql.as_bytes())?;
        let job: JobId = self.fresh(JobId::PREFIX)?;
        let deadline = self.deadline(self.statement_s())?;
        let queue = Job::query(
            job.clone(),
            &permit,
            &workspace,
            hash,
            deadline,
            caller.id(),
            now,
        )?;
        let task = queue.to().core().task.clone();
        let batch = Batch::new().begin(queue)?;
        let room = self.room_in_queue(permit.project()).await?;
        self.begin_job(caller, &task, &job, batch, vec![statement])
            .await?;
        drop(room);
        let Answer::Query(answer) = self.carry_out(&job).await? else {
            return Err(ServiceError::strange());
        };
        Ok(answer)
    }

    /// Statements of the caller's own that run in a workspace now.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn statements_running(
        &self,
        caller: &Caller,
        workspace: &WorkspaceId,
    ) -> Result<Vec<JobView>, ServiceError> {
        let mut running = Vec::new();
        for held in self.queued_jobs().await? {
            let core = held.value.core();
            let mine = core.asked_by == By::Person(caller.id().clone());
            if mine && core.task.object() == workspace.as_str() {
                running.push(self.view(&held.value).await?);
            }
        }
        Ok(running)
    }

    pub(crate) async fn query_judged(
        &self,
        core: &Core,
        person: &PersonId,
        evidence: &str,
        cost: Cost,
    ) -> Result<Done, ServiceError> {
        // The approval may have lapsed while the statement ran: then nothing is shown.
        let project = self.still_permitted(core, person).await?;
        let report = self.judge(evidence, &project)?;
        let verdict = word(report.verdict).to_owned();
        let outcome = JobOutcome {
            verdict: Some(verdict.clone()),
            bytes: Some(sha256(&serde_json::to_vec(&report)?)?),
        };
        let answer = QueryAnswer {
            job: core.id.clone(),
            verdict,
            report: serde_json::to_value(report.for_researcher())?,
            cost,
        };
        Ok(Done {
            batch: Batch::new(),
            outcome,
            answer: Answer::Query(answer),
        })
    }

    /// A workspace that a person may use now, with its project.
    pub(crate) async fn enter(
        &self,
        caller: &Caller,
        id: &WorkspaceId,
        action: Action,
        kind: &'static str,
    ) -> Result<(Workspace, InForce, Permit), ServiceError> {
        let now = self.now()?;
        let workspace = self.load::<Workspace>(id.as_str()).await?.value;
        let project = workspace.core().project.clone();
        let project = self.load::<Project>(project.as_str()).await?.value;
        let object = Object::of(&workspace)
            .people(project.people())
            .as_kind(kind);
        self.authorise(caller, action, &object, now)?;
        workspace.must_be_open(action)?;
        let in_force = project.in_force(action)?.clone();
        let permit = in_force.permit(&caller.person, now)?;
        Ok((workspace, in_force, permit))
    }

    pub(crate) fn statement(&self, sql: &str) -> Result<Document, ServiceError> {
        let max = self.policies.limits.statement_bytes;
        if sql.len() > max {
            return Err(ServiceError::BadInput(format!(
                "the statement is larger than {max} bytes (statement_bytes in policies/limits.toml)"
            )));
        }
        if sql.trim().is_empty() || sql.contains('\0') {
            return Err(ServiceError::BadInput("the statement is empty".into()));
        }
        Ok(document("statement", sql.as_bytes()))
    }

    /// The policy of a project: the site's, tightened by the manifest and never relaxed.
    pub(crate) fn project_policy(&self, project: &InForce) -> Result<Policy, ServiceError> {
        let policy = self.policies.disclosure.clone();
        let minimum = policy.minimum().max(project.manifest.minimum_cell.into());
        policy
            .tighten(minimum)
            .map_err(|e| ServiceError::Uncheckable(e.to_string()))
    }

    /// Judges evidence here, outside the worker that gathered it.
    pub(crate) fn judge(&self, evidence: &str, project: &InForce) -> Result<Report, ServiceError> {
        let evidence: Evidence = serde_json::from_str(evidence)
            .map_err(|_| ServiceError::Uncheckable("the evidence cannot be read".into()))?;
        Ok(disclosure::check(&evidence, &self.project_policy(project)?))
    }
}

/// The word of a verdict.
pub(crate) fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "pass",
        Verdict::Treat => "treat",
        Verdict::Review => "review",
        Verdict::Fail => "fail",
    }
}
