//! Datasets and their deliveries: identifiers and payload, each by its own person, kept whole or not at all.

use std::collections::BTreeMap;

use governance::dataset::{Dataset, Dictionary};
use governance::delivery::{Delivery, SealedFile};
use governance::job::{Authority, Job, Outcome as JobOutcome, Task};
use governance::{
    Action, Batch, By, DatasetId, Date, DeliveryId, JobId, Lifecycle, PersonId, Sha256,
};
use protocol::keeper::{Cost, File, Outcome};
use serde::Serialize;
use store::{Filter, Held};
use tokio::io::AsyncRead;

use crate::access::Object;
use crate::error::ServiceError;
use crate::{Caller, Service};

/// A delivered file as it arrives.
pub struct Body<R> {
    /// `csv` or `parquet`.
    pub format: String,
    /// Its bytes.
    pub bytes: R,
}

/// What became of a delivered file.
#[derive(Debug, Clone, Serialize)]
pub struct DeliveryAnswer {
    /// The delivery.
    pub delivery: DeliveryId,
    /// Its state now.
    pub state: &'static str,
    /// Records (of identifiers) or rows (of payload).
    pub rows: u64,
    /// Payload rows without identifiers.
    pub unmatched: u64,
    /// Distinct records with payload.
    pub records: u64,
    /// Missing values by column.
    pub missing: BTreeMap<String, u64>,
    /// What the worker cost.
    pub cost: Cost,
}

impl Service {
    /// Every dataset in the catalogue.
    ///
    /// # Errors
    /// If the caller may not.
    pub async fn catalogue(&self, caller: &Caller) -> Result<Vec<Dataset>, ServiceError> {
        let now = self.now()?;
        self.authorise(
            caller,
            Action::ViewCatalogue,
            &Object::new("catalogue"),
            now,
        )?;
        let filter = Filter {
            limit: self.policies.limits.page,
            ..Filter::default()
        };
        let held = self.store.list::<Dataset>(filter).await?;
        Ok(held.into_iter().map(|h| h.value).collect())
    }

    /// Enters a dataset in the catalogue.
    ///
    /// # Errors
    /// If the caller may not, a person is unknown, or the dictionary has a fault.
    pub async fn register_dataset(
        &self,
        caller: &Caller,
        controller: PersonId,
        identifiers_from: PersonId,
        payload_from: PersonId,
        dictionary: Dictionary,
    ) -> Result<DatasetId, ServiceError> {
        let now = self.now()?;
        self.authorise(
            caller,
            Action::RegisterDataset,
            &Object::new("dataset"),
            now,
        )?;
        for person in [&controller, &identifiers_from, &payload_from] {
            self.load::<governance::person::Person>(person.as_str())
                .await?;
        }
        let id: DatasetId = self.fresh(DatasetId::PREFIX)?;
        let change = Dataset::register(
            id.clone(),
            controller,
            identifiers_from,
            payload_from,
            dictionary,
            caller.id(),
            now,
        )?;
        self.record(Some(caller), Batch::new().begin(change)?, Vec::new())
            .await?;
        Ok(id)
    }

    /// A controller's standing instruction to load and index its dataset.
    ///
    /// # Errors
    /// If the caller is not its controller.
    pub async fn give_instruction(
        &self,
        caller: &Caller,
        dataset: &DatasetId,
        until: Date,
    ) -> Result<(), ServiceError> {
        let now = self.now()?;
        let held = self.load::<Dataset>(dataset.as_str()).await?;
        self.authorise(caller, Action::GiveInstruction, &of(&held.value), now)?;
        let change = held.value.instruct(until, caller.id(), now)?;
        let batch = Batch::new().change(held.version, change)?;
        self.record(Some(caller), batch, Vec::new()).await?;
        Ok(())
    }

    /// Takes the instruction back.
    ///
    /// # Errors
    /// If the caller is not its controller, or there is none.
    pub async fn withdraw_instruction(
        &self,
        caller: &Caller,
        dataset: &DatasetId,
    ) -> Result<(), ServiceError> {
        let now = self.now()?;
        let held = self.load::<Dataset>(dataset.as_str()).await?;
        self.authorise(caller, Action::WithdrawInstruction, &of(&held.value), now)?;
        let change = held.value.withdraw_instruction(caller.id(), now)?;
        let batch = Batch::new().change(held.version, change)?;
        self.record(Some(caller), batch, Vec::new()).await?;
        Ok(())
    }

    /// Delivers a file of identifiers: a new delivery, kept whole or refused whole.
    ///
    /// # Errors
    /// If the caller may not, or the file is not fit; then nothing of it is kept.
    pub async fn deliver_identifiers<R: AsyncRead + Unpin>(
        &self,
        caller: &Caller,
        dataset: &DatasetId,
        body: Body<R>,
    ) -> Result<DeliveryAnswer, ServiceError> {
        let now = self.now()?;
        let dataset = self.load::<Dataset>(dataset.as_str()).await?.value;
        let mut object = of(&dataset);
        object = delivery_object(object);
        self.authorise(caller, Action::DeliverIdentifiers, &object, now)?;
        let id: DeliveryId = self.fresh(DeliveryId::PREFIX)?;
        let open = Delivery::open(id.clone(), &dataset, caller.id(), now)?;
        let job: JobId = self.fresh(JobId::PREFIX)?;
        let task = Task::LoadIdentifiers {
            delivery: id.clone(),
            upload: job.to_string(),
            format: body.format.clone(),
        };
        let queue = self.load_job(&job, task, &dataset, caller)?;
        let batch = Batch::new().begin(open)?.begin(queue)?;
        self.record(Some(caller), batch, Vec::new()).await?;
        let outcome = self.upload_and_run(&job, body).await;
        let delivery = self.load::<Delivery>(id.as_str()).await?;
        self.finish_identifiers(&job, delivery, &dataset, outcome)
            .await
    }

    /// Delivers the payload that belongs to kept identifiers.
    ///
    /// # Errors
    /// If the caller may not, or the file is not fit; then nothing of it is kept and another may follow.
    pub async fn deliver_payload<R: AsyncRead + Unpin>(
        &self,
        caller: &Caller,
        delivery: &DeliveryId,
        body: Body<R>,
    ) -> Result<DeliveryAnswer, ServiceError> {
        let now = self.now()?;
        let held = self.load::<Delivery>(delivery.as_str()).await?;
        let dataset = held.value.core().dataset.clone();
        let dataset = self.load::<Dataset>(dataset.as_str()).await?.value;
        let object = delivery_object(of(&dataset));
        self.authorise(caller, Action::DeliverPayload, &object, now)?;
        let open = held.value.open_payload(&dataset, caller.id(), now)?;
        let job: JobId = self.fresh(JobId::PREFIX)?;
        let task = Task::LoadPayload {
            delivery: delivery.clone(),
            upload: job.to_string(),
            format: body.format.clone(),
        };
        let queue = self.load_job(&job, task, &dataset, caller)?;
        let batch = Batch::new().change(held.version, open)?.begin(queue)?;
        self.record(Some(caller), batch, Vec::new()).await?;
        let outcome = self.upload_and_run(&job, body).await;
        let delivery = self.load::<Delivery>(delivery.as_str()).await?;
        self.finish_payload(&job, delivery, outcome).await
    }

    /// A delivery. No policy is asked: reception shows anybody who is signed in its dataset and state only.
    ///
    /// # Errors
    /// If there is none.
    pub async fn delivery(&self, id: &DeliveryId) -> Result<Delivery, ServiceError> {
        Ok(self.load::<Delivery>(id.as_str()).await?.value)
    }

    fn load_job(
        &self,
        job: &JobId,
        task: Task,
        dataset: &Dataset,
        caller: &Caller,
    ) -> Result<governance::Change<Job>, ServiceError> {
        let now = self.now()?;
        let authority = Authority::Instruction {
            dataset: dataset.id.clone(),
        };
        let by = By::Person(caller.id().clone());
        let deadline = self.deadline(self.policies.limits.job_s)?;
        Ok(Job::queue(job.clone(), task, authority, deadline, &by, now))
    }

    pub(crate) fn deadline(&self, seconds: i64) -> Result<governance::Timestamp, ServiceError> {
        self.now()?
            .checked_add(jiff::SignedDuration::from_secs(seconds))
            .map_err(|_| ServiceError::ClockBackwards)
    }

    async fn upload_and_run<R: AsyncRead + Unpin>(
        &self,
        job: &JobId,
        body: Body<R>,
    ) -> Result<(Outcome, Cost), ServiceError> {
        if !matches!(body.format.as_str(), "csv" | "parquet") {
            return Err(ServiceError::BadInput(
                "a delivered file is csv or parquet".into(),
            ));
        }
        let max = self.policies.limits.delivery_mib.saturating_mul(1 << 20);
        self.keeper.upload(job.as_str(), body.bytes, max).await?;
        self.keeper.run(job.as_str()).await
    }

    async fn finish_identifiers(
        &self,
        job: &JobId,
        delivery: Held<Delivery>,
        dataset: &Dataset,
        outcome: Result<(Outcome, Cost), ServiceError>,
    ) -> Result<DeliveryAnswer, ServiceError> {
        let now = self.now()?;
        let id = delivery.value.core().id.clone();
        let (outcome, cost) = match outcome {
            Ok((
                Outcome::LoadIdentifiers {
                    file,
                    records_file,
                    records,
                    missing,
                },
                cost,
            )) => ((file, records_file, records, missing), cost),
            Ok(_) => return Err(ServiceError::KeeperGone),
            Err(error) => {
                let refuse = delivery.value.refuse_identifiers(now)?;
                let batch = Batch::new().change(delivery.version, refuse)?;
                self.fail_job(job, batch, &error).await?;
                return Err(error);
            }
        };
        let (file, records_file, records, missing) = outcome;
        let bytes = Sha256::try_from(file.sha256.clone()).ok();
        let keep = delivery.value.keep_identifiers(
            dataset,
            sealed(file)?,
            sealed(records_file)?,
            records,
            now,
        )?;
        let state = keep.to().state();
        let batch = Batch::new().change(delivery.version, keep)?;
        self.finish_job(
            job,
            batch,
            JobOutcome {
                verdict: None,
                bytes,
            },
        )
        .await?;
        Ok(DeliveryAnswer {
            delivery: id,
            state,
            rows: records,
            unmatched: 0,
            records,
            missing,
            cost,
        })
    }

    async fn finish_payload(
        &self,
        job: &JobId,
        delivery: Held<Delivery>,
        outcome: Result<(Outcome, Cost), ServiceError>,
    ) -> Result<DeliveryAnswer, ServiceError> {
        let now = self.now()?;
        let id = delivery.value.core().id.clone();
        let (outcome, cost) = match outcome {
            Ok((outcome, cost)) => (outcome, cost),
            Err(error) => {
                let refuse = delivery.value.refuse_payload(now)?;
                let batch = Batch::new().change(delivery.version, refuse)?;
                self.fail_job(job, batch, &error).await?;
                return Err(error);
            }
        };
        let Outcome::LoadPayload {
            file,
            events_file,
            rows,
            unmatched,
            records,
            missing,
        } = outcome
        else {
            return Err(ServiceError::KeeperGone);
        };
        let bytes = Sha256::try_from(file.sha256.clone()).ok();
        let events = events_file.map(sealed).transpose()?;
        let keep = delivery
            .value
            .keep_payload(sealed(file)?, events, rows, unmatched, now)?;
        let state = keep.to().state();
        let batch = Batch::new().change(delivery.version, keep)?;
        self.finish_job(
            job,
            batch,
            JobOutcome {
                verdict: None,
                bytes,
            },
        )
        .await?;
        Ok(DeliveryAnswer {
            delivery: id,
            state,
            rows,
            unmatched,
            records,
            missing,
            cost,
        })
    }

    /// Records that a job is done, together with what it made.
    pub(crate) async fn finish_job(
        &self,
        job: &JobId,
        batch: Batch,
        outcome: JobOutcome,
    ) -> Result<(), ServiceError> {
        let held = self.load::<Job>(job.as_str()).await?;
        let finish = held.value.finish(outcome, self.now()?)?;
        let batch = batch.change(held.version, finish)?;
        self.record(None, batch, Vec::new()).await?;
        Ok(())
    }

    /// Records that a job was not done, together with what that means for its object.
    pub(crate) async fn fail_job(
        &self,
        job: &JobId,
        batch: Batch,
        error: &ServiceError,
    ) -> Result<(), ServiceError> {
        let code = match error {
            ServiceError::Keeper(refused) => refused.code.word(),
            ServiceError::BadInput(_) => "bad_input",
            ServiceError::Uncheckable(_) => "uncheckable",
            ServiceError::Refused(_) => "not_permitted",
            _ => "internal",
        };
        let held = self.load::<Job>(job.as_str()).await?;
        let fail = held.value.fail(code, self.now()?)?;
        let batch = batch.change(held.version, fail)?;
        self.record(None, batch, Vec::new()).await?;
        Ok(())
    }
}

/// A keeper's file as governance records it.
pub(crate) fn sealed(file: File) -> Result<SealedFile, ServiceError> {
    Ok(SealedFile {
        sha256: Sha256::try_from(file.sha256).map_err(|_| ServiceError::KeeperGone)?,
        name: file.name,
        bytes: file.bytes,
    })
}

fn of(dataset: &Dataset) -> Object {
    Object::of(dataset)
        .controllers([dataset.controller.clone()])
        .providers([
            dataset.identifiers_from.clone(),
            dataset.payload_from.clone(),
        ])
}

/// A delivery has the people of its dataset.
fn delivery_object(dataset: Object) -> Object {
    dataset.as_kind("delivery")
}
