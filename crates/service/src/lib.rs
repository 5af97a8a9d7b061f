//! The front office: one function for each act. Each authorises the caller under the site's policies,
//! applies the rule, records the change with its leaf, and only then answers. Pages, API, command line and
//! demo all call these and nothing below them.
//!
//! The front holds no key, no row and no data engine: what needs one is a job that the keeper reads from
//! the store itself.

#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        reason = "tests panic"
    )
)]

pub mod access;
mod audit;
mod cases;
mod clerical;
mod comments;
mod credentials;
mod daily;
mod deliveries;
mod destroy;
mod dummy;
mod error;
mod extracts;
mod jobs;
pub mod keeper;
mod lease;
mod limits;
mod log;
mod measure;
mod outputs;
mod parts;
mod people;
pub mod policies;
mod possible;
mod projects;
mod queries;
mod queueing;
mod reading;
mod recovery;
mod register;
mod repair;
mod research;
mod review;
mod saved;
mod standing;
mod sweep;
#[cfg(test)]
mod tests;
mod views;
mod worklist;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use governance::dataset::Dataset;
use governance::person::Person;
use governance::project::Project;
use governance::{Action, Batch, DatasetId, Lifecycle, PersonId, Sha256, Timestamp};
use ring::rand::{SecureRandom, SystemRandom};
use store::{Beside, Document, Filter, Held, Receipt, Record, Store};

use daily::Daily;

pub use access::{Access, Object};
pub use audit::{HousePosture, LogVerdict};
pub use clerical::{FieldView, PAIRS_PAGE, PairView, PairsPage, ReviewView};
pub use comments::CommentView;
pub use credentials::{Credential, NewCredential, session_csrf};
pub use deliveries::{Body, DeliveryAnswer};
pub use destroy::DestructionAnswer;
pub use error::{Kind, ServiceError};
pub use extracts::{ExtractAnswer, IndexingAnswer};
pub use jobs::{JobProgress, JobView};
pub use keeper::Keeper;
pub use log::{EventView, LogState};
pub use measure::{
    AccountView, AccountsVerdict, BudgetView, Charged, Countable, MeasurementView, PracticeView,
    PriceView, RELEASE_RECORD, ReleaseRecord, Remaining, SelfAuditView,
};
pub use outputs::{AttackView, CheckAnswer, OutputView};
pub use parts::Summary;
pub use people::NewPerson;
pub use policies::Policies;
pub use projects::ProjectView;
pub use protocol::keeper::Door;
pub use protocol::posture::{LayerState, Outcome as AttackOutcome, Requirement, Tried, Wall};
pub use queries::{QueryAnswer, RowsAnswer, Shown};
pub use reading::ProjectReading;
pub use recovery::{Recovered, RecoveredOutput, RecoveredPerson, RecoveryView};
pub use register::{Left, RegisterAct, RegisterDataset, RegisterEntry, RegisterRelease};
pub use repair::Repaired;
pub use research::{OwnOutput, WorkspaceView};
pub use review::{ReviewItem, ReviewSaid, ReviewTurn};
pub use saved::{Before, SavedView};
pub use standing::Standing;
pub use views::{Named, ProjectSummary, Version};
pub use worklist::{Item, Worklist};

/// The clock, passed in.
pub trait Clock: Send + Sync {
    /// Now, in UTC.
    fn now(&self) -> Timestamp;
}

/// Ids, passed in.
pub trait Ids: Send + Sync {
    /// Sixteen lower-case letters or digits that were never given before.
    fn fresh(&self) -> Result<String, ServiceError>;
}

/// Random ids of 80 bits.
#[derive(Debug)]
pub struct RandomIds(SystemRandom);

impl RandomIds {
    /// From the operating system's randomness.
    #[must_use]
    pub fn new() -> Self {
        Self(SystemRandom::new())
    }
}

impl Default for RandomIds {
    fn default() -> Self {
        Self::new()
    }
}

impl Ids for RandomIds {
    fn fresh(&self) -> Result<String, ServiceError> {
        const LETTERS: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
        let mut bytes = [0_u8; 16];
        self.0
            .fill(&mut bytes)
            .map_err(|_| ServiceError::NoRandomness)?;
        Ok(bytes
            .iter()
            .filter_map(|b| LETTERS.get(usize::from(b & 31)))
            .map(|&b| char::from(b))
            .collect())
    }
}

/// A person who has signed in.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The person as the store holds them now.
    pub person: Person,
    /// Which session or token, for the log.
    pub session: Option<String>,
    /// How they signed in.
    pub by: SignedInBy,
}

/// How somebody signed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignedInBy {
    /// With a token: the command line, or somebody new who sets their password.
    Token,
    /// With name, password and second factor.
    Session,
}

impl Caller {
    fn id(&self) -> &PersonId {
        &self.person.id
    }
}

/// The front office.
#[derive(Clone)]
pub struct Service {
    store: Store,
    keeper: Keeper,
    policies: Arc<Policies>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
    latest_ms: Arc<AtomicI64>,
    decisions: cases::Decisions,
    // Which desk this front is, and which process: its name on the leases of the jobs that it runs.
    desk: Door,
    holder: Arc<str>,
    // Which keeper's refusals were noted, up to which number.
    refusals_seen: Arc<tokio::sync::Mutex<(String, u64)>>,
    // What the last audit of the measuring lane found.
    audits: Arc<Daily<SelfAuditView>>,
    // What the last attack on what left recovered.
    attacks: Arc<Daily<AttackView>>,
    // One publisher at a time: the log's files are written in order, by one hand.
    publishing: Arc<tokio::sync::Mutex<log::Written>>,
    // Held from the look at what has left and was shown, or at the budgets, to the record: two releases, one and a
    // screen, or one and a budget that is opened at the same moment, do not miss each other.
    statements: Arc<tokio::sync::Mutex<()>>,
    // Held from the count of what runs or waits to the record of one more.
    queueing: Arc<tokio::sync::Mutex<()>>,
}

impl Service {
    /// A front office over a store, a keeper's socket and the site's policies.
    #[must_use]
    pub fn new(
        store: Store,
        keeper: Keeper,
        policies: Arc<Policies>,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn Ids>,
    ) -> Self {
        // No secret: it only tells one process from the next.
        let holder = format!("{}-{}", std::process::id(), clock.now().as_microsecond());
        Self {
            desk: Door::Research,
            holder: holder.into(),
            refusals_seen: Arc::default(),
            store,
            keeper,
            policies,
            clock,
            ids,
            latest_ms: Arc::new(AtomicI64::new(i64::MIN)),
            decisions: cases::Decisions::default(),
            audits: Arc::new(Daily::first_after(measure::AUDIT_AFTER_S)),
            attacks: Arc::new(Daily::first_after(outputs::ATTACK_AFTER_S)),
            publishing: Arc::default(),
            statements: Arc::default(),
            queueing: Arc::default(),
        }
    }

    /// The store, for readers.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// The keeper.
    #[must_use]
    pub fn keeper(&self) -> &Keeper {
        &self.keeper
    }

    /// Which desk this is.
    #[must_use]
    pub fn desk(&self) -> Door {
        self.desk
    }

    /// The site's policies.
    #[must_use]
    pub fn policies(&self) -> &Policies {
        &self.policies
    }

    /// Now. A clock that moves backwards by more than two seconds stops every act: a right that ended must
    /// not come alive again.
    /// From now on the clock must not stand before this.
    fn not_before(&self, at: Timestamp) {
        self.latest_ms
            .fetch_max(at.as_millisecond(), Ordering::SeqCst);
    }

    fn now(&self) -> Result<Timestamp, ServiceError> {
        let now = self.clock.now();
        let latest = self
            .latest_ms
            .fetch_max(now.as_millisecond(), Ordering::SeqCst);
        if now.as_millisecond().saturating_add(2_000) < latest {
            return Err(ServiceError::ClockBackwards);
        }
        Ok(now)
    }

    /// The time by which this front office acts.
    ///
    /// # Errors
    /// [`ServiceError::ClockBackwards`].
    pub fn time(&self) -> Result<Timestamp, ServiceError> {
        self.now()
    }

    fn fresh<I: TryFrom<String>>(&self, prefix: &str) -> Result<I, ServiceError> {
        let tail = self.ids.fresh()?;
        I::try_from(format!("{prefix}{tail}")).map_err(|_| ServiceError::NoRandomness)
    }

    async fn load<S: Lifecycle>(&self, id: &str) -> Result<Held<S>, ServiceError> {
        self.store
            .load::<S>(id)
            .await?
            .ok_or(ServiceError::NotFound(S::KIND))
    }

    /// Every object that a filter lets through, in the order of their ids, read a page at a time: for lists that
    /// would be wrong if the first page stood for all.
    async fn every<S: Lifecycle>(&self, filter: Filter<'_>) -> Result<Vec<Held<S>>, ServiceError> {
        let mut all: Vec<Held<S>> = Vec::new();
        loop {
            let after = all.last().map(|held| held.value.id().to_owned());
            let page = Filter {
                after: after.as_deref(),
                ..filter
            };
            let page = self.store.list::<S>(page).await?;
            if page.is_empty() {
                return Ok(all);
            }
            all.extend(page);
        }
    }

    /// Whether the site's policies let the caller do this. Records nothing.
    fn authorise(
        &self,
        caller: &Caller,
        action: Action,
        object: &Object,
        at: Timestamp,
    ) -> Result<(), ServiceError> {
        self.policies
            .access
            .authorise(&caller.person, action, object, at)
    }

    async fn record(
        &self,
        caller: Option<&Caller>,
        batch: Batch,
        documents: Vec<Document>,
    ) -> Result<Receipt, ServiceError> {
        self.record_beside(caller, batch, documents, Vec::new())
            .await
    }

    /// Records changes together with rows that have no leaf of their own.
    async fn record_beside(
        &self,
        caller: Option<&Caller>,
        batch: Batch,
        documents: Vec<Document>,
        beside: Vec<Beside>,
    ) -> Result<Receipt, ServiceError> {
        let record = Record {
            batch,
            documents,
            policies: self.policies.hashes(),
            session: caller.and_then(|c| c.session.clone()),
            beside,
        };
        Ok(self.store.record(record).await?)
    }

    async fn datasets(
        &self,
        ids: impl IntoIterator<Item = DatasetId>,
    ) -> Result<BTreeMap<DatasetId, Dataset>, ServiceError> {
        let ids: BTreeSet<DatasetId> = ids.into_iter().collect();
        let held = self
            .store
            .load_all(ids.iter().map(DatasetId::as_str))
            .await?;
        let datasets = held.into_values().map(|held| held.value);
        Ok(datasets
            .map(|dataset: Dataset| (dataset.id.clone(), dataset))
            .collect())
    }

    /// What the policies need to know of a project: who is on it, who controls its datasets.
    async fn project_object(&self, project: &Project) -> Result<Object, ServiceError> {
        let datasets = self.datasets_in(project).await?;
        Ok(reading::project_object(project, &datasets))
    }
}

/// Bytes that are kept beside the log, under a salted commitment.
fn document(kind: &str, bytes: &[u8]) -> Document {
    Document {
        kind: kind.to_owned(),
        bytes: bytes.to_vec(),
    }
}

/// SHA-256 of bytes, in hex.
///
/// # Errors
/// Never in practice: a digest is always 64 hex digits.
pub fn sha256(bytes: &[u8]) -> Result<Sha256, ServiceError> {
    let digest = ring::digest::digest(&ring::digest::SHA256, bytes);
    Sha256::try_from(hex::encode(digest)).map_err(|_| ServiceError::NoRandomness)
}
