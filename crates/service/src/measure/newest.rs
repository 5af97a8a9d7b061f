//! What was measured last.

use governance::ProjectId;
use governance::measure::Measurement;

use super::ask::MeasurementView;
use crate::error::ServiceError;
use crate::{Caller, Service};

impl Service {
    /// Measurements of a project, the last that changed first; at most a page.
    ///
    /// # Errors
    /// If the caller may not read them.
    pub async fn measurements_newest(
        &self,
        caller: &Caller,
        id: &ProjectId,
    ) -> Result<Vec<MeasurementView>, ServiceError> {
        let mut views = Vec::new();
        for held in self.belonging::<Measurement>(id).await? {
            if held.value.core().feasibility.is_some() {
                continue;
            }
            views.push(self.measurement(caller, &held.value.core().id).await?);
        }
        Ok(views)
    }
}
