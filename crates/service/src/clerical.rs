//! Clerical review at the indexing desk: who begins, what they see and have judged so far, and what two of them settle.
//!
//! Identifiers pass through here on their way from the keeper to the page of somebody who judges them, and are kept
//! nowhere: [`PairsPage`] cannot be printed.

mod pairs;

use std::collections::{BTreeMap, BTreeSet};

use governance::delivery::Delivery;
use governance::indexing::Indexing;
use governance::indexing::review::{Agreed, Answers, Judgement, Review};
use governance::job::{Outcome as JobOutcome, Task};
use governance::project::{InForce, Project};
use governance::{Action, Batch, DatasetId, IndexingId, Lifecycle, ProjectId, Refusal};
use protocol::keeper::{Cost, Door, Outcome};
use protocol::linked::Reviewed;
use serde::Serialize;
use store::{Beside, Held};

use crate::access::Object;
use crate::deliveries::sealed;
use crate::error::ServiceError;
use crate::extracts::IndexingAnswer;
use crate::jobs::{Answer, Done};
use crate::{Caller, Service, document, sha256};

use pairs::seen;
pub use pairs::{FieldView, PAIRS_PAGE, PairView, PairsPage};

/// How far a clerical review is. It holds no identifier and no answer.
#[derive(Debug, Clone, Serialize)]
pub struct ReviewView {
    /// The indexing.
    pub indexing: IndexingId,
    /// For which project.
    pub project: ProjectId,
    /// Whose records are linked.
    pub dataset: DatasetId,
    /// Of the indexing.
    pub state: &'static str,
    /// Pairs, once they are chosen.
    pub pairs: u32,
    /// How many have finished.
    pub finished: usize,
    /// Whether the caller has begun.
    pub begun: bool,
    /// Whether the caller has finished.
    pub judged: bool,
    /// Whether everything is settled and no job links the records: [`Service::link_again`] has one do it.
    pub waits: bool,
    /// Pairs that the caller judges: all, or those on which two differ.
    pub asked: usize,
    /// Of these, judged so far.
    pub answered: usize,
    /// What it came to.
    pub review: Option<Agreed>,
}

/// An indexing with what its review is judged by.
struct Reviewing {
    held: Held<Indexing>,
    project: InForce,
    delivery: Delivery,
}

impl Service {
    /// How far the clerical review of an indexing is.
    ///
    /// # Errors
    /// If the caller may not read the project, or no review was ordered.
    pub async fn review(
        &self,
        caller: &Caller,
        id: &IndexingId,
    ) -> Result<ReviewView, ServiceError> {
        let indexing = self.load::<Indexing>(id.as_str()).await?.value;
        let core = indexing.core().clone();
        self.read_project(caller, &core.project).await?;
        if core.review == 0 {
            return Err(ServiceError::NotFound("clerical review"));
        }
        let delivery = self.load::<Delivery>(core.delivery.as_str()).await?.value;
        let mut view = ReviewView {
            indexing: core.id,
            project: core.project,
            dataset: delivery.core().dataset.clone(),
            state: indexing.state(),
            pairs: 0,
            finished: 0,
            begun: false,
            judged: false,
            waits: self.waits_for_links(&indexing).await?,
            asked: 0,
            answered: 0,
            review: None,
        };
        match &indexing {
            Indexing::UnderReview { review, .. } | Indexing::Settled { review, .. } => {
                let me = caller.id();
                view.pairs = review.count;
                view.finished = review.finished.len();
                view.begun = review.begun.contains(me);
                view.judged = review.finished.iter().any(|one| one.by == *me);
                let asked = review.asked();
                view.asked = asked.len();
                view.answered = self.judged_so_far(caller, id, &asked).await?.len();
            }
            Indexing::Indexed { counts, .. } => {
                view.pairs = counts.review.as_ref().map_or(0, |review| review.pairs);
                view.review.clone_from(&counts.review);
            }
            Indexing::Ordered { .. } | Indexing::Failed { .. } => {}
        }
        Ok(view)
    }

    /// Begins to judge the pairs of an indexing: from here on they are shown to the caller, and the log says so.
    ///
    /// # Errors
    /// If the caller may not, is on the project or delivers its payload, or has begun before.
    pub async fn begin_review(&self, caller: &Caller, id: &IndexingId) -> Result<(), ServiceError> {
        let of = self.reviewing(caller, id, Action::BeginReview).await?;
        let (by, now) = (caller.id(), self.now()?);
        let version = of.held.version;
        let change = of
            .held
            .value
            .begin_review(&of.project, &of.delivery, by, now)?;
        let batch = Batch::new().change(version, change)?;
        self.record(Some(caller), batch, Vec::new()).await?;
        Ok(())
    }

    /// A page of the pairs that the caller judges. `page` is from 1.
    ///
    /// # Errors
    /// If the caller has not begun, has finished, or may not any more; or there is no such page.
    pub async fn pairs(
        &self,
        caller: &Caller,
        id: &IndexingId,
        page: usize,
    ) -> Result<PairsPage, ServiceError> {
        let review = self.judging(caller, id).await?;
        let asked = review.asked();
        let answers = self.judged_so_far(caller, id, &asked).await?;
        let pages = asked.len().div_ceil(PAIRS_PAGE).max(1);
        if page == 0 || page > pages {
            return Err(ServiceError::NotFound("page of pairs"));
        }
        let bytes = self.keeper.pairs(id.as_str(), caller.id().as_str()).await?;
        let (head, pairs) = protocol::pairs::read(&bytes).map_err(|_| ServiceError::strange())?;
        let shown = asked.iter().skip((page - 1) * PAIRS_PAGE).take(PAIRS_PAGE);
        let shown = shown.map(|number| {
            let place = usize::try_from(*number).ok().and_then(|n| n.checked_sub(1));
            let pair = place.and_then(|place| pairs.get(place));
            pair.map(|pair| seen(*number, &head.fields, pair, answers.get(number)))
                .ok_or_else(ServiceError::strange)
        });
        Ok(PairsPage {
            indexing: id.clone(),
            page,
            pages,
            asked: asked.len(),
            answered: answers.len(),
            pairs: shown.collect::<Result<_, _>>()?,
        })
    }

    /// Keeps what the caller has judged so far: each of these pairs in place of what was said of it before; none
    /// takes it back. Nothing counts before it is handed in.
    ///
    /// # Errors
    /// If the caller may not judge now, or a pair is not theirs.
    pub async fn save_answers(
        &self,
        caller: &Caller,
        id: &IndexingId,
        said: &BTreeMap<u32, Option<Judgement>>,
    ) -> Result<(), ServiceError> {
        let asked = self.judging(caller, id).await?.asked();
        if let Some(number) = said.keys().find(|number| !asked.contains(number)) {
            return Err(ServiceError::BadInput(format!(
                "there is no pair {number} for you to judge"
            )));
        }
        let mut answers = self.judged_so_far(caller, id, &asked).await?;
        for (number, judgement) in said {
            match judgement {
                Some(judgement) => answers.insert(*number, *judgement),
                None => answers.remove(number),
            };
        }
        let json = serde_json::to_string(&answers)?;
        self.store.save_answers(id, caller.id(), json).await?;
        Ok(())
    }

    /// Hands the caller's answers in. When everything is settled the records are linked with them.
    ///
    /// # Errors
    /// If a pair is not judged yet, the caller may not, or the keeper refuses. What was handed in stays.
    pub async fn finish_review(
        &self,
        caller: &Caller,
        id: &IndexingId,
    ) -> Result<ReviewView, ServiceError> {
        let of = self.reviewing(caller, id, Action::FinishReview).await?;
        let review =
            of.held
                .value
                .pairs_for(&of.project, &of.delivery, caller.id(), self.now()?)?;
        let mut earlier = Vec::with_capacity(review.finished.len());
        for finished in &review.finished {
            earlier.push(self.handed_in(&finished.answers).await?);
        }
        let answers = Answers {
            indexing: id.clone(),
            by: caller.id().clone(),
            pairs: self.judged_so_far(caller, id, &review.asked()).await?,
        };
        let bytes = serde_json::to_vec(&answers)?;
        self.within_document_limit(&bytes)?;
        let hash = sha256(&bytes)?;
        let (version, now) = (of.held.version, self.now()?);
        let parts = (&of.project, &of.delivery);
        let change = of
            .held
            .value
            .finish_review(parts, &answers, hash, &earlier, now)?;
        let settled = matches!(change.to(), Indexing::Settled { .. });
        let batch = Batch::new().change(version, change)?;
        let documents = vec![document("answers", &bytes)];
        if settled {
            let task = Task::Index {
                indexing: id.clone(),
            };
            let (job, queue) = self.manifest_job(&of.project, task.clone(), caller)?;
            let batch = batch.begin(queue)?;
            let over = vec![Beside::forget_answers(id)];
            self.begin_job_beside(caller, (&task, &job), batch, documents, over)
                .await?;
            self.carry_out(&job).await?;
        } else {
            self.record(Some(caller), batch, documents).await?;
        }
        self.review(caller, id).await
    }

    /// Has the records of a settled review linked once more, where the run that followed from it failed for good.
    ///
    /// # Errors
    /// If the caller may not order an indexing here, it is not settled or being linked, or the keeper refuses.
    pub async fn link_again(
        &self,
        caller: &Caller,
        id: &IndexingId,
    ) -> Result<ReviewView, ServiceError> {
        let of = self.reviewing(caller, id, Action::OrderIndexing).await?;
        of.project.live_at(self.now()?)?;
        if !self.waits_for_links(&of.held.value).await? {
            return Err(Refusal::Invalid(
                "these records are being linked, or have nothing settled to be linked with".into(),
            )
            .into());
        }
        let task = Task::Index {
            indexing: id.clone(),
        };
        let (job, queue) = self.manifest_job(&of.project, task.clone(), caller)?;
        let batch = Batch::new().begin(queue)?;
        self.begin_job(caller, &task, &job, batch, Vec::new())
            .await?;
        self.carry_out(&job).await?;
        self.review(caller, id).await
    }

    /// Whether an indexing is settled and no job is queued for it.
    async fn waits_for_links(&self, indexing: &Indexing) -> Result<bool, ServiceError> {
        let state = indexing.state();
        let Indexing::Settled { core, .. } = indexing else {
            return Ok(false);
        };
        let adrift = self.store.adrift::<Indexing>(&[state]).await?;
        Ok(adrift.iter().any(|id| id == core.id.as_str()))
    }

    /// Ends a review without decisions: nothing is linked, and the indexing can be ordered anew.
    ///
    /// # Errors
    /// If the caller may not, is on the project, or it is not under review.
    pub async fn end_review(&self, caller: &Caller, id: &IndexingId) -> Result<(), ServiceError> {
        self.must_be_at_the_indexing_desk()?;
        let held = self.load::<Indexing>(id.as_str()).await?;
        let project = held.value.core().project.clone();
        let project = self.load::<Project>(project.as_str()).await?.value;
        let object = Object::of(&held.value).people(project.people());
        let now = self.now()?;
        self.authorise(caller, Action::EndReview, &object, now)?;
        let change = held.value.end_review(&project, caller.id(), now)?;
        let batch = Batch::new().change(held.version, change)?;
        let over = vec![Beside::forget_answers(id)];
        self.record_beside(Some(caller), batch, Vec::new(), over)
            .await?;
        Ok(())
    }

    /// The keeper sealed the pairs to judge.
    pub(crate) async fn pairs_chosen(
        &self,
        id: &IndexingId,
        outcome: Outcome,
        cost: Cost,
    ) -> Result<Done, ServiceError> {
        let Outcome::Pairs {
            file,
            pairs,
            records,
        } = outcome
        else {
            return Err(ServiceError::strange());
        };
        let held = self.load::<Indexing>(id.as_str()).await?;
        let file = sealed(file)?;
        let bytes = Some(file.sha256.clone());
        let change = held.value.open_review(file, pairs, self.now()?)?;
        let answer = IndexingAnswer {
            indexing: id.clone(),
            state: change.to().state(),
            pairs,
            review: None,
            records,
            linked: BTreeMap::new(),
            withheld: 0,
            objected: 0,
            detail: serde_json::Value::Null,
            cost,
        };
        Ok(Done {
            batch: Batch::new().change(held.version, change)?,
            outcome: JobOutcome {
                verdict: None,
                bytes,
                rows: None,
            },
            compared: None,
            answer: Answer::Indexing(answer),
        })
    }

    /// Pairs of records are shown and judged where identifiers are, and nowhere else.
    fn must_be_at_the_indexing_desk(&self) -> Result<(), ServiceError> {
        match self.desk {
            Door::Indexing => Ok(()),
            Door::Research => Err(Refusal::Invalid(
                "pairs of records are judged at the indexing desk, which has a socket of its own: ask there".into(),
            )
            .into()),
        }
    }

    /// An indexing on whose review the caller may work, as far as the policies know.
    async fn reviewing(
        &self,
        caller: &Caller,
        id: &IndexingId,
        action: Action,
    ) -> Result<Reviewing, ServiceError> {
        self.must_be_at_the_indexing_desk()?;
        let held = self.load::<Indexing>(id.as_str()).await?;
        let core = held.value.core().clone();
        let project = self.load::<Project>(core.project.as_str()).await?.value;
        let object = Object::of(&held.value).people(project.people());
        self.authorise(caller, action, &object, self.now()?)?;
        Ok(Reviewing {
            project: project.in_force(action)?.clone(),
            delivery: self.load::<Delivery>(core.delivery.as_str()).await?.value,
            held,
        })
    }

    /// The review that the caller has begun and not finished.
    async fn judging(&self, caller: &Caller, id: &IndexingId) -> Result<Review, ServiceError> {
        let of = self.reviewing(caller, id, Action::FinishReview).await?;
        let now = self.now()?;
        let may = of
            .held
            .value
            .pairs_for(&of.project, &of.delivery, caller.id(), now);
        Ok(may?)
    }

    /// What the caller has judged so far of the pairs that are theirs.
    async fn judged_so_far(
        &self,
        caller: &Caller,
        id: &IndexingId,
        asked: &BTreeSet<u32>,
    ) -> Result<BTreeMap<u32, Judgement>, ServiceError> {
        let Some(json) = self.store.answers(id, caller.id()).await? else {
            return Ok(BTreeMap::new());
        };
        let mut answers: BTreeMap<u32, Judgement> = serde_json::from_str(&json)?;
        answers.retain(|number, _| asked.contains(number));
        Ok(answers)
    }

    /// What somebody handed in.
    async fn handed_in(&self, hash: &governance::Sha256) -> Result<Answers, ServiceError> {
        let bytes = self.store.document(hash).await?;
        let bytes = bytes.ok_or(ServiceError::NotFound("document"))?;
        Ok(serde_json::from_slice(&bytes)?)
    }
}

/// What the keeper says of a review, as it is recorded.
pub(crate) fn agreed(reviewed: Reviewed) -> Agreed {
    Agreed {
        pairs: reviewed.pairs,
        both: reviewed.both,
        alike: reviewed.alike,
        kappa_milli: reviewed.kappa_milli,
        undecided: reviewed.undecided,
        joined: reviewed.joined,
        parted: reviewed.parted,
    }
}
