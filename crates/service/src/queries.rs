//! Queries of a workspace. The screen is an output: it shows checked results only, but for rows on a locked desktop
//! where every controller agreed to that.

use disclosure::Policy;
use governance::desktop::LockedDesktop;
use governance::job::{
    Comparison, Core, Job, Outcome as JobOutcome, Screen, Statement, must_be_approved,
};
use governance::output::Verdict;
use governance::project::{InForce, Permit, Project};
use governance::request::View;
use governance::workspace::Workspace;
use governance::{Action, Batch, By, InRegister, JobId, PersonId, Refusal, WorkspaceId};
use protocol::compare::{Behind, Judged};
use protocol::keeper::{ComparedWith, Cost};
use protocol::report::StatementResult;
use serde::Serialize;
use store::Document;

use crate::access::Object;
use crate::error::ServiceError;
use crate::jobs::{Answer, Done, JobView};
use crate::outputs::kept_people;
use crate::{Caller, Service, document, sha256};

/// How often a statement is run while others of the project are shown something at the very same moment.
const SHOW_TRIES: u32 = 5;

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

/// Rows of people, for the screen of a locked desktop. They are kept nowhere.
pub struct RowsAnswer {
    /// The job.
    pub job: JobId,
    /// What came of the statement.
    pub result: StatementResult,
    /// What the worker cost.
    pub cost: Cost,
}

/// What a screen shows of a statement.
pub enum Shown {
    /// Its checked result.
    Checked(QueryAnswer),
    /// Its rows.
    Rows(RowsAnswer),
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
        match self.show(caller, workspace, sql, None).await? {
            Shown::Checked(answer) => Ok(answer),
            Shown::Rows(_) => Err(ServiceError::strange()),
        }
    }

    /// The same for a screen: its rows where the approval says so and the screen is a locked desktop, and else its
    /// checked result.
    ///
    /// # Errors
    /// As [`Service::query`].
    pub async fn show(
        &self,
        caller: &Caller,
        workspace: &WorkspaceId,
        sql: &str,
        desktop: Option<LockedDesktop>,
    ) -> Result<Shown, ServiceError> {
        for _ in 1..SHOW_TRIES {
            match self.show_once(caller, workspace, sql, desktop).await {
                // Something left, or the project was shown something, between comparison and record.
                Err(ServiceError::Refused(Refusal::NotCompared)) => {}
                ended => return ended,
            }
        }
        self.show_once(caller, workspace, sql, desktop).await
    }

    async fn show_once(
        &self,
        caller: &Caller,
        workspace: &WorkspaceId,
        sql: &str,
        desktop: Option<LockedDesktop>,
    ) -> Result<Shown, ServiceError> {
        let now = self.now()?;
        let (workspace, in_force, permit) = self
            .enter(caller, workspace, Action::RunQuery, "workspace")
            .await?;
        let screen = match (self.level(caller, &workspace, &in_force)?, desktop) {
            (View::Rows, Some(desktop)) => Screen::Rows { desktop },
            (View::Rows, None) | (View::Aggregates, _) => Screen::Checked,
        };
        let sql = &self.with_tables(caller, &workspace.core().id, sql).await?;
        let statement = self.statement(sql)?;
        let asked = Statement {
            sha256: sha256(sql.as_bytes())?,
            screen,
        };
        let job: JobId = self.fresh(JobId::PREFIX)?;
        let deadline = self.deadline(self.statement_s())?;
        let queue = Job::query(
            job.clone(),
            &permit,
            &workspace,
            asked,
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
        match self.carry_out(&job).await? {
            Answer::Query(answer) => Ok(Shown::Checked(answer)),
            Answer::Rows(answer) => Ok(Shown::Rows(answer)),
            Answer::Delivery(_)
            | Answer::Indexing(_)
            | Answer::Extract(_)
            | Answer::Check(_)
            | Answer::Measurement(_) => Err(ServiceError::strange()),
        }
    }

    /// What the screen of a workspace may show the caller, on a locked desktop.
    ///
    /// # Errors
    /// If the time cannot be told.
    pub(crate) fn level(
        &self,
        caller: &Caller,
        workspace: &Workspace,
        project: &InForce,
    ) -> Result<View, ServiceError> {
        let approved = [project.manifest.view, workspace.core().view];
        let object = Object::of(workspace).people(project.people());
        let now = self.now()?;
        let may = self.authorise(caller, Action::ViewRows, &object, now);
        Ok(match must_be_approved(View::Rows, approved) {
            Ok(()) if may.is_ok() => View::Rows,
            Ok(()) | Err(_) => View::Aggregates,
        })
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

    /// The tables of a screen, which were judged beside each other, and beside what left and what the people of the
    /// project were shown before.
    pub(crate) async fn query_judged(
        &self,
        core: &Core,
        person: &PersonId,
        judged: Judged,
        (compared, cost): (ComparedWith, Cost),
    ) -> Result<Done, ServiceError> {
        // The approval may have lapsed while the statement ran: then nothing is shown.
        let project = self.still_permitted(core, person).await?;
        let verdict = self.verdict(&judged, &project)?;
        let compared = match verdict {
            Verdict::Pass | Verdict::Treat => Some(shown(compared)?),
            Verdict::Review | Verdict::Fail => None,
        };
        let report = serde_json::to_vec(&judged.renderings.checker)?;
        let outcome = JobOutcome {
            verdict: Some(verdict.word().to_owned()),
            bytes: Some(sha256(&report)?),
            rows: None,
        };
        let answer = QueryAnswer {
            job: core.id.clone(),
            verdict: verdict.word().to_owned(),
            report: judged.renderings.researcher,
            cost,
        };
        Ok(Done {
            batch: Batch::new(),
            outcome,
            compared,
            answer: Answer::Query(answer),
        })
    }

    /// Rows for a locked desktop: the log keeps how many there were, and nothing keeps them.
    pub(crate) async fn rows_shown(
        &self,
        core: &Core,
        person: &PersonId,
        result: StatementResult,
        cost: Cost,
    ) -> Result<Done, ServiceError> {
        // The approval may have lapsed while the statement ran: then nothing is shown.
        self.still_permitted(core, person).await?;
        let rows = result.result.as_ref().map_or(0, |shown| shown.rows.len());
        let outcome = JobOutcome {
            rows: Some(u64::try_from(rows).unwrap_or(u64::MAX)),
            ..JobOutcome::default()
        };
        let answer = RowsAnswer {
            job: core.id.clone(),
            result,
            cost,
        };
        Ok(Done {
            batch: Batch::new(),
            outcome,
            compared: None,
            answer: Answer::Rows(answer),
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
}

/// A checked result that may be shown: it is known who is behind it, and the register has it or gets it.
fn shown(compared: ComparedWith) -> Result<Comparison, ServiceError> {
    let with = InRegister {
        outputs: compared.releases,
        screens: compared.screens,
    };
    let people = kept_people(compared.people)?;
    match (compared.behind, &people) {
        (Behind::Sent, Some(_)) | (Behind::Known, None) => Ok(Comparison { with, people }),
        (Behind::Sent, None) | (Behind::Known, Some(_)) => Err(ServiceError::strange()),
        (Behind::Unknown, _) => Err(ServiceError::Uncheckable(
            "it cannot be told who is behind the numbers".into(),
        )),
    }
}
