//! A small safe haven in a real store, up to an open workspace and a staged output.

mod catalogue;
mod desks;
mod destroy;
mod doors;
mod journey;
mod lies;
mod measurements;
mod pairs;
mod recovery;
mod rows;
mod shown;
mod signing;
mod start;
mod waiting;
mod warrants;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use governance::dataset::Dataset;
use governance::delivery::{Delivery, SealedFile};
use governance::desktop::DesktopNetworks;
use governance::extract::Extract;
use governance::indexing::{Counts, Indexing};
use governance::job::{Authority, Job, Task};
use governance::output::Output;
use governance::person::Person;
use governance::project::{PanelVerdict, Paper, Papers, Project, SignatureVerdict};
use governance::request::{Request, TierPolicy, View};
use governance::workspace::Workspace;
use governance::{Batch, By, Change, DatasetId, Lifecycle, PersonId, ProjectId, Sha256, Timestamp};
use protocol::keeper::Door;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, SqliteConnection};
use store::{Document, FILE_NAME, Record, Store};
use tempfile::TempDir;
use tokio::sync::watch;

use crate::server::Keeper;
use crate::{Capacity, Config, RootKey, Socket};

pub(crate) const STATEMENT: &str = "select sex, count(distinct person) from stays group by sex";
pub(crate) const DAY: i64 = 86_400;
pub(crate) const CAPACITY: Capacity = Capacity {
    statements_at_once: 8,
    project_at_once: 4,
    jobs_at_once: 2,
    queue_s: 300,
    query_s: 60,
    spares: 4,
    spare_bytes_max: 512 << 20,
    spare_idle_s: 900,
    connections: 128,
    fetches_at_once: 4,
    request_bytes: 1 << 20,
};
/// 2026-01-10T00:00:00Z
const START: i64 = 1_768_003_200;

pub(crate) fn id<T: std::str::FromStr>(text: &str) -> T
where
    T::Err: std::fmt::Debug,
{
    text.parse().unwrap()
}

pub(crate) fn hash_of(bytes: &[u8]) -> Sha256 {
    Sha256::try_from(hex::encode(audit_log::sha256(bytes))).unwrap()
}

pub(crate) fn sealed(name: &str) -> SealedFile {
    SealedFile {
        name: name.into(),
        sha256: hash_of(name.as_bytes()),
        bytes: name.len() as u64,
    }
}

pub(crate) struct World {
    pub(crate) dir: TempDir,
    pub(crate) store: Store,
    pub(crate) keeper: Arc<Keeper>,
    pub(crate) time: Arc<AtomicI64>,
    _close: watch::Sender<bool>,
}

/// What may be told wrongly while the world is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Told {
    Truth,
    /// Nothing; its projects ask for rows on the screen.
    Rows,
    /// Put in force under the hash of another manifest.
    OtherHash,
    /// Signed by a key of the same name that is not the keeper's.
    OtherKey,
    /// With the note of another project.
    OtherNote,
}

fn socket(path: PathBuf) -> Socket {
    Socket { path, peer: None }
}

pub(crate) fn config(dir: &Path, time: &Arc<AtomicI64>) -> Config {
    let [worker, query_worker, judge_worker] =
        ["worker", "query-worker", "judge-worker"].map(|name| dir.join(name));
    for program in [&worker, &query_worker, &judge_worker]
        .into_iter()
        .filter(|program| !program.exists())
    {
        std::fs::write(program, b"not a program").unwrap();
    }
    let time = Arc::clone(time);
    Config {
        data_dir: dir.join("keeper"),
        store_dir: dir.to_owned(),
        root_key: RootKey::Folder(dir.join("root")),
        research: socket(dir.join("research.sock")),
        indexing: socket(dir.join("indexing.sock")),
        worker,
        query_worker,
        judge_worker,
        libraries: Vec::new(),
        origin: "strongroom.example/test".into(),
        job_profile_toml: include_str!("../../../policies/sandbox/job.toml").into(),
        query_profile_toml: include_str!("../../../policies/sandbox/sql.toml").into(),
        linkage_settings: "{}".into(),
        request_limits: request_limits(),
        disclosure: crate::Disclosure {
            policy: include_str!("../../../policies/disclosure/default.toml").into(),
            statements: 20,
            register_mib: 64,
            screens_mib: 32,
            project_screens_mib: 16,
        },
        desktops: DesktopNetworks::parse(&["10.20.0.0/16".into()]).unwrap(),
        upload_bytes_max: 1 << 20,
        capacity: CAPACITY,
        clock: Arc::new(move || Timestamp::from_second(time.load(Ordering::SeqCst)).unwrap()),
    }
}

pub(crate) async fn keeper(
    dir: &Path,
    time: &Arc<AtomicI64>,
) -> (Arc<Keeper>, watch::Sender<bool>) {
    let (close, closing) = watch::channel(false);
    let keeper = Keeper::open(config(dir, time), closing).await.unwrap();
    (Arc::new(keeper), close)
}

impl World {
    /// People, two datasets with deliveries, project `prj_a` with everything up to a staged output.
    pub(crate) async fn with(told: Told) -> Self {
        Self::within(tempfile::tempdir().unwrap(), told).await
    }

    /// The same in a folder that may hold a worker already.
    pub(crate) async fn within(dir: TempDir, told: Told) -> Self {
        let store = Store::open(dir.path()).await.unwrap();
        let time = Arc::new(AtomicI64::new(START));
        let (keeper, close) = keeper(dir.path(), &time).await;
        let world = Self {
            dir,
            store,
            keeper,
            time,
            _close: close,
        };
        world.people().await;
        world.catalogue().await;
        world.project("prj_b", Told::Truth).await;
        world.project("prj_a", told).await;
        world
    }

    pub(crate) async fn honest() -> Self {
        let world = Self::with(Told::Truth).await;
        world.extract("prj_a", "a").await;
        world.extract("prj_b", "b").await;
        world
    }

    pub(crate) fn now(&self) -> Timestamp {
        Timestamp::from_second(self.time.load(Ordering::SeqCst)).unwrap()
    }

    pub(crate) fn pass(&self, seconds: i64) {
        self.time.fetch_add(seconds, Ordering::SeqCst);
    }

    pub(crate) fn rooms(&self) -> PathBuf {
        self.dir.path().join("keeper")
    }

    pub(crate) async fn begin<S: Lifecycle>(&self, change: Change<S>) {
        self.record(Batch::new().begin(change).unwrap(), Vec::new())
            .await;
    }

    pub(crate) async fn record(&self, batch: Batch, documents: Vec<Document>) {
        let record = Record {
            batch,
            documents,
            ..Record::default()
        };
        self.store.record(record).await.unwrap();
    }

    pub(crate) async fn get<S: Lifecycle>(&self, id: &str) -> S {
        self.store.load::<S>(id).await.unwrap().unwrap().value
    }

    /// Changes an object that is there.
    pub(crate) async fn change<S: Lifecycle>(
        &self,
        id: &str,
        act: impl FnOnce(S) -> Result<Change<S>, governance::Refusal>,
    ) {
        let held = self.store.load::<S>(id).await.unwrap().unwrap();
        let change = act(held.value).unwrap();
        self.record(Batch::new().change(held.version, change).unwrap(), vec![])
            .await;
    }

    /// A connection past the store, as an intruder would have.
    pub(crate) async fn beside(&self) -> SqliteConnection {
        SqliteConnectOptions::new()
            .filename(self.dir.path().join(FILE_NAME))
            .foreign_keys(false)
            .connect()
            .await
            .unwrap()
    }

    pub(crate) async fn intrude(&self, sql: &'static str) {
        sqlx::raw_sql(sql)
            .execute(&mut self.beside().await)
            .await
            .unwrap();
    }

    async fn project(&self, name: &str, told: Told) {
        let (author, at) = (id::<PersonId>("per_a"), self.now());
        let request: Request = serde_json::from_value(serde_json::json!({
            "title": "T", "lay_summary": "S", "public_benefit": "B", "people": ["per_a"],
            "datasets": [{"dataset": "dst_stays", "event": "present",
                "variables": [
                    {"name": "sex", "why": "w"},
                    {"name": "age", "source": "born", "why": "w",
                     "transform": {"to": "age_at", "date": "admitted"}}],
                "rows": [{"is": "in", "column": "sex", "values": ["F", "M"]}]}],
            "start": "2026-01-05", "end": "2026-02-10", "minimum_cell": 10, "commercial": "none",
            "view": if told == Told::Rows { View::Rows } else { View::Aggregates }
        }))
        .unwrap();
        let tiers: TierPolicy = serde_json::from_value(serde_json::json!({
            "quorum_one": 3, "quorum_two": 3, "controllers_max": 9, "months_max": 60
        }))
        .unwrap();
        let dataset: Dataset = self.get("dst_stays").await;
        let datasets: BTreeMap<DatasetId, Dataset> =
            BTreeMap::from([(dataset.id.clone(), dataset.clone())]);
        let form = hash_of(&serde_json::to_vec(&request).unwrap());
        self.begin(Project::start(id(name), &author, at)).await;
        self.change::<Project>(name, |p| {
            p.submit(request, form.clone(), &datasets, &tiers, &author, at)
        })
        .await;
        self.change::<Project>(name, |p| {
            p.sign(
                &dataset,
                &form,
                SignatureVerdict::Signed,
                &id("per_ctl"),
                at,
            )
        })
        .await;
        for voter in ["per_p1", "per_p2", "per_p3"] {
            self.change::<Project>(name, |p| {
                p.vote(
                    &form,
                    PanelVerdict::Approve,
                    vec![],
                    &datasets,
                    &id(voter),
                    at,
                )
            })
            .await;
        }
        self.change::<Project>(name, |p| p.approve(&tiers, &id("per_p1"), at))
            .await;
        self.commence(name, told).await;
    }

    async fn commence(&self, name: &str, told: Told) {
        let at = self.now();
        let (mut note, mut hash) = self.keeper.sign_manifest(name).await.unwrap();
        match told {
            Told::Truth | Told::Rows => {}
            Told::OtherHash => hash = "0f".repeat(32),
            Told::OtherKey => {
                let key = self.keeper.custody.manifest.vkey().name().to_owned();
                let key = audit_log::LogKey::from_seed(&key, &[7; 32]).unwrap();
                let text = format!("strongroom manifest\n{name}\n{hash}\n");
                note = key.sign_note(&text).unwrap().to_string();
            }
            Told::OtherNote => {
                let Project::InForce(other) = self.get::<Project>("prj_b").await else {
                    panic!("prj_b is in force");
                };
                note = other.signature;
            }
        }
        let paper = |reference: &str| Paper {
            reference: reference.into(),
            until: "2026-12-31".parse().unwrap(),
        };
        let papers = Papers {
            ethics: paper("e"),
            impact_assessment: paper("i"),
            sharing_agreement: paper("s"),
            funding: paper("f"),
        };
        let people = BTreeMap::from([(id("per_a"), self.get::<Person>("per_a").await)]);
        let hash = Sha256::try_from(hash).unwrap();
        self.change::<Project>(name, |p| {
            p.commence(papers, &people, hash, note, &id("per_coord"), at)
        })
        .await;
    }

    pub(crate) async fn in_force(&self, name: &str) -> governance::project::InForce {
        match self.get::<Project>(name).await {
            Project::InForce(in_force) => in_force,
            other => panic!("{} is {}", name, other.state()),
        }
    }

    /// `idx_N`, `ext_N` (sealed), `wsp_N` (open), `out_N` (staged); `idx_N2`, `ext_N2` (ordered).
    async fn extract(&self, project: &str, n: &str) {
        let (at, in_force) = (self.now(), self.in_force(project).await);
        let stays: Delivery = self.get("del_stays").await;
        let spine: Delivery = self.get("del_spine").await;
        for tail in ["", "2"] {
            let name = format!("idx_{n}{tail}");
            let order = Indexing::order(
                id(&name),
                &in_force,
                &stays,
                &spine,
                None,
                &id("per_idx"),
                at,
            );
            self.begin(order.unwrap()).await;
        }
        let name = format!("idx_{n}");
        self.change::<Indexing>(&name, |i| {
            let counts = Counts {
                records: 7,
                linked: 6,
                withheld: 0,
                objected: 0,
                review: None,
            };
            let file = |word: &str| sealed(&format!("{name}.{word}.job_i1"));
            i.complete(file("links"), file("map"), counts, at)
        })
        .await;
        let indexing: Indexing = self.get(&name).await;
        let chosen = [(id("dst_stays"), indexing)];
        for tail in ["", "2"] {
            let order = Extract::order(
                id(&format!("ext_{n}{tail}")),
                &in_force,
                &chosen,
                &id("per_std"),
                at,
            );
            self.begin(order.unwrap()).await;
        }
        let name = format!("ext_{n}");
        self.change::<Extract>(&name, |e| {
            e.seal(sealed(&format!("{name}.extract.job_e1")), vec![], at)
        })
        .await;
        let extract: Extract = self.get(&name).await;
        let place = Workspace::open(
            id(&format!("wsp_{n}")),
            &in_force,
            &extract,
            &id("per_std"),
            at,
        );
        self.begin(place.unwrap()).await;
        let place: Workspace = self.get(&format!("wsp_{n}")).await;
        let permit = in_force.permit(&self.get("per_a").await, at).unwrap();
        let staged = Output::stage(
            id(&format!("out_{n}")),
            &permit,
            &place,
            hash_of(STATEMENT.as_bytes()),
            hash_of(b"context"),
            &id("per_a"),
            at,
        );
        let statement = Document {
            kind: "statement".into(),
            bytes: STATEMENT.into(),
        };
        let batch = Batch::new().begin(staged.unwrap()).unwrap();
        self.record(batch, vec![statement]).await;
    }

    /// The door that a job belongs to.
    pub(crate) async fn door(&self, job: &str) -> Door {
        match self.store.load::<Job>(job).await {
            Ok(Some(held)) if matches!(held.value.core().task, Task::Index { .. }) => {
                Door::Indexing
            }
            _ => Door::Research,
        }
    }

    /// Queues a job with an hour to go.
    pub(crate) async fn queue(&self, job: &str, task: Task, authority: Authority) {
        let deadline = self.now().checked_add(jiff_hour()).unwrap();
        let queued = Job::queue(id(job), task, authority, deadline, &By::System, self.now());
        self.begin(queued).await;
    }

    pub(crate) async fn under(&self, project: &str) -> Authority {
        Authority::Manifest {
            project: id::<ProjectId>(project),
            sha256: self.in_force(project).await.manifest_sha256,
        }
    }
}

fn jiff_hour() -> std::time::Duration {
    std::time::Duration::from_secs(3600)
}

pub(crate) fn instructed(dataset: &str) -> Authority {
    Authority::Instruction {
        dataset: id(dataset),
    }
}

pub(crate) fn query() -> Task {
    Task::Query {
        workspace: id("wsp_a"),
        person: id("per_a"),
        statement: hash_of(STATEMENT.as_bytes()),
        screen: governance::job::Screen::default(),
    }
}

/// As shipped, in the form that an order carries.
fn request_limits() -> protocol::job::RequestLimits {
    let text = include_str!("../../../policies/privacy/request.toml");
    let pairs = text.lines().filter_map(|line| line.split_once(" = "));
    let pairs = pairs.filter(|(name, _)| !name.starts_with('#'));
    let fields: Vec<String> = pairs
        .map(|(name, value)| format!("\"{name}\":{value}"))
        .collect();
    serde_json::from_str(&format!("{{{}}}", fields.join(","))).unwrap()
}
