//! Feasibility counts: how many people of a dataset satisfy some conditions, for whoever plans a study, as its
//! controller allows.

use governance::dataset::{Dataset, Feasibility};
use governance::measure::Loss;
use governance::project::{InForce, Project};
use governance::workspace::Workspace;
use governance::{Action, DatasetId, ProjectId, Refusal, Timestamp};
use serde::Serialize;
use serde_json::{Value, json};

use super::ask::{Entered, MeasurementView};
use super::budget::Remaining;
use crate::access::Object;
use crate::error::ServiceError;
use crate::{Caller, Service};

/// Half-width, in standard deviations, that holds 95 % of Gaussian noise.
const Z95: f64 = 1.959_963_984_540_054;

/// What may be counted of a dataset, and what a count costs.
#[derive(Debug, Clone, Serialize)]
pub struct Countable {
    /// The dataset.
    pub dataset: DatasetId,
    /// The project whose extract answers.
    pub project: ProjectId,
    /// Columns that conditions may name.
    pub columns: Vec<String>,
    /// What a count costs every account.
    pub price: Loss,
    /// People by which a count is off at most, in 95 of 100 cases.
    pub error_95: u64,
    /// What is left in the accounts that the caller's counts are charged to.
    pub remaining: Remaining,
}

impl Service {
    /// A controller allows counts of people of its dataset, through a project's extract, at a price each.
    ///
    /// # Errors
    /// If the caller is not its controller, no instruction is in force, or the project is not live or does not
    /// include the dataset.
    pub async fn allow_feasibility(
        &self,
        caller: &Caller,
        dataset: &DatasetId,
        allowed: &Feasibility,
    ) -> Result<(), ServiceError> {
        let action = Action::AllowFeasibility;
        let (held, now) = self.dataset_for(caller, dataset, action).await?;
        let project = self.load::<Project>(allowed.project.as_str()).await?.value;
        let project = project.in_force(action)?;
        let by = caller.id();
        let change = held
            .value
            .allow_feasibility(project, allowed.nano_rho, by, now)?;
        self.record_dataset(caller, held.version, change).await
    }

    /// Allows no more counts; one that runs is stopped.
    ///
    /// # Errors
    /// If the caller is not its controller, or none are allowed.
    pub async fn end_feasibility(
        &self,
        caller: &Caller,
        dataset: &DatasetId,
    ) -> Result<(), ServiceError> {
        let action = Action::EndFeasibility;
        let (held, now) = self.dataset_for(caller, dataset, action).await?;
        let change = held.value.end_feasibility(caller.id(), now)?;
        self.record_dataset(caller, held.version, change).await
    }

    /// What the caller may have counted of a dataset, and at which price. Reads no data.
    ///
    /// # Errors
    /// If the caller may not count, or counts of the dataset are not allowed or have no extract now.
    pub async fn countable(
        &self,
        caller: &Caller,
        dataset: &DatasetId,
    ) -> Result<Countable, ServiceError> {
        let entered = self.enter_to_count(caller, dataset).await?;
        let (dataset, allowed) = self.allowed(&entered)?;
        let columns = columns(&entered, &dataset.id);
        let family = self.family(&dataset.id).await?;
        let remaining = self
            .remaining(&family, &allowed.project, caller.id())
            .await?;
        Ok(Countable {
            dataset: dataset.id.clone(),
            project: allowed.project.clone(),
            columns,
            price: Loss::of_rho(allowed.nano_rho),
            error_95: error_95(allowed.nano_rho),
            remaining,
        })
    }

    /// How many people satisfy all of `filter`, conditions as docs/reference/dp-request.md has them: kept, if it
    /// was answered on this snapshot before; otherwise charged.
    ///
    /// # Errors
    /// As [`Service::measure`]; if counts of the dataset are not allowed.
    pub async fn count_people(
        &self,
        caller: &Caller,
        dataset: &DatasetId,
        filter: &[Value],
    ) -> Result<MeasurementView, ServiceError> {
        let entered = self.enter_to_count(caller, dataset).await?;
        let (dataset, allowed) = self.allowed(&entered)?;
        must_name(filter, &columns(&entered, &dataset.id))?;
        let request = json!({
            "table": dataset.dictionary.table,
            "filter": filter,
            "statistics": ["people"],
            "rho": rho(allowed.nano_rho)?,
        });
        let asked = self.priced(entered, &request.to_string()).await?;
        self.answered(caller, asked).await
    }

    /// The dataset that is counted, and what its controller allows.
    fn allowed(&self, entered: &Entered) -> Result<(Dataset, Feasibility), ServiceError> {
        let dataset = entered.counted.clone();
        let dataset = dataset.ok_or(ServiceError::NotFound("dataset"))?;
        let allowed = dataset.feasibility_at(self.now()?)?.clone();
        Ok((dataset, allowed))
    }

    /// Whether the caller may have people counted at all; of which datasets is the controllers' to say.
    pub(super) fn may_count(&self, caller: &Caller, now: Timestamp) -> Result<(), ServiceError> {
        let catalogue = Object::new("catalogue");
        self.authorise(caller, Action::CountPeople, &catalogue, now)
    }

    /// The open workspace, on the sealed extract of the project, through which a dataset's people are counted.
    async fn enter_to_count(
        &self,
        caller: &Caller,
        id: &DatasetId,
    ) -> Result<Entered, ServiceError> {
        let now = self.now()?;
        let dataset = self.load::<Dataset>(id.as_str()).await?.value;
        self.may_count(caller, now)?;
        let allowed = dataset.feasibility_at(now)?;
        let project = self.load::<Project>(allowed.project.as_str()).await?.value;
        let project = project.in_force(Action::CountPeople)?.clone();
        let permit = project.count_permit(&dataset, &caller.person, now)?;
        Ok(Entered {
            workspace: self.open_workspace_of(&project, id).await?,
            project,
            permit,
            counted: Some(dataset),
        })
    }

    async fn open_workspace_of(
        &self,
        project: &InForce,
        dataset: &DatasetId,
    ) -> Result<Workspace, ServiceError> {
        let held = self.belonging::<Workspace>(&project.core.id).await?;
        let mut open = held.into_iter().map(|held| held.value);
        open.find(|one| one.must_be_open(Action::CountPeople).is_ok())
            .ok_or_else(|| Refusal::NoFeasibility(dataset.clone()).into())
    }
}

/// Columns of a dataset in the extract that answers, but for those that every extract has.
fn columns(entered: &Entered, dataset: &DatasetId) -> Vec<String> {
    let asked = entered.project.manifest.datasets.iter();
    let asked = asked.filter(|asked| asked.dataset == *dataset);
    asked
        .flat_map(|asked| asked.variables.iter().map(|v| v.name.clone()))
        .collect()
}

/// A condition over another column would be found out only once the price is spent.
fn must_name(filter: &[Value], columns: &[String]) -> Result<(), ServiceError> {
    for condition in filter {
        let named = condition.get("column").and_then(Value::as_str);
        if !named.is_some_and(|name| columns.iter().any(|column| column == name)) {
            return Err(ServiceError::BadInput(
                "each condition names a column that is offered: GET its feasibility for them"
                    .into(),
            ));
        }
    }
    Ok(())
}

/// Rho as the request writes it, exact to the billionth.
fn rho(nano_rho: u64) -> Result<Value, ServiceError> {
    const NANO: u64 = 1_000_000_000;
    let text = format!("{}.{:09}", nano_rho / NANO, nano_rho % NANO);
    Ok(serde_json::from_str(&text)?)
}

/// Each person counts once, so the noise of a count has the standard deviation `1 / sqrt(2 rho)`.
fn error_95(nano_rho: u64) -> u64 {
    let rho = nano_rho as f64 / 1e9;
    (Z95 / (2.0 * rho).sqrt()).ceil() as u64
}
