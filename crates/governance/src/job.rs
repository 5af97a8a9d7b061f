//! Jobs: what the keeper is asked to do, under whose authority. The intent is in the log before anything runs.

mod screen;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::action::Action;
use crate::change::{By, Change, Lifecycle};
use crate::ids::{
    DatasetId, DeliveryId, ExtractId, IndexingId, JobId, MeasurementId, OutputId, PersonId,
    ProjectId, Sha256, WorkspaceId,
};
use crate::project::Permit;
use crate::refusal::Refusal;
use crate::request::View;
use crate::workspace::Workspace;

pub use screen::{Comparison, Screen, Shown, Statement, must_be_approved};

/// What permits a job. There are two kinds and no third.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "snake_case", deny_unknown_fields)]
pub enum Authority {
    /// A project's signed manifest.
    Manifest {
        /// The project.
        project: ProjectId,
        /// Hash of the manifest's bytes.
        sha256: Sha256,
    },
    /// A controller's standing instruction for its dataset.
    Instruction {
        /// The dataset.
        dataset: DatasetId,
    },
}

impl Authority {
    /// What the log cites: the hash of the manifest, or the dataset whose controller instructed.
    #[must_use]
    pub fn cited(&self) -> String {
        match self {
            Self::Manifest { sha256, .. } => sha256.to_string(),
            Self::Instruction { dataset } => dataset.to_string(),
        }
    }

    /// The project whose manifest it is.
    #[must_use]
    pub fn project(&self) -> Option<&ProjectId> {
        match self {
            Self::Manifest { project, .. } => Some(project),
            Self::Instruction { .. } => None,
        }
    }
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "task", rename_all = "snake_case", deny_unknown_fields)]
pub enum Task {
    /// Read a delivered file of identifiers.
    LoadIdentifiers {
        /// The delivery.
        delivery: DeliveryId,
        /// Name of the uploaded file under the keeper's folder.
        upload: String,
        /// `csv` or `parquet`.
        format: String,
    },
    /// Read a delivered file of payload.
    LoadPayload {
        /// The delivery.
        delivery: DeliveryId,
        /// Name of the uploaded file under the keeper's folder.
        upload: String,
        /// `csv` or `parquet`.
        format: String,
    },
    /// Link a delivery's records to the spine.
    Index {
        /// The indexing.
        indexing: IndexingId,
    },
    /// Cut an extract.
    Extract {
        /// The extract.
        extract: ExtractId,
    },
    /// Run a statement for the screen of a workspace.
    Query {
        /// The workspace.
        workspace: WorkspaceId,
        /// Who asks.
        person: PersonId,
        /// Hash of the statement's text, a key into the documents.
        statement: Sha256,
        /// What the screen shows of it.
        #[serde(default, skip_serializing_if = "Screen::is_checked")]
        screen: Screen,
    },
    /// Check a staged output.
    Check {
        /// The output.
        output: OutputId,
    },
    /// Draw the answer of a measurement that runs under this job.
    Measure {
        /// The measurement.
        measurement: MeasurementId,
    },
}

impl Task {
    /// The word.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::LoadIdentifiers { .. } => "load_identifiers",
            Self::LoadPayload { .. } => "load_payload",
            Self::Index { .. } => "index",
            Self::Extract { .. } => "extract",
            Self::Query { .. } => "query",
            Self::Check { .. } => "check",
            Self::Measure { .. } => "measure",
        }
    }

    /// The view level that it needs, if it is for a screen.
    #[must_use]
    pub fn view(&self) -> Option<View> {
        match self {
            Self::Query { screen, .. } => Some(screen.view()),
            Self::LoadIdentifiers { .. }
            | Self::LoadPayload { .. }
            | Self::Index { .. }
            | Self::Extract { .. }
            | Self::Check { .. }
            | Self::Measure { .. } => None,
        }
    }

    /// Id of what it is about.
    #[must_use]
    pub fn object(&self) -> &str {
        match self {
            Self::LoadIdentifiers { delivery, .. } | Self::LoadPayload { delivery, .. } => {
                delivery.as_str()
            }
            Self::Index { indexing } => indexing.as_str(),
            Self::Extract { extract } => extract.as_str(),
            Self::Query { workspace, .. } => workspace.as_str(),
            Self::Check { output } => output.as_str(),
            Self::Measure { measurement } => measurement.as_str(),
        }
    }
}

/// What every state of a job knows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Core {
    /// Id.
    pub id: JobId,
    /// What is to be done.
    pub task: Task,
    /// What permits it.
    pub authority: Authority,
    /// It must be done by then.
    pub deadline: Timestamp,
    /// Who asked for the act that it belongs to.
    pub asked_by: By,
    /// Which try at the same thing it is, from 1.
    pub attempt: u32,
}

/// How a job ended that was done, in words from a closed list and numbers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Outcome {
    /// For a query or a check: `pass`, `treat`, `review`, `fail`.
    pub verdict: Option<String>,
    /// Hash of the bytes it made, if any.
    pub bytes: Option<Sha256>,
    /// Rows of people that a screen showed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows: Option<u64>,
}

/// Why a job was not done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// No decision permits it, or none does any more.
    NotPermitted,
    /// The input is not fit.
    BadInput,
    /// A limit was reached.
    Limit,
    /// A wall of the sandbox is missing.
    MissingLayer,
    /// There is no space left for what it makes.
    NoSpace,
    /// Its result could not be judged.
    Uncheckable,
    /// Something left or was shown between its comparison and its record.
    Overtaken,
    /// It was not done in time.
    Deadline,
    /// The front or the keeper ended while it ran.
    Interrupted,
    /// The keeper or a worker failed.
    Internal,
}

impl Cause {
    /// The word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::NotPermitted => "not_permitted",
            Self::BadInput => "bad_input",
            Self::Limit => "limit",
            Self::MissingLayer => "missing_layer",
            Self::NoSpace => "no_space",
            Self::Uncheckable => "uncheckable",
            Self::Overtaken => "overtaken",
            Self::Deadline => "deadline",
            Self::Interrupted => "interrupted",
            Self::Internal => "internal",
        }
    }
}

/// A job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case", deny_unknown_fields)]
pub enum Job {
    /// Waits for the keeper or runs: it runs while somebody holds a lease on it.
    Queued {
        /// What it knows.
        core: Core,
    },
    /// Done.
    Done {
        /// What it knows.
        core: Core,
        /// How.
        outcome: Outcome,
    },
    /// Done, and a screen showed something new: it is an entry of the release register.
    Shown {
        /// What it knows.
        core: Core,
        /// How.
        outcome: Outcome,
        /// The entry.
        shown: Shown,
    },
    /// Not done.
    Failed {
        /// What it knows.
        core: Core,
        /// Why.
        cause: Cause,
    },
    /// Cancelled before it was done.
    Cancelled {
        /// What it knows.
        core: Core,
    },
}

impl Lifecycle for Job {
    const KIND: &'static str = "job";
    fn id(&self) -> &str {
        self.core().id.as_str()
    }
    fn project(&self) -> Option<&ProjectId> {
        self.core().authority.project()
    }
    fn state(&self) -> &'static str {
        match self {
            Self::Queued { .. } => "queued",
            Self::Done { .. } => "done",
            Self::Shown { .. } => "shown",
            Self::Failed { .. } => "failed",
            Self::Cancelled { .. } => "cancelled",
        }
    }
}

impl Job {
    /// What it knows.
    #[must_use]
    pub fn core(&self) -> &Core {
        match self {
            Self::Queued { core }
            | Self::Done { core, .. }
            | Self::Shown { core, .. }
            | Self::Failed { core, .. }
            | Self::Cancelled { core } => core,
        }
    }

    /// How it ended, if it was done.
    #[must_use]
    pub fn outcome(&self) -> Option<&Outcome> {
        match self {
            Self::Done { outcome, .. } | Self::Shown { outcome, .. } => Some(outcome),
            Self::Queued { .. } | Self::Failed { .. } | Self::Cancelled { .. } => None,
        }
    }

    /// Queues a job that follows from another change (a delivery, an order).
    #[must_use]
    pub fn queue(
        id: JobId,
        task: Task,
        authority: Authority,
        deadline: Timestamp,
        by: &By,
        at: Timestamp,
    ) -> Change<Self> {
        let (word, object) = (task.word(), task.object().to_owned());
        let (cited, view) = (authority.cited(), task.view());
        let core = Core {
            id,
            task,
            authority,
            deadline,
            asked_by: by.clone(),
            attempt: 1,
        };
        let change = Change::new(Self::Queued { core }, Action::QueueJob, by, at)
            .fact("task", word)
            .fact("of", &object)
            .fact("authority", &cited);
        match view {
            Some(view @ View::Rows) => change.fact("view", view.word()),
            Some(View::Aggregates) | None => change,
        }
    }

    /// Queues an interrupted job once more, under a new id: the keeper runs an id once. The safe haven itself
    /// does so; who asked stays on record.
    ///
    /// # Errors
    /// If it was not interrupted, was tried often enough, or cannot be repeated: the file of a delivery is
    /// gone with its job, nobody waits for the answer to a query any more, and one reservation pays for one draw.
    pub fn again(
        &self,
        id: JobId,
        attempts_max: u32,
        deadline: Timestamp,
        at: Timestamp,
    ) -> Result<Change<Self>, Refusal> {
        let Self::Failed {
            core,
            cause: Cause::Interrupted,
        } = self
        else {
            return Err(Action::QueueJob.wrong_state(Self::KIND, self.state()));
        };
        match &core.task {
            Task::Index { .. } | Task::Extract { .. } | Task::Check { .. } => {}
            Task::LoadIdentifiers { .. }
            | Task::LoadPayload { .. }
            | Task::Query { .. }
            | Task::Measure { .. } => {
                return Err(Refusal::Unrepeatable(core.task.word()));
            }
        }
        if core.attempt >= attempts_max {
            return Err(Refusal::Attempts(core.attempt));
        }
        let core = Core {
            id,
            deadline,
            attempt: core.attempt.saturating_add(1),
            ..core.clone()
        };
        let attempt = core.attempt;
        let (word, object) = (core.task.word(), core.task.object().to_owned());
        let cited = core.authority.cited();
        let to = Self::Queued { core };
        Ok(Change::new(to, Action::QueueJob, &By::System, at)
            .fact("task", word)
            .fact("of", &object)
            .fact("authority", &cited)
            .fact("attempt", attempt)
            .fact("after", self.id()))
    }

    /// Queues a query of a workspace.
    ///
    /// # Errors
    /// If the permit is another person's or has ended, or the workspace is not open or belongs to another
    /// project than the permit, or rows are to be shown and the approval or the workspace is for checked
    /// results only.
    pub fn query(
        id: JobId,
        permit: &Permit,
        workspace: &Workspace,
        statement: Statement,
        deadline: Timestamp,
        by: &PersonId,
        at: Timestamp,
    ) -> Result<Change<Self>, Refusal> {
        permit.must_cover(by, at)?;
        let place = workspace.must_be_open(Action::RunQuery)?;
        if place.project != *permit.project() {
            return Err(Refusal::Elsewhere("this workspace"));
        }
        must_be_approved(statement.screen.view(), [permit.view(), place.view])?;
        let task = Task::Query {
            workspace: place.id,
            person: by.clone(),
            statement: statement.sha256,
            screen: statement.screen,
        };
        let authority = Authority::Manifest {
            project: permit.project().clone(),
            sha256: permit.manifest().clone(),
        };
        let by = By::Person(by.clone());
        let change = Self::queue(id, task, authority, deadline, &by, at);
        Ok(change)
    }

    /// The keeper did it. A checked result that a screen shows ends by [`Job::show`] alone.
    ///
    /// # Errors
    /// If it was not queued, its deadline passed, or a screen would show something that was not compared.
    pub fn finish(self, outcome: Outcome, at: Timestamp) -> Result<Change<Self>, Refusal> {
        let core = self.in_time(at)?;
        if core.task.is_checked_screen() && outcome.is_safe() {
            return Err(Refusal::NotCompared);
        }
        let said = outcome.clone();
        let to = Self::Done { core, outcome };
        Ok(said.told(Change::new(to, Action::FinishJob, &By::System, at)))
    }

    /// What it knows, if it may still end well.
    fn in_time(self, at: Timestamp) -> Result<Core, Refusal> {
        let core = self.queued(Action::FinishJob)?;
        match at > core.deadline {
            true => Err(Refusal::Deadline),
            false => Ok(core),
        }
    }

    /// The keeper refused it or could not do it, or nobody did it in time.
    ///
    /// # Errors
    /// If it was not queued.
    pub fn fail(self, cause: Cause, at: Timestamp) -> Result<Change<Self>, Refusal> {
        let core = self.queued(Action::FailJob)?;
        let to = Self::Failed { core, cause };
        Ok(Change::new(to, Action::FailJob, &By::System, at).fact("code", cause.word()))
    }

    /// Cancels it.
    ///
    /// # Errors
    /// If it was not queued.
    pub fn cancel(self, by: &By, at: Timestamp) -> Result<Change<Self>, Refusal> {
        let core = self.queued(Action::CancelJob)?;
        Ok(Change::new(
            Self::Cancelled { core },
            Action::CancelJob,
            by,
            at,
        ))
    }

    fn queued(self, action: Action) -> Result<Core, Refusal> {
        let state = self.state();
        match self {
            Self::Queued { core } => Ok(core),
            Self::Done { .. }
            | Self::Shown { .. }
            | Self::Failed { .. }
            | Self::Cancelled { .. } => Err(action.wrong_state(Self::KIND, state)),
        }
    }
}
