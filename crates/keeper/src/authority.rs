//! Whether a job is permitted now, and what exactly it permits. All of it is read from the store.

mod indexing;

use audit_log::Vkey;
use governance::dataset::Dataset;
use governance::delivery::{Delivery, KeptIdentifiers, PayloadDue};
use governance::desktop::DesktopNetworks;
use governance::extract::Extract;
use governance::indexing::Indexing;
use governance::job::{Authority, Core, Job as Ordered, Task};
use governance::measure::Measurement;
use governance::project::{InForce, Project};
use governance::request::EventPseudonym;
use governance::{Action, DeliveryId, ExtractId, JobId, Lifecycle, Refusal, Timestamp};
use protocol::job::{Job, RequestLimits};
use protocol::keeper::Refused;
use store::Held;
use vault::Purpose;

use crate::Disclosure;
use crate::books::Books;
use crate::error::{by_rule, not_permitted};
use crate::manifest;
use crate::mounts::{Database, Events, Identifiers, Map, Mounts, Payload, Records, Table};
use crate::orders;
use crate::seal::{KeptAs, Sealed};

/// A job that may run: what it mounts and what the worker is told.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Warrant {
    /// The job.
    pub(crate) job: JobId,
    /// As it is queued.
    pub(crate) core: Core,
    /// The files.
    pub(crate) mounts: Mounts,
    /// The work.
    pub(crate) order: Job,
}

/// What permits a job, in force at this moment.
pub(crate) enum Right {
    /// A controller's standing instruction.
    Instruction(Box<Dataset>),
    /// A project's signed manifest.
    Manifest(Box<InForce>),
}

/// Asks the store on behalf of one request.
pub(crate) struct Desk<'a> {
    pub(crate) books: &'a Books,
    pub(crate) trusted: &'a [Vkey],
    pub(crate) linkage_settings: &'a str,
    pub(crate) request_limits: &'a RequestLimits,
    pub(crate) disclosure: &'a Disclosure,
    pub(crate) desktops: &'a DesktopNetworks,
    pub(crate) now: Timestamp,
}

impl Desk<'_> {
    /// The queued job with its authority, both in force now.
    pub(crate) async fn queued(&self, id: &str) -> Result<(JobId, Core, Right), Refused> {
        let id: JobId = id
            .parse()
            .map_err(|_| not_permitted("not a valid job id"))?;
        let held: Held<Ordered> = self.books.held(id.as_str()).await?;
        let Ordered::Queued { core } = held.value else {
            return Err(by_rule(
                Action::FinishJob.wrong_state(Ordered::KIND, held.value.state()),
            ));
        };
        if self.now > core.deadline {
            return Err(by_rule(Refusal::Deadline));
        }
        self.books.intent(held.leaf, &id, &core).await?;
        let right = self.right(&core).await?;
        Ok((id, core, right))
    }

    /// The warrant of a queued job.
    pub(crate) async fn warrant(&self, id: &str) -> Result<Warrant, Refused> {
        let (job, core, right) = self.queued(id).await?;
        let (mounts, order) = match (&core.task, &right) {
            (
                Task::LoadIdentifiers {
                    delivery, format, ..
                },
                Right::Instruction(dataset),
            ) => {
                self.load_identifiers(&job, delivery, format, dataset)
                    .await?
            }
            (
                Task::LoadPayload {
                    delivery, format, ..
                },
                Right::Instruction(dataset),
            ) => self.load_payload(&job, delivery, format, dataset).await?,
            (Task::Index { indexing }, Right::Manifest(project)) => {
                self.index(indexing.as_str(), project).await?
            }
            (Task::Extract { extract }, Right::Manifest(project)) => {
                self.extract(extract.as_str(), project).await?
            }
            (
                Task::Query {
                    workspace,
                    statement,
                    screen,
                    ..
                },
                Right::Manifest(project),
            ) => {
                let place = workspace.as_str();
                self.query(place, statement, screen, project).await?
            }
            (Task::Check { output }, Right::Manifest(project)) => {
                let output = self.staged(output.as_str(), project).await?;
                self.check(&output, project).await?
            }
            (Task::Measure { measurement }, Right::Manifest(project)) => {
                self.measure(&job, measurement.as_str(), project).await?
            }
            (Task::LoadIdentifiers { .. } | Task::LoadPayload { .. }, Right::Manifest(_))
            | (
                Task::Index { .. }
                | Task::Extract { .. }
                | Task::Query { .. }
                | Task::Check { .. }
                | Task::Measure { .. },
                Right::Instruction(_),
            ) => {
                return Err(not_permitted("this kind of job needs another authority"));
            }
        };
        Ok(Warrant {
            job,
            core,
            mounts,
            order,
        })
    }

    /// Whether a job that runs may go on: still queued, in time, its authority still in force.
    pub(crate) async fn still(&self, warrant: &Warrant) -> Result<(), Refused> {
        let (_, core, _) = self.queued(warrant.job.as_str()).await?;
        if core == warrant.core {
            Ok(())
        } else {
            Err(by_rule(Refusal::NotApproved("this job")))
        }
    }

    /// The delivery that a queued load job reads, ready for its file.
    pub(crate) async fn awaited(&self, id: &str) -> Result<(JobId, DeliveryId), Refused> {
        let (job, core, right) = self.queued(id).await?;
        match (&core.task, &right) {
            (Task::LoadIdentifiers { delivery, .. }, Right::Instruction(dataset)) => {
                self.opened(delivery, dataset).await?;
                Ok((job, delivery.clone()))
            }
            (Task::LoadPayload { delivery, .. }, Right::Instruction(dataset)) => {
                self.reading(delivery, dataset).await?;
                Ok((job, delivery.clone()))
            }
            (Task::LoadIdentifiers { .. } | Task::LoadPayload { .. }, Right::Manifest(_))
            | (
                Task::Index { .. }
                | Task::Extract { .. }
                | Task::Query { .. }
                | Task::Check { .. }
                | Task::Measure { .. },
                Right::Instruction(_) | Right::Manifest(_),
            ) => Err(not_permitted("this job takes no file")),
        }
    }

    pub(crate) async fn right(&self, core: &Core) -> Result<Right, Refused> {
        match &core.authority {
            Authority::Instruction { dataset } => {
                let dataset: Dataset = self.books.get(dataset.as_str()).await?;
                dataset.instructed_at(self.now).map_err(by_rule)?;
                Ok(Right::Instruction(Box::new(dataset)))
            }
            Authority::Manifest { project, sha256 } => {
                let project: Project = self.books.get(project.as_str()).await?;
                let in_force = project.in_force(Action::QueueJob).map_err(by_rule)?;
                in_force.live_at(self.now).map_err(by_rule)?;
                if in_force.manifest_sha256 != *sha256 {
                    return Err(by_rule(Refusal::NotApproved("the manifest of this job")));
                }
                manifest::verify(in_force, self.trusted)?;
                self.must_permit(in_force, &core.task).await?;
                Ok(Right::Manifest(Box::new(in_force.clone())))
            }
        }
    }

    async fn opened(&self, id: &DeliveryId, dataset: &Dataset) -> Result<(), Refused> {
        let delivery = self.delivery_of(id, dataset).await?;
        match &delivery {
            Delivery::Opened { .. } => Ok(()),
            Delivery::Identified { .. } | Delivery::Complete { .. } | Delivery::Refused { .. } => {
                Err(by_rule(
                    Action::KeepIdentifiers.wrong_state(Delivery::KIND, delivery.state()),
                ))
            }
        }
    }

    async fn reading(
        &self,
        id: &DeliveryId,
        dataset: &Dataset,
    ) -> Result<KeptIdentifiers, Refused> {
        let delivery = self.delivery_of(id, dataset).await?;
        match delivery {
            Delivery::Identified {
                identifiers,
                payload: PayloadDue::Reading { .. },
                ..
            } => Ok(identifiers),
            Delivery::Opened { .. }
            | Delivery::Identified { .. }
            | Delivery::Complete { .. }
            | Delivery::Refused { .. } => Err(by_rule(
                Action::KeepPayload.wrong_state(Delivery::KIND, delivery.state()),
            )),
        }
    }

    async fn delivery_of(&self, id: &DeliveryId, dataset: &Dataset) -> Result<Delivery, Refused> {
        let delivery: Delivery = self.books.get(id.as_str()).await?;
        if delivery.core().dataset == dataset.id {
            Ok(delivery)
        } else {
            Err(by_rule(Refusal::Elsewhere("this delivery")))
        }
    }

    async fn load_identifiers(
        &self,
        job: &JobId,
        delivery: &DeliveryId,
        format: &str,
        dataset: &Dataset,
    ) -> Result<(Mounts, Job), Refused> {
        let format = orders::format(format)?;
        self.opened(delivery, dataset).await?;
        let upload = Sealed::upload(job.as_str(), delivery.as_str());
        let mounts = Mounts::LoadIdentifiers {
            delivery: Identifiers(upload),
        };
        let order = orders::load_identifiers(&dataset.dictionary, format);
        Ok((mounts, order))
    }

    async fn load_payload(
        &self,
        job: &JobId,
        delivery: &DeliveryId,
        format: &str,
        dataset: &Dataset,
    ) -> Result<(Mounts, Job), Refused> {
        let format = orders::format(format)?;
        let kept = self.reading(delivery, dataset).await?;
        let owner = delivery.as_str();
        let mounts = Mounts::LoadPayload {
            delivery: Payload(Sealed::upload(job.as_str(), owner)),
            records: Records(Sealed::of_delivery(&kept.records_file, "records", owner)?),
        };
        Ok((mounts, orders::load_payload(&dataset.dictionary, format)))
    }

    async fn extract(&self, id: &str, project: &InForce) -> Result<(Mounts, Job), Refused> {
        let extract: Extract = self.books.get(id).await?;
        let Extract::Ordered { core } = &extract else {
            let wrong = Action::SealExtract.wrong_state(Extract::KIND, extract.state());
            return Err(by_rule(wrong));
        };
        must_be_of(&core.project, project, "the extract")?;
        let approved = &project.manifest.datasets;
        if core.manifest != project.manifest_sha256 || core.indexings.len() != approved.len() {
            return Err(by_rule(Refusal::NotApproved(
                "the manifest of this extract",
            )));
        }
        let (mut tables, mut plans) = (Vec::new(), Vec::new());
        for (n, (indexing, asked)) in core.indexings.iter().zip(approved).enumerate() {
            let indexing: Indexing = self.books.get(indexing.as_str()).await?;
            let Indexing::Indexed { core, map, .. } = &indexing else {
                let wrong = Action::OrderExtract.wrong_state(Indexing::KIND, indexing.state());
                return Err(by_rule(wrong));
            };
            must_be_of(&core.project, project, "an indexing")?;
            if core.manifest != project.manifest_sha256 {
                return Err(by_rule(Refusal::NotApproved("an indexing")));
            }
            let delivery: Delivery = self.books.get(core.delivery.as_str()).await?;
            if delivery.core().dataset != asked.dataset {
                return Err(by_rule(Refusal::NotApproved("the dataset of an indexing")));
            }
            let dataset: Dataset = self.books.get(asked.dataset.as_str()).await?;
            let Some(payload) = delivery.payload() else {
                let wrong = Action::OrderExtract.wrong_state(Delivery::KIND, delivery.state());
                return Err(by_rule(wrong));
            };
            let owner = delivery.core().id.as_str();
            let events = match (asked.event, &payload.events_file) {
                (EventPseudonym::Absent, _) => None,
                (EventPseudonym::Present, Some(file)) => {
                    Some(Events(Sealed::of_delivery(file, "events", owner)?))
                }
                (EventPseudonym::Present, None) => {
                    return Err(not_permitted("the delivery does not number its events"));
                }
            };
            tables.push(Table {
                payload: Payload(Sealed::of_delivery(&payload.file, "payload", owner)?),
                map: Map::of(core, map)?,
                events,
            });
            plans.push(orders::table(n, asked, &dataset.dictionary)?);
        }
        let project = project.core.id.clone();
        Ok((Mounts::Extract { project, tables }, orders::extract(plans)))
    }

    /// The extract is opened for a measurement only while the store holds it as running under this very job: a
    /// reservation that is not running has never opened data.
    async fn measure(
        &self,
        job: &JobId,
        id: &str,
        project: &InForce,
    ) -> Result<(Mounts, Job), Refused> {
        let measurement: Measurement = self.books.get(id).await?;
        let Measurement::Running { core, job: its } = &measurement else {
            let state = measurement.state();
            let wrong = Action::ReleaseMeasurement.wrong_state(Measurement::KIND, state);
            return Err(by_rule(wrong));
        };
        if its != job {
            return Err(by_rule(Refusal::Elsewhere("the measurement")));
        }
        must_be_of(&core.project, project, "the measurement")?;
        let extract = self.database(&core.extract, project).await?;
        if !extract.0.holds(core.snapshot.as_str()) {
            return Err(by_rule(Refusal::NotApproved(
                "the snapshot of this measurement",
            )));
        }
        let request = self.books.text(&core.text).await?;
        let counted = match &core.feasibility {
            Some(dataset) => Some(self.books.get::<Dataset>(dataset.as_str()).await?),
            None => None,
        };
        let table = counted.map(|dataset| dataset.dictionary.table);
        let order = orders::measure(request, core, self.request_limits, table);
        Ok((Mounts::Measure { extract }, order))
    }

    /// The sealed extract of this project under this manifest.
    pub(crate) async fn database(&self, id: &ExtractId, of: &InForce) -> Result<Database, Refused> {
        let extract: Extract = self.books.get(id.as_str()).await?;
        let Extract::Sealed { core, file, .. } = &extract else {
            let wrong = Action::RunQuery.wrong_state(Extract::KIND, extract.state());
            return Err(by_rule(wrong));
        };
        must_be_of(&core.project, of, "the extract")?;
        if core.manifest != of.manifest_sha256 {
            return Err(by_rule(Refusal::NotApproved(
                "the manifest of this extract",
            )));
        }
        let kept_as = KeptAs::new(core.id.as_str(), &["extract"]);
        let owner = core.project.as_str();
        Sealed::kept(file, kept_as, owner, Purpose::Extract).map(Database)
    }
}

pub(crate) fn must_be_of(
    owner: &governance::ProjectId,
    project: &InForce,
    what: &'static str,
) -> Result<(), Refused> {
    if *owner == project.core.id {
        Ok(())
    } else {
        Err(by_rule(Refusal::Elsewhere(what)))
    }
}
