//! What an indexing permits: identifiers, a spine, and where a clerical review was ordered its pairs; to a worker, or
//! the pairs alone to somebody who judges them.

use governance::dataset::{Dataset, Purpose as Kind};
use governance::delivery::Delivery;
use governance::indexing::review::{Answers, Review, settle};
use governance::indexing::{Core, Indexing};
use governance::person::{Activity, Person, Role};
use governance::project::{InForce, Project};
use governance::{Action, DeliveryId, Lifecycle, PersonId, Refusal};
use protocol::job::{Job, Objections, ReviewStage, Said};
use protocol::keeper::Refused;
use vault::Purpose;

use super::{Desk, must_be_of};
use crate::error::{by_rule, not_permitted};
use crate::manifest;
use crate::mounts::{Identifiers, Mounts, Pairs};
use crate::orders;
use crate::seal::{KeptAs, Sealed};

impl Desk<'_> {
    pub(super) async fn index(
        &self,
        id: &str,
        project: &InForce,
    ) -> Result<(Mounts, Job), Refused> {
        let indexing: Indexing = self.books.get(id).await?;
        let (core, pairs, stage) = match &indexing {
            Indexing::Ordered { core } => {
                let stage = match core.review {
                    0 => ReviewStage::None,
                    pairs => ReviewStage::Choose { pairs },
                };
                (core, None, stage)
            }
            Indexing::Settled { core, review } => {
                let said = self.settled(core, review).await?;
                let stage = ReviewStage::Settled { said };
                (core, Some(Pairs(pairs(core, review)?)), stage)
            }
            Indexing::UnderReview { .. } | Indexing::Indexed { .. } | Indexing::Failed { .. } => {
                let wrong = Action::CompleteIndexing.wrong_state(Indexing::KIND, indexing.state());
                return Err(by_rule(wrong));
            }
        };
        must_be_of(&core.project, project, "the indexing")?;
        if core.manifest != project.manifest_sha256 {
            return Err(by_rule(Refusal::NotApproved(
                "the manifest of this indexing",
            )));
        }
        let delivery: Delivery = self.books.get(core.delivery.as_str()).await?;
        let approved = &project.manifest.datasets;
        if !approved
            .iter()
            .any(|d| d.dataset == delivery.core().dataset)
        {
            return Err(by_rule(Refusal::NotApproved("this dataset")));
        }
        if delivery.payload().is_none() {
            let wrong = Action::OrderIndexing.wrong_state(Delivery::KIND, delivery.state());
            return Err(by_rule(wrong));
        }
        let identifiers = identifiers_of(&delivery)?;
        let spine = self.register(&core.spine, Kind::Spine).await?;
        let (objections, listed) = match &core.objections {
            Some(list) => {
                let list = self.register(list, Kind::Objections).await?;
                (Some(list), Objections::Listed)
            }
            None => (None, Objections::None),
        };
        let mounts = Mounts::Link {
            identifiers,
            spine,
            objections,
            pairs,
        };
        let order = orders::link(self.linkage_settings, listed, stage);
        Ok((mounts, order))
    }

    /// What people settled, from their answers as they handed them in.
    async fn settled(&self, core: &Core, review: &Review) -> Result<Vec<Said>, Refused> {
        let mut answers: Vec<Answers> = Vec::with_capacity(review.finished.len());
        for finished in &review.finished {
            let text = self.books.text(&finished.answers).await?;
            let told: Answers = serde_json::from_str(&text)
                .map_err(|_| not_permitted("the answers on file cannot be read"))?;
            if told.indexing != core.id || told.by != finished.by {
                return Err(by_rule(Refusal::Elsewhere("answers to these pairs")));
            }
            answers.push(told);
        }
        let said = settle(review, &answers).into_iter();
        Ok(said
            .map(|said| Said {
                first: said.first,
                second: said.second,
                decided: said.decided,
            })
            .collect())
    }

    /// The sealed pairs of an indexing under review, for an indexer who began to judge them and may go on now.
    pub(crate) async fn pairs(&self, id: &str, person: &PersonId) -> Result<Sealed, Refused> {
        let indexing: Indexing = self.books.get(id).await?;
        let core = indexing.core();
        let project: Project = self.books.get(core.project.as_str()).await?;
        let project = project.in_force(Action::FinishReview).map_err(by_rule)?;
        manifest::verify(project, self.trusted)?;
        let person: Person = self.books.get(person.as_str()).await?;
        if person.activity != Activity::Active || !person.roles.contains(&Role::Indexer) {
            return Err(by_rule(Refusal::NotTheRole("an indexer")));
        }
        let delivery: Delivery = self.books.get(core.delivery.as_str()).await?;
        let review = indexing
            .pairs_for(project, &delivery, &person.id, self.now)
            .map_err(by_rule)?;
        pairs(core, &review)
    }

    /// A spine or an objection list: its controller's instruction lets approved projects be linked to it.
    async fn register(&self, id: &DeliveryId, kind: Kind) -> Result<Identifiers, Refused> {
        let delivery: Delivery = self.books.get(id.as_str()).await?;
        let dataset: Dataset = self.books.get(delivery.core().dataset.as_str()).await?;
        dataset.instructed_at(self.now).map_err(by_rule)?;
        if dataset.dictionary.purpose != kind || !delivery.is_complete() {
            return Err(not_permitted(
                "records are linked to a complete delivery of a spine or an objection list",
            ));
        }
        identifiers_of(&delivery)
    }
}

fn pairs(core: &Core, review: &Review) -> Result<Sealed, Refused> {
    let kept_as = KeptAs::new(core.id.as_str(), &["pairs"]);
    let owner = core.project.as_str();
    Sealed::kept(&review.pairs, kept_as, owner, Purpose::Linkage)
}

fn identifiers_of(delivery: &Delivery) -> Result<Identifiers, Refused> {
    let kept = delivery.identifiers().ok_or_else(|| {
        by_rule(Action::OrderIndexing.wrong_state(Delivery::KIND, delivery.state()))
    })?;
    let owner = delivery.core().id.as_str();
    Sealed::of_delivery(&kept.file, "identifiers", owner).map(Identifiers)
}
