//! Reservations that were not used in time are given back.

use governance::Batch;
use governance::measure::Measurement;
use store::Filter;

use crate::Service;
use crate::error::ServiceError;
use crate::sweep::Pass;

impl Service {
    /// Gives back every reservation whose time has passed: no data was opened for it. Run every ten seconds.
    ///
    /// # Errors
    /// If the store fails; whatever else can be given back is, all the same.
    pub async fn expire_measurements(&self) -> Result<u32, ServiceError> {
        let now = self.now()?;
        let mut pass = Pass::default();
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
                return pass.end();
            };
            after = Some(last.value.core().id.to_string());
            for held in page {
                // One that still has time is refused.
                let Ok(change) = held.value.expire(now) else {
                    continue;
                };
                let batch = Batch::new().change(held.version, change)?;
                pass.note(self.record(None, batch, Vec::new()).await.map(drop));
            }
        }
    }
}
