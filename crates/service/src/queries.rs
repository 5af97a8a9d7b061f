//! Queries of a workspace. The screen is an output: it shows checked results only.

use disclosure::{Evidence, Policy, Report, Verdict};
use governance::job::{Job, Outcome as JobOutcome};
use governance::project::{InForce, Permit, Project};
use governance::workspace::Workspace;
use governance::{Action, Batch, JobId, WorkspaceId};
use protocol::keeper::{Cost, Outcome};
use serde::Serialize;
use store::Document;

use crate::access::Object;
use crate::error::ServiceError;
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
    /// Runs a statement in a workspace and shows what is safe to show.
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
        let (workspace, project, permit) = self
            .enter(caller, workspace, Action::RunQuery, "workspace")
            .await?;
        let statement = self.statement(sql)?;
        let hash = sha256(sql.as_bytes())?;
        let job: JobId = self.fresh(JobId::PREFIX)?;
        let deadline = self.deadline(self.policies.limits.query_s)?;
        let queue = Job::query(
            job.clone(),
            &permit,
            &workspace,
            hash,
            deadline,
            caller.id(),
            now,
        )?;
        self.record(Some(caller), Batch::new().begin(queue)?, vec![statement])
            .await?;
        let judged = self.run_and_judge(&job, &project).await;
        // The approval may have lapsed while the statement ran: then nothing is shown.
        let judged = match judged {
            Ok(judged) => self
                .still_permitted(caller, &project)
                .await
                .map(|()| judged),
            Err(error) => Err(error),
        };
        let (report, cost) = match judged {
            Ok(judged) => judged,
            Err(error) => {
                self.fail_job(&job, Batch::new(), &error).await?;
                return Err(error);
            }
        };
        let verdict = word(report.verdict).to_owned();
        let outcome = JobOutcome {
            verdict: Some(verdict.clone()),
            bytes: Some(sha256(&serde_json::to_vec(&report)?)?),
        };
        self.finish_job(&job, Batch::new(), outcome).await?;
        Ok(QueryAnswer {
            job,
            verdict,
            report: serde_json::to_value(report.for_researcher())?,
            cost,
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

    /// Whether the same approval is still in force and the person still fit.
    pub(crate) async fn still_permitted(
        &self,
        caller: &Caller,
        before: &InForce,
    ) -> Result<(), ServiceError> {
        let project = self.load::<Project>(before.core.id.as_str()).await?.value;
        let person = self
            .load::<governance::person::Person>(caller.id().as_str())
            .await?
            .value;
        let now = project.in_force(Action::RunQuery)?;
        now.permit(&person, self.now()?)?;
        if now.manifest_sha256 == before.manifest_sha256 {
            Ok(())
        } else {
            Err(governance::Refusal::NotApproved("the manifest of this query").into())
        }
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

    /// Has the keeper gather evidence and judges it here, outside the worker.
    pub(crate) async fn run_and_judge(
        &self,
        job: &JobId,
        project: &InForce,
    ) -> Result<(Report, Cost), ServiceError> {
        let (outcome, cost) = self.keeper.run(job.as_str()).await?;
        let Outcome::Evidence { evidence } = outcome else {
            return Err(ServiceError::KeeperGone);
        };
        let evidence: Evidence = serde_json::from_str(&evidence)
            .map_err(|_| ServiceError::Uncheckable("the evidence cannot be read".into()))?;
        let report = disclosure::check(&evidence, &self.project_policy(project)?);
        Ok((report, cost))
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
