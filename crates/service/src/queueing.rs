//! How many statements may run or wait, and be asked in a minute: what waits holds a connection and a person's
//! attention, so there is an end to it, and no project takes all of it.

use governance::job::{Authority, Core, Job, Task};
use governance::{Action, ProjectId};
use jiff::SignedDuration;
use store::{EventFilter, Filter, Held, Order};
use tokio::sync::MutexGuard;

use crate::Service;
use crate::error::ServiceError;

impl Service {
    /// Seconds within which a query or a check is done, however long it waits.
    pub(crate) fn statement_s(&self) -> i64 {
        let limits = &self.policies.limits;
        limits.queue_s.saturating_add(limits.query_s)
    }

    /// Every job that runs or waits.
    pub(crate) async fn queued_jobs(&self) -> Result<Vec<Held<Job>>, ServiceError> {
        let queued = Filter {
            states: &["queued"],
            ..Filter::default()
        };
        self.every(queued).await
    }

    /// Room for one more statement of a project, until what is given is dropped: the job is recorded meanwhile.
    ///
    /// # Errors
    /// [`ServiceError::QueueFull`] and [`ServiceError::AskedOften`] name the limit.
    pub(crate) async fn room_in_queue(
        &self,
        project: &ProjectId,
    ) -> Result<MutexGuard<'_, ()>, ServiceError> {
        let room = self.queueing.lock().await;
        let (mut all, mut of_project) = (0_u32, 0_u32);
        for held in self.queued_jobs().await? {
            if let Some(whose) = statement_of(held.value.core()) {
                all = all.saturating_add(1);
                of_project = of_project.saturating_add(u32::from(whose == project));
            }
        }
        let limits = &self.policies.limits;
        let checks = [
            (
                of_project,
                limits.project_asked,
                "this project has",
                "project_asked",
            ),
            (
                all,
                limits.statements_asked,
                "the safe haven has",
                "statements_asked",
            ),
        ];
        for (count, most, who, limit) in checks {
            if count >= most {
                return Err(ServiceError::QueueFull { who, most, limit });
            }
        }
        self.within_the_minute(project).await?;
        Ok(room)
    }

    /// Whether a project may ask once more in this minute. The log counts: a front that starts anew forgets nothing.
    async fn within_the_minute(&self, project: &ProjectId) -> Result<(), ServiceError> {
        let most = self.policies.limits.project_per_minute;
        let asked = EventFilter {
            project: Some(project),
            actions: &[Action::QueueJob],
            order: Order::NewestFirst,
            limit: most,
            ..EventFilter::default()
        };
        let asked = self.store.events(asked).await?;
        let Some(oldest) = asked.last().filter(|_| asked.len() >= most as usize) else {
            return Ok(());
        };
        if self.now()?.duration_since(oldest.at) < SignedDuration::from_mins(1) {
            return Err(ServiceError::AskedOften(most));
        }
        Ok(())
    }
}

/// The project whose query, check or measurement a job is, if it is one.
fn statement_of(core: &Core) -> Option<&ProjectId> {
    let statement = match &core.task {
        Task::Query { .. } | Task::Check { .. } | Task::Measure { .. } => true,
        Task::LoadIdentifiers { .. }
        | Task::LoadPayload { .. }
        | Task::Index { .. }
        | Task::Extract { .. } => false,
    };
    match &core.authority {
        Authority::Manifest { project, .. } if statement => Some(project),
        Authority::Manifest { .. } | Authority::Instruction { .. } => None,
    }
}
