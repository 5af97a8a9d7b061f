//! Measurements as those see them whom they concern.

use std::collections::{BTreeMap, BTreeSet};

use governance::measure::{Account, Budget, Measurement};
use governance::project::Project;
use governance::{Action, BudgetId, Lifecycle, MeasurementId, OutputId, ProjectId, Sha256};
use serde_json::Value;
use store::Filter;

use super::ask::{Charged, MeasurementView};
use crate::access::Object;
use crate::error::ServiceError;
use crate::{Caller, Service};

impl Service {
    /// A measurement, for those whom it concerns.
    ///
    /// # Errors
    /// If the caller may not read it.
    pub async fn measurement(
        &self,
        caller: &Caller,
        id: &MeasurementId,
    ) -> Result<MeasurementView, ServiceError> {
        let held = self.load::<Measurement>(id.as_str()).await?;
        let core = held.value.core();
        let project = self.load::<Project>(core.project.as_str()).await?.value;
        let object = self.measurement_object(&held.value, &project).await?;
        let now = self.now()?;
        self.authorise(caller, Action::ViewMeasurement, &object, now)?;
        let mut view = self.measurement_view(&held.value, Charged::Nothing).await?;
        if let Measurement::UnderReview { answer, .. } = &held.value
            && self
                .authorise(caller, Action::ReleaseLabels, &object, now)
                .is_ok()
        {
            view.answer = self.json_on_file(&answer.sha256).await?;
            view.sha256 = Some(answer.sha256.clone());
            view.checks_labels = true;
        }
        Ok(view)
    }

    /// Measurements of a project, for those whom they concern; at most a page, in the order of their ids. Counts
    /// that others asked of the catalogue are not among them.
    ///
    /// # Errors
    /// If the caller may not read the project.
    pub async fn measurements_of(
        &self,
        caller: &Caller,
        id: &ProjectId,
        after: Option<&str>,
    ) -> Result<Vec<MeasurementView>, ServiceError> {
        let now = self.now()?;
        let project = self.load::<Project>(id.as_str()).await?.value;
        let filter = Filter {
            project: Some(id),
            limit: self.policies.limits.page,
            after,
            ..Filter::default()
        };
        let mut views = Vec::new();
        for held in self.store.list::<Measurement>(filter).await? {
            if held.value.core().feasibility.is_some() {
                continue;
            }
            let object = self.measurement_object(&held.value, &project).await?;
            self.authorise(caller, Action::ViewMeasurement, &object, now)?;
            views.push(self.measurement_view(&held.value, Charged::Nothing).await?);
        }
        Ok(views)
    }

    async fn measurement_object(
        &self,
        measurement: &Measurement,
        project: &Project,
    ) -> Result<Object, ServiceError> {
        let asked = project.manifest().map(|m| m.datasets.clone());
        let asked = asked.unwrap_or_default().into_iter().map(|d| d.dataset);
        let controllers = self.datasets(asked).await?.into_values();
        let core = measurement.core();
        let object = Object::of(measurement).author(&core.author);
        // What somebody asked of the catalogue is not the project's, though its extract answered.
        let object = match &core.feasibility {
            Some(_) => object.people([core.author.clone()]),
            None => object.people(project.people()),
        };
        Ok(object.controllers(controllers.map(|d| d.controller)))
    }

    pub(super) async fn measurement_view(
        &self,
        measurement: &Measurement,
        charged: Charged,
    ) -> Result<MeasurementView, ServiceError> {
        let core = measurement.core().clone();
        let (mut labels_checked_by, mut withheld_because) = (None, None);
        let answer = match measurement {
            Measurement::Released {
                answer,
                labels_checked_by: by,
                ..
            } => {
                labels_checked_by.clone_from(by);
                Some(answer.clone())
            }
            Measurement::Withheld { by, reason, .. } => {
                labels_checked_by = Some(by.clone());
                withheld_because = Some(self.text_on_file(reason).await?);
                None
            }
            Measurement::Reserved { .. }
            | Measurement::Running { .. }
            | Measurement::UnderReview { .. }
            | Measurement::Forfeited { .. }
            | Measurement::Freed { .. } => None,
        };
        let bytes = match &answer {
            Some(answer) => self.json_on_file(&answer.sha256).await?,
            None => Value::Null,
        };
        Ok(MeasurementView {
            measurement: core.id,
            feasibility: core.feasibility,
            state: measurement.state(),
            author: core.author,
            project: core.project,
            workspace: core.workspace,
            snapshot: core.snapshot,
            asked: self.json_on_file(&core.text).await?,
            request: core.request,
            price: core.price,
            accounts: core.accounts.iter().map(ToString::to_string).collect(),
            charged,
            ended: self.ended(&core.accounts).await?,
            void: answer.as_ref().map_or(core.void, |a| a.void.clone()),
            at: answer.as_ref().map(|a| a.at),
            sha256: answer.map(|a| a.sha256),
            labels_checked_by,
            withheld_because,
            checks_labels: false,
            answer: bytes,
        })
    }

    /// Exact releases that have ended the statement for the people of these accounts.
    pub(super) async fn ended(
        &self,
        accounts: &BTreeSet<Account>,
    ) -> Result<BTreeMap<BudgetId, OutputId>, ServiceError> {
        let budgets: BTreeSet<&BudgetId> = accounts.iter().map(Account::budget).collect();
        let ids = budgets.iter().map(|id| id.as_str());
        let held = self.store.load_all::<Budget>(ids).await?;
        // What cannot be read is not said to stand.
        if held.len() != budgets.len() {
            return Err(ServiceError::NotFound("budget"));
        }
        let ended = held.into_values().filter_map(|held| {
            let by = held.value.void_by().cloned()?;
            Some((held.value.budget().clone(), by))
        });
        Ok(ended.collect())
    }

    async fn json_on_file(&self, hash: &Sha256) -> Result<Value, ServiceError> {
        Ok(serde_json::from_str(&self.text_on_file(hash).await?)?)
    }

    pub(crate) async fn text_on_file(&self, hash: &Sha256) -> Result<String, ServiceError> {
        let bytes = self.store.document(hash).await?;
        let bytes = bytes.ok_or(ServiceError::NotFound("document"))?;
        String::from_utf8(bytes).map_err(|_| ServiceError::strange())
    }
}
