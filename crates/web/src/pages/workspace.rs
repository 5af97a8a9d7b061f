//! A workspace: the tables of the extract, a box for SQL, the checked result, and the way of a result into an
//! output request. The screen is an output: it shows what a release would show, but for rows on a locked desktop
//! where the approval says so.

use askama::Template;
use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use axum::routing::{get, post};
use governance::desktop::LockedDesktop;
use governance::job::Job;
use governance::project::Project;
use governance::request::View;
use governance::{JobId, Lifecycle, Refusal, WorkspaceId};
use service::{JobView, Kind, ServiceError, WorkspaceView};

use super::form::{Faults, Posted};
use super::recovery::Shown;
use super::refusal::{Told, sentence};
use super::session::Visitor;
use super::shell::{Reply, Shell, again, page, see};
use super::words;
use super::workspace_report::Report;
use super::workspace_rows::Rows;
use super::workspace_saved::{self, Ask, Desk, Ran, Saved};
use super::workspace_tables::{Table, schema};
use crate::answer::{No, to_the_end};
use crate::desktops::FromDesktop;
use crate::{Front, Ready};

#[derive(Template)]
#[template(path = "workspace.html")]
pub(super) struct Page {
    shell: Shell,
    view: WorkspaceView,
    tables: Vec<Table>,
    /// Tables with their columns and what is said of them, as JSON, for completion.
    schema: String,
    saved: Vec<Saved>,
    before: Vec<Ran>,
    /// What two people opened here, and when.
    recoveries: Vec<Shown>,
    /// Whether the visitor can run statements in it now.
    asks: bool,
    until: Option<String>,
    statement_bytes: usize,
    query_s: i64,
    running: Vec<Running>,
    screen: Screen,
    outcome: Outcome,
}

/// What the screen may show whoever looks at it now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Screen {
    /// Checked results.
    Checked,
    /// Rows.
    Rows,
    /// Checked results, because this is no locked desktop.
    RowsElsewhere,
}

impl Screen {
    fn of(approved: View, desktop: Option<LockedDesktop>) -> Self {
        match (approved, desktop) {
            (View::Aggregates, _) => Self::Checked,
            (View::Rows, Some(_)) => Self::Rows,
            (View::Rows, None) => Self::RowsElsewhere,
        }
    }
}

/// The part of the page that tells of statements that run.
#[derive(Template)]
#[template(path = "workspace_running.html")]
struct RunningNow {
    shell: Shell,
    workspace: WorkspaceId,
    running: Vec<Running>,
}

/// A statement of the visitor's own that runs now.
struct Running {
    job: JobId,
    /// How far it is, in a sentence.
    says: String,
    /// When it is stopped at the latest.
    deadline: String,
}

/// The part of the page that a run changes.
#[derive(Template)]
#[template(path = "workspace_result.html")]
struct Fragment {
    shell: Shell,
    outcome: Outcome,
}

/// What came of a statement.
pub(super) struct Outcome {
    workspace: WorkspaceId,
    /// What is in the box.
    sql: String,
    /// The part of it that was run, if only a part was.
    part: String,
    report: Option<Report>,
    /// Rows of people, on a locked desktop.
    rows: Option<Rows>,
    pub(super) faults: Faults,
    shows: String,
    safe: String,
    /// The name that it is to be saved under.
    pub(super) name: String,
}

impl Outcome {
    /// What is in the box before anything came of it.
    pub(super) fn of(workspace: &WorkspaceId, sql: &str) -> Self {
        Self {
            workspace: workspace.clone(),
            sql: sql.to_owned(),
            part: String::new(),
            report: None,
            rows: None,
            faults: Faults::default(),
            shows: String::new(),
            safe: String::new(),
            name: String::new(),
        }
    }

    /// The statement that this came of.
    fn ran(&self) -> &str {
        if self.part.is_empty() {
            &self.sql
        } else {
            &self.part
        }
    }

    /// Whether the result can be put before output checkers. The check of the stored result decides.
    fn may_go(&self) -> bool {
        match &self.report {
            Some(report) => report.verdict != "fail",
            None if self.rows.is_some() => true,
            None => {
                !self.shows.is_empty() || !self.safe.is_empty() || self.faults.of("shows").is_some()
            }
        }
    }
}

/// Routes of workspaces.
pub(crate) fn routes() -> Router<Front> {
    Router::new()
        .route("/workspaces/{id}", get(show))
        .route("/workspaces/{id}/run", post(run))
        .route("/workspaces/{id}/running", get(running))
        .route("/workspaces/{id}/cancel", post(cancel))
        .route("/workspaces/{id}/outputs", post(stage))
        .route("/projects/{id}/dummy-extract", get(workspace_saved::dummy))
        .route("/workspaces/{id}/saved", post(workspace_saved::save))
        .route(
            "/workspaces/{id}/saved/forget",
            post(workspace_saved::forget),
        )
}

pub(crate) async fn show(
    State(front): Ready,
    visitor: Visitor,
    desktop: FromDesktop,
    Path(id): Path<WorkspaceId>,
    Query(ask): Query<Ask>,
) -> Reply {
    page(&open(&front, &visitor, &desktop, Outcome::of(&id, ""), &ask).await?)
}

/// The page with what came of a statement in it, or with the statement that is asked for.
pub(super) async fn open(
    front: &Front,
    visitor: &Visitor,
    desktop: &FromDesktop,
    mut outcome: Outcome,
    ask: &Ask,
) -> Result<Page, Told> {
    let (service, caller) = (&front.service, &visitor.caller);
    let id = outcome.workspace.clone();
    let view = service.workspace(caller, &id).await?;
    let project = &view.project.project;
    let manifest = project.manifest();
    let mut tables = Vec::new();
    for asked in manifest.map_or(&[][..], |m| &m.datasets) {
        tables.extend(Table::of(front, visitor, manifest, &asked.dataset, &view).await?);
    }
    let limits = &service.policies().limits;
    let live = view.state == "open" && matches!(project, Project::InForce(_));
    let asks = live && project.people().contains(&caller.person.id);
    // Somebody whose papers ran out still sees the page.
    let desk = match asks {
        true => Desk::of(front, visitor, &id).await.ok(),
        false => None,
    };
    if let Some(sql) = desk.as_ref().and_then(|desk| desk.asked(ask)) {
        outcome.sql = sql.to_owned();
    }
    let saved = desk.as_ref().map_or(Vec::new(), |desk| desk.saved(&id));
    let recoveries = service.recoveries_of(caller, &id).await?;
    Ok(Page {
        shell: Shell::of(visitor, format!("Workspace of {}", project.core().title))
            .done(ask.done.as_deref())
            .fault(&outcome.faults),
        schema: schema(&tables, &saved),
        before: desk.map_or(Vec::new(), |desk| desk.before(&id)),
        saved,
        recoveries: recoveries.into_iter().map(Shown::of).collect(),
        asks,
        until: manifest.map(|m| words::day(m.end)),
        statement_bytes: limits.statement_bytes,
        query_s: limits.query_s,
        running: running_now(front, visitor, &id).await?,
        screen: Screen::of(view.view, desktop.0),
        tables,
        outcome,
        view,
    })
}

/// The visitor's statements that run in a workspace now.
async fn running_now(
    front: &Front,
    visitor: &Visitor,
    id: &WorkspaceId,
) -> Result<Vec<Running>, Told> {
    let jobs = front
        .service
        .statements_running(&visitor.caller, id)
        .await?;
    let jobs = jobs.into_iter().map(|job| Running {
        says: says(&job),
        job: job.job,
        deadline: words::moment(job.deadline),
    });
    Ok(jobs.collect())
}

fn says(job: &JobView) -> String {
    match (job.queue, &job.progress) {
        (Some(1), _) => "A statement waits for a worker: it is next in the queue.".into(),
        (Some(number), _) => {
            format!("A statement waits for a worker: it is number {number} in the queue.")
        }
        (None, Some(progress)) => format!("A statement is at: {}.", progress.stage),
        (None, None) => "A statement is about to begin.".into(),
    }
}

/// What runs, for a page that waits for a result.
pub(crate) async fn running(
    State(front): Ready,
    visitor: Visitor,
    Path(id): Path<WorkspaceId>,
) -> Reply {
    page(&RunningNow {
        running: running_now(&front, &visitor, &id).await?,
        shell: Shell::of(&visitor, "Running now"),
        workspace: id,
    })
}

/// Cancels a statement that runs.
pub(crate) async fn cancel(
    State(front): Ready,
    Path(id): Path<WorkspaceId>,
    headers: HeaderMap,
    posted: Posted,
) -> Reply {
    let Posted { visitor, form } = posted;
    let job = JobId::try_from(form.one("job").to_owned())
        .map_err(|_| ServiceError::NotFound(Job::KIND))?;
    front.service.cancel_job(&visitor.caller, &job).await?;
    if headers.contains_key("hx-request") {
        return running(State(front), visitor, Path(id)).await;
    }
    Ok(see(&format!("/workspaces/{id}"), "job_cancelled"))
}

/// Runs a statement and shows what the screen may show of it below the box, which keeps the statement.
pub(crate) async fn run(
    State(front): Ready,
    desktop: FromDesktop,
    Path(id): Path<WorkspaceId>,
    headers: HeaderMap,
    posted: Posted,
) -> Reply {
    let Posted { visitor, form } = posted;
    let mut outcome = Outcome::of(&id, form.raw("sql"));
    form.raw("part").trim().clone_into(&mut outcome.part);
    let sql = outcome.ran().to_owned();
    let (service, caller) = (front.service.clone(), visitor.caller.clone());
    let at = desktop.0;
    let work = async move { service.show(&caller, &id, &sql, at).await };
    match to_the_end(work).await {
        Ok(service::Shown::Checked(answer)) => outcome.report = Report::read(answer.report)?,
        Ok(service::Shown::Rows(answer)) => match Rows::of(answer.result) {
            Ok(rows) => outcome.rows = Some(rows),
            Err(words) => outcome.faults.add("sql", words),
        },
        Err(no) => outcome.faults = mended(no)?,
    }
    let faults = outcome.faults.clone();
    if headers.contains_key("hx-request") {
        let shell = Shell::of(&visitor, "Result");
        return either(&faults, &Fragment { shell, outcome });
    }
    either(
        &faults,
        &open(&front, &visitor, &desktop, outcome, &Ask::default()).await?,
    )
}

fn either(faults: &Faults, template: &impl Template) -> Reply {
    if faults.is_empty() {
        page(template)
    } else {
        again(template)
    }
}

/// A statement that cannot be run or was stopped comes back to its box; any other no is a page of its own.
fn mended(no: No) -> Result<Faults, Told> {
    let error = no.into_inner();
    let its_own = match &error {
        ServiceError::Uncheckable(_)
        | ServiceError::Refused(Refusal::Cancelled | Refusal::Deadline) => true,
        // A keeper that is away comes back: the statement waits here.
        // So does one that finds the queue full.
        other => matches!(
            other.kind(),
            Kind::BadInput | Kind::Unavailable | Kind::TooOften
        ),
    };
    if !its_own {
        return Err(error.into());
    }
    let mut faults = Faults::default();
    faults.add("sql", sentence(&error.to_string()));
    Ok(faults)
}

/// Keeps a result for release: the statement is run again, its table kept and checked.
pub(crate) async fn stage(
    State(front): Ready,
    desktop: FromDesktop,
    Path(id): Path<WorkspaceId>,
    posted: Posted,
) -> Reply {
    let Posted { visitor, form } = posted;
    let sql = form.raw("sql").to_owned();
    let mut outcome = Outcome::of(&id, &sql);
    (outcome.shows, outcome.safe) = (form.one("shows").into(), form.one("safe").into());
    let faults = &mut outcome.faults;
    faults.unless(
        !outcome.shows.is_empty(),
        "shows",
        "Say what the table shows",
    );
    faults.unless(!outcome.safe.is_empty(), "safe", "Say why it is safe");
    if !outcome.faults.is_empty() {
        return again(&open(&front, &visitor, &desktop, outcome, &Ask::default()).await?);
    }
    let text = context(&outcome.shows, &outcome.safe);
    let (service, caller) = (front.service.clone(), visitor.caller.clone());
    let work = async move { service.stage_output(&caller, &id, &sql, &text).await };
    match to_the_end(work).await {
        Ok(answer) => Ok(see(&format!("/outputs/{}", answer.output), "output_staged")),
        Err(no) => {
            outcome.faults = mended(no)?;
            again(&open(&front, &visitor, &desktop, outcome, &Ask::default()).await?)
        }
    }
}

/// What an author says of an output, as one text.
fn context(shows: &str, safe: &str) -> String {
    format!("What it shows:\n{shows}\n\nWhy it is safe:\n{safe}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_that_waits_says_where_it_stands() {
        let says = |queue: Option<u64>, stage: Option<&str>| {
            says(&JobView {
                job: "job_1".parse().unwrap(),
                task: "query",
                about: "wsp_1".into(),
                state: "queued",
                cause: None,
                attempt: 1,
                asked_by: None,
                deadline: governance::Timestamp::UNIX_EPOCH,
                running_until: None,
                queue,
                progress: stage.map(|stage| service::JobProgress {
                    done: 0,
                    total: 0,
                    stage: stage.into(),
                }),
            })
        };
        let waits = Some("waiting for a place");
        for (queue, stage, words) in [
            (None, None, "A statement is about to begin."),
            (
                Some(1),
                waits,
                "A statement waits for a worker: it is next in the queue.",
            ),
            (
                Some(12),
                waits,
                "A statement waits for a worker: it is number 12 in the queue.",
            ),
            (None, Some("counting"), "A statement is at: counting."),
        ] {
            assert_eq!(says(queue, stage), words);
        }
    }
}
