//! What is told of a measurement whose job did not end as it should.

use governance::measure::Measurement;
use governance::{MeasurementId, Refusal};

use crate::Service;
use crate::error::ServiceError;

impl Service {
    /// Whatever stopped a measurement, its price is spent once the record says so, and that is what is told.
    ///
    /// # Errors
    /// [`Refusal::Lost`] where the price is spent, else why it was stopped.
    pub(crate) async fn unanswered(
        &self,
        id: &MeasurementId,
        error: ServiceError,
    ) -> Result<(), ServiceError> {
        match (self.load::<Measurement>(id.as_str()).await?.value, error) {
            // Recorded after all.
            (
                Measurement::UnderReview { .. }
                | Measurement::Released { .. }
                | Measurement::Withheld { .. },
                _,
            ) => Ok(()),
            // Which of the things that depend on data stopped it is not told.
            (Measurement::Forfeited { .. }, _)
            | (_, ServiceError::Keeper(_) | ServiceError::Uncheckable(_)) => {
                Err(Refusal::Lost.into())
            }
            (
                Measurement::Reserved { .. }
                | Measurement::Running { .. }
                | Measurement::Freed { .. },
                error,
            ) => Err(error),
        }
    }
}
