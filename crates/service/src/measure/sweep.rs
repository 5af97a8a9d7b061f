//! Reservations that were not used in time are given back.

use governance::Batch;
use governance::measure::Measurement;
use store::{Filter, StoreError};

use crate::Service;
use crate::error::ServiceError;

impl Service {
    /// Gives back every reservation whose time has passed: no data was opened for it. Run every ten seconds.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn expire_measurements(&self) -> Result<u32, ServiceError> {
        let now = self.now()?;
        let mut given_back = 0;
        let mut after: Option<String> = None;
        loop {
            let filter = Filter {
                states: &["reserved"],
                limit: self.policies.limits.page,
                after: after.as_deref(),
                ..Filter::default()
            };
            let page = self.store.list::<Measurement>(filter).await?;
            let Some(last) = page.last() else {
                return Ok(given_back);
            };
            after = Some(last.value.core().id.to_string());
            for held in page {
                // One that still has time is refused.
                let Ok(change) = held.value.expire(now) else {
                    continue;
                };
                let batch = Batch::new().change(held.version, change)?;
                match self.record(None, batch, Vec::new()).await {
                    Ok(_) => given_back += 1,
                    // It runs, or was withdrawn, since then.
                    Err(ServiceError::Store(StoreError::Stale { .. })) => {}
                    Err(error) => return Err(error),
                }
            }
        }
    }
}
