//! What the keeper would have made: a project in force with a workspace, and an output under review. The
//! files are made up; every state comes from the rules.

use std::collections::BTreeMap;

use governance::dataset::Dataset;
use governance::delivery::{Delivery, SealedFile};
use governance::extract::Extract;
use governance::indexing::{Counts, Indexing};
use governance::output::{Checked, Compared, Output, Rendering, ReviewVerdict, Verdict};
use governance::project::{InForce, Paper, Papers, Project};
use governance::workspace::Workspace;
use governance::{Action, Batch, Change, Date, Lifecycle, OutputId, ProjectId, Refusal, Sha256};
use store::Record;

use super::House;
use crate::Clock;

fn day(text: &str) -> Date {
    text.parse().unwrap()
}

pub(super) fn hash(digit: char) -> Sha256 {
    Sha256::try_from(digit.to_string().repeat(64)).unwrap()
}

fn file(digit: char) -> SealedFile {
    SealedFile {
        name: format!("file-{digit}"),
        sha256: hash(digit),
        bytes: 64,
    }
}

impl House {
    async fn keep(&self, batch: Batch) {
        let record = Record {
            batch,
            ..Record::default()
        };
        self.service.store().record(record).await.unwrap();
    }

    pub(super) async fn begin<S: Lifecycle>(&self, change: Change<S>) -> S {
        let to = change.to().clone();
        self.keep(Batch::new().begin(change).unwrap()).await;
        to
    }

    /// Applies a rule to what the store holds.
    pub(super) async fn step<S: Lifecycle>(
        &self,
        id: &str,
        rule: impl FnOnce(S) -> Result<Change<S>, Refusal>,
    ) -> S {
        let held = self.service.store().load::<S>(id).await.unwrap().unwrap();
        let change = rule(held.value).unwrap();
        let to = change.to().clone();
        self.keep(Batch::new().change(held.version, change).unwrap())
            .await;
        to
    }

    /// Puts an approved project in force; its people are fit.
    pub(super) async fn in_force(&self, project: &ProjectId) -> InForce {
        let coordinator = self.caller("coordinator").await;
        let mut people = BTreeMap::new();
        for name in ["ada", "bo"] {
            let until = day("2026-12-31");
            let (id, service) = (self.id(name), &self.service);
            let done = service.record_standing(&coordinator, &id, until, until, day("2026-01-01"));
            done.await.unwrap();
            people.insert(id, self.person(name).await);
        }
        let paper = || Paper {
            reference: "REF 1".into(),
            until: day("2026-12-31"),
        };
        let papers = Papers {
            ethics: paper(),
            impact_assessment: paper(),
            sharing_agreement: paper(),
            funding: paper(),
        };
        let (by, at) = (self.id("coordinator"), self.clock.now());
        let in_force = self
            .step::<Project>(project.as_str(), |project| {
                project.commence(papers, &people, hash('b'), "signed".into(), &by, at)
            })
            .await;
        in_force.in_force(Action::RunQuery).unwrap().clone()
    }

    /// A complete delivery of the dataset, and one of a spine.
    pub(super) async fn deliveries(&self) -> (Delivery, Delivery) {
        let at = self.clock.now();
        let (controller, until) = (self.id("controller"), day("2026-12-31"));
        let dataset = self
            .step::<Dataset>(self.dataset.as_str(), |d| {
                d.instruct(until, &controller, at)
            })
            .await;
        let (identifiers, payload) = (self.id("identifiers"), self.id("payload"));
        let id = "del_1".parse().unwrap();
        let change = Delivery::open(id, &dataset, &identifiers, at).unwrap();
        self.begin(change).await;
        self.step::<Delivery>("del_1", |d| {
            d.keep_identifiers(&dataset, file('1'), file('2'), 3, at)
        })
        .await;
        self.step::<Delivery>("del_1", |d| d.open_payload(&dataset, &payload, at))
            .await;
        let delivery = self
            .step::<Delivery>("del_1", |d| d.keep_payload(file('3'), None, 3, 0, at))
            .await;
        let mut spine_of = dataset.clone();
        spine_of.dictionary.purpose = governance::dataset::Purpose::Spine;
        let id = "del_2".parse().unwrap();
        let change = Delivery::open(id, &spine_of, &identifiers, at).unwrap();
        let spine = change.to().clone();
        let spine = spine.keep_identifiers(&spine_of, file('4'), file('5'), 3, at);
        (delivery, spine.unwrap().to().clone())
    }

    pub(super) async fn indexed(&self, project: &InForce) -> Indexing {
        let (delivery, spine) = self.deliveries().await;
        let (by, at) = (self.id("indexer"), self.clock.now());
        let id = "idx_1".parse().unwrap();
        let order = Indexing::order(id, project, &delivery, &spine, None, &by, at).unwrap();
        self.begin(order).await;
        let counts = Counts {
            records: 3,
            linked: 2,
            withheld: 1,
            objected: 1,
            review: None,
        };
        self.step::<Indexing>("idx_1", |i| i.complete(file('6'), file('7'), counts, at))
            .await
    }

    pub(super) async fn extracted(&self, project: &InForce, indexing: Indexing) -> Extract {
        let (by, at) = (self.id("steward"), self.clock.now());
        let id = "ext_1".parse().unwrap();
        let of = [(self.dataset.clone(), indexing)];
        let order = Extract::order(id, project, &of, &by, at).unwrap();
        self.begin(order).await;
        self.step::<Extract>("ext_1", |e| e.seal(file('8'), Vec::new(), at))
            .await
    }

    pub(super) async fn workspace(&self, project: &InForce, extract: &Extract) -> Workspace {
        let (by, at) = (self.id("steward"), self.clock.now());
        let id = "wsp_1".parse().unwrap();
        self.begin(Workspace::open(id, project, extract, &by, at).unwrap())
            .await
    }

    /// A project in force with a workspace.
    pub(super) async fn working(&self) -> (InForce, Workspace) {
        let project = self.approved().await;
        let in_force = self.in_force(&project).await;
        let indexing = self.indexed(&in_force).await;
        let extract = self.extracted(&in_force, indexing).await;
        let workspace = self.workspace(&in_force, &extract).await;
        (in_force, workspace)
    }

    /// An output of Ada's that the machine judged so.
    pub(super) async fn checked(
        &self,
        project: &InForce,
        workspace: &Workspace,
        (id, verdict): (&str, Verdict),
    ) -> OutputId {
        let (ada, at) = (self.person("ada").await, self.clock.now());
        let permit = project.permit(&ada, at).unwrap();
        let id: OutputId = id.parse().unwrap();
        let (statement, context) = (hash('9'), hash('0'));
        let staged = Output::stage(
            id.clone(),
            &permit,
            workspace,
            statement,
            context,
            &ada.id,
            at,
        );
        self.begin(staged.unwrap()).await;
        let checked = Checked {
            verdict,
            report: file('a'),
            policy: hash('e'),
            exact: file('c'),
            treated: (verdict == Verdict::Treat).then(|| file('d')),
            compared: Some(Compared {
                releases: 0,
                screens: 0,
                unknown: 0,
                people: None,
            }),
        };
        self.step::<Output>(id.as_str(), |o| o.complete_check(checked, at))
            .await;
        id
    }

    pub(super) async fn put_to_review(&self, id: &OutputId) {
        let (ada, at) = (self.id("ada"), self.clock.now());
        self.step::<Output>(id.as_str(), |o| o.submit(Rendering::Exact, &ada, at))
            .await;
    }

    pub(super) async fn review(&self, id: &OutputId, by: &str, verdict: ReviewVerdict) {
        let people = [self.id("ada"), self.id("bo")].into();
        let (by, at) = (self.id(by), self.clock.now());
        let comment = (verdict != ReviewVerdict::Approve).then(|| hash('f'));
        self.step::<Output>(id.as_str(), |o| {
            o.vote(verdict, &hash('c'), comment, &people, &by, at)
        })
        .await;
    }
}
