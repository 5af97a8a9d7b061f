//! Asking: the price of a question, which is free and reads nothing; its answer, which is reserved, run and
//! settled.

use std::collections::{BTreeMap, BTreeSet};

use governance::dataset::Dataset;
use governance::extract::Extract;
use governance::job::{Core as JobCore, Outcome as JobOutcome, Task};
use governance::measure::{self, Ask, Family, Loss, Measurement, Place};
use governance::person::Person;
use governance::project::{InForce, Permit};
use governance::workspace::Workspace;
use governance::{
    Action, Batch, BudgetId, DatasetId, Lifecycle, MeasurementId, OutputId, PersonId, ProjectId,
    Sha256, Timestamp, WorkspaceId,
};
use protocol::keeper::Priced;
use serde::Serialize;
use serde_json::Value;
use store::Held;
use tokio::sync::MutexGuard;

use super::budget::Remaining;
use crate::access::Object;
use crate::error::ServiceError;
use crate::jobs::{Answer, Done};
use crate::{Caller, Service, document, sha256};

/// What a question would cost. Nothing was read for it, and it is not in the log.
#[derive(Debug, Clone, Serialize)]
pub struct PriceView {
    /// Hash of the canonical request: every spelling of the question has this one.
    pub request: Sha256,
    /// What it costs every account.
    pub price: Loss,
    /// The price as the noise office says it: the request in words, epsilon, error bars.
    pub priced: Value,
    /// What is left in the accounts that it is charged to, a family each.
    pub remaining: Vec<Remaining>,
    /// The measurement that has answered it on this snapshot: asking again costs nothing.
    pub answered: Option<MeasurementId>,
}

/// A measurement as those see it who may.
#[derive(Debug, Clone, Serialize)]
pub struct MeasurementView {
    /// The measurement.
    pub measurement: MeasurementId,
    /// For a count from the catalogue: the dataset.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub feasibility: Option<DatasetId>,
    /// Name of the state.
    pub state: &'static str,
    /// Who asked.
    pub author: PersonId,
    /// For which project.
    pub project: ProjectId,
    /// In which workspace.
    pub workspace: WorkspaceId,
    /// Hash of the sealed extract that was asked.
    pub snapshot: Sha256,
    /// Hash of the canonical request.
    pub request: Sha256,
    /// The request as it was sent.
    pub asked: Value,
    /// What it costs, or cost, every account.
    pub price: Loss,
    /// The accounts.
    pub accounts: Vec<String>,
    /// Whether it was charged by this call; a kept answer is not charged again.
    pub charged: Charged,
    /// Budgets whose statement of differential privacy an exact release had ended.
    pub void: BTreeSet<BudgetId>,
    /// Budgets whose statement an exact release has ended by now, with that release: an answer from before it
    /// stands for nothing more either.
    pub ended: BTreeMap<BudgetId, OutputId>,
    /// When it was answered.
    pub at: Option<Timestamp>,
    /// Hash of the answer's bytes.
    pub sha256: Option<Sha256>,
    /// The output checker who looked at labels that were found in the data.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub labels_checked_by: Option<PersonId>,
    /// What that checker told the author on keeping the answer back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub withheld_because: Option<String>,
    /// Whether the reader is to look at the labels, and so sees an answer that is not released.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub checks_labels: bool,
    /// The answer: noisy numbers that may be published. Null until it is released, but for those who look at its
    /// labels.
    pub answer: Value,
}

/// What a call charged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Charged {
    /// The price.
    Price,
    /// Nothing.
    Nothing,
}

/// What a finished job made, until it is recorded.
pub(crate) struct MeasureAnswer {
    pub(crate) bytes: Vec<u8>,
}

/// A priced question at its place.
pub(super) struct Asked {
    ask: Ask,
    text: String,
    priced: Priced,
    families: Vec<Family>,
    extract: Extract,
    snapshot: Sha256,
    workspace: Workspace,
    project: InForce,
    permit: Permit,
    /// For a count from the catalogue: the dataset, whose controller allows it.
    counted: Option<Dataset>,
}

/// Where a question is put, by whoever is permitted to.
pub(super) struct Entered {
    pub(super) workspace: Workspace,
    pub(super) project: InForce,
    pub(super) permit: Permit,
    pub(super) counted: Option<Dataset>,
}

impl Service {
    /// The price of a question, and what is left to pay it with. Reads no data and costs nothing.
    ///
    /// # Errors
    /// If the caller may not measure here, or the request cannot be read or priced.
    pub async fn price_measurement(
        &self,
        caller: &Caller,
        workspace: &WorkspaceId,
        request: &str,
    ) -> Result<PriceView, ServiceError> {
        let asked = self.asked(caller, workspace, request).await?;
        let project = &asked.project.core.id;
        let mut remaining = Vec::new();
        let mut seen = BTreeSet::new();
        for family in &asked.families {
            if seen.insert(family.budget().budget().clone()) {
                remaining.push(self.remaining(family, project, caller.id()).await?);
            }
        }
        let id = MeasurementId::of(&asked.ask.request, &asked.snapshot);
        let held = self.store.load::<Measurement>(id.as_str()).await?;
        let answered = held.is_some_and(|held| matches!(held.value, Measurement::Released { .. }));
        Ok(PriceView {
            request: asked.ask.request,
            price: asked.ask.price,
            priced: serde_json::from_str(&asked.priced.price)?,
            remaining,
            answered: answered.then_some(id),
        })
    }

    /// The answer to a question: kept, if it was answered on this snapshot before; otherwise its price is
    /// reserved, it runs, and the price is spent.
    ///
    /// # Errors
    /// If the caller may not, an account is too low, the same question is under way, or it could not be
    /// answered; once it ran, its price is spent all the same.
    pub async fn measure(
        &self,
        caller: &Caller,
        workspace: &WorkspaceId,
        request: &str,
    ) -> Result<MeasurementView, ServiceError> {
        let asked = self.asked(caller, workspace, request).await?;
        self.answered(caller, asked).await
    }

    /// The answer to a question that was priced where it is put.
    pub(super) async fn answered(
        &self,
        caller: &Caller,
        asked: Asked,
    ) -> Result<MeasurementView, ServiceError> {
        let id = MeasurementId::of(&asked.ask.request, &asked.snapshot);
        let held = self.store.load::<Measurement>(id.as_str()).await?;
        if let Some(held) = &held {
            let (request, project) = (&asked.ask.request, &asked.project.core.id);
            if held
                .value
                .answers(request, &asked.snapshot, project)?
                .is_some()
            {
                return self.measurement_view(&held.value, Charged::Nothing).await;
            }
        }
        self.keeper.hello().await?;
        // Held until the job is recorded: a price is reserved only where there is room for what it pays.
        let room = self.room_in_queue(asked.permit.project()).await?;
        let reserved = self.reserve(caller, &asked, held).await?;
        let ran = self.run_measurement(caller, &asked, reserved, room).await;
        if let Err(error) = ran {
            // Whatever was not begun is given back now; what was begun is settled by its job.
            self.give_back(caller, &id).await;
            return Err(error);
        }
        let held = self.load::<Measurement>(id.as_str()).await?;
        self.measurement_view(&held.value, Charged::Price).await
    }

    async fn asked(
        &self,
        caller: &Caller,
        workspace: &WorkspaceId,
        request: &str,
    ) -> Result<Asked, ServiceError> {
        let action = Action::ReserveMeasurement;
        let kind = Measurement::KIND;
        let (workspace, project, permit) = self.enter(caller, workspace, action, kind).await?;
        let entered = Entered {
            workspace,
            project,
            permit,
            counted: None,
        };
        self.priced(entered, request).await
    }

    /// Prices a question where it is put.
    pub(super) async fn priced(
        &self,
        entered: Entered,
        request: &str,
    ) -> Result<Asked, ServiceError> {
        let Entered {
            workspace,
            project,
            permit,
            counted,
        } = entered;
        self.statement(request)?;
        let extract = workspace.core().extract.clone();
        let extract = self.load::<Extract>(extract.as_str()).await?.value;
        let Extract::Sealed { file, .. } = &extract else {
            let wrong = Action::ReserveMeasurement.wrong_state(Extract::KIND, extract.state());
            return Err(wrong.into());
        };
        let snapshot = file.sha256.clone();
        let priced = self.keeper.price(request).await?;
        let hash =
            Sha256::try_from(priced.request_sha256.clone()).map_err(|_| ServiceError::strange())?;
        let mut families = Vec::new();
        for dataset in self.datasets_behind(&project, &priced.tables).await? {
            families.push(self.family(&dataset).await?);
        }
        let ask = Ask {
            request: hash,
            text: sha256(request.as_bytes())?,
            price: Loss {
                nano_rho: priced.nano_rho,
                atto_delta: priced.atto_delta,
            },
            until: self.deadline(self.policies.limits.query_s)?,
        };
        Ok(Asked {
            ask,
            text: request.to_owned(),
            priced,
            families,
            extract,
            snapshot,
            workspace,
            project,
            permit,
            counted,
        })
    }

    /// Whether the caller may do this to a measurement: as one of the project's people, or as anybody whom a
    /// controller lets count.
    fn authorise_measuring(
        &self,
        caller: &Caller,
        action: Action,
        measurement: &Measurement,
        asked: &Asked,
        now: Timestamp,
    ) -> Result<(), ServiceError> {
        if asked.counted.is_some() {
            return self.may_count(caller, now);
        }
        let people = asked.project.manifest.people.iter().cloned();
        let object = Object::of(measurement).people(people);
        self.authorise(caller, action, &object, now)
    }

    /// The approved datasets behind these tables of a project's extract.
    async fn datasets_behind(
        &self,
        project: &InForce,
        tables: &[String],
    ) -> Result<BTreeSet<DatasetId>, ServiceError> {
        let approved = project.manifest.datasets.clone();
        let approved = approved.into_iter().map(|d| d.dataset);
        let approved: Vec<Dataset> = self.datasets(approved).await?.into_values().collect();
        let of = |table: &String| {
            let mut found = approved.iter().filter(|d| d.dictionary.table == *table);
            match (found.next(), found.next()) {
                (Some(dataset), None) => Ok(dataset.id.clone()),
                (_, _) => Err(ServiceError::BadInput(
                    "the request names a table that is not in this workspace".into(),
                )),
            }
        };
        tables.iter().map(of).collect()
    }

    async fn reserve(
        &self,
        caller: &Caller,
        asked: &Asked,
        held: Option<Held<Measurement>>,
    ) -> Result<Held<Measurement>, ServiceError> {
        let place = Place {
            permit: &asked.permit,
            workspace: &asked.workspace,
            extract: &asked.extract,
        };
        let (by, now) = (caller.id(), self.now()?);
        let (ask, families) = (&asked.ask, asked.families.as_slice());
        let request = document("request", asked.text.as_bytes());
        let (change, batch, version) = match held {
            None => {
                let change = Measurement::reserve(ask, place, families, by, now)?;
                (change.to().clone(), Batch::new().begin(change)?, 1)
            }
            Some(held) => {
                let again = Action::ReserveMeasurementAgain;
                self.authorise_measuring(caller, again, &held.value, asked, now)?;
                let change = held.value.reserve_again(ask, place, families, by, now)?;
                let to = change.to().clone();
                (
                    to,
                    Batch::new().change(held.version, change)?,
                    held.version + 1,
                )
            }
        };
        let receipt = self.record(Some(caller), batch, vec![request]).await?;
        Ok(Held {
            value: change,
            version,
            leaf: receipt.first_leaf,
        })
    }

    async fn run_measurement(
        &self,
        caller: &Caller,
        asked: &Asked,
        reserved: Held<Measurement>,
        room: MutexGuard<'_, ()>,
    ) -> Result<(), ServiceError> {
        let now = self.now()?;
        let run = Action::RunMeasurement;
        self.authorise_measuring(caller, run, &reserved.value, asked, now)?;
        let id = reserved.value.core().id.clone();
        let task = Task::Measure {
            measurement: id.clone(),
        };
        let (job, queue) = self.manifest_job(&asked.project, task.clone(), caller)?;
        let run =
            reserved
                .value
                .run(job.clone(), &asked.permit, &asked.extract, caller.id(), now)?;
        let batch = Batch::new().change(reserved.version, run)?.begin(queue)?;
        self.begin_job(caller, &task, &job, batch, Vec::new())
            .await?;
        drop(room);
        match self.carry_out(&job).await {
            Ok(Answer::Measurement(_)) => Ok(()),
            Ok(_) => Err(ServiceError::strange()),
            Err(error) => self.unanswered(&id, error).await,
        }
    }

    /// Gives a reservation back that did not come to run. What runs is settled by its job.
    async fn give_back(&self, caller: &Caller, id: &MeasurementId) {
        if let Err(error) = self.withdraw_measurement(caller, id).await {
            tracing::debug!(measurement = %id, kind = error.kind().word(), "nothing was given back");
        }
    }

    /// Takes one's own reservation back before it runs; it costs nothing.
    ///
    /// # Errors
    /// If the caller is not its author, or it is not reserved.
    pub async fn withdraw_measurement(
        &self,
        caller: &Caller,
        id: &MeasurementId,
    ) -> Result<(), ServiceError> {
        let now = self.now()?;
        let held = self.load::<Measurement>(id.as_str()).await?;
        let object = Object::of(&held.value).author(&held.value.core().author);
        self.authorise(caller, Action::WithdrawMeasurement, &object, now)?;
        let change = held.value.withdraw(caller.id(), now)?;
        let batch = Batch::new().change(held.version, change)?;
        self.record(Some(caller), batch, Vec::new()).await?;
        Ok(())
    }

    /// Whether whoever asked for a measurement's job may still measure, or still count.
    async fn still_measuring(
        &self,
        core: &JobCore,
        asked: &measure::Core,
    ) -> Result<(), ServiceError> {
        let Some(dataset) = &asked.feasibility else {
            self.still_permitted(core, &asked.author).await?;
            return Ok(());
        };
        let project = self.authorising(core).await?;
        let person = self.load::<Person>(asked.author.as_str()).await?.value;
        let dataset = self.load::<Dataset>(dataset.as_str()).await?.value;
        let now = self.now()?;
        let permit = project.count_permit(&dataset, &person, now)?;
        Ok(permit.must_cover_measuring(&asked.price, &person.id, now)?)
    }

    /// The keeper had it drawn: the answer is released, or waits for an output checker, and the price is spent, in
    /// the record that ends the job.
    pub(crate) async fn measured(
        &self,
        core: &JobCore,
        id: &MeasurementId,
        answer: String,
    ) -> Result<Done, ServiceError> {
        let held = self.load::<Measurement>(id.as_str()).await?;
        self.still_measuring(core, held.value.core()).await?;
        let ended = self.ended(&held.value.core().accounts).await?;
        let void = ended.into_keys().collect();
        let bytes = answer.into_bytes();
        let hash = sha256(&bytes)?;
        let (value, now) = (held.value, self.now()?);
        let change = match value.core().finds_labels() {
            true => value.hold(&core.id, hash.clone(), &void, now)?,
            false => value.release(&core.id, hash.clone(), &void, now)?,
        };
        Ok(Done {
            batch: Batch::new().change(held.version, change)?,
            outcome: JobOutcome {
                verdict: None,
                bytes: Some(hash),
                rows: None,
            },
            compared: None,
            answer: Answer::Measurement(MeasureAnswer { bytes }),
        })
    }
}
