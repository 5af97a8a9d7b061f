//! What an auditor has tried: whether the published log is whole, and which walls stand.

use std::collections::BTreeMap;
use std::path::Path;

use audit_log::{FileTiles, Outcome, VerifyOptions, Vkey, verify_log};
use governance::{Action, ProjectId};
use protocol::posture::Tried;
use serde::Serialize;
use store::{EventFilter, Order};

use crate::access::Object;
use crate::error::ServiceError;
use crate::log::EventView;
use crate::{Caller, Service};

/// The verifier's answer about the published log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LogVerdict {
    /// `ok` or `bad`.
    pub verdict: &'static str,
    /// Entries that its checkpoint claims; none when that could not be read.
    pub size: Option<u64>,
    /// One sentence.
    pub reason: String,
    /// First entry that disagrees; none when unknown.
    pub first_bad: Option<u64>,
}

/// The walls as they were just tried, and what is in force.
#[derive(Debug, Clone, Serialize)]
pub struct HousePosture {
    /// Every wall around workers, under each sandbox profile.
    pub tried: Vec<Tried>,
    /// Policy files with their SHA-256.
    pub policies: BTreeMap<String, String>,
    /// Build of this front.
    pub front_build: &'static str,
    /// Build of the keeper and its workers.
    pub keeper_build: String,
    /// Key that the log is verified with.
    pub log_vkey: String,
    /// Key that manifests are verified with.
    pub manifest_vkey: String,
}

impl Service {
    /// Verifies the published log: every entry is hashed again, and the keeper's own key must have signed the
    /// root. With a checkpoint from before, the log must extend it.
    ///
    /// # Errors
    /// If the caller may not read the log, or the keeper does not answer. A log that is not whole is no error:
    /// it is the verdict.
    pub async fn verify_log(
        &self,
        caller: &Caller,
        folder: &Path,
        remembered: Option<&str>,
    ) -> Result<LogVerdict, ServiceError> {
        let now = self.now()?;
        self.authorise(caller, Action::ViewLog, &Object::new("log"), now)?;
        if let Some(remembered) = remembered {
            self.within_document_limit(remembered.as_bytes())?;
        }
        let vkey = self.keeper.hello().await?.vkey;
        let vkey = Vkey::parse(&vkey).map_err(|error| ServiceError::Log(error.to_string()))?;
        let options = VerifyOptions {
            vkey: Some(vkey),
            // A browser or a clipboard drops the last line end.
            remembered: remembered.map(|text| format!("{}\n", text.trim_end_matches('\n'))),
            ..VerifyOptions::default()
        };
        // Nobody publishes meanwhile: half a publication would look like damage.
        let _alone = self.publishing.lock().await;
        let tiles = FileTiles::new(folder);
        let verifying = tokio::task::spawn_blocking(move || verify_log(&tiles, &options));
        let verdict = verifying
            .await
            .map_err(|_| ServiceError::Log("it could not be verified".into()))?;
        Ok(LogVerdict {
            verdict: match verdict.verdict {
                Outcome::Ok => "ok",
                Outcome::Bad => "bad",
            },
            size: verdict.size,
            reason: verdict.reason,
            first_bad: verdict.first_bad,
        })
    }

    /// Events of a project or of everything, the newest first, before a leaf or from the end.
    ///
    /// # Errors
    /// If the caller may not read the log.
    pub async fn events_newest(
        &self,
        caller: &Caller,
        project: Option<&ProjectId>,
        before: Option<u64>,
    ) -> Result<Vec<EventView>, ServiceError> {
        let now = self.now()?;
        self.authorise(caller, Action::ViewLog, &Object::new("log"), now)?;
        let filter = EventFilter {
            project,
            before_leaf: before,
            order: Order::NewestFirst,
            limit: self.policies.limits.page,
            ..EventFilter::default()
        };
        let events = self.store.events(filter).await?;
        Ok(events.into_iter().map(EventView::of).collect())
    }

    /// How many entries are recorded, published or not.
    ///
    /// # Errors
    /// If the caller may not read the log.
    pub async fn log_entries(&self, caller: &Caller) -> Result<u64, ServiceError> {
        let now = self.now()?;
        self.authorise(caller, Action::ViewLog, &Object::new("log"), now)?;
        Ok(self.store.log_size().await?)
    }

    /// Has every wall around workers tried, now, and says what is in force.
    ///
    /// # Errors
    /// If the caller may not, or no worker can be started at all.
    pub async fn posture(&self, caller: &Caller) -> Result<HousePosture, ServiceError> {
        let now = self.now()?;
        self.authorise(caller, Action::ViewPosture, &Object::new("log"), now)?;
        let hello = self.keeper.hello().await?;
        Ok(HousePosture {
            tried: self.keeper.posture().await?,
            policies: self.policies.hashes(),
            front_build: protocol::build_id(),
            keeper_build: hello.build,
            log_vkey: hello.vkey,
            manifest_vkey: hello.manifest_vkey,
        })
    }
}
