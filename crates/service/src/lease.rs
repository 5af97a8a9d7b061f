//! The lease on a job that this front runs: taken before the job is recorded, renewed while it runs, given back.

use std::time::Duration;

use governance::JobId;
use store::{Lease, Over, Progress};
use tokio::sync::watch;
use tokio::time::MissedTickBehavior;

use crate::Service;
use crate::error::ServiceError;

/// How often an absent keeper is looked for while an interrupted job waits for it.
const LOOK: Duration = Duration::from_millis(200);

impl Service {
    /// Takes the lease on a job; an error if somebody else holds it.
    pub(crate) async fn lease(&self, job: &JobId, over: Over) -> Result<Lease, ServiceError> {
        let until = self.deadline(self.policies.limits.lease_s)?;
        let (desk, now) = (self.desk.word(), self.now()?);
        let taken = self
            .store
            .take_lease(job, desk, &self.holder, now, until, over)
            .await?;
        taken.ok_or(ServiceError::Interrupted)
    }

    /// Gives a lease back. What is left of it ends by itself.
    pub(crate) async fn unlease(&self, job: &JobId) {
        if let Err(error) = self.store.drop_lease(job, &self.holder).await {
            tracing::warn!(job = %job, error = %error, "a lease was not given back");
        }
    }

    /// Works on a job that this front has leased, and renews the lease meanwhile. Stops working when the
    /// lease is lost: then somebody else has ended the job.
    pub(crate) async fn leased<T>(
        &self,
        job: &JobId,
        mut told: Option<watch::Receiver<Option<Progress>>>,
        work: impl Future<Output = T>,
    ) -> Result<T, ServiceError> {
        let Some(mut lease) = self.store.lease(job).await? else {
            return Err(ServiceError::Interrupted);
        };
        if lease.holder != *self.holder {
            return Err(ServiceError::Interrupted);
        }
        let third = u64::try_from(self.policies.limits.lease_s).unwrap_or(0) * 1_000 / 3;
        let mut beat = tokio::time::interval(Duration::from_millis(third.max(100)));
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        tokio::pin!(work);
        loop {
            tokio::select! {
                ended = &mut work => return Ok(ended),
                _ = beat.tick() => {
                    let until = self.deadline(self.policies.limits.lease_s)?;
                    match self.store.renew_lease(job, &lease, until).await {
                        Ok(Some(renewed)) => lease = renewed,
                        Ok(None) => return Err(ServiceError::Interrupted),
                        // A full disk, say. The work goes on; its end will not be recorded either.
                        Err(error) => {
                            tracing::warn!(job = %job, error = %error, "a lease was not renewed");
                        }
                    }
                }
                progress = next(&mut told) => self.note_progress(job, progress).await,
            }
        }
    }

    async fn note_progress(&self, job: &JobId, progress: Progress) {
        let Progress { done, total, stage } = progress;
        if let Err(error) = self.store.note_progress(job, done, total, &stage).await {
            tracing::warn!(job = %job, error = %error, "progress was not noted");
        }
    }

    /// Waits for a keeper that is being started again, at most as long as a lease.
    pub(crate) async fn keeper_back(&self) {
        let most = Duration::from_secs(u64::try_from(self.policies.limits.lease_s).unwrap_or(0));
        let looking = async {
            while self.keeper.hello().await.is_err() {
                tokio::time::sleep(LOOK).await;
            }
        };
        // Whether it came or not shows in the next attempt.
        let _ = tokio::time::timeout(most, looking).await;
    }
}

/// The next progress; never, where none is told or the teller is gone.
async fn next(told: &mut Option<watch::Receiver<Option<Progress>>>) -> Progress {
    if let Some(told) = told {
        while told.changed().await.is_ok() {
            if let Some(progress) = told.borrow_and_update().clone() {
                return progress;
            }
        }
    }
    std::future::pending().await
}
