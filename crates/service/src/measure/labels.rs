//! Labels of groups that were found in the data: an output checker sees them before the answer leaves.

use governance::measure::Measurement;
use governance::project::Project;
use governance::{Action, Batch, Change, MeasurementId, Sha256};
use store::Held;

use crate::access::Object;
use crate::error::ServiceError;
use crate::{Caller, Service, document, sha256};

impl Service {
    /// Answers whose labels wait for an output checker who is not on their project, at most a page, the longest
    /// waiting first. `after` is the last one of the page before.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn labels_queue(
        &self,
        caller: &Caller,
        after: Option<&str>,
    ) -> Result<Vec<MeasurementId>, ServiceError> {
        let briefs = self.under_review::<Measurement>(caller, Action::ReleaseLabels, after);
        let ids = briefs.await?.into_iter();
        ids.map(|brief| {
            MeasurementId::try_from(brief.id).map_err(|_| ServiceError::NotFound("measurement"))
        })
        .collect()
    }

    /// An output checker saw the answer with this hash, and its labels tell nobody apart: it is released.
    ///
    /// # Errors
    /// If the caller may not, asked for it or is on its project, saw other bytes, or it does not wait for this.
    pub async fn release_labels(
        &self,
        caller: &Caller,
        id: &MeasurementId,
        seen: &Sha256,
    ) -> Result<(), ServiceError> {
        let (held, project) = self.labels_for(caller, id, Action::ReleaseLabels).await?;
        let ended = self.ended(&held.value.core().accounts).await?;
        let (void, by) = (ended.into_keys().collect(), caller.id());
        let change = held
            .value
            .release_labels(&project, seen, &void, by, self.now()?)?;
        self.record_labels(caller, held.version, change, None).await
    }

    /// An output checker keeps the answer back and tells its author why.
    ///
    /// # Errors
    /// As [`Service::release_labels`]; if no reason is given.
    pub async fn withhold_labels(
        &self,
        caller: &Caller,
        id: &MeasurementId,
        reason: &str,
    ) -> Result<(), ServiceError> {
        let (held, project) = self.labels_for(caller, id, Action::WithholdLabels).await?;
        if reason.trim().is_empty() {
            return Err(ServiceError::BadInput(
                "say why, so that the author can ask another question".into(),
            ));
        }
        self.within_document_limit(reason.as_bytes())?;
        let hash = sha256(reason.as_bytes())?;
        let by = caller.id();
        let change = held
            .value
            .withhold_labels(&project, hash, by, self.now()?)?;
        self.record_labels(caller, held.version, change, Some(reason))
            .await
    }

    async fn labels_for(
        &self,
        caller: &Caller,
        id: &MeasurementId,
        action: Action,
    ) -> Result<(Held<Measurement>, Project), ServiceError> {
        let held = self.load::<Measurement>(id.as_str()).await?;
        let project = held.value.core().project.clone();
        let project = self.load::<Project>(project.as_str()).await?.value;
        let object = Object::of(&held.value).author(&held.value.core().author);
        let object = object.people(project.people());
        self.authorise(caller, action, &object, self.now()?)?;
        Ok((held, project))
    }

    async fn record_labels(
        &self,
        caller: &Caller,
        version: i64,
        change: Change<Measurement>,
        reason: Option<&str>,
    ) -> Result<(), ServiceError> {
        let documents = reason.map(|text| document("comment", text.as_bytes()));
        let batch = Batch::new().change(version, change)?;
        self.record(Some(caller), batch, documents.into_iter().collect())
            .await?;
        Ok(())
    }
}
