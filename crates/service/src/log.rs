//! The log as people read it, published as files that anybody can verify without the server.

use std::collections::BTreeMap;
use std::path::Path;

use audit_log::{
    Checkpoint, FileTiles, Hash, InclusionProof, Note, TileNodes, Tiles, Vkey, bundle_start,
    publish, publish_checkpoint, publish_vkey,
};
use governance::output::Output;
use governance::project::Project;
use governance::{Action, By, Fact, Lifecycle, PersonId, ProjectId, Timestamp};
use serde::Serialize;
use store::{EventFilter, Filter};

use crate::access::Object;
use crate::error::ServiceError;
use crate::{Caller, Service};

/// Entries that are published in one go: whole bundles, and no more than the store gives at once.
const PUBLISH_AT_ONCE: u64 = 1_024;

/// One event with its leaf.
#[derive(Debug, Clone, Serialize)]
pub struct EventView {
    /// Number of its leaf.
    pub leaf: u64,
    /// When.
    pub at: Timestamp,
    /// What was done.
    pub action: &'static str,
    /// By whom: a person's id, or nobody when the safe haven itself acted.
    pub by: Option<PersonId>,
    /// Kind of the object.
    pub kind: String,
    /// The object.
    pub object: String,
    /// Ids, hashes and counts.
    pub facts: BTreeMap<String, Fact>,
}

/// Where the log stands.
#[derive(Debug, Clone, Serialize)]
pub struct LogState {
    /// Leaves under the checkpoint.
    pub size: u64,
    /// The signed checkpoint.
    pub checkpoint: String,
}

/// One project of the public register.
#[derive(Debug, Clone, Serialize)]
pub struct RegisterEntry {
    /// The project.
    pub project: ProjectId,
    /// Title.
    pub title: String,
    /// What it is about.
    pub lay_summary: String,
    /// Its state.
    pub state: &'static str,
    /// Outputs released.
    pub released: u64,
}

impl Service {
    /// Has the keeper sign a checkpoint of everything recorded so far and publishes entries, tiles and
    /// checkpoint to a folder.
    ///
    /// # Errors
    /// If the keeper refuses or the folder cannot be written.
    pub async fn publish_log(&self, folder: &Path) -> Result<LogState, ServiceError> {
        let _alone = self.publishing.lock().await;
        let note = self.keeper.sign_checkpoint().await?;
        let signed = checkpoint(&note)?;
        self.store.save_checkpoint(signed.size, &note).await?;
        let hello = self.keeper.hello().await?;
        let vkey = Vkey::parse(&hello.vkey).map_err(log_error)?;
        let tiles = FileTiles::new(folder);
        let published = match tiles.read("checkpoint").map_err(log_error)? {
            Some(bytes) => String::from_utf8(bytes)
                .ok()
                .and_then(|note| checkpoint(&note).ok())
                .map_or(0, |c| bundle_start(c.size)),
            None => 0,
        };
        let mut root = self.publish_from(&tiles, published, signed.size).await?;
        if root != Some(signed.root) && published != 0 {
            root = self.publish_from(&tiles, 0, signed.size).await?;
        }
        if root != Some(signed.root) {
            return Err(ServiceError::Log(
                "the entries do not give the root that the keeper signed".into(),
            ));
        }
        publish_vkey(&tiles, &vkey).map_err(log_error)?;
        publish_checkpoint(&tiles, &note).map_err(log_error)?;
        Ok(LogState {
            size: signed.size,
            checkpoint: note,
        })
    }

    /// Writes entries and tiles and gives the root that they have.
    async fn publish_from(
        &self,
        tiles: &FileTiles,
        mut from: u64,
        size: u64,
    ) -> Result<Option<Hash>, ServiceError> {
        let mut root = None;
        while from < size {
            let to = size.min(from.saturating_add(PUBLISH_AT_ONCE));
            let leaves = self.store.leaves(from, to).await?;
            let published = publish(tiles, from, leaves.into_iter().map(|(_, bytes)| bytes))
                .map_err(log_error)?;
            if published.size != to {
                return Ok(None);
            }
            root = Some(published.root);
            from = to;
        }
        Ok(root)
    }

    /// The latest signed checkpoint.
    ///
    /// # Errors
    /// If there is none yet.
    pub async fn latest_checkpoint(&self) -> Result<String, ServiceError> {
        let latest = self.store.latest_checkpoint().await?;
        latest
            .map(|(_, note)| note)
            .ok_or(ServiceError::NotFound("checkpoint yet"))
    }

    /// An offline proof (C2SP tlog-proof) that a leaf is under the latest checkpoint.
    ///
    /// # Errors
    /// If the caller may not read the log, or the leaf is newer than the checkpoint.
    pub async fn proof(
        &self,
        caller: &Caller,
        folder: &Path,
        leaf: u64,
    ) -> Result<String, ServiceError> {
        let now = self.now()?;
        self.authorise(caller, Action::ViewLog, &Object::new("log"), now)?;
        let (size, note) = self
            .store
            .latest_checkpoint()
            .await?
            .ok_or(ServiceError::NotFound("checkpoint yet"))?;
        if leaf >= size {
            return Err(ServiceError::NotFound("leaf under the latest checkpoint"));
        }
        let entries = self.store.leaves(leaf, leaf + 1).await?;
        let (_, entry) = entries.first().ok_or(ServiceError::NotFound("leaf"))?;
        let tiles = FileTiles::new(folder);
        let nodes = TileNodes::new(&tiles, size);
        let proof = InclusionProof::make(&nodes, leaf, entry, &note).map_err(log_error)?;
        Ok(proof.to_string())
    }

    /// A published tile of hashes.
    ///
    /// # Errors
    /// If the path is not a tile's.
    pub fn tile(&self, folder: &Path, path: &str) -> Result<Option<Vec<u8>>, ServiceError> {
        let tiles = FileTiles::new(folder);
        tiles.read(&format!("tile/{path}")).map_err(log_error)
    }

    /// Events of a project or of everything, for those who may read them.
    ///
    /// # Errors
    /// If the caller may not.
    pub async fn events(
        &self,
        caller: &Caller,
        project: Option<&ProjectId>,
        after: Option<u64>,
    ) -> Result<Vec<EventView>, ServiceError> {
        let now = self.now()?;
        match project {
            Some(id) => {
                let held = self.load::<Project>(id.as_str()).await?;
                self.authorise_project(caller, Action::ViewProject, &held.value, now)
                    .await?;
            }
            None => self.authorise(caller, Action::ViewLog, &Object::new("log"), now)?,
        }
        let filter = EventFilter {
            project,
            after_leaf: after,
            limit: self.policies.limits.page,
            ..EventFilter::default()
        };
        let events = self.store.events(filter).await?;
        Ok(events
            .into_iter()
            .map(|told| EventView {
                leaf: told.leaf,
                at: told.at,
                action: told.action.word(),
                by: match told.by {
                    By::Person(id) => Some(id),
                    By::System => None,
                },
                kind: told.kind,
                object: told.object,
                facts: told.facts,
            })
            .collect())
    }

    /// The public register: projects that are or were in force, and what left them.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn register(&self) -> Result<Vec<RegisterEntry>, ServiceError> {
        let filter = Filter {
            states: &["in_force", "expired", "revoked", "closed"],
            limit: self.policies.limits.page,
            ..Filter::default()
        };
        let mut entries = Vec::new();
        for held in self.store.list::<Project>(filter).await? {
            let Some(manifest) = held.value.manifest() else {
                continue;
            };
            let bytes = self.store.document(&manifest.application).await?;
            let Some(form) =
                bytes.and_then(|b| serde_json::from_slice::<governance::request::Request>(&b).ok())
            else {
                continue;
            };
            let released = Filter {
                project: Some(&manifest.project),
                states: &["released"],
                limit: self.policies.limits.page,
                ..Filter::default()
            };
            let released = self.store.list::<Output>(released).await?.len();
            entries.push(RegisterEntry {
                project: manifest.project.clone(),
                title: form.title,
                lay_summary: form.lay_summary,
                state: held.value.state(),
                released: u64::try_from(released).unwrap_or(u64::MAX),
            });
        }
        Ok(entries)
    }
}

fn checkpoint(note: &str) -> Result<Checkpoint, ServiceError> {
    Note::parse(note)
        .and_then(|note| Checkpoint::parse(note.text()))
        .map_err(log_error)
}

fn log_error(error: audit_log::AuditError) -> ServiceError {
    ServiceError::Log(error.to_string())
}
