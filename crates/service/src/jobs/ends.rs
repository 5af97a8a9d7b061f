//! How jobs end: what whoever asked is told, and why one was not done.

use governance::Refusal;
use governance::job::Cause;
use protocol::keeper::RefusedCode;
use store::Document;

use crate::deliveries::DeliveryAnswer;
use crate::document;
use crate::error::ServiceError;
use crate::extracts::{ExtractAnswer, IndexingAnswer};
use crate::measure::MeasureAnswer;
use crate::outputs::CheckAnswer;
use crate::queries::{QueryAnswer, RowsAnswer};

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

/// Why a measurement was not done, without telling which of the things that depend on data it was.
pub(super) fn untelling(cause: Cause) -> Cause {
    match cause {
        Cause::NotPermitted | Cause::Interrupted | Cause::MissingLayer => cause,
        Cause::BadInput
        | Cause::Limit
        | Cause::NoSpace
        | Cause::Uncheckable
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
        ServiceError::Refused(_) | ServiceError::Denied { .. } => Cause::NotPermitted,
        ServiceError::BadInput(_) => Cause::BadInput,
        ServiceError::Uncheckable(_) => Cause::Uncheckable,
        ServiceError::Store(error) if error.disk().is_some() => Cause::NoSpace,
        _ => Cause::Internal,
    }
}
