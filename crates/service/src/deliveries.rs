//! Datasets and their deliveries: identifiers and payload, each by its own person, kept whole or not at all.

use std::collections::BTreeMap;

use governance::dataset::{Dataset, Dictionary};
use governance::delivery::{Delivery, SealedFile};
use governance::job::{Authority, Job, Outcome as JobOutcome, Task};
use governance::{
    Action, Batch, By, Change, DatasetId, Date, DeliveryId, JobId, Lifecycle, PersonId, Sha256,
    Timestamp,
};
use protocol::keeper::{Cost, File, Outcome};
use serde::Serialize;
use store::{Filter, Held};
use tokio::io::AsyncRead;

use crate::access::Object;
use crate::error::ServiceError;
use crate::jobs::{Answer, Done};
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
        let held = self.every::<Dataset>(Filter::default()).await?;
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
        let action = Action::GiveInstruction;
        let (held, now) = self.dataset_for(caller, dataset, action).await?;
        let change = held.value.instruct(until, caller.id(), now)?;
        self.record_dataset(caller, held.version, change).await
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
        let action = Action::WithdrawInstruction;
        let (held, now) = self.dataset_for(caller, dataset, action).await?;
        let change = held.value.withdraw_instruction(caller.id(), now)?;
        self.record_dataset(caller, held.version, change).await
    }

    /// A dataset, if the site's policies let the caller do this to it, and the moment.
    pub(crate) async fn dataset_for(
        &self,
        caller: &Caller,
        dataset: &DatasetId,
        action: Action,
    ) -> Result<(Held<Dataset>, Timestamp), ServiceError> {
        let now = self.now()?;
        let held = self.load::<Dataset>(dataset.as_str()).await?;
        self.authorise(caller, action, &of(&held.value), now)?;
        Ok((held, now))
    }

    /// Records what a rule made of a dataset.
    pub(crate) async fn record_dataset(
        &self,
        caller: &Caller,
        version: i64,
        change: Change<Dataset>,
    ) -> Result<(), ServiceError> {
        let batch = Batch::new().change(version, change)?;
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
        let queue = self.load_job(&job, task.clone(), &dataset, caller)?;
        let batch = Batch::new().begin(open)?.begin(queue)?;
        self.load_file(caller, &task, &job, batch, body).await
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
        let queue = self.load_job(&job, task.clone(), &dataset, caller)?;
        let batch = Batch::new().change(held.version, open)?.begin(queue)?;
        self.load_file(caller, &task, &job, batch, body).await
    }

    /// A delivery, for those who have to do with its dataset.
    ///
    /// # Errors
    /// If the caller may not, or there is none.
    pub async fn delivery(
        &self,
        caller: &Caller,
        id: &DeliveryId,
    ) -> Result<Delivery, ServiceError> {
        let now = self.now()?;
        let delivery = self.load::<Delivery>(id.as_str()).await?.value;
        let dataset = delivery.core().dataset.clone();
        let dataset = self.load::<Dataset>(dataset.as_str()).await?.value;
        let object = Object::of(&delivery)
            .controllers([dataset.controller.clone()])
            .providers([dataset.identifiers_from, dataset.payload_from]);
        self.authorise(caller, Action::ViewDelivery, &object, now)?;
        Ok(delivery)
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

    /// Records a delivery with its job, sends the file and has it read. A file that does not arrive whole is
    /// refused as one that is not fit.
    async fn load_file<R: AsyncRead + Unpin>(
        &self,
        caller: &Caller,
        task: &Task,
        job: &JobId,
        batch: Batch,
        body: Body<R>,
    ) -> Result<DeliveryAnswer, ServiceError> {
        if !matches!(body.format.as_str(), "csv" | "parquet") {
            return Err(ServiceError::BadInput(
                "a delivered file is csv or parquet".into(),
            ));
        }
        self.begin_job(caller, task, job, batch, Vec::new()).await?;
        let max = self.policies.limits.delivery_mib.saturating_mul(1 << 20);
        let sending = self.keeper.upload(job.as_str(), body.bytes, max);
        let sent = match self.leased(job, None, sending).await {
            Ok(sent) => sent,
            Err(lost) => Err(lost),
        };
        if let Err(error) = sent {
            self.end_failed(job, &error).await?;
            return Err(error);
        }
        let Answer::Delivery(answer) = self.carry_out(job).await? else {
            return Err(ServiceError::strange());
        };
        Ok(answer)
    }

    pub(crate) async fn identifiers_kept(
        &self,
        id: &DeliveryId,
        outcome: Outcome,
        cost: Cost,
    ) -> Result<Done, ServiceError> {
        let Outcome::LoadIdentifiers {
            file,
            records_file,
            records,
            missing,
        } = outcome
        else {
            return Err(ServiceError::strange());
        };
        let held = self.load::<Delivery>(id.as_str()).await?;
        let dataset = held.value.core().dataset.clone();
        let dataset = self.load::<Dataset>(dataset.as_str()).await?.value;
        let (file, records_file) = (sealed(file)?, sealed(records_file)?);
        let bytes = Some(file.sha256.clone());
        let now = self.now()?;
        let keep = held
            .value
            .keep_identifiers(&dataset, file, records_file, records, now)?;
        let answer = DeliveryAnswer {
            delivery: id.clone(),
            state: keep.to().state(),
            rows: records,
            unmatched: 0,
            records,
            missing,
            cost,
        };
        Ok(Done {
            batch: Batch::new().change(held.version, keep)?,
            outcome: JobOutcome {
                verdict: None,
                bytes,
                rows: None,
            },
            compared: None,
            answer: Answer::Delivery(answer),
        })
    }

    pub(crate) async fn payload_kept(
        &self,
        id: &DeliveryId,
        outcome: Outcome,
        cost: Cost,
    ) -> Result<Done, ServiceError> {
        let Outcome::LoadPayload {
            file,
            events_file,
            rows,
            unmatched,
            records,
            missing,
        } = outcome
        else {
            return Err(ServiceError::strange());
        };
        let held = self.load::<Delivery>(id.as_str()).await?;
        let (file, events) = (sealed(file)?, events_file.map(sealed).transpose()?);
        let bytes = Some(file.sha256.clone());
        let now = self.now()?;
        let keep = held
            .value
            .keep_payload(file, events, rows, unmatched, now)?;
        let answer = DeliveryAnswer {
            delivery: id.clone(),
            state: keep.to().state(),
            rows,
            unmatched,
            records,
            missing,
            cost,
        };
        Ok(Done {
            batch: Batch::new().change(held.version, keep)?,
            outcome: JobOutcome {
                verdict: None,
                bytes,
                rows: None,
            },
            compared: None,
            answer: Answer::Delivery(answer),
        })
    }
}

/// A keeper's file as governance records it.
pub(crate) fn sealed(file: File) -> Result<SealedFile, ServiceError> {
    Ok(SealedFile {
        sha256: Sha256::try_from(file.sha256).map_err(|_| ServiceError::strange())?,
        name: file.name,
        bytes: file.bytes,
    })
}

/// A dataset as the policies see it.
pub(crate) fn of(dataset: &Dataset) -> Object {
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
