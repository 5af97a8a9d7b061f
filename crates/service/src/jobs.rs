//! Jobs: leased while they run, ended together with what they are about, tried again when interrupted.
//!
//! A job is queued in the same record as the act that it belongs to, after its lease is taken, so that no
//! recorded job is ever without somebody who answers for it. It ends in the same record as its object. What a
//! front that was killed leaves in between is mended by [`Service::repair`].

mod authority;
mod ends;

use governance::delivery::Delivery;
use governance::extract::Extract;
use governance::indexing::Indexing;
use governance::job::{Cause, Comparison, Core, Job, Outcome as JobOutcome, Task};
use governance::measure::{Lost, Measurement};
use governance::output::Output;
use governance::{Action, Batch, By, JobId, Lifecycle, PersonId, Refusal, Timestamp};
use protocol::keeper::{Cost, Door, Outcome};
use serde::Serialize;
use store::{Beside, Document, Filter, Held, Over, StoreError};
use tokio::sync::watch;

use crate::access::Object;
use crate::error::ServiceError;
use crate::keeper::place_in_queue;
use crate::{Caller, Service};

pub(crate) use ends::{Answer, state_told};
use ends::{cause, untelling};

/// What a front of one desk says of a job that the other desk has done; none for a job of its own.
pub(crate) fn elsewhere(desk: Door, task: &Task) -> Option<&'static str> {
    match (desk, task) {
        (Door::Research, Task::Index { .. }) => Some(
            "records are indexed at the indexing desk, which has a socket of its own: ask there",
        ),
        (
            Door::Indexing,
            Task::LoadIdentifiers { .. }
            | Task::LoadPayload { .. }
            | Task::Extract { .. }
            | Task::Query { .. }
            | Task::Check { .. }
            | Task::Measure { .. },
        ) => Some("the indexing desk only indexes records: ask at the research desk"),
        (Door::Indexing, Task::Index { .. })
        | (
            Door::Research,
            Task::LoadIdentifiers { .. }
            | Task::LoadPayload { .. }
            | Task::Extract { .. }
            | Task::Query { .. }
            | Task::Check { .. }
            | Task::Measure { .. },
        ) => None,
    }
}

/// A job as those may see it who may follow it.
#[derive(Debug, Clone, Serialize)]
pub struct JobView {
    /// The job.
    pub job: JobId,
    /// What is done, such as `index`.
    pub task: &'static str,
    /// Id of what it is about.
    pub about: String,
    /// `queued`, `done`, `failed` or `cancelled`.
    pub state: &'static str,
    /// Why it failed.
    pub cause: Option<&'static str>,
    /// Which try it is, from 1.
    pub attempt: u32,
    /// Who asked; none for the safe haven itself.
    pub asked_by: Option<PersonId>,
    /// It must be done by then.
    pub deadline: Timestamp,
    /// Somebody runs it, and will say so again before this moment.
    pub running_until: Option<Timestamp>,
    /// Its number in the queue, from 1, while it waits for a worker.
    pub queue: Option<u64>,
    /// How far it is, while it runs.
    pub progress: Option<JobProgress>,
}

/// How far a job is.
#[derive(Debug, Clone, Serialize)]
pub struct JobProgress {
    /// Units done.
    pub done: u64,
    /// Units in all; 0 if not known.
    pub total: u64,
    /// What is being done.
    pub stage: String,
}

/// What it means that a job is done: the change of its object, what the job itself tells, the answer.
pub(crate) struct Done {
    pub(crate) batch: Batch,
    pub(crate) outcome: JobOutcome,
    /// Of a screen that shows a checked result: with what that was compared.
    pub(crate) compared: Option<Comparison>,
    pub(crate) answer: Answer,
}

impl Service {
    /// The same front at this desk: the keeper runs index jobs for the indexing desk alone. Without it a front is
    /// the research desk.
    #[must_use]
    pub fn at_desk(mut self, desk: Door) -> Self {
        self.desk = desk;
        self
    }

    /// A job, for who asked for it and for data stewards.
    ///
    /// # Errors
    /// If the caller may not see it.
    pub async fn job(&self, caller: &Caller, id: &JobId) -> Result<JobView, ServiceError> {
        let held = self.load::<Job>(id.as_str()).await?;
        self.authorise(caller, Action::ViewJob, &object(&held.value), self.now()?)?;
        self.view(&held.value).await
    }

    /// Queued jobs that the caller may see, in the order of their ids; at most a page.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn jobs(
        &self,
        caller: &Caller,
        after: Option<&str>,
    ) -> Result<Vec<JobView>, ServiceError> {
        let now = self.now()?;
        let limit = self.policies.limits.page;
        let most = usize::try_from(limit).unwrap_or(usize::MAX);
        let mut after = after.map(str::to_owned);
        let mut views = Vec::new();
        // Only a page that is not full says that there is nothing more, so what is passed over is made up for.
        while views.len() < most {
            let filter = Filter {
                states: &["queued"],
                limit,
                after: after.as_deref(),
                ..Filter::default()
            };
            let page = self.store.list::<Job>(filter).await?;
            let Some(last) = page.last() else { break };
            after = Some(last.value.id().to_owned());
            for job in page.into_iter().map(|held| held.value) {
                let seen = self.authorise(caller, Action::ViewJob, &object(&job), now);
                if seen.is_ok() && views.len() < most {
                    views.push(self.view(&job).await?);
                }
            }
        }
        Ok(views)
    }

    /// Cancels a queued job; what it is about ends with it. The keeper stops its worker within a second.
    ///
    /// # Errors
    /// If the caller may not, or it has ended.
    pub async fn cancel_job(&self, caller: &Caller, id: &JobId) -> Result<(), ServiceError> {
        let held = self.load::<Job>(id.as_str()).await?;
        let now = self.now()?;
        self.authorise(caller, Action::CancelJob, &object(&held.value), now)?;
        let task = held.value.core().task.clone();
        let cancel = held.value.cancel(&By::Person(caller.id().clone()), now)?;
        let batch = Batch::new().change(held.version, cancel)?;
        let batch = self.give_up(batch, &task, now).await?;
        self.record(Some(caller), batch, Vec::new()).await?;
        Ok(())
    }

    pub(crate) async fn view(&self, job: &Job) -> Result<JobView, ServiceError> {
        let core = job.core();
        let queued = matches!(job, Job::Queued { .. });
        let (lease, progress) = if queued {
            let lease = self.store.lease(&core.id).await?;
            (lease, self.store.progress(&core.id).await?)
        } else {
            (None, None)
        };
        let queue = progress.as_ref().and_then(place_in_queue);
        let progress = progress.map(|p| JobProgress {
            done: p.done,
            total: if queue.is_some() { 0 } else { p.total },
            stage: p.stage,
        });
        let now = self.now()?;
        Ok(JobView {
            job: core.id.clone(),
            task: core.task.word(),
            about: core.task.object().to_owned(),
            state: state_told(job),
            cause: match job {
                Job::Failed { cause, .. } => Some(cause.word()),
                Job::Queued { .. }
                | Job::Done { .. }
                | Job::Shown { .. }
                | Job::Cancelled { .. } => None,
            },
            attempt: core.attempt,
            asked_by: match &core.asked_by {
                By::Person(person) => Some(person.clone()),
                By::System => None,
            },
            deadline: core.deadline,
            running_until: lease.map(|l| l.until).filter(|until| *until > now),
            queue,
            progress,
        })
    }

    /// Records an act together with the job that it queues, which this front has already leased. While the
    /// keeper is away nothing is recorded.
    pub(crate) async fn begin_job(
        &self,
        caller: &Caller,
        task: &Task,
        job: &JobId,
        batch: Batch,
        documents: Vec<Document>,
    ) -> Result<(), ServiceError> {
        self.begin_job_beside(caller, (task, job), batch, documents, Vec::new())
            .await
    }

    /// The same together with rows that have no leaf of their own.
    pub(crate) async fn begin_job_beside(
        &self,
        caller: &Caller,
        (task, job): (&Task, &JobId),
        batch: Batch,
        documents: Vec<Document>,
        beside: Vec<Beside>,
    ) -> Result<(), ServiceError> {
        if let Some(elsewhere) = elsewhere(self.desk, task) {
            return Err(Refusal::Invalid(elsewhere.into()).into());
        }
        self.keeper.hello().await?;
        self.lease(job, Over::Ended).await?;
        let recorded = self
            .record_beside(Some(caller), batch, documents, beside)
            .await;
        if recorded.is_err() {
            self.unlease(job).await;
        }
        recorded.map(|_| ())
    }

    /// Has a leased job done and records how it ended, together with its object. An interrupted one is tried
    /// again where it can be.
    pub(crate) async fn carry_out(&self, job: &JobId) -> Result<Answer, ServiceError> {
        let mut job = job.clone();
        loop {
            let error = match self.attempt(&job).await {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            match self.end_failed(&job, &error).await? {
                None => return Err(error),
                Some(next) => {
                    tracing::warn!(job = %job, next = %next, "an interrupted job is tried again");
                    // If the keeper stays away the next attempt says so.
                    let _ = self.leased(&next, None, self.keeper_back()).await;
                    job = next;
                }
            }
        }
    }

    async fn attempt(&self, job: &JobId) -> Result<Answer, ServiceError> {
        let held = self.load::<Job>(job.as_str()).await?;
        let Job::Queued { core } = held.value.clone() else {
            return Err(Action::FinishJob
                .wrong_state(Job::KIND, held.value.state())
                .into());
        };
        let (tell, told) = watch::channel(None);
        let work = async {
            let progress = |progress| drop(tell.send_replace(Some(progress)));
            let (outcome, cost) = self.keeper.run(job.as_str(), progress).await?;
            self.done(&core, outcome, cost).await
        };
        let done = self.leased(job, Some(told), work).await??;
        let answer = self.end_done(held, done).await?;
        self.unlease(job).await;
        Ok(answer)
    }

    /// What the keeper's outcome means for what the job is about.
    async fn done(&self, core: &Core, outcome: Outcome, cost: Cost) -> Result<Done, ServiceError> {
        match (&core.task, outcome) {
            (Task::LoadIdentifiers { delivery, .. }, outcome @ Outcome::LoadIdentifiers { .. }) => {
                self.identifiers_kept(delivery, outcome, cost).await
            }
            (Task::LoadPayload { delivery, .. }, outcome @ Outcome::LoadPayload { .. }) => {
                self.payload_kept(delivery, outcome, cost).await
            }
            (Task::Index { indexing }, outcome @ Outcome::Index { .. }) => {
                self.indexed(indexing, outcome, cost).await
            }
            (Task::Index { indexing }, outcome @ Outcome::Pairs { .. }) => {
                self.pairs_chosen(indexing, outcome, cost).await
            }
            (Task::Extract { extract }, outcome @ Outcome::Extract { .. }) => {
                self.extract_sealed(extract, outcome, cost).await
            }
            (Task::Query { person, .. }, Outcome::Judged { judged, compared }) => {
                self.query_judged(core, person, judged, (compared, cost))
                    .await
            }
            (Task::Query { person, .. }, Outcome::Statement { result }) => {
                self.rows_shown(core, person, result, cost).await
            }
            (Task::Check { output }, Outcome::Judged { judged, compared }) => {
                self.output_checked(core, output, judged, (compared, cost))
                    .await
            }
            (Task::Measure { measurement }, Outcome::Measured { answer }) => {
                self.measured(core, measurement, answer).await
            }
            (
                Task::LoadIdentifiers { .. }
                | Task::LoadPayload { .. }
                | Task::Index { .. }
                | Task::Extract { .. }
                | Task::Query { .. }
                | Task::Check { .. }
                | Task::Measure { .. },
                Outcome::LoadIdentifiers { .. }
                | Outcome::LoadPayload { .. }
                | Outcome::Index { .. }
                | Outcome::Pairs { .. }
                | Outcome::Extract { .. }
                | Outcome::Judged { .. }
                | Outcome::Statement { .. }
                | Outcome::Measured { .. },
            ) => Err(ServiceError::strange()),
        }
    }

    /// Records that a queued job was not done. Gives the next attempt, leased, if there is one.
    pub(crate) async fn end_failed(
        &self,
        job: &JobId,
        error: &ServiceError,
    ) -> Result<Option<JobId>, ServiceError> {
        loop {
            let held = self.load::<Job>(job.as_str()).await?;
            let core = match &held.value {
                Job::Queued { core } => core,
                Job::Cancelled { .. } => return Err(Refusal::Cancelled.into()),
                // Recorded after all, or by whoever took the lease over.
                Job::Done { .. } | Job::Shown { .. } | Job::Failed { .. } => return Ok(None),
            };
            let late = self.now()? > core.deadline;
            let cause = if late { Cause::Deadline } else { cause(error) };
            let cause = match &core.task {
                Task::Measure { .. } => untelling(cause),
                Task::LoadIdentifiers { .. }
                | Task::LoadPayload { .. }
                | Task::Index { .. }
                | Task::Extract { .. }
                | Task::Query { .. }
                | Task::Check { .. } => cause,
            };
            match self.fail(held, cause).await {
                // Somebody cancelled or repaired it just now: look again.
                Err(ServiceError::Store(StoreError::Stale { .. })) => {}
                ended => return ended,
            }
        }
    }

    /// Ends a queued job and its object as failed, or queues it again. Gives the next attempt, leased.
    pub(crate) async fn fail(
        &self,
        held: Held<Job>,
        cause: Cause,
    ) -> Result<Option<JobId>, ServiceError> {
        let now = self.now()?;
        let (id, task) = (held.value.core().id.clone(), held.value.core().task.clone());
        let failed = held.value.fail(cause, now)?;
        let next: JobId = self.fresh(JobId::PREFIX)?;
        let deadline = self.deadline(self.seconds(&task))?;
        let attempts = self.policies.limits.job_attempts;
        let again = failed.to().again(next.clone(), attempts, deadline, now);
        let batch = Batch::new().change(held.version, failed)?;
        let (batch, next) = match again {
            Ok(queue) => {
                self.lease(&next, Over::Ended).await?;
                (batch.begin(queue)?, Some(next))
            }
            Err(_) => (self.give_up(batch, &task, now).await?, None),
        };
        let recorded = self.record(None, batch, Vec::new()).await;
        if recorded.is_err()
            && let Some(next) = &next
        {
            self.unlease(next).await;
        }
        recorded?;
        self.unlease(&id).await;
        tracing::info!(job = %id, task = task.word(), cause = cause.word(), "a job was not done");
        Ok(next)
    }

    /// Adds the end of what waits for a job, if it still waits.
    pub(crate) async fn give_up(
        &self,
        batch: Batch,
        task: &Task,
        at: Timestamp,
    ) -> Result<Batch, ServiceError> {
        match task {
            Task::LoadIdentifiers { delivery, .. } => {
                let held = self.load::<Delivery>(delivery.as_str()).await?;
                add(batch, held.version, held.value.refuse_identifiers(at))
            }
            Task::LoadPayload { delivery, .. } => {
                let held = self.load::<Delivery>(delivery.as_str()).await?;
                add(batch, held.version, held.value.refuse_payload(at))
            }
            Task::Index { indexing } => {
                let held = self.load::<Indexing>(indexing.as_str()).await?;
                add(batch, held.version, held.value.fail(at))
            }
            Task::Extract { extract } => {
                let held = self.load::<Extract>(extract.as_str()).await?;
                add(batch, held.version, held.value.fail(at))
            }
            Task::Check { output } => {
                let held = self.load::<Output>(output.as_str()).await?;
                add(batch, held.version, held.value.fail_check(at))
            }
            Task::Measure { measurement } => {
                let held = self.load::<Measurement>(measurement.as_str()).await?;
                add(batch, held.version, held.value.forfeit(Lost::Failed, at))
            }
            Task::Query { .. } => Ok(batch),
        }
    }

    /// Seconds within which a kind of job must be done.
    pub(crate) fn seconds(&self, task: &Task) -> i64 {
        match task {
            Task::Query { .. } | Task::Check { .. } => self.statement_s(),
            Task::Measure { .. } => self.policies.limits.query_s,
            Task::LoadIdentifiers { .. }
            | Task::LoadPayload { .. }
            | Task::Index { .. }
            | Task::Extract { .. } => self.policies.limits.job_s,
        }
    }

    pub(crate) fn deadline(&self, seconds: i64) -> Result<Timestamp, ServiceError> {
        self.now()?
            .checked_add(jiff::SignedDuration::from_secs(seconds))
            .map_err(|_| ServiceError::ClockBackwards)
    }
}

/// A change that may no longer be possible: then there is nothing to end.
fn add<S: Lifecycle>(
    batch: Batch,
    version: i64,
    change: Result<governance::Change<S>, Refusal>,
) -> Result<Batch, ServiceError> {
    match change {
        Ok(change) => Ok(batch.change(version, change)?),
        Err(Refusal::WrongState { .. }) => Ok(batch),
        Err(refusal) => Err(refusal.into()),
    }
}

fn object(job: &Job) -> Object {
    match &job.core().asked_by {
        By::Person(person) => Object::of(job).author(person),
        By::System => Object::of(job),
    }
}

#[cfg(test)]
mod tests;
