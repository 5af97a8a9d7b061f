//! How jobs end: what whoever asked is told, and why one was not done.

use governance::job::{Cause, Job};
use governance::{Lifecycle, Refusal};
use protocol::keeper::RefusedCode;
use store::{Document, Held};

use super::Done;
use crate::deliveries::DeliveryAnswer;
use crate::error::ServiceError;
use crate::extracts::{ExtractAnswer, IndexingAnswer};
use crate::measure::MeasureAnswer;
use crate::outputs::CheckAnswer;
use crate::queries::{QueryAnswer, RowsAnswer};
use crate::{Service, document};

/// What whoever asked for a job is told once it is done.
pub(crate) enum Answer {
    Delivery(DeliveryAnswer),
    Indexing(IndexingAnswer),
    Extract(ExtractAnswer),
    Check(CheckAnswer),
    Query(QueryAnswer),
    Rows(RowsAnswer),
    Measurement(MeasureAnswer),
}

impl Answer {
    /// What is kept with the record of it.
    pub(super) fn documents(&self) -> Vec<Document> {
        match self {
            Self::Measurement(answer) => vec![document("answer", &answer.bytes)],
            Self::Delivery(_)
            | Self::Indexing(_)
            | Self::Extract(_)
            | Self::Check(_)
            | Self::Query(_)
            | Self::Rows(_) => Vec::new(),
        }
    }
}

impl Service {
    /// Records that a job was done, together with its object.
    pub(super) async fn end_done(
        &self,
        held: Held<Job>,
        done: Done,
    ) -> Result<Answer, ServiceError> {
        let Done {
            batch,
            outcome,
            compared,
            answer,
        } = done;
        let (finish, _until_recorded) = match compared {
            None => (held.value.finish(outcome, self.now()?)?, None),
            Some(compared) => {
                // As at a release: nothing leaves or is shown unseen by what else does.
                let until_recorded = self.statements.lock().await;
                let there = self.in_register(held.value.project()).await?;
                let show = held.value.show(outcome, compared, there, self.now()?)?;
                (show, Some(until_recorded))
            }
        };
        let batch = batch.change(held.version, finish)?;
        self.record(None, batch, answer.documents()).await?;
        Ok(answer)
    }
}

/// The state as whoever asked is told it: that what a screen showed is in the register is the register's affair.
pub(crate) fn state_told(job: &Job) -> &'static str {
    match job {
        Job::Shown { .. } => "done",
        Job::Queued { .. } | Job::Done { .. } | Job::Failed { .. } | Job::Cancelled { .. } => {
            job.state()
        }
    }
}

/// Why a measurement was not done, without telling which of the things that depend on data it was.
pub(super) fn untelling(cause: Cause) -> Cause {
    match cause {
        Cause::NotPermitted | Cause::Interrupted | Cause::MissingLayer => cause,
        Cause::BadInput
        | Cause::Limit
        | Cause::NoSpace
        | Cause::Uncheckable
        | Cause::Overtaken
        | Cause::Deadline
        | Cause::Internal => Cause::Internal,
    }
}

/// Why a job was not done, as the log tells it.
pub(super) fn cause(error: &ServiceError) -> Cause {
    match error {
        ServiceError::Keeper(refused) => match refused.code {
            RefusedCode::NotPermitted | RefusedCode::Destroyed => Cause::NotPermitted,
            RefusedCode::BadInput => Cause::BadInput,
            RefusedCode::Limit => Cause::Limit,
            RefusedCode::MissingLayer => Cause::MissingLayer,
            RefusedCode::NoSpace => Cause::NoSpace,
            RefusedCode::Internal => Cause::Internal,
        },
        ServiceError::KeeperGone | ServiceError::Interrupted => Cause::Interrupted,
        ServiceError::Refused(Refusal::Deadline) => Cause::Deadline,
        ServiceError::Refused(Refusal::NotCompared) => Cause::Overtaken,
        ServiceError::Refused(_) | ServiceError::Denied { .. } => Cause::NotPermitted,
        ServiceError::BadInput(_) => Cause::BadInput,
        ServiceError::Uncheckable(_) => Cause::Uncheckable,
        ServiceError::Store(error) if error.disk().is_some() => Cause::NoSpace,
        _ => Cause::Internal,
    }
}
