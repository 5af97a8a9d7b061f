//! A release with everything that proves it, for whoever keeps it without us.

use std::path::Path;

use governance::measure::Measurement;
use governance::{Action, Lifecycle, MeasurementId, Refusal};
use serde::Serialize;
use store::EventFilter;

use crate::error::ServiceError;
use crate::{Caller, Service};

/// The form of a release record.
pub const RELEASE_RECORD: &str = "strongroom-release-record-1";

/// What `strongroom dp verify` reads. The checkpoint within the proof is signed by the log's key, so the record
/// needs no other signature.
#[derive(Debug, Clone, Serialize)]
pub struct ReleaseRecord {
    /// [`RELEASE_RECORD`].
    pub form: &'static str,
    /// The measurement.
    pub measurement: MeasurementId,
    /// The request as it was sent, byte for byte.
    pub request: String,
    /// The answer as it was released, byte for byte.
    pub answer: String,
    /// The leaf that recorded the release, byte for byte.
    pub entry: String,
    /// C2SP tlog-proof of that leaf, with the signed checkpoint.
    pub proof: String,
}

impl Service {
    /// The record of a released measurement, for those whom it concerns.
    ///
    /// # Errors
    /// If the caller may not read it, it is not released, or the log was not published since.
    pub async fn release_record(
        &self,
        caller: &Caller,
        folder: &Path,
        id: &MeasurementId,
    ) -> Result<ReleaseRecord, ServiceError> {
        // Who may read the measurement may have its proof.
        self.measurement(caller, id).await?;
        let held = self.load::<Measurement>(id.as_str()).await?;
        let Measurement::Released {
            core,
            answer,
            labels_checked_by,
        } = &held.value
        else {
            let state = held.value.state();
            let wrong: Refusal = Action::ViewMeasurement.wrong_state(Measurement::KIND, state);
            return Err(wrong.into());
        };
        let act = match labels_checked_by {
            Some(_) => Action::ReleaseLabels,
            None => Action::ReleaseMeasurement,
        };
        let filter = EventFilter {
            object: Some(id.as_str()),
            actions: &[act],
            ..EventFilter::default()
        };
        let events = self.store.events(filter).await?;
        let released = events
            .first()
            .ok_or(ServiceError::NotFound("leaf of the release"))?;
        let (entry, proof) = self.proved(folder, released.leaf).await?;
        Ok(ReleaseRecord {
            form: RELEASE_RECORD,
            measurement: id.clone(),
            request: self.text_on_file(&core.text).await?,
            answer: self.text_on_file(&answer.sha256).await?,
            entry: String::from_utf8(entry).map_err(|_| ServiceError::strange())?,
            proof,
        })
    }
}
