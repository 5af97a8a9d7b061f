//! Repair: what a front or a keeper that was killed left half-done is ended or taken up again. Safe to repeat
//! and to be killed in the middle of: each step is one record.

use governance::delivery::Delivery;
use governance::extract::Extract;
use governance::indexing::Indexing;
use governance::job::{Cause, Job};
use governance::keeper_refusal::KeeperRefusal;
use governance::measure::{Lost, Measurement};
use governance::output::Output;
use governance::{Batch, JobId, KeeperRefusalId, Lifecycle, Refusal, Timestamp};
use store::{Filter, Held, Over, StoreError};

use crate::Service;
use crate::error::ServiceError;
use crate::jobs::elsewhere;

/// What a repair did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Repaired {
    /// Jobs that ended as failed.
    pub failed: u32,
    /// Jobs that are tried again, as the jobs of these ids.
    pub again: Vec<JobId>,
    /// Things that waited for a job that there is none of.
    pub adrift: u32,
    /// Refusals of the keeper that were noted.
    pub refusals: u32,
    /// Accounts of privacy loss that were not as the log tells them, and are again.
    pub accounts: u64,
}

impl Service {
    /// Ends or takes up again every queued job that nobody works on any more, ends what waits for no job, and
    /// notes what the keeper refused. Jobs that are tried again run on in the background.
    ///
    /// # Errors
    /// If the store cannot be read. What cannot be mended now is logged and mended by the next repair.
    pub async fn repair(&self) -> Result<Repaired, ServiceError> {
        self.mend(Over::Ended).await
    }

    /// The same at the start of a front that knows that it is the only one of its desk: what an earlier one
    /// held is free.
    ///
    /// # Errors
    /// [`ServiceError::ClockBackwards`] if the clock stands behind the newest act; else as [`Service::repair`].
    pub async fn repair_at_start(&self) -> Result<Repaired, ServiceError> {
        // A clock that went back while nothing ran is noticed as one that goes back while something does.
        if let Some(newest) = self.store.newest().await? {
            self.not_before(newest);
        }
        self.now()?;
        let accounts = self.mend_accounts().await?;
        let repaired = self.mend(Over::Predecessor).await?;
        Ok(Repaired {
            accounts,
            ..repaired
        })
    }

    /// Holds the accounts of privacy loss against the log, which alone is believed. The store keeps the two
    /// together; a difference means that somebody else wrote to it.
    async fn mend_accounts(&self) -> Result<u64, ServiceError> {
        let check = self.store.check_accounts().await?;
        for fault in &check.faults {
            tracing::error!(fault = %fault, "the accounts of privacy loss are not as they should be");
        }
        if check.faults.is_empty() {
            return Ok(0);
        }
        Ok(self.store.mend_accounts().await?)
    }

    async fn mend(&self, over: Over) -> Result<Repaired, ServiceError> {
        let mut repaired = Repaired::default();
        let mut after: Option<String> = None;
        loop {
            let filter = Filter {
                states: &["queued"],
                limit: self.policies.limits.page,
                after: after.as_deref(),
                ..Filter::default()
            };
            let page = self.store.list::<Job>(filter).await?;
            let Some(last) = page.last() else { break };
            after = Some(last.value.id().to_owned());
            for held in page {
                let id = held.value.core().id.clone();
                match self.take_up(held, over).await {
                    Ok(Fate::Left) => {}
                    Ok(Fate::Failed) => repaired.failed += 1,
                    Ok(Fate::Again(next)) => repaired.again.push(next),
                    Err(error) => {
                        tracing::warn!(job = %id, kind = error.kind().word(), "a job was not mended");
                    }
                }
            }
        }
        repaired.adrift = self.end_adrift().await?;
        // The keeper may be away; it keeps what it refused until it is asked.
        repaired.refusals = self.note_refusals().await.unwrap_or(0);
        self.store.clear_leases(self.now()?).await?;
        if repaired != Repaired::default() {
            tracing::info!(
                failed = repaired.failed,
                again = repaired.again.len(),
                adrift = repaired.adrift,
                refusals = repaired.refusals,
                "repaired"
            );
        }
        Ok(repaired)
    }

    async fn take_up(&self, held: Held<Job>, over: Over) -> Result<Fate, ServiceError> {
        let core = held.value.core();
        let late = self.now()? > core.deadline;
        // What the other desk runs it takes up itself; if it is away, the deadline ends it.
        if elsewhere(self.desk, &core.task).is_some() && !late {
            return Ok(Fate::Left);
        }
        let id = core.id.clone();
        match self.lease(&id, over).await {
            Ok(_) => {}
            Err(ServiceError::Interrupted) => return Ok(Fate::Left),
            Err(error) => return Err(error),
        }
        let cause = if late {
            Cause::Deadline
        } else {
            Cause::Interrupted
        };
        match self.fail(held, cause).await {
            Ok(None) => Ok(Fate::Failed),
            Ok(Some(next)) => {
                let (service, job) = (self.clone(), next.clone());
                tokio::spawn(async move {
                    if let Err(error) = service.carry_out(&job).await {
                        tracing::warn!(job = %job, kind = error.kind().word(), "a repeated job failed");
                    }
                });
                Ok(Fate::Again(next))
            }
            Err(ServiceError::Store(StoreError::Stale { .. })) => {
                self.unlease(&id).await;
                Ok(Fate::Left)
            }
            Err(error) => {
                self.unlease(&id).await;
                Err(error)
            }
        }
    }

    /// Ends what waits for a job although no queued job names it. Records keep the two together; this is for
    /// a store that was written by something else.
    async fn end_adrift(&self) -> Result<u32, ServiceError> {
        let now = self.now()?;
        let mut ended = 0;
        ended += self
            .end_each::<Delivery>(&["opened"], |d| d.refuse_identifiers(now))
            .await?;
        ended += self
            .end_each::<Delivery>(&["reading"], |d| d.refuse_payload(now))
            .await?;
        ended += self
            .end_each::<Indexing>(&["ordered"], |i| i.fail(now))
            .await?;
        ended += self
            .end_each::<Extract>(&["ordered"], |e| e.fail(now))
            .await?;
        ended += self
            .end_each::<Output>(&["staged"], |o| o.fail_check(now))
            .await?;
        // Data counts as read: charged.
        ended += self
            .end_each::<Measurement>(&["running"], |m| m.forfeit(Lost::Interrupted, now))
            .await?;
        Ok(ended)
    }

    async fn end_each<S: Lifecycle>(
        &self,
        states: &[&str],
        end: impl Fn(S) -> Result<governance::Change<S>, Refusal>,
    ) -> Result<u32, ServiceError> {
        let mut ended = 0;
        for id in self.store.adrift::<S>(states).await? {
            let held = self.load::<S>(&id).await?;
            let version = held.version;
            // A change since then means that it does not wait any more.
            let Ok(change) = end(held.value) else {
                continue;
            };
            let batch = Batch::new().change(version, change)?;
            match self.record(None, batch, Vec::new()).await {
                Ok(_) => ended += 1,
                Err(ServiceError::Store(StoreError::Stale { .. })) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(ended)
    }

    /// Gives each refusal of the keeper its leaf, once.
    ///
    /// # Errors
    /// If the keeper does not answer or the store fails.
    pub async fn note_refusals(&self) -> Result<u32, ServiceError> {
        let mut seen = self.refusals_seen.lock().await;
        let mut noted = 0;
        let mut list = self.keeper.refusals(seen.1).await?;
        if list.keeper != seen.0 {
            // Another keeper counts from the beginning.
            *seen = (list.keeper.clone(), 0);
            list = self.keeper.refusals(0).await?;
        }
        for refusal in list.refusals {
            let id = format!(
                "{}{}-{}",
                KeeperRefusalId::PREFIX,
                list.keeper,
                refusal.number
            );
            let id = KeeperRefusalId::try_from(id).map_err(|_| ServiceError::strange())?;
            let at: Timestamp = self.now()?;
            let change = KeeperRefusal::note(id, &refusal.ask, &refusal.about, at);
            match self
                .record(None, Batch::new().begin(change)?, Vec::new())
                .await
            {
                Ok(_) => noted += 1,
                // Noted before, by this front or another.
                Err(ServiceError::Store(StoreError::Stale { .. })) => {}
                Err(error) => return Err(error),
            }
            seen.1 = seen.1.max(refusal.number);
        }
        Ok(noted)
    }
}

/// What became of a queued job.
enum Fate {
    /// Somebody works on it, or it has ended meanwhile.
    Left,
    /// Ended as failed, with its object.
    Failed,
    /// Tried again as another job.
    Again(JobId),
}
